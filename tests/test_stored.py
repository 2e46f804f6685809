"""A stored result answers at other temperatures, in other units, and with figures."""

import csv

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import latmm.accessor  # noqa: F401  (registers tree.latmm)
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid
from latmm.plotting.stored import draw, drawn, figures_of
from latmm.results import read
from latmm.stored import conductances, in_units, resolved
from latmm_cli.main import cli

T = "20:200:20"


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "media.nc"
    words = ["amm", "--left-medium", "al", "--right-medium", "sapphire", "-T", T, "-o", str(path), "-q"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="module")
def tree(media):
    return read(media)


def test_conductances_from_the_stored_spectra_are_those_of_the_run(tree):
    stored = tree["comparison"].to_dataset()
    found = tree.latmm.conductance(stored["temperature"].values)
    for name in ("conductance", "conductance_four_probe"):
        for model in found["model"].values:
            assert found[name].sel(model=model).values == pytest.approx(
                stored[name].sel(model=model).values, rel=1e-12
            )


@pytest.mark.slow
def test_another_temperature_is_that_of_another_run(tree, tmp_path):
    path = tmp_path / "other.nc"
    words = ["amm", "--left-medium", "al", "--right-medium", "sapphire", "-T", "77", "-o", str(path), "-q"]
    assert CliRunner().invoke(cli, words).exit_code == 0
    other = read(path)["comparison"].to_dataset()["conductance"]
    found = conductances(tree, 77.0)["conductance"]
    assert found.sel(model="amm").item() == pytest.approx(other.sel(model="amm").item(), rel=2e-3)


def test_a_temperature_below_the_lowest_node_is_no_number(tree):
    assert np.isnan(tree.latmm.conductance(1e-3)["conductance"]).all()


def test_a_grid_resolves_what_is_hot_against_its_first_nodes():
    nu = (np.arange(50) + 0.5) * 0.2
    grid = FrequencyGrid(nu, np.full(50, 0.2))
    assert resolved(grid, [30.0, 300.0, 3000.0]).all()
    assert not resolved(grid, [1.0]).any()  # k_B T/h = 0.02 THz, a fifth of the first node


def test_units_change_numbers_and_what_they_say(tree):
    other = tree.latmm.to(frequency="meV", conductance="MW m-2 K-1")
    g, nu = other["comparison"]["conductance"], other["amm"]["frequency"]
    assert (g.attrs["units"], nu.attrs["units"]) == ("MW m-2 K-1", "meV")
    assert g.values == pytest.approx(tree["comparison"]["conductance"].values / 1e6)
    assert nu.values == pytest.approx(4.135667696 * tree["amm"]["frequency"].values, rel=1e-9)
    wave = in_units(tree, frequency="cm-1")["amm"]["frequency"].values
    assert wave == pytest.approx(33.35640952 * tree["amm"]["frequency"].values, rel=1e-9)
    with pytest.raises(InputError, match="THz, meV, cm-1"):
        in_units(tree, frequency="Hz")


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["THz", "cm-1"])
def test_every_figure_of_a_result_is_drawn(tree, unit):
    names = figures_of(tree)
    assert {"conductance", "conductance-log", "spectrum", "accumulation", "angles"} <= set(names)
    for name in names:
        figure = draw(tree, name, frequency=unit)
        assert drawn(figure), name
        assert all(axes.get_xlabel() for axes in figure.axes if axes.axison), name
    assert len(draw(tree).axes) >= len(names)


def test_curves_pass_through_the_numbers_of_the_table(tree):
    figure = draw(tree, "conductance")
    rows = drawn(figure)
    g = tree["comparison"].to_dataset()["conductance"].sel(model="amm") / 1e6
    curve = np.array([row[4:6] for row in rows if row[3] == "AMM"])
    for t in (100.0, 200.0):
        assert np.interp(t, *curve.T) == pytest.approx(g.sel(temperature=t).item(), rel=1e-3)


def test_a_figure_goes_into_axes_of_ones_own(tree):
    own = Figure()
    axes = own.subplots()
    assert tree.latmm.plot("spectrum", ax=axes) is own
    assert axes.get_lines()
    with pytest.raises(InputError, match="no figure 'bands'; this result gives conductance"):
        tree.latmm.plot("bands")


@pytest.mark.slow
def test_the_command_lists_draws_and_writes_what_it_draws(media, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(cli, ["plot", str(media)]).stdout
    assert [line.split()[0] for line in listed.splitlines()] == figures_of(read(media))
    words = ["plot", str(media), "spectrum", "-o", "s.pdf", "--data", "s.csv", "--units", "meV"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "s.pdf").read_bytes()[:4] == b"%PDF"
    with (tmp_path / "s.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["series"] == "AMM"]
    table = read(media)["amm"].to_dataset()
    assert rows[0]["x_label"] == "frequency (meV)"
    assert [float(row["y"]) for row in rows] == pytest.approx(table["transmission"].values.tolist())
    refused = CliRunner().invoke(cli, ["plot", str(media), "-o", str(media)])
    assert refused.exit_code != 0
