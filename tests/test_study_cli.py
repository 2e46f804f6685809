"""The studies on the command line: tables, JSON and files, and what is refused before any work."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from latmm.results import read
from latmm_cli import study_disorder, study_layers
from latmm_cli.main import cli

ARGON = ["--potential", "lj", "--potential-option", "cutoff=6.0", "--right-mass", "Ar=120"]
MASSES = ["--kind", "mass", "--width", "2", "--spread", "0.3"]  # no two realisations are alike
SMALL = ["--kmesh", "1", "1", "--frequencies", "3", "-T", "20", "-q"]


@pytest.fixture(scope="module")
def argon_file():
    from importlib.resources import files

    return str(files("latmm_structures") / "ar.cif")


def run(*arguments):
    return CliRunner().invoke(cli, ["study", *arguments], standalone_mode=False)


def succeeded(*arguments) -> str:
    result = run(*arguments)
    assert result.exception is None, result.exception
    return result.stdout


@pytest.mark.slow
def test_layers_are_tabled_and_written(argon_file, tmp_path):
    output, plot = tmp_path / "layers.nc", tmp_path / "layers.png"
    found = json.loads(
        succeeded(
            *("layers", argon_file, argon_file, *ARGON, *SMALL, "--layers", "2", "--profile", "exponential"),
            *("--profile", "0.2,0.9", "--json", "-o", str(output), "--plot", str(plot)),
        )
    )
    assert found["temperature"] == [20.0]
    assert set(found["conductance"]) == {"agf", "amm", "dmm", "flat-limit", "radiation"}
    assert [d["profile"] for d in found["designs"]] == ["0.2,0.9", "exponential"]
    assert [d["planes"] for d in found["designs"]] == [2, 2]
    tree = read(output)
    assert np.allclose(tree["designs"]["gain"].values[1], found["designs"][1]["gain"])
    assert tree["designs"]["conductance"].attrs["units"] == "W m-2 K-1"
    rows = study_layers.table(tree).splitlines()[-3:-1]
    assert [row.endswith("best") for row in rows].count(True) == 1
    assert plot.stat().st_size > 10_000


@pytest.mark.slow
def test_an_ensemble_is_tabled_and_written(argon_file, tmp_path):
    output, plot = tmp_path / "mass.nc", tmp_path / "mass.png"
    arguments = ["disorder", argon_file, argon_file, *ARGON, *SMALL, "--lateral", "2", "1", "--seeds", "3"]
    found = json.loads(succeeded(*arguments, *MASSES, "--json", "-o", str(output), "--plot", str(plot)))
    tree = read(output)
    text = study_disorder.table(tree)
    assert "3 realisations" in text
    assert text.splitlines()[-1].split()[0] == "20"
    each, mean = tree["realisations"].to_dataset(), tree["comparison"].to_dataset()
    assert np.allclose(each["conductance"].mean("realisation"), mean["conductance"])
    error = each["conductance"].std("realisation", ddof=1) / np.sqrt(3)
    assert np.all(error > 0)
    assert np.allclose(error, mean["conductance_error"])
    assert plot.stat().st_size > 10_000
    assert found["conductance"] == mean["conductance"].values.tolist()
    assert found["realisations"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layers", "a", "b", "--layers", "0"], "positive whole number"),
        (["layers", "a", "b", "--layers", "8:2:2"], "run upwards"),
        (["layers", "a", "b", "--profile", "cubic"], "neither the name of a profile"),
        (["layers", "a", "b", "--profile", "0.2,1.4"], "neither the name of a profile"),
        (["layers", "a", "b", "--kmesh", "0", "4"], "positive integers"),
        (["layers", "a", "b", "--interlayer", "Si=Xx"], "EL=NEW"),
        (["disorder", "a", "b"], "--kind intermixing needs --width"),
        (["disorder", "a", "b", "--kind", "roughness", "--rms", "2"], "needs --correlation"),
        (
            ["disorder", "a", "b", "--kind", "mass", "--width", "2", "--spread", "0.1", "--fraction", "0.1"],
            "--fraction",
        ),
        (["disorder", "a", "b", "--kind", "mass", "--width", "2.5", "--spread", "0.1"], "whole number"),
        (["disorder", "a", "b", "--profile", "0.2,x"], "neither the name of a profile"),
        (["disorder", "a", "b", "--width", "1.5"], "whole number"),
        (["disorder", "a", "b", "--width", "2", "-j", "2", "--scheduler", "local"], "exclude"),
        (["layers", "a", "b", "-o", "/nowhere/x.nc"], "does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(arguments, message):
    result = run(*arguments)
    assert result.exception is not None
    assert message in str(result.exception)
