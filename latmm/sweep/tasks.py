"""The pieces of a sweep: a few k∥ of one window with all their ν, and how one of them is solved.

Tasks know nothing of each other (:class:`Task`). They and what they find (:class:`Piece`) travel by pickle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import channels, transmission
from latmm.arrays import Floats, Integers
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.sweep.junctions import junction
from latmm.sweep.sampling import Window
from latmm.units import TWO_PI

__all__ = ["Piece", "Task", "cut", "solve"]

_POINTS = 1024
"""Samples of a task: enough to hide the cost of handing it over, little enough to share out evenly."""


@dataclass(frozen=True)
class Task:
    """Some k∥ of a window and all their frequencies.

    Attributes
    ----------
    wave_vectors : (K, 2) float
        Fractional coordinates of the 2-D reciprocal cell.
    weights : (K,) float
        Share of the zone that each stands for.
    nodes : (F,) int
        Their nodes in the frequency grid, ascending.
    frequency : (F,) float
        The frequencies of these nodes, THz.
    common : float
        Top of the band that both crystals share, THz: above it nothing crosses and only channels count.
    """

    wave_vectors: Floats
    weights: Floats
    nodes: Integers
    frequency: Floats
    common: float

    @property
    def samples(self) -> int:
        """Number of (k∥, ν)."""
        return len(self.weights) * self.frequency.size


@dataclass(frozen=True)
class Piece:
    """What a task finds.

    Attributes
    ----------
    counts : (3, K, F) float
        Transmission function, and channels of the left and right crystal, of every sample.
    worst : (3,) float
        Largest |S†S − 1|, |Σ modes − Caroli's trace| and |T(left → right) − T(right → left)|.
    resolved : int
        Samples that needed the kernel's second route.
    """

    counts: Floats
    worst: Floats
    resolved: int


def cut(grid: FrequencyGrid, samples: Sequence[Window], *, common: float) -> list[Task]:
    """Cut the samples into tasks; the same samples give the same tasks on every machine.

    Parameters
    ----------
    grid : FrequencyGrid
        Frequencies, THz.
    samples : sequence of Window
        From :func:`latmm.sweep.sampling.windows`.
    common : float
        Top of the band that both crystals share, THz.
    """
    tasks = []
    for window in samples:
        nodes = np.flatnonzero(window.selected)
        number = max(1, round(len(window.weights) * nodes.size / _POINTS))
        parts = np.array_split(np.arange(len(window.weights)), min(number, len(window.weights)))
        tasks += [
            Task(window.wave_vectors[part], window.weights[part], nodes, grid.frequency[nodes], common)
            for part in parts
        ]
    return tasks


def solve(interface: Interface, task: Task) -> Piece:
    """Solve one task, with one BLAS thread."""
    counts = np.zeros((3, len(task.weights), task.frequency.size))
    worst = np.zeros(3)
    resolved = 0
    shared = int(np.searchsorted(task.frequency, task.common))
    with threadpool_limits(limits=1, user_api="blas"):
        lattice = junction(interface, task.wave_vectors)
        if shared:
            found = transmission(lattice, TWO_PI * task.frequency[:shared])
            counts[:, :, :shared] = found.transmission, found.channels_left, found.channels_right
            errors = (found.unitarity, np.abs(found.transmission - found.caroli), found.reciprocity)
            worst = np.array([float(e.max()) for e in errors])
            resolved = int(found.resolved.sum())
        if shared < task.frequency.size:
            omega = TWO_PI * task.frequency[shared:]
            counts[1:, :, shared:] = channels(lattice.left, omega), channels(lattice.right, omega)
    return Piece(counts, worst, resolved)
