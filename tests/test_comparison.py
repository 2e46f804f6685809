"""The comparison of models: identities between them, and the tree that holds them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import latmm
from latmm.checks import by_name, check
from latmm.comparison import _mark_above, compare
from latmm.continuum.dispersion import channels
from latmm.errors import InputError
from latmm.landauer import conductance, four_probe_error
from latmm.lattice.dynamics import largest_frequency
from latmm.models import defaults, offered
from latmm.plotting.conductance import comparison_figure, heading, save
from latmm.results import read, summary, write
from latmm.sampling.meshes import frequency_grid, windows
from latmm.sweep.accuracy import conductance_error
from latmm.sweep.refinement import Sampling
from latmm.sweep.run import sweep
from latmm_cli.tables import conductance_table

QUICK = {"kmesh": (6, 6), "frequencies": 24}


def crystal(name, **masses):
    return latmm.read_structure(f"structures/{name}.cif", masses)


@pytest.fixture(scope="module", autouse=True)
def _at_the_root(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(request.config.rootpath)
        yield


@pytest.fixture(scope="module")
def heavy(heavy_silicon):
    """Silicon | silicon of germanium's mass, Stillinger-Weber."""
    return heavy_silicon


@pytest.fixture(scope="module")
def tree(heavy):
    return compare(heavy, [20, 100, 300], models=offered("compare"), roughness=0.3, **QUICK)


@pytest.fixture(scope="module")
def same():
    """One crystal on both sides: no interface at all."""
    potential = latmm.resolve_potential("tersoff", ["Si"])
    return latmm.build_interface(crystal("si"), crystal("si"), (0, 0, 1), potential)


@pytest.mark.slow
def test_identical_crystals_have_no_resistance_of_their_own(same):
    table = compare(same, [50, 300], **QUICK)["comparison"].to_dataset()
    four, two = table["conductance_four_probe"], table["conductance"]
    # the limit of 1e-6: force constants of the contact carry the error of finite displacements
    assert np.all(four.sel(model=["agf", "amm", "radiation"]) > 1e6 * two.sel(model="agf"))
    assert np.allclose(two.sel(model="dmm"), 0.5 * two.sel(model="radiation"), rtol=1e-12)
    # 1/G - 1/G_M = 1/G for G = G_M/2
    assert np.allclose(four.sel(model=["dmm", "dmm-debye"]), 2 * two.sel(model=["dmm", "dmm-debye"]))


@pytest.mark.slow
def test_models_obey_the_radiation_limit_of_their_own_channels(tree):
    for model in offered("compare"):
        found = tree[model.replace("-", "_")].to_dataset()
        bound = np.minimum(found["channels_left"], found["channels_right"])
        assert np.all(found["transmission"] <= bound * (1 + 1e-9) + 1e-12), model
        assert np.all(found["transmission"] >= 0)


@pytest.mark.slow
def test_like_crystals_have_a_two_probe_resistance_and_no_four_probe_one(same):
    table = compare(same, [50, 300], models=["agf", "amm", "radiation", "dmm"], **QUICK)["comparison"]
    two, four = (table[f"kapitza_resistance_{way}_probe"] for way in ("two", "four"))
    assert np.array_equal(two, 1.0 / table["conductance"])
    assert np.all(four.sel(model=["amm", "radiation"]) == 0.0)
    assert np.all(np.abs(four.sel(model="agf")) < 1e-6 * two.sel(model="agf"))
    assert np.allclose(four.sel(model="dmm"), 0.5 * two.sel(model="dmm"), rtol=1e-12)
    for variable in (two, four):
        assert "perfect crystal" in variable.attrs["long_name"]


@pytest.mark.slow
def test_radiation_limit_of_debyes_channels_is_twice_diffuse_mismatch_of_like_crystals(same):
    found = compare(same, [50, 300], models=["dmm-debye", "radiation-debye"], **QUICK)["comparison"]
    g = found["conductance"]
    assert np.allclose(g.sel(model="radiation-debye"), 2 * g.sel(model="dmm-debye"), rtol=1e-12)


