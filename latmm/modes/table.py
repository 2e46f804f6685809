"""The mode table: one row for every phonon that meets the contact, at every (k∥, ν) of a run.

Rows come in pieces, so that a run of any length needs the memory of one piece, and stream into one netCDF-4
file whose dimension ``mode`` is unlimited. Every row stands for ``weight`` channels per area of its side, so
that

    Ξ(ν) = Σ_{modes of one side at ν} weight · transmissivity,

whichever side is taken.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import xarray as xr

from latmm.arrays import Floats
from latmm.checks import Checks, by_name, check, dumps
from latmm.files import Spilling, uninterrupted
from latmm.interface.interface import SIDES, Interface
from latmm.landauer import FrequencyGrid
from latmm.modes.lateral_cells import BATCH_BYTES, modes, points_at_once
from latmm.modes.resolved import resolve
from latmm.parallel.execution import HERE, Execution
from latmm.results import hdf5_file, read
from latmm.sampling.meshes import Window
from latmm.sweep import driver
from latmm.sweep.tasks import Piece, Task
from latmm.threads import single_threaded
from latmm.units import TWO_PI

__all__ = [
    "CHECKS",
    "COLUMNS",
    "angle_to_normal",
    "mode_pieces",
    "mode_table",
    "read_modes",
    "spectral",
    "stored_pieces",
    "write_modes",
]

COLUMNS: Mapping[str, tuple[str, str, str]] = {
    "frequency": ("f8", "THz", "phonon frequency"),
    "frequency_weight": ("f8", "THz", "quadrature weight of the frequency"),
    "weight": ("f8", "nm-2", "channels per area that the mode stands for"),
    "k1": ("f4", "1", "in-plane wave vector along the first reciprocal vector, fractional"),
    "k2": ("f4", "1", "in-plane wave vector along the second reciprocal vector, fractional"),
    "side": ("i1", "1", "crystal that the mode comes from: 0 left, 1 right"),
    "qx": ("f4", "angstrom-1", "wave vector in the first Brillouin zone, x (2 pi included)"),
    "qy": ("f4", "angstrom-1", "wave vector in the first Brillouin zone, y (2 pi included)"),
    "qz": ("f4", "angstrom-1", "wave vector in the first Brillouin zone, z, interface normal"),
    "branch": ("i1", "1", "branch, by continuity along the ray from the zone centre"),
    "group_velocity": ("f4", "km s-1", "group velocity"),
    "angle": ("f4", "degree", "angle of the group velocity to the interface normal"),
    "polarisation": ("f4", "1", "longitudinal fraction"),
    "transmissivity": ("f8", "1", "share of the mode's energy that crosses"),
    "reflectivity": ("f8", "1", "share of the mode's energy that returns"),
    "specular_fraction": ("f4", "1", "share of the mode's energy that leaves with its in-plane wave vector"),
}
"""Type, unit and long name of the columns; ``group_velocity`` has a second dimension ``axis`` (x, y, z)."""
CHECKS: Mapping[str, float] = {"frequency": 1e-6, "group_velocity": 1e-6, "energy": 1e-8}
"""Limits of what a table checks: by how much the phonon that a mode unfolds to misses the mode's ν, relative
to the largest, and its v_z, relative to the largest speed; and transmissivity plus reflectivity one."""
_KEPT = tuple(name for name in COLUMNS if not name.endswith("weight"))
"""Columns that are solved for; the weights are those of the samples."""
_POINTS = 2048
"""Points of a piece: some ten thousand rows."""
_CHUNK = 16384
"""Rows of a compressed chunk in the file."""
_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""


def angle_to_normal(velocity: Floats) -> Floats:
    """Angle (...) of velocities (..., 3) to the interface normal, degrees in [0, 90]; 90 for no velocity."""
    across = np.linalg.norm(velocity[..., :2], axis=-1)
    along = np.abs(velocity[..., 2])
    return np.asarray(np.where(along > 0, np.degrees(np.arctan2(across, along)), 90.0))


def mode_pieces(
    interface: Interface, grid: FrequencyGrid, samples: Iterable[Window], how: Execution = HERE
) -> Iterator[xr.Dataset]:
    """Solve all samples piece by piece.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    grid : FrequencyGrid
        Frequencies, THz.
    samples : iterable of Window
        From :func:`latmm.sampling.meshes.windows`.
    how : Execution
        Who solves them, and where what is found is kept.

    Yields
    ------
    xarray.Dataset
        Rows along ``mode`` with :data:`COLUMNS`; attributes say how exact they are, see :data:`CHECKS`.
    """
    tasks = []
    for window in samples:
        nodes = np.flatnonzero(window.selected)
        size = max(1, points_at_once(interface, _POINTS) // max(1, nodes.size))
        for start in range(0, len(window.weights) if nodes.size else 0, size):
            part = slice(start, start + size)
            nu = grid.frequency[nodes]
            tasks.append(
                Task(window.wave_vectors[part], window.weights[part], nodes, nu, common=float(nu.max()))
            )
    together = max(1, how.memory // BATCH_BYTES)
    found = driver.pieces(_Rows(interface), tasks, how, at_once=together)
    for task, piece in zip(tasks, found, strict=True):
        yield _labelled(piece, task, grid, interface.area)


@dataclass(frozen=True)
class _Rows:
    """Rows of the mode table of a task: number of the point, then :data:`COLUMNS` but for the weights."""

    interface: Interface
    stage: str = "modes"
    kind: str = "mode table"

    def shape(self, task: Task) -> tuple[int, int]:
        """Rows at most, columns."""
        return task.samples * sum(modes(self.interface)), len(_KEPT) + 3

    def solve(self, task: Task) -> Piece:
        """Solve all points of a task."""
        found = resolve(self.interface, task.wave_vectors, task.frequency)
        worst = np.zeros(len(CHECKS))
        rows = []
        for side, phonons in enumerate(found.incoming):
            k = found.wave_vectors[side][phonons.point, phonons.folded]
            k = k - np.rint(k)
            crossing, returning = found.transmissivity(side), found.reflectivity(side)
            missed: tuple[Floats | float, ...] = (
                np.abs(phonons.frequency - found.omega[phonons.point] / TWO_PI) / phonons.top,
                phonons.velocity_mismatch,
                np.abs(crossing + returning - 1.0),
            )
            worst = np.maximum(worst, [float(np.max(value, initial=0.0)) for value in missed])
            rows.append(
                np.column_stack(
                    [
                        phonons.point,
                        found.omega[phonons.point] / TWO_PI,
                        k,
                        np.full(len(k), side),
                        phonons.wave_vector,
                        phonons.branch,
                        phonons.group_velocity,
                        angle_to_normal(phonons.group_velocity),
                        phonons.longitudinal,
                        crossing,
                        returning,
                        found.specular(side),
                    ]
                )
            )
        return Piece(np.concatenate(rows), worst, 0)


def _labelled(piece: Piece, task: Task, grid: FrequencyGrid, area: float) -> xr.Dataset:
    """Name the rows of a task, and give each its weights."""
    point = piece.values[:, 0].astype(np.int64)
    velocity = 1 + _KEPT.index("group_velocity")
    columns: dict[str, Floats] = {"group_velocity": piece.values[:, velocity : velocity + 3]}
    scalars = np.delete(piece.values[:, 1:], np.s_[velocity - 1 : velocity + 2], axis=1)
    columns.update(zip([name for name in _KEPT if name != "group_velocity"], scalars.T, strict=True))
    line, node = np.divmod(point, task.frequency.size)
    columns["weight"] = task.weights[line] * (_PER_NM2 / area)
    columns["frequency_weight"] = grid.weight[task.nodes[node]]
    return xr.Dataset(
        {
            name: (
                ("mode", "axis") if name == "group_velocity" else "mode",
                columns[name].astype(kind),
                {"units": units, "long_name": long_name},
            )
            for name, (kind, units, long_name) in COLUMNS.items()
        },
        attrs=dict(zip(CHECKS, piece.worst.tolist(), strict=True)),
    )


@single_threaded
def mode_table(
    interface: Interface, grid: FrequencyGrid, samples: Iterable[Window], how: Execution = HERE
) -> xr.Dataset:
    """Mode table of a run in memory; :func:`mode_pieces` and :func:`write_modes` keep it on disk instead.

    Parameters
    ----------
    interface, grid, samples, how
        As of :func:`mode_pieces`.

    Returns
    -------
    xarray.Dataset
        Rows along ``mode`` with :data:`COLUMNS`.
    """
    pieces = list(mode_pieces(interface, grid, samples, how))
    return xr.concat(pieces, "mode").assign_attrs(_worst(piece.attrs for piece in pieces))


def _worst(attributes: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Worst of the checks of several pieces."""
    chosen = list(attributes)
    return {name: max(found[name] for found in chosen) for name in CHECKS}


