"""Mixed mismatch: Kirchhoff's phases of reflected and transmitted waves, conservation, both limits."""

import numpy as np
import pytest
from continuum_systems import gauss_grid

from latmm.continuum.amm import acoustic_mismatch, acoustic_mismatch_isotropic, wave_mesh
from latmm.continuum.dmm import diffuse_mismatch_debye, diffuse_transmission
from latmm.continuum.library import medium
from latmm.continuum.low_temperature import LONG_WAVELENGTH_LIMIT
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.continuum.mixed import (
    _waves,
    coherence,
    diffuse_mismatch_anisotropic,
    mixed_mismatch,
    specularity,
)
from latmm.landauer import conductance

AL = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
SI = Medium.isotropic(2.33, 9.0, 5.4, cell_density=25.0)
TEMPERATURES = np.array([1.0, 5.0, 20.0, 300.0])


def test_specularity_of_reflection_and_transmission() -> None:
    """Over heights h of a Gaussian the mean of exp[i h (k_a − k_b)], squared: by quadrature."""
    x, w = np.polynomial.hermite.hermgauss(60)
    eta, come = 0.4, 1.3
    for leave in (-1.3, -0.7, 0.9):
        mean = np.sum(w * np.exp(1j * np.sqrt(2.0) * eta * x * (come - leave))) / np.sqrt(np.pi)
        assert float(coherence(come, leave, eta)) == pytest.approx(abs(mean) ** 2, rel=1e-12)
    assert float(specularity(come, eta)) == pytest.approx(np.exp(-4.0 * eta**2 * come**2), rel=1e-14)


@pytest.mark.parametrize(
    ("left", "right"),
    [(AL, SI), (medium("si"), medium("ge")), (medium("helium"), medium("diamond"))],
    ids=["isotropic", "anisotropic", "fluid"],
)
def test_smooth_interface_is_that_of_the_acoustic_mismatch(left: Medium, right: Medium) -> None:
    grid = gauss_grid(10.0, 30)
    mixed, acoustic = mixed_mismatch(left, right, grid, 0.0), acoustic_mismatch(left, right, grid)
    np.testing.assert_allclose(mixed.transmission, acoustic.transmission, rtol=1e-11)
    np.testing.assert_allclose(mixed.specular_transmission, acoustic.transmission, rtol=1e-11)
    for name in ("channels_left", "channels_right", "transmission_error"):
        np.testing.assert_array_equal(mixed[name], acoustic[name])


def test_acoustic_end_of_isotropic_media_is_the_closed_form() -> None:
    grid = gauss_grid(10.0, 60)
    closed = acoustic_mismatch_isotropic(AL, SI, grid).transmission
    np.testing.assert_allclose(mixed_mismatch(AL, SI, grid, 0.0).transmission, closed, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left", "right"),
    [(AL, SI), (medium("pb"), medium("diamond")), (medium("helium"), medium("cu"))],
    ids=["isotropic", "anisotropic", "fluid"],
)
def test_rough_interface_is_the_diffuse_mismatch_of_the_same_channels(left: Medium, right: Medium) -> None:
    grid = gauss_grid(10.0, 30)
    rough, diffuse = mixed_mismatch(left, right, grid, 1e6), diffuse_mismatch_anisotropic(left, right, grid)
    np.testing.assert_allclose(rough.transmission, diffuse.transmission, rtol=1e-5)
    assert np.all(rough.specular_transmission <= 1e-5 * rough.transmission)
    assert np.all(rough.specular_left.values[rough.channels_left > 0] < 1e-5)


