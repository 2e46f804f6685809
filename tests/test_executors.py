"""Whoever solves the tasks of a sweep, and in whatever order: the result is the same, bit for bit."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from latmm.errors import InputError, LatmmError
from latmm.executors import local_processes, unordered
from latmm.lattice.phonons import largest_frequency
from latmm.sweep.run import sweep
from latmm.sweep.sampling import frequency_grid, windows
from latmm.sweep.tasks import cut


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
    grid = frequency_grid(min(tops), max(tops), 32, coldest=50.0)
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
    tasks = len(cut(grid, samples, common=common))
    assert tasks > 2
    assert same(serial, sweep(interface, grid, samples, common=common, executor=Shuffled(tasks)))
    with ThreadPoolExecutor(2) as threads:
        assert same(serial, sweep(interface, grid, samples, common=common, executor=threads))
    with local_processes(2) as processes:
        assert same(serial, sweep(interface, grid, samples, common=common, executor=processes))


def test_every_sample_is_in_one_task(problem):
    _, grid, samples, common = problem
    tasks = cut(grid, samples, common=common)
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
            interface, grid, samples, common=common, executor=threads,
            progress=lambda stage, done, total: seen.append((stage, done, total)),
        )  # fmt: skip
    assert seen[0] == ("modes", 0, serial.samples)
    assert seen[-1] == ("modes", serial.samples, serial.samples)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def identity_of_worker(shared: str, item: int) -> tuple[str, int, int, str]:
    from threadpoolctl import threadpool_info

    threads = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    return shared, item, threads, str(os.getpid())


def test_processes_use_one_blas_thread_each(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with local_processes(2) as processes:
        found = dict(unordered(identity_of_worker, "shared", dict(enumerate("abc")), processes))
    assert {n: (s, i, t) for n, (s, i, t, _) in found.items()} == {
        n: ("shared", letter, 1) for n, letter in enumerate("abc")
    }
    assert str(os.getpid()) not in {pid for *_, pid in found.values()}


def end_itself(shared: None, item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_latmm_error(shared: None, item: int) -> None:
    raise InputError(f"item {item} is wrong")


def test_a_process_that_dies_is_reported_and_not_waited_for():
    with pytest.raises(LatmmError, match="ended by itself"), local_processes(2) as processes:
        dict(unordered(end_itself, None, {0: 0}, processes))


def test_an_error_in_a_task_arrives_as_it_was_raised():
    with pytest.raises(InputError, match="item 7 is wrong"), local_processes(2) as processes:
        dict(unordered(raise_latmm_error, None, {0: 7}, processes))


def wait_for_ever(shared: str, item: int) -> None:
    Path(shared, str(item)).write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(1000)


class Stop(BaseException):
    """What a signal raises."""


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
from latmm.executors import local_processes
sys.path.insert(0, {here!r})
from test_executors import wait_for_ever
if __name__ == "__main__":
    with local_processes(2) as processes:
        futures = [processes.submit(wait_for_ever, {folder!r}, i) for i in range(2)]
        print("begun", flush=True)
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


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
def test_interrupt_while_processes_start_waits_until_they_can_be_ended():
    script = (
        "import os, signal, threading\n"
        "from latmm.executors import local_processes\n"
        "threading.Timer(0.05, os.killpg, (0, signal.SIGINT)).start()\n"
        "try:\n"
        "    with local_processes(2):\n"
        "        threading.Event().wait(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, start_new_session=True
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    script = ORPHANS.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        parent.stdout.readline()
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


def test_number_of_processes_is_checked():
    with pytest.raises(InputError, match="at least 1"), local_processes(0):
        pass
    with local_processes(1) as nobody:
        assert nobody is None
