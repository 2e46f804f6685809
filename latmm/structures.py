"""Crystals from structure files: read with ASE, masses settled, everything that is no crystal refused."""

import hashlib
import traceback
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.data import covalent_radii, vdw_radii
from matscipy.neighbours import neighbour_list

from latmm.errors import InputError
from latmm.reading import file_bytes, plain_name
from latmm.structure_formats import parse

__all__ = [
    "SHORTEST_BOND",
    "check_contacts",
    "check_low_dimensional",
    "check_mass",
    "file_digest",
    "read_atoms",
    "read_structure",
]

_BEGINNING: Final = 1000
"""Bytes of a file in which its first line is looked for."""
SHORTEST_BOND: Final = 0.5
"""Å; no two nuclei of matter under ordinary pressure come closer (H₂: 0.74)."""
FLATTEST_CELL: Final = 1e-3
"""Volume over the product of the three edges below which a cell counts as flat."""
MOST_ATOMS: Final = 3000
"""Atoms of a crystal: a unit cell or a supercell; the search for symmetry grows as the square."""
_MOST_BYTES: Final = 2**26
LONGEST_EDGE: Final = 1e5
"""Å."""
FARTHEST: Final = 100.0
"""Cells; atoms of a trajectory wander some, a position beyond is a slip."""
LIGHTEST: Final = 1e-2
HEAVIEST: Final = 1e5
"""amu: room for models, none for other units or slips of the exponent."""
_NOBLE: Final = (2, 10, 18, 36, 54)
_SQUEEZED: Final = 0.6
"""Least distance of two atoms over the sum of their covalent radii."""
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
    content = file_bytes(
        path, "structure file", hint="name a file such as structures/si.cif", most=_MOST_BYTES
    )
    try:
        with warnings.catch_warnings():
            # readers warn about tags and conventions that do not matter here, and about data that they drop
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "Wrong number|Badly formed|Duplicated")
            atoms = parse(content, plain_name(path), str(path))
    except InputError:
        raise
    except Exception as error:  # each of ASE's readers raises what it likes
        reason = " ".join(str(error).split())[:200] or _unspoken(error, content)
        raise InputError(
            f"structure file {path} cannot be read ({reason}); use a format known to ASE, "
            "e.g. CIF, POSCAR or extxyz"
        ) from error
    if len(atoms) == 0:
        raise InputError(f"structure file {path} holds no atoms; it must describe a crystal")
    _check_numbers(atoms, path)
    return atoms


def _unspoken(error: Exception, content: bytes) -> str:
    """Say what a reader that gave up without a word demanded, and what it met first."""
    demand = (traceback.extract_tb(error.__traceback__)[-1].line or type(error).__name__).strip()
    lines = (line.strip() for line in content[:_BEGINNING].decode("utf-8", "replace").splitlines())
    first = next((line for line in lines if line), "")
    return f"it does not keep to its format: the file begins {first[:40]!r}; ASE stopped at '{demand[:80]}'"


def _check_numbers(atoms: Atoms, path: Path) -> None:
    """Refuse what is no number, or no length in Å."""
    for name, values in (
        ("positions", atoms.positions),
        ("cell", atoms.cell.array),
        ("masses", atoms.arrays.get("masses", np.zeros(0))),
    ):
        if values.dtype.kind not in "iuf" or values.ndim != (1 if name == "masses" else 2):
            raise InputError(f"structure file {path} has {name} that are no numbers; mend the file")
        if not np.all(np.isfinite(values)):
            raise InputError(f"structure file {path} holds {name} that are not finite; mend the file")
    # numbers that overflow when squared are cut to the bound before lengths are taken
    edges = np.linalg.norm(np.clip(atoms.cell.array, -10.0 * LONGEST_EDGE, 10.0 * LONGEST_EDGE), axis=1)
    if np.any((edges > 0.0) & (edges < SHORTEST_BOND)) or np.any(edges > LONGEST_EDGE):
        raise InputError(
            f"structure file {path} has cell edges of {', '.join(f'{edge:.4g}' for edge in edges)} Å; they "
            f"must lie between {SHORTEST_BOND} and {LONGEST_EDGE:g} Å: convert the unit of length"
        )
    if atoms.cell.rank == 3 and np.abs(atoms.get_scaled_positions(wrap=False)).max() > FARTHEST:
        raise InputError(
            f"structure file {path} has an atom over {FARTHEST:g} cells away, at up to "
            f"{np.abs(atoms.positions).max():.4g} Å; give positions within the cell"
        )


def check_mass(mass: float, what: str) -> None:
    """Refuse a mass that no atom has, nor the model of one.

    Parameters
    ----------
    mass : float
        amu.
    what : str
        The first words of the message.

    Raises
    ------
    InputError
    """
    if not LIGHTEST <= mass <= HEAVIEST:
        raise InputError(
            f"{what} must be a positive number of amu between {LIGHTEST:g} and {HEAVIEST:g}, but is {mass:g}"
        )


