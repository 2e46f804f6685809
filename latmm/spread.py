"""How much the conductance of an interface depends on what is chosen: mixing rule, or potential.

Two finished calculations leave the force constants across the contact open: each rule
(:mod:`latmm.interface.mixing`) is a result of its own. So is each potential, or each set of force constants,
of one contact. Half the range of all is the uncertainty that the choice brings; it says how much the choices
differ, not how far all of them are off.
"""

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr

from latmm.checks import dumps, loads, worst
from latmm.errors import InputError
from latmm.results import as_json

__all__ = ["SPREAD", "dipole_difference", "mixing_spread", "potential_spread"]

SPREAD = "half the range of {} potentials tells how much they differ, not how far all of them are off"
"""The limit that goes with a spread of potentials."""


def mixing_spread(trees: Mapping[str, xr.DataTree]) -> xr.DataTree:
    """Join the comparisons of several mixing rules.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        From :func:`latmm.comparison.compare` for the same models and temperatures, by rule.

    Returns
    -------
    xarray.DataTree
        That of the first rule, with ``conductance_mixing_uncertainty`` (model, temperature) in
        ``/comparison``, half the range over the rules, W m⁻² K⁻¹; ``/mixing`` with the conductance of every
        rule (mixing, model, temperature); and of each check the rule that does worst.

    Raises
    ------
    InputError
        If there are no trees, or their models or temperatures differ.
    """
    return _joined(trees, "mixing", "mixing", "mixing rule")


def potential_spread(trees: Mapping[str, xr.DataTree]) -> xr.DataTree:
    """Join the comparisons of one contact by several potentials, or sets of force constants.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        From :func:`latmm.comparison.compare` for the same models and temperatures, by the potential's name.

    Returns
    -------
    xarray.DataTree
        That of the first potential, with ``conductance_potential_uncertainty`` and
        ``conductance_four_probe_potential_uncertainty`` (model, temperature) in ``/comparison``, half the
        range over the potentials, W m⁻² K⁻¹; ``/potentials`` with both conductances and the sampling error by
        every potential (potential, model, temperature), and the largest frequency (THz) and the speeds of
        sound along the normal (km s⁻¹) of both crystals; and of each check the potential that does worst.

    Raises
    ------
    InputError
        If there are no trees, or their models or temperatures differ.
    """
    joined = _joined(trees, "potentials", "potential", "potential")
    each = joined["potentials"].to_dataset()
    for side in ("left", "right"):
        for key, dims in (("max_frequency", ()), ("sound_speed_normal", ("polarisation",))):
            found = [tree[side][key] for tree in trees.values()]
            text = f"{found[0].attrs['long_name']}, {side} crystal"
            values = np.array([one.values for one in found])
            each[f"{key}_{side}"] = (("potential", *dims), values, {**found[0].attrs, "long_name": text})
    each["source"] = (
        "potential",
        [str(tree.attrs["potential"]) for tree in trees.values()],
        {"units": "1", "long_name": "source of the force constants"},
    )
    joined["potentials"] = xr.DataTree(each)
    joined.attrs["limits"] = as_json([*json.loads(joined.attrs["limits"]), SPREAD.format(len(trees))])
    return joined


def dipole_difference(trees: Mapping[str, xr.DataTree]) -> xr.DataTree:
    """Join the comparisons of one contact with the dipoles of its Born charges and without.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        ``with`` and ``without``, from :func:`latmm.comparison.compare` for the same models and temperatures.

    Returns
    -------
    xarray.DataTree
        That with dipoles, with ``conductance_dipole_change`` (model, temperature) in ``/comparison``, the
        conductance with dipoles less that without, W m⁻² K⁻¹; ``/dipoles`` with both conductances and the
        sampling errors (dipoles, model, temperature); and of each check the treatment that does worst.

    Raises
    ------
    InputError
        If one is missing, or their models or temperatures differ.
    """
    if set(trees) != {"with", "without"}:
        raise InputError(f"the results must be named with and without, but are {', '.join(trees) or 'none'}")
    joined = _joined({name: trees[name] for name in ("with", "without")}, "dipoles", "dipoles", "treatment")
    comparison, each = (joined[node].to_dataset() for node in ("comparison", "dipoles"))
    comparison = comparison.drop_vars([name for name in comparison if str(name).endswith("_uncertainty")])
    with np.errstate(invalid="ignore"):  # an infinite conductance does not change
        change = each["conductance"].sel(dipoles="with") - each["conductance"].sel(dipoles="without")
    comparison["conductance_dipole_change"] = (
        change.dims,
        change.values,
        {"units": "W m-2 K-1", "long_name": "conductance with dipoles less that without"},
    )
    joined["comparison"] = xr.DataTree(comparison)
    return joined


def _joined(trees: Mapping[str, xr.DataTree], node: str, dimension: str, choice: str) -> xr.DataTree:
    """Take the first result, and add half the range over all of them, and a node with each."""
    if not trees:
        raise InputError(f"the spread of {choice}s needs one result at least")
    tables = [tree["comparison"].to_dataset() for tree in trees.values()]
    first = tables[0]["conductance"]
    if any(not table["conductance"].coords.equals(first.coords) for table in tables):
        raise InputError(f"results of {choice}s can be joined for the same models and temperatures only")
    joined = next(iter(trees.values())).copy()
    comparison = joined["comparison"].to_dataset()
    each = xr.Dataset(coords={dimension: (dimension, list(trees), {"units": "1", "long_name": choice})})
    for name in ("conductance", "conductance_error", "conductance_four_probe"):
        if any(name not in table for table in tables):
            continue
        values = np.array([table[name].values for table in tables])
        text = tables[0][name].attrs.get("long_name", name)
        unit = {"units": "W m-2 K-1"}
        each[name] = xr.DataArray(
            values,
            coords={dimension: each[dimension], **first.coords},
            dims=(dimension, *first.dims),
            attrs={**unit, "long_name": f"{text}, by {choice}"},
        )
        if name != "conductance_error":
            told = np.where(np.isfinite(values), values, np.nan)
            comparison[f"{name}_{dimension}_uncertainty"] = (
                first.dims,
                0.5 * (told.max(axis=0) - told.min(axis=0)),
                {**unit, "long_name": f"{text}: half the range over {choice}s"},
            )
    joined["comparison"], joined[node] = xr.DataTree(comparison), xr.DataTree(each)
    joined.attrs["checks"] = dumps(worst(loads(tree.attrs["checks"]) for tree in trees.values()))
    return joined
