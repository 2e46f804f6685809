"""Leads: semi-infinite periodic stacks, given in matrices.

Layers are numbered along +z for both leads. H₀ acts inside a layer, H₁ from layer j (rows) to layer j + 1
(columns); both are mass-weighted, (rad/ps)². The phases of k∥ are in the blocks, in any gauge: the kernel
does not know them.

Unknowns without mass may come with the displacements, last in each layer: electric potentials, which follow
the displacements at once. They enter H₀ and H₁ like all others, and ω² not at all, (H − ω²M)ψ = 0 with
M = diag(1 … 1, 0 … 0).
"""

from dataclasses import dataclass

import numpy as np

from latmm.agf.batch import Gathered, adjoint, gather
from latmm.agf.forms import Forms
from latmm.arrays import Complexes
from latmm.errors import InputError

__all__ = ["FoldedLead", "Lead", "Stack"]

HERMITICITY = 1e-10
"""Largest relative departure of an onsite block from its adjoint: rounding of its assembly, not physics."""


@dataclass(frozen=True)
class Lead:
    """A semi-infinite periodic stack.

    Attributes
    ----------
    onsite : (..., n, n) complex
        H₀, mass-weighted dynamical matrix inside one principal layer, Hermitian, (rad/ps)².
    hopping : (..., n, n) complex
        H₁, from layer j (rows) to layer j + 1 (columns) along +z, (rad/ps)². May be singular.
    massless : int
        How many of the n unknowns, the last ones, have no mass.
    """

    onsite: Complexes
    hopping: Complexes
    massless: int = 0

    def __post_init__(self) -> None:
        _to_complex(self, "onsite", "hopping")
        _check(self.onsite, self.hopping, self.massless)

    @property
    def size(self) -> int:
        """Degrees of freedom of a layer."""
        return int(self.onsite.shape[-1])

    @property
    def leading(self) -> tuple[tuple[int, ...], ...]:
        """Leading shapes of the arrays."""
        return (self.onsite.shape[:-2], self.hopping.shape[:-2])


@dataclass(frozen=True)
class FoldedLead:
    """A lead of lateral supercells, given in its primitive lateral cell at the N folded k∥.

    The supercell's blocks would be W diag(H_1 … H_N) W†; they are never formed.

    Attributes
    ----------
    onsite, hopping : (..., N, n, n) complex
        Blocks of the primitive lead at k∥ + G_g, g = 1 … N, (rad/ps)².
    expansion : (N n, N, n) complex
        W: degree of freedom of the supercell ← folded k∥, degree of freedom of the primitive cell. Unitary.
        In the position gauge W = exp(i G_g·r)/√N between a supercell atom at r and its primitive atom,
        where r is the position in the layer next to the device. May carry leading axes.
    massless : int
        How many of the n unknowns at each folded k∥, the last ones, have no mass.
    """

    onsite: Complexes
    hopping: Complexes
    expansion: Complexes
    massless: int = 0

    def __post_init__(self) -> None:
        _to_complex(self, "onsite", "hopping", "expansion")
        _check(self.onsite, self.hopping, self.massless)
        if self.onsite.ndim < 3:
            raise InputError(
                f"blocks of a folded lead must be (..., N, n, n) over N folded k∥, but are "
                f"{self.onsite.shape}"
            )
        folded, n = self.onsite.shape[-3], self.onsite.shape[-1]
        if self.expansion.shape[-3:] != (folded * n, folded, n):
            raise InputError(
                f"`expansion` must be ({folded * n}, {folded}, {n}) to match the blocks {self.onsite.shape}, "
                f"but is {self.expansion.shape}"
            )
        w = self.matrix
        if np.abs(adjoint(w) @ w - np.eye(folded * n)).max() > HERMITICITY:
            raise InputError("`expansion` must be unitary; scale the lateral Fourier phases by 1/√N")

    @property
    def size(self) -> int:
        """Degrees of freedom of a layer of the supercell."""
        return int(self.onsite.shape[-3] * self.onsite.shape[-1])

    @property
    def leading(self) -> tuple[tuple[int, ...], ...]:
        """Leading shapes of the arrays."""
        return (self.onsite.shape[:-3], self.hopping.shape[:-3], self.expansion.shape[:-3])

    @property
    def matrix(self) -> Complexes:
        """W as a matrix, (..., N n, N n)."""
        return self.expansion.reshape(*self.expansion.shape[:-2], -1)


