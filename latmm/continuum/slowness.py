"""Quadrature over the in-plane slowness.

Transmissivities have square-root edges at every critical slowness, where a wave of either medium starts to
graze. Along each azimuth the edges are found first (closed form for fluids, else bisection on the number of
propagating waves), and between neighbours p = a + (b − a) sin²θ with Gauss nodes in θ removes the roots.

Two meshes are made of that. :func:`slowness_mesh` has as many nodes as it is told, at equidistant azimuths.
:func:`adaptive_mesh` follows an integrand: a surface or interface wave that leaks into the bulk is a line of
relative width γ/p (2e-3 for helium on copper), where |Z|, the impedance that both surfaces offer together,
has a minimum. Panels of Gauss and Kronrod's 7 and 15 nodes, in θ and in the azimuth, are halved where both
orders disagree, so that nodes gather around the line down to its width, and around the azimuths at which a
surface wave starts to leak or a slowness sheet folds. Symmetry about the normal, where both media share it,
leaves only a wedge of azimuths to be computed.

Source: R. Piessens et al., QUADPACK (1983) (nodes of the 7 and 15 point rules, scaling of their difference).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Floats, Integers
from latmm.continuum.media import Medium
from latmm.continuum.stroh import propagating_count

__all__ = [
    "AdaptiveMesh",
    "SlownessMesh",
    "adaptive_mesh",
    "axial_azimuths",
    "critical_slownesses",
    "slowness_mesh",
    "slowness_nodes",
    "symmetry_wedge",
]

_COARSE = 300
"""Points along an azimuth among which edges are looked for."""
_HALVINGS = 30
"""Of the step between them: edges to 1e-11, far inside the first node's distance from an edge (5e-5)."""
_PANELS = 4
"""Panels of azimuths in a full turn to begin with: opposite ones share their edges."""
_DEPTH = 24
"""Halvings of a panel at most."""
_MOST = 1_000_000
"""Nodes after which the azimuths are left as they are, and the error tells how far that is."""
_SHARE_ALONG = 0.2
"""Fraction of the tolerance for the integrals along the azimuths."""

_KRONROD = np.array(
    [
        0.991455371120812639206854697526329,
        0.949107912342758524526189684047851,
        0.864864423359769072789712788640926,
        0.741531185599394439863864773280788,
        0.586087235467691130294144691693013,
        0.405845151377397166906606412076961,
        0.207784955007898467600689403773245,
    ]
)
_KRONROD_WEIGHT = np.array(
    [
        0.022935322010529224963732008058970,
        0.063092092629978553290700663189204,
        0.104790010322250183839876322541518,
        0.140653259715525918745189590510238,
        0.169004726639267902826583426598550,
        0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
    ]
)
_GAUSS_WEIGHT = np.array(
    [
        0.129484966168869693270611432679082,
        0.279705391489276667901467771423780,
        0.381830050505118944950369775488975,
    ]
)
_NODES = np.concatenate([-_KRONROD, [0.0], _KRONROD[::-1]])
"""Fifteen nodes on [−1, 1], of which every second is one of seven."""
_FINE = np.concatenate([_KRONROD_WEIGHT, [0.209482141084727828012999174891714], _KRONROD_WEIGHT[::-1]])
_COARSE_RULE = np.zeros(15)
_COARSE_RULE[1::2] = np.concatenate(
    [_GAUSS_WEIGHT, [0.417959183673469387755102040816327], _GAUSS_WEIGHT[::-1]]
)


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
    ends = _distinct(edges)
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
    edges = [critical_slownesses(medium, directions[:half]) for medium in media]
    slowness, weight = [], []
    for i, direction in enumerate(directions):
        p, w = slowness_nodes(np.concatenate([edge[i % half] for edge in edges]), nodes)
        slowness.append(p[:, None] * direction)
        weight.append(w * p * (2.0 * pi / azimuths))
    return SlownessMesh(np.concatenate(slowness), np.concatenate(weight))


