"""Calculators that end the program, print, change it, or return what are no forces."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from hostile.case import STRUCTURES, Case

__all__ = ["cases"]

AR = str(STRUCTURES / "ar.cif")
_CODE = Path(__file__).parents[1] / "hostile_calculators.py"
HARMLESS = (
    "well", "prints", "changes_folder", "seterr", "warns", "takes_signals", "moves_atoms", "array_energy",
    "square_stress",
)  # fmt: skip
REFUSED = (
    "exits0", "exits_text", "raises_long", "wrong_shape", "one_row", "string_forces", "complex_forces",
    "ragged_forces", "nan_forces", "none_forces", "lies",
)  # fmt: skip


def _with_code(folder: Path) -> None:
    shutil.copy(_CODE, folder)


def _case(name: str, *arguments: str, expect: str) -> Case:
    quiet = ("--kmesh", "2", "2", "--frequencies", "6", "--model", "dmm", "-j", "1", "--json")
    return Case(
        f"calculator {name}",
        ("compare", AR, AR, "--right-mass", "Ar=160", *quiet, "-o", "out.nc", *arguments),
        _with_code,
        expect=expect,
        outputs=("out.nc",),
        apart=True,
    )


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for relax in ("--relax", "--no-relax"):
        for deed in (*HARMLESS, *REFUSED, "nan_stress"):
            sound = "done" if deed in HARMLESS else "refused"
            yield _case(
                f"{deed} {relax}",
                "--potential", "hostile_calculators:hostile", "--potential-option", f"deed={deed}", relax,
                expect="any" if deed == "nan_stress" else sound,
            )  # fmt: skip
    for name in ("exits_setup", "no_calculator", "not_there", "KINDS", "segfault"):
        yield _case(name, "--potential", f"hostile_calculators:{name}", expect="refused")
    yield _case("prints_setup", "--potential", "hostile_calculators:prints_setup", expect="done")
    unknown = ("--potential", "hostile_calculators:hostile", "--potential-option", "x=1")
    yield _case("option unknown", *unknown, expect="refused")
