"""Run the whole corpus, each case in a process of its own: ``python -m hostile [-n JOBS] [WORD ...]``.

Words choose the cases whose names hold one of them. The last line sums up; the exit status is 1 when a case
failed.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from hostile.case import Case
from hostile.corpus import corpus
from hostile.disk import small_disk
from hostile.runner import baseline, verdict
from hostile.samples import table


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m hostile", description=__doc__)
    parser.add_argument("-n", "--jobs", type=int, default=2)
    parser.add_argument("words", nargs="*")
    chosen = parser.parse_args()
    cases = [c for c in corpus() if not chosen.words or any(word in c.name for word in chosen.words)]
    least = baseline()
    table()  # made once, in the main thread, where the command line can listen to signals

    def judged(case: Case) -> tuple[Case, list[str]]:
        return case, verdict(case, least=least)

    failed: list[list[str]] = []
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for case, found in pool.map(judged, cases):
            if found:
                failed.append(found)
                print(f"{case.name}: {'; '.join(found)}", flush=True)
    if not chosen.words:
        for case, found in small_disk():
            cases.append(case)
            if found:
                failed.append(found)
                print(f"{case.name}: {'; '.join(found)}", flush=True)

    def count(*words: str) -> int:
        return sum(any(word in fault for fault in found for word in words) for found in failed)

    print(
        f"{len(cases)} cases, {len(failed)} failed: {count('traceback', 'killed')} tracebacks, "
        f"{count('hang')} hangs, {count('EXECUTED')} executed, {count('gone', 'input changed')} lost, "
        f"{count('accepted')} accepted, {count('left behind')} with leftovers, {count('memory')} too large"
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
