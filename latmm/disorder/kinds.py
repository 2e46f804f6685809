"""Kinds of disorder as values: what to do to the sites, how deep it goes, and a line that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from latmm.disorder.profiles import Profile
from latmm.disorder.roughness import FARTHEST, rough
from latmm.disorder.sites import between, levels, mass_disorder, mixed, substituted, vacancies
from latmm.geometry.matching import Matched
from latmm.interface.slab import Slab

__all__ = ["Disorder", "Interlayer", "MassDisorder", "Mixing", "Roughness", "Vacancies"]


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
    """Species of both crystals at random, with a given share in each atomic plane.

    Attributes
    ----------
    profile : Profile
        Share of the right crystal's species.
    """

    profile: Profile

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Mix the species."""
        return mixed(slab, matched, self.profile, rng)

    def depth(self, matched: Matched) -> int:
        """Planes of the profile on its longer side."""
        return self.profile.depth

    def describe(self) -> str:
        """List the shares."""
        shares = ", ".join(f"{share:.3g}" for share in self.profile.share)
        return (
            f"both species at random; share of the right one in the {len(self.profile.share)} atomic planes "
            f"from {self.profile.first}: {shares}"
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
    share : float
        Of their atoms.
    """

    width: int
    share: float

    def apply(self, slab: Slab, matched: Matched, rng: np.random.Generator) -> Slab:
        """Remove atoms."""
        return vacancies(slab, between(slab, matched, self.width), self.share, rng)

    def depth(self, matched: Matched) -> int:
        """Half the width."""
        return (self.width + 1) // 2

    def describe(self) -> str:
        """Give the share."""
        return f"{100 * self.share:g} % vacancies in {self.width} atomic planes around the contact"


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
