"""Interatomic potentials: derivatives, second implementations, closed forms, published numbers, choice."""

import pickle
from itertools import combinations, product
from math import sqrt

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.calculators.tersoff import Tersoff as AseTersoff
from ase.calculators.tersoff import TersoffParameters
from ase.optimize import BFGS
from hypothesis import given, settings
from hypothesis import strategies as st
from matscipy.calculators.manybody import Manybody
from matscipy.calculators.manybody.explicit_forms.stillinger_weber import Stillinger_Weber_PRB_31_5262_Si
from matscipy.calculators.manybody.explicit_forms.stillinger_weber import (
    StillingerWeber as MatscipyStillingerWeber,
)
from scipy.optimize import brentq

from latmm.errors import PotentialError
from latmm.potentials.calculators import BUNDLED, resolve_potential
from latmm.units import EV_PER_A2_AMU, EV_PER_A3, TWO_PI

METALS = ("Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au")
# potential, elements, structure, lattice constant: mixed and displaced crystals of every kind
CRYSTALS = [
    ("sw", ("Si", "Ge"), "diamond", 5.5),
    ("tersoff", ("C", "Si", "Ge"), "diamond", 5.2),
    ("tersoff", ("C",), "diamond", 3.6),
    ("bnc", ("B", "C", "N"), "diamond", 3.5),
    ("emt", METALS, "fcc", 3.95),
    ("eam", ("Al", "Ni", "Mo", "Mg"), "fcc", 4.0),
    ("lj", ("Ar",), "fcc", 5.27),
    ("lj", ("Ar", "Kr", "Xe"), "fcc", 5.7),
]


def disordered(elements, structure, a, *, displacement=0.1, repeat=(2, 1, 1), seed=5):
    """A crystal of random species with random displacements, Å."""
    rng = np.random.default_rng(seed)
    crystal = bulk("X", structure, a=a, cubic=True) * repeat
    crystal.symbols = rng.choice(elements, len(crystal))
    crystal.positions += rng.normal(scale=displacement, size=(len(crystal), 3))
    return crystal


def with_calculator(crystal, calculator):
    crystal = crystal.copy()
    crystal.calc = calculator
    return crystal


def equilibrium(spec, elements, structure, low, high):
    """The perfect crystal without stress; its atoms sit at sites without force."""
    potential = resolve_potential(spec, elements)

    def crystal(a):
        return with_calculator(bulk("".join(elements), structure, a=a, cubic=True), potential.calculator())

    a = brentq(lambda a: crystal(a).get_stress()[:3].sum(), low, high, xtol=1e-13)
    return a, crystal(a)


def stencil(energy, step):
    """Derivative at 0 to fourth order."""
    return (8 * (energy(step) - energy(-step)) - (energy(2 * step) - energy(-2 * step))) / (12 * step)


@pytest.fixture(params=CRYSTALS, ids=lambda row: f"{row[0]}-{len(row[1])}")
def case(request):
    spec, elements, structure, a = request.param
    # small displacements of argon: a pair that crosses the plain truncation makes the energy jump
    crystal = disordered(elements, structure, a, displacement=0.004 if spec == "lj" else 0.1)
    return crystal, resolve_potential(spec, elements)


def test_forces_are_the_gradient_of_the_energy(case):
    crystal, potential = case
    crystal = with_calculator(crystal, potential.calculator())
    forces = crystal.get_forces()
    for atom, axis in product((0, 3, 7), range(3)):

        def energy(shift, atom=atom, axis=axis):
            moved = crystal.copy()
            moved.positions[atom, axis] += shift
            return with_calculator(moved, crystal.calc).get_potential_energy()

        assert forces[atom, axis] == pytest.approx(
            -stencil(energy, 2e-4), abs=1e-7 * max(1, abs(forces).max())
        )


