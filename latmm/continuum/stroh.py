"""All plane waves of an elastic medium that share an in-plane slowness.

At a flat interface with normal z a wave u = a exp[iω(s_x x + s_y y + q z − t)] is fixed by (s_x, s_y); the
vertical slowness q and the polarisation a follow. With the traction on planes of constant z written iωℓ, the
equation of motion becomes an eigenvalue problem of six components ξ = (a, ℓ) (Stroh),

    q ξ = N ξ,     N = [[−T⁻¹Rᵀ, T⁻¹], [ρ − Q + R T⁻¹ Rᵀ, −R T⁻¹]],
    Q_ik = B_iαkβ s_α s_β,   R_ik = s_α B_iαkz,   T_ik = B_izkz        (α, β = x, y),

B the moduli with initial stress (:attr:`Medium.moduli`). Energy flux along z is ½ω² Re(a*·ℓ). The choice of
branch is made here and nowhere else: *forward* waves carry energy towards +z (real q, positive flux) or decay
towards +z (Im q > 0), *backward* waves the opposite. It is the flux that counts, not the sign of q: on
concave parts of the slowness surface they differ. Propagating waves are normalised to Re(a*·ℓ) = ±1, so that
squared amplitudes are energy flux; waves of equal q are made orthogonal in flux (Löwdin).

A fluid carries one wave each way, a ∝ (s_x, s_y, q), ℓ = (0, 0, ρ).

Sources: A. N. Stroh, J. Math. Phys. 41, 77 (1962); B. A. Auld, Acoustic Fields and Waves in Solids (1973),
Sec. 9; T. C. T. Ting, Anisotropic Elasticity (1996), Ch. 5.

Units: slowness ps/nm, ℓ in GPa ps/nm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.continuum.media import Medium
from latmm.errors import InputError

__all__ = ["PlaneWaves", "WaveSet", "plane_waves", "propagating_count", "wave_slowness"]

_REAL = 1e-10
"""|Im q| relative to the largest |q| below which a wave propagates: above the rounding of a degenerate root
(1e-14), below the splitting of a double root at a critical slowness (1e-8)."""


@dataclass(frozen=True)
class WaveSet:
    """Waves of one direction, C of them: three in a solid, one in a fluid.

    Attributes
    ----------
    vertical : (..., C) complex
        Vertical slowness q, ps/nm.
    displacement : (..., 3, C) complex
        Columns a.
    traction : (..., 3, C) complex
        Columns ℓ, GPa ps/nm.
    propagating : (..., C) bool
        Whether the wave carries energy along z.
    """

    vertical: Complexes
    displacement: Complexes
    traction: Complexes
    propagating: Bools


@dataclass(frozen=True)
class PlaneWaves:
    """Forward and backward waves of a medium at given in-plane slownesses (..., 2)."""

    forward: WaveSet
    backward: WaveSet
    is_fluid: bool


def plane_waves(medium: Medium, slowness: ArrayLike) -> PlaneWaves:
    """Solve for all waves of a medium.

    Parameters
    ----------
    medium : Medium
        Solid (of any anisotropy and orientation) or fluid.
    slowness : (..., 2) array_like
        In-plane slowness (s_x, s_y), ps/nm.

    Returns
    -------
    PlaneWaves
    """
    s = np.asarray(slowness, dtype=float)
    if s.shape[-1:] != (2,):
        raise InputError(f"an in-plane slowness has two components, but the array has the shape {s.shape}")
    return _fluid_waves(medium, s) if medium.is_fluid else _solid_waves(medium, s)


def wave_slowness(waves: WaveSet, slowness: ArrayLike) -> Floats:
    """Length (..., C) of the slowness vector of the waves that propagate, ps/nm; zero for the others."""
    s = np.asarray(slowness, dtype=float)
    length = np.sqrt((s**2).sum(axis=-1)[..., None] + waves.vertical.real**2)
    return np.where(waves.propagating, length, 0.0)


def propagating_count(medium: Medium, slowness: Floats) -> Integers:
    """Count the waves of a solid that propagate either way at in-plane slownesses (..., 2)."""
    speed = float(np.sqrt(medium.moduli[2, 2, 2, 2] / medium.density))
    values = np.linalg.eigvals(_stroh_matrix(medium, slowness, speed))
    size = np.max(np.abs(values), axis=-1, keepdims=True)
    return np.asarray(np.count_nonzero(np.abs(values.imag) < _REAL * size, axis=-1))


def _fluid_waves(medium: Medium, s: Floats) -> PlaneWaves:
    inverse = float(np.sqrt(medium.density / medium.stiffness[0, 0]))
    p = np.sqrt((s**2).sum(axis=-1))
    q = np.sqrt(((inverse - p) * (inverse + p)).astype(complex))
    propagating = q.real > 0
    # at q = 0 the wave grazes: it carries nothing and needs no normalisation
    scale = 1.0 / np.sqrt(medium.density * np.where(propagating, q.real, inverse))
    sets = []
    for sign in (1.0, -1.0):
        a = np.asarray(np.concatenate([s, sign * q[..., None]], axis=-1) * scale[..., None], complex)
        ell = np.zeros_like(a)
        ell[..., 2] = medium.density * scale
        sets.append(
            WaveSet(
                vertical=sign * q[..., None],
                displacement=a[..., None],
                traction=ell[..., None],
                propagating=propagating[..., None],
            )
        )
    return PlaneWaves(sets[0], sets[1], is_fluid=True)


def _stroh_matrix(medium: Medium, s: Floats, speed: float) -> Floats:
    """N (..., 6, 6) in units of ``speed``: s in 1/speed, ℓ in ρ·speed."""
    b = medium.moduli / (medium.density * speed**2)
    t_inverse = np.linalg.inv(b[:, 2, :, 2])
    r = np.moveaxis(b[:, :2, :, 2], 1, 0)  # R = s_x r_x + s_y r_y
    rt = r @ t_inverse
    # N is a polynomial of s: a constant, two linear and three quadratic terms
    terms = np.zeros((6, 6, 6))
    terms[0, :3, 3:] = t_inverse
    terms[0, 3:, :3] = np.eye(3)
    for axis in (0, 1):
        terms[1 + axis, :3, :3] = -rt[axis].T
        terms[1 + axis, 3:, 3:] = -rt[axis]
    pairs = ((0, 0), (0, 1), (1, 1))
    for term, (alpha, beta) in enumerate(pairs, start=3):
        both = {(alpha, beta), (beta, alpha)}
        terms[term, 3:, :3] = sum(rt[m] @ r[n].T - b[:, m, :, n] for m, n in both)
    x, y = np.moveaxis(s * speed, -1, 0)
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    return np.asarray((powers @ terms.reshape(6, 36)).reshape(*s.shape[:-1], 6, 6))


def _solid_waves(medium: Medium, s: Floats) -> PlaneWaves:
    speed = float(np.sqrt(medium.moduli[2, 2, 2, 2] / medium.density))
    values, vectors = np.linalg.eig(_stroh_matrix(medium, s, speed))
    values, vectors = values.astype(complex), vectors.astype(complex)
    flux = np.sum(vectors[..., :3, :].conj() * vectors[..., 3:, :], axis=-2).real
    size = np.max(np.abs(values), axis=-1, keepdims=True)
    real = np.abs(values.imag) < _REAL * size
    # evanescent waves first by their decay, propagating ones by their flux: the upper half runs forward
    score = np.where(real, _REAL * flux, values.imag / size)
    order = np.argsort(-score, axis=-1)
    sets = []
    for chosen, sign in ((order[..., :3], 1.0), (order[..., 3:], -1.0)):
        # propagating waves first, by |q|; time reversal (s, q) → (−s, −q) keeps that order
        q = np.take_along_axis(values, chosen, axis=-1) / size
        key = np.where(np.take_along_axis(real, chosen, axis=-1), -sign * q.real, 2.0 + sign * q.imag)
        chosen = np.take_along_axis(chosen, np.argsort(key, axis=-1), axis=-1)
        q = np.take_along_axis(values, chosen, axis=-1)
        propagating = np.take_along_axis(real, chosen, axis=-1)
        columns = np.take_along_axis(vectors, chosen[..., None, :], axis=-1)
        columns = _normalised(columns, propagating)
        # amplitudes back to a and ℓ: a*·ℓ = 1 in these units as in the scaled ones
        impedance = np.sqrt(medium.density * speed)
        sets.append(
            WaveSet(
                np.asarray(np.where(propagating, q.real, q) / speed, complex),
                columns[..., :3, :] / impedance,
                columns[..., 3:, :] * impedance,
                propagating,
            )
        )
    return PlaneWaves(sets[0], sets[1], is_fluid=False)


def _normalised(columns: Complexes, propagating: Bools) -> Complexes:
    """Scale (..., 6, 3) columns to unit energy flux, orthogonal where they share a vertical slowness."""
    a, ell = columns[..., :3, :], columns[..., 3:, :]
    half = np.swapaxes(a.conj(), -1, -2) @ ell
    flux = 0.5 * (half + np.swapaxes(half.conj(), -1, -2))
    both = propagating[..., :, None] & propagating[..., None, :]
    flux = np.where(both, flux, np.eye(3))
    diagonal = np.abs(np.diagonal(flux, axis1=-2, axis2=-1).real)
    # a wave at its very critical slowness carries nothing: its column is left as it is
    scale = 1.0 / np.sqrt(np.where(diagonal > 1e-12, diagonal, 1.0))
    overlap = np.abs(flux) * scale[..., :, None] * scale[..., None, :] * (1.0 - np.eye(3))
    mixed = np.max(overlap, axis=(-2, -1)) > 1e-12
    result = columns * scale[..., None, :]
    if mixed.any():
        sign = np.sign(np.trace(flux[mixed], axis1=-2, axis2=-1).real)[..., None, None]
        w, u = np.linalg.eigh(np.where(both[mixed], sign * flux[mixed], np.eye(3)))
        root = (u / np.sqrt(np.abs(w))[..., None, :]) @ np.swapaxes(u.conj(), -1, -2)
        result[mixed] = columns[mixed] @ root
    return result
