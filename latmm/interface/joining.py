"""Force constants of a slab joined from those of its contact and those of the two pure crystals.

A pair with an atom in the ``zone`` (the layers nearest the contact, and what lies between the crystals) takes
its force constant from the contact, every other pair that of its own pure crystal. Exchange symmetry and the
acoustic sum rule are then made exact for the whole: the self terms absorb what is left, so that a rigid shift
costs no energy anywhere.
"""

import numpy as np

from latmm.arrays import Bools, Floats, Integers
from latmm.errors import InputError
from latmm.geometry.lateral import locate
from latmm.interface.matched_pair import MatchedPair
from latmm.interface.pairs import PairConstants
from latmm.interface.slab import SIDES, Slab
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import NOISE

__all__ = ["bulk_pairs", "end_deviation", "join", "reach_in_layers", "surface_terms"]


def bulk_pairs(slab: Slab, pair: MatchedPair) -> PairConstants:
    """Force constants that the pure crystals have between the sites of a slab.

    Parameters
    ----------
    slab : Slab
        Labelled sites.
    pair : MatchedPair
        The crystals.

    Returns
    -------
    PairConstants
        Pairs of sites of one side; partners beyond the slab are left out.

    Raises
    ------
    InputError
        If two atoms claim one site.
    """
    parts = []
    matched = pair.matched
    for side, crystal, lateral in zip(
        SIDES, pair.crystals, (matched.lateral_left, matched.lateral_right), strict=True
    ):
        own = np.flatnonzero(slab.side == side)
        if own.size:
            parts.append(_side_pairs(slab, own, crystal, lateral))
    first, second, cell, values = (np.concatenate(x) for x in zip(*parts, strict=True))
    return PairConstants.collected(slab.atoms, first, second, cell, values)


def _side_pairs(
    slab: Slab, own: Integers, crystal: ForceConstants, lateral: Integers
) -> tuple[Integers, Integers, Integers, Floats]:
    """Pairs between the sites of one crystal."""
    layer, member = slab.layer[own], slab.member[own]
    place, offset = locate(lateral, slab.cell[own])
    low, depth = int(layer.min()), int(np.ptp(layer)) + 1
    at = np.full((depth, round(float(np.linalg.det(lateral))), len(crystal.atoms)), -1)
    at[layer - low, place, member] = np.arange(len(own))
    if np.count_nonzero(at >= 0) < len(own):
        raise InputError(
            "two atoms of the slab have the same side, layer, cell and member; one name, one site"
        )
    entries = np.argwhere(np.any(crystal.values, axis=(3, 4)))
    parts = []
    for kind in range(len(crystal.atoms)):
        chosen = entries[entries[:, 1] == kind]
        rows = np.flatnonzero(member == kind)
        step = crystal.cells[chosen[:, 0]]
        target = layer[rows][:, None] + step[:, 2] - low
        there, common = locate(lateral, slab.cell[own[rows]][:, None, :] + step[:, :2])
        inside = (target >= 0) & (target < depth)
        second = np.where(inside, at[np.clip(target, 0, depth - 1), there, chosen[:, 2]], -1)
        row, entry = np.nonzero(second >= 0)
        partner = second[row, entry]
        parts.append(
            (
                own[rows[row]],
                own[partner],
                common[row, entry] - offset[partner],
                crystal.values[chosen[entry, 0], kind, chosen[entry, 2]],
            )
        )
    first, second, cell, values = (np.concatenate(x) for x in zip(*parts, strict=True))
    return first, second, cell, values


def end_deviation(
    slab: Slab, rows: PairConstants, bulk: PairConstants, zone: Bools, pair: MatchedPair
) -> float:
    """Largest departure from the pure crystal of the force constants in the outermost layers of the zone.

    Relative to the largest force constant of that crystal. Small means that the zone is thick enough. The
    self term follows from the sum rule and repeats the others: it is left out.
    """
    difference = rows.select(~rows.self_term).merged(bulk.select(~bulk.self_term), -1.0)
    worst = 0.0
    for side, crystal in zip(SIDES, pair.crystals, strict=True):
        inside = zone & (slab.side == side)
        if not inside.any():
            continue
        outer = slab.layer[inside].min() if side < 0 else slab.layer[inside].max()
        row = inside & (slab.layer == outer)
        chosen = difference.select(row[difference.first] & (slab.side[difference.second] == side))
        worst = max(worst, float(np.abs(chosen.values).max(initial=0.0)) / crystal.scale)
    return worst


def reach_in_layers(slab: Slab, pairs: PairConstants, zone: Bools) -> tuple[int, int]:
    """How many layers beyond the zone its force constants reach, on the left and on the right."""
    outward = pairs.select(zone[pairs.first] & ~zone[pairs.second])
    left, right = (slab.side[outward.second] == side for side in SIDES)
    edge = -int(slab.layer[zone & (slab.side < 0)].min(initial=0))
    top = int(slab.layer[zone & (slab.side > 0)].max(initial=-1)) + 1
    return (
        max(0, -edge - int(slab.layer[outward.second[left]].min(initial=-edge))),
        max(0, int(slab.layer[outward.second[right]].max(initial=top - 1)) + 1 - top),
    )


def join(
    slab: Slab,
    rows: PairConstants,
    bulk: PairConstants,
    zone: Bools,
    pair: MatchedPair,
) -> PairConstants:
    """Join the contact's force constants to those of the two pure crystals.

    Parameters
    ----------
    slab : Slab
        N atoms; its outermost layers stand for the leads.
    rows : PairConstants
        All pairs whose first atom is in the zone, from a calculation of the contact.
    bulk : PairConstants
        From :func:`bulk_pairs`.
    zone : (N,) bool
        Atoms whose rows are given.
    pair : MatchedPair
        The pure crystals, oriented and strained as in the slab.

    Returns
    -------
    PairConstants
        Pairs below 1e-11 of the largest force constant, rounding of the forces, are cut before the sum rule
        is made exact. The self terms of the surface layers are those of the pure crystals, as if the leads
        went on.
    """
    contact = _exchange(rows, zone)
    contact = contact.select(contact.strength > NOISE * max(crystal.scale for crystal in pair.crystals))
    whole = contact.merged(bulk.select(~zone[bulk.first] & ~zone[bulk.second]))
    return whole.with_self_terms(surface_terms(slab, pair), adjustable=zone)


def _exchange(rows: PairConstants, zone: Bools) -> PairConstants:
    """Impose Φ_ij(R) = Φ_ji(−R)ᵀ: the mean where both rows are known, the one that is known elsewhere."""
    known = rows.select(zone[rows.first])
    weight = 1.0 / (1.0 + zone[known.second])
    half = PairConstants(
        known.atoms, known.first, known.second, known.cell, known.values * weight[:, None, None]
    )
    return half.merged(half.mirrored())


def surface_terms(slab: Slab, pair: MatchedPair) -> dict[int, Floats]:
    """Return the self terms of the atoms whose partners go beyond the slab: those of the pure crystals."""
    terms = {}
    for side, crystal in zip(SIDES, pair.crystals, strict=True):
        own = slab.side == side
        reach = int(np.abs(crystal.cells[:, 2]).max(initial=0))
        if side < 0:
            own &= slab.layer < slab.layer[own].min(initial=0) + reach
        else:
            own &= slab.layer > slab.layer[own].max(initial=0) - reach
        centre = int(np.flatnonzero(np.all(crystal.cells == 0, axis=1))[0])
        for atom in np.flatnonzero(own).tolist():
            member = int(slab.member[atom])
            terms[atom] = crystal.values[centre, member, member]
    return terms
