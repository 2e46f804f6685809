"""Where the energy goes: from branch and angle of the incident phonon to those of the outgoing one.

Channels per area C(in → out) = Σ_k∥ w |S_out,in|²/A, binned by side, branch and angle of the group velocity
to the normal on both ends. A sum over out gives the incident channels, a sum over in those that leave; time
reversal makes C symmetric under the exchange of in and out (reciprocity). Divided by the incident channels
they are the probabilities of mode conversion.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.interface.interface import SIDES, Interface
from latmm.modes.lateral_cells import BATCH_BYTES, points_at_once
from latmm.modes.resolved import Resolved, resolve
from latmm.modes.table import angle_to_normal
from latmm.modes.unfolding import Unfolded
from latmm.parallel.execution import HERE, Execution
from latmm.sampling.meshes import reduced_mesh
from latmm.sweep.driver import pieces
from latmm.sweep.tasks import Piece, Task
from latmm.threads import single_threaded

__all__ = ["conversion", "scattering_map"]

_POINTS = 1024
"""Points solved at once."""
_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""


@single_threaded
def scattering_map(
    interface: Interface,
    frequency: Sequence[float],
    kmesh: tuple[int, int],
    *,
    angles: int = 9,
    how: Execution = HERE,
) -> xr.Dataset:
    """Scattering between branches and angles at given frequencies.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    frequency : (F,) sequence of float
        THz.
    kmesh : (2,) int
        Midpoint mesh over the k∥ of the junction's lateral cell.
    angles : int
        Equal bins of the angle between 0 and 90 degrees.
    how : Execution
        Who solves the samples, and where what is found is kept.

    Returns
    -------
    xarray.Dataset
        ``channels`` (frequency, side, branch, angle, side_out, branch_out, angle_out), nm⁻²;
        ``specular_fraction`` (frequency, side): share of the energy that leaves with its own k∥, the
        rest being diffuse.

    Raises
    ------
    InputError
        If the number of angles is not positive.
    """
    nu = np.atleast_1d(np.asarray(frequency, dtype=float))
    if angles < 1 or nu.size == 0:
        raise InputError(
            f"a scattering map needs frequencies and at least one angle, but has {nu.size} and {angles}"
        )
    points, weights = reduced_mesh(kmesh, 1.0, interface.spatial_rotations)
    branches = max(3 * len(crystal.atoms) for crystal in interface.crystals)
    size = max(1, points_at_once(interface, _POINTS) // nu.size)
    tasks = [
        Task(points[i : i + size], weights[i : i + size], np.arange(nu.size), nu, common=float(nu.max()))
        for i in range(0, len(points), size)
    ]
    work = _Channels(interface, angles)
    together = max(1, how.memory // BATCH_BYTES)
    values = sum((piece.values for piece in pieces(work, tasks, how, at_once=together)), np.zeros(1))
    channels, specular = np.split(values, [values.size - 2 * nu.size * len(SIDES)])
    return _dataset(
        nu,
        channels.reshape(nu.size, 2, branches, angles, 2, branches, angles),
        specular.reshape(2, nu.size, len(SIDES)),
    )


@dataclass(frozen=True)
class _Channels:
    """Channels between branches and angles of a task, and what of them is specular, summed over its k∥."""

    interface: Interface
    angles: int
    stage: str = "scattering"

    @property
    def kind(self) -> str:
        """Number of angles."""
        return f"conversion, {self.angles} angles"

    def shape(self, task: Task) -> tuple[int]:
        """Channels, then specular and all of each side."""
        bins = self.angles * max(3 * len(crystal.atoms) for crystal in self.interface.crystals)
        return (task.frequency.size * len(SIDES) * (bins * len(SIDES) * bins + 2),)

    def solve(self, task: Task) -> Piece:
        """Scatter, and bin."""
        nu = task.frequency
        bins = self.angles * max(3 * len(crystal.atoms) for crystal in self.interface.crystals)
        total = np.zeros((nu.size, len(SIDES), bins, len(SIDES), bins))
        specular = np.zeros((2, nu.size, len(SIDES)))
        found = resolve(self.interface, task.wave_vectors, nu, outgoing=True)
        weight = np.repeat(task.weights, nu.size) * (_PER_NM2 / self.interface.area)
        node = np.tile(np.arange(nu.size), len(task.weights))
        _add_channels(total, found, weight, node, self.angles)
        _add_specular(specular, found, weight, node)
        return Piece(np.concatenate([total.ravel(), specular.ravel()]), np.zeros(3), 0)


def _add_channels(total: Floats, found: Resolved, weight: Floats, node: Integers, angles: int) -> None:
    """Add a batch of points to the channels [node, side, bin, side out, bin out]."""
    if found.outgoing is None:
        return
    bins = total.shape[2]
    for side in range(len(SIDES)):
        for to in range(len(SIDES)):
            share = found.share[side][to]
            source = _bins(found.incoming[side], share.shape[2], len(weight), angles)
            target = _bins(found.outgoing[to], share.shape[1], len(weight), angles)
            place = (node[:, None, None] * bins + source[:, None, :]) * bins + target[:, :, None]
            counted = np.bincount(
                place.ravel(),
                (share * weight[:, None, None]).ravel(),
                minlength=total.shape[0] * bins * bins,
            )
            total[:, side, :, to] += counted.reshape(-1, bins, bins)


def _bins(found: Unfolded, modes: int, points: int, angles: int) -> Integers:
    """Bin (P, modes) of branch and angle of each mode; 0 for those that carry nothing."""
    angle = np.minimum((angle_to_normal(found.group_velocity) * (angles / 90.0)).astype(np.int64), angles - 1)
    bins = np.zeros((points, modes), dtype=np.int64)
    bins[found.point, found.mode] = found.branch * angles + angle
    return bins


def _add_specular(specular: Floats, found: Resolved, weight: Floats, node: Integers) -> None:
    """Add a batch of points to [specular or all, node, side] channels."""
    for side, phonons in enumerate(found.incoming):
        own = weight[phonons.point]
        np.add.at(specular[0, :, side], node[phonons.point], own * found.specular(side))
        np.add.at(specular[1, :, side], node[phonons.point], own)


def _dataset(nu: Floats, channels: Floats, specular: Floats) -> xr.Dataset:
    angles = channels.shape[-1]
    centre = (np.arange(angles) + 0.5) * 90.0 / angles
    own = ("side", "branch", "angle")

    def axes(suffix: str) -> dict[str, tuple[str, object, dict[str, str]]]:
        where = "outgoing" if suffix else "incident"
        values = (list(SIDES), np.arange(channels.shape[2]), centre)
        units = ("1", "1", "degree")
        names = ("crystal", "branch", "angle to the normal (centre of its bin)")
        return {
            name + suffix: (
                name + suffix,
                value,
                {"units": unit, "long_name": f"{text} of the {where} phonon"},
            )
            for name, value, unit, text in zip(own, values, units, names, strict=True)
        }

    fraction = np.divide(specular[0], specular[1], out=np.zeros_like(specular[0]), where=specular[1] > 0)
    return xr.Dataset(
        {
            "channels": (
                ("frequency", *own, *(f"{name}_out" for name in own)),
                channels,
                {"units": "nm-2", "long_name": "channels per area from the incident to the outgoing phonon"},
            ),
            "specular_fraction": (
                ("frequency", "side"),
                fraction,
                {"units": "1", "long_name": "share of the energy that leaves with its in-plane wave vector"},
            ),
        },
        coords={
            "frequency": ("frequency", nu, {"units": "THz", "long_name": "phonon frequency"}),
            **axes(""),
            **axes("_out"),
        },
    )


def conversion(channels: xr.DataArray) -> xr.DataArray:
    """Probability that a phonon of one branch leaves in another, on either side.

    Parameters
    ----------
    channels : xarray.DataArray
        Of :func:`scattering_map`.

    Returns
    -------
    xarray.DataArray
        Over (frequency, side, branch, side_out, branch_out), summing to one over the last two; not a number
        where no phonon comes in.
    """
    summed = channels.sum(("angle", "angle_out"))
    offered = summed.sum(("side_out", "branch_out"))
    probability = summed / offered.where(offered > 0)
    return probability.assign_attrs(units="1", long_name="probability of conversion").rename("conversion")