@pytest.fixture(scope="module")
def argon():
    """Argon | argon of four times the mass: elastic waves outnumber the lattice's."""
    potential = latmm.resolve_potential("lj", ["Ar"])
    contact = latmm.build_interface(crystal("ar"), crystal("ar", Ar=160.0), (0, 0, 1), potential)
    models = ["amm", "dmm", "radiation", "radiation-debye"]
    contact = replace(contact, normals=((0, 0, 1), (0, -1, 0)))  # planes that are alike
    return compare(contact, [2.0, 20.0, 100.0], models=models, kmesh=(6, 6), frequencies=48)


@pytest.mark.slow
def test_what_exceeds_the_limit_of_the_lattices_channels_is_marked(argon, tmp_path):
    table = argon["comparison"].to_dataset()
    above = table["exceeds_lattice_limit"]
    limit = table["conductance"].sel(model="radiation")
    bar = table["conductance_error"]
    # second route: from the stored conductances, where error bars leave no doubt
    sure = table["conductance"] > limit + bar + bar.sel(model="radiation")
    assert not (sure & ~above).any()
    assert not (above & (table["conductance"] <= limit)).any()
    assert above.sel(model="amm").values.tolist() == [False, False, True]
    assert above.sel(model="radiation-debye").values.tolist()[1:] == [True, True]
    assert not above.sel(model=["dmm", "radiation"]).any()

    rows = conductance_table(table).splitlines()
    assert [row.count("*") for row in rows[2:5]] == above.sum("model").values.tolist()
    assert rows[4].split()[1].endswith("*")
    assert rows[-1].startswith("* exceeds the radiation limit")
    assert summary(argon)["exceeds_lattice_limit"]["amm"] == [False, False, True]
    write(argon, tmp_path / "argon.nc")
    assert read(tmp_path / "argon.nc")["comparison"]["exceeds_lattice_limit"].equals(above)

    figure = comparison_figure(argon)
    crosses = [line for line in figure.axes[0].get_lines() if line.get_marker() == "x"]
    shown = [t for line in crosses for t in line.get_xdata()]
    assert sorted(shown) == sorted(above["temperature"].values[np.nonzero(above.values)[1]])
    assert "above the limit of the lattice" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.slow
def test_nothing_is_marked_where_nothing_exceeds(same):
    tree = compare(same, [20.0], models=["dmm", "dmm-debye"], **QUICK)
    assert "*" not in conductance_table(tree["comparison"].to_dataset())
    assert all(line.get_marker() != "x" for line in comparison_figure(tree).axes[0].get_lines())


@pytest.mark.slow
def test_diffuse_mismatch_of_the_mesh_is_that_of_counted_bloch_modes(heavy):
    tops = [largest_frequency(side) for side in (heavy.left, heavy.right)]
    grid = frequency_grid(min(tops), max(tops), 160, minimum_temperature=300.0)
    samples = windows(heavy.left, heavy.right, grid, (24, 24), heavy.rotations, common=min(tops))
    counted = sweep(heavy, grid, samples, common=min(tops))
    left, right = (channels(side, grid) for side in (heavy.left, heavy.right))

    def diffuse(m, n):
        total = m + n
        return np.divide(m * n, total, out=np.zeros_like(total), where=total > 0)

    ratio = conductance(grid, diffuse(left, right), 300.0) / conductance(
        grid, diffuse(counted.channels_left, counted.channels_right), 300.0
    )
    assert ratio == pytest.approx(1.0, abs=5e-3)


@pytest.mark.slow
def test_tree_records_sampling_and_checks(tree):
    assert list(tree.attrs["kmesh"]) == [6, 6]
    assert tree.attrs["samples"] > 0
    assert tree.attrs["samples_retried"] >= 0
    checks = json.loads(tree.attrs["checks"])
    solved = ("unitarity", "caroli", "reciprocity", "radiation_limit")
    for name in (*solved, "region_ends", "stiffness_left", "stiffness_right"):
        assert checks[name]["passed"], name
        assert checks[name]["value"] <= checks[name]["limit"]


