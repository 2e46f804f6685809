"""Between acoustic and diffuse mismatch: a rough interface that is flat for long waves.

Ziman's specularity of a wave of vertical wave vector k_z = ω q at a surface of root-mean-square roughness η
is

    p = exp(−4 η² k_z²) = exp(−16 π² η² cos²θ/λ²),

the Kirchhoff approximation for a Gaussian surface. All waves of one in-plane slowness, of both sides, meet
the same interface together and scatter into each other; they share one specularity p(s∥), with the mean of q²
over those that propagate. The specular part transmits as in the acoustic mismatch; what is left of each
side's channels is mixed as in the diffuse mismatch:

    Ξ = Σ p τ + M′_left M′_right/(M′_left + M′_right),      M′ = Σ (1 − p).

The rule is symmetric in the two sides and never exceeds their channels; smooth (η → 0) it is the acoustic,
rough (η → ∞) the diffuse mismatch on the same dispersion, and at given η it passes from one to the other as
the dominant wavelength falls below the roughness. One p for each wave by itself would break detailed balance
between waves of unequal p, or lose what is specular on one side and rough on the other.

Sources: J. M. Ziman, Electrons and Phonons (1960), Sec. 11.4, with the exponent as corrected by A. A. Maznev,
Phys. Rev. B 91, 134306 (2015); the mixture of both models: Y. Zhang et al., Front. Energy Res. 6, 48 (2018).

Symbols: η → ``roughness`` (nm), ω q → k_z (rad nm⁻¹), λ → wavelength (nm).
"""

from math import pi

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.continuum.contact import contact, energy_shares
from latmm.continuum.cutoffs import PARTS, cell_parts, open_share, sphere_channels, wave_cutoffs
from latmm.continuum.diffuse_mismatch import diffuse_transmission
from latmm.continuum.media import Medium
from latmm.continuum.plane_waves import plane_waves
from latmm.continuum.slowness import axial_azimuths, slowness_mesh
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, conductance, spectrum, temperatures
from latmm.units import THZ_PER_KELVIN, TWO_PI

__all__ = ["dominant_wavelength", "mixed_mismatch", "regime_map", "specularity"]

_DOMINANT = 2.8214393721220787
"""Root of 3 (1 − e⁻ˣ) = x: h ν/(k_B T) at the maximum of the energy density of Debye's ω² spectrum."""


def specularity(vertical_wave_vector: ArrayLike, roughness: float) -> Floats:
    """Ziman's specularity p = exp(−4η²k_z²).

    Parameters
    ----------
    vertical_wave_vector : array_like
        k_z, rad nm⁻¹.
    roughness : float
        η, nm.
    """
    return np.asarray(np.exp(-4.0 * (roughness * np.asarray(vertical_wave_vector, dtype=float)) ** 2))


def mixed_mismatch(
    left: Medium, right: Medium, grid: FrequencyGrid, roughness: float, *, azimuths: int = 36, nodes: int = 20
) -> xr.Dataset:
    """Mixed mismatch of two elastic media with Debye spheres.

    Parameters
    ----------
    left, right : Medium
        Solids of any anisotropy, or fluids.
    grid : FrequencyGrid
        Frequencies, THz.
    roughness : float
        Root-mean-square height of the interface, nm.
    azimuths, nodes : int
        Of the slowness mesh.

    Returns
    -------
    xarray.Dataset
        The common table, with the mean specularities ``specular_left`` and ``specular_right`` (F,).
    """
    if not (np.isfinite(roughness) and roughness >= 0):
        raise InputError(f"the roughness must not be negative (nm), but is {roughness}")
    mesh = slowness_mesh((left, right), azimuths=axial_azimuths((left, right), azimuths), nodes=nodes)
    waves = [plane_waves(medium, mesh.slowness) for medium in (left, right)]
    tau = energy_shares(contact(*waves).transmission, waves[0].forward, waves[1].forward)
    cutoff = [wave_cutoffs(m, w.forward, mesh.slowness) for m, w in zip((left, right), waves, strict=True)]
    weight = mesh.weight / (4.0 * pi**2)
    square = (TWO_PI * grid.frequency) ** 2
    propagating = np.concatenate([w.forward.propagating for w in waves], axis=-1)
    vertical = np.concatenate([w.forward.vertical.real for w in waves], axis=-1)
    mean = np.sum(vertical**2 * propagating, axis=-1) / np.maximum(propagating.sum(axis=-1), 1)
    p = specularity(np.multiply.outer(np.sqrt(mean), np.sqrt(square)), roughness)  # (P, F)
    specular = np.zeros(grid.frequency.size)
    for i in range(tau.shape[1]):
        for j in range(tau.shape[2]):
            share = open_share(grid, np.minimum(cutoff[0][:, i], cutoff[1][:, j]))
            specular += (weight * tau[:, i, j]) @ (share * p)
    total = [sphere_channels(grid, mesh.weight, c) for c in cutoff]
    straight, rest = [], []
    parts = cell_parts(grid)
    scattered = np.repeat(1.0 - p, PARTS, axis=1)
    for c in cutoff:
        shares = [open_share(parts, c[:, i]) * (c[:, i, None] > 0) for i in range(c.shape[1])]
        diffuse = np.sum([weight @ (share * scattered) for share in shares], axis=0)
        rest.append(diffuse.reshape(-1, PARTS))
        straight.append(square * sum(weight @ (_means(share) * p) for share in shares))
    table = spectrum(
        grid,
        square * (specular + diffuse_transmission(rest[0], rest[1]).mean(axis=1)),
        total[0],
        total[1],
        model="mixed",
        description=f"mixed mismatch at {roughness:g} nm roughness: acoustic where specular, else diffuse",
    )
    for side, s, m in zip(("left", "right"), straight, total, strict=True):
        average = np.divide(s, m, out=np.ones_like(m), where=m > 0)
        attributes = {"units": "1", "long_name": f"mean specularity of the waves of the {side} side"}
        table[f"specular_{side}"] = ("frequency", average, attributes)
    return table


