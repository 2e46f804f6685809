"""The pieces of a sweep: k∥ of one window with their ν, and how one of them is solved.

Tasks know nothing of each other (:class:`Task`). They and what they find (:class:`Piece`) travel by pickle.
They are cut by cost. A sample takes, with n degrees of freedom in a layer of the device and m in a principal
layer of a lead, of which N k∥ fold onto one,

    Σ_device [10 µs + 0.1 µs n² (1 + n/1000)] + Σ_leads N [20 µs + 4.5 µs m^(3/2) (1 + m/1000)],

a fit to what was measured for n = 6 to 216 and m = 6 to 192, within a factor of two: products of matrices of
this size gain speed as they grow. The cut depends on the interface and its samples alone, and so do the steps
in which a task is solved: the result is the same, bit for bit, on any number of processes of any memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import FoldedLead, Junction, Lead, channels
from latmm.arrays import Bools, Floats, Integers
from latmm.errors import InputError
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.parallel.execution import MEMORY
from latmm.sampling.edges import inside_bands
from latmm.sampling.meshes import Window
from latmm.sweep.measures import CHANNELS, Measure, Transmission
from latmm.units import TWO_PI

__all__ = [
    "MEMORY",
    "TRANSMISSION",
    "Piece",
    "Task",
    "at_once",
    "bytes_of_tasks",
    "bytes_per_wave_vector",
    "cut",
    "seconds_per_sample",
    "solve",
]

_SECONDS = 0.4
"""A task, if all its samples are solved: long enough to hide its handing over, short enough to share out."""
_FEWEST = 10
"""Frequencies of a k∥ in a task at least: its blocks and bands cost up to 0.6 samples for each task."""
_BLOCKS = 2**27
"""Bytes of the blocks of all k∥ that are assembled at once, if more than one is;"""
_BYTES = 2**26
"""and of the blocks of all samples that go to the kernel at once."""
_COPIES = 3
"""Blocks, their phases and their copies for the kernel."""
TRANSMISSION = Transmission()
"""What is counted where nothing else is asked."""


@dataclass(frozen=True)
class Task:
    """Some k∥ of a window and all their frequencies, or one k∥ and some of them.

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

    @property
    def integers(self) -> tuple[Integers, ...]:
        """The nodes, and the number of wave vectors."""
        return self.nodes, np.array([len(self.weights)])

    @property
    def scales(self) -> Floats:
        """Frequencies, and the top of the common band."""
        return np.concatenate([self.frequency, [self.common]])


@dataclass(frozen=True)
class Piece:
    """What a task finds.

    Attributes
    ----------
    values : float ndarray
        Numbers, e.g. the quantities (C, K, F) of a measure at every sample.
    worst : (3,) float
        Largest errors; of a measure |S†S − 1|, |Σ modes − Caroli's trace| and |T(left → right) −
        T(right → left)|.
    retried : int
        Samples that needed the kernel's fallback solver.
    """

    values: Floats
    worst: Floats
    retried: int


def seconds_per_sample(interface: Interface) -> float:
    """About what one core needs for a sample that both crystals have phonons at."""
    device = np.array([3.0 * len(atoms) for atoms in interface.device])
    seconds = np.sum(1e-5 + 1e-7 * device**2 * (1.0 + 1e-3 * device))
    for crystal, principal, surface in zip(
        (interface.left, interface.right), interface.principal, interface.surfaces, strict=True
    ):
        m = 3.0 * principal * len(crystal.atoms)
        seconds += 3.0 * len(surface) / m * (2e-5 + 4.5e-6 * m * np.sqrt(m) * (1.0 + 1e-3 * m))
    return float(seconds)


