"""Force constants from phonopy: the table repeats phonopy's D(q), wherever the cell puts its atoms."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from latmm.errors import InputError
from latmm.lattice.dynamics import phonons
from latmm.lattice.phonopy_bridge import (
    choose_supercell,
    dispersion_error,
    finite_displacements,
    force_constant_table,
)
from latmm.lattice.space_group import crystal_symmetry, primitive_cell
from latmm.parallel.execution import Execution
from latmm.potentials.calculators import resolve_potential
from latmm.units import EV_PER_A2_AMU, TWO_PI

RANDOM = np.random.default_rng(4).uniform(-0.5, 0.5, (8, 3))


def difference(phonon, table, q=RANDOM):
    reference = np.asarray(phonon.run_qpoints(q, with_dynamical_matrices=True).dynamical_matrices)
    return np.abs(table.dynamical_matrix(q) - reference).max() / np.abs(reference).max()


@pytest.mark.parametrize("name", ["silicon", "argon", "aluminium"])
def test_dynamical_matrix_equals_phonopys(name, request):
    crystal = request.getfixturevalue(name)
    assert difference(crystal.phonopy, crystal.constants) < 1e-10
    assert dispersion_error(crystal.phonopy, crystal.constants) < 1e-10
    assert crystal.constants.sum_rule_error < 1e-13


def test_dispersion_error_sees_a_wrong_table(silicon):
    heavier = silicon.constants.with_masses(silicon.atoms.get_masses() * (1 + 1e-6))
    assert dispersion_error(silicon.phonopy, heavier) == pytest.approx(1e-6, rel=0.05)


def test_atoms_outside_the_cell_and_another_orientation_give_the_same_crystal(silicon):
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    moved = silicon.atoms.copy()
    moved.set_cell(moved.cell.array @ turn)
    moved.positions = moved.positions @ turn + np.array([[1, -2, 0], [-1, 0, 3]]) @ moved.cell.array + 0.3
    matrix = choose_supercell(moved, silicon.potential.reach)
    phonon = finite_displacements(moved, silicon.potential, supercell=matrix)
    table = force_constant_table(phonon, moved)
    np.testing.assert_array_equal(table.atoms.positions, moved.positions)
    assert difference(phonon, table) < 1e-10
    assert table.reach() <= silicon.potential.reach
    # the displacements point along other directions: an error of second order in them
    np.testing.assert_allclose(
        phonons(table, RANDOM).frequency, phonons(silicon.constants, RANDOM).frequency, atol=2e-3
    )


def test_nearest_neighbour_force_constants_are_the_derivatives_of_the_pair_energy():
    """Φ = −[φ″ r̂r̂ + φ′/r (1 − r̂r̂)] for Lennard-Jones argon cut after the first shell."""
    epsilon, sigma, r = 0.0104, 3.4, 3.75
    potential = resolve_potential("lj", ["Ar"], {"epsilon": epsilon, "sigma": sigma, "cutoff": 4.5})
    atoms = bulk("Ar", a=r * np.sqrt(2))
    phonon = finite_displacements(atoms, potential, supercell=choose_supercell(atoms, potential.reach))
    table = force_constant_table(phonon, atoms)
    first = 4 * epsilon * (-12 * sigma**12 / r**13 + 6 * sigma**6 / r**7)
    second = 4 * epsilon * (156 * sigma**12 / r**14 - 42 * sigma**6 / r**8)
    assert len(table.cells) == 13
    for vector, value in zip(table.vectors[:, 0, 0], table.values[:, 0, 0], strict=True):
        if (length := np.linalg.norm(vector)) > 1e-6:
            along = np.outer(vector, vector) / length**2
            expected = -(second * along + first / length * (np.eye(3) - along))
            # central differences over the displacement h leave φ⁗ h²/6
            np.testing.assert_allclose(value, expected, atol=5e-4 * second)


def test_force_constants_end_within_the_reach_of_the_potential(silicon, argon):
    assert silicon.constants.reach() <= silicon.potential.reach
    assert argon.constants.reach() <= argon.potential.reach
    # Stillinger and Weber's triplets couple second neighbours, a/√2
    a = (4.0 * silicon.atoms.get_volume()) ** (1 / 3)
    assert silicon.constants.reach() == pytest.approx(a / np.sqrt(2))


def test_compound_has_no_force_constants_beyond_its_reach(structure):
    """What finite displacements leave of the sum rule differs from site to site and must not be spread over
    all pairs: Tersoff's silicon carbide ends at second neighbours, a/√2."""
    potential = resolve_potential("tersoff", ["Si", "C"])
    atoms = primitive_cell(structure("sic"))
    # as far anharmonic as a usual displacement makes it
    phonon = finite_displacements(
        atoms, replace(potential, displacement=0.01), supercell=choose_supercell(atoms, potential.reach)
    )
    table = force_constant_table(phonon, atoms)
    a = (4.0 * atoms.get_volume()) ** (1 / 3)
    assert table.reach() == pytest.approx(a / np.sqrt(2))
    assert difference(phonon, table) < 1e-10
    drift = phonon.force_constants.sum(axis=1)
    assert np.abs(drift).max() < 1e-12 * table.scale


