"""Phonons of a crystal at given wave vectors: frequencies, group velocities, eigenvectors.

    D(q) e = ω² e,      v = ∂ω/∂k = e† (∂D/∂k) e / (2ω)

with D in the position gauge, so that the velocity is the expectation value of the analytic derivative
(Hellmann-Feynman). Degenerate modes are rotated to those with a definite velocity along z, the direction
that counts for an interface.

Symbols: q → ``qpoints`` (fractional), ν = ω/2π → ``frequency`` (THz), v → ``group_velocity`` (km s⁻¹).
"""

from dataclasses import dataclass

import numpy as np

from latmm.arrays import Complexes, Floats
from latmm.errors import InputError, InstabilityError
from latmm.lattice.force_constants import ForceConstants
from latmm.threads import single_threaded
from latmm.ties import canonical_turn
from latmm.units import EV_PER_A2_AMU, KM_PER_S_PER_A_THZ, TWO_PI

__all__ = ["Phonons", "density_of_states", "largest_frequency", "phonons", "q_mesh", "require_stable"]

_SOFT = 1e-3
"""Imaginary frequencies below this share of the largest frequency are rounding (ω² near 0 at Γ)."""


@dataclass(frozen=True)
class Phonons:
    """Phonons of a crystal with B = 3N branches at Q wave vectors.

    Attributes
    ----------
    qpoints : (Q, 3) float
        Wave vectors, fractional coordinates of the reciprocal cell.
    weights : (Q,) float
        Weights of the wave vectors, summing to one.
    frequency : (Q, B) float
        ν ascending at every q, THz; negative stands for imaginary.
    group_velocity : (Q, B, 3) float
        Cartesian ∂ω/∂k, km s⁻¹; zero where ω = 0.
    eigenvectors : (Q, 3N, B) complex
        Orthonormal columns in the position gauge.
    volume : float
        Volume of the cell, Å³.
    """

    qpoints: Floats
    weights: Floats
    frequency: Floats
    group_velocity: Floats
    eigenvectors: Complexes
    volume: float


@single_threaded
def phonons(force_constants: ForceConstants, qpoints: Floats, weights: Floats | None = None) -> Phonons:
    """Frequencies, analytic group velocities and eigenvectors.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal, N atoms.
    qpoints : (Q, 3) float
        Wave vectors, fractional.
    weights : (Q,) float, optional
        Relative weights, normalised here; equal by default.

    Returns
    -------
    Phonons

    Raises
    ------
    InputError
        If there are not as many weights as wave vectors.
    """
    q = np.atleast_2d(np.asarray(qpoints, dtype=float))
    w = np.full(len(q), 1.0) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (len(q),):
        raise InputError(f"{len(q)} wave vectors need as many weights, but there are {w.shape}")
    squares, vectors = np.linalg.eigh(force_constants.dynamical_matrix(q))
    omega = np.sign(squares) * np.sqrt(np.abs(squares) * EV_PER_A2_AMU)
    derivative = force_constants.dynamical_matrix_derivative(q)
    vectors = _definite_velocity(omega, vectors, derivative)
    slopes = np.einsum("qib,cqij,qjb->qbc", vectors.conj(), derivative, vectors, optimize=True).real
    tiny = np.abs(omega) <= 1e-7 * np.max(np.abs(omega))
    velocity = slopes * (EV_PER_A2_AMU / 2.0) / np.where(tiny, np.inf, omega)[..., None]
    return Phonons(
        qpoints=q,
        weights=w / w.sum(),
        frequency=omega / TWO_PI,
        group_velocity=velocity * KM_PER_S_PER_A_THZ,  # Å rad ps⁻¹ per rad = Å THz
        eigenvectors=vectors,
        volume=force_constants.volume,
    )


def _definite_velocity(omega: Floats, vectors: Complexes, derivative: Complexes) -> Complexes:
    """Rotate degenerate eigenvectors (Q, 3N, B) to a definite velocity, from ∂D/∂k (3, Q, 3N, 3N).

    Along z first; those of equal v_z have a definite v_x, then v_y; what is still equal takes a fixed form
    (:func:`latmm.ties.canonical_turn`).
    """
    near = np.diff(omega, axis=1) < 1e-6 * np.max(np.abs(omega))
    rotated = vectors.copy()
    for k in np.flatnonzero(near.any(axis=1)):
        scale = float(np.max(np.abs(derivative[:, k])))
        edges = np.flatnonzero(~near[k]) + 1
        for group in np.split(np.arange(omega.shape[1]), edges):
            if group.size > 1:
                parts = [vectors[k][:, group]]
                for axis in (2, 0, 1):
                    parts = [p for part in parts for p in _by_slope(part, derivative[axis, k], 1e-6 * scale)]
                rotated[k][:, group] = np.concatenate([u @ canonical_turn(u) for u in parts], axis=1)
    return rotated


