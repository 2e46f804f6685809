"""Coincidence cells: each is common to both crystals, none is missing, none is listed twice."""

from itertools import product
from math import gcd

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from hypothesis import given, settings
from hypothesis import strategies as st
from matscipy.neighbours import neighbour_list

from latmm.comparison import compare
from latmm.errors import InputError
from latmm.geometry.coincidence import CommonCell, coincidences, matched_of
from latmm.geometry.cuts import cut_at, planar_operations, terminations
from latmm.geometry.matching import match, principal_strain
from latmm.geometry.orientation import gauss_reduce, orient
from latmm.interface.build import join_crystals, match_crystals
from latmm.interface.symmetry import layer_operations
from latmm.potentials.calculators import resolve_potential

CRYSTALS = {
    "si": bulk("Si", a=5.431, cubic=True),
    "ge": bulk("Ge", a=5.658, cubic=True),
    "al": bulk("Al", a=4.05, cubic=True),
    "fe": bulk("Fe", a=2.87, cubic=True),
    "gan": bulk("GaN", "wurtzite", a=3.189, c=5.185),
    "gaas": bulk("GaAs", "zincblende", a=5.653, cubic=True),
    "mgo": bulk("MgO", "rocksalt", a=4.21, cubic=True),
    "graphite": Atoms(
        "C4",
        cell=[2.46, 2.46, 6.7, 90, 90, 120],
        scaled_positions=[[0, 0, 0.25], [1 / 3, 2 / 3, 0.25], [0, 0, 0.75], [2 / 3, 1 / 3, 0.75]],
        pbc=True,
    ),
    "stacked graphene": Atoms(
        "C2", cell=[2.46, 2.46, 3.35, 90, 90, 120], scaled_positions=[[0, 0, 0], [1 / 3, 2 / 3, 0]], pbc=True
    ),
    "perovskite": Atoms(
        "SrTiO3",
        cell=[3.905] * 3,
        scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
        pbc=True,
    ),
    "monoclinic": Atoms(
        "LiF", cell=[3, 4.5, 5.2, 90, 104, 90], scaled_positions=[[0, 0, 0], [0.4, 0.2, 0.6]], pbc=True
    ),
}
PAIRS = [  # left, its plane, right, its plane, largest area, largest strain
    ("si", (0, 0, 1), "ge", (0, 0, 1), 80, 0.05),
    ("si", (1, 1, 1), "al", (1, 1, 1), 120, 0.03),
    ("si", (1, 1, 1), "gan", (0, 0, 1), 120, 0.02),
    ("si", (0, 0, 1), "gan", (0, 0, -1), 60, 0.03),
    ("mgo", (1, 1, 0), "fe", (0, 0, 1), 60, 0.05),
    ("gaas", (2, 1, 0), "monoclinic", (0, 1, 0), 200, 0.05),
]


def crystal(name, normal):
    return orient(CRYSTALS[name], normal)


def listed(pair, **limits):
    left, left_normal, right, right_normal, area, strain = pair
    sides = crystal(left, left_normal), crystal(right, right_normal)
    return *sides, coincidences(*sides, **{"max_area": area, "max_strain": strain} | limits)


def assert_same(found, other, *, exchanged=False):
    """Equal lists of area, atoms and strains; the order among equal rows is free."""
    tables = []
    for cells, sides in (
        (found, ("left", "right")),
        (other, ("right", "left") if exchanged else ("left", "right")),
    ):
        rows = [
            (
                c.area,
                c.atoms,
                *(value for s in sides for value in principal_strain(getattr(c, f"strain_{s}"))),
            )
            for c in cells
        ]
        table = np.array(rows).reshape(-1, 6)
        tables.append(table[np.lexsort(table.round(5).T)])
    np.testing.assert_allclose(*tables, atol=1e-7)


