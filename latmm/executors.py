"""Who does the work: this process, processes on this machine, or a Dask cluster.

A sweep needs of an executor only what :class:`concurrent.futures.Executor` promises, so that any of its kind
serves: :func:`local_processes` here, ``mpi4py.futures.MPIPoolExecutor`` or ``dask.distributed``'s
``Client.get_executor`` elsewhere. A function and its arguments travel by pickle; a function's first argument,
which all tasks share, travels compressed and is opened once in each process.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from latmm.errors import InputError, LatmmError

__all__ = ["available_cores", "dask_cluster", "local_processes", "machine_memory", "unordered"]

_PARENTS_OWN = (signal.SIGINT, signal.SIGTERM)
"""Signals that a process of a pool leaves to its parent."""

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
) -> Iterator[tuple[int, Result]]:
    """Apply a function to every item and hand out the results as they come.

    Parameters
    ----------
    function : callable
        At the top level of a module.
    shared : object
        Its first argument, the same for all.
    items : mapping
        Its second argument, by number.
    executor : concurrent.futures.Executor or None
        None: this process, one after the other.

    Yields
    ------
    int, object
        Number of the item, result. Closing the iterator early cancels what has not begun.

    Raises
    ------
    LatmmError
        If a process of the executor ended by itself.
    """
    if executor is None:
        for number, item in items.items():
            yield number, function(shared, item)
        return
    payload = zlib.compress(pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL), 1)
    numbers: dict[Future[Result], int] = {}
    try:
        with _undisturbed():
            for number, item in items.items():
                numbers[executor.submit(_apply, function, payload, item)] = number
        for future in as_completed(numbers):
            yield numbers.pop(future), future.result()
    except BrokenProcessPool:
        raise LatmmError(
            "a process of this run ended by itself, probably for want of memory; "
            "use fewer of them (-j) or a machine with more"
        ) from None
    finally:
        for future in numbers:
            future.cancel()


def _apply(function: Callable[[Shared, Item], Result], payload: bytes, item: Item) -> Result:
    return function(_opened(payload), item)


@lru_cache(maxsize=1)
def _opened(payload: bytes) -> Any:
    return pickle.loads(zlib.decompress(payload))


@contextmanager
def local_processes(number: int) -> Iterator[Executor | None]:
    """Run processes on this machine, with one BLAS thread each, for the time of a ``with`` block.

    Parameters
    ----------
    number : int
        How many; 1 yields None, for which this process does the work itself.

    Notes
    -----
    The processes import what they need anew. A script that uses them must keep its own work below
    ``if __name__ == "__main__":``. An exception that leaves the block ends them at once, and so does the end
    of this process, by whatever cause.

    Raises
    ------
    InputError
        If the number is not positive.
    """
    if number < 1:
        raise InputError(f"the number of processes must be at least 1, but is {number}; use e.g. -j 2")
    if number == 1:
        yield None
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(number, mp_context=_context(), initializer=_begin)
    try:
        with _undisturbed():
            for _ in range(number):
                pool.submit(available_cores)  # they start while this process goes on
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        workers = set(multiprocessing.active_children()) - others
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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


def _begin() -> None:
    """Set up a process of the pool: one BLAS thread, signals left to the parent, no life without it."""
    for number in _PARENTS_OWN:
        signal.signal(number, signal.SIG_IGN)
    threadpool_limits(limits=1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """Connect to a Dask scheduler, or start a cluster on this machine, for the time of a ``with`` block.

    A worker that is lost costs its unfinished tasks, which the scheduler gives to another.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://host:8786``; ``local`` starts a worker on each core.

    Raises
    ------
    InputError
        If Dask is not installed or no scheduler answers.
    LatmmError
        If workers die again and again on one task.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise InputError("a scheduler needs Dask: pip install 'latmm[distributed]'") from None
    try:
        client = (
            Client(n_workers=available_cores(), threads_per_worker=1, dashboard_address=None)
            if address == "local"
            else Client(address, timeout="10s")
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r} ({error}); use e.g. tcp://host:8786, or local"
        ) from None
    with client:
        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise LatmmError(
                f"Dask's workers die on a task ({error}); give them more memory or read their logs"
            ) from None
