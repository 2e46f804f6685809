"""Diffuse mismatch: a phonon that reaches the interface forgets where it came from.

Detailed balance then leaves a single answer in any dispersion: the emission into either side is in proportion
to its channels, so that the transmissivity from left to right is M_right/(M_left + M_right) and

    Ξ(ν) = M_left M_right / (M_left + M_right).

Identical crystals: exactly one half. The channels M come from the full dispersion
(:func:`latmm.continuum.dispersion.channels`) or from Debye's
(:func:`latmm.continuum.amm.debye_channels`). The radiation limit Ξ = min(M_left, M_right) is
the most that two reservoirs can exchange elastically by the channels that are counted: that of the lattice's
channels does not bound a model of Debye's.

Sources: E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605 (1989), Secs. II.C-D [abstract read]; P.
Reddy, K. Castelino and A. Majumdar, Appl. Phys. Lett. 87, 211908 (2005) (full dispersion) [from memory]; R.
J. Stoner and H. J. Maris, Phys. Rev. B 48, 16373 (1993) (radiation limit) [abstract read].

Variants, each under its own name:

- *branch by branch* (``dmm-branch``): the same law class by class, first, second and third branch in order
  of frequency at each wave vector, and all others together: Ξ = Σ_b M_l,b M_r,b/(M_l,b + M_r,b). Long waves
  along symmetry directions are slow and fast quasi-transverse and quasi-longitudinal in this order;
  elsewhere the classes are no polarisations. That polarisation be kept is an old variant (L. De Bellis, P.
  E. Phelan and R. S. Prasher, J. Thermophys. Heat Transfer 14, 144 (2000) [from memory]); the order of
  frequency in its place is a choice of this package.
- *inelastic, heat capacities balanced* (``dmm-inelastic``): 1/G = 1/G_M,left + 1/G_M,right, the
  transmissivity C₂v₂/(C₁v₁ + C₂v₂) of G. Chen, Phys. Rev. B 57, 14958 (1998) [from memory], from detailed
  balance of what a small difference of temperature makes either side emit. It never exceeds either's G_M.
- *inelastic, total energies balanced* (``dmm-inelastic-energy``): the transmissivity U₂v₂/(U₁v₁ + U₂v₂) of
  C. Dames and G. Chen, J. Appl. Phys. 95, 682 (2004) [from memory], from detailed balance of all that either
  side emits at T: G = d/dT [F_l F_r/(F_l + F_r)], with F = ∫ hν n Ξ dν and Ξ = M. Where one side is nearly
  saturated and the other is not, this exceeds G_M of the former: Pb | diamond on Debye's dispersion, 300 K,
  482 MW m⁻² K⁻¹ where that of lead is 443; heat capacities balanced give 389.
- *inelastic radiation limit*: everything that the side with fewer channels emits is absorbed, at whatever
  frequency: G = min(G_M,left, G_M,right) (P. E. Hopkins, P. M. Norris and R. J. Stevens, J. Heat Transfer
  130, 022401 (2008) [from memory], with the full dispersion here). No passive contact can do better.
- *joint frequency* (P. E. Hopkins and P. M. Norris, Nanoscale Microscale Thermophys. Eng. 11, 247 (2007)):
  the emitting side vibrates with a joint spectrum of both; see :func:`joint_frequency_diffuse_mismatch`. The
  weights of the paper could not be looked up; those used here are from memory.

Where the joint frequency's model or that of total energies exceeds min(G_M,left, G_M,right),
:func:`latmm.continuum.combined.survey` gives no number.

Symbols: M → ``channels_left``, ``channels_right`` (nm⁻²), Ξ → ``transmission`` (nm⁻²).
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.continuum.amm import debye_channels
from latmm.continuum.cutoffs import PARTS, cell_parts
from latmm.continuum.media import Medium
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, conductance, phonon_energy, spectrum, temperatures

__all__ = [
    "debye_radiation_limit",
    "diffuse_mismatch",
    "diffuse_mismatch_by_branch",
    "diffuse_mismatch_debye",
    "diffuse_transmission",
    "energy_balanced_conductance",
    "inelastic_diffuse_conductance",
    "inelastic_radiation_conductance",
    "joint_frequency_diffuse_mismatch",
    "radiation_limit",
]


def diffuse_transmission(channels_left: ArrayLike, channels_right: ArrayLike) -> Floats:
    """Ξ = M_l M_r/(M_l + M_r), in the units of the channels; zero where either side has none."""
    less, more = np.minimum(channels_left, channels_right), np.maximum(channels_left, channels_right)
    total = less + more
    # in this order the result is symmetric, exactly half for equals and never above the lesser
    fraction = np.divide(more, total, out=np.zeros_like(total, dtype=float), where=total > 0)
    return np.asarray(less * fraction)


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
    return spectrum(
        grid,
        _over_cells(diffuse_transmission, left, right, grid),
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="dmm-debye",
        description="diffuse mismatch, Debye dispersion of both crystals",
    )


def debye_radiation_limit(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Radiation limit of two isotropic media on Debye's dispersion.

    Parameters as in :func:`diffuse_mismatch_debye`.
    """
    return spectrum(
        grid,
        _over_cells(np.minimum, left, right, grid),
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="radiation-debye",
        description="radiation limit of the channels of Debye's dispersion",
    )


