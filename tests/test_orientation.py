"""Oriented cells: the plane asked for, the same crystal, one lattice plane thick, cut in its widest gap."""

from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from hypothesis import given, settings
from hypothesis import strategies as st
from matscipy.neighbours import neighbour_list

from latmm.errors import InputError
from latmm.geometry.orientation import gauss_reduce, orient

PLANES = [
    (0, 0, 1),
    (1, 1, 0),
    (1, 1, 1),
    (-1, -1, -1),
    (1, 0, 0),
    (2, 1, 0),
    (3, 1, -1),
    (2, 2, 4),
    (0, -1, 2),
]
CENTRED = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
BODY = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
SIMPLE = np.zeros((1, 3))
CRYSTALS = {
    "silicon": (bulk("Si", cubic=True), CENTRED),
    "zincblende": (bulk("GaAs", "zincblende", a=5.65, cubic=True), CENTRED),
    "fcc": (bulk("Al", cubic=True), CENTRED),
    "bcc": (bulk("Fe", cubic=True), BODY),
    "wurtzite": (bulk("GaN", "wurtzite", a=3.19, c=5.19), SIMPLE),
    "tetragonal": (
        Atoms("Sn2", cell=[4, 4, 5.5], scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.3]], pbc=True),
        SIMPLE,
    ),
    "monoclinic": (
        Atoms(
            "LiF", cell=[3, 4.5, 5.2, 90, 104, 90], scaled_positions=[[0, 0, 0], [0.4, 0.2, 0.6]], pbc=True
        ),
        SIMPLE,
    ),
}


def environment(atoms, radius=5.37):
    """Sorted distances of every pair of elements, per primitive formula: the crystal up to congruence."""
    i, j, d = neighbour_list("ijd", atoms, radius)
    kinds = atoms.numbers[i] * 1000 + atoms.numbers[j]
    order = np.lexsort((d.round(5), kinds))
    return kinds[order], d[order]


def plane_translations(conventional, centring, normal, radius=14.0):
    """Lattice translations of the cell: (those in the plane, the smallest step across it in Å)."""
    steps = np.array(list(product(range(-5, 6), repeat=3)))
    fractions = (steps[:, None, :] + centring[None]).reshape(-1, 3)
    wave = np.asarray(normal) @ np.linalg.inv(conventional.cell.array).T
    across = fractions @ np.asarray(normal, dtype=float)
    vectors = fractions @ conventional.cell.array
    inside = (np.abs(across) < 1e-9) & (np.linalg.norm(vectors, axis=1) < radius)
    return vectors[inside], across[across > 1e-9].min() / np.linalg.norm(wave)


@pytest.mark.parametrize("normal", PLANES)
@pytest.mark.parametrize("name", CRYSTALS)
def test_oriented_cell_is_the_same_crystal_with_the_plane_across_z(name, normal):
    conventional, centring = CRYSTALS[name]
    oriented = orient(conventional, normal)
    cell = oriented.cell.array
    assert not cell[0, 1:].any()
    assert cell[1, 2] == 0
    assert cell[0, 0] > 0
    assert np.linalg.det(cell) == pytest.approx(conventional.get_volume() / len(centring))
    assert len(oriented) * len(centring) == len(conventional)
    if name == "monoclinic":  # the standard cell of a monoclinic lattice may be another
        return
    in_plane, spacing = plane_translations(conventional, centring, normal)
    assert cell[2, 2] == pytest.approx(spacing)
    # the same lattice in the plane: equal lengths of all its vectors
    combinations = np.array(list(product(range(-6, 7), repeat=2))) @ cell[:2]
    own = np.sort(np.linalg.norm(combinations, axis=1))
    theirs = np.sort(np.linalg.norm(in_plane, axis=1))
    shells = theirs < 9.0
    np.testing.assert_allclose(own[: shells.sum()], theirs[shells], atol=1e-9)


@pytest.mark.parametrize("normal", PLANES)
@pytest.mark.parametrize("name", CRYSTALS)
def test_orientation_leaves_all_distances_alone(name, normal):
    conventional, centring = CRYSTALS[name]
    kinds, distances = environment(conventional)
    own_kinds, own = environment(orient(conventional, normal))
    np.testing.assert_array_equal(np.repeat(own_kinds, len(centring)), kinds)
    np.testing.assert_allclose(np.repeat(own, len(centring)), distances, atol=2e-5)


@pytest.mark.parametrize("normal", PLANES)
@pytest.mark.parametrize("name", CRYSTALS)
def test_cell_is_cut_in_the_widest_gap_and_sorted_upwards(name, normal):
    oriented = orient(CRYSTALS[name][0], normal)
    height = oriented.get_scaled_positions(wrap=False)[:, 2]
    assert np.all(np.diff(height) > -1e-6)
    gap = 1.0 - height[-1] + height[0]
    assert gap >= np.diff(height).max(initial=0.0) - 1e-6
    assert height[0] == pytest.approx(0.5 * gap)  # the boundary is in its middle


