"""``latmm study``: many contacts at once, engineered or disordered."""

import click

from .groups import CommandGroup
from .study_disorder import command as disorder
from .study_layers import command as layers
from .study_superlattice import command as superlattice

__all__ = ["command"]


@click.group(
    cls=CommandGroup,
    no_args_is_help=False,
    name="study",
    short_help="Engineered layers, superlattices, and ensembles of disorder.",
)
def command() -> None:
    """Studies of many contacts at once: layers made to measure, superlattices, and ensembles of disorder."""


command.add_command(layers)
command.add_command(superlattice)
command.add_command(disorder)
