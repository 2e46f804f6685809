"""Between acoustic and diffuse mismatch: a rough interface that is flat in the long-wavelength limit.

At a flat interface a wave of vertical slowness q_a that arrives leaves as waves b of both sides with the
fractions |S_ba|² of its energy (:mod:`latmm.continuum.boundary`). In the Kirchhoff approximation a rough
interface is flat around every point: where it lies higher by h, the outgoing amplitude gets the phase
exp[iω h (q_a − q_b)], each q with its sign and in its own medium. Over a Gaussian height of root mean square
η the mean amplitude keeps the fraction

    D_ba = exp[−η² ω² (q_a − q_b)²]

of the energy |S_ba|² as specular. Reflection into the same kind of wave, q_b = −q_a, has Ziman's
specularity exp(−4η²k_z²); converted reflection exp[−η²(k_z + k_z′)²]; transmission exp[−η²(k_z1 − k_z2)²],
which is one where both sides carry the wave alike: an interface between like crystals is not there, however
rough. What loses its phase,

    m_a = Σ_b |S_ba|² (1 − D_ba),

is taken to forget where it came from, as in the diffuse mismatch, and leaves by every outgoing wave b of
either side in proportion to what that wave lost, m_b = Σ_a |S_ba|² (1 − D_ba). With M′ = Σ_s Σ m of a side,

    Ξ = Σ |S_ba|² D_ba + M′_left M′_right/(M′_left + M′_right).

Energy is conserved wave by wave, Σ_b |S_ba|² D_ba + m_a = 1, and so is equilibrium: as S is unitary, outgoing
waves are filled to Σ_a |S_ba|² D_ba + m_b = 1. Time reversal turns a → b into the reverse of b → the reverse
of a with the same (q_a − q_b)², so that specular and diffuse part are both in detailed balance.

Smooth (η → 0) this is the acoustic mismatch on the same mesh, number by number; rough (η → ∞) it is the
diffuse mismatch of the same channels (:func:`diffuse_mismatch_anisotropic`), as far as no transmitted wave
keeps its q. Between crystals of equal q but unequal impedance what crosses stays specular and only what is
reflected is mixed. A pair of waves is open below the lower of its two Debye cut-offs; what the acoustic
mismatch would send into a closed wave comes back as the wave itself, with Ziman's specularity.

Sources: C. S. Clay, H. Medwin and W. M. Wright, J. Acoust. Soc. Am. 53, 1677 (1973) (transmission:
k₂²σ²[(c₂/c₁) cos θ₁ − cos θ₂]² in the exponent; checked against the abstract); J. M. Ziman, Electrons and
Phonons (1960), Sec. 11.4 (from memory), with the exponent as in A. A. Maznev, Phys. Rev. B 91, 134306 (2015)
(reflection, 4η²k² at normal incidence; checked against the abstract); J. A. Ogilvy, Theory of Wave Scattering
from Random Rough Surfaces (1991) (mode conversion; from memory). How the incoherent part is shared is a
choice of this model: Kirchhoff's own incoherent part stays near the specular directions.

Symbols: η → ``roughness`` (nm), ω q → k_z (rad nm⁻¹), λ → wavelength (nm).
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.continuum.amm import mesh_errors, wave_mesh, with_errors
from latmm.continuum.boundary import contact, energy_shares
from latmm.continuum.cutoffs import PARTS, cell_parts, sphere_channels, truncated_square_law, wave_cutoffs
from latmm.continuum.dmm import diffuse_transmission
from latmm.continuum.media import Medium
from latmm.continuum.stroh import plane_waves
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, conductance, spectrum, temperatures
from latmm.units import THZ_PER_KELVIN, TWO_PI

__all__ = [
    "coherence",
    "diffuse_mismatch_anisotropic",
    "dominant_wavelength",
    "mixed_mismatch",
    "regime_map",
    "specularity",
]

_BATCH = 512
"""In-plane slownesses solved at once."""
_PAIRS = 4096
"""Pairs of waves summed at once."""

_DOMINANT = 2.8214393721220787
"""Root of 3 (1 − e⁻ˣ) = x: h ν/(k_B T) at the maximum of the energy density of Debye's ω² spectrum."""


