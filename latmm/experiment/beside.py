"""Measured conductances beside a calculated one: those of its crystals, and which value each measures.

Methods with local temperatures beside the interface (:data:`latmm.experiment.table.DEFINITIONS`) are compared
with the four-probe conductance, all others with the two-probe one.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from ase import Atoms
from ase.data import atomic_masses
from ase.formula import Formula

from latmm.errors import InputError
from latmm.experiment.table import DEFINITIONS, OTHER_NAMES, Series, measurements
from latmm.results import as_json
from latmm.units import AMU_PER_A3

__all__ = ["LOCAL", "material", "measured_of", "put_beside", "records"]

LOCAL = "local temperatures"
_DENSE_CARBON = 3.0
"""g cm⁻³, between graphite (2.3) and diamond (3.5)."""
_NATURAL = 0.01
"""Masses that differ from the natural ones by more are a model, which nobody measured."""
_TEXTS = {
    "pair": "materials and planes",
    "method": "method of measurement",
    "definition": "temperatures that the method takes",
    "preparation": "preparation of the interface",
    "evidence": "how far the number was checked",
    "error_from": "where the uncertainty comes from",
    "bound": "sign of a bound",
    "open": "what is not settled",
    "source": "source",
}


def material(crystal: Atoms) -> str:
    """Name of a crystal in the table of measurements; empty for one of other than natural masses.

    Parameters
    ----------
    crystal : ase.Atoms
        A periodic cell.
    """
    natural = atomic_masses[crystal.numbers]
    if np.any(np.abs(crystal.get_masses() / natural - 1.0) > _NATURAL):
        return ""
    formula = str(crystal.get_chemical_formula(empirical=True))
    if formula == "C":
        density = AMU_PER_A3 * crystal.get_masses().sum() / crystal.get_volume()
        return "diamond" if density > _DENSE_CARBON else "graphite"
    return formula


def measured_of(left: str, right: str) -> tuple[Series, ...]:
    """Find the measurements of two materials, in any order, in latmm's table.

    Parameters
    ----------
    left, right : str
        From :func:`material`, or the name of a medium; empty names have no measurements.

    Raises
    ------
    InputError
        If there are none.
    """
    names = [_formula(name) for name in (left, right)]
    found = tuple(
        one
        for one in measurements()
        if all(names) and sorted(map(_formula, (one.left, one.right))) == sorted(names)
    )
    if not found:
        pair = " | ".join(name or "medium or crystal without a natural one's name" for name in (left, right))
        raise InputError(
            f"the table of measured conductances has no {pair} (`measurements` lists what it has); give a "
            "file of your own as `experiment`, e.g. data.csv, or leave `experiment` out"
        )
    return found


def _formula(name: str) -> str:
    """Write a material in one way: other names, and the order and case of elements, do not count."""
    name = OTHER_NAMES.get(name.lower(), name)
    try:
        return str(Formula(name[:1].upper() + name[1:]).format("hill"))
    except ValueError:  # no formula: diamond, or a medium's own name
        return name.lower()


def put_beside(tree: xr.DataTree, series: Iterable[Series]) -> None:
    """Add the node ``/experiment`` to a comparison.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.comparison.compare`; changed.
    series : iterable of Series
        From :func:`measured_of` or :func:`latmm.experiment.table.read_measurements`.
    """
    chosen = list(series)
    points = [(i, point) for i, one in enumerate(chosen) for point in one.points]

    def column(values: list[Any], units: str, name: str) -> xr.Variable:
        return xr.Variable("point", np.array(values), {"units": units, "long_name": name})

    tree["experiment"] = xr.Dataset(
        {
            "temperature": column([point.temperature for _, point in points], "K", "temperature"),
            "conductance": column(
                [point.conductance for _, point in points],
                "W m-2 K-1",
                "measured thermal boundary conductance",
            ),
            **{
                f"error_{way}": column(
                    [
                        np.nan if (error := getattr(point, f"error_{way}")) is None else error
                        for _, point in points
                    ],
                    "W m-2 K-1",
                    f"uncertainty {where}",
                )
                for way, where in (("minus", "below"), ("plus", "above"))
            },
            "of_series": column([i for i, _ in points], "1", "index of the point's series"),
            **{
                key: ("series", [getattr(one, key) for one in chosen], {"units": "1", "long_name": text})
                for key, text in _TEXTS.items()
            },
        },
        coords={"series": ("series", [one.name for one in chosen], {"units": "1", "long_name": "series"})},
        attrs={"definitions": as_json({key: DEFINITIONS[key] for one in chosen if (key := one.definition)})},
    )


def records(tree: xr.DataTree) -> list[dict[str, Any]]:
    """Measured series of a comparison as plain numbers (W m⁻² K⁻¹) and texts, for JSON and tables.

    Returns
    -------
    list of dict
        The texts of each series; ``compare_with``, the name of the variable in ``/comparison``;
        and ``points``, each a dict.
    """
    node = tree["experiment"].to_dataset()
    columns = ("temperature", "conductance", "error_minus", "error_plus")
    found = []
    for i, name in enumerate(node["series"].values.tolist()):
        chosen = node.sel(point=node["of_series"].values == i)
        rows = zip(*(chosen[key].values.tolist() for key in columns), strict=True)
        points = [
            {key: value if value == value else None for key, value in zip(columns, row, strict=True)}
            for row in rows
        ]
        texts = {key: str(node[key].values[i]) for key in _TEXTS}
        local = texts["definition"] == LOCAL
        found.append(
            {
                "series": name,
                **texts,
                "compare_with": "conductance_four_probe" if local else "conductance",
                "points": points,
            }
        )
    return found
