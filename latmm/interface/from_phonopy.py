"""Two crystals of one structure with finished force constants, laid on each other on a plane.

Force constants are turned into the axes of the interface and relabelled to its cells, end where leaving out
more would count, and are made those of a crystal that turns freely. They are those of each unstrained
crystal: the strain that makes the lattices one is geometry.
"""

import numpy as np
from ase import Atoms

from latmm.arrays import Floats
from latmm.checks import Check, by_name, check
from latmm.geometry.matching import MISFIT, Misfit, match
from latmm.geometry.orientation import orient
from latmm.interface.guards import unknown_guards
from latmm.interface.matched_pair import MatchedPair, Planes
from latmm.lattice.cutting import FREQUENCY_LIMIT, SLOPE_LIMIT, band_change, cut, least_cut
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.recast import find_setting
from latmm.lattice.rotation import free_to_turn

__all__ = ["match_tables", "oriented"]


_SAME = 1e-8
"""Largest relative difference of ω² between a turned table and the one that it came from."""


def oriented(table: ForceConstants, plane: tuple[int, int, int]) -> ForceConstants:
    """Turn a crystal's force constants to a plane and make them those of a crystal that turns freely.

    Parameters
    ----------
    table : ForceConstants
        Of the primitive cell, in any setting.
    plane : (3,) int
        Miller indices in the conventional cell; the normal becomes z.
    """
    return free_to_turn(find_setting(table.atoms, orient(table.atoms, plane)).recast(table))


def match_tables(
    left: ForceConstants,
    right: ForceConstants,
    normals: Planes,
    *,
    misfit: Misfit = MISFIT,
    layers: int | None = None,
) -> MatchedPair:
    """Orient and match two crystals with their force constants.

    Parameters
    ----------
    left, right : ForceConstants
        Of the primitive cells, in any setting.
    normals : (2, 3) int
        Miller indices of the plane in each crystal's conventional cell, pointing from left to right.
    misfit : Misfit
        The side whose lattice is laid on the other's, and by how much at most.
    layers : int, optional
        Layers that force constants may span; by default as many as count.

    Returns
    -------
    MatchedPair
        Atom i of right continues atom i of left. Its checks: ω² against the tables given, sum rules, and what
        cutting and freeing changed.

    Raises
    ------
    InputError, MismatchError
        If the plane or the crystals do not fit, or ``layers`` leave too little of a crystal.
    """
    upright = [orient(table.atoms, plane) for table, plane in zip((left, right), normals, strict=True)]
    matched = match(upright[0], upright[1], strain=misfit.strain, max_strain=misfit.max_strain)
    found: list[ForceConstants] = []
    checks: list[Check] = []
    for side, table, source in zip(("left", "right"), (left, right), upright, strict=True):
        target, stretch = getattr(matched, side), getattr(matched, f"strain_{side}")
        whole, difference = _laid(table, source, target, stretch)
        part = least_cut(whole) if layers is None else cut(whole, layers)
        free = free_to_turn(part.table)
        found.append(free)
        checks += [
            check(f"dispersion_{side}", difference, _SAME),
            check(f"sum_rule_{side}", free.sum_rule_error, 1e-12),
            check(f"cut_slope_{side}", part.slope, SLOPE_LIMIT),
            check(f"cut_frequency_{side}", part.frequency, FREQUENCY_LIMIT),
            check(f"rotation_{side}", band_change(free, part.table), FREQUENCY_LIMIT),
            *unknown_guards(side),
        ]
    return MatchedPair(matched, found[0], found[1], normals, by_name(checks))


def _laid(
    table: ForceConstants, upright: Atoms, target: Atoms, stretch: Floats
) -> tuple[ForceConstants, float]:
    """Force constants in the oriented, then in the matched cell, and how far ω² is from the original's."""
    first = find_setting(table.atoms, upright)
    second = find_setting(upright, target, stretch)
    laid = second.recast(first.recast(table))
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (5, 3))
    reference = np.linalg.eigvalsh(table.dynamical_matrix(q))
    own = np.linalg.eigvalsh(laid.dynamical_matrix(second.qpoints(first.qpoints(q))))
    return laid, float(np.abs(own - reference).max() / reference.max())
