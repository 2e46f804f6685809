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

from dataclasses import dataclass
from functools import cached_property
from itertools import product
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
        return np.array([self._sum(k, 0)[0] for k in self.wave_vectors(qpoints)])

    def derivatives(self, qpoints: Floats) -> Complexes:
        """Differentiate Eq. (1) with respect to the Cartesian wave vector: (3, Q, N, 3, N, 3), eV Å⁻¹."""
        found = [self._sum(k, 1)[1] for k in self.wave_vectors(qpoints)]
        return np.moveaxis(np.array(found), 1, 0)

    @cached_property
    def moments(self) -> tuple[Floats, Complexes, Floats]:
        """Φ, ∂Φ/∂k_γ and ∂²Φ/∂k_γ∂k_λ of the analytic part of Eq. (1) at q = 0.

        The G = 0 term less its value without the Gaussian is part of it: that is at zero macroscopic field.

        Returns
        -------
        (N, 3, N, 3), (3, N, 3, N, 3), (3, 3, N, 3, N, 3) ndarray
            eV Å⁻², eV Å⁻¹, eV.
        """
        value, first, second = self._sum(np.zeros(3), 2)
        pairs = np.einsum("iga,jlb->gliajb", self.charges, self.charges)
        gaussian = -self.strength / (4.0 * self.screening**2) * (pairs + pairs.transpose(1, 0, 2, 3, 4, 5))
        return value.real, first, second.real + gaussian

    @cached_property
    def row_sums(self) -> Floats:
        """Sum over j of Φ_ij(0), (N, 3, 3) eV Å⁻²: antisymmetric, for no self term can take that off.

        Zero where the sites have some symmetry; elsewhere the short-ranged table makes up for it.
        """
        sums = self._sums
        return np.asarray(0.5 * (sums - sums.transpose(0, 2, 1)))

    @cached_property
    def drift(self) -> Floats:
        """Sum over j of Φ_ij(0) without G = 0, its symmetric part, (N, 3, 3)."""
        sums = self._sums
        return np.asarray(0.5 * (sums + sums.transpose(0, 2, 1)))

    @cached_property
    def _sums(self) -> Floats:
        return np.asarray(self._terms(np.zeros(3), 0)[0].real.sum(axis=2))

    @cached_property
    def _lattice(self) -> Floats:
        """G around 0 that count for any q of the first zone, and for any other q after a shift, (G, 3)."""
        radius = np.sqrt(4.0 * self.screening**2 * _CONVERGED / np.linalg.eigvalsh(self.dielectric)[0])
        radius += np.linalg.norm(self.reciprocal, axis=1).sum() / 2.0
        bound = np.floor(radius * np.linalg.norm(self.cell, axis=1) / TWO_PI).astype(int)
        steps = np.array(list(product(*(range(-b, b + 1) for b in bound))), dtype=float)
        vectors = steps @ self.reciprocal
        return np.asarray(vectors[np.einsum("gi,gi->g", vectors, vectors) < radius**2])

    def _sum(self, k: Floats, order: int) -> tuple[Complexes, ...]:
        """Φ and its first ``order`` derivatives at the Cartesian wave vector k, drift taken off."""
        found = self._terms(k, order)
        every = np.arange(len(self.charges))
        found[0][every, :, every, :] -= self.drift
        return tuple(found)

    def _terms(self, k: Floats, order: int) -> list[Complexes]:
        """Sum over G, Eq. (1) and its derivatives."""
        home = np.rint(k @ self.cell.T / TWO_PI) @ self.reciprocal
        g = self._lattice - home
        wave = k + g
        x = np.einsum("gi,ij,gj->g", wave, self.dielectric, wave)
        reach = 1.0 / (4.0 * self.screening**2)
        keep = (x * reach < _CONVERGED) & (x > 1e-20)
        g, wave, x = g[keep], wave[keep], x[keep]
        decay = np.exp(-x * reach) / x
        slope = -decay * (reach + 1.0 / x)
        if not self.macroscopic and k.any():
            least = int(np.argmin(x))
            decay[least] -= 1.0 / x[least]
            slope[least] += 1.0 / x[least] ** 2
        n = len(self.charges)
        phase = np.exp(-1j * (g @ self.positions.T))
        u = np.einsum("gc,ica->gia", wave, self.charges) * phase[:, :, None]  # (K·Z_j) e^{−iG·r_j}
        left, right = u.conj().reshape(len(g), 3 * n), u.reshape(len(g), 3 * n)
        shape = (n, 3, n, 3)
        found = [self.strength * ((left * decay[:, None]).T @ right).reshape(shape)]
        if order == 0:
            return found
        dx = 2.0 * wave @ self.dielectric
        z = self.charges[None] * phase[:, :, None, None]  # Z_jγ e^{−iG·r_j}, (G, N, γ, 3)
        z = z.transpose(2, 0, 1, 3).reshape(3, len(g), 3 * n)
        first = [
            (z[c].conj() * decay[:, None]).T @ right
            + (left * decay[:, None]).T @ z[c]
            + (left * (slope * dx[:, c])[:, None]).T @ right
            for c in range(3)
        ]
        found.append(self.strength * np.array(first).reshape(3, *shape))
        if order == 1:
            return found
        bend = decay * (reach**2 + 2.0 * reach / x + 2.0 / x**2)
        second = np.empty((3, 3, 3 * n, 3 * n), dtype=complex)
        for a, b in product(range(3), repeat=2):
            weight = bend * dx[:, a] * dx[:, b] + 2.0 * slope * self.dielectric[a, b]
            second[a, b] = (
                (z[a].conj() * decay[:, None]).T @ z[b]
                + (z[b].conj() * decay[:, None]).T @ z[a]
                + (z[a].conj() * (slope * dx[:, b])[:, None]).T @ right
                + (z[b].conj() * (slope * dx[:, a])[:, None]).T @ right
                + (left * (slope * dx[:, b])[:, None]).T @ z[a]
                + (left * (slope * dx[:, a])[:, None]).T @ z[b]
                + (left * weight[:, None]).T @ right
            )
        found.append(self.strength * second.reshape(3, 3, *shape))
        return found
