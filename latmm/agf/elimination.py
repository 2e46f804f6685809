"""Block elimination through a junction: both halves onto one layer, where they meet.

With D = H + Σ − ω² (so G = −D⁻¹), sources s and probes p†, eliminating a layer with D, s, p† and the block h
from the layer next to it leaves there

    D' ← D' − h D⁻¹ h†,       s' ← −h D⁻¹ s,       p'† ← −p† D⁻¹ h†,       ρ ← ρ + p† D⁻¹ s.

Starting with a lead's Σ inside, D is never singular on the real axis where waves run off; an isolated
interior would have real poles. The layers meet at the device's first, so that both surface layers, block
diagonal over folded k∥, and all device layers but one are eliminated: a factorisation, a solve and a product
each. S follows from one more solve, with a the sides' sources and probes,

    S_ab = −i (ρ_a δ_ab + p_a† D⁻¹ s_b) X_b − δ_ab X_b.

Where only sums are asked the right half carries no sources: what comes in from the left is enough for T
and for the unitarity of its columns, and T from the right follows without the left lead's outgoing modes, by
Tr[p_L† D⁻¹ Γ_R' D⁻¹† p_L].

Symbols: D → ``d``, h† → ``onto``, h → ``back``, D⁻¹[h†, s] → ``link``, ``field``.
"""

from dataclasses import dataclass

import numpy as np

from latmm.agf.batch import adjoint
from latmm.agf.bloch import solve
from latmm.agf.junction import Prepared
from latmm.agf.leads import Stack
from latmm.agf.modes import States, surface
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["Amplitudes", "Port", "amplitudes", "port", "surface_block"]

ROUGH = 1e-8
"""|X†X − 1| whose square is not rounding."""


@dataclass(frozen=True)
class Port:
    """One lead's side of the scattering problem at p points, in the basis of folded k∥.

    c is the largest number of channels of any of the points.

    Attributes
    ----------
    dressed : (p, N, n, n) complex
        H₀ + Σ, (rad/ps)².
    root : (p, N n, c) complex
        W, Γ = W W†: a column for each outgoing channel, W†U_out = 1.
    incoming : (p, c, c) complex
        X = W†U_in, unitary: the incoming channels in terms of W, Γ U_in = W X.
    order : (p, c) int
        Number of the mode behind a column, outgoing and incoming: at each folded k∥ as many come as go, and
        both are listed first. Columns beyond a point's count are zero.
    count : (p,) int
        Channels.
    closure : (p,) float
        max |X†X − 1| as found, before X was replaced by the nearest unitary matrix: do the incoming modes
        carry all of Γ?
    massless : int
        How many of the n unknowns, the last ones, have no mass.
    """

    dressed: Complexes
    root: Complexes
    incoming: Complexes
    order: Integers
    count: Integers
    closure: Floats
    balance: Floats
    massless: int = 0

    @property
    def mask(self) -> Bools:
        """Columns that are channels, (p, c)."""
        return np.asarray(np.arange(self.root.shape[-1]) < self.count[:, None])

    def part(self, chosen: slice) -> "Port":
        """Take some of the points, with no more columns than they need."""
        count = self.count[chosen]
        width = int(count.max(initial=0))
        return Port(
            self.dressed[chosen],
            self.root[chosen, :, :width],
            self.incoming[chosen, :width, :width],
            self.order[chosen, :width],
            count,
            self.closure[chosen],
            self.balance[chosen],
            self.massless,
        )


def port(stack: Stack, points: slice | Integers, found: States, side: int) -> Port:
    """Build self-energy, sources and probes of one lead.

    Parameters
    ----------
    stack : Stack
        The lead.
    points : slice or (p,) int
        Which points.
    found : States
        Its states there.
    side : int
        0: the right half-space; 1: the left one. Outgoing states have this direction, incoming ones the
        other.
    """
    h0, h1 = stack.h0.at(points), stack.h1.at(points)
    p, folded, n, _ = h0.shape
    sigma, root, miss = surface(h1.reshape(-1, n, n), found, side)
    sigma, balance = sigma.reshape(h0.shape), miss.reshape(p, folded).max(-1)
    propagating = found.propagating.reshape(2, p, folded * n)
    count = propagating[0].sum(-1)
    width = int(count.max(initial=0))
    if folded == 1:  # propagating modes come first
        order = np.broadcast_to(np.arange(width), (p, width))
    else:
        order = np.argsort(~propagating[side], axis=-1, kind="stable")[:, :width]
    outer = _columns(root.reshape(p, folded, n, -1), order, n)
    inner = _columns(found.vectors[1 - side].reshape(h0.shape), order, n)
    mask = np.arange(width) < count[:, None]
    incoming, closure = _unitary(adjoint(outer) @ (inner * mask[:, None, :]), mask)
    return Port(h0 + sigma, outer, incoming, order, count, closure, balance, stack.massless)


