"""The scattering matrix of a junction between flux-normalised Bloch modes.

A wave u of unit flux comes in; with G = (ω² − H − Σ)⁻¹ the surface layers and everything between move by
ψ = i G Γ u. The amplitude of an outgoing mode u' of unit flux in a field ψ of outgoing states is u'†Γψ,
because the flux form vanishes between all other states. Hence

    t = i U_out† Γ_R G Γ_L U_in,      r = U_out† Γ_L (i G Γ_L − 1) U_in,

and T = Σ|t|². By a second route, which knows no outgoing mode, Caroli's T = Tr[Γ_L G† Γ_R' G], where
Γ_R' = i(Σ' − Σ'†) is the broadening that the right lead *and the device* cause on the layer where the
elimination ends.

At every point S†S = 1 and the agreement of both T are checked. A point that misses is solved again by the
fallback solver (:mod:`latmm.agf.fallback`) and marked; if that misses too, an error names it.

Sources: D. S. Fisher and P. A. Lee, Phys. Rev. B 23, 6851 (1981); C. Caroli et al., J. Phys. C 4, 916
(1971); P. A. Khomyakov et al., Phys. Rev. B 72, 035450 (2005).
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import angular_frequencies, chunks, points_shape
from latmm.agf.bloch import Solver
from latmm.agf.elimination import Amplitudes, Port, amplitudes, port
from latmm.agf.junction import Junction, Prepared
from latmm.agf.modes import Modes, ModeTable, States, states
from latmm.agf.retry import LIMIT, with_fallback
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["Scattering", "Totals", "scatter", "transmission"]

MENDED = 1e-3
"""Weight in the error of what :class:`~latmm.agf.elimination.Port` found missing in the flux and mended:
rounding at a band edge leaves less than 1e-5, a lost mode leaves 1."""


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
        max |S†S − 1|; if only sums are asked, of the columns of incidence from the left.
    reciprocity : (...) float
        |T from the left − T from the right|.
    retried : (...) bool
        Points that the fallback solver had to solve.
    """

    transmission: Floats
    caroli: Floats
    channels_left: Integers
    channels_right: Integers
    unitarity: Floats
    reciprocity: Floats
    retried: Bools


@dataclass(frozen=True)
class Scattering:
    """The scattering matrix and the modes it connects.

    Modes are in the order of :class:`~latmm.agf.leads.Waves`; those of a folded lead are counted g n +
    mode, g the folded k∥. Incoming are ``left.right`` and ``right.left``, outgoing ``left.left`` and
    ``right.right``. Amplitudes refer to the left lead's last layer and the right lead's first layer. Where
    a mode does not propagate, entries are 0.

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
class Ends:
    """Both leads at a set of points: ports, states, and the flux (p,) that they miss.

    It is infinite where modes do not pair.
    """

    left: Port
    right: Port
    found: tuple[States, States]
    miss: Floats

    @classmethod
    def of(cls, prepared: Prepared, points: Integers, omega2: Floats, solver: Solver) -> "Ends":
        """Solve both leads at the chosen points."""
        stacks = prepared.left, prepared.right
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # not finite is an infinite error
            found = [states(stack, points, omega2, solver) for stack in stacks]
            left, right = port(stacks[0], points, found[0], 1), port(stacks[1], points, found[1], 0)
            miss = np.maximum.reduce([x for side in (left, right) for x in (side.closure, side.balance)])
        sound = np.logical_and.reduce([f.sound.reshape(points.size, -1).all(-1) for f in found])
        return cls(left, right, (found[0], found[1]), np.where(sound, MENDED * miss, np.inf))

    def part(self, chosen: slice) -> "Ends":
        """Take some of the points."""
        found = [f.part(chosen, f.sound.size // self.miss.size) for f in self.found]
        return Ends(self.left.part(chosen), self.right.part(chosen), (found[0], found[1]), self.miss[chosen])


@dataclass(frozen=True)
class Solved:
    """A set of points: both leads, S, and the error (p,) that decides on a retry."""

    ends: Ends
    s: Amplitudes
    unitarity: Floats
    error: Floats


def solve_points(prepared: Prepared, points: Integers, omega2: Floats, ends: Ends, full: bool) -> Solved:
    """Solve the device between leads that are solved."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # not finite is an infinite error
        s = amplitudes(prepared, points, omega2, ends.left, ends.right, full)
        unitarity = s.unitarity(ends.left.mask, ends.right.mask)
        total = (np.abs(s.transmitted_left) ** 2).sum((-2, -1))
        caroli = np.abs(total - s.caroli) / np.maximum(1.0, total)
        error = np.maximum.reduce([unitarity, caroli, ends.miss])
    return Solved(ends, s, unitarity, np.where(np.isfinite(error), error, np.inf))


