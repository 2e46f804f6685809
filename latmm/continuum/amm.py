"""Acoustic mismatch of two half spaces: Ξ = ω² ∫ Σ_ij τ_ij(s∥) d²s∥ / (4π²).

At a flat interface frequency and in-plane slowness s∥ are conserved, and elastic waves know no length: the
transmissivity τ_ij from incident wave i to transmitted wave j depends on s∥ alone, so Ξ is ω² times a
constant until waves end at Debye's cut-offs (:mod:`latmm.continuum.cutoffs`).

The quadrature refines itself until two orders agree (:mod:`latmm.continuum.slowness`), and every table tells
its relative errors: ``transmission_error``, ``channels_left_error``, ``channels_right_error``.

Sources: W. A. Little, Can. J. Phys. 37, 334 (1959); E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605
(1989), Sec. II.

Symbols: ω = 2πν, s∥ → ``slowness`` (s/km = ps/nm), K_ij = ∫ τ_ij d²s∥/(4π²) → ``transmission_coefficients``
((ps nm⁻¹)²).
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats, Integers
from latmm.continuum.boundary import contact, energy_shares
from latmm.continuum.cutoffs import sphere_channels, truncated_square_law, wave_cutoffs
from latmm.continuum.isotropic import isotropic_scattering
from latmm.continuum.media import Medium
from latmm.continuum.slowness import AdaptiveMesh, adaptive_mesh, slowness_nodes
from latmm.continuum.stroh import plane_waves
from latmm.landauer import FrequencyGrid, spectrum

__all__ = [
    "acoustic_mismatch",
    "acoustic_mismatch_isotropic",
    "debye_channels",
    "isotropic_transmission_coefficients",
    "mesh_errors",
    "transmissivity",
    "wave_mesh",
    "with_errors",
]

TOLERANCE = 5e-4
"""Relative error of ∫ τ d²s∥, in the limits of low and of high temperature, at which refinement ends."""
_CHANNELS = 1e-2
"""The same of the channels: the two orders differ twenty times more than the better one errs."""
_NODES = 128
"""Gauss nodes between neighbouring critical slownesses of isotropic media: 1e-12 for solids, 1e-8 for helium
on copper."""
_BATCH = 512
"""In-plane slownesses solved at once: their 6 × 6 matrices stay in the cache."""


def isotropic_transmission_coefficients(left: Medium, right: Medium) -> Floats:
    """Channels per area over ω² between the polarisations L, V, H of two isotropic media.

    Returns
    -------
    (3, 3) ndarray
        K_ij from i on the left to j on the right (and back), (ps nm⁻¹)².
    """
    return _isotropic_coefficients(left, right, _NODES)


def _isotropic_coefficients(left: Medium, right: Medium, nodes: int) -> Floats:
    speeds = np.array([c for medium in (left, right) for c in medium.speeds if c > 0])
    p, weight = slowness_nodes(1.0 / speeds, nodes)
    scattering = isotropic_scattering(left, right, p)
    return np.asarray(np.einsum("p,pij->ij", weight * p, scattering.transmissivity) / (2.0 * pi))


def _cutoffs(medium: Medium) -> Floats:
    """Cut-offs of L, V, H, THz; a fluid's transverse waves, which carry nothing, get that of L."""
    values = medium.debye_frequencies()
    return np.array(values if len(values) == 3 else values * 3)


def debye_channels(medium: Medium, grid: FrequencyGrid) -> Floats:
    """Channels per area of an isotropic medium, nm⁻²: ω²/(4πc²) of each polarisation below its cut-off."""
    longitudinal, transverse = medium.speeds
    speeds = np.array([longitudinal] if medium.is_fluid else [longitudinal, transverse, transverse])
    return truncated_square_law(grid, 1.0 / (4.0 * pi * speeds**2), np.array(medium.debye_frequencies()))


