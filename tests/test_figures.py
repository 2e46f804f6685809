"""Figures of structures and of convergence: what is drawn is where it is."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from latmm.geometry.coincidence import coincidences, matched_of
from latmm.geometry.matching import Matched
from latmm.geometry.orientation import orient
from latmm.interface.slab import build_slab
from latmm.lattice.space_group import primitive_cell
from latmm.plotting.convergence import convergence_figure
from latmm.plotting.structure import cells_figure, structure_figure
from latmm.sweep.refinement import Level


@dataclass
class Stack:
    """What a figure asks of an interface."""

    slab: object
    matched: Matched
    layers: tuple[int, int] = (1, 2)


@pytest.fixture(scope="module")
def crystals(structure):
    return [orient(primitive_cell(structure(name)), (1, 1, 1)) for name in ("si", "al")]


@pytest.fixture(scope="module")
def matched(crystals):
    return matched_of(coincidences(*crystals, max_area=60.0, max_strain=0.05)[0], *crystals)


def dots(axes, label):
    found = [one for one in axes.collections if str(one.get_label()).startswith(label)]
    assert len(found) == 1
    return np.asarray(found[0].get_offsets())


def test_points_of_both_lattices_meet_at_the_corners_of_the_common_cell(matched):
    side, above = structure_figure(Stack(build_slab(matched, (2, 3)), matched)).axes
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ matched.cell
    for label in ("left", "right"):
        distance = np.linalg.norm(dots(above, label)[:, None] - corners, axis=-1)
        assert distance.min(axis=0).max() < 1e-8
    assert any("strain +1.3" in str(one.get_label()) for one in above.collections)
    assert side.get_xlabel().startswith("z")


def test_a_view_from_the_side_shows_every_layer_in_one_strip(matched):
    slab = build_slab(matched, (2, 3))
    side = structure_figure(Stack(slab, matched)).axes[0]
    z, _ = np.concatenate([dots(side, "Si"), dots(side, "Al")]).T
    heights = slab.atoms.positions[:, 2]
    assert np.unique(z.round(6)).size == np.unique(heights.round(6)).size
    # whole cells along x, one along y: as many atoms of each height as their density asks for
    cells = np.ceil(14.0 / matched.cell[0, 0])
    assert len(z) == cells * len(heights)


def test_every_cell_asked_for_has_a_panel(crystals):
    found = coincidences(*crystals, max_area=60.0, max_strain=0.05)
    matches = [(number, matched_of(one, *crystals)) for number, one in enumerate(found, 1)]
    figure = cells_figure(*crystals, matches)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title().split(":")[0] for axes in shown] == [str(number) for number, _ in matches]


def test_a_convergence_ends_at_the_finest_sampling():
    g = np.array([[1.1, 2.0], [1.0, 2.2]])
    levels = [
        Level(SimpleNamespace(), SimpleNamespace(samples=n), row, 0.05 * row, 1.0)
        for n, row in zip((100, 400), g, strict=True)
    ]
    (axes,) = convergence_figure(levels, [10.0, 300.0], 0.01).axes
    curves = [container[0] for container in axes.containers]
    assert [line.get_ydata().round(9).tolist() for line in curves] == [[10.0, 0.0], [-9.090909091, 0.0]]
