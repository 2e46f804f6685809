"""An interface of two finished calculations: the force constants across the contact by a mixing rule.

Two crystals of one structure, each with its own force constants and no potential that knows both. They are
matched site by site; pairs of atoms on one side keep their crystal's force constants. A pair across the
contact is a pair in both crystals at once, with Φ_L and Φ_R, and takes one of

    arithmetic    ½ (Φ_L + Φ_R),
    harmonic      (|Φ_R| Φ_L + |Φ_L| Φ_R) / (|Φ_L| + |Φ_R|),      |·| the Frobenius norm,
    mass          Φ_L, and the right crystal has the left one's force constants too: only masses differ.

The harmonic rule is two springs in series pair by pair: 2 k_L k_R/(k_L + k_R) where Φ_R is a multiple of Φ_L.
It needs no inverse, which most blocks do not have (distant pairs are weak, indefinite, not symmetric); it is
bounded by twice the weaker of both, keeps positive blocks positive, commutes with rotations of the axes and
with the exchange of atoms or of sides. Sum rule and exchange symmetry are made exact after joining, the
antisymmetric part of the sums included (:meth:`~latmm.interface.pairs.PairConstants.with_self_terms`); that
this can be done at all needs crystals that turn freely (:mod:`latmm.lattice.rotation`).

The lattices differ. The force constants are taken as they are, each of its own unstrained crystal; the strain
that makes the lattices one only says which sites correspond, and enters nothing but geometry: k∥, areas, and
the densities and vectors that the continuum models use.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from latmm.arrays import Floats
from latmm.checks import by_name, check
from latmm.defaults import MIXING_RULES
from latmm.errors import InputError, InstabilityError
from latmm.geometry.lateral import cells_of
from latmm.geometry.matching import MISFIT, Misfit
from latmm.interface.assembly import Region
from latmm.interface.from_phonopy import match_tables
from latmm.interface.guards import stability
from latmm.interface.interface import Interface
from latmm.interface.joining import bulk_pairs
from latmm.interface.matched_pair import MatchedPair, Planes
from latmm.interface.pairs import PairConstants
from latmm.interface.polar import PolarContact
from latmm.interface.polar_leads import ERROR, band_error
from latmm.interface.slab import SIDES, Slab, build_slab
from latmm.interface.symmetry import layer_operations
from latmm.interface.tiling import tile
from latmm.lattice.force_constants import ForceConstants
from latmm.threads import single_threaded

__all__ = ["RULES", "mix", "mix_interface", "require_stable_contact"]


_TWIST: Final = 1e-6
"""Antisymmetric row sums of the dipoles, relative to the largest force constant, that pass unnoticed."""


def _arithmetic(left: Floats, right: Floats) -> Floats:
    return 0.5 * (left + right)


def _harmonic(left: Floats, right: Floats) -> Floats:
    first, second = (np.linalg.norm(x, axis=(-2, -1), keepdims=True) for x in (left, right))
    total = first + second
    return np.asarray((second * left + first * right) / np.where(total > 0.0, total, 1.0))


def _left(left: Floats, _: Floats) -> Floats:
    return left


RULES: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = dict(
    zip(MIXING_RULES, (_arithmetic, _harmonic, _left), strict=True)
)
"""Mixing rules by name."""
_WORDS: Final = {
    "arithmetic": "arithmetic mean of both crystals' force constants across the contact",
    "harmonic": "harmonic mean of both crystals' force constants across the contact",
    "mass": "force constants of the left crystal everywhere, masses of the right one on the right",
}


def mix(left: Floats, right: Floats, rule: str) -> Floats:
    """Force constants of pairs across the contact from those of both crystals.

    Parameters
    ----------
    left, right : (..., 3, 3) float
        Φ of the same pairs in both crystals, eV Å⁻².
    rule : str
        From :data:`RULES`.

    Returns
    -------
    (..., 3, 3) float
    """
    if rule not in RULES:
        raise InputError(f"unknown mixing rule {rule!r}; choose from {', '.join(RULES)}")
    return RULES[rule](left, right)


@single_threaded
def mix_interface(
    left: ForceConstants,
    right: ForceConstants,
    normals: Planes,
    *,
    rule: str = "arithmetic",
    misfit: Misfit = MISFIT,
    layers: int | None = None,
    lateral: tuple[int, int] = (1, 1),
    source: str = "finished calculations of both crystals",
) -> Interface:
    """Build the interface of two crystals of one structure from their force constants.

    Parameters
    ----------
    left, right : ForceConstants
        Of the primitive cells, in any setting; masses count.
    normals : (2, 3) int
        Miller indices of the plane in each crystal's conventional cell, pointing from left to right. A polar
        crystal that lies upside down in its file takes the opposite ones.
    rule : {"arithmetic", "harmonic", "mass"}
        For the pairs across the contact.
    misfit : Misfit
        The side whose lattice is laid on the other's, and by how much at most.
    layers : int, optional
        Layers that force constants may span; by default as many as count
        (:func:`latmm.lattice.cutting.least_cut`).
    lateral : (2,) int
        Primitive in-plane cells of the supercell that the contact is repeated in.
    source : str
        Where the force constants come from, for the record.

    Returns
    -------
    Interface

    Raises
    ------
    InputError, MismatchError
        If the rule is unknown, or plane or crystals do not fit.
    InstabilityError
        If the mixed contact is unstable.
    """
    mix(np.zeros((3, 3)), np.zeros((3, 3)), rule)
    polar = _polar(left, right)
    if polar and tuple(lateral) != (1, 1):
        raise InputError(
            "dipoles are treated in contacts of one primitive in-plane cell, but `lateral` is "
            f"{tuple(lateral)}; read the crystals without the non-analytic term (nac=False)"
        )
    pair = match_tables(left, right, normals, misfit=misfit, layers=layers)
    if rule == "mass":
        pair = pair.mass_only()
    principal = pair.principal
    # a pair across the contact has its atoms in these layers
    depth = max(principal)
    slab = build_slab(pair.matched, (depth + 2 * principal[0], depth + 2 * principal[1]))
    zone = slab.within((depth, depth))
    bulk = bulk_pairs(slab, pair)
    across = _across(slab, pair, rule)
    region = Region(
        pair,
        slab,
        (depth, depth),
        layer_operations(slab.atoms),
        bulk.select(zone[bulk.first]).merged(across),
    )
    interface = region.interface(f"{_WORDS[rule]}; {source}", {})
    if polar:
        interface = _with_dipoles(interface)
    require_stable_contact(interface)
    return interface if tuple(lateral) == (1, 1) else tile(interface, lateral)


def _polar(left: ForceConstants, right: ForceConstants) -> bool:
    """Tell whether both crystals have dipoles; refuse one without."""
    if (left.dipoles is None) != (right.dipoles is None):
        raise InputError(
            "one crystal has Born charges and the other has none: read both with the non-analytic term, or "
            "both without (nac=False); a crystal without dipoles takes charges of zero and its own ε"
        )
    return left.dipoles is not None


def _with_dipoles(interface: Interface) -> Interface:
    """Add the dipoles, and the checks that they change."""
    contact = PolarContact(
        interface.left, interface.right, interface.slab, interface.principal, interface.layers
    )
    errors = [
        check(f"dipoles_{side}", band_error(crystal, principal), ERROR)
        for side, crystal, principal in zip(
            ("left", "right"), (interface.left, interface.right), interface.principal, strict=True
        )
    ]
    twist = check("sum_rule_dipoles", contact.twist / interface.contact.scale, _TWIST)
    checks = by_name([*errors, twist, contact.stability(interface.contact)])
    return replace(interface, polar=contact, checks={**interface.checks, **checks})


def _across(slab: Slab, pair: MatchedPair, rule: str) -> PairConstants:
    """Pairs with an atom on either side: the whole slab taken for one crystal, for the other, and mixed."""
    found = []
    for side, alike in zip(SIDES, (pair.of_left(), pair.of_right()), strict=True):
        whole = replace(slab, side=np.full(len(slab.atoms), side))
        every = bulk_pairs(whole, alike)
        found.append(every.select(slab.side[every.first] != slab.side[every.second]))
    # the same pairs in the same order
    first, second = found[0].merged(found[1], 0.0), found[1].merged(found[0], 0.0)
    return replace(first, values=mix(first.values, second.values, rule))


def require_stable_contact(interface: Interface) -> None:
    """Check that the contact, clamped at its ends, has no imaginary modes.

    A part of a stable whole is stable. Crystals that are stable each do not promise it: the pairs across the
    contact are neither's own.

    Raises
    ------
    InstabilityError
        Naming the imaginary frequency and k∥.
    """
    layers, principal = interface.layers, interface.principal
    moving = (layers[0] + principal[0], layers[1] + principal[1])
    cells = len(cells_of(interface.matched.lateral_left))
    if interface.polar is not None:
        found = interface.checks["region_stability"]
    else:
        found = stability(interface.slab, interface.contact, moving, cells)
    if not found.passed:
        raise InstabilityError(
            f"the contact is unstable ({interface.potential}): imaginary mode {found.where}; use another "
            "mixing rule, or force constants of the contact itself"
        )
