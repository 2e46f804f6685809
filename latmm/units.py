"""Units and constants (CODATA values of :mod:`scipy.constants`).

Length Å, mass amu, force constant eV Å⁻², frequency ν in THz (ordinary frequency), ω = 2πν in rad ps⁻¹ only
inside kernels, velocity km s⁻¹, density g cm⁻³, stiffness GPa, temperature K, transmission nm⁻²,
conductance W m⁻² K⁻¹. Identities: GPa/(g cm⁻³) = (km s⁻¹)², THz = ps⁻¹, THz·Å = 0.1 km s⁻¹.
"""

from math import pi
from typing import Final

from scipy import constants

__all__ = [
    "AMU_PER_A3",
    "AVOGADRO",
    "BOLTZMANN",
    "EV_PER_A2_AMU",
    "EV_PER_A3",
    "HBAR",
    "KM_PER_S_PER_A_THZ",
    "PLANCK",
    "THZ_IN",
    "THZ_PER_KELVIN",
    "TWO_PI",
]

TWO_PI: Final[float] = 2.0 * pi
BOLTZMANN: Final[float] = constants.k
"""Boltzmann constant, J/K."""
AVOGADRO: Final[float] = constants.N_A
"""Avogadro constant, mol⁻¹."""
PLANCK: Final[float] = constants.h
"""Planck constant, J s."""
HBAR: Final[float] = constants.hbar
"""Reduced Planck constant, J s."""
EV_PER_A2_AMU: Final[float] = constants.e / constants.angstrom**2 / constants.m_u * 1e-24
"""1 eV Å⁻² amu⁻¹ in (rad ps⁻¹)²: 9648.533."""
AMU_PER_A3: Final[float] = constants.m_u / constants.angstrom**3 * 1e-3
"""1 amu Å⁻³ in g cm⁻³."""
EV_PER_A3: Final[float] = constants.e / constants.angstrom**3 * 1e-9
"""1 eV Å⁻³ in GPa."""
KM_PER_S_PER_A_THZ: Final[float] = 0.1
"""1 Å THz in km s⁻¹."""
THZ_PER_KELVIN: Final[float] = constants.k / constants.h * 1e-12
"""k_B/h in THz K⁻¹: hν/(k_B T) = ν/(T · THZ_PER_KELVIN)."""
THZ_IN: Final[dict[str, float]] = {
    "THz": 1.0,
    "meV": 1e15 * constants.h / constants.e,
    "cm-1": 1e10 / constants.c,
}
"""1 THz as an energy hν in meV and as a wave number ν/c in cm⁻¹."""
