"""What sits on the sites of a slab: pure functions that change species, masses or presence of atoms.

A slab's labels (side, layer, member, cell) name lattice sites. In two crystals of one structure a member of
the left primitive cell and the same member of the right one are the same site of the lattice, occupied by
either crystal's species; on the sites of two lattices only elements are exchanged. Draws are stratified: of n
sites with fraction c between ⌊cn⌋ and ⌈cn⌉ are taken, in such a way that the total over all strata is exact
to rounding, too, and the mean over seeds is cn (systematic sampling, W. G. Madow, Ann. Math. Stat. 20, 333
(1949)). Within a stratum every choice is as likely.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from latmm.arrays import Bools, Floats, Integers
from latmm.disorder.profiles import Profile
from latmm.errors import InputError
from latmm.geometry.matching import Matched
from latmm.interface.slab import Slab
from latmm.ties import classes

__all__ = [
    "apart",
    "averaged",
    "between",
    "layers_of",
    "levels",
    "mass_disorder",
    "mixed",
    "occupied",
    "one_lattice",
    "planes",
    "require_one_lattice",
    "substituted",
    "vacancies",
]

_LEVEL = 0.05
"""Atoms of a primitive cell whose heights differ by less form one atomic plane, Å."""
NO_MEAN = (
    "so that they have no mean masses and force constants; use two crystals of one structure and one plane"
)
_BESIDE = 0.1
"""Two sites are one where they are closer in the plane than this fraction of the lattice vector."""


def planes(slab: Slab, matched: Matched) -> Integers:
    """Return the number of each atom's plane: …, −2, −1 on the left, 0, 1, … on the right, (N,).

    Atoms of a middle region belong to no plane of the crystals and are refused.
    """
    if np.any(slab.side == 0):
        raise InputError(
            "disorder is drawn on the lattice sites of the two crystals, but the contact holds "
            f"{int(np.sum(slab.side == 0))} atoms of neither; use a contact without a middle region"
        )
    found = np.zeros(len(slab.atoms), dtype=np.int64)
    for side, crystal in ((-1, matched.left), (1, matched.right)):
        rank = levels(crystal)
        here = slab.side == side
        found[here] = slab.layer[here] * (rank.max() + 1) + rank[slab.member[here]]
    return found


def levels(crystal: Atoms) -> Integers:
    """Rank of every atom's height in the primitive cell, (n,)."""
    height = crystal.get_positions()[:, 2]
    return classes(height, _LEVEL)


