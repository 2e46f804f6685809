"""From a sum over bonds to energy, forces and stress.

Every bundled potential is a function E({D_b}) of the directed bond vectors D_b = r_j − r_i (b = i→j, |D_b|
below a cut-off; both directions of each bond are listed). With G_b = ∂E/∂D_b,

    F_i = Σ_{b from i} G_b − Σ_{b into i} G_b,        σ = (1/V) Σ_b D_b ⊗ G_b,

so a potential only has to return the energy of each atom and G_b: that is a :class:`BondEnergy`.

Symbols: D_b → ``vector``, |D_b| → ``length``, G_b → ``gradient``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import atomic_numbers, chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress
from matscipy.neighbours import neighbour_list

from latmm.arrays import Bools, Floats, Integers
from latmm.errors import PotentialError

__all__ = ["BondCalculator", "BondEnergy", "Bonds", "scatter"]

MOST_BONDS: Final = 50_000_000
"""Directed bonds beyond which the list (48 bytes each, and several times that while it is used) would not fit
the memory of a small machine."""


@dataclass(frozen=True)
class Bonds:
    """Directed bonds between atoms, ascending in ``first``.

    Attributes
    ----------
    first, second : (B,) int
        Atoms i and j of the bond i→j.
    vector : (B, 3) float
        r_j − r_i, periodic image included, Å.
    length : (B,) float
        Its norm, Å.
    """

    first: Integers
    second: Integers
    vector: Floats
    length: Floats

    @property
    def direction(self) -> Floats:
        """Unit vectors along the bonds, (B, 3)."""
        return np.asarray(self.vector / self.length[:, None])

    def select(self, keep: Bools) -> "Bonds":
        """Return the bonds where ``keep`` (B,) is true."""
        return Bonds(self.first[keep], self.second[keep], self.vector[keep], self.length[keep])

    def pairs(self) -> tuple[Integers, Integers]:
        """Ordered pairs of different bonds that leave the same atom.

        Returns
        -------
        (T,) int, (T,) int
            Indices of the bonds i→j and i→k, ascending in the first.
        """
        count = np.bincount(self.first)
        start = np.cumsum(count) - count
        partners = count[self.first]
        bond = np.repeat(np.arange(self.first.size), partners)
        rank = np.arange(bond.size) - np.repeat(np.cumsum(partners) - partners, partners)
        other = start[self.first[bond]] + rank
        different = bond != other
        return bond[different], other[different]


class BondEnergy(Protocol):
    """A potential energy as a function of bond vectors.

    Attributes
    ----------
    elements : sequence of str
        Elements covered, in the order of the species index; empty for any.
    cutoff : float
        Longest bond, Å.
    """

    @property
    def elements(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def cutoff(self) -> float: ...  # noqa: D102

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV, and its total's gradient by the bond vectors, (B, 3) eV/Å."""
        ...


def scatter(index: Integers, values: Floats, size: int) -> Floats:
    """Sum the ``values``, (M,) or (M, 3), that share an ``index`` (M,) into an array (size,) or (size, 3)."""
    if values.ndim == 1:
        return np.asarray(np.bincount(index, values, size), dtype=float)
    return np.stack([np.bincount(index, column, size) for column in values.T], axis=1)


class BondCalculator(Calculator):  # type: ignore[misc]
    """ASE calculator of a :class:`BondEnergy`.

    Parameters
    ----------
    potential : BondEnergy
        The potential energy.

    Raises
    ------
    PotentialError
        On calculation, if the atoms hold an element that the potential does not cover.
    """

    implemented_properties = ("energy", "energies", "free_energy", "forces", "stress")

    def __init__(self, potential: BondEnergy) -> None:
        super().__init__()
        self.potential = potential

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute all properties at once: eV, eV/Å, and stress in eV/Å³ in Voigt's order (ASE's sign)."""
        super().calculate(atoms, properties, system_changes)
        system: Any = self.atoms
        _refuse_too_many(system, self.potential.cutoff)
        bonds = Bonds(*neighbour_list("ijDd", system, self.potential.cutoff))
        energies, gradient = self.potential(self._species(system.numbers), bonds)
        size = len(system)
        forces = scatter(bonds.first, gradient, size) - scatter(bonds.second, gradient, size)
        energy = float(energies.sum())
        self.results = {"energy": energy, "free_energy": energy, "energies": energies, "forces": forces}
        if system.cell.rank == 3:
            stress = bonds.vector.T @ gradient / system.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)

    def _species(self, numbers: Integers) -> Integers:
        """Index of each atom's element in the potential's list, (N,)."""
        if not self.potential.elements:
            return np.zeros_like(numbers)
        table = np.full(len(chemical_symbols), -1)
        table[[atomic_numbers[element] for element in self.potential.elements]] = range(
            len(self.potential.elements)
        )
        species = table[numbers]
        if species.min(initial=0) < 0:
            covered = ", ".join(self.potential.elements)
            missing = ", ".join(sorted({chemical_symbols[z] for z in numbers[species < 0]}))
            raise PotentialError(
                f"the potential is set up for {covered}, but the atoms include {missing}; "
                "name all elements when choosing it"
            )
        return np.asarray(species)


def _refuse_too_many(atoms: Atoms, cutoff: float) -> None:
    """Refuse a cut-off that would bond each atom to a very large number of others, from the mean density."""
    if atoms.cell.rank < 3:
        return
    bonds = len(atoms) ** 2 / atoms.get_volume() * 4.0 / 3.0 * np.pi * cutoff**3
    if bonds > MOST_BONDS:
        raise PotentialError(
            f"bonds up to {cutoff:g} Å between {len(atoms)} atoms in {atoms.get_volume():.3g} Å³ would be "
            f"{bonds:.1e}, above {MOST_BONDS:.0e}; choose a shorter cut-off or a smaller supercell"
        )
