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
from latmm.plotting.style import SEQUENCE, WAVES

__all__ = ["continuum_figure", "draw_angles"]


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
    thickness = tree["thickness"].to_dataset() if "thickness" in tree.children else None
    comparison = tree["comparison"].to_dataset()
    against_t = thickness is None or comparison.sizes["temperature"] > 1  # one point is no curve
    panels = int(against_t) + sum(part is not None for part in (angles, thickness))
    figure = Figure(figsize=(5.2 * panels, 4.2), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    if against_t:
        _conductance(axes[0], comparison)
        if "experiment" in tree.children:
            names = comparison["model"].values.tolist()
            draw_measured(axes[0], tree, lambda model: _style(model, names.index(model))[0])
            axes[0].legend(frameon=False, fontsize="small")
        for which in "xy":
            readable_log(axes[0], which)
    if angles is not None:
        draw_angles(axes[int(against_t)], angles)
    if thickness is not None:
        draw_thickness(axes[-1], thickness)
    figure.suptitle(str(tree.attrs.get("interface", "")))
    return figure


def _style(name: str, number: int) -> tuple[str, str]:
    """Colour and line of a model, or of another curve by its number."""
    if name in MODELS:
        return MODELS[name].colour, MODELS[name].line
    return SEQUENCE[number % len(SEQUENCE)], "-"


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


def draw_thickness(axes: Axes, table: xr.Dataset) -> None:
    """Draw the conductance against the thickness of a matching layer, with the best one marked."""
    colour = SEQUENCE[0]
    axes.plot(
        table["thickness"].values, table["conductance"].values / 1e6, color=colour, label="with a layer"
    )
    axes.plot(
        float(table["best_thickness"]),
        float(table["best_conductance"]) / 1e6,
        "o",
        color=colour,
        label="the best",
    )
    axes.axhline(float(table["bare_conductance"]) / 1e6, color="0.4", ls="--", lw=1.0, label="without")
    axes.set(xlabel="thickness of the layer (nm)", ylabel="conductance (MW m$^{-2}$ K$^{-1}$)")
    readable_log(axes, "x")
    axes.set_title(f"best medium at {table.attrs['temperature']:g} K", fontsize="small")
    axes.legend(frameon=False, fontsize="small")


def draw_angles(axes: Axes, angles: xr.Dataset) -> None:
    """Draw the transmissivity of elastic waves from the left against the angle of incidence."""
    theta = angles["angle"].values
    highest = float(angles["transmissivity"].sum("outgoing").max())
    for wave in angles["incident"].values:
        colour = WAVES[str(wave)]
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
