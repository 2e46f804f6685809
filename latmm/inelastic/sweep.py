"""Samples of k∥ and ν, solved with or without damping of the contact, and added up for every temperature.

The samples, their tasks, executors and stores are those of :mod:`latmm.sweep`. A task returns what it has
added up, and pieces are added in the order of the tasks: the result is the same, bit for bit,
whoever solves them. One scattering matrix serves all temperatures; a damped contact has one for each.

Below the lowest frequency that is sampled waves are elastic: the scattering matrix of a direction does not
depend on ν and channels grow as ν². Their share of the heat is that of the lowest sampled frequency with
their own rates, so that long paths are not cut off. Above the bands of both crystals a damped contact still
exchanges heat between its nodes; a few nodes up to :data:`REACH` times the band take that in.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from latmm.agf import FoldedLead, Junction, Lead, Modes, dissipate, scatter
from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.inelastic.rates import Above, Rates, tables
from latmm.inelastic.tally import Samples, Tally
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid, heat_capacity_weight
from latmm.parallel.execution import HERE, Execution
from latmm.sampling.edges import inside_bands
from latmm.sampling.meshes import Window
from latmm.sweep.driver import pieces
from latmm.sweep.refinement import Sampling
from latmm.sweep.tasks import Piece, Task, at_once, bytes_per_wave_vector
from latmm.units import BOLTZMANN, TWO_PI

__all__ = ["Found", "Problem", "region_layers", "contact_nodes", "sweep_channels"]

_PER_NM2 = 100.0
"""1 Å⁻² in nm⁻²."""
_BYTES = 2**26
"""Bytes of the blocks and probabilities of all samples that are solved at once."""
_BELOW = 4
"""Gauss nodes below the grid's start."""
REACH: Final = 4.0
"""A damped contact is followed up to this multiple of the wider band."""
_TAIL = ((1.0, 1.3, 6), (1.3, REACH, 6))
"""Panels above the bands, in units of the wider band, and their Gauss nodes."""


@dataclass(frozen=True)
class Problem:
    """What all tasks share.

    Attributes
    ----------
    interface : Interface
        The crystals and their contact.
    heat : (N, F) float
        Heat of one channel per Å⁻² at each temperature and frequency, W m⁻² K⁻¹ Å².
    rates : (2, N, F) float
        1/τ of both crystals, ps⁻¹.
    damping : (2, N, F) float
        The same of damped atoms.
    reference : int
        Row of the lowest frequency that is sampled.
    heat_below : (N, X) float
        The same heat at elastic frequencies below, in units of the channels at the reference.
    rates_below : (2, N, X) float
        Rates there.
    layers : (2,) int
        Primitive layers of each crystal next to the interface that are damped at the rates of their crystal.
    longest : float
        Mean free path that boundaries leave, Å.
    """

    interface: Interface
    heat: Floats
    rates: Floats
    damping: Floats
    reference: int
    heat_below: Floats
    rates_below: Floats
    layers: tuple[int, int]
    longest: float = np.inf
    stage: str = "channels"

    @property
    def damped(self) -> bool:
        """Whether any layer is."""
        return self.layers != (0, 0)

    @property
    def kind(self) -> str:
        """Digest of what is added up: other rates and temperatures have other pieces."""
        rates = self.rates, self.damping, self.rates_below
        arrays = self.heat, self.heat_below, *rates, np.array([self.longest])
        found = hashlib.sha256(f"{self.layers} {self.reference}".encode())
        for array in arrays:
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    def tallies(self, frequencies: int) -> tuple[Tally, ...]:
        """Empty tallies of so many frequencies, one for each temperature."""
        return tuple(Tally.empty(frequencies, self.side_of_node) for _ in self.heat)

    def shape(self, task: Task) -> tuple[int]:
        """Numbers of a piece: samples solved, and the tallies."""
        empty = self.tallies(task.nodes.size)
        return (1 + sum(array.size for tally in empty for array in _arrays(tally)),)

    def read(self, piece: Piece, task: Task) -> tuple[Tally, ...]:
        """Tallies of a piece, spectra over the task's own frequencies."""
        found, place = self.tallies(task.nodes.size), 1
        for tally in found:
            for array in _arrays(tally):
                array[...] = piece.values[place : place + array.size].reshape(array.shape)
                place += array.size
        return found

    def solve(self, task: Task) -> Piece:
        """Solve a task."""
        return _solve(self, task)

    @property
    def side_of_node(self) -> Integers:
        """Crystal of each temperature node of the contact, (L,); none if it is not damped."""
        return contact_nodes(self.interface, self.layers)[2] if self.damped else np.zeros(0, dtype=np.int64)

    @property
    def thickness(self) -> tuple[float, float]:
        """Thickness of a principal layer of each crystal, Å."""
        interface = self.interface
        left, right = (
            principal * float(crystal.atoms.cell.array[2, 2])
            for principal, crystal in zip(interface.principal, (interface.left, interface.right), strict=True)
        )
        return left, right


