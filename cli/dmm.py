"""``latmm dmm``: diffuse mismatch of two crystals or media, and the limits it stays below."""

from typing import Any

import click

from .options import temperature_list
from .outputs import check_outputs
from .sides import side_options, sides
from .survey import output_options, run_survey

__all__ = ["command"]

_DISPERSION = (
    "dmm",
    "dmm-branch",
    "dmm-inelastic",
    "dmm-inelastic-energy",
    "radiation",
    "radiation-inelastic",
)
_DEBYE = ("dmm-debye", "dmm-anisotropic", "dmm-joint-frequency", "radiation-debye")


@click.command(name="dmm", short_help="Diffuse mismatch of crystals or media.")
@side_options
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice([*_DISPERSION, *_DEBYE]),
    help="Model to compute; repeatable. Default: dmm, dmm-debye, radiation for structure files, and "
    "dmm-debye, radiation-debye for media.",
)
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
    crystals = bool(options["structures"])
    default = ("dmm", "dmm-debye", "radiation") if crystals else ("dmm-debye", "radiation-debye")
    models = options["models"] or default
    needing = [name for name in models if name in _DISPERSION]
    if needing and not crystals:
        raise click.UsageError(f"the model {needing[0]} needs the dispersion: give two structure files")
    pair, checks = sides(options)
    run_survey(options, pair, models, temperatures, checks)
