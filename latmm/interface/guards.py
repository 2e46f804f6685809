"""Guards of equilibrium and stability, which harmonic theory starts from.

Force constants mean what they say at a minimum of the energy. Whoever does not relax may hand over crystals
far from it: under stress all frequencies are others, and atoms that feel forces vibrate about other places. A
crystal is guarded by the stress and the forces that relaxation would release, a contact by its forces and by
its spectrum at k∥ all over the zone. The limits are those of a shift of 0.2 %:

    |σ| ≤ 0.002 ρ<c²>,     ρ<c²> = A_ααγγ/9, the mean elastic modulus of waves of all directions and branches,
    |F| ≤ 0.002 d k,       d the nearest distance of atoms, k the mean restoring force constant of an atom,

the smallest of all atoms. Frequencies go with the volume to the power −1 to −3 (Grüneisen), so that a stress
at its limit moves the conductance by less than one percent (docs/checks.md gives measured numbers).
"""

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from scipy.linalg import eigvalsh

from latmm.arrays import Floats
from latmm.checks import Check, check
from latmm.interface.pairs import PairConstants
from latmm.interface.slab import Slab
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.stiffness import wave_tensor
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import FORCE_LIMIT
from latmm.ties import smallest
from latmm.units import EV_PER_A2_AMU, EV_PER_A3, TWO_PI

__all__ = ["SHIFT", "contact_force", "crystal_guards", "force_scale", "stability", "unknown_guards", "zone"]

SHIFT = 2e-3
"""Relative change of volume or place that a crystal or an atom may be off."""
SOFTEST = 1e-6
"""Most negative ω² of the clamped contact, relative to the largest, that rounding explains."""
ROUNDING = 1e-6
"""Values that differ by less than this share of the limit are the same: the first of them is named."""
_CELLS = 4
"""Primitive cells in the common one from which on the corners of its zone suffice."""

Pair = tuple[int, int]


def crystal_guards(
    side: str, crystal: ForceConstants, potential: Potential, *, strained: bool
) -> tuple[Check, Check]:
    """Stress and forces of a crystal.

    Parameters
    ----------
    side : {"left", "right"}
        For the names of the checks.
    crystal : ForceConstants
        a₁ and a₂ in the plane of the interface.
    potential : Potential
        Gives both.
    strained : bool
        The crystal is strained in the plane on purpose: only what relaxation along the normal would release
        counts, σ_xz, σ_yz and σ_zz.
    """
    atoms = crystal.atoms.copy()
    atoms.calc = potential.calculator()
    forces = np.linalg.norm(atoms.get_forces(), axis=1)
    limit = SHIFT * force_scale(crystal)
    worst = _largest(forces, limit)
    where = f"atom {worst}, {atoms.symbols[worst]}"
    return (
        _stress(side, atoms, crystal, strained),
        check(f"force_{side}", forces[worst], limit, where=where),
    )


def _stress(side: str, atoms: Atoms, crystal: ForceConstants, strained: bool) -> Check:
    limit = SHIFT * float(np.einsum("aacc", wave_tensor(crystal))) / 9.0
    try:
        stress = atoms.get_stress(voigt=False) * EV_PER_A3
    except PropertyNotImplementedError:
        return check(f"stress_{side}", np.nan, limit, where="the potential gives no stress")
    released = np.abs(stress[2] if strained else stress)
    worst = _largest(released, limit)
    first, second = (2, worst) if strained else divmod(worst, 3)
    return check(f"stress_{side}", released.max(), limit, where=f"{'xyz'[first]}{'xyz'[second]}")


def _largest(values: Floats, limit: float) -> int:
    """First of the largest values, those that differ by rounding alike."""
    return smallest(-values.ravel(), ROUNDING * limit)


def unknown_guards(side: str) -> tuple[Check, Check]:
    """Stress and forces of a crystal without a calculator."""
    text = "finished force constants tell neither stress nor forces"
    first, second = (check(f"{name}_{side}", np.nan, 0.0, where=text) for name in ("stress", "force"))
    return first, second


