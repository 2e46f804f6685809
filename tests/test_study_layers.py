"""Engineered layers: closed forms of the designs, limits of the conductance, lattice beside continuum."""

import numpy as np
import pytest
import xarray as xr
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_allclose

from latmm.agf import transmission
from latmm.checks import failed, loads
from latmm.continuum.combined import Side
from latmm.disorder.kinds import Interlayer
from latmm.disorder.realisation import realise
from latmm.disorder.virtual import graded
from latmm.errors import InputError
from latmm.interface.build import build_interface
from latmm.plotting.studies import layers_figure
from latmm.potentials.calculators import resolve_potential
from latmm.studies.designs import continuum_stack, design, listed, third_material
from latmm.studies.layers import layer_study
from latmm.sweep.refinement import Sampling
from latmm.units import TWO_PI

ARGON = 39.948


@pytest.fixture(scope="module")
def stiff_argon(structure, argon_springs):
    """Argon on atoms that are six times as heavy and bound six times as strongly: the same bands, six times
    the impedance.
    """
    heavy: Atoms = structure("ar")
    heavy.symbols[:] = "Kr"
    heavy.set_masses([6.0 * ARGON] * len(heavy))
    epsilon, sigma = 0.0103, 3.4
    options = {"epsilon.Ar": epsilon, "sigma.Ar": sigma, "epsilon.Kr": 6.0 * epsilon, "sigma.Kr": sigma}
    potential = resolve_potential("lj", ["Ar", "Kr"], {**options, "cutoff": 6.0})
    return build_interface(structure("ar"), heavy, (0, 0, 1), potential)


@pytest.fixture(scope="module")
def study(heavy_silicon):
    designs = [design(kind, 8, heavy_silicon) for kind in ("linear", "exponential", "bridge", "superlattice")]
    return layer_study(heavy_silicon, designs, [100.0, 300.0], kmesh=(3, 3), frequencies=8)


def plane_masses(interface):
    """Mean mass by height."""
    z = interface.slab.atoms.positions[:, 2].round(2)
    return np.array([interface.slab.atoms.get_masses()[z == height].mean() for height in np.unique(z)])


def test_masses_of_the_designs_are_those_of_their_names(heavy_silicon):
    left, right = 28.085, 72.63
    steps = {
        "linear": left + (right - left) * np.arange(1, 5) / 5,
        "exponential": left * (right / left) ** (np.arange(1, 5) / 5),
        "bridge": np.full(4, np.sqrt(left * right)),
        "superlattice": np.array([right] * 4),
    }
    for kind, expected in steps.items():
        masses = plane_masses(graded(heavy_silicon, design(kind, 4, heavy_silicon).content))
        middle = len(masses) // 2
        assert_allclose(masses[middle - 2 : middle + 2], expected, rtol=1e-3)
    assert_allclose(design("linear", 1, heavy_silicon).content.fraction, [0.5])
    turns = design("superlattice", 10, heavy_silicon).content.fraction
    assert_allclose(turns, [1, 1, 1, 1, 0, 0, 0, 0, 1, 1])


def test_the_stack_has_the_density_and_thickness_of_the_lattice(heavy_silicon):
    sides = [Side.from_force_constants(c, "crystal") for c in (heavy_silicon.left, heavy_silicon.right)]
    stack = continuum_stack(design("linear", 3, heavy_silicon).content, heavy_silicon, *sides)
    densities = [sides[0].medium.density, *(x.medium.density for x in stack.layers), sides[1].medium.density]
    assert_allclose(np.diff(densities), np.diff(densities)[0], rtol=1e-9)
    spacing = heavy_silicon.left.atoms.cell.array[2, 2] / 20.0  # two planes a layer, in nm
    assert_allclose([x.thickness for x in stack.layers], spacing, rtol=1e-9)
    turns = continuum_stack(design("superlattice", 5, heavy_silicon).content, heavy_silicon, *sides)
    left, right = (side.medium for side in sides)  # without initial stress as they are
    assert [x.medium for x in turns.layers] == [right] * 4 + [left]
    assert (turns.left, turns.right) == (left, right)


@pytest.mark.slow
def test_no_flat_layer_exceeds_the_limit_that_keeps_the_wave_vector(study):
    models, designs = study["models"].to_dataset(), study["designs"].to_dataset()
    limit = models["transmission"].sel(model="flat-limit").values
    assert np.all(designs["transmission"].values <= limit * (1 + 1e-9))
    assert np.all(models["transmission"].sel(model="agf").values <= limit * (1 + 1e-9))


