"""Figure of a junction of sheets, ribbons, tubes or chains.

Made without a display and returned; :func:`latmm.plotting.conductance.save` writes it.
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from latmm.landauer import FrequencyGrid, conductance
from latmm.plotting.axes import readable_log

__all__ = ["junction_figure"]

_BLUE, _RED, _GREEN = "#0072b2", "#d55e00", "#009e73"
_PER_NM2 = {2: 1e-9, 1: 1e-18}
"""What the Landauer integral of nm⁻² gives, by what it shall give of nm⁻¹ and of numbers."""


def junction_figure(tree: xr.DataTree) -> Figure:
    """Transmission and channels over frequency, and conductances over temperature with the law of long waves.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.low_dimensional.junction.low_dimensional_conductance`.
    """
    table, dimension = tree["junction"].to_dataset(), int(tree.attrs["dimension"])
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    nu = table["frequency"].values
    for name, colour, label in (
        ("channels_left", _RED, "channels, left"),
        ("channels_right", _GREEN, "channels, right"),
        ("transmission", _BLUE, "transmission"),
    ):
        left.plot(nu, table[name], color=colour, lw=1.2, label=label)
    unit = " (nm$^{-1}$)" if dimension == 2 else ""
    left.set(xlabel="frequency (THz)", ylabel=f"channels{unit}", xlim=(0, None), ylim=(0, None))
    given = table["temperature"].values
    t = np.geomspace(min(given.min(), 0.5 * given.max()), given.max(), 80)
    grid = FrequencyGrid(nu, table["frequency_weight"].values)
    scale = _PER_NM2[dimension]
    names = ("transmission", "channels_left", "channels_right")
    curves = dict(
        zip(names, conductance(grid, np.array([table[n].values for n in names]), t) * scale, strict=True)
    )
    for name, colour, label in (
        ("channels_left", _RED, "left alone"),
        ("channels_right", _GREEN, "right alone"),
        ("transmission", _BLUE, "junction, two-probe"),
    ):
        right.plot(t, curves[name], color=colour, lw=1.2, label=label)
    right.plot(given, table["conductance"], "o", color=_BLUE, ms=4)
    power, text = (1.5, "T$^{3/2}$") if dimension == 2 else (1.0, "T")
    law = curves["transmission"][0] * (t / t[0]) ** power
    shown = law < 3.0 * curves["transmission"].max()
    right.plot(t[shown], law[shown], "--", color="0.5", lw=0.8, label=text)
    unit = "W m$^{-1}$ K$^{-1}$" if dimension == 2 else "W K$^{-1}$"
    right.set(xlabel="temperature (K)", ylabel=f"conductance ({unit})")
    readable_log(right, "x")
    readable_log(right, "y")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize="small")
    return figure
