"""Hostile structure files, contacts and masses."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import ase.build
import ase.io
import numpy as np

from hostile.case import BAIT, STRUCTURES, Case
from hostile.samples import AR, crystal_files
from hostile.spoiling import spoiled

__all__ = ["cases"]

SI = str(STRUCTURES / "si.cif")
_SHORT = ("--no-relax", "--rows", "1")
_SPOILED = 14
"""Spoiled files of each format; every third is quick."""

Prepare = Callable[[Path], None]


def writing(name: str, content: bytes | Callable[[], bytes]) -> Prepare:
    """Write one file."""

    def prepare(folder: Path) -> None:
        (folder / name).write_bytes(content() if callable(content) else content)

    return prepare


def edited(name: str, old: str, new: str) -> Callable[[], bytes]:
    """Give a valid file in which a text is another."""

    def content() -> bytes:
        whole = crystal_files()[name]
        if old.encode() not in whole:
            raise ValueError(f"{name} holds no {old!r}")
        return whole.replace(old.encode(), new.encode())

    return content


def extxyz(rows: str, lattice: str = "5.27 0 0 0 5.27 0 0 0 5.27", more: str = "", count: str = "") -> bytes:
    """Give an extended XYZ file."""
    lines = rows.splitlines()
    return f'{count or len(lines)}\nLattice="{lattice}" {more} pbc="T T T"\n{rows}\n'.encode()


ROWS = "Ar 0 0 0\nAr 0 2.635 2.635\nAr 2.635 0 2.635\nAr 2.635 2.635 0"
_MASSES = "Properties=species:S:1:pos:R:3:masses:{}:1"


def with_mass(text: str, kind: str = "R") -> bytes:
    """Give argon with the mass of one atom as text."""
    return extxyz(
        "\n".join(f"{row} {text if number == 2 else 40.0}" for number, row in enumerate(ROWS.splitlines())),
        more=_MASSES.format(kind),
    )


def rattled(count: int) -> Callable[[], bytes]:
    """Give argon without symmetry."""

    def content() -> bytes:
        atoms = ase.build.bulk("Ar", "fcc", 5.27, cubic=True).repeat(count)
        atoms.rattle(0.05, seed=1)
        rows = "\n".join("Ar " + " ".join(f"{x:.6f}" for x in place) for place in atoms.positions)
        edge = 5.27 * count
        return extxyz(rows, f"{edge} 0 0 0 {edge} 0 0 0 {edge}")

    return content


def poscar(counts: str, scale: str = "1.0") -> bytes:
    """Give a POSCAR file with counts of its own."""
    return f"argon\n{scale}\n5.27 0 0\n0 5.27 0\n0 0 5.27\nAr\n{counts}\nDirect\n0 0 0\n.5 .5 0\n.5 0 .5\n0 .5 .5\n".encode()


# name of the case: (name of the file, its content, text of the message)
FILES: dict[str, tuple[str, bytes | Callable[[], bytes], str]] = {
    "empty.cif": ("a.cif", b"", ""),
    "cif cell minus": ("a.cif", edited("a.cif", "_cell_length_a       5.27", "_cell_length_a       -5.27"), "positive"),
    "cif cell zero": ("a.cif", edited("a.cif", "_cell_length_a       5.27", "_cell_length_a       0"), "positive"),
    "cif cell nan": ("a.cif", edited("a.cif", "_cell_length_a       5.27", "_cell_length_a       nan"), ""),
    "cif cell in metres": ("a.cif", edited("a.cif", "5.27", "5.27e-10"), ""),
    "cif angle 180": ("a.cif", edited("a.cif", "_cell_angle_alpha    90", "_cell_angle_alpha    180"), ""),
    "cif angle zero": ("a.cif", edited("a.cif", "_cell_angle_alpha    90", "_cell_angle_alpha    0"), ""),
    "cif position nan": ("a.cif", edited("a.cif", " 0.0 ", " nan "), ""),
    "cif unknown element": ("a.cif", edited("a.cif", "Ar ", "Qq "), ""),
    "cif binary": ("a.cif", bytes(range(256)) * 20, ""),
    "cif of many sites": (
        "a.cif",
        lambda: crystal_files()["a.cif"] + b"".join(b"  Ar  Ar%d 1.0 0.%05d 0.0 0.0 1.0\n" % (i, i) for i in range(9999)),
        "too many for a CIF",
    ),
    "tiny cell.extxyz": ("a.extxyz", extxyz("Ar 0 0 0", "1e-6 0 0 0 1e-6 0 0 0 1e-6"), "convert the unit of length"),
    "cell in metres.extxyz": ("a.extxyz", extxyz("Ar 0 0 0", "5e-10 0 0 0 5e-10 0 0 0 5e-10"), "unit of length"),
    "cell of zero": ("a.extxyz", extxyz("Ar 0 0 0", "0 0 0 0 0 0 0 0 0"), ""),
    "huge cell": ("a.extxyz", extxyz(ROWS, "1e300 0 0 0 1e300 0 0 0 1e300"), "cell edges"),
    "cell nan": ("a.extxyz", extxyz(ROWS, "nan 0 0 0 5.27 0 0 0 5.27"), "not finite"),
    "cell inf": ("a.extxyz", extxyz(ROWS, "inf 0 0 0 5.27 0 0 0 5.27"), "not finite"),
    "cell of text": ("a.extxyz", extxyz(ROWS, "a b c d e f g h i"), ""),
    "cell of eight numbers": ("a.extxyz", extxyz(ROWS, "5.27 0 0 0 5.27 0 0 0"), ""),
    "flat cell": ("a.extxyz", extxyz(ROWS, "5.27 0 0 5.27 1e-9 0 0 0 5.27"), ""),
    "position far": ("a.extxyz", extxyz(ROWS.replace("Ar 0 0 0", "Ar 1e8 0 0")), "cells away"),
    "position nan": ("a.extxyz", extxyz(ROWS.replace("Ar 0 0 0", "Ar nan 0 0")), "not finite"),
    "position text": ("a.extxyz", extxyz(ROWS.replace("Ar 0 0 0", "Ar x 0 0")), ""),
    "positions of text": ("a.extxyz", extxyz(ROWS, more="Properties=species:S:1:pos:S:3"), ""),
    "element lower case.extxyz": ("a.extxyz", extxyz(ROWS.replace("Ar", "ar")), "element 'ar'"),
    "element upper case.extxyz": ("a.extxyz", extxyz(ROWS.replace("Ar", "AR")), "element 'AR'"),
    "element unknown": ("a.extxyz", extxyz(ROWS.replace("Ar", "Qq")), ""),
    "element code": ("a.extxyz", extxyz(ROWS.replace("Ar", "__import__('os').system('touch pwned')")), ""),
    "count huge.extxyz": ("a.extxyz", extxyz(ROWS, count="999999999999"), "promises"),
    "count beyond words": ("a.extxyz", extxyz(ROWS, count="9" * 5000), ""),
    "count too large by one": ("a.extxyz", extxyz(ROWS, count="5"), "promises"),
    "count negative": ("a.extxyz", extxyz(ROWS, count="-4"), ""),
    "count huge in the last image": ("a.extxyz", extxyz(ROWS) + extxyz(ROWS, count="999999999999"), "promises"),
    "count huge.xyz": ("a.xyz", b"999999999999\n\nAr 0 0 0\n", "promises"),
    "count huge POSCAR": ("POSCAR", poscar("999999999999"), "promises"),
    "count long POSCAR": ("POSCAR", poscar("9" * 5000), "promises"),
    "count huge of kinds POSCAR": ("POSCAR", poscar("1 1 1 999999999999"), "promises"),
    "count negative POSCAR": ("POSCAR", poscar("-4"), ""),
    "scale nan POSCAR": ("POSCAR", poscar("4", "nan"), ""),
    "scale 1e300 POSCAR": ("POSCAR", poscar("4", "1e300"), ""),
    "scale zero POSCAR": ("POSCAR", poscar("4", "0"), ""),
    "scale metres POSCAR": ("POSCAR", poscar("4", "1e-10"), ""),
    "count huge.gen": ("a.gen", b"999999999999 S\nAr\n1 1 0 0 0\n", "promises"),
    "count huge.xsf": ("a.xsf", b"CRYSTAL\nPRIMVEC\n5 0 0\n0 5 0\n0 0 5\nPRIMCOORD\n999999999999 1\n18 0 0 0\n", "promises"),
    "count huge.pwi": (
        "a.pwi",
        b"&system\n ibrav=0, nat=999999999999, ntyp=1\n/\nATOMIC_SPECIES\nAr 40 x\nCELL_PARAMETERS angstrom\n5 0 0\n0 5 0\n"
        b"0 0 5\nATOMIC_POSITIONS angstrom\nAr 0 0 0\n",
        "promises",
    ),
    "code in a pwi": (
        "a.pwi",
        b"&system\n ibrav=0, nat=1, ntyp=1\n/\nATOMIC_SPECIES\nAr 40 x\nCELL_PARAMETERS angstrom\n5 0 0\n0 5 0\n0 0 5\n"
        b"ATOMIC_POSITIONS angstrom\nAr __import__('os').system('touch${IFS}pwned') 0 0\n",
        "",
    ),
    "rattled2k.extxyz": ("a.extxyz", rattled(8), "at rest"),
    "rattled10k.extxyz": ("a.extxyz", rattled(14), "unit cell"),
    "bomb.cif.bz2": ("a.cif.bz2", lambda: b"".join(20 * [bz2.compress(bytes(2**24))]), "unpacks to more than"),
    "bomb.cif.gz": ("a.cif.gz", lambda: b"".join(40 * [gzip.compress(bytes(2**24))]), "unpacks to more than"),
    "bomb.cif.xz": ("a.cif.xz", lambda: b"".join(20 * [lzma.compress(bytes(2**24))]), "unpacks to more than"),
    "bomb of text.extxyz.gz": ("a.extxyz.gz", lambda: gzip.compress(b"Ar 0 0 0\n" * 3_000_000), "unpacks"),
    "no gzip.cif.gz": ("a.cif.gz", b"data_a\n", "damaged where it is compressed"),
    "cut.cif.xz": ("a.cif.xz", lambda: lzma.compress(crystal_files()["a.cif"])[:-9], "damaged"),
    "large.cif": ("a.cif", lambda: b"#" * (2**26 + 1), "larger than 64 MiB"),
    "pickle as a database": ("a.db", b"cos\nsystem\n(S'touch " + BAIT.encode() + b"'\ntR.", ""),
    "pickle as a trajectory": ("a.traj", b"cos\nsystem\n(S'touch " + BAIT.encode() + b"'\ntR.", ""),
    "pickle as anything": ("a.pckl", b"cos\nsystem\n(S'touch " + BAIT.encode() + b"'\ntR.", ""),
    "python as a structure": ("a.py", f"import os\nos.system('touch {BAIT}')\n".encode(), ""),
    "format that is not read": ("a.castep", b" CASTEP\n", "only those are read"),
    "laughing.xml": (
        "vasprun.xml",
        b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY %c "%s">' % (c + 1, b"&%c;" % c * 10) for c in range(97, 112))
        + b"]><modeling>&p;</modeling>",
        "",
    ),
    "json of a million brackets": ("a.json", b"[" * 10**6, ""),
    "json of code": ("a.json", b'{"1": {"__ase_objtype__": "os.system", "cmd": "touch pwned"}, "ids": [1]}', ""),
    "many lattice vectors": ("a.extxyz", extxyz(ROWS, " ".join(["5.27"] * 10**5)), ""),
    "name in a comment": ("a.extxyz", extxyz(ROWS, more='Properties="species:S:999999999999:pos:R:3"'), ""),
    "molecule": ("a.xyz", b"3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", ""),
}  # fmt: skip
MASSES = {
    "zero": "0", "negative": "-40", "nan": "nan", "inf": "inf", "huge": "1e300", "tiny": "1e-300", "text": "heavy",
    "empty": "", "electron": "5e-4",
}  # fmt: skip


def _named(names: str) -> Prepare:
    """Make special files under the name of a structure."""

    def prepare(folder: Path) -> None:
        path = folder / "a.cif"
        if names == "pipe":
            os.mkfifo(path)
        elif names == "loop":
            path.symlink_to(path)
        elif names == "long loop":
            (folder / "b.cif").symlink_to(path)
            path.symlink_to(folder / "b.cif")
        elif names == "folder":
            path.mkdir()
        elif names == "device":
            path.symlink_to("/dev/zero")
        elif names == "memory":
            path.symlink_to("/proc/self/mem")
        elif names == "bundle":
            (folder / "a.bundle").mkdir()
            (folder / "a.bundle" / "metadata").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
            (folder / "a.bundle" / "state").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")

    return prepare


def contact(change: Callable[[ase.Atoms], None]) -> Prepare:
    """Write layers of argon as the explicit region of a contact, spoiled."""

    def prepare(folder: Path) -> None:
        edge = 5.3111 / 2**0.5
        cell = ase.Atoms(
            "Ar2", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=(edge, edge, 5.3111), pbc=True
        )
        atoms = cell.repeat((1, 1, 5))
        atoms.pbc = (True, True, False)
        change(atoms)
        ase.io.write(folder / "c.extxyz", atoms, format="extxyz")

    return prepare


def _squeeze(atoms: ase.Atoms) -> None:
    atoms.positions[:, 2] *= 0.4


def _move_onto(atoms: ase.Atoms) -> None:
    atoms.positions[7] = atoms.positions[8] + 0.3


def _far(atoms: ase.Atoms) -> None:
    atoms.positions[7, 2] = 1e8


def _nan(atoms: ase.Atoms) -> None:
    atoms.positions[7, 1] = np.nan


def _no_cell(atoms: ase.Atoms) -> None:
    atoms.cell = None
    atoms.pbc = False


def _masses(value: float) -> Callable[[ase.Atoms], None]:
    def change(atoms: ase.Atoms) -> None:
        atoms.set_array("masses", np.where(np.arange(len(atoms)) == 5, value, 39.948))

    return change


CONTACTS: dict[str, tuple[Callable[[ase.Atoms], None], str]] = {
    "squeezed": (_squeeze, "apart, less than"),
    "atom upon another": (_move_onto, "apart"),
    "atom far away": (_far, ""),
    "position nan": (_nan, "finite"),
    "without cell": (_no_cell, ""),
    "mass nan": (_masses(np.nan), ""),
    "mass zero": (_masses(0.0), ""),
    "mass huge": (_masses(1e300), ""),
}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for name, (file, content, reason) in FILES.items():
        quick = not any(word in name for word in ("bomb", "rattled", "large", "million", "many"))
        yield Case(
            f"structure {name}",
            ("match", file, AR, *_SHORT),
            writing(file, content),
            # text that says numbers is as good as numbers
            expect="any" if name == "positions of text" else "refused",
            reason=reason,
            quick=quick,
        )
    for name, text in MASSES.items():
        for kind in "RS":
            yield Case(
                f"structure masses {name} {kind}",
                ("match", "a.extxyz", AR, *_SHORT),
                writing("a.extxyz", with_mass(text, kind)),
            )
        yield Case(f"number mass Ar={text}", ("compare", AR, AR, "--left-mass", f"Ar={text}", "--no-relax"))
    for name, reason in {
        "pipe": "not a regular file", "loop": "leads back to itself", "long loop": "leads back to itself",
        "folder": "is a folder", "device": "not a regular file",
    }.items():  # fmt: skip
        yield Case(f"structure is a {name}", ("match", "a.cif", AR, *_SHORT), _named(name), reason=reason)
    yield Case("structure is memory", ("match", "a.cif", AR, *_SHORT), _named("memory"))
    yield Case("structure is a bundle", ("match", "a.bundle", AR, *_SHORT), _named("bundle"), reason="folder")
    yield Case("structure name long", ("match", "x" * 5000 + ".cif", AR, *_SHORT), reason="name is too long")
    yield Case("structure path long", ("match", "x/" * 2500 + "a.cif", AR, *_SHORT), reason="does not exist")
    yield Case(
        "structure name of lines", ("match", "a\nTraceback\n\x1b[2Jb.cif", AR, *_SHORT), reason="not exist"
    )
    yield Case(
        "structure name of a database", ("match", "postgresql://a/b", AR, *_SHORT), reason="does not exist"
    )
    yield Case(
        "structure name of a page", ("match", "https://example.org/a.cif", AR, *_SHORT), reason="not exist"
    )
    yield Case(
        "structure name in octets", ("match", os.fsdecode(b"\xff\xfe.cif"), AR, *_SHORT), reason="not exist"
    )
    yield Case("structure name of a stream", ("match", "-", AR, *_SHORT), reason="does not exist")
    yield Case("structure name empty", ("match", "", AR, *_SHORT))
    for name, (change, reason) in CONTACTS.items():
        yield Case(
            f"contact {name}",
            ("compare", AR, AR, "--region", "c.extxyz", "--no-relax", "--dry-run"),
            contact(change),
            reason=reason,
        )
    for file, whole in crystal_files().items():
        for number in range(_SPOILED):
            yield Case(
                f"spoiled {file} {number}",
                ("match", file, AR, *_SHORT),
                writing(file, spoiled(whole, f"{file} {number}")),
                expect="any",
                quick=number % 3 == 0,
            )
