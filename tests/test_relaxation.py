"""Relaxed crystals are where the energy is least, by evaluations that know nothing of the relaxation."""

import re

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator

import latmm.potentials.relaxation as relaxation
from latmm.errors import ConvergenceError, PotentialError
from latmm.geometry.orientation import orient
from latmm.interface.build import build_interface
from latmm.parallel.execution import Execution
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.relaxation import relax_crystal, relax_stacking


def energy(atoms, potential):
    copy = atoms.copy()
    copy.calc = potential.calculator()
    return copy.get_potential_energy()


def strained_energy_slope(atoms, potential, i, j, step=1e-4):
    """σ_ij by central differences of the energy, eV Å⁻³."""
    energies = []
    for sign in (1, -1):
        gradient = np.eye(3)
        gradient[i, j] += sign * step
        copy = atoms.copy()
        copy.set_cell(copy.cell.array @ gradient, scale_atoms=True)
        energies.append(energy(copy, potential))
    return (energies[0] - energies[1]) / (2 * step * atoms.get_volume())


def force_by_differences(atoms, potential, atom, axis, step=1e-4):
    energies = []
    for sign in (1, -1):
        copy = atoms.copy()
        copy.positions[atom, axis] += sign * step
        energies.append(energy(copy, potential))
    return -(energies[0] - energies[1]) / (2 * step)


def test_silicon_relaxes_to_the_bond_length_of_its_pair_term(stillinger_weber):
    """φ₃ vanishes in diamond, so the bond is at the minimum of φ₂: 2^(1/6) σ with σ = 2.0951 Å."""
    start = bulk("Si", a=5.6)
    relaxed = relax_crystal(start, stillinger_weber.calculator, name="silicon")
    assert relaxed.get_distance(0, 1) == pytest.approx(2.0951 * 2 ** (1 / 6), abs=2e-5)
    assert start.cell.cellpar()[0] == pytest.approx(5.6 / np.sqrt(2))
    assert relaxed.calc is None
    assert not relaxed.constraints


@pytest.mark.parametrize("name", ["silicon", "argon"])
def test_relaxed_crystal_has_no_stress(name, request):
    crystal = request.getfixturevalue(name)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)):
        stress = strained_energy_slope(crystal.atoms, crystal.potential, i, j)
        # 1e-5 eV per Å over the volume of an atom, against stiffnesses of 0.02 to 1 eV Å⁻³
        assert abs(stress) < 2e-6


@pytest.fixture(scope="module")
def strained():
    """Germanium 3 % too small in the plane and moved off its symmetric positions."""
    potential = resolve_potential("sw", ["Ge"])
    atoms = orient(bulk("Ge", a=5.65), (0, 0, 1))
    gradient = np.diag([0.97, 0.97, 1.0])
    atoms.set_cell(atoms.cell.array @ gradient, scale_atoms=True)
    atoms.positions[1] += [0.1, -0.05, 0.03]
    return atoms, relax_stacking(atoms, potential.calculator, name="germanium"), potential


def test_stacking_relaxes_the_third_vector_and_leaves_the_plane_alone(strained):
    start, relaxed, potential = strained
    np.testing.assert_array_equal(relaxed.cell.array[:2], start.cell.array[:2])
    for i in range(3):
        assert abs(strained_energy_slope(relaxed, potential, 2, i)) < 2e-6
    assert strained_energy_slope(relaxed, potential, 0, 0) < -0.01  # still compressed in the plane
    for atom in range(2):
        for axis in range(3):
            assert abs(force_by_differences(relaxed, potential, atom, axis)) < 2e-5
    assert relaxed.calc is None


def test_forces_of_the_stacking_are_the_slopes_of_its_energy(strained):
    """Away from equilibrium, where atoms are carried along by the third vector they share."""
    start, _, potential = strained
    atoms = start.copy()
    atoms.positions += [0.0, 0.0, 1.5]  # atoms of the cell may lie anywhere
    atoms.calc = potential.calculator()
    stacking = relaxation._Stacking(atoms)
    points = np.random.default_rng(11).normal(size=(3, 3)) * 0.05
    stacking.set_positions(points)
    forces = stacking.get_forces()
    for place in np.ndindex(3, 3):
        energies = []
        for sign in (1, -1):
            moved = points.copy()
            moved[place] += sign * 1e-4
            stacking.set_positions(moved)
            energies.append(atoms.get_potential_energy())
        assert forces[place] == pytest.approx(-(energies[0] - energies[1]) / 2e-4, abs=1e-6)


def test_stacking_is_the_same_from_any_start(strained):
    start, relaxed, potential = strained
    other = start.copy()
    cell = other.cell.array.copy()
    cell[2] += [0.15, 0.1, -0.2]
    other.set_cell(cell, scale_atoms=True)
    again = relax_stacking(other, potential.calculator, name="germanium")
    np.testing.assert_allclose(again.cell.array, relaxed.cell.array, atol=1e-4)
    apart = again.positions[1] - again.positions[0] - (relaxed.positions[1] - relaxed.positions[0])
    np.testing.assert_allclose(apart, 0.0, atol=1e-4)


