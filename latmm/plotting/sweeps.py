"""Figure of a parameter study: conductance against one parameter, a curve for each set of the others."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.models import MODELS

__all__ = ["draw_sweep"]

_MOST = 30
"""Curves beyond which none can be told from the others."""
_MARKERS = "osD^vPX*"
_LINES = ("-", "--", ":", "-.")
_FILLS = ("full", "none", "left", "right", "top", "bottom")


def draw_sweep(axes: Axes, tree: xr.DataTree, temperatures: tuple[float, ...] = ()) -> None:
    """Draw the conductances of a parameter study against its longest parameter.

    Parameters
    ----------
    axes : matplotlib Axes
    tree : xarray.DataTree
        From :func:`latmm.studies.parameters.parameter_study`.
    temperatures : tuple of float
        Those to draw, K; all of the study by default.

    Raises
    ------
    InputError
        If a temperature is not one of the study, or there are too many curves.
    """
    comparison = tree["comparison"].to_dataset()
    stored = comparison["temperature"].values.tolist()
    missing = [t for t in temperatures if t not in stored]
    if missing:
        raise InputError(f"this study has no {missing[0]:g} K, but {', '.join(f'{t:g}' for t in stored)} K")
    comparison = comparison.sel(temperature=list(temperatures) or stored)
    names = [str(name) for name in np.atleast_1d(tree.attrs["parameters"])]
    along = max(names, key=lambda name: (comparison.sizes[name], -names.index(name)))
    others = [name for name in names if name != along]
    curves = list(_curves(comparison, others))
    if len(curves) > _MOST:
        raise InputError(
            f"{len(curves)} curves cannot be told apart; draw fewer temperatures, or a study of fewer models "
            "and parameters"
        )
    values = comparison[along].values
    numeric = values.dtype.kind in "if"
    x: Floats = values.astype(float) if numeric else np.arange(values.size, dtype=float)
    look = _looks(comparison, ("model", *others, "temperature"))
    for at in curves:
        own = comparison.sel(at)
        axes.errorbar(
            x,
            own["conductance"].values / 1e6,
            None if "conductance_error" not in own else own["conductance_error"].values / 1e6,
            ms=3.5,
            lw=1.0,
            elinewidth=0.7,
            **look(at),
        )
    unit = str(comparison[along].attrs.get("units", "1"))
    axes.set_xlabel(along.replace("_", " ") + (f" ({unit})" if unit != "1" else ""))
    if not numeric:
        axes.set_xticks(x, [str(value) for value in values], rotation=30, ha="right")
    axes.set_ylabel("conductance (MW m$^{-2}$ K$^{-1}$)")
    axes.set_ylim(0, None)


def _looks(comparison: xr.Dataset, names: tuple[str, ...]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Say how a curve is drawn: what has most values by colour, then by line and marker, then by filling."""
    several = sorted(
        (name for name in names if comparison.sizes[name] > 1), key=lambda n: -comparison.sizes[n]
    )
    values = {name: comparison[name].values.tolist() for name in names}

    def look(at: dict[str, Any]) -> dict[str, Any]:
        place = {name: values[name].index(at[name]) for name in several}
        by_model = not several or several[0] == "model"
        shade = 0.0 if by_model else place[several[0]] / (comparison.sizes[several[0]] - 1)
        second = place[several[1]] if len(several) > 1 else 0
        rest = sum(place[name] for name in several[2:])
        said = ", ".join(_label(name, at[name]) for name in names if name in several)
        return {
            "color": MODELS[at["model"]].colour if by_model else colormaps["viridis"](0.9 * shade),
            "ls": _LINES[second % len(_LINES)],
            "marker": _MARKERS[second % len(_MARKERS)],
            "fillstyle": _FILLS[rest % len(_FILLS)],
            "label": said or MODELS[at["model"]].label,
        }

    return look


def _curves(comparison: xr.Dataset, others: list[str]) -> Iterator[dict[str, Any]]:
    """Model, other parameters and temperature of each curve."""
    names = ("model", *others, "temperature")
    for values in itertools.product(*(comparison[name].values.tolist() for name in names)):
        yield dict(zip(names, values, strict=True))


def _label(name: str, value: Any) -> str:
    if name == "model":
        return MODELS[str(value)].label
    if name == "temperature":
        return f"{value:g} K"
    return f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else str(value)
