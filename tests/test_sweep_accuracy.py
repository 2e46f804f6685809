"""Error bars: what they are made of, and whether they are honest; samples chosen from a tolerance."""

from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

from latmm.comparison import compare
from latmm.continuum.amm import acoustic_mismatch
from latmm.continuum.media import Medium
from latmm.errors import ConvergenceError, InputError
from latmm.interface.build import build_interface
from latmm.landauer import FrequencyGrid, conductance, four_probe_error
from latmm.lattice.dynamics import largest_frequency
from latmm.models import offered
from latmm.results import read, write
from latmm.sampling.meshes import frequency_grid, reduced_mesh, staggered, windows
from latmm.sweep import refinement
from latmm.sweep.accuracy import conductance_error
from latmm.sweep.refinement import Sampling, levels, solve_level
from latmm.sweep.run import _extend
from latmm_cli import alternatives as alternatives_command
from latmm_cli import converge as converge_command
from latmm_cli.main import cli

TEMPERATURES = np.array([0.001, 0.05, 1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 300.0, 1000.0])
STRUCTURES = Path(__file__).parent.parent / "structures"


def midpoints(count: int, top: float = 10.0) -> FrequencyGrid:
    u = (np.arange(count) + 0.5) / count
    return FrequencyGrid(top * u**2, 2 * top * u / count)


def bar(grid, spectrum, t, **options):
    nowhere = np.zeros(grid.frequency.size, dtype=bool)
    return conductance_error(grid, spectrum, t, **{"elastic": nowhere, **options})


def test_smooth_spectrum_has_a_short_bar():
    grid = midpoints(96)
    spectrum = grid.frequency**2 * np.exp(-grid.frequency)
    g = conductance(grid, spectrum, 300.0)
    assert 0 < bar(grid, spectrum, 300.0) < 2e-3 * g


def test_bar_is_the_difference_of_two_meshes_in_turn():
    """One mesh ε too high, the other ε too low: either is wrong by ε, and the bar is 2 ε."""
    grid = midpoints(96)
    smooth = grid.frequency**2 * np.exp(-grid.frequency)
    for epsilon in (0.02, 0.1):
        found = bar(grid, smooth * (1 + epsilon * (-1.0) ** np.arange(96)), 300.0)
        assert found == pytest.approx(2.0 * epsilon * conductance(grid, smooth, 300.0), rel=0.02)


def test_bar_covers_the_error_of_band_edges_between_nodes():
    """Many steps at random frequencies, as of many k∥; against a grid a thousand times finer."""
    rng = np.random.default_rng(5)
    fine, inside = midpoints(60_000), []
    for _ in range(60):
        grid = midpoints(60)
        edges, heights = rng.uniform(0, 10, 12), rng.uniform(-1, 1, 12)

        def spectrum(nu, edges=edges, heights=heights):
            return 3.0 + (heights * (nu[:, None] > edges)).sum(axis=1)

        error = conductance(grid, spectrum(grid.frequency), 300.0) - conductance(
            fine, spectrum(fine.frequency), 300.0
        )
        inside.append(np.abs(error) < bar(grid, spectrum(grid.frequency), 300.0))
    assert np.mean(inside) > 0.9


def test_bar_of_the_elastic_range_is_that_of_its_prefactor():
    grid = midpoints(64)
    elastic = grid.frequency < 10.1
    spectrum = grid.frequency**2
    found = bar(grid, spectrum, [10.0, 300.0], elastic=elastic, elastic_error=0.03)
    np.testing.assert_allclose(found, 0.03 * conductance(grid, spectrum, [10.0, 300.0]))


def test_prefactor_of_the_elastic_range_has_the_bar_of_student_or_of_two_meshes():
    """Ξ/ν² of 1, 2, 3, 6: mean 3, sample variance 14/3; 95 % of Student's t of three lie within 3.182446."""
    nu = np.array([0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0])
    elastic = nu < 0.7
    law = np.array([[1.0, 2.0, 3.0, 6.0], [1.0, 3.0, 1.0, 3.0], [2.0, 2.0, 2.0, 2.0]])
    spectra = np.hstack([np.full((3, 2), np.nan), law, np.full((3, 1), 100.0)]) * nu**2
    errors = _extend(spectra, nu, elastic)
    assert_allclose(spectra[:, :2] / nu[:2] ** 2, [[3.0, 3.0], [2.0, 2.0], [2.0, 2.0]], rtol=1e-14)
    # the second row: two meshes in turn differ by 2 of 2, more than their scatter says
    assert_allclose(errors, [3.182446 * np.sqrt(14.0 / 3.0 / 4.0) / 3.0, 1.0, 0.0], rtol=1e-6, atol=1e-14)
    assert np.array_equal(_extend(spectra, nu, np.zeros(7, dtype=bool)), np.zeros(3))
    # nothing is known of what one sample scatters by
    assert np.array_equal(_extend(spectra[:, :3], nu[:3], elastic[:3]), np.ones(3))


