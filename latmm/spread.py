"""How much the conductance of an interface depends on a choice that nothing decides: the mixing rule.

Two finished calculations leave the force constants across the contact open. Each rule
(:mod:`latmm.interface.mixing`) is a result of its own; half the range of all is the uncertainty of any.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from latmm.checks import dumps, loads, worst
from latmm.errors import InputError

__all__ = ["mixing_spread"]


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
    if not trees:
        raise InputError("the spread of mixing rules needs one result at least")
    tables = [tree["comparison"].to_dataset()["conductance"] for tree in trees.values()]
    if any(not table.coords.equals(tables[0].coords) for table in tables):
        raise InputError("results of mixing rules can be joined for the same models and temperatures only")
    values = np.array([table.values for table in tables])
    joined = next(iter(trees.values())).copy()
    joined["comparison"] = xr.DataTree(
        joined["comparison"]
        .to_dataset()
        .assign(
            conductance_mixing_uncertainty=(
                tables[0].dims,
                0.5 * np.ptp(values, axis=0),
                {"units": "W m-2 K-1", "long_name": "half the range of the conductance over mixing rules"},
            )
        )
    )
    joined["mixing"] = xr.DataTree(
        xr.Dataset(
            {
                "conductance": (
                    ("mixing", *tables[0].dims),
                    values,
                    {"units": "W m-2 K-1", "long_name": "thermal boundary conductance by mixing rule"},
                )
            },
            coords={
                "mixing": ("mixing", list(trees), {"units": "1", "long_name": "mixing rule"}),
                **tables[0].coords,
            },
        )
    )
    joined.attrs["checks"] = dumps(worst(loads(tree.attrs["checks"]) for tree in trees.values()))
    return joined
