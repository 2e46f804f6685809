"""The Green's-function kernel on chains, where everything has a closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from systems import (
    Chain,
    atom_between,
    atom_between_transmission,
    chain_junction,
    chain_junction_transmission,
)

from latmm.agf import (
    Junction,
    Lead,
    channels,
    green_function,
    lead_modes,
    scatter,
    scattered_wave,
    self_energies,
    transmission,
)

EXACT = settings(derandomize=True, deadline=None, max_examples=60)
POSITIVE = st.floats(0.2, 5.0)
INSIDE = st.floats(0.01, 0.999)


def test_published_values_of_a_mass_step_and_a_single_atom():
    light, heavy = Chain(1.0), Chain(4.0)
    omega = 0.4 * light.top
    step = Junction(light.lead(), heavy.lead(), (), (np.array([[-0.5]]),))
    assert transmission(step, omega).transmission == pytest.approx(0.7431660358, abs=1e-10)
    atom = atom_between(light, 2.5, heavy)
    assert transmission(atom, omega).transmission == pytest.approx(0.9820602253, abs=1e-10)


@EXACT
@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE, INSIDE)
def test_any_two_chains_joined_by_any_spring(m1, k1, m2, k2, k12, part):
    left, right = Chain(m1, k1), Chain(m2, k2)
    omega = part * min(left.top, right.top)
    found = transmission(chain_junction(left, right, k12), omega)
    assert_allclose(found.transmission, chain_junction_transmission(left, right, k12, omega), atol=1e-10)
    assert_allclose(found.caroli, found.transmission, atol=1e-10)


@EXACT
@given(POSITIVE, POSITIVE, POSITIVE, INSIDE)
def test_any_atom_between_two_chains(m1, m, m2, part):
    left, right = Chain(m1), Chain(m2)
    omega = part * min(left.top, right.top)
    found = transmission(atom_between(left, m, right), omega)
    assert_allclose(found.transmission, atom_between_transmission(left, m, right, omega), atol=1e-10)


def test_long_waves_see_the_impedances_only():
    # T = 4r/(1 + r)², r = √(m₂/m₁); ω² − 2K/m is rounded, which moves θ² by eps and T by eps/θ²
    light, heavy = Chain(1.0), Chain(4.0)
    step = Junction(light.lead(), heavy.lead(), (), (np.array([[-0.5]]),))
    part = np.array([1e-6, 1e-5, 1e-4, 1e-3])
    found = transmission(step, heavy.top * part)
    assert np.all(np.abs(found.transmission - 8.0 / 9.0) < part**2 + 1e-16 / part**2)
    assert found.unitarity.max() < 1e-10


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_band_edge_is_resolved_to_a_relative_distance_of_1e_minus_12(side):
    light, heavy = Chain(1.0), Chain(4.0)
    step = Junction(light.lead(), heavy.lead(), (), (np.array([[-0.5]]),))
    omega = heavy.top * (1.0 + side * 10.0 ** -np.arange(2.0, 12.5))
    found = transmission(step, omega)
    assert found.unitarity.max() < 1e-12
    inside = omega < heavy.top
    assert np.array_equal(found.channels_right, inside.astype(int))
    expected = np.zeros(omega.shape)
    expected[inside] = chain_junction_transmission(light, heavy, 1.0, omega[inside])
    # ω² itself is rounded: its distance from the edge is known to eps/1e-12, and T goes with the root
    assert_allclose(found.transmission, expected, rtol=1e-3, atol=1e-12)
    assert_allclose(found.transmission[:8], expected[:8], rtol=1e-7, atol=1e-12)


def test_bloch_factor_velocity_and_flux_of_a_chain():
    chain = Chain(2.0, 3.0)
    omega = chain.top * np.linspace(0.05, 0.95, 7)
    modes = lead_modes(chain.lead(), omega)
    assert_allclose(modes.right.bloch_factor[:, 0], np.exp(1j * chain.phase(omega)), atol=1e-13)
    assert_allclose(modes.left.bloch_factor[:, 0], np.exp(-1j * chain.phase(omega)), atol=1e-13)
    assert_allclose(modes.right.group_velocity[:, 0], chain.velocity(omega), rtol=1e-12)
    assert_allclose(modes.left.group_velocity[:, 0], -chain.velocity(omega), rtol=1e-12)
    norm = np.abs(modes.right.vectors[:, 0, 0]) ** 2
    assert_allclose(norm * 2.0 * omega * chain.velocity(omega), 1.0, rtol=1e-12)


def test_above_the_band_the_chain_decays_by_the_closed_form():
    chain = Chain(1.0)
    omega = chain.top * np.array([1.01, 1.5, 4.0])
    modes = lead_modes(chain.lead(), omega)
    cosh = 0.5 * omega**2 - 1.0
    decay = -(cosh - np.sqrt(cosh**2 - 1.0))
    assert not modes.right.propagating.any()
    assert_allclose(modes.right.bloch_factor[:, 0], decay, rtol=1e-12)
    assert_allclose(modes.left.bloch_factor[:, 0], 1.0 / decay, rtol=1e-12)
    assert not channels(chain.lead(), omega).any()


def test_self_energy_of_a_chain():
    chain = Chain(2.0, 3.0)
    omega = chain.top * np.linspace(0.1, 0.9, 5)
    sigma = self_energies(chain.lead(), omega)
    expected = -1.5 * np.exp(1j * chain.phase(omega))
    assert_allclose(sigma.right[:, 0, 0], expected, rtol=1e-12)
    assert_allclose(sigma.left[:, 0, 0], expected, rtol=1e-12)


def test_broadening_goes_over_into_the_exact_self_energy():
    chain = Chain(1.0)
    exact = self_energies(chain.lead(), 1.1).right
    errors = [np.abs(self_energies(chain.lead(), 1.1, eta=eta).right - exact).max() for eta in (1e-3, 1e-5)]
    assert errors[0] < 1e-2
    assert errors[1] == pytest.approx(1e-2 * errors[0], rel=0.05)  # linear in η


def test_density_of_states_of_a_chain():
    chain = Chain(2.0, 3.0)
    lead = chain.lead()
    omega = chain.top * np.linspace(0.1, 0.9, 5)
    green = green_function(Junction(lead, lead, (lead.onsite,) * 2, (lead.hopping,) * 3), omega)
    for density in green.density_of_states:
        assert_allclose(density[:, 0], 1.0 / (np.pi * chain.velocity(omega)), rtol=1e-11)


def test_broadened_density_of_states_integrates_to_one():
    lead = Chain(1.0).lead()
    omega = np.linspace(1e-3, 6.0, 3000)
    green = green_function(Junction(lead, lead, (), (lead.hopping,)), omega, eta=0.02)
    total = np.trapezoid(green.density_of_states[0][:, 0], omega)
    assert total == pytest.approx(1.0, abs=5e-3)  # the tail above 6 and the step near 0 are cut


def test_localised_state_above_the_bands_shows_with_broadening_only():
    # a light atom in a chain: ω² = (4K/m) / (1 − ε²), ε = 1 − m'/m
    chain, light = Chain(1.0), 0.5
    junction = atom_between(chain, light, chain)
    local = chain.top / np.sqrt(1.0 - 0.5**2)
    assert transmission(junction, local * 1.001).transmission == 0.0
    eta = 1e-4
    peak = green_function(junction, local, eta=eta).density_of_states[1][0]
    off = green_function(junction, local + 50 * eta, eta=eta).density_of_states[1][0]
    weight = np.pi * eta * peak  # a Lorentzian of weight w peaks at w/(πη)
    # weight of the atom in the state: amplitudes fall as decay^|j|, mass-weighted
    decay = -(1.0 - 0.5) / (1.0 + 0.5)
    expected = light / (light + 2.0 * decay**2 / (1.0 - decay**2))
    assert weight == pytest.approx(expected, rel=1e-3)
    assert off < 1e-3 * peak


def test_scattered_wave_carries_one_flux_from_bond_to_bond():
    junction = atom_between(Chain(1.0), 2.5, Chain(4.0))
    omega = np.array([0.2, 0.5, 0.8])
    wave = scattered_wave(junction, omega, 0)
    s = scatter(junction, omega)
    expected = s.transmissivity_left[:, 0]
    for here, there, hop in zip(wave[:-1], wave[1:], junction.hopping, strict=True):
        flux = -2.0 * np.imag(here[:, 0].conj() * hop[0, 0] * there[:, 0])
        assert_allclose(flux, expected, rtol=1e-12)
    right = scattered_wave(junction, omega, 0, incident="right")
    outgoing = s.transmitted_right[:, 0, 0] * s.left.left.vectors[:, 0, 0]
    assert_allclose(right[0][:, 0], outgoing, rtol=1e-12)


def test_two_chains_folded_onto_one_another_cross_without_loss():
    # a chain counted in pairs: at θ = ±π two bands cross, with equal Bloch factors and opposite velocities
    k = 1.0
    pair = Lead(np.array([[2 * k, -k], [-k, 2 * k]]), np.array([[0, 0], [-k, 0]]))
    centre = np.sqrt(2.0 * k)
    for offset in (0.0, 1e-15, 1e-13, 1e-11, 1e-9, 1e-6, 1e-3):
        found = transmission(Junction(pair, pair, (pair.onsite,), (pair.hopping,) * 2), centre * (1 + offset))
        assert found.transmission == pytest.approx(1.0, abs=1e-8), offset
