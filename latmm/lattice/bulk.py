"""Force constants of one crystal from its structure and a potential: relaxed, displaced, checked."""

from ase import Atoms

from latmm.lattice.dynamics import require_stable
from latmm.lattice.folding import require_supercell
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import (
    choose_supercell,
    dispersion_error,
    finite_displacements,
    force_constant_table,
)
from latmm.lattice.space_group import primitive_cell
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import relax_crystal
from latmm.threads import single_threaded

__all__ = ["bulk_force_constants", "displaced_crystal", "relaxed_crystal"]


@single_threaded
def bulk_force_constants(
    atoms: Atoms,
    potential: Potential,
    *,
    relax: bool = True,
    supercell: tuple[int, int, int] | None = None,
    name: str = "the crystal",
    how: Execution = HERE,
) -> ForceConstants:
    """Force constants of the primitive cell of a crystal.

    Parameters
    ----------
    atoms : Atoms
        The crystal, any cell of it.
    potential : Potential
        From :func:`latmm.resolve_potential`.
    relax : bool
        Relax cell and atoms first.
    supercell : (3,) int, optional
        Conventional cells of the finite displacements; by default from the potential's reach.
    name : str
        For messages.
    how : Execution
        Who computes forces, and who hears of it.

    Returns
    -------
    ForceConstants
        eV Å⁻².

    Raises
    ------
    InputError
        If the supercell is too small for the potential.
    InstabilityError
        If the crystal has imaginary modes.
    """
    cell = primitive_cell(atoms)
    if relax:
        cell = relaxed_crystal(cell, potential, name=name, how=how)
    table, _ = displaced_crystal(cell, potential, supercell=supercell, name=name, how=how)
    return table


def relaxed_crystal(cell: Atoms, potential: Potential, *, name: str, how: Execution = HERE) -> Atoms:
    """Relax a cell and its atoms, and tell how it goes."""
    stage = f"relaxation of {name}"
    how.report(stage, 0, 1)
    found = relax_crystal(cell, potential.calculator, name=name, watch=how.watch(stage))
    how.report(stage, 1, 1)
    return found


def displaced_crystal(
    cell: Atoms,
    potential: Potential,
    *,
    supercell: tuple[int, int, int] | None = None,
    name: str = "the crystal",
    stage: str | None = None,
    how: Execution = HERE,
) -> tuple[ForceConstants, float]:
    """Force constants of a cell as it is, by finite displacements.

    Parameters
    ----------
    cell : Atoms
        Primitive, in any orientation, relaxed or not.
    potential : Potential
        Gives the forces.
    supercell : (3,) int, optional
        Conventional cells of the finite displacements; by default from the potential's reach.
    name : str
        For messages.
    stage : str, optional
        Name in reports of progress.
    how : Execution
        Who computes forces, and who hears of it.

    Returns
    -------
    ForceConstants, float
        And the largest relative difference of ω² between this table and phonopy.

    Raises
    ------
    InputError
        If the supercell is too small for the potential: its images falsify force constants.
    InstabilityError
        If the crystal has imaginary modes.
    """
    matrix = choose_supercell(cell, potential.reach, supercell)
    require_supercell(cell, potential, matrix, name, how=how)
    phonon = finite_displacements(
        cell, potential, supercell=matrix, how=how, stage=stage or f"forces of {name}"
    )
    table = force_constant_table(phonon, cell)
    require_stable(table, name)
    return table, dispersion_error(phonon, table)