def force_scale(crystal: ForceConstants) -> float:
    """Nearest distance of atoms times the least mean restoring force constant of one, eV Å⁻¹."""
    distances = np.linalg.norm(crystal.vectors, axis=-1)
    home = int(np.flatnonzero(~crystal.cells.any(axis=1))[0])
    own = np.einsum("iiaa->i", crystal.values[home]) / 3.0
    return float(distances[distances > 1e-6].min() * own.min())


def contact_force(
    slab: Slab,
    potential: Potential,
    layers: Pair,
    crystals: tuple[ForceConstants, ForceConstants],
    *,
    relaxed: bool,
) -> Check:
    """Largest force on an atom of the contact, and on the right crystal as a whole.

    Parameters
    ----------
    slab : Slab
        The contact between ends of pure crystals.
    potential : Potential
        Gives the forces.
    layers : (2,) int
        Layers of each side that belong to the contact.
    crystals : (2,) ForceConstants
        Left and right; the weaker of both sets the limit.
    relaxed : bool
        The contact was relaxed: it keeps the limit of relaxations.
    """
    atoms = slab.atoms.copy()
    atoms.calc = potential.calculator()
    forces = atoms.get_forces()
    free = slab.within(layers)
    rigid = (slab.side > 0) & ~free
    found = np.linalg.norm(np.vstack([forces[free], forces[rigid].sum(axis=0)]), axis=1)
    limit = FORCE_LIMIT if relaxed else SHIFT * min(map(force_scale, crystals))
    worst = _largest(found, limit)
    inside = np.flatnonzero(free)
    where = _site(slab, int(inside[worst])) if worst < len(inside) else "the right crystal as a whole"
    return check("residual_force", found[worst], limit, where=where)


def _site(slab: Slab, atom: int) -> str:
    """Say which atom this is: element, layer, and place in the plane."""
    side = {-1: "of the left", 0: "between the crystals", 1: "of the right"}[int(slab.side[atom])]
    layer = "" if slab.side[atom] == 0 else f" in layer {slab.layer[atom]}"
    x, y = slab.atoms.positions[atom, :2]
    return f"atom {atom}, {slab.atoms.symbols[atom]}{layer} {side}, at x = {x:.2f}, y = {y:.2f} Å"


def stability(slab: Slab, contact: PairConstants, layers: Pair, cells: int) -> Check:
    """Lowest ω² of a contact between clamped ends, negative, over that of its stiffest site.

    A part of a stable whole is stable. Crystals that are stable each do not promise it, nor does a
    relaxation, which only knows k∥ = 0.

    Parameters
    ----------
    slab : Slab
        The contact between ends of pure crystals.
    contact : PairConstants
        Force constants of the slab.
    layers : (2,) int
        Layers of each side that may move.
    cells : int
        Primitive cells of a crystal in the common cell.
    """
    inner = np.flatnonzero(slab.within(layers))
    k = zone(cells)
    block = contact.block(inner, inner)
    lowest, largest = np.empty(len(k)), 0.0
    for number, point in enumerate(k):
        matrix = block(point[None])[0]
        lowest[number] = eigvalsh(matrix, subset_by_index=[0, 0])[0]
        largest = max(largest, float(np.abs(matrix.diagonal()).max()))
    worst = smallest(lowest, ROUNDING * SOFTEST * largest)
    imaginary = np.sqrt(max(-lowest[worst], 0.0) * EV_PER_A2_AMU) / TWO_PI
    first, second = k[worst] + 0.0
    where = f"{imaginary:.2g}i THz at k∥ = {first:.3g}, {second:.3g}" if imaginary else ""
    return check("region_stability", max(-lowest[worst] / largest, 0.0), SOFTEST, where=where)


def zone(cells: int) -> Floats:
    """k∥ (K, 2) to look at: corners of the zone, and for small cells points all over half of it."""
    corners = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [0.5, 0.5]])
    if cells > _CELLS:
        return corners
    first, second = np.meshgrid([0.125, 0.375], [-0.375, -0.125, 0.125, 0.375], indexing="ij")
    return np.vstack([corners, np.column_stack([first.ravel(), second.ravel()])])
