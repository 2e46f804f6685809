"""Transmissivity of given phonons: each at its own frequency and in-plane wave vector.

A bulk phonon (q, b) fixes ω and k∥; its layer displacements, scaled to unit flux, are expanded in the lead's
Bloch modes of that point by the flux form, which is orthogonal between modes of different λ,

    c_m = ±i (λ u_m†H₁w − λ_m* u_m†H₁†w)     (+ for phonons that run to +z).

A phonon that runs to the contact has the transmissivity |t c|²; for one that leaves it |c† t'|² is the share
that came through, equal by reciprocity to the transmissivity of its time-reversed partner. Phonons without
velocity along the normal never arrive: theirs is zero. Degenerate phonons share the mean of their group.

On a symmetric mesh a phonon often has exactly the λ of one that runs the other way (bands folded into thick
layers), or the frequency of a band edge. There the lead's modes are any flux-normal combination of both, and
no phonons. All phonons are therefore scattered beside their frequency, by one part in 10¹⁰.
"""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from latmm.agf import FoldedLead, Junction, Lead, Scattering, Waves, scatter
from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import ConvergenceError
from latmm.interface.interface import SIDES, Interface
from latmm.lattice.dynamics import Phonons, phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.modes.brillouin import branch_labels, cartesian, first_zone, longitudinal_fraction
from latmm.modes.lateral_cells import BATCH_BYTES, crystal_rotations, points_at_once
from latmm.modes.mesh import BulkMesh, bulk_mesh
from latmm.modes.table import angle_to_normal
from latmm.modes.unfolding import layer_vectors
from latmm.parallel.execution import HERE, Execution
from latmm.sweep.driver import pieces
from latmm.sweep.tasks import Piece
from latmm.threads import single_threaded
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["transmissivities", "transmissivity"]

_SLOW = 1e-5
"""|v_z| over the largest speed below which a phonon stands still."""
_GRAZING = 1e-2
"""|v_z| over the largest speed below which a Bloch mode may be lost to rounding at its band edge."""
_ASIDE = 1e-10
"""Share of its frequency by which a phonon is moved before it is scattered."""
_LIMIT = 1e-3
"""Departure of |c| from one beyond which there is no result."""
_LINES = 16
"""k∥ solved at once: enough to hide the cost of the contact's blocks, little enough for progress."""
_DEGENERATE = 1e-8
"""Difference of frequencies over the largest one below which phonons of one q are degenerate."""


@single_threaded
def transmissivities(
    interface: Interface,
    mesh: tuple[int, int, int],
    *,
    centred: bool = False,
    how: Execution = HERE,
) -> xr.DataTree:
    """Transmissivity of every phonon of both crystals on a mesh of their Brillouin zones.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    mesh : (3,) int
        Points along the reciprocal vectors of each crystal's oriented primitive cell.
    centred : bool
        Put a point on Γ, as transport codes do; midpoints integrate better.
    how : Execution
        Who solves the samples, and where what is found is kept.

    Returns
    -------
    xarray.DataTree
        ``/left`` and ``/right``: rectangular arrays over (qpoint, branch), see :func:`transmissivity`, of the
        irreducible wave vectors, with ``weight`` (qpoint) and ``irreducible`` (mesh_point).
    """
    meshes = [
        bulk_mesh(crystal, mesh, crystal_rotations(interface, side), centred=centred)
        for side, crystal in enumerate(interface.crystals)
    ]
    nodes = {}
    for side, reduced in enumerate(meshes):
        table = transmissivity(interface, SIDES[side], reduced.qpoints, how=how)
        nodes[SIDES[side]] = _with_mesh(_with_crystal(table, interface.crystals[side]), reduced)
    root = xr.Dataset(
        attrs={"mesh": list(mesh), "mesh_shift": 0.0 if centred else 0.5, "area": interface.area}
    )
    return xr.DataTree.from_dict({"/": root, **nodes})


