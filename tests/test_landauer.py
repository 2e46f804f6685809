"""One Landauer integral: its limits, its closed forms, the four-probe correction, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants

from latmm.errors import InputError
from latmm.landauer import (
    FrequencyGrid,
    conductance,
    four_probe,
    four_probe_error,
    heat_capacity_weight,
    kapitza_resistances,
    phonon_energy,
    spectrum,
    temperatures,
)


def gauss(top, count=200):
    x, w = np.polynomial.legendre.leggauss(count)
    return FrequencyGrid(0.5 * top * (x + 1), 0.5 * top * w)


def test_hot_conductance_counts_channels():
    """T → ∞: every mode carries k_B, G = k_B ∫Ξ dν."""
    grid = gauss(15.0)
    transmission = 3.0 + np.sin(grid.frequency)
    expected = constants.k * (45.0 + 1 - np.cos(15.0)) * 1e30
    assert conductance(grid, transmission, 1e6)[0] == pytest.approx(expected, rel=1e-6)
    # the first quantum correction is −(hν/k_B T)²/12
    cold = conductance(grid, transmission, 1e4)[0]
    x = constants.h * grid.frequency * 1e12 / (constants.k * 1e4)
    assert 1 - cold / expected == pytest.approx(
        (x**2 / 12 * transmission) @ grid.weight / (transmission @ grid.weight), rel=1e-2
    )


@pytest.mark.parametrize("count", [1, 2, 7])
def test_conductance_of_a_spectrum_is_the_same_alone_and_among_others(count):
    """To the last bit: a study that grows keeps the numbers of its realisations."""
    grid = gauss(15.0, 101)
    transmission, t = np.random.default_rng(4).random((6, 101)), np.linspace(1.0, 300.0, count)
    whole = conductance(grid, transmission, t)
    for some in range(1, 6):
        np.testing.assert_array_equal(conductance(grid, transmission[:some], t), whole[:some])
    np.testing.assert_array_equal(conductance(grid, transmission[0], t), whole[0])


@pytest.mark.parametrize("temperature", [0.01, 1.0, 7.0])
def test_quadratic_spectrum_gives_the_cube_law_with_its_closed_form(temperature):
    """∫ x⁴ eˣ/(eˣ − 1)² dx = 4π⁴/15."""
    scale = constants.k * temperature / constants.h * 1e-12  # THz at x = 1
    grid = gauss(80 * scale)
    prefactor = 0.3
    expected = prefactor * 1e30 * constants.k * scale**3 * 4 * np.pi**4 / 15
    assert conductance(grid, prefactor * grid.frequency**2, temperature)[0] == pytest.approx(
        expected, rel=1e-10
    )


def test_one_channel_carries_the_quantum_of_thermal_conductance():
    """Ξ = 1 per area at low T: π² k_B² T / (3h)."""
    grid = gauss(60.0)
    quantum = np.pi**2 * constants.k**2 * 20.0 / (3 * constants.h)
    assert conductance(grid, np.full(200, 1e-18), 20.0)[0] == pytest.approx(quantum, rel=1e-9)


@settings(derandomize=True, deadline=None)
@given(st.floats(1e-9, 1e5), st.floats(1e-3, 1e4))
def test_heat_capacity_of_a_mode_never_overflows_and_stays_within_its_bounds(nu, t):
    weight = heat_capacity_weight(nu, t)
    assert np.isfinite(weight)
    assert 0.0 <= weight <= constants.k * (1 + 1e-14)
    x = constants.h * nu * 1e12 / (constants.k * t)
    if 1e-2 < x < 600:
        reference = constants.k * x**2 * np.exp(-x) / np.expm1(-x) ** 2
        assert weight == pytest.approx(reference, rel=1e-9)
    elif x <= 1e-2:
        assert weight == pytest.approx(constants.k * (1 - x**2 / 12), rel=1e-9)
    else:
        assert weight < 1e-250


def test_static_mode_has_the_classical_heat_capacity():
    assert heat_capacity_weight(0.0, 300.0) == constants.k


def test_four_probe_removes_the_contact_resistance_of_both_crystals():
    assert four_probe(2.0, 4.0, 8.0) == pytest.approx(1 / (0.5 - 0.5 * (0.25 + 0.125)))
    np.testing.assert_allclose(four_probe([1.0, 2.0], 4.0, [8.0, 4.0]), [1 / (1 - 0.1875), 4.0])


def test_identical_solids_without_scattering_have_no_resistance():
    g = np.array([1e-3, 1.0, 3e8])
    assert np.all(np.isposinf(four_probe(g, g, g)))
    for residue in (1e-15, 1e-9, -1e-9):  # of rounding, and of the Green's function
        assert np.all(np.isposinf(four_probe(g * (1 + residue), g, g)))


def test_small_resistance_of_an_interface_is_kept():
    # two chains of masses 1 and 1.001: T = 4r/(1 + r)², r² = 1.001, at long waves
    r = np.sqrt(1.001)
    transmissivity = 4 * r / (1 + r) ** 2
    assert four_probe(transmissivity, 1.0, 1.0) == pytest.approx(1 / (1 / transmissivity - 1), rel=1e-12)


def test_diffuse_mismatch_of_identical_solids_is_a_ballistic_crystal_in_series():
    """Half of the channels cross: two-probe ½, four-probe once the channels."""
    assert four_probe(0.5, 1.0, 1.0) == pytest.approx(1.0)


def test_batch_axes_of_the_transmission_come_first():
    grid = gauss(10.0, 8)
    table = np.random.default_rng(0).uniform(size=(2, 3, 8))
    together = conductance(grid, table, [10.0, 20.0])
    assert together.shape == (2, 3, 2)
    np.testing.assert_allclose(together[1, 2], conductance(grid, table[1, 2], [10.0, 20.0]))
    assert conductance(grid, np.zeros(8), 5.0).tolist() == [0.0]


def test_spectrum_is_labelled_with_units():
    grid = gauss(10.0, 4)
    found = spectrum(grid, [0, 1, 2, 1], [2] * 4, [3] * 4, model="amm", description="a test")
    assert found.attrs == {"model": "amm", "description": "a test"}
    np.testing.assert_array_equal(found["frequency"], grid.frequency)
    np.testing.assert_array_equal(found["frequency_weight"], grid.weight)
    assert {name: found[name].attrs["units"] for name in found} == dict.fromkeys(
        ("transmission", "channels_left", "channels_right"), "nm-2"
    )
    assert found["frequency"].attrs["units"] == "THz"
    assert all(found[name].attrs["long_name"] for name in found.variables)


@pytest.mark.parametrize("wrong", [0.0, -1.0, [300.0, np.nan], np.inf, [], [[1.0]]])
def test_temperatures_that_are_not_positive_are_refused(wrong):
    with pytest.raises(InputError, match="positive numbers in K"):
        temperatures(wrong)


def test_one_temperature_becomes_a_list():
    np.testing.assert_array_equal(temperatures(300), [300.0])


@pytest.mark.parametrize(
    ("nu", "weight"),
    [
        ([], []),
        ([1.0, 2.0], [1.0]),
        ([0.0, 1.0], [1.0, 1.0]),
        ([2.0, 1.0], [1.0, 1.0]),
        ([1.0, 1.0], [1.0, 1.0]),
        ([1.0, 2.0], [1.0, 0.0]),
        ([1.0, np.nan], [1.0, 1.0]),
        ([[1.0]], [[1.0]]),
    ],
)
def test_grids_without_positive_ascending_nodes_are_refused(nu, weight):
    with pytest.raises(InputError, match="frequency grid needs"):
        FrequencyGrid(np.array(nu), np.array(weight))


@pytest.mark.parametrize("temperature", [1e-300, 1e-13, 1e10, 1e300, 0.0, -1.0, np.nan, np.inf])
def test_temperatures_at_which_digits_are_lost_are_refused(temperature):
    grid = FrequencyGrid(np.array([1.0]), np.array([1.0]))
    with pytest.raises(InputError, match="temperatures must"):
        conductance(grid, [1.0], [300.0, temperature])


@pytest.mark.parametrize("start", [-1e-9, 1.0, 1.5, 3.0, np.nan])
def test_grids_that_start_behind_their_first_node_are_refused(start):
    """At 1.5 the start lies between the nodes: behind the first, before the second."""
    with pytest.raises(InputError, match="must start from 0 to its first node"):
        FrequencyGrid(np.array([1.0, 2.0]), np.array([1.0, 1.0]), start)


def test_grids_may_start_anywhere_before_their_first_node():
    for nodes, start in (([1.0, 2.0], 0.0), ([1.0, 2.0], 0.999), ([0.5], 0.25)):
        assert FrequencyGrid(np.array(nodes), np.ones(len(nodes)), start).start == start


def test_the_minimum_and_the_maximum_temperature_are_allowed():
    np.testing.assert_array_equal(temperatures([1e-12, 1e9]), [1e-12, 1e9])
    for beyond in (np.nextafter(1e-12, 0.0), np.nextafter(1e9, np.inf)):
        with pytest.raises(InputError, match="must lie between"):
            temperatures(beyond)


@pytest.mark.parametrize("t", [0.5, 40.0, 300.0])
def test_heat_capacity_is_the_slope_of_the_energy(t):
    """hν n in closed form, and its derivative by T, also for hν far above and far below k_B T."""
    nu = np.array([0.01, 0.3, 2.0, 6.0])
    x = constants.h * nu * 1e12 / (constants.k * t)
    np.testing.assert_allclose(phonon_energy(nu, t), constants.k * t * x / np.expm1(x), rtol=1e-12)
    step = 1e-4 * t
    slope = (phonon_energy(nu, t + step) - phonon_energy(nu, t - step)) / (2.0 * step)
    np.testing.assert_allclose(slope, heat_capacity_weight(nu, t), rtol=2e-4, atol=1e-60)


def test_static_mode_has_the_classical_energy():
    assert phonon_energy(0.0, 300.0) == pytest.approx(constants.k * 300.0, rel=1e-12)


def test_the_error_of_the_four_probe_conductance_adds_those_of_its_resistances():
    """d(1/G₄) = dG/G² + ½ (dG_l/G_l² + dG_r/G_r²), each from a difference of the formula itself."""
    g = np.array([[100.0, 50.0], [300.0, 200.0], [400.0, 800.0]])
    four = four_probe(*g)
    expected = np.zeros(2)
    for side in range(3):
        step = np.zeros((3, 1))
        step[side] = 1e-6
        error = 10.0 * (side + 1)
        slope = (four_probe(*(g + step)) - four_probe(*(g - step))) / 2e-6
        expected += error * np.abs(slope)
    errors = np.array([10.0, 20.0, 30.0])[:, None] * np.ones(2)
    np.testing.assert_allclose(four_probe_error(four, g, errors), expected, rtol=1e-6)
    perfect = four_probe_error(np.array([np.inf]), np.full((3, 1), 7.0), np.full((3, 1), 0.1))
    np.testing.assert_array_equal(perfect, [np.inf])


def test_kapitza_resistances_are_the_inverse_conductances():
    """Twenty MW m⁻² K⁻¹ are fifty m² K GW⁻¹; without an interface there is no resistance."""
    found = kapitza_resistances(("temperature",), np.array([2e7, 5e7]), np.array([4e7, np.inf]))
    two, four = (found[f"kapitza_resistance_{name}_probe"] for name in ("two", "four"))
    assert two[0] == four[0] == ("temperature",)
    np.testing.assert_allclose(two[1], [5e-8, 2e-8], rtol=1e-14)
    np.testing.assert_allclose(four[1], [2.5e-8, 0.0], rtol=1e-14)
    assert two[2]["units"] == four[2]["units"] == "m2 K W-1"
