"""Heat flow between temperature nodes: the linearised Boltzmann equation of two crystals and their contact.

Every channel c (Bloch mode of one crystal at (k∥, ω), moving to or from the contact) has a mode temperature
φ_c, the deviation of its occupation over ∂n/∂T. In the relaxation time approximation, with the mean free path
Λ_c = |v_z,c| τ_c,

    ±Λ_c dφ_c/dz = T(z) − φ_c,      Σ_c w_c (φ_c − T)/Λ_c = 0 at every z,                           (1)

where w is the heat per area that a channel carries for φ = 1 K. The local temperature T(z) is the one at
which scattering conserves energy, summed over all ω. At the contact φ_out = Σ p_oi φ_in, with the
probabilities p_oi of the scattering matrix.

φ is eliminated. What flows between two nodes is K_ab (T_a − T_b), with K symmetric:

    K = K_direct(left) + K_direct(right) + Eᵀ M E,      M_oi = Σ w p_oi,                             (2)

E_bn the fraction of what a channel of mean free path Λ_b brings to the contact that node n emitted, and M
summed over all channels of a pair of mean free paths. Then Σ_b K_ab (T_a − T_b) = 0 at the nodes between two
reservoirs, which emit at T = 1 and T = 0 at the distance L from the contact and absorb all that arrives.

T(z) is linear between the nodes (Galerkin). With s = Δ/Λ an element of length Δ sends to its edge

    q = 1 − (1 − e⁻ˢ)/s of the temperature at this edge,   p = (1 − e⁻ˢ (1 + s))/s of that at the other;

elements couple by (q or p) e^{−gap/Λ} (q or p), an element and a reservoir by (q or p) e^{−gap/Λ}, and the
two nodes of one element by −2/s² + e⁻ˢ (1 + 2/s + 2/s²), times w. K stays symmetric, conserves heat on any
mesh, and has the exact diffusive limit κ = 2 Σ w Λ (sum over the channels of one direction).

Symbols: w → ``weight`` (W m⁻² K⁻¹), Λ → ``path`` (Å), z → ``positions`` (Å), M → ``contact``.

Sources: the equation, J. M. Ziman, Electrons and Phonons (Oxford, 1960) [from memory]; a grey slab between
black walls, M. A. Heaslet and R. F. Warming, Int. J. Heat Mass Transfer 8, 979 (1965) [from memory; tests
meet its values by two routes].
"""

from dataclasses import dataclass
from math import factorial
from typing import Final

import numpy as np

from latmm.arrays import Floats
from latmm.errors import ConvergenceError, InputError

__all__ = ["Bulk", "Profile", "conductivity", "graded", "homogeneous", "solve_network"]

_SERIES: Final = 0.1
"""s below which differences are replaced by their series: they would lose digits."""
_TERMS: Final = 12
_GROWTH: Final = 1.3
"""Ratio of the lengths of successive elements."""
_FIRST: Final = 1.0
"""Length of the elements at both ends, Å."""
_FEWEST: Final = 4
"""Elements of a side at least."""
_BALANCE: Final = 1e-7
"""Relative difference of the heat that leaves one reservoir and reaches the other, beyond which the solution
is refused."""


@dataclass(frozen=True)
class Bulk:
    """One crystal, from the contact plane to its reservoir.

    Attributes
    ----------
    weight : (B,) float
        Heat of the channels of one direction with each mean free path, W m⁻² K⁻¹.
    path : (B,) float
        Mean free paths Λ, Å.
    positions : (N + 1,) float
        Distances of the temperature nodes from the contact plane, ascending from 0, Å. The reservoir is at
        the last.
    """

    weight: Floats
    path: Floats
    positions: Floats

    def __post_init__(self) -> None:
        z = self.positions
        if z.ndim != 1 or z.size < 2 or z[0] != 0.0 or not np.all(np.diff(z) > 0.0):
            raise InputError("`positions` must ascend from 0 to the reservoir, in Å; use `graded`")
        if self.weight.shape != self.path.shape or not np.all(self.weight >= 0.0):
            raise InputError("`weight` and `path` must be equally long, and no weight negative")
        if not np.all(self.path > 0.0):
            raise InputError("mean free paths must be positive, in Å")

    @property
    def length(self) -> float:
        """Distance of the reservoir, Å."""
        return float(self.positions[-1])


