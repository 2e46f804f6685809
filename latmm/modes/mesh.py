"""Meshes of the bulk Brillouin zone, reduced by what the contact leaves of the crystal's symmetry.

A rotation or reflection that keeps the interface normal takes k∥ to Rk∥ and leaves q_z; time reversal takes q
to −q. Phonons that correspond have one frequency and one transmissivity (that of an outgoing phonon being the
share of it that came through, which reciprocity makes equal to that of its time-reversed partner).
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from latmm.arrays import Bools, Floats, Integers, is_whole
from latmm.errors import InputError
from latmm.lattice.force_constants import ForceConstants

__all__ = ["BulkMesh", "bulk_mesh", "check_mesh"]

_MOST_POINTS = 4_000_000
"""Points that a mesh may have: more would take years, and fill the memory before they begin."""


@dataclass(frozen=True)
class BulkMesh:
    """A mesh and one wave vector of each of its orbits.

    Attributes
    ----------
    qpoints : (Q, 3) float
        Irreducible wave vectors, fractional, sorted by their k∥.
    weight : (Q,) float
        Share of the mesh that each stands for; they sum to one.
    irreducible : (M,) int
        For each point of the mesh, in C order of its three indices, the irreducible one.
    reversed : (M,) bool
        Points whose phonons run the other way along the normal than those of the irreducible one: time
        reversal connects them.
    """

    qpoints: Floats
    weight: Floats
    irreducible: Integers
    reversed: Bools


def bulk_mesh(
    crystal: ForceConstants,
    mesh: tuple[int, int, int],
    rotations: list[Integers],
    *,
    centred: bool = False,
) -> BulkMesh:
    """Mesh over the reciprocal cell of an oriented crystal.

    Parameters
    ----------
    crystal : ForceConstants
        With a₁, a₂ in the plane.
    mesh : (3,) int
        Points along the three reciprocal vectors; the first two carry k∥.
    rotations : list of (2, 2) int
        Symmetry of the contact acting on k∥, see
        :attr:`latmm.interface.interface.Interface.spatial_rotations`. One that does
        not take the mesh to itself is left unused.
    centred : bool
        Put a point on Γ; by default points lie midway between, which integrates better.

    Raises
    ------
    InputError
        If the mesh is not three positive integers.
    """
    check_mesh(mesh)
    counts = np.array(mesh, dtype=np.int64)
    shift = 0.0 if centred else 0.5
    axes = [(np.arange(n) + shift) / n for n in mesh]
    q = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    normal = q[:, 2] - crystal.in_plane(q[:, :2])[:, 2]
    rows, away = np.arange(len(q)), len(q)
    # each point twice: as it is, and time-reversed
    pairs = []
    if (partner := _index(-q, counts, shift)) is not None:
        pairs += [(rows, partner + away), (rows + away, partner)]
    for rotation in rotations:
        k = q[:, :2] @ rotation.T
        image = _index(np.column_stack([k, normal + crystal.in_plane(k)[:, 2]]), counts, shift)
        if image is not None:
            pairs += [(rows, image), (rows + away, image + away)]
    first, second = (np.concatenate(x) for x in zip(*pairs, strict=True))
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(2 * away, 2 * away))
    _, orbits = connected_components(graph, directed=False)
    orbit = np.minimum(orbits[:away], orbits[away:])
    _, kept, irreducible, size = np.unique(orbit, return_index=True, return_inverse=True, return_counts=True)
    # orbits are numbered by their first point already; their order by k∥ follows from C order
    order = np.argsort(kept)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    turned = orbits[:away] != orbits[:away][kept][irreducible]
    return BulkMesh(q[kept[order]], size[order] / len(q), place[irreducible], turned)


def check_mesh(mesh: tuple[int, int, int]) -> None:
    """Check the numbers of points.

    Raises
    ------
    InputError
        If the mesh is not three positive integers, or has more points than any machine solves.
    """
    if len(mesh) != 3 or not all(is_whole(n, 1) for n in mesh):
        raise InputError(
            f"`mesh` must be three positive integers, but is {tuple(mesh)}; use e.g. (24, 24, 24)"
        )
    if int(mesh[0]) * int(mesh[1]) * int(mesh[2]) > _MOST_POINTS:
        raise InputError(
            f"`mesh` must have at most {_MOST_POINTS} points, but is {tuple(mesh)}; use a coarser mesh"
        )


def _index(q: Floats, counts: Integers, shift: float) -> Integers | None:
    """Index of wave vectors in the mesh, or None if one is not of the mesh."""
    steps = q * counts - shift
    whole = np.rint(steps)
    if np.max(np.abs(steps - whole)) > 1e-6:
        return None
    return np.asarray(np.ravel_multi_index(tuple((whole.astype(np.int64) % counts).T), tuple(counts)))
