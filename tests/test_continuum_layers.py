"""Layers between half spaces: identities of stacks, quarter waves, superlattices, grading."""

import numpy as np
import pytest
from continuum_systems import ALUMINIUM, COPPER, HELIUM, SAPPHIRE, SILICON, gauss_grid

from latmm.continuum.amm import acoustic_mismatch_isotropic, transmissivity
from latmm.continuum.boundary import spring_compliance
from latmm.continuum.grading import best_matching_layer, graded_layers, intermediate, linear_impedance
from latmm.continuum.layers import Layer, Stack, acoustic_mismatch_stack, stack_transmissivity
from latmm.continuum.library import medium
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.errors import InputError
from latmm.landauer import conductance

SLOWNESS = np.random.default_rng(0).uniform(-0.12, 0.12, (60, 2))
FREQUENCY = np.array([0.1, 1.0, 5.0])
NORMAL = np.zeros((1, 2))


def total(stack: Stack) -> np.ndarray:
    return stack_transmissivity(stack, SLOWNESS, FREQUENCY).sum(axis=(-2, -1))


def test_layers_of_no_thickness_or_of_the_same_medium_change_nothing() -> None:
    bare = transmissivity(ALUMINIUM, SILICON, SLOWNESS).sum(axis=(-2, -1))
    for layers in (
        (),
        (Layer(COPPER, 0.0),),
        (Layer(ALUMINIUM, 3.0),),
        (Layer(ALUMINIUM, 3.0), Layer(SILICON, 40.0)),
        (Layer(SAPPHIRE, 0.0), Layer(SILICON, 2.0)),
    ):
        np.testing.assert_allclose(
            total(Stack(ALUMINIUM, SILICON, layers)), np.tile(bare, (3, 1)), atol=1e-11
        )


def test_anisotropic_stack_of_one_crystal_is_transparent() -> None:
    crystal = medium("cu").rotated(rotation_to_normal([1, 2, 3]))
    stack = Stack(crystal, crystal, (Layer(crystal, 2.0), Layer(crystal, 30.0)))
    propagating = transmissivity(crystal, crystal, SLOWNESS).sum(axis=(-2, -1))
    np.testing.assert_allclose(total(stack), np.tile(propagating, (3, 1)), atol=1e-10)
    assert np.all(np.abs(propagating - np.rint(propagating)) < 1e-10)


def test_quarter_wave_layer_transmits_fully_at_its_frequency() -> None:
    left, right = Medium.isotropic(2.0, 4.0, 2.0), Medium.isotropic(8.0, 9.0, 4.0)
    layer = Medium.isotropic(4.0, 6.0, 3.0)  # 24² = 8 · 72
    stack = Stack(left, right, (Layer(layer, 6.0 / 4.0),))
    tau = stack_transmissivity(stack, NORMAL, [1.0, 0.5, 3.0])[:, 0, 2, 2]
    assert tau[0] == pytest.approx(1.0, abs=1e-12)
    assert tau[2] == pytest.approx(1.0, abs=1e-12)
    # half a quarter wave: T = 4 Z₁Z₃/[(Z₁+Z₃)² cos² + (Z₂ + Z₁Z₃/Z₂)² sin²]
    assert tau[1] == pytest.approx(4 * 8 * 72 / (0.5 * 80**2 + 0.5 * (24 + 24) ** 2), rel=1e-12)


def test_thick_layer_averaged_over_its_phase_adds_resistances() -> None:
    """1/T = 1/T₁ + 1/T₂ − 1 at normal incidence."""
    thickness, speed = 5.0, SAPPHIRE.speeds.longitudinal
    nu = (np.arange(400) + 0.5) / 400 * speed / (2 * thickness)
    stack = Stack(ALUMINIUM, SILICON, (Layer(SAPPHIRE, thickness),))
    mean = stack_transmissivity(stack, NORMAL, nu)[:, 0, 2, 2].mean()
    first, second = (transmissivity(a, SAPPHIRE, NORMAL)[0, 2, 2] for a in (ALUMINIUM, SILICON))
    assert 1 / mean == pytest.approx(1 / first + 1 / second - 1, rel=1e-10)


