"""Figures of mode-resolved transmission: k∥ zone, angle and frequency, branches, lattice over models."""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import withStroke
from scipy.spatial import cKDTree

from latmm.arrays import Floats, Integers
from latmm.interface.interface import SIDES
from latmm.modes.continuum import Continuum
from latmm.modes.differences import budget
from latmm.modes.elastic import critical_angles, critical_slowness
from latmm.plotting.style import BRANCHES, NO_PHONON, STYLE

__all__ = ["angle_figure", "branch_name", "phonon_figure", "zone_figure"]

_NAMES = ("slow quasi-transverse", "fast quasi-transverse", "quasi-longitudinal")
_NEGLIGIBLE = 3e-2
"""Fraction of the largest contribution below which a ratio is left out: a mesh holds few such phonons."""
_MAP = "viridis"
_HALO = [withStroke(linewidth=2.4, foreground="white")]
_FULL = 0.6
"""Fraction of the bins of a map that should hold phonons; with fewer, bins are merged."""


def branch_name(branch: int) -> str:
    """Name of a branch: acoustic by speed, optical by number."""
    return _NAMES[branch] if branch < len(_NAMES) else f"optical {branch - 2}"


def _colour(branch: int) -> str:
    return BRANCHES[branch % len(BRANCHES)]


def _columns(branches: Integers) -> list[tuple[str, list[int]]]:
    """Panels of a row: one for each acoustic branch, one for all optical ones."""
    panels = [(name, [branch]) for branch, name in enumerate(_NAMES)]
    optical = [int(b) for b in branches if b >= len(_NAMES)]
    return [*panels, ("optical", optical)] if optical else panels


def zone_figure(
    table: xr.Dataset, in_plane: Sequence[Floats], frequency: float, continuum: Continuum | None = None
) -> Figure:
    """Transmissivity over the k∥ zone at one frequency, branch by branch, from both sides.

    Lines are the cones of elastic waves of the other crystal: outside of them acoustic mismatch loses the
    outgoing wave.

    Parameters
    ----------
    table : xarray.Dataset
        Mode table of the whole zone (:func:`latmm.modes.sampling.zone_samples`).
    in_plane : sequence of two (2, 2) float
        In-plane lattice vectors of the left and of the right crystal, Å, in rows.
    frequency : float
        THz; the nearest one of the table is shown.
    continuum : Continuum, optional
        Both media, for the cones.
    """
    nodes = np.unique(table["frequency"].values)
    nearest = nodes[np.argmin(np.abs(nodes - frequency))]
    chosen = table.isel(mode=np.flatnonzero(table["frequency"].values == nearest))
    panels = _columns(np.unique(chosen["branch"].values))
    figure = Figure(figsize=(3.1 * len(panels) + 1.0, 6.6), layout="constrained")
    figure.set_layout_engine("constrained", h_pad=0.08)
    axes = figure.subplots(2, len(panels), sharex="row", sharey="row", squeeze=False)
    cones = [] if continuum is None else [_cone(continuum, side, nearest) for side in (0, 1)]
    for (side, name), (column, (label, branches)) in product(enumerate(SIDES), enumerate(panels)):
        ax = axes[side, column]
        own = (chosen["side"].values == side) & np.isin(chosen["branch"].values, branches)
        _zone(ax, chosen.isel(mode=np.flatnonzero(own)), in_plane[side])
        if cones:
            _cones(ax, cones[side])
        ax.set(title=f"{label}, from the {name}", xlabel="k$_x$ (Å$^{-1}$)", aspect="equal")
    for ax in axes[:, 0]:
        ax.set(ylabel="k$_y$ (Å$^{-1}$)")
    _colour_bar(figure, axes.ravel())
    if continuum is not None:
        _branch_legend(figure, "elastic waves of the other crystal end:")
    figure.suptitle(f"transmissivity over the in-plane zone at {nearest:g} THz")
    return figure


def _colour_bar(figure: Figure, axes: Iterable[Axes]) -> None:
    colours = ScalarMappable(Normalize(0.0, 1.0), _MAP)
    bar = figure.colorbar(colours, ax=axes, label="mean transmissivity", shrink=0.8)
    bar.ax.set_title("grey:\nno phonon", fontsize="small", color="0.35")