def test_stress_is_the_gradient_of_the_energy_by_strain(case):
    crystal, potential = case
    crystal = with_calculator(crystal, potential.calculator())
    stress = crystal.get_stress(voigt=False)
    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):

        def energy(strain, i=i, j=j):
            deformation = np.eye(3)
            deformation[i, j] += strain / 2
            deformation[j, i] += strain / 2
            strained = crystal.copy()
            strained.set_cell(crystal.cell @ deformation, scale_atoms=True)
            return with_calculator(strained, crystal.calc).get_potential_energy()

        # strains small enough that no pair of argon crosses the truncation
        slope = stencil(energy, 1e-5) / crystal.get_volume()
        assert stress[i, j] == pytest.approx(slope, abs=1e-7 * max(1, abs(stress).max()))


def test_energy_of_the_atoms_adds_up_and_force_on_the_crystal_vanishes(case):
    crystal, potential = case
    crystal = with_calculator(crystal, potential.calculator())
    assert crystal.get_potential_energies().sum() == pytest.approx(crystal.get_potential_energy(), rel=1e-14)
    np.testing.assert_allclose(crystal.get_forces().sum(axis=0), 0, atol=1e-13)


def test_choice_of_cell_and_images_changes_nothing(case):
    crystal, potential = case
    reference = with_calculator(crystal, potential.calculator())
    moved = crystal.copy()
    moved.positions[::2] += crystal.cell[0] - 2 * crystal.cell[2]  # atoms outside the cell
    oblique = crystal.copy()
    oblique.cell[2] += 2 * crystal.cell[0] - crystal.cell[1]
    left_handed = crystal.copy()
    left_handed.cell[:] = crystal.cell[[1, 0, 2]]
    for same in (moved, oblique, left_handed):
        same.calc = potential.calculator()
        np.testing.assert_allclose(same.get_forces(), reference.get_forces(), atol=1e-11)
        np.testing.assert_allclose(same.get_stress(), reference.get_stress(), atol=1e-13)
        assert same.get_potential_energy() == pytest.approx(reference.get_potential_energy(), rel=1e-12)


