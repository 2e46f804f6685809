"""``latmm ldos``: local density of states from one crystal through the interface to the other."""

from typing import Any

import click

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_running, provenance
from .groups import GroupedCommand
from .numbers import Real
from .options import note
from .outputs import check_outputs, replace_option
from .sharing import work_options

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="ldos",
    short_help="Local density of states through the interface.",
)
@crystal_options
@work_options
@click.option("--kmesh", type=int, nargs=2, default=(8, 8), show_default=True, metavar="N N")
@click.option(
    "--frequencies", type=int, default=80, show_default=True, metavar="N", help="Up to the wider band's top."
)
@click.option(
    "--broadening",
    type=Real(0.0, 1e3, why="in THz"),
    default=0.1,
    show_default=True,
    metavar="THZ",
    help="Width; with 0 states bound to the interface do not show.",
)
@click.option("-o", "--output", type=click.Path(), help="Density of every atom, netCDF-4.")
@click.option(
    "--plot", type=click.Path(), help="Figure: map from crystal to crystal, planes at the interface."
)
@replace_option
def command(**options: Any) -> None:
    """Phonon density of states of every atom, from one crystal through the interface to the other.

    \b
    Example:
      latmm ldos structures/si.cif structures/ge.cif -o ldos.nc --plot ldos.png
    """
    import numpy as np
    import xarray as xr

    from latmm.checks import dumps
    from latmm.lattice.dynamics import largest_frequency
    from latmm.modes.fields import local_density_of_states
    from latmm.plotting.conductance import heading, save
    from latmm.plotting.scattering import density_figure
    from latmm.results import write
    from latmm.sampling.meshes import check_sampling

    if not (options["output"] or options["plot"]):
        raise click.UsageError("name a file for the result: -o FILE, --plot FILE, or both")
    check_outputs(options)
    check_sampling(options["kmesh"], options["frequencies"])
    with interface_running(options) as (interface, how):
        top = max(largest_frequency(crystal) for crystal in (interface.left, interface.right))
        nu = 1.03 * top * (np.arange(options["frequencies"]) + 0.5) / options["frequencies"]
        density = local_density_of_states(
            interface, nu, options["kmesh"], broadening=options["broadening"], how=how
        )
    checks = marked(options, interface.checks)
    density.attrs.update({**provenance(options, interface), "checks": dumps(checks)})
    if options["output"]:
        write(xr.DataTree(density), options["output"])
        note(options, f"wrote {options['output']}")
    if options["plot"]:
        save(density_figure(density), options["plot"], checks, above=heading(interface))
        note(options, f"wrote {options['plot']}")
    for line in check_lines(checks):
        click.echo(line)
    conclude(checks)
