"""latmm build, and an interface of any two planes or of one's own region in the other commands."""

import json
from importlib.resources import files

import ase.io
import numpy as np
import pytest
from click.testing import CliRunner

from latmm_cli.main import cli

ARGON = str(files("latmm_structures") / "ar.cif")
OPTIONS = ["--potential", "lj", "--potential-option", "cutoff=5", "-q"]
PLANES = [
    "--normal",
    "0",
    "0",
    "1",
    "--right-normal",
    "1",
    "1",
    "0",
    "--max-area",
    "50",
    "--max-strain",
    "0.07",
]


def run(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The contact of two planes of argon: its summary and its file."""
    path = tmp_path_factory.mktemp("build") / "contact.extxyz"
    result = run("build", ARGON, ARGON, *OPTIONS, *PLANES, "-o", path, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output), path


def test_build_writes_a_contact_of_two_planes(built):
    found, path = built
    assert found["normals"] == [[0, 0, 1], [1, 1, 0]]
    assert all(check["passed"] for check in found["checks"].values())
    assert np.linalg.det(found["lateral_left"]) == pytest.approx(3)
    atoms = ase.io.read(path)
    assert len(atoms) == found["atoms"]
    assert set(np.unique(atoms.get_array("side"))) == {-1, 1}
    assert atoms.info["command_line"].startswith("latmm")
    np.testing.assert_allclose(atoms.cell[:2, :2], found["cell"], atol=1e-7)
    share = atoms.get_scaled_positions(wrap=False)[:, :2]
    assert share.min() > -1e-5
    assert share.max() < 1 + 1e-5


def test_build_prints_what_it_built_and_repeats_it_in_the_plane(tmp_path):
    path = tmp_path / "wide.extxyz"
    result = run("build", ARGON, ARGON, *OPTIONS, "--lateral", 2, 1, "-o", path)
    assert result.exit_code == 0, result.output
    assert "cell [[2, 0], [0, 1]]" in result.output
    assert "residual force" in result.output
    assert len(ase.io.read(path)) % 2 == 0


def test_a_written_contact_is_taken_as_the_explicit_region(built):
    found, path = built
    result = run("build", ARGON, ARGON, *OPTIONS, *PLANES, "--region", path, "--json")
    assert result.exit_code == 0, result.output
    again = json.loads(result.output)
    # the same contact, down to the force left by relaxation over the stiffness of the rigid distance
    np.testing.assert_allclose(again["shift"], found["shift"], atol=2e-3)


@pytest.mark.slow
def test_compare_takes_a_common_cell(tmp_path):
    result = run(
        "compare", ARGON, ARGON, *OPTIONS, "--max-area", "20", "--model", "agf", "--kmesh", 2, 2,
        "--frequencies", 8, "--json", "-o", tmp_path / "ar.nc",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)


@pytest.mark.slow
def test_a_shell_in_the_smooth_end_is_printed_and_stored(tmp_path):
    """Argon's second shell at 5.3 Å, the end from 5.17 to 5.5 Å."""
    options = ["--potential", "lj", "--potential-option", "cutoff=5.5", "-q"]
    sampling = ["--model", "agf", "--kmesh", 2, 2, "--frequencies", 6, "--json"]
    result = run("compare", ARGON, ARGON, "--right-mass", "Ar=80", *options, *sampling)
    assert result.exit_code == 0, result.output
    (note,) = json.loads(result.stdout)["notes"]
    assert note.startswith("in Ar a shell of neighbours (Ar-Ar) at 5.")
    assert f"latmm: warning: {note}" in result.stderr


@pytest.mark.slow
def test_a_mixed_monolayer_runs_from_the_command_line(tmp_path):
    """What `build --lateral` wrote, half of a layer's atoms exchanged for krypton."""
    path = tmp_path / "wide.extxyz"
    heavy = ["--right-mass", "Ar=160"]
    assert run("build", ARGON, ARGON, *OPTIONS, *heavy, "--lateral", 2, 1, "-q", "-o", path).exit_code == 0
    atoms = ase.io.read(path)
    layer = np.flatnonzero((atoms.get_array("side") < 0) & (atoms.get_array("layer") == -1))
    atoms.symbols[layer[0]] = "Kr"
    sampling = ["--model", "agf", "--kmesh", 2, 2, "--frequencies", 8, "--json", "-T", 30]
    found = {}
    for masses in (160.0, 83.798):
        atoms.arrays["masses"][layer[0]] = masses
        ase.io.write(path, atoms, format="extxyz")
        options = [*heavy, "--region", path, *sampling]
        if masses == 160.0:
            refused = run("compare", ARGON, ARGON, *OPTIONS, *options)
            assert refused.exit_code == 1
            assert "is Kr with a mass of 160 amu, not 83.798" in refused.output + str(refused.exception)
            options += ["--region-masses", "file"]
        result = run("compare", ARGON, ARGON, *OPTIONS, *options)
        assert result.exit_code == 0, result.output
        found[masses] = json.loads(result.output)["conductance"]["agf"][0]
    assert found[160.0] > 0
    assert found[160.0] != pytest.approx(found[83.798], rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--left-normal", 1, 1, 1], "--left-normal 1 1 1 leaves the right crystal's plane open"),
        (["--right-normal", 1, 1, 1], "give --left-normal too, --normal 1 1 1 alone"),
        (["--region-masses", "file"], "--region-masses is for the file of --region"),
        (["--choose", "99", "--max-area", "20"], "--choose must be a number of the list"),
        (["--right-cut", "3", "--max-area", "20"], "the right crystal has cuts 1 to 1, not 3"),
        (["--region", "missing.xyz"], "missing.xyz does not exist"),
        (["--twist", "17", "--max-area", "20"], "no common cell of Ar (0 0 1) and Ar (0 0 1)"),
        (["-o", ARGON], "would overwrite the structure file"),
    ],
)
def test_contacts_that_cannot_be_built_are_refused_in_one_line(arguments, message):
    result = run("build", ARGON, ARGON, *OPTIONS, "--no-relax", *arguments)
    assert result.exit_code != 0
    text = result.output + str(result.exception)
    assert message in text


def test_an_explicit_region_is_not_overwritten(built):
    _, path = built
    result = run("build", ARGON, ARGON, *OPTIONS, "--region", path, "-o", path)
    assert "would overwrite the explicit region" in result.output
