"""Is the default sampling good to 1 %? G with the defaults against a run with 15 times the samples.

Three interfaces: silicon | germanium (Tersoff), silicon | heavy silicon (Stillinger-Weber), argon | heavy
argon (Lennard-Jones). Run: python benchmarks/sampling.py (about three minutes).
"""

import latmm
from latmm.defaults import COMPARE

TEMPERATURES = [1.0, 10.0, 20.0, 50.0, 100.0, 300.0, 500.0]
SYSTEMS = {
    "Si | Ge (tersoff)": ("tersoff", "si", "ge", {}),
    "Si | heavy Si (sw)": ("sw", "si", "si", {"Si": 72.63}),
    "Ar | heavy Ar (lj)": ("lj", "ar", "ar", {"Ar": 160.0}),
}


def main() -> None:
    print("error of G, %".ljust(22) + "".join(f"{t:>9g} K" for t in TEMPERATURES))
    for name, (spec, left, right, masses) in SYSTEMS.items():
        crystals = [
            latmm.read_structure(f"structures/{left}.cif"),
            latmm.read_structure(f"structures/{right}.cif", masses),
        ]
        elements = {symbol for atoms in crystals for symbol in atoms.get_chemical_symbols()}
        interface = latmm.build_interface(*crystals, (0, 0, 1), latmm.resolve_potential(spec, elements))
        default, fine = (
            latmm.compare(interface, TEMPERATURES, models=["agf"], kmesh=mesh, frequencies=count)[
                "comparison"
            ]["conductance"].values[0]
            for mesh, count in (COMPARE, ((40, 40), 300))
        )
        print(
            name.ljust(22)
            + "".join(f"{100 * (g / h - 1):>11.2f}" for g, h in zip(default, fine, strict=True))
        )


if __name__ == "__main__":
    main()
