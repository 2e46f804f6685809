"""Force constants by temperature: each file's own result, no other's, and errors that name what is there."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from click.testing import CliRunner

from latmm.by_temperature import LIMIT, choose_temperatures, join_temperatures, temperature_files
from latmm.errors import InputError
from latmm.lattice.phonopy_bridge import finite_displacements
from latmm.lattice.phonopy_files import read_phonopy
from latmm.plotting.conductance import temperatures_figure
from latmm.results import read
from latmm_cli.main import cli
from latmm_cli.temperature_files import check_temperature

QUICK = ["--kmesh", "2", "2", "--frequencies", "6", "--model", "agf", "--model", "radiation-debye"]
SETTINGS = {"force_constants": True, "force_sets": False, "displacements": False}
HEAVY = ["--right-mass", "Ar=80"]
TEMPERATURES = ["-T", "100", "-T", "300"]


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=True)


@pytest.fixture(scope="module")
def folder(argon, tmp_path_factory):
    """Argon as phonopy writes it, and as much softer as a hot crystal is, with other lattice constants."""
    made = tmp_path_factory.mktemp("phonopy")
    for name in ("100K", "300K"):
        (made / "si" / name).mkdir(parents=True)
    small = finite_displacements(argon.atoms, argon.potential, supercell=2 * np.eye(3, dtype=int))
    small.save(made / "si" / "100K" / "phonopy_params.yaml", settings=SETTINGS)
    text = (made / "si" / "100K" / "phonopy_params.yaml").read_text()
    (made / "cold.yaml").write_text(text)
    soft = yaml.safe_load(text)
    constants = soft["force_constants"]["elements"]
    soft["force_constants"]["elements"] = (0.9 * np.array(constants)).tolist()
    for cell in ("unit_cell", "primitive_cell", "supercell"):
        soft[cell]["lattice"] = (1.004 * np.array(soft[cell]["lattice"])).tolist()
    (made / "hot.yaml").write_text(yaml.safe_dump(soft))
    (made / "si" / "300K" / "phonopy_params.yaml").write_text((made / "hot.yaml").read_text())
    (made / "si" / "300K" / "FORCE_SETS").write_text("beside the calculation")
    (made / "si" / "notes.txt").write_text("nothing that counts")
    return made


def compared(folder, left, right, *more):
    output = folder / "r.nc"
    done = run("compare", left, right, *HEAVY, *TEMPERATURES, *QUICK, "-o", output, "--force", "-q", *more)
    assert done.exit_code == 0, (done.output, done.exception)
    return read(output)


@pytest.fixture(scope="module")
def plain(folder):
    """Each file at both temperatures."""
    return {name: compared(folder, *[folder / f"{name}.yaml"] * 2) for name in ("cold", "hot")}


@pytest.fixture(scope="module")
def joined(folder):
    """Cold at 100 K, hot at 300 K, by folders."""
    return compared(folder, folder / "si", folder / "si", "--plot", folder / "g.png")


@pytest.mark.slow
def test_one_result_at_all_temperatures_stays_as_it_is(plain):
    joined = join_temperatures({100.0: plain["cold"], 300.0: plain["cold"]})["comparison"].to_dataset()
    xr.testing.assert_identical(joined.drop_vars("area"), plain["cold"]["comparison"].to_dataset())


@pytest.mark.slow
def test_one_file_at_all_temperatures_gives_the_plain_run_bit_for_bit(folder, plain):
    files = f"100={folder / 'cold.yaml'},300={folder / 'cold.yaml'}"
    table = compared(folder, files, files)["comparison"].to_dataset()
    xr.testing.assert_identical(table.drop_vars("area"), plain["cold"]["comparison"].to_dataset())


@pytest.mark.slow
def test_two_files_give_each_files_own_run(plain, joined):
    table = joined["comparison"].to_dataset()
    for temperature, name in ((100.0, "cold"), (300.0, "hot")):
        own = plain[name]["comparison"].to_dataset().sel(temperature=[temperature])
        xr.testing.assert_identical(table.sel(temperature=[temperature]).drop_vars("area"), own)
        kept = joined[f"at_{temperature:g}K"]
        for node in ("agf", "radiation_debye", "left", "right"):
            xr.testing.assert_identical(kept[node].to_dataset(), plain[name][node].to_dataset())
    hot, cold = (plain[name]["comparison"]["conductance"].values for name in ("hot", "cold"))
    assert np.all(np.abs(hot / cold - 1) > 0.01)


@pytest.mark.slow
def test_the_lattice_of_each_temperature_is_its_own(joined):
    area = joined["comparison"]["area"]
    assert area.dims == ("temperature",)
    assert area.attrs["units"] == "angstrom2"
    assert float(area[1] / area[0]) == pytest.approx(1.004**2, rel=1e-6)
    speeds = [joined[f"at_{t}K"]["left"]["max_frequency"].item() for t in (100, 300)]
    assert speeds[1] / speeds[0] == pytest.approx(np.sqrt(0.9), rel=1e-6)


@pytest.mark.slow
def test_the_result_says_where_each_temperature_comes_from(folder, joined):
    assert "100 K: arithmetic mean" in joined.attrs["potential"]
    assert "; 300 K: " in joined.attrs["potential"]
    digests = json.loads(joined.attrs["input_sha256"])
    assert digests["100 K: left"] == digests["100 K: right"] != digests["300 K: left"]
    assert json.loads(joined.attrs["limits"])[-1] == LIMIT
    assert str(folder / "si") in json.loads(joined.attrs["configuration"])["left"]
    assert not list(folder.glob("*.zarr"))
    assert (folder / "g.png").stat().st_size > 10_000
    assert len(temperatures_figure(joined).axes) == 2
    assert run("info", folder / "r.nc").exit_code == 0


@pytest.mark.slow
def test_joined_by_hand_it_is_the_same(plain, joined):
    again = join_temperatures({300.0: plain["hot"], 100.0: plain["cold"]})
    xr.testing.assert_identical(again["comparison"].to_dataset(), joined["comparison"].to_dataset())


@pytest.mark.slow
def test_wrong_results_are_not_joined(plain):
    with pytest.raises(InputError, match="need one result"):
        join_temperatures({})
    with pytest.raises(InputError, match="at 200 K lacks that temperature"):
        join_temperatures({200.0: plain["cold"]})
    other = plain["hot"].copy()
    other["comparison"] = xr.DataTree(other["comparison"].to_dataset().isel(model=[0]))
    with pytest.raises(InputError, match="same models only"):
        join_temperatures({100.0: plain["cold"], 300.0: other})


def little(g):
    """A result of two temperatures that holds what is joined."""
    table = xr.Dataset(
        {"conductance": (("model", "temperature"), [g], {"units": "W m-2 K-1"})},
        {"model": ["agf"], "temperature": [100.0, 300.0]},
    )
    attributes = {"area": g[0], "checks": "{}", "limits": "[]", "notes": '["seen"]', "potential": "springs"}
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), "/comparison": table})


def test_each_temperature_has_its_own_value():
    joined = join_temperatures({300.0: little([3.0, 4.0]), 100.0: little([1.0, 2.0])})
    table = joined["comparison"]
    assert table["conductance"].values.tolist() == [[1.0, 4.0]]
    assert table["area"].values.tolist() == [1.0, 3.0]
    assert set(joined.children) == {"comparison", "at_100K", "at_300K"}
    assert "comparison" not in joined["at_100K"].children
    assert json.loads(joined.attrs["notes"]) == ["seen"]
    assert joined.attrs["potential"] == "100 K: springs; 300 K: springs"
    same = join_temperatures(dict.fromkeys((100.0, 300.0), little([1.0, 2.0])))
    xr.testing.assert_identical(
        same["comparison"].to_dataset().drop_vars("area"), little([1.0, 2.0])["comparison"].to_dataset()
    )


def test_folders_and_pairs_name_the_same_files(folder):
    found = temperature_files(folder / "si")
    assert found == {t: folder / "si" / f"{t:g}K" / "phonopy_params.yaml" for t in (100.0, 300.0)}
    assert temperature_files("300=b.yaml, 77.5=a=b.yaml") == {77.5: Path("a=b.yaml"), 300.0: Path("b.yaml")}
    assert list(temperature_files("300=b.yaml, 77.5=a.yaml")) == [77.5, 300.0]
    for other in ("si.cif", folder / "cold.yaml", "a=b.yaml"):
        assert temperature_files(other) is None


def test_files_in_a_folder_may_be_compressed(tmp_path):
    for name in ("77.5K.yaml.xz", "300K.yml", "x300K.yaml", "300K.txt"):
        (tmp_path / name).touch()
    assert list(temperature_files(tmp_path)) == [77.5, 300.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("300=a.yaml,b.yaml", "T=FILE,T=FILE"),
        ("300=a.yaml,300=b.yaml", "each temperature once"),
        ("0=a.yaml", "above 0 K"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        temperature_files(text)


def test_folders_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(InputError, match="without force constants by temperature"):
        temperature_files(tmp_path)
    (tmp_path / "300K").mkdir()
    with pytest.raises(InputError, match="holds none"):
        temperature_files(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "300K" / name).touch()
    with pytest.raises(InputError, match=r"a\.yaml, b\.yaml"):
        temperature_files(tmp_path)


def test_another_temperature_is_not_taken():
    files = {100.0: Path("a.yaml"), 300.0: Path("b.yaml")}
    chosen = choose_temperatures({"LEFT": files, "RIGHT": files}, [300.0])
    assert chosen == {300.0: {"LEFT": Path("b.yaml"), "RIGHT": Path("b.yaml")}}
    with pytest.raises(InputError, match="no force constants of RIGHT at 300 K, but at 100 K"):
        choose_temperatures({"LEFT": files, "RIGHT": {100.0: Path("a.yaml")}}, [100.0, 300.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("si", "si", "-T", "200"), "no force constants of LEFT at 200 K, but at 100, 300 K"),
        (("si", "cold.yaml", "-T", "100"), "RIGHT has not"),
        (("si", "si", "-T", "100", "--region-phonopy", "cold.yaml"), "--region-phonopy has not"),
        (("100=cold.yaml", "100=si.cif", "-T", "100"), "one temperature at a time"),
        (("si", "si", "-T", "100", "--dry-run"), "--dry-run is for one set of files"),
        (("si", "si", "-T", "100", "--also", "cold.yaml", "cold.yaml"), "--also is for one set of files"),
        (("100=cold.yaml", "100=cold.yaml", "-T", "100", "-o", "cold.yaml", "--force"), "would overwrite"),
    ],
)
def test_requests_that_make_no_sense_end_in_one_message(arguments, message, folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = run("compare", *arguments, *QUICK)
    assert done.exit_code != 0
    said = done.stderr if isinstance(done.exception, SystemExit) else str(done.exception)
    assert message in " ".join(said.split())


def test_a_file_that_states_another_temperature_is_refused(folder, tmp_path):
    text = (folder / "cold.yaml").read_text()
    stated = '  configuration:\n    random_displacement_temperature: "300.0"\n'
    head, _, rest = text.partition("phonopy:\n")
    path = tmp_path / "si.yaml"
    path.write_text(f"{head}phonopy:\n{stated}{rest}")
    assert read_phonopy(path).temperature == 300.0
    assert read_phonopy(folder / "cold.yaml").temperature is None
    done = run("compare", f"100={path}", f"100={path}", "-T", "100", *QUICK)
    assert "states that its displacements are of 300 K, but it is given for 100 K" in str(done.exception)
    check_temperature({"stated_temperature": 300.0}, read_phonopy(path))
