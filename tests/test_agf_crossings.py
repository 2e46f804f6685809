"""Modes of opposite directions with one Bloch factor.

Principal layers of several atomic layers fold bands onto one another. The answer
is known from the same stack with the smallest layer, or in closed form.
"""

import numpy as np
import pytest
from modes_systems import contact, diamond, fcc
from numpy.testing import assert_allclose
from scipy.linalg import block_diag
from scipy.optimize import brentq
from systems import (
    Chain,
    band_matrix,
    chain_junction_transmission,
    doubled,
    random_matrix,
    random_slab,
    unsound,
)

from latmm.agf import Junction, Lead, crossings, lead_modes, modes, normalisation, transmission
from latmm.errors import ConvergenceError

DISTANCES = np.array([0.0, *(s * 10.0**-k for k in np.arange(2.0, 15.6, 0.5) for s in (1.0, -1.0))])
"""Relative distances from the crossing: exact, and 1e-15 … 1e-2 to both sides."""


def _turned(lead, rng, real):
    """The lead in a random basis, and the basis."""
    n = lead.size
    q = np.linalg.qr(rng.normal(size=(n, n)) if real else random_matrix(rng, n, n))[0]
    onsite = q.conj().T @ lead.onsite @ q
    return Lead(0.5 * (onsite + onsite.conj().T), q.conj().T @ lead.hopping @ q), q


def _mass_step(light, heavy, copies, rng, real):
    """Equal pairs of chains, counted in layers of two atoms, each step in a basis of its own."""

    def many(block):
        return np.kron(np.eye(copies), block)

    sides = [doubled(c.lead()) for c in (light, heavy)]
    (left, ql), (right, qr) = (_turned(Lead(many(x.onsite), many(x.hopping)), rng, real) for x in sides)
    across = np.zeros((2, 2))
    across[1, 0] = -1.0 / np.sqrt(light.mass * heavy.mass)
    return Junction(left, right, (), (ql.conj().T @ many(across) @ qr,))


@pytest.mark.slow
@pytest.mark.parametrize("fallback", [False, True], ids=["fast", "fallback"])
@pytest.mark.parametrize("real", [False, True], ids=["complex", "real"])
@pytest.mark.parametrize("copies", [1, 2])
def test_mass_step_of_folded_chains_has_the_closed_form_where_bands_cross(
    monkeypatch, copies, real, fallback
):
    light, heavy = Chain(1.0), Chain(1.7)
    if fallback:
        monkeypatch.setattr(modes, "_sorted_states", unsound(modes._sorted_states))
    for seed in range(3):
        junction = _mass_step(light, heavy, copies, np.random.default_rng(seed), real)
        for chain in (light, heavy):  # θ = ±π/2 of the chain is θ = π of the pair, both directions
            omega = np.sqrt(2.0 / chain.mass) * (1.0 + DISTANCES)
            found = transmission(junction, omega)
            expected = copies * chain_junction_transmission(light, heavy, 1.0, omega)
            assert_allclose(found.transmission, expected, atol=copies * 1e-10)
            assert found.unitarity.max() < 1e-12


def _crossings(lead):
    """ω at which bands of opposite slopes meet when two layers are taken as one: θ and θ + π."""

    def bands(theta):
        return np.linalg.eigvalsh(band_matrix(lead, np.array([theta]))[0])

    mesh = np.linspace(-np.pi, 0.0, 101)
    here, there = (np.array([bands(t + s) for t in mesh]) for s in (0.0, np.pi))
    for i, j in np.ndindex(lead.size, lead.size):
        gap = here[:, i] - there[:, j]
        for k in np.flatnonzero(gap[:-1] * gap[1:] < 0.0):
            root = brentq(
                lambda t, i=i, j=j: bands(t)[i] - bands(t + np.pi)[j], mesh[k], mesh[k + 1], xtol=1e-15
            )
            ahead, behind = (
                bands(root + s * np.pi + 1e-5)[b] - bands(root + s * np.pi - 1e-5)[b]
                for s, b in ((0, i), (1, j))
            )
            if ahead * behind < 0.0 and bands(root)[i] > 0.2:
                yield np.sqrt(bands(root)[i])


