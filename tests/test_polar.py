"""Contacts of polar crystals: nothing is reflected where nothing changes, images are exact, S is unitary."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from polar_systems import oblique, rocksalt, stored, wurtzite

from latmm.agf import Junction, Lead, lead_modes, transmission
from latmm.errors import InputError
from latmm.interface.mixing import mix_interface
from latmm.interface.polar_leads import polar_blocks, unit_of
from latmm.interface.superlattice import superlattice_interface
from latmm.lattice.dipole_layers import DipoleLayers, Planes, Sites
from latmm.lattice.phonopy_files import read_phonopy
from latmm.units import EV_PER_A2_AMU, TWO_PI
from latmm_cli.main import cli

pytestmark = pytest.mark.slow

Z = ((0, 0, 1), (0, 0, 1))
K = np.array([[0.0, 0.0], [1e-4, 0.0], [0.02, 0.01], [0.1, 0.05], [0.35, 0.1], [0.5, 0.5]])
OMEGA = TWO_PI * np.concatenate([[0.3, 1.0], np.random.default_rng(1).uniform(2.0, 24.0, 25)])


@pytest.fixture(scope="module")
def crystals(tmp_path_factory):
    return {
        make.__name__: read_phonopy(stored(make(), tmp_path_factory.mktemp("polar")), nac=True).constants
        for make in (rocksalt, wurtzite, oblique)
    }


def heavier(crystal, factor, number=None):
    masses = crystal.atoms.get_masses()
    chosen = crystal.atoms.numbers == (crystal.atoms.numbers[0] if number is None else number)
    return crystal.with_masses(np.where(chosen, factor * masses, masses))


def other_dielectric(crystal, factor):
    """The same phonons: Z²/ε stays, and Gaussians of the same width."""
    dipoles = crystal.dipoles
    return replace(
        crystal,
        dipoles=replace(
            dipoles,
            charges=dipoles.charges * np.sqrt(factor),
            dielectric=dipoles.dielectric * factor,
            screening=dipoles.screening * np.sqrt(factor),
        ),
    )


@pytest.mark.parametrize("name", ["rocksalt", "wurtzite", "oblique"])
def test_crystal_with_itself_reflects_nothing(crystals, name):
    crystal = crystals[name]
    interface = mix_interface(crystal, crystal, Z)
    assert all(check.passed for check in interface.checks.values() if "cut" not in check.name)
    found = transmission(interface.junction(K), OMEGA[None])
    np.testing.assert_allclose(found.transmission, found.channels_left, atol=1e-9)
    assert found.unitarity.max() < 1e-9
    assert (found.channels_left[0] > 0).any()


def test_bloch_factors_of_phonon_frequencies_lie_on_the_circle(crystals):
    """Frequencies of D(q) with the non-analytic term, and the modes found at them."""
    crystal = mix_interface(crystals["rocksalt"], crystals["rocksalt"], Z).left
    principal = 4
    blocks = polar_blocks(crystal, K, principal)
    s, theta = EV_PER_A2_AMU, 1.3
    q = crystal.in_plane(K)
    q[:, 2] += theta / (TWO_PI * principal)
    omega = np.sqrt(np.linalg.eigvalsh(crystal.dynamical_matrix(q)) * s)
    lead = Lead(blocks.onsite[:, None] * s, blocks.hopping[:, None] * s, massless=1)
    modes = lead_modes(lead, omega)
    factors = np.concatenate([modes.right.bloch_factor, modes.left.bloch_factor], axis=-1)
    apart = np.abs(factors - np.exp(1j * theta)).min(axis=-1)
    assert apart[:4].max() < 1e-6  # at the zone's corner one potential leaves 1e-4 of the frequencies
    assert not modes.retried.any()


def test_wave_vectors_of_any_zone_give_the_same(crystals):
    interface = mix_interface(crystals["wurtzite"], heavier(crystals["wurtzite"], 2.58), Z)
    k = np.array([[0.2, 0.1], [0.45, -0.3]])
    first = transmission(interface.junction(k), OMEGA[None])
    second = transmission(interface.junction(k + np.array([[1, 0], [-2, 1]])), OMEGA[None])
    np.testing.assert_allclose(first.transmission, second.transmission, atol=1e-9)
    assert first.unitarity.max() < 1e-9


def test_mass_step_agrees_with_thick_layers_without_potentials(crystals):
    """A second route: 22 layers that hold all dipoles within their reach, coupled to the next 22."""
    light = crystals["rocksalt"]
    interface = mix_interface(light, heavier(light, 3.0), Z)
    crystal, n, thick = interface.left, len(light.atoms), 22
    k = np.array([[0.25, 0.1]])
    layers = DipoleLayers(crystal.dipoles)
    short, smeared = crystal.layer_blocks(k), layers.smeared(k, 2 * thick - 1)

    def lead(masses):
        root = np.repeat(np.sqrt(masses / crystal.atoms.get_masses()), 3)
        whole = np.repeat(np.sqrt(masses), 3)
        onsite, hopping = (np.zeros((3 * n * thick, 3 * n * thick), dtype=complex) for _ in range(2))
        drift = np.zeros((n, 3, n, 3))
        drift[range(n), :, range(n), :] = crystal.dipoles.drift
        for i in range(thick):
            for j in range(thick):
                place = np.s_[3 * n * i : 3 * n * (i + 1), 3 * n * j : 3 * n * (j + 1)]
                for block, step in ((onsite, j - i), (hopping, thick + j - i)):
                    full = smeared[2 * thick - 1 + step, 0].reshape(3 * n, 3 * n)
                    full = full - (drift.reshape(3 * n, 3 * n) if step == 0 else 0.0)
                    block[place] = full / (whole[:, None] * whole)
                    if abs(step) <= len(short) // 2:
                        block[place] += short[len(short) // 2 + step, 0] / (root[:, None] * root)
        return Lead(0.5 * (onsite + onsite.conj().T) * EV_PER_A2_AMU, hopping * EV_PER_A2_AMU)

    first, second = lead(light.atoms.get_masses()), lead(interface.right.atoms.get_masses())
    ratio = np.tile(
        np.repeat(np.sqrt(light.atoms.get_masses() / interface.right.atoms.get_masses()), 3), thick
    )
    omega = TWO_PI * np.array([5.0, 8.0, 11.5, 16.0])
    plain = transmission(Junction(first, second, (), (first.hopping * ratio,)), omega)
    found = transmission(interface.junction(k), omega[None])
    assert (plain.transmission > 0.1).any()
    np.testing.assert_allclose(found.transmission[0], plain.transmission, atol=2e-4)


@pytest.mark.parametrize("factor", [1.5, 3.0])
def test_other_dielectric_tensor_leaves_long_waves_alone(crystals, factor):
    """Same phonons on both sides: sound crosses without loss, at k∥ = 0 and next to it."""
    crystal = crystals["rocksalt"]
    interface = mix_interface(crystal, other_dielectric(crystal, factor), Z)
    found = transmission(interface.junction(K[:3]), TWO_PI * np.array([[0.05, 0.3]]))
    np.testing.assert_array_equal(found.channels_left[:2], 3)
    np.testing.assert_allclose(found.transmission, found.channels_left, atol=1e-6)
    optical = transmission(interface.junction(K[3:4]), OMEGA[None])
    assert np.abs(optical.transmission - optical.channels_left).max() > 1e-2
    assert optical.unitarity.max() < 1e-9


def test_potentials_of_two_media_have_their_images(crystals):
    """Green's function of planes in two media: closed form with image charges on either side."""
    first, second = DipoleLayers(crystals["rocksalt"].dipoles), DipoleLayers(crystals["wurtzite"].dipoles)
    p = np.array([[0.4, 0.0]])
    k = [p @ np.linalg.inv(m.reciprocal) for m in (first, second)]
    none = np.zeros(2, dtype=int)
    waves = [
        m.wave(x, none, home=np.zeros((1, 2), dtype=int)) for m, x in zip((first, second), k, strict=True)
    ]
    heights = np.array([-5.0, -2.0, 0.0, 3.0, 4.5])
    h = np.zeros((5, 5), dtype=complex)
    for a, (medium, wave) in enumerate([(first, waves[0])] * 2 + [(second, waves[1])] * 2):
        own, link = medium.element(wave, heights[a + 1] - heights[a])
        h[a, a] += own[0]
        h[a + 1, a + 1] += own[0]
        h[a, a + 1] += link[0]
        h[a + 1, a] += link[0].conj()
    h[0, 0] += first.half_space(waves[0], 1.0)[0]
    h[4, 4] += second.half_space(waves[1], 1.0)[0]
    green = -np.linalg.inv(h)
    (one,), (two,) = (w.decay for w in waves)
    left, right = first.normal * one, second.normal * two
    image = (left - right) / (left + right)
    for a, b in ((0, 0), (0, 1), (1, 2)):
        same = np.exp(-one * abs(heights[a] - heights[b])) + image * np.exp(one * (heights[a] + heights[b]))
        assert green[a, b] == pytest.approx(same / (2.0 * left), rel=1e-12)
    through = np.exp(one * heights[1] - two * heights[3]) / (left + right)
    assert green[1, 3] == pytest.approx(through, rel=1e-12)


