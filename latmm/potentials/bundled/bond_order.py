"""Tersoff's potential for multicomponent systems, in the general form of LAMMPS' parameter files.

    E = ½ Σ_{i≠j} f_C(r_ij) [A_ij exp(−λ_ij r_ij) − b_ij B_ij exp(−μ_ij r_ij)]
    b_ij = (1 + (β_ij ζ_ij)^n_ij)^{−1/(2 n_ij)}
    ζ_ij = Σ_{k≠i,j} f_C(r_ik) g_ijk(θ_jik) exp{[κ_ijk (r_ij − r_ik)]^m_ijk}
    g_ijk(θ) = γ_ijk (1 + c²/d² − c²/[d² + (h − cos θ)²]),    c, d, h of i, j, k

and f_C falls from 1 at R to 0 at S as ½ + ½ cos[π (r − R)/(S − R)], R and S of i, j in E, of i, j, k in ζ.
J. Tersoff, Phys. Rev. B 37, 6991 (1988), Eqs. (1)-(4), where m = 3, and Phys. Rev. B 39, 5566 (1989),
Eqs. (1) and (2), where κ = 0, γ = 1 and ω = 1: λ_ij, μ_ij arithmetic and A_ij, B_ij, R_ij, S_ij geometric
means, χ_ij a factor of B_ij, β, n, c, d, h of the centre i. Other published fits use γ, κ and m = 1: LAMMPS
manual, pair_style tersoff, whose λ₁, λ₂, λ₃ are λ, μ, κ and whose R ∓ D are R, S.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.potentials.bundled.bonds import Bonds, scatter

__all__ = ["Tersoff", "tersoff", "tersoff_by_bond"]


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
        Where the cut-off function of a bond begins and ends, Å.
    beta, n : (S, S) float
        Bond order.
    c, d, h, gamma : (S, S, S) float
        Angular function of the bonds i-j and i-k.
    kappa : (S, S, S) float
        Decay of ζ with the difference of the two lengths, Å⁻¹.
    m : (S, S, S) float
        Its power, 1 or 3.
    R_third, S_third : (S, S, S) float
        Where the cut-off function of the bond i-k begins and ends in ζ_ij, Å.
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
    gamma: Floats
    kappa: Floats
    m: Floats
    R_third: Floats
    S_third: Floats

    @property
    def cutoff(self) -> float:
        """Longest bond, Å."""
        return float(max(self.S.max(), self.S_third.max()))

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a bond's to each end), and gradient by bond, (B, 3) eV/Å."""
        bonded = (
            bonds.length
            < np.maximum(self.S, self.S_third.max(axis=1))[species[bonds.first], species[bonds.second]]
        )
        near = bonds.select(bonded)
        first, second, r, unit = species[near.first], species[near.second], near.length, near.direction
        kind = first, second
        cut, cut_slope = _cut(r, self.R[kind], self.S[kind])

        one, two = near.pairs()
        triple = first[one], second[one], second[two]
        cosine = np.einsum("tx,tx->t", unit[one], unit[two])
        third, third_slope = _cut(r[two], self.R_third[triple], self.S_third[triple])
        angular, angular_slope = self._angular(cosine, triple)
        stretch, stretch_slope = self._stretch(r[one] - r[two], triple)
        zeta = scatter(one, third * angular * stretch, r.size)
        order, order_slope = self._order(zeta, kind)

        repulsion = 0.5 * self.A[kind] * np.exp(-self.lam[kind] * r)
        attraction = 0.5 * self.B[kind] * np.exp(-self.mu[kind] * r)
        bond = repulsion - order * attraction
        bond_slope = self.mu[kind] * order * attraction - self.lam[kind] * repulsion

        # E depends on the angle, on r_ik and on r_ij − r_ik through ζ_ij alone
        through_zeta = (-cut * attraction * order_slope)[one]
        turn = through_zeta * third * angular_slope * stretch
        lengthen = through_zeta * third * angular * stretch_slope
        along = cut_slope * bond + cut * bond_slope
        along += scatter(one, lengthen, r.size)
        along += scatter(two, through_zeta * third_slope * angular * stretch - lengthen, r.size)
        along -= scatter(one, turn * cosine, r.size) / r + scatter(two, turn * cosine, r.size) / r
        across = scatter(one, turn[:, None] * unit[two], r.size)
        across += scatter(two, turn[:, None] * unit[one], r.size)

        gradient = np.zeros_like(bonds.vector)
        gradient[bonded] = along[:, None] * unit + across / r[:, None]
        return scatter(near.first, cut * bond, species.size), gradient

    def _angular(self, cosine: Floats, triple: tuple[Integers, ...]) -> tuple[Floats, Floats]:
        """g(θ) of each triplet, and dg/d(cos θ)."""
        c2, d2, gamma = self.c[triple] ** 2, self.d[triple] ** 2, self.gamma[triple]
        tilt = self.h[triple] - cosine
        width = d2 + tilt**2
        return gamma * (1.0 + c2 / d2 - c2 / width), -2.0 * gamma * c2 * tilt / width**2

    def _stretch(self, longer: Floats, triple: tuple[Integers, ...]) -> tuple[Floats, Floats]:
        """exp{[κ (r_ij − r_ik)]^m} of each triplet, and its slope with the difference, Å⁻¹."""
        if not np.any(self.kappa):
            return np.ones_like(longer), np.zeros_like(longer)
        kappa, m = self.kappa[triple], self.m[triple]
        stretch = np.exp((kappa * longer) ** m)
        return stretch, stretch * m * kappa * (kappa * longer) ** (m - 1.0)

    def _order(self, zeta: Floats, kind: tuple[Integers, Integers]) -> tuple[Floats, Floats]:
        """Bond order b of each bond, and db/dζ: zero for a bond without neighbours, ζ = 0."""
        n = self.n[kind]
        crowd = (self.beta[kind] * zeta) ** n
        order = (1.0 + crowd) ** (-0.5 / n)
        slope = np.divide(crowd, zeta, out=np.zeros_like(zeta), where=zeta > 0)
        return order, -0.5 * order * slope / (1.0 + crowd)


