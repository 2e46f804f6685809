"""The second route to the Bloch states of one point: slower, and built on what the exact problem guarantees.

The fast route trusts the eigenvalues of a general matrix. This one uses that on the unit circle

    H(θ) = H₀ + e^{iθ} H₁ + e^{−iθ} H₁†

is Hermitian. QZ of the linearisation (no shift, no inverse) proposes phases θ; each is accepted only if a
band of H(θ) meets ω²,
after Newton's steps with the band's own slope. Slopes inside degenerate bands come from degenerate
perturbation theory, which also
separates two modes of one λ that run in opposite directions. Evanescent states come as orthonormal bases
of the
deflating subspaces inside and outside the circle, which stay well conditioned where eigenvectors coalesce
(λ = 0 is defective
for every singular hopping).
"""

import numpy as np
from scipy import linalg

from latmm.agf.normalisation import SLOW
from latmm.arrays import Bools, Complexes, Floats

__all__ = ["careful_states"]

TINY = float(np.finfo(float).tiny)
NEAR_CIRCLE = 1e-3
"""|ln|λ|| up to which an eigenvalue is tried as a propagating state: generous, since each is tested
against a Hermitian band.
"""
NEWTON = 4
"""Newton's steps on a phase that is good to half the digits or more: it converges or the band has no
crossing here.
"""
SAME_PHASE = 1e-10
"""Phases that are taken together, and meet ω² one by one: below the distance of the two states of a
resolved band edge.
"""


def careful_states(
    h0: Complexes, h1: Complexes, omega2: Complexes | Floats
) -> tuple[Complexes, Complexes, Complexes, Complexes, Bools, Bools]:
    """Sorted Bloch states of each point, one point at a time.

    Parameters
    ----------
    h0, h1 : (p, n, n) complex
        Onsite and hopping block, (rad/ps)².
    omega2 : (p,) float or complex
        ω², (rad/ps)².

    Returns
    -------
    bloch : (2, p, n) complex
        λ of the right-going and of the left-going states.
    unit : (2, p, n, n) complex
        Bloch vectors, u†u = 1.
    basis, image : (2, p, n, n) complex
        A well-conditioned basis of the same states, and what it becomes one layer to the right (0) or to
        the left (1).
    propagating : (2, p, n) bool
        Whether a state carries energy.
    sound : (p,) bool
        Whether as many states propagate to the right as to the left.
    """
    count, n, _ = h0.shape
    bloch = np.empty((2, count, n), dtype=complex)
    unit, basis, image = (np.empty((2, count, n, n), dtype=complex) for _ in range(3))
    propagating = np.zeros((2, count, n), dtype=bool)
    sound = np.zeros(count, dtype=bool)
    for i in range(count):
        scale = max(float(np.abs(h0[i]).max()), float(np.abs(h1[i]).max()))
        e, hop = (h0[i] - omega2[i] * np.eye(n)) / scale, h1[i] / scale
        waves = _band_crossings(e, hop) if np.isrealobj(omega2) else [[], []]
        sound[i] = len(waves[0]) == len(waves[1])
        p = min(len(waves[0]), len(waves[1]))
        for side in (0, 1):
            ordered = sorted(waves[side], key=lambda wave: -abs(wave[2]))[:p]  # drop the slowest if in excess
            ordered.sort(key=lambda wave: np.angle(wave[0]))
            for m, (factor, u, _) in enumerate(ordered):
                bloch[side, i, m], unit[side, i, :, m] = factor, u
                basis[side, i, :, m], image[side, i, :, m] = u, u * (factor if side == 0 else 1.0 / factor)
            propagating[side, i, :p] = True
        for side, (factor, vectors, near, far) in enumerate(_subspaces(e, hop, n - p)):
            bloch[side, i, p:], unit[side, i, :, p:] = factor, vectors
            basis[side, i, :, p:], image[side, i, :, p:] = near, far
        slow = int((np.abs(np.log(np.maximum(np.abs(bloch[0, i, p:]), TINY))) < SLOW).sum())
        if slow:  # these come one by one, and the flux form keeps them from their partners
            for side, (_, _, near, far) in enumerate(_subspaces(e, hop, n - p - slow)):
                basis[side, i, :, p + slow :], image[side, i, :, p + slow :] = near, far
    return bloch, unit, basis, image, propagating, sound


def _pencil(e: Complexes, hop: Complexes) -> tuple[Complexes, Complexes]:
    """A v = λ B v with v = (u, λu)."""
    n = e.shape[0]
    zero, one = np.zeros((n, n)), np.eye(n)
    return np.block([[zero, one], [-hop.conj().T, -e]]), np.block([[one, zero], [zero, hop]])


