"""Kapitza resistance between a solid and a fluid: Khalatnikov's theory with the Rayleigh-wave channel.

The surface of a solid has the normal impedance Z_s = ρ[(1 − 2β²p²)²/q_α + 4β⁴p² q_β]; a fluid meets it with
Z_f = ρ_f/q_f, and takes up the share

    τ(p) = 4 Re Z_f Re Z_s/|Z_s + Z_f|².

Below 1/β these are the bulk waves (:func:`latmm.continuum.acoustic_mismatch.acoustic_mismatch_isotropic`).
Beyond, Z_s = −iX is reactive and nothing crosses, except that X(p_R) = 0 at Rayleigh's wave: where the
surface wave is kept in equilibrium by the solid (damped there more strongly than by its radiation into the
fluid), its line has the weight ∫ τ dp = 4π Z_f/|X′(p_R)|, independent of the damping. That is the third
channel of Khalatnikov's resistance; without damping in the solid it is closed, so both are offered. It is of
first order in ρ_f c_f/ρ c.

Sources: I. M. Khalatnikov, Zh. Eksp. Teor. Fiz. 22, 687 (1952); An Introduction to the Theory of
Superfluidity (1965), Ch. 23; A. C. Anderson and W. L. Johnson, J. Low Temp. Phys. 7, 1 (1972) (role of the
damping).

Symbols: α, β → longitudinal and transverse speed (km s⁻¹), p → slowness (s km⁻¹ = ps nm⁻¹).
"""

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from latmm.continuum.acoustic_mismatch import acoustic_mismatch_isotropic
from latmm.continuum.cutoffs import truncated_square_law
from latmm.continuum.media import Medium
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid
from latmm.units import TWO_PI

__all__ = ["khalatnikov", "rayleigh_coefficient", "rayleigh_slowness"]


def _reactance(solid: Medium, p: float) -> float:
    """−X κ_α/ρ: Rayleigh's function (1 − 2β²p²)² − 4β⁴p² κ_α κ_β, κ = (p² − 1/c²)^½; zero at his wave."""
    alpha, beta = solid.speeds
    decay = np.sqrt((p**2 - 1 / alpha**2) * (p**2 - 1 / beta**2))
    return float((1 - 2 * beta**2 * p**2) ** 2 - 4 * beta**4 * p**2 * decay)


def rayleigh_slowness(solid: Medium) -> float:
    """Slowness of the surface wave of an isotropic solid, s/km."""
    slow = 1.0 / solid.speeds.transverse
    # the speed lies between 0.69 and 0.96 of the transverse one for every stable solid
    return float(brentq(lambda p: _reactance(solid, p), slow * (1 + 1e-9), slow * 1.6, xtol=1e-15 * slow))


def rayleigh_coefficient(solid: Medium, fluid: Medium) -> float:
    """Channels per area over ω² of the Rayleigh wave, (ps/nm)²: (1/2π) p_R ∫ τ dp.

    Zero where the fluid is faster than the surface wave, which then does not radiate.
    """
    p = rayleigh_slowness(solid)
    inside = 1.0 / fluid.speeds.longitudinal**2 - p**2
    if inside <= 0:
        return 0.0
    alpha = solid.speeds.longitudinal
    step = 1e-5 * p
    derivative = (_reactance(solid, p + step) - _reactance(solid, p - step)) / (2 * step)
    slope = solid.density * abs(derivative) / np.sqrt(p**2 - 1 / alpha**2)
    impedance = fluid.density / np.sqrt(inside)
    return float(2.0 * p * impedance / slope)


def khalatnikov(solid: Medium, fluid: Medium, grid: FrequencyGrid, *, rayleigh: bool = True) -> xr.Dataset:
    """Acoustic mismatch of a solid (left) and a fluid (right) after Khalatnikov.

    Parameters
    ----------
    solid, fluid : Medium
        Isotropic.
    grid : FrequencyGrid
        Frequencies, THz.
    rayleigh : bool
        Whether the solid's surface wave is in equilibrium and radiates into the fluid.

    Returns
    -------
    xarray.Dataset
        The common table; with the surface wave counted among the channels of the solid. Model ``khalatnikov``
        or ``khalatnikov-bulk``.
    """
    if solid.is_fluid or not fluid.is_fluid:
        raise InputError("Khalatnikov's model needs a solid on the left and a fluid on the right")
    table = acoustic_mismatch_isotropic(solid, fluid, grid)
    if not rayleigh:
        return table.assign_attrs(
            model="khalatnikov-bulk", description="acoustic mismatch of solid and fluid, bulk waves"
        )
    p = rayleigh_slowness(solid)
    # the surface wave ends where its wave vector leaves Debye's sphere, and the fluid's sound where it does
    cutoff = min(solid.debye_wave_vector / (TWO_PI * p), fluid.debye_frequencies()[0])
    surface = truncated_square_law(grid, np.array([rayleigh_coefficient(solid, fluid)]), np.array([cutoff]))
    for name in ("transmission", "channels_left"):
        table[name] = table[name].copy(data=table[name].values + surface)
    return table.assign_attrs(
        model="khalatnikov", description="acoustic mismatch of solid and fluid, bulk and Rayleigh waves"
    )