@pytest.mark.parametrize("seed", range(4))
def test_bands_that_cross_at_any_phase_with_any_slopes(seed):
    rng = np.random.default_rng(seed)
    left, right, across = random_slab(rng, 3), random_slab(rng, 3), random_matrix(rng, 3, 3)
    double = np.zeros((6, 6), dtype=complex)
    double[3:, :3] = across
    omega = np.array(list(_crossings(left)))[:3, None] * (1.0 + DISTANCES)
    assert omega.size > 0
    single = transmission(Junction(left, right, (), (across,)), omega)
    found = transmission(Junction(doubled(left), doubled(right), (), (double,)), omega)
    assert_allclose(found.transmission, single.transmission, atol=1e-10)


@pytest.mark.parametrize("crystal", [fcc, diamond])
def test_a_crystal_in_layers_of_two_transmits_as_in_layers_of_one(crystal):
    # at this k∥ ω(θ) = ω(−θ): all bands of the double layer cross at θ = π
    k = np.array([[1 / 12, 1 / 12]])
    single, double = (contact(crystal(), 2.0, p).junction(k) for p in (1, 2))
    levels = [
        np.linalg.eigvalsh(band_matrix(Lead(x.onsite[0, 0], x.hopping[0, 0]), np.array([np.pi / 2]))[0])
        for x in (single.left, single.right)
    ]
    omega = np.sqrt(np.concatenate(levels))[:, None] * (1.0 + DISTANCES)
    omega = omega.ravel()
    assert_allclose(
        transmission(double, omega).transmission, transmission(single, omega).transmission, atol=1e-9
    )


def _side_by_side(junctions, rng, real):
    """Uncoupled junctions as one, both leads in a random basis."""
    sides = [
        Lead(block_diag(*(s.onsite for s in side)), block_diag(*(s.hopping for s in side)))
        for side in ([j.left for j in junctions], [j.right for j in junctions])
    ]
    (left, ql), (right, qr) = (_turned(side, rng, real) for side in sides)
    across = block_diag(*(j.hopping[0] for j in junctions))
    return Junction(left, right, (), (ql.conj().T @ across @ qr,))


def _held_chains(crossing, spring):
    """A chain held on site, ω² = ``crossing`` at θ = π/2, with a step: in layers of one atom, and of two."""
    left = Lead(np.array([[crossing]]), np.array([[-spring]]))
    right = Lead(0.8 * left.onsite, 0.8 * left.hopping)
    across = np.zeros((2, 2))
    across[1, 0] = -0.7 * spring
    single = Junction(left, right, (), (np.array([[-0.7 * spring]]),))
    return single, Junction(doubled(left), doubled(right), (), (across,))


@pytest.mark.parametrize("detuned", [1e-13, 1e-11, 1e-8, 1e-6, 1e-5])
def test_crossings_that_nearly_coincide_are_each_resolved(detuned):
    # bands of three slopes cross at θ = π of the double layer, at ω² = 2, 2(1 + d) and 2(1 − 2.3 d)
    crossings_at = ((2.0, 1.0), (2.0 * (1.0 + detuned), 0.3), (2.0 * (1.0 - 2.3 * detuned), 0.55))
    single, double = zip(*(_held_chains(*c) for c in crossings_at), strict=True)
    apart = 0.5 * detuned * np.array([-2.3, -1.2, 0.5, 1.0])
    omega = np.sqrt(2.0) * (1.0 + np.concatenate([DISTANCES[::3], apart]))
    expected = sum(transmission(s, omega).transmission for s in single)
    found = transmission(_side_by_side(double, np.random.default_rng(8), real=False), omega)
    assert_allclose(found.transmission, expected, atol=1e-9)


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-9])
def test_a_crossing_beside_an_avoided_one_is_right_or_refused(gap):
    hopping = np.diag([1.0j, -1.0j])
    left, right = (Lead(np.array(h), hopping) for h in ([[3.0, gap], [gap, 3.0]], [[2.9, 0.1], [0.1, 2.9]]))
    avoided = Junction(left, right, (), (0.7 * hopping + 0.05,))
    solved = 0
    for detuned in (0.0, 1e-10, 1e-6):
        single, double = _held_chains(3.0 * (1.0 + detuned), 0.4)
        both = _side_by_side([avoided, double], np.random.default_rng(9), real=False)
        for omega2 in (3.0 * (1.0 + detuned), 3.0 + 1.5 * gap, 3.0 - 2.0 * gap, 3.0 + 10.0 * gap):
            omega = np.sqrt(omega2)
            try:
                found, alone = (transmission(j, omega).transmission for j in (both, avoided))
            except ConvergenceError:
                continue
            expected = alone + transmission(single, omega).transmission
            assert found == pytest.approx(expected, abs=1e-8 + 1e-14 / gap)
            solved += 1
    assert solved > 5


