"""Does it pay to split ν at the band edges of both crystals, k∥ by k∥, for the sum over k∥?

At each k∥ of a midpoint mesh the extrema of all bands over q_z are found, and the common band is cut there;
each segment gets m sine-mapped Gauss nodes, ν = centre + half · sin(πx/2), their weights normalised to its
length. G is compared with the converged one, and with the present samples (Sampling.of).

Samples outside the band of either crystal are not counted: they are not solved.

Run: python benchmarks/splitting.py [SYSTEM ...] (about two minutes of a core).
"""

import sys

import numpy as np
from scale import SYSTEMS, system

from latmm.agf import transmission
from latmm.interface.interface import Interface
from latmm.landauer import heat_capacity_weight
from latmm.lattice.force_constants import ForceConstants
from latmm.sampling.edges import inside_bands
from latmm.sampling.meshes import reduced_mesh
from latmm.sweep.refinement import Sampling, solve_level
from latmm.units import EV_PER_A2_AMU, TWO_PI

TEMPERATURES = np.array([50.0, 100.0, 300.0, 500.0])
NORMAL = np.linspace(-0.5, 0.5, 129)[:-1]


def edges(crystal: ForceConstants, wave_vector: np.ndarray) -> np.ndarray:
    """Extrema of all bands over q_z at one k∥, THz, refined by a parabola through three points."""
    q = np.repeat(crystal.in_plane(wave_vector[None]), NORMAL.size, axis=0)
    q[:, 2] += NORMAL
    squares = np.linalg.eigvalsh(crystal.dynamical_matrix(q))
    bands = np.sqrt(np.maximum(squares, 0.0) * EV_PER_A2_AMU) / TWO_PI
    before, after = np.roll(bands, 1, axis=0), np.roll(bands, -1, axis=0)
    bend = before - 2.0 * bands + after
    turning = ((bands - before) * (bands - after) >= 0.0) & (bend != 0.0)
    return (bands - (after - before) ** 2 / (8.0 * np.where(turning, bend, 1.0)))[turning]


def nodes_between(cuts: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sine-mapped Gauss nodes in every segment, and their weights."""
    x, w = np.polynomial.legendre.leggauss(count)
    fraction = np.cos(0.5 * np.pi * x) * w
    half = 0.5 * np.diff(cuts)[:, None]
    nodes = cuts[:-1, None] + half * (1.0 + np.sin(0.5 * np.pi * x))
    return nodes.ravel(), (2.0 * half * fraction / fraction.sum()).ravel()


def split(interface: Interface, mesh: int, count: int) -> tuple[int, np.ndarray]:
    """Number of solved samples and G, W m⁻² K⁻¹."""
    points, weights = reduced_mesh((mesh, mesh), 1.0, interface.rotations)
    g, samples = np.zeros(TEMPERATURES.size), 0
    for k, fraction in zip(points, weights, strict=True):
        sides = [edges(crystal, k) for crystal in (interface.left, interface.right)]
        low, high = max(found.min() for found in sides), min(found.max() for found in sides)
        cuts = np.unique(np.concatenate(sides))
        cuts = cuts[(cuts >= low - 1e-9) & (cuts <= high + 1e-9)]
        if cuts.size < 2:
            continue
        cuts = cuts[np.append(np.diff(cuts) > 1e-3 * high, True)]
        nu, w = nodes_between(cuts, count)
        found = transmission(interface.junction(k[None]), TWO_PI * nu).transmission[0]
        heat = heat_capacity_weight(nu, TEMPERATURES[:, None]) * w * 1e30
        g += fraction * 100.0 / interface.area * (heat @ found)
        samples += nu.size
    return samples, g


def report(label: str, samples: int, ratio: np.ndarray) -> None:
    print(f"{label}: {samples} samples: {np.round(100.0 * (ratio - 1.0), 2)}", flush=True)


def main() -> None:
    print("relative error of G, %, at " + ", ".join(f"{t:g}" for t in TEMPERATURES) + " K")
    for name in sys.argv[1:] or SYSTEMS:
        interface = system(name)
        finest = solve_level(
            interface, Sampling.of(interface, (44, 44), 400, minimum_temperature=50.0), TEMPERATURES
        )
        for mesh in (6, 8, 12, 20):
            for count in (2, 4):
                samples, g = split(interface, mesh, count)
                report(f"{name}, split {mesh}×{mesh}, {count} a segment", samples, g / finest.conductance)
        for mesh, count in ((6, 48), (8, 48), (8, 64), (12, 64), (12, 96), (16, 128), (20, 128)):
            sampling = Sampling.of(interface, (mesh, mesh), count, minimum_temperature=50.0)
            level = solve_level(interface, sampling, TEMPERATURES)
            samples = sum(
                int(inside_bands(interface, task.wave_vectors, task.frequency).all(axis=0).sum())
                for task in sampling.tasks
            )
            report(f"{name}, now {mesh}×{mesh}×{count}", samples, level.conductance / finest.conductance)


if __name__ == "__main__":
    main()
