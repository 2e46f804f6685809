"""Axes of figures: logarithmic ones with ticks that can be read."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogFormatter, LogLocator, MaxNLocator, NullFormatter

__all__ = ["readable_log"]


def readable_log(axes: Axes, which: str) -> None:
    """Make an axis logarithmic, with plain numbers where it spans little.

    Ticks are decades; within two decades 1, 2 and 5 of each; within a factor of four round numbers.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With its data drawn.
    which : {"x", "y"}
        The axis.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log"})
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis.set_minor_formatter(NullFormatter())
    if high < 4.0 * low:
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FormatStrFormatter("%g"))
        return
    narrow = np.log10(high / low) < 2.2
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    if narrow:
        axis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(np.inf, np.inf)))
