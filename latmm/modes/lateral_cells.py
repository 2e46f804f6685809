"""How phonons of both crystals fold onto one k∥, and how many points are solved at once."""

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.geometry.lateral import locate
from latmm.interface.interface import Interface
from latmm.units import TWO_PI

__all__ = ["BATCH_BYTES", "crystal_rotations", "modes", "partner", "points_at_once"]

BATCH_BYTES = 256 * 2**20
"""Memory for the results of points that are solved together."""


def points_at_once(interface: Interface, most: int) -> int:
    """Points (k∥, ω) whose scattering matrices fit into :data:`BATCH_BYTES`, ``most`` at most."""
    # both leads' modes in both directions and the four blocks of S, complex, and the shares
    return max(1, min(most, BATCH_BYTES // (16 * 10 * max(modes(interface)) ** 2)))


def modes(interface: Interface) -> tuple[int, int]:
    """Degrees of freedom of a principal layer of each lead in the common cell: modes of one direction."""
    left, right = (
        3 * len(crystal.atoms) * principal * round(float(np.linalg.det(lateral)))
        for crystal, principal, lateral in zip(
            interface.crystals, interface.principal, interface.lateral, strict=True
        )
    )
    return left, right


def crystal_rotations(interface: Interface, side: int) -> list[Integers]:
    """Return the symmetry that keeps the normal as it acts on k∥ of one crystal's own cell."""
    lateral = interface.lateral[side]
    turned = [np.linalg.inv(lateral) @ rotation @ lateral for rotation in interface.spatial_rotations]
    return [np.rint(r).astype(np.int64) for r in turned if np.max(np.abs(r - np.rint(r))) < 1e-9]


def partner(interface: Interface, side: int, wave_vectors: Floats, kappa: Floats) -> Integers:
    """Return which folded k∥ of a crystal equals that of each wave of the other crystal, (M,).

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    side : int
        The crystal.
    wave_vectors : (M, 2) float
        In-plane wave vectors of the other crystal's waves, Cartesian, Å⁻¹ (2π included).
    kappa : (M, 2) float
        The k∥ of the common cell that they fold onto, fractional.
    """
    lateral = interface.lateral[side]
    cell = lateral @ interface.crystals[side].atoms.cell.array[:2, :2]
    vectors = np.rint(wave_vectors @ cell.T / TWO_PI - kappa).astype(np.int64)
    return locate(lateral.T, vectors)[0]
