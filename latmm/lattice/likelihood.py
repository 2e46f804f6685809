"""Is it a crystal in the units it is said to be in? Bonds and force constants of all solids are much alike.

Two numbers without unit tell. The shortest distance of two atoms over the sum of their covalent radii
(Cordero et al., Dalton Trans. 2832 (2008), as in ASE) is 0.7 to 1.2 in solids of all kinds, but Bohr and Å
differ by 1.9. The stiffness ω² m of the highest frequency and the lightest mass, in units of e²/(4π ε₀ d³)
with that distance d, is 5 to 25 in crystals from silicon to potassium chloride, but Ry/Bohr² and eV/Å² differ
by 49, hartree/Bohr² by 97. Noble gases are soft and wide. Factors of two in the
force constants (Ry and hartree, or one length of two in Bohr) are not seen.
"""

from typing import Final

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from matscipy.neighbours import neighbour_list
from scipy import constants

from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["improbable"]

_NOBLE: Final = (2, 10, 18, 36, 54, 86)
_BOND: Final = (0.65, 1.7)
"""Shortest distance over the sum of covalent radii: 0.69 in plutonium, 0.86 to 1.2 in 31 first-principles
files; half or twice as much in the wrong unit."""
_STIFFNESS: Final = (1.5, 60.0)
"""ω² m d³ 4π ε₀/e²: 5 to 23 in 31 first-principles files, 26 in nitrogen."""
_COULOMB: Final = constants.e / (4.0 * np.pi * constants.epsilon_0 * constants.angstrom)
"""e²/(4π ε₀) in eV Å."""
_FARTHEST: Final = 12.0
"""Å within which a nearest atom is looked for."""


def improbable(atoms: Atoms, frequency: float) -> str | None:
    """Say what no crystal has: too short or long bonds, or force constants of another order of magnitude.

    Parameters
    ----------
    atoms : ase.Atoms
        A crystal, Å, amu.
    frequency : float
        Its highest, THz.

    Returns
    -------
    str or None
        A clause for a message; None if all is as in other crystals.
    """
    first, second, distance = neighbour_list("ijd", atoms, _FARTHEST)
    if not distance.size:
        return f"no two atoms are closer than {_FARTHEST:g} Å"
    radii = covalent_radii[atoms.numbers]
    ratio = distance / (radii[first] + radii[second])
    nearest = int(np.argmin(ratio))
    noble = bool(np.isin(atoms.numbers, _NOBLE).any())
    pair = f"{atoms.symbols[first[nearest]]} and {atoms.symbols[second[nearest]]}"
    if ratio[nearest] < _BOND[0] or (ratio[nearest] > _BOND[1] and not noble):
        return (
            f"the nearest atoms ({pair}) are {distance[nearest]:.3g} Å apart, {ratio[nearest]:.2g} times the "
            "sum of their covalent radii"
        )
    spring = (TWO_PI * frequency) ** 2 * float(atoms.get_masses().min()) / EV_PER_A2_AMU
    stiffness = spring * float(distance[nearest]) ** 3 / _COULOMB
    if stiffness > _STIFFNESS[1] or (stiffness < _STIFFNESS[0] and not noble):
        than = "above" if stiffness > _STIFFNESS[1] else "below"
        return (
            f"the highest frequency, {frequency:.3g} THz, is far {than} what bonds of "
            f"{distance[nearest]:.3g} Å ({pair}) have anywhere"
        )
    return None
