"""Scattering of phonons by isotopes: rates by frequency, from the crystal's own phonons.

With N cells and g_k = Σ_i c_i (1 − m_i/m̄)² of the atoms k of a cell, perturbation theory of second order is

    1/τ_qb = (π/2N) ω² Σ_q'b' δ(ω − ω_q'b') Σ_k g_k |e_k(q'b')* · e_k(qb)|².

The mean over the phonons of a frequency needs no more than P_k(ω) = (1/N) Σ_qb δ(ω − ω_qb) e_k e_k†, (3, 3):

    1/τ(ω) = (π/2) ω² Σ_k g_k Tr P_k² / Σ_k Tr P_k,

for one atom on a cubic site (π/6) V g ω² D(ω), D the density of states per volume and V that of the cell, and
in Debye's limit V g ω⁴ Σ_b v_b⁻³/(12π).

Isotopes scatter elastically. They shorten mean free paths, but no heat changes its frequency by them: atoms
of a dissipative contact are not damped at their rate. In the crystals the relaxation time approximation with
one temperature for all frequencies counts them like other scattering.

Source: S. Tamura, Phys. Rev. B 27, 858 (1983) [from memory; the limit is derived and tested here].
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.inelastic.rates import Rates
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import natural_isotopes
from latmm.units import KM_PER_S_PER_A_THZ, TWO_PI

__all__ = ["isotope_rates", "mass_variance", "with_isotopes"]

_POINTS = 20
"""Points of the mesh along each axis."""
_NODES = 80
"""Frequencies of the table."""
_LOWEST = 0.2
"""The first of them, in units of the highest phonon's; below, rates go as ω⁴."""


def mass_variance(symbol: str) -> float:
    """Variance g = Σ c (1 − m/m̄)² of the natural isotopes of an element.

    Raises
    ------
    InputError
        If the element has no table of them.
    """
    isotopes = natural_isotopes().get(symbol)
    if not isotopes:
        raise InputError(f"no natural isotopes of {symbol!r} are known; give the variance of its masses")
    mass, part = (np.array([row[column] for row in isotopes], dtype=float) for column in (1, 2))
    part = part / part.sum()
    return float(part @ (1.0 - mass / (part @ mass)) ** 2)


def isotope_rates(
    crystal: ForceConstants, variance: Sequence[float], *, mesh: int = _POINTS, nodes: int = _NODES
) -> tuple[Floats, Floats]:
    """Mean rate of the phonons of each frequency.

    Parameters
    ----------
    crystal : ForceConstants
        N atoms.
    variance : (N,) sequence of float
        g of each.
    mesh, nodes : int
        Wave vectors along each axis, midpoints, and frequencies of the table.

    Returns
    -------
    frequency, rate : (K,) ndarray
        THz, from a fifth of the highest phonon's on, and 1/τ, ps⁻¹.

    Raises
    ------
    InputError
        If a variance is negative, or their number is not that of the atoms.
    """
    g = np.asarray(variance, dtype=float)
    if g.shape != (len(crystal.atoms),) or not np.all(np.isfinite(g) & (g >= 0.0)):
        raise InputError(f"`variance` must be {len(crystal.atoms)} numbers of at least 0, but is {variance}")
    found = phonons(crystal, q_mesh((mesh, mesh, mesh), shift=(0.5, 0.5, 0.5)))
    q, _, branches = found.eigenvectors.shape
    e = found.eigenvectors.reshape(q, g.size, 3, branches).transpose(0, 3, 1, 2).reshape(-1, g.size, 3)
    # every phonon is spread over the frequencies of its cell of the mesh
    reciprocal = TWO_PI * crystal.atoms.cell.reciprocal().array / mesh
    change = found.group_velocity @ reciprocal.T / (TWO_PI * KM_PER_S_PER_A_THZ)
    top = float(found.frequency.max())
    frequency = np.linspace(_LOWEST * top, top, nodes)
    width = np.sqrt((change**2).sum(axis=-1) / 12.0 + (0.5 * (frequency[1] - frequency[0])) ** 2).ravel()
    rate = np.zeros(nodes)
    for i, nu in enumerate(frequency):
        x = (nu - found.frequency.ravel()) / width
        near = np.flatnonzero(np.abs(x) < 5.0)
        weight = np.exp(-0.5 * x[near] ** 2) / (np.sqrt(TWO_PI) * width[near] * q * TWO_PI)  # per rad/ps
        p = np.einsum("p,pka,pkb->kab", weight, e[near], e[near].conj(), optimize=True)
        square = np.einsum("kab,kba->k", p, p).real
        rate[i] = 0.5 * np.pi * (TWO_PI * nu) ** 2 * (g @ square) / np.einsum("kaa->", p).real
    return frequency, rate


def with_isotopes(rates: Rates, crystal: ForceConstants, variance: Sequence[float] | None = None) -> Rates:
    """Add the scattering by isotopes to the rates of a crystal (Matthiessen's rule).

    Parameters
    ----------
    rates : Rates
        Of other phonons.
    crystal : ForceConstants
        N atoms.
    variance : (N,) sequence of float, optional
        g of each; by default of the natural element.

    Returns
    -------
    Rates
        Without the source's conductivity, which is that of a pure crystal.
    """
    if variance is None:
        variance = [mass_variance(symbol) for symbol in crystal.atoms.get_chemical_symbols()]
    return replace(
        rates,
        elastic=isotope_rates(crystal, variance),
        source=f"{rates.source}, isotopes",
        conductivity=None,
    )
