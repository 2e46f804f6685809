"""Blocks of polar crystals: displacements, and electric potentials without mass on planes between the layers.

A principal layer has one plane, half way up, with a potential for each p = k∥ + G∥ of a fixed set
(:mod:`latmm.lattice.dipole_layers`). What the dipoles do beyond the potentials ends within the next principal
layer: :func:`dipole_range` tells how thick it must be for a stated error of the frequencies.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from latmm.arrays import Bools, Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.lattice.dipole_layers import DipoleLayers, Planes, Sites
from latmm.lattice.dipoles import Dipoles
from latmm.lattice.force_constants import ForceConstants
from latmm.units import TWO_PI

__all__ = [
    "ERROR",
    "PolarBlocks",
    "Range",
    "band_error",
    "dipole_range",
    "middle",
    "phases",
    "places",
    "polar_blocks",
    "unit_of",
]

ERROR: Final[float] = 1e-4
"""Error of a frequency, relative to the largest, by dipoles that reach beyond the next principal layer."""
_CARRIED: Final[float] = 37.0
"""Exponent of the decay of a potential's field beyond which it is rounding."""
_FARTHEST: Final[float] = 40.0
"""Thickness, Å, beyond which no principal layer is tried."""
_THIRD: Final = 1.0 / 3.0
_ZONE: Final[Floats] = np.array(
    [
        *([0.02, 0.01], [0.25, 0.1], [0.5, 0.0], [0.0, 0.5]),
        *([0.5, 0.5], [0.5, -0.5], [_THIRD, _THIRD], [_THIRD, -_THIRD]),
    ]
)
"""k∥ at which the range is looked at: corners of square, oblique and hexagonal zones are the worst."""


@dataclass(frozen=True)
class Range:
    """How far the dipoles of a crystal reach that no potential carries.

    Attributes
    ----------
    layers : int
        Primitive layers in a principal layer that keep them to the next one.
    error : float
        What is lost beyond, as an error of frequencies relative to the largest.
    """

    layers: int
    error: float


def dipole_range(
    crystal: ForceConstants, least: int = 1, *, potentials: int = 1, error: float = ERROR
) -> Range:
    """Find the thickness of principal layers at which a set of potentials suffices.

    Parameters
    ----------
    crystal : ForceConstants
        Of an oriented crystal with dipoles.
    least : int
        Primitive layers that the short-ranged force constants ask for.
    potentials : int
        Number of G∥, the smallest first; complete shells are 1, 5, 9 of a square, 1, 7, 13 of a hexagonal
        lattice.
    error : float
        Accepted, of frequencies, relative to the largest.

    Returns
    -------
    Range

    Raises
    ------
    InputError
        If no principal layer of less than 40 Å does.
    """
    height = float(_dipoles(crystal).cell[2, 2])
    for count in range(least, max(least + 1, int(_FARTHEST / height) + 1)):
        found = band_error(crystal, count, potentials=potentials)
        if found <= error:
            return Range(count, found)
    raise InputError(
        f"dipoles of {crystal.atoms.get_chemical_formula(empirical=True)} reach beyond {_FARTHEST:g} Å along "
        "the normal; leave the non-analytic term out (`nac=False`)"
    )


def band_error(crystal: ForceConstants, principal: int, *, potentials: int = 1) -> float:
    """Largest difference of frequencies of the blocks and of D(q), relative to the largest frequency.

    At k∥ near the zone's centre and on its boundary, where what is left out is largest.
    """
    blocks = polar_blocks(crystal, _ZONE, principal, potentials=potentials)
    largest = worst = 0.0
    for turn in (0.1, 0.37):
        q = np.repeat(crystal.in_plane(_ZONE), principal, axis=0)
        q[:, 2] += np.tile((turn + np.arange(principal)) / principal, len(_ZONE))
        exact = np.linalg.eigvalsh(crystal.dynamical_matrix(q)).reshape(len(_ZONE), -1)
        own = np.linalg.eigvalsh(blocks.without_potentials(np.exp(1j * TWO_PI * turn)))
        exact, own = (np.sqrt(np.abs(x)) for x in (np.sort(exact, axis=1), own))
        largest, worst = max(largest, float(exact.max())), max(worst, float(np.abs(own - exact).max()))
    return worst / largest


