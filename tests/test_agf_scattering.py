"""Identities of the scattering matrix on random stable stacks, and the ways a failure shows."""

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from systems import (
    Chain,
    band_edges,
    band_matrix,
    crossings,
    doubled,
    in_band,
    random_junction,
    random_matrix,
    random_slab,
    unsound,
)

from latmm.agf import (
    Junction,
    Lead,
    batch,
    channels,
    fallback,
    green_function,
    lead_modes,
    modes,
    scatter,
    scattered_wave,
    scattering,
    self_energies,
    transmission,
)
from latmm.agf.forms import Forms
from latmm.agf.normalisation import unit_flux
from latmm.errors import ConvergenceError, InputError

EXACT = settings(derandomize=True, deadline=None, max_examples=25)
SEED = st.integers(0, 2**32 - 1)
SIZE = st.integers(1, 5)


def adjoint(a):
    return np.swapaxes(a, -1, -2).conj()


@EXACT
@given(SEED, SIZE, SIZE, st.lists(SIZE, max_size=4))
def test_s_is_unitary_reciprocal_and_agrees_with_caroli(seed, n_left, n_right, layers):
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, n_left, n_right, tuple(layers))
    omega = np.concatenate([in_band(junction.left, rng, 6), in_band(junction.right, rng, 6)])
    found = scatter(junction, omega)
    totals = found.totals
    assert totals.unitarity.max() < 1e-9
    assert_allclose(totals.caroli, totals.transmission, atol=1e-9)
    assert_allclose(found.transmissivity_right.sum(-1), totals.transmission, atol=1e-9)
    assert np.all(totals.transmission <= np.minimum(totals.channels_left, totals.channels_right) + 1e-9)
    assert np.all(totals.transmission >= 0.0)
    for side, modes_of_side in ((junction.left, found.left), (junction.right, found.right)):
        assert np.array_equal(modes_of_side.right.propagating.sum(-1), channels(side, omega))
    one = found.reflected_left, found.transmitted_left
    carried = sum(adjoint(block) @ block for block in one)
    expected = found.left.right.propagating[..., None] * np.eye(n_left)
    assert_allclose(carried, expected, atol=1e-9)


@EXACT
@given(SEED, SIZE, SIZE, st.lists(SIZE, max_size=4))
def test_sums_alone_are_those_of_the_whole_matrix(seed, n_left, n_right, layers):
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, n_left, n_right, tuple(layers))
    omega = np.concatenate([in_band(junction.left, rng, 3), in_band(junction.right, rng, 3)])
    alone, whole = transmission(junction, omega), scatter(junction, omega).totals
    for found in (alone, whole):
        assert found.unitarity.max() < 1e-9
        assert found.reciprocity.max() < 1e-9
        assert_allclose(found.caroli, whole.transmission, atol=1e-9)
    assert_allclose(alone.transmission, whole.transmission, atol=1e-9)


