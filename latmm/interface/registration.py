"""Find the two crystals at the ends of an explicit region, and name the sites of its atoms.

A region is any stack of atoms between a left and a right crystal: from the bottom up its layers are compared
with those of the left crystal, from the top down with those of the right one. A layer fits if each of its
sites holds an atom of the right element; the first layer that does not fit ends the crystal, and what is left
between the two belongs to neither. The outermost layers fix the rigid position of each crystal. The in-plane
vectors tell whether the region is a lateral supercell of the crystals' common cell.
"""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_masses
from matscipy.neighbours import neighbour_list

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.geometry.lateral import cells_of
from latmm.geometry.matching import Matched
from latmm.interface.registry import shifted
from latmm.interface.slab import Slab, build_slab, sites
from latmm.structures import SHORTEST_BOND
from latmm.ties import classes, nearest_whole

__all__ = ["CELL_TOLERANCE", "END_TOLERANCE", "extended", "in_cell", "register"]

CELL_TOLERANCE = 0.02
"""Largest difference of the region's in-plane vectors from those of the crystals' common cell, Å."""
END_TOLERANCE = 0.1
"""Largest distance of an atom of the outermost layers from its site, after the rigid shift, Å."""
NEAR = 0.6
"""Largest distance of an atom farther inside from the site that it is named after, Å."""
WIDEST_GAP = 5.0
"""Distance of successive atomic planes that counts as vacuum, Å."""
MASS_TOLERANCE = 1e-3
"""Relative difference of masses of one element: tables differ by 4e-4, the lightest isotope by more."""
_ROUNDED = 1e-6
"""Relative difference of a mass in a file from the same mass."""


@dataclass(frozen=True)
class _End:
    """One crystal found in a region.

    ``layers``: for each layer, outermost first, its atoms (M,) in the order of cell and member; ``origin``
    (3,): of the lattice of sites, so that the outermost layer has number 0 and the next ones count inwards.
    """

    layers: list[Integers]
    origin: Floats


def in_cell(matched: Matched, cell: Floats) -> Matched:
    """Return the crystals with the lateral supercell of these vectors (3, 3), Å, if they make one."""
    change = cell[:2, :2] @ np.linalg.inv(matched.cell)
    lateral = np.rint(change)
    far = np.abs((change - lateral) @ matched.cell).max() > CELL_TOLERANCE
    if far or round(np.linalg.det(lateral)) < 1:
        return matched
    return matched.repeated(lateral.astype(np.int64))


def register(atoms: Atoms, matched: Matched, *, name: str = "the region", masses: str | None = None) -> Slab:
    """Name the atoms of a region by the sites of the crystals at its ends.

    Parameters
    ----------
    atoms : ase.Atoms
        From left to right along z; its first two cell vectors lie in the plane and are those of the common
        cell, or of a lateral supercell of it. What closes the cell along z does not count.
    matched : Matched
        The crystals and their common lateral cell.
    name : str
        Of the region, in error messages.
    masses : {None, "file", "element"}
        Masses that the region has of its own count, atom by atom: by default each must be its element's,
        natural or as in a crystal, and the outermost layers must have their crystal's. ``"file"``: whatever
        they are; ``"element"``: the element's natural one where the region's is not its element's. A region
        without own masses takes those of the crystals in their layers, and natural ones elsewhere.

    Returns
    -------
    Slab
        At least one layer of each crystal at its ends; atoms between the crystals have side 0. In the lateral
        supercell, if the region is one.

    Raises
    ------
    InputError
        If the in-plane cell is another one, atoms overlap, a gap of vacuum lies between them, masses do not
        fit their elements, or the layers at an end are not those of the crystal: the message names the layer.
    """
    matched = in_cell(matched, atoms.cell.array)
    sites_in_layer = round(np.linalg.det(matched.lateral_left)) * len(matched.left)
    if sites_in_layer > len(atoms):
        raise InputError(
            f"{name} has {len(atoms)} atoms, but one layer of the left crystal in its in-plane cell has "
            f"{sites_in_layer}; fill the cell, or give a smaller one"
        )
    own = _masses(atoms, matched, masses, name) if atoms.has("masses") else None
    positions = _laid(atoms, matched, name)
    _check_distances(atoms, positions, matched, name)
    left = _end(atoms, positions, matched, -1, name)
    right = _end(atoms, positions, matched, 1, name)
    _share_out(left, right, len(atoms))
    if not left.layers or not right.layers:
        raise InputError(
            f"{name} is too thin to hold a layer of each crystal at its ends; add layers of both crystals"
        )
    slab = _labelled(atoms, positions, own, matched, left, right)
    if own is not None and masses is None:
        _check_ends(slab, matched, name)
    return slab


