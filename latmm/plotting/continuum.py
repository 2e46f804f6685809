"""Figures of the continuum models: conductance with its T³ law, and transmissivity against angle.

Made without a display and returned; :func:`latmm.plotting.conductance.save` writes them.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latmm.experiment.drawing import draw_measured
from latmm.models import MODELS
from latmm.plotting.axes import readable_log

__all__ = ["continuum_figure", "draw_angles"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#000000", "#999999")
_WAVES = {"L": "#0072b2", "V": "#d55e00", "H": "#009e73"}


def continuum_figure(tree: xr.DataTree) -> Figure:
    """Figure of a survey: G(T) on logarithmic axes with the T³ lines; transmissivity by polarisation.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.continuum.results.mismatch` or ``layered_mismatch``, with ``/experiment`` where
        there are measured points; without ``/angles`` the figure has one panel.

    Returns
    -------
    matplotlib.figure.Figure
        Titled with the names of both sides.
    """
    angles = tree["angles"].to_dataset() if "angles" in tree.children else None
    panels = 1 if angles is None else 2
    figure = Figure(figsize=(5.2 * panels, 4.2), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    comparison = tree["comparison"].to_dataset()
    _conductance(axes[0], comparison)
    if "experiment" in tree.children:
        names = comparison["model"].values.tolist()
        draw_measured(axes[0], tree, lambda model: _style(model, names.index(model))[0])
        axes[0].legend(frameon=False, fontsize="small")
    for which in "xy":
        readable_log(axes[0], which)
    if angles is not None:
        draw_angles(axes[1], angles)
    figure.suptitle(str(tree.attrs.get("interface", "")))
    return figure


def _style(name: str, number: int) -> tuple[str, str]:
    """Colour and line of a model, or of another curve by its number."""
    if name in MODELS:
        return MODELS[name].colour, MODELS[name].line
    return _COLOURS[number % len(_COLOURS)], "-"


def _conductance(axes: Axes, comparison: xr.Dataset) -> None:
    t = comparison["temperature"].values
    marker = "o" if t.size < 8 else ""
    values = comparison["conductance"].values / 1e6
    for i, model in enumerate(comparison["model"].values):
        colour, line = _style(str(model), i)
        axes.plot(t, values[i], line, color=colour, marker=marker, markersize=3.0, label=str(model))
        cubic = float(comparison["cubic_prefactor"][i]) / 1e6
        if np.isfinite(cubic):
            axes.plot(t, cubic * t**3, ":", color=colour, lw=0.9)
        if "exceeds_lattice_limit" in comparison:
            above = comparison["exceeds_lattice_limit"].values[i]
            axes.plot(t[above], values[i, above], "x", color=colour, markersize=6.0)
    if "exceeds_lattice_limit" in comparison and comparison["exceeds_lattice_limit"].any():
        axes.plot([], [], "kx", markersize=6.0, label="above the limit of the lattice")
    axes.plot([], [], ":", color="0.4", lw=0.9, label="$T^3$ law")
    axes.set(xscale="log", yscale="log", xlabel="temperature (K)")
    axes.set(ylabel="conductance (MW m$^{-2}$ K$^{-1}$)")
    if np.isfinite(values).any():
        axes.set(ylim=(0.5 * np.nanmin(values), 3.0 * np.nanmax(values)))
    axes.legend(frameon=False, fontsize="small")


def draw_angles(axes: Axes, angles: xr.Dataset) -> None:
    """Draw the transmissivity of elastic waves from the left against the angle of incidence."""
    theta = angles["angle"].values
    highest = float(angles["transmissivity"].sum("outgoing").max())
    for wave in angles["incident"].values:
        colour = _WAVES[str(wave)]
        own = angles.sel(incident=wave)
        axes.plot(theta, own["transmissivity"].sum("outgoing"), color=colour, label=f"{wave} transmitted")
        converted = own["transmissivity"].drop_sel(outgoing=wave).sum("outgoing")
        if float(converted.max()) > 0:
            axes.plot(theta, converted, "--", color=colour, lw=1.0, label=f"{wave} converted")
        limits = np.concatenate([own[f"critical_angle_{way}"].values for way in ("reflected", "transmitted")])
        for limit in np.unique(limits[np.isfinite(limits)]):
            axes.axvline(limit, color=colour, lw=0.7, ls=":")
    axes.plot([], [], ":", color="0.4", lw=0.7, label="critical angles")
    axes.set(xlabel="angle of incidence (degrees)", ylabel="transmissivity", xlim=(0, 90))
    axes.set_ylim(0, min(1.02, 1.2 * highest) if highest > 0 else 1.02)
    axes.set_title("waves from the left, isotropic averages", fontsize="small")
    axes.legend(frameon=False, fontsize="small")
