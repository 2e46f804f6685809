"""Where a crystal can be cut: the gaps between its atomic planes, and which of them symmetry makes equal.

Atoms whose heights differ by less than :data:`FLAT` form one atomic plane; a primitive layer of the oriented
crystal holds as many cuts as planes. Two cuts are equal where a lattice symmetry W of the plane (a rotation
about the normal or a mirror plane through it, x → x W + t in units of a₁, a₂ as rows) takes the crystal seen
from the one into the crystal seen from the other. The operations that take a cut into itself are the
crystal's own: those that keep every plane in place.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from ase import Atoms

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.lattice.space_group import TOLERANCE, kinds
from latmm.ties import classes, ordered

__all__ = ["FLAT", "Termination", "cut_at", "planar_operations", "terminations"]

FLAT = 0.1
"""Spread of heights within one atomic plane, Å: less than any bond length over ten."""


@dataclass(frozen=True)
class Termination:
    """One cut of an oriented crystal between two of its atomic planes.

    Attributes
    ----------
    below, above : str
        Formula of the atomic plane under and over the cut, per in-plane primitive cell: the left crystal
        ends with ``below``, the right one begins with ``above``.
    gap : float
        Distance of the two planes, Å.
    height : float
        The cut's place in the oriented cell, as a fraction of a layer in [0, 1); 0 is where it is cut now.
    multiplicity : int
        Cuts in a primitive layer that are this one up to a turn or a mirror image (screw axes, glide planes).
    """

    below: str
    above: str
    gap: float
    height: float
    multiplicity: int


def terminations(crystal: Atoms) -> list[Termination]:
    """List the distinct cuts of an oriented crystal, the present one first, then upwards.

    Parameters
    ----------
    crystal : ase.Atoms
        From :func:`latmm.geometry.orientation.orient`.
    """
    planes = _planes(crystal)
    thickness = crystal.cell[2, 2]
    heights = crystal.positions[:, 2]
    cuts = []
    for index, plane in enumerate(planes):
        under = planes[index - 1]
        low = heights[under].max() - (thickness if index == 0 else 0.0)
        gap = heights[plane].min() - low
        # the first cut is the cell's own boundary, which orient lays in the middle of its gap
        height = 0.0 if index == 0 else (low + 0.5 * gap) / thickness
        formulas = _formula(crystal, under), _formula(crystal, plane)
        cuts.append(Termination(*formulas, gap=float(gap), height=float(height), multiplicity=1))
    distinct: list[Termination] = []
    for cut in cuts:
        equal = [i for i, d in enumerate(distinct) if len(_operations(crystal, d.height, cut.height))]
        for index in equal:
            distinct[index] = replace(distinct[index], multiplicity=distinct[index].multiplicity + 1)
        if not equal:
            distinct.append(cut)
    return distinct


def cut_at(crystal: Atoms, height: float) -> Atoms:
    """Move the boundary of an oriented cell to another cut.

    Parameters
    ----------
    crystal : ase.Atoms
        Oriented.
    height : float
        Of a :class:`Termination`.

    Returns
    -------
    ase.Atoms
        The same crystal, its atoms sorted upwards from the cut.

    Raises
    ------
    InputError
        If the height is not within the layer.
    """
    if not 0.0 <= height < 1.0:
        raise InputError(f"a cut lies at a fraction of a layer, from 0 to 1, but is {height}")
    fractional = crystal.get_scaled_positions(wrap=False)
    layer = np.floor(fractional[:, 2] - height)
    order = ordered(classes(fractional[:, 2] - layer, 1e-6))
    cut = crystal[order]
    fractional[:, 2] -= layer + height
    cut.set_scaled_positions(fractional[order])
    return cut


def planar_operations(crystal: Atoms) -> Integers:
    """Rotations about the normal and mirror planes through it that keep every atomic plane in place.

    Returns
    -------
    (G, 2, 2) int
        W: a point c of the plane, in units of a₁ and a₂, goes to c W (with a translation). A group, the
        identity first.
    """
    return _operations(crystal, 0.0, 0.0)


def _planes(crystal: Atoms) -> list[Integers]:
    """Group the atoms of an oriented cell to atomic planes, upwards."""
    heights = crystal.positions[:, 2]
    order = np.argsort(heights, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(heights[order]) > FLAT) + 1)


def _formula(crystal: Atoms, plane: Integers) -> str:
    return str(crystal[plane].get_chemical_formula())


def _operations(crystal: Atoms, first: float, second: float) -> Integers:
    """Operations W that take the crystal cut at ``first`` to the crystal cut at ``second``, (G, 2, 2)."""
    lattice = crystal.cell.array[:2, :2]
    start, target = (_points(cut_at(crystal, height)) for height in (first, second))
    labels = [kinds(cut_at(crystal, height)) for height in (first, second)]
    step = np.asarray(np.linalg.solve(lattice.T, crystal.cell.array[2, :2]))
    found = [
        matrix
        for matrix in _automorphisms(lattice)
        if _distance(step @ matrix - step, lattice) < TOLERANCE
        and _maps(start, target, labels, matrix, lattice)
    ]
    found.sort(key=lambda matrix: not np.array_equal(matrix, np.eye(2)))
    return np.array(found, dtype=np.int64).reshape(-1, 2, 2)


def _points(crystal: Atoms) -> Floats:
    """Places of the atoms, (N, 3): in-plane in units of a₁, a₂, and height above the lowest atom in Å."""
    points: Floats = crystal.get_positions()
    points[:, :2] = np.linalg.solve(crystal.cell.array[:2, :2].T, points[:, :2].T).T
    points[:, 2] -= points[:, 2].min()
    return points


def _automorphisms(lattice: Floats) -> list[Integers]:
    """Integer matrices that keep the metric of a reduced in-plane lattice (2, 2)."""
    metric = lattice @ lattice.T
    near = 2 * TOLERANCE * float(np.sqrt(metric.max()))
    matrices = (np.array(entries).reshape(2, 2) for entries in product((-1, 0, 1), repeat=4))
    return [m for m in matrices if np.abs(m @ metric @ m.T - metric).max() < near]


def _distance(offsets: Floats, lattice: Floats) -> Floats:
    """Length in Å of in-plane offsets (…, 2) up to lattice vectors."""
    return np.asarray(np.linalg.norm((offsets - np.rint(offsets)) @ lattice, axis=-1))


def _maps(start: Floats, target: Floats, labels: list[Integers], matrix: Integers, lattice: Floats) -> bool:
    """Tell whether a translation in the plane exists by which start → start W + t covers the target."""
    turned = start[:, :2] @ matrix
    level = np.abs(start[:, None, 2] - target[None, :, 2]) < TOLERANCE
    alike = level & (labels[0][:, None] == labels[1][None, :])
    for candidate in np.flatnonzero(alike[0]):
        moved = turned + target[candidate, :2] - turned[0]
        near = _distance(moved[:, None] - target[None, :, :2], lattice) < TOLERANCE
        if np.all(np.any(near & alike, axis=1)):
            return True
    return False
