"""Ballistic conductance of junctions of sheets, ribbons, tubes and chains.

    G/W = ∫ hν (∂n/∂T) Ξ(ν) dν,     Ξ(ν) = (1/L) Σ_k T(k, ν) w_k

per width W of a sheet, L the period along the line; G itself, with Ξ = T, of what is periodic in one
direction only. Every channel that is open at all low frequencies carries the quantum of thermal conductance
π² k_B² T/(3h): four of a tube (two flexural waves, one of length, one of twist). Areas need a convention for
the thickness, which only the caller can choose: a conductance per area is given where a section is.
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm import __version__
from latmm.agf import channels, transmission
from latmm.arrays import Floats
from latmm.checks import by_name, check, dumps
from latmm.errors import InputError
from latmm.interface.interface import SIDES, Interface
from latmm.landauer import FrequencyGrid, conductance, four_probe, temperatures
from latmm.lattice.dynamics import largest_frequency
from latmm.limits import limits_of
from latmm.low_dimensional.sampling import LEAST, Line, frequencies, lateral_axis
from latmm.parallel.execution import HERE, Execution
from latmm.results import as_json
from latmm.threads import single_threaded
from latmm.units import BOLTZMANN, PLANCK, TWO_PI

__all__ = ["INTERVALS", "POINTS", "low_dimensional_conductance", "quantum_of_conductance"]

INTERVALS = 24
"""Default number of equal intervals of frequency, six nodes each."""
POINTS = 24
"""Default number of k over half the line, where no edge asks for more."""


def quantum_of_conductance(temperature: ArrayLike) -> Floats:
    """π² k_B² T/(3h), W K⁻¹: what one open channel carries."""
    return np.asarray(np.pi**2 * BOLTZMANN**2 * np.asarray(temperature, dtype=float) / (3.0 * PLANCK))


@single_threaded
def low_dimensional_conductance(
    interface: Interface,
    temperature: ArrayLike,
    *,
    intervals: int = INTERVALS,
    points: int = POINTS,
    section: float | None = None,
    how: Execution = HERE,
) -> xr.DataTree:
    """Conductance of a junction that is no wider than its vacuum lets it be.

    Parameters
    ----------
    interface : Interface
        Of two structures from :func:`latmm.low_dimensional.boxes.boxed`.
    temperature : array_like
        T, K.
    intervals : int
        Intervals of frequency, six nodes each.
    points : int
        k along the line between two sheets.
    section : float, optional
        Thickness of the sheets, nm, or cross-section of the others, nm², by which a conductance per area
        shall be given, too.
    how : Execution
        Who hears how far it is; all is computed in this process.

    Returns
    -------
    xarray.DataTree
        ``/`` provenance; ``/junction`` transmission and channels (nm⁻¹ of sheets, numbers of the others),
        conductances (W m⁻¹ K⁻¹, W K⁻¹): two-probe, four-probe, ballistic ones of both sides, and the quantum
        of conductance.

    Raises
    ------
    InputError
        If a number makes no sense.
    """
    t = temperatures(temperature)
    if min(intervals, points) < 1 or int(intervals) != intervals or int(points) != points:
        raise InputError(f"`intervals` and `points` must be positive integers, but are {intervals}, {points}")
    if section is not None and not (np.isfinite(section) and section > 0.0):
        raise InputError(f"`section` must be a positive thickness (nm) or area (nm²), but is {section}")
    tops = [largest_frequency(crystal) for crystal in interface.crystals]
    grid = frequencies(max(tops), intervals, float(t.min()), float(t.max()))
    axis = lateral_axis(interface)
    spectra, worst = _spectra(interface, grid, axis, tops, points, how)
    width = None if axis is None else 0.1 * float(np.linalg.norm(interface.matched.cell[axis]))
    names = ("unitarity", "caroli", "reciprocity")
    checks = {
        **interface.checks,
        **by_name([check(name, float(value), 1e-8) for name, value in zip(names, worst, strict=True)]),
    }
    table = _table(grid, t, spectra if width is None else spectra / width, width, section)
    symbols = [crystal.atoms.get_chemical_symbols() for crystal in interface.crystals]
    root = {
        "title": "Thermal conductance of a low-dimensional junction",
        "latmm_version": __version__,
        "dimension": 1 if axis is None else 2,
        "potential": interface.potential,
        "limits": as_json(limits_of(symbols[0], symbols[1], interface.potential)),
        "notes": as_json(list(interface.notes)),
        "intervals": intervals,
        "points": points,
        "checks": dumps(checks),
        **({} if width is None else {"line_period": width, "line_period_units": "nm"}),
        **(
            {} if section is None else {"section": section, "section_units": "nm2" if width is None else "nm"}
        ),
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=root), "/junction": table})


def _spectra(
    interface: Interface,
    grid: FrequencyGrid,
    axis: int | None,
    tops: list[float],
    points: int,
    how: Execution,
) -> tuple[Floats, Floats]:
    """T, M_left and M_right summed over the line, (3, F), and the largest errors, (3,)."""
    line = None if axis is None else Line.of(interface, axis)
    least = LEAST * max(tops)
    spectra, worst = np.zeros((3, grid.frequency.size)), np.zeros(3)
    below = grid.frequency < least
    nodes = np.flatnonzero(~below)
    solved = [*([least] if below.any() else []), *grid.frequency[nodes].tolist()]
    values = np.zeros((3, len(solved)))
    for done, nu in enumerate(solved):
        how.report("modes", done, len(solved))
        k, weight = np.zeros((1, 2)), np.ones(1)
        if line is not None:
            along, weight = line.samples(nu, points)
            k = np.zeros((len(along), 2))
            k[:, axis] = along
        lattice, omega = interface.junction(k), TWO_PI * nu
        if nu < min(tops):
            found = transmission(lattice, omega)
            counts = np.array([found.transmission, found.channels_left, found.channels_right])[..., 0]
            errors = (found.unitarity, np.abs(found.transmission - found.caroli), found.reciprocity)
            worst = np.maximum(worst, [float(e.max()) for e in errors])
        else:  # nothing crosses
            counts = np.zeros((3, len(k)))
            for side, lead in enumerate((lattice.left, lattice.right)):
                if nu < tops[side]:
                    counts[1 + side] = channels(lead, omega)[:, 0]
        values[:, done] = counts @ weight
    how.report("modes", len(solved), len(solved))
    if below.any():
        power = 0.0 if axis is None else 0.5
        spectra[:, below] = values[:, :1] * (grid.frequency[below] / least) ** power
        values = values[:, 1:]
    spectra[:, nodes] = values
    return spectra, worst


def _table(
    grid: FrequencyGrid, t: Floats, spectra: Floats, width: float | None, section: float | None
) -> xr.Dataset:
    """Ξ and G, with units by dimension."""
    sheet = width is not None
    counted, unit = ("nm-1", "W m-1 K-1") if sheet else ("1", "W K-1")
    # the integral takes nm⁻² and gives W m⁻² K⁻¹
    scale = 1e-9 if sheet else 1e-18
    g = conductance(grid, spectra, t) * scale
    per = "per width" if sheet else "of the junction"
    names = {
        "transmission": f"transmission {per}",
        "channels_left": f"phonon channels of the left side {per}",
        "channels_right": f"phonon channels of the right side {per}",
    }
    variables = {
        name: ("frequency", values, {"units": counted, "long_name": text})
        for (name, text), values in zip(names.items(), spectra, strict=True)
    }
    whole = {
        "conductance": (g[0], f"thermal conductance {per}, two-probe"),
        "conductance_four_probe": (
            four_probe(g[0], g[1], g[2]),
            f"thermal conductance {per} without the ballistic contact resistance",
        ),
        **{
            f"ballistic_{side}": (g[1 + i], f"ballistic conductance {per} of the {side} side")
            for i, side in enumerate(SIDES)
        },
    }
    for name, (values, text) in whole.items():
        variables[name] = ("temperature", values, {"units": unit, "long_name": text})
    if section is not None:
        area = section * (1e-9 if sheet else 1e-18)
        text = "thermal conductance per area, two-probe, by the section that was given"
        variables["conductance_per_area"] = (
            "temperature",
            g[0] / area,
            {"units": "W m-2 K-1", "long_name": text},
        )
    variables["quantum_of_conductance"] = (
        "temperature",
        quantum_of_conductance(t),
        {"units": "W K-1", "long_name": "quantum of thermal conductance of one channel"},
    )
    return xr.Dataset(
        variables,
        coords={
            "frequency": ("frequency", grid.frequency, {"units": "THz", "long_name": "phonon frequency"}),
            "frequency_weight": (
                "frequency",
                grid.weight,
                {"units": "THz", "long_name": "quadrature weight of the frequency"},
            ),
            "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
        },
    )
