"""Supercells too small for a potential, told by one displaced atom."""

import numpy as np
import pytest
from ase.build import bulk

from latmm.errors import InputError
from latmm.lattice.bulk import bulk_force_constants
from latmm.lattice.folding import folding_error, require_supercell
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
from latmm.potentials.calculators import resolve_potential


@pytest.fixture(scope="module")
def copper():
    return bulk("Cu", a=3.59), resolve_potential("emt", ["Cu"])


def test_supercell_beyond_the_reach_folds_nothing(copper):
    for atoms, potential in (copper, (bulk("Si", a=5.432), resolve_potential("tersoff", ["Si"]))):
        supercell = choose_supercell(atoms, potential.reach)
        assert folding_error(atoms, potential, supercell) < 1e-10


@pytest.mark.slow
def test_error_is_that_of_the_force_constants_from_the_supercell(copper):
    atoms, potential = copper
    tables = [
        force_constant_table(finite_displacements(atoms, potential, supercell=supercell), atoms)
        for supercell in (choose_supercell(atoms, None, (2, 2, 2)), choose_supercell(atoms, None, (4, 4, 4)))
    ]
    blocks = [dict(zip(map(tuple, t.cells.tolist()), t.values[:, 0, 0], strict=True)) for t in tables]
    zero = np.zeros((3, 3))
    pairs = set(blocks[0]) | set(blocks[1]) - {(0, 0, 0)}
    error = max(
        np.abs(blocks[0].get(c, zero) - blocks[1].get(c, zero)).max() for c in pairs if c != (0, 0, 0)
    )
    largest = max(np.abs(block).max() for cell, block in blocks[1].items() if cell != (0, 0, 0))
    found = folding_error(atoms, potential, choose_supercell(atoms, None, (2, 2, 2)))
    assert found == pytest.approx(error / largest, rel=1e-3)
    assert 1e-3 < found < 1e-2


def test_equal_shares_of_unequal_images_are_an_error():
    # second neighbours of silicon sit on the boundary of one conventional cell, with four different matrices
    silicon, potential = bulk("Si", a=5.432), resolve_potential("tersoff", ["Si"])
    supercell = choose_supercell(silicon, None, (1, 1, 1))
    assert folding_error(silicon, potential, supercell) == pytest.approx(0.053, abs=0.001)
    with pytest.raises(InputError, match=r"supercell of the left crystal is too small.*`supercell`"):
        require_supercell(silicon, potential, supercell, "the left crystal")
    require_supercell(silicon, potential, choose_supercell(silicon, None, (2, 2, 2)), "the left crystal")


def test_potential_of_unknown_reach_is_let_pass():
    potential = resolve_potential("ase.calculators.emt:EMT", ["Cu"])
    atoms = bulk("Cu", a=3.59)
    require_supercell(atoms, potential, choose_supercell(atoms, None, (1, 1, 1)), "the left crystal")
    with pytest.raises(InputError, match="not known"):
        folding_error(atoms, potential, choose_supercell(atoms, None, (1, 1, 1)))


def test_supercell_beyond_any_search_for_symmetry_is_refused(copper):
    atoms, potential = copper
    with pytest.raises(InputError, match="would hold 4000000 atoms"):
        require_supercell(
            atoms, potential, 100 * choose_supercell(atoms, None, (1, 1, 1)), "the left crystal"
        )


def test_force_constants_of_one_crystal_refuse_a_supercell_that_falsifies_them(structure):
    """As those of an interface do: one function computes both."""
    potential = resolve_potential("emt", ["Al"])
    with pytest.raises(InputError, match="supercell of the crystal is too small"):
        bulk_force_constants(structure("al"), potential, relax=False, supercell=(2, 2, 2))
