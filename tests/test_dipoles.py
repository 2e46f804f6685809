"""Dipoles of polar crystals: phonopy's non-analytic D(q) by sums, by layers, and by potentials."""

import numpy as np
import pytest
from polar_systems import oblique, rocksalt, stored, upright, wurtzite

from latmm.interface.polar_leads import ERROR, band_error, dipole_range, polar_blocks
from latmm.lattice.dipole_layers import DipoleLayers
from latmm.lattice.dipoles import COULOMB, Dipoles
from latmm.lattice.dynamics import phonons
from latmm.lattice.phonopy_files import read_phonopy
from latmm.lattice.rotation import first_moment, free_to_turn
from latmm.lattice.stiffness import elasticity, slope_error
from latmm.units import TWO_PI

Q = np.random.default_rng(4).uniform(-0.25, 0.25, (6, 3))
"""In the first zone: phonopy's sum is centred at q = 0."""
K = np.array([[0.0, 0.0], [1e-5, 0.0], [0.02, 0.01], [0.1, 0.05], [0.5, 0.5], [0.8, 0.3]])


@pytest.fixture(scope="module")
def calculations():
    return {"rocksalt": rocksalt(), "wurtzite": wurtzite(), "oblique": oblique()}


@pytest.fixture(scope="module")
def crystals(calculations, tmp_path_factory):
    return {name: upright(found, tmp_path_factory.mktemp(name)) for name, found in calculations.items()}


def close(found, wanted, tolerance):
    assert np.abs(found - wanted).max() < tolerance * np.abs(wanted).max()


@pytest.mark.parametrize("name", ["rocksalt", "wurtzite", "oblique"])
def test_dynamical_matrix_is_phonopys_with_the_non_analytic_term(calculations, name, tmp_path):
    phonon = calculations[name]
    found = read_phonopy(stored(phonon, tmp_path), nac=True)
    theirs = np.asarray(phonon.run_qpoints(Q, with_dynamical_matrices=True).dynamical_matrices)
    close(found.constants.dynamical_matrix(Q), theirs, 1e-12)
    assert found.nac
    assert found.left_out is None
    assert found.constants.sum_rule_error < 1e-13
    # and the term counts: without it the largest frequency is another
    assert np.abs(read_phonopy(tmp_path / "phonopy.yaml").constants.dynamical_matrix(Q) - theirs).max() > 0.01


def test_longitudinal_and_transverse_optical_modes_split_as_lyddane_sachs_and_teller_say(crystals):
    """Cubic ions: ω_LO² − ω_TO² = 4π e² Z²/(V ε μ), μ the reduced mass."""
    crystal = crystals["rocksalt"]
    squares = np.linalg.eigvalsh(crystal.dynamical_matrix(np.array([[1e-6, 0.0, 0.0]])))[0]
    mass = crystal.atoms.get_masses()
    charge = crystal.dipoles.charges[0, 0, 0]
    expected = COULOMB * charge**2 / (crystal.volume * crystal.dipoles.dielectric[0, 0])
    close(squares[-1] - squares[-2], expected * (1.0 / mass).sum(), 1e-6)


def test_born_charges_are_made_neutral_and_told(calculations, tmp_path):
    phonon = calculations["rocksalt"]
    nac = dict(phonon.nac_params)
    phonon.nac_params = {**nac, "born": nac["born"] + 0.01 * np.eye(3)}
    found = read_phonopy(stored(phonon, tmp_path), nac=True)
    phonon.nac_params = nac
    assert found.charge == pytest.approx(0.02, rel=1e-3)
    assert np.abs(found.constants.dipoles.charges.sum(axis=0)).max() < 1e-15
    assert "2.0e-02 e was taken off" in found.description


@pytest.mark.slow
def test_born_file_beside_gives_the_dipoles(calculations, tmp_path):
    phonon = calculations["rocksalt"]
    nac = dict(phonon.nac_params)
    inside = read_phonopy(stored(phonon, tmp_path), nac=True).constants
    phonon.nac_params = None
    path = stored(phonon, tmp_path, "plain.yaml")
    phonon.nac_params = nac
    assert read_phonopy(path, nac=True).constants.dipoles is None
    rows = [np.ravel(nac["dielectric"]), *(np.ravel(z) for z in nac["born"])]
    text = "\n".join(" ".join(f"{x:.12f}" for x in row) for row in rows)
    (tmp_path / "BORN").write_text(f"14.4\n{text}\n")
    beside = read_phonopy(path, nac=True).constants
    close(beside.dynamical_matrix(Q), inside.dynamical_matrix(Q), 1e-10)


