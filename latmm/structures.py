"""Crystals from structure files: read with ASE, masses settled, everything that is no crystal refused."""

import hashlib
import os
import warnings
from collections.abc import Mapping
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any, Final

import ase.io
import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list

from latmm.errors import InputError

__all__ = ["SHORTEST_BOND", "file_digest", "read_atoms", "read_structure"]

SHORTEST_BOND: Final = 0.5
"""Å; no two nuclei of matter under ordinary pressure come closer (H₂: 0.74)."""
FLATTEST_CELL: Final = 1e-3
"""Volume over the product of the three edges below which a cell counts as flat."""
WIDEST_GAP: Final = 6.0
"""Å; wider layers without nuclei are vacuum (caesium, the largest atom: 4.3 between its (110) planes)."""


def read_structure(path: str | PathLike[str], masses: Mapping[str, float] | None = None) -> Atoms:
    """Read a crystal from any structure file that ASE understands (the last image of several).

    Parameters
    ----------
    path : path
        The file. Masses in it (extxyz) are honoured.
    masses : mapping of str to float, optional
        Mass by element, amu, in place of the file's or the natural one.

    Returns
    -------
    ase.Atoms
        Periodic in three directions, cell as in the file, without calculator or constraints.

    Raises
    ------
    InputError
        If the file is missing or unreadable, holds no atoms, no three-dimensional cell, vacuum, overlapping
        atoms or partly occupied sites, or a mass is no positive number or names an element that is absent.
    """
    path = Path(path)
    atoms = read_atoms(path)
    _check_crystal(atoms, path)
    crystal = Atoms(
        numbers=atoms.numbers,
        positions=atoms.positions,
        cell=atoms.cell,
        pbc=True,
        masses=_masses(atoms, masses or {}, path),
    )
    _check_distances(crystal, path)
    return crystal


def file_digest(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_atoms(path: Path) -> Atoms:
    """Read atoms of any kind, the last image of several; InputError if there are none."""
    if not os.path.isfile(path):  # unlike Path.is_file, no error where the name is too long
        reason = "is a folder" if os.path.isdir(path) else "does not exist"
        raise InputError(f"structure file {path} {reason}; name a file such as structures/si.cif")
    try:
        with warnings.catch_warnings():
            # readers warn about tags and conventions that do not matter here, and about data that they drop
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "Wrong number|Badly formed|Duplicated")
            atoms: Any = ase.io.read(path, do_not_split_by_at_sign=True)
    except Exception as error:  # each of ASE's readers raises what it likes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"structure file {path} cannot be read ({reason}); use a format known to ASE, "
            "e.g. CIF, POSCAR or extxyz"
        ) from error
    if len(atoms) == 0:
        raise InputError(f"structure file {path} holds no atoms; it must describe a crystal")
    return atoms


def _check_crystal(atoms: Atoms, path: Path) -> None:
    """Refuse what has no three-dimensional lattice or no definite atom on each site."""
    if not np.all(np.isfinite(atoms.positions)) or not np.all(np.isfinite(atoms.cell.array)):
        raise InputError(f"structure file {path} holds numbers that are not finite; mend the file")
    if atoms.cell.rank < 3:
        raise InputError(
            f"structure file {path} describes a molecule or a layer: its cell spans {atoms.cell.rank} "
            "directions; a crystal needs three lattice vectors"
        )
    if not np.all(atoms.pbc):
        periodic = ", ".join(axis for axis, on in zip("abc", atoms.pbc, strict=True) if on) or "none"
        raise InputError(
            f"structure file {path} is periodic along {periodic}; a crystal must be periodic along a, b and c"
        )
    flatness = atoms.get_volume() / np.prod(atoms.cell.lengths())
    if flatness < FLATTEST_CELL:
        raise InputError(
            f"structure file {path} has a flat cell of {atoms.get_volume():.3g} Å³; "
            "give three independent lattice vectors"
        )
    if (gap := _widest_gap(atoms)) > WIDEST_GAP:
        raise InputError(
            f"structure file {path} holds {gap:.3g} Å of vacuum, as around a molecule or a slab; "
            "give the bulk crystal"
        )
    if np.any(atoms.numbers <= 0):
        raise InputError(f"structure file {path} holds atoms of unknown element; name the elements")
    for site in (atoms.info.get("occupancy") or {}).values():
        if len(site) != 1 or any(abs(share - 1.0) > 1e-6 for share in site.values()):
            shares = ", ".join(f"{element} {share:g}" for element, share in site.items())
            raise InputError(
                f"structure file {path} has a site of partial occupancy ({shares}); give an ordered supercell"
            )


def _widest_gap(atoms: Atoms) -> float:
    """Thickness of the widest layer without nuclei parallel to two lattice vectors, Å."""
    spacing = 1.0 / np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    height = np.sort(atoms.get_scaled_positions(), axis=0)
    gaps = np.diff(height, axis=0, append=height[:1] + 1.0)
    return float(np.max(gaps.max(axis=0) * spacing))


def _check_distances(crystal: Atoms, path: Path) -> None:
    """Refuse overlapping atoms."""
    first, second, distance = neighbour_list("ijd", crystal, SHORTEST_BOND)
    if distance.size:
        worst = int(np.argmin(distance))
        raise InputError(
            f"structure file {path}: atoms {first[worst] + 1} and {second[worst] + 1} are "
            f"{distance[worst]:.3g} Å apart; remove duplicates or mend the lattice constant"
        )


def _masses(atoms: Atoms, overrides: Mapping[str, float], path: Path) -> np.ndarray[Any, Any]:
    """Masses of the atoms, amu: the file's, with overrides by element."""
    masses = atoms.get_masses()
    symbols = np.array(atoms.get_chemical_symbols())
    for element, mass in overrides.items():
        if not (isfinite(mass) and mass > 0):
            raise InputError(f"the mass of {element} must be a positive number of amu, but is {mass}")
        if element not in symbols:
            present = ", ".join(sorted(set(symbols)))
            raise InputError(f"a mass is given for {element}, but {path} holds {present}; name one of them")
        masses[symbols == element] = mass
    if not np.all(np.isfinite(masses) & (masses > 0)):
        raise InputError(
            f"structure file {path} holds masses that are not positive; mend them or override by element"
        )
    return np.asarray(masses)
