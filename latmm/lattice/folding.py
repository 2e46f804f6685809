"""Whether a supercell of given size can hold the force constants of a potential.

In a supercell an atom feels every periodic image of a displaced one, and only the sum is known: it goes in
equal shares to the nearest images. That is wrong for a pair that is farther apart than the nearest image, and
for equally near images whose force constants differ. One displaced atom in a crystal larger than the
potential's reach shows how wrong, before any search for symmetry.
"""

from itertools import product

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.geometry import find_mic

from latmm.arrays import Floats, Integers
from latmm.errors import InputError
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.forces import forces_of

__all__ = ["FOLDING_LIMIT", "folding_error", "require_supercell"]

FOLDING_LIMIT = 1e-2
"""Largest error accepted, relative to the largest force constant. An error of 0.005 moves the conductance of
copper on heavy copper (effective medium) by 0.4 %; with one of 0.05 the ends of no contact are bulk-like."""
MOST_ATOMS = 20_000
"""Atoms in a supercell beyond which the search for its symmetry takes hours."""


def folding_error(atoms: Atoms, potential: Potential, supercell: Integers, *, how: Execution = HERE) -> float:
    """Largest error of a force constant by the sharing among images, relative to the largest force constant.

    Parameters
    ----------
    atoms : ase.Atoms
        The cell.
    potential : Potential
        Of known reach.
    supercell : (3, 3) int
        Rows: supercell vectors in units of the cell vectors.
    how : Execution
        Who computes forces.

    Returns
    -------
    float
        0 to rounding if the supercell is more than twice the reach wide.
    """
    if potential.reach is None:
        raise InputError(
            f"the reach of potential {potential.name} is not known, so nothing tells what is folded"
        )
    lattice = supercell @ atoms.cell.array
    repetitions = np.floor(2.0 * potential.reach / _heights(atoms.cell.array)).astype(int) + 1
    large = make_supercell(atoms, np.diag(repetitions), order="cell-major")
    error = largest = 0.0
    step = potential.displacement
    moves = [([n], sign * step * axis) for n, axis, sign in product(range(len(atoms)), np.eye(3), (1, -1))]
    forces = forces_of(large, moves, potential, how=how)
    for atom in range(len(atoms)):
        vectors, distance = find_mic(large.positions - large.positions[atom], large.cell)
        within = distance < potential.reach + 1e-6
        differences = [next(forces) - next(forces) for _ in range(3)]  # force constants have the other sign
        constants = np.stack(differences, axis=1)[within] / (-2.0 * step)
        pair = distance[within] > 1e-6
        shared = _shared(constants, vectors[within], lattice)
        largest = max(largest, float(np.abs(constants[pair]).max()))
        error = max(error, float(np.abs(shared - constants).max()))
    return error / largest


def _shared(constants: Floats, vectors: Floats, lattice: Floats) -> Floats:
    """Give the sum over the images of each atom in equal shares to the nearest of them."""
    fractional = vectors @ np.linalg.inv(lattice)
    places = np.round(fractional - np.floor(fractional + 1e-6), 5)
    image = np.unique(places, axis=0, return_inverse=True)[1].ravel()  # NumPy 2.0 gives it a second axis
    length = np.linalg.norm(vectors, axis=1)
    shortest = np.full(image.max() + 1, np.inf)
    np.minimum.at(shortest, image, length)
    nearest = length < shortest[image] + 1e-5
    total = np.zeros((len(shortest), 3, 3))
    np.add.at(total, image, constants)
    return np.where(
        nearest[:, None, None], total[image] / np.bincount(image, nearest)[image, None, None], 0.0
    )


def require_supercell(
    atoms: Atoms,
    potential: Potential,
    supercell: Integers,
    name: str,
    limit: float = FOLDING_LIMIT,
    *,
    how: Execution = HERE,
) -> None:
    """Refuse a supercell that is too small for the potential, or too large for anybody.

    Parameters
    ----------
    atoms, potential, supercell
        As in :func:`folding_error`; no error is known of a potential of unknown reach.
    name : str
        Of the crystal, for the message.
    limit : float
        Largest share accepted.
    how : Execution
        As in :func:`folding_error`.

    Raises
    ------
    InputError
    """
    size = len(atoms) * round(abs(np.linalg.det(supercell)))
    if size > MOST_ATOMS:
        raise InputError(
            f"the supercell of {name} would hold {size} atoms, above {MOST_ATOMS}; take a smaller "
            "`supercell`, or a potential of shorter reach"
        )
    if potential.reach is None or _heights(supercell @ atoms.cell.array).min() > 2.0 * potential.reach:
        return
    error = folding_error(atoms, potential, supercell, how=how)
    if error > limit:
        raise InputError(
            f"the supercell of {name} is too small: its images falsify force constants by {error:.1e} of the "
            f"largest (limit {limit:g}); the potential reaches {potential.reach:.3g} Å: take a larger "
            "`supercell`, or leave it out"
        )


def _heights(lattice: Floats) -> Floats:
    """Distances of opposite faces of a cell (rows: vectors), Å."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0))