@pytest.mark.parametrize("points", [1, 7, 60, 61])
@pytest.mark.parametrize("run", [1, 3, 20, 60])
@pytest.mark.parametrize("fitting", [1, 4, 19, 1000])
def test_chunks_hold_every_point_once_and_never_part_of_two_short_runs(points, run, fitting):
    found = list(batch.chunks(points, batch.CHUNK_BYTES // fitting, run))
    assert np.array_equal(np.concatenate([np.arange(points)[part] for part in found]), np.arange(points))
    room = batch.CHUNK_BYTES // (batch.CHUNK_BYTES // fitting)
    assert max(part.stop - part.start for part in found) <= room
    if room < batch.FEW_RUNS * run:
        assert all(part.start // run == (part.stop - 1) // run for part in found)


def test_points_in_a_row_share_the_blocks_of_the_axes_that_these_do_not_have():
    assert batch.run_length((5, 7), (5, 1), (1, 1), ()) == 7
    assert batch.run_length((5, 7), (1, 1), ()) == 35
    assert batch.run_length((5, 7), (5, 7), ()) == 1
    assert batch.run_length((5, 7, 2), (7, 1), ()) == 2


@pytest.mark.slow
@EXACT
@given(SEED, SIZE)
def test_perfect_crystal_transmits_every_channel(seed, n):
    rng = np.random.default_rng(seed)
    lead = random_slab(rng, n)
    omega = in_band(lead, rng, 4)
    found = transmission(Junction(lead, lead, (lead.onsite,) * 2, (lead.hopping,) * 3), omega)
    counted = np.array([crossings(lead, w) for w in omega])
    assert np.array_equal(found.channels_left, counted)
    assert_allclose(found.transmission, counted, atol=1e-9)


@EXACT
@given(SEED, SIZE, st.sampled_from([None, 1]))
def test_modes_solve_the_bulk_equation_with_unit_flux(seed, n, rank):
    rng = np.random.default_rng(seed)
    lead = random_slab(rng, n, rank)
    omega = in_band(lead, rng, 5)
    found = lead_modes(lead, omega)
    for waves, sign in ((found.right, 1.0), (found.left, -1.0)):
        factor, u = waves.bloch_factor, waves.vectors
        for point in range(omega.size):
            going = waves.propagating[point]
            z, v = factor[point, going], u[point][:, going]
            h = band_matrix(lead, np.angle(z))
            residue = np.einsum("mij,jm->im", h, v) - omega[point] ** 2 * v
            assert np.abs(residue).max(initial=0.0) < 1e-9 * np.abs(lead.onsite).max() * np.abs(v).max(
                initial=1.0
            )
            form = 1j * (adjoint(v) @ lead.hopping @ (v * z) - adjoint(v * z) @ adjoint(lead.hopping) @ v)
            assert_allclose(form, sign * np.eye(going.sum()), atol=1e-9)
            assert_allclose(np.abs(z), 1.0, atol=1e-9)
            assert np.all(sign * waves.group_velocity[point, going] > 0)
            assert not waves.group_velocity[point, ~going].any()
            decay = np.abs(factor[point, ~going])
            assert np.all(decay < 1.0) if sign > 0 else np.all(decay > 1.0)


def test_group_velocity_is_the_slope_of_the_band():
    rng = np.random.default_rng(3)
    lead = random_slab(rng, 4)
    found = lead_modes(lead, in_band(lead, rng, 1)[0])
    going = found.right.propagating
    theta, step = np.angle(found.right.bloch_factor[going]), 1e-5
    ahead, behind = (np.sqrt(np.linalg.eigvalsh(band_matrix(lead, theta + s))) for s in (step, -step))
    slopes = (ahead - behind) / (2 * step)
    miss = np.abs(slopes - found.right.group_velocity[going][:, None]).min(-1)
    assert miss.size > 0
    assert miss.max() < 1e-7


@EXACT
@given(SEED, SIZE, SIZE, st.integers(0, 3), st.integers(0, 3))
def test_the_cut_between_lead_and_device_may_lie_anywhere(seed, n_left, n_right, more_left, more_right):
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, n_left, n_right, (3,))
    left, right = junction.left, junction.right
    longer = Junction(
        left,
        right,
        (left.onsite,) * more_left + junction.onsite + (right.onsite,) * more_right,
        (left.hopping,) * more_left + junction.hopping + (right.hopping,) * more_right,
    )
    omega = in_band(left, rng, 4)
    short, long = scatter(junction, omega), scatter(longer, omega)
    assert_allclose(np.abs(long.transmitted_left), np.abs(short.transmitted_left), atol=1e-9)
    assert_allclose(np.abs(long.reflected_right), np.abs(short.reflected_right), atol=1e-9)


@EXACT
@given(SEED, st.integers(2, 5))
def test_order_of_atoms_and_phases_of_the_origin_do_not_matter(seed, n):
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, n, n, (n, n + 1))
    q = [np.linalg.qr(random_matrix(rng, m, m))[0] for m in junction.sizes]
    turned = Junction(
        *(
            Lead(u.conj().T @ lead.onsite @ u, u.conj().T @ lead.hopping @ u)
            for u, lead in ((q[0], junction.left), (q[-1], junction.right))
        ),
        tuple(u.conj().T @ h @ u for u, h in zip(q[1:-1], junction.onsite, strict=True)),
        tuple(a.conj().T @ h @ b for a, b, h in zip(q[:-1], q[1:], junction.hopping, strict=True)),
    )
    omega = in_band(junction.left, rng, 4)
    a, b = scatter(junction, omega), scatter(turned, omega)
    assert_allclose(b.totals.transmission, a.totals.transmission, atol=1e-9)
    assert_allclose(np.sort(b.transmissivity_left), np.sort(a.transmissivity_left), atol=1e-9)


@EXACT
@given(SEED, st.integers(1, 4))
def test_two_layers_may_be_taken_as_one(seed, n):
    rng = np.random.default_rng(seed)
    left, right = random_slab(rng, n), random_slab(rng, n)
    hop = random_matrix(rng, n, n)
    zero = np.zeros((n, n))
    coarse = np.block([[zero, zero], [hop, zero]])
    omega = in_band(left, rng, 4)
    fine = transmission(Junction(left, right, (), (hop,)), omega)
    found = transmission(Junction(doubled(left), doubled(right), (), (coarse,)), omega)
    assert_allclose(found.transmission, fine.transmission, atol=1e-9)
    assert np.array_equal(found.channels_left, fine.channels_left)


@EXACT
@given(SEED, SIZE, SIZE)
def test_seen_in_a_mirror_left_and_right_change_places(seed, n_left, n_right):
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, n_left, n_right, (2, 3))
    mirrored = Junction(
        Lead(junction.right.onsite, adjoint(junction.right.hopping)),
        Lead(junction.left.onsite, adjoint(junction.left.hopping)),
        junction.onsite[::-1],
        tuple(adjoint(h) for h in junction.hopping[::-1]),
    )
    omega = in_band(junction.left, rng, 4)
    a, b = scatter(junction, omega), scatter(mirrored, omega)
    # the order of modes, by phase, is reversed in the mirror
    assert_allclose(np.sort(b.transmissivity_right), np.sort(a.transmissivity_left), atol=1e-9)
    assert_allclose(np.sort(b.transmissivity_left), np.sort(a.transmissivity_right), atol=1e-9)


