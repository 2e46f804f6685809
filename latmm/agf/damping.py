"""Scattering at a device that absorbs: damping of its degrees of freedom, harmonic leads.

A damped degree of freedom loses energy at the rate γ (ps⁻¹), as under a force −γ u̇. Its self-energy is −iωγ
and its broadening Γ_i = 2ωγ_i, so that D ← D − iωγ on the diagonal. With G = −D⁻¹, W W† = Γ and X of a lead
as in :mod:`latmm.agf.elimination`, and the field of an incoming wave ψ = iGWX,

    S = W†ψ − X,                  what is absorbed from it       a_i = 2ωγ_i |ψ_i|²,
    e_i = 2ωγ_i |(W†G)_i|²        is emitted into outgoing waves, P_ij = 2ωγ_i 2ωγ_j |G_ij|² exchanged.

Kirchhoff's law takes the place of unitarity, for every incoming and every outgoing wave:

    Σ_o |S_oi|² + Σ_j a_ji = 1,   Σ_i |S_oi|² + Σ_j e_oj = 1.

Degrees of freedom are gathered into nodes, each with one temperature. Absorption at −k∥ is emission at k∥
(reciprocity). All layers are inverted at once: the exchange needs all pairs.

Sources: M. Büttiker, Phys. Rev. B 33, 3020 (1986) [from memory], for electrons; the identities follow from
G − G† = −iG(Γ_L + Γ_R + 2ωγ)G† and are checked at every point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import adjoint, angular_frequencies, chunks, points_shape
from latmm.agf.bloch import solve
from latmm.agf.elimination import surface_block
from latmm.agf.junction import Junction, Prepared
from latmm.agf.modes import Modes, ModeTable
from latmm.agf.retry import LIMIT, with_fallback
from latmm.agf.scattering import Ends
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import InputError

__all__ = ["Dissipation", "dissipate"]


@dataclass(frozen=True)
class Dissipation:
    """Probabilities between the modes of both leads and the nodes of a damped device.

    Channels are the left lead's n_left modes and then the right lead's n_right, counted as in
    :class:`~latmm.agf.scattering.Scattering`: incoming ``left.right`` and ``right.left``, outgoing
    ``left.left`` and ``right.right``. Where a mode does not propagate, entries are 0. The first axis is that
    of the damping's alternatives.

    Attributes
    ----------
    left, right : Modes
        Modes of both leads.
    scattered : (A, ..., n, n) float
        |S_oi|², n = n_left + n_right.
    absorbed : (A, ..., L, n) float
        a: of an incoming wave at each node.
    emitted : (A, ..., n, L) float
        e: from each node into an outgoing wave.
    exchanged : (A, ..., L, L) float
        P between nodes; within a node on the diagonal.
    kirchhoff : (...) float
        Largest departure of both sums from 1.
    retried : (...) bool
        Points that the fallback solver had to solve.
    """

    left: Modes
    right: Modes
    scattered: Floats
    absorbed: Floats
    emitted: Floats
    exchanged: Floats
    kirchhoff: Floats
    retried: Bools


@dataclass(frozen=True)
class _Damping:
    """Rates of all degrees of freedom of the device, (A, P, m), and what is in a node, (L, m)."""

    rates: Floats
    nodes: Floats


@dataclass(frozen=True)
class _Solved:
    """A set of p points, in the columns of the leads' ports."""

    ends: Ends
    scattered: Floats
    absorbed: Floats
    emitted: Floats
    exchanged: Floats
    kirchhoff: Floats
    error: Floats


def dissipate(
    junction: Junction, omega: ArrayLike, rates: Sequence[ArrayLike], nodes: Sequence[ArrayLike]
) -> Dissipation:
    """Scattering, absorption and emission of a device whose degrees of freedom are damped.

    Parameters
    ----------
    junction : Junction
        Leads and device of at least one layer; leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.
    rates : sequence of (A, ..., m_l) array_like
        γ ≥ 0 of the degrees of freedom of each device layer, ps⁻¹, for A alternatives, e.g. temperatures;
        inner axes broadcast to the batch shape.
    nodes : sequence of (m_l,) array_like of int
        Node of each degree of freedom; −1 for none, which must have no rate.

    Returns
    -------
    Dissipation

    Raises
    ------
    InputError
        If ω is not positive, a rate is negative, or shapes do not fit.
    ConvergenceError
        If a point misses Kirchhoff's sums by both solvers; the message names it.
    """
    w = angular_frequencies(omega)
    prepared = Prepared.of(junction, points_shape(w, *junction.leading))
    shape, flat = prepared.shape, np.broadcast_to(w, prepared.shape).reshape(-1)
    damping = _damping(junction, shape, rates, nodes)
    sizes = (prepared.left.folded * prepared.left.size, prepared.right.folded * prepared.right.size)
    recorder = _Recorder.of(prepared, flat.size, damping)
    for part in chunks(flat.size, prepared.lead_bytes, prepared.run):
        every = np.arange(part.start, part.stop)
        ends = Ends.of(prepared, every, flat[every] ** 2, "fast")
        for some in chunks(every.size, 16 * 6 * (sum(sizes) + damping.nodes.shape[1]) ** 2, prepared.run):
            _solve_some(prepared, recorder, every[some], flat, damping, ends.part(some))
    left, right = (
        table.modes(lead, shape, recorder.retried.reshape(shape))
        for lead, table in zip((junction.left, junction.right), recorder.modes, strict=True)
    )
    scattered, absorbed, emitted, exchanged = (
        store.reshape(len(store), *shape, *store.shape[2:]) for store in recorder.stores
    )
    kirchhoff, retried = recorder.kirchhoff.reshape(shape), recorder.retried.reshape(shape)
    return Dissipation(left, right, scattered, absorbed, emitted, exchanged, kirchhoff, retried)


