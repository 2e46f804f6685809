"""Bloch modes and self-energies of leads.

The self-energies of the two half-spaces on their surface layer are

    right half-space   Σ = H₁ F₊,     F₊ = U₊ Λ₊ U₊⁻¹    (states that move or decay to +z), left half-space
    Σ = H₁† F₋,    F₋ = U₋ Λ₋⁻¹ U₋⁻¹  (states that move or decay to −z),

and Γ = i(Σ − Σ†). Propagating states are scaled to unit flux, u†Γu = 1; several with one λ are made
orthogonal in the flux form V by Löwdin's U V^{−1/2} (V is diagonal between different λ, so nothing needs to
be grouped).

Sources: T. Ando, Phys. Rev. B 44, 8017 (1991); W. Zhang, T. S. Fisher and N. Mingo, Numer. Heat Transfer B
51, 333 (2007).
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import adjoint, angular_frequencies, chunks, mass_matrix, points_shape
from latmm.agf.bloch import Solver, Unscaled, flux, solve
from latmm.agf.crossings import meeting, separate_directions
from latmm.agf.fallback import fallback_states
from latmm.agf.leads import FoldedLead, Lead, Stack
from latmm.agf.mirror import APART, MARGIN
from latmm.agf.normalisation import scales, unit_flux
from latmm.agf.retry import with_fallback
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.ties import phase

__all__ = ["Modes", "States", "Waves", "channels", "lead_modes", "self_energy", "states", "surface"]

_NOTHING = 1e-13
"""u†H₁u over the largest element of H₁ below which it is rounding."""


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
        Modes in columns; propagating ones scaled to unit flux, ±i u†(λH₁ − λ*H₁†)u = 1, the others to u†u =
        1.
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
    retried : (...,) bool
        Points that the fallback solver had to solve.
    """

    right: Waves
    left: Waves
    retried: Bools


@dataclass(frozen=True)
class States:
    """Both directions of a set of points in flat arrays: what the scattering kernel works with.

    ``bloch``, ``vectors``, ``propagating``, ``velocity`` (2, p, n[, n]) as in :class:`Waves`; index 0
    right-going, 1 left-going. ``length`` (2, p, n): that of the vectors where they propagate. ``basis``
    (2, p, n, n): a basis of the same states; ``image``: what it becomes one layer on, to the right (0) or
    left (1). ``sound`` (p,): as many states of each direction as there must be.
    """

    bloch: Complexes
    basis: Complexes
    image: Complexes
    vectors: Complexes
    length: Floats
    propagating: Bools
    velocity: Floats
    sound: Bools

    def part(self, chosen: slice, folded: int) -> "States":
        """Those of some points with ``folded`` k∥ each."""
        rows = slice(chosen.start * folded, chosen.stop * folded)
        stores = [getattr(self, item.name) for item in fields(self)]
        return States(*(store[rows] if store.ndim == 1 else store[:, rows] for store in stores))

    def replace(self, bad: Bools, better: "States") -> None:
        """Overwrite the points ``bad``, (p,), by those of ``better``."""
        for item in fields(self):
            store = getattr(self, item.name)
            store[bad if store.ndim == 1 else (slice(None), bad)] = getattr(better, item.name)


def states(stack: Stack, points: slice | Integers, omega2: Complexes | Floats, solver: Solver) -> States:
    """Sorted states of the chosen points.

    Parameters
    ----------
    stack : Stack
        Blocks of the lead, (p, n, n) or (p, N, n, n) at the points.
    points : slice or (p,) int
        Which points.
    omega2 : (p,) float or complex
        ω² of the points; complex: (ω + iη)², and no state propagates.
    solver : "fast" or "fallback"
        How they are found.

    Returns
    -------
    States
        Of p N points: all folded k∥ of each.
    """
    n = stack.size
    h0, h1 = stack.h0.at(points).reshape(-1, n, n), stack.h1.at(points).reshape(-1, n, n)
    every: Complexes | Floats = np.repeat(omega2, stack.folded)  # type: ignore[assignment]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # what is not finite is unsound
        raw = (
            _fast_states(stack, points, h1, every)
            if solver == "fast"
            else fallback_states(h0, h1, every, stack.massless)
        )
        return _scaled(h0, h1, every, raw, solver, stack.massless)


