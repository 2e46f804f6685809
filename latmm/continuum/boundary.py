"""Scattering of plane waves at the contact of two media.

Displacement and traction are continuous across a welded contact; a layer of springs of stiffness K per area
lets the displacement jump, iωℓ = K (u_right − u_left) (M. Schoenberg, J. Acoust. Soc. Am. 68, 1516 (1980)).
Where a fluid takes part the surfaces slide: only the normal displacement is continuous and the tangential
traction vanishes.

With flux-normalised waves (:mod:`latmm.continuum.stroh`) the amplitudes of the outgoing waves are
S times those of the incoming ones, and S is unitary and symmetric in its moduli between propagating waves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Complexes, Floats
from latmm.continuum.stroh import PlaneWaves, WaveSet
from latmm.errors import InputError

__all__ = ["Scattering", "contact", "energy_shares", "spring_compliance"]

_SOFTEST, _STIFFEST = 1e-12, 1e12
"""GPa nm⁻¹; crystals hold together by some 1e3."""


@dataclass(frozen=True)
class Scattering:
    """Amplitudes of outgoing waves (rows) for unit incoming waves (columns).

    Attributes
    ----------
    reflection_left : (..., Cl, Cl) complex
        From the left, back to the left.
    transmission : (..., Cr, Cl) complex
        From the left to the right.
    reflection_right : (..., Cr, Cr) complex
        From the right, back to the right.
    transmission_back : (..., Cl, Cr) complex
        From the right to the left.
    """

    reflection_left: Complexes
    transmission: Complexes
    reflection_right: Complexes
    transmission_back: Complexes


def spring_compliance(stiffness: ArrayLike) -> Floats:
    """Compliance (3, 3), nm GPa⁻¹, of an interface of the given stiffness per area.

    Parameters
    ----------
    stiffness : float or (3, 3) array_like
        K, GPa nm⁻¹ = 10¹⁸ N m⁻³; a number for equal springs along x, y and z.

    Raises
    ------
    InputError
        If K is not symmetric and positive definite.
    """
    k = np.asarray(stiffness, dtype=float)
    k = np.diag(np.full(3, k)) if k.ndim == 0 else k
    if (
        k.shape != (3, 3)
        or not np.all(np.abs(k) <= _STIFFEST)
        or np.max(np.abs(k - k.T)) > 1e-12 * np.max(np.abs(k))
        or np.linalg.eigvalsh(k)[0] < _SOFTEST
    ):
        raise InputError(
            f"a contact stiffness must be positive, or a symmetric positive (3, 3) matrix (GPa/nm, between "
            f"{_SOFTEST:g} and {_STIFFEST:g}), but is {stiffness!r}"
        )
    return np.linalg.inv(k)


def contact(
    left: PlaneWaves,
    right: PlaneWaves,
    *,
    compliance: Floats | None = None,
    omega: ArrayLike = 0.0,
) -> Scattering:
    """Scatter waves at the plane between two media.

    Parameters
    ----------
    left, right : PlaneWaves
        Of both media at the same in-plane slownesses (...).
    compliance : (3, 3) float, optional
        K⁻¹ of a layer of springs, nm GPa⁻¹; none for a welded contact.
    omega : (...) array_like
        ω, rad/ps, broadcast against the slownesses; matters for springs alone.

    Returns
    -------
    Scattering
    """
    if left.is_fluid and right.is_fluid:
        rows = [2, 5]
    elif left.is_fluid or right.is_fluid:
        rows = [2, 3, 4, 5]
    else:
        rows = [0, 1, 2, 3, 4, 5]
    from_left, to_left = (_stack(w)[..., rows, :] for w in (left.forward, left.backward))
    to_right, from_right = (
        _stack(w, compliance, omega)[..., rows, :] for w in (right.forward, right.backward)
    )
    shape = np.broadcast_shapes(from_left.shape[:-2], to_right.shape[:-2])

    def joined(first: Complexes, second: Complexes) -> Complexes:
        pair = (np.broadcast_to(x, (*shape, *x.shape[-2:])) for x in (first, second))
        return np.concatenate(list(pair), axis=-1)

    amplitudes = np.asarray(
        np.linalg.solve(joined(to_left, -to_right), joined(-from_left, from_right)), complex
    )
    c = left.forward.vertical.shape[-1]
    return Scattering(
        reflection_left=amplitudes[..., :c, :c],
        transmission=amplitudes[..., c:, :c],
        reflection_right=amplitudes[..., c:, c:],
        transmission_back=amplitudes[..., :c, c:],
    )


def _stack(waves: WaveSet, compliance: Floats | None = None, omega: ArrayLike = 0.0) -> Complexes:
    """(..., 6, C): displacement, less the jump across springs, above traction; each row of order one."""
    a, ell = waves.displacement, waves.traction
    if compliance is not None:
        a = a - 1j * np.asarray(omega)[..., None, None] * (compliance @ ell)
        ell = np.broadcast_to(ell, a.shape)
    return np.concatenate([a, ell], axis=-2)


def energy_shares(amplitudes: Complexes, incoming: WaveSet, outgoing: WaveSet) -> Floats:
    """Energy flux [..., incident, outgoing] of outgoing waves for unit flux of incident ones.

    Zero where either wave does not propagate.
    """
    square = np.swapaxes(amplitudes.real**2 + amplitudes.imag**2, -1, -2)
    both = incoming.propagating[..., :, None] & outgoing.propagating[..., None, :]
    return np.where(both, square, 0.0)
