"""Hostile media, springs and layers, parameter files of potentials, and tables to be exported."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile.case import STRUCTURES, Case
from hostile.samples import AR, crystal_files, kappa, potential_files, table
from hostile.spoiling import spoiled

__all__ = ["cases"]

SI = str(STRUCTURES / "si.cif")
_SPOILED = 14

# name: (medium, text of the message)
MEDIA = {
    "g/cm3": ("rho=8.96,cl=4760,ct=2325", "is it in g/cm³?"),
    "km/s": ("rho=8960,cl=4.76,ct=2.325", "is it in km/s?"),
    "g/cm3 and km/s": ("rho=8.96,cl=4.76,ct=2.325", "is it in g/cm³?"),
    "transverse in km/s": ("rho=8960,cl=4760,ct=2.325", "is it in km/s?"),
    "Pa": ("rho=2329,c11=165.7e9,c12=63.9e9,c44=79.6e9", "is it in Pa?"),
    "huge": ("rho=1e300,cl=1e300,ct=1e200", "must lie between"),
    "huge speed": ("rho=8960,cl=1e300", "must lie between"),
    "huge constants": ("rho=2329,c11=1e300,c12=0,c44=1e300", "must lie between"),
    "tiny constants": ("rho=2329,c11=1e-300,c12=0,c44=1e-300", "must lie between"),
    "nan": ("rho=nan,cl=4760,ct=2325", "must lie between"),
    "nan speed": ("rho=8960,cl=nan", "must lie between"),
    "nan constant": ("rho=2329,c11=165.7,c12=nan,c44=79.6", "must lie between"),
    "inf": ("rho=8960,cl=inf", "must lie between"),
    "negative": ("rho=-8960,cl=4760", "must lie between"),
    "negative speed": ("rho=8960,cl=-4760", "must lie between"),
    "negative shear": ("rho=8960,cl=4760,ct=-2325", "must lie between"),
    "zero": ("rho=0,cl=4760", "must lie between"),
    "zero speed": ("rho=8960,cl=0", "must lie between"),
    "faster shear": ("rho=8960,cl=2325,ct=4760", "c_l ≥"),
    "unstable": ("rho=2329,c11=50,c12=90,c44=20", "unstable"),
    "cells nan": ("rho=2329,cl=8433,ct=5845,n=nan", "must lie between"),
    "cells zero": ("rho=2329,cl=8433,ct=5845,n=0", "must lie between"),
    "cells huge": ("rho=2329,cl=8433,ct=5845,n=1e300", "must lie between"),
    "cells in Å": ("rho=2329,cl=8433,ct=5845,n=0.025", "is it in cells/Å³?"),
    "text": ("rho=heavy,cl=4760", "is not a number"),
    "key": ("rho=8960,cl=4760,os.system=1", "unknown keys"),
    "twice": ("rho=8960,rho=8960,cl=4760", "twice"),
    "name": ("unobtainium", "no measured medium"),
    "empty": ("", ""),
    "lines": ("si\nlatmm: error: none\n", ""),
    "long": ("rho=8960,cl=" + "9" * 10_000, ""),
}
NUMBERS = ("nan", "inf", "-inf", "1e300", "-1", "0", "1e-300", "text", "")
POTENTIALS: dict[str, tuple[str, bytes, str]] = {
    "tersoff empty": ("own.tersoff", b"", "holds no entry"),
    "tersoff of remarks": ("own.tersoff", b"# nothing\n", "holds no entry"),
    "tersoff of words": ("own.tersoff", b"Si " * 17, "three labels and 14 numbers"),
    "tersoff short": ("own.tersoff", potential_files()["own.tersoff"][:-9], "three labels and 14 numbers"),
    "tersoff nan": ("own.tersoff", potential_files()["own.tersoff"].replace(b"471.18", b"nan"), "not finite"),
    "tersoff 1e300": ("own.tersoff", potential_files()["own.tersoff"].replace(b"471.18", b"1e300"), "above"),
    "tersoff far": ("own.tersoff", potential_files()["own.tersoff"].replace(b"2.85", b"1e6"), "R + D"),
    "tersoff exponent": ("own.tersoff", potential_files()["own.tersoff"].replace(b"1.73222", b"1e14"), ""),
    "tersoff binary": ("own.tersoff", bytes(range(256)), "three labels and 14 numbers"),
    "eam empty": ("own.eam.alloy", b"", "ends before its header"),
    "eam count huge": (
        "own.eam.alloy", potential_files()["own.eam.alloy"].replace(b"200 0.05", b"999999999999 0.05"), "numbers, not the"
    ),
    "eam kinds huge": (
        "own.eam.alloy", potential_files()["own.eam.alloy"].replace(b"1 Ar", b"999999999999 Ar"), "cannot read"
    ),
    "eam nan": ("own.eam.alloy", potential_files()["own.eam.alloy"].replace(b"1.0", b"nan"), ""),
    "eam cutoff huge": ("own.eam.alloy", potential_files()["own.eam.alloy"].replace(b" 5.9\n", b" 1e300\n"), "cutoff"),
    "eam cutoff nan": ("own.eam.alloy", potential_files()["own.eam.alloy"].replace(b" 5.9\n", b" nan\n"), "cutoff"),
    "eam step zero": ("own.eam.alloy", potential_files()["own.eam.alloy"].replace(b"200 0.05 ", b"200 0.0 "), "cannot read"),
    "eam step negative": (
        "own.eam.alloy", potential_files()["own.eam.alloy"].replace(b"200 0.05 ", b"200 -0.05 "), "cannot read"
    ),
}  # fmt: skip
_OF = {"own.tersoff": ("tersoff", SI), "own.eam.alloy": ("eam", AR)}


def _potential(file: str) -> tuple[str, ...]:
    name, crystal = _OF[file]
    return (
        "amm", crystal, crystal, "--no-relax", "-q",
        "--potential", name, "--potential-option", f"file={file}",
    )  # fmt: skip


def _writing(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def _special(name: str, how: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        path = folder / name
        if how == "pipe":
            os.mkfifo(path)
        elif how == "loop":
            path.symlink_to(path)
        elif how == "folder":
            path.mkdir()
        elif how == "device":
            path.symlink_to("/dev/zero")

    return prepare


def exporting(spoil: str, way: str) -> Callable[[Path], None]:
    """Write a table, phonons and a cell, of which one is spoiled."""

    def prepare(folder: Path) -> None:
        (folder / "a.cif").write_bytes(crystal_files()["a.cif"])
        (folder / "t.nc").write_bytes(table())
        kappa(folder / "k.hdf5")
        path = folder / spoil
        whole = path.read_bytes()
        if way in ("pipe", "loop", "folder", "device"):
            path.unlink()
            _special(spoil, way)(folder)
        elif way == "empty":
            path.write_bytes(b"")
        elif way == "text":
            path.write_bytes(b"a: !!python/object/apply:os.system ['touch pwned']\n")
        elif way == "pickle":
            path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
        else:
            path.write_bytes(spoiled(whole, way))

    return prepare


def _shengbte(points: bytes, omega: bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        exporting("k.hdf5", "folder")(folder)
        (folder / "k.hdf5" / "BTE.qpoints_full").write_bytes(points)
        (folder / "k.hdf5" / "BTE.omega").write_bytes(omega)

    return prepare


_EXPORT = ("export", "t.nc", "k.hdf5", "--cell", "a.cif", "-o", "o.h5")


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, (text, reason) in MEDIA.items():
        yield Case(
            f"medium {name}", ("amm", "--left-medium", text, "--right-medium", "si", "-q"), reason=reason
        )
        yield Case(
            f"layer of a medium {name}",
            ("layers", "--left-medium", "al", "--right-medium", "si", "--layer", f"{text}:2"),
            reason=reason,
        )
    sides = ("layers", "--left-medium", "al", "--right-medium", "si")
    for number in NUMBERS:
        yield Case(f"layers bond {number}", (*sides, "--bond", number))
        yield Case(f"layers thickness {number}", (*sides, "--layer", f"mgo:{number}"))
        yield Case(f"layers graded {number}", (*sides, "--graded", number))
    yield Case("layers thick", (*sides, "--layer", "mgo:1e9"), reason="not in the range")
    yield Case("layers without thickness", (*sides, "--layer", "mgo"), reason="MEDIUM:NM")
    for name, (file, content, reason) in POTENTIALS.items():
        yield Case(f"parameters {name}", _potential(file), _writing(file, content), reason=reason)
    for file in _OF:
        for how in ("pipe", "loop", "folder", "device", "missing"):
            yield Case(f"parameters {file} is a {how}", _potential(file), _special(file, how))
        for number in range(_SPOILED):
            content = spoiled(potential_files()[file], f"{file} {number}")
            yield Case(
                f"spoiled {file} {number}",
                _potential(file),
                _writing(file, content),
                expect="any",
                quick=number % 4 == 0,
            )
    for file in ("t.nc", "k.hdf5", "a.cif"):
        for way in ("pipe", "loop", "folder", "device", "empty", "text", "pickle"):
            yield Case(f"export {file} is {way}", _EXPORT, exporting(file, way), quick=False)
        for number in range(_SPOILED if file != "a.cif" else 0):
            yield Case(
                f"spoiled {file} {number}",
                _EXPORT,
                exporting(file, f"{file} {number}"),
                expect="any",
                outputs=("o.h5",),
                quick=False,
                apart=True,
            )
    yield Case("export shengbte empty", _EXPORT, _shengbte(b"", b""), quick=False)
    yield Case("export shengbte text", _EXPORT, _shengbte(b"a b c\n", b"d e f\n"), quick=False)
    yield Case("export shengbte nan", _EXPORT, _shengbte(b"1 1 nan nan nan\n", b"nan nan nan\n"), quick=False)
    yield Case(
        "export shengbte huge", _EXPORT, _shengbte(b"1 1e300 1e300 0 0\n", b"1e300 1 1\n"), quick=False
    )
    yield Case("export shengbte ragged", _EXPORT, _shengbte(b"1 1 0 0 0\n1 1\n", b"1 1 1\n"), quick=False)
