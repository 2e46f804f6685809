"""The main job: thermal boundary conductance of an interface by lattice and continuum models.

All models answer on one frequency grid with Ξ(ν), M_left(ν) and M_right(ν) (see :mod:`latmm.landauer`), and
one Landauer integral turns each into conductances. The models are those of :mod:`latmm.models` that are
offered for a comparison.

Models that count channels of their own (elastic waves up to Debye's cut-off) may exceed the limit of the
lattice: ``exceeds_lattice_limit`` tells where.
"""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import TypeAlias

import numpy as np
import xarray as xr
from ase.dft.kpoints import BandPath
from numpy.typing import ArrayLike

from latmm import __version__
from latmm.arrays import Floats
from latmm.checks import Check, by_name, check, dumps
from latmm.continuum.combined import ABOVE_LATTICE, ContinuumModels, Side, quadrature_errors
from latmm.continuum.crystal import band_path, crystal_dataset
from latmm.continuum.dispersion import channels
from latmm.continuum.dmm import radiation_limit
from latmm.defaults import COMPARE
from latmm.errors import InputError
from latmm.geometry.matching import principal_strain
from latmm.interface.interface import Interface
from latmm.landauer import (
    FrequencyGrid,
    conductance,
    conductances_and_resistances,
    four_probe,
    four_probe_error,
    spectrum,
    temperatures,
)
from latmm.lattice.dynamics import largest_frequency
from latmm.lattice.stiffness import elasticity, slope_error
from latmm.limits import limits_of
from latmm.models import MODELS, defaults, offered
from latmm.parallel.execution import HERE, Execution
from latmm.results import as_json
from latmm.sweep.accuracy import conductance_error
from latmm.sweep.refinement import Level, Sampling, levels, solve_level
from latmm.sweep.run import SpectralTransmission
from latmm.threads import single_threaded

__all__ = ["compare"]

_OFFERED = offered("compare")
_LIKE_CELL = 0.2
"""Lattice vectors correspond if they differ by less than this share of their length."""

Channels: TypeAlias = tuple[Floats, Floats]


