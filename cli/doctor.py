"""``latmm doctor``: whether this installation is sound."""

import json
from typing import Any

import click

from .checking import ChecksFailed
from .groups import GroupedCommand
from .progress import Reporter

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="doctor",
    short_help="Versions, linear algebra, plug-ins, and a test of five seconds.",
)
@click.option("--test/--no-test", default=True, show_default=True, help="Compute a contact of known answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the list.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def command(**options: Any) -> None:
    """Tell whether this installation is sound: versions, linear algebra, optional packages, a self-test.

    The test takes a few seconds: silicon on silicon, which reflects nothing. Exit code 3 if something is
    missing or wrong. Put the output into a report of a problem.

    \b
    Example:
      latmm doctor
    """
    from latmm.diagnosis import installation, self_test

    found = installation()
    if options["test"]:
        with Reporter(quiet=options["quiet"]) as report:
            found += self_test(report)
    if options["as_json"]:
        click.echo(json.dumps({one.name: {"value": one.value, "ok": one.ok} for one in found}))
    else:
        words = {True: "ok", False: "WRONG", None: ""}
        for one in found:
            click.echo(f"{one.name:<27}{words[one.ok]:<7}{one.value}")
    wrong = [one.name for one in found if one.ok is False]
    if wrong:
        raise ChecksFailed(f"this installation is not sound: {', '.join(wrong)}")
