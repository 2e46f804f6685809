"""Where a mismatch model is wrong: the conductance of lattice and models, phonon by phonon and bin by bin.

Four conductances are told apart, each a sum over the same bins of branch, angle or frequency:

- ``agf``: the lattice, Σ (share of the phonon in the heat flow) · 𝒯;
- ``dmm``: the lattice's own phonons with the transmissivity of diffuse mismatch;
- ``amm-phonons``: the lattice's own phonons with the transmissivity of their elastic counterparts;
- ``amm``: acoustic mismatch as it is meant, elastic waves up to their cut-offs (``latmm amm``).

So the error of acoustic mismatch is one of transmissivity (``amm-phonons`` − ``agf``) and one of counting
(``amm`` − ``amm-phonons``), and both are known for every bin.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.interface.interface import SIDES
from latmm.landauer import FrequencyGrid, conductance, temperatures
from latmm.modes.contributions import QUANTITIES, phonon_conductance

__all__ = ["BY", "MODELS", "budget"]

MODELS = {
    "agf": "lattice",
    "dmm": "diffuse mismatch",
    "amm-phonons": "elastic transmissivity on the lattice's phonons",
    "amm": "acoustic mismatch, elastic waves",
}
"""What the conductances of a budget are."""
BY = ("branch", "angle", "frequency")
"""What a budget may be split by."""
_COLUMNS = {"agf": "transmissivity", "dmm": "transmissivity_dmm", "amm-phonons": "transmissivity_amm"}


def budget(
    tree: xr.DataTree,
    elastic: Sequence[xr.DataArray],
    temperature: ArrayLike,
    by: str,
    *,
    bins: int = 6,
) -> xr.DataArray:
    """Split the conductances of lattice and models over branches, angles or frequencies.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.modes.continuum.beside_phonons`.
    elastic : sequence of two xarray.DataArray
        From the left and from the right, of :func:`latmm.modes.elastic.elastic_transmission`; its angles are
        a multiple of ``bins``.
    temperature : (T,) array_like
        K.
    by : {"branch", "angle", "frequency"}
        What to split by; angles from 0 to 90 degrees and frequencies up to the highest that crosses are split
        into equal bins.
    bins : int
        Their number.

    Returns
    -------
    xarray.DataArray
        Over (model, temperature, side, ``by``), W m⁻² K⁻¹; for angles and frequencies the coordinate is the
        upper end of the bin. The sum over ``by`` is the conductance of the model.

    Raises
    ------
    InputError
        If ``by`` is unknown, or the bins do not fit those of the elastic waves.
    """
    if by not in BY:
        raise InputError(f"a budget is split by {', '.join(BY)}, but not by {by!r}")
    if by == "angle" and elastic[0].sizes["angle"] % bins:
        raise InputError(
            f"{bins} bins do not divide the {elastic[0].sizes['angle']} angles of the elastic waves"
        )
    t = temperatures(temperature)
    ends = _ends(tree, elastic, by, bins)
    values = np.zeros((len(MODELS), t.size, len(SIDES), ends.size))
    for side, name in enumerate(SIDES):
        table = tree[name].to_dataset()
        place = _places(table, by, ends)
        for model, column in _COLUMNS.items():
            share = phonon_conductance(table, t, column).values.reshape(t.size, -1)
            row = list(MODELS).index(model)
            for i in range(t.size):
                values[row, i, side] = np.bincount(place, share[i], minlength=ends.size)
        values[-1, :, side] = _elastic_shares(elastic[side], t, by, ends)
    units, long_name = QUANTITIES.get(by, ("1", "branch"))
    return xr.DataArray(
        values,
        dims=("model", "temperature", "side", by),
        coords={
            "model": ("model", list(MODELS), {"units": "1", "long_name": "lattice or model"}),
            "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
            "side": ("side", list(SIDES), {"units": "1", "long_name": "crystal that phonons come from"}),
            by: (by, ends, {"units": units, "long_name": long_name}),
        },
        name="conductance",
        attrs={"units": "W m-2 K-1", "long_name": f"share of the {by} in the conductance"},
    )


def _ends(tree: xr.DataTree, elastic: Sequence[xr.DataArray], by: str, bins: int) -> Floats | Integers:
    """Branches, or upper ends of the bins."""
    if by == "branch":
        return np.arange(max(tree[side].sizes["branch"] for side in SIDES))
    if by == "angle":
        return 90.0 * np.arange(1, bins + 1) / bins
    crossing = [
        float(table["frequency"].where(table["transmissivity"] > 0).max())
        for table in (tree[side].to_dataset() for side in SIDES)
    ]
    waves = [float(x["frequency"].where(x.sum(("branch", "angle")) > 0).max()) for x in elastic]
    return np.asarray(np.nanmax([*crossing, *waves]) * np.arange(1, bins + 1) / bins)


def _places(table: xr.Dataset, by: str, ends: Floats | Integers) -> Integers:
    """Bin of every phonon, flat."""
    if by == "branch":
        return np.tile(table["branch"].values, table.sizes["qpoint"])
    return np.minimum(np.searchsorted(ends, table[by].values.ravel()), ends.size - 1)


def _elastic_shares(transmission: xr.DataArray, t: Floats, by: str, ends: Floats | Integers) -> Floats:
    """Conductance (T, bins) of elastic waves."""
    nu = transmission["frequency"].values
    grid = FrequencyGrid(nu, np.full(nu.size, nu[1] - nu[0]))
    if by == "frequency":
        place = np.minimum(np.searchsorted(ends, grid.frequency), ends.size - 1)
        inside = place == np.arange(ends.size)[:, None]
        spectra = inside * transmission.sum(("branch", "angle")).values
    elif by == "angle":
        spectra = transmission.sum("branch").values.reshape(ends.size, -1, grid.frequency.size).sum(axis=1)
    else:
        spectra = np.zeros((ends.size, grid.frequency.size))
        spectra[: transmission.sizes["branch"]] = transmission.sum("angle").values
    return conductance(grid, spectra, t).T
