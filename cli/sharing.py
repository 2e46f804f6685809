"""Who computes forces: the options of commands that share nothing else, and when others are asked."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from latmm.lattice.calculators import Potential

__all__ = ["force_options", "for_forces"]

_F = TypeVar("_F", bound=Callable[..., Any])


def force_options(function: _F) -> _F:
    """Add ``-j`` and ``--scheduler`` to a command that shares force calculations and no more."""
    for decorate in (
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Dask scheduler that shares out force calculations, e.g. tcp://host:8786; local starts one "
            "here.",
        ),
        click.option(
            "-j",
            "--processes",
            type=click.IntRange(min=1),
            metavar="N",
            help="Processes that share force calculations which take long.  [default: one for each core; 1 "
            "for package.module:callable]",
        ),
    ):
        function = decorate(function)
    return function


def for_forces(
    options: dict[str, Any], potential: "Potential", executor: "Executor | None"
) -> "Executor | None":
    """Return the executor if it may compute forces with the potential.

    A calculator from outside may write files in the working folder, hold a device, or have threads of its
    own: it runs in other processes only where the options ask for them.
    """
    asked = options["scheduler"] is not None or (options["processes"] or 1) > 1
    return executor if asked or not potential.is_foreign else None
