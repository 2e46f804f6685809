"""``latmm study superlattice``: films and superlattices of N periods between two leads."""

import json
from typing import TYPE_CHECKING, Any

import click

from .crystals import crystal_options, interface_of
from .groups import GroupedCommand
from .options import temperature_list
from .outputs import check_outputs
from .scaling import check_scaling, keeping, working
from .sharing import process_options
from .study_options import report, study_options, whole_numbers, write_files

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command", "table"]


@click.command(
    cls=GroupedCommand,
    name="superlattice",
    short_help="Films and superlattices of N periods.",
)
@crystal_options
@click.option(
    "--layers",
    type=int,
    nargs=2,
    default=(8, 8),
    show_default=True,
    metavar="RIGHT LEFT",
    help="Atomic planes of RIGHT and then of LEFT in a period.",
)
@click.option(
    "--periods",
    multiple=True,
    default=["1", "2", "4", "8", "16"],
    show_default=True,
    metavar="N|START:STOP:STEP",
    help="Periods of the stack; repeatable. 1 with --end left is a film of RIGHT between two contacts.",
)
@click.option(
    "--end",
    type=click.Choice(["left", "right"]),
    default="left",
    show_default=True,
    help="Crystal behind the last period: LEFT (2N contacts) or RIGHT (2N + 1).",
)
@study_options
@process_options("the work")
def command(**options: Any) -> None:
    """Conductance of N periods of two crystals of one structure, coherent and as contacts in series.

    LEFT | N times (planes of RIGHT, planes of LEFT) | LEFT or RIGHT. Force constants are the means of both
    crystals', exact where only masses differ. Nothing scatters phonons between the contacts: the coherent
    conductance is that of cold or thin stacks, the series that of stacks in which phonons forget their way.

    \b
    Example:
      latmm study superlattice structures/si.cif structures/si.cif --right-mass Si=72.63 --periods 2:8:2
    """
    temperatures = temperature_list(options["temperature"])
    numbers = whole_numbers(options["periods"], "--periods")
    check_outputs(options)
    check_scaling(options)
    tree = _run(options, temperatures, numbers)
    report(options, tree, _plain(tree), table(tree))


def _run(options: dict[str, Any], temperatures: list[float], numbers: list[int]) -> "xr.DataTree":
    from latmm.disorder.stacks import Period
    from latmm.plotting.studies import superlattice_figure
    from latmm.sampling.meshes import check_sampling
    from latmm.studies.superlattices import FREQUENCIES, KMESH, superlattice_study

    kmesh = KMESH if options["kmesh"] is None else options["kmesh"]
    frequencies = FREQUENCIES if options["frequencies"] is None else options["frequencies"]
    check_sampling(kmesh, frequencies)
    with working(options) as how:
        interface = interface_of(options, how)
        with keeping(options, how) as how:
            tree = superlattice_study(
                interface,
                Period(*options["layers"]),
                numbers,
                temperatures,
                end=options["end"],
                kmesh=kmesh,
                frequencies=frequencies,
                how=how,
            )
            write_files(options, tree, interface, superlattice_figure)
    return tree


def table(tree: "xr.DataTree") -> str:
    """Single contact and limits, then a row for each number of periods and temperature."""
    stacks, contact = (tree[name].to_dataset() for name in ("stacks", "contact"))
    right, left = tree.attrs["planes"]
    lines = [
        f"{right} planes of RIGHT and {left} of LEFT in a period of {sum(tree.attrs['thickness']):.3g} nm, "
        f"{tree.attrs['end']} behind the last",
        "conductance (MW m⁻² K⁻¹)",
        f"{'T (K)':>9}{'one contact':>13}{'left':>11}{'right':>11}{'minibands':>11}",
    ]
    for i, t in enumerate(stacks["temperature"].values):
        values = [*contact["conductance"].values[:, i], stacks["miniband_conductance"].values[i]]
        lines.append(f"{t:>9g}{values[0] / 1e6:>13.5g}" + "".join(f"{g / 1e6:>11.5g}" for g in values[1:]))
    lines += ["", f"{'T (K)':>9}{'periods':>9}{'contacts':>10}{'nm':>9}{'coherent':>11}{'in series':>11}"]
    for i, t in enumerate(stacks["temperature"].values):
        for j, number in enumerate(stacks["periods"].values):
            lines.append(
                f"{t:>9g}{int(number):>9d}{int(stacks['contacts'].values[j]):>10d}"
                f"{stacks['stack_thickness'].values[j]:>9.4g}"
                f"{stacks['conductance'].values[j, i] / 1e6:>11.5g}"
                f"{stacks['series_conductance'].values[j, i] / 1e6:>11.5g}"
            )
    lines.append("left, right: ballistic; minibands: what ends and superlattice can carry at each k∥")
    return "\n".join(lines)


def _plain(tree: "xr.DataTree") -> dict[str, Any]:
    stacks, contact = (tree[name].to_dataset() for name in ("stacks", "contact"))
    return {
        "temperature": stacks["temperature"].values.tolist(),
        "periods": stacks["periods"].values.tolist(),
        "contacts": stacks["contacts"].values.tolist(),
        "thickness": stacks["stack_thickness"].values.tolist(),
        "conductance": stacks["conductance"].values.tolist(),
        "series_conductance": stacks["series_conductance"].values.tolist(),
        "miniband_conductance": stacks["miniband_conductance"].values.tolist(),
        "contact": {
            str(w): contact["conductance"].sel(what=w).values.tolist() for w in contact["what"].values
        },
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
    }