def _means(shares: Floats) -> Floats:
    """Means over the parts of every cell, (P, F · PARTS) → (P, F)."""
    return np.asarray(shares.reshape(shares.shape[0], -1, PARTS).mean(axis=2))


def dominant_wavelength(speed: float, temperature: ArrayLike) -> Floats:
    """Wavelength, nm, at the maximum of the thermal spectrum ω³/(eˣ − 1) of a wave of given speed (km/s)."""
    return np.asarray(speed / (_DOMINANT * THZ_PER_KELVIN * temperatures(temperature)))


def regime_map(
    left: Medium, right: Medium, grid: FrequencyGrid, roughness: ArrayLike, temperature: ArrayLike
) -> xr.Dataset:
    """Where an interface is acoustic and where diffuse: temperature against roughness.

    Parameters
    ----------
    left, right : Medium
        Isotropic media (their transverse speeds give the dominant wavelengths).
    grid : FrequencyGrid
        Frequencies that resolve all temperatures, THz.
    roughness : (N,) array_like
        nm.
    temperature : (M,) array_like
        K.

    Returns
    -------
    xarray.Dataset
        ``conductance`` (N, M), W m⁻² K⁻¹; ``specular_share`` (N, M), the heat that crosses at the mean
        specularity of the side with fewer channels, 1 acoustic, 0 diffuse; ``wavelength_left`` and
        ``wavelength_right`` (M,), nm.
    """
    eta, t = np.atleast_1d(np.asarray(roughness, dtype=float)), temperatures(temperature)
    value, share = np.zeros((eta.size, t.size)), np.zeros((eta.size, t.size))
    for i, height in enumerate(eta):
        table = mixed_mismatch(left, right, grid, float(height))
        fewer = np.where(
            table.channels_left <= table.channels_right, table.specular_left, table.specular_right
        )
        value[i] = conductance(grid, table.transmission, t)
        share[i] = conductance(grid, table.transmission * fewer, t) / value[i]
    slowest = [m.speeds.transverse or m.speeds.longitudinal for m in (left, right)]
    return xr.Dataset(
        {
            "conductance": (
                ("roughness", "temperature"),
                value,
                {"units": "W m-2 K-1", "long_name": "conductance of the mixed mismatch"},
            ),
            "specular_share": (
                ("roughness", "temperature"),
                share,
                {"units": "1", "long_name": "specular share of the heat that crosses"},
            ),
            **{
                f"wavelength_{side}": (
                    "temperature",
                    dominant_wavelength(speed, t),
                    {"units": "nm", "long_name": f"dominant transverse wavelength on the {side}"},
                )
                for side, speed in zip(("left", "right"), slowest, strict=True)
            },
        },
        coords={
            "roughness": ("roughness", eta, {"units": "nm", "long_name": "rms roughness"}),
            "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
        },
    )
