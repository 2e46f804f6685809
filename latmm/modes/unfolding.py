"""Which bulk phonon a Bloch mode of a lead is.

A mode ψ_{j+1} = λψ_j of principal layers of p primitive layers of height h is a phonon whose q_z obeys
λ = exp(i p q_z h), which leaves p candidates q_z h = (arg λ + 2πj)/p. In the position gauge a phonon e(q)
moves the atoms of primitive layer l by

    u_l = exp(i l q_z h) exp(i q_z z) e(q)                                                            (1)

(the phases of k∥ are in the blocks). The projections p^{-1/2} Σ_l exp(−i l q_z h) u_l single out the
candidate and, by their overlap with the eigenvectors of D(q), the band. Modes that share λ may be mixtures of
several such phonons, of one q or of several; they are turned, unitarily in the flux, into the phonons
themselves, with the definite velocities that :func:`latmm.lattice.dynamics.phonons` gives them. Phonons of
one q and one ω remain degenerate: they get a common group number, and only sums or means over a group have a
meaning.

Flux: a phonon (1) with e†e = 1 carries 2ω|v_z|/h, v_z its group velocity.
"""

from dataclasses import dataclass

import numpy as np

from latmm.agf import FoldedLead, Lead, Waves
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import ConvergenceError
from latmm.lattice.dynamics import Phonons, phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.modes.brillouin import branch_labels, cartesian, first_zone, longitudinal_fraction
from latmm.ties import classes, ordered, phase
from latmm.units import KM_PER_S_PER_A_THZ, TWO_PI

__all__ = ["Turn", "Unfolded", "folded_axis", "layer_vectors", "unfold"]

_SAME = 1e-7
"""Difference of two λ below which modes count as mixed: far above the rounding of a double root."""
_PURE = 1e-4
"""Weight outside the best phonon that a pure mode may have: rounding at a band edge, not a mixture."""
_MISMATCH = 1e-6
"""Largest |ω_b(q) − ω| over the largest ω that is rounding."""


@dataclass(frozen=True)
class Turn:
    """A unitary change of modes (rows: kernel's modes, columns: phonons) of one point and one folded k∥."""

    point: int
    modes: Integers
    matrix: Complexes


@dataclass(frozen=True)
class Unfolded:
    """Phonons of one crystal that move in one direction, M of them over a batch of points.

    Attributes
    ----------
    point : (M,) int
        Point of the batch.
    mode : (M,) int
        Number among the modes of the point, folded · n + mode, after :attr:`turns`.
    folded : (M,) int
        Number of its k∥ among those that fold.
    qpoint : (M, 3) float
        Fractional, in the first zone.
    wave_vector : (M, 3) float
        The same, Cartesian, Å⁻¹ (2π included).
    frequency : (M,) float
        Of the phonon at q, THz.
    group_velocity : (M, 3) float
        km s⁻¹.
    longitudinal : (M,) float
        Longitudinal fraction.
    branch : (M,) int
        See :mod:`latmm.modes.brillouin`.
    group : (M,) int
        Degenerate phonons share a number.
    turns : list of Turn
        Changes of modes that make the correspondence one to one.
    velocity_mismatch : float
        Largest |v_z − v of the Bloch mode| over the largest speed, of modes that needed no turn.
    top : float
        Largest frequency of any phonon of these wave vectors, THz.
    """

    point: Integers
    mode: Integers
    folded: Integers
    qpoint: Floats
    wave_vector: Floats
    frequency: Floats
    group_velocity: Floats
    longitudinal: Floats
    branch: Integers
    group: Integers
    turns: list[Turn]
    velocity_mismatch: float
    top: float


