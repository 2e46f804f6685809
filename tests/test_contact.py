"""The contact: geometry, force constants, symmetry, and the blocks that the Green's function gets."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

import latmm.interface.build as building
from latmm.errors import ConvergenceError, InputError
from latmm.interface.build import END_LIMIT, build_interface
from latmm.interface.contact import build_slab, relax_contact
from latmm.interface.force_constants import contact_blocks, end_deviation, join, lateral_supercell
from latmm.interface.matching import match
from latmm.interface.orientation import orient
from latmm.interface.symmetry import average, layer_operations, reciprocal_rotations

WAVE_VECTORS = np.random.default_rng(6).uniform(-0.5, 0.5, (5, 2))
INTERFACES = ["perfect_silicon", "perfect_silicon_111", "perfect_argon", "heavy_silicon", "silicon_germanium"]


@pytest.fixture(params=INTERFACES)
def interface(request):
    return request.getfixturevalue(request.param)


def masses(interface, layers):
    """Masses of a run of slab layers, by coordinate."""
    slab = interface.slab
    inside = (slab.layer >= layers.start) & (slab.layer < layers.stop)
    return np.repeat(slab.atoms.get_masses()[inside], 3)


def test_slab_stacks_layers_of_both_crystals():
    left, right = (orient(bulk("Si", a=a), (0, 0, 1)) for a in (5.43, 5.65))
    slab = build_slab(match(left, right), 3)
    assert slab.layer.tolist() == [-3, -3, -2, -2, -1, -1, 0, 0, 1, 1, 2, 2]
    assert slab.member.tolist() == [0, 1] * 6
    height = slab.atoms.positions[:, 2]
    gaps = np.diff(np.sort(height))
    np.testing.assert_allclose(gaps, [5.43 / 4] * 5 + [(5.43 + 5.65) / 8] + [5.65 / 4] * 5)
    # empty space on both sides
    assert slab.atoms.cell[2, 2] - np.ptp(height) == pytest.approx(15.0)
    assert height.min() == pytest.approx(7.5)
    assert slab.within(1).tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_lateral_supercell_keeps_opposite_edges_apart():
    for normal in ((0, 0, 1), (1, 1, 1), (1, 1, 0)):
        atoms = orient(bulk("Si"), normal)
        repeat = lateral_supercell(atoms, 15.0)
        cell = atoms.cell.array[:2, :2] * np.array(repeat)[:, None]
        area = abs(np.linalg.det(cell))
        assert np.all(area / np.linalg.norm(cell, axis=1) >= 15.0 - 1e-5)
        fewer = [
            area / np.linalg.norm(edge) * (n - 1) / n for edge, n in zip(cell[::-1], repeat, strict=True)
        ]
        assert max(fewer) < 15.0


@pytest.mark.parametrize("name", ["perfect_silicon", "perfect_silicon_111", "perfect_argon"])
def test_contact_of_like_crystals_is_the_crystal(name, request):
    """Central differences of 1e-3 Å along different directions agree to their square."""
    interface = request.getfixturevalue(name)
    blocks = interface.blocks(WAVE_VECTORS)
    scale = np.abs(blocks.left[0]).max()
    for onsite in blocks.onsite:
        np.testing.assert_allclose(onsite, blocks.left[0], atol=2e-6 * scale)
    for hopping in blocks.hopping:
        np.testing.assert_allclose(hopping, blocks.left[1], atol=2e-6 * scale)
    np.testing.assert_allclose(interface.slab.shift, 0.0, atol=1e-5)


def test_finite_displacements_err_by_their_square(structure, argon_springs):
    deviation = []
    for displacement in (0.01, 0.02):
        potential = replace(argon_springs, displacement=displacement)
        interface = build_interface(structure("ar"), structure("ar"), (0, 0, 1), potential)
        deviation.append(interface.checks["contact_ends"][0])
    assert deviation[1] / deviation[0] == pytest.approx(4.0, rel=0.01)


def test_blocks_are_hermitian_and_the_leads_are_attached_by_their_own_hopping(interface):
    blocks = interface.blocks(WAVE_VECTORS)
    for onsite in (*blocks.onsite, blocks.left[0], blocks.right[0]):
        np.testing.assert_allclose(onsite, onsite.conj().swapaxes(-1, -2), atol=1e-11 * np.abs(onsite).max())
    assert len(blocks.hopping) == len(blocks.onsite) + 1
    scale = np.abs(blocks.left[1]).max()
    np.testing.assert_allclose(blocks.hopping[0], blocks.left[1], atol=1e-13 * scale)
    np.testing.assert_allclose(blocks.hopping[-1], blocks.right[1], atol=1e-13 * scale)


def test_no_layer_feels_a_rigid_shift_of_the_whole_junction(interface):
    blocks = interface.blocks(np.zeros((1, 2)))
    p, n = interface.principal, interface.layers
    starts = range(-n - 2 * p, n + 2 * p, p)
    shifts = []
    for start in starts:
        root = np.sqrt(masses(interface, range(start, start + p)))
        shifts.append(root[:, None] * np.tile(np.eye(3), (len(root) // 3, 1)))
    assert len(shifts) == len(blocks.onsite) + 2
    for i, onsite in enumerate(blocks.onsite):
        below, above = blocks.hopping[i][0], blocks.hopping[i + 1][0]
        force = below.conj().T @ shifts[i] + onsite[0] @ shifts[i + 1] + above @ shifts[i + 2]
        np.testing.assert_allclose(force, 0.0, atol=1e-12 * np.abs(onsite).max() * np.abs(shifts).max())
    for (onsite, hopping), shift in ((blocks.left, shifts[0]), (blocks.right, shifts[-1])):
        force = (hopping[0] + hopping[0].conj().T + onsite[0]) @ shift
        np.testing.assert_allclose(force, 0.0, atol=1e-12 * np.abs(onsite).max() * np.abs(shift).max())


def test_principal_layers_are_as_thin_as_the_force_constants_allow(interface):
    cells = np.vstack([interface.left.cells, interface.right.cells])
    assert interface.principal == np.abs(cells[:, 2]).max()
    assert interface.layers % interface.principal == 0


def test_every_stored_check_of_an_interface_is_met(interface):
    assert set(interface.checks) == {
        *(f"{kind}_{side}" for kind in ("dispersion", "sum_rule") for side in ("left", "right")),
        "contact_ends",
        "sum_rule_contact",
    }
    for name, (value, limit) in interface.checks.items():
        assert value <= limit, name
    assert interface.area == pytest.approx(np.linalg.det(interface.left.atoms.cell.array[:2, :2]))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("perfect_silicon", 4),
        ("heavy_silicon", 4),
        ("silicon_germanium", 4),
        ("perfect_silicon_111", 6),
        ("perfect_argon", 8),
    ],
)
def test_layer_group_is_that_of_the_plane(name, size, request):
    """mm2 of a diamond (001) contact, 3m of (111), 4mm of face-centred (001)."""
    interface = request.getfixturevalue(name)
    operations = interface.operations
    assert len(operations) == size
    np.testing.assert_array_equal(operations[0].rotation, np.eye(2))
    rotations = {tuple(op.rotation.ravel().tolist()) for op in operations}
    assert len(rotations) == size
    products = {tuple((a.rotation @ b.rotation).ravel().tolist()) for a in operations for b in operations}
    assert products == rotations
    atoms = interface.slab.atoms
    for op in operations:
        np.testing.assert_allclose(op.cartesian @ op.cartesian.T, np.eye(3), atol=1e-9)
        np.testing.assert_allclose(op.cartesian[2], [0, 0, 1], atol=1e-12)
        # it is a motion of the slab: all vectors between atoms turn alike
        moved = atoms.positions[op.image] + op.shift @ atoms.cell.array[:2]
        apart = moved - moved[0]
        turned = (atoms.positions - atoms.positions[0]) @ op.cartesian.T
        np.testing.assert_allclose(apart, turned, atol=2e-3)


def test_force_constants_of_the_contact_have_the_symmetry_of_the_layer_group(interface):
    contact = interface.contact
    reference = np.linalg.eigvalsh(contact.dynamical_matrix(contact.in_plane(WAVE_VECTORS)))
    rotations = reciprocal_rotations(interface.operations)
    assert len(rotations) in (4, 8, 12)
    for rotation in rotations:
        turned = contact.dynamical_matrix(contact.in_plane(WAVE_VECTORS @ rotation.T))
        np.testing.assert_allclose(np.linalg.eigvalsh(turned), reference, atol=1e-10 * reference.max())


def test_leads_have_the_symmetry_of_the_layer_group(interface):
    """At each Bloch phase across the layers; the contact's group is contained in that of both crystals."""

    def spectrum(wave_vectors, side, phase):
        onsite, hopping = getattr(interface.blocks(wave_vectors), side)
        forward = hopping * np.exp(1j * phase)
        return np.linalg.eigvalsh(onsite + forward + forward.conj().swapaxes(-1, -2))

    for side in ("left", "right"):
        reference = spectrum(WAVE_VECTORS, side, 0.8)
        for op in interface.operations:
            turned = spectrum(WAVE_VECTORS @ np.linalg.inv(op.rotation), side, 0.8)
            np.testing.assert_allclose(turned, reference, atol=1e-9 * reference.max())


