"""Foreign calculators: what they change is put back, what they return is checked, they cannot crash latmm."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from importlib.resources import files
from pathlib import Path

import hostile_calculators
import numpy as np
import pytest
from ase.build import bulk

from latmm.errors import PotentialError
from latmm.potentials.cache import cached
from latmm.potentials.calculators import resolve_potential

HARMLESS = (
    "well", "prints", "changes_folder", "seterr", "warns", "takes_signals", "moves_atoms", "array_energy",
    "square_stress",
)  # fmt: skip
REFUSED = {
    "exits0": "SystemExit: 0.*must not end the program",
    "exits_text": "licence expired.*must not end the program",
    "raises_long": "its calculator failed on Ar4",
    "wrong_shape": r"forces must have the shape \(4, 3\), but have \(3, 4\)",
    "one_row": r"but have \(7, 3\)",
    "string_forces": "forces must be real numbers",
    "complex_forces": "forces must be real numbers",
    "ragged_forces": "forces must be real numbers",
    "nan_forces": "nan or inf",
    "none_forces": "forces must be real numbers",
    "lies": "gives no forces",
}
STRUCTURE = str(files("latmm_structures") / "ar.cif")


def world():
    return (
        os.getcwd(),
        np.geterr(),
        list(warnings.filters),
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
    )


def crystal():
    atoms = bulk("Ar", "fcc", 5.3, cubic=True)
    atoms.rattle(0.02, seed=1)
    return atoms


def computed(deed, keep=None):
    potential = resolve_potential("hostile_calculators:hostile", ["Ar"], {"deed": deed})
    if keep is not None:
        potential = cached(potential, keep)
    atoms = crystal()
    atoms.calc = potential.calculator()
    return atoms.get_forces(), atoms.get_potential_energy(), atoms.get_stress(), atoms.positions


def test_every_deed_is_tried():
    assert {*HARMLESS, *REFUSED, "nan_stress"} == set(hostile_calculators.KINDS)


@pytest.mark.parametrize("deed", HARMLESS)
def test_harmless_deeds_leave_no_trace(deed, capfd):
    before = world()
    found = computed(deed)
    assert world() == before
    for value, expected in zip(found, computed("well"), strict=True):
        assert np.array_equal(value, expected)
    assert isinstance(found[1], float)
    out, errors = capfd.readouterr()
    assert out == ""
    assert errors.count("chatter") == (3 if deed == "prints" else 0)


@pytest.mark.parametrize("deed", REFUSED)
def test_what_is_no_force_is_refused_in_one_short_line(deed, tmp_path):
    before = world()
    for keep in (None, tmp_path):
        with pytest.raises(PotentialError, match=REFUSED[deed]) as caught:
            computed(deed, keep)
        assert len(str(caught.value)) < 500
        assert "\n" not in str(caught.value)
    assert world() == before


def test_stress_counts_only_where_it_is_asked_for(tmp_path):
    potential = resolve_potential("hostile_calculators:hostile", ["Ar"], {"deed": "nan_stress"})
    atoms = crystal()
    atoms.calc = cached(potential, tmp_path).calculator()
    assert np.array_equal(atoms.get_forces(), computed("well")[0])
    with pytest.raises(PotentialError, match="stress hold nan or inf"):
        atoms.get_stress()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("exits_setup", "could not be set up .*must not end the program"),
        ("no_calculator", "must return an ASE calculator, but returned int"),
        ("not_there", "has no 'not_there'"),
        ("KINDS", "not callable"),
    ],
)
def test_callables_that_make_no_calculator_are_refused(name, reason):
    with pytest.raises(PotentialError, match=reason):
        resolve_potential(f"hostile_calculators:{name}", ["Ar"]).calculator()


def test_module_that_ends_the_program_is_refused(tmp_path, monkeypatch):
    (tmp_path / "ending.py").write_text("print('chatter')\nraise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PotentialError, match=r"cannot import 'ending'.*must not end the program"):
        resolve_potential("ending:calculator", ["Ar"])


def latmm(*arguments, folder):
    return subprocess.Popen(
        [sys.executable, "-c", "from latmm_cli.main import main; main()", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "LATMM_CACHE": ""},
    )  # fmt: skip


@pytest.mark.slow
def test_crash_of_a_calculator_is_one_line(tmp_path):
    arguments = ["dmm", STRUCTURE, STRUCTURE, "--potential", "hostile_calculators:segfault", "-o", "out.nc"]
    process = latmm(*arguments, folder=tmp_path)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert out == ""
    assert errors.splitlines()[-1].startswith(
        "latmm: error: potential hostile_calculators:segfault: the program"
    )
    assert "SIGSEGV" in errors
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_json_is_one_object_though_the_calculator_prints(tmp_path):
    arguments = [
        "dmm", STRUCTURE, STRUCTURE, "--potential", "hostile_calculators:hostile", "--potential-option",
        "deed=prints", "--no-relax", "--json",
    ]  # fmt: skip
    process = latmm(*arguments, folder=tmp_path)
    out, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 3), errors
    assert "chatter" in errors
    assert "conductance" in json.loads(out)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupts_reach_whoever_does_the_work(number, status, tmp_path):
    (tmp_path / "sleeping.py").write_text("import time\nprint('begun')\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-c", "from latmm_cli.main import main; main()", "dmm", STRUCTURE, STRUCTURE,
         "--potential", "sleeping:calculator"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stderr.readline().endswith(": dmm\n")
    assert process.stderr.readline() == "begun\n"
    time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
