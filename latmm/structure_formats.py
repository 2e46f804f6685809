"""Formats of structure files: which are read, and what they may promise.

ASE knows some hundred formats. Of their readers some unpickle or connect to databases, and many believe a
count before they have read as much. Only those formats are read that describe a crystal and whose readers
neither run code nor open other files; the counts that they begin with are compared with the file first.
"""

import re
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any, Final

import ase.io
from ase import Atoms
from ase.data import chemical_symbols
from ase.io.cif import parse_cif
from ase.io.formats import UnknownFileTypeError, filetype, ioformats

from latmm.errors import InputError

__all__ = ["FORMATS", "MOST_ATOMS", "parse"]

FORMATS: Final = (
    "cif", "espresso-in", "espresso-out", "extxyz", "gen", "json", "traj", "vasp", "vasp-out",
    "vasp-xdatcar", "vasp-xml", "xsf", "xyz",
)  # fmt: skip
"""ASE's names of the formats that are read."""
MOST_ATOMS: Final = 20_000
"""Atoms of a structure file."""
_PROPERTIES: Final = re.compile(r'Properties="?([^\s"]+)')
_OPERATIONS: Final = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
)
_MOST_SITES: Final = 1500
"""Sites of a CIF: ASE takes seconds for them, and their square for more."""
_MOST_COLUMNS: Final = 100
_COMMON: Final = "CIF, POSCAR or extxyz"


def parse(content: bytes, name: str, path: str) -> Atoms:
    """Read the last image of a structure file.

    Parameters
    ----------
    content : bytes
        Of the file, unpacked.
    name : str
        Of the file, by which formats are told apart, as by ASE.
    path : str
        For messages.

    Returns
    -------
    ase.Atoms

    Raises
    ------
    InputError
        If its format is not one of :data:`FORMATS`, or it promises more than it holds.
    Exception
        Whatever ASE's reader raises.
    """
    kind = _kind(content, name)
    if kind not in FORMATS:
        raise InputError(
            f"structure file {path} cannot be read: its format is {kind[:40]!r}, and only those are read "
            f"whose readers neither run code nor open other files; convert it to {_COMMON}"
        )
    if kind == "cif":
        _check_blocks(content, path)
    if ioformats[kind].isbinary:
        source: Any = BytesIO(content)
    else:
        text = content.decode("utf-8", "replace")
        if kind in _CHECKS:
            _CHECKS[kind](text.splitlines(), path)
        source = StringIO(text)
    atoms = ase.io.read(source, format=kind)
    if len(atoms) > MOST_ATOMS:
        raise InputError(f"structure file {path} holds {len(atoms)} atoms, above {MOST_ATOMS}; cut out fewer")
    return atoms


def _kind(content: bytes, name: str) -> str:
    """ASE's name of the format, from the file's name and its beginning."""
    stream: Any = BytesIO(content)
    # a name that ASE would take for the address of a database, or for a folder of this machine, is a file's
    stream.name = "./" + name if name.lower().startswith(("postgres", "mysql", "maria")) else f"_{name}"
    try:
        return str(filetype(stream))
    except UnknownFileTypeError:
        return "unknown"


def _check_blocks(content: bytes, path: str) -> None:
    """Refuse a CIF with a cell that ASE would turn over, or with more sites than it gets through."""
    for block in parse_cif(BytesIO(content)):
        for edge in "abc":
            length = block.get(f"_cell_length_{edge}", 1.0)
            if isinstance(length, int | float) and not length > 0:
                raise InputError(
                    f"structure file {path} has a cell length of {length:g} Å; it must be positive"
                )
        columns = [block.get(name) for name in ("_atom_site_fract_x", "_atom_site_cartn_x")]
        sites = max(len(column) if isinstance(column, list) else 0 for column in columns)
        operations = [block.get(name) for name in _OPERATIONS]
        copies = max(len(column) if isinstance(column, list) else 1 for column in operations)
        if sites > _MOST_SITES or sites * copies > MOST_ATOMS:
            raise InputError(
                f"structure file {path} holds {sites} sites with {copies} symmetry operations, too many for "
                f"a CIF (at most {_MOST_SITES} sites, {MOST_ATOMS} atoms); give a smaller cell"
            )