@EXACT
@given(SEED, SIZE, SIZE)
def test_time_reversal_turns_s_into_its_transpose(seed, n_left, n_right):
    # complex conjugate blocks are those of −k∥: S(−k∥) = S(k∥)ᵀ between time-reversed modes
    rng = np.random.default_rng(seed)
    junction = random_junction(rng, n_left, n_right, (3,))
    reversed_ = Junction(
        *(Lead(*(block.conj() for block in _blocks(x))) for x in (junction.left, junction.right)),
        tuple(h.conj() for h in junction.onsite),
        tuple(h.conj() for h in junction.hopping),
    )
    omega = in_band(junction.left, rng, 4)
    a, b = scatter(junction, omega), scatter(reversed_, omega)
    for p in range(omega.size):
        out, into = a.right.right.propagating[p].sum(), a.left.right.propagating[p].sum()
        # θ changes sign under time reversal, and with it the order of the modes
        there = np.abs(a.transmitted_left[p, :out, :into])
        back = np.abs(b.transmitted_right[p, :into, :out])[::-1, ::-1].T
        assert_allclose(back, there, atol=1e-9)


def test_a_batch_may_mix_points_of_real_and_of_complex_blocks():
    rng = np.random.default_rng(4)
    several = [random_slab(rng, 3, real=real) for real in (True, False, True)]
    lead = Lead(*(np.stack([get(x) for x in several]) for get in (lambda x: x.onsite, lambda x: x.hopping)))
    omega = np.array([in_band(x, rng, 1)[0] for x in several])
    found = lead_modes(lead, omega)
    for point, single in enumerate(several):
        alone = lead_modes(single, omega[point])
        assert_allclose(found.right.bloch_factor[point], alone.right.bloch_factor, atol=1e-12)
        assert_allclose(np.abs(found.left.vectors[point]), np.abs(alone.left.vectors), atol=1e-12)


