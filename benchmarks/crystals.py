"""Crystals for the kernel's benchmarks: dynamical matrices of layers from lists of pair force constants.

Stands beside the package on purpose: the kernel takes matrices, and its benchmark should not time or trust
anything else. A crystal is a list of bonds (i, j, d, Φ): basis atoms, vector from i to j, 3×3 force
constant, eV/Å². Position gauge.
"""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from latmm.agf import FoldedLead, Junction, Lead
from latmm.units import EV_PER_A2_AMU

SILICON_MASS = 28.0855
ARGON_MASS = 39.948


@dataclass(frozen=True)
class Crystal:
    """Bonds of a periodic crystal; ``cell`` rows: two lateral vectors (z = 0) and the (oblique) stacking
    vector, Å."""

    cell: np.ndarray
    basis: np.ndarray
    first: np.ndarray
    second: np.ndarray
    vector: np.ndarray
    constant: np.ndarray

    @property
    def shift(self) -> np.ndarray:
        """Cell in which each bond ends, (bonds, 3) int."""
        end = self.basis[self.first] + self.vector - self.basis[self.second]
        return np.rint(end @ np.linalg.inv(self.cell)).astype(int)


@cache
def silicon(repeat: int = 4) -> Crystal:
    """Stillinger-Weber silicon along (001), two monolayers a layer, by matscipy's analytic Hessian."""
    from ase.build import bulk
    from matscipy.calculators.manybody import Manybody
    from matscipy.calculators.manybody.explicit_forms import StillingerWeber

    parameters = {
        "__ref__": "Stillinger and Weber, Phys. Rev. B 31, 5262 (1985)",
        "el": "Si",
        "epsilon": 2.1683,
        "sigma": 2.0951,
        "costheta0": 0.333333333333,
        "A": 7.049556277,
        "B": 0.6022245584,
        "p": 4,
        "a": 1.80,
        "lambda1": 21.0,
        "gamma": 1.20,
    }
    a = 5.4309498
    atoms = bulk("Si", "diamond", a=a, cubic=True).repeat(repeat)
    atoms.calc = Manybody(**StillingerWeber(parameters))
    hessian = atoms.calc.get_property("hessian", atoms).tocsr()
    basis = np.array([[0.0, 0.0, 0.0], [0.25, 0.25, 0.25]]) * a
    cell = np.array([[0.5, 0.5, 0.0], [-0.5, 0.5, 0.0], [0.5, 0.0, 0.5]]) * a
    return _from_hessian(hessian, atoms.positions, np.diag(atoms.cell), cell, basis)


def _from_hessian(hessian, positions, box, cell, basis) -> Crystal:
    first, second, vector, constant = [], [], [], []
    inverse = np.linalg.inv(cell)
    for i, r in enumerate(basis):
        home = int(np.argmin(np.linalg.norm(positions - r, axis=1)))
        rows = hessian[3 * home : 3 * home + 3].toarray().reshape(3, -1, 3).transpose(1, 0, 2)
        distance = positions - r
        distance -= box * np.rint(distance / box)
        for atom in np.flatnonzero(np.abs(rows).max((1, 2)) > 1e-12):
            end = (r + distance[atom] - basis) @ inverse
            j = int(np.argmin(np.abs(end - np.rint(end)).max(1)))
            first.append(i)
            second.append(j)
            vector.append(distance[atom])
            constant.append(rows[atom])
    return _symmetric(cell, basis, first, second, vector, constant)


def _symmetric(cell, basis, first, second, vector, constant) -> Crystal:
    """Bonds with Φ(i, j, d) = Φ(j, i, −d)ᵀ exactly, and the acoustic sum rule in the self-term."""
    table = {}
    for i, j, d, phi in zip(first, second, vector, constant, strict=True):
        table[i, j, *np.round(d, 6)] = (np.asarray(d), np.asarray(phi))
    bonds = []
    for (i, j, *key), (d, phi) in table.items():
        if np.linalg.norm(d) < 1e-6:
            continue
        back = table[j, i, *(-np.asarray(key) + 0.0)][1]
        bonds.append((i, j, d, 0.5 * (phi + back.T)))
    for i in range(len(basis)):
        total = sum(phi for k, _, _, phi in bonds if k == i)
        bonds.append((i, i, np.zeros(3), -0.5 * (total + total.T)))
    i, j, d, phi = zip(*bonds, strict=True)
    return Crystal(cell, basis, np.array(i), np.array(j), np.array(d), np.array(phi))


@cache
def argon(monolayers: int = 3) -> Crystal:
    """Lennard-Jones fcc along (001), cutoff 2.5σ, blocked to principal layers of ``monolayers`` planes."""
    epsilon, sigma, a = 0.0104, 3.4, 5.2686
    lateral = np.array([[0.5, 0.5, 0.0], [-0.5, 0.5, 0.0]]) * a
    step = np.array([0.5, 0.0, 0.5]) * a
    basis = np.array([k * step for k in range(monolayers)])
    cell = np.vstack([lateral, monolayers * step])
    grid = np.array([(i, j, k) for i in range(-6, 7) for j in range(-6, 7) for k in range(-6, 7)])
    lattice = grid @ np.vstack([lateral, step])
    radius = np.linalg.norm(lattice, axis=1)
    near = lattice[(radius > 1e-9) & (radius < 2.5 * sigma)]
    first, second, vector, constant = [], [], [], []
    inverse = np.linalg.inv(cell)
    for i, r in enumerate(basis):
        for d in near:
            end = (r + d - basis) @ inverse
            j = int(np.argmin(np.abs(end - np.rint(end)).max(1)))
            x = sigma / np.linalg.norm(d)
            unit = d / np.linalg.norm(d)
            slope = 4 * epsilon / sigma * (-12 * x**13 + 6 * x**7)
            curvature = 4 * epsilon / sigma**2 * (156 * x**14 - 42 * x**8)
            tension = slope / np.linalg.norm(d)
            first.append(i)
            second.append(j)
            vector.append(d)
            constant.append(-(curvature - tension) * np.outer(unit, unit) - tension * np.eye(3))
    return _symmetric(cell, basis, first, second, vector, constant)


