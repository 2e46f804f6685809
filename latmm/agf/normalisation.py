"""Unit flux for propagating states, and the flux form made exact where rounding spoils it.

In the flux form V(a, b) = i(a†H₁ b⁺ − a⁺†H₁†b), where ψ⁺ is ψ one layer to the right, two states are
orthogonal unless λ_a* λ_b = 1. So propagating states are orthogonal to all others and scaled to V(a, a) =
±1; an evanescent state couples only to its partner at 1/λ*. Rounding spoils this in two places.

1. States of one λ and one direction come out of the eigensolver in any mixture. Löwdin's U V^{−1/2} mends
   that.
2. States of opposite direction whose λ nearly coincide are mixed by rounding/|Δλ|. That happens at a band
   edge, where a propagating pair is slow or an evanescent pair decays slowly, and where two bands cross.
   With right-going states first and partners scaled to V = 1, the exact problem has U†VU = J, J² = 1:
   diag(+1, −1) for propagating states, [[0, 1], [1, 0]] for pairs of slow evanescent ones. U (JV)^{−1/2}
   restores this by Newton's iteration, together with what the states become one layer on, so that the
   self-energies follow. Without it |S†S − 1| reaches 1e-4 at a relative distance of 1e-12.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from latmm.agf.batch import adjoint
from latmm.arrays import Bools, Complexes, Floats

__all__ = ["UnitFlux", "scales", "unit_flux"]

ROUNDING: Final[float] = 1e-13
"""Overlap of two states of unit flux above which they are made orthogonal."""
MIXED: Final[float] = 1e-3
"""Overlap of states of one direction above which they belong to one λ, in any mixture: too far for Newton's
steps."""
UNRESOLVED: Final[float] = 1e-7
"""|ln|λ|| below which an evanescent state cannot be told from a propagating one: root of rounding."""
COUPLED: Final[float] = 1e-4
"""Coupling of such a pair, relative to H₁, that no band edge has: a thousand times |ln|λ||."""
ITERATIONS: Final[int] = 8
"""Newton's steps at most; the overlap is squared in each, so that four suffice from 1e-1."""
SLOW: Final[float] = 0.03
"""|ln|λ|| below which an evanescent state is kept apart from its partner: rounding/SLOW² is still rounding.
"""
FAILED: Final[float] = 1e-4
"""Overlap left over that marks a point as unsound. Rounding leaves eps |u|² H₁, more than 1e-8 on flat
bands only."""


def scales(h1: Complexes, bloch: Complexes, unit: Complexes, propagating: Bools) -> tuple[Floats, Bools]:
    """Factors to unit flux, and the points where these do not suffice.

    Parameters
    ----------
    h1, bloch, unit, propagating
        As of :func:`unit_flux`, propagating states first.

    Returns
    -------
    scale : (2, p, n) float
        |V|^{−1/2} of propagating states, 1 of others.
    rough : (p,) bool
        Points with slow evanescent states, or overlaps in the flux form that are not rounding.
    """
    width = int(propagating.sum(-1).max(initial=0))
    going = np.concatenate([propagating[0, :, :width], propagating[1, :, :width]], -1)
    factor = np.concatenate([bloch[0, :, :width], bloch[1, :, :width]], -1)
    u = np.concatenate([unit[0, :, :, :width], unit[1, :, :, :width]], -1)
    v = 1j * (adjoint(u) @ (h1 @ (u * factor[:, None, :])))
    v = v + adjoint(v)
    diagonal = np.einsum("...mm->...m", v)
    size = np.where(going, np.maximum(np.abs(diagonal.real), np.finfo(float).tiny), 1.0) ** -0.5
    weight = size * going
    diagonal[...] = 0.0
    v *= weight[:, :, None] * weight[:, None, :]
    overlap = (v.real**2 + v.imag**2).max((-2, -1), initial=0.0)
    scale = np.ones(propagating.shape)
    scale[0, :, :width], scale[1, :, :width] = size[:, :width], size[:, width:]
    return scale, np.asarray(~(overlap <= ROUNDING**2) | _slow(bloch, propagating).any((0, -1)))


