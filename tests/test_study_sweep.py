"""Grids of parameters: every point in its place, the plain run among them, and what is refused."""

import json
from importlib.resources import files

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.checks import loads
from latmm.errors import InputError, InstabilityError
from latmm.plotting.stored import draw, figures_of
from latmm.results import read
from latmm.studies.parameters import parameter_study
from latmm_cli.main import cli
from latmm_cli.options import masses_of
from latmm_cli.study_sweep import _at

ARGON = str(files("latmm_structures") / "ar.cif")
SMALL = [
    *("--potential", "lj", "--potential-option", "cutoff=6.0"),
    *("--kmesh", "1", "1", "--frequencies", "4"),
]
SMALL += ["-T", "20", "--model", "agf", "--allow", "channels", "-q", "-j", "1"]


def run(*words):
    return CliRunner().invoke(cli, words, standalone_mode=False)


def told(*words) -> dict:
    done = run(*words, "--json")
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def point(value: float) -> xr.DataTree:
    """A comparison whose conductances are known."""
    table = xr.Dataset(
        {"conductance": (("model", "temperature"), value + np.array([[0.0, 0.1]]), {"units": "W m-2 K-1"})},
        coords={"model": ["agf"], "temperature": [100.0, 300.0]},
    )
    side = xr.Dataset(attrs={"formula": "Si2"})
    return xr.DataTree.from_dict({"/": xr.Dataset(), "left": side, "right": side, "comparison": table})


def test_every_point_has_its_place():
    calls = []

    def solve(a, b):
        calls.append((a, b))
        return point(10.0 * a + b)

    tree = parameter_study({"a": [1, 2], "b": {"first": 3.0, "second": 4.0, "third": 5.0}}, solve)
    g = tree["comparison"]["conductance"]
    assert g.dims == ("model", "a", "b", "temperature")
    assert calls == [(1, 3.0), (1, 4.0), (1, 5.0), (2, 3.0), (2, 4.0), (2, 5.0)]
    assert float(g.sel(model="agf", a=2, b="second", temperature=300.0)) == 24.1
    assert figures_of(tree) == ["sweep"]
    figure = draw(tree, "sweep")
    drawn = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert len(figure.axes[0].containers) == 4  # a and temperature; against b, the longest
    assert len(drawn) >= 1


def test_a_point_that_cannot_be_computed_is_left_out_and_named():
    def solve(strain):
        if strain > 0.1:
            raise InstabilityError("imaginary frequencies")
        return point(strain)

    tree = parameter_study({"strain": [0.0, 0.2]}, solve)
    g = tree["comparison"]["conductance"].values
    assert np.isfinite(g[:, 0]).all()
    assert np.isnan(g[:, 1]).all()
    assert json.loads(tree.attrs["left_out"]) == {"strain 0.2": "imaginary frequencies"}
    assert not loads(tree.attrs["checks"])["points"].passed
    with pytest.raises(InstabilityError):
        parameter_study({"strain": [0.2, 0.3]}, solve)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "one parameter"),
        ({"a": []}, "one value"),
        ({"a": [1, 1]}, "must differ"),
        ({"model": [1]}, "called"),
    ],
)
def test_grids_that_make_no_sense_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        parameter_study(parameters, point)


@pytest.fixture(scope="module")
def strains(tmp_path_factory):
    """Argon | argon, unstrained and strained, from a study file."""
    folder = tmp_path_factory.mktemp("sweep")
    study, output = folder / "study.yaml", folder / "study.nc"
    study.write_text(
        f"command: compare\nleft: {ARGON}\nright: {ARGON}\nsweep:\n"
        "  mass_ratio: [1]\n  in-plane-strain: [0.0, [0.01, -0.01]]\n  temperature: [20, 40]\n",
        encoding="utf-8",
    )
    found = told("run", str(study), *SMALL, "-o", str(output))
    assert not list(folder.glob("*.zarr"))
    return found, read(output)["comparison"].to_dataset()


@pytest.mark.slow
def test_equal_masses_transmit_every_channel(strains):
    found, table = strains
    assert np.isinf(table["conductance_four_probe"].sel(mass_ratio=1.0)).all()  # nothing is reflected
    assert found["conductance_four_probe"]["agf"][0][0] == [None, None]


@pytest.mark.slow
def test_the_point_without_strain_is_the_plain_run_bit_for_bit(strains):
    found, _ = strains
    assert found["dimensions"] == ["mass_ratio", "in_plane_strain", "temperature"]
    plain = told("compare", ARGON, ARGON, *SMALL, "-T", "40")
    assert found["conductance"]["agf"][0][0] == plain["conductance"]["agf"]
    assert found["conductance"]["agf"][0][1] != plain["conductance"]["agf"]


@pytest.mark.slow
def test_the_strain_of_every_point_is_stored(strains):
    _, table = strains
    own = table["strain_left"].sel(in_plane_strain="0.01 -0.01").values[0]
    assert own == pytest.approx(np.diag([0.01, -0.01]))
    assert table["in_plane_strain"].values.tolist() == ["0.0", "0.01 -0.01"]
    assert dict(table["conductance"].sizes) == {
        "model": 1,
        "mass_ratio": 1,
        "in_plane_strain": 2,
        "temperature": 2,
    }


def test_a_mass_ratio_scales_the_masses_of_the_right_crystal():
    options = {"left": ARGON, "right": ARGON, "right_mass": ("Ar=40",)}
    finished = dict.fromkeys(("mixing", "region_phonopy", "span", "nac"))
    own = _at({**options, **finished, "potential": "auto"}, {"mass_ratio": 2.5})
    assert masses_of(own["right_mass"], "--right-mass") == {"Ar": 100.0}


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("mass-ration=1,2", "did you mean mass-ratio"),
        ("mass-ratio", "NAME=VALUES"),
        ("mass-ratio=-1", "mass-ratio"),
        ("in-plane-strain=0.9", "within ±0.3"),
        ("in-plane-strain=0.1:0.0:0.1", "run upwards"),
        ("normal=0 0", "3 values"),
        ("strain=upwards", "strain"),
        ("twist=1,1", "must differ"),
        ("pair=a.cif", "two files"),
        ("temperature=-3", "positive"),
        ("potential=[", "JSON"),
    ],
)
def test_parameters_that_make_no_sense_are_refused_before_any_work(sweep, message):
    done = run("study", "sweep", "a.cif", "b.cif", "--sweep", sweep, *SMALL)
    assert done.exception is not None
    assert message in str(done.exception)
