"""Transmission over k∥ and ν: perfect crystals, symmetry, limits, and silicon on heavy silicon."""

import numpy as np
import pytest
from ase.build import make_supercell

from latmm.agf import transmission
from latmm.interface.build import Interface, build_interface, join_crystals, match_alike
from latmm.landauer import FrequencyGrid, conductance
from latmm.lattice.dynamics import largest_frequency, phonons
from latmm.parallel.execution import Execution
from latmm.sampling.meshes import ELASTIC, frequency_grid, reduced_mesh, windows
from latmm.sweep.run import SpectralTransmission, assemble, sweep
from latmm.sweep.tasks import Piece, Task
from latmm.units import TWO_PI

IDENTITY = [np.eye(2, dtype=np.int64)]


def common(interface: Interface) -> float:
    return min(largest_frequency(crystal) for crystal in (interface.left, interface.right))


def solve(
    interface: Interface, mesh=(4, 4), count=16, minimum_temperature=50.0, rotations=None
) -> tuple[FrequencyGrid, SpectralTransmission]:
    top = max(largest_frequency(crystal) for crystal in (interface.left, interface.right))
    grid = frequency_grid(common(interface), top, count, minimum_temperature=minimum_temperature)
    samples = windows(
        interface.left,
        interface.right,
        grid,
        mesh,
        interface.rotations if rotations is None else rotations,
        common=common(interface),
    )
    return grid, sweep(interface, grid, samples, common=common(interface))


@pytest.fixture(scope="module")
def coarse(heavy_silicon):
    return solve(heavy_silicon)


@pytest.mark.parametrize("name", ["perfect_silicon", "perfect_silicon_111", "perfect_argon"])
def test_perfect_crystal_transmits_every_channel(name, request):
    """Through the contact as built and relaxed; what is left is the fourth power of the displacement."""
    interface = request.getfixturevalue(name)
    wave_vectors = np.random.default_rng(9).uniform(-0.5, 0.5, (12, 2))
    nu = common(interface) * np.linspace(0.03, 0.97, 24)
    found = transmission(interface.junction(wave_vectors), TWO_PI * nu)
    assert found.transmission.shape == (12, 24)
    np.testing.assert_array_equal(found.channels_left, found.channels_right)
    assert 0 < found.channels_left.max() <= 6
    np.testing.assert_allclose(found.transmission, found.channels_left, atol=2e-7)
    assert not found.retried.any()
    # and after the sweep, per area
    _, swept = solve(interface)
    np.testing.assert_allclose(swept.transmission, swept.channels_left, rtol=1e-6)
    np.testing.assert_allclose(swept.channels_right, swept.channels_left, rtol=1e-12)


@pytest.mark.parametrize("name", ["heavy_silicon", "silicon_germanium"])
def test_checks_of_all_samples_are_met_and_no_side_offers_fewer_channels(name, request):
    grid, found = solve(request.getfixturevalue(name))
    assert max(found.unitarity, found.caroli, found.reciprocity) < 1e-8
    least = np.minimum(found.channels_left, found.channels_right)
    assert np.all(found.transmission <= least * (1 + 1e-9))
    assert np.all(found.transmission >= 0)
    inside = grid.frequency < common(request.getfixturevalue(name))
    assert found.transmission[inside].max() > 1.0  # per nm²
    np.testing.assert_array_equal(found.transmission[~inside], 0.0)
    assert found.channels_left[~inside].max() > 0  # silicon goes on above the common band


def test_sweep_is_the_mean_over_the_mesh_per_area(heavy_silicon, coarse):
    """Frequencies of the widest window, solved again one by one on the unreduced mesh."""
    grid, found = coarse
    top = common(heavy_silicon)
    chosen = np.flatnonzero((grid.frequency > 0.5 * top) & (grid.frequency < top))
    points, weights = reduced_mesh((4, 4), 1.0, IDENTITY)
    again = transmission(heavy_silicon.junction(points), TWO_PI * grid.frequency[chosen])
    area = heavy_silicon.area / 100.0  # nm²
    np.testing.assert_allclose(weights @ again.transmission / area, found.transmission[chosen], rtol=1e-9)
    np.testing.assert_allclose(weights @ again.channels_left / area, found.channels_left[chosen], rtol=1e-12)


