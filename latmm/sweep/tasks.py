"""The pieces of a sweep: a few k∥ of one window with all their ν, and how one of them is solved.

Tasks know nothing of each other (:class:`Task`). They and what they find (:class:`Piece`) travel by pickle.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import FoldedLead, Junction, Lead, channels, transmission
from latmm.arrays import Bools, Floats, Integers
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.sweep.edges import inside_bands
from latmm.sweep.junctions import junction
from latmm.sweep.sampling import Window
from latmm.units import TWO_PI

__all__ = ["MEMORY", "Piece", "Task", "bytes_per_wave_vector", "cut", "solve"]

_POINTS = 1024
"""Samples of a task: enough to hide the cost of handing it over, little enough to share out evenly."""
_BYTES = 2**26
"""Of the blocks of all samples that go to the kernel at once."""
_COPIES = 3
"""Blocks, their phases and their copies for the kernel."""
MEMORY = 2**30
"""Default budget of a task, bytes."""


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
    memory : int
        Bytes that the blocks of its k∥ may take: where they need more, a few k∥ are solved after the other.
    """

    wave_vectors: Floats
    weights: Floats
    nodes: Integers
    frequency: Floats
    common: float
    memory: int

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


def cut(grid: FrequencyGrid, samples: Sequence[Window], *, common: float, memory: int = MEMORY) -> list[Task]:
    """Cut the samples into tasks; the same samples give the same tasks on every machine.

    Parameters
    ----------
    grid : FrequencyGrid
        Frequencies, THz.
    samples : sequence of Window
        From :func:`latmm.sweep.sampling.windows`.
    common : float
        Top of the band that both crystals share, THz.
    memory : int
        Bytes that the blocks of the k∥ of a task may take.
    """
    tasks = []
    for window in samples:
        nodes = np.flatnonzero(window.selected)
        number = max(1, round(len(window.weights) * nodes.size / _POINTS))
        parts = np.array_split(np.arange(len(window.weights)), min(number, len(window.weights)))
        tasks += [
            Task(
                window.wave_vectors[part], window.weights[part], nodes, grid.frequency[nodes], common, memory
            )
            for part in parts
        ]
    return tasks


def bytes_per_wave_vector(interface: Interface) -> int:
    """Memory that the blocks of one k∥ take, and what their assembly needs on the way."""
    left, right = interface.surfaces
    sizes = [3 * len(atoms) for atoms in (left, *interface.device, right)]
    return 16 * _COPIES * (sum(n * n for n in sizes) + sum(n * m for n, m in pairwise(sizes)))


def solve(interface: Interface, task: Task) -> Piece:
    """Solve one task, with one BLAS thread, where both crystals have phonons; count them where one has."""
    step = max(1, task.memory // bytes_per_wave_vector(interface))
    with threadpool_limits(limits=1, user_api="blas"):
        parts = [
            _solve_some(interface, task.wave_vectors[start : start + step], task.frequency)
            for start in range(0, len(task.weights), step)
        ]
    return Piece(
        np.concatenate([part.counts for part in parts], axis=1),
        np.max([part.worst for part in parts], axis=0),
        sum(part.resolved for part in parts),
    )


def _solve_some(interface: Interface, wave_vectors: Floats, frequency: Floats) -> Piece:
    counts = np.zeros((3, len(wave_vectors), frequency.size))
    worst = np.zeros(3)
    resolved = 0
    lattice = junction(interface, wave_vectors)
    inside = inside_bands(interface, wave_vectors, frequency)
    both = inside[0] & inside[1]
    for k, f in _batches(both, lattice):
        found = transmission(_at(lattice, k), TWO_PI * frequency[f])
        counts[:, k, f] = found.transmission, found.channels_left, found.channels_right
        errors = (found.unitarity, np.abs(found.transmission - found.caroli), found.reciprocity)
        worst = np.maximum(worst, [float(e.max()) for e in errors])
        resolved += int(found.resolved.sum())
    for side, lead in enumerate((lattice.left, lattice.right)):
        for k, f in _batches(inside[side] & ~both, lattice):
            counts[1 + side, k, f] = channels(_lead_at(lead, k), TWO_PI * frequency[f])
    return Piece(counts, worst, resolved)


def _batches(wanted: Bools, lattice: Junction) -> Iterator[tuple[Integers, Integers]]:
    """Split the samples that are wanted into batches whose blocks fit into a little memory."""
    leads = (lattice.left.onsite, lattice.left.hopping, lattice.right.onsite, lattice.right.hopping)
    blocks = sum(block.nbytes for block in (*leads, *lattice.onsite, *lattice.hopping)) // len(wanted)
    k, f = np.nonzero(wanted)
    step = max(1, _BYTES // blocks)
    for start in range(0, k.size, step):
        yield k[start : start + step], f[start : start + step]


def _at(lattice: Junction, k: Integers) -> Junction:
    """Junction of single samples from one of all k∥ (K, 1)."""
    return Junction(
        _lead_at(lattice.left, k),
        _lead_at(lattice.right, k),
        tuple(block[k, 0] for block in lattice.onsite),
        tuple(block[k, 0] for block in lattice.hopping),
    )


def _lead_at(lead: Lead | FoldedLead, k: Integers) -> Lead | FoldedLead:
    return replace(lead, onsite=lead.onsite[k, 0], hopping=lead.hopping[k, 0])