def spectral(table: xr.Dataset) -> xr.Dataset:
    """Sum a mode table over the modes of each frequency.

    Returns
    -------
    xarray.Dataset
        Over ``frequency``: ``transmission`` (side) and ``channels`` (side), nm⁻².
    """
    nodes, index = np.unique(table["frequency"].values, return_inverse=True)
    side, weight = table["side"].values.astype(int), table["weight"].values
    flat = side * nodes.size + index
    shape = (len(SIDES), nodes.size)
    crossing = np.bincount(flat, weight * table["transmissivity"].values, minlength=shape[0] * shape[1])
    offered = np.bincount(flat, weight, minlength=shape[0] * shape[1])
    dims = ("side", "frequency")
    return xr.Dataset(
        {
            "transmission": (
                dims,
                crossing.reshape(shape),
                {"units": "nm-2", "long_name": "transmission: phonon channels per area that cross"},
            ),
            "channels": (
                dims,
                offered.reshape(shape),
                {"units": "nm-2", "long_name": "phonon channels per area"},
            ),
        },
        coords={
            "frequency": ("frequency", nodes, {"units": "THz", "long_name": "phonon frequency"}),
            "side": ("side", list(SIDES), {"units": "1", "long_name": "crystal"}),
        },
    )


def write_modes(
    pieces: Iterable[xr.Dataset],
    path: str | Path,
    attributes: Mapping[str, Any],
    checks: Checks | None = None,
) -> int:
    """Write a mode table as it comes; an existing file is replaced only by a whole one.

    An interrupt waits while the file is written to, not while the next piece is computed.

    Parameters
    ----------
    pieces : iterable of xarray.Dataset
        From :func:`mode_pieces`.
    path : str or Path
        The file, netCDF-4, usually ``.nc``.
    attributes : mapping
        Global attributes: text and numbers; ``checks`` is added.
    checks : mapping of str to Check, optional
        Of the interface, kept with the table's own.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InputError, OutputError
        If the file cannot be, or could not be, written.
    """
    worst = dict.fromkeys(CHECKS, 0.0)
    with hdf5_file(path) as (file, disk):
        rows = _append_all(file, disk, pieces, worst)
        own = by_name(check(name, worst[name], limit) for name, limit in CHECKS.items())
        with uninterrupted():
            file.attrs.update({**attributes, "checks": dumps({**(checks or {}), **own})})
    return rows