def specularity(vertical_wave_vector: ArrayLike, roughness: float) -> Floats:
    """Ziman's specularity of a reflected wave, p = exp(−4η²k_z²).

    Parameters
    ----------
    vertical_wave_vector : array_like
        k_z, rad nm⁻¹.
    roughness : float
        η, nm.
    """
    k = np.asarray(vertical_wave_vector, dtype=float)
    return coherence(k, -k, roughness)


def coherence(incoming: ArrayLike, outgoing: ArrayLike, roughness: float) -> Floats:
    """Fraction D = exp[−η²(k_a − k_b)²] of a wave's energy that a rough interface leaves specular.

    Parameters
    ----------
    incoming, outgoing : array_like
        k_a and k_b, rad nm⁻¹: vertical wave vectors with their signs, each in its medium.
    roughness : float
        η, nm.
    """
    change = np.asarray(incoming, dtype=float) - np.asarray(outgoing, dtype=float)
    return np.asarray(np.exp(-((roughness * change) ** 2)))


def diffuse_mismatch_anisotropic(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Diffuse mismatch of two elastic media with the channels of ``amm`` and ``mixed``.

    Parameters
    ----------
    left, right : Medium
        Solids of any anisotropy, or fluids; of isotropic ones it is the diffuse mismatch on Debye's
        dispersion.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`, and the errors of its quadrature.
    """
    mesh = wave_mesh(left, right)
    waves = _waves(left, right, mesh.slowness)
    sides = [_own(waves.forward_cutoff[i], mesh.weight) for i in (0, 1)]
    flat = [_over_parts(grid, weight, np.full_like(weight, np.inf), cutoff) for weight, cutoff in sides]
    square = (TWO_PI * grid.frequency) ** 2
    table = spectrum(
        grid,
        square * diffuse_transmission(*flat).mean(axis=1),
        *(sphere_channels(grid, mesh.weight, cutoff) for cutoff in waves.forward_cutoff),
        model="dmm-anisotropic",
        description="diffuse mismatch of two anisotropic media, Debye sphere",
    )
    _, own_left, own_right = mesh_errors(mesh)
    # Ξ changes with either side's channels by less than in proportion
    return with_errors(table, max(own_left, own_right), own_left, own_right)


@dataclass(frozen=True)
class _Waves:
    """Waves of both sides at P slownesses and what they scatter into at a flat interface.

    Attributes
    ----------
    forward, backward : pair of (P, C) float
        Vertical slowness, ps/nm, of the waves of the left and the right side.
    forward_cutoff, backward_cutoff : pair of (P, C) float
        THz; zero where a wave does not propagate.
    transmission, reflection_left, reflection_right : (P, C, C) float
        |S|² [incoming, outgoing]: left to right, left forward to left backward, right backward to right
        forward.
    """

    forward: tuple[Floats, Floats]
    backward: tuple[Floats, Floats]
    forward_cutoff: tuple[Floats, Floats]
    backward_cutoff: tuple[Floats, Floats]
    transmission: Floats
    reflection_left: Floats
    reflection_right: Floats


def _waves(left: Medium, right: Medium, slowness: Floats) -> _Waves:
    media = (left, right)
    parts = []
    for start in range(0, len(slowness), _BATCH):
        s = slowness[start : start + _BATCH]
        both = [plane_waves(medium, s) for medium in media]
        first, second = both
        scattering = contact(first, second)
        parts.append(
            (
                *(waves.forward.vertical.real for waves in both),
                *(waves.backward.vertical.real for waves in both),
                *(wave_cutoffs(m, waves.forward, s) for m, waves in zip(media, both, strict=True)),
                *(wave_cutoffs(m, waves.backward, s) for m, waves in zip(media, both, strict=True)),
                energy_shares(scattering.transmission, first.forward, second.forward),
                energy_shares(scattering.reflection_left, first.forward, first.backward),
                energy_shares(scattering.reflection_right, second.backward, second.forward),
            )
        )
    c = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return _Waves((c[0], c[1]), (c[2], c[3]), (c[4], c[5]), (c[6], c[7]), c[8], c[9], c[10])


def _own(cutoff: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weights over 4π² and cut-offs of all waves that propagate, in a row."""
    alive = cutoff > 0
    return np.broadcast_to(weight[:, None] / (4.0 * pi**2), cutoff.shape)[alive], cutoff[alive]


@dataclass(frozen=True)
class _Pairs:
    """Pairs of an incoming and an outgoing wave, E of them.

    Attributes
    ----------
    weight : (E,) float
        |S|² d²s∥/(4π²), (ps/nm)².
    change : (E,) float
        q_a − q_b, ps/nm.
    cutoff : (E,) float
        Of the pair, THz.
    own : pair of (E,) float
        q and cut-off of the wave whose remainder is counted: the incoming one on the left, the outgoing one
        on the right.
    """

    weight: Floats
    change: Floats
    cutoff: Floats
    own: tuple[Floats, Floats]

    @classmethod
    def of(
        cls,
        fractions: Floats,
        weight: Floats,
        come: tuple[Floats, Floats],
        go: tuple[Floats, Floats],
        own: int,
    ) -> "_Pairs":
        """Pairs of fractions (P, Ca, Cb) from waves given by (q, cut-off), those of ``own`` counted."""
        kept = (fractions > 0) & (come[1] > 0)[:, :, None] & (go[1] > 0)[:, None, :]
        q = np.broadcast_to(come[0][:, :, None], kept.shape), np.broadcast_to(go[0][:, None, :], kept.shape)
        cut = np.broadcast_to(come[1][:, :, None], kept.shape), np.broadcast_to(go[1][:, None, :], kept.shape)
        return cls(
            (fractions * (weight / (4.0 * pi**2))[:, None, None])[kept],
            (q[0] - q[1])[kept],
            np.minimum(*cut)[kept],
            (q[own][kept], cut[own][kept]),
        )

    def lost(self, grid: FrequencyGrid, roughness: float) -> Floats:
        """Σ |S|² (1 − D) over open pairs, over ω², on the parts of the grid's cells, (F, PARTS)."""
        return _over_parts(grid, self.weight, (roughness * self.change) ** 2, self.cutoff)

    def returned(self, grid: FrequencyGrid, roughness: float) -> Floats:
        """Sum the same of waves that are open while their partner is closed: they come back as they are."""
        some = self.own[1] > self.cutoff
        weight, ziman = self.weight[some], (2.0 * roughness * self.own[0][some]) ** 2
        above = _over_parts(grid, weight, ziman, self.own[1][some])
        return above - _over_parts(grid, weight, ziman, self.cutoff[some])


def _over_parts(grid: FrequencyGrid, weight: Floats, exponent: Floats, cutoff: Floats) -> Floats:
    """Sum w (1 − exp(−x ω²)) over waves (E,) open on the parts of every node's cell, (F, PARTS)."""
    parts = cell_parts(grid)
    count = grid.frequency.size
    square = (TWO_PI * grid.frequency) ** 2
    lower = parts.frequency[::PARTS] - 0.5 * parts.weight[::PARTS]
    upper = np.append(lower[1:], parts.frequency[-1] + 0.5 * parts.weight[-1])
    cell = np.searchsorted(upper, cutoff, side="right")  # cells below this are open
    total = np.zeros((count, PARTS))
    order = np.argsort(cell, kind="stable")
    weight, exponent, cutoff = (x[order] for x in (weight, exponent, cutoff))
    cell = cell[order]
    for start in range(0, weight.size, _PAIRS):
        block = slice(start, start + _PAIRS)
        first, last = int(cell[start]), int(cell[block][-1])
        phase = exponent[block, None] * square[:last]
        gone = np.where(np.isinf(phase), 1.0, -np.expm1(-phase))
        # where cut-offs of the block differ, only cells below each are open
        gone[:, first:] *= np.arange(first, last) < cell[block, None]
        total[:last] += (weight[block] @ gone)[:, None]
    inside = cell < count
    if inside.any():
        at = cell[inside]
        width = (upper - lower)[at] / PARTS
        gone = np.where(np.isinf(exponent[inside]), 1.0, -np.expm1(-exponent[inside] * square[at]))
        ends = (cutoff[inside] - lower[at])[:, None] / width[:, None] - np.arange(PARTS)
        np.add.at(total, at, (weight[inside] * gone)[:, None] * np.clip(ends, 0.0, 1.0))
    return total


def mixed_mismatch(left: Medium, right: Medium, grid: FrequencyGrid, roughness: float) -> xr.Dataset:
    """Mixed mismatch of two elastic media with Debye spheres.

    Parameters
    ----------
    left, right : Medium
        Solids of any anisotropy, or fluids.
    grid : FrequencyGrid
        Frequencies, THz.
    roughness : float
        Root-mean-square height of the interface, nm.

    Returns
    -------
    xarray.Dataset
        The common table with the errors of its quadrature, ``specular_transmission`` (F,), the part of Ξ
        that keeps its phase, and the mean specularities ``specular_left`` and ``specular_right`` (F,).
    """
    if not (np.isfinite(roughness) and roughness >= 0):
        raise InputError(f"the roughness must not be negative (nm), but is {roughness}")
    mesh = wave_mesh(left, right)
    waves = _waves(left, right, mesh.slowness)
    forward = [(waves.forward[i], waves.forward_cutoff[i]) for i in (0, 1)]
    backward = [(waves.backward[i], waves.backward_cutoff[i]) for i in (0, 1)]
    across = [_Pairs.of(waves.transmission, mesh.weight, forward[0], forward[1], own) for own in (0, 1)]
    back = (
        _Pairs.of(waves.reflection_left, mesh.weight, forward[0], backward[0], 0),
        _Pairs.of(waves.reflection_right, mesh.weight, backward[1], forward[1], 1),
    )
    square = (TWO_PI * grid.frequency) ** 2
    crossing = across[0].lost(grid, roughness)
    rest = [
        crossing
        + one.returned(grid, roughness)
        + other.lost(grid, roughness)
        + other.returned(grid, roughness)
        for one, other in zip(across, back, strict=True)
    ]
    flat = truncated_square_law(grid, across[0].weight, across[0].cutoff)
    specular = np.maximum(flat - square * crossing.mean(axis=1), 0.0)
    total = [sphere_channels(grid, mesh.weight, cutoff) for cutoff in waves.forward_cutoff]
    table = spectrum(
        grid,
        specular + square * diffuse_transmission(*rest).mean(axis=1),
        *total,
        model="mixed",
        description=f"mixed mismatch at {roughness:g} nm roughness: acoustic where specular, else diffuse",
    )
    table["specular_transmission"] = (
        "frequency",
        specular,
        {"units": "nm-2", "long_name": "specular part of the transmission"},
    )
    for side, lost, channels in zip(("left", "right"), rest, total, strict=True):
        gone = square * lost.mean(axis=1)
        fraction = np.divide(gone, channels, out=np.zeros_like(channels), where=channels > 0)
        average = np.clip(1.0 - fraction, 0.0, 1.0)
        attributes = {"units": "1", "long_name": f"mean specularity of the waves of the {side} side"}
        table[f"specular_{side}"] = ("frequency", average, attributes)
    errors = mesh_errors(mesh)
    return with_errors(table, max(errors) if roughness > 0 else errors[0], *errors[1:])


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
        ``conductance`` (N, M), W m⁻² K⁻¹; ``specular_fraction`` (N, M), the fraction of the heat that crosses
        specularly, 1 acoustic, 0 diffuse; ``wavelength_left`` and ``wavelength_right`` (M,), nm.
    """
    eta, t = np.atleast_1d(np.asarray(roughness, dtype=float)), temperatures(temperature)
    value, fraction = np.zeros((eta.size, t.size)), np.zeros((eta.size, t.size))
    for i, height in enumerate(eta):
        table = mixed_mismatch(left, right, grid, float(height))
        value[i] = conductance(grid, table.transmission, t)
        fraction[i] = conductance(grid, table.specular_transmission, t) / value[i]
    slowest = [m.speeds.transverse or m.speeds.longitudinal for m in (left, right)]
    return xr.Dataset(
        {
            "conductance": (
                ("roughness", "temperature"),
                value,
                {"units": "W m-2 K-1", "long_name": "conductance of the mixed mismatch"},
            ),
            "specular_fraction": (
                ("roughness", "temperature"),
                fraction,
                {"units": "1", "long_name": "specular fraction of the heat that crosses"},
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
