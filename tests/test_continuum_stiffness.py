"""Stiffness from force constants against closed forms and the slope of the dispersion."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from continuum_systems import diamond_springs, fcc_springs, spring_crystal

from latmm.continuum.media import Medium, rotation_to_normal
from latmm.errors import InputError
from latmm.lattice.dynamics import phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.stiffness import elasticity, slope_error, stiffness_tensor
from latmm.units import EV_PER_A3

DIRECTIONS = np.array([[1, 0, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 2, 3], [3, -1, 2]], float)
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1)[:, None]


def slopes(force_constants: ForceConstants, step: float = 2e-3) -> np.ndarray:
    """Acoustic ω/k at small k (Å⁻¹) along DIRECTIONS, km/s."""
    q = step * DIRECTIONS @ force_constants.atoms.cell.array.T / (2 * np.pi)
    return phonons(force_constants, q).frequency[:, :3] * 2 * np.pi / step * 0.1


def prestressed(force_constants: ForceConstants, tension: float) -> ForceConstants:
    """Put the fcc bonds of the xy plane under ``tension``, force over length in eV Å⁻²."""
    values = force_constants.values.copy()
    r = force_constants.vectors
    length = np.linalg.norm(r, axis=-1)
    near = (length > 0.1) & (length < 1.2 * np.min(length[length > 0.1])) & (np.abs(r[..., 2]) < 1e-6)
    unit = r / np.where(length > 0, length, 1.0)[..., None]
    values[near] -= tension * (np.eye(3) - unit[near][:, :, None] * unit[near][:, None, :])
    return ForceConstants(force_constants.atoms, force_constants.cells, values).with_sum_rule()


def test_nearest_neighbour_fcc_has_its_closed_form_stiffness() -> None:
    a, k = 4.0, 2.0
    result = elasticity(fcc_springs(a, k))
    expected = np.diag([2.0, 2, 2, 1, 1, 1])
    expected[:3, :3] += 1.0 - np.eye(3)
    np.testing.assert_allclose(result.stiffness, expected * k / a * EV_PER_A3, atol=1e-10)
    np.testing.assert_allclose(result.stress, 0.0, atol=1e-10)
    assert result.residual < 1e-12


def test_internal_relaxation_gives_the_slopes_of_the_dispersion() -> None:
    crystal = diamond_springs()
    medium = Medium.from_force_constants(crystal)
    np.testing.assert_allclose(medium.christoffel(DIRECTIONS)[0], slopes(crystal), rtol=3e-6)
    # Keating-like closed form with central springs only: without relaxation C44 would be 14 % stiffer
    clamped = -0.5 * np.einsum(
        "rijab,rijc,rijd->abcd", crystal.values, crystal.vectors, crystal.vectors, optimize=True
    )
    c44_clamped = clamped[1, 1, 2, 2] * EV_PER_A3 / crystal.volume
    assert c44_clamped > 1.1 * medium.stiffness[3, 3]


def test_slope_error_sees_a_wrong_stiffness() -> None:
    crystal = diamond_springs()
    right = elasticity(crystal)
    assert slope_error(crystal, right) < 1e-5
    assert slope_error(crystal, replace(right, stiffness=1.02 * right.stiffness)) == pytest.approx(
        0.01, rel=0.02
    )


def test_crystal_under_in_plane_tension_keeps_its_slopes() -> None:
    crystal = prestressed(fcc_springs(), 0.06)
    medium = Medium.from_force_constants(crystal)
    # virial of four bonds a/√2 in the plane: σ_xx = (1/2V) Σ f x²/r² r = (1/2V) · 4 · tension · x²
    x2 = 2.0**2
    expected = 0.5 * 4 * 0.06 * x2 / crystal.volume * EV_PER_A3
    np.testing.assert_allclose(np.diag(medium.stress), [expected, expected, 0.0], atol=1e-9)
    np.testing.assert_allclose(medium.christoffel(DIRECTIONS)[0], slopes(crystal), rtol=3e-6)


def test_rotating_the_crystal_rotates_its_stiffness() -> None:
    turn = rotation_to_normal([1, 1, 1])
    crystal = diamond_springs()
    atoms = crystal.atoms.copy()
    atoms.set_cell(atoms.cell.array @ turn.T, scale_atoms=True)
    turned = ForceConstants(
        atoms, crystal.cells, np.einsum("ac,bd,rijcd->rijab", turn, turn, crystal.values, optimize=True)
    )
    medium, expected = Medium.from_force_constants(turned), Medium.from_force_constants(crystal).rotated(turn)
    np.testing.assert_allclose(medium.stiffness, expected.stiffness, atol=1e-9)


def test_isotropic_average_of_a_cubic_crystal_is_hills() -> None:
    c11, c12, c44 = 165.7, 63.9, 79.6
    stiffness = np.diag([c11, c11, c11, c44, c44, c44]) + 0.0
    stiffness[:3, :3] += c12 * (1 - np.eye(3))
    average = Medium(2.329, stiffness).isotropic_average()
    voigt = (c11 - c12 + 3 * c44) / 5
    reuss = 5 * (c11 - c12) * c44 / (4 * c44 + 3 * (c11 - c12))
    shear = 0.5 * (voigt + reuss)
    bulk_modulus = (c11 + 2 * c12) / 3
    longitudinal, transverse = average.speeds
    assert transverse == pytest.approx(np.sqrt(shear / 2.329), rel=1e-12)
    assert longitudinal == pytest.approx(np.sqrt((bulk_modulus + 4 * shear / 3) / 2.329), rel=1e-12)


def test_average_of_an_isotropic_medium_is_itself() -> None:
    medium = Medium.isotropic(2.33, 9.0, 5.4)
    np.testing.assert_allclose(medium.isotropic_average().speeds, (9.0, 5.4), rtol=1e-12)
    np.testing.assert_allclose(medium.christoffel([0.6, 0.0, 0.8])[0], [5.4, 5.4, 9.0], rtol=1e-12)


def test_tensor_has_every_voigt_symmetry() -> None:
    c = np.arange(36.0).reshape(6, 6)
    t = stiffness_tensor(c + c.T)
    np.testing.assert_array_equal(t, t.transpose(1, 0, 2, 3))
    np.testing.assert_array_equal(t, t.transpose(2, 3, 0, 1))
    assert t[1, 2, 0, 1] == (c + c.T)[3, 5]


def test_floppy_or_noninvariant_crystals_are_refused() -> None:
    floppy = bulk("Si", a=5.4)
    with pytest.raises(InputError, match="restoring force"):
        elasticity(spring_crystal(floppy, [(5.4 / np.sqrt(2), 1.0)]))
    crystal = fcc_springs()
    values = crystal.values.copy()
    pairs = (np.linalg.norm(crystal.vectors, axis=-1) > 0.1) & (np.abs(crystal.vectors[..., 2]) < 0.1)
    values[pairs] -= 0.3 * np.diag([1.0, 0.0, 0.0])
    broken = ForceConstants(crystal.atoms, crystal.cells, values).with_sum_rule()
    with pytest.raises(InputError, match="rotational invariance"):
        elasticity(broken)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": -1.0}, "density"),
        ({"stiffness": np.eye(3)}, "\\(6, 6\\)"),
        ({"stiffness": -np.eye(6)}, "unstable"),
        ({"stiffness": np.triu(np.ones((6, 6)))}, "symmetric"),
        ({"cell_density": 0.0}, "cell density"),
    ],
)
def test_impossible_media_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Medium(**{"density": 1.0, "stiffness": np.eye(6), **change})  # type: ignore[arg-type]


def test_speeds_of_negative_bulk_modulus_are_refused() -> None:
    with pytest.raises(InputError, match="4/3"):
        Medium.isotropic(1.0, 1.0, 1.0)
