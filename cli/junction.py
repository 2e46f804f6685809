"""``latmm junction``: conductance of junctions of sheets, ribbons, tubes and chains."""

import json
from typing import TYPE_CHECKING, Any

import click

from .caching import cache_options, remembering
from .checking import allow_option, check_lines, conclude, marked
from .groups import GroupedCommand
from .numbers import Real, Whole, fraction
from .options import (
    masses_of,
    note,
    potential_of,
    potential_options,
    temperature_list,
    temperature_option,
    warn,
)
from .outputs import check_outputs, replace_option, run_attributes
from .progress import Reporter
from .tables import tell_limits

if TYPE_CHECKING:
    import xarray as xr

    from latmm.interface.interface import Interface

__all__ = ["command", "table"]

_SHEETS = frozenset(("B", "C", "N"))
"""Elements of the potential that is fitted to sheets and tubes, which auto prefers here."""


@click.command(
    cls=GroupedCommand,
    name="junction",
    short_help="Junction of two sheets, ribbons, tubes or chains.",
)
@click.argument("left", type=click.Path())
@click.argument("right", type=click.Path())
@click.option(
    "--line",
    type=int,
    nargs=2,
    default=(1, 0),
    show_default=True,
    metavar="H K",
    help="Line between two sheets, by indices like Miller's: 1 0 runs along the second period. "
    "Honeycombs join zigzag edges by 1 0, armchair edges by 1 1 (periods 120° apart).",
)
@potential_options
@click.option(
    "--left-mass", multiple=True, metavar="EL=AMU", help="Mass of an element on the left; repeatable."
)
@click.option(
    "--right-mass", multiple=True, metavar="EL=AMU", help="Mass of an element on the right; repeatable."
)
@click.option(
    "--relax/--no-relax", default=True, show_default=True, help="Relax both structures and the junction."
)
@click.option(
    "--strain",
    type=click.Choice(["stretched", "right", "left", "both"]),
    default="stretched",
    show_default=True,
    help="Sheet that takes the strain along the line: the one that is stretched by it (a compressed one "
    "buckles), or a side.",
)
@click.option(
    "--max-strain", type=fraction(), default=0.08, show_default=True, help="Largest strain accepted."
)
@temperature_option
@click.option(
    "--intervals",
    type=Whole(1, 10_000),
    default=24,
    show_default=True,
    help="Intervals of frequency, six nodes each.",
)
@click.option(
    "--points", type=Whole(1, 10_000), default=24, show_default=True, help="k-points along half the line."
)
@click.option(
    "--section",
    type=Real(1e-6, 1e6, above=True, why="in nm of sheets, in nm² of others"),
    metavar="NM|NM2",
    help="Thickness of the sheets in nm, or cross-section of ribbons, tubes and chains in nm²: gives a "
    "conductance per area, too. There is no default: it is a convention.",
)
@click.option("-o", "--output", type=click.Path(), help="Write the result as netCDF-4.")
@click.option("--plot", type=click.Path(), help="Write a figure (png, pdf, svg, ...).")
@replace_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@cache_options
@allow_option
@click.option("-q", "--quiet", is_flag=True, help="No progress and notes on stderr.")
def command(**options: Any) -> None:
    """Thermal conductance of the junction of two sheets (per width), ribbons, tubes or chains.

    LEFT and RIGHT are structure files with vacuum: two sheets of one structure that continue each other, or
    two ribbons, tubes or chains that do. Heat flows in the sheet, or along the tube. Harmonic and ballistic,
    by the lattice Green's function, as in latmm compare. For B, C and N, auto is the potential bnc.

    \b
    Example:
      latmm junction structures/graphene.xyz structures/h-bn.xyz -T 100 -T 300 --intervals 8 --points 12
    """
    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    tree = _run(options, temperatures)
    from latmm.checks import loads

    checks = loads(tree.attrs["checks"])
    if options["as_json"]:
        click.echo(json.dumps(_plain(tree), allow_nan=False))
    else:
        click.echo(table(tree))
        tell_limits(options, tree)
        for line in check_lines(checks):
            click.echo(line)
    conclude(checks)


