"""The validation page is what its commands gave, and the cheap ones give it again."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "validation.py"
STORED = json.loads((ROOT / "docs" / "validation.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validation():
    spec = importlib.util.spec_from_file_location("validation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["validation"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["validation"]


def test_the_page_is_what_the_stored_output_says():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_line_has_its_stored_output(validation):
    assert {name: list(one.commands) for name, one in validation.SECTIONS.items()} == {
        name: list(lines) for name, lines in STORED.items()
    }
    assert len(STORED["measured"]) >= 10
    assert len(STORED["routes"]) == 10


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["pb|diamond", "al|cu"])
def test_media_give_their_line_again(validation, pair):
    found, stored = validation.outcome("measured", pair), STORED["measured"][pair]
    for name in ("amm", "dmm", "limit", "measured"):
        assert found[name] == pytest.approx(stored[name], rel=1e-6), name
    # the two that phonons alone, elastically, cannot reach
    assert stored["measured"][1] > stored["limit"]


@pytest.mark.slow
def test_phonopy_gives_its_line_again(validation):
    found = validation.outcome("phonopy", "ar")
    for name in ("frequency", "velocity", "heat_capacity"):
        assert abs(found[name]) < 1e-5, name
        assert all(abs(line[name]) < 1e-5 for line in STORED["phonopy"].values()), name


@pytest.mark.slow
def test_a_contact_gives_its_line_again(validation):
    name = "Ar | heavy Ar (001)"
    found, stored = validation.outcome("routes", name), STORED["routes"][name]
    assert found["conductance"] == pytest.approx(stored["conductance"], rel=1e-4)
    assert found["ratio"] == pytest.approx(stored["ratio"], rel=1e-4)


def test_all_routes_meet():
    for name, line in STORED["routes"].items():
        assert max(line[key] for key in ("unitarity", "caroli", "reciprocity")) < 1e-8, name
        assert abs(line["ratio"] - 1.0) < max(line["error"], 0.005), name
