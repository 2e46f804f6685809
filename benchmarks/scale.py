"""Sampling and scale: error bars, the cost of a tolerance, processes against one, and memory.

Run: python benchmarks/scale.py [bars] [elastic] [tolerance] [processes] [memory] [million] [handing]
[forecast] (all: about half an hour of a core). Times are those of the processor, but for what is shared among
processes.
"""

import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np

import latmm
from latmm.continuum.amm import acoustic_mismatch
from latmm.continuum.media import Medium
from latmm.interface.interface import Interface
from latmm.interface.tiling import tile
from latmm.landauer import conductance
from latmm.parallel.execution import Execution
from latmm.parallel.executors import local_processes, unordered
from latmm.sweep.forecast import estimate
from latmm.sweep.refinement import Sampling, levels, solve_level
from latmm.sweep.tasks import solve

TEMPERATURES = np.array([0.001, 0.05, 1.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0, 1000.0])
RANGES = {"50-500 K": [50.0, 100.0, 300.0, 500.0], "5 K": [5.0], "50 mK": [0.05]}


def system(name: str) -> Interface:
    left, right, masses, potential, normal = {
        "Si | heavy Si": ("si", "si", {"Si": 72.63}, ("sw", ["Si"], {}), (0, 0, 1)),
        "Si | Ge": ("si", "ge", {}, ("tersoff", ["Si", "Ge"], {}), (0, 0, 1)),
        "Ar | heavy Ar": ("ar", "ar", {"Ar": 160.0}, ("lj", ["Ar"], {"cutoff": 6.0}), (0, 0, 1)),
        "Al | heavy Al": ("al", "al", {"Al": 80.0}, ("eam", ["Al"], {}), (0, 0, 1)),
        "Cu | heavy Cu (111)": ("cu", "cu", {"Cu": 150.0}, ("emt", ["Cu"], {}), (1, 1, 1)),
    }[name]
    crystals = [
        latmm.read_structure(f"structures/{left}.cif"),
        latmm.read_structure(f"structures/{right}.cif", masses),
    ]
    return latmm.build_interface(*crystals, normal, latmm.resolve_potential(*potential))


SYSTEMS = ("Si | heavy Si", "Si | Ge", "Ar | heavy Ar")
MORE = ("Al | heavy Al", "Cu | heavy Cu (111)")


def bars() -> None:
    """True error against the bar at ten temperatures from 1 mK to 1000 K, by twice the points per axis."""
    for name in SYSTEMS + MORE:
        interface = system(name)
        coarse, fine = (
            solve_level(
                interface,
                Sampling.of(interface, (n, n), 8 * n, minimum_temperature=TEMPERATURES[0]),
                TEMPERATURES,
            )
            for n in (12, 24)
        )
        error = np.abs(coarse.conductance - fine.conductance) / fine.conductance
        bar = coarse.error / coarse.conductance
        print(f"{name}: {np.sum(error < bar)} of {error.size} inside ({coarse.solved.samples} samples)")
        for t, e, b in zip(TEMPERATURES, error, bar, strict=True):
            print(f"   {t:>8g} K: error {100 * e:.2f} %, bar {100 * b:.2f} %")


def elastic() -> None:
    """G/T³ up to 1 K, and its limit against the acoustic mismatch of the same force constants."""
    cold = np.array([0.001, 0.01, 0.1, 0.3, 1.0])
    for name in SYSTEMS + MORE:
        interface = system(name)
        sampling = Sampling.fitted(interface, 24, 96, cold)
        level = solve_level(interface, sampling, cold)
        media = [Medium.from_force_constants(c, name=name) for c in (interface.left, interface.right)]
        limit = conductance(sampling.grid, acoustic_mismatch(*media, sampling.grid).transmission.values, cold)
        law = level.conductance / cold**3
        print(f"{name}: G/T³ over that at 1 mK: {np.round(law / law[0], 5)}; {level.solved.samples} samples")
        print(f"   G over acoustic mismatch: {np.round(level.conductance / limit, 5)}")


