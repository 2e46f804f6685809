"""Debye's cut-offs on the grids of a comparison."""

import numpy as np
import pytest

from latmm.continuum.cutoffs import open_share
from latmm.sweep.sampling import frequency_grid


@pytest.mark.parametrize("coldest", [1e-3, 1.0, 30.0, 300.0])
def test_cells_are_the_stretches_of_the_weights_wherever_the_grid_starts(coldest):
    """A wave open up to its cut-off fills Σ w share = cut-off − start, whatever the coldest temperature."""
    grid = frequency_grid(8.0, 12.0, 64, coldest=coldest)
    cutoff = np.random.default_rng(1).uniform(1.0, 8.0, 50)
    np.testing.assert_allclose(open_share(grid, cutoff) @ grid.weight, cutoff - grid.start, rtol=1e-9)
