"""Which atom of a calculation stands on which site: two crystals recognised in a superlattice or slab.

The calculation's cell holds at least one stretch of the left crystal followed, along the normal, by one of
the right crystal. It may be turned against the interface's axes, strained by some per cent, relaxed, and
periodic along the normal or closed by vacuum. Its lattice is laid on the common lateral cell; from one atom
on, each crystal is followed from site to neighbouring site, so that spacings that differ from the crystal's
add up to nothing. Where the next atom is missing, out of place or of another element the crystal ends.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list

from latmm.arrays import Floats, Integers
from latmm.errors import MismatchError
from latmm.geometry.lateral import cells_of, locate
from latmm.geometry.matching import Matched
from latmm.ties import classes, ordered

__all__ = ["Recognised", "recognise"]

_STRAIN = 0.1
"""Largest principal difference between the calculation's in-plane lattice and the common lateral cell."""
_OFF = 0.3
"""Distance from the expected place, in units of the shortest bond, up to which an atom is a site's."""

Label = tuple[int, int, int, int]
"""Member, cell along a₁ and a₂, layer."""
Image = tuple[int, int]
"""Atom of the calculation, and its cell along the normal."""


@dataclass(frozen=True)
class Recognised:
    """A calculation whose atoms have names.

    Attributes
    ----------
    basis : (3, 3) int
        Lattice vectors of the interface's setting in units of the calculation's: two in the plane, equal to
        the common lateral cell, and one that leads to the next period along the normal.
    rotation : (3, 3) float
        u, from the calculation's axes to those of the interface; row vectors, from the right.
    cell : (3, 3) float
        Those vectors in the axes of the interface, Å, the in-plane strain removed.
    positions : (N, 3) float
        Positions of its atoms likewise.
    left, right : dict
        Image → (member, cell along a₁, a₂, layer), complete layers only: …, −2, −1 and 0, 1, …
    between : tuple of images
        Atoms of neither crystal between the two, from left to right.
    """

    basis: Integers
    rotation: Floats
    cell: Floats
    positions: Floats
    left: dict[Image, Label]
    right: dict[Image, Label]
    between: tuple[Image, ...]

    @property
    def layers(self) -> tuple[int, int]:
        """Complete layers of the left and of the right crystal."""
        return -min(label[3] for label in self.left.values()), 1 + max(
            label[3] for label in self.right.values()
        )


def recognise(atoms: Atoms, matched: Matched) -> Recognised:
    """Find the contact of two matched crystals in a calculation.

    Parameters
    ----------
    atoms : ase.Atoms
        The calculation's primitive cell.
    matched : Matched
        Oriented crystals and their common lateral cell.

    Returns
    -------
    Recognised
        Of the possible ones that with most atoms named.

    Raises
    ------
    MismatchError
        If the lateral cell or the crystals are not found in it, or do not follow each other.
    """
    best: Recognised | None = None
    turned = False
    for basis, rotation in _orientations(atoms, matched):
        turned = True
        frame = _Frame.of(atoms, matched, basis, rotation)
        found = frame.recognised()
        if found is not None and (best is None or _named(found) > _named(best)):
            best = found
    name = atoms.get_chemical_formula()
    if not turned:
        raise MismatchError(
            f"the calculation of {name} has no in-plane lattice like the common cell of the two crystals "
            f"(within {100 * _STRAIN:g} %); repeat it in the cell of the matched crystals"
        )
    if best is None:
        raise MismatchError(
            f"no left crystal followed by a right one was found in the calculation of {name}; it must hold "
            "complete layers of both along the normal, in the orientation and order of the interface"
        )
    return best


def _named(found: Recognised) -> int:
    return len(found.left) + len(found.right)


