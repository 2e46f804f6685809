"""Quadrature over the in-plane slowness.

Transmissivities have square-root edges at every critical slowness, where a wave of either medium starts to
graze. Along each azimuth the edges are found first (closed form for isotropic media, else bisection on the
number of propagating waves), and between neighbours p = a + (b − a) sin²θ with Gauss-Legendre nodes in θ
removes the roots. Azimuths are equidistant, which converges faster than any power for periodic functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np

from latmm.arrays import Floats
from latmm.continuum.media import Medium
from latmm.continuum.plane_waves import propagating_count

__all__ = ["SlownessMesh", "axial_azimuths", "slowness_mesh", "slowness_nodes"]

_COARSE = 300
"""Points along an azimuth among which edges are looked for."""


@dataclass(frozen=True)
class SlownessMesh:
    """Nodes of ∫ d²s∥.

    Attributes
    ----------
    slowness : (P, 2) float
        ps/nm.
    weight : (P,) float
        (ps/nm)².
    """

    slowness: Floats
    weight: Floats


def slowness_nodes(edges: Floats, count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of ∫ dp over [0, last edge] for integrands with square-root edges.

    Parameters
    ----------
    edges : (C,) float
        Critical slownesses, ps/nm, in any order.
    count : int
        Gauss nodes between neighbouring edges.

    Returns
    -------
    slowness, weight : (N,) ndarray
        ps/nm.
    """
    ends = np.unique(np.append(0.0, edges))
    # edges of two nearly identical media closer than rounding are one
    ends = ends[np.append(True, np.diff(ends) > 1e-12 * ends[-1])]
    x, w = np.polynomial.legendre.leggauss(count)
    theta, w = 0.25 * pi * (x + 1.0), 0.25 * pi * w
    width = np.diff(ends)[:, None]
    nodes = ends[:-1, None] + width * np.sin(theta) ** 2
    return nodes.ravel(), (width * np.sin(2.0 * theta) * w).ravel()


def slowness_mesh(media: Sequence[Medium], *, azimuths: int = 72, nodes: int = 24) -> SlownessMesh:
    """Mesh that resolves the critical slownesses of several media.

    Parameters
    ----------
    media : sequence of Medium
        All media whose waves take part.
    azimuths : int
        Directions in the plane, an even number; one suffices where everything is isotropic about the normal
        (:func:`axial_azimuths`).
    nodes : int
        Gauss nodes between neighbouring edges.
    """
    angles = 2.0 * pi * (np.arange(azimuths) + 0.5) / azimuths
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    half = max(1, azimuths // 2)  # opposite directions have the same edges
    edges = [_critical_slownesses(medium, directions[:half]) for medium in media]
    slowness, weight = [], []
    for i, direction in enumerate(directions):
        p, w = slowness_nodes(np.concatenate([edge[i % half] for edge in edges]), nodes)
        slowness.append(p[:, None] * direction)
        weight.append(w * p * (2.0 * pi / azimuths))
    return SlownessMesh(np.concatenate(slowness), np.concatenate(weight))


def axial_azimuths(media: Sequence[Medium], azimuths: int) -> int:
    """Reduce the azimuths to one where all media are isotropic about the normal."""
    return 1 if all(_is_axial(medium) for medium in {id(m): m for m in media}.values()) else azimuths


def _is_axial(medium: Medium) -> bool:
    """Whether the medium looks the same along every direction of the xy plane."""
    turned = medium.rotated(_turn(0.7))
    scale = 1e-9 * float(np.max(np.abs(medium.stiffness)))
    return bool(
        np.max(np.abs(turned.stiffness - medium.stiffness)) < scale
        and np.max(np.abs(turned.stress - medium.stress)) < scale
    )


def _turn(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _critical_slownesses(medium: Medium, directions: Floats) -> list[Floats]:
    """Slownesses along each in-plane direction at which the number of propagating waves changes, ps/nm."""
    if medium.is_fluid:
        return [np.array([np.sqrt(medium.density / medium.stiffness[0, 0])])] * len(directions)
    # no wave is slower than the slowest of a dense set of directions, within a per cent
    rays = np.random.default_rng(0).normal(size=(4000, 3))
    speed, _ = medium.christoffel(rays / np.linalg.norm(rays, axis=1)[:, None])
    largest = 1.03 / float(speed.min())
    coarse = np.linspace(0.0, largest, _COARSE + 1)
    counts = propagating_count(medium, directions[:, None, :] * coarse[:, None])
    line, start = np.nonzero(np.diff(counts, axis=1))
    low, high = coarse[start], coarse[start + 1]
    below = counts[line, start]
    for _ in range(45):
        middle = 0.5 * (low + high)
        same = propagating_count(medium, directions[line] * middle[:, None]) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [high[line == i] for i in range(len(directions))]
