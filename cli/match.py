"""``latmm match``: the common in-plane cells of two crystals on any two planes."""

import json
from typing import TYPE_CHECKING, Any

import click

from latmm.defaults import MAX_AREA, MAX_STRAIN, TWIST_WITHIN

from .caching import cache_options, remembering
from .groups import GroupedCommand
from .numbers import AREA, COUNT, TWIST, Real, fraction
from .options import note, potential_of, potential_options
from .outputs import check_outputs, replace_option
from .progress import Reporter

if TYPE_CHECKING:
    from ase import Atoms

    from latmm.geometry.coincidence import Coincidence
    from latmm.potentials.calculators import Potential

__all__ = ["command"]

_DRAWN = 12
"""Cells that a figure shows at most."""

_SIDES = ("left", "right")


@click.command(
    cls=GroupedCommand,
    name="match",
    short_help="Common in-plane cells of two crystals.",
)
@click.argument("left", type=click.Path())
@click.argument("right", type=click.Path())
@click.option(
    "--left-normal",
    type=int,
    nargs=3,
    default=(0, 0, 1),
    show_default=True,
    metavar="H K L",
    help="Miller indices of the left crystal's plane, referred to its conventional cell; the normal points "
    "to the right crystal.",
)
@click.option(
    "--right-normal",
    type=int,
    nargs=3,
    default=(0, 0, 1),
    show_default=True,
    metavar="H K L",
    help="Those of the right crystal's plane; the normal points away from the left crystal.",
)
@click.option("--mirror", is_flag=True, help="Turn the right crystal over: the opposite indices.")
@click.option(
    "--max-area", type=AREA, default=MAX_AREA, show_default=True, metavar="Å²", help="Largest common cell."
)
@click.option(
    "--max-strain",
    type=fraction(),
    default=MAX_STRAIN,
    show_default=True,
    help="Largest principal in-plane strain.",
)
@click.option(
    "--strain",
    type=click.Choice(["right", "left", "both"]),
    default="right",
    show_default=True,
    help="Side that is strained in the plane to match the other.",
)
@potential_options
@cache_options
@click.option(
    "--relax/--no-relax",
    default=True,
    show_default=True,
    help="Relax both crystals first, as the commands that build a contact do: the same --potential, --relax, "
    "--strain, --max-strain, --max-area and --twist give the same numbers there.",
)
@click.option(
    "--twist",
    type=TWIST,
    metavar="DEG",
    help="Only this angle from a₁ of the left to a₁ of the right crystal (shortest vectors of the planes), "
    "or one that symmetry makes equal. Any by default.",
)
@click.option(
    "--twist-within",
    type=Real(0.0, 180.0, why="in degrees"),
    default=TWIST_WITHIN,
    show_default=True,
    metavar="DEG",
    help="Tolerance of --twist.",
)
@click.option("--rows", type=COUNT, default=20, show_default=True, help="Longest table; JSON holds all.")
@click.option("--choose", type=COUNT, metavar="N", help="Show number N of the list in full.")
@click.option(
    "--plot",
    type=click.Path(),
    help=f"Figure: the first {_DRAWN} cells, or the chosen one, from above.",
)
@replace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No notes on stderr.")
def command(**options: Any) -> None:
    """List the common in-plane cells of two crystals, each with its own plane, at any twist.

    LEFT and RIGHT are structure files or finished phonopy calculations, which keep their lattices; so do
    structures that no bundled potential covers. The list begins with the smallest cell; interfaces that
    symmetry makes equal appear once. Below it: the atomic planes between which each crystal can be cut.

    \b
    Examples:
      latmm match structures/si.cif structures/al.cif --left-normal 1 1 1 --right-normal 1 1 1 --choose 1
      latmm match structures/gan.cif structures/si.cif --left-normal 0 0 1 --right-normal 1 1 1 --max-area 400
    """
    from latmm.errors import InputError, MismatchError
    from latmm.geometry.coincidence import coincidences

    if options["mirror"]:
        options["right_normal"] = tuple(-index for index in options["right_normal"])
    check_outputs(options)
    crystals, lattices = _oriented(options)
    twist = None if options["twist"] is None else (options["twist"], options["twist_within"])
    found = coincidences(
        *crystals,
        max_area=options["max_area"],
        max_strain=options["max_strain"],
        strain=options["strain"],
        twist=twist,
    )
    if not found:
        raise MismatchError(
            f"no common cell of {_label(options, crystals, 0)} and {_label(options, crystals, 1)} within "
            f"{options['max_area']:g} Å² and {100 * options['max_strain']:g} % strain"
            + (f" at a twist of {options['twist']:g}°" if twist else "")
            + "; allow a larger cell (--max-area) or strain (--max-strain)"
        )
    number = options["choose"]
    if number is not None and number > len(found):
        raise InputError(f"--choose must be a number of the list, 1 to {len(found)}, but is {number}")
    chosen = list(enumerate(found, start=1)) if number is None else [(number, found[number - 1])]
    if options["plot"]:
        _draw(options, crystals, chosen)
    if options["as_json"]:
        click.echo(json.dumps(_summary(options, crystals, lattices, chosen)))
        return
    shown = chosen[: options["rows"]]
    click.echo(_table(shown) if number is None else _description(number, found[number - 1], crystals))
    if len(chosen) > len(shown):
        note(options, f"{len(chosen) - len(shown)} larger ones are not shown (--rows, --max-area)")
    for side in (0, 1):
        click.echo()
        click.echo(_cuts(_label(options, crystals, side), crystals[side]))


