"""Bloch states of a periodic stack at given ω: the quadratic eigenvalue problem, exactly on the real axis.

Layers j of a stack obey, with E = H₀ − ω²,

    H₁† ψ_{j−1} + E ψ_j + H₁ ψ_{j+1} = 0,      ψ_{j+1} = λ ψ_j = λ u,
    P(λ) u = (λ² H₁ + λ E + H₁†) u = 0,                                                             (1)

with 2n solutions that pair as (λ, 1/λ*). The linearisation v = (u, λu), shifted by s and inverted, reads

    M v = μ v,   μ = 1/(λ − s),   M = [[−X₁, −X₂], [1 − sX₁, −sX₂]],
    X₁ = P(s)⁻¹ (E + sH₁),   X₂ = P(s)⁻¹ H₁,                                                        (2)

so only P(s) is inverted, never the hopping: a singular H₁ is harmless (λ = ∞ is μ = 0, λ = 0 is μ = −1/s).

The flux form of two solutions, i(ψ_a,j† H₁ ψ_b,j+1 − ψ_a,j+1† H₁† ψ_b,j), is the same in every layer. It
vanishes unless λ_a* λ_b = 1: on evanescent states, between different propagating states. On a propagating
state it is 2ω dω/dθ u†u, where λ = e^{iθ}, so its sign is the direction.

A state is propagating if |sin arg(λ u†H₁u)| > |ln|λ||. Near a band edge λ = λ₀ e^{iq}, and this asks
whether q is nearer to the real or to the imaginary axis: a question without a tolerance, answered right as
long as the rounding error of q² is smaller than q².

Where the blocks can be made real (:mod:`latmm.agf.real_form`), a real s makes (2) real arithmetic.

Symbols: λ → ``bloch``, u → ``u``, ω² → ``omega2``, H₀ → ``h0``, H₁ → ``h1``, s → ``shift``. Time convention
exp(−iωt).
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from latmm.agf.batch import adjoint
from latmm.arrays import Bools, Complexes, Floats

__all__ = [
    "FLOOR",
    "Solver",
    "Unscaled",
    "bloch_states",
    "eigenpairs",
    "flux",
    "inverted",
    "recovered",
    "solve",
]

Solver: TypeAlias = Literal["fast", "fallback"]
"""How states are found: by the eigenvalues of a general matrix, or by :mod:`latmm.agf.fallback`."""
SHIFT: Final[complex] = 0.6 * np.exp(0.7j)
REAL_SHIFT: Final[float] = 0.59
"""Inside the unit circle, away from 0 and 1, where states accumulate."""
FLOOR: Final[float] = float(np.finfo(float).tiny) ** 0.5
"""1/|λ| of a state of a singular hopping whose λ is infinite: any smaller one overflows in products."""


@dataclass(frozen=True)
class Unscaled:
    """States of p points sorted by direction, right-going (0) before left-going (1), before any is scaled.

    Attributes
    ----------
    bloch : (2, p, n) complex
        λ.
    unit : (2, p, n, n) complex
        Bloch vectors in columns, u†u = 1.
    basis, image : (2, p, n, n) complex
        A basis of the same states, and what it becomes one layer to the right (0) or to the left (1).
    propagating : (2, p, n) bool
        Whether a state carries energy.
    sound : (p,) bool
        Whether there are as many states of each direction as there must be.
    """

    bloch: Complexes
    unit: Complexes
    basis: Complexes
    image: Complexes
    propagating: Bools
    sound: Bools


def solve(a: Complexes | Floats, b: Complexes | Floats) -> Complexes:
    """Batched a⁻¹ b, NaN where a is exactly singular (NumPy would refuse the whole batch).

    Parameters
    ----------
    a : (..., n, n) ndarray
        Matrices.
    b : (..., n, m) ndarray
        Right-hand sides.
    """
    try:
        return np.asarray(np.linalg.solve(a, b))
    except np.linalg.LinAlgError:
        singular = np.asarray((np.linalg.slogdet(a)[0] == 0) | ~np.isfinite(a).all((-2, -1)))
        regular = np.where(singular[..., None, None], np.eye(a.shape[-1]), a)
        return np.where(singular[..., None, None], np.nan, np.linalg.solve(regular, b))


def inverted(
    constant: Complexes | Floats,
    linear: Complexes | Floats,
    quadratic: Complexes | Floats,
    shift: complex | Floats,
) -> Complexes:
    """Build M of Eq. (2) for (λ² a₂ + λ a₁ + a₀) u = 0, (p, 2n, 2n); real if everything that enters is real.

    Parameters
    ----------
    constant, linear, quadratic : (p, n, n) float or complex
        a₀, a₁, a₂.
    shift : float or complex, or (p,) float
        s; one for all points or one for each.
    """
    n = linear.shape[-1]
    s = np.asarray(shift)[..., None, None]
    inner = linear + s * quadratic
    x = solve(constant + s * inner, np.concatenate([inner, quadratic], axis=-1))
    m = np.empty((*x.shape[:-2], 2 * n, 2 * n), dtype=x.dtype)
    m[..., :n, :] = -x
    m[..., n:, :] = -s * x
    m[..., n:, :n] += np.eye(n)
    return m


def bloch_states(
    h0: Complexes | Floats,
    h1: Complexes | Floats,
    omega2: Complexes | Floats,
    mass: Complexes | Floats | None = None,
) -> tuple[Complexes, Complexes]:
    """All 2n Bloch states of each point, in real arithmetic if everything given is real.

    Parameters
    ----------
    h0, h1 : (p, n, n) float or complex
        Onsite and hopping block, (rad/ps)².
    omega2 : (p,) float or complex
        ω², (rad/ps)².
    mass : (n, n) or (p, n, n) float or complex, optional
        M, if some unknowns have no mass; 1 by default.

    Returns
    -------
    bloch : (p, 2n) complex
        λ; NaN where the shift met an eigenvalue exactly.
    u : (p, n, 2n) complex
        Bloch vectors in columns, u†u = 1.
    """
    one = np.eye(h0.shape[-1]) if mass is None else mass
    shift = SHIFT if any(np.iscomplexobj(x) for x in (h0, h1, omega2, one)) else REAL_SHIFT
    e = h0 - omega2[..., None, None] * one
    return recovered(inverted(adjoint(h1), e, h1, shift), shift)


def eigenpairs(m: Complexes) -> tuple[Complexes, Complexes, Bools]:
    """Eigenvalues (p, m), none exactly 0, eigenvectors (p, m, m), and which points (p,) were not finite."""
    lost = np.asarray(~np.isfinite(m).all((-2, -1)))
    if lost.any():
        m = np.where(lost[..., None, None], np.eye(m.shape[-1]), m)
    value, vectors = np.linalg.eig(m)
    value = np.asarray(np.where(np.abs(value) > FLOOR, value, FLOOR), dtype=complex)  # ∞ is kept finite
    return value, vectors, lost


def recovered(m: Complexes, shift: complex | Floats) -> tuple[Complexes, Complexes]:
    """λ (p, 2n) and u (p, n, 2n) from the eigenpairs of M; u from the larger half of v = (u, λu)."""
    n = m.shape[-1] // 2
    mu, v, lost = eigenpairs(m)
    bloch = np.asarray(shift)[..., None] + 1.0 / mu
    u = np.asarray(np.where((np.abs(bloch) > 1.0)[..., None, :], v[..., n:, :], v[..., :n, :]), dtype=complex)
    u /= np.linalg.norm(u, axis=-2, keepdims=True)
    bloch[lost] = np.nan
    return bloch, u


def flux(bloch: Complexes, coupling: Complexes) -> tuple[Floats, Floats]:
    """Flux of each state, and whether it counts as propagating.

    Parameters
    ----------
    bloch : (..., m) complex
        λ.
    coupling : (..., m) complex
        u†H₁u of the states with u†u = 1, (rad/ps)².

    Returns
    -------
    flux : (..., m) float
        −2 Im(λ/|λ| u†H₁u), which is 2ω dω/dθ for a propagating state, (rad/ps)².
    margin : (..., m) float
        |sin arg(λ u†H₁u)| − |ln|λ||, positive for a propagating state.
    """
    size = np.abs(bloch)
    size = np.maximum(size, np.finfo(float).tiny)
    w = bloch / size * coupling
    sine = np.divide(np.abs(w.imag), np.abs(w), out=np.zeros_like(size), where=w != 0)
    return -2.0 * w.imag, sine - np.abs(np.log(size))