def _dipoles(crystal: ForceConstants) -> Dipoles:
    if crystal.dipoles is None:
        raise InputError("the crystal has no dipoles; read it with Born charges (`nac=True`)")
    return crystal.dipoles


def phases(layers: DipoleLayers, shift: Integers, rows: Sites, columns: Sites) -> Complexes:
    """e^{−iG·(ρ_j − ρ_i)}, (K, n, m)."""
    first, second = (np.exp(-1j * TWO_PI * (shift @ places(layers, s).T)) for s in (rows, columns))
    return np.asarray(first.conj()[:, :, None] * second[:, None, :])


def places(layers: DipoleLayers, sites: Sites) -> Floats:
    """In-plane coordinates of sites, fractional, (n, 2)."""
    cell = layers.dipoles.cell
    inverse = np.linalg.inv(cell[:2, :2])
    return np.asarray(
        (layers.dipoles.positions[sites.member, :2] + sites.layer[:, None] * cell[2, :2]) @ inverse
    )


def unit_of(crystal: ForceConstants, principal: int) -> float:
    """Factor of φ², eV Å⁻² amu⁻¹ over Å⁻¹, that makes blocks of potentials as large as the others."""
    layers = DipoleLayers(_dipoles(crystal))
    home = int(np.flatnonzero(~crystal.cells.any(axis=1))[0])
    own = np.einsum("iiaa->i", crystal.values[home]) / (3.0 * crystal.atoms.get_masses())
    thickness = principal * float(layers.dipoles.cell[2, 2])
    return float(np.abs(own).max()) * thickness / (2.0 * layers.normal)


@dataclass(frozen=True)
class PolarBlocks:
    """Blocks of a lead of principal layers, displacements first, potentials last, eV Å⁻² amu⁻¹.

    Attributes
    ----------
    onsite, hopping : (K, n, n) complex
        Inside a principal layer, and from layer j to j + 1 along +z.
    massless : (n,) bool
        Which unknowns are potentials.
    """

    onsite: Complexes
    hopping: Complexes
    massless: Bools

    def without_potentials(self, factor: complex) -> Complexes:
        """Dynamical matrices of the displacements at one Bloch factor of modulus 1, potentials eliminated."""
        onward = factor * self.hopping
        whole = self.onsite + onward + onward.conj().swapaxes(-1, -2)
        free, still = ~self.massless, self.massless
        own, other = whole[:, free][:, :, free], whole[:, still][:, :, free]
        carried = np.linalg.solve(whole[:, still][:, :, still], other)
        return _hermitian(own - other.conj().swapaxes(-1, -2) @ carried)


