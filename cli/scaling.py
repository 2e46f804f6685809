"""Long sweeps: who shares the work, what it will cost, and where a stopped one is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from latmm.interface.build import Interface
    from latmm.sweep.checkpoint import Checkpoint

__all__ = ["cost", "executor_of", "scaling_options", "store_beside"]

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
            type=click.IntRange(min=1),
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


def store_beside(options: dict[str, Any], interface: "Interface") -> "Checkpoint":
    """Open the store beside the output that keeps what a sweep finds: OUTPUT.partial.zarr.

    Raises
    ------
    LatmmError
        If it is that of a run with other inputs, and not to be overwritten.
    """
    import shutil
    from pathlib import Path

    from latmm.sweep.checkpoint import Checkpoint, digests

    path = Path(options["output"]).with_suffix(".partial.zarr")
    if options["overwrite"] and path.exists():
        shutil.rmtree(path)
    return Checkpoint(path, digests(interface))


def cost(interface: "Interface", kmesh: tuple[int, int], frequencies: int, coldest: float) -> str:
    """Say what a sweep will cost, from a few of its samples."""
    from latmm.sweep.estimate import estimate
    from latmm.sweep.refinement import Sampling

    found = estimate(interface, Sampling.of(interface, kmesh, frequencies, coldest=coldest))
    lines = [
        f"atoms in the contact's slab: {found.atoms}",
        f"degrees of freedom of left lead, device layers, right lead: {', '.join(map(str, found.layers))}",
        f"irreducible k∥: {found.wave_vectors}; samples (k∥, ν): {found.samples}; tasks: {found.tasks}",
        f"time: {found.seconds:.3g} s of one core",
        f"memory: {found.memory / 2**20:.3g} MiB a process beside the program itself",
        f"kept beside the output until the end: at most {found.store / 2**20:.3g} MiB",
    ]
    return "\n".join(lines)
