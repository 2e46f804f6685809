"""Forces are computed once for each structure and potential, and found again unchanged."""

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from ase.build import bulk
from click.testing import CliRunner

from latmm.errors import InputError
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements
from latmm.potentials import cache as force_cache
from latmm.potentials.bundled.bonds import BondCalculator
from latmm.potentials.cache import cached, default_folder
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.relaxation import relax_crystal
from latmm_cli.main import cli


@pytest.fixture
def counted():
    """A potential that counts the calculators it had to make; one computes as often as it is asked."""
    potential = resolve_potential("sw", ["Si"])
    made.clear()
    return replace(potential, calculator=Counting(potential.calculator))


made: list[int] = []


class Counting:
    """Makes calculators and notes each."""

    def __init__(self, factory):
        self.factory = factory

    def __call__(self):
        made.append(1)
        return self.factory()


def rattled(seed=1):
    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def results(potential, atoms):
    image = atoms.copy()
    image.calc = potential.calculator()
    return image.get_potential_energy(), image.get_forces(), image.get_stress()


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_found_results_are_those_computed_bit_for_bit(counted, tmp_path):
    plain = results(resolve_potential("sw", ["Si"]), rattled())
    first = results(cached(counted, tmp_path), rattled())
    assert len(made) == 1
    again = results(cached(counted, tmp_path), rattled())
    assert len(made) == 1
    assert same(plain, first)
    assert same(first, again)


def test_relaxation_and_displacements_are_found_again(counted, tmp_path):
    def phonons():
        potential = cached(counted, tmp_path)
        crystal = relax_crystal(bulk("Si", a=5.5), potential.calculator, name="silicon")
        return finite_displacements(
            crystal, potential, supercell=choose_supercell(crystal, potential.reach)
        ).force_constants

    first = phonons()
    assert len(made) > 1
    made.clear()
    assert np.array_equal(phonons(), first)
    assert not made


@pytest.mark.parametrize("change", ["position", "cell", "species", "boundary", "parameters"])
def test_anything_that_matters_is_computed_anew(counted, tmp_path, change):
    results(cached(counted, tmp_path), rattled())
    atoms, potential = rattled(), counted
    if change == "position":
        atoms.positions[3, 1] += 5e-11
    elif change == "cell":
        atoms.set_cell(atoms.cell.array * (1 + 1e-10))
    elif change == "species":
        atoms.numbers[0] = 32
        potential = replace(potential, calculator=Counting(resolve_potential("sw", ["Si", "Ge"]).calculator))
    elif change == "boundary":
        atoms.pbc = (True, True, False)
    else:
        potential = replace(potential, description=potential.description + " of another paper")
    made.clear()
    results(cached(potential, tmp_path), atoms)
    assert len(made) == 1


def test_atoms_that_differ_by_rounding_are_found(counted, tmp_path):
    first = results(cached(counted, tmp_path), rattled())
    atoms = rattled()
    atoms.positions += np.random.default_rng(2).uniform(-1e-14, 1e-14, atoms.positions.shape)
    atoms.set_cell(atoms.cell.array * (1 + 2e-16))
    made.clear()
    assert same(results(cached(counted, tmp_path), atoms), first)
    assert not made


def test_parameters_of_one_name_are_told_apart(tmp_path):
    energies = set()
    for epsilon in (0.01, 0.02):
        potential = cached(resolve_potential("lj", ["Si"], {"epsilon": epsilon, "sigma": 2.1}), tmp_path)
        energies.add(results(potential, rattled())[0])
    assert len(energies) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_entries_are_computed_again(counted, tmp_path, damage):
    first = results(cached(counted, tmp_path), rattled())
    (entry,) = tmp_path.iterdir()
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes({"cut": bytes(content[:-9]), "flipped": bytes(content), "empty": b""}[damage])
    made.clear()
    assert same(results(cached(counted, tmp_path), rattled()), first)
    assert len(made) == 1
    made.clear()
    assert same(results(cached(counted, tmp_path), rattled()), first)  # and is whole again
    assert not made


def test_old_entries_go_when_the_cache_is_full(counted, tmp_path, monkeypatch):
    for seed in range(6):
        results(cached(counted, tmp_path), rattled(seed))
    size = next(tmp_path.iterdir()).stat().st_size
    monkeypatch.setattr(force_cache, "_MOST_BYTES", 5 * size)
    cached(counted, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    made.clear()
    results(cached(counted, tmp_path), rattled(5))  # the youngest stayed
    assert not made


def test_folder_is_the_users_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LATMM_CACHE", str(tmp_path / "own"))
    assert default_folder() == tmp_path / "own"
    monkeypatch.setenv("LATMM_CACHE", "")
    assert default_folder() is None
    monkeypatch.delenv("LATMM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "latmm" / "forces"


def test_what_cannot_be_cached_is_refused(counted, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        cached(counted, tmp_path / "file")
    with pytest.raises(InputError, match="no lasting name"):
        cached(replace(counted, calculator=lambda: None), tmp_path)


@pytest.mark.slow
def test_second_command_with_another_mesh_computes_no_forces(tmp_path, monkeypatch):
    monkeypatch.setenv("LATMM_CACHE", str(tmp_path / "cache"))
    silicon = str(files("latmm_structures") / "si.cif")
    command = ["compare", silicon, silicon, "--potential", "sw", "--model", "amm", "-q"]
    first = CliRunner().invoke(cli, [*command, "-T", "300"])
    assert first.exit_code == 0, first.output
    assert list((tmp_path / "cache").iterdir())

    def refused(*arguments):
        raise RuntimeError("computed again")

    monkeypatch.setattr(BondCalculator, "calculate", refused)
    again = CliRunner().invoke(cli, [*command, "-T", "200", "--frequencies", "60"])
    assert again.exit_code == 0, again.output
    without = CliRunner().invoke(cli, [*command, "--no-cache"])
    assert "computed again" in str(without.exception)
