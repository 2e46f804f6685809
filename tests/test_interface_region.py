"""One's own explicit region: written, read, registered to the crystals at its ends, or refused."""

from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase import Atoms

from latmm.agf import transmission
from latmm.errors import InputError
from latmm.interface.build import join_crystals
from latmm.interface.region_file import read_region, region_atoms, write_region
from latmm.interface.registration import extended, register
from latmm.interface.slab import sites
from latmm.interface.tiling import tile
from latmm.landauer import conductance
from latmm.lattice.dynamics import largest_frequency
from latmm.sampling.meshes import Window, frequency_grid, reduced_mesh
from latmm.sweep.run import sweep
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
    write_region(wide, path, {"created_by": "a test"})
    atoms = ase.io.read(path)
    assert atoms.info["units"].startswith("angstrom, amu")
    assert atoms.info["created_by"] == "a test"
    np.testing.assert_array_equal(np.ravel(atoms.info["lateral_left"]), [2, 0, 0, 1])
    assert atoms.info["formula_right"] == "Ge2"
    np.testing.assert_allclose(atoms.info["primitive_cell_left"], wide.left.atoms.cell.array, atol=1e-7)
    np.testing.assert_array_equal(atoms.get_array("side"), wide.slab.side)
    np.testing.assert_array_equal(atoms.get_array("layer"), wide.slab.layer)
    slab = read_region(path, wide.matched)
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


@pytest.mark.slow
def test_the_region_of_an_interface_gives_the_interface(silicon_germanium, stillinger_weber):
    region = register(between(silicon_germanium, (3, 3)), silicon_germanium.matched)
    again = join_crystals(silicon_germanium.matched, PLANES, stillinger_weber, start=region, relax=False)
    k = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 2))
    omega = TWO_PI * np.linspace(0.5, 9.0, 8)
    ours, theirs = (transmission(i.junction(k), omega) for i in (silicon_germanium, again))
    np.testing.assert_allclose(theirs.transmission, ours.transmission, atol=2e-5)


@pytest.mark.slow
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
    interface = join_crystals(silicon_germanium.matched, PLANES, stillinger_weber, start=region)
    for name, one in interface.checks.items():
        assert one.passed, name
    k = np.random.default_rng(2).uniform(-0.5, 0.5, (3, 2))
    omega = TWO_PI * np.linspace(0.5, 9.0, 8)
    ideal, found = (transmission(i.junction(k), omega) for i in (silicon_germanium, interface))
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


def with_masses(interface, layers):
    """The same stack with the masses of its atoms as a column."""
    stack = between(interface, layers)
    slab = interface.slab
    stack.set_masses(slab.atoms.get_masses()[slab.within(layers)])
    return stack


def test_the_column_of_masses_counts_atom_by_atom(heavy_silicon):
    """A monolayer of both isotopes lies on the sites of a crystal and keeps its masses."""
    stack = with_masses(tile(heavy_silicon, (2, 1)), (3, 3))
    mixed = np.flatnonzero(np.isclose(stack.positions[:, 2], np.sort(stack.positions[:, 2])[10]))[:1]
    masses = stack.get_masses()
    assert masses[mixed] == pytest.approx(28.085)
    masses[mixed] = 72.63
    stack.set_masses(masses)
    slab = register(stack, heavy_silicon.matched)
    assert slab.depth == (3, 3)
    assert not (slab.side == 0).any()
    np.testing.assert_array_equal(np.sort(slab.atoms.get_masses()), np.sort(masses))
    assert (slab.atoms.get_masses()[slab.side < 0] > 70).sum() == 1


def test_masses_that_do_not_fit_their_elements_are_refused_unless_asked_for(silicon_germanium):
    """A species edited, its mass kept."""
    stack = with_masses(silicon_germanium, (3, 3))
    edited = int(np.argsort(stack.positions[:, 2])[5])
    numbers = stack.numbers.copy()
    numbers[edited] = 32
    stack.set_atomic_numbers(numbers)
    matched = silicon_germanium.matched
    with pytest.raises(
        InputError, match=rf"atom {edited + 1} of .* is Ge with a mass of 28.085 amu, not 72.63"
    ):
        register(stack, matched)
    for choice, mass in (("file", 28.085), ("element", 72.63)):
        slab = register(stack, matched, masses=choice)
        (between_crystals,) = np.flatnonzero(
            (slab.atoms.numbers == 32)
            & (slab.atoms.positions[:, 2] < slab.atoms.positions[slab.side > 0, 2].min())
        )
        assert slab.atoms.get_masses()[between_crystals] == pytest.approx(mass)
    with pytest.raises(InputError, match="`masses` must be None, 'file' or 'element', but is 'mine'"):
        register(stack, matched, masses="mine")
    stack.set_masses(np.where(np.arange(len(stack)) == 2, -1.0, stack.get_masses()))
    with pytest.raises(InputError, match="masses that are not positive"):
        register(stack, matched, masses="file")


def test_a_contact_of_other_masses_than_the_crystals_is_refused(silicon_germanium):
    heavy = silicon_germanium.matched.right.copy()
    heavy.set_masses([100.0, 100.0])
    matched = replace(silicon_germanium.matched, right=heavy)
    with pytest.raises(InputError, match=r"on the right has Ge of 72\.63 amu, but the right crystal has 100"):
        register(with_masses(silicon_germanium, (3, 3)), matched)
    kept = register(with_masses(silicon_germanium, (3, 3)), matched, masses="file")
    assert kept.atoms.get_masses().max() == pytest.approx(72.63)


@pytest.mark.slow
def test_a_lateral_supercell_is_told_by_the_vectors_of_the_region(silicon_germanium, stillinger_weber):
    """Undisturbed, 2 x 2 cells on a 2 x 2 mesh conduct as one cell on the 4 x 4 mesh of the same k∥."""
    region = register(with_masses(tile(silicon_germanium, (2, 2)), (2, 2)), silicon_germanium.matched)
    found = join_crystals(silicon_germanium.matched, PLANES, stillinger_weber, start=region)
    np.testing.assert_array_equal(found.matched.lateral_left, np.diag([2, 2]))
    assert len(found.left.atoms) == 2
    temperatures = np.array([50.0, 300.0])
    values = []
    for interface, mesh in ((silicon_germanium, (4, 4)), (found, (2, 2))):
        grid, swept = whole_zone(interface, mesh)
        values.append(conductance(grid, swept.transmission, temperatures))
    np.testing.assert_allclose(values[1], values[0], rtol=1e-6)


def whole_zone(interface, mesh):
    """Ξ on the whole zone, no window."""
    tops = [largest_frequency(crystal) for crystal in (interface.left, interface.right)]
    grid = frequency_grid(min(tops), max(tops), 12, minimum_temperature=100.0)
    points, weights = reduced_mesh(mesh, 1.0, interface.rotations)
    samples = [Window(points, weights, np.ones(grid.frequency.size, dtype=bool))]
    return grid, sweep(interface, grid, samples, common=min(tops))


def test_a_cell_with_fewer_atoms_than_sites_is_refused(silicon_germanium):
    stack = between(silicon_germanium, (3, 3))
    stack.set_cell(stack.cell.array * [[1000], [1000], [1]])
    with pytest.raises(InputError, match=r"12 atoms, but one layer of the left crystal .* has 2000000"):
        register(stack, silicon_germanium.matched)


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
    atoms = region_atoms(silicon_germanium)
    assert atoms.pbc.tolist() == [True, True, False]
    assert set(atoms.arrays) >= {"side", "layer", "member", "lateral_cell", "masses"}
