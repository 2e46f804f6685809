"""How a computation is run: who does the work, where results are kept, the memory it may take, who hears."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from latmm.parallel.executors import machine_memory

__all__ = ["HERE", "MEMORY", "Execution", "Progress", "Store"]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (stage, steps done, steps in all)."""
MEMORY = machine_memory() // 4
"""Default memory of the tasks that this machine works on at the same time, bytes."""


class Store(Protocol):
    """What keeps the pieces of a run: :class:`latmm.sweep.checkpoint.Checkpoint`."""

    def begin(self, items: Sequence[Any], shapes: Sequence[tuple[int, ...]], kind: str) -> Any:
        """Look up the pieces of these items; what it returns can ``load`` and ``save`` them."""
        ...


@dataclass(frozen=True)
class Execution:
    """How to run; the result is the same for all of them.

    Attributes
    ----------
    executor : concurrent.futures.Executor, optional
        Does the work, e.g. :func:`latmm.parallel.executors.local_processes`; by default this process does.
    store : Store, optional
        Keeps what is found; what it has already is not computed again.
    memory : int
        Bytes that the tasks which this machine works on at the same time may take: it limits their number.
    progress : callable, optional
        Called with (stage, steps done, steps in all).
    """

    executor: Executor | None = None
    store: Store | None = None
    memory: int = MEMORY
    progress: Progress | None = None

    def report(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is, if anybody wants to hear it."""
        if self.progress is not None:
            self.progress(stage, done, total)


HERE = Execution()
"""In this process, with nothing kept and nobody told."""
