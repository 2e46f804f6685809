"""Contacts of one spring crystal with itself or with heavier atoms, put together block by block."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from ase import Atoms
from ase.build import bulk
from continuum_systems import spring_crystal

from latmm.agf import FoldedLead, Junction, Lead
from latmm.arrays import Complexes, Floats
from latmm.geometry.lateral import folding_vectors
from latmm.geometry.orientation import orient
from latmm.lattice.force_constants import ForceConstants
from latmm.units import EV_PER_A2_AMU, TWO_PI

FCC_SHELLS = [(4.0 / np.sqrt(2.0), 2.0)]
DIAMOND_SHELLS = [(5.4 * np.sqrt(3.0) / 4.0, 8.0), (5.4 / np.sqrt(2.0), 1.0)]


def fcc(normal=(0, 0, 1)) -> ForceConstants:
    """Aluminium's mass, springs to the nearest neighbours."""
    return spring_crystal(orient(bulk("Al", a=4.0), normal), FCC_SHELLS)


def diamond(normal=(0, 0, 1)) -> ForceConstants:
    """Silicon's mass, two shells of springs."""
    return spring_crystal(orient(bulk("Si", a=5.4), normal), DIAMOND_SHELLS)


def sheared(normal=(0, 0, 1)) -> ForceConstants:
    """The crystal of :func:`diamond` in another primitive cell: a₁ + a₂, a₂, a₃ + a₁."""
    atoms = orient(bulk("Si", a=5.4), normal)
    cell = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]]) @ atoms.cell.array
    return spring_crystal(Atoms(atoms, cell=cell), DIAMOND_SHELLS)


@dataclass(frozen=True)
class Contact:
    """What scattering reads of an interface."""

    left: ForceConstants
    right: ForceConstants
    principal: tuple[int, int]
    area: float
    spatial_rotations: list
    lateral: tuple
    junction: Callable[[Floats], Junction]
    folded: Callable[[str, Floats], Floats]

    @property
    def crystals(self) -> tuple[ForceConstants, ForceConstants]:
        return self.left, self.right


def contact(crystal: ForceConstants, ratio: float = 1.0, principal: int = 1) -> Contact:
    """Crystal on the same crystal with masses ``ratio`` times as large, springs across like any other."""
    masses = crystal.atoms.get_masses()
    heavy = crystal.with_masses(ratio * masses)

    def junction(k: Floats) -> Junction:
        left, right = (layer(c, k, principal) for c in (crystal, heavy))
        # the hopping has one light and one heavy end
        across = left[1] / np.sqrt(ratio)
        leads = [Lead(h0[:, None], h1[:, None]) for h0, h1 in (left, right)]
        return Junction(leads[0], leads[1], (), (across[:, None],))

    return Contact(
        crystal,
        heavy,
        (principal, principal),
        float(np.linalg.det(crystal.atoms.cell.array[:2, :2])),
        [np.eye(2, dtype=np.int64)],
        (np.eye(2, dtype=np.int64),) * 2,
        junction,
        lambda side, k: np.asarray(k, dtype=float)[:, None, :],
    )


def layer(crystal: ForceConstants, k: Floats, principal: int) -> tuple[Complexes, Complexes]:
    """Onsite block and hopping of a principal layer of a crystal whose primitive layers reach one another."""
    down, onsite, up = crystal.layer_blocks(k) * EV_PER_A2_AMU
    n = onsite.shape[-1]
    h0, h1 = (np.zeros((len(k), principal * n, principal * n), dtype=complex) for _ in range(2))
    for i in range(principal):
        here = slice(i * n, (i + 1) * n)
        h0[:, here, here] = onsite
        if i + 1 < principal:
            h0[:, here, (i + 1) * n : (i + 2) * n] = up
            h0[:, (i + 1) * n : (i + 2) * n, here] = down
    h1[:, -n:, :n] = up
    return h0, h1


def loosened(system: Contact) -> Contact:
    """The same with weaker springs for motion along x in the contact: its two transverse waves differ."""

    def junction(k: Floats) -> Junction:
        plain = system.junction(k)
        across = plain.hopping[0].copy()
        across[..., 0::3, :] *= 0.4
        return Junction(plain.left, plain.right, (), (across,))

    return replace(system, junction=junction)


def supercell(crystal: ForceConstants, ratio: float, repeat: int = 2) -> Contact:
    """:func:`contact` in a lateral supercell of repeat × repeat cells, with folded leads."""
    small = contact(crystal, ratio)
    steps = folding_vectors(repeat * np.eye(2, dtype=np.int64))

    def folded(side: str, k: Floats) -> Floats:
        return (np.asarray(k, dtype=float)[:, None, :] + steps) / repeat

    # W between a supercell atom at r and its primitive atom, exp(iG·r)/√N
    fractional = crystal.atoms.get_scaled_positions(wrap=False)[:, :2]
    places = (steps[:, None, :] + fractional).reshape(-1, 2)
    phases = np.exp(1j * TWO_PI * places @ (steps / repeat).T) / repeat
    size = len(crystal.atoms)
    w = np.zeros((len(places), 3, len(steps), size, 3), dtype=complex)
    for atom, axis in product(range(len(places)), range(3)):
        w[atom, axis, :, atom % size, axis] = phases[atom]
    expansion = w.reshape(3 * len(places), len(steps), 3 * size)
    matrix = expansion.reshape(3 * len(places), -1)

    def junction(k: Floats) -> Junction:
        points = folded("left", k)
        parts = small.junction(points.reshape(-1, 2))
        shape = (*points.shape[:2], 3 * size, 3 * size)
        leads = [
            FoldedLead(lead.onsite.reshape(shape)[:, None], lead.hopping.reshape(shape)[:, None], expansion)
            for lead in (parts.left, parts.right)
        ]
        diagonal = np.zeros((len(k), len(steps), 3 * size, len(steps), 3 * size), dtype=complex)
        each = np.arange(len(steps))
        diagonal[:, each, :, each] = parts.hopping[0].reshape(shape).swapaxes(0, 1)
        across = matrix @ diagonal.reshape(len(k), len(matrix), len(matrix)) @ matrix.conj().T
        return Junction(leads[0], leads[1], (), (across[:, None],))

    return Contact(
        small.left,
        small.right,
        (1, 1),
        small.area * repeat**2,
        small.spatial_rotations,
        (repeat * np.eye(2, dtype=np.int64),) * 2,
        junction,
        folded,
    )


def random_points(count: int, seed: int = 0) -> Floats:
    """k∥ away from all symmetry."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 2))