def _draw(
    options: dict[str, Any], crystals: "tuple[Atoms, Atoms]", chosen: "list[tuple[int, Coincidence]]"
) -> None:
    """Draw the first cells from above."""
    from latmm.geometry.coincidence import matched_of
    from latmm.plotting.conductance import save
    from latmm.plotting.structure import cells_figure

    matches = [(number, matched_of(one, *crystals)) for number, one in chosen[:_DRAWN]]
    figure = cells_figure(*crystals, matches)
    save(figure, options["plot"], above=" | ".join(_label(options, crystals, side) for side in (0, 1)))
    left_out = len(chosen) - len(matches)
    note(options, f"wrote {options['plot']}" + (f", without the last {left_out} cells" if left_out else ""))


def _oriented(options: dict[str, Any]) -> "tuple[tuple[Atoms, Atoms], dict[str, str]]":
    """Both crystals, relaxed where there is a potential, and oriented; and where each lattice comes from."""
    from latmm.geometry.orientation import orient
    from latmm.lattice.phonopy_files import is_phonopy_file, read_phonopy
    from latmm.lattice.space_group import primitive_cell
    from latmm.structures import read_structure

    finished = {side: is_phonopy_file(options[side]) for side in _SIDES}
    crystals = {
        side: primitive_cell(
            read_phonopy(options[side]).constants.atoms if finished[side] else read_structure(options[side])
        )
        for side in _SIDES
    }
    potential = _potential(options, [crystals[side] for side in _SIDES if not finished[side]])
    lattices = {}
    for side, crystal in crystals.items():
        lattices[side] = "calculation" if finished[side] else "file"
        if potential is not None and not finished[side]:
            crystals[side] = _relaxed(crystal, potential, f"the {side} crystal", options["quiet"])
            lattices[side] = potential.name
    return (
        orient(crystals["left"], options["left_normal"]),
        orient(crystals["right"], options["right_normal"]),
    ), lattices


def _relaxed(crystal: "Atoms", potential: "Potential", name: str, quiet: bool) -> "Atoms":
    from latmm.potentials.relaxation import relax_crystal

    stage = f"relaxation of {name}"
    with Reporter(quiet=quiet) as report:
        report(stage, 0, 1)
        found = relax_crystal(
            crystal, potential.calculator, name=name, watch=lambda text: report(f"{stage}: {text}", 0, 1)
        )
        report(stage, 1, 1)
    return found


def _potential(options: dict[str, Any], structures: "list[Atoms]") -> "Potential | None":
    """Find the potential that relaxes the structures; None where they keep the lattices of their files."""
    from latmm.errors import PotentialError

    if not (structures and options["relax"]):
        return None
    elements = {symbol for atoms in structures for symbol in atoms.get_chemical_symbols()}
    try:
        return remembering(options, potential_of(options, elements))
    except PotentialError as error:
        if options["potential"] != "auto" or options["potential_option"]:
            raise
        note(options, f"lattices of the files: {str(error).partition(';')[0]}")
        note(options, "a command with another --potential numbers its own lattices: give it here too")
        return None


def _label(options: dict[str, Any], crystals: "tuple[Atoms, ...]", side: int) -> str:
    """Name formula and plane of one side, e.g. Si (1 1 1)."""
    formula = crystals[side].get_chemical_formula(empirical=True)
    return f"{formula} ({' '.join(map(str, options[f'{_SIDES[side]}_normal']))})"