def _cut(r: Floats, begin: Floats, end: Floats) -> tuple[Floats, Floats]:
    """f_C and its slope, Å⁻¹: both exactly 0 from ``end`` on."""
    width = end - begin
    phase = np.pi * np.clip((r - begin) / width, 0.0, 1.0)
    return 0.5 + 0.5 * np.cos(phase), np.where(r < end, -0.5 * np.pi * np.sin(phase) / width, 0.0)


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
    size = len(elements)

    def geometric(x: Floats) -> Floats:
        return np.asarray(np.sqrt(np.outer(x, x)))

    def arithmetic(x: Floats) -> Floats:
        return np.asarray(np.add.outer(x, x) / 2.0)

    def of_centre(x: Floats) -> Floats:
        return np.repeat(x[:, None], size, axis=1)

    def of_ends(x: Floats) -> Floats:
        """(i, k) → (i, j, k)."""
        return np.repeat(x[:, None, :], size, axis=1)

    same = np.ones((size, size, size))
    return Tersoff(
        elements=tuple(elements),
        A=geometric(value["A"]),
        B=chi * geometric(value["B"]),
        lam=arithmetic(value["lambda"]),
        mu=arithmetic(value["mu"]),
        R=geometric(value["R"]),
        S=geometric(value["S"]),
        **{symbol: of_centre(value[symbol]) for symbol in ("beta", "n")},
        **{symbol: of_ends(of_centre(value[symbol])) for symbol in ("c", "d", "h")},
        gamma=same,
        kappa=0.0 * same,
        m=3.0 * same,
        R_third=of_ends(geometric(value["R"])),
        S_third=of_ends(geometric(value["S"])),
    )


def tersoff_by_bond(parameters: Mapping[str, Any], elements: Sequence[str]) -> Tersoff:
    """Build the potential of some elements from numbers that each bond has of its own.

    Parameters
    ----------
    parameters : mapping
        Tables ``bond`` and ``order`` of ``bnc.toml``.
    elements : sequence of str
        Chemical symbols, all of them in the file.
    """
    size = len(elements)
    bonds, orders = parameters["bond"], parameters["order"]

    def of_bond(symbol: str) -> Floats:
        return np.array([[bonds["-".join(sorted((i, j)))][symbol] for j in elements] for i in elements])

    def of_order(symbol: str) -> Floats:
        return np.array([[orders.get(f"{i}-{j}", orders[i])[symbol] for j in elements] for i in elements])

    def of_angle(x: Floats) -> Floats:
        """(i, j) → (i, j, k)."""
        return np.repeat(x[:, :, None], size, axis=2)

    same = np.ones((size, size, size))
    return Tersoff(
        elements=tuple(elements),
        **{
            name: of_bond(symbol)
            for name, symbol in (("A", "A"), ("B", "B"), ("lam", "lambda"), ("mu", "mu"))
        },
        **{symbol: of_bond(symbol) for symbol in ("R", "S")},
        **{symbol: of_order(symbol) for symbol in ("beta", "n")},
        **{symbol: of_angle(of_order(symbol)) for symbol in ("c", "d", "h")},
        gamma=same,
        kappa=0.0 * same,
        m=3.0 * same,
        R_third=of_angle(of_bond("R")),
        S_third=of_angle(of_bond("S")),
    )
