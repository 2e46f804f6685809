"""``latmm dmm``: diffuse mismatch of two crystals or media, and the limits it stays below."""

from typing import Any

import click

from latmm.models import MODELS, defaults, offered

from .electrons import check_electrons, electron_options
from .groups import GroupedCommand
from .options import temperature_list
from .outputs import check_outputs
from .sides import side_options, sides
from .survey import output_options, run_survey

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="dmm",
    short_help="Diffuse mismatch of crystals or media.",
)
@side_options
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(offered("dmm")),
    help=f"Model to compute; repeatable. Default: {', '.join(defaults('dmm'))} for structure files, and "
    f"{', '.join(defaults('media'))} for media.",
)
@electron_options
@output_options
def command(**options: Any) -> None:
    """Diffuse mismatch: phonons forget at the interface where they came from.

    LEFT and RIGHT are structure files, each in its own lattice and orientation, and enter with their full
    phonon dispersion. Media by name or in numbers have Debye's dispersion.

    \b
    Examples:
      latmm dmm structures/si.cif structures/ge.cif -T 50:500:50
      latmm dmm --left-medium cu --right-medium diamond -T 300
    """
    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    check_electrons(options)
    crystals = bool(options["structures"])
    models = options["models"] or defaults("dmm" if crystals else "media")
    needing = [name for name in models if MODELS[name].needs_dispersion]
    if needing and not crystals:
        raise click.UsageError(f"the model {needing[0]} needs the dispersion: give two structure files")
    run_survey(options, sides(options), models, temperatures)