def test_crossing_modes_have_the_velocity_of_their_band():
    rng = np.random.default_rng(3)
    chain = Chain(1.0)
    lead, _ = _turned(doubled(chain.lead()), rng, real=False)
    found = lead_modes(lead, np.sqrt(2.0))
    for waves, sign in ((found.right, 1.0), (found.left, -1.0)):
        # a layer of two atoms has twice the phase
        assert waves.group_velocity[0] == pytest.approx(sign * 0.5 * chain.velocity(np.sqrt(2.0)), rel=1e-12)
    ahead, behind = found.right.vectors[:, 0], found.left.vectors[:, 0]
    assert abs(np.vdot(ahead, behind)) < 1e-13 * np.linalg.norm(ahead) * np.linalg.norm(behind)


def test_an_avoided_crossing_is_left_alone():
    # two chains with opposite slopes, coupled by a gap: exact modes from the closed form of H(θ)
    for gap in (1e-3, 1e-7, 1e-9):
        lead = Lead(np.array([[3.0, gap], [gap, 3.0]]), np.diag([1.0, -1.0]))
        omega2 = 3.0 + 3.0 * gap  # outside of the gap: (2 cos θ)² = (ω² − 3)² − gap²
        found = lead_modes(lead, np.sqrt(omega2))
        cosine = 0.5 * np.sqrt(8.0) * gap
        for waves in (found.right, found.left):
            assert waves.propagating.all()
            assert_allclose(np.sort(np.abs(waves.bloch_factor.real)), cosine, rtol=1e-6)
            ratio = np.abs(waves.vectors[0] / waves.vectors[1])
            mixed = 3.0 - np.sqrt(8.0)
            assert_allclose(np.minimum(ratio, 1 / ratio), mixed, rtol=1e-16 / gap * 20)


def test_states_that_stay_mixed_are_refused(monkeypatch):
    rng = np.random.default_rng(5)
    junction = _mass_step(Chain(1.0), Chain(1.7), 1, rng, real=False)

    def wrong(*given):
        block = np.zeros((2, 2), dtype=complex)
        block[0, 1] = block[1, 0] = 0.2
        return block

    monkeypatch.setattr(crossings, "_overlaps", wrong)
    with pytest.raises(ConvergenceError, match="move omega"):
        transmission(junction, np.sqrt(2.0))


def test_a_wave_is_doubtful_by_its_own_coupling_to_a_partner():
    """Of two right-going states the second decays by rounding and is coupled to the first left-going one."""
    first, second = np.eye(2)
    vectors = np.stack([first, second, second, first], axis=-1)[None].astype(complex)
    onward = np.stack([0.5 * first, second, -second, 0.5 * first], axis=-1)[None].astype(complex)
    slow = np.ones((2, 1, 2), dtype=bool)
    assert normalisation._doubtful(np.eye(2)[None].astype(complex), slow, [vectors, onward]).all()
    vectors[..., [2, 3]], onward[..., [2, 3]] = vectors[..., [3, 2]], onward[..., [3, 2]]
    assert normalisation._doubtful(np.eye(2)[None].astype(complex), slow, [vectors, onward]).all()
    onward[..., 1] *= 0.5  # it decays: no propagating state in disguise
    assert not normalisation._doubtful(np.eye(2)[None].astype(complex), slow, [vectors, onward]).any()