@single_threaded
def compare(
    interface: Interface,
    temperature: ArrayLike,
    *,
    models: Sequence[str] = defaults("compare"),
    kmesh: tuple[int, int] = COMPARE.kmesh,
    frequencies: int = COMPARE.frequencies,
    tolerance: float | None = None,
    roughness: float | None = None,
    how: Execution = HERE,
) -> xr.DataTree:
    """Thermal boundary conductance of an interface by every model, across temperature.

    Parameters
    ----------
    interface : Interface
        From :func:`latmm.interface.build.build_interface`.
    temperature : array_like
        T, K.
    models : sequence of str
        Names of :data:`latmm.models.MODELS`.
    kmesh : (2,) int
        k∥ points along both axes of the in-plane reciprocal cell.
    frequencies : int
        Frequencies in the band that both crystals share.
    tolerance : float, optional
        Relative error of the lattice's conductance at every temperature; chooses ``kmesh`` and
        ``frequencies`` in place of those given.
    roughness : float, optional
        Root-mean-square roughness of the interface, nm; for ``mixed``.
    how : Execution
        Who solves the lattice's samples, and where what is found is kept.

    Returns
    -------
    xarray.DataTree
        ``/`` provenance, ``/left`` and ``/right`` the crystals, a node with Ξ and M for each model, and
        ``/comparison`` over (model, temperature): ``conductance`` and ``conductance_four_probe``
        (W m⁻² K⁻¹) with the uncertainties of both, the resistances ``kapitza_resistance_two_probe`` and
        ``kapitza_resistance_four_probe`` (m² K W⁻¹), and ``exceeds_lattice_limit``.

    Raises
    ------
    InputError
        If a model is unknown, or a temperature or the sampling makes no sense.
    """
    t = temperatures(temperature)
    unknown = [m for m in models if m not in _OFFERED]
    if unknown or not models:
        names = ", ".join(map(repr, unknown)) or "(none given)"
        raise InputError(f"unknown model {names}; choose from {', '.join(_OFFERED)}")
    wanted = [m for m in _OFFERED if m in models]
    rough = [m for m in wanted if MODELS[m].needs_roughness]
    if rough and roughness is None:
        raise InputError(f"the {rough[0]} model needs the `roughness` of the interface in nm, e.g. 0.3")
    if tolerance is not None and "agf" not in wanted:
        raise InputError("`tolerance` chooses the samples of the lattice: add the model agf, or leave it out")
    sampling, level = _solve(interface, t, "agf" in wanted, kmesh, frequencies, tolerance, how)
    grid, solved = sampling.grid, None if level is None else level.solved
    checks = dict(interface.checks)
    sides = [
        Side.from_force_constants(crystal, f"the {side} crystal")
        for side, crystal in (("left", interface.left), ("right", interface.right))
    ]
    for name, crystal in (("left", interface.left), ("right", interface.right)):
        checks |= by_name([check(f"stiffness_{name}", slope_error(crystal, elasticity(crystal)), 1e-3)])
    continuum = ContinuumModels(sides[0], sides[1], grid, roughness)
    spectra: dict[str, xr.Dataset] = {}
    if solved is not None:
        spectra["agf"] = _agf(grid, solved)
        checks |= by_name(_agf_checks(solved))
    others = [model for model in wanted if model != "agf"]
    for done, model in enumerate(others):
        how.report("continuum models", done, len(others))
        spectra[model] = continuum.spectrum(model)
    if others:
        how.report("continuum models", len(others), len(others))
    if solved is not None and {"dmm", "radiation"} & set(wanted):
        checks |= by_name(_channel_checks(sampling, solved, continuum.channels, t))
    tops = [largest_frequency(crystal) for crystal in (interface.left, interface.right)]
    counted = set(wanted) != {"agf"}  # models of other channels are held against the lattice's
    bulk = _bulk_error(interface, continuum, t) if counted else np.zeros_like(t)
    table = _conductances({name: spectra[name] for name in wanted}, sampling, t, solved, bulk)
    if counted:
        _mark_above(table, radiation_limit(*continuum.channels, grid), sampling, bulk)
    paths = _paths(interface)
    nodes = {
        "left": crystal_dataset(
            interface.left, sides[0].medium, tops[0], interface.matched.strain_left, paths[0]
        ),
        "right": crystal_dataset(
            interface.right, sides[1].medium, tops[1], interface.matched.strain_right, paths[1]
        ),
        **{name.replace("-", "_"): spectra[name] for name in wanted},
        "comparison": table,
    }
    root = xr.Dataset(
        attrs={
            "title": "Thermal boundary conductance by lattice and continuum models",
            "latmm_version": __version__,
            "area": interface.area,
            "area_units": "angstrom2",
            "strain": as_json(_strains(interface)),
            "potential": interface.potential,
            "limits": as_json(
                limits_of(
                    interface.left.atoms.get_chemical_symbols(),
                    interface.right.atoms.get_chemical_symbols(),
                    interface.potential,
                )
            ),
            "notes": as_json(list(interface.notes)),
            "normal": list(interface.normals[0]),
            "normal_right": list(interface.normals[1]),
            "kmesh": list(sampling.kmesh),
            "frequencies": sampling.frequencies,
            "samples": 0 if solved is None else solved.samples,
            "samples_retried": 0 if solved is None else solved.retried,
            "region_layers": list(interface.layers),
            "checks": dumps(checks),
            "versions": as_json(_versions()),
        }
    )
    return xr.DataTree.from_dict({"/": root, **nodes})


def _solve(
    interface: Interface,
    t: Floats,
    lattice: bool,
    kmesh: tuple[int, int],
    frequencies: int,
    tolerance: float | None,
    how: Execution,
) -> tuple[Sampling, Level | None]:
    """Sample, and solve the lattice where it is wanted."""
    if tolerance is not None:
        *_, level = levels(interface, t, tolerance, how=how)
        return level.sampling, level
    sampling = Sampling.of(interface, kmesh, frequencies, minimum_temperature=float(t.min()))
    if not lattice:
        return sampling, None
    level = solve_level(interface, sampling, t, how=how)
    return sampling, level


def _bulk_error(interface: Interface, continuum: ContinuumModels, t: Floats) -> Floats:
    """Relative uncertainty of the zone's channels: what half as many wave vectors change, (N,)."""
    worst = np.zeros_like(t)
    for crystal, fine in zip((interface.left, interface.right), continuum.channels, strict=True):
        coarse = channels(crystal, continuum.grid, resolution=0.5 ** (1.0 / 3.0))
        g = conductance(continuum.grid, np.array([fine, coarse]), t)
        worst = np.maximum(worst, np.abs(g[1] / g[0] - 1.0))
    return worst


def _agf(grid: FrequencyGrid, solved: SpectralTransmission) -> xr.Dataset:
    return spectrum(
        grid,
        solved.transmission,
        solved.channels_left,
        solved.channels_right,
        model="agf",
        description="atomistic Green's function: scattering between Bloch modes of both crystals",
    )


def _agf_checks(solved: SpectralTransmission) -> list[Check]:
    bound = np.minimum(solved.channels_left, solved.channels_right)
    excess = np.max(solved.transmission - bound) / np.max(bound)
    return [
        check("unitarity", solved.unitarity, 1e-8),
        check("caroli", solved.caroli, 1e-8),
        check("reciprocity", solved.reciprocity, 1e-8),
        check("radiation_limit", max(float(excess), 0.0), 1e-9),
    ]


