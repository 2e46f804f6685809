"""Scattering rates 1/τ of a crystal's phonons by frequency and temperature.

Below the table's first frequency rates go as ω², their long-wavelength limit. Above the crystal's own band,
where the contact may still be driven by the other crystal, no calculation of the bulk gives a rate: ``above``
is a choice (``cap``: the last value; ``continue``: ω² from there on; ``zero``).

In classical statistics, and to lowest order, rates are proportional to T, and a lattice of the same force
constants with r times the masses has τ_r⁻¹(ω) = r^{−1/2} τ⁻¹(√r ω) and the conductivity κ/√r: its equations
of motion are the same in the time t/√r, and energies k_B T do not change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from latmm.arrays import Floats
from latmm.defaults import ABOVE_BAND
from latmm.errors import InputError
from latmm.landauer import heat_capacity_weight
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.units import BOLTZMANN, THZ_PER_KELVIN, TWO_PI

__all__ = ["Above", "Rates", "check_crystal", "fitted", "tables"]

Above: TypeAlias = Literal["cap", "continue", "zero"]
_SAME_CRYSTAL = 0.03
"""Relative difference of the mean square frequency beyond which rates belong to another crystal."""
_CLASSICAL = 1.0
"""hν/(k_B T) of the highest phonon up to which rates are proportional to T to a few per cent."""
_MESHES = 12, 24


@dataclass(frozen=True)
class Rates:
    """Table of rates.

    Attributes
    ----------
    frequency : (K,) float
        THz, ascending.
    temperature : (N,) float
        K, ascending.
    rate : (N, K) float
        1/τ, ps⁻¹.
    top : float
        Highest frequency of the crystal, THz.
    source : str
        Where they are from.
    proportional : bool
        Proportional to T: from the last temperature on to any other.
    conductivity : (N, 3, 3) float, optional
        κ that the source gives with these rates, W m⁻¹ K⁻¹, in the source's axes.
    square : float, optional
        Mean ν² of the source's phonons, THz².
    damping : (N, K) float, optional
        Mean of 1/τ over all phonons of a frequency, ps⁻¹, for atoms that are damped; ``rate`` by default.
    cut : float
        Frequency below which ``rate`` is the law ω² in place of the source's own rates, THz.
    above_cut : (N,) float, optional
        Part of the source's κ that phonons above ``cut`` carry.
    elastic : (2,) tuple of (E,) float, optional
        Frequencies, THz, and rates, ps⁻¹, of elastic scattering, at any temperature, as ω⁴ below the first:
        it shortens mean free paths, but damps no atoms.
    """

    frequency: Floats
    temperature: Floats
    rate: Floats
    top: float
    source: str
    proportional: bool = False
    conductivity: Floats | None = None
    square: float | None = None
    damping: Floats | None = None
    cut: float = 0.0
    above_cut: Floats | None = None
    elastic: tuple[Floats, Floats] | None = None

    def __post_init__(self) -> None:
        nu, t = self.frequency, self.temperature
        if nu.ndim != 1 or t.ndim != 1 or self.rate.shape != (t.size, nu.size) or not self.rate.size:
            raise InputError(
                f"rates of {self.source} must be (temperatures, frequencies) = ({t.size}, {nu.size}), but "
                f"are {self.rate.shape}"
            )
        if not (nu[0] > 0.0 and np.all(np.diff(nu) > 0.0) and t[0] > 0.0 and np.all(np.diff(t) > 0.0)):
            raise InputError(f"frequencies and temperatures of the rates of {self.source} must ascend from 0")
        if self.damping is not None and self.damping.shape != self.rate.shape:
            raise InputError(f"damping of {self.source} must be {self.rate.shape}, as its rates are")
        every = self.rate if self.damping is None else np.stack([self.rate, self.damping])
        if not np.all(np.isfinite(every) & (every > 0.0)):
            raise InputError(
                f"rates of {self.source} must be positive, but the least is {np.min(every):g} ps⁻¹; "
                "a phonon that nothing scatters has no mean free path"
            )

    @classmethod
    def model(cls, strength: float, top: float) -> "Rates":
        """1/τ = A ω² T.

        Parameters
        ----------
        strength : float
            A, ps K⁻¹, with ω in rad/ps.
        top : float
            Highest frequency of the crystal, THz.

        Raises
        ------
        InputError
            If A is not positive.
        """
        if not (np.isfinite(strength) and strength > 0.0):
            raise InputError(
                f"A of 1/τ = A ω² T must be a positive number of ps/K, but is {strength}; silicon has 1.3e-7"
            )
        rate = np.array([[strength * (TWO_PI * top) ** 2]])
        return cls(
            np.array([top]), np.array([1.0]), rate, top, f"1/tau = A w^2 T, A = {strength:.4g} ps/K", True
        )

    def at(
        self, frequency: Floats, temperature: Floats, above: Above = "cap", *, local: bool = False
    ) -> Floats:
        """Rates (N, F) at frequencies (F,), THz, and temperatures (N,), K, in ps⁻¹.

        Parameters
        ----------
        frequency, temperature : (F,) float, (N,) float
            THz and K.
        above : {"cap", "continue", "zero"}
            Rate above the crystal's band.
        local : bool
            ``damping`` in place of ``rate``.

        Raises
        ------
        InputError
            If a temperature is beyond the table.
        """
        if above not in ABOVE_BAND:
            raise InputError(f"`above` must be one of {', '.join(ABOVE_BAND)}, but is {above!r}")
        own = self.temperature
        t = np.asarray(temperature, dtype=float)
        rate = self.damping if local and self.damping is not None else self.rate
        if self.proportional:
            table = rate[-1] * (t / own[-1])[:, None]
        else:
            lacking = t[(t < own[0] * (1.0 - 1e-6)) | (t > own[-1] * (1.0 + 1e-6))]
            if lacking.size:
                raise InputError(
                    f"{self.source} holds rates from {own[0]:g} to {own[-1]:g} K, but {lacking[0]:g} K is "
                    "wanted; compute them at this temperature, or scale them classically"
                )
            table = np.exp(np.array([np.interp(np.log(t), np.log(own), row) for row in np.log(rate).T]).T)
        nu, first, last = np.asarray(frequency, dtype=float), self.frequency[0], self.frequency[-1]
        found = np.exp(
            np.array([np.interp(np.log(nu), np.log(self.frequency), row) for row in np.log(table)])
        )
        found = np.where(nu < first, found * (nu / first) ** 2, found)
        if above == "continue":
            found = np.where(nu > last, found * (nu / last) ** 2, found)
        elif above == "zero":
            found = np.where(nu > self.top * (1.0 + 1e-9), 0.0, found)
        if self.elastic is not None and not local:
            at, value = self.elastic
            found = found + np.interp(nu, at, value) * np.minimum(nu / at[0], 1.0) ** 4
        return np.asarray(found)

    def classical(self) -> "Rates":
        """Return rates proportional to T, from the highest temperature of the table.

        Raises
        ------
        InputError
            If that temperature is not classical.
        """
        x = self.top / (THZ_PER_KELVIN * self.temperature[-1])
        if not self.proportional and x > _CLASSICAL:
            raise InputError(
                f"classical rates need a temperature of at least {x / _CLASSICAL * self.temperature[-1]:.0f} "
                f"K in {self.source}, which ends at {self.temperature[-1]:g} K; compute them there"
            )
        return replace(self, proportional=True)

    def heavier(self, ratio: float) -> "Rates":
        """Scale classically to ``ratio`` times the masses, force constants as they are."""
        root = float(np.sqrt(ratio))
        return replace(
            self,
            frequency=self.frequency / root,
            rate=self.rate / root,
            top=self.top / root,
            source=f"{self.source}, masses times {ratio:.4g}",
            conductivity=None if self.conductivity is None else self.conductivity / root,
            square=None if self.square is None else self.square / ratio,
            damping=None if self.damping is None else self.damping / root,
            cut=self.cut / root,
            elastic=None,
        )


def fitted(crystal: ForceConstants, temperature: float, conductivity: float, *, classical: bool) -> Rates:
    """Model 1/τ = A ω² T with A from the crystal's conductivity along z.

    Parameters
    ----------
    crystal : ForceConstants
        Oriented, +z along the normal.
    temperature, conductivity : float
        T, K, and κ there, W m⁻¹ K⁻¹.
    classical : bool
        Heat capacity k_B of every phonon, in place of the quantum one.

    Raises
    ------
    InputError
        If they are not positive.
    """
    if not (
        np.isfinite(conductivity) and conductivity > 0.0 and np.isfinite(temperature) and temperature > 0
    ):
        raise InputError(
            f"the conductivity to be met must be positive, but is {conductivity} W/m/K at {temperature} K"
        )
    tops, found = [], []
    for points in _MESHES:
        nu, square, volume = _phonons(crystal, points)
        c = np.full(nu.shape, BOLTZMANN) if classical else heat_capacity_weight(nu, temperature)
        # J/K (km/s)² ps / Å³ = 1e6 × 1e-12 × 1e30 W/m/K
        found.append(float(np.sum(c * square / (TWO_PI * nu) ** 2) / temperature / volume * 1e24))
        tops.append(float(nu.max()))
    # long waves that a mesh misses: ∫dq from 0 to the first point, which halves with the mesh
    value = found[1] + (found[1] - found[0]) / (_MESHES[1] / _MESHES[0] - 1.0)
    made = Rates.model(value / conductivity, max(tops))
    return replace(made, source=f"{made.source}, from {conductivity:g} W/m/K at {temperature:g} K")


def _phonons(crystal: ForceConstants, points: int) -> tuple[Floats, Floats, float]:
    """ν (Q, B), THz, v_z² over the number of wave vectors, (km/s)², and the volume of the cell, Å³."""
    found = phonons(crystal, q_mesh((points, points, points), shift=(0.5, 0.5, 0.5)))
    return found.frequency, found.group_velocity[..., 2] ** 2 / len(found.qpoints), found.volume


def check_crystal(crystal: ForceConstants, rates: Rates, name: str) -> None:
    """Refuse rates of another crystal: the mean of ν² is a property of its force constants and masses.

    Raises
    ------
    InputError
        If it differs.
    """
    if rates.square is None:
        return
    own = float(np.mean(phonons(crystal, q_mesh((6, 6, 6))).frequency ** 2))
    apart = abs(rates.square / own - 1.0)
    if not apart < _SAME_CRYSTAL:
        raise InputError(
            f"the phonons of {rates.source} are not those of {name}: their mean square frequencies are "
            f"{rates.square:.4g} and {own:.4g} THz²; give rates of this crystal, its force constants and "
            "masses"
        )


def tables(
    rates: Sequence[Rates],
    frequency: Floats,
    temperature: Floats,
    above: Above = "cap",
    *,
    local: bool = False,
) -> Floats:
    """Rates of both sides, (2, N, F), ps⁻¹; ``local`` as in :meth:`Rates.at`."""
    return np.stack([each.at(frequency, temperature, above, local=local) for each in rates])