Integrand = Callable[[Floats], Floats]
"""In-plane slownesses (P, 2) to the values (P, m) of m functions that are not negative."""


@dataclass(frozen=True)
class AdaptiveMesh(SlownessMesh):
    """Nodes of ∫ d²s∥ that follow an integrand.

    Attributes
    ----------
    order : (P,) int
        Place of each node among all slownesses that the integrand was asked for.
    error : (m,) float
        Of the integral of every function, relative.
    """

    order: Integers
    error: Floats


def adaptive_mesh(media: Sequence[Medium], integrand: Integrand, *, tolerance: ArrayLike) -> AdaptiveMesh:
    """Mesh that resolves the critical slownesses of several media, and resonances of the integrand.

    Parameters
    ----------
    media : sequence of Medium
        All media whose waves take part; rotations and mirrors about z that they share are taken for those of
        the integrand.
    integrand : callable
        Called with every node once, in batches.
    tolerance : float or (m,) array_like
        Relative error of every function's integral at which refinement ends.
    """
    tolerance = np.asarray(tolerance, dtype=float)
    search = _Search(media, integrand, _SHARE_ALONG * tolerance)
    if axial_azimuths(media, 2) == 1:
        turns = search.lines(np.zeros(1))
        return _assembled([turns], [np.array([2.0 * pi])], np.zeros_like(turns.error[0]))
    start, wedge, copies = symmetry_wedge(media)
    count = max(1, round(_PANELS * wedge / (2.0 * pi)))
    ends = start + wedge * np.arange(count + 1) / count
    lower, upper = ends[:-1], ends[1:]
    done: list[_Panel] = []
    for depth in range(_DEPTH):
        half = 0.5 * (upper - lower)
        azimuths = 0.5 * (upper + lower)[:, None] + half[:, None] * _NODES
        found = search.lines(azimuths.ravel())
        rule = _both_orders(found.value.reshape(len(half), _NODES.size, -1), half)
        for k in range(len(half)):
            lines = np.arange(k * _NODES.size, (k + 1) * _NODES.size)
            done.append(_Panel(lower[k], upper[k], rule.value[k], rule.error[k], found, lines))
        limit = tolerance * np.sum([panel.value for panel in done], axis=0)
        agreed = np.all(np.sum([panel.error for panel in done], axis=0) <= limit)
        if agreed or depth == _DEPTH - 1 or search.asked > _MOST:
            break
        enough = [bool(np.all(panel.error <= limit / len(done))) for panel in done]
        wanting = [panel for panel, fine in zip(done, enough, strict=True) if not fine]
        done = [panel for panel, fine in zip(done, enough, strict=True) if fine]
        lower = np.array([end for p in wanting for end in (p.lower, 0.5 * (p.lower + p.upper))])
        upper = np.array([end for p in wanting for end in (0.5 * (p.lower + p.upper), p.upper)])
    batches = list({id(panel.found): panel.found for panel in done}.values())
    weights = [np.zeros(len(batch.value)) for batch in batches]
    place = {id(batch): i for i, batch in enumerate(batches)}
    for panel in done:
        weights[place[id(panel.found)]][panel.lines] = copies * 0.5 * (panel.upper - panel.lower) * _FINE
    around = np.asarray(copies * np.sum([panel.error for panel in done], axis=0))
    return _assembled(batches, weights, around)


@dataclass(frozen=True)
class _Lines:
    """Integrals ∫ dp p f along A azimuths, with the P nodes of all of them.

    Attributes
    ----------
    value, error : (A, m) float
    line : (P,) int
        Azimuth of each node.
    slowness : (P, 2) float
    weight : (P,) float
    order : (P,) int
    """

    value: Floats
    error: Floats
    line: Integers
    slowness: Floats
    weight: Floats
    order: Integers


class _Panel(NamedTuple):
    """A panel of azimuths: which lines of those found it holds, their integral and its error (m,)."""

    lower: float
    upper: float
    value: Floats
    error: Floats
    found: _Lines
    lines: Integers