@pytest.mark.parametrize(
    ("spec", "element", "structure", "a"),
    [
        ("sw", "Si", "diamond", 5.43),
        ("tersoff", "C", "diamond", 3.57),
        ("emt", "Al", "fcc", 4.0),
        ("lj", "Ar", "fcc", 5.3),
    ],
)
def test_primitive_cell_has_the_energy_of_the_conventional_one(spec, element, structure, a):
    calculator = resolve_potential(spec, [element]).calculator
    primitive = with_calculator(bulk(element, structure, a=a), calculator())
    cubic = with_calculator(bulk(element, structure, a=a, cubic=True), calculator())
    factor = len(cubic) / len(primitive)
    assert primitive.get_potential_energy() * factor == pytest.approx(cubic.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(primitive.get_stress(), cubic.get_stress(), atol=1e-13)


def test_turning_the_crystal_turns_the_forces(case):
    crystal, potential = case
    turned = crystal.copy()
    turned.rotate(37.0, (1, 2, 3), rotate_cell=True)
    rotation = np.linalg.solve(crystal.cell.array, turned.cell.array)
    forces = with_calculator(crystal, potential.calculator()).get_forces()
    np.testing.assert_allclose(
        with_calculator(turned, potential.calculator()).get_forces(), forces @ rotation, atol=1e-11
    )


def test_force_constants_vanish_beyond_the_reach_and_not_beyond_the_bonds(case):
    crystal, potential = case
    crystal = crystal * (4, 8, 8) if len(crystal) == 8 else crystal * (2, 4, 4)
    forces = with_calculator(crystal, potential.calculator()).get_forces()
    moved = crystal.copy()
    moved.positions[0] += (0.001, 0.002, -0.001)
    changed = abs(with_calculator(moved, potential.calculator()).get_forces() - forces).max(axis=1) > 1e-13
    distance = crystal.get_distances(0, range(len(crystal)), mic=True)
    assert potential.reach + 0.01 < crystal.cell.lengths().min() / 2
    assert not changed[distance > potential.reach + 0.005].any()
    many_body = potential.name != "lj"
    assert changed[distance > (0.5 if many_body else 0.9) * potential.reach + 0.005].any()


# --- independent implementations ---------------------------------------------------------------------------


def tersoff_in_lammps_convention(elements):
    """Tersoff's Table I for ASE: (i, j, k) holds the bond i-j in A, B, λ and the cut-off of i-k."""
    # A, B, λ, μ, β, n, c, d, h, R, S: J. Tersoff, PRB 39, 5566 (1989), and its erratum
    table = {
        "C": (1393.6, 346.74, 3.4879, 2.2119, 1.5724e-7, 0.72751, 38049.0, 4.3484, -0.57058, 1.8, 2.1),
        "Si": (1830.8, 471.18, 2.4799, 1.7322, 1.1e-6, 0.78734, 100390.0, 16.217, -0.59825, 2.7, 3.0),
        "Ge": (1769.0, 419.23, 2.4451, 1.7047, 9.0166e-7, 0.75627, 106430.0, 15.652, -0.43884, 2.8, 3.1),
    }
    chi = {frozenset(("C", "Si")): 0.9776, frozenset(("Si", "Ge")): 1.00061}
    parameters = {}
    for i, j, k in product(elements, repeat=3):
        A, B, lam, mu, beta, n, c, d, h, *_ = table[i]
        A2, B2, lam2, mu2 = table[j][:4]
        R, S = (sqrt(table[i][m] * table[k][m]) for m in (9, 10))
        parameters[i, j, k] = TersoffParameters(
            m=3, gamma=1, lambda3=0, c=c, d=d, h=h, n=n, beta=beta,
            lambda2=(mu + mu2) / 2, B=chi.get(frozenset((i, j)), 1.0) * sqrt(B * B2),
            R=(R + S) / 2, D=(S - R) / 2, lambda1=(lam + lam2) / 2, A=sqrt(A * A2),
        )  # fmt: skip
    return AseTersoff(parameters)


@pytest.mark.parametrize(
    ("elements", "a"), [(("C", "Si", "Ge"), 5.2), (("C", "Si"), 4.36), (("Si", "Ge"), 5.5)]
)
def test_tersoff_agrees_with_ase_in_mixed_crystals(elements, a):
    crystal = disordered(elements, "diamond", a, displacement=0.15)
    ours = with_calculator(crystal, resolve_potential("tersoff", elements).calculator())
    ase = with_calculator(crystal, tersoff_in_lammps_convention(elements))
    assert ours.get_potential_energy() == pytest.approx(ase.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), ase.get_forces(), atol=1e-10)
    np.testing.assert_allclose(ours.get_stress(), ase.get_stress(), atol=1e-12)


def test_stillinger_weber_silicon_agrees_with_matscipy():
    crystal = disordered(("Si",), "diamond", 5.43, displacement=0.15)
    ours = with_calculator(crystal, resolve_potential("sw", ["Si"]).calculator())
    other = with_calculator(crystal, Manybody(**MatscipyStillingerWeber(Stillinger_Weber_PRB_31_5262_Si)))
    assert ours.get_potential_energy() == pytest.approx(other.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), other.get_forces(), atol=1e-10)


def test_effective_medium_agrees_with_ase():
    crystal = disordered(METALS, "fcc", 3.95, displacement=0.15, repeat=(2, 2, 1))
    ours = with_calculator(crystal, resolve_potential("emt", METALS).calculator())
    ase = with_calculator(crystal, EMT())
    assert ours.get_potential_energy() == pytest.approx(ase.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), ase.get_forces(), atol=1e-12)
    np.testing.assert_allclose(ours.get_stress(), ase.get_stress(), atol=1e-14)


