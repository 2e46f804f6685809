"""Engineered layers between two crystals: what they gain over the abrupt contact, lattice beside continuum.

Every design is solved by the lattice on the samples of the abrupt contact, and by acoustic mismatch through a
stack of layers. The lines to beat are acoustic and diffuse mismatch of the abrupt contact. A layer that is
homogeneous in the plane keeps k∥, so that no design can exceed the limit of flat contacts
(:mod:`latmm.sweep.run`), which is below the radiation limit min(M_left, M_right) of the summed channels, and
can be below diffuse mismatch, which forgets k∥.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm import __version__
from latmm.arrays import Floats
from latmm.checks import KINDS, Checks, by_name, check, dumps, worst
from latmm.continuum.combined import ContinuumModels, Side
from latmm.continuum.layers import acoustic_mismatch_stack
from latmm.defaults import LAYERS
from latmm.disorder.kinds import Interlayer
from latmm.disorder.profiles import Profile
from latmm.disorder.realisation import realise
from latmm.disorder.virtual import graded
from latmm.errors import InputError
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid, conductance, temperatures
from latmm.limits import limits_of
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.results import as_json
from latmm.studies.collecting import axes, checks_of, collect, name_of, numbers_of, opened
from latmm.studies.designs import Design, continuum_stack
from latmm.sweep.refinement import Sampling
from latmm.sweep.run import sweep
from latmm.threads import single_threaded

__all__ = ["layer_study"]

_CONTINUUM_MESH = 12
"""Azimuths and nodes of the slowness mesh of a stack: 0.5 % of its conductance."""
_ABRUPT = Design("abrupt", Profile.linear(0))
_CONTACT = ("residual_force", "region_stability")
"""Checks of each design's contact, also in the table of designs."""
_SOLVED = ("unitarity", "caroli", "reciprocity")


@dataclass(frozen=True)
class _Job:
    """What all designs share."""

    ideal: Interface
    sampling: Sampling
    sides: tuple[Side, Side]
    potential: Potential | None
    relax: bool


@dataclass(frozen=True)
class _Found:
    """Ξ (F,) of the lattice, the limit of flat contacts and Ξ of the continuum's stack, nm⁻²; checks."""

    lattice: Floats
    flat_limit: Floats
    continuum: Floats
    checks: Checks

    def row(self, names: Sequence[str]) -> Floats:
        """Write as a row of numbers, with the checks of these names; not a number where there is none."""
        spectra = (self.lattice, self.flat_limit, self.continuum)
        return np.concatenate([numbers_of(self.checks, names), *spectra])

    @classmethod
    def of(cls, row: Floats, names: Sequence[str], layer: Design) -> "_Found":
        """Read a row."""
        where = f"{layer.name}, {layer.planes} planes" if layer.planes else layer.name
        checks = checks_of(row[: 2 * len(names)], names, where)
        lattice, flat_limit, continuum = row[2 * len(names) :].reshape(3, -1)
        return cls(lattice, flat_limit, continuum, checks)


@single_threaded
def layer_study(
    ideal: Interface,
    designs: Sequence[Design],
    temperature: ArrayLike,
    *,
    potential: Potential | None = None,
    relax: bool = True,
    kmesh: tuple[int, int] = LAYERS.kmesh,
    frequencies: int = LAYERS.frequencies,
    how: Execution = HERE,
) -> xr.DataTree:
    """Conductance of an interface with layers of several designs.

    Parameters
    ----------
    ideal : Interface
        The abrupt contact of two crystals of one structure, in the primitive lateral cell.
    designs : sequence of Design
        From :mod:`latmm.studies.designs`.
    temperature : array_like
        T, K.
    potential : Potential, optional
        Of the crystals and of any third material among the designs.
    relax : bool
        Relax the contacts with a third material.
    kmesh : (2,) int
        k∥ points along both axes of the in-plane reciprocal cell.
    frequencies : int
        Frequencies in the band that both crystals share.
    how : Execution
        Who computes the designs. A store
        goes on also with other designs.

    Returns
    -------
    xarray.DataTree
        ``/`` provenance; ``/designs`` conductance, its ratio to the abrupt contact (``gain``) and to the
        larger of both mismatch models, the same of the continuum (not a number for a third material), largest
        force and instability of its contact; ``/models`` the lines of the abrupt contact.

    Raises
    ------
    InputError
        If there is no design, or a third material has no potential.
    """
    t = temperatures(temperature)
    if not designs:
        raise InputError("a study of layers needs at least one design; give a profile and a number of planes")
    if potential is None and any(isinstance(layer.content, Interlayer) for layer in designs):
        raise InputError("a layer of a third material needs a potential for its force constants; give one")
    sampling = Sampling.of(ideal, kmesh, frequencies, minimum_temperature=float(t.min()))
    grid = sampling.grid
    sides = (
        Side.from_force_constants(ideal.left, "the left crystal"),
        Side.from_force_constants(ideal.right, "the right crystal"),
    )
    job = _Job(ideal, sampling, sides, potential, relax)
    names = _names(ideal)
    items = {name_of(layer): layer for layer in (*designs, _ABRUPT)}
    rows = collect(
        _solve,
        job,
        items,
        stage="designs",
        width=2 * len(names) + 3 * grid.frequency.size,
        store=opened(how.store, ideal, grid, kmesh=kmesh, potential=potential, relax=relax, own={}),
        how=how,
    )
    *solved, abrupt = (_Found.of(rows[name_of(layer)], names, layer) for layer in (*designs, _ABRUPT))
    continuum = ContinuumModels(*sides, grid, None)
    spectra = {
        "agf": abrupt.lattice,
        **{name: continuum.spectrum(name)["transmission"].values for name in ("amm", "dmm")},
        "flat-limit": abrupt.flat_limit,
        "radiation": continuum.spectrum("radiation")["transmission"].values,
    }
    root = {
        "title": "Thermal boundary conductance of engineered layers",
        "latmm_version": __version__,
        "area": ideal.area,
        "area_units": "angstrom2",
        "potential": ideal.potential,
        "limits": as_json(
            limits_of(
                ideal.left.atoms.get_chemical_symbols(),
                ideal.right.atoms.get_chemical_symbols(),
                ideal.potential,
            )
        ),
        "layers": "virtual crystals: means of both crystals' masses and force constants; "
        "third materials by the potential",
        "kmesh": list(kmesh),
        "frequencies": frequencies,
        "checks": dumps(worst([ideal.checks, *(one.checks for one in (abrupt, *solved))])),
    }
    models = _models(grid, t, spectra)
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs=root),
            "/designs": _designs(grid, t, designs, solved, abrupt, models),
            "/models": models,
        }
    )


