"""Films and superlattices between two crystals of one structure, laid out plane by plane.

A period is some atomic planes of the right crystal followed by some of the left one. N of them stand on the
left crystal and under the right one, or under the left one again: one period of a thick second part is then a
film of the right crystal in the left one. Force constants are the means of both crystals'
(:mod:`latmm.disorder.virtual`), exact where the crystals differ in mass alone.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.disorder.sites import levels, occupied, planes, require_one_lattice
from latmm.disorder.virtual import mean_contact, require_no_middle
from latmm.errors import InputError
from latmm.geometry.matching import Matched
from latmm.interface.interface import Interface
from latmm.interface.registry import shifted
from latmm.interface.slab import build_slab
from latmm.interface.symmetry import layer_operations

__all__ = ["ENDS", "Period", "stack"]

ENDS = ("left", "right")
"""Crystals that a stack may end in."""
_BESIDE = 1
"""Layers of a lead's crystal that are counted to the stack."""
_MOST = 2000
"""Atomic planes of either crystal in a period: stacks are built atom by atom."""


@dataclass(frozen=True)
class Period:
    """A period of a superlattice between two crystals.

    Attributes
    ----------
    right, left : int
        Atomic planes of the right crystal, and then of the left one.
    """

    right: int
    left: int

    def layers(self, ideal: Interface) -> int:
        """Primitive layers of a period.

        Raises
        ------
        InputError
            If a number is not positive or too large, or the period holds no whole number of layers, or fewer
            than the force constants span.
        """
        if any(int(n) != n or not 1 <= n <= _MOST for n in (self.right, self.left)):
            raise InputError(
                f"a period needs positive numbers of atomic planes, at most {_MOST} of each crystal, but has "
                f"{self.right} and {self.left}; use e.g. 8 and 8"
            )
        per = int(levels(ideal.matched.left).max()) + 1
        whole = self.right + self.left
        if whole % per:
            raise InputError(
                f"a period must be whole primitive layers of {per} atomic planes, but has {self.right} + "
                f"{self.left} planes; add {per - whole % per}"
            )
        least = max(ideal.principal)
        if whole // per < least:
            raise InputError(
                f"a period must be as thick as the force constants span, {least * per} atomic planes, but "
                f"has {whole}; use thicker layers"
            )
        return whole // per


def stack(ideal: Interface, period: Period, number: int, *, end: str = "left") -> Interface:
    """Put periods between the left crystal and the left or the right one.

    Parameters
    ----------
    ideal : Interface
        The abrupt contact of two crystals of one structure, in the primitive lateral cell.
    period : Period
        The layers.
    number : int
        Of periods; 0 is the contact of left and right.
    end : {"left", "right"}
        The crystal behind the last period.

    Returns
    -------
    Interface
        Its device layers (``cut``) are one before the first period, as many in each, and one behind the last.

    Raises
    ------
    InputError
        If the period or the crystals do not fit.
    """
    if end not in ENDS:
        raise InputError(f"`end` must be left or right, but is {end!r}")
    require_one_lattice(ideal.matched, ideal.slab.shift)
    require_no_middle(ideal)
    if not all(np.array_equal(lateral, np.eye(2)) for lateral in ideal.lateral):
        raise InputError("a superlattice needs the primitive lateral cell of both crystals")
    single = period.layers(ideal)
    matched, alike = ideal.matched, None
    if end == "left":
        matched = alike = Matched(matched.left, matched.left, matched.strain_left, matched.strain_left)
    thick = number * single
    layers = (_BESIDE, thick + _BESIDE)
    depth = [n + 3 * max(ideal.principal) for n in layers]
    slab = build_slab(matched, (depth[0], depth[1]))
    if end == "right":
        slab = shifted(slab, ideal.slab.shift)
    fraction = _share(planes(slab, matched), period, number, end)
    slab = occupied(slab, ideal.matched, fraction == 1.0)
    found = mean_contact(ideal, slab, fraction, layers, layer_operations(slab.atoms), alike=alike)
    return replace(found, cut=_cut(found, single, number)) if number else found


def _share(number: Integers, period: Period, count: int, end: str) -> Floats:
    """Fraction of the right crystal by plane: 0 or 1."""
    whole = period.right + period.left
    inside = (number >= 0) & (number < count * whole)
    behind = (number >= count * whole) & (end == "right")
    return np.where(inside, number % whole < period.right, behind).astype(float)


def _cut(interface: Interface, single: int, number: int) -> tuple[Integers, ...]:
    """Device layers: what lies before the stack, equal cuts of every period, and what lies behind."""
    slab, least = interface.slab, max(interface.principal)
    before, beyond = (n + p for n, p in zip(interface.layers, interface.principal, strict=True))
    pieces = np.array_split(np.arange(single), single // least)
    edges = [0, *np.cumsum([len(piece) for piece in pieces])]
    starts = [period * single + edge for period in range(number) for edge in edges[:-1]]
    bounds = [-before, *starts, number * single, beyond]
    return tuple(np.flatnonzero((slab.layer >= low) & (slab.layer < high)) for low, high in pairwise(bounds))
