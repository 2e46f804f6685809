"""How many layers force constants span, and what is lost by leaving out those that span more.

An interface needs principal layers as thick as the force constants reach along its normal. First-principles
force constants reach to the boundary of the supercell they come from. Pairs of atoms more than p layers apart
can be left out, at a price that is measured: the acoustic slopes, Σ Φ r r, feel distant pairs most (leaving
out what spans more than four layers of first-principles silicon on (001), 0.1 % of the frequencies, moves a
sound speed by 2 %). Cutting at a plane costs less than cutting at a sphere of the same reach, which loses
pairs along the layers too.
"""

from dataclasses import dataclass, replace

import numpy as np

from latmm.arrays import Floats
from latmm.errors import InputError
from latmm.lattice.dynamics import q_mesh
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.stiffness import wave_tensor
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["FREQUENCY_LIMIT", "SLOPE_LIMIT", "Cut", "band_change", "cut", "least_cut"]

SLOPE_LIMIT = 1e-3
"""Largest relative change of a speed of sound by cutting that passes unasked."""
FREQUENCY_LIMIT = 5e-3
"""Largest change of a frequency by cutting, relative to the largest frequency, that passes unasked."""
_RUINED = 0.25
"""Change of a speed of sound beyond which what is left is another crystal."""
_MESH = (6, 6, 6)


@dataclass(frozen=True)
class Cut:
    """Force constants that end after some layers, and what that changes.

    Attributes
    ----------
    table : ForceConstants
        No pair more than ``layers`` layers apart; sum rule exact.
    layers : int
        Layers spanned, of the third lattice vector.
    norm : float
        Euclidean norm of what was left out, relative to that of all pairs.
    largest : float
        Largest element left out, relative to the largest force constant.
    gamma, frequency : float
        Largest change of a frequency at Γ and on a 6 × 6 × 6 mesh, relative to the largest frequency.
    slope : float
        Largest relative change of a speed of sound over twenty directions.
    """

    table: ForceConstants
    layers: int
    norm: float
    largest: float
    gamma: float
    frequency: float
    slope: float

    @property
    def description(self) -> str:
        """One line for notes and for the provenance of results."""
        return (
            f"force constants beyond {self.layers} layers left out: norm {self.norm:.1e}, largest element "
            f"{self.largest:.1e}; this moves Γ by {self.gamma:.1e}, the bands by {self.frequency:.1e} of the "
            f"largest frequency, sound by {self.slope:.1e}"
        )


def cut(table: ForceConstants, layers: int) -> Cut:
    """Leave out the pairs more than ``layers`` layers apart.

    Parameters
    ----------
    table : ForceConstants
        Of an oriented crystal: the third lattice vector leads to the next layer.
    layers : int
        Layers to keep, at least one.

    Returns
    -------
    Cut

    Raises
    ------
    InputError
        If ``layers`` is no positive integer, or a speed of sound would change by a quarter or more.
    """
    if int(layers) != layers or layers < 1:
        raise InputError(f"layers to keep must be a positive integer, but are {layers}; use e.g. 4")
    found = _cut(table, layers, _bands(table), _speeds(table))
    if not found.slope < _RUINED:
        raise InputError(
            f"force constants of {table.atoms.get_chemical_formula(empirical=True)} cut after {layers} of "
            f"{_span(table)} layers change a speed of sound by {100 * found.slope:.0f} %; keep more layers"
        )
    return found


def least_cut(table: ForceConstants) -> Cut:
    """Leave out as much as :data:`SLOPE_LIMIT` and :data:`FREQUENCY_LIMIT` allow, layer by layer.

    Returns
    -------
    Cut
        All of the table where even its last layer counts.
    """
    bands, speeds = _bands(table), _speeds(table)
    best = _cut(table, _span(table), bands, speeds)
    while best.layers > 1:
        thinner = _cut(table, best.layers - 1, bands, speeds)
        if not (thinner.slope <= SLOPE_LIMIT and thinner.frequency <= FREQUENCY_LIMIT):
            break
        best = thinner
    return best


def band_change(table: ForceConstants, reference: ForceConstants) -> float:
    """Largest difference of frequencies on a 6 × 6 × 6 mesh, relative to the largest of the reference."""
    bands = _bands(reference)
    return float(np.abs(_bands(table) - bands).max() / bands.max())


def _span(table: ForceConstants) -> int:
    return max(1, int(np.abs(table.cells[:, 2]).max(initial=0)))


def _cut(table: ForceConstants, layers: int, bands: Floats, speeds: Floats) -> Cut:
    near = np.abs(table.cells[:, 2]) <= layers
    lost = table.values[~near]
    if not lost.any():
        return Cut(replace(table, cells=table.cells[near], values=table.values[near]), layers, *np.zeros(5))
    rest = replace(table, cells=table.cells[near], values=table.values[near]).with_sum_rule()
    change = np.abs(_bands(rest) - bands) / bands.max()
    return Cut(
        rest,
        layers,
        norm=float(np.linalg.norm(lost) / np.linalg.norm(table.values)),
        largest=float(np.abs(lost).max()) / table.scale,
        gamma=float(change[0].max()),
        frequency=float(change.max()),
        slope=float(np.max(np.abs(_speeds(rest) / speeds - 1.0))),
    )


def _bands(table: ForceConstants) -> Floats:
    """Frequencies on a Γ-centred mesh, Γ first, imaginary ones negative, THz."""
    squares = np.linalg.eigvalsh(table.dynamical_matrix(q_mesh(_MESH)))
    return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares) * EV_PER_A2_AMU) / TWO_PI)


def _speeds(table: ForceConstants, count: int = 20) -> Floats:
    """Speeds of sound along random directions, (count, 3), up to a factor; negative where imaginary."""
    rays = np.random.default_rng(0).normal(size=(count, 3))
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    squares = np.linalg.eigvalsh(np.einsum("abcd,nc,nd->nab", wave_tensor(table), rays, rays))
    return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares)))