def read_modes(path: str | Path) -> xr.Dataset:
    """Read a mode table into memory.

    Raises
    ------
    InputError
        If the file is missing or is no netCDF-4 file.
    """
    return read(path).to_dataset()


def stored_pieces(path: str | Path, *, rows: int = 2**18) -> Iterator[xr.Dataset]:
    """Read a mode table piece by piece, ``rows`` modes at a time."""
    with xr.open_dataset(path, engine="h5netcdf") as table:
        for start in range(0, table.sizes["mode"], rows):
            yield table.isel(mode=slice(start, start + rows)).load()


def _append_all(
    file: h5netcdf.File, disk: Spilling, pieces: Iterable[xr.Dataset], worst: dict[str, float]
) -> int:
    """Append piece after piece, the first of which tells the columns; keep their worst checks."""
    rows = 0
    for piece in pieces:
        worst.update(_worst([worst, piece.attrs]))
        with uninterrupted():
            if not file.variables:
                _create(file, piece)
            size = piece.sizes["mode"]
            file.resize_dimension("mode", rows + size)
            for name, column in piece.data_vars.items():
                file.variables[name][rows : rows + size] = column.values
        disk.check()
        rows += size
    return rows


def _create(file: h5netcdf.File, piece: xr.Dataset) -> None:
    file.dimensions = {"mode": None, "axis": 3}
    for name, column in piece.data_vars.items():
        variable = file.create_variable(
            name,
            column.dims,
            dtype=column.dtype,
            chunks=(_CHUNK, 3)[: column.ndim],
            compression="gzip",
            compression_opts=4,
            shuffle=True,
        )
        variable.attrs.update(column.attrs)
