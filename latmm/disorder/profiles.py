"""Profiles across a contact: the fraction of the right crystal's species in each atomic plane.

Planes are numbered …, −2, −1 on the left of the contact and 0, 1, … on its right. Their distance from the
contact is x = p + ½, in planes. The abrupt contact is the step from 0 to 1 at x = 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from scipy.special import erf

from latmm.arrays import Floats, Integers
from latmm.errors import InputError

__all__ = ["Profile", "whole"]

_TAIL = 0.01
"""Fractions nearer than this to 0 and 1 are 0 and 1: where the tails of a smooth profile are cut."""


@dataclass(frozen=True)
class Profile:
    """Fraction of the right crystal's species by atomic plane.

    Attributes
    ----------
    first : int
        Number of the first plane listed.
    fraction : (L,) float
        In [0, 1], for the planes first, first + 1, …; 0 before the first, 1 after the last.

    Raises
    ------
    InputError
        On construction, if a fraction is outside [0, 1].
    """

    first: int
    fraction: Floats

    def __post_init__(self) -> None:
        fraction = np.asarray(self.fraction, dtype=float)
        object.__setattr__(self, "fraction", fraction)
        if fraction.ndim != 1 or not np.all((fraction >= 0.0) & (fraction <= 1.0)):
            raise InputError(
                f"fractions of a profile must be a list of numbers in [0, 1], but are {fraction}"
            )

    @classmethod
    def listed(cls, fraction: Sequence[float] | Floats) -> "Profile":
        """List the fractions in the planes around the contact; an odd plane out lies on the right."""
        return cls(-(len(fraction) // 2), np.asarray(fraction, dtype=float))

    @classmethod
    def uniform(cls, width: int, fraction: float = 0.5) -> "Profile":
        """One fraction in ``width`` planes around the contact: a random alloy between the crystals."""
        return cls.listed(np.full(whole(width), fraction))

    @classmethod
    def linear(cls, width: int) -> "Profile":
        """Equal steps over ``width`` planes: fractions j/(width + 1), j = 1 … width."""
        width = whole(width)
        return cls.listed(np.arange(1, width + 1) / (width + 1))

    @classmethod
    def geometric(cls, width: int, ratio: float) -> "Profile":
        """Fractions s_j for which a mean 1 + s (ratio − 1) grows by equal factors over ``width`` planes.

        With the ratio of the masses of both crystals: exponential grading of the mass.
        """
        if not (np.isfinite(ratio) and ratio > 0.0):
            raise InputError(f"the ratio of a geometric profile must be positive, but is {ratio}")
        steps = cls.linear(width)
        if abs(ratio - 1.0) < 1e-9:
            return steps
        return cls(steps.first, np.expm1(steps.fraction * np.log(ratio)) / (ratio - 1.0))

    @classmethod
    def erf(cls, width: float) -> "Profile":
        """½ [1 + erf(√π x/width)]: diffused; the slope at the contact is 1/width."""
        return cls._smooth(width, lambda x: np.asarray(0.5 * (1.0 + erf(np.sqrt(pi) * x))))

    @classmethod
    def exponential(cls, width: float) -> "Profile":
        """Tails ½ exp(−2|x|/width) into both crystals: segregated; the slope at the contact is 1/width."""
        return cls._smooth(width, lambda x: np.where(x < 0, 0.5 * np.exp(2 * x), 1 - 0.5 * np.exp(-2 * x)))

    @classmethod
    def _smooth(cls, width: float, law: Callable[[Floats], Floats]) -> "Profile":
        if not (np.isfinite(width) and width >= 0.0):
            raise InputError(f"the width of a profile must not be negative (planes), but is {width}")
        if width == 0:
            return cls(0, np.zeros(0))
        # both laws are within _TAIL of the step two widths away from it
        reach = int(np.ceil(2.0 * width)) + 1
        fraction = np.asarray(law(np.asarray((np.arange(-reach, reach) + 0.5) / width, dtype=float)))
        inside = np.flatnonzero((fraction > _TAIL) & (fraction < 1.0 - _TAIL))
        if not inside.size:
            return cls(0, np.zeros(0))
        return cls(int(inside[0]) - reach, fraction[inside])

    @property
    def depth(self) -> int:
        """Planes between the contact and the profile's farther end."""
        return max(-self.first, self.first + len(self.fraction), 0)

    def at(self, planes: Integers) -> Floats:
        """Fraction in planes of the given numbers, same shape."""
        place = np.asarray(planes) - self.first
        inside = (place >= 0) & (place < len(self.fraction))
        found = (place >= len(self.fraction)).astype(float)
        found[inside] = self.fraction[place[inside]]
        return found


def whole(width: float) -> int:
    """Check a number of planes."""
    if width != int(width) or width < 0:
        raise InputError(f"the width must be a whole number of atomic planes, not negative, but is {width}")
    return int(width)
