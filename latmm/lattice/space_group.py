"""Symmetry of structures, by spglib: primitive and conventional cells, operations of a layer.

The only module that imports spglib. Atoms of different element *or mass* are different.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import spglib
from ase import Atoms

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.ties import classes, smallest

__all__ = ["conventional_vectors", "crystal_symmetry", "kinds", "layer_symmetry", "primitive_cell"]

TOLERANCE = 1e-3
"""Distance within which positions count as equal, Å."""
MOST_ATOMS = 500
"""Atoms of a primitive cell: a layer's matrices have three rows for each."""
EXACT = 1e-5
"""The same where force constants are made symmetric by what is found, Å."""


def kinds(atoms: Atoms) -> Integers:
    """Label the atoms, (N,), by element and mass with numbers from 1."""
    labels = np.column_stack([atoms.numbers, classes(atoms.get_masses(), 1e-6)])
    return np.asarray(np.unique(labels, axis=0, return_inverse=True)[1].ravel() + 1, dtype=np.int64)


def primitive_cell(atoms: Atoms) -> Atoms:
    """Reduce a structure to its primitive cell, in the orientation it has.

    Raises
    ------
    InputError
        If no symmetry is found, not even translations, or its primitive cell is too large to compute with.
    """
    numbers = kinds(atoms)
    found = _call(spglib.standardize_cell, _cell(atoms), to_primitive=True, no_idealize=True)
    if found is None:
        raise InputError("the structure's symmetry could not be found; check for atoms on top of each other")
    lattice, positions, types = found
    if len(types) > MOST_ATOMS:
        raise InputError(
            f"the primitive cell holds {len(types)} of the structure's {len(atoms)} atoms, above "
            f"{MOST_ATOMS}; if they are displaced, as by heat, give the crystal at rest"
        )
    samples = [int(np.flatnonzero(numbers == t)[0]) for t in types]
    return Atoms(
        numbers=atoms.numbers[samples],
        masses=atoms.get_masses()[samples],
        cell=lattice,
        scaled_positions=positions,
        pbc=True,
    )


def conventional_vectors(atoms: Atoms) -> Integers:
    """Vectors of the standard conventional cell in units of the primitive cell's own, (3, 3), in rows.

    Of the settings that a rotation of the lattice makes equal, that one is taken whose vectors lie closest to
    the Cartesian axes: the one of the file. In a crystal without inversion the others name other planes. Of
    several that lie as close (a cell turned by 45°) that one whose first vector has the largest x, then y,
    then z, then the second and the third vector likewise.
    """
    dataset = _call(spglib.get_symmetry_dataset, _cell(atoms))
    if dataset is None:
        return np.eye(3, dtype=np.int64)
    # spglib's columns obey (a b c) = (a' b' c') P with the standard cell primed
    matrix = np.linalg.inv(dataset.transformation_matrix).T
    rounded = np.rint(matrix).astype(np.int64)
    if np.max(np.abs(matrix - rounded)) > 1e-3 or round(np.linalg.det(rounded)) == 0:
        return np.eye(3, dtype=np.int64)
    return np.asarray(_closest_setting(rounded @ atoms.cell.array) @ rounded)


def _closest_setting(lattice: Floats) -> Integers:
    """Rotation of a lattice onto itself, as rows of integers, that lays its vectors along x, y, z best."""
    rows = np.array(list(product((-1, 0, 1), repeat=3)))
    metric, lengths = lattice @ lattice.T, np.linalg.norm(lattice, axis=1)
    tolerance = 1e-3 * float(lengths.max()) ** 2
    # each vector may become any of equal length; together they must keep the angles and the hand
    squares = np.einsum("na,ab,nb->n", rows, metric, rows)
    choices = [rows[np.abs(squares - metric[i, i]) < tolerance] for i in range(3)]
    turns = np.array(list(product(*choices)))
    kept = np.abs(turns @ metric @ turns.transpose(0, 2, 1) - metric).max(axis=(1, 2)) < tolerance
    turns = turns[kept & (np.linalg.det(turns) > 0)]
    vectors = (turns @ lattice) / lengths[:, None]
    rows = np.column_stack([np.trace(vectors, axis1=1, axis2=2), vectors.reshape(-1, 9)])
    return np.asarray(turns[smallest(-rows, 1e-6)], dtype=np.int64)


def crystal_symmetry(atoms: Atoms) -> tuple[Integers, Floats]:
    """Rotations (G, 3, 3) and translations (G, 3), fractional, of a crystal's space group."""
    found = _call(spglib.get_symmetry, _cell(atoms), symprec=EXACT)
    if found is None:
        return np.eye(3, dtype=np.int64)[None], np.zeros((1, 3))
    return np.array(found["rotations"], dtype=np.int64), np.array(found["translations"])


def layer_symmetry(atoms: Atoms) -> tuple[Integers, Floats]:
    """Rotations (G, 3, 3) and translations (G, 3), fractional, of a slab whose third vector is aperiodic."""
    dataset = _call(spglib.get_symmetry_layerdataset, _cell(atoms), aperiodic_dir=2)
    if dataset is None:
        return np.eye(3, dtype=np.int64)[None], np.zeros((1, 3))
    return np.array(dataset.rotations, dtype=np.int64), np.array(dataset.translations)


def _cell(atoms: Atoms) -> tuple[Floats, Floats, Integers]:
    return atoms.cell.array, atoms.get_scaled_positions(wrap=False) % 1.0, kinds(atoms)


def _call(function: Callable[..., Any], cell: tuple[Floats, Floats, Integers], **options: Any) -> Any:
    """Call spglib; None where it fails, whether it says so by None (2.x) or by an exception (3).

    What it finds is kept, for a run asks for the same crystals again and again: take copies of its arrays.
    """
    lattice, positions, numbers = (np.ascontiguousarray(part).tobytes() for part in cell)
    return _found(function, lattice, positions, numbers, tuple({"symprec": TOLERANCE, **options}.items()))


@lru_cache(maxsize=128)
def _found(
    function: Callable[..., Any],
    lattice: bytes,
    positions: bytes,
    numbers: bytes,
    options: tuple[tuple[str, Any], ...],
) -> Any:
    places = np.frombuffer(positions).reshape(-1, 3)
    cell = np.frombuffer(lattice).reshape(3, 3), places, np.frombuffer(numbers, dtype=np.int64)
    try:
        return function(cell, **dict(options))
    except spglib.error.SpglibError:
        return None
