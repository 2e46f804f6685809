"""Two matched crystals: their geometry, the force constants of both, and the planes that meet."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from latmm.checks import Checks
from latmm.geometry.matching import Matched
from latmm.interface.polar_leads import dipole_range
from latmm.lattice.force_constants import ForceConstants

__all__ = ["MatchedPair", "Planes"]

Planes: TypeAlias = tuple[tuple[int, int, int], tuple[int, int, int]]
"""Miller indices in the left and in the right crystal."""


@dataclass(frozen=True)
class MatchedPair:
    """Two matched crystals and their force constants.

    Attributes
    ----------
    matched : Matched
        The geometry: both crystals, their strain and their common lateral cell.
    left, right : ForceConstants
        Of the primitive crystals ``matched.left`` and ``matched.right``.
    normals : (2, 3) int
        Miller indices of the plane in both crystals, for the record.
    checks : mapping of str to Check
        Of the crystals and their force constants, by name.
    """

    matched: Matched
    left: ForceConstants
    right: ForceConstants
    normals: Planes = ((0, 0, 1), (0, 0, 1))
    checks: Checks = field(default_factory=dict)

    @property
    def crystals(self) -> tuple[ForceConstants, ForceConstants]:
        """Left and right crystal."""
        return self.left, self.right

    @cached_property
    def principal(self) -> tuple[int, int]:
        """Primitive layers that the force constants of each crystal reach along the normal.

        Of polar crystals also what dipoles reach that no potential carries.
        """
        return _principal(self.left), _principal(self.right)

    def of_left(self) -> "MatchedPair":
        """Take the left crystal on both sides."""
        return replace(self, right=self.left)

    def of_right(self) -> "MatchedPair":
        """Take the right crystal on both sides."""
        return replace(self, left=self.right)

    def mass_only(self) -> "MatchedPair":
        """Give the right crystal the lattice and the force constants of the left one, keeping its masses."""
        atoms = self.left.atoms.copy()
        atoms.numbers = self.right.atoms.numbers
        atoms.set_masses(self.right.atoms.get_masses())
        return replace(
            self,
            matched=replace(self.matched, right=atoms, strain_right=np.zeros((2, 2))),
            right=replace(self.left, atoms=atoms),
            checks={name: value for name, value in self.checks.items() if name.endswith("_left")},
        )


def _principal(crystal: ForceConstants) -> int:
    least = max(1, int(np.abs(crystal.cells[:, 2]).max(initial=0)))
    return least if crystal.dipoles is None else dipole_range(crystal, least).layers
