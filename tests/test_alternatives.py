"""One contact by several potentials, or sets of force constants: each a result, half their range an error."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.collections import PolyCollection
from numpy.testing import assert_allclose

from latmm.checks import by_name, check, dumps
from latmm.errors import InputError
from latmm.plotting.conductance import comparison_figure
from latmm.results import read
from latmm.spread import SPREAD, potential_spread
from latmm_cli.main import cli
from latmm_cli.tables import conductance_table

AR = str(Path(__file__).parent.parent / "structures" / "ar.cif")
FAST = ["--kmesh", "3", "3", "--frequencies", "12", "--allow", "channels", "-q"]
WELLS = ["1:epsilon=0.01", "2:epsilon=0.0144"]
"""Depths of the wells, eV: forces in the ratio 1.44, frequencies 1.2, the same lattice."""
BOTH = ["sigma=3.4", "cutoff=6.0"]


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=True)


@pytest.fixture(scope="module")
def wells(tmp_path_factory):
    """Argon | heavy argon by two Lennard-Jones potentials that differ in depth alone."""
    folder = tmp_path_factory.mktemp("wells")
    given = [word for text in (*WELLS, *BOTH) for word in ("--potential-option", text)]
    done = run(
        *(
            "compare",
            AR,
            AR,
            "--right-mass",
            "Ar=80",
            "--potential",
            "lj",
            "--potential",
            "lj",
            *given,
            *FAST,
        ),
        *("-T", "20", "-T", "24", "--model", "agf", "--model", "amm", "--model", "dmm", "--json"),
        *("-o", folder / "r.nc", "--plot", folder / "r.png"),
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), read(folder / "r.nc")


@pytest.mark.slow
def test_deeper_wells_conduct_by_the_exact_law(wells):
    """All force constants times s: Ξ(ν) becomes Ξ(ν/√s), so G(T) becomes √s G(T/√s)."""
    _, tree = wells
    table = tree["potentials"].to_dataset()
    first, second = table["conductance"].values
    assert_allclose(second[:, 1], 1.2 * first[:, 0], rtol=1e-4)
    assert_allclose(table["max_frequency_left"][1] / table["max_frequency_left"][0], 1.2, rtol=1e-5)
    assert_allclose(
        table["sound_speed_normal_right"][1], 1.2 * table["sound_speed_normal_right"][0], rtol=1e-5
    )


@pytest.mark.slow
def test_half_the_range_stands_beside_the_sampling_error(wells):
    found, tree = wells
    comparison, table = tree["comparison"].to_dataset(), tree["potentials"].to_dataset()
    assert table["potential"].values.tolist() == ["lj 1", "lj 2"]
    for name in ("conductance", "conductance_four_probe"):
        assert np.array_equal(comparison[name], table[name][0])
        half = 0.5 * np.abs(table[name][1] - table[name][0])
        assert_allclose(comparison[f"{name}_potential_uncertainty"], half, rtol=1e-12)
        assert np.all(half > 0)
    assert found["conductance_potential_uncertainty"]["agf"] == pytest.approx(
        comparison["conductance_potential_uncertainty"].sel(model="agf").values.tolist()
    )
    assert (
        found["potentials"]["lj 2"]["dmm"]
        == table["conductance"].sel(potential="lj 2", model="dmm").values.tolist()
    )
    assert "0.0144" in str(table["source"].values[1])
    assert SPREAD.format(2) in found["limits"]
    text = conductance_table(comparison)
    assert "(half the range of the potentials, at most)" in text
    assert "± half the range of the potentials" in text


@pytest.mark.slow
def test_what_lies_between_the_potentials_is_shaded(wells):
    _, tree = wells
    axes = comparison_figure(tree).axes[0]
    shaded = [one for one in axes.collections if isinstance(one, PolyCollection) and len(one.get_paths())]
    table = tree["potentials"]["conductance"] / 1e6
    for one, model in zip(shaded, ("agf", "amm", "dmm"), strict=False):
        heights = one.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(float(table.sel(model=model).min()))
        assert heights.max() == pytest.approx(float(table.sel(model=model).max()))


@pytest.mark.slow
def test_other_files_of_the_same_crystals(structure, tmp_path):
    """A crystal in two files, one compressed by 2 %: stiffer, not relaxed."""
    structure("ar").write(tmp_path / "a.cif")
    small = structure("ar")
    small.set_cell(0.98 * small.cell, scale_atoms=True)
    small.write(tmp_path / "b.cif")
    a, b = tmp_path / "a.cif", tmp_path / "b.cif"
    lj = [
        "--potential",
        "lj",
        "--potential-option",
        "cutoff=6.0",
        "--no-relax",
        "--right-mass",
        "Ar=80",
        "-T",
        "30",
    ]
    more = ["--model", "dmm", *FAST, "--allow", "stress", "--allow", "residual_force", "--json"]
    done = run("compare", a, a, "--also", b, b, *lj, *more, "-o", tmp_path / "r.nc")
    assert done.exit_code == 0, done.output
    alone = json.loads(run("compare", b, b, *lj, *more).stdout)
    found = json.loads(done.stdout)["potentials"]
    assert list(found) == ["set 1", "set 2"]
    assert found["set 2"]["dmm"] == alone["conductance"]["dmm"]
    assert found["set 2"]["dmm"][0] > 1.05 * found["set 1"]["dmm"][0]
    digests = json.loads(read(tmp_path / "r.nc").attrs["input_sha256"])
    assert set(digests) == {f"set {i}: {side}" for i in (1, 2) for side in ("left", "right")}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--potential", "lj", "--potential", "lj", "--also", AR, AR], "not both"),
        (["--potential", "lj", "--potential", "lj", "--dry-run"], "--dry-run is for one potential"),
        (["--also", AR, AR, "--mixing", "all"], "--mixing all is for one potential"),
        (["--also", AR, AR, "--region-phonopy", "c.yaml"], "belongs to one set of files"),
        (["--potential", "lj", "--potential-option", "3:epsilon=1"], "for potential 3, but there are 1"),
        (["--also", "b.cif", AR, "-o", "b.cif"], "would overwrite the structure file"),
    ],
)
def test_requests_that_make_no_sense_are_refused(arguments, text):
    done = run("compare", AR, AR, "--right-mass", "Ar=80", *arguments, *FAST)
    assert done.exit_code == 2
    assert text in " ".join(done.output.split())


def test_only_results_of_the_same_temperatures_are_joined():
    def tree(t):
        values = (("model", "temperature"), np.ones((1, len(t))))
        table = xr.Dataset({"conductance": values}, coords={"model": ["agf"], "temperature": t})
        root = xr.Dataset(attrs={"checks": dumps(by_name([check("unitarity", 0.0, 1.0)])), "limits": "[]"})
        return xr.DataTree.from_dict({"/": root, "/comparison": table})

    with pytest.raises(InputError, match="same models and temperatures"):
        potential_spread({"a": tree([100.0]), "b": tree([200.0])})
    with pytest.raises(InputError, match="one result at least"):
        potential_spread({})
