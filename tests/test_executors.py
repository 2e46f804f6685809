"""Whoever solves the tasks of a sweep, and in whatever order: the result is the same, bit for bit."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import fields, replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from latmm.errors import InputError, LatmmError
from latmm.lattice.dynamics import largest_frequency
from latmm.parallel import executors
from latmm.parallel.execution import Execution
from latmm.parallel.executors import local_processes, unordered
from latmm.sampling.meshes import frequency_grid, windows
from latmm.sweep.run import sweep
from latmm.sweep.tasks import at_once, bytes_of_tasks, cut, seconds_per_sample, solve


class Shuffled(Executor):
    """Solves everything when the last task has come, in a random order."""

    def __init__(self, expected: int) -> None:
        self._waiting, self._expected = [], expected

    def submit(self, function, /, *arguments):
        future = Future()
        self._waiting.append((future, function, arguments))
        if len(self._waiting) == self._expected:
            random.Random(3).shuffle(self._waiting)
            for late, work, given in self._waiting:
                late.set_result(work(*given))
        return future


@pytest.fixture(scope="module")
def problem(heavy_silicon):
    """Silicon on heavy silicon, sampled in several windows."""
    tops = [largest_frequency(side) for side in (heavy_silicon.left, heavy_silicon.right)]
    grid = frequency_grid(min(tops), max(tops), 32, minimum_temperature=50.0)
    samples = windows(
        heavy_silicon.left, heavy_silicon.right, grid, (8, 8), heavy_silicon.rotations, common=min(tops)
    )
    return heavy_silicon, grid, samples, min(tops)


@pytest.fixture(scope="module")
def serial(problem):
    interface, grid, samples, common = problem
    return sweep(interface, grid, samples, common=common)


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))


def test_sweep_is_the_same_in_any_executor_and_order(problem, serial):
    interface, grid, samples, common = problem
    tasks = len(cut(grid, samples, common=common, seconds=seconds_per_sample(interface)))
    assert tasks > 2
    assert same(serial, sweep(interface, grid, samples, common=common, how=Execution(Shuffled(tasks))))
    with ThreadPoolExecutor(2) as threads:
        assert same(serial, sweep(interface, grid, samples, common=common, how=Execution(threads)))


@pytest.mark.slow
def test_sweep_is_the_same_in_processes_whatever_their_memory(problem, serial, monkeypatch):
    interface, grid, samples, common = problem
    monkeypatch.setattr(executors, "_WORTH", 0.0)
    needed = bytes_of_tasks(
        interface, cut(grid, samples, common=common, seconds=seconds_per_sample(interface))
    )
    with local_processes(2) as processes:
        for memory in (needed, 2**34):
            found = sweep(interface, grid, samples, common=common, how=Execution(processes, memory=memory))
            assert processes.started
            assert same(serial, found)


def test_memory_sets_how_many_tasks_are_solved_at_once(problem):
    interface, grid, samples, common = problem
    tasks = cut(grid, samples, common=common, seconds=seconds_per_sample(interface))
    needed = bytes_of_tasks(interface, tasks)
    assert [at_once(interface, tasks, n * needed) for n in (1, 2, 8)] == [1, 2, 8]
    with pytest.raises(InputError, match=r"`memory` is .* GiB; use e.g. `memory`"):
        sweep(interface, grid, samples, common=common, how=Execution(memory=needed - 1))


def test_a_wave_vector_whose_samples_are_dear_is_dealt_out_by_frequency(problem):
    """As if every sample took 0.1 s: each task has one k∥ and ten frequencies at least."""
    interface, grid, samples, common = problem
    tasks = cut(grid, samples[:1], common=common, seconds=0.1)
    nodes = np.flatnonzero(samples[0].selected)
    assert all(len(task.weights) == 1 and 10 <= task.nodes.size < 20 for task in tasks)
    assert len(tasks) == len(samples[0].weights) * (nodes.size // 10)
    first = [task for task in tasks if np.array_equal(task.wave_vectors, samples[0].wave_vectors[:1])]
    np.testing.assert_array_equal(np.sort(np.concatenate([task.nodes for task in first])), nodes)
    together = solve(interface, replace(first[0], nodes=nodes, frequency=grid.frequency[nodes])).values[
        :, :, np.searchsorted(nodes, first[0].nodes)
    ]
    np.testing.assert_allclose(solve(interface, first[0]).values, together, atol=1e-11)


def test_cost_of_a_sample_adds_up_over_the_layers(heavy_silicon):
    """Six degrees of freedom in a layer of the device and of the leads."""
    layers = len(heavy_silicon.device)
    expected = layers * (1e-5 + 36e-7 * 1.006) + 2 * (2e-5 + 4.5e-6 * 6**1.5 * 1.006)
    assert seconds_per_sample(heavy_silicon) == pytest.approx(expected, rel=1e-12)


def test_every_sample_is_in_one_task(problem):
    interface, grid, samples, common = problem
    tasks = cut(grid, samples, common=common, seconds=seconds_per_sample(interface))
    total = sum(len(w.weights) * int(w.selected.sum()) for w in samples)
    assert sum(task.samples for task in tasks) == total
    share = np.zeros(grid.frequency.size)
    for task in tasks:
        share[task.nodes] += task.weights.sum()
    reference = sum(w.selected * w.weights.sum() for w in samples)
    assert np.allclose(share, reference, rtol=1e-12)
    assert max(task.samples for task in tasks) < 1600


def test_progress_counts_every_sample_once(problem, serial):
    interface, grid, samples, common = problem
    seen = []
    with ThreadPoolExecutor(2) as threads:
        sweep(
            interface, grid, samples, common=common,
            how=Execution(threads, progress=lambda stage, done, total: seen.append((stage, done, total))),
        )  # fmt: skip
    assert seen[0] == ("modes", 0, serial.samples)
    assert seen[-1] == ("modes", serial.samples, serial.samples)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def identity_of_worker(shared: str, item: int) -> tuple[str, int, int, str]:
    from threadpoolctl import threadpool_info

    threads = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    return shared, item, threads, str(os.getpid())


@pytest.mark.slow
def test_processes_use_one_blas_thread_each(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with local_processes(2) as processes:
        found = dict(unordered(identity_of_worker, "shared", dict(enumerate("abc")), processes, seconds=inf))
    assert {n: (s, i, t) for n, (s, i, t, _) in found.items()} == {
        n: ("shared", letter, 1) for n, letter in enumerate("abc")
    }
    assert str(os.getpid()) not in {pid for *_, pid in found.values()}


def end_itself(shared: None, item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_latmm_error(shared: None, item: int) -> None:
    raise InputError(f"item {item} is wrong")


@pytest.mark.slow
def test_a_process_that_dies_is_reported_and_not_waited_for():
    with pytest.raises(LatmmError, match="ended by itself"), local_processes(2) as processes:
        dict(unordered(end_itself, None, {0: 0, 1: 1}, processes, seconds=inf))


@pytest.mark.slow
def test_an_error_in_a_task_arrives_as_it_was_raised():
    with pytest.raises(InputError, match="item 7 is wrong"), local_processes(2) as processes:
        dict(unordered(raise_latmm_error, None, {0: 7, 1: 7}, processes, seconds=inf))


def process_after(shared: float, item: int) -> int:
    time.sleep(shared)
    return os.getpid()


@pytest.mark.slow
def test_processes_start_only_for_work_that_is_worth_it(monkeypatch):
    with local_processes(2) as processes:
        work = {"known": {"seconds": 1.0}, "unknown": {}}
        for known in work.values():
            found = dict(unordered(process_after, 0.0, dict.fromkeys(range(50)), processes, **known))
            assert set(found.values()) == {os.getpid()}
            assert not processes.started
        monkeypatch.setattr(executors, "_WORTH", 0.1)
        found = dict(unordered(process_after, 0.05, dict.fromkeys(range(12)), processes))
        assert processes.started
        assert found[0] == os.getpid()
        assert os.getpid() not in [pid for number, pid in found.items() if number > 0]


@pytest.mark.slow
def test_a_long_item_does_not_keep_the_others_from_the_processes(monkeypatch):
    monkeypatch.setattr(executors, "_LONG", 0.05)
    with local_processes(2) as processes:
        took_turns = [
            pid for _, pid in unordered(long_at_first, os.getpid(), dict.fromkeys(range(6)), processes)
        ]
    assert took_turns.count(os.getpid()) == 1


def long_at_first(shared: int, item: int) -> int:
    time.sleep(3.0 if os.getpid() == shared else 0.0)
    return os.getpid()


@pytest.mark.slow
def test_no_more_processes_start_than_there_are_items_or_memory_for():
    before = set(multiprocessing.active_children())
    with local_processes(64) as processes:
        found = dict(
            unordered(process_after, 0.02, dict.fromkeys(range(9)), processes, seconds=inf, at_once=1)
        )
        assert len(set(found.values())) == 1
        dict(unordered(process_after, 0.02, dict.fromkeys(range(3)), processes, seconds=inf))
        assert len(set(multiprocessing.active_children()) - before) <= 3


class Opened:
    """Writes a line to a file each time it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        with self.path.open("a") as file:
            file.write(f"{os.getpid()}\n")