def _over_cells(
    rule: Callable[[Floats, Floats], Floats], left: Medium, right: Medium, grid: FrequencyGrid
) -> Floats:
    """Mean over every node's cell (F,), nm⁻², of a rule for both sides' channels, Debye's dispersion."""
    parts = cell_parts(grid)
    fractions = [
        debye_channels(medium, parts).reshape(-1, PARTS) / parts.frequency.reshape(-1, PARTS) ** 2
        for medium in (left, right)
    ]
    return np.asarray(grid.frequency**2 * rule(*fractions).mean(axis=1))


def radiation_limit(channels_left: ArrayLike, channels_right: ArrayLike, grid: FrequencyGrid) -> xr.Dataset:
    """Most that two crystals can exchange elastically by these channels: Ξ = min(M_left, M_right).

    Parameters as in :func:`diffuse_mismatch`.
    """
    return spectrum(
        grid,
        np.minimum(channels_left, channels_right),
        channels_left,
        channels_right,
        model="radiation",
        description="radiation limit of the lattice's channels: every channel that both have transmits",
    )


def diffuse_mismatch_by_branch(
    branches_left: ArrayLike, branches_right: ArrayLike, grid: FrequencyGrid
) -> xr.Dataset:
    """Diffuse mismatch that keeps the branch, in order of frequency.

    Parameters
    ----------
    branches_left, branches_right : (B, F) array_like
        Channels by branch, nm⁻² (:func:`latmm.continuum.dispersion.branch_channels`). The first three are
        matched one by one, the optical rest as a whole.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table, see :func:`latmm.landauer.spectrum`.
    """
    left, right = (
        np.concatenate([b[:3], b[3:].sum(axis=0, keepdims=True)])
        for b in (np.asarray(branches_left, dtype=float), np.asarray(branches_right, dtype=float))
    )
    return spectrum(
        grid,
        diffuse_transmission(left, right).sum(axis=0),
        left.sum(axis=0),
        right.sum(axis=0),
        model="dmm-branch",
        description="diffuse mismatch branch by branch in order of frequency, full phonon dispersion",
    )


def inelastic_diffuse_conductance(
    channels_left: ArrayLike, channels_right: ArrayLike, grid: FrequencyGrid, temperature: ArrayLike
) -> Floats:
    """Conductance (N,), W m⁻² K⁻¹, where heat forgets its origin and its frequency: G_l G_r/(G_l + G_r).

    Detailed balance of heat capacities (Chen 1998, see the module).

    Parameters
    ----------
    channels_left, channels_right : (F,) array_like
        M, nm⁻².
    grid : FrequencyGrid
        Frequencies, THz.
    temperature : (N,) array_like
        K.
    """
    left, right = (conductance(grid, m, temperature) for m in (channels_left, channels_right))
    return diffuse_transmission(left, right)


