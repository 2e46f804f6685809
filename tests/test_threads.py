"""One BLAS thread while the library computes, and the caller's number before and after."""

import inspect
import sys
from types import ModuleType

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import latmm
import latmm.threads
from latmm.parallel.execution import Execution
from latmm.threads import single_threaded

READING = {
    *(
        "read",
        "write",
        "read_region",
        "write_region",
        "read_structure",
        "resolve_potential",
        "resolve_rates",
    ),
    *("measurements", "read_measurements", "medium", "put_beside", "summary"),
}
ARRANGING = {"tile", "orient", "coincidences", "design", "disorder_of", "potential_spread", "mixing_spread"}
COMPUTING = (
    {name for name in latmm.__all__ if not inspect.isclass(getattr(latmm, name))} - READING - ARRANGING
)


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_function_has_one_thread_and_restores_the_callers_number():
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        assert before == {2}
        assert single_threaded(threads)() == {1}
        assert threads() == before

        @single_threaded
        def fails():
            raise ValueError("it fails")

        with pytest.raises(ValueError, match="it fails"):
            fails()
        assert threads() == before


def test_libraries_are_looked_for_again_only_after_an_import(monkeypatch):
    looks = []

    class Pools(latmm.threads.ThreadpoolController):
        def __init__(self):
            looks.append(1)
            super().__init__()

    monkeypatch.setattr(latmm.threads, "ThreadpoolController", Pools)
    monkeypatch.setitem(sys.modules, "a_module_with_a_library", ModuleType("a_module_with_a_library"))
    for _ in range(3):
        assert single_threaded(lambda: 1)() == 1
    assert len(looks) == 1
    monkeypatch.setitem(sys.modules, "another_one", ModuleType("another_one"))
    assert single_threaded(threads)() == {1}
    assert len(looks) == 2


@pytest.mark.parametrize("name", sorted(COMPUTING))
def test_every_verb_that_computes_limits_its_threads(name):
    assert inspect.unwrap(getattr(latmm, name)) is not getattr(latmm, name)


@pytest.mark.slow
def test_a_script_builds_and_compares_with_one_thread(structure, argon_springs):
    seen: dict[str, set[int]] = {}

    def progress(stage, done, total):
        seen.setdefault(stage, set()).update(threads())

    with threadpool_limits(limits=2, user_api="blas"):
        heavy = structure("ar", {"Ar": 160.0})
        interface = latmm.build_interface(
            structure("ar"),
            heavy,
            (0, 0, 1),
            argon_springs,
            how=Execution(progress=progress),
        )
        latmm.compare(
            interface,
            300.0,
            models=["agf", "dmm"],
            kmesh=(2, 2),
            frequencies=6,
            how=Execution(progress=progress),
        )
        assert threads() == {2}
    assert len(seen) > 5
    assert set.union(*seen.values()) == {1}
