"""Where a phonon is in the bulk crystal: its first Brillouin zone, its branch, how longitudinal it is.

*First zone.* q is reduced to the Wigner-Seitz cell of the reciprocal lattice. On its boundary, where several
images are equally short, the one that reaches farthest along a fixed oblique direction is taken, so that the
choice depends on the crystal's orientation but not on its primitive cell.

*Branch.* Bands that cross cannot be told apart by ascending frequency. The branch of a phonon at q is defined
along the straight ray from Γ to q: at the first of :data:`RAY_STEPS` equal steps branches are numbered by
ascending frequency (0, 1, 2 the acoustic ones: slow and fast quasi-transverse, quasi-longitudinal), and from
step to step each band continues as the one whose eigenvector overlaps most, so that a band also passes
through another that repels it over less than a step. Degenerate bands keep their numbers as a group, in
ascending order. Labels on the whole zone cannot be continuous (acoustic sheets meet at conical points); a ray
fixes them all the same.

*Polarisation.* Longitudinal fraction Σ_i |q̂·e_i|² over the atoms of the cell, 1 for a longitudinal and 0 for
a transverse wave; at Γ, where q has no direction, the interface normal takes its place.
"""

from itertools import product

import numpy as np
from ase.geometry import minkowski_reduce
from scipy.optimize import linear_sum_assignment

from latmm.arrays import Complexes, Floats, Integers
from latmm.lattice.force_constants import ForceConstants
from latmm.units import TWO_PI

__all__ = ["RAY_STEPS", "branch_labels", "cartesian", "first_zone", "longitudinal_fraction"]

RAY_STEPS = 16
"""Steps from Γ to q: along a zone diameter of silicon bands that cross move by less than their distance."""
_TIE = 1e-9
"""Relative difference of |q|² below which two images count as equally short."""
_SAME_BAND = 1e-6
"""Difference of frequencies over the largest one below which bands are degenerate."""
_OBLIQUE = np.array([1.0, 0.61803, 0.32471])
"""Direction that decides between equally short images."""
_BATCH = 4096
"""Wave vectors solved at once: bounds the memory."""


def cartesian(force_constants: ForceConstants, qpoints: Floats) -> Floats:
    """Cartesian wave vectors (..., 3), Å⁻¹ (2π included), of fractional ones."""
    return np.asarray(TWO_PI * qpoints @ force_constants.atoms.cell.reciprocal().array)


def first_zone(force_constants: ForceConstants, qpoints: Floats) -> Floats:
    """Reduce wave vectors to the first Brillouin zone.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal in its primitive cell.
    qpoints : (Q, 3) float
        Fractional wave vectors.

    Returns
    -------
    (Q, 3) ndarray
        Fractional; equivalent to ``qpoints`` and nowhere farther from Γ than an image of it.
    """
    reciprocal = force_constants.atoms.cell.reciprocal().array
    reduced, change = minkowski_reduce(reciprocal)
    # fractional coordinates in the reduced basis, where every nearest image is at most one step away
    q = np.asarray(qpoints, dtype=float) @ np.linalg.inv(change)
    q = q - np.rint(q)
    steps = np.array(list(product((-1, 0, 1), repeat=3)))
    images = q[:, None, :] + steps
    vectors = images @ reduced
    square = (vectors**2).sum(axis=-1)
    scale = float(np.linalg.norm(reduced[0]))
    nearest = square <= square.min(axis=1, keepdims=True) + _TIE * scale**2
    reach = np.where(nearest, vectors @ _OBLIQUE, -np.inf)
    chosen = np.argmax(reach, axis=1)
    return np.asarray(images[np.arange(len(q)), chosen] @ change)


def branch_labels(force_constants: ForceConstants, qpoints: Floats) -> Integers:
    """Branch of every phonon at given wave vectors of the first zone.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal, N atoms, B = 3N branches.
    qpoints : (Q, 3) float
        Fractional wave vectors in the first zone.

    Returns
    -------
    (Q, B) int ndarray
        Branch of the phonons in ascending order of frequency at q.
    """
    q = np.atleast_2d(np.asarray(qpoints, dtype=float))
    parts = [_labels(force_constants, q[start : start + _BATCH]) for start in range(0, len(q), _BATCH)]
    size = 3 * len(force_constants.atoms)
    return np.concatenate(parts) if parts else np.zeros((0, size), dtype=np.int64)


def _labels(force_constants: ForceConstants, q: Floats) -> Integers:
    """Follow the bands of a batch of rays outwards."""
    labels = np.tile(np.arange(3 * len(force_constants.atoms)), (len(q), 1))
    before: Complexes | None = None
    for step in range(1, RAY_STEPS + 1):
        squares, vectors = np.linalg.eigh(force_constants.dynamical_matrix(q * (step / RAY_STEPS)))
        if before is not None:
            overlap = np.abs(np.swapaxes(before.conj(), -1, -2) @ vectors) ** 2
            labels = _shared_out(np.take_along_axis(labels, _continuation(overlap), axis=1), squares)
        before = vectors
    return labels


def _shared_out(labels: Integers, squares: Floats) -> Integers:
    """Put the labels (Q, B) of bands whose frequencies are equal in ascending order."""
    omega = np.sqrt(np.abs(squares))
    group = np.zeros(labels.shape, dtype=np.int64)
    group[:, 1:] = np.cumsum(np.diff(omega, axis=1) > _SAME_BAND * omega.max(initial=0.0), axis=1)
    return np.asarray(np.take_along_axis(labels, np.lexsort((labels, group), axis=1), axis=1))


def _continuation(overlap: Floats) -> Integers:
    """Old band (Q, B) that each new band continues, from overlaps (Q, B old, B new)."""
    best = np.argmax(overlap, axis=1)
    clash = np.any(np.diff(np.sort(best, axis=1), axis=1) == 0, axis=1)
    for i in np.flatnonzero(clash):
        old, new = linear_sum_assignment(-overlap[i])
        best[i, new] = old
    return np.asarray(best, dtype=np.int64)


def longitudinal_fraction(wave_vectors: Floats, eigenvectors: Complexes) -> Floats:
    """Longitudinal fraction of phonons.

    Parameters
    ----------
    wave_vectors : (Q, 3) float
        Cartesian, in the first zone.
    eigenvectors : (Q, 3N, B) complex
        Orthonormal columns in the position gauge.

    Returns
    -------
    (Q, B) ndarray
        In [0, 1].
    """
    length = np.linalg.norm(wave_vectors, axis=-1, keepdims=True)
    direction = np.divide(
        wave_vectors, length, out=np.tile([0.0, 0.0, 1.0], (len(wave_vectors), 1)), where=length > 1e-12
    )
    count, size, branches = eigenvectors.shape
    along = np.einsum("qc,qicb->qib", direction, eigenvectors.reshape(count, size // 3, 3, branches))
    return np.asarray((along.real**2 + along.imag**2).sum(axis=1))
