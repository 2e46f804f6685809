"""``latmm amm``: acoustic mismatch of two crystals, or of two media given by name or in numbers."""

from typing import Any

import click

from latmm.models import MODELS, defaults, offered

from .electrons import check_electrons, electron_options
from .groups import GroupedCommand
from .numbers import Real
from .options import temperature_list
from .outputs import check_outputs
from .sides import side_options, sides
from .survey import output_options, run_survey

__all__ = ["command"]

_MODELS, _DEFAULT = offered("amm"), defaults("amm")


@click.command(
    cls=GroupedCommand,
    name="amm",
    short_help="Acoustic mismatch of crystals or media.",
)
@side_options
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(_MODELS),
    help=f"Model to compute; repeatable. Default: {', '.join(_DEFAULT)}.",
)
@click.option(
    "--roughness",
    type=Real(0.0, 1e3, why="in nm"),
    metavar="NM",
    help="Rms roughness of the interface, for the model mixed.",
)
@electron_options
@output_options
def command(**options: Any) -> None:
    """Acoustic mismatch: elastic waves at a flat interface, with every mode conversion.

    LEFT and RIGHT are structure files, each in its own lattice (no strain); or give both media by name or in
    numbers. The figure shows G(T) with the law of low temperature, and the transmissivity against angle.

    \b
    Examples:
      latmm amm --left-medium al --right-medium sapphire -T 1 -T 10 -T 100
      latmm amm structures/si.cif structures/ge.cif --normal 1 1 1 -T 1:300:10 --plot si-ge.png
    """
    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    check_electrons(options)
    models = options["models"] or _DEFAULT
    rough = [name for name in models if MODELS[name].needs_roughness]
    if rough and options["roughness"] is None:
        raise click.UsageError(f"the model {rough[0]} needs --roughness NM")
    run_survey(options, sides(options), models, temperatures)
