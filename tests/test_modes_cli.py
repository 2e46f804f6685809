"""The commands ``latmm modes`` and ``latmm transmissivity`` on argon and heavy argon."""

import json
from importlib.resources import files

import numpy as np
import pytest
from click.testing import CliRunner

from latmm.errors import InputError
from latmm.modes.table import read_modes, spectral
from latmm.results import read
from latmm_cli.main import cli

ARGON = str(files("latmm_structures") / "ar.cif")
CRYSTALS = (
    ARGON,
    ARGON,
    "--right-mass",
    "Ar=80",
    "--potential",
    "lj",
    "--potential-option",
    "cutoff=6",
    "-q",
)


def run(*arguments: str):
    return CliRunner().invoke(cli, [*arguments])


@pytest.fixture
def built(monkeypatch, perfect_argon):
    """Crystals and contact from elsewhere: building them has its own tests."""
    monkeypatch.setattr("latmm_cli.modes.interface_of", lambda options, report: perfect_argon)


def test_modes_writes_a_table_a_csv_and_a_figure(tmp_path, built):
    table, bins, figure = (tmp_path / name for name in ("modes.nc", "bins.csv", "modes.png"))
    outputs = ("-o", str(table), "--csv", str(bins), "--plot", str(figure))
    result = run("modes", *CRYSTALS, "--kmesh", "4", "4", "--frequencies", "8", *outputs)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    found = read_modes(table)
    assert summary["modes"] == found.sizes["mode"] > 40
    assert summary["detailed_balance"] < 1e-10
    assert bins.stat().st_size > 1000
    assert figure.stat().st_size > 20000
    assert {"transmissivity_amm", "difference_dmm"} <= set(found.data_vars)
    assert json.loads(found.attrs["configuration"])["kmesh"] == [4, 4]
    both = spectral(found)["transmission"].values
    np.testing.assert_allclose(both[0], both[1], atol=1e-9)


def test_modes_at_one_frequency_covers_the_zone(tmp_path, built):
    table, figure = tmp_path / "zone.nc", tmp_path / "zone.png"
    chosen = ("--frequency", "0.7", "--kmesh", "6", "6", "--no-continuum", "-o", str(table))
    result = run("modes", *CRYSTALS, *chosen, "--plot", str(figure))
    assert result.exit_code == 0, result.output
    found = read_modes(table)
    assert np.unique(found["frequency"]).tolist() == [0.7]
    k = np.unique(np.stack([found["k1"], found["k2"]], axis=-1).round(5), axis=0)
    assert len(k) > 8
    np.testing.assert_allclose(np.abs(k).min(), 1 / 12, atol=1e-5)
    assert "transmissivity_amm" not in found
    assert figure.exists()


def test_transmissivity_prints_the_conductance_of_both_sides(tmp_path):
    tree, phonons, figure = (tmp_path / name for name in ("phonons.nc", "phonons.csv", "phonons.png"))
    outputs = ("-o", str(tree), "--csv", str(phonons), "--plot", str(figure))
    result = run("transmissivity", *CRYSTALS, "--mesh", "6", "6", "6", "-T", "50", "-T", "100", *outputs)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["temperature"] == [50.0, 100.0]
    left, right = (summary["conductance"]["agf"][side] for side in ("left", "right"))
    np.testing.assert_allclose(left, right, rtol=0.1)  # a coarse mesh
    assert set(summary["conductance"]) == {"agf", "amm", "dmm"}
    found = read(tree)
    assert found.attrs["mesh"].tolist() == [6, 6, 6]
    assert found["left"].sizes["mesh_point"] == 216
    assert phonons.stat().st_size > 1000
    assert figure.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("modes", ARGON, ARGON, "-o", "{folder}/none/modes.nc"), "does not exist"),
        (("modes", ARGON, ARGON, "--kmesh", "0", "4", "-o", "{folder}/modes.nc"), "two positive integers"),
        (("transmissivity", ARGON, ARGON, "--mesh", "4", "4", "0"), "three positive integers"),
        (("transmissivity", ARGON, ARGON, "--plot", "{folder}/figure.xyz"), "no figure format"),
    ],
)
def test_mistakes_are_told_before_any_work(arguments, message, tmp_path):
    result = run(*(argument.format(folder=tmp_path) for argument in arguments))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_masses_that_are_no_numbers_are_wrong_usage(tmp_path):
    result = run("modes", ARGON, ARGON, "--left-mass", "Ar=heavy", "-o", str(tmp_path / "modes.nc"))
    assert result.exit_code == 2
    assert "must be a number" in result.output
