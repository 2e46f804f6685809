"""Dask: workers on whatever cluster its scheduler was deployed, or on this machine."""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from latmm.errors import InputError, LatmmError
from latmm.parallel.executors import Lender, available_cores, packed

__all__ = ["DaskCluster", "dask_cluster"]

Result = TypeVar("Result")


class DaskCluster(Lender):
    """Workers of a Dask scheduler.

    Parameters
    ----------
    client : distributed.Client
        Connected to it.
    """

    def __init__(self, client: Any) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Give a function to a worker."""
        future: Future[Result] = self._executor.submit(fn, *args, **kwargs)
        return future

    @contextmanager
    def lend(self, shared: object) -> Iterator[Any]:
        """Make what tasks share the result of a task of its own.

        The workers fetch it from each other, once each; if all that have it are lost, it is made again.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # this is how it is sent only once
            yield self._client.submit(_same, packed(shared), pure=False)


def _same(packed: bytes) -> bytes:
    return packed


@contextmanager
def dask_cluster(address: str) -> Iterator[DaskCluster]:
    """Connect to a Dask scheduler, or start a cluster on this machine, for the time of a ``with`` block.

    A worker that is lost costs its unfinished tasks, which the scheduler gives to another.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://host:8786``; ``local`` starts a worker on each core.

    Yields
    ------
    DaskCluster
        An executor.

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
            yield DaskCluster(client)
        except KilledWorker as error:
            raise LatmmError(
                f"Dask's workers die on a task ({error}); give them more memory or read their logs"
            ) from None
