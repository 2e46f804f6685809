"""Finished phonopy calculations: stored in any way they give phonopy's own phonons, or a clear refusal."""

import lzma
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import make_supercell
from phonopy import Phonopy
from phonopy.file_IO import write_FORCE_CONSTANTS, write_force_constants_to_hdf5, write_FORCE_SETS
from phonopy.structure.atoms import PhonopyAtoms
from scipy import constants

from latmm.agf.forms import Forms
from latmm.errors import InputError, InstabilityError
from latmm.interface.mixing import mix_interface
from latmm.lattice.dynamics import largest_frequency, phonons
from latmm.lattice.likelihood import improbable
from latmm.lattice.phonopy_bridge import NOISE, choose_supercell, finite_displacements, force_constant_table
from latmm.lattice.phonopy_files import differences, is_phonopy_file, read_phonopy
from latmm.lattice.space_group import crystal_symmetry, primitive_cell
from latmm.potentials.calculators import resolve_potential

CONVENTIONAL = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
"""Of a face-centred lattice, in vectors of the primitive cell."""
Q = np.random.default_rng(2).uniform(-0.5, 0.5, (8, 3))
WITH_CONSTANTS = {"force_constants": True, "force_sets": False, "displacements": False}
NOTHING = {"force_constants": False, "force_sets": False, "displacements": False}


@pytest.fixture(scope="module")
def carbide(structure):
    """Silicon carbide by Tersoff in 54 atoms: a polar axis, two masses, and phonopy's D(q) at Q."""
    potential = resolve_potential("tersoff", ["Si", "C"])
    atoms = primitive_cell(structure("sic"))
    phonon = finite_displacements(atoms, potential, supercell=3 * np.eye(3, dtype=int))
    return phonon


def with_constants(phonon, values):
    """The same cells with other force constants."""
    other = Phonopy(
        phonon.unitcell, phonon.supercell_matrix, primitive_matrix="P", is_symmetry=False, log_level=0
    )
    other.force_constants = values
    return other


def matrices(phonon, q=Q):
    return np.asarray(phonon.run_qpoints(q, with_dynamical_matrices=True).dynamical_matrices)


def frequencies(phonon, q=Q):
    return np.asarray(phonon.run_qpoints(q).frequencies)


def stored(phonon: Phonopy, folder: Path, how: str) -> Path:
    """Write the calculation in one of the ways that phonopy knows."""
    path = folder / "phonopy.yaml"
    if how in ("yaml", "yaml.xz"):
        phonon.save(path, settings=WITH_CONSTANTS)
        if how == "yaml.xz":
            packed = folder / "phonopy_params.yaml.xz"
            packed.write_bytes(lzma.compress(path.read_bytes()))
            return packed
        return path
    phonon.save(path, settings=NOTHING)
    rows = phonon.primitive.p2s_map
    if how == "FORCE_CONSTANTS":
        write_FORCE_CONSTANTS(phonon.force_constants, filename=folder / how, p2s_map=rows)
    elif how == "force_constants.hdf5":
        write_force_constants_to_hdf5(phonon.force_constants, filename=folder / how, p2s_map=rows)
    elif how == "FORCE_SETS":
        write_FORCE_SETS(phonon.dataset, filename=folder / how)
    return path


@pytest.mark.parametrize("how", ["yaml", "yaml.xz", "FORCE_CONSTANTS", "force_constants.hdf5", "FORCE_SETS"])
def test_dynamical_matrix_is_phonopys_however_it_is_stored(carbide, how, tmp_path):
    found = read_phonopy(stored(carbide, tmp_path, how))
    assert found.dispersion_error < 1e-10
    reference = matrices(carbide)
    # forces are written with ten digits
    tolerance = 1e-8 if how == "FORCE_SETS" else 1e-10
    assert np.abs(found.constants.dynamical_matrix(Q) - reference).max() < tolerance * np.abs(reference).max()
    # phonopy holds older values of the fundamental constants: 1.2e-7 in ν
    np.testing.assert_allclose(phonons(found.constants, Q).frequency, frequencies(carbide), rtol=2e-7)
    assert how.removeprefix("yaml") in found.source or how == "yaml"
    assert found.supercell == 54
    assert not found.polar