def check_contacts(atoms: Atoms, what: str) -> None:
    """Refuse atoms that are squeezed into each other.

    Parameters
    ----------
    atoms : ase.Atoms
        With its periodic boundary conditions.
    what : str
        The first words of the message.

    Raises
    ------
    InputError
        If two are closer than 0.6 of the sum of their covalent radii (van der Waals' of noble gases); the
        shortest bonds of matter, double ones of oxygen, have 0.7.
    """
    # closed shells touch at van der Waals' radii
    noble = np.isin(atoms.numbers, _NOBLE)
    radii = np.where(noble, vdw_radii[atoms.numbers], covalent_radii[atoms.numbers])
    box = Atoms(
        positions=atoms.positions,
        cell=atoms.cell.complete(),
        pbc=atoms.pbc & (atoms.cell.lengths() > 0.0),
    )
    first, second, distance = neighbour_list("ijd", box, 2.0 * _SQUEEZED * float(radii.max()))
    share = distance / (radii[first] + radii[second])
    if share.size and share.min() < _SQUEEZED:
        worst = int(np.argmin(share))
        i, j = int(first[worst]), int(second[worst])
        raise InputError(
            f"{what}: atoms {i + 1} ({atoms.symbols[i]}) and {j + 1} ({atoms.symbols[j]}) are "
            f"{distance[worst]:.3g} Å apart, less than {_SQUEEZED:g} of the sum of their radii; mend the "
            "positions"
        )


def _check_crystal(atoms: Atoms, path: Path) -> None:
    """Refuse what has no three-dimensional lattice or no definite atom on each site."""
    if len(atoms) > MOST_ATOMS:
        raise InputError(
            f"structure file {path} holds {len(atoms)} atoms, above {MOST_ATOMS}; a bulk crystal is given by "
            "its unit cell"
        )
    if atoms.cell.rank < 3:
        raise InputError(
            f"structure file {path} describes a molecule or a layer: its cell spans {atoms.cell.rank} "
            "directions; a crystal needs three lattice vectors"
        )
    if not np.all(atoms.pbc):
        periodic = ", ".join(axis for axis, on in zip("abc", atoms.pbc, strict=True) if on) or "none"
        raise InputError(
            f"structure file {path} is periodic along {periodic}; a crystal must be periodic along a, b and "
            "c; sheets, ribbons, tubes and chains are for latmm junction"
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
            "give the bulk crystal; sheets, ribbons, tubes and chains are for latmm junction"
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
    return float(_gaps(atoms)[0].max())


def _gaps(atoms: Atoms) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Widest layer without nuclei along each lattice vector, (3,) Å, and its upper end, (3,) fractional."""
    spacing = 1.0 / np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    height = np.sort(atoms.get_scaled_positions(), axis=0)
    gaps = np.diff(height, axis=0, append=height[:1] + 1.0)
    widest = gaps.argmax(axis=0)
    ends = np.roll(height, -1, axis=0)[widest, np.arange(3)]
    return gaps.max(axis=0) * spacing, ends


def check_low_dimensional(
    atoms: Atoms, path: Path, masses: Mapping[str, float]
) -> tuple[Atoms, tuple[int, ...]]:
    """Find out along which vectors of its cell a structure is periodic, and refuse what is none or a crystal.

    Parameters
    ----------
    atoms : ase.Atoms
        From :func:`read_atoms`.
    path : Path
        Of its file, for messages.
    masses : mapping of str to float
        Mass by element, amu, in place of the file's or the natural one.

    Returns
    -------
    atoms : ase.Atoms
        The same with its masses; what the box split is put together again.
    periodic : tuple of int
        One or two numbers of vectors.

    Raises
    ------
    InputError
        If there are three or none, or atoms overlap.
    """
    cell = atoms.cell.complete()
    lengths = atoms.cell.lengths()
    box = Atoms(
        numbers=atoms.numbers,
        positions=atoms.positions,
        cell=cell,
        pbc=True,
        masses=_masses(atoms, masses, path),
    )
    if len(box) > MOST_ATOMS:
        raise InputError(f"structure file {path} holds {len(box)} atoms, above {MOST_ATOMS}; give one period")
    gaps, ends = _gaps(box)
    given = atoms.pbc if atoms.pbc.any() else np.ones(3, dtype=bool)
    free = (gaps > WIDEST_GAP) | ~given | (lengths == 0.0)
    periodic = tuple(int(i) for i in np.flatnonzero(~free))
    if len(periodic) in (0, 3):
        what = "a molecule" if not periodic else "a crystal: use latmm compare"
        raise InputError(
            f"structure file {path} describes {what}; a sheet, ribbon, tube or chain has more than "
            f"{WIDEST_GAP:g} Å of vacuum along one or two vectors of its cell"
        )
    places = box.get_scaled_positions()
    for axis in np.flatnonzero(free & (gaps > WIDEST_GAP)):
        places[:, axis] = (places[:, axis] - ends[axis] + 1e-9) % 1.0
    for axis in np.flatnonzero(free & (gaps <= WIDEST_GAP)):  # a box as wide as the atoms: as written
        places[:, axis] = atoms.cell.new(cell).scaled_positions(atoms.positions)[:, axis]
    box.set_scaled_positions(places)
    for pair in _periodic_pairs(box, free):
        raise InputError(f"structure file {path}: {pair}; remove duplicates or mend the lattice constant")
    return box, periodic


def _periodic_pairs(box: Atoms, free: np.ndarray[Any, Any]) -> list[str]:
    """Atoms that overlap, in words; at most one pair."""
    first, second, distance = neighbour_list(
        "ijd", Atoms(positions=box.positions, cell=box.cell, pbc=~free), SHORTEST_BOND
    )
    if not distance.size:
        return []
    worst = int(np.argmin(distance))
    return [f"atoms {first[worst] + 1} and {second[worst] + 1} are {distance[worst]:.3g} Å apart"]


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
        check_mass(mass, f"the mass of {element}")
        if element not in symbols:
            present = ", ".join(sorted(set(symbols)))
            raise InputError(f"a mass is given for {element}, but {path} holds {present}; name one of them")
        masses[symbols == element] = mass
    for number in np.flatnonzero(~((masses >= LIGHTEST) & (masses <= HEAVIEST))):
        check_mass(float(masses[number]), f"structure file {path}: the mass of atom {number + 1}")
    return np.asarray(masses)
