"""What the README shows works as written."""

import re
import shlex
from pathlib import Path

import click
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm_cli.main import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_python_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    (tmp_path / "structures").symlink_to(ROOT / "structures")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "agf" in capsys.readouterr().out
    with xr.open_datatree(tmp_path / "si-ge-script.nc", engine="h5netcdf") as tree:
        assert tree["comparison"]["conductance"].sizes == {"model": 5, "temperature": 3}


def test_every_command_of_the_readme_is_accepted(monkeypatch):
    joined = re.sub(r"\\\n *", "", README)
    lines = re.findall(r"^    (latmm \w+ [^#\n]*)", joined, re.MULTILINE)
    assert len(lines) >= 20
    runner = CliRunner()
    for line in lines:
        arguments = shlex.split(line.split(">")[0])[1:]
        command = cli.get_command(None, arguments[0])
        while isinstance(command, click.Group):
            arguments = arguments[1:]
            command = command.get_command(click.Context(command), arguments[0])
        context = command.make_context(arguments[0], arguments[1:], resilient_parsing=False)
        assert context.params
        for side in ("left", "right"):
            if context.params.get(side) is not None:
                assert (ROOT / context.params[side]).is_file(), line
    assert runner.invoke(cli, ["--version"]).exit_code == 0


def test_documents_named_in_the_readme_exist():
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / target).exists(), target
