"""The fallback solver of Bloch states: slower, and built on what the exact problem guarantees.

The fast solver trusts the eigenvalues of a general matrix. This one uses that on the unit circle

    H(θ) = H₀ + e^{iθ} H₁ + e^{−iθ} H₁†

is Hermitian. QZ of the linearisation (no shift, no inverse) proposes phases θ; each is accepted only if a
band of H(θ) meets ω², after Newton's steps with the band's own slope. Slopes inside degenerate bands come
from degenerate perturbation theory, which also separates two modes of one λ that run in opposite
directions. Evanescent states come as orthonormal bases of the deflating subspaces inside and outside the
circle, which stay well conditioned where eigenvectors coalesce (λ = 0 is defective for every singular
hopping).
"""

import numpy as np
from scipy import linalg

from latmm.agf.batch import mass_matrix
from latmm.agf.bloch import Unscaled
from latmm.agf.crossings import COUPLED
from latmm.agf.normalisation import SLOW
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.ties import phase

__all__ = ["fallback_states"]

TINY = float(np.finfo(float).tiny)
NEAR_CIRCLE = 1e-3
"""|ln|λ|| up to which an eigenvalue is tried as a propagating state: generous, since each is tested against
a Hermitian band."""
NEWTON = 4
"""Newton's steps on a phase that is good to half the digits or more: it converges or the band has no
crossing here."""
CONVERGED = 1e-2
"""Last step, relative to the band's slope, that counts as converged. Where a band only comes near ω²,
Newton's steps stay of the order of the slope over the curvature."""
SAME_PHASE = 1e-10
"""Phases that are taken together, and meet ω² one by one: below the distance of the two states of a
resolved band edge."""


def fallback_states(h0: Complexes, h1: Complexes, omega2: Complexes | Floats, massless: int = 0) -> Unscaled:
    """Sorted Bloch states of each point, one point at a time.

    Parameters
    ----------
    h0, h1 : (p, n, n) complex
        Onsite and hopping block, (rad/ps)².
    omega2 : (p,) float or complex
        ω², (rad/ps)².
    """
    count, n, _ = h0.shape
    bloch = np.empty((2, count, n), dtype=complex)
    unit, basis, image = (np.empty((2, count, n, n), dtype=complex) for _ in range(3))
    propagating = np.zeros((2, count, n), dtype=bool)
    sound = np.zeros(count, dtype=bool)
    for i in range(count):
        try:
            out = (bloch[:, i], unit[:, i], basis[:, i], image[:, i], propagating[:, i])
            sound[i] = _one_point(h0[i], h1[i], omega2[i], out, massless)
        except (
            np.linalg.LinAlgError,
            ValueError,
        ):  # a pencil singular for every λ, or one that cannot be ordered
            bloch[:, i] = np.nan
    return Unscaled(bloch, unit, basis, image, propagating, sound)


def _one_point(
    h0: Complexes,
    h1: Complexes,
    omega2: complex,
    out: tuple[Complexes, Complexes, Complexes, Complexes, Bools],
    massless: int,
) -> bool:
    """Fill λ, u, basis, image and propagating, each with both directions in front; whether they pair."""
    bloch, unit, basis, image, propagating = out
    n = h0.shape[0]
    scale = max(float(np.abs(h0).max()), float(np.abs(h1).max()))
    e: Complexes = np.asarray((h0 - omega2 * mass_matrix(n, massless)) / scale, dtype=np.complex128)
    hop: Complexes = np.asarray(h1 / scale, dtype=np.complex128)
    waves = _band_crossings(e, hop, massless) if np.isrealobj(omega2) else [[], []]
    p = min(len(waves[0]), len(waves[1]))
    for side in (0, 1):
        found = sorted(waves[side][:p], key=lambda wave: float(phase(np.asarray(wave[0]))))
        for m, (factor, u, _) in enumerate(found):
            bloch[side, m], unit[side, :, m] = factor, u
        propagating[side, :p] = True
    for side, (factors, vectors, near, far) in enumerate(_subspaces(e, hop, n - p)):
        bloch[side, p:], unit[side, :, p:] = factors, vectors
        basis[side, :, p:], image[side, :, p:] = near, far
    slow = int((np.abs(np.log(np.maximum(np.abs(bloch[0, p:]), TINY))) < SLOW).sum())
    if slow:  # these are mended one by one, beside the propagating ones
        for side, (_, _, near, far) in enumerate(_subspaces(e, hop, n - p - slow)):
            basis[side, :, p + slow :], image[side, :, p + slow :] = near, far
    alone = slice(0, p + slow)
    basis[..., alone] = unit[..., alone]
    image[0][:, alone], image[1][:, alone] = (
        unit[0][:, alone] * bloch[0, alone],
        unit[1][:, alone] / bloch[1, alone],
    )
    return len(waves[0]) == len(waves[1])


def _pencil(e: Complexes, hop: Complexes) -> tuple[Complexes, Complexes]:
    """Matrices of A v = λ B v, v = (u, λu)."""
    n = e.shape[0]
    zero, one = np.zeros((n, n)), np.eye(n)
    return np.block([[zero, one], [-hop.conj().T, -e]]), np.block([[one, zero], [zero, hop]])


