"""One crystal in another cell: its force constants turned, relabelled, or reduced to the primitive cell.

Two descriptions of one crystal differ by a choice of lattice vectors, a rotation, an origin, and the images
that stand for the atoms. With the rows A of the source's lattice vectors and T of the target's,

    T = M A S u,      x' = x S u + t,      Φ' = uᵀ Φ u,      q' = M q,

M integer, u a rotation (row vectors; Φ between the same two atoms), q fractional. S = 1 for a rigid motion. A
target strained in the plane has the stretch S = 1 + ε: its force constants are those of the source, the
strain only tells which vectors correspond. In the position gauge D'(q') = uᵀ D(q) u with the atoms in their
new order, exactly, wherever the cells put the atoms.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from ase import Atoms

from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.space_group import primitive_cell
from latmm.ties import smallest

__all__ = ["Setting", "find_setting", "reduced", "symmetry_error"]

_LATTICE = 1e-5
"""Relative difference of lattice vectors, angles included, up to which two lattices are one."""
_APART = 1e-2
"""Distance up to which two atoms are one, Å: spglib's tolerance and the digits of files."""


@dataclass(frozen=True)
class Setting:
    """How a target cell describes the crystal of a source cell.

    Attributes
    ----------
    target : ase.Atoms
        The target cell, N atoms.
    basis : (3, 3) int
        M: its lattice vectors in units of the source's, in rows.
    rotation : (3, 3) float
        u, acting on row vectors from the right.
    order : (N,) int
        Source atom that is target atom i ...
    cells : (N, 3) int
        ... in this cell of the source.
    """

    target: Atoms
    basis: Integers
    rotation: Floats
    order: Integers
    cells: Integers

    def qpoints(self, qpoints: Floats) -> Floats:
        """Fractional wave vectors (Q, 3) of the source in the target's reciprocal cell."""
        return np.asarray(np.asarray(qpoints) @ self.basis.T)

    def dynamical_matrix(self, matrices: Complexes) -> Complexes:
        """Turn the source's dynamical matrices (Q, 3N, 3N), position gauge, into the target's."""
        n = len(self.order)
        blocks = matrices.reshape(-1, n, 3, n, 3)[:, self.order][:, :, :, self.order]
        turned = np.einsum("ac,qiajb,bd->qicjd", self.rotation, blocks, self.rotation, optimize=True)
        return np.asarray(turned.reshape(-1, 3 * n, 3 * n))

    def recast(self, table: ForceConstants) -> ForceConstants:
        """Force constants of the source as those of the target; nothing is added or lost."""
        n = len(self.order)
        back = np.rint(np.linalg.inv(self.basis)).astype(np.int64)
        # from atom i to atom j of cell R: c_j' M + (cell of the image) must give R + c_i
        steps = table.cells[:, None, None, :] + self.cells[None, :, None, :] - self.cells[None, None, :, :]
        keys = (steps @ back).reshape(-1, 3)
        cells, where = np.unique(keys, axis=0, return_inverse=True)
        pairs = table.values[:, self.order[:, None], self.order[None, :]]
        turned = np.einsum("ac,rijab,bd->rijcd", self.rotation, pairs, self.rotation, optimize=True)
        values = np.zeros((len(cells), n * n, 3, 3))
        values[where.ravel(), np.tile(np.arange(n * n), len(table.cells))] = turned.reshape(-1, 3, 3)
        keep = values.any(axis=(1, 2, 3)) | ~cells.any(axis=1)
        dipoles = table.dipoles
        if dipoles is not None:
            lattice = self.basis @ dipoles.cell
            dipoles = dipoles.turned(self.rotation, lattice, self.order, self.cells)
        return ForceConstants(self.target, cells[keep], values[keep].reshape(-1, n, n, 3, 3), dipoles)


def find_setting(source: Atoms, target: Atoms, strain: Floats | None = None) -> Setting:
    """Find how a target cell describes the crystal of a source cell.

    Of several ways, which the symmetry of the crystal makes equal, the one with the smallest turn is taken;
    of several of these the one whose u has the largest entries, u_xx counting most, then u_xy and so on.

    Parameters
    ----------
    source, target : ase.Atoms
        N atoms each; atoms correspond if element and mass agree.
    strain : (2, 2) float, optional
        ε of the target's in-plane lattice, in the axes of the source; none by default.

    Returns
    -------
    Setting

    Raises
    ------
    InputError
        If the two are not one crystal.
    """
    found = list(_settings(source, target, strain))
    if not found:
        raise InputError(
            f"{source.get_chemical_formula()} and {target.get_chemical_formula()} are not one crystal in two "
            "cells; check lattice vectors, positions, elements and masses"
        )
    turns = np.array([[np.trace(setting.rotation), *setting.rotation.ravel()] for setting in found])
    return found[smallest(-turns, 1e-6)]


def symmetry_error(table: ForceConstants) -> float:
    """Largest difference of ω² at wave vectors that the point group makes equal, relative to the largest ω².

    Force constants of supercell calculations have the crystal's symmetry up to noise.
    """
    settings = [s for hand in (1, -1) for s in _settings(table.atoms, table.atoms, hand=hand)]
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 3))
    squares = np.linalg.eigvalsh(table.dynamical_matrix(np.concatenate([s.qpoints(q) for s in settings])))
    squares = squares.reshape(len(settings), len(q), -1)
    return float(np.abs(squares - squares[0]).max() / squares.max())