def test_full_force_constants_give_what_compact_ones_give(carbide, tmp_path):
    whole = Phonopy(carbide.unitcell, carbide.supercell_matrix, primitive_matrix="P", log_level=0)
    whole.dataset = carbide.dataset
    whole.produce_force_constants(show_drift=False)
    assert len(whole.force_constants) == 54
    found = read_phonopy(stored(whole, tmp_path, "yaml"))
    np.testing.assert_allclose(phonons(found.constants, Q).frequency, frequencies(carbide), rtol=1e-4)


def test_units_of_the_code_that_gave_the_forces_are_honoured(carbide, tmp_path):
    """The same crystal as Quantum ESPRESSO sees it: lengths in Bohr, force constants in Ry/Bohr²."""
    bohr = constants.physical_constants["Bohr radius"][0] * 1e10
    rydberg = constants.physical_constants["Rydberg constant times hc in eV"][0]
    own = carbide.unitcell
    unit = PhonopyAtoms(
        symbols=own.symbols,
        cell=own.cell / bohr,
        scaled_positions=own.scaled_positions,
        masses=own.masses,
    )
    other = Phonopy(unit, carbide.supercell_matrix, primitive_matrix="P", calculator="qe", log_level=0)
    other.force_constants = carbide.force_constants * bohr**2 / rydberg
    found = read_phonopy(stored(other, tmp_path, "yaml"))
    np.testing.assert_allclose(found.constants.volume, own.volume, rtol=1e-7)
    np.testing.assert_allclose(phonons(found.constants, Q).frequency, frequencies(carbide), rtol=1e-6)


ATOMIC = {
    "length": constants.physical_constants["Bohr radius"][0] * 1e10,
    "energy": constants.physical_constants["Rydberg constant times hc in eV"][0],
}


def in_units(phonon, *, length, constants, calculator):
    """The same cells with other numbers: lengths and force constants divided by these, a code stated."""
    own = phonon.unitcell
    unit = PhonopyAtoms(
        symbols=own.symbols, cell=own.cell / length, scaled_positions=own.scaled_positions, masses=own.masses
    )
    other = Phonopy(
        unit,
        phonon.supercell_matrix,
        primitive_matrix="P",
        is_symmetry=False,
        calculator=calculator,
        log_level=0,
    )
    other.force_constants = phonon.force_constants / constants
    return other


@pytest.mark.parametrize("calculator", [None, "qe"])
@pytest.mark.parametrize("length", [1.0, ATOMIC["length"]])
@pytest.mark.parametrize("factor", [1.0, ATOMIC["energy"] / ATOMIC["length"] ** 2])
def test_units_of_another_code_are_refused(silicon, calculator, length, factor, tmp_path):
    """Numbers in Å or Bohr, eV/Å² or Ry/Bohr², and a code that has those or others."""
    fits = (calculator, length, factor) in (
        (None, 1.0, 1.0),
        ("qe", ATOMIC["length"], ATOMIC["energy"] / ATOMIC["length"] ** 2),
    )
    path = stored(
        in_units(silicon.phonopy, length=length, constants=factor, calculator=calculator), tmp_path, "yaml"
    )
    if fits:
        assert read_phonopy(path).code == (calculator or "vasp")
        return
    with pytest.raises(
        InputError, match=rf"not in the units of its calculator, {calculator or 'vasp'}"
    ) as told:
        read_phonopy(path)
    assert "covalent radii" in str(told.value) or "THz, is" in str(told.value)


def test_contradicting_units_in_one_file_are_refused(silicon, tmp_path):
    path = stored(silicon.phonopy, tmp_path, "yaml")
    path.write_text(path.read_text().replace('length: "angstrom"', 'length: "au"'))
    with pytest.raises(InputError, match="physical_unit in YAML conflicts with calculator"):
        read_phonopy(path)


