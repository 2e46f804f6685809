"""Cubic splines on a uniform grid, many of them at once."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from latmm.arrays import Floats, Integers

__all__ = ["Splines"]


@dataclass(frozen=True, eq=False)
class Splines:
    """K twice differentiable cubic splines through values at start, start + step, ...; ends not-a-knot.

    Beyond the grid the first and last pieces go on.

    Attributes
    ----------
    start, step : float
        The grid.
    coefficients : (K, P, 4) float
        Of the powers 3, 2, 1, 0 of x − (start + p step) on piece p.
    """

    start: float
    step: float
    coefficients: Floats

    @classmethod
    def through(cls, start: float, step: float, values: Floats) -> "Splines":
        """Interpolate values (K, P + 1), P > 2."""
        grid = start + step * np.arange(values.shape[1])
        pieces = CubicSpline(grid, values, axis=1).c  # (4, P, K)
        return cls(start, step, np.ascontiguousarray(np.transpose(pieces, (2, 1, 0))))

    def __call__(self, which: Integers, x: Floats) -> tuple[Floats, Floats]:
        """Value and slope of spline ``which`` (B,) at ``x`` (B,)."""
        pieces = self.coefficients.shape[1]
        piece = np.clip((x - self.start) / self.step, 0, pieces - 1).astype(np.int64)
        t = x - (self.start + piece * self.step)
        a, b, c, d = self.coefficients[which, piece].T
        return ((a * t + b) * t + c) * t + d, (3.0 * a * t + 2.0 * b) * t + c
