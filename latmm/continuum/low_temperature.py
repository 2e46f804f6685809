"""The T³ law in closed form: conductances that keep their digits at any temperature.

Where Ξ = K ω² up to frequencies far above k_B T/h, Landauer's integral is exact,

    G = 4π K A T³,      A = π² k_B⁴/(30 ħ³) = 1.0192556768e10 W m⁻² K⁻⁴ (m/s)²,

and R T³ = 1/(4π K A). A channel of speed c has K = 1/(4π c²), so that with S = Σ_pol 1/c² a crystal's own
channels carry A S T³, the diffuse mismatch R T³ = (1/S_left + 1/S_right)/A, and the radiation limit the
lesser S. One takes the acoustic mismatch's K from its integral over slowness.

Source: E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), Eqs. (5), (13).
"""

from math import pi

import numpy as np
import xarray as xr

from latmm.continuum.amm import isotropic_transmission_coefficients
from latmm.continuum.media import Medium
from latmm.continuum.scalar import scalar_transmission_coefficient
from latmm.landauer import FrequencyGrid
from latmm.units import BOLTZMANN, HBAR, TWO_PI

__all__ = ["CUBIC_LAW", "LONG_WAVELENGTH_LIMIT", "cubic_prefactor", "cubic_prefactors", "first_prefactor"]

CUBIC_LAW = pi**2 * BOLTZMANN**4 / (30.0 * HBAR**3)
"""A, W m⁻² K⁻⁴ (m/s)²."""

LONG_WAVELENGTH_LIMIT = FrequencyGrid(np.array([1e-12]), np.array([1e-12]))
"""One hertz: waves so long that layers, springs and roughness have no extent."""


def cubic_prefactor(coefficient: float) -> float:
    """G/T³, W m⁻² K⁻⁴, of Ξ = K ω²; K = ``coefficient`` in (ps/nm)²."""
    return 4.0 * pi * CUBIC_LAW * coefficient * 1e-6  # (ps/nm)² = 1e-6 (s/m)²


def first_prefactor(table: xr.Dataset) -> float:
    """G/T³, W m⁻² K⁻⁴, of a spectrum whose first frequency obeys ω² (:data:`LONG_WAVELENGTH_LIMIT`)."""
    first = table.isel(frequency=0)
    return cubic_prefactor(float(first.transmission) / (TWO_PI * float(first.frequency)) ** 2)


def cubic_prefactors(left: Medium, right: Medium) -> xr.Dataset:
    """Low-temperature law of the models for two isotropic media.

    Returns
    -------
    xarray.Dataset
        ``prefactor`` (G/T³, W m⁻² K⁻⁴) and ``resistance`` (R T³, K⁴ m² W⁻¹) by ``model``:
        amm-isotropic, amm-scalar, dmm-debye, radiation.
    """
    own = [float(_own_coefficient(medium)) for medium in (left, right)]
    coefficients = {
        "amm-isotropic": float(isotropic_transmission_coefficients(left, right).sum()),
        "amm-scalar": scalar_transmission_coefficient(left, right),
        "dmm-debye": own[0] * own[1] / (own[0] + own[1]),
        "radiation": min(own),
    }
    prefactor = [cubic_prefactor(value) for value in coefficients.values()]
    return xr.Dataset(
        {
            "prefactor": (
                "model",
                prefactor,
                {"units": "W m-2 K-4", "long_name": "G/T^3 at low temperature"},
            ),
            "resistance": (
                "model",
                [1.0 / value for value in prefactor],
                {"units": "K4 m2 W-1", "long_name": "R T^3 at low temperature"},
            ),
        },
        coords={"model": list(coefficients)},
    )


def _own_coefficient(medium: Medium) -> float:
    if medium.is_fluid:
        return 1.0 / (4.0 * pi * medium.speeds.longitudinal**2)
    longitudinal, transverse = medium.speeds
    return (1.0 / longitudinal**2 + 2.0 / transverse**2) / (4.0 * pi)
