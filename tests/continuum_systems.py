"""Crystals and media that know their answers: central springs on lattices, and the lead's textbook media."""

import numpy as np
from ase import Atoms
from ase.build import bulk

from latmm.arrays import Floats
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid
from latmm.lattice.force_constants import ForceConstants

ALUMINIUM = Medium.isotropic(2.7, 6.42, 3.04, name="Al")
SILICON = Medium.isotropic(2.33, 9.0, 5.4, name="Si")
SAPPHIRE = Medium.isotropic(3.97, 11.2, 6.04, name="sapphire")
COPPER = Medium.isotropic(8.96, 4.76, 2.325, name="Cu")
HELIUM = Medium.fluid(0.145, 0.238, name="He")


def spring_crystal(atoms: Atoms, shells: list[tuple[float, float]]) -> ForceConstants:
    """Central springs without tension: (length in Å, stiffness in eV Å⁻²) of every shell of neighbours."""
    cell, positions = atoms.cell.array, atoms.get_positions()
    n = len(atoms)
    blocks: dict[tuple[int, int, int], Floats] = {}
    for key in np.ndindex(7, 7, 7):
        cell_index = (key[0] - 3, key[1] - 3, key[2] - 3)
        for i in range(n):
            for j in range(n):
                r = positions[j] + np.array(cell_index) @ cell - positions[i]
                for length, spring in shells:
                    if abs(np.linalg.norm(r) - length) < 1e-3 * length:
                        block = blocks.setdefault(cell_index, np.zeros((n, n, 3, 3)))
                        block[i, j] -= spring * np.outer(r, r) / length**2
    return ForceConstants.symmetrised(atoms, blocks)


def fcc_springs(a: float = 4.0, spring: float = 2.0) -> ForceConstants:
    """Nearest neighbours only: C11 = 2K/a, C12 = C44 = K/a."""
    return spring_crystal(bulk("Al", a=a), [(a / np.sqrt(2), spring)])


def diamond_springs(a: float = 5.4, near: float = 8.0, far: float = 1.0) -> ForceConstants:
    """First and second neighbours of the diamond lattice: the sublattices relax against each other."""
    return spring_crystal(bulk("Si", a=a), [(a * np.sqrt(3) / 4, near), (a / np.sqrt(2), far)])


def gauss_grid(highest: float, count: int) -> FrequencyGrid:
    """Gauss-Legendre nodes between 0 and ``highest`` THz."""
    x, w = np.polynomial.legendre.leggauss(count)
    return FrequencyGrid(0.5 * highest * (x + 1.0), 0.5 * highest * w)
