"""Where to sample junctions of sheets, ribbons, tubes and chains.

At a frequency, bands of either structure begin and end at some k along the line; between two of these edges,
a and b, T(k) is smooth but for square roots at them, and Gauss's rule in y with k = (a + b)/2 + (b − a)(3y −
y³)/4 converges fast. In one dimension k = 0 is all there is. Frequencies are those of Gauss's rule on
intervals that double from zero on and then stay equal. Below :data:`LEAST` of the top, where rounding counts,
spectra follow the law of the lowest waves: constant in one dimension, ν^½ in two (flexural waves, ω ∝ q²).
"""

from dataclasses import dataclass

import numpy as np

from latmm.arrays import Floats
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, THZ_PER_KELVIN, TWO_PI

__all__ = ["LEAST", "Line", "frequencies", "lateral_axis"]

LEAST = 2e-4
"""Lowest frequency that is solved, in units of the top of the band."""
_ORDER = 6
"""Nodes of an interval of frequencies."""
_COLD = 0.25
"""First interval, in units of k_B T/h at the lowest temperature."""
_HOT = 45.0
"""Highest frequency, in units of k_B T/h at the highest temperature: beyond lies 1e-16 of the integral."""
_FEWEST = 3
"""Nodes between two edges at least."""
_EDGE = 1e-4
"""Edges nearer than this, in units of the zone, are one."""
_POINTS = 385
"""Wave vectors along half the line at which bands are known."""
_TILTS = np.linspace(-0.5, 0.5, 33)
"""q_z over the zone."""


def frequencies(top: float, intervals: int, coldest: float, hottest: float) -> FrequencyGrid:
    """Choose frequencies up to a top, THz, or to where heat ends, for temperatures between two, K."""
    top = min(top, _HOT * THZ_PER_KELVIN * hottest)
    step = top / intervals
    edges = [min(step, _COLD * THZ_PER_KELVIN * coldest)]
    while 2.0 * edges[-1] < step:
        edges.append(2.0 * edges[-1])
    rest = np.linspace(edges[-1], top, intervals + 1)
    bounds = np.concatenate([[0.0], edges[:-1], rest])
    y, w = np.polynomial.legendre.leggauss(_ORDER)
    low, high = bounds[:-1, None], bounds[1:, None]
    nodes, weights = 0.5 * (low + high) + 0.5 * (high - low) * y, 0.5 * (high - low) * w
    return FrequencyGrid(nodes.ravel(), weights.ravel())


def lateral_axis(interface: Interface) -> int | None:
    """In-plane vector of the common cell that is a period; None in one dimension."""
    found = [axis for axis in (0, 1) if any(np.any(crystal.cells[:, axis]) for crystal in interface.crystals)]
    return found[0] if found else None


@dataclass(frozen=True)
class Line:
    """Edges of the bands of both sheets along the line between them.

    Attributes
    ----------
    k : (K,) float
        Wave vectors along the line, fractional, from 0 to ½.
    edges : (K, E) float
        Frequencies at which a band of either sheet begins or ends at k, THz.
    """

    k: Floats
    edges: Floats

    @classmethod
    def of(cls, interface: Interface, axis: int) -> "Line":
        """Follow the bands of both sheets along the line."""
        k = 0.5 * np.linspace(0.0, 1.0, _POINTS) ** 2  # flexural waves: even in √ν
        wave_vectors = np.zeros((len(k), 2))
        wave_vectors[:, axis] = k
        return cls(
            k, np.concatenate([_edges(crystal, wave_vectors) for crystal in interface.crystals], axis=1)
        )

    def samples(self, frequency: float, points: int) -> tuple[Floats, Floats]:
        """Wave vectors k (N,) and weights that integrate over the line, −½ to ½, at a frequency in THz."""
        above = self.edges > frequency
        row, column = np.nonzero(above[1:] != above[:-1])
        low, high = self.edges[row, column], self.edges[row + 1, column]
        share = (frequency - low) / (high - low)
        found = np.sort(np.append(self.k[row] + share * (self.k[row + 1] - self.k[row]), 0.5))
        found = found[found > _EDGE * found[-1]]
        found = found[np.append(np.diff(found) > _EDGE * found[-1], True)]
        start = np.append(0.0, found[:-1])
        nodes, weights = [], []
        for a, b in zip(start.tolist(), found.tolist(), strict=True):
            y, w = np.polynomial.legendre.leggauss(max(_FEWEST, int(np.ceil(points * (b - a) / 0.5))))
            nodes.append(0.5 * (a + b) + 0.25 * (b - a) * (3.0 * y - y**3))
            weights.append(0.75 * (b - a) * (1.0 - y**2) * w)
        return np.concatenate(nodes), 2.0 * np.concatenate(weights)


def _edges(crystal: ForceConstants, wave_vectors: Floats) -> Floats:
    """Lowest and highest frequency of every branch over q_z, (K, 2B) THz."""
    q = np.repeat(crystal.in_plane(wave_vectors)[:, None], _TILTS.size, axis=1)
    q[:, :, 2] += _TILTS
    squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q.reshape(-1, 3)))
    nu = (
        np.sqrt(np.maximum(squares, 0.0) * EV_PER_A2_AMU).reshape(len(wave_vectors), _TILTS.size, -1) / TWO_PI
    )
    return np.concatenate([nu.min(axis=1), nu.max(axis=1)], axis=1)
