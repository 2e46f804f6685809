"""One's own explicit region: written, read, registered to the crystals at its ends, or refused."""

from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase import Atoms

from latmm.agf import transmission
from latmm.errors import InputError
from latmm.interface.build import build_contact
from latmm.interface.contact import sites
from latmm.interface.contact_file import contact_atoms, read_contact, write_contact
from latmm.interface.registration import extended, register
from latmm.interface.tiling import tile
from latmm.sweep.junctions import junction
from latmm.units import TWO_PI

PLANES = ((0, 0, 1), (0, 0, 1))


@pytest.fixture(scope="module")
def wide(silicon_germanium):
    return tile(silicon_germanium, (2, 1))


def between(interface, layers):
    """The atoms of some layers around the contact, as a plain stack."""
    slab = interface.slab.take(interface.slab.within(layers))
    return Atoms(
        numbers=slab.atoms.numbers, positions=slab.atoms.positions, cell=slab.atoms.cell, pbc=(1, 1, 0)
    )


def test_a_written_contact_is_read_with_the_same_names(wide, tmp_path):
    path = tmp_path / "contact.extxyz"
    write_contact(wide, path, {"created_by": "a test"})
    atoms = ase.io.read(path)
    assert atoms.info["units"].startswith("angstrom, amu")
    assert atoms.info["created_by"] == "a test"
    np.testing.assert_array_equal(np.ravel(atoms.info["lateral_left"]), [2, 0, 0, 1])
    assert atoms.info["formula_right"] == "Ge2"
    np.testing.assert_allclose(atoms.info["primitive_cell_left"], wide.left.atoms.cell.array, atol=1e-7)
    np.testing.assert_array_equal(atoms.get_array("side"), wide.slab.side)
    np.testing.assert_array_equal(atoms.get_array("layer"), wide.slab.layer)
    slab = read_contact(path, wide.matched)
    for name in ("side", "layer", "member", "cell"):
        np.testing.assert_array_equal(getattr(slab, name), getattr(wide.slab, name), err_msg=name)
    np.testing.assert_allclose(slab.atoms.positions, wide.slab.atoms.positions, atol=1e-6)
    np.testing.assert_allclose(slab.shift, wide.slab.shift, atol=1e-6)
    np.testing.assert_allclose(slab.atoms.get_masses(), wide.slab.atoms.get_masses())


def test_a_region_moved_and_wrapped_is_the_same(wide):
    """Origin, lateral images and order of the atoms do not matter."""
    stack = between(wide, (4, 4))
    rng = np.random.default_rng(4)
    moved = stack[rng.permutation(len(stack))]
    moved.positions += [1.3, -0.7, 2.2]
    moved.positions += rng.integers(-2, 3, (len(moved), 2)) @ moved.cell.array[:2]
    slab = register(moved, wide.matched)
    plain = register(stack, wide.matched)
    assert slab.depth == (4, 4)
    for name in ("side", "layer", "member"):
        np.testing.assert_array_equal(getattr(slab, name), getattr(plain, name), err_msg=name)
    # another lattice cell may be called the first: the same places up to a rigid motion
    for found in (slab, plain):
        off = found.atoms.positions - sites(found, wide.matched)
        left = found.side < 0
        off -= off[np.flatnonzero(left)[0]]
        assert np.abs(off[left & (found.layer <= -3)]).max() < 1e-3
    long = extended(slab, wide.matched, (7, 8))
    assert long.depth == (7, 8)
    off = long.atoms.positions - sites(long, wide.matched)
    for side in (-1, 1):
        far = (long.side == side) & ~long.within((4, 4))
        assert np.ptp(off[far], axis=0).max() < 1e-12


def test_an_incomplete_outermost_layer_is_left_out(silicon_germanium):
    stack = between(silicon_germanium, (4, 4))
    cut = stack[1:]  # the lowest plane of the left crystal's lowest layer is gone
    slab = register(cut, silicon_germanium.matched)
    assert slab.depth == (3, 4)
    assert len(slab.atoms) == len(stack) - 2


def test_the_region_of_an_interface_gives_the_interface(silicon_germanium, stillinger_weber):
    region = register(between(silicon_germanium, (3, 3)), silicon_germanium.matched)
    again = build_contact(silicon_germanium.matched, PLANES, stillinger_weber, region=region, relax=False)
    k = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 2))
    omega = TWO_PI * np.linspace(0.5, 9.0, 8)
    ours, theirs = (transmission(junction(i, k), omega) for i in (silicon_germanium, again))
    np.testing.assert_allclose(theirs.transmission, ours.transmission, atol=2e-5)


