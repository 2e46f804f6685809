"""Retarded Green's function of a junction, local densities of states, and the field of an incident wave.

    G = ((ω + iη)² − H − Σ_L − Σ_R)⁻¹,

block by block: left-connected g_j = D_j⁻¹ sweeping to +z, then, with X_j = g_j H_{j,j+1} and Y_j =
H†_{j,j+1} g_j,

    G_jj = −g_j + X_j G_{j+1,j+1} Y_j,     G_{j,N+1} = −X_j G_{j+1,N+1},     G_j0 = G_jj (−Y_{j−1}) ⋯ (−Y_0).

The local density of states of degree of freedom i is −(2ω/π) Im G_ii, states per rad/ps, ∫ dω = 1. At η = 0
it is the sum of the states fed from the left and from the right, G Γ G†: a localised state between the
bands has no width then and shows only with η > 0. Layers are 0 (left lead's last), 1 … N, N + 1 (right
lead's first); memory is that of 3 (N + 2) blocks a point.

Sources: W. Zhang, T. S. Fisher and N. Mingo, Numer. Heat Transfer B 51, 333 (2007); A. MacKinnon, Z. Phys.
B 59, 385 (1985).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import adjoint, angular_frequencies, chunks, mass_matrix, points_shape
from latmm.agf.bloch import Solver, solve
from latmm.agf.junction import Junction, Prepared
from latmm.agf.leads import FoldedLead, Lead, Stack
from latmm.agf.modes import lead_modes, self_energy, states
from latmm.agf.retry import LIMIT, with_fallback
from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import InputError

__all__ = ["GreenFunction", "SelfEnergies", "green_function", "scattered_wave", "self_energies"]


@dataclass(frozen=True)
class SelfEnergies:
    """Self-energies of the two half-spaces that a lead can be, on their surface layer.

    Attributes
    ----------
    right : (..., n, n) complex
        Of the half-space that fills +z, (rad/ps)²; (..., N, n, n) over folded k∥ for a folded lead.
    left : (..., n, n) complex
        Of the half-space that fills −z.
    """

    right: Complexes
    left: Complexes


@dataclass(frozen=True)
class GreenFunction:
    """Blocks of the retarded Green's function of a junction, in the basis of the junction's own blocks.

    Layers are numbered 0 … N + 1: the left lead's last, the device's, the right lead's first. Densities of
    states mean displacements; those of unknowns without mass have no meaning.

    Attributes
    ----------
    omega : (...) float
        ω, rad/ps.
    diagonal : tuple of N + 2 (..., m_l, m_l) complex
        G_ll, (rad/ps)⁻².
    from_left, from_right : tuple of N + 2 (..., m_l, m_0), (..., m_l, m_{N+1}) complex
        G_l0 and G_l,N+1: the response of layer l to a force on the left or on the right lead's surface layer.
    gamma_left, gamma_right : (..., m_0, m_0), (..., m_{N+1}, m_{N+1}) complex
        Γ = i(Σ − Σ†) of both leads, (rad/ps)².
    """

    omega: Floats
    diagonal: tuple[Complexes, ...]
    from_left: tuple[Complexes, ...]
    from_right: tuple[Complexes, ...]
    gamma_left: Complexes
    gamma_right: Complexes

    @property
    def density_of_states(self) -> tuple[Floats, ...]:
        """Local density of states of each layer's degrees of freedom, (..., m_l), states per rad/ps."""
        scale = -2.0 * self.omega[..., None] / np.pi
        return tuple(scale * np.einsum("...ii->...i", g).imag for g in self.diagonal)

    @property
    def density_from_left(self) -> tuple[Floats, ...]:
        """The part of it that waves from the left feed, (..., m_l)."""
        return self._fed(self.from_left, self.gamma_left)

    @property
    def density_from_right(self) -> tuple[Floats, ...]:
        """The part of the local density of states that waves from the right feed, (..., m_l)."""
        return self._fed(self.from_right, self.gamma_right)

    def _fed(self, columns: tuple[Complexes, ...], gamma: Complexes) -> tuple[Floats, ...]:
        scale = self.omega[..., None] / np.pi
        return tuple(scale * np.einsum("...ij,...ij->...i", g @ gamma, g.conj()).real for g in columns)

    @property
    def transmission(self) -> Floats:
        """Caroli's trace Tr[Γ_R G Γ_L G†], (...); with η > 0 what of it survives."""
        g = self.from_left[-1]
        return np.asarray(
            np.einsum("...ij,...ij->...", self.gamma_right @ g @ self.gamma_left, g.conj()).real
        )


