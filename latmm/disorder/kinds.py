"""Kinds of disorder as values: what to do to the sites, how deep it goes, and a line that says so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from latmm.defaults import DISORDER, MIXING_PROFILES
from latmm.disorder.profiles import Profile, whole
from latmm.disorder.roughness import FARTHEST, rough
from latmm.disorder.sites import between, levels, mass_disorder, mixed, substituted, vacancies
from latmm.errors import InputError
from latmm.geometry.matching import Matched
from latmm.interface.slab import Slab

__all__ = [
    "PROFILES",
    "Disorder",
    "Interlayer",
    "MassDisorder",
    "Mixing",
    "Roughness",
    "Vacancies",
    "disorder_of",
]


class Disorder(Protocol):
    """A kind of disorder with its parameters."""

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Return the slab with one realisation drawn."""
        ...

    def depth(self, matched: Matched) -> int:
        """Atomic planes on either side of the contact that it may change."""
        ...

    def describe(self) -> str:
        """Say in a line what it is."""
        ...


@dataclass(frozen=True)
class Mixing:
    """Species of both crystals at random, with a given fraction in each atomic plane.

    Attributes
    ----------
    profile : Profile
        Fraction of the right crystal's species.
    """

    profile: Profile

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Mix the species."""
        return mixed(slab, matched, self.profile, rng)

    def depth(self, matched: Matched) -> int:
        """Planes of the profile on its longer side."""
        return self.profile.depth

    def describe(self) -> str:
        """List the fractions."""
        fractions = ", ".join(f"{fraction:.3g}" for fraction in self.profile.fraction)
        return (
            f"both species at random; fraction of the right one in the {len(self.profile.fraction)} atomic "
            f"planes from {self.profile.first}: {fractions}"
        )


@dataclass(frozen=True)
class Roughness:
    """A rough contact without mixing.

    Attributes
    ----------
    rms, correlation : float
        Root mean square and correlation length of the heights, Å.
    """

    rms: float
    correlation: float

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Draw a height field."""
        return rough(slab, matched, self.rms, self.correlation, rng)

    def depth(self, matched: Matched) -> int:
        """Planes within the largest height."""
        spacing = min(c.cell.array[2, 2] / (levels(c).max() + 1) for c in (matched.left, matched.right))
        return int(np.ceil(FARTHEST * self.rms / spacing))

    def describe(self) -> str:
        """Give both lengths."""
        return f"atomic roughness, rms height {self.rms:g} Å, correlation length {self.correlation:g} Å"


@dataclass(frozen=True)
class Vacancies:
    """Atoms missing at random.

    Attributes
    ----------
    width : int
        Atomic planes around the contact that are concerned.
    fraction : float
        Of their atoms.
    """

    width: int
    fraction: float

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Remove atoms."""
        return vacancies(slab, between(slab, matched, self.width), self.fraction, rng)

    def depth(self, matched: Matched) -> int:
        """Half the width."""
        return (self.width + 1) // 2

    def describe(self) -> str:
        """Give the fraction."""
        return f"{100 * self.fraction:g} % vacancies in {self.width} atomic planes around the contact"


@dataclass(frozen=True)
class MassDisorder:
    """Masses at random.

    Attributes
    ----------
    width : int
        Atomic planes around the contact that are concerned.
    spread : float
        Relative: half the atoms have 1 + spread times their mass, half 1 − spread.
    """

    width: int
    spread: float

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Change masses."""
        return mass_disorder(slab, between(slab, matched, self.width), self.spread, rng)

    def depth(self, matched: Matched) -> int:
        """Half the width."""
        return (self.width + 1) // 2

    def describe(self) -> str:
        """Give the spread."""
        return f"masses m (1 ± {self.spread:g}) at random in {self.width} atomic planes around the contact"


