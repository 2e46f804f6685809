"""Result files: one :class:`xarray.DataTree` a run, netCDF-4, written whole or not at all.

Complex arrays, dicts, None and booleans do not go into netCDF attributes: structured provenance is stored as
JSON text.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import xarray as xr
from xarray.backends import H5NetCDFStore

from latmm.errors import InputError
from latmm.files import Spilling, replacing, uninterrupted
from latmm.reading import check_hdf5

__all__ = ["as_json", "hdf5_file", "marks", "read", "summary", "write"]


def as_json(value: Any) -> str:
    """Text of a structured attribute."""
    return json.dumps(value, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


@contextmanager
def hdf5_file(path: str | Path) -> Iterator[tuple[h5netcdf.File, Spilling]]:
    """Create a netCDF-4 file, which takes the place of ``path`` when a ``with`` block is done.

    Closed whatever happens and whoever interrupts; interrupts are to be held back while it is written to
    (:func:`latmm.files.uninterrupted`).

    Returns
    -------
    h5netcdf.File, Spilling
        The file, and what to :meth:`~latmm.files.Spilling.check` after every piece of a long one.

    Raises
    ------
    InputError, OutputError
        See :func:`latmm.files.replacing`.
    """
    with replacing(path) as part:
        file = disk = None
        try:
            with uninterrupted():
                disk = Spilling(part)
                file = h5netcdf.File(disk, "w")
            yield file, disk
        finally:
            with uninterrupted():
                if file is not None:
                    file.close()
                if disk is not None:
                    disk.close()
        disk.check()


def write(tree: xr.DataTree, path: str | Path) -> None:
    """Write a result as netCDF-4; an existing file is replaced only by a whole one.

    An interrupt waits until the file is there.

    Parameters
    ----------
    tree : xarray.DataTree
        The result.
    path : str or Path
        The file, usually ``.nc``.

    Raises
    ------
    InputError, OutputError
        If the file cannot be, or could not be, written.
    """
    with uninterrupted(), hdf5_file(path) as (file, _):
        for node in tree.subtree:
            group = None if node is tree else f"/{node.relative_to(tree)}"
            store = H5NetCDFStore(file, group=group, mode="a")
            node.to_dataset(inherit=node is tree).dump_to_store(store)


def read(path: str | Path) -> xr.DataTree:
    """Read a result file into memory.

    Parameters
    ----------
    path : str or Path
        A file that latmm wrote.

    Returns
    -------
    xarray.DataTree

    Raises
    ------
    InputError
        If the file is missing or is no netCDF-4 file.
    """
    check_hdf5(path, "result file", hint="name a result file of latmm")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except Exception as error:  # a damaged file makes HDF5 and its readers raise anything
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(f"cannot read {path}: not a netCDF-4 result file ({reason})") from error


def summary(tree: xr.DataTree) -> Mapping[str, Any]:
    """Return the conductances, their uncertainties and the checks of a comparison as plain numbers, for JSON.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.comparison.compare`, or of the continuum models alone.

    Returns
    -------
    mapping of str
        By variable and model; W m⁻² K⁻¹, m² K W⁻¹, W m⁻² K⁻⁴, K and Å². An infinite conductance (an interface
        without resistance of its own) becomes None, and so does its uncertainty. Layers of a stack are listed
        with medium, thickness (nm), density (g cm⁻³) and speeds of sound (km s⁻¹).
    """
    comparison = tree["comparison"].to_dataset()

    def columns(name: str) -> dict[str, list[float | None]]:
        table = comparison[name]
        return {
            str(model): [float(g) if np.isfinite(g) else None for g in table.sel(model=model).values]
            for model in table["model"].values
        }

    names = (
        "conductance",
        "conductance_error",
        "conductance_four_probe",
        "conductance_four_probe_error",
        "conductance_dipole_change",
        "conductance_mixing_uncertainty",
        "conductance_potential_uncertainty",
        "conductance_four_probe_potential_uncertainty",
        "kapitza_resistance_two_probe",
        "kapitza_resistance_four_probe",
    )
    return {
        "temperature": comparison["temperature"].values.tolist(),
        **{name: columns(name) for name in names if name in comparison},
        **_by_potential(tree),
        **marks(comparison),
        **_low_temperature(comparison),
        **_layers(tree),
        **_of_crystals(tree),
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
    }


def _of_crystals(tree: xr.DataTree) -> dict[str, Any]:
    """Name what is known of an interface of crystals beside its conductance."""
    if "area" not in tree.attrs:
        return {}
    return {
        "area": float(tree.attrs["area"]),
        "strain": json.loads(tree.attrs["strain"]),
        "potential": tree.attrs["potential"],
        "notes": json.loads(tree.attrs.get("notes", "[]")),
    }


def _low_temperature(comparison: xr.Dataset) -> dict[str, Any]:
    """Law of low temperature by model, and the models that give no number, where the result has them."""
    names = [str(name) for name in comparison["model"].values]
    found: dict[str, Any] = {
        key: {
            name: value if np.isfinite(value) else None
            for name, value in zip(names, comparison[key].values.tolist(), strict=True)
        }
        for key in ("cubic_prefactor", "cubic_prefactor_error")
        if key in comparison
    }
    if "refused" in comparison:
        found["refused"] = [name for name in names if comparison["refused"].sel(model=name).values.any()]
    return found


def _layers(tree: xr.DataTree) -> dict[str, Any]:
    """Layers between two media, from left to right, if there are any."""
    if "stack" not in tree.children:
        return {}
    stack = tree["stack"].to_dataset()
    names = ("medium", "thickness", "density", "longitudinal", "transverse")
    rows = zip(*(stack[name].values.tolist() for name in names), strict=True)
    return {"layers": [dict(zip(names, row, strict=True)) for row in rows]}


def _by_potential(tree: xr.DataTree) -> dict[str, Any]:
    """Conductances by potential and model, if there are several."""
    if "potentials" not in tree.children:
        return {}
    table = tree["potentials"].to_dataset()["conductance"]
    return {
        "potentials": {
            str(name): {
                str(m): table.sel(potential=name, model=m).values.tolist() for m in table["model"].values
            }
            for name in table["potential"].values
        }
    }


def marks(comparison: xr.Dataset) -> dict[str, dict[str, list[bool]]]:
    """Where models exceed the limit of the lattice's channels, by model, if the result says."""
    name = "exceeds_lattice_limit"
    if name not in comparison:
        return {}
    table = comparison[name]
    return {name: {str(model): table.sel(model=model).values.tolist() for model in table["model"].values}}
