"""``latmm study``: many interfaces at once: a grid of parameters, engineered layers, or disorder."""

import click

from .groups import CommandGroup
from .study_disorder import command as disorder
from .study_layers import command as layers
from .study_superlattice import command as superlattice
from .study_sweep import command as sweep

__all__ = ["command"]


@click.group(
    cls=CommandGroup,
    no_args_is_help=False,
    name="study",
    short_help="Grids of parameters, engineered layers, superlattices, ensembles of disorder.",
)
def command() -> None:
    """Studies of many interfaces: grids of parameters, engineered layers, superlattices, and disorder."""


command.add_command(sweep)
command.add_command(layers)
command.add_command(superlattice)
command.add_command(disorder)
