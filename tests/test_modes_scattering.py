"""Scattering between phonons: sums, reciprocity, and what must not depend on how the system is described."""

from dataclasses import replace

import numpy as np
import pytest
from modes_systems import Contact, contact, diamond, fcc, loosened, random_points, sheared, supercell

from latmm.agf import scatter, transmission
from latmm.landauer import FrequencyGrid
from latmm.lattice.dynamics import largest_frequency
from latmm.modes.lateral_cells import points_at_once
from latmm.modes.maps import conversion, scattering_map
from latmm.modes.resolved import resolve
from latmm.modes.sampling import zone_samples
from latmm.modes.table import mode_pieces, mode_table, spectral
from latmm.sampling.meshes import Window
from latmm.units import TWO_PI


def levels(system: Contact, count: int) -> np.ndarray:
    return np.linspace(0.05, 0.9, count) * largest_frequency(system.right)


def everywhere(k: np.ndarray, nu: np.ndarray) -> tuple[FrequencyGrid, list[Window]]:
    """All points k × nu, of equal weight."""
    grid = FrequencyGrid(nu, np.ones(nu.size))
    return grid, [Window(k, np.full(len(k), 1.0 / len(k)), np.ones(nu.size, dtype=bool))]


def rows(table, columns):
    """Columns of a table, ordered by what identifies a mode."""
    keys = [np.round(table[name].values.astype(float), 4) for name in ("qz", "qy", "qx", "side")]
    order = np.lexsort((*keys, np.round(table["frequency"].values, 6)))
    return [table[name].values[order] for name in columns]


COLUMNS = (
    "k1",
    "k2",
    "qx",
    "qy",
    "qz",
    "branch",
    "group_velocity",
    "angle",
    "transmissivity",
    "reflectivity",
)


@pytest.mark.parametrize("crystal", [fcc, diamond])
def test_modes_sum_to_the_transmission_function_at_every_point(crystal):
    system = contact(crystal(), ratio=2.5)
    k, nu = random_points(8), levels(system, 9)
    found = resolve(system, k, nu)
    totals = transmission(system.junction(k), np.broadcast_to(TWO_PI * nu, (8, 9)))
    for side in (0, 1):
        phonons = found.incoming[side]
        total = np.bincount(phonons.point, found.transmissivity(side), minlength=72)
        np.testing.assert_allclose(total, totals.transmission.ravel(), atol=1e-10)
        np.testing.assert_allclose(found.transmissivity(side) + found.reflectivity(side), 1.0, atol=1e-9)


def test_perfect_crystal_transmits_every_phonon_into_itself():
    system = contact(diamond())
    table = mode_table(system, *everywhere(random_points(5), levels(system, 6)))
    np.testing.assert_allclose(table["transmissivity"], 1.0, atol=1e-9)
    np.testing.assert_allclose(table["reflectivity"], 0.0, atol=1e-9)
    mapped = scattering_map(system, [0.4 * largest_frequency(system.left)], (5, 5), angles=6)
    probability = conversion(mapped["channels"]).sel(frequency=mapped["frequency"][0])
    for side, other in (("left", "right"), ("right", "left")):
        matrix = probability.sel(side=side, side_out=other).values
        offered = np.isfinite(matrix.sum(axis=1))
        np.testing.assert_allclose(matrix[offered], np.eye(len(matrix))[offered], atol=1e-9)


@pytest.mark.parametrize("crystal", [fcc, diamond])
def test_reciprocity_holds_mode_by_mode(crystal):
    # S(i → j) at k∥ equals S(−j → −i) at −k∥, −q the time-reversed phonon
    system = contact(crystal(), ratio=3.0)
    k, nu = random_points(6, 1), levels(system, 5)
    here, there = (resolve(system, sign * k, nu, outgoing=True) for sign in (1, -1))

    def partners(forward, reversed_):
        """Mode of each phonon's time-reversed partner."""
        found = []
        for point, q in zip(forward.point, forward.wave_vector, strict=True):
            rows = np.flatnonzero(reversed_.point == point)
            apart = np.linalg.norm(reversed_.wave_vector[rows] + q, axis=1)
            assert apart.min() < 1e-6
            found.append(reversed_.mode[rows[np.argmin(apart)]])
        return np.array(found)

    pairs = 0
    for side in (0, 1):
        for to in (0, 1):
            into, out = here.incoming[side], here.outgoing[to]
            back_in, back_out = partners(out, there.incoming[to]), partners(into, there.outgoing[side])
            for i in range(len(into.point)):
                for j in np.flatnonzero(out.point == into.point[i]):
                    forth = here.share[side][to][into.point[i], out.mode[j], into.mode[i]]
                    back = there.share[to][side][into.point[i], back_out[i], back_in[j]]
                    assert abs(forth - back) < 1e-9
                    pairs += 1
    assert pairs > 100


def test_scattering_maps_are_reciprocal_and_hold_all_channels():
    system = contact(diamond((1, 1, 1)), ratio=2.0)
    nu = 0.35 * largest_frequency(system.right)
    mapped = scattering_map(system, [nu, 1.7 * nu], (8, 8), angles=5)
    channels = mapped["channels"].values
    np.testing.assert_allclose(channels, channels.transpose(0, 4, 5, 6, 1, 2, 3), atol=1e-10)
    np.testing.assert_allclose(mapped["specular_fraction"], 1.0, atol=1e-9)
    table = mode_table(system, *zone_samples([nu, 1.7 * nu], (8, 8)))
    offered = mapped["channels"].sum(("branch", "angle", "side_out", "branch_out", "angle_out"))
    np.testing.assert_allclose(offered.values.T, spectral(table)["channels"].values, atol=1e-9)


