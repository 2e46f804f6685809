"""Long-ranged forces of polar crystals: dipoles of the Born charges, screened by the electrons.

An ion i of Born charges Z_i that moves by u_i carries the dipole e Z_i u_i. The dipoles interact through the
dielectric tensor ε of the clamped ions. Gonze and Lee split force constants into a short-ranged table and

    Φ_ij(q) = (4π e²/V) Σ_G (K·Z_i)(K·Z_j)/(K·ε·K) exp(−K·ε·K/4Λ²) e^{iG·(r_i − r_j)} − δ_ij × drift,     (1)

K = q + G, position gauge, V the volume of the cell. The Gaussian smears the dipoles; what it takes away is
short-ranged and stays in the table, whatever Λ is. The drift, Σ_j Φ_ij(0) without G = 0, keeps the acoustic
sum rule. The term G = 0 depends on the direction of q → 0, which splits longitudinal from transverse optical
modes; at q = 0 itself it is left out.

Source: X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997), Eqs. (71)-(73), reciprocal part.

Symbols: Z → ``charges`` (e), its first index that of the field, its second that of the displacement; ε →
``dielectric``; Λ → ``screening`` (Å⁻¹, 2π included).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations_with_replacement, product
from typing import Final

import numpy as np
from scipy import constants

from latmm.arrays import Complexes, Floats, Integers
from latmm.units import TWO_PI

__all__ = ["COULOMB", "Dipoles", "screening_of"]

COULOMB: Final[float] = constants.e / (constants.epsilon_0 * constants.angstrom)
"""4π e² = e²/ε₀ (Gaussian and SI units), eV Å."""
_CONVERGED: Final[float] = 40.0
"""Exponent K·ε·K/4Λ² up to which G are summed: exp(−40) is rounding."""
_WAVE_VECTORS: Final[int] = 300
_NUMBERS: Final[int] = 2**20
"""Elements of the arrays that a batch of wave vectors takes."""
_CUT: Final[float] = 1e-10
"""Phonopy's choice of Λ: so small does the Gaussian become on the sphere of so many G."""


def screening_of(dielectric: Floats, volume: float) -> float:
    """Λ as phonopy chooses it, Å⁻¹, from ε and the volume of the primitive cell in Å³.

    Any other gives the same forces, if the short-ranged table is made with it and its supercell holds it.
    """
    sphere = TWO_PI * (3.0 * _WAVE_VECTORS / (4.0 * np.pi * volume)) ** (1.0 / 3.0)
    return float(np.sqrt(sphere**2 * np.trace(dielectric) / 3.0 / (-4.0 * np.log(_CUT))))


