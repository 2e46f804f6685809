"""In real space: density of states from crystal to crystal, and the wave that one phonon makes.

The local density of states of an atom is −(2ω/π) Im Σ_α G_αα, averaged over k∥ and counted per THz: its
integral over frequency is 3 for every atom. Only time reversal reduces the mesh, since other operations
exchange atoms.

The scattered wave of a phonon of unit flux is the field ψ = iGΓu; an atom at r moves by
Re[ψ e^{ik∥·r − iωt}]/√m (position gauge), scaled to a chosen largest displacement. At t = 0 the largest
component of the incident phonon on its lead's surface layer, of equal ones the first, is real and positive;
phonons that share λ take the form of :func:`latmm.ties.canonical_turn`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ase.io
import numpy as np
import xarray as xr
from ase import Atoms

from latmm.agf import FoldedLead, Junction, Lead, green_function, lead_modes, scattered_wave
from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.files import replacing
from latmm.interface.interface import SIDES, Interface
from latmm.parallel.execution import HERE, Execution
from latmm.sampling.meshes import reduced_mesh
from latmm.sweep.driver import pieces
from latmm.sweep.tasks import Piece, Task, bytes_per_wave_vector
from latmm.threads import single_threaded
from latmm.ties import canonical_turn
from latmm.units import TWO_PI

__all__ = ["Film", "incident_wave", "local_density_of_states", "scattered_trajectory", "write_trajectory"]

_MOST_PLACES = 5_000_000
"""Positions of atoms in a film, in all its images: a gigabyte of text."""
_POINTS = 256
"""Points solved at once: blocks of all layers are kept."""
_SAME = 1e-7
"""Difference of two λ below which modes count as degenerate."""


@single_threaded
def local_density_of_states(
    interface: Interface,
    frequency: Floats,
    kmesh: tuple[int, int],
    *,
    broadening: float = 0.0,
    how: Execution = HERE,
) -> xr.Dataset:
    """Density of states of every atom of the contact and of one principal layer of both crystals.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    frequency : (F,) float
        THz.
    kmesh : (2,) int
        Midpoint mesh of k∥.
    broadening : float
        η/2π, THz. 0 is exact for what the crystals' waves reach; states bound to the contact have no width
        then and show only with a broadening.
    how : Execution
        Who solves the samples, and where what is found is kept.

    Returns
    -------
    xarray.Dataset
        ``density_of_states`` (frequency, atom), THz⁻¹, with ``height`` (Å from the contact), ``species``,
        ``layer`` (negative on the left) and ``side`` of every atom.
    """
    nu = np.atleast_1d(np.asarray(frequency, dtype=float))
    points, weights = reduced_mesh(kmesh, 1.0, [-np.eye(2, dtype=np.int64)])
    slab, inside = interface.slab, _region(interface)
    atoms, layer, side = slab.atoms[inside], slab.layer[inside], slab.side[inside]
    size = max(1, _POINTS // nu.size)
    tasks = [
        Task(points[i : i + size], weights[i : i + size], np.arange(nu.size), nu, common=float(nu.max()))
        for i in range(0, len(points), size)
    ]
    work = _Density(interface, len(atoms), broadening)
    together = max(1, how.memory // (_POINTS * bytes_per_wave_vector(interface)))
    total = sum(
        (piece.values for piece in pieces(work, tasks, how, at_once=together)),
        np.zeros((nu.size, len(atoms))),
    )
    height = atoms.get_positions()[:, 2]
    middle = 0.5 * (height[side < 0].max() + height[side > 0].min())
    return xr.Dataset(
        {
            "density_of_states": (
                ("frequency", "atom"),
                total,
                {"units": "THz-1", "long_name": "local phonon density of states"},
            )
        },
        coords={
            "frequency": ("frequency", nu, {"units": "THz", "long_name": "phonon frequency"}),
            "height": (
                "atom",
                height - middle,
                {"units": "angstrom", "long_name": "distance from the contact along the normal"},
            ),
            "species": ("atom", atoms.get_chemical_symbols(), {"units": "1", "long_name": "element"}),
            "layer": ("atom", layer, {"units": "1", "long_name": "primitive layer, negative on the left"}),
            "side": ("atom", side, {"units": "1", "long_name": "crystal: -1 left, 1 right, 0 neither"}),
        },
        attrs={"broadening": broadening, "broadening_units": "THz", "kmesh": list(kmesh)},
    )


@dataclass(frozen=True)
class _Density:
    """Density of states (ν, atom) of a task, summed over its k∥."""

    interface: Interface
    atoms: int
    broadening: float
    stage: str = "density of states"

    @property
    def kind(self) -> str:
        """Broadening."""
        return f"density of states, {self.broadening!r} THz"

    def shape(self, task: Task) -> tuple[int, int]:
        """Frequencies, atoms."""
        return task.frequency.size, self.atoms

    @single_threaded
    def solve(self, task: Task) -> Piece:
        """Invert, and sum over directions."""
        green = green_function(
            self.interface.junction(task.wave_vectors),
            np.tile(TWO_PI * task.frequency, (len(task.weights), 1)),
            eta=TWO_PI * self.broadening,
        )
        density = np.concatenate(green.density_of_states, axis=-1)
        by_atom = density.reshape(*density.shape[:-1], self.atoms, 3).sum(axis=-1)
        return Piece(np.einsum("k,kfa->fa", task.weights, by_atom) * TWO_PI, np.zeros(3), 0)


def _region(interface: Interface) -> Integers:
    """Slab atoms of the layers of a junction, leads' surface layers included, in its order."""
    return np.concatenate([interface.surfaces[0], *interface.device, interface.surfaces[1]])


