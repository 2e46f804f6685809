"""Stillinger-Weber potential of silicon, germanium and their mixtures.

    E = Σ_{i<j} φ₂(r_ij) + Σ_i Σ_{j<k} φ₃(r_ij, r_ik, θ_jik)
    φ₂ = A ε [B (σ/r)^p − (σ/r)^q] exp[σ/(r − aσ)]
    φ₃ = λ ε (cos θ − cos θ₀)² exp[γσ_ij/(r_ij − aσ_ij)] exp[γσ_ik/(r_ik − aσ_ik)]

each factor zero beyond r = aσ. F. H. Stillinger and T. A. Weber, Phys. Rev. B 31, 5262 (1985),
Eqs. (2.3)-(2.5), in units of ε and σ.

Unlike atoms: ε_ij = √(ε_i ε_j), λ_ij = √(λ_i λ_j), σ_ij = (σ_i + σ_j)/2; the triplet with centre i takes
the geometric means of its two bonds, ε_jik = √(ε_ij ε_ik) and λ_jik = √(λ_ij λ_ik), that is
(λ_j λ_i² λ_k)^¼: M. Laradji, D. P. Landau and B. Dünweg, Phys. Rev. B 51, 4894 (1995). The centre weighs
twice as much as each end; nothing is fitted to a Si-Ge crystal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.potentials.bundled.bonds import Bonds, scatter

__all__ = ["StillingerWeber", "stillinger_weber"]


@dataclass(frozen=True, eq=False)
class StillingerWeber:
    """Stillinger-Weber energy of S elements.

    Attributes
    ----------
    elements : tuple of str
        The S elements.
    epsilon, sigma, lam : (S, S) float
        ε_ij (eV), σ_ij (Å), λ_ij of a bond.
    A, B, p, q, a, gamma, cos_theta : float
        The common numbers of the form.
    """

    elements: tuple[str, ...]
    epsilon: Floats
    sigma: Floats
    lam: Floats
    A: float
    B: float
    p: float
    q: float
    a: float
    gamma: float
    cos_theta: float

    @property
    def cutoff(self) -> float:
        """Longest bond aσ, Å."""
        return self.a * float(self.sigma.max())

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (a triplet's to its centre), and gradient by bond, (B, 3) eV/Å."""
        bonded = bonds.length < self.a * self.sigma[species[bonds.first], species[bonds.second]]
        near = bonds.select(bonded)
        kind = species[near.first], species[near.second]
        sigma, epsilon = self.sigma[kind], self.epsilon[kind]
        gap = sigma / (near.length - self.a * sigma)  # σ/(r − aσ) < 0

        pair, pair_slope = self._pair(near.length, sigma, epsilon, gap)
        # √(λε) of each bond: the product over the two bonds of a triplet is λ_jik ε_jik
        reach = np.sqrt(self.lam[kind] * epsilon) * np.exp(self.gamma * gap)
        reach_slope = -self.gamma * gap**2 / sigma  # d ln(reach)/dr

        one, two = near.pairs()
        once = one < two
        one, two = one[once], two[once]
        unit = near.direction
        cosine = np.einsum("tx,tx->t", unit[one], unit[two])
        excess = cosine - self.cos_theta
        strength = reach[one] * reach[two] * excess
        triplet = strength * excess

        size = species.size
        energies = 0.5 * scatter(near.first, pair, size) + scatter(near.first[one], triplet, size)
        # ∂φ₃/∂D_ij = 2 strength (k̂ − cos θ ĵ)/r_ij + φ₃ (d ln reach/dr) ĵ: the part along each
        # bond is gathered first
        along = scatter(one, triplet * reach_slope[one], near.length.size)
        along += scatter(two, triplet * reach_slope[two], near.length.size)
        turn = 2.0 * strength
        along -= scatter(one, turn * cosine, near.length.size) / near.length
        along -= scatter(two, turn * cosine, near.length.size) / near.length
        across = scatter(one, turn[:, None] * unit[two], near.length.size)
        across += scatter(two, turn[:, None] * unit[one], near.length.size)

        gradient = np.zeros_like(bonds.vector)
        gradient[bonded] = (0.5 * pair_slope + along)[:, None] * unit + across / near.length[:, None]
        return energies, gradient

    def _pair(self, length: Floats, sigma: Floats, epsilon: Floats, gap: Floats) -> tuple[Floats, Floats]:
        """φ₂ (eV) and dφ₂/dr (eV/Å) of each bond, (B,)."""
        ratio = sigma / length
        steep, flat = self.B * ratio**self.p, ratio**self.q
        scale = self.A * epsilon * np.exp(gap)
        slope = (self.q * flat - self.p * steep) / length - (steep - flat) * gap**2 / sigma
        return scale * (steep - flat), scale * slope


def stillinger_weber(parameters: Mapping[str, Any], elements: Sequence[str]) -> StillingerWeber:
    """Build the potential of some elements from the content of its parameter file.

    Parameters
    ----------
    parameters : mapping
        Tables ``form`` and ``element`` of ``stillinger_weber.toml``.
    elements : sequence of str
        Chemical symbols, all of them in the file.
    """
    epsilon, sigma, lam = (
        np.array([parameters["element"][name][symbol] for name in elements])
        for symbol in ("epsilon", "sigma", "lambda")
    )
    return StillingerWeber(
        elements=tuple(elements),
        epsilon=np.sqrt(np.outer(epsilon, epsilon)),
        sigma=np.add.outer(sigma, sigma) / 2.0,
        lam=np.sqrt(np.outer(lam, lam)),
        **parameters["form"],
    )