@pytest.mark.parametrize("strain", ["right", "left", "both"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0]}-{p[2]}")
def test_listed_cells_are_common_to_both_crystals(pair, strain):
    left, right, found = listed(pair, strain=strain)
    assert found
    for cell in found[:12]:
        assert 0 < cell.area < pair[4] * (1 + 1e-8)
        assert cell.strain < pair[5] + 1e-8
        matched = matched_of(cell, left, right)
        np.testing.assert_allclose(matched.cell, cell.cell, atol=1e-10)
        for own, laid, lateral, tensor in (
            (left, matched.left, cell.lateral_left, cell.strain_left),
            (right, matched.right, cell.lateral_right, cell.strain_right),
        ):
            np.testing.assert_allclose(lateral @ laid.cell.array[:2, :2], cell.cell, atol=1e-10)
            # planes stay planes, with their heights, atoms and masses
            assert not laid.cell.array[:2, 2].any()
            np.testing.assert_allclose(laid.cell.array[2, 2], own.cell.array[2, 2], rtol=1e-12)
            np.testing.assert_allclose(laid.positions[:, 2], own.positions[:, 2], atol=1e-10)
            np.testing.assert_array_equal(laid.get_masses(), own.get_masses())
            np.testing.assert_array_equal(laid.numbers, own.numbers)
            # (1 + strain)² is the metric of the deformation, whatever turns with it
            gradient = np.linalg.solve(own.cell.array[:2, :2], laid.cell.array[:2, :2])
            stretch = np.eye(2) + tensor
            np.testing.assert_allclose(stretch @ stretch, gradient @ gradient.T, atol=1e-10)
            held = {"right": left, "left": right, "both": None}[strain]
            if own is held:
                assert not tensor.any()
        whole = [round(np.linalg.det(m)) for m in (cell.lateral_left, cell.lateral_right)]
        assert cell.indices == tuple(whole)
        assert cell.atoms == whole[0] * len(left) + whole[1] * len(right)
        # reduced: the shortest vectors, between 90° and 120°
        lengths = np.linalg.norm(cell.cell, axis=1)
        np.testing.assert_allclose(
            np.sort(lengths), np.sort(np.linalg.norm(gauss_reduce(cell.cell), axis=1)), rtol=1e-9
        )
        assert -0.5 - 1e-7 < cell.cell[0] @ cell.cell[1] / lengths.prod() < 1e-7


@pytest.mark.parametrize("pair", PAIRS[:4], ids=lambda p: f"{p[0]}-{p[2]}")
def test_crystals_keep_their_bonds_where_nothing_is_strained(pair):
    left, right, found = listed(pair)
    matched = matched_of(found[0], left, right)
    np.testing.assert_allclose(
        np.sort(neighbour_list("d", left, 5.0)), np.sort(neighbour_list("d", matched.left, 5.0)), atol=1e-9
    )
    turn = np.linalg.solve(right.cell.array[:2, :2], matched.right.cell.array[:2, :2])
    angle = np.radians(found[0].twist)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    stretch = turn @ rotation.T
    np.testing.assert_allclose(stretch, stretch.T, atol=1e-8)
    assert np.all(np.linalg.eigvalsh(stretch) > 0)


