"""``latmm build``: the relaxed contact of two crystals as a structure file with the names of its sites."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .checking import all_lines, check_lines, conclude, marked
from .crystals import crystal_options, interface_by_itself, provenance
from .groups import GroupedCommand
from .numbers import Whole
from .options import note
from .outputs import check_outputs, replace_option
from .sharing import force_options

if TYPE_CHECKING:
    from latmm.interface.interface import Interface

__all__ = ["command"]


@click.command(
    cls=GroupedCommand, name="build", short_help="Relaxed interface of two crystals, as a structure file."
)
@crystal_options
@force_options
@click.option(
    "--lateral",
    type=Whole(1, 100),
    nargs=2,
    default=(1, 1),
    show_default=True,
    metavar="M N",
    help="Repeat the common cell in the plane.",
)
@click.option("-o", "--output", type=click.Path(), help="Write the interface region as extended XYZ.")
@click.option("--plot", type=click.Path(), help="Figure: the interface from the side and from above.")
@replace_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(**options: Any) -> None:
    """Build the interface of two crystals: match them, find the rigid shift, relax, and check.

    The file holds the interface region, and as much of both crystals as the leads need. Each atom has its
    side (−1 left, 0 neither, 1 right), primitive layer, place in the primitive cell, and lateral cell. It can
    be edited and read again with --region.

    \b
    Examples:
      latmm build structures/si.cif structures/ge.cif -o contact.extxyz
      latmm build structures/al.cif structures/ag.cif --normal 1 1 1 --lateral 2 2 -o wide.extxyz
    """
    from latmm.interface.region_file import write_region
    from latmm.interface.tiling import tile

    check_outputs(options)
    interface = interface_by_itself(options)
    interface = replace(interface, checks=marked(options, interface.checks))
    if options["lateral"] != (1, 1):
        interface = tile(interface, options["lateral"])
    if options["output"]:
        run = provenance(options, interface)
        kept = ("latmm_version", "created", "command_line", "input_sha256")
        write_region(interface, options["output"], {name: str(run[name]) for name in kept})
        note(options, f"wrote {options['output']}")
    if options["plot"]:
        from latmm.plotting.conductance import heading, save
        from latmm.plotting.structure import structure_figure

        save(structure_figure(interface), options["plot"], interface.checks, above=heading(interface))
        note(options, f"wrote {options['plot']}")
    click.echo(json.dumps(_summary(interface)) if options["as_json"] else _table(interface))
    conclude(interface.checks)


def _summary(interface: "Interface") -> dict[str, Any]:
    """Say what was built, for other programs; lengths in Å."""
    matched, slab = interface.matched, interface.slab
    inside = slab.within(interface.layers)
    return {
        "area": interface.area,
        "cell": matched.cell.tolist(),
        "lateral_left": matched.lateral_left.tolist(),
        "lateral_right": matched.lateral_right.tolist(),
        "strain_left": matched.strain_left.tolist(),
        "strain_right": matched.strain_right.tolist(),
        "normals": [list(normal) for normal in interface.normals],
        "layers": list(interface.layers),
        "principal_layers": list(interface.principal),
        "atoms": len(slab.atoms),
        "atoms_of_region": int(inside.sum()),
        "formula_of_region": str(slab.atoms[inside].symbols),
        "shift": slab.shift.tolist(),
        "potential": interface.potential,
        "checks": {name: one.plain for name, one in interface.checks.items()},
    }


def _table(interface: "Interface") -> str:
    """Say the same to people."""
    from latmm.geometry.matching import principal_strain

    found = _summary(interface)
    lines = [f"common cell          {found['area']:.3f} Å²"]
    lines += [f"  vector             {row[0]:10.5f} {row[1]:10.5f} Å" for row in found["cell"]]
    for side, normal, lateral, strain in (
        ("left", interface.normals[0], found["lateral_left"], interface.matched.strain_left),
        ("right", interface.normals[1], found["lateral_right"], interface.matched.strain_right),
    ):
        crystal = getattr(interface, side).atoms
        first, second = 100 * principal_strain(strain) + 0.0
        lines.append(
            f"{side:<21}{crystal.get_chemical_formula()} ({' '.join(map(str, normal))}), cell {lateral}, "
            f"strain {first:+.3f} and {second:+.3f} %"
        )
    shift = ", ".join(f"{x:.3f}" for x in found["shift"])
    lines += [
        f"interface region     {found['atoms_of_region']} atoms in {found['layers'][0]} + "
        f"{found['layers'][1]} layers, of {found['atoms']} in the slab",
        f"shift of the right   {shift} Å from the mean-gap stacking",
    ]
    lines += all_lines(interface.checks.values())
    return "\n".join([*lines, *check_lines(interface.checks)])
