"""Lateral supercells: cells and k∥ that fold, and that a supercell of an ideal contact is the contact."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latmm.agf import FoldedLead, Lead, transmission
from latmm.errors import InputError
from latmm.geometry.lateral import cells_of, check_lateral, fold, folding_vectors, locate
from latmm.interface.build import build_interface
from latmm.interface.joining import bulk_pairs
from latmm.interface.pairs import PairConstants
from latmm.interface.tiling import tile
from latmm.landauer import conductance
from latmm.lattice.dynamics import largest_frequency
from latmm.modes.fields import local_density_of_states
from latmm.modes.table import mode_table
from latmm.sampling.meshes import Window, frequency_grid, reduced_mesh, windows
from latmm.sweep.run import sweep
from latmm.units import TWO_PI

EXACT = settings(derandomize=True, deadline=None, max_examples=40)
MATRICES = (
    st.lists(st.integers(-4, 4), min_size=4, max_size=4)
    .map(lambda entries: np.array(entries).reshape(2, 2))
    .filter(lambda m: 0 < round(np.linalg.det(m)) < 13)
)


@EXACT
@given(MATRICES)
def test_a_lateral_cell_holds_each_primitive_cell_once(lateral):
    cells = cells_of(lateral)
    assert len(cells) == round(np.linalg.det(lateral))
    assert not cells[0].any()
    share = cells @ np.linalg.inv(lateral)
    assert np.all((share > -1e-9) & (share < 1 - 1e-9))
    assert len(np.unique(cells, axis=0)) == len(cells)


@EXACT
@given(MATRICES, st.lists(st.integers(-30, 30), min_size=2, max_size=2))
def test_translations_split_into_a_cell_and_one_of_the_supercell(lateral, translation):
    index, common = locate(lateral, np.array(translation))
    np.testing.assert_array_equal(cells_of(lateral)[index] + common @ lateral, translation)


@EXACT
@given(MATRICES)
def test_wave_vectors_that_fold_are_different_and_complete(lateral):
    k = np.array([[0.123, -0.456]])
    q = fold(lateral, k)[0]
    assert len(q) == round(np.linalg.det(lateral))
    np.testing.assert_allclose(q @ lateral.T - k, folding_vectors(lateral), atol=1e-12)
    apart = q[:, None] - q[None, :]
    distance = np.abs(apart - np.rint(apart)).max(axis=-1) + np.eye(len(q))
    assert distance.min() > 1e-9
    # waves of all of them are orthogonal on the cells of the supercell
    waves = np.exp(2j * np.pi * cells_of(lateral) @ q.T)
    np.testing.assert_allclose(waves.conj().T @ waves, len(q) * np.eye(len(q)), atol=1e-9)


@pytest.mark.parametrize(
    ("given_matrix", "message"),
    [([[1, 0], [0, -1]], "right-handed"), ([[1.5, 0], [0, 1]], "integers"), ([1, 2], "2 x 2")],
)
def test_lateral_cells_that_are_none_are_refused(given_matrix, message):
    with pytest.raises(InputError, match=message):
        check_lateral(np.array(given_matrix))


@pytest.fixture(scope="module", params=[(3, 2), ((2, 1), (-1, 1))], ids=["3x2", "oblique"])
def supercell(request, silicon_germanium):
    lateral = np.array(request.param) if isinstance(request.param[0], tuple) else request.param
    return tile(silicon_germanium, lateral)


def test_a_tiled_contact_is_the_contact(supercell, silicon_germanium):
    """Channels and transmission, summed over the k∥ that fold; 1e-8 was asked for."""
    k = np.random.default_rng(3).uniform(-0.5, 0.5, (3, 2))
    omega = TWO_PI * np.linspace(0.4, 9.0, 9)
    found = transmission(supercell.junction(k), omega)
    folded = supercell.folded("left", k)
    assert supercell.area == pytest.approx(folded.shape[1] * silicon_germanium.area)
    single = transmission(silicon_germanium.junction(folded.reshape(-1, 2)), omega)
    for name in ("transmission", "channels_left", "channels_right"):
        expected = getattr(single, name).reshape(3, folded.shape[1], -1).sum(axis=1)
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-10)
    assert found.transmission.max() > 3
    assert max(found.unitarity.max(), found.reciprocity.max()) < 1e-8


def test_a_tiled_contact_keeps_sum_rule_exchange_and_symmetry(supercell):
    contact, slab = supercell.contact, supercell.slab
    assert contact.exchange_error == 0.0
    inner = slab.within((supercell.layers[0] + 1, supercell.layers[1] + 1))
    assert np.abs(contact.row_sums[inner]).max() < 1e-12 * contact.scale
    assert len(supercell.operations) > 0
    atoms = slab.atoms
    for op in supercell.operations:
        moved = atoms.positions[op.image] + op.shift @ atoms.cell.array[:2]
        turned = (atoms.positions - atoms.positions[0]) @ op.cartesian.T
        np.testing.assert_allclose(moved - moved[0], turned, atol=2e-3)
        carried = PairConstants.collected(
            atoms,
            op.image[contact.first],
            op.image[contact.second],
            contact.cell @ op.rotation.T + op.shift[contact.second] - op.shift[contact.first],
            op.cartesian @ contact.values @ op.cartesian.T,
        )
        np.testing.assert_array_equal(carried.cell, contact.cell)
        np.testing.assert_allclose(carried.values, contact.values, atol=1e-9 * contact.scale)


def test_leads_of_a_supercell_stay_primitive(supercell, silicon_germanium):
    small, large = (i.junction(np.array([[0.1, 0.2]])) for i in (silicon_germanium, supercell))
    assert isinstance(small.left, Lead)
    assert isinstance(large.left, FoldedLead)
    cells = round(supercell.area / silicon_germanium.area)
    assert large.left.onsite.shape[-3:] == (cells, small.left.size, small.left.size)
    assert large.sizes == tuple(cells * size for size in small.sizes)


def whole_zone(interface, mesh):
    """Ξ on the whole zone, no window."""
    tops = [largest_frequency(crystal) for crystal in (interface.left, interface.right)]
    grid = frequency_grid(min(tops), max(tops), 12, minimum_temperature=100.0)
    points, weights = reduced_mesh(mesh, 1.0, interface.rotations)
    samples = [Window(points, weights, np.ones(grid.frequency.size, dtype=bool))]
    return grid, sweep(interface, grid, samples, common=min(tops))


def test_conductance_does_not_depend_on_the_lateral_cell(silicon_germanium):
    """Midpoint meshes of 6 x 4 points in the primitive and 2 x 2 in the 3 x 2 cell are the same points."""
    t = np.array([50.0, 300.0, 1000.0])
    values = []
    for interface, mesh in ((silicon_germanium, (6, 4)), (tile(silicon_germanium, (3, 2)), (2, 2))):
        grid, found = whole_zone(interface, mesh)
        values.append(conductance(grid, found.transmission, t))
    np.testing.assert_allclose(values[1], values[0], rtol=1e-8)


def test_windows_of_a_supercell_miss_no_phonon(silicon_germanium):
    """Nothing crosses at the frequencies of a window outside of it, whatever folds there."""
    interface = tile(silicon_germanium, (2, 2))
    tops = [largest_frequency(crystal) for crystal in (interface.left, interface.right)]
    grid = frequency_grid(min(tops), max(tops), 24, minimum_temperature=5.0)
    samples = windows(
        interface.left,
        interface.right,
        grid,
        (2, 2),
        interface.rotations,
        common=min(tops),
        folded=lambda side, k: interface.folded(("left", "right")[side], k),
    )
    assert len(samples) > 3
    whole, _ = reduced_mesh((16, 16), 1.0, interface.rotations)
    for window in samples[1:]:
        extent = np.sqrt(window.weights.sum())
        outside = np.abs(whole).max(axis=1) > 0.5 * extent
        nu = grid.frequency[window.selected].max()
        found = transmission(interface.junction(whole[outside]), np.array([TWO_PI * nu]))
        assert found.channels_left.max() == found.channels_right.max() == 0


def test_mode_table_of_a_supercell_is_that_of_the_contact(silicon_germanium):
    small = silicon_germanium
    large = tile(silicon_germanium, (2, 2))
    k = np.array([[0.07, 0.21], [-0.33, 0.12]])
    tables = []
    for system, points in ((large, k), (small, large.folded("left", k).reshape(-1, 2))):
        grid, _ = whole_grid([1.3, 4.1, 7.7])
        window = Window(points, np.ones(len(points)), np.ones(3, dtype=bool))
        table = mode_table(system, grid, [window]).to_dataframe()
        keys = ["side", "frequency", "qx", "qy", "qz", "branch"]
        tables.append(table.round({"qx": 7, "qy": 7, "qz": 7, "frequency": 9}).sort_values(keys))
    assert len(tables[0]) == len(tables[1]) > 20
    for name in ("transmissivity", "reflectivity", "specular_fraction", "angle", "polarisation"):
        np.testing.assert_allclose(tables[0][name], tables[1][name], atol=1e-7)


def whole_grid(frequencies):
    from latmm.landauer import FrequencyGrid

    return FrequencyGrid(np.array(frequencies), np.ones(len(frequencies))), None


def test_lateral_cells_can_be_asked_for(structure, argon_springs):
    interface = build_interface(structure("ar"), structure("ar"), (0, 0, 1), argon_springs)
    interface = tile(interface, (2, 3))
    np.testing.assert_array_equal(interface.matched.lateral_left, np.diag([2, 3]))
    assert len(interface.slab.atoms) % 6 == 0
    with pytest.raises(InputError, match=r"`lateral` must be two positive integers, but is \(0, 1\)"):
        tile(interface, (0, 1))
    with pytest.raises(InputError, match="`side` must be left or right"):
        interface.folded("up", np.zeros((1, 2)))
    thin = interface.slab.take(interface.slab.within((2, 2)))
    with pytest.raises(InputError, match="make it thicker"):
        replace(interface, slab=thin)


def test_an_atom_may_be_named_in_any_lateral_image_of_the_cell(silicon_germanium):
    """Label and place moved by a vector of the supercell: the dynamical matrix stays."""
    wide = tile(silicon_germanium, (2, 1))
    slab, matched = wide.slab, wide.matched
    images = np.random.default_rng(5).integers(-2, 3, (len(slab.atoms), 2))
    atoms = slab.atoms.copy()
    atoms.positions[:, :2] += images @ matched.cell
    named = replace(slab, atoms=atoms, cell=slab.cell + images @ matched.lateral_left)
    here, there = (bulk_pairs(s, wide.pair) for s in (slab, named))
    k = np.random.default_rng(6).uniform(-0.5, 0.5, (2, 2))
    scale = np.abs(here.dynamical_matrix(k)).max()
    np.testing.assert_allclose(there.dynamical_matrix(k), here.dynamical_matrix(k), atol=1e-12 * scale)
    twice = replace(slab, cell=np.zeros_like(slab.cell))
    with pytest.raises(InputError, match="one name, one site"):
        bulk_pairs(twice, wide.pair)


def test_density_of_states_of_an_atom_does_not_depend_on_the_lateral_cell(silicon_germanium):
    nu = np.array([5.0, 8.0])
    wide = tile(silicon_germanium, (2, 1))
    tables = [
        local_density_of_states(interface, nu, mesh).sortby("height")
        for interface, mesh in ((silicon_germanium, (4, 2)), (wide, (2, 2)))
    ]
    small, large = (table["density_of_states"].values for table in tables)
    assert small.max(axis=1).min() > 1e-3
    np.testing.assert_allclose(large, np.repeat(small, 2, axis=1), rtol=1e-6, atol=1e-12)
