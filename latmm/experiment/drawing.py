"""Measured points in the figures of calculated conductances."""

from collections.abc import Callable
from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from latmm.experiment.beside import LOCAL

__all__ = ["draw_measured"]

_MARKERS = "osD^vP*hX<>p"
_GREY = "0.35"
_WITHIN = 1.25
"""Points are drawn from the lowest temperature computed over this to the highest times this."""
_DASHES = (0, (1, 3))


def draw_measured(axes: Axes, tree: xr.DataTree, colour: Callable[[str], str]) -> None:
    """Draw the points of ``/experiment`` with error bars, and the four-probe values to compare them with.

    The latter where a method takes local temperatures; upper and lower bounds are triangles on their side.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Conductance in MW m⁻² K⁻¹ against temperature in K, with the models drawn.
    tree : xarray.DataTree
        After :func:`latmm.experiment.beside.put_beside`.
    colour : callable
        Colour of a model by its name.
    """
    node, comparison = tree["experiment"].to_dataset(), tree["comparison"].to_dataset()
    t = comparison["temperature"].values
    near = (node["temperature"].values > t.min() / _WITHIN) & (node["temperature"].values < t.max() * _WITHIN)
    for i, marker in zip(range(node.sizes["series"]), cycle(_MARKERS), strict=False):
        own = node.sel(point=near & (node["of_series"].values == i))
        if not own.sizes["point"]:
            continue
        one = {key: str(node[key].values[i]) for key in ("pair", "method", "evidence", "series", "bound")}
        evidence = one["evidence"] if one["evidence"] == "second hand" else ""
        what = ", ".join(filter(None, (one["pair"], one["method"] or "method not known", evidence)))
        if one["bound"]:
            marker, what = ("^" if one["bound"] == ">" else "v"), f"{what}, a bound"
        axes.errorbar(
            own["temperature"].values,
            own["conductance"].values / 1e6,
            # lists: Matplotlib 3.9.0 takes the first of two arrays for a number
            yerr=[(np.nan_to_num(own[f"error_{way}"].values) / 1e6).tolist() for way in ("minus", "plus")],
            fmt=marker,
            color=_GREY,
            markerfacecolor="none",
            markersize=4.0,
            lw=0.8,
            label=f"{what} [{one['series']}]",
        )
    if LOCAL in node["definition"].values:
        mark = "_" if t.size == 1 else ""  # a line needs two temperatures
        for model, four in zip(
            comparison["model"].values.tolist(), comparison["conductance_four_probe"].values, strict=True
        ):
            shown = np.where(np.isfinite(four), four, np.nan) / 1e6
            axes.plot(t, shown, linestyle=_DASHES, marker=mark, color=colour(model), lw=1.2)
        axes.plot(
            [],
            [],
            linestyle=_DASHES,
            marker=mark,
            color="k",
            lw=1.2,
            label="four-probe, as the points see it",
        )
    if axes.get_yscale() == "linear":
        axes.autoscale()
        axes.set(xlim=(0, None), ylim=(0, None))
    elif near.any():
        low, high = axes.get_ylim()
        g = node["conductance"].values[near] / 1e6
        axes.set_ylim(min(low, 0.5 * g.min()), max(high, 2.0 * g.max()))
