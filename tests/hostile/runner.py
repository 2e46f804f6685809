"""Two ways to run a case: in this process, and in one of its own under limits."""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from hostile.case import Case, Outcome
from hostile.judge import SECONDS, faults, snapshot

__all__ = ["baseline", "run_apart", "run_here", "verdict"]

_START = 15.0
"""Processor time of an empty run, on a slow machine."""
_WALL = 150.0
_ADDRESSES = 12 * 2**30
"""Address space: only keeps a case from taking the machine; memory in use is what is judged."""
_MAIN = "from latmm_cli.main import main; main()"


def verdict(case: Case, *, apart: bool = True, least: int = 0) -> list[str]:
    """Run a case in a new folder and judge it: a list of faults, empty for a pass."""
    with tempfile.TemporaryDirectory(prefix="latmm-hostile-") as name:
        folder = Path(name).resolve()
        case.prepare(folder)
        before = snapshot(folder)
        outcome = run_apart(case, folder) if apart or case.apart else run_here(case, folder)
        return faults(case, outcome, before, snapshot(folder), least)


def run_here(case: Case, folder: Path) -> Outcome:
    """Run a case in this process, which has no limits."""
    from latmm_cli.main import main

    out, errors = StringIO(), StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    began = time.process_time()
    status: object = None
    with chdir(folder), redirect_stdout(out), redirect_stderr(errors):
        try:
            main(case.arguments)
        except SystemExit as end:
            status = end.code
        except Exception:
            traceback.print_exc()
            status = 1
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    spent = time.process_time() - began
    return Outcome(status if isinstance(status, int) else 0, out.getvalue(), errors.getvalue(), spent)


def run_apart(case: Case, folder: Path) -> Outcome:
    """Run a case in a process of its own, with bounds on processor time, address space and files."""

    def bound() -> None:
        seconds = int(SECONDS + _START) * 2
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if case.largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (case.largest_file, case.largest_file))

    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LATMM_CACHE": "",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        **case.environment,
    }
    with (
        subprocess.Popen(
            [sys.executable, "-c", _MAIN, *case.arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            preexec_fn=bound,
            start_new_session=True,
        ) as process,
        ThreadPoolExecutor(2) as pool,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        readers = [pool.submit(stream.read) for stream in (process.stdout, process.stderr)]
        status, usage, hung = _ended(process)
        out, errors = (reader.result()[: 10**7].decode(errors="replace") for reader in readers)
    seconds = usage.ru_utime + usage.ru_stime - empty()[0] * (not hung)
    hung = hung or status in (-signal.SIGXCPU, -signal.SIGKILL)
    return Outcome(status, out, errors, max(seconds, 0.0), usage.ru_maxrss * 1024, hung)


def _ended(process: "subprocess.Popen[bytes]") -> tuple[int, resource.struct_rusage, bool]:
    """Wait for a process, and end it and its children when it takes too long."""
    until, hung = time.monotonic() + _WALL, False
    while True:
        number, status, usage = os.wait4(process.pid, os.WNOHANG)
        if number:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage, hung
        if time.monotonic() > until and not hung:
            hung = True
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.02)


_EMPTY: list[tuple[float, int]] = []


def empty() -> tuple[float, int]:
    """Processor time (s) and memory (bytes) of a process that only imports what commands use."""
    if not _EMPTY:
        code = (
            "import resource, latmm.comparison, latmm.plotting.conductance, latmm.lattice.phonopy_files, ase.io, zarr, "
            "latmm.studies.ensembles, matplotlib.pyplot as p; p.figure(); "
            "u = resource.getrusage(resource.RUSAGE_SELF); "
            "print(u.ru_utime + u.ru_stime, u.ru_maxrss * 1024)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, memory = done.stdout.split()
        _EMPTY.append((float(seconds), int(memory)))
    return _EMPTY[0]


def baseline() -> int:
    """Memory of an empty run, bytes."""
    return empty()[1]
