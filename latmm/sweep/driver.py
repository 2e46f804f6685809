"""The one driver: samples are cut into tasks, solved by anyone in any order, kept, and handed out in order.

What is computed of a task is a :class:`Work`: transmission and channels (:mod:`latmm.sweep.run`), the rows of
a mode table, a map of mode conversion, the local density of states, or the phonons of a bulk q-mesh
(:mod:`latmm.modes`). Tasks know nothing of each other, and what they find (:class:`latmm.sweep.tasks.Piece`)
is reduced in their order: the result is the same, bit for bit, whoever solves them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from latmm.arrays import Floats, Integers
from latmm.interface.interface import Interface
from latmm.parallel.execution import Execution, Store
from latmm.parallel.executors import unordered
from latmm.sweep.tasks import Piece

__all__ = ["Item", "Work", "pieces"]


class Item(Protocol):
    """Something to solve; its arrays tell it from others in a store."""

    @property
    def samples(self) -> int:
        """Steps of progress that it counts for."""
        ...

    @property
    def integers(self) -> tuple[Integers, ...]:
        """What must be equal."""
        ...

    @property
    def wave_vectors(self) -> Floats:
        """Wave vectors (K, d), equal up to rounding."""
        ...

    @property
    def weights(self) -> Floats:
        """Weights of the wave vectors (K,), equal up to rounding relative to the largest."""
        ...

    @property
    def scales(self) -> Floats:
        """Positive numbers, equal up to rounding relative to each."""
        ...


ItemT = TypeVar("ItemT", bound=Item)
ItemT_contra = TypeVar("ItemT_contra", bound=Item, contravariant=True)


class Work(Protocol[ItemT_contra]):
    """What is computed of every item. It travels by pickle, once to each process."""

    @property
    def interface(self) -> Interface:
        """The crystals and their contact, for which a store is made."""
        ...

    @property
    def stage(self) -> str:
        """Name in reports of progress."""
        ...

    @property
    def kind(self) -> str:
        """What tells its results in a store from those of other work on the same items."""
        ...

    def shape(self, item: ItemT_contra) -> tuple[int, ...]:
        """Shape of the values of an item; along the first axis there may be fewer."""
        ...

    def solve(self, item: ItemT_contra) -> Piece:
        """Solve an item."""
        ...


def pieces(
    work: Work[ItemT],
    items: Sequence[ItemT],
    how: Execution,
    *,
    seconds: float | None = None,
    at_once: int | None = None,
) -> Iterator[Piece]:
    """Solve every item that the store does not have yet.

    Parameters
    ----------
    work : Work
        What is computed.
    items : sequence of Item
        Of what.
    how : Execution
        By whom, and where it is kept.
    seconds : float, optional
        About how long all items take one core.
    at_once : int, optional
        Items that the processes of this machine may work on at the same time.

    Yields
    ------
    Piece
        One of each item, in their order.

    Raises
    ------
    InputError
        If the store is that of another problem.
    """
    stored = None
    waiting: dict[int, Piece] = {}
    if how.store is not None:
        stored = _opened(how.store, work).begin(items, [work.shape(item) for item in items], work.kind)
        waiting = stored.load()
    total = sum(item.samples for item in items)
    done = sum(items[index].samples for index in waiting)
    how.report(work.stage, done, total)
    missing = {index: item for index, item in enumerate(items) if index not in waiting}
    expected = None if seconds is None or not total else seconds * (1.0 - done / total)
    turn = 0
    while turn in waiting:
        yield waiting.pop(turn)
        turn += 1
    for index, piece in unordered(_solve, work, missing, how.executor, seconds=expected, at_once=at_once):
        if stored is not None:
            stored.save(index, piece)
        waiting[index] = piece
        done += items[index].samples
        how.report(work.stage, done, total)
        while turn in waiting:
            yield waiting.pop(turn)
            turn += 1


def _opened(store: Path | Store, work: Work[ItemT]) -> Store:
    if not isinstance(store, Path):
        return store
    from latmm.sweep.checkpoint import Checkpoint, digests  # needs zarr

    return Checkpoint(store, digests(work.interface))


def _solve(work: Work[ItemT], item: ItemT) -> Piece:
    return work.solve(item)
