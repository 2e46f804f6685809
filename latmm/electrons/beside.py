"""Electrons beside the phonons of a comparison: the total conductance by every model, with its range.

The phonon conductances of a comparison are those of its models. What the electrons of the metals add comes
from :mod:`latmm.electrons.two_temperature`; the range is that of the metals' g, lattice conductivity and γ,
in all combinations of their ends.
"""

import json
from collections.abc import Iterable, Mapping
from math import inf, isfinite
from typing import Any, Final

import numpy as np
import xarray as xr

from latmm.arrays import Floats
from latmm.electrons.library import QUANTITIES, Record, metals
from latmm.electrons.two_temperature import Metal, diffuse_electrons, total_conductance
from latmm.errors import InputError
from latmm.limits import is_metal, limits_with_electrons
from latmm.results import as_json

__all__ = ["COLD", "metals_of", "plain", "put_electrons"]

COLD: Final = 200.0
"""K; colder, g and the conductivities change much, and those of the table, at 300 K, do not hold."""


def metals_of(
    left: Iterable[str],
    right: Iterable[str],
    own: Mapping[str, Record] | None = None,
    *,
    diffuse: bool = True,
) -> tuple[Record | None, Record | None]:
    """Find the metals of two sides; None for a side that is none.

    Parameters
    ----------
    left, right : iterable of str
        Chemical symbols of both sides.
    own : mapping, optional
        Metals that stand in for those of latmm's table, or beside them.
    diffuse : bool
        Whether electrons between two metals are to be scattered diffusely, which needs γ and v_F.

    Raises
    ------
    InputError
        If a metal or what is needed of it is in no table, or no side is a metal.
    """
    known = {**metals(), **(own or {})}
    found: list[Record | None] = []
    for side, symbols in (("left", set(left)), ("right", set(right))):
        name = next((one for one in known if {one} == symbols), None)
        if name is None and is_metal(symbols):
            raise InputError(
                f"the {side} side is a metal, {'-'.join(sorted(symbols))}, whose electrons are in no table "
                f"(there are {', '.join(known)}); give a table that has its coupling and conductivities "
                "as `metals`"
            )
        found.append(None if name is None else known[name])
    if not any(found):
        raise InputError(
            f"no side is a metal of the table ({', '.join(known)}); leave `electrons` out, or name the media "
            "(al, cu, ...) in place of numbers"
        )
    if diffuse and None not in found:
        for record in filter(None, found):
            _check_known(record)
    return found[0], found[1]


def put_electrons(
    tree: xr.DataTree,
    left: Record | None,
    right: Record | None,
    *,
    electron: float | None = None,
    thickness: float = inf,
) -> None:
    """Add the node ``/electrons`` to a comparison, and say so in its limits.

    Parameters
    ----------
    tree : xarray.DataTree
        With ``/comparison``; changed.
    left, right : Record, optional
        The metals, from :func:`metals_of`.
    electron : float, optional
        Conductance of the electrons at the contact, W m⁻² K⁻¹: between two metals, by default by diffuse
        mismatch; into the lattice of a side that is no metal, by default none.
    thickness : float
        Of the metal, m, where one side is a metal.

    Raises
    ------
    InputError
        If numbers are missing or make no sense.
    """
    comparison = tree["comparison"].to_dataset()
    t = comparison["temperature"].values
    both = left is not None and right is not None
    pairs = [
        (one, other)
        for one in ([None] if left is None else [left.metal, *left.corners()])
        for other in ([None] if right is None else [right.metal, *right.corners()])
    ]
    # the first of each list is the metal with the values, the others are the ends of their ranges
    direct = [_direct(one, other, electron, t) for one, other in pairs]
    dims = ("model", "temperature")
    variables: dict[str, Any] = {
        "conductance_electron": (
            "temperature",
            direct[0],
            {"units": "W m-2 K-1", "long_name": "conductance of the electrons at the contact"},
        )
    }
    for name, probe, factor in (
        ("conductance", "two-probe", 1.0),
        ("conductance_four_probe", "four-probe", 2.0 if both and electron is None else 1.0),
    ):
        totals = np.array(
            [
                total_conductance(comparison[name].values, factor * h, one, other, thickness=thickness)
                for (one, other), h in zip(pairs, direct, strict=True)
            ]
        )
        ends: tuple[tuple[str, Floats, str], ...] = (
            ("", totals[0], "total conductance of phonons and electrons"),
            ("_low", totals.min(axis=0), "lowest total conductance within the ranges of the metals"),
            ("_high", totals.max(axis=0), "highest total conductance within the ranges of the metals"),
        )
        for suffix, values, text in ends:
            variables[name + suffix] = (dims, values, {"units": "W m-2 K-1", "long_name": f"{text}, {probe}"})
    tree["electrons"] = xr.Dataset(
        variables,
        coords={key: comparison[key] for key in ("model", "temperature")},
        attrs={
            "metals": as_json([None if one is None else _described(one) for one in (left, right)]),
            "film_thickness_nm": 1e9 * thickness if isfinite(thickness) else "thick",
            "electron_conductance": _origin(both, electron),
            "exchange_length_nm": [
                1e9 * one.metal.exchange_length for one in (left, right) if one is not None
            ],
        },
    )
    text = f"electrons by a two-temperature model: {_origin(both, electron)}"
    if t.min() < COLD:
        text += f"; below {COLD:g} K g and the conductivities of the table do not hold"
    tree.attrs["limits"] = as_json(limits_with_electrons(json.loads(tree.attrs["limits"]), text))


def _check_known(record: Record) -> None:
    needed = ("heat_capacity_coefficient", "fermi_velocity")
    missing = [name for name in needed if name not in record.quantities]
    if missing:
        raise InputError(
            f"electrons between two metals need {' and '.join(missing)} of {record.name}, which no table "
            "has; give them by `metals`, or the electrons' conductance by `electron_conductance`"
        )


def _direct(left: Metal | None, right: Metal | None, electron: float | None, t: Floats) -> Floats:
    """Conductance of the electrons (N,), W m⁻² K⁻¹."""
    if electron is not None:
        return np.full(t.shape, electron)
    if left is None or right is None:
        return np.zeros(t.shape)
    return diffuse_electrons(left, right, t)


def _origin(both: bool, electron: float | None) -> str:
    if electron is not None:
        return "conductance of the electrons at the contact as given"
    if both:
        return "electrons at the contact scattered diffusely, as free ones"
    return "no electron passes heat to the other side directly"


def _described(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "quantities": {
            name: {
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "unit": QUANTITIES[name][0],
                "evidence": one.evidence,
                "source": one.source,
                "note": one.note,
            }
            for name, one in record.quantities.items()
        },
    }


def plain(tree: xr.DataTree) -> dict[str, Any]:
    """Conductances of ``/electrons`` as plain numbers, W m⁻² K⁻¹, for JSON; infinite ones are None."""
    node = tree["electrons"].to_dataset()

    def number(value: float) -> float | None:
        return value if isfinite(value) else None

    return {
        "metals": json.loads(node.attrs["metals"]),
        "conductance_electron": node["conductance_electron"].values.tolist(),
        **{
            str(name): {
                str(model): [number(g) for g in node[name].sel(model=model).values.tolist()]
                for model in node["model"].values
            }
            for name in node.data_vars
            if name != "conductance_electron"
        },
    }