def _to_complex(lead: Lead | FoldedLead, *names: str) -> None:
    """Make arrays of what was given, before the frozen object is handed out."""
    for name in names:
        object.__setattr__(lead, name, np.asarray(getattr(lead, name), dtype=complex))


def _check(onsite: Complexes, hopping: Complexes, massless: int) -> None:
    """Refuse blocks that are not square, differ in size, are not finite, not Hermitian, or have no mass."""
    if onsite.ndim < 2 or onsite.shape[-1] != onsite.shape[-2] or onsite.shape[-1] == 0:
        raise InputError(f"`onsite` of a lead must be square blocks (..., n, n), but is {onsite.shape}")
    if hopping.shape[-2:] != onsite.shape[-2:]:
        raise InputError(
            f"`hopping` of a lead must be as large as its onsite block {onsite.shape[-2:]}, but is "
            f"{hopping.shape[-2:]}"
        )
    if not 0 <= massless < onsite.shape[-1]:
        raise InputError(
            f"`massless` of a lead must be 0 … {onsite.shape[-1] - 1}, fewer than its unknowns, but is "
            f"{massless}"
        )
    if not (np.isfinite(onsite).all() and np.isfinite(hopping).all()):
        raise InputError("blocks of a lead must be finite numbers, but hold NaN or infinity")
    asymmetry = np.abs(onsite - adjoint(onsite)).max()
    if asymmetry > HERMITICITY * max(float(np.abs(onsite).max()), float(np.abs(hopping).max())):
        raise InputError(
            f"`onsite` of a lead must be Hermitian, but departs from its adjoint by {asymmetry:.3g} "
            "(rad/ps)²; symmetrise the force constants"
        )


@dataclass(frozen=True)
class Stack:
    """A lead prepared for points: what depends on k∥ only, stored once.

    At a point, ``h0`` and ``h1`` are (N, n, n), and ``row`` (N,) are the numbers of its wave vectors in
    ``forms``. Plain leads have one folded k∥, N = 1. The last ``massless`` of the n unknowns have no mass.
    """

    h0: Gathered
    h1: Gathered
    row: Gathered
    forms: Forms
    massless: int

    @classmethod
    def of(cls, lead: Lead | FoldedLead, shape: tuple[int, ...]) -> "Stack":
        """Prepare a lead for points of the given batch shape."""
        onsite, hopping = np.broadcast_arrays(lead.onsite, lead.hopping)
        if isinstance(lead, Lead):
            onsite, hopping = onsite[..., None, :, :], hopping[..., None, :, :]
        leading, n = onsite.shape[:-2], onsite.shape[-1]
        forms = Forms.of(onsite.reshape(-1, n, n), hopping.reshape(-1, n, n), lead.massless)
        row = np.arange(len(forms.best)).reshape(leading)
        blocks = gather(onsite, shape, 3), gather(hopping, shape, 3)
        return cls(*blocks, gather(row, shape, 1), forms, lead.massless)

    @property
    def size(self) -> int:
        """Degrees of freedom of a primitive layer, n."""
        return int(self.h0.rows.shape[-1])

    @property
    def folded(self) -> int:
        """Number of folded k∥, N."""
        return int(self.h0.rows.shape[1])

    @property
    def bytes_per_point(self) -> int:
        """Working memory of the modes of one point: about forty matrices a folded k∥."""
        return 16 * 40 * self.folded * self.size**2
