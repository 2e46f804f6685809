"""Tables for transport codes: t(ν, θ, branch) and t(q, branch), from both sides, in detailed balance.

A Boltzmann or Monte-Carlo code lets phonons of one crystal cross with probability t. In equilibrium the flows
of both directions must cancel at every frequency, which needs

    Σ_{θ, branch} channels_left t_left = Σ_{θ, branch} channels_right t_right = Ξ(ν).

Binning keeps this exactly when t is the mean over the channels of its bin, and the channels go along. The
schema is documented in ``docs/modes.md``.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from latmm.errors import InputError
from latmm.files import replacing
from latmm.interface.interface import SIDES

__all__ = ["angular_table", "balance_error", "write_angular_csv", "write_phonon_csv"]


def angular_table(pieces: xr.Dataset | Iterable[xr.Dataset], *, angles: int = 18) -> xr.Dataset:
    """Bin a mode table by frequency node, angle and branch.

    Parameters
    ----------
    pieces : xarray.Dataset or iterable of it
        Mode table, or its pieces (:func:`latmm.modes.table.stored_pieces`), of which one is held at a time.
    angles : int
        Equal bins of the angle of the group velocity to the normal, 0 to 90 degrees.

    Returns
    -------
    xarray.Dataset
        Over (side, frequency, angle, branch): ``channels`` (nm⁻²) and ``transmissivity`` (0 where there are
        no channels); over frequency its quadrature weight.
    """
    if angles < 1:
        raise InputError(f"`angles` must be a positive number of bins, but is {angles}; use e.g. 18")
    total: xr.Dataset | None = None
    for piece in [pieces] if isinstance(pieces, xr.Dataset) else pieces:
        part = _binned(piece, angles)
        if total is not None:
            total, part = xr.align(total, part, join="outer", fill_value=0.0)
            weights = np.maximum(total["frequency_weight"], part["frequency_weight"])
            part = (total + part).assign(frequency_weight=weights)
        total = part
    if total is None:
        raise InputError(
            "a table without modes cannot be binned; sample frequencies below the crystals' bands"
        )
    width, offered = 90.0 / angles, total["channels"]
    labelled = {
        "channels": (offered, "nm-2", "phonon channels per area of the bin"),
        "transmissivity": (
            (total["crossing"] / offered.where(offered > 0)).fillna(0.0),
            "1",
            "mean transmissivity of the channels of the bin",
        ),
        "frequency_weight": (total["frequency_weight"], "THz", "quadrature weight of the frequency"),
    }
    result = xr.Dataset(
        {name: values.assign_attrs(units=u, long_name=text) for name, (values, u, text) in labelled.items()},
        attrs={"angle_width": width, "angle_width_units": "degree"},
    )
    coordinates = {
        "side": ("1", "crystal that the phonon comes from"),
        "frequency": ("THz", "phonon frequency"),
        "angle": ("degree", "angle of the group velocity to the normal, centre of bin"),
        "branch": ("1", "branch, by continuity along the ray from the zone centre"),
    }
    for name, (units, long_name) in coordinates.items():
        result[name].attrs.update(units=units, long_name=long_name)
    return result


def _binned(piece: xr.Dataset, angles: int) -> xr.Dataset:
    """Channels, and those that cross, of one piece over (side, frequency, angle, branch)."""
    nodes, first, node = np.unique(piece["frequency"].values, return_index=True, return_inverse=True)
    branches = int(piece["branch"].values.max(initial=0)) + 1
    angle = np.minimum((piece["angle"].values * (angles / 90.0)).astype(np.int64), angles - 1)
    shape = (len(SIDES), nodes.size, angles, branches)
    columns = (piece["side"].values.astype(int), node, angle, piece["branch"].values.astype(int))
    place = np.ravel_multi_index(columns, shape)
    weight, count = piece["weight"].values, int(np.prod(shape))
    offered = np.bincount(place, weight, minlength=count).reshape(shape)
    crossing = np.bincount(place, weight * piece["transmissivity"].values, minlength=count).reshape(shape)
    dims = ("side", "frequency", "angle", "branch")
    return xr.Dataset(
        {
            "channels": (dims, offered),
            "crossing": (dims, crossing),
            "frequency_weight": ("frequency", piece["frequency_weight"].values[first]),
        },
        coords={
            "side": list(SIDES),
            "frequency": nodes,
            "angle": (np.arange(angles) + 0.5) * (90.0 / angles),
            "branch": np.arange(branches),
        },
    )


def balance_error(table: xr.Dataset) -> float:
    """Largest |Ξ_left − Ξ_right| of an angular table over the largest Ξ."""
    flow = (table["channels"] * table["transmissivity"]).sum(("angle", "branch"))
    return float(np.abs(flow.sel(side="left") - flow.sel(side="right")).max() / flow.max())


def write_angular_csv(table: xr.Dataset, path: str | Path) -> None:
    """Write an angular table as CSV: one row for each bin that holds channels, names in the first."""
    half = 0.5 * float(table.attrs["angle_width"])
    values = table["channels"].values
    rows = (
        (
            SIDES[i],
            repr(float(table["frequency"][f])),
            f"{float(table['angle'][a]) - half:g}",
            f"{float(table['angle'][a]) + half:g}",
            int(table["branch"][b]),
            repr(float(values[i, f, a, b])),
            repr(float(table["transmissivity"].values[i, f, a, b])),
        )
        for i, f, a, b in zip(*np.nonzero(values), strict=True)
    )
    header = (
        "side",
        "frequency_THz",
        "angle_from_degree",
        "angle_to_degree",
        "branch",
        "channels_nm-2",
        "transmissivity",
    )
    _write_csv(path, header, rows)


def write_phonon_csv(tree: xr.DataTree, path: str | Path) -> None:
    """Write the phonons of both sides of a mesh as CSV: one row per irreducible (q, branch)."""
    header = (
        "side",
        "weight",
        "q1",
        "q2",
        "q3",
        "qx_angstrom-1",
        "qy_angstrom-1",
        "qz_angstrom-1",
        "branch",
        "frequency_THz",
        "vx_km_s-1",
        "vy_km_s-1",
        "vz_km_s-1",
        "transmissivity",
    )
    _write_csv(path, header, (row for side in SIDES for row in _phonon_rows(side, tree[side].to_dataset())))


def _phonon_rows(side: str, table: xr.Dataset) -> Iterable[tuple[Any, ...]]:
    names = ("weight", "qpoint_fractional", "wave_vector", "frequency", "group_velocity", "transmissivity")
    weight, q, k, nu, v, t = (table[name].values for name in names)
    for i in range(len(q)):
        for branch in range(nu.shape[1]):
            numbers = (*v[i, branch], t[i, branch])
            yield (
                side,
                *(repr(float(x)) for x in (weight[i], *q[i], *k[i])),
                branch,
                *(repr(float(x)) for x in (nu[i, branch], *numbers)),
            )


def _write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write whole or not at all."""
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