@pytest.mark.parametrize("name", ["silicon_germanium", "perfect_silicon_111"])
def test_symmetry_reduced_mesh_equals_the_full_one(name, request):
    interface = request.getfixturevalue(name)
    _, reduced = solve(interface, count=10)
    _, full = solve(interface, count=10, rotations=IDENTITY)
    assert full.samples > 1.5 * reduced.samples
    for quantity in ("transmission", "channels_left", "channels_right"):
        np.testing.assert_allclose(getattr(reduced, quantity), getattr(full, quantity), rtol=1e-8, atol=1e-12)


def elastic_channels(crystal) -> float:
    """M/ν² of an elastic continuum, nm⁻² THz⁻²: ω²/(8π²) Σ ∮ |v_z|/c³ dΩ over directions of k."""
    x, w = np.polynomial.legendre.leggauss(24)
    angle = (np.arange(96) + 0.5) / 96 * TWO_PI
    z, phi = np.meshgrid(x, angle, indexing="ij")
    s = np.sqrt(1 - z**2)
    directions = np.stack([s * np.cos(phi), s * np.sin(phi), z], axis=-1).reshape(-1, 3)
    k = 1e-3  # Å⁻¹
    found = phonons(crystal, k * directions @ crystal.atoms.cell.array.T / TWO_PI)
    c = TWO_PI * found.frequency[:, :3] / k  # Å THz
    v = np.abs(found.group_velocity[:, :3, 2]) * 10.0
    solid_angle = np.repeat(w, 96) * TWO_PI / 96
    return 100.0 * TWO_PI**2 / (8 * np.pi**2) * float(solid_angle @ (v / c**3).sum(axis=1))


@pytest.fixture(scope="module")
def cold(heavy_silicon):
    """Frequencies up to a hundredth of the band, some of them in the elastic range that is not sampled."""
    top = common(heavy_silicon)
    grid = frequency_grid(0.01 * top, 0.01 * top, 24, minimum_temperature=0.02)
    samples = windows(
        heavy_silicon.left, heavy_silicon.right, grid, (16, 16), heavy_silicon.rotations, common=top
    )
    return grid, sweep(heavy_silicon, grid, samples, common=top)


@pytest.mark.slow
def test_channels_at_low_frequency_are_those_of_the_elastic_continuum(heavy_silicon, cold):
    grid, found = cold
    for crystal, counted in (
        (heavy_silicon.left, found.channels_left),
        (heavy_silicon.right, found.channels_right),
    ):
        assert counted[0] / grid.frequency[0] ** 2 == pytest.approx(elastic_channels(crystal), rel=0.02)
    # the light crystal is faster: M ∝ Σ 1/v², v ∝ m^(−1/2)
    ratio = elastic_channels(heavy_silicon.right) / elastic_channels(heavy_silicon.left)
    assert ratio == pytest.approx(72.63 / heavy_silicon.left.atoms.get_masses()[0], rel=1e-5)


def test_conductance_falls_with_the_cube_of_the_temperature_below_a_kelvin(heavy_silicon, cold):
    grid, found = cold
    elastic = grid.frequency < ELASTIC * common(heavy_silicon)
    assert 5 < elastic.sum() < len(elastic)
    law = found.transmission / grid.frequency**2
    np.testing.assert_allclose(law[elastic], law[0], rtol=1e-12)
    t = np.array([0.02, 0.1, 0.2, 0.3])  # at 0.3 K half of the heat flows where modes were solved
    g = conductance(grid, found.transmission, t) / t**3
    np.testing.assert_allclose(g / g[0], 1.0, rtol=2e-2)


@pytest.mark.slow
def test_silicon_on_heavy_silicon_conducts_as_others_are_said_to_have_found(heavy_silicon):
    """280 MW m⁻² K⁻¹ at 300 K, second hand: said to be in a figure of Z. Tian, K. Esfarjani and G. Chen,
    Phys. Rev. B 86, 235304 (2012), for a change of mass alone, which was not seen; 3 % allowed."""
    grid, found = solve(heavy_silicon, mesh=(12, 12), count=64)
    assert conductance(grid, found.transmission, 300.0)[0] * 1e-6 == pytest.approx(280.0, rel=0.03)


