"""The package is found wherever the clone lies and whatever its folder is called."""

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import latmm

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="make is for Unix")
def test_script_beside_a_clone_named_latmm_imports_the_package(tmp_path):
    """What `make` installs, without network: pip, setuptools and dependencies are those of these tests."""
    pytest.importorskip("setuptools", minversion="77")
    pytest.importorskip("pip")
    clone, environment = tmp_path / "latmm", tmp_path / "environment"
    shutil.copytree(
        ROOT,
        clone,
        ignore=shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "docs", "tests"),
    )
    venv.create(environment)
    libraries = [path for path in sys.path if path.endswith("site-packages")] + site.getsitepackages()
    (own,) = environment.glob("lib/python*/site-packages")
    (own / "dependencies.pth").write_text("\n".join(dict.fromkeys(libraries)), encoding="utf-8")
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    stamp = environment / ".installed"
    subprocess.run(
        ["make", "-C", clone, f"VENV={environment}", str(stamp)],
        env=variables | offline,
        check=True,
        capture_output=True,
        timeout=300,
    )
    script = tmp_path / "script.py"
    script.write_text(
        "import latmm; print(latmm.read_structure.__module__, latmm.__file__)", encoding="utf-8"
    )
    done = subprocess.run(
        [environment / "bin" / "python", script], env=variables, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == [latmm.read_structure.__module__, str(clone / "latmm" / "__init__.py")], (
        done.stderr
    )
