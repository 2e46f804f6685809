"""Change the code of latmm in one place at a time and see whether its tests notice: ``make mutants``.

cosmic-ray makes the changes (arithmetic, comparisons, numbers, conditions, loops). First the quick tests of a
part run once, on the code as it is, and the lines are noted that each of them and each of their fixtures
runs. A mutant is then judged by those tests alone that run its statement, the cheapest first, up to the first
that fails. One that passes all of them survives and is printed with its place; so is one whose statement no
test runs. All mutants take days: a random sample of each part is tried, drawn from a seed.

    python tests/mutants.py --sample 20 --seed 0 agf landauer

Left out is what no test should hold: what a message says, ``strict=`` of zip, ``frozen=`` of dataclasses,
type checking, and constants that set how much is done at once (:data:`SPEED`). Each mutant is made in a copy
of the tree and judged by a process of its own, forked from one that imported what the tests need of other
packages. One that takes much more processor time than its tests did is ended and counted as "too long":
no test failed.
"""

import argparse
import ast
import contextlib
import difflib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parent.parent
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "landauer": (("latmm/landauer.py",), ("landauer", "limits", "tables")),
    "agf": (("latmm/agf/*.py",), ("agf_*",)),
    "studies": (
        ("latmm/studies/*.py", "latmm/sweep/measures.py", "latmm/sweep/run.py"),
        ("sweep*", "study_*", "disorder_contacts", "checkpoint", "tables"),
    ),
    "export": (
        ("latmm/modes/export.py", "latmm/modes/transport.py"),
        ("modes_transport", "modes_output"),
    ),
    "comparison": (("latmm/comparison.py",), ("comparison", "limits", "guards")),
    "continuum": (
        ("latmm/continuum/[!l]*.py", "latmm/continuum/l[!i]*.py"),
        ("continuum_*", "crystal", "limits"),
    ),
}
"""Part → its files, and its tests. The library of media is a table of numbers with their sources."""
OPERATORS = (
    *(
        f"ReplaceBinaryOperator_{x}"
        for x in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "FloorDiv_Mul")
    ),
    *(f"ReplaceComparisonOperator_{x}" for x in ("Lt_Gt", "Gt_Lt", "LtE_Lt", "GtE_Gt", "Lt_LtE", "Gt_GtE")),
    *(f"ReplaceComparisonOperator_{x}" for x in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *("ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Not", "AddNot"),
    *("ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("NumberReplacer", "ZeroIterationForLoop"),
)
"""Those whose mutants are programs of the right types: no shifts of floating-point numbers."""
SPEED = frozenset({"CHUNK_BYTES", "FEW_RUNS", "_BATCH", "_PAIRS"})
"""Module constants that say how much is done at once, or when a slower way is taken to the same result."""
IMPORTED = ("numpy", "scipy.optimize", "xarray", "ase.io", "phonopy", "h5netcdf", "matplotlib.pyplot")
"""What tests need of other packages: imported once for all."""
PATIENCE = 10.0, 60.0
"""A mutant may take this many times the processor time that its tests took, and so many seconds more."""
MEMORY = 8 * 2**30
"""Bytes that it may ask for."""
CHOSEN = ["-m", "not slow"]
"""Tests that judge, as pytest chooses them; with ``--slow`` all."""


@dataclass(frozen=True)
class Mutant:
    """A changed file: its path, the first line and column (of bytes) that differ, and its new text."""

    path: Path
    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Map:
    """Tests by the lines that they run, from the cheapest on; seconds that each takes."""

    tests: dict[tuple[str, int], frozenset[str]]
    seconds: dict[str, float]

    def judges(self, mutant: Mutant) -> list[str]:
        """Tests that run the mutant's statement; if it ran on import only, all that run its file."""
        path = str(mutant.path)
        lines = statement(ast.parse(mutant.path.read_text(encoding="utf-8")), mutant.line)
        found = frozenset().union(*(self.tests.get((path, line), frozenset()) for line in lines))
        if "" in found and len(found) == 1:
            found = frozenset().union(*(tests for (file, _), tests in self.tests.items() if file == path))
        return sorted(found - {""}, key=lambda test: (self.seconds[test], test))


class Watch:
    """A plugin that notes which test, or which fixture, runs a line, and how long each takes."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.running = [""]
        self.fixtures: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def context(self, name: str) -> Generator[None]:
        self.running.append(name)
        self.measured.switch_context(name)
        start, inside = time.process_time(), sum(self.seconds.values())
        try:
            yield
        finally:
            # without the fixtures that were made inside
            inside = sum(self.seconds.values()) - inside
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start - inside
            self.running.pop()
            self.measured.switch_context(self.running[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        with self.context(f"fixture {fixturedef.argname}"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: Any) -> Generator[None, Any, Any]:
        with self.context(item.nodeid):
            return (yield)

    @pytest.fixture(autouse=True)
    def names_of_fixtures(self, request: Any) -> Iterator[None]:
        yield
        self.fixtures[request.node.nodeid] = [f"fixture {name}" for name in request.fixturenames]


def statement(tree: ast.AST, line: int) -> range:
    """Lines of the innermost statement around a line; of one that holds others, those before its body."""
    best = range(line, line + 1)
    for node in ast.walk(tree):  # outer statements come first
        if isinstance(node, ast.stmt) and node.end_lineno is not None:
            body = getattr(node, "body", None)
            own = isinstance(node, ast.FunctionDef | ast.ClassDef)  # its default values are its business
            end = node.end_lineno + 1 if own or not body else body[0].lineno
            if line in range(node.lineno, end):
                best = range(node.lineno, end)
    return best


def left_out(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes inside which a change is no mutant: see the top of this file."""
    for node in ast.walk(tree):
        checking = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if checking or isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr):
            yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if {ast.unparse(target) for target in targets} & (SPEED | {"__all__"}):
                yield node
        elif isinstance(node, ast.keyword) and node.arg in ("strict", "frozen"):
            yield node


