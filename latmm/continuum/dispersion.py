"""Phonon channels of a crystal along a direction, from the full dispersion of its force constants.

    M(ν) = ½ Σ_b ∫_BZ d³k/(2π)³ 2π δ(ω − ω_b(k)) |v_b(k)·n|

counts the Bloch modes per area that run one way through a plane of normal n. Two quadratures share the
work, each where it is accurate:

- Away from ω = 0 the whole Brillouin zone is divided into cells in which the dispersion is linear; a cell's
  δ function becomes the spread of ω inside it (J. G. Gilat and L. J. Raubenheimer, Phys. Rev. 144, 390
  (1966)), taken as a Gaussian of the same variance. The inner eighth of the zone is divided twice as finely.
  The whole zone is needed: an irreducible mesh with weights does not keep |v·n|.
- Below nine tenths of the lowest frequency outside that inner eighth, only acoustic waves around Γ exist.
  There M/ω² is a smooth even function of ω, found from the isofrequency surfaces along rays,

      M(ω) = (1/8π²) Σ_b ∫ dΩ k² |v·n| / |v·k̂|,      ω_b(k k̂) = ω,

  and from the slowness surface of the elastic medium at ω = 0. This holds down to any temperature.

Symbols: ν → ``frequency`` (THz), M → channels (nm⁻²), n → ``normal``, v → group velocity (km s⁻¹).
"""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Floats, Integers
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.errors import ConvergenceError
from latmm.landauer import FrequencyGrid
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.units import KM_PER_S_PER_A_THZ, TWO_PI

__all__ = ["ModeSample", "branch_channels", "channels", "elastic_channels", "hemisphere", "sample_modes"]

_PER_ATOM = 36**3
"""Wave vectors in the zone of a one-atom cell at the default resolution."""
_REACH = 6.5
"""Standard deviations at which a Gaussian ends: a fraction of 1e-10 is left out."""
_BATCH = 4096
"""Wave vectors solved at once: bounds the memory."""


@dataclass(frozen=True)
class ModeSample:
    """Phonons of the Brillouin zone, each standing for a cell of it.

    Attributes
    ----------
    frequency : (W,) float
        THz.
    width : (W,) float
        Standard deviation of ν inside the cell, THz.
    velocity : (W,) float
        |v·n|, km s⁻¹.
    volume : (W,) float
        Volume of the cell over (2π)³, nm⁻³ (both time-reversed partners together).
    branch : (W,) int
        Index of the branch, in ascending order of frequency.
    low_limit : float
        Frequency below which only acoustic waves around Γ exist, THz.
    """

    frequency: Floats
    width: Floats
    velocity: Floats
    volume: Floats
    branch: Integers
    low_limit: float


def _counts(force_constants: ForceConstants, resolution: float) -> tuple[int, int, int]:
    """Even subdivisions of the three reciprocal vectors, in proportion to their lengths."""
    lengths = np.linalg.norm(force_constants.atoms.cell.reciprocal().array, axis=1)
    total = _PER_ATOM * resolution**3 / len(force_constants.atoms)
    scale = (total / np.prod(lengths)) ** (1.0 / 3.0)
    first, second, third = (max(4, 4 * round(0.25 * float(n))) for n in scale * lengths)
    return first, second, third


