"""Match two crystals of one structure on a plane: one in-plane lattice, one stacking, the strain it costs.

Both crystals are given as oriented primitive cells. The in-plane vectors of the right crystal may be any
unimodular combination of its own; each choice needs the in-plane deformation F with B F = A (rows of B and A:
in-plane vectors of right and left). F = R S, a rotation and a stretch (polar decomposition): the rotation is
free, the principal values of S − 1 are the strain. Of the choices with the least strain that one is taken in
which the right crystal continues the left one, atom by atom; of several that do equally well, the one nearest
to the right crystal's own vectors (largest trace of the integer matrix, then largest entries in order).

The common lattice can be strained on purpose, as on a substrate: with a given ε its vectors a become
a (1 + ε), and each crystal's strain is counted from its own equilibrium, misfit included.
"""

from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike
from scipy.linalg import polar
from scipy.optimize import linear_sum_assignment

from latmm.arrays import Floats, Integers
from latmm.defaults import MAX_STRAIN
from latmm.errors import InputError, MismatchError
from latmm.geometry.lateral import check_lateral
from latmm.lattice.space_group import primitive_cell
from latmm.ties import smallest

__all__ = ["LARGEST_STRAIN", "MISFIT", "Matched", "Misfit", "given_strain", "match", "principal_strain"]

LARGEST_STRAIN = 0.3
"""Strains beyond it join anything to anything."""
_FAR = 0.1
"""Two atoms correspond if closer than this share of the shortest in-plane vector, after matching: internal
coordinates of one structure differ by 0.01 of it, those of a polar crystal and its inverse by 0.2."""
_ALIKE = 1e-4
"""Misfits of atoms (Å) that differ by less are equal."""
_SAME_STRAIN = 1e-6
"""The same for strains."""
_SAME_CELL = 1e-8
"""Largest difference of the two lateral cells after straining, Å: rounding."""
_STRAIN_SIDES = ("right", "left", "both")


@dataclass(frozen=True)
class Misfit:
    """How the lattices of two crystals are made one.

    Attributes
    ----------
    strain : {"right", "left", "both"}
        The side that takes the in-plane strain.
    max_strain : float
        Largest principal strain accepted for the misfit.
    in_plane_strain : float, (2,) or (2, 2) array_like, optional
        Strain of the common lattice beyond the misfit, see :func:`given_strain`.
    """

    strain: str = "right"
    max_strain: float = MAX_STRAIN
    in_plane_strain: ArrayLike | None = None


MISFIT = Misfit()
"""The right crystal is strained, as far as may be."""


@dataclass(frozen=True)
class Matched:
    """Two crystals with a common in-plane cell.

    Attributes
    ----------
    left, right : ase.Atoms
        Oriented, strained primitive cells, a₁ and a₂ in the plane, a₃ one layer up.
    strain_left, strain_right : (2, 2) float
        In-plane Biot strain S − 1 of each side, relative to its own equilibrium.
    given : (2, 2) float
        What of it was asked for beyond the misfit, in the axes of the interface.
    lateral_left, lateral_right : (2, 2) int
        In-plane vectors of the common cell in units of each crystal's own a₁ and a₂, in rows.

    Raises
    ------
    InputError
        If the two lateral cells are not equal.
    """

    left: Atoms
    right: Atoms
    strain_left: Floats
    strain_right: Floats
    lateral_left: Integers = field(default_factory=lambda: np.eye(2, dtype=np.int64))
    lateral_right: Integers = field(default_factory=lambda: np.eye(2, dtype=np.int64))
    given: Floats = field(default_factory=lambda: np.zeros((2, 2)))

    def __post_init__(self) -> None:
        for name in ("lateral_left", "lateral_right"):
            object.__setattr__(self, name, check_lateral(getattr(self, name)))
        apart = float(np.abs(self.lateral_right @ self.right.cell.array[:2, :2] - self.cell).max())
        if not apart < _SAME_CELL:
            raise InputError(
                f"the lateral cells of both crystals must be equal, but differ by {apart:.2g} Å; "
                "strain one side to the other"
            )

    @property
    def cell(self) -> Floats:
        """In-plane vectors (2, 2) of the common cell, in rows, Å."""
        return np.asarray(self.lateral_left @ self.left.cell.array[:2, :2])

    @property
    def area(self) -> float:
        """Area of the common in-plane cell, Å²."""
        return float(np.linalg.det(self.cell))

    def repeated(self, lateral: Integers) -> "Matched":
        """Return the same crystals with a lateral supercell (2, 2), in units of the common cell's vectors."""
        return replace(
            self,
            lateral_left=lateral @ self.lateral_left,
            lateral_right=lateral @ self.lateral_right,
        )


def principal_strain(strain: Floats) -> Floats:
    """Principal values of an in-plane strain, (2,) ascending."""
    return np.asarray(np.linalg.eigvalsh(strain), dtype=float)


