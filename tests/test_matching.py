"""Matching: equal crystals continue each other exactly, unequal ones are strained as asked or refused."""

import re
from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from matscipy.neighbours import neighbour_list

from latmm.defaults import MAX_STRAIN
from latmm.errors import InputError, MismatchError
from latmm.geometry.coincidence import CommonCell
from latmm.geometry.matching import match, principal_strain
from latmm.geometry.orientation import orient
from latmm.interface.build import match_crystals
from latmm.interface.slab import build_slab

CRYSTALS = {
    "silicon": bulk("Si", cubic=True),
    "zincblende": bulk("GaAs", "zincblende", a=5.65, cubic=True),
    "fcc": bulk("Al", cubic=True),
    "rocksalt": bulk("MgO", "rocksalt", a=4.21, cubic=True),
    "wurtzite": bulk("GaN", "wurtzite", a=3.19, c=5.19),
}


def rotation(axis, degrees):
    turned = Atoms("H", positions=[[0, 0, 0]], cell=np.eye(3))
    turned.rotate(degrees, axis, rotate_cell=True)
    return turned.cell.array


def resettled(atoms, turn, shift, supercell=None):
    """The same crystal, described otherwise."""
    other = atoms.copy() if supercell is None else make_supercell(atoms, supercell)
    other.set_cell(other.cell.array @ turn)
    other.positions = (other.positions + shift) @ turn
    other.wrap()
    return other


SETTINGS = {
    "as it is": {"turn": np.eye(3), "shift": np.zeros(3)},
    "other origin": {"turn": np.eye(3), "shift": np.array([0.7, -1.3, 2.9])},
    "turned in space": {"turn": rotation((1, 2, 3), 37.0), "shift": np.array([0.1, 0.2, 0.3])},
    "half a turn about the normal": {"turn": rotation((0, 0, 1), 180.0), "shift": np.zeros(3)},
    "quarter turn about z": {"turn": rotation((0, 0, 1), 90.0), "shift": np.zeros(3)},
    "skewed supercell": {
        "turn": np.eye(3),
        "shift": np.zeros(3),
        "supercell": [[1, 1, 0], [0, 1, 0], [0, 0, 2]],
    },
}


# a polar crystal turned by a quarter shows another of its planes
OTHER_PLANES = {
    ("zincblende", (1, 1, 1)),
    ("zincblende", (2, 1, 0)),
    ("wurtzite", (1, 1, 0)),
    ("wurtzite", (1, 1, 1)),
    ("wurtzite", (2, 1, 0)),
}
SAME_PLANES = [
    (name, normal, setting)
    for name, normal, setting in product(CRYSTALS, [(0, 0, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0)], SETTINGS)
    if setting != "quarter turn about z" or (name, normal) not in OTHER_PLANES
]


def bonds_across(matched, radius, layers=None):
    """(kind, distance) of all pairs with an atom in the two layers at the contact, sorted."""
    layers = layers or int(np.ceil(radius / matched.left.cell[2, 2])) + 2
    slab = build_slab(matched, (layers, layers))
    i, j, d = neighbour_list("ijd", slab.atoms, radius)
    near = (slab.layer[i] == -1) | (slab.layer[i] == 0)
    kinds = slab.atoms.numbers[i] * 1000 + slab.atoms.numbers[j]
    order = np.lexsort((d[near].round(5), kinds[near]))
    return kinds[near][order], d[near][order]


@pytest.mark.parametrize(("name", "normal", "setting"), SAME_PLANES)
def test_a_crystal_continues_itself_however_its_file_describes_it(name, normal, setting):
    atoms = CRYSTALS[name]
    matched = match(orient(atoms, normal), orient(resettled(atoms, **SETTINGS[setting]), normal))
    np.testing.assert_allclose(matched.strain_left, 0.0, atol=1e-12)
    np.testing.assert_allclose(matched.strain_right, 0.0, atol=1e-9)
    np.testing.assert_allclose(matched.right.cell.array[:2], matched.left.cell.array[:2], atol=1e-12)
    radius = 1.01 * atoms.cell.cellpar()[0]
    kinds, distances = bonds_across(matched, radius)
    i, j, d = neighbour_list("ijd", matched.left, radius)
    bulk_kinds = matched.left.numbers[i] * 1000 + matched.left.numbers[j]
    order = np.lexsort((d.round(5), bulk_kinds))
    np.testing.assert_array_equal(kinds, np.repeat(bulk_kinds[order], 2))
    np.testing.assert_allclose(distances, np.repeat(d[order], 2), atol=3e-5)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 1, 0)])
