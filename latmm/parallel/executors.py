"""Who does the work: this process, processes on this machine, or any executor.

Any :class:`concurrent.futures.Executor` serves: :func:`local_processes` here, Dask by
:mod:`latmm.parallel.cluster`,
``mpi4py.futures.MPIPoolExecutor`` elsewhere. A function and its arguments travel by pickle. A function's
first argument, which all tasks share, goes once to each process of a :class:`Lender`, and compressed with
every task to others.
"""

import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import zlib
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache
from itertools import count
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from threadpoolctl import ThreadpoolController, threadpool_limits

from latmm.errors import InputError, LatmmError

__all__ = [
    "Lender",
    "LocalProcesses",
    "available_cores",
    "local_processes",
    "machine_memory",
    "packed",
    "unordered",
]

_PARENTS_OWN = (signal.SIGINT, signal.SIGTERM)
"""Signals that a process of a pool leaves to its parent."""
_LEADERS = hasattr(os, "setpgid")
"""Whether processes have groups."""
_WORTH = 2.0
"""Seconds of work worth processes that have to be started, which takes nearly one;"""
_WORTH_STARTED = 0.1
"""and worth processes that are there."""
_LONG = 1.0
"""Seconds of one item after which the others go to processes."""

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_memory() -> int:
    """Memory of this machine, bytes; 8 GiB where it cannot be told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):
        return 2**33


def unordered(
    function: Callable[[Shared, Item], Result],
    shared: Shared,
    items: Mapping[int, Item],
    executor: Executor | None,
    *,
    seconds: float | None = None,
    at_once: int | None = None,
) -> Iterator[tuple[int, Result]]:
    """Apply a function to every item and hand out the results as they come.

    Processes of this machine that are not started yet are used only for what is worth it. Where it is not
    known how long the items take, this process begins with them, and sees.

    Parameters
    ----------
    function : callable
        At the top level of a module.
    shared : object
        Its first argument, the same for all.
    items : mapping
        Its second argument, by number.
    executor : concurrent.futures.Executor or None
        None: this process, one after the other. BLAS has one thread there, too.
    seconds : float, optional
        About how long all items take one after the other.
    at_once : int, optional
        Items that processes of this machine may work on at the same time; other executors take all.

    Yields
    ------
    int, object
        Number of the item, result. Closing the iterator early cancels what has not begun.

    Raises
    ------
    LatmmError
        If a process of the executor ended by itself.
    """
    local = isinstance(executor, LocalProcesses)
    work = _Work(function, shared, items, executor, at_once if local else None)
    try:
        if executor is None:
            yield from work.here()
        elif isinstance(executor, LocalProcesses):
            worth = _WORTH_STARTED if executor.started else _WORTH
            if seconds is None:
                yield from work.here_at_first(worth)
            elif seconds < worth or len(items) == 1:
                yield from work.here()
        work.hand_out()
        yield from work.results()
    except BrokenProcessPool:
        raise LatmmError(
            "a process of this run ended by itself, probably for want of memory; "
            "use fewer `processes` or a machine with more"
        ) from None
    finally:
        work.close()


class _Work(Generic[Shared, Item, Result]):
    """Items of one call of :func:`unordered`: waiting, in the hands of the executor, or finished."""

    def __init__(
        self,
        function: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Mapping[int, Item],
        executor: Executor | None,
        at_once: int | None,
    ) -> None:
        self._function, self._shared, self._executor = function, shared, executor
        self._waiting = deque(items.items())
        self._free = len(items) if at_once is None else at_once
        self._numbers: dict[Future[Result], int] = {}
        self._finished: SimpleQueue[Future[Result]] = SimpleQueue()
        self._lent: Any = None
        self._stack = ExitStack()

    def here(self) -> Iterator[tuple[int, Result]]:
        """Do all in this process."""
        blas = ThreadpoolController()
        while self._waiting:
            number, item = self._waiting.popleft()
            with blas.limit(limits=1, user_api="blas"):
                result = self._function(self._shared, item)
            yield number, result

    def here_at_first(self, worth: float) -> Iterator[tuple[int, Result]]:
        """Work in this process until what is left seems worth others, or one item takes long."""
        began, done, failures = time.monotonic(), 0, []

        def hand_out() -> None:
            try:
                self.hand_out()
            except Exception as error:
                failures.append(error)

        results = self.here()
        while self._waiting:
            clock = threading.Timer(_LONG, hand_out)
            clock.start()
            try:
                found = next(results)
            finally:
                clock.cancel()
                clock.join()
            yield found
            if failures:
                raise failures[0]
            done += 1
            if (time.monotonic() - began) / done * len(self._waiting) > worth:
                return

    def hand_out(self) -> None:
        """Give what waits to the executor, no more than it may have at once."""
        if not self._waiting or self._executor is None:
            return
        if self._lent is None:
            self._lent = self._stack.enter_context(_lent(self._executor, self._shared))
        with _undisturbed():
            while self._waiting and self._free > 0:
                number, item = self._waiting.popleft()
                self._free -= 1
                future = self._executor.submit(_apply, self._function, self._lent, item)
                self._numbers[future] = number
                future.add_done_callback(self._finished.put)

    def results(self) -> Iterator[tuple[int, Result]]:
        """Wait for what the executor has."""
        while self._numbers:
            future = self._finished.get()
            self._free += 1
            self.hand_out()
            yield self._numbers.pop(future), future.result()

    def close(self) -> None:
        """Cancel what has not begun."""
        for future in self._numbers:
            future.cancel()
        self._stack.close()


@contextmanager
def _lent(executor: Executor, shared: object) -> Iterator[Any]:
    """Put what all tasks share where the executor's processes find it; yields what tells them where."""
    if isinstance(executor, Lender):
        with executor.lend(shared) as place:
            yield place
    else:
        yield packed(shared)