def test_thick_evanescent_layers_stay_finite() -> None:
    """Beyond the critical angle of a thick stiff layer nothing passes, and nothing overflows."""
    s = np.array([[0.2, 0.1]])
    stack = Stack(ALUMINIUM, COPPER, (Layer(SILICON, 1e4),))
    tau = stack_transmissivity(stack, s, [1.0])
    assert np.all(np.isfinite(tau))
    assert tau.sum() < 1e-100
    thin = stack_transmissivity(Stack(ALUMINIUM, COPPER, (Layer(SILICON, 1e-6),)), s, [1.0]).sum()
    assert thin == pytest.approx(transmissivity(ALUMINIUM, COPPER, s).sum(), rel=1e-4)


def test_stack_transmits_alike_from_both_ends() -> None:
    layers = (Layer(SAPPHIRE, 1.0), Layer(HELIUM, 0.01), Layer(COPPER, 2.0))
    there = stack_transmissivity(Stack(ALUMINIUM, SILICON, layers), SLOWNESS, FREQUENCY)
    back = stack_transmissivity(Stack(SILICON, ALUMINIUM, layers[::-1]), SLOWNESS, FREQUENCY)
    np.testing.assert_allclose(there.sum(axis=(-2, -1)), back.sum(axis=(-2, -1)), atol=1e-10)


def test_superlattice_stops_waves_at_its_bragg_frequency() -> None:
    """The stop band of quarter-wave pairs closes as (Z₁/Z₂)^2N: T = 4/(r + 1/r)², r the amplitude ratio."""
    d1, d2 = SILICON.speeds.longitudinal / 4.0, ALUMINIUM.speeds.longitudinal / 4.0
    pairs = 6
    layers = (Layer(ALUMINIUM, d2), Layer(SILICON, d1)) * pairs
    tau = stack_transmissivity(Stack(SILICON, SILICON, layers), NORMAL, [1.0, 0.5])[:, 0, 2, 2]
    ratio = (2.33 * 9.0 / (2.7 * 6.42)) ** (2 * pairs)
    assert tau[0] == pytest.approx(4 / (np.sqrt(ratio) + 1 / np.sqrt(ratio)) ** 2, rel=1e-9)
    assert tau[1] > 10 * tau[0] or tau[1] > 0.5


def test_spectrum_of_an_empty_stack_is_the_half_spaces() -> None:
    grid = gauss_grid(10.0, 30)
    left = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
    right = Medium.isotropic(2.33, 9.0, 5.4, cell_density=25.0)
    table = acoustic_mismatch_stack(Stack(left, right), grid)
    np.testing.assert_allclose(
        table.transmission, acoustic_mismatch_isotropic(left, right, grid).transmission, rtol=1e-9, atol=1e-12
    )


def test_error_of_a_stack_is_what_half_as_many_nodes_change() -> None:
    stack = Stack(ALUMINIUM, SILICON, (Layer(ALUMINIUM, 2.0),))
    fine, coarse = (acoustic_mismatch_stack(stack, gauss_grid(6.0, 4), azimuths=n, nodes=n) for n in (8, 4))
    for name in ("transmission", "channels_left", "channels_right"):
        np.testing.assert_allclose(fine[f"{name}_error"], np.abs(fine[name] - coarse[name]) / fine[name])


def test_spring_bond_is_welded_for_long_waves_and_closed_for_short_ones() -> None:
    """Beyond the longitudinal critical angle a spring may help at first: the change is linear in ω."""
    grid = gauss_grid(6.0, 30)
    welded = acoustic_mismatch_stack(Stack(ALUMINIUM, SILICON), grid).transmission.values
    bonded = acoustic_mismatch_stack(
        Stack(ALUMINIUM, SILICON, compliance=spring_compliance(10.0)), grid
    ).transmission.values
    ratio = bonded / welded
    assert ratio[0] == pytest.approx(1.0, abs=0.006)
    assert np.all(np.diff(ratio) < 0)
    assert ratio[-1] < 0.05