@dataclass(frozen=True)
class Profile:
    """Temperatures between two reservoirs at 1 (left) and 0 (right), and what flows.

    Attributes
    ----------
    left, right : Bulk
        The crystals.
    temperature_left, temperature_right : (N + 1,) float
        At their nodes, from the contact to the reservoir.
    temperature_contact : (L,) float
        At the nodes of a dissipative contact.
    incoming : (B_left + B_right,) float
        Mode temperature with which the channels of each mean free path arrive at the contact.
    flux : float
        Heat per area and kelvin between the reservoirs, W m⁻² K⁻¹.
    imbalance : float
        Relative difference between what leaves one reservoir and reaches the other.
    """

    left: Bulk
    right: Bulk
    temperature_left: Floats
    temperature_right: Floats
    temperature_contact: Floats
    incoming: Floats
    flux: float
    imbalance: float

    @property
    def jump(self) -> float:
        """Difference of the local temperatures on both sides of the contact."""
        return float(self.temperature_left[0] - self.temperature_right[0])

    def extrapolated_jump(self, depth: tuple[float, float] = (0.0, 0.0)) -> float:
        """Difference at the interface of straight lines through the middle third of both profiles.

        Parameters
        ----------
        depth : (2,) float
            How far the contact planes lie from the interface, Å.
        """
        ends = [
            _intercept(side, temperature, d)
            for side, temperature, d in zip(
                (self.left, self.right), (self.temperature_left, self.temperature_right), depth, strict=True
            )
        ]
        return ends[0] - ends[1]


def _intercept(side: Bulk, temperature: Floats, depth: float) -> float:
    """Value at −depth of the least-squares line through the middle third of a profile."""
    z = np.linspace(side.length / 3.0, 2.0 * side.length / 3.0, 61)
    slope, offset = np.polyfit(z, np.interp(z, side.positions, temperature), 1)
    return float(offset - slope * depth)


