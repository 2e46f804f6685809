"""Lennard-Jones 12-6 potential of any elements, whose force ends smoothly or, if asked, sharply.

    E = Σ_{i<j} φ(r) + S(r),    φ = 4ε_ij [(σ_ij/r)¹² − (σ_ij/r)⁶],    r < c, and nothing beyond,
    S = C + ⅓A (r − b)³ + ¼B (r − b)⁴ for b = 0.94 c < r < c,    S = C for r < b,

J. E. Lennard-Jones, Proc. R. Soc. A 106, 463 (1924). A, B and C make energy, force and force constant vanish
at the cut-off c (S. J. Marrink, A. H. de Vries and A. E. Mark, J. Phys. Chem. B 108, 750 (2004); pair_style
lj/gromacs of LAMMPS): cut off sharply, the force jumps, and a contact in which pairs lie on both sides of the
jump need not have a place without force. Below b the force is that of φ. With the sharp end, customary at
c = 2.5 σ, S = −φ(c): the energy is continuous, force and force constant are those of φ up to c. Unlike atoms,
unless their ε_ij, σ_ij are given: ε_ij = √(ε_i ε_j) and σ_ij = (σ_i + σ_j)/2 (D. Berthelot, C. R. Acad. Sci.
126, 1703 (1898); H. A. Lorentz, Ann. Phys. 248, 127 (1881)).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, combinations_with_replacement
from typing import Final

import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list

from latmm.arrays import Floats, Integers
from latmm.errors import PotentialError
from latmm.potentials.bundled.bonds import BondCalculator, Bonds, scatter
from latmm.potentials.protocol import (
    EXACT_FORCES,
    Options,
    Potential,
    check_names,
    parameters,
    positive,
    refuse_uncovered,
)

__all__ = ["LennardJones", "lennard_jones"]

CUSTOMARY: Final = 2.65
"""Cut-off in units of σ where none is given: fcc crystals have no neighbours between 0.94 of it and it, so
that theirs is the sum of the first five shells, as with the customary sharp end at 2.5 σ."""
SHARP: Final = 2.5
"""The same with a sharp end."""
SMOOTH: Final = 0.94
"""Share of the cut-off up to which the force is that of Lennard and Jones."""
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
        Cut-off c_ij, Å.
    sharp : bool
        The force jumps to zero there instead of ending smoothly.
    """

    elements: tuple[str, ...]
    epsilon: Floats
    sigma: Floats
    ends: Floats
    sharp: bool = False

    @property
    def cutoff(self) -> float:
        """Longest bond, Å."""
        return float(self.ends.max())

    @cached_property
    def tail(self) -> tuple[Floats, Floats, Floats]:
        """A (eV Å⁻³), B (eV Å⁻⁴) and C (eV) of every pair, each (S, S)."""
        end, width = self.ends, (1.0 - SMOOTH) * self.ends
        sixth = (self.sigma / end) ** 6
        value = 4.0 * self.epsilon * sixth * (sixth - 1.0)
        if self.sharp:
            return np.zeros_like(end), np.zeros_like(end), -value
        slope = 4.0 * self.epsilon * sixth * (6.0 - 12.0 * sixth) / end
        curvature = 4.0 * self.epsilon * sixth * (156.0 * sixth - 42.0) / end**2
        return (
            (width * curvature - 3.0 * slope) / width**2,
            (2.0 * slope - width * curvature) / width**3,
            width * slope / 2.0 - width**2 * curvature / 12.0 - value,
        )

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a pair's to each end), and gradient by bond, (B, 3) eV/Å."""
        kind = species[bonds.first], species[bonds.second]
        squared = bonds.length**2
        sixth = (self.sigma[kind] ** 2 / squared) ** 3
        a, b, c = (term[kind] for term in self.tail)
        beyond = np.maximum(bonds.length - SMOOTH * self.ends[kind], 0.0)
        deep = 4.0 * self.epsilon[kind] * sixth
        energy = deep * (sixth - 1.0) + c + (a / 3.0 + b / 4.0 * beyond) * beyond**3
        slope = deep * (6.0 - 12.0 * sixth) / squared + (a + b * beyond) * beyond**2 / bonds.length
        # half of each directed bond's share
        half = np.where(bonds.length < self.ends[kind], 0.5, 0.0)
        return scatter(bonds.first, half * energy, species.size), (half * slope)[:, None] * bonds.vector

    def remark(self, crystal: Atoms) -> str | None:
        """Say which neighbours of a crystal lie where the force is no longer Lennard and Jones's."""
        if self.sharp:
            return None
        species = np.array([self.elements.index(symbol) for symbol in crystal.get_chemical_symbols()])
        first, second, distance = neighbour_list("ijd", crystal, self.cutoff)
        end = self.ends[species[first], species[second]]
        inside = np.flatnonzero((distance > SMOOTH * end) & (distance < end))
        if not inside.size:
            return None
        at = inside[np.argmin(distance[inside])]
        pair = f"{crystal.symbols[first[at]]}-{crystal.symbols[second[at]]}"
        return (
            f"in {crystal.get_chemical_formula()} a shell of neighbours ({pair}) at {distance[at]:.4g} Å "
            f"lies where potential lj ends smoothly, {SMOOTH * end[at]:.4g} to {end[at]:.4g} Å, and counts "
            "with changed force constants; choose a cutoff between shells, or end=sharp"
        )


