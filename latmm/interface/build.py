"""From two crystals and a potential to an interface ready for the Green's function.

Relax both crystals, orient and match them, relax the strained side out of the plane, compute the force
constants of both (phonopy), relax the contact and compute its force constants, and make the explicit region
thicker until the force constants at its ends are those of the pure crystals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from ase import Atoms

from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import ConvergenceError, InputError
from latmm.interface.contact import Slab, build_slab, relax_contact
from latmm.interface.force_constants import contact_blocks, end_deviation, join, lateral_supercell
from latmm.interface.matching import MAX_STRAIN, Matched, match, principal_strain
from latmm.interface.orientation import orient
from latmm.interface.symmetry import Operation, layer_operations, reciprocal_rotations
from latmm.lattice.calculators import Potential
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonons import require_stable
from latmm.lattice.phonopy_bridge import (
    DEFAULT_SPAN,
    NOISE,
    choose_supercell,
    dispersion_error,
    finite_displacements,
    force_constant_table,
)
from latmm.lattice.relaxation import relax_crystal, relax_stacking
from latmm.lattice.space_group import primitive_cell
from latmm.units import EV_PER_A2_AMU

__all__ = ["END_LIMIT", "Interface", "LayerBlocks", "build_interface"]

END_LIMIT = 1e-3
"""Largest relative departure from the pure crystal of the force constants at the ends of the contact."""
MAX_LAYERS = 24
"""Contact layers on each side beyond which the search for bulk-like ends is given up."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done, and the steps in all."""


@dataclass(frozen=True)
class LayerBlocks:
    """Mass-weighted blocks of the layered junction at K in-plane wave vectors, (rad/ps)².

    Attributes
    ----------
    left, right : tuple of (K, n, n) complex
        Onsite block and hopping (layer j to j + 1, along +z) of the principal layers of the leads.
    onsite : tuple of (K, m, m) complex
        Device layers, from left to right.
    hopping : tuple of complex
        Left lead to first device layer, … , last device layer to right lead.
    """

    left: tuple[Complexes, Complexes]
    right: tuple[Complexes, Complexes]
    onsite: tuple[Complexes, ...]
    hopping: tuple[Complexes, ...]


@dataclass(frozen=True)
class Interface:
    """Two crystals, their contact, and all force constants.

    Attributes
    ----------
    left, right : ForceConstants
        Of the oriented, strained crystals: a₁, a₂ in the plane and shared, +z from left to right.
    matched : Matched
        The geometry of the two crystals and their strain.
    slab : Slab
        The contact's atoms, relaxed.
    contact : ForceConstants
        Of the slab.
    operations : list of Operation
        Layer group shared by both crystals and the contact.
    principal : int
        Primitive layers in a principal layer.
    layers : int
        Contact layers on each side whose force constants come from the slab.
    potential : str
        Name and source of the potential behind all force constants.
    normal : (3,) int
        Miller indices of the plane.
    checks : mapping
        Name → (value, limit), each value to be at most its limit.
    """

    left: ForceConstants
    right: ForceConstants
    matched: Matched
    slab: Slab
    contact: ForceConstants
    operations: list[Operation]
    principal: int
    layers: int
    potential: str
    normal: tuple[int, int, int]
    checks: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def area(self) -> float:
        """Area of the in-plane cell, Å²."""
        return self.matched.area

    @property
    def rotations(self) -> list[Integers]:
        """Integer matrices (2, 2) that take k∥ to k∥ with the same transmission."""
        return reciprocal_rotations(self.operations)

    def blocks(self, wave_vectors: Floats) -> LayerBlocks:
        """Blocks at in-plane wave vectors (K, 2), fractional, in the position gauge."""
        p, m = self.principal, len(self.left.atoms)
        region = self.contact.dynamical_matrix(self.contact.in_plane(wave_vectors)) * EV_PER_A2_AMU
        # each principal layer is a contiguous run of the slab's atoms, which are sorted by layer
        first = int(self.slab.layer.min())
        edges = [3 * m * (layer - first) for layer in range(-self.layers - 2 * p, self.layers + 2 * p + 1, p)]
        runs = [slice(a, b) for a, b in pairwise(edges)]
        device = runs[1:-1]
        return LayerBlocks(
            left=_principal_blocks(self.left, wave_vectors, p),
            right=_principal_blocks(self.right, wave_vectors, p),
            onsite=tuple(np.ascontiguousarray(region[:, a, a]) for a in device),
            hopping=tuple(np.ascontiguousarray(region[:, a, b]) for a, b in pairwise(runs)),
        )


