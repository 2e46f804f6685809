"""Channels of the full dispersion against Bloch-mode counts, elastic limits and symmetry."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from continuum_systems import diamond_springs, fcc_springs, gauss_grid

from latmm.continuum.amm import debye_channels
from latmm.continuum.dispersion import _counts, channels, elastic_channels
from latmm.continuum.dmm import diffuse_mismatch, radiation_limit
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid, conductance
from latmm.lattice.force_constants import ForceConstants


def counted(force_constants: ForceConstants, frequency: np.ndarray, plane: int, line: int) -> np.ndarray:
    """Bloch modes per area of a cubic primitive cell along z, counted as crossings of ω on lines of k_z.

    The primitive cell of the (001) plane has the area a²/2: its zone is two zones of a × a. The crystal has
    the period 4π/a in k_z at fixed k∥.
    """
    a = 2.0 * abs(force_constants.atoms.cell.array[0, 1])
    axis = (np.arange(plane) + 0.5) / plane
    kz = 2.0 * np.arange(line + 1) / line
    total = np.zeros(frequency.size)
    for kx in 2.0 * axis:
        k = np.stack(np.meshgrid([kx], axis, kz, indexing="ij"), axis=-1).reshape(-1, 3) * 2 * np.pi / a
        q = k @ force_constants.atoms.cell.array.T / (2 * np.pi)
        squares = np.linalg.eigvalsh(force_constants.dynamical_matrix(q))
        nu = np.sqrt(np.abs(squares) * 9648.533) / (2 * np.pi)
        nu = nu.reshape(plane, line + 1, -1)
        low, high = np.minimum(nu[:, 1:], nu[:, :-1]), np.maximum(nu[:, 1:], nu[:, :-1])
        for i, f in enumerate(frequency):
            total[i] += np.count_nonzero((low <= f) & (f < high))
    # half of the crossings run forward
    return total / 2.0 / plane**2 / (0.5 * a**2) * 100.0


@pytest.mark.slow
@pytest.mark.parametrize("crystal", [fcc_springs(), diamond_springs()], ids=["fcc", "diamond"])
def test_channels_agree_with_counted_bloch_modes(crystal: ForceConstants) -> None:
    grid = gauss_grid(16.0, 160)
    mine = channels(crystal, grid)
    exact = counted(crystal, grid.frequency, 20, 60)
    g, g_exact = (conductance(grid, m, [100.0, 300.0]) for m in (mine, exact))
    np.testing.assert_allclose(g, g_exact, rtol=5e-3)


def test_wave_vectors_of_the_zone_are_as_dense_in_every_direction() -> None:
    """36³ of a crystal of one atom, to whole multiples of four along each reciprocal vector."""
    long = SimpleNamespace(atoms=Atoms("Ar", cell=[3.0, 3.0, 4.5], pbc=True))
    assert _counts(long, 1.0) == (40, 40, 28)
    assert _counts(long, 0.5) == (20, 20, 12)


def test_low_frequency_channels_are_those_of_the_elastic_medium() -> None:
    crystal = diamond_springs()
    medium = Medium.from_force_constants(crystal)
    nu = np.array([1e-6, 1e-3, 0.05])
    coefficient = elastic_channels(medium).sum()
    m = channels(crystal, FrequencyGrid(nu, np.ones(3)), resolution=0.4)
    np.testing.assert_allclose(m / (2 * np.pi * nu) ** 2 / coefficient, [1.0, 1.0, 1.0], rtol=2e-4)
    assert m[0] / (2 * np.pi * nu[0]) ** 2 == pytest.approx(coefficient, rel=1e-9)


@pytest.mark.slow
def test_channels_follow_the_symmetry_of_the_crystal() -> None:
    crystal = diamond_springs()
    grid = gauss_grid(14.0, 40)
    z = channels(crystal, grid, resolution=0.5)
    x = channels(crystal, grid, normal=(1.0, 0.0, 0.0), resolution=0.5)
    np.testing.assert_allclose(conductance(grid, x, 300.0), conductance(grid, z, 300.0), rtol=1e-6)


def test_elastic_channels_of_an_isotropic_medium() -> None:
    medium = Medium.isotropic(2.33, 9.0, 5.4)
    expected = 1.0 / (4 * np.pi * np.array([5.4, 5.4, 9.0]) ** 2)
    np.testing.assert_allclose(elastic_channels(medium, (0.3, -0.2, 0.8)), expected, rtol=1e-10)
    nu = np.array([1.0])
    np.testing.assert_allclose(
        debye_channels(medium, FrequencyGrid(nu, nu)), expected.sum() * (2 * np.pi) ** 2, rtol=1e-12
    )


def test_diffuse_mismatch_stays_below_the_radiation_limit() -> None:
    grid = gauss_grid(16.0, 40)
    left, right = (
        channels(diamond_springs(), grid, resolution=0.4),
        channels(fcc_springs(), grid, resolution=0.4),
    )
    dmm, limit = diffuse_mismatch(left, right, grid), radiation_limit(left, right, grid)
    assert np.all(dmm.transmission <= limit.transmission)
    np.testing.assert_array_equal(diffuse_mismatch(left, left, grid).transmission, 0.5 * left)