def test_four_probe_bar_adds_up_the_resistances():
    g, errors = np.array([[2.0], [5.0], [4.0]]), np.array([[0.01], [0.02], [0.03]])

    def four(values):
        return 1.0 / (1.0 / values[0] - 0.5 / values[1] - 0.5 / values[2])

    worst = four(g + errors * [[1], [-1], [-1]]) - four(g)
    assert four_probe_error(four(g), g, errors) == pytest.approx(worst, rel=0.02)
    assert np.isinf(four_probe_error([np.inf], g, errors))


@pytest.mark.parametrize("size", [1.0, 0.3])
def test_shifted_mesh_lies_between_the_points_of_the_first(size):
    rotations = [np.array(r) for r in ([[1, 0], [0, 1]], [[0, 1], [1, 0]], [[-1, 0], [0, -1]])]
    identity = rotations[:1]
    first, _ = reduced_mesh((6, 6), size, identity)
    between, weights = reduced_mesh((6, 6), size, identity, centred=True)
    assert len(between) == 36
    assert [0.0, 0.0] in between.tolist()
    apart = (between[:, None] - first[None]) * 6 / size
    assert np.allclose(np.abs(apart).max(axis=-1).min(axis=1), 0.5)
    # leading error of the two meshes, waves of the mesh's own period: opposite
    waves = [np.cos(2 * np.pi * 6 / size * points[:, 0]).mean() for points in (first, between)]
    assert waves == pytest.approx([-1.0, 1.0])
    points, share = reduced_mesh((6, 6), size, rotations, centred=True)
    assert len(points) < 24
    assert share.sum() == pytest.approx(1.0)

    def symmetric(k):
        return np.cos(2 * np.pi * k / size).prod(axis=1) + np.cos(2 * np.pi * k / size).sum(axis=1) ** 2

    assert share @ symmetric(points) == pytest.approx(weights @ symmetric(between))


@pytest.fixture(scope="module")
def heavy_argon(structure, argon_springs):
    return build_interface(structure("ar"), structure("ar", {"Ar": 160.0}), (0, 0, 1), argon_springs)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "points"), [("heavy_silicon", 6), ("heavy_argon", 8)])
def test_true_error_is_inside_the_bar_from_a_millikelvin_to_a_thousand_kelvin(name, points, request):
    """Against twice the points along k∥ and along ν each."""
    interface = request.getfixturevalue(name)
    coarse, fine = (
        solve_level(
            interface,
            Sampling.of(interface, (n, n), 6 * n, minimum_temperature=TEMPERATURES.min()),
            TEMPERATURES,
        )
        for n in (points, 2 * points)
    )
    inside = np.abs(coarse.conductance - fine.conductance) < coarse.error
    assert inside.sum() >= 9, np.abs(coarse.conductance - fine.conductance) / coarse.error
    assert np.all(fine.error < 0.1 * fine.conductance)


@pytest.mark.slow
def test_other_temperatures_change_a_result_of_a_given_tolerance_by_less_than_its_bar(heavy_argon):
    """`tolerance` samples as the hardest temperature needs: each is another sampling, and has its own bar."""
    found = []
    for others in ([], [60.0], [8.0]):
        t = np.array([20.0, *others])
        *_, last = levels(heavy_argon, t, 0.03)
        found.append((last.conductance[0], last.error[0]))
    g, bar = np.array(found).T
    assert len(set(g)) == 3
    assert np.all(bar < 0.03 * g)
    assert np.all(np.abs(g[:, None] - g) <= np.maximum(bar[:, None], bar))


@pytest.mark.slow
def test_limit_of_low_temperature_is_the_elastic_continuum(heavy_silicon):
    """G/T³ of the lattice against the anisotropic acoustic mismatch of the same force constants."""
    t = np.array([0.001, 0.02, 0.1, 0.3])
    top = min(largest_frequency(c) for c in (heavy_silicon.left, heavy_silicon.right))
    grid = frequency_grid(0.02 * top, 0.02 * top, 24, minimum_temperature=0.001)  # G at 0.3 K needs no more
    rotations = heavy_silicon.rotations
    plain = windows(heavy_silicon.left, heavy_silicon.right, grid, (16, 16), rotations, common=top)
    sampling = Sampling((16, 16), 24, grid, staggered(plain, (16, 16), rotations), top, 1e-3)
    level = solve_level(heavy_silicon, sampling, t)
    media = [Medium.from_force_constants(c, name="si") for c in (heavy_silicon.left, heavy_silicon.right)]
    elastic = conductance(grid, acoustic_mismatch(*media, grid).transmission.values, t)
    assert np.all(np.abs(level.conductance - elastic) < level.error)
    np.testing.assert_allclose(level.conductance, elastic, rtol=1.5e-2)
    low = level.conductance[:3] / t[:3] ** 3
    np.testing.assert_allclose(low, low[0], rtol=1e-3)


