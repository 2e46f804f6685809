"""Coincidence cells of two crystals on any two planes: small common in-plane cells at small strain.

A and B are the in-plane vectors of left and right in rows. Integer matrices M and N give a common cell if the
right crystal, deformed by F and free to turn about the normal, obeys

    N B F = M A,    F = R S:  a rotation by the twist angle and a stretch, S − 1 the strain.

As in the scheme of A. Zur and T. C. McGill, J. Appl. Phys. 55, 378 (1984), all superlattices M of the left
crystal up to an area are listed (Hermite normal forms) and reduced to their shortest vectors a, b. Their
partners are all pairs u, v of lattice vectors of the right crystal with the lengths and the angle of a, b up
to the strain: pairs rather than reduced pairs, since a strain may change which vectors are the shortest.

F = B⁻¹ Q A follows from the rational matrix Q = N⁻¹ M alone, so that Q names the coincidence. Its smallest
cell is the one whose M and N have six minors (det M, det N and the entries of d Q, d = det N) without a
common divisor. With symmetries V and W of the left and the right plane, both rotations or both mirrors, Q and
W⁻¹ Q V are one interface; the setting with the smallest twist is listed, of two opposite twists the positive
one, and of several settings of one twist the first in the order of the integers V and W.

| symbol | here |
|---|---|
| A, B | ``left``, ``right`` lattices, (2, 2) |
| M, N | ``lateral_left``, ``lateral_right`` |
| d Q | ``minors``, (K, 2, 2), with ``index`` d, (K,) |
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike
from scipy.linalg import polar

from latmm.arrays import Floats, Integers
from latmm.defaults import MAX_AREA
from latmm.errors import InputError
from latmm.geometry.cuts import planar_operations
from latmm.geometry.matching import LARGEST_STRAIN, Matched, given_strain, principal_strain
from latmm.geometry.orientation import gauss_reduce
from latmm.ties import classes, ordered

__all__ = ["SMALLEST", "CommonCell", "Coincidence", "coincidences", "matched_of"]

LARGEST_INDEX = 200
"""Primitive cells in a common cell beyond which the search takes more than ten seconds."""
LONGEST_LIST = 10_000
"""Interfaces beyond which the limits let anything pass."""
_SAME = (1e-7, 1e-7, 1e-6)
"""Areas (Å²), strains and twists (degrees) that differ by less are equal."""
_SLACK = 1e-9
"""Added to the limits of strain and area: rounding of the lattice vectors must not decide."""
_STRAIN_SIDES = ("right", "left", "both")


@dataclass(frozen=True)
class CommonCell:
    """Which common cell of two crystals on two planes, and where the crystals are cut.

    Attributes
    ----------
    max_area, twist
        As in :func:`coincidences`.
    choose : int
        Number in that list, from 1.
    cuts : (2,) int
        Number of each crystal's termination in :func:`latmm.geometry.cuts.terminations`, from 1.
    """

    max_area: float = MAX_AREA
    twist: tuple[float, float] | None = None
    choose: int = 1
    cuts: tuple[int, int] = (1, 1)


SMALLEST = CommonCell()
"""The first of the list, and the first cuts."""


@dataclass(frozen=True)
class Coincidence:
    """A common in-plane cell of two oriented crystals.

    Attributes
    ----------
    lateral_left, lateral_right : (2, 2) int
        Its vectors in units of each crystal's own a₁ and a₂, in rows.
    cell : (2, 2) float
        The same in Å, reduced and right-handed, in the axes of the left crystal.
    strain_left, strain_right : (2, 2) float
        In-plane Biot strain S − 1 of each crystal, in its own axes, relative to its own equilibrium.
    twist : float
        Angle from a₁ of the left crystal to a₁ of the right one, degrees, counterclockwise as seen from the
        right (looking against the normal), in (−180, 180].
    atoms : int
        Atoms in one primitive layer of both crystals over the common cell.
    """

    lateral_left: Integers
    lateral_right: Integers
    cell: Floats
    strain_left: Floats
    strain_right: Floats
    twist: float
    atoms: int

    @property
    def area(self) -> float:
        """Area of the common cell, Å²."""
        return float(np.linalg.det(self.cell))

    @property
    def indices(self) -> tuple[int, int]:
        """Primitive in-plane cells of left and right in the common cell."""
        return round(np.linalg.det(self.lateral_left)), round(np.linalg.det(self.lateral_right))

    @property
    def strain(self) -> float:
        """Largest principal strain of either crystal, without sign."""
        return float(max(np.abs(principal_strain(s)).max() for s in (self.strain_left, self.strain_right)))


def coincidences(
    left: Atoms,
    right: Atoms,
    *,
    max_area: float,
    max_strain: float,
    strain: str = "right",
    twist: tuple[float, float] | None = None,
) -> list[Coincidence]:
    """List the common cells of two oriented crystals at any twist.

    Parameters
    ----------
    left, right : ase.Atoms
        From :func:`latmm.geometry.orientation.orient`, each with its own plane. The right crystal meets the
        left one with its lower face; orient it with the opposite indices to turn it over.
    max_area : float
        Largest area of the common cell, Å².
    max_strain : float
        Largest principal strain, without sign.
    strain : {"right", "left", "both"}
        The crystal that is strained to the other, or both to the mean lattice.
    twist : (float, float), optional
        Angle and tolerance, degrees: keep the interfaces with this twist, in any of their equal settings.

    Returns
    -------
    list of Coincidence
        Smallest area first, then smallest strain, then fewest atoms, then smallest twist (a number with its
        sign), then the entries of both lateral cells; each interface once, up to the planar symmetry of the
        crystals and mirror images of the whole.

    Raises
    ------
    InputError
        If a limit makes no sense or asks for too many cells.
    """
    _check(left, right, max_area, max_strain, strain)
    lattices = left.cell.array[:2, :2], right.cell.array[:2, :2]
    settings = _settings(planar_operations(left), planar_operations(right))
    limits = _stretch_limits(max_strain, strain)
    # straining the left crystal may shrink its superlattice to the limit
    shrinkage = 1.0 if strain == "right" else (1.0 - max_strain) ** 2
    largest = int(max_area * (1 + _SLACK) / (shrinkage * _area(left)))
    found = []
    # symmetry keeps the number of cells, so that equal interfaces meet in one round
    for count in range(1, largest + 1):
        pairs = _distinct(*_pairs(*lattices, count, limits), settings)
        found += [
            _coincidence(left, right, lateral, strain) for lateral in _turn(pairs, lattices, settings, twist)
        ]
        if len(found) > LONGEST_LIST:
            raise InputError(
                f"cells of {max_area:g} Å² and {100 * max_strain:g} % join {left.get_chemical_formula()} and "
                f"{right.get_chemical_formula()} in more than {LONGEST_LIST} ways; lower the largest area "
                "(`max_area`) or strain (`max_strain`)"
            )
    kept = [c for c in found if c.area <= max_area * (1 + _SLACK)]
    if not kept:
        return []
    area, strains, turns = (
        classes(values, limit)
        for values, limit in zip(np.array([[c.area, c.strain, c.twist] for c in kept]).T, _SAME, strict=True)
    )
    entries = np.array([[*c.lateral_left.ravel(), *c.lateral_right.ravel()] for c in kept])
    return [kept[i] for i in ordered(area, strains, [c.atoms for c in kept], turns, *entries.T)]


def matched_of(
    coincidence: Coincidence, left: Atoms, right: Atoms, in_plane_strain: ArrayLike | None = None
) -> Matched:
    """Strain and turn two oriented crystals to share the common cell.

    Parameters
    ----------
    coincidence : Coincidence
        Of these two crystals.
    left, right : ase.Atoms
        Oriented; masses are kept, heights too.
    in_plane_strain : float, (2,) or (2, 2) array_like, optional
        Strain of the common cell beyond the misfit, see :func:`latmm.geometry.matching.given_strain`.

    Returns
    -------
    Matched
        The left crystal in its own axes, the right one turned by the twist.
    """
    given = given_strain(in_plane_strain)
    cell, strains = coincidence.cell, (coincidence.strain_left, coincidence.strain_right)
    laterals = (coincidence.lateral_left, coincidence.lateral_right)
    if given.any():
        cell = cell @ (np.eye(2) + given)
        strains = _biot(left, laterals[0], cell), _biot(right, laterals[1], cell)
    return Matched(
        left=_laid(left, laterals[0], cell),
        right=_laid(right, laterals[1], cell),
        strain_left=strains[0],
        strain_right=strains[1],
        lateral_left=laterals[0],
        lateral_right=laterals[1],
        given=given,
    )


def _check(left: Atoms, right: Atoms, max_area: float, max_strain: float, strain: str) -> None:
    if strain not in _STRAIN_SIDES:
        raise InputError(f"the strained side must be one of {', '.join(_STRAIN_SIDES)}, but is {strain!r}")
    if not 0.0 <= max_strain <= LARGEST_STRAIN:
        raise InputError(
            f"the largest strain must be a share from 0 to {LARGEST_STRAIN:g}, but is {max_strain:g}; "
            "use e.g. 0.03 for 3 %"
        )
    most = LARGEST_INDEX * min(_area(left), _area(right))
    if not 0.0 < max_area <= most:
        raise InputError(
            f"the largest area must be positive and at most {most:.0f} Å², {LARGEST_INDEX} primitive cells, "
            f"but is {max_area:g} Å²; the in-plane cells have {_area(left):.4g} and {_area(right):.4g} Å²"
        )


def _area(crystal: Atoms) -> float:
    """Area of an oriented crystal's in-plane primitive cell, Å²."""
    return float(np.linalg.det(crystal.cell.array[:2, :2]))


