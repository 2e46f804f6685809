"""What phonopy's files hold, read without phonopy: plain data of checked shape and size.

Phonopy's own loader of YAML runs what a tag asks for, and its parsers believe the counts that a file begins
with. Here nothing runs, every number is a finite number, and a supercell is counted before it is built. What
the numbers mean is checked later (:mod:`latmm.lattice.phonopy_files`).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.reading import check_regular, file_bytes, file_text
from latmm.structures import check_mass
from latmm.yaml_data import plain_yaml

__all__ = ["check_displacements", "hdf5_constants", "numbers_text", "read_content", "text_constants"]

_MOST_ATOMS: Final = 10_000
"""Atoms of a supercell: 5000 are the largest that are calculated."""
_LONGEST: Final = 1e4
"""Edge of a cell, in either unit of length."""
_FARTHEST: Final = 100.0
"""Fractional coordinate."""
_LEAST_DISPLACEMENT: Final = 1e-6
"""In either unit of length; smaller ones drown in the rounding of positions."""
_LARGEST: Final = 1e8
"""Force constant, force, charge or displacement, in any unit of phonopy: matter stays below 1e5, and the
eigenvalues of what is far above overflow."""
_NUMBERS: Final = re.compile(r"[-+0-9.eE\s]*")
_HINT: Final = "name a file such as phonopy_params.yaml"


def read_content(path: Path) -> dict[str, Any]:
    """Read a file of phonopy's own kind.

    Returns
    -------
    dict
        As phonopy's loader takes it.

    Raises
    ------
    InputError
        If the file cannot be read, holds what is no plain data, a number that is none, or asks for more atoms
        than anybody calculates.
    """
    content = plain_yaml(file_bytes(path, "phonopy file", hint=_HINT), f"phonopy file {path}")
    if not isinstance(content, dict):
        raise InputError(f"{path} cannot be read as a phonopy calculation (it is no mapping); {_HINT}")
    for place, cell in _cells(content):
        _check_cell(cell, place, path)
    _check_matrices(content, path)
    constants = content.get("force_constants")
    if isinstance(constants, dict) and "elements" in constants:
        shape = _numbers(constants.get("shape"), (2,), "shape of force_constants", path).astype(int).tolist()
        elements = _numbers(constants["elements"], None, "force_constants", path)
        if elements.size != 9 * shape[0] * shape[1] or min(shape) < 1:
            raise InputError(
                f"{path} holds {elements.size} numbers of force constants, not the "
                f"{9 * shape[0] * shape[1]} of its shape {shape}; repeat the calculation"
            )
        constants["elements"] = elements
    _check_forces(content, path)
    for values in (content, content.get("nac")):
        if isinstance(values, dict):
            for name in ("born_effective_charge", "dielectric_constant"):
                if name in values:
                    _numbers(values[name], None, name, path)
    return content


def _cells(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("unit_cell", "primitive_cell", "supercell"):
        if name in content:
            yield name, content[name]
    if "lattice" in content:
        yield "the cell", content


def _check_cell(cell: Any, place: str, path: Path) -> None:
    """Check a lattice and its points."""
    points = cell.get("points", cell.get("atoms")) if isinstance(cell, dict) else None
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise InputError(f"{path}: {place} has no list of points; repeat the calculation")
    if len(points) > _MOST_ATOMS:
        raise InputError(
            f"{path}: {place} holds {len(points)} atoms, above {_MOST_ATOMS}; take a smaller one"
        )
    lattice = _numbers(cell.get("lattice"), (3, 3), f"lattice of {place}", path)
    edges = np.linalg.norm(lattice, axis=1)
    if not (edges.min() > 0.0 and edges.max() < _LONGEST):
        raise InputError(
            f"{path}: the edges of {place} are {_listed(edges)} long; they must be above 0 and below "
            f"{_LONGEST:g}"
        )
    for number, point in enumerate(points, start=1):
        where = f"point {number} of {place}"
        place_of = point.get("coordinates", point.get("position"))
        if np.abs(_numbers(place_of, (3,), f"position of {where}", path)).max() > _FARTHEST:
            raise InputError(f"{path}: {where} lies over {_FARTHEST:g} cells away; give it within the cell")
        if "mass" in point:
            mass = _numbers(point["mass"], (), f"the mass of {where}", path)
            check_mass(float(mass), f"{path}: the mass of {where}")


def _check_matrices(content: Mapping[str, Any], path: Path) -> None:
    """Count the atoms of the supercell before anybody builds it."""
    if "primitive_matrix" in content:
        primitive = _numbers(content["primitive_matrix"], (3, 3), "primitive_matrix", path)
        if np.abs(primitive).max() > _FARTHEST:
            raise InputError(
                f"{path}: primitive_matrix holds {np.abs(primitive).max():g}; it must be of order 1"
            )
    if "supercell_matrix" not in content:
        return
    matrix = _numbers(content["supercell_matrix"], (3, 3), "supercell_matrix", path)
    cell = next((cell for place, cell in _cells(content) if place != "supercell"), None)
    atoms = len(cell.get("points", cell.get("atoms"))) if cell else 1
    count = atoms * abs(float(np.linalg.det(matrix)))
    if np.any(matrix != np.rint(matrix)) or count < 0.5:
        raise InputError(
            f"{path}: supercell_matrix must be integers with a determinant, but is {matrix.tolist()}"
        )
    if count > _MOST_ATOMS + 0.5 or np.abs(matrix).max() > _MOST_ATOMS:
        raise InputError(
            f"{path}: its supercell_matrix makes {count:.4g} atoms, above {_MOST_ATOMS}; mend the matrix"
        )


def _check_forces(content: Mapping[str, Any], path: Path) -> None:
    """Check displacements and forces in any of phonopy's three layouts."""
    dataset = content.get("dataset")
    for name in ("displacements", "forces", "supercell_energies"):
        if isinstance(dataset, dict) and name in dataset:
            values = _numbers(dataset[name], None, name, path)
            if name == "displacements":
                check_displacements(values, path)
    displaced = content.get("displacements")
    for one in displaced if isinstance(displaced, list) else ():
        for entry in one if isinstance(one, list) else (one,):
            if not isinstance(entry, dict):
                raise InputError(f"{path}: displacements must be entries of displacement and forces")
            for name in ("displacement", "force", "forces"):
                if name in entry:
                    _numbers(entry[name], None, name, path)
        first = one if isinstance(one, dict) else {}
        if "displacement" in first:
            check_displacements(np.array([first["displacement"]], dtype=float), path)


