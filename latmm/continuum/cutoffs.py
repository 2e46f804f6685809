"""Debye's cut-offs on a frequency grid.

A wave that ends at its cut-off counts at the nodes below it, and in proportion at the node whose cell of the
quadrature contains it: integrals over frequency then converge with the second order of the grid's spacing,
and are exact where a panel of a Gauss quadrature ends at the cut-off.
A pair of waves, one on each side, is open below the lower of its two cut-offs. As that rule is symmetric,
reciprocity holds, and no side transmits more channels than it has: Ξ ≤ min(M_left, M_right) at every node.
What is not linear in the channels, as the diffuse mismatch, is averaged over the parts of a cell: averaging
the channels first errs by the first order of the spacing.
"""

from math import pi

import numpy as np

from latmm.arrays import Floats
from latmm.continuum.media import Medium
from latmm.continuum.stroh import WaveSet, wave_slowness
from latmm.landauer import FrequencyGrid
from latmm.units import TWO_PI

__all__ = ["PARTS", "cell_parts", "open_share", "sphere_channels", "truncated_square_law", "wave_cutoffs"]


PARTS = 16
"""Parts of a node's cell: cut-offs within it then count as on a grid of 16 times as many nodes."""


def cell_parts(grid: FrequencyGrid) -> FrequencyGrid:
    """Grid of the parts of every node's cell, node by node: (F · PARTS) nodes."""
    lower, upper = _cells(grid)
    width = np.repeat((upper - lower) / PARTS, PARTS)
    middle = np.repeat(lower, PARTS) + width * np.tile(np.arange(PARTS) + 0.5, grid.frequency.size)
    return FrequencyGrid(middle, width, start=grid.start)


def open_share(grid: FrequencyGrid, cutoff: Floats) -> Floats:
    """Fraction of every node's cell below a cut-off.

    Parameters
    ----------
    grid : FrequencyGrid
        F nodes, THz.
    cutoff : (...) float
        THz; infinite for none.

    Returns
    -------
    (..., F) ndarray
        In [0, 1].
    """
    lower, upper = _cells(grid)
    bounded = np.minimum(cutoff, 2.0 * upper[-1])[..., None]
    return np.asarray(np.clip((bounded - lower) / (upper - lower), 0.0, 1.0))


def wave_cutoffs(medium: Medium, waves: WaveSet, slowness: Floats) -> Floats:
    """Frequency at which each wave leaves Debye's sphere, k_D/(2π|s|).

    Parameters
    ----------
    medium : Medium
    waves : WaveSet
        C waves of the medium at each slowness.
    slowness : (..., 2) float
        In-plane slowness, ps/nm.

    Returns
    -------
    (..., C) ndarray
        THz; zero for waves that do not propagate.
    """
    length = wave_slowness(waves, slowness)
    limit = np.full_like(length, medium.debye_wave_vector / TWO_PI)
    return np.divide(limit, length, out=np.zeros_like(length), where=waves.propagating)


def sphere_channels(grid: FrequencyGrid, weight: Floats, cutoff: Floats) -> Floats:
    """Channels per area (F,), nm⁻², of waves (P, C) given by their cut-offs, on a mesh of weights (P,)."""
    coefficient = (weight / (4.0 * pi**2))[:, None] * (cutoff > 0)
    return truncated_square_law(grid, coefficient.ravel(), cutoff.ravel())


def _cells(grid: FrequencyGrid) -> tuple[Floats, Floats]:
    """Lower and upper ends of every node's cell, THz.

    A quadrature gives each node the stretch that its weight is, so that cells, like panels, end
    where the weights so far add up to; a cut-off at the end of a panel is then exact. Where that does not
    fall between two nodes (weights that are not those of a quadrature), cells end midway.
    """
    nu = grid.frequency
    inner = 0.5 * (nu[1:] + nu[:-1])
    last = nu[-1] + (nu[-1] - inner[-1] if nu.size > 1 else nu[-1])
    middle, through = np.append(inner, last), grid.start + np.cumsum(grid.weight)
    between = (nu < through) & (through < np.append(nu[1:], 2.0 * last - nu[-1]))
    upper = np.where(between, through, middle)
    return np.append(grid.start, upper[:-1]), upper


def truncated_square_law(grid: FrequencyGrid, coefficient: Floats, cutoff: Floats) -> Floats:
    """Sum of ω² laws, each up to its own cut-off.

    Parameters
    ----------
    coefficient : (W,) float
        Channels per area over ω², (ps nm⁻¹)².
    cutoff : (W,) float
        THz.

    Returns
    -------
    (F,) ndarray
        Channels per area, nm⁻².
    """
    lower, upper = _cells(grid)
    order = np.argsort(cutoff)
    limit, weight = np.minimum(cutoff[order], 2.0 * upper[-1]), coefficient[order]
    # Σ w · clip((cut − lower)/(upper − lower), 0, 1) from cumulative sums, so that W may be large
    total = np.append(0.0, np.cumsum(weight))
    moment = np.append(0.0, np.cumsum(weight * limit))
    i, j = np.searchsorted(limit, lower), np.searchsorted(limit, upper)
    partial = (moment[j] - moment[i] - lower * (total[j] - total[i])) / (upper - lower)
    return np.asarray((total[-1] - total[j] + partial) * (TWO_PI * grid.frequency) ** 2)