def _masses(atoms: Atoms, matched: Matched, choice: str | None, name: str) -> Floats:
    """Own masses of the region's atoms (N,), amu; those that do not fit their elements as the choice says."""
    if choice not in (None, "file", "element"):
        raise InputError(f"`masses` must be None, 'file' or 'element', but is {choice!r}")
    own: Floats = atoms.get_masses()
    if not np.all(np.isfinite(own) & (own > 0)):
        raise InputError(f"{name} holds masses that are not positive numbers; mend them")
    if choice == "file":
        return own
    natural = atomic_masses[atoms.numbers]
    fits = np.abs(own / natural - 1.0) < MASS_TOLERANCE
    for crystal in (matched.left, matched.right):
        for number, mass in {*zip(crystal.numbers.tolist(), crystal.get_masses().tolist(), strict=True)}:
            fits |= (atoms.numbers == number) & (np.abs(own / mass - 1.0) < MASS_TOLERANCE)
    if choice is None and not fits.all():
        first = int(np.argmin(fits))
        raise InputError(
            f"atom {first + 1} of {name} is {atoms.symbols[first]} with a mass of {own[first]:.5g} amu, not "
            f"{natural[first]:.5g} ({int(np.sum(~fits))} of {len(atoms)} atoms do not fit their elements): "
            "the column `masses` of the file counts; mend or remove it, or choose `region_masses` element "
            "(natural ones there) or file (as they stand)"
        )
    return np.where(fits, own, natural)


def _check_ends(slab: Slab, matched: Matched, name: str) -> None:
    """Refuse outermost layers with other masses than their crystal's."""
    for label, side, edge, crystal in (
        ("left", -1, -slab.depth[0], matched.left),
        ("right", 1, slab.depth[1] - 1, matched.right),
    ):
        end = np.flatnonzero((slab.side == side) & (slab.layer == edge))
        own, wanted = slab.atoms.get_masses()[end], crystal.get_masses()[slab.member[end]]
        unlike = np.flatnonzero(np.abs(own / wanted - 1.0) > MASS_TOLERANCE)
        if unlike.size:
            raise InputError(
                f"the outermost layer of {name} on the {label} has {slab.atoms.symbols[end[unlike[0]]]} of "
                f"{own[unlike[0]]:.5g} amu, but the {label} crystal has {wanted[unlike[0]]:.5g}: the column "
                "`masses` of the file counts; remove it to take the crystals' masses, or keep the file's "
                "with `region_masses` file"
            )


def _laid(atoms: Atoms, matched: Matched, name: str) -> Floats:
    """Positions (N, 3) with the in-plane cell laid exactly on the common one."""
    cell = atoms.cell.array
    apart = np.abs(cell[:2, :2] - matched.cell).max()
    if np.abs(cell[:2, 2]).max() > CELL_TOLERANCE or apart > CELL_TOLERANCE:
        rows = ", ".join(np.array2string(row, precision=4, suppress_small=True) for row in cell[:2])
        wanted = ", ".join(
            np.array2string(np.append(row, 0.0), precision=4, suppress_small=True) for row in matched.cell
        )
        raise InputError(
            f"the in-plane vectors of {name} are {rows} Å, but those of the crystals' common cell are "
            f"{wanted} Å (tolerance {CELL_TOLERANCE:g} Å); turn or strain it, or choose another common cell"
        )
    positions: Floats = atoms.get_positions()
    positions[:, :2] = positions[:, :2] @ np.linalg.inv(cell[:2, :2]) @ matched.cell
    return positions


