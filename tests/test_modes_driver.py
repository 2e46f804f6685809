"""Mode-resolved results by the one driver: the same bits whoever solves them, kept and gone on with."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latmm.modes import maps, q_mesh, table
from latmm.modes.fields import local_density_of_states
from latmm.modes.maps import scattering_map
from latmm.modes.q_mesh import transmissivities
from latmm.modes.sampling import grid_samples
from latmm.modes.table import mode_pieces, mode_table
from latmm.parallel.execution import Execution
from latmm.parallel.executors import local_processes

NU = np.array([1.0, 2.5])


def mode_rows(interface, how):
    grid, samples = grid_samples(interface, (3, 3), 6, minimum_temperature=50.0)
    found = mode_table(interface, grid, samples, how)
    return [found[name].values for name in found.data_vars] + [np.array(list(found.attrs.values()))]


def conversion_map(interface, how):
    found = scattering_map(interface, NU, (3, 3), angles=3, how=how)
    return [found["channels"].values, found["specular_fraction"].values]


def density(interface, how):
    return [local_density_of_states(interface, NU, (4, 4), how=how)["density_of_states"].values]


def mesh(interface, how):
    found = transmissivities(interface, (3, 3, 2), how=how)
    return [found[side]["transmissivity"].values for side in ("left", "right")]


RESULTS = {"table": mode_rows, "map": conversion_map, "density of states": density, "q-mesh": mesh}


@pytest.fixture
def small_pieces(monkeypatch):
    """Several pieces for few samples."""
    monkeypatch.setattr(table, "_POINTS", 12)
    monkeypatch.setattr(maps, "_POINTS", 6)
    monkeypatch.setattr("latmm.modes.fields._POINTS", 6)
    monkeypatch.setattr(q_mesh, "_LINES", 1)


class Stop(Exception):  # noqa: N818
    pass


def stop_after(count):
    """Progress that stops the run at its ``count``-th report."""
    seen = []

    def progress(stage, done, total):
        seen.append(done)
        if len(seen) == count:
            raise Stop

    return progress


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", RESULTS)
def test_threads_find_the_same_bits_in_any_order(name, heavy_silicon, small_pieces):
    alone = RESULTS[name](heavy_silicon, Execution())
    with ThreadPoolExecutor(3) as executor:
        assert same(alone, RESULTS[name](heavy_silicon, Execution(executor=executor)))


@pytest.mark.slow
def test_processes_find_the_same_bits(heavy_silicon):
    """The contact, the work and what is found travel by pickle."""
    alone = {name: result(heavy_silicon, Execution()) for name, result in RESULTS.items()}
    with local_processes(2) as executor:
        executor.submit(int).result()  # they are worth it only if they are there
        for name, result in RESULTS.items():
            assert same(alone[name], result(heavy_silicon, Execution(executor=executor)))


@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(name, heavy_silicon, small_pieces, tmp_path):
    whole = RESULTS[name](heavy_silicon, Execution())
    store = tmp_path / "p.zarr"
    with pytest.raises(Stop):
        RESULTS[name](heavy_silicon, Execution(store=store, progress=stop_after(3)))
    seen = []
    found = RESULTS[name](
        heavy_silicon, Execution(store=store, progress=lambda stage, done, total: seen.append((done, total)))
    )
    assert same(whole, found)
    assert seen[0][0] >= 1  # what was there counts as done
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.slow
def test_one_store_holds_results_of_all_kinds_apart(heavy_silicon, tmp_path):
    store = tmp_path / "p.zarr"
    for _ in range(2):
        for result in RESULTS.values():
            assert same(result(heavy_silicon, Execution()), result(heavy_silicon, Execution(store=store)))
    angles = [scattering_map(heavy_silicon, NU, (3, 3), angles=n, how=Execution(store=store)) for n in (2, 3)]
    assert [found.sizes["angle"] for found in angles] == [2, 3]


def test_pieces_come_in_order_whoever_is_first(heavy_silicon, small_pieces):
    grid, samples = grid_samples(heavy_silicon, (3, 3), 6, minimum_temperature=50.0)
    with ThreadPoolExecutor(4) as executor:
        pieces = list(mode_pieces(heavy_silicon, grid, samples, Execution(executor=executor)))
    alone = list(mode_pieces(heavy_silicon, grid, samples))
    assert len(pieces) == len(alone) > 2
    assert all(a.identical(b) for a, b in zip(pieces, alone, strict=True))
