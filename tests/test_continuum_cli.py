"""The commands amm, dmm and layers, and the survey behind them."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner, Result
from continuum_systems import ALUMINIUM, HELIUM, SILICON, diamond_springs, fcc_springs

from latmm.continuum.angles import incidence
from latmm.continuum.combined import Side, survey
from latmm.continuum.grading import MatchingLayer, thickness_table
from latmm.continuum.layers import Layer
from latmm.continuum.low_temperature import cubic_prefactors
from latmm.continuum.results import layered_mismatch, mismatch
from latmm.errors import InputError
from latmm.models import defaults
from latmm.plotting.continuum import continuum_figure
from latmm.units import BOLTZMANN

STRUCTURES = Path(__file__).parent.parent / "structures"
AL, SI = "rho=2700,cl=6420,ct=3040", "rho=2330,cl=9000,ct=5400"


def run(name: str, *arguments: str) -> Result:
    command = import_module(f"latmm_cli.{name}").command
    return CliRunner().invoke(command, [*arguments, "-q"])


def test_acoustic_command_gives_the_law_of_low_temperature() -> None:
    """R T³ = 13.013 K⁴ cm²/W for Al | Si, at 1 mK as at 1 K to more than six digits."""
    result = run(
        "amm",
        "--left-medium",
        AL,
        "--right-medium",
        SI,
        "--model",
        "amm-isotropic",
        "--json",
        "-T",
        "0.001",
        "-T",
        "1",
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    cold, warm = found["conductance"]["amm-isotropic"]
    assert cold / warm == pytest.approx(1e-9, rel=1e-7)
    assert 1e4 / warm == pytest.approx(13.013, abs=1e-3)
    assert found["cubic_prefactor"]["amm-isotropic"] == pytest.approx(warm, rel=1e-7)


@pytest.mark.slow
def test_errors_of_the_quadrature_are_told(tmp_path: Path) -> None:
    """A leaky surface wave: beside every acoustic number in JSON, file and table; else none."""
    pair = ("--left-medium", "helium", "--right-medium", "cu", "-T", "0.1")
    chosen = ("--model", "amm", "--model", "radiation-debye", "-o", str(tmp_path / "a.nc"))
    found = json.loads(run("amm", *pair, *chosen, "--json").output)
    fraction = found["conductance_error"]["amm"][0] / found["conductance"]["amm"][0]
    assert 1e-6 < fraction <= 5e-4
    low = found["cubic_prefactor_error"]["amm"] / found["cubic_prefactor"]["amm"]
    assert low == pytest.approx(fraction, rel=1e-3)
    assert found["conductance_four_probe_error"]["amm"][0] > 0
    assert found["conductance_error"]["radiation-debye"] == [None]
    assert found["cubic_prefactor_error"]["radiation-debye"] is None
    with xr.open_datatree(tmp_path / "a.nc", engine="h5netcdf") as tree:
        assert float(tree["amm"]["transmission_error"]) == pytest.approx(fraction, rel=1e-6)
        assert float(tree["comparison"]["conductance_error"][0, 0]) == found["conductance_error"]["amm"][0]
    lines = run("amm", *pair, *chosen[:4]).output.splitlines()
    assert lines[3].split()[:4] == ["±,", "%", f"{100 * fraction:.2g}", "—"]
    alone = run("amm", *pair, *chosen[2:4]).output
    assert "±" not in alone


@pytest.mark.slow
def test_what_exceeds_the_limit_of_the_lattice_is_marked(tmp_path: Path) -> None:
    """Argon: Debye's channels outnumber the lattice's."""
    files = [str(STRUCTURES / "ar.cif")] * 2
    limits = ("--model", "radiation", "--model", "radiation-debye")
    result = run("dmm", *files, "-T", "5", "-T", "80", *limits, "--plot", str(tmp_path / "a.svg"))
    assert result.exit_code == 0, result.output
    rows = result.output.splitlines()
    assert ["*" in row for row in rows[2:4]] == [False, True]
    assert rows[-1].startswith("* exceeds the radiation limit of the lattice's channels")
    alone = json.loads(run("dmm", *files, "-T", "80", *limits[2:], "--json").output)
    assert "exceeds_lattice_limit" not in alone
    found = json.loads(run("dmm", *files, "-T", "80", *limits, "--json").output)
    assert found["exceeds_lattice_limit"] == {"radiation": [False], "radiation-debye": [True]}


def test_a_number_that_no_passive_contact_has_is_not_printed(tmp_path: Path) -> None:
    pair = ("--left-medium", "pb", "--right-medium", "diamond", "-T", "2", "-T", "300")
    chosen = ("--model", "dmm-joint-frequency", "--model", "dmm-debye", "--model", "radiation-debye")
    printed = run("dmm", *pair, *chosen, "--plot", str(tmp_path / "a.png"))
    assert printed.exit_code == 0, printed.output
    lines = printed.output.splitlines()
    assert lines[3].split()[:2] == ["300", "—"]
    assert lines[-1].startswith("— no number: the model exceeds")
    assert "nan" not in printed.output
    assert (tmp_path / "a.png").stat().st_size > 10_000
    found = json.loads(run("dmm", *pair, *chosen, "--json").output)
    assert found["refused"] == ["dmm-joint-frequency"]
    assert found["conductance"]["dmm-joint-frequency"][1] is None
    assert found["conductance"]["dmm-joint-frequency"][0] > 0
    only = run("dmm", *pair[:4], "-T", "300", *chosen[:2], "--plot", str(tmp_path / "b.png"))
    assert only.exit_code == 0, only.output


@pytest.mark.slow
def test_dispersion_command_on_structure_files(tmp_path: Path) -> None:
    files = [str(STRUCTURES / "si.cif"), str(STRUCTURES / "ge.cif")]
    output, figure = tmp_path / "a.nc", tmp_path / "a.png"
    result = run(
        "dmm", *files, "--potential", "sw", "-T", "300", "-o", str(output), "--plot", str(figure), "--json"
    )
    assert result.exit_code == 0, result.output
    g = {name: values[0] for name, values in json.loads(result.output)["conductance"].items()}
    assert 0.5 * g["radiation"] <= g["dmm"] <= g["radiation"]
    assert figure.stat().st_size > 10_000
    with xr.open_datatree(output, engine="h5netcdf") as tree:
        assert float(tree["comparison"]["conductance"].sel(model="dmm")[0]) == g["dmm"]
        assert list(json.loads(tree.attrs["input_sha256"])) == ["left", "right"]
        assert json.loads(tree.attrs["configuration"])["potential"] == "sw"
        # Stillinger and Weber's silicon along its axis, the normal: C11 = 151.4, C44 = 56.4 GPa
        assert tree["left"]["stiffness"].values[[2, 3], [2, 3]] == pytest.approx([151.4, 56.4], rel=5e-3)


@pytest.mark.slow
def test_layers_command_matches_and_optimises(tmp_path: Path) -> None:
    plain = run("layers", "--left-medium", AL, "--right-medium", SI, "--layer", f"{AL}:3", "--json")
    assert plain.exit_code == 0, plain.output
    g = json.loads(plain.output)["conductance"]
    assert g["layers"] == pytest.approx(g["bare"], rel=1e-9)
    text = run("layers", "--left-medium", "pb", "--right-medium", "diamond", "--graded", "2", "-T", "20")
    assert text.exit_code == 0
    assert "layers" in text.output
    output = tmp_path / "a.nc"
    best = run(
        "layers",
        "--left-medium",
        AL,
        "--right-medium",
        SI,
        "--optimise",
        "-T",
        "20",
        "--json",
        "-o",
        str(output),
    )
    found = json.loads(best.output)
    assert found["conductance"]["layers"] > found["conductance"]["bare"]
    (layer,) = found["layers"]
    again = run(
        "layers",
        *("--left-medium", AL, "--right-medium", SI, "-T", "20", "--json", "--layer"),
        f"rho={1e3 * layer['density']!r},cl={1e3 * layer['longitudinal']!r},"
        f"ct={1e3 * layer['transverse']!r}:{layer['thickness']!r}",
    )
    reached = json.loads(again.output)["conductance"]["layers"]
    assert reached == pytest.approx(found["conductance"]["layers"], rel=1e-9)
    with xr.open_datatree(output, engine="h5netcdf") as tree:
        assert tree["stack"]["thickness"].values.tolist() == [layer["thickness"]]


def test_weak_transmission_fills_its_panel() -> None:
    angles = incidence(ALUMINIUM, HELIUM, np.linspace(0, 80, 9))
    tree = mismatch(Side(ALUMINIUM), Side(HELIUM), [0.5, 1.0], ["amm-isotropic"])
    tree["angles"] = xr.DataTree(angles)
    figure = continuum_figure(tree)
    assert figure.get_suptitle() == f"{ALUMINIUM.name} | {HELIUM.name}"
    panel = figure.axes[1]
    highest = float(angles.transmissivity.sum("outgoing").max())
    assert highest < 0.02
    assert highest < panel.get_ylim()[1] < 1.5 * highest


def test_at_one_temperature_a_matching_layer_is_drawn_against_its_thickness() -> None:
    best = MatchingLayer(
        Layer(ALUMINIUM, 2.0), 0.5, 3e6, 2e6, np.array([1.0, 2.0, 4.0]), np.array([2.5e6, 3e6, 2.8e6])
    )
    tree = mismatch(Side(ALUMINIUM), Side(HELIUM), [0.5], ["radiation-debye"])
    tree["thickness"] = xr.DataTree(thickness_table(best, 0.5))
    (panel,) = continuum_figure(tree).axes
    assert panel.get_xlabel() == "thickness of the layer (nm)"
    curve = panel.get_lines()[0]
    assert curve.get_ydata().tolist() == [2.5, 3.0, 2.8]


@pytest.mark.slow
@pytest.mark.parametrize("between", [["--layer", "mgo:200"], ["--bond", "0.05"], ["--graded", "300"]])
def test_longest_waves_do_not_see_what_lies_between(between: list[str]) -> None:
    """G/T³ for T → 0 is that of the bare contact, however hot or thick the rest of the calculation."""
    result = run("layers", "--left-medium", "al", "--right-medium", "diamond", *between, "--json")
    prefactor = json.loads(result.output)["cubic_prefactor"]
    assert prefactor["layers"] == pytest.approx(prefactor["bare"], rel=1e-9)


def test_longest_waves_do_not_see_roughness() -> None:
    table = survey(Side(ALUMINIUM), Side(SILICON), 300.0, ["mixed", "amm-isotropic"], roughness=100.0)
    rough, smooth = table["comparison"]["cubic_prefactor"].values
    assert rough == pytest.approx(smooth, rel=1e-5)


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("amm", ["--left-medium", "al"], "two structure files"),
        ("amm", ["--left-medium", "al", "--right-medium", "si", "--model", "mixed"], "roughness"),
        ("dmm", ["--left-medium", "al", "--right-medium", "si", "--model", "dmm"], "dispersion"),
        ("amm", ["--left-medium", "al", "--right-medium", "si", "-T", "-3"], "positive"),
        ("layers", ["--left-medium", "al", "--right-medium", "si", "--layer", "mgo"], "MEDIUM:NM"),
        (
            "layers",
            ["--left-medium", "al", "--right-medium", "si", "--optimise", "--graded", "1"],
            "only one",
        ),
        ("layers", ["--left-medium", "al", "--right-medium", "si"], "what lies between"),
        ("layers", ["--left-medium", "al", "--right-medium", "si", "--bond", "1", "--optimise"], "welded"),
        (
            "layers",
            ["--left-medium", "al", "--right-medium", "si", "--bond", "1", "--repeat", "2"],
            "--repeat",
        ),
    ],
)
def test_wrong_usage_is_explained(command: str, arguments: list[str], message: str) -> None:
    result = run(command, *arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(("right", "noted"), [(SI, True), (f"{SI},n=25", False)])
def test_missing_cutoffs_are_noted(right: str, noted: bool) -> None:
    for name, more in (("amm", []), ("layers", ["--bond", "10"])):
        command = import_module(f"latmm_cli.{name}").command
        result = CliRunner().invoke(command, ["--left-medium", AL, "--right-medium", right, *more])
        assert result.exit_code == 0
        assert ("limit: neither medium has a cell density" in result.stdout) is noted


@pytest.mark.parametrize("arguments", [["foo", "si"], ["al", "rho=1"]])
def test_unknown_media_are_input_errors(arguments: list[str]) -> None:
    result = run("amm", "--left-medium", arguments[0], "--right-medium", arguments[1])
    assert isinstance(result.exception, InputError)


def test_survey_reaches_every_low_temperature_law() -> None:
    left, right = Side(ALUMINIUM), Side(SILICON)
    models = ["amm-isotropic", "amm-scalar", "dmm-debye", "radiation-debye"]
    table = survey(left, right, [1e-3, 1.0], models)["comparison"]
    closed = cubic_prefactors(ALUMINIUM, SILICON).prefactor.values
    for i, t in enumerate((1e-3, 1.0)):
        np.testing.assert_allclose(table["conductance"].values[:, i] / t**3, closed, rtol=1e-8)
    np.testing.assert_allclose(table["cubic_prefactor"], closed, rtol=1e-9)


def test_contact_resistance_of_identical_media_is_removed() -> None:
    """Four-probe: nothing is left of two like solids in the acoustic mismatch, 1/G_M in the diffuse one."""
    left = Side(replace(SILICON, cell_density=25.0))
    table = survey(left, left, [5.0, 300.0], ["amm-isotropic", "dmm-debye"])["comparison"].to_dataset()
    assert np.all(np.isinf(table.conductance_four_probe.sel(model="amm-isotropic")))
    own = table.conductance.sel(model="amm-isotropic")
    np.testing.assert_allclose(table.conductance_four_probe.sel(model="dmm-debye"), own, rtol=1e-12)


def test_four_probe_conductance_counts_every_channel_of_the_stiffer_side() -> None:
    """Channels above the softer side's last frequency carry no heat across, but belong to G_M."""
    soft, hard = Side(replace(ALUMINIUM, cell_density=30.0)), Side(replace(SILICON, cell_density=60.0))
    # hot, each wave of speed c carries k_B n c/4, n the cells; panels end at every cut-off
    carried = [
        1e30 * BOLTZMANN * side.medium.cell_density / 4 * (side.medium.speeds[0] + 2 * side.medium.speeds[1])
        for side in (soft, hard)
    ]
    hot = survey(soft, hard, 1e8, ["dmm-debye"])["comparison"].to_dataset()
    expected = 1 / (1 / float(hot.conductance[0, 0]) - 0.5 * (1 / carried[0] + 1 / carried[1]))
    assert float(hot.conductance_four_probe[0, 0]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_lattice_models_meet_the_elastic_ones_at_low_temperature() -> None:
    """The full-dispersion models at 10 mK are those of the crystals' own anisotropic elasticity."""
    left, right = (Side.from_force_constants(c, "a") for c in (diamond_springs(), fcc_springs()))
    tree = survey(left, right, [0.01, 300.0], ["amm", "dmm", "radiation"])
    elastic = tree["amm"].to_dataset()
    lattice = tree["dmm"].to_dataset()
    for name in ("channels_left", "channels_right"):
        assert float(lattice[name][0] / elastic[name][0]) == pytest.approx(1.0, abs=1e-3)
    g = tree["comparison"]["conductance"]
    assert np.all(g.sel(model="dmm") <= g.sel(model="radiation"))
    with pytest.raises(InputError, match="dispersion"):
        survey(Side(ALUMINIUM), right, 300.0, ["dmm"])
    with pytest.raises(InputError, match="unknown model"):
        survey(left, right, 300.0, ["foo"])
    with pytest.raises(InputError, match="roughness"):
        survey(left, right, 300.0, ["mixed"])


def test_library_and_command_give_the_same_result(tmp_path: Path) -> None:
    """What a command writes is what one call returns: media, models, limits and checks."""
    output = tmp_path / "a.nc"
    run("amm", "--left-medium", AL, "--right-medium", SI, "-T", "20", "-o", str(output))
    left, right = Side.from_medium(AL), Side.from_medium(SI)
    own = mismatch(left, right, 20.0, defaults("amm"))
    with xr.open_datatree(output, engine="h5netcdf") as told:
        assert set(own.children) == set(told.children)
        assert {"left", "right", "angles", "comparison", "amm"} <= set(own.children)
        for name in own.children:
            xr.testing.assert_identical(own[name].to_dataset(), told[name].to_dataset())
        assert json.loads(told.attrs["limits"])[-1].startswith("neither medium has a cell density")


def test_no_layer_and_no_springs_is_the_bare_interface() -> None:
    left, right = Side(ALUMINIUM), Side(SILICON)
    table = layered_mismatch(left, right, (), 20.0)["comparison"]["conductance"]
    assert float(table.sel(model="layers")[0]) == float(table.sel(model="bare")[0])
    stack = layered_mismatch(left, right, [Layer(SILICON, 2.0)], 20.0)
    assert stack["stack"]["thickness"].values.tolist() == [2.0]
    # a layer of the right medium is a part of the right half space
    got = stack["comparison"]["conductance"].sel(model="layers").values
    assert got == pytest.approx(table.sel(model="bare").values, rel=1e-9)
