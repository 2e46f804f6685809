"""Figure of a junction of sheets, ribbons, tubes or chains.

Made without a display and returned; :func:`latmm.plotting.conductance.save` writes it.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latmm.landauer import FrequencyGrid, conductance
from latmm.plotting.axes import readable_log
from latmm.plotting.style import SIDE

__all__ = ["draw_channels", "draw_junction", "junction_figure"]

_JUNCTION = "k"
"""Colour of what crosses."""
_PER_NM2 = {2: 1e-9, 1: 1e-18}
"""What the Landauer integral of nm⁻² gives, by what it shall give of nm⁻¹ and of numbers."""


def junction_figure(tree: xr.DataTree) -> Figure:
    """Transmission and channels over frequency, and conductances over temperature with the law of long waves.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.low_dimensional.junction.low_dimensional_conductance`.
    """
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_channels(tree, left)
    draw_junction(tree, right)
    for axes in (left, right):
        axes.legend(frameon=False, fontsize="small")
    return figure


def draw_channels(tree: xr.DataTree, axes: Axes, *, factor: float = 1.0, unit: str = "THz") -> None:
    """Draw transmission and channels of a junction over frequency; 1 THz is ``factor`` units."""
    table = tree["junction"].to_dataset()
    nu = factor * table["frequency"].values
    for name, colour, label in (
        ("channels_left", SIDE["left"], "channels, left"),
        ("channels_right", SIDE["right"], "channels, right"),
        ("transmission", _JUNCTION, "transmission"),
    ):
        axes.plot(nu, table[name], color=colour, lw=1.2, label=label)
    counted = " (nm$^{-1}$)" if int(tree.attrs["dimension"]) == 2 else ""
    axes.set(xlabel=f"frequency ({unit})", ylabel=f"channels{counted}", xlim=(0, None), ylim=(0, None))


def draw_junction(tree: xr.DataTree, axes: Axes) -> None:
    """Draw conductances of a junction over temperature, and the law of its longest waves."""
    table, dimension = tree["junction"].to_dataset(), int(tree.attrs["dimension"])
    given = table["temperature"].values
    t = np.geomspace(min(given.min(), 0.5 * given.max()), given.max(), 80)
    grid = FrequencyGrid(table["frequency"].values, table["frequency_weight"].values)
    lines = (
        ("channels_left", SIDE["left"], "left alone"),
        ("channels_right", SIDE["right"], "right alone"),
        ("transmission", _JUNCTION, "junction, two-probe"),
    )
    own = np.zeros_like(t)
    for name, colour, label in lines:
        own = conductance(grid, table[name].values, t) * _PER_NM2[dimension]
        axes.plot(t, own, color=colour, lw=1.2, label=label)
    axes.plot(given, table["conductance"], "o", color=_JUNCTION, ms=4)
    power, text = (1.5, "T$^{3/2}$") if dimension == 2 else (1.0, "T")
    law = own[0] * (t / t[0]) ** power
    shown = law < 3.0 * own.max()
    axes.plot(t[shown], law[shown], "--", color="0.5", lw=0.8, label=text)
    unit = "W m$^{-1}$ K$^{-1}$" if dimension == 2 else "W K$^{-1}$"
    axes.set(xlabel="temperature (K)", ylabel=f"conductance ({unit})")
    readable_log(axes, "x")
    readable_log(axes, "y")
