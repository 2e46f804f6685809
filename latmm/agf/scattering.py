"""The scattering matrix of a junction between flux-normalised Bloch modes.

A wave u of unit flux comes in; with G = (ω² − H − Σ)⁻¹ the displacements of the surface layers and of
everything between are
ψ = i G Γ u. The amplitude of an outgoing mode u' of unit flux in a field ψ of outgoing states is u'†Γψ,
because the
flux form vanishes between all other states. Hence

    t = i U_out† Γ_R G Γ_L U_in,      r = U_out† Γ_L (i G Γ_L − 1) U_in,

T = Σ|t|², and by an independent route, which knows no mode, Caroli's T = Tr[Γ_R G Γ_L' G†]: Γ_L' = i(Σ' −
Σ'†) is the broadening
that the left lead *and the device* cause on the right lead's first layer.

G is taken by block elimination along +z, starting at the left lead's last layer with its Σ inside, so that
no real pole
is met: one factorisation, one solve and one product a layer, and memory that does not grow with the number
of layers.

Sources: D. S. Fisher and P. A. Lee, Phys. Rev. B 23, 6851 (1981); C. Caroli et al., J. Phys. C 4, 916
(1971); P. A. Khomyakov et al.,
Phys. Rev. B 72, 035450 (2005).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import Gathered, angular_frequencies, chunks, gather, points_shape
from latmm.agf.bloch import solve
from latmm.agf.junction import Junction
from latmm.agf.leads import FoldedLead, Lead, Modes, Stack, States, Waves, states, surface
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import ConvergenceError

__all__ = ["Scattering", "Totals", "scatter", "transmission"]

UNITARITY = 1e-8
"""Largest |S†S − 1| that is accepted from the fast route; beyond it a point is solved again with care."""
UNITARITY_LIMIT = 1e-7
"""Largest |S†S − 1| that is accepted at all."""


@dataclass(frozen=True)
class Totals:
    """Sums over modes, with the checks of each point. All arrays have the batch shape of the junction and ω.

    Attributes
    ----------
    transmission : (...) float
        T = Σ|t|² over all pairs of modes.
    caroli : (...) float
        The same by Caroli's trace.
    channels_left, channels_right : (...) int
        Propagating modes of each lead in each direction.
    unitarity : (...) float
        max |S†S − 1|.
    reciprocity : (...) float
        |T from the left − T from the right|.
    resolved : (...) bool
        Points that the second, more careful route had to solve.
    """

    transmission: Floats
    caroli: Floats
    channels_left: Integers
    channels_right: Integers
    unitarity: Floats
    reciprocity: Floats
    resolved: Bools


@dataclass(frozen=True)
class Scattering:
    """The scattering matrix and the modes it connects.

    Modes are in the order of :class:`~latmm.agf.leads.Waves`; those of a folded lead are counted g n +
    mode, g the folded k∥. Incoming are
    ``left.right`` and ``right.left``, outgoing ``left.left`` and ``right.right``. Amplitudes refer to the
    left lead's last layer and the
    right lead's first layer. Where a mode does not propagate, entries are 0.

    Attributes
    ----------
    left, right : Modes
        Modes of both leads.
    transmitted_left : (..., n_right, n_left) complex
        t: right lead's right-going ← left lead's right-going.
    reflected_left : (..., n_left, n_left) complex
        r: left lead's left-going ← left lead's right-going.
    transmitted_right : (..., n_left, n_right) complex
        t': left lead's left-going ← right lead's left-going.
    reflected_right : (..., n_right, n_right) complex
        r': right lead's right-going ← right lead's left-going.
    totals : Totals
        Sums over modes and the checks.
    """

    left: Modes
    right: Modes
    transmitted_left: Complexes
    reflected_left: Complexes
    transmitted_right: Complexes
    reflected_right: Complexes
    totals: Totals

    @property
    def transmissivity_left(self) -> Floats:
        """Transmissivity of each mode that comes in from the left, (..., n_left)."""
        return np.asarray((np.abs(self.transmitted_left) ** 2).sum(-2))

    @property
    def transmissivity_right(self) -> Floats:
        """Transmissivity of each mode that comes in from the right, (..., n_right)."""
        return np.asarray((np.abs(self.transmitted_right) ** 2).sum(-2))


@dataclass(frozen=True)
class Prepared:
    """A junction made ready for points: what does not depend on ω, computed once for each k∥."""

    left: Stack
    right: Stack
    onsite: tuple[Gathered, ...]
    hopping: tuple[Gathered, ...]
    folded: tuple[int, int]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, junction: Junction, omega: Floats) -> "Prepared":
        """Outer hoppings go to the basis of folded k∥, where the lead's layers are block diagonal."""
        shape = points_shape(omega, *junction.leading)
        hopping = list(junction.hopping)
        if isinstance(junction.left, FoldedLead):
            hopping[0] = junction.left.matrix.conj().swapaxes(-1, -2) @ hopping[0]
        if isinstance(junction.right, FoldedLead):
            hopping[-1] = hopping[-1] @ junction.right.matrix
        stacks, folded = [], []
        for lead in (junction.left, junction.right):
            blocks = (lead.onsite, lead.hopping)
            if isinstance(lead, Lead):
                blocks = (lead.onsite[..., None, :, :], lead.hopping[..., None, :, :])
            stacks.append(Stack.prepare(*blocks, shape, 3))
            folded.append(blocks[0].shape[-3])
        return cls(
            stacks[0],
            stacks[1],
            tuple(gather(np.asarray(b, dtype=complex), shape, 2) for b in junction.onsite),
            tuple(gather(np.asarray(b, dtype=complex), shape, 2) for b in hopping),
            (folded[0], folded[1]),
            shape,
        )

    @property
    def bytes_per_point(self) -> int:
        """Working memory of one point of the S-matrix kernel."""
        largest = max(b.rows.shape[-1] for b in (*self.onsite, *self.hopping))
        largest = max(largest, self.hopping[0].rows.shape[-2])
        inner = max(self.left.h0.rows.shape[-1] * self.hopping[0].rows.shape[-2], largest)
        return 16 * 10 * largest**2 + 16 * 40 * inner


