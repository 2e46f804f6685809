"""The estimate by impedances: closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from latmm.continuum.dmm import debye_radiation_limit
from latmm.continuum.impedance import impedance_mismatch
from latmm.continuum.library import medium
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid

GRID = FrequencyGrid(np.linspace(0.1, 3.0, 30), np.full(30, 0.1))


def averaged(name: str) -> Medium:
    return medium(name).isotropic_average()


def test_like_media_transmit_as_the_radiation_limit():
    silicon = averaged("si")
    found = impedance_mismatch(silicon, silicon, GRID)["transmission"]
    assert_allclose(found, debye_radiation_limit(silicon, silicon, GRID)["transmission"], rtol=1e-12)


def test_below_all_cut_offs_each_polarisation_has_its_impedances():
    lead, diamond = averaged("pb"), averaged("diamond")
    expected = 0.0
    for first, second, times in zip(lead.speeds, diamond.speeds, (1, 2), strict=True):
        z1, z2 = lead.density * first, diamond.density * second
        expected += times * 4 * z1 * z2 / (z1 + z2) ** 2 / (4 * np.pi * max(first, second) ** 2)
    nu = GRID.frequency[:3]
    found = impedance_mismatch(lead, diamond, GRID)["transmission"].values[:3]
    assert_allclose(found, expected * (2 * np.pi * nu) ** 2, rtol=1e-12)


def test_both_directions_are_alike_and_below_the_limit():
    pair = averaged("al"), averaged("sapphire")
    forth, back = impedance_mismatch(*pair, GRID), impedance_mismatch(*pair[::-1], GRID)
    assert_allclose(forth["transmission"], back["transmission"], rtol=1e-14)
    limit = debye_radiation_limit(*pair, GRID)["transmission"].values
    assert np.all(forth["transmission"].values <= limit * (1 + 1e-12))


def test_a_fluid_has_no_transverse_waves():
    helium, copper = medium("helium"), averaged("cu")
    z1, z2 = helium.density * helium.speeds[0], copper.density * copper.speeds[0]
    fastest = max(helium.speeds[0], copper.speeds[0])
    grid = FrequencyGrid(np.array([1e-3, 2e-3]), np.full(2, 1e-3))
    found = impedance_mismatch(helium, copper, grid)["transmission"].values
    expected = 4 * z1 * z2 / (z1 + z2) ** 2 * (2 * np.pi * grid.frequency) ** 2 / (4 * np.pi * fastest**2)
    assert found == pytest.approx(expected, rel=1e-12)