def lennard_jones(elements: Sequence[str], options: Options) -> Potential:
    """Set up the potential: the bundled parameters, one pair for all atoms, or those of elements and pairs.

    Parameters
    ----------
    elements : sequence of str
        Chemical symbols.
    options : mapping
        ``epsilon`` (eV) and ``sigma`` (Å) of every pair; or ``epsilon.Ar`` of an element and
        ``epsilon.Ar-Kr`` of an unlike pair, ``sigma`` likewise; ``cutoff`` (Å) of every pair, by default
        2.65 σ_ij; the force ends smoothly from 0.94 of it on, or with ``end=sharp`` at the cut-off itself,
        by default 2.5 σ_ij.

    Raises
    ------
    PotentialError
        If an option is unknown or out of range, or an element has no parameters.
    """
    kinds = ["-".join(sorted({*pair})) for pair in combinations_with_replacement(elements, 2)]
    special = [f"{symbol}.{kind}" for kind in kinds for symbol in ("epsilon", "sigma")]
    check_names("lj", options, ["epsilon", "sigma", "cutoff", "end", *special])
    if options.get("end", "smooth") not in ("smooth", "sharp"):
        raise PotentialError(f"end of potential lj must be smooth or sharp, but is {options['end']!r}")
    sharp = options.get("end") == "sharp"
    given = {name: positive("lj", name, value) for name, value in options.items() if name != "end"}
    table = {symbol: _pairs(symbol, elements, given) for symbol in ("epsilon", "sigma")}
    size = len(elements)
    ends = (
        np.full((size, size), given["cutoff"])
        if "cutoff" in given
        else (SHARP if sharp else CUSTOMARY) * table["sigma"]
    )
    if ends.max() > LONGEST:
        raise PotentialError(
            f"the cut-off of potential lj is {ends.max():g} Å, beyond {LONGEST:g} Å; choose a smaller cutoff"
        )
    energy = LennardJones(tuple(elements), **table, ends=ends, sharp=sharp)
    return Potential(
        name="lj",
        description=_description(elements, energy, given),
        elements=frozenset(elements),
        reach=float(ends.max()),
        calculator=partial(BondCalculator, energy),
        displacement=EXACT_FORCES,
        remark=energy.remark,
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


def _description(elements: Sequence[str], energy: LennardJones, given: Mapping[str, float]) -> str:
    """One line: the parameters of every pair, and the source of bundled ones."""
    pairs = list(combinations_with_replacement(range(len(elements)), 2))
    rows = [(energy.epsilon[p], energy.sigma[p], energy.ends[p]) for p in pairs]
    same = len(set(rows)) == 1
    text = "; ".join(
        ("" if same else f"{elements[i]}-{elements[j]}: ")
        + f"epsilon = {epsilon:g} eV, sigma = {sigma:g} Å, "
        + (
            f"sharp end at {end:g} Å"
            if energy.sharp
            else f"force to zero from {SMOOTH * end:.4g} to {end:g} Å"
        )
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