def layers_of(matched: Matched, depth: int) -> tuple[int, int]:
    """Primitive layers of each crystal that hold ``depth`` atomic planes, one at least."""
    left, right = (max(1, -(-depth // (int(levels(c).max()) + 1))) for c in (matched.left, matched.right))
    return left, right


def between(slab: Slab, matched: Matched, width: int) -> Bools:
    """Mark the ``width`` atomic planes around the contact, (N,); an odd one lies on the right."""
    number = planes(slab, matched)
    first = -(width // 2)
    return np.asarray((number >= first) & (number < first + width))


def occupied(slab: Slab, matched: Matched, right: Bools) -> Slab:
    """Put the right crystal's species on the marked sites and the left one's on all others.

    Where the sites of both crystals continue each other, a site has the species of the same member in either
    crystal. On two lattices that do not, each of one element, every site has that of either.

    Parameters
    ----------
    slab : Slab
        N sites, without atoms of neither crystal.
    matched : Matched
        The crystals.
    right : (N,) bool
        Sites with the right crystal's species.

    Raises
    ------
    InputError
        If the lattices do not continue each other and a crystal has more than one element.
    """
    member = slab.member
    if not one_lattice(matched, slab.shift):
        if any(len(set(crystal.numbers.tolist())) > 1 for crystal in (matched.left, matched.right)):
            raise apart(
                matched,
                "so that it is not defined which of their species takes which place; use two elements, or "
                "two crystals of one structure and one plane",
            )
        member = np.zeros_like(member)
    numbers, masses = (
        np.where(right, of(matched.right)[member], of(matched.left)[member])
        for of in (Atoms.get_atomic_numbers, Atoms.get_masses)
    )
    return _changed(slab, numbers, masses)


def mixed(slab: Slab, matched: Matched, profile: Profile, rng: np.random.Generator) -> Slab:
    """Mix the species of both crystals at random with a given fraction in each atomic plane.

    The fraction is exact to rounding in every plane and for every member of the cell, and in total. A profile
    of zeros and ones (a superlattice) draws nothing.
    """
    number = planes(slab, matched)
    fraction = profile.at(number)
    strata = number * max(len(matched.left), len(matched.right)) + slab.member
    return occupied(slab, matched, _drawn(fraction, strata, rng))


def averaged(slab: Slab, matched: Matched, profile: Profile) -> Slab:
    """Give every site the mean mass (1 − s) m_left + s m_right of its plane: the virtual crystal's masses.

    The chemical symbol is that of the larger fraction.
    """
    require_one_lattice(matched, slab.shift)
    fraction = profile.at(planes(slab, matched))
    left, right = (crystal.get_masses()[slab.member] for crystal in (matched.left, matched.right))
    major = np.where(fraction < 0.5, matched.left.numbers[slab.member], matched.right.numbers[slab.member])
    return _changed(slab, major, (1.0 - fraction) * left + fraction * right)


def substituted(slab: Slab, region: Bools, species: Mapping[str, tuple[str, float]]) -> Slab:
    """Replace elements in a region: an intermediate layer of a third material on the same lattice.

    Parameters
    ----------
    slab : Slab
        N sites.
    region : (N,) bool
        Sites concerned, e.g. of :func:`between`.
    species : mapping
        Element → (new element, its mass in amu). Elements not named stay.
    """
    numbers, masses = slab.atoms.numbers.copy(), slab.atoms.get_masses()
    symbols = np.array(slab.atoms.get_chemical_symbols())
    replaced = region & np.isin(symbols, list(species))
    if not replaced.any():
        found = ", ".join(sorted(set(symbols[region].tolist())))
        raise InputError(
            f"the layer holds {found or 'no atom'}, and none of {', '.join(species)} to be replaced"
        )
    for old, (new, mass) in species.items():
        here = replaced & (symbols == old)
        numbers[here], masses[here] = atomic_numbers[new], mass
    return _changed(slab, numbers, masses)


def mass_disorder(slab: Slab, region: Bools, spread: float, rng: np.random.Generator) -> Slab:
    """Make half the atoms of a region heavier and half lighter, m (1 ± spread).

    The mean mass stays, the relative variance Σ(1 − m_i/m̄)²/N is spread², for each member of the cell (exact
    where it has an even number of atoms).
    """
    if not 0.0 <= spread < 1.0:
        raise InputError(f"the relative spread of masses must lie in [0, 1), but is {spread}; use e.g. 0.1")
    heavy = _drawn(np.where(region, 0.5, 0.0), slab.member, rng, where=region)
    factor = np.where(region, np.where(heavy, 1.0 + spread, 1.0 - spread), 1.0)
    return _changed(slab, slab.atoms.numbers, slab.atoms.get_masses() * factor)


def vacancies(slab: Slab, region: Bools, fraction: float, rng: np.random.Generator) -> Slab:
    """Remove a fraction of a region's atoms, the same of every atom of the cell (exact to rounding)."""
    if not 0.0 <= fraction < 1.0:
        raise InputError(f"the fraction of vacancies must lie in [0, 1), but is {fraction}; use e.g. 0.02")
    keep = ~_drawn(np.where(region, fraction, 0.0), slab.member, rng, where=region)
    return slab.take(keep)


def one_lattice(matched: Matched, shift: Floats) -> bool:
    """Whether every member of one crystal continues the same member of the other across the contact.

    Parameters
    ----------
    matched : Matched
        The crystals.
    shift : (3,) float
        Rigid displacement of the right one from the mean-gap stacking, Å, of which the plane counts.
    """
    left, right = matched.left, matched.right
    if len(left) != len(right) or not np.array_equal(matched.lateral_left, matched.lateral_right):
        return False
    beside = right.positions[:, :2] + shift[:2] - left.positions[:, :2]
    beyond = right.cell.array[2, :2] - left.cell.array[2, :2]
    limit = _BESIDE * float(np.linalg.norm(left.cell.array[0]))
    alike = np.array_equal(levels(left), levels(right))
    return alike and bool(max(np.abs(beside).max(), np.abs(beyond).max()) < limit)


def require_one_lattice(matched: Matched, shift: Floats, why: str = NO_MEAN) -> None:
    """Refuse crystals whose sites do not continue each other, see :func:`one_lattice`.

    Raises
    ------
    InputError
        If they do not; ``why`` says what would need it, and what to do.
    """
    if not one_lattice(matched, shift):
        raise apart(matched, why)


def apart(matched: Matched, why: str) -> InputError:
    """Error that says that the sites of two crystals do not continue each other."""
    names = " and ".join(a.get_chemical_formula() for a in (matched.left, matched.right))
    return InputError(f"the sites of {names} do not continue each other across this contact, {why}")


def _changed(slab: Slab, numbers: Integers, masses: Floats) -> Slab:
    atoms = slab.atoms.copy()
    atoms.numbers = numbers
    atoms.set_masses(masses)
    return replace(slab, atoms=atoms)


def _drawn(
    fraction: Floats, strata: Integers, rng: np.random.Generator, *, where: Bools | None = None
) -> Bools:
    """Draw sites: the given fraction of every stratum, (N,) bool.

    Fractions are the same within a stratum; sites outside ``where`` are not drawn.
    """
    chosen = fraction == 1.0
    open_ = (fraction > 0.0) & (fraction < 1.0) if where is None else where & (fraction > 0.0)
    sites = np.flatnonzero(open_)
    if not sites.size:
        return np.asarray(chosen)
    _, first, place, size = np.unique(
        strata[sites], return_index=True, return_inverse=True, return_counts=True
    )
    # rounded so that shares meant to give whole numbers do
    wanted = np.round(np.cumsum(size * fraction[sites][first]), 9)
    counts = np.diff(np.floor(wanted + rng.uniform()), prepend=0.0).astype(np.int64)
    for stratum, count in enumerate(counts):
        members = sites[place == stratum]
        chosen[rng.permutation(members)[:count]] = True
    return np.asarray(chosen)
