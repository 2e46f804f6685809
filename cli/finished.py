"""LEFT and RIGHT as finished phonopy calculations: their options, and the interfaces that follow."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from latmm.defaults import MIXING_RULES

from .contacts import planes_of
from .experiment import own_files
from .numbers import Whole
from .options import masses_of, note, warn
from .temperature_files import check_temperature

if TYPE_CHECKING:
    from latmm.interface.interface import Interface
    from latmm.lattice.phonopy_files import Calculation
    from latmm.parallel.execution import Execution

__all__ = ["ALL", "finished_interfaces", "finished_options", "inputs", "is_finished"]

_F = TypeVar("_F", bound=Callable[..., Any])
_WITH_DIPOLES = ("compare", "converge")
"""Commands whose lattice may be polar."""
ALL = "all"
"""Every mixing rule, one after the other."""


def finished_options(function: _F) -> _F:
    """Add the options of finished phonopy calculations."""
    for decorate in reversed(
        [
            click.option(
                "--mixing",
                type=click.Choice([*MIXING_RULES, ALL]),
                help="LEFT and RIGHT are phonopy calculations: rule for the force constants across the "
                "interface (the first by default; mass: those of LEFT everywhere). compare takes all: every "
                "rule, and their spread as an uncertainty.",
            ),
            click.option(
                "--region-phonopy",
                type=click.Path(),
                metavar="FILE",
                help="Phonopy calculation of a superlattice or slab that holds the interface, instead of a "
                "mixing rule.",
            ),
            click.option(
                "--span",
                type=Whole(1, 1000),
                metavar="LAYERS",
                help="Layers that the force constants of phonopy calculations may span along the normal; by "
                "default as many as count.",
            ),
            click.option(
                "--nac/--no-nac",
                default=False,
                show_default=True,
                help="Treat the dipoles of Born charges in phonopy calculations: LO-TO splitting, at every "
                "wave vector. For compare and converge.",
            ),
        ]
    ):
        function = decorate(function)
    return function


def is_finished(options: dict[str, Any]) -> bool:
    """Tell whether LEFT and RIGHT are phonopy calculations.

    Raises
    ------
    click.UsageError
        If one is and the other is not, or options of the other kind are given.
    """
    from latmm.lattice.phonopy_files import is_phonopy_file

    kinds = {side: is_phonopy_file(options[side]) for side in ("left", "right")}
    if kinds["left"] != kinds["right"]:
        names = {True: "a phonopy calculation", False: "a structure"}
        raise click.UsageError(
            f"LEFT is {names[kinds['left']]} and RIGHT is {names[kinds['right']]}: no force constants of one "
            "kind join them; give two phonopy calculations, or two structures and a potential"
        )
    finished = kinds["left"]
    foreign = (
        ("potential", "potential_option", "supercell") if finished else ("mixing", "region_phonopy", "span")
    )
    for name in foreign:
        if options[name] not in (None, (), "auto"):
            what = "two structures" if finished else "two phonopy calculations (yaml)"
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for {what} as LEFT and RIGHT; leave it out"
            )
    if options["nac"]:
        _require_treated(options, finished)
    if options["mixing"] and options["region_phonopy"]:
        raise click.UsageError(
            "--region-phonopy gives the force constants that --mixing would guess; omit one"
        )
    return finished


def _require_treated(options: dict[str, Any], finished: bool) -> None:
    """Refuse --nac where dipoles are not treated."""
    command = click.get_current_context().info_name
    if not finished:
        raise click.UsageError("--nac is for two phonopy calculations (yaml) as LEFT and RIGHT; leave it out")
    if command not in _WITH_DIPOLES:
        raise click.UsageError(f"--nac is for latmm {' and '.join(_WITH_DIPOLES)}, not for {command}")
    if options["region_phonopy"]:
        raise click.UsageError("--nac joins crystals by a mixing rule: leave --region-phonopy or --nac out")


def finished_interfaces(options: dict[str, Any], how: "Execution") -> "dict[str, Interface]":
    """Build the interface by each mixing rule asked for, or from a calculation of the contact."""
    from latmm.interface.mixing import mix_interface
    from latmm.interface.superlattice import superlattice_interface
    from latmm.lattice.phonopy_files import read_phonopy

    sides = [_read(options, side, how) for side in ("left", "right")]
    source = "; ".join(f"{name}: {c.description}" for name, c in zip(("left", "right"), sides, strict=True))
    left, right = (calculation.constants for calculation in sides)
    contact = read_phonopy(options["region_phonopy"]) if options["region_phonopy"] else None
    if contact is not None:
        check_temperature(options, contact)
    notes = _warnings(sides[0], sides[1], contact)
    normals = planes_of(options)
    from latmm.geometry.matching import Misfit

    misfit = Misfit(options["strain"], options["max_strain"])
    common: dict[str, Any] = {"misfit": misfit, "layers": options["span"]}
    if contact is not None:
        source += f"; contact: {contact.description}"
        note(options, f"contact: {contact.description}")
        joined = superlattice_interface(left, right, contact.constants, normals, source=source, **common)
        return {"contact": replace(joined, notes=notes)}
    rules = MIXING_RULES if options["mixing"] == ALL else (options["mixing"] or MIXING_RULES[0],)
    found = {}
    for done, rule in enumerate(rules):
        how.report("interface", done, len(rules))
        mixed = mix_interface(left, right, normals, rule=rule, source=source, **common)
        found[rule] = replace(mixed, notes=notes)
    how.report("interface", len(rules), len(rules))
    return found


def _warnings(left: "Calculation", right: "Calculation", contact: "Calculation | None") -> tuple[str, ...]:
    """Say what the files leave out and in what they differ, also on stderr."""
    from latmm.lattice.phonopy_files import differences

    found = [calculation.left_out for calculation in (left, right, contact) if calculation is not None]
    found += differences(left, right)
    if contact is not None and contact.code != left.code == right.code:
        found.append(f"the contact, {contact.path}, is of {contact.code}, both crystals are of {left.code}")
    notes = tuple(dict.fromkeys(text for text in found if text))
    for text in notes:
        warn(text)
    return notes


def _read(options: dict[str, Any], side: str, how: "Execution") -> "Calculation":
    from latmm.lattice.phonopy_files import read_phonopy

    how.report(f"force constants of the {side} crystal", 0, 1)
    masses = masses_of(options[f"{side}_mass"], f"--{side}-mass")
    found = read_phonopy(options[side], masses, nac=options["nac"])
    check_temperature(options, found)
    how.report(f"force constants of the {side} crystal", 1, 1)
    note(options, f"{side}: {found.description}")
    return found


def inputs(options: dict[str, Any]) -> dict[str, str]:
    """Input files by name: both sides, the contact, and what phonopy may read beside them."""
    from latmm.lattice.phonopy_files import beside, is_phonopy_file

    files = {}
    for name in ("left", "right", "region", "region_phonopy"):
        path = options.get(name)
        if path:
            files[name] = str(path)
            if is_phonopy_file(path):
                files |= {f"{name} {key}": str(found) for key, found in beside(path).items()}
    return files | own_files(options)
