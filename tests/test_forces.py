"""Forces are the same whoever computes them; others are asked only for what is unknown and may be shared."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from click.testing import CliRunner
from slow_calculators import processes
from test_executors import Shuffled, alive

from latmm.errors import PotentialError
from latmm.interface.force_constants import displaced_rows
from latmm.interface.registry import scan_registry
from latmm.lattice.folding import folding_error
from latmm.lattice.phonopy_bridge import finite_displacements
from latmm.parallel.execution import Execution
from latmm.potentials.bundled.bonds import BondCalculator
from latmm.potentials.cache import cached, fingerprint
from latmm.potentials.calculators import BUNDLED, resolve_potential
from latmm.potentials.forces import forces_of
from latmm_cli import crystals, sides
from latmm_cli.main import cli
from latmm_cli.sharing import for_forces

SILICON = str(files("latmm_structures") / "si.cif")
ELEMENT = {"tersoff": "Si", "sw": "Si", "eam": "Cu", "emt": "Cu", "lj": "Ar", "bnc": "C"}


@pytest.fixture(scope="module")
def pool():
    """Two processes that take whatever they are given, however little it is worth."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as executor:
        yield executor


class Refusing(Executor):
    """Must not be asked."""

    def submit(self, function, /, *arguments):
        raise AssertionError("work was handed out")


def outside(name, **options):
    return resolve_potential(f"slow_calculators:{name}", ["Si"], {k: str(v) for k, v in options.items()})


def displaced(element="Si", count=6):
    """A crystal off its sites, and displacements of one and of two atoms."""
    atoms = bulk(element, cubic=True)
    atoms.rattle(0.05, seed=2)
    steps = np.random.default_rng(3).normal(0.0, 0.01, (count, 3))
    return atoms, [([n % 4] if n % 2 else [0, 3], step) for n, step in enumerate(steps)]


def by_fresh_calculators(atoms, displacements, potential):
    found = []
    for numbers, step in displacements:
        image = atoms.copy()
        image.positions[numbers] += step
        image.calc = potential.calculator()
        found.append(image.get_forces())
    return np.array(found)


@pytest.mark.parametrize("name", BUNDLED)
def test_forces_of_bundled_potentials_are_the_same_bit_for_bit_whoever_computes_them(name, pool):
    potential = resolve_potential(name, [ELEMENT[name]])
    atoms, moves = displaced(ELEMENT[name])
    reference = by_fresh_calculators(atoms, moves, potential)
    assert np.abs(np.diff(reference, axis=0)).max(axis=(1, 2)).min() > 1e-6
    for executor in (None, pool, Shuffled(len(moves))):
        found = np.array(list(forces_of(atoms, moves, potential, how=Execution(executor))))
        assert np.array_equal(found, reference)


def test_threads_do_not_share_a_calculator(tmp_path):
    atoms, moves = displaced(count=12)
    slow = outside("noted", log=tmp_path, seconds=0.01)
    with ThreadPoolExecutor(3) as threads:
        found = list(forces_of(atoms, moves, slow, how=Execution(threads)))
    assert np.array_equal(found, by_fresh_calculators(atoms, moves, resolve_potential("sw", ["Si"])))


def test_a_calculator_from_outside_computes_in_the_processes_of_the_executor(pool, tmp_path):
    atoms, moves = displaced()
    noted = outside("noted", log=tmp_path, seconds=0.02)
    found = list(forces_of(atoms, moves, noted, how=Execution(pool)))
    assert np.array_equal(found, list(forces_of(atoms, moves, resolve_potential("sw", ["Si"]))))
    who = processes(tmp_path)
    assert len(who) == len(moves)
    assert os.getpid() not in who


def test_progress_counts_what_has_come(tmp_path, pool):
    atoms, moves = displaced()
    for executor in (None, pool):
        seen = []
        list(forces_of(
            atoms, moves, resolve_potential("sw", ["Si"]),
            how=Execution(executor, progress=lambda _, done, total, seen=seen: seen.append((done, total))),
        ))  # fmt: skip
        assert seen == [(done, len(moves)) for done in range(len(moves) + 1)]


def test_cached_forces_are_computed_in_no_process(pool, tmp_path):
    atoms, moves = displaced()
    log, seen = tmp_path / "log", []
    log.mkdir()
    potential = cached(outside("noted", log=log), tmp_path / "cache")
    first = list(forces_of(atoms, moves[:4], potential, how=Execution(pool)))
    assert len(processes(log)) == 4
    again = list(forces_of(
        atoms, moves[:4], potential, how=Execution(Refusing(), progress=lambda _, done, __: seen.append(done))
    ))  # fmt: skip
    assert len(processes(log)) == 4
    assert np.array_equal(first, again)
    every = list(forces_of(
        atoms, moves[::-1], potential, how=Execution(pool, progress=lambda _, done, __: seen.append(done))
    ))  # fmt: skip
    assert len(processes(log)) == 6
    assert np.array_equal(every[2:], first[::-1])
    assert seen == [4, 4, 5, 6]


