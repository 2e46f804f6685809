"""Speed of the continuum models: ``python benchmarks/continuum.py`` (one BLAS thread: OMP_NUM_THREADS=1).

The limits are goals of the project for one core.
"""

import time
from collections.abc import Callable

import numpy as np

from latmm.continuum.amm import acoustic_mismatch, transmissivity
from latmm.continuum.dispersion import channels
from latmm.continuum.isotropic import isotropic_scattering
from latmm.continuum.layers import Layer, Stack, stack_transmissivity
from latmm.continuum.library import medium
from latmm.continuum.media import rotation_to_normal
from latmm.landauer import FrequencyGrid


def main() -> None:
    side = np.linspace(-0.3, 0.3, 400)
    plane = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1)
    copper, silicon = medium("cu").rotated(rotation_to_normal([1, 2, 3])), medium("si")
    soft, hard = medium("al").isotropic_average(), medium("si").isotropic_average()
    pair = (Layer(soft, 1.0), Layer(hard, 1.5))
    s = np.random.default_rng(0).uniform(-0.2, 0.2, (200, 2))
    nu = np.linspace(0.1, 5.0, 200)
    x, w = np.polynomial.legendre.leggauss(200)
    grid = FrequencyGrid(9.0 * (x + 1.0), 9.0 * w)
    cases: list[tuple[str, float, Callable[[], object]]] = [
        (
            "isotropic transmissivity, 400 × 400 slownesses",
            0.5,
            lambda: isotropic_scattering(soft, hard, np.linalg.norm(plane, axis=-1)),
        ),
        (
            "anisotropic transmissivity, 400 × 400 slownesses",
            5.0,
            lambda: transmissivity(copper, silicon, plane),
        ),
        (
            "stack of 50 layers, 200 slownesses × 200 frequencies",
            10.0,
            lambda: stack_transmissivity(Stack(soft, hard, pair * 25), s, nu),
        ),
        (
            "anisotropic acoustic mismatch, 200 frequencies",
            2.0,
            lambda: acoustic_mismatch(copper, silicon, grid),
        ),
    ]
    for name, limit, case in cases:
        start = time.perf_counter()
        case()
        print(f"{name:<56} {time.perf_counter() - start:6.2f} s  (goal {limit:g} s)")
    force_constants = _silicon()
    start = time.perf_counter()
    channels(force_constants, grid)
    print(
        f"{'channels of Stillinger-Weber silicon, 200 frequencies':<56} {time.perf_counter() - start:6.2f} s"
    )


def _silicon():  # type: ignore[no-untyped-def]
    from ase.build import bulk

    from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
    from latmm.potentials.calculators import resolve_potential

    atoms = bulk("Si", a=5.431)
    potential = resolve_potential("sw", ["Si"])
    phonon = finite_displacements(atoms, potential, supercell=choose_supercell(atoms, potential.reach))
    return force_constant_table(phonon, atoms)


if __name__ == "__main__":
    main()
