"""Transmission of an interface over the samples of k∥ and ν.

Ξ(ν) = Σ_k∥ w T(k∥, ν)/A with the weights of the window that serves ν; the channels of both crystals are
counted at the same samples. Every sample carries its checks; the worst of each is kept.

The work is cut into tasks, a few k∥ of one window with all their ν each, which know nothing of each other
(:class:`Task`). What they find (:class:`Piece`) is summed in the order of the tasks: the result is the same,
bit for bit, whoever solves them and in whatever order they are done.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import Junction, Lead, channels, transmission
from latmm.arrays import Bools, Floats, Integers
from latmm.interface.build import Interface
from latmm.landauer import FrequencyGrid
from latmm.sweep.executors import unordered
from latmm.sweep.sampling import ELASTIC, Window
from latmm.units import TWO_PI

__all__ = ["Piece", "SpectralTransmission", "Task", "assemble", "cut", "junction", "solve", "sweep"]

_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""
_NEAR = 5.0
"""The elastic law is read off from the top of its range to this multiple of it: Ξ/ν² holds to 1e-4 there."""
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


@dataclass(frozen=True)
class SpectralTransmission:
    """Ξ(ν) of the interface and M(ν) of both crystals, with the checks of the samples.

    Attributes
    ----------
    transmission, channels_left, channels_right : (F,) float
        nm⁻².
    unitarity : float
        Largest |S†S − 1|.
    caroli : float
        Largest |Σ modes − Caroli's trace|.
    reciprocity : float
        Largest |T(left → right) − T(right → left)|.
    samples, resolved : int
        Number of (k∥, ν) solved, and of those that needed the kernel's second route.
    """

    transmission: Floats
    channels_left: Floats
    channels_right: Floats
    unitarity: float
    caroli: float
    reciprocity: float
    samples: int
    resolved: int


def junction(interface: Interface, wave_vectors: Floats) -> Junction:
    """Blocks of the interface at k∥ (K, 2), with a batch axis (K, 1) for ω to broadcast against."""
    blocks = interface.blocks(wave_vectors)
    left, right = (Lead(h0[:, None], h1[:, None]) for h0, h1 in (blocks.left, blocks.right))
    return Junction(
        left,
        right,
        tuple(block[:, None] for block in blocks.onsite),
        tuple(block[:, None] for block in blocks.hopping),
    )


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


def sweep(
    interface: Interface,
    grid: FrequencyGrid,
    samples: Sequence[Window],
    *,
    common: float,
    progress: Callable[[str, int, int], None] | None = None,
    executor: Executor | None = None,
) -> SpectralTransmission:
    """Solve every sample.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    grid : FrequencyGrid
        Frequencies, THz.
    samples : sequence of Window
        From :func:`latmm.sweep.sampling.windows`.
    common : float
        Top of the band that both crystals share, THz: above it nothing crosses and only channels count.
    progress : callable, optional
        Called with (stage, samples done, samples in all).
    executor : concurrent.futures.Executor, optional
        Solves the tasks, e.g. from :mod:`latmm.sweep.executors`; by default this process does.

    Returns
    -------
    SpectralTransmission
    """
    tasks = cut(grid, samples, common=common)
    pieces: dict[int, Piece] = {}
    total = sum(task.samples for task in tasks)
    done = 0
    if progress is not None:
        progress("modes", 0, total)
    for index, piece in unordered(solve, interface, dict(enumerate(tasks)), executor):
        pieces[index] = piece
        done += tasks[index].samples
        if progress is not None:
            progress("modes", done, total)
    return assemble(grid, tasks, [pieces[i] for i in range(len(tasks))], interface.area)


def assemble(
    grid: FrequencyGrid, tasks: Sequence[Task], pieces: Sequence[Piece], area: float
) -> SpectralTransmission:
    """Sum the pieces of all tasks, in their order.

    Parameters
    ----------
    grid : FrequencyGrid
        Frequencies, THz.
    tasks : sequence of Task
        From :func:`cut`.
    pieces : sequence of Piece
        One of each task.
    area : float
        Of the in-plane cell, Å².
    """
    spectra = np.zeros((3, grid.frequency.size))
    for task, piece in zip(tasks, pieces, strict=True):
        spectra[:, task.nodes] += np.einsum("k,ckf->cf", task.weights * (_PER_NM2 / area), piece.counts)
    if tasks:
        _extend(spectra, grid.frequency, grid.frequency < ELASTIC * tasks[0].common)
    worst = np.max([piece.worst for piece in pieces], axis=0, initial=0.0)
    return SpectralTransmission(
        spectra[0],
        spectra[1],
        spectra[2],
        unitarity=float(worst[0]),
        caroli=float(worst[1]),
        reciprocity=float(worst[2]),
        samples=sum(task.samples for task in tasks),
        resolved=sum(piece.resolved for piece in pieces),
    )


def _extend(spectra: Floats, frequency: Floats, continuum: Bools) -> None:
    """Fill the elastic range in place: Ξ and M are proportional to ν², as sampled just above it."""
    if not continuum.any():
        return
    above = frequency[~continuum]
    near = ~continuum & (frequency < max(_NEAR * above[0], above[min(3, above.size - 1)]))
    prefactor = (spectra[:, near] / frequency[near] ** 2).mean(axis=1)
    spectra[:, continuum] = prefactor[:, None] * frequency[continuum] ** 2
