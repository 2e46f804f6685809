"""Electrons of metals: closed forms against the two-temperature equations, limits, table, commands."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from ase.io import read as read_structure
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_bvp

from latmm.electrons.beside import COLD, metals_of, put_electrons
from latmm.electrons.library import EVIDENCE, QUANTITIES, metals, read_metals
from latmm.electrons.two_temperature import HEATED, Metal, diffuse_electrons, total_conductance
from latmm.errors import InputError
from latmm.results import read
from latmm.units import BOLTZMANN, HBAR, PLANCK
from latmm_cli.electrons import electron_lines
from latmm_cli.main import cli

ROOT = Path(__file__).parent.parent
AL = Metal(2.45e17, 231.0, 6.0, 91.0, 2.025e6)
AU = Metal(2.35e16, 314.4, 2.6, 62.7, 1.394e6)
EVEN = Metal(1e17, 5.0, 4.0)
"""A metal whose electrons and lattice conduct about as well."""
G = 2e8
"""W m⁻² K⁻¹."""


def run(*arguments: str):
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


def film_by_integration(metal: Metal, g: float, h: float, thickness: float, heated: str) -> float:
    """G_total of a film on a substrate at T = 0: the boundary-value problem, integrated numerically.

    Lengths in d, temperatures in K; unknown are T_e, T_p and their slopes.
    """
    d, ke, kp = thickness, metal.electron_conductivity, metal.lattice_conductivity

    def slopes(_, y):
        exchange = metal.coupling * d**2 * (y[0] - y[2])
        return np.array([y[1], exchange / ke, y[3], -exchange / kp])

    def ends(back, contact):
        entry = (
            (back[0] - 1.0, back[2] - 1.0)
            if heated == "both"
            else (ke / d * back[1] / G + 1.0, back[3])  # heat flux G · 1 K into the electrons alone
        )
        out = (contact[1] + h * d / ke * contact[0], contact[3] + g * d / kp * contact[2])
        return np.array([*entry, *out])

    z = np.linspace(0.0, 1.0, 200)
    solved = solve_bvp(slopes, ends, z, np.ones((4, z.size)), tol=1e-9, max_nodes=20_000)
    assert solved.success, solved.message
    te, te_slope, tp, tp_slope = solved.sol(1.0)
    flux = -(ke * te_slope + kp * tp_slope) / d
    return float(flux * (ke + kp) / (ke * te + kp * tp))


@pytest.mark.parametrize("heated", HEATED)
@pytest.mark.parametrize(
    ("metal", "electron", "lengths"),
    [(AL, 0.0, 1.3), (AL, 1.5e8, 0.4), (AU, 5e7, 2.5), (EVEN, 3e8, 1.0), (EVEN, 0.0, 4.0)],
)
def test_closed_form_of_a_film_solves_the_two_temperature_equations(metal, electron, lengths, heated):
    d = lengths * metal.exchange_length
    found = total_conductance(G, electron, metal, None, thickness=d, heated=heated)
    assert found == pytest.approx(film_by_integration(metal, G, electron, d, heated), rel=1e-6)
    mirrored = total_conductance(G, electron, None, metal, thickness=d, heated=heated)
    assert mirrored == found


def test_closed_form_of_two_metals_solves_the_two_temperature_equations():
    """Eight unknowns: T_e, T_p and slopes on both sides, each film eight exchange lengths thick."""
    left, right, g, h = AL, EVEN, 3e8, 9e8
    sides = ((left, 8 * left.exchange_length), (right, 8 * right.exchange_length))

    def slopes(_, y):
        rows = []
        for (metal, d), (te, te1, tp, tp1) in zip(sides, (y[:4], y[4:]), strict=True):
            exchange = metal.coupling * d**2 * (te - tp)
            rows += [te1, exchange / metal.electron_conductivity, tp1, -exchange / metal.lattice_conductivity]
        return np.array(rows)

    def fluxes(y):
        """Towards the contact, by electrons and lattice, of both sides; x = 0 far away, 1 at the contact."""
        return [
            (-m.electron_conductivity * part[1] / d, -m.lattice_conductivity * part[3] / d)
            for (m, d), part in zip(sides, (y[:4], y[4:]), strict=True)
        ]

    def ends(back, contact):
        (le, lp), (re, rp) = fluxes(contact)
        te, tp = contact[0] - contact[4], contact[2] - contact[6]
        far = [back[0] - 1.0, back[2] - 1.0, back[4], back[6]]
        return np.array([*far, *((x / 1e8) for x in (le - h * te, lp - g * tp, le + re, lp + rp))])

    x = np.linspace(0.0, 1.0, 400)
    solved = solve_bvp(slopes, ends, x, np.zeros((8, x.size)), tol=1e-9, max_nodes=50_000)
    assert solved.success, solved.message
    y = solved.sol(1.0)
    means = [
        m.electron_share * part[0] + (1 - m.electron_share) * part[2]
        for (m, _), part in zip(sides, (y[:4], y[4:]), strict=True)
    ]
    by_integration = sum(fluxes(y)[0]) / (means[0] - means[1])
    # the ends at one temperature are eight lengths away: tanh 8 = 1 − 2e-7
    assert total_conductance(g, h, left, right) == pytest.approx(by_integration, rel=1e-6)


POSITIVE = st.floats(1e-3, 1e3)


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.floats(0.0, 1e3))
def test_series_and_parallel_limits(coupling, ke, kp, g, h):
    metal = Metal(coupling, ke, kp)
    k = ke + kp
    series = 1 / (1 / g + (ke / k) ** 1.5 / np.sqrt(coupling * kp))
    assert total_conductance(g, 0.0, metal, None) == pytest.approx(series, rel=1e-12)
    strong = Metal(1e40, ke, kp)
    assert total_conductance(g, h, strong, None) == pytest.approx(g + h, rel=1e-9)
    thin = 1e-12 * metal.exchange_length
    assert total_conductance(g, h, metal, None, thickness=thin) == pytest.approx(g + h, rel=1e-6)
    # no exchange: electrons and lattice keep the shares of heat that they conduct
    weak = Metal(1e-40, ke, kp)
    if h > 1e-3:
        apart = 1 / ((ke / k) ** 2 / h + (kp / k) ** 2 / g)
        assert total_conductance(g, h, weak, None) == pytest.approx(apart, rel=1e-9)
    # electrons that conduct nothing leave all to the lattice
    assert total_conductance(g, 0.0, Metal(coupling, 1e-9 * kp, kp), None) == pytest.approx(
        g, rel=1e-4 * (1 + g / np.sqrt(coupling * kp))
    )
    # in between: more than the series, no more than both together
    both = total_conductance(g, h, metal, None)
    assert series * (1 - 1e-12) <= both <= (g + h) * (1 + 1e-12)


def test_a_thin_film_heated_through_its_electrons_has_the_resistance_of_its_volume():
    d = 1e-4 * AU.exchange_length
    extra = 1 / total_conductance(G, 0.0, AU, None, thickness=d, heated="electrons") - 1 / G
    assert extra == pytest.approx(AU.electron_share / (AU.coupling * d), rel=1e-7)
    thick = [total_conductance(G, 1e7, AU, None, thickness=1e-3, heated=way) for way in HEATED]
    assert thick[0] == thick[1] == total_conductance(G, 1e7, AU, None)


def test_majumdar_and_reddy_where_electrons_conduct_nearly_all():
    metal = Metal(2.35e16, 2.6e6, 2.6)
    expected = 1 / (1 / G + 1 / np.sqrt(metal.coupling * metal.lattice_conductivity))
    assert total_conductance(G, 0.0, metal, None) == pytest.approx(expected, rel=2e-6)


def test_phonons_without_resistance_and_without_conductance():
    series = np.sqrt(AU.coupling * 2.6) / AU.electron_share**1.5
    assert total_conductance(np.inf, 0.0, AU, None) == pytest.approx(series, rel=1e-12)
    assert total_conductance(0.0, 0.0, AU, None) == 0.0
    # all through the electrons: the lattice's share of the heat crosses to them first
    expected = 1 / (1 / 1e8 + (1 - AU.electron_share) ** 2 / AU.exchange()[0])
    assert total_conductance(0.0, 1e8, AU, None) == pytest.approx(expected, rel=1e-12)
    assert total_conductance(1e-3, 1e8, AU, None) == pytest.approx(expected, rel=1e-9)
    assert np.isnan(total_conductance(np.nan, 0.0, AU, None))


def test_like_metals_with_open_contact_have_no_resistance_but_that_of_the_exchange():
    assert total_conductance(np.inf, 1e30, AL, AL) > 1e29
    swapped = [total_conductance(G, 2e9, *pair) for pair in ((AL, AU), (AU, AL))]
    assert swapped[0] == pytest.approx(swapped[1], rel=1e-14)


@given(st.floats(5e9, 3e10), st.floats(5e9, 3e10), st.floats(1.0, 1e3))
def test_diffuse_free_electrons_are_channels_with_a_quantum_of_heat_conductance_each(one, other, t):
    """k_F²/(2π) channels per area, spin included, with π²k_B²T/(3h) each."""
    mass = 9.1093837e-31
    sides = [
        Metal(1.0, 1.0, 1.0, BOLTZMANN**2 * mass * k / (3 * HBAR**2), HBAR * k / mass) for k in (one, other)
    ]
    quantum = np.pi**2 * BOLTZMANN**2 * t / (3 * PLANCK)
    channels = [k**2 / (2 * np.pi) for k in (one, other)]
    crossing = channels[0] * channels[1] / sum(channels)
    assert diffuse_electrons(*sides, [t]) == pytest.approx(quantum * crossing, rel=1e-12)


def test_the_table_is_complete_and_marked():
    table = metals()
    assert list(table) == ["Al", "Cu", "Ag", "Au", "Ni", "Pt"]
    sources = (ROOT / "docs" / "sources.md").read_text("utf-8")
    for record in table.values():
        for name, one in record.quantities.items():
            assert one.evidence in EVIDENCE, (record.name, name)
            assert one.note, (record.name, name)
            assert one.source in sources or "none at hand" in one.source, (record.name, name)
    listed = run("amm", "--list-metals")
    assert listed.exit_code == 0
    assert (
        "  coupling                  2.35e+16 (2.1e+16 to 2.6e+16) W m-3 K-1\n    from memory"
        in listed.output
    )


@pytest.mark.parametrize(("name", "valence"), [("Al", 3), ("Cu", 1), ("Ag", 1), ("Au", 1)])
def test_free_electrons_of_the_table_are_those_of_the_structure_files(name, valence):
    atoms = read_structure(ROOT / "structures" / f"{name.lower()}.cif")
    k = (3 * np.pi**2 * valence * len(atoms) / atoms.get_volume()) ** (1 / 3) * 1e10
    mass = 9.1093837e-31
    found = metals()[name].quantities
    assert found["fermi_velocity"].value == pytest.approx(HBAR * k / mass, rel=5e-4)
    gamma = BOLTZMANN**2 * mass * k / (3 * HBAR**2)
    assert found["heat_capacity_coefficient"].value == pytest.approx(gamma, rel=1e-3)


def test_aluminium_and_copper_by_their_electrons():
    """Measured: 4000 MW m⁻² K⁻¹ at 298 K, linear in T (Gundrum, Cahill and Averback)."""
    al, cu = (metals()[name] for name in ("Al", "Cu"))
    cold, warm = diffuse_electrons(al.metal, cu.metal, [80.0, 298.0]) / 1e6
    assert warm == pytest.approx(5167, abs=1)
    assert cold / 80 == pytest.approx(warm / 298, rel=1e-14)


@pytest.mark.slow
def test_the_range_is_that_of_all_corners(tmp_path):
    tree = survey_of(tmp_path, "al", "sapphire")
    node = tree["electrons"].to_dataset()
    corners = metals()["Al"].corners()
    assert len(corners) == 8  # g, lattice conductivity, γ
    g = tree["comparison"]["conductance"].values
    ends = [total_conductance(g, 0.0, one, None) for one in corners]
    assert np.array_equal(node["conductance_low"], np.min(ends, axis=0))
    assert np.array_equal(node["conductance_high"], np.max(ends, axis=0))
    assert np.array_equal(node["conductance"], total_conductance(g, 0.0, metals()["Al"].metal, None))
    assert (node["conductance_low"] < node["conductance"]).all()


def survey_of(tmp_path, left, right, *more):
    path = tmp_path / "r.nc"
    done = run(
        *("dmm", "--left-medium", left, "--right-medium", right, "-T", "100", "-T", "300"),
        *("--electrons", "-o", str(path), "--force", *more),
    )
    assert done.exit_code == 0, done.output
    return read(path)


@pytest.mark.slow
def test_file_table_and_json_hold_phonons_electrons_and_total(tmp_path):
    tree = survey_of(tmp_path, "al", "cu", "--experiment", "measured")
    node = tree["electrons"].to_dataset()
    for name, variable in node.data_vars.items():
        assert variable.attrs["units"] == "W m-2 K-1", name
        assert variable.attrs["long_name"], name
    al, cu = (metals()[name] for name in ("Al", "Cu"))
    h = diffuse_electrons(al.metal, cu.metal, [100.0, 300.0])
    assert np.array_equal(node["conductance_electron"], h)
    for name, factor in (("conductance", 1.0), ("conductance_four_probe", 2.0)):
        expected = total_conductance(tree["comparison"][name].values, factor * h, al.metal, cu.metal)
        assert np.array_equal(node[name], expected), name
    told = json.loads(node.attrs["metals"])
    assert told[0]["quantities"]["coupling"]["low"] == al.quantities["coupling"].low
    lines = electron_lines(tree)
    assert lines[0].endswith("Al | Cu")
    assert lines[5].split()[:3] == [
        "300",
        f"{h[1] / 1e6:.5g}",
        f"{node['conductance'].values[0, 1] / 1e6:.5g}",
    ]
    pair = ("--left-medium", "al", "--right-medium", "cu", "-T", "100", "-T", "300", "--electrons")
    printed = run("dmm", *pair, "--experiment", "measured").output
    assert "\n".join(lines) in printed
    assert "(four-probe, with electrons)" in printed
    total = node["conductance_four_probe"].sel(model="dmm-debye", temperature=300.0).item() / 1e6
    (measured,) = [line for line in printed.splitlines() if line.split()[:2] == ["298", "4000"]][:1]
    assert measured.split()[3] == f"{total:.4g}"
    found = json.loads(run("dmm", *pair, "--json").stdout)["electrons"]
    assert found["conductance"]["dmm-debye"] == node["conductance"].sel(model="dmm-debye").values.tolist()


@pytest.mark.slow
def test_compare_has_electrons_too(tmp_path):
    """Argon as if it were a metal, which makes for a quick contact."""
    own = tmp_path / "own.csv"
    own.write_text("metal,quantity,value\nAr,coupling,1e16\nAr,conductivity,35\nAr,lattice_conductivity,2\n")
    argon = [str(ROOT / "structures" / "ar.cif")] * 2
    few = ("--potential", "lj", "--model", "dmm-debye", "--kmesh", "3", "3", "--frequencies", "8")
    asked = ("--electrons", "--metals", str(own), "--electron-conductance", "50")
    found = json.loads(run("compare", *argon, *few, *asked, "--json", "-q").stdout)
    metal = Metal(1e16, 33.0, 2.0)
    assert found["electrons"]["conductance_electron"] == [5e7]
    expected = total_conductance(found["conductance"]["dmm-debye"], 5e7, metal, metal)
    assert found["electrons"]["conductance"]["dmm-debye"] == expected.tolist()
    assert "as given" in found["limits"][1]


def test_a_result_with_electrons_cites_them(tmp_path):
    survey_of(tmp_path, "al", "si")
    said = run("cite", str(tmp_path / "r.nc")).output
    assert "majumdar2004" in said
    assert "checked against the text" in said


def test_off_by_default_and_phonons_stay_as_they_are(tmp_path):
    media = ("--left-medium", "al", "--right-medium", "si", "-T", "300")
    without, beside = (
        json.loads(run("amm", *media, "--json", *more).stdout) for more in ((), ("--electrons",))
    )
    assert "electrons" not in without
    assert "electrons of the metal passes on is left out" not in beside["limits"][1]
    assert "left out" in without["limits"][1]
    assert {**without, "limits": None} == {key: beside[key] for key in without} | {"limits": None}


@pytest.mark.slow
def test_limits_say_what_is_in_and_warn_of_the_cold(tmp_path):
    tree = survey_of(tmp_path, "au", "sapphire")
    (line,) = [line for line in json.loads(tree.attrs["limits"]) if "electrons" in line]
    assert "no electron passes heat to the other side" in line
    assert f"below {COLD:g} K" in line
    given = survey_of(tmp_path, "au", "sapphire", "--electron-conductance", "100", "--film", "20")
    (line,) = [line for line in json.loads(given.attrs["limits"]) if "electrons" in line]
    assert "as given" in line
    expected = total_conductance(
        given["comparison"]["conductance"].values, 1e8, metals()["Au"].metal, None, thickness=2e-8
    )
    assert given["electrons"]["conductance"].values == pytest.approx(expected, rel=1e-14)
    assert given["electrons"].attrs["film_thickness_nm"] == pytest.approx(20)
    assert electron_lines(given)[0].endswith("Au | no metal, 20 nm thick")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--left-medium", "si", "--right-medium", "ge", "--electrons"), "no side is a metal of the table"),
        (
            ("--left-medium", "pb", "--right-medium", "si", "--electrons"),
            "Pb, whose electrons are in no table",
        ),
        (("--left-medium", "ni", "--right-medium", "al", "--electrons"), "fermi_velocity of Ni"),
        (("--left-medium", "al", "--right-medium", "si", "--film", "20"), "--film belongs to --electrons"),
        (
            ("--left-medium", "al", "--right-medium", "cu", "--electrons", "--film", "20"),
            "both sides are metals",
        ),
    ],
)
def test_wrong_input_is_refused(arguments, message):
    done = CliRunner().invoke(cli, ["dmm", *arguments])
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)


def test_the_conductance_of_electrons_between_two_metals_may_be_given():
    pair = ("--left-medium", "ni", "--right-medium", "al", "--electrons", "--electron-conductance", "3000")
    found = json.loads(run("dmm", *pair, "--json").stdout)["electrons"]
    assert found["conductance_electron"] == [3e9]


def test_own_metals_stand_in_and_beside(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(
        "# mine\nmetal,quantity,value\nPb,coupling,1.2e16\nPb,conductivity,35\nPb,lattice_conductivity,2\n"
    )
    pair = ("--left-medium", "pb", "--right-medium", "diamond", "--electrons", "--metals", str(path))
    found = json.loads(run("dmm", *pair, "--json").stdout)
    g = found["conductance"]["dmm-debye"][0]
    expected = total_conductance(g, 0.0, Metal(1.2e16, 33.0, 2.0), None)
    assert found["electrons"]["conductance"]["dmm-debye"] == [pytest.approx(float(expected), rel=1e-14)]
    assert found["electrons"]["conductance_low"] == found["electrons"]["conductance"]
    result = tmp_path / "r.nc"
    assert run("dmm", *pair, "-o", str(result), "-q").exit_code == 0
    assert "metals" in json.loads(read(result).attrs["input_sha256"])
    refused = run("dmm", *pair, "-o", str(path), "--force")
    assert "would overwrite the table of metals" in refused.output
    assert path.read_text().startswith("# mine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must name its columns"),
        ("metal,value\nAl,3\n", "missing: quantity"),
        ("metal,quantity,value\nAl,coupling,2e17\n", "has no conductivity, lattice_conductivity"),
        ("metal,quantity,value\nAl,colour,1\n", "one of coupling"),
        ("metal,quantity,value\nAl,coupling,much\n", "'much' in row 1"),
        ("metal,quantity,value\nAl,coupling,2.45\n", "from 1e+14"),
        ("metal,quantity,value,low\nAl,coupling,2e17,3e17\n", "low ≤ value ≤ high"),
        ("metal,quantity,value,unit\nAl,coupling,2e17,W cm-3 K-1\n", "must be in W m-3 K-1"),
        ("metal,quantity,value\nAl,coupling,2e17,9\n", "must have 3 values"),
        (
            "metal,quantity,value\nAl,coupling,2e17\nAl,conductivity,6\nAl,lattice_conductivity,6\n",
            "must exceed its `lattice_conductivity`",
        ),
    ],
)
def test_wrong_tables_are_refused(tmp_path, text, message):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message.replace("+", r"\+").replace("`", ".")):
        read_metals(path)


def test_wrong_numbers_are_refused():
    for wrong in ({"coupling": 0.0}, {"electron_conductivity": np.inf}, {"lattice_conductivity": -1.0}):
        with pytest.raises(InputError, match="must be a positive number"):
            Metal(**{"coupling": 1e17, "electron_conductivity": 1.0, "lattice_conductivity": 1.0, **wrong})
    with pytest.raises(InputError, match="a metal on one side"):
        total_conductance(G, 0.0, None, None)
    with pytest.raises(InputError, match="both sides are metals"):
        total_conductance(G, 0.0, AL, AU, thickness=1e-8)
    with pytest.raises(InputError, match="must not be negative"):
        total_conductance(G, -1.0, AL, None)
    with pytest.raises(InputError, match="must be positive"):
        AL.exchange(0.0)
    with pytest.raises(InputError, match="`heated` must be one of"):
        AL.exchange(1e-8, "lattice")
    with pytest.raises(InputError, match="need `heat_capacity_coefficient`"):
        diffuse_electrons(EVEN, AL, [300.0])


def test_sides_are_recognised_by_their_elements():
    left, right = metals_of(["Al", "Al"], ["Si"])
    assert left.name == "Al"
    assert right is None
    assert metals_of([], ["Au"])[1].name == "Au"
    with pytest.raises(InputError, match="Al-Cu"):
        metals_of(["Al", "Cu"], ["Si"])


def test_the_shipped_table_names_units_of_its_quantities():
    text = (files("latmm.electrons") / "metals.csv").read_text("utf-8")
    assert all(unit in text for unit, _, _ in QUANTITIES.values())
    assert put_electrons.__module__ == "latmm.electrons.beside"
