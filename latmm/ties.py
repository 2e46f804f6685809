"""Choices among equals: what rounding leaves undecided is decided by a rule, the same on every machine.

A sort by numbers that should be equal, or a number that should be exactly one half, is decided by the last
bit, and so by the processor. Here numbers that differ by less than a tolerance are equal first; then a stated
rule decides between them (``docs/interface.md`` lists all of them).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Complexes, Floats, Integers

__all__ = ["canonical_turn", "classes", "nearest_whole", "ordered", "phase", "smallest", "wrapped"]

HALF = 1e-6
"""Fractions of a period closer than this to a boundary lie on it."""
_CUT = 1e-9
"""The same of a phase, in units of π: phases of modes are separated by much more."""


def classes(values: ArrayLike, tolerance: float) -> Integers:
    """Rank values (N,), those of neighbouring size that differ by at most the tolerance alike.

    Sorted values are cut into classes where they step by more than the tolerance: no class ends between two
    values that rounding has moved apart.
    """
    found = np.asarray(values, dtype=float)
    order = np.argsort(found, kind="stable")
    rank = np.zeros(found.size, dtype=np.int64)
    rank[order[1:]] = np.cumsum(np.diff(found[order]) > tolerance)
    return rank


def ordered(*keys: ArrayLike) -> Integers:
    """Order (N,) by several integer keys (N,), the first one first; what they leave equal keeps its order."""
    return np.asarray(np.lexsort([np.asarray(key) for key in keys[::-1]]), dtype=np.int64)


def smallest(rows: ArrayLike, tolerance: float | Sequence[float]) -> int:
    """Find the smallest of rows (N, M): by the first column, of equal ones by the second, and so on."""
    columns = np.asarray(rows, dtype=float).reshape(len(np.asarray(rows)), -1).T
    limits = np.broadcast_to(np.asarray(tolerance, dtype=float), len(columns))
    return int(ordered(*(classes(c, limit) for c, limit in zip(columns, limits, strict=True)))[0])


def nearest_whole(values: ArrayLike) -> Floats:
    """Nearest whole number of each value, of two as near the lower: values minus it lie in (−½, ½]."""
    return np.asarray(np.ceil(np.asarray(values, dtype=float) - 0.5 - HALF))


def wrapped(fractions: ArrayLike) -> Floats:
    """Fractions modulo 1 in [0, 1), those within :data:`HALF` below a whole number next to 0, not to 1."""
    found = np.asarray(fractions, dtype=float)
    return np.asarray(found - np.floor(found + HALF))


def phase(values: Complexes) -> Floats:
    """Phase of complex numbers in (−π, π], negative ones within rounding of the real axis at π."""
    found = np.angle(values)
    return np.asarray(np.where(found < -np.pi * (1.0 - _CUT), found + 2.0 * np.pi, found))


def canonical_turn(vectors: Complexes, *, tolerance: float = 1e-6) -> Complexes:
    """Unitary matrix (s, s) that brings s vectors (n, s) of a degenerate group, or one, to a fixed form.

    The row in which the group is largest, of equal ones the first, is made real and positive in the first
    vector and zero in the others; the rest likewise. The form does not depend on the vectors that span the
    group, as long as they are orthonormal in some metric.
    """
    turned = np.array(vectors, dtype=complex)
    turn = np.eye(turned.shape[1], dtype=complex)
    for number in range(turned.shape[1]):
        rest = turned[:, number:]
        size = np.linalg.norm(rest, axis=1)
        row = int(np.flatnonzero(size >= size.max() * (1.0 - tolerance))[0])
        if size[row] == 0.0:
            break
        # Householder's reflection that takes the row to its length on the first vector, times a phase
        target = rest[row].conj() / size[row]
        sign = target[0] / abs(target[0]) if abs(target[0]) > 0.0 else 1.0
        mirror = target.copy()
        mirror[0] += sign
        reflection = (
            np.eye(len(target)) - 2.0 * np.outer(mirror, mirror.conj()) / np.vdot(mirror, mirror).real
        )
        reflection[:, 0] *= -sign
        turn[:, number:] = turn[:, number:] @ reflection
        turned[:, number:] = rest @ reflection
    return turn