def _band_crossings(
    e: Complexes, hop: Complexes, massless: int
) -> list[list[tuple[complex, Complexes, float]]]:
    """Propagating states (λ, u, slope) to the right and to the left: where a band of H(θ) meets ω²."""
    n = e.shape[0]
    pair, v = linalg.eig(*_pencil(e, hop), homogeneous_eigvals=True)
    size = np.abs(np.log(np.maximum(np.abs(pair[0]), TINY) / np.maximum(np.abs(pair[1]), TINY)))
    near = np.flatnonzero(size < NEAR_CIRCLE)
    near = near[np.argsort(np.angle(pair[0, near] * pair[1, near].conj()))]
    bloch, u = pair[0, near] / pair[1, near], v[:n, near] / np.linalg.norm(v[:n, near], axis=0)
    phases = np.angle(bloch)
    crossings: list[list[tuple[complex, Complexes, float]]] = [[], []]
    for group in _groups(phases):
        # the mean phase, across ±π too
        theta = phases[group[0]] + float(np.mean(np.angle(np.exp(1j * (phases[group] - phases[group[0]])))))
        for factor, vector, slope in _modes_at(e, hop, theta, len(group), massless):
            # QZ's own pair keeps the two states of a band edge consistent; it cannot keep apart what has
            # one λ
            state = (bloch[group[0]], u[:, group[0]]) if len(group) == 1 else (factor, vector)
            crossings[0 if slope > 0 else 1].append((*state, slope))
    return crossings


def _groups(phases: Floats) -> list[Integers]:
    """Numbers of sorted phases in runs closer than SAME_PHASE, across ±π too."""
    if phases.size == 0:
        return []
    groups = np.split(np.arange(phases.size), np.flatnonzero(np.diff(phases) > SAME_PHASE) + 1)
    if len(groups) > 1 and phases[0] + 2 * np.pi - phases[-1] < SAME_PHASE:
        groups[0] = np.concatenate([groups.pop(), groups[0]])
    return groups


def _modes_at(
    e: Complexes, hop: Complexes, theta: float, count: int, massless: int = 0
) -> list[tuple[complex, Complexes, float]]:
    """States of the ``count`` bands of H(θ) nearest to ω², where they pass through it."""
    back = hop.conj().T
    for last in [False] * NEWTON + [True]:
        factor = np.exp(1j * theta)
        value, vector = np.linalg.eigh(e + factor * hop + back / factor)
        nearest = np.sort(np.argsort(np.abs(value))[:count])
        u, value = vector[:, nearest], value[nearest]
        # slopes of bands that touch, by degenerate perturbation theory; each then meets ω² at its own phase
        rate = u.conj().T @ (1j * (factor * hop - back / factor)) @ u
        if massless:  # slopes of ω²: orthogonal in u†Mu
            moving = u[: len(e) - massless]
            slopes, turn = linalg.eigh(rate, moving.conj().T @ moving)
            turn = turn / np.linalg.norm(turn, axis=0)
            slopes = np.einsum("im,ij,jm->m", turn.conj(), rate, turn).real
        else:
            slopes, turn = np.linalg.eigh(rate)
        energy = turn.conj().T * value @ turn
        shift = np.diag(energy).real
        steps = shift / np.where(slopes == 0.0, TINY, slopes)
        if not np.abs(steps).mean() < NEAR_CIRCLE:
            return []
        if not last:
            theta -= float(steps.mean())
    u = u @ turn
    # bands of opposite slopes that avoid each other meet ω² nowhere near, or each at a phase of its own
    avoided = np.abs(energy * (slopes[:, None] * slopes < 0.0)).max(-1) > COUPLED
    met = np.flatnonzero(~avoided & (np.abs(steps) < CONVERGED * np.minimum(np.abs(slopes), CONVERGED)))
    return [(complex(np.exp(1j * (theta - steps[m]))), u[:, m], float(slopes[m])) for m in met]


def _subspaces(
    e: Complexes, hop: Complexes, keep: int
) -> list[tuple[Complexes, Complexes, Complexes, Complexes]]:
    """Find the ``keep`` fastest decaying states of both directions: λ, u, orthonormal basis, its image."""
    n = e.shape[0]
    a, b = _pencil(e, hop)
    found: list[tuple[Complexes, Complexes, Complexes, Complexes]] = []
    for side in (0, 1):
        size = np.sort(np.abs(np.divide(*_alpha_beta(a, b, side))))
        limit = 0.5 * (size[keep - 1] + size[keep]) if keep else -1.0

        def chosen(alpha: Complexes, beta: Complexes, side: int = side, limit: float = limit) -> Bools:
            top, bottom = (alpha, beta) if side == 0 else (beta, alpha)
            return np.asarray(np.abs(top) < limit * np.abs(bottom))

        s, t, _, _, _, z = linalg.ordqz(a, b, sort=chosen, output="complex")
        z = z[:, :keep]
        near, far = (z[:n], z[n:]) if side == 0 else (z[n:], z[:n])
        s, t = s[:keep, :keep], t[:keep, :keep]
        # both are triangular, and empty where nothing decays
        ratio = np.linalg.solve(t, s) if side == 0 else np.linalg.solve(s, t)
        factor, y = np.linalg.eig(ratio)
        order = np.argsort(-np.abs(factor))
        factor, vectors = factor[order], near @ y[:, order]
        vectors /= np.linalg.norm(vectors, axis=0)
        found.append((np.asarray(factor if side == 0 else 1.0 / factor), vectors, near, far))
    return found


def _alpha_beta(a: Complexes, b: Complexes, side: int) -> tuple[Complexes, Complexes]:
    """Numerators and (never zero) denominators of λ, or of 1/λ for the left-going side."""
    alpha, beta = linalg.eig(a, b, right=False, homogeneous_eigvals=True)
    top, bottom = (alpha, beta) if side == 0 else (beta, alpha)
    return top, np.where(bottom == 0, np.finfo(float).tiny, bottom)
