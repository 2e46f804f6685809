"""Phonon by phonon beside the mismatch models: long waves meet elastic ones."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from modes_systems import contact, diamond, fcc

from latmm.continuum.amm import acoustic_mismatch
from latmm.continuum.boundary import contact as weld
from latmm.continuum.boundary import energy_shares
from latmm.continuum.media import Medium
from latmm.continuum.stroh import plane_waves, propagating_count
from latmm.errors import InputError
from latmm.landauer import conductance
from latmm.lattice.dynamics import largest_frequency, phonons
from latmm.modes.brillouin import cartesian
from latmm.modes.continuum import Continuum, beside_modes, beside_phonons
from latmm.modes.contributions import phonon_conductance
from latmm.modes.differences import BY, budget
from latmm.modes.elastic import _energy_velocity, critical_angles, critical_slowness, elastic_transmission
from latmm.modes.q_mesh import transmissivities
from latmm.modes.resolved import resolve
from latmm.modes.sampling import zone_samples
from latmm.modes.table import mode_table
from latmm.units import TWO_PI


def worst_error(system, slowness, fraction):
    """Largest difference of |S|² between phonons from that between elastic waves of one in-plane slowness."""
    left, right = (Medium.from_force_constants(c) for c in system.crystals)
    nu = fraction * largest_frequency(system.left)
    cell = system.left.atoms.cell.array[:2, :2]
    # s in ps/nm, ω in rad/ps: k∥ = ω s/10 Å⁻¹
    k = 0.1 * nu * slowness @ cell.T
    waves = plane_waves(left, slowness), plane_waves(right, slowness)
    elastic = weld(*waves)
    incoming, outgoing = (
        (waves[0].forward, waves[1].backward),
        (waves[0].backward, waves[1].forward),
    )
    amplitudes = (
        (elastic.reflection_left, elastic.transmission),
        (elastic.transmission_back, elastic.reflection_right),
    )
    found = [resolve(system, k[i : i + 1], np.array([nu]), outgoing=True) for i in range(len(k))]
    worst, conversions = 0.0, 0.0
    for side in (0, 1):
        for to in (0, 1):
            shares = energy_shares(amplitudes[side][to], incoming[side], outgoing[to])
            for point, here in enumerate(found):
                rows = order(here.incoming[side], incoming[side], point, TWO_PI * nu)
                columns = order(here.outgoing[to], outgoing[to], point, TWO_PI * nu)
                lattice = here.share[side][to][0][np.ix_(here.outgoing[to].mode, here.incoming[side].mode)].T
                expected = shares[point][np.ix_(rows, columns)]
                worst = max(worst, float(np.abs(lattice - expected).max(initial=0.0)))
                conversions = max(conversions, float(np.sort(expected.ravel())[:-3].max(initial=0.0)))
    assert conversions > 0.02  # waves do convert: the comparison is not one of three separate scalars
    return worst


def order(phonons, waves, point, omega):
    """Elastic wave of each phonon, by vertical slowness."""
    vertical = 10.0 * phonons.wave_vector[:, 2] / omega
    real = np.flatnonzero(waves.propagating[point])
    assert len(real) == len(vertical)
    found = [real[np.argmin(np.abs(waves.vertical[point, real] - v))] for v in vertical]
    assert len(set(found)) == len(found)
    return found


@pytest.mark.parametrize("ratio", [2.0, 4.0])
@pytest.mark.parametrize("crystal", [fcc, diamond])
@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 1, 1)])
def test_long_waves_scatter_like_elastic_ones_with_an_error_of_second_order(crystal, ratio, normal):
    system = contact(crystal(normal), ratio)
    fastest = Medium.from_force_constants(system.left).christoffel(np.array([0.0, 0.0, 1.0]))[0].max()
    # some waves of the left are beyond their critical slowness, none near it
    slowness = np.array([[0.31, 0.13], [-0.45, 0.52], [0.75, 0.87]]) / fastest
    errors = [worst_error(system, slowness, fraction) for fraction in (0.02, 0.01, 0.005)]
    assert errors[1] < 1e-3
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4.0, rel=0.08)


@pytest.fixture(scope="module")
def beside():
    system = contact(diamond(), 2.0)
    return system, Continuum.of(system)


@pytest.mark.slow
def test_elastic_counterparts_meet_long_phonons_of_a_mesh(beside):
    system, continuum = beside
    nu = 0.012 * largest_frequency(system.left)
    grid, samples = zone_samples([nu], (9, 9))
    speed = continuum.media[1].christoffel(np.array([0.0, 0.0, 1.0]))[0].max()
    # a window of the zone that these waves fill
    shrunk = [type(w)(w.wave_vectors * 0.6 * nu / speed, w.weights, w.selected) for w in samples]
    table = beside_modes(mode_table(system, grid, shrunk), continuum)
    assert np.isfinite(table["difference_amm"]).mean() > 0.99
    assert float(np.abs(table["difference_amm"]).quantile(0.9)) < 2e-3


def test_optical_phonons_have_no_elastic_counterpart_and_others_are_within_bounds(beside):
    system, continuum = beside
    tree = beside_phonons(transmissivities(system, (4, 4, 4)), continuum)
    for side in ("left", "right"):
        table = tree[side].to_dataset()
        amm = table["transmissivity_amm"]
        assert np.isnan(amm.sel(branch=[3, 4, 5])).all()
        known = amm.values[np.isfinite(amm.values)]
        assert known.size
        assert known.min() >= 0
        assert known.max() <= 1 + 1e-9
        beyond = table["frequency"].values > continuum.tops[1 if side == "left" else 0]
        assert np.nan_to_num(amm.values)[beyond].max(initial=0.0) == 0.0


def test_diffuse_transmissivities_of_both_sides_sum_to_one_where_both_have_channels(beside):
    _, continuum = beside
    both = (continuum.diffuse[0] > 0) & (continuum.diffuse[1] > 0)
    assert both.sum() > 100
    np.testing.assert_allclose(continuum.diffuse.sum(axis=0)[both], 1.0, atol=1e-12)


@pytest.mark.slow
def test_a_perfect_crystal_is_transparent_to_elastic_waves_and_half_so_to_diffuse_ones():
    system = contact(fcc())
    tree = beside_phonons(transmissivities(system, (4, 4, 4)), Continuum.of(system))
    table = tree["left"].to_dataset()
    moving = np.abs(table["group_velocity"].values[..., 2]) > 1e-6
    known = moving & np.isfinite(table["transmissivity_amm"].values)
    np.testing.assert_allclose(table["transmissivity_amm"].values[known], 1.0, atol=1e-9)
    inner = table["frequency"].values < 0.98 * largest_frequency(system.left)
    np.testing.assert_allclose(table["transmissivity_dmm"].values[inner], 0.5, atol=1e-12)


def isotropic(left, right) -> Continuum:
    """Two isotropic media of density 1 given by (c_L, c_T), km/s, at a few frequencies below all cut-offs."""
    media = tuple(Medium.isotropic(1.0, *speeds, cell_density=50.0) for speeds in (left, right))
    nu = np.array([0.5, 1.0, 1.5])
    return Continuum(media, nu, np.ones((2, 3)), (5.0, 5.0))


@pytest.mark.slow
def test_elastic_waves_by_branch_and_angle_are_those_of_acoustic_mismatch(beside):
    _, continuum = beside
    expected = acoustic_mismatch(*continuum.media, continuum.grid)["transmission"].values
    for side in (0, 1):
        total = elastic_transmission(continuum, side).sum(("branch", "angle"))
        np.testing.assert_allclose(total, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_channels_of_equal_isotropic_media_fill_angles_like_a_sphere():
    # every wave crosses: ω²/(4πc²) channels of each branch, sin² of the angle being their share up to it
    continuum = isotropic((6.0, 3.0), (6.0, 3.0))
    found = elastic_transmission(continuum, 0, angles=6)
    share = np.diff(np.sin(np.radians(np.linspace(0.0, 90.0, 7))) ** 2)
    omega = 2.0 * np.pi * continuum.frequency
    transverse = found.sel(branch=[0, 1]).sum("branch")
    for waves, speed, count in ((transverse, 3.0, 2), (found.sel(branch=2), 6.0, 1)):
        expected = count * omega**2 / (4.0 * np.pi * speed**2)
        # bins cut the quadrature between its nodes
        np.testing.assert_allclose(waves, share[:, None] * expected, rtol=0.01)
        np.testing.assert_allclose(waves.sum("angle"), expected, rtol=1e-9)


def test_energy_velocities_are_the_group_velocities_of_long_waves():
    crystal = diamond((1, 1, 1))
    medium = Medium.from_force_constants(crystal)
    q = 2e-3 * np.random.default_rng(4).normal(size=(12, 3))
    found = phonons(crystal, q)
    vectors = cartesian(crystal, q)
    direction = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[:, None, :]
    speed, polarisation = medium.christoffel(direction[:, 0])
    velocity = _energy_velocity(medium, direction, np.swapaxes(polarisation, 1, 2), speed)
    np.testing.assert_allclose(velocity, found.group_velocity[:, :3], atol=1e-3 * speed.max())


def test_elastic_waves_end_at_the_same_slowness_along_opposite_directions():
    medium = Medium.from_force_constants(diamond((1, 1, 1)))
    around = np.linspace(0.0, 2.0 * np.pi, 25)[:-1]
    limit = critical_slowness(medium, around)
    np.testing.assert_allclose(limit, np.roll(limit, 12, axis=0), rtol=1e-9)
    assert np.ptp(limit[:, 0]) > 0.01 * limit[:, 0].mean()
    # just inside, one more wave propagates each way than just outside
    direction = np.stack([np.cos(around), np.sin(around)], axis=-1)
    slowest = limit.max(axis=1)[:, None]
    inside, outside = (propagating_count(medium, direction * slowest * f) for f in (0.999, 1.001))
    assert np.all(inside >= 2)
    assert np.all(outside == 0)


@pytest.mark.slow
def test_media_of_any_orientation_conduct_alike_from_both_sides():
    soft = Medium.from_force_constants(diamond())
    turns = np.linalg.qr(np.random.default_rng(6).normal(size=(2, 3, 3)))[0]
    media = tuple(
        replace(soft.rotated(turn * np.linalg.det(turn)), density=density)
        for turn, density in zip(turns, (2.0, 5.0), strict=True)
    )
    nu = np.array([1.0, 2.0, 3.0])
    continuum = Continuum(media, nu, np.ones((2, 3)), (9.0, 9.0))
    left, right = (elastic_transmission(continuum, side).sum(("branch", "angle")) for side in (0, 1))
    np.testing.assert_allclose(left, right, rtol=1e-9)
    # single waves from the right, without turning anything
    direction = np.random.default_rng(7).normal(size=(40, 3))
    direction[:, 2] = -np.abs(direction[:, 2])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    compared = 0
    for branch in range(3):
        speed = media[1].christoffel(direction)[0][:, branch]
        s = direction / speed[:, None]
        waves = plane_waves(media[0], s[:, :2]), plane_waves(media[1], s[:, :2])
        shares = energy_shares(weld(*waves).transmission_back, waves[1].backward, waves[0].backward).sum(
            axis=-1
        )
        own = np.abs(waves[1].backward.vertical - s[:, 2:]) < 1e-6 * np.linalg.norm(s, axis=1)[:, None]
        away = -np.ones(40)
        found = continuum.acoustic_at(1, direction, np.full(40, branch), away, np.ones(40))
        expected = np.where(own, shares, 0.0).sum(axis=1)
        known = own.sum(axis=1) == 1
        np.testing.assert_allclose(found[known], expected[known], atol=1e-7)
        compared += known.sum()
    assert compared > 100


@pytest.mark.slow
def test_critical_angles_of_isotropic_media_are_snells():
    continuum = isotropic((4.0, 2.0), (6.0, 3.0))
    transverse, longitudinal = np.degrees(np.arcsin([2.0 / 3.0, 2.0 / 6.0]))
    for branch in (0, 1):
        slow, middle, fast = critical_angles(continuum, 0)[branch]
        for ends, expected in ((slow, transverse), (middle, transverse), (fast, longitudinal)):
            assert ends == pytest.approx((expected, expected), abs=1e-2)
    assert critical_angles(continuum, 0)[2, 2] == pytest.approx((transverse, transverse), abs=1e-2)
    assert np.isnan(critical_angles(continuum, 0)[2, 0]).all()  # 3 km/s is slower than 4
    assert np.isnan(critical_angles(continuum, 1)[2]).all()
    assert critical_angles(continuum, 1)[0, 2] == pytest.approx(np.degrees(np.arcsin(3.0 / 4.0)), abs=1e-2)


@pytest.mark.slow
def test_budgets_sum_to_the_conductances_of_lattice_and_models(beside):
    system, continuum = beside
    tree = beside_phonons(transmissivities(system, (4, 4, 4)), continuum)
    elastic = [elastic_transmission(continuum, side) for side in (0, 1)]
    t = [80.0, 300.0]
    crossing = elastic[0].sum(("branch", "angle")).values
    for by in BY:
        shares = budget(tree, elastic, t, by, bins=3)
        assert shares.sizes[by] == (6 if by == "branch" else 3)
        for side in ("left", "right"):
            total = shares.sel(side=side).sum(by)
            for model, column in (("agf", ""), ("dmm", "_dmm"), ("amm-phonons", "_amm")):
                whole = phonon_conductance(tree[side].to_dataset(), t, f"transmissivity{column}")
                np.testing.assert_allclose(
                    total.sel(model=model), whole.sum(("qpoint", "branch")), rtol=1e-12
                )
            expected = conductance(continuum.grid, crossing, t)
            np.testing.assert_allclose(total.sel(model="amm"), expected, rtol=1e-8)
    # one phonon, one bin
    table = tree["left"].to_dataset()
    steep = (table["angle"] > 60.0) & (table["angle"] <= 90.0)
    expected = phonon_conductance(table, t).where(steep).sum(("qpoint", "branch"))
    found = budget(tree, elastic, t, "angle", bins=3).sel(side="left", model="agf", angle=90.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(InputError, match="branch, angle, frequency"):
        budget(tree, elastic, t, "colour")
    with pytest.raises(InputError, match="do not divide"):
        budget(tree, elastic, t, "angle", bins=7)