def sample_modes(
    force_constants: ForceConstants, normal: ArrayLike, *, resolution: float = 1.0
) -> ModeSample:
    """Phonons of the whole zone, in cells that halve twice towards Γ.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal.
    normal : (3,) array_like
        Direction n, Cartesian.
    resolution : float
        Factor on the linear density of wave vectors.
    """
    counts = _counts(force_constants, resolution)
    n = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    whole = q_mesh(counts, shift=(0.5, 0.5, 0.5))
    whole = whole[: len(whole) // 2]  # q and −q carry the same modes
    centred = whole - np.rint(whole)
    outside = np.any(np.abs(centred) > 0.25, axis=1)
    parts = [(centred[outside], 1.0), (0.5 * centred[outside], 0.5), (0.25 * centred, 0.25)]
    reciprocal = TWO_PI * force_constants.atoms.cell.reciprocal().array / np.array(counts)[:, None]
    cell = 2.0 * abs(np.linalg.det(reciprocal)) / TWO_PI**3 * 1e3  # Å⁻³ to nm⁻³
    collected: list[list[Floats]] = []
    low = np.inf
    for index, (q, scale) in enumerate(parts):
        for start in range(0, len(q), _BATCH):
            modes = phonons(force_constants, q[start : start + _BATCH])
            change = modes.group_velocity @ (scale * reciprocal.T) / (TWO_PI * KM_PER_S_PER_A_THZ)
            collected.append(
                [
                    modes.frequency.ravel(),
                    np.sqrt((change**2).sum(axis=-1) / 12.0).ravel(),
                    np.abs(modes.group_velocity @ n).ravel(),
                    np.full(modes.frequency.size, cell * scale**3),
                    np.tile(np.arange(modes.frequency.shape[1], dtype=float), len(modes.frequency)),
                ]
            )
            lowest = modes.frequency[:, 0] if index == 0 else modes.frequency[:, 3:]
            low = min(low, float(np.min(lowest, initial=np.inf)))
    frequency, width, velocity, volume, branch = (np.concatenate(x) for x in zip(*collected, strict=True))
    return ModeSample(frequency, width, velocity, volume, branch.astype(np.int64), low)


def hemisphere(polar: int, azimuthal: int) -> tuple[Floats, Floats]:
    """Directions of the half sphere about z, with weights that sum to 2π.

    Gauss-Legendre in cos θ between 0 and 1, uniform in azimuth.
    """
    x, w = np.polynomial.legendre.leggauss(polar)
    cosine, w = 0.5 * (x + 1.0), 0.5 * w
    phi = TWO_PI * (np.arange(azimuthal) + 0.5) / azimuthal
    sine = np.sqrt(1.0 - cosine**2)
    directions = np.stack(
        [
            np.multiply.outer(sine, np.cos(phi)),
            np.multiply.outer(sine, np.sin(phi)),
            np.multiply.outer(cosine, np.ones(azimuthal)),
        ],
        axis=-1,
    )
    return directions.reshape(-1, 3), np.repeat(w * TWO_PI / azimuthal, azimuthal)


def elastic_channels(medium: Medium, normal: ArrayLike = (0.0, 0.0, 1.0)) -> Floats:
    """Channels per area over ω² of the three slowness sheets of a medium, without cut-off.

    Returns
    -------
    (3,) ndarray
        By sheet, slowest first, (ps nm⁻¹)²; 1/(4π c²) each where the medium is isotropic.
    """
    local, weight = hemisphere(96, 192)
    directions = local @ rotation_to_normal(normal)
    speed, polarisation = medium.christoffel(directions)
    # energy velocity v_l = B_ijkl a_i s_j a_k / ρ; v·ŝ = c
    energy = np.einsum(
        "ijkl,nib,nj,nkb->nbl", medium.moduli, polarisation, directions, polarisation, optimize=True
    ) / (medium.density * speed[..., None])
    n = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(speed > 0, np.abs(energy @ n) / speed**3, 0.0)
    return np.asarray(2.0 * weight @ terms / (8.0 * pi**2))


def channels(
    force_constants: ForceConstants,
    grid: FrequencyGrid,
    *,
    normal: ArrayLike = (0.0, 0.0, 1.0),
    resolution: float = 1.0,
) -> Floats:
    """Channels per area of a crystal along a direction, all branches together.

    Parameters as in :func:`branch_channels`.

    Returns
    -------
    (F,) ndarray
        M, nm⁻².
    """
    return np.asarray(
        branch_channels(force_constants, grid, normal=normal, resolution=resolution).sum(axis=0)
    )


def branch_channels(
    force_constants: ForceConstants,
    grid: FrequencyGrid,
    *,
    normal: ArrayLike = (0.0, 0.0, 1.0),
    resolution: float = 1.0,
) -> Floats:
    """Channels per area of every branch of a crystal along a direction.

    Parameters
    ----------
    force_constants : ForceConstants
        Of the crystal; its cell is the primitive cell.
    grid : FrequencyGrid
        F frequencies, THz.
    normal : (3,) array_like
        Direction n, Cartesian.
    resolution : float
        Factor on the linear density of wave vectors.

    Returns
    -------
    (B, F) ndarray
        M by branch in ascending order of frequency, nm⁻²: two transverse acoustic, the longitudinal
        acoustic, the optical branches.
    """
    sample = sample_modes(force_constants, normal, resolution=resolution)
    limit = 0.9 * sample.low_limit
    total = _spread(sample, grid)
    low = grid.frequency < limit
    if low.any():
        coefficients = _long_wave_series(force_constants, normal, limit)
        nu = grid.frequency[low]
        total[:3, low] = nu**2 * np.polynomial.polynomial.polyval((nu / limit) ** 2, coefficients)
        total[3:, low] = 0.0
    return total


def _spread(sample: ModeSample, grid: FrequencyGrid) -> Floats:
    """Channels per area (B, F), nm⁻², of a sample of modes at the nodes of a grid."""
    nu = grid.frequency
    edges = np.concatenate([[0.0], 0.5 * (nu[1:] + nu[:-1])])
    own = np.diff(np.append(edges, 2 * nu[-1] - edges[-1])) ** 2 / 12.0
    # 2π δ(ω) = δ(ν); km/s = nm THz
    weight = 0.5 * sample.volume * sample.velocity / np.sqrt(TWO_PI)
    total = np.zeros((int(sample.branch.max()) + 1, nu.size))
    order = np.argsort(sample.frequency)
    centre, spread, weight = sample.frequency[order], sample.width[order] ** 2, weight[order]
    branch = sample.branch[order]
    reach = _REACH * np.sqrt(float(spread.max()) + own)
    first, last = np.searchsorted(centre, nu - reach), np.searchsorted(centre, nu + reach)
    for i, (a, b) in enumerate(zip(first, last, strict=True)):
        variance = spread[a:b] + own[i]
        square = (nu[i] - centre[a:b]) ** 2 / variance
        near = square < _REACH**2
        values = np.exp(-0.5 * square[near]) * weight[a:b][near] / np.sqrt(variance[near])
        total[:, i] = np.bincount(branch[a:b][near], values, len(total))
    return total


def _long_wave_series(force_constants: ForceConstants, normal: ArrayLike, limit: float) -> Floats:
    """Coefficients (5, 3) of M/ν² of the acoustic branches in powers of (ν/limit)², nm⁻² THz⁻²."""
    medium = Medium.from_force_constants(force_constants, normal=normal)
    fractions = np.array([0.45, 0.7, 0.88, 1.0])
    values = [elastic_channels(medium, normal) * TWO_PI**2]
    values += [
        _radial_channels(force_constants, medium, normal, x * limit) / (x * limit) ** 2 for x in fractions
    ]
    nodes = np.append(0.0, fractions**2)
    return np.asarray(np.polynomial.polynomial.polyfit(nodes, np.array(values), 4))


def _radial_channels(
    force_constants: ForceConstants, medium: Medium, normal: ArrayLike, frequency: float
) -> Floats:
    """Channels per area (3,), nm⁻², of the acoustic branches from their isofrequency surfaces around Γ."""
    local, weight = hemisphere(16, 32)
    n = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    directions = local @ rotation_to_normal(normal)
    cell = force_constants.atoms.cell.array
    speed, _ = medium.christoffel(directions)
    k = 0.1 * TWO_PI * frequency / speed  # Å⁻¹, (N, 3)
    branch = np.arange(3)
    for _ in range(30):
        vectors = (k[..., None] * directions[:, None, :]).reshape(-1, 3)
        modes = phonons(force_constants, vectors @ cell.T / TWO_PI)
        pick = (np.arange(len(vectors)), np.tile(branch, len(directions)))
        nu = modes.frequency[pick].reshape(k.shape)
        velocity = modes.group_velocity[pick].reshape(*k.shape, 3)
        along = np.einsum("nbx,nx->nb", velocity, directions)
        if np.max(np.abs(nu / frequency - 1.0)) < 1e-6:
            break
        k = k + np.clip(0.1 * TWO_PI * (frequency - nu) / along, -0.2 * k, 0.2 * k)
    else:
        raise ConvergenceError(
            f"no closed isofrequency surface of the acoustic branches at {frequency:.3g} THz; "
            "the crystal may be unstable close to Γ"
        )
    terms = (10.0 * k) ** 2 * np.abs(velocity @ n) / np.abs(along)
    return np.asarray(2.0 * weight @ terms / (8.0 * pi**2))
