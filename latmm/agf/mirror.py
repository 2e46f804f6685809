"""Modes from a problem of half the size, where a mirror or a two-fold axis turns the stack round.

With λ the Bloch factor, E = H₀ − ω², S and A = (H₁ ± H₁†)/2 the symmetric and the antisymmetric half of the
hopping and μ = λ + 1/λ, the quadratic problem of :mod:`latmm.agf.bloch` reads

    [E + μ S + (λ − 1/λ) A] u = 0.

Suppose that a unitary R with R² = 1 maps the stack to itself and layer j to layer −j at the same k∥:
R E R = E, R H₁ R = H₁†. In a basis of vectors with R b = ±b, E and S do not connect even with odd vectors,
and A connects nothing else, A = [[0, B], [−B†, 0]]. With u = (u_e, u_o), u_o = (λ − 1)/(λ + 1) w and
x = (u_e, w), the problem becomes *linear in μ, of size n*,

    { [[E_e, −2B], [−2B†, E_o]] + μ [[S_e, B], [−B†, S_o]] } x = 0,                                 (1)

where the second matrix is H₁ itself in that basis. Each μ gives two modes, λ and 1/λ, from one x:
((λ + 1) u_e, ±(λ − 1) w). Eq. (1) is real where the lead has a real form (:mod:`latmm.agf.real_form`).

R need not be known. It commutes with the Hermitian G = H₀ + β(H₁ + H₁†), so the non-degenerate eigenvectors
of G are such a basis, and their parities are read off the blocks: along a spanning tree of the largest
elements, those of E and S keep the parity, those of A change it. The basis is accepted only if what it should
make zero is rounding.

Near λ = ±1 the two modes of one x meet, and λ errs by the error of μ over |λ − 1/λ|. At a band edge, where
the two cannot be told apart, and where bands cross at the zone boundary, the problem of full size is asked
instead: :data:`MARGIN` and :data:`APART`.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from latmm.agf.batch import adjoint, take
from latmm.agf.bloch import REAL_SHIFT, SHIFT, eigenpairs, solve
from latmm.agf.real_form import tree_phases
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["APART", "MARGIN", "MirrorForm"]

RESIDUE: Final[float] = 256 * float(np.finfo(float).eps)
"""What a mirror should make zero, relative to the largest element, below which it counts as zero: the
rounding of the blocks and of the eigenvectors of G."""
MIXTURES: Final[tuple[float, ...]] = (0.37, -0.53)
"""β: any numbers at which no two eigenvalues of G meet by accident; the second is a second try."""
MARGIN: Final[float] = 3e-2
"""||sin arg(λ u†H₁u)| − |ln|λ||| below which a mode may be one of a band edge, and the problem of full size
is solved. A tenth of it still counts all modes right at 1e-2 … 1e-12 from band edges (docs/kernel.md)."""
APART: Final[float] = 1e-3
"""|λ − 1/λ| below which the problem of full size is solved: at most three digits of λ are lost."""


@dataclass(frozen=True)
class MirrorForm:
    """Leads that a mirror maps to themselves, at r wave vectors.

    Attributes
    ----------
    basis : (r, n, n) float or complex
        Vectors of one parity, in columns.
    odd : (r, n) bool
        Which of them are odd.
    constant, slope : (r, n, n) float or complex
        The matrices of Eq. (1): without its −ω², and of μ; (rad/ps)².
    mass : (r, n, n) float or complex, or None
        What −ω² is times, where some unknowns have no mass.
    """

    basis: Complexes | Floats
    odd: Bools
    constant: Complexes | Floats
    slope: Complexes | Floats
    mass: Complexes | Floats | None = None

    def bloch_states(self, rows: Integers, omega2: Floats) -> tuple[Complexes, Complexes]:
        """All 2n Bloch states at the wave vectors ``rows`` (p,) and ω² (p,): λ (p, 2n), u (p, n, 2n)."""
        constant, slope = take(self.constant, rows), take(self.slope, rows)
        one = np.eye(slope.shape[-1]) if self.mass is None else take(self.mass, rows)
        s = REAL_SHIFT if np.isrealobj(slope) else SHIFT
        shift = s + 1.0 / s
        m = solve(constant + shift * slope - omega2[:, None, None] * one, slope)
        inverse, x, lost = eigenpairs(m)  # 1/(shift − μ)
        half = 0.5 * (shift - 1.0 / inverse)
        outside = half + np.sqrt(half - 1.0) * np.sqrt(half + 1.0)  # the branch with |λ| ≥ 1
        inside = 1.0 / outside
        odd = take(self.odd, rows)[..., None]
        basis = take(self.basis, rows)
        even_part = (1.0 + inside)[:, None, :] * np.where(odd, 0.0, x)
        odd_part = (1.0 - inside)[:, None, :] * np.where(odd, x, 0.0)
        length = np.sqrt((np.abs(even_part) ** 2 + np.abs(odd_part) ** 2).sum(-2, keepdims=True))
        even_part, odd_part = even_part / length, odd_part / length
        u = basis @ np.concatenate([even_part - odd_part, even_part + odd_part], axis=-1)
        bloch = np.concatenate([inside, outside], axis=-1)
        bloch[lost] = np.nan
        return bloch, u

    def within(self, outer: Complexes) -> "MirrorForm":
        """Refer the vectors to what the blocks themselves were given in, a basis ``outer`` (r, n, n)."""
        return MirrorForm(outer @ self.basis, self.odd, self.constant, self.slope, self.mass)

    @classmethod
    def of(
        cls,
        h0: Complexes | Floats,
        h1: Complexes | Floats,
        mass: Complexes | Floats | None = None,
    ) -> tuple["MirrorForm", Bools]:
        """Find a basis of one parity under a mirror across the stack.

        Parameters
        ----------
        h0, h1 : (q, n, n) float or complex
            Blocks of the lead, (rad/ps)².
        mass : (q, n, n) float or complex, optional
            M, where some unknowns have no mass.

        Returns
        -------
        form : MirrorForm
            At the wave vectors where there is one.
        found : (q,) bool
            Which these are.
        """
        form, found = _by_parity(h0, h1, mass, MIXTURES[0])
        for mixture in MIXTURES[1:]:
            rest = np.flatnonzero(~found)
            if rest.size:
                some = None if mass is None else mass[rest]
                better, also = _by_parity(h0[rest], h1[rest], some, mixture)
                for item in fields(cls):
                    if getattr(form, item.name) is not None:
                        getattr(form, item.name)[rest[also]] = getattr(better, item.name)[also]
                found[rest] = also
        still = None if form.mass is None else form.mass[found]
        return cls(form.basis[found], form.odd[found], form.constant[found], form.slope[found], still), found


def _by_parity(
    h0: Complexes | Floats, h1: Complexes | Floats, mass: Complexes | Floats | None, mixture: float
) -> tuple[MirrorForm, Bools]:
    """Sort the eigenvectors of G by parity: the form at every wave vector, and where it holds."""
    _, basis = np.linalg.eigh(h0 + mixture * (h1 + adjoint(h1)))
    back = adjoint(basis)
    h0, h1 = back @ h0 @ basis, back @ h1 @ basis
    both, turning = 0.5 * (h1 + adjoint(h1)), 0.5 * (h1 - adjoint(h1))
    keeps, changes = np.maximum(np.abs(h0), np.abs(both)), np.abs(turning)
    parity = tree_phases(np.where(changes > keeps, -changes, keeps))
    same = parity[:, :, None] * parity[:, None, :] > 0.0
    residue = np.where(same, changes, keeps).max((-2, -1))
    found = np.asarray(residue <= RESIDUE * np.maximum(keeps, changes).max((-2, -1)))
    turning = np.where(same, 0.0, turning)
    constant = np.where(same, h0, 0.0) - 2.0 * parity[:, :, None] * turning
    if mass is not None:
        mass = back @ mass @ basis
        found &= np.abs(np.where(same, 0.0, mass)).max((-2, -1)) <= RESIDUE
        mass = np.where(same, mass, 0.0)
    return MirrorForm(basis, parity < 0.0, constant, np.where(same, both, turning), mass), found
