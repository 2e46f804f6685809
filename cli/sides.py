"""The two sides of an interface from the command line: structure files, or measured and numeric media."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .caching import cache_options, remembering
from .checking import allow_option
from .messages import tell
from .options import potential_of, potential_options, warn
from .scaling import check_scaling, working
from .sharing import for_forces, force_options

if TYPE_CHECKING:
    from latmm.checks import Check
    from latmm.continuum.combined import Side
    from latmm.parallel.execution import Execution
    from latmm.potentials.calculators import Potential

__all__ = ["side_options", "sides"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _list_media(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from latmm.continuum.library import listing

        click.echo(listing())
        context.exit()


def side_options(function: _F) -> _F:
    """Add the arguments and options that describe both sides."""
    for decorate in reversed(
        [
            click.argument("structures", type=click.Path(), nargs=-1, metavar="[LEFT RIGHT]"),
            click.option(
                "--left-medium",
                metavar="MEDIUM",
                help="Left medium in place of structure files: a name (si, cu, sapphire, helium, ...) or "
                "rho=8960,cl=4760,ct=2325 (SI), or rho=2329,c11=165.7,c12=63.9,c44=79.6 (GPa); n= cells "
                "per nm³ for Debye's cut-offs.",
            ),
            click.option("--right-medium", metavar="MEDIUM", help="Right medium, likewise."),
            click.option(
                "--list-media",
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_list_media,
                help="List the media with their sources, and how far these were checked, and stop.",
            ),
            click.option(
                "--normal",
                type=int,
                nargs=3,
                default=(0, 0, 1),
                show_default=True,
                metavar="H K L",
                help="Miller indices of the interface plane; Cartesian direction for media.",
            ),
            click.option(
                "--right-normal",
                type=int,
                nargs=3,
                metavar="H K L",
                help="Those of the right side, if different.",
            ),
            potential_options,
            cache_options,
            force_options,
            allow_option,
            click.option(
                "--relax/--no-relax", default=True, show_default=True, help="Relax the crystals of the files."
            ),
        ]
    ):
        function = decorate(function)
    return function


def sides(options: dict[str, Any]) -> "tuple[Side, Side]":
    """Build both sides, in the axes of the interface, and guard the stress and forces of crystals.

    Raises
    ------
    click.UsageError
        If neither or both kinds of description are given, or media with a potential.
    """
    from latmm.continuum.combined import Side

    media = options["left_medium"], options["right_medium"]
    normals = options["normal"], options["right_normal"] or options["normal"]
    if options["structures"]:
        if any(media) or len(options["structures"]) != 2:
            raise click.UsageError("give either two structure files or --left-medium and --right-medium")
        return _crystals(options, normals)
    if not all(media):
        raise click.UsageError("give two structure files, or --left-medium and --right-medium")
    for name, without in (("potential", "auto"), ("potential_option", ())):
        if options[name] != without:
            raise click.UsageError(f"--{name.replace('_', '-')} is for structure files; leave it out")
    left, right = (Side.from_medium(str(text), normal) for text, normal in zip(media, normals, strict=True))
    return left, right


def _crystals(options: dict[str, Any], normals: tuple[tuple[int, int, int], ...]) -> "tuple[Side, Side]":
    """Build both sides from files: structures with a potential, or finished phonopy calculations."""
    from latmm.checks import by_name
    from latmm.interface.guards import crystal_guards, unknown_guards
    from latmm.lattice.phonopy_files import is_phonopy_file
    from latmm.structures import read_structure

    crystals = {path: read_structure(path) for path in options["structures"] if not is_phonopy_file(path)}
    elements = {symbol for atoms in crystals.values() for symbol in atoms.get_chemical_symbols()}
    potential = remembering(options, potential_of(options, elements)) if crystals else None
    check_scaling(options)
    found, relax = [], options["relax"]
    with working(options) as how:
        for side, path, normal in zip(("left", "right"), options["structures"], normals, strict=True):
            name = f"the {side} crystal"
            if potential is None or path not in crystals:
                one = _finished(path, normal, options["quiet"])
                guards: Sequence[Check] = unknown_guards(side)
            else:
                lent = for_forces(options, potential, how)
                one = _crystal(crystals[path], normal, potential, name, relax, lent)
                table = one.force_constants
                guards = [] if table is None else crystal_guards(side, table, potential, strained=False)
            found.append(replace(one, checks=by_name(guards)))
    return found[0], found[1]


def _finished(path: str, normal: tuple[int, int, int], quiet: bool) -> "Side":
    from latmm.continuum.combined import Side
    from latmm.interface.from_phonopy import oriented
    from latmm.lattice.phonopy_files import read_phonopy

    calculation = read_phonopy(path)
    tell(calculation.description, quiet=quiet)
    if calculation.left_out:
        warn(calculation.left_out)
    table = oriented(calculation.constants, normal)
    return Side.from_force_constants(table, table.atoms.get_chemical_formula(empirical=True))


def _crystal(
    atoms: Any,
    normal: tuple[int, int, int],
    potential: "Potential",
    name: str,
    relax: bool,
    how: "Execution",
) -> "Side":
    from latmm.continuum.combined import Side
    from latmm.geometry.orientation import orient
    from latmm.lattice.bulk import displaced_crystal, relaxed_crystal
    from latmm.lattice.space_group import primitive_cell

    reduced = primitive_cell(atoms)
    if relax:
        reduced = relaxed_crystal(reduced, potential, name=name, how=how)
    oriented = orient(reduced, normal)
    for text in potential.notes(oriented):
        warn(text)
    table, _ = displaced_crystal(oriented, potential, name=name, how=how)
    return Side.from_force_constants(table, oriented.get_chemical_formula(empirical=True))
