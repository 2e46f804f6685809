"""Transmissivities in the order of a transport code's own phonons: phono3py and ShengBTE.

Both codes keep scattering rates on a Γ-centred mesh of the crystal's primitive cell. The phonons of
``transmissivities(..., centred=True)`` with the same N × N × N are the same ones: with U the integer matrix
that writes the interface's oriented cell in the transport code's vectors, q is U q there, modulo a reciprocal
vector, and bands are matched in ascending order of frequency. The two frequencies are compared, so that other
force constants do not pass unnoticed.

U is found from both crystals: it takes lattice onto lattice and atoms onto atoms. Of the choices that
rotations of the crystal leave, all of them equivalent, one is taken that lays the Miller plane of the code's
own axes on the interface.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr
from ase import Atoms

from latmm.arrays import Bools, Floats, Integers
from latmm.errors import InputError, LatmmError
from latmm.interface.interface import SIDES
from latmm.lattice.space_group import conventional_vectors
from latmm.reading import check_hdf5, file_bytes, file_text
from latmm.structures import read_atoms
from latmm.ties import smallest
from latmm.units import TWO_PI
from latmm.yaml_data import plain_yaml

__all__ = ["TransportPhonons", "isometries", "on_transport_mesh", "read_cell", "read_phonons"]

_MOST_POINTS = 10**7
_FAR = 0.05
"""Relative difference of frequencies, over the largest, beyond which both codes hold different crystals."""
_STRAIN = 0.12
"""Relative difference of squared lengths that an interface's strain may cause."""
_TIE = 1e-3
"""The same, between isometries that are equally good."""
_SITE = 0.05
"""Distance of atoms, fractional, that strain may cause."""


@dataclass(frozen=True)
class TransportPhonons:
    """Phonons as a transport code stores them.

    Attributes
    ----------
    mesh : (3,) int
        Γ-centred mesh.
    qpoints : (Q, 3) float
        Fractional in the code's primitive cell: all of the mesh, or an irreducible part of it.
    frequency : (Q, B) float
        THz, ascending.
    """

    mesh: tuple[int, int, int]
    qpoints: Floats
    frequency: Floats


def read_phonons(path: str | Path) -> TransportPhonons:
    """Read the mesh and frequencies of a transport calculation.

    Parameters
    ----------
    path : str or Path
        phono3py's ``kappa-m*.hdf5``, or the folder with ShengBTE's ``BTE.qpoints_full`` and ``BTE.omega``.

    Raises
    ------
    InputError
        If it is neither.
    """
    source = Path(path)
    try:
        found = _shengbte(source) if source.is_dir() else _phono3py(source)
        count = min(found.qpoints.shape[0], *found.mesh)
        finite = np.all(np.isfinite(found.qpoints)) and np.all(np.isfinite(found.frequency))
        if found.qpoints.shape[1:] != (3,) or found.frequency.shape[:1] != found.qpoints.shape[:1]:
            raise ValueError("wave vectors and frequencies do not belong together")
        if count < 1 or not finite:
            raise ValueError("it holds numbers that are none")
    except LatmmError:
        raise
    except Exception as error:  # a damaged file makes its readers raise anything
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(
            f"{source} is neither a kappa-m*.hdf5 of phono3py nor a folder with BTE.qpoints_full and "
            f"BTE.omega of ShengBTE ({reason})"
        ) from error
    return found


def _phono3py(path: Path) -> TransportPhonons:
    check_hdf5(path, hint="name a kappa-m*.hdf5 of phono3py")
    with xr.open_dataset(path, engine="h5netcdf", phony_dims="sort") as file:
        first, second, third = (int(n) for n in file["mesh"].values)
        if not 0 < first * second * third <= _MOST_POINTS:
            raise ValueError(f"a mesh of {first} x {second} x {third}")
        return TransportPhonons((first, second, third), file["qpoint"].values, file["frequency"].values)


def _shengbte(folder: Path) -> TransportPhonons:
    """Columns: number, irreducible number (both from 1), three coordinates; rad/ps of irreducible points."""
    points, omega = (
        np.atleast_2d(np.loadtxt(StringIO(file_text(folder / name))))
        for name in ("BTE.qpoints_full", "BTE.omega")
    )
    q, own = points[:, 2:5], points[:, 1].astype(int)
    # early versions list every point's own frequencies, later ones those of irreducible points
    rows = omega[np.unique(own, return_inverse=True)[1].ravel()]
    mesh = [len(np.unique(np.round(q[:, axis] % 1.0, 6) % 1.0)) for axis in range(3)]
    if int(np.prod(mesh)) != len(q):
        raise ValueError(f"{len(q)} wave vectors in units of the reciprocal vectors should be a mesh")
    return TransportPhonons((mesh[0], mesh[1], mesh[2]), q, rows / TWO_PI)