def acoustic_mismatch_isotropic(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Acoustic mismatch of two isotropic media, all mode conversions and evanescent waves included.

    Parameters
    ----------
    left, right : Medium
        Isotropic solids or fluids. For a crystal pass :meth:`Medium.isotropic_average`.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`, and the errors of its quadrature.
    """
    coefficients = isotropic_transmission_coefficients(left, right)
    half = _isotropic_coefficients(left, right, _NODES // 2)
    total = float(coefficients.sum())
    error = abs(float(half.sum()) / total - 1.0) if total > 0 else 0.0
    cutoff = np.minimum(_cutoffs(left)[:, None], _cutoffs(right)[None, :])
    table = spectrum(
        grid,
        truncated_square_law(grid, coefficients.ravel(), cutoff.ravel()),
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="amm-isotropic",
        description="acoustic mismatch of two isotropic media with mode conversion, Debye cut-offs",
    )
    return with_errors(table, error, 0.0, 0.0)


def with_errors(table: xr.Dataset, transmission: ArrayLike, left: ArrayLike, right: ArrayLike) -> xr.Dataset:
    """Add relative errors of the quadrature over slowness to a table of Ξ and M.

    Each is one number, or one for every frequency (F,).
    """
    errors = {"transmission": transmission, "channels_left": left, "channels_right": right}
    return table.assign(
        {
            f"{name}_error": (
                ("frequency",) * np.ndim(value),
                value,
                {"units": "1", "long_name": f"relative quadrature error, {name}"},
            )
            for name, value in errors.items()
        }
    )


@dataclass(frozen=True)
class _Waves:
    """Transmissivities and cut-offs at the nodes of a slowness mesh (P), C waves a side.

    Attributes
    ----------
    transmissivity : (P, Cl, Cr) float
    left, right : (P, C) float
        Debye cut-off of every wave, THz; zero where it does not propagate.
    """

    transmissivity: Floats
    left: Floats
    right: Floats

    @property
    def cutoff(self) -> Floats:
        """Of every pair of waves, (P, Cl, Cr), THz."""
        return np.minimum(self.left[:, :, None], self.right[:, None, :])

    def at(self, nodes: Integers) -> "_Waves":
        """Those of some nodes."""
        return _Waves(self.transmissivity[nodes], self.left[nodes], self.right[nodes])


def transmissivity(left: Medium, right: Medium, slowness: ArrayLike) -> Floats:
    """Fraction of the energy flux that crosses a welded contact, wave by wave.

    Parameters
    ----------
    left, right : Medium
        Solids of any anisotropy, or fluids.
    slowness : (..., 2) array_like
        In-plane slowness, ps/nm.

    Returns
    -------
    (..., Cl, Cr) ndarray
        [incident on the left, transmitted to the right]; zero where either does not propagate. Propagating
        waves come first, those with the larger vertical slowness (the slower ones) before the others.
    """
    s = np.asarray(slowness, dtype=float)
    flat = _solve(left, right, s.reshape(-1, 2)).transmissivity
    return flat.reshape(*s.shape[:-1], *flat.shape[1:])


def _solve(left: Medium, right: Medium, slowness: Floats) -> _Waves:
    parts = []
    for start in range(0, len(slowness), _BATCH):
        s = slowness[start : start + _BATCH]
        waves = plane_waves(left, s), plane_waves(right, s)
        scattering = contact(*waves)
        parts.append(
            _Waves(
                energy_shares(scattering.transmission, waves[0].forward, waves[1].forward),
                wave_cutoffs(left, waves[0].forward, s),
                wave_cutoffs(right, waves[1].forward, s),
            )
        )
    return _joined(parts)


def _joined(parts: list[_Waves]) -> _Waves:
    columns = zip(*((w.transmissivity, w.left, w.right) for w in parts), strict=True)
    return _Waves(*(np.concatenate(column) for column in columns))


def wave_mesh(left: Medium, right: Medium) -> AdaptiveMesh:
    """Mesh of slownesses on which the acoustic mismatch of two media is counted.

    It resolves what crosses and the channels of both sides, at low temperature, where every channel has the
    same weight, and at high temperature, where a channel has the weight ν³ of its cut-off.
    """
    return _solved_mesh(left, right)[0]


def _solved_mesh(left: Medium, right: Medium) -> tuple[AdaptiveMesh, _Waves]:
    found: list[_Waves] = []
    truncated = bool(np.isfinite(left.cell_density) or np.isfinite(right.cell_density))

    def integrand(slowness: Floats) -> Floats:
        waves = _solve(left, right, slowness)
        found.append(waves)
        columns = [waves.transmissivity.sum(axis=(1, 2))]
        columns += [np.count_nonzero(side, axis=1).astype(float) for side in (waves.left, waves.right)]
        if truncated:
            cube = np.where(waves.transmissivity > 0, waves.cutoff, 0.0) ** 3
            columns.append(np.sum(waves.transmissivity * cube, axis=(1, 2)))
        return np.stack(columns, axis=-1)

    tolerance = np.array([TOLERANCE, _CHANNELS, _CHANNELS, TOLERANCE])[: 3 + truncated]
    mesh = adaptive_mesh((left, right), integrand, tolerance=tolerance)
    return mesh, _joined(found).at(mesh.order)


def mesh_errors(mesh: AdaptiveMesh) -> tuple[float, float, float]:
    """Relative errors of Ξ, M_left and M_right on a :func:`wave_mesh`: the worse of both limits for Ξ."""
    return float(max(mesh.error[0], *mesh.error[3:], 0.0)), float(mesh.error[1]), float(mesh.error[2])


def acoustic_mismatch(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Acoustic mismatch of two media of any anisotropy.

    A wave ends where its wave vector leaves Debye's sphere, so that isotropic media give
    :func:`acoustic_mismatch_isotropic`.

    Parameters
    ----------
    left, right : Medium
        Solids or fluids in the axes of the laboratory, interface normal z.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`, and the errors of its quadrature.
    """
    mesh, waves = _solved_mesh(left, right)
    weight = mesh.weight / (4.0 * pi**2)
    table = spectrum(
        grid,
        truncated_square_law(
            grid, (weight[:, None, None] * waves.transmissivity).ravel(), waves.cutoff.ravel()
        ),
        sphere_channels(grid, mesh.weight, waves.left),
        sphere_channels(grid, mesh.weight, waves.right),
        model="amm",
        description="acoustic mismatch of two anisotropic media with mode conversion, Debye sphere",
    )
    return with_errors(table, *mesh_errors(mesh))
