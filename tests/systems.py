"""Test systems for the Green's-function kernel that know their answers.

Frequencies squared are in units of the caller: masses and springs of order one.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from latmm.agf import FoldedLead, Junction, Lead


@dataclass(frozen=True)
class Chain:
    """A chain of equal masses and springs: ω² = (4K/m) sin²(θ/2)."""

    mass: float
    spring: float = 1.0

    @property
    def top(self) -> float:
        return 2.0 * np.sqrt(self.spring / self.mass)

    def lead(self) -> Lead:
        return Lead(np.array([[2 * self.spring / self.mass]]), np.array([[-self.spring / self.mass]]))

    def phase(self, omega):
        """θ in (0, π) inside the band."""
        return 2.0 * np.arcsin(omega / self.top)

    def velocity(self, omega):
        """dω/dθ."""
        return 0.5 * self.top * np.cos(0.5 * self.phase(omega))


def chain_junction(left: Chain, right: Chain, spring: float) -> Junction:
    """Two chains joined by a spring; the last mass on either side feels it, so the device is those two
    atoms.
    """
    onsite = tuple(np.array([[(side.spring + spring) / side.mass]]) for side in (left, right))
    hopping = (
        left.lead().hopping,
        np.array([[-spring / np.sqrt(left.mass * right.mass)]]),
        right.lead().hopping,
    )
    return Junction(left.lead(), right.lead(), onsite, hopping)


def chain_junction_transmission(left: Chain, right: Chain, spring: float, omega):
    """T = 4X₁X₂/[(X₁ + X₂)² + (2/K₁₂ − 1/K₁ − 1/K₂)²], X = cot(θ/2)/K."""
    x1, x2 = (1.0 / (np.tan(0.5 * side.phase(omega)) * side.spring) for side in (left, right))
    return 4 * x1 * x2 / ((x1 + x2) ** 2 + (2 / spring - 1 / left.spring - 1 / right.spring) ** 2)


def atom_between(left: Chain, mass: float, right: Chain) -> Junction:
    """One atom between two chains, one spring constant throughout."""
    k = left.spring
    return Junction(
        left.lead(),
        right.lead(),
        (np.array([[2 * k / mass]]),),
        tuple(np.array([[-k / np.sqrt(mass * side.mass)]]) for side in (left, right)),
    )


def atom_between_transmission(left: Chain, mass: float, right: Chain, omega):
    """T = 4 sin k sin q/[(ω²/2K)²(2m − m₁ − m₂)² + (sin k + sin q)²]."""
    s1, s2 = (np.sin(side.phase(omega)) for side in (left, right))
    detuning = omega**2 / (2 * left.spring) * (2 * mass - left.mass - right.mass)
    return 4 * s1 * s2 / (detuning**2 + (s1 + s2) ** 2)


def random_matrix(rng, rows: int, columns: int, rank: int | None = None):
    full = rng.normal(size=(rows, columns)) + 1j * rng.normal(size=(rows, columns))
    if rank is None:
        return full
    left = rng.normal(size=(rows, rank)) + 1j * rng.normal(size=(rows, rank))
    return left @ (rng.normal(size=(rank, columns)) + 1j * rng.normal(size=(rank, columns)))


def random_slab(rng, n: int, rank: int | None = None, real: bool = False) -> Lead:
    """A stable stack: its energy is Σ_j |B u_j + C u_{j+1}|², so no band is imaginary."""
    b, c = random_matrix(rng, n, n), random_matrix(rng, n, n, rank)
    if real:
        b, c = b.real, c.real
    return Lead(b.conj().T @ b + c.conj().T @ c, b.conj().T @ c)


def random_junction(rng, n_left: int, n_right: int, layers: tuple[int, ...]) -> Junction:
    """Random stacks with a random Hermitian device of any layer sizes."""
    sizes = (n_left, *layers, n_right)
    onsite = tuple(random_slab(rng, m).onsite for m in layers)
    hopping = tuple(0.7 * random_matrix(rng, a, b) for a, b in itertools.pairwise(sizes))
    return Junction(random_slab(rng, n_left), random_slab(rng, n_right), onsite, hopping)


def in_band(lead: Lead, rng, count: int):
    """ω at random phases and bands of a stack: every one of them meets a propagating mode."""
    theta = rng.uniform(-np.pi, np.pi, count)
    values = np.linalg.eigvalsh(band_matrix(lead, theta))
    return np.sqrt(np.maximum(values[np.arange(count), rng.integers(values.shape[-1], size=count)], 1e-6))


def band_matrix(lead: Lead, theta):
    """H(θ) = H₀ + e^{iθ}H₁ + e^{−iθ}H₁†."""
    z = np.exp(1j * np.asarray(theta))[..., None, None]
    return lead.onsite + z * lead.hopping + z.conj() * lead.hopping.conj().swapaxes(-1, -2)


def crossings(lead: Lead, omega: float, mesh: int = 20000) -> int:
    """Right-going modes counted without eigenvectors: bands of H(θ) that rise through ω² (no crossing
    within a mesh cell).
    """
    theta = np.linspace(-np.pi, np.pi, mesh + 1)
    below = (np.linalg.eigvalsh(band_matrix(lead, theta)) < omega**2).sum(-1)
    return int(np.maximum(0, below[:-1] - below[1:]).sum())


def band_edges(lead: Lead, mesh: int = 200):
    """ω of the extrema of the bands of H(θ), by bisection of their slopes; those in the lowest tenth of ω²
    are left out.

    Rounding moves ω² by eps H, so an edge at small ω² is not known to 1e-12 of itself.
    """
    back = lead.hopping.conj().T
    omega = []
    for band in range(lead.size):

        def slope(theta: float, band: int = band):
            value, vector = np.linalg.eigh(band_matrix(lead, theta))
            z, u = np.exp(1j * theta), vector[:, band]
            return (u.conj() @ (1j * z * lead.hopping - 1j / z * back) @ u).real, value[band]

        theta = np.linspace(-np.pi, np.pi, mesh) + 0.01
        values = np.linalg.eigvalsh(band_matrix(lead, theta))[:, band]
        steps = np.diff(values)
        for turn in np.flatnonzero(steps[1:] * steps[:-1] < 0) + 1:
            low, high = theta[turn - 1], theta[turn + 1]
            rising = slope(low)[0] > 0
            for _ in range(60):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if (slope(middle)[0] > 0) == rising else (low, middle)
            omega.append(slope(middle)[1])
    return np.sqrt([square for square in omega if square > 0.1 * np.abs(lead.onsite).max()])


def unsound(route):
    """A route to Bloch states that marks every point as unsound."""

    def wrapped(*given):
        found = route(*given)
        raw, rest = (found[0], found[1:]) if isinstance(found, tuple) else (found, None)
        refused = replace(raw, sound=np.zeros_like(raw.sound))
        return refused if rest is None else (refused, *rest)

    return wrapped


def doubled(lead: Lead) -> Lead:
    """The same stack with two layers taken as one."""
    zero = np.zeros_like(lead.hopping)
    back = lead.hopping.conj().swapaxes(-1, -2)
    onsite = np.block([[lead.onsite, lead.hopping], [back, lead.onsite]])
    return Lead(onsite, np.block([[zero, zero], [lead.hopping, zero]]))


@dataclass(frozen=True)
class Ribbon:
    """A crystal periodic along x and z, n degrees of freedom a cell, neighbours in the cells beside, above
    and above-beside.

    Position gauge with all atoms of a cell at its origin: phases exp(i k Δx), lattice constant 1.
    """

    inside: np.ndarray
    beside: np.ndarray
    above: np.ndarray
    oblique: np.ndarray

    @classmethod
    def random(cls, rng, n: int) -> "Ribbon":
        """Stable: energy Σ |A u + B u_x + C u_z + D u_xz|² written out to the neighbours kept."""
        a, b, c = (random_matrix(rng, n, n) for _ in range(3))
        dagger = np.conj(np.transpose([a, b, c], (0, 2, 1)))
        inside = sum(d @ m for d, m in zip(dagger, (a, b, c), strict=True))
        return cls(inside, dagger[0] @ b, dagger[0] @ c, dagger[1] @ c)

    def blocks(self, k: float) -> tuple[np.ndarray, np.ndarray]:
        """H₀ and H₁ at lateral k. The bond (u_x)(u_z) runs from cell +1 to the layer above: one cell back."""
        across = self.beside * np.exp(1j * k)
        return self.inside + across + across.conj().T, self.above + self.oblique * np.exp(-1j * k)

    def lead(self, k: float) -> Lead:
        return Lead(*self.blocks(k))

    def folded(self, k: float, cells: int) -> FoldedLead:
        """A supercell of ``cells`` cells at lateral k."""
        g = 2 * np.pi * np.arange(cells) / cells
        onsite, hopping = (np.array(b) for b in zip(*(self.blocks(k + x) for x in g), strict=True))
        n = self.inside.shape[0]
        phases = np.exp(1j * np.outer(np.arange(cells), g)) / np.sqrt(cells)
        expansion = np.einsum("cg,ij->cigj", phases, np.eye(n)).reshape(cells * n, cells, n)
        return FoldedLead(onsite, hopping, expansion)

    def supercell(self, k: float, cells: int) -> Lead:
        """The same supercell written out in full."""
        n = self.inside.shape[0]
        onsite, hopping = (np.zeros((cells, n, cells, n), dtype=complex) for _ in range(2))
        for c in range(cells):
            onsite[c, :, c] += self.inside
            onsite[c, :, (c + 1) % cells] += self.beside * np.exp(1j * k)
            onsite[(c + 1) % cells, :, c] += (self.beside * np.exp(1j * k)).conj().T
            hopping[c, :, c] += self.above
            hopping[c, :, (c - 1) % cells] += self.oblique * np.exp(-1j * k)
        return Lead(*(block.reshape(cells * n, cells * n) for block in (onsite, hopping)))