def test_zincblende_crystals_keep_their_common_anion(normal, inverted):
    """GaAs|AlAs: arsenic continues arsenic, and no arsenic has an arsenic neighbour, also where one file puts
    the anion at ¾ instead of ¼."""
    left = bulk("GaAs", "zincblende", a=5.65, cubic=True)
    right = bulk("AlAs", "zincblende", a=5.66, cubic=True)
    if inverted:
        right.set_scaled_positions(-right.get_scaled_positions())
        right.wrap()
    matched = match(orient(left, normal), orient(right, normal))
    assert matched.left.get_chemical_symbols().count("As") == 1
    for mine, theirs in zip(matched.left.symbols, matched.right.symbols, strict=True):
        assert (mine == "As") == (theirs == "As")
    kinds, distances = bonds_across(matched, 2.6)
    bonds = {tuple(sorted(divmod(int(kind), 1000))) for kind in kinds}
    assert bonds == {(31, 33), (13, 33)}
    assert len(distances) == 4 * 2 * 2
    assert distances.max() - distances.min() < 0.02


@pytest.mark.parametrize(
    ("polar", "normal"),
    [("zincblende", (1, 1, 1)), ("wurtzite", (0, 0, 1))],
)
def test_polar_crystals_upside_down_are_refused(polar, normal):
    """Cations would continue anions: an antiphase contact is nobody's perfect crystal."""
    crystal = CRYSTALS[polar]
    inverted = crystal.copy()
    inverted.set_scaled_positions(-inverted.get_scaled_positions())
    inverted.wrap()
    with pytest.raises(MismatchError, match="turned against each other"):
        match(orient(crystal, normal), orient(inverted, normal))


def test_a_compound_continues_an_element():
    """Silicon carbide has silicon on one site only; the other continues silicon by carbon."""
    sic = bulk("SiC", "zincblende", a=4.36)
    matched = match(orient(bulk("Si"), (0, 0, 1)), orient(sic, (0, 0, 1)), max_strain=0.3)
    assert sorted(matched.right.get_chemical_symbols()) == ["C", "Si"]


@pytest.mark.parametrize(
    ("side", "strained"), [("right", (0.0, 5.43 / 5.65 - 1)), ("left", (5.65 / 5.43 - 1, 0.0))]
)
def test_the_side_asked_for_takes_the_strain(side, strained):
    left, right = (orient(bulk("Si", a=a), (0, 0, 1)) for a in (5.43, 5.65))
    matched = match(left, right, strain=side)
    np.testing.assert_allclose(principal_strain(matched.strain_left), strained[0], atol=1e-12)
    np.testing.assert_allclose(principal_strain(matched.strain_right), strained[1], atol=1e-12)
    held = 5.43 if side == "right" else 5.65
    assert matched.area == pytest.approx(held**2 / 2)
    # the thickness of a layer and the place of atoms in it do not change
    assert matched.right.cell[2, 2] == pytest.approx(right.cell[2, 2])
    assert matched.left.cell[2, 2] == pytest.approx(left.cell[2, 2])


def test_both_sides_meet_at_the_mean_lattice():
    left, right = (orient(bulk("Si", a=a), (1, 1, 1)) for a in (5.43, 5.65))
    matched = match(left, right, strain="both")
    np.testing.assert_allclose(principal_strain(matched.strain_left), 5.54 / 5.43 - 1, atol=1e-12)
    np.testing.assert_allclose(principal_strain(matched.strain_right), 5.54 / 5.65 - 1, atol=1e-12)
    np.testing.assert_allclose(matched.left.cell.array[:2], matched.right.cell.array[:2], atol=1e-12)


def test_unequal_strains_keep_their_directions():
    """2 % too long along x, 1 % too short along y, against the in-plane vectors along (1, ±1)."""
    left = orient(bulk("Al", a=4.0), (0, 0, 1))
    right = left.copy()
    right.set_cell(left.cell.array @ rotation((0, 0, 1), 30.0) @ np.diag([1.02, 0.99, 1.0]), scale_atoms=True)
    matched = match(left, right)
    np.testing.assert_allclose(
        principal_strain(matched.strain_right), [1 / 1.02 - 1, 1 / 0.99 - 1], atol=1e-12
    )
    np.testing.assert_allclose(matched.strain_right, matched.strain_right.T, atol=1e-14)
    np.testing.assert_allclose(matched.right.cell.array, left.cell.array, atol=1e-9)


