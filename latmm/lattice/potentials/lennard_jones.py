"""Lennard-Jones 12-6 potential of any elements, with plain truncation.

    E = Σ_{i<j} 4ε_ij [(σ_ij/r)¹² − (σ_ij/r)⁶],    r < c_ij, and nothing beyond:

the energy is neither shifted nor smoothed at the cut-off, so a pair that crosses it makes the energy jump by
|φ(c)| (0.016 ε at 2.5 σ). J. E. Lennard-Jones, Proc. R. Soc. A 106, 463 (1924). Unlike atoms, unless their
ε_ij, σ_ij are given: ε_ij = √(ε_i ε_j) and σ_ij = (σ_i + σ_j)/2 (D. Berthelot, C. R. Acad. Sci. 126, 1703
(1898); H. A. Lorentz, Ann. Phys. 248, 127 (1881)).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, combinations_with_replacement
from typing import Final

import numpy as np

from latmm.arrays import Floats, Integers
from latmm.errors import PotentialError
from latmm.lattice.potentials.bonds import BondCalculator, Bonds, scatter
from latmm.lattice.potentials.potential import (
    EXACT_FORCES,
    Options,
    Potential,
    check_names,
    parameters,
    positive,
    refuse_uncovered,
)

__all__ = ["LennardJones", "lennard_jones"]

CUSTOMARY: Final = 2.5
"""Cut-off in units of σ where none is given."""
LONGEST: Final = 50.0
"""Longest cut-off accepted, Å: the supercell of force constants is more than twice as wide."""


@dataclass(frozen=True, eq=False)
class LennardJones:
    """Lennard-Jones energy of S elements.

    Attributes
    ----------
    elements : tuple of str
        The S elements.
    epsilon : (S, S) float
        Depth of the well ε_ij, eV.
    sigma : (S, S) float
        Distance of zero energy σ_ij, Å.
    ends : (S, S) float
        Distance c_ij of truncation, Å.
    """

    elements: tuple[str, ...]
    epsilon: Floats
    sigma: Floats
    ends: Floats

    @property
    def cutoff(self) -> float:
        """Longest bond, Å."""
        return float(self.ends.max())

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a pair's to each end), and gradient by bond, (B, 3) eV/Å."""
        kind = species[bonds.first], species[bonds.second]
        squared = bonds.length**2
        sixth = (self.sigma[kind] ** 2 / squared) ** 3
        # half of each directed bond's share
        half = np.where(bonds.length < self.ends[kind], 2.0 * self.epsilon[kind] * sixth, 0.0)
        energies = scatter(bonds.first, half * (sixth - 1.0), species.size)
        return energies, (half * (6.0 - 12.0 * sixth) / squared)[:, None] * bonds.vector


def lennard_jones(elements: Sequence[str], options: Options) -> Potential:
    """Set up the potential: the bundled parameters, one pair for all atoms, or those of elements and pairs.

    Parameters
    ----------
    elements : sequence of str
        Chemical symbols.
    options : mapping
        ``epsilon`` (eV) and ``sigma`` (Å) of every pair; or ``epsilon.Ar`` of an element and
        ``epsilon.Ar-Kr`` of an unlike pair, ``sigma`` likewise; ``cutoff`` (Å) of every pair, by default
        2.5 σ_ij.

    Raises
    ------
    PotentialError
        If an option is unknown or out of range, or an element has no parameters.
    """
    kinds = ["-".join(sorted({*pair})) for pair in combinations_with_replacement(elements, 2)]
    special = [f"{symbol}.{kind}" for kind in kinds for symbol in ("epsilon", "sigma")]
    check_names("lj", options, ["epsilon", "sigma", "cutoff", *special])
    given = {name: positive("lj", name, value) for name, value in options.items()}
    table = {symbol: _pairs(symbol, elements, given) for symbol in ("epsilon", "sigma")}
    size = len(elements)
    ends = np.full((size, size), given["cutoff"]) if "cutoff" in given else CUSTOMARY * table["sigma"]
    if ends.max() > LONGEST:
        raise PotentialError(
            f"the cut-off of potential lj is {ends.max():g} Å, beyond {LONGEST:g} Å; choose a smaller cutoff"
        )
    return Potential(
        name="lj",
        description=_description(elements, table, ends, given),
        elements=frozenset(elements),
        reach=float(ends.max()),
        calculator=partial(BondCalculator, LennardJones(tuple(elements), **table, ends=ends)),
        displacement=EXACT_FORCES,
    )


def _pairs(symbol: str, elements: Sequence[str], given: Mapping[str, float]) -> Floats:
    """ε_ij or σ_ij: that of the pair, else mixed from those of its elements."""
    bundled = parameters("lennard_jones")["element"]
    known = {
        e: given.get(f"{symbol}.{e}", given.get(symbol, bundled.get(e, {}).get(symbol))) for e in elements
    }
    refuse_uncovered(
        "lj",
        set(bundled) | {e for e in known if known[e]},
        elements,
        "give both epsilon and sigma, or epsilon.X and sigma.X of every other element X",
    )
    one = np.array([known[e] for e in elements])
    mixed = np.sqrt(np.outer(one, one)) if symbol == "epsilon" else np.add.outer(one, one) / 2.0
    for (i, a), (j, b) in combinations(enumerate(elements), 2):
        mixed[i, j] = mixed[j, i] = given.get(f"{symbol}.{'-'.join(sorted((a, b)))}", mixed[i, j])
    return np.asarray(mixed)


def _description(
    elements: Sequence[str], table: Mapping[str, Floats], ends: Floats, given: Mapping[str, float]
) -> str:
    """One line: the parameters of every pair, and the source of bundled ones."""
    pairs = list(combinations_with_replacement(range(len(elements)), 2))
    rows = [(table["epsilon"][p], table["sigma"][p], ends[p]) for p in pairs]
    same = len(set(rows)) == 1
    text = "; ".join(
        ("" if same else f"{elements[i]}-{elements[j]}: ")
        + f"epsilon = {epsilon:g} eV, sigma = {sigma:g} Å, truncated at {end:g} Å"
        for (i, j), (epsilon, sigma, end) in list(zip(pairs, rows, strict=True))[: 1 if same else None]
    )
    mixing = (
        ", unlike atoms by Lorentz and Berthelot" if not same and not any("-" in n for n in given) else ""
    )
    bundled = parameters("lennard_jones")["element"]
    sources = (
        {bundled[e]["source"] for e in elements if e in bundled} if not set(given) - {"cutoff"} else set()
    )
    return f"Lennard-Jones, {text}{mixing}" + "".join(f"; {source}" for source in sorted(sources))
