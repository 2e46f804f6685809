"""What leaves the program: files, tables for transport codes, accumulations, densities, films, figures."""

import csv
import io
import json
import signal
import weakref

import ase.io
import h5netcdf
import numpy as np
import pytest
import xarray as xr
from modes_systems import Contact, contact, diamond, fcc

import latmm.modes.table as modes_table
from latmm.continuum.media import Medium
from latmm.errors import InputError
from latmm.interface.tiling import tile
from latmm.landauer import FrequencyGrid, conductance
from latmm.lattice.dynamics import density_of_states, largest_frequency
from latmm.modes.continuum import Continuum, beside_phonons
from latmm.modes.contributions import QUANTITIES, accumulation, mode_conductance, phonon_conductance
from latmm.modes.elastic import elastic_transmission
from latmm.modes.export import angular_table, balance_error, write_angular_csv, write_phonon_csv
from latmm.modes.fields import Film, local_density_of_states, scattered_trajectory, write_trajectory
from latmm.modes.maps import conversion, scattering_map
from latmm.modes.q_mesh import transmissivities
from latmm.modes.resolved import resolve
from latmm.modes.sampling import grid_samples, zone_samples
from latmm.modes.table import (
    CHECKS,
    mode_pieces,
    mode_table,
    read_modes,
    spectral,
    stored_pieces,
    write_modes,
)
from latmm.plotting.conductance import save
from latmm.plotting.modes import angle_figure, phonon_figure, zone_figure
from latmm.plotting.scattering import conversion_figure
from latmm.results import read, write
from latmm.sampling.meshes import Window
from latmm_cli.scattering import _table


@pytest.fixture(scope="module")
def system() -> Contact:
    return contact(diamond(), 2.0)


@pytest.fixture(scope="module")
def sampled(system):
    return grid_samples(system, (6, 6), 12, minimum_temperature=80.0)


@pytest.fixture(scope="module")
def table(system, sampled) -> xr.Dataset:
    return mode_table(system, *sampled)


@pytest.fixture(scope="module")
def continuum(system) -> Continuum:
    return Continuum.of(system)


@pytest.mark.slow
def test_a_table_written_in_pieces_is_the_table_in_memory(system, sampled, table, tmp_path):
    grid, samples = sampled
    # several windows: several pieces, of different length
    pieces = [piece for window in samples for piece in mode_pieces(system, grid, [window])]
    assert len(pieces) > 1
    path = tmp_path / "modes.nc"
    rows = write_modes(iter(pieces), path, {"area": 1.5, "potential": "springs"})
    again = read_modes(path)
    assert rows == again.sizes["mode"] == table.sizes["mode"]
    assert again.attrs["potential"] == "springs"
    checks = json.loads(again.attrs["checks"])
    assert set(checks) == set(CHECKS)
    for name, check in checks.items():
        assert check["passed"]
        assert check["value"] == max(piece.attrs[name] for piece in pieces) == table.attrs[name]
        assert 0 < check["value"] <= check["limit"]
    for name in table.data_vars:
        np.testing.assert_array_equal(again[name].values, table[name].values)
        assert again[name].dtype == table[name].dtype
        assert again[name].attrs["units"]
        assert again[name].attrs["long_name"]


