"""A real Dask scheduler with worker processes, one of which is killed in the middle."""

import os
import signal
import time
from dataclasses import fields

import numpy as np
import pytest

from latmm.errors import InputError
from latmm.parallel.cluster import dask_cluster
from latmm.parallel.execution import Execution
from latmm.parallel.executors import unordered
from latmm.sweep.refinement import Sampling, solve_level

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as found:
        yield found


def process_of_worker(shared: None, item: int) -> int:
    return os.getpid()


@pytest.mark.slow
def test_result_survives_the_death_of_a_worker(cluster, heavy_silicon):
    sampling = Sampling.of(heavy_silicon, (8, 8), 24, minimum_temperature=2.0)
    serial = solve_level(heavy_silicon, sampling, [300.0]).solved
    killed = []

    def kill_one(stage, done, total):
        if not killed and done > 0:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    with dask_cluster(cluster.scheduler_address) as executor:
        pids = sorted(
            {pid for _, pid in unordered(process_of_worker, None, dict.fromkeys(range(8)), executor)}
        )
        assert os.getpid() not in pids
        found = solve_level(
            heavy_silicon, sampling, [300.0], how=Execution(executor, progress=kill_one)
        ).solved
    assert killed
    for field in fields(serial):
        assert np.array_equal(getattr(serial, field.name), getattr(found, field.name)), field.name


def test_absent_scheduler_is_reported_in_one_line():
    began = time.monotonic()
    with pytest.raises(InputError, match="no Dask scheduler answers"), dask_cluster("nonsense://host"):
        pass
    assert time.monotonic() - began < 20