def test_averaging_twice_changes_nothing(silicon_germanium):
    operations = silicon_germanium.operations
    rng = np.random.default_rng(7)
    n = len(silicon_germanium.slab.atoms)
    blocks = {key: rng.normal(size=(n, n, 3, 3)) for key in ((0, 0), (1, 0), (0, -1))}
    once = average(blocks, operations)
    twice = average(once, operations)
    for key, block in once.items():
        np.testing.assert_allclose(twice[key], block, atol=1e-12)
    total = sum(block.sum(axis=(0, 1)) for block in blocks.values())
    mean = sum(op.cartesian @ total @ op.cartesian.T for op in operations) / len(operations)
    np.testing.assert_allclose(sum(block.sum(axis=(0, 1)) for block in once.values()), mean, atol=1e-10)


def test_masses_and_elements_lower_the_layer_group():
    atoms = build_slab(match(*(orient(bulk("Al"), (0, 0, 1)) for _ in range(2))), 2).atoms
    supercell = atoms.repeat((2, 1, 1))
    assert len(layer_operations(atoms)) == 8
    whole = len(layer_operations(supercell))
    heavy = supercell.get_masses()
    heavy[0] *= 2
    supercell.set_masses(heavy)
    assert len(layer_operations(supercell)) < whole


def test_heavy_silicon_is_silicon_with_other_masses(heavy_silicon, perfect_silicon):
    np.testing.assert_allclose(
        heavy_silicon.right.values, heavy_silicon.left.values, atol=1e-9 * heavy_silicon.left.scale
    )
    np.testing.assert_array_equal(heavy_silicon.contact.cells, perfect_silicon.contact.cells)
    np.testing.assert_allclose(
        heavy_silicon.contact.values, perfect_silicon.contact.values, atol=1e-9 * heavy_silicon.left.scale
    )
    np.testing.assert_allclose(heavy_silicon.right.atoms.get_masses(), 72.63)
    np.testing.assert_allclose(heavy_silicon.left.atoms.get_masses(), perfect_silicon.left.atoms.get_masses())
    heavy = heavy_silicon.slab.layer >= 0
    np.testing.assert_allclose(heavy_silicon.slab.atoms.get_masses()[heavy], 72.63)