def self_energies(lead: Lead | FoldedLead, omega: ArrayLike, *, eta: float = 0.0) -> SelfEnergies:
    """Self-energies of a lead as either half-space.

    Parameters
    ----------
    lead : Lead or FoldedLead
        The periodic stack; its leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.
    eta : float
        Broadening η, rad/ps: everything at ω + iη. 0 is exact on the real axis.

    Returns
    -------
    SelfEnergies
        (..., n, n); (..., N, n, n) for a folded lead.

    Raises
    ------
    InputError
        If ω is not positive, η negative, or the leading axes do not broadcast.
    ConvergenceError
        If the surface equation is missed by both solvers; the message names the point.
    """
    w = angular_frequencies(omega)
    shape = points_shape(w, *lead.leading)
    stack, flat = Stack.of(lead, shape), np.broadcast_to(w, shape).reshape(-1)
    omega2 = _squared(flat, eta)
    out = np.empty((2, flat.size, stack.folded, stack.size, stack.size), dtype=complex)
    for part in chunks(flat.size, stack.bytes_per_point):
        out[:, part] = _surfaces(stack, np.arange(part.start, part.stop), omega2)
    inner = out.shape[2 if isinstance(lead, FoldedLead) else 3 :]
    return SelfEnergies(out[0].reshape(*shape, *inner), out[1].reshape(*shape, *inner))


def green_function(junction: Junction, omega: ArrayLike, *, eta: float = 0.0) -> GreenFunction:
    """Retarded Green's function of a junction: diagonal blocks, and the columns of both surfaces.

    Parameters
    ----------
    junction : Junction
        Leads and device; leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.
    eta : float
        Broadening η, rad/ps: everything at ω + iη. 0 is exact on the real axis.

    Returns
    -------
    GreenFunction
        Blocks with the batch shape in front.

    Raises
    ------
    InputError
        If ω is not positive, η negative, or the leading axes do not broadcast.
    ConvergenceError
        If a lead's surface equation is missed by both solvers; the message names the point.
    """
    w = angular_frequencies(omega)
    prepared = Prepared.of(junction, points_shape(w, *junction.leading))
    shape, flat = prepared.shape, np.broadcast_to(w, prepared.shape).reshape(-1)
    omega2 = _squared(flat, eta)
    layers = len(junction.sizes)
    size = prepared.lead_bytes + prepared.layer_bytes + 16 * 3 * layers * max(junction.sizes) ** 2
    parts = [_blocks(prepared, np.arange(part.start, part.stop), omega2) for part in chunks(flat.size, size)]
    joined = [
        np.concatenate(column).reshape(*shape, *column[0].shape[1:]) for column in zip(*parts, strict=True)
    ]
    bases = _bases(junction)
    rows = [*bases] * 3 + [bases[0], bases[-1]]
    columns = [*bases, *[bases[0]] * layers, *[bases[-1]] * layers, bases[0], bases[-1]]
    found = [_in_sites(g, row, column) for g, row, column in zip(joined, rows, columns, strict=True)]
    return GreenFunction(
        flat.reshape(shape),
        tuple(found[:layers]),
        tuple(found[layers : 2 * layers]),
        tuple(found[2 * layers : 3 * layers]),
        found[-2],
        found[-1],
    )