def _unitary(x: Complexes, mask: Bools) -> tuple[Complexes, Floats]:
    """Nearest unitary matrices among the channels of the mask (p, c), and how far x was from them, (p,)."""
    one = mask[..., None] * np.eye(x.shape[-1])
    excess = adjoint(x) @ x - one
    miss = np.abs(excess).max((-2, -1), initial=0.0)
    x = x - 0.5 * (x @ excess)  # X ← X (1 − (X†X − 1)/2): each step squares what is missing
    if not (miss < ROUGH).all():
        x = x - 0.5 * (x @ (adjoint(x) @ x - one))
    return x, miss


def _columns(blocks: Complexes, order: Integers, n: int) -> Complexes:
    """Columns ``order`` (p, c), counted g n + column, of the block-diagonal matrix of blocks (p, N, n, m).

    Those beyond m ≤ n are zero.
    """
    p, folded, _, _ = blocks.shape
    if folded == 1:
        return blocks[:, 0, :, : order.shape[1]]
    chosen = np.zeros((p, folded, n, order.shape[1]), dtype=complex)
    row, column = np.nonzero(order % n < blocks.shape[-1])
    cell, state = np.divmod(order[row, column], n)
    chosen[row, cell, :, column] = blocks[row, cell, :, state]
    return chosen.reshape(p, folded * n, -1)


def surface_block(side: Port, omega2: Complexes | Floats) -> Complexes:
    """D of a lead's surface layer as (p, N, n, n), without what lies beyond it."""
    d = side.dressed.copy()
    np.einsum("...ii->...i", d)[..., : d.shape[-1] - side.massless] -= omega2[:, None, None]
    return d


@dataclass(frozen=True)
class Half:
    """One side of the junction as the layer next to it sees it, at p points.

    Attributes
    ----------
    swept : (p, m, m) complex
        What it takes from D there, −Σ, (rad/ps)².
    source : (p, m, s) complex
        The incoming channels' sources; s = 0 if they are not asked.
    probe : (p, c, m) complex
        p†, the outgoing channels.
    returned : (p, c, s) complex
        ρ: what comes back without reaching the layer.
    """

    swept: Complexes
    source: Complexes
    probe: Complexes
    returned: Complexes

    def beyond(self, d: Complexes, onto: Complexes, back: Complexes) -> "Half":
        """Eliminate the layer this half is next to.

        Parameters
        ----------
        d : (p, m, m) or (p, N, n, n) complex
            D of the layer with this half's ``swept`` inside; the latter if block diagonal.
        onto, back : (p, m, m'), (p, m', m) complex
            Blocks to and from the next layer.
        """
        width = onto.shape[-1]
        sides = np.concatenate([onto, self.source], -1) if self.source.shape[-1] else onto
        x = _divided(d, sides)
        link, field = x[..., :width], x[..., width:]
        probe = -self.probe
        carried = back @ x
        source = -carried[..., width:]
        returned = self.returned - probe @ field if source.shape[-1] else self.returned
        return Half(carried[..., :width], source, probe @ link, returned)


def _divided(d: Complexes, sides: Complexes) -> Complexes:
    """D⁻¹ of right-hand sides (p, m, s); D (p, m, m), or (p, N, n, n) if it is block diagonal."""
    if d.ndim == sides.ndim:
        return solve(d, sides)
    rows = sides.reshape(*d.shape[:-1], -1)
    if d.shape[1] == 1:
        return solve(d, rows).reshape(sides.shape)
    inverse = solve(d, np.broadcast_to(np.eye(d.shape[-1]), d.shape))  # small blocks, many sides
    return np.asarray(inverse @ rows).reshape(sides.shape)


