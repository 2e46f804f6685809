"""The real-space table of force constants: exact symmetries, gauge, derivative, truncation, refusals."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from latmm.errors import InputError
from latmm.lattice.force_constants import ForceConstants, untwist
from latmm.units import EV_PER_A2_AMU

seeds = settings(derandomize=True, deadline=None, max_examples=15)
seed = st.integers(0, 10**6)


def random_atoms(rng, count=3):
    cell = 4.0 * np.eye(3) + rng.uniform(-0.8, 0.8, (3, 3))
    return Atoms(
        numbers=rng.integers(3, 80, count),
        scaled_positions=rng.uniform(-1, 2, (count, 3)),
        cell=cell,
        pbc=True,
    )


def random_table(rng, count=3):
    """Neither exchange symmetric nor summing to zero, and not all cells with their inverses."""
    atoms = random_atoms(rng, count)
    keys = {tuple(key) for key in rng.integers(-2, 3, (7, 3)).tolist()}
    blocks = {key: rng.normal(size=(count, count, 3, 3)) for key in keys}
    return ForceConstants.symmetrised(atoms, blocks)


def chain_of_planes(spring=2.0, mass=7.0, a=3.0):
    """Simple cubic, isotropic springs along z only: ω² = 4K/m sin²(πq₃), three times."""
    block = -spring * np.eye(3)[None, None]
    atoms = Atoms("Li", cell=[a, a, a], pbc=True, masses=[mass])
    return ForceConstants.symmetrised(atoms, {(0, 0, 1): block, (0, 0, -1): block})


@seeds
@given(seed)
def test_inexact_blocks_become_exchange_symmetric_and_translation_invariant(seed):
    table = random_table(np.random.default_rng(seed))
    index = {tuple(cell): i for i, cell in enumerate(table.cells.tolist())}
    mirrored = table.values[[index[-a, -b, -c] for a, b, c in table.cells.tolist()]].transpose(0, 2, 1, 4, 3)
    np.testing.assert_allclose(table.values, mirrored, atol=1e-13 * table.scale)
    np.testing.assert_allclose(table.values.sum(axis=(0, 2)), 0.0, atol=1e-13 * table.scale)
    assert table.sum_rule_error < 1e-13
    # and by the other index, which is the force on all atoms when one is moved
    np.testing.assert_allclose(table.values.sum(axis=(0, 1)), 0.0, atol=1e-13 * table.scale)


@seeds
@given(seed)
def test_rigid_shift_feels_no_force(seed):
    table = random_table(np.random.default_rng(seed))
    gamma = table.dynamical_matrix(np.zeros((1, 3)))[0]
    shift = np.repeat(np.sqrt(table.atoms.get_masses()), 3)[:, None] * np.tile(np.eye(3), (3, 1))
    np.testing.assert_allclose(gamma @ shift, 0.0, atol=1e-12 * np.abs(gamma).max() * np.abs(shift).max())


@seeds
@given(seed)
def test_untwist_removes_antisymmetric_row_sums_and_keeps_the_exchange_symmetry(seed):
    rng = np.random.default_rng(seed)
    n = 4
    strength = rng.uniform(0.1, 1.0, (3, n, n))
    strength[2] = strength[0].T  # cells R, 0, −R
    strength[1] += strength[1].T
    # antisymmetric parts of row sums add up to zero over the atoms, by the exchange symmetry
    twist = rng.normal(size=(n, 3, 3))
    twist -= twist.transpose(0, 2, 1)
    twist -= twist.mean(axis=0)
    correction = untwist(strength, twist)
    row_sums = correction.sum(axis=(0, 2))
    np.testing.assert_allclose(row_sums, -twist, atol=1e-12)
    np.testing.assert_allclose(correction[0], correction[2].transpose(1, 0, 3, 2), atol=1e-13)
    np.testing.assert_allclose(correction[1], correction[1].transpose(1, 0, 3, 2), atol=1e-13)


def test_untwist_leaves_pairs_without_strength_alone():
    rng = np.random.default_rng(1)
    strength = rng.uniform(0.1, 1.0, (3, 3))
    strength = (strength + strength.T)[None]
    strength[0, 0, 1] = strength[0, 1, 0] = 0.0
    twist = rng.normal(size=(3, 3, 3))
    twist -= twist.transpose(0, 2, 1)
    twist -= twist.mean(axis=0)
    correction = untwist(strength, twist)
    assert not correction[0, 0, 1].any()
    np.testing.assert_allclose(correction.sum(axis=(0, 2)), -twist, atol=1e-12)


@seeds
@given(seed)
def test_dynamical_matrix_is_hermitian_and_real_in_time(seed):
    rng = np.random.default_rng(seed)
    table, q = random_table(rng), rng.uniform(-1, 1, (4, 3))
    d = table.dynamical_matrix(q)
    np.testing.assert_allclose(d, d.conj().swapaxes(-1, -2), atol=1e-13 * np.abs(d).max())
    np.testing.assert_allclose(table.dynamical_matrix(-q), d.conj(), atol=1e-13 * np.abs(d).max())


@seeds
@given(seed)
def test_dynamical_matrix_is_the_plain_sum_over_pairs(seed):
    rng = np.random.default_rng(seed)
    table, q = random_table(rng, 2), rng.uniform(-1, 1, 3)
    k = 2 * np.pi * table.atoms.cell.reciprocal().array.T @ q
    m, r = table.atoms.get_masses(), table.atoms.get_positions()
    expected = np.zeros((6, 6), complex)
    for cell, block in zip(table.cells, table.values, strict=True):
        for i in range(2):
            for j in range(2):
                phase = np.exp(1j * k @ (r[j] + cell @ table.atoms.cell.array - r[i]))
                expected[3 * i : 3 * i + 3, 3 * j : 3 * j + 3] += block[i, j] * phase / np.sqrt(m[i] * m[j])
    np.testing.assert_allclose(table.dynamical_matrix(q[None])[0], expected, atol=1e-12)


@seeds
@given(seed)
def test_position_gauge_does_not_know_which_image_represents_an_atom(seed):
    rng = np.random.default_rng(seed)
    table, q = random_table(rng), rng.uniform(-1, 1, (3, 3))
    jump = rng.integers(-2, 3, (3, 3))
    moved = table.atoms.copy()
    moved.positions += jump @ moved.cell.array
    blocks = {}
    for cell, value in zip(table.cells, table.values, strict=True):
        for i in range(3):
            for j in range(3):
                key = tuple((cell + jump[i] - jump[j]).tolist())
                blocks.setdefault(key, np.zeros((3, 3, 3, 3)))[i, j] += value[i, j]
    same = ForceConstants.symmetrised(moved, blocks)
    np.testing.assert_allclose(same.dynamical_matrix(q), table.dynamical_matrix(q), atol=1e-12)


@seeds
@given(seed)
def test_frequencies_do_not_depend_on_the_choice_of_cell_or_the_orientation(seed):
    rng = np.random.default_rng(seed)
    table, q = random_table(rng), rng.uniform(-1, 1, (3, 3))
    change = np.array([[1, 2, 0], [0, 1, -1], [1, 2, 1]])  # unimodular
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    atoms = table.atoms.copy()
    atoms.set_cell(change @ atoms.cell.array @ turn)
    atoms.positions = atoms.positions @ turn
    cells = np.rint(table.cells @ np.linalg.inv(change)).astype(int)
    same = ForceConstants(atoms, cells, turn.T @ table.values @ turn)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(same.dynamical_matrix(q @ change.T)),
        np.linalg.eigvalsh(table.dynamical_matrix(q)),
        atol=1e-12,
    )


@seeds
@given(seed)
def test_frequencies_are_periodic_in_the_reciprocal_lattice(seed):
    rng = np.random.default_rng(seed)
    table, q = random_table(rng), rng.uniform(-1, 1, (3, 3))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(table.dynamical_matrix(q + np.array([1, -2, 3]))),
        np.linalg.eigvalsh(table.dynamical_matrix(q)),
        atol=1e-12,
    )


@seeds
@given(seed)
def test_derivative_of_the_dynamical_matrix_agrees_with_finite_differences(seed):
    rng = np.random.default_rng(seed)
    table, q = random_table(rng), rng.uniform(-1, 1, (2, 3))
    exact = table.dynamical_matrix_derivative(q)
    step = 1e-5
    for axis in range(3):
        dq = table.atoms.cell.array @ np.eye(3)[axis] * step / (2 * np.pi)
        numeric = (table.dynamical_matrix(q + dq) - table.dynamical_matrix(q - dq)) / (2 * step)
        np.testing.assert_allclose(exact[axis], numeric, atol=1e-7 * np.abs(exact).max())


@seeds
@given(seed)
def test_layer_blocks_add_up_to_the_dynamical_matrix_of_the_crystal(seed):
    rng = np.random.default_rng(seed)
    table = random_table(rng)
    # a₁, a₂ into the plane: rotate the crystal
    q, _ = np.linalg.qr(table.atoms.cell.array[:2].T, mode="complete")
    turn = q * np.sign(np.linalg.det(q))
    atoms = table.atoms.copy()
    atoms.set_cell(atoms.cell.array @ turn)
    atoms.positions = atoms.positions @ turn
    table = ForceConstants(atoms, table.cells, turn.T @ table.values @ turn)
    flat = rng.uniform(-1, 1, (3, 2))
    along = 0.7
    blocks = table.layer_blocks(flat)
    reach = (len(blocks) - 1) // 2
    z, height = np.repeat(atoms.positions[:, 2], 3), atoms.cell.array[2, 2]
    total = sum(
        blocks[reach + m] * np.exp(1j * along * (z[None, :] + m * height - z[:, None]))
        for m in range(-reach, reach + 1)
    )
    normal = atoms.cell.array @ [0, 0, along] / (2 * np.pi)
    np.testing.assert_allclose(
        total, table.dynamical_matrix(table.in_plane(flat) + normal), atol=1e-12 * np.abs(total).max()
    )
    np.testing.assert_allclose(blocks, blocks[::-1].conj().swapaxes(-1, -2), atol=1e-12)


def test_in_plane_wave_vectors_have_no_component_along_the_normal():
    cell = np.array([[3.0, 0, 0], [1.0, 2.5, 0], [0.7, -0.4, 2.0]])
    table = ForceConstants.symmetrised(Atoms("C", cell=cell, pbc=True), {(0, 0, 0): np.zeros((1, 1, 3, 3))})
    wave_vectors = np.array([[0.2, -0.35], [0.5, 0.5]])
    q = table.in_plane(wave_vectors)
    np.testing.assert_allclose(q[:, :2], wave_vectors)
    np.testing.assert_allclose((q @ np.linalg.inv(cell).T)[:, 2], 0.0, atol=1e-15)


def test_chain_of_planes_has_its_closed_form_dispersion_and_scales_with_mass():
    table = chain_of_planes()
    q = np.column_stack([np.zeros(9), np.linspace(0, 3, 9), np.linspace(-0.5, 0.5, 9)])
    expected = 4 * 2.0 / 7.0 * np.sin(np.pi * q[:, 2]) ** 2
    squares = np.linalg.eigvalsh(table.dynamical_matrix(q))
    np.testing.assert_allclose(squares, np.repeat(expected[:, None], 3, axis=1), atol=1e-14)
    heavy = table.with_masses(np.array([28.0]))
    np.testing.assert_allclose(4.0 * heavy.dynamical_matrix(q), table.dynamical_matrix(q), atol=1e-14)
    assert table.atoms.get_masses()[0] == 7.0
    assert heavy.density == pytest.approx(28.0 / 27.0)
    assert heavy.volume == pytest.approx(27.0)
    assert abs(EV_PER_A2_AMU - 9648.533) < 1e-3


@seeds
@given(seed)
def test_truncation_drops_weak_pairs_and_keeps_the_sum_rule(seed):
    table = random_table(np.random.default_rng(seed))
    size = np.abs(table.values).max(axis=(3, 4))
    limit = 0.6 * size[np.any(table.cells, axis=1)].max() / table.scale  # of the strongest pair of cells
    cut = table.truncated(limit)
    strong = size > limit * table.scale
    kept = {tuple(cell): i for i, cell in enumerate(cut.cells.tolist())}
    assert cut.sum_rule_error < 1e-13
    for cell, weak in zip(table.cells.tolist(), ~strong, strict=True):
        place = kept.get(tuple(cell))
        if place is None:
            assert weak.all()
            assert cell != [0, 0, 0]
        else:
            pairs = weak if any(cell) else weak & ~np.eye(3, dtype=bool)
            assert not cut.values[place][pairs].any()
            assert pairs.sum() == (np.abs(cut.values[place]).max(axis=(2, 3)) == 0).sum()


def test_truncation_below_everything_changes_nothing():
    table = random_table(np.random.default_rng(3))
    same = table.truncated(0.0)
    np.testing.assert_allclose(same.values, table.values, atol=1e-14 * table.scale)


def test_reach_is_the_distance_of_the_farthest_pair():
    strong, weak = -np.eye(3)[None, None], -0.01 * np.eye(3)[None, None]
    atoms = Atoms("Ar", cell=[2.0, 3.0, 4.0], pbc=True)
    table = ForceConstants.symmetrised(
        atoms, {(1, 0, 0): strong, (-1, 0, 0): strong, (0, 1, 2): weak, (0, -1, -2): weak}
    )
    assert table.reach() == pytest.approx(np.sqrt(9.0 + 64.0))
    assert table.reach(0.1) == pytest.approx(2.0)
    assert table.truncated(0.1).reach() == pytest.approx(2.0)


def test_one_sided_blocks_are_halved_because_exchange_counts_them_twice():
    atoms = Atoms("Ar", cell=[2.0, 3.0, 4.0], pbc=True)
    table = ForceConstants.symmetrised(atoms, {(1, 0, 0): -2.0 * np.eye(3)[None, None]})
    assert sorted(map(tuple, table.cells.tolist())) == [(-1, 0, 0), (0, 0, 0), (1, 0, 0)]
    np.testing.assert_allclose(table.values[table.cells[:, 0] == 1][0, 0, 0], -np.eye(3))
    np.testing.assert_allclose(table.values[table.cells[:, 0] == 0][0, 0, 0], 2.0 * np.eye(3))


@pytest.mark.parametrize(
    ("cells", "values", "message"),
    [
        ([[0, 0, 0]], np.zeros((1, 2, 2, 3, 3)), "need the shape"),
        ([[0, 0, 0]], np.full((1, 1, 1, 3, 3), np.nan), "not finite"),
        ([[0, 0, 0], [1, 0, 0]], np.ones((2, 1, 1, 3, 3)), "its inverse"),
        ([[0, 0, 0]], np.arange(9.0).reshape(1, 1, 1, 3, 3), "symmetrised"),
    ],
)
def test_a_table_that_is_no_second_derivative_is_refused(cells, values, message):
    with pytest.raises(InputError, match=message):
        ForceConstants(Atoms("Ar", cell=[3, 3, 3], pbc=True), np.array(cells), values)
