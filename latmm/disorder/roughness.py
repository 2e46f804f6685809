"""Atomic roughness: a random height field decides which crystal's species sits on a site.

The field is Gaussian with mean zero over the common cell, mean square σ² and correlations close to
σ² exp(−r²/ξ²). It is periodic in the cell and drawn by its Fourier components: for each pair ±G of reciprocal
vectors a_G (x cos G·r + y sin G·r), x and y standard normal, a_G² = σ² w_G/Σ w_G, w_G = exp(−G²ξ²/4), so that
the mean over seeds is ⟨h(r)h(0)⟩ = σ² Σ w_G cos(G·r)/Σ w_G exactly. Atomic planes quantise the heights: where
σ is much smaller than the distance of planes, little changes. Heights beyond 4σ are cut there.

Symbols: σ → ``rms`` (Å), ξ → ``correlation`` (Å), h → heights (Å).
"""

from dataclasses import dataclass

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.disorder.sites import occupied, planes, require_one_lattice
from latmm.errors import InputError
from latmm.geometry.matching import Matched
from latmm.interface.slab import Slab
from latmm.units import TWO_PI

__all__ = ["HeightField", "rough"]

FARTHEST = 4.0
"""Largest height in units of the root mean square."""
_NEGLIGIBLE = 18.0
"""Exponent G²ξ²/4 beyond which a Fourier component is left out."""


@dataclass(frozen=True)
class HeightField:
    """A periodic Gaussian height field, before it is drawn.

    Attributes
    ----------
    wave_vectors : (G, 2) float
        One of each pair ±G, Å⁻¹ (2π included).
    amplitude : (G,) float
        a_G, Å.
    """

    wave_vectors: Floats
    amplitude: Floats

    @classmethod
    def of(cls, cell: Floats, rms: float, correlation: float) -> "HeightField":
        """Field over a cell with in-plane vectors in the rows of ``cell`` (2, 2), Å.

        Raises
        ------
        InputError
            If a length is not positive, or the cell is too small to hold the correlations.
        """
        if not (rms >= 0.0 and correlation > 0.0 and np.isfinite(rms) and np.isfinite(correlation)):
            raise InputError(
                f"roughness needs a height of at least 0 and a positive correlation length (Å), but has "
                f"{rms} and {correlation}"
            )
        reciprocal = TWO_PI * np.linalg.inv(cell).T
        narrowest = TWO_PI / float(np.max(np.linalg.norm(reciprocal, axis=1)))
        if narrowest < 2.0 * correlation:
            raise InputError(
                f"a lateral cell {narrowest:.3g} Å wide cannot hold roughness of correlation length "
                f"{correlation:g} Å; take a cell at least twice as wide (`lateral`) or a shorter length"
            )
        largest = 2.0 * np.sqrt(_NEGLIGIBLE) / correlation
        # |n_i| = |G·a_i|/2π ≤ |G||a_i|/2π
        bounds = np.floor(largest * np.linalg.norm(cell, axis=1) / TWO_PI + 1e-9).astype(int)
        steps = np.stack(np.meshgrid(*(np.arange(-b, b + 1) for b in bounds), indexing="ij"), axis=-1)
        steps = steps.reshape(-1, 2)
        half = steps[(steps[:, 0] > 0) | ((steps[:, 0] == 0) & (steps[:, 1] > 0))]
        vectors = half @ reciprocal
        exponent = (vectors**2).sum(axis=1) * correlation**2 / 4.0
        kept = exponent <= _NEGLIGIBLE * (1.0 + 1e-9)
        weight = np.exp(-exponent[kept])
        return cls(vectors[kept], rms * np.sqrt(weight / weight.sum()))

    def correlation(self, apart: Floats) -> Floats:
        """⟨h(r)h(0)⟩ at in-plane vectors (M, 2) Å, in Å²."""
        return np.asarray(np.cos(apart @ self.wave_vectors.T) @ self.amplitude**2)

    def heights(self, points: Floats, rng: np.random.Generator) -> Floats:
        """Draw the field and return its heights at in-plane points (M, 2) Å, (M,) Å."""
        x, y = rng.normal(size=(2, len(self.amplitude))) * self.amplitude
        phase = points @ self.wave_vectors.T
        return np.asarray(np.cos(phase) @ x + np.sin(phase) @ y)


def rough(slab: Slab, matched: Matched, rms: float, correlation: float, rng: np.random.Generator) -> Slab:
    """Give the sites below a random height field to the left crystal's species, those above to the right's.

    Parameters
    ----------
    slab : Slab
        N sites of two crystals of one structure; heights are measured from the middle of their contact.
    matched : Matched
        The crystals.
    rms, correlation : float
        Root mean square and correlation length of the heights, Å.
    rng : numpy.random.Generator
        The seed.

    Raises
    ------
    InputError
        If the sites of the crystals do not continue each other.
    """
    require_one_lattice(
        matched,
        slab.shift,
        "so that neither goes on where the other one ends, as a rough contact would have it; lay out such a "
        "contact yourself (`region`), or use another kind of disorder",
    )
    number = planes(slab, matched)
    positions = slab.atoms.get_positions()
    field = HeightField.of(slab.atoms.cell.array[:2, :2], rms, correlation)
    heights = np.clip(field.heights(positions[:, :2], rng), -FARTHEST * rms, FARTHEST * rms)
    surface = _contact_height(number, positions[:, 2]) + heights
    return occupied(slab, matched, positions[:, 2] > surface)


def _contact_height(number: Integers, z: Floats) -> float:
    """Middle of the gap between planes −1 and 0, Å."""
    return 0.5 * float(z[number == -1].mean() + z[number == 0].mean())
