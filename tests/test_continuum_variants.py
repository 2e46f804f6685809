"""Scalar, solid-fluid, chain, mixed and inelastic models, low-temperature laws and the library."""

import numpy as np
import pytest
from continuum_systems import (
    ALUMINIUM,
    COPPER,
    HELIUM,
    SAPPHIRE,
    SILICON,
    diamond_springs,
    fcc_springs,
    gauss_grid,
)

from latmm.continuum.amm import debye_channels
from latmm.continuum.boundary import spring_compliance
from latmm.continuum.chains import (
    Chain,
    chain_transmission,
    long_wave_transmission,
    matched_mass,
    transmission_through_atoms,
)
from latmm.continuum.combined import ContinuumModels, Side, graded_grid, survey
from latmm.continuum.dispersion import branch_channels
from latmm.continuum.dmm import (
    diffuse_mismatch,
    diffuse_mismatch_by_branch,
    diffuse_mismatch_debye,
    energy_balanced_conductance,
    inelastic_diffuse_conductance,
    inelastic_radiation_conductance,
    joint_frequency_diffuse_mismatch,
    radiation_limit,
)
from latmm.continuum.library import medium, medium_names
from latmm.continuum.low_temperature import CUBIC_LAW, cubic_prefactor, cubic_prefactors
from latmm.continuum.media import Medium
from latmm.continuum.mixed import dominant_wavelength, regime_map
from latmm.continuum.rayleigh import khalatnikov, rayleigh_coefficient, rayleigh_slowness
from latmm.continuum.scalar import acoustic_mismatch_scalar, flux_average, scalar_transmissivity
from latmm.errors import InputError
from latmm.landauer import FrequencyGrid, conductance

AL = Medium.isotropic(2.7, 6.42, 3.04, cell_density=60.2)
SI = Medium.isotropic(2.33, 9.0, 5.4, cell_density=25.0)


def test_scalar_model_reproduces_a_published_flux_average() -> None:
    assert flux_average((18.283, 12.562), (2287.9, 1918.8)) == pytest.approx(0.9709, abs=5e-5)


def test_scalar_wave_is_lost_beyond_its_critical_angle() -> None:
    """p = sin θ/v: critical at 1/v of the faster side; normal incidence is 4Z₁Z₂/(Z₁+Z₂)²."""
    tau = scalar_transmissivity((10.0, 20.0), (3.0, 6.0), [0.0, 1 / 6 - 1e-6, 1 / 6 + 1e-6])
    assert tau[0] == pytest.approx(800 / 900)
    assert tau[1] > 0
    assert tau[2] == 0


@pytest.mark.parametrize(
    ("right", "expected"),
    [(SILICON, (13.013, 12.628, 16.199, 12.123)), (SAPPHIRE, (18.703, None, 19.701, 15.624))],
)
def test_cubic_laws_of_aluminium_contacts(right: Medium, expected: tuple[float | None, ...]) -> None:
    """R T³ in K⁴ cm²/W."""
    found = cubic_prefactors(ALUMINIUM, right).resistance.values * 1e4
    for value, reference in zip(found, expected, strict=True):
        if reference is not None:
            assert value == pytest.approx(reference, abs=6e-4)
    assert pytest.approx(1.0192556768e10, rel=3e-9) == CUBIC_LAW


def test_closed_form_agrees_with_the_landauer_integral() -> None:
    grid = gauss_grid(0.03 * 40 * 0.0208366, 80)
    table = acoustic_mismatch_scalar(ALUMINIUM, SILICON, grid)
    g = conductance(grid, table.transmission, 0.03)[0]
    closed = float(cubic_prefactors(ALUMINIUM, SILICON).prefactor.sel(model="amm-scalar")) * 0.03**3
    assert g == pytest.approx(closed, rel=1e-9)


def test_identical_media_transmit_all_in_the_scalar_model() -> None:
    table = acoustic_mismatch_scalar(AL, AL, gauss_grid(10.0, 50))
    np.testing.assert_allclose(table.transmission, table.channels_left, rtol=1e-12, atol=1e-14)