def packed(shared: object) -> bytes:
    """Pickle and compress what tasks share."""
    return zlib.compress(pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL), 1)


def _apply(function: Callable[[Any, Item], Result], lent: bytes | Path, item: Item) -> Result:
    return function(_opened(lent), item)


@lru_cache(maxsize=1)
def _opened(lent: bytes | Path) -> Any:
    return pickle.loads(lent.read_bytes() if isinstance(lent, Path) else zlib.decompress(lent))


class Lender(Executor):
    """An executor that takes what tasks share to its processes once."""

    @abstractmethod
    def lend(self, shared: object) -> AbstractContextManager[Any]:
        """Take it there for the time of a ``with`` block, which gets what the tasks are given instead."""


class LocalProcesses(Lender):
    """Processes on this machine, with one BLAS thread each; none is started before there is work for it.

    Parameters
    ----------
    number : int
        How many at most.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False
        self._folder = Path()
        self._names = count()
        self._others: set[Any] = set()

    @property
    def started(self) -> bool:
        """Whether there are processes."""
        return self._pool is not None

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Give a function to a process, which is started if none is free and there may be more."""
        with _undisturbed(), self._lock:
            return self._begun().submit(fn, *args, **kwargs)

    @contextmanager
    def lend(self, shared: object) -> Iterator[Path]:
        """Write what tasks share to a file, for the time of a ``with`` block."""
        with _undisturbed(), self._lock:
            self._begun()
            path = self._folder / str(next(self._names))
        try:
            with path.open("wb") as file:
                pickle.dump(shared, file, protocol=pickle.HIGHEST_PROTOCOL)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _begun(self) -> ProcessPoolExecutor:
        if self._closed:
            raise RuntimeError("these processes have been ended")
        if self._pool is None:
            self._folder = Path(tempfile.mkdtemp(prefix="latmm-"))
            self._others = set(multiprocessing.active_children())
            self._pool = ProcessPoolExecutor(
                self._number, mp_context=_context(), initializer=_begin, initargs=(self._folder,)
            )
        return self._pool

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when they have done what they began."""
        self._end(wait=wait, cancel=cancel_futures)

    def kill(self) -> None:
        """End the processes at once, and what calculators have started in them."""
        with self._lock:
            self._closed = True
        workers = set(multiprocessing.active_children()) - self._others if self.started else set()
        # before the pool is told: since Python 3.12 a pool that lost a process waits for the others, which
        # do not hear its SIGTERM, and holds its lock meanwhile
        for worker in workers:
            if _LEADERS and worker.pid is not None:
                with suppress(OSError):  # it leads no group yet, and so has nothing to take with it
                    os.killpg(worker.pid, signal.SIGKILL)
            worker.kill()
        self._end(wait=False, cancel=True)
        for worker in workers:
            worker.join()

    def _end(self, *, wait: bool, cancel: bool) -> None:
        with self._lock:
            self._closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=cancel)
            shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def local_processes(number: int) -> Iterator[LocalProcesses | None]:
    """Run processes on this machine, with one BLAS thread each, for the time of a ``with`` block.

    To open it costs nothing: they start when there is work for them.

    Parameters
    ----------
    number : int
        How many at most; 1 yields None, for which this process does the work itself.

    Yields
    ------
    LocalProcesses or None
        An executor.

    Raises
    ------
    InputError
        If the number is not positive.

    Notes
    -----
    The processes import what they need anew. A script that uses them must keep its own work below
    ``if __name__ == "__main__":``. An exception that leaves the block ends them at once, and so does the end
    of this process, by whatever cause.
    """
    if number < 1:
        raise InputError(f"the number of processes must be at least 1, but is {number}; use e.g. -j 2")
    if number == 1:
        yield None
        return
    processes = LocalProcesses(number)
    try:
        yield processes
    except BaseException:
        processes.kill()
        raise
    finally:
        processes.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Choose how processes are started: from a server that forks, where there is one.

    Ctrl-C and what ends a job reach all processes of a group. They are left to the parent: the server starts
    with these signals blocked, and its children inherit that.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker  # absent where the method is

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["latmm.sweep.tasks"])
    resource_tracker.ensure_running()  # would unblock them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS_OWN)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals wait: one that comes while a process is being started would leave it to nobody."""
    if threading.current_thread() is not threading.main_thread():  # no other is interrupted by them
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _PARENTS_OWN}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def _begin(folder: Path) -> None:
    """Set up a process of the pool: one thread, signals left to the parent, no life without it.

    It leads a group of its own, so that programs which it starts can be ended with it.
    """
    if _LEADERS:
        os.setpgid(0, 0)
    for number in _PARENTS_OWN:
        signal.signal(number, signal.SIG_IGN)
    threadpool_limits(limits=1)
    os.environ.update(OMP_NUM_THREADS="1", RAYON_NUM_THREADS="1")  # for libraries that are loaded later
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel, folder), daemon=True).start()


def _end_with(sentinel: int, folder: Path) -> None:
    wait([sentinel])
    shutil.rmtree(folder, ignore_errors=True)
    if _LEADERS:
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
