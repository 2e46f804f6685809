"""Elastic waves named like phonons: what acoustic mismatch counts, by branch and angle, and where it ends.

Acoustic mismatch errs twice. It gives a phonon the transmissivity of an elastic wave, and it counts elastic
waves instead of phonons. The first error shows on the lattice's own phonons (:mod:`latmm.modes.continuum`);
the second needs the waves that the model counts. A wave of slowness s has the sheet of its direction as its
branch (slow, middle, fast) and the angle of its energy velocity

    v_m = Re(a_i* a_k) B_imkl n_l / (ρc)

to the normal, with n the direction, c the speed, a the polarisation and B the moduli of the medium.

*Critical angles.* Along an azimuth φ waves of sheet j exist up to the in-plane slowness max_θ sin θ/c_j. A
wave of sheet i that has this in-plane slowness runs at its critical angle for j; in anisotropic media that
angle varies with φ, between bounds.
"""

from itertools import product
from math import pi

import numpy as np
import xarray as xr

from latmm.arrays import Complexes, Floats, Integers
from latmm.continuum.amm import wave_mesh
from latmm.continuum.boundary import contact, energy_shares
from latmm.continuum.cutoffs import truncated_square_law, wave_cutoffs
from latmm.continuum.media import Medium
from latmm.continuum.slowness import axial_azimuths, slowness_mesh
from latmm.continuum.stroh import WaveSet, plane_waves
from latmm.modes.continuum import TURN, Continuum
from latmm.modes.table import angle_to_normal
from latmm.threads import single_threaded

__all__ = ["critical_angles", "critical_slowness", "elastic_transmission"]

_NODES = 1728
"""Gauss nodes between neighbouring critical slownesses of media that are isotropic about the normal."""
_BATCH = 512
"""In-plane slownesses solved at once."""
_POLAR = 361
"""Polar angles among which a sheet's largest in-plane slowness is looked for."""


@single_threaded
def elastic_transmission(continuum: Continuum, side: int, *, angles: int = 18) -> xr.DataArray:
    """Acoustic mismatch by its own waves: channels that cross, by branch and angle.

    Parameters
    ----------
    continuum : Continuum
        Both media.
    side : int
        0: waves from the left; 1: from the right.
    angles : int
        Equal bins of the angle of the energy velocity to the normal, 0 to 90 degrees.

    Returns
    -------
    xarray.DataArray
        Over (branch, angle, frequency), nm⁻²: its sum over branches and angles is the spectrum of
        :func:`latmm.continuum.amm.acoustic_mismatch`, from either side.
    """
    left, right = continuum.seen_from(side)
    if axial_azimuths((left, right), 2) == 1:
        # where one azimuth stands for all, its nodes alone fill the bins of the angle
        mesh = slowness_mesh((left, right), azimuths=1, nodes=_NODES)
        slowness = mesh.slowness
    else:
        mesh = wave_mesh(*continuum.media)
        # from the right the same waves backwards in time, seen turned
        slowness = mesh.slowness if side == 0 else -mesh.slowness @ TURN[:2, :2]
    total = np.zeros((3, angles, continuum.frequency.size))
    places, coefficients, cutoffs = [], [], []
    for start in range(0, len(mesh.weight), _BATCH):
        s = slowness[start : start + _BATCH]
        waves = plane_waves(left, s), plane_waves(right, s)
        come, leave = waves[0].forward, waves[1].forward
        tau = energy_shares(contact(*waves).transmission, come, leave)
        cut = np.minimum(wave_cutoffs(left, come, s)[:, :, None], wave_cutoffs(right, leave, s)[:, None])
        branch, angle = _named(left, come, s)
        place = branch * angles + np.minimum((angle * (angles / 90.0)).astype(np.int64), angles - 1)
        places.append(np.broadcast_to(place[:, :, None], tau.shape).ravel())
        weight = mesh.weight[start : start + _BATCH] / (4.0 * pi**2)
        coefficients.append((weight[:, None, None] * tau).ravel())
        cutoffs.append(cut.ravel())
    place, coefficient, cutoff = (np.concatenate(x) for x in (places, coefficients, cutoffs))
    flat = total.reshape(3 * angles, -1)
    for i in np.unique(place[cutoff > 0]):
        own = place == i
        flat[i] = truncated_square_law(continuum.grid, coefficient[own], cutoff[own])
    return xr.DataArray(
        total,
        dims=("branch", "angle", "frequency"),
        coords={
            "branch": ("branch", np.arange(3), {"units": "1", "long_name": "sheet, slow to fast"}),
            "angle": (
                "angle",
                (np.arange(angles) + 0.5) * 90.0 / angles,
                {"units": "degree", "long_name": "angle of the energy velocity to the normal"},
            ),
            "frequency": ("frequency", continuum.frequency, {"units": "THz", "long_name": "frequency"}),
        },
        name="transmission",
        attrs={"units": "nm-2", "long_name": "channels per area that cross by acoustic mismatch"},
    )