def _with_crystal(table: xr.Dataset, crystal: ForceConstants) -> xr.Dataset:
    """Add the oriented primitive cell that fractional wave vectors refer to."""
    atoms = crystal.atoms
    return table.assign(
        cell=(
            ("vector", "axis"),
            atoms.cell.array,
            {"units": "angstrom", "long_name": "lattice vectors, interface normal along z"},
        ),
        positions=(
            ("atom", "axis"),
            atoms.get_positions(),
            {"units": "angstrom", "long_name": "atomic positions"},
        ),
        species=("atom", atoms.get_chemical_symbols(), {"units": "1", "long_name": "chemical element"}),
    )


def _with_mesh(table: xr.Dataset, reduced: BulkMesh) -> xr.Dataset:
    return table.assign(
        weight=(
            "qpoint",
            reduced.weight,
            {"units": "1", "long_name": "share of the Brillouin zone that the wave vector stands for"},
        ),
        irreducible=(
            "mesh_point",
            reduced.irreducible.astype(np.int32),
            {"units": "1", "long_name": "irreducible wave vector of each point of the mesh, in C order"},
        ),
        reversed=(
            "mesh_point",
            reduced.reversed.astype(np.int8),
            {"units": "1", "long_name": "1 where phonons run against those of the irreducible wave vector"},
        ),
    )


