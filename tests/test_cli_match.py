"""The command ``latmm match`` on bundled structures."""

import json
from importlib.resources import files

import numpy as np
import pytest
from click.testing import CliRunner

from latmm.defaults import MAX_AREA, TWIST_WITHIN
from latmm.errors import InputError, MismatchError, PotentialError
from latmm.geometry.coincidence import CommonCell
from latmm.interface.build import match_crystals
from latmm.potentials.calculators import resolve_potential
from latmm.structures import read_structure
from latmm_cli.main import cli

SILICON, ALUMINIUM, NITRIDE = (str(files("latmm_structures") / f"{name}.cif") for name in ("si", "al", "gan"))
PLANES = ("--left-normal", "1", "1", "1", "--right-normal", "1", "1", "1")


def run(*arguments: str):
    return CliRunner().invoke(cli, ["match", *arguments])


def parsed(*arguments: str):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_table_lists_cells_and_terminations():
    result = run(SILICON, ALUMINIUM, *PLANES, "--max-strain", "0.01")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].split()[:6] == ["1", "114.95", "9", "|", "16", "0.000"]
    assert lines[2].split()[5] == "60.000"
    assert "Si (1 1 1): a₁ 3.8403 Å, a₂ 3.8403 Å, 120.00°; cuts between its atomic planes" in lines
    assert lines[-1].split() == ["1", "Al", "Al", "2.3379", "1"]


def test_crystals_without_a_potential_are_matched_as_they_are():
    result = run(SILICON, ALUMINIUM, *PLANES)
    assert result.exit_code == 0
    assert "lattices of the files: no bundled potential covers Al, Si" in result.stderr
    said = run(SILICON, ALUMINIUM, *PLANES, "--no-relax").stderr
    assert said.count("\n") == 2  # the command, and that more follow
    found = parsed(SILICON, ALUMINIUM, *PLANES)
    assert found["left"]["lattice"] == found["right"]["lattice"] == "file"
    refused = run(SILICON, ALUMINIUM, *PLANES, "--potential", "sw")
    with pytest.raises(PotentialError, match="potential sw covers Ge, Si, not Al"):
        raise refused.exception


@pytest.mark.slow
def test_number_in_the_list_is_the_common_cell_of_the_contact():
    """Unrelaxed, the lattices of embedded atoms are others, and so is the list."""
    gold = str(files("latmm_structures") / "au.cif")
    options = ("--left-normal", "1", "1", "1", "--max-area", "60", "--potential", "emt")
    found = parsed(ALUMINIUM, gold, *options)
    assert found["left"]["lattice"] == "emt"
    assert parsed(ALUMINIUM, gold, *options, "--no-relax")["left"]["lattice"] == "file"
    crystals = [read_structure(path) for path in (ALUMINIUM, gold)]
    potential = resolve_potential("emt", ["Al", "Au"])
    planes = ((1, 1, 1), (0, 0, 1))
    for cell in found["coincidences"]:
        # as latmm build calls it
        matched = match_crystals(*crystals, planes, potential, cell=CommonCell(60.0, choose=cell["number"]))
        np.testing.assert_allclose(matched.cell, cell["cell"], atol=1e-9)


def test_lists_of_match_and_build_end_at_the_same_area_and_strain():
    build = {option.name: option.default for option in cli.get_command(None, "build").params}
    match = {option.name: option.default for option in cli.get_command(None, "match").params}
    for name in ("max_strain", "strain", "potential", "relax"):
        assert match[name] == build[name]
    assert (match["max_area"], match["twist_within"]) == (MAX_AREA, TWIST_WITHIN)


@pytest.mark.slow
def test_finished_calculations_keep_their_lattices(silicon, tmp_path):
    silicon.phonopy.save(tmp_path / "si.yaml")
    found = parsed(str(tmp_path / "si.yaml"), ALUMINIUM, *PLANES, "--max-area", "60")
    assert (found["left"]["lattice"], found["right"]["lattice"]) == ("calculation", "eam")
    a = np.linalg.norm(silicon.atoms.cell.array[0])
    assert found["left"]["in_plane_vectors"][0][0] == pytest.approx(a, rel=1e-6)


def test_short_table_says_that_more_follow():
    result = run(SILICON, ALUMINIUM, *PLANES, "--max-strain", "0.05", "--rows", "3")
    assert "31 larger ones are not shown" in result.stderr
    assert len(result.stdout.split("\n\n")[0].splitlines()) == 4
    assert run(SILICON, ALUMINIUM, *PLANES, "--rows", "3", "-q").stderr == ""