def test_crystals_of_all_kinds_are_probable(silicon, argon, aluminium):
    """Covalent, noble and metallic ones; the same with lengths or force constants in atomic units are not."""
    for crystal in (silicon, argon, aluminium):
        top = largest_frequency(crystal.constants)
        assert improbable(crystal.atoms, top) is None
        large, small = crystal.atoms.copy(), crystal.atoms.copy()
        large.set_cell(large.cell / ATOMIC["length"], scale_atoms=True)
        small.set_cell(small.cell * ATOMIC["length"], scale_atoms=True)
        if crystal is not argon:
            assert "covalent radii" in improbable(large, top)
            assert "below" in improbable(crystal.atoms, top / 7.0)
            assert "covalent radii" in improbable(small, 7.0 * top)
        assert "above" in improbable(crystal.atoms, 7.0 * top)


@pytest.mark.slow
def test_calculations_that_do_not_belong_together_are_named(silicon, structure, tmp_path):
    """Another code, another supercell, another lattice constant: each a sentence, and none for the same."""
    files = {}
    for name in ("same", "code", "small", "large"):
        (tmp_path / name).mkdir()
        files[name] = tmp_path / name
    atomic = {"length": ATOMIC["length"], "constants": ATOMIC["energy"] / ATOMIC["length"] ** 2}
    same = read_phonopy(stored(silicon.phonopy, files["same"], "yaml"))
    code = read_phonopy(stored(in_units(silicon.phonopy, **atomic, calculator="qe"), files["code"], "yaml"))
    potential = resolve_potential("sw", ["Si"])
    small = finite_displacements(silicon.atoms, potential, supercell=3 * np.eye(3, dtype=int))
    small = read_phonopy(stored(small, files["small"], "yaml"))
    large = read_phonopy(
        stored(
            in_units(silicon.phonopy, length=1 / 1.006, constants=1.0, calculator=None),
            files["large"],
            "yaml",
        )
    )
    assert differences(same, same) == []
    (told,) = differences(same, code)
    assert "phonopy.yaml is of vasp" in told
    assert "of qe: functionals" in told
    (told,) = differences(same, small)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(3 * silicon.atoms.cell.array), axis=0)
    assert f"{0.5 * heights.min():.1f} Å in {small.path} (54 atoms)" in told
    (told,) = differences(same, large)
    assert "hold one substance, Si2, with lattices 0.60 % apart" in told
    assert same.left_out is None


