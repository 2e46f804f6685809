"""``latmm inelastic`` from structure files to table, JSON, netCDF and figure."""

import json

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.checks import loads
from latmm.errors import InputError
from latmm.inelastic.rates import fitted
from latmm.inelastic.result import inelastic_conductance
from latmm_cli.main import cli

ARGON = ["structures/ar.cif", "structures/ar.cif", "--right-mass", "Ar=160", "--potential", "lj"]
ARGON += ["--potential-option", "cutoff=6", "-T", "40", "--length", "5", "--length", "50", "--longest", "100"]
ARGON += ["--kmesh", "4", "4", "--frequencies", "12", "--classical", "-q", "-j", "1"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inelastic")
    files = ["-o", str(folder / "a.nc"), "--plot", str(folder / "a.png")]
    done = CliRunner().invoke(cli, ["inelastic", *ARGON, "--rates", "kappa=0.8@40", "left", *files])
    assert done.exit_code == 0, done.output
    return folder, done.output


@pytest.mark.slow
def test_table_shows_both_contacts_beside_the_old_definitions(stored):
    _, text = stored
    lines = text.splitlines()
    assert lines[0] == "conductance (MW m⁻² K⁻¹), reservoirs at 50 nm"
    rows = {line.split()[1]: [float(x) for x in line.split()[2:]] for line in lines[2:] if "40" in line[:10]}
    assert set(rows) == {"elastic", "dissipative"}
    extrapolated, excess, _, _, two, four = rows["elastic"]
    assert two < four < extrapolated
    assert rows["dissipative"][0] > 1.2 * extrapolated
    assert excess == pytest.approx(extrapolated, rel=0.2)
    assert any("for the rate above the band" in line for line in lines)


@pytest.mark.slow
def test_file_states_every_convention(stored):
    folder, _ = stored
    with xr.open_datatree(folder / "a.nc", engine="h5netcdf") as tree:
        table = tree["inelastic"].load()
        checks = loads(tree.attrs["checks"])
    assert table.attrs["statistics"] == "classical"
    assert table.attrs["rate_above_band"] == "cap"
    assert table.attrs["longest_path"] == "100 nm"
    assert "masses times" in table.attrs["rates_right"]
    for name in ("kirchhoff", "flux_balance", "channel_sums"):
        assert checks[name].passed
    every = table.to_dataset()
    for name in every.variables:
        assert {"units", "long_name"} <= set(every[name].attrs), name
    width = every["frequency_weight"]
    for contact in ("elastic", "dissipative"):
        row = every.sel(contact=contact).isel(temperature=0)
        part = float((row["spectrum_contact_left"] * width).sum())
        # nodes above the bands hold the rest
        assert part == pytest.approx(1.0, abs=1e-9 if contact == "elastic" else 0.05)
    assert float(every["above_band_uncertainty"][0]) > 0.0
    assert (folder / "a.png").stat().st_size > 10_000
    assert not list(folder.glob("*.zarr"))


@pytest.mark.slow
def test_json_holds_the_numbers_of_the_table():
    done = CliRunner().invoke(
        cli, ["inelastic", *ARGON, "--rates", "kappa=0.8@40", "left", "--elastic", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["contact"] == ["elastic"]
    assert np.shape(found["conductance_excess"]) == (1, 1, 2)


@pytest.mark.slow
def test_isotopes_take_conductivity_from_the_crystals():
    found = []
    for isotopes in ([], ["--isotopes"]):
        rates = ["--rates", "kappa=0.8@40", "kappa=0.4@40", "--elastic", "--json"]
        done = CliRunner().invoke(cli, ["inelastic", *ARGON, *rates, *isotopes])
        assert done.exit_code == 0, done.output
        found.append(json.loads(done.output))
    pure, natural = (np.array(one["conductivity"]) for one in found)
    # the natural isotopes of argon are few
    assert np.all((natural < 0.9999 * pure) & (natural > 0.9 * pure))
    assert "isotopes" in found[1]["rates_left"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (["left", "left"], "other crystal"),
        (["right", "left"], "other crystal"),
        (["kappa=x@40", "left"], "kappa=K@T"),
        (["kappa=-1@40", "left"], "must be positive"),
        (["structures/ar.cif", "left"], "kappa-m"),
    ],
)
def test_refuses_rates_that_are_none(rates, message):
    done = CliRunner().invoke(cli, ["inelastic", *ARGON, "--rates", *rates, "--elastic"])
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)


def test_refuses_numbers_that_make_no_sense(heavy_silicon):
    rates = (fitted(heavy_silicon.left, 300.0, 140.0, classical=False),) * 2
    with pytest.raises(InputError, match="lengths"):
        inelastic_conductance(heavy_silicon, [300.0], rates, lengths=[])
    with pytest.raises(InputError, match="longest"):
        inelastic_conductance(heavy_silicon, [300.0], rates, longest=-1.0)
    with pytest.raises(InputError, match="above"):
        inelastic_conductance(heavy_silicon, [300.0], rates, above="guess")