def _blocks(lead):
    return lead.onsite, lead.hopping


def test_uncoupled_atoms_and_flat_bands_change_nothing():
    rng = np.random.default_rng(5)
    junction = random_junction(rng, 3, 2, (4,))
    flat = np.diag([1.0, 1.0, 2.5])

    def beside(a, b):
        out = np.zeros((a.shape[0] + b.shape[0], a.shape[1] + b.shape[1]), dtype=complex)
        out[: a.shape[0], : a.shape[1]], out[a.shape[0] :, a.shape[1] :] = a, b
        return out

    zero = np.zeros((3, 3))
    more = Junction(
        *(Lead(beside(x.onsite, flat), beside(x.hopping, zero)) for x in (junction.left, junction.right)),
        tuple(beside(h, flat) for h in junction.onsite),
        tuple(beside(h, zero) for h in junction.hopping),
    )
    omega = np.concatenate([in_band(junction.left, rng, 8), 1.0 + 10.0 ** -np.arange(3.0, 15.0)])
    a, b = transmission(junction, omega), transmission(more, omega)
    assert_allclose(b.transmission, a.transmission, atol=1e-9)
    assert np.array_equal(b.channels_left, a.channels_left)


def test_degenerate_modes_are_orthogonal_in_flux():
    # three equal chains in a random basis: one λ three times over
    rng = np.random.default_rng(6)
    q = np.linalg.qr(random_matrix(rng, 3, 3))[0]
    light, heavy = Chain(1.0), Chain(4.0)
    left, right = (
        Lead(2 / c.mass * np.eye(3), q @ (-1 / c.mass * np.eye(3)) @ q.conj().T) for c in (light, heavy)
    )
    found = scatter(Junction(left, right, (), (-0.5 * np.eye(3),)), 0.4 * light.top)
    assert found.totals.transmission == pytest.approx(3 * 0.7431660358, abs=3e-10)
    assert found.totals.unitarity < 1e-12


DISTANCES = np.concatenate([sign * 10.0 ** -np.arange(3.0, 12.5) for sign in (1.0, -1.0)])
"""Relative distances from a band edge, above and below it."""


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("real", [False, True], ids=["complex", "real"])
def test_every_band_edge_is_resolved_to_a_relative_distance_of_1e_minus_12(seed, real):
    rng = np.random.default_rng(seed)
    lead, other = random_slab(rng, 3, real=real), random_slab(rng, 3, real=real)
    junction = Junction(lead, other, (), (random_matrix(rng, 3, 3),))
    edges = band_edges(lead)
    assert edges.size > 0
    for edge in edges:
        found = transmission(junction, edge * (1.0 + DISTANCES))
        assert found.unitarity.max() < 1e-12
        assert_allclose(found.caroli, found.transmission, atol=1e-9)
        above, below = found.channels_left[4:10], found.channels_left[14:]
        assert len(set(above)) == 1
        assert len(set(below)) == 1
        assert above[0] != below[0]


@pytest.mark.slow
def test_fallback_solver_knows_a_band_edge_too(monkeypatch):
    rng = np.random.default_rng(2)
    lead, other = random_slab(rng, 3), random_slab(rng, 3)
    junction = Junction(lead, other, (), (random_matrix(rng, 3, 3),))
    omega = (band_edges(lead)[:, None] * (1.0 + DISTANCES[np.abs(DISTANCES) < 1e-5])).ravel()
    fast = transmission(junction, omega)
    monkeypatch.setattr(modes, "_sorted_states", unsound(modes._sorted_states))
    again = transmission(junction, omega)
    assert again.retried.all()
    assert np.array_equal(again.channels_left, fast.channels_left)
    assert again.unitarity.max() < 1e-9
    # at 1e-12 from the edge θ is known to 1e-4 of itself
    assert_allclose(again.transmission, fast.transmission, atol=1e-7)