@dataclass(frozen=True)
class Dipoles:
    """Born charges and dielectric tensor of a crystal, with the geometry in which they interact.

    Attributes
    ----------
    charges : (N, 3, 3) float
        Z, e; they sum to zero.
    dielectric : (3, 3) float
        ε of the clamped ions.
    screening : float
        Λ, Å⁻¹.
    cell : (3, 3) float
        Lattice vectors in rows, Å: those of the crystal at rest, also where its force constants serve one
        that is strained in the plane.
    positions : (N, 3) float
        Å.
    macroscopic : bool
        The term G = 0 is there as it stands. If not, it is what is left of it without macroscopic field: its
        value less that without the Gaussian.
    """

    charges: Floats
    dielectric: Floats
    screening: float
    cell: Floats
    positions: Floats
    macroscopic: bool = True

    @property
    def volume(self) -> float:
        """Volume of the cell, Å³."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def reciprocal(self) -> Floats:
        """Reciprocal vectors in rows, Å⁻¹, 2π included."""
        return np.asarray(TWO_PI * np.linalg.inv(self.cell).T)

    @property
    def strength(self) -> float:
        """4π e²/V, eV Å⁻²."""
        return COULOMB / self.volume

    def turned(self, rotation: Floats, cell: Floats, order: Integers, cells: Integers) -> "Dipoles":
        """Describe the same crystal in another cell and other axes.

        Parameters
        ----------
        rotation : (3, 3) float
            u of :class:`latmm.lattice.recast.Setting`, acting on row vectors from the right.
        cell : (3, 3) float
            New lattice vectors in the old axes.
        order : (M,) int
            Old atom that is the new atom i ...
        cells : (M, 3) int
            ... in this old cell.
        """
        positions = self.positions[order] + cells @ self.cell
        return Dipoles(
            np.einsum("ac,iab,bd->icd", rotation, self.charges[order], rotation),
            rotation.T @ self.dielectric @ rotation,
            self.screening,
            cell @ rotation,
            positions @ rotation,
            self.macroscopic,
        )

    def wave_vectors(self, qpoints: Floats) -> Floats:
        """Cartesian wave vectors (Q, 3) of fractional ones, Å⁻¹."""
        return np.asarray(np.asarray(qpoints, dtype=float) @ self.reciprocal)

    def matrices(self, qpoints: Floats) -> Complexes:
        """Eq. (1) at fractional q (Q, 3): (Q, N, 3, N, 3), eV Å⁻²."""
        return self._less_drift(self._sums(self.wave_vectors(qpoints), 0)[0])

    def derivatives(self, qpoints: Floats) -> Complexes:
        """Differentiate Eq. (1) with respect to the Cartesian wave vector: (3, Q, N, 3, N, 3), eV Å⁻¹."""
        return np.moveaxis(self._sums(self.wave_vectors(qpoints), 1)[1], 1, 0)

    @cached_property
    def moments(self) -> tuple[Floats, Complexes, Floats]:
        """Φ, ∂Φ/∂k_γ and ∂²Φ/∂k_γ∂k_λ of the analytic part of Eq. (1) at q = 0.

        The G = 0 term less its value without the Gaussian is part of it: that is at zero macroscopic field.

        Returns
        -------
        (N, 3, N, 3), (3, N, 3, N, 3), (3, 3, N, 3, N, 3) ndarray
            eV Å⁻², eV Å⁻¹, eV.
        """
        value, first, second = (found[0] for found in self._sums(np.zeros((1, 3)), 2))
        value = self._less_drift(value)
        pairs = np.einsum("iga,jlb->gliajb", self.charges, self.charges)
        gaussian = -self.strength / (4.0 * self.screening**2) * (pairs + pairs.transpose(1, 0, 2, 3, 4, 5))
        return value.real, first, second.real + gaussian

    @cached_property
    def row_sums(self) -> Floats:
        """Sum over j of Φ_ij(0), (N, 3, 3) eV Å⁻²: antisymmetric, for no self term can take that off.

        Zero where the sites have some symmetry; elsewhere the short-ranged table makes up for it.
        """
        sums = self._row_sums
        return np.asarray(0.5 * (sums - sums.transpose(0, 2, 1)))

    @cached_property
    def drift(self) -> Floats:
        """Sum over j of Φ_ij(0) without G = 0, its symmetric part, (N, 3, 3)."""
        sums = self._row_sums
        return np.asarray(0.5 * (sums + sums.transpose(0, 2, 1)))

    @cached_property
    def _row_sums(self) -> Floats:
        return np.asarray(self._sums(np.zeros((1, 3)), 0)[0][0].real.sum(axis=2))

    def _less_drift(self, matrices: Complexes) -> Complexes:
        """Take the drift off the self terms."""
        every = np.arange(len(self.charges))
        matrices[..., every, :, every, :] -= self.drift[:, None] if matrices.ndim == 5 else self.drift
        return matrices

    @cached_property
    def _lattice(self) -> Floats:
        """G around 0 that count for any q of the first zone, and for any other q after a shift, (G, 3)."""
        radius = np.sqrt(4.0 * self.screening**2 * _CONVERGED / np.linalg.eigvalsh(self.dielectric)[0])
        corners = np.array(list(product((-0.5, 0.5), repeat=3))) @ self.reciprocal
        radius += np.linalg.norm(corners, axis=1).max()
        bound = np.floor(radius * np.linalg.norm(self.cell, axis=1) / TWO_PI).astype(int)
        steps = np.array(list(product(*(range(-b, b + 1) for b in bound))), dtype=float)
        vectors = steps @ self.reciprocal
        return np.asarray(vectors[np.einsum("gi,gi->g", vectors, vectors) < radius**2])

    def _sums(self, waves: Floats, order: int) -> list[Complexes]:
        """Sum over G, Eq. (1) without its drift, and its first ``order`` derivatives.

        Parameters
        ----------
        waves : (Q, 3) float
            Cartesian wave vectors, Å⁻¹.
        order : int
            0, 1 or 2.

        Returns
        -------
        list of ndarray
            (Q, N, 3, N, 3), (Q, 3, N, 3, N, 3), (Q, 3, 3, N, 3, N, 3), as many as asked for.
        """
        n, count = len(self.charges), len(self._lattice)
        found = [
            np.empty((len(waves), *[3] * degree, n, 3, n, 3), dtype=complex) for degree in range(order + 1)
        ]
        batch = max(1, _NUMBERS // count)
        some_pairs = max(1, _NUMBERS // (2 * count * len(_monomials(order + 2)[0])))
        pairs = np.array(np.triu_indices(n))  # the sum of the pair (j, i) is the conjugate one
        for first, second in np.split(pairs, range(some_pairs, pairs.shape[1], some_pairs), axis=1):
            arms = self.positions[first] - self.positions[second]
            moments = _Moments.of(self._lattice, arms)
            for start in range(0, len(waves), batch):
                chosen = slice(start, start + batch)
                home = np.rint(waves[chosen] @ self.cell.T / TWO_PI) @ self.reciprocal
                shift = self.strength * np.exp(-1j * (home @ arms.T))
                for store, sums in zip(
                    found, self._tensors(waves[chosen] - home, moments, order), strict=True
                ):
                    sums *= shift.reshape(len(shift), *[1] * (sums.ndim - 2), -1)
                    blocks = np.einsum(
                        "pca,...cdp,pdb->p...ab",
                        self.charges[first],
                        sums,
                        self.charges[second],
                        optimize=True,
                    )
                    store[chosen][..., second, :, first, :] = blocks.conj().swapaxes(-1, -2)
                    store[chosen][..., first, :, second, :] = blocks
        return found

    def _tensors(self, waves: Floats, moments: "_Moments", order: int) -> Iterator[Complexes]:
        """Sum f = K_α K_β exp(−K·ε·K/4Λ²)/(K·ε·K) and its derivatives over G, with the phases of pairs.

        With w(x) = exp(−x/4Λ²)/x, x = K·ε·K, all are power sums Σ w⁽ᵐ⁾ K_α K_β … e^{iG·(r_i − r_j)}.

        Parameters
        ----------
        waves : (Q, 3) float
            Å⁻¹, nearest to G = 0 of all lattice vectors.
        moments : _Moments
            Of the G and the pairs.
        order : int
            How many derivatives.

        Yields
        ------
        (Q, [γ, [λ,]] α, β, P) complex
        """
        k = waves[:, None, :] + self._lattice
        x = np.einsum("qgc,cd,qgd->qg", k, self.dielectric, k, optimize=True)
        reach = 1.0 / (4.0 * self.screening**2)
        keep = (x * reach < _CONVERGED) & (x > 1e-20)
        inverse = np.divide(1.0, x, out=np.zeros_like(x), where=keep)
        decay = np.exp(-np.minimum(x * reach, _CONVERGED)) * inverse
        weights = [decay]
        if order > 0:
            weights.append(-decay * (reach + inverse))
        if order > 1:
            weights.append(decay * (reach**2 + 2.0 * reach * inverse + 2.0 * inverse**2))
        if not self.macroscopic:
            moving = np.flatnonzero(waves.any(axis=1))
            nearest = np.argmax(inverse[moving], axis=1)
            for degree, (weight, sign) in enumerate(zip(weights, (-1.0, 1.0, -2.0), strict=False)):
                weight[moving, nearest] += sign * inverse[moving, nearest] ** (degree + 1)
        one, bent = np.eye(3), 2.0 * self.dielectric
        yield moments.power_sums(weights[0], waves, 2)
        if order > 0:
            first = moments.power_sums(weights[0], waves, 1)
            third = moments.power_sums(weights[1], waves, 3)
            turned = np.einsum("ca,qbp->qcabp", one, first)
            yield np.einsum("cd,qdabp->qcabp", bent, third) + turned + turned.swapaxes(2, 3)
        if order > 1:
            none = moments.power_sums(weights[0], waves, 0)
            second = moments.power_sums(weights[1], waves, 2)
            fourth = moments.power_sums(weights[2], waves, 4)
            cross = np.einsum("cd,la,qdbp->qclabp", bent, one, second)
            cross = cross + cross.swapaxes(3, 4)
            unit = np.einsum("ca,lb,qp->qclabp", one, one, none)
            yield (
                np.einsum("cd,le,qdeabp->qclabp", bent, bent, fourth)
                + np.einsum("cl,qabp->qclabp", bent, second)
                + cross
                + cross.swapaxes(1, 2)
                + unit
                + unit.swapaxes(3, 4)
            )


@cache
def _monomials(degree: int) -> tuple[list[tuple[int, ...]], Integers]:
    """Products of so many components of a vector, each once, and where each of the 3ᵈ products is in them."""
    every = list(combinations_with_replacement(range(3), degree))
    place = [every.index(tuple(sorted(index))) for index in product(range(3), repeat=degree)]
    return every, np.array(place).reshape([3] * degree)


@dataclass(frozen=True)
class _Moments:
    """Power sums over the lattice vectors G with the phases of pairs of atoms.

    Attributes
    ----------
    lattice : (G, 3) float
        Å⁻¹.
    phases : (G, P) complex
        e^{iG·(r_i − r_j)}.
    """

    lattice: Floats
    phases: Complexes

    @classmethod
    def of(cls, lattice: Floats, arms: Floats) -> "_Moments":
        """Of pairs at the distances ``arms`` (P, 3), Å."""
        return cls(lattice, np.exp(1j * (lattice @ arms.T)))

    @cached_property
    def _columns(self) -> dict[int, Floats]:
        return {}

    def _moment(self, weight: Floats, degree: int) -> Complexes:
        """Σ_G w(G) G_α G_β … e^{iG·(r_i − r_j)}, (Q, 3, 3, …, P), for weights (Q, G)."""
        every, place = _monomials(degree)
        if degree not in self._columns:
            powers = np.stack([self.lattice[:, index].prod(axis=1) for index in every], axis=1)
            products = powers[:, :, None] * self.phases[:, None, :]
            self._columns[degree] = np.stack([products.real, products.imag], axis=-1).reshape(len(powers), -1)
        found = weight @ self._columns[degree]
        pairs = self.phases.shape[1]
        return np.ascontiguousarray(found).view(complex).reshape(len(weight), len(every), pairs)[:, place]

    def power_sums(self, weight: Floats, waves: Floats, degree: int) -> Complexes:
        """Σ_G w(G) K_α K_β … e^{iG·(r_i − r_j)}, K = k + G, (Q, 3, 3, …, P).

        Parameters
        ----------
        weight : (Q, G) float
        waves : (Q, 3) float
            k, Å⁻¹.
        degree : int
            How many factors K.
        """
        mixed = [self._moment(weight, n) for n in range(degree + 1)]
        for done in range(degree):  # a factor G, the first index, becomes the last factor K
            k = waves.reshape(len(waves), *[1] * done, 3, 1)
            for n in range(degree - done):
                raised = np.moveaxis(mixed[n + 1], 1, -2)
                factor = k.reshape(len(waves), *[1] * (raised.ndim - 3), 3, 1)
                mixed[n] = raised + mixed[n][..., None, :] * factor
        return mixed[0]