def given_strain(strain: ArrayLike | None) -> Floats:
    """Read an in-plane strain that is asked for.

    Parameters
    ----------
    strain : float, (2,) or (2, 2) array_like, optional
        ε in every direction of the plane; ε_xx and ε_yy; or the symmetric tensor. x runs along a₁ of the left
        crystal.

    Returns
    -------
    (2, 2) ndarray

    Raises
    ------
    InputError
        If it is none of these, or too large.
    """
    value = np.asarray(0.0 if strain is None else strain, dtype=float)
    tensor = (
        value if value.shape == (2, 2) else np.eye(2) * value if value.shape in ((), (1,), (2,)) else None
    )
    if tensor is None or not np.array_equal(tensor, tensor.T, equal_nan=True):
        raise InputError(
            "`in_plane_strain` must be one number, two (ε_xx, ε_yy) or a symmetric 2 x 2 tensor, but is "
            f"{value.tolist()}"
        )
    if not np.abs(tensor).max() <= LARGEST_STRAIN:
        raise InputError(
            f"`in_plane_strain` must lie within ±{LARGEST_STRAIN:g}, but is {value.tolist()}; 0.01 is 1 %"
        )
    return np.asarray(tensor)


def match(
    left: Atoms,
    right: Atoms,
    *,
    strain: str = "right",
    max_strain: float = MAX_STRAIN,
    in_plane_strain: ArrayLike | None = None,
) -> Matched:
    """Match two oriented crystals of one structure.

    Parameters
    ----------
    left, right : ase.Atoms
        From :func:`latmm.geometry.orientation.orient`.
    strain : {"right", "left", "both"}
        The side that is strained to the other, or both to the mean lattice.
    max_strain : float
        Largest principal strain accepted for the misfit.
    in_plane_strain : float, (2,) or (2, 2) array_like, optional
        Strain of the common lattice beyond the misfit, see :func:`given_strain`.

    Returns
    -------
    Matched

    Raises
    ------
    MismatchError
        If the structures do not continue each other, also because a polar one is upside down, or the strain
        exceeds ``max_strain``.
    """
    given = given_strain(in_plane_strain)
    if strain not in _STRAIN_SIDES:
        raise InputError(f"the strained side must be one of {', '.join(_STRAIN_SIDES)}, but is {strain!r}")
    candidates = _in_plane_choices(left, right)
    misfit = min(size for size, _ in candidates)
    aligned = _continue_lattice(left, right, [c for c in candidates if c[0] < misfit + 1e-3])
    names = f"{left.get_chemical_formula()} and {right.get_chemical_formula()}"
    if not misfit <= max_strain or aligned is None:
        for crystal in (left, right):
            _refuse_isotopes(crystal, names, max(np.linalg.det(c.cell.array[:2, :2]) for c in (left, right)))
    if not misfit <= max_strain:  # a limit that is no number lets nothing pass
        raise MismatchError(
            f"the lattices of {names} do not match in the plane: the least strain is {100 * misfit:.1f} %, "
            f"above the limit of {100 * max_strain:g} %; choose another plane (`normal`) or a "
            "larger common cell (`max_area`, see `coincidences`), or allow it (`max_strain`)"
        )
    if aligned is None:
        raise MismatchError(
            f"the crystal structures of {names} do not continue each other across the plane; "
            "join them by a common cell instead (`max_area`, see `coincidences`), or give one structure on "
            "both sides (e.g. diamond on diamond)"
        )
    if turned := _turned(left, aligned):
        raise MismatchError(
            f"{names} are turned against each other: {', '.join(turned)} of one side would continue another "
            "element; describe both crystals in one setting (e.g. the cation at 0, the anion at 1/4 1/4 1/4) "
            "or name the opposite plane of one (`normal` and `right_normal`)"
        )
    own, target = aligned.cell.array[:2, :2], left.cell.array[:2, :2]
    rotation, _ = polar(np.linalg.solve(own, target))
    common = {"right": target, "left": own @ rotation, "both": 0.5 * (target + own @ rotation)}[strain]
    if given.any():
        common = common @ (np.eye(2) + given)
    strained_left, strain_left = _deform(left, common)
    strained_right, strain_right = _deform(aligned, common)
    return Matched(strained_left, strained_right, strain_left, strain_right, given=given)


def _refuse_isotopes(crystal: Atoms, names: str, area: float) -> None:
    """Refuse a crystal whose primitive cell is larger by masses than by elements."""
    by_element = len(primitive_cell(Atoms(crystal.numbers, crystal.positions, cell=crystal.cell, pbc=True)))
    if by_element < len(crystal):
        symbols = np.array(crystal.get_chemical_symbols())
        masses = {s: np.unique(crystal.get_masses()[symbols == s].round(4)) for s in sorted(set(symbols))}
        differ = "; ".join(
            f"{s} {', '.join(f'{m:g}' for m in found[:4])}{' ...' * (len(found) > 4)}"
            for s, found in masses.items()
            if len(found) > 1
        )
        raise MismatchError(
            f"the cells of {names} do not match one to one: {crystal.get_chemical_formula()} has "
            f"{len(crystal)} atoms in its primitive cell because masses of one element differ ({differ} "
            f"amu), by elements alone {by_element}; join the crystals by a common cell, e.g. "
            f"`max_area` {np.ceil(1.2 * area):.0f} (see `coincidences`)"
        )


