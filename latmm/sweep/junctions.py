"""An interface at k∥ as the kernel wants it: leads and device in matrices."""

from latmm.agf import FoldedLead, Junction, Lead
from latmm.arrays import Floats
from latmm.interface.interface import Interface, LeadBlocks

__all__ = ["junction"]


def junction(interface: Interface, wave_vectors: Floats) -> Junction:
    """Blocks of the interface at k∥ (K, 2), with a batch axis (K, 1) for ω to broadcast against.

    A side whose lateral cell is its own primitive one has a plain lead, the other a folded one.
    """
    blocks = interface.blocks(wave_vectors)
    return Junction(
        _lead(blocks.left),
        _lead(blocks.right),
        tuple(block[:, None] for block in blocks.onsite),
        tuple(block[:, None] for block in blocks.hopping),
    )


def _lead(blocks: LeadBlocks) -> Lead | FoldedLead:
    if blocks.onsite.shape[1] == 1:
        return Lead(blocks.onsite, blocks.hopping)
    return FoldedLead(blocks.onsite[:, None], blocks.hopping[:, None], blocks.expansion)
