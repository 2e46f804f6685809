"""What a run has found so far, in a Zarr store: one that was stopped goes on where it stood.

An array for each sweep, named by the digest of its samples, with a row, and a chunk, for each task: [1, worst
(3), retried, counts (3 K F)], filled up with NaN. A chunk that is missing reads as NaN and does not begin
with 1, one that was cut short fails its checksum: both count as not done. Only the process that runs the
sweep writes. Other studies keep rows of numbers of their own. Nothing in it is ever unpickled.

The root holds the digests of everything that determines the result; a store of another problem is refused.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import zarr
from ase import Atoms
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from latmm import __version__
from latmm.arrays import Floats
from latmm.errors import InputError, OutputError
from latmm.files import begin_store, check_store, remove_store, uninterrupted
from latmm.interface.interface import Interface
from latmm.sweep.tasks import Piece, Task

__all__ = ["Checkpoint", "Rows", "Stored", "digest", "digests"]

_HEAD = 4
"""Numbers of a piece before its counts."""
_KEPT = 1.0
"""What the row of something that was found begins with."""


def digests(interface: Interface) -> dict[str, str]:
    """Digests of all that determines the solution of a task, by name."""
    contact, slab, matched = interface.contact, interface.slab, interface.matched
    return {
        "left crystal": digest(*_atoms(interface.left.atoms), interface.left.cells, interface.left.values),
        "right crystal": digest(
            *_atoms(interface.right.atoms), interface.right.cells, interface.right.values
        ),
        "contact": digest(
            *_atoms(contact.atoms),
            *(contact.first, contact.second, contact.cell, contact.values),
            *(slab.side, slab.layer, slab.cell, slab.member),
            *(matched.lateral_left, matched.lateral_right),
            np.array([interface.principal, interface.layers], dtype=np.int64),
        ),
        "version of latmm": __version__,
        "version of numpy": np.__version__,
        "version of scipy": scipy.__version__,
    }


def _atoms(atoms: Atoms) -> tuple[NDArray[Any], ...]:
    return np.asarray(atoms.cell.array), atoms.get_positions(), atoms.get_masses(), atoms.numbers


def digest(*arrays: NDArray[Any]) -> str:
    """Digest of arrays, their shapes and types."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


class Checkpoint:
    """A store on disk of what is found; it comes into being with the first thing that is kept.

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
        if not check_store(path):
            return
        try:
            known = zarr.open_group(path, mode="r").attrs.get("problem")
        except (OSError, ValueError):
            if not any(path.glob("*/zarr.json")):
                (path / "zarr.json").unlink(missing_ok=True)
                return  # stopped before there was anything in it
            raise InputError(
                f"{path} is no store of a stopped run; remove it or name another output"
            ) from None
        if known is not None and known != self._problem:
            found = known if isinstance(known, dict) else {}
            names = dict.fromkeys([*self._problem, *found])
            changed = [name for name in names if found.get(name) != self._problem.get(name)]
            raise InputError(
                f"{path} holds a run that was stopped and differs in: {', '.join(changed)}; "
                "finish it with its own inputs, or start anew with --overwrite"
            )

    def rows(self, name: str, count: int, width: int) -> "Rows":
        """Look up the rows of numbers kept under a name.

        Parameters
        ----------
        name : str
            Of a file.
        count, width : int
            Number of rows, and of the numbers in the longest.
        """
        return Rows(self.path, self._problem, name, (count, width))

    def begin(self, tasks: Sequence[Task]) -> "Stored":
        """Look up the sweep with these tasks."""
        name = digest(
            *(array for task in tasks for array in (task.wave_vectors, task.weights, task.frequency)),
            np.array([task.common for task in tasks]),
        )[:16]
        width = _HEAD + 3 * max(task.samples for task in tasks)
        return Stored(self.rows(name, len(tasks), width), tasks)

    def remove(self) -> None:
        """Delete the store: its run is done."""
        remove_store(self.path)


class Rows:
    """Rows of numbers by number of an item, in an array of the store."""

    def __init__(self, path: Path, problem: dict[str, str], name: str, shape: tuple[int, int]) -> None:
        self._path, self._problem, self._name = path, problem, name
        self._shape = (shape[0], 1 + shape[1])

    def load(self) -> dict[int, Floats]:
        """Read every row that is whole, by its number; shorter ones are filled up with NaN."""
        if not (self._path / self._name / "zarr.json").exists():
            return {}
        found = {}
        for number in range(self._shape[0]):
            try:
                row = np.asarray(self._array[number], dtype=float)
            except (ValueError, RuntimeError):  # a chunk cut short
                continue
            if row[0] == _KEPT:
                found[number] = row[1:]
        return found

    def save(self, number: int, row: Floats) -> None:
        """Keep a row.

        Raises
        ------
        OutputError
            If it cannot be written; what was kept before stays.
        """
        kept = np.full(self._shape[1], np.nan)
        kept[0], kept[1 : 1 + row.size] = _KEPT, row
        try:
            with uninterrupted():
                self._array[number] = kept
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error

    @cached_property
    def _array(self) -> "zarr.Array":  # type: ignore[type-arg]
        begin_store(self._path)
        root = zarr.open_group(self._path, mode="a")
        if "problem" not in root.attrs:
            root.attrs["problem"] = self._problem
        return root.require_array(
            self._name,
            shape=self._shape,
            chunks=(1, self._shape[1]),
            dtype="float64",
            fill_value=float("nan"),
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
        )


class Stored:
    """The pieces of one sweep in the store."""

    def __init__(self, rows: Rows, tasks: Sequence[Task]) -> None:
        self._rows, self._tasks = rows, tasks

    def load(self) -> dict[int, Piece]:
        """Read every piece that is whole, by the number of its task."""
        found = {}
        for number, row in self._rows.load().items():
            task = self._tasks[number]
            counts = row[_HEAD : _HEAD + 3 * task.samples]
            shape = (3, len(task.weights), task.frequency.size)
            found[number] = Piece(counts.reshape(shape), row[:3], int(row[3]))
        return found

    def save(self, number: int, piece: Piece) -> None:
        """Write the piece of a task."""
        head = np.append(piece.worst, float(piece.retried))
        self._rows.save(number, np.concatenate([head, piece.counts.ravel()]))