@dataclass(frozen=True)
class Found:
    """Sums over all samples.

    Attributes
    ----------
    grid : FrequencyGrid
        Frequencies of the spectra, THz.
    tallies : tuple of Tally
        One for each temperature.
    worst : float
        Largest departure from Kirchhoff's sums, or from unitarity.
    samples, retried : int
        Samples solved, and those that needed the fallback solver.
    """

    grid: FrequencyGrid
    tallies: tuple[Tally, ...]
    worst: float
    samples: int
    retried: int


def region_layers(interface: Interface, layers: tuple[int, int] | None = None) -> tuple[int, int]:
    """Primitive layers of each side that a dissipative contact damps; by default all of the device.

    Raises
    ------
    InputError
        If the device has fewer, or none is to be damped.
    """
    left, right = (n + p for n, p in zip(interface.layers, interface.principal, strict=True))
    if layers is None:
        return left, right
    if not (0 <= layers[0] <= left and 0 <= layers[1] <= right and sum(layers) > 0):
        raise InputError(
            f"`damped_layers` must be 0 to {left} on the left and 0 to {right} on the right, one at least, "
            f"but are {layers[0]} and {layers[1]}; more need a thicker contact, `layers` of the interface"
        )
    return layers


def contact_nodes(
    interface: Interface, layers: tuple[int, int]
) -> tuple[tuple[Integers, ...], tuple[Integers, ...], Integers]:
    """Temperature nodes of a damped contact: one for each primitive layer that is damped.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    layers : (2,) int
        Primitive layers of each side that are damped.

    Returns
    -------
    nodes, sides : tuple of (m_l,) int
        Node of each degree of freedom of each device layer, −1 where nothing is damped, and its crystal, 0 or
        1; atoms of neither crystal count to the layer of the side that they are nearer to.
    side_of_node : (L,) int
        Crystal of each node, from left to right.
    """
    slab, chosen = interface.slab, np.concatenate(interface.device)
    heights = slab.atoms.positions[:, 2]
    middle = 0.5 * (heights[slab.side < 0].max() + heights[slab.side > 0].min())
    side = np.where(slab.side == 0, heights > middle, slab.side > 0).astype(np.int64)
    layer = np.where(slab.side == 0, np.where(side == 0, -1, 0), slab.layer)
    away = np.where(side == 0, -layer, layer + 1)
    chosen = chosen[away[chosen] <= np.array(layers)[side[chosen]]]
    names, label = np.unique(np.column_stack([side[chosen], layer[chosen]]), axis=0, return_inverse=True)
    place = np.full(len(slab.atoms), -1, dtype=np.int64)
    place[chosen] = label.ravel()
    nodes = tuple(np.repeat(place[atoms], 3) for atoms in interface.device)
    sides = tuple(np.repeat(side[atoms], 3) for atoms in interface.device)
    return nodes, sides, names[:, 0]


def sweep_channels(
    interface: Interface,
    sampling: Sampling,
    rates: Sequence[Rates],
    temperature: Floats,
    *,
    classical: bool = False,
    above: Above = "cap",
    layers: tuple[int, int] = (0, 0),
    longest: float = np.inf,
    how: Execution = HERE,
) -> Found:
    """Solve every sample at which either crystal has phonons and add up who sends heat to whom.

    Parameters
    ----------
    interface : Interface
        The crystals and their contact.
    sampling : Sampling
        Where.
    rates : (2,) Rates
        Of the left and the right crystal.
    temperature : (N,) float
        K.
    classical : bool
        Heat capacity k_B of every phonon.
    above : {"cap", "continue", "zero"}
        Rate above a crystal's band.
    layers : (2,) int
        Primitive layers of each side of the contact that are damped (:func:`region_layers`); their nodes are
        added to the emitters.
    longest : float
        Mean free path that the boundaries of the crystals leave, Å: 1/Λ is increased by its inverse.
    how : Execution
        As in :func:`latmm.sweep.run.sweep`.

    Returns
    -------
    Found
    """
    if sum(layers):
        sampling = _beyond(sampling)
    tasks = sampling.tasks
    problem = replace(
        _problem(interface, sampling, rates, temperature, classical, above, layers), longest=longest
    )
    seconds = sampling.seconds * sum(task.samples for task in tasks)
    together = at_once(interface, tasks, how.memory)
    found = list(pieces(problem, tasks, how, seconds=seconds, at_once=together))
    tallies = problem.tallies(sampling.grid.frequency.size)
    for task, piece in zip(tasks, found, strict=True):
        for tally, part in zip(tallies, problem.read(piece, task), strict=True):
            tally.matrix[...] += part.matrix
            tally.channels[...] += part.channels
            tally.reach[...] += part.reach
            tally.spectrum[task.nodes] += part.spectrum
    return Found(
        sampling.grid,
        tallies,
        max((float(piece.worst[0]) for piece in found), default=0.0),
        sum(int(piece.values[0]) for piece in found),
        sum(piece.retried for piece in found),
    )