def test_lennard_jones_has_the_force_of_ase_before_its_smooth_end():
    """Between argon's fifth and sixth shell both end; the energy differs by the same for each pair."""
    crystal = disordered(("Ar",), "fcc", 5.27, displacement=0.01, repeat=(1, 1, 1))
    ours = with_calculator(crystal, resolve_potential("lj", ["Ar"]).calculator())
    ase = with_calculator(crystal, AseLennardJones(epsilon=0.0104, sigma=3.4, rc=8.46))
    np.testing.assert_allclose(ours.get_forces(), ase.get_forces(), atol=1e-12)
    np.testing.assert_allclose(ours.get_stress(), ase.get_stress(), atol=1e-12)
    lift = pair_energy(8.3) - 4 * 0.0104 * ((3.4 / 8.3) ** 12 - (3.4 / 8.3) ** 6)
    shift = 4 * 0.0104 * ((3.4 / 8.46) ** 12 - (3.4 / 8.46) ** 6)
    pairs = 4 * 78 / 2
    difference = ours.get_potential_energy() - ase.get_potential_energy()
    assert difference == pytest.approx(pairs * (lift + shift), rel=1e-9)


def test_lennard_jones_with_a_sharp_end_is_ases():
    """Energy shifted at 2.5 σ, the rest as Lennard and Jones have it."""
    crystal = disordered(("Ar",), "fcc", 5.27, displacement=0.2, repeat=(1, 1, 1))
    potential = resolve_potential("lj", ["Ar"], {"end": "sharp"})
    assert potential.reach == pytest.approx(2.5 * 3.4)
    assert "sharp end at 8.5 Å" in potential.description
    ours = with_calculator(crystal, potential.calculator())
    ase = with_calculator(crystal, AseLennardJones(epsilon=0.0104, sigma=3.4, rc=8.5))
    assert ours.get_potential_energy() == pytest.approx(ase.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), ase.get_forces(), atol=1e-13)
    np.testing.assert_allclose(ours.get_stress(), ase.get_stress(), atol=1e-14)
    smooth = with_calculator(crystal, resolve_potential("lj", ["Ar"], {"end": "smooth"}).calculator())
    assert np.abs(smooth.get_forces() - ase.get_forces()).max() > 1e-6
    given = resolve_potential("lj", ["Ar"], {"end": "sharp", "cutoff": 7.0})
    assert given.reach == 7.0


def test_a_shell_where_the_force_ends_smoothly_gets_a_note():
    """Shells of argon at a √(s/2): the fifth one at 8.330 Å; none within the end by default."""
    crystal = bulk("Ar", a=5.2687)
    for options, told in (({}, False), ({"cutoff": 8.6}, True), ({"cutoff": 8.6, "end": "sharp"}, False)):
        notes = resolve_potential("lj", ["Ar"], options).notes(crystal, crystal)
        assert len(notes) == told
    (note,) = resolve_potential("lj", ["Ar"], {"cutoff": 8.6}).notes(crystal)
    assert (
        "a shell of neighbours (Ar-Ar) at 8.331 Å lies where potential lj ends smoothly, 8.084 to 8.6 Å"
        in note
    )
    assert resolve_potential("sw", ["Si"]).notes(bulk("Si")) == ()


def pair_energy(distance):
    """Energy of two argon atoms."""
    pair = Atoms("Ar2", [[0, 0, 0], [distance, 0, 0]], cell=[60] * 3, pbc=True)
    return with_calculator(pair, resolve_potential("lj", ["Ar"]).calculator()).get_potential_energy()


def test_force_of_lennard_jones_ends_without_a_jump():
    """Energy, force and force constant from values at both sides of where the smooth end begins and stops."""
    step = 1e-3
    for place in (0.94 * 2.65 * 3.4, 2.65 * 3.4):
        x = place + step * np.arange(-3, 4)
        u = np.array([pair_energy(r) for r in x])
        left = u[:3], x[:3]
        right = u[4:], x[4:]
        for order in (0, 1, 2):
            slopes = [
                np.polyval(np.polyder(np.polyfit(r - place, v, 2), order), 0.0) for v, r in (left, right)
            ]
            # the third derivative, 2e-3 eV Å⁻³, may jump; a sharp end would jump by 2e-4, 1e-4, 1e-4
            assert slopes[0] == pytest.approx(slopes[1], abs=(1e-9, 1e-8, 1e-5)[order])
    force = np.diff([pair_energy(r) for r in np.linspace(8.0, 9.01, 60)])
    assert np.all(force > 0)  # attractive to the end


