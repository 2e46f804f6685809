"""Are built contacts what they should be? Twelve pairs: like, unlike, other planes, twisted, hexagonal.

Prints for each: common cell, strain, atoms and layers of the contact; the shortest distance of two atoms over
the shortest in both crystals; whether every layer holds its atoms; how far the layers beyond the contact are
from the lattice; the force left by relaxation; and, from a few samples, the largest |S†S − 1| and the
fraction of the channels of the poorer crystal that transmit.

Run: python benchmarks/interfaces.py [FOLDER] [NAME ...] (some minutes; FOLDER gets a picture of each pair).
"""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from matscipy.neighbours import neighbour_list

from latmm.agf import transmission
from latmm.geometry.coincidence import CommonCell
from latmm.geometry.matching import Misfit
from latmm.interface.build import join_crystals, match_crystals
from latmm.interface.interface import Interface
from latmm.interface.slab import sites
from latmm.lattice.dynamics import largest_frequency
from latmm.potentials.calculators import Potential, resolve_potential
from latmm.units import TWO_PI


def wurtzite(first: str, second: str, a: float) -> Atoms:
    """Wurtzite of ideal shape; of one element, hexagonal diamond."""
    return Atoms(
        [first, first, second, second],
        scaled_positions=[
            (1 / 3, 2 / 3, 0),
            (2 / 3, 1 / 3, 0.5),
            (1 / 3, 2 / 3, 0.375),
            (2 / 3, 1 / 3, 0.875),
        ],
        cell=[(a, 0, 0), (-a / 2, a * np.sqrt(0.75), 0), (0, 0, a * np.sqrt(8 / 3))],
        pbc=True,
    )


_STRAIN = 0.05
"""Largest strain of a common cell: silicon carbide strained by 7.7 % to diamond is unstable."""
SILICON, GERMANIUM, DIAMOND = bulk("Si"), bulk("Ge"), bulk("C")
CARBIDE = bulk("SiC", "zincblende", a=4.36)
ARGON, CLOSE_PACKED = bulk("Ar", "fcc", a=5.31), bulk("Ar", "hcp", a=3.755, c=6.13)


@dataclass(frozen=True)
class Pair:
    """Two crystals, their planes, a potential, and which common cell."""

    left: Atoms
    right: Atoms
    planes: tuple[tuple[int, int, int], tuple[int, int, int]]
    potential: str
    cell: dict[str, Any] = field(default_factory=dict)


PAIRS = {
    "Si(001)|Ge(001)": Pair(SILICON, GERMANIUM, ((0, 0, 1), (0, 0, 1)), "tersoff"),
    "Si(111)|Ge(111)": Pair(SILICON, GERMANIUM, ((1, 1, 1), (1, 1, 1)), "tersoff"),
    "Si(110)|Ge(001)": Pair(SILICON, GERMANIUM, ((1, 1, 0), (0, 0, 1)), "tersoff", {"max_area": 70.0}),
    "Si(001)|Si(111)": Pair(SILICON, SILICON, ((0, 0, 1), (1, 1, 1)), "tersoff", {"max_area": 75.0}),
    "C(001)|SiC(001)": Pair(DIAMOND, CARBIDE, ((0, 0, 1), (0, 0, 1)), "tersoff", {"max_area": 90.0}),
    "hex-Si(001)|Ge(111)": Pair(wurtzite("Si", "Si", 3.84), GERMANIUM, ((0, 0, 1), (1, 1, 1)), "tersoff"),
    "2H-SiC(001)|SiC(111)": Pair(wurtzite("Si", "C", 3.08), CARBIDE, ((0, 0, 1), (1, 1, 1)), "tersoff"),
    "hcp-Ar(001)|Ar(001)": Pair(CLOSE_PACKED, ARGON, ((0, 0, 1), (0, 0, 1)), "lj", {"max_area": 80.0}),
    "Ar(001) twist 36.87°": Pair(
        ARGON, ARGON, ((0, 0, 1), (0, 0, 1)), "lj", {"twist": (36.87, 0.1), "max_area": 80.0}
    ),
    "Ar(111) twist 21.79°": Pair(
        ARGON, ARGON, ((1, 1, 1), (1, 1, 1)), "lj", {"twist": (21.79, 0.1), "max_area": 90.0}
    ),
    "Al(001)|Ag(001)": Pair(bulk("Al"), bulk("Ag"), ((0, 0, 1), (0, 0, 1)), "emt"),
    "Cu(001)|Ag(001)": Pair(bulk("Cu"), bulk("Ag"), ((0, 0, 1), (0, 0, 1)), "emt", {"max_area": 40.0}),
}


