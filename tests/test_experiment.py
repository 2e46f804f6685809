"""Measured conductances: the table that is brought, its reader, and how they stand beside a calculation."""

import csv
import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from ase import Atoms
from ase.build import bulk
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from latmm.errors import InputError
from latmm.experiment.beside import material, measured_of, put_beside, records
from latmm.experiment.drawing import draw_measured
from latmm.experiment.table import (
    COLUMNS,
    DEFINITIONS,
    ERRORS_FROM,
    EVIDENCE,
    METHODS,
    Point,
    Series,
    measurements,
    pair_of,
    read_measurements,
)
from latmm.results import read, write
from latmm_cli.experiment import experiment_lines
from latmm_cli.main import cli

ROOT = Path(__file__).parent.parent
SOURCES = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")


def rows() -> list[dict[str, str]]:
    """Lines of the shipped table, read without its reader."""
    text = (files("latmm.experiment") / "measured.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def test_the_table_has_all_series_and_points():
    assert len(rows()) == 347
    assert len(measurements()) == 83
    assert sum(len(one.points) for one in measurements()) == 347
    assert [one.name for one in measurements()] == [str(i) for i in range(1, 84)]


def test_every_row_is_well_formed():
    for row in rows():
        where = (row["series"], row["temperature"])
        assert tuple(row) == COLUMNS, where
        for side in ("left", "right"):
            assert re.fullmatch(r"[A-Z][A-Za-z0-9]*|diamond|graphite", row[side]), where
            assert re.fullmatch(r"|\d{3,4}|\d\d-\d\d", row[f"{side}_plane"]), where
        assert 20 <= float(row["temperature"]) <= 1000, where
        assert 1 < float(row["conductance"]) < 10_000, where
        assert row["evidence"] in EVIDENCE, where
        if row["error_from"]:
            assert row["error_from"] in ERRORS_FROM, where
            assert 0 < float(row["error_minus"]) < float(row["conductance"]), where
            assert 0 < float(row["error_plus"]) < float(row["conductance"]), where
        else:
            assert row["error_minus"] == row["error_plus"] == "", where
        if row["method"]:
            assert row["definition"] == METHODS[row["method"]][1], where
            assert row["definition"] in DEFINITIONS, where
        assert row["preparation"], where
        assert re.search(r"\((19|20)\d\d\)$", row["citation"]), where
        assert re.fullmatch(r"|10\.\d{4,5}/\S+", row["doi"]), where


def test_what_is_not_settled_stays_marked():
    """No gap without a word on it, and nothing second hand that claims to be compared with its paper."""
    for row in rows():
        if row["evidence"] == "second hand":
            assert row["error_from"] == "reading"
            assert "not compared with the paper" in row["open"]
            assert float(row["error_plus"]) == pytest.approx(0.1 * float(row["conductance"]), rel=5e-3)
        elif not row["error_from"]:
            assert "no uncertainty in the text read" in row["open"] or "lower bound" in row["open"]
        if not (row["left_plane"] or row["right_plane"]):
            assert "plane" in row["open"] or row["series"] == "18", row["series"]
        if not row["doi"]:
            assert "journal not in the text read" in row["open"]
        if not row["method"]:
            assert "method" in row["open"]
        assert ("lower bound" in row["open"]) == (row["bound"] == ">")


def test_errors_of_the_collection_are_not_repeated():
    """Temperatures beyond the paper's range, methods against titles, and what is no contact or no phonons."""
    found = {one.name: one for one in measurements()}
    for name in ("19", "20", "21"):
        assert max(point.temperature for point in found[name].points) == 294
        assert "310 K" in found[name].open
    for name in ("61", "65", "66"):
        assert found[name].method == "ultrafast electron diffraction"
        assert "the list says TDTR" in found[name].open
    assert found["23"].definition == "period of a superlattice"
    assert "not a flat contact" in found["23"].open
    for one in measurements("Al/Cu"):
        assert "electrons" in one.open


def test_numbers_that_both_ways_hold_agree():
    """Second-hand rows whose papers were read: the number is the same."""
    found = {one.name: one for one in measurements()}
    for read_in, listed in (("13", "71"), ("14", "72"), ("15", "73"), ("16", "74")):
        assert found[read_in].points[0].conductance == found[listed].points[0].conductance
    assert found["18"].points[-1].conductance == found["83"].points[-1].conductance == 4e9


def test_every_source_of_the_table_is_in_the_list_of_sources():
    listed = {(row["citation"], "text" if row["evidence"] == "text read" else "copy") for row in rows()}
    for citation, mark in listed:
        marks = [line.split("|")[-2] for line in SOURCES.splitlines() if line.startswith(f"| {citation} |")]
        assert any(mark in one for one in marks), (citation, mark)


def test_the_reader_needs_the_standard_library_only():
    code = (
        "import sys; from latmm.experiment.table import measurements; measurements(); "
        "assert not {'numpy', 'xarray', 'ase', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("text", ["Al/Si", "al|si", "Si-Al", "silicon, aluminium", "Al  |  Si"])
def test_a_pair_may_be_written_in_many_ways(text):
    assert [one.name for one in measurements(text)] == ["26", "27", "28", "29"]


@pytest.mark.parametrize("text", ["", "Al", "Al/Si/Ge"])
def test_a_pair_is_two_materials(text):
    with pytest.raises(InputError, match="two materials"):
        pair_of(text)


def test_conductances_are_in_watts():
    (point,) = measurements("ZnO/GaN")[0].points
    assert point == Point(295.0, 490e6, 110e6, 150e6)


def own(folder: Path, text: str) -> Path:
    path = folder / "own.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_ones_own_needs_two_columns(tmp_path):
    (found,) = read_measurements(own(tmp_path, "# mine\n\nconductance, temperature\n12.5, 300\n2, 77\n"))
    assert found == Series("own", "", "", "", "", (Point(77.0, 2e6), Point(300.0, 12.5e6)))


def test_errors_and_series_of_ones_own(tmp_path):
    text = "series,temperature,conductance,error,error_plus,method\na,300,10,2,,TDTR\nb,300,20,3,4,\n"
    first, second = read_measurements(own(tmp_path, text))
    assert first.points == (Point(300.0, 10e6, 2e6, 2e6),)
    assert first.definition == "local temperatures"
    assert second.points == (Point(300.0, 20e6, 3e6, 4e6),)
    assert second.definition == ""


def test_the_shipped_table_is_a_table_of_ones_own(tmp_path):
    text = (files("latmm.experiment") / "measured.csv").read_text(encoding="utf-8")
    assert read_measurements(own(tmp_path, text)) == measurements()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "temperature"),
        ("temperature\n300\n", "missing: conductance"),
        ("temperature,conductance,colour\n300,1,red\n", "unknown: colour"),
        ("temperature,conductance,temperature\n300,1,300\n", "each once"),
        ("temperature,conductance\n", "no measured conductance"),
        ("temperature,conductance\n300\n", "line 2 of .* must have 2 values"),
        ("temperature,conductance\n0,1\n", "positive number in K"),
        ("temperature,conductance\n300,nan\n", "positive number in MW"),
        ("temperature,conductance\n300,2e8\n", "at most 100000"),
        ("temperature,conductance,error\n300,2,-1\n", "error_minus must be"),
        ("temperature,conductance,definition\n300,2,any\n", "definition of the series"),
        ("temperature,conductance,method\n300,2,a\n400,2,b\n", "must agree in method"),
        ('temperature,conductance\n"300,2\n', "line 2"),
    ],
)
def test_a_faulty_table_is_refused_by_line_and_reason(text, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        read_measurements(own(tmp_path, text))
    assert len(str(caught.value)) <= 500 + len(str(tmp_path)) * 2


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(f"temperature,conductance\n{text}".encode("utf-8", "surrogatepass"))
    with suppress(InputError):
        read_measurements(path)


def test_materials_of_crystals(structure):
    assert material(structure("c")) == "diamond"
    assert material(structure("si")) == "Si"
    assert material(structure("si", {"Si": 72.63})) == ""
    graphite = Atoms("C4", cell=[2.46, 2.46, 6.71, 90, 90, 120], scaled_positions=np.zeros((4, 3)), pbc=True)
    assert material(graphite) == "graphite"
    names = {one.name for one in measured_of(material(bulk("AlN", "wurtzite", a=3.11)), "Al")}
    assert names == {"41"}
    assert measured_of("sapphire", "al") == tuple(measurements("al/sapphire"))
    with pytest.raises(InputError, match=r"no Si \| Cu"):
        measured_of("Si", "Cu")
    with pytest.raises(InputError, match="without a natural one's name"):
        measured_of("", "Si")


@pytest.fixture
def tree():
    """A comparison of two models at two temperatures, with its four-probe values."""
    values = np.array([[1e8, 2e8], [3e8, 4e8]])
    table = xr.Dataset(
        {
            "conductance": (("model", "temperature"), values),
            "conductance_four_probe": (("model", "temperature"), 2 * values),
        },
        coords={"model": ["agf", "amm"], "temperature": [100.0, 300.0]},
    )
    return xr.DataTree.from_dict({"/comparison": table})


SEEN = Series(
    *("1", "Al", "Si", "", "100"),
    (Point(30.0, 1e7), Point(101.0, 1.5e8, 1e7, 2e7), Point(290.0, 2.5e8, 1e7, 1e7)),
    *("paper", "", "TDTR", "local temperatures", "sputtered", "second hand", "all", "X (2000)", "10.1000/1"),
)


def test_measured_points_are_stored_beside_the_models(tree, tmp_path):
    put_beside(tree, [SEEN, replace(SEEN, name="2", definition="film temperature", points=SEEN.points[1:])])
    write(tree, tmp_path / "a.nc")
    node = read(tmp_path / "a.nc")["experiment"].to_dataset()
    assert node["conductance"].values.tolist() == [1e7, 1.5e8, 2.5e8, 1.5e8, 2.5e8]
    assert node["conductance"].attrs["units"] == "W m-2 K-1"
    assert json.loads(node.attrs["definitions"]).keys() == {"local temperatures", "film temperature"}
    first, second = records(tree)
    assert first["compare_with"] == "conductance_four_probe"
    assert second["compare_with"] == "conductance"
    assert first["points"][0] == {
        "temperature": 30.0,
        "conductance": 1e7,
        "error_minus": None,
        "error_plus": None,
    }
    assert first["pair"] == "Al | Si (100)"
    assert first["source"] == "X (2000), doi:10.1000/1"
    json.dumps([first, second], allow_nan=False)


def test_models_stand_beside_the_points_in_the_value_that_is_measured(tree):
    put_beside(tree, [SEEN, replace(SEEN, name="2", definition="", points=SEEN.points[1:])])
    lines = experiment_lines(tree)
    table = [line.split() for line in lines]
    assert ["101", "150", "+20", "−10", "200", "600"] in table  # four-probe
    assert ["290", "250", "10", "400", "800"] in table
    assert ["290", "250", "10", "200", "400"] in table  # two-probe
    assert any("1 of 3 points at other temperatures" in line for line in lines)
    assert any("[second hand] [open: all]" in line for line in lines)


def test_points_are_drawn_with_their_error_bars(tree):
    put_beside(tree, [SEEN, replace(SEEN, name="2", bound=">")])
    axes = Figure().subplots()
    draw_measured(axes, tree, lambda model: "r")
    drawn = axes.containers[0]
    assert drawn.lines[0].get_xydata().tolist() == [[101.0, 150.0], [290.0, 250.0]]  # 30 K is far below
    low, high = drawn.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == (140.0, 170.0)
    assert drawn.get_label() == "Al | Si (100), TDTR, second hand [1]"
    assert axes.containers[1].get_label().endswith("a bound [2]")
    four = [line.get_ydata().tolist() for line in axes.lines if line.get_color() == "r"]
    assert four == [[200.0, 400.0], [600.0, 800.0]]


def test_the_command_lists_pairs_and_series():
    listed = CliRunner().invoke(cli, ["measured"]).output.splitlines()
    assert len(listed) == 1 + len({(one.left, one.right) for one in measurements()})
    shown = CliRunner().invoke(cli, ["measured", "SrRuO3/SrTiO3"]).output
    assert ">800" in shown
    assert "[text read] [open: lower bound" in shown
    found = json.loads(CliRunner().invoke(cli, ["measured", "pb", "diamond", "--json"]).output)
    assert [one["name"] for one in found["series"]] == ["54", "56", "57"]
    assert found["series"][0]["points"][-1]["conductance"] == 30e6
    assert found["definitions"].keys() == {"local temperatures"}
    refused = CliRunner().invoke(cli, ["measured", "pb/pu"])
    assert isinstance(refused.exception, InputError)


@pytest.mark.slow
def test_continuum_commands_show_the_measurements_of_media(tmp_path):
    pair = ["dmm", "--left-medium", "pb", "--right-medium", "diamond", "-T", "300", "-q"]
    result = CliRunner().invoke(cli, [*pair, "--experiment", "measured", "--json"])
    found = json.loads(result.output)
    assert [one["series"] for one in found["experiment"]] == ["54", "56", "57"]
    # above what any elastic transfer between Debye's channels can carry: the test of honesty
    assert found["experiment"][0]["points"][-1]["conductance"] > found["conductance"]["radiation-debye"][0]
    path = own(tmp_path, "temperature,conductance,error\n300,31,2\n")
    files_ = ["--experiment", str(path), "-o", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png")]
    result = CliRunner().invoke(cli, [*pair, *files_])
    assert result.exit_code == 0, result.output
    stored = read(tmp_path / "a.nc")
    assert stored["experiment"]["conductance"].values.tolist() == [31e6]
    assert "experiment 1" in json.loads(stored.attrs["input_sha256"])
    for wrong, message in (
        (["--experiment", "data.txt"], "neither measured"),
        (
            ["--experiment", str(path), "-o", str(path), "--force"],
            "would overwrite the measured conductances",
        ),
    ):
        refused = CliRunner().invoke(cli, [*pair, *wrong])
        assert refused.exit_code == 2
        assert message in refused.output


@pytest.mark.slow
def test_compare_shows_the_measurements_of_its_crystals(tmp_path):
    files_ = [str(ROOT / "structures" / f"{name}.cif") for name in ("si", "ge")]
    fast = ["--model", "dmm-debye", "--kmesh", "2", "2", "--frequencies", "8", "-T", "300", "-q"]
    path = own(tmp_path, "temperature,conductance,method\n300,250,TDTR\n")
    both = ["--experiment", "measured", "--experiment", str(path)]
    drawn = ["-o", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png")]
    result = CliRunner().invoke(cli, ["compare", *files_, *fast, *both, *drawn, "--json"])
    assert result.exit_code == 0, result.output
    assert [one["series"] for one in json.loads(result.output)["experiment"]] == ["own", "23"]
    assert read(tmp_path / "a.nc")["experiment"].sizes["point"] == 11
    heavy = [*files_, *fast, "--right-mass", "Ge=200", "--experiment", "measured"]
    refused = CliRunner().invoke(cli, ["compare", *heavy])
    assert "has no Si |" in str(refused.exception)
