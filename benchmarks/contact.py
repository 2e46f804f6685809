"""How thick must the explicit contact be? G against the number of contact layers, and against the default.

Prints, for silicon | germanium by two potentials, the conductance with 2 (default), 3, 4 and 6 layers of each
crystal and its change relative to the thickest. Run: python benchmarks/contact.py (about a minute).
"""

import latmm
from latmm.interface.build import match_alike

TEMPERATURES = [10.0, 100.0, 300.0]


def main() -> None:
    left, right = (latmm.read_structure(f"structures/{name}.cif") for name in ("si", "ge"))
    for spec in ("tersoff", "sw"):
        potential = latmm.resolve_potential(spec, ["Si", "Ge"])
        found = {}
        matched = match_alike(left, right, (0, 0, 1), potential)
        planes = ((0, 0, 1), (0, 0, 1))
        for layers in (2, 3, 4, 6):
            interface = latmm.join_crystals(matched, planes, potential, start=(0, 0, 0), layers=layers)
            tree = latmm.compare(interface, TEMPERATURES, models=["agf"], kmesh=(12, 12), frequencies=64)
            found[interface.layers] = tree["comparison"]["conductance"].sel(model="agf").values
        thickest = found[max(found)]
        print(f"{spec}: layers, change of G at {', '.join(f'{t:g} K' for t in TEMPERATURES)}")
        for layers, values in found.items():
            print(
                f"  {layers}  "
                + "  ".join(f"{g / h - 1:+.1e}" for g, h in zip(values, thickest, strict=True))
            )


if __name__ == "__main__":
    main()
