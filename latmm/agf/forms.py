"""Forms of a lead's quadratic eigenvalue problem that cost less than the general one, and where each holds.

In this order: a mirror across the stack halves the problem (:mod:`latmm.agf.mirror`); time reversal with an
operation that keeps the layers in place makes it real (:mod:`latmm.agf.real_form`), and so does time reversal
with inversion (:mod:`latmm.agf.inversion`). All are read off the blocks, k∥ by k∥.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from latmm.agf.batch import mass_matrix, take
from latmm.agf.bloch import bloch_states
from latmm.agf.inversion import InversionForm
from latmm.agf.mirror import MirrorForm
from latmm.agf.real_form import RealForm
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["GENERAL", "Forms"]

Solver: TypeAlias = Callable[[Integers, Floats], tuple[Complexes, Complexes]]
GENERAL = -1
"""Number of the general problem, which needs no form."""


@dataclass(frozen=True)
class Forms:
    """The forms found for a lead at q wave vectors.

    Attributes
    ----------
    onsite, hopping : (q, n, n) complex
        Blocks of the lead, (rad/ps)²: the general form.
    solvers : tuple of callable
        ``bloch_states`` of each form.
    places : tuple of (q,) int
        Number of each wave vector within each form; no meaning where the form does not hold.
    best, full : (q,) int
        Number of the cheapest form, and of the cheapest of full size; −1: general.
    mass : (n, n) float or None
        M, where some unknowns have no mass.
    """

    onsite: Complexes
    hopping: Complexes
    solvers: tuple[Solver, ...]
    places: tuple[Integers, ...]
    best: Integers
    full: Integers
    mass: Floats | None = None

    @classmethod
    def of(cls, onsite: Complexes, hopping: Complexes, massless: int = 0) -> "Forms":
        """Find the forms of blocks (q, n, n), whose last ``massless`` unknowns have no mass."""
        count = len(onsite)
        solvers: list[Solver] = []
        places: list[Integers] = []
        best, full = np.full(count, GENERAL), np.full(count, GENERAL)

        def hold(solver: Solver, where: Integers, *numbers: Integers) -> None:
            """Take a form that holds at the wave vectors ``where``, in the order of its rows."""
            if where.size:
                place = np.zeros(count, dtype=int)
                place[where] = np.arange(where.size)
                for each in numbers:
                    each[where] = len(solvers)
                solvers.append(solver)
                places.append(place)

        every = np.arange(count)
        mass = mass_matrix(onsite.shape[-1], massless) if massless else None
        real, found = RealForm.of(onsite, hopping, massless)
        hold(real.bloch_states, every[found], best, full)
        mirror, halved = MirrorForm.of(real.onsite, real.hopping, real.mass)
        hold(mirror.within(real.basis[halved]).bloch_states, every[found][halved], best)
        rest = every[~found]
        if rest.size:
            inversion, turned = InversionForm.of(onsite[rest], hopping[rest], massless)
            hold(inversion.bloch_states, rest[turned], best, full)
            same = None if mass is None else np.broadcast_to(mass, onsite[rest].shape)
            mirror, halved = MirrorForm.of(onsite[rest], hopping[rest], same)
            hold(mirror.bloch_states, rest[halved], best)
        return cls(onsite, hopping, tuple(solvers), tuple(places), best, full, mass)

    def halved(self, rows: Integers) -> Bools:
        """Where the cheapest form is not of full size, (p,)."""
        return np.asarray(self.best[rows] != self.full[rows])

    def bloch_states(
        self, rows: Integers, omega2: Complexes | Floats, numbers: Integers
    ) -> tuple[Complexes, Complexes]:
        """All 2n Bloch states of each point by the form of the given number.

        Parameters
        ----------
        rows : (p,) int
            Wave vector of each point.
        omega2 : (p,) float or complex
            ω², (rad/ps)².
        numbers : (q,) int
            ``best`` or ``full``; with complex ω² only the general form is taken.

        Returns
        -------
        bloch : (p, 2n) complex
            λ; NaN where the form's shift met an eigenvalue exactly.
        u : (p, n, 2n) complex
            Bloch vectors in columns, u†u = 1.
        """
        chosen = np.full(rows.size, GENERAL) if np.iscomplexobj(omega2) else numbers[rows]
        kinds = np.unique(chosen)
        if kinds.size == 1:
            return self._by(int(kinds[0]), rows, omega2)
        n = self.onsite.shape[-1]
        bloch = np.empty((rows.size, 2 * n), dtype=complex)
        u = np.empty((rows.size, n, 2 * n), dtype=complex)
        for kind in kinds:
            here = chosen == kind
            bloch[here], u[here] = self._by(int(kind), rows[here], omega2[here])
        return bloch, u

    def _by(self, number: int, rows: Integers, omega2: Complexes | Floats) -> tuple[Complexes, Complexes]:
        if number == GENERAL:
            return bloch_states(take(self.onsite, rows), take(self.hopping, rows), omega2, self.mass)
        return self.solvers[number](self.places[number][rows], np.asarray(omega2, dtype=float))
