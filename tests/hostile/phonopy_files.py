"""Hostile phonopy calculations: YAML that runs code, and numbers that are none."""

import gzip
import lzma
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from hostile.case import BAIT, Case
from hostile.samples import constants_hdf5, phonopy_files
from hostile.spoiling import spoiled

__all__ = ["cases"]

_COMMAND = ("match", "p.yaml", "p.yaml", "--no-relax", "--rows", "1")
_RUN = f"!!python/object/apply:os.system ['touch {BAIT}']"
_SPOILED = {"whole.yaml": 24, "params.yaml": 18, "FORCE_CONSTANTS": 14, "FORCE_SETS": 14, "BORN": 10}


def whole(
    change: Callable[[str], str], name: str = "p.yaml", kind: str = "whole.yaml"
) -> Callable[[Path], None]:
    """Write a calculation that is all in one file, changed."""

    def prepare(folder: Path) -> None:
        before = phonopy_files()[kind].decode()
        after = change(before)
        if after == before:
            raise ValueError("nothing is changed")
        (folder / name).write_text(after)

    return prepare


def beside(name: str, content: bytes | Callable[[str], str] | None) -> Callable[[Path], None]:
    """Write a calculation with a file of numbers beside it, which is changed or given."""

    def prepare(folder: Path) -> None:
        (folder / "p.yaml").write_bytes(phonopy_files()["phonopy.yaml" if name != "BORN" else "whole.yaml"])
        if callable(content):
            before = phonopy_files()[name].decode()
            if content(before) == before:
                raise ValueError("nothing is changed")
            (folder / name).write_text(content(before))
        elif content is not None:
            (folder / name).write_bytes(content)

    return prepare