def test_strained_contact_bonds_lie_between_both_crystals():
    left, right = (orient(bulk("Si", a=a), (0, 0, 1)) for a in (5.43, 5.65))
    matched = match(left, right)
    _, distances = bonds_across(matched, 2.6)
    assert len(distances) == 16
    assert distances.min() == pytest.approx(5.43 * np.sqrt(3) / 4, abs=1e-6)
    longest = np.sqrt((5.65 / 4) ** 2 + 2 * (5.43 / 4) ** 2)
    assert distances.max() == pytest.approx(longest, abs=1e-6)
    # the gap at the contact is the mean of both
    mean = np.sqrt(((5.43 + 5.65) / 8) ** 2 + 2 * (5.43 / 4) ** 2)
    assert np.abs(distances - mean).min() < 1e-6


def test_largest_strain_is_a_limit_that_can_be_raised():
    left, right = orient(bulk("Si", a=5.43), (0, 0, 1)), orient(bulk("C", "diamond", a=3.57), (0, 0, 1))
    with pytest.raises(MismatchError, match=r"C2.*52\.1 %.*8 %.*`max_strain`"):
        match(left, right)
    matched = match(left, right, max_strain=0.6)
    np.testing.assert_allclose(principal_strain(matched.strain_right), 5.43 / 3.57 - 1)
    just = orient(bulk("Si", a=5.43 / (1 + MAX_STRAIN - 1e-6)), (0, 0, 1))
    assert match(left, just).strain_right[0, 0] < MAX_STRAIN


@pytest.mark.parametrize(
    "right",
    [bulk("Al", a=5.4), bulk("MgO", "rocksalt", a=5.4), bulk("Al", a=3.84, crystalstructure="sc")],
)
def test_crystals_of_different_structure_are_refused(right):
    with pytest.raises(MismatchError, match="do not continue each other"):
        match(orient(bulk("Si", a=5.43), (0, 0, 1)), orient(right, (0, 0, 1)))


def test_face_and_body_centred_lattices_are_one_structure_under_strain():
    """Bain's path: squares in both planes, each atom above the middle of a square."""
    fcc = orient(bulk("Al", a=4.0), (0, 0, 1))
    bcc = orient(bulk("Fe", a=4.0 / np.sqrt(2)), (0, 0, 1))
    np.testing.assert_allclose(match(fcc, bcc).strain_right, 0.0, atol=1e-9)


def test_simple_cubic_planes_do_not_continue_face_centred_ones():
    """Squares in both planes, but one lattice stacks its atoms on top of each other."""
    fcc = orient(bulk("Al", a=4.0), (0, 0, 1))
    simple = orient(bulk("Po", "sc", a=4.0 / np.sqrt(2)), (0, 0, 1))
    with pytest.raises(MismatchError, match="do not continue each other"):
        match(fcc, simple)


def test_unknown_side_is_refused():
    crystal = orient(bulk("Si"), (0, 0, 1))
    with pytest.raises(InputError, match="right, left, both, but is 'middle'"):
        match(crystal, crystal, strain="middle")


@pytest.mark.parametrize("side", ["left", "right"])
def test_isotopes_that_enlarge_a_cell_are_named_with_the_remedy(side, stillinger_weber):
    """One heavy atom of eight in silicon: refused for a reason, and what the message says gives the cell."""
    heavy, germanium = bulk("Si", cubic=True), bulk("Ge")
    masses = heavy.get_masses()
    masses[3] = 40.0
    heavy.set_masses(masses)
    pair = (heavy, germanium) if side == "left" else (germanium, heavy)
    with pytest.raises(MismatchError, match=r"Si8 has 8 atoms .* masses .*\(Si 28.085, 40 amu\)") as told:
        match(*(orient(atoms, (0, 0, 1)) for atoms in pair))
    area = float(re.search(r"`max_area` (\d+)", str(told.value)).group(1))
    found = match_crystals(
        *pair, ((0, 0, 1), (0, 0, 1)), stillinger_weber, relax=False, cell=CommonCell(area)
    )
    plain = match(*(orient(bulk(atoms.symbols[0]), (0, 0, 1)) for atoms in pair))
    np.testing.assert_allclose(found.strain_right, plain.strain_right, atol=1e-9)
    assert found.area == pytest.approx(2 * plain.area)
    assert 40.0 in getattr(found, side).get_masses()
