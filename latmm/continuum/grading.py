"""Interlayers that match two media: graded profiles, and the best single layer at a temperature.

A quarter-wave layer of Z = (Z_left Z_right)^½ transmits one frequency in full; a graded one transmits all
waves shorter than its thickness; and what serves heat best depends on temperature. Media in between two
others are made on the geometric path: density ρ = ρ_l^(1−x) ρ_r^x, stiffness exp[(1 − x) ln C_l + x ln C_r]
(of the matrices in Kelvin's normalised notation, so that it does not depend on the axes), which for isotropic
media passes through the geometric mean of the moduli and hence of the impedances.

Source of the path: V. Arsigny et al., SIAM J. Matrix Anal. Appl. 29, 328 (2007) (log-Euclidean mean).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.optimize import minimize

from latmm.arrays import Floats
from latmm.continuum.layers import Layer, Stack, acoustic_mismatch_stack
from latmm.continuum.media import Medium
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, conductance
from latmm.units import THZ_PER_KELVIN

__all__ = ["MatchingLayer", "best_matching_layer", "graded_layers", "intermediate", "linear_impedance"]

_KELVIN = np.diag([1.0, 1.0, 1.0, 2.0**0.5, 2.0**0.5, 2.0**0.5])


def intermediate(left: Medium, right: Medium, fraction: float) -> Medium:
    """Medium on the geometric path from ``left`` (0) to ``right`` (1).

    Raises
    ------
    InputError
        If a medium is a fluid or under stress, or the fraction is outside [0, 1].
    """
    if not 0.0 <= fraction <= 1.0:
        raise InputError(f"the fraction between two media must lie in [0, 1], but is {fraction}")
    for medium in (left, right):
        if medium.is_fluid or np.any(np.abs(medium.stress) > 1e-9 * np.max(medium.stiffness)):
            raise InputError(f"grading needs solids without initial stress, but {medium.name} is not one")
    logarithm = (1.0 - fraction) * _logarithm(left) + fraction * _logarithm(right)
    values, vectors = np.linalg.eigh(logarithm)
    inverse = np.linalg.inv(_KELVIN)
    stiffness = inverse @ ((vectors * np.exp(values)) @ vectors.T) @ inverse
    return Medium(
        density=left.density ** (1.0 - fraction) * right.density**fraction,
        stiffness=0.5 * (stiffness + stiffness.T),
        cell_density=left.cell_density
        if left.cell_density == right.cell_density
        else left.cell_density ** (1.0 - fraction) * right.cell_density**fraction,
        name=f"{left.name}-{right.name} {fraction:.3g}",
    )


def _logarithm(medium: Medium) -> Floats:
    values, vectors = np.linalg.eigh(_KELVIN @ medium.stiffness @ _KELVIN)
    return np.asarray((vectors * np.log(values)) @ vectors.T)


def graded_layers(
    left: Medium,
    right: Medium,
    thickness: float,
    count: int,
    profile: Callable[[float], float] | None = None,
) -> tuple[Layer, ...]:
    """Divide a graded interlayer into thin homogeneous ones.

    Parameters
    ----------
    left, right : Medium
        Solids on both sides.
    thickness : float
        Of all layers together, nm.
    count : int
        Number of layers; each should be thinner than a tenth of the shortest wavelength that matters.
    profile : callable, optional
        Fraction of the way from left to right, in [0, 1], against relative depth in [0, 1]. The default is
        the depth itself: on the geometric path that is the exponential taper of the impedance.
        :func:`linear_impedance` gives the linear one.

    Returns
    -------
    tuple of Layer
        Sampled at the middle of each layer.
    """
    if count < 1:
        raise InputError(f"a graded interlayer needs at least one layer, but {count} were asked for")
    depths = (np.arange(count) + 0.5) / count
    fractions = [float(depth if profile is None else profile(float(depth))) for depth in depths]
    return tuple(Layer(intermediate(left, right, x), thickness / count) for x in fractions)


def linear_impedance(left: Medium, right: Medium) -> Callable[[float], float]:
    """Profile along which the longitudinal impedance along z grows linearly with depth."""
    z_left, z_right = (float(np.sqrt(m.density * m.stiffness[2, 2])) for m in (left, right))
    if z_left == z_right:
        return lambda depth: depth
    return lambda depth: float(np.log1p(depth * (z_right / z_left - 1.0)) / np.log(z_right / z_left))


_SCAN = 41
"""Thicknesses of the best layer's medium that are shown beside the best one, which is among them."""


