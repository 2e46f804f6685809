"""Study files say what the command line says, results can be computed once more."""

import json
from pathlib import Path

import click
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.results import read
from latmm.yaml_data import plain_yaml
from latmm_cli.configuration import command_named, effective, schema, template, words_of
from latmm_cli.main import cli, main

FILE = """\
command: amm
left-medium: al
right_medium: sapphire
temperature: [50, "100:200:50"]
model: [amm, radiation-debye]
normal: [1, 1, 1]
"""
OPTIONS = [
    *("--left-medium", "al", "--right-medium", "sapphire", "-T", "50", "-T", "100:200:50"),
    *("--model", "amm", "--model", "radiation-debye", "--normal", "1", "1", "1"),
]


def told(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(cli, [*arguments, "--json", "-q"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_file_says_what_the_command_line_says(study):
    assert told("run", str(study)) == told("amm", *OPTIONS)


@pytest.mark.slow
def test_the_command_line_goes_over_the_file_and_the_file_over_the_default(study):
    again = told("run", str(study), "-T", "77", "--model=amm")
    assert again == told("amm", *OPTIONS[:4], "-T", "77", "--model", "amm", "--normal", "1", "1", "1")
    checked = json.loads(CliRunner().invoke(cli, ["config", "check", str(study)]).output)
    assert checked["normal"] == [1, 1, 1]
    assert checked["relax"] is True  # of the default


@pytest.mark.slow
def test_the_effective_settings_are_stored_and_a_result_repeats_them(study, tmp_path):
    assert CliRunner().invoke(cli, ["run", str(study), "-o", "first.nc", "-q"]).exit_code == 0
    first = read(tmp_path / "first.nc")
    stored = json.loads(first.attrs["configuration"])
    assert first.attrs["command"] == "amm"
    assert stored["normal"] == [1, 1, 1]
    assert stored["relax"] is True
    refused = CliRunner().invoke(cli, ["run", "first.nc", "-q"])
    assert "first.nc exists" in str(refused.exception)  # not over itself
    assert CliRunner().invoke(cli, ["run", "first.nc", "-o", "second.nc", "-q"]).exit_code == 0
    second = read(tmp_path / "second.nc")
    for node in first.subtree:
        xr.testing.assert_identical(
            node.to_dataset(inherit=False).drop_attrs(),
            second[node.path].to_dataset(inherit=False).drop_attrs(),
        )
    assert {**stored, "output": ""} == {**json.loads(second.attrs["configuration"]), "output": ""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("command: amm\nleft_medum: al", "unknown key 'left_medum'; did you mean left_medium?"),
        ("command: amn", "there is no command 'amn'; did you mean amm?"),
        ("command: study", "is a group; choose one of"),
        ("left_medium: al", "must name its command"),
        ("command: amm\nrelax: perhaps", "relax must be true or false"),
        ("command: amm\nnormal: [1, 1]", "normal must be a list of 3 values, but is [1, 1]"),
        ("command: amm\nleft_medium: [al, cu]", "left_medium must be one value"),
        ("command: amm\nnormal: [1, 1, x]", "Invalid value for '--normal': 'x' is not a valid integer"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, capsys, text, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    for words in (["config", "check"], ["run"]):
        with pytest.raises(SystemExit) as end:
            main([*words, str(path)])
        assert end.value.code == 2
        assert message in capsys.readouterr().err


def test_masses_may_be_written_as_a_mapping():
    _, command = command_named("compare")
    found = effective(
        command, words_of(command, {"left": "a", "right": "b", "right_mass": {"Si": 72.63}}, "f"), "compare"
    )
    assert found["right_mass"] == ("Si=72.63",)


def all_commands(group: click.Group = cli, above: str = "") -> list[str]:
    context = click.Context(cli)
    found = []
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        words = f"{above} {name}".strip()
        found += all_commands(below, words) if isinstance(below, click.Group) else [words]
    return found


@pytest.mark.parametrize(
    "words",
    [
        w
        for w in all_commands()
        if w.split()[0] not in ("run", "config", "info", "cite", "doctor", "structures")
    ],
)
def test_the_file_that_init_writes_holds_the_defaults(words):
    """Every line that has a value, uncommented: the command takes it for what it would do unasked."""
    _, command = command_named(words)
    known = schema(command, words.split())["properties"]
    lines = list(template(command, words.split()))
    settings = plain_yaml("\n".join(lines).encode(), "template")
    assert settings.pop("command") == words
    for key, value in settings.items():  # what must be given
        count = known[key].get("minItems", 0)
        settings[key] = value if value is not None else ["3"] * count if count else "3"
    plain = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    defaults = [x for x in plain if x.split(": ")[0] in known and "[LEFT, RIGHT]" not in x]
    given = plain_yaml("\n".join(defaults).encode(), "template") or {}
    assert given or words in ("measured", "report")  # which have no option with a default
    asked = effective(command, words_of(command, {**given, **settings}, "f"), words)
    assert asked == effective(command, words_of(command, settings, "f"), words)


def test_schema_knows_every_key_that_check_shows(study):
    checked = json.loads(CliRunner().invoke(cli, ["config", "check", str(study)]).output)
    described = json.loads(CliRunner().invoke(cli, ["config", "schema", "amm"]).output)
    assert set(described["properties"]) == set(checked)
    assert described["properties"]["normal"]["minItems"] == 3
    assert described["properties"]["relax"] == {
        "type": "boolean",
        "description": "Relax the crystals of the files.",
        "default": True,
    }