@settings(derandomize=True, deadline=None, max_examples=15)
@given(st.lists(st.sampled_from(["Si", "Ge"]), min_size=5, max_size=5), st.integers(0, 1000))
def test_stillinger_weber_of_a_mixed_cluster_is_the_published_sum(symbols, seed):
    rng = np.random.default_rng(seed)
    tetrahedron = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.42
    positions = tetrahedron + rng.normal(scale=0.12, size=(5, 3)) + 15.0
    cluster = Atoms(symbols, positions, cell=[30] * 3, pbc=True)
    cluster.calc = resolve_potential("sw", ["Si", "Ge"]).calculator()

    one = {"Si": (2.1683, 2.0951, 21.0), "Ge": (1.93, 2.181, 31.0)}

    def mixed(i, j):
        (e1, s1, l1), (e2, s2, l2) = one[symbols[i]], one[symbols[j]]
        return sqrt(e1 * e2), (s1 + s2) / 2, sqrt(l1 * l2)

    def decay(i, j, strength):
        _, sigma, _ = mixed(i, j)
        r = np.linalg.norm(positions[i] - positions[j])
        return np.exp(strength * sigma / (r - 1.8 * sigma)) if r < 1.8 * sigma else 0.0

    energy = 0.0
    for i, j in combinations(range(5), 2):
        epsilon, sigma, _ = mixed(i, j)
        x = sigma / np.linalg.norm(positions[i] - positions[j])
        energy += 7.049556277 * epsilon * (0.6022245584 * x**4 - 1) * decay(i, j, 1.0)
    for i in range(5):
        for j, k in combinations([m for m in range(5) if m != i], 2):
            u, v = positions[j] - positions[i], positions[k] - positions[i]
            cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
            (e1, _, l1), (e2, _, l2) = mixed(i, j), mixed(i, k)
            strength = sqrt(e1 * e2) * sqrt(l1 * l2)
            energy += strength * (cosine + 1 / 3) ** 2 * decay(i, j, 1.2) * decay(i, k, 1.2)
    assert cluster.get_potential_energy() == pytest.approx(energy, rel=1e-12)


# --- closed forms and published numbers --------------------------------------------------------------------


@pytest.mark.parametrize(("element", "epsilon", "sigma"), [("Si", 2.1683, 2.0951), ("Ge", 1.93, 2.181)])
def test_stillinger_weber_diamond_has_bonds_of_the_pair_minimum(element, epsilon, sigma):
    # φ₃ vanishes at the tetrahedral angle, and A, B make φ₂ = −ε at its minimum 2^(1/6) σ (to print digits)
    a, crystal = equilibrium("sw", [element], "diamond", 5.3, 5.8)
    assert a * sqrt(3) / 4 == pytest.approx(2 ** (1 / 6) * sigma, rel=2e-6)
    assert crystal.get_potential_energy() / 8 == pytest.approx(-2 * epsilon, rel=1e-8)


def test_argon_is_the_lattice_sum_of_five_shells():
    # r/r_nn = √s, s = 1 .. 5: no other lies within 2.65 σ, and none where the end is smoothed
    sites, shell = np.array([12, 6, 24, 12, 24]), np.arange(1, 6)
    s12, s6 = np.sum(sites * shell**-6.0), np.sum(sites * shell**-3.0)
    a, crystal = equilibrium("lj", ["Ar"], "fcc", 5.15, 5.35)
    assert a == pytest.approx(sqrt(2) * (2 * s12 / s6) ** (1 / 6) * 3.4, rel=1e-10)
    lift = pair_energy(8.0) - 4 * 0.0104 * ((3.4 / 8) ** 12 - (3.4 / 8) ** 6)
    expected = -0.0104 * s6**2 / (2 * s12) + sites.sum() / 2 * lift
    assert crystal.get_potential_energy() / 4 == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("elements", "structure", "constant", "energy"),
    [(["C"], "diamond", 3.566, -7.37), (["Si"], "diamond", 5.432, -4.63), (["Ge"], "diamond", 5.657, -3.85),
     (["Si", "C"], "zincblende", 4.32, -6.165)],
)  # fmt: skip
def test_tersoff_crystals_have_the_published_lattice_constant_and_cohesive_energy(
    elements, structure, constant, energy
):
    a, crystal = equilibrium("tersoff", elements, structure, 0.96 * constant, 1.04 * constant)
    assert a == pytest.approx(constant, abs=0.0015)
    assert crystal.get_potential_energy() / 8 == pytest.approx(energy, abs=0.005)