@dataclass(frozen=True)
class Port:
    """One lead's side of the scattering problem, at p points, in the basis of folded k∥.

    ``h0_sigma`` (p, N, n, n): H₀ + Σ; ``gamma`` (p, N, n, n); ``source`` (p, N n, c) = Γ U_in; ``probe``
    (p, c, N n) = U_out† Γ;
    ``direct`` (p, c, c) = U_out† Γ U_in; ``order_in``, ``order_out`` (p, c): the modes behind the columns;
    ``mask`` (p, c); ``count`` (p,).
    """

    h0_sigma: Complexes
    gamma: Complexes
    source: Complexes
    probe: Complexes
    direct: Complexes
    order_in: Integers
    order_out: Integers
    mask: Bools
    count: Integers


def port(stack: Stack, points: slice | Integers, found: States, side: int) -> Port:
    """Self-energy, sources and probes of one lead; ``side`` 0: the right half-space, 1: the left one."""
    h0, h1 = stack.h0.at(points), stack.h1.at(points)
    p, folded, n, _ = h0.shape
    sigma = surface(h1.reshape(-1, n, n), found, side).reshape(h0.shape)
    gamma = 1j * (sigma - sigma.conj().swapaxes(-1, -2))
    vectors = (found.vectors * found.propagating[..., None, :]).reshape(2, p, folded, n, n)
    outgoing, incoming = vectors[side], vectors[1 - side]
    propagating = found.propagating.reshape(2, p, folded * n)
    count = propagating[0].sum(-1)
    width = int(count.max(initial=0))
    order_out, order_in = (
        np.argsort(~propagating[i], axis=-1, kind="stable")[:, :width] for i in (side, 1 - side)
    )
    u_in = _columns(incoming, order_in)
    source = (gamma @ u_in.reshape(p, folded, n, width)).reshape(p, folded * n, width)
    u_out = _columns(outgoing, order_out)
    probe = (gamma @ u_out.reshape(p, folded, n, width)).reshape(p, folded * n, width).conj().swapaxes(-1, -2)
    mask = np.arange(width) < count[:, None]
    return Port(h0 + sigma, gamma, source, probe, probe @ u_in, order_in, order_out, mask, count)


