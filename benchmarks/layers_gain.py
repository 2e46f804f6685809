"""Where a graded layer beats acoustic and diffuse mismatch of the abrupt contact, and by how much.

    python benchmarks/layers_gain.py [impedance] [mass] [argon]

- impedance: Lennard-Jones argon on atoms six times as heavy and six times as strongly bound (one lattice,
  equal bands, impedance ratio 6);
- mass: silicon on silicon four times as heavy (Stillinger-Weber; impedance ratio 2), at low temperature;
- argon: Lennard-Jones argon on argon three times as heavy, the kind of system of most simulations.
"""

import sys
import time

import latmm
from latmm.interface.interface import Interface
from latmm.studies.designs import design
from latmm.studies.layers import layer_study

CUTOFF = 6.0  # Å, first and second neighbours


def impedance(ratio: float = 6.0) -> tuple[Interface, list[float], list[int]]:
    light, heavy = latmm.read_structure("structures/ar.cif"), latmm.read_structure("structures/ar.cif")
    heavy.symbols[:] = "Kr"
    heavy.set_masses(ratio * light.get_masses())
    epsilon, sigma = 0.0103, 3.4
    options = {"epsilon.Ar": epsilon, "sigma.Ar": sigma, "epsilon.Kr": ratio * epsilon, "sigma.Kr": sigma}
    potential = latmm.resolve_potential("lj", ["Ar", "Kr"], {**options, "cutoff": CUTOFF})
    return (
        latmm.build_interface(light, heavy, (0, 0, 1), potential),
        [2.0, 5.0, 10.0, 40.0],
        [2, 4, 8, 16, 32],
    )


def mass(ratio: float = 4.0) -> tuple[Interface, list[float], list[int]]:
    light = latmm.read_structure("structures/si.cif")
    heavy = latmm.read_structure("structures/si.cif", {"Si": 28.085 * ratio})
    potential = latmm.resolve_potential("sw", ["Si"])
    return (
        latmm.build_interface(light, heavy, (0, 0, 1), potential),
        [10.0, 20.0, 50.0, 300.0],
        [2, 8, 16, 32, 64],
    )


def argon(ratio: float = 3.0) -> tuple[Interface, list[float], list[int]]:
    light = latmm.read_structure("structures/ar.cif")
    heavy = latmm.read_structure("structures/ar.cif", {"Ar": 39.948 * ratio})
    potential = latmm.resolve_potential("lj", ["Ar"], {"cutoff": CUTOFF})
    return (
        latmm.build_interface(light, heavy, (0, 0, 1), potential),
        [2.0, 5.0, 10.0, 40.0],
        [2, 4, 8, 16, 32],
    )


def main() -> None:
    systems = {"impedance": impedance, "mass": mass, "argon": argon}
    for name in sys.argv[1:] or systems:
        started = time.perf_counter()
        ideal, temperatures, planes = systems[name]()
        designs = [design(kind, n, ideal) for kind in ("linear", "exponential", "bridge") for n in planes]
        found = layer_study(ideal, designs, temperatures)
        models, table = found["models"].to_dataset(), found["designs"].to_dataset()
        print(f"\n{name}: abrupt contact, MW m-2 K-1")
        print("T (K)".rjust(8) + "".join(str(m).rjust(12) for m in models["model"].values))
        for i, t in enumerate(temperatures):
            print(f"{t:>8g}" + "".join(f"{g / 1e6:>12.4g}" for g in models["conductance"].values[:, i]))
        for quantity, text in (
            ("gain", "gain over the abrupt contact (continuum's)"),
            ("over_mismatch", "over the larger of AMM and DMM of the abrupt contact"),
        ):
            print(text)
            print("profile".rjust(12) + "planes".rjust(8) + "".join(f"{t:>14g} K" for t in temperatures))
            for j, layer in enumerate(designs):
                row = table.isel(design=j)
                cells = [f"{x:.3f}" for x in row[quantity].values]
                if quantity == "gain":
                    cells = [
                        f"{a} ({b:.3f})" for a, b in zip(cells, row["continuum_gain"].values, strict=True)
                    ]
                print(layer.name.rjust(12) + f"{layer.planes:>8}" + "".join(c.rjust(16) for c in cells))
        print(f"{time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
