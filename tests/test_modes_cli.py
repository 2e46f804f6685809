"""The commands ``latmm modes`` and ``latmm transmissivity`` on argon and heavy argon."""

import json
import re
import shlex
from importlib.resources import files
from pathlib import Path

import ase.io
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.errors import InputError
from latmm.modes.contributions import mode_conductance
from latmm.modes.table import read_modes, spectral
from latmm.results import read
from latmm_cli.main import cli
from latmm_cli.progress import Reporter
from latmm_cli.transmissivity import _tables

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
    monkeypatch.setattr("latmm_cli.crystals.interface_of", lambda options, how: perfect_argon)


@pytest.mark.slow
def test_modes_writes_a_table_a_csv_and_a_figure(tmp_path, built):
    table, bins, figure = (tmp_path / name for name in ("modes.nc", "bins.csv", "modes.png"))
    outputs = ("-o", str(table), "--csv", str(bins), "--plot", str(figure))
    result = run("modes", *CRYSTALS, "--kmesh", "4", "4", "--frequencies", "8", "--json", *outputs)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    found = read_modes(table)
    assert summary["modes"] == found.sizes["mode"] > 40
    checks = summary["checks"]
    assert checks["detailed_balance"]["value"] < 1e-10
    assert max(checks[name]["value"] for name in ("frequency", "group_velocity")) < 1e-6
    expected = mode_conductance(found, 300.0).sum().item()
    for side in ("left", "right"):
        assert summary["conductance"][side][0] == pytest.approx(expected, rel=1e-9)
    assert bins.stat().st_size > 1000
    assert figure.stat().st_size > 20000
    assert {"transmissivity_amm", "difference_dmm"} <= set(found.data_vars)
    assert json.loads(found.attrs["configuration"])["kmesh"] == [4, 4]
    both = spectral(found)["transmission"].values
    np.testing.assert_allclose(both[0], both[1], atol=1e-9)


@pytest.mark.slow
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
    # a perfect crystal: all channels cross, from both sides
    nu, left, right, crossing, *shares = (float(x) for x in result.stdout.splitlines()[2].split())
    assert nu == 0.7
    assert left == pytest.approx(right)
    assert crossing == pytest.approx(left, rel=1e-3)
    assert shares == pytest.approx([1.0, 1.0], rel=1e-3)
    assert "worst errors: frequency" in result.stdout


@pytest.mark.slow
def test_transmissivity_prints_the_conductance_of_both_sides(tmp_path, built):
    tree, phonons, figure = (tmp_path / name for name in ("phonons.nc", "phonons.csv", "phonons.png"))
    outputs = ("-o", str(tree), "--csv", str(phonons), "--plot", str(figure))
    options = ("--mesh", "6", "6", "6", "-T", "50", "-T", "100", "--json", *outputs)
    result = run("transmissivity", *CRYSTALS, *options)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["temperature"] == [50.0, 100.0]
    left, right = (summary["conductance"]["agf"][side] for side in ("left", "right"))
    np.testing.assert_allclose(left, right, rtol=0.1)  # a coarse mesh
    assert set(summary["conductance"]) == {"agf", "amm", "amm-phonons", "dmm"}
    # acoustic mismatch by its own waves is in detailed balance, and every budget sums to its conductance
    np.testing.assert_allclose(*summary["conductance"]["amm"].values(), rtol=1e-6)
    for by, shares in summary["budget"].items():
        assert len(shares[by]) == len(shares["agf"]["left"][0])
        for model, sides in summary["conductance"].items():
            for side, total in sides.items():
                np.testing.assert_allclose(np.sum(shares[model][side], axis=1), total, rtol=1e-9)
    found = read(tree)
    assert found.attrs["mesh"].tolist() == [6, 6, 6]
    assert found["left"].sizes["mesh_point"] == 216
    assert phonons.stat().st_size > 1000
    assert figure.exists()


def test_tables_name_branches_angles_frequencies_and_verdicts():
    bins = {"branch": [0, 1, 4], "angle": [45.0, 90.0], "frequency": [2.5, 5.0]}
    models, sides = ["agf", "dmm", "amm-phonons", "amm"], ["left", "right"]
    budgets = {}
    for by, ends in bins.items():
        share = np.array([100.0, 150.0, 120.0, 90.0])[:, None, None, None] / len(ends)
        values = 1e6 * np.broadcast_to(share, (4, 2, 2, len(ends)))
        dims = ("model", "temperature", "side", by)
        coords = {"model": models, "temperature": [50.0, 300.0], "side": sides, by: ends}
        budgets[by] = xr.DataArray(values, dims=dims, coords=coords)
    text = _tables(budgets)
    for words in ("slow quasi-transverse", "optical 2", "45 to 90°", "0 to 2.5 THz", "50 K"):
        assert words in text
    verdict = (
        "from the left at 300 K: dmm is off by +50 %; amm by -10 %: +20 by transmissivity, -30 by counting"
    )
    assert verdict in text


