"""Imports point one way, and the command line starts without the heavy ones."""

import ast
import subprocess
import sys
from pathlib import Path

import latmm

ROOT = Path(latmm.__file__).parent
LEAVES = {
    "arrays", "checks", "defaults", "errors", "files", "limits", "models", "parallel", "reading", "results",
    "structure_formats", "structures", "threads", "ties", "units", "yaml_data",
}  # fmt: skip
# what each part of latmm may import besides itself and the leaves
ALLOWED = {
    **{leaf: set() for leaf in LEAVES},
    "landauer": set(),
    "agf": set(),
    "electrons": set(),
    "experiment": set(),
    "by_temperature": {"lattice"},
    "citations": set(),
    "potentials": set(),
    "lattice": {"landauer", "potentials"},
    "continuum": {"landauer", "lattice"},
    "geometry": {"lattice"},
    "interface": {"potentials", "lattice", "geometry", "agf"},
    "disorder": {"potentials", "lattice", "geometry", "interface"},
    "sampling": {"landauer", "lattice", "interface"},
    "sweep": {"landauer", "lattice", "interface", "sampling", "agf"},
    "modes": {"landauer", "lattice", "geometry", "interface", "sampling", "agf", "sweep", "continuum"},
    "inelastic": {"landauer", "lattice", "interface", "sampling", "agf", "sweep"},
    "low_dimensional": {"landauer", "potentials", "lattice", "geometry", "interface", "agf"},
    "studies": {
        "landauer", "potentials", "lattice", "geometry", "interface", "disorder", "sampling", "agf", "sweep",
        "continuum",
    },
    "comparison": {"landauer", "lattice", "geometry", "interface", "sampling", "continuum", "sweep"},
    "spread": {"comparison", "interface"},
    "plotting": {"landauer", "lattice", "geometry", "interface", "modes", "sweep", "experiment", "stored"},
    "stored": {"landauer"},
}  # fmt: skip


def imported_parts(path: Path) -> set[str]:
    """First-level parts of latmm that a module imports, wherever in its text."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        parts |= {name.split(".")[1] for name in names if name.startswith("latmm.")}
    return {part for part in parts if (ROOT / part).exists() or (ROOT / f"{part}.py").exists()}


def test_imports_point_from_the_leaves_to_the_command_line():
    for path in sorted(ROOT.rglob("*.py")):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if part in ALLOWED or (ROOT / part).is_dir():
            extra = imported_parts(path) - {part} - LEAVES - ALLOWED[part]
            assert not extra, f"{path.relative_to(ROOT)} must not import {sorted(extra)}"
        if path.name != "__main__.py":  # python -m latmm is the command line
            text = path.read_text(encoding="utf-8")
            assert "latmm_cli" not in text, f"{path} must not know the command line"


def test_kernel_knows_no_atoms_and_no_labels():
    for path in (ROOT / "agf").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("import ase", "from ase", "xarray", "phonopy"):
            assert word not in text, f"{path.name} must not use {word}"


def test_only_one_module_imports_phonopy_and_one_spglib():
    for package, home in (("phonopy", "phonopy_bridge.py"), ("spglib", "space_group.py")):
        users = {
            path.name
            for path in ROOT.rglob("*.py")
            if f"import {package}" in path.read_text(encoding="utf-8")
            or f"from {package}" in path.read_text(encoding="utf-8")
        }
        assert users == {home}


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from latmm_cli.main import cli; "
        "result = CliRunner().invoke(cli, ['--help']); assert result.exit_code == 0, result.output; "
        "heavy = {'numpy', 'scipy', 'ase', 'phonopy', 'xarray', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_drawing_of_the_architecture_is_up_to_date():
    script = Path(__file__).parent.parent / "docs" / "architecture.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
