"""Hostile input: every case is answered in one line, in time, without a trace; see tests/hostile."""

import pytest
from hostile.corpus import corpus
from hostile.runner import verdict

QUICK = {case.name: case for case in corpus(quick=True)}


@pytest.mark.parametrize("name", QUICK)
def test_hostile_case_is_refused_soundly(name):
    assert verdict(QUICK[name], apart=False) == []
