"""The contact: geometry, force constants, symmetry, and the blocks that the Green's function gets."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

import latmm.interface.growth as growth
from latmm.errors import ConvergenceError
from latmm.geometry.matching import match
from latmm.geometry.orientation import orient
from latmm.interface.build import END_LIMIT, build_interface
from latmm.interface.force_constants import bulk_like, displaced_rows, repeats
from latmm.interface.joining import bulk_pairs, end_deviation, join
from latmm.interface.pairs import PairConstants
from latmm.interface.slab import build_slab, relax_contact
from latmm.interface.symmetry import layer_operations, orbits, reciprocal_rotations, spread
from latmm.interface.tiling import tile, tile_slab
from latmm.parallel.execution import Execution
from latmm.potentials.relaxation import FORCE_LIMIT

WAVE_VECTORS = np.random.default_rng(6).uniform(-0.5, 0.5, (5, 2))
INTERFACES = ["perfect_silicon", "perfect_silicon_111", "perfect_argon", "heavy_silicon", "silicon_germanium"]


@pytest.fixture(params=INTERFACES)
def interface(request):
    return request.getfixturevalue(request.param)


def displaced(interface, potential, layers=(2, 2), repeat=(4, 4)):
    """Rows of all atoms of the nearest layers by finite displacements, whatever their surroundings."""
    slab = interface.slab
    zone = slab.within(layers)
    return displaced_rows(slab, np.flatnonzero(zone), potential, repeat=repeat), zone


def deviation(interface, rows, zone, right=None):
    right = right or interface.right
    pair = replace(interface.pair, right=right)
    return end_deviation(interface.slab, rows, bulk_pairs(interface.slab, pair), zone, pair)


def test_slab_stacks_layers_of_both_crystals():
    left, right = (orient(bulk("Si", a=a), (0, 0, 1)) for a in (5.43, 5.65))
    slab = build_slab(match(left, right), (3, 3))
    assert slab.side.tolist() == [-1] * 6 + [1] * 6
    assert slab.depth == (3, 3)
    assert slab.layer.tolist() == [-3, -3, -2, -2, -1, -1, 0, 0, 1, 1, 2, 2]
    assert slab.member.tolist() == [0, 1] * 6
    height = slab.atoms.positions[:, 2]
    gaps = np.diff(np.sort(height))
    np.testing.assert_allclose(gaps, [5.43 / 4] * 5 + [(5.43 + 5.65) / 8] + [5.65 / 4] * 5)
    # empty space on both sides
    assert slab.atoms.cell[2, 2] - np.ptp(height) == pytest.approx(15.0)
    assert height.min() == pytest.approx(7.5)
    assert slab.within((1, 1)).tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_lateral_supercell_keeps_opposite_edges_apart():
    for normal in ((0, 0, 1), (1, 1, 1), (1, 1, 0)):
        atoms = orient(bulk("Si"), normal)
        repeat = repeats(atoms, 15.0)
        cell = atoms.cell.array[:2, :2] * np.array(repeat)[:, None]
        area = abs(np.linalg.det(cell))
        assert np.all(area / np.linalg.norm(cell, axis=1) >= 15.0 - 1e-5)
        fewer = [
            area / np.linalg.norm(edge) * (n - 1) / n for edge, n in zip(cell[::-1], repeat, strict=True)
        ]
        assert max(fewer) < 15.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["perfect_silicon", "perfect_silicon_111", "perfect_argon"])
def test_contact_of_like_crystals_is_the_crystal(name, request):
    """Central differences of 1e-3 Å along different directions agree to their square."""
    interface = request.getfixturevalue(name)
    blocks = interface.junction(WAVE_VECTORS)
    scale = np.abs(blocks.left.onsite).max()
    for onsite in blocks.onsite:
        np.testing.assert_allclose(onsite, blocks.left.onsite, atol=2e-6 * scale)
    for hopping in blocks.hopping:
        np.testing.assert_allclose(hopping, blocks.left.hopping, atol=2e-6 * scale)
    np.testing.assert_allclose(interface.slab.shift, 0.0, atol=1e-5)


def test_finite_displacements_err_by_their_square(perfect_argon, argon_springs):
    errors = []
    for displacement in (0.01, 0.02):
        rows, zone = displaced(perfect_argon, replace(argon_springs, displacement=displacement), (1, 1))
        errors.append(deviation(perfect_argon, rows, zone))
    assert errors[1] / errors[0] == pytest.approx(4.0, rel=0.01)


def test_blocks_are_hermitian_and_the_leads_are_attached_by_their_own_hopping(interface):
    blocks = interface.junction(WAVE_VECTORS)
    for onsite in (*blocks.onsite, blocks.left.onsite, blocks.right.onsite):
        np.testing.assert_allclose(onsite, onsite.conj().swapaxes(-1, -2), atol=1e-11 * np.abs(onsite).max())
    assert len(blocks.hopping) == len(blocks.onsite) + 1
    scale = np.abs(blocks.left.hopping).max()
    np.testing.assert_allclose(blocks.hopping[0], blocks.left.hopping, atol=1e-13 * scale)
    np.testing.assert_allclose(blocks.hopping[-1], blocks.right.hopping, atol=1e-13 * scale)


def test_no_layer_feels_a_rigid_shift_of_the_whole_junction(interface):
    blocks = interface.junction(np.zeros((1, 2)))
    shifts = []
    for atoms in (interface.surfaces[0], *interface.device, interface.surfaces[1]):
        root = np.repeat(np.sqrt(interface.slab.atoms.get_masses()[atoms]), 3)
        shifts.append(root[:, None] * np.tile(np.eye(3), (len(atoms), 1)))
    assert len(shifts) == len(blocks.onsite) + 2
    for i, onsite in enumerate(blocks.onsite):
        below, above = blocks.hopping[i][0, 0], blocks.hopping[i + 1][0, 0]
        force = below.conj().T @ shifts[i] + onsite[0, 0] @ shifts[i + 1] + above @ shifts[i + 2]
        np.testing.assert_allclose(force, 0.0, atol=1e-12 * np.abs(onsite).max() * np.abs(shifts).max())
    for lead, shift in ((blocks.left, shifts[0]), (blocks.right, shifts[-1])):
        onsite, hopping = lead.onsite[0, 0], lead.hopping[0, 0]
        force = (hopping + hopping.conj().T + onsite) @ shift
        np.testing.assert_allclose(force, 0.0, atol=1e-12 * np.abs(onsite).max() * np.abs(shift).max())


def test_principal_layers_are_as_thin_as_the_force_constants_allow(interface):
    reaches = (np.abs(crystal.cells[:, 2]).max() for crystal in (interface.left, interface.right))
    assert interface.principal == tuple(reaches)


def test_device_layers_couple_to_their_neighbours_only_and_hold_every_atom_once(interface):
    chain = (interface.surfaces[0], *interface.device, interface.surfaces[1])
    number = np.full(len(interface.slab.atoms), -9)
    for i, atoms in enumerate(chain):
        assert np.all(number[atoms] == -9)
        number[atoms] = i
    layers, principal = np.array(interface.layers), np.array(interface.principal)
    np.testing.assert_array_equal(number >= 0, interface.slab.within(tuple(layers + 2 * principal)))
    first, second = interface.contact.first, interface.contact.second
    inside = (number[first] > 0) & (number[first] < len(chain) - 1)
    assert np.abs(number[first] - number[second])[inside].max() == 1


def test_every_stored_check_of_an_interface_is_met(interface):
    assert set(interface.checks) == {
        *(
            f"{kind}_{side}"
            for kind in ("dispersion", "sum_rule", "stress", "force")
            for side in ("left", "right")
        ),
        "region_ends",
        "region_stability",
        "sum_rule_region",
        "residual_force",
    }
    for name, one in interface.checks.items():
        assert one.passed, name
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
    reference = np.linalg.eigvalsh(contact.dynamical_matrix(WAVE_VECTORS))
    rotations = reciprocal_rotations(interface.operations)
    assert len(rotations) in (4, 8, 12)
    for rotation in rotations:
        turned = contact.dynamical_matrix(WAVE_VECTORS @ rotation.T)
        np.testing.assert_allclose(np.linalg.eigvalsh(turned), reference, atol=1e-10 * reference.max())


def test_leads_have_the_symmetry_of_the_layer_group(interface):
    """At each Bloch phase across the layers; the contact's group is contained in that of both crystals."""

    def spectrum(wave_vectors, side, phase):
        lead = getattr(interface.junction(wave_vectors), side)
        forward = lead.hopping * np.exp(1j * phase)
        return np.linalg.eigvalsh(lead.onsite + forward + forward.conj().swapaxes(-1, -2))

    for side in ("left", "right"):
        reference = spectrum(WAVE_VECTORS, side, 0.8)
        for op in interface.operations:
            turned = spectrum(WAVE_VECTORS @ np.linalg.inv(op.rotation), side, 0.8)
            np.testing.assert_allclose(turned, reference, atol=1e-9 * reference.max())


