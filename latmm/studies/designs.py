"""Layers made to measure: profiles by name, and the continuum stack of the same profile.

Graded layers are virtual crystals (:mod:`latmm.disorder.virtual`): a profile lists the right crystal's
fraction by atomic plane. In the continuum's stack each plane is a layer, as thick as the planes are apart;
its medium (:func:`latmm.continuum.grading.intermediate`) has the density of the mean mass.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from latmm.continuum.combined import Side
from latmm.continuum.grading import intermediate
from latmm.continuum.layers import Layer, Stack
from latmm.continuum.media import Medium
from latmm.defaults import LAYER_PROFILES
from latmm.disorder.kinds import Interlayer
from latmm.disorder.profiles import Profile
from latmm.disorder.sites import levels
from latmm.errors import InputError
from latmm.interface.interface import Interface

__all__ = ["Design", "continuum_stack", "design", "listed", "third_material"]

_NM_PER_A = 0.1


@dataclass(frozen=True)
class Design:
    """A layer between two crystals.

    Attributes
    ----------
    name : str
        Of its profile or material.
    content : Profile or Interlayer
        Fraction of the right crystal by atomic plane, or a third material.
    """

    name: str
    content: Profile | Interlayer

    @property
    def planes(self) -> int:
        """Atomic planes of the layer."""
        return self.content.width if isinstance(self.content, Interlayer) else len(self.content.fraction)


def design(kind: str, planes: int, ideal: Interface) -> Design:
    """Lay out a layer by the name of its profile.

    Parameters
    ----------
    kind : {"linear", "exponential", "bridge", "superlattice"}
        The mean mass grows by equal steps, or by equal factors; or it is the geometric mean of both
        crystals' in all planes; or the planes are those of the right and of the left crystal in turn, two
        primitive layers of each.
    planes : int
        Atomic planes of the layer.
    ideal : Interface
        The crystals.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If the kind is unknown or the number is not positive.
    """
    if int(planes) != planes or planes < 1:
        raise InputError(
            f"a layer needs a positive number of atomic planes, but {planes} are asked for; use e.g. 8"
        )
    ratio = float(ideal.right.atoms.get_masses().sum() / ideal.left.atoms.get_masses().sum())
    if kind == "linear":
        return Design(kind, Profile.linear(planes))
    if kind == "exponential":
        return Design(kind, Profile.geometric(planes, ratio))
    if kind == "bridge":
        # 1 + s (r − 1) = √r
        return Design(kind, Profile.uniform(planes, 1.0 / (1.0 + np.sqrt(ratio))))
    if kind == "superlattice":
        period = 2 * (int(levels(ideal.matched.left).max()) + 1)
        return Design(kind, Profile.listed([1.0 - j // period % 2 for j in range(planes)]))
    raise InputError(
        f"unknown profile {kind!r}; choose from {', '.join(LAYER_PROFILES)}, or list fractions, e.g. 0.2,0.5"
    )


def listed(fraction: list[float]) -> Design:
    """Lay out a layer of given fractions of the right crystal in its planes, from left to right."""
    if not fraction:
        raise InputError("a profile needs at least one fraction; list them by plane, e.g. 0.2,0.5,0.8")
    return Design(",".join(f"{x:g}" for x in fraction), Profile.listed(fraction))


def third_material(species: Mapping[str, tuple[str, float]], planes: int) -> Design:
    """Lay out a layer of a third material on the same lattice.

    Parameters
    ----------
    species : mapping
        Element of the crystals → (new element, its mass in amu).
    planes : int
        Atomic planes of the layer.
    """
    name = ",".join(sorted({new for new, _ in species.values()}))
    return Design(name, Interlayer(planes, species))


def continuum_stack(profile: Profile, ideal: Interface, left: Side, right: Side) -> Stack:
    """Stack of elastic layers that stands for a profile between two media.

    Media under initial stress are replaced by their isotropic averages.
    """
    media = left.medium, right.medium
    if any(np.abs(medium.stress).max() > 1e-9 * np.abs(medium.stiffness).max() for medium in media):
        media = left.isotropic, right.isotropic
    spacing = [
        float(crystal.cell.array[2, 2]) / (int(levels(crystal).max()) + 1) * _NM_PER_A
        for crystal in (ideal.matched.left, ideal.matched.right)
    ]
    ends = {0.0: media[0], 1.0: media[1]}
    layers = tuple(
        Layer(
            ends.get(fraction, intermediate(*media, _fraction(*media, fraction))),
            (1.0 - fraction) * spacing[0] + fraction * spacing[1],
        )
        for fraction in profile.fraction.tolist()
    )
    return Stack(media[0], media[1], layers)


def _fraction(left: Medium, right: Medium, fraction: float) -> float:
    """Position on the geometric path between two media where the density is the mean of given fraction."""
    ratio = right.density / left.density
    if abs(ratio - 1.0) < 1e-9:
        return fraction
    return float(np.clip(np.log1p(fraction * (ratio - 1.0)) / np.log(ratio), 0.0, 1.0))
