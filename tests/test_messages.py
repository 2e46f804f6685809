"""What commands say beside their results: the first line, times, the log, colours."""

import io
import re
import sys

import pytest

from latmm_cli.main import cli, main
from latmm_cli.progress import Reporter

MEDIA = ["amm", "--left-medium", "al", "--right-medium", "sapphire", "-T", "20"]
WRONG = ["amm", "--left-medium", "al", "--right-medium", "nonsense", "-T", "20"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 "


def ended(*words) -> int:
    with pytest.raises(SystemExit) as done:
        main(words)
    return int(done.value.code or 0)


def test_every_long_command_says_at_once_what_begins(monkeypatch, capsys):
    from latmm_cli import amm

    seen = []
    monkeypatch.setattr(
        amm, "temperature_list", lambda values: seen.append(capsys.readouterr().err) or [20.0]
    )
    cli.main(args=MEDIA, prog_name="latmm", standalone_mode=False)
    assert re.fullmatch(r"latmm \S+: amm\n", seen[0])


def test_a_log_keeps_messages_and_the_end_also_when_quiet(tmp_path, capsys):
    log = tmp_path / "run.log"
    assert ended(*WRONG, "-q", "--log", str(log)) == 1
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# log of latmm"
    assert all(re.match(TIME, line) for line in lines[1:])
    assert "no measured medium is called 'nonsense'" in lines[-2]
    assert lines[-1].endswith("ended with 1")
    assert len(capsys.readouterr().err.splitlines()) == 1  # the error alone
    assert ended(*WRONG, "-q", "--log", str(log)) == 1
    assert log.read_text(encoding="utf-8").splitlines()[: len(lines)] == lines  # it goes on


def test_a_log_keeps_the_stages(tmp_path):
    from latmm_cli import messages

    log = tmp_path / "run.log"
    option = next(one for one in messages.message_options() if one.name == "log")
    import click

    option.callback(click.Context(cli), option, str(log))
    assert not log.exists()  # not before the command begins: options are also read to complete or check them
    messages.begin("compare", quiet=True)
    with Reporter(quiet=True) as report:
        report("modes", 0, 1)
        report("modes", 1, 1)
    messages.end("done")
    assert re.search(TIME + r"modes: done in 0\.\d s\n", log.read_text(encoding="utf-8"))


def test_a_file_that_is_no_log_is_left_alone(tmp_path, capsys):
    other = tmp_path / "si.cif"
    other.write_text("data_si\n", encoding="utf-8")
    assert ended(*MEDIA, "--log", str(other)) == 1
    assert "is no log of latmm" in capsys.readouterr().err
    assert other.read_text(encoding="utf-8") == "data_si\n"


def test_verbose_lines_have_times_and_errors_their_origin(capsys):
    assert ended(*WRONG, "-v") == 1
    lines = capsys.readouterr().err.splitlines()
    assert re.match(r"\[ +\d+\.\d\d s\] latmm \S+: amm; Python 3", lines[0])
    assert any("Traceback" in line for line in lines)
    assert ended(*WRONG) == 1  # not for ever
    assert not any("Traceback" in line for line in capsys.readouterr().err.splitlines())


@pytest.mark.parametrize("wanted", [True, False])
def test_bars_have_no_colour_where_none_is_wanted(wanted, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not wanted:
        monkeypatch.setenv("NO_COLOR", "1")
    with Reporter(quiet=False) as report:
        report("modes", 1, 2)
        report("modes", 2, 2)
    coloured = re.search("\x1b\\[[0-9;]*3[0-9](;[0-9;]*)?m", terminal.getvalue())
    assert bool(coloured) is wanted