def transmissivity(
    interface: Interface,
    side: str,
    qpoints: ArrayLike,
    *,
    how: Execution = HERE,
) -> xr.Dataset:
    """Transmissivity of the phonons of one crystal at given wave vectors.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    side : {"left", "right"}
        The crystal.
    qpoints : (Q, 3) array_like
        Wave vectors, fractional in its oriented primitive cell. Those that share k∥ are fastest one after
        the other.
    how : Execution
        Who solves the samples, and where what is found is kept.

    Returns
    -------
    xarray.Dataset
        Over (qpoint, branch): ``frequency`` (THz), ``group_velocity`` (axis, km s⁻¹), ``angle``,
        ``polarisation`` and ``transmissivity``; over qpoint the fractional and the Cartesian wave vector.
        Branches as defined in :mod:`latmm.modes.brillouin`.

    Raises
    ------
    ConvergenceError
        If a phonon is not found among the Bloch modes of its lead.
    """
    index = SIDES.index(side)
    crystal = interface.crystals[index]
    q = np.atleast_2d(np.asarray(qpoints, dtype=float))
    found = phonons(crystal, q)
    crossing = np.zeros_like(found.frequency)
    lines = _lines(q)
    longest = max(len(rows) for rows in lines) * found.frequency.shape[1]
    size = max(1, min(_LINES, points_at_once(interface, _LINES * longest) // longest))
    groups = [lines[start : start + size] for start in range(0, len(lines), size)]
    batches = [_Batch(_part(found, np.concatenate(rows)), tuple(map(len, rows))) for rows in groups]
    work = _Shares(interface, index, float(np.max(np.abs(found.group_velocity))))
    together = max(1, how.memory // BATCH_BYTES)
    for rows, piece in zip(groups, pieces(work, batches, how, at_once=together), strict=True):
        crossing[np.concatenate(rows)] = piece.values
    return _labelled(crystal, found, _group_means(found, crossing))


@dataclass(frozen=True)
class _Batch:
    """Phonons of some k∥, one line of q_z after the other, and the lengths of the lines."""

    found: Phonons
    lengths: tuple[int, ...]

    @property
    def samples(self) -> int:
        """Wave vectors."""
        return len(self.found.qpoints)

    @property
    def integers(self) -> tuple[Integers, ...]:
        """Lengths of the lines."""
        return (np.array(self.lengths, dtype=np.int64),)

    @property
    def wave_vectors(self) -> Floats:
        """Wave vectors (Q, 3)."""
        return self.found.qpoints

    @property
    def weights(self) -> Floats:
        """Equal ones."""
        return np.ones(len(self.found.qpoints))

    @property
    def scales(self) -> Floats:
        """None."""
        return np.ones(1)


@dataclass(frozen=True)
class _Shares:
    """Share of each phonon of one crystal that crosses; ``fastest``: the largest velocity of any, km s⁻¹."""

    interface: Interface
    side: int
    fastest: float

    @property
    def stage(self) -> str:
        """Name of the crystal."""
        return f"phonons of the {SIDES[self.side]} crystal"

    @property
    def kind(self) -> str:
        """The crystal."""
        return self.stage

    def shape(self, batch: _Batch) -> tuple[int, int]:
        """Wave vectors, branches."""
        rows, branches = batch.found.frequency.shape
        return rows, branches

    @single_threaded
    def solve(self, batch: _Batch) -> Piece:
        """Scatter all phonons of a batch."""
        ends = np.cumsum(batch.lengths)[:-1]
        lines = list(np.split(np.arange(batch.samples, dtype=np.int64), ends))
        parts = _solve_lines(self.interface, self.side, batch.found, lines, self.fastest)
        return Piece(np.concatenate(parts), np.zeros(3), 0)


def _part(found: Phonons, rows: Integers) -> Phonons:
    """Phonons of some wave vectors."""
    return replace(
        found,
        qpoints=found.qpoints[rows],
        frequency=found.frequency[rows],
        group_velocity=found.group_velocity[rows],
        eigenvectors=found.eigenvectors[rows],
    )


def _lines(q: Floats) -> list[Integers]:
    """Rows of consecutive wave vectors with one k∥."""
    change = np.any(np.abs(np.diff(q[:, :2], axis=0)) > 1e-12, axis=1)
    return list(np.split(np.arange(len(q), dtype=np.int64), np.flatnonzero(change) + 1))


@dataclass(frozen=True)
class _Phonons:
    """A phonons of one crystal, and the points (k∥, ω) at which they scatter.

    ``qpoints`` (A, 3), ``eigenvectors`` (A, 3N), ``frequency`` (A,) in THz, ``speed`` (A,) along z in km s⁻¹;
    ``place`` (A,): number of their k∥ among those that fold; ``line``, ``column`` (A,): k∥ and ω in a batch.
    """

    qpoints: Floats
    eigenvectors: Complexes
    frequency: Floats
    speed: Floats
    place: Integers
    line: Integers
    column: Integers


def _solve_lines(
    interface: Interface, side: int, found: Phonons, lines: list[Integers], fastest: float
) -> list[Floats]:
    """Share (Q, B) that crosses of the phonons of each of a batch of k∥."""
    wave_vectors = np.array([found.qpoints[rows[0], :2] for rows in lines])
    kappa: Floats = wave_vectors @ interface.lateral[side].T.astype(float)
    folded, opposite = (interface.folded(SIDES[end], kappa) for end in (side, 1 - side))
    parts, shares = [], []
    for line, (rows, images, others) in enumerate(zip(lines, folded, opposite, strict=True)):
        top = max(_highest(interface.crystals[1 - side], k) for k in others)
        nu, speed = found.frequency[rows], found.group_velocity[rows, :, 2]
        row, band = np.nonzero((np.abs(speed) > _SLOW * fastest) & (nu > 0.0) & (nu <= top))
        apart = images - wave_vectors[line]
        place = int(np.argmin(np.max(np.abs(apart - np.rint(apart)), axis=1)))
        shares.append(np.zeros_like(nu))
        parts.append((row, band, np.full(len(row), line), np.arange(len(row)), np.full(len(row), place)))
    row, band, line_of, column, place_of = (np.concatenate(x) for x in zip(*parts, strict=True))
    if row.size == 0:
        return shares
    absolute = np.array([rows[0] for rows in lines])[line_of] + row
    wanted = _Phonons(
        found.qpoints[absolute],
        found.eigenvectors[absolute, :, band],
        found.frequency[absolute, band],
        found.group_velocity[absolute, band, 2],
        place_of,
        line_of,
        column,
    )
    share = _crossing(interface, side, wave_vectors, wanted, fastest)
    for i, target in enumerate(shares):
        here = line_of == i
        target[row[here], band[here]] = share[here]
    return shares


def _highest(crystal: ForceConstants, wave_vector: Floats) -> float:
    """Frequency that no phonon of a k∥ exceeds, THz: the largest on a line of q_z, and its curvature more."""
    q = np.repeat(crystal.in_plane(wave_vector[None]), 64, axis=0)
    q[:, 2] += np.arange(64) / 64
    squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q))[:, -1]
    bend = np.max(np.abs(squares - 0.5 * (np.roll(squares, 1) + np.roll(squares, -1))))
    return float(np.sqrt((squares.max() + bend) * EV_PER_A2_AMU) / TWO_PI)


def _crossing(
    interface: Interface, side: int, wave_vectors: Floats, wanted: _Phonons, fastest: float
) -> Floats:
    """Share (A,) of each phonon that crosses, or that came through if it runs away from the contact."""
    frequency = np.ones((len(wave_vectors), int(wanted.column.max()) + 1))  # unread where nothing is wanted
    frequency[wanted.line, wanted.column] = wanted.frequency
    junction = interface.junction(wave_vectors @ interface.lateral[side].T)
    solved = _scattered(junction, TWO_PI * frequency)
    lead, modes = ((junction.left, solved.left), (junction.right, solved.right))[side]
    blocks = solved.transmitted_left, solved.transmitted_right
    share, size = np.zeros(len(wanted.speed)), np.zeros(len(wanted.speed))
    for sign, waves in ((1.0, modes.right), (-1.0, modes.left)):
        rows = np.flatnonzero(sign * wanted.speed > 0)
        c = _expanded(interface, side, lead, waves, wanted, sign)[rows]
        size[rows] = np.linalg.norm(c, axis=1)
        c /= np.maximum(size[rows], 0.5)[:, None]
        points = wanted.line[rows], wanted.column[rows]
        if (sign > 0) == (side == 0):
            amplitudes = np.einsum("aoi,ai->ao", blocks[side][points], c)
        else:
            amplitudes = np.einsum("ao,aoi->ai", c.conj(), blocks[1 - side][points])
        share[rows] = (np.abs(amplitudes) ** 2).sum(axis=1)
    if np.any((np.abs(size - 1.0) > _LIMIT) & (np.abs(wanted.speed) > _GRAZING * fastest)):
        raise ConvergenceError(
            "a phonon is not among the Bloch modes of its lead at its own frequency and in-plane wave "
            "vector; check that the lead is made of the crystal's force constants"
        )
    return share


def _scattered(junction: Junction, omega: Floats) -> Scattering:
    """Scatter a hair's breadth beside ω, and farther beside it where even that is a band edge."""
    try:
        return scatter(junction, omega * (1.0 + _ASIDE))
    except (ConvergenceError, np.linalg.LinAlgError):
        return scatter(junction, omega * (1.0 - 1000.0 * _ASIDE))


def _expanded(
    interface: Interface, side: int, lead: Lead | FoldedLead, waves: Waves, wanted: _Phonons, sign: float
) -> Complexes:
    """Components (A, N n) of phonons of unit flux on the modes of one direction at their points."""
    crystal, q = interface.crystals[side], wanted.qpoints
    phase = TWO_PI * interface.principal[side] * (q[:, 2] - crystal.in_plane(q[:, :2])[:, 2])
    factor = np.exp(1j * phase)[:, None]
    w = layer_vectors(crystal, interface.principal[side], q, wanted.eigenvectors)
    n, count = waves.bloch_factor.shape[-1], len(w)
    folded = waves.bloch_factor.shape[-2] if isinstance(lead, FoldedLead) else 1
    own, point = (np.arange(count), wanted.place), (wanted.line, wanted.column)
    hopping = lead.hopping.reshape(len(lead.hopping), folded, n, n)[wanted.line, wanted.place]
    u = waves.vectors[point].reshape(count, folded, n, n)[own]
    bloch = waves.bloch_factor[point].reshape(count, folded, n)[own]
    moving = waves.propagating[point].reshape(count, folded, n)[own]
    onward = np.einsum("aij,aj->ai", hopping, w) * factor
    back = np.einsum("aji,aj->ai", hopping.conj(), w)
    flux = 2.0 * np.abs(np.einsum("ai,ai->a", w.conj(), onward).imag)
    form = np.einsum("aim,ai->am", u.conj(), onward) - bloch.conj() * np.einsum("aim,ai->am", u.conj(), back)
    components = np.where(moving, sign * 1j * form, 0.0)
    full = np.zeros((count, folded, n), dtype=complex)
    full[own] = components / np.sqrt(np.maximum(flux, np.finfo(float).tiny))[:, None]
    return full.reshape(count, folded * n)


def _group_means(found: Phonons, crossing: Floats) -> Floats:
    """Give degenerate phonons that run one way the mean of their group."""
    mean = crossing.copy()
    close = np.diff(found.frequency, axis=1) < _DEGENERATE * float(np.max(found.frequency))
    away = found.group_velocity[..., 2] < 0
    for i in np.flatnonzero(close.any(axis=1)):
        for group in np.split(np.arange(crossing.shape[1]), np.flatnonzero(~close[i]) + 1):
            for part in (group[away[i, group]], group[~away[i, group]]):
                if part.size > 1:
                    mean[i, part] = crossing[i, part].mean()
    return mean


def _labelled(crystal: ForceConstants, found: Phonons, crossing: Floats) -> xr.Dataset:
    """Arrays over (qpoint, branch), columns in the order of branches."""
    reduced = first_zone(crystal, found.qpoints)
    vectors = cartesian(crystal, reduced)
    order = np.argsort(branch_labels(crystal, reduced), axis=1)

    def by_branch(values: Floats) -> Floats:
        index = order.reshape(*order.shape, *[1] * (values.ndim - 2))
        return np.take_along_axis(values, index, axis=1)

    velocity = by_branch(found.group_velocity)
    pair, vector = ("qpoint", "branch"), ("qpoint", "axis")
    return xr.Dataset(
        {
            "qpoint_fractional": (
                vector,
                reduced,
                {
                    "units": "1",
                    "long_name": "wave vector in the first Brillouin zone, fractional coordinates",
                },
            ),
            "wave_vector": (
                vector,
                vectors,
                {
                    "units": "angstrom-1",
                    "long_name": "wave vector in the first Brillouin zone (2 pi included)",
                },
            ),
            "frequency": (
                pair,
                by_branch(found.frequency),
                {"units": "THz", "long_name": "phonon frequency"},
            ),
            "group_velocity": (
                (*pair, "axis"),
                velocity,
                {"units": "km s-1", "long_name": "group velocity"},
            ),
            "angle": (
                pair,
                angle_to_normal(velocity),
                {"units": "degree", "long_name": "angle of the group velocity to the interface normal"},
            ),
            "polarisation": (
                pair,
                by_branch(longitudinal_fraction(vectors, found.eigenvectors)),
                {"units": "1", "long_name": "longitudinal fraction"},
            ),
            "transmissivity": (
                pair,
                by_branch(crossing),
                {"units": "1", "long_name": "share of the phonon's energy that crosses"},
            ),
        },
        coords={
            "branch": (
                "branch",
                np.arange(crossing.shape[1]),
                {"units": "1", "long_name": "branch, by continuity along the ray from the zone centre"},
            ),
            "axis": ("axis", ["x", "y", "z"], {"units": "1", "long_name": "Cartesian axis, normal z"}),
        },
        attrs={"volume": found.volume, "volume_units": "angstrom3"},
    )