@dataclass(frozen=True)
class Film:
    """What a film of a wave shows.

    Attributes
    ----------
    layers : int
        Principal layers of each crystal beyond the contact.
    repeat : (2,) int
        Lateral cells.
    frames : int
        Images in a period.
    amplitude : float
        Largest displacement, Å.
    """

    layers: int = 8
    repeat: tuple[int, int] = (4, 4)
    frames: int = 24
    amplitude: float = 0.3


FILM = Film()


@single_threaded
def scattered_trajectory(
    interface: Interface,
    wave_vector: tuple[float, float],
    frequency: float,
    mode: int,
    *,
    side: Literal["left", "right"] = "left",
    film: Film = FILM,
) -> list[Atoms]:
    """Atoms in the wave that one incident phonon makes, over one period.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    wave_vector : (2,) float
        k∥, fractional in the interface's lateral cell.
    frequency : float
        THz.
    mode : int
        Number of the incident Bloch mode, see :func:`latmm.agf.scatter`: by rising phase of λ, one folded k∥
        after the other.
    side : {"left", "right"}
        Where the phonon comes from.
    film : Film
        What of it is shown, and how large.

    Returns
    -------
    list of ase.Atoms
        Images with the array ``displacement`` (Å); ``info`` holds time (ps) and frequency (THz).

    Raises
    ------
    InputError
        If the mode does not propagate, or a number makes no sense.
    """
    if side not in SIDES:
        raise InputError(f"`side` must be left or right, but is {side!r}")
    layers, repeat, frames, amplitude = film.layers, film.repeat, film.frames, film.amplitude
    if layers < 0 or frames < 1 or min(repeat) < 1 or not amplitude > 0:
        raise InputError("`layers`, `frames`, `repeat` and `amplitude` of a trajectory must be positive")
    own = (len(interface.left.atoms) + len(interface.right.atoms)) * layers + len(interface.contact.atoms)
    if own * repeat[0] * repeat[1] * frames > _MOST_PLACES:
        raise InputError(
            f"a film may hold {_MOST_PLACES} positions of atoms, but this one has "
            f"{own * repeat[0] * repeat[1] * frames}; use fewer frames, layers or cells"
        )
    k = np.array([wave_vector], dtype=float)
    junction = interface.junction(k)
    fields = incident_wave(_longer(junction, layers), TWO_PI * frequency, mode, side)
    for end, lead in enumerate((junction.left, junction.right)):
        if isinstance(lead, FoldedLead):
            for step in range(1, layers + 1):
                place = layers - step if end == 0 else len(fields) - 1 - layers + step
                fields[place] = _moved(interface, end, lead, k, step) @ fields[place]
    field = np.concatenate(fields).reshape(-1, 3)
    atoms = _longer_region(interface, layers)
    return _images(atoms, field, k[0], frequency, repeat, frames, amplitude)


def incident_wave(
    junction: Junction, omega: float, mode: int, side: Literal["left", "right"]
) -> list[Complexes]:
    """Field (m_l,) of one incident mode on every layer, of definite phase, and form if others share its λ."""
    point = np.array([[omega]])
    # refuses a mode that does not propagate
    whole = [wave[0, 0] for wave in scattered_wave(junction, point, mode, incident=side)]
    found = lead_modes(junction.left if side == "left" else junction.right, point)
    waves = found.right if side == "left" else found.left
    n = waves.vectors.shape[-1]
    folded, number = divmod(mode, n)
    bloch, moving = (x.reshape(-1, n)[folded] for x in (waves.bloch_factor, waves.propagating))
    alike = np.flatnonzero(moving & (np.abs(bloch - bloch[number]) < _SAME))
    turn = canonical_turn(waves.vectors.reshape(-1, n, n)[folded][:, alike])[:, alike == number][:, 0]
    total = [np.zeros_like(field) for field in whole]
    for other, share in zip(alike.tolist(), turn, strict=True):
        part = scattered_wave(junction, point, folded * n + other, incident=side)
        total = [field + share * wave[0, 0] for field, wave in zip(total, part, strict=True)]
    return total


