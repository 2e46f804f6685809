"""Results of continuum models alone: two crystals or media, and layers between two media.

A result is a tree like that of :func:`latmm.comparison.compare`: both sides, a node of Ξ and M for each
model, and ``/comparison``; it says what the theory leaves out, and keeps the checks of the sides.
"""

from collections.abc import Sequence
from math import isfinite

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.checks import dumps
from latmm.continuum.angles import incidence
from latmm.continuum.combined import Conductances, Side, comparison_table, graded_grid, survey
from latmm.continuum.layers import Layer, Stack, acoustic_mismatch_stack
from latmm.continuum.low_temperature import LONG_WAVELENGTH_LIMIT
from latmm.landauer import temperatures
from latmm.limits import limits_of
from latmm.models import defaults
from latmm.results import as_json
from latmm.threads import single_threaded

__all__ = ["layered_mismatch", "mismatch"]

_ANGLES = tuple(0.1 * i for i in range(900))
"""Angles of incidence of the transmissivities, degrees."""
_ELASTIC = ("amm", "khalatnikov", "mixed")
"""Models whose elastic waves have a transmissivity at each angle."""


@single_threaded
def mismatch(
    left: Side,
    right: Side,
    temperature: ArrayLike,
    models: Sequence[str] = (),
    *,
    roughness: float | None = None,
) -> xr.DataTree:
    """Thermal boundary conductance of two crystals or media by continuum models.

    Parameters
    ----------
    left, right : Side
        Both sides; normal along z.
    temperature : (N,) array_like
        K.
    models : sequence of str
        Names of :data:`latmm.models.MODELS`, but for that of the lattice; by default the acoustic mismatch
        models, and the diffuse ones of what is known: of the dispersion, or of Debye's.
    roughness : float, optional
        Root-mean-square roughness of the interface, nm; for ``mixed``.

    Returns
    -------
    xarray.DataTree
        What :func:`latmm.continuum.combined.survey` returns, with ``/left`` and ``/right``, both media; where
        there are elastic waves among the models, ``/angles``, their transmissivity against the angle of
        incidence (:func:`latmm.continuum.angles.incidence`); and the limits of the theory and the checks of
        both sides among the attributes.

    Raises
    ------
    InputError
        If a model is unknown, or needs what a side does not have.
    """
    crystals = left.force_constants is not None and right.force_constants is not None
    chosen = tuple(models) or (*defaults("amm"), *defaults("dmm" if crystals else "media"))
    tree = survey(left, right, temperature, chosen, roughness=roughness)
    if any(name.startswith(_ELASTIC) for name in chosen):
        tree["angles"] = xr.DataTree(incidence(left.isotropic, right.isotropic, _ANGLES))
    return _described(tree, left, right, ())


@single_threaded
def layered_mismatch(
    left: Side,
    right: Side,
    layers: Sequence[Layer],
    temperature: ArrayLike,
    *,
    compliance: Floats | None = None,
) -> xr.DataTree:
    """Thermal boundary conductance of two media with layers between them, by acoustic mismatch.

    Parameters
    ----------
    left, right : Side
        The half spaces; their isotropic averages count.
    layers : sequence of Layer
        From left to right; may be empty.
    temperature : (N,) array_like
        K.
    compliance : (3, 3) float, optional
        Of the springs at the first interface, nm GPa⁻¹ (:func:`latmm.continuum.boundary.spring_compliance`).

    Returns
    -------
    xarray.DataTree
        ``/bare`` and ``/layers`` with Ξ and M (nm⁻²), ``/comparison`` of both
        (:func:`latmm.continuum.combined.comparison_table`), ``/left`` and ``/right``, both media, and
        ``/stack``, the layers.

    Raises
    ------
    InputError
        If a temperature or a layer makes no sense.
    """
    t = temperatures(temperature)
    grid = graded_grid((left, right), t)
    stacks = {
        "bare": Stack(left.isotropic, right.isotropic),
        "layers": Stack(left.isotropic, right.isotropic, tuple(layers), compliance),
    }
    spectra = {name: acoustic_mismatch_stack(stack, grid) for name, stack in stacks.items()}
    rows = {
        name: Conductances.of_spectrum(
            grid, spectra[name], t, acoustic_mismatch_stack(stack, LONG_WAVELENGTH_LIMIT)
        )
        for name, stack in stacks.items()
    }
    comparison = comparison_table(rows, t)
    tree = xr.DataTree.from_dict({"/comparison": comparison, **{f"/{k}": v for k, v in spectra.items()}})
    if layers:
        tree["stack"] = xr.DataTree(_stack(layers))
    number = len(layers)
    springs = [] if compliance is None else ["springs"]
    between = [*springs, *([f"{number} layer{'s' * (number > 1)}"] if number else [])]
    return _described(tree, left, right, between)


def _described(tree: xr.DataTree, left: Side, right: Side, between: Sequence[str]) -> xr.DataTree:
    """Add both media, what the theory leaves out, and the checks."""
    pair = " | ".join([left.medium.name, *between, right.medium.name])
    limits = limits_of(left.elements, right.elements)
    if not any(isfinite(side.medium.cell_density) for side in (left, right)):
        limits.append(
            "neither medium has a cell density (n=), so G follows the law of low temperature for ever; it "
            "holds far below the Debye temperatures"
        )
    tree.attrs |= {
        "title": f"Continuum models of the interface {pair}",
        "interface": pair,
        "limits": as_json(limits),
        "checks": dumps({**left.checks, **right.checks}),
    }
    for name, side in (("left", left), ("right", right)):
        tree[name] = xr.DataTree(_medium(side))
    return tree


def _medium(side: Side) -> xr.Dataset:
    medium = side.medium
    columns = {
        "density": ((), medium.density, "g cm-3", "mass density"),
        "cell_density": ((), medium.cell_density, "nm-3", "primitive cells per volume"),
        "stiffness": (("voigt", "voigt_column"), medium.stiffness, "GPa", "elastic stiffness"),
        "stress": (("axis", "axis_column"), medium.stress, "GPa", "initial stress"),
    }
    return xr.Dataset(
        {
            key: (dims, values, {"units": units, "long_name": text})
            for key, (dims, values, units, text) in columns.items()
        },
        attrs={"name": medium.name},
    )


def _stack(layers: Sequence[Layer]) -> xr.Dataset:
    """Medium and thickness of every layer, from left to right."""
    speeds = [layer.medium.speeds for layer in layers]
    columns = {
        "thickness": ([layer.thickness for layer in layers], "nm", "thickness"),
        "density": ([layer.medium.density for layer in layers], "g cm-3", "density"),
        "longitudinal": ([one.longitudinal for one in speeds], "km s-1", "longitudinal speed of sound"),
        "transverse": ([one.transverse for one in speeds], "km s-1", "transverse speed of sound"),
    }
    return xr.Dataset(
        {
            name: ("layer", np.asarray(values), {"units": unit, "long_name": text})
            for name, (values, unit, text) in columns.items()
        },
        coords={"medium": ("layer", [layer.medium.name for layer in layers])},
    )
