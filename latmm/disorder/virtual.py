"""Contacts by mean force constants: no potential, only the tables of the two crystals.

In two crystals of one structure every pair of sites has a force constant in either. With the fraction s of
the right crystal at each site, a contact between them has

    Φ_ij(R) = (1 − w) Φ_ij^left(R) + w Φ_ij^right(R),      w = ½ (s_i + s_j),

and masses (1 − s) m_left + s m_right: the virtual crystal approximation where s is the composition of a plane
(L. Nordheim, Ann. Phys. 401, 607 (1931)), the arithmetic mixing rule where s is 0 or 1 on every site. Where
both crystals have one table and differ in mass alone it is exact. The sum rule is restored by the self terms.
"""

from dataclasses import replace

import numpy as np

from latmm.arrays import Floats
from latmm.disorder.profiles import Profile
from latmm.disorder.sites import averaged, layers_of, planes, require_one_lattice
from latmm.errors import InputError
from latmm.geometry.matching import Matched
from latmm.interface.assembly import Region
from latmm.interface.interface import Interface
from latmm.interface.joining import bulk_pairs
from latmm.interface.pairs import PairConstants
from latmm.interface.registry import shifted
from latmm.interface.slab import Slab, build_slab
from latmm.interface.symmetry import Operation, layer_operations

__all__ = ["bare", "graded", "identity", "mean_contact", "require_no_middle", "species_share"]


def graded(ideal: Interface, profile: Profile) -> Interface:
    """Put a graded layer between the crystals of an interface: means of masses and force constants by plane.

    Parameters
    ----------
    ideal : Interface
        Of two crystals of one structure.
    profile : Profile
        Fraction of the right crystal in each atomic plane.
    """
    require_one_lattice(ideal.matched, ideal.slab.shift)
    require_no_middle(ideal)
    layers = layers_of(ideal.matched, profile.depth)
    slab = averaged(bare(ideal, layers), ideal.matched, profile)
    fraction = profile.at(planes(slab, ideal.matched))
    return mean_contact(ideal, slab, fraction, layers, layer_operations(slab.atoms))


def mean_contact(
    ideal: Interface,
    slab: Slab,
    fraction: Floats,
    layers: tuple[int, int],
    operations: list[Operation],
    *,
    alike: Matched | None = None,
) -> Interface:
    """Give a slab the mean force constants of both crystals.

    Parameters
    ----------
    ideal : Interface
        Its crystals serve as leads.
    slab : Slab
        N sites, with the masses that they shall have; atoms may be missing.
    fraction : (N,) float
        Fraction of the right crystal's force constants; NaN at sites that follow their partners.
    layers : (2,) int
        Layers of each side beyond which all is the pure crystal.
    operations : list of Operation
        Symmetry of the slab.
    alike : Matched, optional
        The left crystal on itself, which the slab was built of: it is the right lead, too.
    """
    whole = replace(slab, side=np.full(len(fraction), -1))
    left, right = (bulk_pairs(whole, pair) for pair in (ideal.pair.of_left(), ideal.pair.of_right()))
    pairs = _weighted(left, slab, fraction, False).merged(_weighted(right, slab, fraction, True))
    zone = slab.within(layers)
    rows = pairs.select(zone[pairs.first])
    pair = ideal.pair
    if alike is not None:
        pair = replace(pair.of_left(), matched=alike, normals=(ideal.normals[0], ideal.normals[0]))
    region = Region(pair, slab, layers, operations, rows)
    text = f"{ideal.potential}; arithmetic means of both crystals' force constants in the contact"
    found = region.interface(text, {})
    # beyond the zone all is the pure crystal by construction, however much its outermost layer differs
    checks = {name: check for name, check in found.checks.items() if name != "region_ends"}
    return replace(found, checks=checks)


def _weighted(pairs: PairConstants, slab: Slab, fraction: Floats, right: bool) -> PairConstants:
    """Scale the pairs of one crystal by its weight."""
    first, second = fraction[pairs.first], fraction[pairs.second]
    # a site without a fraction of its own follows its partner; two such sites follow their sides
    own = (slab.side > 0).astype(float)
    neither = np.isnan(first) & np.isnan(second)
    first = np.where(np.isnan(first), np.where(neither, own[pairs.first], second), first)
    second = np.where(np.isnan(second), np.where(neither, own[pairs.second], first), second)
    weight = 0.5 * (first + second)
    return replace(pairs, values=pairs.values * (weight if right else 1.0 - weight)[:, None, None])


def species_share(ideal: Interface, slab: Slab) -> Floats:
    """Fraction of the right crystal by the element on each site, (N,); NaN where both have the same."""
    left, right = (c.numbers[slab.member] for c in (ideal.matched.left, ideal.matched.right))
    return np.where(left == right, np.nan, (slab.atoms.numbers == right).astype(float))


def require_no_middle(ideal: Interface) -> None:
    """Refuse a contact with atoms of neither crystal: they are on no lattice site.

    Raises
    ------
    InputError
        If there are such atoms.
    """
    if np.any(ideal.slab.side == 0):
        raise InputError(
            f"this contact holds {int(np.sum(ideal.slab.side == 0))} atoms of neither crystal, in which no "
            "disorder and no layer is laid out; use a contact without a middle region"
        )


def identity(slab: Slab) -> list[Operation]:
    """Return the symmetry of a slab that has none."""
    n = len(slab.atoms)
    image, still = np.arange(n), np.zeros((n, 2), dtype=np.int64)
    return [Operation(np.eye(2, dtype=np.int64), np.eye(3), image, still)]


def bare(ideal: Interface, layers: tuple[int, int]) -> Slab:
    """Lattice sites of a contact of some layers and its leads, the crystals at the ideal one's distance."""
    left, right = (n + 2 * p for n, p in zip(layers, ideal.principal, strict=True))
    return shifted(build_slab(ideal.matched, (left, right)), ideal.slab.shift)