def test_rows_of_one_atom_of_each_orbit_give_an_invariant_whole(perfect_silicon_111):
    """In a lateral supercell, whose translations are operations too: four atoms in an orbit at least."""
    rng = np.random.default_rng(7)
    atoms = tile(perfect_silicon_111, (2, 2)).slab.atoms
    operations = layer_operations(atoms)
    assert len(operations) == 4 * len(perfect_silicon_111.operations)
    everything = np.ones(len(atoms), dtype=bool)
    chosen, sizes = orbits(everything, operations)
    assert sizes.sum() == len(atoms)
    assert sizes.min() == 4
    size = np.zeros(len(atoms), dtype=int)
    size[chosen] = sizes
    count = 200
    given = PairConstants.collected(
        atoms,
        rng.choice(chosen, count),
        rng.integers(len(atoms), size=count),
        rng.integers(-1, 2, size=(count, 2)),
        rng.normal(size=(count, 3, 3)),
    )
    whole = spread(given, operations, size)
    for op in operations:
        turned = PairConstants.collected(
            atoms,
            op.image[whole.first],
            op.image[whole.second],
            whole.cell @ op.rotation.T + op.shift[whole.second] - op.shift[whole.first],
            op.cartesian @ whole.values @ op.cartesian.T,
        )
        np.testing.assert_array_equal(turned.cell, whole.cell)
        np.testing.assert_allclose(turned.values, whole.values, atol=1e-12)
    # what each row adds up to is the mean over the operations that leave its atom in place
    total = np.einsum("p,pab->ab", size[given.first], given.values)
    mean = sum(op.cartesian @ total @ op.cartesian.T for op in operations) / len(operations)
    np.testing.assert_allclose(whole.values.sum(axis=0), mean, atol=1e-10)


