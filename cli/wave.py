"""``latmm wave``: the phonons that meet a contact at one k∥ and ν, and the wave of one of them as a film."""

from typing import TYPE_CHECKING, Any

import click

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_by_itself
from .groups import GroupedCommand
from .numbers import FREQUENCY, Real, Whole
from .options import note
from .outputs import check_outputs, replace_option
from .sharing import force_options

if TYPE_CHECKING:
    from latmm.modes.resolved import Resolved

__all__ = ["command"]


@click.command(
    cls=GroupedCommand, name="wave", short_help="Film of the wave that one phonon makes at the interface."
)
@crystal_options
@force_options
@click.option("--frequency", type=FREQUENCY, required=True, metavar="THZ", help="Frequency of the phonon.")
@click.option(
    "--wave-vector",
    type=Real(-1e3, 1e3),
    nargs=2,
    default=(0.0, 0.0),
    show_default=True,
    metavar="K1 K2",
    help="In-plane wave vector, fractional.",
)
@click.option("--side", type=click.Choice(["left", "right"]), default="left", show_default=True)
@click.option(
    "--mode",
    type=Whole(0, 10**6),
    metavar="N",
    help="Number of the incident phonon; without it they are listed.",
)
@click.option(
    "--layers",
    type=Whole(1, 1000),
    default=12,
    show_default=True,
    metavar="N",
    help="Of each crystal, shown.",
)
@click.option("--repeat", type=Whole(1, 100), nargs=2, default=(3, 3), show_default=True, metavar="N N")
@click.option(
    "--frames", type=Whole(1, 1000), default=24, show_default=True, metavar="N", help="Images in a period."
)
@click.option(
    "--amplitude",
    type=Real(0.0, 10.0, why="in Å"),
    default=0.3,
    show_default=True,
    metavar="Å",
    help="Largest displacement.",
)
@click.option("-o", "--output", type=click.Path(), help="Film as extended XYZ, for OVITO or ASE.")
@replace_option
def command(**options: Any) -> None:
    """Phonons that meet the interface at one in-plane wave vector and frequency, and the wave of one of them.

    \b
    Example:
      latmm wave structures/si.cif structures/ge.cif --frequency 4 --wave-vector 0.1 0
      latmm wave structures/si.cif structures/ge.cif --frequency 4 --wave-vector 0.1 0 --mode 1 -o wave.xyz
    """
    import numpy as np

    from latmm.interface.interface import SIDES
    from latmm.modes.fields import Film, scattered_trajectory, write_trajectory
    from latmm.modes.resolved import resolve

    check_outputs(options)
    if (options["mode"] is None) != (options["output"] is None):
        raise click.UsageError("a film needs both --mode N and -o FILE; without either, phonons are listed")
    interface = interface_by_itself(options)
    checks = marked(options, interface.checks)
    k, nu = np.array([options["wave_vector"]]), np.array([options["frequency"]])
    found = resolve(interface, k, nu)
    if options["mode"] is None:
        click.echo("\n".join([_list(found, options["side"]), *check_lines(checks)]))
        conclude(checks)
        return
    known = sorted(found.incoming[SIDES.index(options["side"])].mode.tolist())
    if options["mode"] not in known:
        listed = ", ".join(map(str, known)) or "there are none"
        raise click.BadParameter(
            f"no phonon {options['mode']} of the {options['side']} crystal at this frequency and wave vector "
            f"({listed}); leave out --mode and -o to list them",
            param_hint="--mode",
        )
    images = scattered_trajectory(
        interface,
        options["wave_vector"],
        options["frequency"],
        options["mode"],
        side=options["side"],
        film=Film(*(options[name] for name in ("layers", "repeat", "frames", "amplitude"))),
    )
    write_trajectory(images, options["output"])
    note(options, f"wrote {options['output']}")
    for line in check_lines(checks):
        click.echo(line)
    conclude(checks)


def _list(found: "Resolved", side: str) -> str:
    """Write one row for each incident phonon."""
    from latmm.interface.interface import SIDES
    from latmm.modes.table import angle_to_normal
    from latmm.plotting.modes import branch_name

    index = SIDES.index(side)
    phonons, crossing = found.incoming[index], found.transmissivity(index)
    if not len(phonons.mode):
        return f"no phonon of the {side} crystal has this frequency and in-plane wave vector"
    lines = [
        f"{'mode':>5}{'branch':>23}{'qx':>9}{'qy':>9}{'qz (Å⁻¹)':>10}{'angle (°)':>11}{'long.':>7}{'t':>8}"
    ]
    for i in phonons.mode.argsort():
        q = phonons.wave_vector[i]
        angle = float(angle_to_normal(phonons.group_velocity[i]))
        lines.append(
            f"{phonons.mode[i]:>5}{branch_name(int(phonons.branch[i])):>23}{q[0]:>9.4f}{q[1]:>9.4f}{q[2]:>10.4f}"
            f"{angle:>11.1f}{phonons.longitudinal[i]:>7.2f}{crossing[i]:>8.4f}"
        )
    return "\n".join(lines)