def test_a_broken_run_leaves_the_old_file_alone(system, sampled, tmp_path):
    path = tmp_path / "modes.nc"
    path.write_text("old")

    def breaks():
        yield from mode_pieces(system, sampled[0], sampled[1][:1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_modes(breaks(), path, {})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_keeps_one_piece_in_memory_at_a_time(system, sampled, tmp_path):
    grid, samples = sampled
    pieces = []

    def watched():
        for window in samples:
            for piece in mode_pieces(system, grid, [window]):
                pieces.append(weakref.ref(piece))
                yield piece
                del piece
                # the writer may still hold the last one
                assert sum(reference() is not None for reference in pieces) <= 1

    write_modes(watched(), tmp_path / "modes.nc", {})
    assert len(pieces) > 2


def test_exported_tables_are_in_detailed_balance(system, table):
    bins = angular_table(table, angles=7)
    assert balance_error(bins) < 1e-10
    flow = (bins["channels"] * bins["transmissivity"]).sum(("angle", "branch"))
    np.testing.assert_allclose(flow, spectral(table)["transmission"], atol=1e-12)
    assert float(bins["transmissivity"].max()) <= 1 + 1e-9
    # a table whose sides disagree is told apart
    wrong = bins.copy(deep=True)
    wrong["transmissivity"][0, 5] *= 1.01
    assert balance_error(wrong) > 1e-5


@pytest.mark.slow
def test_bins_filled_piece_by_piece_are_those_of_the_whole_table(table, tmp_path):
    path = tmp_path / "modes.nc"
    write_modes([table], path, {})
    pieces = list(stored_pieces(path, rows=100))
    assert len(pieces) > 3
    assert all(piece.sizes["mode"] <= 100 for piece in pieces)
    xr.testing.assert_allclose(angular_table(pieces), angular_table(table), rtol=1e-12)
    xr.testing.assert_allclose(angular_table(reversed(pieces)), angular_table(table), rtol=1e-12)
    with pytest.raises(InputError, match="without modes"):
        angular_table([])


def test_csv_of_bins_reads_back_in_detailed_balance(table, tmp_path):
    path = tmp_path / "bins.csv"
    write_angular_csv(angular_table(table, angles=9), path)
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    flow: dict[str, dict[str, float]] = {"left": {}, "right": {}}
    for row in rows:
        share = float(row["channels_nm-2"]) * float(row["transmissivity"])
        flow[row["side"]][row["frequency_THz"]] = flow[row["side"]].get(row["frequency_THz"], 0.0) + share
        assert 0 <= float(row["angle_from_degree"]) < float(row["angle_to_degree"]) <= 90
    top = max(flow["left"].values())
    for nu, left in flow["left"].items():
        assert left == pytest.approx(flow["right"].get(nu, 0.0), abs=1e-10 * top)


def test_csv_of_phonons_gives_the_conductance(system, tmp_path):
    tree = transmissivities(system, (4, 4, 4))
    path = tmp_path / "phonons.csv"
    write_phonon_csv(tree, path)
    with path.open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["side"] == "left"]
    t, volume = 300.0, system.left.volume
    total = 0.0
    for row in rows:
        x = 6.62607015e-34 * float(row["frequency_THz"]) * 1e12 / (1.380649e-23 * t)
        capacity = 1.380649e-23 * (0.5 * x / np.sinh(0.5 * x)) ** 2
        speed = abs(float(row["vz_km_s-1"])) * 1e3
        total += (
            0.5 * float(row["weight"]) * capacity * speed * float(row["transmissivity"]) / (volume * 1e-30)
        )
    expected = phonon_conductance(tree["left"].to_dataset(), t).sum()
    assert total == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.slow
def test_results_of_a_mesh_go_through_a_file(system, continuum, tmp_path):
    tree = beside_phonons(transmissivities(system, (3, 3, 3)), continuum)
    write(tree, tmp_path / "phonons.nc")
    again = read(tmp_path / "phonons.nc")
    xr.testing.assert_identical(again["left"].to_dataset(), tree["left"].to_dataset())
    for name, variable in again["right"].to_dataset().data_vars.items():
        assert variable.attrs["units"], name
        assert variable.attrs["long_name"], name


@pytest.mark.parametrize("by", list(QUANTITIES))
def test_accumulation_grows_to_the_conductance(table, sampled, by):
    t = [100.0, 300.0]
    grown = accumulation(table, t, by, steps=30)
    assert np.all(np.diff(grown.values, axis=-1) >= 0)
    sums = spectral(table)
    weights = np.interp(sums["frequency"], sampled[0].frequency, sampled[0].weight)
    expected = conductance(FrequencyGrid(sums["frequency"].values, weights), sums["transmission"][0], t)
    np.testing.assert_allclose(grown.isel({by: -1}).sum("branch"), expected, rtol=1e-12)
    for side in ("left", "right"):
        np.testing.assert_allclose(mode_conductance(table, t, side=side).sum("mode"), expected, rtol=1e-9)


def test_accumulation_by_frequency_is_the_partial_sum(system):
    side = transmissivities(system, (4, 4, 4))["right"].to_dataset()
    grown = accumulation(side, 300.0, "frequency", steps=10)
    share = phonon_conductance(side, 300.0)[0]
    edge = float(grown["frequency"][4])
    below = share.where(side["frequency"] <= edge).sum("qpoint")
    np.testing.assert_allclose(grown[0, :, 4], below, rtol=1e-12)


def test_unknown_quantities_are_refused(table):
    with pytest.raises(InputError, match="frequency, angle, speed"):
        accumulation(table, 300.0, "colour")


def test_local_densities_of_a_perfect_crystal_are_those_of_the_bulk(perfect_silicon):
    nu = np.linspace(0.05, 1.08, 60) * largest_frequency(perfect_silicon.left)
    found = local_density_of_states(perfect_silicon, nu, (8, 8), broadening=0.15)
    density = found["density_of_states"]
    # no atom differs from another of its plane's kind, and every one holds three modes
    assert float(density.std("atom").max()) < 1e-3 * float(density.max())
    step = nu[1] - nu[0]
    np.testing.assert_allclose(density.sum("frequency") * step, 3.0, rtol=0.04)
    bulk = density_of_states(perfect_silicon.left, nu, (20, 20, 20)) / 2
    smooth = np.ones(7) / 7.0
    ours, theirs = (np.convolve(x, smooth, "valid") for x in (density.mean("atom").values, bulk))
    assert np.abs(ours - theirs).max() < 0.12 * theirs.max()


def test_heavy_atoms_of_a_contact_move_slowly(heavy_silicon):
    nu = np.array([0.8]) * largest_frequency(heavy_silicon.left)
    found = local_density_of_states(heavy_silicon, nu, (6, 6))["density_of_states"][0]
    # above the heavy band only the light atoms have states, and what leaks decays
    assert float(found[found["height"] > 4.0].max()) < 1e-3 * float(found[found["height"] < -4.0].max())
    assert np.all(found["layer"].values[:-1] <= found["layer"].values[1:])


def test_the_wave_in_a_perfect_crystal_is_one_travelling_wave(perfect_silicon, tmp_path):
    nu = 0.2 * largest_frequency(perfect_silicon.left)
    images = scattered_trajectory(perfect_silicon, (0.04, 0.02), nu, 1, film=Film(6, (2, 3), 8))
    moves = np.array([image.get_array("displacement") for image in images])
    assert np.linalg.norm(moves, axis=-1).max() <= 0.3 + 1e-12
    # the time average of |u|² is one number for each sublattice: no standing part
    power = (moves**2).sum(axis=-1).mean(axis=0)
    # what reflects is the noise of the contact's finite displacements
    noise = perfect_silicon.checks["region_ends"].value
    for member in (0, 1):
        own = power[member::2]
        assert np.ptp(own) < 20 * noise * own.mean()
    # cells side by side differ by the phase of k∥: u(0) + i u(T/4) is the complex wave
    wave = (moves[0] + 1j * moves[2]).reshape(2, 3, -1, 3)
    np.testing.assert_allclose(wave[1], wave[0] * np.exp(2j * np.pi * 0.04), atol=1e-9)
    np.testing.assert_allclose(wave[:, 2], wave[:, 1] * np.exp(2j * np.pi * 0.02), atol=1e-9)
    rest = images[0].get_positions() - images[0].get_array("displacement")
    gaps = np.diff(np.unique(rest[:, 2].round(4)))
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-3)
    path = tmp_path / "wave.xyz"
    write_trajectory(images, path)
    again = ase.io.read(path, ":")
    assert len(again) == 8
    np.testing.assert_allclose(again[3].get_array("displacement"), moves[3], atol=1e-7)
    assert again[1].info["frequency_THz"] == pytest.approx(nu)