def places(path: Path) -> Iterator[tuple[Path, str, int]]:
    """Everything in a file that an operator can change: path, operator, number."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    nodes = list(ast_nodes(get_ast(path.read_text(encoding="utf-8"))))
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        for number in range(sum(1 for node in nodes for _ in operator.mutation_positions(node))):
            yield path, name, number


def mutant(path: Path, name: str, number: int) -> Mutant | None:
    """Make the change, but none of docstrings, annotations and what is left out."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    source = path.read_text(encoding="utf-8")
    text = mutate_code(source, get_operator(f"core/{name}")(), number)
    parsed = ast.parse(source)
    try:
        if text is None or ast.dump(ast.parse(text)) == ast.dump(parsed):
            return None
    except SyntaxError:  # a "not" in a place where none can stand
        return None
    place = first_difference(source, text)
    for node in left_out(parsed):
        if (node.lineno, node.col_offset) <= place < (node.end_lineno, node.end_col_offset):
            return None
    return Mutant(path, *place, text)


def first_difference(source: str, text: str) -> tuple[int, int]:
    """Line and column, in bytes, of the first difference of two texts."""
    pairs = zip(source.splitlines(), text.splitlines(), strict=False)
    line, old, new = next((i, old, new) for i, (old, new) in enumerate(pairs, 1) if old != new)
    column = next(i for i in range(len(old) + 1) if old[: i + 1] != new[: i + 1])
    return line, len(old[:column].encode())