@pytest.mark.slow
def test_swapping_the_crystals_changes_nothing(heavy_silicon, coarse, structure, stillinger_weber):
    swapped = build_interface(structure("si", {"Si": 72.63}), structure("si"), (0, 0, 1), stillinger_weber)
    assert swapped.area == pytest.approx(heavy_silicon.area)
    grid, there = coarse
    same, back = solve(swapped)
    np.testing.assert_allclose(same.frequency, grid.frequency, rtol=1e-6)
    np.testing.assert_allclose(back.transmission, there.transmission, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        conductance(same, back.transmission, [50.0, 300.0]),
        conductance(grid, there.transmission, [50.0, 300.0]),
        rtol=1e-5,
    )
    np.testing.assert_allclose(back.channels_left, there.channels_right, rtol=1e-12)


@pytest.mark.slow
def test_origin_and_cell_of_the_file_change_nothing(coarse, structure, stillinger_weber):
    light, heavy = structure("si"), structure("si", {"Si": 72.63})
    heavy.positions += [0.9, -0.4, 2.2]
    turned = make_supercell(heavy, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    turned.rotate(63.0, (1, 2, -1), rotate_cell=True)
    other = build_interface(light, turned, (0, 0, 1), stillinger_weber)
    grid, reference = coarse
    same, found = solve(other)
    np.testing.assert_allclose(
        conductance(same, found.transmission, [50.0, 300.0]),
        conductance(grid, reference.transmission, [50.0, 300.0]),
        rtol=1e-5,
    )


@pytest.mark.slow
def test_thicker_contact_changes_nothing(silicon_germanium, structure, stillinger_weber):
    thicker = join_crystals(
        match_alike(structure("si"), structure("ge"), (0, 0, 1), stillinger_weber),
        *(((0, 0, 1), (0, 0, 1)), stillinger_weber),
        start=(0, 0, 0),
        layers=4,
    )
    assert thicker.layers > silicon_germanium.layers
    (grid, thin), (same, thick) = solve(silicon_germanium), solve(thicker)
    change = conductance(same, thick.transmission, [50.0, 300.0]) / conductance(
        grid, thin.transmission, [50.0, 300.0]
    )
    np.testing.assert_allclose(change, 1.0, atol=1e-5)  # found: 5e-7


def test_progress_counts_all_samples(heavy_silicon):
    top = common(heavy_silicon)
    grid = FrequencyGrid(top * np.array([0.4, 0.9, 1.2]), np.ones(3))
    samples = windows(heavy_silicon.left, heavy_silicon.right, grid, (2, 2), IDENTITY, common=top)
    seen = []
    found = sweep(
        heavy_silicon, grid, samples, common=top, how=Execution(progress=lambda *step: seen.append(step))
    )
    assert found.samples == 12
    assert seen[-1] == ("modes", 12, 12)
    assert [step[1] for step in seen] == sorted(step[1] for step in seen)


def test_the_limit_of_flat_contacts_takes_the_smaller_side_at_each_wave_vector():
    """One k∥ has 1 | 5 channels and one 4 | 2: the limit is 1 + 2 = 3, below both sums, 5 and 7."""
    task = Task(np.zeros((2, 2)), np.array([0.25, 0.25]), np.array([1]), np.array([2.0]), common=9.0)
    counts = np.array([[0.5, 1.5], [1.0, 4.0], [5.0, 2.0], [0.25, 0.75]])[:, :, None]
    grid = FrequencyGrid(np.array([1.0, 2.0]), np.ones(2))
    found = assemble(grid, [task], [Piece(counts, np.array([1e-10, 2e-10, 3e-10]), 4)], area=50.0)
    per_area = 0.25 * 100.0 / 50.0  # 1/Å² are 100/nm²
    for name, count in (
        ("flat_limit", 3.0),
        ("transmission", 2.0),
        ("channels_left", 5.0),
        ("channels_right", 7.0),
        ("specular", 1.0),
    ):
        np.testing.assert_allclose(getattr(found, name), [0.0, count * per_area], rtol=1e-14)
    assert (found.unitarity, found.caroli, found.reciprocity) == (1e-10, 2e-10, 3e-10)
    assert (found.samples, found.retried) == (2, 4)
