"""``latmm inelastic``: conductance between crystals that scatter phonons, elastic and dissipative contact."""

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from latmm.defaults import ABOVE_BAND, INELASTIC, LENGTHS

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_of, provenance
from .groups import GroupedCommand
from .numbers import Real
from .options import note, temperature_list, temperature_option
from .outputs import check_outputs, replace_option
from .scaling import check_scaling, kept, path_beside, scaling_options, working
from .wording import as_usage

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="inelastic",
    short_help="Conductance with phonons scattered in crystals and at the interface.",
)
@crystal_options
@temperature_option
@click.option(
    "--rates",
    nargs=2,
    required=True,
    metavar="LEFT RIGHT",
    help="Scattering rates of both crystals: phono3py's kappa-m*.hdf5, ShengBTE's folder T...K, "
    "kappa=K@T for A ω² T that meets K W/m/K at T kelvin, or left or right for the other crystal's rates "
    "scaled to the heavier masses.",
)
@click.option(
    "--length",
    "lengths",
    type=Real(1e-3, 1e9, why="in nm"),
    multiple=True,
    metavar="NM",
    help="Distance of the reservoirs from the contact in nm; repeatable. By default "
    + ", ".join(f"{x:g}" for x in LENGTHS)
    + ".",
)
@click.option(
    "--isotopes", is_flag=True, help="Add the elastic scattering by the natural isotopes of both crystals."
)
@click.option("--classical", is_flag=True, help="Heat capacity k_B and rates proportional to T, as in MD.")
@click.option(
    "--above",
    type=click.Choice(ABOVE_BAND),
    default=ABOVE_BAND[0],
    show_default=True,
    help="Rate above a crystal's own band: as at its top, as frequency squared, or none.",
)
@click.option(
    "--damped-layers",
    type=click.IntRange(0),
    nargs=2,
    metavar="N N",
    help="Primitive layers of each crystal that the dissipative contact damps; by default all of the device.",
)
@click.option("--elastic", is_flag=True, help="Leave the dissipative contact out.")
@click.option(
    "--longest",
    type=Real(1e-3, 1e12, why="in nm"),
    metavar="NM",
    help="Mean free path that the crystals' boundaries leave, in nm.",
)
@click.option(
    "--kmesh",
    type=int,
    nargs=2,
    metavar="N N",
    help="k-points in the plane; {} {} by default.".format(*INELASTIC.kmesh),
)
@click.option(
    "--frequencies",
    type=int,
    metavar="N",
    help=f"Frequencies in the common band; {INELASTIC.frequencies} by default.",
)
@click.option(
    "-o", "--output", type=click.Path(), help="Write the result as netCDF-4 (xarray.open_datatree)."
)
@click.option("--plot", type=click.Path(), help="Write a figure (png, pdf, svg, ...).")
@scaling_options
@replace_option
@click.option("--restart", is_flag=True, help="Start anew where a run for this output was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(**options: Any) -> None:
    """Thermal boundary conductance between crystals whose phonons scatter (relaxation time approximation).

    Heat flows between two reservoirs through both crystals and their contact. The conductance of the
    interface is told from the jump between extrapolated temperature profiles, and from the resistance in
    excess of both crystals alone, for an elastic contact and for one that dissipates at the rates of its
    crystals.

    \b
    Example:
      latmm inelastic structures/ar.cif structures/ar.cif --right-mass Ar=160 --potential lj \\
        --rates kappa=0.8@40 left --classical -T 40 --longest 100 --kmesh 4 4 --frequencies 16
    """
    temperatures = temperature_list(options["temperature"])
    check_scaling(options)
    check_outputs(options)
    tree = _run(options, temperatures)
    from latmm.checks import loads

    checks = loads(tree.attrs["checks"])
    table = tree["inelastic"].to_dataset()
    click.echo(json.dumps(_plain(table), allow_nan=False) if options["as_json"] else _text(table))
    if not options["as_json"]:
        for line in check_lines(checks):
            click.echo(line)
    conclude(checks)


def _run(options: dict[str, Any], temperatures: list[float]) -> "xr.DataTree":
    """Compute, and write the files."""
    from latmm.checks import dumps, loads
    from latmm.files import remove_store
    from latmm.inelastic.isotopes import with_isotopes
    from latmm.inelastic.rate_files import resolve_rates
    from latmm.inelastic.result import inelastic_conductance
    from latmm.results import write
    from latmm.sampling.meshes import check_sampling

    kmesh, frequencies = options["kmesh"] or INELASTIC.kmesh, options["frequencies"] or INELASTIC.frequencies
    check_sampling(kmesh, frequencies)
    with working(options) as how:
        interface = interface_of(options, how)
        with as_usage():
            rates = resolve_rates(
                options["rates"], (interface.left, interface.right), classical=options["classical"]
            )
        if options["isotopes"]:
            left, right = (with_isotopes(*one) for one in zip(rates, interface.crystals, strict=True))
            rates = left, right
        store = path_beside(options) if options["output"] else None
        with kept(options, store):
            tree = inelastic_conductance(
                interface,
                temperatures,
                rates,
                lengths=options["lengths"] or LENGTHS,
                kmesh=kmesh,
                frequencies=frequencies,
                classical=options["classical"],
                damped=not options["elastic"],
                damped_layers=options["damped_layers"],
                above=options["above"],
                longest=options["longest"],
                how=replace(how, store=store),
            )
    tree.attrs.update(provenance(options, interface))
    checks = marked(options, loads(tree.attrs["checks"]))
    tree.attrs["checks"] = dumps(checks)
    if options["output"]:
        with kept(options, store):
            write(tree, options["output"])
        note(options, f"wrote {options['output']}")
        if store is not None:
            remove_store(store)
    if options["plot"]:
        from latmm.plotting.conductance import heading, save
        from latmm.plotting.inelastic import inelastic_figure

        save(inelastic_figure(tree, heading(interface)), options["plot"], checks)
        note(options, f"wrote {options['plot']}")
    return tree


def _text(table: "xr.Dataset") -> str:
    """Write the conductances at the largest length, and those without rates beside them."""
    end = table.isel(length=-1)
    lines = [f"conductance (MW m⁻² K⁻¹), reservoirs at {float(end['length']):g} nm"]
    columns = ["extrapolated", "excess", "local", "layers", "two_probe", "four_probe"]
    names = ["extrapolated", "excess", "local", "layers", "two-probe", "four-probe"]
    lines.append(f"{'T (K)':>9}  {'contact':<12}" + "".join(f"{name:>14}" for name in names))
    for number, temperature in enumerate(table["temperature"].values):
        for contact in table["contact"].values:
            row = end.isel(temperature=number).sel(contact=contact)
            values = [float(row[f"conductance_{column}"]) / 1e6 for column in columns]
            lines.append(f"{temperature:>9g}  {contact!s:<12}" + "".join(f"{v:>14.5g}" for v in values))
        value = float(table["conductance_landauer_nonequilibrium"][number]) / 1e6
        lines.append(f"{'':>9}  non-equilibrium Landauer formula, elastic: {value:.5g}")
        if "above_band_uncertainty" in table:
            value = float(table["above_band_uncertainty"][number]) / 1e6
            lines.append(f"{'':>9}  ± {value:.2g} of the dissipative contact for the rate above the band")
    kappa = table["conductivity"].values
    for number, side in enumerate(("left", "right")):
        numbers = ", ".join(f"{value:.4g}" for value in kappa[number])
        lines.append(f"conductivity of the {side} crystal's channels (W/m/K): {numbers}")
        fraction = float(table["long_wave_fraction"][number].max())
        if fraction > 0.01:
            lines.append(
                f"{'':>9}  {100 * fraction:.0f} % of it by long waves that the source of the rates lacks"
            )
    return "\n".join(lines)


def _plain(table: "xr.Dataset") -> dict[str, Any]:
    """Numbers of the table for JSON; null where a conductance is infinite."""

    def finite(value: Any) -> Any:
        if isinstance(value, list):
            return [finite(one) for one in value]
        return value if not isinstance(value, float) or math.isfinite(value) else None

    names = [
        name
        for name in table.variables
        if "node" not in table[name].dims and "frequency" not in table[name].dims
    ]
    return {str(name): finite(table[name].values.tolist()) for name in names} | {
        str(name): value for name, value in table.attrs.items()
    }