def forked(work: Any, seconds: float) -> int:
    """Exit code of what a forked process does, that of a signal if it took more than its processor time."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 6))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            code = int(work())
        finally:
            os._exit(code)  # never back to the parent's work
    end = time.monotonic() + 10.0 * seconds  # a process that sleeps, or shares its processor
    done, status = 0, 0
    while not done and time.monotonic() < end:
        time.sleep(0.05)
        done, status = os.waitpid(child, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status if done else os.waitpid(child, 0)[1])


def run_tests(copy: Path, tests: list[str], log: Path, *plugins: object, more: tuple[str, ...] = ()) -> int:
    """Run tests in the copy up to the first that fails, and say what they say into a file."""
    os.chdir(copy)
    nothing, said = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream, to in ((0, nothing), (1, said), (2, said)):
        os.dup2(to, stream)
    sys.path[:0] = [str(copy), str(copy / "tests")]
    options = ["-x", "-q", *CHOSEN, "-p", "no:cacheprovider", "--tb=line", "--rootdir", str(copy)]
    return int(pytest.main([*options, *more, *tests], plugins=list(plugins)))


def watched(copy: Path, tests: list[str], folder: Path) -> int:
    """Run tests on the code as it is, and write what :func:`lines_of` reads."""
    measured = coverage.Coverage(str(folder / "lines"), source=[str(copy / "latmm")], config_file=False)
    watch = Watch(measured)
    measured.start()
    code = run_tests(copy, tests, folder / "log", watch)
    measured.stop()
    measured.save()
    (folder / "tests.json").write_text(json.dumps([watch.fixtures, watch.seconds]), encoding="utf-8")
    return code


def lines_of(folder: Path) -> Map:
    """Tests by line, those with a fixture that runs it among them."""
    fixtures, seconds = json.loads((folder / "tests.json").read_text(encoding="utf-8"))
    users: dict[str, set[str]] = {"": {""}}
    for test, names in fixtures.items():
        for name in (test, *names):
            users.setdefault(name, set()).add(test)
    data = coverage.CoverageData(str(folder / "lines"))
    data.read()
    tests = {
        (file, line): frozenset().union(*(users.get(name, set()) for name in names))
        for file in data.measured_files()
        for line, names in data.contexts_by_lineno(file).items()
    }
    cost = {
        test: seconds.get(test, 0.0) + sum(seconds.get(name, 0.0) for name in names)
        for test, names in fixtures.items()
    }
    return Map(tests, cost)


def judge(copy: Path, mutant: Mutant, known: Map, log: Path) -> str:
    """What becomes of a mutant: noticed, survived, not run or too long."""
    tests = known.judges(mutant)
    if not tests:
        return "not run"
    original, times = mutant.path.read_text(encoding="utf-8"), mutant.path.stat()
    mutant.path.write_text(mutant.text, encoding="utf-8")
    try:
        seconds = PATIENCE[0] * sum(known.seconds[test] for test in tests[:50]) + PATIENCE[1]
        code = forked(lambda: run_tests(copy, tests, log), seconds)
    finally:
        mutant.path.write_text(original, encoding="utf-8")
        os.utime(mutant.path, ns=(times.st_atime_ns, times.st_mtime_ns))  # its compiled code is good again
    return (
        "survived" if code == 0 else "too long" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "noticed"
    )


def show(mutant: Mutant, copy: Path, verdict: str, log: Path) -> None:
    """Print a mutant, and the test that noticed it."""
    print(f"{verdict}: {mutant.path.relative_to(copy)}:{mutant.line}")
    old, new = mutant.path.read_text(encoding="utf-8").splitlines(), mutant.text.splitlines()
    print("\n".join(list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]))
    if verdict == "noticed":
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(line for line in said if line.startswith(("FAILED", "ERROR")))[:300])
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--sample", type=int, default=20, help="mutants of each part (20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slow", action="store_true", help="judge by slow tests too; takes longer")
    parser.add_argument("--all", action="store_true", help="print the mutants that are noticed too")
    options = parser.parse_args()
    if options.slow:
        CHOSEN.clear()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for name in IMPORTED:
        __import__(name)
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy, log = Path(folder) / "latmm", Path(folder) / "log"
        leave = shutil.ignore_patterns(".venv*", ".git", "__pycache__", ".*_cache", "build", "*.egg-info")
        shutil.copytree(ROOT, copy, ignore=leave, symlinks=True)
        for name, source in (("latmm_cli", "cli"), ("latmm_structures", "structures")):
            (copy / name).symlink_to(source)
        os.environ["PYTHONPATH"] = str(copy)  # for commands that tests start
        for part in options.parts:
            patterns, names = PARTS[part]
            found = Path(folder) / part
            found.mkdir()
            tests = [str(path) for name in names for path in sorted((copy / "tests").glob(f"test_{name}.py"))]
            if forked(lambda tests=tests, found=found: watched(copy, tests, found), 3600.0):
                sys.exit(f"{part}: its tests fail on the code as it is\n{(found / 'log').read_text()}")
            # from here on, compiled code is that of the code as it is
            sys.dont_write_bytecode = True
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            known = lines_of(found)
            named = sorted(known.seconds)
            if forked(lambda named=named: run_tests(copy, named, log, more=("--collect-only",)), 600.0):
                sys.exit(f"{part}: its tests are not found by their names\n{log.read_text()}")
            files = sorted(path for pattern in patterns for path in copy.glob(pattern))
            every = [place for path in files for place in places(path)]
            random.Random(options.seed).shuffle(every)
            made = (changed for place in every if (changed := mutant(*place)) is not None)
            chosen = list(islice(made, options.sample))
            counts: Counter[str] = Counter()
            for changed in sorted(chosen, key=lambda one: (one.path, one.line, one.column)):
                verdict = judge(copy, changed, known, log)
                counts[verdict] += 1
                if verdict != "noticed" or options.all:
                    show(changed, copy, verdict, log)
            unnoticed += len(chosen) - counts["noticed"]
            told = ", ".join(
                f"{counts[name]} {name}" for name in ("noticed", "survived", "not run", "too long")
            )
            print(f"{part}: {len(chosen)} mutants tried, {len(every)} places: {told}", flush=True)
    return 0 if unnoticed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
