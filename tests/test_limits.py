"""What the theory leaves out is said beside the numbers, once, and of metals in particular."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from latmm.limits import limits_of
from latmm.results import read
from latmm_cli.main import cli

STRUCTURES = Path(__file__).parent.parent / "structures"
FAST = ("--model", "dmm-debye", "--kmesh", "3", "3", "--frequencies", "8")


def run(*arguments: str):
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        (["Al"], ["Cu"], "metal | metal"),
        (["Al", "Al"], ["Si"], "electrons of the metal"),
        (["Si", "C"], ["Al", "N"], "phonons only"),
        ([], ["Al"], "electrons of the metal"),
        ([], [], "phonons only"),
    ],
)
def test_electrons_are_named_where_there_are_metals(left, right, words):
    lines = limits_of(left, right)
    assert "harmonic and elastic" in lines[0]
    assert words in lines[1]
    assert len(lines) == 2
    assert ("4000" in lines[1]) == (words == "metal | metal")


def test_an_error_bar_is_said_to_be_of_the_sampling():
    assert "95 %" in limits_of(["Si"], ["Ge"], "sw: Stillinger-Weber")[2]
    assert limits_of(["Si"], ["Ge"], "package.module:calculator")[2].endswith("not of the force constants")


@pytest.mark.slow
def test_table_file_and_json_say_what_is_left_out(tmp_path):
    files = [str(STRUCTURES / "ar.cif"), str(STRUCTURES / "ar.cif"), "--potential", "lj", *FAST]
    files += ["--potential-option", "cutoff=6"]
    printed = run("compare", *files, "-o", str(tmp_path / "r.nc"))
    assert printed.exit_code == 0, printed.output
    limits = limits_of(["Ar"], ["Ar"], "lj")
    assert printed.stdout.splitlines()[-3:] == [f"limit: {line}" for line in limits]
    assert json.loads(read(tmp_path / "r.nc").attrs["limits"]) == limits
    assert json.loads(run("compare", *files, "--json", "-q").stdout)["limits"] == limits
    assert "limit:" not in run("compare", *files, "-q").output


def test_media_by_name_are_known_to_be_metals():
    pair = ("--left-medium", "al", "--right-medium")
    said = {name: run("dmm", *pair, name, "-T", "300").output for name in ("cu", "diamond")}
    assert "metal | metal" in said["cu"]
    assert "electrons of the metal" in said["diamond"]
    assert "limit:" not in run("dmm", *pair, "cu", "-q").output


@pytest.mark.slow
def test_files_of_single_phonons_say_what_is_left_out_too(tmp_path):
    files = [str(STRUCTURES / "ar.cif"), str(STRUCTURES / "ar.cif"), "--potential", "lj"]
    done = run("transmissivity", *files, "--mesh", "2", "2", "2", "-o", str(tmp_path / "t.nc"), "-q")
    assert (tmp_path / "t.nc").is_file(), done.output
    assert json.loads(read(tmp_path / "t.nc").attrs["limits"]) == limits_of(["Ar"], ["Ar"], "lj")
