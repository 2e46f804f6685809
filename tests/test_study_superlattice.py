"""Films and superlattices: N periods as one large device, stop bands by phonopy, limits, command."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from ase import Atoms
from click.testing import CliRunner
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from latmm.agf import transmission
from latmm.disorder.stacks import Period, stack
from latmm.errors import InputError
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements
from latmm.plotting.stored import draw, figures_of
from latmm.plotting.studies import draw_periods, superlattice_figure
from latmm.results import read
from latmm.studies.superlattices import Repeated, superlattice_study
from latmm.units import TWO_PI
from latmm_cli.main import cli

NUMBERS = (1, 2, 4, 8, 16)
FOUR = Period(4, 4)


def repeated(ideal, period=FOUR, numbers=NUMBERS, end="left"):
    return Repeated(stack(ideal, period, 1, end=end), stack(ideal, period, 3, end=end), numbers)


def sampled(junction):
    """Junction whose k∥ go with one ω each."""
    left, right = (
        replace(lead, onsite=lead.onsite[:, 0], hopping=lead.hopping[:, 0])
        for lead in (junction.left, junction.right)
    )
    onsite, hopping = (
        tuple(block[:, 0] for block in blocks) for blocks in (junction.onsite, junction.hopping)
    )
    return replace(junction, left=left, right=right, onsite=onsite, hopping=hopping)


@pytest.mark.parametrize(
    ("end", "period"), [("left", FOUR), ("right", Period(1, 3)), ("right", Period(5, 1))]
)
def test_periods_of_silicon_and_germanium_are_one_large_device(silicon_germanium, end, period):
    """The device cut otherwise, by a walk through the force constants, and solved by modes."""
    measure = repeated(silicon_germanium, period, end=end)
    k = np.array([[0.03, 0.02], [0.21, 0.37], [-0.44, 0.1]]).repeat(6, axis=0)
    omega = TWO_PI * np.tile(np.linspace(0.4, 10.0, 6), 3)
    counts, checks = measure.count(measure.three, sampled(measure.three.junction(k)), k, omega)
    assert np.abs(checks.caroli - checks.transmission).max() < 1e-8
    for number, found in zip(NUMBERS, counts[3:-1], strict=True):
        whole = replace(stack(silicon_germanium, period, number, end=end), cut=())
        expected = transmission(sampled(whole.junction(k)), omega).transmission
        assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert counts[3:-1].max() > 1.0


@pytest.mark.parametrize("end", ["left", "right"])
def test_planes_are_laid_out_in_turn(heavy_silicon, end):
    """One heavy plane, then three light ones, twice; before them light, behind them the end."""
    slab = stack(heavy_silicon, Period(1, 3), 2, end=end).slab
    z = slab.atoms.positions[:, 2].round(2)
    masses = np.array([slab.atoms.get_masses()[z == height].mean() for height in np.unique(z)])
    first = 2 * slab.depth[0]
    heavy, light = 72.63, 28.085
    expected = [light, light, *(2 * [heavy, light, light, light]), light if end == "left" else heavy]
    assert_allclose(masses[first - 2 : first + 9], expected)


@pytest.fixture(scope="module")
def phonopy_bands(heavy_silicon, stillinger_weber):
    """Bands of phonopy at k∥ = 0, of displacements in a supercell of the superlattice's own cell."""
    light, heavy = heavy_silicon.matched.left, heavy_silicon.matched.right
    layers = [heavy, heavy, light, light]
    vector = light.cell.array[2]
    atoms = Atoms(
        numbers=np.concatenate([layer.numbers for layer in layers]),
        masses=np.concatenate([layer.get_masses() for layer in layers]),
        positions=np.concatenate([layer.positions + i * vector for i, layer in enumerate(layers)]),
        cell=np.vstack([light.cell.array[:2], 4 * vector]),
        pbc=True,
    )
    matrix = choose_supercell(atoms, stillinger_weber.reach)
    phonon = finite_displacements(atoms, stillinger_weber, supercell=matrix)

    def bands(phases):
        q = np.zeros((len(phases), 3))
        q[:, 2] = phases / TWO_PI
        phonon.run_qpoints(q)
        return phonon.qpoints.frequencies

    return bands


def test_minibands_are_those_of_phonopy(heavy_silicon, phonopy_bands):
    phases, bands, _, _ = repeated(heavy_silicon).normal_incidence
    assert_allclose(bands, phonopy_bands(phases), atol=1e-4)


def test_nothing_crosses_where_phonopy_has_a_gap(heavy_silicon, phonopy_bands):
    """64 periods at k∥ = 0: no transmission in the gaps of phonopy's bands, some in every band."""
    phases = np.linspace(0.0, np.pi, 65)
    bands = phonopy_bands(phases)
    _, _, nu, (single, many) = repeated(heavy_silicon, numbers=(1, 64)).normal_incidence
    margin = 0.02  # a wave decays slowly at the edge of a gap, on the scale of the number of periods
    inside = ((nu[:, None] > bands.min(axis=0) - margin) & (nu[:, None] < bands.max(axis=0) + margin)).any(
        axis=1
    )
    stopped = ~inside & (single > 1e-3)
    assert stopped.sum() >= 10
    assert many[stopped].max() < 1e-6
    assert many[inside].max() > 1.9


