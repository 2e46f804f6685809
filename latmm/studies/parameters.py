"""Parameter studies: the conductance of an interface at every point of a grid of parameters, as one array.

What a point means is up to the caller: a function takes one value of each parameter and returns the
comparison of that interface (:func:`latmm.comparison.compare`). Here the grid is walked through, the last
parameter fastest, and the results become arrays over (model, parameters …, temperature). A point whose
crystals do not match, are not stable or do not relax is left out and named; the others stand.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from ase.formula import Formula

from latmm import __version__
from latmm.checks import check, dumps, loads, worst
from latmm.errors import ConvergenceError, InputError, InstabilityError, MismatchError
from latmm.parallel.execution import HERE, Execution
from latmm.results import as_json
from latmm.threads import single_threaded

__all__ = ["UNITS", "Values", "parameter_study"]

Values: TypeAlias = Sequence[Any] | Mapping[Any, Any]
"""Values of a parameter: numbers or names, or a mapping from the label of each to what is handed on."""
UNITS = {"twist": "degree", "roughness": "nm"}
"""Units of parameters that are known; others have none."""
_LEFT_OUT = (MismatchError, InstabilityError, ConvergenceError)
_COLUMNS = (
    "conductance",
    "conductance_error",
    "conductance_four_probe",
    "conductance_four_probe_error",
    "kapitza_resistance_two_probe",
    "kapitza_resistance_four_probe",
)
_TAKEN = ("model", "temperature", "plane", "plane_column")


@single_threaded
def parameter_study(
    parameters: Mapping[str, Values],
    solve: Callable[..., xr.DataTree],
    *,
    how: Execution = HERE,
) -> xr.DataTree:
    """Conductance over a grid of parameters.

    Parameters
    ----------
    parameters : mapping of str to sequence, or to mapping
        Values of each parameter by its name, the first one outermost.
    solve : callable
        Called with one value of each parameter by name; returns the result of :func:`latmm.compare`, of the
        same models and temperatures every time.
    how : Execution
        Who hears of it.

    Returns
    -------
    xarray.DataTree
        ``/comparison``: conductances by both definitions, uncertainties (W m⁻² K⁻¹) and resistances
        (m² K W⁻¹) over (model, parameters …, temperature); the strain of both crystals, and the area of
        the common cell (Å²), over the parameters. Not a number where a point could not be computed; the
        attribute ``left_out`` says why. Of each check the point that does worst.

    Raises
    ------
    InputError
        If there are no values, a name or a value comes twice, or the results do not belong together.
    LatmmError
        If no point could be computed: the error of the first.
    """
    labelled = _labelled(parameters)
    shape = tuple(len(values) for values in labelled.values())
    trees: dict[tuple[int, ...], xr.DataTree] = {}
    left_out: dict[str, str] = {}
    errors: list[Exception] = []
    for done, index in enumerate(np.ndindex(shape)):
        chosen = {
            name: list(values.items())[i] for (name, values), i in zip(labelled.items(), index, strict=True)
        }
        how.report("points", done, int(np.prod(shape)))
        try:
            trees[index] = solve(**{name: value for name, (_, value) in chosen.items()})
        except _LEFT_OUT as error:
            errors.append(error)
            left_out[", ".join(f"{name} {label}" for name, (label, _) in chosen.items())] = str(error)
    how.report("points", int(np.prod(shape)), int(np.prod(shape)))
    if not trees:
        raise errors[0]
    return xr.DataTree.from_dict(
        {"/": _head(trees, labelled, left_out), "comparison": _table(trees, labelled)}
    )


def _labelled(parameters: Mapping[str, Values]) -> dict[str, dict[Any, Any]]:
    """Label every value; those of a mapping have theirs."""
    found: dict[str, dict[Any, Any]] = {}
    for name, values in parameters.items():
        if name in _TAKEN:
            raise InputError(f"a parameter cannot be called {name!r}; every result has that already")
        pairs = list(values.items()) if isinstance(values, Mapping) else [(one, one) for one in values]
        if not pairs:
            raise InputError(f"the parameter {name!r} needs one value at least")
        found[name] = dict(pairs)
        if len(found[name]) < len(pairs):
            raise InputError(f"values of the parameter {name!r} must differ, but are {list(values)}")
    if not found:
        raise InputError("a study needs one parameter at least, e.g. {'in_plane_strain': [0.0, 0.01]}")
    return found


def _head(
    trees: Mapping[tuple[int, ...], xr.DataTree],
    labelled: Mapping[str, Mapping[Any, Any]],
    left_out: Mapping[str, str],
) -> xr.Dataset:
    """Say what was varied, what was left out, and how the checks stand."""
    attributes = [tree.attrs for tree in trees.values()]
    checks = worst(loads(one.get("checks", "{}")) for one in attributes)
    missing = check(
        "points", len(left_out), 0, where="; ".join(f"{at}: {why}" for at, why in left_out.items())[:300]
    )
    same = {
        key: value
        for key, value in attributes[0].items()
        if key in ("potential", "normal", "normal_right", "kmesh", "frequencies", "notes")
        and all(json.dumps(one.get(key), default=str) == json.dumps(value, default=str) for one in attributes)
    }
    limits = dict.fromkeys(itertools.chain(*(json.loads(one.get("limits", "[]")) for one in attributes)))
    return xr.Dataset(
        attrs={
            "title": "Thermal boundary conductance over " + ", ".join(labelled),
            "latmm_version": __version__,
            **same,
            "interfaces": list(dict.fromkeys(_name(tree) for tree in trees.values())),
            "parameters": list(labelled),
            "left_out": as_json(dict(left_out)),
            "limits": as_json(list(limits)),
            "checks": dumps({**checks, "points": missing}),
        }
    )


def _name(tree: xr.DataTree) -> str:
    """Name both crystals of a comparison, e.g. Si | Ge."""
    formulas = [str(tree[side].attrs["formula"]) for side in ("left", "right")]
    return " | ".join(str(Formula(formula).reduce()[0]) for formula in formulas)


def _table(
    trees: Mapping[tuple[int, ...], xr.DataTree], labelled: Mapping[str, Mapping[Any, Any]]
) -> xr.Dataset:
    """Put the points into arrays over the parameters."""
    tables = {index: tree["comparison"].to_dataset() for index, tree in trees.items()}
    one = next(iter(tables.values()))
    if any(not table["conductance"].coords.equals(one["conductance"].coords) for table in tables.values()):
        raise InputError("all points of a study must have the same models and temperatures")
    names, shape = tuple(labelled), tuple(len(values) for values in labelled.values())
    columns: dict[str, xr.Variable] = {}
    for name in _COLUMNS:
        if not all(name in table for table in tables.values()):
            continue
        values = np.full((*shape, *one[name].shape), np.nan)
        for index, table in tables.items():
            values[index] = table[name].transpose("model", "temperature").values
        columns[name] = xr.Variable(
            ("model", *names, "temperature"), np.moveaxis(values, len(shape), 0), one[name].attrs
        )
    for side in ("left", "right"):
        if all(side in tree.children and "strain" in tree[side] for tree in trees.values()):
            strain = np.full((*shape, 2, 2), np.nan)
            for index, tree in trees.items():
                strain[index] = tree[side]["strain"].values
            columns[f"strain_{side}"] = xr.Variable(
                (*names, "plane", "plane_column"),
                strain,
                {"units": "1", "long_name": f"in-plane strain of the {side} crystal"},
            )
    if all("area" in tree.attrs for tree in trees.values()):
        area = np.full(shape, np.nan)
        for index, tree in trees.items():
            area[index] = tree.attrs["area"]
        columns["area"] = xr.Variable(
            names, area, {"units": "angstrom2", "long_name": "area of the common cell"}
        )
    coordinates = {
        name: (name, list(values), {"units": UNITS.get(name, "1"), "long_name": name.replace("_", " ")})
        for name, values in labelled.items()
    }
    return xr.Dataset(
        columns, coords={"model": one["model"], **coordinates, "temperature": one["temperature"]}
    )
