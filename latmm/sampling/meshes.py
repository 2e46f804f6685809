"""Where to sample k∥ and ν so that one run holds from low temperature to the classical limit.

At low frequency only |k∥| ≤ ω/c of the zone carries phonons. A mesh over the whole zone misses them; a mesh
over a window f · (zone), f just large enough that no phonon of either crystal lies outside, has the same
relative accuracy at every frequency. The windows are found from the dispersions: the lowest frequency of both
crystals on the window's edge, over all q_z. Meshes are midpoint meshes, reduced by the symmetry they share
with the interface. Long waves may be sampled along rays instead (:mod:`latmm.sampling.long_wavelength`).

Frequencies are midpoints in u, ν = ν_max u², dense at low ν where little heat but all of it at low T flows;
those of long waves along rays, on which Ξ/ν² is smooth, are Gauss's nodes in ln ν, on panels whose edges no
temperature moves: a lower one adds panels below and leaves all other nodes and their k∥ where they are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from latmm.arrays import Bools, Floats, Integers, is_whole
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, THZ_PER_KELVIN, TWO_PI

__all__ = [
    "Window",
    "ceilings",
    "check_sampling",
    "frequency_grid",
    "reduced_mesh",
    "relevance",
    "staggered",
    "windows",
]

ELASTIC = 2e-3
"""Share of the common band below which crystals are elastic continua: Ξ ∝ ν² to about the square of it."""
LAW = 5.0
"""That law is read off from the top of this range to this multiple of it: Ξ/ν² holds to 1e-4 there."""
_MOST_WAVE_VECTORS = 4_000_000
_MOST_FREQUENCIES = 100_000
"""Samples that a sweep may have: more would take years, and fill the memory before they begin."""
TIME_REVERSAL = [np.eye(2, dtype=np.int64), -np.eye(2, dtype=np.int64)]
"""What takes k∥ to k∥ of equal transmission at every interface."""
_NEGLIGIBLE = 0.02
"""hν/(k_B T) below which the heat that flows is negligible: x³/78 of the whole for Ξ ∝ ν²."""
_SLIGHT = 0.1
"""The same for long waves, which have to be sampled: 1e-5 of the whole."""
_FROZEN = 30.0
"""hν/(k_B T) above which no phonon is excited."""
_PER_DECADE = 12
"""Gauss nodes of the elastic range for each factor of ten in ν."""
_LONG_WAVES = 8
"""Gauss nodes of long waves, which are sampled, for each factor of ten in ν, at least; and for each"""
_PANELS = 2
"""Panels of long waves for each factor of ten in ν."""
_SHARE = 12
"""of so many other frequencies one more: contacts many layers thick resonate."""
_SAFETY = 0.95
"""A window is used below this share of the lowest frequency found on its edge (the edge is sampled)."""
_SHRINK = 2.0**-0.5
"""Ratio of the sizes of successive windows."""
_HEED = 0.4
"""Points along an axis go with this power of a window's importance: least cost if errors fall as N^-3/2."""
_COARSEST = 0.25
"""Factor by which a mesh is coarser at most for want of importance."""


@dataclass(frozen=True)
class Window:
    """A k∥ mesh over part of the zone, and the frequencies it serves.

    Attributes
    ----------
    wave_vectors : (K, 2) float
        Irreducible k∥, fractional coordinates of the 2-D reciprocal cell.
    weights : (K,) float
        Their weights; they sum to the window's share of the zone.
    selected : (F,) bool
        Which nodes of the frequency grid are sampled here.
    """

    wave_vectors: Floats
    weights: Floats
    selected: Bools


def check_sampling(kmesh: tuple[int, int], frequencies: int) -> None:
    """Check the numbers of samples.

    Raises
    ------
    InputError
        If the mesh is not two positive integers, or there are fewer than two frequencies, or more of either
        than any machine solves.
    """
    if len(kmesh) != 2 or not all(is_whole(n, 1) for n in kmesh):
        raise InputError(f"`kmesh` must be two positive integers, but is {tuple(kmesh)}; use e.g. (12, 12)")
    if int(kmesh[0]) * int(kmesh[1]) > _MOST_WAVE_VECTORS:
        raise InputError(
            f"`kmesh` may have {_MOST_WAVE_VECTORS} points, but is {tuple(kmesh)}; use a coarser mesh"
        )
    if not is_whole(frequencies, 2):
        raise InputError(f"`frequencies` must be an integer of at least 2, but is {frequencies}; use e.g. 64")
    if frequencies > _MOST_FREQUENCIES:
        raise InputError(
            f"`frequencies` must be at most {_MOST_FREQUENCIES}, but is {frequencies}; use fewer frequencies"
        )


