"""Every figure that a stored result can give, by name: one panel each, for a column of a journal (8.6 cm).

Each function draws into axes that it is given, so that figures of one's own are put together from them. What
is drawn can be had as numbers (:func:`drawn`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.landauer import heat_capacity_weight
from latmm.models import MODELS
from latmm.plotting.axes import readable_log
from latmm.plotting.conductance import _formula, _title
from latmm.plotting.crystal import debye_lines, draw_bands
from latmm.plotting.low_dimensional import draw_channels, draw_junction
from latmm.plotting.studies import draw_minibands, draw_periods, draw_stop_bands
from latmm.plotting.style import COLUMN, PRINT, SIDE, per, shown
from latmm.plotting.sweeps import draw_sweep
from latmm.stored import conductances, spectra
from latmm.units import THZ_IN

__all__ = ["COLUMN", "FIGURES", "PRINT", "Drawing", "draw", "drawn", "figures_of", "write_data"]

_POINTS: Final = 160
"""Temperatures of a smooth curve."""


@dataclass(frozen=True)
class Look:
    """What a figure is asked for beside the result.

    Attributes
    ----------
    frequency : str
        Unit of frequencies, of :data:`latmm.units.THZ_IN`.
    temperatures : tuple of float
        K; those of the result where there are none.
    """

    frequency: str = "THz"
    temperatures: tuple[float, ...] = ()

    @property
    def factor(self) -> float:
        """1 THz in the unit of frequencies."""
        return THZ_IN[self.frequency]

    @property
    def unit(self) -> str:
        """The unit as an axis shows it."""
        return shown(self.frequency)


@dataclass(frozen=True)
class Drawing:
    """A figure of a result.

    Attributes
    ----------
    title : str
        What it shows.
    paint : callable
        Draws a result into axes, with a :class:`Look`.
    fits : callable
        Whether a result has what it needs.
    """

    title: str
    paint: Callable[[xr.DataTree, Axes, Look], None]
    fits: Callable[[xr.DataTree], bool]


def _asked(tree: xr.DataTree, look: Look) -> Floats:
    """Temperatures to mark."""
    if look.temperatures:
        return np.array(sorted(look.temperatures))
    return np.asarray(tree["comparison"].to_dataset()["temperature"].values, dtype=float)


def _curve(tree: xr.DataTree, look: Look, *, log: bool) -> Floats:
    """Temperatures of the smooth curves: past those asked for, on both ends."""
    asked = _asked(tree, look)
    if log:
        return np.geomspace(min(asked.min(), 0.05 * asked.max()), asked.max(), _POINTS)
    top = asked.max() if asked.size > 1 else 1.3 * asked.max()
    return np.linspace(top / _POINTS, top, _POINTS)


def _rows(tree: xr.DataTree, t: Floats) -> Iterator[tuple[str, Floats]]:
    """Conductances (MW m⁻² K⁻¹) of every model with a spectrum at temperatures."""
    table = conductances(tree, t)["conductance"] / 1e6
    for model in table["model"].values:
        yield str(model), table.sel(model=model).values


def paint_conductance(tree: xr.DataTree, axes: Axes, look: Look, *, log: bool = False) -> None:
    """G(T): smooth curves from Ξ(ν), the temperatures asked for with their error bars."""
    t = _curve(tree, look, log=log)
    for model, values in _rows(tree, t):
        one = MODELS[model]
        axes.plot(t, values, one.line, color=one.colour, label=one.label)
    stored = tree["comparison"].to_dataset()
    asked = _asked(tree, look)
    few = asked[np.unique(np.linspace(0, asked.size - 1, 10).astype(int))]
    bars = {float(x): i for i, x in enumerate(stored["temperature"].values)}
    for model, values in _rows(tree, few):
        one = MODELS[model]
        error = None
        if "conductance_error" in stored and all(float(x) in bars for x in few):
            index = [bars[float(x)] for x in few]
            error = np.nan_to_num(stored["conductance_error"].sel(model=model).values[index] / 1e6)
        axes.errorbar(few, values, error, fmt="o", ms=2.2, lw=0.8, color=one.colour)
    for model in stored["model"].values:
        if str(model) in MODELS and not MODELS[str(model)].is_spectral:
            one = MODELS[str(model)]
            own = stored["conductance"].sel(model=model).values / 1e6
            axes.plot(
                stored["temperature"], own, one.line, color=one.colour, marker="s", ms=2.5, label=one.label
            )
    axes.set(xlabel="temperature (K)", ylabel="conductance (MW m$^{-2}$ K$^{-1}$)")
    if log:
        readable_log(axes, "x")
        readable_log(axes, "y")
        _cubic(tree, axes, t)
    else:
        axes.set(xlim=(0, t.max()), ylim=(0, None))


def _cubic(tree: xr.DataTree, axes: Axes, t: Floats) -> None:
    """Draw the law T³ of the first model's lowest frequencies, up to a tenth of where it stops holding."""
    model, values = next(_rows(tree, t))
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return
    first = known[0]
    law = values[first] * (t / t[first]) ** 3
    shown = law < 3.0 * np.nanmax(values)
    axes.plot(
        t[shown], law[shown], color="0.6", lw=0.7, label=f"T$^3$ through {MODELS[model].label}", zorder=0
    )


