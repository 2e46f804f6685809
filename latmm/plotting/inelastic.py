"""Figure of an interface between crystals that scatter phonons: length, temperature profile, frequencies."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latmm.plotting.style import SEQUENCE, SIDE

__all__ = ["inelastic_figure"]

_COLOURS = {"elastic": SEQUENCE[0], "dissipative": SEQUENCE[1]}


def inelastic_figure(tree: xr.DataTree, crystals: str) -> Figure:
    """Draw conductance against length, and the profile and spectra of the largest length.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.inelastic_conductance`; profiles and spectra are those of its highest
        temperature.
    crystals : str
        Names of both for the title, e.g. of :func:`latmm.plotting.conductance.heading`.
    """
    table = tree["inelastic"].to_dataset()
    figure = Figure(figsize=(14.0, 4.2), layout="constrained")
    axes = figure.subplots(1, 3)
    _lengths(axes[0], table)
    _profile(axes[1], table)
    _spectrum(axes[2], table)
    t = float(table["temperature"][-1])
    figure.suptitle(f"{crystals}; phonons scattered in the crystals, {t:g} K ({table.attrs['statistics']})")
    return figure


def _lengths(axes: Axes, table: xr.Dataset) -> None:
    length = table["length"].values
    for contact, colour in _COLOURS.items():
        if contact not in table["contact"].values:
            continue
        row = table.sel(contact=contact).isel(temperature=-1)
        for name, line in (("extrapolated", "o-"), ("excess", "s--")):
            axes.plot(
                length, row[f"conductance_{name}"] / 1e6, line, color=colour, ms=4, label=f"{contact}, {name}"
            )
    row = table.sel(contact="elastic").isel(temperature=-1)
    for name, line in (("two_probe", ":"), ("four_probe", "-.")):
        value = float(row[f"conductance_{name}"]) / 1e6
        if np.isfinite(value):
            axes.axhline(value, color="0.5", ls=line, lw=1.0, label=name.replace("_", "-"))
    axes.set(xscale="log", xlabel="distance of the reservoirs (nm)")
    axes.set(ylabel="conductance (MW m$^{-2}$ K$^{-1}$)", ylim=(0.0, None))
    axes.legend(frameon=False, fontsize="small")


def _profile(axes: Axes, table: xr.Dataset) -> None:
    for contact, colour in _COLOURS.items():
        if contact not in table["contact"].values:
            continue
        row = table.sel(contact=contact).isel(temperature=-1)
        for side, sign in (("left", -1.0), ("right", 1.0)):
            plane = float(row["contact_plane"].sel(side=side))
            z = sign * (plane + table[f"position_{side}"].values)
            label = contact if side == "left" else None
            axes.plot(z, row[f"temperature_{side}"], ".-", color=colour, ms=3, label=label)
    axes.set_xscale("symlog", linthresh=1.0)
    # of all powers of ten at most two on either side, or their labels touch
    most = int(np.log10(max(1.0, *np.abs(axes.dataLim.intervalx))))
    powers = 10.0 ** np.unique([(most + 1) // 2, most])
    axes.set_xticks([*-powers[::-1], 0.0, *powers])
    axes.set(xlabel="distance from the interface (nm)", ylabel="temperature between the reservoirs")
    axes.legend(frameon=False, fontsize="small")


def _spectrum(axes: Axes, table: xr.Dataset) -> None:
    contact = str(table["contact"].values[-1])
    row = table.sel(contact=contact).isel(temperature=-1)
    nu = table["frequency"].values
    for name, label, colour, line in (
        ("contact_left", "into the contact", SIDE["left"], "-"),
        ("contact_right", "out of the contact", SIDE["right"], "-"),
        ("bulk_left", "far away, left", SIDE["left"], ":"),
        ("bulk_right", "far away, right", SIDE["right"], ":"),
    ):
        axes.plot(nu, row[f"spectrum_{name}"], line, color=colour, label=label)
    axes.axhline(0.0, color="0.7", lw=0.8)
    inside = row["spectrum_contact_left"].values, row["spectrum_contact_right"].values
    top = 1.3 * max(float(part.max()) for part in inside)
    axes.set(xlabel="frequency (THz)", ylabel="fraction of the heat (THz$^{-1}$)")
    axes.set(ylim=(min(-0.05 * top, *(1.2 * float(part.min()) for part in inside)), top))
    axes.set_title(f"{contact} contact", fontsize="medium")
    axes.legend(frameon=False, fontsize="small")