def names(laterals, groups):
    """Name of an interface: N⁻¹ M in lowest terms, the least of all that symmetry makes equal."""
    left, right = laterals
    options = []
    for first, second in product(*groups):
        if round(np.linalg.det(first)) != round(np.linalg.det(second)):
            continue
        m, n = left @ first, right @ second
        d = round(np.linalg.det(n))
        minors = np.array([[n[1, 1], -n[0, 1]], [-n[1, 0], n[0, 0]]]) @ m * np.sign(d)
        entries = [*(int(i) for i in minors.ravel()), abs(d)]
        divisor = gcd(*entries)
        options.append(tuple(i // divisor for i in entries))
    return min(options)


def layer_group(oriented):
    """Planar symmetries by another route: the layer group of three layers in vacuum, by spglib."""
    slab = oriented.repeat((1, 1, 3))
    cell = slab.cell.array.copy()
    cell[2] = [0, 0, cell[2, 2] + 20.0]
    slab.set_cell(cell)
    return [operation.rotation.T for operation in layer_operations(slab)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pair",
    [
        ("si", (1, 1, 1), "al", (1, 1, 1), 4, 0.08),
        ("si", (0, 0, 1), "gan", (0, 0, 1), 3, 0.05),
        ("gaas", (2, 1, 0), "monoclinic", (0, 1, 0), 2, 0.12),
    ],
    ids=lambda p: f"{p[0]}-{p[2]}",
)
def test_search_of_all_small_matrices_finds_no_cell_that_the_list_lacks(pair):
    left, right = crystal(*pair[:2]), crystal(*pair[2:4])
    groups = layer_group(left), layer_group(right)
    count, limit = pair[4:]
    a, b = left.cell.array[:2, :2], right.cell.array[:2, :2]
    found = coincidences(left, right, max_area=count * np.linalg.det(a) * 1.001, max_strain=limit)
    known = [names((c.lateral_left, c.lateral_right), groups) for c in found]
    assert len(set(known)) == len(known)

    def matrices(reach, least, most):
        every = np.array(list(product(range(-reach, reach + 1), repeat=4))).reshape(-1, 2, 2)
        index = np.rint(np.linalg.det(every))
        return every[(index >= least) & (index <= most)]

    ratio = np.linalg.det(a) / np.linalg.det(b)
    small = matrices(2, 1, count)
    large = matrices(4, 0.7 * ratio, 1.3 * count * ratio)
    searched = set()
    for m in small:
        stretch = np.linalg.svd(np.linalg.solve(large @ b, np.broadcast_to(m @ a, large.shape)))[1]
        for n in large[np.all(np.abs(stretch - 1) <= limit, axis=1)]:
            searched.add(names((m, n), groups))
    assert searched
    assert searched <= set(known)


def test_planar_symmetries_are_those_of_the_layer_group():
    sizes = {}
    for name, normal in product(CRYSTALS, [(0, 0, 1), (1, 1, 1), (1, 1, 0), (2, 1, 0)]):
        oriented = crystal(name, normal)
        ours = {tuple(w.ravel()) for w in planar_operations(oriented)}
        assert ours == {tuple(w.ravel()) for w in layer_group(oriented)}, (name, normal)
        sizes[name, normal] = len(ours)
    assert sizes["si", (0, 0, 1)] == 4  # 2mm: the four-fold axis is a screw
    assert sizes["al", (0, 0, 1)] == 8
    assert sizes["si", (1, 1, 1)] == 6
    assert sizes["gan", (0, 0, 1)] == 6
    assert sizes["stacked graphene", (0, 0, 1)] == 12
    assert sizes["graphite", (0, 0, 1)] == 6


@pytest.mark.parametrize(("layers", "settings_each"), [("stacked graphene", 1), ("graphite", 2)])
def test_twisted_graphene_is_commensurate_at_the_angles_of_two_integers(layers, settings_each):
    """cos θ = (m² + 4mn + n²) / 2(m² + mn + n²) with m² + mn + n² cells: 21.79°, 27.80°, 13.17°, ...

    In graphite, with three-fold axes only, θ and θ + 60° are two interfaces.
    """
    side = crystal(layers, (0, 0, 1))
    area = 2.46**2 * np.sqrt(3) / 2
    found = coincidences(side, side, max_area=40.5 * area, max_strain=1e-9)
    expected = {(1, 0.0)}
    for m, n in product(range(1, 7), repeat=2):
        cells = m * m + m * n + n * n
        if m < n and gcd(m, n) == 1 and (n - m) % 3 and cells <= 40:
            cosine = (m * m + 4 * m * n + n * n) / (2 * cells)
            angle = np.degrees(np.arccos(cosine))
            expected.add((cells, round(min(angle, 60.0 - angle), 6)))
    if settings_each == 2:
        expected |= {(cells, round(60.0 - angle, 6)) for cells, angle in expected}
    assert {(c.indices[0], round(c.twist, 6)) for c in found} == expected
    assert len(found) == len(expected)
    np.testing.assert_allclose([c.area for c in found], [c.indices[0] * area for c in found])


def test_twisted_square_lattices_have_the_coincidence_cells_of_the_cubic_twist_boundary():
    """θ = 2 arctan(n/m) about [001] shares one site in Σ = m² + n² (odd): Σ5 36.87°, Σ13 22.62°, ..."""
    side = crystal("al", (0, 0, 1))
    found = coincidences(side, side, max_area=30 * 4.05**2 / 2, max_strain=1e-9)
    expected = {(1, 0.0)}
    for m, n in product(range(1, 6), repeat=2):
        if n < m and gcd(m, n) == 1 and (m + n) % 2 and m * m + n * n <= 30:
            angle = np.degrees(2 * np.arctan2(n, m))
            expected.add((m * m + n * n, round(min(angle, 90 - angle), 6)))
    assert [(c.indices[0], round(c.twist, 6)) for c in found] == sorted(expected)


def test_aluminium_on_silicon_111_three_by_three_on_four_by_four():
    _, _, found = listed(("si", (1, 1, 1), "al", (1, 1, 1), 120, 0.01))
    assert [(c.indices, round(c.twist, 6)) for c in found] == [((9, 16), 0.0), ((9, 16), 60.0)]
    np.testing.assert_allclose(
        principal_strain(found[0].strain_right), 3 * 5.431 / (4 * 4.05) - 1, atol=1e-12
    )
    assert found[0].area == pytest.approx(9 * (5.431**2 / 2) * np.sqrt(3) / 2)
    assert sorted(np.abs(found[0].lateral_left).ravel()) == [0, 0, 3, 3]


def test_gallium_nitride_on_silicon_111_root_thirteen_on_three():
    """√13 × √13 R13.9° of GaN on 3 × 3 of silicon."""
    _, _, found = listed(("si", (1, 1, 1), "gan", (0, 0, 1), 120, 0.01))
    assert {c.indices for c in found} == {(9, 13)}
    turn = np.degrees(np.arctan(np.sqrt(3) / 7))
    assert sorted(round(c.twist, 6) for c in found) == [round(turn, 6), round(60 - turn, 6)]
    strain = 3 * 5.431 / np.sqrt(2) / (np.sqrt(13) * 3.189) - 1
    np.testing.assert_allclose(principal_strain(found[0].strain_right), strain, atol=1e-12)


def test_crystals_of_one_structure_meet_cell_on_cell_as_when_they_continue_each_other():
    left, right, found = listed(PAIRS[0])
    matched = match(left, right)
    np.testing.assert_allclose(found[0].strain_right, matched.strain_right, atol=1e-12)
    assert found[0].area == pytest.approx(matched.area)
    assert (found[0].indices, found[0].twist) == ((1, 1), 0.0)


def test_each_crystal_takes_half_of_the_misfit_where_both_are_strained():
    """Silicon to the mean lattice is +2.09 %, germanium −2.01 %: a limit of 2.09 % lets them meet."""
    sides = crystal("si", (0, 0, 1)), crystal("ge", (0, 0, 1))
    needed = 5.5445 / 5.431 - 1
    assert coincidences(*sides, max_area=20.0, max_strain=needed - 1e-6, strain="both") == []
    found = coincidences(*sides, max_area=20.0, max_strain=needed + 1e-6, strain="both")
    assert [c.indices for c in found] == [(1, 1), (1, 1)]
    np.testing.assert_allclose(principal_strain(found[0].strain_left), needed, atol=1e-12)
    np.testing.assert_allclose(principal_strain(found[0].strain_right), 5.5445 / 5.658 - 1, atol=1e-12)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8), st.sampled_from(["right", "left", "both"]))