def _principal_blocks(
    crystal: ForceConstants, wave_vectors: Floats, principal: int
) -> tuple[Complexes, Complexes]:
    """Onsite block and hopping of principal layers of ``principal`` primitive layers, (rad/ps)²."""
    single = crystal.layer_blocks(wave_vectors) * EV_PER_A2_AMU
    reach, n = (len(single) - 1) // 2, single.shape[-1]
    size = principal * n
    onsite, hopping = (np.zeros((len(wave_vectors), size, size), dtype=complex) for _ in range(2))
    for i in range(principal):
        for j in range(principal):
            target = np.s_[:, i * n : (i + 1) * n, j * n : (j + 1) * n]
            if abs(j - i) <= reach:
                onsite[target] = single[reach + j - i]
            if abs(principal + j - i) <= reach:
                hopping[target] = single[reach + principal + j - i]
    return onsite, hopping


def build_interface(
    left: Atoms,
    right: Atoms,
    normal: tuple[int, int, int],
    potential: Potential,
    *,
    relax: bool = True,
    strain: str = "right",
    max_strain: float = MAX_STRAIN,
    supercell: tuple[int, int, int] | None = None,
    layers: int = 2,
    progress: Progress | None = None,
) -> Interface:
    """Build the interface of two crystals of one structure on one plane.

    Parameters
    ----------
    left, right : ase.Atoms
        The crystals; masses are kept.
    normal : (3,) int
        Miller indices of the plane, with respect to the conventional cell of each.
    potential : Potential
        For both crystals and the contact.
    relax : bool
        Relax the crystals, the spacing of the strained side, and the contact.
    strain : {"right", "left", "both"}
        The side that takes the in-plane strain.
    max_strain : float
        Largest principal strain accepted.
    supercell : (3,) int, optional
        Repetitions of the conventional cell for the displacements; from the potential's reach by default.
    layers : int
        Least number of primitive layers of each crystal whose force constants are those of the contact;
        more are taken until they end like the pure crystals'.
    progress : callable, optional
        Called with (stage, done, in all).

    Returns
    -------
    Interface

    Raises
    ------
    InputError, MismatchError
        If the plane or the crystals do not fit.
    InstabilityError
        If a crystal has imaginary modes.
    ConvergenceError
        If a relaxation or the thickness of the contact does not converge.
    """
    if int(layers) != layers or layers < 1:
        raise InputError(f"`layers` must be a positive integer, but is {layers}; use e.g. 2")
    report = progress if progress is not None else (lambda stage, done, total: None)
    sides = ("left", "right")
    crystals = []
    for step, (side, atoms) in enumerate(zip(sides, (left, right), strict=True)):
        report("relaxation", step, 3)
        reduced = primitive_cell(atoms)
        if relax:
            reduced = relax_crystal(reduced, potential.calculator, name=_name(side, reduced))
        crystals.append(orient(reduced, normal))
    matched = match(crystals[0], crystals[1], strain=strain, max_strain=max_strain)
    report("relaxation", 2, 3)
    if relax:
        matched = _relax_strained(matched, potential)
    report("relaxation", 3, 3)
    tables, checks = [], {}
    for side in sides:
        table, found = _bulk(side, matched, potential, supercell, report)
        tables.append(table)
        checks.update(found)
    return _contact(
        matched,
        tables[0],
        tables[1],
        potential,
        normal,
        relax=relax,
        layers=layers,
        checks=checks,
        report=report,
    )


def _name(side: str, atoms: Atoms) -> str:
    return f"the {side} crystal ({atoms.get_chemical_formula()})"


def _relax_strained(matched: Matched, potential: Potential) -> Matched:
    """Relax the third lattice vector and the atoms of the sides that are strained."""
    relaxed = {}
    for side in ("left", "right"):
        atoms: Atoms = getattr(matched, side)
        strained = np.max(np.abs(getattr(matched, f"strain_{side}"))) > 1e-9
        relaxed[side] = (
            relax_stacking(atoms, potential.calculator, name=_name(side, atoms)) if strained else atoms
        )
    return Matched(relaxed["left"], relaxed["right"], matched.strain_left, matched.strain_right)


