"""Finished phonopy calculations on the command line: in place of structures, mixed or with their contact."""

import json
from importlib.resources import files

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.continuum.combined import Side, survey
from latmm.interface.from_phonopy import oriented
from latmm.lattice.phonopy_bridge import finite_displacements
from latmm_cli.main import cli
from latmm_cli.tables import conductance_table

QUICK = ["--kmesh", "2", "2", "--frequencies", "6", "--model", "agf", "-T", "300"]
SETTINGS = {"force_constants": True, "force_sets": False, "displacements": False}
STRUCTURE = str(files("latmm_structures") / "si.cif")


@pytest.fixture(scope="module")
def folder(silicon, tmp_path_factory):
    """Silicon as phonopy writes it."""
    made = tmp_path_factory.mktemp("phonopy")
    silicon.phonopy.save(made / "si.yaml", settings=SETTINGS)
    return made


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=True)


@pytest.fixture(scope="module")
def compared(folder):
    """Silicon | silicon of germanium's mass by every rule, all outputs."""
    si = folder / "si.yaml"
    output = folder / "r.nc"
    masses = ["--right-mass", "Si=72.63"]
    done = run("compare", si, si, *masses, *QUICK, "--mixing", "all", "-o", output, "--json")
    assert done.exit_code == 0, done.output
    return done, xr.open_datatree(output, engine="h5netcdf").load()


@pytest.mark.slow
def test_every_rule_gives_one_result_where_only_masses_differ(compared):
    done, tree = compared
    found = json.loads(done.stdout)
    assert found["conductance_mixing_uncertainty"]["agf"][0] < 1e-6 * found["conductance"]["agf"][0]
    table = tree["mixing"]["conductance"]
    assert table.dims == ("mixing", "model", "temperature")
    assert list(table["mixing"].values) == ["arithmetic", "harmonic", "mass"]
    assert table.attrs["units"] == "W m-2 K-1"
    np.testing.assert_allclose(table.values, table.values[:1].repeat(3, axis=0), rtol=1e-6)
    spread = tree["comparison"]["conductance_mixing_uncertainty"]
    assert spread.dims == ("model", "temperature")
    assert float(spread.max()) < 1e-6 * float(table.max())
    assert found["conductance"]["agf"][0] == float(table[0, 0, 0]) > 0
    assert "± half the range of the mixing rules" in conductance_table(tree["comparison"].to_dataset())


@pytest.mark.slow
def test_result_says_where_the_force_constants_come_from(compared):
    done, tree = compared
    assert "left: Si: force constants in si.yaml, supercell of" in done.stderr
    assert tree.attrs["potential"].startswith("arithmetic mean of both crystals' force constants")
    assert set(json.loads(tree.attrs["input_sha256"])) == {"left", "right"}
    assert {"dispersion_left", "cut_slope_right", "sum_rule_region"} <= set(json.loads(tree.attrs["checks"]))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["si.yaml", STRUCTURE], "LEFT is a phonopy calculation and RIGHT is a structure"),
        ([STRUCTURE, STRUCTURE, "--mixing", "mass"], "--mixing is for two phonopy calculations"),
        ([STRUCTURE, STRUCTURE, "--span", "2"], "--span is for two phonopy calculations"),
        (["si.yaml", "si.yaml", "--potential", "sw"], "--potential is for two structures"),
        (["si.yaml", "si.yaml", "--supercell", "2", "2", "2"], "--supercell is for two structures"),
        (["si.yaml", "si.yaml", "--mixing", "mass", "--region-phonopy", "si.yaml"], "omit one"),
        (["si.yaml", "si.yaml", "--region-phonopy", "si.yaml"], "no left crystal followed by a right one"),
        (["si.yaml", "none.yaml"], "phonopy file none.yaml does not exist"),
        (["si.yaml", "si.yaml", "-o", "si.yaml"], "would overwrite the structure file"),
        (
            ["si.yaml", "si.yaml", "--region-phonopy", "c.yaml", "-o", "c.yaml"],
            "would overwrite the calculation of the contact",
        ),
    ],
)
def test_requests_that_make_no_sense_end_in_one_message(arguments, text, folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = run("compare", *arguments, *QUICK)
    assert done.exit_code != 0
    message = done.stderr if isinstance(done.exception, SystemExit) else str(done.exception)
    assert text in " ".join(message.split())


@pytest.mark.slow
def test_what_the_files_leave_out_is_printed_and_stored(silicon, folder, tmp_path):
    """Born charges (of zero, so that springs will do) beside one file, another supercell in the other."""
    small = finite_displacements(silicon.atoms, silicon.potential, supercell=3 * np.eye(3, dtype=int))
    small.save(tmp_path / "small.yaml", settings=SETTINGS)
    (tmp_path / "BORN").write_text("14.4\n2 0 0 0 2 0 0 0 2\n0 0 0 0 0 0 0 0 0\n")
    output = tmp_path / "r.nc"
    done = run("compare", tmp_path / "small.yaml", folder / "si.yaml", *QUICK, "-o", output, "--json", "-q")
    assert done.exit_code == 0, done.output
    notes = json.loads(done.stdout)["notes"]
    assert len(notes) == 2
    assert "dipole forces beyond its supercell of 54 atoms (" in notes[0]
    assert "the supercells are unequal" in notes[1]
    for text in notes:
        assert f"latmm: warning: {text}" in done.stderr
    with xr.open_datatree(output, engine="h5netcdf") as tree:
        assert json.loads(tree.attrs["notes"]) == notes
    done = run("amm", tmp_path / "small.yaml", tmp_path / "small.yaml", "-q", "-T", "1")
    assert "latmm: warning: " in done.stderr


def test_commands_for_one_interface_refuse_all_rules(folder, tmp_path):
    si = folder / "si.yaml"
    done = run("modes", si, si, "--mixing", "all", "--kmesh", "2", "2", "-o", tmp_path / "m.nc")
    assert done.exit_code == 2
    assert "all is for latmm compare" in done.stderr


@pytest.mark.slow
def test_continuum_commands_take_phonopy_calculations(folder, silicon):
    """Silicon from its file and from its own potential: the same law of low temperature."""
    arguments = ["--model", "amm", "--json", "-q", "-T", "1", "--no-relax", "--potential", "sw"]
    si = folder / "si.yaml"
    found = json.loads(run("amm", si, si, *arguments).stdout)
    side = Side.from_force_constants(oriented(silicon.constants, (0, 0, 1)), "Si")
    expected = survey(side, side, [1.0], models=["amm"])["comparison"]["conductance"].values[0, 0]
    assert found["conductance"]["amm"][0] == pytest.approx(expected, rel=1e-6)
    mixed = json.loads(run("amm", si, STRUCTURE, *arguments).stdout)
    assert mixed["conductance"]["amm"][0] == pytest.approx(expected, rel=2e-2)
