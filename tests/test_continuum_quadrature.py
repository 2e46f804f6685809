"""The quadrature over slowness: leaky surface waves, symmetry about the normal, errors that are told."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from scipy.integrate import quad_vec

from latmm.continuum.amm import (
    acoustic_mismatch,
    mesh_errors,
    transmissivity,
    wave_mesh,
)
from latmm.continuum.dispersion import elastic_channels
from latmm.continuum.library import medium
from latmm.continuum.low_temperature import LONG_WAVELENGTH_LIMIT, cubic_prefactor, first_prefactor
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.continuum.rayleigh import khalatnikov, surface_impedance, surface_wave_coefficient
from latmm.continuum.slowness import (
    _COARSE_RULE,
    _FINE,
    _NODES,
    _both_orders,
    _Search,
    critical_slownesses,
    slowness_nodes,
    symmetry_wedge,
)

HELIUM = medium("helium")


def by_impedance(solid: Medium, fluid: Medium, slowness: np.ndarray) -> np.ndarray:
    """τ = 4 Re Z Re Z_f/|Z + Z_f|² from the solid's surface impedance: no contact of two media is solved."""
    impedance = surface_impedance(solid, slowness)
    c = fluid.speeds.longitudinal
    other = fluid.density / np.sqrt(1.0 / c**2 - np.sum(slowness**2, axis=-1))
    return np.asarray(4.0 * impedance.real * other / np.abs(impedance + other) ** 2)


def line(solid: Medium, fluid: Medium, azimuth: float, nodes: int) -> float:
    """∫ τ p dp along an azimuth: equal steps in the mapped slowness, as many as resolve every leaky wave."""
    direction = np.array([np.cos(azimuth), np.sin(azimuth)])
    edges = np.sort(critical_slownesses(solid, direction[None])[0])
    theta = 0.5 * pi * (np.arange(nodes) + 0.5) / nodes
    total = 0.0
    for a, b in zip(np.append(0.0, edges[:-1]), edges, strict=True):
        p = a + (b - a) * np.sin(theta) ** 2
        tau = by_impedance(solid, fluid, p[:, None] * direction)
        total += float(np.sum(tau * p * np.sin(2.0 * theta))) * (b - a) * 0.5 * pi / nodes
    return total


def test_nodes_of_both_orders_are_those_of_gauss_and_kronrod() -> None:
    """Exact for even powers up to 22 and 12, and not for the next one."""
    for rule, last in ((_FINE, 22), (_COARSE_RULE, 12)):
        powers = np.arange(0, last + 3, 2)
        missed = np.abs(rule @ _NODES[:, None] ** powers - 2.0 / (powers + 1.0))
        assert np.all(missed[:-1] < 1e-14)
        assert missed[-1] > 1e-9


def test_both_orders_and_their_error_are_those_of_scipy() -> None:
    """Kronrod's fifteen nodes in Gauss' seven: the value and the error that SciPy's quadrature tells."""

    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(4.0 * x) + x + 1.0

    middle, half = 0.1, 0.8
    found = _both_orders(f(middle + half * _NODES)[None, :, None], np.array([half]))
    limits = middle - half, middle + half
    value, error = quad_vec(f, *limits, quadrature="gk15", limit=1, epsabs=0.0, epsrel=1e-300)
    assert found.value.item() == pytest.approx(value, rel=1e-14)
    assert found.error.item() == pytest.approx(error, rel=1e-4)


def test_the_error_of_transmission_is_the_worse_of_both_limits() -> None:
    mesh = wave_mesh(medium("al"), medium("al"))
    assert mesh_errors(replace(mesh, error=np.array([0.3, 0.1, 0.2]))) == (0.3, 0.1, 0.2)
    assert mesh_errors(replace(mesh, error=np.array([0.3, 0.1, 0.2, 0.4]))) == (0.4, 0.1, 0.2)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "azimuth"), [("cu", 0.72), ("cu", 0.65), ("si", 0.75)])