def test_force_constants_of_the_working_folder_are_not_taken(carbide, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    stored(carbide, here, "FORCE_CONSTANTS")
    monkeypatch.chdir(here)
    with pytest.raises(InputError, match="neither force constants nor forces"):
        read_phonopy(stored(carbide, there, "none"))


@pytest.mark.slow
def test_conventional_cell_is_reduced_to_the_primitive_one(carbide, tmp_path):
    """Eight atoms at q hold the phonons of two atoms at the four q that fold onto it."""
    own = carbide.unitcell
    to_conventional = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    cell = to_conventional @ own.cell
    atoms = Atoms(own.symbols, cell=own.cell, scaled_positions=own.scaled_positions, pbc=True)
    conventional = make_supercell(atoms, to_conventional)
    np.testing.assert_allclose(conventional.cell.array, cell)
    unit = PhonopyAtoms(
        symbols=conventional.get_chemical_symbols(),
        cell=cell,
        scaled_positions=conventional.get_scaled_positions(),
    )
    phonon = Phonopy(unit, np.diag([2, 2, 2]), primitive_matrix="P", log_level=0)
    potential = resolve_potential("tersoff", ["Si", "C"])
    phonon.generate_displacements(distance=potential.displacement, is_plusminus=True)
    forces = []
    for image in phonon.supercells_with_displacements:
        moved = Atoms(image.symbols, cell=image.cell, scaled_positions=image.scaled_positions, pbc=True)
        moved.calc = potential.calculator()
        forces.append(moved.get_forces())
    phonon.forces = forces
    phonon.produce_force_constants(show_drift=False)
    found = read_phonopy(stored(phonon, tmp_path, "yaml"))
    assert len(found.constants.atoms) == 2
    # a wave vector in Cartesian axes is fractional in either cell
    q = Q[:3]
    folded = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    primitive = found.constants.atoms.cell.array
    small = (q[:, None, :] + folded) @ np.linalg.inv(cell).T @ primitive.T
    mine = np.sort(phonons(found.constants, small.reshape(-1, 3)).frequency.reshape(len(q), -1))
    np.testing.assert_allclose(mine, frequencies(phonon, q), rtol=1e-5)


def test_mass_by_element_replaces_that_of_the_file(carbide, tmp_path):
    path = stored(carbide, tmp_path, "yaml")
    found = read_phonopy(path, {"C": 13.0})
    assert sorted(found.constants.atoms.get_masses()) == pytest.approx([13.0, 28.085], abs=1e-2)
    np.testing.assert_array_equal(found.constants.values, read_phonopy(path).constants.values)
    for masses, text in (({"Ge": 72.0}, "holds C, Si"), ({"C": -1.0}, "positive number of amu")):
        with pytest.raises(InputError, match=text):
            read_phonopy(path, masses)


def test_noise_is_symmetrised_and_reported(carbide, tmp_path):
    noise = np.random.default_rng(0).normal(size=carbide.force_constants.shape)
    scale = np.abs(carbide.force_constants).max()
    noisy = with_constants(carbide, carbide.force_constants + 1e-4 * scale * noise)
    found = read_phonopy(stored(noisy, tmp_path, "yaml"))
    assert 1e-4 < found.sum_rule_before < 1e-2
    assert 1e-4 < found.exchange_before < 1e-2
    assert 0.0 < found.change < 0.5
    assert 1e-5 < found.symmetry_before < 1e-2
    assert found.averaged == 24
    assert found.constants.sum_rule_error < 1e-13
    assert found.dispersion_error < 1e-10
    broken = stored(with_constants(carbide, carbide.force_constants + 0.1 * scale * noise), tmp_path, "yaml")
    with pytest.raises(InputError, match="break the acoustic sum rule by"):
        read_phonopy(broken)


def test_noise_does_not_hide_the_mirror_across_the_stack(structure, tmp_path):
    """Silicon (001) has Bloch states of half the size only if its force constants have its symmetry."""
    plain = finite_displacements(
        primitive_cell(structure("si")), resolve_potential("sw", ["Si"]), supercell=3 * np.eye(3, dtype=int)
    )
    noise = np.random.default_rng(0).normal(size=plain.force_constants.shape)
    noisy = with_constants(plain, plain.force_constants + 1e-6 * np.abs(plain.force_constants).max() * noise)
    found = read_phonopy(stored(noisy, tmp_path, "yaml")).constants
    interface = mix_interface(found, found, ((0, 0, 1), (0, 0, 1)))
    lead = interface.junction(np.random.default_rng(1).uniform(-0.5, 0.5, (3, 2))).left
    assert Forms.of(lead.onsite[:, 0], lead.hopping[:, 0]).halved(np.arange(3)).all()
    again = found.averaged(*crystal_symmetry(found.atoms)).truncated(NOISE)
    assert again.cells.tolist() == found.cells.tolist()
    np.testing.assert_allclose(again.values, found.values, atol=1e-13 * np.abs(found.values).max())


@pytest.mark.filterwarnings("ignore:Warning. Point group symmetries of supercell:UserWarning")
def test_force_constants_have_the_symmetry_of_crystal_supercell_and_magnetic_order(structure, tmp_path):
    """Of 48 operations a flat supercell keeps 16; magnetic moments may leave none."""
    plain = finite_displacements(
        primitive_cell(structure("si")),
        resolve_potential("sw", ["Si"]),
        supercell=np.diag([1, 1, 2]) @ CONVENTIONAL,
    )
    flat = read_phonopy(stored(plain, tmp_path, "yaml"))
    assert flat.averaged == 16
    assert flat.dispersion_error < 1e-13
    magnetic = PhonopyAtoms(
        symbols=plain.unitcell.symbols,
        cell=plain.unitcell.cell,
        scaled_positions=plain.unitcell.scaled_positions,
        magnetic_moments=[1.0, -1.0],
    )
    ordered = Phonopy(magnetic, plain.supercell_matrix, primitive_matrix="P", log_level=0)
    ordered.force_constants = plain.force_constants
    assert read_phonopy(stored(ordered, tmp_path, "yaml")).averaged == 1


def test_unstable_crystal_is_refused(carbide, tmp_path):
    wrong = with_constants(carbide, -carbide.force_constants)
    with pytest.raises(InstabilityError, match=r"imaginary mode .* take force constants of a stable phase"):
        read_phonopy(stored(wrong, tmp_path, "yaml"))


def born(phonon, charge):
    return {"born": np.array([charge, -charge])[:, None, None] * np.eye(3), "dielectric": 2.0 * np.eye(3)}


def test_force_constants_without_their_dipole_part_are_refused(carbide, tmp_path):
    """Short-ranged springs do not belong to ions of ±2 e; springs and dipoles together do."""
    springs = with_constants(carbide, carbide.force_constants)
    springs.nac_params = {
        **born(carbide, 2.0),
        "factor": constants.e * 1e10 / (4 * np.pi * constants.epsilon_0),
    }
    with pytest.raises(InputError, match="lack their dipole-dipole part"):
        read_phonopy(stored(springs, tmp_path, "yaml"))
    # phonopy subtracts the dipole part; what it takes away from the springs is what they lack
    interpolation = springs.dynamical_matrix
    interpolation.make_Gonze_nac_dataset()
    dipoles = springs.force_constants - interpolation.short_range_force_constants
    whole = with_constants(carbide, springs.force_constants + dipoles)
    whole.nac_params = springs.nac_params
    found = read_phonopy(stored(whole, tmp_path, "yaml"))
    assert found.polar
    assert "no LO-TO splitting" in found.description


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a: [1, 2\n", "is no YAML file"),
        ("colour: green\n", "cannot be read as a phonopy calculation"),
        ("", "cannot be read as a phonopy calculation"),
    ],
)
def test_yaml_that_is_no_phonopy_file_is_refused(content, text, tmp_path):
    path = tmp_path / "phonopy.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=text):
        read_phonopy(path)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_phonopy(tmp_path / "phonopy.yaml")
    with pytest.raises(InputError, match="is a folder"):
        read_phonopy(tmp_path)


