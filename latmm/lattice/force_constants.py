"""Force constants of a crystal as a table in real space, and the dynamical matrix that follows from it.

The potential energy to second order in the displacements u of the atoms is
½ Σ u(i, 0)ᵀ Φ_ij(R) u(j, R), and the dynamical matrix in the position gauge

    D_ij(q) = (m_i m_j)^(-1/2) Σ_R Φ_ij(R) exp[2πi q·(x_j + R − x_i)]

(A. A. Maradudin and S. H. Vosko, Rev. Mod. Phys. 40, 1 (1968); the phase is that of the full interatomic
vector).

In a polar crystal the table may be the short-ranged part only; the interaction of its dipoles is then added
to D(q) (:mod:`latmm.lattice.dipoles`).

Symbols: Φ → ``values`` (eV Å⁻²), R → ``cells`` (integers), x → fractional positions, q → ``qpoints``
(fractional coordinates of the reciprocal cell), m → masses (amu). Time runs as exp(−iωt).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from ase import Atoms

from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.lattice.dipoles import Dipoles
from latmm.units import TWO_PI

__all__ = ["ForceConstants", "untwist"]


@dataclass(frozen=True)
class ForceConstants:
    """Second derivatives of the potential energy between the atoms of a cell and all their images.

    Attributes
    ----------
    atoms : ase.Atoms
        The cell (N atoms, with their masses). A crystal, or a slab whose images lie in the plane only.
    cells : (R, 3) int
        Lattice translations that carry force constants; with every R also −R.
    values : (R, N, N, 3, 3) float
        Φ between atom i of cell 0 and atom j of cell R, eV Å⁻². Images on the boundary of the supercell
        that the values come from are already shared out.
    dipoles : Dipoles, optional
        Of a polar crystal, if ``values`` are its short-ranged part; the sum rule holds for both together.

    Raises
    ------
    InputError
        On construction, if the shapes disagree, a translation lacks its inverse, or Φ_ij(R) = Φ_ji(−R)ᵀ
        fails by more than 1e-10 of the largest element.
    """

    atoms: Atoms
    cells: Integers
    values: Floats
    dipoles: Dipoles | None = None

    def __post_init__(self) -> None:
        n = len(self.atoms)
        if self.values.shape != (len(self.cells), n, n, 3, 3):
            raise InputError(
                f"force constants of {n} atoms and {len(self.cells)} cells need the shape "
                f"{(len(self.cells), n, n, 3, 3)}, but have {self.values.shape}"
            )
        if not np.all(np.isfinite(self.values)):
            raise InputError("the force constants hold values that are not finite numbers")
        error = np.max(np.abs(self.values - self._transposed()), initial=0.0)
        if error > 1e-10 * self.scale:
            raise InputError(
                f"force constants must obey Φ_ij(R) = Φ_ji(−R)ᵀ, but differ by {error:.1e} eV Å⁻²; "
                "build them with ForceConstants.symmetrised"
            )

    @classmethod
    def symmetrised(
        cls, atoms: Atoms, blocks: Mapping[tuple[int, int, int], Floats], dipoles: Dipoles | None = None
    ) -> "ForceConstants":
        """Build from possibly inexact blocks: exchange symmetry and acoustic sum rule are made exact.

        Parameters
        ----------
        atoms : ase.Atoms
            The cell, N atoms.
        blocks : mapping from (3,) int tuples to (N, N, 3, 3) float
            Φ by lattice translation, eV Å⁻². A translation may lack its inverse.
        dipoles : Dipoles, optional
            Whose interaction comes on top of the blocks.

        Returns
        -------
        ForceConstants
            With Φ_ij(R) = Φ_ji(−R)ᵀ and Σ_jR Φ_ij(R) = 0 to rounding.
        """
        n = len(atoms)
        zero = np.zeros((n, n, 3, 3))
        keys = sorted({k for key in blocks for k in (key, (-key[0], -key[1], -key[2]))} | {(0, 0, 0)})
        values = np.array(
            [
                0.5
                * (
                    blocks.get(key, zero)
                    + blocks.get((-key[0], -key[1], -key[2]), zero).transpose(1, 0, 3, 2)
                )
                for key in keys
            ]
        )
        return cls(atoms, np.array(keys, dtype=np.int64), values, dipoles).with_sum_rule()

    @cached_property
    def scale(self) -> float:
        """Largest absolute element, eV Å⁻²: the measure of every relative statement."""
        return float(np.max(np.abs(self.values), initial=0.0))

    @property
    def volume(self) -> float:
        """Volume of the cell, Å³."""
        return float(self.atoms.get_volume())

    @property
    def density(self) -> float:
        """Mass density, amu Å⁻³."""
        return float(self.atoms.get_masses().sum()) / self.volume

    @property
    def row_sums(self) -> Floats:
        """Σ_jR Φ_ij(R), (N, 3, 3) eV Å⁻², dipoles included."""
        return self._row_sums(self.values)

    def _row_sums(self, values: Floats) -> Floats:
        sums = values.sum(axis=(0, 2))
        return np.asarray(sums if self.dipoles is None else sums + self.dipoles.row_sums)

    @cached_property
    def sum_rule_error(self) -> float:
        """Largest element of Σ_jR Φ_ij(R), relative to the largest force constant."""
        return float(np.max(np.abs(self.row_sums), initial=0.0)) / self.scale

    @cached_property
    def vectors(self) -> Floats:
        """(R, N, N, 3) vectors from atom i of cell 0 to atom j of cell R, Å."""
        positions = self.atoms.get_positions()
        between = positions[None, :, :] - positions[:, None, :]
        return np.asarray((self.cells @ self.atoms.cell.array)[:, None, None, :] + between)

    def reach(self, tolerance: float = 0.0) -> float:
        """Distance of the farthest pair whose force constant exceeds ``tolerance`` × ``scale``, Å."""
        significant = np.max(np.abs(self.values), axis=(3, 4)) > tolerance * self.scale
        return float(np.max(np.linalg.norm(self.vectors[significant], axis=-1), initial=0.0))

    def truncated(self, tolerance: float) -> "ForceConstants":
        """Drop pairs below ``tolerance`` × ``scale`` and the cells left empty; the sum rule is kept exact."""
        significant = np.max(np.abs(self.values), axis=(3, 4)) > tolerance * self.scale
        significant |= significant[self._inverse].transpose(0, 2, 1)
        values = np.where(significant[..., None, None], self.values, 0.0)
        keep = significant.any(axis=(1, 2)) | np.all(self.cells == 0, axis=1)
        return replace(self, cells=self.cells[keep], values=values[keep]).with_sum_rule()

    def with_sum_rule(self) -> "ForceConstants":
        """Make Σ_jR Φ_ij(R) = 0 exact by the self terms, keeping every Φ_ii(0) symmetric.

        The self term absorbs the symmetric part of the defect; :func:`untwist` removes the other.
        """
        n = len(self.atoms)
        origin = int(np.flatnonzero(np.all(self.cells == 0, axis=1))[0])
        values = self.values.copy()
        diagonal = np.arange(n)
        values[origin, diagonal, diagonal] = 0.0
        defect = self._row_sums(values)
        twist = 0.5 * (defect - defect.transpose(0, 2, 1))
        values += untwist(np.abs(values).max(axis=(3, 4)), twist)
        defect = self._row_sums(values)
        values[origin, diagonal, diagonal] = -0.5 * (defect + defect.transpose(0, 2, 1))
        return replace(self, values=values)

    def averaged(self, rotations: Integers, translations: Floats) -> "ForceConstants":
        """Mean over the operations of the crystal's space group.

        An operation x → W x + w takes atom i of cell 0 to atom i' of cell s_i, and with it the pair
        (i; j, R) to (i'; j', W R + s_j − s_i). The pair's force constant becomes C Φ Cᵀ with the Cartesian
        rotation C.

        Parameters
        ----------
        rotations : (G, 3, 3) int
            W, in fractional coordinates, the whole group.
        translations : (G, 3) float
            w, fractional.
        """
        places = self.atoms.get_scaled_positions(wrap=False)
        lattice = self.atoms.cell.array
        n = len(places)
        images, partners = [], []
        for rotation, translation in zip(rotations, translations, strict=True):
            apart = (places @ rotation.T + translation)[:, None, :] - places[None, :, :]
            image = np.argmin(np.linalg.norm((apart - np.rint(apart)) @ lattice, axis=-1), axis=1)
            shift = np.rint(apart[np.arange(n), image]).astype(np.int64)
            images.append(image)
            partners.append((self.cells @ rotation.T)[:, None, None] + shift - shift[:, None])
        cells, which = np.unique(np.array(partners).reshape(-1, 3), axis=0, return_inverse=True)
        values = np.zeros((len(cells), n, n, 3, 3))
        for rotation, image, found in zip(
            rotations, images, which.reshape(len(rotations), *self.values.shape[:3]), strict=True
        ):
            turn = lattice.T @ rotation @ np.linalg.inv(lattice.T)
            target = (found, image[:, None], image)
            np.add.at(values, target, turn @ self.values @ turn.T / len(rotations))
        blocks = {(a, b, c): block for (a, b, c), block in zip(cells.tolist(), values, strict=True)}
        return ForceConstants.symmetrised(self.atoms, blocks)

    @property
    def at_zero_field(self) -> "ForceConstants":
        """The same crystal without the macroscopic field of its long waves: itself, unless it is polar."""
        if self.dipoles is None:
            return self
        return replace(self, dipoles=replace(self.dipoles, macroscopic=False))

    def with_masses(self, masses: Floats) -> "ForceConstants":
        """Return the same force constants for other masses, (N,) amu."""
        atoms = self.atoms.copy()
        atoms.set_masses(masses)
        return replace(self, atoms=atoms)

    def dynamical_matrix(self, qpoints: Floats) -> Complexes:
        """Mass-weighted dynamical matrices in the position gauge.

        Parameters
        ----------
        qpoints : (Q, 3) float
            Wave vectors in fractional coordinates of the reciprocal cell.

        Returns
        -------
        (Q, 3N, 3N) complex
            D(q), eV Å⁻² amu⁻¹, Hermitian.
        """
        everything = np.ones(len(self.cells), dtype=np.bool_)
        short = np.asarray(self._fourier(qpoints, everything, self.values[None])[0])
        return short if self.dipoles is None else short + self._weighted(self.dipoles.matrices(qpoints))

    def dynamical_matrix_derivative(self, qpoints: Floats) -> Complexes:
        """Differentiate D(q) with respect to the Cartesian wave vector.

        Returns
        -------
        (3, Q, 3N, 3N) complex
            ∂D/∂k_α, eV Å⁻¹ amu⁻¹, k in Å⁻¹ (2π included).
        """
        everything = np.ones(len(self.cells), dtype=np.bool_)
        arms = np.moveaxis(self.vectors, -1, 0)[..., None, None]
        short = 1j * self._fourier(qpoints, everything, arms * self.values)
        return short if self.dipoles is None else short + self._weighted(self.dipoles.derivatives(qpoints))

    def _weighted(self, blocks: Complexes) -> Complexes:
        """Divide blocks (..., N, 3, N, 3) by the roots of the masses: (..., 3N, 3N)."""
        n = len(self.atoms)
        root = np.repeat(np.sqrt(self.atoms.get_masses()), 3)
        return np.asarray(blocks.reshape(*blocks.shape[:-4], 3 * n, 3 * n) / (root[:, None] * root))

    def layer_blocks(self, wave_vectors: Floats) -> Complexes:
        """Blocks between cells stacked along the third axis, at in-plane wave vectors; without dipoles.

        Parameters
        ----------
        wave_vectors : (Q, 2) float
            k∥ in fractional coordinates of the 2-D reciprocal cell of the first two axes, which must lie
            in the xy plane.

        Returns
        -------
        (2M + 1, Q, 3N, 3N) complex
            Block m − M between cell 0 and the cells with third index m − M, eV Å⁻² amu⁻¹, with the
            phases of the in-plane part of the interatomic vectors only. M is the largest third index.
        """
        qpoints = self.in_plane(wave_vectors)
        reach = int(np.max(np.abs(self.cells[:, 2]), initial=0))
        return np.array(
            [
                self._fourier(qpoints, self.cells[:, 2] == m, self.values[None])[0]
                for m in range(-reach, reach + 1)
            ]
        )

    def in_plane(self, wave_vectors: Floats) -> Floats:
        """Fractional 3-D coordinates (Q, 3) of in-plane wave vectors (Q, 2) without a z component."""
        cell = self.atoms.cell.array
        # κ·a1 = 2π k1 and κ·a2 = 2π k2 fix κ in the plane; the third coordinate is κ·a3/2π
        kappa = np.linalg.solve(cell[:2, :2], np.asarray(wave_vectors, dtype=float).T).T
        return np.column_stack([wave_vectors, kappa @ cell[2, :2]])

    def _fourier(self, qpoints: Floats, selected: Bools, values: Floats) -> Complexes:
        """Sum (C, R, N, N, 3, 3) values over the selected cells: (C, Q, 3N, 3N), mass-weighted."""
        n = len(self.atoms)
        q = np.asarray(qpoints, dtype=float)
        masses = self.atoms.get_masses()
        phases = _lattice_phases(q, self.cells[selected])
        table = values[:, selected] / np.sqrt(masses[:, None] * masses)[..., None, None]
        sums = phases @ table.transpose(0, 1, 2, 4, 3, 5).reshape(len(table), int(selected.sum()), 9 * n * n)
        shift = np.repeat(np.exp(1j * TWO_PI * (q @ self._fractional.T)), 3, axis=1)
        blocks = sums.reshape(len(table), len(q), 3 * n, 3 * n)
        return np.asarray(shift.conj()[:, :, None] * blocks * shift[:, None, :])

    @cached_property
    def _fractional(self) -> Floats:
        return np.asarray(self.atoms.cell.scaled_positions(self.atoms.get_positions()))

    @cached_property
    def _inverse(self) -> Integers:
        """Index of −R for every R."""
        index = {tuple(cell): i for i, cell in enumerate(self.cells.tolist())}
        try:
            return np.array([index[-a, -b, -c] for a, b, c in self.cells.tolist()], dtype=np.int64)
        except KeyError as missing:
            raise InputError(
                f"force constants need with every cell its inverse, but {missing.args[0]} is missing"
            ) from None

    def _transposed(self) -> Floats:
        return np.asarray(self.values[self._inverse].transpose(0, 2, 1, 4, 3))


def _lattice_phases(qpoints: Floats, cells: Integers) -> Complexes:
    """exp(2πi q·R), (Q, R), as products of powers along the three axes: an exponential for each is dearer."""
    phases = np.ones((len(qpoints), len(cells)), dtype=complex)
    for axis in range(3):
        reach = int(np.max(np.abs(cells[:, axis]), initial=0))
        if reach > 0:
            powers = np.exp(1j * TWO_PI * np.outer(qpoints[:, axis], np.arange(-reach, reach + 1)))
            phases *= powers[:, cells[:, axis] + reach]
    return phases


def untwist(strength: Floats, twist: Floats) -> Floats:
    """Correct pair force constants so that the antisymmetric part of their row sums vanishes.

    That part is a numerical residue of finite displacements: a self term cannot absorb it, because Φ_ii(0)
    is symmetric. The pairs take w_ij (S_i − S_j), S_i antisymmetric, which leaves Φ_ij(R) = Φ_ji(−R)ᵀ
    intact and needs one graph-Laplacian solve.

    Parameters
    ----------
    strength : (R, N, N) float
        Weights w of the pairs; zero where a pair must stay as it is.
    twist : (N, 3, 3) float
        Antisymmetric parts of the row sums, eV Å⁻².

    Returns
    -------
    (R, N, N, 3, 3) float
        The correction to add, eV Å⁻².
    """
    n = len(twist)
    pairs = strength.sum(axis=0)
    laplacian = np.diag(pairs.sum(axis=1)) - pairs
    s = np.linalg.lstsq(laplacian, -twist.reshape(n, 9), rcond=None)[0].reshape(n, 3, 3)
    return np.asarray(strength[..., None, None] * (s[:, None] - s[None, :]))