def scattered_wave(
    junction: Junction, omega: ArrayLike, mode: int, *, incident: Literal["left", "right"] = "left"
) -> tuple[Complexes, ...]:
    """Field of one incident mode of unit flux, from the left lead's last layer to the right lead's first.

    Parameters
    ----------
    junction : Junction
        Leads and device; leading axes broadcast against ``omega``.
    omega : (...) array_like
        ω, rad/ps, positive.
    mode : int
        Number of the incident mode in the order of :class:`~latmm.agf.scattering.Scattering`.
    incident : "left" or "right"
        Lead that the wave comes from.

    Returns
    -------
    tuple of N + 2 (..., m_l) complex
        Mass-weighted displacements ψ_l = i G Γ u of the layers, incident wave included; amplitude 1 of the
        incident mode on its lead's surface layer. Time convention exp(−iωt).

    Raises
    ------
    InputError
        If ω is not positive, or the mode does not propagate at some point.
    ConvergenceError
        As :func:`green_function`.
    """
    green = green_function(junction, omega)
    lead = junction.left if incident == "left" else junction.right
    found = lead_modes(lead, green.omega)
    waves = found.right if incident == "left" else found.left
    inner = green.omega.shape
    propagating = waves.propagating.reshape(*inner, -1)
    if not 0 <= mode < propagating.shape[-1]:
        raise InputError(f"`mode` must be 0 … {propagating.shape[-1] - 1}, but is {mode}")
    if not propagating[..., mode].all():
        silent = green.omega[~propagating[..., mode]].flat[0]
        raise InputError(
            f"mode {mode} of the {incident} lead does not propagate at omega = {silent:.6g} rad/ps; "
            "choose one that `lead_modes` marks as propagating"
        )
    n = waves.vectors.shape[-1]
    u = waves.vectors.reshape(*inner, -1, n, n)[..., mode // n, :, mode % n]
    if isinstance(lead, FoldedLead):
        u = np.einsum("...in,...n->...i", lead.expansion[..., :, mode // n, :], u)
    columns, gamma = (
        (green.from_left, green.gamma_left) if incident == "left" else (green.from_right, green.gamma_right)
    )
    force = 1j * gamma @ u[..., None]
    return tuple((g @ force)[..., 0] for g in columns)


def _squared(omega: Floats, eta: float) -> Complexes | Floats:
    """(ω + iη)², real if η = 0."""
    if not (np.isfinite(eta) and eta >= 0.0):
        raise InputError(f"`eta` must be a finite number ≥ 0 in rad/ps, but is {eta}")
    return np.asarray((omega + 1j * eta) ** 2 if eta > 0.0 else omega**2)


def _surfaces(stack: Stack, points: Integers, omega2: Complexes | Floats) -> Complexes:
    """Self-energies (2, p, N, n, n), right and left; points that miss are solved by the fallback solver."""
    sigma, error = _residue(stack, points, omega2[points], "fast")

    def fallback(number: Integers) -> tuple[Complexes, Floats]:
        return _residue(stack, points[number], omega2[points[number]], "fallback")

    def put(number: Integers, better: Complexes) -> None:
        sigma[:, number] = better

    def refusal(number: int, left_over: float) -> str:
        return (
            f"the self-energy of a lead at point {points[number]} of the batch (omega = "
            f"{abs(omega2[points[number]]) ** 0.5:.12g} rad/ps) leaves a residue of {left_over:.2g}, above "
            f"{LIMIT:g}, by the fast and by the fallback solver; move omega by a relative 1e-9 off the band "
            "edge, or give `eta`"
        )

    with_fallback(error, fallback, put, refusal)
    return sigma


def _residue(
    stack: Stack, points: Integers, omega2: Complexes | Floats, solver: Solver
) -> tuple[Complexes, Floats]:
    """Solve for Σ, (2, p, N, n, n), and by how much H₁F² + (H₀ − ω²)F + H₁† misses 0, (p,).

    The error is relative to the terms.
    """
    shape = (points.size, stack.folded, stack.size, stack.size)
    h0, h1 = stack.h0.at(points).reshape(-1, *shape[2:]), stack.h1.at(points).reshape(-1, *shape[2:])
    e = h0 - np.repeat(omega2, stack.folded)[:, None, None] * mass_matrix(stack.size, stack.massless)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # not finite is an infinite residue
        found = states(stack, points, omega2, solver)
        sigma, errors = [], []
        for side, back in ((0, adjoint(h1)), (1, h1)):
            here, f, _ = self_energy(h1, found, side)
            sigma.append(here)
            scale = np.abs(e).max((-2, -1)) + np.abs(h1).max((-2, -1))
            size = np.maximum(1.0, np.abs(f).max((-2, -1))) * scale
            errors.append(np.abs((here + e) @ f + back).max((-2, -1)) / size)
    error = np.where(found.sound, np.maximum(*errors), np.inf).reshape(shape[:2]).max(-1)
    return np.stack(sigma).reshape(2, *shape), error


def _blocks(prepared: Prepared, points: Integers, omega2: Complexes | Floats) -> list[Complexes]:
    """Blocks of a :class:`GreenFunction`, in its order, in the basis of folded k∥."""
    sigma = _surfaces(prepared.left, points, omega2)[1], _surfaces(prepared.right, points, omega2)[0]
    z = omega2[points]
    ends = [
        _block_diagonal(stack.h0.at(points) + s)
        for stack, s in zip((prepared.left, prepared.right), sigma, strict=True)
    ]
    onsite = [ends[0], *(block.at(points) for block in prepared.onsite), ends[1]]
    hopping = [block.at(points) for block in prepared.hopping]
    connected: list[Complexes] = []
    forth: list[Complexes] = []
    swept: Complexes = np.zeros((), dtype=np.complex128)
    masses = [
        _masses(prepared.left),
        *(mass_matrix(h.shape[-1], none) for h, none in zip(onsite[1:-1], prepared.massless, strict=True)),
        _masses(prepared.right),
    ]
    for h, mass, hop in zip(onsite, masses, [*hopping, None], strict=True):
        g = solve(h + swept - z[:, None, None] * mass, np.broadcast_to(np.eye(h.shape[-1]), h.shape))
        connected.append(g)
        if hop is not None:
            forth.append(g @ hop)
            swept = -adjoint(hop) @ forth[-1]
    diagonal, from_right = [-connected[-1]], [-connected[-1]]
    for g, x, hop in zip(connected[-2::-1], forth[::-1], hopping[::-1], strict=True):
        diagonal.append(-g + x @ diagonal[-1] @ adjoint(hop) @ g)
        from_right.append(-x @ from_right[-1])
    diagonal.reverse()
    from_right.reverse()
    chain: Complexes | None = None
    from_left = [diagonal[0]]
    for g, hop, full in zip(connected, hopping, diagonal[1:], strict=False):
        step = -adjoint(hop) @ g
        chain = step if chain is None else step @ chain
        from_left.append(full @ chain)
    gammas = [_block_diagonal(1j * (s - adjoint(s))) for s in sigma]
    return [*diagonal, *from_left, *from_right, *gammas]


def _masses(stack: Stack) -> Floats:
    """M of a lead's layer, over all folded k∥."""
    return np.asarray(np.kron(np.eye(stack.folded), mass_matrix(stack.size, stack.massless)))


def _block_diagonal(blocks: Complexes) -> Complexes:
    """Blocks (p, N, n, n) on the diagonal of (p, N n, N n)."""
    p, folded, n, _ = blocks.shape
    full = np.zeros((p, folded, n, folded, n), dtype=complex)
    every = np.arange(folded)
    full[:, every, :, every] = blocks.swapaxes(0, 1)
    return full.reshape(p, folded * n, folded * n)


def _bases(junction: Junction) -> list[Complexes | None]:
    """W of the outer layers where the lead is folded."""
    ends = [lead.matrix if isinstance(lead, FoldedLead) else None for lead in (junction.left, junction.right)]
    return [ends[0], *[None] * len(junction.onsite), ends[1]]


def _in_sites(g: Complexes, row: Complexes | None, column: Complexes | None) -> Complexes:
    """Block in the degrees of freedom of the supercell."""
    g = g if row is None else row @ g
    return g if column is None else g @ adjoint(column)