def _named(medium: Medium, waves: WaveSet, slowness: Floats) -> tuple[Integers, Floats]:
    """Branch (P, C) and angle (P, C), degrees, of waves; 0 and 90 where they do not propagate."""
    flat = np.broadcast_to(slowness[:, None, :], (*waves.vertical.shape, 2))
    s = np.concatenate([flat, waves.vertical.real[..., None]], axis=-1)
    length = np.linalg.norm(s, axis=-1)
    direction = s / length[..., None]
    speeds = medium.christoffel(direction)[0]
    branch = np.argmin(np.abs(speeds * length[..., None] - 1.0), axis=-1)
    polarisation = np.swapaxes(waves.displacement, -1, -2)
    velocity = _energy_velocity(medium, direction, polarisation, 1.0 / length)
    alive = waves.propagating
    return np.where(alive, branch, 0), np.where(alive, angle_to_normal(velocity), 90.0)


def _energy_velocity(
    medium: Medium, direction: Floats, polarisation: Floats | Complexes, speed: Floats
) -> Floats:
    """Energy velocity (..., 3), km/s, of waves with unnormalised polarisations (..., 3)."""
    norm = np.linalg.norm(polarisation, axis=-1, keepdims=True)
    a = polarisation / np.where(norm > 0, norm, 1.0)
    flux = np.einsum("imkl,...i,...k,...l->...m", medium.moduli, a.conj(), a, direction, optimize=True)
    return np.asarray(flux.real / (medium.density * speed[..., None]))


def _directions(azimuths: Floats, last: float) -> Floats:
    """Return unit vectors (A, polar angle, 3) along azimuths (A,), from the normal to a polar angle."""
    polar = np.linspace(0.0, last, _POLAR)
    flat = np.sin(polar)[None, :, None] * np.stack([np.cos(azimuths), np.sin(azimuths)], axis=-1)[:, None, :]
    up = np.broadcast_to(np.cos(polar)[None, :, None], (*flat.shape[:2], 1))
    return np.concatenate([flat, up], axis=-1)


def _in_plane(direction: Floats, speed: Floats) -> Floats:
    """In-plane slowness (..., 3) of the sheets along directions (..., 3), ps/nm."""
    return np.asarray(np.linalg.norm(direction[..., :2], axis=-1)[..., None] / speed)


def critical_slowness(medium: Medium, azimuths: Floats) -> Floats:
    """Largest in-plane slowness (A, 3) of each sheet along azimuths (A,), radians; ps/nm."""
    # a wave that runs upwards may have its wave vector downwards
    direction = _directions(azimuths, pi)
    return np.asarray(_in_plane(direction, medium.christoffel(direction)[0]).max(axis=1))


def critical_angles(continuum: Continuum, side: int, *, azimuths: int = 36) -> Floats:
    """Angles of the energy velocity beyond which outgoing waves of the other crystal are lost.

    Parameters
    ----------
    continuum : Continuum
        Both media.
    side : int
        0: waves from the left; 1: from the right.
    azimuths : int
        Directions in the plane that are compared.

    Returns
    -------
    (3, 3, 2) ndarray
        For slow, middle and fast incident sheet, and slow, middle and fast outgoing one: smallest and largest
        critical angle over all azimuths, degrees; not a number where a wave is never lost.
    """
    left, right = continuum.seen_from(side)
    around = 2.0 * pi * (np.arange(azimuths) + 0.5) / azimuths
    direction = _directions(around, 0.5 * pi)
    speed, vectors = left.christoffel(direction)
    slowness = _in_plane(direction, speed)
    velocity = _energy_velocity(left, direction[:, :, None, :], np.swapaxes(vectors, -1, -2), speed)
    angle = angle_to_normal(velocity)
    limits = critical_slowness(right, around)
    found = np.full((3, 3, 2), np.nan)
    for incident, outgoing in product(range(3), repeat=2):
        own, limit = slowness[..., incident], limits[:, outgoing]
        beyond = own > limit[:, None] * (1.0 + 1e-9)
        lost = np.flatnonzero(beyond.any(axis=1))
        if lost.size:
            after = np.argmax(beyond[lost], axis=1)
            s, theta = ((x[lost, after - 1], x[lost, after]) for x in (own, angle[..., incident]))
            values = theta[0] + (theta[1] - theta[0]) * (limit[lost] - s[0]) / (s[1] - s[0])
            found[incident, outgoing] = values.min(), values.max()
    return found