def test_exchange_of_sides_gives_the_same_cells(numbers, strain):
    left, right = (oblique(*numbers[i : i + 4]) for i in (0, 4))
    limits = {"max_area": 90.0, "max_strain": 0.04}
    forth = coincidences(left, right, strain=strain, **limits)
    swapped = {"right": "left", "left": "right", "both": "both"}[strain]
    back = coincidences(right, left, strain=swapped, **limits)
    assert_same(forth, back, exchanged=True)
    angles = (
        [round(sign * c.twist % 360, 4) % 360 for c in found] for sign, found in ((1, forth), (-1, back))
    )
    assert len({tuple(sorted(a)) for a in angles}) == 1


def oblique(length, ratio, slant, step):
    """Oriented crystal of one atom without planar symmetry."""
    a = 3.0 + length
    b = a * (1.05 + 0.5 * ratio)
    shift = -a * (0.1 + 0.3 * slant)
    cell = [[a, 0, 0], [shift, np.sqrt(b * b - shift * shift), 0], [0.3 + step, 0.7, 3.0]]
    return Atoms("Po", cell=cell, positions=[[0, 0, 1.5]], pbc=True)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    st.lists(st.integers(-2, 2), min_size=3, max_size=3),
    st.integers(1, 2),
    st.integers(0, 1000),
    st.sampled_from(["si", "gan", "mgo"]),
)
def test_list_does_not_depend_on_the_input_cell(shear, multiple, seed, name):
    """A sheared supercell, moved and turned in space, describes the same crystal."""
    i, j, k = shear
    skewed = make_supercell(CRYSTALS[name], [[1, i, j], [0, 1, k], [0, 0, multiple]])
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    skewed.set_cell(skewed.cell.array @ turn)
    skewed.positions = (skewed.positions + random.normal(size=3)) @ turn
    skewed.wrap()
    limits = {"max_area": 80.0, "max_strain": 0.05}
    other = crystal("al", (0, 0, 1))
    reference = coincidences(crystal(name, (0, 0, 1)), other, **limits)
    assert reference
    assert_same(coincidences(orient(skewed, (0, 0, 1)), other, **limits), reference)


