"""A disk of two megabytes, where the machine lets one be mounted: the real thing that RLIMIT_FSIZE stands for."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostile.case import STRUCTURES, Case
from hostile.judge import faults, snapshot
from hostile.runner import run_apart

__all__ = ["small_disk"]

_ARGON = (
    "ar.cif", "ar.cif", "--right-mass", "Ar=160", "--potential", "lj", "--potential-option", "cutoff=6",
    "--no-relax", "--no-cache", "-j", "1", "--kmesh", "12", "12", "--frequencies", "40",
)  # fmt: skip
_RUNS = {
    "store": (("compare", *_ARGON, "--model", "agf", "-o", "out.nc"), "out.partial.zarr"),
    "mode table": (("modes", *_ARGON, "-o", "out.nc"), "out.partial.zarr"),
    "figure": (("dmm", "--left-medium", "si", "--right-medium", "ge", "--plot", "out.png"), ""),
}


@contextmanager
def _mounted(folder: Path) -> Iterator[bool]:
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if (
        os.geteuid()
        or shutil.which("mount") is None
        or subprocess.run(command, capture_output=True).returncode
    ):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def small_disk() -> Iterator[tuple[Case, list[str]]]:
    """Run on a disk that is nearly full; nothing where none can be mounted."""
    for name, (arguments, kept) in _RUNS.items():
        with tempfile.TemporaryDirectory() as place, _mounted(Path(place)) as there:
            folder = Path(place)
            if not there:
                return
            (folder / "ar.cif").write_bytes((STRUCTURES / "ar.cif").read_bytes())
            (folder / "filler").write_bytes(bytes(2_060_000))
            before = snapshot(folder)
            case = Case(f"small disk: {name}", arguments, kept=(kept,), reason="No space left on device")
            found = faults(case, run_apart(case, folder), before, snapshot(folder))
            if kept and not found:  # with room the same command ends, from what was kept
                (folder / "filler").unlink()
                again = Case(case.name, arguments, expect="done", outputs=("out.nc",))
                before = snapshot(folder)
                found = faults(
                    again, run_apart(again, folder), {"ar.cif": before["ar.cif"]}, snapshot(folder)
                )
            yield case, found