def test_tersoff_molecule_of_two_has_full_bond_order():
    length = 2.3
    pair = Atoms("Si2", [[0, 0, 0], [length, 0, 0]], cell=[20] * 3, pbc=True)
    pair.calc = resolve_potential("tersoff", ["Si"]).calculator()
    repulsion, attraction = 1830.8 * np.exp(-2.4799 * length), 471.18 * np.exp(-1.7322 * length)
    assert pair.get_potential_energy() == pytest.approx(repulsion - attraction, rel=1e-12)
    pull = 1.7322 * attraction - 2.4799 * repulsion
    np.testing.assert_allclose(pair.get_forces()[0], [pull, 0, 0], atol=1e-12)


def stiffness(crystal):
    """C11, C12, C44 with internal relaxation, GPa, from finite strains."""

    def stress(i, j, strain):
        deformation = np.eye(3)
        deformation[i, j] += strain / 2
        deformation[j, i] += strain / 2
        strained = with_calculator(crystal, crystal.calc)
        strained.set_cell(crystal.cell @ deformation, scale_atoms=True)
        BFGS(strained, logfile=None).run(fmax=1e-8, steps=60)
        return strained.get_stress()

    step = 1e-4
    axial, shear = (
        (stress(i, j, step) - stress(i, j, -step)) / (2 * step) * EV_PER_A3 for i, j in ((0, 0), (1, 2))
    )
    return axial[0], axial[1], shear[3]


@pytest.mark.parametrize(
    ("spec", "elements", "structure", "near", "published", "tolerance"),
    [
        # zero temperature: M. D. Kluge, J. R. Ray and A. Rahman, J. Chem. Phys. 85, 4028 (1986)
        ("sw", ["Si"], "diamond", 5.43, (151.4, 76.4, 56.4), 0.06),
        # J. Tersoff, PRB 38, 9902 (1988): 1.425, 0.754, 0.690 Mbar
        ("tersoff", ["Si"], "diamond", 5.43, (142.5, 75.4, 69.0), 0.06),
        # J. Tersoff, PRB 39, 5566 (1989), to two digits
        ("tersoff", ["Ge"], "diamond", 5.66, (138, 44, 66), 1.0),
        ("tersoff", ["C"], "diamond", 3.57, (1070, 100, 640), 5.0),
    ],
)
def test_stiffness_is_the_published_one(spec, elements, structure, near, published, tolerance):
    _, crystal = equilibrium(spec, elements, structure, 0.97 * near, 1.03 * near)
    np.testing.assert_allclose(stiffness(crystal), published, atol=tolerance)


def test_central_forces_obey_cauchys_relation():
    _, crystal = equilibrium("lj", ["Ar"], "fcc", 5.15, 5.35)
    _, c12, c44 = stiffness(crystal)
    assert c12 == pytest.approx(c44, rel=1e-6)


