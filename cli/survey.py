"""What ``latmm amm``, ``latmm dmm`` and ``latmm layers`` share: temperatures, output, table, figure."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .checking import check_lines, conclude, marked
from .electrons import add_electrons, beside, electron_lines, metals_asked
from .experiment import TABLE, experiment_lines, experiment_option, own_files, own_series
from .options import note, temperature_option
from .outputs import replace_option, run_attributes
from .tables import conductance_table, tell_limits

if TYPE_CHECKING:
    import xarray as xr

    from latmm.continuum.combined import Side
    from latmm.experiment.table import Series

__all__ = ["deliver", "output_options", "run_survey"]

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


def run_survey(
    options: dict[str, Any], pair: "tuple[Side, Side]", models: tuple[str, ...], temperatures: list[float]
) -> None:
    """Compute the models and deliver table, file and figure."""
    from latmm.continuum.results import mismatch

    measured = own_series(options) + _measured(options, *pair)
    metals = metals_asked(options, pair[0].elements, pair[1].elements)
    tree = mismatch(*pair, temperatures, models, roughness=options.get("roughness"))
    add_electrons(options, tree, metals)
    deliver(options, tree, measured)


def _measured(options: dict[str, Any], *pair: "Side") -> "tuple[Series, ...]":
    """Find the series of latmm's table for two sides, if the options ask for them."""
    from latmm.experiment.beside import material, measured_of

    if TABLE not in options["experiment"]:
        return ()
    return measured_of(
        *(
            side.measured_name if side.force_constants is None else material(side.force_constants.atoms)
            for side in pair
        )
    )


def deliver(options: dict[str, Any], tree: "xr.DataTree", measured: "Sequence[Series]" = ()) -> None:
    """Write what was asked for and print the table or JSON."""
    from latmm.checks import dumps, loads
    from latmm.experiment.beside import put_beside
    from latmm.plotting.conductance import save
    from latmm.plotting.continuum import continuum_figure
    from latmm.results import summary, write

    checks = marked(options, loads(tree.attrs["checks"]))
    tree.attrs["checks"] = dumps(checks)
    if measured:
        put_beside(tree, measured)
    inputs = dict(zip(("left", "right"), options.get("structures", ()), strict=False)) | own_files(options)
    tree.attrs.update(run_attributes(options, inputs))
    if options["output"]:
        write(tree, options["output"])
    if options["plot"]:
        save(continuum_figure(tree), options["plot"], checks)
    for path in filter(None, (options["output"], options["plot"])):
        note(options, f"wrote {path}")
    if options["as_json"]:
        click.echo(json.dumps({**summary(tree), **beside(tree)}, allow_nan=False))
    else:
        click.echo(conductance_table(tree["comparison"].to_dataset()))
        if "electrons" in tree.children:
            click.echo("\n".join(electron_lines(tree)))
        if measured:
            click.echo("\n".join(experiment_lines(tree)))
        tell_limits(options, tree)
        for line in check_lines(checks):
            click.echo(line)
    conclude(checks)