def _stretch_limits(max_strain: float, strain: str) -> tuple[float, float]:
    """Smallest and largest principal value of S, right to left, that keep the strained side in its limit."""
    small, large = 1.0 - max_strain, 1.0 + max_strain
    limits = {
        "right": (small, large),
        "left": (1.0 / large, 1.0 / small),
        "both": (1.0 / (1.0 + 2 * max_strain), 1.0 + 2 * max_strain),  # (1 + s)/2 and (1 + 1/s)/2
    }
    low, high = limits[strain]
    return low - _SLACK, high + _SLACK


def _pairs(left: Floats, right: Floats, count: int, limits: tuple[float, float]) -> tuple[Integers, Integers]:
    """Superlattices of ``count`` left cells and all their right partners, (K, 2, 2) each."""
    low, high = limits
    superlattices = np.array([_reduced(form, left) for form in _hermite_normal_forms(count)])
    vectors = superlattices @ left
    lengths = np.linalg.norm(vectors, axis=-1)
    points = _lattice_points(right, lengths.max() / low)
    norms = np.linalg.norm(points @ right, axis=1)
    turns = np.arctan2(*(points @ right).T[::-1])
    # the most by which a stretch turns two directions against each other
    leeway = 2 * np.arcsin((high - low) / (high + low)) + _SLACK
    found: tuple[list[Integers], list[Integers]] = [], []
    for lateral, cell, length in zip(superlattices, vectors, lengths, strict=True):
        first, second = (
            np.arange(*np.searchsorted(norms, [size / high - _SLACK, size / low + _SLACK])) for size in length
        )
        angle = np.arccos(cell[0] @ cell[1] / length.prod())
        i, j = _within(turns[first] + angle, turns[second], leeway)
        partners = np.stack([points[first[i]], points[second[j]]], axis=1)
        basis = partners @ right
        independent = np.linalg.det(basis) > 0.5 * np.linalg.det(right)
        partners = partners[independent]
        stretch = np.linalg.svd(np.linalg.solve(basis[independent], cell[None]), compute_uv=False)
        partners = partners[(stretch[:, 0] <= high) & (stretch[:, 1] >= low)]
        partners = partners[ordered(*partners.reshape(-1, 4).T)]  # whatever the order of equal angles
        found[0].append(np.broadcast_to(lateral, partners.shape))
        found[1].append(partners)
    return np.concatenate(found[0]), np.concatenate(found[1])


