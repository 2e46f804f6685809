"""A device with damping: Kirchhoff's sums, the limit of none, reciprocity, the chain with friction."""

import numpy as np
import pytest
from systems import Chain, Ribbon, in_band, random_junction, unsound

from latmm.agf import FoldedLead, Junction, Lead, scatter, scattering
from latmm.agf.damping import dissipate
from latmm.errors import ConvergenceError, InputError
from latmm.inelastic.network import Bulk, solve_network

LAYERS = (5, 2, 6)
NODES = [np.zeros(5, dtype=int), np.array([1, -1]), np.repeat([2, 3], 3)]


def damped_junction(seed: int = 1) -> tuple[Junction, np.ndarray, list[np.ndarray]]:
    """Random leads and device, ω at which either lead has channels, and two sets of rates."""
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, 3, 4, LAYERS)
    omega = np.concatenate([in_band(junction.left, rng, 20), in_band(junction.right, rng, 20)])
    rates = [rng.uniform(0.0, 1.0, (2, 1, m)) * (label >= 0) for m, label in zip(LAYERS, NODES, strict=True)]
    return junction, omega, rates


def probabilities(s) -> np.ndarray:
    """|S|² of all channels, left before right."""
    rows = [[s.reflected_left, s.transmitted_right], [s.transmitted_left, s.reflected_right]]
    return np.concatenate([np.concatenate(row, -1) for row in rows], -2).__abs__() ** 2


def test_without_damping_it_is_the_scattering_matrix():
    junction, omega, rates = damped_junction()
    found = dissipate(junction, omega, [0.0 * r for r in rates], NODES)
    np.testing.assert_allclose(found.scattered[0], probabilities(scatter(junction, omega)), atol=1e-12)
    assert not found.absorbed.any()
    assert not found.emitted.any()
    assert not found.exchanged.any()


def test_kirchhoffs_sums_hold_for_every_wave():
    junction, omega, rates = damped_junction()
    found = dissipate(junction, omega, rates, NODES)
    assert found.kirchhoff.max() < 1e-11
    incoming = np.concatenate([found.left.right.propagating, found.right.left.propagating], -1)
    outgoing = np.concatenate([found.left.left.propagating, found.right.right.propagating], -1)
    for strength in (0, 1):
        absorbed, emitted = found.absorbed[strength], found.emitted[strength]
        np.testing.assert_allclose(found.scattered[strength].sum(-2) + absorbed.sum(-2), incoming, atol=1e-11)
        np.testing.assert_allclose(found.scattered[strength].sum(-1) + emitted.sum(-1), outgoing, atol=1e-11)
    assert 0.1 < found.absorbed.sum(-2).max() < 1.0


def test_what_is_absorbed_is_emitted_at_the_opposite_wave_vector():
    """Reciprocity: the junction at −k∥ is the complex conjugate."""
    junction, omega, rates = damped_junction(2)
    opposite = Junction(
        *(Lead(lead.onsite.conj(), lead.hopping.conj()) for lead in (junction.left, junction.right)),
        tuple(block.conj() for block in junction.onsite),
        tuple(block.conj() for block in junction.hopping),
    )
    there, back = (dissipate(j, omega, rates, NODES) for j in (junction, opposite))
    for side in (np.s_[:3], np.s_[3:]):
        np.testing.assert_allclose(
            there.absorbed[..., side].sum(-1), back.emitted[..., side, :].sum(-2), atol=1e-11
        )
    np.testing.assert_allclose(there.exchanged, back.exchanged.swapaxes(-1, -2), atol=1e-11)
    assert np.abs(there.absorbed.sum(-1) - there.emitted.sum(-2)).max() > 1e-3


