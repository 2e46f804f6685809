"""Points of a batch: plain NumPy broadcasting of leading axes, worked off in chunks of bounded memory.

A point is one (k∥, ω). Blocks (..., n, m) and ω (...) broadcast against each other over their leading axes;
blocks that are shared by several ω are stored once and gathered only for the chunk that is being solved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import InputError

__all__ = [
    "Gathered",
    "adjoint",
    "angular_frequencies",
    "chunks",
    "gather",
    "mass_matrix",
    "points_shape",
    "run_length",
    "take",
]

CHUNK_BYTES = 12 * 2**20
"""Working memory of one chunk: large enough to hide Python's overhead, small enough for the cache."""
FEW_RUNS = 4
"""Runs of points with blocks of their own in a chunk, below which it is cheaper to take them one by one."""


@dataclass(frozen=True)
class Gathered:
    """Arrays stored once for each distinct leading index, and the row that each point uses.

    Attributes
    ----------
    rows : (B, ...) ndarray
        The distinct arrays.
    index : (P,) int
        Row of each of the P points of the batch.
    """

    rows: NDArray[Any]
    index: Integers

    def at(self, points: slice | Integers) -> NDArray[Any]:
        """Arrays of the chosen points, (p, ...)."""
        return take(self.rows, self.index[points])


def take(rows: NDArray[Any], index: Integers) -> NDArray[Any]:
    """Rows (p, ...) by their numbers (p,); one for all is not copied."""
    if index.size and (index == index[0]).all():
        return np.broadcast_to(rows[index[0]], (index.size, *rows.shape[1:]))
    return np.asarray(rows[index])


def adjoint(a: Complexes | Floats) -> Complexes:
    """Conjugate transpose of matrices (..., n, m)."""
    return np.asarray(np.conj(np.swapaxes(a, -1, -2)))


def mass_matrix(size: int, massless: int) -> Floats:
    """M: 1 on the diagonal, 0 for the last ``massless`` unknowns, (size, size)."""
    return np.diag(np.where(np.arange(size) < size - massless, 1.0, 0.0))


def angular_frequencies(omega: ArrayLike) -> Floats:
    """Check ω and return it as an array, rad/ps.

    Raises
    ------
    InputError
        If an ω is not a positive finite number.
    """
    w = np.asarray(omega, dtype=float)
    if w.size == 0 or not np.all(np.isfinite(w) & (w > 0)):
        bad = w[~(np.isfinite(w) & (w > 0))]
        found = f"are {bad[:3].tolist()}" if w.size else "are an empty list"
        raise InputError(
            f"`omega` must be positive finite numbers in rad/ps, but some {found}; start above 0"
        )
    return w


def points_shape(omega: Floats, *blocks: tuple[int, ...]) -> tuple[int, ...]:
    """Broadcast ω and the leading shapes of all blocks to the batch shape.

    Raises
    ------
    InputError
        If they do not broadcast.
    """
    try:
        return np.broadcast_shapes(omega.shape, *blocks)
    except ValueError:
        found = ", ".join(str(b) for b in sorted(set(blocks)))
        raise InputError(
            f"leading axes of `omega` {omega.shape} and of the blocks ({found}) must broadcast; "
            "give blocks (K, 1, n, n) with `omega` (K, W), or one ω for each block"
        ) from None


def gather(array: NDArray[Any], shape: tuple[int, ...], core: int) -> Gathered:
    """Store ``array`` by its distinct leading indices, for points of the given broadcast shape.

    Parameters
    ----------
    array : (..., core axes) ndarray
        Leading axes broadcast to ``shape``.
    shape : tuple of int
        Batch shape of the points.
    core : int
        Number of trailing axes that belong to one point.
    """
    lead = array.shape[: array.ndim - core]
    rows = array.reshape(prod(lead), *array.shape[array.ndim - core :])
    index = np.broadcast_to(np.arange(prod(lead)).reshape(lead), shape).reshape(-1)
    return Gathered(rows, index)


def run_length(shape: tuple[int, ...], *blocks: tuple[int, ...]) -> int:
    """Count the consecutive points of the batch shape that share all blocks: those of the trailing axes."""
    run = 1
    for axis in range(1, len(shape) + 1):
        if any(axis <= len(block) and block[-axis] > 1 for block in blocks):
            break
        run *= shape[-axis]
    return run


def chunks(points: int, bytes_per_point: int, run: int = 1) -> Iterator[slice]:
    """Slices of consecutive points that fit into the working memory of one chunk.

    Where only a few runs of points that share their blocks would fit, a chunk keeps to one, so that its
    blocks need not be copied.
    """
    step = max(1, CHUNK_BYTES // max(1, bytes_per_point))
    whole = run if step < FEW_RUNS * run else points
    for first in range(0, points, whole):
        end = min(first + whole, points)
        for start in range(first, end, step):
            yield slice(start, min(start + step, end))
