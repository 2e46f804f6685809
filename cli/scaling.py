"""Long sweeps: who shares the work, what it will cost, and where a stopped one is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .numbers import Real
from .options import note
from .progress import Reporter
from .sharing import process_options

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from latmm.interface.interface import Interface
    from latmm.parallel.execution import Execution
    from latmm.sweep.forecast import Estimate

__all__ = [
    "budget",
    "check_scaling",
    "cost",
    "executor_of",
    "keeping",
    "kept",
    "path_beside",
    "scaling_options",
    "working",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def scaling_options(function: _F) -> _F:
    """Add ``-j``, ``--scheduler`` and ``--memory``."""
    memory = click.option(
        "--memory",
        type=Real(1e-3, 1e6, why="in GiB"),
        metavar="GIB",
        help="Memory for the blocks of the sweep, in all processes together: no more of them work than "
        "it holds (with a scheduler: in a worker); by default a quarter of the machine's.",
    )
    return process_options("the work")(memory(function))


def budget(options: dict[str, Any]) -> int:
    """Bytes that all processes may use for the blocks of their tasks."""
    from latmm.parallel.execution import MEMORY

    return MEMORY if options.get("memory") is None else int(options["memory"] * 2**30)


def check_scaling(options: dict[str, Any]) -> None:
    """Check the options of :func:`scaling_options`.

    Raises
    ------
    click.UsageError
        If both are given.
    """
    if options["scheduler"] and options["processes"] is not None:
        raise click.UsageError("--processes and --scheduler exclude each other: leave one out")


@contextmanager
def executor_of(options: dict[str, Any]) -> "Iterator[Executor | None]":
    """Connect to what the options ask for, for the time of a ``with`` block."""
    from latmm.parallel.executors import local_processes

    if options["scheduler"]:
        from latmm.parallel.cluster import dask_cluster

        with dask_cluster(options["scheduler"]) as cluster:
            yield cluster
        return
    with local_processes(_processes(options)) as processes:
        yield processes


def _processes(options: dict[str, Any]) -> int:
    from latmm.parallel.executors import available_cores

    number: int | None = options["processes"]
    return available_cores() if number is None else number


@contextmanager
def working(options: dict[str, Any]) -> "Iterator[Execution]":
    """Say how to run, for the time of a ``with`` block: who does the work, its memory, and a reporter."""
    from latmm.parallel.execution import Execution

    with Reporter(quiet=options["quiet"]) as report, executor_of(options) as executor:
        yield Execution(executor=executor, memory=budget(options), progress=report)


@contextmanager
def keeping(options: dict[str, Any], how: "Execution") -> "Iterator[Execution]":
    """Keep what is found beside the output, until the block has written it."""
    from latmm.files import remove_store

    store = path_beside(options) if options["output"] else None
    with kept(options, store):
        yield replace(how, store=store)
    if store is not None:
        remove_store(store)


def path_beside(options: dict[str, Any], part: str = "") -> Path:
    """Name the store beside the output that keeps what is found: OUTPUT[.PART].partial.zarr.

    It is removed where the run shall start anew.

    Raises
    ------
    InputError
        If there is something in its place that latmm did not make.
    """
    from latmm.files import check_store, remove_store

    path = Path(options["output"]).with_suffix(f"{part and '.'}{part}.partial.zarr")
    check_store(path)
    if options["restart"] and path.exists():
        remove_store(path)
    return path


@contextmanager
def kept(options: dict[str, Any], store: Path | None) -> Iterator[None]:
    """Say, when what is within stops half-way, that something was kept."""
    from latmm.errors import InputError, OutputError

    try:
        yield
    except OutputError:
        _tell_of(options, store)
        raise
    except InputError:  # there was nothing to stop
        raise
    except BaseException:
        _tell_of(options, store)
        raise


def _tell_of(options: dict[str, Any], store: Path | None) -> None:
    if store is not None and store.exists():
        note(options, f"{store} keeps what was found so far: the same command goes on from there")


def cost(
    options: dict[str, Any],
    interface: "Interface",
    kmesh: tuple[int, int],
    frequencies: int,
    minimum_temperature: float,
) -> str:
    """Say what a sweep will cost, from a few of its samples."""
    from latmm.parallel.execution import Execution
    from latmm.sweep.forecast import estimate
    from latmm.sweep.refinement import Sampling

    found = estimate(
        interface,
        Sampling.of(interface, kmesh, frequencies, minimum_temperature=minimum_temperature),
        Execution(memory=budget(options)),
    )
    lines = [
        f"atoms in the contact's slab: {found.atoms}",
        f"degrees of freedom of left lead, device layers, right lead: {', '.join(map(str, found.layers))}",
        f"irreducible k∥: {found.wave_vectors}; samples (k∥, ν): {found.samples}; tasks: {found.tasks}",
        f"time: {found.seconds:.3g} s of one core{_shared(options, found)}",
        f"memory: {found.memory / 2**20:.3g} MiB a process beside the program itself",
        f"kept beside the output until the end: at most {found.store / 2**20:.3g} MiB",
    ]
    return "\n".join(lines)


def _shared(options: dict[str, Any], found: "Estimate") -> str:
    """Wall time on processes of this machine, where there is more than one to be used."""
    number = min(_processes(options), found.tasks, found.at_once)
    if options["scheduler"] or number == 1:
        return ""
    return f", {found.wall(number):.3g} s on {number} processes"
