"""What the studies share: temperatures, samples and outputs, numbers by range, and the files they write."""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .caching import remembering
from .checking import check_lines, conclude, marked
from .crystals import provenance
from .options import assignments, note, temperature_option
from .outputs import replace_option
from .tables import tell_limits

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from latmm.interface.interface import Interface
    from latmm.potentials.calculators import Potential

__all__ = [
    "potential_of",
    "report",
    "fractions",
    "study_options",
    "whole_numbers",
    "write_files",
]

_F = TypeVar("_F", bound=Callable[..., Any])
_MOST = 1000
"""Numbers in one range beyond which its step is a slip of the pen."""


def study_options(function: _F) -> _F:
    """Add temperatures, samples and outputs."""
    for decorate in reversed(
        [
            temperature_option,
            click.option(
                "--kmesh", type=int, nargs=2, metavar="N N", help="k-points along the two in-plane axes."
            ),
            click.option(
                "--frequencies",
                type=int,
                metavar="N",
                help="Frequencies in the band shared by both crystals.",
            ),
            click.option("-o", "--output", type=click.Path(), help="Write the result as netCDF-4."),
            click.option("--plot", type=click.Path(), help="Write a figure (png, pdf, svg, ...)."),
            replace_option,
            click.option(
                "--restart", is_flag=True, help="Start anew where a run for this output was stopped."
            ),
            click.option(
                "--json", "as_json", is_flag=True, help="Print one JSON object instead of the table."
            ),
        ]
    ):
        function = decorate(function)
    return function


def whole_numbers(values: Iterable[str], option: str) -> list[int]:
    """Read positive whole numbers, each one or START:STOP:STEP (the stop included), ascending.

    Raises
    ------
    click.BadParameter
        If a value is no such number or range.
    """
    found: set[int] = set()
    for text in values:
        try:
            numbers = [int(part) for part in text.split(":")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 3) or min(numbers) < 1:
            raise click.BadParameter(
                f"{text!r} must be a positive whole number or START:STOP:STEP, e.g. 8 or 2:16:2",
                param_hint=option,
            )
        start, stop, step = numbers if len(numbers) == 3 else (numbers[0], numbers[0], 1)
        if stop < start or (stop - start) // step >= _MOST:
            raise click.BadParameter(
                f"the range {text} must run upwards and hold at most {_MOST} numbers", param_hint=option
            )
        found |= set(range(start, stop + 1, step))
    return sorted(found)


def fractions(text: str, option: str) -> list[float]:
    """Read fractions separated by commas.

    Raises
    ------
    click.BadParameter
        If one is no number in [0, 1].
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(0.0 <= x <= 1.0 for x in numbers):
        raise click.BadParameter(
            f"{text!r} is neither the name of a profile nor a list of fractions in [0, 1], e.g. 0.2,0.5,0.8",
            param_hint=option,
        )
    return numbers


def potential_of(options: dict[str, Any], interface: "Interface", others: Iterable[str] = ()) -> "Potential":
    """Potential that the options name, for the elements of both crystals and others, with its cache."""
    from latmm.potentials.calculators import resolve_potential

    crystals = interface.matched.left, interface.matched.right
    elements = {symbol for atoms in crystals for symbol in atoms.get_chemical_symbols()}
    parameters = assignments(options["potential_option"], "--potential-option")
    return remembering(options, resolve_potential(options["potential"], elements | set(others), parameters))


def report(options: dict[str, Any], tree: "xr.DataTree", plain: dict[str, Any], table: str) -> None:
    """Print the result as JSON or as a table with the checks that failed, and end the command."""
    from latmm.checks import loads

    checks = loads(tree.attrs["checks"])
    if options["as_json"]:
        click.echo(json.dumps(plain, allow_nan=False))
    else:
        click.echo(table)
        tell_limits(options, tree)
        for line in check_lines(checks):
            click.echo(line)
    conclude(checks)


def write_files(
    options: dict[str, Any],
    tree: "xr.DataTree",
    interface: "Interface",
    figure: "Callable[[xr.DataTree], Figure]",
) -> None:
    """Write the result and the figure that were asked for."""
    from latmm.checks import dumps, loads
    from latmm.plotting.conductance import heading, save
    from latmm.results import write

    tree.attrs.update(provenance(options, interface))
    checks = marked(options, loads(tree.attrs["checks"]))
    tree.attrs["checks"] = dumps(checks)
    if options["output"]:
        write(tree, options["output"])
        note(options, f"wrote {options['output']}")
    if options["plot"]:
        save(figure(tree), options["plot"], checks, above=heading(interface))
        note(options, f"wrote {options['plot']}")
