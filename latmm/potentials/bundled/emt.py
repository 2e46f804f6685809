"""Effective medium theory of the metals Al, Ni, Cu, Pd, Ag, Pt, Au and their alloys.

The same energy as :class:`ase.calculators.emt.EMT` with its own parameter table, vectorised over bonds (ASE's
loops over atoms in Python). With the Wigner-Seitz radius s_i that neighbours give atom i,

    σ₁ᵢ = Σ_j χ_ij e^{−η_j (r_ij − β s0_j)} w(r_ij),     s_i − s0_i = −ln(σ₁ᵢ/12γ₁ᵢ)/(β η_i) = δ_i,
    E = Σ_i {E0_i [(1 + λ_i δ_i) e^{−λ_i δ_i} − 1] + 6 V0_i e^{−κ_i δ_i}}
        − ½ Σ_{i≠j} (V0_i/γ₂ᵢ) χ_ij e^{−κ_j (r_ij/β − s0_j)} w(r_ij),

χ_ij = n0_j/n0_i, w(r) = 1/(1 + e^{a(r − r_c)}), γ₁ and γ₂ the same sums over three shells of the fcc crystal
at s0, normalised to 12 neighbours. K. W. Jacobsen, P. Stoltze and J. K. Nørskov, Surf. Sci. 366, 394 (1996).
r_c and a are ASE's (``asap_cutoff=False``): r_c = 5.38 Å for every metal; bonds end at r_c + 0.5 Å, where
w = 6e-6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from ase.calculators import emt
from ase.units import Bohr

from latmm.arrays import Floats, Integers
from latmm.potentials.bundled.bonds import Bonds, scatter

__all__ = ["EffectiveMedium", "METALS", "effective_medium"]

METALS = ("Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au")
"""The elements fitted in the paper; the others of ASE's table are "just for fun" in its own words."""


@dataclass(frozen=True, eq=False)
class EffectiveMedium:
    """Effective medium energy of S metals.

    Attributes
    ----------
    elements : tuple of str
        The S metals.
    E0, V0 : (S,) float
        Cohesion and pair strength, eV.
    s0 : (S,) float
        Neutral-sphere radius, Å.
    eta, kappa, lam : (S,) float
        Decay constants η, κ, λ, Å⁻¹.
    n0 : (S,) float
        Electron density at the neutral sphere, bohr⁻³ (ratios count).
    middle, slope : float
        r_c (Å) and a (Å⁻¹) of the smoothing function w.
    """

    elements: tuple[str, ...]
    E0: Floats
    V0: Floats
    s0: Floats
    eta: Floats
    kappa: Floats
    lam: Floats
    n0: Floats
    middle: float
    slope: float

    @property
    def cutoff(self) -> float:
        """Longest bond, Å."""
        return self.middle + 0.5

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV, and gradient by bond, (B, 3) eV/Å."""
        i, j, r = species[bonds.first], species[bonds.second], bonds.length
        weight, weight_slope = self._smoothing(r)
        weight = weight * self.n0[j] / self.n0[i]
        density = weight * np.exp(-self.eta[j] * (r - emt.beta * self.s0[j]))
        pair = weight * np.exp(-self.kappa[j] * (r / emt.beta - self.s0[j]))
        gamma1, gamma2 = self._shells()
        pair *= -0.5 * (self.V0 / gamma2)[i]

        sigma1 = scatter(bonds.first, density, species.size)
        energies, embedding_slope = self._embedding(sigma1 / (12.0 * gamma1[species]), species)
        energies += scatter(bonds.first, pair, species.size)
        # dw/dr = w · weight_slope, so every term's slope is the term times a sum of decay constants
        along = embedding_slope[bonds.first] / (12.0 * gamma1[i]) * density * (weight_slope - self.eta[j])
        along += pair * (weight_slope - self.kappa[j] / emt.beta)
        return energies, along[:, None] * bonds.direction

    def _embedding(self, filling: Floats, species: Integers) -> tuple[Floats, Floats]:
        """Energy of each atom, eV, as a function of σ₁/12γ₁, and its slope; −E0 for an atom alone."""
        energies, slope = -self.E0[species], np.zeros_like(filling)
        held = filling > 0
        x, kind = filling[held], species[held]
        eta, lam, kappa = emt.beta * self.eta[kind], self.lam[kind], self.kappa[kind]
        delta = -np.log(x) / eta
        cohesion = self.E0[kind] * np.exp(-lam * delta)
        pair = 6.0 * self.V0[kind] * np.exp(-kappa * delta)
        energies[held] += cohesion * (1.0 + lam * delta) + pair
        slope[held] = (cohesion * lam**2 * delta + kappa * pair) / (eta * x)
        return energies, slope

    def _smoothing(self, r: Floats) -> tuple[Floats, Floats]:
        """w(r) and d ln w/dr, Å⁻¹."""
        weight = 1.0 / (1.0 + np.exp(self.slope * (r - self.middle)))
        return weight, self.slope * (weight - 1.0)

    def _shells(self) -> tuple[Floats, Floats]:
        """γ₁, γ₂ of each metal, (S,): sums over the 12, 6 and 24 nearest sites of its fcc crystal."""
        radius = emt.beta * self.s0[:, None] * np.sqrt([1.0, 2.0, 3.0])
        share = np.array([12.0, 6.0, 24.0]) / 12.0 * self._smoothing(radius)[0]
        excess = radius - emt.beta * self.s0[:, None]
        return (
            np.sum(share * np.exp(-self.eta[:, None] * excess), axis=1),
            np.sum(share * np.exp(-self.kappa[:, None] / emt.beta * excess), axis=1),
        )


def effective_medium(elements: Sequence[str]) -> EffectiveMedium:
    """Build the potential of some of the ``METALS`` from ASE's parameter table (eV, bohr)."""
    E0, s0, V0, eta, kappa, lam, n0 = np.array([emt.parameters[metal] for metal in elements]).T
    # the largest atom of the table fixes w: ½ midway between its third and fourth shells, 1e-4 at the fourth
    nearest = emt.beta * max(row[1] for row in emt.parameters.values()) * Bohr
    middle = nearest * 0.5 * (sqrt(3.0) + 2.0)
    return EffectiveMedium(
        elements=tuple(elements),
        E0=E0,
        V0=V0,
        s0=s0 * Bohr,
        eta=eta / Bohr,
        kappa=kappa / Bohr,
        lam=lam / Bohr,
        n0=n0,
        middle=middle,
        slope=log(1.0 / 1e-4 - 1.0) / (2.0 * nearest - middle),
    )
