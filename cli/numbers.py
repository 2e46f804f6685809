"""Numbers on the command line: finite, and within bounds that have a reason."""

import math
from typing import Any

import click

__all__ = [
    "AREA",
    "COUNT",
    "FREQUENCY",
    "SEED",
    "THICKNESS",
    "TOLERANCE",
    "TWIST",
    "ROUGHNESS",
    "Real",
    "Strain",
    "Whole",
    "fraction",
]


class _Bounded:
    """Adds to the message of a number out of its range why there is one."""

    why = ""

    def fail(self, message: str, param: Any = None, ctx: Any = None) -> Any:
        """Refuse a value."""
        text = f"{message.rstrip('.')}{self.why and ': '}{self.why}"
        raise click.BadParameter(text, ctx=ctx, param=param)


class Real(_Bounded, click.FloatRange):
    """A finite number in a range.

    Parameters
    ----------
    low, high : float, optional
        Bounds.
    above : bool
        Whether the lower one is excluded.
    below : bool
        Whether the upper one is excluded.
    why : str
        Unit or reason of the bounds, for messages.
    """

    def __init__(
        self,
        low: float | None = None,
        high: float | None = None,
        *,
        above: bool = False,
        below: bool = False,
        why: str = "",
    ) -> None:
        super().__init__(min=low, max=high, min_open=above, max_open=below)
        self.why = why

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class Whole(_Bounded, click.IntRange):
    """A whole number in a range; see :class:`Real`."""

    def __init__(self, low: int | None = None, high: int | None = None, *, why: str = "") -> None:
        super().__init__(min=low, max=high)
        self.why = why


class Strain(click.types.StringParamType):
    """One strain, or two (along x and y) with a comma or a space between them."""

    name = "strain"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it as a tuple of one or two numbers."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(float(part) for part in str(value).replace(",", " ").split())
        except ValueError:
            found = ()
        if len(found) not in (1, 2) or not all(abs(one) <= 0.3 for one in found):
            self.fail(
                f"{value!r} must be a strain within ±0.3, e.g. 0.01, or two of them, e.g. 0.01,-0.005",
                param,
                ctx,
            )
        return found


AREA = Real(0.0, 1e4, above=True, why="in Å²; larger cells have too many atoms")
COUNT = Whole(1, 10**6)
"""Number of something in a list."""
ROUGHNESS = Real(0.0, 1e3, why="in nm")
SEED = Whole(0, 2**63 - 1, why="seeds have 63 bits")
FREQUENCY = Real(1e-6, 1e4, why="it must be positive, in THz; crystals end below 100 THz")
THICKNESS = Real(1e-3, 1e6, why="in nm")
TOLERANCE = Real(
    1e-5, 1.0, below=True, why="a relative error; a smaller one is beyond the checks of the modes"
)
TWIST = Real(-360.0, 360.0, why="in degrees")


def fraction(*, above: bool = False, below: bool = False) -> Real:
    """Return the type of a number from 0 to 1."""
    return Real(0.0, 1.0, above=above, below=below)