def frequency_grid(
    common_top: float,
    maximum_frequency: float,
    count: int,
    *,
    minimum_temperature: float,
    maximum_temperature: float | None = None,
    long_wavelength: float = 0.0,
) -> FrequencyGrid:
    """Nodes and weights up to ``maximum_frequency`` with a boundary at ``common_top``, THz.

    Parameters
    ----------
    common_top : float
        Top of the band that both crystals share, THz.
    maximum_frequency : float
        Top of the wider band, THz. Above ``common_top`` no heat crosses but the channels of one crystal
        count.
    count : int
        Nodes between the elastic range and ``common_top``, before long waves are taken out.
    minimum_temperature : float
        Lowest temperature of interest, K: nodes go down to where less than 1e-7 of its heat flows, those of
        long waves to 1e-5 or to a tenth of their highest frequency.
    maximum_temperature : float, optional
        Highest temperature of interest, K: nodes end where less than 1e-8 of its heat flows above.
    long_wavelength : float
        Frequency up to which Ξ/ν² is smooth and sampled as such, THz; 0 for nowhere.
    """
    lowest, elastic = _NEGLIGIBLE * THZ_PER_KELVIN * minimum_temperature, ELASTIC * common_top
    pieces: list[tuple[Floats, Floats]] = []
    law, bottom = lowest < elastic, elastic
    if law:
        decades = int(np.ceil(np.log10(elastic / lowest)))
        edges = elastic * 10.0 ** np.arange(-decades, 1.0)
        pieces += [_logarithmic(a, b, _PER_DECADE) for a, b in pairwise(edges)]
        bottom = float(edges[0])
    reach = (
        np.inf
        if maximum_temperature is None
        else max(_FROZEN * THZ_PER_KELVIN * maximum_temperature, LAW * elastic)
    )
    maximum_frequency, end = float(min(maximum_frequency, reach)), float(min(common_top, reach))
    start = elastic
    if long_wavelength > elastic:
        start = min(long_wavelength, end)
        # the law of the elastic range is read off above it
        below = elastic if law else max(elastic, min(_SLIGHT / _NEGLIGIBLE * lowest, 0.1 * start))
        edges = _panels(elastic, start)
        edges = edges[max(0, int(np.searchsorted(edges, below * (1.0 + 1e-9))) - 1) :]
        density = max(_LONG_WAVES, count / _SHARE)
        pieces += [
            _logarithmic(a, b, max(4, int(np.ceil(density * np.log10(b / a) - 1e-9))))
            for a, b in pairwise(edges)
        ]
        bottom = bottom if law else float(edges[0])
    if start < end:
        # midpoints in √ν above long waves, else in √(ν − start)
        gone = float(np.sqrt(start / end)) if long_wavelength > elastic else 0.0
        linear = 2.0 * gone / (1.0 - gone)
        scale = (end - start) / (1.0 + linear)
        u, du = _midpoints(max(2, int(np.ceil((1.0 - gone) * count))))
        pieces.append((start + scale * (u + linear) * u, scale * du * (2.0 * u + linear)))
    if maximum_frequency > common_top * (1.0 + 1e-9):
        u, du = _midpoints(max(2, int(np.ceil(0.25 * count * (maximum_frequency - common_top) / common_top))))
        pieces.append(
            (common_top + (maximum_frequency - common_top) * u, (maximum_frequency - common_top) * du)
        )
    nodes, weights = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return FrequencyGrid(nodes, weights, bottom)


def _panels(bottom: float, top: float) -> Floats:
    """Edges from the top down in equal factors, the last panel as wide as is left, half to one and a half."""
    number = max(1, int(_PANELS * np.log10(top / bottom) + 0.5))
    return np.append(bottom, top * 10.0 ** (-np.arange(number - 1, -1, -1) / _PANELS))