@dataclass(frozen=True)
class MatchingLayer:
    """The best single layer between two media at a temperature.

    Attributes
    ----------
    layer : Layer
        Its medium, on the geometric path between both, and thickness (nm).
    fraction : float
        Position on that path: impedance Z_left^(1−x) Z_right^x.
    conductance : float
        With the layer, W m⁻² K⁻¹.
    bare_conductance : float
        Without, W m⁻² K⁻¹.
    thicknesses, conductances : (K,) ndarray
        Layers of that medium of other thickness (nm), and the conductance with each, W m⁻² K⁻¹.
    """

    layer: Layer
    fraction: float
    conductance: float
    bare_conductance: float
    thicknesses: Floats
    conductances: Floats


def best_matching_layer(
    left: Medium, right: Medium, temperature: float, grid: FrequencyGrid | None = None
) -> MatchingLayer:
    """Find the thickness and impedance of the layer that lets most heat pass.

    A coarse search over thickness (a hundredth to four dominant wavelengths) and position on the path is
    refined by Nelder and Mead's simplex.

    Parameters
    ----------
    left, right : Medium
        Solids without initial stress.
    temperature : float
        K.
    grid : FrequencyGrid, optional
        By default 40 Gauss nodes up to 20 k_B T/h.
    """
    if grid is None:
        x, w = np.polynomial.legendre.leggauss(40)
        top = 20.0 * THZ_PER_KELVIN * temperature
        grid = FrequencyGrid(0.5 * top * (x + 1.0), 0.5 * top * w)

    def value(fraction: float, log_thickness: float) -> float:
        layer = Layer(intermediate(left, right, fraction), float(np.exp(log_thickness)))
        table = acoustic_mismatch_stack(Stack(left, right, (layer,)), grid, azimuths=12, nodes=8)
        return float(conductance(grid, table.transmission, temperature)[0])

    bare_table = acoustic_mismatch_stack(Stack(left, right), grid, azimuths=12, nodes=8)
    bare = float(conductance(grid, bare_table.transmission, temperature)[0])
    middle = intermediate(left, right, 0.5)
    slow = float(np.sqrt(middle.stiffness[3, 3] / middle.density))
    wavelength = slow / (2.82 * THZ_PER_KELVIN * temperature)
    scales = np.log(wavelength * np.geomspace(0.01, 4.0, 9))
    starts = [(x, float(scale)) for x in (0.25, 0.5, 0.75) for scale in scales]
    first = np.array(max(starts, key=lambda start: value(*start)))
    found = minimize(
        lambda v: -value(float(np.clip(v[0], 0.0, 1.0)), float(v[1])) / bare,
        first,
        method="Nelder-Mead",
        options={
            "xatol": 1e-3,
            "fatol": 1e-6,
            "initial_simplex": first + np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.3]]),
        },
    )
    fraction = float(np.clip(found.x[0], 0.0, 1.0))
    layer = Layer(intermediate(left, right, fraction), float(np.exp(found.x[1])))
    scan = layer.thickness * np.geomspace(0.1, 10.0, _SCAN)
    scanned = np.array([value(fraction, float(np.log(d))) for d in scan])
    return MatchingLayer(layer, fraction, float(-found.fun * bare), bare, scan, scanned)


def thickness_table(best: MatchingLayer, temperature: float) -> xr.Dataset:
    """Label the conductance with layers of the best medium over their thickness.

    Parameters
    ----------
    best : MatchingLayer
    temperature : float
        That it was found for, K.
    """
    unit = {"units": "W m-2 K-1"}
    return xr.Dataset(
        {
            "conductance": (
                "thickness",
                best.conductances,
                {**unit, "long_name": "conductance with a layer of this thickness"},
            ),
            "bare_conductance": (
                (),
                best.bare_conductance,
                {**unit, "long_name": "conductance without a layer"},
            ),
            "best_conductance": (
                (),
                best.conductance,
                {**unit, "long_name": "conductance of the best layer"},
            ),
            "best_thickness": ((), best.layer.thickness, {"units": "nm", "long_name": "its thickness"}),
        },
        coords={"thickness": ("thickness", best.thicknesses, {"units": "nm", "long_name": "thickness"})},
        attrs={"temperature": temperature},
    )
