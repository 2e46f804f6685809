"""What ``latmm amm``, ``latmm dmm`` and ``latmm layers`` share: temperatures, output, table, figure."""

import json
from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .checking import check_lines, conclude
from .experiment import TABLE, experiment_lines, experiment_option, own_files, own_series
from .options import note, temperature_option
from .outputs import replace_option, run_attributes
from .tables import conductance_table, tell_limits

if TYPE_CHECKING:
    import xarray as xr

    from latmm.checks import Checks
    from latmm.continuum.combined import Side
    from latmm.experiment.table import Series

__all__ = ["deliver", "describe_media", "note_cutoffs", "output_options", "run_survey"]

_F = TypeVar("_F", bound=Callable[..., Any])


def output_options(function: _F) -> _F:
    """Add the temperatures and the options of output."""
    for decorate in reversed(
        [
            temperature_option,
            experiment_option,
            click.option("-o", "--output", type=click.Path(), help="Write the result as netCDF-4."),
            click.option("--plot", type=click.Path(), help="Write a figure (png, pdf, svg, ...)."),
            replace_option,
            click.option(
                "--json", "as_json", is_flag=True, help="Print one JSON object instead of the table."
            ),
            click.option("-q", "--quiet", is_flag=True, help="No progress and notes on stderr."),
        ]
    ):
        function = decorate(function)
    return function


def note_cutoffs(options: dict[str, Any], left: "Side", right: "Side") -> None:
    """Tell that a pair without Debye cut-offs keeps its law of low temperature however hot it gets."""
    if not any(isfinite(side.medium.cell_density) for side in (left, right)):
        note(
            options,
            "note: neither medium has a cell density (n=), so G follows the law of low temperature for ever; "
            "it holds far below the Debye temperatures",
        )


def run_survey(
    options: dict[str, Any],
    pair: "tuple[Side, Side]",
    models: tuple[str, ...],
    temperatures: list[float],
    checks: "Checks",
) -> None:
    """Compute the models and deliver table, file and figure."""
    from latmm.continuum.angles import incidence
    from latmm.continuum.combined import survey

    measured = own_series(options) + _measured(options, *pair)
    note_cutoffs(options, *pair)
    tree = survey(*pair, temperatures, models, roughness=options.get("roughness"))
    describe_media(tree, *pair)
    angles = None
    if any(name.startswith(("amm", "khalatnikov", "mixed")) for name in models):
        angles = incidence(pair[0].isotropic, pair[1].isotropic, [0.1 * i for i in range(900)])
        tree["angles"] = angles
    deliver(options, tree, angles, f"{pair[0].medium.name} | {pair[1].medium.name}", checks, measured)


def _measured(options: dict[str, Any], *pair: "Side") -> "tuple[Series, ...]":
    """Find the series of latmm's table for two sides, if the options ask for them."""
    from latmm.continuum.library import MEASURED
    from latmm.experiment.beside import material, measured_of

    if TABLE not in options["experiment"]:
        return ()
    keys = {record.name: key for key, record in MEASURED.items()}
    names = [
        keys.get(side.medium.name, "")
        if side.force_constants is None
        else material(side.force_constants.atoms)
        for side in pair
    ]
    return measured_of(*names)


def deliver(
    options: dict[str, Any],
    tree: "xr.DataTree",
    angles: "xr.Dataset | None",
    title: str,
    checks: "Checks | None" = None,
    measured: "Sequence[Series]" = (),
) -> None:
    """Write what was asked for and print the table or JSON."""
    from latmm.checks import dumps
    from latmm.experiment.beside import put_beside
    from latmm.plotting.conductance import save
    from latmm.plotting.continuum import continuum_figure
    from latmm.results import write

    checks = checks or {}
    tree.attrs["checks"] = dumps(checks)
    comparison = tree["comparison"].to_dataset()
    if measured:
        put_beside(tree, measured)
    inputs = dict(zip(("left", "right"), options.get("structures", ()), strict=False)) | own_files(options)
    tree.attrs.update(run_attributes(options, inputs), title=f"Continuum models of the interface {title}")
    if options["output"]:
        write(tree, options["output"])
    if options["plot"]:
        save(continuum_figure(tree, angles, title), options["plot"], checks)
    for path in filter(None, (options["output"], options["plot"])):
        note(options, f"wrote {path}")
    if options["as_json"]:
        click.echo(_json(tree))
    else:
        click.echo(conductance_table(comparison))
        if measured:
            click.echo("\n".join(experiment_lines(tree)))
        tell_limits(options, tree)
        for line in check_lines(checks):
            click.echo(line)
    conclude(checks)


def describe_media(tree: "xr.DataTree", left: "Side", right: "Side") -> None:
    """Add the nodes ``/left`` and ``/right`` with both media, and the limits of the theory."""
    import xarray as xr

    from latmm.limits import limits_of
    from latmm.results import as_json

    tree.attrs["limits"] = as_json(limits_of(_elements(left), _elements(right)))
    for name, side in (("left", left), ("right", right)):
        medium = side.medium
        columns = {
            "density": ((), medium.density, "g cm-3", "mass density"),
            "cell_density": ((), medium.cell_density, "nm-3", "primitive cells per volume"),
            "stiffness": (("voigt", "voigt_column"), medium.stiffness, "GPa", "elastic stiffness"),
            "stress": (("axis", "axis_column"), medium.stress, "GPa", "initial stress"),
        }
        tree[name] = xr.Dataset(
            {
                key: (dims, values, {"units": units, "long_name": text})
                for key, (dims, values, units, text) in columns.items()
            },
            attrs={"name": medium.name},
        )


def _elements(side: "Side") -> list[str]:
    """Chemical symbols of a side, where they are known."""
    from latmm.continuum.library import MEASURED

    if side.force_constants is not None:
        return list(side.force_constants.atoms.get_chemical_symbols())
    found = [key for key, record in MEASURED.items() if record.name == side.medium.name]
    return [key.title() for key in found if len(key) <= 2]  # others are no elements


def _json(tree: "xr.DataTree") -> str:
    from latmm.experiment.beside import records
    from latmm.results import marks

    comparison = tree["comparison"].to_dataset()
    models = [str(name) for name in comparison["model"].values]
    prefactors = comparison["cubic_prefactor"].values.tolist()
    found: dict[str, Any] = {
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
        "temperature": comparison["temperature"].values.tolist(),
        **{
            name: {
                m: [g if isfinite(g) else None for g in comparison[name].sel(model=m).values.tolist()]
                for m in models
            }
            for name in ("conductance", "conductance_four_probe")
        },
        **{
            f"{name}_error": {
                m: [
                    g if isfinite(g) else None
                    for g in comparison[f"{name}_error"].sel(model=m).values.tolist()
                ]
                for m in models
            }
            for name in ("conductance", "conductance_four_probe")
        },
        **marks(comparison),
        "refused": [m for m in models if comparison["refused"].sel(model=m).values.any()],
        "cubic_prefactor": {
            m: value if value == value else None for m, value in zip(models, prefactors, strict=True)
        },
        "cubic_prefactor_error": {
            m: value if value == value else None
            for m, value in zip(models, comparison["cubic_prefactor_error"].values.tolist(), strict=True)
        },
    }
    if "experiment" in tree.children:
        found["experiment"] = records(tree)
    if "stack" in tree.children:
        stack = tree["stack"].to_dataset()
        names = ("medium", "thickness", "density", "longitudinal", "transverse")
        rows = zip(*(stack[name].values.tolist() for name in names), strict=True)
        found["layers"] = [dict(zip(names, row, strict=True)) for row in rows]
    return json.dumps(found, allow_nan=False)
