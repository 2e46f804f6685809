"""Samples of long waves along rays: band edges, areas, the same answer as other meshes and other cells."""

from dataclasses import replace

import numpy as np
import pytest

from latmm.agf import channels
from latmm.interface.tiling import tile
from latmm.landauer import FrequencyGrid, conductance
from latmm.lattice.dynamics import largest_frequency
from latmm.sampling.long_wavelength import along_rays, highest_long_wave, rays
from latmm.sampling.meshes import ceilings, frequency_grid, reduced_mesh, windows
from latmm.sweep.refinement import Sampling, solve_level
from latmm.sweep.run import sweep
from latmm.units import EV_PER_A2_AMU, TWO_PI


def common(interface) -> float:
    return min(largest_frequency(c) for c in (interface.left, interface.right))


def at(interface, frequency, points):
    """Ξ, M_left, M_right at one or more frequencies, each on the coarse and on the fine rays in turn."""
    nu = np.asarray(frequency, dtype=float)
    grid = FrequencyGrid(nu, np.ones(nu.size))
    found = sweep(
        interface,
        grid,
        along_rays(interface, grid, np.full(nu.size, points)),
        common=common(interface),
    )
    return np.array([found.transmission, found.channels_left, found.channels_right])


@pytest.mark.parametrize("name", ["heavy_silicon", "perfect_argon"])
def test_number_of_channels_changes_at_every_edge_and_nowhere_else(name, request):
    interface = request.getfixturevalue(name)
    nu = 0.8 * highest_long_wave(interface, common(interface))
    found = rays(interface, 2, nu)
    for direction, edges in zip(found.directions, found.edges(nu), strict=True):
        assert len(edges) >= 3
        bounds = np.concatenate([[0.0], edges, [1.02 * edges[-1]]])
        width = np.diff(bounds)[:, None]
        # a fiftieth of a segment off its ends
        radius = (bounds[:-1, None] + width * [0.02, 0.3, 0.7, 0.98]).ravel()
        k = radius[:, None] * direction @ interface.matched.cell.T / TWO_PI
        lattice = interface.junction(k)
        counts = sum(
            channels(lead, TWO_PI * np.array([nu]))[:, 0].astype(int)
            for lead in (lattice.left, lattice.right)
        ).reshape(-1, 4)
        wide = np.diff(bounds) > 5e-3 * edges[-1]
        assert np.all(counts[wide] == counts[wide][:, :1])
        assert np.all(counts[-1] == 0)
        neighbours = wide[1:] & wide[:-1]
        assert neighbours.sum() >= 3
        assert np.all(counts[1:, 0][neighbours] != counts[:-1, 0][neighbours])


def test_no_phonon_lies_outside_the_last_edge(heavy_silicon):
    nu = highest_long_wave(heavy_silicon, common(heavy_silicon))
    found = rays(heavy_silicon, 24, nu)
    farthest = max(edges[-1] for edges in found.edges(nu))
    rng = np.random.default_rng(3)
    k = rng.uniform(-0.5, 0.5, (5000, 2))
    basis = TWO_PI * np.linalg.inv(heavy_silicon.matched.cell).T
    outside = k[np.linalg.norm(k @ basis, axis=1) > 1.001 * farthest]
    for crystal in (heavy_silicon.left, heavy_silicon.right):
        q = crystal.in_plane(outside)
        q[:, 2] += rng.uniform(-0.5, 0.5, len(q))
        squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q))[:, 0]
        assert np.sqrt(squares.min() * EV_PER_A2_AMU) / TWO_PI > nu


def test_surfaces_are_closed_up_to_a_frequency_inside_the_windows(heavy_silicon):
    top = highest_long_wave(heavy_silicon, common(heavy_silicon))
    crystals = (heavy_silicon.left, heavy_silicon.right)
    known = [frequency for (_, frequency), _ in zip(ceilings(crystals), range(4), strict=False)]
    assert top in known
    found = rays(heavy_silicon, 3, top)
    assert found.reach(top)
    assert not rays(heavy_silicon, 3, 3.0 * top).reach(3.0 * top)  # past the zone's edge


@pytest.mark.parametrize("name", ["perfect_silicon_111", "perfect_argon"])
def test_rays_agree_with_a_fine_mesh_over_the_window(name, request):
    interface = request.getfixturevalue(name)
    nu = 0.5 * highest_long_wave(interface, common(interface))
    grid = FrequencyGrid(np.array([nu]), np.ones(1))
    rotations = interface.rotations
    window = windows(interface.left, interface.right, grid, (48, 48), rotations, common=common(interface))
    solved = sweep(interface, grid, window, common=common(interface))
    mesh = np.array([solved.transmission, solved.channels_left, solved.channels_right])
    few, many = at(interface, [nu], 12), at(interface, [nu], 48)
    np.testing.assert_allclose(few, many, rtol=1e-2)
    np.testing.assert_allclose(mesh, many, rtol=3e-2)  # a mesh of 2304 points is no better


