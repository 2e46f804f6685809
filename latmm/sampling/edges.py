"""The band of a crystal at k∥: outside it no phonon has this k∥, and nothing need be solved."""

import numpy as np

from latmm.arrays import Bools, Floats
from latmm.interface.interface import Interface
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["band_edges", "inside_bands"]

_ZONE = np.linspace(-0.5, 0.5, 25)
"""q_z over the zone."""
_NEAR = 0.25
"""|k∥| below which the lowest frequencies are near Γ, at q_z of the size of k∥."""
_FEW, _FINE = np.linspace(-0.5, 0.5, 7), np.linspace(-1.0, 1.0, 17)
"""q_z over the zone and, in units of |k∥|, near Γ."""
_BELOW, _ABOVE = 0.9, 1.03
"""Shares of the edges found, which lie between the q_z, that are surely outside."""
_WORTH = 2
"""Frequencies of a k∥ that cost less to solve than it costs to find its bands."""


def band_edges(crystal: ForceConstants, wave_vectors: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest frequency over all q_z.

    Parameters
    ----------
    crystal : ForceConstants
        Oriented, +z along the normal.
    wave_vectors : (K, 2) float
        k∥, fractional in the crystal's lateral cell.

    Returns
    -------
    lowest, highest : (K,) ndarray
        THz; of the q_z sampled.
    """
    size = np.abs(wave_vectors).max(axis=1, initial=0.0)
    edges = np.zeros((len(size), 2))
    for chosen in (size < _NEAR, size >= _NEAR):
        if not chosen.any():
            continue
        k, scale = wave_vectors[chosen], size[chosen][:, None]
        normal = (
            np.concatenate([np.tile(_FEW, (len(k), 1)), scale * _FINE], axis=1)
            if scale[0] < _NEAR
            else np.tile(_ZONE, (len(k), 1))
        )
        q = np.repeat(crystal.in_plane(k)[:, None], normal.shape[1], axis=1)
        q[:, :, 2] += normal
        squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q.reshape(-1, 3)))[:, [0, -1]]
        squares = squares.reshape(*normal.shape, 2)
        edges[chosen] = np.column_stack([squares[:, :, 0].min(axis=1), squares[:, :, 1].max(axis=1)])
    frequency = np.sqrt(np.maximum(edges, 0.0) * EV_PER_A2_AMU) / TWO_PI
    return frequency[:, 0], frequency[:, 1]


def inside_bands(interface: Interface, wave_vectors: Floats, frequency: Floats) -> Bools:
    """Where each crystal may have a phonon.

    Parameters
    ----------
    interface : Interface
        The crystals.
    wave_vectors : (K, 2) float
        k∥, fractional in the common lateral cell.
    frequency : (F,) float
        THz.

    Returns
    -------
    (2, K, F) ndarray of bool
        Left, right; certain where false. All true for frequencies so few that to look costs more.
    """
    if frequency.size <= _WORTH:
        return np.ones((2, len(wave_vectors), frequency.size), dtype=bool)
    found = []
    for side, crystal in (("left", interface.left), ("right", interface.right)):
        images = interface.folded(side, wave_vectors)
        edges = band_edges(crystal, images.reshape(-1, 2))
        lowest, highest = (edge.reshape(len(wave_vectors), -1, 1) for edge in edges)
        found.append((frequency > _BELOW * lowest.min(axis=1)) & (frequency < _ABOVE * highest.max(axis=1)))
    return np.array(found)