def _check_distances(atoms: Atoms, positions: Floats, matched: Matched, name: str) -> None:
    """Refuse overlapping atoms, vacuum, and numbers that are none."""
    if not np.isfinite(positions).all():
        raise InputError(f"{name} holds positions that are not finite numbers; mend it")
    order = np.argsort(positions[:, 2])
    gaps = np.diff(positions[order, 2])
    if gaps.size and gaps.max() > WIDEST_GAP:
        below = int(order[int(np.argmax(gaps))])
        raise InputError(
            f"{name} has a gap of {gaps.max():.2f} Å of vacuum above atom {below + 1} "
            f"({atoms.symbols[below]}, z = {positions[below, 2]:.2f} Å); bring the parts into contact, or "
            "move the atoms so that the stack does not wrap around the cell"
        )
    cell = np.zeros((3, 3))
    cell[:2, :2] = matched.cell
    cell[2, 2] = np.ptp(positions[:, 2]) + 10.0
    stack = Atoms(numbers=atoms.numbers, positions=positions, cell=cell, pbc=(True, True, False))
    first, second, distance = neighbour_list("ijd", stack, SHORTEST_BOND)
    if distance.size:
        raise InputError(
            f"atoms {first[0] + 1} and {second[0] + 1} of {name} are {distance[0]:.2f} Å apart; "
            "remove duplicates"
        )


def _end(atoms: Atoms, positions: Floats, matched: Matched, side: int, name: str) -> _End:
    """Find one crystal at its end of the region; the best of all places that its outermost atom may have."""
    crystal, lateral = (
        (matched.left, matched.lateral_left) if side < 0 else (matched.right, matched.lateral_right)
    )
    # of several at one height the first in the file
    outermost = int(np.argmin(classes(side * -positions[:, 2], 1e-6)))
    best, worst = None, (np.inf, outermost)
    for member in np.flatnonzero(crystal.numbers == atoms.numbers[outermost]).tolist():
        origin = positions[outermost] - crystal.positions[member]
        # an atom of the cut may be missing from its layer: then the crystal begins with the next one
        for start in (0, 1):
            begin = origin - side * start * crystal.cell.array[2]
            found, miss = _layers(atoms, positions, matched, crystal, lateral, begin, side)
            if found.layers:
                miss = _leftover(atoms, positions, matched, crystal, found, side)
                if miss[0] <= END_TOLERANCE:
                    if best is None or len(found.layers) > len(best.layers):
                        best = found
                    break
            worst = min(worst, miss, key=lambda m: m[0])
    if best is not None:
        return best
    label, where = ("left", "lowest") if side < 0 else ("right", "uppermost")
    formula = crystal.get_chemical_formula()
    if atoms.numbers[outermost] not in crystal.numbers:
        reason = f"{atoms.symbols[outermost]} is not one of its elements"
    elif np.isinf(worst[0]):
        reason = "it lacks one of its elements"
    else:
        reason = (
            f"near atom {worst[1] + 1} ({atoms.symbols[worst[1]]}, z = {positions[worst[1], 2]:.2f} Å) a "
            f"site lies {worst[0]:.2f} Å from the next atom of its element (tolerance {END_TOLERANCE:g} Å)"
        )
    raise InputError(
        f"the {where} layer of {name}, at z = {positions[outermost, 2]:.2f} Å, does not fit the {label} "
        f"crystal {formula}: {reason}; let the region end with undisturbed layers of the crystal, strained "
        "as it is"
    )