def layer_block(crystal: Crystal, k: np.ndarray, layer: int, repeat: tuple[int, int] = (1, 1)) -> np.ndarray:
    """Force constants from layer 0 to ``layer`` at k∥ (K, 2) Å⁻¹, (K, m, m), of lateral supercells; masses
    not applied."""
    nx, ny = repeat
    atoms = len(crystal.basis)
    keep = crystal.shift[:, 2] == layer
    first, second, shift = crystal.first[keep], crystal.second[keep], crystal.shift[keep]
    phase = np.exp(1j * k @ crystal.vector[keep, :2].T)  # (K, bonds)
    block = np.zeros((len(k), nx * ny * atoms, nx * ny * atoms, 3, 3), dtype=complex)
    for x in range(nx):
        for y in range(ny):
            other = ((x + shift[:, 0]) % nx) * ny + (y + shift[:, 1]) % ny
            rows, columns = (x * ny + y) * atoms + first, other * atoms + second
            for b in range(len(first)):
                block[:, rows[b], columns[b]] += phase[:, b, None, None] * crystal.constant[keep][b]
    m = nx * ny * atoms * 3
    return block.transpose(0, 1, 3, 2, 4).reshape(len(k), m, m)


def weighted(block: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Mass-weighted block in (rad/ps)²; masses (atoms,) amu of its rows and columns."""
    root = np.sqrt(np.outer(np.repeat(left, 3), np.repeat(right, 3)))
    return block * EV_PER_A2_AMU / root


def lead(crystal: Crystal, mass: float, k: np.ndarray) -> Lead:
    """Primitive lead at k∥ (K, 2): blocks (K, 1, n, n), for ω (K, W)."""
    masses = np.full(len(crystal.basis), mass)
    blocks = [weighted(layer_block(crystal, k, layer), masses, masses)[:, None] for layer in (0, 1)]
    return Lead(*blocks)


def reciprocal(crystal: Crystal, repeat: tuple[int, int]) -> np.ndarray:
    """The N reciprocal vectors of the supercell inside one primitive Brillouin zone, (N, 2) Å⁻¹."""
    b = 2 * np.pi * np.linalg.inv(crystal.cell[:2, :2]).T
    return np.array([(g / repeat[0], h / repeat[1]) for g in range(repeat[0]) for h in range(repeat[1])]) @ b


def sites(crystal: Crystal, repeat: tuple[int, int]) -> np.ndarray:
    """In-plane positions of a supercell layer's atoms, (N atoms, 2)."""
    return np.array(
        [
            (x * crystal.cell[0] + y * crystal.cell[1] + r)[:2]
            for x in range(repeat[0])
            for y in range(repeat[1])
            for r in crystal.basis
        ]
    )


def folded_lead(crystal: Crystal, mass: float, k: np.ndarray, repeat: tuple[int, int]) -> FoldedLead:
    """The same stack as lateral supercells, given in its primitive cell: blocks (K, 1, N, n, n)."""
    g = reciprocal(crystal, repeat)
    folded, atoms = len(g), len(crystal.basis)
    primitive = lead(crystal, mass, (k[:, None] + g).reshape(-1, 2))
    n = 3 * atoms
    phases = np.exp(1j * sites(crystal, repeat) @ g.T) / np.sqrt(folded)  # (N atoms, N)
    w = np.zeros((folded, atoms, 3, folded, atoms, 3), dtype=complex)
    for b in range(atoms):
        for axis in range(3):
            w[:, b, axis, :, b, axis] = phases.reshape(folded, atoms, folded)[:, b]
    return FoldedLead(
        primitive.onsite.reshape(len(k), 1, folded, n, n),
        primitive.hopping.reshape(len(k), 1, folded, n, n),
        w.reshape(folded * n, folded, n),
    )


def junction(
    crystal: Crystal,
    masses: tuple[float, float],
    k: np.ndarray,
    repeat: tuple[int, int] = (1, 1),
    layers: int = 4,
    mixed: bool = True,
) -> Junction:
    """Light | device layers | heavy with one set of force constants; device masses random, or half light
    half heavy."""
    atoms = repeat[0] * repeat[1] * len(crystal.basis)
    random = np.random.default_rng(7)
    device = [
        random.choice(masses, atoms) if mixed else np.full(atoms, masses[0 if layer < layers / 2 else 1])
        for layer in range(layers)
    ]
    every = [np.full(atoms, masses[0]), *device, np.full(atoms, masses[1])]
    h0, h1 = (layer_block(crystal, k, layer, repeat) for layer in (0, 1))
    onsite = tuple(weighted(h0, m, m)[:, None] for m in device)
    hopping = tuple(weighted(h1, a, b)[:, None] for a, b in itertools.pairwise(every))
    if repeat == (1, 1):
        return Junction(lead(crystal, masses[0], k), lead(crystal, masses[1], k), onsite, hopping)
    left, right = (folded_lead(crystal, m, k, repeat) for m in masses)
    return Junction(left, right, onsite, hopping)


def wave_vectors(crystal: Crystal, count: int, repeat: tuple[int, int] = (1, 1), seed: int = 0) -> np.ndarray:
    """Random k∥ in the supercell's Brillouin zone, (count, 2) Å⁻¹."""
    b = 2 * np.pi * np.linalg.inv(crystal.cell[:2, :2]).T
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 2)) / np.array(repeat) @ b