def _branch_legend(figure: Figure, title: str) -> None:
    """Name the lines of the three acoustic branches below the panels."""
    lines = [Line2D([], [], color=_colour(b), ls="--", label=name) for b, name in enumerate(_NAMES)]
    figure.legend(
        [Line2D([], [], ls="none"), *lines],
        [title, *_NAMES],
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=9,
    )


def _zone(axes: Axes, own: xr.Dataset, in_plane: Floats) -> None:
    """Draw every k∥ that carries modes as its mesh cell, in the first zone of the plane."""
    reciprocal = np.asarray(2.0 * np.pi * np.linalg.inv(in_plane).T, dtype=float)
    outline = _first_zone(reciprocal)
    boundary = Polygon(outline, closed=True, facecolor=NO_PHONON, edgecolor="0.4", lw=0.8)
    axes.add_patch(boundary)
    reach = 1.04 * np.abs(outline).max(axis=0)
    axes.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]))
    fractions = np.round(np.stack([own["k1"].values, own["k2"].values], axis=-1).astype(float), 6)
    k, index = np.unique(fractions, axis=0, return_inverse=True)
    if len(k) == 0:
        return
    mean = np.bincount(index.ravel(), own["transmissivity"].values) / np.bincount(index.ravel())
    images = np.array(list(product((-1, 0, 1), repeat=2)))
    centres = ((k[:, None, :] + images) @ reciprocal).reshape(-1, 2)
    corners = 0.5 * np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) @ _mesh_vectors(centres, reciprocal)
    cells = PolyCollection(centres[:, None, :] + corners, cmap=_MAP, norm=Normalize(0.0, 1.0))
    cells.set_array(np.repeat(mean, len(images)))
    cells.set_edgecolor("face")
    axes.add_collection(cells, autolim=False)
    cells.set_clip_path(boundary)


def _first_zone(reciprocal: Floats) -> Floats:
    """Outline (P, 2) of the first zone of a plane: nearer to the centre than to any other node."""
    nodes = np.array([m for m in product((-2, -1, 0, 1, 2), repeat=2) if any(m)]) @ reciprocal
    angle = np.linspace(0.0, 2.0 * np.pi, 721)
    around = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    along = around @ nodes.T
    distance = np.where(along > 1e-9, (nodes**2).sum(axis=1) / (2.0 * np.maximum(along, 1e-9)), np.inf)
    return np.asarray(distance.min(axis=1)[:, None] * around)


def _mesh_vectors(points: Floats, reciprocal: Floats) -> Floats:
    """Two shortest vectors (rows) between neighbours of a mesh; those of the zone if there is one point."""
    near = cKDTree(points).query(points, min(9, len(points)))[1]
    steps = (points[near[:, 1:]] - points[:, None, :]).reshape(-1, 2)
    steps = np.concatenate([steps, reciprocal])
    lengths = np.linalg.norm(steps, axis=1)
    first = steps[np.argmin(lengths)]
    across = np.abs(steps[:, 0] * first[1] - steps[:, 1] * first[0]) > 0.1 * lengths * np.linalg.norm(first)
    return np.array([first, steps[across][np.argmin(lengths[across])]])


def _cone(continuum: Continuum, side: int, frequency: float) -> Floats:
    """Outlines (sheet, P, 2) of |k∥| = ω s of the crystal behind the contact, Å⁻¹."""
    angle = np.linspace(0.0, 2.0 * np.pi, 121)
    slowness = critical_slowness(continuum.seen_from(side)[1], angle)
    # the media are turned about x to look from the right
    around = np.stack([np.cos(angle), np.sin(angle) * (1.0 if side == 0 else -1.0)], axis=-1)
    radius = 0.2 * np.pi * frequency * slowness  # THz ps/nm = nm⁻¹, 0.1 Å⁻¹
    return np.asarray(radius.T[..., None] * around)


def _cones(axes: Axes, outlines: Floats) -> None:
    for branch, outline in enumerate(outlines):
        axes.plot(*outline.T, "--", color=_colour(branch), lw=1.2, path_effects=_HALO)