def _scaled(
    h0: Complexes, h1: Complexes, omega2: Complexes | Floats, raw: Unscaled, solver: Solver, massless: int
) -> States:
    """Scale the states of p N points, arrays (p N, n, n), to unit flux."""
    if np.iscomplexobj(omega2):
        none = np.zeros(raw.bloch.shape)
        return States(raw.bloch, raw.basis, raw.image, raw.unit, none + 1.0, raw.propagating, none, raw.sound)
    length, rough = scales(h1, raw.bloch, raw.unit, raw.propagating)
    found = States(
        raw.bloch,
        raw.basis,
        raw.image,
        raw.unit * length[..., None, :],
        length,
        raw.propagating,
        length.copy(),
        raw.sound,
    )
    rough |= (solver == "fallback") | meeting(raw.bloch, raw.propagating)
    if rough.any():
        _mend(h0, h1, omega2, raw.unit, found, rough, massless)
    twice = np.array([2.0, -2.0])[:, None, None] * np.sqrt(omega2.real)[:, None]
    if massless:  # the velocity is that of ω²: flux over 2ω u†Mu
        still = found.vectors[..., -massless:, :]
        square = found.length**2 - (still.real**2 + still.imag**2).sum(-2)
        found.velocity[...] = np.where(found.propagating, 1.0 / (twice * square), 0.0)
    else:
        found.velocity[...] = np.where(found.propagating, 1.0 / (twice * length**2), 0.0)
    return found


def _mend(
    h0: Complexes,
    h1: Complexes,
    omega2: Complexes | Floats,
    unit: Complexes,
    found: States,
    rough: Bools,
    massless: int,
) -> None:
    """Make the flux form J at the points ``rough``, in place."""
    h1, bloch, going = h1[rough], found.bloch[:, rough], found.propagating[:, rough]
    flux_form = unit_flux(h1, bloch, unit[:, rough], going)
    vectors, onward, back = flux_form.vectors, flux_form.onward, flux_form.back
    e = h0[rough] - omega2[rough, None, None] * mass_matrix(h0.shape[-1], massless)
    apart = separate_directions(e, h1, bloch, going, (vectors, onward, back), massless)
    length = np.linalg.norm(vectors, axis=-2)
    mended = flux_form.mended[..., None, :]
    image = np.stack([onward[0], back[1]])
    for store, better in ((found.basis, vectors), (found.image, image)):
        store[:, rough] = np.where(mended, better / length[..., None, :], store[:, rough])
    found.vectors[:, rough] = np.where(going[..., None, :], vectors, unit[:, rough])
    found.length[:, rough] = length
    found.sound[rough] &= flux_form.sound & apart


def _fast_states(
    stack: Stack, points: slice | Integers, h1: Complexes, omega2: Complexes | Floats
) -> Unscaled:
    """Sorted states by the cheapest form of the problem, in full size where a mode may be at a band edge."""
    forms, rows, broadened = stack.forms, stack.row.at(points).reshape(-1), np.iscomplexobj(omega2)
    found, margin = _sorted_states(h1, *forms.bloch_states(rows, omega2, forms.best), broadened)
    apart = np.abs(found.bloch[0] - 1.0 / found.bloch[0]).min(-1)
    doubtful = np.flatnonzero(forms.halved(rows) & ~((margin > MARGIN) & (apart > APART)))
    if doubtful.size and not broadened:
        full = forms.bloch_states(rows[doubtful], omega2[doubtful], forms.full)
        better, _ = _sorted_states(h1[doubtful], *full, broadened)
        for item in fields(Unscaled):
            store = getattr(found, item.name)
            store[doubtful if store.ndim == 1 else (slice(None), doubtful)] = getattr(better, item.name)
    return found


