"""Choices among equals do not depend on the processor, nor on the last digits of the input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from choices import choices

from latmm.agf.retry import LIMIT
from latmm.ties import canonical_turn, classes, nearest_whole, ordered, phase, smallest, wrapped

CORES = ["Sandybridge", "Haswell", "Zen", "SkylakeX"]
"""Kernels of OpenBLAS; where numpy is built on another library all are the same, and the test holds."""


def runs(core: str) -> bool:
    """Whether this processor has the instructions."""
    flags = Path("/proc/cpuinfo")
    known = flags.read_text(encoding="utf-8") if flags.exists() else ""
    return {"SkylakeX": "avx512f", "Haswell": "avx2", "Zen": "avx2"}.get(core, "avx") in known


@pytest.fixture(scope="module")
def plain():
    return json.loads(json.dumps(choices(0)))


@pytest.mark.slow
@pytest.mark.parametrize("core", [core for core in CORES if runs(core)] or [""])
def test_every_kernel_makes_the_same_choices_on_rattled_cells(core, plain):
    found = subprocess.run(
        [sys.executable, "choices.py", "2"],
        cwd=Path(__file__).parent,
        env={**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    for run in json.loads(found.stdout):
        for name, value in plain.items():
            if name in run:
                assert_same(run[name], value, name)
        assert run.keys() <= plain.keys()


@pytest.mark.slow
def test_every_kernel_computes_the_same_conductances(tmp_path):
    """To what a scattering problem may miss its checks by, LIMIT; words, also those of the checks, are equal.

    The four-probe resistance is a difference of two-probe ones: its error is measured in theirs.
    """
    structures = Path(__file__).parent.parent / "structures"
    words = ["compare", *(str(structures / f"{name}.cif") for name in ("si", "ge")), "-T", "10", "-T", "300"]
    coarse = ["--kmesh", "4", "4", "--frequencies", "8", "--allow", "channels", "--json", "-q", "-j", "1"]
    runs_of = [core for core in CORES if runs(core) and core != "Zen"]
    found = []
    for core in {runs_of[0], runs_of[-1]} if runs_of else ("", ""):
        done = subprocess.run(
            [sys.executable, "-c", "from latmm_cli.main import main; main()", *words, *coarse],
            env={**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1", "LATMM_CACHE": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(json.loads(done.stdout))
    one, other = found[0], found[-1]
    for model, g in one["conductance"].items():
        np.testing.assert_allclose(other["conductance"][model], g, rtol=LIMIT, err_msg=model)
        name = "kapitza_resistance_four_probe"
        np.testing.assert_array_less(
            np.abs(np.subtract(one[name][model], other[name][model])),
            2.0 * LIMIT / np.array(g),
            err_msg=model,
        )
    for name, check in one["checks"].items():
        for key in ("where", "passed", "remedy"):
            assert other["checks"][name][key] == check[key], (name, key)


def assert_same(one, other, name):
    """Integers and words are equal, numbers up to what rounding of the input makes of them."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            if key in ("floats", "loose"):
                limit = 1e-9 if key == "floats" else 1e-5
                np.testing.assert_allclose(one[key], other[key], atol=limit, rtol=0, err_msg=f"{name} {key}")
            else:
                assert_same(one[key], other[key], f"{name} {key}")
    elif isinstance(one, list):
        assert len(one) == len(other), name
        for a, b in zip(one, other, strict=True):
            assert_same(a, b, name)
    else:
        assert one == other, name


def test_values_within_a_tolerance_are_one_class_whatever_their_order():
    values = np.array([1.0, 0.5 + 1e-12, 2.0, 0.5, 1.0 - 1e-13])
    assert classes(values, 1e-9).tolist() == [1, 0, 2, 0, 1]
    assert ordered(classes(values, 1e-9), [0, 2, 0, 1, -1]).tolist() == [3, 1, 4, 0, 2]
    assert smallest([[1.0 + 1e-12, 5.0], [1.0, 7.0], [1.0 + 2e-12, 3.0]], 1e-9) == 2


@pytest.mark.parametrize("noise", [-1e-12, 0.0, 1e-12])
def test_halves_and_boundaries_do_not_hang_on_the_last_digit(noise):
    assert nearest_whole(np.array([0.5, -0.5, 1.5, 0.4, 0.6]) + noise).tolist() == [0, -1, 1, 0, 1]
    np.testing.assert_allclose(wrapped(np.array([0.0, 1.0, -1.0, 0.3, -0.2]) + noise), [0, 0, 0, 0.3, 0.8],
                               atol=1e-11)  # fmt: skip
    assert phase(np.array([-1.0 + 1j * noise]))[0] == pytest.approx(np.pi)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_degenerate_vectors_take_one_form_whatever_spans_them(size):
    rng = np.random.default_rng(size)
    group = np.linalg.qr(rng.normal(size=(6, size)) + 1j * rng.normal(size=(6, size)))[0]
    mixed = group @ np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]
    first, second = (u @ canonical_turn(u) for u in (group, mixed))
    np.testing.assert_allclose(first, second, atol=1e-12)
    np.testing.assert_allclose(first @ first.conj().T, group @ group.conj().T, atol=1e-12)
    row = np.argmax(np.linalg.norm(group, axis=1))
    assert first[row, 0].real == pytest.approx(np.linalg.norm(group[row]))
    assert np.abs(first[row, 1:]).max(initial=0.0) < 1e-12
