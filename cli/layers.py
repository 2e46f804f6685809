"""``latmm layers``: acoustic mismatch through a stack of layers between two media."""

from typing import TYPE_CHECKING, Any

import click

from .experiment import TABLE, own_series
from .groups import GroupedCommand
from .numbers import THICKNESS, Real, Whole
from .options import temperature_list
from .outputs import check_outputs
from .survey import deliver, output_options

if TYPE_CHECKING:
    from latmm.continuum.grading import MatchingLayer
    from latmm.continuum.layers import Layer

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="layers",
    short_help="Acoustic mismatch through layers.",
)
@click.option(
    "--left-medium", required=True, metavar="MEDIUM", help="Left half space: name or rho=,cl=,ct= (SI)."
)
@click.option("--right-medium", required=True, metavar="MEDIUM", help="Right half space, likewise.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="MEDIUM:NM",
    help="Layer and thickness in nm, from left to right; repeatable.",
)
@click.option(
    "--repeat", type=Whole(1, 1000), default=1, show_default=True, help="Repeat the layers (superlattice)."
)
@click.option(
    "--graded", type=THICKNESS, metavar="NM", help="A graded interlayer of this thickness in place of layers."
)
@click.option(
    "--bond",
    type=Real(1e-6, 1e9, why="in GPa/nm"),
    metavar="GPA/NM",
    help="Spring stiffness per area of the first contact.",
)
@click.option("--optimise", is_flag=True, help="Find the best single layer at the first temperature.")
@output_options
def command(**options: Any) -> None:
    """Acoustic mismatch through layers: isotropic averages of the media, every mode conversion.

    \b
    Examples:
      latmm layers --left-medium al --right-medium diamond --layer mgo:2 -T 10 -T 100
      latmm layers --left-medium pb --right-medium diamond --optimise -T 20
    """
    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    kinds = [bool(options["layers"]), options["graded"] is not None, options["optimise"]]
    if sum(kinds) > 1:
        raise click.UsageError("give only one of --layer, --graded and --optimise")
    if not any(kinds) and options["bond"] is None:
        raise click.UsageError("give what lies between the media: --layer, --graded, --optimise or --bond")
    if options["optimise"] and options["bond"] is not None:
        raise click.UsageError("--optimise looks for a layer between welded contacts: leave out --bond")
    if TABLE in options["experiment"]:
        raise click.UsageError(f"--experiment {TABLE} is for bare contacts: give a file, or leave it out")
    if options["repeat"] > 1 and not options["layers"]:
        raise click.UsageError("--repeat needs the layers to repeat: --layer MEDIUM:NM")
    _run(options, temperatures)


def _run(options: dict[str, Any], temperatures: list[float]) -> None:
    from latmm.continuum.boundary import spring_compliance
    from latmm.continuum.combined import Side
    from latmm.continuum.grading import thickness_table
    from latmm.continuum.results import layered_mismatch

    measured = own_series(options)
    left, right = (Side.from_medium(options[f"{name}_medium"]) for name in ("left", "right"))
    layers, best = _layers(options, left.isotropic, right.isotropic, temperatures[0])
    compliance = None if options["bond"] is None else spring_compliance(options["bond"])
    tree = layered_mismatch(left, right, layers, temperatures, compliance=compliance)
    if best is not None:
        tree["thickness"] = thickness_table(best, temperatures[0])
    deliver(options, tree, measured)


def _layers(
    options: dict[str, Any], left: Any, right: Any, temperature: float
) -> "tuple[tuple[Layer, ...], MatchingLayer | None]":
    from latmm.continuum.combined import Side
    from latmm.continuum.grading import best_matching_layer, graded_layers
    from latmm.continuum.layers import Layer

    if options["graded"] is not None:
        return graded_layers(left, right, options["graded"], 40), None
    if options["optimise"]:
        best = best_matching_layer(left, right, temperature)
        if not options["as_json"]:
            speeds = best.layer.medium.speeds
            click.echo(
                f"best layer at {temperature:g} K: {best.layer.thickness:.4g} nm, density "
                f"{best.layer.medium.density:.4g} g/cm³, speeds {speeds.longitudinal:.4g} and "
                f"{speeds.transverse:.4g} km/s; conductance × {best.conductance / best.bare_conductance:.4g}"
            )
        return (best.layer,), best
    found = []
    for text in options["layers"]:
        name, _, number = text.rpartition(":")
        try:
            thickness = THICKNESS.convert(number, None, None)
        except click.BadParameter as error:
            raise click.BadParameter(
                f"{text!r} must be MEDIUM:NM, e.g. mgo:2.5 ({error.message})", param_hint="--layer"
            ) from None
        found.append(Layer(Side.from_medium(name).isotropic, thickness))
    return tuple(found) * int(options["repeat"]), None