def _settings(
    source: Atoms, target: Atoms, strain: Floats | None = None, *, hand: int = 1
) -> Iterator[Setting]:
    """All ways in which the target cell describes the source's crystal, by rotations or (−1) by mirroring."""
    stretch = np.eye(3)
    if strain is not None:
        stretch[:2, :2] += strain
    lattice = source.cell.array @ stretch
    for basis in _equal_lattices(lattice, target.cell.array, hand):
        pairs = _pair_atoms(source, target, basis)
        if pairs is not None:
            rotation = np.linalg.solve(basis @ lattice, target.cell.array)
            yield Setting(target, basis, _orthogonal(rotation), *pairs)


def _equal_lattices(source: Floats, target: Floats, hand: int) -> list[Integers]:
    """Integer matrices M with M A and T equal up to a rotation, or up to a mirrored one."""
    metric, goal = source @ source.T, target @ target.T
    tolerance = 2.0 * _LATTICE * float(np.max(np.diag(goal)))
    # |M_ij| is at most |T_i| times the length of the source's j-th reciprocal vector
    reciprocal = np.linalg.norm(np.linalg.inv(source), axis=0)
    size = hand * round(np.linalg.det(target) / np.linalg.det(source))
    choices = []
    for i in range(3):
        bound = np.floor(np.sqrt(goal[i, i]) * reciprocal + 1e-6).astype(int)
        rows = np.array(list(product(*(range(-b, b + 1) for b in bound))), dtype=np.int64)
        lengths = np.einsum("na,ab,nb->n", rows, metric, rows)
        choices.append(rows[np.abs(lengths - goal[i, i]) < tolerance])
    found = []
    for first in choices[0]:
        inner = np.abs(choices[1] @ metric @ first - goal[0, 1]) < tolerance
        for second in choices[1][inner]:
            fits = np.abs(choices[2] @ metric @ first - goal[0, 2]) < tolerance
            fits &= np.abs(choices[2] @ metric @ second - goal[1, 2]) < tolerance
            for third in choices[2][fits]:
                basis = np.array([first, second, third])
                if round(np.linalg.det(basis)) == size:
                    found.append(basis)
    return found


def _pair_atoms(source: Atoms, target: Atoms, basis: Integers) -> tuple[Integers, Integers] | None:
    """Source atom and its cell for every target atom, the origin being free; None if they do not agree."""
    n = len(target)
    if len(source) != n:
        return None
    own = source.cell.scaled_positions(source.get_positions())
    goal = target.cell.scaled_positions(target.get_positions()) @ basis
    unlike = target.numbers[:, None] != source.numbers[None, :]
    unlike |= np.abs(target.get_masses()[:, None] - source.get_masses()[None, :]) > 1e-6
    for candidate in np.flatnonzero(~unlike[0]):
        apart = goal[:, None, :] - (own + goal[0] - own[candidate])[None, :, :]
        cells = np.rint(apart)
        distance = np.linalg.norm((apart - cells) @ source.cell.array, axis=-1)
        order = np.argmin(np.where(unlike, np.inf, distance), axis=1)
        rows = np.arange(n)
        close = distance[rows, order] < _APART
        if close.all() and not unlike[rows, order].any() and len(set(order.tolist())) == n:
            return order.astype(np.int64), cells[rows, order].astype(np.int64)
    return None


def _orthogonal(rotation: Floats) -> Floats:
    """Nearest orthogonal matrix: what the digits of a file leave must not enter the force constants."""
    u, _, v = np.linalg.svd(rotation)
    return np.asarray(u @ v)


def reduced(table: ForceConstants) -> ForceConstants:
    """Force constants of a crystal in its primitive cell, the mean over what its translations make equal.

    Parameters
    ----------
    table : ForceConstants
        Of any cell, of which the primitive one (elements and masses alike) is a part.

    Returns
    -------
    ForceConstants
        The same object where the cell is primitive already.
    """
    cell = primitive_cell(table.atoms)
    n = len(cell)
    copies = len(table.atoms) // n
    if copies == 1:
        return table
    kind, offset = _sites(table.atoms, cell)
    back = np.rint(table.atoms.cell.array @ np.linalg.inv(cell.cell.array)).astype(np.int64)
    blocks: dict[tuple[int, int, int], Floats] = defaultdict(lambda: np.zeros((n, n, 3, 3)))
    for step, values in zip(table.cells @ back, table.values, strict=True):
        for (i, a), (j, b) in product(enumerate(kind.tolist()), repeat=2):
            x, y, z = (step + offset[j] - offset[i]).tolist()
            blocks[x, y, z][a, b] += values[i, j] / copies
    dipoles = table.dipoles
    if dipoles is not None:
        charges = np.zeros((n, 3, 3))
        np.add.at(charges, kind, dipoles.charges / copies)
        dipoles = replace(
            dipoles, charges=charges, cell=cell.cell.array.copy(), positions=cell.get_positions()
        )
    return ForceConstants.symmetrised(cell, blocks, dipoles)


def _sites(atoms: Atoms, cell: Atoms) -> tuple[Integers, Integers]:
    """Primitive atom and primitive lattice translation of every atom of a larger cell."""
    own = cell.cell.scaled_positions(atoms.get_positions())
    goal = cell.get_scaled_positions(wrap=False)
    for candidate in range(len(atoms)):
        apart = (own - own[candidate] + goal[0])[:, None, :] - goal[None, :, :]
        steps = np.rint(apart)
        distance = np.linalg.norm((apart - steps) @ cell.cell.array, axis=-1)
        distance[atoms.numbers[:, None] != cell.numbers[None, :]] = np.inf
        kind = np.argmin(distance, axis=1)
        rows = np.arange(len(atoms))
        if distance[rows, kind].max() < 10 * _APART:
            return kind.astype(np.int64), steps[rows, kind].astype(np.int64)
    raise InputError(f"the atoms of {atoms.get_chemical_formula()} do not repeat those of its primitive cell")
