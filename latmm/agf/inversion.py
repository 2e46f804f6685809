"""Modes in real arithmetic, where inversion with time reversal maps the stack to itself.

Every centrosymmetric crystal has, at every k∥, an antiunitary K with K² = 1 that maps layer j to layer −j:
K H₀ = H₀ K, K H₁ = H₁† K, if the layers are cut so that inversion maps a layer to itself. In a basis of
vectors with K b = b, H₀, S = (H₁ + H₁†)/2 and iA = i(H₁ − H₁†)/2 are real and symmetric. H₁ itself is not,
but Cayley's λ = (1 + iτ)/(1 − iτ), which maps the unit circle to the real axis, turns the quadratic problem
of :mod:`latmm.agf.bloch` into a real symmetric one, with E = H₀ − ω²,

    [τ² (E − 2S) + 4τ iA + (E + 2S)] u = 0.                                                         (1)

It is linearised and inverted at a real shift τ₀ = tan(θ₀/2) like that one. Since there Eq. (1) is
(1 + τ₀²) (H(θ₀) − ω²), the shift is chosen from a few, where the bands of H(θ₀) are farthest from ω².
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from latmm.agf.batch import adjoint, take
from latmm.agf.bloch import FLOOR, inverted, recovered
from latmm.agf.real_form import RESIDUE, RealForm
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["InversionForm"]

MIXTURE: Final[float] = 0.71
"""Weight of iA beside S in the search for the basis: any number."""
TOLERANCE: Final[float] = 4 * RESIDUE
"""Imaginary part of S and iA, relative to the largest element: in the search they stand together."""
SHIFTS: Final[Floats] = np.tan(0.5 * np.array([-2.1, -1.3, -0.55, 0.25, 0.9, 1.6, 2.35]))
"""τ₀ to choose from: no multiples of each other, away from 0 and ∞, where states accumulate."""


@dataclass(frozen=True)
class InversionForm:
    """Leads that inversion with time reversal maps to themselves, at r wave vectors.

    Attributes
    ----------
    basis : (r, n, n) complex
        Vectors with K b = b, in columns.
    onsite, both, turning : (r, n, n) float
        H₀, S and iA in that basis, (rad/ps)².
    bands : (r, shifts, n) float
        Eigenvalues of H(θ₀) at each of :data:`SHIFTS`, (rad/ps)².
    mass : (r, n, n) float or None
        M in that basis, where some unknowns have no mass.
    """

    basis: Complexes
    onsite: Floats
    both: Floats
    turning: Floats
    bands: Floats
    mass: Floats | None = None

    def bloch_states(self, rows: Integers, omega2: Floats) -> tuple[Complexes, Complexes]:
        """All 2n Bloch states at the wave vectors ``rows`` (p,) and ω² (p,): λ (p, 2n), u (p, n, 2n)."""
        apart = np.abs(self.bands[rows] - omega2[:, None, None]).min(-1)
        shift = SHIFTS[np.argmax(apart, axis=-1)]
        one = np.eye(self.onsite.shape[-1]) if self.mass is None else take(self.mass, rows)
        e = take(self.onsite, rows) - omega2[:, None, None] * one
        twice = 2.0 * take(self.both, rows)
        m = inverted(e + twice, 4.0 * take(self.turning, rows), e - twice, shift)
        tau, u = recovered(m, shift)
        with np.errstate(invalid="ignore"):  # a lost point is NaN and stays so
            below = 1.0 - 1j * tau
            below = np.where(np.abs(below) <= FLOOR, FLOOR, below)  # ∞ is kept finite
            bloch = (1.0 + 1j * tau) / below
        return bloch, take(self.basis, rows) @ u

    @classmethod
    def of(cls, h0: Complexes, h1: Complexes, massless: int = 0) -> tuple["InversionForm", Bools]:
        """Find a basis in which H₀, S and iA are real.

        Parameters
        ----------
        h0, h1 : (q, n, n) complex
            Blocks of the lead, (rad/ps)².
        massless : int
            How many of the unknowns, the last ones, have no mass.

        Returns
        -------
        form : InversionForm
            At the wave vectors where there is one.
        found : (q,) bool
            Which these are.
        """
        both, turning = 0.5 * (h1 + adjoint(h1)), 0.5j * (h1 - adjoint(h1))
        real, found = RealForm.of(h0, both + MIXTURE * turning, massless)
        turned = [adjoint(real.basis) @ h[found] @ real.basis for h in (both, turning)]
        scale = np.maximum(np.abs(h0).max((-2, -1)), np.abs(h1).max((-2, -1)))[found]
        residue = np.maximum(*(np.abs(h.imag).max((-2, -1)) for h in turned))
        good = np.asarray(residue <= TOLERANCE * scale)
        found[found] = good
        onsite, s, a = (h[good].real for h in (real.onsite, *turned))
        theta = 2.0 * np.arctan(SHIFTS)[:, None, None]
        at_shifts = onsite[:, None] + 2.0 * (np.cos(theta) * s[:, None] + np.sin(theta) * a[:, None])
        if real.mass is None:
            return cls(real.basis[good], onsite, s, a, np.linalg.eigvalsh(at_shifts)), found
        basis = real.basis[good]
        sites = basis[:, None] @ at_shifts @ adjoint(basis)[:, None]
        reduced = _without_last(sites, massless)
        bands = np.asarray(np.linalg.eigvalsh(reduced), dtype=float)
        return cls(basis, onsite, s, a, bands, real.mass[good]), found


def _without_last(h: Complexes, count: int) -> Complexes:
    """Eliminate the last unknowns of Hermitian matrices (..., n, n)."""
    other = h[..., -count:, :-count]
    carried = adjoint(other) @ np.linalg.solve(h[..., -count:, -count:], other)
    return np.asarray(h[..., :-count, :-count] - carried)
