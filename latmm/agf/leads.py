"""Leads: semi-infinite periodic stacks, their Bloch modes and self-energies.

Layers are numbered along +z for both leads. The lead's blocks are mass-weighted: H₀ inside a layer, H₁
from layer j (rows)
to layer j + 1 (columns), in (rad/ps)². The phases of k∥ are in the blocks (position gauge, or any other: the
kernel does not know). The self-energies of the two half-spaces on their surface layer are

    right half-space   Σ = H₁ F₊,     F₊ = U₊ Λ₊ U₊⁻¹   (states that move or decay to +z),
    left half-space    Σ = H₁† F₋,    F₋ = U₋ Λ₋⁻¹ U₋⁻¹  (states that move or decay to −z),

and Γ = i(Σ − Σ†). Propagating states are scaled to unit flux, u†Γu = 1; several with one λ are made
orthogonal in the
flux form V by Löwdin's U V^{−1/2} (V is diagonal between different λ, so nothing needs to be grouped).

Sources: T. Ando, Phys. Rev. B 44, 8017 (1991); W. Zhang, T. S. Fisher and N. Mingo, Numer. Heat Transfer B
51, 333 (2007).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import Gathered, angular_frequencies, chunks, gather, points_shape
from latmm.agf.bloch import bloch_states, flux, real_phases, solve
from latmm.agf.careful import careful_states
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import ConvergenceError, InputError

__all__ = ["FoldedLead", "Lead", "Modes", "Waves", "channels", "lead_modes"]

HERMITICITY = 1e-10
"""Largest relative departure of an onsite block from its adjoint: rounding of its assembly, not physics."""
DEGENERATE = 1e-13
"""Overlap of two flux-normalised states above which they are made orthogonal: rounding."""


@dataclass(frozen=True)
class Lead:
    """A semi-infinite periodic stack.

    Attributes
    ----------
    onsite : (..., n, n) complex
        H₀, mass-weighted dynamical matrix inside one principal layer, Hermitian, (rad/ps)².
    hopping : (..., n, n) complex
        H₁, from layer j (rows) to layer j + 1 (columns) along +z, (rad/ps)². May be singular.
    """

    onsite: Complexes
    hopping: Complexes

    def __post_init__(self) -> None:
        _check(self.onsite, self.hopping)

    @property
    def size(self) -> int:
        """Degrees of freedom of a layer."""
        return int(self.onsite.shape[-1])


@dataclass(frozen=True)
class FoldedLead:
    """A lead of lateral supercells, given in its primitive lateral cell at the N folded k∥.

    The supercell's blocks would be W diag(H_1 … H_N) W†; they are never formed.

    Attributes
    ----------
    onsite, hopping : (..., N, n, n) complex
        Blocks of the primitive lead at k∥ + G_g, g = 1 … N, (rad/ps)².
    expansion : (N n, N, n) complex
        W: degree of freedom of the supercell ← folded k∥, degree of freedom of the primitive cell.
        Unitary. In the
        position gauge W = exp(i G_g·r)/√N between a supercell atom at r and its primitive atom. May carry
        leading axes.
    """

    onsite: Complexes
    hopping: Complexes
    expansion: Complexes

    def __post_init__(self) -> None:
        _check(self.onsite, self.hopping)
        if self.onsite.ndim < 3:
            raise InputError(
                f"blocks of a folded lead must be (..., N, n, n) over N folded k∥, but are "
                f"{self.onsite.shape}"
            )
        folded, n = self.onsite.shape[-3], self.onsite.shape[-1]
        if self.expansion.shape[-3:] != (folded * n, folded, n):
            raise InputError(
                f"`expansion` must be ({folded * n}, {folded}, {n}) to match the blocks {self.onsite.shape}, "
                f"but is {self.expansion.shape}"
            )
        w = self.matrix
        if np.abs(w.conj().swapaxes(-1, -2) @ w - np.eye(folded * n)).max() > HERMITICITY:
            raise InputError("`expansion` must be unitary; scale the lateral Fourier phases by 1/√N")

    @property
    def size(self) -> int:
        """Degrees of freedom of a layer of the supercell."""
        return int(self.onsite.shape[-3] * self.onsite.shape[-1])

    @property
    def matrix(self) -> Complexes:
        """W as a matrix, (..., N n, N n)."""
        return self.expansion.reshape(*self.expansion.shape[:-2], -1)


def _check(onsite: Complexes, hopping: Complexes) -> None:
    """Refuse blocks that are not square, differ in size, are not finite or not Hermitian."""
    if onsite.ndim < 2 or onsite.shape[-1] != onsite.shape[-2] or onsite.shape[-1] == 0:
        raise InputError(f"`onsite` of a lead must be square blocks (..., n, n), but is {onsite.shape}")
    if hopping.shape[-2:] != onsite.shape[-2:]:
        raise InputError(
            f"`hopping` of a lead must be as large as its onsite block {onsite.shape[-2:]}, but is "
            f"{hopping.shape[-2:]}"
        )
    if not (np.isfinite(onsite).all() and np.isfinite(hopping).all()):
        raise InputError("blocks of a lead must be finite numbers, but hold NaN or infinity")
    asymmetry = np.abs(onsite - onsite.conj().swapaxes(-1, -2)).max()
    if asymmetry > HERMITICITY * max(float(np.abs(onsite).max()), float(np.abs(hopping).max())):
        raise InputError(
            f"`onsite` of a lead must be Hermitian, but departs from its adjoint by {asymmetry:.3g} "
            f"(rad/ps)²; "
            "symmetrise the force constants"
        )


@dataclass(frozen=True)
class Waves:
    """Bloch modes of one direction: those that move (or, evanescent, decay) to +z, or to −z.

    Propagating modes come first, by ascending phase of the Bloch factor; then the evanescent ones, slowest
    decay first.

    Attributes
    ----------
    bloch_factor : (..., n) complex
        λ: ψ_{j+1} = λ ψ_j.
    group_velocity : (..., n) float
        dω/dθ with λ = e^{iθ}, rad/ps per rad per layer; times the layer's thickness it is the velocity
        along z. 0 if evanescent.
    vectors : (..., n, n) complex
        Modes in columns; propagating ones scaled to unit flux, ±i u†(λH₁ − λ*H₁†)u = 1, the others to u†u
        = 1.
    propagating : (..., n) bool
        Whether a mode carries energy.
    """

    bloch_factor: Complexes
    group_velocity: Floats
    vectors: Complexes
    propagating: Bools


@dataclass(frozen=True)
class Modes:
    """All 2n Bloch modes of a lead at given ω.

    Attributes
    ----------
    right, left : Waves
        Modes that move or decay to +z, to −z.
    resolved : (...,) bool
        Points that the second, more careful route had to solve.
    """

    right: Waves
    left: Waves
    resolved: Bools


@dataclass(frozen=True)
class States:
    """Both directions of a set of points in flat arrays: what the scattering kernel works with.

    ``bloch``, ``vectors``, ``propagating``, ``velocity`` (2, p, n[, n]) as in :class:`Waves`; index 0
    right-going, 1 left-going.
    ``basis`` (2, p, n, n): a basis of the same states; ``image``: what it becomes one layer on, to the
    right (0) or left (1).
    ``sound`` (p,): as many states of each direction as there must be.
    """

    bloch: Complexes
    basis: Complexes
    image: Complexes
    vectors: Complexes
    propagating: Bools
    velocity: Floats
    sound: Bools


@dataclass(frozen=True)
class Stack:
    """Blocks of a lead prepared for points: stored once for each distinct k∥, with the basis that makes
    them real.
    """

    h0: Gathered
    h1: Gathered
    phases: Gathered
    real: Gathered

    @classmethod
    def prepare(cls, onsite: Complexes, hopping: Complexes, shape: tuple[int, ...], core: int) -> "Stack":
        """Blocks (..., core axes) for points of the given batch shape."""
        lead = np.broadcast_shapes(onsite.shape[:-2], hopping.shape[:-2])
        n = onsite.shape[-1]
        h0 = np.broadcast_to(onsite, (*lead, n, n)).astype(complex)
        h1 = np.broadcast_to(hopping, (*lead, n, n)).astype(complex)
        phases, real = real_phases(h0.reshape(-1, n, n), h1.reshape(-1, n, n))
        return cls(
            gather(h0, shape, core),
            gather(h1, shape, core),
            gather(phases.reshape(*lead, n), shape, core - 1),
            gather(real.reshape(lead), shape, core - 2),
        )


def states(stack: Stack, points: slice | Integers, omega2: Complexes | Floats, careful: bool) -> States:
    """Sorted states of the chosen points; ``careful`` takes the second route.

    Parameters
    ----------
    stack : Stack
        Blocks of the lead, (p, n, n) or (p, N, n, n) at the points.
    points : slice or (p,) int
        Which points.
    omega2 : (p,) float or complex
        ω² of the points; complex: (ω + iη)², and no state propagates.
    careful : bool
        Whether to take the second, slower route.

    Returns
    -------
    States
        With p·N points for folded blocks.
    """
    h0, h1 = stack.h0.at(points), stack.h1.at(points)
    n = h0.shape[-1]
    if h0.ndim == 4:
        omega2 = np.repeat(omega2, h0.shape[1])
    h0, h1 = h0.reshape(-1, n, n), h1.reshape(-1, n, n)
    if careful:
        bloch, unit, basis, image, propagating, sound = careful_states(h0, h1, omega2)
    else:
        phases, real = stack.phases.at(points).reshape(-1, n), stack.real.at(points).reshape(-1)
        bloch, unit, propagating, sound = _sorted_states(h0, h1, omega2, phases, real)
        basis, image = unit, unit * np.stack([bloch[0], 1.0 / bloch[1]])[..., None, :]
    vectors, velocity = unit, np.zeros(bloch.shape)
    if propagating.any():
        vectors, velocity = _unit_flux(h1, omega2.real, bloch, unit, propagating)
    return States(bloch, basis, image, vectors, propagating, velocity, sound)


def _sorted_states(
    h0: Complexes, h1: Complexes, omega2: Complexes | Floats, phases: Complexes, real: Bools
) -> tuple[Complexes, Complexes, Bools, Bools]:
    """λ (2, p, n), u (2, p, n, n), propagating (2, p, n) and soundness (p,) by the fast route."""
    n = h0.shape[-1]
    bloch, u = bloch_states(h0, h1, omega2, phases, real)
    strength, margin = flux(h1, bloch, u)
    decay = np.abs(np.log(np.maximum(np.abs(bloch), np.finfo(float).tiny)))
    propagating = np.zeros(bloch.shape, dtype=bool) if np.iscomplexobj(omega2) else margin > 0.0
    right = np.where(propagating, strength > 0.0, np.abs(bloch) < 1.0)
    with np.errstate(invalid="ignore"):
        key = np.where(right, 0.0, 2e4) + np.where(propagating, np.angle(bloch), 1e4 + decay)
    order = np.argsort(key, axis=-1)
    bloch = np.take_along_axis(bloch, order, axis=-1)
    u = np.take_along_axis(u, order[:, None, :], axis=-1)
    propagating = np.take_along_axis(propagating, order, axis=-1)
    both = propagating.reshape(-1, 2, n)
    sound = np.isfinite(bloch).all(-1) & (right.sum(-1) == n) & (both[:, 0].sum(-1) == both[:, 1].sum(-1))
    halves = np.stack([u[..., :n], u[..., n:]])
    return bloch.reshape(-1, 2, n).swapaxes(0, 1), halves, both.swapaxes(0, 1), sound


def _unit_flux(
    h1: Complexes, omega2: Floats, bloch: Complexes, raw: Complexes, propagating: Bools
) -> tuple[Complexes, Floats]:
    """Propagating states scaled to unit flux, (2, p, n, n), and their dω/dθ, (2, p, n)."""
    sign = np.array([1.0, -1.0])[:, None, None, None]
    half = 1j * sign * (raw.conj().swapaxes(-1, -2) @ (h1 @ raw)) * bloch[..., None, :]
    v = half + half.conj().swapaxes(-1, -2)
    diagonal = np.einsum("...mm->...m", v).real
    root = np.sqrt(np.where(propagating, np.maximum(diagonal, np.finfo(float).tiny), 1.0))
    vectors = raw / root[..., None, :]
    overlap = np.abs(v) / (root[..., :, None] * root[..., None, :])
    overlap *= propagating[..., :, None] & propagating[..., None, :]
    overlap[..., np.arange(v.shape[-1]), np.arange(v.shape[-1])] = 0.0
    skew = overlap.max((-2, -1)) > DEGENERATE
    if skew.any():
        pair = propagating[skew][..., :, None] & propagating[skew][..., None, :]
        metric = np.where(pair, v[skew], np.eye(v.shape[-1]))
        value, vector = np.linalg.eigh(metric)
        inverse_root = (
            vector / np.sqrt(np.maximum(value, np.finfo(float).tiny))[..., None, :]
        ) @ vector.conj().swapaxes(-1, -2)
        vectors[skew] = np.where(propagating[skew][..., None, :], raw[skew] @ inverse_root, raw[skew])
    square = np.einsum("...im,...im->...m", vectors.conj(), vectors).real
    direction = sign[..., 0]
    velocity = np.where(propagating, direction / (2.0 * np.sqrt(omega2)[:, None] * square), 0.0)
    return vectors, velocity


def surface(h1: Complexes, found: States, side: int) -> Complexes:
    """Self-energy of a half-space on its surface layer, (p, n, n).

    Parameters
    ----------
    h1 : (p, n, n) complex
        Hopping block.
    found : States
        States of the lead.
    side : int
        0: the right half-space, Σ = H₁ F₊; 1: the left half-space, Σ = H₁† F₋.
    """
    basis, image = found.basis[side], found.image[side]
    f = solve(basis.swapaxes(-1, -2), image.swapaxes(-1, -2)).swapaxes(-1, -2)
    hop = h1 if side == 0 else h1.conj().swapaxes(-1, -2)
    return hop @ f


def lead_modes(lead: Lead | FoldedLead, omega: ArrayLike) -> Modes:
    """All Bloch modes of a lead, both directions, propagating and evanescent.

    Parameters
    ----------
    lead : Lead or FoldedLead
        The periodic stack; its leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.

    Returns
    -------
    Modes
        Arrays (..., n), (..., n, n); for a folded lead (..., N, n), (..., N, n, n).

    Raises
    ------
    InputError
        If ω is not positive or the leading axes do not broadcast.
    ConvergenceError
        If neither route finds as many modes to the right as to the left; the message names the point.
    """
    w = angular_frequencies(omega)
    core = 3 if isinstance(lead, FoldedLead) else 2
    leading = (lead.onsite.shape[:-core], lead.hopping.shape[:-core])
    shape = points_shape(w, *leading)
    stack = Stack.prepare(lead.onsite, lead.hopping, shape, core)
    flat = np.broadcast_to(w, shape).reshape(-1)
    inner = lead.onsite.shape[-core:-1]
    n, points = inner[-1], flat.size
    size = int(np.prod(inner))
    bloch = np.empty((2, points, size), dtype=complex)
    velocity = np.empty((2, points, size))
    vectors = np.empty((2, points, size, n), dtype=complex)
    propagating = np.empty((2, points, size), dtype=bool)
    resolved = np.zeros(points, dtype=bool)
    for part in chunks(points, 16 * 12 * size * n):
        found, again = sound_states(stack, part, flat[part])
        resolved[part] = again
        bloch[:, part] = found.bloch.reshape(2, -1, size)
        velocity[:, part] = found.velocity.reshape(2, -1, size)
        propagating[:, part] = found.propagating.reshape(2, -1, size)
        vectors[:, part] = found.vectors.reshape(2, -1, size, n)
    sides = [
        Waves(
            bloch[i].reshape(*shape, *inner),
            velocity[i].reshape(*shape, *inner),
            vectors[i].reshape(*shape, *inner, n),
            propagating[i].reshape(*shape, *inner),
        )
        for i in (0, 1)
    ]
    return Modes(sides[0], sides[1], resolved.reshape(shape))


def channels(lead: Lead | FoldedLead, omega: ArrayLike) -> Integers:
    """Number of propagating modes of a lead in each direction.

    Parameters
    ----------
    lead : Lead or FoldedLead
        The periodic stack.
    omega : (...) array_like
        ω, rad/ps, positive.

    Returns
    -------
    (...) int ndarray
        Count; for a folded lead the sum over its folded k∥.
    """
    w = angular_frequencies(omega)
    core = 3 if isinstance(lead, FoldedLead) else 2
    shape = points_shape(w, lead.onsite.shape[:-core], lead.hopping.shape[:-core])
    stack = Stack.prepare(lead.onsite, lead.hopping, shape, core)
    flat = np.broadcast_to(w, shape).reshape(-1)
    count = np.empty(flat.size, dtype=np.int64)
    for part in chunks(flat.size, 16 * 12 * lead.size * lead.onsite.shape[-1]):
        found, _ = sound_states(stack, part, flat[part])
        count[part] = found.propagating[0].reshape(flat[part].size, -1).sum(-1)
    return count.reshape(shape)


def sound_states(stack: Stack, part: slice, omega: Floats) -> tuple[States, Bools]:
    """States of a chunk with unsound points solved again by the careful route, and which those were, (p,)."""
    found = states(stack, part, omega**2, careful=False)
    bad = ~found.sound.reshape(omega.size, -1).all(-1)
    if not bad.any():
        return found, bad
    points = np.arange(part.start, part.stop)[bad]
    better = states(stack, points, omega[bad] ** 2, careful=True)
    failed = ~better.sound.reshape(points.size, -1).all(-1)
    if failed.any():
        at = int(np.flatnonzero(failed)[0])
        raise ConvergenceError(
            f"the modes of a lead at point {points[at]} (omega = {omega[bad][at]:.12g} rad/ps) do not pair "
            f"into as many "
            "to the right as to the left; move omega by a relative 1e-9 off the band edge, or check the "
            "blocks"
        )
    return merged(found, better, np.repeat(bad, found.sound.size // omega.size)), bad


def merged(found: States, better: States, bad: Bools) -> States:
    """``found`` with the points ``bad`` (p,) replaced by ``better``."""

    def put(name: str) -> np.ndarray:
        array = getattr(found, name).copy()
        if name == "sound":
            array[bad] = getattr(better, name)
        else:
            array[:, bad] = getattr(better, name)
        return array

    return replace(found, **{name: put(name) for name in States.__dataclass_fields__})
