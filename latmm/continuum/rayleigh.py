"""Kapitza resistance between a solid and a fluid: Khalatnikov's theory with the Rayleigh-wave channel.

The surface of a solid has the normal impedance Z_s = ρ[(1 − 2β²p²)²/q_α + 4β⁴p² q_β]; a fluid meets it with
Z_f = ρ_f/q_f, and takes up the fraction

    τ(p) = 4 Re Z_f Re Z_s/|Z_s + Z_f|².

Below 1/β these are the bulk waves (:func:`latmm.continuum.amm.acoustic_mismatch_isotropic`).
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

from math import pi

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from latmm.arrays import Complexes, Floats
from latmm.continuum.amm import acoustic_mismatch_isotropic
from latmm.continuum.cutoffs import truncated_square_law
from latmm.continuum.media import Medium
from latmm.continuum.slowness import critical_slownesses, symmetry_wedge
from latmm.continuum.stroh import plane_waves
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid
from latmm.units import TWO_PI

__all__ = [
    "khalatnikov",
    "rayleigh_coefficient",
    "rayleigh_slowness",
    "surface_impedance",
    "surface_wave_coefficient",
]


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


def surface_wave_coefficient(solid: Medium, fluid: Medium, *, azimuths: int = 64) -> float:
    """Channels per area over ω² of the surface waves that a solid of any anisotropy keeps, (ps/nm)².

    Of isotropic solids it is :func:`rayleigh_coefficient`. Surface waves that leak into bulk waves of the
    solid are no lines; the acoustic mismatch counts them among its bulk waves.

    Parameters
    ----------
    solid : Medium
        Right of the fluid, interface normal z.
    fluid : Medium
    azimuths : int
        Gauss nodes in the wedge of azimuths that symmetry repeats.
    """
    start, wedge, copies = symmetry_wedge((solid, fluid))
    x, w = np.polynomial.legendre.leggauss(azimuths)
    angles, weights = start + 0.5 * wedge * (x + 1.0), 0.5 * wedge * copies * w
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    edges = critical_slownesses(solid, directions)
    total = 0.0
    for direction, weight, edge in zip(directions, weights, edges, strict=True):

        def reactance(p: ArrayLike, direction: Floats = direction) -> Floats:
            return surface_impedance(solid, np.asarray(p)[..., None] * direction).imag

        # surface waves are slower than all bulk waves, some by very little
        p = float(edge.max()) * (1.0 + np.geomspace(1e-9, 0.6, 400))
        values = reactance(p)
        for i in np.flatnonzero(np.diff(np.sign(values))):
            root = float(brentq(reactance, p[i], p[i + 1], xtol=1e-15))
            if abs(reactance(root)) > min(abs(values[i]), abs(values[i + 1])):
                continue  # a pole
            step = 1e-6 * root
            slope = float(reactance(root + step) - reactance(root - step)) / (2.0 * step)
            inside = 1.0 / fluid.speeds.longitudinal**2 - root**2
            if inside > 0:
                total += weight * root * 4.0 * pi * fluid.density / np.sqrt(inside) / abs(slope)
    return float(total / (4.0 * pi**2))


def surface_impedance(solid: Medium, slowness: Floats) -> Complexes:
    """Divide the pressure on a solid's free surface by its velocity: Z (...), GPa ps/nm.

    The tangential traction vanishes. In-plane slownesses are (..., 2), ps/nm.
    """
    waves = plane_waves(solid, slowness).forward
    pull = np.broadcast_to(np.array([[0.0], [0.0], [1.0]], complex), (*waves.traction.shape[:-1], 1))
    lifted = waves.displacement @ np.linalg.solve(waves.traction, pull)
    return np.asarray(1.0 / lifted[..., 2, 0])


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
