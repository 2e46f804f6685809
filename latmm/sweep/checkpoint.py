"""What a sweep has found so far, in a Zarr store: a run that was stopped goes on where it stood.

An array for each sweep, named by the digest of its samples, with a row, and a chunk, for each task: [worst
(3), resolved, counts (3 K F)], filled up with NaN. A chunk that is missing reads as NaN, one that was cut
short fails its checksum: both count as not done. Only the process that runs the sweep writes.

The root holds the digests of everything that determines the result; a store of another problem is refused.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from ase import Atoms
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from latmm import __version__
from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.interface.interface import Interface
from latmm.sweep.tasks import Piece, Task

__all__ = ["Checkpoint", "digests"]

_HEAD = 4
"""Numbers of a row before the counts."""


def digests(interface: Interface) -> dict[str, str]:
    """Digests of all that determines the solution of a task, by name."""
    contact, slab, matched = interface.contact, interface.slab, interface.matched
    return {
        "left crystal": _digest(*_atoms(interface.left.atoms), interface.left.cells, interface.left.values),
        "right crystal": _digest(
            *_atoms(interface.right.atoms), interface.right.cells, interface.right.values
        ),
        "contact": _digest(
            *_atoms(contact.atoms),
            *(contact.first, contact.second, contact.cell, contact.values),
            *(slab.side, slab.layer, slab.cell, slab.member),
            *(matched.lateral_left, matched.lateral_right),
            np.array([interface.principal, interface.layers], dtype=np.int64),
        ),
        "version of latmm": __version__,
        "version of numpy": np.__version__,
    }


def _atoms(atoms: Atoms) -> tuple[Floats, ...]:
    return np.asarray(atoms.cell.array), atoms.get_positions(), atoms.get_masses()


def _digest(*arrays: NDArray[Any]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


class Checkpoint:
    """A store of pieces on disk; it comes into being with the first piece.

    Parameters
    ----------
    path : Path
        The folder of the store.
    problem : mapping
        Names and digests of what determines the result, e.g. of :func:`digests`.

    Raises
    ------
    InputError
        If the store belongs to another problem; the message says in what it differs. If there is something
        else in its place.
    """

    def __init__(self, path: Path, problem: Mapping[str, str]) -> None:
        self.path, self._problem = path, dict(problem)
        if not path.exists():
            return
        try:
            known = zarr.open_group(path, mode="r").attrs.get("problem")
        except (OSError, ValueError):
            if path.is_dir() and not any(path.glob("*/zarr.json")):
                return  # stopped before there was anything in it
            raise InputError(
                f"{path} is no store of a stopped run; remove it or name another output"
            ) from None
        if known is not None and known != self._problem:
            found = known if isinstance(known, dict) else {}
            changed = [name for name, value in problem.items() if found.get(name) != value]
            raise InputError(
                f"{path} holds a run that was stopped and differs in: {', '.join(changed)}; "
                "finish it with its own inputs, or start anew with --overwrite"
            )

    def begin(self, tasks: Sequence[Task]) -> "Stored":
        """Look up the sweep with these tasks."""
        name = _digest(
            *(array for task in tasks for array in (task.wave_vectors, task.weights, task.frequency)),
            np.array([task.common for task in tasks]),
        )[:16]
        return Stored(self.path, self._problem, name, tasks)

    def remove(self) -> None:
        """Delete the store: its run is done."""
        shutil.rmtree(self.path, ignore_errors=True)


class Stored:
    """The pieces of one sweep, in an array of the store."""

    def __init__(self, path: Path, problem: dict[str, str], name: str, tasks: Sequence[Task]) -> None:
        self._path, self._problem, self._name, self._tasks = path, problem, name, tasks
        self._width = _HEAD + 3 * max(task.samples for task in tasks)

    def load(self) -> dict[int, Piece]:
        """Read every piece that is whole, by the number of its task."""
        if not (self._path / self._name / "zarr.json").exists():
            return {}
        found = {}
        for number, task in enumerate(self._tasks):
            try:
                row = np.asarray(self._array[number], dtype=float)
            except (ValueError, RuntimeError):  # a chunk cut short
                continue
            counts: Floats = row[_HEAD : _HEAD + 3 * task.samples]
            if not np.isnan(row[:_HEAD]).any() and not np.isnan(counts).any():
                shape = (3, len(task.weights), task.frequency.size)
                found[number] = Piece(counts.reshape(shape), row[:3], int(row[3]))
        return found

    def save(self, number: int, piece: Piece) -> None:
        """Write the piece of a task."""
        row = np.full(self._width, np.nan)
        head = np.append(piece.worst, float(piece.resolved))
        row[: _HEAD + piece.counts.size] = np.concatenate([head, piece.counts.ravel()])
        self._array[number] = row

    @cached_property
    def _array(self) -> "zarr.Array":  # type: ignore[type-arg]
        root = zarr.open_group(self._path, mode="a")
        root.attrs["problem"] = self._problem
        return root.require_array(
            self._name,
            shape=(len(self._tasks), self._width),
            chunks=(1, self._width),
            dtype="float64",
            fill_value=float("nan"),
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
        )
