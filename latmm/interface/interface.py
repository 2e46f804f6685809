"""An interface: two crystals, their contact and all force constants, and the blocks that follow from them.

The leads keep their primitive lateral cells: the k∥ that fold onto a k∥ of the common cell are solved one by
one. The device between them is cut into layers that couple to their neighbours only: the layers of a breadth
first walk through the force constants from the left lead's surface, the last one holding all that is left.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from latmm.agf import FoldedLead, Junction, Lead
from latmm.arrays import Complexes, Floats, Integers
from latmm.checks import Checks
from latmm.errors import InputError
from latmm.geometry.lateral import fold, folding_vectors
from latmm.geometry.matching import Matched
from latmm.interface.matched_pair import MatchedPair
from latmm.interface.pairs import Block, PairConstants
from latmm.interface.polar import PolarContact
from latmm.interface.slab import Slab
from latmm.interface.symmetry import Operation, reciprocal_rotations
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["SIDES", "Interface"]

SIDES = ("left", "right")
"""Names of the two crystals, in the order of every tuple and array over sides."""


@dataclass(frozen=True)
class Interface:
    """Two crystals, their contact, and all force constants.

    Attributes
    ----------
    left, right : ForceConstants
        Of the oriented, strained primitive cells: a₁, a₂ in the plane, +z from left to right.
    matched : Matched
        The geometry of the two crystals, their strain and their common lateral cell.
    slab : Slab
        The contact's atoms.
    contact : PairConstants
        Of the slab.
    operations : list of Operation
        Layer group shared by both crystals and the contact, in the common cell.
    principal : (2,) int
        Primitive layers in a principal layer of each side.
    layers : (2,) int
        Layers on each side beyond which all force constants are the pure crystal's.
    potential : str
        Name and source of the force constants.
    normals : (2, 3) int
        Miller indices of the plane in both crystals.
    checks : mapping of str to Check
        By name.
    notes : tuple of str
        What who reads the result must know, a sentence each.
    polar : PolarContact, optional
        Dipoles of both crystals, if they are treated.
    cut : tuple of (M,) int
        Slab atoms of each device layer, from left to right, where they are laid out by hand.

    Raises
    ------
    InputError
        If the slab is too thin for the leads to be attached.
    """

    left: ForceConstants
    right: ForceConstants
    matched: Matched
    slab: Slab
    contact: PairConstants
    operations: list[Operation]
    principal: tuple[int, int]
    layers: tuple[int, int]
    potential: str
    normals: tuple[tuple[int, int, int], tuple[int, int, int]]
    checks: Checks = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    polar: PolarContact | None = None
    cut: tuple[Integers, ...] = ()

    def __post_init__(self) -> None:
        for name, depth, layers, principal in zip(
            SIDES, self.slab.depth, self.layers, self.principal, strict=True
        ):
            if depth < layers + 2 * principal:
                raise InputError(
                    f"the slab has {depth} layers on the {name}, but {layers} of the contact and two "
                    f"principal layers of {principal} are needed; make it thicker"
                )

    @property
    def area(self) -> float:
        """Area of the common in-plane cell, Å²."""
        return self.matched.area

    @property
    def pair(self) -> MatchedPair:
        """The two crystals without their contact, with all checks so far."""
        return MatchedPair(self.matched, self.left, self.right, self.normals, self.checks)

    @property
    def crystals(self) -> tuple[ForceConstants, ForceConstants]:
        """Left and right crystal."""
        return self.left, self.right

    @property
    def lateral(self) -> tuple[Integers, Integers]:
        """In-plane vectors of the common cell in units of each crystal's own, in rows, (2, 2) each."""
        return self.matched.lateral_left, self.matched.lateral_right

    @property
    def rotations(self) -> list[Integers]:
        """Integer matrices (2, 2) that take k∥ to k∥ with the same transmission; time reversal included."""
        return reciprocal_rotations(self.operations)

    @property
    def spatial_rotations(self) -> list[Integers]:
        """Those that keep the normal, and so take each incident phonon to an incident one.

        They leave q_z alone; time reversal is not among them.
        """
        return [np.rint(np.linalg.inv(op.rotation).T).astype(np.int64) for op in self.operations]

    def folded(self, side: str, wave_vectors: Floats) -> Floats:
        """Wave vectors of one crystal's own lateral cell that fold onto those of the common cell.

        Parameters
        ----------
        side : {"left", "right"}
            The crystal.
        wave_vectors : (K, 2) float
            k∥, fractional in the common reciprocal cell.

        Returns
        -------
        (K, N, 2) ndarray
            Fractional in the crystal's reciprocal cell, N primitive cells in the common one.
        """
        return fold(self._lateral(side), wave_vectors)

    def _lateral(self, side: str) -> Integers:
        if side not in SIDES:
            raise InputError(f"`side` must be left or right, but is {side!r}")
        return self.lateral[SIDES.index(side)]

    @cached_property
    def surfaces(self) -> tuple[Integers, Integers]:
        """Slab atoms of the principal layers of the leads next to the device, in the leads' order."""
        found = []
        for sign, layers, principal in zip((-1, 1), self.layers, self.principal, strict=True):
            # layers counted away from the contact, the nearest is 1
            away = -self.slab.layer if sign < 0 else self.slab.layer + 1
            first = layers + principal
            chosen = (self.slab.side == sign) & (away > first) & (away <= first + principal)
            keys = np.column_stack([self.slab.layer, self.slab.cell, self.slab.member])
            order = np.lexsort(keys.T[::-1])
            found.append(order[chosen[order]])
        return found[0], found[1]

    @cached_property
    def device(self) -> tuple[Integers, ...]:
        """Slab atoms of each device layer, from left to right.

        Raises
        ------
        InputError
            If nothing couples the two sides.
        """
        if self.polar is not None:
            return self.polar.device
        if self.cut:
            return self.cut
        layers, principal = self.layers, self.principal
        inside = np.flatnonzero(self.slab.within((layers[0] + principal[0], layers[1] + principal[1])))
        return _levels(self.contact, self.surfaces[0], inside, self.surfaces[1])

    @cached_property
    def _device_blocks(self) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
        chain = (self.surfaces[0], *self.device, self.surfaces[1])
        return (
            tuple(self.contact.block(a, a) for a in self.device),
            tuple(self.contact.block(a, b) for a, b in pairwise(chain)),
        )

    @cached_property
    def _expansions(self) -> tuple[Complexes, Complexes]:
        left, right = (
            _expansion(
                self.slab, atoms, self.contact.places, self._lateral(side), principal, len(crystal.atoms)
            )
            for side, crystal, atoms, principal in (
                ("left", self.left, self.surfaces[0], self.principal[0]),
                ("right", self.right, self.surfaces[1], self.principal[1]),
            )
        )
        return left, right

    def junction(self, wave_vectors: Floats) -> Junction:
        """Leads and device as the kernel wants them, in mass-weighted matrices, (rad/ps)².

        Parameters
        ----------
        wave_vectors : (K, 2) float
            k∥, fractional in the common reciprocal cell.

        Returns
        -------
        Junction
            In the position gauge, with the batch axes (K, 1), the second for ω to broadcast against. A side
            whose lateral cell is its own primitive one has a plain lead, the other a folded one.
        """
        onsite, hopping = self._device_blocks
        if self.polar is not None:
            return self._polar_junction(self.polar, wave_vectors)
        left, right = (
            _lead(crystal, self.folded(side, wave_vectors), principal, expansion)
            for side, crystal, principal, expansion in zip(
                SIDES, self.crystals, self.principal, self._expansions, strict=True
            )
        )
        return Junction(
            left,
            right,
            tuple(_hermitian(block(wave_vectors) * EV_PER_A2_AMU)[:, None] for block in onsite),
            tuple((block(wave_vectors) * EV_PER_A2_AMU)[:, None] for block in hopping),
        )

    def _polar_junction(self, polar: PolarContact, wave_vectors: Floats) -> Junction:
        """Junction with potentials: the crystals share one in-plane cell, so that nothing is folded."""
        onsite, hopping = self._device_blocks
        inner, outer = polar.blocks(
            wave_vectors,
            [block(wave_vectors) for block in onsite],
            [block(wave_vectors) for block in hopping],
        )
        left, right = (
            Lead(
                lead.onsite[:, None] * EV_PER_A2_AMU,
                lead.hopping[:, None] * EV_PER_A2_AMU,
                int(lead.massless.sum()),
            )
            for lead in polar.leads(wave_vectors)
        )
        return Junction(
            left,
            right,
            tuple(_hermitian(block * EV_PER_A2_AMU)[:, None] for block in inner),
            tuple((block * EV_PER_A2_AMU)[:, None] for block in outer),
            polar.massless,
        )


