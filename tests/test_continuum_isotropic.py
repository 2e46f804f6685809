"""Acoustic mismatch of isotropic media: closed forms, conservation, reciprocity and published numbers."""

import numpy as np
import pytest
from continuum_systems import ALUMINIUM, COPPER, HELIUM, SAPPHIRE, SILICON, gauss_grid
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latmm.continuum.amm import (
    acoustic_mismatch_isotropic,
    debye_channels,
    isotropic_transmission_coefficients,
)
from latmm.continuum.dmm import diffuse_mismatch_debye, diffuse_transmission
from latmm.continuum.isotropic import isotropic_scattering, vertical_slowness
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid, conductance

A = 1.0192556768e10
"""π² k_B⁴/(30 ħ³), W m⁻² K⁻⁴ (m/s)²."""


def resistance_t3(coefficient: float) -> float:
    """R T³ (K⁴ m² W⁻¹) of Ξ = ω² · coefficient ((ps/nm)²): G = A · 4π · coefficient · T³."""
    return 1.0 / (A * 4.0 * np.pi * coefficient * 1e-6)


@st.composite
def media(draw: st.DrawFn) -> Medium:
    density = draw(st.floats(0.2, 20.0))
    longitudinal = draw(st.floats(1.0, 15.0))
    if draw(st.booleans()):
        return Medium.fluid(density, longitudinal)
    return Medium.isotropic(density, longitudinal, longitudinal * draw(st.floats(0.15, 0.86)))


@given(media(), media(), st.floats(0.001, 1.5))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_energy_is_conserved_and_reciprocal(left: Medium, right: Medium, scale: float) -> None:
    p = scale / min(c for medium in (left, right) for c in medium.speeds if c > 0)
    # at the critical slowness itself a wave grazes and carries nothing
    assume(all(abs(p * c - 1) > 1e-9 for medium in (left, right) for c in medium.speeds))
    forward, backward = isotropic_scattering(left, right, p), isotropic_scattering(right, left, p)
    total = (forward.reflectivity + forward.transmissivity).sum(axis=-1)
    incident = np.array([vertical_slowness(c, p).real > 0 if c > 0 else False for c in left.speeds])[
        [0, 1, 1]
    ]
    np.testing.assert_allclose(total, incident.astype(float), atol=1e-12)
    outgoing = np.array([vertical_slowness(c, p).real > 0 if c > 0 else False for c in right.speeds])[
        [0, 1, 1]
    ]
    both = incident[:, None] & outgoing
    np.testing.assert_allclose(
        np.where(both, forward.transmissivity, 0), np.where(both, backward.transmissivity.T, 0), atol=1e-12
    )


def test_aki_and_richards_energy_flux_matrix() -> None:
    result = isotropic_scattering(Medium.isotropic(3, 6, 3.5), Medium.isotropic(4, 7, 4.2), 0.1)
    reflected, transmitted = np.sqrt(result.reflectivity), np.sqrt(result.transmissivity)
    row = [reflected[0, 0], reflected[0, 1], transmitted[0, 0], transmitted[0, 1]]
    np.testing.assert_allclose(row, [0.1065, 0.1766, 0.9701, 0.1277], atol=5e-5)
    assert reflected[2, 2] == pytest.approx(0.2157, abs=5e-5)


def test_published_longitudinal_reflection_at_40_degrees() -> None:
    left, right = Medium.isotropic(2.66, 12.25, 6.2), Medium.isotropic(2.34, 11.6, 6.65)
    result = isotropic_scattering(left, right, np.sin(np.deg2rad(40)) / 12.25)
    assert result.reflection[0, 0].real == pytest.approx(-0.112236, abs=5e-7)


def test_sound_of_a_fluid_on_a_solid() -> None:
    result = isotropic_scattering(Medium.fluid(10, 8), Medium.isotropic(5.5, 13.6, 7.2), 0.0625)
    assert result.reflection[0, 0] == pytest.approx(-0.0785906918674138, rel=1e-12)
    assert result.transmission[0, 0] == pytest.approx(1.05504934388693, rel=1e-12)
    assert abs(result.transmission[0, 1]) == pytest.approx(0.840678245498352, rel=1e-12)


def test_a_fluid_reflects_all_of_what_it_cannot_follow() -> None:
    """Waves of a solid that swing in the contact's plane, at any angle."""
    result = isotropic_scattering(Medium.isotropic(5.5, 13.6, 7.2), Medium.fluid(10, 8), [0.0, 0.06, 0.13])
    np.testing.assert_array_equal(np.abs(result.reflection[:, 2]), [[0.0, 0.0, 1.0]] * 3)


