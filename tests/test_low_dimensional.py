"""Sheets, tubes and chains: quanta of conductance, the closed law of graphene, its channels, junctions."""

import json
from importlib.resources import files

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import nanotube
from click.testing import CliRunner
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import gamma, zeta

from latmm.checks import failed, loads
from latmm.errors import InputError
from latmm.interface.mixing import mix_interface
from latmm.landauer import heat_capacity_weight
from latmm.lattice.force_constants import ForceConstants
from latmm.low_dimensional.boxes import boxed, read_low_dimensional
from latmm.low_dimensional.building import build_junction
from latmm.low_dimensional.junction import low_dimensional_conductance, quantum_of_conductance
from latmm.low_dimensional.sampling import lateral_axis
from latmm.plotting.low_dimensional import junction_figure
from latmm.plotting.stored import draw, figures_of
from latmm.potentials.calculators import resolve_potential
from latmm.results import read
from latmm.units import BOLTZMANN, EV_PER_A2_AMU, PLANCK, TWO_PI
from latmm_cli.main import cli

STRUCTURES = files("latmm_structures")
HBAR = PLANCK / TWO_PI


def shipped(name, masses=None):
    return read_low_dimensional(str(STRUCTURES / f"{name}.xyz"), masses)


@pytest.fixture(scope="module")
def bnc():
    return resolve_potential("bnc", ["B", "C", "N"])


@pytest.fixture(scope="module")
def graphene(bnc):
    return build_junction(shipped("graphene"), shipped("graphene"), bnc)


def of(interface, temperature, **options):
    found = low_dimensional_conductance(interface, temperature, **options)
    assert not failed(loads(found.attrs["checks"]))
    return found["junction"].to_dataset()


def angular(crystal, q):
    """ω (B,) in rad/ps at a Cartesian q, Å⁻¹."""
    fractional = np.atleast_2d(q) @ crystal.atoms.cell.array.T / TWO_PI
    return np.sqrt(np.linalg.eigvalsh(crystal.dynamical_matrix(fractional))[0] * EV_PER_A2_AMU)


def tube(n, tmp_path, masses=None):
    atoms = nanotube(n, 0, length=1, bond=1.44, vacuum=8.0)
    path = tmp_path / "tube.xyz"
    ase.io.write(path, atoms)
    return read_low_dimensional(path, masses)


@pytest.mark.slow
def test_a_tube_carries_four_quanta_when_cold(bnc, tmp_path):
    """Two flexural waves, ω ∝ q², one of length and one of twist, ω ∝ q: 1e-6 of 4 π² k_B² T/3h."""
    narrow = tube(4, tmp_path)
    interface = build_junction(narrow, narrow, bnc)
    assert lateral_axis(interface) is None
    found = of(interface, [0.02], intervals=1)
    assert_allclose(found["ballistic_left"], 4.0 * quantum_of_conductance([0.02]), rtol=1e-6)
    # across a contact whose force constants are those of the tube to 1e-6
    assert_allclose(found["conductance"], found["ballistic_left"], rtol=1e-5)
    low = [angular(interface.left, [0.0, 0.0, q])[:4] for q in (0.02, 0.04)]
    assert_allclose(low[1] / low[0], [4.0, 4.0, 2.0, 2.0], rtol=5e-3)


@pytest.mark.slow
def test_the_shipped_tube_carries_four_quanta_when_cold(bnc):
    eight = shipped("tube-8-0")
    found = of(build_junction(eight, eight, bnc), [0.02, 0.5], intervals=1)
    assert_allclose(found["conductance"], 4.0 * quantum_of_conductance([0.02, 0.5]), rtol=1e-6)


def springs(mass, width=20.0, period=2.0, spring=1.5):
    """A chain whose atoms are held alike in all directions: three equal waves."""
    atoms = Atoms("Ar", cell=[width, width, period], masses=[mass], pbc=True)
    block = -spring * np.eye(3)[None, None]
    return ForceConstants.symmetrised(atoms, {(0, 0, 1): block, (0, 0, -1): block, (0, 0, 0): 0.0 * block})


