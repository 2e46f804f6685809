"""Leads folded into lateral supercells against the same supercells written out in full."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from systems import Ribbon, random_matrix, random_slab

from latmm.agf import (
    FoldedLead,
    Junction,
    channels,
    green_function,
    lead_modes,
    scatter,
    scattered_wave,
    self_energies,
    transmission,
)
from latmm.errors import InputError

EXACT = settings(derandomize=True, deadline=None, max_examples=15)
OMEGA = np.array([0.8, 1.7, 2.6])


def rough(rng, left, right, size_left, size_right, layers=(5, 4)) -> Junction:
    """A device without any lateral order between two leads."""
    sizes = (size_left, *layers, size_right)
    return Junction(
        left,
        right,
        tuple(random_slab(rng, m).onsite for m in layers),
        tuple(0.5 * random_matrix(rng, a, b) for a, b in itertools.pairwise(sizes)),
    )


def test_expansion_brings_the_supercell_to_block_diagonal_form():
    ribbon = Ribbon.random(np.random.default_rng(0), 2)
    folded, full = ribbon.folded(0.3, 3), ribbon.supercell(0.3, 3)
    w = folded.matrix
    for blocks, whole in ((folded.onsite, full.onsite), (folded.hopping, full.hopping)):
        diagonal = w.conj().T @ whole @ w
        for g in range(3):
            here = slice(2 * g, 2 * g + 2)
            assert_allclose(diagonal[here, here], blocks[g], atol=1e-12)
            diagonal[here, here] = 0.0
        assert np.abs(diagonal).max() < 1e-12


@EXACT
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(2, 4), st.floats(-3.0, 3.0))
def test_folded_leads_scatter_as_full_supercells(seed, n, cells, k):
    rng = np.random.default_rng(seed)
    left, right = Ribbon.random(rng, n), Ribbon.random(rng, n)
    size = n * cells
    folded = rough(rng, left.folded(k, cells), right.folded(k, cells), size, size)
    full = Junction(left.supercell(k, cells), right.supercell(k, cells), folded.onsite, folded.hopping)
    a, b = transmission(folded, OMEGA), transmission(full, OMEGA)
    assert_allclose(a.transmission, b.transmission, atol=1e-9)
    assert np.array_equal(a.channels_left, b.channels_left)
    assert np.array_equal(a.channels_right, b.channels_right)
    assert a.unitarity.max() < 1e-9
    assert a.reciprocity.max() < 1e-9
    s, t = scatter(folded, OMEGA), scatter(full, OMEGA)
    assert_allclose(a.transmission, s.totals.transmission, atol=1e-9)
    assert_allclose(np.sort(s.transmissivity_left), np.sort(t.transmissivity_left), atol=1e-9)


def test_leads_with_different_primitive_cells_share_a_supercell():
    rng = np.random.default_rng(2)
    left, right = Ribbon.random(rng, 2), Ribbon.random(rng, 3)  # 3 cells of one on 2 of the other
    k = 0.4
    folded = rough(rng, left.folded(k, 3), right.folded(k, 2), 6, 6, (7,))
    full = Junction(left.supercell(k, 3), right.supercell(k, 2), folded.onsite, folded.hopping)
    found, expected = scatter(folded, OMEGA), transmission(full, OMEGA)
    assert_allclose(found.totals.transmission, expected.transmission, atol=1e-10)
    assert found.left.right.bloch_factor.shape == (3, 3, 2)
    assert found.right.right.bloch_factor.shape == (3, 2, 3)
    assert found.transmitted_left.shape == (3, 6, 6)


def test_a_flat_contact_keeps_the_lateral_wave_vector():
    rng = np.random.default_rng(3)
    ribbon, cells, n, k = Ribbon.random(rng, 2), 3, 2, 0.7
    lead = ribbon.folded(k, cells)
    full = ribbon.supercell(k, cells)
    # a contact as periodic as the lead: springs across are weaker
    found = scatter(Junction(lead, lead, (full.onsite,), (0.6 * full.hopping, 0.8 * full.hopping)), OMEGA)
    t = np.abs(found.transmitted_left.reshape(3, cells, n, cells, n)) ** 2
    for out in range(cells):
        for incoming in range(cells):
            if out != incoming:
                assert t[:, out, :, incoming].max() < 1e-20
    for g in range(cells):
        single = ribbon.lead(k + 2 * np.pi * g / cells)
        alone = scatter(
            Junction(single, single, (single.onsite,), (0.6 * single.hopping, 0.8 * single.hopping)), OMEGA
        )
        assert_allclose(t[:, g, :, g], np.abs(alone.transmitted_left) ** 2, atol=1e-10)


def test_a_batch_over_k_and_omega_is_the_points_one_by_one():
    rng = np.random.default_rng(4)
    ribbon, cells = Ribbon.random(rng, 2), 3
    momenta = (0.1, 0.9)
    folded = [ribbon.folded(k, cells) for k in momenta]
    lead = FoldedLead(
        *(np.stack([getattr(f, name) for f in folded])[:, None] for name in ("onsite", "hopping")),
        folded[0].expansion,
    )
    junction = rough(rng, lead, lead, 6, 6)
    found = scatter(junction, OMEGA)
    assert found.totals.transmission.shape == (2, 3)
    assert found.left.right.vectors.shape == (2, 3, 3, 2, 2)
    for i, single in enumerate(folded):
        alone = scatter(Junction(single, single, junction.onsite, junction.hopping), OMEGA)
        assert_allclose(found.transmitted_left[i], alone.transmitted_left, atol=1e-11)
        assert_allclose(found.totals.caroli[i], alone.totals.caroli, atol=1e-11)
    assert np.array_equal(channels(lead, OMEGA), found.totals.channels_left)
    assert lead_modes(lead, OMEGA).left.propagating.shape == (2, 3, 3, 2)


def test_green_function_and_waves_are_in_the_sites_of_the_supercell():
    rng = np.random.default_rng(5)
    left, right = Ribbon.random(rng, 2), Ribbon.random(rng, 3)
    k = -0.6
    folded = rough(rng, left.folded(k, 3), right.folded(k, 2), 6, 6)
    full = Junction(left.supercell(k, 3), right.supercell(k, 2), folded.onsite, folded.hopping)
    a, b = green_function(folded, OMEGA, eta=0.05), green_function(full, OMEGA, eta=0.05)
    for name in ("diagonal", "from_left", "from_right"):
        for x, y in zip(getattr(a, name), getattr(b, name), strict=True):
            assert_allclose(x, y, atol=1e-10)
    for name in ("gamma_left", "gamma_right"):
        assert_allclose(getattr(a, name), getattr(b, name), atol=1e-10)
    sigma = self_energies(folded.left, OMEGA).left
    w = folded.left.expansion
    written_out = np.einsum("agi,pgij,bgj->pab", w, sigma, w.conj())
    assert_allclose(written_out, self_energies(full.left, OMEGA).left, atol=1e-10)
    s = scatter(folded, OMEGA)
    incoming = s.left.right.propagating.reshape(3, -1)
    assert incoming.any()
    for p, mode in np.argwhere(incoming):
        wave = scattered_wave(folded, OMEGA[p], int(mode))
        going = s.right.right.propagating[p].ravel()
        vectors = np.einsum("agi,gim->agm", folded.right.expansion, s.right.right.vectors[p]).reshape(6, -1)
        amplitude = np.linalg.solve(vectors, wave[-1])
        assert_allclose(amplitude[going], s.transmitted_left[p, going, mode], atol=1e-9)


@pytest.mark.parametrize(
    ("expansion", "message"),
    [(lambda w: w[:-1], r"`expansion` must be \(6, 3, 2\)"), (lambda w: 2 * w, "must be unitary")],
)
def test_an_expansion_that_is_not_one_is_refused(expansion, message):
    lead = Ribbon.random(np.random.default_rng(6), 2).folded(0.2, 3)
    with pytest.raises(InputError, match=message):
        FoldedLead(lead.onsite, lead.hopping, expansion(lead.expansion))


def test_blocks_of_a_folded_lead_need_an_axis_of_folded_wave_vectors():
    with pytest.raises(InputError, match="over N folded"):
        FoldedLead(np.eye(2), np.zeros((2, 2)), np.eye(2)[:, None])
