"""The estimate by impedances alone: every wave crosses as if it met the interface at right angles.

With Z = ρv of a polarisation on both sides,

    τ = 4 Z₁ Z₂/(Z₁ + Z₂)²,      Ξ(ν) = Σ_p τ_p min[M_left,p(ν), M_right,p(ν)],

the channels of Debye's dispersion that both sides have, each with the transmissivity at normal incidence. Two
like media give the radiation limit.

Source of τ: W. A. Little, Can. J. Phys. 37, 334 (1959); E. T. Swartz and R. O. Pohl, Rev. Mod. Phys. 61, 605
(1989), Sec. II.B. Both from memory.
"""

import numpy as np
import xarray as xr

from latmm.continuum.amm import debye_channels
from latmm.continuum.cutoffs import truncated_square_law
from latmm.continuum.media import Medium
from latmm.landauer import FrequencyGrid, spectrum

__all__ = ["impedance_mismatch"]


def impedance_mismatch(left: Medium, right: Medium, grid: FrequencyGrid) -> xr.Dataset:
    """Transmissivity of normal incidence on the channels of Debye's dispersion that both sides have.

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
    speeds = np.array([[one.speeds[0], one.speeds[1], one.speeds[1]] for one in (left, right)])
    impedance = speeds * np.array([[left.density], [right.density]])
    total = impedance.sum(axis=0)
    tau = np.divide(4.0 * impedance.prod(axis=0), total**2, out=np.zeros(3), where=total > 0)
    fastest = speeds.max(axis=0)
    coefficients = np.divide(tau, 4.0 * np.pi * fastest**2, out=np.zeros(3), where=fastest > 0)
    # a fluid's missing transverse waves have the coefficient zero: any cut-off will do
    limits = [np.resize(medium.debye_frequencies(), 3) for medium in (left, right)]
    return spectrum(
        grid,
        truncated_square_law(grid, coefficients, np.minimum(*limits)),
        debye_channels(left, grid),
        debye_channels(right, grid),
        model="impedance",
        description="transmissivity of normal incidence, channels of Debye's dispersion",
    )
