"""Frequencies, velocities, density of states, and the refusal of unstable crystals."""

import re
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from test_force_constants import chain_of_planes

from latmm.errors import InputError, InstabilityError
from latmm.lattice.dynamics import density_of_states, largest_frequency, phonons, q_mesh, require_stable
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
from latmm.units import EV_PER_A2_AMU, TWO_PI


def fractional(atoms: Atoms, k):
    """Fractional wave vector of a Cartesian one, Å⁻¹ with 2π."""
    return np.asarray(k) @ atoms.cell.array.T / TWO_PI


def cubic(silicon, direction):
    """Fractional q of a Cartesian direction in units of 2π/a."""
    a = (4.0 * silicon.atoms.get_volume()) ** (1 / 3)
    return fractional(silicon.atoms, TWO_PI / a * np.asarray(direction, dtype=float))


def test_chain_of_planes_has_its_closed_form_frequency_and_velocity():
    table = chain_of_planes(spring=2.0, mass=7.0, a=3.0)
    q3 = np.array([0.01, 0.1, 0.25, 0.4])
    found = phonons(table, np.column_stack([0 * q3, 0 * q3, q3]))
    top = np.sqrt(4 * 2.0 / 7.0 * EV_PER_A2_AMU)  # rad/ps
    np.testing.assert_allclose(
        found.frequency, top * np.sin(np.pi * q3)[:, None] * np.ones(3) / TWO_PI, rtol=1e-9
    )
    speed = 0.1 * top * 1.5 * np.cos(np.pi * q3)  # dω/dk in km/s, k = 2πq/a
    np.testing.assert_allclose(found.group_velocity[:, :, 2], speed[:, None] * np.ones(3), rtol=1e-9)
    np.testing.assert_allclose(found.group_velocity[:, :, :2], 0.0, atol=1e-9)


def test_group_velocity_is_the_slope_of_the_frequency(silicon):
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 3))
    found = phonons(silicon.constants, q)
    step = 1e-4  # Å⁻¹
    for axis in range(3):
        dq = fractional(silicon.atoms, step * np.eye(3)[axis])
        ahead, behind = (phonons(silicon.constants, q + s * dq).frequency for s in (1, -1))
        slope = 0.1 * TWO_PI * (ahead - behind) / (2 * step)  # km/s
        np.testing.assert_allclose(found.group_velocity[..., axis], slope, atol=2e-5)


def test_eigenvectors_solve_the_eigenproblem_and_are_orthonormal(silicon):
    q = np.vstack([np.random.default_rng(1).uniform(-0.5, 0.5, (4, 3)), cubic(silicon, [0, 0, 1])])
    found = phonons(silicon.constants, q)
    d = silicon.constants.dynamical_matrix(q)
    e = found.eigenvectors
    squares = (TWO_PI * found.frequency) ** 2 / EV_PER_A2_AMU
    np.testing.assert_allclose(d @ e, e * squares[:, None, :], atol=1e-9 * np.abs(d).max())
    np.testing.assert_allclose(e.conj().swapaxes(-1, -2) @ e, np.eye(6) * np.ones((5, 1, 1)), atol=1e-12)


def test_degenerate_modes_at_the_zone_boundary_have_the_slopes_of_their_branches(silicon):
    """LA and LO of diamond meet at X with opposite finite slopes along the normal."""
    found = phonons(silicon.constants, cubic(silicon, [0, 0, 1]))
    ahead = phonons(silicon.constants, cubic(silicon, [0, 0, 1 + 1e-4])).group_velocity[0, :, 2]
    np.testing.assert_allclose(np.sort(found.group_velocity[0, :, 2]), np.sort(ahead), atol=1e-2)
    longitudinal = np.sort(found.group_velocity[0, :, 2])[[0, -1]]
    assert longitudinal[1] > 3.0
    assert longitudinal[0] == pytest.approx(-longitudinal[1], rel=1e-6)


def test_acoustic_modes_at_gamma_have_zero_frequency_and_optical_ones_stand_still(silicon):
    found = phonons(silicon.constants, np.zeros(3))
    np.testing.assert_allclose(found.frequency[0, :3], 0.0, atol=1e-5)
    np.testing.assert_allclose(found.frequency[0, 3:], found.frequency[0, 3], rtol=1e-9)
    np.testing.assert_allclose(found.group_velocity[0], 0.0, atol=1e-6)


@pytest.mark.parametrize("name", ["silicon", "argon"])
def test_frequencies_and_velocities_agree_with_phonopy(name, request):
    crystal = request.getfixturevalue(name)
    q = np.random.default_rng(2).uniform(-0.5, 0.5, (5, 3))
    reference = crystal.phonopy.run_qpoints(q, with_group_velocities=True)
    found = phonons(crystal.constants, q)
    factor = crystal.phonopy.unit_conversion_factor * TWO_PI / np.sqrt(EV_PER_A2_AMU)  # CODATA of two years
    np.testing.assert_allclose(found.frequency * factor, reference.frequencies, rtol=1e-9)
    np.testing.assert_allclose(found.frequency, reference.frequencies, rtol=1e-6)
    # phonopy gives Å THz of ω/2π · 2π: 0.1 km/s each; it differences D(q), hence 1e-6 of the largest speed
    np.testing.assert_allclose(
        found.group_velocity, 0.1 * np.asarray(reference.group_velocities), atol=1e-6 * 10.0
    )


