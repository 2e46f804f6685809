"""Lennard-Jones 12-6 potential with plain truncation, the same for every pair of atoms.

    E = Σ_{i<j} 4ε [(σ/r)¹² − (σ/r)⁶],    r < r_c, and nothing beyond:

the energy is neither shifted nor smoothed at the cut-off, so a pair that crosses it makes the energy jump by
|φ(r_c)| (0.016 ε at 2.5 σ). J. E. Lennard-Jones, Proc. R. Soc. A 106, 463 (1924).
"""

from dataclasses import dataclass

from latmm.arrays import Floats, Integers
from latmm.lattice.potentials.bonds import Bonds, scatter

__all__ = ["LennardJones"]


@dataclass(frozen=True)
class LennardJones:
    """Lennard-Jones energy of any elements.

    Attributes
    ----------
    epsilon : float
        Depth of the well ε, eV.
    sigma : float
        Distance of zero energy σ, Å.
    cutoff : float
        Distance r_c of truncation, Å.
    """

    epsilon: float
    sigma: float
    cutoff: float

    elements: tuple[str, ...] = ()

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a pair's to each end), and gradient by bond, (B, 3) eV/Å."""
        squared = bonds.length**2
        sixth = (self.sigma**2 / squared) ** 3
        half = 2.0 * self.epsilon * sixth  # half of each directed bond's share
        energies = scatter(bonds.first, half * (sixth - 1.0), species.size)
        return energies, (half * (6.0 - 12.0 * sixth) / squared)[:, None] * bonds.vector