@dataclass(frozen=True)
class _Recorder:
    """Results of all points in flat arrays; ``stores`` as in :class:`Dissipation`."""

    stores: tuple[Floats, ...]
    kirchhoff: Floats
    retried: Bools
    modes: tuple[ModeTable, ModeTable]
    sizes: tuple[int, int]

    @classmethod
    def of(cls, prepared: Prepared, points: int, damping: _Damping) -> "_Recorder":
        """Room for the results of all points."""
        left, right = (lead.folded * lead.size for lead in (prepared.left, prepared.right))
        n, nodes = left + right, len(damping.nodes)
        shapes = (n, n), (nodes, n), (n, nodes), (nodes, nodes)
        return cls(
            tuple(np.zeros((len(damping.rates), points, *shape)) for shape in shapes),
            np.zeros(points),
            np.zeros(points, dtype=bool),
            (ModeTable.empty(points, prepared.left), ModeTable.empty(points, prepared.right)),
            (left, right),
        )

    def put(self, points: Integers, solved: _Solved) -> None:
        """Store a set of points."""
        ports = solved.ends.left, solved.ends.right
        # the mode behind each column; beyond all modes where a column is no channel
        mode = np.concatenate(
            [
                np.where(port.mask, port.order + first, sum(self.sizes))
                for port, first in zip(ports, (0, self.sizes[0]), strict=True)
            ],
            -1,
        )
        place = (mode[..., None] == np.arange(sum(self.sizes))).astype(float)  # (p, columns, modes)
        back = place.swapaxes(-1, -2)
        found = (
            back @ solved.scattered @ place,
            solved.absorbed @ place,
            back @ solved.emitted,
            solved.exchanged,
        )
        for store, full in zip(self.stores, found, strict=True):
            store[:, points] = full
        self.kirchhoff[points] = solved.kirchhoff
        for table, states in zip(self.modes, solved.ends.found, strict=True):
            table.put(points, states)


def _solve_some(
    prepared: Prepared, recorder: _Recorder, points: Integers, omega: Floats, damping: _Damping, ends: Ends
) -> None:
    """Solve and store one chunk of points, whose leads are solved."""
    solved = _solve(prepared, points, omega, damping, ends)
    recorder.put(points, solved)

    def fallback(number: Integers) -> tuple[_Solved, Floats]:
        point = points[number]
        ends = Ends.of(prepared, point, omega[point] ** 2, "fallback")
        better = _solve(prepared, point, omega, damping, ends)
        return better, better.error

    def put(number: Integers, better: _Solved) -> None:
        recorder.put(points[number], better)

    def refusal(number: int, left_over: float) -> str:
        return (
            f"scattering at point {points[number]} of the batch (omega = "
            f"{omega[points[number]]:.12g} rad/ps) misses Kirchhoff's sums by "
            f"{solved.error[number]:.2g}, and by {left_over:.2g} by the fallback "
            f"solver, above {LIMIT:g}; move omega by a relative 1e-9 off the band edge"
        )

    recorder.retried[points] = with_fallback(solved.error, fallback, put, refusal)


def _damping(
    junction: Junction, shape: tuple[int, ...], rates: Sequence[ArrayLike], nodes: Sequence[ArrayLike]
) -> _Damping:
    """Check the damping and join it to arrays over all device layers."""
    sizes = [block.shape[-1] for block in junction.onsite]
    labels = [np.asarray(label) for label in nodes]
    given = [np.asarray(rate, dtype=float) for rate in rates]
    if not sizes or [label.shape for label in labels] != [(m,) for m in sizes] or len(given) != len(sizes):
        raise InputError(
            f"`rates` and `nodes` must be given for each of the device layers of {sizes} degrees of freedom, "
            f"but there are {len(given)} rates and nodes of shapes {[label.shape for label in labels]}"
        )
    label = np.concatenate(labels).astype(np.int64)
    try:
        alternatives = {rate.shape[0] for rate in given}
        (number,) = alternatives
        full = [
            np.broadcast_to(rate, (number, *shape, m)).reshape(number, -1, m)
            for rate, m in zip(given, sizes, strict=True)
        ]
    except (ValueError, IndexError):
        raise InputError(
            f"`rates` must be (alternatives, *{shape}, m_l) or broadcast to it, but are "
            f"{[rate.shape for rate in given]}"
        ) from None
    joined = np.concatenate(full, -1)
    if not np.all(np.isfinite(joined) & (joined >= 0.0)):
        raise InputError("`rates` must be finite numbers ≥ 0 in ps⁻¹")
    if np.any(joined[..., label < 0] > 0.0):
        raise InputError("a degree of freedom that belongs to no node (−1) must have rate 0")
    return _Damping(joined, (np.arange(label.max(initial=-1) + 1)[:, None] == label).astype(float))


