"""Relax a contact and compute its force constants, thicker until its ends are those of the pure crystals.

The strain of a contact decays into the crystals with the period of its lateral cell. Layers are added until
the force constants of the outermost ones equal the pure crystal's; only these are computed to find out.
A contact that relaxation left on a saddle point, by symmetry, is pushed off it along its softest mode.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.linalg import eigh

from latmm.arrays import Floats, Integers
from latmm.errors import ConvergenceError, InstabilityError
from latmm.geometry.matching import Matched
from latmm.interface.assembly import (
    END_LIMIT,
    Region,
    buffer_layers,
    contact_rows,
)
from latmm.interface.joining import bulk_pairs, end_deviation
from latmm.interface.matched_pair import MatchedPair
from latmm.interface.registry import shifted
from latmm.interface.slab import Slab, relax_contact
from latmm.interface.symmetry import layer_operations
from latmm.parallel.execution import Execution
from latmm.potentials.calculators import Potential

__all__ = ["MAX_THICKNESS", "grow"]

MAX_THICKNESS = 80.0
"""Thickness of the contact on each side beyond which the search for bulk-like ends is given up, Å."""
_GROWTH = (3.0, 20.0)
"""Least and largest thickness added to each side at a time, Å."""
_DECAY = 0.6
"""First guess of the decay of the contact's strain, in units of its longest in-plane wave vector."""
_SOFTEST = -1e-6
"""Lowest curvature of the energy over the largest force constant that is rounding."""
_PUSH = 0.1
"""Largest displacement off a saddle point, Å; as much again each time that it did not suffice."""
_PUSHES = 3
_GROWTHS = 4
"""Thicknesses of a disordered contact before its ends are given up."""

Pair = tuple[int, int]


def grow(
    pair: MatchedPair,
    potential: Potential,
    stack: Callable[[Pair], Slab],
    *,
    relax: bool,
    layers: Pair,
    drawn: bool = False,
    how: Execution,
) -> Region:
    """Find the explicit region that is thick enough.

    Parameters
    ----------
    pair : MatchedPair
        The crystals.
    potential : Potential
        For all atoms.
    stack : callable
        Gives the unrelaxed slab with so many layers of the left and of the right crystal.
    relax : bool
        Relax the region between frozen ends.
    layers : (2,) int
        Least layers of each side.
    drawn : bool
        The slab is disordered, and drawn anew at every thickness: nothing is kept from a thinner one, its
        ends are looked at only with all of it, and it is not pushed off saddle points.
    how : Execution
        Who computes forces, and who hears of it.

    Raises
    ------
    ConvergenceError, InstabilityError
        If the ends never become bulk-like, or the contact stays on a saddle point.
    """
    buffer = np.array(buffer_layers(pair.matched, potential, pair.principal))
    inner = np.maximum(layers, pair.principal)
    ends = _Steps(pair.principal) if drawn else _Ends(pair.matched)
    last: Slab | None = None
    pushes = 0
    while True:
        within = (int(inner[0]), int(inner[1]))
        whole = (int((inner + buffer)[0]), int((inner + buffer)[1]))
        slab = stack(whole) if last is None else _resumed(stack(whole), last)
        if relax:
            slab = relax_contact(slab, potential, within, how)
            last = None if drawn else slab
        if not drawn:
            deviation = _deviation_of_ends(pair, slab, potential, within, how)
            if deviation > END_LIMIT:
                inner = ends.next(inner, deviation)
                continue
        region = Region.displaced(pair, slab, potential, within, how=how)
        if not region.thick_enough:
            buffer = buffer + 1
            continue
        if drawn:
            if region.end_deviation <= END_LIMIT:
                return region
            inner = ends.next(inner, region.end_deviation)
            continue
        mode = _unstable_mode(region) if relax else None
        if mode is None:
            return region
        pushes += 1
        if pushes > _PUSHES:
            raise InstabilityError(
                f"the relaxed contact keeps an unstable mode after {_PUSHES} pushes along it; start from "
                "another registry, or use `relax=False`"
            )
        push = pushes * _PUSH * mode / np.abs(mode).max()
        last = replace(slab, atoms=slab.atoms.copy(), shift=slab.shift + push[-1])
        last.atoms.positions += push


