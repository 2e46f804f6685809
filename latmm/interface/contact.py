"""The explicit contact: a slab of both crystals, relaxed between bulk-like ends.

Layers are the oblique primitive cells of the two crystals, numbered …, −2, −1 on the left and 0, 1, … on the
right. The crystals are first put together with the mean of their interplanar gaps; then the layers near the
contact relax between frozen ends, the right end free to move as a rigid body (the rigid distance, and the
registry in the plane). Vacuum closes the slab: the ends are thicker than the reach of the potential, so that
no atom of interest knows of the surfaces.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.filters import Filter

from latmm.arrays import Bools, Floats, Integers
from latmm.interface.matching import Matched
from latmm.lattice.relaxation import minimise

__all__ = ["Slab", "build_slab", "relax_contact"]

_VACUUM = 15.0
"""Empty space between a slab's surfaces, Å: beyond the cut-off of every pair interaction."""


@dataclass(frozen=True)
class Slab:
    """A stack of left and right layers.

    Attributes
    ----------
    atoms : ase.Atoms
        Sorted by layer; first two cell vectors in the plane, the third along z.
    layer : (N,) int
        Layer of each atom; negative on the left.
    member : (N,) int
        Its place in the primitive cell.
    shift : (3,) float
        Rigid displacement of the right crystal from the mean-gap stacking, Å.
    """

    atoms: Atoms
    layer: Integers
    member: Integers
    shift: Floats

    def within(self, layers: int) -> Bools:
        """Mark the atoms in the ``layers`` nearest layers of each side, (N,)."""
        return np.asarray((self.layer >= -layers) & (self.layer < layers))


def build_slab(matched: Matched, layers: int) -> Slab:
    """Stack ``layers`` layers of each crystal, with the mean of both interplanar gaps at the contact.

    Returns
    -------
    Slab
        Unrelaxed.
    """
    numbers, masses, positions, layer, member = [], [], [], [], []
    for crystal, indices in ((matched.left, range(-layers, 0)), (matched.right, range(layers))):
        for index in indices:
            numbers.append(crystal.numbers)
            masses.append(crystal.get_masses())
            positions.append(crystal.get_positions() + index * crystal.cell.array[2])
            layer.append(np.full(len(crystal), index))
            member.append(np.arange(len(crystal)))
    coordinates = np.concatenate(positions)
    extent = np.ptp(coordinates[:, 2]) + _VACUUM
    coordinates[:, 2] += 0.5 * _VACUUM - coordinates[:, 2].min()
    cell = np.zeros((3, 3))
    cell[:2] = matched.left.cell.array[:2]
    cell[2, 2] = extent
    atoms = Atoms(
        numbers=np.concatenate(numbers),
        masses=np.concatenate(masses),
        positions=coordinates,
        cell=cell,
        pbc=True,
    )
    return Slab(atoms, np.concatenate(layer), np.concatenate(member), np.zeros(3))


def relax_contact(
    slab: Slab,
    calculator: Callable[[], Calculator],
    *,
    layers: int,
) -> Slab:
    """Relax the ``layers`` nearest layers of each side and the rigid position of the right crystal.

    Parameters
    ----------
    slab : Slab
        Unrelaxed; its layers beyond ``layers`` stay bulk-like.
    calculator : callable
        Gives a new calculator.
    layers : int
        Free layers on each side.

    Returns
    -------
    Slab

    Raises
    ------
    ConvergenceError
        If a force stays above the limit.
    """
    atoms = slab.atoms.copy()
    atoms.calc = calculator()
    free = slab.within(layers)
    rigid = slab.layer >= layers
    ends = _RigidEnd(atoms, free, rigid)
    minimise(ends, name="the contact")
    atoms.calc = None
    return replace(slab, atoms=atoms, shift=slab.shift + ends.shift)


class _RigidEnd(Filter):  # type: ignore[misc]
    """Free atoms and one rigid body as moving points, for ASE's optimisers; the rest is frozen."""

    def __init__(self, atoms: Atoms, free: Bools, rigid: Bools) -> None:
        super().__init__(atoms, mask=free)
        self._free, self._rigid = free, rigid
        self._start = atoms.get_positions()
        self.shift = np.zeros(3)

    def __len__(self) -> int:
        return int(self._free.sum()) + 1

    def get_positions(self) -> Floats:
        """Return the free atoms and the rigid body's shift, (n + 1, 3) Å."""
        return np.vstack([self.atoms.get_positions()[self._free], self.shift])

    def set_positions(self, points: Floats, **_: object) -> None:
        """Move the free atoms and the rigid body, (n + 1, 3) Å."""
        positions = self._start.copy()
        positions[self._free] = points[:-1]
        self.shift = np.array(points[-1])
        positions[self._rigid] += self.shift
        self.atoms.set_positions(positions)

    def get_forces(self, **_: object) -> Floats:
        """Return the forces on the free atoms and on the rigid body, (n + 1, 3) eV Å⁻¹."""
        forces = self.atoms.get_forces()
        return np.vstack([forces[self._free], forces[self._rigid].sum(axis=0)])