def _layers(
    atoms: Atoms,
    positions: Floats,
    matched: Matched,
    crystal: Atoms,
    lateral: Integers,
    origin: Floats,
    side: int,
) -> tuple[_End, tuple[float, int]]:
    """Fit layers inwards from an origin; also how far, and near which atom, the outermost one misses."""
    cells = np.column_stack([cells_of(lateral), np.zeros(len(cells_of(lateral)), dtype=np.int64)])
    first = (cells @ crystal.cell.array)[:, None, :] + crystal.positions
    kinds = np.tile(crystal.numbers, len(cells))
    layers: list[Integers] = []
    while True:
        places = first.reshape(-1, 3) + origin - side * len(layers) * crystal.cell.array[2]
        nearest, distance = _nearest(atoms, positions, matched, places, kinds)
        limit = NEAR if layers else END_TOLERANCE
        if not layers and distance.max() < NEAR:
            # the outermost layer as a whole fixes the origin, not its one atom
            origin = origin + _apart(positions[nearest], places, matched).mean(axis=0)
            places = first.reshape(-1, 3) + origin
            nearest, distance = _nearest(atoms, positions, matched, places, kinds)
        if distance.max() > limit or len(set(nearest.tolist())) < len(nearest):
            worst = int(np.argmax(distance))
            return _End(layers, origin), (float(distance[worst]), int(nearest[worst]))
        layers.append(nearest)


def _apart(positions: Floats, places: Floats, matched: Matched) -> Floats:
    """Vectors (M, 3) from places to positions, shortest in the plane."""
    apart = positions - places
    apart[..., :2] -= np.rint(apart[..., :2] @ np.linalg.inv(matched.cell)) @ matched.cell
    return np.asarray(apart)


def _nearest(
    atoms: Atoms, positions: Floats, matched: Matched, places: Floats, kinds: Integers
) -> tuple[Integers, Floats]:
    """Nearest atom of the right element to each place (M,), and its distance."""
    distance = np.linalg.norm(_apart(positions[None], places[:, None], matched), axis=-1)
    distance[kinds[:, None] != atoms.numbers[None, :]] = np.inf
    nearest = np.argmin(distance, axis=1)
    return nearest, distance[np.arange(len(places)), nearest]


def _leftover(
    atoms: Atoms, positions: Floats, matched: Matched, crystal: Atoms, found: _End, side: int
) -> tuple[float, int]:
    """How far the worst atom beyond the outermost layer is from a site of the next one, and its number."""
    edge = positions[found.layers[0], 2]
    outside = positions[:, 2] < edge.min() if side < 0 else positions[:, 2] > edge.max()
    outside[np.concatenate(found.layers)] = False
    beyond = np.flatnonzero(outside)
    if not beyond.size:
        return 0.0, 0
    lateral = matched.lateral_left if side < 0 else matched.lateral_right
    cells = np.column_stack([cells_of(lateral), np.zeros(len(cells_of(lateral)), dtype=np.int64)])
    places = (cells @ crystal.cell.array)[:, None, :] + crystal.positions + found.origin
    places = places.reshape(-1, 3) + side * crystal.cell.array[2]
    kinds = np.tile(crystal.numbers, len(cells))
    distance = np.linalg.norm(_apart(positions[beyond][:, None], places[None], matched), axis=-1)
    distance[atoms.numbers[beyond][:, None] != kinds[None, :]] = np.inf
    misses = distance.min(axis=1)
    worst = int(np.argmax(misses))
    return float(misses[worst]), int(beyond[worst])


def _share_out(left: _End, right: _End, count: int) -> None:
    """Give layers that both crystals claim back, by turns."""
    while left.layers and right.layers:
        owner = np.zeros(count, dtype=np.int64)
        for layer in (*left.layers, *right.layers):
            owner[layer] += 1
        if owner.max() < 2:
            return
        (left if len(left.layers) >= len(right.layers) else right).layers.pop()


