"""Figures of results, ready for print: every axis with its unit, every model with one colour throughout.

Figures are made without a display (no pyplot state) and returned; :func:`save` writes them whole or not at
all.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from ase.formula import Formula
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latmm.arrays import Floats
from latmm.checks import Checks, failed
from latmm.errors import InputError
from latmm.experiment.drawing import draw_measured
from latmm.files import check_destination, replacing
from latmm.interface.interface import Interface
from latmm.models import MODELS
from latmm.plotting.style import COLUMN, FAILED, PRINT, SIDE, STYLE, shown
from latmm.stored import conductances, in_units

__all__ = ["comparison_figure", "heading", "save", "temperatures_figure"]

_FORMATS = {".png", ".pdf", ".svg", ".jpg", ".jpeg", ".eps"}


def comparison_figure(tree: xr.DataTree, *, frequency: str = "THz") -> Figure:
    """Figure of a comparison: G(T), the models relative to the lattice, Ξ(ν), both dispersions.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.comparison.compare`.
    frequency : {"THz", "meV", "cm-1"}
        Unit of frequencies.
    """
    figure = Figure(figsize=(10.0, 7.6), layout="constrained")
    axes: dict[str, Axes] = figure.subplot_mosaic([["conductance", "ratio"], ["spectrum", "bands"]])
    comparison = tree["comparison"].to_dataset()
    table = comparison["conductance"]
    models = [str(m) for m in table["model"].values]
    smooth = _smooth(tree, table)
    _conductance(axes["conductance"], table, models, smooth)
    if "potentials" in tree.children:
        _spread(axes["conductance"], tree["potentials"].to_dataset(), models)
    if "exceeds_lattice_limit" in comparison:
        _mark_above(axes["conductance"], comparison)
    if "experiment" in tree.children:
        draw_measured(axes["conductance"], tree, lambda model: STYLE[model][1])
    _ratio(axes["ratio"], table, models, smooth)
    converted = in_units(tree, frequency=frequency)
    _spectrum(axes["spectrum"], converted, models)
    _dispersions(axes["bands"], converted)
    axes["spectrum"].set(xlabel=f"frequency ({shown(frequency)})")
    axes["bands"].set(ylabel=f"phonon frequency ({shown(frequency)})")
    for letter, panel in zip("abcd", axes.values(), strict=True):
        panel.set_title(f"({letter})", loc="left", fontweight="bold")
    handles, labels = axes["conductance"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), frameon=False)
    figure.suptitle(f"{_title(tree)}\n{_source(tree)}")
    return figure


def temperatures_figure(tree: xr.DataTree) -> Figure:
    """Figure of force constants by temperature: G(T), and the models relative to the lattice.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.by_temperature.join_temperatures`.
    """
    figure = Figure(figsize=(10.0, 4.4), layout="constrained")
    axes: dict[str, Axes] = figure.subplot_mosaic([["conductance", "ratio"]])
    comparison = tree["comparison"].to_dataset()
    table = comparison["conductance"]
    models = [str(m) for m in table["model"].values]
    _conductance(axes["conductance"], table, models, None)
    if "exceeds_lattice_limit" in comparison:
        _mark_above(axes["conductance"], comparison)
    if "experiment" in tree.children:
        draw_measured(axes["conductance"], tree, lambda model: STYLE[model][1])
    _ratio(axes["ratio"], table, models, None)
    handles, labels = axes["conductance"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), frameon=False)
    first = next(node for name, node in tree.children.items() if name.startswith("at_"))
    figure.suptitle(f"{_title(first)}\nforce constants of each temperature")
    return figure


def save(figure: Figure, path: str | Path, checks: Checks | None = None, *, above: str = "") -> None:
    """Write a figure; the suffix chooses the format (png, pdf, svg, ...).

    Checks that failed are named in its title, ``above`` comes before it.

    Raises
    ------
    InputError
        If the folder does not exist, the format is unknown, or writing fails.
    """
    check_figure(path)
    if above:
        title = figure.get_suptitle()
        figure.suptitle(f"{above}: {title}" if title else above, fontsize=_title_size(figure))
    broken = failed(checks or {})
    if broken:
        names = ", ".join(one.name + (" (allowed)" if one.allowed else "") for one in broken)
        title = figure.get_suptitle()
        size = _title_size(figure)
        text = fill(f"checks failed: {names}", width=int(132.0 / size * figure.get_figwidth()))
        figure.suptitle(f"{title}\n{text}" if title else text, color=FAILED, fontsize=size)
    with replacing(path) as part:
        figure.savefig(part, dpi=200)


def _title_size(figure: Figure) -> float:
    """Size of a figure's title, points: what is added to it has the same."""
    drawn = [text for text in figure.texts if text.get_text() == figure.get_suptitle()]
    small = figure.get_figwidth() <= 2 * COLUMN
    usual = PRINT["figure.titlesize"] if small else 12.0
    return float(drawn[0].get_fontsize() if drawn else usual)


