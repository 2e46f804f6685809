"""Block elimination through a junction: from the left lead's last layer to the right lead's first.

With D = H + Σ − ω² (so G = −D⁻¹) and sources s, eliminating layer j leaves

    D_{j+1} ← D_{j+1} − H†_{j,j+1} D_j⁻¹ H_{j,j+1},       s_{j+1} ← s_{j+1} − H†_{j,j+1} D_j⁻¹ s_j.

Starting with the left lead's Σ inside, D_j is never singular on the real axis where waves run off; an
isolated
interior would have real poles. Each layer costs one factorisation, one solve and one product. Sources and
probes are
carried along, so that all four blocks of S come out of one sweep and no layer is kept.

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
    """One lead's side of the scattering problem, at p points, in the basis of folded k∥; c: most channels
    of any point.

    ``dressed`` (p, N, n, n): H₀ + Σ; ``gamma`` (p, N, n, n): Γ; ``source`` (p, N n, c): Γ U_in; ``probe``
    (p, c, N n): U_out† Γ;
    ``direct`` (p, c, c): U_out† Γ U_in; ``order_in``, ``order_out`` (p, c): number of the mode behind a
    column; ``count`` (p,):
    channels. Columns beyond a point's count are zero.
    """

    dressed: Complexes
    gamma: Complexes
    source: Complexes
    probe: Complexes
    direct: Complexes
    order_in: Integers
    order_out: Integers
    count: Integers

    @property
    def mask(self) -> Bools:
        """Columns that are channels, (p, c)."""
        return np.asarray(np.arange(self.source.shape[-1]) < self.count[:, None])


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
    sigma = surface(h1.reshape(-1, n, n), found, side).reshape(h0.shape)
    gamma = 1j * (sigma - adjoint(sigma))
    propagating = found.propagating.reshape(2, p, folded * n)
    count = propagating[0].sum(-1)
    width = int(count.max(initial=0))
    order_out, order_in = (
        np.argsort(~propagating[i], axis=-1, kind="stable")[:, :width] for i in (side, 1 - side)
    )
    vectors = (found.vectors * found.propagating[..., None, :]).reshape(2, p, folded, n, n)
    u_out, u_in = _columns(vectors[side], order_out), _columns(vectors[1 - side], order_in)
    source, target = (
        (gamma @ u.reshape(p, folded, n, width)).reshape(p, folded * n, width) for u in (u_in, u_out)
    )
    probe = adjoint(target)
    return Port(h0 + sigma, gamma, source, probe, probe @ u_in, order_in, order_out, count)


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
        """Largest |S†S − 1| of each point, (p,), for the channels of both masks; infinite where S is not
        finite.
        """
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
    source, probe, returned = left.source, left.probe, np.zeros_like(left.direct)
    d = surface_block(left, omega2)
    for number, (hop, back) in enumerate(zip(prepared.hopping, prepared.back, strict=True)):
        h = hop.at(points)
        x = solve(d, np.concatenate([h, source], -1).reshape(*d.shape[:-1], -1)).reshape(*h.shape[:-1], -1)
        link, field = x[..., : h.shape[-1]], x[..., h.shape[-1] :]
        returned += probe @ field
        probe = -probe @ link
        carried = back.at(points) @ x
        source = -carried[..., h.shape[-1] :]
        if number < len(prepared.onsite):
            d = prepared.onsite[number].at(points) - carried[..., : h.shape[-1]]
            np.einsum("...ii->...i", d)[...] -= omega2[:, None]
    swept = -carried[..., : h.shape[-1]]
    return _last_layer(omega2, swept, right, source, probe, returned, left.direct)


def _last_layer(
    omega2: Floats,
    swept: Complexes,
    right: Port,
    source: Complexes,
    probe: Complexes,
    returned: Complexes,
    direct: Complexes,
) -> Amplitudes:
    """Close the sweep at the right lead's first layer, on which the left side acts by the self-energy
    ``swept``.
    """
    p, folded, n, _ = right.gamma.shape
    d = swept.copy()
    every = np.arange(folded)
    d.reshape(p, folded, n, folded, n)[:, every, :, every] += surface_block(right, omega2).swapaxes(0, 1)
    inverse = solve(d, np.broadcast_to(np.eye(folded * n), d.shape))
    broadening = 1j * (swept - adjoint(swept))
    outer = (right.gamma @ inverse.reshape(p, folded, n, -1)).reshape(d.shape)
    caroli = np.einsum("pij,pij->p", outer, np.conj(inverse @ broadening)).real
    from_left, from_right = inverse @ source, inverse @ right.source
    return Amplitudes(
        -1j * right.probe @ from_left,
        -1j * (returned + probe @ from_left) - direct,
        -1j * probe @ from_right,
        -1j * right.probe @ from_right - right.direct,
        caroli,
    )