def process_of(shared: Opened, item: int) -> int:
    return os.getpid()


@pytest.mark.slow
def test_what_tasks_share_travels_to_each_process_once(tmp_path):
    shared = Opened(tmp_path / "opened")
    with local_processes(2) as processes:
        found = dict(unordered(process_of, shared, dict.fromkeys(range(40)), processes, seconds=inf))
        assert not any(processes._folder.iterdir())
        folder = processes._folder
    opened = shared.path.read_text().split()
    assert sorted(opened) == sorted({str(pid) for pid in found.values()})
    assert not folder.exists()


def wait_for_ever(shared: str, item: int) -> None:
    Path(shared, str(item)).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(1000)


class Stop(BaseException):
    """What a signal raises."""


@pytest.mark.slow
def test_an_interrupt_ends_busy_processes_at_once(tmp_path):
    before = set(multiprocessing.active_children())
    with pytest.raises(Stop), local_processes(2) as processes:  # noqa: PT012
        futures = [processes.submit(wait_for_ever, str(tmp_path), i) for i in range(2)]
        while len(list(tmp_path.iterdir())) < 2 and not any(f.done() for f in futures):
            time.sleep(0.01)
        raise Stop
    assert set(multiprocessing.active_children()) <= before


ORPHANS = """
import sys, time
from latmm.parallel.executors import local_processes
sys.path.insert(0, {here!r})
from test_executors import wait_for_ever
if __name__ == "__main__":
    with local_processes(2) as processes:
        futures = [processes.submit(wait_for_ever, {folder!r}, i) for i in range(2)]
        print(processes._folder, flush=True)
        futures[0].result()
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:  # a process that ended may wait for its parent to notice
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1][:3]
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
def test_interrupt_while_processes_start_waits_until_they_can_be_ended():
    script = (
        "import os, signal, threading\n"
        "from latmm.parallel.executors import local_processes\n"
        "threading.Timer(0.05, os.killpg, (0, signal.SIGINT)).start()\n"
        "try:\n"
        "    with local_processes(2) as processes:\n"
        "        processes.submit(int)\n"
        "        threading.Event().wait(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, start_new_session=True
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


@pytest.mark.slow
def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    script = ORPHANS.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        folder = Path(parent.stdout.readline().decode().strip())
        deadline = time.monotonic() + 60
        while len(pids := [p.read_text() for p in tmp_path.iterdir()]) < 2 or "" in pids:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    while any(alive(int(pid)) for pid in pids):
        assert time.monotonic() < deadline, "processes outlive their parent"
        time.sleep(0.02)
    assert not folder.exists()


def test_number_of_processes_is_checked():
    with pytest.raises(InputError, match="at least 1"), local_processes(0):
        pass
    with local_processes(1) as nobody:
        assert nobody is None