def check_figure(path: str | Path) -> Path:
    """Check before any work that a figure can be written to ``path``."""
    target = check_destination(path)
    if target.suffix.lower() not in _FORMATS:
        raise InputError(
            f"cannot write {target}: no figure format {target.suffix!r}; use {', '.join(sorted(_FORMATS))}"
        )
    return target


def _title(tree: xr.DataTree) -> str:
    sides = [tree[side].to_dataset() for side in ("left", "right")]
    return _pair(
        [_formula(side.attrs["formula"]) for side in sides],
        [_plane(tree.attrs[name]) for name in ("normal", "normal_right")],
        [_masses(side["species"].values, side["mass"].values) for side in sides],
    )


def heading(interface: Interface) -> str:
    """Name the crystals of an interface for the title of a figure: Si | Si (001), Si 28.085 | 72.63 amu."""
    sides = [interface.left.atoms, interface.right.atoms]
    return _pair(
        [_formula(atoms.get_chemical_formula()) for atoms in sides],
        [_plane(normal) for normal in interface.normals],
        [_masses(np.array(atoms.get_chemical_symbols()), atoms.get_masses()) for atoms in sides],
    )


def _pair(formulas: list[str], planes: list[str], both: list[dict[str, float]]) -> str:
    """Name both crystals and their planes, one where they are the same, and masses where only they differ."""
    if planes[0] == planes[1]:
        title = f"{formulas[0]} | {formulas[1]} {planes[0]}"
    else:
        title = " | ".join(f"{formula} {plane}" for formula, plane in zip(formulas, planes, strict=True))
    masses = both if formulas[0] == formulas[1] else []
    unlike = [
        f"{element} {' | '.join(f'{mass[element]:.5g}' for mass in masses)}"
        for element in (masses[0] if masses else ())
        if not np.isclose(masses[0][element], masses[1][element], rtol=1e-4)
    ]
    return f"{title}, {', '.join(unlike)} amu" if unlike else title


def _plane(normal: Sequence[int]) -> str:
    """Miller indices in brackets, apart where one has a sign or two digits."""
    indices = [str(int(i)) for i in normal]
    return f"({('' if all(len(i) == 1 for i in indices) else ' ').join(indices)})"


def _masses(species: np.ndarray[Any, Any], mass: Floats) -> dict[str, float]:
    """Mean mass of each element of a crystal, amu."""
    return {str(element): float(mass[species == element].mean()) for element in dict.fromkeys(species)}


def _source(tree: xr.DataTree) -> str:
    """Name the source of the force constants: a potential, or the rule that joins two calculations."""
    head = str(tree.attrs["potential"]).partition(";")[0]
    name, colon, _ = head.partition(": ")
    text = f"{name} potential" if colon else head
    rules = len(tree["mixing"]["mixing"]) if "mixing" in tree.children else 1
    if "potentials" in tree.children:
        return f"{text} (first of {tree['potentials'].sizes['potential']} alternatives)"
    return text if rules == 1 else f"{text} (first of {rules} mixing rules)"