def check_displacements(displacements: Floats, path: Path) -> None:
    """Refuse structures (leading axis) in which nothing is displaced.

    Raises
    ------
    InputError
    """
    if not displacements.size:
        raise InputError(f"{path} holds no displacement; repeat the calculation")
    _finite(displacements, path)
    largest = np.abs(displacements).reshape(len(displacements), -1).max(axis=1)
    if not largest.min() > _LEAST_DISPLACEMENT:
        raise InputError(
            f"{path}: in structure {int(np.argmin(largest)) + 1} nothing is displaced (largest displacement "
            f"{largest.min():.3g}); no force constants follow from its forces: take it out or mend it"
        )


def _numbers(value: Any, shape: tuple[int, ...] | None, what: str, path: Path) -> Floats:
    """Finite numbers of a shape; of any where that is None.

    Raises
    ------
    InputError
    """
    try:
        found = np.array(value)
    except ValueError:  # rows of different lengths
        found = np.array(None)
    if found.dtype.kind not in "if":
        raise InputError(f"{path}: {what} must be numbers, but {_not_number(value)}; mend the file")
    if shape is not None and found.shape != shape:
        raise InputError(f"{path}: {what} must have shape {shape}, but has {found.shape}; mend the file")
    numbers = np.asarray(found, dtype=float)
    if not np.all(np.abs(numbers) <= _LARGEST):
        raise InputError(f"{path}: {what} must be finite numbers below {_LARGEST:g}; mend the file")
    return numbers


def _not_number(value: Any) -> str:
    """Name the first thing in nested lists that is no number."""
    if isinstance(value, list):
        parts = [part for part in value if not isinstance(part, int | float)]
        lists = [part for part in parts if isinstance(part, list)]
        others = [part for part in parts if not isinstance(part, list)]
        if others:
            return _not_number(others[0])
        named = (_not_number(part) for part in lists)
        return next((text for text in named if not text.startswith("rows")), "rows are of different lengths")
    if isinstance(value, int | float):
        return "rows are of different lengths"
    if value is None:
        return "one is missing"
    return f"one is {str(value)[:40]!r}"


def _listed(values: Floats) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def numbers_text(path: Path) -> str:
    """Text of FORCE_SETS or FORCE_CONSTANTS, without comments: digits and signs only.

    Raises
    ------
    InputError
        If it cannot be read, or holds a word.
    """
    text = re.sub(r"#[^\n]*", "", file_text(path))
    if not _NUMBERS.fullmatch(text):
        word = next(word for word in text.split() if not _NUMBERS.fullmatch(word))
        raise InputError(f"{path} holds {word[:40]!r} where numbers belong; repeat the calculation")
    if not text.strip():
        raise InputError(f"{path} is empty; repeat the calculation")
    return text


