"""Symmetries that make the modes of a lead cheaper: found in any basis, giving those of the general case."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from systems import band_edges, crossings, in_band, random_matrix, random_slab

from latmm.agf import Junction, Lead, channels, inversion, lead_modes, modes, transmission
from latmm.agf.forms import GENERAL, Forms
from latmm.agf.inversion import SHIFTS, InversionForm

EXACT = settings(derandomize=True, deadline=None, max_examples=25)
SEED = st.integers(0, 2**32 - 1)
SIZE = st.integers(1, 6)
BASIS = st.sampled_from(["phases", "any basis"])


def adjoint(a):
    return np.swapaxes(a, -1, -2).conj()


def turned(lead: Lead, rng, kind: str) -> Lead:
    """The same stack seen from another basis."""
    n = lead.size
    q = np.diag(np.exp(2j * np.pi * rng.random(n)))
    if kind == "any basis":
        q = np.linalg.qr(random_matrix(rng, n, n))[0]
    return Lead(q @ lead.onsite @ adjoint(q), q @ lead.hopping @ adjoint(q))


def mirrored(rng, n: int, real: bool = False) -> Lead:
    """A stable stack that R = diag(±1) turns round: the mean of one and of its mirror image."""
    lead = random_slab(rng, n, real=real)
    sign = rng.choice([-1.0, 1.0], n)
    r = sign[:, None] * sign
    return Lead(0.5 * (lead.onsite + r * lead.onsite), 0.5 * (lead.hopping + r * adjoint(lead.hopping)))


def inverted(rng, n: int) -> Lead:
    """A stable stack that complex conjugation turns round."""
    lead = random_slab(rng, n)
    return Lead(lead.onsite.real, 0.5 * (lead.hopping + lead.hopping.T))


def forms(lead: Lead) -> Forms:
    return Forms.of(
        lead.onsite.reshape(-1, lead.size, lead.size), lead.hopping.reshape(-1, lead.size, lead.size)
    )


def agree(lead: Lead, omega, numbers, tolerance: float):
    """λ and u of a form solve the problem, and are those of the general one."""
    found = forms(lead)
    rows = np.zeros(omega.size, dtype=int)
    assert numbers(found)[0] != GENERAL
    bloch, u = found.bloch_states(rows, omega**2, numbers(found))
    exact, _ = found.bloch_states(rows, omega**2, np.full(1, GENERAL))
    for some, all_exact, vectors, w in zip(bloch, exact, u, omega, strict=True):
        inside = all_exact[np.abs(all_exact) < 1e3]
        distance = np.abs(inside[:, None] - some).min(-1)
        assert np.all(distance < tolerance * np.maximum(1.0, np.abs(inside)))
        e = lead.onsite - w**2 * np.eye(lead.size)
        near = np.where(np.abs(some) < 1.0, some, 1.0 / some)  # from both ends the same polynomial
        first = np.where(np.abs(some) < 1.0, 1.0, 0.0)
        residue = np.where(
            first,
            near**2 * (lead.hopping @ vectors) + near * (e @ vectors) + adjoint(lead.hopping) @ vectors,
            lead.hopping @ vectors + near * (e @ vectors) + near**2 * (adjoint(lead.hopping) @ vectors),
        )
        assert np.abs(residue).max() < tolerance * np.abs(e).max()
        assert_allclose(np.linalg.norm(vectors, axis=0), 1.0, rtol=1e-12)


@EXACT
@given(SEED, SIZE, BASIS)
def test_real_form_is_found_in_any_basis_and_gives_the_same_modes(seed, n, kind):
    rng = np.random.default_rng(seed)
    lead = turned(random_slab(rng, n, real=True), rng, kind)
    agree(lead, in_band(lead, rng, 2), lambda found: found.full, 1e-8)


@EXACT
@given(SEED, SIZE, BASIS, st.booleans())
def test_mirror_is_found_in_any_basis_and_gives_the_same_modes(seed, n, kind, real):
    rng = np.random.default_rng(seed)
    lead = turned(mirrored(rng, n, real), rng, kind)
    assert forms(lead).halved(np.array([0])).all()
    agree(lead, in_band(lead, rng, 2), lambda found: found.best, 1e-7)


@EXACT
@given(SEED, st.integers(2, 6), BASIS)
def test_inversion_is_found_in_any_basis_and_gives_the_same_modes(seed, n, kind):
    rng = np.random.default_rng(seed)
    lead = turned(inverted(rng, n), rng, kind)
    found = forms(lead)
    assert not found.halved(np.array([0])).any()
    agree(lead, in_band(lead, rng, 2), lambda found: found.best, 1e-7)


def test_inversion_keeps_the_bands_at_each_of_the_shifts():
    rng = np.random.default_rng(7)
    lead = turned(inverted(rng, 4), rng, "any basis")
    found, good = InversionForm.of(lead.onsite[None], lead.hopping[None])
    assert good.all()
    for tau, bands in zip(SHIFTS, found.bands[0], strict=True):  # λ = exp iθ = (1 + iτ)/(1 − iτ)
        bloch = (1 + 1j * tau) / (1 - 1j * tau)
        matrix = lead.onsite + bloch * lead.hopping + adjoint(lead.hopping) / bloch
        assert_allclose(bands, np.linalg.eigvalsh(matrix), atol=1e-11)


@pytest.mark.parametrize("tau", [-1j, 1j])
def test_states_of_a_singular_hopping_stay_finite_where_their_bloch_factor_does_not(tau, monkeypatch):
    """τ = −i, which is exact on some processors, is λ = ∞; no state may make a point unsound."""
    rng = np.random.default_rng(4)
    lead = inverted(rng, 3)
    form, found = InversionForm.of(lead.onsite[None], lead.hopping[None])
    assert found.all()
    recovered = inversion.recovered

    def with_exact(m, shift):
        values, vectors = recovered(m, shift)
        values[:, 0] = tau
        return values, vectors

    monkeypatch.setattr(inversion, "recovered", with_exact)
    bloch, _ = form.bloch_states(np.array([0]), np.array([1.0]))
    assert np.isfinite(bloch).all()
    assert abs(bloch[0, 0]) > 1e150 if tau == -1j else abs(bloch[0, 0]) == 0.0


@EXACT
@given(SEED, SIZE, SIZE, st.sampled_from(["mirror", "real mirror", "inversion"]))
def test_symmetric_leads_transmit_as_the_general_problem_says(seed, n_left, n_right, kind):
    rng = np.random.default_rng(seed)

    def draw(n):
        plain = inverted(rng, n) if kind == "inversion" else mirrored(rng, n, kind == "real mirror")
        return turned(plain, rng, "any basis")

    left, right = draw(n_left), draw(n_right)
    middle = Junction(left, right, (), (0.3 * random_matrix(rng, n_left, n_right),))
    omega = np.concatenate([in_band(left, rng, 4), in_band(right, rng, 4)])
    fast = transmission(middle, omega)
    with general_problem_only():
        exact = transmission(middle, omega)
    assert np.array_equal(fast.channels_left, exact.channels_left)
    assert np.array_equal(fast.channels_right, exact.channels_right)
    assert fast.unitarity.max() < 1e-9
    assert_allclose(fast.transmission, exact.transmission, atol=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_modes_at_the_edges_of_bands_are_counted_right(seed):
    # each count by the crossings of the Hermitian bands, which knows nothing of the modes' problem
    rng = np.random.default_rng(seed)
    lead = turned(mirrored(rng, 4), rng, "any basis")
    distance = 10.0 ** -np.arange(2.0, 9.5)
    omega = (band_edges(lead)[:, None] * (1.0 + np.concatenate([distance, -distance]))).ravel()
    with general_problem_only():
        exact = channels(lead, omega)
    assert np.array_equal(channels(lead, omega), exact)
    some = omega[:: max(1, omega.size // 12)]
    far = np.abs(some[:, None] / band_edges(lead) - 1.0).min(-1) > 1e-4
    counted = [crossings(lead, float(w)) for w in some[far]]
    assert np.array_equal(channels(lead, some[far]), counted)


def test_doubtful_points_are_solved_in_full_size():
    # at a relative 1e-10 of an edge the halved problem has lost the digits that tell the pair apart
    rng = np.random.default_rng(5)
    lead = mirrored(rng, 4)
    omega = band_edges(lead) * (1.0 + 1e-10)
    found = lead_modes(lead, omega)
    with general_problem_only():
        exact = lead_modes(lead, omega)
    assert np.array_equal(found.right.bloch_factor, exact.right.bloch_factor)
    assert np.array_equal(found.left.vectors, exact.left.vectors)


def test_without_the_guard_the_halved_problem_is_visibly_worse_at_an_edge(monkeypatch):
    rng = np.random.default_rng(5)
    lead = mirrored(rng, 4)
    omega = band_edges(lead) * (1.0 + 1e-10)
    with general_problem_only():
        exact = lead_modes(lead, omega)
    monkeypatch.setattr(modes, "MARGIN", 0.0)
    found = lead_modes(lead, omega)
    assert np.abs(found.right.bloch_factor - exact.right.bloch_factor).max() > 1e-12


def test_blocks_without_a_symmetry_are_taken_as_they_are():
    rng = np.random.default_rng(14)
    several = [random_slab(rng, 4) for _ in range(20)]
    found = Forms.of(np.stack([x.onsite for x in several]), np.stack([x.hopping for x in several]))
    assert (found.best == GENERAL).all()
    assert (found.full == GENERAL).all()


def test_a_symmetry_broken_by_more_than_rounding_is_not_used():
    rng = np.random.default_rng(3)
    lead = mirrored(rng, 4)
    for relative, holds in ((1e-15, True), (1e-11, False)):
        crack = relative * random_matrix(rng, 4, 4) * np.abs(lead.hopping).max()
        assert (forms(Lead(lead.onsite, lead.hopping + crack)).best[0] != GENERAL) == holds


def test_a_batch_may_mix_all_forms():
    rng = np.random.default_rng(8)
    leads = [
        random_slab(rng, 4),
        turned(mirrored(rng, 4), rng, "any basis"),
        turned(random_slab(rng, 4, real=True), rng, "any basis"),
        turned(inverted(rng, 4), rng, "any basis"),
        mirrored(rng, 4, real=True),
    ]
    several = Lead(
        np.stack([x.onsite for x in leads])[:, None], np.stack([x.hopping for x in leads])[:, None]
    )
    found = forms(several)
    assert len(set(found.best.tolist())) == 5
    omega = np.stack([in_band(x, rng, 3) for x in leads])
    together = lead_modes(several, omega)
    for i, lead in enumerate(leads):
        alone = lead_modes(lead, omega[i])
        assert_allclose(together.right.bloch_factor[i], alone.right.bloch_factor, atol=1e-12)


class general_problem_only:  # noqa: N801
    """A context in which no form is used."""

    def __enter__(self):
        self.found = Forms.__dict__["of"]
        found = Forms.of

        def none(onsite, hopping, massless=0):
            every = found(onsite, hopping, massless)
            return replace(
                every, best=np.full_like(every.best, GENERAL), full=np.full_like(every.full, GENERAL)
            )

        Forms.of = staticmethod(none)

    def __exit__(self, *_):
        Forms.of = self.found
