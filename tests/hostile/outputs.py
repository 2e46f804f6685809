"""Outputs: devices, links, folders of others, names that no file has, inputs, full disks."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile.case import STRUCTURES, Case
from latmm.files import MARKER, begin_store

__all__ = ["cases"]

_MEDIA = ("dmm", "--left-medium", "si", "--right-medium", "ge")
_ARGON = (
    "compare", "a.cif", "b.cif", "--right-mass", "Ar=160", "--potential", "lj", "--potential-option",
    "cutoff=6", "--no-relax", "--no-cache", "-j", "1", "--kmesh", "2", "2", "--frequencies", "6",
    "--model", "agf",
)  # fmt: skip
NOWHERE = (
    "/proc/out.nc", "/proc/self/out.nc", "/proc/self/fd/1", "/sys/out.nc", "/sys/kernel/out.nc", "/dev/null",
    "/dev/full", "/dev/stdout", "/dev/fd/1", "x" * 5000, "d/" * 2500 + "out.nc", "", ".", "..", "/",
    "no/such/out.nc", "folder", "pipe", "loop.nc", "to-stdout.nc", "to-null.nc", "to-proc.nc", "to-sys.nc",
    "to-folder.nc", "to-nowhere/out.nc", "a.cif/out.nc", "folder/../../../../proc/x",
)  # fmt: skip
"""Where no result can be written."""
INPUTS = ("a.cif", "./a.cif", "folder/../a.cif", "to-input.nc", "same-as-a.nc", "b.cif")
"""Names of one input, and another."""


def _furnished(folder: Path) -> None:
    """Make files, folders, links and a pipe."""
    for name in ("a.cif", "b.cif"):
        (folder / name).write_bytes((STRUCTURES / "ar.cif").read_bytes())
    (folder / "folder").mkdir()
    (folder / "folder" / "notes.txt").write_text("precious")
    os.mkfifo(folder / "pipe")
    for name, goal in (
        ("loop.nc", "loop.nc"),
        ("to-stdout.nc", "/dev/stdout"),
        ("to-null.nc", "/dev/null"),
        ("to-proc.nc", "/proc/self/fd/1"),
        ("to-sys.nc", "/sys/out.nc"),
        ("to-folder.nc", "folder"),
        ("to-nowhere", "nowhere"),
        ("to-input.nc", "a.cif"),
        ("to-file.nc", "old.txt"),
    ):
        (folder / name).symlink_to(goal)
    (folder / "old.txt").write_text("old")
    os.link(folder / "a.cif", folder / "same-as-a.nc")


def _store(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _furnished(folder)
        make(folder / "out.partial.zarr")

    return prepare


def _of_others(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("precious")


def _like_a_store(path: Path) -> None:
    (path / ("0" * 16)).mkdir(parents=True)
    (path / "zarr.json").write_text("{}")
    (path / ("0" * 16) / "zarr.json").write_text("{}")


def _link(path: Path) -> None:
    path.symlink_to("folder")


def _link_to_own(path: Path) -> None:
    own = path.with_name("own.zarr")
    begin_store(own)
    (own / "notes.txt").write_text("precious")
    path.symlink_to(own.name)


def _linked_marker(path: Path) -> None:
    _of_others(path)
    (path / MARKER).symlink_to("notes.txt")


def _file(path: Path) -> None:
    path.write_text("precious")


STORES = {
    "a folder of others": _of_others,
    "like one of Zarr": _like_a_store,
    "a link to a folder": _link,
    "a link to a store": _link_to_own,
    "a folder with a linked marker": _linked_marker,
    "a file": _file,
    "a pipe": os.mkfifo,
}


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for path in NOWHERE:
        for option in ("-o", "--plot"):
            name = f"output {option} {path[:40]!r} ({len(path)})"
            yield Case(name, (*_MEDIA, option, path), _furnished, apart="stdout" in path or "fd" in path)
    exported = ("export", "a.cif", "b.cif", "--cell", "old.txt", "-o")
    over = {f"output over input {p}": (*_ARGON, "-o", p) for p in INPUTS}
    over |= {f"build over input {p}": ("build", "a.cif", "b.cif", "-o", p) for p in INPUTS}
    over |= {f"export over input {p}": (*exported, p) for p in (*INPUTS, "to-file.nc")}
    over["export over a file of the folder"] = ("export", "a.cif", "folder", "--cell", "old.txt", "-o",
                                                "folder/notes.txt")  # fmt: skip
    for name, arguments in over.items():
        yield Case(name, arguments, _furnished, reason="would overwrite")
    yield Case("output twice", (*_MEDIA, "-o", "out.png", "--plot", "out.png"), _furnished)
    yield Case("output twice by a link", (*_MEDIA, "-o", "x.png", "--plot", "folder/../x.png"), _furnished)
    yield Case("figure of no format", (*_MEDIA, "--plot", "out.docx"), _furnished)
    for what, make in STORES.items():
        yield Case(f"store is {what}", (*_ARGON, "-o", "out.nc"), _store(make), reason="no store")
        for study in ("layers", "disorder"):
            yield Case(
                f"study {study}: store is {what}",
                ("study", study, "a.cif", "b.cif", "-o", "out.nc", "--restart")
                + (("--kind", "mass", "--width", "2", "--spread", "0.1") if study == "disorder" else ()),
                _store(make),
            )
    for size in (0, 1, 100, 4096, 8000):
        for kind, arguments, kept in (
            ("result", (*_MEDIA, "-o", "out.nc"), ()),
            ("figure", (*_MEDIA, "--plot", "out.png"), ()),
            ("store", (*_ARGON, "-o", "out.nc"), ("out.partial.zarr",)),
            ("contact", ("build", *_ARGON[1:14], "-o", "out.xyz"), ()),
        ):
            yield Case(
                f"disk full at {size} bytes: {kind}",
                arguments,
                _furnished,
                expect="any" if kind == "contact" else "refused",
                apart=True,
                largest_file=size,
                kept=kept,
                outputs=("out.xyz",),
            )
