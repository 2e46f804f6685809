"""What a sweep will cost, from a few of its samples."""

import time
from dataclasses import dataclass, replace

import numpy as np

from latmm.interface.interface import Interface
from latmm.sweep.junctions import junction
from latmm.sweep.refinement import Sampling
from latmm.sweep.tasks import MEMORY, Task, bytes_per_wave_vector, solve

__all__ = ["Estimate", "estimate"]

_TIMED = 4
"""Tasks of which some k∥ are timed."""
_WAVE_VECTORS = 4
"""These k∥: as many as share the cost that they have in common."""


@dataclass(frozen=True)
class Estimate:
    """Size and cost of a sweep.

    Attributes
    ----------
    atoms : int
        Of the contact's slab.
    layers : tuple of int
        Degrees of freedom of the principal layers: left lead, device, right lead.
    wave_vectors : int
        Irreducible k∥ of all windows.
    samples : int
        (k∥, ν).
    tasks : int
        Pieces that can be solved side by side.
    seconds : float
        Of one core that has nothing else to do.
    memory : int
        Bytes that a process holds at once for the contact and the largest task.
    store : int
        Bytes of all pieces in a checkpoint before compression.
    """

    atoms: int
    layers: tuple[int, ...]
    wave_vectors: int
    samples: int
    tasks: int
    seconds: float
    memory: int
    store: int


def estimate(interface: Interface, sampling: Sampling, *, memory: int = MEMORY) -> Estimate:
    """Time some k∥ of some tasks and scale up.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    sampling : Sampling
        Where it is to be sampled.
    memory : int
        Bytes that the blocks of a task may take.
    """
    tasks = sampling.tasks
    timed = [tasks[i] for i in np.unique(np.linspace(0, len(tasks) - 1, _TIMED).astype(int))]
    solve(interface, _part(timed[0]))  # the first call of everything costs extra
    started = time.process_time()
    for task in timed:
        solve(interface, _part(task))
    per_sample = (time.process_time() - started) / sum(_part(task).samples for task in timed)
    samples = sum(task.samples for task in tasks)
    lattice = junction(interface, timed[0].wave_vectors[:1])
    blocks = bytes_per_wave_vector(interface)
    most = max(len(task.weights) for task in tasks)
    return Estimate(
        atoms=len(interface.slab.atoms),
        layers=lattice.sizes,
        wave_vectors=sum(len(window.weights) for window in sampling.samples),
        samples=samples,
        tasks=len(tasks),
        seconds=per_sample * samples,
        memory=interface.contact.values.nbytes + max(min(most * blocks, memory), blocks),
        store=24 * samples,
    )


def _part(task: Task) -> Task:
    return replace(task, wave_vectors=task.wave_vectors[:_WAVE_VECTORS], weights=task.weights[:_WAVE_VECTORS])
