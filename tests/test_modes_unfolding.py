"""Bloch modes are phonons: where in the zone, on which branch, how fast and how polarised."""

from itertools import product

import numpy as np
import pytest
from ase import Atoms
from modes_systems import contact, diamond, fcc, random_points, sheared

from latmm.agf import lead_modes
from latmm.lattice.dynamics import largest_frequency, phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.modes.brillouin import branch_labels, cartesian, first_zone, longitudinal_fraction
from latmm.modes.unfolding import folded_axis, unfold
from latmm.units import TWO_PI


def unfolded(system, k, nu, direction="right"):
    """Phonons of the left crystal's modes at points k × nu."""
    omega = np.broadcast_to(TWO_PI * np.asarray(nu), (len(k), len(nu)))
    lead = system.junction(k).left
    waves = getattr(lead_modes(lead, omega), direction)
    points = np.repeat(system.folded(0, k), len(nu), axis=0)
    return unfold(
        system.left, system.principal[0], folded_axis(lead, waves), points, omega.ravel()
    ), omega.ravel()


def levels(crystal, count):
    return np.linspace(0.07, 1.02, count) * largest_frequency(crystal)


@pytest.mark.parametrize("principal", [1, 2, 3])
@pytest.mark.parametrize("crystal", [fcc, diamond])
@pytest.mark.parametrize("direction", ["right", "left"])
def test_modes_have_frequency_and_velocity_of_the_phonon_they_unfold_to(crystal, principal, direction):
    system = contact(crystal(), principal=principal)
    found, omega = unfolded(system, random_points(6), levels(system.left, 9), direction)
    assert len(found.point) > 20
    top = omega.max() / TWO_PI
    again = phonons(system.left, found.qpoint)
    assert np.abs(found.frequency - omega[found.point] / TWO_PI).max() < 1e-9 * top
    near = np.abs(again.frequency - found.frequency[:, None]).min(axis=1)
    assert near.max() < 1e-9 * top
    assert found.velocity_mismatch < 1e-6
    sign = 1.0 if direction == "right" else -1.0
    assert np.all(sign * found.group_velocity[:, 2] > 0)


