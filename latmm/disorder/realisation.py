"""One realisation of a disordered contact, from an ideal interface and a seed.

Where only masses change, the force constants of the ideal contact stay. Otherwise the atoms of the ideal
contact, with more of both crystals where need be, are what disorder is drawn on; they are relaxed between
bulk-like ends and get the force constants of the potential. Without a potential the contact is laid out on
lattice sites and has the means of both crystals' force constants (:mod:`latmm.disorder.virtual`), the abrupt
contact likewise.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import SeedSequence

from latmm.disorder.kinds import Disorder
from latmm.disorder.sites import layers_of, require_one_lattice
from latmm.disorder.virtual import bare, identity, mean_contact, require_no_middle, species_share
from latmm.errors import ConvergenceError
from latmm.interface.assembly import END_LIMIT, Region, buffer_layers
from latmm.interface.guards import contact_force
from latmm.interface.interface import Interface
from latmm.interface.registration import extended
from latmm.interface.slab import Slab, relax_contact
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.threads import single_threaded

__all__ = ["realise", "undisturbed"]

_GROWTHS = 4
"""Times that the relaxed region is made thicker before its ends are given up."""

_NO_FORCES = (
    "so that they have no mean force constants; give a `potential`, or use two "
    "crystals of one structure and one plane"
)


@single_threaded
def realise(
    ideal: Interface,
    disorder: Disorder,
    seed: int | SeedSequence,
    *,
    potential: Potential | None = None,
    relax: bool = True,
    how: Execution = HERE,
) -> Interface:
    """Draw one disordered contact.

    Parameters
    ----------
    ideal : Interface
        The ideal contact, in the lateral supercell.
    disorder : Disorder
        Its kind, from :mod:`latmm.disorder.kinds`.
    seed : int or numpy.random.SeedSequence
        The same seed gives the same contact, bit for bit.
    potential : Potential, optional
        That of the ideal contact, for force constants of other species than the crystals'.
    relax : bool
        Relax the slab where species change or atoms are missing.
    how : Execution
        Who computes forces, and who hears of it.

    Returns
    -------
    Interface
        Without symmetry.

    Raises
    ------
    InputError
        If the disorder makes no sense on these crystals.
    ConvergenceError
        If the relaxation or the thickness of the contact does not converge.
    """
    require_no_middle(ideal)
    layers = layers_of(ideal.matched, disorder.depth(ideal.matched))
    deep = all(own >= needed for own, needed in zip(ideal.layers, layers, strict=True))
    if deep and (potential is not None or _one_species(ideal)):
        slab = disorder.apply(ideal.slab, ideal.matched, np.random.default_rng(seed))
        if np.array_equal(slab.atoms.numbers, ideal.slab.atoms.numbers):
            contact = ideal.contact.with_masses(slab.atoms.get_masses())
            return replace(ideal, slab=slab, contact=contact, operations=identity(slab))

    def drawn(left: int, right: int) -> Slab:
        slab = extended(ideal.slab, ideal.matched, (left, right))
        return disorder.apply(slab, ideal.matched, np.random.default_rng(seed))

    if potential is None:
        require_one_lattice(ideal.matched, ideal.slab.shift, _NO_FORCES)
        slab = disorder.apply(bare(ideal, layers), ideal.matched, np.random.default_rng(seed))
        return mean_contact(ideal, slab, species_share(ideal, slab), layers, identity(slab))
    return _computed(ideal, drawn, layers, potential, relax, how)


def undisturbed(ideal: Interface, potential: Potential | None) -> Interface:
    """Return the abrupt contact that realisations compare to, by the same force constants as theirs."""
    if potential is not None or _one_species(ideal):
        return ideal
    require_one_lattice(ideal.matched, ideal.slab.shift, _NO_FORCES)
    layers = layers_of(ideal.matched, 0)
    slab = bare(ideal, layers)
    return mean_contact(ideal, slab, species_share(ideal, slab), layers, identity(slab))


def _one_species(ideal: Interface) -> bool:
    """Whether both crystals consist of the same elements, so that only masses tell their species apart."""
    return np.array_equal(ideal.matched.left.numbers, ideal.matched.right.numbers)


def _computed(
    ideal: Interface,
    drawn: Callable[[int, int], Slab],
    layers: tuple[int, int],
    potential: Potential,
    relax: bool,
    how: Execution,
) -> Interface:
    """Relax the contact and compute its force constants, thicker until its ends are the pure crystals'."""
    buffer = np.array(buffer_layers(ideal.matched, potential, ideal.principal))
    # disorder strains the crystals somewhat farther than the ideal contact does
    inner = np.array(layers) + np.array(ideal.layers) + np.array(ideal.principal)
    for _ in range(_GROWTHS):
        within, whole = (int(inner[0]), int(inner[1])), inner + buffer
        slab = drawn(int(whole[0]), int(whole[1]))
        if relax:
            slab = relax_contact(slab, potential, within, how)
        region = Region.displaced(ideal.matched, slab, ideal.left, ideal.right, potential, within, how=how)
        if not region.thick_enough:
            buffer = buffer + 1
        elif region.end_deviation <= END_LIMIT:
            crystals = (ideal.left, ideal.right)
            force = contact_force(slab, potential, within, crystals, relaxed=relax)
            return region.interface(ideal.potential, ideal.normals, {**ideal.checks, force.name: force})
        else:
            inner = inner + np.array(ideal.principal)
    raise ConvergenceError(
        "the force constants at the ends of the disordered contact still differ by "
        f"{region.end_deviation:.1e} from the pure crystals' (limit {END_LIMIT:g}), {inner.max()} layers "
        "away from it; use less disorder, or do not relax"
    )