def _band_crossings(e: Complexes, hop: Complexes) -> list[list[tuple[complex, Complexes, float]]]:
    """Propagating states (λ, u, slope), to the right and to the left: where a band of H(θ) − ω² passes
    through zero.
    """
    alpha, beta = linalg.eig(*_pencil(e, hop), right=False, homogeneous_eigvals=True)
    size = np.abs(np.log(np.maximum(np.abs(alpha), 1e-300) / np.maximum(np.abs(beta), 1e-300)))
    phases = np.sort(np.angle(alpha * beta.conj())[size < NEAR_CIRCLE])
    crossings: list[list[tuple[complex, Complexes, float]]] = [[], []]
    for group in _groups(phases):
        for factor, u, slope in _modes_at(e, hop, float(np.mean(group)), len(group)):
            crossings[0 if slope > 0 else 1].append((factor, u, slope))
    return crossings


def _groups(phases: Floats) -> list[Floats]:
    """Sorted phases in runs closer than SAME_PHASE, across ±π too."""
    if phases.size == 0:
        return []
    groups = np.split(phases, np.flatnonzero(np.diff(phases) > SAME_PHASE) + 1)
    if len(groups) > 1 and phases[0] + 2 * np.pi - phases[-1] < SAME_PHASE:
        groups[0] = np.concatenate([groups.pop() - 2 * np.pi, groups[0]])
    return groups


def _modes_at(
    e: Complexes, hop: Complexes, theta: float, count: int
) -> list[tuple[complex, Complexes, float]]:
    """States of the ``count`` bands of H(θ) nearest to ω², where they pass through it."""
    back = hop.conj().T
    for _ in range(NEWTON):
        factor = np.exp(1j * theta)
        value, vector = np.linalg.eigh(e + factor * hop + back / factor)
        nearest = np.sort(np.argsort(np.abs(value))[:count])
        u, value = vector[:, nearest], value[nearest]
        # slopes of bands that touch, by degenerate perturbation theory; each then meets ω² at its own phase
        slopes, turn = np.linalg.eigh(u.conj().T @ (1j * (factor * hop - back / factor)) @ u)
        shift = (np.abs(turn) ** 2).T @ value
        steps = shift / np.where(slopes == 0.0, np.finfo(float).tiny, slopes)
        if not np.abs(steps).mean() < NEAR_CIRCLE:
            return []
        theta -= float(steps.mean())
    u, steps = u @ turn, steps - steps.mean()
    met = np.abs(steps) < 10 * SAME_PHASE
    return [
        (complex(np.exp(1j * (theta - steps[m]))), u[:, m], float(slopes[m])) for m in np.flatnonzero(met)
    ]


def _subspaces(
    e: Complexes, hop: Complexes, keep: int
) -> list[tuple[Complexes, Complexes, Complexes, Complexes]]:
    """The ``keep`` fastest decaying states to the right and to the left: λ, u, orthonormal basis and its
    image.
    """
    n = e.shape[0]
    a, b = _pencil(e, hop)
    found = []
    for side in (0, 1):
        size = np.sort(np.abs(np.divide(*_alpha_beta(a, b, side))))
        limit = 0.5 * (size[keep - 1] + size[keep]) if keep else -1.0

        def chosen(alpha: Complexes, beta: Complexes, side: int = side, limit: float = limit) -> Bools:
            top, bottom = (alpha, beta) if side == 0 else (beta, alpha)
            return np.abs(top) < limit * np.abs(bottom)

        s, t, _, _, _, z = linalg.ordqz(a, b, sort=chosen, output="complex")
        z = z[:, :keep]
        near, far = (z[:n], z[n:]) if side == 0 else (z[n:], z[:n])
        s, t = s[:keep, :keep], t[:keep, :keep]
        ratio = linalg.solve_triangular(t, s) if side == 0 else linalg.solve_triangular(s, t)
        factor, y = np.linalg.eig(ratio)
        order = np.argsort(-np.abs(factor))
        factor, vectors = factor[order], near @ y[:, order]
        vectors /= np.linalg.norm(vectors, axis=0)
        with np.errstate(divide="ignore"):
            found.append((factor if side == 0 else 1.0 / factor, vectors, near, far))
    return found


def _alpha_beta(a: Complexes, b: Complexes, side: int) -> tuple[Complexes, Complexes]:
    """Numerators and (never zero) denominators of λ, or of 1/λ for the left-going side."""
    alpha, beta = linalg.eig(a, b, right=False, homogeneous_eigvals=True)
    top, bottom = (alpha, beta) if side == 0 else (beta, alpha)
    return top, np.where(bottom == 0, np.finfo(float).tiny, bottom)