def between_phonons(system: Contact, k, nu):
    """|S|² from the left to both sides, ordered by the phonons at both ends."""
    found = resolve(system, np.array([k]), np.array([nu]), outgoing=True)

    def order(phonons):
        return phonons.mode[np.lexsort((phonons.branch, *phonons.wave_vector.T.round(5)))]

    into = order(found.incoming[0])
    return [found.share[0][to][0][np.ix_(order(found.outgoing[to]), into)] for to in (0, 1)]


def test_degenerate_modes_carry_the_mean_of_their_group():
    # on the axis two transverse phonons are one frequency: each is half of what both do together
    system = loosened(contact(fcc(), 2.0))
    nu = 0.3 * largest_frequency(system.left)
    totals = transmission(system.junction(np.zeros((1, 2))), np.array([[TWO_PI * nu]]))
    found = resolve(system, np.zeros((1, 2)), np.array([nu]))
    crossing, transverse = found.transmissivity(0), found.incoming[0].longitudinal < 0.5
    assert np.ptp(crossing[transverse]) < 1e-12
    assert crossing.sum() == pytest.approx(float(totals.transmission[0, 0]), abs=1e-9)
    # what the springs along x and y let through by themselves differs from the mean
    kernel = scatter(system.junction(np.zeros((1, 2))), np.array([[TWO_PI * nu]]))
    polarised = np.linalg.svd(kernel.transmitted_left[0, 0], compute_uv=False) ** 2
    assert np.abs(polarised - crossing[transverse][0]).min() > 0.01


@pytest.mark.parametrize("k", [(0.0, 0.0), (0.11, 0.11), (0.5, 0.0), (0.5, 0.21)])
def test_scattering_between_phonons_does_not_depend_on_the_kernels_modes(k):
    # thicker layers mix phonons of one λ: degenerate ones on the axis, others at the zone's edge
    top = largest_frequency(fcc())
    mixtures = 0
    for nu in (0.31 * top, 0.59 * top, 0.68 * top):
        shares = [between_phonons(loosened(contact(fcc(), 1.5, p)), k, nu) for p in (1, 2, 3)]
        for ours in shares[1:]:
            for a, b in zip(ours, shares[0], strict=True):
                np.testing.assert_allclose(a, b, atol=1e-8)
        mixtures += shares[0][0].size
    assert mixtures > 0


def test_the_primitive_cell_does_not_matter():
    one, other = diamond(), sheared()
    k = random_points(6, 4)
    # a₁' = a₁ + a₂, a₂' = a₂: the same Cartesian k∥ has k₁' = k₁ + k₂
    turned = np.column_stack([k.sum(axis=1), k[:, 1]])
    nu = levels(contact(one, 2.0), 6)
    columns = ("qx", "qy", "qz", "branch", "group_velocity", "transmissivity", "weight")
    ours = rows(mode_table(contact(one, 2.0), *everywhere(k, nu)), columns)
    theirs = rows(mode_table(contact(other, 2.0), *everywhere(turned, nu)), columns)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_a_lateral_supercell_gives_the_same_table():
    crystal = fcc()
    big, small = supercell(crystal, 2.0), contact(crystal, 2.0)
    k = random_points(4, 6)
    nu = levels(small, 5)
    ours = mode_table(big, *everywhere(k, nu))
    theirs = mode_table(small, *everywhere(big.folded(0, k).reshape(-1, 2), nu))
    for a, b in zip(rows(ours, (*COLUMNS, "weight")), rows(theirs, (*COLUMNS, "weight")), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
    np.testing.assert_allclose(ours["specular_fraction"], 1.0, atol=1e-6)


def test_disorder_in_a_supercell_scatters_diffusely():
    system = supercell(fcc(), 2.0)
    plain = system.junction

    def rough(k):
        junction = plain(k)
        across = junction.hopping[0].copy()
        across[..., :3, :] *= 0.3  # one of four atoms is held by weaker springs
        return type(junction)(junction.left, junction.right, (), (across,))

    found = resolve(replace(system, junction=rough), random_points(3), levels(system, 4))
    for side in (0, 1):
        specular = found.specular(side)
        assert 0.0 <= specular.min() < 0.95
        assert specular.max() <= 1.0 + 1e-9
        total = found.transmissivity(side) + found.reflectivity(side)
        np.testing.assert_allclose(total, 1.0, atol=1e-8)


def test_little_memory_makes_more_pieces_of_the_same_table(monkeypatch):
    system = contact(fcc(), 2.0)
    k, nu = random_points(6), levels(system, 4)
    whole = mode_table(system, *everywhere(k, nu))
    assert points_at_once(supercell(fcc(), 2.0), 10**9) == points_at_once(system, 10**9) // 16
    monkeypatch.setattr("latmm.modes.lateral_cells.BATCH_BYTES", 16 * 10 * 9 * 8)
    assert points_at_once(system, 2048) == 8
    assert len(list(mode_pieces(system, *everywhere(k, nu)))) == 3
    pieces = mode_table(system, *everywhere(k, nu))
    for a, b in zip(rows(pieces, COLUMNS), rows(whole, COLUMNS), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