def test_stillinger_weber_silicon_has_its_known_frequencies_and_speeds_of_sound(silicon):
    assert phonons(silicon.constants, np.zeros(3)).frequency[0, -1] == pytest.approx(17.83, abs=0.01)
    assert phonons(silicon.constants, cubic(silicon, [0, 0, 1])).frequency[0, 0] == pytest.approx(
        6.65, abs=0.01
    )
    slow = phonons(silicon.constants, cubic(silicon, [1e-3, 0, 0])).group_velocity[0, :3, 0]
    np.testing.assert_allclose(slow, [4.92, 4.92, 8.06], atol=0.01)
    assert largest_frequency(silicon.constants) == pytest.approx(17.83, abs=0.01)


def test_density_of_states_counts_all_modes_and_has_the_exact_second_moment(silicon):
    top = largest_frequency(silicon.constants)
    nu = np.linspace(0, 1.05 * top, 600)
    dos = density_of_states(silicon.constants, nu, (12, 12, 12))
    assert np.trapezoid(dos, nu) == pytest.approx(6.0, rel=1e-3)
    # Σ ω² over the zone is the trace of the self terms
    home = silicon.constants.values[np.all(silicon.constants.cells == 0, axis=1)][0]
    trace = sum(np.trace(home[i, i]) / m for i, m in enumerate(silicon.atoms.get_masses()))
    moment = np.trapezoid(dos * nu**2, nu)
    assert moment == pytest.approx(trace * EV_PER_A2_AMU / TWO_PI**2, rel=2e-3)


def test_density_of_states_of_a_chain_has_its_closed_form():
    """Away from the divergence at its top: g(ν) = (2/π)/sqrt(ν_max² − ν²) for each polarisation."""
    table = chain_of_planes()
    top = largest_frequency(table, (1, 1, 64))
    nu = np.linspace(0.05, 0.8, 30) * top
    dos = density_of_states(table, nu, (1, 1, 400))
    np.testing.assert_allclose(dos, 3 * 2 / np.pi / np.sqrt(top**2 - nu**2), rtol=5e-3)


def test_q_mesh_covers_the_zone_evenly():
    mesh = q_mesh((2, 3, 4))
    assert mesh.shape == (24, 3)
    np.testing.assert_array_equal(mesh[:2], [[0, 0, 0], [0, 0, 0.25]])
    shifted = q_mesh((2, 3, 4), shift=(0.5, 0.5, 0.5))
    np.testing.assert_allclose(shifted.mean(axis=0), 0.5)
    assert len(np.unique(shifted, axis=0)) == 24
    for wrong in ((2, 3), (0, 1, 1), (1.5, 1, 1)):
        with pytest.raises(InputError, match="three positive integers"):
            q_mesh(wrong)


def test_weights_are_normalised_and_must_match(silicon):
    found = phonons(silicon.constants, np.zeros((2, 3)), np.array([1.0, 3.0]))
    np.testing.assert_allclose(found.weights, [0.25, 0.75])
    assert found.volume == pytest.approx(silicon.atoms.get_volume())
    with pytest.raises(InputError, match="as many weights"):
        phonons(silicon.constants, np.zeros((2, 3)), np.ones(3))


def test_stable_crystal_passes(silicon):
    assert abs(require_stable(silicon.constants, "silicon")) < 1e-9


@pytest.mark.parametrize(("name", "stretch"), [("argon", 1.16), ("silicon", 1.35)])
def test_stretched_crystal_is_refused_with_its_imaginary_frequency_and_place(name, stretch, request):
    crystal = request.getfixturevalue(name)
    atoms = crystal.atoms.copy()
    atoms.set_cell(stretch * atoms.cell.array, scale_atoms=True)
    phonon = finite_displacements(
        atoms, crystal.potential, supercell=choose_supercell(atoms, None, (2, 2, 2))
    )
    table = force_constant_table(phonon, atoms)
    with pytest.raises(InstabilityError, match="the left crystal is unstable") as caught:
        require_stable(table, "the left crystal")
    size = float(re.search(r"([\d.]+)i THz", str(caught.value)).group(1))
    where = np.fromstring(re.search(r"q = \[(.*?)\]", str(caught.value)).group(1), sep=" ")
    assert np.all(np.abs(where) <= 0.5)
    # phonopy reports imaginary frequencies as negative
    at_point = phonon.run_qpoints([where]).frequencies[0, 0]
    everywhere = phonon.run_qpoints(q_mesh((8, 8, 8))).frequencies.min()
    assert size == pytest.approx(-at_point, abs=0.006)
    assert size == pytest.approx(-everywhere, abs=0.006)


def test_crystal_whose_every_mode_is_imaginary_is_refused(argon):
    """At Γ rounding gives ω² of either sign: the largest ω² of all may be negative, too."""
    with pytest.raises(InstabilityError, match="imaginary mode"):
        require_stable(replace(argon.constants, values=-argon.constants.values), "argon")
