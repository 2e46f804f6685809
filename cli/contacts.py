"""Contacts of any two crystals: options for planes, common cell, cuts, and one's own explicit region."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .options import note

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ase import Atoms

    from latmm.interface.interface import Interface
    from latmm.lattice.calculators import Potential

    from .progress import Reporter

__all__ = ["contact_interface", "contact_options", "refuse_contact_options"]

_F = TypeVar("_F", bound=Callable[..., Any])
_COMMON_CELL = ("left_normal", "right_normal", "max_area", "twist", "choose", "left_cut", "right_cut")
"""Options that ask for a common cell of two crystals, instead of one structure that goes on."""
_MAX_AREA = 200.0
_TWIST_WITHIN = 0.5


def contact_options(function: _F) -> _F:
    """Add the options of a common cell and of an explicit region."""
    for decorate in reversed(
        [
            click.option(
                "--left-normal", type=int, nargs=3, metavar="H K L", help="Plane of the left crystal."
            ),
            click.option(
                "--right-normal",
                type=int,
                nargs=3,
                metavar="H K L",
                help="Plane of the right crystal, if another; its normal points away from the left one. With "
                "this or one of the next options the crystals may be any two, joined by a common cell of "
                "latmm match.",
            ),
            click.option(
                "--max-area",
                type=float,
                metavar="Å²",
                help=f"Largest common cell; {_MAX_AREA:g} by default.",
            ),
            click.option(
                "--twist",
                type=float,
                metavar="DEG",
                help=f"Only common cells of this twist (within {_TWIST_WITHIN:g}°), see latmm match.",
            ),
            click.option(
                "--choose",
                type=click.IntRange(min=1),
                metavar="N",
                help="Number of the common cell in the list of latmm match, with the same options; the first "
                "by default.",
            ),
            click.option(
                "--left-cut",
                type=click.IntRange(min=1),
                metavar="N",
                help="Termination of the left crystal, its number in latmm match.",
            ),
            click.option(
                "--right-cut",
                type=click.IntRange(min=1),
                metavar="N",
                help="Termination of the right crystal, its number in latmm match.",
            ),
            click.option(
                "--contact",
                type=click.Path(),
                metavar="FILE",
                help="Own explicit region between the crystals: any atoms between layers of both, in their "
                "common cell or a lateral supercell of it, along z; see latmm build.",
            ),
            click.option(
                "--contact-masses",
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
        "contact",
        "contact_masses",
    )
    for name in names:
        if options[name] is not None:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for two structures and a potential; leave it out"
            )


def contact_interface(
    options: dict[str, Any],
    crystals: "tuple[Atoms, Atoms]",
    potential: "Potential",
    report: "Reporter",
    executor: "Executor | None",
) -> "Interface":
    """Match two structures and build their contact as the options ask; the executor computes forces."""
    from latmm.interface.build import build_contact, match_alike, match_crystals
    from latmm.interface.contact_file import read_contact

    if options["contact_masses"] and not options["contact"]:
        raise click.UsageError("--contact-masses is for the file of --contact; give one, or leave it out")
    normals = tuple(options[f"{side}_normal"] or options["normal"] for side in ("left", "right"))
    common: dict[str, Any] = {name: options[name] for name in ("relax", "strain", "max_strain")}
    any_two = any(options[name] is not None for name in _COMMON_CELL)
    if any_two:
        matched = match_crystals(
            *crystals,
            (normals[0], normals[1]),
            potential,
            max_area=options["max_area"] or _MAX_AREA,
            twist=None if options["twist"] is None else (options["twist"], _TWIST_WITHIN),
            choose=options["choose"] or 1,
            cuts=(options["left_cut"] or 1, options["right_cut"] or 1),
            progress=report,
            **common,
        )
        note(options, f"common cell {options['choose'] or 1}: {matched.area:.2f} Å²")
    else:
        matched = match_alike(*crystals, options["normal"], potential, progress=report, **common)
    region = None
    if options["contact"]:
        region = read_contact(options["contact"], matched, options["contact_masses"])
    return build_contact(
        matched,
        (normals[0], normals[1]),
        potential,
        relax=options["relax"],
        shift=None if any_two else (0.0, 0.0, 0.0),
        region=region,
        supercell=options["supercell"],
        executor=executor,
        progress=report,
    )
