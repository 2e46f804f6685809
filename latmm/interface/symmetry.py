"""Symmetry of a contact: the operations of its layer group that keep the normal's direction.

An operation x → W x + w of fractional coordinates that leaves z alone maps every atomic layer onto itself, so
that left crystal, contact and right crystal share it. It takes the force constants Φ_ij(R) to
S Φ Sᵀ between the images of i and j (S: W in Cartesian coordinates), and k∥ to W⁻ᵀ k∥.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from latmm.arrays import Bools, Floats, Integers
from latmm.interface.pairs import PairConstants
from latmm.lattice.space_group import TOLERANCE, kinds, layer_symmetry

__all__ = ["Operation", "layer_operations", "orbits", "reciprocal_rotations", "spread"]


@dataclass(frozen=True)
class Operation:
    """One operation of the layer group.

    Attributes
    ----------
    rotation : (2, 2) int
        W in the plane, acting on fractional coordinates.
    cartesian : (3, 3) float
        S, the same in Cartesian coordinates.
    image : (N,) int
        Atom i goes to atom image[i] ...
    shift : (N, 2) int
        ... of the in-plane cell shift[i].
    """

    rotation: Integers
    cartesian: Floats
    image: Integers
    shift: Integers


def layer_operations(atoms: Atoms) -> list[Operation]:
    """Operations of a slab's layer group that keep +z: the identity first, then by rotation and image.

    Parameters
    ----------
    atoms : ase.Atoms
        A slab, periodic along the first two vectors (in xy); the third is along z, vacuum included. Atoms
        of different mass are told apart.
    """
    fractional = atoms.get_scaled_positions(wrap=False)
    numbers = kinds(atoms)
    operations = [
        operation
        for rotation, translation in zip(*layer_symmetry(atoms), strict=True)
        if rotation[2, 2] == 1 and not rotation[2, :2].any() and not rotation[:2, 2].any()
        if (operation := _operation(atoms, fractional, numbers, rotation, translation)) is not None
    ]
    operations.sort(
        key=lambda op: (
            not np.array_equal(op.rotation, np.eye(2)),
            op.rotation.ravel().tolist(),
            op.image.tolist(),
        )
    )
    return operations


def _operation(
    atoms: Atoms, fractional: Floats, numbers: Integers, rotation: Integers, translation: Floats
) -> Operation | None:
    """Work out which atom goes where; None if the operation does not map every atom within tolerance."""
    cell = atoms.cell.array
    moved = fractional @ rotation.T + translation
    moved[:, 2] = fractional[:, 2]
    apart = moved[:, None, :] - fractional[None, :, :]
    cells = np.rint(apart)
    cells[..., 2] = 0.0
    distance = np.linalg.norm((apart - cells) @ cell, axis=-1)
    distance[numbers[:, None] != numbers[None, :]] = np.inf
    image = np.argmin(distance, axis=1)
    rows = np.arange(len(atoms))
    if np.max(distance[rows, image]) > 10 * TOLERANCE or len(set(image.tolist())) < len(atoms):
        return None
    return Operation(
        rotation=rotation[:2, :2].astype(np.int64),
        cartesian=cell.T @ rotation @ np.linalg.inv(cell.T),
        image=image.astype(np.int64),
        shift=cells[rows, image, :2].astype(np.int64),
    )


def orbits(rows: Bools, operations: list[Operation]) -> tuple[Integers, Integers]:
    """Return the first atom (M,) of each orbit among the marked rows (N,), and the orbits' sizes (M,)."""
    leader = np.min([op.image for op in operations], axis=0)
    whole = np.ones(len(rows), dtype=bool)
    np.logical_and.at(whole, leader, rows)
    chosen = np.flatnonzero((leader == np.arange(len(rows))) & whole)
    return chosen, np.bincount(leader, minlength=len(rows))[chosen]


def spread(rows: PairConstants, operations: list[Operation], sizes: Integers) -> PairConstants:
    """Give rows of one atom of each orbit to all atoms of it, averaged over what leaves the atom in place.

    Parameters
    ----------
    rows : PairConstants
        Pairs of one first atom of each orbit.
    operations : list of Operation
        A group.
    sizes : (N,) int
        Number of atoms in the orbit of each atom.

    Returns
    -------
    PairConstants
        Pairs of all atoms of the orbits, invariant under every operation.
    """
    weighted = rows.values * (sizes[rows.first] / len(operations))[:, None, None]
    parts = [
        (
            op.image[rows.first],
            op.image[rows.second],
            rows.cell @ op.rotation.T + op.shift[rows.second] - op.shift[rows.first],
            op.cartesian @ weighted @ op.cartesian.T,
        )
        for op in operations
    ]
    first, second, cell, values = (np.concatenate(x) for x in zip(*parts, strict=True))
    return PairConstants.collected(rows.atoms, first, second, cell, values)


def reciprocal_rotations(operations: list[Operation]) -> list[Integers]:
    """Distinct integer matrices (2, 2) that take k∥ to k∥ of equal transmission, T(k∥) = T(−k∥) included."""
    unique = {
        tuple((sign * np.rint(np.linalg.inv(op.rotation).T).astype(int)).ravel().tolist())
        for op in operations
        for sign in (1, -1)
    }
    return [np.array(entries, dtype=np.int64).reshape(2, 2) for entries in sorted(unique, reverse=True)]