def shifted_energy(interface, potential, moved, shift):
    atoms = interface.slab.atoms.copy()
    atoms.positions[moved] += shift
    atoms.calc = potential.calculator()
    return atoms.get_potential_energy()


@pytest.mark.parametrize("first", [0, 1, 2])
def test_relaxed_contact_pushes_the_right_crystal_nowhere(first, silicon_germanium, stillinger_weber):
    moved = silicon_germanium.slab.layer >= first
    for axis in range(3):
        step = 1e-3 * np.eye(3)[axis]
        energies = [shifted_energy(silicon_germanium, stillinger_weber, moved, s * step) for s in (1, 0, -1)]
        assert abs(energies[0] - energies[2]) / 2e-3 < 5e-4
        assert energies[0] + energies[2] > 2 * energies[1]


def test_atoms_of_the_contact_are_where_no_force_acts(silicon_germanium, stillinger_weber):
    slab = silicon_germanium.slab
    for atom in np.flatnonzero(slab.within(silicon_germanium.layers)):
        moved = np.arange(len(slab.atoms)) == atom
        energies = [
            shifted_energy(silicon_germanium, stillinger_weber, moved, [0, 0, s * 1e-3]) for s in (1, -1)
        ]
        assert abs(energies[0] - energies[1]) / 2e-3 < 5e-4


def test_bond_across_the_contact_lies_between_those_of_both_crystals(silicon_germanium):
    slab = silicon_germanium.slab
    distances = slab.atoms.get_all_distances(mic=True)

    def bond(a, b):
        return distances[np.ix_(slab.layer == a, slab.layer == b)].min()

    ends = sorted([bond(-4, -3), bond(3, 4)])
    assert ends[0] < bond(-1, 0) < ends[1]


def test_relaxation_of_the_contact_moves_its_right_end_as_a_rigid_body(silicon, stillinger_weber):
    crystal = orient(silicon.atoms, (0, 0, 1))
    start = build_slab(match(crystal, crystal), 8)
    pulled = start.atoms.copy()
    pulled.positions[start.layer >= 0] += [0.05, -0.02, 0.1]
    slab = relax_contact(replace(start, atoms=pulled), stillinger_weber.calculator, layers=2)
    moved = slab.atoms.positions - pulled.positions
    np.testing.assert_array_equal(moved[slab.layer < -2], 0.0)
    end = moved[slab.layer >= 2]
    np.testing.assert_allclose(end, np.broadcast_to(end[0], end.shape), atol=1e-12)
    np.testing.assert_allclose(slab.shift, end[0], atol=1e-12)
    # back to the crystal it was pulled from: the limit of 1e-5 eV/Å over some eV/Å²
    np.testing.assert_allclose(slab.shift, [-0.05, 0.02, -0.1], atol=1e-4)
    np.testing.assert_allclose(slab.atoms.positions, start.atoms.positions, atol=1e-4)


