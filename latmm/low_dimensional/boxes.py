"""Sheets, ribbons, tubes and chains as crystals in a box: where they are periodic, and vacuum around them.

A sheet lies in the xy plane, its first vector along x; what is periodic along one vector only runs along z.
The box is so wide that no force constant reaches across the vacuum: nothing depends on its width.
"""

from dataclasses import dataclass
from math import gcd
from os import PathLike
from pathlib import Path

import numpy as np
from ase import Atoms

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.lattice.space_group import conventional_vectors, primitive_cell
from latmm.structures import check_low_dimensional, read_atoms

__all__ = ["Low", "boxed", "direction", "read_low_dimensional"]

_CLEAR = 1.0
"""Vacuum beyond the reach of the potential, Å."""
_UNKNOWN = 15.0
"""Vacuum where the reach is not known, Å."""


@dataclass(frozen=True)
class Low:
    """A structure that is periodic in one or two directions.

    Attributes
    ----------
    atoms : ase.Atoms
        Not split by the box; only the periodic vectors of the cell mean something.
    periodic : (1,) or (2,) tuple of int
        Which vectors of the cell they are.
    name : str
        For messages.
    """

    atoms: Atoms
    periodic: tuple[int, ...]
    name: str

    @property
    def dimension(self) -> int:
        """1 or 2."""
        return len(self.periodic)

    @property
    def extent(self) -> float:
        """Thickness of a sheet, largest diameter of the others, Å."""
        return float(np.ptp(self.upright.positions[:, _across(self.dimension)], axis=0).max())

    @property
    def upright(self) -> Atoms:
        """The same turned into the frame of the box, without a box."""
        vectors = self.atoms.cell.array[list(self.periodic)]
        turn = _upright(vectors)
        cell = np.zeros((3, 3))
        cell[_along(self.dimension)] = vectors @ turn
        found: Atoms = self.atoms.copy()
        found.set_cell(cell)
        found.positions = found.positions @ turn
        return found


def _along(dimension: int) -> list[int]:
    """Vectors of the box that are periods."""
    return [0, 1] if dimension == 2 else [2]


def _across(dimension: int) -> list[int]:
    """Axes of the vacuum."""
    return [2] if dimension == 2 else [0, 1]


def _upright(vectors: Floats) -> Floats:
    """Rotation (3, 3), rows times it, into the frame of the box."""
    first = vectors[0] / np.linalg.norm(vectors[0])
    if len(vectors) == 2:
        third = np.cross(first, vectors[1])
        third /= np.linalg.norm(third)
        return np.array([first, np.cross(third, first), third]).T
    # the shortest turn to z
    axis = np.cross(first, [0.0, 0.0, 1.0])
    sine, cosine = float(np.linalg.norm(axis)), float(first[2])
    if sine < 1e-12:
        return np.diag([1.0, 1.0, 1.0]) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    x, y, z = axis / sine
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray((np.eye(3) + sine * k + (1.0 - cosine) * k @ k).T)


def read_low_dimensional(path: str | PathLike[str], masses: dict[str, float] | None = None) -> Low:
    """Read a sheet, ribbon, tube or chain from any structure file that ASE understands.

    Parameters
    ----------
    path : path
        The file. A vector of its cell is no period if the file says so (``pbc`` of extxyz), or if more than
        6 Å of vacuum lie along it.
    masses : dict of str to float, optional
        Mass by element, amu.

    Returns
    -------
    Low

    Raises
    ------
    InputError
        If the file cannot be read, or is periodic in three directions or in none.
    """
    path = Path(path)
    atoms, periodic = check_low_dimensional(read_atoms(path), path, masses or {})
    return Low(atoms, periodic, path.name)


def boxed(left: Low, right: Low, reach: float | None) -> tuple[Atoms, Atoms]:
    """Put two structures of one kind into boxes with the same vacuum.

    Parameters
    ----------
    left, right : Low
        The structures.
    reach : float, optional
        Of the force constants, Å.

    Raises
    ------
    InputError
        If one is a sheet and the other is not.
    """
    if left.dimension != right.dimension:
        kinds = {1: "one direction", 2: "two directions"}
        raise InputError(
            f"{left.name} is periodic in {kinds[left.dimension]}, {right.name} in "
            f"{kinds[right.dimension]}; a junction joins two sheets, or two of ribbons, tubes and chains"
        )
    extent = max(left.extent, right.extent)
    clear = _UNKNOWN if reach is None else reach + _CLEAR
    width = max(extent + clear, 2.0 * clear)
    return _in_box(left, width), _in_box(right, width)


def _in_box(low: Low, width: float) -> Atoms:
    atoms = low.upright
    cell = atoms.cell.array.copy()
    for axis in _across(low.dimension):
        cell[axis, axis] = width
        place = atoms.positions[:, axis]
        atoms.positions[:, axis] += 0.5 * width - 0.5 * (place.max() + place.min())
    atoms.set_cell(cell)
    atoms.pbc = True
    return atoms


def direction(atoms: Atoms, dimension: int, line: tuple[int, int]) -> tuple[int, int, int]:
    """Miller indices, in the standard conventional cell, of the plane that heat crosses.

    Parameters
    ----------
    atoms : ase.Atoms
        From :func:`boxed`.
    dimension : int
        1 or 2.
    line : (2,) int
        Indices (h k) of the line between two sheets, referred to the periods of the file: it is parallel to
        k a − h b. Of no meaning in one dimension.

    Raises
    ------
    InputError
        If both indices are zero.
    """
    if dimension == 2 and not any(line):
        raise InputError("the line between two sheets needs two indices, not both zero, e.g. 1 0")
    inverse = np.linalg.inv(atoms.cell.array)  # reciprocal vectors in columns
    normal = inverse[:, 2] if dimension == 1 else inverse[:, 0] * line[0] + inverse[:, 1] * line[1]
    primitive = primitive_cell(atoms)
    vectors = conventional_vectors(primitive) @ primitive.cell.array
    # whole in the file's cell, and so a fraction of as many parts as that holds primitive cells
    parts = round(float(np.linalg.det(atoms.cell.array) / np.linalg.det(primitive.cell.array)))
    whole = [round(float(x)) for x in vectors @ normal * abs(parts)]
    divisor = gcd(*whole)
    first, second, third = (n // divisor for n in whole)
    return first, second, third
