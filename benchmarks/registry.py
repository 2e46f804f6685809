"""Registry and termination: how much of G is the way in which two polar crystals are put together?

Cubic silicon carbide has two faces along [111] and two cuts along each, between its double layers (one bond
per cell) or inside them (three). Every way of joining it to itself is relaxed and solved: like or unlike
atoms at the contact, parallel or turned by 180° (the 60° of a three-fold axis), the first atom of the right
crystal above the last one of the left or above either hollow. What must come out:

- the contact that continues the crystal transmits every channel, from whichever cut it is built;
- the twin has one G from both cuts, below the crystal's;
- contacts of like atoms, and registries off the minimum, conduct less; equal registries equally;
- where the rigid crystals are too far apart for a bond, there is no contact at all.

Registries off the lowest energy of their row group are saddle points or other minima, kept by symmetry: they
show what the registry does, not what a sample would hold.

Then silicon (001) | silicon carbide (001), which share a cell of 5 | 8 primitive ones at 0.6 % strain:
silicon or carbon first, at both twists, relaxed from the best rigid registry and from one half a period of
the registry away along both directions. The error is the change from a 2 × 2 mesh and 24 frequencies to
4 × 4 and 48. Run: python benchmarks/registry.py (about five minutes on an idle core).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from ase import Atoms

import latmm
from latmm.errors import InputError
from latmm.geometry.coincidence import CommonCell, coincidences, matched_of
from latmm.geometry.cuts import cut_at, terminations
from latmm.geometry.matching import Matched, Misfit
from latmm.geometry.orientation import orient
from latmm.interface.assembly import assemble_interface, buffer_layers
from latmm.interface.build import join_crystals, match_crystals
from latmm.interface.interface import Interface
from latmm.interface.matched_pair import MatchedPair
from latmm.interface.registry import scan_registry, shifted
from latmm.interface.slab import build_slab, relax_contact
from latmm.lattice.bulk import displaced_crystal
from latmm.lattice.space_group import primitive_cell
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import relax_crystal

TEMPERATURES = [100.0, 300.0]
LAYERS = (4, 4)
EV_PER_A2 = 16.02176634  # J m-2
SITES = {"on top": (0.0, 0.0), "hollow 1": (1 / 3, 2 / 3), "hollow 2": (2 / 3, 1 / 3)}


@dataclass(frozen=True)
class Row:
    """One contact: shortest distance across (Å), energy (J m⁻²), conductance (MW m⁻² K⁻¹) at each T, and the
    largest fraction of channels that is not transmitted."""

    distance: float
    energy: float
    conductance: np.ndarray
    loss: float


def faces(crystal: Atoms, normal: tuple[int, int, int]) -> dict[tuple[str, str], Atoms]:
    """Oriented cells by the (atom below, atom above) of their cut."""
    oriented = orient(crystal, normal)
    return {(cut.below, cut.above): cut_at(oriented, cut.height) for cut in terminations(oriented)}


def contact(matched: Matched, potential: Potential, site: tuple[float, float]) -> Interface:
    """Relax the contact from one registry of its nearest planes."""
    tables = (displaced_crystal(crystal, potential)[0] for crystal in (matched.left, matched.right))
    pair = MatchedPair(matched, *tables)
    buffer = buffer_layers(matched, potential, pair.principal)
    slab = build_slab(matched, (LAYERS[0] + buffer[0], LAYERS[1] + buffer[1]))
    left, right = (slab.atoms.positions[slab.side == side] for side in (-1, 1))
    apart = left[np.argmax(left[:, 2]), :2] - right[np.argmin(right[:, 2]), :2]
    shift = np.append(apart + np.array(site) @ matched.cell, 0.0)
    slab = relax_contact(shifted(slab, shift), potential, LAYERS)
    return assemble_interface(pair, slab, potential)


def solved(interface: Interface, potential: Potential, kmesh: tuple[int, int], frequencies: int) -> Row:
    atoms = interface.slab.atoms.copy()
    atoms.calc = potential.calculator()
    right = interface.slab.side > 0
    distances = atoms.get_all_distances(mic=True)[np.ix_(~right, right)]
    tree = latmm.compare(interface, TEMPERATURES, models=["agf"], kmesh=kmesh, frequencies=frequencies)
    spectrum = tree["agf"]
    loss = (
        np.abs(spectrum["transmission"] - spectrum["channels_left"]).max() / spectrum["channels_left"].max()
    )
    return Row(
        float(distances.min()),
        atoms.get_potential_energy() / interface.area * EV_PER_A2,
        tree["comparison"]["conductance"].values[0] / 1e6,
        float(loss),
    )


def carbide_on_carbide(crystal: Atoms, potential: Potential) -> None:
    """List all contacts of the {111} faces and check what must be equal."""
    up, down = (faces(crystal, normal) for normal in ((1, 1, 1), (-1, -1, -1)))
    pairs = {
        "Si-C, 1 bond": (up["Si", "C"], up["Si", "C"]),
        "C-Si, 3 bonds": (up["C", "Si"], up["C", "Si"]),
        "Si-Si, 1 bond": (up["Si", "C"], down["C", "Si"]),
        "C-C, 1 bond": (down["C", "Si"], up["Si", "C"]),
        "Si-Si, 3 bonds": (down["Si", "C"], up["C", "Si"]),
        "C-C, 3 bonds": (up["C", "Si"], down["Si", "C"]),
    }
    rows: dict[tuple[str, int, str], Row] = {}
    print("SiC (111) | SiC (111)  twist  registry  distance (Å)  energy (J/m²)  G, MW m-2 K-1 at 100, 300 K")
    for name, (left, right) in pairs.items():
        found = {}
        for cell in coincidences(left, right, max_area=10.0, max_strain=1e-6):
            for site, place in SITES.items():
                try:
                    interface = contact(matched_of(cell, left, right), potential, place)
                    found[round(cell.twist), site] = solved(interface, potential, (12, 12), 64)
                except InputError as error:  # the crystals do not reach each other
                    print(f"{name:<22} {cell.twist:>5.0f}°  {site:<9} {str(error).split(':')[0]}")
        lowest = min(row.energy for row in found.values())
        for (twist, site), row in found.items():
            print(
                f"{name:<22} {twist:>5}°  {site:<9} {row.distance:>12.3f} {row.energy - lowest:>14.3f}    "
                + "".join(f"{g:>10.2f}" for g in row.conductance)
            )
            rows[name, twist, site] = row
    continued = [row for row in rows.values() if row.loss < 1e-6]
    print(
        f"continued crystal: {len(continued)} of the list, fraction of channels lost {continued[0].loss:.1e}"
    )
    for title, group in (
        ("continued crystal, two cuts", [("Si-C, 1 bond", 0, "on top"), ("C-Si, 3 bonds", 0, "hollow 1")]),
        ("twin, two cuts", [("Si-C, 1 bond", 60, "on top"), ("C-Si, 3 bonds", 60, "hollow 2")]),
        ("Si-Si, both hollows", [("Si-Si, 1 bond", 0, "hollow 1"), ("Si-Si, 1 bond", 0, "hollow 2")]),
    ):
        first, second = (rows[key].conductance for key in group)
        print(f"{title}: G differs by {np.abs(first / second - 1).max():.1e}")


def silicon_on_carbide(silicon: Atoms, carbide: Atoms, potential: Potential) -> None:
    """Both terminations of the carbide, both twists, two registries to start from."""
    normals = ((0, 0, 1), (0, 0, 1))
    print("\nSi (001) | SiC (001)   twist  start   distance (Å)   layers   G, MW m-2 K-1 at 100, 300 K")
    for cut, choose in product((1, 2), (1, 2)):
        matched = match_crystals(
            silicon,
            carbide,
            normals,
            potential,
            misfit=Misfit(max_strain=0.01),
            cell=CommonCell(80.0, choose=choose, cuts=(1, cut)),
        )
        first = matched.right.symbols[int(np.argmin(matched.right.positions[:, 2]))]
        turn = matched.right.cell.array[0, :2]
        registry = scan_registry(matched, potential)
        for name, step in (("best", 0.0), ("half", 0.5)):
            shift = registry.best + np.append(np.array([step, step]) @ registry.lattice, 0.0)
            interface = join_crystals(matched, normals, potential, start=shift)
            coarse, fine = (solved(interface, potential, *mesh) for mesh in (((2, 2), 24), ((4, 4), 48)))
            print(
                f"{first + ' first':<20} {np.degrees(np.arctan2(turn[1], turn[0])):>7.2f}°  {name:<7}"
                f" {fine.distance:>11.3f}   {interface.layers!s:<9}"
                + "".join(
                    f"{g:>9.1f} ± {abs(g - h):<4.1f}"
                    for g, h in zip(fine.conductance, coarse.conductance, strict=True)
                )
            )


def main() -> None:
    potential = latmm.resolve_potential("tersoff", ["Si", "C"])
    carbide, silicon = (latmm.read_structure(f"structures/{name}.cif") for name in ("sic", "si"))
    relaxed = relax_crystal(primitive_cell(carbide), potential.calculator, name="silicon carbide")
    carbide_on_carbide(relaxed, potential)
    silicon_on_carbide(silicon, carbide, potential)


if __name__ == "__main__":
    main()