@pytest.mark.parametrize("name", ["rocksalt", "wurtzite", "oblique"])
def test_slopes_are_derivatives_of_the_dynamical_matrix(crystals, name):
    dipoles: Dipoles = crystals[name].dipoles
    k = dipoles.wave_vectors(np.array([[0.1, 0.05, -0.2]]))
    exact = dipoles.derivatives(k @ np.linalg.inv(dipoles.reciprocal))[:, 0]
    for axis, step in enumerate(1e-4 * np.eye(3)):
        near = [dipoles.matrices((k + s * step) @ np.linalg.inv(dipoles.reciprocal))[0] for s in (1, -1)]
        close((near[0] - near[1]) / 2e-4, exact[axis], 1e-6)


def test_sound_has_the_slopes_of_the_elastic_constants(crystals):
    """At zero field those of wurtzite too; its field stiffens some of its waves, rocksalt has none."""
    freed = free_to_turn(crystals["wurtzite"])
    for crystal in (crystals["rocksalt"], freed):
        assert slope_error(crystal, elasticity(crystal)) < 1e-4
    near = np.array([[1e-3, 0.0, 0.0], [0.0, 0.0, 1e-3]])
    for crystal, field in ((crystals["rocksalt"], False), (freed, True)):
        own, still = (phonons(c, near).frequency[:, :3] for c in (crystal, crystal.at_zero_field))
        assert bool(np.abs(own / still - 1.0).max() > 1e-3) == field
        assert own.sum() > still.sum() * (1.0 - 1e-6)
    assert np.abs(first_moment(freed)).max() < 1e-10 * freed.scale
    assert phonons(freed, np.array([[1e-3, 0, 0]])).frequency.min() > 0.0


@pytest.mark.parametrize("name", ["rocksalt", "wurtzite", "oblique"])
def test_sums_over_layers_add_up_to_the_sum_over_wave_vectors(crystals, name):
    """Two-dimensional Ewald sums at k∥, Fourier-summed over layers, against the three-dimensional sum."""
    dipoles = crystals[name].dipoles
    layers = DipoleLayers(dipoles)
    q = np.array([[0.3, 0.2, 0.15], [0.5, 0.5, 0.4], [0.7, 0.1, -0.3]])
    smeared = layers.smeared(q[:, :2], 40)
    z = dipoles.positions[:, 2]
    arms = z - z[:, None] + np.arange(-40, 41)[:, None, None] * dipoles.cell[2, 2]
    phases = np.exp(1j * dipoles.wave_vectors(q)[:, 2, None, None] * arms[:, None])
    found = np.einsum("mkiajb,mkij->kiajb", smeared, phases)
    every = np.arange(len(z))
    found[:, every, :, every, :] -= dipoles.drift[:, None]
    close(found, dipoles.matrices(q), 1e-12)


@pytest.mark.parametrize(
    ("name", "potentials", "limit"),
    [
        ("rocksalt", 9, 1e-8),
        ("rocksalt", 1, 1e-4),
        ("wurtzite", 7, 1e-9),
        ("wurtzite", 1, 1e-6),
        ("oblique", 1, 1e-4),
    ],
)
def test_potentials_carry_the_dipoles_from_layer_to_layer(crystals, name, potentials, limit):
    """Frequencies of nearest-neighbour blocks against those of the sum over wave vectors, at every k∥."""
    crystal = crystals[name]
    least = int(np.abs(crystal.cells[:, 2]).max())
    found = dipole_range(crystal, max(2, least), potentials=potentials)
    blocks = polar_blocks(crystal, K, found.layers, potentials=potentials)
    for turn in (0.05, 0.4):
        q = np.repeat(crystal.in_plane(K), found.layers, axis=0)
        q[:, 2] += np.tile((turn + np.arange(found.layers)) / found.layers, len(K))
        exact = np.sort(np.linalg.eigvalsh(crystal.dynamical_matrix(q)).reshape(len(K), -1), axis=1)
        own = np.linalg.eigvalsh(blocks.without_potentials(np.exp(1j * TWO_PI * turn)))
        close(np.sqrt(own), np.sqrt(exact), limit)


@pytest.mark.slow
def test_thicker_layers_or_more_potentials_lose_less(crystals):
    crystal = crystals["rocksalt"]
    errors = [band_error(crystal, layers) for layers in (2, 3, 4)]
    assert errors[1] < 0.1 * errors[0]
    assert errors[2] < 0.1 * errors[1]
    assert band_error(crystal, 2, potentials=5) < errors[0]
    assert band_error(crystal, 2, potentials=9) < 1e-3 * errors[0]
    found = dipole_range(crystal)
    assert found.error <= ERROR < band_error(crystal, found.layers - 1)
