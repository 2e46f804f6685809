"""From a labelled slab to an interface: force constants of the explicit region, joined to those of the leads.

Any slab will do, however it was built: relaxed or not, alloyed, graded, rough, with atoms of a third kind
between the crystals. Its outermost layers must be those of the pure crystals.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from latmm.arrays import Bools
from latmm.checks import Checks, by_name, check
from latmm.errors import ConvergenceError, InputError
from latmm.geometry.lateral import cells_of
from latmm.geometry.matching import Matched
from latmm.interface.force_constants import bulk_like, displaced_rows, repeats
from latmm.interface.guards import stability
from latmm.interface.interface import Interface
from latmm.interface.joining import bulk_pairs, end_deviation, join, reach_in_layers
from latmm.interface.matched_pair import MatchedPair
from latmm.interface.pairs import PairConstants
from latmm.interface.slab import SIDES, Slab
from latmm.interface.symmetry import Operation, layer_operations, orbits, spread
from latmm.lattice.phonopy_bridge import DEFAULT_SPAN
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.threads import single_threaded

__all__ = [
    "END_LIMIT",
    "Region",
    "assemble_interface",
    "buffer_layers",
    "contact_rows",
]

END_LIMIT = 1e-3
"""Largest relative departure from the pure crystal of the force constants at the ends of the contact."""

Pair: TypeAlias = tuple[int, int]


def buffer_layers(matched: Matched, potential: Potential, principal: Pair) -> Pair:
    """Layers of each crystal that keep the contact's force constants from the vacuum and hold the leads."""
    reach = _reach(potential)
    first, second = (
        max(int(np.ceil(reach / float(crystal.cell.array[2, 2]) - 1e-6)), 2 * own)
        for crystal, own in zip((matched.left, matched.right), principal, strict=True)
    )
    return first, second


def _reach(potential: Potential) -> float:
    return potential.reach or DEFAULT_SPAN / 2.0


def contact_rows(
    slab: Slab,
    pair: MatchedPair,
    zone: Bools,
    bulk: PairConstants,
    operations: list[Operation],
    potential: Potential,
    *,
    how: Execution = HERE,
    stage: str = "forces of the contact",
) -> PairConstants:
    """Force constants of the atoms of the zone with all others.

    Parameters
    ----------
    slab : Slab
        N atoms.
    pair : MatchedPair
        The crystals.
    zone : (N,) bool
        Atoms whose rows are wanted.
    bulk : PairConstants
        From :func:`latmm.interface.joining.bulk_pairs`: taken where the surroundings are the pure crystal's.
    operations : list of Operation
        Layer group of the slab: one atom of each orbit is displaced.
    potential : Potential
        For all atoms.
    how, stage : Execution, str
        As in :func:`latmm.potentials.forces.forces_of`.
    """
    settled = np.zeros(len(zone), dtype=bool)
    if potential.reach is not None:
        settled = zone & bulk_like(slab, pair.matched, potential.reach)
    leaders, sizes = orbits(zone, operations)
    # an orbit is left to the pure crystal as a whole
    moving = np.zeros(len(zone), dtype=bool)
    for op in operations:
        moving[op.image[leaders]] |= ~settled[leaders]
    chosen = leaders[~settled[leaders]]
    rows = bulk.select((zone & ~moving)[bulk.first])
    if not chosen.size:
        return rows
    found = displaced_rows(
        slab,
        chosen,
        potential,
        repeat=repeats(slab.atoms, 2.0 * _reach(potential)),
        how=how,
        stage=stage,
    )
    size = np.zeros(len(zone), dtype=np.int64)
    size[leaders] = sizes
    return rows.merged(spread(found, operations, size))


