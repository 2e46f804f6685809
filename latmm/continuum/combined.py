"""Several continuum models of one interface, on one frequency grid, across temperature.

Two media given by numbers are enough for the acoustic models and for Debye's; the models that need the phonon
dispersion ask for force constants as well. The frequency grid is made for the task: Gauss-Legendre panels
that halve towards zero, down to the lowest temperature, with edges at every Debye cut-off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.checks import Checks
from latmm.continuum.dispersion import branch_channels
from latmm.continuum.library import MEASURED, medium
from latmm.continuum.low_temperature import LONG_WAVELENGTH_LIMIT, first_prefactor
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.errors import InputError
from latmm.landauer import (
    FrequencyGrid,
    conductance,
    four_probe,
    four_probe_error,
    kapitza_resistances,
    temperatures,
)
from latmm.lattice.dynamics import largest_frequency
from latmm.lattice.force_constants import ForceConstants
from latmm.models import MODELS, Model, offered
from latmm.threads import single_threaded
from latmm.units import THZ_PER_KELVIN, TWO_PI

__all__ = [
    "ABOVE_LATTICE",
    "Conductances",
    "ContinuumModels",
    "REFUSED",
    "Side",
    "comparison_table",
    "graded_grid",
    "quadrature_errors",
    "survey",
]

_PANEL = 20
"""Gauss nodes a panel of the frequency grid."""


@dataclass(frozen=True)
class Side:
    """One side of an interface, in the axes of the laboratory.

    Attributes
    ----------
    medium : Medium
        Its long-wavelength limit.
    force_constants : ForceConstants, optional
        Its lattice, where known.
    checks : mapping of str to Check
        What was checked of it (:mod:`latmm.checks`).
    """

    medium: Medium
    force_constants: ForceConstants | None = None
    checks: Checks = field(default_factory=dict)

    @classmethod
    def from_force_constants(cls, force_constants: ForceConstants, name: str) -> "Side":
        """Take a crystal with the medium of its long-wavelength limit."""
        return cls(Medium.from_force_constants(force_constants, name=name), force_constants)

    @classmethod
    def from_medium(cls, text: str, normal: tuple[int, int, int] = (0, 0, 1)) -> "Side":
        """Take a measured medium, or one in numbers, with a Cartesian direction of its axes along z.

        Parameters
        ----------
        text : str
            As for :func:`latmm.continuum.library.medium`.
        normal : (3,) int
            Direction along z; a fluid has none.

        Returns
        -------
        Side

        Raises
        ------
        InputError
            If the medium is not known, or the direction is zero.
        """
        found = medium(text)
        return cls(found if found.is_fluid else found.rotated(rotation_to_normal(normal)))

    @property
    def measured_name(self) -> str:
        """Key of the medium in :data:`latmm.continuum.library.MEASURED`; empty if it is none of them."""
        return next((key for key, record in MEASURED.items() if record.name == self.medium.name), "")

    @property
    def elements(self) -> list[str]:
        """Chemical symbols of its cell, or of a medium that is an element; none where they are not known."""
        if self.force_constants is not None:
            return list(self.force_constants.atoms.get_chemical_symbols())
        return [self.measured_name.title()] if 0 < len(self.measured_name) <= 2 else []

    @cached_property
    def isotropic(self) -> Medium:
        """The medium, averaged where it is anisotropic."""
        return self.medium if self.medium.is_fluid else self.medium.isotropic_average()

    @cached_property
    def largest_frequency(self) -> float:
        """Highest frequency of any wave of this side, THz; infinite without cut-offs."""
        limits = [*self.isotropic.debye_frequencies()]
        if np.isfinite(self.medium.cell_density) and not self.medium.is_fluid:
            rays = np.random.default_rng(0).normal(size=(400, 3))
            speed, _ = self.medium.christoffel(rays / np.linalg.norm(rays, axis=1)[:, None])
            limits.append(1.02 * float(speed.max()) * self.medium.debye_wave_vector / TWO_PI)
        if self.force_constants is not None:
            limits.append(1.01 * largest_frequency(self.force_constants))
        return max(limits)


def graded_grid(sides: Sequence[Side], temperature: ArrayLike) -> FrequencyGrid:
    """Frequency grid that holds every channel of the sides at given temperatures.

    Ends at the highest frequency of any side, or at 40 k_B T/h of the highest temperature; panels end at the
    highest frequency of each side and at the Debye cut-offs of its isotropic average.
    """
    t = temperatures(temperature)
    highest = max(side.largest_frequency for side in sides)
    top = min(highest, 40.0 * THZ_PER_KELVIN * float(t.max()))
    ends = [nu for side in sides for nu in (side.largest_frequency, *side.isotropic.debye_frequencies())]
    cutoffs = [nu for nu in ends if nu < 0.999 * top]
    lowest = THZ_PER_KELVIN * float(t.min())
    halvings = top * 0.5 ** np.arange(max(4, int(np.ceil(np.log2(top / lowest))) + 1))
    edges = np.unique(np.concatenate([[0.0], halvings, cutoffs]))
    # long panels at the top resolve the dispersion, and panels thinner than rounding are dropped
    edges = edges[np.append(True, np.diff(edges) > 1e-9 * edges[1:])]
    fine = [np.linspace(a, b, 2 + int((b - a) / (0.13 * top)))[:-1] for a, b in pairwise(edges)]
    edges = np.append(np.concatenate(fine), edges[-1])
    x, w = np.polynomial.legendre.leggauss(_PANEL)
    half = 0.5 * np.diff(edges)[:, None]
    return FrequencyGrid((edges[:-1, None] + half * (x + 1.0)).ravel(), (half * w).ravel())


ABOVE_LATTICE = "the conductance exceeds the radiation limit of the lattice's channels"
"""Meaning of the variable ``exceeds_lattice_limit``."""
REFUSED = "no number: the model exceeds what the channels of one side carry, as no passive contact can"
"""Meaning of the variable ``refused``."""


class ContinuumModels:
    """The models of one interface on one grid; channels of the dispersion are computed once.

    Parameters
    ----------
    left, right : Side
        Both sides; normal along z.
    grid : FrequencyGrid
        Frequencies, THz.
    roughness : float, optional
        Of the interface, nm; for ``mixed``.
    """

    def __init__(self, left: Side, right: Side, grid: FrequencyGrid, roughness: float | None) -> None:
        self.left, self.right, self.grid, self.roughness = left, right, grid, roughness

    def spectrum(self, model: str) -> xr.Dataset:
        """Ξ and M of a spectral model of :data:`latmm.models.MODELS`, by its name.

        Raises
        ------
        InputError
            If the model needs the dispersion or the roughness and there is none.
        """
        chosen = MODELS[model]
        found: xr.Dataset = chosen.compute(*self._pair(chosen), self.grid, *self._more(chosen))
        return found

    def conductance(self, model: str, temperature: Floats) -> Floats:
        """G (N,), W m⁻² K⁻¹, of a model without a spectrum, at T (N,), K.

        Raises
        ------
        InputError
            If the model needs the dispersion and there is none.
        """
        chosen = MODELS[model]
        found: Floats = chosen.compute(*self._pair(chosen), self.grid, temperature)
        return found

    def _pair(self, model: Model) -> tuple[Any, Any]:
        """Gather what a model takes of both sides."""
        match model.takes[0]:
            case "media":
                return self.left.medium, self.right.medium
            case "isotropic":
                return self.left.isotropic, self.right.isotropic
            case "channels":
                return self.channels
            case _:
                return self.branches

    def _more(self, model: Model) -> tuple[float, ...]:
        """Gather what a spectral model takes beside."""
        if not model.needs_roughness:
            return ()
        if self.roughness is None:
            raise InputError(f"the {model.name} model needs the `roughness` of the interface in nm, e.g. 0.3")
        return (self.roughness,)

    @cached_property
    def branches(self) -> tuple[Floats, Floats]:
        """Channels by branch of both crystals."""
        crystals = self.left.force_constants, self.right.force_constants
        if crystals[0] is None or crystals[1] is None:
            raise InputError(
                "this model needs the phonon dispersion of both sides: give structure files, "
                "or choose a model of elastic media such as dmm-debye"
            )
        return branch_channels(crystals[0], self.grid), branch_channels(crystals[1], self.grid)

    @cached_property
    def channels(self) -> tuple[Floats, Floats]:
        """Channels of both crystals."""
        left, right = self.branches
        return left.sum(axis=0), right.sum(axis=0)


@single_threaded
def survey(
    left: Side,
    right: Side,
    temperature: ArrayLike,
    models: Sequence[str],
    *,
    roughness: float | None = None,
) -> xr.DataTree:
    """Conductance of an interface by several continuum models.

    Parameters
    ----------
    left, right : Side
        Both sides; normal along z.
    temperature : array_like
        K.
    models : sequence of str
        Names of :data:`latmm.models.MODELS`, but for that of the lattice.
    roughness : float, optional
        Of the interface, nm; for ``mixed``.

    Returns
    -------
    xarray.DataTree
        A node of Ξ and M for each spectral model, and ``/comparison``, see :func:`comparison_table`; the
        law of low temperature is not a number for models without a spectrum. The joint-frequency model and
        that of total energies are not a number, and ``refused``, where they exceed min(G_M,left, G_M,right),
        which no passive contact can. Where ``radiation`` is among the models, ``exceeds_lattice_limit``
        tells what exceeds it.

    Raises
    ------
    InputError
        If a model is unknown, or needs what a side does not have.
    """
    t = temperatures(temperature)
    known = dict.fromkeys((*offered("amm"), *offered("dmm")))
    for name in models:
        if name not in known:
            raise InputError(f"unknown model {name!r}; choose from {', '.join(known)}")
    grid = graded_grid((left, right), t)
    interface = ContinuumModels(left, right, grid, roughness)
    nodes: dict[str, xr.Dataset] = {}
    rows: dict[str, Conductances] = {}
    for name in models:
        if not MODELS[name].is_spectral:
            own_left, own_right = (conductance(grid, m, t) for m in interface.channels)
            rows[name] = Conductances(interface.conductance(name, t), own_left, own_right, np.nan)
            continue
        table = interface.spectrum(name)
        nodes[name.replace("-", "_")] = table
        # roughness ends the ω² law where λ does not exceed it, perhaps below the first node
        low = ContinuumModels(left, right, LONG_WAVELENGTH_LIMIT, roughness)
        long = low.spectrum(name) if MODELS[name].needs_roughness else table
        rows[name] = Conductances.of_spectrum(grid, table, t, long)
    comparison = comparison_table({name: _refusing(name, row) for name, row in rows.items()}, t)
    if "radiation" in rows:
        above = comparison["conductance"] > (1.0 + 1e-9) * rows["radiation"].interface  # rounding
        comparison["exceeds_lattice_limit"] = above.assign_attrs(units="1", long_name=ABOVE_LATTICE)
    return xr.DataTree.from_dict({"/comparison": comparison, **{f"/{k}": v for k, v in nodes.items()}})


def _refusing(name: str, row: "Conductances") -> "Conductances":
    """Put nothing in the place of numbers that no passive contact can have."""
    if MODELS[name].bounded:
        return row
    possible = row.interface <= np.minimum(row.left, row.right)
    return row._replace(interface=np.where(possible, row.interface, np.nan))


class Conductances(NamedTuple):
    """One model at all temperatures (N), W m⁻² K⁻¹: through the interface, and of either side's channels.

    ``cubic_prefactor`` is G/T³ for T → 0, W m⁻² K⁻⁴. ``errors`` (3, N) of the three conductances, in their
    units, and ``cubic_prefactor_error`` come from the quadrature over slowness; not a number without one.
    """

    interface: Floats
    left: Floats
    right: Floats
    cubic_prefactor: float
    errors: Floats | float = np.nan
    cubic_prefactor_error: float = np.nan

    @classmethod
    def of_spectrum(
        cls, grid: FrequencyGrid, table: xr.Dataset, temperature: Floats, long_wavelength: xr.Dataset
    ) -> "Conductances":
        """Integrate Ξ, M_left and M_right of a model; G/T³ from a table in the long-wavelength limit."""
        names = ("transmission", "channels_left", "channels_right")
        through, left, right = conductance(grid, np.array([table[x].values for x in names]), temperature)
        prefactor = first_prefactor(long_wavelength)
        low = float(quadrature_errors(long_wavelength)[0, 0])
        errors = conductance(grid, quadrature_errors(table), temperature)
        return cls(
            through,
            left,
            right,
            prefactor,
            errors,
            low / float(long_wavelength["transmission"][0]) * prefactor,
        )


def quadrature_errors(table: xr.Dataset) -> Floats:
    """Errors (3, F), nm⁻², of Ξ, M_left and M_right from the quadrature over slowness; none are not a number.

    A table tells them relative to the three, one number or one for each frequency, or not at all.
    """
    names = ("transmission", "channels_left", "channels_right")
    return np.array([(table[x] * table.get(f"{x}_error", xr.DataArray(np.nan))).values for x in names])


def comparison_table(rows: Mapping[str, Conductances], temperature: Floats) -> xr.Dataset:
    """Table of several models.

    Returns
    -------
    xarray.Dataset
        ``conductance``, ``conductance_four_probe`` (W m⁻² K⁻¹), ``kapitza_resistance_two_probe`` and
        ``kapitza_resistance_four_probe`` (m² K W⁻¹) over (model, temperature), and ``cubic_prefactor``
        (W m⁻² K⁻⁴) over model; the first, second and last with an ``_error`` from the quadrature over
        slowness, which is not a number for models without one.
    """
    g = np.array([row.interface for row in rows.values()])
    four = np.array([four_probe(row.interface, row.left, row.right) for row in rows.values()])
    prefactors = np.array([row.cubic_prefactor for row in rows.values()])
    bars = [np.broadcast_to(row.errors, (3, temperature.size)) for row in rows.values()]
    four_bars = [
        four_probe_error(own, np.array([row.interface, row.left, row.right]), bar)
        for own, row, bar in zip(four, rows.values(), bars, strict=True)
    ]
    prefactor_bars = np.array([row.cubic_prefactor_error for row in rows.values()])
    dims = ("model", "temperature")
    contact = "thermal boundary conductance"
    return xr.Dataset(
        {
            name: (which, values, {"units": units, "long_name": text})
            for name, which, values, units, text in (
                ("conductance", dims, g, "W m-2 K-1", contact),
                (
                    "conductance_four_probe",
                    dims,
                    four,
                    "W m-2 K-1",
                    f"{contact} without the ballistic contact resistance",
                ),
                (
                    "conductance_error",
                    dims,
                    np.array([bar[0] for bar in bars]),
                    "W m-2 K-1",
                    "uncertainty of the conductance from the quadrature over slowness",
                ),
                (
                    "conductance_four_probe_error",
                    dims,
                    np.array(four_bars),
                    "W m-2 K-1",
                    "uncertainty of the four-probe conductance from the quadrature over slowness",
                ),
                ("cubic_prefactor", dims[:1], prefactors, "W m-2 K-4", "G/T^3 at low temperature"),
                (
                    "cubic_prefactor_error",
                    dims[:1],
                    prefactor_bars,
                    "W m-2 K-4",
                    "uncertainty of G/T^3 from the quadrature",
                ),
            )
        }
        | kapitza_resistances(dims, g, four)
        | {"refused": (dims, np.isnan(g), {"units": "1", "long_name": REFUSED})},
        coords={
            "model": ("model", list(rows), {"units": "1", "long_name": "model"}),
            "temperature": ("temperature", temperature, {"units": "K", "long_name": "temperature"}),
        },
    )
