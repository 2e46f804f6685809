"""Stiffness of a crystal from its force constants: the long-wave limit with internal relaxation.

For k → 0 the sublattices move as u_i = a + w_i, w_i of order k. With the moments of the force constants in
the position gauge, Φ(k) = Φ⁰ + i k_γ F^γ − ½ k_γ k_λ S^γλ, and ρ the density, the static response
w = −(Φ⁰)⁺ i k_γ F^γ a gives (second-order perturbation)

    ρ ω² a_α = A_αβγλ k_γ k_λ a_β,
    A_αβγλ = −(1/V) Σ_ij [½ S^γλ_ij + (F^γ)ᵀ (Φ⁰)⁺ F^λ]_αβ, symmetrised in γλ.

In a crystal under a homogeneous initial stress σ the same coefficients are

    A_αβγλ = ½ (C_αγβλ + C_αλβγ) + δ_αβ σ_γλ,

so C (21 constants) and σ follow from A (36) by linear algebra. A hydrostatic σ cannot be told from a change
of C by waves alone; it is fixed by σ_nn = 0, the crystal being relaxed along the normal n of the interface.
What the two cannot represent is a violation of rotational invariance (Huang's conditions) by the force
constants and is reported as ``residual``.

Sources: M. Born and K. Huang, Dynamical Theory of Crystal Lattices (1954), Secs. 26-27; D. C. Wallace,
Thermodynamics of Crystals (1972), Sec. 2 (waves under initial stress).

Symbols: A → ``wave_tensor`` (GPa), C → ``stiffness`` (6, 6) Voigt (GPa), σ → ``stress`` (GPa, tension
positive). No macroscopic electric field is included (stiffness at zero field).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.lattice.dynamics import phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.units import AMU_PER_A3, EV_PER_A3, KM_PER_S_PER_A_THZ, TWO_PI

__all__ = [
    "VOIGT",
    "Elasticity",
    "elasticity",
    "mean_stiffness",
    "slope_error",
    "stiffness_tensor",
    "wave_tensor",
]

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Voigt's order of index pairs: xx, yy, zz, yz, xz, xy."""

_INDEX = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
_LARGEST_RESIDUAL = 0.02
"""Violation of rotational invariance, relative to the largest A, above which C has no meaning."""


@dataclass(frozen=True)
class Elasticity:
    """Elastic constants of a crystal about its present, possibly strained, state.

    Attributes
    ----------
    stiffness : (6, 6) float
        C in Voigt's notation, Cartesian axes of the crystal's cell, GPa.
    stress : (3, 3) float
        Initial stress, GPa, tension positive; zero along the normal.
    residual : float
        Largest part of A that C and σ cannot represent, relative to the largest A.
    """

    stiffness: Floats
    stress: Floats
    residual: float


def stiffness_tensor(stiffness: ArrayLike) -> Floats:
    """Expand Voigt's (..., 6, 6) into the tensor C_ijkl (..., 3, 3, 3, 3)."""
    return np.asarray(stiffness, dtype=float)[..., _INDEX[:, :, None, None], _INDEX[None, None, :, :]]


def wave_tensor(force_constants: ForceConstants) -> Floats:
    """Coefficients of long acoustic waves.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal, N atoms.

    Returns
    -------
    (3, 3, 3, 3) float
        A_αβγλ, GPa: ρ ω² a_α = A_αβγλ k_γ k_λ a_β; symmetric in αβ and in γλ.
    """
    n = len(force_constants.atoms)
    phi, r = force_constants.values, force_constants.vectors
    second = np.einsum("rijab,rijc,rijd->abcd", phi, r, r, optimize=True)
    first = np.einsum("rijab,rijc->iabc", phi, r, optimize=True).reshape(3 * n, 3, 3)
    static = phi.sum(axis=0).transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
    if force_constants.dipoles is not None:
        value, slope, bend = force_constants.dipoles.moments
        static = static + value.reshape(3 * n, 3 * n)
        first = first + slope.sum(axis=3).imag.transpose(1, 2, 3, 0).reshape(3 * n, 3, 3)
        second = second - bend.sum(axis=(2, 4)).transpose(2, 3, 0, 1)
    relaxed = np.tensordot(_pseudo_inverse(static, force_constants.scale), first, axes=1)
    tensor = -0.5 * second - np.einsum("xac,xbd->abcd", first, relaxed)
    tensor = 0.5 * (tensor + tensor.transpose(0, 1, 3, 2))
    tensor = 0.5 * (tensor + tensor.transpose(1, 0, 2, 3))
    return np.asarray(tensor * (EV_PER_A3 / force_constants.volume))


