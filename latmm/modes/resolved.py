"""Scattering between phonons: the scattering matrix of a batch of points with both of its sides unfolded.

|S_ij|² is the share of the energy of phonon j that leaves in phonon i. Where phonons are degenerate (one q,
one ω) the shares depend on which combinations of them are called i and j; their mean over the group does not,
and it is what is kept: sums over a group are exact.
"""

from dataclasses import dataclass

import numpy as np

from latmm.agf import Scattering, Waves, scatter
from latmm.arrays import Complexes, Floats, Integers
from latmm.interface.interface import Interface
from latmm.modes import lateral_cells
from latmm.modes.unfolding import Unfolded, folded_axis, unfold
from latmm.threads import single_threaded
from latmm.units import TWO_PI

__all__ = ["Resolved", "resolve"]


@dataclass(frozen=True)
class Resolved:
    """Phonons at a batch of points (k∥, ω), P = K W in all, and what becomes of their energy.

    Attributes
    ----------
    wave_vectors : tuple of two (P, N, 2) float
        k∥ of each crystal's own lateral cell.
    omega : (P,) float
        ω, rad/ps.
    incoming, outgoing : tuple of two Unfolded
        Phonons of the left and of the right crystal that run to the contact, and from it (empty unless asked
        for).
    share : tuple of two tuples of two (P, n_out, n_in) float
        |S|² [side it comes from][side it leaves to], by modes after the turns of the phonons, each the mean
        over the groups of its phonons.
    partner : tuple of two (M,) int
        For the incoming phonons of each side: number of the folded k∥ of the other side that equals theirs.
    """

    wave_vectors: tuple[Floats, Floats]
    omega: Floats
    incoming: tuple[Unfolded, Unfolded]
    outgoing: tuple[Unfolded, Unfolded] | None
    share: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]
    partner: tuple[Integers, Integers]

    def transmissivity(self, side: int) -> Floats:
        """Share of each incoming phonon of a side (M,) that crosses."""
        return self._total(side, 1 - side)

    def reflectivity(self, side: int) -> Floats:
        """Share of each incoming phonon of a side (M,) that returns."""
        return self._total(side, side)

    def specular(self, side: int) -> Floats:
        """Share of each incoming phonon of a side (M,) that leaves with its own k∥, on either side."""
        found = self.incoming[side]
        total = np.zeros(len(found.point))
        for to, share in enumerate(self.share[side]):
            apart = share.reshape(share.shape[0], self.wave_vectors[to].shape[1], -1, share.shape[2])
            place = found.folded if to == side else self.partner[side]
            total += apart[found.point, place, :, found.mode].sum(axis=-1)
        return total

    def _total(self, side: int, to: int) -> Floats:
        found = self.incoming[side]
        return np.asarray(self.share[side][to][found.point, :, found.mode].sum(axis=-1))


@single_threaded
def resolve(
    interface: Interface, wave_vectors: Floats, frequency: Floats, *, outgoing: bool = False
) -> Resolved:
    """Solve the points k∥ × ν and unfold their modes.

    Parameters
    ----------
    interface : Interface
        Crystals and contact.
    wave_vectors : (K, 2) float
        k∥, fractional in the junction's lateral cell.
    frequency : (W,) or (K, W) float
        ν, THz, positive.
    outgoing : bool
        Unfold the outgoing phonons as well.

    Returns
    -------
    Resolved
    """
    k = np.asarray(wave_vectors, dtype=float)
    junction = interface.junction(k)
    omega = np.broadcast_to(TWO_PI * np.asarray(frequency, dtype=float), (len(k), np.shape(frequency)[-1]))
    scattering = scatter(junction, omega)
    kappa = np.repeat(k, omega.shape[1], axis=0)
    points = interface.folded("left", kappa), interface.folded("right", kappa)
    flat = omega.reshape(-1)

    def phonons_of(side: int, waves: Waves) -> Unfolded:
        lead = (junction.left, junction.right)[side]
        return unfold(
            interface.crystals[side], interface.principal[side], folded_axis(lead, waves), points[side], flat
        )

    left, right = scattering.left, scattering.right
    incoming = phonons_of(0, left.right), phonons_of(1, right.left)
    leaving = (phonons_of(0, left.left), phonons_of(1, right.right)) if outgoing else None
    partner = tuple(
        lateral_cells.partner(interface, 1 - side, found.wave_vector[:, :2], kappa[found.point])
        for side, found in enumerate(incoming)
    )
    return Resolved(
        points,
        flat,
        incoming,
        leaving,
        _shares(scattering, incoming, leaving),
        (partner[0], partner[1]),
    )


def _shares(
    scattering: Scattering, incoming: tuple[Unfolded, Unfolded], outgoing: tuple[Unfolded, Unfolded] | None
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """|S|² [from side][to side] between phonons."""
    left, right = (
        tuple(
            _between(amplitudes, incoming[side], None if outgoing is None else outgoing[to])
            for to, amplitudes in enumerate(blocks)
        )
        for side, blocks in enumerate(
            (
                (scattering.reflected_left, scattering.transmitted_left),
                (scattering.transmitted_right, scattering.reflected_right),
            )
        )
    )
    return (left[0], left[1]), (right[0], right[1])


def _between(amplitudes: Complexes, incoming: Unfolded, outgoing: Unfolded | None) -> Floats:
    """|S|² (P, n_out, n_in) of amplitudes between modes, turned into those between phonons."""
    s = amplitudes.reshape(-1, *amplitudes.shape[-2:])
    for turn in incoming.turns:
        s[turn.point, :, turn.modes] = (s[turn.point][:, turn.modes] @ turn.matrix).T
    for turn in () if outgoing is None else outgoing.turns:
        s[turn.point, turn.modes] = turn.matrix.conj().T @ s[turn.point, turn.modes]
    share = s.real**2 + s.imag**2
    for point, modes in _groups(incoming):
        share[point][:, modes] = share[point][:, modes].mean(axis=1, keepdims=True)
    for point, modes in () if outgoing is None else _groups(outgoing):
        share[point, modes] = share[point, modes].mean(axis=0)
    return share


def _groups(found: Unfolded) -> list[tuple[int, Integers]]:
    """Points and modes of degenerate phonons, two or more."""
    size = np.bincount(found.group, minlength=len(found.group))
    leaders = np.flatnonzero(size > 1)
    return [(int(found.point[i]), found.mode[np.flatnonzero(found.group == i)]) for i in leaders]
