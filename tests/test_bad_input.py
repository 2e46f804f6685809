"""What a user may get wrong on the command line: one line that says what and how to mend it, and no file."""

import os
import signal
from pathlib import Path

import ase.build
import ase.io
import pytest

from latmm_cli.main import main

STRUCTURES = Path(__file__).parent.parent / "structures"
SI, GE, GAAS, AL, AR = (str(STRUCTURES / f"{name}.cif") for name in ("si", "ge", "gaas", "al", "ar"))

BAD = {
    "missing file": (["nowhere.cif", SI], "does not exist"),
    "unreadable file": (["garbage.cif", SI], "the file begins 'not a crystal'; ASE stopped at"),
    "molecule": (["water.xyz", SI], "molecule"),
    "uncovered elements": ([GAAS, GAAS], "no bundled potential"),
    "wrong potential": ([SI, GE, "--potential", "emt"], "covers"),
    "far from equilibrium": (["stretched.cif", "stretched.cif", "--no-relax"], "imaginary mode"),
    "atoms out of reach": (["apart.cif", "apart.cif", "--no-relax"], "no force constants"),
    "no match in the plane": ([SI, str(STRUCTURES / "c.cif")], "do not match in the plane"),
    "unknown model": ([SI, GE, "--model", "ann"], "choose from agf"),
    "reversed temperatures": ([SI, GE, "-T", "300:100:10"], "runs backwards"),
    "negative temperature": ([SI, GE, "-T", "-5"], "must be positive"),
    "no temperature": ([SI, GE, "-T", "warm"], "not a temperature"),
    "folder missing": ([SI, GE, "-o", "no/such.nc"], "does not exist"),
    "figure format": ([SI, GE, "--plot", "figure.docx"], "no figure format"),
    "no mesh": ([SI, GE, "--kmesh", "0", "4"], "two positive integers"),
    "no plane": ([SI, GE, "--normal", "0", "0", "0"], "Miller indices"),
    "mass of an absent element": ([SI, GE, "--left-mass", "Ge=70"], "Ge"),
    "mass that is no number": ([SI, GE, "--left-mass", "Si=heavy"], "must be a number"),
    "malformed assignment": ([SI, GE, "--left-mass", "28"], "NAME=VALUE"),
    "endless temperatures": ([SI, GE, "-T", "1:1e12:1"], "larger step"),
    "mesh beyond memory": ([SI, GE, "--no-relax", "--kmesh", "10000000", "10000000"], "coarser mesh"),
    "many frequencies": ([SI, GE, "--no-relax", "--frequencies", "10000000000000000"], "fewer frequencies"),
    "output over input": (["silicon.cif", GE, "-o", "silicon.cif"], "the structure file"),
    "by another name": (["silicon.cif", GE, "-o", "folder/../silicon.cif"], "the structure file"),
    "two outputs in one file": ([SI, GE, "-o", "same.png", "--plot", "same.png"], "overwrite the file of -o"),
    "output without a name": ([SI, GE, "-o", ""], "it is a folder"),
    "output to a pipe": ([SI, GE, "-o", "pipe"], "an ordinary file"),
    "output of a long name": ([SI, GE, "-o", 300 * "x" + ".nc"], "too long"),
    "input of a long name": ([300 * "x", GE], "does not exist"),
    "negative strain": ([SI, GE, "--max-strain", "-0.1"], "not in the range"),
    "strain that is no number": ([SI, GE, "--max-strain", "nan"], "not a finite number"),
    "calculator that fails": ([SI, GE, "--potential", "ase.calculators.emt:EMT"], "No EMT-potential for Si"),
    "calculator not there": ([SI, GE, "--potential", "ase.calculators.lj:nothing"], "use package.module"),
    "potential file missing": (
        [AL, AL, "--potential", "eam", "--potential-option", "file=no"], "does not exist"
    ),
    "potential file of another kind": (
        [AL, AL, "--potential", "eam", "--potential-option", "file=garbage.cif"], "eam/alloy or eam/fs"
    ),
    "huge Miller indices": ([SI, GE, "--normal", "1", "1", str(10**30)], "Miller indices up to 50"),
    "cut-off beyond reason": ([AR, AR, "--potential", "lj", "--potential-option", "cutoff=1e6"], "beyond 50"),
    "supercell too small": ([SI, GE, "--supercell", "1", "1", "1"], "larger --supercell"),
    "supercell too large": ([SI, GE, "--supercell", "99", "99", "99"], "smaller --supercell"),
    "supercell of no cells": ([SI, GE, "--supercell", "0", "1", "1"], "0 is not in the range 1<=x<=1000"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with files of every kind that a user may name."""
    (tmp_path / "garbage.cif").write_text("not a crystal")
    ase.io.write(tmp_path / "water.xyz", ase.build.molecule("H2O"))
    # argon stretched beyond the inflection of its potential, silicon beyond its cut-off
    ase.io.write(tmp_path / "stretched.cif", ase.build.bulk("Ar", "fcc", 6.3))
    ase.io.write(tmp_path / "apart.cif", ase.build.bulk("Si", "diamond", 7.0))
    (tmp_path / "silicon.cif").write_bytes(Path(SI).read_bytes())
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")  # stands for /dev/null, which a rename would replace
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    """Run the command in this process; return its exit status."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
    finally:
        signal.signal(signal.SIGTERM, handler)
    return ended.value.code


@pytest.mark.parametrize(("arguments", "reason"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_leaves_no_file(arguments, reason, folder, capfd):
    before = {p.name for p in folder.iterdir()}
    extra = [] if "-o" in arguments else ["-o", "out.nc"]
    assert run("compare", *arguments, *extra) in (1, 2)
    out, errors = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in errors
    message = errors.strip().splitlines()[-1]
    assert reason in message
    assert message.startswith(("latmm: error: ", "Error: "))
    assert {p.name for p in folder.iterdir()} == before
    assert (folder / "silicon.cif").read_bytes() == Path(SI).read_bytes()
    assert (folder / "pipe").is_fifo()


@pytest.mark.slow
def test_direction_of_huge_indices_is_a_direction_of_a_medium(folder, capfd):
    arguments = ["amm", "--left-medium", "si", "--right-medium", "ge", "-q", "--normal"]
    tables = []
    for index in ("1", str(10**30)):
        main([*arguments, "0", index, index])
        tables.append(capfd.readouterr().out)
    assert tables[0] == tables[1]
