"""One crystal by itself: dispersion, density of states, heat capacity, velocities, Debye's model of it.

Heat capacity per volume of the phonons, and of Debye's model with the same long-wavelength limit and as many
modes as there are primitive cells:

    C(T) = (1/V) Σ_b ∫ d³q/Ω k_B x² eˣ/(eˣ − 1)²,    x = hν_b(q)/(k_B T).

The integral runs over the reciprocal cell on a mesh of midpoints whose inner half is replaced by the whole
mesh at half the size, again and again down to the lowest temperature: the T³ law of the long-wavelength limit
then has the same accuracy at any temperature. Two meshes are extrapolated to zero spacing.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from ase.dft.kpoints import BandPath
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.continuum.media import Medium
from latmm.errors import InputError
from latmm.landauer import heat_capacity_weight, temperatures
from latmm.lattice.dynamics import density_of_states, largest_frequency, phonons, q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.space_group import conventional_vectors
from latmm.lattice.stiffness import elasticity, slope_error
from latmm.results import as_json
from latmm.threads import single_threaded
from latmm.units import AVOGADRO, EV_PER_A2_AMU, THZ_PER_KELVIN, TWO_PI

__all__ = [
    "band_path",
    "crystal_axes",
    "crystal_dataset",
    "elastic_dataset",
    "heat_capacity",
    "phonon_dataset",
    "plane_normal",
]

_MESHES: Final = (12, 16)
"""Points of both telescoping meshes along each axis: extrapolated, heat capacities are good to 0.03 %, also
where C ∝ T³."""


def band_path(crystal: ForceConstants) -> BandPath:
    """Path through the special points of a crystal's zone, 120 points.

    Parameters
    ----------
    crystal : ForceConstants
        The crystal.

    Returns
    -------
    ase.dft.kpoints.BandPath
    """
    return crystal.atoms.cell.bandpath(npoints=120, eps=1e-3)


def crystal_dataset(
    crystal: ForceConstants, medium: Medium, top: float, strain: Floats, path: BandPath
) -> xr.Dataset:
    """Describe one crystal: structure, phonons, stiffness, speeds of sound.

    Parameters
    ----------
    crystal : ForceConstants
        a₁ and a₂ in the plane of the interface.
    medium : Medium
        Its long-wavelength limit.
    top : float
        Its largest frequency, THz.
    strain : (2, 2) float
        In-plane strain.
    path : ase.dft.kpoints.BandPath
        Along which its bands are shown.

    Returns
    -------
    xarray.Dataset
        Units with each variable.
    """
    atoms = crystal.atoms
    bands = phonons(crystal, path.kpts)
    nu = np.linspace(0.0, 1.02 * top, 301)
    speed, _ = medium.christoffel(np.array([0.0, 0.0, 1.0]))
    average = medium.isotropic_average().speeds
    distance, ticks, labels = path.get_linear_kpoint_axis()

    def variable(dims: str | tuple[str, ...], values: object, units: str, name: str) -> xr.Variable:
        return xr.Variable(dims, np.asarray(values), {"units": units, "long_name": name})

    return xr.Dataset(
        {
            "cell": variable(
                ("vector", "axis"), atoms.cell.array, "angstrom", "lattice vectors, interface normal along z"
            ),
            "positions": variable(("atom", "axis"), atoms.get_positions(), "angstrom", "atomic positions"),
            "species": variable("atom", atoms.get_chemical_symbols(), "1", "chemical element"),
            "mass": variable("atom", atoms.get_masses(), "amu", "atomic mass"),
            "band_frequency": variable(
                ("path", "branch"), bands.frequency, "THz", "phonon frequency along the band path"
            ),
            "band_group_velocity": variable(
                ("path", "branch", "axis"), bands.group_velocity, "km s-1", "phonon group velocity"
            ),
            "band_qpoint": variable(("path", "axis"), path.kpts, "1", "wave vector, fractional coordinates"),
            "density_of_states": variable(
                "dos_frequency",
                density_of_states(crystal, nu, (16, 16, 16)),
                "THz-1",
                "phonon density of states per cell",
            ),
            "stiffness": variable(("voigt", "voigt_column"), medium.stiffness, "GPa", "elastic stiffness"),
            "stress": variable(("axis", "axis_column"), medium.stress, "GPa", "initial stress of the strain"),
            "strain": variable(("plane", "plane_column"), strain, "1", "in-plane strain"),
            "density": variable((), medium.density, "g cm-3", "mass density"),
            "sound_speed_normal": variable(
                "polarisation", speed, "km s-1", "speeds of sound along the interface normal, ascending"
            ),
            "sound_speed_isotropic": variable(
                "isotropic",
                list(average),
                "km s-1",
                "longitudinal, transverse speed of the isotropic average",
            ),
            "max_frequency": variable((), top, "THz", "largest phonon frequency"),
        },
        coords={
            "path": variable("path", distance, "angstrom-1", "distance along the band path (2 pi included)"),
            "dos_frequency": variable("dos_frequency", nu, "THz", "phonon frequency"),
        },
        attrs={
            "band_path_labels": as_json(list(labels)),
            "band_path_ticks": as_json([float(x) for x in ticks]),
            "formula": atoms.get_chemical_formula(),
        },
    )


@single_threaded
def heat_capacity(crystal: ForceConstants, temperature: ArrayLike) -> Floats:
    """Heat capacity of the phonons per volume.

    Parameters
    ----------
    crystal : ForceConstants
        Of N atoms.
    temperature : (T,) array_like
        K.

    Returns
    -------
    (T,) ndarray
        J m⁻³ K⁻¹.
    """
    t = temperatures(temperature)
    coarse, fine = (_telescoped(crystal, t, mesh) for mesh in _MESHES)
    weight = (_MESHES[1] / _MESHES[0]) ** 2  # the error goes with the square of the spacing
    return np.asarray((weight * fine - coarse) / (weight - 1.0) / (crystal.volume * 1e-30))


def _telescoped(crystal: ForceConstants, t: Floats, mesh: int) -> Floats:
    """Heat capacity of a cell, J/K, on a telescoping mesh of an even number of points along each axis."""
    # boxes halve until the longest waves of the innermost one are hot at the lowest temperature
    ratio = largest_frequency(crystal) / (THZ_PER_KELVIN * float(t.min()))
    levels = max(1, 1 + int(np.ceil(np.log2(max(ratio, 1.0)))))
    whole = q_mesh((mesh, mesh, mesh), shift=(0.5, 0.5, 0.5)) - 0.5
    whole = whole[whole[:, 0] > 0]  # ν(−q) = ν(q)
    outer = whole[np.abs(whole).max(axis=1) > 0.25]
    total = np.zeros_like(t)
    for level in range(levels):
        points = (whole if level == levels - 1 else outer) * 0.5**level
        squares = np.linalg.eigvalsh(crystal.dynamical_matrix(points))
        nu = np.sqrt(np.abs(squares) * EV_PER_A2_AMU) / TWO_PI
        fraction = 2.0 * 0.125**level / mesh**3
        total += fraction * np.array([heat_capacity_weight(nu, one).sum() for one in t])
    return total


@single_threaded
def phonon_dataset(crystal: ForceConstants, medium: Medium, temperature: ArrayLike) -> xr.Dataset:
    """Phonons of a crystal by itself: :func:`crystal_dataset` with heat capacities and Debye's model.

    Parameters
    ----------
    crystal : ForceConstants
        The crystal.
    medium : Medium
        Its long-wavelength limit.
    temperature : (T,) array_like
        K.

    Returns
    -------
    xarray.Dataset
        Over ``path``, ``dos_frequency`` (THz) and ``temperature`` (K); units with each variable.
    """
    t = temperatures(temperature)
    top = largest_frequency(crystal)
    found = crystal_dataset(crystal, medium, top, np.zeros((2, 2)), band_path(crystal)).drop_vars("strain")
    average = medium.isotropic_average()
    atoms = len(crystal.atoms)
    moles = atoms / (crystal.volume * 1e-30) / AVOGADRO  # of atoms, per m³
    capacity, debye = heat_capacity(crystal, t), average.heat_capacity(t)
    cutoffs = np.array(average.debye_frequencies())
    nu = found["dos_frequency"].values
    # three modes for each primitive cell, each polarisation with its own cut-off
    debye_dos = (3.0 * nu[:, None] ** 2 / cutoffs**3 * (nu[:, None] <= cutoffs)).sum(axis=1)
    columns = {
        "heat_capacity": ("temperature", capacity, "J m-3 K-1", "heat capacity of the phonons"),
        "heat_capacity_molar": (
            "temperature",
            capacity / moles,
            "J mol-1 K-1",
            "heat capacity of the phonons per mole of atoms",
        ),
        "heat_capacity_debye": (
            "temperature",
            debye,
            "J m-3 K-1",
            "heat capacity of Debye's model of the acoustic branches",
        ),
        "density_of_states_debye": (
            "dos_frequency",
            debye_dos,
            "THz-1",
            "density of states per cell, Debye's model of the acoustic branches",
        ),
        "debye_frequency": ("isotropic", cutoffs[:2], "THz", "Debye cut-off: longitudinal, transverse"),
        "debye_temperature": (
            (),
            average.debye_temperature(),
            "K",
            "Debye temperature of the sound speeds",
        ),
    }
    added = {
        name: xr.Variable(dims, np.asarray(values), {"units": units, "long_name": text})
        for name, (dims, values, units, text) in columns.items()
    }
    return found.assign(added).assign_coords(
        temperature=("temperature", t, {"units": "K", "long_name": "temperature"})
    )


def crystal_axes(crystal: ForceConstants) -> Floats:
    """Rotation (3, 3) to the axes of the conventional cell: x along a, z normal to a and b.

    Parameters
    ----------
    crystal : ForceConstants
        The crystal.

    Returns
    -------
    (3, 3) ndarray
        Rows are the new axes.
    """
    a, b, _ = conventional_vectors(crystal.atoms) @ crystal.atoms.cell.array
    z = np.cross(a, b)
    x, z = a / np.linalg.norm(a), z / np.linalg.norm(z)
    return np.array([x, np.cross(z, x), z])


def plane_normal(crystal: ForceConstants, plane: tuple[int, int, int]) -> Floats:
    """Return the unit normal of a plane of the conventional cell, in the axes of :func:`crystal_axes`.

    Parameters
    ----------
    crystal : ForceConstants
        The crystal.
    plane : (3,) int
        Miller indices in the conventional cell, not all zero.

    Returns
    -------
    (3,) ndarray
    """
    lattice = conventional_vectors(crystal.atoms) @ crystal.atoms.cell.array @ crystal_axes(crystal).T
    normal = np.linalg.inv(lattice) @ np.array(plane, dtype=float)
    return np.asarray(normal / np.linalg.norm(normal))


@single_threaded
def elastic_dataset(crystal: ForceConstants, planes: Sequence[tuple[int, int, int]]) -> xr.Dataset:
    """Elastic constants of a crystal, its moduli, and speeds of sound along the normals of planes.

    Moduli are those of a polycrystal: Voigt's and Reuss' bounds and Hill's mean of both, with Young's modulus
    9KG/(3K + G) and Poisson's ratio (3K − 2G)/(6K + 2G) of an isotropic body.

    Parameters
    ----------
    crystal : ForceConstants
        The crystal.
    planes : sequence of (3,) int
        Miller indices in the conventional cell, not all zero.

    Returns
    -------
    xarray.Dataset
        In the axes of the conventional cell (:func:`crystal_axes`).

    Raises
    ------
    InputError
        If a plane has no index but zeros, or there is no plane.
    """
    bad = [plane for plane in planes if not any(plane)]
    if bad or not planes:
        raise InputError("a plane needs three Miller indices, not all zero; use e.g. 1 0 0")
    constants = elasticity(crystal)
    medium = Medium.from_force_constants(crystal).rotated(crystal_axes(crystal))
    normals = np.array([plane_normal(crystal, plane) for plane in planes])
    speed, polarisation = medium.christoffel(normals)
    voigt, reuss = np.array(medium.bounds())
    bulk, shear = np.array([voigt, reuss, 0.5 * (voigt + reuss)]).T
    average = medium.isotropic_average()
    columns = {
        "stiffness": (("voigt", "voigt_column"), medium.stiffness, "GPa", "elastic stiffness"),
        "compliance": (
            ("voigt", "voigt_column"),
            np.linalg.inv(medium.stiffness),
            "GPa-1",
            "elastic compliance",
        ),
        "density": ((), medium.density, "g cm-3", "mass density"),
        "bulk_modulus": ("bound", bulk, "GPa", "bulk modulus"),
        "shear_modulus": ("bound", shear, "GPa", "shear modulus"),
        "young_modulus": ("bound", 9 * bulk * shear / (3 * bulk + shear), "GPa", "Young's modulus"),
        "poisson_ratio": (
            "bound",
            (3 * bulk - 2 * shear) / (6 * bulk + 2 * shear),
            "1",
            "Poisson's ratio",
        ),
        "normal": (("plane", "axis"), normals, "1", "unit normal of the plane"),
        "sound_speed": (
            ("plane", "polarisation"),
            speed,
            "km s-1",
            "speeds of sound along the normal, ascending",
        ),
        "polarisation_vector": (
            ("plane", "polarisation", "axis"),
            np.swapaxes(polarisation, -1, -2),
            "1",
            "displacement of each wave",
        ),
        "sound_speed_isotropic": (
            "isotropic",
            list(average.speeds),
            "km s-1",
            "longitudinal, transverse speed of the isotropic average",
        ),
        "debye_temperature": (
            (),
            average.debye_temperature(),
            "K",
            "Debye temperature of the sound speeds",
        ),
        "invariance_error": (
            (),
            constants.residual,
            "1",
            "part of the force constants that no stiffness represents",
        ),
        "slope_error": (
            (),
            slope_error(crystal, constants),
            "1",
            "largest difference to the bands' slopes",
        ),
    }
    return xr.Dataset(
        {
            name: xr.Variable(dims, np.asarray(values), {"units": units, "long_name": text})
            for name, (dims, values, units, text) in columns.items()
        },
        coords={
            "bound": ("bound", ["Voigt", "Reuss", "Hill"], {"units": "1", "long_name": "kind of average"}),
            "plane": (
                "plane",
                [" ".join(str(i) for i in plane) for plane in planes],
                {"units": "1", "long_name": "Miller indices of the plane"},
            ),
        },
        attrs={"formula": crystal.atoms.get_chemical_formula(), "axes": "x along a, z normal to a and b"},
    )