def test_potentials_carry_greens_function_between_elements(crystals):
    """Between different elements the dipoles' field is exact, wherever the planes are."""
    medium = DipoleLayers(crystals["oblique"].dipoles)
    wave = medium.wave(np.array([[0.2, -0.1]]), np.zeros(2, dtype=int))
    rows, columns = Sites.stacked(2, 1), Sites.stacked(2, 1, first=3)
    found = [
        medium.mediated(wave, rows, columns, Planes(np.array(heights)))
        for heights in ([-3.0, 5.0, 30.0], [-9.0, 4.0, 9.0, 10.5, 22.0])
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-12 * np.abs(found[0]).max())


@pytest.mark.parametrize("name", ["rocksalt", "wurtzite", "oblique"])
def test_scattering_is_unitary_at_random_points(crystals, name):
    crystal = crystals[name]
    interface = mix_interface(crystal, other_dielectric(heavier(crystal, 2.0), 1.2), Z)
    rng = np.random.default_rng(7)
    k = rng.uniform(-0.5, 0.5, (25, 2)) * np.geomspace(1e-4, 1.0, 25)[:, None]
    found = transmission(interface.junction(k), TWO_PI * rng.uniform(0.1, 26.0, (25, 40)))
    assert found.unitarity.max() < 1e-8
    assert np.abs(found.transmission - found.caroli).max() < 1e-8
    assert np.all(found.transmission <= np.minimum(found.channels_left, found.channels_right) + 1e-8)