def test_looser_limits_only_add_cells():
    sides = crystal("si", (1, 1, 1)), crystal("gan", (0, 0, 1))
    tight = {(c.area, c.twist) for c in coincidences(*sides, max_area=130, max_strain=0.01)}
    loose = {(c.area, c.twist) for c in coincidences(*sides, max_area=170, max_strain=0.02)}
    assert tight
    assert tight < loose


def test_order_is_by_area_then_strain():
    _, _, found = listed(("si", (1, 1, 1), "al", (1, 1, 1), 200, 0.05))
    keys = [(round(c.area, 4), round(c.strain, 7), c.atoms) for c in found]
    assert keys == sorted(keys)
    assert len({key[:2] for key in keys}) > 5


def test_twist_keeps_interfaces_of_this_angle_in_any_equal_setting():
    side = crystal("stacked graphene", (0, 0, 1))
    turn = np.degrees(np.arccos(13 / 14))
    for angle in (turn, 60 - turn, 60 + turn, -turn, turn - 360):
        found = coincidences(side, side, max_area=40.0, max_strain=1e-6, twist=(angle, 0.01))
        assert [c.indices for c in found] == [(7, 7)]
        assert (found[0].twist - angle) % 360 == pytest.approx(0, abs=1e-6) or (
            found[0].twist - angle
        ) % 360 == pytest.approx(360, abs=1e-6)
        matched = matched_of(found[0], side, side)
        first = matched.right.cell.array[0, :2]
        assert np.degrees(np.arctan2(first[1], first[0])) == pytest.approx(found[0].twist)
    assert coincidences(side, side, max_area=40.0, max_strain=1e-6, twist=(25.0, 1.0)) == []


def test_polar_crystal_turned_over_shows_its_other_face():
    """Gallium nitride has two faces; both lay the same lattice on silicon."""
    silicon = crystal("si", (1, 1, 1))
    faces = [crystal("gan", normal) for normal in ((0, 0, 1), (0, 0, -1))]
    assert {terminations(f)[0].above for f in faces} == {"Ga", "N"}
    lists = [coincidences(silicon, f, max_area=120, max_strain=0.02) for f in faces]
    assert_same(*lists)


@pytest.mark.parametrize(
    ("name", "normal", "expected"),
    [  # below, above, gap, equal cuts
        ("al", (1, 1, 1), {("Al", "Al", 4.05 / np.sqrt(3), 1)}),
        ("si", (0, 0, 1), {("Si", "Si", 5.431 / 4, 2)}),
        ("si", (1, 1, 1), {("Si", "Si", 5.431 * np.sqrt(3) / 4, 1), ("Si", "Si", 5.431 / np.sqrt(48), 1)}),
        ("gaas", (0, 0, 1), {("Ga", "As", 5.653 / 4, 1), ("As", "Ga", 5.653 / 4, 1)}),
        (
            "gaas",
            (1, 1, 1),
            {("Ga", "As", 5.653 * np.sqrt(3) / 4, 1), ("As", "Ga", 5.653 / np.sqrt(48), 1)},
        ),
        ("mgo", (0, 0, 1), {("MgO", "MgO", 4.21 / 2, 1)}),
        ("mgo", (1, 1, 1), {("Mg", "O", 4.21 / np.sqrt(12), 1), ("O", "Mg", 4.21 / np.sqrt(12), 1)}),
        ("perovskite", (0, 0, 1), {("OSr", "O2Ti", 3.905 / 2, 1), ("O2Ti", "OSr", 3.905 / 2, 1)}),
        ("graphite", (0, 0, 1), {("C2", "C2", 3.35, 2)}),
    ],
)
def test_terminations_are_the_gaps_between_atomic_planes(name, normal, expected):
    found = {(t.below, t.above, round(t.gap, 6), t.multiplicity) for t in terminations(crystal(name, normal))}
    assert found == {(below, above, round(gap, 6), count) for below, above, gap, count in expected}


