"""Where k∥ and ν are sampled: weights, orbits, windows that lose no phonon, quadrature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latmm.comparison import compare
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, conductance
from latmm.lattice.dynamics import largest_frequency
from latmm.sampling.meshes import (
    ELASTIC,
    LAW,
    check_sampling,
    frequency_grid,
    reduced_mesh,
    staggered,
    windows,
)
from latmm.sweep.refinement import Sampling
from latmm.units import EV_PER_A2_AMU, TWO_PI


def group(*generators):
    """All products of integer matrices."""
    found = {(1, 0, 0, 1)}
    while True:
        more = {
            tuple((np.array(a).reshape(2, 2) @ g).ravel().tolist())
            for a in found
            for g in map(np.array, generators)
        }
        if more <= found:
            return [np.array(m).reshape(2, 2) for m in sorted(found)]
        found |= more


INVERSION = [[-1, 0], [0, -1]]
GROUPS = {
    "oblique": group(INVERSION),
    "rectangular": group(INVERSION, [[1, 0], [0, -1]]),
    "centred rectangular": group(INVERSION, [[0, 1], [1, 0]]),
    "square": group([[0, -1], [1, 0]], [[1, 0], [0, -1]]),
    "hexagonal": group([[0, -1], [1, 1]], [[0, 1], [1, 0]]),
    "trigonal": group([[0, -1], [1, -1]], INVERSION),
}
SIZES = {
    "oblique": 2,
    "rectangular": 4,
    "centred rectangular": 4,
    "square": 8,
    "hexagonal": 12,
    "trigonal": 6,
}


def orbits(mesh, rotations):
    """Brute force over the whole zone: the sorted sizes of the classes of equivalent mesh points."""
    points = [
        ((2 * i + 1 - mesh[0]) / (2 * mesh[0]), (2 * j + 1 - mesh[1]) / (2 * mesh[1]))
        for i in range(mesh[0])
        for j in range(mesh[1])
    ]
    on_mesh = {tuple(np.round(np.mod(p, 1.0), 9) % 1.0) for p in points}
    classes = set()
    for point in points:
        images = [tuple(np.round(np.mod(r @ point, 1.0), 9) % 1.0) for r in rotations]
        classes.add(frozenset(image for image in images if image in on_mesh))
    return sorted(len(c) for c in classes)


@pytest.mark.parametrize("mesh", [(6, 6), (5, 5), (4, 6), (1, 1)])
@pytest.mark.parametrize("name", GROUPS)
def test_orbits_are_those_found_by_brute_force(name, mesh):
    rotations = GROUPS[name]
    assert len(rotations) == SIZES[name]
    # the operations that map the mesh onto itself form a subgroup
    kept = [r for r in rotations if mesh[0] == mesh[1] or not (r[0, 1] or r[1, 0])]
    if name in ("hexagonal", "trigonal") and mesh[0] % 2 == 0:
        kept = [r for r in kept if is_mesh_symmetry(r, mesh)]
    points, weights = reduced_mesh(mesh, 1.0, rotations)
    assert weights.sum() == pytest.approx(1.0)
    counts = np.sort(np.rint(weights * mesh[0] * mesh[1]).astype(int))
    assert counts.tolist() == orbits(mesh, kept)
    assert len(points) == len(weights)


def is_mesh_symmetry(rotation, mesh):
    """Whether midpoints go to midpoints of the repeated zone."""
    labels = np.stack(np.meshgrid(*[2 * np.arange(n) + 1 - n for n in mesh], indexing="ij"), -1).reshape(
        -1, 2
    )
    moved = labels @ rotation.T
    return np.all((moved - labels[0]) % 2 == 0)


@pytest.mark.parametrize("name", GROUPS)
def test_reduced_mesh_integrates_invariant_functions_like_the_full_one(name):
    rotations = GROUPS[name]

    def invariant(k):
        waves = [[1, 0], [2, 1], [3, -1]]
        return sum(np.cos(TWO_PI * (k @ r.T) @ w) for r in rotations for w in waves) ** 2

    for size in (1.0, 0.5):
        full, whole = reduced_mesh((6, 6), size, [np.eye(2, dtype=int)])
        assert len(full) == 36
        points, weights = reduced_mesh((6, 6), size, rotations)
        assert len(points) <= 18
        assert weights @ invariant(points) == pytest.approx(whole @ invariant(full))
        assert np.abs(points).max() < size / 2


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1.0, 0.7, 0.01]))
def test_midpoint_mesh_integrates_waves_over_the_zone_exactly(n, m, size):
    points, weights = reduced_mesh((n, m), size, [np.eye(2, dtype=int)])
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weights @ points, 0.0, atol=1e-14)
    # second moment of a midpoint rule: size²/12 (1 − 1/n²)
    np.testing.assert_allclose(
        weights @ points**2, size**2 / 12 * (1 - np.array([n, m], float) ** -2), atol=1e-14
    )


@pytest.fixture(scope="module")
def setup(heavy_silicon):
    tops = [largest_frequency(c) for c in (heavy_silicon.left, heavy_silicon.right)]
    grid = frequency_grid(min(tops), max(tops), 48, minimum_temperature=0.5)
    found = windows(
        heavy_silicon.left, heavy_silicon.right, grid, (8, 8), heavy_silicon.rotations, common=min(tops)
    )
    return grid, found, min(tops)


def test_every_frequency_above_the_elastic_range_is_in_exactly_one_window(setup):
    grid, found, common = setup
    served = np.sum([w.selected for w in found], axis=0)
    np.testing.assert_array_equal(served, (grid.frequency >= ELASTIC * common).astype(int))
    assert served.sum() < len(grid.frequency)  # at half a kelvin there is an elastic range
    extents = np.array([w.weights.sum() for w in found])
    assert extents[0] == pytest.approx(1.0)
    assert np.all(np.diff(extents) < 0)
    # the lower the frequency, the smaller the window
    tops = [grid.frequency[w.selected].max() for w in found]
    assert np.all(np.diff(tops) < 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heavy_silicon", "perfect_silicon_111", "perfect_argon"])
def test_no_phonon_of_either_crystal_lies_outside_its_window(name, request):
    interface = request.getfixturevalue(name)
    tops = [largest_frequency(c) for c in (interface.left, interface.right)]
    grid = frequency_grid(min(tops), max(tops), 48, minimum_temperature=5.0)
    found = windows(interface.left, interface.right, grid, (4, 4), interface.rotations, common=min(tops))
    assert len(found) > 5
    rng = np.random.default_rng(8)
    for window in found[1:]:
        size = np.sqrt(window.weights.sum())
        highest = grid.frequency[window.selected].max()
        for crystal in (interface.left, interface.right):
            # over the whole zone outside, and densely next to the edge
            near = rng.uniform(-0.5, 0.5, (4000, 2)) * np.where(rng.random((4000, 1)) < 0.5, 1.0, 1.3 * size)
            outside = near[np.abs(near).max(axis=1) > size / 2]
            q = crystal.in_plane(outside)
            q[:, 2] += rng.uniform(-0.5, 0.5, len(q)) * np.where(rng.random(len(q)) < 0.5, 1.0, 2 * size)
            squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q))[:, 0]
            lowest = np.sqrt(max(squares.min(), 0.0) * EV_PER_A2_AMU) / TWO_PI
            assert lowest > highest


def test_frequency_grid_integrates_powers_with_the_midpoint_rules_own_error():
    """ν^p dν is u^(2p+1) du in u = √(ν/ν_max): midpoints err by (p + 1)(2p + 1)/(12 N²) of the integral
    (Euler and Maclaurin), and not at all for p = 0."""
    grid = frequency_grid(10.0, 14.0, 128, minimum_temperature=48.0)  # from 0.02 THz on
    shared = grid.frequency < 10.0
    assert shared.sum() == 128
    for power in (0, 1, 2, 4):
        found = (grid.weight[shared] @ grid.frequency[shared] ** power) * (power + 1) / 10.0 ** (power + 1)
        below = 0.002 ** (power + 1)
        error = (power + 1) * (2 * power + 1) / (12 * 128**2) if power else 0.0
        expected = 1 - below - error
        assert found == pytest.approx(expected, abs=2e-6)
    above = grid.weight[~shared] @ grid.frequency[~shared] ** 2
    assert above == pytest.approx((14.0**3 - 10.0**3) / 3, rel=1e-3)


@pytest.mark.parametrize(
    ("temperature", "error"), [(0.1, 5e-3), (0.2, 5e-3), (1.0, 2e-4), (50.0, 2e-4), (500.0, 2e-4)]
)
def test_heat_of_a_quadratic_spectrum_is_integrated_at_every_temperature(temperature, error):
    """One grid from the lowest temperature on, against a fine one; worst where the elastic range ends."""
    grid = frequency_grid(10.0, 10.0, 128, minimum_temperature=0.1)
    x, w = np.polynomial.legendre.leggauss(400)
    u = 0.5 * (x + 1)
    fine = FrequencyGrid(10.0 * u**3, 0.5 * w * 30.0 * u**2)
    reference = conductance(fine, fine.frequency**2, temperature)
    assert conductance(grid, grid.frequency**2, temperature) == pytest.approx(reference, rel=error)


@pytest.mark.parametrize("long_wavelength", [0.0, 2.3, 0.2])
@pytest.mark.parametrize("count", [6, 48, 128])
def test_colder_temperatures_add_nodes_below_and_move_none(long_wavelength, count):
    hot, *colder = (
        frequency_grid(9.1, 15.2, count, minimum_temperature=t, long_wavelength=long_wavelength)
        for t in (300, 50, 10, 1, 0.01)
    )
    for cold in colder:
        kept = slice(cold.frequency.size - hot.frequency.size, None)
        np.testing.assert_array_equal(cold.frequency[kept], hot.frequency)
        np.testing.assert_array_equal(cold.weight[kept], hot.weight)
        assert cold.start <= hot.start
        hot = cold


@pytest.mark.parametrize("minimum_temperature", [300.0, 40.0, 10.0, 0.01])
@pytest.mark.parametrize("long_wavelength", [0.0, 2.3])
def test_weights_fill_the_band_from_where_the_grid_starts(minimum_temperature, long_wavelength):
    grid = frequency_grid(
        9.1, 15.2, 48, minimum_temperature=minimum_temperature, long_wavelength=long_wavelength
    )
    assert grid.start + grid.weight.sum() == pytest.approx(15.2, rel=1e-6)


def test_nodes_that_a_colder_temperature_adds_leave_the_meshes_of_the_others(heavy_silicon):
    hot, cold = (Sampling.of(heavy_silicon, (4, 4), 24, minimum_temperature=t) for t in (300.0, 1.0))
    added = cold.grid.frequency.size - hot.grid.frequency.size
    assert added > 0

    def found(sampling, node):
        (window,) = (w for w in sampling.samples if w.selected[node])
        return window.wave_vectors

    for node in np.flatnonzero(~hot.elastic):
        np.testing.assert_array_equal(found(cold, node + added), found(hot, node))


@pytest.mark.slow
@pytest.mark.parametrize("others", [[10.0], [0.01, 1000.0]])
def test_conductance_does_not_depend_on_what_other_temperatures_are_asked(heavy_silicon, others):
    models = ["agf", "amm-isotropic", "dmm-debye"]

    def at_300(temperatures):
        tree = compare(heavy_silicon, temperatures, models=models, kmesh=(4, 4), frequencies=24)
        return tree["comparison"]["conductance"].sel(temperature=300.0).values

    np.testing.assert_allclose(at_300([300.0, *others]), at_300([300.0]), rtol=1e-3)


def test_one_band_needs_no_nodes_above_it():
    grid = frequency_grid(10.0, 10.0, 16, minimum_temperature=300.0)
    assert grid.frequency.max() < 10.0
    assert len(grid.frequency) == 16
    assert np.all(np.diff(grid.frequency) > 0)


@pytest.mark.parametrize("mesh", [(0, 12), (12,), (4, 4, 4), (2.5, 2)])
def test_meshes_that_are_not_two_positive_integers_are_refused(mesh):
    with pytest.raises(InputError, match="`kmesh` must be two positive integers"):
        check_sampling(mesh, 64)


@pytest.mark.parametrize("count", [0, 1, -4, 2.5])
def test_fewer_than_two_frequencies_are_refused(count):
    with pytest.raises(InputError, match="`frequencies` must be an integer of at least 2"):
        check_sampling((4, 4), count)


def test_sensible_sampling_passes():
    check_sampling((1, 7), 2)


@pytest.mark.parametrize("minimum_temperature", [300.0, 1000.0, 1e6])
def test_hot_grid_leaves_out_no_part_of_a_soft_band(minimum_temperature):
    """In the classical limit every frequency counts alike, however low it is against the temperature."""
    grid = frequency_grid(2.0, 2.0, 128, minimum_temperature=minimum_temperature)
    np.testing.assert_allclose(grid.weight.sum(), 2.0, rtol=3e-3)  # but for the elastic range, 2e-3
    np.testing.assert_allclose(grid.weight @ grid.frequency**2, 8.0 / 3.0, rtol=1e-3)


def test_grid_for_cold_temperatures_ends_where_nothing_is_excited(setup):
    """Heat of Ξ ∝ ν² at 5 K on the whole band, and up to 30 k_B T/h with the same density of nodes."""
    top = 17.0
    whole = frequency_grid(top, top, 2000, minimum_temperature=5.0)
    cold = frequency_grid(top, top, 900, minimum_temperature=5.0, maximum_temperature=5.0)
    assert cold.frequency.max() < 3.2
    g = [conductance(grid, grid.frequency**2, 5.0) for grid in (whole, cold)]
    assert g[1] == pytest.approx(g[0], rel=1e-5)
    narrow = frequency_grid(top, top, 40, minimum_temperature=0.01, maximum_temperature=0.01)
    assert narrow.frequency.max() == pytest.approx(LAW * ELASTIC * top, rel=0.05)  # the law has its samples


def test_windows_of_little_importance_get_coarser_meshes(heavy_silicon, setup):
    mesh, plain = (8, 8), setup[1]
    importance = np.where(plain[0].selected, 1.0, 0.4**2.5)
    found = staggered(plain, mesh, heavy_silicon.rotations, importance=importance)
    usual = staggered(plain, mesh, heavy_silicon.rotations)
    assert [len(w.weights) for w in found[:2]] == [len(w.weights) for w in usual[:2]]
    assert all(len(a.weights) < len(b.weights) for a, b in zip(found[2:], usual[2:], strict=True))
    for a, b in zip(found, usual, strict=True):
        assert np.array_equal(a.selected, b.selected)
        assert a.weights.sum() == pytest.approx(b.weights.sum())


@pytest.mark.parametrize(
    ("kmesh", "frequencies"),
    [
        ((10**12, 4), 8),
        ((10**400, 4), 8),
        ((4, 4), 10**400),
        ((4001, 1000), 8),
        ((4, np.nan), 8),
        ((4, np.inf), 8),
        ((4, 4), 10**12),
        ((4, 4), np.nan),
    ],
)
def test_more_samples_than_any_machine_solves_are_refused(kmesh, frequencies):
    with pytest.raises(InputError, match=r"coarser mesh|positive integers|fewer frequencies|at least 2"):
        check_sampling(kmesh, frequencies)
    check_sampling((4000, 1000), 100_000)