def polar_blocks(
    crystal: ForceConstants,
    wave_vectors: Floats,
    principal: int,
    *,
    potentials: int = 1,
    unit: float | None = None,
    home: Integers | None = None,
    layers: DipoleLayers | None = None,
) -> PolarBlocks:
    """Blocks of a polar lead at k∥ (K, 2), fractional.

    Parameters
    ----------
    crystal : ForceConstants
        Of an oriented crystal with dipoles.
    principal : int
        Primitive layers in a principal layer, from :func:`dipole_range`.
    potentials : int
        Number of G∥.
    unit : float, optional
        From :func:`unit_of`.
    home : (K, 2) int, optional
        G∥ of the first potential; by default that which takes k∥ nearest to 0.
    layers : DipoleLayers, optional
        Those of the crystal, where they are at hand: they keep what does not depend on k∥.
    """
    k = np.asarray(wave_vectors, dtype=float)
    layers = DipoleLayers(_dipoles(crystal)) if layers is None else layers
    unit = unit_of(crystal, principal) if unit is None else unit
    n = len(crystal.atoms)
    here = Sites.stacked(n, principal)
    there = here.moved(principal)
    z = here.heights(layers.dipoles)
    thickness = principal * float(layers.dipoles.cell[2, 2])
    planes = Planes(middle(z) + thickness * np.arange(-1.0, 3.0))
    size = 3 * n * principal
    onsite = np.zeros((len(k), size + potentials, size + potentials), dtype=complex)
    hopping = np.zeros_like(onsite)
    short = crystal.layer_blocks(k)
    reach = (len(short) - 1) // 2
    root = np.sqrt(crystal.atoms.get_masses())
    smeared = layers.smeared(k, 2 * principal - 1) / (root[:, None] * root)[:, None, :, None]
    smeared = smeared.reshape(len(smeared), len(k), 3 * n, 3 * n)
    centre = 2 * principal - 1
    for i in range(principal):
        for j in range(principal):
            target = np.s_[:, 3 * n * i : 3 * n * (i + 1), 3 * n * j : 3 * n * (j + 1)]
            for block, step in ((onsite, j - i), (hopping, principal + j - i)):
                block[target] = smeared[centre + step]
                if abs(step) <= reach:
                    block[target] += short[reach + step]
    masses = np.sqrt(np.tile(crystal.atoms.get_masses(), principal))
    onsite[:, :size, :size] -= _self_terms(layers, principal, planes, potentials) / np.repeat(masses**2, 3)
    for g, shell in enumerate(layers.shells[:potentials]):
        wave = layers.wave(k, shell, home)
        for block, columns in ((onsite, here), (hopping, there)):
            carried = layers.mediated(wave, here, columns, planes)
            phase = phases(layers, wave.shift, here, columns) / (masses[:, None] * masses)
            block[:, :size, :size] -= (phase[:, :, None, :, None] * carried).reshape(len(k), size, size)
        own, next_ = layers.element(wave, thickness)
        offset = np.exp(-1j * TWO_PI * principal * (wave.shift @ _step(layers)))
        place = size + g
        onsite[:, place, place] = 2.0 * unit * own
        hopping[:, place, place] = unit * next_ * offset
        coupling = np.sqrt(unit) * layers.sources(wave, here, planes)  # (K, a, n, 3)
        coupling = coupling * np.exp(-1j * TWO_PI * (wave.shift @ places(layers, here).T))[:, None, :, None]
        coupling = (coupling / masses[:, None]).reshape(len(k), 4, size)
        onsite[:, place, :size] = coupling[:, 1]
        onsite[:, :size, place] = coupling[:, 1].conj()
        # a potential with the displacements above it in the next layer, displacements with the plane above
        hopping[:, place, :size] = coupling[:, 0] * offset[:, None]
        hopping[:, :size, place] = coupling[:, 2].conj() * offset[:, None]
    return PolarBlocks(_hermitian(onsite), hopping, np.arange(size + potentials) >= size)


def _self_terms(layers: DipoleLayers, principal: int, planes: Planes, potentials: int) -> Floats:
    """Sum over j of what is kept between dipoles at k∥ = 0, block diagonal, (3n, 3n): for the sum rule.

    All that reaches to the next principal layer, and farther what potentials of G∥ ≠ 0 carry.
    """
    largest = 2 * principal - 1
    sums = layers.rows_at_rest(largest)
    n = sums.shape[1]
    found = np.zeros((principal * n, 3, principal * n, 3))
    for layer in range(principal):
        kept = sums[largest - principal - layer : largest + 2 * principal - layer].sum(axis=0)
        rows = n * layer + np.arange(n)
        found[rows, :, rows, :] = 0.5 * (kept + kept.transpose(0, 2, 1))
    here, every = Sites.stacked(n, principal), np.arange(n * principal)
    thickness = principal * float(layers.dipoles.cell[2, 2])
    for shell in layers.shells[1:potentials]:
        wave = layers.wave(np.zeros((1, 2)), shell)
        for away in range(2, 2 + int(np.ceil(_CARRIED / (thickness * wave.decay[0])))):
            whole = Planes(planes.heights[0] + thickness * np.arange(-away, away + 4.0))
            for side in (-away, away):
                there = here.moved(side * principal)
                carried = layers.mediated(wave, here, there, whole)
                carried = carried * phases(layers, wave.shift, here, there)[:, :, None, :, None]
                kept = carried[0].real.sum(axis=2)
                found[every, :, every, :] += 0.5 * (kept + kept.transpose(0, 2, 1))
    return found.reshape(3 * principal * n, -1)


def middle(z: Floats) -> float:
    """Return the height of a layer's plane: half way up, where a mirror of the layer would be."""
    return 0.5 * float(z.min() + z.max())


def _step(layers: DipoleLayers) -> Floats:
    """In-plane part of the third lattice vector, fractional, (2,)."""
    cell = layers.dipoles.cell
    return np.asarray(cell[2, :2] @ np.linalg.inv(cell[:2, :2]))


def _hermitian(block: Complexes) -> Complexes:
    return np.asarray(0.5 * (block + block.conj().swapaxes(-1, -2)))
