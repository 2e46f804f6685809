"""One crystal from the command line: a structure file with a potential, or a finished phonopy calculation."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .caching import cache_options, remembering
from .crystals import supercell_option
from .options import masses_of, note, potential_of, potential_options, warn
from .outputs import replace_option
from .scaling import check_scaling, working
from .sharing import for_forces, force_options

if TYPE_CHECKING:
    from latmm.lattice.force_constants import ForceConstants


__all__ = ["crystal_of", "one_crystal_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


def one_crystal_options(function: _F) -> _F:
    """Add the argument CRYSTAL and the options that describe it, its potential and the output."""
    for decorate in reversed(
        [
            click.argument("left", metavar="CRYSTAL", type=click.Path()),
            potential_options,
            click.option("--mass", multiple=True, metavar="EL=AMU", help="Mass of an element; repeatable."),
            click.option("--relax/--no-relax", default=True, show_default=True, help="Relax the crystal."),
            supercell_option,
            cache_options,
            force_options,
            click.option("-o", "--output", type=click.Path(), help="Write the result as netCDF-4."),
            replace_option,
            click.option(
                "--json", "as_json", is_flag=True, help="Print one JSON object instead of the text."
            ),
            click.option("-q", "--quiet", is_flag=True, help="No progress and notes on stderr."),
        ]
    ):
        function = decorate(function)
    return function


def crystal_of(options: dict[str, Any]) -> "tuple[ForceConstants, str]":
    """Find the force constants of the crystal, in the axes of its file, and their source."""
    from latmm.lattice.bulk import bulk_force_constants
    from latmm.lattice.phonopy_files import is_phonopy_file, read_phonopy
    from latmm.structures import read_structure

    masses = masses_of(options["mass"], "--mass")
    if is_phonopy_file(options["left"]):
        calculation = read_phonopy(options["left"], masses)
        note(options, calculation.description)
        if calculation.left_out:
            warn(calculation.left_out)
        return calculation.constants, calculation.description
    atoms = read_structure(options["left"], masses)
    potential = remembering(options, potential_of(options, set(atoms.get_chemical_symbols())))
    check_scaling(options)
    with working(options) as how:
        constants = bulk_force_constants(
            atoms,
            potential,
            relax=options["relax"],
            supercell=options["supercell"],
            how=for_forces(options, potential, how),
        )
    for text in potential.notes(constants.atoms):
        warn(text)
    return constants, f"{potential.name}: {potential.description}"
