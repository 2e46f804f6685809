"""Hostile input: every case is answered in one line, in time, without a trace; see tests/hostile."""

import os

import pytest
from hostile.corpus import corpus
from hostile.drawn import drawn
from hostile.runner import run_here, verdict
from hypothesis import given, settings

EXAMPLES = int(os.environ.get("LATMM_EXAMPLES", "120"))
QUICK = {case.name: case for case in corpus(quick=True)}


@pytest.mark.parametrize("name", QUICK)
def test_hostile_case_is_refused_soundly(name):
    assert verdict(QUICK[name], run=run_here) == []


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None)
@given(drawn())
def test_any_options_are_refused_soundly(case):
    assert verdict(case, run=run_here) == [], case.arguments
