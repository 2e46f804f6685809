"""Orient a crystal to a plane: the thinnest primitive cell with two vectors in the plane.

A plane (hkl) of the conventional cell is an integer vector p in the reciprocal lattice of the primitive cell.
A unimodular matrix turns the primitive vectors into a₁, a₂ with p·a = 0 (Gauss-reduced) and a₃ with p·a = 1
(the shortest): the oblique cell one lattice plane thick. a₁ is laid along x, the normal along z.
"""

from math import gcd

import numpy as np
from ase import Atoms

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.lattice.space_group import conventional_vectors, primitive_cell

__all__ = ["LARGEST_INDEX", "gauss_reduce", "orient"]

LARGEST_INDEX = 50
"""Largest Miller index of a plane, common factors removed: lattice planes are then some 0.05 Å apart, and
force constants of 5 Å join a hundred of them."""


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
    plane = _primitive_indices(np.array(coprime), conventional_vectors(primitive))
    basis = _plane_basis(plane) @ lattice
    vectors = gauss_reduce(basis[:2])
    if np.cross(*vectors) @ basis[2] < 0:
        vectors = vectors[::-1]  # right-handed with the plane's own normal up
    upward = np.cross(*vectors)
    third = _shorten(basis[2], vectors)
    x = vectors[0] / np.linalg.norm(vectors[0])
    z = upward / np.linalg.norm(upward)
    rotation = np.array([x, np.cross(z, x), z]).T
    oriented = Atoms(
        numbers=primitive.numbers,
        masses=primitive.get_masses(),
        cell=np.vstack([vectors, third]) @ rotation,
        positions=primitive.get_positions() @ rotation,
        pbc=True,
    )
    cell = oriented.cell.array.copy()
    cell[0, 1:] = cell[1, 2] = 0.0
    oriented.set_cell(cell)
    return _cut_at_widest_gap(oriented)


def gauss_reduce(vectors: Floats) -> Floats:
    """Reduce two lattice vectors (2, d) to the shortest pair with an angle between 90° and 120°.

    The tolerance decides ties of hexagonal and square lattices, where exact comparisons would not end.
    """
    a, b = np.array(vectors, dtype=float)
    while True:
        if b @ b < a @ a * (1.0 - 1e-9):
            a, b = b, a
        steps = np.rint((a @ b) / (a @ a) * (1.0 - 1e-9))
        if steps == 0:
            break
        b = b - steps * a
    return np.array([a, -b if a @ b > 1e-9 * (a @ a) else b])


def _shorten(third: Floats, plane: Floats) -> Floats:
    """Subtract vectors of the plane from ``third`` so that it becomes shortest."""
    start = third - np.rint(np.linalg.lstsq(plane.T, third, rcond=None)[0]) @ plane
    shifts = np.array([[i, j] for i in (0, -1, 1) for j in (0, -1, 1)]) @ plane
    lengths = np.linalg.norm(start + shifts, axis=1)
    return np.asarray((start + shifts)[int(np.argmin(np.round(lengths, 6)))])


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
    fractional = atoms.get_scaled_positions()
    heights = np.sort(fractional[:, 2])
    gaps = np.append(np.diff(heights), heights[0] + 1.0 - heights[-1])
    # the rounding makes the choice among equal gaps the same on every machine
    widest = int(np.argmax(np.round(gaps, 6)))
    middle = heights[widest] + 0.5 * gaps[widest]
    fractional[:, 2] = (fractional[:, 2] - middle) % 1.0
    order = np.lexsort((fractional[:, 0].round(6), fractional[:, 1].round(6), fractional[:, 2].round(6)))
    cut = atoms[order]
    cut.set_scaled_positions(fractional[order])
    return cut