def angle_figure(bins: xr.Dataset, continuum: Continuum | None = None) -> Figure:
    """Transmissivity against angle and frequency, branch by branch, and the channels that cross.

    Beyond a critical angle the elastic wave that goes out on the other side is lost. It depends on the
    azimuth: lines mark its smallest and its largest value.

    Parameters
    ----------
    bins : xarray.Dataset
        From :func:`latmm.modes.export.angular_table`, for a grid of frequencies.
    continuum : Continuum, optional
        Both media, for the critical angles.
    """
    panels = _columns(bins["branch"].values)
    figure = Figure(figsize=(3.2 * len(panels) + 0.8, 9.6), layout="constrained")
    # two columns of the grid for each map, so that the spectra below share the width evenly
    rows = [[f"{side}{column // 2}" for column in range(2 * len(panels))] for side in SIDES]
    below = ["spectrum0"] * len(panels) + ["spectrum1"] * len(panels)
    axes: dict[str, Axes] = figure.subplot_mosaic([*rows, below])
    critical = [] if continuum is None else [critical_angles(continuum, side) for side in (0, 1)]
    for (side, name), (column, (label, branches)) in product(enumerate(SIDES), enumerate(panels)):
        ax = axes[f"{name}{column}"]
        own = bins.sel(side=name, branch=[b for b in branches if b in bins["branch"]])
        _angle_map(ax, own, _top(bins))
        if critical and branches[0] < len(_NAMES):
            _critical(ax, critical[side][branches[0]])
        ax.set(title=f"{label}, from the {name}", xlabel="angle (°)")
        if column == 0:
            ax.set(ylabel="frequency (THz)")
    for side, name in enumerate(SIDES):
        _branch_spectra(axes[f"spectrum{side}"], bins.sel(side=name), _top(bins))
        axes[f"spectrum{side}"].set(title=f"channels nm$^{{-2}}$ that cross from the {name}")
    _colour_bar(figure, [axes[name] for row in rows for name in dict.fromkeys(row)])
    if continuum is not None:
        _branch_legend(figure, "critical angles of elastic waves (least, largest over azimuths), outgoing:")
    return figure


def _top(bins: xr.Dataset) -> float:
    """Highest frequency that crosses, THz."""
    crossing = (bins["channels"] * bins["transmissivity"]).sum(("side", "angle", "branch"))
    return float(bins["frequency"].where(crossing > 1e-9).max())


def _angle_map(axes: Axes, own: xr.Dataset, top: float) -> None:
    """Mean transmissivity in equal bins of frequency and angle; merged until most hold phonons."""
    weight = own["channels"] * own["frequency_weight"]
    offered, crossing = (
        x.sum("branch").transpose("frequency", "angle").values
        for x in (weight, weight * own["transmissivity"])
    )
    rows, angles = 32, own.sizes["angle"]
    while True:
        edges = np.linspace(0.0, top, rows + 1)
        place = np.clip(np.searchsorted(edges, own["frequency"].values) - 1, 0, rows - 1)
        inside = (own["frequency"].values <= top) * (place == np.arange(rows)[:, None])
        sums = [(inside @ x).reshape(rows, angles, -1).sum(axis=-1) for x in (offered, crossing)]
        held = np.flatnonzero(sums[0].sum(axis=1) > 0)
        filled = float((sums[0][held[0] : held[-1] + 1] > 0).mean()) if held.size else 1.0
        if filled > _FULL or rows <= 12:
            break
        rows, angles = rows * 3 // 4, angles // 2 if angles % 2 == 0 else angles
    mean = np.divide(sums[1], sums[0], out=np.full_like(sums[0], np.nan), where=sums[0] > 0)
    axes.pcolormesh(np.linspace(0.0, 90.0, angles + 1), edges, mean, cmap=_MAP, vmin=0.0, vmax=1.0)
    axes.set(facecolor=NO_PHONON, xlim=(0, 90), ylim=(0, top), xticks=range(0, 91, 30))


def _critical(axes: Axes, ranges: Floats) -> None:
    """Mark the range of angles (outgoing branch, 2) in which each outgoing elastic wave is lost."""
    for outgoing, ends in enumerate(ranges):
        for angle in ends:
            if np.isfinite(angle):
                axes.axvline(angle, color=_colour(outgoing), ls="--", lw=1.2, path_effects=_HALO)


def _branch_spectra(axes: Axes, own: xr.Dataset, top: float) -> None:
    crossing = (own["channels"] * own["transmissivity"]).sum("angle").transpose("branch", "frequency")
    drawn = [b for b in range(own.sizes["branch"]) if float(crossing[b].max()) > 0]
    axes.stackplot(
        own["frequency"].values,
        crossing.values[drawn],
        colors=[_colour(b) for b in drawn],
        labels=[branch_name(b) for b in drawn],
    )
    axes.set(xlabel="frequency (THz)", xlim=(0, top), ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)