def _assembled(batches: list[_Lines], weights: list[Floats], around: Floats) -> AdaptiveMesh:
    """Mesh of lines with weights (A,) of their azimuths; those of weight zero are left out."""
    total = sum(w @ batch.value for batch, w in zip(batches, weights, strict=True))
    along = sum(w @ batch.error for batch, w in zip(batches, weights, strict=True))
    kept = [w[batch.line] > 0 for batch, w in zip(batches, weights, strict=True)]
    parts = [
        (b.slowness[k], (b.weight * w[b.line])[k], b.order[k])
        for b, w, k in zip(batches, weights, kept, strict=True)
    ]
    slowness, weight, order = (np.concatenate(x) for x in zip(*parts, strict=True))
    scale = np.where(np.asarray(total) > 0, total, 1.0)
    return AdaptiveMesh(slowness, weight, order=order, error=(along + around) / scale)


class _Search:
    """Integrals along azimuths, each refined on its own to a tolerance relative to the mean of the first."""

    def __init__(self, media: Sequence[Medium], integrand: Integrand, tolerance: Floats) -> None:
        self.media, self.integrand, self.tolerance = media, integrand, tolerance
        self.asked = 0
        self.limit: Floats | None = None

    def lines(self, azimuths: Floats) -> _Lines:
        """Integrate along azimuths (A,), radians."""
        directions = np.stack([np.cos(azimuths), np.sin(azimuths)], axis=-1)
        # opposite directions have the same edges
        own, back = np.unique(np.round(np.mod(azimuths, pi), 12), return_inverse=True)
        edges = [critical_slownesses(m, np.stack([np.cos(own), np.sin(own)], axis=-1)) for m in self.media]
        starts, widths, line = [], [], []
        for i, j in enumerate(back):
            ends = _distinct(np.concatenate([edge[j] for edge in edges]))
            starts.append(ends[:-1])
            widths.append(np.diff(ends))
            line.append(np.full(ends.size - 1, i))
        return self._refined(directions, np.concatenate(starts), np.concatenate(widths), np.concatenate(line))

    def _refined(self, directions: Floats, start: Floats, width: Floats, line: Integers) -> _Lines:
        """Halve panels in θ, first (0, π/2) between all edges, until both orders agree."""
        lower, upper = np.zeros(line.size), np.full(line.size, 0.5 * pi)
        value = error = np.zeros((len(directions), 0))
        parts = []
        for depth in range(_DEPTH):
            half = 0.5 * (upper - lower)
            theta = 0.5 * (upper + lower)[:, None] + half[:, None] * _NODES
            p = start[:, None] + width[:, None] * np.sin(theta) ** 2
            density = p * width[:, None] * np.sin(2.0 * theta)
            slowness = p[..., None] * directions[line][:, None]
            f = self.integrand(slowness.reshape(-1, 2)).reshape(*p.shape, -1)
            rule = _both_orders(density[..., None] * f, half)
            order = self.asked + np.arange(p.size).reshape(p.shape)
            self.asked += p.size
            if depth == 0:
                value, error = np.zeros((2, len(directions), f.shape[-1]))
            if self.limit is None:
                self.limit = self.tolerance * rule.value.sum(axis=0) / line.size
            fine = ~np.any(rule.error > self.limit, axis=-1) | (depth == _DEPTH - 1)
            np.add.at(value, line[fine], rule.value[fine])
            np.add.at(error, line[fine], rule.error[fine])
            weight = density * half[:, None] * _FINE
            parts.append((np.repeat(line[fine], _NODES.size), slowness[fine], weight[fine], order[fine]))
            if fine.all():
                break
            middle = 0.5 * (lower + upper)[~fine]
            lower = np.stack([lower[~fine], middle], axis=-1).ravel()
            upper = np.stack([middle, upper[~fine]], axis=-1).ravel()
            start, width, line = (np.repeat(x[~fine], 2) for x in (start, width, line))
        columns = [
            np.concatenate([part[i].reshape(-1, *tail) for part in parts])
            for i, tail in enumerate(((), (2,), (), ()))
        ]
        return _Lines(
            value, error, columns[0].astype(np.int64), columns[1], columns[2], columns[3].astype(np.int64)
        )