def test_diffuse_end_of_isotropic_media_is_debyes() -> None:
    grid = gauss_grid(10.0, 60)
    found, closed = diffuse_mismatch_anisotropic(AL, SI, grid), diffuse_mismatch_debye(AL, SI, grid)
    for name in ("transmission", "channels_left", "channels_right"):
        np.testing.assert_allclose(found[name], closed[name], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("roughness", [0.3, 100.0])
@pytest.mark.parametrize("name", ["si", "cu"])
def test_interface_between_like_crystals_is_not_there(name: str, roughness: float) -> None:
    crystal = medium(name).rotated(rotation_to_normal([1, 1, 0]))
    grid = gauss_grid(10.0, 20)
    table = mixed_mismatch(crystal, crystal, grid, roughness)
    np.testing.assert_allclose(table.transmission, table.channels_left, rtol=1e-9)


def test_media_of_like_slowness_keep_what_crosses() -> None:
    """Two fluids of one speed, densities 1 : 2: 1/9 is reflected, half of which crosses if rough."""
    light, heavy = (Medium.fluid(density, 1.5, cell_density=30.0) for density in (1.0, 2.0))
    grid = gauss_grid(3.0, 30)
    for roughness, expected in ((0.0, 8 / 9), (1e6, 8 / 9 + 1 / 18)):
        table = mixed_mismatch(light, heavy, grid, roughness)
        np.testing.assert_allclose(table.specular_transmission, 8 / 9 * table.channels_left, rtol=1e-5)
        np.testing.assert_allclose(table.transmission, expected * table.channels_left, rtol=1e-5)


@pytest.mark.slow
def test_energy_and_equilibrium_are_conserved_wave_by_wave() -> None:
    """Incoming energy all leaves, and outgoing waves are filled: rows and columns of the whole add up to one.

    The matrix of all incoming waves (both sides, all slownesses of a mesh) to all outgoing ones, with the
    remainder shared out, is built and summed; between the sides it must give Ξ, both ways.
    """
    left, right = medium("si").rotated(rotation_to_normal([1, 2, 3])), medium("al")
    mesh = wave_mesh(left, right)
    pick = slice(None, None, 97)
    s, weight = mesh.slowness[pick], mesh.weight[pick]
    both = np.concatenate([s, -s])  # time reversal turns the slowness round
    waves = _waves(left, right, both)
    reverse = _waves(left, right, -both)
    back = np.swapaxes(reverse.transmission, -1, -2)  # reciprocity: right to left at s, left to right at −s
    square = np.block([[waves.reflection_left, waves.transmission], [back, waves.reflection_right]])
    come = np.concatenate([waves.forward[0], waves.backward[1]], axis=-1)
    leave = np.concatenate([waves.backward[0], waves.forward[1]], axis=-1)
    alive = np.concatenate([waves.forward_cutoff[0], waves.backward_cutoff[1]], axis=-1) > 0
    away = np.concatenate([waves.backward_cutoff[0], waves.forward_cutoff[1]], axis=-1) > 0
    assert 0 < alive.sum() < alive.size
    omega, eta = 20.0, 0.3
    specular = square * coherence(omega * come[:, :, None], omega * leave[:, None, :], eta)
    lost = np.where(alive, 1.0 - specular.sum(axis=2), 0.0)
    kept = np.where(away, 1.0 - specular.sum(axis=1), 0.0)
    assert lost.min() > -1e-9
    assert kept.min() > -1e-9
    assert 0.1 < lost[alive].mean() < 0.9
    w = np.concatenate([weight, weight])[:, None]
    np.testing.assert_allclose(np.sum(w * lost), np.sum(w * kept), rtol=1e-9)
    # incoming from the left and outgoing to the left lose alike (detailed balance), and likewise on the right
    for side in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(np.sum((w * lost)[:, side]), np.sum((w * kept)[:, side]), rtol=1e-9)
    # the reversed pair keeps the same fraction: S² D from a to b at s is that from −b to −a at −s
    half = len(s)
    there, again = specular[:half, :3, 3:], specular[half:, 3:, :3]
    np.testing.assert_allclose(there.sum(axis=(1, 2)), again.sum(axis=(1, 2)), rtol=1e-7, atol=1e-12)
    crossing = np.sum(w * specular[:, :3, 3:].sum(axis=(1, 2))[:, None])
    m = [np.sum((w * lost)[:, side]) for side in (slice(0, 3), slice(3, 6))]
    shared = crossing + diffuse_transmission(*m)
    # the diffuse matrix itself: in proportion to what every outgoing wave lost
    into_right = np.sum((w * lost)[:, :3]) * np.sum((w * kept)[:, 3:]) / np.sum(w * kept)
    assert crossing + into_right == pytest.approx(float(shared), rel=1e-9)


@pytest.mark.parametrize("roughness", [0.1, 0.4])
def test_mixed_mismatch_is_reciprocal(roughness: float) -> None:
    grid = gauss_grid(10.0, 40)
    there, back = mixed_mismatch(AL, SI, grid, roughness), mixed_mismatch(SI, AL, grid, roughness)
    np.testing.assert_allclose(back.transmission, there.transmission, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back.specular_left, there.specular_right, atol=1e-9)


def test_passes_from_acoustic_to_diffuse_and_stays_below_the_channels() -> None:
    grid = gauss_grid(10.0, 60)
    acoustic = conductance(grid, acoustic_mismatch(AL, SI, grid).transmission, TEMPERATURES)
    diffuse = conductance(grid, diffuse_mismatch_anisotropic(AL, SI, grid).transmission, TEMPERATURES)
    fractions = []
    for roughness in (0.1, 0.3, 1.0, 3.0, 30.0):
        table = mixed_mismatch(AL, SI, grid, roughness)
        bound = np.minimum(table.channels_left, table.channels_right)
        assert np.all(table.transmission <= bound * (1 + 1e-9))
        g, specular = (
            conductance(grid, table[name], TEMPERATURES) for name in ("transmission", "specular_transmission")
        )
        fractions.append(specular / g)
        assert np.all(np.diff(specular / g) < 0)  # the hotter, the shorter the waves
    assert np.all(np.diff(np.array(fractions), axis=0) < 0)
    assert fractions[0][0] > 0.99
    assert fractions[-1][-1] < 1e-3
    np.testing.assert_allclose(
        conductance(grid, mixed_mismatch(AL, SI, grid, 0.01).transmission, 1.0), acoustic[:1], rtol=1e-4
    )
    assert g[-1] == pytest.approx(diffuse[-1], rel=1e-3)


def test_longest_waves_see_a_flat_interface() -> None:
    for roughness in (1.0, 100.0):
        found = mixed_mismatch(AL, SI, LONG_WAVELENGTH_LIMIT, roughness).transmission
        np.testing.assert_allclose(
            found, acoustic_mismatch(AL, SI, LONG_WAVELENGTH_LIMIT).transmission, rtol=1e-9
        )