def test_masses_and_elements_lower_the_layer_group():
    atoms = build_slab(match(*(orient(bulk("Al"), (0, 0, 1)) for _ in range(2))), (2, 2)).atoms
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
    np.testing.assert_array_equal(heavy_silicon.contact.cell, perfect_silicon.contact.cell)
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
    start = build_slab(match(crystal, crystal), (8, 8))
    pulled = start.atoms.copy()
    pulled.positions[start.layer >= 0] += [0.05, -0.02, 0.1]
    slab = relax_contact(replace(start, atoms=pulled), stillinger_weber, (2, 2))
    moved = slab.atoms.positions - pulled.positions
    np.testing.assert_array_equal(moved[slab.layer < -2], 0.0)
    end = moved[slab.layer >= 2]
    np.testing.assert_allclose(end, np.broadcast_to(end[0], end.shape), atol=1e-12)
    np.testing.assert_allclose(slab.shift, end[0], atol=1e-12)
    # back to the crystal it was pulled from: the limit of 1e-5 eV/Å over some eV/Å²
    np.testing.assert_allclose(slab.shift, [-0.05, 0.02, -0.1], atol=1e-4)
    np.testing.assert_allclose(slab.atoms.positions, start.atoms.positions, atol=1e-4)


def test_ends_that_differ_from_the_crystal_are_noticed(perfect_silicon, stillinger_weber):
    right = perfect_silicon.right
    rows, zone = displaced(perfect_silicon, stillinger_weber)
    assert deviation(perfect_silicon, rows, zone) < END_LIMIT
    stiffer = replace(right, values=1.01 * right.values)
    # the self terms are left out; the largest pair constant is a quarter of the largest self term
    pairs = np.where(np.any(right.cells, axis=1)[:, None, None, None, None], right.values, 0.0)
    pairs[~np.any(right.cells, axis=1), 0, 1] = right.values[~np.any(right.cells, axis=1), 0, 1]
    expected = 0.01 / 1.01 * np.abs(pairs).max() / right.scale
    assert deviation(perfect_silicon, rows, zone, stiffer) == pytest.approx(expected, rel=1e-3)


def test_joined_force_constants_obey_the_sum_rule_however_inexact_the_contact_is(silicon_germanium):
    """Noise in the rows of the contact, without symmetry to average it: also what a self term, which is
    symmetric, cannot absorb."""
    whole, slab = silicon_germanium.contact, silicon_germanium.slab
    zone = slab.within(silicon_germanium.layers)
    rng = np.random.default_rng(10)
    known = whole.select(zone[whole.first])
    noise = 1e-3 * whole.scale * rng.normal(size=known.values.shape)
    noisy = replace(known, values=known.values + noise)
    pair = silicon_germanium.pair
    joined = join(slab, noisy, bulk_pairs(slab, pair), zone, pair)
    assert joined.exchange_error < 1e-14
    rows = joined.row_sums[slab.within((silicon_germanium.layers[0] + 1, silicon_germanium.layers[1] + 1))]
    np.testing.assert_allclose(rows, 0.0, atol=1e-13 * joined.scale)
    # far from the contact nothing changed
    outer = ~slab.within((silicon_germanium.layers[0] + 2, silicon_germanium.layers[1] + 2))
    far = [x.select(outer[x.first] & outer[x.second]) for x in (joined, whole)]
    np.testing.assert_array_equal(far[0].cell, far[1].cell)
    np.testing.assert_allclose(far[0].values, far[1].values, atol=1e-12)


