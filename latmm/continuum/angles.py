"""Where the energy of an incident wave goes, by polarisation and angle: labelled tables.

For isotropic media the waves are longitudinal (L), vertically (V) and horizontally polarised transverse (H);
for anisotropic ones the three sheets of the slowness surface, slow to fast. An outgoing wave is lost at its
critical angle, sin θ_c = c_in/c_out. Where the whole right side is lost, reflection is total; the angles
below that are the transmission cone.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats, Integers
from latmm.continuum.boundary import contact, energy_shares
from latmm.continuum.isotropic import isotropic_scattering
from latmm.continuum.media import Medium
from latmm.continuum.stroh import WaveSet, plane_waves
from latmm.errors import InputError

__all__ = ["critical_angle", "incidence", "incidence_anisotropic", "transmission_cone"]

_LABELS = ("L", "V", "H")


def _angles(angle: ArrayLike) -> Floats:
    values = np.atleast_1d(np.asarray(angle, dtype=float))
    if values.ndim != 1 or not np.all((values >= 0) & (values < 90)):
        raise InputError("angles of incidence must lie between 0 and 90 degrees (90 excluded)")
    return values


def critical_angle(incident: float, outgoing: float) -> float:
    """Angle of incidence, degrees, beyond which the outgoing wave is lost; not a number where it never is.

    Parameters
    ----------
    incident, outgoing : float
        Speeds of both waves, km s⁻¹.
    """
    return float(np.degrees(np.arcsin(incident / outgoing))) if outgoing > incident else float("nan")


def transmission_cone(left: Medium, right: Medium) -> dict[str, float]:
    """Largest angle (degrees) from which each incident wave L, V, H of isotropic media still transmits."""
    own = dict(zip(_LABELS, (left.speeds.longitudinal, *(left.speeds.transverse,) * 2), strict=True))
    cones = {}
    for label, speed in own.items():
        if speed == 0:
            continue
        fluid_h = label == "H" and right.is_fluid
        slowest = right.speeds.transverse or right.speeds.longitudinal
        limit = critical_angle(speed, slowest)
        cones[label] = 0.0 if fluid_h else (90.0 if np.isnan(limit) else limit)
    return cones


def incidence(left: Medium, right: Medium, angle: ArrayLike) -> xr.Dataset:
    """Reflection, transmission and conversion of waves of an isotropic medium.

    Parameters
    ----------
    left, right : Medium
        Isotropic solids or fluids; waves arrive from the left.
    angle : (A,) array_like
        Angles of incidence, degrees from the normal.

    Returns
    -------
    xarray.Dataset
        ``reflectivity`` and ``transmissivity`` (incident, angle, outgoing), fractions of the incident energy
        flux; ``total_reflection`` (incident, angle); ``critical_angle_reflected`` and
        ``critical_angle_transmitted`` (incident, outgoing), degrees; ``transmission_cone`` (incident),
        degrees.
    """
    theta = _angles(angle)
    labels = ["L"] if left.is_fluid else list(_LABELS)
    speeds = {"L": left.speeds.longitudinal, "V": left.speeds.transverse, "H": left.speeds.transverse}
    reflected, transmitted = [], []
    for label in labels:
        fractions = isotropic_scattering(left, right, np.sin(np.radians(theta)) / speeds[label])
        row = _LABELS.index(label)
        reflected.append(fractions.reflectivity[:, row])
        transmitted.append(fractions.transmissivity[:, row])
    table = _table(theta, labels, list(_LABELS), np.array(reflected), np.array(transmitted))
    for name, medium in (("reflected", left), ("transmitted", right)):
        out = (medium.speeds.longitudinal, medium.speeds.transverse, medium.speeds.transverse)
        values = [
            [critical_angle(speeds[i], c) if c > 0 and (i == "H") == (o == "H") else np.nan]
            for i in labels
            for o, c in zip(_LABELS, out, strict=True)
        ]
        table[f"critical_angle_{name}"] = (
            ("incident", "outgoing"),
            np.array(values).reshape(len(labels), 3),
            {"units": "degree", "long_name": f"incidence beyond which the {name} wave is lost"},
        )
    cones = transmission_cone(left, right)
    table["transmission_cone"] = (
        "incident",
        [cones[label] for label in labels],
        {"units": "degree", "long_name": "largest angle of incidence that transmits"},
    )
    return table


def _table(
    theta: Floats, incident: Sequence[str], outgoing: Sequence[str], reflected: Floats, transmitted: Floats
) -> xr.Dataset:
    dims = ("incident", "angle", "outgoing")
    return xr.Dataset(
        {
            "reflectivity": (
                dims,
                reflected,
                {"units": "1", "long_name": "fraction of energy flux reflected"},
            ),
            "transmissivity": (
                dims,
                transmitted,
                {"units": "1", "long_name": "fraction of energy flux transmitted"},
            ),
            "total_reflection": (
                dims[:2],
                transmitted.sum(axis=-1) == 0,
                {"units": "1", "long_name": "whether nothing is transmitted"},
            ),
        },
        coords={
            "incident": list(incident),
            "angle": ("angle", theta, {"units": "degree", "long_name": "angle of incidence"}),
            "outgoing": list(outgoing),
        },
    )


def incidence_anisotropic(left: Medium, right: Medium, angle: ArrayLike, azimuth: float = 0.0) -> xr.Dataset:
    """Reflection and transmission of the three waves of an anisotropic solid, by direction of wave vector.

    Parameters
    ----------
    left, right : Medium
        Solids of any anisotropy; waves arrive from the left.
    angle : (A,) array_like
        Angle between wave vector and normal, degrees.
    azimuth : float
        Direction of the in-plane wave vector from x, degrees.

    Returns
    -------
    xarray.Dataset
        As :func:`incidence`, without critical angles; incident waves are ``slow``, ``middle``, ``fast`` by
        speed along their wave vector, outgoing ones ``1``, ``2``, ``3`` by falling vertical slowness. Waves
        of one slowness vector, whose polarisations are free, have the mean of them. Not a number where the
        energy of the wave runs away from the interface though its wave vector points to it.
    """
    if left.is_fluid:
        raise InputError(f"{left.name} is a fluid: its one wave is isotropic, use incidence()")
    theta, phi = np.radians(_angles(angle)), np.radians(azimuth)
    across = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)], axis=-1)
    speed, _ = left.christoffel(np.column_stack([across, np.cos(theta)]))
    reflected: list[Floats] = []
    transmitted: list[Floats] = []
    for branch in range(3):
        # sheets that touch share their slowness to the last digit, and each takes its own of the waves there
        same = np.abs(speed[:, :branch] / speed[:, branch, None] - 1.0) < 1e-6
        for lower in range(branch):
            speed[same[:, lower], branch] = speed[same[:, lower], lower]
        s = across / speed[:, branch, None]
        waves = plane_waves(left, s), plane_waves(right, s)
        scattering = contact(*waves)
        row = _matching(waves[0].forward, np.cos(theta) / speed[:, branch], same.sum(axis=1))
        for collected, amplitudes, outgoing in (
            (reflected, scattering.reflection_left, waves[0].backward),
            (transmitted, scattering.transmission, waves[1].forward),
        ):
            fractions = energy_shares(amplitudes, waves[0].forward, outgoing)
            # waves of one slowness vector may be turned into each other: each takes their mean
            fractions = _alike(waves[0].forward) @ fractions @ _alike(outgoing)
            picked = np.take_along_axis(fractions, np.maximum(row, 0)[:, None, None], axis=1)[:, 0]
            picked = np.where((row >= 0)[:, None], picked, np.nan)
            padding = np.zeros((len(theta), 3 - picked.shape[1]))
            collected.append(np.concatenate([picked, padding], axis=1))
    table = _table(
        np.degrees(theta),
        ("slow quasi-transverse", "fast quasi-transverse", "quasi-longitudinal"),
        ("1", "2", "3"),
        np.array(reflected),
        np.array(transmitted),
    )
    table["azimuth"] = ((), azimuth, {"units": "degree", "long_name": "azimuth of the in-plane wave vector"})
    return table


def _alike(waves: WaveSet) -> Floats:
    """Matrix (A, C, C) that gives waves of one vertical slowness the mean of them."""
    apart = np.abs(waves.vertical[..., :, None] - waves.vertical[..., None, :])
    moving = waves.propagating[..., :, None] & waves.propagating[..., None, :]
    size = np.max(np.abs(waves.vertical), axis=-1, initial=0.0)[..., None, None]
    near = (moving & (apart < 1e-6 * size)) | np.eye(apart.shape[-1], dtype=bool)
    return np.asarray(near / near.sum(axis=-1, keepdims=True))


def _matching(forward: WaveSet, vertical: Floats, rank: Integers) -> Integers:
    """Index (A,) of the forward wave of given vertical slowness, the ``rank``-th of these; −1 for none."""
    near = np.abs(forward.vertical - vertical[:, None]) < 1e-6 * np.max(vertical)
    wanted = near & (np.cumsum(near, axis=-1) == rank[:, None] + 1)
    return np.where(wanted.any(axis=-1), np.argmax(wanted, axis=-1), -1)