def _slow(bloch: Complexes, propagating: Bools) -> Bools:
    """Evanescent states that decay slowly."""
    decay = np.abs(np.log(np.maximum(np.abs(bloch), np.finfo(float).tiny)))
    return np.asarray(~propagating & (decay < SLOW))


@dataclass(frozen=True)
class UnitFlux:
    """States in which the flux form is J.

    Attributes
    ----------
    vectors, onward, back : (2, p, n, n) complex
        The states, and what they become one layer to the right and to the left. Slow evanescent states lose
        u†u = 1.
    mended : (2, p, n) bool
        States that were scaled or mended: the propagating and the slow ones.
    sound : (p,) bool
        Whether the flux form is J within rounding.
    """

    vectors: Complexes
    onward: Complexes
    back: Complexes
    mended: Bools
    sound: Bools


def unit_flux(h1: Complexes, bloch: Complexes, unit: Complexes, propagating: Bools) -> UnitFlux:
    """Scale propagating states to unit flux and make them orthogonal in it.

    Parameters
    ----------
    h1 : (p, n, n) complex
        Hopping block.
    bloch : (2, p, n) complex
        λ of right-going (0) and left-going (1) states.
    unit : (2, p, n, n) complex
        States with u†u = 1.
    propagating : (2, p, n) bool
        Which propagate; the others stay as they are.
    """
    sign = np.array([1.0, -1.0])[:, None, None, None]
    slow = _slow(bloch, propagating)
    mended = propagating | slow
    factor = np.where(mended, bloch, 1.0)[..., None, :]
    half = 1j * sign * (adjoint(unit) @ (h1 @ unit)) * factor
    diagonal = 2.0 * np.einsum("...mm->...m", half).real
    scale = np.where(propagating, np.maximum(diagonal, np.finfo(float).tiny), 1.0) ** -0.5
    vectors = unit * scale[..., None, :]
    mask = propagating[..., :, None] & propagating[..., None, :]
    gram = (half + adjoint(half)) * (scale[..., :, None] * scale[..., None, :]) * mask
    np.einsum("...mm->...m", gram)[...] = 1.0
    finite = np.isfinite(gram).all((-2, -1))
    overlap = np.abs(gram - np.eye(gram.shape[-1])).max((-2, -1))
    skew = finite & (overlap > MIXED)
    if skew.any():
        vectors[skew] = vectors[skew] @ _inverse_root(gram[skew])
    onward, back = vectors * factor, vectors / factor
    sound = (slow[0].sum(-1) == slow[1].sum(-1)) & (propagating[0].sum(-1) == propagating[1].sum(-1))
    sound &= finite.all(0)
    cross = adjoint(vectors[0]) @ (h1 @ onward[1]) - adjoint(onward[0]) @ (adjoint(h1) @ vectors[1])
    cross *= propagating[0][..., :, None] & propagating[1][..., None, :]
    overlap = np.maximum(np.abs(cross).max((-2, -1)), overlap.max(0))
    tangled = sound & ((overlap > ROUNDING) | slow[0].any(-1))
    if tangled.any():
        parts = (vectors[:, tangled], onward[:, tangled], back[:, tangled])
        mended_parts = _untangle(h1[tangled], propagating[:, tangled], slow[:, tangled], *parts)
        vectors[:, tangled], onward[:, tangled], back[:, tangled], sound[tangled] = mended_parts
    return UnitFlux(vectors, onward, back, mended, sound)


def _inverse_root(gram: Complexes) -> Complexes:
    """V^{−1/2} of Hermitian positive V."""
    value, vector = np.linalg.eigh(gram)
    root = np.sqrt(np.maximum(value, np.finfo(float).tiny))
    return np.asarray((vector / root[..., None, :]) @ adjoint(vector))