def _hermitian(block: Complexes) -> Complexes:
    """Remove the rounding of the phases from a block that is Hermitian."""
    return np.asarray(0.5 * (block + block.conj().swapaxes(-1, -2)))


def _levels(
    contact: PairConstants, left: Integers, inside: Integers, right: Integers
) -> tuple[Integers, ...]:
    """Layers of a device that couple to their neighbours only.

    The distance of an atom is the number of force constants on the shortest way from the left surface. Atoms
    as far as the right surface or farther go into the last layer, which alone couples to that surface.
    """
    n = len(contact.atoms)
    role = np.full(n, -1)
    role[left], role[inside], role[right] = 0, 1, 2
    used = (role[contact.first] >= 0) & (role[contact.second] >= 0)
    first, second = contact.first[used], contact.second[used]
    distance = np.full(n, -1)
    distance[left] = step = 0
    while distance[right].max() < 0:
        reached = np.unique(second[distance[first] == step])
        fresh = reached[distance[reached] < 0]
        if not fresh.size:
            raise InputError(
                "no force constant couples the two crystals: a vacuum gap lies between them; "
                "bring them into contact"
            )
        step += 1
        distance[fresh] = step
    last = step - 1
    if last < 1:
        raise InputError("the two leads couple directly; give the contact more layers")
    level = np.where(distance[inside] < 0, last, np.minimum(distance[inside], last))
    return tuple(inside[level == number] for number in range(1, last + 1))


