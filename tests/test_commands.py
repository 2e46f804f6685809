"""Commands about latmm and its files: info, cite, doctor; hints, completion, ``python -m latmm``."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import latmm
from latmm import diagnosis
from latmm.citations import SOURCES, bibtex
from latmm.results import read
from latmm_cli.main import cli, main
from latmm_cli.program import COMMANDS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("result") / "media.nc"
    media = ["--left-medium", "al", "--right-medium", "sapphire", "-T", "50", "-T", "100"]
    done = CliRunner().invoke(cli, ["amm", *media, "-o", str(path), "-q"])
    assert done.exit_code == 0, done.output
    return path


def test_info_lists_every_variable_with_its_unit(result):
    tree = read(result)
    told = json.loads(CliRunner().invoke(cli, ["info", str(result), "--json"]).output)
    names = {
        f"{node.path.strip('/')}/{name}".strip("/")
        for node in tree.subtree
        for name in node.to_dataset(inherit=False).variables
    }
    assert set(told["variables"]) == names
    assert told["variables"]["comparison/conductance"]["units"] == "W m-2 K-1"
    g = tree["comparison"]["conductance"].values
    assert told["variables"]["comparison/conductance"]["range"] == [g.min(), g.max()]
    assert told["settings"]["left_medium"] == "al"
    plain = CliRunner().invoke(cli, ["info", str(result)])
    assert plain.exit_code == 0
    for name in names:
        assert f"  {name} " in plain.output, name
    assert f"{g.min():.6g} to {g.max():.6g} W m-2 K-1" in plain.output
    assert "limit: harmonic" in plain.output


def test_info_of_what_is_no_result_is_one_line(tmp_path):
    (tmp_path / "text.nc").write_text("no", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "latmm", "info", str(tmp_path / "text.nc")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("latmm: error: ")
    assert done.stderr.count("\n") == 1


def test_cite_names_the_models_of_a_result(result):
    own = CliRunner().invoke(cli, ["cite"]).output
    assert own.startswith("@software{latmm,")
    assert latmm.__version__ in own
    text = CliRunner().invoke(cli, ["cite", str(result)]).output
    keys = re.findall(r"^@\w+\{(\w+),", text, re.M)
    assert {"latmm", "little1959", "swartz1989", "landauer1987", "tian2012"} <= set(keys)
    assert "reddy2005" not in keys  # no diffuse mismatch was computed
    assert len(keys) == len(set(keys))


def test_every_source_of_cite_is_listed_with_the_same_mark():
    rows = re.findall(
        r"^\| (.+?) \| .+? \| (.+?) \|$", (ROOT / "docs" / "sources.md").read_text("utf-8"), re.M
    )
    for source in SOURCES.values():
        place = re.compile(rf"\b{source.volume}, {source.pages} \({source.year}\)")
        marks = [evidence for text, evidence in rows if place.search(text)]
        assert marks, source.key
        assert source.evidence in marks[0], source.key
    text = bibtex(SOURCES)
    assert text.count("{") == text.count("}")


@pytest.mark.slow
def test_doctor_finds_this_installation_sound():
    done = CliRunner().invoke(cli, ["doctor", "-q", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["a perfect crystal reflects"]["ok"]
    assert told["numpy"]["ok"]


def test_doctor_says_what_is_wrong_and_ends_with_3(monkeypatch, capsys):
    monkeypatch.setattr(diagnosis, "REQUIRED", ("numpy", "no-such-package"))
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--no-test"])
    assert end.value.code == 3
    said = capsys.readouterr()
    assert "missing: pip install" in said.out
    assert "not sound: no-such-package" in said.err


@pytest.mark.parametrize(
    ("typed", "meant"), [(["compar"], "compare"), (["phonon"], "phonons"), (["study", "layer"], "layers")]
)
def test_a_command_misspelt_gets_a_hint(typed, meant):
    done = CliRunner().invoke(cli, typed)
    assert done.exit_code == 2
    assert f"no such command '{typed[-1]}'; did you mean {meant}" in done.output


def test_a_command_like_none_gets_the_list():
    assert "choose from compare, " in CliRunner().invoke(cli, ["xyzzy"]).output


def test_the_package_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "latmm", "--version"], capture_output=True, text=True)
    assert done.stdout.strip() == f"latmm, version {latmm.__version__}"


@pytest.mark.parametrize("words", ["latmm comp", "latmm study l"])
def test_the_shell_completes_commands(words):
    number = str(len(words.split()) - 1)
    variables = {"_LATMM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    start = [sys.executable, "-c", "from latmm_cli.main import main; main()"]
    done = subprocess.run(start, env={**os.environ, **variables}, capture_output=True, text=True)
    found = [line.partition(",")[2] for line in done.stdout.split()]
    assert found == {"latmm comp": ["compare"], "latmm study l": ["layers"]}[words]


def test_every_command_is_described_in_the_document():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"`latmm {name}" in text, name


@pytest.mark.parametrize("name", ["compare", "study layers", "wave", "amm"])
def test_a_help_page_shows_every_option_once_the_commands_own_first(name):
    command = cli
    for word in name.split():
        command = command.get_command(click.Context(cli), word)
    page = CliRunner().invoke(cli, [*name.split(), "-h"]).output
    listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)", page, re.M)
    declared = [max(one.opts, key=len) for one in command.params if isinstance(one, click.Option)]
    assert sorted(listed) == sorted([*declared, "--help", "--log", "--verbose"])
    titles = re.findall(r"^([A-Z][^\n]*):$", page, re.M)
    assert titles.index("Options") < titles.index("Crystals and potential") < titles.index("Output")
    own = {"compare": "--model", "study layers": "--layers", "wave": "--frames", "amm": "--roughness"}[name]
    assert page.index(own) < page.index("\nCrystals and potential:")
