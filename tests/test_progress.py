"""Progress off a terminal: a line at the end of each stage, and one now and then in a long one."""

import pytest

from latmm_cli import progress
from latmm_cli.progress import Reporter


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_short_stage_gets_one_line_at_its_end(clock, capsys):
    with Reporter(quiet=False) as report:
        for done in range(5):
            report("modes", done, 4)
            clock(0.5)
    assert capsys.readouterr().err == "modes: done in 2.0 s\n"


def test_long_stage_tells_how_far_it_is_every_ten_seconds(clock, capsys):
    with Reporter(quiet=False) as report:
        for done in range(41):
            report("modes", done, 40)
            clock(1.0)
    out, lines = capsys.readouterr()
    assert out == ""
    assert lines.splitlines() == [
        "modes: 10 of 40 in 10 s, about 30 s left",
        "modes: 20 of 40 in 20 s, about 20 s left",
        "modes: 30 of 40 in 30 s, about 10 s left",
        "modes: done in 40.0 s",
    ]


def test_first_step_that_takes_long_has_no_estimate(clock, capsys):
    with Reporter(quiet=False) as report:
        report("forces", 0, 2)
        clock(60.0)
        report("forces", 0, 2)
    assert capsys.readouterr().err == "forces: 0 of 2 in 60 s\n"


def test_steps_kept_from_an_earlier_run_took_no_time(clock, capsys):
    with Reporter(quiet=False) as report:
        report("modes", 80, 100)
        clock(10.0)
        report("modes", 85, 100)
    assert capsys.readouterr().err == "modes: 85 of 100 in 10 s, about 30 s left\n"


def test_a_stage_may_come_again(clock, capsys):
    with Reporter(quiet=False) as report:
        for _ in range(2):
            report("forces", 0, 1)
            clock(3.0)
            report("forces", 1, 1)
    assert capsys.readouterr().err == 2 * "forces: done in 3.0 s\n"


def test_quiet_says_nothing(clock, capsys):
    with Reporter(quiet=True) as report:
        report("modes", 0, 2)
        clock(60.0)
        report("modes", 2, 2)
    assert capsys.readouterr().err == ""


def test_words_on_how_it_goes_stand_in_place_of_the_steps(clock, capsys):
    with Reporter(quiet=False) as report:
        report("relaxation", 0, 2)
        for step in range(13):
            clock(1.0)
            report(f"relaxation: the left crystal, step {step}, largest force 1.0e-03 eV/Å", 0, 2)
        report("relaxation", 2, 2)
    assert capsys.readouterr().err.splitlines() == [
        "relaxation: the left crystal, step 9, largest force 1.0e-03 eV/Å, 10 s",
        "relaxation: done in 13.0 s",
    ]
