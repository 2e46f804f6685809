"""Analytic embedded-atom potential of sixteen metals and their alloys.

    E = Σ_i F_i(ρ_i) + ½ Σ_{i≠j} φ_ij(r_ij),      ρ_i = Σ_{j≠i} f_j(r_ij)
    f(r) = f_e e^{−β(x−1)}/[1 + (x − λ)²⁰],        x = r/r_e
    φ_aa(r) = A e^{−α(x−1)}/[1 + (x − κ)²⁰] − B e^{−β(x−1)}/[1 + (x − λ)²⁰]
    φ_ab = ½ (f_b/f_a φ_aa + f_a/f_b φ_bb)
    F(ρ) = Σ_m F_nm (ρ/ρ_n − 1)^m,  ρ < ρ_n;     Σ_m F_m (ρ/ρ_e − 1)^m,  ρ_n ≤ ρ < ρ_0;
           F_e [1 − η ln(ρ/ρ_s)] (ρ/ρ_s)^η,  ρ ≥ ρ_0.

X. W. Zhou, R. A. Johnson and H. N. G. Wadley, Phys. Rev. B 69, 144113 (2004). The paper gives no cut-off;
bonds end here at 2.4 r_e of the largest atom, where f and φ_aa have fallen below 3e-6 of their value at r_e
(Mg, Co, Ti, Zr: 2e-5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.potentials.bundled.bonds import Bonds, scatter

__all__ = ["EmbeddedAlloy", "embedded_alloy"]

_END = 2.4
"""Longest bond in units of r_e."""


@dataclass(frozen=True, eq=False)
class EmbeddedAlloy:
    """Embedded-atom energy of S metals; symbols as in the module's equations.

    Attributes
    ----------
    elements : tuple of str
        The S metals.
    re : (S,) float
        Distance of nearest neighbours, Å.
    fe, rho_e, rho_s, rho_n, rho_0 : (S,) float
        Electron density at r_e of one neighbour, and those at which F takes another form.
    alpha, beta, kappa, lam : (S,) float
        Decay and cut of the functions of x.
    A, B : (S,) float
        Strengths of repulsion and attraction, eV.
    below, middle : (S, 4) float
        F_nm and F_m, eV.
    Fe, eta : (S,) float
        F_e, eV, and η.
    """

    elements: tuple[str, ...]
    re: Floats
    fe: Floats
    rho_e: Floats
    rho_s: Floats
    rho_n: Floats
    rho_0: Floats
    alpha: Floats
    beta: Floats
    kappa: Floats
    lam: Floats
    A: Floats
    B: Floats
    below: Floats
    middle: Floats
    Fe: Floats
    eta: Floats

    @property
    def cutoff(self) -> float:
        """Longest bond, Å."""
        return _END * float(self.re.max())

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a pair's to each end), and gradient by bond, (B, 3) eV/Å."""
        size, i, j = species.size, species[bonds.first], species[bonds.second]
        (f_i, f_i_slope, own_i, own_i_slope), (f_j, f_j_slope, own_j, own_j_slope) = (
            self._functions(kind, bonds.length) for kind in (i, j)
        )
        ratio = f_j / f_i
        ratio_slope = ratio * (f_j_slope / f_j - f_i_slope / f_i)
        pair = 0.5 * (ratio * own_i + own_j / ratio)
        pair_slope = 0.5 * (ratio * own_i_slope + own_j_slope / ratio)
        pair_slope += 0.5 * ratio_slope * (own_i - own_j / ratio**2)
        energies, embedding_slope = self._embedding(species, scatter(bonds.first, f_j, size))
        energies += 0.5 * scatter(bonds.first, pair, size)
        along = embedding_slope[bonds.first] * f_j_slope + 0.5 * pair_slope
        return energies, along[:, None] * bonds.direction

    def _functions(self, kind: Integers, r: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Compute f and φ_aa (eV) of one kind of atom for each bond, each with its slope, Å⁻¹."""
        re = self.re[kind]
        x = r / re
        near = self.A[kind], self.alpha[kind], self.kappa[kind]
        far, far_slope = _decay(x, 1.0, self.beta[kind], self.lam[kind])
        repulsion, repulsion_slope = _decay(x, *near)
        own = repulsion - self.B[kind] * far
        own_slope = (repulsion_slope - self.B[kind] * far_slope) / re
        return self.fe[kind] * far, self.fe[kind] * far_slope / re, own, own_slope

    def _embedding(self, kind: Integers, rho: Floats) -> tuple[Floats, Floats]:
        """F and dF/dρ of each atom."""
        lower = self.rho_n[kind]
        below, below_slope = _cubic(self.below[kind], rho / lower - 1.0)
        middle, middle_slope = _cubic(self.middle[kind], rho / self.rho_e[kind] - 1.0)
        eta, ratio = self.eta[kind], np.maximum(rho, lower) / self.rho_s[kind]
        above = self.Fe[kind] * (1.0 - eta * np.log(ratio)) * ratio**eta
        above_slope = -self.Fe[kind] * eta**2 * np.log(ratio) * ratio**eta / (ratio * self.rho_s[kind])
        where = [rho < lower, rho < self.rho_0[kind]]
        value = np.select(where, [below, middle], above)
        slope = np.select(where, [below_slope / lower, middle_slope / self.rho_e[kind]], above_slope)
        return value, slope


def _decay(x: Floats, amplitude: Floats | float, rate: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """Amplitude · e^{−rate (x − 1)}/[1 + (x − offset)²⁰] and its slope with x."""
    nineteenth = (x - offset) ** 19
    cut = 1.0 + nineteenth * (x - offset)
    value = amplitude * np.exp(-rate * (x - 1.0)) / cut
    return value, -value * (rate + 20.0 * nineteenth / cut)


def _cubic(coefficients: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Σ_m c_m t^m and its slope with t, coefficients (B, 4) and t (B,)."""
    c0, c1, c2, c3 = coefficients.T
    return c0 + t * (c1 + t * (c2 + t * c3)), c1 + t * (2.0 * c2 + 3.0 * t * c3)


def embedded_alloy(parameters: Mapping[str, Any], elements: Sequence[str]) -> EmbeddedAlloy:
    """Build the potential of some metals from the content of its parameter file."""
    table = parameters["element"]
    columns = {name: np.array([table[element][name] for element in elements]) for name in table[elements[0]]}
    rho_e = columns["rho_e"]
    return EmbeddedAlloy(
        elements=tuple(elements),
        lam=columns.pop("lambda"),
        rho_n=columns.pop("rho_n") * rho_e,
        rho_0=columns.pop("rho_0") * rho_e,
        **columns,
    )