def _channel_checks(
    sampling: Sampling, solved: SpectralTransmission, bulk: Channels, t: Floats
) -> list[Check]:
    """Two counts of the same channels: Bloch modes at k∥, and velocities over the Brillouin zone.

    Compared at both ends of the temperatures: few long waves count at one, the whole band at the other.
    """
    ends = np.array([t.min(), t.max()])
    checks = []
    mesh = " ".join(map(str, sampling.kmesh))
    for side, counted, integrated in (
        ("left", solved.channels_left, bulk[0]),
        ("right", solved.channels_right, bulk[1]),
    ):
        g = conductance(sampling.grid, np.array([counted, integrated]), ends)
        error = np.abs(g[0] / g[1] - 1.0)
        checks.append(
            check(
                f"channels_{side}",
                error.max(),
                1e-2,
                where=f"at {ends[int(error.argmax())]:g} K",
                remedy=f"raise `kmesh`, now {mesh}",
            )
        )
    return checks


def _conductances(
    spectra: dict[str, xr.Dataset],
    sampling: Sampling,
    t: Floats,
    solved: SpectralTransmission | None,
    bulk: Floats,
) -> xr.Dataset:
    """Two-probe and four-probe conductance of every model with uncertainties, W m⁻² K⁻¹."""
    grid = sampling.grid
    two, four, two_error, four_error = [], [], [], []
    for name, found in spectra.items():
        columns = ("transmission", "channels_left", "channels_right")
        spectrum_ = np.array([found[column].values for column in columns])
        low = solved.elastic_error if name == "agf" and solved is not None else np.zeros(3)
        g = conductance(grid, spectrum_, t)
        error = conductance_error(grid, spectrum_, t, elastic=sampling.elastic, elastic_error=low)
        if MODELS[name].of_lattice and name != "agf":  # channels counted over the zone
            error = np.hypot(error, g * bulk)
        if "transmission_error" in found:
            error = np.hypot(error, conductance(grid, quadrature_errors(found), t))
        two.append(g[0])
        two_error.append(error[0])
        four.append(four_probe(*g))
        four_error.append(four_probe_error(four[-1], g, error))
    dims = ("model", "temperature")
    table = xr.Dataset(
        {
            **conductances_and_resistances(dims, np.array(two), np.array(four)),
            "conductance_error": (
                dims,
                np.array(two_error),
                {
                    "units": "W m-2 K-1",
                    "long_name": "uncertainty of the conductance from its sampling, covers 95 %",
                },
            ),
            "conductance_four_probe_error": (
                dims,
                np.array(four_error),
                {
                    "units": "W m-2 K-1",
                    "long_name": "uncertainty of the four-probe conductance from its sampling, covers 95 %",
                },
            ),
            "exceeds_lattice_limit": (
                dims,
                np.zeros((len(two), t.size), dtype=bool),
                {"units": "1", "long_name": ABOVE_LATTICE},
            ),
        },
        coords={
            "model": ("model", list(spectra), {"units": "1", "long_name": "model"}),
            "temperature": ("temperature", t, {"units": "K", "long_name": "temperature"}),
        },
    )
    return table


def _mark_above(table: xr.Dataset, limit: xr.Dataset, sampling: Sampling, bulk: Floats) -> None:
    """Mark where models of other channels exceed the lattice's limit by more than both uncertainties."""
    t = table["temperature"].values
    least = limit["transmission"].values
    g = conductance(sampling.grid, least, t)
    error = conductance_error(sampling.grid, least, t, elastic=sampling.elastic)
    bar = np.sqrt(table["conductance_error"].values ** 2 + error**2 + (g * bulk) ** 2)
    own = np.array([not MODELS[name].of_lattice for name in table["model"].values.tolist()])[:, None]
    table["exceeds_lattice_limit"].values[:] = own & (table["conductance"].values > g + bar)


def _paths(interface: Interface) -> tuple[BandPath, BandPath]:
    """Band path of each crystal; that of the left for both where their cells correspond vector by vector."""
    left, right = (crystal.atoms.cell for crystal in (interface.left, interface.right))
    path = band_path(interface.left)
    alike = np.linalg.norm(left.array - right.array, axis=1) < _LIKE_CELL * np.linalg.norm(left.array, axis=1)
    return path, path if alike.all() else band_path(interface.right)


def _strains(interface: Interface) -> dict[str, dict[str, list[float]]]:
    """In-plane strain of both crystals from their own equilibrium, and what of it was asked for."""
    return {
        side: {"tensor": strain.tolist(), "principal": principal_strain(strain).tolist()}
        for side, strain in (
            ("left", interface.matched.strain_left),
            ("right", interface.matched.strain_right),
            ("given", interface.matched.given),
        )
    }


def _versions() -> dict[str, str]:
    packages = ("ase", "h5netcdf", "matscipy", "numpy", "phonopy", "scipy", "spglib", "xarray")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