def _arrays(tally: Tally) -> tuple[Floats, ...]:
    return tally.matrix, tally.spectrum, tally.channels, tally.reach


def _beyond(sampling: Sampling) -> Sampling:
    """Add frequencies above both bands, on the mesh of the whole zone."""
    grid = sampling.grid
    top = float(grid.frequency[-1] + 0.5 * grid.weight[-1])
    pieces = []
    for start, end, count in _TAIL:
        x, w = np.polynomial.legendre.leggauss(count)
        half = 0.5 * (end - start) * top
        pieces.append((start * top + half * (x + 1.0), half * w))
    nodes, weights = (np.concatenate(part) for part in zip(*pieces, strict=True))
    wider = FrequencyGrid(
        np.concatenate([grid.frequency, nodes]), np.concatenate([grid.weight, weights]), grid.start
    )
    own = np.zeros(nodes.size, dtype=bool)
    windows = [replace(w, selected=np.concatenate([w.selected, own])) for w in sampling.samples]
    zone = next(w for w in windows if abs(w.weights.sum() - 1.0) < 1e-9)
    windows.append(
        Window(zone.wave_vectors, zone.weights, np.append(np.zeros(grid.frequency.size, bool), ~own))
    )
    return replace(sampling, grid=wider, samples=windows)


def _problem(
    interface: Interface,
    sampling: Sampling,
    rates: Sequence[Rates],
    temperature: Floats,
    classical: bool,
    above: Above,
    layers: tuple[int, int],
) -> Problem:
    """Heat and rates at all frequencies, and at those below the samples."""
    grid = sampling.grid
    sampled = np.any([window.selected for window in sampling.samples], axis=0)
    reference = int(np.flatnonzero(sampled)[0])

    def heat(frequency: Floats, weight: Floats) -> Floats:
        c = (
            np.full((len(temperature), frequency.size), BOLTZMANN)
            if classical
            else heat_capacity_weight(frequency, temperature[:, None])
        )
        return c * weight * (_PER_NM2 * 1e30)  # THz nm⁻² = 1e30 s⁻¹ m⁻²

    x, w = np.polynomial.legendre.leggauss(_BELOW)
    half = 0.5 * grid.start
    below = ~sampled & (grid.frequency < grid.frequency[reference])
    nu = np.concatenate([half * (x + 1.0), grid.frequency[below]])
    weight = np.concatenate([half * w, grid.weight[below]])
    return Problem(
        interface,
        heat(grid.frequency, grid.weight),
        tables(rates, grid.frequency, temperature, above),
        tables(rates, grid.frequency, temperature, above, local=True),
        reference,
        heat(nu, weight) * (nu / grid.frequency[reference]) ** 2,
        tables(rates, nu, temperature, above),
        layers,
    )


