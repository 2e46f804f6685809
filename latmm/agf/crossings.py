"""Modes of opposite directions that share one Bloch factor: bands that cross.

Where two bands cross at θ₀ with slopes of opposite sign, every mixture of both states solves Eq. (1) of
:mod:`latmm.agf.bloch`, and the flux form alone leaves a hyperbolic freedom: with a, b of flux +1 and −1,
a cosh τ + b sinh τ has flux +1 too, and S built of such mixtures is unitary, and wrong. The states of
outgoing waves are the limit ω² + i0, where θ moves by i0/slope: the eigenvectors of H'(θ₀) inside the space
of that λ, orthogonal in the flux form *and* in u†u. Next to the crossing, at a distance |Δθ| of both phases,
the eigensolver's own vectors are mixed by rounding/|Δθ|. There the states of two bands obey, to O(Δθ²),

    u_i(θ_i)†u_j(θ_j) = (θ_i − θ_j) (u_j†C u_i)*/(s_i − s_j),      C = H''/2 − H'RH',                  (1)

with slopes s = u†H'u/u†u and R the inverse of H(θ₀) − ω² on the other bands: each band's states at one θ are
orthogonal, and second-order perturbation theory says how they turn with θ. The boost B (positive, B†JB = J)
that brings the overlaps to (1) is unique: T from J x = μ N x, N the overlaps less (1), gives B = (TT†)^{1/2}.

Bands that only seem to cross keep the eigensolver's states: a band edge and an avoided crossing are told by
the effective Hamiltonian E + δ H' + δ² C of the bands next to ω². Bands i and j of opposite slopes, in the
eigenvectors of H', have one energy at δ_ij; what couples them there, E_ij + δ_ij² C_ij, is 0 at a crossing.
Several crossings may share a cluster, each pair at its own δ. Where some pairs of a cluster are coupled and
others may cross, the point is unsound unless rounding cannot have mixed them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from latmm.agf.batch import adjoint
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["meeting", "separate_directions"]

NEAR: Final[float] = (64 * float(np.finfo(float).eps)) ** (1 / 3)
"""|Δλ| of opposite directions below which Eq. (1) is nearer to the truth than the eigensolver: where |Δλ|²
meets the rounding of eigenvectors, some tens of eps/|Δλ|."""
COUPLED: Final[float] = 256 * float(np.finfo(float).eps)
"""Coupling of two bands, relative to the blocks, above which they do not cross: rounding of the blocks."""
SAME_SLOPE: Final[float] = 1e-6
"""Relative difference of slopes below which the bands are told apart by their energies."""
MIXED: Final[float] = 1e-4
"""Mixture of states of a coupled cluster, rounding of the blocks over H'Δθ, that marks a point as unsound."""
SEPARATE: Final[float] = 1e-9
"""Error of the overlaps that marks a point as unsound: rounding is far below."""
SLOPES: Final[float] = 1e-4
"""Difference of a state's slope from its band's that marks a point as unsound: it is mixed."""

PARALLEL: Final[float] = 1e-4
"""Sine of the angle below which two states are those of a band edge: there it is of the order of |Δλ|."""


@dataclass(frozen=True)
class Local:
    """H(θ) − ω² next to θ₀: its value, H' and H''/2, (n, n), and the size of what rounding is measured by.

    Unknowns without mass are eliminated: with X what they do when the others move, T = (1, X), each is
    T†(...)T, and H''/2 loses Y†(H_φφ)⁻¹Y, Y the rows of H'T that belong to them.
    """

    whole: Complexes
    slope: Complexes
    curvature: Complexes
    size: float

    @classmethod
    def at(cls, e: Complexes, hop: Complexes, factor: complex, massless: int) -> "Local":
        """Expand H − ω² = e + λ H₁ + h.c. about λ = ``factor``."""
        forward = factor * hop
        both, slope = forward + adjoint(forward), _rate(hop, factor)
        if not massless:
            return cls(e + both, slope, -0.5 * both, float(np.abs(e).max()))
        whole = e + both
        own = whole[-massless:, -massless:]
        move = np.concatenate(
            [np.eye(len(e) - massless), -np.linalg.solve(own, whole[-massless:, :-massless])]
        )
        turned = slope @ move
        lagging = turned[-massless:]
        curvature = -0.5 * adjoint(move) @ both @ move - adjoint(lagging) @ np.linalg.solve(own, lagging)
        reduced = adjoint(move) @ whole @ move
        return cls(
            0.5 * (reduced + adjoint(reduced)), adjoint(move) @ turned, curvature, float(np.abs(e).max())
        )


