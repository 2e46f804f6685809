"""Conductance traced to its phonons: shares by mode, and what accumulates with frequency, angle or speed.

As a sum over the Brillouin zone, in which half of all phonons run to the contact,

    G = ½ Σ_q w_q Σ_b hν (∂n/∂T) |v_z| 𝒯/V,

and as a sum over the rows of a mode table, G = Σ weight · frequency_weight · hν (∂n/∂T) 𝒯.
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.interface.interface import SIDES
from latmm.landauer import heat_capacity_weight, temperatures

__all__ = ["QUANTITIES", "accumulation", "conductances", "mode_conductance", "phonon_conductance"]

QUANTITIES = {
    "frequency": ("THz", "phonon frequency"),
    "angle": ("degree", "angle of the group velocity to the interface normal"),
    "speed": ("km s-1", "magnitude of the group velocity"),
}
"""What conductance accumulates with: units and name."""


def phonon_conductance(
    table: xr.Dataset, temperature: ArrayLike, name: str = "transmissivity"
) -> xr.DataArray:
    """Share of each phonon in the conductance.

    Parameters
    ----------
    table : xarray.Dataset
        A side of :func:`latmm.modes.q_mesh.transmissivities`.
    temperature : (T,) array_like
        K.
    name : str
        Variable with the transmissivity: of the lattice, or of a continuum model beside it. Not a number
        counts as nothing.

    Returns
    -------
    xarray.DataArray
        Over (temperature, qpoint, branch), W m⁻² K⁻¹: its sum over the last two is the conductance.
    """
    t = temperatures(temperature)
    capacity = heat_capacity_weight(np.maximum(table["frequency"].values, 0.0), t[:, None, None])  # J/K
    speed = np.abs(table["group_velocity"].values[..., 2]) * 1e3  # m/s
    per_volume = 0.5 * table["weight"].values[:, None] / (table.attrs["volume"] * 1e-30)
    share = capacity * speed * per_volume * np.nan_to_num(table[name].values)
    return xr.DataArray(
        share,
        dims=("temperature", "qpoint", "branch"),
        coords={
            "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
            "branch": table["branch"],
        },
        name="conductance",
        attrs={"units": "W m-2 K-1", "long_name": "share of the phonon in the conductance"},
    )


def conductances(tree: xr.DataTree, temperature: ArrayLike) -> dict[str, dict[str, list[float]]]:
    """Conductances, W m⁻² K⁻¹, summed over the phonons of each side: model → side → by temperature.

    ``amm-phonons`` gives the lattice's phonons the transmissivity of elastic waves; acoustic mismatch, which
    counts elastic waves instead, is in :func:`latmm.modes.differences.budget`.
    """
    found = {}
    for model, name in (("agf", ""), ("dmm", "_dmm"), ("amm-phonons", "_amm")):
        if f"transmissivity{name}" in tree[SIDES[0]]:
            found[model] = {
                side: phonon_conductance(tree[side].to_dataset(), temperature, f"transmissivity{name}")
                .sum(("qpoint", "branch"))
                .values.tolist()
                for side in SIDES
            }
    return found


def mode_conductance(
    table: xr.Dataset, temperature: ArrayLike, *, side: str = "left", name: str = "transmissivity"
) -> xr.DataArray:
    """Share of each row of a mode table in the conductance.

    Parameters
    ----------
    table : xarray.Dataset
        From :func:`latmm.modes.table.mode_table`.
    temperature : (T,) array_like
        K.
    side : {"left", "right"}
        Phonons of this side are counted; those of the other have no share.
    name : str
        Variable with the transmissivity. Not a number counts as nothing.

    Returns
    -------
    xarray.DataArray
        Over (temperature, mode), W m⁻² K⁻¹: its sum over modes is the conductance.
    """
    t = temperatures(temperature)
    capacity = heat_capacity_weight(table["frequency"].values, t[:, None])
    counted = (table["side"].values == SIDES.index(side)) * table["weight"].values
    crossing = counted * table["frequency_weight"].values * np.nan_to_num(table[name].values)
    return xr.DataArray(
        capacity * crossing * 1e30,  # THz nm⁻² = 1e30 s⁻¹ m⁻²
        dims=("temperature", "mode"),
        coords={"temperature": ("temperature", t, {"units": "K", "long_name": "temperature"})},
        name="conductance",
        attrs={"units": "W m-2 K-1", "long_name": "share of the mode in the conductance"},
    )


def accumulation(
    table: xr.Dataset,
    temperature: ArrayLike,
    by: str,
    *,
    steps: int = 100,
    name: str = "transmissivity",
) -> xr.DataArray:
    """Conductance of all phonons up to a frequency, an angle or a speed, branch by branch.

    Parameters
    ----------
    table : xarray.Dataset
        A mode table (its left phonons are counted), or one side of
        :func:`latmm.modes.q_mesh.transmissivities`.
    temperature : (T,) array_like
        K.
    by : {"frequency", "angle", "speed"}
        Quantity to accumulate with.
    steps : int
        Values of it between zero and the largest.
    name : str
        Variable with the transmissivity.

    Returns
    -------
    xarray.DataArray
        Over (temperature, branch, ``by``), W m⁻² K⁻¹. The sum over branches at the last value is the
        conductance.

    Raises
    ------
    InputError
        If the quantity is unknown.
    """
    if by not in QUANTITIES:
        raise InputError(f"conductance accumulates with {', '.join(QUANTITIES)}, but not with {by!r}")
    if "mode" in table.dims:
        share, branch = mode_conductance(table, temperature, name=name), table["branch"].values
    else:
        share = phonon_conductance(table, temperature, name)
        branch = np.broadcast_to(table["branch"].values, table["frequency"].shape)
    values = _quantity(table, by).ravel()
    flat = share.values.reshape(len(share["temperature"]), -1)
    edges = np.linspace(0.0, 90.0 if by == "angle" else float(values.max(initial=0.0)), steps + 1)[1:]
    place = np.minimum(np.searchsorted(edges, values), steps - 1)
    branches = np.arange(int(branch.max(initial=0)) + 1)
    total = np.zeros((len(flat), branches.size, steps))
    for row, contribution in zip(total, flat, strict=True):
        np.add.at(row, (branch.ravel(), place), contribution)
    units, long_name = QUANTITIES[by]
    return xr.DataArray(
        np.cumsum(total, axis=-1),
        dims=("temperature", "branch", by),
        coords={
            "temperature": share["temperature"],
            "branch": ("branch", branches, {"units": "1", "long_name": "branch"}),
            by: (by, edges, {"units": units, "long_name": long_name}),
        },
        name="conductance",
        attrs={"units": "W m-2 K-1", "long_name": f"conductance of phonons up to this {by}"},
    )


def _quantity(table: xr.Dataset, by: str) -> Floats:
    if by == "speed":
        return np.asarray(np.linalg.norm(table["group_velocity"].values.astype(float), axis=-1))
    return np.asarray(table[by].values, dtype=float)
