"""Change the code of latmm in one place at a time and see whether its tests notice: ``make mutants``.

cosmic-ray makes the changes (arithmetic, comparisons, numbers, conditions, loops), the tests of the changed
part judge them, up to the first that fails. A mutant that passes all of them survives and is printed with
its place. All mutants take days: a random sample of each part is tried, drawn from a seed.

    python tests/mutants.py --sample 20 --seed 0 agf landauer

Each mutant is made in a copy of the tree and judged by a process of its own, forked from one that imported
what the tests need of other packages; after the time limit it is ended, and counts as noticed.
"""

import argparse
import ast
import contextlib
import difflib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "landauer": (("latmm/landauer.py",), ("landauer", "limits", "tables")),
    "agf": (
        ("latmm/agf/*.py",),
        ("agf_chains", "agf_symmetry", "agf_scattering", "agf_crossings", "agf_supercells"),
    ),
    "studies": (
        ("latmm/studies/*.py",),
        ("study_cli", "study_layers", "disorder_contacts", "study_resume", "tables"),
    ),
    "export": (
        ("latmm/modes/export.py", "latmm/modes/transport.py"),
        ("modes_transport", "modes_output", "modes_cli"),
    ),
    "comparison": (("latmm/comparison.py",), ("comparison", "limits", "sweep_accuracy", "guards")),
    "continuum": (("latmm/continuum/*.py",), ("continuum_*", "limits")),
}
"""Part → its files, and its tests, the ones that say most in the least time first."""
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


def mutants(path: Path) -> Iterator[tuple[int, str]]:
    """Line and new text of every mutant of a file, but for those in docstrings and annotations."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    source = path.read_text(encoding="utf-8")
    tree = get_ast(source)
    same = ast.dump(ast.parse(source))
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        places = sum(1 for node in ast_nodes(tree) for _ in operator.mutation_positions(node))
        for number in range(places):
            text = mutate_code(source, operator, number)
            if text is None or ast.dump(ast.parse(text)) == same:
                continue
            pairs = zip(source.splitlines(), text.splitlines(), strict=False)
            yield next(i for i, (old, new) in enumerate(pairs, 1) if old != new), text


def judge(copy: Path, tests: list[str], limit: float) -> str:
    """Run the tests in a forked process: "noticed", "survived" or "too long"."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            os.chdir(copy)
            quiet = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(quiet, stream)
            sys.path[:0] = [str(copy), str(copy / "tests")]
            import pytest

            options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--rootdir", str(copy)]
            code = int(pytest.main([*options, *tests]))
        finally:
            os._exit(code)  # never back to the parent's work
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if status == 0 else "noticed"
        time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "too long"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--sample", type=int, default=20, help="mutants of each part (20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for each mutant (300)")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for name in (
        "numpy",
        "scipy.optimize",
        "xarray",
        "ase.io",
        "phonopy",
        "h5netcdf",
        "matplotlib.pyplot",
    ):
        __import__(name)  # once for all
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "latmm"
        leave = shutil.ignore_patterns(".venv*", ".git", "__pycache__", ".*_cache", "build", "*.egg-info")
        shutil.copytree(ROOT, copy, ignore=leave, symlinks=True)
        for name, source in (("latmm_cli", "cli"), ("latmm_structures", "structures")):
            (copy / name).symlink_to(source)
        os.environ["PYTHONPATH"] = str(copy)  # for commands that tests start
        for part in options.parts:
            patterns, names = PARTS[part]
            files = sorted(found for pattern in patterns for found in copy.glob(pattern))
            tests = [
                str(found) for name in names for found in sorted((copy / "tests").glob(f"test_{name}.py"))
            ]
            if judge(copy, tests, 4 * options.limit) != "survived":
                sys.exit(f"{part}: its tests fail on the code as it is")
            every = [(path, *mutant) for path in files for mutant in mutants(path)]
            chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))
            counts = {"noticed": 0, "survived": 0, "too long": 0}
            for path, line, text in sorted(chosen, key=lambda mutant: mutant[:2]):
                original = path.read_text(encoding="utf-8")
                path.write_text(text, encoding="utf-8")
                try:
                    verdict = judge(copy, tests, options.limit)
                finally:
                    path.write_text(original, encoding="utf-8")
                counts[verdict] += 1
                if verdict == "survived":
                    changes = difflib.unified_diff(original.splitlines(), text.splitlines(), n=0, lineterm="")
                    print(f"survived: {path.relative_to(copy)}:{line}", flush=True)
                    print("\n".join(change for change in list(changes)[3:]), flush=True)
            survivors += counts["survived"]
            print(f"{part}: {len(chosen)} of {len(every)} mutants: {counts}", flush=True)
    return 0 if survivors == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
