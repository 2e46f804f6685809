"""Figure of a convergence: the conductance of each sampling with its error bar."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from latmm.plotting.axes import readable_log
from latmm.plotting.style import COLUMN, PRINT, SEQUENCE
from latmm.sweep.refinement import Level

__all__ = ["convergence_figure"]


def convergence_figure(levels: Sequence[Level], temperature: ArrayLike, tolerance: float) -> Figure:
    """Figure of samplings that become finer: conductance over that of the finest, a colour a temperature.

    Parameters
    ----------
    levels : sequence of Level
        From :func:`latmm.sweep.refinement.levels`.
    temperature : (N,) array_like
        K, ascending.
    tolerance : float
        Relative error that was asked for, shaded.
    """
    t = np.atleast_1d(np.asarray(temperature, dtype=float))
    samples = np.array([level.solved.samples for level in levels], dtype=float)
    with rc_context(PRINT):
        figure = Figure(figsize=(COLUMN, 0.85 * COLUMN), layout="constrained")
        axes = figure.subplots()
        axes.axhspan(-100 * tolerance, 100 * tolerance, color="0.92", lw=0, label=f"±{100 * tolerance:g} %")
        spread = 1.02 ** (np.arange(t.size) - 0.5 * (t.size - 1))  # bars beside each other
        for i, kelvin in enumerate(t):
            last = levels[-1].conductance[i]
            g = np.array([level.conductance[i] for level in levels]) / last
            error = np.array([level.error[i] for level in levels]) / last
            colour = SEQUENCE[i % len(SEQUENCE)]
            axes.errorbar(
                samples * spread[i],
                100 * (g - 1.0),
                100 * error,
                fmt="o-",
                ms=3.0,
                capsize=2.0,
                color=colour,
                label=f"{kelvin:g} K: {last / 1e6:.5g} MW m$^{{-2}}$ K$^{{-1}}$",
            )
        axes.set(xlabel="samples (k$_∥$, ν)", ylabel="deviation from the finest (%)")
        axes.set_xlim(samples.min() / 2, 2 * samples.max())
        readable_log(axes, "x")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, ncols=1)
    return figure
