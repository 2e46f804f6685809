"""``latmm report``: a result as one HTML page."""

import click

from .groups import GroupedCommand
from .options import note
from .outputs import replace_option

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="report",
    short_help="A result as one HTML page.",
)
@click.argument("result", metavar="FILE", type=click.Path())
@click.option("-o", "--output", type=click.Path(), required=True, help="The page, .html.")
@replace_option
@click.option("-q", "--quiet", is_flag=True, help="No notes on stderr.")
def command(result: str, output: str, force: bool, quiet: bool) -> None:
    """Write a result as one self-contained HTML page: numbers, checks, figures, settings, provenance, limits.

    It opens from disk and asks no network.

    \b
    Example:
      latmm amm --left-medium al --right-medium sapphire -T 20:300:20 -o to-report.nc
      latmm report to-report.nc -o al-sapphire.html
    """
    from latmm.files import replacing
    from latmm.report import report
    from latmm.results import read

    from .outputs import check_outputs

    options = {"result": result, "output": output, "force": force, "quiet": quiet}
    check_outputs(options)
    page = report(read(result))
    with replacing(output) as part:
        part.write_text(page, encoding="utf-8")
    note(options, f"wrote {output}")
