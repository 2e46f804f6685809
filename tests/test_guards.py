"""Checks and guards: far from equilibrium nothing passes without a word, and what failed says what to do."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import ase.io
import numpy as np
import pytest
from click.testing import CliRunner

from latmm.checks import KINDS, allow, by_name, check, dumps, failed, kind_of, loads, worst
from latmm.errors import InputError
from latmm.interface.build import build_interface, join_crystals, match_alike
from latmm.interface.guards import SHIFT, crystal_guards, force_scale, stability
from latmm.interface.region_file import read_region, write_region
from latmm.lattice.stiffness import elasticity
from latmm_cli.main import cli, main
from latmm_cli.wording import in_options

PLANES = ((0, 0, 1), (0, 0, 1))
ARGON = str(files("latmm_structures") / "ar.cif")
OPTIONS = ["--potential", "lj", "--potential-option", "cutoff=6", "-q"]


def scaled(atoms, factors):
    found = atoms.copy()
    found.set_cell(found.cell.array * np.asarray(factors), scale_atoms=True)
    return found


def test_checks_survive_json_and_those_not_known_neither_pass_nor_fail():
    checks = by_name(
        [
            check("stress_left", 0.3, 0.2, where="zz"),
            check("stress_right", np.nan, 0.2),
            check("energy", 0, 1e-8),
        ]
    )
    again = loads(dumps(checks))
    assert again["stress_left"] == checks["stress_left"]
    assert again["energy"] == checks["energy"]
    assert not again["stress_right"].known
    plain = json.loads(dumps(checks))
    assert plain["stress_right"]["value"] is plain["stress_right"]["passed"] is None
    assert [one.name for one in failed(checks)] == ["stress_left"]


def test_worst_of_several_results_is_the_nearest_to_its_limit():
    mild, grave, unknown = (by_name([check("stress_left", v, 0.2)]) for v in (0.1, 0.5, np.nan))
    assert worst([mild, unknown, grave])["stress_left"].value == 0.5
    assert worst([unknown, mild])["stress_left"].value == 0.1


def test_checks_are_allowed_by_name_or_kind_and_unknown_names_refused():
    checks = by_name([check("stress_left", 1, 0.2), check("stress_right", 1, 0.2), check("energy", 1, 1e-8)])
    assert [one.allowed for one in allow(checks, ["stress_left"]).values()] == [True, False, False]
    assert [one.allowed for one in allow(checks, ["stress", "energy"]).values()] == [True, True, True]
    with pytest.raises(InputError, match=r"no check 'stres'; the checks are dispersion, .*stress"):
        allow(checks, ["stres"])
    with pytest.raises(InputError, match="no check 'energy_left'"):
        kind_of("energy_left")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_check_has_a_remedy_in_both_languages(kind):
    name = f"{kind}_left" if "{side}" in KINDS[kind][1] else kind
    one = check(name, 1.0, 0.5)
    assert "{" not in one.text
    assert len(one.remedy) > 10
    assert "`" not in in_options(one.remedy)


def test_remedies_name_options_on_the_command_line():
    assert in_options("raise `kmesh`, now 8 8") == "raise --kmesh, now 8 8"
    assert in_options("leave `relax=False` out") == "leave --no-relax out"


def test_stress_of_a_compressed_crystal_is_that_of_its_bulk_modulus(argon, argon_springs):
    """σ = 3 K ε for small ε, from the stiffness of the force constants: a route without stresses."""
    strain = 1e-4
    atoms = scaled(argon.constants.atoms, 1.0 - strain)
    stress, force = crystal_guards(
        "left", replace(argon.constants, atoms=atoms), argon_springs, strained=False
    )
    c = elasticity(argon.constants).stiffness
    assert stress.value == pytest.approx((c[0, 0] + 2 * c[0, 1]) * strain, rel=0.01)
    assert stress.unit == "GPa"
    assert stress.passed
    assert force.value < 1e-10
    # ρ<c²> of a cubic crystal is (C11 + 2 C44)/3
    assert stress.limit == pytest.approx(SHIFT * (c[0, 0] + 2 * c[3, 3]) / 3, rel=0.01)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_of_equal_stresses_the_first_is_named(argon, argon_springs, axis):
    atoms = scaled(argon.constants.atoms, 1.0)
    strain = np.full(3, -1e-4)
    strain[axis] -= 1e-12
    atoms.set_cell(atoms.cell.array @ np.diag(1.0 + strain), scale_atoms=True)
    crystal = replace(argon.constants, atoms=atoms)
    assert crystal_guards("left", crystal, argon_springs, strained=False)[0].where == "xx"


def test_only_what_relaxation_would_release_counts_as_stress(argon, argon_springs):
    atoms = scaled(argon.constants.atoms, (1.0, 1.0, 1.0))
    atoms.set_cell(atoms.cell.array @ np.diag([0.97, 0.97, 1.0]), scale_atoms=True)
    crystal = replace(argon.constants, atoms=atoms)
    whole, normal = (
        crystal_guards("right", crystal, argon_springs, strained=strained)[0] for strained in (False, True)
    )
    c = elasticity(argon.constants).stiffness
    # biaxial strain: σ_xx = (C11 + C12) ε, σ_zz = 2 C12 ε
    assert whole.value / normal.value == pytest.approx((c[0, 0] + c[0, 1]) / (2 * c[0, 1]), rel=0.2)
    assert normal.where == "zz"
    assert not normal.passed


@pytest.mark.slow
def test_a_matched_side_relaxed_along_its_normal_passes_in_spite_of_its_strain(structure, argon_springs):
    right = scaled(structure("ar"), 1.02)
    relaxed = match_alike(structure("ar"), right, (0, 0, 1), argon_springs, relax=True)
    rigid = match_alike(scaled(structure("ar"), 0.98), right, (0, 0, 1), argon_springs, relax=False)
    assert np.abs(rigid.strain_right).max() > 0.03
    good = join_crystals(relaxed, PLANES, argon_springs, start=(0, 0, 0))
    assert not failed(good.checks)
    bad = join_crystals(rigid, PLANES, argon_springs, start=(0, 0, 0), relax=False)
    assert {"stress_left", "stress_right"} <= {one.name for one in failed(bad.checks)}


@pytest.mark.slow
def test_a_moved_atom_is_named_and_a_contact_at_rest_is_not(structure, argon_springs, tmp_path):
    matched = match_alike(structure("ar"), structure("ar", {"Ar": 160.0}), (0, 0, 1), argon_springs)
    interface = join_crystals(matched, PLANES, argon_springs, start=(0, 0, 0), layers=4)
    path = tmp_path / "contact.extxyz"
    write_region(interface, path, {})
    assert interface.checks["residual_force"].passed
    atoms = ase.io.read(path)
    chosen = int(np.flatnonzero((atoms.get_array("side") == 1) & (atoms.get_array("layer") == 0))[0])
    atoms.positions[chosen] += [0.3, 0.0, 0.0]
    ase.io.write(path, atoms)
    region = read_region(path, interface.matched)
    moved = join_crystals(interface.matched, PLANES, argon_springs, start=region, relax=False)
    force = moved.checks["residual_force"]
    assert not force.passed
    assert ", Ar in layer 0 of the right, at x = " in force.where
    # to first order F = k u
    own = np.einsum("iiaa->i", interface.left.values[~interface.left.cells.any(axis=1)][0]) / 3
    assert force.value == pytest.approx(0.3 * own.min(), rel=0.5)
    assert force.limit == pytest.approx(SHIFT * force_scale(interface.left), rel=1e-6)


def test_a_contact_unstable_at_the_corner_of_its_zone_alone_is_found(structure, argon_springs):
    """Springs between like atoms of neighbouring cells add −2κ(1 − cos k) to ω²: nothing at k∥ = 0."""
    interface = build_interface(structure("ar"), structure("ar", {"Ar": 160.0}), (0, 0, 1), argon_springs)
    moving = tuple(n + p for n, p in zip(interface.layers, interface.principal, strict=True))
    assert interface.checks["region_stability"].value == 0.0
    contact = interface.contact
    one = int(np.flatnonzero(interface.slab.side == 1)[0])
    own = np.flatnonzero((contact.first == one) & (contact.second == one))
    home = own[(contact.cell[own] == 0).all(axis=1)][0]
    values, kappa = contact.values.copy(), 0.25 * contact.values[home].trace() / 3
    for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        there = own[(contact.cell[own] == step).all(axis=1)][0]
        values[there] += kappa * np.eye(3)
        values[home] -= kappa * np.eye(3)
    soft = replace(contact, values=values)
    inner = np.flatnonzero(interface.slab.within(moving))
    centre = np.linalg.eigvalsh(soft.block(inner, inner)(np.zeros((1, 2))))
    assert centre.min() > 0.0
    found = stability(interface.slab, soft, moving, 1)
    assert not found.passed
    assert found.where.endswith("i THz at k∥ = 0.5, 0.5")


def compressed(tmp_path):
    path = tmp_path / "squeezed.extxyz"
    ase.io.write(path, scaled(ase.io.read(ARGON), 0.97))
    return str(path)


@pytest.mark.slow
def test_a_compressed_crystal_ends_with_three_and_is_marked_everywhere(tmp_path):
    crystal = compressed(tmp_path)
    arguments = ["compare", crystal, crystal, "--right-mass", "Ar=160", "--no-relax", *OPTIONS, "-j", "1"]
    arguments += ["--kmesh", "2", "2", "--frequencies", "6", "--model", "agf", "-T", "40"]
    result = CliRunner().invoke(cli, [*arguments, "--plot", str(tmp_path / "r.svg")])
    assert result.exit_code == 3
    assert "CHECK FAILED  stress_left: stress of the left crystal" in result.output
    assert "leave --no-relax out" in result.output
    told = "checks failed: stress_left, stress_right, residual_force; the result is marked"
    assert told in result.stderr
    assert b"<!-- checks failed: stress_left" in (tmp_path / "r.svg").read_bytes()
    accepted = CliRunner().invoke(
        cli,
        [
            *arguments,
            "--json",
            "--allow",
            "stress",
            "--allow",
            "residual_force",
            "-o",
            str(tmp_path / "r.nc"),
        ],
    )
    assert accepted.exit_code == 0, accepted.output
    checks = json.loads(accepted.stdout)["checks"]
    assert checks["stress_left"]["passed"] is False
    assert checks["stress_left"]["allowed"] is True
    assert checks["unitarity"]["allowed"] is False


@pytest.mark.slow
def test_build_and_wave_end_with_three_too(tmp_path):
    crystal = compressed(tmp_path)
    common = [crystal, crystal, "--right-mass", "Ar=160", "--no-relax", *OPTIONS]
    built = CliRunner().invoke(cli, ["build", *common, "-o", str(tmp_path / "c.extxyz")])
    assert built.exit_code == 3
    assert (tmp_path / "c.extxyz").exists()
    assert "CHECK FAILED  stress_right" in built.output
    wave = CliRunner().invoke(cli, ["wave", *common, "--frequency", "1", "--wave-vector", "0.1", "0"])
    assert wave.exit_code == 3


def test_continuum_models_of_compressed_crystals_end_with_three(tmp_path):
    crystal = compressed(tmp_path)
    common = ["dmm", crystal, crystal, "--no-relax", *OPTIONS, "--model", "dmm-debye", "--json"]
    result = CliRunner().invoke(cli, common)
    assert result.exit_code == 3
    assert json.loads(result.stdout)["checks"]["stress_right"]["passed"] is False
    assert CliRunner().invoke(cli, [*common, "--allow", "stress"]).exit_code == 0


def test_the_process_ends_with_three(tmp_path, capsys):
    crystal = compressed(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["build", crystal, crystal, "--no-relax", *OPTIONS])
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("latmm: checks failed: stress_left, stress_right")


def test_allow_refuses_a_name_that_no_check_has():
    result = CliRunner().invoke(cli, ["build", ARGON, ARGON, "--allow", "stres"])
    assert result.exit_code == 2
    assert "no check 'stres'" in result.output


def test_the_page_on_checks_names_them_all():
    page = (Path(__file__).parents[1] / "docs" / "checks.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}" not in page] == []
