"""Relaxation to mechanical equilibrium: of a crystal, and of a crystal held in the plane.

A crystal relaxes its cell and atoms with its symmetry kept. A crystal strained in the plane keeps its
first two lattice vectors and relaxes the third (all three components, so that σ_xz = σ_yz = σ_zz = 0) with
its atoms.
"""

import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from ase.constraints import FixSymmetry
from ase.filters import Filter, FrechetCellFilter
from ase.optimize import BFGS, LBFGS
from ase.optimize.optimize import Optimizer

from latmm.arrays import Floats
from latmm.errors import ConvergenceError, PotentialError
from latmm.threads import single_threaded

__all__ = ["FORCE_LIMIT", "Watch", "minimise", "relax_crystal", "relax_stacking"]

Watch: TypeAlias = Callable[[str], None]
"""Called with a few words on how a relaxation goes."""
FORCE_LIMIT = 1e-5
"""Largest force left on any degree of freedom, eV Å⁻¹."""
_STEPS = 2000
"""Steps at most: crystals near equilibrium take some ten, atoms thrown about by 0.5 Å some thousand."""
_TELL = 1.0
"""Seconds between two words about a relaxation."""
_DENSE = 50
"""Moving points up to which the whole Hessian is kept; its diagonalisation at every step grows as N³."""
_LONGEST = 0.1
"""Longest displacement in one step, Å."""
_PROBE = 1e-3
"""Displacement that measures the curvature, Å."""
_CAUTION = 2.0
"""Guessed curvature over the measured one: at 1, BFGS runs in circles on rough contacts (silver on aluminium,
(111) | (001)); the number of steps grows with its square root."""


@single_threaded
def relax_crystal(
    atoms: Atoms, calculator: Callable[[], Calculator], *, name: str, watch: Watch | None = None
) -> Atoms:
    """Relax the cell and the atoms of a crystal, its symmetry kept.

    Parameters
    ----------
    atoms : ase.Atoms
        The crystal.
    calculator : callable
        Gives a new calculator.
    name : str
        Of the crystal, for error messages.
    watch : callable, optional
        Called now and then with the steps made and the largest force left, in words.

    Returns
    -------
    ase.Atoms
        A relaxed copy without calculator or constraint.

    Raises
    ------
    PotentialError
        If the calculator gives no stress.
    ConvergenceError
        If the forces stay above the limit.
    """
    relaxed = atoms.copy()
    relaxed.calc = calculator()
    relaxed.set_constraint(FixSymmetry(relaxed, symprec=1e-3))
    # the cell's generalised force is the virial, which grows with the number of atoms: scale it to one atom
    minimise(FrechetCellFilter(relaxed, exp_cell_factor=1.0), name=name, watch=watch)
    relaxed.set_constraint()
    relaxed.calc = None
    return relaxed


@single_threaded
def relax_stacking(
    atoms: Atoms, calculator: Callable[[], Calculator], *, name: str, watch: Watch | None = None
) -> Atoms:
    """Relax the third lattice vector and the atoms of a crystal whose first two vectors are held.

    Parameters and errors as in :func:`relax_crystal`; the first two vectors lie in the xy plane.
    """
    relaxed = atoms.copy()
    relaxed.calc = calculator()
    minimise(_Stacking(relaxed), name=name, watch=watch)
    relaxed.calc = None
    return relaxed


def minimise(
    system: Atoms | Filter, *, name: str, limit: float = FORCE_LIMIT, watch: Watch | None = None
) -> None:
    """Minimise atoms or a filter of them in place until no force exceeds ``limit`` (eV Å⁻¹).

    ``watch`` is called, once a second at most, with the steps made and the largest force left, in words.

    Raises
    ------
    PotentialError, ConvergenceError
        If the calculator gives no stress, or the limit is not reached.
    """
    method = BFGS if len(system) <= _DENSE else LBFGS
    try:
        # it opens a file even to write nothing, and older ASE leaves it open
        with method(system, logfile=None, maxstep=_LONGEST, alpha=_CAUTION * _stiffness(system)) as optimiser:
            if watch is not None:
                optimiser.attach(_told(system, optimiser, watch))
            converged = optimiser.run(fmax=limit, steps=_STEPS)
    except PropertyNotImplementedError as missing:
        raise PotentialError(
            f"{name} cannot be relaxed: the potential gives no {missing}; use `relax=False` with a structure "
            "at the potential's equilibrium, or a calculator that implements it"
        ) from None
    if not converged:
        raise ConvergenceError(
            f"relaxation of {name} did not reach {limit:g} eV/Å in {_STEPS} steps (largest force left "
            f"{_largest(system):.2g} eV/Å); start from a structure closer to the potential's equilibrium, "
            "or use `relax=False`"
        )


def _largest(system: Atoms | Filter) -> float:
    return float(np.linalg.norm(system.get_forces(), axis=1).max(initial=0.0))


def _told(system: Atoms | Filter, optimiser: Optimizer, watch: Watch) -> Callable[[], None]:
    """Tell how a relaxation goes, after the first second and once a second from then on."""
    last = time.monotonic()

    def tell() -> None:
        nonlocal last
        if time.monotonic() - last < _TELL:
            return
        last = time.monotonic()
        watch(f"step {optimiser.nsteps} of {_STEPS} at most, largest force {_largest(system):.1e} eV/Å")

    return tell


def _stiffness(system: Atoms | Filter) -> float:
    """Curvature of the energy along the forces, eV Å⁻²: the optimisers' first guess of every curvature.

    Their own guess, 70 eV Å⁻² as in silicon, makes the first step along every new direction a hundred times
    too short in argon.
    """
    points, forces = system.get_positions(), system.get_forces()
    largest = float(np.abs(forces).max(initial=0.0))
    if largest == 0.0:
        return 1.0
    step = _PROBE / largest * forces
    system.set_positions(points + step)
    change = system.get_forces() - forces
    system.set_positions(points)
    return max(float(np.linalg.norm(change) / np.linalg.norm(step)), largest / _LONGEST)


class _Stacking(Filter):  # type: ignore[misc]
    """Atoms and third lattice vector of a crystal as N + 1 moving points, for ASE's optimisers.

    The points are the displacements u of the atoms and d of the third vector, r = r₀ + u + d z₀/h₀, h₀ the
    layer thickness at the start.
    """

    def __init__(self, atoms: Atoms) -> None:
        super().__init__(atoms, mask=np.ones(len(atoms)))
        self._start = atoms.get_positions()
        self._cell = atoms.cell.array.copy()
        self._height = self._start[:, 2] / self._cell[2, 2]
        self._points = np.zeros((len(atoms) + 1, 3))

    def __len__(self) -> int:
        return len(self._points)

    def get_positions(self) -> Floats:
        """Return the N + 1 points, Å."""
        return self._points.copy()

    def set_positions(self, points: Floats, **_: object) -> None:
        """Move the atoms and the third lattice vector to the points, Å."""
        self._points = np.array(points, dtype=float)
        cell = self._cell.copy()
        cell[2] += self._points[-1]
        self.atoms.set_cell(cell)
        self.atoms.set_positions(self._start + self._points[:-1] + self._height[:, None] * self._points[-1])

    def get_forces(self, **_: object) -> Floats:
        """Return minus the energy's gradient with respect to the points, eV Å⁻¹."""
        forces = self.atoms.get_forces()
        stress = self.atoms.get_stress(voigt=False)
        thickness = self.atoms.cell.array[2, 2]
        lever = self._height - self.atoms.get_positions()[:, 2] / thickness
        layer = -self.atoms.get_volume() / thickness * stress[2] + lever @ forces
        return np.vstack([forces, layer])