def text_constants(path: Path, rows: Integers, atoms: int) -> Floats:
    """Read FORCE_CONSTANTS.

    Parameters
    ----------
    path : path
        The file.
    rows : (n,) int
        Atoms of the supercell, from 0, that stand for the primitive cell.
    atoms : int
        N, of the supercell.

    Returns
    -------
    (n or N, N, 3, 3) ndarray
        In the file's unit.

    Raises
    ------
    InputError
        If the file is not that of this supercell.
    """
    lines = [line for line in numbers_text(path).splitlines() if line.strip()]
    shape = _shape([int(float(word)) for word in lines[0].split()[:3]], rows, atoms, path)
    if len(lines) != 1 + 4 * shape[0] * shape[1]:
        raise InputError(
            f"{path} holds {len(lines) - 1} lines, not the four for each of {shape[0]} × {shape[1]} pairs of "
            "atoms; repeat the calculation"
        )
    # some versions of phonopy run the two indices together
    indices = [line.split() for line in lines[1::4]]
    first = np.repeat(rows if shape[0] == len(rows) else np.arange(atoms), shape[1]) + 1
    second = np.tile(np.arange(1, atoms + 1), shape[0])
    for number, words in enumerate(indices):
        if len(words) == 2 and (words[0], words[1]) != (str(first[number]), str(second[number])):
            raise InputError(
                f"{path} goes on with the pair {' '.join(words)[:40]} where {first[number]} "
                f"{second[number]} is due; it belongs to another primitive cell or supercell"
            )
    words = " ".join(line for number, line in enumerate(lines[1:]) if number % 4).split()
    try:
        found = np.array(words, dtype=float).reshape(*shape, 3, 3)
    except ValueError:
        raise InputError(f"{path} holds a pair without its nine numbers; repeat the calculation") from None
    return _finite(found, path)


def hdf5_constants(path: Path, rows: Integers, atoms: int) -> tuple[Floats, str | None]:
    """Read force_constants.hdf5, parameters as of :func:`text_constants`.

    Returns
    -------
    (n or N, N, 3, 3) ndarray
        In the file's unit.
    str or None
        Its name.

    Raises
    ------
    InputError
        If the file is not that of this supercell, or holds anything but plain numbers of its own.
    """
    check_regular(path)
    try:
        with h5py.File(path, "r") as file:
            name = "fc2" if "fc2" in file else "force_constants"
            stored = _own(file, name, "fi", path)
            if len(stored.shape) != 4 or stored.shape[2:] != (3, 3):
                raise InputError(f"{path}: {name} has shape {stored.shape}, not (atoms, atoms, 3, 3)")
            shape = _shape(list(stored.shape[:2]), rows, atoms, path)
            if shape[0] != atoms and "p2s_map" in file:
                known = _own(file, "p2s_map", "iu", path)
                if known.shape != rows.shape or np.any(known[()] != rows):
                    raise InputError(f"{path} belongs to another primitive cell; its p2s_map differs")
            unit = None
            if "physical_unit" in file:
                text = _own(file, "physical_unit", "OS", path)
                unit = h5py.Dataset.asstr(text)[()] if text.shape == () else str(text.asstr()[0])
            return _finite(np.asarray(stored[()], dtype=float), path), unit
    except InputError:
        raise
    except Exception as error:  # a damaged file makes HDF5 raise anything
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(f"{path} cannot be read ({reason}); repeat the calculation") from None


def _own(file: h5py.File, name: str, kinds: str, path: Path) -> h5py.Dataset:
    """Find data that lie in the file itself: no link to another file, no computed or foreign storage."""
    stored = file.get(name)
    plain = isinstance(stored, h5py.Dataset) and isinstance(file.get(name, getlink=True), h5py.HardLink)
    if not plain or stored.is_virtual or stored.external or stored.dtype.kind not in kinds:
        raise InputError(f"{path} has no plain numbers called {name}; repeat the calculation")
    return stored


def _shape(counts: list[int], rows: Integers, atoms: int, path: Path) -> tuple[int, int]:
    """Rows and columns that a file of force constants promises."""
    if len(counts) == 1:
        counts = [counts[0], counts[0]]
    if len(counts) != 2 or counts[0] not in (len(rows), atoms) or counts[1] != atoms:
        raise InputError(
            f"{path} is for {' × '.join(map(str, counts))} atoms, but the supercell has {atoms}, {len(rows)} "
            "of them in the primitive cell; they do not belong together"
        )
    return counts[0], counts[1]


def _finite(values: Floats, path: Path) -> Floats:
    if not np.all(np.abs(values) <= _LARGEST):
        raise InputError(
            f"{path} holds numbers that are not finite, or above {_LARGEST:g}; repeat the calculation"
        )
    return values
