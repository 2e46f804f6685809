"""Lateral supercells: the primitive cells inside a common in-plane cell, and the k∥ that fold onto its own.

The rows of an integer matrix L give the common cell's vectors in units of a crystal's own a₁ and a₂. It
holds N = det L primitive cells, at the translations t of Z²/(Z²L). A wave vector with the fractional
coordinates κ in the common reciprocal cell has κ = L q in the crystal's, so that the N wave vectors
q = L⁻¹(κ + g), g in Z²/(LZ²), fold onto it.
"""

from itertools import product

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.errors import InputError

__all__ = ["cells_of", "check_lateral", "fold", "folding_vectors", "locate"]


def check_lateral(lateral: Integers) -> Integers:
    """Return L as a (2, 2) array of integers.

    Raises
    ------
    InputError
        If it is no such matrix, or not right-handed.
    """
    matrix = np.asarray(lateral)
    if matrix.shape != (2, 2) or np.any(matrix != np.rint(matrix)):
        raise InputError(f"a lateral cell must be a 2 x 2 matrix of integers, but is {matrix.tolist()}")
    matrix = np.rint(matrix).astype(np.int64)
    if _determinant(matrix) < 1:
        raise InputError(
            f"a lateral cell must be right-handed, but the determinant of {matrix.tolist()} is "
            f"{_determinant(matrix)}; exchange its rows"
        )
    return matrix


def cells_of(lateral: Integers) -> Integers:
    """Return the translations (N, 2) of the primitive cells inside the lateral cell, the origin first."""
    corners = np.array([[0, 0], lateral[0], lateral[1], lateral[0] + lateral[1]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    ranges = [range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    steps = np.array(list(product(*ranges)), dtype=np.int64)
    share = steps @ _adjugate(lateral)
    inside = steps[np.all((share >= 0) & (share < _determinant(lateral)), axis=1)]
    order = np.lexsort((inside[:, 1], inside[:, 0], np.any(inside != 0, axis=1)))
    return np.asarray(inside[order])


def locate(lateral: Integers, translation: Integers) -> tuple[Integers, Integers]:
    """Split translations t of a crystal into a cell of :func:`cells_of` and a translation of the common cell.

    Parameters
    ----------
    lateral : (2, 2) int
    translation : (..., 2) int
        In units of the crystal's own vectors.

    Returns
    -------
    index : (...) int
        Number of the cell.
    common : (..., 2) int
        R, in units of the common cell's vectors: t = cell + R L.
    """
    t = np.asarray(translation, dtype=np.int64)
    common = (t @ _adjugate(lateral)) // _determinant(lateral)
    rest = t - common @ lateral
    known = cells_of(lateral)
    low = known.min(axis=0)
    table = np.zeros(np.ptp(known, axis=0) + 1, dtype=np.int64)
    table[tuple((known - low).T)] = np.arange(len(known))
    return np.asarray(table[tuple(np.moveaxis(rest - low, -1, 0))]), np.asarray(common)


def folding_vectors(lateral: Integers) -> Integers:
    """Reciprocal vectors g (N, 2) of the common cell that make the crystal's k∥, zero first."""
    return cells_of(lateral.T)


def fold(lateral: Integers, wave_vectors: Floats) -> Floats:
    """k∥ of the crystal (K, N, 2) that fold onto k∥ (K, 2) of the common cell, all fractional."""
    k = np.asarray(wave_vectors, dtype=float)[:, None, :] + folding_vectors(lateral)
    return np.asarray(k @ np.linalg.inv(lateral).T)


def _determinant(matrix: Integers) -> int:
    return int(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])


def _adjugate(matrix: Integers) -> Integers:
    (a, b), (c, d) = matrix
    return np.array([[d, -b], [-c, a]], dtype=np.int64)