def _pseudo_inverse(static: Floats, scale: float) -> Floats:
    """Inverse of Φ⁰ (3N, 3N) on the relative displacements; the three translations give zero."""
    values, vectors = np.linalg.eigh(0.5 * (static + static.T))
    order = np.argsort(np.abs(values))
    keep = order[3:]
    if keep.size and np.min(np.abs(values[keep])) < 1e-8 * scale:
        raise InputError(
            "the atoms of the cell can move against each other without any restoring force, "
            "so the crystal has no stiffness; check its force constants"
        )
    return np.asarray((vectors[:, keep] / values[keep]) @ vectors[:, keep].T)


def mean_stiffness(stiffness: Floats) -> float:
    """Mean of ρc² over all directions and polarisations: C_ijij/9, the same in any axes.

    In Voigt's notation [C11 + C22 + C33 + 2 (C44 + C55 + C66)]/9 of a stiffness (6, 6): one number for the
    strength of all bonds, in the unit given.
    """
    c = np.asarray(stiffness, dtype=float)
    return float(c[0, 0] + c[1, 1] + c[2, 2] + 2.0 * (c[3, 3] + c[4, 4] + c[5, 5])) / 9.0


def elasticity(force_constants: ForceConstants, normal: ArrayLike = (0.0, 0.0, 1.0)) -> Elasticity:
    """Stiffness and initial stress of a crystal.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal as it is, strained or not.
    normal : (3,) array_like
        Cartesian direction along which the crystal is free of stress.

    Returns
    -------
    Elasticity

    Raises
    ------
    InputError
        If the force constants break rotational invariance so strongly (2 % of A) that no C exists.
    """
    tensor = wave_tensor(force_constants)
    n = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    columns = []
    for i in range(6):
        for j in range(i, 6):
            unit = np.zeros((6, 6))
            unit[i, j] = unit[j, i] = 1.0
            c = stiffness_tensor(unit)
            columns.append(0.5 * (c.transpose(0, 2, 1, 3) + c.transpose(0, 2, 3, 1)))
    for i, j in VOIGT:
        unit = np.zeros((3, 3))
        unit[i, j] = unit[j, i] = 1.0
        columns.append(np.multiply.outer(np.eye(3), unit))
    design = np.array(columns).reshape(27, 81).T
    scale = float(np.max(np.abs(tensor)))
    pinned = np.zeros((1, 27))
    pinned[0, 21:] = [n[i] * n[j] * (1.0 if i == j else 2.0) for i, j in VOIGT]
    fit = np.linalg.lstsq(np.vstack([design, pinned]), np.append(tensor.ravel() / scale, 0.0), rcond=None)[0]
    residual = float(np.max(np.abs(design @ fit - tensor.ravel() / scale)))
    if residual > _LARGEST_RESIDUAL:
        raise InputError(
            f"the force constants break rotational invariance by {100 * residual:.1f} % of the stiffness, so "
            "no elastic constants exist; use a larger supercell or force constants with Huang's conditions"
        )
    stiffness = np.zeros((6, 6))
    stiffness[np.triu_indices(6)] = fit[:21]
    stiffness = (stiffness + stiffness.T - np.diag(np.diag(stiffness))) * scale
    stress = fit[21:][_INDEX] * scale
    return Elasticity(stiffness=stiffness, stress=stress, residual=residual)


def slope_error(force_constants: ForceConstants, constants: Elasticity, *, count: int = 20) -> float:
    """Largest relative difference between the speeds of the elastic constants and the slopes ω/k.

    The slopes are taken along random directions at a wave vector of 2e-3 of the shortest reciprocal vector,
    where the bending of the dispersion is of the order of 1e-6. The macroscopic field, which stiffens
    piezoelectric crystals, is left out of both.
    """
    rays = np.random.default_rng(0).normal(size=(count, 3))
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    atoms = force_constants.atoms
    k = 2e-3 * TWO_PI * float(np.min(np.linalg.norm(atoms.cell.reciprocal().array, axis=1)))
    moduli = stiffness_tensor(constants.stiffness) + np.einsum("ik,jl->ijkl", np.eye(3), constants.stress)
    squares = np.linalg.eigvalsh(np.einsum("ijkl,nj,nl->nik", moduli, rays, rays))
    speed = np.sqrt(np.abs(squares) / (force_constants.density * AMU_PER_A3))
    modes = phonons(force_constants.at_zero_field, k * rays @ atoms.cell.array.T / TWO_PI)
    slope = modes.frequency[:, :3] * TWO_PI / k * KM_PER_S_PER_A_THZ
    return float(np.max(np.abs(slope / speed - 1.0)))