def _midpoints(count: int) -> tuple[Floats, Floats]:
    """Midpoint rule from 0 to 1."""
    return np.asarray((np.arange(count) + 0.5) / count), np.full(count, 1.0 / count)


def _logarithmic(start: float, end: float, count: int) -> tuple[Floats, Floats]:
    """Gauss's rule in ln ν: smooth there is what flows at low temperature."""
    x, w = np.polynomial.legendre.leggauss(count)
    half = 0.5 * np.log(end / start)
    nodes = start * np.exp(half * (x + 1.0))
    return nodes, nodes * half * w


def ceilings(
    crystals: tuple[ForceConstants, ForceConstants], folded: Callable[[int, Floats], Floats] | None = None
) -> Iterator[tuple[float, float]]:
    """Windows of decreasing size, and the frequency below which no phonon of either crystal lies outside.

    Parameters
    ----------
    crystals : (2,) ForceConstants
        Left and right, in their own lateral cells.
    folded : callable, optional
        As in :func:`windows`.

    Yields
    ------
    size : float
        Share of the zone along both axes.
    frequency : float
        THz.
    """
    size, ceiling = 1.0, np.inf
    while True:
        size *= _SHRINK
        edge = _edge(size)
        for side, crystal in enumerate(crystals):
            images = edge if folded is None else folded(side, edge).reshape(-1, 2)
            ceiling = min(ceiling, _lowest(crystal, images, size))
        yield size, _SAFETY * ceiling


def windows(
    left: ForceConstants,
    right: ForceConstants,
    grid: FrequencyGrid,
    mesh: tuple[int, int],
    rotations: list[Integers],
    *,
    common: float,
    folded: Callable[[int, Floats], Floats] | None = None,
    above: float = 0.0,
) -> list[Window]:
    """Choose a window for every frequency.

    Parameters
    ----------
    left, right : ForceConstants
        The crystals, in their own lateral cells.
    grid : FrequencyGrid
        Frequencies, THz.
    mesh : (2,) int
        k∥ points along both axes, in every window.
    rotations : list of (2, 2) int
        Symmetry of k∥, from the interface.
    common : float
        Top of the band that both crystals share, THz.
    folded : callable, optional
        Number of a crystal (0 left, 1 right) and k∥ (K, 2) of the mesh to the k∥ (K, N, 2) of the crystal's
        own cell that fold onto it; needed where the common lateral cell is not that of the crystals.
    above : float
        Frequencies below are sampled elsewhere, THz.

    Returns
    -------
    list of Window
        Each frequency is in one of them but for the elastic range, which needs none; the widest, the whole
        zone, comes first.
    """
    chosen = np.ones(grid.frequency.size)
    sampled = grid.frequency >= max(ELASTIC * common, above)
    for size, ceiling in ceilings((left, right), folded):
        inside = sampled & (grid.frequency < ceiling)
        if not inside.any():
            break
        chosen[inside] = size
    found = []
    for extent in sorted(set(chosen[sampled].tolist()), reverse=True):
        points, weights = reduced_mesh(mesh, extent, rotations)
        found.append(Window(points, weights * extent**2, sampled & (chosen == extent)))
    return found


def staggered(
    samples: list[Window],
    mesh: tuple[int, int],
    rotations: list[Integers],
    *,
    importance: Floats | None = None,
) -> list[Window]:
    """Sample successive frequencies on two k∥ meshes in turn, the second between the points of the first.

    The points of both fill (k∥, ν) more evenly than one mesh for all frequencies, at the same cost, and what
    neighbours differ by tells the error (:mod:`latmm.sweep.accuracy`).

    Parameters
    ----------
    samples : list of Window
        From :func:`windows`, of the same mesh and rotations.
    mesh : (2,) int
        k∥ points along both axes.
    rotations : list of (2, 2) int
        Symmetry of k∥.
    importance : (F,) float, optional
        Share of the result that each frequency has; a window of little importance gets a coarser mesh.
    """
    found = []
    for window in samples:
        if not window.selected.any():
            continue
        extent = float(np.sqrt(window.weights.sum()))
        size = 1.0 if extent > 1.0 - 1e-9 else extent  # the whole zone is recognised by its exact size
        finer = 1.0 if importance is None else float(relevance(importance)[window.selected].max())
        counts = (_even(finer * mesh[0]), _even(finer * mesh[1])) if finer < 1.0 else mesh
        # counted from the highest: nodes that a low temperature adds leave the meshes of the others
        even = np.arange(window.selected.size)[::-1] % 2 == 0
        for centred, share in ((False, even), (True, ~even)):
            selected = window.selected & share
            if selected.any():
                points, weights = reduced_mesh(counts, size, rotations, centred=centred)
                found.append(Window(points, weights * size**2, selected))
    return found