def test_leaky_surface_waves_are_integrated_along_an_azimuth(name: str, azimuth: float) -> None:
    """Two routes: panels halved around the resonance, and equal steps far below its width by impedances."""
    solid = medium(name)

    def integrand(slowness: np.ndarray) -> np.ndarray:
        return transmissivity(HELIUM, solid, slowness).sum(axis=(-2, -1))[:, None]

    found = _Search((HELIUM, solid), integrand, np.array([1e-5])).lines(np.array([azimuth]))
    exact = line(solid, HELIUM, azimuth, 12_000)
    assert float(found.value[0, 0]) == pytest.approx(exact, rel=2e-5)
    assert abs(float(found.value[0, 0]) - exact) < float(found.error[0, 0]) + 1e-6 * exact
    # the 24 nodes between critical slownesses that used to be taken miss a part of it
    p, w = slowness_nodes(critical_slownesses(solid, np.array([[np.cos(azimuth), np.sin(azimuth)]]))[0], 24)
    tau = by_impedance(solid, HELIUM, p[:, None] * np.array([np.cos(azimuth), np.sin(azimuth)]))
    assert abs(np.sum(w * p * tau) / exact - 1.0) > 5e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cu", "si"])
def test_helium_on_a_crystal_converges_by_an_independent_quadrature(name: str) -> None:
    """Equidistant azimuths in the wedge and equal steps, by impedances: 0.1 % of what the mesh gives."""
    solid, azimuths = medium(name), 32
    angles = 0.25 * pi * (np.arange(azimuths) + 0.5) / azimuths
    total = np.mean([line(solid, HELIUM, angle, 2500) for angle in angles]) * 2.0 * pi
    table = acoustic_mismatch(HELIUM, solid, LONG_WAVELENGTH_LIMIT)
    assert first_prefactor(table) == pytest.approx(cubic_prefactor(total / (4.0 * pi**2)), rel=1e-3)
    assert 0.0 < float(table.transmission_error) < 1e-3


@pytest.mark.slow
def test_what_anisotropy_opens_between_helium_and_copper() -> None:
    """G/T³, W m⁻² K⁻⁴: part of the surface wave leaks into bulk waves, and the rest is a line."""
    copper = medium("cu")
    isotropic = copper.isotropic_average()
    bulk = first_prefactor(khalatnikov(isotropic, HELIUM, LONG_WAVELENGTH_LIMIT, rayleigh=False))
    both = first_prefactor(khalatnikov(isotropic, HELIUM, LONG_WAVELENGTH_LIMIT))
    assert bulk == pytest.approx(7.610, abs=2e-3)
    assert both == pytest.approx(20.880, abs=2e-3)
    leaking = first_prefactor(acoustic_mismatch(HELIUM, copper, LONG_WAVELENGTH_LIMIT))
    assert leaking == pytest.approx(12.951, abs=4e-3)
    kept = cubic_prefactor(surface_wave_coefficient(copper, HELIUM))
    assert kept == pytest.approx(7.8316, abs=2e-3)
    assert leaking + kept == pytest.approx(20.78, abs=0.01)


@pytest.mark.slow
def test_surface_waves_of_an_isotropic_solid_are_rayleighs() -> None:
    isotropic = medium("cu").isotropic_average()
    both, bulk = (
        first_prefactor(khalatnikov(isotropic, HELIUM, LONG_WAVELENGTH_LIMIT, rayleigh=kept))
        for kept in (True, False)
    )
    found = cubic_prefactor(surface_wave_coefficient(isotropic, HELIUM))
    assert found == pytest.approx(both - bulk, rel=1e-5)


