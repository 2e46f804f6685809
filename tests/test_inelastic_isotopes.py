"""Scattering by isotopes: Debye's limit, symmetric crystals, by the sum over all pairs of phonons."""

import numpy as np
import pytest

from latmm.errors import InputError
from latmm.inelastic.isotopes import isotope_rates, mass_variance, with_isotopes
from latmm.inelastic.rates import Rates
from latmm.lattice.dynamics import density_of_states, phonons, q_mesh

G = 2e-3


def test_natural_elements_have_the_published_variances():
    # 2.01e-4 and 5.87e-4: M. Asen-Palmer et al., Phys. Rev. B 56, 9431 (1997), and Tamura's own for germanium
    assert mass_variance("Si") == pytest.approx(2.01e-4, rel=0.01)
    assert mass_variance("Ge") == pytest.approx(5.87e-4, rel=0.01)
    assert mass_variance("Al") == 0.0
    with pytest.raises(InputError, match="no natural isotopes"):
        mass_variance("X")


def test_one_atom_scatters_by_the_density_of_states(argon):
    """(π/6) V g ω² D(ω): D by the package's own density of states, per cell and THz."""
    nu, rate = isotope_rates(argon.constants, [G])
    density = density_of_states(argon.constants, nu, (20, 20, 20))
    expected = np.pi / 6.0 * G * (2 * np.pi * nu) ** 2 * density / (2 * np.pi)
    np.testing.assert_allclose(rate, expected, rtol=5e-3)


def test_long_waves_have_debyes_limit(argon):
    """V g ω⁴ ⟨Σ v⁻³⟩/(12π), with speeds of sound over all directions."""
    crystal = argon.constants
    nu, rate = isotope_rates(crystal, [G], mesh=28)
    directions = np.random.default_rng(1).normal(size=(4000, 3))
    directions *= 1e-3 / np.linalg.norm(directions, axis=1)[:, None]
    q = directions @ crystal.atoms.cell.array.T / (2 * np.pi)
    speed = 2 * np.pi * phonons(crystal, q).frequency / 1e-3  # Å/ps
    slow = np.mean(np.sum(speed**-3.0, axis=1))
    omega = 2 * np.pi * nu[0]
    debye = crystal.volume * G * omega**4 * slow / (12 * np.pi)
    # dispersion adds to the density of states: by some per cent at a fifth of the band
    assert rate[0] == pytest.approx(debye, rel=0.1)


def test_two_atoms_against_the_sum_over_all_pairs(silicon_germanium):
    """The double sum of Tamura's rate, smeared alike, averaged over the phonons of a frequency."""
    crystal = silicon_germanium.left
    g = np.array([1e-3, 4e-3])
    mesh, nodes = 6, 20
    nu, rate = isotope_rates(crystal, g, mesh=mesh, nodes=nodes)
    found = phonons(crystal, q_mesh((mesh,) * 3, shift=(0.5,) * 3))
    e = found.eigenvectors.transpose(0, 2, 1).reshape(-1, 2, 3)
    overlap = np.einsum("k,pqk->pq", g, np.abs(np.einsum("pka,qka->pqk", e.conj(), e)) ** 2)
    reciprocal = 2 * np.pi * crystal.atoms.cell.reciprocal().array / mesh
    change = 10.0 * found.group_velocity.reshape(-1, 3) @ reciprocal.T / (2 * np.pi)  # Å/ps
    width = np.sqrt((change**2).sum(-1) / 12.0 + (0.5 * (nu[1] - nu[0])) ** 2)
    for i in (3, 8, 14):
        w = np.exp(-0.5 * ((nu[i] - found.frequency.ravel()) / width) ** 2) / width / np.sqrt(2 * np.pi)
        w = w / (2 * np.pi) / mesh**3
        pairs = 0.5 * np.pi * (2 * np.pi * nu[i]) ** 2 * (w @ overlap @ w) / w.sum()
        assert rate[i] == pytest.approx(pairs, rel=1e-5)


def test_rates_add_but_do_not_damp(argon):
    crystal = argon.constants
    plain = Rates.model(1e-4, 1.9)
    both = with_isotopes(plain, crystal, [G])
    nu, t = np.array([0.05, 0.1, 1.0]), np.array([10.0, 40.0])
    more = both.at(nu, t) - plain.at(nu, t)
    np.testing.assert_allclose(more[0], more[1], rtol=1e-9)  # at any temperature
    assert more[0, 1] == pytest.approx(16.0 * more[0, 0], rel=1e-6)
    assert np.all(more > 0.0)
    np.testing.assert_array_equal(both.at(nu, t, local=True), plain.at(nu, t))
    assert both.heavier(2.0).elastic is None
    with pytest.raises(InputError, match="variance"):
        with_isotopes(plain, crystal, [-1.0])