def _run(options: dict[str, Any], temperatures: list[float]) -> "xr.DataTree":
    from latmm.checks import dumps, loads
    from latmm.low_dimensional.junction import low_dimensional_conductance
    from latmm.parallel.execution import Execution
    from latmm.plotting.conductance import save
    from latmm.plotting.low_dimensional import junction_figure
    from latmm.results import write

    with Reporter(quiet=options["quiet"]) as report:
        interface = _interface(options, report)
        tree = low_dimensional_conductance(
            interface,
            temperatures,
            intervals=options["intervals"],
            points=options["points"],
            section=options["section"],
            how=Execution(progress=report),
        )
    tree.attrs.update(run_attributes(options, {side: options[side] for side in ("left", "right")}))
    checks = marked(options, loads(tree.attrs["checks"]))
    tree.attrs["checks"] = dumps(checks)
    if options["output"]:
        write(tree, options["output"])
        note(options, f"wrote {options['output']}")
    if options["plot"]:
        names = [side.atoms.get_chemical_formula(empirical=True) for side in interface.crystals]
        save(junction_figure(tree), options["plot"], checks, above=" | ".join(names))
        note(options, f"wrote {options['plot']}")
    return tree


def _interface(options: dict[str, Any], report: Reporter) -> "Interface":
    """Read both structures and build their junction."""
    from latmm.low_dimensional.boxes import read_low_dimensional
    from latmm.low_dimensional.building import build_junction
    from latmm.parallel.execution import Execution

    sides = [
        read_low_dimensional(options[side], masses_of(options[f"{side}_mass"], f"--{side}-mass"))
        for side in ("left", "right")
    ]
    elements = {symbol for side in sides for symbol in side.atoms.get_chemical_symbols()}
    if options["potential"] == "auto" and elements <= _SHEETS:
        options = {**options, "potential": "bnc"}
    potential = remembering(options, potential_of(options, elements))
    interface = build_junction(
        sides[0],
        sides[1],
        potential,
        line=options["line"],
        relax=options["relax"],
        strain=options["strain"],
        max_strain=options["max_strain"],
        how=Execution(progress=report),
    )
    for text in interface.notes:
        warn(text)
    return interface


def table(tree: "xr.DataTree") -> str:
    """Write a row for each temperature, with units by dimension."""
    found, sheet = tree["junction"].to_dataset(), tree.attrs["dimension"] == 2
    names = ["conductance", "conductance_four_probe", "ballistic_left", "ballistic_right"]
    heads = ["two-probe", "four-probe", "left alone", "right alone"]
    scale, unit = (1.0, "W m⁻¹ K⁻¹, per width") if sheet else (1e-9, "nW K⁻¹, of the junction")
    lines = [f"conductance ({unit})", f"{'T (K)':>9}" + "".join(f"{head:>13}" for head in heads)]
    if not sheet:
        lines[1] += f"{'quanta':>11}"
    if "conductance_per_area" in found:
        lines[1] += f"{'MW m⁻² K⁻¹':>13}"
    for i, t in enumerate(found["temperature"].values):
        row = f"{t:>9g}" + "".join(f"{found[name].values[i] / scale:>13.5g}" for name in names)
        if not sheet:
            row += f"{found['conductance'].values[i] / found['quantum_of_conductance'].values[i]:>11.5g}"
        if "conductance_per_area" in found:
            row += f"{found['conductance_per_area'].values[i] / 1e6:>13.5g}"
        lines.append(row)
    if not sheet:
        lines.append("quanta: two-probe over π² k_B² T/(3h), what one open channel carries")
    if "section" in tree.attrs:
        what = "thickness" if sheet else "cross-section"
        unit = "nm" if sheet else "nm²"
        lines.append(f"MW m⁻² K⁻¹: two-probe per area, by a {what} of {tree.attrs['section']:g} {unit}")
    return "\n".join(lines)


def _plain(tree: "xr.DataTree") -> dict[str, Any]:
    found = tree["junction"].to_dataset()
    names = [name for name in found.data_vars if found[name].dims == ("temperature",)]
    return {
        "dimension": tree.attrs["dimension"],
        "temperature": found["temperature"].values.tolist(),
        **{
            str(name): [x if abs(x) < float("inf") else None for x in found[name].values.tolist()]
            for name in names
        },
        "units": {str(name): found[name].attrs["units"] for name in names},
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
    }
