"""Silicon | germanium mixed over 2 and 4 atomic planes: mean and standard error beside the abrupt contact.

    python benchmarks/disorder.py [--seeds 20] [--processes 2] [--force-constants potential|mean]

Tersoff's potential, germanium strained to silicon on (001), 4 x 4 lateral cells, every contact relaxed, force
constants of every contact by finite displacements.
"""

import argparse
import time
from importlib.resources import files

from latmm.disorder.kinds import Mixing
from latmm.disorder.profiles import Profile
from latmm.interface.build import build_interface
from latmm.interface.tiling import tile
from latmm.parallel.execution import Execution
from latmm.parallel.executors import local_processes
from latmm.potentials.calculators import resolve_potential
from latmm.structures import read_structure
from latmm.studies.ensembles import Draws, ensemble

TEMPERATURES = [50.0, 100.0, 300.0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--force-constants", choices=["potential", "mean"], default="potential")
    parser.add_argument("--widths", type=int, nargs="+", default=[2, 4])
    options = parser.parse_args()
    potential = resolve_potential("tersoff", ["Si", "Ge"])
    silicon, germanium = (read_structure(str(files("latmm_structures") / f"{x}.cif")) for x in ("si", "ge"))
    ideal = tile(build_interface(silicon, germanium, (0, 0, 1), potential), (4, 4))
    print(f"{options.seeds} seeds, {options.processes} processes, force constants: {options.force_constants}")
    print(f"{'planes':>6}{'T (K)':>7}{'abrupt':>10}{'mixed':>10}{'±':>7}{'ratio':>9}{'±':>8}{'specular':>10}")
    with local_processes(options.processes) as executor:
        for width in options.widths:
            started, cpu = time.perf_counter(), time.process_time()
            found = ensemble(
                ideal,
                Draws(Mixing(Profile.uniform(width)), options.seeds),
                TEMPERATURES,
                potential=potential if options.force_constants == "potential" else None,
                how=Execution(executor),
            )["comparison"]
            took, cpu = time.perf_counter() - started, time.process_time() - cpu
            for i, t in enumerate(TEMPERATURES):
                abrupt, mixed, error = (
                    float(found[name][i]) / 1e6
                    for name in ("conductance_abrupt", "conductance", "conductance_error")
                )
                print(
                    f"{width:>6}{t:>7g}{abrupt:>10.2f}{mixed:>10.2f}{error:>7.2f}"
                    f"{float(found['ratio'][i]):>9.4f}{float(found['ratio_error'][i]):>8.4f}"
                    f"{float(found['specular_fraction'][i]):>10.3f}"
                )
            print(f"  {took:.0f} s wall, {cpu:.0f} s of this process", flush=True)


if __name__ == "__main__":
    main()
