"""What a mode-resolved study needs of a contact: its crystals, its junction at k∥, and how k∥ folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latmm.agf import Junction
from latmm.arrays import Floats, Integers
from latmm.interface.build import Interface
from latmm.lattice.force_constants import ForceConstants
from latmm.sweep.junctions import junction

__all__ = ["BATCH_BYTES", "SIDES", "System"]

BATCH_BYTES = 256 * 2**20
"""Memory for the results of points that are solved together."""

SIDES = ("left", "right")
"""Names of the two crystals, in the order of every tuple and array over sides."""


@dataclass(frozen=True)
class System:
    """Two crystals and their junction; its lateral cell may hold N primitive cells of the crystals.

    Attributes
    ----------
    left, right : ForceConstants
        Of the crystals in their oriented primitive cells, a₁ and a₂ in the plane and shared.
    principal : int
        Primitive layers in a principal layer of the leads.
    area : float
        Area of the junction's lateral cell, Å².
    rotations : list of (2, 2) int
        Symmetry of crystals and contact that keeps the normal: takes k∥ of the crystals to k∥ and leaves q_z.
        Time reversal is not among them.
    lateral : (2, 2) int
        In-plane vectors of the junction's lateral cell in units of the crystals' own, in rows.
    junction : callable
        k∥ (K, 2), fractional in the lateral cell, to the junction with leading axes (K, 1).
    folded : callable
        k∥ (K, 2) to the k∥ (K, N, 2) of the crystals' own lateral cell that fold onto it, in the order of the
        folded leads.
    """

    left: ForceConstants
    right: ForceConstants
    principal: int
    area: float
    rotations: list[Integers]
    lateral: Integers
    junction: Callable[[Floats], Junction]
    folded: Callable[[Floats], Floats]

    @classmethod
    def of(cls, interface: Interface) -> "System":
        """View an interface whose lateral cell is that of its crystals."""
        return cls(
            interface.left,
            interface.right,
            interface.principal,
            interface.area,
            [np.rint(np.linalg.inv(op.rotation).T).astype(np.int64) for op in interface.operations],
            np.eye(2, dtype=np.int64),
            lambda k: junction(interface, k),
            lambda k: np.asarray(k, dtype=float)[:, None, :],
        )

    def points_at_once(self, most: int) -> int:
        """Points (k∥, ω) whose scattering matrices fit into :data:`BATCH_BYTES`, ``most`` at most."""
        cells = abs(round(float(np.linalg.det(self.lateral))))
        size = max(3 * len(crystal.atoms) for crystal in self.crystals) * self.principal * cells
        # both leads' modes in both directions and the four blocks of S, complex, and the shares
        return max(1, min(most, BATCH_BYTES // (16 * 10 * size**2)))

    @property
    def crystals(self) -> tuple[ForceConstants, ForceConstants]:
        """Left and right crystal."""
        return self.left, self.right
