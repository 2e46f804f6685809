"""How a computation is run: who does the work, where results are kept, the memory it may take, who hears."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from latmm.parallel.executors import machine_memory

__all__ = ["HERE", "MEMORY", "Execution", "Progress", "Store"]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage's name (after a colon how it goes), the steps done, and the steps in all."""
MEMORY = machine_memory() // 4
"""Default memory of the tasks that this machine works on at the same time, bytes."""


class Store(Protocol):
    """A store that is open for one problem: :class:`latmm.sweep.checkpoint.Checkpoint`."""

    def begin(self, items: Sequence[Any], shapes: Sequence[tuple[int, ...]], kind: str) -> Any:
        """Look up the pieces of these items; what it returns can ``load`` and ``save`` them."""
        ...


@dataclass(frozen=True)
class Execution:
    """How to run; the result is the same for all of them.

    Attributes
    ----------
    executor : concurrent.futures.Executor, optional
        Does the work, e.g. :func:`latmm.parallel.executors.local_processes` or
        :func:`latmm.parallel.cluster.dask_cluster`; by default this process does. Whoever hands one over for
        forces of a calculator from outside must know that it can run in several processes at the same time.
    store : pathlib.Path or Store, optional
        Folder that keeps what is found (Zarr), for a run that is stopped: the same call goes on from there.
        It is left to the caller to remove. A study opens it for a problem of its own.
    memory : int
        Bytes that the tasks which this machine works on at the same time may take: it limits their number.
    progress : callable, optional
        Called with (stage, steps done, steps in all).
    """

    executor: Executor | None = None
    store: Path | Store | None = None
    memory: int = MEMORY
    progress: Progress | None = None

    def report(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is, if anybody wants to hear it."""
        if self.progress is not None:
            self.progress(stage, done, total)

    def watch(self, stage: str, done: int = 0, total: int = 1) -> Callable[[str], None]:
        """Return what tells in words how a step of a stage goes, to be called while it lasts."""
        mark = ", " if ": " in stage else ": "
        return lambda text: self.report(f"{stage}{mark}{text}", done, total)


HERE = Execution()
"""In this process, with nothing kept and nobody told."""
