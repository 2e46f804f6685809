"""Elastic media: density, stiffness and, for Debye's cut-offs, the number of primitive cells per volume.

Long waves u = a exp[iω(s·x − t)] of slowness s in a medium of density ρ under an initial stress σ obey

    (C_ijkl s_j s_l + σ_jl s_j s_l δ_ik) a_k = ρ a_i,

so that every direction carries three speeds c = 1/|s|. Isotropic media have c_l and twice c_t. Debye's model
keeps those waves whose wave vector lies in the sphere of the primitive cell, |k| = ω|s| ≤ k_D = (6π²n)^(1/3):
each polarisation ends at its own ω_D = c k_D, and all together hold three modes a primitive cell.

Isotropic average of a crystal: Hill's mean of the bounds of Voigt (uniform strain) and Reuss (uniform
stress), because it needs no assumption on the texture and always lies between rigorous bounds
(R. Hill, Proc. Phys. Soc. A 65, 349 (1952)). An initial stress adds (σ_ij d_i d_j) to ρc² of every wave along
d: its mean over directions, tr σ/3, enters the average.

Units: density g cm⁻³, stiffness and stress GPa (tension positive), speed km s⁻¹ = nm ps⁻¹, slowness
s km⁻¹ = ps nm⁻¹, cells nm⁻³, wave vector rad nm⁻¹; GPa/(g cm⁻³) = (km s⁻¹)².
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, pi
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.stiffness import VOIGT, elasticity, stiffness_tensor
from latmm.ties import classes
from latmm.units import AMU_PER_A3, BOLTZMANN, THZ_PER_KELVIN, TWO_PI

__all__ = ["Medium", "Speeds", "rotation_to_normal"]


class Speeds(NamedTuple):
    """Speeds of an isotropic medium, km s⁻¹; ``transverse`` is zero in a fluid."""

    longitudinal: float
    transverse: float


def _no_stress() -> Floats:
    return np.zeros((3, 3))


@dataclass(frozen=True)
class Medium:
    """An elastic medium.

    Attributes
    ----------
    density : float
        ρ, g cm⁻³.
    stiffness : (6, 6) float
        C in Voigt's notation, GPa, in the axes of the laboratory (interface normal z by default).
    cell_density : float
        Primitive cells per volume, nm⁻³; infinite where no Debye cut-off is wanted.
    stress : (3, 3) float
        Initial stress, GPa, tension positive.
    name : str
        For messages and labels.

    Raises
    ------
    InputError
        On construction, if the density is not positive or the stiffness is not stable.
    """

    density: float
    stiffness: Floats
    cell_density: float = inf
    stress: Floats = field(default_factory=_no_stress)
    name: str = "medium"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.density) and self.density > 0):
            raise InputError(f"the density of {self.name} must be positive (g cm⁻³), but is {self.density}")
        if not self.cell_density > 0:
            raise InputError(
                f"the cell density of {self.name} must be positive (nm⁻³), but is {self.cell_density}"
            )
        c = np.asarray(self.stiffness, dtype=float)
        if c.shape != (6, 6) or not np.all(np.isfinite(c)):
            raise InputError(
                f"the stiffness of {self.name} must be a finite (6, 6) matrix in GPa, but has shape {c.shape}"
            )
        scale = float(np.max(np.abs(c)))
        if np.max(np.abs(c - c.T)) > 1e-6 * scale:
            raise InputError(
                f"the stiffness of {self.name} must be symmetric; check the order xx, yy, zz, yz, xz, xy"
            )
        lowest = float(np.linalg.eigvalsh(c)[0])
        if lowest < -1e-9 * scale:
            raise InputError(
                f"the stiffness of {self.name} is unstable: its lowest eigenvalue is {lowest:.4g} GPa; "
                "check the sign and order of its constants"
            )
        if self.stress.shape != (3, 3):
            raise InputError(
                f"the initial stress of {self.name} must be a (3, 3) matrix in GPa, "
                f"but has shape {self.stress.shape}"
            )

    @classmethod
    def isotropic(
        cls,
        density: float,
        longitudinal: float,
        transverse: float,
        *,
        cell_density: float = inf,
        name: str = "isotropic medium",
    ) -> "Medium":
        """Isotropic solid from its speeds of sound, km s⁻¹; transverse = 0 makes a fluid.

        Raises
        ------
        InputError
            If the speeds imply a negative bulk modulus (c_l < √(4/3) c_t) or are not positive.
        """
        if not (longitudinal > 0 and transverse >= 0 and 3 * longitudinal**2 >= 4 * transverse**2):
            raise InputError(
                f"{name}: speeds of sound must obey c_l ≥ √(4/3) c_t ≥ 0 (km/s), but are "
                f"c_l = {longitudinal}, c_t = {transverse}"
            )
        m, mu = float(density * longitudinal**2), float(density * transverse**2)
        stiffness = np.diag([m, m, m, mu, mu, mu])
        stiffness[:3, :3] += (m - 2 * mu) * (1.0 - np.eye(3))
        return cls(density, stiffness, cell_density, name=name)

    @classmethod
    def fluid(
        cls, density: float, speed: float, *, cell_density: float = inf, name: str = "fluid"
    ) -> "Medium":
        """Fluid from its density (g cm⁻³) and its one speed of sound (km s⁻¹)."""
        return cls.isotropic(density, speed, 0.0, cell_density=cell_density, name=name)

    @classmethod
    def from_force_constants(
        cls,
        force_constants: ForceConstants,
        *,
        normal: ArrayLike = (0.0, 0.0, 1.0),
        name: str = "crystal",
    ) -> "Medium":
        """Long-wave limit of a crystal whose cell is taken to be primitive, in the axes of its cell.

        Parameters
        ----------
        force_constants : ForceConstants
            Of the crystal as it is. In-plane strain shows as initial stress, which the medium keeps, so
            that its speeds are the slopes of the dispersion of the strained crystal.
        normal : (3,) array_like
            Direction free of stress.
        """
        constants = elasticity(force_constants, normal)
        return cls(
            density=force_constants.density * AMU_PER_A3,
            stiffness=constants.stiffness,
            cell_density=1e3 / force_constants.volume,
            stress=constants.stress,
            name=name,
        )

    @property
    def is_fluid(self) -> bool:
        """Whether the medium carries no shear."""
        return bool(np.max(np.abs(self.stiffness[3:, 3:])) <= 1e-12 * self.stiffness[0, 0])

    @property
    def debye_wave_vector(self) -> float:
        """Radius of Debye's sphere, rad nm⁻¹."""
        return float((6.0 * pi**2 * self.cell_density) ** (1.0 / 3.0))

    @property
    def moduli(self) -> Floats:
        """B_ijkl = C_ijkl + δ_ik σ_jl (3, 3, 3, 3), GPa: the traction of a wave is B_ijkl n_j ∂_l u_k."""
        return np.asarray(stiffness_tensor(self.stiffness) + np.einsum("ik,jl->ijkl", np.eye(3), self.stress))

    def christoffel(self, directions: ArrayLike) -> tuple[Floats, Floats]:
        """Speeds and polarisations of the three waves along each direction.

        Parameters
        ----------
        directions : (..., 3) array_like
            Unit vectors.

        Returns
        -------
        speed : (..., 3) ndarray
            Ascending, km s⁻¹.
        polarisation : (..., 3, 3) ndarray
            Columns: unit polarisations.

        Raises
        ------
        InputError
            If a direction carries a wave of imaginary speed.
        """
        d = np.asarray(directions, dtype=float)
        pairs = (d[..., :, None] * d[..., None, :]).reshape(*d.shape[:-1], 9)
        stiffness = pairs @ self.moduli.transpose(1, 3, 0, 2).reshape(9, 9)
        squares, vectors = np.linalg.eigh(stiffness.reshape(*d.shape[:-1], 3, 3))
        if np.min(squares) < -1e-9 * np.max(squares):
            raise InputError(f"{self.name} carries waves of imaginary speed: its stiffness is unstable")
        return np.sqrt(np.maximum(squares, 0.0) / self.density), vectors

    @cached_property
    def speed_range(self) -> tuple[float, float]:
        """Least and largest speed of all waves, within a per cent, km s⁻¹."""
        rays = np.random.default_rng(0).normal(size=(4000, 3))
        speed, _ = self.christoffel(rays / np.linalg.norm(rays, axis=1)[:, None])
        return float(speed.min()), float(speed.max())

    def rotated(self, rotation: ArrayLike) -> "Medium":
        """Turn the medium: ``rotation`` (3, 3) takes vectors of the old axes to the new ones."""
        r = np.asarray(rotation, dtype=float)
        if r.shape != (3, 3) or np.max(np.abs(r @ r.T - np.eye(3))) > 1e-8:
            raise InputError("a rotation must be an orthogonal (3, 3) matrix")
        tensor = np.einsum(
            "ai,bj,ck,dl,ijkl->abcd", r, r, r, r, stiffness_tensor(self.stiffness), optimize=True
        )
        i, j = np.array(VOIGT).T
        return replace(self, stiffness=tensor[i[:, None], j[:, None], i, j], stress=r @ self.stress @ r.T)

    def isotropic_average(self) -> "Medium":
        """Isotropic medium of Hill's bulk and shear modulus, see the module's docstring."""
        voigt, reuss = self.bounds()
        bulk, shear = (0.5 * (v + r) for v, r in zip(voigt, reuss, strict=True))
        tension = float(np.trace(self.stress)) / 3.0
        longitudinal = np.sqrt((bulk + 4.0 * shear / 3.0 + tension) / self.density)
        transverse = np.sqrt((shear + tension) / self.density)
        return Medium.isotropic(
            self.density,
            float(longitudinal),
            float(transverse),
            cell_density=self.cell_density,
            name=self.name,
        )

    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """(bulk, shear) modulus, GPa, after Voigt and after Reuss; equal for an isotropic medium."""
        c = self.stiffness
        if self.is_fluid:
            return (float(c[0, 0]), 0.0), (float(c[0, 0]), 0.0)
        s = np.linalg.inv(c)
        c_diagonal, s_diagonal = (np.trace(x[:3, :3]) for x in (c, s))
        c_mixed, s_mixed = (x[0, 1] + x[0, 2] + x[1, 2] for x in (c, s))
        c_shear, s_shear = (np.trace(x[3:, 3:]) for x in (c, s))
        voigt = ((c_diagonal + 2 * c_mixed) / 9, (c_diagonal - c_mixed + 3 * c_shear) / 15)
        reuss = (1 / (s_diagonal + 2 * s_mixed), 15 / (4 * s_diagonal - 4 * s_mixed + 3 * s_shear))
        return (float(voigt[0]), float(voigt[1])), (float(reuss[0]), float(reuss[1]))

    @property
    def speeds(self) -> Speeds:
        """Speeds of sound of an isotropic medium.

        Raises
        ------
        InputError
            If the medium is anisotropic or stressed.
        """
        c = self.stiffness
        m, mu = float(c[0, 0]), float(c[3, 3])
        ideal = np.diag([m, m, m, mu, mu, mu])
        ideal[:3, :3] += (m - 2 * mu) * (1.0 - np.eye(3))
        if np.max(np.abs(c - ideal)) > 1e-9 * m or np.max(np.abs(self.stress)) > 1e-9 * m:
            raise InputError(
                f"{self.name} is anisotropic: use the anisotropic model, or its isotropic_average()"
            )
        return Speeds(float(np.sqrt(m / self.density)), float(np.sqrt(max(mu, 0.0) / self.density)))

    def debye_frequencies(self) -> tuple[float, ...]:
        """Cut-off of each polarisation of an isotropic medium, THz: (longitudinal, transverse, transverse).

        A fluid has one.
        """
        longitudinal, transverse = self.speeds
        speeds = (longitudinal,) if self.is_fluid else (longitudinal, transverse, transverse)
        return tuple(c * self.debye_wave_vector / TWO_PI for c in speeds)

    def debye_temperature(self) -> float:
        """Debye temperature, K, from the mean of c⁻³ over polarisations (isotropic media)."""
        cutoffs = np.array(self.debye_frequencies())
        return float(np.mean(cutoffs**-3.0) ** (-1.0 / 3.0) / THZ_PER_KELVIN)

    def heat_capacity(self, temperature: ArrayLike) -> Floats:
        """Debye's heat capacity per volume, J m⁻³ K⁻¹, each polarisation with its own cut-off (isotropic)."""

        def integrand(x: float) -> float:
            return float(x**4 * np.exp(-x) / np.expm1(-x) ** 2) if x > 0 else 0.0

        def one(t: float) -> float:
            limits = [nu / (THZ_PER_KELVIN * t) for nu in self.debye_frequencies()]
            # beyond x = 60 the integrand is below 1e-19 of its integral 4π⁴/15
            return float(
                sum(3.0 / y**3 * quad(integrand, 0.0, min(y, 60.0), epsrel=1e-12)[0] for y in limits)
            )

        t = np.asarray(temperature, dtype=float)
        values = np.array([one(float(x)) for x in t.ravel()]).reshape(t.shape)
        return np.asarray(BOLTZMANN * self.cell_density * 1e27 * values)


def rotation_to_normal(normal: ArrayLike, in_plane: ArrayLike | None = None) -> Floats:
    """Rotation (3, 3) that takes the direction ``normal`` to z and the part of ``in_plane`` across it to x.

    For cubic crystals Miller indices are directions; for others give the Cartesian plane normal. Without
    ``in_plane`` the crystal axis least parallel to the normal becomes x, the first of equal ones.
    """
    n = np.asarray(normal, dtype=float)
    if n.shape != (3,) or not np.linalg.norm(n) > 0:
        raise InputError(f"a normal needs three numbers that are not all zero, but is {normal!r}")
    z = n / np.linalg.norm(n)
    if in_plane is None:
        x = np.eye(3)[np.argmin(classes(np.abs(z), 1e-9))]
    else:
        x = np.asarray(in_plane, dtype=float)
    x = x - (x @ z) * z
    if not np.linalg.norm(x) > 1e-9:
        raise InputError(f"the in-plane direction {in_plane!r} is parallel to the normal {normal!r}")
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])