def _solve(job: _Job, layer: Design) -> Floats:
    """Solve one design by both routes."""
    at, content = job.sampling, layer.content
    if isinstance(content, Interlayer):
        contact = realise(job.ideal, content, 0, potential=job.potential, relax=job.relax)
    else:
        contact = graded(job.ideal, content) if layer.planes else job.ideal
    solved = sweep(contact, at.grid, at.samples, common=at.common)
    if isinstance(content, Interlayer):  # its elastic medium is not known
        continuum = np.full(at.grid.frequency.size, np.nan)
    else:
        stack = continuum_stack(content, job.ideal, *job.sides)
        table = acoustic_mismatch_stack(stack, at.grid, azimuths=_CONTINUUM_MESH, nodes=_CONTINUUM_MESH)
        continuum = table["transmission"].values
    own = [check(name, getattr(solved, name), 1e-8) for name in _SOLVED]
    checks = {**contact.checks, **by_name(own)}
    return _Found(solved.transmission, solved.flat_limit, continuum, checks).row(_names(job.ideal))


def _names(ideal: Interface) -> list[str]:
    """Names of the checks of a design."""
    return sorted({*ideal.checks, *_CONTACT, *_SOLVED})


def _models(grid: FrequencyGrid, t: Floats, spectra: dict[str, Floats]) -> xr.Dataset:
    """Ξ and G of the abrupt contact by model."""
    values = np.array(list(spectra.values()))
    units = {"units": "W m-2 K-1", "long_name": "thermal boundary conductance of the abrupt contact"}
    return xr.Dataset(
        {
            "transmission": (
                ("model", "frequency"),
                values,
                {"units": "nm-2", "long_name": "transmission of the abrupt contact"},
            ),
            "conductance": (("model", "temperature"), conductance(grid, values, t), units),
        },
        coords={
            "model": ("model", list(spectra), {"units": "1", "long_name": "model"}),
            **axes(grid, t),
        },
    )


def _designs(
    grid: FrequencyGrid,
    t: Floats,
    designs: Sequence[Design],
    solved: list[_Found],
    abrupt: _Found,
    models: xr.Dataset,
) -> xr.Dataset:
    """Ξ, G and gain of every design, by the lattice and by the continuum."""
    xi = np.array([one.lattice for one in solved])
    g = conductance(grid, xi, t)
    g_stack = conductance(grid, np.array([one.continuum for one in solved]), t)
    lines = models["conductance"].sel(model=["amm", "dmm"]).max("model").values
    both = ("design", "temperature")
    ratio = {"units": "1"}
    return xr.Dataset(
        {
            **{name: _values(name, solved) for name in _CONTACT},
            "transmission": (("design", "frequency"), xi, {"units": "nm-2", "long_name": "transmission"}),
            "conductance": (both, g, {"units": "W m-2 K-1", "long_name": "thermal boundary conductance"}),
            "gain": (
                both,
                g / conductance(grid, abrupt.lattice, t),
                {**ratio, "long_name": "conductance over that of the abrupt contact"},
            ),
            "over_mismatch": (
                both,
                g / lines,
                {**ratio, "long_name": "conductance over the larger of both mismatch models, abrupt contact"},
            ),
            "continuum_conductance": (
                both,
                g_stack,
                {"units": "W m-2 K-1", "long_name": "acoustic mismatch through the same layers"},
            ),
            "continuum_gain": (
                both,
                g_stack / conductance(grid, abrupt.continuum, t),
                {**ratio, "long_name": "acoustic mismatch through the layers over that without them"},
            ),
        },
        coords={
            "profile": ("design", [one.name for one in designs], {"units": "1", "long_name": "profile"}),
            "planes": (
                "design",
                [one.planes for one in designs],
                {"units": "1", "long_name": "atomic planes of the layer"},
            ),
            **axes(grid, t),
        },
    )


def _values(name: str, solved: Sequence[_Found]) -> xr.Variable:
    """Values of a check by design; not a number where it is not known."""
    found = [one.checks.get(name) for one in solved]
    unit, meaning, _ = KINDS[name]
    values = [np.nan if one is None else one.value for one in found]
    return xr.Variable("design", values, {"units": unit, "long_name": meaning})
