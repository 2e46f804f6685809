"""Default values and names of choices, for the library and the command line; nothing heavy is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = [
    "ABOVE_BAND",
    "COMPARE",
    "DISORDER",
    "ENSEMBLE",
    "INELASTIC",
    "LAYERS",
    "LAYER_PROFILES",
    "LENGTHS",
    "MAX_AREA",
    "MAX_STRAIN",
    "MIXING_PROFILES",
    "MIXING_RULES",
    "TWIST_WITHIN",
    "DisorderKind",
    "Samples",
]

MAX_STRAIN: Final = 0.08
"""Largest principal in-plane strain that makes two lattices one."""
MAX_AREA: Final = 200.0
"""Largest common cell of two crystals, Å²."""
TWIST_WITHIN: Final = 0.5
"""Tolerance of a twist angle, degrees."""
MIXING_RULES: Final = ("arithmetic", "harmonic", "mass")
"""Rules for force constants across the interface of two finished calculations; the first is the default."""
LENGTHS: Final = (10.0, 100.0, 1000.0)
"""Distances of the reservoirs from the planes of the interface region, nm."""
ABOVE_BAND: Final = ("cap", "continue", "zero")
"""Scattering rates above a crystal's own band: as at its top, as frequency squared, or none."""
MIXING_PROFILES: Final = ("linear", "erf", "exponential")
"""Profiles of intermixing; the first is the default."""
LAYER_PROFILES: Final = ("linear", "exponential", "bridge", "superlattice")
"""Profiles of a layer made to measure."""


class Samples(NamedTuple):
    """k∥ points along both axes of the in-plane reciprocal cell, and frequencies in the common band."""

    kmesh: tuple[int, int]
    frequencies: int


COMPARE: Final = Samples((20, 20), 128)
"""Good to 0.3 % in G from 1 to 500 K (benchmarks/sampling.py)."""
INELASTIC: Final = Samples((12, 12), 64)
LAYERS: Final = Samples((12, 12), 64)
ENSEMBLE: Final = Samples((3, 3), 48)
"""Of a lateral supercell."""


@dataclass(frozen=True)
class DisorderKind:
    """What a kind of disorder is given by.

    Attributes
    ----------
    needs, takes : tuple of str
        Parameters of :func:`latmm.disorder.kinds.disorder_of` that it must have, and may have beside.
    """

    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


DISORDER: Final[Mapping[str, DisorderKind]] = {
    "intermixing": DisorderKind(("width",), ("profile",)),
    "alloy": DisorderKind(("width",), ("fraction",)),
    "vacancies": DisorderKind(("width", "fraction")),
    "roughness": DisorderKind(("rms", "correlation")),
    "mass": DisorderKind(("width", "spread")),
}
"""Kinds of disorder by name; the first is the default."""
