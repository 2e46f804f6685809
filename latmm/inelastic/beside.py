"""The conductance with scattered phonons as one more row of a comparison.

Its two-probe value is that of the dissipative contact between phonons that arrive in equilibrium. In the
place of the four-probe value stands the extrapolated conductance of the longest crystals: the temperatures
of the crystals at the interface are what the four-probe formula estimates. It has no error bars of sampling;
the node ``inelastic`` holds half the range of the three choices of the rate above the band for both.
"""

import json

import numpy as np
import xarray as xr

from latmm.checks import dumps, loads
from latmm.errors import InputError

__all__ = ["MODEL", "put_inelastic"]

MODEL = "inelastic"


def put_inelastic(tree: xr.DataTree, found: xr.DataTree) -> None:
    """Add a row ``inelastic`` to a comparison, and the node behind it.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.comparison.compare`; changed.
    found : xarray.DataTree
        From :func:`latmm.inelastic.result.inelastic_conductance` of the same interface and temperatures.

    Raises
    ------
    InputError
        If temperatures differ, or there is no dissipative contact.
    """
    table, own = tree["comparison"].to_dataset(), found["inelastic"].to_dataset()
    if not np.array_equal(table["temperature"], own["temperature"]):
        raise InputError("a comparison and its inelastic row need the same temperatures; compute both there")
    if "dissipative" not in own["contact"].values:
        raise InputError("the inelastic row of a comparison is that of a dissipative contact; use `damped`")
    contact = own.sel(contact="dissipative")
    values = {
        "conductance": contact["conductance_two_probe"].values,
        "conductance_four_probe": contact["conductance_extrapolated"].isel(length=-1).values,
    }
    values["kapitza_resistance_two_probe"] = 1.0 / values["conductance"]
    values["kapitza_resistance_four_probe"] = 1.0 / values["conductance_four_probe"]
    row = table.isel(model=[0]).assign_coords(model=("model", [MODEL], table["model"].attrs)).copy(deep=True)
    for name in map(str, row.data_vars):
        if "model" in row[name].dims:
            flag = row[name].dtype == bool
            row[name].values[...] = values.get(name, False if flag else np.nan)
    if "exceeds_lattice_limit" in row and "radiation" in table["model"].values:
        limit = table.sel(model="radiation")
        most = limit["conductance"] + limit["conductance_error"]
        row["exceeds_lattice_limit"].values[...] = values["conductance"] > most.values
    with_model = [name for name in table.data_vars if "model" in table[name].dims]
    joined = xr.concat([table[with_model], row[with_model]], dim="model", join="exact")
    tree["comparison"] = xr.DataTree(table.drop_dims("model").merge(joined, compat="override", join="exact"))
    tree["comparison"].attrs.update(table.attrs)
    tree[MODEL] = xr.DataTree(own)
    checks = loads(tree.attrs["checks"]) | loads(found.attrs["checks"])
    tree.attrs["checks"] = dumps(checks)
    notes = json.loads(tree.attrs.get("notes", "[]"))
    notes.append(
        "inelastic: phonons that arrive in equilibrium at a dissipative contact; as four-probe value, that "
        f"of temperature profiles extrapolated over {float(own['length'][-1]):g} nm"
    )
    tree.attrs["notes"] = json.dumps(notes)
