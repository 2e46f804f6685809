"""Phonons of a bulk mesh drive the scattering: the same answers as modes at (k∥, ω), another quadrature."""

from dataclasses import replace

import numpy as np
import pytest
from modes_systems import contact, diamond, fcc, loosened, supercell

from latmm.errors import InputError
from latmm.interface.tiling import tile
from latmm.landauer import conductance
from latmm.lattice.dynamics import largest_frequency, phonons, q_mesh
from latmm.modes.brillouin import first_zone
from latmm.modes.contributions import conductances, phonon_conductance
from latmm.modes.mesh import bulk_mesh
from latmm.modes.q_mesh import transmissivities, transmissivity
from latmm.modes.resolved import resolve
from latmm.modes.sampling import grid_samples
from latmm.modes.table import mode_table, spectral


@pytest.mark.parametrize("principal", [1, 2])
@pytest.mark.parametrize("side", ["left", "right"])
def test_phonons_transmit_as_the_modes_they_are(side, principal):
    system = contact(diamond(), 2.0, principal)
    q = np.random.default_rng(8).uniform(-0.5, 0.5, (4, 3))
    table = transmissivity(system, side, q)
    index = ("left", "right").index(side)
    checked = 0
    for i in range(len(q)):
        for branch in range(6):
            v = float(table["group_velocity"][i, branch, 2])
            # an outgoing phonon has the transmissivity of its time-reversed partner, which arrives
            towards = 1.0 if (v > 0) == (side == "left") else -1.0
            nu = float(table["frequency"][i, branch])
            found = resolve(system, towards * q[i : i + 1, :2], np.array([nu]))
            phonons = found.incoming[index]
            apart = np.linalg.norm(phonons.wave_vector - towards * table["wave_vector"].values[i], axis=1)
            match = np.argmin(apart)
            assert apart[match] < 1e-6
            assert phonons.branch[match] == branch
            found_share = found.transmissivity(index)[match]
            # scattered one part in 1e10 aside: grazing phonons change by 2e3 times that
            assert float(table["transmissivity"][i, branch]) == pytest.approx(found_share, abs=1e-6)
            checked += found_share > 0.01
    assert checked > 4


def test_bands_folded_into_thick_layers_onto_each_other_stay_apart():
    # a midpoint mesh puts phonons of both directions on one λ of layers of three
    crystal = fcc()
    q = bulk_mesh(crystal, (6, 6, 6), []).qpoints
    thin, thick = (transmissivity(contact(crystal, 2.0, p), "left", q) for p in (1, 3))
    np.testing.assert_allclose(thick["transmissivity"], thin["transmissivity"], atol=1e-6)


def test_a_supercell_transmits_the_phonons_of_the_primitive_cell_alike():
    crystal = fcc()
    q = np.random.default_rng(9).uniform(-0.5, 0.5, (6, 3))
    tables = [transmissivity(s, "left", q) for s in (supercell(crystal, 2.0), contact(crystal, 2.0))]
    np.testing.assert_allclose(tables[0]["transmissivity"], tables[1]["transmissivity"], atol=1e-8)


def test_phonons_of_a_tiled_contact_cross_as_those_of_the_contact(heavy_silicon):
    system, tiled = heavy_silicon, tile(heavy_silicon, (2, 2))
    q = np.random.default_rng(11).uniform(-0.5, 0.5, (5, 3))
    for side in ("left", "right"):
        small, large = (transmissivity(s, side, q)["transmissivity"] for s in (system, tiled))
        np.testing.assert_allclose(large, small, atol=1e-8)
        assert float(small.max()) > 0.3
    # a mesh of both: reduced by the symmetry that a 2 x 2 supercell keeps
    whole = [transmissivities(s, (4, 4, 4)) for s in (system, tiled)]
    totals = [conductances(tree, [300.0])["agf"]["left"][0] for tree in whole]
    assert totals[1] == pytest.approx(totals[0], rel=1e-7)


def test_degenerate_phonons_share_the_mean_of_their_group():
    system = loosened(contact(fcc(), 2.0))
    q = np.array([[0.0, 0.0, 0.1]])
    table = transmissivity(system, "left", q)
    first, second = table["transmissivity"].values[0, :2]
    assert abs(first - second) < 1e-12
    found = resolve(system, q[:, :2], table["frequency"].values[0, :1])
    expected = found.transmissivity(0)[found.incoming[0].longitudinal < 0.5]
    np.testing.assert_allclose([first, second], expected, atol=1e-7)


