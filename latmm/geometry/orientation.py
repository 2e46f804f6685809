"""Orient a crystal to a plane: the thinnest primitive cell with two vectors in the plane.

A plane (hkl) of the conventional cell is an integer vector p in the reciprocal lattice of the primitive cell.
A unimodular matrix turns the primitive vectors into a₁, a₂ with p·a = 0 (Gauss-reduced) and a₃ with p·a = 1
(the shortest): the oblique cell one lattice plane thick. a₁ is laid along x, the normal along z.

Symmetry often leaves several such cells. Of the shortest vectors in the plane a₁ is the one with the fewest
nonzero indices in the conventional cell, and of these the one whose indices are largest, the first one
counting most; a₂ follows from the hand. Of equally short a₃ the one with the largest x is taken, then y. Of
equally wide gaps the cell is cut in that above which the crystal comes first in the order of height, atomic
number, mass and in-plane place relative to the lowest atom.
"""

from math import gcd

import numpy as np
from ase import Atoms

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.lattice.space_group import conventional_vectors, primitive_cell
from latmm.ties import classes, nearest_whole, ordered, smallest, wrapped

__all__ = ["LARGEST_INDEX", "gauss_reduce", "orient"]

LARGEST_INDEX = 50
"""Largest Miller index of a plane, common factors removed: lattice planes are then some 0.05 Å apart, and
force constants of 5 Å join a hundred of them."""
_EQUAL = 1e-6
"""Lengths (Å) and heights (fractions of a layer) that differ by less are equal."""
_SHORT = 1e-9
"""Relative difference of squared lengths below which in-plane vectors are equally long."""


def orient(atoms: Atoms, normal: tuple[int, int, int]) -> Atoms:
    """Primitive cell with the plane (hkl) in xy, cut at its widest gap between atomic planes.

    Parameters
    ----------
    atoms : ase.Atoms
        The crystal, any cell.
    normal : (3,) int
        Miller indices of the plane with respect to the standard conventional cell.

    Returns
    -------
    ase.Atoms
        a₁ along x, a₂ in xy, a₃ with positive z; fractional z of the atoms in (0, 1), ascending.

    Raises
    ------
    InputError
        If the indices are not three integers, all zero, or larger than :data:`LARGEST_INDEX`.
    """
    if len(normal) != 3 or any(int(i) != i for i in normal) or not any(normal):
        raise InputError(f"a plane needs three Miller indices, not all zero, but is {normal}; use e.g. 0 0 1")
    divisor = gcd(*(int(i) for i in normal))
    coprime = [int(i) // divisor for i in normal]
    if max(abs(i) for i in coprime) > LARGEST_INDEX:
        raise InputError(
            f"the lattice planes {normal} lie too close to each other for an interface; use Miller indices "
            f"up to {LARGEST_INDEX}"
        )
    primitive = primitive_cell(atoms)
    lattice = primitive.cell.array
    conventional = conventional_vectors(primitive)
    plane = _primitive_indices(np.array(coprime), conventional)
    basis = _plane_basis(plane)
    vectors = _in_plane(basis, lattice, conventional)
    upward = np.cross(*vectors)
    x = vectors[0] / np.linalg.norm(vectors[0])
    z = upward / np.linalg.norm(upward)
    rotation = np.array([x, np.cross(z, x), z]).T
    third = _shorten(basis[2] @ lattice, vectors, rotation)
    oriented = Atoms(
        numbers=primitive.numbers,
        masses=primitive.get_masses(),
        cell=np.vstack([vectors, third]) @ rotation,
        positions=primitive.get_positions() @ rotation,
        pbc=True,
    )
    cell = oriented.cell.array.copy()
    cell[0, 1:] = cell[1, 2] = 0.0
    oriented.set_cell(cell + 0.0)
    return _cut_at_widest_gap(oriented)


def gauss_reduce(vectors: Floats) -> Floats:
    """Reduce two lattice vectors (2, d) to the shortest pair with an angle between 90° and 120°.

    Of equally short pairs that is taken whose first vector has the largest x, then y (then z), then the
    second: the result depends on the lattice alone. The tolerance decides ties of hexagonal and square
    lattices, where exact comparisons would not end.
    """
    pairs = _reduced_pairs(np.asarray(vectors, dtype=float))
    return np.asarray(pairs[smallest(-pairs.reshape(len(pairs), -1), _EQUAL)])


def _reduced_pairs(vectors: Floats) -> Floats:
    """All shortest pairs (K, 2, d) of a lattice with an angle from 90° to 120°, the shorter vector first."""
    a, b = vectors
    while True:
        if b @ b < a @ a * (1.0 - _SHORT):
            a, b = b, a
        steps = np.rint((a @ b) / (a @ a) * (1.0 - _SHORT))
        if steps == 0:
            break
        b = b - steps * a
    choices = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j])
    squares = ((choices @ np.array([a, b])) ** 2).sum(axis=1)
    limits = np.array([a @ a, b @ b]) * (1.0 + 10 * _SHORT)
    pairs = np.array(
        [
            [choices[i], choices[j]]
            for i in np.flatnonzero(squares <= limits[0])
            for j in np.flatnonzero(squares <= limits[1])
            if abs(np.linalg.det(choices[[i, j]])) > 0.5
        ]
    ) @ np.array([a, b])
    return np.asarray(pairs[(pairs[:, 0] * pairs[:, 1]).sum(axis=1) <= 10 * _SHORT * (a @ a)])


