"""Diffuse mismatch: a phonon that reaches the interface forgets where it came from.

Detailed balance then leaves a single answer in any dispersion: the emission into either side is in proportion
to its channels, so that the transmissivity from left to right is M_right/(M_left + M_right) and

    Ξ(ν) = M_left M_right / (M_left + M_right).

Identical crystals: exactly one half. The channels M come from the full dispersion
(:func:`latmm.continuum.channels.channels`) or from Debye's
(:func:`latmm.continuum.acoustic_mismatch.debye_channels`). The radiation limit Ξ = min(M_left, M_right) is
the most that two reservoirs can exchange elastically.

Sources: E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), Secs. II.C-D; P. Reddy, K. Castelino and
A. Majumdar, Appl. Phys. Lett. 87, 211908 (2005) (full dispersion); R. J. Stoner and H. J. Maris, Phys. Rev. B
48, 16373 (1993) (radiation limit).

Symbols: M → ``channels_left``, ``channels_right`` (nm⁻²), Ξ → ``transmission`` (nm⁻²).
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.continuum.acoustic_mismatch import debye_channels
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid, spectrum

__all__ = ["diffuse_mismatch", "diffuse_mismatch_debye", "diffuse_transmission", "radiation_limit"]


def diffuse_transmission(channels_left: ArrayLike, channels_right: ArrayLike) -> Floats:
    """Ξ = M_l M_r/(M_l + M_r), in the units of the channels; zero where either side has none."""
    less, more = np.minimum(channels_left, channels_right), np.maximum(channels_left, channels_right)
    total = less + more
    # in this order the result is symmetric, exactly half for equals and never above the lesser
    share = np.divide(more, total, out=np.zeros_like(total, dtype=float), where=total > 0)
    return np.asarray(less * share)


def diffuse_mismatch(channels_left: ArrayLike, channels_right: ArrayLike, grid: FrequencyGrid) -> xr.Dataset:
    """Diffuse mismatch of two crystals given by their channels.

    Parameters
    ----------
    channels_left, channels_right : (F,) array_like
        M at the nodes of the grid, nm⁻², along the interface normal of each crystal.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`.
    """
    return spectrum(
        grid,
        diffuse_transmission(channels_left, channels_right),
        channels_left,
        channels_right,
        model="dmm",
        description="diffuse mismatch, full phonon dispersion of both crystals",
    )


def diffuse_mismatch_debye(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Diffuse mismatch of two isotropic media on Debye's dispersion, each polarisation up to its cut-off.

    Parameters
    ----------
    left, right : Medium
        Isotropic solids or fluids. For a crystal pass :meth:`Medium.isotropic_average`.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`.
    """
    channels_left, channels_right = debye_channels(left, grid), debye_channels(right, grid)
    return spectrum(
        grid,
        diffuse_transmission(channels_left, channels_right),
        channels_left,
        channels_right,
        model="dmm-debye",
        description="diffuse mismatch, Debye dispersion of both crystals",
    )


def radiation_limit(channels_left: ArrayLike, channels_right: ArrayLike, grid: FrequencyGrid) -> xr.Dataset:
    """Most that two crystals can exchange elastically: Ξ = min(M_left, M_right).

    Parameters as in :func:`diffuse_mismatch`.
    """
    return spectrum(
        grid,
        np.minimum(channels_left, channels_right),
        channels_left,
        channels_right,
        model="radiation",
        description="radiation limit: every channel that both crystals have at a frequency transmits",
    )
