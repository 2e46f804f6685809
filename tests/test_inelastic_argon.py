"""Lennard-Jones argon on argon of four times the mass at 40 K, classical, with rates of phono3py.

The numbers to be met were found with an independent program, on one mesh of k∥ without the windows around
Γ that this package adds, and two Gauss panels of frequencies: so are they here.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latmm.checks import loads
from latmm.inelastic.conductance import conductances, conductivity_above
from latmm.inelastic.rates import Rates
from latmm.inelastic.result import inelastic_conductance, planes
from latmm.inelastic.sweep import region_layers, sweep_channels
from latmm.interface.build import build_interface
from latmm.landauer import FrequencyGrid
from latmm.lattice.dynamics import largest_frequency
from latmm.potentials.calculators import resolve_potential
from latmm.sampling.meshes import Window
from latmm.sweep.refinement import Sampling

T = np.array([40.0])


@pytest.fixture(scope="module")
def rates() -> Rates:
    data = json.loads(Path(__file__).with_name("argon_rates.json").read_text(encoding="utf-8"))
    return Rates(
        np.array(data["frequency"]),
        np.array([400.0]),
        np.array([data["rate"]]),
        data["top"],
        "phono3py",
        proportional=True,
        conductivity=data["conductivity"] * np.eye(3)[None],
        square=data["square"],
        damping=np.array([data["damping"]]),
        cut=data["cut"],
        above_cut=np.array([data["above_cut"]]),
    )


@pytest.fixture(scope="module")
def interface(structure):
    return build_interface(
        structure("ar"),
        structure("ar", {"Ar": 4 * 39.948}),
        (0, 0, 1),
        resolve_potential("lj", ["Ar"], {"sigma": 3.405}),
    )


def one_mesh(interface, points, nodes) -> Sampling:
    found = Sampling.of(interface, (points, points), nodes, minimum_temperature=40.0)
    zone = next(window for window in found.samples if abs(window.weights.sum() - 1.0) < 1e-9)
    x, w = np.polynomial.legendre.leggauss(nodes)
    x, w = 0.5 * (x + 1.0), 0.5 * w
    light, heavy = (largest_frequency(crystal) for crystal in interface.crystals)
    frequency = np.concatenate([heavy * x, heavy + (light - heavy) * x])
    weight = np.concatenate([heavy * w, (light - heavy) * w])
    window = Window(zone.wave_vectors, zone.weights, np.ones(2 * nodes, dtype=bool))
    return replace(found, grid=FrequencyGrid(frequency, weight, 1e-9), samples=[window])


@pytest.fixture(scope="module")
def sampling(interface):
    return one_mesh(interface, 8, 32)


@pytest.mark.slow
def test_elastic_contact_meets_the_independent_program(interface, rates, sampling):
    found = sweep_channels(interface, sampling, (rates, rates.heavier(4.0)), T, classical=True)
    tally = found.tallies[0]
    short, long, longer = (conductances(tally, length) for length in (1e-6, 2e3, 1e4))
    assert short.four_probe == pytest.approx(15.88e6, rel=0.01)
    assert long.extrapolated == pytest.approx(16.60e6, abs=0.2e6)
    assert longer.excess == pytest.approx(16.60e6, abs=0.2e6)
    assert longer.extrapolated == pytest.approx(long.extrapolated, rel=1e-3)
    assert longer.layers == longer.local  # an elastic contact has no layers with temperatures


@pytest.mark.slow
def test_dissipative_contact_meets_the_independent_program(interface, rates, sampling):
    """Two principal layers, of three atomic ones, damped at a rate that goes on as ω²."""
    assert interface.principal == (3, 3)
    assert region_layers(interface) == (6, 6)
    pair = rates, rates.heavier(4.0)

    def solved(layers):
        found = sweep_channels(interface, sampling, pair, T, classical=True, above="continue", layers=layers)
        return conductances(found.tallies[0], 50.0, planes(interface, layers))

    two, one = solved((6, 6)), solved((3, 3))
    assert two.extrapolated == pytest.approx(36.6e6, abs=1.5e6)
    # "65 between the contact planes": between the layers next to the interface, with rates 7 % higher
    assert two.layers == pytest.approx(65e6, rel=0.1)
    assert two.local < 0.6 * two.layers
    # independent of the thickness
    assert one.extrapolated == pytest.approx(two.extrapolated, rel=0.04)


@pytest.mark.slow
def test_channels_have_the_conductivity_of_the_source(interface, rates):
    """Above the cut, on samples of its own; below it the source has no waves of its mesh."""
    pair = rates, rates.heavier(4.0)
    sampling = Sampling.of(interface, (12, 12), 48, minimum_temperature=40.0)
    found = sweep_channels(interface, sampling, pair, T, classical=True)
    cut = rates.cut, 0.5 * rates.cut
    above = conductivity_above(found.tallies[0], found.grid, cut, np.inf)
    whole = conductivity_above(found.tallies[0], found.grid, (0.0, 0.0), np.inf)
    np.testing.assert_allclose(whole, conductances(found.tallies[0], 100.0).conductivity, rtol=1e-9)
    source = rates.conductivity[0, 0, 0] * 10.0 * rates.above_cut[0]
    np.testing.assert_allclose(above, [source, 0.5 * source], rtol=0.05)
    assert whole[0] > 1.05 * rates.conductivity[0, 0, 0] * 10.0
    short = sweep_channels(interface, sampling, pair, T, classical=True, longest=300.0)
    again = conductivity_above(short.tallies[0], found.grid, cut, 300.0)
    np.testing.assert_allclose(again, above, rtol=2e-3)


@pytest.mark.slow
def test_result_tells_what_long_waves_carry(interface, rates):
    pair = rates, rates.heavier(4.0)
    how = {"kmesh": (2, 2), "frequencies": 6, "classical": True}
    tree = inelastic_conductance(interface, T, pair, lengths=[5.0], damped_layers=(1, 1), **how)
    table = tree["inelastic"].to_dataset()
    fraction = table["long_wave_fraction"].values
    assert np.all((fraction > 2.0 * (1.0 - rates.above_cut)) & (fraction < 0.3))
    np.testing.assert_allclose(
        table["contact_plane"].sel(contact="dissipative"), 0.1 * np.array(planes(interface, (1, 1)))
    )
    row = table.sel(contact="dissipative").isel(temperature=0, length=0)
    assert float(row["conductance_layers"]) > float(row["conductance_local"])


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "passed"), [(1.0, True), (1.12, False)])
def test_another_conductivity_fails_its_check(interface, rates, factor, passed):
    """What the source says that it conducts, against what its rates make channels conduct."""
    told = replace(rates, conductivity=factor * rates.conductivity)
    how = {"kmesh": (16, 16), "frequencies": 64, "classical": True, "damped": False}
    tree = inelastic_conductance(interface, T, (told, told.heavier(4.0)), lengths=[5.0], **how)
    checks = loads(tree.attrs["checks"])
    for side in ("left", "right"):
        assert checks[f"conductivity_{side}"].passed is passed
        assert "THz" in checks[f"conductivity_{side}"].where