def test_folded_leads_are_those_of_the_supercell():
    rng = np.random.default_rng(5)
    ribbon, k, cells = Ribbon.random(rng, 2), 0.3, 2
    written = ribbon.supercell(k, cells)
    folded = ribbon.folded(k, cells)
    omega = in_band(written, rng, 12)
    rates = [rng.uniform(0.0, 1.0, (1, 1, 4))]
    found = []
    for lead in (folded, written):
        w = lead.matrix if isinstance(lead, FoldedLead) else np.eye(4)
        hopping = (written.hopping, written.hopping)
        assert w.shape == (4, 4)
        found.append(
            dissipate(Junction(lead, lead, (written.onsite,), hopping), omega, rates, [np.arange(4) // 2])
        )
    for name in ("scattered", "absorbed", "emitted", "exchanged"):
        one, other = (getattr(each, name) for each in found)
        axes = {"scattered": (-2, -1), "absorbed": (-1,), "emitted": (-2,), "exchanged": ()}[name]
        np.testing.assert_allclose(one.sum(axes), other.sum(axes), atol=1e-10)


@pytest.mark.parametrize(
    ("gamma", "count"), [(0.5, 60), (2.0, 40), pytest.param(0.1, 160, marks=pytest.mark.slow)]
)
def test_chain_with_friction_conducts_as_its_closed_form(gamma, count):
    """Self-consistent temperatures on every mass, classical: κ = k_B a k/(2 m γ) at every γ."""
    lead = Chain(1.0).lead()
    junction = Junction(lead, lead, (lead.onsite,) * count, (lead.hopping,) * (count + 1))
    # the damped chain has weight above its band
    edges = np.array([0.0, 1e-3, 0.01, 0.1, 1.0, 1.9, 2.0, 2.1, 3.0, 6.0, 6.0 + 20.0 * gamma])
    x, weight = np.polynomial.legendre.leggauss(10)
    half = 0.5 * np.diff(edges)[:, None]
    omega, weight = (half * (x + 1.0) + edges[:-1, None]).ravel(), (half * weight / (2.0 * np.pi)).ravel()
    found = dissipate(
        junction, omega, [np.full((1, 1, 1), gamma)] * count, [np.array([n]) for n in range(count)]
    )
    assert found.kirchhoff.max() < 1e-9
    upper = np.concatenate([found.scattered[0], found.emitted[0]], -1)
    lower = np.concatenate([found.absorbed[0], found.exchanged[0]], -1)
    m = np.einsum("p,pij->ij", weight, np.concatenate([upper, lower], -2))  # k_B = 1
    # crystals so short that their reservoirs touch the device
    sides = [Bulk(m[i : i + 1].sum(axis=1), np.array([1e6]), np.array([0.0, 1e-6])) for i in (0, 1)]
    profile = solve_network(*sides, 0.5 * (m + m.T))
    middle = slice(count // 3, 2 * count // 3)
    slope = -np.polyfit(np.arange(count)[middle], profile.temperature_contact[middle], 1)[0]
    assert profile.flux / slope * 2.0 * gamma == pytest.approx(1.0, abs=1e-4)


def test_a_point_that_misses_is_solved_again_or_refused(monkeypatch):
    junction, omega, rates = damped_junction()
    right = dissipate(junction, omega, rates, NODES)
    fast = scattering.states
    monkeypatch.setattr(
        scattering,
        "states",
        lambda *given: (unsound(fast) if given[-1] == "fast" else fast)(*given),
    )
    found = dissipate(junction, omega[:6], rates, NODES)
    assert found.retried.all()
    np.testing.assert_allclose(found.scattered.sum(), right.scattered[:, :6].sum(), rtol=1e-9)
    monkeypatch.setattr(scattering, "states", unsound(fast))
    with pytest.raises(ConvergenceError, match="Kirchhoff"):
        dissipate(junction, omega[:2], rates, NODES)


def test_refuses_damping_that_makes_no_sense():
    junction, omega, rates = damped_junction()
    with pytest.raises(InputError, match="≥ 0"):
        dissipate(junction, omega, [-r for r in rates], NODES)
    with pytest.raises(InputError, match="each of the device layers"):
        dissipate(junction, omega, rates[:2], NODES)
    with pytest.raises(InputError, match="alternatives"):
        dissipate(junction, omega, [r[:, :, :1, None] * np.ones((7, 1)) for r in rates], NODES)
    with pytest.raises(InputError, match="no node"):
        dissipate(junction, omega, [r + 1.0 for r in rates], NODES)
