"""Force constants of a slab as a list of pairs: what couples is stored, and nothing else.

A slab of hundreds of atoms couples each of them to tens of others. Pair p couples atom i = ``first`` of
cell 0 to atom j = ``second`` of the in-plane cell R = ``cell``, with Φ_ij(R) = ``values`` (eV Å⁻²); every
pair has its mirror image, Φ_ij(R) = Φ_ji(−R)ᵀ. The dynamical matrix in the position gauge is

    D_ij(κ) = (m_i m_j)^(-1/2) Σ_R Φ_ij(R) exp[2πi κ·(x_j + R − x_i)]

with κ and the in-plane positions x in fractional coordinates of the common cell.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from ase import Atoms
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.lattice.force_constants import ForceConstants
from latmm.units import TWO_PI

__all__ = ["PairConstants"]


@dataclass(frozen=True)
class PairConstants:
    """Force constants between pairs of atoms of a slab.

    Attributes
    ----------
    atoms : ase.Atoms
        The slab, N atoms with their masses; first two cell vectors in the plane.
    first, second : (P,) int
        Atoms i and j.
    cell : (P, 2) int
        In-plane translation of j.
    values : (P, 3, 3) float
        Φ_ij(R), eV Å⁻². No pair comes twice; the order is that of (i, j, R).
    """

    atoms: Atoms
    first: Integers
    second: Integers
    cell: Integers
    values: Floats

    def __post_init__(self) -> None:
        count = len(self.first)
        shapes = (self.second.shape, self.cell.shape, self.values.shape)
        if shapes != ((count,), (count, 2), (count, 3, 3)):
            raise InputError(f"{count} pairs need arrays of as many rows, but their shapes are {shapes}")
        if not np.all(np.isfinite(self.values)):
            raise InputError("the force constants hold values that are not finite numbers")

    @classmethod
    def collected(
        cls, atoms: Atoms, first: Integers, second: Integers, cell: Integers, values: Floats
    ) -> "PairConstants":
        """Add up pairs that may come several times, in any order."""
        if not len(first):
            return cls(atoms, first, second, cell, values)
        keys = np.column_stack([first, second, cell])
        order = np.lexsort(keys.T[::-1])
        keys = keys[order]
        starts = np.flatnonzero(np.append(True, np.any(np.diff(keys, axis=0) != 0, axis=1)))
        unique = keys[starts]
        return cls(
            atoms,
            unique[:, 0],
            unique[:, 1],
            unique[:, 2:],
            np.add.reduceat(np.asarray(values, dtype=float)[order], starts, axis=0),
        )

    @classmethod
    def of(cls, table: ForceConstants) -> "PairConstants":
        """List the pairs of a table whose translations lie in the plane."""
        if np.any(table.cells[:, 2]):
            raise InputError("force constants of a slab must not reach its images along the normal")
        r, first, second = np.nonzero(np.any(table.values, axis=(3, 4)))
        return cls.collected(table.atoms, first, second, table.cells[r, :2], table.values[r, first, second])

    @cached_property
    def scale(self) -> float:
        """Largest absolute element, eV Å⁻²."""
        return float(np.max(np.abs(self.values), initial=0.0))

    @cached_property
    def strength(self) -> Floats:
        """Largest absolute element of each pair, (P,) eV Å⁻²."""
        return np.asarray(np.abs(self.values).max(axis=(1, 2), initial=0.0))

    @cached_property
    def self_term(self) -> Bools:
        """Which pairs are an atom with itself, (P,)."""
        return np.asarray((self.first == self.second) & ~self.cell.any(axis=1))

    @cached_property
    def row_sums(self) -> Floats:
        """Σ_jR Φ_ij(R), (N, 3, 3) eV Å⁻²: zero where no partner is missing."""
        sums = np.zeros((len(self.atoms), 3, 3))
        np.add.at(sums, self.first, self.values)
        return sums

    @cached_property
    def places(self) -> Floats:
        """In-plane positions of the atoms, (N, 2), fractional, not wrapped."""
        return np.asarray(self.atoms.positions[:, :2] @ np.linalg.inv(self.atoms.cell.array[:2, :2]))

    @property
    def exchange_error(self) -> float:
        """Largest |Φ_ij(R) − Φ_ji(−R)ᵀ| over the largest force constant."""
        difference = self.merged(self.mirrored(), -1.0)
        return float(np.abs(difference.values).max(initial=0.0)) / max(self.scale, 1e-300)

    def select(self, keep: Bools) -> "PairConstants":
        """Return the pairs where ``keep`` (P,) is true."""
        return replace(
            self,
            first=self.first[keep],
            second=self.second[keep],
            cell=self.cell[keep],
            values=self.values[keep],
        )

    def mirrored(self) -> "PairConstants":
        """Return each pair seen from its other atom."""
        return PairConstants.collected(
            self.atoms, self.second, self.first, -self.cell, self.values.transpose(0, 2, 1)
        )

    def merged(self, other: "PairConstants", factor: float = 1.0) -> "PairConstants":
        """Return the sum of both, the other times a factor."""
        return PairConstants.collected(
            self.atoms,
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.cell, other.cell]),
            np.concatenate([self.values, factor * other.values]),
        )

    def with_masses(self, masses: Floats) -> "PairConstants":
        """Return the same force constants for other masses, (N,) amu."""
        atoms = self.atoms.copy()
        atoms.set_masses(masses)
        return replace(self, atoms=atoms)

    def with_self_terms(self, fixed: dict[int, Floats], *, adjustable: Bools) -> "PairConstants":
        """Make Σ_jR Φ_ij(R) = 0 exact by the self terms, keeping every Φ_ii(0) symmetric.

        A self term absorbs the symmetric part of a row's defect. The antisymmetric part, a residue of finite
        displacements, goes into the pairs: they take w_ij (S_i − S_j), S_i antisymmetric and w_ij the
        strength of the pair, which leaves Φ_ij(R) = Φ_ji(−R)ᵀ intact and needs one sparse solve.

        Parameters
        ----------
        fixed : dict of int to (3, 3) float
            Atoms whose partners are partly missing, and the self term that each has instead.
        adjustable : (N,) bool
            Pairs with one of these atoms may be corrected.
        """
        n = len(self.atoms)
        pairs = self.select(~self.self_term)
        free = np.ones(n, dtype=bool)
        free[list(fixed)] = False
        defect = pairs.row_sums
        twist = np.where(free[:, None, None], 0.5 * (defect - defect.transpose(0, 2, 1)), 0.0)
        turn = _untwist(pairs, adjustable, twist)
        strength = np.where(adjustable[pairs.first] | adjustable[pairs.second], pairs.strength, 0.0)
        difference = turn[pairs.first] - turn[pairs.second]
        pairs = replace(pairs, values=pairs.values + strength[:, None, None] * difference)
        defect = pairs.row_sums
        selves = -0.5 * (defect + defect.transpose(0, 2, 1))
        for atom, term in fixed.items():
            selves[atom] = term
        every = np.arange(n)
        return pairs.merged(PairConstants(self.atoms, every, every, np.zeros((n, 2), dtype=np.int64), selves))

    def block(self, rows: Integers, columns: Integers) -> "Block":
        """Prepare the mass-weighted block between two sets of atoms."""
        place = np.full((2, len(self.atoms)), -1)
        place[0, rows], place[1, columns] = np.arange(len(rows)), np.arange(len(columns))
        chosen = np.flatnonzero((place[0, self.first] >= 0) & (place[1, self.second] >= 0))
        i, j = self.first[chosen], self.second[chosen]
        masses = self.atoms.get_masses()
        weighted = self.values[chosen] / np.sqrt(masses[i] * masses[j])[:, None, None]
        row = 3 * place[0, i][:, None, None] + np.arange(3)[:, None]
        column = 3 * place[1, j][:, None, None] + np.arange(3)
        shape = (3 * len(rows), 3 * len(columns))
        target = np.broadcast_to(row * shape[1] + column, weighted.shape)
        pair = np.broadcast_to(np.arange(len(chosen))[:, None, None], weighted.shape)
        table = csr_matrix(
            (weighted.ravel(), (target.ravel(), pair.ravel())), shape=(shape[0] * shape[1], len(chosen))
        )
        return Block(shape, self.cell[chosen] + self.places[j] - self.places[i], table)

    def dynamical_matrix(self, wave_vectors: Floats) -> Complexes:
        """Mass-weighted dynamical matrices (K, 3N, 3N) at k∥ (K, 2), position gauge, eV Å⁻² amu⁻¹."""
        every = np.arange(len(self.atoms))
        return self.block(every, every)(wave_vectors)


@dataclass(frozen=True)
class Block:
    """A block of the dynamical matrix as a function of k∥.

    Attributes
    ----------
    shape : (2,) int
        Of the block.
    arms : (P, 2) float
        x_j + R − x_i of its pairs, fractional.
    table : (elements, P) sparse
        What each pair adds to the elements of the block, mass-weighted.
    """

    shape: tuple[int, int]
    arms: Floats
    table: csr_matrix

    def __call__(self, wave_vectors: Floats) -> Complexes:
        """Block (K, m, n) at k∥ (K, 2)."""
        phases = np.exp(1j * TWO_PI * (self.arms @ np.asarray(wave_vectors, dtype=float).T))
        return np.ascontiguousarray((self.table @ phases).T).reshape(-1, *self.shape)


def _untwist(pairs: PairConstants, adjustable: Bools, twist: Floats) -> Floats:
    """Solve the graph Laplacian of the adjustable pairs for S (N, 3, 3), zero at one atom of each part."""
    n = len(twist)
    used = adjustable[pairs.first] | adjustable[pairs.second]
    first, second, weight = pairs.first[used], pairs.second[used], pairs.strength[used]
    graph = csr_matrix((weight, (first, second)), shape=(n, n))
    laplacian = (
        csr_matrix((np.asarray(graph.sum(axis=1)).ravel(), (np.arange(n), np.arange(n))), shape=(n, n))
        - graph
    )
    _, part = connected_components(graph, directed=False)
    pinned = np.unique(part, return_index=True)[1]
    moving = np.setdiff1d(np.arange(n), pinned)
    turn = np.zeros((n, 9))
    if moving.size:
        matrix = laplacian[moving][:, moving].tocsc()
        turn[moving] = spsolve(matrix, -twist.reshape(n, 9)[moving]).reshape(moving.size, 9)
    return turn.reshape(n, 3, 3)
