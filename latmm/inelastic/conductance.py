"""Conductances of an interface between crystals that scatter phonons.

Between two reservoirs at the distance L from the contact planes heat flows by the network of
:mod:`latmm.inelastic.network`. The resistance of the interface alone is told in three ways:

    1/G_extrapolated   the jump between straight lines through the middle third of both profiles,
    1/G_excess = R_LR − ½ (R_LL + R_RR)     more than the mean of both crystals without contact, of the same
                                            length, mesh and samples,
    1/G_local          the jump of the local temperatures at the contact planes,
    1/G_layers         the jump between the layers on both sides of the interface, for a dissipative contact,
                       where they have temperatures.

The first two meet where L exceeds the mean free paths; for L → 0 the second is the four-probe formula. The
local one depends on where the planes lie, and includes the crystals between them; the last leaves out what
the contact's layers resist. None is the two-probe or the four-probe conductance of
:mod:`latmm.landauer`, which take the phonons that arrive to be in equilibrium; both are given beside.

The non-equilibrium Landauer formula is the first step towards the solution: if profiles were straight up to
the contact, phonons of mean free path Λ would arrive with the temperature at Λ before it, and

    G = G₂/(1 − β_left − β_right),     β = Σ w t Λ/κ       (sum over a side's incoming channels),

which for a perfect crystal is infinite (β = ½ on each side).

Sources: E. S. Landry and A. J. H. McGaughey, Phys. Rev. B 80, 165304 (2009) and S. Merabia and K.
Termentzidis, Phys. Rev. B 86, 094303 (2012), for the last formula [from memory].
"""

from dataclasses import dataclass

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.inelastic.network import Bulk, Profile, conductivity, graded, homogeneous, solve_network
from latmm.inelastic.paths import COUNT
from latmm.inelastic.tally import Tally
from latmm.landauer import FrequencyGrid

__all__ = [
    "Conductances",
    "Spectra",
    "conductances",
    "conductivity_above",
    "landauer_nonequilibrium",
    "spectra",
]


@dataclass(frozen=True)
class Conductances:
    """Conductances at one temperature and length, W m⁻² K⁻¹, and what belongs to them.

    Attributes
    ----------
    extrapolated, excess, local, layers : float
        As in the module's text, ``layers`` as ``local`` for an elastic contact; infinite where there is no
        resistance.
    total : float
        Between the reservoirs.
    two_probe, four_probe : float
        Of the same samples, all that arrives in equilibrium; a damped contact absorbs and emits.
    conductivity : (2,) float
        κ of the channels of both sides, W m⁻¹ K⁻¹.
    profile : Profile
        Temperatures.
    closure : float
        Largest relative difference of M's row sums from the channels counted without contact.
    """

    extrapolated: float
    excess: float
    local: float
    layers: float
    total: float
    two_probe: float
    four_probe: float
    conductivity: tuple[float, float]
    profile: Profile
    closure: float


@dataclass(frozen=True)
class Spectra:
    """Heat by frequency for a flux of 1, per frequency node (sums, not densities).

    Attributes
    ----------
    contact : (2, F) float
        What enters the contact from the left and leaves it to the right.
    bulk : (2, F) float
        What the same flux is made of far from the contact, on both sides.
    """

    contact: Floats
    bulk: Floats


def conductances(tally: Tally, length: float, depth: tuple[float, float] = (0.0, 0.0)) -> Conductances:
    """Solve the network of one temperature.

    Parameters
    ----------
    tally : Tally
        From :func:`latmm.inelastic.sweep.sweep_channels`.
    length : float
        Distance of both reservoirs from the contact planes, Å.
    depth : (2,) float
        Distance of the contact planes from the interface, Å; for a damped contact.

    Returns
    -------
    Conductances
    """
    m, channels, paths = tally.matrix, tally.channels.reshape(2, COUNT), tally.path
    sides = [Bulk(weight, path, graded(length)) for weight, path in zip(channels, paths, strict=True)]
    profile = solve_network(sides[0], sides[1], m)
    alone = [
        _resistance(weight, path, length + d) for weight, path, d in zip(channels, paths, depth, strict=True)
    ]
    excess = 1.0 / profile.flux - 0.5 * sum(alone)
    nothing = np.array([0.0, 1e-12])
    ends = [Bulk(weight, path, nothing) for weight, path in zip(channels, paths, strict=True)]
    two = solve_network(ends[0], ends[1], m).flux
    four = 1.0 / two - 0.5 * sum(1.0 / weight.sum() for weight in channels)
    rows = m.sum(axis=1)[: 2 * COUNT]
    return Conductances(
        extrapolated=_inverse(profile.extrapolated_jump(depth) / profile.flux, two),
        excess=_inverse(excess, two),
        local=_inverse(profile.jump / profile.flux, two),
        layers=_inverse(_layer_jump(profile, tally.side_of_node) / profile.flux, two),
        total=profile.flux,
        two_probe=two,
        four_probe=_inverse(four, two),
        conductivity=(conductivity(channels[0], paths[0]), conductivity(channels[1], paths[1])),
        profile=profile,
        closure=float(np.abs(rows - tally.channels).max() / tally.channels.max()),
    )