@dataclass(frozen=True)
class Interlayer:
    """A layer of a third material on the same lattice; nothing is left to chance.

    Attributes
    ----------
    width : int
        Atomic planes around the contact.
    species : mapping
        Element → (new element, its mass in amu). Elements not named stay.
    """

    width: int
    species: Mapping[str, tuple[str, float]]

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Replace the elements; the generator is not used."""
        return substituted(slab, between(slab, matched, self.width), self.species)

    def depth(self, matched: Matched) -> int:
        """Half the width."""
        return (self.width + 1) // 2

    def describe(self) -> str:
        """List the replacements."""
        pairs = ", ".join(f"{new} ({mass:g} amu) for {old}" for old, (new, mass) in self.species.items())
        return f"{pairs} in {self.width} atomic planes around the contact"


def disorder_of(
    kind: str,
    *,
    width: float | None = None,
    profile: str | Sequence[float] | None = None,
    fraction: float | None = None,
    rms: float | None = None,
    correlation: float | None = None,
    spread: float | None = None,
) -> Disorder:
    """Describe disorder by the name of its kind.

    Parameters
    ----------
    kind : {"intermixing", "alloy", "vacancies", "roughness", "mass"}
        Species of both crystals by a profile; a random alloy of one composition; missing atoms; a random
        height of the contact; masses only.
    width : float, optional
        Atomic planes that are disordered.
    profile : {"linear", "erf", "exponential"} or sequence of float, optional
        Of intermixing: linear by default, or the fraction of the right crystal's species in each plane, in
        place of ``width``.
    fraction : float, optional
        Fraction of the right crystal's species in an alloy (½ by default), or of the atoms that are missing.
    rms, correlation : float, optional
        Root mean square height and correlation length of roughness, Å.
    spread : float, optional
        Relative change x of the masses m (1 ± x).

    Returns
    -------
    Disorder

    Raises
    ------
    InputError
        If the kind is unknown, lacks a parameter or does not know one, or a value makes no sense.
    """
    if kind not in DISORDER:
        raise InputError(f"unknown kind of disorder {kind!r}; choose from {', '.join(DISORDER)}")
    given = {
        "width": width, "profile": profile, "fraction": fraction,
        "rms": rms, "correlation": correlation, "spread": spread,
    }  # fmt: skip
    listed = None if profile is None or isinstance(profile, str) else list(profile)
    needs = () if kind == "intermixing" and listed is not None else DISORDER[kind].needs
    for name, value in given.items():
        if value is None and name in needs:
            raise InputError(f"`kind` {kind} needs `{name}`")
        if value is not None and name not in (*needs, *DISORDER[kind].takes):
            raise InputError(f"`{name}` has no meaning for `kind` {kind} here: leave it out")
    if kind == "intermixing" and listed is not None:
        return Mixing(Profile.listed(listed))
    if kind == "roughness":
        return Roughness(_number(rms), _number(correlation))
    planes = _number(width)
    if kind == "vacancies":
        return Vacancies(whole(planes), _number(fraction))
    if kind == "mass":
        return MassDisorder(whole(planes), _number(spread))
    if kind == "alloy":
        return Mixing(Profile.uniform(whole(planes), 0.5 if fraction is None else fraction))
    if profile not in (None, *PROFILES):
        raise InputError(
            f"`profile` {profile!r} is unknown; choose from {', '.join(PROFILES)}, or list fractions"
        )
    return Mixing(PROFILES[str(profile or "linear")](planes))


def _number(value: float | None) -> float:
    """Value of a parameter that the kind needs, and so has."""
    if value is None:
        raise InputError("a parameter of the disorder is missing")
    return value


def _linear(width: float) -> Profile:
    return Profile.linear(whole(width))


PROFILES: Final[Mapping[str, Callable[[float], Profile]]] = dict(
    zip(MIXING_PROFILES, (_linear, Profile.erf, Profile.exponential), strict=True)
)
"""Profiles of intermixing by name, made from their width in atomic planes."""