def folded_axis(lead: Lead | FoldedLead, waves: Waves) -> Waves:
    """Modes with the batch flattened to P and an axis of folded k∥, (P, N, n), whatever the lead."""
    n = waves.bloch_factor.shape[-1]
    count = waves.bloch_factor.shape[-2] if isinstance(lead, FoldedLead) else 1
    shape = (-1, count, n)
    return Waves(
        waves.bloch_factor.reshape(shape),
        waves.group_velocity.reshape(shape),
        waves.vectors.reshape(*shape, n),
        waves.propagating.reshape(shape),
    )


def layer_vectors(
    crystal: ForceConstants, principal: int, qpoints: Floats, eigenvectors: Complexes
) -> Complexes:
    """Displacements of a principal layer in a phonon, Eq. (1), with u†u = 1.

    Parameters
    ----------
    crystal : ForceConstants
        N atoms.
    principal : int
        p, primitive layers.
    qpoints : (M, 3) float
        Fractional.
    eigenvectors : (M, 3N) complex
        Normalised, position gauge.

    Returns
    -------
    (M, p 3N) ndarray
    """
    phase = TWO_PI * (qpoints[:, 2] - crystal.in_plane(qpoints[:, :2])[:, 2])
    height = crystal.atoms.cell.scaled_positions(crystal.atoms.get_positions())[:, 2]
    within = eigenvectors * np.repeat(np.exp(1j * phase[:, None] * height), 3, axis=1)
    layers = np.exp(1j * phase[:, None] * np.arange(principal))
    return np.asarray(
        (layers[:, :, None] * within[:, None, :]).reshape(len(qpoints), principal * eigenvectors.shape[1])
        / np.sqrt(principal)
    )


def _candidates(crystal: ForceConstants, principal: int, wave_vectors: Floats, bloch: Complexes) -> Floats:
    """Fractional q (M, p, 3) of the p candidates of modes at k∥ (M, 2)."""
    base = crystal.in_plane(wave_vectors)
    steps = (phase(bloch)[:, None] / TWO_PI + np.arange(principal)) / principal
    q = np.repeat(base[:, None, :], principal, axis=1)
    q[..., 2] += steps
    return q


def unfold(
    crystal: ForceConstants, principal: int, waves: Waves, wave_vectors: Floats, omega: Floats
) -> Unfolded:
    """Find the phonons that the propagating modes of one direction are.

    Parameters
    ----------
    crystal : ForceConstants
        Of the lead, primitive.
    principal : int
        p, its primitive layers in a principal layer.
    waves : Waves
        Modes (P, N, n) of one direction, see :func:`folded_axis`.
    wave_vectors : (P, N, 2) float
        k∥ in the crystal's lateral cell.
    omega : (P,) float
        ω, rad/ps.

    Returns
    -------
    Unfolded

    Raises
    ------
    ConvergenceError
        If the frequency at the q found is not that of the mode.
    """
    point, folded, number = np.nonzero(waves.propagating)
    bloch = waves.bloch_factor[point, folded, number]
    u = waves.vectors[point, folded, :, number]
    u = u / np.linalg.norm(u, axis=1, keepdims=True)
    candidates = _candidates(crystal, principal, wave_vectors[point, folded], bloch)
    rows = np.arange(len(point))
    weight = _candidate_weights(crystal, principal, candidates, u)
    best = np.argmax(weight, axis=1)
    q = candidates[rows, best]
    found = phonons(crystal, q) if len(q) else _no_phonons(crystal)
    shares = np.abs(_overlaps(crystal, principal, found, u)) ** 2
    band = np.argmax(shares, axis=1)
    mixtures = []
    mixed = ~(weight[rows, best] > 1.0 - _PURE) | ~(shares[rows, band] > 1.0 - _PURE)
    for members in _mixtures(point, folded, bloch, mixed):
        q[members], band[members], target = _resolve(crystal, principal, candidates[members[0]], u[members])
        mixtures.append((members, target))
    if mixtures:
        found = phonons(crystal, q)
    return _labelled(crystal, waves, omega, (point, folded, number), q, found, band, mixtures)


