"""A run that is stopped, however, goes on where it stood and ends with the result of one that was not."""

import hashlib
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from latmm.errors import InputError
from latmm.files import begin_store
from latmm.parallel.execution import Execution
from latmm.sweep import run
from latmm.sweep.checkpoint import Checkpoint, Physics, Rows, digests
from latmm.sweep.refinement import Sampling, solve_level
from latmm.sweep.tasks import solve

STRUCTURES = Path(__file__).parent.parent / "structures"


@pytest.fixture(scope="module")
def sampling(heavy_silicon):
    return Sampling.of(heavy_silicon, (6, 6), 12, minimum_temperature=2.0)


@pytest.fixture(scope="module")
def whole(heavy_silicon, sampling):
    return solve_level(heavy_silicon, sampling, [300.0]).solved


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))


@pytest.fixture
def counted(monkeypatch):
    """Tasks that are solved from here on."""
    solved = []

    def counting(interface, task, measure):
        solved.append(task)
        return true_solve(interface, task)

    true_solve = run.solve
    monkeypatch.setattr(run, "solve", counting)
    return solved


class Stop(Exception):  # noqa: N818
    pass


def stop_after(count):
    calls = iter(range(count))

    def progress(stage, done, total):
        if next(calls, None) is None:
            raise Stop

    return progress


@pytest.mark.slow
def test_stopped_sweep_resumes_without_solving_anything_twice(
    heavy_silicon, sampling, whole, counted, tmp_path
):
    with pytest.raises(Stop):
        solve_level(
            heavy_silicon, sampling, [300.0],
            how=Execution(store=tmp_path / "p.zarr", progress=stop_after(4)),
        )  # fmt: skip
    first = len(counted)
    assert 0 < first < len(sampling.tasks)
    seen = []
    again = solve_level(
        heavy_silicon, sampling, [300.0],
        how=Execution(store=tmp_path / "p.zarr", progress=lambda *step: seen.append(step)),
    )  # fmt: skip
    assert len(counted) == len(sampling.tasks)
    assert seen[0][1] > 0  # what was there counts as done
    assert same(again.solved, whole)
    third = solve_level(heavy_silicon, sampling, [300.0], how=Execution(store=tmp_path / "p.zarr"))
    assert len(counted) == len(sampling.tasks)
    assert same(third.solved, whole)


