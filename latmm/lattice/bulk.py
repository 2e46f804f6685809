"""Force constants of one crystal from its structure and a potential: relaxed, displaced, checked."""

from ase import Atoms

from latmm.lattice.dynamics import require_stable
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
from latmm.lattice.space_group import primitive_cell
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import relax_crystal
from latmm.threads import single_threaded

__all__ = ["bulk_force_constants"]


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
    InstabilityError
        If the crystal has imaginary modes.
    """
    cell = primitive_cell(atoms)
    if relax:
        stage = f"relaxation of {name}"
        how.report(stage, 0, 1)
        cell = relax_crystal(cell, potential.calculator, name=name, watch=how.watch(stage))
        how.report(stage, 1, 1)
    phonon = finite_displacements(
        cell,
        potential,
        supercell=choose_supercell(cell, potential.reach, supercell),
        how=how,
        stage=f"forces of {name}",
    )
    table = force_constant_table(phonon, cell)
    require_stable(table, name)
    return table
