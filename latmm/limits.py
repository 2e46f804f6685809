"""What a harmonic, elastic calculation of phonons leaves out, said where its numbers are."""

from collections.abc import Iterable

__all__ = ["limits_of"]

_INSULATORS = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Sb Te I Xe At Rn"
"""Elements whose crystals, alone or among themselves, are no metals."""
_THEORY = "harmonic and elastic: no phonon changes its frequency; too low for mismatched pairs and when hot"
_METALS = (
    "metal | metal: electrons, which carry most of the heat, are left out (Al | Cu at 298 K, measured: 4000 "
    "MW m⁻² K⁻¹, Gundrum, Cahill and Averback, Phys. Rev. B 72, 245426 (2005))"
)
_METAL = "phonons only: what the electrons of the metal pass on is left out"
_PHONONS = "phonons only"
_POTENTIAL = (
    "± is the sampling's alone: the potentials are off by up to 95 % (transverse phonons, zone boundary)"
)
_CONSTANTS = "± is the sampling's alone, not of the force constants"


def limits_of(left: Iterable[str], right: Iterable[str], potential: str | None = None) -> list[str]:
    """Limits of a calculation, a line each.

    Parameters
    ----------
    left, right : iterable of str
        Chemical symbols of both crystals; none where they are not known.
    potential : str, optional
        Name of the interatomic potential, before any colon; without it nothing is said of error bars.

    Returns
    -------
    list of str
        Of the theory, of electrons, and of the force constants.
    """
    metals = [bool(side) and set(side).isdisjoint(_INSULATORS.split()) for side in (list(left), list(right))]
    lines = [_THEORY, _METALS if all(metals) else _METAL if any(metals) else _PHONONS]
    if potential is not None:
        bundled = potential.split(":")[0] in ("tersoff", "sw", "eam", "emt", "lj")
        lines.append(_POTENTIAL if bundled else _CONSTANTS)
    return lines
