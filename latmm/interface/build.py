"""From two crystals and a potential to an interface ready for the Green's function.

Relax both crystals, orient and match them, relax the strained side out of the plane, compute the force
constants of both (phonopy), relax the contact and compute its force constants, and make the explicit region
thicker until the force constants at its ends are those of the pure crystals.
"""

from dataclasses import replace

import numpy as np
from ase import Atoms

from latmm.errors import ConvergenceError, InputError
from latmm.interface.assembly import (
    END_LIMIT,
    Progress,
    Region,
    assemble_interface,
    buffer_layers,
    principal_layers,
)
from latmm.interface.contact import build_slab, relax_contact
from latmm.interface.interface import Interface
from latmm.interface.matching import MAX_STRAIN, Matched, match, principal_strain
from latmm.interface.orientation import orient
from latmm.interface.tiling import tile
from latmm.lattice.calculators import Potential
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonons import require_stable
from latmm.lattice.phonopy_bridge import (
    choose_supercell,
    dispersion_error,
    finite_displacements,
    force_constant_table,
)
from latmm.lattice.relaxation import relax_crystal, relax_stacking
from latmm.lattice.space_group import primitive_cell

__all__ = ["END_LIMIT", "Interface", "assemble_interface", "build_interface"]

MAX_LAYERS = 24
"""Contact layers on each side beyond which the search for bulk-like ends is given up."""


def build_interface(
    left: Atoms,
    right: Atoms,
    normal: tuple[int, int, int],
    potential: Potential,
    *,
    relax: bool = True,
    strain: str = "right",
    max_strain: float = MAX_STRAIN,
    supercell: tuple[int, int, int] | None = None,
    layers: int = 2,
    lateral: tuple[int, int] = (1, 1),
    progress: Progress | None = None,
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
    strain : {"right", "left", "both"}
        The side that takes the in-plane strain.
    max_strain : float
        Largest principal strain accepted.
    supercell : (3,) int, optional
        Repetitions of the conventional cell for the displacements; from the potential's reach by default.
    layers : int
        Least number of primitive layers of each crystal whose force constants are those of the contact;
        more are taken until they end like the pure crystals'.
    lateral : (2,) int
        Primitive in-plane cells of the supercell that the contact is repeated in.
    progress : callable, optional
        Called with (stage, done, in all).

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
    if int(layers) != layers or layers < 1:
        raise InputError(f"`layers` must be a positive integer, but is {layers}; use e.g. 2")
    report = progress if progress is not None else (lambda stage, done, total: None)
    sides = ("left", "right")
    crystals = []
    for step, (side, atoms) in enumerate(zip(sides, (left, right), strict=True)):
        report("relaxation", step, 3)
        reduced = primitive_cell(atoms)
        if relax:
            reduced = relax_crystal(reduced, potential.calculator, name=_name(side, reduced))
        crystals.append(orient(reduced, normal))
    matched = match(crystals[0], crystals[1], strain=strain, max_strain=max_strain)
    report("relaxation", 2, 3)
    if relax:
        matched = _relax_strained(matched, potential)
    report("relaxation", 3, 3)
    tables, checks = [], {}
    for side in sides:
        table, found = _bulk(side, matched, potential, supercell, report)
        tables.append(table)
        checks.update(found)
    region = _grown(matched, (tables[0], tables[1]), potential, relax=relax, layers=layers, report=report)
    interface = region.interface(f"{potential.name}: {potential.description}", (normal, normal), checks)
    return interface if tuple(lateral) == (1, 1) else tile(interface, lateral)


def _name(side: str, atoms: Atoms) -> str:
    return f"the {side} crystal ({atoms.get_chemical_formula()})"


def _relax_strained(matched: Matched, potential: Potential) -> Matched:
    """Relax the third lattice vector and the atoms of the sides that are strained."""
    relaxed = {}
    for side in ("left", "right"):
        atoms: Atoms = getattr(matched, side)
        strained = np.max(np.abs(getattr(matched, f"strain_{side}"))) > 1e-9
        relaxed[side] = (
            relax_stacking(atoms, potential.calculator, name=_name(side, atoms)) if strained else atoms
        )
    return replace(matched, left=relaxed["left"], right=relaxed["right"])


def _bulk(
    side: str,
    matched: Matched,
    potential: Potential,
    supercell: tuple[int, int, int] | None,
    report: Progress,
) -> tuple[ForceConstants, dict[str, tuple[float, float]]]:
    """Force constants of one crystal, checked against phonopy and for stability."""
    atoms: Atoms = getattr(matched, side)
    strain = float(np.max(np.abs(principal_strain(getattr(matched, f"strain_{side}")))))
    name = _name(side, atoms) + (f", strained by {100 * strain:.1f} % in the plane," if strain > 1e-6 else "")
    matrix = choose_supercell(atoms, potential.reach, supercell)
    phonon = finite_displacements(
        atoms,
        potential,
        supercell=matrix,
        progress=lambda done, total: report(f"forces of the {side} crystal", done, total),
    )
    table = force_constant_table(phonon, atoms)
    require_stable(table, name)
    return table, {
        f"dispersion_{side}": (dispersion_error(phonon, table), 1e-10),
        f"sum_rule_{side}": (table.sum_rule_error, 1e-12),
    }


def _grown(
    matched: Matched,
    tables: tuple[ForceConstants, ForceConstants],
    potential: Potential,
    *,
    relax: bool,
    layers: int,
    report: Progress,
) -> Region:
    """Relax the contact and compute its force constants, thicker until its ends are bulk-like."""
    principal = principal_layers(*tables)
    buffer = np.array(buffer_layers(matched, potential, principal))
    inner = np.maximum(layers, principal)
    while True:
        within, whole = (int(inner[0]), int(inner[1])), inner + buffer
        slab = build_slab(matched, (int(whole[0]), int(whole[1])))
        if relax:
            slab = relax_contact(slab, potential.calculator, layers=within)
        region = Region.displaced(matched, slab, *tables, potential, within, progress=report)
        if not region.thick_enough:
            buffer += 1
            continue
        if region.end_deviation <= END_LIMIT:
            return region
        inner += principal
        if inner.max() > MAX_LAYERS:
            raise ConvergenceError(
                f"the contact's force constants still differ by {region.end_deviation:.1e} from the pure "
                f"crystals' {MAX_LAYERS} layers away from it (limit {END_LIMIT:g}); use another potential, a "
                "smaller strain, or --no-relax"
            )
