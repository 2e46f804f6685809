"""Figure of one crystal: its dispersion and density of states, beside those of Debye's model."""

import json

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latmm.plotting.conductance import _formula, _special_points
from latmm.plotting.style import SIDE, per, shown
from latmm.units import THZ_IN, TWO_PI

__all__ = ["crystal_figure", "debye_lines", "draw_bands"]


def crystal_figure(crystal: xr.Dataset) -> Figure:
    """Figure of a crystal: bands along the path with Debye's lines from Γ, and the density of states.

    Parameters
    ----------
    crystal : xarray.Dataset
        From :func:`latmm.continuum.crystal.phonon_dataset`.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    bands, density = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    draw_bands(bands, crystal, SIDE["left"])
    unit = str(crystal["band_frequency"].attrs.get("units", "THz"))
    debye_lines(bands, crystal, factor=THZ_IN[unit])
    nu = crystal["dos_frequency"].values
    density.plot(crystal["density_of_states"].values, nu, color=SIDE["left"], lw=1.2)
    density.plot(crystal["density_of_states_debye"].values, nu, ":", color="0.3", lw=1.0)
    top = 1.05 * float(crystal["max_frequency"])
    density.set(xlabel=f"density of states\n({per(unit)} per cell)", xlim=(0, None), ylim=(0, top))
    bands.set(ylabel=f"phonon frequency ({shown(unit)})", xlabel="wave vector")
    bands.plot([], [], ":", color="0.3", lw=1.0, label="Debye (speeds of sound, isotropic average)")
    figure.legend(loc="outside lower center", frameon=False, fontsize="small")
    figure.suptitle(f"phonons of {_formula(crystal.attrs['formula'])}")
    return figure


def draw_bands(
    axes: Axes, crystal: xr.Dataset, colour: str, *, factor: float = 1.0, ticks: bool = True
) -> None:
    """Draw the bands of a crystal over its path, scaled to unit length, with the names of special points.

    ``factor`` is 1 THz in the unit of the axis.
    """
    x = crystal["path"].values / crystal["path"].values[-1]
    bands = factor * crystal["band_frequency"].values
    # the path jumps where two points share a place: no line leads from one to the other
    jumps = np.flatnonzero(np.diff(x) < 1e-9) + 1
    axes.plot(np.insert(x, jumps, np.nan), np.insert(bands, jumps, np.nan, axis=0), color=colour, lw=0.9)
    if ticks:
        places, names = _special_points(crystal)
        axes.set_xticks(places, names)
        for place in places[1:-1]:
            axes.axvline(place, color="0.85", lw=0.6, zorder=0)
    axes.set(xlim=(0, 1))


def debye_lines(axes: Axes, crystal: xr.Dataset, *, factor: float = 1.0) -> None:
    """Draw ν = c|q|/2π from every Γ of the path up to the cut-off, longitudinal and transverse."""
    length = float(crystal["path"].values[-1])
    unit = str(crystal["debye_frequency"].attrs.get("units", "THz"))
    cutoffs = crystal["debye_frequency"].values / THZ_IN[unit]
    labels = json.loads(crystal.attrs["band_path_labels"])
    ticks = np.array(json.loads(crystal.attrs["band_path_ticks"]))
    for place, name in zip(ticks, labels, strict=True):
        if name != "G":
            continue
        for step in (-1.0, 1.0):
            ahead = ticks[(ticks - place) * step > 1e-9]
            if ahead.size == 0:
                continue
            reach = float(np.abs(ahead - place).min())  # Å⁻¹
            for speed, cutoff in zip(crystal["sound_speed_isotropic"].values, cutoffs, strict=True):
                slope = 10.0 * speed / TWO_PI  # km/s = 10 Å THz
                end = min(reach, cutoff / slope)
                x = np.array([place, place + step * end]) / length
                axes.plot(x, [0.0, factor * slope * end], ":", color="0.3", lw=1.0)