def test_tolerance_out_of_reach_is_said(heavy_silicon, monkeypatch):
    monkeypatch.setattr(refinement, "_LARGEST", 8)
    with pytest.raises(ConvergenceError, match="still uncertain"):
        list(levels(heavy_silicon, [300.0], 1e-4))
    for tolerance in (0.0, 1.5, -1.0, np.nan):
        with pytest.raises(InputError, match="a relative error"):
            list(levels(heavy_silicon, [300.0], tolerance))


@pytest.mark.slow
def test_every_model_has_a_bar_and_a_tolerance_chooses_the_samples(heavy_silicon, monkeypatch, tmp_path):
    monkeypatch.setattr(refinement, "FIRST", (4, 24))
    tree = compare(heavy_silicon, [100.0, 300.0], models=offered("compare"), tolerance=0.06, roughness=0.3)
    table = tree["comparison"].to_dataset()
    assert table["model"].size == len(offered("compare"))
    relative = table["conductance_error"] / table["conductance"]
    assert np.all((relative > 0) & (relative < 0.15))
    assert np.all(relative.sel(model="agf") <= 0.06)
    assert np.all(table["conductance_four_probe_error"] > table["conductance_error"])
    assert tree.attrs["kmesh"][0] > refinement.FIRST[0]
    write(tree, tmp_path / "r.nc")
    stored = read(tmp_path / "r.nc")["comparison"]
    for name in ("conductance_error", "conductance_four_probe_error"):
        assert stored[name].attrs["units"] == "W m-2 K-1"
    with pytest.raises(InputError, match="add the model agf"):
        compare(heavy_silicon, [300.0], models=["dmm"], tolerance=0.05)


@pytest.fixture
def built(heavy_silicon, monkeypatch):
    """Commands find this interface ready."""
    monkeypatch.setattr(
        alternatives_command, "interfaces_of", lambda options, report, *more: {"": heavy_silicon}
    )
    monkeypatch.setattr(converge_command, "interface_of", lambda options, report, *more: heavy_silicon)


HEAVY = [
    str(STRUCTURES / "si.cif"),
    str(STRUCTURES / "si.cif"),
    "--right-mass",
    "Si=72.63",
    "--potential",
    "sw",
    "-q",
]


@pytest.mark.slow
def test_converge_prints_levels_with_bars(built, monkeypatch):
    monkeypatch.setattr(refinement, "FIRST", (4, 24))
    done = CliRunner().invoke(cli, ["converge", *HEAVY, "--tol", "0.05"])
    assert done.exit_code == 0, done.output
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["k∥", "ν", "samples", "s", "300", "K"]
    assert len(rows) > 1
    g, error = (float(x) for x in (rows[-1].split()[4], rows[-1].split()[6]))
    assert 250 < g < 310
    assert error <= 0.05 * g


def test_dry_run_says_the_cost_and_writes_nothing(built, tmp_path):
    output = str(tmp_path / "r.nc")
    done = CliRunner().invoke(cli, ["compare", *HEAVY, "--dry-run", "--kmesh", "6", "6", "-o", output])
    assert done.exit_code == 0, done.output
    for word in ("atoms", "6, 6, 6", "irreducible k∥", "samples", "of one core", "MiB"):
        assert word in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_early_end_leaves_no_store(built, monkeypatch, tmp_path):
    def fails(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(Sampling, "of", fails)
    with pytest.raises(MemoryError):
        cli.main(["compare", *HEAVY, "-o", str(tmp_path / "r.nc")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--tol", "0.01", "--kmesh", "4", "4"], "leave --kmesh and --frequencies out"),
        (["--tol", "2"], "a relative error"),
        (["--tol", "0.01", "--dry-run"], "needs the samples"),
        (["-j", "0"], "not in the range"),
        (["-j", "2", "--scheduler", "local"], "exclude each other"),
    ],
)
def test_options_that_contradict_are_refused(options, reason):
    with pytest.raises((click.UsageError, InputError), match=reason):
        cli.main(["compare", *HEAVY, *options], standalone_mode=False)