def test_force_sets_of_another_supercell_are_refused(carbide, tmp_path):
    path = stored(carbide, tmp_path, "FORCE_SETS")
    text = (tmp_path / "FORCE_SETS").read_text().splitlines()
    (tmp_path / "FORCE_SETS").write_text("\n".join(["16", *text[1:]]))
    with pytest.raises(InputError, match="cannot be read"):
        read_phonopy(path)


def test_phonopy_file_is_told_by_its_name():
    for name in ("phonopy.yaml", "phonopy_params.yaml.xz", "A.yml", "b.YAML.gz", "x/phonopy_disp.yaml"):
        assert is_phonopy_file(name)
    for name in ("si.cif", "POSCAR", "a.xyz.gz", "yaml", "si.xz", "phonopy.yaml.cif"):
        assert not is_phonopy_file(name)
    for name in ("FORCE_SETS", "FORCE_CONSTANTS", "force_constants.hdf5", "BORN"):
        with pytest.raises(InputError, match="holds no crystal"):
            is_phonopy_file(name)


def test_table_equals_that_of_the_finite_displacements(carbide, tmp_path):
    """Writing and reading changes nothing: the two tables agree pair by pair."""
    shutil.copy(stored(carbide, tmp_path, "yaml"), tmp_path / "copy.yaml")
    found = read_phonopy(tmp_path / "copy.yaml").constants
    own = force_constant_table(carbide, found.atoms)
    np.testing.assert_array_equal(found.cells, own.cells)
    np.testing.assert_allclose(found.values, own.values, atol=1e-12 * own.scale)
    assert choose_supercell(found.atoms, None, (1, 1, 1)).shape == (3, 3)


def test_born_file_beside_marks_a_polar_crystal(carbide, tmp_path):
    """Charges that are all zero: no dipoles to miss, but the crystal is called polar."""
    (tmp_path / "BORN").write_text("14.4\n2 0 0 0 2 0 0 0 2\n" + 2 * "0 0 0 0 0 0 0 0 0\n")
    found = read_phonopy(stored(carbide, tmp_path, "yaml"))
    assert found.polar
    assert "dipole forces beyond its supercell of 54 atoms" in found.left_out
    np.testing.assert_allclose(phonons(found.constants, Q).frequency, frequencies(carbide), rtol=2e-7)
