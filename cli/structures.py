"""``latmm structures``: the structure files that come with latmm."""

from pathlib import Path

import click

from .groups import GroupedCommand
from .outputs import replace_option

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="structures",
    short_help="The structure files that come with latmm.",
)
@click.option("-o", "--output", metavar="DIR", type=click.Path(), help="Copy them into this folder.")
@replace_option
def command(output: str | None, force: bool) -> None:
    """List the structure files that come with latmm, or copy them into a folder.

    \b
    Example:
      latmm structures -o crystals
    """
    from latmm.bundled import bundled, copy_bundled

    if output is None:
        for name, formula in bundled().items():
            click.echo(f"{name:<16}{formula}")
        return
    for path in copy_bundled(Path(output), replace=force):
        click.echo(path)
