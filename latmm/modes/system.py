"""What a mode-resolved study needs of a contact: its crystals, its junction at k∥, and how k∥ folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latmm.agf import Junction
from latmm.arrays import Floats, Integers
from latmm.geometry.lateral import locate
from latmm.interface.interface import Interface
from latmm.lattice.force_constants import ForceConstants
from latmm.units import TWO_PI

__all__ = ["BATCH_BYTES", "SIDES", "System"]

BATCH_BYTES = 256 * 2**20
"""Memory for the results of points that are solved together."""

SIDES = ("left", "right")
"""Names of the two crystals, in the order of every tuple and array over sides."""


@dataclass(frozen=True)
class System:
    """Two crystals and their junction; its lateral cell may hold several primitive cells of each crystal.

    Attributes
    ----------
    left, right : ForceConstants
        Of the crystals in their oriented primitive cells, a₁ and a₂ in the plane.
    principal : (2,) int
        Primitive layers in a principal layer of each lead.
    area : float
        Area of the junction's lateral cell, Å².
    rotations : list of (2, 2) int
        Symmetry of crystals and contact that keeps the normal: takes k∥ of the lateral cell to k∥ and leaves
        q_z. Time reversal is not among them.
    lateral : tuple of two (2, 2) int
        In-plane vectors of the junction's lateral cell in units of each crystal's own, in rows.
    junction : callable
        k∥ (K, 2), fractional in the lateral cell, to the junction with leading axes (K, 1).
    folded : callable
        Number of a crystal and k∥ (K, 2) to the k∥ (K, N, 2) of the crystal's own cell that fold onto it, in
        the order of the folded lead.
    """

    left: ForceConstants
    right: ForceConstants
    principal: tuple[int, int]
    area: float
    rotations: list[Integers]
    lateral: tuple[Integers, Integers]
    junction: Callable[[Floats], Junction]
    folded: Callable[[int, Floats], Floats]

    @classmethod
    def of(cls, interface: Interface) -> "System":
        """View an interface."""
        return cls(
            interface.left,
            interface.right,
            interface.principal,
            interface.area,
            [np.rint(np.linalg.inv(op.rotation).T).astype(np.int64) for op in interface.operations],
            (interface.matched.lateral_left, interface.matched.lateral_right),
            interface.junction,
            lambda side, k: interface.folded(SIDES[side], k),
        )

    def points_at_once(self, most: int) -> int:
        """Points (k∥, ω) whose scattering matrices fit into :data:`BATCH_BYTES`, ``most`` at most."""
        size = max(
            3 * len(crystal.atoms) * principal * round(float(np.linalg.det(lateral)))
            for crystal, principal, lateral in zip(self.crystals, self.principal, self.lateral, strict=True)
        )
        # both leads' modes in both directions and the four blocks of S, complex, and the shares
        return max(1, min(most, BATCH_BYTES // (16 * 10 * size**2)))

    def crystal_rotations(self, side: int) -> list[Integers]:
        """Return the symmetry as it acts on k∥ of one crystal's own cell."""
        lateral = self.lateral[side]
        turned = [np.linalg.inv(lateral) @ rotation @ lateral for rotation in self.rotations]
        return [np.rint(r).astype(np.int64) for r in turned if np.max(np.abs(r - np.rint(r))) < 1e-9]

    def partner(self, side: int, wave_vectors: Floats, kappa: Floats) -> Integers:
        """Return which folded k∥ of a crystal equals that of each wave of the other crystal, (M,).

        Parameters
        ----------
        side : int
            The crystal.
        wave_vectors : (M, 2) float
            In-plane wave vectors of the other crystal's waves, Cartesian, Å⁻¹ (2π included).
        kappa : (M, 2) float
            The k∥ of the lateral cell that they fold onto, fractional.
        """
        cell = self.lateral[side] @ self.crystals[side].atoms.cell.array[:2, :2]
        vectors = np.rint(wave_vectors @ cell.T / TWO_PI - kappa).astype(np.int64)
        return locate(self.lateral[side].T, vectors)[0]

    @property
    def crystals(self) -> tuple[ForceConstants, ForceConstants]:
        """Left and right crystal."""
        return self.left, self.right