@dataclass(frozen=True)
class Recorder:
    """Results of all points in flat arrays; ``s`` and ``modes`` are empty if only sums are asked."""

    totals: Totals
    s: dict[str, Complexes]
    modes: tuple[ModeTable, ...]

    @classmethod
    def of(cls, prepared: Prepared, points: int, full: bool) -> "Recorder":
        """Room for the results of all points."""
        real = [np.zeros(points) for _ in range(4)]
        whole = [np.zeros(points, dtype=np.int64) for _ in range(2)]
        totals = Totals(real[0], real[1], whole[0], whole[1], real[2], real[3], np.zeros(points, dtype=bool))
        if not full:
            return cls(totals, {}, ())
        leads = (prepared.left, prepared.right)
        size = [lead.folded * lead.size for lead in leads]
        s = {name: np.zeros((points, size[o], size[i]), dtype=complex) for name, (o, i) in SIDES.items()}
        return cls(totals, s, tuple(ModeTable.empty(points, lead) for lead in leads))

    def put(self, points: Integers, solved: Solved) -> None:
        """Store a set of points."""
        left, right, s = solved.ends.left, solved.ends.right, solved.s
        forward = (np.abs(s.transmitted_left) ** 2).sum((-2, -1))
        self.totals.transmission[points] = forward
        self.totals.caroli[points] = s.caroli
        self.totals.channels_left[points] = left.count
        self.totals.channels_right[points] = right.count
        self.totals.unitarity[points] = solved.unitarity
        self.totals.reciprocity[points] = np.abs(forward - s.backward)
        order = (left.order, right.order)
        for name, store in self.s.items():
            out, incoming = SIDES[name]
            store[points] = 0.0  # what a first try may have left
            store[points[:, None, None], order[out][:, :, None], order[incoming][:, None, :]] = getattr(
                s, name
            )
        for table, found in zip(self.modes, solved.ends.found, strict=False):
            table.put(points, found)


SIDES = {
    "transmitted_left": (1, 0),
    "reflected_left": (0, 0),
    "transmitted_right": (0, 1),
    "reflected_right": (1, 1),
}
"""Sides, 0 left and 1 right, of the outgoing and the incoming modes of each block of S."""


def _solve_all(junction: Junction, omega: ArrayLike, full: bool) -> tuple[Recorder, tuple[int, ...]]:
    """Solve all points in chunks, and again by the fallback solver those that miss."""
    w = angular_frequencies(omega)
    prepared = Prepared.of(junction, points_shape(w, *junction.leading))
    flat = np.broadcast_to(w, prepared.shape).reshape(-1)
    recorder = Recorder.of(prepared, flat.size, full)
    for part in chunks(flat.size, prepared.lead_bytes, prepared.run):
        points = np.arange(part.start, part.stop)
        ends = Ends.of(prepared, points, flat[points] ** 2, "fast")
        for some in chunks(points.size, prepared.layer_bytes, prepared.run):
            _solve_some(prepared, recorder, points[some], flat, ends.part(some))
    return recorder, prepared.shape


def _solve_some(prepared: Prepared, recorder: Recorder, points: Integers, omega: Floats, ends: Ends) -> None:
    """Solve and store one chunk of points, whose leads are solved."""
    full = bool(recorder.s)
    solved = solve_points(prepared, points, omega[points] ** 2, ends, full)
    recorder.put(points, solved)

    def fallback(number: Integers) -> tuple[Solved, Floats]:
        point = points[number]
        omega2 = omega[point] ** 2
        better = solve_points(prepared, point, omega2, Ends.of(prepared, point, omega2, "fallback"), full)
        return better, better.error

    def put(number: Integers, better: Solved) -> None:
        recorder.put(points[number], better)

    def refusal(number: int, left_over: float) -> str:
        return (
            f"scattering at point {points[number]} of the batch (omega = "
            f"{omega[points[number]]:.12g} rad/ps) misses its checks by {solved.error[number]:.2g}, and by "
            f"{left_over:.2g} by the fallback solver, above {LIMIT:g}; move omega by a relative 1e-9 off the "
            "band edge or resonance, or check that the blocks are Hermitian"
        )

    recorder.totals.retried[points] = with_fallback(solved.error, fallback, put, refusal)


def _shaped(totals: Totals, shape: tuple[int, ...]) -> Totals:
    return Totals(*(getattr(totals, item.name).reshape(shape) for item in fields(totals)))


def transmission(junction: Junction, omega: ArrayLike) -> Totals:
    """Transmission function and channels: the light path for sweeps, which keeps no mode.

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
        If a point misses its limits by both solvers; the message names it.
    """
    recorder, shape = _solve_all(junction, omega, full=False)
    return _shaped(recorder.totals, shape)


def scatter(junction: Junction, omega: ArrayLike) -> Scattering:
    """Scattering matrix between all Bloch modes of both leads.

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
        If a point misses its limits by both solvers; the message names it.
    """
    recorder, shape = _solve_all(junction, omega, full=True)
    totals = _shaped(recorder.totals, shape)
    left, right = (
        table.modes(lead, shape, totals.retried)
        for lead, table in zip((junction.left, junction.right), recorder.modes, strict=True)
    )
    s = {name: store.reshape(*shape, *store.shape[1:]) for name, store in recorder.s.items()}
    return Scattering(left, right, **s, totals=totals)
