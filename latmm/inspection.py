"""What is in a result file: every variable with unit and range, the checks, and where it comes from."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["contents", "provenance", "variable_text"]

_PROVENANCE = ("title", "created", "latmm_version", "command_line", "potential", "input_sha256", "versions")
"""Attributes of a file that say where it comes from, in this order."""
_OWN = (*_PROVENANCE, "configuration", "checks", "limits", "notes")


def provenance(tree: xr.DataTree) -> dict[str, Any]:
    """Say where a result comes from: title, time, version, command, potential, input files."""
    return {name: _value(tree.attrs[name]) for name in _PROVENANCE if name in tree.attrs}


def contents(tree: xr.DataTree) -> dict[str, Any]:
    """Describe a result as plain data.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.results.read`.

    Returns
    -------
    dict
        ``provenance``, ``settings`` (the options of the command, defaults included), ``attributes`` (others
        of the file), ``limits``, ``notes``, ``checks``, and ``variables``: path → dimensions, shape, units,
        meaning, smallest and largest value.
    """
    attributes = {name: _value(value) for name, value in tree.attrs.items() if name not in _OWN}
    return {
        "provenance": provenance(tree),
        "settings": _value(tree.attrs.get("configuration", "{}")),
        "attributes": attributes,
        **{name: _value(tree.attrs.get(name, "[]")) for name in ("limits", "notes")},
        "checks": _value(tree.attrs.get("checks", "{}")),
        "variables": {
            (f"{node.path.strip('/')}/{name}").strip("/"): _variable(variable)
            for node in tree.subtree
            for name, variable in node.to_dataset(inherit=False).variables.items()
        },
    }


def _variable(variable: xr.Variable) -> dict[str, Any]:
    values = variable.values
    found: dict[str, Any] = {
        "dimensions": [str(name) for name in variable.dims],
        "shape": list(variable.shape),
        "units": str(variable.attrs.get("units", "")),
        "meaning": str(variable.attrs.get("long_name", "")),
    }
    if values.dtype.kind in "fiu" and values.size:
        finite = values[np.isfinite(values)]
        if finite.size:
            found["range"] = [finite.min().item(), finite.max().item()]
        if finite.size < values.size:
            found["not_finite"] = int(values.size - finite.size)
    elif values.dtype.kind in "OUST" and values.size:
        found["values"] = [str(value) for value in values.ravel()[:20]]
    elif values.dtype.kind == "b":
        found["true"] = int(values.sum())
    return found


def variable_text(name: str, one: Mapping[str, Any]) -> str:
    """One line for a variable: name, dimensions, unit, range, meaning."""
    dims = ", ".join(f"{d} {n}" for d, n in zip(one["dimensions"], one["shape"], strict=True))
    unit = "" if one["units"] in ("", "1") else f" {one['units']}"
    if "range" in one:
        low, high = one["range"]
        value = f"{low:.6g}{unit}" if low == high else f"{low:.6g} to {high:.6g}{unit}"
    elif "values" in one:
        value = " ".join(one["values"][:6]) + (" ..." if len(one["values"]) > 6 else "")
    elif "true" in one:
        value = f"true {one['true']} times"
    else:
        value = ""
    if one.get("not_finite"):
        value += f" ({one['not_finite']} not finite)"
    return f"  {name:<34} ({dims})  {value}  {one['meaning']}".rstrip()


def _value(value: Any) -> Any:
    """Read structured attributes, which are stored as JSON."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value if isinstance(value, int | float | str | list | dict) else str(value)
