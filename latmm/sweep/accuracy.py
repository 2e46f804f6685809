"""Uncertainties: how far a conductance may be from that of infinitely many samples.

Successive frequencies are sampled on two k∥ meshes in turn, the second between the points of the first
(:func:`latmm.sampling.meshes.staggered`). The leading errors of the two meshes have opposite signs, so that
they cancel in a sum over frequencies and show in the difference of neighbours. With ρ = Ξ/ν² and y_i the
share of node i in the conductance,

    z_i = (−1)^i (2 ρ_i − ρ_{i−1} − ρ_{i+1})/4 · y_i/ρ_i

is that node's part in half the difference of both meshes; what is smooth in i drops out, as does the ν² of
long waves, and a band edge between two nodes contributes its own quadrature error. The parts add up at
random, or in panels of a few nodes and then at random, or all of them,

    Z² = max[Σ z_i², Σ_panels (Σ_{i in panel} z_i)², (Σ z_i)²],        uncertainty = 2 Z,

of which none may cancel by chance; calibrated on six interfaces (``docs/scale.md``).
"""

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Bools, Floats
from latmm.landauer import FrequencyGrid, conductance, heat_capacity_weight, temperatures

__all__ = ["conductance_error"]

_PANEL = 6
"""Nodes of a panel: as few as average over both meshes, so that errors of one sign are not lost."""
_DEVIATIONS = 2.0
"""The uncertainty in units of Z: it covers 96 % of the cases in ``docs/scale.md``."""


def conductance_error(
    grid: FrequencyGrid,
    transmission: ArrayLike,
    temperature: ArrayLike,
    *,
    elastic: Bools,
    elastic_error: ArrayLike = 0.0,
) -> Floats:
    """Uncertainty of Landauer's conductance from the scatter of its own samples.

    Parameters
    ----------
    grid : FrequencyGrid
        Nodes, THz.
    transmission : (..., F) array_like
        Ξ at the nodes, nm⁻².
    temperature : (N,) array_like
        T, K.
    elastic : (F,) bool
        The lowest nodes, where Ξ is ν² times one prefactor.
    elastic_error : (...) array_like
        Relative error of this prefactor.

    Returns
    -------
    (..., N) ndarray
        W m⁻² K⁻¹.
    """
    t = temperatures(temperature)
    spectrum = np.asarray(transmission, dtype=float)
    first = int(elastic.sum())
    nodes, weights = grid.frequency[first:], grid.weight[first:]
    # 1 THz nm⁻² = 1e30 s⁻¹ m⁻²
    heat = nodes**2 * weights * heat_capacity_weight(nodes, t[:, None]) * 1e30
    density = spectrum[..., first:] / nodes**2
    z = np.zeros_like(density)
    z[..., 1:-1] = 0.25 * (2.0 * density[..., 1:-1] - density[..., 2:] - density[..., :-2])
    z = (z * (-1.0) ** np.arange(nodes.size))[..., None, :] * heat
    panels = np.array_split(z, max(1, -(-nodes.size // _PANEL)), axis=-1)
    ways = [np.sum(z**2, axis=-1), z.sum(axis=-1) ** 2, np.sum([p.sum(axis=-1) ** 2 for p in panels], axis=0)]
    bar = _DEVIATIONS * np.sqrt(np.max(ways, axis=0))
    low = conductance(grid, np.where(elastic, spectrum, 0.0), t)
    return np.asarray(np.hypot(bar, low * np.asarray(elastic_error)[..., None]))
