"""Block elimination through a junction: from the left lead's last layer to the right lead's first.

With D = H + Σ − ω² (so G = −D⁻¹) and sources s, eliminating layer j leaves

    D_{j+1} ← D_{j+1} − H†_{j,j+1} D_j⁻¹ H_{j,j+1},       s_{j+1} ← s_{j+1} − H†_{j,j+1} D_j⁻¹ s_j.

Starting with the left lead's Σ inside, D_j is never singular on the real axis where waves run off; an
isolated interior would have real poles. Each layer costs one factorisation, one solve and one product.
Sources and probes are carried along, so that all four blocks of S come out of one sweep and no layer is
kept.

Symbols: D → ``d``, H_{j,j+1} → ``hop``, its adjoint → ``back``, D⁻¹[H, s] → ``link``, ``field``.
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
    """

    dressed: Complexes
    root: Complexes
    incoming: Complexes
    order: Integers
    count: Integers
    closure: Floats
    balance: Floats

    @property
    def mask(self) -> Bools:
        """Columns that are channels, (p, c)."""
        return np.asarray(np.arange(self.root.shape[-1]) < self.count[:, None])


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
    sigma, root, balance = sigma.reshape(h0.shape), root.reshape(h0.shape), miss.reshape(p, folded).max(-1)
    propagating = found.propagating.reshape(2, p, folded * n)
    count = propagating[0].sum(-1)
    width = int(count.max(initial=0))
    order = np.argsort(~propagating[side], axis=-1, kind="stable")[:, :width]
    vectors = (found.vectors[1 - side] * found.propagating[1 - side][..., None, :]).reshape(p, folded, n, n)
    outer = _columns(root, order)
    incoming = adjoint(outer) @ _columns(vectors, order)
    incoming, closure = _unitary(incoming, np.arange(width) < count[:, None])
    return Port(h0 + sigma, outer, incoming, order, count, closure, balance)


def _unitary(x: Complexes, mask: Bools) -> tuple[Complexes, Floats]:
    """Nearest unitary matrices among the channels of the mask (p, c), and how far x was from them, (p,)."""
    one = mask[..., None] * np.eye(x.shape[-1])
    miss = np.abs(adjoint(x) @ x - one).max((-2, -1), initial=0.0)
    for _ in range(2):  # X ← X (1 − (X†X − 1)/2): each step squares what is missing
        x = x - 0.5 * (x @ (adjoint(x) @ x - one))
    return x, miss


def _columns(blocks: Complexes, order: Integers) -> Complexes:
    """Chosen columns, (p, N n, c), of the block-diagonal matrix of blocks (p, N, n, n)."""
    p, folded, n, _ = blocks.shape
    if folded == 1:
        return blocks[:, 0, :, : order.shape[1]]  # propagating modes come first
    chosen = np.zeros((p, folded, n, order.shape[1]), dtype=complex)
    row, column = np.arange(p)[:, None], np.arange(order.shape[1])
    chosen[row, order // n, :, column] = blocks[row, order // n, :, order % n]
    return chosen.reshape(p, folded * n, -1)


def surface_block(side: Port, omega2: Complexes | Floats) -> Complexes:
    """D of a lead's surface layer as (p, N, n, n), without what lies beyond it."""
    d = side.dressed.copy()
    np.einsum("...ii->...i", d)[...] -= omega2[:, None, None]
    return d


@dataclass(frozen=True)
class Amplitudes:
    """S at p points between propagating modes, (p, out, in), and Caroli's trace (p,)."""

    transmitted_left: Complexes
    reflected_left: Complexes
    transmitted_right: Complexes
    reflected_right: Complexes
    caroli: Floats

    def unitarity(self, left: Bools, right: Bools) -> Floats:
        """Largest |S†S − 1|, (p,), for the channels of both masks; infinite where not finite."""
        rows = [
            np.concatenate([self.reflected_left, self.transmitted_right], -1),
            np.concatenate([self.transmitted_left, self.reflected_right], -1),
        ]
        s = np.concatenate(rows, -2)
        one = np.concatenate([left, right], -1)[..., None] * np.eye(s.shape[-1])
        worst = np.abs(adjoint(s) @ s - one).max((-2, -1), initial=0.0)
        return np.where(np.isfinite(worst) & np.isfinite(self.caroli), worst, np.inf)


def amplitudes(
    prepared: Prepared, points: slice | Integers, omega2: Floats, left: Port, right: Port
) -> Amplitudes:
    """Eliminate from the left lead to the right one.

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
    source, probe = left.root, adjoint(left.root)
    returned = np.zeros_like(left.incoming)
    d = surface_block(left, omega2)
    for number, (hop, back) in enumerate(zip(prepared.hopping, prepared.back, strict=True)):
        h = hop.at(points)
        x = solve(d, np.concatenate([h, source], -1).reshape(*d.shape[:-1], -1)).reshape(*h.shape[:-1], -1)
        link, field = x[..., : h.shape[-1]], x[..., h.shape[-1] :]
        returned += probe @ field
        probe = -probe @ link
        carried = back.at(points) @ x
        swept, source = -carried[..., : h.shape[-1]], -carried[..., h.shape[-1] :]
        if number < len(prepared.onsite):
            d = prepared.onsite[number].at(points) + swept
            np.einsum("...ii->...i", d)[...] -= omega2[:, None]
    return _last_layer(omega2, swept, left, right, source, probe, returned)


def _last_layer(
    omega2: Floats,
    swept: Complexes,
    left: Port,
    right: Port,
    source: Complexes,
    probe: Complexes,
    returned: Complexes,
) -> Amplitudes:
    """Close the sweep at the right lead's first layer; ``swept`` is the self-energy of all that lies left."""
    p, folded, n, _ = right.dressed.shape
    d = swept.copy()
    every = np.arange(folded)
    d.reshape(p, folded, n, folded, n)[:, every, :, every] += surface_block(right, omega2).swapaxes(0, 1)
    fields = solve(d, np.concatenate([source, right.root], -1))
    from_left, from_right = fields[..., : source.shape[-1]], fields[..., source.shape[-1] :]
    broadening = 1j * (swept - adjoint(swept))
    caroli = np.einsum("pij,pij->p", np.conj(from_right), broadening @ from_right).real
    arriving, one = adjoint(right.root), np.eye
    return Amplitudes(
        (-1j * arriving @ from_left) @ left.incoming,
        (-1j * (returned + probe @ from_left) - one(left.root.shape[-1])) @ left.incoming,
        (-1j * probe @ from_right) @ right.incoming,
        (-1j * arriving @ from_right - one(right.root.shape[-1])) @ right.incoming,
        caroli,
    )