@pytest.mark.slow
def test_thin_fluid_finds_ever_narrower_resonances() -> None:
    """To first order in ρ_f the conductance is in proportion: lines of relative width 1e-6 keep theirs."""
    copper = medium("cu")
    thin, thinner = (
        first_prefactor(
            acoustic_mismatch(Medium.fluid(0.145 * fraction, 0.238), copper, LONG_WAVELENGTH_LIMIT)
        )
        / fraction
        for fraction in (1e-2, 1e-3)
    )
    assert thinner == pytest.approx(thin, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (medium("si"), medium("cu")),
        (medium("cu").rotated(rotation_to_normal([1, 1, 1])), medium("sapphire")),
        (medium("helium"), medium("ni").rotated(rotation_to_normal([1, 1, 0]))),
    ],
    ids=["four-fold", "three-fold", "two-fold"],
)
def test_symmetry_about_the_normal_changes_nothing(
    left: Medium, right: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, wedge, copies = symmetry_wedge((left, right))
    assert wedge * copies == pytest.approx(2.0 * pi)
    assert copies > 1
    table = acoustic_mismatch(left, right, LONG_WAVELENGTH_LIMIT)
    monkeypatch.setattr("latmm.continuum.slowness.symmetry_wedge", lambda media: (0.3, 2.0 * pi, 1))
    whole = acoustic_mismatch(left, right, LONG_WAVELENGTH_LIMIT)
    error = float(table.transmission_error) + float(whole.transmission_error)
    assert 0.0 < error < 1.5e-3
    np.testing.assert_allclose(table.transmission, whole.transmission, rtol=error)


def test_wedge_of_a_cubic_crystal_turned_in_its_plane_starts_at_a_mirror() -> None:
    c, s = np.cos(pi / 12), np.sin(pi / 12)
    turned = medium("cu").rotated([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    start, wedge, copies = symmetry_wedge((turned, HELIUM))
    assert (wedge, copies) == (pytest.approx(pi / 4), 8)
    assert np.mod(start - pi / 12, pi / 4) == pytest.approx(0.0, abs=1e-9)
    general = medium("cu").rotated(rotation_to_normal([1, 2, 3]))
    assert symmetry_wedge((general, medium("quartz")))[2] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("al", "si"),
        ("pb", "diamond"),
        ("helium", "cu"),
        pytest.param("sapphire", "cu", marks=pytest.mark.slow),
        pytest.param("helium", "au", marks=pytest.mark.slow),
    ],
)
def test_reported_error_covers_what_finer_tolerance_changes(
    left: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = medium(left), medium(right)
    table = acoustic_mismatch(*pair, LONG_WAVELENGTH_LIMIT)
    monkeypatch.setattr("latmm.continuum.amm.TOLERANCE", 5e-5)
    finer = acoustic_mismatch(*pair, LONG_WAVELENGTH_LIMIT)
    change = abs(float(table.transmission[0] / finer.transmission[0]) - 1.0)
    assert change <= float(table.transmission_error) <= 5e-4 * 1.2
    assert float(finer.transmission_error) <= 5e-5 * 1.2


@pytest.mark.slow
@pytest.mark.parametrize("names", [("helium", "si"), ("si", "ge")])
def test_either_side_transmits_alike(names: tuple[str, str]) -> None:
    """Detailed balance: Ξ from the left is Ξ from the right, the crystals turned over."""
    turn = np.diag([1.0, -1.0, -1.0])
    left, right = (medium(name) for name in names)
    there = acoustic_mismatch(left, right, LONG_WAVELENGTH_LIMIT)
    back = acoustic_mismatch(right.rotated(turn), left.rotated(turn), LONG_WAVELENGTH_LIMIT)
    np.testing.assert_allclose(back.transmission, there.transmission, rtol=5e-4)


@pytest.mark.slow
def test_channels_and_their_errors() -> None:
    """Copper's slowness surface has cusps: the channels err by less than they say."""
    copper, silicon = medium("cu").rotated(rotation_to_normal([1, 2, 3])), medium("si")
    mesh = wave_mesh(copper, silicon)
    _, left, right = mesh_errors(mesh)
    table = acoustic_mismatch(copper, silicon, LONG_WAVELENGTH_LIMIT)
    square = (2.0 * pi * LONG_WAVELENGTH_LIMIT.frequency) ** 2
    for side, crystal, error in (("left", copper, left), ("right", silicon, right)):
        exact = elastic_channels(crystal).sum() * square
        np.testing.assert_allclose(table[f"channels_{side}"], exact, rtol=5e-4)
        assert abs(float(table[f"channels_{side}"][0] / exact[0]) - 1.0) < error < 1e-2