class _Steps:
    """A principal layer more each time: the ends of disordered contacts differ from draw to draw."""

    def __init__(self, principal: Pair) -> None:
        self._principal, self._left = np.array(principal), _GROWTHS

    def next(self, layers: Integers, deviation: float) -> Integers:
        """Layers (2,) to try next, after a deviation at the ends of these layers."""
        self._left -= 1
        if not self._left:
            raise ConvergenceError(
                "the force constants at the ends of the disordered contact still differ by "
                f"{deviation:.1e} from the pure crystals' (limit {END_LIMIT:g}), {layers.max()} layers away "
                "from it; use less disorder, or do not relax"
            )
        return np.asarray(layers + self._principal)


class _Ends:
    """How much thicker a contact must become, from the decay of what is wrong at its ends."""

    def __init__(self, matched: Matched) -> None:
        self._heights = np.array([c.cell.array[2, 2] for c in (matched.left, matched.right)])
        self._rate = _DECAY * 2.0 * np.pi / float(np.linalg.norm(matched.cell, axis=1).max())
        self._before: tuple[float, float] | None = None

    def next(self, layers: Integers, deviation: float) -> Integers:
        """Layers (2,) to try next, after a deviation at the ends of these layers."""
        thickness = float((layers * self._heights).min())
        if self._before is not None and deviation < self._before[1] and thickness > self._before[0]:
            self._rate = np.log(self._before[1] / deviation) / (thickness - self._before[0])
        self._before = (thickness, deviation)
        if thickness > MAX_THICKNESS:
            raise ConvergenceError(
                f"the contact's force constants still differ by {deviation:.1e} from the pure crystals' "
                f"{thickness:.0f} Å away from it (limit {END_LIMIT:g}); use another potential, a smaller "
                "strain, a smaller lateral cell, or `relax=False`"
            )
        more = float(np.clip(np.log(deviation / END_LIMIT) / self._rate, *_GROWTH))
        wanted = np.ceil((thickness + more) / self._heights - 1e-6).astype(np.int64)
        return np.maximum(layers, np.maximum(wanted, layers + (wanted <= layers).all()))


def _resumed(slab: Slab, last: Slab) -> Slab:
    """Keep the place of what was relaxed in a thinner slab."""
    slab = shifted(slab, last.shift - slab.shift)
    known = np.flatnonzero(slab.within(last.depth))
    # the outermost left layer of the thinner slab lies on its sites
    slab.atoms.positions[known] = last.atoms.positions + (
        slab.atoms.positions[known[0]] - last.atoms.positions[0]
    )
    return slab


def _deviation_of_ends(
    pair: MatchedPair,
    slab: Slab,
    potential: Potential,
    layers: Pair,
    how: Execution,
) -> float:
    """Departure from the pure crystals of the force constants of the contact's outermost layers."""
    zone = slab.within(layers)
    ends = zone & ~slab.within((layers[0] - 1, layers[1] - 1))
    bulk = bulk_pairs(slab, pair)
    rows = contact_rows(
        *(slab, pair, ends, bulk, layer_operations(slab.atoms), potential),
        how=how,
        stage="forces at the contact's ends",
    )
    return end_deviation(slab, rows, bulk, zone, pair)


def _unstable_mode(region: Region) -> Floats | None:
    """Displacements (N, 3) that lower the energy of a relaxed contact, or None if it is a minimum.

    What relaxes may move: the atoms of the contact, and the right crystal beyond it as a rigid body, whose
    force constants with the contact are sums over its atoms and whose own follow from the sum rule.
    """
    zone, contact = region.zone, region.contact
    body = (region.slab.side > 0) & ~zone
    atoms = np.flatnonzero(zone)
    n = 3 * len(atoms)
    outward = contact.select(zone[contact.first] & body[contact.second])
    pull = np.zeros((len(zone), 3, 3))
    np.add.at(pull, outward.first, outward.values)
    hessian = np.zeros((n + 3, n + 3))
    unweighted = contact.with_masses(np.ones(len(zone)))
    hessian[:n, :n] = unweighted.block(atoms, atoms)(np.zeros((1, 2)))[0].real
    hessian[:n, n:] = pull[atoms].reshape(n, 3)
    hessian[n:, :n] = hessian[:n, n:].T
    hessian[n:, n:] = -0.5 * (pull.sum(axis=0) + pull.sum(axis=0).T)
    values, vectors = eigh(hessian, subset_by_index=[0, 0])
    if values[0] > _SOFTEST * np.abs(hessian).max():
        return None
    mode = np.zeros((len(zone), 3))
    mode[atoms] = vectors[:n, 0].reshape(-1, 3)
    mode[body] = vectors[n:, 0]
    return mode
