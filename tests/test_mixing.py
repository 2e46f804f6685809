"""Two finished calculations joined by a mixing rule: chains in closed form, perfect crystals, invariances."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from latmm.agf import transmission
from latmm.errors import InputError, InstabilityError, MismatchError
from latmm.geometry.matching import Misfit
from latmm.interface.mixing import RULES, mix, mix_interface, require_stable_contact
from latmm.lattice.dynamics import phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, TWO_PI

K = np.array([[0.0, 0.0], [0.11, 0.27], [-0.23, 0.05], [0.4, 0.31]])
NORMALS = ((0, 0, 1), (0, 0, 1))


def cubic(spring: float, mass: float, a: float = 3.0) -> ForceConstants:
    """Simple cubic crystal of one isotropic spring (eV/Å²) to each neighbour: three scalar waves."""
    atoms = Atoms("Ar", cell=a * np.eye(3), pbc=True, masses=[mass])
    blocks = {cell: -spring * np.eye(3)[None, None] for cell in ((1, 0, 0), (0, 1, 0), (0, 0, 1))}
    blocks |= {tuple(-i for i in cell): block for cell, block in blocks.items()}
    return ForceConstants.symmetrised(atoms, blocks)


def chain_transmission(k_left, m_left, k_right, m_right, k_across, omega):
    """T of two chains and one spring between them: X = cot(q/2)/K of each, ω² = 4 (K/m) sin²(q/2)."""
    x = []
    for k, m in ((k_left, m_left), (k_right, m_right)):
        sine = omega / np.sqrt(4.0 * EV_PER_A2_AMU * k / m)
        x.append(np.sqrt(1.0 - sine**2) / sine / k)
    detuning = 2.0 / k_across - 1.0 / k_left - 1.0 / k_right
    return 4.0 * x[0] * x[1] / ((x[0] + x[1]) ** 2 + detuning**2)


@pytest.mark.parametrize(
    ("rule", "right", "across"),
    [("arithmetic", 3.0, 2.0), ("harmonic", 3.0, 1.5), ("mass", 1.0, 1.0)],
)
def test_chains_joined_by_each_rule_transmit_by_the_closed_form(rule, right, across):
    """Springs 1 | 3 eV/Å², masses 20 | 40 amu; under mass only the right one is 1 too."""
    interface = mix_interface(cubic(1.0, 20.0), cubic(3.0, 40.0), NORMALS, rule=rule)
    top = np.sqrt(4.0 * EV_PER_A2_AMU * min(1.0 / 20.0, right / 40.0))
    omega = np.array([0.1, 0.4, 0.8, 0.97]) * top
    found = transmission(interface.junction(K[:1]), omega).transmission[0]
    assert_allclose(found, 3 * chain_transmission(1.0, 20.0, right, 40.0, across, omega), rtol=1e-8)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["silicon", "argon"])
def test_crystal_joined_to_itself_transmits_every_channel(name, rule, request):
    table = request.getfixturevalue(name).constants
    interface = mix_interface(table, table, NORMALS, rule=rule)
    omega = TWO_PI * np.array([0.1, 0.3, 0.6]) * phonons(table, np.array([[0.5, 0.5, 0.0]])).frequency.max()
    found = transmission(interface.junction(K), omega)
    assert found.channels_left.sum() > 10
    assert_allclose(found.transmission, found.channels_left, atol=1e-8)


@pytest.mark.parametrize("rule", RULES)
def test_heavy_silicon_is_what_displacements_of_the_contact_give(silicon, heavy_silicon, rule):
    """Only masses differ: every rule gives the force constants that the contact itself has."""
    masses = np.full(2, heavy_silicon.right.atoms.get_masses()[0])
    interface = mix_interface(silicon.constants, silicon.constants.with_masses(masses), NORMALS, rule=rule)
    omega = TWO_PI * np.array([1.0, 4.0, 7.0, 9.0])
    mine, reference = (transmission(i.junction(K), omega) for i in (interface, heavy_silicon))
    assert_allclose(mine.transmission, reference.transmission, atol=2e-4)


def matrices(seed):
    return np.random.default_rng(seed).normal(size=(2, 3, 3))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6), ratio=st.floats(0.01, 100.0))
def test_mixing_does_not_depend_on_axes_on_sides_or_on_the_order_of_atoms(seed, ratio):
    left, right = matrices(seed)
    right *= ratio
    turn = np.linalg.qr(matrices(seed + 1)[0])[0]
    for rule in ("arithmetic", "harmonic"):
        mixed = mix(left, right, rule)
        size = np.linalg.norm(mixed)
        assert_allclose(mix(right, left, rule), mixed, atol=1e-12 * size)
        assert_allclose(mix(left.T, right.T, rule), mixed.T, atol=1e-12 * size)
        assert_allclose(
            mix(turn.T @ left @ turn, turn.T @ right @ turn, rule), turn.T @ mixed @ turn, atol=1e-12 * size
        )
        assert_allclose(mix(left, left, rule), left, atol=1e-12 * np.linalg.norm(left))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6), ratio=st.floats(0.01, 100.0))
def test_harmonic_rule_is_springs_in_series(seed, ratio):
    """Parallel force constants: 2 k₁ k₂/(k₁ + k₂), as the parallel sum 2 A (A + B)⁻¹ B of matrices gives;
    never above twice the weaker; a positive pair stays positive; nothing where one side has nothing."""
    left, right = matrices(seed)
    assert_allclose(
        mix(left, ratio * left, "harmonic"), 2 * ratio / (1 + ratio) * left, rtol=1e-10, atol=1e-12
    )
    parallel = 2 * left @ np.linalg.inv(left + ratio * left) @ (ratio * left)
    assert_allclose(mix(left, ratio * left, "harmonic"), parallel, atol=1e-7 * np.abs(parallel).max())
    right = ratio * right
    weaker = min(np.linalg.norm(left), np.linalg.norm(right))
    assert np.linalg.norm(mix(left, right, "harmonic")) <= 2 * weaker * (1 + 1e-12)
    positive = mix(left @ left.T, right @ right.T, "harmonic")
    assert np.linalg.eigvalsh(positive).min() > -1e-12 * np.linalg.norm(positive)
    assert not mix(left, np.zeros((3, 3)), "harmonic").any()


def test_sides_can_be_exchanged(silicon, structure, stillinger_weber):
    """Silicon | stiffer, heavier, wider silicon and the same turned round transmit alike, summed over ±k∥."""
    other = silicon.constants.atoms.copy()
    other.set_cell(other.cell.array * 1.04, scale_atoms=True)
    other.set_masses([50.0, 50.0])
    stiff = ForceConstants(other, silicon.constants.cells, 1.7 * silicon.constants.values)
    there = mix_interface(silicon.constants, stiff, NORMALS, rule="harmonic")
    back = mix_interface(stiff, silicon.constants, NORMALS, rule="harmonic", misfit=Misfit("left"))
    assert_allclose(there.matched.strain_right, (1 / 1.04 - 1) * np.eye(2), atol=1e-9)
    assert there.area == pytest.approx(back.area)
    omega = TWO_PI * np.array([1.0, 4.0, 7.0])
    # the two-fold and mirror operations of the diamond contact
    k = np.vstack([K, -K, K[:, ::-1], -K[:, ::-1]])
    forth, reverse = (transmission(i.junction(k), omega).transmission.sum(axis=0) for i in (there, back))
    assert_allclose(forth, reverse, rtol=1e-8)
    assert forth.min() > 0.1


def test_strain_is_geometry_and_leaves_the_phonons_alone(silicon):
    wide = silicon.constants.atoms.copy()
    wide.set_cell(wide.cell.array * 1.05, scale_atoms=True)
    table = ForceConstants(wide, silicon.constants.cells, silicon.constants.values)
    interface = mix_interface(silicon.constants, table, NORMALS)
    # the same springs: the contact is a perfect crystal in spite of 5 % misfit
    found = transmission(interface.junction(K), TWO_PI * np.array([2.0, 6.0]))
    assert_allclose(found.transmission, found.channels_left, atol=1e-8)
    assert interface.checks["dispersion_right"].value < 1e-12


def test_sum_rule_and_exchange_symmetry_hold_across_the_contact(silicon):
    """Force constants with noise in both crystals: the contact keeps both, its self terms are symmetric."""
    noise = np.random.default_rng(3).normal(scale=1e-4, size=(2, *silicon.constants.values.shape))
    noisy = []
    for part in noise:
        values = silicon.constants.values * (1.0 + part)
        blocks = dict(zip(map(tuple, silicon.constants.cells.tolist()), values, strict=True))
        noisy.append(ForceConstants.symmetrised(silicon.constants.atoms, blocks))
    interface = mix_interface(noisy[0], noisy[1], ((1, 1, 1), (1, 1, 1)), rule="harmonic")
    contact = interface.contact
    assert contact.exchange_error < 1e-12
    selves = contact.values[contact.self_term]
    assert_allclose(selves, selves.transpose(0, 2, 1), atol=1e-12 * contact.scale)
    sums = contact.row_sums[interface.slab.within(interface.layers)]
    assert_allclose(sums, 0.0, atol=1e-12 * contact.scale)
    # each crystal for itself kept the springs that it had to within the noise
    assert interface.checks["rotation_left"].value < 1e-4


def test_unstable_contact_is_refused(silicon):
    interface = mix_interface(silicon.constants, silicon.constants, NORMALS)
    contact = interface.contact
    across = interface.slab.side[contact.first] != interface.slab.side[contact.second]
    weak = contact.select(~across).merged(contact.select(across), -1.0)
    weak = weak.with_self_terms({}, adjustable=np.zeros(len(weak.atoms), dtype=bool))
    with pytest.raises(InstabilityError, match="the contact is unstable"):
        require_stable_contact(replace(interface, contact=weak))


def test_wrong_requests_are_refused(silicon, argon):
    with pytest.raises(InputError, match="unknown mixing rule 'geometric'; choose from arithmetic"):
        mix_interface(silicon.constants, silicon.constants, NORMALS, rule="geometric")
    with pytest.raises(MismatchError):
        mix_interface(silicon.constants, argon.constants, NORMALS, misfit=Misfit(max_strain=0.5))


def test_fewer_layers_are_taken_if_asked_and_what_it_costs_is_checked(argon):
    interface = mix_interface(argon.constants, argon.constants, NORMALS, layers=1)
    assert interface.principal == (1, 1)
    assert not interface.checks["cut_slope_left"].passed
