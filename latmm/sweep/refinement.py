"""From a wish for accuracy to samples: solve, look at the uncertainty, sample more finely, until it is small.

A :class:`Level` is one sampling of an interface with what was found on it. The next one has as many more
points along each axis as the uncertainty suggests, which falls with about the power 3/2 of their number.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Bools, Floats
from latmm.errors import ConvergenceError, InputError
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid, conductance, heat_capacity_weight, temperatures
from latmm.lattice.dynamics import largest_frequency
from latmm.parallel.execution import HERE, Execution
from latmm.sampling.long_wavelength import along_rays, highest_long_wave
from latmm.sampling.meshes import (
    ELASTIC,
    LAW,
    TIME_REVERSAL,
    Window,
    check_sampling,
    frequency_grid,
    relevance,
    staggered,
    windows,
)
from latmm.sweep.accuracy import conductance_error
from latmm.sweep.run import SpectralTransmission, sweep
from latmm.sweep.tasks import Task, cut, seconds_per_sample
from latmm.threads import single_threaded

if TYPE_CHECKING:
    pass

__all__ = ["Level", "Sampling", "check_tolerance", "levels", "solve_level"]

FIRST = (8, 48)
"""k∥ points along an axis and frequencies of the first level."""
_SMALLEST_TOLERANCE = 1e-5
"""Relative error below which the errors of the modes themselves would have to be counted."""
_LARGEST = 512
"""k∥ points along an axis beyond which the search is given up."""
_POWER = 1.5
"""The uncertainty falls with this power of the points along an axis."""
_SATURATED = 0.3
"""Share of the common band up to which channels grow with ν², roughly."""
_FINER = 2
"""k∥ along each axis for long waves in a supercell, in units of those for the rest."""
_LONG = 2.0
"""Waves of the whole zone are long up to this multiple of its lowest frequency."""
_MARGIN = 0.9
"""Share of the tolerance that is aimed at, so that the last step is seldom missed narrowly."""


@dataclass(frozen=True)
class Sampling:
    """Where an interface is sampled.

    Attributes
    ----------
    kmesh : (2,) int
        k∥ points along both axes.
    frequencies : int
        Frequencies in the band that both crystals share.
    grid : FrequencyGrid
        THz.
    samples : list of Window
        k∥ of each frequency.
    common : float
        Top of the band that both crystals share, THz.
    seconds : float
        That a sample takes one core, about.
    """

    kmesh: tuple[int, int]
    frequencies: int
    grid: FrequencyGrid
    samples: list[Window]
    common: float
    seconds: float

    @classmethod
    def of(
        cls,
        interface: Interface,
        kmesh: tuple[int, int],
        frequencies: int,
        *,
        minimum_temperature: float,
        disordered: bool = False,
    ) -> "Sampling":
        """Sample the whole band.

        Parameters
        ----------
        interface : Interface
            The crystals and their contact.
        kmesh : (2,) int
            k∥ points along both axes.
        frequencies : int
            Frequencies in the band that both crystals share.
        minimum_temperature : float
            Lowest temperature, K.
        disordered : bool
            Sample for contacts without symmetry in a lateral supercell. Only T(k∥) = T(−k∥) reduces the
            mesh, which is the same for all frequencies, so that its error cancels in ratios, and finer for
            long waves: of all that folds onto a k∥ near Γ only one carries them.

        Raises
        ------
        InputError
            If the numbers make no sense.
        """
        check_sampling(kmesh, frequencies)
        common, top, long_wavelength = _bands(interface)
        grid = frequency_grid(
            common, top, frequencies, minimum_temperature=minimum_temperature, long_wavelength=long_wavelength
        )
        samples = _samples(interface, grid, kmesh, common, long_wavelength, disordered=disordered)
        return cls(kmesh, frequencies, grid, samples, common, seconds_per_sample(interface))

    @classmethod
    def fitted(cls, interface: Interface, points: int, frequencies: int, temperature: Floats) -> "Sampling":
        """Sample where heat flows at the temperatures (N,), K: no higher, and coarsely where little does."""
        common, top, long_wavelength = _bands(interface)
        minimum_temperature, maximum_temperature = float(temperature.min()), float(temperature.max())
        grid = frequency_grid(
            common,
            top,
            frequencies,
            minimum_temperature=minimum_temperature,
            maximum_temperature=maximum_temperature,
            long_wavelength=long_wavelength,
        )
        kmesh = (points, points)
        samples = _samples(
            interface, grid, kmesh, common, long_wavelength, _importance(grid, temperature, common)
        )
        return cls(kmesh, frequencies, grid, samples, common, seconds_per_sample(interface))

    @property
    def elastic(self) -> Bools:
        """Frequencies of the elastic range, (F,)."""
        return np.asarray(self.grid.frequency < ELASTIC * self.common)

    @property
    def tasks(self) -> list[Task]:
        """The work, cut into pieces."""
        return cut(self.grid, self.samples, common=self.common, seconds=self.seconds)


@dataclass(frozen=True)
class Level:
    """A sampling and what was found on it.

    Attributes
    ----------
    sampling : Sampling
        Where.
    solved : SpectralTransmission
        Ξ and M.
    conductance, error : (N,) float
        Two-probe conductance of the lattice and its uncertainty, W m⁻² K⁻¹.
    seconds : float
        Time it took.
    """

    sampling: Sampling
    solved: SpectralTransmission
    conductance: Floats
    error: Floats
    seconds: float

    @property
    def relative_error(self) -> float:
        """Largest uncertainty of all temperatures, relative to the conductance."""
        return float(np.max(self.error / self.conductance))


def _bands(interface: Interface) -> tuple[float, float, float]:
    """Top of the band that both crystals share, of the wider band, and of long waves, THz."""
    tops = [largest_frequency(crystal) for crystal in (interface.left, interface.right)]
    return min(tops), max(tops), highest_long_wave(interface, min(tops))


def _samples(
    interface: Interface,
    grid: FrequencyGrid,
    kmesh: tuple[int, int],
    common: float,
    long_wavelength: float,
    importance: Floats | None = None,
    *,
    disordered: bool = False,
) -> list[Window]:
    rotations = TIME_REVERSAL if disordered else interface.rotations
    finer = _FINER if disordered else 1
    meshes = dict.fromkeys([(factor * kmesh[0], factor * kmesh[1]) for factor in (finer, 1)])
    found: list[Window] = []
    for number, mesh in enumerate(meshes):
        plain = windows(
            interface.left,
            interface.right,
            grid,
            mesh,
            rotations,
            common=common,
            folded=lambda side, k: interface.folded(("left", "right")[side], k),
            above=long_wavelength,
        )
        if disordered:  # smaller windows, and the zone where its waves are long, get the finer mesh
            below = grid.frequency < _LONG * grid.frequency[plain[0].selected][0]
            here = replace(plain[0], selected=plain[0].selected & (below if number == 0 else ~below))
            plain = [here, *plain[1:]] if number == 0 else [here]
        found += plain if disordered else staggered(plain, mesh, rotations, importance=importance)
    long = np.asarray((grid.frequency >= ELASTIC * common) & (grid.frequency < long_wavelength))
    points = np.where(long, finer * max(kmesh), 0)
    if importance is not None:
        points = np.ceil(points * relevance(importance)).astype(int)
    return [*found, *along_rays(interface, grid, points, rotations)]


def _importance(grid: FrequencyGrid, temperature: Floats, common: float) -> Floats:
    """Share of the heat that each frequency stands for, (F,), at the temperature that needs it most."""
    nu = grid.frequency
    # channels of a crystal grow with ν² and then stay
    channels = np.minimum(nu, _SATURATED * common) ** 2
    heat = grid.weight * channels * heat_capacity_weight(nu, temperature[:, None])
    share = heat / heat.sum(axis=1, keepdims=True)
    elastic, law = nu < ELASTIC * common, (nu >= ELASTIC * common) & (nu <= LAW * ELASTIC * common)
    share[:, law] += share[:, elastic].sum(axis=1, keepdims=True) / max(1, law.sum())
    return np.asarray(share.max(axis=0))


def check_tolerance(tolerance: float) -> None:
    """Check a relative error.

    Raises
    ------
    InputError
        If it is not between 1e-5 and 1: below, the modes themselves are not that exact.
    """
    if not _SMALLEST_TOLERANCE <= tolerance < 1.0:
        raise InputError(
            f"`tol` must be a relative error between {_SMALLEST_TOLERANCE:g} and 1, but is {tolerance:g}; "
            "use e.g. 0.01"
        )


@single_threaded
def solve_level(
    interface: Interface,
    sampling: Sampling,
    temperature: ArrayLike,
    *,
    how: Execution = HERE,
) -> Level:
    """Solve a sampling; the conductance at ``temperature`` (N,), K, and its uncertainty come with it."""
    started = time.monotonic()
    grid = sampling.grid
    solved = sweep(
        interface,
        grid,
        sampling.samples,
        common=sampling.common,
        how=how,
    )
    error = conductance_error(
        grid,
        solved.transmission,
        temperature,
        elastic=sampling.elastic,
        elastic_error=solved.elastic_error[0],
    )
    g = conductance(grid, solved.transmission, temperature)
    return Level(sampling, solved, g, error, time.monotonic() - started)


def levels(
    interface: Interface,
    temperature: ArrayLike,
    tolerance: float,
    *,
    how: Execution = HERE,
) -> Iterator[Level]:
    """Sample more and more finely until the uncertainty is within the tolerance at every temperature.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    temperature : (N,) array_like
        T, K.
    tolerance : float
        Relative error of the two-probe conductance.
    how : Execution
        As in :func:`latmm.sweep.run.sweep`.

    Yields
    ------
    Level
        The last one is within the tolerance.

    Raises
    ------
    InputError
        If the tolerance makes no sense.
    ConvergenceError
        If no sampling of bearable size reaches it.
    """
    check_tolerance(tolerance)
    t = temperatures(temperature)
    points, frequencies = FIRST
    while points <= _LARGEST:
        sampling = Sampling.fitted(interface, points, frequencies, t)
        level = solve_level(interface, sampling, t, how=how)
        yield level
        if level.relative_error <= tolerance:
            return
        factor = (level.relative_error / (_MARGIN * tolerance)) ** (1.0 / _POWER)
        factor = min(max(factor, 1.2), 3.0)
        # even numbers: both meshes of a level keep clear of each other
        points, frequencies = (2 * int(np.ceil(0.5 * factor * n)) for n in (points, frequencies))
    raise ConvergenceError(
        f"the conductance is still uncertain by {100 * level.relative_error:.2g} % with "
        f"{level.sampling.kmesh[0]} k∥ points along each axis; choose a larger `tol` than {tolerance:g}"
    )
