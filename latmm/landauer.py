"""The common currency of all models: spectra of phonon channels, and one Landauer integral for all of them.

Every model answers with the transmission Ξ(ν), the number of phonon channels per unit area that cross the
interface, beside the channels M(ν) that each perfect crystal offers. Between two reservoirs

    G(T) = ∫0^∞ hν (∂n/∂T) Ξ(ν) dν,      hν ∂n/∂T = k_B x² eˣ/(eˣ − 1)²,   x = hν/(k_B T),

This two-probe conductance G counts the temperatures of the phonons that leave the reservoirs. A perfect
crystal has one too, so that 1/G is no resistance of the interface alone. Of several definitions that remove
the ballistic resistance of the crystals, latmm takes

    1/G₄ = 1/G − ½ (1/G_M,left + 1/G_M,right),

zero resistance for like crystals: on either side the temperature is that of an equilibrium with the energy
of the phonons there, those that arrive and those that leave together.

Sources: the two-probe formula, R. Landauer, Z. Phys. B 68, 217 (1987) [from memory]. That the resistance of
like solids vanishes only if temperatures are those of the state that carries the heat, A. Maassen van den
Brink and H. Dekker, Physica A 226, 64 (1996) [abstract read], who trace the paradox to W. A. Little, Can. J.
Phys. 37, 334 (1959). The formula for G₄, Z. Tian, K. Esfarjani and G. Chen, Phys. Rev. B 86, 235304 (2012)
[from memory]. Other definitions weight the phonons on each side by energy density in place of energy flux
(M. Büttiker, Y. Imry, R. Landauer and S. Pinhas, Phys. Rev. B 31, 6207 (1985), for electrons; S. Simons, J.
Phys. C 7, 4048 (1974)), or take the distribution on each side from the conductivity of the crystals (E. S.
Landry and A. J. H. McGaughey, Phys. Rev. B 80, 165304 (2009); S. Merabia and K. Termentzidis, Phys. Rev. B
86, 094303 (2012) [abstract read: typically a factor of 5 between the two]) [others from memory]. All agree
that like crystals have no resistance, and differ otherwise.

Symbols: ν → ``frequency`` (THz), Ξ → ``transmission`` (nm⁻²), M → ``channels`` (nm⁻²), G → ``conductance``
(W m⁻² K⁻¹), T → ``temperature`` (K).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.units import BOLTZMANN, THZ_PER_KELVIN

__all__ = [
    "NO_RESISTANCE",
    "FrequencyGrid",
    "conductance",
    "four_probe",
    "four_probe_error",
    "heat_capacity_weight",
    "conductances_and_resistances",
    "kapitza_resistances",
    "phonon_energy",
    "spectrum",
    "temperatures",
]

NO_RESISTANCE: Final = 1e-8
"""Resistance of an interface, relative to the two-probe one, that is zero within what the transmissions are
good for: the Green's function's checks (unitarity, reciprocity) allow 1e-8, like crystals leave up to 1e-9 of
either sign. Long waves between masses that differ by 0.04 % meet as much."""


MINIMUM_TEMPERATURE, MAXIMUM_TEMPERATURE = 1e-12, 1e9
"""Temperatures, K, between which T³ and 1/T keep their digits."""


@dataclass(frozen=True)
class FrequencyGrid:
    """Nodes and weights of the quadrature over frequency.

    Attributes
    ----------
    frequency : (F,) float
        Nodes, THz, ascending and positive.
    weight : (F,) float
        Quadrature weights, THz: ∫ f dν ≈ Σ weight · f(frequency).
    start : float
        Lower end of the integral, THz.
    """

    frequency: Floats
    weight: Floats
    start: float = 0.0

    def __post_init__(self) -> None:
        nu, w = self.frequency, self.weight
        if nu.ndim != 1 or nu.shape != w.shape or nu.size == 0:
            raise InputError(
                f"a frequency grid needs as many weights as nodes, but has {w.shape} and {nu.shape}"
            )
        if not (nu[0] > 0 and np.all(np.diff(nu) > 0) and np.all(w > 0)):
            raise InputError("a frequency grid needs positive ascending nodes and positive weights, in THz")
        if not 0.0 <= self.start < nu[0]:
            raise InputError(f"a frequency grid must start from 0 to its first node, but is {self.start} THz")


def temperatures(temperature: ArrayLike) -> Floats:
    """Check temperatures and return them as a 1-D array, in K.

    Parameters
    ----------
    temperature : float or (N,) array_like
        T, K.

    Returns
    -------
    (N,) ndarray
        T, K.

    Raises
    ------
    InputError
        If a temperature is not a number between :data:`MINIMUM_TEMPERATURE` and :data:`MAXIMUM_TEMPERATURE`.
    """
    t = np.atleast_1d(np.asarray(temperature, dtype=float))
    if t.ndim != 1 or t.size == 0 or not np.all(np.isfinite(t) & (t > 0)):
        raise InputError(f"temperatures must be positive numbers in K, but are {temperature!r}")
    if not np.all((t >= MINIMUM_TEMPERATURE) & (t <= MAXIMUM_TEMPERATURE)):
        raise InputError(
            f"temperatures must lie between {MINIMUM_TEMPERATURE:g} and {MAXIMUM_TEMPERATURE:g} K, but range "
            f"from {t.min():g} to "
            f"{t.max():g} K: conductances beyond lose their digits"
        )
    return t


def heat_capacity_weight(frequency: ArrayLike, temperature: ArrayLike) -> Floats:
    """Heat capacity of one phonon mode, hν ∂n/∂T, in J/K.

    Stable for hν ≫ k_B T (no overflow) and hν ≪ k_B T (no loss of digits).

    Parameters
    ----------
    frequency : array_like
        ν, THz; broadcast against ``temperature``.
    temperature : array_like
        T, K.

    Returns
    -------
    ndarray
        k_B [(x/2)/sinh(x/2)]², x = hν/(k_B T).
    """
    half = np.asarray(frequency, dtype=float) / (2.0 * THZ_PER_KELVIN * np.asarray(temperature, dtype=float))
    exponential = np.exp(-2.0 * half)
    # (y/sinh y)² = 4 y² e^{-2y}/(1 - e^{-2y})², written with expm1 so that y → 0 keeps its digits
    ratio = np.divide(2.0 * half, -np.expm1(-2.0 * half), out=np.ones_like(half), where=half > 0)
    return BOLTZMANN * ratio**2 * exponential


def phonon_energy(frequency: ArrayLike, temperature: ArrayLike) -> Floats:
    """Mean energy of one phonon mode above its zero point, hν n with Bose and Einstein's n.

    Parameters
    ----------
    frequency : array_like
        ν, THz.
    temperature : array_like
        T, K; broadcast with the frequencies.

    Returns
    -------
    ndarray
        hν/(exp(hν/k_B T) − 1), J.
    """
    x = np.asarray(frequency, dtype=float) / (THZ_PER_KELVIN * np.asarray(temperature, dtype=float))
    share = np.divide(x * np.exp(-x), -np.expm1(-x), out=np.ones_like(x), where=x > 0)
    return np.asarray(BOLTZMANN * np.asarray(temperature, dtype=float) * share)


def conductance(grid: FrequencyGrid, transmission: ArrayLike, temperature: ArrayLike) -> Floats:
    """Landauer's two-probe conductance.

    Parameters
    ----------
    grid : FrequencyGrid
        Quadrature nodes and weights, THz.
    transmission : (..., F) array_like
        Ξ at the nodes, nm⁻².
    temperature : (N,) array_like
        T, K.

    Returns
    -------
    (..., N) ndarray
        G, W m⁻² K⁻¹.
    """
    t = temperatures(temperature)
    weight = heat_capacity_weight(grid.frequency[:, None], t) * grid.weight[:, None]  # J/K THz, (F, N)
    # one spectrum after the other: the last bits of a product of matrices depend on the number of its rows
    integral = (np.asarray(transmission, dtype=float)[..., None, :] @ weight)[..., 0, :]
    return np.asarray(integral * 1e30)  # THz nm⁻² = 1e30 s⁻¹ m⁻²


def four_probe(two_probe: ArrayLike, left: ArrayLike, right: ArrayLike) -> Floats:
    """Conductance of the interface alone: the ballistic contact resistance of both crystals removed.

    Parameters
    ----------
    two_probe, left, right : array_like
        Landauer's conductance of the interface and of the channels of the left and right crystal,
        W m⁻² K⁻¹, broadcast against each other.

    Returns
    -------
    ndarray
        G₄, W m⁻² K⁻¹; infinite where an interface transmits as much as its crystals carry on average, to
        :data:`NO_RESISTANCE`.
    """
    g, gl, gr = (np.asarray(x, dtype=float) for x in (two_probe, left, right))
    resistance = 1.0 / g - 0.5 * (1.0 / gl + 1.0 / gr)
    resistance = np.where(np.abs(resistance) * g < NO_RESISTANCE, 0.0, resistance)
    return np.asarray(np.divide(1.0, resistance, out=np.full_like(resistance, np.inf), where=resistance != 0))


def four_probe_error(four: ArrayLike, conductances: ArrayLike, errors: ArrayLike) -> Floats:
    """Uncertainty of the four-probe conductance: those of its three resistances added up.

    Parameters
    ----------
    four : (N,) array_like
        Four-probe conductance, W m⁻² K⁻¹.
    conductances, errors : (3, N) array_like
        Of the interface, the left and the right crystal, W m⁻² K⁻¹.

    Returns
    -------
    (N,) ndarray
        W m⁻² K⁻¹; infinite where the conductance is.
    """
    g4, g = np.asarray(four, dtype=float), np.asarray(conductances, dtype=float)
    share = np.array([1.0, 0.5, 0.5]) @ (np.asarray(errors, dtype=float) / g**2)
    return np.asarray(np.where(np.isfinite(g4), g4, 1.0) ** 2 * np.where(np.isfinite(g4), share, np.inf))


def conductances_and_resistances(
    dims: tuple[str, ...], two_probe: Floats, four_probe: Floats
) -> dict[str, tuple[tuple[str, ...], Floats, dict[str, str]]]:
    """Variables of a result: conductance and Kapitza resistance by both definitions.

    Parameters
    ----------
    dims : tuple of str
        Dimensions of the arrays.
    two_probe, four_probe : (...) ndarray
        Conductances over these dimensions, W m⁻² K⁻¹; an infinite one has resistance zero.

    Returns
    -------
    dict
        Name → dimensions, values (W m⁻² K⁻¹ and m² K W⁻¹) and attributes of a Dataset.
    """
    name = "thermal boundary conductance"
    return {
        "conductance": (dims, two_probe, {"units": "W m-2 K-1", "long_name": name}),
        "conductance_four_probe": (
            dims,
            four_probe,
            {"units": "W m-2 K-1", "long_name": f"{name} without the ballistic contact resistance"},
        ),
        **kapitza_resistances(dims, two_probe, four_probe),
    }


def kapitza_resistances(
    dims: tuple[str, ...], two_probe: Floats, four_probe: Floats
) -> dict[str, tuple[tuple[str, ...], Floats, dict[str, str]]]:
    """Variables of a result: the Kapitza resistance by both definitions, m² K W⁻¹.

    Parameters
    ----------
    dims : tuple of str
        Dimensions of the arrays.
    two_probe, four_probe : (...) ndarray
        Conductances over these dimensions, W m⁻² K⁻¹; an infinite one has resistance zero.

    Returns
    -------
    dict
        Name → dimensions, values (W m⁻² K⁻¹ and m² K W⁻¹) and attributes of a Dataset.
    """
    return {
        "kapitza_resistance_two_probe": (
            dims,
            1.0 / two_probe,
            {
                "units": "m2 K W-1",
                "long_name": "Kapitza resistance between two reservoirs; finite for a perfect crystal",
            },
        ),
        "kapitza_resistance_four_probe": (
            dims,
            1.0 / four_probe,
            {
                "units": "m2 K W-1",
                "long_name": "Kapitza resistance of the interface alone; zero for a perfect crystal",
            },
        ),
    }


def spectrum(
    grid: FrequencyGrid,
    transmission: ArrayLike,
    channels_left: ArrayLike,
    channels_right: ArrayLike,
    *,
    model: str,
    description: str,
) -> xr.Dataset:
    """Label a model's answer: the table that every model returns.

    Parameters
    ----------
    grid : FrequencyGrid
        Quadrature nodes and weights, THz.
    transmission, channels_left, channels_right : (F,) array_like
        Ξ, M_left, M_right at the nodes, nm⁻².
    model : str
        Plain name of the model, e.g. ``"amm"``.
    description : str
        One sentence: which model, with which ingredients.

    Returns
    -------
    xarray.Dataset
        Coordinates ``frequency`` (THz) and ``frequency_weight`` (THz); variables ``transmission``,
        ``channels_left``, ``channels_right`` (nm⁻²).
    """

    def variable(values: ArrayLike, long_name: str) -> xr.Variable:
        return xr.Variable(
            "frequency", np.asarray(values, dtype=float), {"units": "nm-2", "long_name": long_name}
        )

    return xr.Dataset(
        {
            "transmission": variable(transmission, "transmission: phonon channels per area that cross"),
            "channels_left": variable(channels_left, "phonon channels per area of the left crystal"),
            "channels_right": variable(channels_right, "phonon channels per area of the right crystal"),
        },
        coords={
            "frequency": ("frequency", grid.frequency, {"units": "THz", "long_name": "phonon frequency"}),
            "frequency_weight": (
                "frequency",
                grid.weight,
                {"units": "THz", "long_name": "quadrature weight of the frequency"},
            ),
        },
        attrs={"model": model, "description": description},
    )
