"""What the mismatch models say of the same phonons, one by one.

*Acoustic mismatch* knows elastic waves alone. The elastic wave that stands for a phonon of an acoustic branch
b and wave vector q is that of the slowness sheet b (slow, middle, fast) along q̂ in the anisotropic medium of
the same force constants: s = q̂/c_b(q̂). Its transmissivity through a welded contact follows from its
in-plane slowness. Phonons of optical branches, and those whose energy runs to the contact while the energy of
that elastic wave runs away from it, have no elastic counterpart: not a number. Above the band of the other
crystal nothing crosses.

*Diffuse mismatch* gives all phonons of one side and frequency the same transmissivity, that of channels
counted in the full dispersion: M_right/(M_left + M_right) from the left.

From the right, the half-spaces are turned about x and change places.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from latmm.arrays import Bools, Floats, Integers
from latmm.continuum.boundary import contact, energy_shares
from latmm.continuum.dispersion import channels
from latmm.continuum.media import Medium
from latmm.continuum.stroh import plane_waves
from latmm.interface.interface import SIDES, Interface
from latmm.landauer import FrequencyGrid
from latmm.lattice.dynamics import largest_frequency
from latmm.threads import single_threaded

__all__ = ["Continuum", "beside_modes", "beside_phonons"]

_ACOUSTIC = 3
"""Acoustic branches of a crystal."""
_SAME = 1e-6
"""Relative difference of vertical slownesses below which two waves are one sheet, or degenerate."""
_NODES = 400
"""Frequencies at which channels are counted; between them they are interpolated."""
_BATCH = 512
"""Waves solved at once."""
TURN = np.diag([1.0, -1.0, -1.0])
"""Turn about x: what comes from the right then comes from the left."""


@dataclass(frozen=True)
class Continuum:
    """Both crystals as elastic media, and their phonon channels.

    Attributes
    ----------
    media : tuple of two Medium
        Left and right.
    frequency : (F,) float
        THz.
    diffuse : (2, F) float
        Transmissivity by diffuse mismatch, from the left and from the right.
    tops : tuple of two float
        Largest frequency of each crystal, THz.
    """

    media: tuple[Medium, Medium]
    frequency: Floats
    diffuse: Floats
    tops: tuple[float, float]

    @classmethod
    def of(cls, interface: Interface) -> "Continuum":
        """Take the long-wave limit and the channels of the crystals' own force constants."""
        media = tuple(
            Medium.from_force_constants(crystal, name=f"the {side} crystal")
            for side, crystal in zip(SIDES, interface.crystals, strict=True)
        )
        tops = [largest_frequency(crystal) for crystal in interface.crystals]
        top = max(tops)
        grid = FrequencyGrid((np.arange(_NODES) + 0.5) * top / _NODES, np.full(_NODES, top / _NODES))
        left, right = (channels(crystal, grid) for crystal in interface.crystals)
        both = np.where(left + right > 0, left + right, 1.0)
        return cls(
            (media[0], media[1]), grid.frequency, np.array([right / both, left / both]), (tops[0], tops[1])
        )

    @property
    def grid(self) -> FrequencyGrid:
        """Quadrature over the frequencies at which channels are counted."""
        step = self.frequency[1] - self.frequency[0]
        return FrequencyGrid(self.frequency, np.full(self.frequency.size, step))

    def seen_from(self, side: int) -> tuple[Medium, Medium]:
        """Both media, the one that waves come from first, its half-space below the other."""
        left, right = self.media
        return (left, right) if side == 0 else (right.rotated(TURN), left.rotated(TURN))

    def diffuse_at(self, side: int, frequency: Floats) -> Floats:
        """Transmissivity by diffuse mismatch of phonons of any shape of frequencies, THz."""
        return np.asarray(np.interp(frequency, self.frequency, self.diffuse[side]))

    def acoustic_at(
        self, side: int, wave_vectors: Floats, branch: Integers, velocity: Floats, frequency: Floats
    ) -> Floats:
        """Transmissivity by acoustic mismatch.

        Parameters
        ----------
        side : int
            0: phonons of the left crystal; 1: of the right one.
        wave_vectors : (M, 3) float
            Cartesian, in the first zone; only their directions matter.
        branch : (M,) int
            Branches.
        velocity : (M,) float
            Group velocity along the normal: phonons that run away from the contact are taken time-reversed.
        frequency : (M,) float
            THz.

        Returns
        -------
        (M,) ndarray
            Not a number where there is no elastic counterpart.
        """
        towards = np.where(velocity > 0, 1.0, -1.0) * (1.0 if side == 0 else -1.0)
        q = wave_vectors * towards[:, None]
        left, right = self.seen_from(side)
        q = q if side == 0 else q @ TURN
        result = np.full(len(q), np.nan)
        length = np.linalg.norm(q, axis=1)
        rows = np.flatnonzero((branch < _ACOUSTIC) & (length > 0) & (velocity != 0))
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            result[part] = _crossing(left, right, q[part] / length[part, None], branch[part])
        return np.where(np.isfinite(result) & (frequency > self.tops[1 - side]), 0.0, result)


