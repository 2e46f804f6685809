"""The row ``inelastic`` of a comparison."""

import json

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.checks import loads
from latmm.errors import InputError
from latmm.inelastic.beside import put_inelastic
from latmm.inelastic.rates import fitted
from latmm.inelastic.result import inelastic_conductance
from latmm.stored import spectra
from latmm_cli.main import cli

ARGON = [
    "structures/ar.cif",
    "structures/ar.cif",
    "--right-mass",
    "Ar=160",
    "--potential",
    "lj",
    "-q",
    "-j",
    "1",
]
ARGON += ["--potential-option", "cutoff=6", "-T", "40", "--kmesh", "4", "4", "--frequencies", "8"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beside")
    files = ["-o", str(folder / "c.nc"), "--plot", str(folder / "c.png")]
    # samples this coarse fail the count of channels
    models = [
        "--model",
        "agf",
        "--model",
        "radiation",
        "--allow",
        "channels_left",
        "--allow",
        "channels_right",
    ]
    rates = ["--rates", "kappa=0.8@40", "left", "--length", "20", "--above", "continue"]
    done = CliRunner().invoke(cli, ["compare", *ARGON, *models, *rates, *files])
    assert done.exit_code == 0, done.output
    with xr.open_datatree(folder / "c.nc", engine="h5netcdf") as tree:
        return tree.load(), done.output, folder


@pytest.mark.slow
def test_row_has_the_numbers_of_its_node(stored):
    tree, text, folder = stored
    table, own = tree["comparison"].to_dataset(), tree["inelastic"].to_dataset()
    assert table["model"].values.tolist() == ["agf", "radiation", "inelastic"]
    assert "inelastic" in text.splitlines()[1]
    row, contact = table.sel(model="inelastic"), own.sel(contact="dissipative")
    assert float(row["conductance"][0]) == float(contact["conductance_two_probe"][0])
    assert float(row["conductance_four_probe"][0]) == float(contact["conductance_extrapolated"][0, -1])
    assert np.isnan(row["conductance_error"][0])
    assert float(own["above_band_uncertainty_two_probe"][0]) > 0.0
    (line,) = (one for one in text.splitlines() if one.startswith("inelastic at 40 K"))
    assert f"{float(row['conductance_four_probe'][0]) / 1e6:.5g}" in line
    assert float(row["kapitza_resistance_two_probe"][0] * row["conductance"][0]) == pytest.approx(1.0)
    # an elastic contact of the same samples is the lattice's
    lattice = float(table["conductance"].sel(model="agf")[0])
    elastic = own["conductance_two_probe"].sel(contact="elastic")
    assert float(elastic[0]) == pytest.approx(lattice, rel=0.01)
    assert float(row["conductance"][0]) > lattice
    assert own.attrs["rate_above_band"] == "continue"
    assert "20 nm" in json.loads(tree.attrs["notes"])[-1]
    assert {"kirchhoff", "unitarity"} <= set(loads(tree.attrs["checks"]))
    assert set(spectra(tree)) == {"agf", "radiation"}
    assert (folder / "c.png").stat().st_size > 10_000
    for name, kind in table.dtypes.items():
        assert kind == (bool if name == "exceeds_lattice_limit" else float), name


@pytest.mark.slow
def test_other_temperatures_and_elastic_contacts_are_refused(stored, perfect_argon):
    tree, _, _ = stored
    rates = (fitted(perfect_argon.left, 40.0, 0.8, classical=False),) * 2
    how = {"lengths": [1.0], "kmesh": (2, 2), "frequencies": 4, "damped": False}
    with pytest.raises(InputError, match="same temperatures"):
        put_inelastic(tree, inelastic_conductance(perfect_argon, [50.0], rates, **how))
    with pytest.raises(InputError, match="dissipative contact"):
        put_inelastic(tree, inelastic_conductance(perfect_argon, np.array([40.0]), rates, **how))


@pytest.mark.slow
def test_rates_of_one_pair_are_refused_for_several_potentials():
    argon = [text.replace("cutoff", "1:cutoff") for text in ARGON]
    several = ["compare", *argon, "--potential", "lj", "--rates", "kappa=0.8@40", "left"]
    done = CliRunner().invoke(cli, several)
    assert done.exit_code == 2
    assert "one potential or set of files" in done.output