@pytest.mark.parametrize("heavy", [10.0, 40.0])
def test_chains_carry_what_the_closed_form_transmits(heavy):
    """Masses m | M, one spring: T(ν) closed; three quanta times 4r/(1 + r)², r = √(M/m), as T → 0."""
    left, right = springs(10.0), springs(heavy)
    interface = mix_interface(left, right, ((0, 0, 1), (0, 0, 1)))
    tops = [2.0 * np.sqrt(1.5 * EV_PER_A2_AMU / mass) for mass in (10.0, heavy)]

    def transmitted(nu):
        x = [1.0 / np.tan(np.arcsin(min(TWO_PI * nu / top, 1.0))) for top in tops]
        return 3.0 * 4.0 * x[0] * x[1] / (x[0] + x[1]) ** 2

    r = np.sqrt(heavy / 10.0)
    cold, hot = 0.02, 60.0
    found = of(interface, [cold, hot], intervals=20)["conductance"].values
    assert found[0] == pytest.approx(3 * 4 * r / (1 + r) ** 2 * quantum_of_conductance(cold), rel=1e-6)

    def carried(nu):
        return transmitted(nu) * float(heat_capacity_weight(nu, hot)) * 1e12

    top = min(tops) / TWO_PI * (1 - 1e-9)
    assert found[1] == pytest.approx(quad(carried, 1e-9, top, epsrel=1e-8)[0], rel=2e-4)


@pytest.mark.slow
def test_cold_graphene_follows_its_closed_law(graphene):
    """G/W = k_B (k_B T/ħ)^{3/2} Γ(7/2) ζ(5/2)/(2π² √b) of ω = b q², and two terms T² of ω = c q."""
    crystal = graphene.left
    bending, transverse, longitudinal = angular(crystal, [0.0, 0.0, 0.03])[:3] / 0.03
    b, speeds = bending / 0.03 * 1e-8, np.array([transverse, longitudinal]) * 100.0
    t = np.array([1.0, 2.0])
    rate = BOLTZMANN * t / HBAR
    law = BOLTZMANN * rate**1.5 * gamma(3.5) * zeta(2.5) / (2 * np.pi**2 * np.sqrt(b))
    law += BOLTZMANN * rate**2 * gamma(4) * zeta(3) / (2 * np.pi**2) * (1 / speeds).sum()
    found = of(graphene, t, intervals=4, points=8)
    assert found["conductance"].attrs["units"] == "W m-1 K-1"
    assert_allclose(found["conductance"], law, rtol=1e-3)