def cut(grid: FrequencyGrid, samples: Sequence[Window], *, common: float, seconds: float) -> list[Task]:
    """Cut the samples into tasks of about equal cost.

    Parameters
    ----------
    grid : FrequencyGrid
        Frequencies, THz.
    samples : sequence of Window
        From :func:`latmm.sampling.meshes.windows`.
    common : float
        Top of the band that both crystals share, THz.
    seconds : float
        Of a sample, from :func:`seconds_per_sample`.
    """
    most = max(1.0, _SECONDS / seconds)
    tasks = []
    for window in samples:
        nodes, count = np.flatnonzero(window.selected), len(window.weights)
        number = min(max(1, round(count * nodes.size / most)), count)
        # frequencies are dealt out in turn: those that need not be solved lie together
        deal = min(max(1, round(nodes.size / most)), max(1, nodes.size // _FEWEST))
        tasks += [
            Task(window.wave_vectors[part], window.weights[part], dealt, grid.frequency[dealt], common)
            for part in np.array_split(np.arange(count), number)
            for dealt in (nodes[first::deal] for first in range(deal))
        ]
    return tasks


def bytes_per_wave_vector(interface: Interface) -> int:
    """Memory that the blocks of one k∥ take, and what their assembly needs on the way."""
    left, right = interface.surfaces
    sizes = [3 * len(atoms) for atoms in (left, *interface.device, right)]
    return 16 * _COPIES * (sum(n * n for n in sizes) + sum(n * m for n, m in pairwise(sizes)))


def bytes_of_tasks(interface: Interface, tasks: Sequence[Task], measure: Measure = TRANSMISSION) -> int:
    """Memory that a process needs at most, for the contact and one of the tasks."""
    blocks = bytes_per_wave_vector(interface)
    wave_vectors = max((len(task.weights) for task in tasks), default=1)
    samples = max((task.samples for task in tasks), default=1)
    assembled = max(min(_BLOCKS, wave_vectors * blocks), blocks)
    least = measure.bytes_per_sample(interface)
    solved = max(min(_BYTES, samples * least), least)
    return interface.contact.values.nbytes + assembled + min(2 * _BYTES, samples * blocks) + solved


def at_once(interface: Interface, tasks: Sequence[Task], memory: int, measure: Measure = TRANSMISSION) -> int:
    """Count the tasks that may be solved at the same time in so many bytes.

    Raises
    ------
    InputError
        If not even one may.
    """
    needed = bytes_of_tasks(interface, tasks, measure)
    if needed > memory:
        raise InputError(
            f"`memory` is {memory / 2**30:.2g} GiB, but a task of this contact takes "
            f"{needed / 2**30:.2g} GiB; use e.g. `memory` {1.1 * needed / 2**30:.2g}, or a smaller contact"
        )
    return memory // needed


def solve(interface: Interface, task: Task, measure: Measure = TRANSMISSION) -> Piece:
    """Solve one task, with one BLAS thread, where both crystals have phonons; count them where one has."""
    step = max(1, _BLOCKS // bytes_per_wave_vector(interface))
    with threadpool_limits(limits=1, user_api="blas"):
        parts = [
            _solve_some(interface, task.wave_vectors[start : start + step], task.frequency, measure)
            for start in range(0, len(task.weights), step)
        ]
    return Piece(
        np.concatenate([part.values for part in parts], axis=1),
        np.max([part.worst for part in parts], axis=0),
        sum(part.retried for part in parts),
    )


def _solve_some(interface: Interface, wave_vectors: Floats, frequency: Floats, measure: Measure) -> Piece:
    counts = np.zeros((measure.quantities, len(wave_vectors), frequency.size))
    worst = np.zeros(3)
    retried = 0
    lattice = interface.junction(wave_vectors)
    inside = inside_bands(interface, wave_vectors, frequency)
    both = inside[0] & inside[1]
    least = measure.bytes_per_sample(interface)
    for k, f in _batches(both, lattice, least):
        counts[:, k, f], found = measure.count(
            interface, _at(lattice, k), wave_vectors[k], TWO_PI * frequency[f]
        )
        errors = (found.unitarity, np.abs(found.transmission - found.caroli), found.reciprocity)
        worst = np.maximum(worst, [float(e.max()) for e in errors])
        retried += int(found.retried.sum())
    for side, lead in enumerate((lattice.left, lattice.right)):
        for k, f in _batches(inside[side] & ~both, lattice, 0):
            counts[CHANNELS][side, k, f] = channels(_lead_at(lead, k), TWO_PI * frequency[f])
    return Piece(counts, worst, retried)


def _batches(wanted: Bools, lattice: Junction, least: int) -> Iterator[tuple[Integers, Integers]]:
    """Split the samples that are wanted into batches whose blocks fit into a little memory."""
    leads = (lattice.left.onsite, lattice.left.hopping, lattice.right.onsite, lattice.right.hopping)
    blocks = sum(block.nbytes for block in (*leads, *lattice.onsite, *lattice.hopping)) // len(wanted)
    k, f = np.nonzero(wanted)
    step = max(1, _BYTES // max(blocks, least))
    for start in range(0, k.size, step):
        yield k[start : start + step], f[start : start + step]


def _at(lattice: Junction, k: Integers) -> Junction:
    """Junction of single samples from one of all k∥ (K, 1)."""
    return Junction(
        _lead_at(lattice.left, k),
        _lead_at(lattice.right, k),
        tuple(block[k, 0] for block in lattice.onsite),
        tuple(block[k, 0] for block in lattice.hopping),
        lattice.massless,
    )


def _lead_at(lead: Lead | FoldedLead, k: Integers) -> Lead | FoldedLead:
    return replace(lead, onsite=lead.onsite[k, 0], hopping=lead.hopping[k, 0])
