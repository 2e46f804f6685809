"""Where to sample the k∥ of long waves: along rays from Γ, between the band edges of both crystals.

At low frequency the surfaces ω(q) = 2πν of both crystals close around Γ and

    Ξ(ν) = ∫ dφ ∫ k dk T(k, φ, ν) / (4π²)

is an integral over the k∥ that they cover. Along a ray (fixed φ) T has kinks of the square-root kind where a
band begins or ends: where k on such a surface is extremal over q_z. Between two of these edges, a and b,
Gauss's rule in y with k = (a + b)/2 + (b − a)(3y − y³)/4 converges fast, because √(b − k) is analytic in y,
and it is exact for the area from three nodes on; from Γ to the first edge b, where only the far end has a
kink, k = b y (2 − y). Over φ midpoints do, in the smallest sector that the symmetry leaves.

Symbols: k → ``radius`` (Å⁻¹), φ → ``directions`` (unit vectors), q/ν on a surface → ``slowness`` (Å⁻¹ THz⁻¹).
"""

from dataclasses import dataclass

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.lattice.force_constants import ForceConstants
from latmm.sampling.meshes import ELASTIC, Window, ceilings
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["Rays", "along_rays", "highest_long_wave", "rays"]

_TILTS = np.pi * ((np.arange(64) + 0.5) / 64 - 0.5)
"""Angles between q and the plane at which the surfaces are sampled."""
_ALONG = 1.35 * np.sqrt(np.arange(5) / 4.0)
"""q in units of that of the elastic wave, at which frequencies are known: evenly in q²."""
_LONG = 1e-3
"""q a of a wave that counts as elastic, a³ the volume of a cell."""
_CLOSE = 1e-3
"""Edges nearer to each other than this share of the largest are one."""
_LEAST = 3
"""Nodes between two edges at least: the area is exact."""
_RADIAL = 0.5
"""Nodes along a ray for each point of the k∥ mesh along an axis, if no edge asks for more."""
_FEW = 3
"""Directions of a sector along which rays are followed to see whether surfaces close."""
_MORE = 24
"""Points along an axis that give one more node between two edges."""


@dataclass(frozen=True)
class Rays:
    """Directions of k∥, and the surfaces of constant frequency of both crystals above them.

    Attributes
    ----------
    directions : (A, 2) float
        Unit vectors, Cartesian.
    weights : (A,) float
        Share of the full turn that each stands for; they sum to one.
    frequency, slowness : tuple of (A, S, 3, Q) float
        Of the three acoustic branches of the left and the right crystal along S rays in the plane of a
        direction and the normal, THz, and |q|/ν there, Å⁻¹ THz⁻¹; from Γ on.
    """

    directions: Floats
    weights: Floats
    frequency: tuple[Floats, Floats]
    slowness: tuple[Floats, Floats]

    def reach(self, frequency: float) -> bool:
        """Whether both crystals' surfaces are closed up to a frequency, THz, so far as the rays tell."""
        for nu in self.frequency:
            rising = np.minimum.accumulate(np.diff(nu, axis=-1) > 0.0, axis=-1)
            highest = np.where(rising, nu[..., 1:], 0.0).max(axis=-1)
            if not np.all(highest > frequency):
                return False
        return True

    def edges(self, frequency: float) -> list[Floats]:
        """Edges of the bands along each direction at a frequency, THz: |k∥| in Å⁻¹, ascending."""
        found: list[list[Floats]] = [[] for _ in self.weights]
        for nu, slowness in zip(self.frequency, self.slowness, strict=True):
            # |k∥| on the surface: q/ν is linear in ν² between the points of a ray, very nearly
            after = np.maximum(np.argmax(nu > frequency, axis=-1), 1)[..., None]
            low, high = (np.take_along_axis(nu, after - step, axis=-1) ** 2 for step in (1, 0))
            first, last = (np.take_along_axis(slowness, after - step, axis=-1) for step in (1, 0))
            share = (frequency**2 - low) / (high - low)
            k = frequency * (first + share * (last - first))[..., 0] * np.cos(_TILTS)[:, None]
            before, here, behind = k[:, :-2], k[:, 1:-1], k[:, 2:]
            bend = before - 2.0 * here + behind
            turning = ((here - before) * (here - behind) >= 0.0) & (bend != 0.0)
            # top of the parabola through three points
            extreme = here - (behind - before) ** 2 / (8.0 * np.where(turning, bend, 1.0))
            for values, chosen, edges in zip(extreme, turning, found, strict=True):
                edges.append(values[chosen])
        return [_distinct(np.sort(np.concatenate(edges))) for edges in found]

    def samples(self, frequency: float, points: int, *, more: int = 0) -> tuple[Floats, Floats]:
        """k∥ and weights that integrate over all k∥ that carry phonons.

        Parameters
        ----------
        frequency : float
            ν, THz, for which the surfaces are closed.
        points : int
            Number that sets how many nodes there are along a ray.
        more : int
            Further nodes between any two edges.

        Returns
        -------
        wave_vectors : (K, 2) float
            Cartesian, Å⁻¹.
        weights : (K,) float
            Å⁻²: the area of the k∥ plane that each stands for.
        """
        vectors, weights = [], []
        for direction, share, edges in zip(self.directions, self.weights, self.edges(frequency), strict=True):
            radius, width = _radial(edges, points, more)
            vectors.append(radius[:, None] * direction)
            weights.append(TWO_PI * share * width * radius)
        return np.concatenate(vectors), np.concatenate(weights)