@pytest.fixture(scope="module")
def study(heavy_silicon):
    return superlattice_study(heavy_silicon, FOUR, [1, 4, 32], [20.0, 300.0], kmesh=(3, 3), frequencies=12)


@pytest.mark.slow
def test_periods_of_one_crystal_carry_what_it_carries(perfect_silicon):
    found = superlattice_study(perfect_silicon, FOUR, [1, 5], [50.0], kmesh=(2, 2), frequencies=6)
    ballistic = float(found["contact"]["conductance"].sel(what="left").item())
    for name in ("conductance", "series_conductance"):
        assert_allclose(found["stacks"][name].values, ballistic, rtol=1e-7)
    assert_allclose(found["stacks"]["miniband_conductance"].values, ballistic, rtol=1e-7)


@pytest.mark.slow
def test_many_periods_stay_below_the_minibands_and_above_the_series(study):
    stacks, contact = study["stacks"].to_dataset(), study["contact"].to_dataset()
    assert np.all(np.diff(stacks["conductance"].values, axis=0) < 0)
    last = stacks.isel(periods=-1)
    assert np.all(last["conductance"] < last["miniband_conductance"])
    assert np.all(last["conductance"] > 5 * last["series_conductance"])
    one, left, right = (contact["conductance"].sel(what=w).values for w in ("contact", "left", "right"))
    for number, found in zip((1, 4, 32), stacks["series_conductance"].values, strict=True):
        assert_allclose(1 / found, 1 / left + 2 * number * (1 / one - 0.5 / left - 0.5 / right), rtol=1e-9)


def test_a_figure_shows_conductance_minibands_and_stop_bands(study):
    figure = superlattice_figure(study)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "periods",
        "Bloch phase (π)",
        "transmission function",
    ]


def test_conductances_within_a_decade_keep_numbers_at_their_axis(study):
    tree = study.copy()
    stacks = tree["stacks"].to_dataset()
    for name, value in (
        ("conductance", 2.8e8),
        ("series_conductance", 1.1e8),
        ("miniband_conductance", 2.6e8),
    ):
        stacks[name] = xr.full_like(stacks[name], value)
    tree["stacks"] = xr.DataTree(stacks)
    axes = Figure().add_subplot()
    draw_periods(tree, axes)
    axes.figure.canvas.draw()
    low, high = axes.get_ylim()
    ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    assert sum(bool(text.get_text()) for value, text in ticks if low <= value <= high) > 1


def test_a_stored_result_gives_each_panel(study):
    assert figures_of(study) == ["periods", "minibands", "stop-bands"]
    panels = draw(study, frequency="cm-1").axes
    top = float(study["minibands"]["normal_frequency"].max())
    assert panels[1].get_ylim()[1] == pytest.approx(33.35641 * top, rel=1e-6)


@pytest.mark.slow
def test_command_prints_what_it_stores(tmp_path):
    arguments = ["si.cif", "si.cif", "--right-mass", "Si=72.63", "--potential", "sw", "--layers", "4", "4"]
    arguments = [f"structures/{a}" if a.endswith("cif") else a for a in arguments]
    sampling = [
        "--periods",
        "1",
        "--periods",
        "4:8:4",
        "--kmesh",
        "2",
        "2",
        "--frequencies",
        "8",
        "-T",
        "300",
    ]
    out = ["-o", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png"), "-q", "--end", "right"]
    done = CliRunner().invoke(cli, ["study", "superlattice", *arguments, *sampling, *out, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["periods"] == [1, 4, 8]
    assert found["contacts"] == [3, 9, 17]
    stored = read(tmp_path / "a.nc")
    assert_allclose(stored["stacks"]["conductance"].values, found["conductance"])
    half = 0.5431  # nm, four planes of silicon of either mass: its conventional cell, relaxed
    assert_allclose(stored.attrs["thickness"], [half, half], rtol=1e-3)
    assert stored["stacks"]["conductance"].attrs["units"] == "W m-2 K-1"
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ideal: stack(ideal, Period(4, 3), 1), "whole primitive layers of 2 atomic planes"),
        (lambda ideal: stack(ideal, Period(0, 4), 1), "positive numbers of atomic planes"),
        (lambda ideal: stack(ideal, Period(10**11, 4), 1), "at most 2000 of each crystal"),
        (lambda ideal: stack(ideal, FOUR, 1, end="top"), "`end` must be left or right"),
        (lambda ideal: superlattice_study(ideal, FOUR, [0], [300.0]), "from 1 to"),
        (lambda ideal: superlattice_study(ideal, FOUR, [], [300.0]), "from 1 to"),
    ],
)
def test_what_makes_no_superlattice_is_refused(heavy_silicon, call, message):
    with pytest.raises(InputError, match=message):
        call(heavy_silicon)
