"""Silicon | germanium (001) in the four conventions of the literature: how much of G is the convention?

- mass: silicon's force constants on both sides, the mass of germanium on the right;
- unrelaxed: both crystals on the relaxed lattice of silicon, germanium's own potential, nothing relaxed;
- strained: germanium strained in the plane only, its spacing along the normal as in its own crystal; no
  relaxation of spacing or contact;
- relaxed: spacing and contact relaxed (what `latmm compare` does).

Prints G of the lattice model with the error of its sampling, the change against a run with eight times the
samples. Run: python benchmarks/conventions.py (about two minutes).
"""

import numpy as np
from ase import Atoms

import latmm
from latmm.interface.build import Interface
from latmm.potentials.calculators import Potential
from latmm.potentials.relaxation import relax_crystal

TEMPERATURES = [100.0, 300.0, 500.0]
GERMANIUM = 72.63  # amu, standard atomic weight
MESHES = (((20, 20), 128), ((40, 40), 256))


def conventions(potential: Potential) -> dict[str, Interface]:
    """Build the four interfaces."""
    silicon, germanium = (latmm.read_structure(f"structures/{name}.cif") for name in ("si", "ge"))
    relaxed = [relax_crystal(c, potential.calculator, name="crystal") for c in (silicon, germanium)]
    heavy = relaxed[0].copy()
    heavy.set_masses(np.full(len(heavy), GERMANIUM))
    on_silicon: Atoms = relaxed[0].copy()
    on_silicon.symbols[:] = "Ge"
    pairs = {
        "mass": (relaxed[0], heavy, False),
        "unrelaxed": (relaxed[0], on_silicon, False),
        "strained": (relaxed[0], relaxed[1], False),
        "relaxed": (silicon, germanium, True),
    }
    return {
        name: latmm.build_interface(left, right, (0, 0, 1), potential, relax=relax)
        for name, (left, right, relax) in pairs.items()
    }


def main() -> None:
    potential = latmm.resolve_potential("tersoff", ["Si", "Ge"])
    print("G, MW m-2 K-1".ljust(14) + "".join(f"{t:>9g} K ± sampling" for t in TEMPERATURES))
    for name, interface in conventions(potential).items():
        coarse, fine = (
            latmm.compare(interface, TEMPERATURES, models=["agf"], kmesh=mesh, frequencies=count)[
                "comparison"
            ]["conductance"].values[0]
            / 1e6
            for mesh, count in MESHES
        )
        error = np.abs(coarse - fine)
        print(
            name.ljust(14) + "".join(f"{g:>11.2f} ± {e:.2f}     " for g, e in zip(fine, error, strict=True))
        )


if __name__ == "__main__":
    main()