def _check_frames(lines: list[str], path: str) -> None:
    """Walk through an XYZ file from count to count."""
    start, last = 0, None
    while start < len(lines) and lines[start].strip():
        word = lines[start].split()[0]
        if not re.fullmatch(r"[0-9]{1,12}", word):
            break
        last, start = start, start + int(word) + 2
        # vectors of the cell may follow the atoms
        while start < len(lines) and lines[start].startswith("VEC"):
            start += 1
    if last is None:
        return
    _check_count(int(lines[last].split()[0]), len(lines) - last - 2, path)
    named = _PROPERTIES.search(lines[last + 1])
    columns = (named.group(1) if named else "species:S:1:pos:R:3").split(":")
    if any(width.isdigit() and not 0 < int(width[:20]) <= _MOST_COLUMNS for width in columns[2::3]):
        raise InputError(f"structure file {path} has a property of {_MOST_COLUMNS}+ columns; write it anew")
    place = 0
    for what, width in zip(columns[::3], columns[2::3], strict=False):
        if what.lower() == "species":
            break
        place += int(width) if width.isdigit() else 0
    else:
        return
    for line in lines[last + 2 : last + 2 + int(lines[last].split()[0])]:
        symbol = (line.split()[place : place + 1] or [""])[0]
        if symbol not in chemical_symbols and symbol.capitalize() in chemical_symbols:
            raise InputError(
                f"structure file {path} names an element {symbol!r}; write {symbol.capitalize()!r} if that "
                "is meant"
            )


def _check_header(lines: list[str], path: str) -> None:
    """Compare the numbers of atoms of a POSCAR, in its sixth or seventh line, with the lines that follow."""
    for line in lines[5:7]:
        for word in line.partition("!")[0].split():
            if re.fullmatch(r"[0-9]+", word):
                _check_count(int(word[:20]), len(lines) - 5, path)


def _check_first(lines: list[str], path: str) -> None:
    """Compare a number that the file begins with with its lines."""
    word = (lines[0].split() or [""])[0] if lines else ""
    if re.fullmatch(r"[0-9]+", word):
        _check_count(int(word[:20]), len(lines) - 1, path)


def _check_named(pattern: str) -> Callable[[list[str], str], None]:
    found = re.compile(pattern, re.IGNORECASE)

    def check(lines: list[str], path: str) -> None:
        for line in lines:
            if match := found.search(line):
                _check_count(int(match.group(1)[:20]), len(lines), path)

    return check


def _check_after(word: str) -> Callable[[list[str], str], None]:
    def check(lines: list[str], path: str) -> None:
        for number, line in enumerate(lines[:-1]):
            if line.strip().upper().startswith(word):
                _check_first(lines[number + 1 :], path)

    return check


def _check_count(promised: int, held: int, path: str) -> None:
    if promised > held:
        raise InputError(
            f"structure file {path} promises {promised:.6g} atoms, but ends after {max(held, 0)} lines; "
            "write it anew"
        )
    if promised > MOST_ATOMS:
        raise InputError(f"structure file {path} holds {promised} atoms, above {MOST_ATOMS}; cut out fewer")


_CHECKS: Final[dict[str, Callable[[list[str], str], None]]] = {
    "espresso-in": _check_named(r"\bnat\s*=\s*([0-9]+)"),
    "extxyz": _check_frames,
    "gen": _check_first,
    "vasp": _check_header,
    "vasp-xdatcar": _check_header,
    "xsf": _check_after("PRIMCOORD"),
    "xyz": _check_frames,
}
"""What compares the counts of a format with the file."""
