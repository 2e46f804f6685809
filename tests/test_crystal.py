"""One crystal by itself: heat capacity, elastic constants, and the commands that show them."""

import json

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from scipy.spatial.transform import Rotation

from latmm.continuum.crystal import crystal_axes, elastic_dataset, heat_capacity, phonon_dataset, plane_normal
from latmm.continuum.media import Medium
from latmm.errors import InputError
from latmm.landauer import heat_capacity_weight
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.plotting.crystal import crystal_figure
from latmm.stored import in_units
from latmm.units import BOLTZMANN, HBAR, THZ_IN
from latmm_cli.main import cli

PLANES = [(1, 0, 0), (1, 1, 0), (1, 1, 1)]


def test_heat_capacity_is_that_of_dulong_and_petit_when_hot(silicon):
    crystal = silicon.constants
    classical = 3 * len(crystal.atoms) * BOLTZMANN / (crystal.volume * 1e-30)
    # 1 − x²/12 with x = hν/(k_B T) below 771 K/T
    assert heat_capacity(crystal, [1e5])[0] == pytest.approx(classical, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.01, 0.5])
def test_heat_capacity_of_long_waves_is_debyes_of_the_anisotropic_crystal(silicon, temperature):
    """C = (2π²/5) k_B (k_B T/ħ)³ · Σ <c⁻³>/3, the mean over all directions."""
    crystal = silicon.constants
    cosine, weight = np.polynomial.legendre.leggauss(40)
    azimuth = 2 * np.pi * (np.arange(80) + 0.5) / 80
    sine = np.sqrt(1 - cosine**2)[:, None]
    rays = np.stack(
        [sine * np.cos(azimuth), sine * np.sin(azimuth), np.broadcast_to(cosine[:, None], (40, 80))], -1
    )
    speed, _ = Medium.from_force_constants(crystal).christoffel(rays)
    cubes = np.einsum("t,tab->", weight / 2, (1e3 * speed) ** -3.0) / 80
    expected = 2 * np.pi**2 / 15 * BOLTZMANN * (BOLTZMANN * temperature / HBAR) ** 3 * cubes
    assert heat_capacity(crystal, [temperature])[0] == pytest.approx(expected, rel=2e-3)


def test_heat_capacity_agrees_with_a_plain_mesh(silicon):
    crystal = silicon.constants
    modes = phonons(crystal, q_mesh((14, 14, 14), shift=(0.5, 0.5, 0.5)))
    plain = modes.weights @ heat_capacity_weight(modes.frequency, 200.0).sum(axis=1)
    assert heat_capacity(crystal, [200.0])[0] == pytest.approx(plain / (crystal.volume * 1e-30), rel=2e-3)


def test_debye_density_of_states_holds_three_modes(silicon):
    crystal = silicon.constants
    found = phonon_dataset(crystal, Medium.from_force_constants(crystal), [300.0])
    for name, modes in (("density_of_states", 6.0), ("density_of_states_debye", 3.0)):
        held = np.trapezoid(found[name].values, found["dos_frequency"].values)
        assert held == pytest.approx(modes, rel=1e-2), name


@pytest.mark.parametrize("unit", ["meV", "cm-1"])
def test_a_figure_in_other_units_is_the_same_figure_scaled(unit, silicon):
    found = phonon_dataset(silicon.constants, Medium.from_force_constants(silicon.constants), [300.0])
    other = in_units(xr.DataTree(found), frequency=unit).to_dataset()
    plain, scaled = crystal_figure(found).axes, crystal_figure(other).axes
    assert len(plain[0].get_lines()) == len(scaled[0].get_lines())
    for one, two in zip(plain[0].get_lines(), scaled[0].get_lines(), strict=True):  # bands and Debye's lines
        if one.get_label() != two.get_label() or len(one.get_ydata()) == 0 or list(one.get_ydata()) == [0, 1]:
            continue  # marks of special points span the axes
        assert np.allclose(
            np.asarray(two.get_ydata(), float),
            THZ_IN[unit] * np.asarray(one.get_ydata(), float),
            equal_nan=True,
        )
    density = [axes[1].get_lines()[0] for axes in (plain, scaled)]  # states are counted, not scaled
    states = [np.trapezoid(line.get_xdata(), line.get_ydata()) for line in density]
    assert states[0] == pytest.approx(states[1], rel=1e-12)
    assert {"meV": "meV", "cm-1": "cm$^{-1}$"}[unit] in scaled[0].get_ylabel()


