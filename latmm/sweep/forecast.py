"""What a sweep will cost, from a few of its samples."""

import time
from dataclasses import dataclass, replace

import numpy as np

from latmm.interface.interface import Interface
from latmm.parallel.execution import HERE, Execution
from latmm.sweep.refinement import Sampling
from latmm.sweep.tasks import Task, at_once, bytes_of_tasks, solve
from latmm.threads import single_threaded

__all__ = ["Estimate", "estimate"]

_TIMED = 12
"""Tasks of which a part is timed;"""
_SECONDS = 0.1
"""that part, by the model of its cost;"""
_LEAST = (2, 4)
"""and the k∥ and ν in it at least: as many as share the cost that they have in common."""
_START = 1.0
"""Seconds in which processes start, about."""


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
    at_once : int
        Of them, those that there is memory for.
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
    at_once: int
    seconds: float
    memory: int
    store: int

    def wall(self, processes: int) -> float:
        """Seconds that processes take, their start included; or this one alone, if it is faster."""
        return min(self.seconds, _START + self.seconds / processes)


@single_threaded
def estimate(interface: Interface, sampling: Sampling, how: Execution = HERE) -> Estimate:
    """Time a part of some tasks and scale up.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    sampling : Sampling
        Where it is to be sampled.
    how : Execution
        Its memory is what all tasks which are solved at the same time may take.

    Raises
    ------
    InputError
        If one task takes more.
    """
    tasks = sampling.tasks
    together = at_once(interface, tasks, how.memory)
    # by size, so that large ones, where the time goes, are met
    edges = np.cumsum([task.samples for task in tasks])
    chosen = np.unique(np.searchsorted(edges, (np.arange(_TIMED) + 0.5) / _TIMED * edges[-1]))
    parts = [_part(tasks[i], sampling.seconds) for i in chosen]
    solve(interface, parts[0])  # the first call of everything costs extra
    rates = [_seconds(interface, part) / part.samples for part in parts]
    share = np.diff(np.concatenate([[0.0], 0.5 * (edges[chosen[1:]] + edges[chosen[:-1]]), edges[-1:]]))
    lattice = interface.junction(parts[0].wave_vectors[:1])
    return Estimate(
        atoms=len(interface.slab.atoms),
        layers=lattice.sizes,
        wave_vectors=sum(len(window.weights) for window in sampling.samples),
        samples=int(edges[-1]),
        tasks=len(tasks),
        at_once=together,
        seconds=float(share @ rates),
        memory=bytes_of_tasks(interface, tasks),
        store=24 * int(edges[-1]),
    )


def _seconds(interface: Interface, task: Task) -> float:
    started = time.process_time()
    solve(interface, task)
    return time.process_time() - started


def _part(task: Task, seconds: float) -> Task:
    """Take some k∥ and ν, evenly from all of the task's."""
    count, number = len(task.weights), task.frequency.size
    few, several = (min(least, size) for least, size in zip(_LEAST, (count, number), strict=True))
    wanted = _SECONDS / seconds
    k = np.linspace(0, count - 1, int(np.clip(wanted / number, few, count))).round().astype(int)
    nu = np.linspace(0, number - 1, int(np.clip(wanted / k.size, several, number))).round().astype(int)
    return replace(
        task,
        wave_vectors=task.wave_vectors[k],
        weights=task.weights[k],
        nodes=task.nodes[nu],
        frequency=task.frequency[nu],
    )
