"""``latmm info``: what is in a result file."""

import json
from typing import Any

import click

from .checking import all_lines
from .groups import GroupedCommand

__all__ = ["command"]


@click.command(
    cls=GroupedCommand, name="info", short_help="Variables, units, checks and provenance of a result file."
)
@click.argument("result", metavar="FILE", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the text.")
def command(result: str, as_json: bool) -> None:
    """Show what is in a result file: where it comes from, its checks, every variable with unit and range.

    FILE is what any command wrote with -o.

    \b
    Example:
      latmm amm --left-medium al --right-medium sapphire -T 100 -o al-sapphire.nc
      latmm info al-sapphire.nc
    """
    from latmm.checks import loads
    from latmm.inspection import contents, variable_text
    from latmm.results import read

    tree = read(result)
    found = contents(tree)
    if as_json:
        click.echo(json.dumps(found, default=str))
        return
    for name, value in found["provenance"].items():
        click.echo(f"{name.replace('_', ' ')}: {_plain(value)}")
    for name in ("attributes", "settings"):
        if found[name]:
            click.echo(f"\n{name}")
            for key, value in found[name].items():
                if value not in (None, [], "", False):
                    click.echo(f"  {key.replace('_', ' ')}: {_plain(value)}")
    for name in ("limits", "notes"):
        for line in found[name]:
            click.echo(f"{name.removesuffix('s')}: {line}")
    if found["checks"]:
        click.echo("\nchecks")
        for line in all_lines(loads(tree.attrs["checks"]).values()):
            click.echo(f"  {line}")
    click.echo("\nvariables")
    for path, one in found["variables"].items():
        click.echo(variable_text(path, one))


def _plain(value: Any) -> str:
    """Text of a value on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_plain, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
