"""Run the whole corpus: ``python -m hostile [-n JOBS] [--apart] [--part K N] [WORD ...]``.

Words choose the cases whose names hold one of them, ``--part K N`` every N-th from the K-th on. Each case has a
process of its own under limits: a fork of one that has imported what commands use, or with ``--apart`` a new one.
The last line sums up; the exit status is 1 when a case failed.
"""

import argparse
import importlib
import multiprocessing
import os
import sys

from hostile.case import Case
from hostile.corpus import corpus
from hostile.disk import small_disk
from hostile.runner import IMPORTED, baseline, forked_memory, run_forked, verdict
from hostile.samples import make

_CASES: list[Case] = []
"""Of this run: workers are forks, so that cases need not be sent to them."""


def _judged(task: tuple[int, bool, int]) -> tuple[int, list[str]]:
    number, apart, least = task
    case = _CASES[number]
    return number, verdict(case, run=None if apart else run_forked, least=least)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m hostile", description=__doc__)
    parser.add_argument("-n", "--jobs", type=int, default=2)
    parser.add_argument("--apart", action="store_true", help="start a new interpreter for each case")
    parser.add_argument("--part", nargs=2, type=int, default=(0, 1), metavar=("K", "N"))
    parser.add_argument("words", nargs="*")
    chosen = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    make()
    named = [c for c in corpus() if not chosen.words or any(word in c.name for word in chosen.words)]
    first, step = chosen.part
    _CASES.extend(named[first::step])
    for name in IMPORTED:
        importlib.import_module(name)
    least = max(baseline(), forked_memory())
    failed: list[list[str]] = []
    tasks = [(number, chosen.apart, least) for number in range(len(_CASES))]
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        for number, found in pool.imap(_judged, tasks):
            if found:
                failed.append(found)
                print(f"{_CASES[number].name}: {'; '.join(found)}", flush=True)
    if not chosen.words and first == 0:
        for case, found in small_disk():
            _CASES.append(case)
            if found:
                failed.append(found)
                print(f"{case.name}: {'; '.join(found)}", flush=True)

    def count(*words: str) -> int:
        return sum(any(word in fault for fault in found for word in words) for found in failed)

    print(
        f"{len(_CASES)} cases, {len(failed)} failed: {count('traceback', 'killed')} tracebacks, "
        f"{count('hang')} hangs, {count('EXECUTED')} executed, {count('gone', 'input changed')} lost, "
        f"{count('accepted')} accepted, {count('left behind')} with leftovers, {count('memory')} too large"
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
