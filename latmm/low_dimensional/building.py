"""From two sheets, ribbons, tubes or chains to an interface: they are joined as crystals in a box."""

from dataclasses import replace

from latmm.defaults import MAX_STRAIN
from latmm.errors import InputError, MismatchError
from latmm.geometry.matching import Matched, Misfit, principal_strain
from latmm.interface.build import join_crystals, match_alike
from latmm.interface.interface import Interface
from latmm.low_dimensional.boxes import Low, boxed, direction
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.threads import single_threaded

__all__ = ["STRETCHED", "build_junction"]

STRETCHED = "stretched"
"""The sheet that is stretched along the line takes the strain."""
_NOTED = 1e-5
"""Strain along the line that changes flexural waves at the frequencies of interest."""


@single_threaded
def build_junction(
    left: Low,
    right: Low,
    potential: Potential,
    *,
    line: tuple[int, int] = (1, 0),
    relax: bool = True,
    strain: str = STRETCHED,
    max_strain: float = MAX_STRAIN,
    how: Execution = HERE,
) -> Interface:
    """Join two structures of one kind that continue each other.

    Parameters
    ----------
    left, right : Low
        From :func:`latmm.low_dimensional.boxes.read_low_dimensional`.
    potential : Potential
        Of both and of their contact.
    line : (2,) int
        Indices of the line between two sheets, see :func:`latmm.low_dimensional.boxes.direction`.
    relax : bool
        Relax both structures and the contact.
    strain : {"stretched", "right", "left", "both"}
        Sheet that takes the strain along the line.
    max_strain : float
        Largest strain accepted.
    how : Execution
        Who computes the forces, and who hears of it.

    Returns
    -------
    Interface
        In a box with vacuum; its area has no meaning.

    Raises
    ------
    InputError, MismatchError, InstabilityError, ConvergenceError
        As :func:`latmm.interface.build.build_interface`.
    """
    sides = boxed(left, right, potential.reach)
    normals = [direction(side, left.dimension, line) for side in sides]
    if normals[0] != normals[1]:
        raise MismatchError(
            f"the line {line[0]} {line[1]} lies differently in the standard cells of {left.name} and "
            f"{right.name}; give both in one setting"
        )
    if strain not in (STRETCHED, "right", "left", "both"):
        raise InputError(f"`strain` must be stretched, right, left or both, but is {strain!r}")

    def matched(side: str) -> Matched:
        misfit = Misfit(side, max_strain)
        return match_alike(*sides, normals[0], potential, relax=relax, misfit=misfit, how=how)

    pair = matched("right" if strain == STRETCHED else strain)
    if strain == STRETCHED and principal_strain(pair.strain_right).min() < 0.0:
        pair = matched("left")
    found = join_crystals(
        pair, (normals[0], normals[0]), potential, relax=relax, start=(0.0, 0.0, 0.0), how=how
    )
    notes = []
    for name, tensor in (("left", pair.strain_left), ("right", pair.strain_right)):
        values = principal_strain(tensor)
        value = float(values[abs(values).argmax()])
        if left.dimension == 2 and abs(value) > _NOTED:
            effect = "stiffer, ω ∝ q at last" if value > 0 else "softer, and unstable at last"
            notes.append(
                f"the {name} sheet is strained by {100 * value:.2g} % along the line: its long flexural "
                f"waves are {effect}"
            )
    return replace(found, notes=(*found.notes, *notes))
