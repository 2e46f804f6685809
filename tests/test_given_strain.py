"""A strain of the common lattice that is asked for: what it does to the crystals, and how it is kept."""

import numpy as np
import pytest

from latmm.errors import InputError
from latmm.geometry.coincidence import CommonCell
from latmm.geometry.matching import Misfit
from latmm.interface.build import match_alike, match_crystals
from latmm.lattice.stiffness import elasticity

PLANE = (0, 0, 1)
SMALL = 2e-3


def height(matched) -> float:
    return float(matched.left.cell.array[2, 2])


def strained(crystal, potential, strain):
    return match_alike(crystal, crystal, PLANE, potential, misfit=Misfit(in_plane_strain=strain))


@pytest.mark.slow
@pytest.mark.parametrize(("strain", "share"), [(1.0, 1.0), ((1.0, 0.0), 0.5)])
def test_relaxation_along_the_normal_gives_poissons_ratio_of_the_stiffness(
    strain, share, structure, argon, argon_springs
):
    # σ_zz = C₁₃ (ε_xx + ε_yy) + C₃₃ ε_zz = 0; terms of second order cancel between ±ε
    crystal = structure("ar")
    up, down = (height(strained(crystal, argon_springs, x * np.array(strain))) for x in (SMALL, -SMALL))
    plain = height(strained(crystal, argon_springs, None))
    stiffness = elasticity(argon.constants).stiffness
    assert (up - down) / (2 * SMALL * plain) == pytest.approx(
        -2 * share * stiffness[0, 2] / stiffness[2, 2], rel=2e-3
    )


def test_no_strain_is_the_plain_match_bit_for_bit(structure, argon_springs):
    crystal = structure("ar")
    plain, none = (strained(crystal, argon_springs, value) for value in (None, 0.0))
    for side in ("left", "right"):
        assert np.array_equal(getattr(plain, side).cell.array, getattr(none, side).cell.array)
        assert np.array_equal(getattr(plain, side).positions, getattr(none, side).positions)
        assert np.array_equal(getattr(plain, f"strain_{side}"), getattr(none, f"strain_{side}"))


def test_a_given_strain_comes_on_top_of_the_misfit(structure):
    from latmm.potentials.calculators import resolve_potential

    crystals = structure("si"), structure("ge")
    potential = resolve_potential("sw", ["Si", "Ge"])
    misfit = match_alike(*crystals, PLANE, potential, relax=False, misfit=Misfit(max_strain=0.2))
    both = match_alike(*crystals, PLANE, potential, relax=False, misfit=Misfit("right", 0.2, 0.02))
    for side in ("left", "right"):
        own = np.eye(2) + getattr(misfit, f"strain_{side}")
        assert np.allclose(np.eye(2) + getattr(both, f"strain_{side}"), 1.02 * own, rtol=0, atol=1e-12)
    assert np.allclose(both.cell, 1.02 * misfit.cell, rtol=1e-12)
    assert np.array_equal(both.given, 0.02 * np.eye(2))


def test_a_common_cell_is_strained_in_the_axes_of_the_interface(structure, argon_springs):
    crystal = structure("ar")
    options = {"relax": False, "cell": CommonCell(50.0)}
    planes = (PLANE, (1, 1, 0))
    plain, both = (
        match_crystals(
            crystal, crystal, planes, argon_springs, misfit=Misfit("right", 0.07, given), **options
        )
        for given in (None, (0.01, -0.02))
    )
    assert np.allclose(both.cell, plain.cell @ np.diag([1.01, 0.98]), rtol=1e-12)
    for side in ("left", "right"):  # areas grow by as much, whatever the turn of a crystal's axes
        before, after = (np.linalg.det(np.eye(2) + getattr(one, f"strain_{side}")) for one in (plain, both))
        assert after / before == pytest.approx(1.01 * 0.98, rel=1e-12)
    # the left crystal keeps its axes and had no strain: it has the given one
    assert np.allclose(both.strain_left, np.diag([0.01, -0.02]), atol=1e-12)


@pytest.mark.parametrize("strain", [0.4, (0.1, 0.1, 0.1), np.nan, [[0.0, 0.1], [0.0, 0.0]]])
def test_strains_that_make_no_sense_are_refused(strain, structure, argon_springs):
    with pytest.raises(InputError, match="in_plane_strain"):
        strained(structure("ar"), argon_springs, strain)