@pytest.mark.slow
def test_the_limit_of_flat_contacts_is_the_smaller_number_of_channels_at_each_wave_vector(
    study, heavy_silicon
):
    """½ (M_l + M_r − |M_l − M_r|), counted by the scattering matrix, summed over k∥ one by one."""
    at = Sampling.of(heavy_silicon, (3, 3), 8, minimum_temperature=100.0)
    nu = at.grid.frequency
    smaller, left, right = np.zeros((3, nu.size))
    for window in at.samples:
        nodes = np.flatnonzero(window.selected & (nu < at.common))
        for k, weight in zip(window.wave_vectors, window.weights, strict=True):
            found = transmission(heavy_silicon.junction(k[None]), TWO_PI * nu[nodes])
            m, n = (
                weight * 100.0 / heavy_silicon.area * x[0]
                for x in (found.channels_left, found.channels_right)
            )
            smaller[nodes] += 0.5 * (m + n - np.abs(m - n))
            left[nodes] += m
            right[nodes] += n
    sampled = np.any([window.selected for window in at.samples], axis=0)
    assert np.any(smaller[sampled] < 0.999 * np.minimum(left, right)[sampled])
    limit = study["models"]["transmission"].sel(model="flat-limit").values
    assert_allclose(limit[sampled], smaller[sampled], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_long_waves_gain_by_a_layer_what_the_continuum_says_and_more_than_mismatch(heavy_silicon):
    """At 5 K in silicon: two routes, one of waves on a lattice, one of waves in elastic layers."""
    designs = [design("exponential", 10, heavy_silicon), design("bridge", 10, heavy_silicon)]
    found = layer_study(heavy_silicon, designs, [5.0], kmesh=(10, 10), frequencies=20)
    gain = found["designs"]["gain"].values
    assert_allclose(gain, found["designs"]["continuum_gain"], rtol=0.004)
    assert np.all(gain > 1.02)


@pytest.mark.slow
def test_at_room_temperature_the_layers_of_silicon_stay_below_mismatch(study):
    designs = study["designs"].to_dataset().sel(temperature=300.0)
    assert np.all(designs["over_mismatch"] < 1.0)


@pytest.mark.slow
def test_a_graded_layer_beats_both_mismatch_models_where_only_the_impedance_differs(stiff_argon):
    found = layer_study(
        stiff_argon,
        [design("exponential", 8, stiff_argon), design("linear", 8, stiff_argon)],
        [20.0],
        kmesh=(4, 4),
        frequencies=16,
    )
    exponential, linear = found["designs"]["over_mismatch"].values[:, 0]
    assert exponential > 1.6
    assert exponential > linear > 1.4
    g = found["models"]["conductance"].isel(temperature=0)
    # equal bands: diffuse mismatch passes half of all channels
    assert float(g.sel(model="dmm") / g.sel(model="radiation")) == pytest.approx(0.5, abs=0.01)


def test_a_third_material_that_is_the_right_crystal_moves_the_contact(silicon_germanium, stillinger_weber):
    """Germanium in the last two planes of silicon: the contact a primitive layer farther left."""
    moved = realise(silicon_germanium, Interlayer(4, {"Si": ("Ge", 72.63)}), 0, potential=stillinger_weber)
    k, omega = np.array([[0.13, 0.29]]), TWO_PI * np.array([2.0, 5.0])
    found, ideal = (transmission(x.junction(k), omega).transmission for x in (moved, silicon_germanium))
    assert_allclose(found, ideal, rtol=2e-3)


@pytest.mark.slow
def test_each_design_has_the_guards_of_a_contact(perfect_argon):
    """Two planes of krypton in argon: their force, unrelaxed, is that in a crystal of ten planes."""
    potential = resolve_potential("lj", ["Ar", "Kr"], {"cutoff": 6.0})
    found = layer_study(
        perfect_argon,
        [third_material({"Ar": ("Kr", 83.8)}, 2)],
        [20.0],
        potential=potential,
        relax=False,
        kmesh=(1, 1),
        frequencies=2,
    )
    side = (4.0 * perfect_argon.left.atoms.get_volume()) ** (1 / 3)
    cubic = bulk("Ar", "fcc", side, cubic=True) * (2, 2, 5)
    cubic.symbols[np.abs(cubic.positions[:, 2] - 2.25 * side) < 0.3 * side] = "Kr"
    cubic.calc = potential.calculator()
    largest = np.linalg.norm(cubic.get_forces(), axis=1).max()
    check = loads(found.attrs["checks"])["residual_force"]
    assert_allclose(found["designs"]["residual_force"], [largest], rtol=1e-4)
    assert check.value == found["designs"]["residual_force"].values[0] > check.limit
    assert check.where == "Kr, 2 planes"
    assert [one.name for one in failed(loads(found.attrs["checks"]))] == ["residual_force"]


@pytest.mark.slow
def test_a_figure_has_a_panel_for_each_temperature(study):
    figure = layers_figure(study)
    assert [axes.get_title() for axes in figure.axes] == ["(a) 100 K", "(b) 300 K"]
    several = study.copy()
    for name in ("designs", "models"):  # five temperatures: none is left out
        table = study[name].to_dataset().isel(temperature=[0, 1, 0, 1, 0])
        several[name] = xr.DataTree(table.assign_coords(temperature=[10.0, 20.0, 30.0, 40.0, 50.0]))
    drawn = [axes.get_title() for axes in layers_figure(several).axes if axes.axison]
    assert drawn == ["(a) 10 K", "(b) 20 K", "(c) 30 K", "(d) 40 K", "(e) 50 K"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ideal: design("cubic", 4, ideal), "unknown profile 'cubic'"),
        (lambda ideal: design("linear", 0, ideal), "positive number of atomic planes"),
        (lambda ideal: listed([]), "at least one fraction"),
        (lambda ideal: layer_study(ideal, [], [300.0]), "at least one design"),
        (
            lambda ideal: layer_study(ideal, [third_material({"Si": ("Ge", 72.63)}, 2)], [300.0]),
            "third material needs a potential",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(heavy_silicon, call, message):
    with pytest.raises(InputError, match=message):
        call(heavy_silicon)
