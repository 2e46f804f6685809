"""Contacts of polar crystals: potentials across media of different dielectric tensors.

Planes with a potential (:mod:`latmm.interface.polar_leads`) stand in the middle of every principal layer and
half way between the two crystals. Elements of either crystal meet at the planes, so that φ and the normal
component of the displacement field are continuous across the contact: image charges are included. Each
crystal keeps the
Born charges and the dielectric tensor of its bulk up to the contact, and there are no free charges: nothing
moves to screen the field of a vibration. Dipoles beyond the potentials are short-ranged; between ions of one
side they are that crystal's, between ions of both sides the mean of what either crystal has there. Self terms
make the sum rule exact at k∥ = 0, where p = 0 needs no potential.

The geometry is that of each crystal at rest; strain only says which k∥ and sites correspond.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.linalg import eigvalsh

from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.checks import Check, check
from latmm.interface.guards import SOFTEST, zone
from latmm.interface.pairs import PairConstants
from latmm.interface.polar_leads import PolarBlocks, middle, phases, places, polar_blocks, unit_of
from latmm.interface.slab import Slab
from latmm.lattice.dipole_layers import DipoleLayers, Planes, Sites, Wave
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["PolarContact"]

Side = int
_BEYOND = 1e3
"""Distance, Å, of a plane beyond all ions of the other side."""


@dataclass(frozen=True)
class PolarContact:
    """What dipoles add to the blocks of a contact whose crystals share one in-plane cell.

    Attributes
    ----------
    left, right : ForceConstants
        Of the crystals, with dipoles.
    slab : Slab
        The contact's atoms.
    principal : (2,) int
        Primitive layers in a principal layer of each side.
    layers : (2,) int
        Layers of each side that belong to the contact.
    """

    left: ForceConstants
    right: ForceConstants
    slab: Slab
    principal: tuple[int, int]
    layers: tuple[int, int]

    @cached_property
    def groups(self) -> tuple[Integers, ...]:
        """Atoms of the slab: left surface, four device layers, right surface."""
        (left, right), (own, other) = self.layers, self.principal
        slab = self.slab
        away = np.where(slab.side < 0, -slab.layer - 1, slab.layer)
        edges = [
            (-1, left + own, left + 2 * own),
            (-1, left, left + own),
            (-1, 0, left),
            (1, 0, right),
            (1, right, right + other),
            (1, right + other, right + 2 * other),
        ]
        found = []
        for side, low, high in edges:
            chosen = np.flatnonzero((slab.side == side) & (away >= low) & (away < high))
            found.append(chosen[np.lexsort((slab.member[chosen], slab.layer[chosen]))])
        return tuple(found)

    @property
    def device(self) -> tuple[Integers, ...]:
        """Atoms of the device layers."""
        return self.groups[1:-1]

    @property
    def massless(self) -> tuple[int, ...]:
        """Potentials of the device layers; that between the crystals belongs to the left one's last layer."""
        return 1, 2, 1, 1

    @cached_property
    def media(self) -> tuple[DipoleLayers, DipoleLayers]:
        """Dipoles of both crystals, layer by layer."""
        assert self.left.dipoles is not None
        assert self.right.dipoles is not None
        return DipoleLayers(self.left.dipoles), DipoleLayers(self.right.dipoles)

    @cached_property
    def units(self) -> tuple[float, float]:
        """Factor of φ² in either crystal, for one φ in both: C differs where a crystal is strained."""
        common = unit_of(self.left, self.principal[0]) * self.media[0].strength
        return common / self.media[0].strength, common / self.media[1].strength

    def _sites(self, group: int) -> Sites:
        chosen = self.groups[group]
        return Sites(self.slab.member[chosen], self.slab.layer[chosen])

    def _side(self, group: int) -> Side:
        return 0 if group < 3 else 1

    @cached_property
    def planes(self) -> tuple[Planes, Planes]:
        """Planes of either crystal, from the leads to the contact; the last one is beyond all other ions."""
        found = []
        for side, groups in ((0, (0, 1, 2)), (1, (3, 4, 5))):
            dipoles = self.media[side].dipoles
            own = [middle(self._sites(g).heights(dipoles)) for g in groups]
            first, last = (
                self._sites(g).heights(dipoles) for g in (2, 3)
            )  # either crystal, if it went on through the other
            between = 0.5 * float(first.max() + last.min())
            thickness = self.principal[side] * float(dipoles.cell[2, 2])
            heights = (
                [own[0] - thickness, *own, between, between + _BEYOND]
                if side == 0
                else [between - _BEYOND, between, *own, own[-1] + thickness]
            )
            found.append(Planes(np.array(heights)))
        return found[0], found[1]

    def leads(self, wave_vectors: Floats) -> tuple[PolarBlocks, PolarBlocks]:
        """Blocks of both leads at k∥ (K, 2), eV Å⁻² amu⁻¹."""
        home = self.media[0].home(wave_vectors)
        left, right = (
            polar_blocks(crystal, wave_vectors, principal, unit=unit, home=home, layers=layers)
            for crystal, principal, unit, layers in zip(
                (self.left, self.right), self.principal, self.units, self.media, strict=True
            )
        )
        return left, right

    def blocks(
        self, wave_vectors: Floats, onsite: Sequence[Complexes], hopping: Sequence[Complexes]
    ) -> tuple[list[Complexes], list[Complexes]]:
        """Add dipoles and potentials to the device's short-ranged blocks at k∥ (K, 2), eV Å⁻² amu⁻¹."""
        k = np.asarray(wave_vectors, dtype=float)
        home = self.media[0].home(k)
        waves = [medium.wave(k, np.zeros(2, dtype=np.int64), home) for medium in self.media]
        smeared = [medium.smeared(k, self._span) for medium in self.media]
        rests = {
            (a, b): self._rest(k, waves, smeared, a, b)
            for a, b in [(n, n) for n in range(1, 5)] + [(n, n + 1) for n in range(5)]
        }
        inner = [self._full(onsite[n], rests[n + 1, n + 1], n + 1, n + 1) for n in range(4)]
        outer = [self._full(hopping[n], rests[n, n + 1], n, n + 1) for n in range(5)]
        for n in range(4):
            chosen = self.groups[n + 1]
            count = 3 * len(chosen)
            inner[n][:, :count, :count] += self._self_terms(chosen)
        self._add_potentials(k, waves, inner, outer)
        return inner, outer

    @cached_property
    def _span(self) -> int:
        """Largest difference of layers within a device layer and to the next."""
        layers = [int(np.ptp(self.slab.layer[g])) + 1 for g in self.groups]
        return max(a + b for a, b in pairwise(layers)) - 1

    def _full(self, short: Complexes, rest: Complexes, a: int, b: int) -> Complexes:
        """Put blocks of displacements in place, zeros for the potentials."""
        rows, columns = (3 * len(self.groups[g]) + self._still(g) for g in (a, b))
        n, m = short.shape[-2:]
        found = np.zeros((len(short), rows, columns), dtype=complex)
        found[:, :n, :m] = short + rest
        return found

    def _still(self, group: int) -> int:
        return 1 if group in (0, 5) else self.massless[group - 1]

    @cached_property
    def _masses(self) -> Floats:
        return np.asarray(np.sqrt(self.slab.atoms.get_masses()))

    @cached_property
    def _places(self) -> Floats:
        """In-plane positions of the slab's atoms, fractional, (N, 2)."""
        return np.asarray(
            self.slab.atoms.positions[:, :2] @ np.linalg.inv(self.slab.atoms.cell.array[:2, :2])
        )

    def _rest(self, k: Floats, waves: list[Wave], smeared: list[Complexes], a: int, b: int) -> Complexes:
        """Dipoles beyond the potentials between two groups, mass-weighted, in the gauge of the slab."""
        rows, columns = self._sites(a), self._sites(b)
        sides = {self._side(a), self._side(b)}
        total = 0.0
        for side in sides:
            medium = self.media[side]
            step = columns.layer[None, :] - rows.layer[:, None] + self._span
            pairs = smeared[side][step, :, rows.member[:, None], :, columns.member, :]
            pairs = pairs.transpose(2, 0, 3, 1, 4)
            found = pairs - phases(medium, waves[side].shift, rows, columns)[
                :, :, None, :, None
            ] * medium.mediated(waves[side], rows, columns, self.planes[side])
            first, second = (
                np.exp(1j * TWO_PI * (k @ (self._places[self.groups[g]] - places(medium, s)).T))
                for g, s in ((a, rows), (b, columns))
            )
            turn = first.conj()[:, :, None] * second[:, None, :]
            total = total + turn[:, :, None, :, None] * found / len(sides)
        root = self._masses[self.groups[a]][:, None] * self._masses[self.groups[b]]
        shape = (len(k), 3 * len(rows.member), 3 * len(columns.member))
        return np.asarray((total / root[:, None, :, None]).reshape(shape))

    @cached_property
    def sums(self) -> Floats:
        """Σ_j Φ_ij of what is kept of the dipoles at k∥ = 0, (N, 3, 3) eV Å⁻², without self terms."""
        k = np.zeros((1, 2))
        waves = [medium.wave(k, np.zeros(2, dtype=np.int64)) for medium in self.media]
        smeared = [medium.smeared(k, self._span) for medium in self.media]
        found = np.zeros((len(self.slab.atoms), 3, 3))
        for a, b in [(n, n) for n in range(6)] + [(n, n + 1) for n in range(5)]:
            rows, columns = self.groups[a], self.groups[b]
            block = self._rest(k, waves, smeared, a, b)[0].real
            block = block.reshape(len(rows), 3, len(columns), 3)
            block = block * (self._masses[rows][:, None] * self._masses[columns])[:, None, :, None]
            found[rows] += block.sum(axis=2)
            if b > a:
                found[columns] += block.sum(axis=0).transpose(1, 2, 0)
        return found

    @property
    def twist(self) -> float:
        """Largest antisymmetric part of the dipoles' row sums, eV Å⁻²: what no self term takes off."""
        bulk = [float(np.abs(medium.dipoles.row_sums).max()) for medium in self.media]
        inside = self.sums[np.concatenate(self.device)]
        return max(float(np.abs(inside - inside.transpose(0, 2, 1)).max()) / 2.0, *bulk)

    def _self_terms(self, atoms: Integers) -> Complexes:
        """Self terms of the dipoles, mass-weighted, (3n, 3n)."""
        terms = -0.5 * (self.sums[atoms] + self.sums[atoms].transpose(0, 2, 1))
        terms = terms / self._masses[atoms, None, None] ** 2
        found = np.zeros((len(atoms), 3, len(atoms), 3), dtype=complex)
        every = np.arange(len(atoms))
        found[every, :, every, :] = terms
        return found.reshape(3 * len(atoms), 3 * len(atoms))

    def _add_potentials(
        self, k: Floats, waves: list[Wave], inner: list[Complexes], outer: list[Complexes]
    ) -> None:
        """Fill the rows and columns of the potentials, in place."""
        # plane → (group, number within the group); the planes of the leads are those of their surfaces
        left = {1: (0, 0), 2: (1, 0), 3: (2, 0), 4: (2, 1)}
        right = {1: (2, 1), 2: (3, 0), 3: (4, 0), 4: (5, 0)}

        def put(first: tuple[int, int], second: tuple[int, int], value: Complexes) -> None:
            """Add an element (K,) and its adjoint where both groups are neighbours."""
            (a, i), (b, j) = first, second
            if a == b:
                if a in (0, 5):
                    return
                inner[a - 1][:, i, j] += value
                if i != j:
                    inner[a - 1][:, j, i] += value.conj()
            elif b == a + 1:
                outer[a][:, i, j] += value
            elif a == b + 1:
                outer[b][:, j, i] += value.conj()

        lead = [np.exp(2j * np.pi * (waves[0].shift @ self._offset(side))) for side in (0, 1)]
        for side, planes in ((0, left), (1, right)):
            medium, wave, unit, heights = (
                self.media[side], waves[side], self.units[side], self.planes[side].heights,
            )  # fmt: skip
            index = {p: (g, 3 * len(self.groups[g]) + n) for p, (g, n) in planes.items()}
            gauge = {p: lead[0 if g == 0 else 1] if g in (0, 5) else 1.0 for p, (g, _) in planes.items()}
            for low in (1, 2, 3):
                own, link = medium.element(wave, float(heights[low + 1] - heights[low]))
                put(index[low], index[low], unit * own)
                put(index[low + 1], index[low + 1], unit * own)
                put(
                    index[low],
                    index[low + 1],
                    unit * link * gauge[low] * np.conj(gauge[low + 1]),
                )
            for group in (0, 1, 2) if side == 0 else (3, 4, 5):
                chosen = self.groups[group]
                coupling = np.sqrt(unit) * medium.sources(wave, self._sites(group), self.planes[side])
                phase = np.exp(-1j * TWO_PI * (wave.shift @ self._places[chosen].T))
                coupling = coupling * (phase / self._masses[chosen])[:, None, :, None]
                coupling = coupling.reshape(len(k), len(heights), -1)
                for plane, (there, row) in index.items():
                    if group in (0, 5) and there == group:
                        continue
                    values = coupling[:, plane] * np.reshape(gauge[plane], (-1, 1))
                    count = values.shape[1]
                    if there == group:
                        inner[group - 1][:, row, :count] += values
                        inner[group - 1][:, :count, row] += values.conj()
                    elif group == there + 1:
                        outer[there][:, row, :count] += values
                    elif there == group + 1:
                        outer[group][:, :count, row] += values.conj()

    def _offset(self, side: Side) -> Floats:
        """In-plane vector from a lead's own coordinates to the slab's, fractional, (2,)."""
        group = 0 if side == 0 else 5
        sites = self._sites(group)
        own = Sites(sites.member, sites.layer - sites.layer.min())
        return np.asarray((self._places[self.groups[group]] - places(self.media[side], own)).mean(axis=0))

    def matrix(self, wave_vectors: Floats, contact: PairConstants) -> Complexes:
        """Dynamical matrices (K, m, m) of the device between clamped ends, potentials eliminated."""
        k = np.asarray(wave_vectors, dtype=float)
        chain = self.groups
        onsite = [contact.block(g, g)(k) for g in self.device]
        hopping = [contact.block(a, b)(k) for a, b in pairwise(chain)]
        inner, outer = self.blocks(k, onsite, hopping)
        # beyond the outermost planes of the device the crystals go on, their ions at rest
        home = self.media[0].home(k)
        for side, layer in ((0, 0), (1, 3)):
            medium, unit = self.media[side], self.units[side]
            wave = medium.wave(k, np.zeros(2, dtype=np.int64), home)
            heights = self.planes[side].heights
            gap = float(heights[2] - heights[1] if side == 0 else heights[4] - heights[3])
            place = 3 * len(self.device[layer])
            change = unit * (medium.half_space(wave, gap) - medium.element(wave, gap)[0])
            inner[layer][:, place, place] += change
        sizes = np.cumsum([0, *(block.shape[-1] for block in inner)])
        whole = np.zeros((len(k), sizes[-1], sizes[-1]), dtype=complex)
        still: Bools = np.zeros(sizes[-1], dtype=bool)
        for n, block in enumerate(inner):
            here = slice(sizes[n], sizes[n + 1])
            whole[:, here, here] = block
            still[sizes[n + 1] - self.massless[n] : sizes[n + 1]] = True
            if n < 3:
                there = slice(sizes[n + 1], sizes[n + 2])
                whole[:, here, there] = outer[n + 1]
                whole[:, there, here] = outer[n + 1].conj().swapaxes(-1, -2)
        own, other = whole[:, ~still][:, :, ~still], whole[:, still][:, :, ~still]
        carried = np.linalg.solve(whole[:, still][:, :, still], other)
        found = own - other.conj().swapaxes(-1, -2) @ carried
        return np.asarray(0.5 * (found + found.conj().swapaxes(-1, -2)))

    def stability(self, contact: PairConstants) -> Check:
        """Lowest ω² of the contact between clamped ends, as :func:`latmm.interface.guards.stability`."""
        k = zone(1)
        matrices = self.matrix(k, contact)
        lowest = np.array([eigvalsh(m, subset_by_index=[0, 0])[0] for m in matrices])
        largest = float(np.abs(np.einsum("kii->ki", matrices)).max())
        worst = int(np.argmin(lowest))
        imaginary = np.sqrt(max(-lowest[worst], 0.0) * EV_PER_A2_AMU) / TWO_PI
        first, second = k[worst] + 0.0
        where = f"{imaginary:.2g}i THz at k∥ = {first:.3g}, {second:.3g}" if imaginary else ""
        return check("region_stability", max(-lowest[worst] / largest, 0.0), SOFTEST, where=where)