def tolerance() -> None:
    """Samples and seconds of one core that a bar of 1 % takes, and the true error."""
    for name in SYSTEMS:
        interface = system(name)
        for label, temperatures in RANGES.items():
            began, samples = time.process_time(), 0
            for level in levels(interface, temperatures, 0.01):
                samples += level.solved.samples
            spent = time.process_time() - began
            n, m = level.sampling.kmesh[0], level.sampling.frequencies
            finer = Sampling.fitted(interface, 3 * n // 2, 3 * m // 2, np.array(temperatures))
            with local_processes(2) as processes:
                reference = solve_level(interface, finer, temperatures, how=Execution(processes))
            error = np.abs(level.conductance / reference.conductance - 1.0).max()
            print(
                f"{name}, {label}: {samples} samples, {spent:.1f} s; bar {100 * level.relative_error:.2f} %, "
                f"true error {100 * error:.2f} %",
                flush=True,
            )


def processes() -> None:
    """Wall time of a sweep by one process and by two that are already there."""
    interface = system("Si | heavy Si")
    sampling = Sampling.of(interface, (24, 24), 192, minimum_temperature=50.0)
    with local_processes(2) as two:
        solve_level(
            interface,
            Sampling.of(interface, (4, 4), 8, minimum_temperature=50.0),
            [300.0],
            how=Execution(two),
        )
        alone, shared = (
            min(solve_level(interface, sampling, [300.0], how=Execution(e)).seconds for _ in range(2))
            for e in (None, two)
        )
    print(f"two processes: {alone:.1f} s against {shared:.1f} s, {alone / shared:.2f} times as fast")


def memory(points: int = 2_000) -> None:
    """Samples of a 6×6 lateral supercell (leads of 216): time and memory against their number."""
    interface = tile(system("Si | heavy Si"), (6, 6))
    sampling = Sampling.of(interface, (4, 4), 64, minimum_temperature=300.0)
    task = max(sampling.tasks, key=lambda task: task.samples)
    nodes = np.arange(task.frequency.size)
    for fraction in (0.25, 0.5, 1.0):
        count = max(1, round(fraction * points / nodes.size))
        k = np.random.default_rng(0).uniform(-0.5, 0.5, (count, 2))
        began = time.process_time()
        solve(interface, replace(task, wave_vectors=k, weights=np.full(count, 1.0 / count)))
        spent = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        samples = count * nodes.size
        print(f"6×6: {samples} samples, {1e3 * spent / samples:.1f} ms each, memory at most {peak:.0f} MiB")


def million() -> None:
    """Sweeps of Si | heavy Si, leads of 6, by one process each: time and memory against their samples."""
    spawn = multiprocessing.get_context("spawn")
    for mesh, frequencies in ((48, 180), (72, 240), (108, 360)):
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            samples, spent, peak = alone.submit(sweep_alone, mesh, frequencies).result()
        print(
            f"leads of 6: {samples} samples, {1e3 * spent / samples:.3f} ms each, at most {peak:.0f} MiB",
            flush=True,
        )


def sweep_alone(mesh: int, frequencies: int) -> tuple[int, float, float]:
    interface = system("Si | heavy Si")
    sampling = Sampling.of(interface, (mesh, mesh), frequencies, minimum_temperature=10.0)
    began = time.process_time()
    samples = solve_level(interface, sampling, [300.0]).solved.samples
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return samples, time.process_time() - began, peak


def handing() -> None:
    """What it costs to give 300 tasks 10 MB that they share, to two processes that are there."""
    shared = os.urandom(10_000_000)
    with local_processes(2) as two:
        dict(unordered(length, b"", dict.fromkeys(range(8)), two, seconds=1e9))
        for name, number, payload in (("10 MB", 300, shared), ("nothing", 300, b"")):
            began = time.monotonic()
            dict(unordered(length, payload, dict.fromkeys(range(number)), two, seconds=1e9))
            print(f"{number} tasks that share {name}: {time.monotonic() - began:.2f} s")


def length(shared: bytes, item: int) -> int:
    return len(shared)


def forecast() -> None:
    """Time that is foreseen for a sweep, and that it takes one core."""
    base = system("Si | heavy Si")
    for cells, mesh, frequencies in (((1, 1), 16, 96), ((3, 6), 4, 24)):
        interface = base if cells == (1, 1) else tile(base, cells)
        sampling = Sampling.of(interface, (mesh, mesh), frequencies, minimum_temperature=50.0)
        began = time.process_time()
        foreseen = estimate(interface, sampling).seconds
        looked = time.process_time() - began
        began = time.process_time()
        solve_level(interface, sampling, [300.0])
        spent = time.process_time() - began
        print(
            f"leads of {6 * cells[0] * cells[1]}: {foreseen:.1f} s foreseen in {looked:.1f} s, "
            f"{spent:.1f} s taken, {foreseen / spent:.2f}",
            flush=True,
        )


def main() -> None:
    parts = {
        part.__name__: part
        for part in (bars, elastic, tolerance, processes, memory, million, handing, forecast)
    }
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
