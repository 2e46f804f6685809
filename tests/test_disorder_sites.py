"""What sits on the sites of a slab: fractions exact to rounding, seeds that repeat, known statistics."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from latmm.defaults import DISORDER, MIXING_PROFILES
from latmm.disorder.kinds import PROFILES, Roughness, disorder_of
from latmm.disorder.profiles import Profile
from latmm.disorder.roughness import HeightField, rough
from latmm.disorder.sites import (
    averaged,
    between,
    mass_disorder,
    mixed,
    occupied,
    planes,
    substituted,
    vacancies,
)
from latmm.errors import InputError
from latmm.geometry.matching import match
from latmm.geometry.orientation import orient
from latmm.interface.slab import build_slab

EXACT = settings(derandomize=True, deadline=None, max_examples=25)
SILICON, GERMANIUM = 28.085, 72.63


def pair(left: Atoms, right: Atoms, normal=(0, 0, 1), lateral=(4, 4)):
    """Matched crystals with a common cell of several primitive ones."""
    matched = match(orient(left, normal), orient(right, normal))
    repeat = np.diag(lateral).astype(np.int64)
    return replace(matched, lateral_left=repeat, lateral_right=repeat)


@pytest.fixture(scope="module")
def silicon_germanium():
    """4 x 4 lateral cells, 5 primitive layers (10 atomic planes) of each crystal."""
    matched = pair(bulk("Si", a=5.43), bulk("Ge", a=5.43))
    return build_slab(matched, (5, 5)), matched


@pytest.fixture(scope="module")
def arsenides():
    """Two compounds that share an element, 3 x 2 lateral cells."""
    matched = pair(bulk("GaAs", "zincblende", a=5.65), bulk("AlAs", "zincblende", a=5.65), lateral=(3, 2))
    return build_slab(matched, (4, 4)), matched


def turned(matched):
    """The right crystal shifted by half a lattice vector in the plane: the same cell, other sites."""
    right = matched.right.copy()
    right.positions += 0.5 * right.cell.array[0]
    return replace(matched, right=right)


def share_by_plane(slab, matched, element="Ge"):
    number = planes(slab, matched)
    symbols = np.array(slab.atoms.get_chemical_symbols())
    return {int(p): float(np.mean(symbols[number == p] == element)) for p in np.unique(number)}


def heavy(slab):
    return int((slab.atoms.numbers == 32).sum())


# --- planes and profiles ---------------------------------------------------------------------------------


def test_planes_are_numbered_from_the_contact_in_the_order_of_their_height(silicon_germanium):
    slab, matched = silicon_germanium
    number = planes(slab, matched)
    z = slab.atoms.positions[:, 2]
    heights = [z[number == p].mean() for p in range(-10, 10)]
    assert_allclose(np.diff(heights), 5.43 / 4.0, atol=1e-9)
    assert max(np.ptp(z[number == p]) for p in range(-10, 10)) < 1e-9
    assert np.array_equal(number < 0, slab.side < 0)


def test_atoms_of_one_height_form_one_plane():
    matched = pair(bulk("Si", a=5.43), bulk("Ge", a=5.43), normal=(1, 1, 0), lateral=(1, 1))
    number = planes(build_slab(matched, (2, 2)), matched)
    assert np.array_equal(number, [-2, -2, -1, -1, 0, 0, 1, 1])


def test_linear_profile_takes_equal_steps():
    assert_allclose(Profile.linear(3).at(np.arange(-4, 4)), [0, 0, 0, 0.25, 0.5, 0.75, 1, 1])
    assert_allclose(Profile.linear(2).at(np.arange(-2, 2)), [0, 1 / 3, 2 / 3, 1])


@EXACT
@given(st.floats(0.05, 20.0), st.integers(1, 12))
def test_geometric_profile_multiplies_the_mean_by_equal_factors(ratio, width):
    profile = Profile.geometric(width, ratio)
    mean = 1.0 + profile.at(np.arange(profile.first - 1, profile.first + width + 1)) * (ratio - 1.0)
    assert_allclose(mean[1:] / mean[:-1], ratio ** (1.0 / (width + 1)), rtol=1e-9)


@pytest.mark.parametrize("kind", [Profile.erf, Profile.exponential])
def test_smooth_profiles_have_the_slope_that_their_width_says_and_conserve_atoms(kind):
    width = 40.0
    profile = kind(width)
    below, above = profile.at(np.array([-1, 0]))
    assert above - below == pytest.approx(1.0 / width, rel=0.02)
    planes_ = np.arange(-100, 100)
    assert_allclose(profile.at(planes_) + profile.at(-1 - planes_), 1.0, atol=1e-12)


@pytest.mark.parametrize(
    "profile",
    [Profile.linear(0), Profile.uniform(0), Profile.erf(0.0), Profile.exponential(0.0), Profile.erf(0.1)],
)
def test_a_profile_without_width_is_the_abrupt_contact(profile):
    assert np.array_equal(profile.at(np.arange(-3, 3)), [0, 0, 0, 1, 1, 1])
    assert profile.depth == 0


# --- mixing ----------------------------------------------------------------------------------------------


@EXACT
@given(st.lists(st.integers(0, 16), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_whole_numbers_of_atoms_are_met_in_every_plane(silicon_germanium, counts, seed):
    slab, matched = silicon_germanium
    profile = Profile.listed(np.array(counts) / 16.0)
    found = share_by_plane(mixed(slab, matched, profile, np.random.default_rng(seed)), matched)
    for plane, fraction in zip(
        range(profile.first, profile.first + len(counts)), profile.fraction, strict=True
    ):
        assert found[plane] == fraction


@EXACT
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_any_share_is_met_to_rounding_in_every_plane_and_in_total(silicon_germanium, fractions, seed):
    slab, matched = silicon_germanium
    profile = Profile.listed(fractions)
    after = mixed(slab, matched, profile, np.random.default_rng(seed))
    found = share_by_plane(after, matched)
    for plane, fraction in zip(range(profile.first, profile.first + len(fractions)), fractions, strict=True):
        assert abs(16 * found[plane] - 16 * fraction) < 1.0
    right = sum(s for p, s in found.items() if profile.first <= p < profile.first + len(fractions))
    assert abs(16 * right - 16 * sum(fractions)) < 1.0 + 1e-6


@pytest.mark.parametrize("profile", [Profile.linear(4), Profile.erf(3.0), Profile.exponential(2.0)])
def test_symmetric_profiles_exchange_atoms_and_lose_none(silicon_germanium, profile):
    slab, matched = silicon_germanium
    for seed in range(5):
        assert heavy(mixed(slab, matched, profile, np.random.default_rng(seed))) == heavy(slab)


def test_every_site_of_a_plane_is_as_likely(silicon_germanium):
    slab, matched = silicon_germanium
    number = planes(slab, matched)
    draws = 400
    count = np.zeros(len(slab.atoms))
    for seed in range(draws):
        after = mixed(slab, matched, Profile.listed([0.3]), np.random.default_rng(seed))
        count += after.atoms.numbers == 32
    inside = count[number == 0] / draws
    # 0.3 with the binomial's standard deviation of one site, sixteen sites, at four deviations
    assert np.abs(inside - 0.3).max() < 4.0 * np.sqrt(0.21 / draws)
    assert inside.mean() == pytest.approx(0.3, abs=4.0 * 0.5 / 16 / np.sqrt(draws))


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_contact(silicon_germanium):
    slab, matched = silicon_germanium
    first, again, other = (
        mixed(slab, matched, Profile.linear(4), np.random.default_rng(seed)).atoms.numbers
        for seed in (7, 7, 8)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_masses_go_with_the_species(silicon_germanium):
    slab, matched = silicon_germanium
    after = mixed(slab, matched, Profile.linear(4), np.random.default_rng(0)).atoms
    expected = np.where(after.numbers == 32, *(c.get_masses()[0] for c in (matched.right, matched.left)))
    assert_allclose(after.get_masses(), expected)


def test_a_shared_element_stays_and_only_the_other_mixes(arsenides):
    slab, matched = arsenides
    after = mixed(slab, matched, Profile.uniform(6), np.random.default_rng(1))
    arsenic = slab.atoms.numbers == 33
    assert np.array_equal(after.atoms.numbers[arsenic], slab.atoms.numbers[arsenic])
    assert set(after.atoms.numbers[~arsenic].tolist()) == {13, 31}
    number = planes(slab, matched)
    mixed_planes = [p for p in range(-3, 3) if not arsenic[number == p].any()]
    for p in mixed_planes:
        assert (after.atoms.numbers[number == p] == 13).sum() == 3


def test_zeros_and_ones_make_a_superlattice_without_chance(silicon_germanium):
    slab, matched = silicon_germanium
    stack = Profile.listed([1, 1, 0, 0, 1, 1, 0, 0])
    after = mixed(slab, matched, stack, np.random.default_rng(3))
    found = share_by_plane(after, matched)
    assert [found[p] for p in range(-5, 5)] == [0, 1, 1, 0, 0, 1, 1, 0, 0, 1]


def test_disorder_leaves_the_slab_it_was_given_as_it_is(silicon_germanium):
    slab, matched = silicon_germanium
    before = slab.atoms.copy()
    rng = np.random.default_rng(0)
    region = between(slab, matched, 4)
    mixed(slab, matched, Profile.linear(4), rng)
    averaged(slab, matched, Profile.linear(4))
    vacancies(slab, region, 0.1, rng)
    mass_disorder(slab, region, 0.2, rng)
    rough(slab, matched, 1.0, 4.0, rng)
    assert slab.atoms == before
    assert np.array_equal(slab.atoms.get_masses(), before.get_masses())


# --- other kinds -----------------------------------------------------------------------------------------


def test_graded_masses_are_the_means_of_their_plane(silicon_germanium):
    slab, matched = silicon_germanium
    profile = Profile.geometric(3, GERMANIUM / SILICON)
    mass = averaged(slab, matched, profile).atoms.get_masses()
    number = planes(slab, matched)
    by_plane = [np.unique(mass[number == p]) for p in range(-2, 3)]
    assert all(len(m) == 1 for m in by_plane)
    slab_after = averaged(slab, matched, profile)
    assert set(slab_after.atoms.symbols[number < -1]) == {"Si"}
    assert set(slab_after.atoms.symbols[number > 1]) == {"Ge"}
    masses = np.concatenate(by_plane)
    assert_allclose(masses[1:] / masses[:-1], (masses[-1] / masses[0]) ** 0.25, rtol=1e-9)


def test_mass_disorder_keeps_the_mean_and_has_the_variance_asked_for(silicon_germanium):
    slab, matched = silicon_germanium
    region = between(slab, matched, 6)
    assert region.sum() == 6 * 16
    after = mass_disorder(slab, region, 0.15, np.random.default_rng(4)).atoms.get_masses()
    before = slab.atoms.get_masses()
    assert np.array_equal(after[~region], before[~region])
    relative = after[region] / before[region] - 1.0
    assert relative.mean() == pytest.approx(0.0, abs=1e-12)
    assert (relative**2).mean() == pytest.approx(0.15**2, rel=1e-12)


@EXACT
@given(st.floats(0.0, 0.5), st.integers(0, 2**32 - 1))
def test_vacancies_take_atoms_with_their_labels(silicon_germanium, fraction, seed):
    slab, matched = silicon_germanium
    region = between(slab, matched, 4)
    after = vacancies(slab, region, fraction, np.random.default_rng(seed))
    missing = len(slab.atoms) - len(after.atoms)
    assert abs(missing - fraction * region.sum()) < 1.0 + 1e-6
    known = {tuple(x) for x in np.column_stack([slab.side, slab.layer, slab.member, slab.cell])}
    kept = {tuple(x) for x in np.column_stack([after.side, after.layer, after.member, after.cell])}
    assert kept <= known
    assert len(kept) == len(after.atoms)
    outside = np.abs(planes(after, matched) + 0.5) > 2
    assert outside.sum() == (~region).sum()


def test_a_third_element_replaces_what_is_named(arsenides):
    slab, matched = arsenides
    layer = between(slab, matched, 4)
    after = substituted(slab, layer, {"Ga": ("In", 114.818), "Al": ("In", 114.818)})
    changed = after.atoms.numbers == 49
    assert np.array_equal(changed, layer & (slab.atoms.numbers != 33))
    assert_allclose(after.atoms.get_masses()[changed], 114.818)
    with pytest.raises(InputError, match="none of Si to be replaced"):
        substituted(slab, layer, {"Si": ("Ge", 72.63)})


# --- roughness -------------------------------------------------------------------------------------------

CELL = np.array([[24.0, 0.0], [-9.0, 30.0]])


def test_heights_have_the_variance_and_correlation_that_the_field_promises():
    field = HeightField.of(CELL, 2.0, 5.0)
    points = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 5.0], [8.0, 8.0]])
    assert field.correlation(points[:1]) == pytest.approx(4.0, rel=1e-12)
    draws = np.array([field.heights(points, np.random.default_rng(seed)) for seed in range(4000)])
    # the deviation of a sample covariance of unit-variance normals is at most √(2/n)
    assert_allclose(draws.T @ draws[:, 0] / len(draws), field.correlation(points), atol=4 * 4.0 * 0.022)


def test_correlations_are_gaussian_in_a_wide_cell():
    field = HeightField.of(np.diag([200.0, 200.0]), 1.0, 5.0)
    r = np.array([[0.0, 0.0], [2.0, 0.0], [3.0, 4.0], [10.0, 0.0]])
    # the zero wave vector is left out: the mean height does not move, at the cost of πξ²/area
    offset = np.pi * 25.0 / 200.0**2
    expected = (np.exp(-(r**2).sum(axis=1) / 25.0) - offset) / (1.0 - offset)
    assert_allclose(field.correlation(r), expected, atol=1e-7)


@EXACT
@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 2**32 - 1))
def test_heights_repeat_with_the_lateral_cell(a, b, seed):
    field = HeightField.of(CELL, 1.5, 6.0)
    points = np.array([[1.0, 2.0], [-7.0, 11.0]])
    there = points + np.array([a, b]) @ CELL
    assert_allclose(
        field.heights(points, np.random.default_rng(seed)),
        field.heights(there, np.random.default_rng(seed)),
        atol=1e-10,
    )


def test_roughness_moves_the_contact_without_leaving_islands_in_the_crystals(silicon_germanium):
    slab, matched = silicon_germanium
    after = rough(slab, matched, 2.0, 6.0, np.random.default_rng(5))
    assert not np.array_equal(after.atoms.numbers, slab.atoms.numbers)
    number = planes(slab, matched)
    # along each column of the lattice the left species ends once
    columns = {}
    for i, place in enumerate(np.round(slab.atoms.get_scaled_positions()[:, :2] * 8).astype(int) % 8):
        columns.setdefault(tuple(place), []).append(i)
    assert len(columns) == 64
    for column in columns.values():
        species = after.atoms.numbers[sorted(column, key=lambda i: number[i])]
        assert np.array_equal(species, np.sort(species))


def test_a_smooth_surface_is_the_abrupt_contact(silicon_germanium):
    slab, matched = silicon_germanium
    after = rough(slab, matched, 0.0, 6.0, np.random.default_rng(0))
    assert np.array_equal(after.atoms.numbers, slab.atoms.numbers)


def compound(crystal):
    other = crystal.copy()
    other.numbers[-1] += 1
    return other


# --- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda slab, m: Profile.listed([0.5, 1.2]), r"numbers in \[0, 1\]"),
        (lambda slab, m: Profile.linear(-1), "whole number of atomic planes"),
        (lambda slab, m: Profile.linear(1.5), "whole number of atomic planes"),
        (lambda slab, m: Profile.erf(float("nan")), "must not be negative"),
        (lambda slab, m: Profile.geometric(3, -1.0), "must be positive"),
        (lambda slab, m: rough(slab, m, 1.0, 40.0, np.random.default_rng(0)), "`lateral`"),
        (lambda slab, m: rough(slab, m, -1.0, 4.0, np.random.default_rng(0)), "roughness needs"),
        (
            lambda slab, m: vacancies(slab, between(slab, m, 2), 1.0, np.random.default_rng(0)),
            "fraction of vac",
        ),
        (lambda slab, m: mass_disorder(slab, between(slab, m, 2), 1.0, np.random.default_rng(0)), "spread"),
        (
            lambda slab, m: occupied(
                slab, replace(m, left=compound(m.left), right=m.right[:1]), slab.side > 0
            ),
            "not defined which of their species",
        ),
        (lambda slab, m: averaged(slab, turned(m), Profile.linear(2)), "do not continue each other"),
        (lambda slab, m: planes(replace(slab, side=0 * slab.side), m), "of neither"),
    ],
)
def test_what_makes_no_sense_is_refused(silicon_germanium, call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(*silicon_germanium)
    assert "\n" not in str(caught.value)


def test_kinds_of_disorder_are_made_by_name():
    assert disorder_of("alloy", width=2).profile.fraction.tolist() == [0.5, 0.5]
    assert disorder_of("roughness", rms=2.0, correlation=9.0) == Roughness(2.0, 9.0)
    assert disorder_of("intermixing", profile=[0.2, 0.9]).profile.fraction.tolist() == [0.2, 0.9]
    assert disorder_of("intermixing", width=3).profile.fraction.tolist() == [0.25, 0.5, 0.75]
    assert set(PROFILES) == set(MIXING_PROFILES)
    for kind, (needs, takes) in {name: (one.needs, one.takes) for name, one in DISORDER.items()}.items():
        with pytest.raises(InputError, match=f"`kind` {kind} needs `{needs[0]}`"):
            disorder_of(kind)
        for other in {"width", "fraction", "rms", "spread"} - {*needs, *takes}:
            with pytest.raises(InputError, match=f"`{other}` has no meaning"):
                disorder_of(kind, **dict.fromkeys((*needs, other), 0.5))
    with pytest.raises(InputError, match="unknown kind of disorder"):
        disorder_of("chaos")