@dataclass(frozen=True)
class Region:
    """An explicit region with the force constants of its contact, not yet joined to those of the crystals.

    Attributes
    ----------
    pair : MatchedPair
        The crystals.
    slab : Slab
        N atoms.
    layers : (2,) int
        Layers of each side that belong to the contact.
    operations : list of Operation
        Layer group of the slab.
    rows : PairConstants
        All pairs whose first atom is in these layers or between the crystals.
    """

    pair: MatchedPair
    slab: Slab
    layers: Pair
    operations: list[Operation]
    rows: PairConstants

    @classmethod
    def displaced(
        cls,
        pair: MatchedPair,
        slab: Slab,
        potential: Potential,
        layers: Pair,
        *,
        how: Execution = HERE,
    ) -> "Region":
        """Compute the force constants of the contact by finite displacements."""
        zone = slab.within(layers)
        _require_crystal(slab, pair.matched, zone)
        operations = layer_operations(slab.atoms)
        bulk = bulk_pairs(slab, pair)
        rows = contact_rows(slab, pair, zone, bulk, operations, potential, how=how)
        return cls(pair, slab, layers, operations, rows)

    @cached_property
    def bulk(self) -> PairConstants:
        """Force constants that the pure crystals have between the sites of the slab."""
        return bulk_pairs(self.slab, self.pair)

    @cached_property
    def zone(self) -> Bools:
        """Atoms of the contact, (N,)."""
        return self.slab.within(self.layers)

    @cached_property
    def end_deviation(self) -> float:
        """Departure of the force constants at the ends of the contact from the pure crystals'."""
        return end_deviation(self.slab, self.rows, self.bulk, self.zone, self.pair)

    @cached_property
    def principal(self) -> Pair:
        """Primitive layers in the principal layers of the leads."""
        return self.pair.principal

    @cached_property
    def contact(self) -> PairConstants:
        """Force constants of the whole slab, joined."""
        return join(self.slab, self.rows, self.bulk, self.zone, self.pair)

    @cached_property
    def bulk_beyond(self) -> Pair:
        """Layers beyond which all force constants are the pure crystals'.

        Where the contact reaches farther into the crystal than a principal layer, some are counted to it.
        """
        spans = reach_in_layers(self.slab, self.contact, self.zone)
        first, second = (
            n + max(0, span - own) for n, span, own in zip(self.layers, spans, self.principal, strict=True)
        )
        return first, second

    @property
    def _cells(self) -> int:
        """Primitive cells of a crystal in the common cell."""
        matched = self.pair.matched
        return min(len(cells_of(lateral)) for lateral in (matched.lateral_left, matched.lateral_right))

    @property
    def thick_enough(self) -> bool:
        """Whether two principal layers of each crystal lie beyond the contact."""
        return all(
            depth >= beyond + 2 * own
            for depth, beyond, own in zip(self.slab.depth, self.bulk_beyond, self.principal, strict=True)
        )

    def interface(self, potential: str, checks: Checks) -> Interface:
        """Join the region to its leads.

        Parameters
        ----------
        potential : str
            Name and source of the force constants.
        checks : mapping of str to Check
            Kept with those of the crystals and of the region.
        """
        first, second = (n + own for n, own in zip(self.bulk_beyond, self.principal, strict=True))
        sums = self.contact.row_sums[self.slab.within((first, second))]
        return Interface(
            self.pair.left,
            self.pair.right,
            self.pair.matched,
            self.slab,
            self.contact,
            self.operations,
            self.principal,
            self.bulk_beyond,
            potential,
            self.pair.normals,
            {
                **self.pair.checks,
                **checks,
                **by_name(
                    [
                        check("region_ends", self.end_deviation, END_LIMIT),
                        check("sum_rule_region", np.abs(sums).max() / self.contact.scale, 1e-12),
                        stability(self.slab, self.contact, (first, second), self._cells),
                    ]
                ),
            },
        )


def _require_crystal(slab: Slab, matched: Matched, zone: Bools) -> None:
    """Refuse a slab whose layers outside the contact lack an atom, or hold one of another element."""
    for side, crystal, lateral in zip(
        SIDES, (matched.left, matched.right), (matched.lateral_left, matched.lateral_right), strict=True
    ):
        outer = (slab.side == side) & ~zone
        name = "left" if side < 0 else "right"
        if not outer.any():
            raise InputError(
                f"the slab has no {name} layers beyond the contact; add some of the pure crystal"
            )
        wrong = outer.copy()
        wrong[outer] = slab.atoms.numbers[outer] != crystal.numbers[slab.member[outer]]
        if wrong.any():
            atom = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"layer {slab.layer[atom]} on the {name} must be the pure crystal, but its atom {atom} is "
                f"{slab.atoms.symbols[atom]}; make the slab thicker"
            )
        full = len(cells_of(lateral)) * len(crystal)
        for layer in range(int(slab.layer[outer].min()), int(slab.layer[outer].max()) + 1):
            found = int((slab.layer[outer] == layer).sum())
            if found != full:
                raise InputError(
                    f"layer {layer} on the {name} must be the pure crystal with {full} atoms, but has "
                    f"{found}; make the slab thicker"
                )


@single_threaded
def assemble_interface(
    pair: MatchedPair,
    slab: Slab,
    potential: Potential,
    *,
    layers: Pair | None = None,
    checks: Checks | None = None,
    how: Execution = HERE,
) -> Interface:
    """Compute the force constants of a slab and join them to those of its two crystals.

    Parameters
    ----------
    pair : MatchedPair
        The crystals and their force constants; :attr:`latmm.Interface.pair` of another interface.
    slab : Slab
        Labelled sites of that cell; what lies farther from the contact than ``layers`` is the pure crystal.
        Atoms may lie anywhere near their sites, be of any element and mass, or be missing.
    potential : Potential
        For all atoms of the slab.
    layers : (2,) int, optional
        Layers of each side whose force constants are those of the slab; by default all but the outermost
        ones, which stand for the leads and keep the others from the vacuum.
    checks : mapping of str to Check, optional
        Further checks to be kept with the interface.
    how : Execution
        Who computes forces, and who hears of it.

    Returns
    -------
    Interface

    Raises
    ------
    InputError
        If the slab is too thin, or its outer layers are not those of the crystals.
    ConvergenceError
        If the force constants at the ends of the contact are not the pure crystals'.
    """
    buffer = buffer_layers(pair.matched, potential, pair.principal)
    if layers is None:
        layers = (slab.depth[0] - buffer[0], slab.depth[1] - buffer[1])
    if min(layers) < 0 or any(d < n + b for d, n, b in zip(slab.depth, layers, buffer, strict=True)):
        raise InputError(
            f"a slab of {slab.depth} layers is too thin for {layers} layers of contact between ends of "
            f"{buffer} layers, which the potential's reach asks for; make it thicker"
        )
    region = Region.displaced(pair, slab, potential, layers, how=how)
    if region.end_deviation > END_LIMIT:
        raise ConvergenceError(
            f"the force constants at the ends of the contact differ by {region.end_deviation:.1e} from the "
            f"pure crystals' (limit {END_LIMIT:g}); leave more undisturbed layers of both in the slab"
        )
    return region.interface(f"{potential.name}: {potential.description}", checks or {})