@pytest.mark.slow
def test_chunks_that_are_damaged_or_missing_are_solved_again(
    heavy_silicon, sampling, whole, counted, tmp_path
):
    solve_level(heavy_silicon, sampling, [300.0], how=Execution(store=tmp_path / "p.zarr"))
    chunks = sorted(chunks_in(tmp_path / "p.zarr"))
    assert len(chunks) == len(sampling.tasks)
    chunks[0].unlink()
    chunks[1].write_bytes(chunks[1].read_bytes()[:-20])  # cut short
    flipped = bytearray(chunks[2].read_bytes())
    flipped[len(flipped) // 2] ^= 4
    chunks[2].write_bytes(bytes(flipped))
    chunks[3].write_bytes(b"")
    counted.clear()
    again = solve_level(heavy_silicon, sampling, [300.0], how=Execution(store=tmp_path / "p.zarr"))
    assert len(counted) == 4
    assert same(again.solved, whole)


@pytest.mark.slow
def test_threads_fill_the_store_as_this_process_does(heavy_silicon, sampling, whole, tmp_path):
    store = Checkpoint(tmp_path / "p.zarr", digests(heavy_silicon))
    with ThreadPoolExecutor(2) as threads:
        found = solve_level(heavy_silicon, sampling, [300.0], how=Execution(threads, store.path))
    assert same(found.solved, whole)
    assert len(store.begin(sampling.tasks).load()) == len(sampling.tasks)
    store.remove()
    assert list(tmp_path.iterdir()) == []


def test_store_of_another_problem_is_refused_and_says_why(heavy_silicon, sampling, tmp_path):
    tasks = sampling.tasks[:1]
    store = Checkpoint(tmp_path / "p.zarr", digests(heavy_silicon)).begin(tasks)
    assert list(tmp_path.iterdir()) == []  # nothing is there before there is something to keep
    store.save(0, solve(heavy_silicon, tasks[0]))
    lighter = replace(heavy_silicon, right=heavy_silicon.left)
    with pytest.raises(InputError, match=r"differs in: right crystal; .*`restart`"):
        Checkpoint(tmp_path / "p.zarr", digests(lighter))
    (tmp_path / "file").write_text("no store")
    with pytest.raises(InputError, match="is no store"):
        Checkpoint(tmp_path / "file", digests(heavy_silicon))


def test_a_store_that_was_only_begun_is_begun_again(heavy_silicon, sampling, tmp_path):
    begin_store(tmp_path / "p.zarr")
    (tmp_path / "p.zarr" / "zarr.json").write_text("{")  # cut short
    rows = Checkpoint(tmp_path / "p.zarr", digests(heavy_silicon)).rows("x", 3, 4)
    assert rows.load() == {}
    rows.save(1, np.array([np.nan, 2.0]))
    (kept,) = Checkpoint(tmp_path / "p.zarr", digests(heavy_silicon)).rows("x", 3, 4).load().items()
    assert kept[0] == 1
    assert np.array_equal(kept[1], [np.nan, 2.0, np.nan, np.nan], equal_nan=True)


@pytest.mark.slow
def test_another_sampling_of_the_same_problem_has_an_array_of_its_own(
    heavy_silicon, sampling, counted, tmp_path
):
    how = Execution(store=tmp_path / "p.zarr")
    solve_level(heavy_silicon, sampling, [300.0], how=how)
    counted.clear()
    other = Sampling.of(heavy_silicon, (6, 6), 24, minimum_temperature=2.0)
    solve_level(heavy_silicon, other, [300.0], how=how)
    assert len(counted) == len(other.tasks)


RUN = """
import hashlib, pickle, sys
from pathlib import Path
from latmm.parallel.execution import Execution
from latmm.sweep.refinement import Sampling, solve_level
interface = pickle.loads(Path(sys.argv[1]).read_bytes())
sampling = Sampling.of(interface, (6, 6), 12, minimum_temperature=2.0)
found = solve_level(interface, sampling, [300.0], how=Execution(store=Path("p.zarr"))).solved
print(hashlib.sha256(found.transmission.tobytes()).hexdigest())
"""


def chunks_in(store: Path) -> dict[Path, int]:
    """Finished chunks and when they were written."""
    return {p: p.stat().st_mtime_ns for p in store.glob("*/c/*/*") if p.name.isdigit()}


@pytest.mark.slow
def test_killed_runs_end_as_one_that_was_left_alone(heavy_silicon, whole, sampling, tmp_path):
    """SIGKILL as soon as a random number of chunks more is there, five times; then to the end."""
    (tmp_path / "interface").write_bytes(pickle.dumps(heavy_silicon))
    rng = random.Random(11)
    kept: dict[Path, int] = {}
    assert len(sampling.tasks) > 3  # there is something left to be killed

    def start():
        return subprocess.Popen(
            [sys.executable, "-c", RUN, "interface"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )

    for _ in range(5):
        process = start()
        target = min(len(kept) + rng.randint(1, 3), len(sampling.tasks))
        while process.poll() is None and len(chunks_in(tmp_path / "p.zarr")) < target:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        now = chunks_in(tmp_path / "p.zarr")
        assert all(now[path] == written for path, written in kept.items()), "a chunk was computed again"
        assert len(now) >= target
        kept = now
    process = start()
    found, _ = process.communicate(timeout=60)
    assert found.strip() == hashlib.sha256(whole.transmission.tobytes()).hexdigest()
    now = chunks_in(tmp_path / "p.zarr")
    assert all(now[path] == written for path, written in kept.items())


@pytest.mark.slow
def test_interrupt_of_the_process_group_keeps_what_is_found_and_ends_all(tmp_path):
    """What Ctrl-C does: parent, workers and their server get the signal at once."""
    si = str(STRUCTURES / "si.cif")
    process = subprocess.Popen(
        [sys.executable, "-c", "from latmm_cli.main import main; main()", "compare", si, si, "-j", "2",
         "--potential", "sw", "--model", "agf", "--kmesh", "30", "30", "-o", "r.nc"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not chunks_in(tmp_path / "r.partial.zarr"):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)  # ends only when all that hold its stderr have ended
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "r.partial.zarr keeps what was found so far" in errors
    assert [p.name for p in tmp_path.iterdir()] == ["r.partial.zarr"]
    assert chunks_in(tmp_path / "r.partial.zarr")


def test_an_interrupt_waits_until_a_row_is_kept(tmp_path):
    kept = {}

    class Array:
        def __setitem__(self, number, row):
            signal.raise_signal(signal.SIGINT)
            kept[number] = row[1]

    rows = Rows(tmp_path / "store", {}, "rows", (3, 1))
    rows.__dict__["_array"] = Array()
    with pytest.raises(KeyboardInterrupt):
        rows.save(2, np.array([7.0]))
    assert kept == {2: 7.0}


def test_numbers_are_the_same_up_to_rounding_and_pairs_that_vanish():
    keys = np.array([[0, 1], [2, 3]])
    physics = Physics(np.array([[1.0, 2.0], [3.0, 4.0]]), 1e-6, keys)
    swapped = Physics(np.array([[3.0, 4.0 + 1e-8], [1.0, 2.0]]), 1e-6, keys[::-1])
    rest = Physics(np.array([[1.0, 2.0], [1e-17, 0.0], [3.0, 4.0]]), 1e-6, np.array([[0, 1], [7, 7], [2, 3]]))
    assert physics.agrees(swapped.table)
    assert physics.agrees(rest.table)
    assert rest.agrees(physics.table)
    assert not physics.agrees(Physics(np.array([[1.0, 2.0]]), 1e-6, keys[:1]).table)
    assert not physics.agrees(Physics(np.array([[1.0, 2.0], [3.0, 4.1]]), 1e-6, keys).table)
    assert not physics.agrees(np.full((2, 4), np.nan))


def changed(interface, what):
    """The interface with one of its inputs changed, by rounding or in truth."""
    right, contact = interface.right, interface.contact
    noise = np.random.default_rng(4).uniform(-1.0, 1.0, right.values.shape)
    atoms = right.atoms.copy()
    if what == "rounding":
        return replace(
            interface,
            right=replace(right, values=right.values * (1.0 + 1e-12 * noise)),
            contact=replace(contact, values=contact.values * (1.0 + 1e-12)),
        )
    if what == "mass":
        atoms.set_masses(atoms.get_masses() * (1.0 + 1e-6))
        return replace(interface, right=replace(right, atoms=atoms))
    if what == "structure":
        atoms.positions[0, 0] += 1e-3
        return replace(interface, right=replace(right, atoms=atoms))
    values = contact.values.copy()
    values[0] += 1e-4 * contact.scale
    return replace(interface, contact=replace(contact, values=values))


@pytest.mark.parametrize("what", ["rounding", "mass", "structure", "force constants"])
def test_rounding_is_no_other_problem_but_a_changed_input_is(heavy_silicon, sampling, tmp_path, what):
    tasks = sampling.tasks[:1]
    Checkpoint(tmp_path / "p.zarr", digests(heavy_silicon)).begin(tasks).save(
        0, solve(heavy_silicon, tasks[0])
    )
    other = digests(changed(heavy_silicon, what))
    if what == "rounding":
        rounded = [replace(t, frequency=t.frequency * (1.0 + 1e-12), common=t.common + 1e-13) for t in tasks]
        assert list(Checkpoint(tmp_path / "p.zarr", other).begin(rounded).load()) == [0]
        moved = [replace(t, frequency=t.frequency * 1.01) for t in tasks]
        assert not Checkpoint(tmp_path / "p.zarr", other).begin(moved).load()
        return
    name = "contact" if what == "force constants" else "right crystal"
    with pytest.raises(InputError, match=f"differs in: {name}; "):
        Checkpoint(tmp_path / "p.zarr", other)


ELSEWHERE = """
import sys
from pathlib import Path
from ase.build import bulk
from latmm.interface.build import build_interface
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.cache import cached
from latmm.sweep.checkpoint import Checkpoint, digests
from latmm.sweep.refinement import Sampling
from latmm.sweep.tasks import solve
potential = resolve_potential("sw", ["Si", "Ge"])
left, right = bulk("Si", a=5.43), bulk("Ge", a=5.65)
interface = build_interface(left, right, (0, 0, 1), potential)
tasks = Sampling.of(interface, (4, 4), 12, minimum_temperature=30.0).tasks
store = Checkpoint(Path(sys.argv[1]), digests(interface)).begin(tasks)
found = store.load()
if not found:
    store.save(0, solve(interface, tasks[0]))
print(sorted(found), len(tasks))
"""


@pytest.mark.slow
def test_a_store_begun_on_one_processor_goes_on_with_on_another(tmp_path):
    """The kernels of OpenBLAS round differently; relaxed contacts differ by 1e-12."""
    said = [
        subprocess.run(
            [sys.executable, "-c", ELSEWHERE, "p.zarr"], cwd=tmp_path, capture_output=True, text=True,
            check=True, env={**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1"},
        ).stdout
        for core in ("Haswell", "Sandybridge")
    ]  # fmt: skip
    assert said[0].startswith("[] ")
    assert said[1].startswith("[0] ")
