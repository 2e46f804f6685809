"""``latmm measured``: measured conductances, with their uncertainty, evidence and source."""

import json
from typing import Any

import click

from .experiment import describe, point_cells
from .groups import GroupedCommand

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="measured",
    short_help="Measured conductances, with their sources.",
)
@click.argument("pair", nargs=-1, metavar="[PAIR]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(pair: tuple[str, ...], as_json: bool) -> None:
    """Measured thermal boundary conductances of a pair of materials, or the list of all pairs.

    PAIR is two materials: Al/Si, Pb/diamond, "Al | sapphire". Numbers are in MW m⁻² K⁻¹, in W m⁻² K⁻¹ in
    JSON. Each series says what its method measures, whether the number was read in its paper or comes second
    hand, and what is not settled about it.

    \b
    Examples:
      latmm measured
      latmm measured Al/sapphire
      latmm measured Pb diamond --json
    """
    from dataclasses import asdict

    from latmm.errors import InputError
    from latmm.experiment.table import DEFINITIONS, measurements

    wanted = " ".join(pair) or None
    found = measurements(wanted)
    if not found:
        raise InputError(f"the table has no {wanted}; latmm measured lists the pairs that it has")
    rows: list[dict[str, Any]] = [{**asdict(one), "pair": one.pair, "source": one.source} for one in found]
    used = {one.definition: DEFINITIONS[one.definition] for one in found if one.definition}
    if as_json:
        click.echo(json.dumps({"series": rows, "definitions": used}, allow_nan=False, ensure_ascii=False))
    elif wanted is None:
        click.echo("\n".join(_pairs(rows)))
    else:
        click.echo("\n".join(line for row in rows for line in _table(row)))
        for name, text in used.items():
            click.echo(f"{name}: {text}")


def _pairs(rows: list[dict[str, Any]]) -> list[str]:
    """One line for each pair of materials: series, points, temperatures, range of G."""
    lines = [f"{'pair':<20}{'series':>7}{'points':>7}{'T (K)':>12}{'G (MW m⁻² K⁻¹)':>19}"]
    for pair in dict.fromkeys((row["left"], row["right"]) for row in rows):
        own = [row for row in rows if (row["left"], row["right"]) == pair]
        points = [point for row in own for point in row["points"]]
        t = [point["temperature"] for point in points]
        g = [point["conductance"] / 1e6 for point in points]
        lines.append(f"{' | '.join(pair):<20}{len(own):>7}{len(points):>7}{_range(t):>12}{_range(g):>19}")
    return lines


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _table(row: dict[str, Any]) -> list[str]:
    lines = [f"{row['name']}: {describe(row)}", f"{'T (K)':>9}{'G':>11}{'±':>11}"]
    lines += [point_cells(point, row["bound"]) for point in row["points"]]
    note = {"reading": "± is an estimate for reading off a figure", "earlier reading": "± was not checked"}
    if row["error_from"] in note:
        lines[1] += f"  ({note[row['error_from']]})"
    return lines