def test_both_sets_of_rays_converge_to_the_same(heavy_silicon):
    nu = 0.3 * highest_long_wave(heavy_silicon, common(heavy_silicon)) * np.array([1.0, 1.0001])
    coarse, fine = at(heavy_silicon, nu, 12), at(heavy_silicon, nu, 40)
    density = fine / nu**2
    np.testing.assert_allclose(density[:, 0], density[:, 1], rtol=3e-3)
    np.testing.assert_allclose(coarse / nu**2, density.mean(axis=1)[:, None] * [1, 1], rtol=1e-2)


def test_symmetry_leaves_the_sum_over_rays_as_it_is(heavy_silicon):
    """A quarter of a turn four times, or all of it: the same directions."""
    plain = replace(heavy_silicon, operations=[])
    assert len(plain.rotations) < len(heavy_silicon.rotations)
    nu = [0.7]
    np.testing.assert_allclose(at(plain, nu, 8), at(heavy_silicon, nu, 8), rtol=1e-9)


def test_supercell_has_the_long_waves_of_its_primitive_cell(heavy_silicon):
    large = tile(heavy_silicon, (2, 2))
    top = highest_long_wave(large, common(large))
    assert 0 < top < highest_long_wave(heavy_silicon, common(heavy_silicon))
    np.testing.assert_allclose(at(large, [0.6 * top], 6), at(heavy_silicon, [0.6 * top], 6), rtol=1e-8)


def test_nodes_of_long_waves_integrate_heat_at_every_temperature():
    """Ξ ∝ ν² up to a sharp end: against a fine grid, from where all of it is frozen to where none is."""
    grid = frequency_grid(10.0, 10.0, 64, minimum_temperature=0.01, long_wavelength=2.0)
    nu = np.linspace(0.0, 10.0, 400_001)
    fine = FrequencyGrid(0.5 * (nu[1:] + nu[:-1]), np.diff(nu))
    t = np.array([0.05, 0.3, 1.0, 3.0, 10.0, 40.0, 300.0])
    np.testing.assert_allclose(
        conductance(grid, grid.frequency**2, t)[1:], conductance(fine, fine.frequency**2, t)[1:], rtol=6e-4
    )
    law = conductance(grid, grid.frequency**2, t) / t**3
    np.testing.assert_allclose(law[:3], law[0], rtol=2e-4)


@pytest.mark.slow
def test_default_samples_keep_the_law_of_low_temperature(heavy_silicon):
    """G/T³ at 6×6 points, and its bar."""
    t = np.array([0.001, 0.03, 0.2, 0.6, 1.0])
    level = solve_level(heavy_silicon, Sampling.of(heavy_silicon, (6, 6), 24, minimum_temperature=0.001), t)
    law = level.conductance / t**3
    np.testing.assert_allclose(law, law[0], rtol=1e-3)
    assert np.all(level.error < 0.02 * level.conductance)


def test_no_ray_lies_on_a_mirror(perfect_silicon_111):
    found = rays(perfect_silicon_111, 4, 1.0)
    cell = perfect_silicon_111.matched.cell
    basis = np.linalg.inv(cell).T
    for rotation in perfect_silicon_111.rotations:
        move = basis.T @ rotation @ np.linalg.inv(basis.T)
        if np.linalg.det(move) < 0:
            assert np.all(np.linalg.norm(found.directions @ move.T - found.directions, axis=1) > 1e-2)
    assert found.weights.sum() == pytest.approx(1.0)


def test_window_of_rays_weighs_the_area_inside_the_last_edges(perfect_argon):
    """Its weights sum to the area of a polygon through them, over many directions."""
    nu = 0.05
    grid = FrequencyGrid(np.array([nu]), np.ones(1))
    (window,) = along_rays(perfect_argon, grid, np.array([400]))
    found = rays(perfect_argon, 400 // len(perfect_argon.rotations), nu)
    farthest = np.array([edges[-1] for edges in found.edges(nu)])
    area = np.pi * np.mean(farthest**2)
    assert window.weights.sum() == pytest.approx(area * perfect_argon.area / TWO_PI**2, rel=1e-6)
    points, _ = reduced_mesh((4, 4), 1.0, perfect_argon.rotations)
    assert np.abs(window.wave_vectors).max() < np.abs(points).max()