def _labelled(
    atoms: Atoms,
    positions: Floats,
    own: Floats | None,
    matched: Matched,
    left: _End,
    right: _End,
) -> Slab:
    """Slab of the two crystals and what lies between, the left one at the origin of its sites."""
    depth = (len(left.layers), len(right.layers))
    template = build_slab(matched, depth)
    # the outermost left layer is number −depth; its sites are at the crystal's own origin
    zero = left.origin + depth[0] * matched.left.cell.array[2]
    shift = right.origin - (depth[1] - 1) * matched.right.cell.array[2] - zero
    shift[:2] -= nearest_whole(shift[:2] @ np.linalg.inv(matched.cell)) @ matched.cell
    lift = _lift(matched, depth)
    template = shifted(template, shift)
    crystal = np.concatenate([*left.layers, *reversed(right.layers)])
    between = np.setdiff1d(_inside(positions, left, right), crystal)
    source = np.concatenate([np.concatenate(left.layers), between, np.concatenate(right.layers[::-1])])
    placed = positions[source] - zero + lift
    first, last = sum(map(len, left.layers)), sum(map(len, right.layers))
    ends = np.r_[0:first, len(source) - last : len(source)]
    goal = template.atoms.positions
    placed[ends] = goal + _apart(placed[ends], goal, matched)
    masses = (atoms.get_masses() if own is None else own)[source]
    given = template.atoms.get_masses()
    # digits of the file do not make other isotopes
    masses[ends] = np.where(
        (own is None) | (np.abs(masses[ends] / given - 1.0) < _ROUNDED), given, masses[ends]
    )
    stack = Atoms(
        numbers=atoms.numbers[source], positions=placed, cell=template.atoms.cell, masses=masses, pbc=True
    )
    label = np.zeros((len(source), 5), dtype=np.int64)
    label[ends] = np.column_stack([template.side, template.layer, template.member, template.cell])
    return Slab(stack, label[:, 0], label[:, 1], label[:, 2], label[:, 3:], template.shift)


def _lift(matched: Matched, layers: tuple[int, int]) -> Floats:
    """Where a slab of so many layers has the origin of the left crystal's sites, (3,) Å."""
    slab = build_slab(matched, layers)
    return np.asarray(slab.atoms.positions[0] - sites(slab, matched)[0])


def _inside(positions: Floats, left: _End, right: _End) -> Integers:
    """Atoms between the outermost layers of both crystals: what lies beyond is an incomplete layer."""
    z = positions[:, 2]
    low, high = z[left.layers[0]].max(), z[right.layers[0]].min()
    return np.flatnonzero((z >= low) & (z <= high))


def extended(region: Slab, matched: Matched, layers: tuple[int, int]) -> Slab:
    """Continue both crystals at the ends of a region.

    Parameters
    ----------
    region : Slab
        From :func:`register`.
    matched : Matched
        The crystals.
    layers : (2,) int
        Layers of each crystal in all, the region's included.

    Returns
    -------
    Slab
    """
    depth = region.depth
    whole = shifted(build_slab(matched, (max(layers[0], depth[0]), max(layers[1], depth[1]))), region.shift)
    lift = _lift(matched, whole.depth) - _lift(matched, depth)
    outer = ~whole.within(depth)
    parts = [
        (whole, np.flatnonzero(outer & (whole.side < 0)), np.zeros(3)),
        (region, np.arange(len(region.atoms)), lift),
        (whole, np.flatnonzero(outer & (whole.side > 0)), np.zeros(3)),
    ]
    atoms = Atoms(
        numbers=np.concatenate([slab.atoms.numbers[i] for slab, i, _ in parts]),
        masses=np.concatenate([slab.atoms.get_masses()[i] for slab, i, _ in parts]),
        positions=np.concatenate([slab.atoms.positions[i] + step for slab, i, step in parts]),
        cell=whole.atoms.cell,
        pbc=True,
    )
    side, layer, member, cell = (
        np.concatenate([getattr(slab, label)[i] for slab, i, _ in parts])
        for label in ("side", "layer", "member", "cell")
    )
    return Slab(atoms, side, layer, member, cell, region.shift)
