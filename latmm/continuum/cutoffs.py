"""Debye's cut-offs on a frequency grid.

A wave that ends at its cut-off counts at the nodes below it, and in proportion at the node whose cell of the
quadrature contains it: integrals over frequency then converge with the second order of the grid's spacing.
A pair of waves, one on each side, is open below the lower of its two cut-offs. As that rule is symmetric,
reciprocity holds, and no side transmits more channels than it has: Ξ ≤ min(M_left, M_right) at every node.
"""

import numpy as np

from latmm.arrays import Floats
from latmm.landauer import FrequencyGrid
from latmm.units import TWO_PI

__all__ = ["truncated_square_law"]


def _cells(grid: FrequencyGrid) -> tuple[Floats, Floats]:
    nu = grid.frequency
    inner = 0.5 * (nu[1:] + nu[:-1])
    last = nu[-1] + (nu[-1] - inner[-1] if nu.size > 1 else nu[-1])
    return np.concatenate([[0.0], inner]), np.append(inner, last)


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