def _longer(junction: Junction, layers: int) -> Junction:
    """Count layers of the leads as device: the field is then known on them."""
    left, right = (_whole(lead) for lead in (junction.left, junction.right))
    return Junction(
        junction.left,
        junction.right,
        (left[0],) * layers + junction.onsite + (right[0],) * layers,
        (left[1],) * layers + junction.hopping + (right[1],) * layers,
    )


def _whole(lead: Lead | FoldedLead) -> tuple[Complexes, Complexes]:
    """Onsite block and hopping of a layer of the junction's lateral cell, at one k∥."""
    if isinstance(lead, Lead):
        return lead.onsite, lead.hopping
    w = lead.expansion
    onsite, hopping = (
        np.einsum("...ign,...gnm,...jgm->...ij", w, blocks, w.conj(), optimize=True)
        for blocks in (lead.onsite, lead.hopping)
    )
    return onsite, hopping


def _moved(interface: Interface, end: int, lead: FoldedLead, wave_vector: Floats, step: int) -> Complexes:
    """Matrix that takes a field from the surface layer's phases to those of a layer ``step`` farther out.

    All layers of a folded lead share the phases exp(iG·r) of the surface layer; the position gauge wants
    those of the layer's own atoms, which an oblique stacking has moved along the plane.
    """
    crystal = (interface.left, interface.right)[end]
    matched = interface.matched
    lateral = (matched.lateral_left, matched.lateral_right)[end]
    excess = interface.folded(SIDES[end], wave_vector)[0] @ lateral.T - wave_vector[0]
    vectors = TWO_PI * excess @ np.linalg.inv(matched.cell).T
    shift = (-1, 1)[end] * step * interface.principal[end] * crystal.atoms.cell.array[2, :2]
    w = lead.expansion
    return np.asarray(
        np.einsum("...ign,g,...jgn->...ij", w, np.exp(1j * vectors @ shift), w.conj(), optimize=True)
    )


def _longer_region(interface: Interface, layers: int) -> Atoms:
    """Atoms of the layers of a lengthened junction, in its order."""
    atoms = interface.slab.atoms[_region(interface)]
    first, last = (len(surface) for surface in interface.surfaces)
    parts = []
    for crystal, principal, end, steps in (
        (interface.left, interface.principal[0], atoms[:first], range(-layers, 0)),
        (interface.right, interface.principal[1], atoms[-last:], range(1, layers + 1)),
    ):
        for step in steps:
            layer = end.copy()
            layer.translate(step * principal * crystal.atoms.cell.array[2])
            parts.append(layer)
    whole = Atoms(cell=atoms.cell, pbc=(True, True, False))
    for part in (*parts[:layers], atoms, *parts[layers:]):
        whole.extend(part)
    whole.set_cell(atoms.cell)
    return whole


def _images(
    atoms: Atoms,
    field: Complexes,
    wave_vector: Floats,
    frequency: float,
    repeat: tuple[int, int],
    frames: int,
    amplitude: float,
) -> list[Atoms]:
    """Move the atoms of repeated cells through one period."""
    shown = atoms.repeat((*repeat, 1))
    kappa = np.linalg.solve(atoms.cell.array[:2, :2], wave_vector) * TWO_PI
    phase = np.exp(1j * shown.get_positions()[:, :2] @ kappa)
    wave = np.tile(field, (repeat[0] * repeat[1], 1)) * phase[:, None]
    wave /= np.sqrt(shown.get_masses())[:, None]
    wave *= amplitude / np.linalg.norm(wave, axis=1).max()
    images = []
    for frame in range(frames):
        displacement = (wave * np.exp(-1j * TWO_PI * frame / frames)).real
        image = shown.copy()
        image.set_positions(shown.get_positions() + displacement)
        image.set_array("displacement", displacement)
        image.info = {"time_ps": frame / (frames * frequency), "frequency_THz": frequency}
        images.append(image)
    return images


def write_trajectory(images: list[Atoms], path: str | Path) -> None:
    """Write an animation as extended XYZ, whole or not at all."""
    with replacing(path) as part:
        ase.io.write(part, images, format="extxyz")
