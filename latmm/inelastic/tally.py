"""Sums over channels: who sends how much heat to whom across the contact, by mean free paths.

The emitters are also the receivers: the channels of the left crystal in bins of the mean free path, those of
the right crystal, and the nodes of a dissipative contact. A sample of weight w (W m⁻² K⁻¹) adds w p_oi to

    M_oi   for the network,      Q_f,g,i   the heat at frequency f that emitter i sends to group g,

where the four groups are both crystals and the contact's nodes on both sides. Samples at −k∥ are not solved:
their probabilities are those of k∥ with emitters and receivers exchanged (reciprocity), so that both are
added, half each: M is symmetric.
"""

from dataclasses import dataclass

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.inelastic.paths import COUNT, EDGES, bins

__all__ = ["GROUPS", "Samples", "Tally"]

GROUPS = 4
"""Left crystal, right crystal, contact's nodes on the left and on the right."""


@dataclass(frozen=True)
class Samples:
    """Solved samples, S of them; channels as in :class:`~latmm.agf.damping.Dissipation`.

    Attributes
    ----------
    probability : (S, n + L, n + L) float
        From channels and nodes (last axis) to channels and nodes.
    channels_left : int
        Channels of the left crystal; the rest of the n are the right one's.
    speed_out, speed_in : (S, n) float
        Speeds along z of outgoing and incoming channels, Å/ps; 0 where a mode does not propagate.
    """

    probability: Floats
    channels_left: int
    speed_out: Floats
    speed_in: Floats

    def part(self, chosen: Integers) -> "Samples":
        """Take some of the samples."""
        return Samples(
            self.probability[chosen], self.channels_left, self.speed_out[chosen], self.speed_in[chosen]
        )


@dataclass(frozen=True)
class Tally:
    """What has been added up for one temperature.

    Attributes
    ----------
    matrix : (E, E) float
        M over emitters, W m⁻² K⁻¹.
    spectrum : (F, 4, E) float
        Q, W m⁻² K⁻¹.
    channels : (2 B,) float
        Heat of the channels of one direction in each bin, counted without the contact.
    reach : (2 B,) float
        The same times their mean free paths, Å W m⁻² K⁻¹.
    side_of_node : (L,) int
        Side of each node, 0 or 1.
    """

    matrix: Floats
    spectrum: Floats
    channels: Floats
    reach: Floats
    side_of_node: Integers

    @classmethod
    def empty(cls, frequencies: int, side_of_node: Integers) -> "Tally":
        """Nothing yet."""
        emitters = 2 * COUNT + side_of_node.size
        return cls(
            np.zeros((emitters, emitters)),
            np.zeros((frequencies, GROUPS, emitters)),
            np.zeros(2 * COUNT),
            np.zeros(2 * COUNT),
            side_of_node,
        )

    def add(
        self,
        samples: Samples,
        weight: Floats,
        rates: Floats,
        frequency: Integers,
        longest: float = np.inf,
    ) -> None:
        """Add samples.

        Parameters
        ----------
        samples : Samples
            S of them.
        weight : (S,) float
            Heat of one channel of each, W m⁻² K⁻¹.
        rates : (2, S) float
            1/τ of the left and the right crystal's phonons, ps⁻¹.
        frequency : (S,) int
            Row of the spectrum.
        longest : float
            Mean free path that boundaries leave, Å: 1/Λ is increased by its inverse.
        """
        n, left = samples.speed_in.shape[1], samples.channels_left
        side = (np.arange(n) >= left).astype(np.int64)
        places = []
        for speed in (samples.speed_out, samples.speed_in):
            with np.errstate(divide="ignore", invalid="ignore"):
                path = np.where(speed > 0.0, 1.0 / (rates[side].T / speed + 1.0 / longest), 0.0)
            number, path = bins(path)
            places.append(number + COUNT * side)
            share = np.where(speed > 0.0, 0.5 * weight[:, None], 0.0)
            for store, amount in ((self.channels, share), (self.reach, share * path)):
                store += np.bincount(places[-1].ravel(), amount.ravel(), store.size)
        emitters, group = self.matrix.shape[0], self._group
        total = samples.probability.shape[-1]
        for rows, columns in _kinds(n, total):
            block = samples.probability[:, rows, columns]
            sample, row, column = np.nonzero(block)
            value = weight[sample] * block[sample, row, column]
            to = _emitters(places[0], sample, row, rows.start > 0)
            come = _emitters(places[1], sample, column, columns.start > 0)
            m = np.bincount(to * emitters + come, 0.5 * value, emitters**2).reshape(emitters, emitters)
            self.matrix[...] += m + m.T
            for receiver, emitter in ((to, come), (come, to)):
                place = (frequency[sample] * GROUPS + group[receiver]) * emitters + emitter
                found = np.bincount(place, 0.5 * value, self.spectrum.size)
                self.spectrum[...] += found.reshape(self.spectrum.shape)

    @property
    def path(self) -> Floats:
        """Mean free path of each bin, (2, B), Å."""
        middle = np.tile(np.sqrt(EDGES[1:] * EDGES[:-1]), 2)
        mean = np.divide(self.reach, self.channels, out=middle, where=self.channels > 0.0)
        return np.asarray(mean).reshape(2, COUNT)

    @property
    def _group(self) -> Integers:
        """Group of each emitter."""
        return np.concatenate([np.repeat([0, 1], COUNT), 2 + self.side_of_node])


def _kinds(n: int, total: int) -> list[tuple[slice, slice]]:
    """Blocks of the probabilities: channels and nodes, to and from."""
    parts = [slice(0, n)] + ([slice(n, total)] if total > n else [])
    return [(rows, columns) for rows in parts for columns in parts]


def _emitters(place: Integers, sample: Integers, index: Integers, node: bool) -> Integers:
    """Emitters behind the rows or columns of a block."""
    return 2 * COUNT + index if node else place[sample, index]
