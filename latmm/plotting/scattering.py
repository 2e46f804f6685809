"""Figures of where energy goes: mode conversion, and densities of states from crystal to crystal."""

from itertools import product

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from latmm.interface.interface import SIDES
from latmm.modes.maps import conversion
from latmm.plotting.modes import branch_name
from latmm.plotting.style import SIDE

__all__ = ["conversion_figure", "density_figure"]

_SHOWN = 0.005
"""Probability below which a cell of a conversion matrix has no number."""


def conversion_figure(mapped: xr.Dataset) -> Figure:
    """Probability that a phonon leaves in each branch of each side, and where its angle goes.

    Parameters
    ----------
    mapped : xarray.Dataset
        From :func:`latmm.modes.maps.scattering_map`; one row of panels for each frequency.
    """
    nodes = mapped["frequency"].values
    figure = Figure(figsize=(11.0, 4.6 * nodes.size), layout="constrained")
    axes = figure.subplots(nodes.size, 2, squeeze=False)
    probability = conversion(mapped["channels"])
    for row, nu in enumerate(nodes):
        _matrix(axes[row, 0], probability.sel(frequency=nu))
        image = _angles(axes[row, 1], mapped["channels"].sel(frequency=nu))
        axes[row, 0].set(title=f"conversion of phonons at {nu:g} THz")
        axes[row, 1].set(title=f"angles across the contact at {nu:g} THz")
        figure.colorbar(image, ax=axes[row, 1], label="channels nm$^{-2}$")
    return figure


def _matrix(axes: Axes, probability: xr.DataArray) -> None:
    """Matrix from (side, branch), rows, into (side, branch), columns; branches without phonons left out."""
    states = [
        (side, int(b))
        for side, b in product(SIDES, probability["branch"].values)
        if np.isfinite(probability.sel(side=side, branch=b).values).all()
    ]
    values = np.array(
        [
            [probability.sel(side=s, branch=b, side_out=so, branch_out=bo).item() for so, bo in states]
            for s, b in states
        ]
    ).reshape(len(states), len(states))
    axes.imshow(values, cmap="Blues", vmin=0.0, vmax=1.0)
    for (i, j), value in np.ndenumerate(values):
        if value > _SHOWN:
            colour = "white" if value > 0.6 else "black"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    names = [f"{side}, {branch_name(branch)}" for side, branch in states]
    axes.set_xticks(range(len(states)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(states)), names, fontsize=8)
    border = sum(side == SIDES[0] for side, _ in states) - 0.5
    axes.axhline(border, color="0.4", lw=0.8)
    axes.axvline(border, color="0.4", lw=0.8)
    axes.set(xlabel="outgoing", ylabel="incident")


def _angles(axes: Axes, channels: xr.DataArray) -> QuadMesh:
    """Channels from angle to angle, for phonons that cross from the left."""
    crossing = channels.sel(side=SIDES[0], side_out=SIDES[1]).sum(("branch", "branch_out"))
    edges = np.linspace(0.0, 90.0, crossing.sizes["angle"] + 1)
    image = axes.pcolormesh(edges, edges, crossing.transpose("angle_out", "angle").values, cmap="viridis")
    axes.set(xlabel="angle of incidence on the left (°)", ylabel="angle on the right (°)", aspect="equal")
    return image


def density_figure(density: xr.Dataset) -> Figure:
    """Density of states from crystal to crystal: a map, and the atoms next to the contact beside the ends.

    Parameters
    ----------
    density : xarray.Dataset
        From :func:`latmm.modes.fields.local_density_of_states`.
    """
    figure = Figure(figsize=(10.0, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    height = np.round(density["height"].values, 3)
    planes, index = np.unique(height, return_inverse=True)
    values = density["density_of_states"].values
    mean = np.stack([values[:, index == plane].mean(axis=1) for plane in range(planes.size)], axis=1)
    nu = density["frequency"].values
    middle = 0.5 * (planes[1:] + planes[:-1])
    edges = np.concatenate(
        [[1.5 * planes[0] - 0.5 * planes[1]], middle, [1.5 * planes[-1] - 0.5 * planes[-2]]]
    )
    steps = np.concatenate([[nu[0]], 0.5 * (nu[1:] + nu[:-1]), [nu[-1]]])
    image = left.pcolormesh(edges, steps, mean, cmap="viridis", vmin=0.0)
    left.axvline(0.0, color="white", lw=1.0, ls="--")
    left.set(xlabel="distance from the contact (Å)", ylabel="frequency (THz)")
    figure.colorbar(image, ax=left, label="density of states (THz$^{-1}$ per atom)")
    first = int(np.searchsorted(planes, 0.0))
    for plane, label, colour, line in (
        (0, "left crystal", SIDE["left"], ":"),
        (first - 1, "last plane of the left", SIDE["left"], "-"),
        (first, "first plane of the right", SIDE["right"], "-"),
        (planes.size - 1, "right crystal", SIDE["right"], ":"),
    ):
        right.plot(nu, mean[:, plane], line, color=colour, label=label)
    right.set(
        xlabel="frequency (THz)",
        ylabel="density of states (THz$^{-1}$ per atom)",
        xlim=(0, None),
        ylim=(0, None),
    )
    right.legend(frameon=False)
    return figure