def relevance(importance: Floats) -> Floats:
    """Factor (F,) by which the mesh of a frequency may be coarser that has this share (F,) of the result."""
    return np.asarray(np.maximum((importance / importance.max()) ** _HEED, _COARSEST))


def _even(number: float) -> int:
    """Round up to an even number: both meshes of a window then keep clear of each other."""
    return max(2, 2 * int(np.ceil(0.5 * number - 1e-9)))


def reduced_mesh(
    mesh: tuple[int, int], size: float, rotations: list[Integers], *, centred: bool = False
) -> tuple[Floats, Floats]:
    """Mesh over the window |k₁|, |k₂| ≤ size/2, reduced by the rotations that map it onto itself.

    Parameters
    ----------
    mesh : (2,) int
        Points along both axes.
    size : float
        Share of the zone along both axes; 1 is the whole.
    rotations : list of (2, 2) int
        Symmetry of k∥.
    centred : bool
        Shift the midpoint mesh by half a cell along both axes, so that opposite edges of the window, which
        count as one, carry points.

    Returns
    -------
    wave_vectors : (K, 2) float
        One point of each orbit, fractional.
    weights : (K,) float
        Share of the mesh, summing to one.
    """
    counts = np.array(mesh)
    # odd integers label the midpoints (of an even mesh), even ones those of the shifted mesh:
    # k = size · label / (2 N)
    axes = [2 * np.arange(n) + (2 if centred else 1) - n for n in mesh]
    labels = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    index = {tuple(label): i for i, label in enumerate(labels.tolist())}
    orbit = np.arange(len(labels))
    for rotation in rotations:
        moved = (labels / counts) @ rotation.T * counts
        rounded = np.rint(moved).astype(int)
        if size == 1.0:  # the whole zone repeats
            rounded = (rounded + counts - 1) % (2 * counts) - counts + 1
        rounded = np.where(rounded == -counts, counts, rounded)  # opposite edges are one
        targets = [index.get(tuple(label)) for label in rounded.tolist()]
        if np.max(np.abs(moved - np.rint(moved))) < 1e-9 and None not in targets:
            images = np.array(targets, dtype=np.int64)
            # follow the rotation until no orbit changes: the smallest label stands for all
            while True:
                lower = np.minimum(orbit, orbit[images])
                np.minimum.at(lower, images, orbit)
                if np.array_equal(lower, orbit):
                    break
                orbit = lower
    for _ in range(len(rotations)):
        orbit = orbit[orbit]
    kept, counts_of = np.unique(orbit, return_counts=True)
    return size * labels[kept] / (2.0 * counts), counts_of / len(labels)


def _edge(size: float) -> Floats:
    """k∥ (K, 2) on the edge of a window; opposite edges are equal: ω(q) = ω(−q)."""
    along = np.linspace(-0.5, 0.5, 9)
    side = np.full(9, 0.5)
    return size * np.concatenate([np.column_stack([along, side]), np.column_stack([side, along])])


def _lowest(crystal: ForceConstants, wave_vectors: Floats, size: float) -> float:
    """Lowest frequency at any of the k∥ (K, 2), over all q_z, THz."""
    base = crystal.in_plane(wave_vectors)
    # near Γ the minimum lies at q_z of the size of k∥, elsewhere anywhere
    normal = np.unique(np.concatenate([np.linspace(-0.5, 0.5, 24), size * np.linspace(-0.5, 0.5, 25)]))
    q = np.repeat(base, normal.size, axis=0)
    q[:, 2] += np.tile(normal, len(base))
    squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q))[:, 0]
    return float(np.sqrt(max(squares.min(), 0.0) * EV_PER_A2_AMU) / TWO_PI)
