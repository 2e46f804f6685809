"""Transmission of an interface over the samples of k∥ and ν.

Ξ(ν) = Σ_k∥ w T(k∥, ν)/A with the weights of the window that serves ν; the channels of both crystals are
counted at the same samples. A contact that is homogeneous in the plane keeps k∥, so that it cannot exceed

    Ξ_flat(ν) = Σ_k∥ w min[M_left(k∥, ν), M_right(k∥, ν)]/A,

the limit of flat contacts. Every sample carries its checks; the worst of each is kept.

The work is cut into tasks of a few k∥ and ν of one window, which know nothing of each other (:class:`Task`).
What they find (:class:`Piece`) is summed in the order of the tasks: the result is the same, bit for bit,
whoever solves them and in whatever order they are done.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from latmm.arrays import Bools, Floats
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.parallel.execution import HERE, Execution
from latmm.sampling.meshes import ELASTIC, LAW, Window
from latmm.sweep.driver import pieces
from latmm.sweep.measures import CHANNELS, Measure
from latmm.sweep.tasks import TRANSMISSION, Piece, Task, at_once, cut, seconds_per_sample, solve

__all__ = ["SpectralTransmission", "assemble", "sweep"]

_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""


@dataclass(frozen=True)
class SpectralTransmission:
    """Ξ(ν) of the interface and M(ν) of both crystals, with the checks of the samples.

    Attributes
    ----------
    transmission, channels_left, channels_right, flat_limit : (F,) float
        nm⁻².
    further : (C, F) float
        What else the measure counts, nm⁻².
    unitarity : float
        Largest |S†S − 1|.
    caroli : float
        Largest |Σ modes − Caroli's trace|.
    reciprocity : float
        Largest |T(left → right) − T(right → left)|.
    samples, retried : int
        Number of (k∥, ν) solved, and of those that needed the kernel's fallback solver.
    elastic_error : (3,) float
        Relative uncertainty of the transmission and the channels of both sides in the elastic range, where no
        sample is solved.
    """

    transmission: Floats
    channels_left: Floats
    channels_right: Floats
    flat_limit: Floats
    further: Floats
    unitarity: float
    caroli: float
    reciprocity: float
    samples: int
    retried: int
    elastic_error: Floats

    @property
    def specular(self) -> Floats | None:
        """What keeps its in-plane wave vector, if that was asked, (F,) nm⁻²."""
        return self.further[0] if len(self.further) else None


def sweep(
    interface: Interface,
    grid: FrequencyGrid,
    samples: Sequence[Window],
    *,
    common: float,
    measure: Measure = TRANSMISSION,
    how: Execution = HERE,
) -> SpectralTransmission:
    """Solve every sample.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    grid : FrequencyGrid
        Frequencies, THz.
    samples : sequence of Window
        From :func:`latmm.sampling.meshes.windows`.
    common : float
        Top of the band that both crystals share, THz: above it nothing crosses and only channels count.
    measure : Measure
        What is counted, from :mod:`latmm.sweep.measures`.
    how : Execution
        Who solves the samples, where what is found is kept, and the memory of all tasks at the same time.

    Returns
    -------
    SpectralTransmission

    Raises
    ------
    InputError
        If one task takes more memory, or the store is that of another problem.
    """
    seconds = seconds_per_sample(interface)
    tasks = cut(grid, samples, common=common, seconds=seconds)
    together = at_once(interface, tasks, how.memory, measure)
    total = sum(task.samples for task in tasks)
    work = _Counted(interface, measure)
    found = list(pieces(work, tasks, how, seconds=seconds * total, at_once=together))
    return assemble(grid, tasks, found, interface.area)


@dataclass(frozen=True)
class _Counted:
    """The quantities of a measure at all samples of a task."""

    interface: Interface
    measure: Measure
    stage: str = "modes"

    @property
    def kind(self) -> str:
        """Name of the measure; none for the transmission, which is what stores usually hold."""
        return "" if self.measure == TRANSMISSION else type(self.measure).__name__

    def shape(self, task: Task) -> tuple[int, ...]:
        """Quantities, k∥, ν."""
        return (self.measure.quantities, len(task.weights), task.frequency.size)

    def solve(self, task: Task) -> Piece:
        """Solve a task."""
        return solve(self.interface, task, self.measure)


def assemble(
    grid: FrequencyGrid, tasks: Sequence[Task], found: Sequence[Piece], area: float
) -> SpectralTransmission:
    """Sum the pieces of all tasks, in their order.

    Parameters
    ----------
    grid : FrequencyGrid
        Frequencies, THz.
    tasks : sequence of Task
        From :func:`cut`.
    found : sequence of Piece
        One of each task.
    area : float
        Of the in-plane cell, Å².
    """
    quantities = len(found[0].values)
    spectra = np.zeros((quantities + 1, grid.frequency.size))
    for task, piece in zip(tasks, found, strict=True):
        counts = np.concatenate([piece.values, piece.values[CHANNELS].min(axis=0, keepdims=True)])
        spectra[:, task.nodes] += np.einsum("k,ckf->cf", task.weights * (_PER_NM2 / area), counts)
    elastic = grid.frequency < ELASTIC * tasks[0].common
    elastic_error = _extend(spectra, grid.frequency, elastic)
    worst = np.max([piece.worst for piece in found], axis=0, initial=0.0)
    return SpectralTransmission(
        spectra[0],
        spectra[1],
        spectra[2],
        flat_limit=spectra[-1],
        further=spectra[3:-1],
        unitarity=float(worst[0]),
        caroli=float(worst[1]),
        reciprocity=float(worst[2]),
        samples=sum(task.samples for task in tasks),
        retried=sum(piece.retried for piece in found),
        elastic_error=elastic_error,
    )


def _extend(spectra: Floats, frequency: Floats, elastic: Bools) -> Floats:
    """Fill the elastic range in place: Ξ and M are proportional to ν², as sampled just above it.

    Returns the relative uncertainty of the first three prefactors, from the scatter of these samples.
    """
    if not elastic.any():
        return np.zeros(3)
    above = frequency[~elastic]
    near = ~elastic & (frequency < max(LAW * above[0], above[min(3, above.size - 1)]))
    law = spectra[:, near] / frequency[near] ** 2
    spectra[:, elastic] = law.mean(axis=1)[:, None] * frequency[elastic] ** 2
    law = law[:3]
    count = law.shape[1]
    if count < 2:
        return np.ones(3)
    # where 95 % of the means of so many would be (Student), or all that two sets of k∥ in turn differ by
    scatter = stdtrit(count - 1, 0.975) * law.std(axis=1, ddof=1) / np.sqrt(count)
    turns = np.abs(law[:, ::2].mean(axis=1) - law[:, 1::2].mean(axis=1))
    return np.asarray(np.maximum(scatter, turns) / law.mean(axis=1))
