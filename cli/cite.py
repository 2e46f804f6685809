"""``latmm cite``: what to cite."""

import click

from .groups import GroupedCommand

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="cite",
    short_help="BibTeX of latmm and of what a result used.",
)
@click.argument("result", metavar="[FILE]", type=click.Path(), required=False)
def command(result: str | None) -> None:
    """Print BibTeX entries of latmm and, for a result FILE, of the models, potential and programs it used.

    Each entry says how far its citation was checked; those from memory should be looked up before they are
    printed.

    \b
    Example:
      latmm cite
    """
    from latmm.citations import bibtex, notes, used_by

    if result is None:
        click.echo(bibtex())
        return
    from latmm.results import read

    tree = read(result)
    click.echo(bibtex(used_by(tree)))
    for line in notes(tree):
        click.echo(f"% {line}")