def test_tetragonal_strain_follows_linear_elasticity():
    """ε⊥ = −2 (C12/C11) ε; the mean of both signs of ε cancels the second order."""
    potential = resolve_potential("sw", ["Ge"])
    relaxed = relax_crystal(bulk("Ge", a=5.65), potential.calculator, name="germanium")

    def stress(gradient):
        copy = relaxed.copy()
        copy.set_cell(copy.cell.array @ gradient, scale_atoms=True)
        copy.calc = potential.calculator()
        return copy.get_stress(voigt=False)

    # normal strains along cubic axes do not move the sublattices against each other
    step = 1e-4
    rows = (stress(np.diag([1 + step, 1, 1])) - stress(np.diag([1 - step, 1, 1]))) / (2 * step)
    c11, c12 = rows[0, 0], rows[1, 1]
    oriented = orient(relaxed, (0, 0, 1))
    thickness = oriented.cell[2, 2]
    response = {}
    for strain in (0.01, -0.01):
        held = oriented.copy()
        held.set_cell(held.cell.array @ np.diag([1 + strain, 1 + strain, 1]), scale_atoms=True)
        found = relax_stacking(held, potential.calculator, name="germanium")
        response[strain] = found.cell[2, 2] / thickness - 1
    slope = (response[0.01] - response[-0.01]) / 0.02
    assert slope == pytest.approx(-2 * c12 / c11, rel=2e-3)
    # to second order each sign alone departs by ε²
    assert response[0.01] == pytest.approx(-2 * c12 / c11 * 0.01, abs=5e-4)
    assert abs(response[0.01] + response[-0.01]) > 1e-6


class WithoutStress(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(self.atoms), 3))}


@pytest.mark.parametrize("relax", [relax_crystal, relax_stacking])
def test_calculator_without_stress_is_refused(relax):
    with pytest.raises(PotentialError, match=r"the left crystal cannot be relaxed.*stress.*`relax=False`"):
        relax(orient(bulk("Si"), (0, 0, 1)), WithoutStress, name="the left crystal")


def test_relaxation_that_does_not_end_is_refused(monkeypatch, stillinger_weber):
    monkeypatch.setattr(relaxation, "_STEPS", 1)
    with pytest.raises(
        ConvergenceError, match="relaxation of silicon did not reach 1e-05 eV/Å in 1 step"
    ) as told:
        relax_crystal(bulk("Si", a=5.7), stillinger_weber.calculator, name="silicon")
    assert float(re.search(r"largest force left (\S+) eV/Å", str(told.value)).group(1)) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("relax", [relax_crystal, relax_stacking])
def test_a_relaxation_tells_its_steps_and_the_force_that_falls(relax, monkeypatch, stillinger_weber):
    monkeypatch.setattr(relaxation, "_TELL", 0.0)
    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.1, seed=2)
    told = []
    relaxed = relax(atoms, stillinger_weber.calculator, name="silicon", watch=told.append)
    found = [re.fullmatch(r"step (\d+) of 2000 at most, largest force (\S+) eV/Å", text) for text in told]
    assert [int(words.group(1)) for words in found] == list(range(len(told)))
    forces = [float(words.group(2)) for words in found]
    assert forces[0] > 0.1
    assert forces[-1] <= relaxation.FORCE_LIMIT
    assert len(told) > 5
    relaxed.calc = stillinger_weber.calculator()
    assert np.linalg.norm(relaxed.get_forces(), axis=1).max() <= relaxation.FORCE_LIMIT


def test_building_tells_how_the_relaxations_go(monkeypatch, structure, argon_springs):
    """A stage and, after a colon, words: for crystals, the strained side and the contact."""
    monkeypatch.setattr(relaxation, "_TELL", 0.0)
    stages = []
    pair = structure("ar", {"Ar": 80.0}), structure("ar")
    build_interface(
        *pair,
        (0, 0, 1),
        argon_springs,
        how=Execution(progress=lambda stage, done, total: stages.append(stage)),
    )
    words = {stage.partition(":")[0] for stage in stages if ": " in stage}
    assert {"relaxation", "relaxation of the contact"} <= words
    assert any(stage.startswith("relaxation: the right crystal (Ar), step ") for stage in stages)


def test_symmetry_is_kept_while_the_cell_relaxes(stillinger_weber):
    relaxed = relax_crystal(bulk("Si", a=5.8, cubic=True), stillinger_weber.calculator, name="silicon")
    lengths = relaxed.cell.cellpar()
    np.testing.assert_allclose(lengths[:3], lengths[0], rtol=1e-12)
    np.testing.assert_allclose(lengths[3:], 90.0, atol=1e-9)


class Counting:
    """A calculator of argon with its energies multiplied, that counts how often it is asked."""

    def __init__(self, depth):
        self.depth, self.asked = depth, 0

    def __call__(self):
        calculator = resolve_potential("lj", ["Ar"], {"epsilon": self.depth, "sigma": 3.4}).calculator()
        inner = calculator.calculate

        def calculate(*args, **kwargs):
            self.asked += 1
            inner(*args, **kwargs)

        calculator.calculate = calculate
        return calculator


def test_relaxation_of_a_soft_crystal_takes_no_more_steps_than_of_a_stiff_one():
    """Energies times a hundred, and the limit with them: the same path."""
    asked = []
    for depth in (0.0104, 1.04):
        calculator = Counting(depth)
        atoms = bulk("Ar", a=5.25, cubic=True) * (2, 1, 1)
        atoms.positions += np.random.default_rng(3).normal(scale=0.2, size=(8, 3))
        atoms.calc = calculator()
        relaxation.minimise(atoms, name="argon", limit=depth * 1e-3)
        asked.append(calculator.asked)
    assert asked[0] == asked[1]
    assert asked[0] < 60