def test_rayleigh_wave_speed_of_a_poisson_solid() -> None:
    """c_l = √3 c_t: c_R = c_t (2 − 2/√3)^½."""
    solid = Medium.isotropic(3.0, 3.0 * np.sqrt(3.0), 3.0)
    assert 1 / rayleigh_slowness(solid) == pytest.approx(3.0 * np.sqrt(2 - 2 / np.sqrt(3)), rel=1e-12)


def test_rayleigh_channel_is_the_line_of_a_damped_surface_wave() -> None:
    """Complex speeds c(1 − iε) broaden the pole; its weight at first order in Z_f must not depend on ε."""
    eps, p_r = 1e-4, rayleigh_slowness(COPPER)
    alpha, beta = 4.76 * (1 - 1j * eps), 2.325 * (1 - 1j * eps)
    p = p_r + eps * p_r * np.tan(np.linspace(-1.57, 1.57, 200_001))
    p = p[(p > 1.02 / 2.325) & (p < 0.7)]
    qa, qb = (np.sqrt(1 / c**2 - p**2 + 0j) for c in (alpha, beta))
    z_s = 8.96 * ((1 - 2 * beta**2 * p**2) ** 2 / qa + 4 * beta**4 * p**2 * qb)
    z_f = 0.145 / np.sqrt(1 / 0.238**2 - p**2)
    line = 4 * z_f * (1 / z_s).real * p
    weight = np.sum(0.5 * (line[1:] + line[:-1]) * np.diff(p)) / (2 * np.pi)
    assert rayleigh_coefficient(COPPER, HELIUM) == pytest.approx(weight, rel=3e-3)


def test_khalatnikov_factor_of_helium_on_copper() -> None:
    """R T³ = 15ħ³ρc_t³/(2π²k⁴ρ_f c_f F): F is near 1.6 with the Rayleigh wave, as tabulated for metals."""
    grid = FrequencyGrid(np.array([1e-4]), np.array([1e-4]))
    both = float(khalatnikov(COPPER, HELIUM, grid).transmission[0])
    bulk = float(khalatnikov(COPPER, HELIUM, grid, rayleigh=False).transmission[0])
    square = (2 * np.pi * 1e-4) ** 2
    assert 1 / cubic_prefactor(bulk / square) == pytest.approx(0.13573, abs=5e-6)
    hbar, k = 1.054571817e-34, 1.380649e-23
    factor = 15 * hbar**3 * 8960 * 2325.0**3 / (2 * np.pi**2 * k**4 * 145 * 238)
    assert factor * cubic_prefactor(both / square) == pytest.approx(1.6, abs=0.05)
    with pytest.raises(InputError, match="solid on the left"):
        khalatnikov(HELIUM, COPPER, grid)


def test_chain_junction_closed_form() -> None:
    light, heavy = Chain(1.0, 1.0), Chain(4.0, 1.0)
    t = chain_transmission(light, heavy, 1.0, 0.4 * light.largest_frequency)
    assert float(t) == pytest.approx(0.7431660358, abs=5e-11)
    assert float(chain_transmission(light, heavy, 0.3, 1e-7)) == pytest.approx(8 / 9, rel=1e-9)
    assert long_wave_transmission(light, heavy) == pytest.approx(8 / 9)
    assert float(chain_transmission(light, heavy, 1.0, 1.01 * heavy.largest_frequency)) == 0.0


def test_atoms_of_either_chain_in_between_change_nothing() -> None:
    left, right = Chain(1.0, 0.7), Chain(3.0, 1.9)
    nu = np.linspace(0.05, 0.95, 7) * min(left.largest_frequency, right.largest_frequency)
    exact = chain_transmission(left, right, 1.2, nu)
    mine = transmission_through_atoms(left, [1.0, 1.0, 3.0], [0.7, 0.7, 1.2, 1.9], right, nu)
    np.testing.assert_allclose(mine, exact, rtol=1e-10)