def _lead(
    crystal: ForceConstants, wave_vectors: Floats, principal: int, expansion: Complexes
) -> Lead | FoldedLead:
    """Lead of principal layers of ``principal`` primitive layers at k∥ (K, N, 2) of the crystal."""
    count, folded, _ = wave_vectors.shape
    single = crystal.layer_blocks(wave_vectors.reshape(-1, 2)) * EV_PER_A2_AMU
    reach, n = (len(single) - 1) // 2, single.shape[-1]
    size = principal * n
    onsite, hopping = (np.zeros((count * folded, size, size), dtype=complex) for _ in range(2))
    for i in range(principal):
        for j in range(principal):
            target = np.s_[:, i * n : (i + 1) * n, j * n : (j + 1) * n]
            if abs(j - i) <= reach:
                onsite[target] = single[reach + j - i]
            if abs(principal + j - i) <= reach:
                hopping[target] = single[reach + principal + j - i]
    if folded == 1:
        return Lead(onsite[:, None], hopping[:, None])
    shape = (count, 1, folded, size, size)
    return FoldedLead(onsite.reshape(shape), hopping.reshape(shape), expansion)


def _expansion(
    slab: Slab, atoms: Integers, places: Floats, lateral: Integers, principal: int, members: int
) -> Complexes:
    """W (N n, N, n) = exp(i G·r)/√N between a surface atom at r and its primitive atom."""
    vectors = folding_vectors(lateral)
    count = len(vectors)
    if len(atoms) != count * principal * members:
        raise InputError(
            f"the surface layer of a lead has {len(atoms)} atoms, but the crystal has "
            f"{count * principal * members} sites there; leave the outermost layers of the slab as they are"
        )
    layer = slab.layer[atoms] - slab.layer[atoms].min()
    column = layer * members + slab.member[atoms]
    phase = np.exp(1j * TWO_PI * (places[atoms] @ vectors.T)) / np.sqrt(count)
    w = np.zeros((len(atoms), 3, count, principal * members, 3), dtype=complex)
    rows = np.arange(len(atoms))
    for axis in range(3):
        w[rows, axis, :, column, axis] = phase
    return w.reshape(3 * len(atoms), count, 3 * principal * members)
