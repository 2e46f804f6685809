"""What a stored result still knows: conductances at other temperatures, other units.

A result keeps Ξ(ν), M_left(ν) and M_right(ν) of every model on the nodes of one quadrature, so that
Landauer's integral can be taken again at any temperature that the nodes resolve. That is judged by the law of
long waves: a temperature is resolved where the quadrature gives ∫ f(ν) hν ∂n/∂T dν within 1 %, with f = ν²
that fades in the upper half of the band.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Bools, Floats
from latmm.errors import InputError
from latmm.landauer import (
    FrequencyGrid,
    conductance,
    conductances_and_resistances,
    four_probe,
    heat_capacity_weight,
    temperatures,
)
from latmm.units import THZ_IN

__all__ = ["conductances", "in_units", "resolved", "spectra"]

_LAW = 1e-2
"""Error of the law of the long-wavelength limit beyond which a temperature is not resolved."""
_COLUMNS = ("transmission", "channels_left", "channels_right")

_POWERS: Final[Mapping[str, int]] = {"THz": 1, "THz-1": -1}
"""Unit of a variable → power of the frequency in it."""
_PREFIXES: Final[Mapping[str, float]] = {"W m-2 K-1": 1.0, "MW m-2 K-1": 1e-6, "GW m-2 K-1": 1e-9}


def spectra(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Tables of Ξ(ν) and M(ν) of a result, by the model's name.

    Parameters
    ----------
    tree : xarray.DataTree
        Any result.

    Returns
    -------
    dict of str to xarray.Dataset
        See :func:`latmm.landauer.spectrum`; nm⁻² over THz.

    Raises
    ------
    InputError
        If the result holds none.
    """
    found = {
        name.replace("_", "-"): node.to_dataset()
        for name, node in tree.children.items()
        if {*_COLUMNS, "frequency_weight"} <= set(node.variables) and node["transmission"].ndim == 1
    }
    if not found:
        raise InputError(
            "this result holds no transmission over frequency; use one of `compare` or of the mismatch models"
        )
    return found


def _grid(table: xr.Dataset) -> FrequencyGrid:
    return FrequencyGrid(table["frequency"].values, table["frequency_weight"].values)


def resolved(grid: FrequencyGrid, temperature: ArrayLike) -> Bools:
    """Tell which temperatures (N,), K, the nodes of a quadrature resolve.

    Parameters
    ----------
    grid : FrequencyGrid
        Nodes and weights, THz.
    temperature : (N,) array_like
        T, K.

    Returns
    -------
    (N,) ndarray of bool
    """
    t = temperatures(temperature)
    # Gauss nodes on panels that halve towards zero: exact for this smooth law
    x, w = np.polynomial.legendre.leggauss(20)
    edges = np.append(0.0, float(grid.weight.sum()) * 0.5 ** np.arange(60)[::-1])
    half = 0.5 * np.diff(edges)[:, None]
    nu = (edges[:-1, None] + half * (x + 1.0)).ravel()

    def law(at: Floats) -> Floats:
        """Long waves (F, N) that fade before the last node."""
        fading = at**2 * np.exp(-((at / (0.3 * edges[-1])) ** 2))
        return np.asarray(fading[:, None] * heat_capacity_weight(at[:, None], t))

    exact = (half * w).ravel() @ law(nu)
    found = grid.weight @ law(grid.frequency)
    return np.asarray(np.abs(found - exact) <= _LAW * exact)


def conductances(tree: xr.DataTree, temperature: ArrayLike) -> xr.Dataset:
    """Conductances of every model with a spectrum at other temperatures, from the stored spectra.

    Parameters
    ----------
    tree : xarray.DataTree
        A result of :func:`latmm.compare` or of the commands ``amm`` and ``dmm``.
    temperature : (N,) array_like
        K.

    Returns
    -------
    xarray.Dataset
        ``conductance``, ``conductance_four_probe`` (W m⁻² K⁻¹) and the resistances (m² K W⁻¹) over
        (model, temperature); not a number where the samples do not resolve a temperature.
    """
    t = temperatures(temperature)
    tables = spectra(tree)
    two, four = [], []
    for table in tables.values():
        grid = _grid(table)
        g: Floats = conductance(grid, np.array([table[name].values for name in _COLUMNS]), t)
        g[:, ~resolved(grid, t)] = np.nan
        two.append(g[0])
        four.append(four_probe(*g))
    dims = ("model", "temperature")
    return xr.Dataset(
        {
            **conductances_and_resistances(dims, np.array(two), np.array(four)),
        },
        coords={
            "model": ("model", list(tables), {"units": "1", "long_name": "model"}),
            "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
        },
    )


def in_units(tree: xr.DataTree, *, frequency: str = "THz", conductance: str = "W m-2 K-1") -> xr.DataTree:
    """Return a result in other units; the attribute ``units`` of every variable follows.

    Parameters
    ----------
    tree : xarray.DataTree
        Any result.
    frequency : {"THz", "meV", "cm-1"}
        Of frequencies and of densities of states.
    conductance : {"W m-2 K-1", "MW m-2 K-1", "GW m-2 K-1"}
        Of conductances.

    Returns
    -------
    xarray.DataTree
        A new tree.

    Raises
    ------
    InputError
        If a unit is unknown.
    """
    if frequency not in THZ_IN or conductance not in _PREFIXES:
        raise InputError(
            f"units of frequency are {', '.join(THZ_IN)}, of conductance {', '.join(_PREFIXES)}, "
            f"but asked for are {frequency!r} and {conductance!r}"
        )
    nodes = {}
    for node in tree.subtree:
        data = node.to_dataset(inherit=False).copy()
        for name in data.variables:
            unit = data[name].attrs.get("units", "")
            if unit in _POWERS:
                factor = THZ_IN[frequency] ** _POWERS[unit]
                new = (
                    unit.replace("THz", frequency)
                    if frequency != "cm-1"
                    else {1: "cm-1", -1: "cm"}[_POWERS[unit]]
                )
            elif unit in _PREFIXES:
                factor, new = _PREFIXES[conductance] / _PREFIXES[unit], conductance
            else:
                continue
            data = _scaled(data, str(name), factor, new)
        nodes[node.path] = data
    return xr.DataTree.from_dict(nodes)


def _scaled(data: xr.Dataset, name: str, factor: float, unit: str) -> xr.Dataset:
    old = data[name]
    new = old.variable.to_base_variable().copy(data=old.values * factor)
    new.attrs["units"] = unit
    return data.assign_coords({name: new}) if name in data.coords else data.assign({name: new})