def test_matching_atoms_are_a_quarter_wave_plate() -> None:
    left, right = Chain(1.0, 1.0), Chain(16.0, 1.0)
    mass, atoms = matched_mass(left, right), 40
    middle = Chain(mass, 1.0)
    assert mass == 4.0
    nu = np.sin(np.pi / (4 * atoms)) * middle.largest_frequency  # k · atoms = π/2
    t = transmission_through_atoms(left, [mass] * atoms, [1.0] * (atoms + 1), right, [nu])
    assert t[0] == pytest.approx(1.0, abs=2e-3)
    assert t[0] > long_wave_transmission(left, right) + 0.3


def test_regime_map_turns_diffuse_with_temperature_and_roughness() -> None:
    table = regime_map(AL, SI, gauss_grid(10.0, 40), [0.0, 0.2, 1.0], [5.0, 30.0, 200.0])
    fraction = table.specular_fraction.values
    np.testing.assert_allclose(fraction[0], 1.0)
    assert np.all(np.diff(fraction[1:], axis=1) < 0)
    assert np.all(np.diff(fraction, axis=0) < 0)
    # hν = 2.82 k_B T: 3.04 km/s at 1 K
    assert float(dominant_wavelength(3.04, 1.0)[0]) == pytest.approx(3.04 / (2.8214 * 0.0208366), rel=1e-4)


def test_polarisation_conserving_mismatch_lies_below_the_plain_one() -> None:
    """x y/(x + y) is concave: mixing the classes can only help; identical crystals stay at one half."""
    grid = gauss_grid(16.0, 60)
    left, right = (branch_channels(c, grid, resolution=0.5) for c in (diamond_springs(), fcc_springs()))
    conserving = diffuse_mismatch_by_branch(left, right, grid).transmission.values
    plain = diffuse_mismatch(left.sum(axis=0), right.sum(axis=0), grid).transmission.values
    assert np.all(conserving <= plain * (1 + 1e-12))
    same = diffuse_mismatch_by_branch(left, left, grid)
    np.testing.assert_allclose(same.transmission, 0.5 * left.sum(axis=0), rtol=1e-13)


def test_inelastic_limits_order_and_meet_the_elastic_ones() -> None:
    grid = gauss_grid(16.0, 80)
    soft, stiff = (np.asarray(diffuse_mismatch_debye(m, m, grid).channels_left) for m in (AL, SI))
    t = [20.0, 300.0]
    elastic = conductance(grid, radiation_limit(soft, stiff, grid).transmission, t)
    inelastic = inelastic_radiation_conductance(soft, stiff, grid, t)
    assert np.all(inelastic >= elastic)
    total = inelastic_diffuse_conductance(soft, stiff, grid, t)
    assert np.all(
        total >= conductance(grid, diffuse_mismatch(soft, stiff, grid).transmission, t) * (1 - 1e-12)
    )
    np.testing.assert_allclose(
        inelastic_diffuse_conductance(soft, soft, grid, t), 0.5 * conductance(grid, soft, t), rtol=1e-14
    )


def test_total_energies_balance_by_a_second_route() -> None:
    """d/dT [F_l F_r/(F_l + F_r)], F the integral of G over temperature; Pb | diamond, Debye's dispersion."""
    left, right = (Side(medium(name)) for name in ("pb", "diamond"))
    grid = graded_grid((left, right), [1.0, 300.0])
    soft, stiff = (debye_channels(side.isotropic, grid) for side in (left, right))
    x, w = np.polynomial.legendre.leggauss(60)

    def emitted(channels: np.ndarray, t: float) -> float:
        return float(0.5 * t * w @ conductance(grid, channels, 0.5 * t * (x + 1.0)))

    def flux(t: float) -> float:
        each = emitted(soft, t), emitted(stiff, t)
        return each[0] * each[1] / (each[0] + each[1])

    slope = (flux(300.3) - flux(299.7)) / 0.6
    balanced = energy_balanced_conductance(soft, stiff, grid, [300.0])[0]
    assert balanced == pytest.approx(slope, rel=1e-6)
    # what the referee of this model found: more than lead emits, while heat capacities in series do not
    own = conductance(grid, soft, [300.0])[0]
    assert inelastic_diffuse_conductance(soft, stiff, grid, [300.0])[0] < own < balanced
    assert balanced / own == pytest.approx(481.7 / 443.3, abs=1e-3)