@dataclass(frozen=True)
class Bands:
    """Bands that meet at θ₀, to second order: E, H' and C in their own space, and C between any states."""

    energy: Complexes
    slope: Complexes
    curvature: Complexes
    operator: Complexes

    @classmethod
    def at(cls, local: Local, states: Complexes) -> "Bands | None":
        """Find the bands of H(θ₀) that ``states`` (n, m) belong to.

        Bands that only touch ω² here, at an edge of theirs, are neither among them nor part of R. None if
        fewer than m bands come near ω², or the states are parallel: those of an edge.
        """
        slope = local.slope
        value, vector = np.linalg.eigh(local.whole)
        close = np.abs(value) <= max(NEAR * float(np.abs(_mean(slope, states)).max()), COUPLED * local.size)
        group, rest = vector[:, close], vector[:, ~close]
        if group.shape[1] < states.shape[1]:
            return None
        inside, triangle = np.linalg.qr(adjoint(group) @ (states / np.linalg.norm(states, axis=0)))
        if not np.abs(np.diag(triangle)).min() > PARALLEL:
            return None
        q = group @ inside
        beyond = slope @ rest
        c = local.curvature - (beyond / value[~close]) @ adjoint(beyond)
        return cls(adjoint(q) @ local.whole @ q, adjoint(q) @ slope @ q, adjoint(q) @ c @ q, c)

    def coupling(self) -> float:
        """Largest coupling of two bands of opposite slopes where they meet, (rad/ps)²; infinite if far off.

        In the eigenvectors of H', bands i and j meet at δ = −(E_ii − E_jj)/(s_i − s_j), each pair at its own.
        """
        slope, basis = np.linalg.eigh(self.slope)
        bounds = np.flatnonzero(np.diff(slope) > SAME_SLOPE * np.abs(slope).max()) + 1
        for group in np.split(basis, bounds, axis=1):  # views of ``basis``: of one slope, diagonal in E
            group[...] = group @ np.linalg.eigh(adjoint(group) @ self.energy @ group)[1]
        e, c = (adjoint(basis) @ m @ basis for m in (self.energy, self.curvature))
        down, up = np.flatnonzero(slope < 0.0)[:, None], np.flatnonzero(slope > 0.0)[None, :]
        if down.size + up.size < slope.size or 0 in (down.size, up.size):
            return np.inf
        delta = -(e[up, up] - e[down, down]).real / (slope[up] - slope[down])
        return (
            float(np.abs(e[down, up] + delta**2 * c[down, up]).max())
            if np.abs(delta).max() < NEAR
            else np.inf
        )


def meeting(bloch: Complexes, propagating: Bools) -> Bools:
    """Points (p,) where propagating states of opposite directions share a λ, or nearly.

    ``bloch`` and ``propagating`` (2, p, n) as in :func:`separate_directions`.
    """
    right, left = (np.where(propagating[i], bloch[i], 4.0 * (2 * i - 1)) for i in (0, 1))
    apart = right[..., :, None] - left[..., None, :]
    return np.asarray((apart.real**2 + apart.imag**2).min((-2, -1)) < NEAR**2)


def separate_directions(
    e: Complexes,
    h1: Complexes,
    bloch: Complexes,
    propagating: Bools,
    states: tuple[Complexes, ...],
    massless: int = 0,
) -> Bools:
    """Bring the states of crossing bands to their own directions, in place.

    Parameters
    ----------
    e, h1 : (p, n, n) complex
        H₀ − ω² and hopping block, (rad/ps)².
    bloch : (2, p, n) complex
        λ of right-going (0) and left-going (1) states.
    propagating : (2, p, n) bool
        Which propagate.
    states : tuple of (2, p, n, n) complex
        Vectors of unit flux, J in the flux form, and what they become one layer on; changed.
    massless : int
        How many of the unknowns, the last ones, have no mass.

    Returns
    -------
    (p,) bool
        Whether the overlaps of all crossing bands are those of Eq. (1).
    """
    sound = np.ones(h1.shape[0], dtype=bool)
    right, left = (np.where(propagating[i], bloch[i], 4.0 * (2 * i - 1)) for i in (0, 1))
    for point in np.flatnonzero(meeting(bloch, propagating)):
        for members in _clusters(right[point], left[point]):
            parts = [[a[i, point][:, members[i]] for i in (0, 1)] for a in states]
            factors = [bloch[i, point, members[i]] for i in (0, 1)]
            boost, miss = _boost(e[point], h1[point], factors, parts[0], massless)
            sound[point] &= miss < SEPARATE
            count = members[0].size
            for a, (ahead, behind) in zip(states, parts, strict=True):
                turned = np.concatenate([ahead, behind], -1) @ boost
                a[0, point][:, members[0]], a[1, point][:, members[1]] = turned[:, :count], turned[:, count:]
    return sound