def test_laid_on_another_lattice_like_potentials_meet_without_reflection(crystals):
    """A crystal 2 % smaller whose D(q) and potentials are the same at equal fractional k∥: all passes."""
    crystal, scale = crystals["rocksalt"], 0.98
    atoms = crystal.atoms.copy()
    atoms.set_cell(scale * atoms.cell.array, scale_atoms=True)
    dipoles = crystal.dipoles
    small = replace(
        crystal,
        atoms=atoms,
        dipoles=replace(
            dipoles,
            cell=scale * dipoles.cell,
            positions=scale * dipoles.positions,
            charges=scale * dipoles.charges,
            dielectric=dipoles.dielectric / scale,
            screening=dipoles.screening * scale**-1.5,
        ),
    )
    interface = mix_interface(crystal, small, Z)
    assert interface.checks["dispersion_right"].passed
    assert interface.matched.strain_right[0, 0] == pytest.approx(1 / scale - 1, rel=1e-6)
    found = transmission(interface.junction(K), OMEGA[None])
    np.testing.assert_allclose(found.transmission, found.channels_left, atol=1e-9)


def test_long_waves_cross_between_unlike_ions_by_their_impedances(crystals, tmp_path):
    """Charges differ, so do forces across the contact: the sum rule holds, and sound obeys Fresnel's law."""
    other = read_phonopy(stored(rocksalt(charge=1.3), tmp_path), nac=True).constants
    interface = mix_interface(crystals["rocksalt"], other, Z)
    assert np.abs(interface.polar.sums - interface.polar.media[0].dipoles.drift[0]).max() > 1e-3
    found = transmission(interface.junction(K[:1]), TWO_PI * np.array([[0.01]]))
    q = np.array([[0.0, 0.0, 1e-3]])
    speeds = np.array(
        [np.sqrt(np.linalg.eigvalsh(c.dynamical_matrix(q))[0, :3]) for c in (interface.left, interface.right)]
    )
    impedance = speeds * [[interface.left.density], [interface.right.density]]
    expected = (4.0 * impedance[0] * impedance[1] / impedance.sum(axis=0) ** 2).sum()
    assert expected < 2.999
    assert found.transmission[0, 0] == pytest.approx(expected, abs=1e-4)