def test_no_model_gives_more_than_the_channels_of_one_side_carry() -> None:
    """Pb | diamond: joint frequencies would carry 1411 MW m⁻² K⁻¹ at 300 K, lead emits 443."""
    sides = Side(medium("pb")), Side(medium("diamond"))
    tree = survey(*sides, [2.0, 300.0], ["dmm-joint-frequency", "dmm-debye"])
    table = tree["comparison"].to_dataset()
    spectrum = tree["dmm_joint_frequency"].to_dataset()
    grid = FrequencyGrid(spectrum["frequency"].values, spectrum["frequency_weight"].values)
    names = ("transmission", "channels_left", "channels_right")
    would, left, right = conductance(grid, np.array([spectrum[n].values for n in names]), [2.0, 300.0])
    bound = np.minimum(left, right)
    assert would[1] > 3 * bound[1] > 0
    assert would[0] < bound[0]
    assert float(table.conductance[0, 0]) == would[0]
    for name in ("conductance", "conductance_four_probe", "kapitza_resistance_two_probe"):
        assert np.isnan(table[name][0, 1]), name
    assert table.refused.values.tolist() == [[False, True], [False, False]]
    assert "passive" in table.refused.attrs["long_name"]


def test_total_energies_are_refused_above_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels of Debye's dispersion in place of a lattice's: Pb | diamond passes the bound when hot."""
    sides = Side(medium("pb")), Side(medium("diamond"))
    channels = property(lambda m: tuple(debye_channels(side.isotropic, m.grid) for side in sides))
    monkeypatch.setattr(ContinuumModels, "channels", channels)
    models = ["dmm-inelastic", "dmm-inelastic-energy", "radiation-inelastic"]
    table = survey(*sides, [10.0, 300.0], models)["comparison"].to_dataset()
    g = table.conductance.values
    assert table.refused.values.tolist() == [[False, False], [False, True], [False, False]]
    assert np.isnan(g[1, 1])
    assert g[0, 1] < g[2, 1]
    assert g[1, 0] <= g[2, 0]


def test_joint_frequency_model_of_identical_solids_is_the_diffuse_one() -> None:
    grid = gauss_grid(12.0, 40)
    joint, plain = joint_frequency_diffuse_mismatch(AL, AL, grid), diffuse_mismatch_debye(AL, AL, grid)
    np.testing.assert_allclose(joint.transmission, plain.transmission, rtol=1e-12, atol=1e-14)
    with pytest.raises(InputError, match="cell density"):
        joint_frequency_diffuse_mismatch(ALUMINIUM, SILICON, grid)


@pytest.mark.parametrize(
    ("name", "calorimetric"),
    [("al", 428), ("cu", 343), ("ag", 225), ("au", 165), ("pb", 105), ("w", 400), ("nb", 275), ("ni", 450)],
)
def test_measured_stiffness_gives_the_calorimetric_debye_temperature(name: str, calorimetric: float) -> None:
    """Monatomic metals: Kittel, Ch. 5, Table 1 (low temperature); soft metals stiffen when cooled."""
    theta = medium(name).isotropic_average().debye_temperature()
    assert theta == pytest.approx(calorimetric, rel=0.12)


def test_every_measured_medium_is_stable_and_named() -> None:
    for name in medium_names():
        found = medium(name)
        assert found.density > 0
        speed, _ = found.christoffel(np.eye(3))
        assert np.all(speed[:, -1] > 0)
    assert {"si", "ge", "diamond", "sapphire", "mgo", "quartz", "gaas", "helium", "in", "nb"} <= set(
        medium_names()
    )


@pytest.mark.parametrize(("name", "turn"), [("si", 90), ("in", 90), ("quartz", 120), ("sapphire", 120)])
def test_measured_stiffness_has_the_symmetry_of_its_crystal(name: str, turn: float) -> None:
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    crystal = medium(name)
    turned = crystal.rotated([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    np.testing.assert_allclose(turned.stiffness, crystal.stiffness, atol=1e-10)
    if name == "si":
        np.testing.assert_allclose(
            crystal.rotated(np.roll(np.eye(3), 1, axis=0)).stiffness, crystal.stiffness
        )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rho=8.96,cl=4760,ct=2325", r"rho .* between 30 and 30000 kg/m³, but is 8.96; is it in g/cm³\?"),
        ("rho=8960,cl=4.76,ct=2.325", r"cl .* between 50 and 40000 m/s, but is 4.76; is it in km/s\?"),
        ("rho=8960,cl=4760,ct=2.325", r"ct .* is it in km/s\?"),
        ("rho=2329,c11=165.7e9,c12=63.9e9,c44=79.6e9", r"c11 .* GPa, but is 1.657e\+11; is it in Pa\?"),
        ("rho=2329,cl=8433,n=0.02497", r"n .* is it in cells/Å³\?"),
        ("rho=nan,cl=4760", "rho .* but is nan$"),
        ("rho=8960,cl=inf", "cl .* but is inf$"),
        ("rho=8960,cl=1e300", "cl .* but is 1e\\+300$"),
        ("rho=-8960,cl=4760", "rho .* but is -8960$"),
        ("rho=2329,c11=165.7,c12=nan,c44=79.6", "c12 .* but is nan$"),
        ("rho=2329,c11=1e-300,c12=0,c44=1e-300", "c11 .* but is 1e-300$"),
        ("rho=2329,cl=8433,n=nan", "n .* but is nan$"),
    ],
)
def test_medium_in_other_units_is_recognised_by_its_size(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        medium(text)


@pytest.mark.parametrize("stiffness", [np.nan, np.inf, 1e300, 0.0, -1.0, 1e-300, np.diag([1.0, 1.0, np.inf])])
def test_springs_without_a_stiffness_are_refused(stiffness: object) -> None:
    with pytest.raises(InputError, match="a contact stiffness must be positive"):
        spring_compliance(stiffness)


def test_media_in_numbers() -> None:
    copper = medium("rho=8960,cl=4760,ct=2325")
    assert copper.speeds == pytest.approx((4.76, 2.325))
    assert medium("rho=145,cl=238").is_fluid
    for name, text in {
        "si": "rho=2329,n=24.97,c11=165.7,c12=63.9,c44=79.6",
        "in": "rho=7300, n=38.3, c11=45.4,c12=40.1,c13=41.5,c33=45.2,c44=6.51,c66=12.1",
        "quartz": "rho=2649,n=8.85,c11=86.74,c12=6.99,c13=11.91,c14=-17.91,c33=107.2,c44=57.94",
    }.items():
        written, measured = medium(text), medium(name)
        np.testing.assert_array_equal(written.stiffness, measured.stiffness)
        assert (written.density, written.cell_density) == pytest.approx(
            (measured.density, measured.cell_density)
        )
    for text in (
        "unobtainium",
        "rho=1000,cl=x",
        "rho=1000",
        "rho=1000,cl=2000,foo=3",
        "rho=1000,rho=2000,cl=2000",
        "rho=1000,c11=3,c12=1",
        "rho=1000,c11=3,c12=1,c44=1,cl=2",
        "rho=1000,c11=3,c12=1,c44=1,c13=1",
        "rho=1000,c11=3,c12=1,c44=1,c66=1",
    ):
        with pytest.raises(InputError):
            medium(text)
