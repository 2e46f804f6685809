"""Temperature nodes against closed forms: one channel, a grey slab, Milne's problem, limits, symmetry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expn

from latmm.errors import ConvergenceError, InputError
from latmm.inelastic.network import Bulk, conductivity, graded, homogeneous, solve_network

LENGTH, PATH = st.floats(1e-3, 1e4), st.floats(0.05, 1e5)
MU, SHARE = np.polynomial.legendre.leggauss(24)
MU, SHARE = 0.5 * (MU + 1.0), 0.5 * SHARE
GREY = 2.0 * MU * SHARE
"""Channels of a grey isotropic medium between black walls: Σ w = 1, Λ = μ in units of the optical depth."""


def contact(rng, bins: int, inner: int = 0) -> np.ndarray:
    """A symmetric matrix of conductances between channels, and nodes of a dissipative contact."""
    m = rng.uniform(0.0, 1.0, (2 * bins + inner,) * 2)
    return m + m.T


def sides(m, bins: int, path, length) -> tuple[Bulk, Bulk]:
    """Crystals whose channels carry what the contact's matrix says: its row sums."""
    weight = m.sum(axis=1)
    left, right = weight[:bins], weight[bins : 2 * bins]
    return Bulk(left, path[0], graded(length)), Bulk(right, path[1], graded(length))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(LENGTH, LENGTH, PATH, PATH, st.floats(1e-3, 1.0), st.sampled_from([1, 2, 20]))
def test_one_channel_has_its_resistances_in_series_on_any_mesh(l1, l2, path1, path2, t, elements):
    w = 3.0
    m = w * np.array([[1.0 - t, t], [t, 1.0 - t]])
    left, right = (
        Bulk(np.array([w]), np.array([path]), np.linspace(0.0, length, elements + 1))
        for path, length in ((path1, l1), (path2, l2))
    )
    found = solve_network(left, right, m)
    expected = w / (1.0 + l1 / (2.0 * path1) + l2 / (2.0 * path2) + (1.0 - t) / t)
    assert found.flux == pytest.approx(expected, rel=1e-10)
    assert found.imbalance < 1e-9


