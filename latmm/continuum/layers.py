"""Stacks of layers between two half spaces, by a scattering-matrix recursion.

With flux-normalised waves each contact j | j+1 scatters by r, t, r', t' (:mod:`latmm.continuum.boundary`),
none of which depends on frequency unless springs join the media. A layer of thickness d multiplies its waves
by exp(iω q d) forwards and exp(−iω q d) backwards, both at most one in modulus. From the right end the
reflection R and transmission T of everything to the right of a contact grow leftwards by

    X = E⁻ R E⁺,    R ← r + t' X (1 − r' X)⁻¹ t,    T ← T E⁺ (1 − r' X)⁻¹ t.

No growing exponential appears, so thick and evanescent layers are safe, where transfer matrices overflow
(L. Li, J. Opt. Soc. Am. A 13, 1024 (1996); S. I. Rokhlin and L. Wang, J. Acoust. Soc. Am. 112, 822 (2002)).

Symbols: d → ``thickness`` (nm), ν → ``frequency`` (THz), s∥ → ``slowness`` (ps/nm). Debye's cut-offs act on
the waves of the two half spaces; inside the layers the elastic waves go on.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Complexes, Floats
from latmm.continuum.amm import with_errors
from latmm.continuum.boundary import Scattering, contact, energy_shares
from latmm.continuum.cutoffs import open_share, sphere_channels, wave_cutoffs
from latmm.continuum.media import Medium
from latmm.continuum.slowness import axial_azimuths, slowness_mesh
from latmm.continuum.stroh import PlaneWaves, plane_waves
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, spectrum
from latmm.units import TWO_PI

__all__ = ["Layer", "Stack", "acoustic_mismatch_stack", "stack_transmissivity"]

_BATCH = 4096
"""(slowness, frequency) points carried through the recursion at once."""


@dataclass(frozen=True)
class Layer:
    """A layer of a stack.

    Attributes
    ----------
    medium : Medium
    thickness : float
        nm, not negative.
    """

    medium: Medium
    thickness: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.thickness) and self.thickness >= 0):
            raise InputError(f"a layer's thickness must not be negative (nm), but is {self.thickness}")


@dataclass(frozen=True)
class Stack:
    """Layers between two half spaces.

    Attributes
    ----------
    left, right : Medium
        The half spaces.
    layers : tuple of Layer
        From left to right; may be empty.
    compliance : (3, 3) float, optional
        Of the springs at the first contact, nm GPa⁻¹ (:func:`latmm.continuum.boundary.spring_compliance`);
        none for welded contacts.
    """

    left: Medium
    right: Medium
    layers: tuple[Layer, ...] = ()
    compliance: Floats | None = None

    @property
    def media(self) -> tuple[Medium, ...]:
        """All media from left to right."""
        return (self.left, *(layer.medium for layer in self.layers), self.right)


@dataclass(frozen=True)
class _Prepared:
    """Waves of all media and the welded contacts between them, at P slownesses."""

    waves: list[PlaneWaves]
    contacts: list[Scattering | None]


def _prepare(stack: Stack, slowness: Floats) -> _Prepared:
    media = stack.media
    known = {id(medium): medium for medium in media}
    solved = {key: plane_waves(medium, slowness) for key, medium in known.items()}
    waves = [solved[id(medium)] for medium in media]
    pairs: dict[tuple[int, int], Scattering] = {}
    contacts: list[Scattering | None] = []
    for j in range(len(media) - 1):
        if j == 0 and stack.compliance is not None:
            contacts.append(None)  # depends on frequency
            continue
        key = (id(media[j]), id(media[j + 1]))
        if key not in pairs:
            pairs[key] = contact(waves[j], waves[j + 1])
        contacts.append(pairs[key])
    return _Prepared(waves, contacts)


def _transmission(stack: Stack, prepared: _Prepared, omega: Floats) -> Complexes:
    """Amplitudes (F, P, Cr, Cl) through the stack at ω (F,), rad/ps."""
    spring = None
    if stack.compliance is not None:
        spring = contact(
            prepared.waves[0], prepared.waves[1], compliance=stack.compliance, omega=omega[:, None]
        )
    contacts = [spring if c is None else c for c in prepared.contacts]
    scatterings = [c for c in contacts if c is not None]
    last = scatterings[-1]
    reflection, transmission = last.reflection_left, last.transmission
    for j in range(len(stack.layers) - 1, -1, -1):
        waves, thickness = prepared.waves[j + 1], stack.layers[j].thickness
        phase = 1j * thickness * omega[:, None, None]
        ahead, back = np.exp(phase * waves.forward.vertical), np.exp(-phase * waves.backward.vertical)
        x = back[..., :, None] * reflection * ahead[..., None, :]
        here = scatterings[j]
        inside = np.linalg.solve(np.eye(x.shape[-1]) - here.reflection_right @ x, here.transmission)
        reflection = here.reflection_left + here.transmission_back @ (x @ inside)
        transmission = transmission @ (ahead[..., :, None] * inside)
    shape = (len(omega), *prepared.waves[0].forward.vertical.shape[:-1], *transmission.shape[-2:])
    return np.asarray(np.broadcast_to(transmission, shape))


def stack_transmissivity(stack: Stack, slowness: ArrayLike, frequency: ArrayLike) -> Floats:
    """Fraction of the energy flux that crosses a stack, wave by wave.

    Parameters
    ----------
    stack : Stack
        Half spaces and layers.
    slowness : (P, 2) array_like
        In-plane slowness, ps/nm.
    frequency : (F,) array_like
        THz.

    Returns
    -------
    (F, P, Cl, Cr) ndarray
        [incident on the left, transmitted to the right]; zero where either does not propagate.
    """
    s = np.atleast_2d(np.asarray(slowness, dtype=float))
    omega = TWO_PI * np.atleast_1d(np.asarray(frequency, dtype=float))
    step = max(1, _BATCH // len(omega))
    parts = []
    for start in range(0, len(s), step):
        prepared = _prepare(stack, s[start : start + step])
        amplitudes = _transmission(stack, prepared, omega)
        parts.append(energy_shares(amplitudes, prepared.waves[0].forward, prepared.waves[-1].forward))
    return np.concatenate(parts, axis=1)


def acoustic_mismatch_stack(
    stack: Stack, grid: FrequencyGrid, *, azimuths: int = 24, nodes: int = 24
) -> xr.Dataset:
    """Acoustic mismatch through layers; the transmission depends on frequency beyond the ω² law.

    Parameters
    ----------
    stack : Stack
        Half spaces and layers.
    grid : FrequencyGrid
        Frequencies, THz.
    azimuths, nodes : int
        Of the slowness mesh (:func:`latmm.continuum.slowness.slowness_mesh`). A layer oscillates with the
        phase ω q d: where ω d/c exceeds about ``nodes``, take more.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`, and the errors of its quadrature: what half as
        many azimuths and nodes change, frequency by frequency.
    """
    fine = _counted(stack, grid, azimuths, nodes)
    coarse = _counted(stack, grid, max(2, 2 * (azimuths // 4)), max(2, nodes // 2))
    errors = [
        np.divide(np.abs(a - b), a, out=np.zeros_like(a), where=a > 0)
        for a, b in zip(fine, coarse, strict=True)
    ]
    table = spectrum(
        grid,
        *fine,
        model="amm-stack",
        description=f"acoustic mismatch through {len(stack.layers)} layers, Debye sphere",
    )
    return with_errors(table, *errors)


def _counted(stack: Stack, grid: FrequencyGrid, azimuths: int, nodes: int) -> tuple[Floats, Floats, Floats]:
    """Ξ, M_left and M_right (F,), nm⁻², on a mesh of slownesses."""
    # a layer has no edge of its own: exchanging its waves, q → −q, leaves the transmission as it is
    needed = axial_azimuths(stack.media, azimuths)
    mesh = slowness_mesh((stack.left, stack.right), azimuths=needed, nodes=nodes)
    tau = stack_transmissivity(stack, mesh.slowness, grid.frequency)
    limits = [
        wave_cutoffs(medium, plane_waves(medium, mesh.slowness).forward, mesh.slowness)
        for medium in (stack.left, stack.right)
    ]
    pair = np.minimum(limits[0][:, :, None], limits[1][:, None, :])
    weight = mesh.weight / (4.0 * pi**2)
    square = (TWO_PI * grid.frequency) ** 2
    transmission = np.zeros(len(square))
    for i in range(tau.shape[2]):
        for j in range(tau.shape[3]):
            transmission += np.einsum("fp,pf,p->f", tau[:, :, i, j], open_share(grid, pair[:, i, j]), weight)
    left, right = (sphere_channels(grid, mesh.weight, limit) for limit in limits)
    return transmission * square, left, right
