"""Force constants times a factor for each crystal: frequencies by its root, long waves by the impedance."""

import json
from importlib.resources import files

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

from latmm.agf import transmission
from latmm.continuum.library import medium
from latmm.errors import InputError
from latmm.interface.rescaling import rescaled
from latmm.lattice.stiffness import elasticity, mean_stiffness
from latmm.units import TWO_PI
from latmm_cli.main import cli

K = np.array([[0.0, 0.0], [0.11, 0.27], [-0.23, 0.05]])


def test_one_factor_for_both_scales_all_frequencies(silicon_germanium):
    """D → fD: T(√f ω) as T(ω) before, across a relaxed contact."""
    omega = TWO_PI * np.array([0.7, 3.1, 6.2])
    found = transmission(rescaled(silicon_germanium, (1.44, 1.44)).junction(K), 1.2 * omega)
    expected = transmission(silicon_germanium.junction(K), omega)
    assert expected.transmission.max() > 0.5
    assert_allclose(found.transmission, expected.transmission, atol=1e-9)


def test_long_waves_see_the_step_of_the_impedance(perfect_silicon):
    """One mass, f times the springs: 4r/(1 + r)² of three channels at k∥ = 0, r = √f."""
    interface = rescaled(perfect_silicon, (1.0, 1.5))
    found = transmission(interface.junction(K[:1]), TWO_PI * 0.05)
    r = np.sqrt(1.5)
    assert_allclose(found.transmission, 3 * 4 * r / (1 + r) ** 2, rtol=1e-4)
    assert found.unitarity.max() < 1e-9
    inner = interface.slab.within((interface.layers[0] + 1, interface.layers[1] + 1))
    assert np.abs(interface.contact.row_sums[inner]).max() < 1e-12 * interface.contact.scale
    assert interface.notes == ("force constants of the right crystal times 1.5",)


def test_factor_of_one_leaves_everything_as_it_is(perfect_silicon):
    assert rescaled(perfect_silicon, (1.0, 1.0)) is perfect_silicon


def test_mean_stiffness_is_that_of_any_axes_and_scales_with_the_bonds(silicon):
    own = elasticity(silicon.constants).stiffness
    c11, c44 = own[0, 0], own[3, 3]
    assert mean_stiffness(own) == pytest.approx((c11 + 2 * c44) / 3, rel=1e-6)
    turned = elasticity(rescaled_table(silicon.constants, 2.0)).stiffness
    assert mean_stiffness(turned) == pytest.approx(2 * mean_stiffness(own), rel=1e-9)


def rescaled_table(table, factor):
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    atoms = table.atoms.copy()
    atoms.set_cell(atoms.cell.array @ turn.T, scale_atoms=True)
    return type(table)(atoms, table.cells, factor * (turn @ table.values @ turn.T))


@pytest.mark.slow
def test_command_scales_to_a_measured_medium_and_says_so(silicon):
    si = str(files("latmm_structures") / "si.cif")
    few = ["--kmesh", "2", "2", "--frequencies", "6", "--model", "agf", "-T", "300", "--json"]
    arguments = ["compare", si, si, "--potential", "sw", *few, "--left-scale", "si", "--right-scale", "1.1"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["conductance"]["agf"][0] > 0
    mean = mean_stiffness(medium("si").stiffness)
    factor = mean / mean_stiffness(elasticity(silicon.constants).stiffness)
    assert f"force constants of the left crystal times {factor:.4g}: mean" in done.stderr
    assert f"mean elastic constant {mean:.4g} GPa of the medium si" in done.stderr
    assert "force constants of the right crystal times 1.1" in done.stderr


@pytest.mark.parametrize("factors", [(0.0, 1.0), (1.0, -2.0), (np.nan, 1.0), (1.0, 1e3)])
def test_what_is_no_factor_is_refused(perfect_silicon, factors):
    with pytest.raises(InputError, match=r"between 0\.01 and 100"):
        rescaled(perfect_silicon, factors)