def test_images_at_equal_distance_share_a_force_constant(perfect_argon, argon_springs):
    """In a lateral supercell too small to tell images apart, waves that fit into it are still exact."""
    far_reaching = replace(argon_springs, reach=None)
    small, large = (displaced(perfect_argon, far_reaching, (1, 1), (n, n))[0] for n in (2, 4))
    k = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [0.5, 0.5]])
    scale = np.abs(large.dynamical_matrix(k)).max()
    np.testing.assert_allclose(small.dynamical_matrix(k), large.dynamical_matrix(k), atol=1e-9 * scale)


def test_contact_that_never_becomes_bulk_like_is_refused(monkeypatch, structure, argon_springs):
    monkeypatch.setattr(growth, "MAX_THICKNESS", 1.0)
    monkeypatch.setattr(growth, "END_LIMIT", 1e-14)
    with pytest.raises(ConvergenceError, match="Å away from it"):
        build_interface(structure("ar"), structure("ar"), (0, 0, 1), argon_springs)


def test_unrelaxed_contact_keeps_the_given_crystals_and_progress_ends_each_stage(structure, argon_springs):
    crystal, seen = structure("ar"), {}

    def progress(stage, done, total):
        seen.setdefault(stage, []).append((done, total))

    interface = build_interface(
        crystal, crystal, (0, 0, 1), argon_springs, relax=False, how=Execution(progress=progress)
    )
    assert interface.left.volume == pytest.approx(crystal.get_volume() / 4)
    np.testing.assert_array_equal(interface.slab.shift, 0.0)
    # nothing was relaxed: the guards say how far that is from equilibrium
    assert interface.checks["residual_force"].limit > FORCE_LIMIT
    assert {*seen} == {
        "relaxation",
        "forces of the left crystal",
        "forces of the right crystal",
        "forces at the contact's ends",
        "forces of the contact",
    }
    for steps in seen.values():
        assert steps[-1][0] == steps[-1][1]


def test_atoms_displaced_together_answer_as_each_alone(silicon_germanium, stillinger_weber):
    """Two reaches apart, no third atom feels both."""
    small = silicon_germanium.slab
    zone = np.flatnonzero(small.within((1, 1)))
    alone = displaced_rows(small, zone, stillinger_weber, repeat=(4, 4))
    wide, at = tile_slab(small, silicon_germanium.matched, (9, 4))
    totals = []
    # lateral cells 0 and 16 of (9, 4) are four cells apart
    pairs = np.sort(at[zone][:, [0, 16]].ravel())
    together = displaced_rows(
        wide,
        pairs,
        stillinger_weber,
        repeat=(1, 1),
        how=Execution(progress=lambda stage, done, total: totals.append(total)),
    )
    assert 6 * len(zone) <= totals[0] < 6 * len(pairs)
    for i in zone:
        mine = alone.select(alone.first == i)
        for place in (0, 16):
            theirs = together.select(together.first == at[i, place])
            sums = [np.sort(found.values.reshape(-1, 9), axis=0) for found in (mine, theirs)]
            np.testing.assert_allclose(sums[1], sums[0], atol=1e-9 * mine.scale)


def test_only_surroundings_of_the_pure_crystal_need_no_displacement(perfect_silicon, stillinger_weber):
    reach = stillinger_weber.reach
    # one crystal, cut from twelve layers without a contact
    slab = build_slab(perfect_silicon.matched, (12, 1)).take(np.arange(24))
    # an atom sees five planes of atoms up and down: in the sixth even the nearest is 6 a/4 = 8.1 Å away,
    # and in the fifth none lies straight above
    deep = (np.arange(24) >= 5) & (np.arange(24) < 19)
    np.testing.assert_array_equal(bulk_like(slab, perfect_silicon.matched, reach), deep)
    moved = slab.atoms.copy()
    moved.positions += [0.3, -0.2, 0.7]  # as a rigid body
    np.testing.assert_array_equal(bulk_like(replace(slab, atoms=moved), perfect_silicon.matched, reach), deep)
    middle = int(np.flatnonzero(deep)[deep.sum() // 2])
    for change in ("displaced", "replaced"):
        other = slab.atoms.copy()
        if change == "displaced":
            other.positions[middle, 0] += 2e-5
        else:
            other.numbers[middle] = 32
        near = other.get_all_distances(mic=False)[middle] <= 0.1
        found = bulk_like(replace(slab, atoms=other), perfect_silicon.matched, reach)
        assert not found[near].any()
        assert found.sum() < deep.sum()
    heavy = slab.atoms.copy()
    heavy.set_masses(np.full(24, 60.0))
    np.testing.assert_array_equal(bulk_like(replace(slab, atoms=heavy), perfect_silicon.matched, reach), deep)