@dataclass(frozen=True)
class Amplitudes:
    """S at p points between propagating modes, (p, out, in), and what checks it.

    The blocks for incidence from the right are empty, (p, out, 0), if only sums are asked. ``caroli`` (p,):
    Caroli's trace for incidence from the left; ``backward`` (p,): T from the right.
    """

    transmitted_left: Complexes
    reflected_left: Complexes
    transmitted_right: Complexes
    reflected_right: Complexes
    caroli: Floats
    backward: Floats

    def unitarity(self, left: Bools, right: Bools) -> Floats:
        """Largest |S†S − 1|, (p,), for the channels of both masks; infinite where not finite."""
        s = np.concatenate([self.reflected_left, self.transmitted_left], -2)
        incoming = left
        if self.reflected_right.shape[-1]:
            more = np.concatenate([self.transmitted_right, self.reflected_right], -2)
            s, incoming = np.concatenate([s, more], -1), np.concatenate([left, right], -1)
        one = incoming[..., None] * np.eye(s.shape[-1])
        worst = np.abs(adjoint(s) @ s - one).max((-2, -1), initial=0.0)
        return np.where(np.isfinite(worst) & np.isfinite(self.caroli), worst, np.inf)


def amplitudes(
    prepared: Prepared, points: slice | Integers, omega2: Floats, left: Port, right: Port, full: bool
) -> Amplitudes:
    """Eliminate both halves and solve for S where they meet.

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
    full : bool
        Whether incidence from the right is asked too.

    Returns
    -------
    Amplitudes
        Between propagating modes.
    """
    onsite, hopping, back = prepared.onsite, prepared.hopping, prepared.back
    near, far = _surface(left, True), _surface(right, full)
    far = far.beyond(surface_block(right, omega2), back[-1].at(points), hopping[-1].at(points))
    for number in range(len(onsite) - 1, 0, -1):
        d = _less(onsite[number].at(points) - far.swept, omega2, prepared.massless[number])
        far = far.beyond(d, back[number].at(points), hopping[number].at(points))
    if onsite:
        near = near.beyond(surface_block(left, omega2), hopping[0].at(points), back[0].at(points))
        d = _less(onsite[0].at(points) - near.swept - far.swept, omega2, prepared.massless[0])
        return _meeting(d, near, far, left, right)
    d = -far.swept
    p, folded, n, _ = left.dressed.shape
    every = np.arange(folded)
    d.reshape(p, folded, n, folded, n)[:, every, :, every] += surface_block(left, omega2).swapaxes(0, 1)
    return _meeting(d, near, far, left, right)


def _surface(side: Port, incoming: bool) -> Half:
    """Start with a lead: its self-energy is in D of its surface layer already."""
    source = side.root if incoming else side.root[..., :0]
    returned = np.zeros((*side.incoming.shape[:-1], source.shape[-1]), dtype=complex)
    return Half(np.zeros((), dtype=complex), source, adjoint(side.root), returned)


def _less(d: Complexes, omega2: Floats, massless: int) -> Complexes:
    """Subtract ω²M on the diagonal, in place."""
    np.einsum("...ii->...i", d)[..., : d.shape[-1] - massless] -= omega2[:, None]
    return d


def _meeting(d: Complexes, near: Half, far: Half, left: Port, right: Port) -> Amplitudes:
    """S where both halves meet: ``near`` the left one, ``far`` the right one."""
    asked = far.source.shape[-1] > 0
    fields = solve(d, np.concatenate([near.source, far.source], -1) if asked else near.source)
    width = near.source.shape[-1]
    from_left, from_right = fields[..., :width], fields[..., width:]
    broadening = 1j * (adjoint(far.swept) - far.swept)
    caroli = _trace(broadening, from_left)
    t = (-1j * far.probe @ from_left) @ left.incoming
    r = (-1j * (near.returned + near.probe @ from_left) - np.eye(width)) @ left.incoming
    if not asked:
        backward = _trace(broadening, solve(adjoint(d), adjoint(near.probe)))
        return Amplitudes(t, r, r[..., :0], t[..., :0], caroli, backward)
    transmitted = (-1j * near.probe @ from_right) @ right.incoming
    one = np.eye(from_right.shape[-1])
    reflected = (-1j * (far.returned + far.probe @ from_right) - one) @ right.incoming
    return Amplitudes(t, r, transmitted, reflected, caroli, (np.abs(transmitted) ** 2).sum((-2, -1)))


def _trace(broadening: Complexes, fields: Complexes) -> Floats:
    """Tr[ψ†Γψ], (p,)."""
    return np.asarray(np.einsum("pij,pij->p", np.conj(fields), broadening @ fields).real)
