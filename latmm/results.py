"""Result files: one :class:`xarray.DataTree` a run, netCDF-4, written whole or not at all.

Complex arrays, dicts, None and booleans do not go into netCDF attributes: structured provenance is stored as
JSON text.
"""

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from latmm.errors import InputError
from latmm.reading import check_regular

__all__ = ["as_json", "check_destination", "marks", "read", "summary", "uninterrupted", "write"]


def as_json(value: Any) -> str:
    """Text of a structured attribute."""
    return json.dumps(value, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def check_destination(path: str | Path) -> Path:
    """Check before any work that a file can be written.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written, or the path is a folder, a device or a pipe,
        or its name is too long.
    """
    target = Path(path)
    if os.path.isdir(target):
        raise InputError(f"cannot write {target}: it is a folder; name a file in it")
    longest = 255  # bytes, of every common file system
    if len(os.fsencode(beside(target).name)) > longest:
        raise InputError(f"cannot write {target}: its name is too long; use a shorter one")
    # a finished file is renamed to the target, which would put it in the place of /dev/null
    if os.path.exists(target) and not os.path.isfile(target):
        raise InputError(f"cannot write {target}: it is a device or a pipe; name an ordinary file")
    if not target.parent.is_dir():
        raise InputError(f"cannot write {target}: the folder {target.parent} does not exist; create it first")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"cannot write {target}: no permission in the folder {target.parent}")
    return target


def beside(path: Path) -> Path:
    """Name of the unfinished file beside ``path``, with the same suffix; unique to this process."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt (SIGINT, SIGTERM) back until the block is done.

    Raised inside the HDF5 library it would be swallowed, or print a traceback of its own. For short blocks:
    the user waits. In a thread that gets no signals nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    former = {
        number: signal.signal(number, lambda number, frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])


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
    InputError
        If the file cannot be written.
    """
    target = check_destination(path)
    part = beside(target)
    try:
        with uninterrupted():
            tree.to_netcdf(part, engine="h5netcdf")
            os.replace(part, target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def read(path: str | Path) -> xr.DataTree:
    """Read a result file into memory.

    Raises
    ------
    InputError
        If the file is missing or is no netCDF-4 file.
    """
    check_regular(path, "result file", hint="name a file that latmm wrote with -o")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except Exception as error:  # a damaged file makes HDF5 and its readers raise anything
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(f"cannot read {path}: not a netCDF-4 result file ({reason})") from error


def summary(tree: xr.DataTree) -> Mapping[str, Any]:
    """Return the conductances, their error bars and the checks of a comparison as plain numbers, for JSON.

    An infinite conductance (an interface without resistance of its own) becomes None, and so does its bar.
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
        "conductance_mixing_uncertainty",
        "kapitza_resistance_two_probe",
        "kapitza_resistance_four_probe",
    )
    return {
        "temperature": comparison["temperature"].values.tolist(),
        **{name: columns(name) for name in names if name in comparison},
        **marks(comparison),
        "area": float(tree.attrs["area"]),
        "strain": json.loads(tree.attrs["strain"]),
        "potential": tree.attrs["potential"],
        "checks": json.loads(tree.attrs["checks"]),
    }


def marks(comparison: xr.Dataset) -> dict[str, dict[str, list[bool]]]:
    """Where models exceed the limit of the lattice's channels, by model, if the result says."""
    name = "exceeds_lattice_limit"
    if name not in comparison:
        return {}
    table = comparison[name]
    return {name: {str(model): table.sel(model=model).values.tolist() for model in table["model"].values}}
