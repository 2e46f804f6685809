"""What a harmonic, elastic calculation of phonons leaves out, said where its numbers are."""

from collections.abc import Iterable

__all__ = ["is_metal", "limits_of", "limits_with_electrons"]

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


def is_metal(symbols: Iterable[str]) -> bool:
    """Tell whether a crystal of these elements is a metal; one of unknown elements is not."""
    elements = set(symbols)
    return bool(elements) and elements.isdisjoint(_INSULATORS.split())


def limits_with_electrons(limits: Iterable[str], text: str) -> list[str]:
    """Put ``text`` in the place of the line of :func:`limits_of` that says that electrons are left out."""
    return [text if line in (_METALS, _METAL, _PHONONS) else line for line in limits]


def limits_of(left: Iterable[str], right: Iterable[str], potential: str | None = None) -> list[str]:
    """Limits of a calculation, a line each.

    Parameters
    ----------
    left, right : iterable of str
        Chemical symbols of both crystals; none where they are not known.
    potential : str, optional
        Name of the interatomic potential, before any colon; without it nothing is said of uncertainties.

    Returns
    -------
    list of str
        Of the theory, of electrons, and of the force constants.
    """
    metals = [is_metal(side) for side in (left, right)]
    lines = [_THEORY, _METALS if all(metals) else _METAL if any(metals) else _PHONONS]
    if potential is not None:
        bundled = potential.split(":")[0] in ("tersoff", "sw", "eam", "emt", "lj", "bnc")
        lines.append(_POTENTIAL if bundled else _CONSTANTS)
    return lines
