"""``latmm modes``: the table of all modes that meet an interface, from two structure files."""

import json
from typing import TYPE_CHECKING, Any

import click

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_running, provenance
from .groups import GroupedCommand
from .numbers import FREQUENCY, Real
from .options import note, temperature_list
from .outputs import check_outputs, replace_option
from .sharing import work_options

if TYPE_CHECKING:
    import xarray as xr

    from latmm.checks import Checks
    from latmm.interface.interface import Interface
    from latmm.modes.continuum import Continuum

__all__ = ["command"]

_BALANCE = 1e-8
"""Largest relative difference of what crosses by phonons of the left and of the right."""


@click.command(
    cls=GroupedCommand,
    name="modes",
    short_help="Table of all modes that meet an interface.",
)
@crystal_options
@work_options
@click.option("--kmesh", type=int, nargs=2, default=(12, 12), show_default=True, metavar="N N")
@click.option(
    "--frequencies",
    type=int,
    default=64,
    show_default=True,
    metavar="N",
    help="Frequencies in the band shared by both crystals, dense at low ones.",
)
@click.option(
    "--frequency",
    "chosen",
    type=FREQUENCY,
    multiple=True,
    metavar="THZ",
    help="Solve this frequency on the whole k∥ zone, instead of a grid; repeatable.",
)
@click.option(
    "--minimum-temperature",
    type=Real(1e-3, 1e5, why="in K"),
    default=20.0,
    show_default=True,
    metavar="K",
    help="Lowest temperature of use.",
)
@click.option(
    "-T",
    "--temperature",
    multiple=True,
    default=["300"],
    show_default=True,
    metavar="K|START:STOP:STEP",
    help="Temperature in K, or START:STOP:STEP; repeatable. Not with --frequency.",
)
@click.option("--continuum/--no-continuum", default=True, show_default=True, help="AMM and DMM beside it.")
@click.option("-o", "--output", type=click.Path(), required=True, help="Mode table, netCDF-4.")
@click.option("--csv", "csv_file", type=click.Path(), help="t(ν, θ, branch) of both sides as CSV.")
@click.option(
    "--plot", type=click.Path(), help="Figure: angle and branches; k∥ zone at the first --frequency."
)
@replace_option
@click.option("--restart", is_flag=True, help="Start anew where a run for this output was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(**options: Any) -> None:
    """Transmissivity of every phonon that meets the interface of two crystals, on a (k∥, ν) grid.

    Prints the conductance of a grid, or the channels at each --frequency, and how exact the modes are.

    \b
    Example:
      latmm modes structures/si.cif structures/ge.cif -o si-ge-modes.nc --plot modes.png
      latmm modes structures/si.cif structures/ge.cif --frequency 3 --kmesh 24 24 -o at3.nc
    """
    from latmm.modes.continuum import Continuum, beside_modes
    from latmm.modes.export import angular_table, write_angular_csv
    from latmm.modes.sampling import grid_samples, zone_samples
    from latmm.modes.table import mode_pieces, stored_pieces, write_modes
    from latmm.plotting.conductance import heading
    from latmm.sampling.meshes import check_sampling

    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    check_sampling(options["kmesh"], options["frequencies"])
    with interface_running(options) as (interface, how):
        if options["chosen"]:
            grid, samples = zone_samples(options["chosen"], options["kmesh"])
        else:
            grid, samples = grid_samples(
                interface,
                options["kmesh"],
                options["frequencies"],
                minimum_temperature=options["minimum_temperature"],
            )
        pieces = mode_pieces(interface, grid, samples, how)
        continuum = Continuum.of(interface) if options["continuum"] else None
        if continuum is not None:
            pieces = (beside_modes(piece, continuum) for piece in pieces)
        rows = write_modes(
            pieces, options["output"], provenance(options, interface), marked(options, interface.checks)
        )
    note(options, f"wrote {options['output']}")
    bins = angular_table(stored_pieces(options["output"]))
    if options["csv_file"]:
        write_angular_csv(bins, options["csv_file"])
        note(options, f"wrote {options['csv_file']}")
    checks = _checks(options, bins)
    if options["plot"]:
        _draw(options, interface, continuum, bins, checks, heading(interface))
        note(options, f"wrote {options['plot']}")
    found = _summary(options, bins, temperatures)
    found = {"modes": rows, "output": options["output"], **found}
    plain = {**found, "checks": {name: one.plain for name, one in checks.items()}}
    click.echo(json.dumps(plain) if options["as_json"] else _text(found, checks))
    conclude(checks)


def _draw(
    options: dict[str, Any],
    interface: "Interface",
    continuum: "Continuum | None",
    bins: "xr.Dataset",
    checks: "Checks",
    above: str,
) -> None:
    """Draw the zone at the first chosen frequency, or angles and branches of a grid."""
    import xarray as xr

    from latmm.modes.table import stored_pieces
    from latmm.plotting.conductance import save
    from latmm.plotting.modes import angle_figure, zone_figure

    if not options["chosen"]:
        save(angle_figure(bins, continuum), options["plot"], checks, above=above)
        return
    nodes = bins["frequency"].values
    node = nodes[abs(nodes - options["chosen"][0]).argmin()]
    pieces = (
        piece.isel(mode=(piece["frequency"] == node).values) for piece in stored_pieces(options["output"])
    )
    zone = xr.concat(list(pieces), "mode")
    in_plane = [crystal.atoms.cell.array[:2, :2] for crystal in interface.crystals]
    save(zone_figure(zone, in_plane, node, continuum), options["plot"], checks, above=above)


def _checks(options: dict[str, Any], bins: "xr.Dataset") -> "Checks":
    """Those stored with the table, and the balance of what crosses from both sides."""
    import xarray as xr

    from latmm.checks import by_name, check, loads
    from latmm.modes.export import balance_error

    with xr.open_dataset(options["output"], engine="h5netcdf") as table:
        stored = loads(table.attrs["checks"])
    balance = check("detailed_balance", balance_error(bins), _BALANCE)
    return marked(options, {**stored, **by_name([balance])})


def _summary(options: dict[str, Any], bins: "xr.Dataset", temperatures: list[float]) -> dict[str, Any]:
    """Conductance of a grid by temperature, or channels and transmission at chosen frequencies."""
    from latmm.landauer import FrequencyGrid, conductance

    sides = [str(side) for side in bins["side"].values]
    flow = (bins["channels"] * bins["transmissivity"]).sum(("angle", "branch"))
    nu = bins["frequency"].values
    if not options["chosen"]:
        grid = FrequencyGrid(nu, bins["frequency_weight"].values)
        values = {side: conductance(grid, flow.sel(side=side), temperatures).tolist() for side in sides}
        return {"temperature": temperatures, "conductance": values}
    channels = bins["channels"].sum(("angle", "branch"))
    return {
        "frequency": nu.tolist(),
        "channels": {side: channels.sel(side=side).values.tolist() for side in sides},
        "transmission": {side: flow.sel(side=side).values.tolist() for side in sides},
    }


def _text(found: dict[str, Any], checks: "Checks") -> str:
    """Write the summary as a table."""
    lines = []
    if "conductance" in found:
        lines += ["conductance (MW m⁻² K⁻¹), by phonons of the left and of the right"]
        columns = zip(found["temperature"], *found["conductance"].values(), strict=True)
        lines += [f"{t:>9g} K{left / 1e6:>11.5g}{right / 1e6:>11.5g}" for t, left, right in columns]
    else:
        lines += [
            "phonon channels (nm⁻²)",
            f"{'ν (THz)':>11}{'left':>11}{'right':>11}{'crossing':>11}{'t, left':>11}{'t, right':>11}",
        ]
        columns = zip(
            found["frequency"], *found["channels"].values(), found["transmission"]["left"], strict=True
        )
        for nu, left, right, crossing in columns:
            fractions = "".join(f"{crossing / side if side else 0.0:>11.5g}" for side in (left, right))
            lines += [f"{nu:>11g}{left:>11.5g}{right:>11.5g}{crossing:>11.5g}{fractions}"]
    own = ("frequency", "group_velocity", "energy", "detailed_balance")
    errors = ", ".join(f"{name.replace('_', ' ')} {checks[name].value:.1e}" for name in own)
    return "\n".join([*lines, f"{found['modes']} modes; worst errors: {errors}", *check_lines(checks)])
