"""Time mode-resolved transmission: phonons of a bulk mesh of silicon against heavy silicon, and a mode table.

python benchmarks/modes.py [N]          N × N × N mesh, 24 by default
"""

import json
import os
import resource
import sys
import time
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from latmm.interface.build import build_interface
from latmm.landauer import conductance
from latmm.lattice.dynamics import largest_frequency
from latmm.modes.contributions import conductances
from latmm.modes.export import angular_table, balance_error
from latmm.modes.q_mesh import transmissivities
from latmm.modes.sampling import grid_samples
from latmm.modes.table import mode_pieces, read_modes, stored_pieces, write_modes
from latmm.potentials.calculators import resolve_potential
from latmm.structures import read_structure
from latmm.sweep.run import sweep

TEMPERATURES = [50.0, 300.0]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    path = str(files("latmm_structures") / "si.cif")
    crystals = read_structure(path), read_structure(path, {"Si": 72.63})
    interface = build_interface(*crystals, (0, 0, 1), resolve_potential("sw", ["Si"]))
    system = interface

    start = time.perf_counter()
    tree = transmissivities(system, (count, count, count))
    taken = time.perf_counter() - start
    phonons = sum(tree[side].sizes["mesh_point"] * tree[side].sizes["branch"] for side in ("left", "right"))
    print(f"{phonons} phonons of {count}³ meshes on both sides: {taken:.1f} s")

    grid, samples = grid_samples(system, (20, 20), 128, minimum_temperature=50.0)
    common = min(largest_frequency(crystal) for crystal in system.crystals)
    start = time.perf_counter()
    solved = sweep(interface, grid, samples, common=common)
    print(f"spectral run, {solved.samples} points: {time.perf_counter() - start:.1f} s")
    exact = conductance(grid, solved.transmission, TEMPERATURES)
    for side, values in conductances(tree, TEMPERATURES)["agf"].items():
        for t, value, reference in zip(TEMPERATURES, values, exact, strict=True):
            print(
                f"  {side} at {t:g} K: {value / 1e6:.2f} MW m⁻² K⁻¹, {100 * (value / reference - 1):+.2f} %"
            )

    with TemporaryDirectory() as folder:
        for kmesh in ((16, 16), (32, 32)):
            grid, samples = grid_samples(system, kmesh, 96, minimum_temperature=50.0)
            file = Path(folder) / "modes.nc"
            start = time.perf_counter()
            rows = write_modes(mode_pieces(system, grid, samples), file, {})
            taken = time.perf_counter() - start
            balance = balance_error(angular_table(stored_pieces(file)))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
            size = file.stat().st_size
            print(
                f"mode table of {kmesh[0]} × {kmesh[1]} k∥, {rows} rows: {taken:.1f} s, "
                f"{1e6 * taken / rows:.0f} µs and {size / rows:.0f} bytes a row; peak memory so far "
                f"{peak:.0f} MiB; detailed balance {balance:.0e}"
            )
            for name, check in json.loads(read_modes(file).attrs["checks"]).items():
                print(f"  {name}: {check['value']:.1e}")


if __name__ == "__main__":
    main()
