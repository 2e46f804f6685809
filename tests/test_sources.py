"""Every source carries a mark of how far it was checked; numbers agree with the copies that are at hand."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matscipy.calculators.manybody.explicit_forms.stillinger_weber import Stillinger_Weber_PRB_31_5262_Si
from matscipy.calculators.manybody.explicit_forms.tersoff_brenner import Tersoff_PRB_39_5566_Si_C

from latmm.continuum.library import EVIDENCE, MEASURED, medium
from latmm_cli.main import cli

ROOT = Path(__file__).parent.parent
STRUCTURES = ROOT / "structures"
MARKS = ("text", "copy", "memory")
CITATION = re.compile(r" (\d+[A-Z]?), ([A-Z]?\d+) \(((?:18|19|20)\d\d)\)")


def written(path):
    """Text of a file, its lines joined and the marks of comments taken out."""
    return re.sub(r"\s*\n[#| ]*", " ", path.read_text(encoding="utf-8"))


def table():
    rows = re.findall(
        r"^\| (.+?) \| .+? \| (.+?) \|$", (ROOT / "docs" / "sources.md").read_text("utf-8"), re.M
    )
    return {source: evidence for source, evidence in rows if not source.startswith(("source", "-"))}


def test_every_source_of_the_list_has_one_of_three_marks():
    assert len(table()) > 70
    for source, evidence in table().items():
        assert evidence.split()[0].rstrip(";") in MARKS, source


def test_every_paper_that_is_cited_is_in_the_list():
    listed = {match for source in table() for match in CITATION.findall(source)}
    files = [
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("latmm/**/*.py"),
        *STRUCTURES.glob("**/*"),
    ]
    cited = {
        match: path.name
        for path in files
        if path.suffix in {".md", ".py", ".cif", ".toml"}
        for match in CITATION.findall(written(path))
    }
    assert len(cited) > 60
    assert not {match: name for match, name in cited.items() if match not in listed}


def test_every_medium_says_how_far_it_was_checked():
    said = CliRunner().invoke(cli, ["amm", "--list-media"])
    assert said.exit_code == 0
    for name, record in MEASURED.items():
        assert record.evidence in EVIDENCE, name
        assert record.note, name
        assert f"{record.source}\n{'':<9}{record.evidence}: {record.note}" in said.output


def test_every_structure_and_potential_says_how_far_it_was_checked():
    index = (STRUCTURES / "README.md").read_text(encoding="utf-8")
    for path in [*STRUCTURES.glob("*.cif"), *STRUCTURES.glob("potentials/*.toml")]:
        mark = re.search(r"# Evidence: ([^(;]+?)[ ;(]*\(", path.read_text(encoding="utf-8"))
        assert mark, path.name
        assert mark[1] in EVIDENCE, path.name
        name = path.relative_to(STRUCTURES).as_posix()
        row = re.search(rf"^\| `{re.escape(name)}` .*\| (.+?) \|$", index, re.M)
        assert row[1].startswith(mark[1]), path.name


def test_parameters_are_those_of_another_transcription():
    """matscipy's: Stillinger-Weber silicon, and Tersoff's silicon and carbon of 1989."""
    sets = {
        name: tomllib.loads((STRUCTURES / "potentials" / f"{name}.toml").read_text("utf-8"))
        for name in ("stillinger_weber", "tersoff")
    }
    own, form = sets["stillinger_weber"]["element"]["Si"], sets["stillinger_weber"]["form"]
    other = Stillinger_Weber_PRB_31_5262_Si
    pairs = [(own["epsilon"], "epsilon"), (own["sigma"], "sigma"), (own["lambda"], "lambda1")]
    pairs += [(form[name], name) for name in ("A", "B", "p", "a", "gamma")]
    assert [value for value, _ in pairs] == [other[name] for _, name in pairs]
    assert -form["cos_theta"] == pytest.approx(other["costheta0"], abs=1e-12)

    tersoff = Tersoff_PRB_39_5566_Si_C
    for element, single, bond in (("C", 0, 0), ("Si", 1, 2)):
        own = sets["tersoff"]["element"][element]
        for name in ("beta", "n", "c", "d", "h"):
            assert own[name] == tersoff[name][single], (element, name)
        for name, theirs in (
            ("A", "A"),
            ("B", "B"),
            ("lambda", "lambda"),
            ("mu", "mu"),
            ("R", "r1"),
            ("S", "r2"),
        ):
            assert own[name] == tersoff[theirs][bond], (element, name)
    assert sets["tersoff"]["chi"]["C-Si"] == tersoff["chi"][1]


def test_lattice_constant_of_silicon_is_that_of_codata():
    from scipy.constants import physical_constants

    text = (STRUCTURES / "si.cif").read_text("utf-8")
    a = float(re.search(r"_cell_length_a (\S+)", text)[1])
    assert a == pytest.approx(1e10 * physical_constants["lattice parameter of silicon"][0], abs=5e-6)


def shear_along(name, degrees):
    """Speed, km/s, of the wave polarised along x whose normal lies between y and z."""
    direction = np.array([0.0, np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    speed, polarisation = medium(name).christoffel(direction)
    return float(speed[np.argmax(np.abs(polarisation[0]))])


@pytest.mark.parametrize(("degrees", "constant"), [(35.25, 1.661), (-49.2, 2.536)])
def test_quartz_plates_ring_as_they_are_known_to(degrees, constant):
    """AT and BT cuts: thickness times frequency is half the speed of shear, less 0.4 % of piezoelectricity.

    Towards z on the other side of y the speeds differ by a third: the sign of C14 belongs to the axes.
    """
    assert shear_along("quartz", degrees) == pytest.approx(2 * constant, rel=6e-3)
    assert abs(shear_along("quartz", -degrees) / (2 * constant) - 1) > 0.2


def test_sapphire_is_in_obverse_axes():
    """C14 > 0 where x is along a₁: shear along x is faster with its normal at y + z than at y − z."""
    assert shear_along("sapphire", 45.0) > 1.05 * shear_along("sapphire", -45.0)