def _crossing(left: Medium, right: Medium, directions: Floats, branch: Integers) -> Floats:
    """Transmissivity (M,) from the left of waves along ``directions`` (M, 3) on their sheets."""
    speed = left.christoffel(directions)[0][np.arange(len(branch)), branch]
    s = directions / speed[:, None]
    waves = plane_waves(left, s[:, :2]), plane_waves(right, s[:, :2])
    shares = energy_shares(contact(*waves).transmission, waves[0].forward, waves[1].forward).sum(axis=-1)
    near = waves[0].forward.propagating & (
        np.abs(waves[0].forward.vertical - s[:, 2:]) < _SAME * np.linalg.norm(s, axis=1)[:, None]
    )
    return _mean(shares, near)


def _mean(values: Floats, chosen: Bools) -> Floats:
    """Mean of the chosen values of each row; not a number where none is."""
    count = chosen.sum(axis=-1)
    total = np.where(chosen, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@single_threaded
def beside_modes(piece: xr.Dataset, continuum: Continuum) -> xr.Dataset:
    """Add the mismatch models to rows of a mode table.

    Returns
    -------
    xarray.Dataset
        With ``transmissivity_amm``, ``transmissivity_dmm`` and ``difference_amm``, ``difference_dmm`` (model
        less lattice).
    """
    q = np.stack([piece[name].values for name in ("qx", "qy", "qz")], axis=-1).astype(float)
    velocity = piece["group_velocity"].values[:, 2].astype(float)
    acoustic, diffuse = np.empty(len(q)), np.empty(len(q))
    for side in range(len(SIDES)):
        rows = piece["side"].values == side
        branch = piece["branch"].values[rows].astype(np.int64)
        frequency = piece["frequency"].values[rows]
        acoustic[rows] = continuum.acoustic_at(side, q[rows], branch, velocity[rows], frequency)
        diffuse[rows] = continuum.diffuse_at(side, frequency)
    return _added(piece, acoustic, diffuse)


@single_threaded
def beside_phonons(tree: xr.DataTree, continuum: Continuum) -> xr.DataTree:
    """Add the mismatch models to the phonons of a mesh.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.modes.q_mesh.transmissivities`.

    Returns
    -------
    xarray.DataTree
        Both sides with the variables of :func:`beside_modes`.
    """
    nodes = {"/": tree.to_dataset()}
    for side, name in enumerate(SIDES):
        table = tree[name].to_dataset()
        shape = table["frequency"].shape
        q = np.repeat(table["wave_vector"].values, shape[1], axis=0)
        branch = np.tile(table["branch"].values, shape[0]).astype(np.int64)
        velocity = table["group_velocity"].values[..., 2].ravel()
        frequency = table["frequency"].values
        acoustic = continuum.acoustic_at(side, q, branch, velocity, frequency.ravel()).reshape(shape)
        nodes[name] = _added(table, acoustic, continuum.diffuse_at(side, frequency))
    return xr.DataTree.from_dict(nodes)


def _added(table: xr.Dataset, acoustic: Floats, diffuse: Floats) -> xr.Dataset:
    lattice = table["transmissivity"]
    columns = {}
    for name, words, values in (("amm", "acoustic", acoustic), ("dmm", "diffuse", diffuse)):
        columns[f"transmissivity_{name}"] = (
            lattice.dims,
            values,
            {"units": "1", "long_name": f"transmissivity by {words} mismatch"},
        )
        columns[f"difference_{name}"] = (
            lattice.dims,
            values - lattice.values,
            {"units": "1", "long_name": f"transmissivity by {words} mismatch less that of the lattice"},
        )
    return table.assign(columns)
