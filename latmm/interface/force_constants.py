"""Force constants of a slab by finite displacements.

Each atom asked for is displaced along x, y and z, to and fro, in a lateral supercell of the slab that is
wider than twice the reach of the potential. Atoms farther apart than twice the reach are displaced together:
no third atom feels both. An atom whose surroundings are those of the pure crystal needs no displacement.
"""

import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list

from latmm.arrays import Bools, Floats, Integers
from latmm.geometry.matching import Matched
from latmm.interface.pairs import PairConstants
from latmm.interface.slab import SIDES, Slab, sites
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.forces import forces_of

__all__ = ["bulk_like", "displaced_rows", "repeats"]

_TIE = 1e-4
"""Images whose distances differ by less share a force constant, Å."""
_APART = 0.1
"""Added to twice the reach between atoms that are displaced together, Å."""
_IN_PLACE = 1e-5
"""Departure from the lattice below which surroundings are the crystal's, Å: what relaxation leaves at its
force limit, 1e-5 eV/Å over some eV/Å²."""
_OFFSETS = np.array([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)])


def repeats(atoms: Atoms, span: float) -> tuple[int, int]:
    """Repetitions of the in-plane vectors until opposite edges are ``span`` (Å) apart."""
    a, b = atoms.cell.array[:2, :2]
    area = abs(float(np.linalg.det(atoms.cell.array[:2, :2])))
    first, second = (max(1, int(np.ceil(span * np.linalg.norm(other) / area - 1e-6))) for other in (b, a))
    return first, second


def bulk_like(slab: Slab, matched: Matched, reach: float) -> Bools:
    """Mark the atoms (N,) whose surroundings within the reach (Å) are those of their pure crystal.

    Elements and positions count, masses do not.
    """
    own = slab.atoms.numbers.copy()
    expected = np.zeros(len(own), dtype=np.int64)
    for side, crystal in zip(SIDES, (matched.left, matched.right), strict=True):
        chosen = slab.side == side
        own[chosen] = crystal.numbers[slab.member[chosen]]
        count = np.bincount(neighbour_list("i", crystal, reach), minlength=len(crystal))
        expected[chosen] = count[slab.member[chosen]]
    right_kind = (own == slab.atoms.numbers) & (slab.side != 0)
    first, second, vector = neighbour_list("ijD", slab.atoms, reach)
    places = np.nan_to_num(sites(slab, matched))
    # the vector between sites that a lattice translation of the common cell makes equal to that of the atoms
    off = vector - (places[second] - places[first])
    cell = slab.atoms.cell.array[:2, :2]
    off[:, :2] -= np.rint(off[:, :2] @ np.linalg.inv(cell)) @ cell
    fits = (
        (np.linalg.norm(off, axis=1) < _IN_PLACE)
        & (slab.side[first] == slab.side[second])
        & right_kind[second]
    )
    around = np.bincount(first, minlength=len(own))
    fitting = np.bincount(first[fits], minlength=len(own))
    return np.asarray(right_kind & (around == expected) & (fitting == expected))


def displaced_rows(
    slab: Slab,
    rows: Integers,
    potential: Potential,
    *,
    repeat: tuple[int, int],
    how: Execution = HERE,
    stage: str = "forces",
) -> PairConstants:
    """Displace atoms of a slab and read off their force constants with all others.

    Parameters
    ----------
    slab : Slab
        The contact, N atoms.
    rows : (M,) int
        Atoms to displace.
    potential : Potential
        Gives the forces, the displacement that suits them, and how far they reach.
    repeat : (2,) int
        Lateral supercell.
    how, stage : Execution, str
        As in :func:`latmm.potentials.forces.forces_of`.

    Returns
    -------
    PairConstants
        Pairs whose first atom is one of the rows, self terms included; central differences.
    """
    supercell = slab.atoms.repeat((*repeat, 1))
    batches = _batches(supercell, np.asarray(rows), potential.reach)
    steps = [sign * potential.displacement * axis for axis in np.eye(3) for sign in (1.0, -1.0)]
    moves = [(batch, step) for batch in batches for step in steps]
    forces = forces_of(supercell, moves, potential, how=how, stage=stage)
    parts: list[tuple[Integers, Integers, Integers, Floats]] = []
    for batch in batches:
        found = np.empty((len(supercell), 3, 3))
        for axis in range(3):
            forward, backward = next(forces), next(forces)
            found[:, axis, :] = (backward - forward) / (2.0 * potential.displacement)
        parts += [_share_out(slab.atoms, int(i), repeat, found, potential.reach) for i in batch]
    first, second, cell, values = (np.concatenate(x) for x in zip(*parts, strict=True))
    return PairConstants.collected(slab.atoms, first, second, cell, values)


def _batches(supercell: Atoms, rows: Integers, reach: float | None) -> list[Integers]:
    """Sort atoms into groups that can be displaced together."""
    if reach is None:
        return [np.array([i]) for i in rows]
    groups: list[list[int]] = []
    apart = 2.0 * reach + _APART
    cell = supercell.cell.array[:2, :2]
    for i in rows.tolist():
        for group in groups:
            between = supercell.positions[group] - supercell.positions[i]
            if np.linalg.norm(_images(between, cell), axis=-1).min() > apart:
                group.append(i)
                break
        else:
            groups.append([i])
    return [np.array(group) for group in groups]


def _images(vectors: Floats, cell: Floats) -> Floats:
    """Nine images (9, M, 3) of vectors (M, 3) in a cell (2, 2) of the plane, the shortest among them."""
    base = vectors.copy()
    base[:, :2] -= np.rint(vectors[:, :2] @ np.linalg.inv(cell)) @ cell
    shifts = np.column_stack([_OFFSETS @ cell, np.zeros(9)])
    return np.asarray(base + shifts[:, None, :])


def _share_out(
    atoms: Atoms, i: int, repeat: tuple[int, int], rows: Floats, reach: float | None
) -> tuple[Integers, Integers, Integers, Floats]:
    """Pairs of atom i from its row (cells · N, 3, 3) of a lateral supercell, among the nearest images."""
    n = len(atoms)
    cell = atoms.cell.array[:2, :2]
    number, partner = np.divmod(np.arange(len(rows)), n)
    inside = np.column_stack(np.divmod(number, repeat[1]))
    between = atoms.positions[partner] - atoms.positions[i]
    between[:, :2] += inside @ cell
    size = np.array(repeat)
    wrapped = -np.rint(between[:, :2] @ np.linalg.inv(cell * size[:, None])).astype(np.int64)
    candidates = inside + (wrapped + _OFFSETS[:, None, :]) * size
    distance = np.linalg.norm(_images(between, cell * size[:, None]), axis=-1)
    nearest = distance < distance.min(axis=0) + _TIE
    if reach is not None:
        nearest &= distance < reach + _TIE
    image, chosen = np.nonzero(nearest)
    share = nearest.sum(axis=0)[chosen]
    return (
        np.full(len(chosen), i),
        partner[chosen],
        candidates[image, chosen],
        rows[chosen] / share[:, None, None],
    )
