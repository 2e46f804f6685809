"""The option ``--experiment``: measured conductances beside calculated ones."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    import xarray as xr
    from ase import Atoms

    from latmm.experiment.table import Series

__all__ = [
    "TABLE",
    "describe",
    "experiment_lines",
    "experiment_option",
    "measured_series",
    "own_files",
    "own_series",
    "point_cells",
]

_F = TypeVar("_F", bound=Callable[..., Any])
TABLE = "measured"
"""Value of the option for latmm's own table."""
_NEAR = 0.05
"""A model stands beside a measured point if its temperature is as near as this, relatively."""


def _source(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != TABLE and not value.lower().endswith(".csv"):
            raise click.BadParameter(f"{value!r} is neither {TABLE}, for latmm's own table, nor a .csv file")
    return values


def experiment_option(function: _F) -> _F:
    """Add ``--experiment``, to be read by :func:`own_series` and :func:`measured_series`."""
    return click.option(
        "--experiment",
        multiple=True,
        metavar=f"{TABLE}|FILE.csv",
        callback=_source,
        help=f"Measured conductances beside the models: {TABLE}, those of latmm (latmm measured), "
        "or a file with the columns temperature (K) and conductance (MW/m²K); repeatable.",
    )(function)


def own_series(options: dict[str, Any]) -> "tuple[Series, ...]":
    """Read the files of the option, before any work."""
    from latmm.experiment.table import read_measurements

    return tuple(one for value in options["experiment"] if value != TABLE for one in read_measurements(value))


def own_files(options: dict[str, Any]) -> dict[str, str]:
    """Tables of one's own by name, for provenance: measured conductances, and metals."""
    files = [value for value in options.get("experiment") or () if value != TABLE]
    metals = {"metals": options["metals"]} if options.get("metals") else {}
    return {f"experiment {i}": path for i, path in enumerate(files, 1)} | metals


def measured_series(options: dict[str, Any], left: "Atoms", right: "Atoms") -> "tuple[Series, ...]":
    """Find the series of latmm's table for two crystals, if the option asks for them."""
    from latmm.experiment.beside import material, measured_of

    return measured_of(material(left), material(right)) if TABLE in options["experiment"] else ()


def point_cells(point: dict[str, float | None], bound: str = "") -> str:
    """Temperature, conductance and uncertainty of a measured point in columns, MW m⁻² K⁻¹."""
    g, minus, plus = (point[key] for key in ("conductance", "error_minus", "error_plus"))
    error = "—"
    if minus is not None and plus is not None:
        below, above = (f"{value / 1e6:.3g}" for value in (minus, plus))
        error = above if above == below else f"+{above} −{below}"
    return f"{point['temperature']:>9g}{f'{bound}{(g or 0.0) / 1e6:.4g}':>11}{error:>11}"


def experiment_lines(tree: "xr.DataTree") -> list[str]:
    """Table of the measured points near the temperatures of a comparison, models beside them.

    Each model shows the value that the method measures: the four-probe conductance where it takes local
    temperatures, else the two-probe one. With the node ``/electrons`` it is the total.
    """
    from latmm.experiment.beside import records

    total = "electrons" in tree.children
    comparison = tree["electrons" if total else "comparison"].to_dataset()
    models = [str(name) for name in comparison["model"].values]
    widths = [max(12, len(name) + 2) for name in models]
    t = comparison["temperature"].values
    lines = ["measured (MW m⁻² K⁻¹), and the models at the nearest temperature computed (within 5 %)"]
    for one in records(tree):
        kind = "four-probe" if one["compare_with"].endswith("four_probe") else "two-probe"
        lines.append(f"{one['series']}: {describe(one)}")
        lines.append(
            f"{'T (K)':>9}{'measured':>11}{'±':>11}  "
            + "".join(f"{m:>{w}}" for m, w in zip(models, widths, strict=True))
            + f"  ({kind}{', with electrons' * total})"
        )
        shown = 0
        for point in one["points"]:
            i = int(abs(t - point["temperature"]).argmin())
            if abs(t[i] / point["temperature"] - 1.0) > _NEAR:
                continue
            shown += 1
            values = (comparison[one["compare_with"]].values[:, i] / 1e6).tolist()
            cells = "".join(f"{value:>{w}.4g}" for value, w in zip(values, widths, strict=True))
            lines.append(f"{point_cells(point, one['bound'])}  {cells}")
        if shown < len(one["points"]):
            lines.append(
                f"{'':>9}{len(one['points']) - shown} of {len(one['points'])} points at other temperatures"
            )
    return lines


def describe(one: dict[str, Any]) -> str:
    """Say in a line what a series is: pair, method, preparation, evidence, open questions, source."""
    what = [one["pair"], one["method"] or "method not known", one["preparation"], one["source"]]
    marks = [one["evidence"], one["open"] and f"open: {one['open']}"]
    return "; ".join(filter(None, what)) + "".join(f" [{mark}]" for mark in marks if mark)
