"""What a run has found so far, in a Zarr store: one that was stopped goes on where it stood.

An array for each sweep, named by the sizes of its tasks, with a row, and a chunk, for each task: [1, worst
(3), retried, values], filled up with NaN. A chunk that is missing reads as NaN and does not begin
with 1, one that was cut short fails its checksum: both count as not done. Only the process that runs the
sweep writes. Other studies keep rows of numbers of their own. Nothing in it is ever unpickled.

The store also holds what determines the result; that of another problem is refused. Integers, words and
options are compared by digest. Numbers that are computed (:class:`Physics`) are kept themselves and compared
within a tolerance: another processor, or another version of NumPy, rounds them differently, and goes on with
the same store.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import zarr
from ase import Atoms
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from latmm import __version__
from latmm.arrays import Floats, Integers
from latmm.errors import InputError, OutputError
from latmm.files import begin_store, check_store, remove_store, uninterrupted
from latmm.interface.interface import Interface
from latmm.lattice.force_constants import ForceConstants
from latmm.sweep.tasks import TRANSMISSION, Piece

if TYPE_CHECKING:
    from latmm.sweep.driver import Item

__all__ = ["Checkpoint", "Physics", "Problem", "Rows", "Stored", "digest", "digests"]

_HEAD = 4
"""Numbers of a piece before its counts."""
_KEPT = 1.0
"""What the row of something that was found begins with."""


_SAME_PLACE = 1e-5
"""Positions and cells that differ by less are the same, Å: relaxation stops that far from the minimum."""
_SAME_SPRING = 1e-5
"""Force constants that differ by less are the same, in units of the largest."""
_SAME_CHARGE = 1e-6
"""Born charges (e), dielectric tensors and Λ (Å⁻¹) that differ by less are the same: they are read."""
_SAME_MASS = 1e-9
"""Relative difference of masses below which they are the same: they are read, not computed."""
_SAME_SAMPLE = 1e-6
"""Relative difference of frequencies, and of k∥ and weights to the largest, below which they are the same."""


@dataclass(frozen=True)
class Physics:
    """Numbers that determine a result, the same as others if none differs by more than a tolerance.

    Attributes
    ----------
    values : (M, ...) float
        A row for each key.
    tolerance : float
        Absolute.
    keys : (M, k) int, optional
        Without repetition, in any order; by default 0, 1, … A key that is missing stands for zeros.
    """

    values: Floats
    tolerance: float
    keys: Integers | None = None

    @property
    def table(self) -> Floats:
        """Keys and values side by side, (M, k + …)."""
        rows = np.asarray(self.values, dtype=float).reshape(len(self.values), -1)
        keys = np.arange(len(rows))[:, None] if self.keys is None else self.keys
        return np.column_stack([np.asarray(keys, dtype=float), rows])

    def agrees(self, other: Floats) -> bool:
        """Whether another :attr:`table` holds the same."""
        own, width = self.table, 1 if self.keys is None else self.keys.shape[1]
        if other.shape[1] != own.shape[1] or not np.isfinite(other).all():
            return False
        tables = np.concatenate([own, other])
        _, place = np.unique(np.rint(tables[:, :width]), axis=0, return_inverse=True)
        difference = np.zeros((place.max(initial=-1) + 1, own.shape[1] - width))
        signs = np.repeat([1.0, -1.0], [len(own), len(other)])
        np.add.at(difference, place.ravel(), signs[:, None] * tables[:, width:])
        return bool(np.abs(difference).max(initial=0.0) <= self.tolerance)


Part: TypeAlias = str | Physics
Problem: TypeAlias = Mapping[str, str | Sequence[Part]]
"""Name → what determines the result: a digest, or several digests and numbers."""


def digests(interface: Interface) -> dict[str, str | Sequence[Part]]:
    """All that determines the solution of a task, by name."""
    contact, slab, matched = interface.contact, interface.slab, interface.matched
    return {
        "left crystal": _crystal(interface.left),
        "right crystal": _crystal(interface.right),
        "contact": [
            *_atoms(contact.atoms),
            Physics(
                contact.values,
                _SAME_SPRING * contact.scale,
                np.column_stack([contact.first, contact.second, contact.cell]),
            ),
            digest(
                *(slab.side, slab.layer, slab.cell, slab.member),
                *(matched.lateral_left, matched.lateral_right),
                np.array([interface.principal, interface.layers], dtype=np.int64),
            ),
        ],
        "version of latmm": __version__,
    }


def _crystal(crystal: ForceConstants) -> list[Part]:
    return [
        *_atoms(crystal.atoms),
        Physics(crystal.values, _SAME_SPRING * crystal.scale, crystal.cells),
        *_dipoles(crystal),
    ]


def _dipoles(crystal: ForceConstants) -> list[Part]:
    """Charges and dielectric tensor, of a polar crystal whose dipoles are treated."""
    if crystal.dipoles is None:
        return []
    found = crystal.dipoles
    rows = np.concatenate([found.charges.reshape(-1, 3), found.dielectric, [[found.screening, 0.0, 0.0]]])
    return [Physics(rows, _SAME_CHARGE)]


def _atoms(atoms: Atoms) -> list[Part]:
    return [
        digest(atoms.numbers),
        Physics(np.asarray(atoms.cell.array), _SAME_PLACE),
        Physics(atoms.get_positions(), _SAME_PLACE),
        Physics(np.log(atoms.get_masses()), _SAME_MASS),
    ]


def samples(frequency: Floats, weight: Floats | None = None) -> list[Physics]:
    """Frequencies (F,), THz, and weights, which may be those of wave vectors, as part of a problem."""
    found = [Physics(np.log(frequency), _SAME_SAMPLE)]
    if weight is not None:
        found.append(Physics(weight, _SAME_SAMPLE * float(np.max(np.abs(weight)))))
    return found


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
        What determines the result, by name, e.g. of :func:`digests`.

    Raises
    ------
    InputError
        If the store belongs to another problem; the message says in what it differs. If there is something
        else in its place.
    """

    def __init__(self, path: Path, problem: Problem) -> None:
        self.path, self._problem = path, dict(problem)
        if not check_store(path):
            return
        try:
            root = zarr.open_group(path, mode="r")
            known = root.attrs.get("problem")
        except (OSError, ValueError):
            if not any(path.glob("*/zarr.json")):
                (path / "zarr.json").unlink(missing_ok=True)
                return  # stopped before there was anything in it
            raise InputError(
                f"{path} is no store of a stopped run; remove it or name another output"
            ) from None
        if known is None:
            return
        found = known if isinstance(known, dict) else {}
        own = _exact(self._problem)
        names = dict.fromkeys([*own, *found])
        changed = [
            name
            for name in names
            if found.get(name) != own.get(name) or not _agree(root, name, self._problem[name])
        ]
        if changed:
            raise InputError(
                f"{path} holds a run that was stopped and differs in: {', '.join(changed)}; "
                "finish it with its own inputs, or start anew (`restart`)"
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

    def begin(
        self, items: "Sequence[Item]", shapes: Sequence[tuple[int, ...]] | None = None, kind: str = ""
    ) -> "Stored":
        """Look up the pieces of these items.

        Parameters
        ----------
        items : sequence of Item
            The tasks of a sweep, or other work of the driver.
        shapes : sequence of tuple of int, optional
            Of the values of each; by default those of :data:`latmm.sweep.tasks.TRANSMISSION`.
        kind : str
            What tells the work from others on the same items.
        """
        if shapes is None:
            shapes = [(TRANSMISSION.quantities, item.samples) for item in items]
        sizes = digest(
            *(array for item in items for array in item.integers),
            np.array([int(np.prod(shape)) for shape in shapes]),
            np.frombuffer(kind.encode(), dtype=np.uint8),
        )
        parts = [
            Physics(np.concatenate([item.wave_vectors for item in items]), _SAME_SAMPLE),
            *samples(
                np.concatenate([item.scales for item in items]),
                np.concatenate([item.weights for item in items]),
            ),
        ]
        width = _HEAD + max(int(np.prod(shape)) for shape in shapes)
        for number in count():
            name = f"{sizes[:12]}{number:04x}"
            if not (self.path / _place(name, 0)).exists() or _agree(
                zarr.open_group(self.path, mode="r"), name, parts
            ):
                break
        rows = Rows(self.path, self._problem, name, (len(items), width), parts)
        return Stored(rows, shapes)

    def remove(self) -> None:
        """Delete the store: its run is done."""
        remove_store(self.path)


def _exact(problem: Problem) -> dict[str, str]:
    """Digests of what of a problem is compared exactly, by name."""
    return {
        name: what
        if isinstance(what, str)
        else digest(*(np.frombuffer(part.encode(), dtype=np.uint8) for part in what if isinstance(part, str)))
        for name, what in problem.items()
    }


def _numbers(what: str | Sequence[Part]) -> list[Physics]:
    return [] if isinstance(what, str) else [part for part in what if isinstance(part, Physics)]


def _place(name: str, number: int) -> str:
    """Name of the array that keeps the numbers of a part."""
    return hashlib.sha256(f"{name}: {number}".encode()).hexdigest()[:16]


def _agree(root: "zarr.Group", name: str, what: str | Sequence[Part]) -> bool:
    """Whether the store holds the same numbers."""
    for number, part in enumerate(_numbers(what)):
        try:
            array: Any = root[_place(name, number)]
            kept = np.asarray(array[...], dtype=float).reshape(-1, int(array.attrs["columns"]))
        except (KeyError, ValueError, RuntimeError):  # missing, or cut short
            return False
        if not part.agrees(kept):
            return False
    return True


def _keep(root: "zarr.Group", name: str, what: str | Sequence[Part]) -> None:
    """Write the numbers of a part."""
    for number, part in enumerate(_numbers(what)):
        table = part.table
        array = root.create_array(
            _place(name, number),
            shape=(table.size,),
            dtype="float64",
            fill_value=float("nan"),
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
            overwrite=True,
        )
        array.attrs["columns"] = table.shape[1]
        array[...] = table.ravel()


class Rows:
    """Rows of numbers by number of an item, in an array of the store."""

    def __init__(
        self, path: Path, problem: Problem, name: str, shape: tuple[int, int], parts: Sequence[Part] = ()
    ) -> None:
        self._path, self._problem, self._name, self._parts = path, problem, name, parts
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
            for name, what in self._problem.items():
                _keep(root, name, what)
            root.attrs["problem"] = _exact(self._problem)
        if not (self._path / self._name / "zarr.json").exists():
            _keep(root, self._name, self._parts)
        return root.require_array(
            self._name,
            shape=self._shape,
            chunks=(1, self._shape[1]),
            dtype="float64",
            fill_value=float("nan"),
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
        )


class Stored:
    """The pieces of one run of the driver in the store."""

    def __init__(self, rows: Rows, shapes: Sequence[tuple[int, ...]]) -> None:
        self._rows, self._shapes = rows, shapes

    def load(self) -> dict[int, Piece]:
        """Read every piece that is whole, by the number of its item."""
        found = {}
        for number, row in self._rows.load().items():
            shape = self._shapes[number]
            values = row[_HEAD : _HEAD + int(np.prod(shape))].reshape(shape)
            # a piece may have fewer than the shape says: the others were never written
            unwritten = np.isnan(values).reshape(len(values), -1).all(axis=1)
            found[number] = Piece(values[~unwritten], row[:3], int(row[3]))
        return found

    def save(self, number: int, piece: Piece) -> None:
        """Write the piece of an item."""
        head = np.append(piece.worst, float(piece.retried))
        self._rows.save(number, np.concatenate([head, piece.values.ravel()]))
