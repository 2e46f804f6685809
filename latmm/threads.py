"""One BLAS thread for the time of a computation.

The matrices here are small: more threads spend several times the processor's time and gain nothing, and
processes that share the work (:mod:`latmm.parallel.executors`) would fight for cores. Public verbs that
compute carry :func:`single_threaded`; nothing is limited at import, and what the caller had is restored at
the end. BLAS alone is limited: a calculator from outside keeps its OpenMP threads.
"""

import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["single_threaded"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def single_threaded(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function run with one BLAS thread; it costs some ten microseconds, so not in loops of kernels."""

    @wraps(function)
    def limited(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with _pools(len(sys.modules)).limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited


@lru_cache(maxsize=1)
def _pools(modules: int) -> Any:
    """Thread pools of the libraries that are loaded.

    Looking for them takes milliseconds: it is done again only where modules were imported since, whose
    libraries may bring more.
    """
    return ThreadpoolController()
