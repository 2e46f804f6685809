"""A junction: left lead, device layers, right lead, in matrices."""

from dataclasses import dataclass

import numpy as np

from latmm.agf.leads import FoldedLead, Lead
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
        2, …,
        N → first layer of the right lead; for N = 0 the leads are joined directly. (rad/ps)².

    Raises
    ------
    InputError
        If the shapes do not fit together or an onsite block is not Hermitian.
    """

    left: Lead | FoldedLead
    right: Lead | FoldedLead
    onsite: tuple[Complexes, ...]
    hopping: tuple[Complexes, ...]

    def __post_init__(self) -> None:
        if len(self.hopping) != len(self.onsite) + 1:
            raise InputError(
                f"{len(self.onsite)} device layers need {len(self.onsite) + 1} hopping blocks, but there "
                f"are {len(self.hopping)}"
            )
        sizes = self.sizes
        for number, block in enumerate(self.onsite, start=1):
            if block.shape[-2] != block.shape[-1]:
                raise InputError(f"`onsite` of device layer {number} must be square, but is {block.shape}")
            asymmetry = np.abs(block - block.conj().swapaxes(-1, -2)).max()
            if not asymmetry <= 1e-10 * np.abs(block).max():  # also catches NaN
                raise InputError(
                    f"`onsite` of device layer {number} must be Hermitian, but departs from its adjoint by "
                    f"{asymmetry:.3g} (rad/ps)²"
                )
        for number, block in enumerate(self.hopping):
            if block.shape[-2:] != (sizes[number], sizes[number + 1]):
                raise InputError(
                    f"`hopping` {number} must be {(sizes[number], sizes[number + 1])}, from layer {number} "
                    f"to {number + 1}, "
                    f"but is {block.shape[-2:]}"
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Degrees of freedom of the left lead's last layer, the device layers, the right lead's first
        layer.
        """
        return (self.left.size, *(b.shape[-1] for b in self.onsite), self.right.size)

    @property
    def leading(self) -> tuple[tuple[int, ...], ...]:
        """Leading shapes of all blocks."""
        shapes = [block.shape[:-2] for block in (*self.onsite, *self.hopping)]
        for lead in (self.left, self.right):
            core = 3 if isinstance(lead, FoldedLead) else 2
            shapes += [lead.onsite.shape[:-core], lead.hopping.shape[:-core]]
            if isinstance(lead, FoldedLead):
                shapes.append(lead.expansion.shape[:-3])
        return tuple(shapes)
