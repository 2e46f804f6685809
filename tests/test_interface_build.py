"""Contacts of any two crystals: registry, relaxation, thickness, and what must not matter."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from matscipy.neighbours import neighbour_list

import latmm.interface.growth as growth
from latmm.agf import transmission
from latmm.errors import ConvergenceError, InputError, InstabilityError, MismatchError
from latmm.geometry.coincidence import CommonCell
from latmm.geometry.matching import Misfit, match
from latmm.geometry.orientation import orient
from latmm.interface.build import join_crystals, match_crystals
from latmm.interface.registry import scan_registry, shift_lattice, shifted
from latmm.interface.slab import build_slab, sites
from latmm.modes.resolved import resolve
from latmm.parallel.execution import Execution
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.relaxation import FORCE_LIMIT
from latmm.units import TWO_PI

K = np.random.default_rng(8).uniform(-0.5, 0.5, (3, 2))
PLANES = ((0, 0, 1), (1, 1, 0))
CELL = {"cell": CommonCell(50.0), "misfit": Misfit(max_strain=0.07)}


@pytest.fixture(scope="module")
def springs():
    """Argon of nearest neighbours only."""
    return resolve_potential("lj", ["Ar"], {"cutoff": 5.0})


@pytest.fixture(scope="module")
def argon_planes(structure, springs):
    """Argon (001) on argon (110): three cells of one on two of the other."""
    crystal = structure("ar")
    matched = match_crystals(crystal, crystal, PLANES, springs, **CELL)
    return join_crystals(matched, PLANES, springs)


def spectra(interface, k=K, top=1.9, count=6):
    return transmission(interface.junction(k), TWO_PI * np.linspace(0.15, top, count))


def stoichiometry_and_distances(interface, shortest):
    """Whole layers of both crystals, no two atoms too close, far layers on their lattice."""
    slab, matched = interface.slab, interface.matched
    for side, crystal, lateral in (
        (-1, matched.left, matched.lateral_left),
        (1, matched.right, matched.lateral_right),
    ):
        own = slab.side == side
        count = round(np.linalg.det(lateral))
        for layer in np.unique(slab.layer[own]):
            inside = own & (slab.layer == layer)
            expected = sorted(crystal.numbers.tolist() * count)
            assert sorted(slab.atoms.numbers[inside].tolist()) == expected
    distance = neighbour_list("d", slab.atoms, shortest)
    assert distance.size == 0
    for side, sign in (("left", -1), ("right", 1)):
        far = (slab.side == sign) & ~slab.within(interface.layers)
        assert far.any()
        off = (slab.atoms.positions - sites(slab, matched))[far]
        np.testing.assert_allclose(off, np.broadcast_to(off[0], off.shape), atol=1e-6, err_msg=side)


def test_different_planes_of_one_crystal_meet(argon_planes):
    assert [
        round(np.linalg.det(m))
        for m in (argon_planes.matched.lateral_left, argon_planes.matched.lateral_right)
    ] == [3, 2]
    stoichiometry_and_distances(argon_planes, 3.2)
    for name, one in argon_planes.checks.items():
        assert one.passed, name
    assert argon_planes.checks["residual_force"].limit == FORCE_LIMIT
    found = spectra(argon_planes)
    assert max(found.unitarity.max(), found.reciprocity.max()) < 1e-8
    np.testing.assert_allclose(found.caroli, found.transmission, atol=1e-8)
    assert found.transmission.max() > 1.0
    assert np.all(found.transmission <= np.minimum(found.channels_left, found.channels_right) + 1e-9)


def test_contact_of_different_planes_has_no_soft_mode(argon_planes):
    layers, principal = argon_planes.layers, argon_planes.principal
    inner = np.flatnonzero(argon_planes.slab.within((layers[0] + principal[0], layers[1] + principal[1])))
    squares = np.linalg.eigvalsh(argon_planes.contact.block(inner, inner)(np.vstack([np.zeros(2), K])))
    assert squares.min() > 0


@pytest.mark.slow
def test_exchanging_the_crystals_changes_nothing(argon_planes, springs, structure):
    """The mirror image of the whole: left becomes right, and k∥ turns with the crystals."""
    crystal = structure("ar")
    matched = match_crystals(
        crystal, crystal, PLANES[::-1], springs, misfit=Misfit("left", 0.07), cell=CELL["cell"]
    )
    exchanged = join_crystals(matched, PLANES[::-1], springs)
    assert exchanged.layers[::-1] == argon_planes.layers
    omega = TWO_PI * np.linspace(0.15, 1.9, 6)
    ours, theirs = (
        transmission(i.junction(np.array([[0.0, 0.25]])), omega) for i in (argon_planes, exchanged)
    )
    np.testing.assert_allclose(theirs.channels_left, ours.channels_right)
    np.testing.assert_allclose(theirs.transmission, ours.transmission, rtol=5e-3, atol=1e-4)


def test_a_thicker_region_changes_little(argon_planes, springs):
    """Half a per cent of what crosses."""
    thick = join_crystals(
        argon_planes.matched,
        PLANES,
        springs,
        start=argon_planes.slab.shift,
        layers=max(argon_planes.layers) + 3,
    )
    assert min(np.subtract(thick.layers, argon_planes.layers)) > 0
    ours, theirs = spectra(argon_planes).transmission, spectra(thick).transmission
    assert theirs.sum() == pytest.approx(ours.sum(), rel=5e-3)


def test_a_crystal_turned_by_its_symmetry_is_found_again(argon, argon_springs):
    """A quarter turn about a four-fold axis, by another cell on the right: every channel crosses."""
    crystal = orient(argon.atoms, (0, 0, 1))
    turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    lateral = np.array([[1, 1], [0, 1]])
    cell = crystal.cell.array @ turn.T
    cell[:2] = lateral @ cell[:2]
    cell[2] += cell[0]
    turned = Atoms(crystal, cell=cell, positions=crystal.positions @ turn.T)
    back = np.rint(crystal.cell.array[:2, :2] @ np.linalg.inv(cell[:2, :2])).astype(int)
    matched = replace(match(crystal, crystal), right=turned, lateral_right=back)
    assert not np.array_equal(back, np.eye(2))
    interface = join_crystals(matched, ((0, 0, 1), (0, 0, 1)), argon_springs)
    found = spectra(interface)
    np.testing.assert_allclose(found.transmission, found.channels_left, atol=1e-5)
    np.testing.assert_array_equal(found.channels_left, found.channels_right)
    # and the registry is that of the crystal: the shift brings site on site
    slab = interface.slab
    first = neighbour_list("d", slab.atoms, 3.9)
    assert first.min() > 3.7


def test_shifts_repeat_with_the_lattices_of_both_crystals(argon_planes, springs):
    matched = argon_planes.matched
    lattice = shift_lattice(matched)
    for crystal in (matched.left, matched.right):
        steps = crystal.cell.array[:2, :2] @ np.linalg.inv(lattice)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    first, second = (round(np.linalg.det(m)) for m in (matched.lateral_left, matched.lateral_right))
    assert abs(np.linalg.det(lattice)) == pytest.approx(matched.area / (first * second), rel=1e-9)
    slab = build_slab(matched, (4, 4))

    def energy(shift):
        atoms = shifted(slab, np.append(shift, 0.6)).atoms
        atoms.calc = springs.calculator()
        return atoms.get_potential_energy()

    start = np.array([0.31, -0.22])
    for vector in lattice:
        assert energy(start + vector) == pytest.approx(energy(start), abs=1e-9)
    assert abs(energy(start + 0.5 * lattice[0]) - energy(start)) > 1e-6


def test_registry_lies_at_the_lowest_energy_of_the_scan(argon_planes, springs):
    seen = []
    found = scan_registry(
        argon_planes.matched,
        springs,
        how=Execution(progress=lambda stage, done, total: seen.append((done, total))),
    )
    assert seen[-1][0] == seen[-1][1] == len(found.energy)
    assert found.energy.min() == 0.0
    np.testing.assert_array_equal(found.best, found.shift[np.argmin(found.energy)])
    # relaxation moves the right crystal on from there, but not to another registry
    assert np.linalg.norm(argon_planes.slab.shift - found.best) < 1.0


def test_crystals_that_repel_each_other_are_refused(argon):
    apart = resolve_potential("lj", ["Ar"], {"cutoff": 6.0})

    class Repulsive(type(apart.calculator())):
        def get_potential_energy(self, *args, **kwargs):
            return -super().get_potential_energy(*args, **kwargs)

    crystal = orient(argon.atoms, (0, 0, 1))
    energy = apart.calculator().potential
    with pytest.raises(ConvergenceError, match="do not attract each other"):
        scan_registry(match(crystal, crystal), replace(apart, calculator=lambda: Repulsive(energy)))


def test_matches_and_cuts_that_do_not_exist_are_refused(structure, argon_springs):
    crystal = structure("ar")
    with pytest.raises(MismatchError, match=r"no common cell of Ar \(0 0 1\) and Ar \(1 1 0\) within 20 Å²"):
        match_crystals(crystal, crystal, PLANES, argon_springs, relax=False, cell=CommonCell(20.0))
    same = ((0, 0, 1), (0, 0, 1))
    with pytest.raises(InputError, match="`choose` must be a number of the list, 1 to 1, but is 2"):
        match_crystals(crystal, crystal, same, argon_springs, relax=False, cell=CommonCell(20.0, choose=2))
    with pytest.raises(InputError, match="the right crystal has cuts 1 to 1, not 2"):
        match_crystals(crystal, crystal, same, argon_springs, relax=False, cell=CommonCell(20.0, cuts=(1, 2)))


@pytest.mark.slow
def test_like_crystals_by_either_route_are_one_interface(structure, stillinger_weber, silicon_germanium):
    """Matched site by site, or by a coincidence cell and a scan of the registry."""
    planes = ((0, 0, 1), (0, 0, 1))
    matched = match_crystals(structure("si"), structure("ge"), planes, stillinger_weber)
    other = join_crystals(matched, planes, stillinger_weber)
    ours, theirs = (spectra(i, np.zeros((1, 2)), 9.0) for i in (silicon_germanium, other))
    np.testing.assert_allclose(theirs.transmission, ours.transmission, atol=1e-3)


@pytest.mark.slow
def test_the_cut_of_the_cell_does_not_matter(structure, stillinger_weber, silicon_germanium):
    """Silicon (001) cut one atomic plane higher: the same crystal, the contact in the other gap."""
    planes = ((0, 0, 1), (0, 0, 1))
    matched = silicon_germanium.matched
    right = matched.right.copy()
    # the first plane of the cell becomes the last one of the layer above
    right.positions[0] += right.cell.array[2]
    right = right[[1, 0]]
    right.positions -= [0, 0, right.positions[0, 2] - matched.right.positions[0, 2]]
    left = matched.left.copy()
    left.positions[1] -= left.cell.array[2]
    left = left[[1, 0]]
    left.positions += [0, 0, matched.left.positions[1, 2] - left.positions[1, 2]]
    other = join_crystals(replace(matched, left=left, right=right), planes, stillinger_weber)
    k = np.array([[0.0, 0.0], [0.25, 0.25]])
    ours, theirs = (spectra(i, k, 9.0) for i in (silicon_germanium, other))
    # the other gap is turned by a quarter: at these k∥ nothing else changes
    np.testing.assert_allclose(theirs.transmission.sum(), ours.transmission.sum(), rtol=5e-3)


def test_layers_of_a_built_interface_are_positive(argon_planes, argon_springs):
    with pytest.raises(InputError, match="`layers` must be a positive integer, but is 0"):
        join_crystals(argon_planes.matched, PLANES, argon_springs, layers=0)


@pytest.mark.slow
@pytest.mark.parametrize("start", [(0.5, 0.5)], ids=["top"])
def test_a_contact_put_on_a_saddle_point_slides_off_it(start, argon, argon_springs, monkeypatch):
    """On top of the left atoms symmetry leaves no force: an unstable mode does."""
    crystal = orient(argon.atoms, (0, 0, 1))
    matched = match(crystal, crystal)
    shift = np.append(np.array(start) @ matched.cell, 0.8)
    interface = join_crystals(matched, ((0, 0, 1),) * 2, argon_springs, start=shift)
    found = spectra(interface)
    np.testing.assert_allclose(found.transmission, found.channels_left, atol=1e-3)
    monkeypatch.setattr(growth, "_PUSHES", 0)
    with pytest.raises(InstabilityError, match="keeps an unstable mode after 0 pushes"):
        join_crystals(matched, ((0, 0, 1),) * 2, argon_springs, start=shift)


def test_phonons_of_crystals_with_different_cells_are_told_apart(argon_planes):
    """Mode by mode on both sides: energy is conserved, and what crosses adds up to the transmission."""
    system = argon_planes
    nu = np.array([0.4, 0.9, 1.3])
    total = transmission(argon_planes.junction(K), TWO_PI * nu).transmission.ravel()
    found = resolve(system, K, nu, outgoing=True)
    for side in (0, 1):
        phonons, crossing = found.incoming[side], found.transmissivity(side)
        assert len(crossing) > 20
        np.testing.assert_allclose(np.bincount(phonons.point, crossing, len(total)), total, atol=1e-9)
        np.testing.assert_allclose(crossing + found.reflectivity(side), 1.0, atol=1e-9)
        specular = found.specular(side)
        assert np.all((specular > 0) & (specular < 1 + 1e-9))
        assert specular.min() < 0.5  # six wave vectors fold: many diffract
        assert phonons.velocity_mismatch < 1e-9