def test_error_of_a_calculator_is_told_the_same_from_another_process(pool):
    atoms, moves = displaced()
    told = []
    for executor in (None, pool):
        with pytest.raises(PotentialError) as caught:
            list(forces_of(atoms, moves, outside("failing"), how=Execution(executor)))
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert "its calculator failed on Si8 (RuntimeError: no self-consistency)" in told[0]


def test_a_potential_that_cannot_travel_is_computed_here():
    atoms, moves = displaced()
    potential = resolve_potential("sw", ["Si"])
    bound = replace(potential, calculator=lambda: potential.calculator())
    found = list(forces_of(atoms, moves, bound, how=Execution(Refusing())))
    assert np.array_equal(found, list(forces_of(atoms, moves, potential)))


@pytest.mark.slow
def test_crystals_contacts_and_registries_are_the_same_from_several_processes(
    pool, perfect_silicon, silicon, stillinger_weber
):
    matrix = silicon.phonopy.supercell_matrix.T
    phonon = finite_displacements(silicon.atoms, stillinger_weber, supercell=matrix, how=Execution(pool))
    assert np.array_equal(phonon.force_constants, silicon.phonopy.force_constants)
    assert folding_error(silicon.atoms, stillinger_weber, np.eye(3, dtype=int) * 4, how=Execution(pool)) == (
        folding_error(silicon.atoms, stillinger_weber, np.eye(3, dtype=int) * 4)
    )
    slab = perfect_silicon.slab
    rows, shared = (
        displaced_rows(slab, np.array([3, 4]), stillinger_weber, repeat=(2, 2), how=Execution(executor))
        for executor in (None, pool)
    )
    assert np.array_equal(rows.values, shared.values)
    registry, scanned = (
        scan_registry(perfect_silicon.matched, stillinger_weber, how=Execution(executor))
        for executor in (None, pool)
    )
    assert np.array_equal(registry.shift, scanned.shift)
    assert np.array_equal(registry.energy, scanned.energy)


def test_calculators_from_outside_are_shared_out_only_where_that_is_asked_for():
    how = Execution(Refusing())
    own, other = resolve_potential("sw", ["Si"]), outside("failing")
    for processes_, scheduler, asked in ((None, None, False), (1, None, False), (2, None, True),
                                         (None, "local", True)):  # fmt: skip
        options = {"processes": processes_, "scheduler": scheduler}
        assert for_forces(options, own, how) is how
        assert for_forces(options, other, how).executor is (how.executor if asked else None)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("module", [crystals, sides])
def test_commands_compute_with_calculators_from_outside_here_unless_asked(
    module, asked, pool, tmp_path, monkeypatch
):
    @contextmanager
    def lent(options):
        yield pool

    monkeypatch.setattr("latmm_cli.scaling.executor_of", lent)
    command = ["build", "--supercell", "2", "2", "2"] if module is crystals else ["amm"]
    command[1:1] = [SILICON, SILICON, "--no-relax", "-q", "--potential", "slow_calculators:noted"]
    command += ["--potential-option", f"log={tmp_path}", *(["-j", "2"] if asked else [])]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    who = set(processes(tmp_path))
    assert who - {os.getpid()} if asked else who == {os.getpid()}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["match", "amm"])
def test_second_run_finds_its_forces(command, tmp_path, monkeypatch):
    line = [command, SILICON, SILICON, "--potential", "sw", "-q", "--cache", str(tmp_path / "cache")]
    first = CliRunner().invoke(cli, line)
    assert first.exit_code == 0, first.output

    def refused(*arguments):
        raise RuntimeError("computed again")

    monkeypatch.setattr(BondCalculator, "calculate", refused)
    again = CliRunner().invoke(cli, line)
    assert again.exit_code == 0, again.output
    assert again.output == first.output


def test_a_cache_is_no_part_of_what_a_potential_is(tmp_path):
    potential = resolve_potential("sw", ["Si"])
    assert fingerprint(cached(potential, tmp_path)) == fingerprint(potential)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
def test_interrupt_while_processes_compute_forces_leaves_nobody(tmp_path):
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import latmm_cli.main as m; "
    command = ["amm", SILICON, SILICON, "--no-relax", "-j", "2", "--potential", "slow_calculators:program"]
    command += ["--potential-option", f"log={tmp_path}"]
    run = subprocess.Popen(
        [sys.executable, "-c", f"{program}m.main()", *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300  # three interpreters start, on a machine that may be busy
    # two calculate by themselves and have started a program each
    while len(who := set(processes(tmp_path)) - {run.pid}) < 3 and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert run.poll() is None, run.communicate()
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=120)
    assert (run.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert err.endswith("latmm: interrupted; no unfinished file is left\n")
    # a killed process closes its files, which ends the wait above, a moment before it is gone
    deadline = time.monotonic() + 60
    while left := [pid for pid in who if alive(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