def _sorted_states(h1: Complexes, bloch: Complexes, u: Complexes, broadened: bool) -> tuple[Unscaled, Floats]:
    """Sort λ (p, 2n) and u (p, n, 2n) by direction; none propagates if broadened.

    Also: the least distance (p,) of any mode from what it might be told as by mistake.
    """
    n = h1.shape[-1]
    coupling = np.einsum("...im,...im->...m", np.conj(u), h1 @ u)
    # the phase of what is rounding alone says nothing: such a state carries no energy
    least = _NOTHING * np.abs(h1).max((-2, -1))[..., None]
    strength, margin = flux(bloch, np.where(np.abs(coupling) > least, coupling, 0.0))
    decay = np.abs(np.log(np.maximum(np.abs(bloch), np.finfo(float).tiny)))
    propagating = np.zeros(bloch.shape, dtype=bool) if broadened else margin > 0.0
    right = np.where(propagating, strength > 0.0, np.abs(bloch) < 1.0)
    key = np.where(right, 0.0, 2e4) + np.where(propagating, phase(bloch), 1e4 + decay)
    order = np.argsort(key, axis=-1).reshape(-1, 2, n).swapaxes(0, 1)
    point = np.arange(len(bloch))[:, None]
    bloch, propagating = bloch[point, order], propagating[point, order]
    unit = np.take_along_axis(u[None], order[:, :, None, :], axis=-1)
    sound = np.isfinite(bloch).all((0, -1)) & (right.sum(-1) == n)
    image = unit * np.stack([bloch[0], 1.0 / bloch[1]])[..., None, :]
    return Unscaled(bloch, unit, unit, image, propagating, sound), np.abs(margin).min(-1)


def self_energy(h1: Complexes, found: States, side: int) -> tuple[Complexes, Complexes, Complexes]:
    """Self-energy of a half-space on its surface layer, as the states give it.

    Parameters
    ----------
    h1 : (p, n, n) complex
        Hopping block.
    found : States
        States of the lead.
    side : int
        0: the right half-space, Σ = H₁ F₊; 1: the left half-space, Σ = H₁† F₋.

    Returns
    -------
    sigma, transfer, inverse : (p, n, n) complex
        Σ; F, which takes a layer to the next one; and U⁻¹ of the basis of the states.
    """
    inverse = solve(found.basis[side], np.broadcast_to(np.eye(h1.shape[-1]), h1.shape))
    transfer = found.image[side] @ inverse
    return (h1 if side == 0 else adjoint(h1)) @ transfer, transfer, inverse


def surface(h1: Complexes, found: States, side: int) -> tuple[Complexes, Complexes, Floats]:
    """Self-energy of a half-space on its surface layer, and the root of its broadening.

    Since U†ΓU = diag(1 on propagating states, 0), the broadening is Γ = W W† with W† the propagating rows
    of U⁻¹. Taken so rather than as i(Σ − Σ†), which cancels where a mode is slow, it is positive and of the
    rank of the channels, and W†U_out = 1. Σ keeps its Hermitian part and takes −iΓ/2.

    Parameters
    ----------
    h1 : (p, n, n) complex
        Hopping block.
    found : States
        States of the lead.
    side : int
        As of :func:`self_energy`.

    Returns
    -------
    sigma : (p, n, n) complex
        Σ.
    root : (p, n, c) complex
        W, a column for each of the first c states of this direction, zero if it does not propagate; c is
        the largest number of propagating states of any of the points.
    miss : (p,) float
        max |i(Σ − Σ†) − W W†| before the replacement, relative to Σ: the balance of flux.
    """
    sigma, _, inverse = self_energy(h1, found, side)
    width = int(found.propagating.sum(-1).max(initial=0))
    carries = found.propagating[side, :, :width]
    weight = np.divide(1.0, found.length[side, :, :width], out=np.zeros(carries.shape), where=carries)
    rows = inverse[:, :width] * weight[..., None]
    root = adjoint(rows)
    broadening = root @ rows
    back = adjoint(sigma)
    miss = np.abs(1j * (sigma - back) - broadening).max((-2, -1))
    miss /= np.maximum(np.abs(sigma).max((-2, -1)), np.finfo(float).tiny)
    return 0.5 * (sigma + back - 1j * broadening), root, miss