def symmetry_wedge(media: Sequence[Medium]) -> tuple[float, float, int]:
    """Wedge of azimuths that symmetry about the normal repeats: its start, its width, radians, and copies."""
    known = list({id(m): m for m in media}.values())
    fold = next(n for n in (6, 4, 3, 2, 1) if all(_keeps(m, _turn(2.0 * pi / n)) for m in known))
    for mirror in np.arange(12) * pi / 12.0:
        flip = _turn(mirror) @ np.diag([1.0, -1.0, 1.0]) @ _turn(-mirror)
        if all(_keeps(m, flip) for m in known):
            return float(mirror), pi / fold, 2 * fold
    return 0.0, 2.0 * pi / fold, fold


def axial_azimuths(media: Sequence[Medium], azimuths: int) -> int:
    """Reduce the azimuths to one where all media are isotropic about the normal."""
    known = {id(m): m for m in media}.values()
    return 1 if all(_keeps(medium, _turn(0.7)) for medium in known) else azimuths


def _keeps(medium: Medium, operation: Floats) -> bool:
    """Whether a rotation or mirror (3, 3) leaves the medium as it is."""
    b = medium.moduli
    turned = np.einsum("ia,jb,kc,ld,abcd->ijkl", *4 * (operation,), b, optimize=True)
    return bool(np.max(np.abs(turned - b)) < 1e-9 * np.max(np.abs(b)))


def _turn(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _distinct(edges: Floats) -> Floats:
    """Zero and the edges, ascending; those of nearly identical media closer than rounding are one."""
    ends = np.unique(np.append(0.0, edges))
    return np.asarray(ends[np.append(True, np.diff(ends) > 1e-12 * ends[-1])])


class _Rule(NamedTuple):
    """Integrals (K, m) of m functions over K panels, and the errors that the two orders tell."""

    value: Floats
    error: Floats


def _both_orders(f: Floats, half: Floats) -> _Rule:
    """Integrate f (K, 15, m) at the nodes of panels of half widths (K,)."""
    fine = np.einsum("n,knm->km", _FINE, f) * half[:, None]
    difference = np.abs(np.einsum("n,knm->km", _FINE - _COARSE_RULE, f)) * half[:, None]
    mean = 0.5 * fine / half[:, None]
    spread = np.einsum("n,knm->km", _FINE, np.abs(f - mean[:, None])) * half[:, None]
    # the difference is the error of seven nodes; that of fifteen is its power 3/2, in units of the spread
    ratio = np.divide(200.0 * difference, spread, out=np.zeros_like(spread), where=spread > 0)
    return _Rule(fine, np.minimum(difference, spread * ratio**1.5))


def critical_slownesses(medium: Medium, directions: Floats) -> list[Floats]:
    """Slownesses along each in-plane direction at which the number of propagating waves changes, ps/nm."""
    if medium.is_fluid:
        return [np.array([np.sqrt(medium.density / medium.stiffness[0, 0])])] * len(directions)
    slowest, fastest = medium.speed_range
    coarse = np.linspace(0.0, 1.03 / slowest, _COARSE + 1)
    # inside all slowness sheets every wave propagates
    counts = np.full((len(directions), coarse.size), 6)
    outer = coarse > 0.97 / fastest
    counts[:, outer] = propagating_count(medium, directions[:, None, :] * coarse[outer, None])
    line, start = np.nonzero(np.diff(counts, axis=1))
    low, high = coarse[start], coarse[start + 1]
    below = counts[line, start]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        same = propagating_count(medium, directions[line] * middle[:, None]) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [high[line == i] for i in range(len(directions))]