def _solve(prepared: Prepared, points: Integers, omega: Floats, damping: _Damping, ends: Ends) -> _Solved:
    """Invert the device at p points for each alternative of the damping."""
    w = omega[points]
    plain = _whole(prepared, points, w**2, ends)
    start = plain.shape[-1] - ends.right.root.shape[-2]
    first = ends.left.root.shape[-2]
    inside = np.arange(first, start)
    mask = np.concatenate([ends.left.mask, ends.right.mask], -1)
    x = _both(ends.left.incoming, ends.right.incoming)
    results = []
    worst = np.zeros(points.size)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # not finite is an infinite error
        for rates in damping.rates[:, points]:
            d = plain.copy()
            d[:, inside, inside] -= 1j * w[:, None] * rates
            g = -solve(d, np.broadcast_to(np.eye(d.shape[-1]), d.shape))
            into = np.concatenate(
                [g[..., :first] @ ends.left.root, g[..., start:] @ ends.right.root], -1
            )  # G W
            out = np.concatenate(
                [adjoint(ends.left.root) @ g[:, :first], adjoint(ends.right.root) @ g[:, start:]], -2
            )  # W†G
            psi = 1j * into @ x
            back = [
                adjoint(ends.left.root) @ psi[:, :first],
                adjoint(ends.right.root) @ psi[:, start:],
            ]
            s = np.concatenate(back, -2) - x
            broadening = 2.0 * w[:, None] * rates
            absorbed = damping.nodes @ (broadening[:, :, None] * _square(psi[:, inside]))
            emitted = (_square(out[..., inside]) * broadening[:, None, :]) @ damping.nodes.T
            pairs = broadening[:, :, None] * _square(g[:, inside[:, None], inside]) * broadening[:, None, :]
            exchanged = damping.nodes @ pairs @ damping.nodes.T
            scattered = _square(s)
            sums = scattered.sum(-2) + absorbed.sum(-2), scattered.sum(-1) + emitted.sum(-1)
            missing = np.abs(np.stack(sums) - mask).max((0, -1), initial=0.0)
            sound = np.isfinite(missing) & np.isfinite(exchanged).all((-2, -1))
            worst = np.maximum(worst, np.where(sound, missing, np.inf))
            results.append((scattered, absorbed, emitted, exchanged))
    scattered, absorbed, emitted, exchanged = (np.stack(part) for part in zip(*results, strict=True))
    error = np.maximum(worst, ends.miss)
    error = np.where(np.isfinite(error), error, np.inf)
    return _Solved(ends, scattered, absorbed, emitted, exchanged, worst, error)


def _square(z: Complexes) -> Floats:
    return np.asarray(z.real**2 + z.imag**2)


def _both(left: Complexes, right: Complexes) -> Complexes:
    """Block-diagonal matrix (p, a + b, a + b) of (p, a, a) and (p, b, b)."""
    a, b = left.shape[-1], right.shape[-1]
    found = np.zeros((len(left), a + b, a + b), dtype=complex)
    found[:, :a, :a], found[:, a:, a:] = left, right
    return found


def _whole(prepared: Prepared, points: Integers, omega2: Floats, ends: Ends) -> Complexes:
    """D of both surface layers and all device layers without damping, (p, m, m)."""
    sizes = [
        prepared.left.folded * prepared.left.size,
        *(block.rows.shape[-1] for block in prepared.onsite),
        prepared.right.folded * prepared.right.size,
    ]
    edges = np.concatenate([[0], np.cumsum(sizes)])
    d = np.zeros((points.size, edges[-1], edges[-1]), dtype=complex)
    layers = [slice(a, b) for a, b in pairwise(edges)]
    for here, block, massless in zip(layers[1:-1], prepared.onsite, prepared.massless, strict=True):
        d[:, here, here] = block.at(points)
        inside = np.arange(here.start, here.stop - massless)
        d[:, inside, inside] -= omega2[:, None]
    for (here, there), forth, back in zip(pairwise(layers), prepared.hopping, prepared.back, strict=True):
        d[:, here, there], d[:, there, here] = forth.at(points), back.at(points)
    for here, port in ((layers[0], ends.left), (layers[-1], ends.right)):
        surface = surface_block(port, omega2)
        n = surface.shape[-1]
        for cell in range(surface.shape[1]):
            rows = slice(here.start + cell * n, here.start + (cell + 1) * n)
            d[:, rows, rows] = surface[:, cell]
    return d