def _by_slope(u: Complexes, derivative: Complexes, tolerance: float) -> list[Complexes]:
    """Turn vectors (n, s) to those that diagonalise a derivative (n, n), apart where it differs."""
    if u.shape[1] == 1:
        return [u]
    slopes, turn = np.linalg.eigh(u.conj().T @ derivative @ u)
    return np.split(u @ turn, np.flatnonzero(np.diff(slopes) > tolerance) + 1, axis=1)


def q_mesh(mesh: tuple[int, int, int], *, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Floats:
    """Uniform mesh over the whole reciprocal cell, (N1·N2·N3, 3) fractional, last axis fastest.

    ``shift`` is in units of the mesh spacing: (½, ½, ½) gives midpoints.
    """
    if len(mesh) != 3 or any(int(n) != n or n < 1 for n in mesh):
        raise InputError(f"a q mesh needs three positive integers, but is {mesh}; use e.g. (24, 24, 24)")
    axes = [(np.arange(n) + s) / n for n, s in zip(mesh, shift, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def largest_frequency(force_constants: ForceConstants, mesh: tuple[int, int, int] = (12, 12, 12)) -> float:
    """Largest phonon frequency on a Γ-centred mesh, THz."""
    return float(np.sqrt(_squares(force_constants, mesh)[1].max() * EV_PER_A2_AMU) / TWO_PI)


def require_stable(
    force_constants: ForceConstants, name: str, mesh: tuple[int, int, int] = (8, 8, 8)
) -> float:
    """Check that a crystal has no imaginary modes on a Γ-centred mesh.

    Returns
    -------
    float
        The most negative ω² relative to the largest size: rounding, where the crystal is stable.

    Raises
    ------
    InstabilityError
        Naming the largest imaginary frequency and where it is.
    """
    if force_constants.scale == 0.0:
        raise InstabilityError(
            f"{name} has no force constants: its atoms are beyond the reach of the potential; "
            "check its lattice constant, or relax the structure (`relax=True`)"
        )
    q, squares = _squares(force_constants, mesh)
    lowest = int(np.argmin(squares.min(axis=1)))
    ratio = float(squares.min() / np.abs(squares).max())
    if ratio < -(_SOFT**2):
        imaginary = np.sqrt(-squares.min() * EV_PER_A2_AMU) / TWO_PI
        where = np.array2string(q[lowest] - np.round(q[lowest] - 1e-9), precision=3, suppress_small=True)
        raise InstabilityError(
            f"{name} is unstable with this potential: imaginary mode {imaginary:.2f}i THz at q = {where}; "
            "relax the structure (`relax=True`), check its lattice constant, or use a potential made for it"
        )
    return ratio


def _squares(force_constants: ForceConstants, mesh: tuple[int, int, int]) -> tuple[Floats, Floats]:
    q = q_mesh(mesh)
    return q, np.asarray(np.linalg.eigvalsh(force_constants.dynamical_matrix(q)), dtype=float)


@single_threaded
def density_of_states(
    force_constants: ForceConstants, frequency: Floats, mesh: tuple[int, int, int] = (24, 24, 24)
) -> Floats:
    """Phonon density of states per cell.

    Each phonon of a shifted mesh is spread over the range of ν inside its mesh cell (a Gaussian of width
    ``|v·Δq|``/√12), which resolves slopes without an adjustable smearing. Integrates to 3N.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal, N atoms.
    frequency : (F,) ndarray
        ν, THz, ascending.
    mesh : (3,) int
        Wave vectors along each reciprocal vector.

    Returns
    -------
    (F,) ndarray
        THz⁻¹.
    """
    q = q_mesh(mesh, shift=(0.5, 0.5, 0.5))
    modes = phonons(force_constants, q)
    reciprocal = TWO_PI * force_constants.atoms.cell.reciprocal().array / np.array(mesh)[:, None]
    # change of ν across a mesh cell along each of its three edges, THz
    change = modes.group_velocity @ reciprocal.T / (TWO_PI * KM_PER_S_PER_A_THZ)
    spacing = float(np.min(np.diff(frequency))) if frequency.size > 1 else 0.0
    width = np.sqrt((change**2).sum(axis=-1) / 12.0 + (0.5 * spacing) ** 2).ravel()
    centre = modes.frequency.ravel()
    total = np.zeros(frequency.size)
    for i, nu in enumerate(frequency):
        x = (nu - centre) / width
        total[i] = np.exp(-0.5 * x**2) @ (1.0 / width)
    return np.asarray(total / (np.sqrt(TWO_PI) * len(q)))
