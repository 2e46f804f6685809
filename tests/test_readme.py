"""The README is short, and what it shows is what the program prints."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from latmm.bundled import bundled, copy_bundled
from latmm.errors import InputError
from latmm_cli.main import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_is_short():
    assert len(README.splitlines()) < 150


@pytest.mark.slow
def test_the_table_shown_is_what_the_command_prints(tmp_path, monkeypatch):
    pattern = r"^    (latmm compare .*)\n\nprints.*?```text\n(.*?)```"
    line, table = re.search(pattern, README, re.M | re.S).groups()
    monkeypatch.chdir(tmp_path)
    copy_bundled(tmp_path / "structures")
    done = CliRunner().invoke(cli, shlex.split(line)[1:])
    assert done.exit_code == 0, done.output
    # up to one in the last of five digits, which the sum's order may change
    shown, printed = ([row.split() for row in text.splitlines()] for text in (table, done.output))
    for one, other in zip(shown, printed, strict=True):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            if re.fullmatch(r"[\d.]+", a):
                assert float(a) == pytest.approx(float(b), rel=1e-4 if len(a) > 4 else 0.1), (one, other)
            else:
                assert a == b


def test_structure_files_are_bundled_and_copied_whole(tmp_path):
    assert list(bundled()) == sorted(path.name for path in (ROOT / "structures").glob("*.[cx][iy][fz]"))
    for path in copy_bundled(tmp_path / "new"):
        assert path.read_bytes() == (ROOT / "structures" / path.name).read_bytes()
    with pytest.raises(InputError, match=r"ag\.cif exists; name another folder"):
        copy_bundled(tmp_path / "new")
    (tmp_path / "new" / "si.cif").write_text("mine", encoding="utf-8")
    copy_bundled(tmp_path / "new", replace=True)
    assert "mine" not in (tmp_path / "new" / "si.cif").read_text(encoding="utf-8")


def test_the_command_lists_and_copies_them(tmp_path):
    listed = CliRunner().invoke(cli, ["structures"])
    assert dict(line.split() for line in listed.output.splitlines()) == bundled()
    copied = CliRunner().invoke(cli, ["structures", "-o", str(tmp_path)])
    assert len(copied.output.splitlines()) == len(bundled())


def test_every_package_is_named_for_the_wheel():
    import tomllib

    named = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"])
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "latmm").rglob("__init__.py")}
    assert found <= named


def test_every_document_is_in_the_table_of_contents():
    listed = set((ROOT / "docs" / "index.md").read_text(encoding="utf-8").split())
    files = (path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))
    pages = {path.with_suffix("").as_posix() for path in files if "_build" not in path.parts}
    assert pages - {"index"} <= listed
