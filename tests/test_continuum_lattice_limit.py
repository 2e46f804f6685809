"""The lattice and elasticity meet: scattering of long Bloch waves against the acoustic mismatch."""

from pathlib import Path

import numpy as np
import pytest

from latmm.agf import transmission
from latmm.continuum.amm import transmissivity
from latmm.continuum.media import Medium
from latmm.interface.build import build_interface
from latmm.potentials.calculators import resolve_potential
from latmm.structures import read_structure

STRUCTURES = Path(__file__).parent.parent / "structures"


@pytest.mark.slow
def test_long_bloch_waves_cross_as_elastic_waves_of_the_same_force_constants() -> None:
    """Si | Ge strained to it by 4 %: slowness by slowness, the germanium's initial stress included."""
    interface = build_interface(
        read_structure(STRUCTURES / "si.cif"),
        read_structure(STRUCTURES / "ge.cif"),
        (0, 0, 1),
        resolve_potential("sw", ["Si", "Ge"]),
    )
    left, right = (Medium.from_force_constants(c) for c in (interface.left, interface.right))
    assert abs(right.stress[0, 0]) > 5.0
    rng = np.random.default_rng(1)
    p, phi = rng.uniform(0.0, 0.22, 24), rng.uniform(0.0, 2 * np.pi, 24)
    slowness = np.stack([p * np.cos(phi), p * np.sin(phi)], axis=-1)
    elastic = transmissivity(left, right, slowness).sum(axis=(-2, -1))
    omega = 2 * np.pi * 0.01
    plane = interface.left.atoms.cell.array[:2, :2]
    found = transmission(interface.junction(0.1 * omega * slowness @ plane.T / (2 * np.pi)), [omega])
    np.testing.assert_allclose(found.transmission[:, 0], elastic, atol=1e-4)
