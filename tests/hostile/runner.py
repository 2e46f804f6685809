"""Three ways to run a case: in this process, in a fork of it under limits, and in a new process under limits."""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from hostile.case import Case, Outcome
from hostile.judge import SECONDS, faults, snapshot

__all__ = ["IMPORTED", "baseline", "forked_memory", "run_apart", "run_forked", "run_here", "verdict"]

_START = 15.0
"""Processor time of an empty run, on a slow machine."""
_WALL = 150.0
_ADDRESSES = 12 * 2**30
"""Address space: only keeps a case from taking the machine; memory in use is what is judged."""
_MAIN = "from latmm_cli.main import main; main()"
IMPORTED = (
    "latmm.comparison",
    "latmm.plotting.conductance",
    "latmm.lattice.phonopy_files",
    "latmm.studies.ensembles",
    "ase.io",
    "zarr",
)
"""What commands use."""


def verdict(case: Case, *, run: Callable[[Case, Path], Outcome] | None = None, least: int = 0) -> list[str]:
    """Run a case in a new folder and judge it: a list of faults, empty for a pass.

    ``run`` is one of :func:`run_here` and :func:`run_forked`, for cases that need no new process.
    """
    with tempfile.TemporaryDirectory(prefix="latmm-hostile-") as name:
        folder = Path(name).resolve()
        case.prepare(folder)
        before = snapshot(folder)
        outcome = run_apart(case, folder) if run is None or case.apart else run(case, folder)
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


def run_forked(case: Case, folder: Path) -> Outcome:
    """Run a case in a fork of this process, which has imported everything and has one thread; same bounds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setsid()
                _bound(case)
                streams = os.open(os.devnull, os.O_RDONLY), out.fileno(), errors.fileno()
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                status = _main(case, folder)
            finally:
                os._exit(status)
        code, usage, hung = _ended(child)
        said = []
        for stream in (out, errors):
            stream.seek(0)
            said.append(stream.read(10**7).decode(errors="replace"))
    return _outcome(code, *said, usage, hung)


def run_apart(case: Case, folder: Path) -> Outcome:
    """Run a case in a new process, with bounds on processor time, address space and files."""
    with (
        subprocess.Popen(
            [sys.executable, "-c", _MAIN, *case.arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **_environment(case, folder)},
            preexec_fn=lambda: _bound(case),
            start_new_session=True,
        ) as process,
        ThreadPoolExecutor(2) as pool,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        readers = [pool.submit(stream.read) for stream in (process.stdout, process.stderr)]
        status, usage, hung = _ended(process.pid)
        process.returncode = status
        said = [reader.result()[: 10**7].decode(errors="replace") for reader in readers]
    return _outcome(status, *said, usage, hung, empty()[0])


def _environment(case: Case, folder: Path) -> dict[str, str]:
    return {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LATMM_CACHE": "",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        **case.environment,
    }


def _bound(case: Case) -> None:
    seconds = int(SECONDS + _START) * 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if case.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (case.largest_file, case.largest_file))


def _main(case: Case, folder: Path) -> int:
    """Run the command in this process, a fork, and return its exit status."""
    from latmm_cli.main import main

    os.chdir(folder)
    os.environ |= _environment(case, folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    sys.argv = ["-c", *case.arguments]
    status: object = 0
    try:
        main(list(case.arguments))
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else int(status is not None)


def _ended(child: int) -> tuple[int, resource.struct_rusage, bool]:
    """Wait for a process, and end it and its children when it takes too long."""
    until, hung = time.monotonic() + _WALL, False
    while True:
        number, status, usage = os.wait4(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status), usage, hung
        if time.monotonic() > until and not hung:
            hung = True
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.02)


def _outcome(
    status: int, out: str, errors: str, usage: resource.struct_rusage, hung: bool, less: float = 0.0
) -> Outcome:
    seconds = usage.ru_utime + usage.ru_stime - less * (not hung)
    hung = hung or status in (-signal.SIGXCPU, -signal.SIGKILL)
    return Outcome(status, out, errors, max(seconds, 0.0), usage.ru_maxrss * 1024, hung)


_EMPTY: list[tuple[float, int]] = []


def empty() -> tuple[float, int]:
    """Processor time (s) and memory (bytes) of a process that only imports what commands use."""
    if not _EMPTY:
        code = (
            f"import resource, {', '.join(IMPORTED)}, matplotlib.pyplot as p; p.figure(); "
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


def forked_memory() -> int:
    """Memory of a fork that does nothing, bytes."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    return _ended(child)[1].ru_maxrss * 1024