@pytest.mark.slow
def test_channels_are_counted_twice_and_the_counts_compared(heavy, tree):
    grid = Sampling.of(heavy, QUICK["kmesh"], QUICK["frequencies"], minimum_temperature=20.0).grid
    checks = json.loads(tree.attrs["checks"])
    for side in ("left", "right"):
        bloch, zone = (
            conductance(grid, tree[model][f"channels_{side}"].values, np.array([20.0, 300.0]))
            for model in ("agf", "radiation")
        )
        found = checks[f"channels_{side}"]
        assert found["value"] == pytest.approx(np.abs(bloch / zone - 1.0).max(), rel=1e-9)
        assert found["limit"] == 0.01


@pytest.mark.slow
def test_error_bars_are_those_of_the_sampling_and_of_the_zone(heavy, tree):
    at = Sampling.of(heavy, QUICK["kmesh"], QUICK["frequencies"], minimum_temperature=20.0)
    table = tree["comparison"].to_dataset()
    t = table["temperature"].values
    bars = {}
    for model in ("dmm-debye", "radiation"):
        xi = tree[model.replace("-", "_")]["transmission"].values
        bars[model] = conductance_error(at.grid, xi, t, elastic=at.elastic)
    found = table["conductance_error"]
    np.testing.assert_allclose(found.sel(model="dmm-debye"), bars["dmm-debye"], rtol=1e-9)
    node = tree["dmm_debye"]
    all_three = np.array([node[name].values for name in ("transmission", "channels_left", "channels_right")])
    errors = conductance_error(at.grid, all_three, t, elastic=at.elastic)
    row = table.sel(model="dmm-debye")
    four = four_probe_error(row["conductance_four_probe"], conductance(at.grid, all_three, t), errors)
    np.testing.assert_allclose(row["conductance_four_probe_error"], four, rtol=1e-9)
    # half as many wave vectors of the zone
    share = np.zeros(len(t))
    for name, side in (("left", heavy.left), ("right", heavy.right)):
        coarse = channels(side, at.grid, resolution=0.5 ** (1.0 / 3.0))
        counts = np.array([coarse, tree["radiation"][f"channels_{name}"].values])
        g = conductance(at.grid, counts, t)
        share = np.maximum(share, np.abs(g[0] / g[1] - 1.0))
    assert share.max() > 1e-4
    expected = np.hypot(bars["radiation"], share * table["conductance"].sel(model="radiation"))
    np.testing.assert_allclose(found.sel(model="radiation"), expected, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("times", "marked"), [(1.45, False), (1.55, True)])
@pytest.mark.parametrize("whose", ["model", "zone"])
def test_nothing_within_half_an_error_bar_of_the_limit_is_marked(heavy, tree, times, marked, whose):
    at = Sampling.of(heavy, QUICK["kmesh"], QUICK["frequencies"], minimum_temperature=20.0)
    limit = tree["radiation"].to_dataset()
    t = tree["comparison"]["temperature"].values
    table = tree["comparison"].to_dataset().sel(model=["amm"]).copy(deep=True)
    table["conductance"].values[:] = times * conductance(at.grid, limit["transmission"].values, t)
    own, zone = (0.5, 0.0) if whose == "model" else (0.0, 0.5)
    table["conductance_error"].values[:] = own / times * table["conductance"].values
    _mark_above(table, limit, at, np.full(len(t), zone))
    assert np.all(table["exceeds_lattice_limit"].values == marked)


@pytest.mark.slow
def test_each_crystal_has_its_own_bands(heavy, tree, argon):
    for name, crystal in (("left", heavy.left), ("right", heavy.right)):
        assert tree[name]["dos_frequency"].values[-1] == pytest.approx(1.02 * largest_frequency(crystal))
    assert [list(argon.attrs[name]) for name in ("normal", "normal_right")] == [[0, 0, 1], [0, -1, 0]]
    assert argon.attrs["samples"] == argon.attrs["samples_retried"] == 0  # the lattice was not asked


