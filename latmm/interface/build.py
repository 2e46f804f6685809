"""From two crystals and a potential to an interface ready for the Green's function.

Relax both crystals, orient and match them, relax the strained side out of the plane, compute the force
constants of both (phonopy), relax the contact and compute its force constants, and make the explicit region
thicker until the force constants at its ends are those of the pure crystals.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.checks import Check, by_name, check
from latmm.errors import InputError, MismatchError
from latmm.geometry.coincidence import SMALLEST, CommonCell, coincidences, matched_of
from latmm.geometry.cuts import cut_at, terminations
from latmm.geometry.matching import MISFIT, Matched, Misfit, match, principal_strain
from latmm.geometry.orientation import orient
from latmm.interface.assembly import END_LIMIT, assemble_interface
from latmm.interface.growth import grow
from latmm.interface.guards import contact_force, crystal_guards
from latmm.interface.interface import Interface
from latmm.interface.matched_pair import MatchedPair, Planes
from latmm.interface.registration import extended, in_cell
from latmm.interface.registry import scan_registry, shifted
from latmm.interface.slab import Slab, build_slab
from latmm.lattice.bulk import displaced_crystal
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.space_group import primitive_cell
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import relax_crystal, relax_stacking
from latmm.threads import single_threaded

__all__ = [
    "END_LIMIT",
    "Interface",
    "assemble_interface",
    "join_crystals",
    "build_interface",
    "match_alike",
    "match_crystals",
]

_SIDES = ("left", "right")


@single_threaded
def build_interface(
    left: Atoms,
    right: Atoms,
    normal: tuple[int, int, int],
    potential: Potential,
    *,
    relax: bool = True,
    misfit: Misfit = MISFIT,
    supercell: tuple[int, int, int] | None = None,
    how: Execution = HERE,
) -> Interface:
    """Build the interface of two crystals of one structure on one plane.

    Parameters
    ----------
    left, right : ase.Atoms
        The crystals; masses are kept.
    normal : (3,) int
        Miller indices of the plane, with respect to the conventional cell of each.
    potential : Potential
        For both crystals and the contact.
    relax : bool
        Relax the crystals, the spacing of the strained side, and the contact.
    misfit : Misfit
        Which side takes the in-plane strain, how much of it, and what is added; with ``relax`` crystals that
        are strained then relax along the normal.
    supercell : (3,) int, optional
        Repetitions of the conventional cell for the displacements; from the potential's reach by default.
    how : Execution
        Who computes forces, and who hears of it.

    Returns
    -------
    Interface

    Raises
    ------
    InputError, MismatchError
        If the plane or the crystals do not fit.
    InstabilityError
        If a crystal has imaginary modes.
    ConvergenceError
        If a relaxation or the thickness of the contact does not converge.
    """
    matched = match_alike(
        left,
        right,
        normal,
        potential,
        relax=relax,
        misfit=misfit,
        how=how,
    )
    return join_crystals(
        matched, (normal, normal), potential, relax=relax, start=(0.0, 0.0, 0.0), supercell=supercell, how=how
    )


@single_threaded
def match_alike(
    left: Atoms,
    right: Atoms,
    normal: tuple[int, int, int],
    potential: Potential,
    *,
    relax: bool = True,
    misfit: Misfit = MISFIT,
    how: Execution = HERE,
) -> Matched:
    """Match two crystals of one structure so that one continues the other, atom by atom.

    Parameters and errors as in :func:`build_interface`.
    """
    crystals = _crystals(left, right, (normal, normal), potential, relax, how)
    matched = match(*crystals, **vars(misfit))
    return _relax_strained(matched, potential, how) if relax else matched


@single_threaded
def match_crystals(
    left: Atoms,
    right: Atoms,
    normals: Planes,
    potential: Potential,
    *,
    relax: bool = True,
    misfit: Misfit = MISFIT,
    cell: CommonCell = SMALLEST,
    how: Execution = HERE,
) -> Matched:
    """Match any two crystals on any two planes by a coincidence cell.

    Parameters
    ----------
    left, right : ase.Atoms
        The crystals; masses are kept.
    normals : (2, 3) int
        Miller indices of the plane in each, with respect to its conventional cell.
    potential : Potential
        Relaxes the crystals, and the spacing of the strained ones.
    relax : bool
        Relax them.
    misfit : Misfit
        Which side is strained, and how much.
    cell : CommonCell
        Which of the common cells of both planes.
    how : Execution
        Who computes forces, and who hears of it.

    Returns
    -------
    Matched

    Raises
    ------
    InputError, MismatchError
        If no cell is found, or a number is not of its list.
    """
    crystals = _crystals(left, right, normals, potential, relax, how)
    turned = [
        _cut(side, crystal, cut) for side, crystal, cut in zip(_SIDES, crystals, cell.cuts, strict=True)
    ]
    found = coincidences(
        *turned, max_area=cell.max_area, max_strain=misfit.max_strain, strain=misfit.strain, twist=cell.twist
    )
    names = " and ".join(
        f"{crystal.get_chemical_formula()} ({' '.join(map(str, normal))})"
        for crystal, normal in zip(turned, normals, strict=True)
    )
    if not found:
        raise MismatchError(
            f"no common cell of {names} within {cell.max_area:g} Å² and "
            f"{100 * misfit.max_strain:g} % strain; "
            "allow a larger cell (`max_area`) or strain (`max_strain`), or another twist"
        )
    choose = cell.choose
    if int(choose) != choose or not 1 <= choose <= len(found):
        raise InputError(f"`choose` must be a number of the list, 1 to {len(found)}, but is {choose}")
    matched = matched_of(found[choose - 1], turned[0], turned[1], misfit.in_plane_strain)
    return _relax_strained(matched, potential, how) if relax else matched


@single_threaded
def join_crystals(
    matched: Matched,
    normals: Planes,
    potential: Potential,
    *,
    relax: bool = True,
    start: ArrayLike | Slab | None = None,
    supercell: tuple[int, int, int] | None = None,
    layers: int = 2,
    how: Execution = HERE,
) -> Interface:
    """Build the interface of two matched crystals.

    Parameters
    ----------
    matched : Matched
        From :func:`match_crystals`, or any other.
    normals : (2, 3) int
        Miller indices of the plane in each crystal, for the record.
    potential : Potential
        For both crystals and the contact.
    relax : bool
        Relax the contact.
    start : (3,) float or Slab, optional
        Rigid displacement of the right crystal from the mean-gap stacking, Å, to begin with; by default the
        best of :func:`latmm.interface.registry.scan_registry`. Or an explicit region, from
        :func:`latmm.interface.region_file.read_region`; all of it belongs to the contact, and its lateral
        cell is that of the interface.
    supercell, how
        As in :func:`build_interface`.
    layers : int
        Least number of primitive layers of each crystal whose force constants are those of the contact;
        more are taken until they end like the pure crystals'.

    Returns
    -------
    Interface

    Raises
    ------
    InputError, InstabilityError, ConvergenceError
        As :func:`build_interface`.
    """
    if int(layers) != layers or layers < 1:
        raise InputError(f"`layers` must be a positive integer, but is {layers}; use e.g. 2")
    region = start if isinstance(start, Slab) else None
    if region is not None:
        matched = in_cell(matched, region.atoms.cell.array)
    (left, checks), (right, others) = (_bulk(side, matched, potential, supercell, how) for side in _SIDES)
    pair = MatchedPair(matched, left, right, normals, by_name([*checks, *others]))
    least = (layers, layers)
    if region is not None:
        stack = partial(extended, region, matched)
        least = (max(layers, region.depth[0]), max(layers, region.depth[1]))
    else:
        shift = scan_registry(matched, potential, how=how).best if start is None else start
        stack = partial(_stacked, matched, np.asarray(shift, dtype=float))
    grown = grow(pair, potential, stack, relax=relax, layers=least, how=how)
    force = contact_force(grown.slab, potential, grown.layers, pair.crystals, relaxed=relax)
    interface = grown.interface(f"{potential.name}: {potential.description}", by_name([force]))
    return replace(interface, notes=potential.notes(matched.left, matched.right))


def _stacked(matched: Matched, shift: Floats, layers: tuple[int, int]) -> Slab:
    return shifted(build_slab(matched, layers), shift)


def _crystals(
    left: Atoms,
    right: Atoms,
    normals: Planes,
    potential: Potential,
    relax: bool,
    how: Execution,
) -> tuple[Atoms, Atoms]:
    """Primitive cells, relaxed and oriented."""
    crystals = []
    for step, (side, atoms, normal) in enumerate(zip(_SIDES, (left, right), normals, strict=True)):
        how.report("relaxation", step, 2)
        reduced = primitive_cell(atoms)
        if relax:
            name = _name(side, reduced)
            watch = how.watch(f"relaxation: {name}", step, 2)
            reduced = relax_crystal(reduced, potential.calculator, name=name, watch=watch)
        crystals.append(orient(reduced, normal))
    how.report("relaxation", 2, 2)
    return crystals[0], crystals[1]


def _cut(side: str, crystal: Atoms, number: int) -> Atoms:
    """Cut a crystal at one of its terminations."""
    known = terminations(crystal)
    if int(number) != number or not 1 <= number <= len(known):
        raise InputError(f"the {side} crystal has cuts 1 to {len(known)}, not {number}; see `terminations`")
    return cut_at(crystal, known[number - 1].height)


def _name(side: str, atoms: Atoms) -> str:
    return f"the {side} crystal ({atoms.get_chemical_formula()})"


def _relax_strained(matched: Matched, potential: Potential, how: Execution) -> Matched:
    """Relax the third lattice vector and the atoms of the sides that are strained."""
    relaxed = {}
    for side in _SIDES:
        atoms: Atoms = getattr(matched, side)
        relaxed[side] = (
            relax_stacking(
                atoms,
                potential.calculator,
                name=_name(side, atoms),
                watch=how.watch("relaxation of the strained side"),
            )
            if _strained(matched, side)
            else atoms
        )
    return replace(matched, left=relaxed["left"], right=relaxed["right"])


def _strained(matched: Matched, side: str) -> bool:
    return bool(np.max(np.abs(getattr(matched, f"strain_{side}"))) > 1e-9)


def _bulk(
    side: str,
    matched: Matched,
    potential: Potential,
    supercell: tuple[int, int, int] | None,
    how: Execution,
) -> tuple[ForceConstants, list[Check]]:
    """Force constants of one crystal, checked against phonopy and for stability and equilibrium."""
    atoms: Atoms = getattr(matched, side)
    strain = float(np.max(np.abs(principal_strain(getattr(matched, f"strain_{side}")))))
    name = _name(side, atoms) + (f", strained by {100 * strain:.1f} % in the plane" if strain > 1e-6 else "")
    table, dispersion = displaced_crystal(
        *(atoms, potential), supercell=supercell, name=name, stage=f"forces of the {side} crystal", how=how
    )
    return table, [
        check(f"dispersion_{side}", dispersion, 1e-10),
        check(f"sum_rule_{side}", table.sum_rule_error, 1e-12),
        *crystal_guards(side, table, potential, strained=_strained(matched, side)),
    ]
