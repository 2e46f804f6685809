"""``latmm transmissivity``: transmissivity of the phonons of a bulk mesh, from two structure files."""

import json
from typing import Any

import click

from .crystals import crystal_options, interface_of, note, provenance
from .options import temperature_list
from .outputs import check_outputs
from .progress import Reporter

__all__ = ["command"]


@click.command(name="transmissivity", short_help="Transmissivity of the phonons of a bulk mesh.")
@crystal_options
@click.option(
    "--mesh",
    type=int,
    nargs=3,
    default=(16, 16, 16),
    show_default=True,
    metavar="N N N",
    help="Points along the reciprocal vectors of each crystal.",
)
@click.option("--gamma", is_flag=True, help="Put a point on Γ, as transport codes do.")
@click.option(
    "-T",
    "--temperature",
    multiple=True,
    default=["300"],
    show_default=True,
    metavar="K|START:STOP:STEP",
    help="Temperatures of the conductances that are printed.",
)
@click.option("-o", "--output", type=click.Path(), help="Result as netCDF-4 (xarray.open_datatree).")
@click.option("--csv", "csv_file", type=click.Path(), help="t(q, branch) of both sides as CSV.")
@click.option("--plot", type=click.Path(), help="Figure: branch shares, accumulation, models over lattice.")
def command(**options: Any) -> None:
    """Transmissivity of every phonon of a Brillouin-zone mesh of both crystals, beside AMM and DMM.

    Prints the conductances (W m⁻² K⁻¹) summed over the phonons of each side as JSON.

    \b
    Example:
      latmm transmissivity structures/si.cif structures/ge.cif --mesh 16 16 16 -o si-ge-phonons.nc
    """
    from latmm.modes.accumulation import conductances
    from latmm.modes.continuum import Continuum, beside_phonons
    from latmm.modes.driven import transmissivities
    from latmm.modes.export import write_phonon_csv
    from latmm.modes.mesh import check_mesh
    from latmm.modes.system import System
    from latmm.plotting import save
    from latmm.plotting_modes import phonon_figure
    from latmm.results import write

    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    check_mesh(options["mesh"])
    with Reporter(quiet=options["quiet"]) as report:
        interface = interface_of(options, report)
        system = System.of(interface)
        tree = transmissivities(system, options["mesh"], centred=options["gamma"], progress=report)
        tree = beside_phonons(tree, Continuum.of(system))
    tree.attrs.update(provenance(options, interface))
    if options["output"]:
        write(tree, options["output"])
        note(options, f"wrote {options['output']}")
    if options["csv_file"]:
        write_phonon_csv(tree, options["csv_file"])
        note(options, f"wrote {options['csv_file']}")
    if options["plot"]:
        save(phonon_figure(tree, temperatures[-1]), options["plot"])
        note(options, f"wrote {options['plot']}")
    click.echo(json.dumps({"temperature": temperatures, "conductance": conductances(tree, temperatures)}))
