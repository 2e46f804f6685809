"""Plane waves of anisotropic media and their scattering: conservation, reciprocity, isotropic limit."""

import numpy as np
import pytest
from continuum_systems import ALUMINIUM, SILICON, gauss_grid
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latmm.continuum.amm import (
    acoustic_mismatch,
    acoustic_mismatch_isotropic,
    transmissivity,
)
from latmm.continuum.angles import incidence, incidence_anisotropic
from latmm.continuum.boundary import contact, energy_shares, spring_compliance
from latmm.continuum.dispersion import elastic_channels
from latmm.continuum.isotropic import isotropic_scattering
from latmm.continuum.library import medium
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.continuum.stroh import plane_waves
from latmm.errors import InputError


@st.composite
def media(draw: st.DrawFn) -> Medium:
    """Stable media of every kind: triclinic, isotropic, fluid."""
    density = draw(st.floats(0.5, 15.0))
    kind = draw(st.sampled_from(["triclinic", "triclinic", "isotropic", "fluid"]))
    if kind == "fluid":
        return Medium.fluid(density, draw(st.floats(1.0, 6.0)))
    if kind == "isotropic":
        c_l = draw(st.floats(2.0, 10.0))
        return Medium.isotropic(density, c_l, c_l * draw(st.floats(0.3, 0.8)))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    a = rng.normal(size=(6, 6))
    return Medium(density, draw(st.floats(10.0, 60.0)) * (a @ a.T + 1.5 * np.eye(6)))


@pytest.mark.slow
@given(media(), media(), st.floats(0.02, 1.2), st.floats(0.0, 6.28), st.sampled_from([None, 5.0]))
@settings(max_examples=250, deadline=None, derandomize=True)
def test_energy_is_conserved_and_scattering_reciprocal(
    left: Medium, right: Medium, scale: float, azimuth: float, spring: float | None
) -> None:
    """Reciprocity: from i to j at s equals from j to i, both reversed, at −s."""
    assume(spring is None or not (left.is_fluid or right.is_fluid))
    slowest = min(float(np.sqrt(m.stiffness[2, 2] / m.density)) for m in (left, right))
    s = scale / slowest * np.array([np.cos(azimuth), np.sin(azimuth)])
    there = plane_waves(left, s), plane_waves(right, s)
    back = plane_waves(left, -s), plane_waves(right, -s)
    # at a critical slowness itself a grazing wave cannot be normalised
    for waves in there:
        q = np.concatenate([waves.forward.vertical, waves.backward.vertical])
        gaps = np.abs(q[:, None] - q[None, :]) + np.eye(len(q)) * 1e3
        degenerate = gaps < 1e-9 * np.max(np.abs(q))
        assume(np.min(np.where(degenerate, 1e3, gaps)) > 1e-5 * np.max(np.abs(q)))
    options = {"compliance": None if spring is None else spring_compliance(spring), "omega": 3.0}
    forward, reverse = contact(*there, **options), contact(*back, **options)
    incoming = there[0].forward
    total = energy_shares(forward.reflection_left, incoming, there[0].backward).sum(axis=-1)
    crossing = energy_shares(forward.transmission, incoming, there[1].forward)
    np.testing.assert_allclose(total + crossing.sum(axis=-1), incoming.propagating.astype(float), atol=1e-12)
    returning = energy_shares(reverse.transmission_back, back[1].backward, back[0].backward)
    assert crossing.sum() == pytest.approx(returning.sum(), abs=1e-12)


def test_isotropic_limit_of_the_anisotropic_solver() -> None:
    rng = np.random.default_rng(2)
    p, phi = rng.uniform(0.0, 0.34, 400), rng.uniform(0.0, 6.28, 400)
    s = np.stack([p * np.cos(phi), p * np.sin(phi)], axis=-1)
    water = Medium.fluid(1.0, 1.5)
    for left, right in ((ALUMINIUM, SILICON), (SILICON, ALUMINIUM), (water, SILICON), (ALUMINIUM, water)):
        tau = transmissivity(left, right, s).sum(axis=(-2, -1))
        exact = isotropic_scattering(left, right, p).transmissivity.sum(axis=(-2, -1))
        np.testing.assert_allclose(tau, exact, atol=1e-10)