@dataclass(frozen=True)
class ModeTable:
    """Modes of all points of a batch, filled chunk by chunk; arrays (2, P, N, ...) as in :class:`States`."""

    bloch: Complexes
    velocity: Floats
    vectors: Complexes
    propagating: Bools

    @classmethod
    def empty(cls, points: int, stack: Stack) -> "ModeTable":
        """Room for the modes of a stack at all points."""
        shape = (2, points, stack.folded, stack.size)
        vectors = np.empty((*shape, stack.size), dtype=complex)
        return cls(np.empty(shape, dtype=complex), np.empty(shape), vectors, np.empty(shape, dtype=bool))

    def put(self, points: slice | Integers, found: States) -> None:
        """Store a chunk."""
        for item in fields(self):
            store = getattr(self, item.name)
            store[:, points] = getattr(found, item.name).reshape(2, -1, *store.shape[2:])

    def modes(self, lead: Lead | FoldedLead, shape: tuple[int, ...], retried: Bools) -> Modes:
        """Modes with the batch shape, and the axis of folded k∥ for folded leads only."""
        inner = self.bloch.shape[2 if isinstance(lead, FoldedLead) else 3 :]
        n = inner[-1]
        right, left = (
            Waves(
                self.bloch[i].reshape(*shape, *inner),
                self.velocity[i].reshape(*shape, *inner),
                self.vectors[i].reshape(*shape, *inner, n),
                self.propagating[i].reshape(*shape, *inner),
            )
            for i in (0, 1)
        )
        return Modes(right, left, retried.reshape(shape))


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
        If neither solver finds as many modes to the right as to the left; the message names the point.
    """
    stack, flat, shape = _points(lead, omega)
    table = ModeTable.empty(flat.size, stack)
    retried = np.zeros(flat.size, dtype=bool)
    for part, found, again in _all_states(stack, flat):
        table.put(part, found)
        retried[part] = again
    return table.modes(lead, shape, retried)


def channels(lead: Lead | FoldedLead, omega: ArrayLike) -> Integers:
    """Count the propagating modes of a lead in each direction.

    Parameters
    ----------
    lead : Lead or FoldedLead
        The periodic stack; its leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.

    Returns
    -------
    (...) int ndarray
        Count; for a folded lead the sum over its folded k∥.

    Raises
    ------
    InputError, ConvergenceError
        As :func:`lead_modes`.
    """
    stack, flat, shape = _points(lead, omega)
    count = np.empty(flat.size, dtype=np.int64)
    for part, found, _ in _all_states(stack, flat):
        count[part] = found.propagating[0].reshape(-1, stack.folded * stack.size).sum(-1)
    return count.reshape(shape)


def _points(lead: Lead | FoldedLead, omega: ArrayLike) -> tuple[Stack, Floats, tuple[int, ...]]:
    """Prepare a lead: its stack, ω of all points in a flat array, and the batch shape."""
    w = angular_frequencies(omega)
    shape = points_shape(w, *lead.leading)
    return Stack.of(lead, shape), np.broadcast_to(w, shape).reshape(-1), shape


def _all_states(stack: Stack, omega: Floats) -> Iterator[tuple[slice, States, Bools]]:
    """States of all points in chunks, and which of them the fallback solver had to solve."""
    for part in chunks(omega.size, stack.bytes_per_point):
        omega2 = omega[part] ** 2
        found = states(stack, part, omega2, "fast")

        def fallback(
            number: Integers, start: int = part.start, omega2: Floats = omega2
        ) -> tuple[States, Floats]:
            better = states(stack, number + start, omega2[number], "fallback")
            return better, _unpaired(better, 1)

        def put(number: Integers, better: States, found: States = found) -> None:
            folded = better.sound.size
            found.replace(np.repeat(np.arange(found.sound.size // folded) == number[0], folded), better)

        def refusal(number: int, _: float, start: int = part.start) -> str:
            point = start + number
            return (
                f"at point {point} of the batch (omega = {omega[point]:.12g} rad/ps) a lead has not as many "
                "modes to the right as to the left, by the fast and by the fallback solver; move omega by a "
                "relative 1e-9 off the band edge, or check that the blocks are Hermitian"
            )

        yield part, found, with_fallback(_unpaired(found, omega2.size), fallback, put, refusal)


def _unpaired(found: States, points: int) -> Floats:
    """0 where modes pair, infinite where they do not, (points,)."""
    return np.where(found.sound.reshape(points, -1).all(-1), 0.0, np.inf)