def test_reflection_makes_the_wave_stand_on_its_own_side_alone(heavy_silicon):
    nu = 0.25 * largest_frequency(heavy_silicon.left)
    images = scattered_trajectory(heavy_silicon, (0.0, 0.0), nu, 0, film=Film(10, (1, 1), 8))
    moves = np.array([image.get_array("displacement") for image in images])
    power = (moves**2).sum(axis=-1).mean(axis=0)
    left, right = power[: len(power) // 2 - 4], power[len(power) // 2 + 8 :]
    assert np.ptp(left[::2]) > 0.2 * left[::2].mean()
    assert np.ptp(right[::2]) < 1e-3 * right[::2].mean()


def wave_of(images):
    """Places at rest, and the complex wave u(0) + i u(T/4)."""
    moves = [image.get_array("displacement") for image in images]
    return images[0].get_positions() - moves[0], moves[0] + 1j * moves[1]


def test_a_wave_of_a_supercell_is_the_one_of_the_contact(heavy_silicon):
    # two k∥ fold; (001) layers of diamond are stacked obliquely
    large, k, nu = tile(heavy_silicon, (2, 1)), np.array([[0.5, 0.1]]), 5.0
    folded = large.folded("left", k)[0]
    phonons = resolve(large, k, np.array([nu])).incoming[0]
    assert set(phonons.folded) == {0, 1}
    for number in (0, len(phonons.mode) - 1):
        mode, place = int(phonons.mode[number]), int(phonons.folded[number])
        ours = scattered_trajectory(large, tuple(k[0]), nu, mode, film=Film(3, (1, 1), 4))
        at = tuple(folded[place])
        theirs = scattered_trajectory(heavy_silicon, at, nu, mode - 6 * place, film=Film(3, (2, 1), 4))
        (rest, wave), (other, expected) = wave_of(ours), wave_of(theirs)
        # atoms agree up to translations of the supercell, which turn the phase by k∥
        cell = np.linalg.inv(large.matched.cell)
        apart = rest[:, None] - other[None, :]
        steps = np.rint(apart[..., :2] @ cell)
        apart[..., :2] -= steps @ large.matched.cell
        match = np.argmin(np.linalg.norm(apart, axis=-1), axis=1)
        assert len(set(match)) == len(rest)
        phase = np.exp(2j * np.pi * steps[np.arange(len(rest)), match] @ k[0])
        expected = expected[match] * phase[:, None]
        factor = np.vdot(expected, wave) / np.vdot(expected, expected)
        np.testing.assert_allclose(wave, factor * expected, atol=1e-9)


def test_local_densities_do_not_depend_on_the_lateral_cell(heavy_silicon):
    nu = np.array([2.0, 5.0, 9.0])
    small = local_density_of_states(heavy_silicon, nu, (4, 4))
    large = local_density_of_states(tile(heavy_silicon, (2, 2)), nu, (2, 2))
    assert large.sizes["atom"] == 4 * small.sizes["atom"]
    for height in np.unique(small["height"].values.round(6)):
        ours, theirs = (
            x["density_of_states"].values[:, np.abs(x["height"].values - height) < 1e-5].mean(axis=1)
            for x in (large, small)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)


def test_modes_that_do_not_propagate_are_refused(perfect_silicon):
    with pytest.raises(InputError, match="propagate"):
        scattered_trajectory(perfect_silicon, (0.4, 0.4), 0.5, 5)
    with pytest.raises(InputError, match="left or right"):
        scattered_trajectory(perfect_silicon, (0.1, 0.1), 2.0, 0, side="above")


def test_conversion_is_drawn_as_it_is_printed(system):
    """Rows are incident phonons, columns outgoing ones: each row of the figure sums to one, as printed."""
    nu = 0.3 * largest_frequency(system.right)
    mapped = scattering_map(system, [nu], (4, 4), angles=3)
    axes = conversion_figure(mapped).axes[0]
    drawn = np.asarray(axes.images[0].get_array())
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("outgoing", "incident")
    assert names == [label.get_text() for label in axes.get_xticklabels()]
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0, atol=1e-9)
    assert np.abs(drawn - drawn.T).max() > 0.01
    mapped["conversion"] = conversion(mapped["channels"])
    rows = [line for line in _table(mapped.sel(frequency=nu)).splitlines() if line.endswith(")")][2:]
    printed = np.array([[float(x) for x in row.split()[-len(names) - 1 : -1]] for row in rows])
    np.testing.assert_allclose(drawn, printed, atol=6e-4)


