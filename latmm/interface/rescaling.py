"""Force constants of an interface times a factor for each crystal: a stated correction of a potential.

A potential that is too soft or too stiff as a whole can be scaled to measured elastic constants. All
frequencies of a crystal grow with the root of its factor f. Across the contact a pair takes ½ (f_i + f_j) of
its crystals, and the self terms restore the sum rule. The shape of the bands stays as wrong as it was.
"""

from dataclasses import replace

import numpy as np

from latmm.errors import InputError
from latmm.interface.interface import SIDES, Interface
from latmm.interface.joining import surface_terms

__all__ = ["rescaled"]

_LEAST, _MOST = 0.01, 100.0


def rescaled(
    interface: Interface, factors: tuple[float, float], reasons: tuple[str, str] = ("", "")
) -> Interface:
    """Multiply the force constants of both crystals.

    Parameters
    ----------
    interface : Interface
        Without dipoles.
    factors : (2,) float
        Of the left and of the right crystal.
    reasons : (2,) str
        Where each comes from, for the notes.

    Returns
    -------
    Interface
        With a note for each factor that is not one.

    Raises
    ------
    InputError
        If a factor is no number between 0.01 and 100, or the crystals have dipoles.
    """
    if not all(np.isfinite(factor) and _LEAST <= factor <= _MOST for factor in factors):
        raise InputError(
            f"factors of force constants must lie between {_LEAST:g} and {_MOST:g}, but are {factors[0]:g} "
            f"and {factors[1]:g}"
        )
    if tuple(factors) == (1.0, 1.0):
        return interface
    if interface.polar is not None or any(crystal.dipoles is not None for crystal in interface.crystals):
        raise InputError("force constants with dipoles are not scaled; read the crystals with `nac=False`")
    left, right = (
        replace(crystal, values=factor * crystal.values)
        for crystal, factor in zip(interface.crystals, factors, strict=True)
    )
    slab = interface.slab
    own = np.array([factors[0], 0.5 * sum(factors), factors[1]])[slab.side + 1]
    pairs = interface.contact
    weight = 0.5 * (own[pairs.first] + own[pairs.second])
    pairs = replace(pairs, values=weight[:, None, None] * pairs.values)
    contact = pairs.with_self_terms(
        surface_terms(slab, replace(interface.pair, left=left, right=right)),
        adjustable=slab.within(interface.layers),
    )
    notes = tuple(
        f"force constants of the {side} crystal times {factor:.4g}" + (f": {reason}" if reason else "")
        for side, factor, reason in zip(SIDES, factors, reasons, strict=True)
        if factor != 1.0
    )
    return replace(interface, left=left, right=right, contact=contact, notes=(*interface.notes, *notes))