@pytest.mark.parametrize("pure", [0.0, 1e3, 1e6], ids=["any mixture", "mixed a little", "hardly mixed"])
def test_modes_of_one_factor_and_one_direction_are_made_orthogonal(pure):
    # four equal chains: any mixture of their modes is a solution; the eigensolver may return it
    rng = np.random.default_rng(15)
    z = np.exp(0.7j)
    mixed = np.stack([random_matrix(rng, 4, 4) + pure * np.eye(4) for _ in range(2)])[:, None]
    mixed /= np.linalg.norm(mixed, axis=-2, keepdims=True)
    factor = np.repeat([z, z.conj()], 4).reshape(2, 1, 4)
    h1 = -np.eye(4, dtype=complex)[None]
    found = unit_flux(h1, factor, mixed, np.ones((2, 1, 4), dtype=bool))
    vectors, onward, back, mended, sound = (getattr(found, item.name) for item in fields(found))
    assert sound.all()
    assert mended.all()
    joint, ahead = (np.concatenate([a[0, 0], a[1, 0]], -1) for a in (vectors, onward))
    form = 1j * (adjoint(joint) @ h1[0] @ ahead - adjoint(ahead) @ adjoint(h1[0]) @ joint)
    assert_allclose(form, np.diag([1.0] * 4 + [-1.0] * 4), atol=1e-12)
    assert_allclose(back[0] * z, vectors[0], atol=1e-12)


def test_crossing_bands_are_resolved_in_any_basis():
    # chains counted in pairs, at the ω where their bands cross at the edge of the folded zone
    rng = np.random.default_rng(16)
    q = np.linalg.qr(random_matrix(rng, 2, 2))[0]
    pair = doubled(Chain(1.0).lead())
    turned = Lead(*(q.conj().T @ block @ q for block in _blocks(pair)))
    for offset in (0.0, 1e-14, 1e-12, 1e-9):
        omega = np.sqrt(2.0) * (1.0 + offset)
        found = scatter(Junction(turned, turned, (turned.onsite,), (turned.hopping,) * 2), omega)
        assert found.totals.transmission == pytest.approx(1.0, abs=1e-7)
        assert found.left.right.propagating.sum() == found.left.left.propagating.sum() == 1


def test_fallback_solver_separates_the_directions_of_two_modes_of_one_factor():
    rng = np.random.default_rng(18)
    q = np.linalg.qr(random_matrix(rng, 2, 2))[0]
    turned = [q.conj().T @ block @ q for block in _blocks(doubled(Chain(1.0).lead()))]
    h0, h1 = (block[None] for block in turned)
    found = fallback.fallback_states(h0, h1, np.array([2.0]))
    factor, u, propagating, sound = found.bloch, found.unit, found.propagating, found.sound
    assert sound.all()
    assert propagating[:, 0, 0].all()
    right, left = u[0, 0, :, 0], u[1, 0, :, 0]
    assert_allclose(factor[:, 0, 0], -1.0, atol=1e-12)
    assert abs(right.conj() @ (h1[0] * -1.0 - adjoint(h1[0]) * -1.0) @ left) < 1e-12


@pytest.mark.parametrize(("distance", "met"), [(-1e-8, 1), (1e-8, 0)], ids=["inside", "outside"])
def test_fallback_solver_rejects_a_band_that_only_comes_near(distance, met):
    # a chain just inside and just outside its band: θ = π ∓ 2e-4, or π and a decay of 2e-4
    e, hop = np.array([[2.0 - 4.0 * (1.0 + distance)]]), np.array([[-1.0 + 0.0j]])
    assert len(fallback._modes_at(e, hop, np.pi - 1.5e-4, 1)) == met


