"""Two crystals and their interface from the command line: the arguments that lattice commands share."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from latmm.defaults import MAX_STRAIN

from .caching import cache_options, remembering
from .checking import allow_option
from .contacts import contact_interface, contact_options, refuse_contact_options
from .finished import ALL, finished_interfaces, finished_options, inputs, is_finished
from .numbers import Strain, Whole, fraction
from .options import masses_of, potential_of, potential_options, warn
from .outputs import run_attributes
from .scaling import check_scaling, keeping, working
from .sharing import for_forces

if TYPE_CHECKING:
    from ase import Atoms

    from latmm.interface.build import Interface
    from latmm.parallel.execution import Execution

__all__ = [
    "crystal_options",
    "interface_by_itself",
    "interface_of",
    "interface_running",
    "interfaces_of",
    "provenance",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def supercell_option(function: _F) -> _F:
    """Add the option --supercell."""
    return click.option(
        "--supercell",
        type=Whole(1, 1000),
        nargs=3,
        metavar="N N N",
        help="Conventional cells in the supercell of the finite displacements; by default from the "
        "potential's reach.",
    )(function)


def crystal_options(function: _F, *, several: bool = False) -> _F:
    """Add the arguments LEFT and RIGHT and the options that describe crystals, potential and contact.

    With ``several``, more than one potential may be named.
    """
    decorators: list[Callable[[Any], Any]] = [
        click.argument("left", type=click.Path()),
        click.argument("right", type=click.Path()),
        click.option(
            "--normal",
            type=int,
            nargs=3,
            default=(0, 0, 1),
            show_default=True,
            metavar="H K L",
            help="Miller indices of the interface plane, referred to the conventional cell.",
        ),
        partial(potential_options, several=several),
        click.option(
            "--left-mass",
            multiple=True,
            metavar="EL=AMU",
            help="Mass of an element on the left; repeatable.",
        ),
        click.option(
            "--right-mass",
            multiple=True,
            metavar="EL=AMU",
            help="Mass of an element on the right; repeatable.",
        ),
        *(
            click.option(
                f"--{side}-scale",
                metavar="FACTOR|MEDIUM",
                help=f"Multiply the force constants of the {side} crystal: by a number, or so that its "
                "mean elastic constant is that of a measured medium (latmm amm --list-media).",
            )
            for side in ("left", "right")
        ),
        click.option(
            "--relax/--no-relax",
            default=True,
            show_default=True,
            help="Relax the crystals, the spacing of the strained side, and the interface.",
        ),
        click.option(
            "--strain",
            type=click.Choice(["right", "left", "both"]),
            default="right",
            show_default=True,
            help="Side that is strained in the plane to match the other.",
        ),
        click.option(
            "--max-strain",
            type=fraction(),
            default=MAX_STRAIN,
            show_default=True,
            help="Largest in-plane strain accepted for the misfit.",
        ),
        click.option(
            "--in-plane-strain",
            type=Strain(),
            metavar="E[,EYY]",
            help="Strain of the common in-plane lattice beyond the misfit, as on a substrate: 0.01 in every "
            "direction, or along x (the left crystal's first in-plane vector) and y. Both crystals take it "
            "and relax along the normal.",
        ),
        supercell_option,
        cache_options,
        contact_options,
        finished_options,
        allow_option,
        click.option("-q", "--quiet", is_flag=True, help="No progress and notes on stderr."),
    ]
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def interfaces_of(options: dict[str, Any], how: "Execution") -> "dict[str, Interface]":
    """Build the interface by every mixing rule asked for, by name; one interface where none is."""
    if is_finished(options):
        refuse_contact_options(options)
        found = finished_interfaces(options, how)
    else:
        found = {"potential": _built(options, how)}
    return {name: _scaled(options, interface) for name, interface in found.items()}


def _scaled(options: dict[str, Any], interface: "Interface") -> "Interface":
    """Multiply the force constants as the options ask for, and say so."""
    values = [options["left_scale"], options["right_scale"]]
    if values == [None, None]:
        return interface
    from latmm.continuum.library import medium
    from latmm.interface.rescaling import rescaled
    from latmm.lattice.stiffness import elasticity, mean_stiffness

    factors, reasons = [1.0, 1.0], ["", ""]
    for i, (value, crystal) in enumerate(zip(values, interface.crystals, strict=True)):
        if value is None:
            continue
        try:
            factors[i] = float(value)
        except ValueError:
            measured = mean_stiffness(medium(value).stiffness)
            factors[i] = measured / mean_stiffness(elasticity(crystal).stiffness)
            reasons[i] = f"mean elastic constant {measured:.4g} GPa of the medium {value}"
    found = rescaled(interface, (factors[0], factors[1]), (reasons[0], reasons[1]))
    for text in found.notes[len(interface.notes) :]:
        warn(text)
    return found


def interface_by_itself(options: dict[str, Any]) -> "Interface":
    """Build an interface for a command that shares nothing but the force calculations.

    Raises
    ------
    click.UsageError, click.BadParameter
        If options exclude each other, or more than one interface is asked for.
    """
    check_scaling(options)
    with working(options) as how:
        return interface_of(options, how)


@contextmanager
def interface_running(options: dict[str, Any]) -> "Iterator[tuple[Interface, Execution]]":
    """Build an interface, and say how its samples are solved, for the time of a ``with`` block.

    With an output and ``--restart`` among the options, what is found is kept beside the output until the
    block ends well.

    Raises
    ------
    click.UsageError, click.BadParameter
        If options exclude each other, or more than one interface is asked for.
    """
    check_scaling(options)
    with working(options) as how:
        interface = interface_of(options, how)
        if "restart" not in options:
            yield interface, how
            return
        with keeping(options, how) as how:
            yield interface, how


def interface_of(options: dict[str, Any], how: "Execution") -> "Interface":
    """Read both crystals and build their interface.

    Raises
    ------
    click.BadParameter
        If more than one interface is asked for.
    """
    if options["mixing"] == ALL:
        raise click.BadParameter("all is for latmm compare; choose one rule", param_hint="--mixing")
    (interface,) = interfaces_of(options, how).values()
    return interface


def _built(options: dict[str, Any], how: "Execution") -> "Interface":
    """Build the interface of two structures with a potential."""
    from latmm.structures import read_structure

    left, right = (
        read_structure(options[side], masses_of(options[f"{side}_mass"], f"--{side}-mass"))
        for side in ("left", "right")
    )
    crystals = (left, right)
    potential = remembering(options, potential_of(options, _elements(options, crystals)))
    interface = contact_interface(options, crystals, potential, for_forces(options, potential, how))
    for text in interface.notes:
        warn(text)
    return interface


def _elements(options: dict[str, Any], crystals: "tuple[Atoms, Atoms]") -> set[str]:
    """Collect the elements of both crystals and of the atoms between them."""
    from pathlib import Path

    from latmm.structures import read_atoms

    parts = list(crystals)
    if options["region"]:
        parts.append(read_atoms(Path(options["region"])))
    return {symbol for atoms in parts for symbol in atoms.get_chemical_symbols()}


def provenance(options: dict[str, Any], interface: "Interface") -> dict[str, Any]:
    """Attributes that say where a result file comes from, and what its theory leaves out."""
    from latmm.limits import limits_of

    left, right = (side.atoms.get_chemical_symbols() for side in (interface.left, interface.right))
    return {
        **run_attributes(options, inputs(options)),
        "potential": interface.potential,
        "limits": json.dumps(limits_of(left, right, interface.potential), ensure_ascii=False),
        "notes": json.dumps(interface.notes, ensure_ascii=False),
        "normal": list(interface.normals[0]),
        "normal_right": list(interface.normals[1]),
        "area": interface.area,
        "area_units": "angstrom2",
    }
