"""Force constants across a contact from a finished calculation that holds it: a superlattice, or a slab.

The calculation's atoms get the names of the crystals' sites (:mod:`latmm.interface.recognition`). The layers
next to the contact, half of each stretch of crystal, take their force constants from it; beyond them come
the crystals' own, also where an atom of these layers reaches beyond its stretch. What couples there to the
next contact of a superlattice is left out and reported, and so is how far the force constants at the ends of
the region are from the crystals'.
"""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from ase import Atoms

from latmm.arrays import Bools, Floats, Integers
from latmm.checks import check
from latmm.errors import InputError, MismatchError
from latmm.geometry.lateral import locate
from latmm.geometry.matching import MISFIT, Misfit
from latmm.interface.assembly import Region
from latmm.interface.from_phonopy import match_tables
from latmm.interface.interface import Interface
from latmm.interface.joining import bulk_pairs
from latmm.interface.matched_pair import MatchedPair, Planes
from latmm.interface.mixing import require_stable_contact
from latmm.interface.pairs import PairConstants
from latmm.interface.recognition import Image, Recognised, recognise
from latmm.interface.slab import Slab, build_slab
from latmm.interface.symmetry import layer_operations
from latmm.lattice.force_constants import ForceConstants
from latmm.threads import single_threaded

__all__ = ["superlattice_interface"]

_VACUUM = 15.0
"""Empty space between the slab's surfaces, Å: it only tells them apart."""
_CUT_LIMIT = 1e-2
"""Largest force constant to other contacts or surfaces, relative to the largest, that passes unnoticed."""

Places: TypeAlias = dict[Image, tuple[int, Integers]]
"""Image of an atom of the calculation → atom of the slab, and translation of the common cell from there."""


@single_threaded
def superlattice_interface(
    left: ForceConstants,
    right: ForceConstants,
    contact: ForceConstants,
    normals: Planes,
    *,
    misfit: Misfit = MISFIT,
    layers: int | None = None,
    source: str = "finished calculations of both crystals and of the contact",
) -> Interface:
    """Build the interface of two crystals whose contact is part of a calculation.

    Parameters
    ----------
    left, right : ForceConstants
        Of the primitive cells, in any setting. Best strained as they are in the calculation of the contact.
    contact : ForceConstants
        Of the superlattice or slab, in any orientation.
    normals : (2, 3) int
        Miller indices of the plane in each crystal's conventional cell, pointing from left to right. A polar
        crystal that lies upside down in its file takes the opposite ones.
    misfit : Misfit
        The side whose lattice is laid on the other's, and by how much at most.
    layers : int, optional
        Layers that the crystals' force constants may span; by default as many as count.
    source : str
        Where the force constants come from, for the record.

    Returns
    -------
    Interface
        Its check ``region_ends`` says how far the ends of the region are from the pure crystals,
        ``region_cut`` the largest force constant left out, both relative to the largest.

    Raises
    ------
    InputError, MismatchError
        If plane, crystals and calculation do not fit, or its crystals are too thin.
    InstabilityError
        If the joined contact is unstable.
    """
    if any(table.dipoles is not None for table in (left, right, contact)):
        raise InputError(
            "a calculation of the contact is joined without dipoles; read it and both crystals without the "
            "non-analytic term (nac=False)"
        )
    pair = match_tables(left, right, normals, misfit=misfit, layers=layers)
    found = recognise(contact.atoms, pair.matched)
    inner = found.layers[0] // 2, found.layers[1] // 2
    if min(inner) < 1:
        raise MismatchError(
            f"the calculation of the contact holds {found.layers[0]} and {found.layers[1]} layers of the two "
            "crystals; two of each are the least"
        )
    slab, places = _slab(found, contact.atoms, pair, inner)
    zone = slab.within(inner)
    rows, lost = _rows(found, contact, slab, places, zone)
    held = np.zeros(len(slab.atoms), dtype=bool)
    held[[atom for atom, _ in places.values()]] = True
    bulk = bulk_pairs(slab, pair)
    rows = rows.merged(bulk.select(zone[bulk.first] & ~held[bulk.second]))
    region = Region(pair, slab, inner, layer_operations(slab.atoms), rows)
    checks = {"region_cut": check("region_cut", lost / contact.scale, _CUT_LIMIT)}
    interface = region.interface(f"calculation of the contact; {source}", checks)
    require_stable_contact(interface)
    return interface