def test_a_flat_band_is_followed_to_its_edge():
    # a chain 1e-8 as stiff as the stack beside it: λ is known to eps/(1e-8 θ), worse than its distance from 1
    rng = np.random.default_rng(19)
    g, beside = 1e-8, random_slab(rng, 2)
    q = np.linalg.qr(random_matrix(rng, 3, 3))[0]

    def joined(flat, block):
        out = np.zeros((3, 3), dtype=complex)
        out[0, 0], out[1:, 1:] = flat, block
        return q @ out @ q.conj().T

    onsite = joined(1.0 + 2 * g, beside.onsite + 4.0 * np.eye(2))
    lead = Lead(0.5 * (onsite + onsite.conj().T), joined(-g, beside.hopping))
    for theta in (1.0, 0.1, 0.01):
        omega = np.sqrt(1.0 + 2 * g * (1.0 - np.cos(theta)))
        found = lead_modes(lead, omega)
        assert found.right.propagating.sum() == 1
        velocity = found.right.group_velocity[0] / (g * np.sin(theta) / omega)
        assert velocity == pytest.approx(1.0, abs=20 * 1e-16 / (g * theta**2))


def test_frequency_of_an_atom_coupled_to_nothing_is_refused():
    # H₁ = 0 and ω² = H₀: Eq. (1) of the modes holds for every λ
    with pytest.raises(ConvergenceError, match="as many modes"):
        lead_modes(Lead(np.eye(1), np.zeros((1, 1))), 1.0)


def test_blocks_of_the_green_function_invert_the_whole_matrix():
    rng = np.random.default_rng(7)
    junction = random_junction(rng, 3, 2, (4, 1, 3))
    omega = in_band(junction.left, rng, 3)
    for eta in (0.0, 0.2):
        green = green_function(junction, omega, eta=eta)
        left, right = (self_energies(lead, omega, eta=eta) for lead in (junction.left, junction.right))
        edges = np.concatenate([[0], np.cumsum(junction.sizes)])
        for point, w in enumerate(omega):
            h = np.zeros((edges[-1],) * 2, dtype=complex)
            onsite = [junction.left.onsite + left.left[point], *junction.onsite]
            onsite.append(junction.right.onsite + right.right[point])
            parts = [slice(a, b) for a, b in itertools.pairwise(edges)]
            for part, block in zip(parts, onsite, strict=True):
                h[part, part] = block
            for a, b, hop in zip(parts[:-1], parts[1:], junction.hopping, strict=True):
                h[a, b], h[b, a] = hop, hop.conj().T
            full = np.linalg.inv((w + 1j * eta) ** 2 * np.eye(edges[-1]) - h)
            for layer, part in enumerate(parts):
                assert_allclose(green.diagonal[layer][point], full[part, part], atol=1e-10)
                assert_allclose(green.from_left[layer][point], full[part, parts[0]], atol=1e-10)
                assert_allclose(green.from_right[layer][point], full[part, parts[-1]], atol=1e-10)


def test_density_of_states_is_what_both_leads_feed():
    rng = np.random.default_rng(8)
    junction = random_junction(rng, 3, 3, (2, 4))
    omega = in_band(junction.left, rng, 5)
    green = green_function(junction, omega)
    parts = zip(green.density_of_states, green.density_from_left, green.density_from_right, strict=True)
    for density, left, right in parts:
        assert_allclose(left + right, density, atol=1e-10 * np.abs(density).max())
        assert np.all(left > -1e-12)
    assert_allclose(green.transmission, transmission(junction, omega).transmission, atol=1e-10)


def test_scattered_wave_solves_the_equation_of_motion_and_leaves_by_t():
    rng = np.random.default_rng(9)
    junction = random_junction(rng, 2, 3, (4, 2))
    omega = in_band(junction.left, rng, 20)
    found = scatter(junction, omega)
    chosen = found.left.right.propagating[:, 0]
    omega, t = omega[chosen], found.transmitted_left[chosen][:, :, 0]
    wave = scattered_wave(junction, omega, 0)
    for layer, h in enumerate(junction.onsite, start=1):
        force = np.einsum("ij,pj->pi", h, wave[layer]) - omega[:, None] ** 2 * wave[layer]
        force += np.einsum("ij,pj->pi", junction.hopping[layer], wave[layer + 1])
        force += np.einsum("ji,pj->pi", junction.hopping[layer - 1].conj(), wave[layer - 1])
        assert np.abs(force).max() < 1e-9
    # beyond the junction the wave is t times the propagating modes, and what decays
    going = found.right.right
    for point in range(omega.size):
        p = np.flatnonzero(chosen)[point]
        amplitude = np.linalg.solve(going.vectors[p], wave[-1][point])
        assert_allclose(amplitude[going.propagating[p]], t[point][going.propagating[p]], atol=1e-9)