def _clusters(right: Complexes, left: Complexes) -> list[tuple[Integers, Integers]]:
    """Numbers of right-going and left-going states around one λ, where there are both."""
    found: list[tuple[Integers, Integers]] = []
    free = np.ones(right.size, dtype=bool)
    for first in range(right.size):
        ahead = np.flatnonzero(free & (np.abs(right - right[first]) < NEAR))
        behind = np.flatnonzero(np.abs(left - right[first]) < NEAR)
        if free[first] and behind.size:
            found.append((ahead, behind))
            free[ahead] = False
    return found


def _boost(
    e: Complexes, hop: Complexes, factors: list[Complexes], vectors: list[Complexes], massless: int
) -> tuple[Complexes, float]:
    """B of one cluster, and the overlaps it leaves wrong, relative; 1 and 0 where no bands cross."""
    joint: Complexes = np.concatenate(vectors, -1)[: len(e) - massless]
    factor = np.concatenate(factors)
    count, size = vectors[0].shape[1], joint.shape[1]
    one = np.eye(size, dtype=complex)
    centre = complex(factor.mean())
    centre /= abs(centre)
    scale = float(max(np.abs(e).max(), np.abs(hop).max()))
    local = Local.at(e, hop, centre, massless)
    bands = Bands.at(local, joint)
    phases = np.angle(factor / centre)
    if bands is None:
        return one, 0.0
    if not bands.coupling() <= COUPLED * scale:
        return one, 0.0 if _resolved(local, joint, phases, count, scale) else np.inf
    wanted = _overlaps(local, bands, joint, phases, count)
    metric = adjoint(joint) @ joint - wanted
    sign = np.where(np.arange(size) < count, 1.0, -1.0)
    if not np.isfinite(metric).all() or np.linalg.eigvalsh(metric)[0] <= 0.0:  # too flat to be told apart
        return one, np.inf
    root: Complexes = np.asarray(np.linalg.inv(np.linalg.cholesky(metric)), dtype=complex)
    mu, y = np.linalg.eigh((root * sign) @ adjoint(root))
    turn: Complexes = (adjoint(root) @ y) / np.sqrt(np.abs(mu))
    value, axes = np.linalg.eigh(turn @ adjoint(turn))
    boost: Complexes = (axes * np.sqrt(value)) @ adjoint(axes)
    left_over = adjoint(boost) @ metric @ boost
    length = np.sqrt(np.diag(left_over).real)
    miss = float(np.abs(left_over[:count, count:] / np.outer(length[:count], length[count:])).max())
    mended = joint @ boost
    turning = bands.operator - local.curvature  # −H'RH'
    slopes = _mean(local.slope, mended) - 2.0 * phases * _mean(turning, mended)
    exact = np.linalg.eigvalsh(bands.slope)
    one_band = np.abs(np.sort(slopes) - exact).max() < SLOPES * np.abs(exact).max()
    return boost, miss if one_band else np.inf


def _resolved(local: Local, joint: Complexes, phases: Floats, count: int, scale: float) -> bool:
    """Tell whether the eigensolver's states of coupled bands can stand.

    Two are those of one avoided crossing. Among more some may cross, and rounding mixes these by its ratio to
    H'Δθ.
    """
    if joint.shape[1] == 2:
        return True
    slopes = np.abs(_mean(local.slope, joint))
    apart = np.abs(phases[:count, None] - phases[None, count:])
    steepness = 0.5 * (slopes[:count, None] + slopes[None, count:])
    return bool((apart * steepness).min() * MIXED > COUPLED * scale)


def _overlaps(local: Local, bands: Bands, joint: Complexes, phases: Floats, count: int) -> Complexes:
    """Eq. (1) between opposite directions, 0 elsewhere; ``phases`` are θ − θ₀."""
    slopes = _mean(local.slope, joint)
    ahead, behind = slice(0, count), slice(count, None)
    c = joint[:, ahead].conj().T @ bands.operator @ joint[:, behind]
    distance = phases[ahead, None] - phases[None, behind]
    block = distance * c / (slopes[ahead, None] - slopes[None, behind])
    wanted = np.zeros((phases.size, phases.size), dtype=complex)
    wanted[ahead, behind] = block
    wanted[behind, ahead] = adjoint(block)
    return wanted


def _rate(hop: Complexes, factor: complex) -> Complexes:
    """H' at λ = ``factor``."""
    forward = factor * hop
    return np.asarray(1j * (forward - adjoint(forward)))


def _mean(operator: Complexes, states: Complexes) -> Floats:
    """u†Ou/u†u of states in columns."""
    square = np.einsum("im,im->m", states.conj(), operator @ states).real
    return np.asarray(square / (np.abs(states) ** 2).sum(axis=0))