def energy_balanced_conductance(
    channels_left: ArrayLike, channels_right: ArrayLike, grid: FrequencyGrid, temperature: ArrayLike
) -> Floats:
    """Conductance (N,), W m⁻² K⁻¹, by detailed balance of total energies (Dames and Chen 2004).

    With F the flux that a side emits and τ = F_r/(F_l + F_r) the transmissivity from the left,
    d/dT [F_l F_r/(F_l + F_r)] = τ² G_l + (1 − τ)² G_r. It may exceed either side's G.

    Parameters as in :func:`inelastic_diffuse_conductance`.
    """
    t = temperatures(temperature)
    energy = phonon_energy(grid.frequency[:, None], t) * grid.weight[:, None]
    emitted = [np.asarray(m, dtype=float) @ energy for m in (channels_left, channels_right)]
    left, right = (conductance(grid, m, t) for m in (channels_left, channels_right))
    fraction = emitted[1] / (emitted[0] + emitted[1])
    return np.asarray(fraction**2 * left + (1.0 - fraction) ** 2 * right)


def inelastic_radiation_conductance(
    channels_left: ArrayLike, channels_right: ArrayLike, grid: FrequencyGrid, temperature: ArrayLike
) -> Floats:
    """Most that two crystals can exchange, inelastic channels included: min(G_M,left, G_M,right).

    Parameters as in :func:`inelastic_diffuse_conductance`; W m⁻² K⁻¹.
    """
    left, right = (conductance(grid, m, temperature) for m in (channels_left, channels_right))
    return np.minimum(left, right)


def joint_frequency_diffuse_mismatch(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Joint-frequency diffuse mismatch of isotropic media; its weights are not checked against the paper.

    The side with the slower waves vibrates, next to the interface, with a joint Debye spectrum of both:
    speeds c_j = ξ_l c_l,j + ξ_r c_r,j and cell density n = ξ_l n_l + ξ_r n_r, where ξ is each side's fraction
    of the cells in equal volumes. Between the joint spectrum and the faster side detailed balance holds as
    usual. As the joint spectrum reaches beyond the cut-off of the slower side, so does the transfer:
    frequencies that the slower crystal has only by inelastic processes take part, and the result may exceed
    the elastic radiation limit, and even what the slower side emits, as no passive contact can: Pb | diamond
    at 300 K has 1411 MW m⁻² K⁻¹, where lead emits 443.

    Parameters
    ----------
    left, right : Medium
        Isotropic solids with finite cell densities.
    grid : FrequencyGrid
        Frequencies, THz.

    Returns
    -------
    xarray.Dataset
        The common table; its channels are those of the two media.

    Raises
    ------
    InputError
        If a medium is a fluid or has no cell density.
    """
    for medium in (left, right):
        if medium.is_fluid or not np.isfinite(medium.cell_density):
            raise InputError(
                f"the joint-frequency model needs solids with a cell density, but {medium.name} is not"
            )
    cells = np.array([left.cell_density, right.cell_density])
    fraction = cells / cells.sum()
    speeds = np.array([left.speeds, right.speeds])
    joint = Medium.isotropic(
        1.0,
        *(float(c) for c in fraction @ speeds),
        cell_density=float(fraction @ cells),
        name="joint spectrum",
    )
    slower = int(np.argmax(speeds[:, 0] ** -2.0 + 2.0 * speeds[:, 1] ** -2.0))
    transmission = _over_cells(diffuse_transmission, joint, (right, left)[slower], grid)
    return spectrum(
        grid,
        transmission,
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="dmm-joint-frequency",
        description="joint-frequency diffuse mismatch (inelastic), Debye dispersion",
    )
