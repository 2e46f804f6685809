"""Conductance of an interface between crystals that scatter phonons, with all that belongs to it.

Elastic and, where asked, dissipative contact: layers of the contact damped at the rates of their crystals, so
that waves which reach into a crystal without a channel there are absorbed and heat changes its frequency. The
rate above a crystal's band is no property of the bulk; half the range of three choices is an uncertainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm import __version__
from latmm.arrays import Floats
from latmm.checks import Check, by_name, check, dumps
from latmm.defaults import ABOVE_BAND, INELASTIC, LENGTHS
from latmm.errors import InputError
from latmm.inelastic.conductance import (
    Conductances,
    conductances,
    conductivity_above,
    landauer_nonequilibrium,
    spectra,
)
from latmm.inelastic.rates import Above, Rates, check_crystal
from latmm.inelastic.sweep import Found, region_layers, sweep_channels
from latmm.interface.interface import Interface
from latmm.landauer import temperatures
from latmm.parallel.execution import HERE, Execution
from latmm.sweep.refinement import Sampling
from latmm.threads import single_threaded

__all__ = ["inelastic_conductance", "planes"]

_CONDUCTANCES = ("extrapolated", "excess", "local", "layers", "total")
_MEANING = {
    "extrapolated": "jump between straight lines through the middle third of the temperature profiles",
    "excess": "resistance beyond the mean of both crystals alone",
    "local": "jump of the local temperatures at the contact planes",
    "layers": "jump between the layers on both sides of the interface",
    "total": "all between the reservoirs",
}


@dataclass(frozen=True)
class _Case:
    """One kind of contact: what was found, and where the contact planes lie, Å."""

    found: Found
    depth: tuple[float, float]


def planes(interface: Interface, layers: tuple[int, int] | None = None) -> tuple[float, float]:
    """Distance of the planes of a damped contact from the interface, Å; ``layers`` as in `region_layers`."""
    left, right = (
        count * float(crystal.atoms.cell.array[2, 2])
        for count, crystal in zip(region_layers(interface, layers), interface.crystals, strict=True)
    )
    return left, right


@single_threaded
def inelastic_conductance(
    interface: Interface,
    temperature: ArrayLike,
    rates: tuple[Rates, Rates],
    *,
    lengths: Sequence[float] = LENGTHS,
    kmesh: tuple[int, int] = INELASTIC.kmesh,
    frequencies: int = INELASTIC.frequencies,
    classical: bool = False,
    damped: bool = True,
    damped_layers: tuple[int, int] | None = None,
    above: Above = "cap",
    longest: float | None = None,
    how: Execution = HERE,
) -> xr.DataTree:
    """Conductance with phonons scattered in both crystals and, if wanted, at the contact.

    Parameters
    ----------
    interface : Interface
        From :func:`latmm.interface.build.build_interface`.
    temperature : (N,) array_like
        T, K.
    rates : (2,) Rates
        Of the left and the right crystal.
    lengths : sequence of float
        Distances of both reservoirs from the contact planes, nm; profile and spectrum are of the largest.
    kmesh, frequencies : (2,) int, int
        As in :func:`latmm.comparison.compare`.
    classical : bool
        Heat capacity k_B of every phonon, and rates proportional to T, for molecular dynamics.
    damped : bool
        Solve the dissipative contact, too: one more sweep for each choice of the rate above the band.
    damped_layers : (2,) int, optional
        Primitive layers of each crystal next to the interface that the dissipative contact damps; by default
        all of the device.
    above : {"cap", "continue", "zero"}
        Rate above a crystal's band.
    longest : float, optional
        Mean free path that the crystals' boundaries leave, nm; without it long waves of model rates have
        paths longer than any length.
    how : Execution
        As in :func:`latmm.comparison.compare`.

    Returns
    -------
    xarray.DataTree
        ``/inelastic`` over (contact, temperature, length) and, for the largest length, profiles and spectra.

    Raises
    ------
    InputError
        If rates are of another crystal or do not reach a temperature, or a number makes no sense.
    """
    t = temperatures(temperature)
    far = np.array(sorted({float(length) for length in lengths}))
    if far.size == 0 or not np.all(np.isfinite(far) & (far > 0.0)):
        raise InputError(f"`lengths` must be positive numbers of nm, but are {list(lengths)}; use e.g. 1000")
    if longest is not None and not (np.isfinite(longest) and longest > 0.0):
        raise InputError(f"`longest` must be a positive number of nm, but is {longest}; use e.g. 1000")
    if above not in ABOVE_BAND:
        raise InputError(f"`above` must be one of {', '.join(ABOVE_BAND)}, but is {above!r}")
    for name, crystal, own in zip(("left", "right"), (interface.left, interface.right), rates, strict=True):
        check_crystal(crystal, own, f"the {name} crystal")
    if classical:
        rates = rates[0].classical(), rates[1].classical()
    sampling = Sampling.of(interface, kmesh, frequencies, minimum_temperature=float(t.min()))
    settings: dict[str, Any] = {
        "classical": classical,
        "longest": np.inf if longest is None else 10.0 * longest,
        "how": how,
    }
    cases = {"elastic": _Case(sweep_channels(interface, sampling, rates, t, **settings), (0.0, 0.0))}
    others: list[Found] = []
    if damped:
        depth = planes(interface, damped_layers)
        own_layers = region_layers(interface, damped_layers)
        for choice in (above, *(one for one in ABOVE_BAND if one != above)):
            found = sweep_channels(interface, sampling, rates, t, layers=own_layers, above=choice, **settings)  # type: ignore[arg-type]
            if choice == above:
                cases["dissipative"] = _Case(found, depth)
            others.append(found)
    table, solved = _table(cases, t, far)
    if others:
        solved_each = [[conductances(tally, 10.0 * far[-1], depth) for tally in f.tallies] for f in others]
        for suffix, kind in (("", "extrapolated"), ("_two_probe", "two_probe")):
            values = np.array([[getattr(one, kind) for one in row] for row in solved_each])
            table[f"above_band_uncertainty{suffix}"] = (
                "temperature",
                0.5 * np.ptp(values, axis=0),
                {
                    "units": "W m-2 K-1",
                    "long_name": f"half the range of the {kind.replace('_', '-')} conductance of the "
                    "dissipative contact for three rates above the band: constant, as ν², zero",
                },
            )
    above_cut, whole = _conductivities(cases["elastic"].found, rates, settings["longest"])
    table["long_wave_fraction"] = (
        ("side", "temperature"),
        1.0 - above_cut / whole,
        {
            "units": "1",
            "long_name": "fraction of the conductivity by long waves, whose rates follow the square of "
            "frequency in place of the source's",
        },
    )
    table.attrs |= {
        "definition": "reservoirs that emit in equilibrium and absorb everything at `length` from the "
        "contact planes of each side; Boltzmann equation in the relaxation time approximation between",
        "statistics": "classical" if classical else "quantum",
        "rate_above_band": above,
        "rates_left": rates[0].source,
        "rates_right": rates[1].source,
        "longest_path": "none" if longest is None else f"{longest:g} nm",
        "rates_temperature": "classical, proportional to temperature" if classical else "of each temperature",
    }
    checks = dict(interface.checks) | by_name(_checks(cases, solved, rates, above_cut, t))
    root = xr.Dataset(
        attrs={
            "title": "Thermal boundary conductance between crystals that scatter phonons",
            "latmm_version": __version__,
            "potential": interface.potential,
            "area": interface.area,
            "area_units": "angstrom2",
            "normal": list(interface.normals[0]),
            "normal_right": list(interface.normals[1]),
            "kmesh": list(kmesh),
            "frequencies": frequencies,
            "samples": sum(case.found.samples for case in cases.values()),
            "samples_retried": sum(case.found.retried for case in cases.values()),
            "checks": dumps(checks),
        }
    )
    return xr.DataTree.from_dict({"/": root, "inelastic": table})


def _table(
    cases: dict[str, _Case], t: Floats, far: Floats
) -> tuple[xr.Dataset, dict[str, list[list[Conductances]]]]:
    """Solve all networks, and label what they give."""
    solved = {
        name: [[conductances(tally, 10.0 * x, case.depth) for x in far] for tally in case.found.tallies]
        for name, case in cases.items()
    }
    dims = ("contact", "temperature", "length")
    watts = {"units": "W m-2 K-1"}
    data: dict[str, Any] = {
        f"conductance_{name}": (
            dims,
            np.array([[[getattr(one, name) for one in row] for row in rows] for rows in solved.values()]),
            watts | {"long_name": f"conductance, {_MEANING[name]}"},
        )
        for name in _CONDUCTANCES
    }
    for name, text in (
        ("two_probe", "phonons arrive in equilibrium with the reservoirs"),
        ("four_probe", "the same without the ballistic resistance of the crystals"),
    ):
        values = [[getattr(row[-1], name) for row in rows] for rows in solved.values()]
        data[f"conductance_{name}"] = (
            dims[:2],
            np.array(values),
            watts | {"long_name": f"conductance, {text}"},
        )
    elastic = cases["elastic"].found.tallies
    data["conductance_landauer_nonequilibrium"] = (
        "temperature",
        np.array([landauer_nonequilibrium(tally) for tally in elastic]),
        watts | {"long_name": "elastic conductance, phonons arrive as from straight temperature profiles"},
    )
    data["conductivity"] = (
        ("side", "temperature"),
        np.array([row[-1].conductivity for row in solved["elastic"]]).T,
        {
            "units": "W m-1 K-1",
            "long_name": "thermal conductivity of the crystal's channels along the normal",
        },
    )
    ends = {name: [row[-1] for row in rows] for name, rows in solved.items()}
    first = ends["elastic"][0].profile
    for side, bulk in (("left", first.left), ("right", first.right)):
        data[f"position_{side}"] = (
            "node",
            0.1 * bulk.positions,
            {"units": "nm", "long_name": "distance from the contact plane"},
        )
        data[f"temperature_{side}"] = (
            ("contact", "temperature", "node"),
            np.array([[getattr(one.profile, f"temperature_{side}") for one in row] for row in ends.values()]),
            {
                "units": "1",
                "long_name": "temperature between the reservoirs, 1 at the left and 0 at the right",
            },
        )
    nu = cases["elastic"].found.grid.frequency
    found = [
        [spectra(tally, one.profile) for tally, one in zip(case.found.tallies, ends[name], strict=True)]
        for name, case in cases.items()
    ]
    weight = cases["elastic"].found.grid.weight
    for kind, number, text in (
        ("contact", 0, "heat that enters the contact from the left"),
        ("contact", 1, "heat that leaves the contact to the right"),
        ("bulk", 0, "heat far from the contact on the left"),
        ("bulk", 1, "heat far from the contact on the right"),
    ):
        values = [[getattr(one, kind)[number, : nu.size] / weight for one in row] for row in found]
        data[f"spectrum_{kind}_{('left', 'right')[number]}"] = (
            ("contact", "temperature", "frequency"),
            np.array(values),
            {"units": "THz-1", "long_name": f"{text}, per frequency, of a flux of 1"},
        )
    data["contact_plane"] = (
        ("contact", "side"),
        0.1 * np.array([case.depth for case in cases.values()]),
        {"units": "nm", "long_name": "distance of the contact plane from the interface"},
    )
    coords = {
        "contact": ("contact", list(cases), {"units": "1", "long_name": "kind of contact"}),
        "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
        "length": (
            "length",
            far,
            {"units": "nm", "long_name": "distance of the reservoirs from the contact"},
        ),
        "side": ("side", ["left", "right"], {"units": "1", "long_name": "crystal"}),
        "frequency": ("frequency", nu, {"units": "THz", "long_name": "phonon frequency"}),
        "frequency_weight": ("frequency", weight, {"units": "THz", "long_name": "quadrature weight"}),
    }
    return xr.Dataset(data, coords=coords), solved


def _conductivities(found: Found, rates: tuple[Rates, Rates], longest: float) -> tuple[Floats, Floats]:
    """Conductivities (2, N) of the channels above the cuts of the rates, and in all, without boundaries."""
    cut = rates[0].cut, rates[1].cut
    above, whole = (
        np.array([conductivity_above(tally, found.grid, c, longest) for tally in found.tallies]).T
        for c in (cut, (0.0, 0.0))
    )
    return above, whole


def _checks(
    cases: dict[str, _Case],
    solved: dict[str, list[list[Conductances]]],
    rates: tuple[Rates, Rates],
    above_cut: Floats,
    t: Floats,
) -> list[Check]:
    every = [one for rows in solved.values() for row in rows for one in row]
    found = [
        check("kirchhoff", max(case.found.worst for case in cases.values()), 1e-8),
        check("flux_balance", max(one.profile.imbalance for one in every), 1e-9),
        check("channel_sums", max(one.closure for one in every), 1e-9),
    ]
    for number, (side, own) in enumerate(zip(("left", "right"), rates, strict=True)):
        if own.conductivity is None or own.above_cut is None:
            continue
        # the normal's direction in the source's axes is not known: cubic crystals have one conductivity
        principal = np.linalg.eigvalsh(own.conductivity)  # (N, 3)
        if np.ptp(principal, axis=1).max() > 0.02 * principal.max():
            continue
        # what the source's mesh resolves: it has no waves that are longer than itself
        mean = principal.mean(axis=1) * own.above_cut
        kappa = np.exp(np.interp(np.log(t), np.log(own.temperature), np.log(mean)))
        if own.proportional:
            kappa = mean[-1] * own.temperature[-1] / t
        worst = np.abs(above_cut[number] / kappa - 1.0)
        where = f"above {own.cut:.3g} THz at {t[int(worst.argmax())]:g} K"
        found.append(check(f"conductivity_{side}", float(worst.max()), 0.05, where=where))
    return found