def _orientations(atoms: Atoms, matched: Matched) -> Iterator[tuple[Integers, Floats]]:
    """Right-handed bases of the calculation's lattice whose first two vectors fit the common cell."""
    lattice = atoms.cell.array
    goal = matched.cell
    rows = np.array([r for r in product((-1, 0, 1), repeat=3) if any(r)])
    vectors = rows @ lattice
    lengths = np.linalg.norm(vectors, axis=1)
    first, second = (
        np.flatnonzero(np.abs(lengths / np.linalg.norm(target) - 1.0) < _STRAIN) for target in goal
    )
    for i, j in product(first.tolist(), second.tolist()):
        upward = np.cross(vectors[i], vectors[j])
        if np.linalg.norm(upward) < 1e-6:
            continue
        z = upward / np.linalg.norm(upward)
        x = vectors[i] / lengths[i]
        axes = np.array([x, np.cross(z, x), z]).T
        own = (np.array([vectors[i], vectors[j]]) @ axes)[:, :2]
        u, stretch, v = np.linalg.svd(np.linalg.solve(own, goal))
        if np.max(np.abs(stretch - 1.0)) > _STRAIN or np.linalg.det(u @ v) < 0:
            continue
        third = next((r for r in rows if round(np.linalg.det(np.array([rows[i], rows[j], r]))) == 1), None)
        if third is not None:
            spin = np.eye(3)
            spin[:2, :2] = u @ v
            yield np.array([rows[i], rows[j], third]), axes @ spin


@dataclass(frozen=True)
class _Frame:
    """The calculation in one orientation, laid on the common cell."""

    atoms: Atoms
    matched: Matched
    basis: Integers
    rotation: Floats
    cell: Floats
    positions: Floats

    @classmethod
    def of(cls, atoms: Atoms, matched: Matched, basis: Integers, rotation: Floats) -> "_Frame":
        cell = basis @ atoms.cell.array @ rotation
        flatten = np.eye(3)
        flatten[:2, :2] = np.linalg.solve(cell[:2, :2], matched.cell)
        return cls(
            atoms, matched, basis, rotation, cell @ flatten, atoms.get_positions() @ rotation @ flatten
        )

    def recognised(self) -> Recognised | None:
        left = self._crystal(self.matched.left, self.matched.lateral_left)
        right = self._crystal(self.matched.right, self.matched.lateral_right)
        if not left or not right:
            return None
        top = max(label[3] for label in left.values())
        left = {image: (m, a, b, layer - top - 1) for image, (m, a, b, layer) in left.items()}
        right = self._above(left, right)
        between = self._between(left, right)
        if set(left) & set(right):
            return None
        return Recognised(self.basis, self.rotation, self.cell, self.positions, left, right, between)

    def _height(self, image: Image) -> float:
        return float(self.positions[image[0], 2] + image[1] * self.cell[2, 2])

    def _above(self, left: dict[Image, Label], right: dict[Image, Label]) -> dict[Image, Label]:
        """Take the period of the right crystal that begins next above the left one."""
        floor = np.mean([self._height(image) for image in left])
        middle = np.mean([self._height(image) for image in right])
        up = int(np.ceil((floor - middle) / self.cell[2, 2]))
        bottom = min(label[3] for label in right.values())
        return {(atom, n + up): (m, a, b, layer - bottom) for (atom, n), (m, a, b, layer) in right.items()}

    def _between(self, left: dict[Image, Label], right: dict[Image, Label]) -> tuple[Image, ...]:
        """Atoms of neither crystal above the left one's and below the right one's mean height."""
        low, high = (np.mean([self._height(image) for image in part]) for part in (left, right))
        named = set(left) | set(right)
        found = []
        for atom in range(len(self.atoms)):
            start = int(np.ceil((low - self.positions[atom, 2]) / self.cell[2, 2]))
            stop = int(np.floor((high - self.positions[atom, 2]) / self.cell[2, 2]))
            found += [(atom, n) for n in range(start, stop + 1) if (atom, n) not in named]
        if not found:
            return ()
        # atoms of one height in the order of the calculation
        return tuple(found[i] for i in ordered(classes([self._height(image) for image in found], 1e-6)))

    def _crystal(self, crystal: Atoms, lateral: Integers) -> dict[Image, Label]:
        """Follow one crystal from the best of all atoms; its complete layers."""
        best: dict[Image, Label] = {}
        tried: set[int] = set()
        for seed in np.flatnonzero(self.atoms.numbers == crystal.numbers[0]).tolist():
            if seed not in tried:
                found = self._follow(seed, crystal)
                tried |= {atom for (atom, _), label in found.items() if label[0] == 0}
                whole = _complete(found, lateral, len(crystal))
                if len(whole) > len(best):
                    best = whole
        return best

    def _follow(self, seed: int, crystal: Atoms) -> dict[Image, Label]:
        """Walk from site to neighbouring site as long as an atom of the right element is there."""
        steps = _steps(crystal)
        reach = _OFF * min(float(np.linalg.norm(arm)) for arms in steps for _, _, arm in arms)
        inverse = np.linalg.inv(self.cell)
        fractional = self.positions @ inverse
        # one period along the normal: beyond it a crystal without end repeats itself
        labels: dict[Image, Label] = {(seed, 0): (0, 0, 0, 0)}
        in_plane: dict[Image, Integers] = {(seed, 0): np.zeros(2, dtype=np.int64)}
        queue = deque([(seed, 0)])
        most = 4 * len(self.atoms)
        while queue and len(labels) < most:
            image = queue.popleft()
            member, a, b, layer = labels[image]
            here = fractional[image[0]] + [*in_plane[image], image[1]]
            for partner, step, arm in steps[member]:
                apart = here + arm @ inverse - fractional
                cells = np.rint(apart)
                distance = np.linalg.norm((apart - cells) @ self.cell, axis=1)
                distance[self.atoms.numbers != crystal.numbers[partner]] = np.inf
                atom = int(np.argmin(distance))
                new = (atom, int(cells[atom, 2]))
                if distance[atom] < reach and new not in labels:
                    labels[new] = (partner, a + step[0], b + step[1], layer + step[2])
                    in_plane[new] = cells[atom, :2].astype(np.int64)
                    queue.append(new)
        if len(labels) >= most:
            return {}
        return {
            image: (m, *(np.array([a, b]) - in_plane[image] @ self._lateral(crystal)).tolist(), layer)
            for image, (m, a, b, layer) in labels.items()
        }

    def _lateral(self, crystal: Atoms) -> Integers:
        return self.matched.lateral_left if crystal is self.matched.left else self.matched.lateral_right


