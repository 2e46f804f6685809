"""One crystal in two cells has one set of phonons; cutting its force constants costs what is reported."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from latmm.errors import InputError
from latmm.geometry.matching import match
from latmm.geometry.orientation import orient
from latmm.lattice.cutting import FREQUENCY_LIMIT, SLOPE_LIMIT, cut, least_cut
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import finite_displacements, force_constant_table
from latmm.lattice.recast import find_setting, reduced
from latmm.lattice.rotation import first_moment, free_to_turn
from latmm.lattice.space_group import primitive_cell
from latmm.lattice.stiffness import elasticity, slope_error, wave_tensor
from latmm.potentials.calculators import resolve_potential

Q = np.random.default_rng(7).uniform(-0.5, 0.5, (6, 3))
PLANES = [(0, 0, 1), (1, 1, 0), (1, 1, 1), (-1, -1, -1), (2, 1, 1), (3, 1, -2)]


@pytest.fixture(scope="module")
def carbide(structure):
    """Silicon carbide: no inversion, so that a crystal laid upside down is another one."""
    potential = resolve_potential("tersoff", ["Si", "C"])
    atoms = primitive_cell(structure("sic"))
    phonon = finite_displacements(atoms, potential, supercell=3 * np.eye(3, dtype=int))
    return force_constant_table(phonon, atoms)


def springs(atoms: Atoms, reach: float, seed: int = 0) -> ForceConstants:
    """Random central springs that reach far, all stiffening: any atoms, stable."""
    rng = np.random.default_rng(seed)
    cells = np.array(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij")).reshape(3, -1).T
    arms = (cells @ atoms.cell.array)[:, None, None] + atoms.positions[None, None] - atoms.positions[:, None]
    length = np.linalg.norm(arms, axis=-1)
    kinds = np.add.outer(atoms.numbers, atoms.numbers)
    strength = np.where((length > 1e-6) & (length < reach), rng.uniform(0.5, 1.0) * np.exp(-length), 0.0)
    along = arms / np.where(length > 1e-6, length, 1.0)[..., None]
    values = -(strength * kinds)[..., None, None] * along[..., :, None] * along[..., None, :]
    return ForceConstants.symmetrised(atoms, dict(zip(map(tuple, cells.tolist()), values, strict=True)))


@pytest.mark.parametrize("plane", PLANES)
def test_oriented_crystal_has_the_dynamical_matrix_of_the_file(carbide, plane):
    oriented = orient(carbide.atoms, plane)
    setting = find_setting(carbide.atoms, oriented)
    table = setting.recast(carbide)
    expected = setting.dynamical_matrix(carbide.dynamical_matrix(Q))
    found = table.dynamical_matrix(setting.qpoints(Q))
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    np.testing.assert_allclose(
        phonons(table, setting.qpoints(Q)).frequency, phonons(carbide, Q).frequency, rtol=1e-10
    )
    np.testing.assert_allclose(setting.rotation @ setting.rotation.T, np.eye(3), atol=1e-14)
    assert table.sum_rule_error < 1e-13
    assert table.scale > 0.0


def test_group_velocities_turn_with_the_crystal(carbide):
    setting = find_setting(carbide.atoms, orient(carbide.atoms, (1, 1, 1)))
    turned = phonons(setting.recast(carbide), setting.qpoints(Q)).group_velocity
    np.testing.assert_allclose(turned, phonons(carbide, Q).group_velocity @ setting.rotation, atol=1e-6)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_any_cell_any_turn_and_any_images_give_one_spectrum(carbide, seed):
    """Random unimodular cells, rotations, origins and images of the atoms."""
    rng = np.random.default_rng(seed)
    basis = np.eye(3, dtype=int)
    for _ in range(3):
        i, j = rng.permutation(3)[:2]
        basis[i] += rng.integers(-1, 2) * basis[j]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    target = carbide.atoms[rng.permutation(2)]
    lattice = target.cell.array
    target.positions = (target.positions + rng.integers(-2, 3, (2, 3)) @ lattice + rng.normal(size=3)) @ turn
    target.set_cell(basis @ lattice @ turn)
    setting = find_setting(carbide.atoms, target)
    table = setting.recast(carbide)
    expected = setting.dynamical_matrix(carbide.dynamical_matrix(Q))
    assert (
        np.abs(table.dynamical_matrix(setting.qpoints(Q)) - expected).max() < 1e-11 * np.abs(expected).max()
    )


def test_strain_of_the_target_leaves_force_constants_as_they_are(carbide):
    """Matched to a lattice 3 % wider: the geometry is strained, the springs are not, nor are frequencies."""
    left, right = (orient(carbide.atoms, (0, 0, 1)) for _ in range(2))
    left.set_cell(left.cell.array * 1.03, scale_atoms=True)
    matched = match(left, right)
    source = orient(carbide.atoms, (0, 0, 1))
    table = find_setting(carbide.atoms, source).recast(carbide)
    setting = find_setting(source, matched.right, matched.strain_right)
    strained = setting.recast(table)
    np.testing.assert_allclose(
        phonons(strained, setting.qpoints(Q)).frequency, phonons(table, Q).frequency, rtol=1e-9
    )
    np.testing.assert_allclose(strained.atoms.cell.array[:2], left.cell.array[:2])


def test_another_crystal_is_refused(carbide):
    wrong = carbide.atoms.copy()
    wrong.symbols[0] = "Ge"
    heavy = carbide.atoms.copy()
    heavy.set_masses([30.0, 12.0])
    wide = carbide.atoms.copy()
    wide.set_cell(wide.cell.array * 1.001, scale_atoms=True)
    for other in (wrong, heavy, wide):
        with pytest.raises(InputError, match="not one crystal in two cells"):
            find_setting(carbide.atoms, other)


def test_supercell_is_reduced_without_loss(carbide):
    """A cell of four atoms pairs holds every fourth phonon; its reduction is the primitive table again."""
    atoms = make_supercell(carbide.atoms, np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))
    large = springs(atoms, 6.0)
    small = reduced(large)
    assert len(small.atoms) == 2
    folded = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    q = (Q[:, None, :] + folded) @ np.linalg.inv(atoms.cell.array).T @ small.atoms.cell.array.T
    mine = np.sort(phonons(small, q.reshape(-1, 3)).frequency.reshape(len(Q), -1))
    np.testing.assert_allclose(mine, phonons(large, Q).frequency, rtol=1e-9)
    assert reduced(small) is small
    masses = atoms.get_masses()
    masses[0] += 1.0
    assert reduced(large.with_masses(masses)).atoms is not small.atoms
    assert len(reduced(large.with_masses(masses)).atoms) == 8


def test_crystal_that_turns_freely_has_no_first_moment_and_no_imaginary_sound():
    """A chain of two atoms along z with springs that pull sideways when stretched: ω² linear in q.

    The least change of force constants takes the moment away, and nothing where there is none.
    """
    atoms = Atoms("ArKr", positions=[[0, 0, 0], [0, 0, 1.2]], cell=[3.0, 3.0, 3.0], pbc=True)
    whole = springs(atoms, 6.0)
    assert np.abs(first_moment(whole)).max() < 1e-12 * whole.scale
    assert_allclose(free_to_turn(whole).values, whole.values, atol=1e-12 * whole.scale)
    # the pairs along z get an antisymmetric part that cancels in every row but not in the moment
    shear = np.zeros((3, 3))
    shear[0, 2], shear[2, 0] = 0.02 * whole.scale, -0.02 * whole.scale
    blocks = dict(zip(map(tuple, whole.cells.tolist()), whole.values.copy(), strict=True))
    for i, j, cell, sign in (
        (0, 1, (0, 0, 0), 1),
        (0, 1, (0, 0, -1), -1),
        (1, 0, (0, 0, 0), -1),
        (1, 0, (0, 0, 1), 1),
    ):
        blocks[cell][i, j] += sign * shear
    wrong = ForceConstants.symmetrised(atoms, blocks)
    assert np.abs(first_moment(wrong)).max() > 1e-3 * wrong.scale
    near = np.array([[0.0, 0.0, 1e-3]])
    assert phonons(wrong, near).frequency.min() < 0.0
    free = free_to_turn(wrong)
    assert np.abs(first_moment(free)).max() < 1e-12 * free.scale
    assert free.sum_rule_error < 1e-13
    assert phonons(free, near).frequency.min() > 0.0
    assert slope_error(free, elasticity(free)) < 1e-3
    assert np.abs(free.values - wrong.values).max() < 0.03 * wrong.scale


@pytest.mark.parametrize("name", ["argon", "silicon", "aluminium"])
def test_crystal_without_first_moment_stays_as_it_is(name, request):
    """Also one of a single atom, whose only bonds are to its own images."""
    table = request.getfixturevalue(name).constants
    turned = find_setting(table.atoms, orient(table.atoms, (0, 0, 1))).recast(table)
    for crystal in (table, turned):
        assert_allclose(free_to_turn(crystal).values, crystal.values, atol=1e-8 * crystal.scale)


def test_nothing_is_cut_that_counts(carbide):
    oriented = find_setting(carbide.atoms, orient(carbide.atoms, (0, 0, 1))).recast(carbide)
    found = least_cut(oriented)
    assert found.layers == np.abs(oriented.cells[:, 2]).max()
    assert found.norm == found.largest == found.slope == found.frequency == 0.0
    np.testing.assert_array_equal(found.table.values, oriented.values)


def test_what_cutting_changes_is_what_is_reported():
    """Springs of exp(−r) over some layers: elements, bands and slopes by themselves, the sum rule exact."""
    whole = springs(bulk("Ar", a=4.0), 9.0)
    whole = find_setting(whole.atoms, orient(whole.atoms, (0, 0, 1))).recast(whole)
    span = int(np.abs(whole.cells[:, 2]).max())
    assert span >= 4
    changes = [cut(whole, layers) for layers in range(2, span)]
    assert np.all(np.diff([c.norm for c in changes]) < 0)
    for found in changes:
        assert found.table.sum_rule_error < 1e-13
        assert np.abs(found.table.cells[:, 2]).max() == found.layers
        beyond = np.abs(whole.cells[:, 2]) > found.layers
        assert found.largest == pytest.approx(np.abs(whole.values[beyond]).max() / whole.scale)
        bands = [phonons(table, q_mesh((6, 6, 6))).frequency for table in (found.table, whole)]
        assert found.frequency == pytest.approx(np.abs(bands[0] - bands[1]).max() / bands[1].max(), rel=1e-6)
        exact = np.linalg.eigvalsh(wave_tensor(whole)[:, :, 2, 2])
        speed = np.sqrt(np.linalg.eigvalsh(wave_tensor(found.table)[:, :, 2, 2]) / exact)
        assert found.slope > 0.5 * np.abs(speed - 1.0).max()
    best = least_cut(whole)
    assert best.slope <= SLOPE_LIMIT
    assert best.frequency <= FREQUENCY_LIMIT
    if best.layers > 1:
        thinner = cut(whole, best.layers - 1)
        assert thinner.slope > SLOPE_LIMIT or thinner.frequency > FREQUENCY_LIMIT


def test_cutting_to_another_crystal_is_refused():
    """Springs that couple every second layer only: none are left after one."""
    atoms = Atoms("Ar", cell=[3.0, 3.0, 3.0], pbc=True)
    k = np.diag([0.2, 0.2, 1.0])
    blocks = {cell: -0.1 * np.eye(3) for cell in ((1, 0, 0), (0, 1, 0), (0, 0, 1))} | {(0, 0, 2): -k}
    table = ForceConstants.symmetrised(atoms, {cell: b[None, None] for cell, b in blocks.items()})
    with pytest.raises(InputError, match="cut after 1 of 2 layers change a speed of sound"):
        cut(table, 1)
    for wrong in (0, 1.5):
        with pytest.raises(InputError, match="positive integer"):
            cut(table, wrong)