def grey_slab(depth: float, elements: int = 40) -> float:
    half = Bulk(GREY, MU, np.linspace(0.0, 0.5 * depth, elements // 2 + 1))
    return solve_network(half, half, homogeneous(GREY)).flux


def integral_equation(depth: float, points: int = 400) -> float:
    """Heat through the slab from θ(x) = ½[E₂(x) + ∫θ(y) E₁(|x − y|) dy], θ constant on cells."""
    edges = depth * 0.5 * (1.0 - np.cos(np.pi * np.arange(points + 1) / points))
    x = 0.5 * (edges[1:] + edges[:-1])
    # ∫E₁ over a cell is a difference of E₂, and two of them in its own cell
    e2 = expn(2, np.abs(x[:, None] - edges[None, :]))
    kernel = np.abs(np.diff(e2, axis=1))
    own = np.arange(points)
    kernel[own, own] = 2.0 - e2[own, own] - e2[own, own + 1]
    theta = np.linalg.solve(np.eye(points) - 0.5 * kernel, 0.5 * expn(2, x))
    return float(1.0 - 2.0 * theta @ -np.diff(expn(3, edges)))


@pytest.mark.parametrize(
    ("depth", "printed"),
    [(0.1, 0.9157), (0.2, 0.8491), (0.5, 0.7040), (1.0, 0.5532), (2.0, 0.3900), (3.0, 0.3016)],
)
def test_grey_slab_between_black_walls(depth, printed):
    found = grey_slab(depth)
    assert found == pytest.approx(integral_equation(depth), abs=2e-5)
    assert found == pytest.approx(grey_slab(depth, 10), abs=5e-6)
    # the printed table of Heaslet and Warming; at depth 1 both routes here say 0.55341
    assert found == pytest.approx(printed, abs=2.1e-4)


@pytest.mark.parametrize("depth", [10.0, 100.0])
def test_thick_slab_has_milnes_extrapolation_length_at_both_ends(depth):
    assert grey_slab(depth, 80) == pytest.approx(4.0 / 3.0 / (depth + 2.0 * 0.7104461), rel=1e-4)


def test_diffusive_profile_has_the_conductivity_of_the_channels():
    rng = np.random.default_rng(3)
    weight, path = rng.uniform(0.0, 1.0, 8), rng.uniform(0.5, 30.0, 8)
    side = Bulk(weight, path, graded(3000.0))
    found = solve_network(side, side, homogeneous(weight))
    z = side.positions
    middle = (z > 800.0) & (z < 2200.0)
    slope = np.polyfit(z[middle], found.temperature_left[middle], 1)[0] * 1e10
    assert found.flux / slope == pytest.approx(conductivity(weight, path), rel=1e-9)


def test_perfect_crystal_has_no_jump():
    rng = np.random.default_rng(4)
    weight, path = rng.uniform(0.0, 1.0, 20), np.geomspace(0.1, 3e3, 20)
    for length in (5.0, 20.0, 1e6):
        side = Bulk(weight, path, graded(length))
        found = solve_network(side, side, homogeneous(weight))
        # the jump of linear elements ends with their first length
        assert abs(found.jump) < 1e-6 + 1e-3 * side.positions[1] / length
        if length > 100.0 * path.max():  # straight but for its ends
            assert abs(found.extrapolated_jump()) < 1e-9
        np.testing.assert_allclose(found.temperature_left - 0.5, 0.5 - found.temperature_right, atol=1e-12)


def test_equal_temperatures_carry_nothing_and_heat_is_conserved():
    rng = np.random.default_rng(5)
    m = contact(rng, 6, inner=3)
    found = solve_network(*sides(m, 6, rng.uniform(1.0, 300.0, (2, 6)), 500.0), m)
    assert found.imbalance < 1e-12
    temperature = np.concatenate([found.temperature_left, found.temperature_contact, found.temperature_right])
    assert np.all((temperature > 0.0) & (temperature < 1.0))
    # what enters the contact leaves it on the other side
    weight = m.sum(axis=1)
    state = np.concatenate([found.incoming, found.temperature_contact])
    gained = m @ state - weight * state
    assert gained[:6].sum() == pytest.approx(-gained[6:12].sum(), rel=1e-10)
    np.testing.assert_allclose(gained[12:], 0.0, atol=1e-10)


def test_heat_flows_alike_in_both_directions():
    rng = np.random.default_rng(6)
    m = contact(rng, 5, inner=2)
    left, right = sides(m, 5, rng.uniform(1.0, 50.0, (2, 5)), 100.0)
    turned = np.r_[5:10, 0:5, 10:12]
    there, back = solve_network(left, right, m), solve_network(right, left, m[np.ix_(turned, turned)])
    assert there.flux == pytest.approx(back.flux, rel=1e-12)


def test_short_crystals_leave_the_four_probe_resistance():
    rng = np.random.default_rng(7)
    m = contact(rng, 6)
    left, right = sides(m, 6, rng.uniform(10.0, 100.0, (2, 6)), 1e-7)
    resistance = 1.0 / solve_network(left, right, m).flux
    for side in (left, right):
        resistance -= 0.5 / solve_network(side, side, homogeneous(side.weight)).flux
    through = m[6:, :6].sum()
    four = 1.0 / through - 0.5 / left.weight.sum() - 0.5 / right.weight.sum()
    assert resistance == pytest.approx(four, rel=1e-6)


def test_longer_paths_rescale_the_lengths():
    rng = np.random.default_rng(8)
    m = contact(rng, 4)
    path = rng.uniform(1.0, 30.0, (2, 4))
    weight = m.sum(axis=1)
    fluxes = []
    for factor in (1.0, 7.0):
        z = factor * graded(50.0)
        left, right = Bulk(weight[:4], factor * path[0], z), Bulk(weight[4:], factor * path[1], z)
        fluxes.append(solve_network(left, right, m).flux)
    assert fluxes[1] == pytest.approx(fluxes[0], rel=1e-12)


def test_a_contact_node_that_nothing_reaches_is_left_out():
    rng = np.random.default_rng(9)
    m = contact(rng, 3)
    left, right = sides(m, 3, rng.uniform(1.0, 30.0, (2, 3)), 20.0)
    with_node = solve_network(left, right, np.pad(m, (0, 1)))
    assert with_node.flux == pytest.approx(solve_network(left, right, m).flux, rel=1e-14)


@pytest.mark.parametrize("length", [0.0, -1.0, np.nan, np.inf])
def test_refuses_a_length_that_is_none(length):
    with pytest.raises(InputError, match="length"):
        graded(length)


def test_refuses_crystals_that_make_no_sense():
    with pytest.raises(InputError, match="positions"):
        Bulk(np.ones(2), np.ones(2), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="mean free paths"):
        Bulk(np.ones(2), np.array([1.0, 0.0]), graded(3.0))
    with pytest.raises(InputError, match="no weight negative"):
        Bulk(-np.ones(2), np.ones(2), graded(3.0))
    side = Bulk(np.ones(2), np.ones(2), graded(3.0))
    with pytest.raises(InputError, match="contact"):
        solve_network(side, side, np.ones((3, 3)))


def test_refuses_what_loses_heat():
    side = Bulk(np.ones(2), np.ones(2), graded(3.0))
    lossy = homogeneous(side.weight)
    lossy[0, 2] = 0.0  # heat that goes one way only
    with pytest.raises(ConvergenceError, match="not conserved"):
        solve_network(side, side, lossy)