@pytest.mark.parametrize(("normal", "below"), [((1, 1, 1), "Ga"), ((-1, -1, -1), "As")])
def test_normal_points_from_left_to_right_also_where_its_sign_matters(normal, below):
    """Gallium at 0, arsenic at ¼[111]: along +[111] each gallium carries its arsenic on top."""
    oriented = orient(CRYSTALS["zincblende"][0], normal)
    i, vector = neighbour_list("iD", oriented, 2.6)
    upward = vector[:, 2] > 2.4
    assert upward.sum() == 1
    assert oriented.symbols[i[upward][0]] == below


@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 1, 1), (2, 1, 0)])
@pytest.mark.parametrize("name", ["silicon", "zincblende", "wurtzite"])
def test_cell_of_the_file_does_not_matter(name, normal):
    """Supercell, another primitive cell, another origin, another orientation in space."""
    reference = orient(CRYSTALS[name][0], normal)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    skewed = make_supercell(CRYSTALS[name][0], [[1, 1, 0], [0, 1, 0], [0, 2, 2]])
    skewed.set_cell(skewed.cell.array @ turn)
    skewed.positions = (skewed.positions + np.array([0.4, -7.0, 1.1])) @ turn
    skewed.wrap()
    found = orient(skewed, normal)
    np.testing.assert_allclose(
        sorted(found.cell.lengths()[:2]), sorted(reference.cell.lengths()[:2]), atol=1e-6
    )
    assert found.cell[2, 2] == pytest.approx(reference.cell[2, 2])
    for ours, theirs in zip(environment(found), environment(reference), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_masses_go_with_their_atoms():
    crystal = bulk("GaAs", "zincblende", a=5.65, cubic=True)
    crystal.set_masses([70.0 if s == "Ga" else 80.0 for s in crystal.symbols])
    oriented = orient(crystal, (1, 1, 1))
    assert dict(zip(oriented.get_chemical_symbols(), oriented.get_masses(), strict=True)) == {
        "Ga": 70.0,
        "As": 80.0,
    }


def test_ordered_isotopes_double_the_cell():
    crystal = bulk("Al", cubic=True)
    crystal.set_masses([27.0, 27.0, 28.0, 28.0])
    assert len(orient(crystal, (0, 0, 1))) == 2


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.sampled_from([60.0, 90.0, 120.0, 75.0, 101.0]),
    st.sampled_from([1.0, 1.0, 1.0, 1.37]),
    st.integers(-4, 4),
    st.integers(-4, 4),
    st.floats(0, 360),
)
def test_reduction_ends_on_ties_and_gives_the_shortest_pair(angle, ratio, n, m, turn):
    """Square and hexagonal lattices, scrambled by shears and turned so that rounding decides ties."""
    a = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
    b = ratio * np.array([np.cos(np.radians(turn + angle)), np.sin(np.radians(turn + angle))])
    scrambled = np.array([[1, n], [m, 1 + n * m]]) @ np.array([a, b])
    reduced = gauss_reduce(scrambled)
    change = reduced @ np.linalg.inv(np.array([a, b]))
    np.testing.assert_allclose(change, np.rint(change), atol=1e-9)
    assert abs(round(np.linalg.det(change))) == 1
    length = np.linalg.norm(reduced, axis=1)
    vectors = np.array([p for p in product(range(-7, 8), repeat=2) if any(p)]) @ np.array([a, b])
    assert length.min() == pytest.approx(np.linalg.norm(vectors, axis=1).min())
    cosine = reduced[0] @ reduced[1] / length.prod()
    assert -0.5 - 1e-9 <= cosine <= 1e-9


@pytest.mark.parametrize("normal", [(1, 1, 51), (10**30, 1, 1), (-1000, 0, 3)])
def test_a_plane_of_huge_miller_indices_is_refused(normal):
    with pytest.raises(InputError, match=r"too close to each other .* up to 50"):
        orient(bulk("Si"), normal)


def test_common_factors_of_miller_indices_do_not_count():
    for factor in (1, 1000, 10**30):
        oriented = orient(bulk("Si"), (0, factor, factor))
        np.testing.assert_allclose(oriented.cell.array, orient(bulk("Si"), (0, 1, 1)).cell.array, atol=1e-12)


@pytest.mark.parametrize("normal", [(0, 0, 0), (1, 1), (0.5, 0, 1)])
def test_a_plane_without_three_miller_indices_is_refused(normal):
    with pytest.raises(InputError, match="three Miller indices"):
        orient(bulk("Si"), normal)
