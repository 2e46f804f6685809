"""Valid input files, made once: what the cases of hostile files spoil."""

import multiprocessing
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import ase.build
import ase.io
import numpy as np

from hostile.case import STRUCTURES

__all__ = [
    "AR",
    "constants_hdf5",
    "crystal_files",
    "kappa",
    "make",
    "phonopy_files",
    "potential_files",
    "table",
]

AR = str(STRUCTURES / "ar.cif")
_Sample = TypeVar("_Sample")
_SAMPLES: dict[str, Callable[[], object]] = {}
_MADE: dict[str, object] = {}


def _sample(function: Callable[[], _Sample]) -> Callable[[], _Sample]:
    """Make a sample at its first use, or all of them by :func:`make`."""

    @wraps(function)
    def once() -> _Sample:
        if function.__name__ not in _MADE:
            _MADE[function.__name__] = function()
        return _MADE[function.__name__]  # type: ignore[return-value]

    _SAMPLES[function.__name__] = once
    return once


def _every() -> dict[str, object]:
    return {name: function() for name, function in _SAMPLES.items()}


def make() -> None:
    """Make all samples in another process, so that this one has no threads of the libraries and can be forked."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        _MADE.update(pool.apply(_every))


@_sample
def crystal_files() -> dict[str, bytes]:
    """Solid argon in several formats, by name of the file."""
    atoms = ase.build.bulk("Ar", "fcc", 5.27, cubic=True)
    found = {}
    with TemporaryDirectory() as name:
        for file, kind in (
            ("a.cif", "cif"),
            ("POSCAR", "vasp"),
            ("a.xsf", "xsf"),
            ("a.gen", "gen"),
            ("a.json", "json"),
            ("a.traj", "traj"),
        ):
            ase.io.write(Path(name) / file, atoms, format=kind)
            found[file] = (Path(name) / file).read_bytes()
        atoms.set_masses([39.948] * 4)
        atoms.new_array("masses", atoms.get_masses()) if "masses" not in atoms.arrays else None
        ase.io.write(
            Path(name) / "a.extxyz", atoms, format="extxyz", columns=["symbols", "positions", "masses"]
        )
        found["a.extxyz"] = (Path(name) / "a.extxyz").read_bytes()
    return found


def _phonon():
    from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements
    from latmm.potentials.calculators import resolve_potential

    atoms = ase.build.bulk("Ar", "fcc", 5.27)
    potential = resolve_potential("lj", ["Ar"], {"cutoff": "5.5"})
    return finite_displacements(atoms, potential, supercell=choose_supercell(atoms, None, (2, 2, 2)))


@_sample
def phonopy_files() -> dict[str, bytes]:
    """A finished calculation of argon: all in one file, or with its numbers beside."""
    from phonopy.file_IO import write_FORCE_CONSTANTS, write_FORCE_SETS

    phonon = _phonon()
    found = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        phonon.save(folder / "whole.yaml", settings={"force_constants": True, "force_sets": False})
        phonon.save(folder / "phonopy.yaml", settings={"force_constants": False, "force_sets": False})
        phonon.save(folder / "params.yaml", settings={"force_constants": False, "force_sets": True})
        write_FORCE_CONSTANTS(
            phonon.force_constants, folder / "FORCE_CONSTANTS", p2s_map=phonon.primitive.p2s_map
        )
        write_FORCE_SETS(phonon.dataset, folder / "FORCE_SETS")
        for path in folder.iterdir():
            found[path.name] = path.read_bytes().rstrip() + b"\n"
    born = "14.4\n2.0 0 0 0 2.0 0 0 0 2.0\n0 0 0 0 0 0 0 0 0\n"
    return {**found, "BORN": born.encode()}


@_sample
def _constants() -> bytes:
    from phonopy.file_IO import write_force_constants_to_hdf5

    phonon = _phonon()
    with TemporaryDirectory() as name:
        path = Path(name) / "constants.hdf5"
        write_force_constants_to_hdf5(phonon.force_constants, path, p2s_map=phonon.primitive.p2s_map)
        return path.read_bytes()


def constants_hdf5(path: Path) -> None:
    """Write force constants as HDF5."""
    path.write_bytes(_constants())


@_sample
def potential_files() -> dict[str, bytes]:
    """Parameters of silicon's Tersoff potential and an embedded-atom table of argon."""
    tersoff = (
        "# remark\nSi Si Si 3.0 1.0 0.0 100390.0 16.217 -0.59825 0.78734 1.1e-6 1.73222 471.18 2.85 0.15 2.4799 "
        "1830.8\n"
    )
    count = 200
    r, rho = 6.0 / (count - 1) * np.arange(count), 0.05 * np.arange(count)
    pair = r * 0.05 * np.exp(-((r - 2.0) ** 2)) * (r < 5.9)
    tables = (-np.sqrt(rho), 0.1 * np.exp(-r) * (r < 5.9), pair)
    setfl = (
        "one\ntwo\nthree\n1 Ar\n" + f"{count} 0.05 {count} {6.0 / (count - 1)!r} 5.9\n18 39.948 5.27 fcc\n"
    )
    setfl += "\n".join("\n".join(f"{value:.12e}" for value in table) for table in tables) + "\n"
    return {"own.tersoff": tersoff.encode(), "own.eam.alloy": setfl.encode()}


@_sample
def table() -> bytes:
    """Write the transmissivities of argon on argon, as by ``latmm transmissivity --gamma --mesh 3 3 3``."""
    from latmm_cli.main import main

    with TemporaryDirectory() as name:
        path = Path(name) / "t.nc"
        try:
            with redirect_stdout(StringIO()):
                main(
                    ["transmissivity", AR, AR, "--right-mass", "Ar=80", "--gamma", "--mesh", "3", "3", "3",
                     "-q", "-o", str(path)]
                )  # fmt: skip
        except SystemExit as end:
            if end.code:
                raise RuntimeError("no table of transmissivities") from None
        return path.read_bytes()


def kappa(path: Path) -> None:
    """Write what phono3py would of the same phonons."""
    import h5py
    import xarray as xr

    with TemporaryDirectory() as name:
        (Path(name) / "t.nc").write_bytes(table())
        with xr.open_datatree(Path(name) / "t.nc", engine="h5netcdf") as tree:
            left = tree["left"].to_dataset().load()
    with h5py.File(path, "w") as file:
        file["mesh"] = np.array([3, 3, 3])
        axis = np.arange(3) / 3
        file["qpoint"] = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        rows = left["frequency"].values
        file["frequency"] = np.sort(np.resize(rows, (27, rows.shape[1])), axis=1)