def read_cell(path: str | Path) -> Atoms:
    """Read a transport code's primitive cell: phono3py.yaml, or a structure file as it is.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if Path(path).suffix.lower() not in (".yaml", ".yml"):
        return read_atoms(Path(path))
    try:
        cell = plain_yaml(file_bytes(path), str(path))["primitive_cell"]
        atoms = Atoms(
            [point["symbol"] for point in cell["points"]],
            cell=cell["lattice"],
            scaled_positions=[point["coordinates"] for point in cell["points"]],
            pbc=True,
        )
    except InputError:
        raise
    except Exception as error:  # anything may lie in the place of a cell
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(f"cannot read a primitive cell from {path} ({reason})") from error
    if not np.all(np.isfinite(atoms.cell.array)) or not np.all(np.isfinite(atoms.positions)):
        raise InputError(f"{path} holds a primitive cell of numbers that are not finite; mend the file")
    return atoms


def isometries(one: Atoms, other: Atoms) -> list[Integers]:
    """Matrices U (3, 3) for which U @ one.cell, turned, is other.cell, and atoms fall on atoms.

    Both are primitive cells of one crystal up to strain; with ``one`` twice they are its point group.
    """
    if sorted(one.numbers) != sorted(other.numbers):
        return []
    rows = np.array(list(product(range(-4, 5), repeat=3)))
    metric, wanted = one.cell.array @ one.cell.array.T, other.cell.array @ other.cell.array.T
    squares = np.einsum("na,ab,nb->n", rows, metric, rows)
    scale = float(np.trace(wanted))
    choices = [rows[np.abs(squares - wanted[i, i]) < _STRAIN * wanted[i, i]] for i in range(3)]
    pairs = np.array(list(product(choices[0], choices[1]))).reshape(-1, 2, 3)
    inner = np.einsum("na,ab,nb->n", pairs[:, 0], metric, pairs[:, 1])
    pairs = pairs[np.abs(inner - wanted[0, 1]) < _STRAIN * scale]
    turns = np.array([[*pair, third] for pair in pairs for third in choices[2]]).reshape(-1, 3, 3)
    turns = turns[np.abs(np.rint(np.linalg.det(turns))) == 1]
    apart = np.abs(turns @ metric @ turns.transpose(0, 2, 1) - wanted).max(axis=(1, 2)) / scale
    kept = apart < apart.min(initial=_STRAIN) + _TIE
    return [turn for turn in turns[kept] if _atoms_agree(one, other, turn)]


def _atoms_agree(one: Atoms, other: Atoms, turn: Integers) -> bool:
    """Whether a translation takes all atoms of one crystal, turned, onto those of the other."""
    moved = one.get_scaled_positions() @ np.linalg.inv(turn)
    target = other.get_scaled_positions()
    for first in np.flatnonzero(other.numbers == one.numbers[0]):
        apart = (moved - moved[0] + target[first])[:, None, :] - target[None, :, :]
        near = np.abs(apart - np.rint(apart)).max(axis=-1) < _SITE
        if np.all((near & (one.numbers[:, None] == other.numbers)).sum(axis=1) == 1):
            return True
    return False


def on_transport_mesh(
    tree: xr.DataTree, side: str, phonons: TransportPhonons, cell: Atoms, normal: Sequence[int]
) -> xr.Dataset:
    """Transmissivities of one crystal, phonon by phonon of a transport code.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.modes.q_mesh.transmissivities` with ``centred=True`` and the code's mesh.
    side : {"left", "right"}
        The crystal.
    phonons : TransportPhonons
        From :func:`read_phonons`.
    cell : ase.Atoms
        The code's primitive cell.
    normal : (3,) int
        Miller indices of the crystal's plane, of its conventional cell.

    Returns
    -------
    xarray.Dataset
        Over the whole mesh (qpoint) and bands in ascending order of frequency: ``transmissivity``,
        ``frequency`` (the code's, THz), ``normal_velocity`` (km/s, positive towards the contact); over qpoint
        ``qpoint_fractional`` in the code's cell and ``row``, the code's row that it is, or is equivalent to.
        Attributes: ``normal`` towards the contact in the code's axes, ``frequency_difference``.

    Raises
    ------
    InputError
        If meshes, crystals or frequencies do not agree.
    """
    if side not in SIDES:
        raise InputError(f"`side` must be left or right, but is {side!r}")
    try:
        return _on_transport_mesh(tree, side, phonons, cell, normal)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, LatmmError):
            raise
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(
            f"the table of transmissivities is damaged or of another kind ({reason}); make it anew with "
            "`transmissivities` with `centred=True` and a mesh N N N"
        ) from error


def _on_transport_mesh(
    tree: xr.DataTree, side: str, phonons: TransportPhonons, cell: Atoms, normal: Sequence[int]
) -> xr.Dataset:
    """Do what :func:`on_transport_mesh` says, with a table as it should be."""
    mesh, shift = tuple(int(n) for n in tree.attrs["mesh"]), float(tree.attrs["mesh_shift"])
    if mesh != phonons.mesh or len(set(mesh)) > 1 or shift:
        raise InputError(
            f"the transport code's mesh is {phonons.mesh}, Γ-centred, but the transmissivities lie on {mesh}"
            f"{', midpoints' if shift else ''}; run `transmissivities` with `centred=True` and its mesh N N N"
        )
    table = tree[side].to_dataset()
    crystal = Atoms(
        table["species"].values.tolist(),
        cell=table["cell"].values,
        positions=table["positions"].values,
        pbc=True,
    )
    turn, rotation = _frame(cell, crystal, np.array(normal))
    q, row = _whole(phonons, isometries(cell, cell))
    step = np.rint(q @ turn.T * mesh[0]).astype(np.int64) % mesh[0]
    point = np.ravel_multi_index(tuple(step.T), mesh)
    found = table["irreducible"].values[point]
    order = np.argsort(table["frequency"].values, axis=1)
    values = {
        name: np.take_along_axis(table[name].values, order, axis=1)[found]
        for name in ("frequency", "transmissivity")
    }
    if not all(np.all(np.isfinite(found)) for found in values.values()):
        raise InputError("the table of transmissivities holds numbers that are not finite; make it anew")
    sign = 1.0 if side == "left" else -1.0
    speed = np.take_along_axis(table["group_velocity"].values[..., 2], order, axis=1)[found]
    towards = sign * np.where(table["reversed"].values[point, None], -speed, speed)
    own = phonons.frequency[row]
    apart = float(np.abs(own - values["frequency"]).max() / values["frequency"].max())
    if apart > _FAR:
        raise InputError(
            f"the transport code's frequencies differ from the interface's by {100 * apart:.1f} % of the "
            "largest; use the force constants, masses and strain of the interface's crystal"
        )
    pair = ("qpoint", "branch")
    return xr.Dataset(
        {
            "qpoint_fractional": (
                ("qpoint", "axis"),
                q,
                {"units": "1", "long_name": "wave vector, fractional in the transport code's cell"},
            ),
            "row": (
                "qpoint",
                row,
                {"units": "1", "long_name": "equivalent row of the transport code's file"},
            ),
            "frequency": (pair, own, {"units": "THz", "long_name": "the transport code's frequency"}),
            "transmissivity": (
                pair,
                values["transmissivity"],
                {"units": "1", "long_name": "share of the phonon's energy that crosses"},
            ),
            "normal_velocity": (
                pair,
                towards,
                {"units": "km s-1", "long_name": "group velocity towards the contact"},
            ),
        },
        attrs={
            "side": side,
            "mesh": list(mesh),
            "normal": (sign * rotation[2]).tolist(),
            "frequency_difference": apart,
        },
    )


def _frame(cell: Atoms, crystal: Atoms, normal: Integers) -> tuple[Integers, Floats]:
    """U from the code's cell to the oriented one, and the interface's axes (rows) in the code's."""
    # the reciprocal vector of the Miller plane of the conventional cell
    plane = np.linalg.solve(conventional_vectors(cell) @ cell.cell.array, normal.astype(float))
    found = []
    for turn in isometries(cell, crystal):
        left, _, right = np.linalg.svd(crystal.cell.array.T @ turn @ cell.cell.array)
        rotation = left @ right
        if np.linalg.det(rotation) > 0:
            found.append((turn, rotation))
    if not found:
        raise InputError(
            f"the transport code's cell ({cell.get_chemical_formula()}, {len(cell)} atoms) is no primitive "
            f"cell of the interface's crystal ({crystal.get_chemical_formula()}, {len(crystal)} atoms); give "
            "the primitive cell that its wave vectors refer to"
        )
    # a strained cell may have another conventional one: the plane decides between equivalent settings only
    rows = [[rotation[2] @ plane / np.linalg.norm(plane), *turn.ravel()] for turn, rotation in found]
    return found[smallest(-np.array(rows), 1e-6)]


def _whole(phonons: TransportPhonons, group: Iterable[Integers]) -> tuple[Floats, Integers]:
    """All wave vectors (N³, 3) of the mesh in C order, and the row of the file that each is equivalent to."""
    counts = np.array(phonons.mesh)
    row = np.full(int(counts.prod()), -1, dtype=np.int64)
    for turn in group:
        for sign in (1, -1):
            step = np.rint(sign * phonons.qpoints @ turn.T * counts).astype(np.int64) % counts
            place = np.ravel_multi_index(tuple(step.T), phonons.mesh)
            unknown: Bools = row[place] < 0
            row[place[unknown]] = np.flatnonzero(unknown)
    if np.any(row < 0):
        raise InputError(
            f"{int((row < 0).sum())} points of the mesh {phonons.mesh} are no images of the transport code's "
            f"{len(phonons.qpoints)} by the symmetry of its cell; give its primitive cell"
        )
    axes = [np.arange(n) / n for n in phonons.mesh]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3), row