@pytest.mark.parametrize(
    ("name", "normal"), [("gan", (0, 0, 1)), ("perovskite", (1, 1, 0)), ("si", (1, 1, 1))]
)
def test_cut_shows_the_planes_it_names_and_leaves_the_crystal_alone(name, normal):
    oriented = crystal(name, normal)
    distances = np.sort(neighbour_list("d", oriented, 4.0))
    for termination in terminations(oriented):
        cut = cut_at(oriented, termination.height)
        assert np.all(np.diff(cut.positions[:, 2]) > -1e-6)
        height = cut.get_scaled_positions(wrap=False)[:, 2]
        assert height.min() > 0
        assert height.max() < 1
        bottom, top = (
            cut[np.abs(cut.positions[:, 2] - extreme) < 0.1].get_chemical_formula()
            for extreme in (cut.positions[:, 2].min(), cut.positions[:, 2].max())
        )
        assert (top, bottom) == (termination.below, termination.above)
        gap = cut.cell[2, 2] - np.ptp(cut.positions[:, 2])
        assert gap == pytest.approx(termination.gap)
        assert terminations(cut)[0].above == termination.above
        np.testing.assert_allclose(np.sort(neighbour_list("d", cut, 4.0)), distances, atol=1e-9)
        assert sorted(cut.symbols) == sorted(oriented.symbols)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_strain": 0.4}, "share from 0 to 0.3, but is 0.4; use e.g. 0.03"),
        ({"max_strain": -0.01}, "but is -0.01"),
        ({"max_strain": float("nan")}, "but is nan"),
        ({"max_area": 0.0}, "must be positive and at most"),
        ({"max_area": float("inf")}, "but is inf"),
        ({"max_area": float("nan")}, "but is nan"),
        ({"strain": "middle"}, "right, left, both, but is 'middle'"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits, message):
    sides = crystal("si", (1, 1, 1)), crystal("al", (1, 1, 1))
    with pytest.raises(InputError, match=message):
        coincidences(*sides, **{"max_area": 100.0, "max_strain": 0.05} | limits)


def test_limits_that_let_anything_pass_are_refused(monkeypatch):
    monkeypatch.setattr("latmm.geometry.coincidence.LONGEST_LIST", 50)
    with pytest.raises(InputError, match=r"200 Å² and 10 % join Si2 and Al in more than 50 ways; lower"):
        coincidences(crystal("si", (1, 1, 1)), crystal("al", (1, 1, 1)), max_area=200.0, max_strain=0.1)


def test_cut_outside_the_layer_is_refused():
    with pytest.raises(InputError, match=r"from 0 to 1, but is 1\.5"):
        cut_at(crystal("si", (0, 0, 1)), 1.5)


@pytest.mark.slow
@pytest.mark.parametrize(("normal", "cut"), [((0, 0, 1), 2), ((-1, -1, -1), 1)])
def test_polar_crystal_joined_to_itself_at_any_cut_transmits_every_channel(structure, normal, cut):
    """The cell, the cut and the registry are found, not given: together they must make the crystal again."""
    potential = resolve_potential("tersoff", ["Si", "C"])
    carbide = structure("sic")
    matched = match_crystals(
        carbide, carbide, (normal, normal), potential, cell=CommonCell(15.0, cuts=(cut, cut))
    )
    interface = join_crystals(matched, (normal, normal), potential)
    tree = compare(interface, [300.0], models=["agf"], kmesh=(3, 3), frequencies=12)
    found = tree["agf"]
    np.testing.assert_allclose(
        found["transmission"], found["channels_left"], atol=1e-6 * float(found["channels_left"].max())
    )