def test_gauge_is_that_of_the_atoms_on_either_side(crystals, tmp_path):
    """Crystals whose atoms stand at different places of the cell: T(k∥ + G∥) = T(k∥)."""
    other = read_phonopy(stored(oblique((0.54, 0.45, 0.5)), tmp_path), nac=True).constants
    interface = mix_interface(crystals["oblique"], other, Z)
    k = np.array([[0.2, 0.1], [0.05, -0.03]])
    first = transmission(interface.junction(k), OMEGA[None])
    second = transmission(interface.junction(k + np.array([[1, 0], [-2, 1]])), OMEGA[None])
    assert (first.transmission > 0.1).any()
    np.testing.assert_allclose(first.transmission, second.transmission, atol=1e-8)


def test_what_is_not_treated_is_refused(crystals, tmp_path):
    crystal = crystals["rocksalt"]
    plain = read_phonopy(stored(rocksalt(), tmp_path)).constants
    with pytest.raises(InputError, match="one crystal has Born charges and the other has none"):
        mix_interface(crystal, plain, Z)
    with pytest.raises(InputError, match="one primitive in-plane cell"):
        mix_interface(crystal, crystal, Z, lateral=(2, 1))
    with pytest.raises(InputError, match="joined without dipoles"):
        superlattice_interface(crystal, crystal, crystal, Z)
    with pytest.raises(InputError, match="has no dipoles"):
        unit_of(plain, 2)


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=True)


@pytest.mark.slow
def test_command_line_takes_dipoles_where_they_are_treated(tmp_path):
    """A dry run reads, builds and says; other commands and other inputs refuse."""
    path = stored(rocksalt(), tmp_path)
    quick = ["--kmesh", "1", "1", "--frequencies", "2", "--model", "agf", "--dry-run"]
    left_out = run("compare", path, path, *quick)
    assert left_out.exit_code == 0, left_out.output
    assert "LO-TO splitting near the zone centre, are left out" in left_out.stderr
    done = run("compare", path, path, *quick, "--nac")
    assert done.exit_code == 0, done.output
    assert "with the dipoles of Born charges" in done.stderr
    assert "left out" not in done.stderr
    for arguments, text in (
        (["modes", path, path, "--nac", "-o", tmp_path / "m.nc"], "--nac is for latmm compare and converge"),
        (["compare", path, path, "--nac", "--region-phonopy", path], "leave --region-phonopy or --nac out"),
        (["compare", "si.cif", "si.cif", "--nac"], "--nac is for two phonopy calculations"),
        (["compare", path, path, "--nac-both", "--mixing", "all"], "leave --mixing all out"),
        (["compare", path, path, "--nac-both", "--also", path, path], "leave --also out"),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2, refused.output
        assert text in " ".join(refused.stderr.split())


@pytest.mark.slow
def test_conductance_changes_by_the_dipoles(tmp_path):
    """The whole command: the field lifts optical branches, and the checks hold."""
    path = stored(rocksalt(), tmp_path)
    quick = [
        "--kmesh",
        "2",
        "2",
        "--frequencies",
        "8",
        "--model",
        "agf",
        "--right-mass",
        "Mg=72.9",
        "--json",
    ]
    both = run("compare", path, path, *quick, "--nac-both", "-o", tmp_path / "both.nc")
    found, without = json.loads(both.stdout), json.loads(run("compare", path, path, *quick).stdout)
    g, plain = (one["conductance"]["agf"][0] for one in (found, without))
    assert 1e-3 < abs(g / plain - 1.0) < 0.2
    assert found["conductance_dipole_change"]["agf"][0] == pytest.approx(g - plain, rel=1e-9)
    assert "conductance_dipoles_uncertainty" not in found
    assert found["checks"]["dipoles_left"]["passed"]
    assert "dipoles_left" not in without["checks"]
    with xr.open_datatree(tmp_path / "both.nc") as tree:
        stored_both = tree["dipoles"]["conductance"].sel(model="agf", dipoles=["with", "without"])
        np.testing.assert_allclose(stored_both.values.ravel(), [g, plain], rtol=1e-9)