def test_springs_are_the_limit_of_a_thin_soft_layer() -> None:
    """Normal stiffness ρc_l²/d, shear stiffness ρc_t²/d; beyond the critical angle the sign of ω counts."""
    thickness = 1e-4
    soft = Medium.isotropic(1e-3, np.sqrt(20.0 * thickness / 1e-3), np.sqrt(8.0 * thickness / 1e-3))
    s = np.array([[0.0, 0.0], [0.08, 0.05], [0.12, 0.11], [0.17, 0.02]])
    nu = np.array([0.2, 1.0])
    layer = stack_transmissivity(Stack(ALUMINIUM, SILICON, (Layer(soft, thickness),)), s, nu)
    compliance = spring_compliance(np.diag([8.0, 8.0, 20.0]))
    spring = stack_transmissivity(Stack(ALUMINIUM, SILICON, compliance=compliance), s, nu)
    np.testing.assert_allclose(spring.sum(axis=(-2, -1)), layer.sum(axis=(-2, -1)), atol=1e-4)


def test_thick_graded_layer_transmits_short_waves() -> None:
    left, right = Medium.isotropic(2.0, 5.0, 2.9), Medium.isotropic(12.0, 8.0, 4.6)
    bare = transmissivity(left, right, NORMAL)[0, 2, 2]
    for profile in (None, linear_impedance(left, right)):
        layers = graded_layers(left, right, 10.0, 60, profile)
        tau = stack_transmissivity(Stack(left, right, layers), NORMAL, [0.001, 3.0])[:, 0, 2, 2]
        assert tau[0] == pytest.approx(bare, rel=1e-3)
        assert tau[1] > 0.99


def test_linear_profile_is_linear_in_impedance() -> None:
    left, right = Medium.isotropic(2.0, 5.0, 2.9), Medium.isotropic(12.0, 8.0, 4.64)
    layers = graded_layers(left, right, 10.0, 20, linear_impedance(left, right))
    z = np.array([np.sqrt(layer.medium.density * layer.medium.stiffness[2, 2]) for layer in layers])
    np.testing.assert_allclose(np.diff(z, 2), 0.0, atol=1e-9)


def test_geometric_path_is_independent_of_the_axes() -> None:
    turn = rotation_to_normal([1, 2, 3])
    left, right = medium("cu"), medium("sapphire")
    direct = intermediate(left, right, 0.3).rotated(turn)
    turned = intermediate(left.rotated(turn), right.rotated(turn), 0.3)
    np.testing.assert_allclose(turned.stiffness, direct.stiffness, atol=1e-8)


def test_geometric_path_begins_and_ends_with_its_media() -> None:
    left, right = medium("cu"), medium("sapphire")
    for fraction, end in ((0.0, left), (1.0, right)):
        found = intermediate(left, right, fraction)
        np.testing.assert_allclose(found.stiffness, end.stiffness, atol=1e-9)
        assert found.density == pytest.approx(end.density, rel=1e-12)


@pytest.mark.slow
def test_best_matching_layer_has_the_geometric_mean_impedance_and_scales_with_wavelength() -> None:
    left, right = Medium.isotropic(2.0, 5.0, 2.9), Medium.isotropic(12.0, 8.0, 4.64)
    cold, warm = best_matching_layer(left, right, 10.0), best_matching_layer(left, right, 20.0)
    middle = cold.thicknesses.size // 2  # the best one is among the thicknesses shown, and the best of them
    assert cold.thicknesses[middle] == pytest.approx(cold.layer.thickness, rel=1e-12)
    assert cold.conductances[middle] == pytest.approx(cold.conductance, rel=1e-12)
    assert cold.conductances.argmax() == middle
    assert cold.conductances.min() > cold.bare_conductance
    assert cold.conductance > 1.5 * cold.bare_conductance
    assert cold.fraction == pytest.approx(0.5, abs=0.05)
    assert cold.layer.thickness == pytest.approx(2 * warm.layer.thickness, rel=2e-2)
    # nothing near it is better
    grid = gauss_grid(20 * 10.0 * 0.0208366, 40)
    for factor in (0.8, 1.25):
        other = Stack(left, right, (Layer(cold.layer.medium, factor * cold.layer.thickness),))
        g = conductance(grid, acoustic_mismatch_stack(other, grid, nodes=8).transmission, 10.0)[0]
        assert g < cold.conductance


def test_impossible_layers_are_refused() -> None:
    with pytest.raises(InputError, match="thickness"):
        Layer(SILICON, -1.0)
    with pytest.raises(InputError, match="solids"):
        intermediate(HELIUM, SILICON, 0.5)
    with pytest.raises(InputError, match="at least one layer"):
        graded_layers(SILICON, ALUMINIUM, 1.0, 0)