def hdf5(change: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    """Write a calculation with changed force constants in HDF5."""

    def prepare(folder: Path) -> None:
        (folder / "p.yaml").write_bytes(phonopy_files()["phonopy.yaml"])
        constants_hdf5(folder / "force_constants.hdf5")
        with h5py.File(folder / "force_constants.hdf5", "r+") as file:
            change(file)

    return prepare


def first(pattern: str, new: str) -> Callable[[str], str]:
    """Replace the first match."""
    return lambda text: re.sub(pattern, new.replace("\\", r"\\"), text, count=1, flags=re.MULTILINE)


_ELEMENT = r"(?<=    - \[)\s+[-\d.]+(?=,)"
_NUMBER_OF_PAIR = r"(?<=\n)\s+-?\d+\.\d+(?=\s)"
_MATRIX = r"supercell_matrix:\n(- \[.*\n){3}"


def matrix(rows: str) -> Callable[[str], str]:
    """Give another supercell."""
    return first(_MATRIX, "supercell_matrix:\n" + "".join(f"- [ {row} ]\n" for row in rows.split(";")))


YAML: dict[str, tuple[Callable[[str], str], str]] = {
    "tag only": (lambda text: _RUN, "runs code"),
    "tag beside": (lambda text: text + f"more: {_RUN}\n", "runs code"),
    "tag as a key": (lambda text: text + f"? {_RUN}\n: 1\n", "runs code"),
    "tag in the force constants": (first(_ELEMENT, f" {_RUN}"), "runs code"),
    "tag of a name": (lambda text: text + "more: !!python/name:os.system\n", "runs code"),
    "tag of an object": (lambda text: text + f"more: !!python/object/new:os.system ['touch {BAIT}']\n", "runs code"),
    "tag of a module": (lambda text: text + "more: !!python/module:antigravity\n", "runs code"),
    "tag by a directive": (
        lambda text: f"%TAG ! tag:yaml.org,2002:python/\n---\n{text}more: !object/apply:os.system ['touch {BAIT}']\n",
        "runs code",
    ),
    "tag in full": (
        lambda text: text + f"more: !<tag:yaml.org,2002:python/object/apply:os.system> ['touch {BAIT}']\n", "runs code"
    ),
    "laughs": (
        lambda text: "a0: &a0 [1,1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1},*a{i - 1}]\n" for i in range(1, 60)) + text,
        "anchor",
    ),
    "merge": (lambda text: "a: &a {b: 1}\nc:\n  <<: *a\n" + text, "anchor"),
    "deep": (lambda text: text + "more: " + "[" * 900 + "]" * 900 + "\n", "deep"),
    "deeper": (lambda text: text + "more: " + "[" * 10**5, ""),
    "two documents": (lambda text: text + "\n---\n" + text, "more than one"),
    "twice": (lambda text: text + "force_constants: 1\n", "twice"),
    "list": (lambda text: "- 1\n- 2\n", "cannot be read"),
    "number": (lambda text: "1\n", "cannot be read"),
    "empty": (lambda text: "", "cannot be read"),
    "binary": (lambda text: "\x00\x01", "is no YAML file"),
    "cut": (lambda text: text[: len(text) // 2], ""),
    "large matrix": (matrix("1000000, 0, 0;0, 1000000, 0;0, 0, 1000000"), "supercell_matrix makes"),
    "larger matrix": (matrix("9" * 400 + ", 0, 0;0, 1, 0;0, 0, 1"), ""),
    "thin matrix": (matrix("1000000, 0, 0;0, 1, 0;0, 0, 1"), "supercell_matrix makes"),
    "singular matrix": (matrix("1, 0, 0;1, 0, 0;0, 0, 1"), "supercell_matrix must be"),
    "negative matrix": (matrix("-2, 0, 0;0, 2, 0;0, 0, 2"), ""),
    "matrix of halves": (matrix("0.5, 0, 0;0, 2, 0;0, 0, 2"), "supercell_matrix must be"),
    "matrix of text": (matrix("a, 0, 0;0, 2, 0;0, 0, 2"), "must be numbers"),
    "matrix nan": (matrix(".nan, 0, 0;0, 2, 0;0, 0, 2"), "must be numbers"),
    "text constants": (first(_ELEMENT, " text"), "must be numbers"),
    "quoted constants": (first(_ELEMENT, " '0.1'"), "must be numbers"),
    "true constants": (first(_ELEMENT, " yes"), "must be numbers"),
    "nan constants": (first(_ELEMENT, " nan"), "must be numbers"),
    ".nan constants": (first(_ELEMENT, " .nan"), "must be numbers"),
    "infinite constants": (first(_ELEMENT, " 1e400"), "finite"),
    "huge constants": (first(_ELEMENT, " 1e300"), ""),
    "constants of underscores": (first(_ELEMENT, " 1_0"), "must be numbers"),
    "constants of minutes": (first(_ELEMENT, " 1:30"), "must be numbers"),
    "missing constants": (first(_ELEMENT, " "), ""),
    "ragged constants": (first(_ELEMENT + ",", ""), "must be numbers"),
    "shape of constants": (first(r"shape: \[.*\]", "shape: [ 1000000, 1000000 ]"), "of its shape"),
    "negative shape": (first(r"shape: \[.*\]", "shape: [ -1, -32 ]"), "of its shape"),
    "constants of a number": (lambda text: re.sub(r"(?s)force_constants:.*", "force_constants: 1\n", text), ""),
    "mass negative": (first(r"^    mass: .*", "    mass: -40"), "the mass of point 1"),
    "mass huge": (first(r"^    mass: .*", "    mass: 1e300"), "the mass of point 1"),
    "mass tiny": (first(r"^    mass: .*", "    mass: 1e-300"), "the mass of point 1"),
    "mass zero": (first(r"^    mass: .*", "    mass: 0"), "the mass of point 1"),
    "mass text": (first(r"^    mass: .*", "    mass: heavy"), "must be numbers"),
    "mass nan": (first(r"^    mass: .*", "    mass: .nan"), "must be numbers"),
    "element lower case": (lambda text: text.replace("symbol: Ar", "symbol: ar"), ""),
    "element unknown": (lambda text: text.replace("symbol: Ar", "symbol: Qq"), ""),
    "element list": (lambda text: text.replace("symbol: Ar", "symbol: [Ar]"), ""),
    "lattice zero": (lambda text: re.sub(r"(?<=- \[)( +[-\d.]+,){2} +[-\d.]+ \] # [abc]", " 0, 0, 0 ]", text), ""),
    "lattice nan": (first(r"(?<=- \[) +[-\d.]+(?=,.*# a)", " .nan"), "must be numbers"),
    "lattice in metres": (
        lambda text: re.sub(r"(?<=- \[)(.*)(?=\] # [abc])", lambda m: re.sub(r"(\d)(?=[,\s])", r"\1e-10", m[1]), text), ""
    ),
    "lattice text": (first(r"(?<=- \[) +[-\d.]+(?=,.*# a)", " wide"), "must be numbers"),
    "lattice of two": (lambda text: re.sub(r"\n.*# c", "", text), "shape"),
    "position far": (first(r"coordinates: \[ +[\d.]+", "coordinates: [ 1e8"), "cells away"),
    "position nan": (first(r"coordinates: \[ +[\d.]+", "coordinates: [ nan"), "must be numbers"),
    "no points": (first(r"points:", "dots:"), ""),
    "points of text": (lambda text: re.sub(r"points:\n(  - .*\n(    .*\n)*)+", "points: many\n", text), ""),
    "primitive matrix huge": (lambda text: text + "\n", ""),
    "calculator unknown": (first(r"^phonopy:", "phonopy:\n  calculator: os.system"), ""),
    "calculator list": (first(r"^phonopy:", "phonopy:\n  calculator: [1]"), ""),
    "units of another": (first(r"length: .*", "length: \"furlong\""), ""),
}  # fmt: skip
YAML["primitive matrix huge"] = (
    lambda text: (
        re.sub(r"primitive_matrix:\n(- \[.*\n){3}", "", text)
        + "primitive_matrix:\n- [ 1e300, 0, 0 ]\n- [ 0, 1, 0 ]\n- [ 0, 0, 1 ]\n"
    ),
    "primitive_matrix",
)
DISPLACEMENTS: dict[str, tuple[Callable[[str], str], str]] = {
    "zero": (
        lambda text: re.sub(r"displacement:\n.*\n", "displacement: [ 0, 0, 0 ]\n", text),
        "nothing is displaced",
    ),
    "nan": (
        lambda text: re.sub(r"displacement:\n.*\n", "displacement: [ .nan, 0, 0 ]\n", text),
        "must be numbers",
    ),
    "text": (
        lambda text: re.sub(r"displacement:\n.*\n", "displacement: [ a, 0, 0 ]\n", text),
        "must be numbers",
    ),
    "1e300": (lambda text: re.sub(r"displacement:\n.*\n", "displacement: [ 1e300, 0, 0 ]\n", text), ""),
    "of an atom beyond": (first(r"- atom: +1", "- atom: 999999999999"), ""),
    "of a negative atom": (first(r"- atom: +1", "- atom: -5"), ""),
}
BESIDE: dict[str, tuple[str, bytes | Callable[[str], str] | None, str]] = {
    "constants empty": ("FORCE_CONSTANTS", b"", "is empty"),
    "constants huge": ("FORCE_CONSTANTS", b"1000000 1000000\n1 1\n", "but the supercell has"),
    "constants promised": ("FORCE_CONSTANTS", first(r".*\n", "32 32\n"), "lines, not the four"),
    "constants of another": ("FORCE_CONSTANTS", first(r".*\n", "2 16\n"), "but the supercell has"),
    "constants text": ("FORCE_CONSTANTS", first(_NUMBER_OF_PAIR, " text"), "where numbers belong"),
    "constants nan": ("FORCE_CONSTANTS", first(_NUMBER_OF_PAIR, " nan"), "where numbers belong"),
    "constants 1e400": ("FORCE_CONSTANTS", first(_NUMBER_OF_PAIR, " 1e400"), "not finite"),
    "constants underscores": ("FORCE_CONSTANTS", first(_NUMBER_OF_PAIR, " 1_0"), "where numbers belong"),
    "constants of another order": ("FORCE_CONSTANTS", first(r"\n1 2\n", "\n1 3\n"), "is due"),
    "constants ragged": ("FORCE_CONSTANTS", first(_NUMBER_OF_PAIR, " "), "nine numbers"),
    "constants dashes": ("FORCE_CONSTANTS", first(_NUMBER_OF_PAIR, " -.-"), "nine numbers"),
    "constants binary": ("FORCE_CONSTANTS", bytes(range(256)), ""),
    "sets empty": ("FORCE_SETS", b"", "is empty"),
    "sets of many atoms": ("FORCE_SETS", first(r"^32", "999999999999"), ""),
    "sets of many": ("FORCE_SETS", first(r"\n2 *\n", "\n999999999999\n"), ""),
    "sets zero displacement": (
        "FORCE_SETS",
        first(r"\n\n1 *\n.*\n", "\n\n1\n 0.0 0.0 0.0\n"),
        "nothing is displaced",
    ),
    "sets nan": ("FORCE_SETS", first(_NUMBER_OF_PAIR, " nan"), "where numbers belong"),
    "sets text": ("FORCE_SETS", first(_NUMBER_OF_PAIR, " text"), "where numbers belong"),
    "sets 1e400": ("FORCE_SETS", first(_NUMBER_OF_PAIR, " 1e400"), ""),
    "sets cut": ("FORCE_SETS", lambda text: text[: len(text) // 2], ""),
    "sets of an atom beyond": ("FORCE_SETS", first(r"\n\n1 *\n", "\n\n99999\n"), ""),
    "born empty": ("BORN", b"", ""),
    "born text": ("BORN", b"14.4\nx 0 0 0 2 0 0 0 2\n0 0 0 0 0 0 0 0 0\n", ""),
    "born nan": ("BORN", b"14.4\nnan 0 0 0 2 0 0 0 2\n0 0 0 0 0 0 0 0 0\n", ""),
    "born huge": ("BORN", b"14.4\n1e300 0 0 0 2 0 0 0 2\n1e300 0 0 0 0 0 0 0 0\n", ""),
    "born zero": ("BORN", b"14.4\n0 0 0 0 0 0 0 0 0\n0 0 0 0 0 0 0 0 0\n", ""),
    "born short": ("BORN", b"14.4\n2 0 0 0 2 0 0 0 2\n", ""),
}


def _external(file: h5py.File) -> None:
    del file["force_constants"]
    file["force_constants"] = h5py.ExternalLink("/etc/passwd", "force_constants")


def _soft(file: h5py.File) -> None:
    del file["force_constants"]
    file["force_constants"] = h5py.SoftLink("/force_constants")


def _raw(file: h5py.File) -> None:
    shape = file["force_constants"].shape
    del file["force_constants"]
    file.create_dataset(
        "force_constants", shape, dtype="f8", external=[("/dev/zero", 0, 8 * int(np.prod(shape)))]
    )


def _promise(file: h5py.File) -> None:
    del file["force_constants"]
    file.create_dataset("force_constants", (10**6, 10**6, 3, 3), dtype="f8", chunks=(10, 10, 3, 3))


def _replaced(values: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file["force_constants"]
        file["force_constants"] = values

    return change


def _group(file: h5py.File) -> None:
    file.move("force_constants", "a")
    file.create_group("force_constants")


def _nan(file: h5py.File) -> None:
    file["force_constants"][0, 0, 0, 0] = np.nan


HDF5: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "link outside": (_external, "no plain numbers"),
    "link to itself": (_soft, ""),
    "storage outside": (_raw, "no plain numbers"),
    "promise": (_promise, "but the supercell has"),
    "text": (_replaced("text"), "no plain numbers"),
    "complex": (_replaced(np.zeros((1, 32, 3, 3), dtype=complex)), "no plain numbers"),
    "two axes": (_replaced(np.zeros((32, 32))), "shape"),
    "nan": (_nan, "not finite"),
    "group": (
        _group,
        "no plain",
    ),
    "nothing": (lambda file: file.clear(), "no plain numbers"),
    "unit": (lambda file: file.create_dataset("physical_unit", data=[b"furlong"]) and None, ""),
}


def _special(name: str, how: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        if name != "p.yaml":
            (folder / "p.yaml").write_bytes(phonopy_files()["phonopy.yaml"])
        path = folder / name
        if how == "pipe":
            os.mkfifo(path)
        elif how == "loop":
            path.symlink_to(path)
        elif how == "folder":
            path.mkdir()
        else:
            path.symlink_to("/dev/zero")

    return prepare


def _packed(folder: Path) -> None:
    (folder / "p.yaml.gz").write_bytes(gzip.compress(f"a: {_RUN}\n".encode()))


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, (change, reason) in YAML.items():
        yield Case(f"phonopy {name}", _COMMAND, whole(change), reason=reason)
    for name, (change, reason) in DISPLACEMENTS.items():
        yield Case(f"phonopy displacement {name}", _COMMAND, whole(change, kind="params.yaml"), reason=reason)
    for name, (file, content, reason) in BESIDE.items():
        expect = "any" if name in ("born empty", "born short") else "refused"
        yield Case(f"phonopy {name}", _COMMAND, beside(file, content), expect=expect, reason=reason)
    for name, (alter, reason) in HDF5.items():
        yield Case(f"phonopy hdf5 {name}", _COMMAND, hdf5(alter), reason=reason)
    yield Case(
        "phonopy hdf5 garbage", _COMMAND, beside("force_constants.hdf5", b"garbage"), reason="cannot be read"
    )
    yield Case(
        "phonopy without numbers", _COMMAND, beside("FORCE_SETS", None), reason="neither force constants"
    )
    for how in ("pipe", "loop", "folder", "device"):
        yield Case(f"phonopy is a {how}", _COMMAND, _special("p.yaml", how))
        yield Case(f"phonopy constants are a {how}", _COMMAND, _special("FORCE_CONSTANTS", how))
    for file, kind in (("p.yaml.gz", "gz"), ("p.yaml.xz", "xz")):
        pack = gzip.compress if kind == "gz" else lzma.compress
        command = ("match", file, file, "--no-relax", "--rows", "1")
        content = pack(bytes(2**24))

        def bomb(folder: Path, file: str = file, content: bytes = content) -> None:
            (folder / file).write_bytes(content * 40)

        yield Case(f"phonopy {kind} bomb", command, bomb, reason="unpacks to more than", quick=False)
    yield Case("phonopy tag packed", ("match", "p.yaml.gz", "p.yaml.gz"), _packed, reason="runs code")
    yield Case(
        "phonopy tag in a cell",
        ("export", "p.yaml", "p.yaml", "--cell", "p.yaml", "-o", "o.nc"),
        whole(lambda text: _RUN),
    )
    yield Case("phonopy named FORCE_SETS", ("match", "FORCE_SETS", "FORCE_SETS"), reason="holds no crystal")
    for kind, count in _SPOILED.items():
        for number in range(count):
            content = spoiled(phonopy_files()[kind], f"{kind} {number}")
            prepare = beside(kind, content)
            if kind.endswith("yaml"):

                def prepare(folder: Path, content: bytes = content) -> None:
                    (folder / "p.yaml").write_bytes(content)

            yield Case(f"spoiled {kind} {number}", _COMMAND, prepare, expect="any", quick=number % 3 == 0)
