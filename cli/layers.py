"""``latmm layers``: acoustic mismatch through a stack of layers between two media."""

from typing import TYPE_CHECKING, Any

import click

from .options import temperature_list
from .survey import check_outputs, deliver, output_options

if TYPE_CHECKING:
    from latmm.continuum.layers import Layer

__all__ = ["command"]


@click.command(name="layers", short_help="Acoustic mismatch through layers.")
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
    "--repeat", type=click.IntRange(1), default=1, show_default=True, help="Repeat the layers (superlattice)."
)
@click.option(
    "--graded", type=float, metavar="NM", help="A graded interlayer of this thickness in place of layers."
)
@click.option("--bond", type=float, metavar="GPA/NM", help="Spring stiffness per area of the first contact.")
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
    _run(options, temperatures)


def _run(options: dict[str, Any], temperatures: list[float]) -> None:
    import numpy as np
    import xarray as xr

    from latmm.continuum.contact import spring_compliance
    from latmm.continuum.layers import Stack, acoustic_mismatch_stack
    from latmm.continuum.library import medium
    from latmm.continuum.low_temperature import cubic_prefactor
    from latmm.continuum.survey import Side, graded_grid
    from latmm.landauer import conductance

    left, right = (Side(medium(options[f"{name}_medium"])) for name in ("left", "right"))
    layers = _layers(options, left.isotropic, right.isotropic, temperatures[0])
    compliance = None if options["bond"] is None else spring_compliance(options["bond"])
    grid = graded_grid((left, right), temperatures)
    bare = Stack(left.isotropic, right.isotropic)
    full = Stack(left.isotropic, right.isotropic, layers, compliance)
    spectra = {"bare": acoustic_mismatch_stack(bare, grid), "layers": acoustic_mismatch_stack(full, grid)}
    values = np.array([conductance(grid, table.transmission, temperatures) for table in spectra.values()])
    first = [float(x.transmission[0]) / (2.0 * np.pi * grid.frequency[0]) ** 2 for x in spectra.values()]
    comparison = xr.Dataset(
        {
            "conductance": (
                ("model", "temperature"),
                values,
                {"units": "W m-2 K-1", "long_name": "thermal boundary conductance"},
            ),
            "cubic_prefactor": (
                "model",
                [cubic_prefactor(k) for k in first],
                {"units": "W m-2 K-4", "long_name": "G/T^3 at low temperature"},
            ),
        },
        coords={
            "model": ("model", list(spectra), {"units": "1", "long_name": "model"}),
            "temperature": ("temperature", temperatures, {"units": "K", "long_name": "temperature"}),
        },
    )
    tree = xr.DataTree.from_dict({"/comparison": comparison, **{f"/{k}": v for k, v in spectra.items()}})
    deliver(options, tree, None, f"{left.medium.name} | {len(layers)} layers | {right.medium.name}")


def _layers(options: dict[str, Any], left: Any, right: Any, temperature: float) -> "tuple[Layer, ...]":
    from latmm.continuum.grading import best_matching_layer, graded_layers
    from latmm.continuum.layers import Layer
    from latmm.continuum.library import medium
    from latmm.continuum.survey import Side

    if options["graded"] is not None:
        return graded_layers(left, right, options["graded"], 40)
    if options["optimise"]:
        best = best_matching_layer(left, right, temperature)
        click.echo(
            f"best layer at {temperature:g} K: {best.layer.thickness:.4g} nm, density "
            f"{best.layer.medium.density:.4g} g/cm³, speeds {best.layer.medium.speeds.longitudinal:.4g} and "
            f"{best.layer.medium.speeds.transverse:.4g} km/s; conductance × "
            f"{best.conductance / best.bare_conductance:.4g}",
            err=True,
        )
        return (best.layer,)
    found = []
    for text in options["layers"]:
        name, _, number = text.rpartition(":")
        try:
            thickness = float(number)
        except ValueError:
            raise click.BadParameter(
                f"{text!r} must be MEDIUM:NM, e.g. mgo:2.5", param_hint="--layer"
            ) from None
        found.append(Layer(Side(medium(name)).isotropic, thickness))
    return tuple(found) * int(options["repeat"])
