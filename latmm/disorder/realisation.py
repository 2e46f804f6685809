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
from latmm.interface.growth import grow
from latmm.interface.guards import contact_force
from latmm.interface.interface import Interface
from latmm.interface.registration import extended
from latmm.interface.slab import Slab
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.threads import single_threaded

__all__ = ["realise", "undisturbed"]


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

    def drawn(whole: tuple[int, int]) -> Slab:
        slab = extended(ideal.slab, ideal.matched, whole)
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
    drawn: Callable[[tuple[int, int]], Slab],
    layers: tuple[int, int],
    potential: Potential,
    relax: bool,
    how: Execution,
) -> Interface:
    """Relax the contact and compute its force constants, thicker until its ends are the pure crystals'."""
    # disorder strains the crystals somewhat farther than the ideal contact does
    first, second = (sum(n) for n in zip(layers, ideal.layers, ideal.principal, strict=True))
    region = grow(
        *(ideal.pair, potential, drawn),
        relax=relax,
        layers=(first, second),
        drawn=True,
        how=how,
    )
    force = contact_force(region.slab, potential, region.layers, ideal.crystals, relaxed=relax)
    return region.interface(ideal.potential, {force.name: force})