def _in_plane_choices(left: Atoms, right: Atoms) -> list[tuple[float, Integers]]:
    """Largest principal strain for each right-handed unimodular choice of the right in-plane vectors."""
    target, own = left.cell.array[:2, :2], right.cell.array[:2, :2]
    choices = []
    for entries in product((-1, 0, 1), repeat=4):
        matrix = np.array(entries).reshape(2, 2)
        if round(np.linalg.det(matrix)) == 1:
            stretch = np.linalg.svd(np.linalg.solve(matrix @ own, target), compute_uv=False)
            choices.append((float(np.max(np.abs(stretch - 1.0))), matrix))
    return choices


def _continue_lattice(left: Atoms, right: Atoms, choices: list[tuple[float, Integers]]) -> Atoms | None:
    """Right cell whose atoms continue the left ones best, relabelled to them; None if none does."""
    if len(left) != len(right):
        return None
    aligned: list[Atoms] = []
    keys: list[list[float]] = []
    for strain, matrix in choices:
        change = np.eye(3, dtype=np.int64)
        change[:2, :2] = matrix
        # the third vector that leads from layer to layer as the left one does; what is left of the
        # difference is the stacking of a twin, which the atoms of one layer alone cannot tell
        apart = _offset(left.cell.array) - _offset(change @ right.cell.array)
        steps = np.rint(apart)
        change[2, :2] = steps.astype(np.int64) @ matrix
        stacking = float(np.linalg.norm((apart - steps) @ left.cell.array[:2]))
        found = _assign(left, right, change)
        if found is None or stacking > _FAR * np.linalg.norm(left.cell.array[0]):
            continue
        unlike, misfit, paired = found
        aligned.append(paired)
        keys.append([unlike, max(misfit, stacking), strain, -np.trace(matrix), *(-matrix.ravel())])
    return aligned[smallest(keys, [0.0, _ALIKE, _SAME_STRAIN, *[0.0] * 5])] if aligned else None


def _turned(left: Atoms, right: Atoms) -> list[str]:
    """Elements of both crystals of which no atom continues its like: a polar crystal upside down."""
    pairs = list(zip(left.get_chemical_symbols(), right.get_chemical_symbols(), strict=True))
    common = {mine for mine, _ in pairs} & {theirs for _, theirs in pairs}
    return sorted(common - {mine for mine, theirs in pairs if mine == theirs})


def _offset(cell: Floats) -> Floats:
    """In-plane part of the third vector in units of the first two, (2,)."""
    return np.asarray(np.linalg.solve(cell[:2, :2].T, cell[2, :2]))


def _assign(left: Atoms, right: Atoms, change: Integers) -> tuple[int, float, Atoms] | None:
    """Pair the atoms for one choice of cell: (pairs of unlike elements, misfit in Å, relabelled atoms).

    The origin of the right crystal is free: each of its atoms is tried on the first one of the left.
    """
    lattice = left.cell.array
    goal = left.get_scaled_positions(wrap=False)
    own = right.get_scaled_positions(wrap=False) @ np.linalg.inv(change)
    aligned: list[tuple[int, float, Atoms]] = []
    for candidate in range(len(right)):
        moved = own + goal[0] - own[candidate]
        apart = goal[:, None, :] - moved[None, :, :]
        apart -= np.rint(apart)
        distance = np.linalg.norm(apart @ lattice, axis=-1)
        unlike = left.numbers[:, None] != right.numbers[None, :]
        rows, columns = linear_sum_assignment(distance**2 + 1e-6 * unlike)
        offset = apart[rows, columns].mean(axis=0)
        misfit = float(np.max(np.linalg.norm((apart[rows, columns] - offset) @ lattice, axis=-1)))
        if misfit > _FAR * np.linalg.norm(lattice[0]):
            continue
        order = columns[np.argsort(rows)]
        paired = right[order]
        paired.set_cell(change @ right.cell.array)
        # the left atom's place in the cell, so that both crystals are cut in the same gap
        paired.set_scaled_positions(goal - apart[rows, columns][np.argsort(rows)] + offset)
        aligned.append((int(unlike[rows, columns].sum()), misfit, paired))
    return aligned[smallest([pair[:2] for pair in aligned], [0.0, _ALIKE])] if aligned else None


def _deform(atoms: Atoms, in_plane: Floats) -> tuple[Atoms, Floats]:
    """Deform a crystal in the plane so that its first two vectors become ``in_plane`` (2, 2)."""
    gradient = np.eye(3)
    gradient[:2, :2] = np.linalg.solve(atoms.cell.array[:2, :2], in_plane)
    rotation, _ = polar(gradient[:2, :2])
    strain = gradient[:2, :2] @ rotation.T - np.eye(2)
    strain[np.abs(strain) < 1e-14] = 0.0  # rounding of the lattice vectors
    deformed = atoms.copy()
    cell = atoms.cell.array @ gradient
    cell[:2] = np.column_stack([in_plane, np.zeros(2)])
    fractional = atoms.get_scaled_positions(wrap=False)
    deformed.set_cell(cell)
    deformed.set_scaled_positions(fractional)
    return deformed, 0.5 * (strain + strain.T)
