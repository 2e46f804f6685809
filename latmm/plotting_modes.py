"""Figures of mode-resolved transmission: k∥ zone, angle and frequency, branches, models over the lattice."""

from itertools import product

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from latmm.arrays import Floats
from latmm.continuum.incidence import critical_angle
from latmm.continuum.media import Medium
from latmm.modes.accumulation import accumulation, phonon_conductance
from latmm.modes.export import angular_table
from latmm.modes.system import SIDES
from latmm.plotting import STYLE

__all__ = ["angle_figure", "phonon_figure", "zone_figure"]

_BRANCHES = ("#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Colours of branches (Okabe and Ito): transverse blue, longitudinal vermilion, then optical."""
_NAMES = ("slow transverse", "fast transverse", "longitudinal")
_MODELS = {"agf": "transmissivity", "amm": "transmissivity_amm", "dmm": "transmissivity_dmm"}
_NEGLIGIBLE = 1e-3
"""Share of the largest contribution below which a ratio of two of them is left out."""


def _branch_name(branch: int) -> str:
    return _NAMES[branch] if branch < len(_NAMES) else f"optical {branch - 2}"


def _colour(branch: int) -> str:
    return _BRANCHES[branch % len(_BRANCHES)]


def zone_figure(table: xr.Dataset, in_plane: Floats, frequency: float) -> Figure:
    """Transmissivity over the k∥ zone at one frequency: the mean of the modes of each k∥.

    Parameters
    ----------
    table : xarray.Dataset
        Mode table of the whole zone (:func:`latmm.modes.sampling.zone_samples`).
    in_plane : (2, 2) float
        In-plane lattice vectors, Å, in rows.
    frequency : float
        THz; the nearest one of the table is shown.
    """
    nodes = np.unique(table["frequency"].values)
    nearest = nodes[np.argmin(np.abs(nodes - frequency))]
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for side, (ax, name) in enumerate(zip(axes, SIDES, strict=True)):
        own = (table["frequency"].values == nearest) & (table["side"].values == side)
        _zone(ax, table.isel(mode=np.flatnonzero(own)), in_plane)
        ax.set(title=f"from the {name}", xlabel="k$_x$ (Å$^{-1}$)", aspect="equal")
    axes[0].set(ylabel="k$_y$ (Å$^{-1}$)")
    colours = ScalarMappable(Normalize(0.0, 1.0), "viridis")
    figure.colorbar(colours, ax=axes, label="mean transmissivity of the modes of a wave vector")
    figure.suptitle(f"transmissivity over the in-plane zone at {nearest:g} THz")
    return figure


def _zone(axes: Axes, own: xr.Dataset, in_plane: Floats) -> None:
    """Draw every k∥ that carries modes as its mesh cell, in the first zone of the plane."""
    fractions = np.round(np.stack([own["k1"].values, own["k2"].values], axis=-1).astype(float), 6)
    k, index = np.unique(fractions, axis=0, return_inverse=True)
    axes.set_facecolor("0.9")
    if len(k) == 0:
        return
    mean = np.bincount(index.ravel(), own["transmissivity"].values) / np.bincount(index.ravel())
    reciprocal = 2.0 * np.pi * np.linalg.inv(in_plane).T
    images = np.array(list(product((-1, 0, 1), repeat=2)))
    candidates = (k[:, None, :] + images) @ reciprocal
    nearest = np.argmin(np.round((candidates**2).sum(axis=-1), 9), axis=1)
    centre = candidates[np.arange(len(k)), nearest]
    step = [_spacing(k[:, axis]) for axis in (0, 1)]
    corners = 0.5 * np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * step @ reciprocal
    cells = PolyCollection(centre[:, None, :] + corners, cmap="viridis", norm=Normalize(0.0, 1.0))
    cells.set_array(mean)
    cells.set_edgecolor("face")
    axes.add_collection(cells)
    axes.autoscale_view()


def _spacing(values: Floats) -> float:
    """Distance of neighbours on a mesh; of a single row, the whole zone."""
    steps = np.diff(np.unique(values))
    return float(steps.min()) if steps.size else 1.0


def angle_figure(table: xr.Dataset, media: tuple[Medium, Medium]) -> Figure:
    """Transmissivity against angle and frequency, and the channels that cross by branch, from both sides.

    Critical angles are those of the media's isotropic averages: beyond them an outgoing wave is lost.

    Parameters
    ----------
    table : xarray.Dataset
        Mode table of a grid of frequencies.
    media : tuple of two Medium
        Left and right.
    """
    bins = angular_table(table, angles=18)
    figure = Figure(figsize=(10.0, 7.6), layout="constrained")
    axes = figure.subplots(2, 2)
    for column, side in enumerate(SIDES):
        own = bins.sel(side=side)
        offered = own["channels"].sum("branch")
        mean = (own["channels"] * own["transmissivity"]).sum("branch") / offered.where(offered > 0)
        edges = _edges(own["frequency"].values)
        angles = np.linspace(0.0, 90.0, own.sizes["angle"] + 1)
        upper = axes[0, column]
        upper.pcolormesh(angles, edges, mean.values, cmap="viridis", vmin=0.0, vmax=1.0)
        _critical(upper, media if column == 0 else media[::-1])
        upper.set(
            facecolor="0.9",
            title=f"from the {side}",
            xlabel="angle of the group velocity (°)",
            ylabel="frequency (THz)",
        )
        _branch_spectra(axes[1, column], own)
    figure.colorbar(
        ScalarMappable(Normalize(0.0, 1.0), "viridis"), ax=axes[0, 1], label="mean transmissivity"
    )
    return figure


def _edges(nodes: Floats) -> Floats:
    middle = 0.5 * (nodes[1:] + nodes[:-1])
    last = nodes[-1] + (nodes[-1] - middle[-1] if middle.size else nodes[-1])
    return np.concatenate([[0.0], middle, [last]])


def _critical(axes: Axes, media: tuple[Medium, Medium]) -> None:
    """Mark the angles beyond which an outgoing wave of the other side is lost."""
    speeds = [medium.isotropic_average().speeds for medium in media]
    handles = []
    for incident, colour, line in (("transverse", "black", "--"), ("longitudinal", "#d55e00", "-")):
        for outgoing in ("transverse", "longitudinal"):
            angle = critical_angle(getattr(speeds[0], incident), getattr(speeds[1], outgoing))
            if np.isfinite(angle):
                axes.axvline(angle, color="white", lw=2.6)
                axes.axvline(angle, color=colour, ls=line, lw=1.4)
                handles.append(f"{incident[0].upper()}→{outgoing[0].upper()} {angle:.0f}°")
    text = "critical angles: " + (", ".join(handles) if handles else "none")
    axes.annotate(
        text,
        (0.98, 0.97),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize=8,
        bbox={"facecolor": "0.85", "edgecolor": "none", "pad": 2},
    )


def _branch_spectra(axes: Axes, own: xr.Dataset) -> None:
    crossing = (own["channels"] * own["transmissivity"]).sum("angle").transpose("branch", "frequency")
    drawn = [b for b in range(own.sizes["branch"]) if float(crossing[b].max()) > 0]
    axes.stackplot(
        own["frequency"].values,
        crossing.values[drawn],
        colors=[_colour(b) for b in drawn],
        labels=[_branch_name(b) for b in drawn],
    )
    axes.set(
        xlabel="frequency (THz)", ylabel="transmission (channels nm$^{-2}$)", xlim=(0, None), ylim=(0, None)
    )
    axes.legend(frameon=False, fontsize=8)


def phonon_figure(tree: xr.DataTree, temperature: float) -> Figure:
    """Conductance by branch, accumulated with frequency and angle, and the lattice over the models.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.modes.continuum.beside_phonons`; phonons of the left are counted.
    temperature : float
        K.
    """
    table = tree["left"].to_dataset()
    figure = Figure(figsize=(10.0, 7.6), layout="constrained")
    axes: dict[str, Axes] = figure.subplot_mosaic([["branch", "frequency"], ["angle", "ratio"]])
    _branch_bars(axes["branch"], tree, temperature)
    for by, label in (("frequency", "frequency (THz)"), ("angle", "angle of the group velocity (°)")):
        for model, name in _MODELS.items():
            grown = accumulation(table, temperature, by, name=name).sum("branch")[0] / 1e6
            text, colour, line = STYLE[model]
            axes[by].plot(grown[by].values, grown.values, line, color=colour, label=text)
        axes[by].set(
            xlabel=f"{label} up to which phonons count",
            ylabel="conductance (MW m$^{-2}$ K$^{-1}$)",
            xlim=(0, None),
            ylim=(0, None),
        )
    axes["frequency"].legend(frameon=False)
    _ratios(axes["ratio"], table, temperature)
    figure.suptitle(f"phonons of the left crystal at {temperature:g} K")
    return figure


def _branch_bars(axes: Axes, tree: xr.DataTree, temperature: float) -> None:
    """Stack the branches' shares of the conductance, for each model and side."""
    labels: list[str] = []
    bottom: list[float] = []
    shares: dict[int, Floats] = {}
    for side, (model, name) in product(SIDES, _MODELS.items()):
        share = phonon_conductance(tree[side].to_dataset(), temperature, name)[0].sum("qpoint") / 1e6
        shares[len(labels)] = share.values
        labels.append(f"{STYLE[model][0]}\n{side}")
        bottom.append(0.0)
    for branch in range(len(shares[0])):
        heights = [shares[place][branch] for place in range(len(labels))]
        if max(heights) > 0:
            axes.bar(labels, heights, bottom=bottom, color=_colour(branch), label=_branch_name(branch))
            bottom = [b + h for b, h in zip(bottom, heights, strict=True)]
    axes.set(ylabel="conductance (MW m$^{-2}$ K$^{-1}$)", ylim=(0, 1.35 * max(bottom)))
    axes.tick_params(axis="x", labelsize=8)
    axes.legend(frameon=False, fontsize=8, ncols=2)


def _ratios(axes: Axes, table: xr.Dataset, temperature: float) -> None:
    """Conductance of the lattice over that of a model, by frequency."""
    steps = 40
    grown = {
        model: accumulation(table, temperature, "frequency", steps=steps, name=name).sum("branch")[0]
        for model, name in _MODELS.items()
    }
    flow = {model: np.diff(value.values, prepend=0.0) for model, value in grown.items()}
    nu = grown["agf"]["frequency"].values
    centre = nu - 0.5 * nu[0]
    for model in ("amm", "dmm"):
        text, colour, line = STYLE[model]
        known = flow[model] > _NEGLIGIBLE * flow[model].max()
        axes.plot(
            centre[known], flow["agf"][known] / flow[model][known], line, color=colour, label=f"AGF/{text}"
        )
    axes.axhline(1.0, color="0.7", lw=0.8, zorder=0)
    axes.set(xlabel="frequency (THz)", ylabel="lattice over model", xlim=(0, None), ylim=(0, None))
    axes.legend(frameon=False)
