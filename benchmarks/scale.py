"""Sampling and scale: cost and error from 50 mK to 500 K, two processes against one, and memory.

Silicon | heavy silicon (Stillinger-Weber). Run: python benchmarks/scale.py (about two minutes).
"""

import resource
import time

import numpy as np

import latmm
from latmm.sweep.executors import local_processes
from latmm.sweep.refinement import Sampling, solve_level

RANGES = {"50-500 K": [50.0, 100.0, 300.0, 500.0], "5 K": [5.0], "50 mK": [0.05]}
COARSE, FINE = ((16, 16), 128), ((24, 24), 192)


def main() -> None:
    crystals = [latmm.read_structure("structures/si.cif", mass) for mass in ({}, {"Si": 72.63})]
    interface = latmm.build_interface(*crystals, (0, 0, 1), latmm.resolve_potential("sw", ["Si"]))
    with local_processes(2) as processes:
        for name, temperatures in RANGES.items():
            levels = []
            for sampling, executor in ((COARSE, None), (FINE, processes)):
                found = Sampling.of(interface, *sampling, coldest=min(temperatures))
                began = time.process_time()
                levels.append(solve_level(interface, found, temperatures, executor=executor))
                spent = time.process_time() - began
                if executor is None:
                    print(f"{name:>9}: {levels[0].solved.samples} samples, {spent:.2f} s of one core", end="")
            error = np.abs(levels[0].conductance / levels[1].conductance - 1.0)
            bar = levels[0].error / levels[0].conductance
            print(f", error at most {100 * error.max():.2f} %, bar {100 * bar.max():.2f} %")
        sampling = Sampling.of(interface, *FINE, coldest=50.0)
        alone, shared = (
            min(solve_level(interface, sampling, [300.0], executor=e).seconds for _ in range(2))
            for e in (None, processes)
        )
    print(f"two processes: {alone:.1f} s against {shared:.1f} s, {alone / shared:.2f} times as fast")
    print(f"memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