def _steps(crystal: Atoms) -> list[list[tuple[int, tuple[int, int, int], Floats]]]:
    """For each member its near neighbours: member, cell, vector."""
    first, distance = neighbour_list("id", crystal, 6.0)
    shortest = float(distance.min())
    first, second, cell, arm = neighbour_list("ijSD", crystal, 1.3 * shortest)
    steps: list[list[tuple[int, tuple[int, int, int], Floats]]] = [[] for _ in range(len(crystal))]
    for i, j, s, d in zip(first.tolist(), second.tolist(), cell.tolist(), arm, strict=True):
        steps[i].append((j, (s[0], s[1], s[2]), d))
    return [sorted(own, key=lambda step: step[:2]) for own in steps]  # whatever order they were found in


def _complete(found: dict[Image, Label], lateral: Integers, members: int) -> dict[Image, Label]:
    """Keep the longest run of layers in which every site of the common cell is named."""
    full = len(cells_of(lateral)) * members
    sites: dict[int, list[tuple[int, int]]] = {}
    for member, a, b, layer in found.values():
        index, _ = locate(lateral, np.array([a, b]))
        sites.setdefault(layer, []).append((member, int(index)))
    whole = sorted(layer for layer, named in sites.items() if len(named) == len(set(named)) == full)
    runs: list[list[int]] = []
    for layer in whole:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    longest = max(runs, key=lambda run: len(run), default=[])
    return {image: label for image, label in found.items() if label[3] in longest}