def graded(length: float) -> Floats:
    """Positions of nodes from 0 to ``length``, Å: dense at both ends, where profiles bend.

    Raises
    ------
    InputError
        If the length is not a positive number.
    """
    if not (np.isfinite(length) and length > 0.0):
        raise InputError(f"`length` must be a positive number of Å, but is {length}; use e.g. 1e4")
    first = min(_FIRST, length / _FEWEST)
    count = int(np.ceil(np.log1p(0.5 * length / first * (_GROWTH - 1.0)) / np.log(_GROWTH) - 1e-9))
    steps = _GROWTH ** np.arange(max(count, _FEWEST // 2))
    half = np.concatenate([[0.0], np.cumsum(steps)]) * (0.5 * length / steps.sum())
    return np.concatenate([half, length - half[-2::-1]])


def conductivity(weight: Floats, path: Floats) -> float:
    """κ = 2 Σ w Λ of the channels of one direction, W m⁻¹ K⁻¹; ``weight`` in W m⁻² K⁻¹, ``path`` in Å."""
    return float(2e-10 * np.sum(weight * path))


def homogeneous(weight: Floats) -> Floats:
    """M of no contact at all: every channel goes on, (2 B, 2 B)."""
    through, none = np.diag(weight), np.zeros((weight.size, weight.size))
    return np.block([[none, through], [through, none]])


def solve_network(left: Bulk, right: Bulk, contact: Floats) -> Profile:
    """Solve for all temperatures between two reservoirs.

    Parameters
    ----------
    left, right : Bulk
        The crystals.
    contact : (B_left + B_right + L, ...) float
        M, symmetric: heat from the channels of each mean free path, and from the L nodes of a dissipative
        contact (columns), to the same (rows), W m⁻² K⁻¹.

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        If the contact does not fit the crystals.
    ConvergenceError
        If heat is not conserved: the equations are ill-conditioned.
    """
    sides = left, right
    bins = [side.path.size for side in sides]
    inner = contact.shape[0] - sum(bins)
    if contact.ndim != 2 or contact.shape[0] != contact.shape[1] or inner < 0:
        raise InputError(f"`contact` must be a matrix of at least {sum(bins)} rows, but is {contact.shape}")
    # nodes: left, right, contact, then both reservoirs
    counts = [side.positions.size for side in sides]
    first = [0, counts[0]]
    total = sum(counts) + inner
    k = np.zeros((total + 2, total + 2))
    emission = np.zeros((contact.shape[0], total + 2))
    row = 0
    for number, side in enumerate(sides):
        own = np.append(np.arange(first[number], first[number] + counts[number]), total + number)
        direct, share = _side(side)
        k[np.ix_(own, own)] += direct
        emission[row : row + bins[number], own] = share
        row += bins[number]
    emission[row:, sum(counts) : total] = np.eye(inner)
    k += emission.T @ contact @ emission
    np.fill_diagonal(k, 0.0)
    laplacian = np.diag(k.sum(axis=1)) - k
    live = np.append(
        np.abs(k[:total]).sum(axis=1) > 0.0, [False, False]
    )  # a node that nothing reaches has no T
    temperature = np.zeros(total + 2)
    temperature[total] = 1.0
    a = laplacian[np.ix_(live, live)]
    scale = 1.0 / np.sqrt(np.diag(a))
    solved = np.linalg.solve(scale[:, None] * a * scale, scale * k[live, total])
    temperature[live] = scale * solved
    given, received = k[total] @ (1.0 - temperature), k[total + 1] @ temperature
    imbalance = abs(given / received - 1.0)
    if not imbalance < _BALANCE:
        raise ConvergenceError(
            f"heat is not conserved between the reservoirs: {imbalance:.1g} of it is lost, above "
            f"{_BALANCE:g}; the mean free paths differ too much from the length: use another length"
        )
    return Profile(
        left,
        right,
        temperature[: counts[0]],
        temperature[counts[0] : sum(counts)],
        temperature[sum(counts) : total],
        emission[: sum(bins)] @ temperature,
        float(given),
        float(imbalance),
    )


def _side(side: Bulk) -> tuple[Floats, Floats]:
    """Conductances (N + 2, N + 2) among nodes and reservoir without the contact, and E (B, N + 2)."""
    z, count = side.positions, side.positions.size
    s = np.diff(z) / side.path[:, None]
    near = _near(s)
    far = -np.expm1(-s) - near
    k = np.zeros((count + 1, count + 1))
    left, right = np.arange(count - 1), np.arange(1, count)  # nodes of the elements, towards the reservoir
    gap = np.maximum(z[:-1][None, :] - z[1:][:, None], 0.0)
    reach = np.triu(np.ones_like(gap), 1) * np.exp(-gap / side.path[:, None, None])
    for node, here in ((right, near), (left, far)):  # what an element sends on towards the reservoir
        for other, there in ((left, near), (right, far)):
            np.add.at(
                k,
                (node[:, None], other[None, :]),
                np.einsum("b,be,bef,bf->ef", side.weight, here, reach, there),
            )
        away = np.exp(-(z[-1] - z[1:]) / side.path[:, None])
        k[node, count] += np.einsum("b,be,be->e", side.weight, here, away)
    k[left, right] += side.weight @ _inside(s)
    emission = np.zeros((side.path.size, count + 1))
    before = np.exp(-z[:-1] / side.path[:, None])
    emission[:, left] += before * near
    emission[:, right] += before * far
    emission[:, count] = np.exp(-z[-1] / side.path)
    return k + k.T, emission


def _near(s: Floats) -> Floats:
    """Moment of an element at its near end, q = 1 − (1 − e⁻ˢ)/s."""
    small = s < _SERIES
    safe = np.where(small, 1.0, s)
    series = sum((-1.0) ** (m + 1) * s**m / factorial(m + 1) for m in range(1, _TERMS))
    return np.asarray(np.where(small, series, 1.0 + np.expm1(-safe) / safe))


def _inside(s: Floats) -> Floats:
    """Coupling of the two nodes of an element, −2/s² + e⁻ˢ (1 + 2/s + 2/s²)."""
    small = s < _SERIES
    safe = np.where(small, 1.0, s)
    series = sum(
        (-1.0) ** m * s**m * (1 / factorial(m) - 2 / factorial(m + 1) + 2 / factorial(m + 2))
        for m in range(1, _TERMS)
    )
    closed = -2.0 / safe**2 + np.exp(-safe) * (1.0 + 2.0 / safe + 2.0 / safe**2)
    return np.asarray(np.where(small, series, closed))
