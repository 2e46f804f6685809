"""Ensembles of disordered contacts: mean and standard error of Ξ(ν) and G(T), specular and diffuse parts.

Every realisation has a seed of its own, spawned from one root (:class:`numpy.random.SeedSequence`): the first
n of an ensemble are the same whatever its size and whoever computes them. All realisations and the abrupt
contact are solved at the same samples of k∥ and ν, so that sampling errors largely cancel in their ratio. The
standard error of the mean over n realisations is s/√n, s their sample standard deviation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.random import SeedSequence
from numpy.typing import ArrayLike

from latmm import __version__
from latmm.arrays import Floats
from latmm.checks import Checks, by_name, check, dumps, worst
from latmm.defaults import ENSEMBLE
from latmm.disorder.kinds import Disorder
from latmm.disorder.realisation import realise, undisturbed
from latmm.errors import InputError
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid, conductance, temperatures
from latmm.limits import limits_of
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.results import as_json
from latmm.sampling.meshes import check_sampling
from latmm.studies.collecting import axes, checks_of, collect, numbers_of, opened
from latmm.sweep.measures import SpecularTransmission
from latmm.sweep.refinement import Sampling
from latmm.sweep.run import sweep
from latmm.threads import single_threaded

__all__ = ["Draws", "ensemble"]

_ABRUPT = "abrupt"
"""Name of the contact without disorder."""
_SPECULAR_XI = "transmission that keeps the in-plane wave vector"
_SPECULAR_G = "conductance of what keeps the in-plane wave vector"


@dataclass(frozen=True)
class Draws:
    """What an ensemble is made of.

    Attributes
    ----------
    disorder : Disorder
        Its kind, from :mod:`latmm.disorder.kinds`.
    realisations : int
        How many are drawn, two at least.
    seed : int
        Root of all seeds.
    """

    disorder: Disorder
    realisations: int
    seed: int = 0

    def __post_init__(self) -> None:
        if int(self.realisations) != self.realisations or self.realisations < 2:
            raise InputError(
                "an ensemble needs at least two realisations for its standard error, but has "
                f"{self.realisations}; use e.g. 20"
            )

    @property
    def seeds(self) -> list[SeedSequence]:
        """A seed of its own for each, the same whatever their number."""
        return SeedSequence(self.seed).spawn(self.realisations)


@dataclass(frozen=True)
class _Job:
    """What all realisations share."""

    ideal: Interface
    disorder: Disorder
    potential: Potential | None
    relax: bool
    sampling: Sampling
    how: Execution


@dataclass(frozen=True)
class _Found:
    """One realisation.

    ``transmission``, ``specular``, ``channels_left``, ``channels_right`` (F,) in nm⁻²; the number of its
    atoms, and its checks.
    """

    transmission: Floats
    specular: Floats
    channels_left: Floats
    channels_right: Floats
    atoms: int
    checks: Checks

    def row(self, names: Sequence[str]) -> Floats:
        """Write as a row of numbers, with the checks of these names; not a number where there is none."""
        spectra = (self.transmission, self.specular, self.channels_left, self.channels_right)
        return np.concatenate([[float(self.atoms)], numbers_of(self.checks, names), *spectra])

    @classmethod
    def of(cls, row: Floats, names: Sequence[str], where: str) -> "_Found":
        """Read a row; ``where`` says of which contact."""
        checks, spectra = row[1 : 1 + 2 * len(names)], row[1 + 2 * len(names) :]
        whole, specular, left, right = spectra.reshape(4, -1)
        return cls(whole, specular, left, right, int(row[0]), checks_of(checks, names, where))


@single_threaded
def ensemble(
    ideal: Interface,
    draws: Draws,
    temperature: ArrayLike,
    *,
    potential: Potential | None = None,
    relax: bool = True,
    kmesh: tuple[int, int] = ENSEMBLE.kmesh,
    frequencies: int = ENSEMBLE.frequencies,
    how: Execution = HERE,
) -> xr.DataTree:
    """Thermal boundary conductance of disordered contacts.

    Parameters
    ----------
    ideal : Interface
        The contact without disorder, in a lateral supercell (:func:`latmm.interface.tiling.tile`).
    draws : Draws
        Kind of disorder, number of realisations, and seed.
    temperature : array_like
        T, K.
    potential : Potential, optional
        That of the ideal contact; without one, mixed species have the mean force constants of both crystals.
    relax : bool
        Relax contacts of mixed species or with vacancies.
    kmesh : (2,) int
        k∥ points along both axes of the supercell's reciprocal cell.
    frequencies : int
        Frequencies in the band that both crystals share.
    how : Execution
        Who computes the realisations; the stages of a single contact are told where this process does. A
        store goes on also with more realisations.

    Returns
    -------
    xarray.DataTree
        ``/`` provenance; ``/abrupt`` and ``/realisations`` Ξ, its specular part and G; ``/comparison`` mean,
        standard error and ratio to the abrupt contact.

    Raises
    ------
    InputError
        If an argument makes no sense, or the store is that of another ensemble.
    """
    t = temperatures(temperature)
    check_sampling(kmesh, frequencies)
    # what makes no sense on these crystals is told before any work
    disorder = draws.disorder
    disorder.apply(ideal.slab, ideal.matched, np.random.default_rng(draws.seed))
    sampling = Sampling.of(ideal, kmesh, frequencies, minimum_temperature=float(t.min()), disordered=True)
    grid = sampling.grid
    each = HERE if how.executor is not None else Execution(progress=how.progress)
    job = _Job(ideal, disorder, potential, relax, sampling, each)
    items: dict[str, SeedSequence | None] = {_ABRUPT: None}
    items.update((_numbered(i), seq) for i, seq in enumerate(draws.seeds))
    rows = collect(
        _solve,
        job,
        items,
        stage="realisations",
        width=1 + 2 * len(_names(ideal)) + 4 * grid.frequency.size,
        store=opened(
            *(how.store, ideal, grid),
            kmesh=kmesh,
            potential=potential,
            relax=relax,
            own={"disorder": disorder, "seed": int(draws.seed)},
        ),
        how=how,
    )
    names = _names(ideal)
    abrupt, *drawn = (_Found.of(rows[name], names, name) for name in items)
    root = {
        "title": "Thermal boundary conductance of disordered contacts",
        "latmm_version": __version__,
        "disorder": disorder.describe(),
        "seed": draws.seed,
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
        "force_constants": "masses or mean force constants" if potential is None else "of the potential",
        "relaxed": str(relax),
        "kmesh": list(kmesh),
        "frequencies": frequencies,
        "checks": dumps(worst([ideal.checks, *(one.checks for one in (abrupt, *drawn))])),
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=root), **_tables(grid, t, abrupt, drawn)})


def _numbered(realisation: int) -> str:
    """Name of a realisation in the store."""
    return f"realisation-{realisation}"


def _solve(job: _Job, seed: SeedSequence | None) -> Floats:
    """Draw and solve one contact; without a seed, the abrupt one."""
    if seed is None:
        contact = undisturbed(job.ideal, job.potential)
    else:
        contact = realise(
            job.ideal, job.disorder, seed, potential=job.potential, relax=job.relax, how=job.how
        )
    at = job.sampling
    solved = sweep(
        *(contact, at.grid, at.samples),
        common=at.common,
        measure=SpecularTransmission(),
        how=job.how,
    )
    checks = [
        check("unitarity", solved.unitarity, 1e-8),
        check("caroli", solved.caroli, 1e-8),
        check("reciprocity", solved.reciprocity, 1e-8),
    ]
    return _Found(
        solved.transmission,
        np.asarray(solved.specular),
        solved.channels_left,
        solved.channels_right,
        len(contact.slab.atoms),
        {**contact.checks, **by_name(checks)},
    ).row(_names(job.ideal))


def _names(ideal: Interface) -> list[str]:
    """Names of the checks of a contact."""
    return sorted({*ideal.checks, "unitarity", "caroli", "reciprocity"})


def _tables(grid: FrequencyGrid, t: Floats, abrupt: _Found, drawn: list[_Found]) -> dict[str, xr.Dataset]:
    """Label the spectra and conductances of all contacts."""
    coordinates = axes(grid, t)
    total, specular = (
        np.array([getattr(one, name) for one in drawn]) for name in ("transmission", "specular")
    )
    g, g_specular = conductance(grid, total, t), conductance(grid, specular, t)
    g_abrupt, g_abrupt_specular = (conductance(grid, xi, t) for xi in (abrupt.transmission, abrupt.specular))
    channels = {
        f"channels_{side}": _spectral(
            ("frequency",),
            getattr(abrupt, f"channels_{side}"),
            f"phonon channels of the {side} crystal",
        )
        for side in ("left", "right")
    }
    each = ("realisation",)
    return {
        "/abrupt": xr.Dataset(
            {
                "transmission": _spectral(("frequency",), abrupt.transmission, "transmission"),
                "specular_transmission": _spectral(("frequency",), abrupt.specular, _SPECULAR_XI),
                "conductance": _conductance(("temperature",), g_abrupt, "thermal boundary conductance"),
                "specular_conductance": _conductance(("temperature",), g_abrupt_specular, _SPECULAR_G),
                **channels,
            },
            coords=coordinates,
        ),
        "/realisations": xr.Dataset(
            {
                "transmission": _spectral((*each, "frequency"), total, "transmission"),
                "specular_transmission": _spectral((*each, "frequency"), specular, _SPECULAR_XI),
                "conductance": _conductance((*each, "temperature"), g, "thermal boundary conductance"),
                "specular_conductance": _conductance((*each, "temperature"), g_specular, _SPECULAR_G),
                "atoms": (
                    each,
                    [one.atoms for one in drawn],
                    {"units": "1", "long_name": "atoms of the slab"},
                ),
            },
            coords={
                **coordinates,
                "realisation": (each, np.arange(len(drawn)), {"units": "1", "long_name": "realisation"}),
            },
        ),
        "/comparison": _comparison(
            coordinates, (total, specular), (g, g_specular), (g_abrupt, g_abrupt_specular)
        ),
    }


def _comparison(
    coordinates: Mapping[str, object],
    spectra: tuple[Floats, Floats],
    conductances: tuple[Floats, Floats],
    abrupt: tuple[Floats, Floats],
) -> xr.Dataset:
    """Means over the realisations (first axis), and their standard errors."""
    g, ratio = conductances[0], conductances[0] / abrupt[0]
    fraction = conductances[1] / conductances[0]
    per_frequency, per_temperature = ("frequency",), ("temperature",)
    columns: dict[str, xr.Variable] = {
        "conductance_abrupt": _conductance(per_temperature, abrupt[0], "abrupt contact"),
        "specular_fraction_abrupt": xr.Variable(
            per_temperature,
            abrupt[1] / abrupt[0],
            {"units": "1", "long_name": "fraction of the abrupt contact's conductance that keeps k-parallel"},
        ),
    }
    for name, values, dims, units, text in (
        ("conductance", g, per_temperature, "W m-2 K-1", "thermal boundary conductance"),
        ("ratio", ratio, per_temperature, "1", "conductance over that of the abrupt contact"),
        (
            "specular_fraction",
            fraction,
            per_temperature,
            "1",
            "fraction of the conductance that keeps k-parallel",
        ),
        ("transmission", spectra[0], per_frequency, "nm-2", "transmission"),
        ("specular_transmission", spectra[1], per_frequency, "nm-2", "transmission that keeps k-parallel"),
    ):
        columns[name] = xr.Variable(dims, values.mean(axis=0), {"units": units, "long_name": f"{text}, mean"})
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        columns[f"{name}_error"] = xr.Variable(
            dims, error, {"units": units, "long_name": f"{text}, standard error of the mean"}
        )
    return xr.Dataset(columns, coords=coordinates)


def _spectral(dims: tuple[str, ...], values: Floats, name: str) -> xr.Variable:
    return xr.Variable(dims, values, {"units": "nm-2", "long_name": name})


def _conductance(dims: tuple[str, ...], values: Floats, name: str) -> xr.Variable:
    return xr.Variable(dims, values, {"units": "W m-2 K-1", "long_name": name})
