"""Who shares the work: the options ``-j`` and ``--scheduler`` of commands with a long sweep."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["executor_of", "scaling_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


def scaling_options(function: _F) -> _F:
    """Add ``-j`` and ``--scheduler``."""
    for decorate in (
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Dask scheduler that shares out the sweep, e.g. tcp://host:8786; local starts one here.",
        ),
        click.option(
            "-j",
            "--processes",
            type=int,
            metavar="N",
            help="Processes that share the sweep, with one BLAS thread each; by default one for each core.",
        ),
    ):
        function = decorate(function)
    return function


@contextmanager
def executor_of(options: dict[str, Any]) -> "Iterator[Executor | None]":
    """Start what the options ask for; it ends with the ``with`` block.

    Raises
    ------
    click.UsageError
        If both options are given.
    """
    from latmm.sweep.executors import available_cores, dask_cluster, local_processes

    if options["scheduler"] and options["processes"] is not None:
        raise click.UsageError("--processes and --scheduler exclude each other: leave one out")
    number = available_cores() if options["processes"] is None else options["processes"]
    with dask_cluster(options["scheduler"]) if options["scheduler"] else local_processes(number) as executor:
        yield executor
