"""What a sweep counts at every sample of k∥ and ν.

A phonon that crosses with its own k∥ (of the crystals' primitive cells) is transmitted specularly, any other
diffusely. In a disordered contact the supercell repeats: of N folded k∥ one is the phonon's own, so that even
a contact that forgets all of k∥ transmits 1/N specularly.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from latmm.agf import Junction, Totals, scatter, transmission
from latmm.arrays import Bools, Floats
from latmm.interface.interface import Interface

__all__ = ["CHANNELS", "Measure", "SpecularTransmission", "Transmission", "same_wave_vector"]

CHANNELS: Final = slice(1, 3)
"""Where the channels of the left and of the right crystal stand among the quantities."""


class Measure(Protocol):
    """Quantities counted at samples; the first is the transmission function, see :data:`CHANNELS`."""

    @property
    def quantities(self) -> int:
        """How many."""
        ...

    def bytes_per_sample(self, interface: Interface) -> int:
        """Memory for one sample beside its blocks."""
        ...

    def count(
        self, interface: Interface, lattice: Junction, wave_vectors: Floats, omega: Floats
    ) -> tuple[Floats, Totals]:
        """Quantities (C, S) of samples with blocks, k∥ (S, 2) and ω (S,) of their own, and the checks."""
        ...


@dataclass(frozen=True)
class Transmission:
    """Transmission function and channels of both crystals: sums over modes, which are not kept."""

    quantities: int = 3

    def bytes_per_sample(self, interface: Interface) -> int:
        """None."""
        return 0

    def count(
        self, interface: Interface, lattice: Junction, wave_vectors: Floats, omega: Floats
    ) -> tuple[Floats, Totals]:
        """As of :class:`Measure`."""
        found = transmission(lattice, omega)
        return np.stack([found.transmission, found.channels_left, found.channels_right]), found


@dataclass(frozen=True)
class SpecularTransmission:
    """The same, and fourth what keeps its in-plane wave vector."""

    quantities: int = 4

    def bytes_per_sample(self, interface: Interface) -> int:
        """Modes of both leads and the four blocks of S, complex."""
        size = max(3 * len(surface) for surface in interface.surfaces)
        return 16 * 10 * size**2

    def count(
        self, interface: Interface, lattice: Junction, wave_vectors: Floats, omega: Floats
    ) -> tuple[Floats, Totals]:
        """As of :class:`Measure`."""
        found = scatter(lattice, omega)
        own = same_wave_vector(interface, wave_vectors)  # (S, N_right, N_left)
        t = found.transmitted_left
        right, left = t.shape[1] // own.shape[1], t.shape[2] // own.shape[2]
        power = (t.real**2 + t.imag**2).reshape(len(t), own.shape[1], right, own.shape[2], left)
        specular = (power.sum(axis=(2, 4)) * own).sum(axis=(1, 2))
        totals = found.totals
        counts = [totals.transmission, totals.channels_left, totals.channels_right, specular]
        return np.stack(counts), totals


def same_wave_vector(interface: Interface, wave_vectors: Floats) -> Bools:
    """Mark the pairs of folded k∥ that are one wave vector, (K, N_right, N_left).

    Equal up to a reciprocal vector of either crystal's own lateral cell.
    """
    matched = interface.matched
    laterals = matched.lateral_left, matched.lateral_right
    left, right = (
        interface.folded(side, wave_vectors) @ lateral.T
        for side, lateral in (("left", laterals[0]), ("right", laterals[1]))
    )
    apart = right[:, :, None, :] - left[:, None, :, :]
    steps = [apart @ np.linalg.inv(lateral).T for lateral in laterals]
    by_left, by_right = (np.abs(step - np.rint(step)).max(axis=-1) < 1e-6 for step in steps)
    return np.asarray(by_left | by_right)