def paint_conductance_log(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """G(T) on logarithmic axes with a line of T³."""
    paint_conductance(tree, axes, look, log=True)


def paint_ratio(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Models over the lattice, or over the first model where there is no lattice."""
    t = _curve(tree, look, log=False)
    rows = dict(_rows(tree, t))
    reference = "agf" if "agf" in rows else next(iter(rows))
    for model, values in rows.items():
        one = MODELS[model]
        axes.plot(t, values / rows[reference], one.line, color=one.colour, label=one.label)
    axes.set(xlim=(0, t.max()), ylim=(0, None), xlabel="temperature (K)")
    axes.set(ylabel=f"conductance / {MODELS[reference].label}")


def paint_spectrum(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Ξ(ν) of every model, within the channels M(ν) of both crystals."""
    tables = spectra(tree)
    counted = [name for name in tables if MODELS[name].of_lattice] or list(tables)
    source = tables[counted[0]]
    for side, colour in SIDE.items():
        axes.fill_between(
            source["frequency"].values * look.factor,
            source[f"channels_{side}"].values,
            color=colour,
            alpha=0.13,
            lw=0,
            label=f"channels, {side}",
        )
    end, top = 0.0, 0.0
    for name, table in tables.items():
        one, nu, xi = MODELS[name], table["frequency"].values, table["transmission"].values
        axes.plot(nu * look.factor, xi, one.line, color=one.colour, label=one.label)
        if one.of_lattice:
            end = max(end, float(nu[xi > 1e-6 * xi.max()].max(initial=0.0)))
            top = max(top, float(xi.max()))
    own = [tables[name]["transmission"].values.max() for name in counted]
    end = end or float(source["frequency"].max())
    axes.set(xlim=(0, 1.05 * end * look.factor), ylim=(0, 1.2 * max([top, *map(float, own)])))
    axes.set(xlabel=f"frequency ({look.unit})", ylabel="transmission (channels nm$^{-2}$)")


def paint_accumulation(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Fraction of the conductance that phonons up to each frequency carry, at the last temperature."""
    t = float(_asked(tree, look)[-1])
    for name, table in spectra(tree).items():
        one, nu, weight = MODELS[name], table["frequency"].values, table["frequency_weight"].values
        part = table["transmission"].values * weight * heat_capacity_weight(nu, t)
        axes.plot(
            np.append(0.0, nu) * look.factor,
            np.append(0.0, np.cumsum(part)) / part.sum(),
            one.line,
            color=one.colour,
            label=one.label,
        )
    axes.set(xlim=(0, None), ylim=(0, 1.02), xlabel=f"frequency ({look.unit})")
    axes.set(ylabel=f"accumulated fraction of G({t:g} K)")


def paint_dispersions(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Bands of both crystals over one axis, scaled to equal lengths."""
    top = 0.0
    for side, colour in SIDE.items():
        crystal = tree[side].to_dataset()
        draw_bands(axes, crystal, colour, factor=look.factor, ticks=side == "left")
        axes.plot([], [], color=colour, label=f"{side}: {_formula(crystal.attrs['formula'])}")
        top = max(top, float(crystal["max_frequency"]))
    axes.set(ylim=(0, 1.05 * top * look.factor), ylabel=f"frequency ({look.unit})")


def paint_densities(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Densities of states of both crystals, each per atom."""
    for side, colour in SIDE.items():
        crystal = tree[side].to_dataset()
        atoms = crystal.sizes["atom"]
        axes.plot(
            crystal["dos_frequency"].values * look.factor,
            crystal["density_of_states"].values / atoms / look.factor,
            color=colour,
            label=f"{side}: {_formula(crystal.attrs['formula'])}",
        )
    axes.set(xlim=(0, None), ylim=(0, None), xlabel=f"frequency ({look.unit})")
    axes.set(ylabel=f"density of states ({per(look.frequency)} per atom)")


def paint_angles(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Transmissivity of elastic waves from the left against the angle of incidence."""
    from latmm.plotting.continuum import draw_angles

    draw_angles(axes, tree["angles"].to_dataset())


def paint_bands(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Bands of one crystal with Debye's lines."""
    crystal = tree.to_dataset()
    draw_bands(axes, crystal, SIDE["left"], factor=look.factor)
    debye_lines(axes, crystal, factor=look.factor)
    axes.plot([], [], ":", color="0.3", lw=1.0, label="Debye")
    axes.set(ylim=(0, 1.05 * float(crystal["max_frequency"]) * look.factor))
    axes.set(ylabel=f"frequency ({look.unit})")


def paint_heat_capacity(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Heat capacity of one crystal beside Debye's."""
    crystal = tree.to_dataset()
    t = crystal["temperature"].values
    for name, label, line in (
        ("heat_capacity", "phonons", "o-"),
        ("heat_capacity_debye", "Debye, acoustic branches", "s:"),
    ):
        colour = SIDE["left"] if line == "o-" else "0.3"
        axes.plot(t, crystal[name].values / 1e6, line, color=colour, ms=2.5, label=label)
    axes.set(xlim=(0, None), ylim=(0, None), xlabel="temperature (K)")
    axes.set(ylabel="heat capacity (MJ m$^{-3}$ K$^{-1}$)")


def paint_sweep(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """G against the longest parameter of a study, a curve for each set of the others."""
    draw_sweep(axes, tree, look.temperatures)


def _has(*names: str) -> Callable[[xr.DataTree], bool]:
    """Whether a result has these nodes."""
    return lambda tree: all(name in tree.children for name in names)


def _has_variable(name: str) -> Callable[[xr.DataTree], bool]:
    """Whether a result has this variable at its root."""
    return lambda tree: name in tree.data_vars


def _has_spectra(tree: xr.DataTree) -> bool:
    try:
        return "comparison" in tree.children and set(spectra(tree)) <= set(MODELS)
    except InputError:
        return False


def _has_bands(tree: xr.DataTree) -> bool:
    return "left" in tree.children and "band_frequency" in tree["left"]


def paint_periods(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """G(N) of a superlattice at its stored temperatures."""
    draw_periods(tree, axes)


def paint_minibands(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Bands of an endless superlattice at normal incidence."""
    draw_minibands(tree, axes, factor=look.factor, unit=look.unit)


def paint_stop_bands(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """T of N periods at normal incidence."""
    draw_stop_bands(tree, axes, factor=look.factor, unit=look.unit)


def paint_channels(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """Transmission and channels of a junction of sheets, ribbons, tubes or chains."""
    draw_channels(tree, axes, factor=look.factor, unit=look.unit)


def paint_junction(tree: xr.DataTree, axes: Axes, look: Look) -> None:
    """G(T) of such a junction."""
    draw_junction(tree, axes)


FIGURES: Final[dict[str, Drawing]] = {
    "conductance": Drawing("conductance against temperature", paint_conductance, _has_spectra),
    "conductance-log": Drawing("the same on logarithmic axes, with T³", paint_conductance_log, _has_spectra),
    "ratio": Drawing("models over the lattice", paint_ratio, _has_spectra),
    "spectrum": Drawing("transmission Ξ(ν) and channels of both crystals", paint_spectrum, _has_spectra),
    "accumulation": Drawing("accumulated conductance by frequency", paint_accumulation, _has_spectra),
    "sweep": Drawing("conductance against a parameter", paint_sweep, lambda tree: "parameters" in tree.attrs),
    "dispersions": Drawing("bands of both crystals", paint_dispersions, _has_bands),
    "densities": Drawing("densities of states of both crystals", paint_densities, _has_bands),
    "angles": Drawing("transmissivity of elastic waves by angle", paint_angles, _has("angles")),
    "bands": Drawing("bands of one crystal with Debye's lines", paint_bands, _has_variable("band_frequency")),
    "heat-capacity": Drawing(
        "heat capacity of one crystal", paint_heat_capacity, lambda t: "heat_capacity" in t
    ),
    "periods": Drawing("conductance of N periods, coherent and in series", paint_periods, _has("stacks")),
    "minibands": Drawing("minibands at normal incidence", paint_minibands, _has("minibands")),
    "stop-bands": Drawing(
        "transmission of N periods at normal incidence", paint_stop_bands, _has("minibands")
    ),
    "channels": Drawing("transmission and channels of a junction", paint_channels, _has("junction")),
    "junction": Drawing(
        "conductance of a junction with the law of long waves", paint_junction, _has("junction")
    ),
}
"""Figures by name."""


def figures_of(tree: xr.DataTree) -> list[str]:
    """Names of the figures that a result can give.

    Parameters
    ----------
    tree : xarray.DataTree
        Any result.

    Returns
    -------
    list of str
        From :data:`FIGURES`.
    """
    return [name for name, one in FIGURES.items() if one.fits(tree)]


def draw(
    tree: xr.DataTree,
    figure: str | Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    frequency: str = "THz",
    temperature: ArrayLike = (),
) -> Figure:
    """Draw figures of a result, a panel each.

    Parameters
    ----------
    tree : xarray.DataTree
        Any result.
    figure : str or sequence of str, optional
        Names of :data:`FIGURES`; by default all that the result can give.
    ax : matplotlib Axes, optional
        To draw one figure into.
    frequency : {"THz", "meV", "cm-1"}
        Unit of frequencies.
    temperature : array_like
        K, instead of those of the result.

    Returns
    -------
    matplotlib.figure.Figure
        The axes' own if ``ax`` is given.

    Raises
    ------
    InputError
        If a name is unknown, or the result does not have what the figure needs.
    """
    possible = figures_of(tree)
    names = possible if figure is None else [figure] if isinstance(figure, str) else list(figure)
    wrong = [name for name in names if name not in possible]
    if wrong or not names:
        has = f"this result gives {', '.join(possible)}" if possible else "this result gives none"
        raise InputError(f"no figure {', '.join(map(repr, wrong)) or 'at all'}; {has}")
    if frequency not in THZ_IN:
        raise InputError(f"units of frequency are {', '.join(THZ_IN)}, but asked for is {frequency!r}")
    look = Look(frequency, tuple(float(t) for t in np.atleast_1d(np.asarray(temperature, dtype=float))))
    with rc_context(PRINT):
        if ax is not None:
            if len(names) != 1:
                raise InputError("`ax` takes one figure; name it")
            FIGURES[names[0]].paint(tree, ax, look)
            return ax.figure  # type: ignore[return-value]
        return _page(tree, names, look)


def _page(tree: xr.DataTree, names: list[str], look: Look) -> Figure:
    """One column of panels for one figure, two for more, each with its letter and its legend below."""
    columns = 1 if len(names) == 1 else 2
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(COLUMN * columns, 3.3 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, (name, axes) in enumerate(zip(names, panels, strict=False)):
        FIGURES[name].paint(tree, axes, look)
        if len(names) > 1:
            axes.set_title(f"({chr(97 + number)})", loc="left", fontweight="bold")
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            axes.legend(
                handles,
                labels,
                loc="upper center",
                bbox_to_anchor=(0.5, -0.2),
                ncols=2,
                frameon=False,
                handlelength=1.8,
                columnspacing=1.0,
            )
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.suptitle(title_of(tree))
    return figure


def title_of(tree: xr.DataTree) -> str:
    """Name what a result is of: crystals, planes, masses, potential, sampling."""
    attributes = tree.attrs
    source = str(attributes.get("potential", "")).partition(":")[0]
    mesh = " × ".join(str(int(n)) for n in np.atleast_1d(attributes.get("kmesh", [])))
    sampling = f"{mesh} k$_∥$, {int(attributes['frequencies'])} frequencies" if mesh else ""
    if "interfaces" in attributes:
        names = ", ".join(map(str, np.atleast_1d(attributes["interfaces"])))
        return "\n".join(filter(None, [names, ", ".join(filter(None, [source, sampling]))]))
    if {"left", "right"} <= set(tree.children) and "normal" in attributes and "species" in tree["left"]:
        return "\n".join(filter(None, [_title(tree), ", ".join(filter(None, [source, sampling]))]))
    if "formula" in attributes:
        return _formula(str(attributes["formula"]))
    title = str(attributes.get("title", ""))
    return str(attributes.get("interface", title.removeprefix("Continuum models of the interface ")))


def drawn(figure: Figure) -> list[tuple[str, str, str, str, float, float, float]]:
    """List what a figure shows as numbers.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From :func:`draw`.

    Returns
    -------
    list of tuple
        Panel, label of x, label of y, series, x, y, value; the value is that of a map's colour, otherwise not
        a number.
    """
    rows: list[tuple[str, str, str, str, float, float, float]] = []
    for number, axes in enumerate(figure.axes):
        head = (chr(97 + number % 26), axes.get_xlabel(), axes.get_ylabel())
        for line in axes.get_lines():
            label = str(line.get_label())
            x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
            rows += [(*head, label, float(a), float(b), np.nan) for a, b in zip(x, y, strict=True)]
        for item in axes.collections:
            rows += [(*head, str(item.get_label()), *point) for point in _points(item)]
    return rows


def _points(item: Any) -> list[tuple[float, float, float]]:
    """Places and values of a map's cells or of a scatter; nothing of other collections."""
    values = item.get_array()
    if isinstance(item, QuadMesh):
        corners = np.asarray(item.get_coordinates())
        centre = 0.25 * (corners[1:, 1:] + corners[1:, :-1] + corners[:-1, 1:] + corners[:-1, :-1])
        flat: Floats = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()
        return [(float(x), float(y), float(v)) for (x, y), v in zip(centre.reshape(-1, 2), flat, strict=True)]
    if isinstance(item, PathCollection):
        return [(float(x), float(y), np.nan) for x, y in np.asarray(item.get_offsets())]
    if isinstance(item, PolyCollection) and values is not None:
        places = [np.asarray(path.vertices)[:-1].mean(axis=0) for path in item.get_paths()]
        return [(float(x), float(y), float(v)) for (x, y), v in zip(places, values, strict=True)]
    if isinstance(item, PolyCollection):  # a filled area: its outline
        return [
            (float(x), float(y), np.nan) for path in item.get_paths() for x, y in np.asarray(path.vertices)
        ]
    return []


def write_data(figure: Figure, path: Any) -> None:
    """Write what a figure shows as CSV: panel, x_label, y_label, series, x, y, value.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From :func:`draw`.
    path : str or Path
        The file.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    import csv

    from latmm.files import check_destination, replacing

    check_destination(path)
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["panel", "x_label", "y_label", "series", "x", "y", "value"])
        for *words, x, y, value in drawn(figure):
            numbers = ["" if np.isnan(number) else f"{number:.10g}" for number in (x, y, value)]
            writer.writerow([*words, *numbers])
