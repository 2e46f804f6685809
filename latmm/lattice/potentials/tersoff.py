"""Tersoff's potential for multicomponent systems.

    E = ½ Σ_{i≠j} f_C(r_ij) [A_ij exp(−λ_ij r_ij) − χ_ij b_ij B_ij exp(−μ_ij r_ij)]
    b_ij = (1 + (β_i ζ_ij)^n_i)^{−1/(2 n_i)},     ζ_ij = Σ_{k≠i,j} f_C(r_ik) g_i(θ_jik)
    g_i(θ) = 1 + c_i²/d_i² − c_i²/[d_i² + (h_i − cos θ)²]

and f_C falls from 1 at R_ij to 0 at S_ij as ½ + ½ cos[π (r − R)/(S − R)]. J. Tersoff, Phys. Rev. B 39,
5566 (1989), Eqs. (1) and (2), with ω = 1: λ_ij, μ_ij arithmetic and A_ij, B_ij, R_ij, S_ij geometric means,
β, n, c, d, h of the centre i.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.lattice.potentials.bonds import Bonds, scatter

__all__ = ["Tersoff", "tersoff"]


@dataclass(frozen=True, eq=False)
class Tersoff:
    """Tersoff energy of S elements.

    Attributes
    ----------
    elements : tuple of str
        The S elements.
    A, B : (S, S) float
        Strengths of repulsion and attraction, eV; χ is part of ``B``.
    lam, mu : (S, S) float
        Their decay, Å⁻¹.
    R, S : (S, S) float
        Where the cut-off function begins and ends, Å.
    beta, n, c, d, h : (S,) float
        Bond order of the centre.
    """

    elements: tuple[str, ...]
    A: Floats
    B: Floats
    lam: Floats
    mu: Floats
    R: Floats
    S: Floats
    beta: Floats
    n: Floats
    c: Floats
    d: Floats
    h: Floats

    @property
    def cutoff(self) -> float:
        """Longest bond, Å."""
        return float(self.S.max())

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a bond's to each end), and gradient by bond, (B, 3) eV/Å."""
        bonded = bonds.length < self.S[species[bonds.first], species[bonds.second]]
        near = bonds.select(bonded)
        centre, kind, r = species[near.first], (species[near.first], species[near.second]), near.length
        cut, cut_slope = self._cut(r, kind)
        unit = near.direction

        one, two = near.pairs()
        cosine = np.einsum("tx,tx->t", unit[one], unit[two])
        angular, angular_slope = self._angular(cosine, centre[one])
        zeta = scatter(one, cut[two] * angular, r.size)
        order, order_slope = self._order(zeta, centre)

        repulsion = 0.5 * self.A[kind] * np.exp(-self.lam[kind] * r)
        attraction = 0.5 * self.B[kind] * np.exp(-self.mu[kind] * r)
        bond = repulsion - order * attraction
        bond_slope = self.mu[kind] * order * attraction - self.lam[kind] * repulsion

        # E depends on the angle and on r_ik through ζ_ij alone
        through_zeta = (-cut * attraction * order_slope)[one]
        turn = through_zeta * cut[two] * angular_slope
        along = cut_slope * bond + cut * bond_slope
        along += cut_slope * scatter(two, through_zeta * angular, r.size)
        along -= scatter(one, turn * cosine, r.size) / r + scatter(two, turn * cosine, r.size) / r
        across = scatter(one, turn[:, None] * unit[two], r.size)
        across += scatter(two, turn[:, None] * unit[one], r.size)

        gradient = np.zeros_like(bonds.vector)
        gradient[bonded] = along[:, None] * unit + across / r[:, None]
        return scatter(near.first, cut * bond, species.size), gradient

    def _cut(self, r: Floats, kind: tuple[Integers, Integers]) -> tuple[Floats, Floats]:
        """f_C of bonds shorter than S, and its slope, Å⁻¹."""
        width = self.S[kind] - self.R[kind]
        phase = np.pi * np.clip((r - self.R[kind]) / width, 0.0, 1.0)
        return 0.5 + 0.5 * np.cos(phase), -0.5 * np.pi * np.sin(phase) / width

    def _angular(self, cosine: Floats, centre: Integers) -> tuple[Floats, Floats]:
        """g(θ) of each triplet, and dg/d(cos θ)."""
        c2, d2 = self.c[centre] ** 2, self.d[centre] ** 2
        tilt = self.h[centre] - cosine
        width = d2 + tilt**2
        return 1.0 + c2 / d2 - c2 / width, -2.0 * c2 * tilt / width**2

    def _order(self, zeta: Floats, centre: Integers) -> tuple[Floats, Floats]:
        """Bond order b of each bond, and db/dζ: zero for a bond without neighbours, ζ = 0."""
        n = self.n[centre]
        crowd = (self.beta[centre] * zeta) ** n
        order = (1.0 + crowd) ** (-0.5 / n)
        slope = np.divide(crowd, zeta, out=np.zeros_like(zeta), where=zeta > 0)
        return order, -0.5 * order * slope / (1.0 + crowd)


def tersoff(parameters: Mapping[str, Any], elements: Sequence[str]) -> Tersoff:
    """Build the potential of some elements from the content of its parameter file.

    Parameters
    ----------
    parameters : mapping
        Tables ``element`` and ``chi`` of ``tersoff.toml``.
    elements : sequence of str
        Chemical symbols, all of them in the file.
    """
    value = {
        symbol: np.array([parameters["element"][name][symbol] for name in elements])
        for symbol in ("A", "B", "lambda", "mu", "beta", "n", "c", "d", "h", "R", "S")
    }
    chi = np.array(
        [[1.0 if i == j else parameters["chi"]["-".join(sorted((i, j)))] for j in elements] for i in elements]
    )

    def geometric(x: Floats) -> Floats:
        return np.asarray(np.sqrt(np.outer(x, x)))

    def arithmetic(x: Floats) -> Floats:
        return np.asarray(np.add.outer(x, x) / 2.0)

    return Tersoff(
        elements=tuple(elements),
        A=geometric(value["A"]),
        B=chi * geometric(value["B"]),
        lam=arithmetic(value["lambda"]),
        mu=arithmetic(value["mu"]),
        R=geometric(value["R"]),
        S=geometric(value["S"]),
        **{symbol: value[symbol] for symbol in ("beta", "n", "c", "d", "h")},
    )