@pytest.mark.slow
def test_json_holds_every_cell_with_its_vectors_and_strain():
    found = parsed(SILICON, ALUMINIUM, *PLANES, "--strain", "both", "--rows", "1")
    assert found["left"]["formula"] == "Si"
    assert [cut["above"] for cut in found["left"]["terminations"]] == ["Si", "Si"]
    assert len(found["coincidences"]) > 10
    for cell in found["coincidences"]:
        assert np.linalg.det(cell["cell"]) == pytest.approx(cell["area"])
        for side in ("left", "right"):
            own = np.array(found[side]["in_plane_vectors"])
            strained = cell[f"lateral_{side}"] @ own @ (np.eye(2) + cell[f"strain_{side}"])
            np.testing.assert_allclose(np.linalg.norm(strained, axis=1), np.linalg.norm(cell["cell"], axis=1))


def test_one_cell_can_be_chosen():
    every = parsed(SILICON, NITRIDE, "--left-normal", "1", "1", "1", "--max-area", "120")
    one = parsed(SILICON, NITRIDE, "--left-normal", "1", "1", "1", "--max-area", "120", "--choose", "2")
    assert one["coincidences"] == [every["coincidences"][1]]
    result = run(SILICON, NITRIDE, "--left-normal", "1", "1", "1", "--max-area", "120", "--choose", "2")
    assert "vectors of the common cell" in result.stdout
    assert "strain xx" in result.stdout


def test_mirror_turns_the_right_crystal_over():
    plain, mirrored = (
        parsed(SILICON, NITRIDE, "--left-normal", "1", "1", "1", "--max-area", "120", *flag)
        for flag in ((), ("--mirror",))
    )
    assert mirrored["right"]["normal"] == [0, 0, -1]
    faces = [found["right"]["terminations"][0]["above"] for found in (plain, mirrored)]
    assert sorted(faces) == ["Ga", "N"]
    opposite = parsed(
        *(SILICON, NITRIDE, "--left-normal", "1", "1", "1", "--max-area", "120"),
        *("--right-normal", "0", "0", "-1"),
    )
    assert opposite == mirrored


@pytest.mark.slow
def test_crystals_are_relaxed_first():
    """Effective medium aluminium has 3.994 Å in place of the file's 4.049 Å."""
    copper = str(files("latmm_structures") / "cu.cif")
    found = parsed(ALUMINIUM, copper, "--potential", "emt", "--max-strain", "0.12")
    assert found["left"]["in_plane_vectors"][0][0] == pytest.approx(3.9943 / np.sqrt(2), abs=1e-3)
    assert found["right"]["in_plane_vectors"][0][0] == pytest.approx(3.5898 / np.sqrt(2), abs=1e-3)


def test_twist_keeps_its_neighbourhood():
    found = parsed(ALUMINIUM, ALUMINIUM, "--max-strain", "0.02", "--twist", "36.9", "--twist-within", "0.1")
    cells = found["coincidences"]
    assert cells[0]["cells"] == [5, 5]
    assert all(abs(cell["twist"] - 36.9) <= 0.1 for cell in cells)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (SILICON, ALUMINIUM, "--max-area", "10"),
            MismatchError,
            r"no common cell of Si \(0 0 1\) and Al .*10 Å²",
        ),
        (
            (SILICON, ALUMINIUM, *PLANES, "--twist", "3", "--max-area", "60"),
            MismatchError,
            "at a twist of 3°",
        ),
        ((SILICON, ALUMINIUM, *PLANES, "--choose", "999"), InputError, "1 to 100, but is 999"),
        ((SILICON, ALUMINIUM, "--max-strain", "3"), SystemExit, "0.0<=x<=1.0"),
        ((SILICON, ALUMINIUM, "--max-area", "1e6"), SystemExit, "larger cells have too many atoms"),
        ((SILICON, ALUMINIUM, "--right-normal", "0", "0", "0"), InputError, "three Miller indices"),
        ((SILICON, "absent.cif"), InputError, "does not exist"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, error, message):
    result = run(*arguments)
    if error is SystemExit:  # told by the command line itself
        assert result.exit_code == 2
        assert message in result.stderr.splitlines()[-1]
        return
    assert isinstance(result.exception, error)
    with pytest.raises(error, match=message) as caught:
        raise result.exception
    assert "\n" not in str(caught.value)