def _solve(problem: Problem, task: Task) -> Piece:
    """Solve one task, with one BLAS thread."""
    interface = problem.interface
    tallies = problem.tallies(task.nodes.size)
    step = max(1, _BYTES // bytes_per_wave_vector(interface))
    worst, samples, retried = 0.0, 0, 0
    with threadpool_limits(limits=1, user_api="blas"):
        for start in range(0, len(task.weights), step):
            k = task.wave_vectors[start : start + step]
            lattice = interface.junction(k)
            wanted: Bools = np.ones((len(k), task.nodes.size), dtype=bool)
            if not problem.damped:
                wanted = np.asarray(inside_bands(interface, k, task.frequency).any(axis=0))
            point, frequency = np.nonzero(wanted)
            batch = max(1, _BYTES // _bytes_per_sample(problem, lattice))
            for first in range(0, point.size, batch):
                some = slice(first, first + batch)
                error, again = _add(
                    problem,
                    _at(lattice, point[some]),
                    task,
                    frequency[some],
                    task.weights[start + point[some]],
                    tallies,
                )
                worst, retried = max(worst, error), retried + again
            samples += point.size
    values = np.concatenate([[float(samples)], *(a.ravel() for tally in tallies for a in _arrays(tally))])
    return Piece(values, np.array([worst, 0.0, 0.0]), retried)


def _add(
    problem: Problem,
    lattice: Junction,
    task: Task,
    frequency: Integers,
    weight: Floats,
    tallies: Sequence[Tally],
) -> tuple[float, int]:
    """Solve samples and add them to the tallies; return the worst error and how many were solved again."""
    node = task.nodes[frequency]
    share = weight / problem.interface.area
    below = np.flatnonzero(node == problem.reference)
    omega = TWO_PI * task.frequency[frequency]
    if problem.damped:
        nodes, sides, _ = contact_nodes(problem.interface, problem.layers)
        rates = np.moveaxis(problem.damping[:, :, node], 0, -1)  # (N, S, 2)
        damping = [np.where(own < 0, 0.0, rates[..., side]) for own, side in zip(nodes, sides, strict=True)]
        found = dissipate(lattice, omega, damping, nodes)
        upper = np.concatenate([found.scattered, found.emitted], -1)
        probabilities = np.concatenate([upper, np.concatenate([found.absorbed, found.exchanged], -1)], -2)
        error, retried, left, right = found.kirchhoff, found.retried, found.left, found.right
    else:
        plain = scatter(lattice, omega)
        upper = np.concatenate([_square(plain.reflected_left), _square(plain.transmitted_right)], -1)
        lower = np.concatenate([_square(plain.transmitted_left), _square(plain.reflected_right)], -1)
        probabilities = np.concatenate([upper, lower], -2)[None]
        error, retried, left, right = plain.totals.unitarity, plain.totals.retried, plain.left, plain.right
    thickness = problem.thickness
    outgoing, incoming = _speeds(left, right, thickness, out=True), _speeds(left, right, thickness, out=False)
    count = left.right.propagating.reshape(node.size, -1).shape[1]
    for number, tally in enumerate(tallies):
        samples = Samples(probabilities[number if problem.damped else 0], count, outgoing, incoming)
        tally.add(
            samples,
            share * problem.heat[number, node],
            problem.rates[:, number, node],
            frequency,
            problem.longest,
        )
        if below.size:
            long = samples.part(below)
            for heat, rates in zip(problem.heat_below[number], problem.rates_below[:, number].T, strict=True):
                tally.add(
                    long,
                    share[below] * heat,
                    np.repeat(rates[:, None], below.size, axis=1),
                    frequency[below],
                    problem.longest,
                )
    return float(error.max(initial=0.0)), int(retried.sum())


def _square(z: Complexes) -> Floats:
    return np.asarray(z.real**2 + z.imag**2)


def _speeds(left: Modes, right: Modes, thickness: tuple[float, float], *, out: bool) -> Floats:
    """Speeds along z of all outgoing or incoming channels, (S, n), Å/ps."""
    waves = (left.left, right.right) if out else (left.right, right.left)
    speeds = [
        np.abs(w.group_velocity).reshape(len(w.group_velocity), -1) * d
        for w, d in zip(waves, thickness, strict=True)
    ]
    return np.concatenate(speeds, -1)


def _bytes_per_sample(problem: Problem, lattice: Junction) -> int:
    """Memory of a sample's blocks, modes and probabilities."""
    sizes = lattice.sizes
    channels = sizes[0] + sizes[-1] + problem.side_of_node.size
    alternatives = len(problem.heat) if problem.damped else 1
    return 16 * 3 * sum(n * n for n in sizes) + 8 * 4 * alternatives * channels**2


def _at(lattice: Junction, k: Integers) -> Junction:
    """Junction of single samples from one of all k∥ (K, 1)."""
    return replace(
        lattice,
        left=_lead_at(lattice.left, k),
        right=_lead_at(lattice.right, k),
        onsite=tuple(block[k, 0] for block in lattice.onsite),
        hopping=tuple(block[k, 0] for block in lattice.hopping),
    )


def _lead_at(lead: Lead | FoldedLead, k: Integers) -> Lead | FoldedLead:
    return replace(lead, onsite=lead.onsite[k, 0], hopping=lead.hopping[k, 0])
