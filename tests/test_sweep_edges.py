"""What is not solved: samples outside the bands of the crystals at their k∥."""

import numpy as np
import pytest

from latmm.lattice.force_constants import ForceConstants
from latmm.sweep import tasks
from latmm.sweep.edges import band_edges, inside_bands
from latmm.sweep.refinement import Sampling
from latmm.sweep.tasks import solve
from latmm.units import EV_PER_A2_AMU, TWO_PI


def frequencies(crystal: ForceConstants, q) -> np.ndarray:
    return np.sqrt(np.abs(np.linalg.eigvalsh(crystal.dynamical_matrix(q))) * EV_PER_A2_AMU) / TWO_PI


@pytest.mark.parametrize("name", ["heavy_silicon", "perfect_silicon_111", "perfect_argon"])
def test_edges_hold_every_phonon_of_a_fine_scan_along_the_normal(name, request):
    crystal = request.getfixturevalue(name).left
    rng = np.random.default_rng(2)
    for size in (1.0, 0.1, 1e-3):
        k = size * rng.uniform(-0.5, 0.5, (12, 2))
        lowest, highest = band_edges(crystal, k)
        normal = np.unique(np.concatenate([np.linspace(-0.5, 0.5, 1001), size * np.linspace(-1, 1, 1001)]))
        q = np.repeat(crystal.in_plane(k)[:, None], normal.size, axis=1)
        q[:, :, 2] += normal
        found = frequencies(crystal, q.reshape(-1, 3)).reshape(12, -1)
        assert np.all(found.min(axis=1) > 0.95 * lowest)
        assert np.all(found.max(axis=1) < 1.015 * highest)


def test_nothing_is_lost_outside_the_bands(heavy_silicon, monkeypatch):
    """The same tasks with every sample solved."""
    sampling = Sampling.of(heavy_silicon, (6, 6), 24, coldest=5.0)
    some = sampling.tasks[::3]
    found = [solve(heavy_silicon, task).counts for task in some]
    left_out = [
        1.0 - inside_bands(heavy_silicon, task.wave_vectors, task.frequency).all(axis=0).mean()
        for task in some
    ]
    assert np.mean(left_out) > 0.3
    monkeypatch.setattr(tasks, "inside_bands", lambda i, k, f: np.ones((2, len(k), len(f)), dtype=bool))
    for counts, task in zip(found, some, strict=True):
        np.testing.assert_allclose(counts, solve(heavy_silicon, task).counts, atol=1e-11)
