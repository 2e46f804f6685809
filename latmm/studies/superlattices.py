"""Films and superlattices: conductance of N periods, coherent beside the sum of their contacts in series.

Coherent: the transmission of the whole stack, with all waves that run to and fro between its contacts
(:mod:`latmm.agf.periods`). In series: each contact for itself, as if phonons forgot everything in between,

    1/G_series(N) = ½ (1/G_M,first + 1/G_M,last) + c(N) [1/G₁ − ½ (1/G_M,left + 1/G_M,right)],

with the contact's two-probe conductance G₁, the ballistic conductances G_M of the crystals, of which first
and last are the stack's ends, and c contacts, 2N or 2N + 1: the bracket is the contact's four-probe
resistance. As N grows the coherent stack carries what the minibands of the endless superlattice let pass, and
no more than

    Ξ_limit(ν) = Σ_k∥ w min[M_first(k∥, ν), M_superlattice(k∥, ν), M_last(k∥, ν)]/A.

A thin film may exceed it, because evanescent waves tunnel through it. Phonons are scattered nowhere but at
the contacts.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm import __version__
from latmm.agf import Junction, Totals, transmission
from latmm.agf.periods import channels_of_periods, transmission_of_periods
from latmm.arrays import Floats, Integers
from latmm.checks import Checks, by_name, check, dumps, worst
from latmm.disorder.stacks import Period, stack
from latmm.errors import InputError
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid, conductance, temperatures
from latmm.lattice.dynamics import largest_frequency
from latmm.limits import limits_of
from latmm.parallel.execution import HERE, Execution
from latmm.results import as_json
from latmm.studies.collecting import axes, opened
from latmm.sweep.refinement import Sampling
from latmm.sweep.run import SpectralTransmission, sweep
from latmm.threads import single_threaded
from latmm.units import TWO_PI

__all__ = ["FREQUENCIES", "KMESH", "Repeated", "superlattice_study"]

KMESH = (12, 12)
"""Default k∥ mesh."""
FREQUENCIES = 96
"""Default number of frequencies in the band that the ends share."""
_THREE = 3
"""Periods of the stack that all numbers from two on are made of: first, any inner one, last."""
_PHASES = 33
"""Phases of the minibands, from 0 to π."""
_NORMAL = 200
"""Frequencies of the transmission at normal incidence."""
_MOST = 10**6
_NM = 0.1


@dataclass(frozen=True)
class Repeated:
    """Stacks of any number of periods: the measure that a sweep counts on the stack of three.

    Attributes
    ----------
    one, three : Interface
        Stacks of one period, whose only neighbours are the ends, and of three.
    numbers : tuple of int
        Periods of the stacks that are wanted.
    """

    one: Interface
    three: Interface
    numbers: tuple[int, ...]

    @property
    def quantities(self) -> int:
        """T of three periods, channels of both ends; T of each number; the smallest number of channels."""
        return 3 + len(self.numbers) + 1

    @property
    def period(self) -> tuple[int, int]:
        """Device layers of the inner period of three."""
        each = (len(self.three.cut) - 2) // _THREE
        return 1 + each, 1 + 2 * each

    def bytes_per_sample(self, interface: Interface) -> int:
        """Scattering matrices of two nodes, complex, about sixty at a time."""
        size = max(3 * len(atoms) for atoms in (*interface.cut, *interface.surfaces))
        return 16 * 60 * (2 * size) ** 2

    def count(
        self, interface: Interface, lattice: Junction, wave_vectors: Floats, omega: Floats
    ) -> tuple[Floats, Totals]:
        """As of :class:`latmm.sweep.measures.Measure`; "caroli" is the scattering matrix of three periods."""
        found = transmission(lattice, omega)
        stacks, miniband, again = self.stacks(lattice, omega)
        if 1 in self.numbers:
            # k∥ repeat from sample to sample
            distinct, place = np.unique(wave_vectors, axis=0, return_inverse=True)
            alone = _sampled(self.one.junction(distinct), place.reshape(-1))
            stacks[self.numbers.index(1)] = transmission(alone, omega).transmission
        limit = np.minimum(np.minimum(found.channels_left, found.channels_right), miniband)
        counts = [found.transmission, found.channels_left, found.channels_right, *stacks, limit]
        return np.stack(counts), replace(found, caroli=again)

    def stacks(self, lattice: Junction, omega: Floats) -> tuple[Floats, Floats, Floats]:
        """T of all numbers but one, channels of the minibands, and T of three periods."""
        between = lattice.hopping[self.period[1]]
        inner = [number - 2 for number in self.numbers if number > 1]
        found = transmission_of_periods(lattice, between, [*inner, 1], omega, period=self.period)
        stacks = np.zeros((len(self.numbers), *found.shape[1:]))
        stacks[[i for i, number in enumerate(self.numbers) if number > 1]] = found[:-1]
        return stacks, channels_of_periods(lattice, between, omega, period=self.period), found[-1]

    @cached_property
    def normal_incidence(self) -> tuple[Floats, Floats, Floats, Floats]:
        """At k∥ = 0: phases, minibands (P, B) in THz, frequencies, and T (N, F) of the stacks there."""
        gamma = np.zeros((1, 2))
        lattice = self.three.junction(gamma)
        phases = np.linspace(0.0, np.pi, _PHASES)
        bands = _minibands(lattice, self.period, phases)
        top = max(largest_frequency(crystal) for crystal in (self.three.left, self.three.right))
        frequency = (np.arange(_NORMAL) + 0.5) * top / _NORMAL
        stacks = self.stacks(lattice, TWO_PI * frequency)[0][:, 0]
        if 1 in self.numbers:
            alone = transmission(self.one.junction(gamma), TWO_PI * frequency)
            stacks[self.numbers.index(1)] = alone.transmission[0]
        return phases, bands, frequency, stacks


def _sampled(lattice: Junction, place: Integers) -> Junction:
    """Junction of single samples from one of all k∥ (K, 1)."""
    return Junction(
        replace(lattice.left, onsite=lattice.left.onsite[place, 0], hopping=lattice.left.hopping[place, 0]),
        replace(
            lattice.right, onsite=lattice.right.onsite[place, 0], hopping=lattice.right.hopping[place, 0]
        ),
        tuple(block[place, 0] for block in lattice.onsite),
        tuple(block[place, 0] for block in lattice.hopping),
    )


def _minibands(lattice: Junction, period: tuple[int, int], phases: Floats) -> Floats:
    """Frequencies (P, B) of the endless superlattice at Bloch phases between periods, THz."""
    start, stop = period
    onsite = [block.reshape(block.shape[-2:]) for block in lattice.onsite[start:stop]]
    inner = [block.reshape(block.shape[-2:]) for block in lattice.hopping[start + 1 : stop + 1]]
    edges = np.cumsum([0, *(len(block) for block in onsite)])
    places = [slice(low, high) for low, high in pairwise(edges)]
    d = np.zeros((len(phases), edges[-1], edges[-1]), dtype=complex)
    for i, (here, block, hop) in enumerate(zip(places, onsite, inner, strict=True)):
        last = i == len(places) - 1
        there = places[0 if last else i + 1]
        turn = np.exp(1j * phases)[:, None, None] * hop if last else hop
        d[:, here, here] += block
        d[:, here, there] += turn
        d[:, there, here] += np.conj(np.swapaxes(turn, -1, -2))
    return np.sqrt(np.maximum(np.linalg.eigvalsh(d), 0.0)) / TWO_PI


@single_threaded
def superlattice_study(
    ideal: Interface,
    period: Period,
    numbers: list[int],
    temperature: ArrayLike,
    *,
    end: str = "left",
    kmesh: tuple[int, int] = KMESH,
    frequencies: int = FREQUENCIES,
    how: Execution = HERE,
) -> xr.DataTree:
    """Conductance of N periods between two crystals of one structure.

    Parameters
    ----------
    ideal : Interface
        The abrupt contact, in the primitive lateral cell.
    period : Period
        Atomic planes of the right and of the left crystal in a period.
    numbers : list of int
        Numbers N ≥ 1 of periods.
    temperature : array_like
        T, K.
    end : {"left", "right"}
        The crystal behind the last period.
    kmesh : (2,) int
        k∥ points along both axes of the in-plane reciprocal cell.
    frequencies : int
        Frequencies in the band that the ends share.
    how : Execution
        Who solves the samples, and where what is found is kept.

    Returns
    -------
    xarray.DataTree
        ``/`` provenance; ``/stacks`` conductance and transmission by number of periods, in series, and the
        limit of the minibands; ``/contact`` those of the single contact and of the crystals;
        ``/minibands`` at k∥ = 0, with the transmission there.

    Raises
    ------
    InputError
        If the period, the numbers or the crystals do not fit.
    """
    t = temperatures(temperature)
    counts = tuple(sorted({int(n) for n in numbers}))
    if not counts or any(int(n) != n or not 1 <= n <= _MOST for n in numbers):
        raise InputError(f"numbers of periods must be whole, from 1 to {_MOST}, but are {numbers[:10]}")
    single = stack(ideal, period, 0, end="right")
    three = stack(ideal, period, _THREE, end=end)
    measure = Repeated(stack(ideal, period, 1, end=end), three, counts)
    at = [Sampling.of(one, kmesh, frequencies, minimum_temperature=float(t.min())) for one in (single, three)]
    grid = at[1].grid
    own = {"period": period, "numbers": counts, "end": end}
    kept = opened(how.store, ideal, grid, kmesh=kmesh, potential=None, relax=False, own=own)

    def solved(interface: Interface, sampling: Sampling, **options: object) -> SpectralTransmission:
        return sweep(
            interface,
            sampling.grid,
            sampling.samples,
            common=sampling.common,
            how=replace(how, store=kept),
            **options,  # type: ignore[arg-type]
        )

    contact = solved(single, at[0])
    stacks = solved(three, at[1], measure=measure)
    spectra = np.array([contact.transmission, contact.channels_left, contact.channels_right])
    first, left, right = conductance(at[0].grid, spectra, t)
    ballistic = 0.5 / left + 0.5 / (left if end == "left" else right)
    contacts = 2 * np.array(counts) + (end == "right")
    alone = 1.0 / first - 0.5 * (1.0 / left + 1.0 / right)
    series = 1.0 / (ballistic + contacts[:, None] * alone)
    whole = period.right + period.left
    layers = period.layers(ideal)
    thickness = _NM * np.array(
        [
            period.right * layers / whole * ideal.matched.right.cell.array[2, 2],
            period.left * layers / whole * ideal.matched.left.cell.array[2, 2],
        ]
    )
    root = {
        "title": "Conductance of films and superlattices",
        "latmm_version": __version__,
        "area": ideal.area,
        "area_units": "angstrom2",
        "potential": single.potential,
        "limits": as_json(
            limits_of(
                ideal.left.atoms.get_chemical_symbols(),
                ideal.right.atoms.get_chemical_symbols(),
                ideal.potential,
            )
        ),
        "force_constants": "means of both crystals' in the stacks and at the single contact",
        "planes": [period.right, period.left],
        "end": end,
        "thickness": thickness.tolist(),
        "thickness_units": "nm",
        "kmesh": list(kmesh),
        "frequencies": frequencies,
        "checks": dumps(worst([ideal.checks, _checks(contact), _checks(stacks)])),
    }
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs=root),
            "/stacks": _stacks(grid, t, measure, stacks.further, series, contacts, thickness.sum()),
            "/contact": _contact(at[0].grid, t, spectra),
            "/minibands": _normal(measure),
        }
    )


def _checks(found: SpectralTransmission) -> Checks:
    return by_name(
        [check(name, getattr(found, name), 1e-8) for name in ("unitarity", "caroli", "reciprocity")]
    )


def _stacks(
    grid: FrequencyGrid,
    t: Floats,
    measure: Repeated,
    further: Floats,
    series: Floats,
    contacts: Integers,
    thickness: float,
) -> xr.Dataset:
    """Ξ and G by number of periods."""
    coherent, limit = conductance(grid, further[:-1], t), conductance(grid, further[-1], t)
    both = ("periods", "temperature")
    units = "W m-2 K-1"
    return xr.Dataset(
        {
            "transmission": (
                ("periods", "frequency"),
                further[:-1],
                {"units": "nm-2", "long_name": "transmission of the stack"},
            ),
            "conductance": (both, coherent, {"units": units, "long_name": "coherent conductance, two-probe"}),
            "series_conductance": (
                both,
                series,
                {"units": units, "long_name": "conductance of the contacts in series, two-probe"},
            ),
            "miniband_transmission": (
                "frequency",
                further[-1],
                {"units": "nm-2", "long_name": "least number of channels of ends and superlattice"},
            ),
            "miniband_conductance": (
                "temperature",
                limit,
                {"units": units, "long_name": "limit of the minibands: no reflection at the ends"},
            ),
            "contacts": ("periods", contacts, {"units": "1", "long_name": "contacts of the stack"}),
            "stack_thickness": (
                "periods",
                thickness * np.array(measure.numbers),
                {"units": "nm", "long_name": "thickness of the periods"},
            ),
        },
        coords={
            "periods": ("periods", list(measure.numbers), {"units": "1", "long_name": "number of periods"}),
            **axes(grid, t),
        },
    )


def _contact(grid: FrequencyGrid, t: Floats, spectra: Floats) -> xr.Dataset:
    """Ξ and G of the single contact, and of the crystals for themselves."""
    return xr.Dataset(
        {
            "transmission": (
                ("what", "frequency"),
                spectra,
                {"units": "nm-2", "long_name": "transmission of the contact; channels of the crystals"},
            ),
            "conductance": (
                ("what", "temperature"),
                conductance(grid, spectra, t),
                {"units": "W m-2 K-1", "long_name": "conductance of the contact; ballistic of the crystals"},
            ),
        },
        coords={
            "what": ("what", ["contact", "left", "right"], {"units": "1", "long_name": "contact or crystal"}),
            **axes(grid, t),
        },
    )


def _normal(measure: Repeated) -> xr.Dataset:
    """Minibands and transmission at k∥ = 0."""
    phases, bands, frequency, stacks = measure.normal_incidence
    return xr.Dataset(
        {
            "miniband": (
                ("phase", "branch"),
                bands,
                {"units": "THz", "long_name": "frequency of the superlattice at normal incidence"},
            ),
            "normal_transmission": (
                ("periods", "normal_frequency"),
                stacks,
                {"units": "1", "long_name": "transmission function at normal incidence"},
            ),
        },
        coords={
            "phase": ("phase", phases, {"units": "rad", "long_name": "Bloch phase from period to period"}),
            "branch": ("branch", np.arange(bands.shape[1]), {"units": "1", "long_name": "branch"}),
            "normal_frequency": (
                "normal_frequency",
                frequency,
                {"units": "THz", "long_name": "phonon frequency"},
            ),
            "periods": (
                "periods",
                list(measure.numbers),
                {"units": "1", "long_name": "number of periods"},
            ),
        },
    )
