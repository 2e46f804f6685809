"""Contacts of any two crystals: options for planes, common cell, cuts, and one's own explicit region."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from latmm.defaults import MAX_AREA, TWIST_WITHIN

from .numbers import AREA, COUNT, TWIST
from .options import note

if TYPE_CHECKING:
    from ase import Atoms

    from latmm.interface.interface import Interface
    from latmm.interface.slab import Slab
    from latmm.parallel.execution import Execution
    from latmm.potentials.calculators import Potential


__all__ = ["contact_interface", "contact_options", "planes_of", "refuse_contact_options"]

_F = TypeVar("_F", bound=Callable[..., Any])
_COMMON_CELL = ("left_normal", "right_normal", "max_area", "twist", "choose", "left_cut", "right_cut")
"""Options that ask for a common cell of two crystals, instead of one structure that goes on."""


def contact_options(function: _F) -> _F:
    """Add the options of a common cell and of an explicit region."""
    for decorate in reversed(
        [
            click.option(
                "--left-normal",
                type=int,
                nargs=3,
                metavar="H K L",
                help="Plane of the left crystal, if another than --normal; both must be given then.",
            ),
            click.option(
                "--right-normal",
                type=int,
                nargs=3,
                metavar="H K L",
                help="Plane of the right crystal, likewise; its normal points away from the left one. With "
                "this or one of the next options the crystals may be any two, joined by a common cell of "
                "latmm match.",
            ),
            click.option(
                "--max-area",
                type=AREA,
                metavar="Å²",
                help=f"Largest common cell; {MAX_AREA:g} by default.",
            ),
            click.option(
                "--twist",
                type=TWIST,
                metavar="DEG",
                help=f"Only common cells of this twist (within {TWIST_WITHIN:g}°), see latmm match.",
            ),
            click.option(
                "--choose",
                type=COUNT,
                metavar="N",
                help="Number of the common cell in the list of latmm match, with the same options; the first "
                "by default.",
            ),
            click.option(
                "--left-cut",
                type=COUNT,
                metavar="N",
                help="Termination of the left crystal, its number in latmm match.",
            ),
            click.option(
                "--right-cut",
                type=COUNT,
                metavar="N",
                help="Termination of the right crystal, its number in latmm match.",
            ),
            click.option(
                "--region",
                type=click.Path(),
                metavar="FILE",
                help="Own explicit region between the crystals: any atoms between layers of both, in their "
                "common cell or a lateral supercell of it, along z; see latmm build.",
            ),
            click.option(
                "--region-masses",
                type=click.Choice(["file", "element"]),
                help="For masses in that file that do not fit their elements: take the file's, or the "
                "elements' natural ones. By default they are an error.",
            ),
        ]
    ):
        function = decorate(function)
    return function


def refuse_contact_options(options: dict[str, Any]) -> None:
    """Refuse these options for finished calculations.

    Raises
    ------
    click.UsageError
        If one is given.
    """
    names = (
        "left_normal",
        "max_area",
        "twist",
        "choose",
        "left_cut",
        "right_cut",
        "region",
        "region_masses",
        "in_plane_strain",
    )
    for name in names:
        if options[name] is not None:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for two structures and a potential; leave it out"
            )


def planes_of(options: dict[str, Any]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Planes of both crystals, neither by default where the other is named for itself.

    Raises
    ------
    click.UsageError
        If only one is given.
    """
    left, right, common = options["left_normal"], options["right_normal"], options["normal"]
    given = click.get_current_context().get_parameter_source("normal") is not ParameterSource.DEFAULT
    if (left is None) != (right is None) and not given:
        one, other = ("left", "right") if right is None else ("right", "left")
        plane = " ".join(map(str, left or right))
        raise click.UsageError(
            f"--{one}-normal {plane} leaves the {other} crystal's plane open: give --{other}-normal too, "
            f"--normal {plane} alone for this plane on both sides, or --normal for the {other} side"
        )
    return left or common, right or common


def contact_interface(
    options: dict[str, Any],
    crystals: "tuple[Atoms, Atoms]",
    potential: "Potential",
    how: "Execution",
) -> "Interface":
    """Match two structures and build their contact as the options ask."""
    from latmm.geometry.coincidence import CommonCell
    from latmm.geometry.matching import Misfit
    from latmm.interface.build import join_crystals, match_alike, match_crystals
    from latmm.interface.region_file import read_region

    if options["region_masses"] and not options["region"]:
        raise click.UsageError("--region-masses is for the file of --region; give one, or leave it out")
    normals = planes_of(options)
    misfit = Misfit(options["strain"], options["max_strain"], options["in_plane_strain"])
    common: dict[str, Any] = {"relax": options["relax"], "misfit": misfit, "how": how}
    any_two = any(options[name] is not None for name in _COMMON_CELL)
    if any_two:
        matched = match_crystals(
            *crystals,
            normals,
            potential,
            cell=CommonCell(
                options["max_area"] or MAX_AREA,
                None if options["twist"] is None else (options["twist"], TWIST_WITHIN),
                options["choose"] or 1,
                (options["left_cut"] or 1, options["right_cut"] or 1),
            ),
            **common,
        )
        note(options, f"common cell {options['choose'] or 1}: {matched.area:.2f} Å²")
    else:
        matched = match_alike(*crystals, options["normal"], potential, **common)
    start: Slab | tuple[float, float, float] | None = None if any_two else (0.0, 0.0, 0.0)
    if options["region"]:
        start = read_region(options["region"], matched, options["region_masses"])
    return join_crystals(
        matched,
        normals,
        potential,
        relax=options["relax"],
        start=start,
        supercell=options["supercell"],
        how=how,
    )
