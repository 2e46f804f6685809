"""Dipoles of a crystal layer by layer: what is short-ranged along the normal, and potentials for the rest.

Of Eq. (1) of :mod:`latmm.lattice.dipoles` take one in-plane wave vector p = k∥ + G∥. With z along the normal,
b = (p·ε)_z/ε_zz, κ² = p·ε·p/ε_zz − b², s = √ε_zz/2Λ and C = 4π e²/area, the sum over q_z is

    Φ_ij(z) = C e^{−iG·ρ} e^{ibz} (P_i + Z_iz q)(P_j + Z_jz q) F(z),      P_i = p·Z_i − b Z_iz,   q → i d/dz,
    F(z) = [e^{κz} erfc(κs + z/2s) + e^{−κz} erfc(κs − z/2s)]/(4κ ε_zz),                            (1)

between ions at the distance (ρ, z). Beyond the Gaussian F is F₀ = e^{−κ|z|}/(2κ ε_zz), Green's function of

    −ε_zz d²φ/dz² + ε_zz κ² φ = source.                                                             (2)

Equation (2) is local. With the potential φ on planes z_a as unknowns, and as shape functions between two
planes N_a = sinh κ(z_b − z)/sinh κ(z_b − z_a) and its mirror image N_b, the long-ranged part is carried
exactly, from a plane to the next:

    φ_a: −ε_zz κ (coth κD_below + coth κD_above),    φ_a, φ_b: ε_zz κ/sinh κD × e^{ib(z_b − z_a)},
    φ_a, u_j: √C e^{−iG·ρ_j} e^{ib(z_j − z_a)} (P_j + i Z_jz d/dz) N_a(z_j).                         (3)

Eliminating φ gives Σ_ab N_a F₀(z_a − z_b) N_b in the place of F₀. What (1) has beyond that stays between the
ions and ends with the Gaussian. At p = 0 (k∥ = 0) the displacement field is continuous and zero, F'' is a
Gaussian, and no potential is needed; one that is coupled to nothing keeps the number of unknowns.

Sources: D. E. Parry, Surf. Sci. 49, 433 (1975), for the sum over layers; Eq. (2) with shape functions: from
elementary electrostatics.

Symbols: κ → ``decay``, b → ``tilt``, P → ``along``, Z_z → ``across``, C → ``strength``.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from scipy.special import erfc, erfcx

from latmm.arrays import Complexes, Floats, Integers
from latmm.lattice.dipoles import COULOMB, Dipoles
from latmm.units import TWO_PI

__all__ = ["DipoleLayers", "Planes", "Sites", "Wave"]

_CONVERGED: Final[float] = 40.0
"""Exponent of the Gaussian up to which G∥ are summed: exp(−40) is rounding."""
_NUMBERS: Final[int] = 2**17
"""Elements of the arrays that a batch of k∥ takes."""
_ZERO: Final[float] = 1e-9
"""κ, Å⁻¹, below which p counts as zero."""
_ON: Final[float] = 1e-6
"""Distance from a plane, Å, up to which an ion is on it, and shared by both sides."""


@dataclass(frozen=True)
class Sites:
    """Sites of a crystal: atom ``member`` (n,) of the cell in primitive layer ``layer`` (n,)."""

    member: Integers
    layer: Integers

    @classmethod
    def stacked(cls, atoms: int, layers: int, first: int = 0) -> "Sites":
        """All atoms of some successive layers, layer by layer."""
        layer, member = np.divmod(np.arange(atoms * layers), atoms)
        return cls(member, layer + first)

    def moved(self, layers: int) -> "Sites":
        """Return the same sites some layers farther along the normal."""
        return Sites(self.member, self.layer + layers)

    def heights(self, dipoles: Dipoles) -> Floats:
        """Coordinates z (n,) along the normal, Å."""
        return np.asarray(dipoles.positions[self.member, 2] + self.layer * dipoles.cell[2, 2])


@dataclass(frozen=True)
class Planes:
    """Planes that carry potentials.

    Attributes
    ----------
    heights : (a,) float
        z, ascending, Å. What lies outside belongs to no element.
    """

    heights: Floats

    def entries(self, z: Floats) -> tuple[Integers, Integers, Floats]:
        """Element of each of n sites: their number, the element above plane ``element``, and the weight.

        Sites on a plane come twice with half the weight, so that a mirror in the plane stays one.
        """
        above = np.searchsorted(self.heights, z - _ON, side="left") - 1
        below = np.searchsorted(self.heights, z + _ON, side="left") - 1
        twice = np.flatnonzero(above != below)
        number = np.concatenate([np.arange(len(z)), twice])
        weight = np.where(above != below, 0.5, 1.0)
        return number, np.concatenate([above, below[twice]]), np.concatenate([weight, weight[twice]])


@dataclass(frozen=True)
class Wave:
    """One in-plane wave vector p = k∥ + G∥ for each of K k∥, and what a crystal makes of it.

    Attributes
    ----------
    shift : (K, 2) int
        G∥ in units of the reciprocal vectors of the plane.
    decay, tilt : (K,) float
        κ and b, Å⁻¹.
    along : (K, N, 3) float
        P of each ion, e Å⁻¹.
    """

    shift: Integers
    decay: Floats
    tilt: Floats
    along: Floats

    @property
    def coupled(self) -> Floats:
        """1 where p is not zero, else 0, (K,)."""
        return np.asarray(self.decay > _ZERO, dtype=float)


@dataclass(frozen=True)
class DipoleLayers:
    """Dipoles of a crystal whose first two lattice vectors lie in the plane of an interface.

    Attributes
    ----------
    dipoles : Dipoles
        N ions.
    """

    dipoles: Dipoles

    @cached_property
    def reciprocal(self) -> Floats:
        """Reciprocal vectors of the plane, in rows, (2, 2) Å⁻¹."""
        return np.asarray(TWO_PI * np.linalg.inv(self.dipoles.cell[:2, :2]).T)

    @property
    def strength(self) -> float:
        """C, eV Å⁻¹ for charges in e."""
        return COULOMB / float(abs(np.linalg.det(self.dipoles.cell[:2, :2])))

    @property
    def across(self) -> Floats:
        """Z_z of each ion, (N, 3) e."""
        return np.asarray(self.dipoles.charges[:, 2, :])

    @property
    def normal(self) -> float:
        """ε_zz."""
        return float(self.dipoles.dielectric[2, 2])

    @property
    def width(self) -> float:
        """s, Å: the Gaussian's."""
        return float(np.sqrt(self.normal)) / (2.0 * self.dipoles.screening)

    @cached_property
    def shells(self) -> Integers:
        """G∥ (G, 2) that count in a sum over p, by ascending κ, in complete shells."""
        metric = self._metric
        radius = np.sqrt(_CONVERGED) * 2.0 * self.dipoles.screening / np.sqrt(self.normal)
        largest = radius + self._zone * np.sqrt(np.linalg.eigvalsh(metric)[1])
        reach = largest / np.sqrt(np.linalg.eigvalsh(metric)[0])
        bound = np.floor(reach * np.linalg.norm(self.dipoles.cell[:2, :2], axis=1) / TWO_PI).astype(int)
        g = np.array(list(product(*(range(-b, b + 1) for b in bound))), dtype=np.int64)
        vectors = g @ self.reciprocal
        size = np.sqrt(np.einsum("gi,ij,gj->g", vectors, metric, vectors))
        order = np.lexsort(
            (g[:, 1], g[:, 0], np.round(size / (1e-6 + size.min(initial=1.0, where=size > 0)), 6))
        )
        return np.asarray(g[order][size[order] < largest])

    @property
    def _zone(self) -> float:
        """Largest |k∥| of the first zone, or more, Å⁻¹."""
        return 0.5 * float(np.linalg.norm(self.reciprocal, axis=1).sum())

    @property
    def _metric(self) -> Floats:
        """Matrix of κ² = p·metric·p, (2, 2)."""
        e = self.dipoles.dielectric
        return np.asarray((e[:2, :2] - np.outer(e[:2, 2], e[2, :2]) / e[2, 2]) / e[2, 2])

    def home(self, wave_vectors: Floats) -> Integers:
        """G∥ that takes each k∥ (K, 2) nearest to 0, (K, 2)."""
        k = np.asarray(wave_vectors, dtype=float)
        near = -np.rint(k).astype(np.int64)
        steps = np.array(list(product((-1, 0, 1), repeat=2)), dtype=np.int64)
        choices = near[:, None, :] + steps
        size = np.linalg.norm((k[:, None, :] + choices) @ self.reciprocal, axis=-1)
        best = np.argmin(np.round(size / self._zone, 9), axis=1)
        return np.asarray(choices[np.arange(len(k)), best])

    def wave(self, wave_vectors: Floats, shell: Integers, home: Integers | None = None) -> Wave:
        """Take p = k∥ + G∥ for k∥ (K, 2), fractional.

        ``shell`` is G∥ counted from ``home`` (K, 2), by default that of :meth:`home`. With shells
        (S, 1, 2) all that belongs to the wave has a leading axis S.
        """
        shift = (self.home(wave_vectors) if home is None else home) + shell
        p = (np.asarray(wave_vectors, dtype=float) + shift) @ self.reciprocal
        e, z = self.dipoles.dielectric, self.dipoles.charges
        tilt = p @ e[:2, 2] / e[2, 2]
        decay = np.sqrt(np.maximum(np.einsum("...i,ij,...j->...", p, self._metric, p), 0.0))
        along = np.einsum("...c,ica->...ia", p, z[:, :2, :]) - tilt[..., None, None] * z[:, 2, :]
        return Wave(shift, decay, tilt, along)

    def smeared(self, wave_vectors: Floats, largest: int) -> Complexes:
        """Sum (1) over all p between layer 0 and layers −largest … largest.

        Returns
        -------
        (2 largest + 1, K, N, 3, N, 3) complex
            eV Å⁻², with the phases of k∥ along the in-plane part of the vectors between the ions.
        """
        k = np.asarray(wave_vectors, dtype=float)
        place, height = self.dipoles.positions, self.dipoles.cell[2, 2]
        n = len(place)
        lateral = place[:, :2] @ np.linalg.inv(self.dipoles.cell[:2, :2])
        step = self.dipoles.cell[2, :2] @ np.linalg.inv(self.dipoles.cell[:2, :2])
        total = np.zeros((2 * largest + 1, len(k), n, 3, n, 3), dtype=complex)
        far = 2.0 * self.width * np.sqrt(_CONVERGED)
        home, shells = self.home(k), self.shells
        least = self._least_decay(shells)
        batch = max(1, _NUMBERS // (len(shells) * n * n))
        for start in range(0, len(k), batch):
            some = slice(start, start + batch)
            wave = self.wave(k[some], shells[:, None, :], home[some])
            phase = np.exp(-1j * TWO_PI * (wave.shift @ lateral.T))
            p = wave.along * phase[..., None]  # (S, K, N, 3)
            q = self.across * phase[..., None]
            for m in range(largest + 1):
                z = place[None, :, 2] - place[:, None, 2] + m * height  # (N, N)
                count = int(np.sum(least * max(float(np.abs(z).min()) - far, 0.0) <= _CONVERGED))
                kept = slice(count)  # shells come by ascending κ
                f, slope, bend = self._smeared_green(wave.decay[kept], z)
                turn = np.exp(-1j * TWO_PI * m * (wave.shift[kept] @ step))[..., None, None]
                turn = turn * np.exp(1j * wave.tilt[kept, :, None, None] * z)
                f, slope, bend = turn * f, 1j * turn * slope, turn * bend
                ps, qs = p[kept, :, None], q[kept, :, None]
                by_p = f[..., None] * ps + slope[..., None] * qs  # (S, K, i, j, b)
                by_q = slope[..., None] * ps - bend[..., None] * qs
                left = np.concatenate([p[kept], q[kept]]).conj().transpose(1, 2, 3, 0)
                right = np.concatenate([by_p, by_q]).transpose(1, 2, 3, 0, 4)
                found = np.ascontiguousarray(left)[:, :, None] @ np.ascontiguousarray(right)
                total[largest + m, some] = found.transpose(0, 1, 3, 2, 4)
        for m in range(1, largest + 1):
            total[largest - m] = total[largest + m].transpose(0, 3, 4, 1, 2).conj()
        return np.asarray(self.strength * total, dtype=complex)

    def _smeared_green(self, decay: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """F, F' and F'' of Eq. (1), each (..., N, N), at z (N, N) and κ (...); F = F' = 0 where p = 0."""
        kappa, s = decay[..., None, None], self.width
        moving = kappa > _ZERO
        kappa = np.where(moving, kappa, 1.0)
        gauss = np.exp(-((kappa * s) ** 2) - (z / (2.0 * s)) ** 2)
        halves = []
        for sign in (1.0, -1.0):
            x = kappa * s + sign * z / (2.0 * s)
            plain = np.exp(np.minimum(sign * kappa * z, 0.0)) * erfc(np.minimum(x, 0.0))
            halves.append(np.where(x > 0.0, gauss * erfcx(np.maximum(x, 0.0)), plain))
        value = (halves[0] + halves[1]) / (4.0 * kappa * self.normal)
        slope = (halves[0] - halves[1]) / (4.0 * self.normal)
        local = 1.0 / (2.0 * s * np.sqrt(np.pi) * self.normal)
        bend = kappa**2 * value - local * gauss
        still = -local * np.exp(-((z / (2.0 * s)) ** 2))
        return np.where(moving, value, 0.0), np.where(moving, slope, 0.0), np.where(moving, bend, still)

    def _least_decay(self, shells: Integers) -> Floats:
        """Bound κ of p = k∥ + G∥ from below for all k∥ of the first zone, (S,) Å⁻¹, ascending."""
        vectors = shells @ self.reciprocal
        own = np.sqrt(np.einsum("gi,ij,gj->g", vectors, self._metric, vectors))
        zone = self._zone * np.sqrt(np.linalg.eigvalsh(self._metric)[1])
        return np.asarray(np.maximum.accumulate(np.maximum(own - zone, 0.0)))

    @cached_property
    def _at_rest(self) -> dict[int, Floats]:
        """What was computed by :meth:`rows_at_rest`."""
        return {}

    def rows_at_rest(self, largest: int) -> Floats:
        """Sum (1) at k∥ = 0 over the ions of each layer, (2 largest + 1, N, 3, 3) eV Å⁻²."""
        if largest not in self._at_rest:
            self._at_rest[largest] = self.smeared(np.zeros((1, 2)), largest)[:, 0].real.sum(axis=3)
        return self._at_rest[largest]

    def mediated(self, wave: Wave, rows: Sites, columns: Sites, planes: Planes) -> Complexes:
        """Evaluate what potentials on planes in an infinite medium carry.

        Between sites, (K, n, 3, m, 3) eV Å⁻². Without the phases of G∥; zero where p = 0.
        """
        zi, zj = rows.heights(self.dipoles), columns.heights(self.dipoles)
        (i, own, left), (j, other, right) = planes.entries(zi), planes.entries(zj)
        pair = own[:, None] == other
        bottom, top = planes.heights[own][:, None], planes.heights[own + 1][:, None]
        xi, xj = zi[i][:, None], zj[j][None, :]
        upward = np.where(pair, xj > xi, other[None, :] > own[:, None])
        sign = np.where(upward, 1.0, -1.0)
        lower, upper = np.where(upward, xi, xj), np.where(upward, xj, xi)
        kappa = np.where(wave.coupled > 0.0, wave.decay, 1.0)[:, None, None]
        free = np.exp(-kappa * (upper - lower))
        thick = np.where(pair, top - bottom, 1.0)
        a, b = np.where(pair, lower - bottom, 0.0), np.where(pair, top - upper, 0.0)
        scale = np.exp(-kappa * (thick - a - b)) / (-2.0 * np.expm1(-2.0 * kappa * thick))
        sinh_a, sinh_b = -np.expm1(-2.0 * kappa * a), -np.expm1(-2.0 * kappa * b)
        cosh_a, cosh_b = 2.0 - sinh_a, 2.0 - sinh_b
        weight = (left[:, None] * right) * (wave.coupled[:, None, None] / self.normal)
        inner = np.where(pair, scale, 0.0)
        # derivative with respect to the upper and to the lower of both heights
        by_upper = -0.5 * free + inner * sinh_a * cosh_b
        by_lower = 0.5 * free - inner * cosh_a * sinh_b
        kernels = (
            weight * (0.5 * free - inner * sinh_a * sinh_b) / kappa,
            weight * np.where(sign > 0.0, by_upper, by_lower),
            weight * np.where(sign > 0.0, by_lower, by_upper),
            weight * kappa * (-0.5 * free + inner * cosh_a * cosh_b),
        )
        plain, by_j, by_i, both = (self._gathered(x, i, j, len(zi), len(zj)) for x in kernels)
        p, q = wave.along[:, rows.member], self.across[rows.member]
        v, w = wave.along[:, columns.member], self.across[columns.member]
        found = (
            np.einsum("kij,kia,kjb->kiajb", plain, p, v)
            + 1j * np.einsum("kij,kia,jb->kiajb", by_j, p, w)
            - 1j * np.einsum("kij,ia,kjb->kiajb", by_i, q, v)
            + np.einsum("kij,ia,jb->kiajb", both, q, w)
        )
        turn = np.exp(1j * wave.tilt[:, None, None] * (zj - zi[:, None]))
        return np.asarray(self.strength * turn[:, :, None, :, None] * found)

    @staticmethod
    def _gathered(kernel: Floats, i: Integers, j: Integers, rows: int, columns: int) -> Floats:
        """Add up what sites on a plane have on either side of it."""
        if len(i) == rows and len(j) == columns:
            return kernel
        found = np.zeros((len(kernel), rows, columns))
        np.add.at(np.moveaxis(found, 0, 2), (i[:, None], j), np.moveaxis(kernel, 0, 2))
        return found

    def sources(self, wave: Wave, sites: Sites, planes: Planes) -> Complexes:
        """Couple potentials and displacements by Eq. (3): (K, a, n, 3), eV Å⁻² for φ in its units.

        Without the phases of G∥; zero where p = 0.
        """
        z = sites.heights(self.dipoles)
        number, element, weight = planes.entries(z)
        kappa = np.where(wave.coupled > 0.0, wave.decay, 1.0)[:, None]
        bottom, top = planes.heights[element], planes.heights[element + 1]
        whole = -np.expm1(-2.0 * kappa * (top - bottom))
        found = np.zeros((len(wave.decay), len(planes.heights), len(z), 3), dtype=complex)
        for node, away, sign in ((element, z[number] - bottom, -1.0), (element + 1, top - z[number], 1.0)):
            rest = np.expm1(-2.0 * kappa * (top - bottom - away))
            fade = np.exp(-kappa * away) / whole
            shape, slope = -fade * rest, sign * kappa * fade * (2.0 + rest)
            value = (
                shape[..., None] * wave.along[:, sites.member[number]]
                + 1j * slope[..., None] * self.across[sites.member[number]]
            )
            turn = np.exp(1j * wave.tilt[:, None] * (z[number] - planes.heights[node]))
            # sites on a plane come twice, and both halves may meet at one of its neighbours only
            np.add.at(
                np.moveaxis(found, 0, 2),
                (node, number),
                np.moveaxis((weight * turn)[..., None] * value, 0, 1),
            )
        return np.asarray(np.sqrt(self.strength) * wave.coupled[:, None, None, None] * found)

    def element(self, wave: Wave, thickness: float) -> tuple[Complexes, Complexes]:
        """Share of an element in the potentials' own block, Eq. (3): on either plane, and between them, (K,).

        A potential that is coupled to nothing decays over the element.
        """
        kappa = np.where(wave.coupled > 0.0, wave.decay, 1.0 / thickness)
        whole = -np.expm1(-2.0 * kappa * thickness)
        onsite: Complexes = np.asarray(-self.normal * kappa * (2.0 - whole) / whole, dtype=complex)
        hopping = 2.0 * self.normal * kappa * np.exp(-kappa * thickness) / whole
        turn = np.exp(1j * np.where(wave.coupled > 0.0, wave.tilt, 0.0) * thickness)
        return onsite, np.asarray(hopping * turn, dtype=complex)

    def half_space(self, wave: Wave, thickness: float) -> Floats:
        """Share of all that lies beyond an outermost plane, −ε_zz κ, (K,)."""
        return np.asarray(-self.normal * np.where(wave.coupled > 0.0, wave.decay, 1.0 / thickness))