def phonon_figure(tree: xr.DataTree, elastic: Sequence[xr.DataArray], temperature: float) -> Figure:
    """Conductance by branch, accumulated with frequency and angle, and the lattice over the models.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.modes.continuum.beside_phonons`.
    elastic : sequence of two xarray.DataArray
        From both sides, of :func:`latmm.modes.elastic.elastic_transmission`, in 90 bins of the angle.
    temperature : float
        K.
    """
    figure = Figure(figsize=(10.0, 7.6), layout="constrained")
    axes: dict[str, Axes] = figure.subplot_mosaic([["branch", "frequency"], ["angle", "ratio"]])
    _branch_bars(axes["branch"], budget(tree, elastic, temperature, "branch")[:, 0] / 1e6)
    for by, label in (("frequency", "frequency (THz)"), ("angle", "angle of the velocity to the normal (°)")):
        both = budget(tree, elastic, temperature, by, bins=45)[:, 0] / 1e6
        for model, side in product(both["model"].values, SIDES):
            text, colour, line = STYLE[str(model)]
            grown = np.append(0.0, np.cumsum(both.sel(model=model, side=side).values))
            style = {"lw": 1.5, "label": text} if side == SIDES[0] else {"lw": 0.7}
            axes[by].plot(np.append(0.0, both[by].values), grown, line, color=colour, **style)
        axes[by].plot([], [], color="0.5", lw=0.7, label="phonons of the right")
        axes[by].set(
            xlabel=f"{label}",
            ylabel="conductance up to here (MW m$^{-2}$ K$^{-1}$)",
            title="phonons of the left (thick) and of the right (thin)",
            xlim=(0, None),
            ylim=(0, None),
        )
    axes["frequency"].legend(frameon=False)
    by_frequency = budget(tree, elastic, temperature, "frequency", bins=15)[:, 0]
    _ratios(axes["ratio"], by_frequency)
    figure.suptitle(f"heat flow by phonons at {temperature:g} K")
    return figure


def _branch_bars(axes: Axes, fractions: xr.DataArray) -> None:
    """Stack the branches' fractions of the conductance, for each model and side."""
    shown = [str(m) for m in fractions["model"].values if m != "amm-phonons"]
    places = list(product(SIDES, shown))
    labels = [f"{STYLE[model][0]}\n{side}" for side, model in places]
    bottom = np.zeros(len(places))
    for branch in fractions["branch"].values:
        heights = np.array([fractions.sel(side=s, model=m, branch=branch).item() for s, m in places])
        if heights.max() > 0:
            axes.bar(labels, heights, bottom=bottom, color=_colour(branch), label=branch_name(int(branch)))
            bottom += heights
    axes.set(ylabel="conductance (MW m$^{-2}$ K$^{-1}$)", ylim=(0, 1.35 * max(bottom)))
    axes.set(title="by branch of the incident phonon")
    axes.tick_params(axis="x", labelsize=8)
    axes.legend(frameon=False, fontsize=8, ncols=2)


def _ratios(axes: Axes, fractions: xr.DataArray) -> None:
    """Conductance of the lattice over that of the models, by frequency."""
    ends = fractions["frequency"].values
    centre = ends - 0.5 * ends[0]
    highest = 1.0
    for side, model in product(SIDES, ("dmm", "amm-phonons", "amm")):
        text, colour, line = STYLE[model]
        lattice, values = (fractions.sel(side=side, model=name).values for name in ("agf", model))
        known = values > _NEGLIGIBLE * values.max()
        ratio = lattice[known] / values[known]
        highest = max(highest, float(ratio.max(initial=0.0)))
        style = {"lw": 1.5, "label": f"AGF/{text}"} if side == SIDES[0] else {"lw": 0.7}
        axes.plot(centre[known], ratio, line, color=colour, **style)
    axes.axhline(1.0, color="0.7", lw=0.8, zorder=0)
    axes.set(
        title="phonons of the left (thick) and of the right (thin)",
        xlabel="frequency (THz)",
        ylabel="lattice over model",
        xlim=(0, None),
        ylim=(0, 1.4 * highest),
    )
    axes.legend(frameon=False)
