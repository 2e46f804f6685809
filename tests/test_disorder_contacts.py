"""Disordered contacts: limits without disorder, seeds, Born's approximation, what keeps its wave vector."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from latmm.agf import scatter, transmission
from latmm.disorder.kinds import MassDisorder, Mixing, Roughness, Vacancies
from latmm.disorder.profiles import Profile
from latmm.disorder.realisation import realise, undisturbed
from latmm.disorder.sites import averaged, occupied, planes
from latmm.disorder.virtual import graded, mean_contact, species_share
from latmm.errors import InputError
from latmm.geometry.lateral import fold
from latmm.interface.build import build_interface
from latmm.interface.slab import build_slab
from latmm.interface.symmetry import layer_operations
from latmm.interface.tiling import tile
from latmm.landauer import FrequencyGrid, conductance
from latmm.lattice.dynamics import largest_frequency
from latmm.parallel.execution import Execution
from latmm.sampling.meshes import Window, reduced_mesh, windows
from latmm.studies import ensembles
from latmm.studies.ensembles import Draws, ensemble
from latmm.sweep import run
from latmm.sweep.measures import SpecularTransmission, same_wave_vector
from latmm.sweep.run import sweep
from latmm.units import TWO_PI

K = np.array([[0.13, 0.29], [0.41, -0.22]])
OMEGA = TWO_PI * np.array([1.5, 4.0, 6.5])


def solved(interface):
    return transmission(interface.junction(K), OMEGA)


@pytest.fixture(scope="module")
def rough_silicon(heavy_silicon):
    """Silicon on heavy silicon in 2 x 2 lateral cells."""
    return tile(heavy_silicon, (2, 2))


@pytest.fixture(scope="module")
def strained_germanium(silicon_germanium):
    return tile(silicon_germanium, (2, 1))


# --- limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "disorder",
    [
        Mixing(Profile.linear(0)),
        Mixing(Profile.listed([0, 0, 1, 1])),
        Roughness(0.0, 3.0),
        Vacancies(2, 0.0),
        MassDisorder(4, 0.0),
    ],
)
def test_disorder_of_zero_size_leaves_the_ideal_contact(rough_silicon, disorder):
    found, ideal = solved(realise(rough_silicon, disorder, 0)), solved(rough_silicon)
    assert_allclose(found.transmission, ideal.transmission, rtol=1e-8)


def test_mean_force_constants_are_exact_where_only_masses_differ(rough_silicon):
    """The mean rule on a new slab, and new masses on the force constants of the ideal contact."""
    disorder = Mixing(Profile.uniform(2))
    by_masses = realise(rough_silicon, disorder, 3)
    slab = by_masses.slab
    by_means = mean_contact(
        rough_silicon, slab, species_share(rough_silicon, slab), (2, 2), layer_operations(slab.atoms)
    )
    # the displaced contact's force constants are those of the crystal to 2e-7
    assert_allclose(solved(by_means).transmission, solved(by_masses).transmission, rtol=1e-5)


def test_a_deep_contact_is_made_where_the_ideal_one_is_too_thin(rough_silicon):
    disorder = Mixing(Profile.uniform(6))
    assert disorder.depth(rough_silicon.matched) > 2 * rough_silicon.layers[0] - 2
    found = realise(rough_silicon, disorder, 0)
    assert min(found.layers) >= 2
    totals = solved(found)
    assert totals.unitarity.max() < 1e-9
    assert_allclose(totals.transmission, totals.caroli, atol=1e-9)


@pytest.mark.slow
def test_an_undisturbed_slab_computed_anew_is_the_ideal_contact(strained_germanium, stillinger_weber):
    """Relaxed and displaced in the supercell, without the symmetry that the ideal contact was given."""
    swapped = Mixing(Profile.listed([1.0, 0.0, 0.0, 1.0]))
    exact = Mixing(Profile.listed([0.0, 1.0]))
    assert_allclose(
        solved(realise(strained_germanium, exact, 0, potential=stillinger_weber)).transmission,
        solved(strained_germanium).transmission,
        rtol=1e-8,
    )
    # a superlattice has no chance in it: any seed, and the primitive cell, give the same
    small, large = (
        realise(ideal, swapped, seed, potential=stillinger_weber)
        for ideal, seed in ((tile(strained_germanium, (1, 1)), 1), (strained_germanium, 2))
    )
    assert_allclose(solved(small).transmission, solved(large).transmission, rtol=1e-7)


def test_the_mean_rule_compares_to_an_abrupt_contact_of_the_same_rule(silicon_germanium, strained_germanium):
    step = realise(strained_germanium, Mixing(Profile.linear(0)), 0)
    assert_allclose(
        solved(undisturbed(strained_germanium, None)).transmission, solved(step).transmission, rtol=1e-9
    )
    # the rule is not the potential's contact, but near it
    assert_allclose(solved(step).transmission.sum(), solved(strained_germanium).transmission.sum(), rtol=0.05)


def test_the_mean_rule_does_not_depend_on_the_thickness_of_the_region(silicon_germanium):
    matched, profile = silicon_germanium.matched, Profile.listed([0.3, 0.6])
    slab = averaged(build_slab(matched, (6, 6)), matched, profile)
    fraction = profile.at(planes(slab, matched))
    thin, thick = (
        mean_contact(silicon_germanium, slab, fraction, (n, n), layer_operations(slab.atoms)) for n in (1, 3)
    )
    assert_allclose(solved(thin).transmission, solved(thick).transmission, rtol=1e-9)
    assert_allclose(
        solved(graded(silicon_germanium, profile)).transmission, solved(thick).transmission, rtol=1e-9
    )


def test_a_layer_of_the_pure_right_crystal_moves_the_contact(heavy_silicon):
    """By a primitive layer, two planes: one plane would turn it by 90 degrees, the screw axis of diamond."""
    moved = graded(heavy_silicon, Profile(-2, np.array([1.0, 1.0])))
    assert_allclose(solved(moved).transmission, solved(heavy_silicon).transmission, rtol=1e-5)


def test_a_layer_between_like_crystals_changes_nothing(perfect_silicon):
    layered = graded(perfect_silicon, Profile.linear(4))
    assert_allclose(solved(layered).transmission, solved(perfect_silicon).transmission, rtol=1e-8)


def test_graded_layers_keep_the_symmetry_of_the_contact(heavy_silicon):
    layered = graded(heavy_silicon, Profile.linear(4))
    assert len(layered.operations) == len(heavy_silicon.operations)


# --- seeds -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("disorder", "computed"),
    [(Mixing(Profile.linear(2)), True), (Vacancies(2, 0.2), False), (Roughness(1.5, 1.8), False)],
)
def test_a_seed_gives_the_same_contact_bit_for_bit(strained_germanium, stillinger_weber, disorder, computed):
    potential = stillinger_weber if computed else None
    one, same = (realise(strained_germanium, disorder, 5, potential=potential) for _ in range(2))
    for name in ("first", "second", "cell", "values"):
        assert np.array_equal(getattr(one.contact, name), getattr(same.contact, name))
    assert np.array_equal(one.slab.atoms.get_masses(), same.slab.atoms.get_masses())
    assert solved(one).unitarity.max() < 1e-9


@pytest.mark.slow
def test_an_ensemble_is_the_same_whoever_computes_it_and_its_first_members_stay(rough_silicon):
    def run(realisations, seed=1, executor=None):
        return ensemble(
            rough_silicon,
            Draws(Mixing(Profile.uniform(2)), realisations, seed),
            [100.0],
            frequencies=2,
            kmesh=(1, 1),
            how=Execution(executor),
        )

    with ThreadPoolExecutor(1) as pool:
        first, other, more = run(2), run(2, executor=pool), run(3)
    xr.testing.assert_identical(first["realisations"].to_dataset(), other["realisations"].to_dataset())
    part = more["realisations"].to_dataset().isel(realisation=slice(2))
    assert np.array_equal(part["transmission"], first["realisations"]["transmission"])
    assert not np.array_equal(run(2, seed=2)["realisations"]["transmission"], part["transmission"])


@pytest.mark.slow
def test_an_ensemble_without_disorder_is_the_primitive_contact(heavy_silicon, rough_silicon):
    """4 x 4 k∥ of 2 x 2 cells are 8 x 8 of the primitive cell, but for long waves."""
    t = np.array([300.0])
    found = ensemble(rough_silicon, Draws(Mixing(Profile.linear(0)), 2), t, kmesh=(4, 4), frequencies=12)
    mean, abrupt = found["comparison"], found["abrupt"]
    assert_allclose(mean["ratio"], 1.0, rtol=1e-9)
    assert_allclose(mean["specular_fraction"], 1.0, rtol=1e-9)
    assert np.all(mean["conductance_error"] < 1e-9 * mean["conductance"])
    nu = abrupt["frequency"].values
    grid = FrequencyGrid(nu, abrupt["frequency_weight"].values)
    common = largest_frequency(heavy_silicon.right)
    crystals = heavy_silicon.left, heavy_silicon.right
    expected, dense = (
        sweep(heavy_silicon, grid, windows(*crystals, grid, mesh, heavy_silicon.rotations, common=common),
              common=common)
        for mesh in ((8, 8), (24, 24))
    )  # fmt: skip
    short = nu > 0.4 * common
    assert short.sum() > 3
    assert_allclose(abrupt["transmission"].values[short], expected.transmission[short], rtol=1e-8)
    xi = np.where(
        short, expected.transmission, dense.transmission
    )  # long waves: along rays, or on a dense mesh
    assert_allclose(mean["conductance"], conductance(grid, xi, t), rtol=3e-3)


@dataclass(frozen=True)
class Chosen:
    """A kind of disorder without chance: the right species on some sites of plane 0."""

    sites: tuple[int, ...]

    def apply(self, slab, matched, rng):
        number = planes(slab, matched)
        right = number > 0
        right[np.flatnonzero(number == 0)[list(self.sites)]] = True
        return occupied(slab, matched, right)

    def depth(self, matched):
        return 1

    def describe(self):
        return f"sites {self.sites}"


@pytest.mark.slow
def test_the_mean_and_its_error_are_those_of_all_configurations(structure, argon_springs, monkeypatch):
    """Two of the four atoms of a plane: six contacts, each as likely; all are solved, none of them twice."""
    known = {}

    def remembered(contact, *given, **named):
        masses = contact.slab.atoms.get_masses().tobytes()
        if masses not in known:
            known[masses] = sweep(contact, *given, **named)
        return known[masses]

    monkeypatch.setattr(ensembles, "sweep", remembered)
    crystals = structure("ar"), structure("ar", {"Ar": 120.0})
    ideal = tile(build_interface(*crystals, (0, 0, 1), argon_springs), (2, 2))

    def drawn(disorder, realisations):
        return ensemble(ideal, Draws(disorder, realisations), [20.0], kmesh=(1, 1), frequencies=3)

    chosen = [drawn(Chosen(pair), 2) for pair in combinations(range(4), 2)]
    every = np.array([found["realisations"]["conductance"].values[0, 0] for found in chosen])
    assert every.std() > 1e-4 * every.mean()
    assert len(known) == 7  # with the abrupt contact
    number = 40
    found = drawn(Mixing(Profile.uniform(1)), number)
    own = found["realisations"]["conductance"].values[:, 0]
    assert np.abs(own[:, None] / every - 1.0).min(axis=1).max() < 1e-9  # each is one of the six
    mean, error = (float(found["comparison"][name][0]) for name in ("conductance", "conductance_error"))
    assert abs(mean - every.mean()) < 3.0 * error
    # the sample variance of 40 draws is within three of its own standard deviations, 3 √(2/39), at most
    assert number * error**2 == pytest.approx(every.var(), rel=0.68)


# --- physics ---------------------------------------------------------------------------------------------


def test_a_flat_contact_transmits_specularly_only(rough_silicon):
    """Where it is sampled, and in the elastic range, to which all spectra go on alike."""
    grid = FrequencyGrid(np.array([0.01, 5.0, 7.0]), np.ones(3))
    samples = [Window(K, np.full(2, 0.5), grid.frequency > 1.0)]
    ideal = sweep(rough_silicon, grid, samples, common=9.0, measure=SpecularTransmission())
    assert_allclose(ideal.specular, ideal.transmission, rtol=1e-10)
    realisation = realise(rough_silicon, Mixing(Profile.uniform(2)), 0)
    mixed = sweep(realisation, grid, samples, common=9.0, measure=SpecularTransmission())
    assert np.all(mixed.specular < 0.99 * mixed.transmission)
    expected = transmission(rough_silicon.junction(K), TWO_PI * grid.frequency[1:]).transmission.mean(axis=0)
    assert_allclose(ideal.transmission[1:], 100.0 * expected / rough_silicon.area, rtol=1e-10)


def test_elastic_range_goes_on_as_the_square_of_frequency():
    """Ξ = aν² stays itself; of another law the mean of Ξ/ν² up to five times the lowest sample counts."""
    nu = np.array([0.1, 0.3, 1.0, 2.0, 4.0, 6.0, 10.0])
    sampled = np.array([False, False, True, True, True, True, True])
    spectra = np.array([3.0 * nu**2, nu**3])
    given = np.where(sampled, spectra, np.nan)
    run._extend(given, nu, ~sampled)
    assert_allclose(given[:, sampled], spectra[:, sampled], rtol=0)
    assert_allclose(given[0, ~sampled], spectra[0, ~sampled], rtol=1e-14)
    assert_allclose(given[1, ~sampled], (1.0 + 2.0 + 4.0) / 3.0 * nu[~sampled] ** 2, rtol=1e-14)
    # one sample is enough, and where all are sampled nothing is changed
    few = np.array([[np.nan, 8.0, 1.0]])
    run._extend(few, np.array([1.0, 2.0, 30.0]), np.array([True, False, False]))
    assert_allclose(few, [[2.0, 8.0, 1.0]], rtol=1e-14)
    whole = spectra.copy()
    run._extend(whole, nu, np.zeros(nu.size, dtype=bool))
    assert np.array_equal(whole, spectra)


def test_standard_errors_are_those_of_samples():
    """With n − 1: of 1, 2, 3, 6 the sample variance is 14/3, the standard error of the mean √(14/12)."""
    g = np.array([1.0, 2.0, 3.0, 6.0])[:, None]
    found = ensembles._comparison({}, (2.0 * g, g), (g, 0.5 * g), (np.array([4.0]), np.array([1.0])))
    error = np.sqrt(14.0 / 12.0)
    for name, mean, unit in (
        ("conductance", 3.0, 1.0),
        ("ratio", 0.75, 0.25),
        ("specular_fraction", 0.5, 0.0),
        ("transmission", 6.0, 2.0),
        ("specular_transmission", 3.0, 1.0),
    ):
        assert_allclose(found[name], [mean], rtol=1e-14)
        assert_allclose(found[f"{name}_error"], [unit * error], rtol=1e-14, atol=1e-16)
    assert_allclose(found["specular_fraction_abrupt"], [0.25])


def test_like_lattices_fold_alike(rough_silicon):
    assert np.array_equal(
        same_wave_vector(rough_silicon, K), np.broadcast_to(np.eye(4, dtype=bool), (2, 4, 4))
    )


def test_wave_vectors_of_unlike_lattices_are_one_up_to_a_reciprocal_vector_of_either():
    """In Cartesian axes: k_left − k_right has whole scalar products with the vectors of one lattice."""
    lateral = {"left": np.array([[2, 0], [0, 1]]), "right": np.array([[1, 1], [-2, 1]])}
    interface = SimpleNamespace(
        matched=SimpleNamespace(lateral_left=lateral["left"], lateral_right=lateral["right"]),
        folded=lambda side, k: fold(lateral[side], k),
    )
    cells = {side: np.linalg.inv(rows) for side, rows in lateral.items()}  # the common cell is a square
    left, right = (fold(lateral[side], K) @ np.linalg.inv(cells[side]).T for side in ("left", "right"))
    apart = right[:, :, None] - left[:, None]
    whole = [np.abs(apart @ cell.T - np.rint(apart @ cell.T)).max(-1) < 1e-9 for cell in cells.values()]
    found = same_wave_vector(interface, K)
    assert np.array_equal(found, whole[0] | whole[1])
    assert 0 < found.sum() < found.size


def born(interface, spread_of, omega, modes):
    """|t|² (out, in) between right-going waves of a perfect crystal with masses m (1 + ε), first order in ε.

    t = ω² Σ_i ε_i φ'(i)*·φ(i), φ the Bloch waves of unit flux: exp(iG·r) λⁿ u/√N at an atom of layer n.
    """
    fractional = interface.contact.places
    vectors = np.rint(interface.folded("left", np.zeros((1, 2)))[0] @ interface.matched.lateral_left.T)
    count = len(vectors)
    layer = interface.slab.layer - (interface.slab.layer[interface.surfaces[0]].max())
    waves = []
    for g in range(count):
        phase = np.exp(1j * TWO_PI * fractional @ vectors[g]) / np.sqrt(count)
        u = modes.vectors[g].reshape(len(interface.left.atoms), 3, -1)[interface.slab.member]
        waves.append(phase[:, None, None] * modes.bloch_factor[g] ** layer[:, None, None] * u)
    phi = np.stack(waves, axis=2)  # atom, axis, folded, mode
    phi = np.where(modes.propagating, phi, 0.0).reshape(*phi.shape[:2], -1)
    return np.abs(omega**2 * np.einsum("a,aco,aci->oi", spread_of, phi.conj(), phi)) ** 2


def test_weak_mass_disorder_scatters_as_born_says(perfect_silicon):
    """Diffuse transmission by the scattering matrix against first-order perturbation of the Bloch waves."""
    ideal = tile(perfect_silicon, (2, 2))
    spread = 1e-4
    found = realise(ideal, MassDisorder(4, spread), 11)
    change = found.slab.atoms.get_masses() / ideal.slab.atoms.get_masses() - 1.0
    assert np.count_nonzero(change) == 4 * 4
    for nu in (5.0, 8.0):
        omega = TWO_PI * nu
        s = scatter(found.junction(K[:1]), omega)
        t = np.abs(s.transmitted_left[0, 0]) ** 2
        expected = born(ideal, change, omega, _first(s.left.right))
        n = s.left.right.vectors.shape[-1]
        folded = np.arange(len(t)) // n
        diffuse = folded[:, None] != folded[None, :]
        assert expected[diffuse].sum() > 0
        assert t[diffuse].sum() == pytest.approx(expected[diffuse].sum(), rel=0.01)


def _first(waves):
    """Modes of the single point of a batch (1, 1)."""
    return type(waves)(*(getattr(waves, name)[0, 0] for name in waves.__dataclass_fields__))


def test_weak_mass_disorder_scatters_as_its_variance(perfect_silicon):
    """Of long waves, at the folded k∥ of a wide cell."""
    ideal = tile(perfect_silicon, (12, 1))

    def lost(spread):
        found = realise(ideal, MassDisorder(2, spread), 2)
        k = (np.arange(3) + 0.5)[:, None] / 3 * np.array([1.0, 0.0]) + np.array([0.0, 0.01])
        samples = [Window(k, np.full(3, 1 / 3), np.ones(1, dtype=bool))]
        grid = FrequencyGrid(np.array([2.0]), np.ones(1))
        one = sweep(found, grid, samples, common=9.0, measure=SpecularTransmission())
        return float(1.0 - one.specular[0] / one.channels_left[0])

    assert lost(0.2) / lost(0.1) == pytest.approx(4.0, rel=0.1)


def test_weak_mass_disorder_scatters_long_waves_as_the_fourth_power_of_frequency(perfect_silicon):
    """Rayleigh's law, by the mean over seeds of the sum that :func:`born` takes.

    Of random signs only the diagonal stays, ⟨ε_i ε_j⟩ = s² δ_ij, and all waves of all k∥ give for an atom of
    the layer s² ω⁴ Tr S², S = Σ_k∥ u u†, of as many channels as there are.
    """

    def fraction(nu):
        # the mesh grows with the disc of waves, so that it samples them alike
        k, weights = reduced_mesh((8, 8), 0.2 * nu, [np.eye(2, dtype=np.int64)])
        waves = scatter(perfect_silicon.junction(k), TWO_PI * nu).left.right
        u = np.where(waves.propagating[..., None, :], waves.vectors, 0.0)[:, 0]
        u = u.reshape(len(u), -1, 3, u.shape[-1])
        s = np.einsum("k,kacm,kadm->acd", 0.04 * nu**2 * weights, u, u.conj())
        channels = 0.04 * nu**2 * weights @ waves.propagating.sum(axis=(1, 2))
        return (TWO_PI * nu) ** 4 * np.einsum("acd,adc->", s, s).real / channels

    assert fraction(0.8) / fraction(0.4) == pytest.approx(16.0, rel=0.03)


# --- refusals --------------------------------------------------------------------------------------------


def test_disorder_that_makes_no_sense_is_refused_before_any_work(rough_silicon):
    with pytest.raises(InputError, match="cannot hold roughness"):
        ensemble(rough_silicon, Draws(Roughness(2.0, 30.0), 2), [300.0], how=Execution(progress=pytest.fail))


def test_an_ensemble_of_one_has_no_standard_error(rough_silicon):
    with pytest.raises(InputError, match="at least two realisations"):
        ensemble(rough_silicon, Draws(Mixing(Profile.uniform(2)), 1), [300.0])