def _layer_jump(profile: Profile, side_of_node: Integers) -> float:
    """Difference between the temperatures next to the interface."""
    inner = [profile.temperature_contact[side_of_node == side] for side in (0, 1)]
    left = inner[0][-1] if inner[0].size else profile.temperature_left[0]
    right = inner[1][0] if inner[1].size else profile.temperature_right[0]
    return float(left - right)


def conductivity_above(tally: Tally, grid: FrequencyGrid, cut: tuple[float, float], longest: float) -> Floats:
    """Conductivity that the channels of each side have above a frequency, without boundaries.

    Parameters
    ----------
    tally : Tally
        With mean free paths up to ``longest``.
    grid : FrequencyGrid
        Of its spectra.
    cut : (2,) float
        Frequency of each side, THz.
    longest : float
        Mean free path that boundaries leave, Å.

    Returns
    -------
    (2,) ndarray
        W m⁻¹ K⁻¹, good to the square of the bins' and of the frequencies' distance.
    """
    carried = tally.spectrum.sum(axis=1)[: grid.frequency.size, : 2 * COUNT].reshape(-1, 2, COUNT)
    path = 1.0 / (1.0 / tally.path - 1.0 / longest)
    by_frequency = 2e-10 * np.einsum("fsb,sb->fs", carried, path)
    below = np.vstack([np.zeros((1, 2)), np.cumsum(by_frequency, axis=0)])
    edges = grid.start + np.append(0.0, np.cumsum(grid.weight))
    return np.array([below[-1, s] - np.interp(cut[s], edges, below[:, s]) for s in (0, 1)])


_NOTHING = 1e-7
"""Resistance relative to that between the reservoirs below which there is none."""


def _inverse(resistance: float, scale: float) -> float:
    """Conductance of a resistance that is zero within rounding at infinity."""
    return float("inf") if abs(resistance) * scale < _NOTHING else 1.0 / resistance


def _resistance(weight: Floats, path: Floats, length: float) -> float:
    """Resistance of a crystal of twice the length without contact, m² K W⁻¹."""
    side = Bulk(weight, path, graded(length))
    return 1.0 / solve_network(side, side, homogeneous(weight)).flux


def landauer_nonequilibrium(tally: Tally) -> float:
    """Non-equilibrium Landauer conductance of a contact without nodes, W m⁻² K⁻¹."""
    m = tally.matrix[: 2 * COUNT, : 2 * COUNT].reshape(2, COUNT, 2, COUNT)
    crossing = m[1, :, 0].sum(axis=0), m[0, :, 1].sum(axis=0)
    two = float(crossing[0].sum())
    beta = sum(
        1e-10 * float(through @ path) / conductivity(weight, path)
        for through, weight, path in zip(crossing, tally.channels.reshape(2, COUNT), tally.path, strict=True)
    )
    return two / (1.0 - beta) if 1.0 - beta > _NOTHING else float("inf")


def spectra(tally: Tally, profile: Profile) -> Spectra:
    """Heat by frequency at the contact and far away."""
    state = np.concatenate([profile.incoming, profile.temperature_contact])
    received = tally.spectrum @ state  # (F, 4)
    sent = tally.spectrum.sum(axis=1) * state  # (F, E): all that the emitter's channels carry
    entering = sent[:, :COUNT].sum(axis=1) - received[:, 0]
    leaving = received[:, 1] - sent[:, COUNT : 2 * COUNT].sum(axis=1)
    carried = tally.spectrum.sum(axis=1)[:, : 2 * COUNT].reshape(-1, 2, COUNT)
    carried = np.einsum("fsb,sb->fs", carried, tally.path)
    bulk = carried / carried.sum(axis=0)
    return Spectra(np.stack([entering, leaving]) / profile.flux, bulk.T)
