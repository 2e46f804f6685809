"""``latmm scattering``: into which branches, angles and sides the phonons of a frequency scatter."""

from typing import TYPE_CHECKING, Any

import click

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_running, provenance
from .groups import GroupedCommand
from .numbers import FREQUENCY, Whole
from .options import note
from .outputs import check_outputs, replace_option
from .sharing import work_options

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="scattering",
    short_help="Mode conversion at chosen frequencies.",
)
@crystal_options
@work_options
@click.option(
    "--frequency", "chosen", type=FREQUENCY, multiple=True, required=True, metavar="THZ", help="Repeatable."
)
@click.option("--kmesh", type=int, nargs=2, default=(16, 16), show_default=True, metavar="N N")
@click.option(
    "--angles", type=Whole(1, 1000), default=9, show_default=True, metavar="N", help="Bins between 0 and 90°."
)
@click.option("-o", "--output", type=click.Path(), help="Channels between branches and angles, netCDF-4.")
@click.option("--plot", type=click.Path(), help="Figure: conversion matrix, angles in and out.")
@replace_option
def command(**options: Any) -> None:
    """Scattering from branch and angle of incident phonons into those of outgoing ones.

    Prints, for every frequency, the probabilities that a phonon of each branch of each side leaves in each
    branch of either side, and the fraction that keeps its in-plane wave vector (specular).

    \b
    Example:
      latmm scattering structures/si.cif structures/ge.cif --frequency 2 --frequency 6 --plot conversion.png
    """
    from latmm.checks import dumps
    from latmm.modes.maps import conversion, scattering_map
    from latmm.plotting.conductance import heading, save
    from latmm.plotting.scattering import conversion_figure
    from latmm.results import write
    from latmm.sampling.meshes import check_sampling

    check_outputs(options)
    check_sampling(options["kmesh"], 2)
    with interface_running(options) as (interface, how):
        frequencies = sorted(set(options["chosen"]))
        mapped = scattering_map(interface, frequencies, options["kmesh"], angles=options["angles"], how=how)
    mapped["conversion"] = conversion(mapped["channels"])
    checks = marked(options, interface.checks)
    mapped.attrs.update({**provenance(options, interface), "checks": dumps(checks)})
    if options["output"]:
        import xarray as xr

        write(xr.DataTree(mapped), options["output"])
        note(options, f"wrote {options['output']}")
    if options["plot"]:
        save(conversion_figure(mapped), options["plot"], checks, above=heading(interface))
        note(options, f"wrote {options['plot']}")
    click.echo("\n\n".join(_table(mapped.sel(frequency=nu)) for nu in frequencies))
    for line in check_lines(checks):
        click.echo(line)
    conclude(checks)


def _table(mapped: "xr.Dataset") -> str:
    """One row for each incident branch with phonons, one column for each outgoing one."""
    from latmm.plotting.modes import branch_name

    probability = mapped["conversion"]
    states = [
        (str(side), int(branch))
        for side in probability["side"].values
        for branch in probability["branch"].values
        if float(mapped["channels"].sel(side=side, branch=branch).sum()) > 0
    ]
    names = [f"{side} {branch_name(branch)}" for side, branch in states]
    width = max(len(name) for name in names) + 2 if names else 0
    lines = [f"at {float(mapped['frequency']):g} THz, from (rows) into (columns)"]
    lines.append(" " * width + "".join(f"{f'({i + 1})':>8}" for i in range(len(states))))
    for i, (side, branch) in enumerate(states):
        row = probability.sel(side=side, branch=branch)
        cells = "".join(f"{row.sel(side_out=s, branch_out=b).item():>8.3f}" for s, b in states)
        lines.append(f"{names[i]:<{width}}{cells}  ({i + 1})")
    specular = ", ".join(
        f"{float(mapped['specular_fraction'].sel(side=side)):.3f} from the {side}"
        for side in mapped["side"].values
    )
    return "\n".join([*lines, f"specular fraction: {specular}"])