@pytest.mark.slow
def test_scattering_prints_probabilities_that_sum_to_one(tmp_path, built):
    path, figure = tmp_path / "map.nc", tmp_path / "map.png"
    outputs = ("-o", str(path), "--plot", str(figure))
    chosen = ("--frequency", "0.7", "--kmesh", "4", "4", "--angles", "3")
    result = run("scattering", *CRYSTALS, *chosen, *outputs)
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if line.startswith(("left", "right"))]
    assert len(rows) == 6
    for row in rows:
        values = [float(x) for x in row.split() if x[0].isdigit()]
        assert sum(values) == pytest.approx(1.0, abs=4e-3)  # three digits each
    assert "specular fraction: 1.000 from the left" in result.stdout
    assert {"channels", "conversion"} <= set(read(path).to_dataset().data_vars)
    assert figure.stat().st_size > 20000


def test_phonons_are_listed_and_one_is_filmed(tmp_path, built):
    at = ("--frequency", "0.7", "--wave-vector", "0.1", "0.05", "--side", "right")
    result = run("wave", *CRYSTALS, *at)
    assert result.exit_code == 0, result.output
    listed = [line.split() for line in result.stdout.splitlines()[1:]]
    assert len(listed) == 3
    assert all(float(row[-1]) == pytest.approx(1.0, abs=1e-3) for row in listed)
    film = tmp_path / "wave.xyz"
    result = run(
        "wave", *CRYSTALS, *at, "--mode", listed[0][0], "--frames", "4", "--layers", "2", "-o", str(film)
    )
    assert result.exit_code == 0, result.output
    assert len(ase.io.read(film, ":")) == 4
    for wrong, message in ((("wave", *CRYSTALS, *at), "no phonon 99 of the right crystal"),
                           (("wave", *CRYSTALS, "--frequency", "90"), "there are none")):  # fmt: skip
        refused = run(*wrong, "--mode", "99", "-o", str(tmp_path / "other.xyz"))
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_local_densities_are_written_and_drawn(tmp_path, built):
    path, figure = tmp_path / "ldos.nc", tmp_path / "ldos.png"
    outputs = ("-o", str(path), "--plot", str(figure))
    result = run("ldos", *CRYSTALS, "--kmesh", "4", "4", "--frequencies", "30", *outputs)
    assert result.exit_code == 0, result.output
    density = read(path)["density_of_states"]
    step = float(density["frequency"][1] - density["frequency"][0])
    np.testing.assert_allclose(density.sum("frequency") * step, 3.0, rtol=0.15)
    assert figure.stat().st_size > 20000


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wave", ARGON, ARGON, "--frequency", "1", "--mode", "0"), "both --mode N and -o"),
        (("wave", ARGON, ARGON, "--frequency", "-1"), "must be positive"),
        (("scattering", ARGON, ARGON, "--frequency", "0"), "must be positive"),
        (("ldos", ARGON, ARGON), "name a file"),
    ],
)
def test_wrong_usage_is_told_before_any_work(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_masses_that_are_no_numbers_are_wrong_usage(tmp_path):
    result = run("modes", ARGON, ARGON, "--left-mass", "Ar=heavy", "-o", str(tmp_path / "modes.nc"))
    assert result.exit_code == 2
    assert "must be a number" in result.output


def test_every_command_of_the_documentation_is_accepted():
    root = Path(__file__).parent.parent
    text = (root / "docs" / "modes.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^    (latmm \w+ .*)", text, re.MULTILINE)
    assert {line.split()[1] for line in lines} == {
        *("modes", "transmissivity", "scattering", "wave", "ldos", "export")
    }
    for line in lines:
        name, *arguments = shlex.split(line)[1:]
        context = cli.get_command(None, name).make_context(name, arguments)
        assert context.params


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [("modes", "--kmesh", "4", "4", "--frequencies", "6"), ("transmissivity", "--mesh", "4", "4", "4")],
)
def test_a_stopped_command_goes_on_where_it_stood(command, tmp_path, built, monkeypatch):
    whole, output = tmp_path / "whole.nc", tmp_path / "found.nc"
    assert run(*command[:1], *CRYSTALS, *command[1:], "-o", str(whole)).exit_code == 0
    monkeypatch.setattr("latmm.modes.table._POINTS", 12)
    monkeypatch.setattr("latmm.modes.q_mesh._LINES", 1)
    seen = []

    def report(self, stage, done, total):
        seen.append((stage, done, total))
        if stopping and done > 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Reporter, "__call__", report)
    stopping = True
    assert run(*command[:1], *CRYSTALS, *command[1:], "-o", str(output)).exit_code != 0
    assert (tmp_path / "found.partial.zarr").exists()
    assert not output.exists()
    stopping, seen[:] = False, []
    assert run(*command[:1], *CRYSTALS, *command[1:], "-o", str(output)).exit_code == 0
    assert seen[0][1] > 0
    assert not (tmp_path / "found.partial.zarr").exists()
    columns = [xr.open_datatree(path, engine="h5netcdf") for path in (whole, output)]
    for node in columns[0].subtree:
        for name, values in node.data_vars.items():
            other = columns[1][node.path][name].values
            if values.dtype.kind == "f" and "mode" not in values.dims:
                np.testing.assert_allclose(values.values, other, atol=1e-9)
            assert values.shape == other.shape
