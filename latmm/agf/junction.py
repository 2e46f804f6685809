"""A junction: left lead, device layers, right lead, in matrices."""

from dataclasses import dataclass

import numpy as np

from latmm.agf.batch import Gathered, adjoint, gather, run_length
from latmm.agf.leads import FoldedLead, Lead, Stack
from latmm.arrays import Complexes
from latmm.errors import InputError

__all__ = ["Junction"]


@dataclass(frozen=True)
class Junction:
    """Two leads joined by N ≥ 0 device layers; each couples to its neighbours only.

    Attributes
    ----------
    left, right : Lead or FoldedLead
        The half-spaces. Both number their layers along +z.
    onsite : tuple of N (..., m_l, m_l) complex
        Blocks inside the device layers 1 … N, Hermitian, (rad/ps)²; any sizes.
    hopping : tuple of N + 1 (..., m_l, m_{l+1}) complex
        Blocks from each layer (rows) to the next (columns) along +z: last layer of the left lead → 1, 1 →
        2, …, N → first layer of the right lead; for N = 0 the leads are joined directly. (rad/ps)².
    massless : tuple of N int
        How many unknowns of each device layer, its last ones, have no mass; none by default.

    Raises
    ------
    InputError
        If the shapes do not fit together or an onsite block is not Hermitian.
    """

    left: Lead | FoldedLead
    right: Lead | FoldedLead
    onsite: tuple[Complexes, ...]
    hopping: tuple[Complexes, ...]
    massless: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "massless", tuple(self.massless) or (0,) * len(self.onsite))
        for name in ("onsite", "hopping"):
            blocks = tuple(np.asarray(block, dtype=complex) for block in getattr(self, name))
            object.__setattr__(self, name, blocks)
        if len(self.hopping) != len(self.onsite) + 1:
            raise InputError(
                f"{len(self.onsite)} device layers need {len(self.onsite) + 1} hopping blocks, but there "
                f"are {len(self.hopping)}"
            )
        sizes = self.sizes
        if len(self.massless) != len(self.onsite):
            raise InputError(
                f"`massless` must be a number for each of {len(self.onsite)} device layers, but is "
                f"{self.massless}"
            )
        for number, block in enumerate(self.onsite, start=1):
            if block.shape[-2] != block.shape[-1]:
                raise InputError(f"`onsite` of device layer {number} must be square, but is {block.shape}")
            asymmetry = np.abs(block - adjoint(block)).max()
            if not asymmetry <= 1e-10 * np.abs(block).max():  # also catches NaN
                raise InputError(
                    f"`onsite` of device layer {number} must be Hermitian, but departs from its adjoint by "
                    f"{asymmetry:.3g} (rad/ps)²"
                )
        for number, block in enumerate(self.hopping):
            if block.shape[-2:] != (sizes[number], sizes[number + 1]):
                raise InputError(
                    f"`hopping` {number} must be {(sizes[number], sizes[number + 1])}, from layer {number} "
                    f"to {number + 1}, but is {block.shape[-2:]}"
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Degrees of freedom of the layers 0 … N + 1, the leads' surface layers included."""
        return (self.left.size, *(b.shape[-1] for b in self.onsite), self.right.size)

    @property
    def leading(self) -> tuple[tuple[int, ...], ...]:
        """Leading shapes of all arrays."""
        device = tuple(block.shape[:-2] for block in (*self.onsite, *self.hopping))
        return (*self.left.leading, *self.right.leading, *device)


@dataclass(frozen=True)
class Prepared:
    """A junction made ready for points: what does not depend on ω, computed once for each k∥.

    ``onsite`` and ``hopping`` as in :class:`Junction`, ``back`` the adjoint of each hopping. The outer
    hoppings are in the basis of folded k∥, where the layers of a lead are block diagonal. ``shape``: batch
    shape of the points; ``run``: how many in a row share all blocks.
    """

    left: Stack
    right: Stack
    onsite: tuple[Gathered, ...]
    hopping: tuple[Gathered, ...]
    back: tuple[Gathered, ...]
    shape: tuple[int, ...]
    run: int
    massless: tuple[int, ...] = ()

    @classmethod
    def of(cls, junction: Junction, shape: tuple[int, ...]) -> "Prepared":
        """Prepare a junction for points of the given batch shape."""
        hopping = list(junction.hopping)
        if isinstance(junction.left, FoldedLead):
            hopping[0] = adjoint(junction.left.matrix) @ hopping[0]
        if isinstance(junction.right, FoldedLead):
            hopping[-1] = hopping[-1] @ junction.right.matrix
        return cls(
            Stack.of(junction.left, shape),
            Stack.of(junction.right, shape),
            tuple(gather(block, shape, 2) for block in junction.onsite),
            tuple(gather(block, shape, 2) for block in hopping),
            tuple(gather(adjoint(block), shape, 2) for block in hopping),
            shape,
            run_length(shape, *junction.leading),
            junction.massless,
        )

    @property
    def lead_bytes(self) -> int:
        """Working memory of the leads at one point: the modes of one, and what is kept of both."""
        kept = sum(16 * 2 * (stack.folded * stack.size) ** 2 for stack in (self.left, self.right))
        return max(self.left.bytes_per_point, self.right.bytes_per_point) + kept

    @property
    def layer_bytes(self) -> int:
        """Working memory of the device at one point: ten matrices of the largest layer."""
        largest = max(max(block.rows.shape[-2:]) for block in self.hopping)
        return int(16 * 10 * largest**2)
