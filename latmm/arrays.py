"""Names of array types, so that signatures read as what they hold; and what counts as a whole number."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Complexes", "Floats", "Integers", "is_whole"]

Floats: TypeAlias = NDArray[np.float64]
Complexes: TypeAlias = NDArray[np.complex128]
Integers: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


def is_whole(number: object, least: int) -> bool:
    """Whether something is a whole number of at least so much; of any size, nan and infinity being none."""
    try:
        return bool(int(number) == number and number >= least)  # type: ignore[call-overload, operator]
    except (TypeError, ValueError, OverflowError):
        return False
