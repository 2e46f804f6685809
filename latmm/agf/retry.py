"""Points that miss their checks are solved again by the fallback solver: one rule for the whole kernel.

The better of both results stays. What neither solver brings below :data:`LIMIT` is refused by name.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

from latmm.arrays import Bools, Floats, Integers
from latmm.errors import ConvergenceError

__all__ = ["LIMIT", "RETRY", "with_fallback"]

Found = TypeVar("Found")
RETRY: Final[float] = 1e-9
"""Error at which a point is solved again: far above rounding, far below what a user can see."""
LIMIT: Final[float] = 1e-7
"""Error beyond which no result is given."""


def with_fallback(
    errors: Floats,
    fallback: Callable[[Integers], tuple[Found, Floats]],
    put: Callable[[Integers, Found], None],
    refusal: Callable[[int, float], str],
) -> Bools:
    """Solve the points again that the fast solver missed, one by one.

    Parameters
    ----------
    errors : (p,) float
        Errors of the fast solver; infinite where there is no result.
    fallback : callable
        The result and its error, (1,), at the point of the given number, (1,) int.
    put : callable
        Stores a result, where it is the better one.
    refusal : callable
        The message for a point, by its number and the error of the fallback solver.

    Returns
    -------
    (p,) bool
        Points that were solved again.

    Raises
    ------
    ConvergenceError
        If both solvers miss :data:`LIMIT`.
    """
    retried = ~(errors <= RETRY)
    for number in np.flatnonzero(retried):
        point = np.array([number])
        found, left_over = fallback(point)
        first, second = (
            float(error) if np.isfinite(error) else np.inf for error in (errors[number], left_over[0])
        )
        if second <= first:
            put(point, found)
        if not min(first, second) <= LIMIT:
            raise ConvergenceError(refusal(int(number), second))
    return np.asarray(retried)
