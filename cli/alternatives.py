"""Several potentials, or sets of files, for one contact: each a result, their range an uncertainty."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .crystals import crystal_options, interfaces_of
from .finished import ALL
from .options import assignments, note

if TYPE_CHECKING:
    from latmm.interface.interface import Interface
    from latmm.parallel.execution import Execution


__all__ = ["alternative_options", "alternatives", "alternatives_of"]

_F = TypeVar("_F", bound=Callable[..., Any])


def alternative_options(function: _F) -> _F:
    """Add the crystals' options with a repeatable ``--potential``, and ``--also``."""
    for decorate in (
        click.option(
            "--also",
            type=(click.Path(), click.Path()),
            multiple=True,
            metavar="LEFT RIGHT",
            help="The same crystals in other files, e.g. phonopy calculations of another functional: "
            "half the range of all is an uncertainty. Repeatable.",
        ),
        click.option(
            "--nac-both",
            is_flag=True,
            help="Phonopy calculations with Born charges: with their dipoles (--nac) and without, and the "
            "difference.",
        ),
        partial(crystal_options, several=True),
    ):
        function = decorate(function)
    return function


def alternatives(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Options of each alternative by its name: potentials by theirs, sets of files by number.

    An option ``2:NAME=VALUE`` of ``--potential-option`` is for the second potential alone.

    Raises
    ------
    click.UsageError, click.BadParameter
        If there are several of both, or what is asked for is for one alone.
    """
    potentials, also = options["potential"], options["also"]
    if options["nac_both"]:
        return _with_and_without(options)
    if len(potentials) > 1 and also:
        raise click.UsageError("give several --potential or several sets of files (--also), not both")
    if len(potentials) + len(also) > 1:
        for name, value in (("mixing all", options["mixing"] == ALL), ("dry-run", options["dry_run"])):
            if value:
                raise click.UsageError(f"--{name} is for one potential, or one set of files; leave it out")
        if also and options["region_phonopy"]:
            raise click.UsageError("--region-phonopy belongs to one set of files: leave --also out")
    own = {**options, "potential": potentials[0]}
    if also:
        sets = [(options["left"], options["right"]), *also]
        return {f"set {i}": {**own, "left": left, "right": right} for i, (left, right) in enumerate(sets, 1)}
    parameters = [
        _parameters(options["potential_option"], i, len(potentials)) for i in range(len(potentials))
    ]
    names = [name if potentials.count(name) == 1 else f"{name} {i}" for i, name in enumerate(potentials, 1)]
    return {
        name: {**own, "potential": potential, "potential_option": given}
        for name, potential, given in zip(names, potentials, parameters, strict=True)
    }


def _with_and_without(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Options of the same contact with dipoles and without."""
    for given, name in (
        (options["also"], "also"),
        (len(options["potential"]) > 1, "potential"),
        (options["mixing"] == ALL, "mixing all"),
        (options["dry_run"], "dry-run"),
    ):
        if given:
            raise click.UsageError(f"--nac-both compares two treatments of one contact: leave --{name} out")
    own = {**options, "potential": options["potential"][0]}
    return {"with": {**own, "nac": True}, "without": {**own, "nac": False}}


def _parameters(values: tuple[str, ...], number: int, count: int) -> tuple[str, ...]:
    """Of the options of all potentials those of one, which are for it alone or for all."""
    chosen = []
    for text in values:
        name = next(iter(assignments([text], "--potential-option")))
        which, colon, _ = name.partition(":")
        if colon and which.isdigit():
            if not 1 <= int(which) <= count:
                raise click.BadParameter(
                    f"{text!r} is for potential {which}, but there are {count}",
                    param_hint="--potential-option",
                )
            if int(which) == number + 1:
                chosen.append(text.partition(":")[2])
        else:
            chosen.append(text)
    return tuple(chosen)


def alternatives_of(
    options: dict[str, Any], how: "Execution"
) -> "dict[str, tuple[dict[str, Any], Interface]]":
    """Build the interface by every alternative, or of one by every mixing rule, each with its options."""
    chosen = alternatives(options)
    found: dict[str, tuple[dict[str, Any], Interface]] = {}
    for name, own in chosen.items():
        if len(chosen) > 1:
            note(options, f"{name}:")
        for rule, interface in interfaces_of(own, how).items():
            found[name if len(chosen) > 1 else rule] = own, interface
    return found