@pytest.mark.slow
def test_conductance_of_the_phonons_is_the_spectral_one():
    # the square net keeps four mirrors and a four-fold axis
    turns = [np.array(m) for m in ([[1, 0], [0, 1]], [[0, -1], [1, 0]], [[0, 1], [1, 0]], [[-1, 0], [0, 1]])]
    system = replace(contact(fcc(), 2.0), spatial_rotations=turns)
    tree = transmissivities(system, (28, 28, 28))
    grid, samples = grid_samples(system, (24, 24), 128, minimum_temperature=60.0)
    table = mode_table(system, grid, samples)
    t = [60.0, 300.0]
    exact = conductance(grid, np.interp(grid.frequency, *_spectrum(table)), t)
    for side in ("left", "right"):
        summed = phonon_conductance(tree[side].to_dataset(), t).sum(("qpoint", "branch"))
        np.testing.assert_allclose(summed, exact, rtol=5e-3)
        assert conductances(tree, t)["agf"][side] == pytest.approx(summed.values.tolist())


def _spectrum(table):
    sums = spectral(table)
    np.testing.assert_allclose(sums["transmission"][0], sums["transmission"][1], atol=1e-9)
    return sums["frequency"].values, sums["transmission"].values[0]


def test_a_reduced_mesh_holds_the_same_phonons_as_the_whole_one(heavy_silicon):
    system = heavy_silicon
    assert len(system.spatial_rotations) == 4
    reduced = bulk_mesh(system.left, (6, 6, 6), system.spatial_rotations)
    whole = q_mesh((6, 6, 6), shift=(0.5, 0.5, 0.5))
    assert len(reduced.qpoints) < 0.3 * len(whole)
    assert reduced.weight.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.bincount(reduced.irreducible) / len(whole), reduced.weight)
    chosen = np.random.default_rng(3).choice(len(whole), 40, replace=False)
    chosen = chosen[np.lexsort(whole[chosen, :2].T)]
    few = transmissivity(system, "right", reduced.qpoints)
    direct = transmissivity(system, "right", whole[chosen])
    for name in ("frequency", "transmissivity", "angle"):
        expanded = few[name].values[reduced.irreducible[chosen]]
        # degenerate branches may exchange their numbers: compare them in ascending order
        np.testing.assert_allclose(np.sort(direct[name].values, axis=1), np.sort(expanded, axis=1), atol=2e-6)


def test_points_of_a_mesh_know_whether_their_phonons_run_against_the_irreducible_ones(heavy_silicon):
    system = heavy_silicon
    reduced = bulk_mesh(system.left, (6, 6, 6), system.spatial_rotations)
    speed = phonons(system.left, q_mesh((6, 6, 6), shift=(0.5, 0.5, 0.5))).group_velocity[..., 2]
    kept = phonons(system.left, reduced.qpoints).group_velocity[reduced.irreducible, :, 2]
    expected = np.where(reduced.reversed[:, None], -kept, kept)
    # degenerate phonons may exchange their places
    np.testing.assert_allclose(np.sort(speed, axis=1), np.sort(expected, axis=1), atol=1e-6)
    assert 0.3 < reduced.reversed.mean() < 0.7


def test_centred_meshes_hold_gamma_and_every_wave_vector_of_a_transport_code():
    crystal = diamond()
    mesh = bulk_mesh(crystal, (4, 4, 4), [np.eye(2, dtype=np.int64)], centred=True)
    assert np.any(np.all(mesh.qpoints == 0.0, axis=1))
    expanded = mesh.qpoints[mesh.irreducible]
    wanted = q_mesh((4, 4, 4))
    # each is represented by itself or its time-reversed partner
    apart = [np.abs(first_zone(crystal, sign * expanded - wanted)).max(axis=1) for sign in (1.0, -1.0)]
    assert np.max(np.minimum(*apart)) < 1e-9


def test_standing_phonons_and_those_above_the_other_band_do_not_cross():
    system = contact(fcc(), 4.0)
    table = transmissivity(system, "left", bulk_mesh(system.left, (4, 4, 4), [], centred=True).qpoints)
    still = np.abs(table["group_velocity"].values[..., 2]) < 1e-6
    above = table["frequency"].values > largest_frequency(system.right) * 1.001
    assert still.any()
    assert above.any()
    assert table["transmissivity"].values[still | above].max() == 0.0
    assert table["transmissivity"].values.max() > 0.1
    assert np.all((table["transmissivity"] >= 0) & (table["transmissivity"] <= 1 + 1e-9))


@pytest.mark.parametrize("mesh", [(4, 4), (4, 4, 0), (4, 4, 2.5)])
def test_meshes_that_are_none_are_refused(mesh):
    with pytest.raises(InputError, match="three positive integers"):
        bulk_mesh(diamond(), mesh, [])