@pytest.mark.slow
def test_figures_are_drawn(system, table, continuum, tmp_path):
    nu = 0.3 * largest_frequency(system.right)
    zone = mode_table(system, *zone_samples([nu], (6, 6)))
    phonons = beside_phonons(transmissivities(system, (4, 4, 4)), continuum)
    elastic = [elastic_transmission(continuum, side, angles=90) for side in (0, 1)]
    figures = (
        zone_figure(zone, [c.atoms.cell.array[:2, :2] for c in system.crystals], nu, continuum),
        angle_figure(angular_table(table), continuum),
        phonon_figure(phonons, elastic, 300.0),
        conversion_figure(scattering_map(system, [nu], (4, 4), angles=3)),
    )
    for figure in figures:
        image = io.BytesIO()
        figure.savefig(image, dpi=40)
        assert len(image.getvalue()) > 5000
    save(figures[0], tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").stat().st_size > 5000
    labels = [axes.get_xlabel() + axes.get_ylabel() for figure in figures for axes in figure.axes]
    assert all(labels)


def test_figures_mark_where_elastic_waves_end(table):
    media = tuple(Medium.isotropic(1.0, cl, ct) for cl, ct in ((6.0, 3.0), (4.0, 2.0)))
    nu = np.array([1.0, 2.0])
    figure = angle_figure(angular_table(table), Continuum(media, nu, np.ones((2, 2)), (5.0, 4.0)))
    marked = {
        axes.get_title(): sorted({round(float(line.get_xdata()[0]), 2) for line in axes.lines})
        for axes in figure.axes
    }
    # from the right: transverse at 2 km/s into 3 and 6 km/s, longitudinal at 4 into 6
    assert marked["slow quasi-transverse, from the right"] == pytest.approx([19.47, 41.81])
    assert marked["quasi-longitudinal, from the right"] == pytest.approx([41.81])
    assert marked["fast quasi-transverse, from the left"] == pytest.approx([48.59])
    assert marked["quasi-longitudinal, from the left"] == []


def test_samples_of_a_table_are_reduced_by_rotations_only(system):
    grid, samples = zone_samples([2.0, 1.0], (3, 3))
    assert grid.frequency.tolist() == [1.0, 2.0]
    assert isinstance(samples[0], Window)
    assert len(samples[0].weights) == 9
    with pytest.raises(InputError, match="positive"):
        zone_samples([0.0], (3, 3))
    with pytest.raises(InputError, match="positive"):
        grid_samples(system, (3, 3), 8, minimum_temperature=0.0)


def test_frequencies_without_modes_make_an_empty_table():
    system = contact(fcc())
    above = 1.1 * largest_frequency(system.left)
    grid, samples = zone_samples([above], (2, 2))
    table = mode_table(system, grid, samples)
    assert table.sizes["mode"] == 0


def test_interrupts_wait_while_the_mode_table_is_written_to(table, tmp_path, monkeypatch):
    """Two of them, the second while the file is closed: nothing is left, and none is swallowed."""
    done = []
    create, close = modes_table._create, h5netcdf.File.close

    def interrupted_create(file, piece):
        signal.raise_signal(signal.SIGINT)
        create(file, piece)
        done.append("created")

    def interrupted_close(file):
        signal.raise_signal(signal.SIGINT)
        close(file)
        done.append("closed")

    monkeypatch.setattr(modes_table, "_create", interrupted_create)
    monkeypatch.setattr(h5netcdf.File, "close", interrupted_close)
    with pytest.raises(KeyboardInterrupt):
        write_modes([table], tmp_path / "modes.nc", {})
    assert done[:2] == ["created", "closed"]
    assert not list(tmp_path.iterdir())
