"""Figures of studies: gain against thickness, superlattices, and ensembles beside the abrupt contact.

Made without a display and returned; :func:`latmm.plotting.conductance.save` writes them.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from latmm.plotting.axes import readable_log
from latmm.plotting.style import SEQUENCE, STYLE

__all__ = [
    "draw_minibands",
    "draw_periods",
    "draw_stop_bands",
    "ensemble_figure",
    "layers_figure",
    "superlattice_figure",
]

_DEFINITE = 0.01
"""Fraction of the largest transmission below which a fraction of it says nothing."""

_APART = 0.35
"""Least distance of two labelled numbers of periods, of their logarithms."""


def layers_figure(tree: xr.DataTree) -> Figure:
    """Figure of a study of layers: conductance of every design over that of the abrupt contact.

    One panel a temperature; broken lines are the continuum's prediction, horizontal ones the models of the
    abrupt contact.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.studies.layers.layer_study`.
    """
    designs, models = tree["designs"].to_dataset(), tree["models"].to_dataset()
    temperatures = designs["temperature"].values
    columns = min(4, temperatures.size)
    rows = -(-temperatures.size // columns)
    figure = Figure(figsize=(3.0 * columns + 2.0, 3.4 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for index, axes in enumerate(panels.ravel()):
        if index >= temperatures.size:
            axes.set_axis_off()
            continue
        _gains(axes, designs.isel(temperature=index), models.isel(temperature=index))
        letter = f"({chr(97 + index)}) " if 1 < temperatures.size <= 26 else ""
        axes.set_title(f"{letter}{temperatures[index]:g} K")
    for axes in panels[:, 0]:
        axes.set_ylabel("conductance / abrupt interface")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize="small")
    return figure


def _gains(axes: Axes, designs: xr.Dataset, models: xr.Dataset) -> None:
    planes = designs["planes"].values
    for i, name in enumerate(dict.fromkeys(str(p) for p in designs["profile"].values)):
        own = np.flatnonzero(designs["profile"].values == name)
        own = own[np.argsort(planes[own])]
        colour = SEQUENCE[i % len(SEQUENCE)]
        label = name if len(name) < 14 else "listed"
        axes.plot(planes[own], designs["gain"].values[own], "o-", color=colour, ms=3.5, label=label)
        axes.plot(planes[own], designs["continuum_gain"].values[own], "--", color=colour, lw=1.0)
    axes.plot([], [], "--", color="0.4", lw=1.0, label="continuum's gain")
    abrupt = float(models["conductance"].sel(model="agf"))
    for name in ("amm", "dmm", "flat-limit"):
        label, colour, style = STYLE[name]
        level = float(models["conductance"].sel(model=name)) / abrupt
        line = {"amm": "-.", "dmm": ":"}.get(name, style)
        said = label if name == "flat-limit" else f"{label}, abrupt"
        axes.axhline(level, color=colour, ls=line, lw=1.0, label=said)
    axes.set_xlabel("atomic planes of the layer")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def superlattice_figure(tree: xr.DataTree) -> Figure:
    """Figure of a superlattice: G(N) coherent and in series, minibands, and T at normal incidence.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.studies.superlattices.superlattice_study`.
    """
    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(2.0, 1.0, 1.5))
    draw_periods(tree, left)
    draw_minibands(tree, middle)
    draw_stop_bands(tree, right)
    right.set_ylabel("")
    for axes in (middle, right):
        axes.set_title("normal incidence")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize="small")
    return figure


def draw_periods(tree: xr.DataTree, axes: Axes) -> None:
    """Draw G(N) of a superlattice: coherent, in series, and the limit of the minibands."""
    stacks = tree["stacks"].to_dataset()
    number, temperatures = stacks["periods"].values, stacks["temperature"].values
    shown = np.unique(np.linspace(0, temperatures.size - 1, min(3, temperatures.size)).astype(int))
    for colour, i in zip(SEQUENCE, shown, strict=False):
        at = stacks.isel(temperature=i)
        name = f"{temperatures[i]:g} K"
        axes.plot(number, at["conductance"] / 1e6, "o-", color=colour, ms=4, label=name)
        axes.plot(number, at["series_conductance"] / 1e6, "s--", color=colour, ms=3, lw=1.0)
        axes.axhline(float(at["miniband_conductance"]) / 1e6, color=colour, ls=":", lw=1.0)
    for style, label in (("o-", "coherent"), ("s--", "in series"), (":", "minibands")):
        axes.plot([], [], style, color="0.4", ms=3.5, lw=1.0, label=label)
    axes.set(xscale="log", xlabel="periods", ylabel="conductance (MW m$^{-2}$ K$^{-1}$)")
    ticks = number[np.append(True, np.diff(np.log(number)) > _APART)]
    axes.set_xticks(ticks, [f"{n:d}" for n in ticks])
    axes.minorticks_off()
    readable_log(axes, "y")


def draw_minibands(tree: xr.DataTree, axes: Axes, *, factor: float = 1.0, unit: str = "THz") -> None:
    """Draw the bands of an endless superlattice at normal incidence; 1 THz is ``factor`` units."""
    bands = tree["minibands"].to_dataset()
    axes.plot(bands["phase"] / np.pi, factor * bands["miniband"], "k-", lw=0.8)
    axes.set(xlabel="Bloch phase (π)", ylabel=f"frequency ({unit})", xlim=(0, 1))
    axes.set_ylim(0, factor * float(bands["normal_frequency"].max()))


def draw_stop_bands(tree: xr.DataTree, axes: Axes, *, factor: float = 1.0, unit: str = "THz") -> None:
    """Draw T of few, some and many periods at normal incidence over frequency, upwards."""
    bands = tree["minibands"].to_dataset()
    number, nu = bands["periods"].values, factor * bands["normal_frequency"].values
    picked = np.unique([0, number.size // 2, number.size - 1])
    for colour, j in zip(SEQUENCE, picked, strict=False):
        axes.plot(bands["normal_transmission"].values[j], nu, color=colour, lw=1.0, label=f"N = {number[j]}")
    axes.set(xlabel="transmission function", ylabel=f"frequency ({unit})", xlim=(0, None))
    axes.set_ylim(0, float(nu.max()))


def ensemble_figure(tree: xr.DataTree) -> Figure:
    """Figure of an ensemble: Ξ(ν) and G(T) of realisations, mean and abrupt contact; what is specular.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.studies.ensembles.ensemble`.
    """
    figure = Figure(figsize=(13.0, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    each, abrupt, mean = (tree[name].to_dataset() for name in ("realisations", "abrupt", "comparison"))
    nu = mean["frequency"].values
    for xi in each["transmission"].values:
        left.plot(nu, xi, color=SEQUENCE[0], lw=0.5, alpha=0.4)
    left.plot([], [], color=SEQUENCE[0], lw=0.5, label="realisations")
    left.plot(nu, mean["transmission"], color=SEQUENCE[0], lw=1.8, label="their mean")
    left.plot(nu, abrupt["transmission"], color="k", lw=1.2, label="abrupt")
    left.set(xlabel="frequency (THz)", ylabel="transmission (nm$^{-2}$)", xlim=(0, None), ylim=(0, None))
    t = mean["temperature"].values
    middle.errorbar(
        t,
        mean["conductance"] / 1e6,
        mean["conductance_error"] / 1e6,
        color=SEQUENCE[0],
        fmt="o-",
        ms=3.5,
        label="mean",
    )
    middle.plot(t, mean["conductance_abrupt"] / 1e6, "k-", marker="s", ms=3.0, lw=1.2, label="abrupt")
    middle.set(xlabel="temperature (K)", ylabel="conductance (MW m$^{-2}$ K$^{-1}$)", ylim=(0, None))
    total = mean["transmission"].values
    shown = total > _DEFINITE * total.max()
    fraction = mean["specular_transmission"].values[shown] / total[shown]
    right.plot(nu[shown], fraction, color=SEQUENCE[1], label="specular")
    right.plot(nu[shown], 1.0 - fraction, color=SEQUENCE[2], label="diffuse")
    right.set(xlabel="frequency (THz)", ylabel="fraction of the transmission", xlim=(0, None), ylim=(0, 1.02))
    for axes in (left, middle, right):
        axes.legend(frameon=False, fontsize="small")
    return figure