def _bulk(
    side: str,
    matched: Matched,
    potential: Potential,
    supercell: tuple[int, int, int] | None,
    report: Progress,
) -> tuple[ForceConstants, dict[str, tuple[float, float]]]:
    """Force constants of one crystal, checked against phonopy and for stability."""
    atoms: Atoms = getattr(matched, side)
    strain = float(np.max(np.abs(principal_strain(getattr(matched, f"strain_{side}")))))
    name = _name(side, atoms) + (f", strained by {100 * strain:.1f} % in the plane," if strain > 1e-6 else "")
    matrix = choose_supercell(atoms, potential.reach, supercell)
    phonon = finite_displacements(
        atoms,
        potential,
        supercell=matrix,
        progress=lambda done, total: report(f"forces of the {side} crystal", done, total),
    )
    table = force_constant_table(phonon, atoms)
    require_stable(table, name)
    return table, {
        f"dispersion_{side}": (dispersion_error(phonon, table), 1e-10),
        f"sum_rule_{side}": (table.sum_rule_error, 1e-12),
    }


def _contact(
    matched: Matched,
    left: ForceConstants,
    right: ForceConstants,
    potential: Potential,
    normal: tuple[int, int, int],
    *,
    relax: bool,
    layers: int,
    checks: dict[str, tuple[float, float]],
    report: Progress,
) -> Interface:
    """Relax the contact and compute its force constants, thicker until its ends are bulk-like."""
    principal = max(int(np.abs(c.cells[:, 2]).max(initial=1)) for c in (left, right))
    reach = potential.reach or DEFAULT_SPAN / 2.0
    height = min(float(c.atoms.cell.array[2, 2]) for c in (left, right))
    buffer = max(int(np.ceil(reach / height)), 2 * principal)
    layers = principal * int(np.ceil(layers / principal))
    while True:
        slab = build_slab(matched, layers + buffer)
        if relax:
            slab = relax_contact(slab, potential.calculator, layers=layers)
        zone = slab.within(layers)
        blocks = contact_blocks(
            slab,
            zone,
            potential,
            repeat=lateral_supercell(slab.atoms, 2.0 * reach),
            progress=lambda done, total: report("forces of the contact", done, total),
        )
        span = _layer_span(blocks, slab, NOISE * max(left.scale, right.scale))
        if span > principal:
            principal = span
            buffer = max(buffer, 2 * principal)
            layers = principal * int(np.ceil(layers / principal))
            continue
        deviation = end_deviation(slab, blocks, zone, left, right)
        if deviation <= END_LIMIT:
            break
        layers += principal
        if layers > MAX_LAYERS:
            raise ConvergenceError(
                f"the contact's force constants still differ by {deviation:.1e} from the pure crystals' "
                f"{MAX_LAYERS} layers away from it (limit {END_LIMIT:g}); use another potential, a smaller "
                "strain, or --no-relax"
            )
    operations = layer_operations(slab.atoms)
    contact = join(slab, blocks, zone, left, right, operations)
    inner = slab.within(layers + principal)
    rows = contact.values.sum(axis=(0, 2))[inner]
    checks = {
        **checks,
        "contact_ends": (deviation, END_LIMIT),
        "sum_rule_contact": (float(np.max(np.abs(rows))) / contact.scale, 1e-12),
    }
    return Interface(
        left,
        right,
        matched,
        slab,
        contact,
        operations,
        principal,
        layers,
        potential=f"{potential.name}: {potential.description}",
        normal=normal,
        checks=checks,
    )


def _layer_span(blocks: Mapping[tuple[int, int], Floats], slab: Slab, threshold: float) -> int:
    """Largest difference of layers between two atoms with a force constant above the threshold."""
    apart = np.abs(slab.layer[:, None] - slab.layer[None, :])
    significant = np.zeros(apart.shape, dtype=bool)
    for block in blocks.values():
        significant |= np.max(np.abs(block), axis=(2, 3)) > threshold
    return int(apart[significant].max(initial=1))
