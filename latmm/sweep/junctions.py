"""An interface at k∥ as the kernel wants it: leads and device in matrices."""

from latmm.agf import Junction, Lead
from latmm.arrays import Floats
from latmm.interface.build import Interface

__all__ = ["junction"]


def junction(interface: Interface, wave_vectors: Floats) -> Junction:
    """Blocks of the interface at k∥ (K, 2), with a batch axis (K, 1) for ω to broadcast against."""
    blocks = interface.blocks(wave_vectors)
    left, right = (Lead(h0[:, None], h1[:, None]) for h0, h1 in (blocks.left, blocks.right))
    return Junction(
        left,
        right,
        tuple(block[:, None] for block in blocks.onsite),
        tuple(block[:, None] for block in blocks.hopping),
    )