def _table(numbered: "list[tuple[int, Coincidence]]") -> str:
    """One row for each common cell."""
    import numpy as np

    from latmm.geometry.matching import principal_strain

    lines = [
        f"{'no.':>4}{'area (Å²)':>11}{'cells':>10}{'twist (°)':>11}{'strain left (%)':>18}"
        f"{'strain right (%)':>18}{'atoms':>7}{'a (Å)':>9}{'b (Å)':>9}{'angle (°)':>11}"
    ]
    for number, cell in numbered:
        left, right = (100 * principal_strain(s) for s in (cell.strain_left, cell.strain_right))
        a, b = np.linalg.norm(cell.cell, axis=1)
        angle = np.degrees(np.arccos(cell.cell[0] @ cell.cell[1] / (a * b)))
        counts = f"{cell.indices[0]} | {cell.indices[1]}"
        lines.append(
            f"{number:>4}{cell.area:>11.2f}{counts:>10}{cell.twist:>11.3f}"
            f"{left[0]:>+9.3f}{left[1]:>+9.3f}{right[0]:>+9.3f}{right[1]:>+9.3f}"
            f"{cell.atoms:>7}{a:>9.3f}{b:>9.3f}{angle:>11.2f}"
        )
    return "\n".join(lines)


def _description(number: int, cell: "Coincidence", crystals: "tuple[Atoms, ...]") -> str:
    """Vectors and strain tensors of one common cell, below its row of the table."""
    lines = [_table([(number, cell)]), "", "vectors of the common cell (Å, x along a₁ of the left crystal)"]
    lines += [f"  {row[0]:>11.6f} {row[1]:>11.6f}" for row in cell.cell]
    for name, crystal, lateral, strain in (
        ("left", crystals[0], cell.lateral_left, cell.strain_left),
        ("right", crystals[1], cell.lateral_right, cell.strain_right),
    ):
        own = crystal.cell.array[:2, :2]
        lines += [
            f"{name}: {lateral.tolist()} of a₁ = ({own[0, 0]:.4f}, {own[0, 1]:.4f}) Å, "
            f"a₂ = ({own[1, 0]:.4f}, {own[1, 1]:.4f}) Å",
            f"  strain xx {100 * strain[0, 0]:+.4f} %, yy {100 * strain[1, 1]:+.4f} %, "
            f"xy {100 * strain[0, 1]:+.4f} % (own axes, x along its a₁)",
        ]
    return "\n".join(lines)


def _cuts(name: str, crystal: "Atoms") -> str:
    """In-plane vectors and terminations of one crystal."""
    from latmm.geometry.cuts import terminations

    a, b, *_, angle = crystal.cell.cellpar()
    lines = [
        f"{name}: a₁ {a:.4f} Å, a₂ {b:.4f} Å, {angle:.2f}°; cuts between its atomic planes",
        f"{'no.':>4}{'below':>12}{'above':>12}{'gap (Å)':>10}{'equal cuts':>12}",
    ]
    lines += [
        f"{number:>4}{cut.below:>12}{cut.above:>12}{cut.gap:>10.4f}{cut.multiplicity:>12}"
        for number, cut in enumerate(terminations(crystal), start=1)
    ]
    return "\n".join(lines)


def _summary(
    options: dict[str, Any],
    crystals: "tuple[Atoms, ...]",
    lattices: dict[str, str],
    numbered: "list[tuple[int, Coincidence]]",
) -> dict[str, Any]:
    """All of it for other programs; lengths in Å, angles in degrees, strains as fractions."""
    from dataclasses import asdict

    from latmm.geometry.cuts import terminations

    sides = {
        side: {
            "structure": options[side],
            "formula": crystal.get_chemical_formula(empirical=True),
            "normal": list(options[f"{side}_normal"]),
            "lattice": lattices[side],
            "in_plane_vectors": crystal.cell.array[:2, :2].tolist(),
            "terminations": [asdict(cut) for cut in terminations(crystal)],
        }
        for side, crystal in zip(_SIDES, crystals, strict=True)
    }
    cells = [
        {
            "number": number,
            "area": cell.area,
            "cells": cell.indices,
            "twist": cell.twist,
            "largest_strain": cell.strain,
            "strain_left": cell.strain_left.tolist(),
            "strain_right": cell.strain_right.tolist(),
            "atoms": cell.atoms,
            "lateral_left": cell.lateral_left.tolist(),
            "lateral_right": cell.lateral_right.tolist(),
            "cell": cell.cell.tolist(),
        }
        for number, cell in numbered
    ]
    return {**sides, "coincidences": cells}
