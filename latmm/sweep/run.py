"""Transmission of an interface over the samples of k∥ and ν.

Ξ(ν) = Σ_k∥ w T(k∥, ν)/A with the weights of the window that serves ν; the channels of both crystals are
counted at the same samples. Every sample carries its checks; the worst of each is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import channels, transmission
from latmm.arrays import Bools, Floats
from latmm.interface.build import Interface
from latmm.landauer import FrequencyGrid
from latmm.sweep.junctions import junction
from latmm.sweep.sampling import ELASTIC, Window
from latmm.units import TWO_PI

__all__ = ["SpectralTransmission", "sweep"]

_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""
_NEAR = 5.0
"""The elastic law is read off from the top of its range to this multiple of it: Ξ/ν² holds to 1e-4 there."""
_POINTS = 2048
"""Samples handed to the kernel at once: enough to hide Python's overhead, little enough for progress."""


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


def sweep(
    interface: Interface,
    grid: FrequencyGrid,
    samples: list[Window],
    *,
    common: float,
    progress: Callable[[str, int, int], None] | None = None,
) -> SpectralTransmission:
    """Solve every sample.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    grid : FrequencyGrid
        Frequencies, THz.
    samples : list of Window
        From :func:`latmm.sweep.sampling.windows`.
    common : float
        Top of the band that both crystals share, THz: above it nothing crosses and only channels count.
    progress : callable, optional
        Called with (stage, samples done, samples in all).

    Returns
    -------
    SpectralTransmission
    """
    continuum = grid.frequency < ELASTIC * common
    total = sum(len(w.weights) * int(w.selected.sum()) for w in samples)
    spectra = np.zeros((3, grid.frequency.size))
    worst = np.zeros(3)
    done = resolved = 0
    with threadpool_limits(limits=1, user_api="blas"):
        for window in samples:
            nodes = np.flatnonzero(window.selected)
            shared, above = (nodes[grid.frequency[nodes] < common], nodes[grid.frequency[nodes] >= common])
            size = max(1, _POINTS // nodes.size)
            for start in range(0, len(window.weights), size):
                if progress is not None:
                    progress("modes", done, total)
                part = slice(start, start + size)
                lattice = junction(interface, window.wave_vectors[part])
                weights = window.weights[part] * (_PER_NM2 / interface.area)
                if shared.size:
                    found = transmission(lattice, TWO_PI * grid.frequency[shared])
                    counts = (found.transmission, found.channels_left, found.channels_right)
                    spectra[:, shared] += np.array([weights @ c for c in counts])
                    errors = (
                        found.unitarity,
                        np.abs(found.transmission - found.caroli),
                        found.reciprocity,
                    )
                    worst = np.maximum(worst, [float(e.max()) for e in errors])
                    resolved += int(found.resolved.sum())
                if above.size:
                    omega = TWO_PI * grid.frequency[above]
                    for row, lead in ((1, lattice.left), (2, lattice.right)):
                        spectra[row, above] += weights @ channels(lead, omega)
                done += len(weights) * nodes.size
    _extend(spectra, grid.frequency, continuum)
    if progress is not None:
        progress("modes", total, total)
    return SpectralTransmission(
        spectra[0],
        spectra[1],
        spectra[2],
        unitarity=float(worst[0]),
        caroli=float(worst[1]),
        reciprocity=float(worst[2]),
        samples=total,
        resolved=resolved,
    )


def _extend(spectra: Floats, frequency: Floats, continuum: Bools) -> None:
    """Fill the elastic range in place: Ξ and M are proportional to ν², as sampled just above it."""
    if not continuum.any():
        return
    above = frequency[~continuum]
    near = ~continuum & (frequency < max(_NEAR * above[0], above[min(3, above.size - 1)]))
    prefactor = (spectra[:, near] / frequency[near] ** 2).mean(axis=1)
    spectra[:, continuum] = prefactor[:, None] * frequency[continuum] ** 2
