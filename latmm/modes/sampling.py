"""Samples of mode tables: the k∥ × ν grid of a run, or the whole zone at chosen frequencies.

Only operations that keep the normal reduce the k∥ of a run: time reversal exchanges incoming and outgoing
phonons, so that k∥ and −k∥ agree in their sums but not mode by mode.
"""

from collections.abc import Sequence

import numpy as np

from latmm.errors import InputError
from latmm.interface.interface import SIDES, Interface
from latmm.landauer import FrequencyGrid
from latmm.lattice.dynamics import largest_frequency
from latmm.sampling.meshes import Window, frequency_grid, reduced_mesh, windows

__all__ = ["grid_samples", "zone_samples"]


def grid_samples(
    interface: Interface, kmesh: tuple[int, int], frequencies: int, *, minimum_temperature: float
) -> tuple[FrequencyGrid, list[Window]]:
    """Frequencies from ``minimum_temperature`` (K) to the top of the wider band, and a k∥ window for each.

    Raises
    ------
    InputError
        If ``minimum_temperature`` is not positive.
    """
    if not minimum_temperature > 0:
        raise InputError(f"the lowest temperature must be positive, but is {minimum_temperature} K")
    tops = [largest_frequency(crystal) for crystal in interface.crystals]
    grid = frequency_grid(min(tops), max(tops), frequencies, minimum_temperature=minimum_temperature)
    samples = windows(
        interface.left,
        interface.right,
        grid,
        kmesh,
        interface.spatial_rotations,
        common=min(tops),
        folded=lambda side, k: interface.folded(SIDES[side], k),
    )
    return grid, samples


def zone_samples(frequency: Sequence[float], kmesh: tuple[int, int]) -> tuple[FrequencyGrid, list[Window]]:
    """Sample the whole k∥ zone, unreduced, at chosen frequencies; each counts for 1 THz.

    Raises
    ------
    InputError
        If a frequency is not positive or comes twice.
    """
    nu = np.sort(np.asarray(frequency, dtype=float))
    grid = FrequencyGrid(nu, np.ones(nu.size))
    points, weights = reduced_mesh(kmesh, 1.0, [])
    return grid, [Window(points, weights, np.ones(nu.size, dtype=bool))]
