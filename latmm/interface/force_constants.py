"""Force constants across a contact: finite displacements of the slab, joined to those of both pure crystals.

The atoms of the ``zone`` (the layers nearest the contact) are displaced in a lateral supercell of the slab.
A pair with an atom in the zone takes its force constant from there, every other pair that of its own pure
crystal. Exchange symmetry, the symmetry of the layer group and the acoustic sum rule are then made exact for
the whole: the self terms absorb what is left, so that a rigid shift costs no energy anywhere.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from ase import Atoms
from ase.build import make_supercell

from latmm.arrays import Bools, Floats
from latmm.interface.contact import Slab
from latmm.interface.symmetry import Operation, average
from latmm.lattice.calculators import Potential
from latmm.lattice.force_constants import ForceConstants, untwist

__all__ = ["contact_blocks", "end_deviation", "join", "lateral_supercell"]

_TIE = 1e-4
"""Images whose distances differ by less share a force constant, Å."""

Blocks = dict[tuple[int, int], Floats]


def lateral_supercell(atoms: Atoms, span: float) -> tuple[int, int]:
    """Repetitions of the in-plane vectors until opposite edges are ``span`` (Å) apart."""
    a, b = atoms.cell.array[:2, :2]
    area = abs(float(np.linalg.det(atoms.cell.array[:2, :2])))
    first, second = (max(1, int(np.ceil(span * np.linalg.norm(other) / area - 1e-6))) for other in (b, a))
    return first, second


def contact_blocks(
    slab: Slab,
    zone: Bools,
    potential: Potential,
    *,
    repeat: tuple[int, int],
    progress: Callable[[int, int], None] | None = None,
) -> Blocks:
    """Displace each atom of the zone and read off its force constants with all others.

    Parameters
    ----------
    slab : Slab
        The relaxed contact, N atoms.
    zone : (N,) bool
        Atoms to displace.
    potential : Potential
        Gives the forces, and the displacement that suits them.
    repeat : (2,) int
        Lateral supercell.
    progress : callable, optional
        Called with (displacements done, displacements in all).

    Returns
    -------
    mapping from in-plane cells to (N, N, 3, 3) float
        Rows i of the zone are filled, eV Å⁻²; central differences.
    """
    n = len(slab.atoms)
    supercell = make_supercell(slab.atoms, np.diag([*repeat, 1]), order="cell-major")
    supercell.calc = potential.calculator()
    equilibrium = supercell.get_positions()
    blocks: Blocks = defaultdict(lambda: np.zeros((n, n, 3, 3)))
    displaced = np.flatnonzero(zone)
    for done, i in enumerate(displaced):
        if progress is not None:
            progress(3 * done, 3 * len(displaced))
        rows = np.empty((len(supercell), 3, 3))
        for axis in range(3):
            forces = []
            for sign in (1.0, -1.0):
                positions = equilibrium.copy()
                positions[i, axis] += sign * potential.displacement
                supercell.set_positions(positions)
                forces.append(supercell.get_forces())
            rows[:, axis, :] = (forces[1] - forces[0]) / (2.0 * potential.displacement)
        _share_out(blocks, rows, slab.atoms, int(i), repeat)
    if progress is not None:
        progress(3 * len(displaced), 3 * len(displaced))
    return dict(blocks)


def _share_out(blocks: Blocks, rows: Floats, atoms: Atoms, i: int, repeat: tuple[int, int]) -> None:
    """Add atom i's row of a lateral supercell, (cells · N, 3, 3), to the nearest images of each partner."""
    n = len(atoms)
    cell = atoms.cell.array
    apart = atoms.get_positions() - atoms.get_positions()[i]
    images = np.array([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)]) * np.array(repeat)
    for number, row in enumerate(rows.reshape(-1, n, 3, 3)):
        own = np.array(divmod(number, repeat[1]))
        candidates = own + images
        distance = np.linalg.norm(apart[None] + (candidates @ cell[:2])[:, None], axis=-1)
        nearest = distance < distance.min(axis=0) + _TIE
        share = nearest / nearest.sum(axis=0)
        for candidate, part in zip(candidates.tolist(), share, strict=True):
            if part.any():
                blocks[candidate[0], candidate[1]][i] += part[:, None, None] * row


def join(
    slab: Slab,
    contact: Blocks,
    zone: Bools,
    left: ForceConstants,
    right: ForceConstants,
    operations: list[Operation],
) -> ForceConstants:
    """Join the contact's force constants to those of the two pure crystals.

    Parameters
    ----------
    slab : Slab
        N atoms; its outermost layers stand for the leads.
    contact : mapping
        From :func:`contact_blocks`.
    zone : (N,) bool
        Atoms whose rows in ``contact`` are filled.
    left, right : ForceConstants
        Of the pure crystals, oriented and strained as in the slab.
    operations : list of Operation
        The layer group of the slab.

    Returns
    -------
    ForceConstants
        Of the slab, with in-plane translations only. The self terms of the surface layers are those of
        the pure crystals, as if the leads went on.
    """
    n = len(slab.atoms)
    blocks = _exchange(average(_exchange(contact, zone), operations), zone)
    bulk = _bulk_blocks(slab, left, right)
    outside = ~zone[:, None] & ~zone[None, :]
    keys = sorted(set(blocks) | set(bulk))
    zero = np.zeros((n, n, 3, 3))
    values = np.array(
        [np.where(outside[..., None, None], bulk.get(key, zero), blocks.get(key, zero)) for key in keys]
    )
    _complete(values, keys, slab, zone, left, right)
    return ForceConstants(slab.atoms, np.array([[*key, 0] for key in keys], dtype=np.int64), values)