def test_spectrum_of_isotropic_media_is_that_of_the_closed_form() -> None:
    left = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
    right = Medium.isotropic(2.33, 9.0, 5.4, cell_density=25.0)
    grid = gauss_grid(16.0, 60)
    general, closed = acoustic_mismatch(left, right, grid), acoustic_mismatch_isotropic(left, right, grid)
    for name in ("transmission", "channels_left", "channels_right"):
        np.testing.assert_allclose(general[name], closed[name], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_crystal_against_itself_transmits_every_channel() -> None:
    crystal = medium("cu").rotated(rotation_to_normal([1, 2, 3]))
    table = acoustic_mismatch(crystal, crystal, gauss_grid(14.0, 30))
    np.testing.assert_allclose(table.transmission, table.channels_left, rtol=1e-9, atol=1e-12)


def test_mesh_counts_the_channels_of_the_slowness_surface() -> None:
    """Two quadratures of the same channels, over the plane and over directions: copper has cusps."""
    left, right = medium("cu"), medium("si")
    grid = gauss_grid(0.1, 4)
    table = acoustic_mismatch(left, right, grid)
    omega2 = (2 * np.pi * grid.frequency) ** 2
    np.testing.assert_allclose(table.channels_left, elastic_channels(left).sum() * omega2, rtol=5e-4)
    np.testing.assert_allclose(table.channels_right, elastic_channels(right).sum() * omega2, rtol=5e-4)
    assert np.all(table.transmission <= np.minimum(table.channels_left, table.channels_right))


@pytest.mark.slow
def test_transmission_is_reciprocal_between_crystals() -> None:
    left, right = medium("sapphire"), medium("pb").rotated(rotation_to_normal([1, 1, 1]))
    grid = gauss_grid(3.0, 10)
    there, back = acoustic_mismatch(left, right, grid), acoustic_mismatch(right, left, grid)
    np.testing.assert_allclose(back.transmission, there.transmission, rtol=1e-3)


def test_branch_of_a_concave_slowness_sheet_follows_the_energy_flux() -> None:
    """Near [001] nickel's slow sheet is concave: waves with q > 0 carry energy backwards, and vice versa."""
    nickel = medium("ni").rotated(rotation_to_normal([1, 1, 0]))
    p = np.linspace(0.0, 0.45, 300)
    waves = plane_waves(nickel, np.stack([p, np.zeros_like(p)], axis=-1))
    for chosen, sign in ((waves.forward, 1.0), (waves.backward, -1.0)):
        flux = np.sum(chosen.displacement.conj() * chosen.traction, axis=-2).real
        np.testing.assert_allclose(flux[chosen.propagating], sign, rtol=1e-9)
    against = (waves.forward.vertical.real < 0) & waves.forward.propagating
    assert against.any()


def test_stiff_springs_weld_and_soft_springs_separate() -> None:
    s = np.array([[0.05, 0.02]])
    waves = plane_waves(ALUMINIUM, s), plane_waves(SILICON, s)
    welded = contact(*waves)
    stiff = contact(*waves, compliance=spring_compliance(1e9), omega=1.0)
    soft = contact(*waves, compliance=spring_compliance(1e-9), omega=1.0)
    np.testing.assert_allclose(stiff.transmission, welded.transmission, atol=1e-6)
    assert np.max(np.abs(soft.transmission)) < 1e-8
    with pytest.raises(InputError, match="contact stiffness"):
        spring_compliance(-1.0)


def test_spring_contact_at_normal_incidence_is_schoenbergs() -> None:
    """T = 4Z₁Z₂/[(Z₁+Z₂)² + (ωZ₁Z₂/K)²]."""
    omega, k = 2.0, 15.0
    waves = plane_waves(ALUMINIUM, np.zeros((1, 2))), plane_waves(SILICON, np.zeros((1, 2)))
    result = contact(*waves, compliance=spring_compliance(k), omega=omega)
    fractions = energy_shares(result.transmission, waves[0].forward, waves[1].forward)
    z1, z2 = 2.7 * 6.42, 2.33 * 9.0
    expected = 4 * z1 * z2 / ((z1 + z2) ** 2 + (omega * z1 * z2 / k) ** 2)
    assert fractions[0, 2, 2] == pytest.approx(expected, rel=1e-12)


def test_critical_angles_and_transmission_cone_of_a_fluid_on_a_solid() -> None:
    table = incidence(Medium.fluid(1.0, 1.5), Medium.isotropic(2.0, 3.2, 1.6), [0.0, 27.9, 28.0, 69.6, 69.7])
    np.testing.assert_allclose(
        table.critical_angle_transmitted.sel(incident="L").values[:2], [27.9531869, 69.6358652], rtol=1e-8
    )
    assert float(table.transmission_cone[0]) == pytest.approx(69.6358652, rel=1e-8)
    longitudinal = table.transmissivity.sel(incident="L", outgoing="L").values
    assert longitudinal[1] > 0
    assert longitudinal[2] == 0
    np.testing.assert_array_equal(table.total_reflection.values[0], [False, False, False, False, True])


def test_incidence_tables_of_both_solvers_agree() -> None:
    angles = np.arange(0.0, 90.0, 10.0)
    general = incidence_anisotropic(SILICON, ALUMINIUM, angles, azimuth=20.0)
    closed = incidence(SILICON, ALUMINIUM, angles)
    np.testing.assert_allclose(
        general.transmissivity.sel(incident="quasi-longitudinal").sum("outgoing"),
        closed.transmissivity.sel(incident="L").sum("outgoing"),
        atol=1e-9,
    )
    transverse = ["slow quasi-transverse", "fast quasi-transverse"]
    both = general.transmissivity.sel(incident=transverse).sum(["incident", "outgoing"])
    np.testing.assert_allclose(
        both, closed.transmissivity.sel(incident=["V", "H"]).sum(["incident", "outgoing"]), atol=1e-9
    )


def test_incidence_conserves_energy_by_angle() -> None:
    table = incidence_anisotropic(
        medium("si").rotated(rotation_to_normal([1, 2, 3])), medium("al"), np.arange(0.0, 80.0, 5.0), 20.0
    )
    total = (table.reflectivity + table.transmissivity).sum("outgoing", skipna=False)
    np.testing.assert_allclose(total, 1.0, atol=1e-10)


def test_initial_stress_enters_the_waves() -> None:
    """At normal incidence in-plane tension does nothing; along the plane it stiffens like a string."""
    tension = Medium(2.33, SILICON.stiffness, stress=np.diag([3.0, 3.0, 0.0]))
    speed, _ = tension.christoffel([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(speed[0], [5.4, 5.4, 9.0], rtol=1e-9)
    np.testing.assert_allclose(speed[1] ** 2, np.array([5.4, 5.4, 9.0]) ** 2 + 3.0 / 2.33, rtol=1e-9)
    s = np.array([[0.04, 0.03]])
    waves = plane_waves(tension, s)
    for q, a in zip(
        waves.forward.vertical[0], np.moveaxis(waves.forward.displacement[0], -1, 0), strict=True
    ):
        k = np.array([s[0, 0], s[0, 1], q])
        wave = np.einsum("ijkl,j,l,k->i", tension.moduli, k, k, a)
        np.testing.assert_allclose(wave, tension.density * a, atol=1e-9 * np.abs(a).max() * 2.33)
