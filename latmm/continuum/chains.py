"""Two atomic chains in one dimension: the acoustic mismatch, exactly and at every frequency.

A chain of masses m and springs K has ω = 2 (K/m)^½ |sin(k/2)| and, in the long-wavelength limit, the
impedance Z = (mK)^½. Two chains joined by a spring K₁₂ transmit

    T = 4 X₁X₂/[(X₁ + X₂)² + (2/K₁₂ − 1/K₁ − 1/K₂)²],      X = cot(k/2)/K,

with T → 4 Z₁Z₂/(Z₁ + Z₂)² for ω → 0. Atoms and springs in between are solved as a small tridiagonal system
between the surface responses of both chains.

Sources: L. Brillouin, Wave Propagation in Periodic Structures (1953); N. Mingo and L. Yang, Phys. Rev. B 68,
245406 (2003) (transmission from surface responses).

Symbols: m → ``mass`` (amu), K → ``spring`` (eV Å⁻²), ν → ``frequency`` (THz), T → transmission function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Complexes, Floats
from latmm.errors import InputError
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = [
    "Chain",
    "chain_transmission",
    "long_wave_transmission",
    "matched_mass",
    "transmission_through_atoms",
]


@dataclass(frozen=True)
class Chain:
    """A chain of equal atoms.

    Attributes
    ----------
    mass : float
        amu.
    spring : float
        eV Å⁻².
    """

    mass: float
    spring: float

    def __post_init__(self) -> None:
        if not (self.mass > 0 and self.spring > 0):
            raise InputError(
                f"a chain needs a positive mass and spring, but has {self.mass} amu and {self.spring} eV/Å²"
            )

    @property
    def impedance(self) -> float:
        """Z = (mK)^½, (amu eV)^½ Å⁻¹."""
        return sqrt(self.mass * self.spring)

    @property
    def largest_frequency(self) -> float:
        """(K/m)^½/π, THz."""
        return 2.0 * sqrt(self.spring / self.mass * EV_PER_A2_AMU) / TWO_PI

    def half_phase(self, frequency: ArrayLike) -> Floats:
        """Half the phase from atom to atom, k/2 in [0, π/2]; not a number above the largest frequency."""
        ratio = np.asarray(frequency, dtype=float) / self.largest_frequency
        return np.arcsin(np.where(ratio <= 1.0, ratio, np.nan))


def long_wave_transmission(left: Chain, right: Chain) -> float:
    """4 Z₁Z₂/(Z₁ + Z₂)²: the limit of zero frequency."""
    z1, z2 = left.impedance, right.impedance
    return 4.0 * z1 * z2 / (z1 + z2) ** 2


def chain_transmission(left: Chain, right: Chain, contact: float, frequency: ArrayLike) -> Floats:
    """Transmission function of two chains joined by a spring.

    Parameters
    ----------
    left, right : Chain
    contact : float
        K₁₂, eV Å⁻².
    frequency : (...) array_like
        THz, positive.

    Returns
    -------
    (...) ndarray
        T; zero above the largest frequency of either chain.
    """
    if not contact > 0:
        raise InputError(f"the spring between two chains must be positive (eV/Å²), but is {contact}")
    x1, x2 = (1.0 / (np.tan(c.half_phase(frequency)) * c.spring) for c in (left, right))
    mismatch = 2.0 / contact - 1.0 / left.spring - 1.0 / right.spring
    # the denominator vanishes only at the very edge of both bands
    with np.errstate(invalid="ignore"):
        value = 4.0 * x1 * x2 / ((x1 + x2) ** 2 + mismatch**2)
    return np.where(np.isnan(x1) | np.isnan(x2), 0.0, value)


def matched_mass(left: Chain, right: Chain) -> float:
    """Mass of a chain of the same springs that matches the impedances, (m₁m₂)^½, amu.

    As a layer of many atoms it is the quarter-wave plate of acoustics: full transmission where its phase is
    an odd multiple of π/2, in the long-wavelength limit.
    """
    return sqrt(left.mass * right.mass)


def transmission_through_atoms(
    left: Chain, masses: Sequence[float], springs: Sequence[float], right: Chain, frequency: ArrayLike
) -> Floats:
    """Transmission function of two chains with atoms in between.

    Parameters
    ----------
    left, right : Chain
    masses : (N,) sequence of float
        Of the atoms between them, N ≥ 1, amu.
    springs : (N + 1,) sequence of float
        From the left chain through the atoms to the right chain, eV Å⁻².
    frequency : (F,) array_like
        THz, positive.

    Returns
    -------
    (F,) ndarray
        T; zero above the largest frequency of either chain.
    """
    m, k = np.asarray(masses, dtype=float), np.asarray(springs, dtype=float)
    if m.size < 1 or k.size != m.size + 1 or not (np.all(m > 0) and np.all(k > 0)):
        raise InputError(
            "N atoms between two chains need N + 1 springs, all positive, "
            f"but there are {m.size} and {k.size}"
        )
    nu = np.atleast_1d(np.asarray(frequency, dtype=float))
    square = (TWO_PI * nu) ** 2 / EV_PER_A2_AMU  # eV Å⁻² amu⁻¹
    sigma = [s**2 * _surface(c, s, square, nu) for c, s in ((left, k[0]), (right, k[-1]))]
    matrix = np.zeros((nu.size, m.size, m.size), dtype=complex)
    atom = np.arange(m.size)
    matrix[:, atom, atom] = square[:, None] * m - k[:-1] - k[1:]
    matrix[:, atom[:-1], atom[1:]] = matrix[:, atom[1:], atom[:-1]] = k[1:-1]
    matrix[:, 0, 0] -= sigma[0]
    matrix[:, -1, -1] -= sigma[1]
    source = np.zeros((m.size, 1), dtype=complex)
    source[0] = 1.0
    open_ = (nu < left.largest_frequency) & (nu < right.largest_frequency)
    response = np.zeros(nu.size, dtype=complex)
    response[open_] = np.linalg.solve(matrix[open_], source[None])[:, -1, 0]
    rates = 4.0 * np.where(open_, sigma[0].imag * sigma[1].imag, 0.0)
    return np.asarray(rates * np.abs(response) ** 2)


def _surface(chain: Chain, bond: float, square: Floats, frequency: Floats) -> Complexes:
    """Response of the last atom of a chain that is also held by the ``bond``: waves leave as exp(ik)."""
    phase = np.exp(2j * chain.half_phase(frequency))
    return np.asarray(1.0 / (chain.mass * square - bond - chain.spring * (1.0 - phase)), complex)
