"""Transmission with and without the in-plane wave vector it came with.

A phonon that crosses with its own k∥ (of the crystals' primitive cells) is transmitted specularly, any other
diffusely. In a disordered contact the supercell repeats: of N folded k∥ one is the phonon's own, so that even
a contact that forgets all of k∥ transmits 1/N specularly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import scatter
from latmm.arrays import Bools, Floats
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.sweep.junctions import junction
from latmm.sweep.sampling import Window
from latmm.units import TWO_PI

__all__ = ["SplitTransmission", "extend", "same_wave_vector", "split_transmission"]

_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""
_NEAR = 5.0
"""The elastic law is read off up to this multiple of the lowest frequency sampled."""
_BATCH_BYTES = 256 * 2**20
"""Memory for the scattering matrices of points that are solved together."""


@dataclass(frozen=True)
class SplitTransmission:
    """Ξ(ν) of a contact, and the part of it that keeps k∥.

    Attributes
    ----------
    transmission, specular : (F,) float
        nm⁻²; zero above the common band of both crystals.
    channels_left, channels_right : (F,) float
        Of both crystals at the same samples, nm⁻²; zero there, too.
    unitarity, reciprocity : float
        Largest |S†S − 1| and |T(left → right) − T(right → left)|.
    """

    transmission: Floats
    specular: Floats
    channels_left: Floats
    channels_right: Floats
    unitarity: float
    reciprocity: float


def split_transmission(
    interface: Interface,
    grid: FrequencyGrid,
    samples: Sequence[Window],
    *,
    common: float,
    progress: Callable[[str, int, int], None] | None = None,
) -> SplitTransmission:
    """Solve every sample below the top of the common band, with one BLAS thread.

    Parameters
    ----------
    interface : Interface
        The contact, in a lateral supercell.
    grid : FrequencyGrid
        Frequencies, THz.
    samples : sequence of Window
        From :func:`latmm.sweep.sampling.windows`. Below their frequencies Ξ ∝ ν² as it is just above.
    common : float
        Top of the band that both crystals share, THz.
    progress : callable, optional
        Called with (stage, k∥ done, in all).
    """
    report = progress if progress is not None else (lambda stage, done, total: None)
    total, done = sum(len(window.weights) for window in samples), 0
    report("modes", done, total)
    spectra = np.zeros((4, grid.frequency.size))
    sampled = np.zeros(grid.frequency.size, dtype=bool)
    worst = np.zeros(2)
    with threadpool_limits(limits=1, user_api="blas"):
        for window in samples:
            sampled |= window.selected
            nodes = np.flatnonzero(window.selected & (grid.frequency < common))
            for k, weight in zip(window.wave_vectors, window.weights, strict=True):
                found, errors = _solve(interface, k[None], TWO_PI * grid.frequency[nodes])
                spectra[:, nodes] += weight * _PER_NM2 / interface.area * found
                worst = np.maximum(worst, errors)
                done += 1
                report("modes", done, total)
    extend(spectra, grid.frequency, sampled)
    whole, specular, left, right = spectra
    return SplitTransmission(whole, specular, left, right, float(worst[0]), float(worst[1]))


def extend(spectra: Floats, frequency: Floats, sampled: Bools) -> None:
    """Fill the elastic range of spectra (S, F) in place: proportional to ν², as sampled just above."""
    first = int(np.argmax(sampled))
    near = slice(first, max(first + 1, int(np.searchsorted(frequency, _NEAR * frequency[first]))))
    prefactor = (spectra[:, near] / frequency[near] ** 2).mean(axis=1)
    spectra[:, :first] = prefactor[:, None] * frequency[:first] ** 2


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


def _solve(interface: Interface, k: Floats, omega: Floats) -> tuple[Floats, Floats]:
    """T, its specular part and the channels (4, F) at one k∥ (1, 2), and the errors (2,)."""
    lattice = junction(interface, k)
    own = same_wave_vector(interface, k)[0]
    size = max(lattice.left.size, lattice.right.size)
    step = max(1, _BATCH_BYTES // (16 * 10 * size**2))
    columns, worst = [], np.zeros(2)
    for start in range(0, omega.size, step):
        found = scatter(lattice, omega[start : start + step])
        t = found.transmitted_left[0]
        share = (t.real**2 + t.imag**2).reshape(
            len(t), own.shape[0], -1, own.shape[1], t.shape[2] // own.shape[1]
        )
        between = share.sum(axis=(2, 4))
        totals = found.totals
        columns.append(
            np.array(
                [
                    totals.transmission[0],
                    between[:, own].sum(axis=-1),
                    totals.channels_left[0],
                    totals.channels_right[0],
                ]
            )
        )
        worst = np.maximum(worst, [totals.unitarity.max(), totals.reciprocity.max()])
    return np.concatenate(columns, axis=1) if columns else np.zeros((4, 0)), worst
