"""Mean free paths in bins, equally wide in log Λ.

What a channel brings to the contact depends on its mean free path alone, so that channels of equal paths may
be added up. A bin has the mean path of the channels that it holds, so that conductivities are exact whatever
its width, and everything else is exact to second order in it.
"""

from typing import Final

import numpy as np

from latmm.arrays import Floats, Integers

__all__ = ["COUNT", "EDGES", "bins"]

_SHORTEST, _LONGEST, _PER_DECADE = -1, 8, 20
COUNT: Final = (_LONGEST - _SHORTEST) * _PER_DECADE
"""Number of bins."""
EDGES: Final[Floats] = 10.0 ** np.linspace(_SHORTEST, _LONGEST, COUNT + 1)
"""Their edges, Å: a tenth of an ångström and less is local, a centimetre and more is ballistic."""


def bins(path: Floats) -> tuple[Integers, Floats]:
    """Place mean free paths (...), Å, in bins.

    Returns
    -------
    number : (...) int
        The bin.
    inside : (...) float
        The path; what is beyond the ends is moved to them.
    """
    inside = np.clip(path, EDGES[0], EDGES[-1])
    return np.clip(np.searchsorted(EDGES, inside, side="right") - 1, 0, COUNT - 1), inside
