"""Structure files: what they hold, and what is refused."""

import hashlib
import pickle
import re
import warnings
from importlib.resources import files
from pathlib import Path

import ase.io
import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st

from latmm.errors import InputError
from latmm.structures import check_contacts, file_digest, read_structure
from latmm.units import AMU_PER_A3

STRUCTURES = Path(str(files("latmm_structures")))
# handbook densities at the temperature of the file, g/cm³: a slip in a lattice constant would show
DENSITY = {
    "c": 3.513, "si": 2.329, "ge": 5.323, "sic": 3.21, "gaas": 5.318, "alas": 3.73, "mgo": 3.58, "ar": 1.77,
    "al": 2.70, "ni": 8.90, "cu": 8.94, "pd": 12.0, "ag": 10.5, "pt": 21.5, "au": 19.3, "aln": 3.26,
    "gan": 6.1, "graphite": 2.265,
}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def to_file(atoms, name="crystal.extxyz", **options):
        path = tmp_path / name
        ase.io.write(path, atoms, **options)
        return path

    return to_file


def test_every_structure_file_is_in_the_index_with_its_lattice_constant():
    rows = dict(
        re.findall(r"^\| `(\w+\.cif)` \|.*?\|.*?\| (.*?) \|", (STRUCTURES / "README.md").read_text(), re.M)
    )
    assert set(rows) == {path.name for path in STRUCTURES.glob("*.cif")}
    for name, constant in rows.items():
        crystal = read_structure(STRUCTURES / name)
        header = " ".join(re.findall(r"^# (.*)", (STRUCTURES / name).read_text(), re.M))
        assert re.search(rf"constants? {re.escape(constant.split(',')[0])}", header)
        assert float(re.search(r"[\d.]+", constant).group()) == pytest.approx(
            crystal.cell.lengths()[0], abs=1e-9
        )
        if "c = " in constant:
            assert float(re.search(r"c = ([\d.]+)", constant).group(1)) == crystal.cell.lengths()[2]


@pytest.mark.parametrize("name", sorted(DENSITY))
def test_lattice_constant_agrees_with_the_weighed_density(name):
    crystal = read_structure(STRUCTURES / f"{name}.cif")
    density = crystal.get_masses().sum() / crystal.get_volume() * AMU_PER_A3
    assert density == pytest.approx(DENSITY[name], rel=5e-3)


@pytest.mark.parametrize("path", sorted(STRUCTURES.glob("*.cif")), ids=lambda path: path.stem)
def test_atoms_have_the_space_group_that_the_file_states(path, monkeypatch):
    monkeypatch.setattr(
        "spglib.error.OLD_ERROR_HANDLING", False, raising=False
    )  # else it warns of its own change
    crystal = read_structure(path)
    stated = int(re.search(r"\((\d+)\);", path.read_text()).group(1))
    dataset = spglib.get_symmetry_dataset(
        (crystal.cell.array, crystal.get_scaled_positions(), crystal.numbers), symprec=1e-8
    )
    assert dataset.number == stated


def test_structure_comes_without_calculator_constraints_or_warnings(write):
    atoms = bulk("Cu", cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=1.0)
    atoms.set_constraint(FixAtoms([0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", "Setting the shape on a NumPy array", DeprecationWarning
        )  # ASE's own
        crystal = read_structure(write(atoms))
    assert crystal.calc is None
    assert not crystal.constraints
    assert crystal.pbc.all()
    assert len(pickle.loads(pickle.dumps(crystal))) == 4


def test_warnings_of_the_reader_do_not_leak(tmp_path):
    path = tmp_path / "new.cif"
    path.write_text("#\\#CIF_2.0\n" + (STRUCTURES / "si.cif").read_text())  # ASE warns of the version
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_structure(path)) == 8


def test_atom_that_the_reader_would_drop_is_an_error(tmp_path):
    path = tmp_path / "short.cif"
    path.write_text((STRUCTURES / "si.cif").read_text().replace("Si8 Si", "Si8 Si Si"))
    with pytest.raises(InputError, match="Wrong number"):
        read_structure(path)


def test_masses_in_the_file_are_honoured(write):
    atoms = bulk("Si", cubic=True)
    atoms.set_masses([28.0, 29.0, 30.0, 28.0, 28.0, 28.0, 28.0, 72.0])
    path = write(atoms, columns=["symbols", "positions", "masses"])
    np.testing.assert_allclose(read_structure(path).get_masses(), atoms.get_masses())


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.floats(1.0, 300.0))
def test_mass_override_touches_its_element_only(mass):
    crystal = read_structure(STRUCTURES / "sic.cif", {"Si": mass})
    silicon = crystal.symbols == "Si"
    np.testing.assert_array_equal(crystal.get_masses()[silicon], mass)
    np.testing.assert_allclose(crystal.get_masses()[~silicon], 12.011)


def test_override_beats_the_mass_in_the_file(write):
    atoms = bulk("Si", cubic=True)
    atoms.set_masses(np.full(8, 30.0))
    path = write(atoms, columns=["symbols", "positions", "masses"])
    np.testing.assert_array_equal(read_structure(path, {"Si": 72.63}).get_masses(), 72.63)


@pytest.mark.parametrize("mass", [0.0, -1.0, float("nan"), float("inf")])
def test_mass_that_is_no_positive_number_is_refused(mass):
    with pytest.raises(InputError, match="mass of Si must be a positive number"):
        read_structure(STRUCTURES / "si.cif", {"Si": mass})