def test_what_is_neither_crystal_lies_between(silicon_germanium, stillinger_weber):
    """A layer of mixed composition, relaxed: side 0, and coupled to both leads."""
    stack = between(silicon_germanium, (4, 4))
    height = np.argsort(stack.positions[:, 2])
    middle = height[6:10]
    numbers = stack.numbers.copy()
    numbers[middle] = [32, 14, 32, 14]
    stack.numbers = numbers
    region = register(stack, silicon_germanium.matched)
    assert (region.side == 0).sum() == 4
    assert region.depth == (3, 3)
    interface = build_contact(silicon_germanium.matched, PLANES, stillinger_weber, region=region)
    for name, (value, limit) in interface.checks.items():
        assert value <= limit, name
    k = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 2))
    omega = TWO_PI * np.linspace(0.5, 9.0, 8)
    ideal, found = (transmission(junction(i, k), omega) for i in (silicon_germanium, interface))
    assert max(found.unitarity.max(), found.reciprocity.max()) < 1e-8
    assert np.abs(found.transmission - ideal.transmission).max() > 0.01
    assert np.all(found.transmission <= np.minimum(found.channels_left, found.channels_right) + 1e-9)
    # the sum rule holds on the foreign atoms too
    rows = interface.contact.row_sums[interface.slab.side == 0]
    assert np.abs(rows).max() < 1e-12 * interface.contact.scale


def test_masses_of_the_crystals_stay(silicon_germanium):
    heavy = silicon_germanium.matched.right.copy()
    heavy.set_masses([100.0, 101.0])
    matched = replace(silicon_germanium.matched, right=heavy)
    slab = register(between(silicon_germanium, (3, 3)), matched)
    right = slab.side > 0
    np.testing.assert_array_equal(slab.atoms.get_masses()[right], np.where(slab.member[right], 101.0, 100.0))


def wrong(stack, what):
    """Spoil a region in one way."""
    order = np.argsort(stack.positions[:, 2])
    if what == "cell":
        stack.set_cell(stack.cell.array * [[1.02, 1, 1], [1, 1, 1], [1, 1, 1]])
    elif what == "vacuum":
        stack.positions[order[8:], 2] += 6.0
    elif what == "overlap":
        stack += stack[order[5:6]]
        stack.positions[-1, 0] += 0.1
    elif what == "element":
        stack.symbols[order[0]] = "C"
    elif what == "lacking":
        stack.symbols[order[1]] = "C"
    elif what == "displaced":
        stack.positions[order[-2], 0] += 0.4
    elif what == "thin":
        del stack[order[2:]]
    return stack


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("cell", r"the in-plane vectors of the region are .* but those of the crystals' common cell are"),
        ("vacuum", r"gap of 7\.\d+ Å of vacuum above atom 8 \(Si"),
        ("overlap", r"atoms \d+ and \d+ of the region are 0\.10 Å apart"),
        ("element", r"the lowest layer of the region, .* does not fit the left crystal Si2: C is not one"),
        ("lacking", r"the lowest layer of the region, .* does not fit the left crystal Si2"),
        (
            "displaced",
            r"the uppermost layer of the region, .* Ge2: near atom \d+ \(Ge, .*0\.\d\d Å",
        ),
        ("thin", r"the uppermost layer of the region, .* does not fit the right crystal"),
    ],
)
def test_regions_that_do_not_fit_are_refused_by_name(what, message, silicon_germanium):
    with pytest.raises(InputError, match=message):
        register(wrong(between(silicon_germanium, (4, 4)), what), silicon_germanium.matched)


def test_a_vacuum_gap_that_is_no_gap_of_planes_is_refused_by_the_force_constants(silicon_germanium):
    """Force constants are what joins the crystals."""
    slab = silicon_germanium.slab
    first, second = (
        slab.side[pairs] for pairs in (silicon_germanium.contact.first, silicon_germanium.contact.second)
    )
    apart = silicon_germanium.contact.select(first == second)
    with pytest.raises(InputError, match="no force constant couples the two crystals"):
        _ = replace(silicon_germanium, contact=apart).device


def test_one_crystal_on_both_sides_is_shared_out(perfect_silicon):
    """Every layer fits both crystals: they meet in the middle."""
    region = register(between(perfect_silicon, (4, 4)), perfect_silicon.matched)
    assert region.depth == (4, 4)
    assert not (region.side == 0).any()
    np.testing.assert_allclose(region.shift, perfect_silicon.slab.shift, atol=1e-6)


def test_the_atoms_of_a_contact_carry_its_labels(silicon_germanium):
    atoms = contact_atoms(silicon_germanium)
    assert atoms.pbc.tolist() == [True, True, False]
    assert set(atoms.arrays) >= {"side", "layer", "member", "lateral_cell", "masses"}
