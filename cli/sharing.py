"""Who shares the work: processes or a cluster; and whether they may compute forces."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .numbers import Whole

if TYPE_CHECKING:
    from latmm.parallel.execution import Execution
    from latmm.potentials.calculators import Potential

__all__ = ["for_forces", "force_options", "process_options", "work_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


def process_options(work: str) -> Callable[[_F], _F]:
    """Add ``-j`` and ``--scheduler``, which share out this work."""

    def decorate(function: _F) -> _F:
        for option in (
            click.option(
                "--scheduler",
                metavar="ADDRESS",
                help=f"Dask scheduler that shares out {work}, e.g. tcp://host:8786; local starts one here.",
            ),
            click.option(
                "-j",
                "--processes",
                type=Whole(1, 1024),
                metavar="N",
                help=f"Processes that share {work}, with one BLAS thread each, where that takes more than a "
                "few seconds.  [default: one for each core; for forces of package.module:callable, 1]",
            ),
        ):
            function = option(function)
        return function

    return decorate


force_options = process_options("the force calculations")
"""Adds these options to a command that shares nothing else."""
work_options = process_options("the work")
"""Adds them to a command that also shares its samples."""


def for_forces(options: dict[str, Any], potential: "Potential", how: "Execution") -> "Execution":
    """Let this process compute forces if no other may with the potential.

    A calculator from outside may write files in the working folder, hold a device, or have threads of its
    own: it runs in other processes only where the options ask for them.
    """
    asked = options["scheduler"] is not None or (options["processes"] or 1) > 1
    return how if asked or not potential.is_foreign else replace(how, executor=None)
