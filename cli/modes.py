"""``latmm modes``: the table of all modes that meet an interface, from two structure files."""

import json
from typing import Any

import click

from .crystals import crystal_options, interface_of, note, provenance
from .outputs import check_outputs
from .progress import Reporter

__all__ = ["command"]


@click.command(name="modes", short_help="Table of all modes that meet an interface.")
@crystal_options
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
    type=float,
    multiple=True,
    metavar="THZ",
    help="Solve this frequency on the whole k∥ zone, instead of a grid; repeatable.",
)
@click.option(
    "--coldest", type=float, default=20.0, show_default=True, metavar="K", help="Lowest temperature of use."
)
@click.option("--continuum/--no-continuum", default=True, show_default=True, help="AMM and DMM beside it.")
@click.option("-o", "--output", type=click.Path(), required=True, help="Mode table, netCDF-4.")
@click.option("--csv", "csv_file", type=click.Path(), help="t(ν, θ, branch) of both sides as CSV.")
@click.option("--plot", type=click.Path(), help="Figure: k∥ zone for --frequency, else angle and branches.")
def command(**options: Any) -> None:
    """Transmissivity of every phonon that meets the interface of two crystals, on a (k∥, ν) grid.

    \b
    Example:
      latmm modes structures/si.cif structures/ge.cif -o si-ge-modes.nc --plot modes.png
      latmm modes structures/si.cif structures/ge.cif --frequency 3 --kmesh 48 48 -o at3.nc
    """
    from latmm.continuum.media import Medium
    from latmm.modes.continuum import Continuum, beside_modes
    from latmm.modes.export import angular_table, balance_error, write_angular_csv
    from latmm.modes.sampling import grid_samples, zone_samples
    from latmm.modes.system import System
    from latmm.modes.table import mode_pieces, read_modes, write_modes
    from latmm.plotting import save
    from latmm.plotting_modes import angle_figure, zone_figure
    from latmm.sweep.sampling import check_sampling

    check_outputs(options)
    check_sampling(options["kmesh"], options["frequencies"])
    with Reporter(quiet=options["quiet"]) as report:
        interface = interface_of(options, report)
        system = System.of(interface)
        if options["chosen"]:
            grid, samples = zone_samples(options["chosen"], options["kmesh"])
        else:
            grid, samples = grid_samples(
                system, options["kmesh"], options["frequencies"], coldest=options["coldest"]
            )
        pieces = mode_pieces(system, grid, samples, progress=report)
        if options["continuum"]:
            continuum = Continuum.of(system)
            pieces = (beside_modes(piece, continuum) for piece in pieces)
        rows = write_modes(pieces, options["output"], provenance(options, interface))
    note(options, f"wrote {options['output']}")
    summary: dict[str, Any] = {"modes": rows, "output": options["output"]}
    if options["csv_file"] or options["plot"]:
        table = read_modes(options["output"])
        if options["csv_file"]:
            bins = angular_table(table)
            write_angular_csv(bins, options["csv_file"])
            summary["detailed_balance"] = balance_error(bins)
            note(options, f"wrote {options['csv_file']}")
        if options["plot"]:
            in_plane = interface.left.atoms.cell.array[:2, :2]
            media = tuple(Medium.from_force_constants(crystal) for crystal in system.crystals)
            save(
                zone_figure(table, in_plane, options["chosen"][0])
                if options["chosen"]
                else angle_figure(table, (media[0], media[1])),
                options["plot"],
            )
            note(options, f"wrote {options['plot']}")
    click.echo(json.dumps(summary))