def zone_centre_and_x(crystal):
    """Frequencies at Γ and X, THz: those of the conventional cubic cell at q = 0."""
    step, size = 1e-3, 3 * len(crystal)
    hessian = np.empty((size, size))
    for row in range(size):
        forces = []
        for sign in (1, -1):
            moved = with_calculator(crystal, crystal.calc)
            moved.positions[row // 3, row % 3] += sign * step
            forces.append(moved.get_forces().ravel())
        hessian[row] = (forces[1] - forces[0]) / (2 * step)
    mass = np.repeat(crystal.get_masses(), 3)
    square = np.linalg.eigvalsh((hessian + hessian.T) / 2 / np.sqrt(np.outer(mass, mass)))
    return np.sqrt(np.clip(square, 0, None) * EV_PER_A2_AMU) / TWO_PI


@pytest.mark.parametrize(
    ("spec", "element", "near", "optical", "transverse", "tolerance"),
    [("sw", "Si", 5.43, 17.83, 6.65, 0.01), ("tersoff", "Si", 5.43, 16.1, 6.89, 0.05),
     ("tersoff", "Ge", 5.66, 9.9, 4.7, 0.05)],
)  # fmt: skip
def test_phonons_of_diamond_crystals_are_the_known_ones(spec, element, near, optical, transverse, tolerance):
    _, crystal = equilibrium(spec, [element], "diamond", 0.97 * near, 1.03 * near)
    frequency = zone_centre_and_x(crystal)
    # 3 acoustic at Γ, six transverse acoustic modes (two at each X), ..., three optical at Γ on top
    np.testing.assert_allclose(frequency[:3], 0, atol=0.02)
    np.testing.assert_allclose(frequency[3:9], transverse, atol=tolerance)
    np.testing.assert_allclose(frequency[-3:], optical, atol=tolerance)


@pytest.mark.parametrize(
    ("element", "near", "transverse", "longitudinal"),
    [("Al", 4.0, 5.63, 8.60), ("Cu", 3.59, 5.53, 8.14), ("Au", 4.06, 2.41, 3.48), ("Ni", 3.49, 7.27, 10.7)],
)
def test_phonons_of_effective_medium_metals_are_the_known_ones(element, near, transverse, longitudinal):
    _, crystal = equilibrium("emt", [element], "fcc", 0.97 * near, 1.03 * near)
    frequency = zone_centre_and_x(crystal)
    np.testing.assert_allclose(frequency[3:9], transverse, atol=0.02)
    np.testing.assert_allclose(frequency[9:], longitudinal, atol=0.05)


def test_an_atom_alone_has_no_cohesion():
    for spec, element in (("sw", "Si"), ("tersoff", "C"), ("lj", "Ar"), ("emt", "Cu")):
        atom = Atoms(element, cell=[20] * 3, pbc=True)
        atom.calc = resolve_potential(spec, [element]).calculator()
        expected = 3.51 if spec == "emt" else 0.0  # the zero of effective medium theory is the crystal
        assert atom.get_potential_energy() == pytest.approx(expected, abs=1e-12)
        np.testing.assert_array_equal(atom.get_forces(), 0)


# --- choosing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ("Si", "tersoff"),
        (("Si", "Ge"), "tersoff"),
        (("C", "Si"), "tersoff"),
        (("Al", "Cu"), "eam"),
        (("Ar",), "lj"),
        (("B", "N"), "bnc"),
    ],
)
def test_auto_takes_the_bundled_potential_that_covers_all_elements(elements, name):
    potential = resolve_potential("auto", [elements] if isinstance(elements, str) else elements)
    assert potential.name == name
    assert any(year in potential.description for year in ("(19", "(2004)", "(2012)"))


def test_every_bundled_potential_is_one_line_with_its_source_and_can_be_pickled():
    covered = (("C",), ("Si", "Ge"), ("W",), ("Al",), ("Ar",), ("B", "N"))
    for name, elements in zip(BUNDLED, covered, strict=True):
        potential = pickle.loads(pickle.dumps(resolve_potential(name, elements)))
        assert potential.elements == frozenset(elements)
        assert "\n" not in potential.description
        assert potential.calculator() is not potential.calculator()


def test_potential_of_sheets_says_that_a_crystal_is_none():
    potential = resolve_potential("bnc", ["B", "N"])
    (note,) = potential.notes(bulk("BN", "zincblende", a=3.6), Atoms("BN", cell=[2.5, 2.2, 20], pbc=True))
    assert "fitted to sheets and tubes" in note


def test_unfitted_mixture_says_so():
    assert "not fitted" in resolve_potential("tersoff", ["C", "Ge"]).description
    assert "not fitted" not in resolve_potential("tersoff", ["Si", "Ge"]).description