def test_batches_are_the_points_one_by_one():
    rng = np.random.default_rng(10)
    several = [random_junction(np.random.default_rng(s), 2, 3, (3,)) for s in range(3)]

    def stack(get):
        return np.stack([get(j) for j in several])[:, None]

    batch = Junction(
        Lead(stack(lambda j: j.left.onsite), stack(lambda j: j.left.hopping)),
        Lead(stack(lambda j: j.right.onsite), stack(lambda j: j.right.hopping)),
        (stack(lambda j: j.onsite[0]),),
        (stack(lambda j: j.hopping[0]), stack(lambda j: j.hopping[1])),
    )
    omega = np.stack([in_band(j.left, rng, 4) for j in several])
    whole, light = scatter(batch, omega), transmission(batch, omega)
    assert whole.transmitted_left.shape == (3, 4, 3, 2)
    assert whole.left.right.vectors.shape == (3, 4, 2, 2)
    for item in fields(light):
        assert_allclose(getattr(whole.totals, item.name), getattr(light, item.name), atol=1e-12)
    for k, single in enumerate(several):
        for w in range(4):
            alone = scatter(single, omega[k, w])
            assert_allclose(alone.transmitted_left, whole.transmitted_left[k, w], atol=1e-12)
            assert_allclose(alone.right.left.vectors, whole.right.left.vectors[k, w], atol=1e-12)
    flat = transmission(
        Junction(
            *(Lead(*(b[:, 0] for b in _blocks(x))) for x in (batch.left, batch.right)),
            (batch.onsite[0][:, 0],),
            tuple(h[:, 0] for h in batch.hopping),
        ),
        omega[:, 0],
    )
    assert_allclose(flat.transmission, whole.totals.transmission[:, 0], atol=1e-12)


def test_fallback_solver_agrees_with_the_fast_one(monkeypatch):
    rng = np.random.default_rng(11)
    junction = random_junction(rng, 4, 3, (3,))
    omega = in_band(junction.left, rng, 30)
    fast = transmission(junction, omega)
    assert not fast.retried.any()
    monkeypatch.setattr(modes, "_sorted_states", unsound(modes._sorted_states))
    again = transmission(junction, omega)
    assert again.retried.all()
    assert_allclose(again.transmission, fast.transmission, atol=1e-10)
    assert again.unitarity.max() < 1e-11
    assert np.array_equal(channels(junction.left, omega), fast.channels_left)
    sigma = self_energies(junction.left, omega).right
    monkeypatch.undo()
    assert_allclose(sigma, self_energies(junction.left, omega).right, atol=1e-9)


def _spoilt(change):
    """The fast route with its Bloch states changed at every point."""
    route = Forms.bloch_states

    def wrapped(*given):
        return change(*route(*given))

    return wrapped


def _lost_pair(factor, u):
    """One propagating state to either side pushed off the unit circle, as if it decayed."""
    factor = factor.copy()
    for row in factor:
        on_circle = np.flatnonzero(np.abs(np.abs(row) - 1.0) < 1e-9)
        if on_circle.size:
            row[on_circle[0]] *= 0.5
            row[on_circle[-1]] *= 2.0
    return factor, u


def _extra_pair(factor, u):
    """One evanescent state to either side pulled onto the unit circle, as if it propagated."""
    factor = factor.copy()
    for row in factor:
        for inside in (np.abs(row) < 0.9, np.abs(row) > 1.1):
            chosen = np.flatnonzero(inside & (np.abs(np.log(np.abs(row))) < 5.0))[:1]
            row[chosen] /= np.abs(row[chosen])
    return factor, u


def _wrong_vector(factor, u):
    """One Bloch vector exchanged for another: the eigenvalues look sound."""
    u = u.copy()
    u[..., 0] = np.roll(u[..., 0], 1, -1) + 0.3
    return factor, u / np.linalg.norm(u, axis=-2, keepdims=True)