def _no_phonons(crystal: ForceConstants) -> Phonons:
    size = 3 * len(crystal.atoms)
    empty = np.zeros((0, 3))
    return Phonons(
        empty,
        np.zeros(0),
        np.zeros((0, size)),
        np.zeros((0, size, 3)),
        np.zeros((0, size, size), complex),
        0.0,
    )


def _candidate_weights(crystal: ForceConstants, principal: int, candidates: Floats, u: Complexes) -> Floats:
    """Share (M, p) of each candidate's q_z in the modes u (M, p 3N)."""
    if principal == 1:
        return np.ones((len(u), 1))
    base = crystal.in_plane(candidates[:, 0, :2])[:, None, 2]
    phase = TWO_PI * (candidates[..., 2] - base)
    waves = np.exp(-1j * phase[..., None] * np.arange(principal))
    along = np.einsum("mjl,mlx->mjx", waves, u.reshape(len(u), principal, u.shape[1] // principal))
    return np.asarray((np.abs(along) ** 2).sum(axis=-1) / principal)


def _overlaps(crystal: ForceConstants, principal: int, found: Phonons, u: Complexes) -> Complexes:
    """Overlaps (M, B) of modes u (M, p 3N) with all phonons of their q."""
    count, size, branches = found.eigenvectors.shape
    flat = np.swapaxes(found.eigenvectors, 1, 2).reshape(-1, size)
    vectors = layer_vectors(crystal, principal, np.repeat(found.qpoints, branches, axis=0), flat)
    return np.asarray(np.einsum("mbx,mx->mb", vectors.reshape(count, branches, u.shape[1]).conj(), u))


def _mixtures(point: Integers, folded: Integers, bloch: Complexes, mixed: Bools) -> list[Integers]:
    """Rows of modes that share λ and hold a mixed one, point by point."""
    found = []
    done = np.zeros(len(point), dtype=bool)
    for row in np.flatnonzero(mixed):
        if done[row]:
            continue
        first = np.searchsorted(point, point[row])
        last = np.searchsorted(point, point[row], side="right")
        near = np.arange(first, last)
        near = near[(folded[near] == folded[row]) & (np.abs(bloch[near] - bloch[row]) < _SAME)]
        done[near] = True
        found.append(near)
    return found


def _resolve(
    crystal: ForceConstants, principal: int, candidates: Floats, u: Complexes
) -> tuple[Floats, Integers, Complexes]:
    """Phonons that s modes u (s, n) of one λ are: q (s, 3), band (s,) and their vectors (s, n).

    The s phonons that lie deepest in the span of the modes are taken, scaled to a common flux.
    """
    found = phonons(crystal, candidates)
    branches = found.frequency.shape[1]
    flat = np.swapaxes(found.eigenvectors, 1, 2).reshape(-1, found.eigenvectors.shape[1])
    vectors = layer_vectors(crystal, principal, np.repeat(candidates, branches, axis=0), flat)
    basis = np.linalg.qr(u.T)[0]
    depth = np.linalg.norm(vectors.conj() @ basis, axis=1)
    chosen = np.sort(np.argsort(-depth)[: len(u)])
    which, band = np.divmod(chosen, branches)
    speed = np.abs(found.group_velocity[which, band, 2])
    return candidates[which], band, vectors[chosen] / np.sqrt(np.maximum(speed, 1e-9 * speed.max()))[:, None]


def _unitary(modes: Complexes, phonons_: Complexes) -> Complexes:
    """Matrix (s, s) that turns modes (s, n) of unit flux into phonons (s, n) of a common flux.

    Unitary up to rounding and a factor, which the polar factor removes.
    """
    matrix = np.linalg.lstsq(modes.T, phonons_.T, rcond=None)[0]
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)


def _groups(point: Integers, folded: Integers, q: Floats, bloch: Complexes) -> Integers:
    """Return a number (M,) for the modes of one point so that phonons of one q share theirs."""
    apart = np.ones(len(point), dtype=bool)
    apart[1:] = (np.diff(point) != 0) | (np.diff(folded) != 0) | (np.abs(np.diff(bloch)) > _SAME)
    apart[1:] |= np.max(np.abs(np.diff(q, axis=0)), axis=1, initial=0.0) > _SAME
    return np.asarray(np.maximum.accumulate(np.where(apart, np.arange(len(point)), 0)))


def _in_order(group: Integers, band: Integers, speed: Floats) -> Integers:
    """Put degenerate phonons of one velocity in the order of bands, (M,): which is which has no meaning."""
    found = band.copy()
    _, start, size = np.unique(group, return_index=True, return_counts=True)
    for first, count in zip(start[size > 1], size[size > 1], strict=True):
        rows = np.arange(first, first + count)
        kind = classes(speed[rows], _SAME * float(np.max(np.abs(speed))))
        found[rows[ordered(kind)]] = band[rows][ordered(kind, band[rows])]
    return found


def _labelled(
    crystal: ForceConstants,
    waves: Waves,
    omega: Floats,
    index: tuple[Integers, Integers, Integers],
    q: Floats,
    found: Phonons,
    band: Integers,
    mixtures: list[tuple[Integers, Complexes]],
) -> Unfolded:
    """Collect what is known of the phonon (``q``, ``band``) that each mode is."""
    point, folded, number = index
    rows, n = np.arange(len(point)), waves.bloch_factor.shape[-1]
    frequency = found.frequency[rows, band]
    _check_frequency(frequency, omega[point] / TWO_PI, q, found)
    reduced = first_zone(crystal, q)
    vectors = cartesian(crystal, reduced)
    group = _groups(point, folded, q, waves.bloch_factor[point, folded, number])
    band = _in_order(group, band, found.group_velocity[rows, band, 2])
    frequency, velocity = found.frequency[rows, band], found.group_velocity[rows, band]
    turns, pure = [], np.ones(len(point), dtype=bool)
    for members, target in mixtures:
        u = waves.vectors[point[members], folded[members], :, number[members]]
        modes = folded[members] * n + number[members]
        turns.append(Turn(int(point[members[0]]), modes, _unitary(u, target)))
        pure[members] = False
    thickness = float(crystal.atoms.cell.array[2, 2]) * (n // (3 * len(crystal.atoms)))
    along = waves.group_velocity[point, folded, number] * thickness * KM_PER_S_PER_A_THZ
    fastest = float(np.max(np.linalg.norm(velocity, axis=1), initial=1e-300))
    return Unfolded(
        point=point,
        mode=folded * n + number,
        folded=folded,
        qpoint=reduced,
        wave_vector=vectors,
        frequency=frequency,
        group_velocity=velocity,
        longitudinal=longitudinal_fraction(vectors, found.eigenvectors[rows, :, band][..., None])[:, 0],
        branch=branch_labels(crystal, reduced)[rows, band],
        group=group,
        turns=turns,
        velocity_mismatch=float(np.max(np.abs(along - velocity[:, 2])[pure], initial=0.0)) / fastest,
        top=float(np.max(found.frequency, initial=np.finfo(float).tiny)),
    )


def _check_frequency(frequency: Floats, asked: Floats, q: Floats, found: Phonons) -> None:
    """Refuse modes whose phonon has another frequency."""
    miss = np.abs(frequency - asked)
    if np.max(miss, initial=0.0) > _MISMATCH * float(np.max(np.abs(found.frequency), initial=0.0)):
        worst = int(np.argmax(miss))
        raise ConvergenceError(
            f"a Bloch mode of {asked[worst]:.9g} THz unfolds to a phonon of {frequency[worst]:.9g} THz at "
            f"q = {np.array2string(q[worst], precision=6)}; move the frequency by a relative 1e-6 off the "
            "crossing, or check that the lead is this crystal"
        )