def potential_of(pair: Pair) -> Potential:
    """Bundled potential; Lennard-Jones to the second shell only."""
    elements = set(pair.left.get_chemical_symbols()) | set(pair.right.get_chemical_symbols())
    return resolve_potential(pair.potential, elements, {"cutoff": 6.0} if pair.potential == "lj" else None)


def shortest(atoms: Atoms) -> float:
    return float(neighbour_list("d", atoms, 4.5).min())


def complete(interface: Interface) -> bool:
    """Whether every layer holds the atoms of its crystal."""
    slab, matched = interface.slab, interface.matched
    for side, crystal, lateral in (
        (-1, matched.left, matched.lateral_left),
        (1, matched.right, matched.lateral_right),
    ):
        expected = sorted(crystal.numbers.tolist() * round(np.linalg.det(lateral)))
        for layer in np.unique(slab.layer[slab.side == side]):
            found = slab.atoms.numbers[(slab.side == side) & (slab.layer == layer)]
            if sorted(found.tolist()) != expected:
                return False
    return True


def off_lattice(interface: Interface) -> float:
    """Largest distance of the layers beyond the contact from a rigidly placed lattice, Å."""
    slab = interface.slab
    off = slab.atoms.positions - sites(slab, interface.matched)
    worst = 0.0
    for side in (-1, 1):
        far = (slab.side == side) & ~slab.within(interface.layers)
        worst = max(worst, float(np.abs(off[far] - off[far].mean(axis=0)).max()))
    return worst


def picture(interface: Interface, path: Path) -> None:
    """Side view of the contact and some crystal around it."""
    import matplotlib.pyplot as plt
    from ase.visualize.plot import plot_atoms

    shown = interface.slab.atoms.copy()
    shown.wrap()
    figure, axes = plt.subplots(1, 2, figsize=(10, 6))
    for axis, rotation in zip(axes, ("-90x", "-90x,90y"), strict=True):
        plot_atoms(shown.repeat((2, 2, 1)), axis, rotation=rotation, show_unit_cell=0, radii=0.5)
        axis.set_axis_off()
    figure.suptitle(path.stem)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(folder: Path | None, names: list[str]) -> None:
    print(
        f"{'pair':<22}{'cells':>8}{'area':>8}{'strain %':>9}{'atoms':>6}{'layers':>9}{'d/d0':>7}{'full':>5}"
        f"{'far, Å':>9}{'force':>9}{'|S†S-1|':>9}{'fraction':>7}{'time, s':>9}"
    )
    for name, pair in PAIRS.items():
        if names and name not in names:
            continue
        start, potential = time.perf_counter(), potential_of(pair)
        matched = match_crystals(
            *(pair.left, pair.right, pair.planes, potential),
            misfit=Misfit(max_strain=_STRAIN),
            cell=CommonCell(**pair.cell),
        )
        interface = join_crystals(matched, pair.planes, potential)
        bonds = min(shortest(crystal) for crystal in (matched.left, matched.right))
        top = min(largest_frequency(crystal) for crystal in (interface.left, interface.right))
        k = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 2))
        found = transmission(interface.junction(k), TWO_PI * top * np.linspace(0.1, 0.9, 5))
        channels = np.minimum(found.channels_left, found.channels_right).sum()
        cells = [round(np.linalg.det(m)) for m in (matched.lateral_left, matched.lateral_right)]
        strain = 100 * max(
            np.abs(np.linalg.eigvalsh(s)).max() for s in (matched.strain_left, matched.strain_right)
        )
        print(
            f"{name:<22}{f'{cells[0]} | {cells[1]}':>8}{interface.area:>8.2f}{strain:>9.2f}"
            f"{int(interface.slab.within(interface.layers).sum()):>6}{interface.layers!s:>9}"
            f"{shortest(interface.slab.atoms) / bonds:>7.3f}{'yes' if complete(interface) else 'NO':>5}"
            f"{off_lattice(interface):>9.0e}{interface.checks['residual_force'].value:>9.0e}"
            f"{found.unitarity.max():>9.0e}{found.transmission.sum() / max(channels, 1):>7.2f}"
            f"{time.perf_counter() - start:>9.1f}",
            flush=True,
        )
        if folder is not None:
            picture(interface, folder / f"{name.replace('|', '-').replace(' ', '-')}.png")


if __name__ == "__main__":
    given = sys.argv[1:]
    target = Path(given.pop(0)) if given and given[0] not in PAIRS else None
    main(target, given)
