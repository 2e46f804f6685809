"""The textbook's acoustic mismatch: scalar waves, each polarisation by itself.

A scalar wave of speed v in a medium of density ρ has the modulus ρv² and the impedance Z = ρv; displacement
and ρv² ∂u/∂z are continuous. With Snell's law sin θ₁/v₁ = sin θ₂/v₂ = p,

    τ = 4 Z₁ cos θ₁ Z₂ cos θ₂/(Z₁ cos θ₁ + Z₂ cos θ₂)²,      zero beyond the critical angle,

which is exact for horizontally polarised transverse waves and an approximation, without mode conversion, for
the others. (The form with cos θ₁ and cos θ₂ exchanged, W. A. Little, Can. J. Phys. 37, 334 (1959), is that of
sound between fluids: :mod:`latmm.continuum.isotropic` has it for them.)

Source: E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), Sec. II.B.
"""

from math import pi

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.continuum.amm import debye_channels, with_errors
from latmm.continuum.cutoffs import truncated_square_law
from latmm.continuum.media import Medium
from latmm.continuum.slowness import slowness_nodes
from latmm.landauer import FrequencyGrid, spectrum

__all__ = [
    "acoustic_mismatch_scalar",
    "flux_average",
    "scalar_transmission_coefficient",
    "scalar_transmissivity",
]

_NODES = 64


def scalar_transmissivity(
    impedances: tuple[float, float], speeds: tuple[float, float], slowness: ArrayLike
) -> Floats:
    """Transmissivity of a scalar wave.

    Parameters
    ----------
    impedances : (left, right)
        Z = ρv, any unit.
    speeds : (left, right)
        v, km s⁻¹ (or any unit whose inverse is that of the slowness).
    slowness : (...) array_like
        In-plane slowness p = sin θ/v.

    Returns
    -------
    (...) ndarray
        τ; zero where either wave does not propagate.
    """
    p = np.asarray(slowness, dtype=float)
    left, right = (
        z * np.sqrt(np.maximum((1.0 - v * p) * (1.0 + v * p), 0.0))
        for z, v in zip(impedances, speeds, strict=True)
    )
    total = (left + right) ** 2
    return np.asarray(np.divide(4.0 * left * right, total, out=np.zeros_like(total), where=total > 0))


def flux_average(
    impedances: tuple[float, float], speeds: tuple[float, float], *, nodes: int = _NODES
) -> float:
    """Transmissivity averaged over the flux of an isotropic left side: 2 ∫ τ cos θ sin θ dθ."""
    p, weight = slowness_nodes(np.array([1.0 / max(speeds)]), nodes)
    return float(2.0 * speeds[0] ** 2 * (weight * p) @ scalar_transmissivity(impedances, speeds, p))


def _coefficients(left: Medium, right: Medium, nodes: int = _NODES) -> Floats:
    """K (ps nm⁻¹)² of L, T, T; a fluid meets the longitudinal wave alone."""
    values = []
    for first, second in zip(left.speeds, right.speeds, strict=True):
        if first == 0 or second == 0:
            values.append(0.0)
            continue
        impedances = left.density * first, right.density * second
        values.append(flux_average(impedances, (first, second), nodes=nodes) / (4.0 * pi * first**2))
    return np.array([values[0], values[1], values[1]])


def scalar_transmission_coefficient(left: Medium, right: Medium) -> float:
    """Channels per area over ω², (ps nm⁻¹)², of the three polarisations together."""
    return float(_coefficients(left, right).sum())


def acoustic_mismatch_scalar(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Scalar acoustic mismatch: no mode conversion.

    Parameters
    ----------
    left, right : Medium
        Isotropic media.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`, and the errors of its quadrature.
    """
    coefficients = _coefficients(left, right)
    total, half = float(coefficients.sum()), float(_coefficients(left, right, _NODES // 2).sum())
    error = abs(half / total - 1.0) if total > 0 else 0.0
    # a fluid's missing transverse waves have the coefficient zero: any cut-off will do
    limits = [np.resize(medium.debye_frequencies(), 3) for medium in (left, right)]
    table = spectrum(
        grid,
        truncated_square_law(grid, coefficients, np.minimum(limits[0], limits[1])),
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="amm-scalar",
        description="scalar acoustic mismatch, each polarisation by itself, Debye cut-offs",
    )
    return with_errors(table, error, 0.0, 0.0)