def _formula(formula: str) -> str:
    """Reduce a primitive cell's formula to the smallest numbers: Si2 to Si, Al2N2 to AlN."""
    return str(Formula(formula).reduce()[0])


_FEW = 13
"""Temperatures below which each is marked on the smooth curve."""


def _smooth(tree: xr.DataTree, table: xr.DataArray) -> xr.DataArray | None:
    """Conductances over a fine range of temperatures, whatever was asked for, where Ξ(ν) is stored."""
    asked = table["temperature"].values
    top = 1.3 * asked.max() if asked.size == 1 else asked.max()
    grid = np.geomspace if asked.max() / asked.min() > 100 else np.linspace
    found = conductances(tree, grid(max(asked.min() / 10, top / 200), top, 200))["conductance"]
    return found.sel(model=[m for m in found["model"].values if m in table["model"].values])


def _conductance(axes: Axes, table: xr.DataArray, models: list[str], smooth: xr.DataArray | None) -> None:
    t = table["temperature"].values
    for model in models:
        label, colour, line = STYLE[model]
        values = table.sel(model=model).values / 1e6
        known = smooth is not None and model in smooth["model"].values
        if known and smooth is not None:
            axes.plot(smooth["temperature"], smooth.sel(model=model) / 1e6, line, color=colour, label=label)
        marker, style = "o" if t.size < _FEW else "", "" if known else line
        name = "" if known else label
        axes.plot(t, values, linestyle=style, color=colour, label=name, marker=marker, markersize=3.0)
    if t.size > 1 and t.max() / t.min() > 100:
        axes.set(xscale="log", yscale="log")
    else:
        axes.set(xlim=(0, None), ylim=(0, None))
    axes.set(xlabel="temperature (K)", ylabel="conductance (MW m$^{-2}$ K$^{-1}$)")


def _spread(axes: Axes, potentials: xr.Dataset, models: list[str]) -> None:
    """Shade what lies between the potentials, for each model."""
    t = potentials["temperature"].values
    table = potentials["conductance"] / 1e6
    for model in models:
        own = table.sel(model=model)
        low, high = own.min("potential").values, own.max("potential").values
        if t.size > 1:
            axes.fill_between(t, low, high, color=STYLE[model][1], alpha=0.15, lw=0)
        else:
            axes.errorbar(
                t, (low + high) / 2, yerr=(high - low) / 2, fmt="none", color=STYLE[model][1], capsize=4
            )
    names = ", ".join(str(name) for name in potentials["potential"].values)
    axes.fill_between([], [], [], color="0.5", alpha=0.3, lw=0, label=f"between {names}")


def _mark_above(axes: Axes, comparison: xr.Dataset) -> None:
    """Cross a dozen points at most of each model that exceeds the limit of the lattice's channels."""
    above = comparison["exceeds_lattice_limit"]
    t = comparison["temperature"].values
    for model in comparison["model"].values[above.any("temperature").values]:
        there = np.flatnonzero(above.sel(model=model).values)
        few = there[np.unique(np.linspace(0, there.size - 1, 12).astype(int))]
        values = comparison["conductance"].sel(model=model).values[few] / 1e6
        axes.plot(t[few], values, "x", color=STYLE[str(model)][1], markersize=6.0)
    if above.any():
        axes.plot([], [], "kx", markersize=6.0, label="above the limit of the lattice")


def _ratio(axes: Axes, table: xr.DataArray, models: list[str], smooth: xr.DataArray | None) -> None:
    """Other models over the lattice; over the first model where the lattice was not asked for."""
    reference = "agf" if "agf" in models else models[0]
    t = table["temperature"].values
    for model in models:
        label, colour, line = STYLE[model]
        ratio = table.sel(model=model).values / table.sel(model=reference).values
        known = smooth is not None and {model, reference} <= set(smooth["model"].values.tolist())
        if known and smooth is not None:
            fine = smooth.sel(model=model) / smooth.sel(model=reference)
            axes.plot(smooth["temperature"], fine, line, color=colour)
        marker, style = "o" if t.size < _FEW else "", "" if known else line
        axes.plot(t, ratio, linestyle=style, color=colour, label=label, marker=marker, markersize=3.0)
    if t.size > 1 and t.max() / t.min() > 100:
        axes.set(xscale="log")
    else:
        axes.set(xlim=(0, None))
    axes.set(ylim=(0, None))
    axes.set(xlabel="temperature (K)", ylabel=f"conductance relative to {STYLE[reference][0]}")


