"""Acoustic mismatch of two half spaces: Ξ = ω² ∫ Σ_ij τ_ij(s∥) d²s∥ / (4π²).

At a flat interface frequency and in-plane slowness s∥ are conserved, and elastic waves know no length: the
transmissivity τ_ij from incident wave i to transmitted wave j depends on s∥ alone, so Ξ is ω² times a
constant until waves end at Debye's cut-offs (:mod:`latmm.continuum.cutoffs`).

Sources: W. A. Little, Can. J. Phys. 37, 334 (1959); E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605
(1989), Sec. II.

Symbols: ω = 2πν, s∥ → ``slowness`` (s/km = ps/nm), K_ij = ∫ τ_ij d²s∥/(4π²) → ``transmission_coefficients``
((ps nm⁻¹)²).
"""

from math import pi

import numpy as np
import xarray as xr

from latmm.arrays import Floats
from latmm.continuum.cutoffs import truncated_square_law
from latmm.continuum.isotropic import isotropic_scattering
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid, spectrum

__all__ = [
    "acoustic_mismatch_isotropic",
    "debye_channels",
    "isotropic_transmission_coefficients",
    "slowness_nodes",
]

_NODES = 128
"""Gauss nodes between neighbouring critical slownesses: 1e-12 for solids, 1e-8 for helium on copper."""


def slowness_nodes(speeds: Floats, count: int = _NODES) -> tuple[Floats, Floats]:
    """Quadrature over slowness for integrands with square-root edges at every critical slowness 1/c.

    Between neighbouring edges p = a + (b − a) sin²θ with Gauss-Legendre nodes in θ removes the roots.

    Parameters
    ----------
    speeds : (C,) float
        All speeds present, km s⁻¹; the largest slowness is that of the slowest.

    Returns
    -------
    slowness, weight : (N,) ndarray
        Nodes and weights, ps/nm.
    """
    edges = np.unique(np.concatenate([[0.0], 1.0 / speeds]))
    # edges of two nearly identical media closer than rounding are one
    edges = edges[np.append(True, np.diff(edges) > 1e-12 * edges[-1])]
    x, w = np.polynomial.legendre.leggauss(count)
    theta, w = 0.25 * pi * (x + 1.0), 0.25 * pi * w
    width = np.diff(edges)[:, None]
    nodes = edges[:-1, None] + width * np.sin(theta) ** 2
    return nodes.ravel(), (width * np.sin(2.0 * theta) * w).ravel()


def isotropic_transmission_coefficients(left: Medium, right: Medium) -> Floats:
    """Channels per area over ω² between the polarisations L, V, H of two isotropic media.

    Returns
    -------
    (3, 3) ndarray
        K_ij from i on the left to j on the right (and back), (ps nm⁻¹)².
    """
    speeds = np.array([c for medium in (left, right) for c in medium.speeds if c > 0])
    p, weight = slowness_nodes(speeds)
    scattering = isotropic_scattering(left, right, p)
    return np.asarray(np.einsum("p,pij->ij", weight * p, scattering.transmissivity) / (2.0 * pi))


def _cutoffs(medium: Medium) -> Floats:
    """Cut-offs of L, V, H, THz; a fluid's transverse waves, which carry nothing, get that of L."""
    values = medium.debye_frequencies()
    return np.array(values if len(values) == 3 else values * 3)


def debye_channels(medium: Medium, grid: FrequencyGrid) -> Floats:
    """Channels per area of an isotropic medium, nm⁻²: ω²/(4πc²) of each polarisation below its cut-off."""
    longitudinal, transverse = medium.speeds
    speeds = np.array([longitudinal] if medium.is_fluid else [longitudinal, transverse, transverse])
    return truncated_square_law(grid, 1.0 / (4.0 * pi * speeds**2), np.array(medium.debye_frequencies()))


def acoustic_mismatch_isotropic(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Acoustic mismatch of two isotropic media, all mode conversions and evanescent waves included.

    Parameters
    ----------
    left, right : Medium
        Isotropic solids or fluids. For a crystal pass :meth:`Medium.isotropic_average`.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`.
    """
    coefficients = isotropic_transmission_coefficients(left, right)
    cutoff = np.minimum(_cutoffs(left)[:, None], _cutoffs(right)[None, :])
    return spectrum(
        grid,
        truncated_square_law(grid, coefficients.ravel(), cutoff.ravel()),
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="amm-isotropic",
        description="acoustic mismatch of two isotropic media with mode conversion, Debye cut-offs",
    )