def test_ends_that_differ_from_the_crystal_are_noticed(perfect_silicon, stillinger_weber):
    slab, left, right = (perfect_silicon.slab, perfect_silicon.left, perfect_silicon.right)
    zone = slab.within(2)
    blocks = contact_blocks(slab, zone, stillinger_weber, repeat=(4, 4))
    assert end_deviation(slab, blocks, zone, left, right) < END_LIMIT
    stiffer = replace(right, values=1.01 * right.values)
    # the self terms are left out; the largest pair constant is a quarter of the largest self term
    pairs = np.where(np.any(right.cells, axis=1)[:, None, None, None, None], right.values, 0.0)
    pairs[~np.any(right.cells, axis=1), 0, 1] = right.values[~np.any(right.cells, axis=1), 0, 1]
    expected = 0.01 / 1.01 * np.abs(pairs).max() / right.scale
    assert end_deviation(slab, blocks, zone, left, stiffer) == pytest.approx(expected, rel=1e-3)


def test_joined_force_constants_obey_the_sum_rule_however_inexact_the_contact_is(silicon_germanium):
    """Noise in the rows of the contact, without symmetry to average it: also what a self term, which is
    symmetric, cannot absorb."""
    whole, slab = silicon_germanium.contact, silicon_germanium.slab
    zone = slab.within(silicon_germanium.layers)
    rng = np.random.default_rng(10)
    noisy = {}
    for (a, b, _), block in zip(whole.cells.tolist(), whole.values, strict=True):
        coupled = np.abs(block).max(axis=(2, 3), keepdims=True) > 0
        noise = 1e-3 * whole.scale * rng.normal(size=block.shape) * coupled
        noisy[a, b] = np.where(zone[:, None, None, None], block + noise, 0.0)
    joined = join(
        slab, noisy, zone, silicon_germanium.left, silicon_germanium.right, silicon_germanium.operations[:1]
    )
    rows = joined.values.sum(axis=(0, 2))[slab.within(silicon_germanium.layers + silicon_germanium.principal)]
    np.testing.assert_allclose(rows, 0.0, atol=1e-13 * joined.scale)
    # far from the contact nothing changed
    outer = ~slab.within(silicon_germanium.layers + 2 * silicon_germanium.principal)
    same = {tuple(cell): value for cell, value in zip(whole.cells.tolist(), whole.values, strict=True)}
    for cell, value in zip(joined.cells.tolist(), joined.values, strict=True):
        np.testing.assert_allclose(value[outer][:, outer], same[tuple(cell)][outer][:, outer], atol=1e-12)


def test_images_at_equal_distance_share_a_force_constant(perfect_argon, argon_springs):
    """In a lateral supercell too small to tell images apart, waves that fit into it are still exact."""
    slab = perfect_argon.slab
    zone = (slab.layer == -1) | (slab.layer == 0)
    small, large = (contact_blocks(slab, zone, argon_springs, repeat=(n, n)) for n in (2, 4))
    for k in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        sums = [
            sum(np.exp(2j * np.pi * np.dot(k, key)) * block for key, block in blocks.items())
            for blocks in (small, large)
        ]
        np.testing.assert_allclose(sums[0], sums[1], atol=1e-9 * perfect_argon.contact.scale)


def test_contact_that_never_becomes_bulk_like_is_refused(monkeypatch, structure, argon_springs):
    monkeypatch.setattr(building, "MAX_LAYERS", 3)
    monkeypatch.setattr(building, "END_LIMIT", 0.0)
    with pytest.raises(ConvergenceError, match="3 layers away"):
        build_interface(structure("ar"), structure("ar"), (0, 0, 1), argon_springs)


def test_least_number_of_layers_must_be_positive(structure, argon_springs):
    with pytest.raises(InputError, match="`layers` must be a positive integer, but is 0"):
        build_interface(structure("ar"), structure("ar"), (0, 0, 1), argon_springs, layers=0)


def test_unrelaxed_contact_keeps_the_given_crystals_and_progress_ends_each_stage(structure, argon_springs):
    crystal, seen = structure("ar"), {}

    def progress(stage, done, total):
        seen.setdefault(stage, []).append((done, total))

    interface = build_interface(crystal, crystal, (0, 0, 1), argon_springs, relax=False, progress=progress)
    assert interface.left.volume == pytest.approx(crystal.get_volume() / 4)
    np.testing.assert_array_equal(interface.slab.shift, 0.0)
    assert {*seen} == {
        "relaxation",
        "forces of the left crystal",
        "forces of the right crystal",
        "forces of the contact",
    }
    for steps in seen.values():
        assert steps[-1][0] == steps[-1][1]