def _hermite_normal_forms(count: int) -> list[Integers]:
    """One integer matrix for each superlattice of ``count`` cells."""
    return [
        np.array([[a, b], [0, count // a]])
        for a in range(1, count + 1)
        if count % a == 0
        for b in range(count // a)
    ]


def _reduced(lateral: Integers, lattice: Floats) -> Integers:
    """Combine the rows of a lateral cell to its shortest vectors, right-handed."""
    vectors = gauss_reduce(lateral @ lattice)
    if np.linalg.det(vectors) < 0:
        vectors = vectors[::-1]
    return np.asarray(np.rint(vectors @ np.linalg.inv(lattice)), dtype=np.int64)


def _lattice_points(lattice: Floats, radius: float) -> Integers:
    """Points (P, 2) of a lattice within a radius around the origin, which is left out, nearest first."""
    # |c| ≤ radius · |reciprocal vector|
    bounds = np.floor(radius * np.linalg.norm(np.linalg.inv(lattice), axis=0)).astype(int)
    points = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in bounds), indexing="ij"), -1).reshape(-1, 2)
    lengths = np.linalg.norm(points @ lattice, axis=1)
    order = np.argsort(lengths, kind="stable")
    inside = order[(lengths[order] > 0) & (lengths[order] <= radius + _SLACK)]
    return np.asarray(points[inside], dtype=np.int64)


def _within(wanted: Floats, angles: Floats, leeway: float) -> tuple[Integers, Integers]:
    """Pairs (i, j) for which angle j equals the wanted angle i up to a leeway and whole turns."""
    order = np.argsort(angles)
    wrapped = np.concatenate([angles[order] + turn for turn in (-2 * np.pi, 0.0, 2 * np.pi)])
    begin = np.searchsorted(wrapped, wanted - leeway)
    sizes = np.searchsorted(wrapped, wanted + leeway) - begin
    i = np.repeat(np.arange(len(wanted)), sizes)
    j = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(begin, sizes)
    return i, order[j % max(1, len(order))]


def _settings(left: Integers, right: Integers) -> tuple[Integers, Integers]:
    """Pairs of symmetries V, W of the two planes, both rotations or both mirrors, (G, 2, 2) each."""
    hands = (np.rint(np.linalg.det(operations)) for operations in (left, right))
    first, second = np.nonzero(np.equal.outer(*hands))
    return left[first], right[second]


def _distinct(
    left: Integers, right: Integers, settings: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    """Keep smallest cells, and one of each set that symmetry makes equal."""
    minors = _adjugate(right) @ left
    index = _determinant(right)
    every = np.column_stack([minors.reshape(-1, 4), index, _determinant(left)])
    smallest = np.gcd.reduce(every, axis=1) == 1
    left, right, minors, index = left[smallest], right[smallest], minors[smallest], index[smallest]
    if not len(index):
        return left, right
    # d W⁻¹ Q V in all equal settings; the largest in the order of its entries stands for the set
    first, second = settings
    equal = np.einsum("gab,kbc,gcd->kgad", _inverse(second), minors, first).reshape(len(minors), -1, 4)
    for entry in range(4):
        column = equal[..., entry]
        losing = column < column.max(axis=1, keepdims=True)
        equal = np.where(losing[..., None], np.iinfo(np.int64).min, equal)
    names = np.column_stack([equal.max(axis=1), index])
    chosen = np.sort(np.unique(names, axis=0, return_index=True)[1])
    return left[chosen], right[chosen]


def _turn(
    pairs: tuple[Integers, Integers],
    lattices: tuple[Floats, Floats],
    settings: tuple[Integers, Integers],
    twist: tuple[float, float] | None,
) -> Iterator[tuple[Integers, Integers]]:
    """Yield each pair of lateral cells in the equal setting nearest to the twist, if within its tolerance."""
    angle, tolerance = twist or (0.0, 180.0)
    left, right = (lateral[:, None] @ equal for lateral, equal in zip(pairs, settings, strict=True))
    turns = _angle(np.asarray(np.linalg.solve(right @ lattices[1], left @ lattices[0])))
    # rounding must not choose between a twist and its mirror image: the positive one
    offsets = 180.0 - (180.0 - (turns - angle)) % 360.0
    for pair, (offset, turn) in enumerate(zip(np.abs(offsets), turns, strict=True)):
        nearest = ordered(classes(offset, _SAME[2]), classes(-turn, _SAME[2]))[0]
        if offset[nearest] <= tolerance + _SAME[2]:
            yield left[pair, nearest], right[pair, nearest]


def _angle(gradient: Floats) -> Floats:
    """Angle of the rotation in a deformation x → x F of the plane, degrees in (−180, 180]."""
    sine, cosine = gradient[..., 0, 1] - gradient[..., 1, 0], gradient[..., 0, 0] + gradient[..., 1, 1]
    return np.asarray(180.0 - (180.0 - np.round(np.degrees(np.arctan2(sine, cosine)), 9)) % 360.0)


def _coincidence(left: Atoms, right: Atoms, laterals: tuple[Integers, Integers], strain: str) -> Coincidence:
    """Lay the right superlattice on the left one and share out the strain."""
    target, own = (
        lateral @ crystal.cell.array[:2, :2] for lateral, crystal in zip(laterals, (left, right), strict=True)
    )
    gradient = np.linalg.solve(own, target)
    turned = own @ polar(gradient)[0]
    common = {"right": target, "left": turned, "both": 0.5 * (target + turned)}[strain]
    change = _reduced(np.eye(2, dtype=np.int64), common)
    cell = change @ common
    indices = [change @ lateral for lateral in laterals]
    return Coincidence(
        lateral_left=indices[0],
        lateral_right=indices[1],
        cell=cell,
        strain_left=_biot(left, indices[0], cell),
        strain_right=_biot(right, indices[1], cell),
        twist=float(_angle(gradient)),
        atoms=int(_determinant(indices[0])) * len(left) + int(_determinant(indices[1])) * len(right),
    )


def _biot(crystal: Atoms, lateral: Integers, cell: Floats) -> Floats:
    """Strain S − 1 (2, 2) of a crystal whose lateral cell is laid on ``cell``, in the crystal's own axes."""
    # rows: x F = (x S) R, so that S = F Rᵀ
    gradient = np.linalg.solve(lateral @ crystal.cell.array[:2, :2], cell)
    strain = gradient @ polar(gradient)[0].T - np.eye(2)
    strain[np.abs(strain) < 1e-14] = 0.0  # rounding of the lattice vectors
    return np.asarray(0.5 * (strain + strain.T))


def _laid(crystal: Atoms, lateral: Integers, cell: Floats) -> Atoms:
    """Deform a crystal in the plane so that its lateral cell becomes ``cell``; heights stay."""
    gradient = np.eye(3)
    gradient[:2, :2] = np.linalg.solve(lateral @ crystal.cell.array[:2, :2], cell)
    laid = crystal.copy()
    laid.set_cell(crystal.cell.array @ gradient, scale_atoms=True)
    return laid


def _adjugate(matrices: Integers) -> Integers:
    """Return determinant times inverse of integer matrices (..., 2, 2)."""
    a, b, c, d = (matrices[..., i, j] for i in (0, 1) for j in (0, 1))
    return np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2)


def _determinant(matrices: Integers) -> Integers:
    return np.asarray(matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0])


def _inverse(matrices: Integers) -> Integers:
    """Inverse of integer matrices (..., 2, 2) of determinant ±1."""
    return _adjugate(matrices) * _determinant(matrices)[..., None, None]