@pytest.mark.parametrize(
    "spoil", [_lost_pair, _extra_pair, _wrong_vector], ids=["lost modes", "extra modes", "wrong vector"]
)
def test_a_point_that_misses_is_solved_again_and_counted(monkeypatch, spoil):
    rng = np.random.default_rng(12)
    junction = random_junction(rng, 3, 3, (3,))
    omega = in_band(junction.left, rng, 10)
    right = scatter(junction, omega)
    monkeypatch.setattr(Forms, "bloch_states", _spoilt(spoil))
    found = scatter(junction, omega)
    assert found.totals.retried.all()
    assert_allclose(found.totals.transmission, right.totals.transmission, atol=1e-9)
    assert_allclose(np.abs(found.transmitted_left), np.abs(right.transmitted_left), atol=1e-9)
    assert_allclose(np.abs(found.reflected_right), np.abs(right.reflected_right), atol=1e-9)


@pytest.mark.parametrize("name", ["reflected_left", "caroli"])
def test_an_error_in_the_device_is_seen_and_refused(monkeypatch, name):
    rng = np.random.default_rng(17)
    junction = random_junction(rng, 2, 2, (3,))
    solved = scattering.amplitudes

    def spoilt(*given):
        s = solved(*given)
        return replace(s, **{name: 1.0001 * getattr(s, name)})

    monkeypatch.setattr(scattering, "amplitudes", spoilt)
    with pytest.raises(ConvergenceError, match=r"misses its checks by \d.*by the fallback solver"):
        transmission(junction, in_band(junction.left, rng, 20))


def test_what_neither_route_solves_is_refused_by_name(monkeypatch):
    rng = np.random.default_rng(13)
    junction = random_junction(rng, 3, 3, ())
    omega = in_band(junction.left, rng, 4)
    monkeypatch.setattr(modes, "_sorted_states", unsound(modes._sorted_states))
    monkeypatch.setattr(modes, "fallback_states", unsound(fallback.fallback_states))
    for solver in (
        lambda: transmission(junction, omega),
        lambda: lead_modes(junction.left, omega),
        lambda: self_energies(junction.left, omega),
    ):
        with pytest.raises(ConvergenceError, match=r"at point 0 of the batch \(omega = \d.*move omega"):
            solver()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x: Lead(x.onsite, x.hopping[:2, :2]), "as large as its onsite"),
        (lambda x: Lead(x.onsite + 1j * np.eye(3), x.hopping), "must be Hermitian"),
        (lambda x: Lead(x.onsite + 1e-6 * np.triu(x.onsite), x.hopping), "departs from its adjoint"),
        (lambda x: Lead(x.onsite * np.nan, x.hopping), "finite"),
        (lambda x: Lead(x.onsite[:2], x.hopping), "square"),
        (lambda x: Junction(x, x, (), ()), "0 device layers need 1 hopping"),
        (lambda x: Junction(x, x, (), (np.eye(2),)), r"`hopping` 0 must be \(3, 3\)"),
        (
            lambda x: Junction(x, x, (1j * np.eye(2),), (np.ones((3, 2)), np.ones((2, 3)))),
            "must be Hermitian",
        ),
        (lambda x: lead_modes(x, 0.0), "positive finite numbers in rad/ps"),
        (lambda x: lead_modes(x, [1.0, np.nan]), "positive finite"),
        (lambda x: lead_modes(Lead(np.stack([x.onsite] * 2), x.hopping), np.ones(3)), "must broadcast"),
        (lambda x: self_energies(x, 1.0, eta=-1.0), "`eta` must be"),
        (lambda x: scattered_wave(Junction(x, x, (), (x.hopping,)), 1e3, 0), "does not propagate"),
        (lambda x: scattered_wave(Junction(x, x, (), (x.hopping,)), 1.0, 3), "`mode` must be 0 … 2"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(build, message):
    lead = random_slab(np.random.default_rng(1), 3)
    with pytest.raises(InputError, match=message):
        build(lead)