def test_elastic_constants_do_not_depend_on_how_the_crystal_lies(silicon):
    """The axes are those of the conventional cell, whatever those of the file."""
    crystal = silicon.constants
    plain = elastic_dataset(crystal, PLANES)
    c = plain["stiffness"].values
    assert c[0, 0] == pytest.approx(c[1, 1], rel=1e-9)
    assert np.abs(c[:3, 3:]).max() < 1e-6 * c[0, 0]
    turn = Rotation.from_euler("xyz", [0.1, 0.2, 0.15]).as_matrix()
    atoms = crystal.atoms.copy()
    atoms.set_cell(atoms.cell.array @ turn.T, scale_atoms=True)
    values = np.einsum("ac,rijcd,bd->rijab", turn, crystal.values, turn)
    turned = type(crystal)(
        **{
            **{name: getattr(crystal, name) for name in crystal.__dataclass_fields__},
            "atoms": atoms,
            "values": values,
        }
    )
    assert np.abs(crystal_axes(turned) - crystal_axes(crystal)).max() > 0.1
    again = elastic_dataset(turned, PLANES)
    assert again["stiffness"].values == pytest.approx(c, abs=1e-7 * c[0, 0])
    assert again["sound_speed"].values == pytest.approx(plain["sound_speed"].values, rel=1e-8)


def test_speeds_are_those_of_the_cubic_constants(silicon):
    """c² ρ = C11 and C44 along [100]; (C11 + 2 C12 + 4 C44)/3 along [111]."""
    found = elastic_dataset(silicon.constants, PLANES)
    c, rho = found["stiffness"].values, float(found["density"])
    squares = found["sound_speed"].values ** 2 * rho
    assert squares[0] == pytest.approx([c[3, 3], c[3, 3], c[0, 0]], rel=1e-9)
    assert squares[2, 2] == pytest.approx((c[0, 0] + 2 * c[0, 1] + 4 * c[3, 3]) / 3, rel=1e-9)
    assert found["bulk_modulus"].values == pytest.approx([(c[0, 0] + 2 * c[0, 1]) / 3] * 3, rel=1e-9)
    young = found["young_modulus"].values
    assert young == pytest.approx(2 * found["shear_modulus"] * (1 + found["poisson_ratio"]), rel=1e-12)


def test_normal_of_a_plane_is_normal_to_the_vectors_in_it(aluminium):
    assert plane_normal(aluminium.constants, (1, 1, 1)) == pytest.approx(np.full(3, 3**-0.5))
    with pytest.raises(InputError, match="Miller"):
        elastic_dataset(aluminium.constants, [(0, 0, 0)])


@pytest.mark.slow
def test_commands_write_what_they_print(structure, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    structure("ar").write("ar.cif")
    quick = ["--potential", "lj", "--potential-option", "cutoff=6.0", "-j", "1", "-q", "--json"]
    files = ["-o", "ph.nc", "--plot", "ph.svg"]
    done = CliRunner().invoke(cli, ["phonons", "ar.cif", *quick, *files, "-T", "5:15:5"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    with xr.open_dataset("ph.nc", engine="h5netcdf") as found:
        for name, values in told.items():
            if name != "units":
                assert found[name].values == pytest.approx(np.array(values), rel=1e-12), name
                assert found[name].attrs["units"] == told["units"][name]
    assert (tmp_path / "ph.svg").stat().st_size > 1000
    done = CliRunner().invoke(cli, ["elastic", "ar.cif", *quick, "--mass", "Ar=80", "-o", "el.nc"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    # twice the mass: the same stiffness, 1/√2 of the speed
    assert told["density"] == pytest.approx(80 / 39.948 * found["density"].item(), rel=1e-3)
    assert np.array(told["stiffness"])[:, 0] == pytest.approx(found["stiffness"].values[:, 0], rel=1e-6)
    longitudinal = found["sound_speed_isotropic"].values[0] * (39.948 / 80) ** 0.5
    assert told["sound_speed_isotropic"][0] == pytest.approx(longitudinal, rel=1e-3)
    plain = CliRunner().invoke(cli, ["elastic", "ar.cif", *quick[:-1], "--normal", "1", "0", "0"])
    assert "normal of (1 0 0)" in plain.output
