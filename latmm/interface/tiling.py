"""An interface repeated in the plane: the same contact in a lateral supercell, without any calculation.

What was computed in the small cell is copied: atoms, labels, force constants, symmetry. The supercell
conducts as the small cell does; it is where disorder starts from.
"""

from dataclasses import replace

import numpy as np

from latmm.arrays import Integers
from latmm.errors import InputError
from latmm.geometry.lateral import cells_of, check_lateral, locate
from latmm.geometry.matching import Matched
from latmm.interface.interface import Interface
from latmm.interface.pairs import PairConstants
from latmm.interface.slab import Slab
from latmm.interface.symmetry import Operation

__all__ = ["tile", "tile_slab"]


def tile(interface: Interface, lateral: tuple[int, int] | Integers) -> Interface:
    """Repeat an interface in the plane.

    Parameters
    ----------
    interface : Interface
        Of the small cell.
    lateral : (2,) int or (2, 2) int
        Repetitions along both in-plane vectors, or the supercell's vectors in units of them, in rows.

    Returns
    -------
    Interface
        Its leads keep their primitive cells.
    """
    matrix = _matrix(lateral)
    slab, at = tile_slab(interface.slab, interface.matched, matrix)
    steps = cells_of(matrix)
    pairs = interface.contact
    index, common = locate(matrix, steps[:, None, :] + pairs.cell)
    contact = PairConstants.collected(
        slab.atoms,
        at[pairs.first].T.ravel(),
        at[pairs.second, index].ravel(),
        common.reshape(-1, 2),
        np.tile(pairs.values, (len(steps), 1, 1)),
    )
    return replace(
        interface,
        matched=interface.matched.repeated(matrix),
        slab=slab,
        contact=contact,
        operations=_operations(interface.operations, matrix, at),
    )


def tile_slab(slab: Slab, matched: Matched, lateral: tuple[int, int] | Integers) -> tuple[Slab, Integers]:
    """Repeat a slab of matched crystals in the plane.

    Returns
    -------
    slab : Slab
    at : (N, cells) int
        Where each atom of the small slab went, for each cell of :func:`latmm.geometry.lateral.cells_of`.
    """
    matrix = _matrix(lateral)
    steps = cells_of(matrix)
    n, count = len(slab.atoms), len(steps)
    source, number = np.divmod(np.arange(n * count), count)
    order = np.lexsort((source, number, slab.layer[source], slab.side[source]))
    source, number = source[order], number[order]
    atoms = slab.atoms[source]
    atoms.positions[:, :2] += steps[number] @ slab.atoms.cell.array[:2, :2]
    vectors = slab.atoms.cell.array.copy()
    vectors[:2] = matrix @ vectors[:2]
    atoms.set_cell(vectors)
    own = np.zeros((n * count, 2), dtype=np.int64)
    for side, base in ((-1, matched.lateral_left), (1, matched.lateral_right)):
        chosen = slab.side[source] == side
        own[chosen] = slab.cell[source[chosen]] + steps[number[chosen]] @ base
    at = np.empty((n, count), dtype=np.int64)
    at[source, number] = np.arange(n * count)
    tiled = Slab(atoms, slab.side[source], slab.layer[source], slab.member[source], own, slab.shift)
    return tiled, at


def _matrix(lateral: tuple[int, int] | Integers) -> Integers:
    given = np.asarray(lateral)
    if given.shape == (2,):
        if np.any(given != np.rint(given)) or np.any(given < 1):
            raise InputError(
                f"`lateral` must be two positive integers, but is {tuple(given.tolist())}; use e.g. (3, 2)"
            )
        given = np.diag(given)
    return check_lateral(given)


def _operations(operations: list[Operation], matrix: Integers, at: Integers) -> list[Operation]:
    """Operations of the small cell that map the supercell's lattice onto itself."""
    steps = cells_of(matrix)
    kept = []
    for op in operations:
        # fractional coordinates x in the small cell and y in the supercell obey x = Lᵀy
        turned = np.linalg.inv(matrix.T) @ op.rotation @ matrix.T
        if np.max(np.abs(turned - np.rint(turned))) > 1e-9:
            continue
        index, common = locate(matrix, steps @ op.rotation.T + op.shift[:, None, :])
        image, shift = np.empty(at.size, dtype=np.int64), np.empty((at.size, 2), dtype=np.int64)
        image[at] = at[op.image[:, None], index]
        shift[at] = common
        kept.append(Operation(np.rint(turned).astype(np.int64), op.cartesian, image, shift))
    return kept