def _in_plane(basis: Integers, lattice: Floats, conventional: Integers) -> Floats:
    """a₁ and a₂ (2, 3) of a plane, right-handed with its own normal up."""
    pairs = _reduced_pairs(basis[:2] @ lattice)
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[np.cross(pairs[:, 0], pairs[:, 1]) @ (basis[2] @ lattice) > 0]
    # in units of the conventional cell's vectors, times a number that makes all of them whole
    size = round(abs(float(np.linalg.det(conventional))))
    steps = np.rint(pairs[:, 0] @ np.linalg.inv(conventional @ lattice) * size).astype(np.int64)
    length = classes(np.linalg.norm(pairs[:, 0], axis=1), _EQUAL)
    return np.asarray(pairs[ordered(length, np.count_nonzero(steps, axis=1), *(-steps.T))[0]])


def _shorten(third: Floats, plane: Floats, rotation: Floats) -> Floats:
    """Subtract vectors of the plane from ``third`` so that it becomes shortest."""
    start = third - nearest_whole(np.linalg.lstsq(plane.T, third, rcond=None)[0]) @ plane
    choices = start + np.array([[i, j] for i in (0, -1, 1) for j in (0, -1, 1)]) @ plane
    rows = np.column_stack([np.linalg.norm(choices, axis=1), -(choices @ rotation)[:, :2]])
    return np.asarray(choices[smallest(rows, _EQUAL)])


def _primitive_indices(normal: Integers, conventional: Integers) -> Integers:
    """Plane (hkl) of the conventional cell as coprime indices of the primitive cell."""
    fractions = np.linalg.solve(conventional, normal)
    scaled = np.rint(fractions * round(abs(np.linalg.det(conventional)))).astype(np.int64)
    return np.asarray(scaled // gcd(*(int(i) for i in scaled)))


def _plane_basis(plane: Integers) -> Integers:
    """Unimodular rows v₁, v₂, v₃ with plane·v₁ = plane·v₂ = 0 and plane·v₃ = 1."""
    h, k, m = (int(i) for i in plane)
    if k == 0 and m == 0:
        return np.array([[0, 1, 0], [0, 0, 1], [h, 0, 0]])
    g, p, q = _bezout(k, m)
    _, u, w = _bezout(h, g)
    return np.array([[0, m // g, -k // g], [g, -h * p, -h * q], [u, w * p, w * q]])


def _bezout(a: int, b: int) -> tuple[int, int, int]:
    """Return g = gcd(a, b) > 0 and x, y with a x + b y = g (extended Euclid)."""
    x0, y0, x1, y1 = 1, 0, 0, 1
    while b:
        quotient, rest = divmod(a, b)
        a, b = b, rest
        x0, x1 = x1, x0 - quotient * x1
        y0, y1 = y1, y0 - quotient * y1
    return (a, x0, y0) if a > 0 else (-a, -x0, -y0)


def _cut_at_widest_gap(atoms: Atoms) -> Atoms:
    """Shift and sort the atoms so that the cell's boundary lies in the widest gap between atomic planes."""
    fractional = atoms.get_scaled_positions(wrap=False)
    heights = np.sort(wrapped(fractional[:, 2]))
    gaps = np.append(np.diff(heights), heights[0] + 1.0 - heights[-1])
    widest = np.flatnonzero(gaps > gaps.max() - _EQUAL)
    cuts = [_cut_at(atoms, fractional, heights[i] + 0.5 * gaps[i]) for i in widest]
    return cuts[smallest(np.array([_upwards(cut) for cut in cuts]), _EQUAL)]


def _cut_at(atoms: Atoms, fractional: Floats, height: float) -> Atoms:
    """Cut a crystal at a height, a fraction of its layer; its atoms upwards, those of one height by y, x."""
    places = np.column_stack([wrapped(fractional[:, :2]), (fractional[:, 2] - height) % 1.0])
    order = ordered(*(classes(places[:, axis], _EQUAL) for axis in (2, 1, 0)))
    cut = atoms[order]
    cut.set_scaled_positions(places[order])
    return cut


def _upwards(cut: Atoms) -> Floats:
    """List the atoms relative to the lowest one: tells cuts of one crystal apart, whatever its origin."""
    places = cut.get_scaled_positions(wrap=False)
    relative = places - places[0]
    relative[:, :2] = wrapped(relative[:, :2])
    order = ordered(classes(relative[:, 2], _EQUAL), cut.numbers, *(classes(x, _EQUAL) for x in relative.T))
    table = np.column_stack([relative[:, 2], cut.numbers, cut.get_masses(), relative[:, :2]])
    return np.asarray(table[order].ravel())