def _untangle(
    h1: Complexes, propagating: Bools, slow: Bools, vectors: Complexes, onward: Complexes, back: Complexes
) -> tuple[Complexes, Complexes, Complexes, Bools]:
    """Bring the flux form of both directions to J: U ← U(1 − K/2), K = JV − 1, until K is rounding."""
    points, n = h1.shape[:2]
    joint = [np.concatenate([a[0], a[1]], -1) for a in (vectors, onward, back)]
    normal = np.zeros((points, 2 * n, 2 * n))
    normal[:, np.arange(n), np.arange(n)] = propagating[0]
    normal[:, np.arange(n, 2 * n), np.arange(n, 2 * n)] = -1.0 * propagating[1]
    point, first = np.nonzero(slow[0])
    second = n + np.nonzero(slow[1])[1]  # both directions hold as many, in the same order of points
    normal[point, first, second] = normal[point, second, first] = 1.0
    one = normal @ normal  # 1 on all states that take part
    doubtful = np.zeros(points, dtype=bool)
    if slow.any():
        doubtful = _doubtful(h1, slow, joint)
        joint = _with_partners(h1, slow, normal[:, :n, n:], joint)
    taking = np.einsum("...mm->...m", one) > 0.0
    mask = taking[..., :, None] & taking[..., None, :]
    for _ in range(ITERATIONS):
        k = (normal @ _flux_form(h1, joint) - np.eye(2 * n)) * mask
        left_over = np.abs(k).max((-2, -1))
        if not (left_over > ROUNDING).any():
            break
        joint = [a - 0.5 * (a @ k) for a in joint]
    apart = [np.stack([a[..., :n], a[..., n:]]) for a in joint]
    return apart[0], apart[1], apart[2], (left_over <= FAILED) & ~doubtful


def _doubtful(h1: Complexes, slow: Bools, joint: list[Complexes]) -> Bools:
    """Points where a pair that decays by rounding only is two propagating states of one λ, mixed.

    At a band edge the coupling V of the pair goes to zero with the decay; where bands cross it does not.
    """
    n = slow.shape[-1]
    squares = [np.einsum("...im,...im->...m", a.conj(), a).real for a in joint[:2]]
    decay = 0.5 * np.abs(np.log(squares[1] / squares[0]))[..., :n]
    coupling = np.abs(_flux_form(h1, joint)[:, :n, n:]) * (slow[0][..., :, None] & slow[1][..., None, :])
    strong = coupling.max(-1) > COUPLED * np.abs(h1).max((-2, -1))[:, None]
    return np.asarray((slow[0] & (decay < UNRESOLVED) & strong).any(-1))


def _with_partners(h1: Complexes, slow: Bools, order: Floats, joint: list[Complexes]) -> list[Complexes]:
    """Scale slow evanescent states of both directions to V = 1 between partners, 0 between others.

    ``order`` (p, n, n) holds 1 where a right-going state (row) and its left-going partner (column) belong
    together.
    """
    n = slow.shape[-1]
    among = slow[0][..., :, None] & slow[1][..., None, :]
    form = _flux_form(h1, joint)[:, :n, n:] * among
    size = np.linalg.norm(form, axis=-1)
    weight = np.where(slow[0], np.where(size > 0.0, size, 1.0) ** -0.5, 1.0)
    scaled = weight[..., :, None] * form
    finite = np.isfinite(scaled).all((-2, -1))[:, None, None]  # what is not stays without partners, unsound
    partner = np.linalg.pinv(np.where(finite, scaled, 0.0)) @ order
    turn = np.zeros((*slow.shape[1:2], 2 * n, 2 * n), dtype=complex)
    np.einsum("...mm->...m", turn)[...] = np.concatenate([weight, ~slow[1]], -1)
    turn[:, n:, n:] += partner
    return [a @ turn for a in joint]


def _flux_form(h1: Complexes, joint: list[Complexes]) -> Complexes:
    """V of states and their images, (p, 2n, 2n)."""
    half = 1j * (adjoint(joint[0]) @ (h1 @ joint[1]))
    return half + adjoint(half)
