"""The explicit contact: a slab of both crystals, relaxed between bulk-like ends.

Layers are the oblique primitive cells of the two crystals, numbered …, −2, −1 on the left and 0, 1, … on the
right, each as wide as the common lateral cell. The crystals are first put together with the mean of their
interplanar gaps; then the layers near the contact relax between frozen ends, the right end free to move as a
rigid body (the rigid distance, and the registry in the plane). Vacuum closes the slab: the ends are thicker
than the reach of the potential, so that no atom of interest knows of the surfaces.

Every atom keeps the name of the lattice site it stands for, whatever element sits there and however far it
has moved: whoever makes an alloy, a vacancy or a rough contact changes the atoms and keeps the names.
"""

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from ase.filters import Filter

from latmm.arrays import Bools, Floats, Integers
from latmm.errors import InputError
from latmm.geometry.lateral import cells_of
from latmm.geometry.matching import Matched
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import minimise

__all__ = ["SIDES", "Slab", "build_slab", "relax_contact", "sites"]

SIDES = (-1, 1)
"""Left and right crystal in :attr:`Slab.side`; 0 is neither."""
_VACUUM = 15.0
"""Empty space between a slab's surfaces, Å: beyond the cut-off of every pair interaction."""


@dataclass(frozen=True)
class Slab:
    """A stack of left layers, whatever lies between, and right layers.

    Attributes
    ----------
    atoms : ase.Atoms
        N atoms from left to right: left ones by layer, then those of neither crystal, then right ones by
        layer. First two cell vectors in the plane, the third along z.
    side : (N,) int
        −1 left crystal, 1 right crystal, 0 neither.
    layer : (N,) int
        Primitive layer of its crystal, …, −2, −1 on the left and 0, 1, … on the right; 0 where side is 0.
    member : (N,) int
        Place in the primitive cell of its crystal; 0 where side is 0.
    cell : (N, 2) int
        In-plane cell inside the common cell, in units of its crystal's own a₁ and a₂.
    shift : (3,) float
        Rigid displacement of the right crystal from the mean-gap stacking, Å.

    Raises
    ------
    InputError
        If the labels are not one for each atom, or the atoms are not sorted.
    """

    atoms: Atoms
    side: Integers
    layer: Integers
    member: Integers
    cell: Integers
    shift: Floats

    def __post_init__(self) -> None:
        n = len(self.atoms)
        for name, shape in (("side", (n,)), ("layer", (n,)), ("member", (n,)), ("cell", (n, 2))):
            found = np.shape(getattr(self, name))
            if found != shape:
                raise InputError(f"`{name}` of a slab of {n} atoms must be {shape}, but is {found}")
        sides, steps = np.diff(self.side), np.diff(self.layer)
        if np.any(sides < 0) or np.any((sides == 0) & (steps < 0)):
            raise InputError(
                "the atoms of a slab must be sorted from left to right: by `side`, then by `layer`"
            )

    def within(self, layers: tuple[int, int]) -> Bools:
        """Mark what lies between the crystals and the nearest layers of each side, (N,)."""
        left, right = layers
        return np.asarray(
            (self.side == 0)
            | ((self.side < 0) & (self.layer >= -left))
            | ((self.side > 0) & (self.layer < right))
        )

    @property
    def depth(self) -> tuple[int, int]:
        """Layers of the left and of the right crystal."""
        return (
            -int(self.layer[self.side < 0].min(initial=0)),
            int(self.layer[self.side > 0].max(initial=-1)) + 1,
        )

    def take(self, chosen: Integers | Bools) -> "Slab":
        """Return the slab of some of its atoms, in its order."""
        kept = np.arange(len(self.atoms))[chosen]
        return replace(
            self,
            atoms=self.atoms[kept],
            side=self.side[kept],
            layer=self.layer[kept],
            member=self.member[kept],
            cell=self.cell[kept],
        )


