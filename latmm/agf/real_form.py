"""A basis in which the blocks of a lead are real, where an antiunitary symmetry allows one.

An antiunitary K with K² = 1 that commutes with both blocks, K H₀ = H₀ K and K H₁ = H₁ K, leaves k∥ and the
layers in place: time reversal at the invariant k∥, or time reversal with a two-fold axis along the stack at
every k∥. In a basis of vectors with K b = b the blocks are real, and the eigenvalue problem of the modes
costs a third to a half.

K need not be known. It commutes with the Hermitian G = H₀ + β(H₁ + H₁†) too, so it maps every
non-degenerate eigenvector of G to itself up to a phase: the eigenvectors of G *are* such a basis but for
their phases. Those are read off the blocks along a spanning tree of their largest elements. The basis given
is tried first, with phases only, since at points of high symmetry G is degenerate, and there that suffices
more often. A basis is accepted only if the imaginary parts left over are rounding.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latmm.agf.batch import adjoint, take
from latmm.agf.bloch import bloch_states
from latmm.arrays import Bools, Complexes, Floats, Integers

__all__ = ["RESIDUE", "RealForm", "tree_phases"]

RESIDUE: Final[float] = 64 * float(np.finfo(float).eps)
"""Imaginary part, relative to the largest element, below which blocks count as real: the rounding of their
assembly."""
MIXTURE: Final[float] = 0.37
"""β: any number at which no two eigenvalues of G meet by accident."""


@dataclass(frozen=True)
class RealForm:
    """Leads whose blocks are real in a suitable basis, at r wave vectors.

    Attributes
    ----------
    basis : (r, n, n) complex
        B, unitary.
    onsite, hopping : (r, n, n) float
        B†H₀B and B†H₁B, (rad/ps)².
    mass : (r, n, n) float or None
        B†MB where some unknowns have no mass.
    """

    basis: Complexes
    onsite: Floats
    hopping: Floats
    mass: Floats | None = None

    def bloch_states(self, rows: Integers, omega2: Floats) -> tuple[Complexes, Complexes]:
        """All 2n Bloch states at the wave vectors ``rows`` (p,) and ω² (p,): λ (p, 2n), u (p, n, 2n)."""
        mass = None if self.mass is None else take(self.mass, rows)
        bloch, u = bloch_states(take(self.onsite, rows), take(self.hopping, rows), omega2, mass)
        return bloch, take(self.basis, rows) @ u

    @classmethod
    def of(cls, h0: Complexes, h1: Complexes, massless: int = 0) -> tuple["RealForm", Bools]:
        """Find a basis in which the blocks are real.

        Parameters
        ----------
        h0, h1 : (q, n, n) complex
            Blocks of the lead, (rad/ps)².
        massless : int
            How many of the unknowns, the last ones, have no mass.

        Returns
        -------
        form : RealForm
            At the wave vectors where there is one.
        found : (q,) bool
            Which these are.
        """
        basis = np.broadcast_to(np.eye(h0.shape[-1], dtype=complex), h0.shape)
        basis, real0, real1, found = _with_phases(basis, h0, h1)
        rest = np.flatnonzero(~found)
        if rest.size:
            _, vectors = np.linalg.eigh(h0[rest] + MIXTURE * (h1[rest] + adjoint(h1[rest])))
            turned = (adjoint(vectors) @ h[rest] @ vectors for h in (h0, h1))
            basis[rest], real0[rest], real1[rest], found[rest] = _with_phases(vectors, *turned)
        if not massless:
            return cls(basis[found], real0[found], real1[found]), found
        still = basis[:, -massless:, :]
        lacking = adjoint(still) @ still
        found &= np.abs(lacking.imag).max((-2, -1)) <= RESIDUE
        mass = np.eye(h0.shape[-1]) - lacking[found].real
        return cls(basis[found], real0[found], real1[found], mass), found


def _with_phases(basis: Complexes, h0: Complexes, h1: Complexes) -> tuple[Complexes, Floats, Floats, Bools]:
    """Give the vectors of a basis the phases that make the blocks in it, h0 and h1, as real as can be."""
    back = adjoint(h1)
    link = np.where(np.abs(h1) > np.abs(back), h1, back)
    phases = tree_phases(np.where(np.abs(h0) > np.abs(link), h0, link))
    turn = np.conj(phases)[:, :, None] * phases[:, None, :]
    h0, h1 = turn * h0, turn * h1
    scale = np.maximum(np.abs(h0).max((-2, -1)), np.abs(h1).max((-2, -1)))
    residue = np.maximum(np.abs(h0.imag).max((-2, -1)), np.abs(h1.imag).max((-2, -1)))
    return basis * phases[:, None, :], h0.real.copy(), h1.real.copy(), np.asarray(residue <= RESIDUE * scale)


def tree_phases(link: Complexes | Floats) -> NDArray[Any]:
    """Phases p (q, n) that make the largest elements positive along a spanning tree (Prim's).

    ``link`` (q, n, n): element (i, j) becomes p_i* link p_j.
    """
    count, n, _ = link.shape
    size = np.abs(link)
    every = np.arange(count)
    phases = np.ones((count, n), dtype=link.dtype)
    strength, parent = size[:, 0].copy(), np.zeros((count, n), dtype=int)
    strength[:, 0] = -1.0  # taken
    for _ in range(n - 1):
        new = np.argmax(strength, axis=-1)
        element = link[every, parent[every, new], new]
        unit = np.divide(element, np.abs(element), out=np.ones(count, dtype=link.dtype), where=element != 0)
        phases[every, new] = phases[every, parent[every, new]] * np.conj(unit)
        closer = (size[every, new] > strength) & (strength >= 0)
        strength = np.where(closer, size[every, new], strength)
        parent = np.where(closer, new[:, None], parent)
        strength[every, new] = -1.0
    return phases