@pytest.mark.slow
def test_warm_graphene_carries_what_its_velocities_say(graphene):
    """G/W = ½ ∫ d²q/(2π)² Σ_b |v_z| hν ∂n/∂T over the zone; it transmits every channel."""
    found = of(graphene, [300.0], points=8)
    assert_allclose(found["conductance"], found["ballistic_left"], rtol=1e-9)
    crystal, axis, n = graphene.left, lateral_axis(graphene), 90
    mesh = (np.arange(n) + 0.5) / n - 0.5
    q = np.zeros((n, n, 3))
    q[..., axis], q[..., 2] = mesh[:, None], mesh
    q = q.reshape(-1, 3)
    squares, vectors = np.linalg.eigh(crystal.dynamical_matrix(q))
    slope = crystal.dynamical_matrix_derivative(q)[2]
    slopes = np.einsum("qib,qij,qjb->qb", vectors.conj(), slope, vectors).real
    omega = np.sqrt(squares * EV_PER_A2_AMU)
    speed = np.abs(slopes) * EV_PER_A2_AMU / (2.0 * omega) * 100.0  # Å rad/ps in m/s
    area = crystal.volume / crystal.atoms.cell.lengths()[1 - axis] * 1e-20
    expected = 0.5 * (heat_capacity_weight(omega / TWO_PI, 300.0) * speed).sum() / n**2 / area
    assert_allclose(found["conductance"], expected, rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("line", [(1, 0), (1, 1)])
def test_graphene_on_boron_nitride_is_unitary_and_reciprocal(bnc, line):
    """Checks of 1e-8, both directions, and the same conductance with the sides exchanged."""
    sides = shipped("graphene"), shipped("h-bn")
    interface = build_junction(*sides, bnc, line=line)
    assert "left sheet is strained by 0.2" in interface.notes[0]
    found = low_dimensional_conductance(interface, [300.0], intervals=6, points=6)
    checks = loads(found.attrs["checks"])
    for name in ("unitarity", "reciprocity", "caroli"):
        assert checks[name].value < 1e-8
    table = found["junction"]
    assert 0.3 < float(table["conductance"][0] / table["ballistic_left"][0]) < 0.8
    assert float(table["conductance_four_probe"][0]) > float(table["conductance"][0])


@pytest.mark.slow
def test_width_of_the_vacuum_and_the_frame_of_the_file_mean_nothing(graphene, bnc, tmp_path):
    sheet = ase.io.read(str(STRUCTURES / "graphene.xyz"))
    sheet.set_cell(sheet.cell.array * [1, 1, 1.7])

    sheet.positions[:, 2] = 0.0
    turned = Atoms(
        sheet.symbols,
        positions=sheet.positions[:, [2, 0, 1]],
        cell=sheet.cell.array[[2, 0, 1]][:, [2, 0, 1]],
        pbc=True,
    )
    path = tmp_path / "sheet.xyz"
    ase.io.write(path, turned)
    other = read_low_dimensional(path)
    assert other.periodic == (1, 2)
    same = build_junction(other, other, bnc)
    few = {"intervals": 4, "points": 4}
    found, reference = (of(one, [300.0], **few)["conductance"] for one in (same, graphene))
    assert_allclose(found, reference, rtol=1e-5)
    assert boxed(other, other, 30.0)[0].cell.lengths().max() > 60.0


@pytest.mark.slow
def test_a_conductance_per_area_is_given_by_a_section_only(graphene):
    few = {"intervals": 2, "points": 2}
    assert "conductance_per_area" not in of(graphene, [300.0], **few)
    found = of(graphene, [300.0], section=0.335, **few)
    assert_allclose(found["conductance_per_area"] * 0.335e-9, found["conductance"], rtol=1e-12)
    with pytest.raises(InputError, match="positive thickness"):
        low_dimensional_conductance(graphene, [300.0], section=0.0)


@pytest.mark.slow
def test_a_heavier_isotope_reflects_part_of_the_heat(graphene, bnc):
    heavy = build_junction(shipped("graphene"), shipped("graphene", {"C": 24.0}), bnc)
    few = {"intervals": 6, "points": 6}
    found = of(heavy, [300.0], **few)
    ballistic = of(graphene, [300.0], **few)["conductance"]
    assert_allclose(found["ballistic_left"], ballistic, rtol=0.02)
    assert np.all(found["conductance"] < found["ballistic_right"])


def test_crystals_molecules_and_unlike_structures_are_refused(tmp_path):
    with pytest.raises(InputError, match="a crystal: use latmm compare"):
        read_low_dimensional(str(STRUCTURES / "si.cif"))
    molecule = tmp_path / "a.xyz"
    ase.io.write(molecule, Atoms("N2", positions=[[10, 10, 10], [11.1, 10, 10]], cell=[20, 20, 20], pbc=True))
    with pytest.raises(InputError, match="describes a molecule"):
        read_low_dimensional(molecule)
    with pytest.raises(InputError, match="a junction joins two sheets"):
        boxed(shipped("graphene"), shipped("tube-8-0"), 4.0)


@pytest.mark.slow
def test_command_prints_what_it_stores_and_draws_it(tmp_path):
    sides = [str(STRUCTURES / f"{name}.xyz") for name in ("graphene", "h-bn")]
    out = ["-o", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png"), "-q"]
    few = ["--intervals", "2", "--points", "2", "-T", "300", "--section", "0.335"]
    done = CliRunner().invoke(cli, ["junction", *sides, *out, *few, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["dimension"] == 2
    assert found["units"]["conductance"] == "W m-1 K-1"
    stored = read(tmp_path / "a.nc")
    assert_allclose(stored["junction"]["conductance"].values, found["conductance"])
    assert stored.attrs["potential"].startswith("bnc")
    assert [axes.get_xlabel() for axes in junction_figure(stored).axes] == [
        "frequency (THz)",
        "temperature (K)",
    ]
    assert figures_of(stored) == ["channels", "junction"]
    assert draw(stored, "channels", frequency="meV").axes[0].get_xlabel() == "frequency (meV)"
    text = CliRunner().invoke(cli, ["junction", *sides, *few, "-q"]).output
    assert "conductance (W m⁻¹ K⁻¹, per width)" in text
    assert "by a thickness of 0.335 nm" in text
