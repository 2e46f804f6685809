"""Plane waves at the welded contact of two isotropic media: every mode conversion, in closed form.

A wave u = d exp[iω(p x + q z − t)] of horizontal slowness p meets the plane z = 0. Longitudinal (L) and
vertically polarised transverse (V) waves convert into each other, horizontally polarised ones (H) do not.
The vertical slowness q = (1/c² − p²)^½ is taken with Im q ≥ 0: waves that cannot propagate decay away from
the interface. The energy flux along z of a wave of displacement amplitude d is ½ω²ρc² Re(q)|d|², hence

    transmissivity  τ_ij = ρ_j c_j² Re q_j |t_ij|² / (ρ_i c_i² q_i),   Σ_j (ρ_ij + τ_ij) = 1.

Sources: K. Aki and P. G. Richards, Quantitative Seismology, 2nd ed. (2002), Eqs. (5.33)-(5.34), (5.39)-(5.40)
for solid | solid; L. M. Brekhovskikh, Waves in Layered Media (1980), Sec. 4 for fluid | solid.

Symbols: p → ``slowness`` (s/km), (ρ, α, β) → density, longitudinal and transverse speed (g cm⁻³, km s⁻¹).
Channels are ordered L, V, H; arrays are indexed [..., incident, outgoing]. A fluid has only L.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Complexes, Floats
from latmm.continuum.media import Medium

__all__ = ["IsotropicScattering", "isotropic_scattering", "vertical_slowness"]


@dataclass(frozen=True)
class IsotropicScattering:
    """Fate of unit energy flux that arrives at an interface, by polarisation (L, V, H).

    Attributes
    ----------
    reflectivity : (..., 3, 3) float
        From incident i of the left medium into j of the left medium.
    transmissivity : (..., 3, 3) float
        From incident i of the left medium into j of the right medium; by reciprocity also from j to i.
    reflection, transmission : (..., 3, 3) complex
        Displacement amplitudes; where the incident wave cannot propagate they belong to an evanescent one.
        (L, V) as in Aki and Richards. For a fluid, L is the amplitude of displacement as well.
    """

    reflectivity: Floats
    transmissivity: Floats
    reflection: Complexes
    transmission: Complexes


def vertical_slowness(speed: float, slowness: ArrayLike) -> Complexes:
    """Vertical slowness q of a wave, s/km, on the branch that decays or runs away from the interface."""
    p = np.asarray(slowness, dtype=float)
    # (1/c − p)(1/c + p) keeps its digits near the critical slowness
    return np.asarray(np.sqrt(((1.0 / speed - p) * (1.0 / speed + p)).astype(complex)))


def isotropic_scattering(left: Medium, right: Medium, slowness: ArrayLike) -> IsotropicScattering:
    """Reflection and transmission of waves that arrive from the left.

    Parameters
    ----------
    left, right : Medium
        Isotropic solids or fluids.
    slowness : (...) array_like
        Horizontal slowness p ≥ 0, s/km.

    Returns
    -------
    IsotropicScattering
        Zero flux from incident waves that do not propagate.
    """
    p = np.asarray(slowness, dtype=float)
    flux = [_fluxes(medium, p) for medium in (left, right)]
    if left.is_fluid and right.is_fluid:
        r, t = _fluid_fluid(left, right, p)
    elif left.is_fluid:
        r, t = _fluid_solid(left, right, p)
    elif right.is_fluid:
        r, t = _solid_fluid(left, right, p)
    else:
        r, t = _solid_solid(left, right, p)
    incident = flux[0][..., :, None]
    fraction = np.divide(1.0, incident, out=np.zeros_like(incident), where=incident > 0)
    return IsotropicScattering(
        reflectivity=_square(r) * fraction * flux[0][..., None, :],
        transmissivity=_square(t) * fraction * flux[1][..., None, :],
        reflection=r,
        transmission=t,
    )


def _square(z: Complexes) -> Floats:
    return np.asarray(z.real**2 + z.imag**2)


def _fluxes(medium: Medium, p: Floats) -> Floats:
    """Energy flux ρ c² Re q of unit amplitude for L, V, H; zero where the wave is evanescent or absent."""
    longitudinal, transverse = medium.speeds
    flux = np.zeros((*p.shape, 3))
    flux[..., 0] = medium.density * longitudinal**2 * vertical_slowness(longitudinal, p).real
    if transverse > 0:
        shear = medium.density * transverse**2 * vertical_slowness(transverse, p).real
        flux[..., 1] = flux[..., 2] = shear
    return flux


def _solid_solid(left: Medium, right: Medium, p: Floats) -> tuple[Complexes, Complexes]:
    """Amplitudes between two solids, Aki and Richards (5.33) for H and (5.40) for L, V; their letters."""
    rho1, (alpha1, beta1) = left.density, left.speeds
    rho2, (alpha2, beta2) = right.density, right.speeds
    qa1, qb1 = vertical_slowness(alpha1, p), vertical_slowness(beta1, p)
    qa2, qb2 = vertical_slowness(alpha2, p), vertical_slowness(beta2, p)
    p2 = p * p
    mu1, mu2 = rho1 * beta1**2, rho2 * beta2**2
    a = rho2 - rho1 - 2 * (mu2 - mu1) * p2
    b = rho2 - 2 * (mu2 - mu1) * p2
    c = rho1 + 2 * (mu2 - mu1) * p2
    d = 2 * (mu2 - mu1)
    e = b * qa1 + c * qa2
    f = b * qb1 + c * qb2
    g = a - d * qa1 * qb2
    h = a - d * qa2 * qb1
    inverse = 1.0 / (e * f + g * h * p2)
    r, t = np.zeros((*p.shape, 3, 3), complex), np.zeros((*p.shape, 3, 3), complex)
    convert = 2 * (a * b + c * d * qa2 * qb2) * p * inverse
    r[..., 0, 0] = ((b * qa1 - c * qa2) * f - (a + d * qa1 * qb2) * h * p2) * inverse
    r[..., 0, 1] = -qa1 * (alpha1 / beta1) * convert
    r[..., 1, 0] = -qb1 * (beta1 / alpha1) * convert
    r[..., 1, 1] = -((b * qb1 - c * qb2) * e - (a + d * qa2 * qb1) * g * p2) * inverse
    from_l, from_v = 2 * rho1 * qa1 * inverse, 2 * rho1 * qb1 * inverse
    t[..., 0, 0] = from_l * f * (alpha1 / alpha2)
    t[..., 0, 1] = from_l * h * p * (alpha1 / beta2)
    t[..., 1, 0] = -from_v * g * p * (beta1 / alpha2)
    t[..., 1, 1] = from_v * e * (beta1 / beta2)
    inverse = 1.0 / (mu1 * qb1 + mu2 * qb2)
    r[..., 2, 2] = (mu1 * qb1 - mu2 * qb2) * inverse
    t[..., 2, 2] = 2 * mu1 * qb1 * inverse
    return r, t


def _contact(solid: Medium, fluid: Medium, p: Floats) -> tuple[Complexes, ...]:
    """Vertical slownesses q_α, q_β, q_f, the factor 1 − 2β²p², and q_α q_f (Z_solid + Z_fluid).

    Z_solid = ρ[(1 − 2β²p²)²/q_α + 4β⁴p² q_β] is the normal impedance of the sliding surface (Brekhovskikh's
    Z_l cos²2γ + Z_t sin²2γ), Z_fluid = ρ_f/q_f. Multiplied out, nothing diverges at a critical slowness.
    """
    alpha, beta = solid.speeds
    qa, qb = vertical_slowness(alpha, p), vertical_slowness(beta, p)
    qf = vertical_slowness(fluid.speeds.longitudinal, p)
    bend = (1.0 - 2.0 * beta**2 * p * p).astype(complex)
    total = solid.density * qf * (bend**2 + 4.0 * beta**4 * p * p * qa * qb) + fluid.density * qa
    return qa, qb, qf, bend, total


def _fluid_solid(fluid: Medium, solid: Medium, p: Floats) -> tuple[Complexes, Complexes]:
    """Sound of a fluid on a solid: R = (Z_solid − Z_fluid)/(Z_solid + Z_fluid)."""
    alpha, beta = solid.speeds
    qa, _, qf, bend, total = _contact(solid, fluid, p)
    r, t = np.zeros((*p.shape, 3, 3), complex), np.zeros((*p.shape, 3, 3), complex)
    pressure = 2.0 * fluid.density * fluid.speeds.longitudinal * qf / total
    r[..., 0, 0] = 1.0 - 2.0 * fluid.density * qa / total
    t[..., 0, 0] = pressure * bend / alpha
    t[..., 0, 1] = -2.0 * beta * p * pressure * qa
    return r, t


def _solid_fluid(solid: Medium, fluid: Medium, p: Floats) -> tuple[Complexes, Complexes]:
    """Waves of a solid on a fluid; H is reflected whole."""
    alpha, beta = solid.speeds
    qa, qb, qf, bend, total = _contact(solid, fluid, p)
    r, t = np.zeros((*p.shape, 3, 3), complex), np.zeros((*p.shape, 3, 3), complex)
    scale = 2.0 * solid.density / total
    r[..., 0, 0] = 1.0 - scale * bend**2 * qf
    r[..., 0, 1] = scale * 2.0 * alpha * beta * p * qa * bend * qf
    r[..., 1, 0] = scale * 2.0 * beta**3 / alpha * p * qb * bend * qf
    r[..., 1, 1] = 1.0 - scale * 4.0 * beta**4 * p * p * qa * qb * qf
    r[..., 2, 2] = 1.0
    t[..., 0, 0] = scale * alpha * bend * qa / fluid.speeds.longitudinal
    t[..., 1, 0] = -scale * 2.0 * beta**3 * p * qb * qa / fluid.speeds.longitudinal
    return r, t


def _fluid_fluid(left: Medium, right: Medium, p: Floats) -> tuple[Complexes, Complexes]:
    """Sound between two fluids (Rayleigh)."""
    q1 = vertical_slowness(left.speeds.longitudinal, p)
    q2 = vertical_slowness(right.speeds.longitudinal, p)
    r, t = np.zeros((*p.shape, 3, 3), complex), np.zeros((*p.shape, 3, 3), complex)
    total = left.density * q2 + right.density * q1
    r[..., 0, 0] = (right.density * q1 - left.density * q2) / total
    t[..., 0, 0] = 2.0 * left.density * q1 / total * (left.speeds.longitudinal / right.speeds.longitudinal)
    return r, t