def end_deviation(
    slab: Slab, contact: Blocks, zone: Bools, left: ForceConstants, right: ForceConstants
) -> float:
    """Largest departure from the pure crystal of the force constants in the outermost layers of the zone.

    Relative to the largest force constant of that crystal. Small means that the zone is thick enough.
    """
    bulk = _bulk_blocks(slab, left, right)
    outer = {-1: slab.layer[zone].min(), 1: slab.layer[zone].max()}
    worst = 0.0
    for side, crystal in ((-1, left), (1, right)):
        rows = np.flatnonzero(slab.layer == outer[side])
        same = (slab.layer < 0) if side < 0 else (slab.layer >= 0)
        for key, block in contact.items():
            reference = bulk.get(key)
            difference = block[rows] if reference is None else block[rows] - reference[rows]
            # the self term follows from the sum rule and repeats the others
            if key == (0, 0):
                difference = difference.copy()
                difference[np.arange(len(rows)), rows] = 0.0
            worst = max(worst, float(np.max(np.abs(difference[:, same]))) / crystal.scale)
    return worst


def _exchange(blocks: Blocks, zone: Bools) -> Blocks:
    """Impose Φ_ij(R) = Φ_ji(−R)ᵀ: the mean where both rows are known, the one that is known elsewhere."""
    known = zone.astype(float)
    weight = np.divide(
        known[:, None],
        known[:, None] + known[None, :],
        out=np.zeros((len(zone), len(zone))),
        where=(zone[:, None] | zone[None, :]),
    )[..., None, None]
    mirrored: Blocks = {}
    keys = {k for key in blocks for k in (key, (-key[0], -key[1]))}
    zero = np.zeros_like(next(iter(blocks.values())))
    for key in keys:
        there = blocks.get(key, zero)
        back = blocks.get((-key[0], -key[1]), zero).transpose(1, 0, 3, 2)
        mirrored[key] = weight * there + weight.transpose(1, 0, 2, 3) * back
    return mirrored


def _bulk_blocks(slab: Slab, left: ForceConstants, right: ForceConstants) -> Blocks:
    """Force constants of the pure crystals between slab atoms of one side."""
    n = len(slab.atoms)
    blocks: Blocks = defaultdict(lambda: np.zeros((n, n, 3, 3)))
    for crystal, side in ((left, slab.layer < 0), (right, slab.layer >= 0)):
        place = {(int(slab.layer[i]), int(slab.member[i])): int(i) for i in np.flatnonzero(side)}
        for (a, b, step), table in zip(crystal.cells.tolist(), crystal.values, strict=True):
            for (layer, member), i in place.items():
                for partner in range(len(crystal.atoms)):
                    j = place.get((layer + step, partner))
                    if j is not None:
                        blocks[a, b][i, j] = table[member, partner]
    return dict(blocks)


def _complete(
    values: Floats,
    keys: list[tuple[int, int]],
    slab: Slab,
    zone: Bools,
    left: ForceConstants,
    right: ForceConstants,
) -> None:
    """Set the self terms in place so that the sum rule holds for the slab with the leads attached."""
    n = len(slab.atoms)
    origin = keys.index((0, 0))
    diagonal = np.arange(n)
    values[origin, diagonal, diagonal] = 0.0
    defect = values.sum(axis=(0, 2))
    # rows whose partners go beyond the slab keep the self term of the pure crystal
    bottom, top = int(slab.layer.min()), int(slab.layer.max())
    depth = max(int(np.abs(c.cells[:, 2]).max(initial=0)) for c in (left, right))
    surface = (slab.layer < bottom + depth) | (slab.layer > top - depth)
    twist = np.where(surface[:, None, None], 0.0, 0.5 * (defect - defect.transpose(0, 2, 1)))
    strength = np.abs(values).max(axis=(3, 4)) * (zone[:, None] | zone[None, :])
    values += untwist(strength, twist)
    defect = values.sum(axis=(0, 2))
    selves = -0.5 * (defect + defect.transpose(0, 2, 1))
    for crystal, side in ((left, slab.layer < 0), (right, slab.layer >= 0)):
        centre = int(np.flatnonzero(np.all(crystal.cells == 0, axis=1))[0])
        for i in np.flatnonzero(side & surface):
            member: int = int(slab.member[i])
            selves[i] = crystal.values[centre, member, member]
    values[origin, diagonal, diagonal] = selves
