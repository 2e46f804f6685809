"""Interfaces between crystals that scatter phonons: sums over channels, limits, dissipative contacts."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from latmm.errors import InputError
from latmm.inelastic.conductance import conductances, landauer_nonequilibrium, spectra
from latmm.inelastic.network import Bulk, graded, homogeneous, solve_network
from latmm.inelastic.paths import COUNT, EDGES, bins
from latmm.inelastic.rates import Rates, fitted
from latmm.inelastic.result import planes
from latmm.inelastic.sweep import contact_nodes, region_layers, sweep_channels
from latmm.inelastic.tally import Samples, Tally
from latmm.interface.build import build_interface
from latmm.landauer import FrequencyGrid, conductance, heat_capacity_weight
from latmm.lattice.dynamics import largest_frequency
from latmm.parallel.execution import Execution
from latmm.sweep.refinement import Sampling, solve_level

KAPPA = 0.8
"""About that of argon at 40 K, W/m/K."""


@pytest.fixture(scope="module")
def heavy_argon(structure, argon_springs):
    """Argon on argon of four times the mass, (001)."""
    return build_interface(structure("ar"), structure("ar", {"Ar": 4 * 39.948}), (0, 0, 1), argon_springs)


@pytest.fixture(scope="module")
def rates(heavy_argon):
    light = fitted(heavy_argon.left, 40.0, KAPPA, classical=True)
    return light, light.heavier(4.0)


@pytest.fixture(scope="module")
def sampling(heavy_argon):
    return Sampling.of(heavy_argon, (4, 4), 16, minimum_temperature=40.0)


@pytest.fixture(scope="module")
def elastic(heavy_argon, rates, sampling):
    temperature = np.array([40.0, 80.0])
    return sweep_channels(heavy_argon, sampling, rates, temperature, classical=True, longest=1e3)


def test_paths_are_in_their_bins():
    path = 10.0 ** np.random.default_rng(1).uniform(-3.0, 9.5, 300)
    number, inside = bins(path)
    assert np.all((inside >= EDGES[number]) & (inside <= EDGES[number + 1]))
    np.testing.assert_array_equal(inside[(path > 0.1) & (path < 1e8)], path[(path > 0.1) & (path < 1e8)])
    assert bins(np.array([np.inf]))[0] == COUNT - 1


WIDTH = np.log(EDGES[1] / EDGES[0])
"""Of a bin, in log Λ."""


def test_a_network_of_bins_is_that_of_the_paths_themselves():
    """A bin has the mean Λ, and a channel conducts as f = Λ/(Λ + a): too much by ½ Λ²|f″| times the relative
    variance of Λ. Λ²|f″|/f = 2x/(1 + x)² ≤ ½ with x = Λ/a, and the variance is at most WIDTH²/4.
    """
    rng = np.random.default_rng(2)
    speed = rng.uniform(0.1, 10.0, (1, 12))
    s = rng.uniform(0.0, 1.0, (12, 12))
    s += s.T
    for _ in range(300):  # as many to as from every channel
        s = s / s.sum(axis=0)
        s = s / s.sum(axis=1)[:, None]
    s = 0.5 * (s + s.T)
    tally = Tally.empty(1, np.zeros(0, dtype=np.int64))
    samples = Samples(s[None], 6, speed, speed)
    tally.add(samples, np.array([2.0]), np.array([[0.03], [0.1]]), np.array([0]))
    path = speed[0] / np.repeat([0.03, 0.1], 6)
    for length in (1.0, 30.0, 1000.0):
        weight = np.full(6, 2.0)
        sides = [Bulk(weight, part, graded(length)) for part in (path[:6], path[6:])]
        exact = solve_network(*sides, 2.0 * s).flux
        assert -1e-12 < conductances(tally, length).total / exact - 1.0 < WIDTH**2 / 16.0


def test_rows_add_up_to_the_channels_of_the_crystals(elastic):
    assert elastic.worst < 1e-9
    for tally in elastic.tallies:
        np.testing.assert_array_equal(tally.matrix, tally.matrix.T)
        assert conductances(tally, 100.0).closure < 1e-10
        np.testing.assert_allclose(
            tally.spectrum.sum(axis=(0, 1)), tally.matrix.sum(axis=0), rtol=1e-10, atol=1e-6
        )


def test_without_crystals_it_is_landauers_two_probe_conductance(heavy_argon, rates, sampling):
    found = sweep_channels(heavy_argon, sampling, rates, np.array([40.0]))
    level = solve_level(heavy_argon, sampling, [40.0])
    two = conductances(found.tallies[0], 10.0).two_probe
    # below the samples, which the other sum leaves out, channels and transmission go as ν² from the first
    grid, solved = sampling.grid, level.solved
    first = int(np.flatnonzero(np.any([window.selected for window in sampling.samples], axis=0))[0])
    assert first == 0
    x, w = np.polynomial.legendre.leggauss(20)
    nu = 0.5 * grid.start * (x + 1.0)
    squares = heat_capacity_weight(nu, 40.0) @ (0.5 * grid.start * w * (nu / grid.frequency[0]) ** 2)
    below = squares / (heat_capacity_weight(grid.frequency[:1], 40.0)[0] * grid.weight[0])
    only_first = FrequencyGrid(grid.frequency[:1], grid.weight[:1])
    for value, spectrum in (
        (two, solved.transmission),
        (found.tallies[0].channels[:COUNT].sum(), solved.channels_left),
    ):
        (whole,), (low,) = (conductance(g, spectrum[: g.frequency.size], [40.0]) for g in (grid, only_first))
        assert value == pytest.approx(whole + below * low, rel=1e-9)


def test_short_crystals_leave_the_four_probe_conductance(elastic):
    found = conductances(elastic.tallies[0], 1e-4)
    assert found.excess == pytest.approx(found.four_probe, rel=1e-4)
    assert found.total == pytest.approx(found.two_probe, rel=1e-4)


def test_long_crystals_have_one_conductance(elastic):
    short, long = (conductances(elastic.tallies[0], length) for length in (2e4, 3e4))
    # the middle third begins at a third of the length; no path is longer than 1000 Å
    assert long.extrapolated == pytest.approx(long.excess, rel=np.exp(-3e4 / 3e3))
    assert long.extrapolated == pytest.approx(short.extrapolated, rel=np.exp(-2e4 / 3e3))
    assert short.four_probe < short.extrapolated < landauer_nonequilibrium(elastic.tallies[0])


def test_classical_rates_of_another_temperature_rescale_the_lengths(heavy_argon, rates, sampling):
    ratio = (EDGES[1] / EDGES[0]) ** 6  # paths move by whole bins
    found = sweep_channels(heavy_argon, sampling, rates, np.array([40.0, 40.0 * ratio]), classical=True)
    lengths = 200.0, 200.0 / ratio
    cold, hot = (conductances(t, length) for t, length in zip(found.tallies, lengths, strict=True))
    # meshes of nodes are not scaled with them: 1e-6
    assert hot.total == pytest.approx(cold.total, rel=1e-5)
    assert hot.excess == pytest.approx(cold.excess, rel=1e-5)
    assert hot.conductivity[0] == pytest.approx(cold.conductivity[0] / ratio, rel=1e-9)


def test_profile_has_the_conductivity_that_the_rates_were_fitted_to(heavy_argon, rates, sampling):
    found = sweep_channels(heavy_argon, sampling, rates, np.array([40.0]), classical=True)
    result = conductances(found.tallies[0], 100.0)
    # two integrals over the zone: channels at k∥ and ν, and a mesh of wave vectors
    assert result.conductivity[0] == pytest.approx(KAPPA, rel=0.03)
    assert result.conductivity[1] == pytest.approx(0.5 * KAPPA, rel=0.03)


def test_heat_by_frequency_adds_up(elastic):
    tally = elastic.tallies[0]
    found = conductances(tally, 500.0)
    spectrum = spectra(tally, found.profile)
    np.testing.assert_allclose(spectrum.contact.sum(axis=1), 1.0, rtol=1e-9)
    # an elastic contact changes no frequency
    np.testing.assert_allclose(spectrum.contact[0], spectrum.contact[1], atol=1e-12)
    np.testing.assert_allclose(spectrum.bulk.sum(axis=1), 1.0, rtol=1e-9)


@pytest.mark.slow
def test_perfect_crystal_has_no_resistance(perfect_argon):
    sampling = Sampling.of(perfect_argon, (4, 4), 12, minimum_temperature=40.0)
    rates = (fitted(perfect_argon.left, 40.0, KAPPA, classical=True),) * 2
    found = sweep_channels(perfect_argon, sampling, rates, np.array([40.0]), classical=True)
    tally = found.tallies[0]
    result = conductances(tally, 300.0)
    assert abs(result.two_probe / result.local) < 1e-6
    assert abs(result.two_probe / result.excess) < 1e-6
    assert abs(result.two_probe / landauer_nonequilibrium(tally)) < 1e-6
    # damping in the contact in place of the Boltzmann equation: at a tenth of the rates both agree
    weak = (Rates.model(0.1 * rates[0].rate[0, 0] / (2 * np.pi * rates[0].top) ** 2, rates[0].top),) * 2
    plain, damped = (
        sweep_channels(
            perfect_argon, sampling, weak, np.array([40.0]), classical=True, layers=layers, longest=1e4
        ).tallies[0]
        for layers in ((0, 0), region_layers(perfect_argon))
    )
    depth = planes(perfect_argon)
    side = Bulk(plain.channels[:COUNT], plain.path[0], graded(100.0 + depth[0]))
    without = solve_network(side, side, homogeneous(side.weight)).flux
    assert conductances(damped, 100.0, depth).total == pytest.approx(without, rel=1e-3)


@pytest.mark.slow
def test_damping_adds_a_way_for_heat(heavy_argon, rates, sampling, elastic):
    plain = conductances(elastic.tallies[0], 1e4).extrapolated
    found = {}
    for above in ("zero", "cap", "continue"):
        damped = sweep_channels(
            heavy_argon,
            sampling,
            rates,
            np.array([40.0]),
            classical=True,
            layers=region_layers(heavy_argon),
            above=above,
            longest=1e3,
        )
        assert damped.worst < 1e-9
        tally = damped.tallies[0]
        np.testing.assert_array_equal(tally.matrix, tally.matrix.T)
        result = conductances(tally, 1e4, planes(heavy_argon))
        found[above] = result.extrapolated
        spectrum = spectra(tally, result.profile)
        np.testing.assert_allclose(spectrum.contact.sum(axis=1), 1.0, rtol=1e-9)
        # heat leaves at other frequencies than it came
        assert np.abs(spectrum.contact[0] - spectrum.contact[1]).sum() > 0.05
    assert 1.05 * plain < found["zero"] < found["cap"] < found["continue"]


@pytest.mark.slow
def test_vanishing_damping_is_the_elastic_contact(heavy_argon, rates, sampling):
    tiny = [Rates.model(1e-6 * r.rate[0, 0] / (2 * np.pi * r.top) ** 2, r.top) for r in rates]
    plain, damped = (
        conductances(
            sweep_channels(
                heavy_argon,
                sampling,
                tiny,
                np.array([40.0]),
                classical=True,
                layers=layers,
                longest=1e3,
            ).tallies[0],
            100.0,
        ).total
        for layers in ((0, 0), region_layers(heavy_argon))
    )
    assert damped == pytest.approx(plain, rel=1e-5)


def test_nodes_of_the_contact_are_the_layers_of_both_crystals(heavy_argon):
    every = region_layers(heavy_argon)
    nodes, sides, side_of_node = contact_nodes(heavy_argon, every)
    joined, side = np.concatenate(nodes), np.concatenate(sides)
    np.testing.assert_array_equal(side_of_node[joined], side)
    np.testing.assert_array_equal(np.unique(joined), np.arange(sum(every)))
    np.testing.assert_array_equal(side_of_node, np.repeat([0, 1], every))
    # fewer: those next to the interface
    nodes, _, side_of_node = contact_nodes(heavy_argon, (1, 2))
    heights = heavy_argon.slab.atoms.positions[np.concatenate(heavy_argon.device), 2]
    middle = 0.5 * (heights.min() + heights.max())
    joined = np.concatenate(nodes)[::3]
    np.testing.assert_array_equal(side_of_node, [0, 1, 1])
    assert heights[joined == 0] == pytest.approx(heights[heights < middle].max())
    np.testing.assert_allclose(
        [heights[joined == 1].mean(), heights[joined == 2].mean()], np.unique(heights[heights > middle])[:2]
    )
    with pytest.raises(InputError, match="0 to 4 on the left"):
        region_layers(heavy_argon, (5, 1))
    with pytest.raises(InputError, match="one at least"):
        region_layers(heavy_argon, (0, 0))


def test_one_channel_has_the_nonequilibrium_landauer_formula_in_closed_form():
    t, weight = 0.3, 2.0
    tally = Tally.empty(1, np.zeros(0, dtype=np.int64))
    p = np.array([[[1.0 - t, t], [t, 1.0 - t]]])
    speed = np.array([[3.0, 5.0]])
    tally.add(Samples(p, 1, speed, speed), np.array([weight]), np.array([[0.1], [0.2]]), np.array([0]))
    expected = weight * t / (1.0 - t)
    assert landauer_nonequilibrium(tally) == pytest.approx(expected, rel=1e-12)
    assert conductances(tally, 300.0).excess == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_same_bits_with_processes_and_from_a_store(heavy_argon, rates, sampling, tmp_path):
    def run(**how):
        return sweep_channels(
            heavy_argon, sampling, rates, np.array([40.0]), classical=True, longest=1e3, **how
        ).tallies[0]

    alone = run()
    with ProcessPoolExecutor(2) as executor:
        shared_out = run(how=Execution(executor))
    seen = []
    how = Execution(store=tmp_path / "store", progress=lambda stage, done, total: seen.append((done, total)))
    kept = run(how=how)
    seen.clear()
    again = run(how=how)
    assert seen == [(seen[0][1], seen[0][1])]  # nothing was left to solve
    for other in (shared_out, kept, again):
        np.testing.assert_array_equal(other.matrix, alone.matrix)
        np.testing.assert_array_equal(other.spectrum, alone.spectrum)


def test_rates_of_a_table():
    nu, t = np.array([1.0, 2.0, 4.0]), np.array([100.0, 200.0])
    table = Rates(nu, t, np.array([[1.0, 4.0, 4.0], [2.0, 8.0, 8.0]]), 4.0, "a table")
    found = table.at(np.array([0.5, 1.0, 2.0, 8.0]), np.array([100.0, 200.0]))
    np.testing.assert_allclose(found, [[0.25, 1.0, 4.0, 4.0], [0.5, 2.0, 8.0, 8.0]], rtol=1e-12)
    assert table.at(np.array([8.0]), np.array([100.0]), "continue")[0, 0] == pytest.approx(16.0)
    assert table.at(np.array([8.0]), np.array([100.0]), "zero")[0, 0] == 0.0
    with pytest.raises(InputError, match="300 K is wanted"):
        table.at(nu, np.array([300.0]))
    with pytest.raises(InputError, match="`above` must be one of"):
        table.at(nu, t, "guess")
    hot = Rates(nu, np.array([400.0]), np.array([[1.0, 4.0, 4.0]]), 4.0, "a table").classical()
    np.testing.assert_allclose(hot.at(nu, np.array([40.0]))[0], [0.1, 0.4, 0.4], rtol=1e-12)
    cold = Rates(nu, np.array([40.0]), np.array([[1.0, 4.0, 4.0]]), 4.0, "a table")
    with pytest.raises(InputError, match="classical"):
        cold.classical()


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan])
def test_refuses_rates_that_scatter_nothing(rate):
    with pytest.raises(InputError, match="positive"):
        Rates(np.array([1.0]), np.array([300.0]), np.array([[rate]]), 1.0, "a table")


def test_heavier_lattice_conducts_less_by_the_root_of_its_mass(heavy_argon, rates):
    own = fitted(heavy_argon.right, 40.0, 0.5 * KAPPA, classical=True)
    nu = np.array([0.3, 0.9])
    np.testing.assert_allclose(rates[1].at(nu, np.array([40.0])), own.at(nu, np.array([40.0])), rtol=2e-3)
    assert rates[1].top == pytest.approx(largest_frequency(heavy_argon.right), rel=0.02)
