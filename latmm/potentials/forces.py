"""Forces of many displacements of the same atoms, each by itself: they may be shared out.

Force constants from finite displacements ask for the forces on the atoms of one supercell, a few of them
moved in each image. Whoever computes images sets up one calculator and moves its atoms from image to image.
The bundled potentials keep nothing between images: forces are the same, bit for bit, whoever computes them
and in whatever order. A calculator that starts from its last solution, as of first principles, gives what its
convergence allows. Images whose forces are cached (:mod:`latmm.potentials.cache`) are not handed out.
"""

import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeAlias, TypeVar

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.parallel.execution import HERE, Execution
from latmm.parallel.executors import unordered
from latmm.potentials.cache import CachedCalculator, is_cached
from latmm.potentials.protocol import Potential

__all__ = ["Displacement", "Images", "forces_of", "in_order", "lendable"]

Displacement: TypeAlias = tuple[ArrayLike, ArrayLike]
"""Numbers of the atoms that move, and the vector (3,) by which they do, Å."""

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Images:
    """Atoms that take one place after the other, with one calculator in each process and thread.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms; species and cell of all images.
    potential : Potential
        For all of them.
    """

    def __init__(self, atoms: Atoms, potential: Potential) -> None:
        self._atoms, self._potential = atoms.copy(), potential
        self._own = threading.local()

    def __getstate__(self) -> tuple[Atoms, Potential]:
        return self._atoms, self._potential  # a calculator does not travel

    def __setstate__(self, state: tuple[Atoms, Potential]) -> None:
        self._atoms, self._potential = state
        self._own = threading.local()

    def at(self, positions: Floats) -> Atoms:
        """Put the atoms at positions (N, 3), Å; valid until the next call."""
        image: Atoms | None = getattr(self._own, "image", None)
        if image is None:
            image = self._own.image = self._atoms.copy()
            image.calc = self._potential.calculator()
        image.set_positions(positions)
        return image

    def moved(self, displacement: Displacement) -> Atoms:
        """Displace some of the atoms from where they were first; valid until the next call."""
        atoms, step = displacement
        positions = self._atoms.get_positions()
        positions[atoms] += np.asarray(step)
        return self.at(positions)

    def is_known(self, displacement: Displacement) -> bool:
        """Whether the forces of a displacement are cached."""
        if not is_cached(self._potential):
            return False
        image = self.moved(displacement)
        calculator: CachedCalculator = image.calc
        return calculator.knows_forces(image)


def forces_of(
    atoms: Atoms,
    displacements: Sequence[Displacement],
    potential: Potential,
    *,
    how: Execution = HERE,
    stage: str = "forces",
) -> Iterator[Floats]:
    """Compute the forces of displaced atoms.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, not displaced.
    displacements : sequence of (numbers, vector)
        One for each image.
    potential : Potential
        Gives the forces.
    how : Execution
        Who computes the images that are not cached, and who hears of it. This process does if the potential
        cannot be pickled.
    stage : str
        Name in reports of progress.

    Yields
    ------
    (N, 3) float
        Forces, eV Å⁻¹, in the order of the displacements.
    """
    images, total = Images(atoms, potential), len(displacements)
    executor = lendable(how.executor, potential)
    known = {n for n in range(total) if executor is not None and images.is_known(displacements[n])}
    missing = {n: displacements[n] for n in range(total) if n not in known}
    if not missing:
        how.report(stage, total, total)
    computed = in_order(
        _forces, images, missing, executor, lambda done: how.report(stage, len(known) + done, total)
    )
    for n, displacement in enumerate(displacements):
        yield _forces(images, displacement) if n in known else next(computed)


def in_order(
    function: Callable[[Shared, Item], Result],
    shared: Shared,
    items: Mapping[int, Item],
    executor: Executor | None,
    report: Callable[[int], None],
) -> Iterator[Result]:
    """Apply a function to every item by :func:`~latmm.parallel.executors.unordered`, in the items' order.

    ``report`` is called with the number of results that have come.
    """
    early: dict[int, Result] = {}
    waiting = iter(items)
    following = next(waiting, None)
    report(0)
    for done, (number, result) in enumerate(unordered(function, shared, items, executor), start=1):
        report(done)
        early[number] = result
        while following in early:
            yield early.pop(following)
            following = next(waiting, None)


def _forces(images: Images, displacement: Displacement) -> Floats:
    return np.array(images.moved(displacement).get_forces())


def lendable(executor: Executor | None, potential: Potential) -> Executor | None:
    """Return the executor; None if the potential cannot be pickled, so that this process has to compute."""
    try:
        pickle.dumps(potential)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return executor