def test_mass_of_an_absent_element_is_refused():
    with pytest.raises(InputError, match=r"given for Ge, but .* holds Si"):
        read_structure(STRUCTURES / "si.cif", {"Ge": 72.63})


def test_nonpositive_mass_in_the_file_is_refused(write):
    atoms = bulk("Si", cubic=True)
    atoms.set_masses([-1.0] + [28.0] * 7)
    with pytest.raises(InputError, match="mass of atom 1 must be a positive number"):
        read_structure(write(atoms, columns=["symbols", "positions", "masses"]))


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_structure(tmp_path / "absent.cif")
    with pytest.raises(InputError, match="is a folder"):
        read_structure(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("noise.cif", "no crystal\n"), ("noise.dat", "no crystal\n"), ("empty.cif", ""), ("empty.xyz", ""),
     ("binary.extxyz", "\x00\x01\x02"), ("POSCAR", "Si\n1.0\n")],
)  # fmt: skip
def test_unreadable_file_is_refused_in_one_line(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(str(path))) as caught:
        read_structure(path)
    assert "\n" not in str(caught.value)


def test_reason_of_several_lines_is_told_in_one(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("first line\n  second line")

    monkeypatch.setattr("ase.io.read", refuse)
    path = tmp_path / "si.cif"
    path.write_text("data_si\n")
    with pytest.raises(InputError, match=r"\(first line second line\)"):
        read_structure(path)


def test_at_sign_in_a_file_name_selects_nothing(tmp_path):
    path = tmp_path / "si@2.cif"
    path.write_text((STRUCTURES / "si.cif").read_text())
    assert len(read_structure(path)) == 8


def boxed_water():
    water = molecule("H2O")
    water.center(vacuum=5.0)
    water.pbc = True
    return water


def slab():
    layers = fcc111("Al", (1, 1, 3), vacuum=8.0)
    layers.info.clear()
    return layers


@pytest.mark.parametrize(
    ("atoms", "reason"),
    [
        (Atoms(cell=[3, 3, 3], pbc=True), "no atoms"),
        (molecule("H2O"), "molecule"),
        (boxed_water(), "vacuum"),
        (slab(), "periodic along a, b;"),
        (Atoms("Si2", cell=[5, 5, 5]), "periodic along none"),
        (Atoms("Si", cell=[[4, 0, 0], [0, 4, 0], [4, 4, 1e-4]], pbc=True), "flat cell"),
        (Atoms("Si2", positions=[[0, 0, 0], [4.9, 0, 0]], cell=[5, 5, 5], pbc=True), "apart"),
        (Atoms("X", cell=[3, 3, 3], pbc=True), "unknown element"),
        (Atoms("Si", positions=[[np.nan, 0, 0]], cell=[3, 3, 3], pbc=True), "not finite"),
    ],
)
def test_what_is_no_crystal_is_refused(write, atoms, reason):
    with pytest.raises(InputError, match=reason):
        read_structure(write(atoms))


@pytest.mark.parametrize(
    "occupants", ["Si1 Si 0 0 0 0.5", "Si1 Si 0 0 0 0.5\nGe1 Ge 0 0 0 0.5", "Si1 Si 0 0 0 1\nGe1 Ge 0 0 0 1"]
)
def test_partial_occupancy_is_refused(tmp_path, occupants):
    text = (STRUCTURES / "si.cif").read_text().replace("Si1 Si 0 0 0 1", occupants)
    path = tmp_path / "alloy.cif"
    path.write_text(text)
    with pytest.raises(InputError, match="partial occupancy"):
        read_structure(path)


def test_digest_is_the_files_sha256():
    path = STRUCTURES / "si.cif"
    assert file_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("symbols", "distance", "squeezed"),
    [("CO", 1.128, False), ("NN", 1.098, False), ("HH", 0.741, False), ("VO", 1.58, False),
     ("ArAr", 3.0, False), ("SiSi", 1.2, True), ("ArAr", 2.1, True), ("CO", 0.8, True)],
)  # fmt: skip
def test_atoms_squeezed_into_each_other_are_refused_and_short_bonds_are_not(symbols, distance, squeezed):
    atoms = Atoms(symbols, positions=[(0, 0, 0), (0, 0, distance)], cell=(9, 9, 0), pbc=(True, True, False))
    if squeezed:
        with pytest.raises(InputError, match=r"contact: atoms .* apart, less than 0\.6 of the sum"):
            check_contacts(atoms, "contact")
    else:
        check_contacts(atoms, "contact")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '999999999999\nLattice="5 0 0 0 5 0 0 0 5"\nAr 0 0 0\n',
            r"promises 1e\+12 atoms, but ends after 1 lines",
        ),
        ('1\nLattice="-5 0 0 0 5 0 0 0 1e-6"\nAr 0 0 0\n', "convert the unit of length"),
        ('1\nLattice="5 0 0 0 5 0 0 0 5"\nar 0 0 0\n', "names an element 'ar'; write 'Ar'"),
        ('1\nLattice="5 0 0 0 5 0 0 0 5"\nAr 1e8 0 0\n', "an atom over 100 cells away"),
    ],
)
def test_structure_that_cannot_be_meant_is_refused(text, reason, tmp_path):
    path = tmp_path / "a.extxyz"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        read_structure(path)


def test_formats_whose_readers_run_code_are_refused(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(InputError, match="neither run code nor open other files"):
        read_structure(path)
