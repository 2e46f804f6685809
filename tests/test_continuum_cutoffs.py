"""Debye's cut-offs on the grids of a comparison."""

import numpy as np
import pytest

from latmm.continuum.cutoffs import open_share
from latmm.continuum.dmm import debye_radiation_limit, diffuse_mismatch_debye
from latmm.continuum.media import Medium
from latmm.continuum.mixed import mixed_mismatch
from latmm.landauer import conductance
from latmm.sampling.meshes import frequency_grid

LIGHT = Medium.isotropic(2.3, 8.5, 5.4, cell_density=50.0, name="light")
HEAVY = Medium.isotropic(5.3, 5.0, 3.3, cell_density=44.0, name="heavy")


@pytest.mark.parametrize("minimum_temperature", [1e-3, 1.0, 30.0, 300.0])
def test_cells_are_the_stretches_of_the_weights_wherever_the_grid_starts(minimum_temperature):
    """A wave open up to its cut-off fills Σ w fraction = cut-off − start, whatever the temperature."""
    grid = frequency_grid(8.0, 12.0, 64, minimum_temperature=minimum_temperature)
    cutoff = np.random.default_rng(1).uniform(1.0, 8.0, 50)
    np.testing.assert_allclose(open_share(grid, cutoff) @ grid.weight, cutoff - grid.start, rtol=1e-9)


@pytest.mark.parametrize(
    "model",
    [diffuse_mismatch_debye, debye_radiation_limit, lambda a, b, grid: mixed_mismatch(a, b, grid, 0.5)],
    ids=["diffuse", "radiation", "mixed"],
)
def test_cutoffs_inside_cells_do_not_spoil_what_is_not_linear_in_the_channels(model):
    """The default number of frequencies against 1500, where no cell ends at a cut-off."""
    g = []
    for count in (128, 1500):
        grid = frequency_grid(15.1, 15.3, count, minimum_temperature=50.0)
        g.append(conductance(grid, model(LIGHT, HEAVY, grid).transmission, [50.0, 300.0]))
    np.testing.assert_allclose(g[0], g[1], rtol=1e-3)