def _slab(
    found: Recognised, contact: Atoms, pair: MatchedPair, inner: tuple[int, int]
) -> tuple[Slab, Places]:
    """Build the slab, the calculation's atoms in their places and pure crystals beyond; place every image."""
    matched = pair.matched
    principal = pair.principal
    depth = [max(n + 3 * p, k) for n, p, k in zip(inner, principal, found.layers, strict=True)]
    slab = build_slab(matched, (depth[0], depth[1]))
    count = len(found.between)
    start = int(np.count_nonzero(slab.side < 0))
    laterals = {-1: matched.lateral_left, 1: matched.lateral_right}
    names = {}
    for atom in range(len(slab.atoms)):
        side, layer, member = int(slab.side[atom]), int(slab.layer[atom]), int(slab.member[atom])
        number = int(locate(laterals[side], slab.cell[atom])[0])
        names[side, layer, member, number] = atom if side < 0 else atom + count
    places: Places = {}
    for side, labels in ((-1, found.left), (1, found.right)):
        for image, (member, a, b, layer) in labels.items():
            index, common = locate(laterals[side], np.array([a, b]))
            places[image] = names[side, layer, member, int(index)], common
    for number, image in enumerate(found.between):
        places[image] = start + number, np.zeros(2, dtype=np.int64)
    return _placed(found, contact, _widened(slab, contact, found, start), places), places


def _widened(slab: Slab, contact: Atoms, found: Recognised, start: int) -> Slab:
    """Insert the atoms of neither crystal."""
    middle = contact[[atom for atom, _ in found.between]]
    atoms = slab.atoms[:start] + middle + slab.atoms[start:]

    def filled(labels: Integers) -> Integers:
        zeros = np.zeros((len(middle), *labels.shape[1:]), dtype=np.int64)
        return np.concatenate([labels[:start], zeros, labels[start:]])

    return Slab(
        atoms, filled(slab.side), filled(slab.layer), filled(slab.member), filled(slab.cell), slab.shift
    )


def _placed(found: Recognised, contact: Atoms, slab: Slab, places: Places) -> Slab:
    """Put the recognised atoms where the calculation has them; move the others along with the nearest layer.

    Masses are those of the two crystals, which may have been chosen, and of the calculation in between.
    """
    positions = slab.atoms.get_positions()
    shift = np.full(positions.shape, np.nan)
    for image, (atom, common) in places.items():
        own = found.positions[image[0]] + np.array([*-common, image[1]]) @ found.cell
        shift[atom] = own - positions[atom]
    for side in (-1, 1):
        chosen = np.flatnonzero(slab.side == side)
        known = np.isfinite(shift[chosen, 0])
        layer = slab.layer[chosen]
        edge = layer[known].min() if side < 0 else layer[known].max()
        shift[chosen[~known]] = shift[chosen[known & (layer == edge)]].mean(axis=0)
    positions += shift
    positions[:, 2] -= positions[:, 2].min()
    atoms = slab.atoms.copy()
    atoms.positions = positions
    atoms.center(vacuum=0.5 * _VACUUM, axis=2)
    return replace(slab, atoms=atoms)


def _rows(
    found: Recognised, contact: ForceConstants, slab: Slab, places: Places, zone: Bools
) -> tuple[PairConstants, float]:
    """Force constants of the zone's atoms, and the largest that leads out of the two crystals."""
    cells = np.rint(contact.cells @ np.linalg.inv(found.basis)).astype(np.int64)
    values = np.einsum("ac,rijab,bd->rijcd", found.rotation, contact.values, found.rotation, optimize=True)
    strength = np.abs(values).max(axis=(3, 4))
    parts: list[tuple[int, int, Integers, Floats]] = []
    lost = 0.0
    for (source, period), (atom, common) in places.items():
        if not zone[atom]:
            continue
        for r, partner in np.argwhere(strength[:, source] > 0.0).tolist():
            there = places.get((partner, period + int(cells[r, 2])))
            if there is None:
                lost = max(lost, float(strength[r, source, partner]))
            else:
                parts.append((atom, there[0], there[1] + cells[r, :2] - common, values[r, source, partner]))
    first, second, cell, blocks = (np.array(x) for x in zip(*parts, strict=True))
    return PairConstants.collected(slab.atoms, first, second, cell, blocks), lost