@pytest.mark.parametrize(
    ("elements", "spec", "reach"),
    [(("Si",), "sw", 2 * 1.8 * 2.0951), (("Si", "Ge"), "sw", 2 * 1.8 * 2.181), (("C",), "tersoff", 4.2),
     (("Ge",), "tersoff", 6.2), (("Ar",), "lj", 2.65 * 3.4)],
)  # fmt: skip
def test_reach_is_that_of_the_elements_present(elements, spec, reach):
    assert resolve_potential(spec, elements).reach == pytest.approx(reach, rel=1e-12)


def test_lennard_jones_takes_options_as_text_or_numbers():
    potential = resolve_potential("lj", ["Kr"], {"epsilon": "0.0140", "sigma": 3.65, "cutoff": "40"})
    pair = Atoms("Kr2", [[0, 0, 0], [3.65 * 2 ** (1 / 6), 0, 0]], cell=[40] * 3, pbc=True)
    assert with_calculator(pair, potential.calculator()).get_potential_energy() == pytest.approx(
        -0.014, rel=1e-5
    )
    assert potential.reach == 40.0
    assert resolve_potential("lj", ["Kr"], {"sigma": 3.6}).reach == pytest.approx(2.65 * 3.6)


def test_any_ase_calculator_can_be_named():
    potential = resolve_potential(
        "ase.calculators.lj:LennardJones", ["Ar"], {"epsilon": "0.0104", "sigma": "3.4"}
    )
    calculator = pickle.loads(pickle.dumps(potential)).calculator()
    assert isinstance(calculator.inner, AseLennardJones)
    assert calculator.inner.parameters.epsilon == 0.0104
    assert potential.elements is None
    assert potential.reach is None


@pytest.mark.parametrize(
    ("spec", "elements", "options", "message"),
    [
        ("gap", ["Al"], {}, "unknown potential 'gap'; use auto, tersoff"),
        ("sw", ["C", "Si"], {}, "covers Ge, Si, not C; use tersoff"),
        ("auto", ["Al", "Si"], {}, "tersoff lacks Al; sw lacks Al; eam lacks Si; emt lacks Si"),
        ("auto", ["Ga", "N"], {}, "bnc lacks Ga"),
        ("auto", ["Ga", "P"], {}, "tersoff covers C, Ge, Si"),
        ("auto", ["Ar"], {"epsilon": 1.0}, "need a potential by name"),
        ("sw", ["Si"], {"epsilon": 2.0}, "the potential takes none"),
        ("lj", ["Ar"], {"depth": 1.0}, "unknown option depth"),
        ("lj", ["Ar"], {"end": "blunt"}, "end of potential lj must be smooth or sharp, but is 'blunt'"),
        ("lj", ["Ar"], {"sigma": "-3"}, "sigma of potential lj must be a positive number"),
        ("lj", ["Ar"], {"sigma": "wide"}, "sigma of potential lj must be a positive number"),
        ("nowhere.to_be:found", ["Al"], {}, "cannot import 'nowhere.to_be'"),
        ("ase.calculators.emt:Nothing", ["Al"], {}, "has no 'Nothing'"),
        (":EMT", ["Al"], {}, "use package.module:callable"),
        ("ase.calculators.emt:beta", ["Al"], {}, "not callable"),
        ("ase.build:bulk", ["Al"], {}, "missing a required argument"),
    ],
)
def test_potential_that_cannot_serve_is_refused_in_one_line(spec, elements, options, message):
    with pytest.raises(PotentialError, match=message) as caught:
        resolve_potential(spec, elements, options)
    assert "\n" not in str(caught.value)


def test_callable_that_returns_no_calculator_is_refused():
    potential = resolve_potential("ase.build:bulk", ["Al"], {"name": "Al"})
    with pytest.raises(PotentialError, match="must return an ASE calculator, but returned Atoms"):
        potential.calculator()


def test_element_that_the_potential_was_not_set_up_for_is_refused():
    crystal = bulk("Ge")
    crystal.calc = resolve_potential("sw", ["Si"]).calculator()
    with pytest.raises(PotentialError, match="set up for Si, but the atoms include Ge"):
        crystal.get_potential_energy()