def test_thicker_principal_layers_change_nothing():
    crystal = diamond()
    k, nu = random_points(5, 3), levels(crystal, 7)
    tables = []
    for principal in (1, 2, 3):
        found, _ = unfolded(contact(crystal, principal=principal), k, nu)
        order = np.lexsort((found.wave_vector[:, 2].round(6), found.point))
        columns = (found.point, found.wave_vector, found.group_velocity, found.longitudinal, found.branch)
        tables.append([column[order] for column in columns])
    for table in tables[1:]:
        for ours, theirs in zip(table, tables[0], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize("principal", [1, 2])
def test_degenerate_modes_on_an_axis_are_turned_into_phonons_of_one_group(principal):
    system = contact(fcc(), principal=principal)
    nu = 0.3 * largest_frequency(system.left)
    found, _ = unfolded(system, np.zeros((1, 2)), [nu])
    transverse = found.longitudinal < 0.5
    assert transverse.sum() == 2
    assert len(set(found.group[transverse])) == 1
    for turn in found.turns:
        np.testing.assert_allclose(turn.matrix.conj().T @ turn.matrix, np.eye(len(turn.modes)), atol=1e-12)


def test_modes_that_share_a_bloch_factor_are_told_apart_by_their_sublayers():
    # at the zone's edge a two-fold axis takes q_z to q_z + π/h: both have one λ for layers of two
    system = contact(fcc(), principal=2)
    k = np.array([[0.5, 0.0]])
    found, _ = unfolded(system, k, levels(system.left, 11))
    single, _ = unfolded(contact(fcc()), k, levels(system.left, 11))
    assert found.turns
    for name in ("wave_vector", "group_velocity"):
        ours, theirs = (np.abs(getattr(x, name)[:, 2]) for x in (found, single))
        np.testing.assert_allclose(np.sort(ours), np.sort(theirs), atol=1e-7)


@pytest.mark.parametrize("crystal", [fcc, diamond, sheared])
def test_first_zone_holds_the_shortest_equivalent(crystal):
    constants = crystal((1, 1, 1))
    q = np.random.default_rng(2).uniform(-3, 3, (200, 3))
    reduced = first_zone(constants, q)
    np.testing.assert_allclose(reduced - q, np.rint(reduced - q), atol=1e-9)
    images = np.array(list(product(range(-3, 4), repeat=3)))
    shortest = np.linalg.norm(cartesian(constants, reduced[:, None] + images), axis=-1).min(axis=1)
    np.testing.assert_allclose(np.linalg.norm(cartesian(constants, reduced), axis=-1), shortest, rtol=1e-12)


def test_zone_and_branches_do_not_depend_on_the_primitive_cell():
    one, other = diamond(), sheared()
    k = np.random.default_rng(5).uniform(-0.3, 0.3, (40, 3))
    k[:20] = np.rint(4 * k[:20]) / 4  # many on the zone's boundary
    vectors = cartesian(one, k)
    zones = []
    for constants in (one, other):
        cell = constants.atoms.cell.array
        reduced = first_zone(constants, vectors @ cell.T / TWO_PI)
        zones.append((cartesian(constants, reduced), branch_labels(constants, reduced)))
    np.testing.assert_allclose(zones[0][0], zones[1][0], atol=1e-9)
    np.testing.assert_array_equal(zones[0][1][20:], zones[1][1][20:])


def uncoupled() -> ForceConstants:
    """Simple cubic, x, y and z displacements independent: D_xx = 2A(1 − cos), bands that truly cross."""
    springs = {(1, 0, 0): (1.0, 0.02, 0.01), (0, 1, 0): (0.05, 2.0, 0.01), (0, 0, 1): (0.1, 0.1, 0.1)}
    blocks = {key: -np.diag(values)[None, None] for key, values in springs.items()}
    return ForceConstants.symmetrised(Atoms("Si", cell=np.eye(3) * 3.0, pbc=True), blocks)


def test_branches_pass_through_a_crossing():
    # along (1, 0.6, 0) the y band starts slower (√2·0.6 < 1) and ends higher (√2 sin 0.3π > 1)
    crystal = uncoupled()
    near, far = np.array([[0.05, 0.03, 0.0], [0.5, 0.3, 0.0]])
    order = {}
    for q in (near, far):
        found = phonons(crystal, q)
        polarisation = np.argmax(np.abs(found.eigenvectors[0]), axis=0)
        order[tuple(q)] = dict(zip(polarisation, branch_labels(crystal, q[None])[0], strict=True))
        if q is near:
            ascending = polarisation
    assert list(ascending) == [2, 1, 0]
    assert order[tuple(near)] == order[tuple(far)] == {2: 0, 1: 1, 0: 2}
    assert np.argmax(np.abs(phonons(crystal, far).eigenvectors[0][:, 2])) == 1  # ascending order would err


def test_longitudinal_fractions_of_all_branches_sum_to_the_atoms():
    crystal = diamond()
    q = np.random.default_rng(1).uniform(-0.5, 0.5, (20, 3))
    found = phonons(crystal, q)
    fraction = longitudinal_fraction(cartesian(crystal, q), found.eigenvectors)
    np.testing.assert_allclose(fraction.sum(axis=1), 2.0, atol=1e-12)
    # along the cubic axis z: pure transverse and longitudinal waves
    along = phonons(crystal, np.array([[0.0, 0.0, 0.1]]))
    pure = longitudinal_fraction(cartesian(crystal, along.qpoints), along.eigenvectors)[0]
    np.testing.assert_allclose(np.sort(pure), [0, 0, 0, 0, 1, 1], atol=1e-12)