def build_slab(matched: Matched, layers: tuple[int, int]) -> Slab:
    """Stack layers of each crystal, with the mean of both interplanar gaps at the contact.

    Parameters
    ----------
    matched : Matched
        The crystals and their common lateral cell.
    layers : (2,) int
        Of the left and of the right crystal.

    Returns
    -------
    Slab
        Unrelaxed.
    """
    parts, labels = [], []
    for side, crystal, lateral, indices in (
        (-1, matched.left, matched.lateral_left, range(-layers[0], 0)),
        (1, matched.right, matched.lateral_right, range(layers[1])),
    ):
        for index in indices:
            for a, b in cells_of(lateral).tolist():
                part = crystal.copy()
                part.translate(np.array([a, b, index]) @ crystal.cell.array)
                parts.append(part)
                labels += [(side, index, member, a, b) for member in range(len(crystal))]
    side, layer, member, *cell = np.array(labels, dtype=np.int64).T
    coordinates = np.concatenate([part.positions for part in parts])
    vectors = np.zeros((3, 3))
    vectors[:2, :2] = matched.cell
    vectors[2, 2] = np.ptp(coordinates[:, 2]) + _VACUUM
    coordinates[:, 2] += 0.5 * _VACUUM - coordinates[:, 2].min()
    atoms = Atoms(
        numbers=np.concatenate([part.numbers for part in parts]),
        masses=np.concatenate([part.get_masses() for part in parts]),
        positions=coordinates,
        cell=vectors,
        pbc=True,
    )
    return Slab(atoms, side, layer, member, np.column_stack(cell), np.zeros(3))


def sites(slab: Slab, matched: Matched) -> Floats:
    """Positions (N, 3) of the lattice sites, each crystal with its own origin; NaN for neither crystal."""
    places = np.full((len(slab.atoms), 3), np.nan)
    for side, crystal in zip(SIDES, (matched.left, matched.right), strict=True):
        own = slab.side == side
        cells = np.column_stack([slab.cell[own], slab.layer[own]])
        places[own] = crystal.positions[slab.member[own]] + cells @ crystal.cell.array
    return places


def relax_contact(
    slab: Slab,
    potential: Potential,
    layers: tuple[int, int],
    how: Execution = HERE,
) -> Slab:
    """Relax the nearest layers of each side and the rigid position of the right crystal.

    Parameters
    ----------
    slab : Slab
        Unrelaxed; its layers beyond ``layers`` stay bulk-like.
    potential : Potential
        For all atoms.
    layers : (2,) int
        Free layers on each side.
    how : Execution
        Who hears of it.

    Returns
    -------
    Slab

    Raises
    ------
    ConvergenceError
        If a force stays above the limit.
    """
    stage = "relaxation of the contact"
    how.report(stage, 0, 1)
    atoms = slab.atoms.copy()
    atoms.calc = potential.calculator()
    free = slab.within(layers)
    ends = _RigidEnd(atoms, free, (slab.side > 0) & ~free)
    minimise(ends, name="the contact", watch=how.watch(stage))
    how.report(stage, 1, 1)
    atoms.calc = None
    return replace(slab, atoms=atoms, shift=slab.shift + ends.shift)


class _RigidEnd(Filter):  # type: ignore[misc]
    """Free atoms and one rigid body as moving points, for ASE's optimisers; the rest is frozen."""

    def __init__(self, atoms: Atoms, free: Bools, rigid: Bools) -> None:
        super().__init__(atoms, mask=free)
        self._free, self._rigid = free, rigid
        self._start = atoms.get_positions()
        self._forces: Floats | None = None
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
        self._forces = None

    def get_forces(self, **_: object) -> Floats:
        """Return the forces on the free atoms and on the rigid body, (n + 1, 3) eV Å⁻¹."""
        if self._forces is None:  # optimisers ask several times at one place
            forces = self.atoms.get_forces()
            self._forces = np.vstack([forces[self._free], forces[self._rigid].sum(axis=0)])
        return self._forces.copy()
