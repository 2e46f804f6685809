"""Disorder at contacts of two crystals whose lattices do not continue each other."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_allclose

from latmm.agf import transmission
from latmm.disorder.kinds import MassDisorder, Mixing, Roughness, Vacancies
from latmm.disorder.profiles import Profile
from latmm.disorder.realisation import realise, undisturbed
from latmm.disorder.sites import occupied, one_lattice, planes
from latmm.errors import InputError
from latmm.geometry.coincidence import CommonCell
from latmm.geometry.matching import Misfit
from latmm.interface.build import join_crystals, match_crystals
from latmm.interface.registry import shifted
from latmm.interface.slab import build_slab
from latmm.interface.tiling import tile
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.relaxation import FORCE_LIMIT
from latmm.studies.ensembles import Draws, ensemble
from latmm.units import TWO_PI

K = np.array([[0.13, 0.29], [0.4, -0.21]])
OMEGA = TWO_PI * np.array([0.4, 0.8, 1.1])
PLANES = ((0, 0, 1), (1, 1, 0))
DEEP = 24


def solved(interface):
    return transmission(interface.junction(K), OMEGA)


@pytest.fixture(scope="module")
def pair():
    """Two solids of one size and unlike strength and mass, bound by nearest neighbours."""
    return resolve_potential(
        "lj", ["Ar", "Kr"], {"cutoff": 5.0, "sigma": 3.4, "epsilon.Ar": 0.0104, "epsilon.Kr": 0.015}
    )


@pytest.fixture(scope="module")
def matched(pair):
    """Argon (001) and krypton (110): three cells of one on two of the other."""
    crystals = bulk("Ar", "fcc", a=5.3, cubic=True), bulk("Kr", "fcc", a=5.3, cubic=True)
    return match_crystals(*crystals, PLANES, pair, misfit=Misfit(max_strain=0.07), cell=CommonCell(50.0))


@pytest.fixture(scope="module")
def unlike(matched, pair):
    return join_crystals(matched, PLANES, pair)


@pytest.fixture(scope="module")
def wide(unlike):
    return tile(unlike, (2, 1))


def test_the_lattices_do_not_continue_each_other(unlike, silicon_germanium):
    assert not one_lattice(unlike.matched, unlike.slab.shift)
    assert np.abs(unlike.slab.shift[:2]).max() > 1.0  # built with a registry
    assert one_lattice(silicon_germanium.matched, silicon_germanium.slab.shift)
    assert not one_lattice(silicon_germanium.matched, np.array([1.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    "disorder", [Vacancies(2, 0.0), Mixing(Profile.listed([0, 0, 1, 1])), MassDisorder(3, 0.0)]
)
def test_disorder_of_zero_size_leaves_the_ideal_contact_bit_for_bit(wide, pair, disorder):
    found = realise(wide, disorder, 0, potential=pair)
    assert np.array_equal(found.slab.atoms.positions, wide.slab.atoms.positions)
    assert np.array_equal(solved(found).transmission, solved(wide).transmission)


@pytest.mark.slow
def test_a_deep_contact_without_disorder_is_the_ideal_one(matched, pair):
    """Continued on both sides with its registry, relaxed and displaced anew."""
    ideal = join_crystals(matched, PLANES, pair, layers=DEEP)
    step = Mixing(Profile.listed(np.repeat([0.0, 1.0], DEEP + 6)))
    deep = realise(ideal, step, 0, potential=pair)
    assert min(deep.layers) > max(ideal.layers)
    # the ends of the ideal contact depart from the crystals by 7e-5
    assert ideal.checks["region_ends"].value < 1e-4
    assert_allclose(solved(deep).transmission, solved(ideal).transmission, rtol=1e-4)
    assert_allclose(deep.slab.shift, ideal.slab.shift, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("disorder", [Vacancies(2, 0.25), Mixing(Profile.uniform(2))])
def test_a_disordered_contact_is_relaxed_conserves_energy_and_has_bulk_like_ends(wide, pair, disorder):
    found = realise(wide, disorder, 4, potential=pair)
    atoms = found.slab.atoms.copy()
    atoms.calc = pair.calculator()
    forces = atoms.get_forces()[found.slab.within((found.layers[0] - 4, found.layers[1] - 4))]
    assert np.linalg.norm(forces, axis=1).max() <= FORCE_LIMIT
    assert found.checks["residual_force"].value != wide.checks["residual_force"].value
    assert all(one.passed for one in found.checks.values())
    totals = solved(found)
    assert totals.unitarity.max() < 1e-9
    assert totals.reciprocity.max() < 1e-9
    assert_allclose(totals.transmission, totals.caroli, atol=1e-9)
    assert not np.allclose(totals.transmission, solved(wide).transmission, rtol=0.01)


def test_elements_are_exchanged_plane_by_plane(unlike):
    """The fraction of each plane to rounding; atoms stay on the lattice of their own crystal."""
    wide = tile(unlike, (4, 3))
    fraction = [0.1, 0.3, 0.8, 0.9]
    found = Mixing(Profile.listed(fraction)).apply(wide.slab, wide.matched, np.random.default_rng(2))
    assert np.array_equal(found.atoms.positions, wide.slab.atoms.positions)
    number = planes(found, wide.matched)
    for plane, wanted in zip(range(-3, 3), [0.0, *fraction, 1.0], strict=True):
        krypton = found.atoms.symbols[number == plane] == "Kr"
        assert abs(krypton.sum() - wanted * len(krypton)) < 1.0
    pure = wide.slab.atoms
    mass = {pure.symbols[i]: pure.get_masses()[i] for i in (0, -1)}
    assert np.array_equal(found.atoms.get_masses(), [mass[s] for s in found.atoms.symbols])


@pytest.mark.slow
def test_an_ensemble_without_disorder_is_the_abrupt_contact(wide, pair):
    """A flat contact of two lattices diffracts: not all of what crosses keeps its wave vector."""
    found = ensemble(wide, Draws(Vacancies(2, 0.0), 2), [20.0], potential=pair, kmesh=(1, 1), frequencies=4)[
        "comparison"
    ]
    # within rounding: sums over several rows round otherwise than those of one
    assert found["ratio"].values == pytest.approx(1.0, rel=1e-12)
    assert found["ratio_error"].values == pytest.approx(0.0, abs=1e-12)
    fraction = found["specular_fraction_abrupt"].values
    assert found["specular_fraction"].values == pytest.approx(fraction, rel=1e-12)
    assert 0.1 < fraction < 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ideal, pair: realise(ideal, Roughness(1.0, 2.0), 0, potential=pair), "rough contact"),
        (lambda ideal, pair: realise(ideal, Vacancies(2, 0.2), 0), "give a `potential`"),
        (lambda ideal, pair: undisturbed(ideal, None), "no mean force constants"),
    ],
)
def test_what_needs_one_lattice_is_refused(unlike, pair, call, message):
    with pytest.raises(InputError, match=message):
        call(unlike, pair)


def test_like_crystals_out_of_registry_have_no_means(silicon_germanium):
    slab = shifted(silicon_germanium.slab, np.array([1.0, 0.0, 0.0]))
    with pytest.raises(InputError, match="no mean force constants"):
        undisturbed(replace(silicon_germanium, slab=slab), None)


def test_compounds_out_of_registry_are_not_mixed(silicon_germanium):
    matched = silicon_germanium.matched
    left = matched.left.copy()
    left.numbers[1] = 6
    carbide = replace(matched, left=left)
    slab = shifted(build_slab(carbide, (2, 2)), np.array([1.0, 0.0, 0.0]))
    with pytest.raises(InputError, match="not defined which of their species"):
        occupied(slab, carbide, slab.side > 0)