def _columns(blocks: Complexes, order: Integers) -> Complexes:
    """Chosen columns, (p, N n, c), of the block-diagonal matrix of blocks (p, N, n, n)."""
    p, folded, n, _ = blocks.shape
    if folded == 1:
        return blocks[:, 0, :, : order.shape[1]]  # propagating modes come first
    chosen = np.zeros((p, folded, n, order.shape[1]), dtype=complex)
    row, column = np.arange(p)[:, None], np.arange(order.shape[1])
    chosen[row, order // n, :, column] = blocks[row, order // n, :, order % n]
    return chosen.reshape(p, folded * n, -1)


@dataclass(frozen=True)
class Amplitudes:
    """S at p points between the propagating modes only, and Caroli's trace. Names as in
    :class:`Scattering`.
    """

    t_left: Complexes
    r_left: Complexes
    t_right: Complexes
    r_right: Complexes
    caroli: Floats

    def unitarity(self, left: Bools, right: Bools) -> Floats:
        """Max |S†S − 1| of each point; infinite where S is not finite."""
        s = np.concatenate(
            [
                np.concatenate([self.r_left, self.t_right], -1),
                np.concatenate([self.t_left, self.r_right], -1),
            ],
            -2,
        )
        if s.shape[-1] == 0:
            return np.where(np.isfinite(self.caroli), 0.0, np.inf)
        one = np.concatenate([left, right], -1)[..., None] * np.eye(s.shape[-1])
        worst = np.abs(s.conj().swapaxes(-1, -2) @ s - one).max((-2, -1))
        return np.where(np.isfinite(worst) & np.isfinite(self.caroli), worst, np.inf)


def amplitudes(
    prepared: Prepared, points: slice | Integers, omega2: Floats, left: Port, right: Port
) -> Amplitudes:
    """Block elimination from the left lead to the right one, carrying sources and probes along.

    Parameters
    ----------
    prepared : Prepared
        The junction.
    points : slice or (p,) int
        Which points.
    omega2 : (p,) float
        ω² of the points, (rad/ps)².
    left, right : Port
        The leads' sides.

    Returns
    -------
    Amplitudes
        Between propagating modes.
    """
    p, folded, n, _ = left.gamma.shape
    hop = prepared.hopping[0].at(points)
    width = hop.shape[-1]
    rhs = np.concatenate([hop, left.source], -1)
    a = omega2[:, None, None, None] * np.eye(n) - left.h0_sigma
    x = solve(a, rhs.reshape(p, folded, n, -1)).reshape(rhs.shape)
    source, probe = left.source, left.probe
    returned = np.zeros_like(left.direct)
    blocks = [*zip(prepared.onsite, prepared.hopping[1:], strict=True)]
    for onsite, following in blocks:
        returned, probe, source, swept = _pass(x, width, returned, probe, hop)
        hop = following.at(points)
        width = hop.shape[-1]
        h = onsite.at(points)
        a = omega2[:, None, None] * np.eye(h.shape[-1]) - h - swept
        x = solve(a, np.concatenate([hop, source], -1))
    returned, probe, source, swept = _pass(x, width, returned, probe, hop)
    a = -swept
    last, m = right.gamma.shape[1], right.gamma.shape[-1]
    diagonal = a.reshape(p, last, m, last, m)
    every = np.arange(last)
    inner = omega2[:, None, None, None] * np.eye(m) - right.h0_sigma
    diagonal[:, every, :, every, :] += inner.swapaxes(0, 1)
    g = solve(a, np.broadcast_to(np.eye(last * m), a.shape))
    broadening = 1j * (swept - swept.conj().swapaxes(-1, -2))
    shown = (right.gamma @ g.reshape(p, last, m, -1)).reshape(g.shape)
    caroli = np.einsum("pij,pij->p", shown, (g @ broadening).conj()).real
    from_left, from_right = g @ source, g @ right.source
    return Amplitudes(
        1j * right.probe @ from_left,
        1j * (returned + probe @ from_left) - left.direct,
        1j * probe @ from_right,
        1j * right.probe @ from_right - right.direct,
        caroli,
    )


def _pass(
    x: Complexes, width: int, returned: Complexes, probe: Complexes, hop: Complexes
) -> tuple[Complexes, Complexes, Complexes, Complexes]:
    """Hand a layer over to the next: what has come back, the probe and source seen from there, and its
    self-energy.
    """
    field, link = x[..., width:], x[..., :width]
    carried = hop.conj().swapaxes(-1, -2) @ x
    return returned + probe @ field, probe @ link, carried[..., width:], carried[..., :width]


@dataclass(frozen=True)
class Solved:
    """A chunk of points with S, both ports and the modes of both leads."""

    left: Port
    right: Port
    found: tuple[States, States]
    s: Amplitudes
    unitarity: Floats


def solve_points(prepared: Prepared, points: slice | Integers, omega: Floats, careful: bool) -> Solved:
    """S at the chosen points by the fast or the careful route, with its unitarity; unsound points have
    infinite unitarity.
    """
    omega2 = omega**2
    found = (states(prepared.left, points, omega2, careful), states(prepared.right, points, omega2, careful))
    left, right = port(prepared.left, points, found[0], 1), port(prepared.right, points, found[1], 0)
    s = amplitudes(prepared, points, omega2, left, right)
    sound = np.logical_and.reduce([f.sound.reshape(omega.size, -1).all(-1) for f in found])
    return Solved(left, right, found, s, np.where(sound, s.unitarity(left.mask, right.mask), np.inf))


class Recorder:
    """Collects the results of all chunks in flat arrays."""

    def __init__(self, points: int, inner: tuple[tuple[int, int], tuple[int, int]], full: bool) -> None:
        size = [folded * n for folded, n in inner]
        self.inner = inner
        self.totals = {
            name: np.zeros(points) for name in ("transmission", "caroli", "unitarity", "reciprocity")
        }
        self.totals |= {
            name: np.zeros(points, dtype=np.int64) for name in ("channels_left", "channels_right")
        }
        self.totals["resolved"] = np.zeros(points, dtype=bool)
        self.full = full
        if full:
            shapes = {"t_left": (1, 0), "r_left": (0, 0), "t_right": (0, 1), "r_right": (1, 1)}
            self.s = {k: np.zeros((points, size[o], size[i]), dtype=complex) for k, (o, i) in shapes.items()}
            self.modes = [
                {
                    "bloch": np.empty((2, points, m), dtype=complex),
                    "velocity": np.empty((2, points, m)),
                    "vectors": np.empty((2, points, m, n), dtype=complex),
                    "propagating": np.empty((2, points, m), dtype=bool),
                }
                for m, (_, n) in zip(size, inner, strict=True)
            ]

    def put(self, points: slice | Integers, solved: Solved, resolved: bool) -> None:
        """Store a chunk."""
        left, right, s = solved.left, solved.right, solved.s
        forward, backward = (np.abs(t) ** 2 for t in (s.t_left, s.t_right))
        self.totals["transmission"][points] = forward.sum((-2, -1))
        self.totals["reciprocity"][points] = np.abs(forward.sum((-2, -1)) - backward.sum((-2, -1)))
        self.totals["caroli"][points] = s.caroli
        self.totals["unitarity"][points] = solved.unitarity
        self.totals["channels_left"][points], self.totals["channels_right"][points] = left.count, right.count
        self.totals["resolved"][points] = resolved
        if not self.full:
            return
        ports = (left, right)
        where = np.arange(self.totals["resolved"].size)[points][:, None, None]
        for name, (o, i) in {
            "t_left": (1, 0),
            "r_left": (0, 0),
            "t_right": (0, 1),
            "r_right": (1, 1),
        }.items():
            self.s[name][where, ports[o].order_out[:, :, None], ports[i].order_in[:, None, :]] = getattr(
                s, name
            )
        for modes, found in zip(self.modes, solved.found, strict=True):
            for name, store in modes.items():
                store[:, points] = getattr(found, name).reshape(2, -1, *store.shape[2:])


def _run(junction: Junction, omega: ArrayLike, full: bool) -> tuple[Recorder, tuple[int, ...]]:
    """Solve all points in chunks; points that miss their limit again, by the careful route."""
    w = angular_frequencies(omega)
    prepared = Prepared.of(junction, w)
    flat = np.broadcast_to(w, prepared.shape).reshape(-1)
    inner = tuple(
        (f, s.h0.rows.shape[-1])
        for f, s in zip(prepared.folded, (prepared.left, prepared.right), strict=True)
    )
    recorder = Recorder(flat.size, (inner[0], inner[1]), full)
    for part in chunks(flat.size, prepared.bytes_per_point):
        solved = solve_points(prepared, part, flat[part], careful=False)
        recorder.put(part, solved, False)
        again = np.flatnonzero(~(solved.unitarity <= UNITARITY)) + part.start
        for point in again:
            _solve_again(prepared, recorder, int(point), flat)
    return recorder, prepared.shape


def _solve_again(prepared: Prepared, recorder: Recorder, point: int, omega: Floats) -> None:
    """Second route for one point, with the better of both results kept; refuse what neither route can
    solve.
    """
    solved = solve_points(prepared, np.array([point]), omega[point : point + 1], careful=True)
    if not solved.unitarity[0] <= UNITARITY_LIMIT:
        raise ConvergenceError(
            f"scattering at point {point} of the batch (omega = {omega[point]:.12g} rad/ps) misses "
            f"unitarity by "
            f"{solved.unitarity[0]:.3g}, above {UNITARITY_LIMIT:g}, also by the careful route; "
            "move omega by a relative 1e-9 off the band edge or resonance, or check the blocks"
        )
    recorder.put(np.array([point]), solved, True)


def transmission(junction: Junction, omega: ArrayLike) -> Totals:
    """Transmission function and channels: the light path for sweeps, which stores no mode.

    Parameters
    ----------
    junction : Junction
        Leads and device; leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.

    Returns
    -------
    Totals
        Arrays of the batch shape.

    Raises
    ------
    InputError
        If ω is not positive or the leading axes do not broadcast.
    ConvergenceError
        If a point misses unitarity by both routes; the message names it.
    """
    recorder, shape = _run(junction, omega, full=False)
    return Totals(**{name: value.reshape(shape) for name, value in recorder.totals.items()})


def scatter(junction: Junction, omega: ArrayLike) -> Scattering:
    """The full scattering matrix between all Bloch modes of both leads.

    Parameters
    ----------
    junction : Junction
        Leads and device; leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.

    Returns
    -------
    Scattering
        Amplitudes for incidence from both sides, modes, totals and checks.

    Raises
    ------
    InputError
        If ω is not positive or the leading axes do not broadcast.
    ConvergenceError
        If a point misses unitarity by both routes; the message names it.
    """
    recorder, shape = _run(junction, omega, full=True)
    totals = Totals(**{name: value.reshape(shape) for name, value in recorder.totals.items()})
    leads = []
    for lead, modes, (folded, n) in zip(
        (junction.left, junction.right), recorder.modes, recorder.inner, strict=True
    ):
        inner = (folded, n) if isinstance(lead, FoldedLead) else (n,)
        waves = [
            Waves(
                modes["bloch"][i].reshape(*shape, *inner),
                modes["velocity"][i].reshape(*shape, *inner),
                modes["vectors"][i].reshape(*shape, *inner, n),
                modes["propagating"][i].reshape(*shape, *inner),
            )
            for i in (0, 1)
        ]
        leads.append(Modes(waves[0], waves[1], totals.resolved))
    s = {name: value.reshape(*shape, *value.shape[1:]) for name, value in recorder.s.items()}
    return Scattering(leads[0], leads[1], s["t_left"], s["r_left"], s["t_right"], s["r_right"], totals)