@pytest.mark.parametrize("name", ["si", "al", "gan", "ar"])
@pytest.mark.parametrize("reach", [4.0, 7.5, None])
def test_supercell_keeps_images_apart(name, reach, structure):
    atoms = primitive_cell(structure(name))
    matrix = choose_supercell(atoms, reach)
    lattice = matrix @ atoms.cell.array
    images = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T
    lengths = np.linalg.norm(images[np.any(images, axis=1)] @ lattice, axis=1)
    assert lengths.min() >= (12.0 if reach is None else 2 * reach) - 1e-9
    if name != "gan":
        for a, b in combinations(lattice, 2):
            assert a @ b == pytest.approx(0.0, abs=1e-9)


def test_supercell_can_be_given_in_conventional_cells(silicon):
    lattice = choose_supercell(silicon.atoms, 100.0, (2, 1, 3)) @ silicon.atoms.cell.array
    a = (4.0 * silicon.atoms.get_volume()) ** (1 / 3)
    np.testing.assert_allclose(np.linalg.norm(lattice, axis=1), np.array([2, 1, 3]) * a)
    for wrong in ((0, 1, 1), (2, 2), (1.5, 1, 1)):
        with pytest.raises(InputError, match="three positive integers"):
            choose_supercell(silicon.atoms, 5.0, wrong)


def test_small_supercell_shares_boundary_images_evenly(silicon):
    """In one conventional cell most images are equivalent; D(q) still equals phonopy's everywhere."""
    phonon = finite_displacements(
        silicon.atoms,
        silicon.potential,
        supercell=choose_supercell(silicon.atoms, None, (1, 1, 1)),
    )
    assert difference(phonon, force_constant_table(phonon, silicon.atoms)) < 1e-10


def test_heavy_isotope_on_one_site_keeps_its_mass(silicon):
    """Diamond's optical mode at Γ is that of two masses on a spring, ω² ∝ 1/m₁ + 1/m₂."""
    atoms = silicon.atoms.copy()
    atoms.set_masses([28.0, 72.0])
    matrix = choose_supercell(atoms, silicon.potential.reach)
    phonon = finite_displacements(atoms, silicon.potential, supercell=matrix)
    table = force_constant_table(phonon, atoms)
    np.testing.assert_array_equal(table.atoms.get_masses(), [28.0, 72.0])
    assert difference(phonon, table) < 1e-10
    optical = phonons(table, np.zeros(3)).frequency[0, 3:]
    home = silicon.constants.values.sum(axis=0)[0, 0]
    expected = np.sqrt(home[0, 0] * (1 / 28 + 1 / 72) * EV_PER_A2_AMU) / TWO_PI
    np.testing.assert_allclose(optical, expected, rtol=1e-4)


def test_progress_counts_the_displacements(argon):
    seen = []
    finite_displacements(
        argon.atoms,
        argon.potential,
        supercell=choose_supercell(argon.atoms, None, (1, 1, 1)),
        how=Execution(progress=lambda stage, done, total: seen.append((done, total))),
    )
    done, total = zip(*seen, strict=True)
    assert done[-1] == total[-1] == 2  # one displacement of a cubic atom, there and back
    assert list(done) == sorted(done)


def test_table_of_another_structure_is_refused(silicon):
    with pytest.raises(InputError, match="2 atoms, but the structure has 1"):
        force_constant_table(silicon.phonopy, Atoms("Si", cell=[3, 3, 3], pbc=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["silicon", "argon"])
def test_displacements_without_phonopys_symmetry_give_the_same_crystal(name, request, monkeypatch):
    crystal = request.getfixturevalue(name)
    matrix = choose_supercell(crystal.atoms, crystal.potential.reach)
    tables = []
    for exact in (1.0, 0.0):  # every potential's forces count as exact, and none
        monkeypatch.setattr("latmm.lattice.phonopy_bridge.EXACT_FORCES", exact)
        phonon = finite_displacements(crystal.atoms, crystal.potential, supercell=matrix)
        tables.append(force_constant_table(phonon, crystal.atoms))
    one, other = (table.dynamical_matrix(RANDOM) for table in tables)
    np.testing.assert_allclose(one, other, atol=1e-11 * np.abs(other).max())


def test_symmetry_that_was_found_before_is_not_what_a_caller_made_of_it(structure):
    atoms = primitive_cell(structure("si"))
    rotations, translations = (part.copy() for part in crystal_symmetry(atoms))
    for part in crystal_symmetry(atoms):
        part += 1
    again = crystal_symmetry(atoms)
    np.testing.assert_array_equal(again[0], rotations)
    np.testing.assert_array_equal(again[1], translations)
    masses = atoms.get_masses()
    atoms.set_masses([masses[0], 2.0 * masses[1]])  # no inversion any more: half the operations
    assert 2 * len(crystal_symmetry(atoms)[0]) == len(rotations)


def test_mean_over_the_space_group_makes_a_hexagonal_crystal_symmetric():
    """Displacements along x and y err differently in their second order: the six-fold screw takes it away."""
    atoms = bulk("SiC", "wurtzite", a=3.08, c=5.05)
    potential = resolve_potential("tersoff", ["Si", "C"])
    matrix = choose_supercell(atoms, potential.reach)
    phonon = finite_displacements(atoms, potential, supercell=matrix)
    table = force_constant_table(phonon, atoms)
    rotations, _ = crystal_symmetry(atoms)
    assert len(rotations) == 12
    one = phonons(table, RANDOM).frequency
    for rotation in rotations:
        turned = RANDOM @ np.linalg.inv(rotation)
        np.testing.assert_allclose(phonons(table, turned).frequency, one, atol=1e-9)