def highest_long_wave(interface: Interface, common: float) -> float:
    """Frequency up to which the surfaces of both crystals close around Γ inside the zone, THz.

    No phonon of such a frequency is elsewhere in the zone. Zero if there is no such frequency above the
    elastic range; ``common`` is the top of the band that both crystals share, THz.
    """
    crystals = (interface.left, interface.right)
    for _, frequency in ceilings(crystals, lambda side, k: interface.folded(("left", "right")[side], k)):
        if frequency < ELASTIC * common:
            break
        if rays(interface, _FEW, frequency).reach(frequency):
            return frequency
    return 0.0


def along_rays(
    interface: Interface, grid: FrequencyGrid, points: Integers, rotations: list[Integers] | None = None
) -> list[Window]:
    """Sample frequencies on two sets of rays in turn, the second much finer than the first.

    What they differ by is the error of the first; that of both in turn is half as large.

    Parameters
    ----------
    interface : Interface
        The crystals, their cell and its symmetry.
    grid : FrequencyGrid
        Frequencies, THz.
    points : (F,) int
        For each frequency, the number that sets how many rays there are and how many k∥ on each: that of a
        mesh along an axis. Zero where it is not to be sampled, as above :func:`highest_long_wave`.
    rotations : list of (2, 2) int, optional
        Symmetry of k∥ to be used; by default that of the interface.

    Returns
    -------
    list of Window
        One for each frequency, from the highest on.
    """
    nodes = np.flatnonzero(points)[::-1]
    share = interface.area / TWO_PI**2
    rotations = interface.rotations if rotations is None else rotations
    known: dict[int, Rays] = {}
    found = []
    for node in nodes:
        second = (points.size - 1 - int(node)) % 2  # counted from the highest node
        count = (1 + second) * max(2, -(-int(points[node]) // max(1, len(rotations))))
        if count not in known:
            known[count] = rays(interface, count, float(grid.frequency[nodes[0]]), rotations)
        k, area = known[count].samples(float(grid.frequency[node]), int(points[node]), more=second)
        # k a = 2π times the fractional coordinates
        wave_vectors = k @ interface.matched.cell.T / TWO_PI
        found.append(Window(wave_vectors, area * share, np.arange(points.size) == node))
    return found


def rays(interface: Interface, count: int, top: float, rotations: list[Integers] | None = None) -> Rays:
    """Choose directions and follow both crystals' dispersions along rays above them.

    Parameters
    ----------
    interface : Interface
        The crystals, their cell and its symmetry.
    count : int
        Directions in the smallest sector that the symmetry leaves.
    top : float
        Highest frequency of interest, THz.
    rotations : list of (2, 2) int, optional
        Symmetry of k∥ to be used; by default that of the interface.
    """
    rotations = interface.rotations if rotations is None else rotations
    directions, weights = _directions(interface.matched.cell, rotations, count)
    left, right = (_dispersion(crystal, directions, top) for crystal in (interface.left, interface.right))
    return Rays(directions, weights, (left[0], right[0]), (left[1], right[1]))


def _directions(cell: Floats, rotations: list[Integers], count: int) -> tuple[Floats, Floats]:
    """Choose unit vectors (A, 2) in the smallest sector that the symmetry leaves, with weights (A,).

    None lies on a mirror line: there modes decouple and T is not the limit of its neighbours.
    """
    # k = fractional @ basis; a rotation of fractional coordinates is one of Cartesian ones
    basis = np.linalg.inv(cell).T
    moves = [basis.T @ rotation @ np.linalg.inv(basis.T) for rotation in rotations]
    mirrors = [move for move in moves if np.linalg.det(move) < 0.0]
    # [[cos 2α, sin 2α], [sin 2α, −cos 2α]] leaves the line at α where it is
    start = 0.5 * np.arctan2(mirrors[0][1, 0], mirrors[0][0, 0]) if mirrors else 0.0
    angle = start + TWO_PI / (max(1, len(rotations)) * count) * (np.arange(count) + 0.5)
    return np.column_stack([np.cos(angle), np.sin(angle)]), np.full(count, 1.0 / count)


def _dispersion(crystal: ForceConstants, directions: Floats, top: float) -> tuple[Floats, Floats]:
    """Frequencies and q/ν (A, S, 3, Q) of the acoustic branches along rays, past ``top``."""
    units = np.zeros((len(directions), _TILTS.size, 3))
    units[..., :2] = directions[:, None] * np.cos(_TILTS)[:, None]
    units[..., 2] = np.sin(_TILTS)
    long = _LONG / np.cbrt(crystal.volume)
    slowness = long / _acoustic(crystal, long * units)  # (A, S, 3)
    size = top * slowness[..., 0] * _ALONG[1:, None, None]  # the slowest branch comes first; (Q − 1, A, S)
    frequency = _acoustic(crystal, size[..., None] * units)
    found = np.concatenate([np.zeros_like(slowness)[None], frequency])
    ratio = np.concatenate([slowness[None], size[..., None] / frequency])
    return np.moveaxis(found, 0, -1), np.moveaxis(ratio, 0, -1)


def _acoustic(crystal: ForceConstants, q: Floats) -> Floats:
    """Three lowest frequencies (..., 3) at Cartesian q (..., 3), THz."""
    fractional = q.reshape(-1, 3) @ crystal.atoms.cell.array.T / TWO_PI
    squares = np.linalg.eigvalsh(crystal.dynamical_matrix(fractional))[:, :3]
    smallest = np.finfo(float).tiny  # a soft mode: no reach, but no division by zero
    frequency = np.sqrt(np.maximum(squares, smallest) * EV_PER_A2_AMU) / TWO_PI
    return np.asarray(frequency.reshape(q.shape))


def _distinct(edges: Floats) -> Floats:
    """Leave the last of edges that are close to each other."""
    ahead = np.append(np.diff(edges), np.inf)
    return np.asarray(edges[ahead > _CLOSE * edges[-1]])


def _radial(edges: Floats, points: int, more: int) -> tuple[Floats, Floats]:
    """Nodes and weights along a ray, from Γ over all edges."""
    least = _LEAST + points // _MORE
    nodes, weights = [], []
    for start, end in zip(np.append(0.0, edges[:-1]), edges, strict=True):
        share = (end - start) / edges[-1]
        y, w = np.polynomial.legendre.leggauss(max(least, int(np.ceil(_RADIAL * points * share))) + more)
        if start == 0.0:
            y, w = 0.5 * (1.0 + y), 0.5 * w
            nodes.append(end * y * (2.0 - y))
            weights.append(end * 2.0 * (1.0 - y) * w)
        else:
            half = 0.5 * (end - start)
            nodes.append(start + half * (1.0 + 0.5 * (3.0 * y - y**3)))
            weights.append(half * 1.5 * (1.0 - y**2) * w)
    return np.concatenate(nodes), np.concatenate(weights)