def _spectrum(axes: Axes, tree: xr.DataTree, models: list[str]) -> None:
    common = min(float(tree[side]["max_frequency"]) for side in ("left", "right"))
    models = [model for model in models if MODELS[model].is_spectral]
    counted = next((m for m in models if MODELS[m].of_lattice), models[0]).replace("-", "_")
    offered = tree[counted].to_dataset()
    for side, colour in SIDE.items():
        label = f"channels, {side}"
        nu, held = offered["frequency"].values, offered[f"channels_{side}"].values
        axes.fill_between(nu, held, color=colour, alpha=0.12, lw=0, label=label)
    axes.legend(frameon=False, fontsize="small", loc="upper left")
    for model in models:
        _, colour, line = STYLE[model]
        node = tree[model.replace("-", "_")].to_dataset()
        shown = node["frequency"].values <= 1.05 * common
        axes.plot(
            node["frequency"].values[shown], node["transmission"].values[shown], line, color=colour, lw=1.2
        )
    axes.set(
        ylabel="transmission (channels nm$^{-2}$)",
        xlim=(0, 1.05 * common),
        ylim=(0, None),
    )
    if "agf" in models or "dmm" in models:
        source = tree["agf" if "agf" in models else "dmm"].to_dataset()
        highest = float(source["transmission"].max())
        bound = [float(tree[m.replace("-", "_")]["transmission"].max()) for m in models if m == "radiation"]
        axes.set(ylim=(0, 1.15 * max([highest, *bound])))


def _dispersions(axes: Axes, tree: xr.DataTree) -> None:
    """Band paths of both crystals over one axis: their lengths are scaled to each other.

    Crystals with a path of their own have their own labels: the left one's below, the right one's above.
    """
    paths = [tree[side].attrs["band_path_labels"] for side in ("left", "right")]
    for side, colour in SIDE.items():
        crystal = tree[side].to_dataset()
        x = crystal["path"].values / crystal["path"].values[-1]
        bands: Floats = crystal["band_frequency"].values
        # the path jumps where two points share a place: no line leads from one to the other
        jumps = np.flatnonzero(np.diff(x) < 1e-9) + 1
        lines = axes.plot(
            np.insert(x, jumps, np.nan), np.insert(bands, jumps, np.nan, axis=0), color=colour, lw=1.0
        )
        lines[0].set_label(f"{side}: {_formula(crystal.attrs['formula'])}")
        places, names = _special_points(crystal)
        if side == "left":
            axes.set_xticks(places, names)
            for place in places[1:-1]:
                axes.axvline(place, color="0.85", lw=0.6, zorder=0)
        elif paths[0] != paths[1]:
            upper = axes.secondary_xaxis("top")
            upper.set_xticks(places, names)
            upper.tick_params(colors=colour)
    top = max(float(tree[side]["max_frequency"]) for side in ("left", "right"))
    axes.set(xlim=(0, 1), ylim=(0, 1.15 * top))
    axes.legend(frameon=False, ncols=2, loc="upper center")


def _special_points(crystal: xr.Dataset) -> tuple[list[float], list[str]]:
    """Places along the path, from 0 to 1, and names; two at one place (a jump of the path) share it."""
    places: list[float] = []
    names: list[str] = []
    ticks = np.array(json.loads(crystal.attrs["band_path_ticks"])) / crystal["path"].values[-1]
    for place, name in zip(ticks.tolist(), json.loads(crystal.attrs["band_path_labels"]), strict=True):
        label = name.replace("G", "Γ")
        if places and abs(places[-1] - place) < 1e-9:
            names[-1] += f"|{label}"
        else:
            places.append(place)
            names.append(label)
    return places, names