@pytest.mark.slow
def test_models_are_independent_of_what_else_is_asked(heavy, tree):
    only = compare(heavy, [20, 100, 300], models=["amm", "agf"], **QUICK)
    assert [str(m) for m in only["comparison"]["model"].values] == ["agf", "amm"]
    for model in ("agf", "amm"):
        both = (t["comparison"]["conductance"].sel(model=model).values for t in (only, tree))
        assert np.array_equal(*both)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"models": ["agf", "bmm"]}, "unknown model 'bmm'"),
        ({"models": []}, "none given"),
        ({"models": ["mixed"]}, "needs the `roughness`"),
        ({"kmesh": (0, 4)}, "two positive integers"),
        ({"frequencies": 1}, "at least 2"),
    ],
)
def test_options_without_sense_are_refused(heavy, options, reason):
    with pytest.raises(InputError, match=reason):
        compare(heavy, [300.0], **{**QUICK, **options})


@pytest.mark.slow
@pytest.mark.parametrize("models", [defaults("compare"), ["dmm"], ["agf"]])
@pytest.mark.parametrize("temperature", [[300.0], [0.01, 1.0, 300.0]])
def test_figure_is_made_for_any_choice(heavy, tmp_path, models, temperature):
    small = compare(heavy, temperature, models=models, kmesh=(3, 3), frequencies=8)
    save(comparison_figure(small), tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert [p.name for p in tmp_path.iterdir()] == ["figure.svg"]


@pytest.mark.slow
def test_bands_break_where_the_path_jumps(tree):
    axes = comparison_figure(tree).axes[3]
    labels = [tick.get_text() for tick in axes.get_xticklabels()]
    places = axes.get_xticks()[[i for i, label in enumerate(labels) if "|" in label]]
    x = axes.get_lines()[0].get_xdata()
    assert places.size == np.isnan(x).sum() == 1  # fcc: K|U


@pytest.mark.slow
def test_one_temperature_is_visible_in_both_panels(heavy):
    figure = comparison_figure(compare(heavy, 300.0, models=["dmm", "radiation"], **QUICK))
    for axes in figure.axes[:2]:
        points = [line for line in axes.get_lines() if line.get_marker() == "o"]
        assert [line.get_xdata().tolist() for line in points] == [[300.0]] * 2
        curves = [line for line in axes.get_lines() if line.get_marker() != "o"]
        for point, curve in zip(points, curves, strict=True):  # from the stored spectrum, through the point
            at = np.interp(300.0, curve.get_xdata(), curve.get_ydata())
            assert at == pytest.approx(point.get_ydata()[0], rel=1e-3)


@pytest.mark.slow
def test_sampling_is_checked_at_both_ends_of_the_temperatures(heavy, tree):
    def worst(t):
        checks = json.loads(t.attrs["checks"])
        return {name: checks[name]["value"] for name in ("channels_left", "channels_right")}

    # one grid for both runs: its nodes depend on the lowest temperature only
    cold, both = (worst(compare(heavy, t, models=["agf", "dmm"], **QUICK)) for t in ([20.0], [20.0, 300.0]))
    assert all(both[name] >= cold[name] > 0 for name in cold)
    assert worst(tree) == both


@pytest.mark.slow
def test_titles_name_what_differs_and_where_the_force_constants_come_from(heavy_silicon):
    assert heading(heavy_silicon) == "Si | Si (001), Si 28.085 | 72.63 amu"
    tree = compare(heavy_silicon, 300.0, models=["dmm"], **QUICK)
    assert comparison_figure(tree).get_suptitle() == f"{heading(heavy_silicon)}\nsw potential"
    tree.attrs["normal"] = tree.attrs["normal_right"] = [1, -1, 0]
    tree.attrs["potential"] = "arithmetic mean of both; left: si.yaml: phonopy; right: si.yaml"
    expected = "Si | Si (1 -1 0), Si 28.085 | 72.63 amu\narithmetic mean of both"
    assert comparison_figure(tree).get_suptitle() == expected
    tree.attrs["potential"] = "my.module:make: from elsewhere"
    assert comparison_figure(tree).get_suptitle().endswith("\nmy.module:make potential")


def test_a_figure_is_headed_and_marked(tmp_path):
    figure = Figure()
    figure.suptitle("heat flow")
    save(figure, tmp_path / "f.png", by_name([check("stress_left", 1.0, 0.2)]), above="Si | Ge (001)")
    assert figure.get_suptitle() == "Si | Ge (001): heat flow\nchecks failed: stress_left"