def test_normal_incidence_is_the_impedance_formula() -> None:
    result = isotropic_scattering(ALUMINIUM, SILICON, 0.0)
    for k, speed in enumerate("LVH"):
        z1 = ALUMINIUM.density * ALUMINIUM.speeds[min(k, 1)]
        z2 = SILICON.density * SILICON.speeds[min(k, 1)]
        assert result.transmissivity[k, k] == pytest.approx(4 * z1 * z2 / (z1 + z2) ** 2, rel=1e-14), speed


def test_identical_media_transmit_every_channel_unconverted() -> None:
    p = np.linspace(0.0, 0.184, 57)
    tau = isotropic_scattering(SILICON, SILICON, p).transmissivity
    propagating = np.stack([p < 1 / 9.0, p < 1 / 5.4, p < 1 / 5.4], axis=-1)
    np.testing.assert_allclose(tau, propagating[..., None] * np.eye(3), atol=1e-13)


@pytest.mark.parametrize(
    ("right", "acoustic", "diffuse"), [(SILICON, 13.013, 16.199), (SAPPHIRE, 18.703, 19.701)]
)
def test_low_temperature_resistance_of_aluminium_contacts(
    right: Medium, acoustic: float, diffuse: float
) -> None:
    """R T³ in K⁴ cm²/W."""
    forward = isotropic_transmission_coefficients(ALUMINIUM, right).sum()
    backward = isotropic_transmission_coefficients(right, ALUMINIUM).sum()
    assert forward == pytest.approx(backward, rel=1e-12)
    assert resistance_t3(forward) * 1e4 == pytest.approx(acoustic, abs=6e-4)
    grid = FrequencyGrid(np.array([1e-3]), np.array([1.0]))
    xi = float(diffuse_mismatch_debye(ALUMINIUM, right, grid).transmission[0])
    assert resistance_t3(xi / (2 * np.pi * 1e-3) ** 2) * 1e4 == pytest.approx(diffuse, abs=6e-4)


def test_helium_on_copper_by_bulk_waves() -> None:
    coefficient = isotropic_transmission_coefficients(HELIUM, COPPER).sum()
    assert resistance_t3(coefficient) == pytest.approx(0.13573, abs=5e-6)


def test_conductance_falls_with_the_cube_of_temperature() -> None:
    x, w = np.polynomial.legendre.leggauss(60)
    cold, warm = (FrequencyGrid(0.5 * top * (x + 1), 0.5 * top * w) for top in (1e-3, 1.0))
    g_cold = conductance(cold, acoustic_mismatch_isotropic(ALUMINIUM, SILICON, cold).transmission, 1e-3)[0]
    g_warm = conductance(warm, acoustic_mismatch_isotropic(ALUMINIUM, SILICON, warm).transmission, 1.0)[0]
    assert g_cold / g_warm == pytest.approx(1e-9, rel=1e-9)


def test_debye_cutoffs_bound_the_transmission_by_both_sides() -> None:
    left = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
    right = Medium.isotropic(2.33, 9.0, 5.4, cell_density=25.0)
    grid = gauss_grid(16.0, 400)
    table = acoustic_mismatch_isotropic(left, right, grid)
    m = np.minimum(table.channels_left, table.channels_right)
    assert np.all(table.transmission <= m * (1 + 1e-12))
    back = acoustic_mismatch_isotropic(right, left, grid)
    np.testing.assert_allclose(back.transmission, table.transmission, rtol=1e-10, atol=1e-13)
    assert float(table.transmission[-1]) == 0.0


def test_debye_channels_hold_three_modes_per_primitive_cell() -> None:
    """∫ g(ν) dν = 3 n with the density of states g = 4πν²/c³ per polarisation: M = (c/4) g for each."""
    medium = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
    total = sum(
        4 * np.pi * nu**3 / 3 / c**3
        for nu, c in zip(medium.debye_frequencies(), (6.42, 3.04, 3.04), strict=True)
    )
    assert total == pytest.approx(3 * 60.2, rel=1e-12)
    grid = gauss_grid(20.0, 800)
    expected = sum(
        np.pi * nu**3 / 3 / c**2 for nu, c in zip(medium.debye_frequencies(), (6.42, 3.04, 3.04), strict=True)
    )
    assert debye_channels(medium, grid) @ grid.weight == pytest.approx(expected, rel=1e-5)


def test_debye_heat_capacity_limits() -> None:
    medium = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
    k_b = 1.380649e-23
    theta = medium.debye_temperature()
    low, high = medium.heat_capacity([1.0, 1e4])
    assert high == pytest.approx(3 * 60.2e27 * k_b, rel=1e-3)
    assert low == pytest.approx(60.2e27 * k_b * 12 * np.pi**4 / 5 / theta**3, rel=1e-9)


def test_identical_crystals_share_exactly_half() -> None:
    m = np.array([0.0, 0.3, 2.0])
    np.testing.assert_array_equal(diffuse_transmission(m, m), 0.5 * m)
