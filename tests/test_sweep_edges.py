"""What is not solved: samples outside the bands of the crystals at their k∥."""

import numpy as np
import pytest

from latmm.lattice.force_constants import ForceConstants
from latmm.sampling.edges import band_edges, inside_bands
from latmm.sweep import tasks
from latmm.sweep.refinement import Sampling
from latmm.sweep.tasks import bytes_per_wave_vector, solve
from latmm.units import EV_PER_A2_AMU, TWO_PI


def frequencies(crystal: ForceConstants, q) -> np.ndarray:
    return np.sqrt(np.abs(np.linalg.eigvalsh(crystal.dynamical_matrix(q))) * EV_PER_A2_AMU) / TWO_PI


@pytest.mark.slow
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
    sampling = Sampling.of(heavy_silicon, (6, 6), 24, minimum_temperature=5.0)
    some = [task for task in sampling.tasks if task.frequency.size > 2]
    assert len(some) < len(sampling.tasks)  # long waves: as many k∥ as samples, and all within a band
    found = [solve(heavy_silicon, task).values for task in some]
    left_out = [
        1.0 - inside_bands(heavy_silicon, task.wave_vectors, task.frequency).all(axis=0).mean()
        for task in some
    ]
    assert np.mean(left_out) > 0.3
    monkeypatch.setattr(tasks, "inside_bands", lambda i, k, f: np.ones((2, len(k), len(f)), dtype=bool))
    for counts, task in zip(found, some, strict=True):
        np.testing.assert_allclose(counts, solve(heavy_silicon, task).values, atol=1e-11)


def test_blocks_assembled_for_one_wave_vector_or_for_all_differ_in_rounding_only(heavy_silicon, monkeypatch):
    task = Sampling.of(heavy_silicon, (6, 6), 24, minimum_temperature=50.0).tasks[0]
    assert len(task.weights) > 2
    whole = solve(heavy_silicon, task)
    monkeypatch.setattr(tasks, "_BLOCKS", 1)
    bit = solve(heavy_silicon, task)
    np.testing.assert_allclose(bit.values, whole.values, atol=1e-11)
    assert bit.worst.max() < 1e-11


def test_blocks_of_a_wave_vector_take_no_more_than_said(silicon_germanium):
    lattice = silicon_germanium.junction(np.array([[0.1, 0.2], [0.3, 0.1]]))
    held = sum(block.nbytes for block in (*lattice.onsite, *lattice.hopping)) / 2
    assert held < bytes_per_wave_vector(silicon_germanium) < 4.5 * held
