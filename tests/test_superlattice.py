"""A calculation that holds the contact gives the interface that displacing the contact itself gives."""

import json

import numpy as np
import pytest
from ase import Atoms
from click.testing import CliRunner
from numpy.testing import assert_allclose

from latmm.agf import transmission
from latmm.comparison import compare
from latmm.errors import MismatchError
from latmm.geometry.matching import match
from latmm.geometry.orientation import orient
from latmm.interface.assembly import assemble_interface
from latmm.interface.matched_pair import MatchedPair
from latmm.interface.recognition import recognise
from latmm.interface.slab import build_slab
from latmm.interface.superlattice import superlattice_interface
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
from latmm.units import TWO_PI
from latmm_cli.main import cli

K = np.array([[0.0, 0.0], [0.11, 0.27], [-0.23, 0.05], [0.4, 0.31]])
OMEGA = TWO_PI * np.array([0.5, 2.0, 4.0, 6.0])
LAYERS = (4, 4)
NORMALS = ((0, 0, 1), (0, 0, 1))


def calculation(atoms, potential, supercell=None):
    """Table and phonopy's own object."""
    matrix = choose_supercell(atoms, potential.reach) if supercell is None else supercell
    phonon = finite_displacements(atoms, potential, supercell=matrix)
    return force_constant_table(phonon, atoms), phonon


@pytest.fixture(scope="module")
def matched(structure):
    """Germanium strained to silicon on (001), nothing relaxed."""
    return match(*(orient(structure(name), NORMALS[0]) for name in ("si", "ge")))


@pytest.fixture(scope="module")
def calculations(matched, stillinger_weber):
    """Silicon, strained germanium, and a superlattice of four layers of each in a 4 x 4 lateral supercell."""
    return (
        calculation(matched.left, stillinger_weber),
        calculation(matched.right, stillinger_weber),
        calculation(periodic(matched), stillinger_weber, np.diag([4, 4, 1])),
    )


@pytest.fixture(scope="module")
def bulks(calculations):
    return calculations[0][0], calculations[1][0]


def periodic(matched, layers=LAYERS, vacuum=0.0):
    """Superlattice of both crystals (or a slab in vacuum): oblique third vector, as thick as both."""
    atoms = build_slab(matched, layers).atoms
    third = sum(n * c.cell.array[2] for n, c in zip(layers, (matched.left, matched.right), strict=True))
    # the mean gap at both contacts
    cell = np.vstack([atoms.cell.array[:2], third + np.array([0, 0, vacuum])])
    return Atoms(atoms.numbers, positions=atoms.positions, cell=cell, pbc=True)


@pytest.fixture(scope="module")
def superlattice(calculations):
    return calculations[2][0]


@pytest.fixture(scope="module")
def displaced(matched, bulks, stillinger_weber):
    """The same contact by finite displacements of a slab."""
    return assemble_interface(MatchedPair(matched, *bulks), build_slab(matched, (8, 8)), stillinger_weber)


def solved(interface):
    return transmission(interface.junction(K), OMEGA)


@pytest.mark.slow
def test_superlattice_gives_the_contact_that_a_slab_gives(bulks, superlattice, displaced):
    interface = superlattice_interface(*bulks, superlattice, NORMALS)
    assert interface.checks["region_ends"].value < 1e-6
    assert interface.checks["region_cut"].value < 1e-6
    assert interface.checks["sum_rule_region"].passed
    mine, reference = solved(interface), solved(displaced)
    assert reference.transmission.max() > 0.5
    assert_allclose(mine.transmission, reference.transmission, atol=2e-5)


def test_superlattice_may_be_turned_and_shifted(bulks, superlattice, displaced):
    """Another orientation, origin, order of atoms and cell, as another code would write it."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    order = rng.permutation(len(superlattice.atoms))
    atoms = superlattice.atoms[order]
    atoms.positions = (atoms.positions + rng.normal(size=3)) @ turn
    atoms.set_cell(atoms.cell.array @ turn)
    values = superlattice.values[:, order][:, :, order]
    values = np.einsum("ac,rijab,bd->rijcd", turn, values, turn, optimize=True)
    cyclic = [1, 2, 0]
    atoms.set_cell(atoms.cell.array[cyclic])
    other = ForceConstants(atoms, superlattice.cells[:, cyclic], values)
    interface = superlattice_interface(*bulks, other, NORMALS)
    assert_allclose(solved(interface).transmission, solved(displaced).transmission, atol=2e-5)


@pytest.mark.slow
def test_slab_in_vacuum_gives_the_same_contact(matched, bulks, displaced, stillinger_weber):
    """Free surfaces, unrelaxed: their own layers are not used."""
    atoms = periodic(matched, (4, 4), vacuum=12.0)
    contact, _ = calculation(atoms, stillinger_weber, np.diag([4, 4, 1]))
    interface = superlattice_interface(*bulks, contact, NORMALS)
    assert_allclose(solved(interface).transmission, solved(displaced).transmission, atol=2e-5)


def test_atoms_between_the_crystals_stay_there(matched, bulks, superlattice):
    """A carbon atom in the first germanium layer: the layer is of neither crystal, and in the contact."""
    found = recognise(superlattice.atoms, matched)
    assert found.layers == LAYERS
    assert found.between == ()
    odd = superlattice.atoms.copy()
    right = int(np.flatnonzero(odd.symbols == "Ge")[0])
    odd.symbols[right] = "C"
    changed = recognise(odd, matched)
    assert len(changed.between) == 2
    assert {odd.symbols[atom] for atom, _ in changed.between} == {"C", "Ge"}
    interface = superlattice_interface(
        *bulks, ForceConstants(odd, superlattice.cells, superlattice.values), NORMALS
    )
    assert (interface.slab.side == 0).sum() == 2
    assert np.abs(solved(interface).unitarity).max() < 1e-9


def test_calculation_without_the_contact_is_refused(bulks, matched, superlattice):
    with pytest.raises(MismatchError, match="no left crystal followed by a right one"):
        recognise(periodic(matched, (4, 0)), matched)
    with pytest.raises(MismatchError, match="no in-plane lattice like the common cell"):
        recognise(Atoms("Si", cell=[8.0, 8.0, 8.0], pbc=True), matched)
    thin = superlattice.atoms.copy()
    thin.symbols[:6] = "C"
    with pytest.raises(MismatchError, match="two of each are the least"):
        superlattice_interface(*bulks, ForceConstants(thin, superlattice.cells, superlattice.values), NORMALS)


@pytest.mark.slow
def test_command_line_takes_the_calculation_of_the_contact(calculations, displaced, tmp_path):
    settings = {"force_constants": True, "force_sets": False, "displacements": False}
    names = [tmp_path / f"{name}.yaml" for name in ("left", "right", "contact")]
    for name, (_, phonon) in zip(names, calculations, strict=True):
        phonon.save(name, settings=settings)
    samples = ["--kmesh", "2", "2", "--frequencies", "6", "--model", "agf", "-T", "300", "-q", "--json"]
    sides = [str(names[0]), str(names[1]), "--region-phonopy", str(names[2])]
    done = CliRunner().invoke(cli, ["compare", *sides, *samples])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["potential"].startswith("calculation of the contact; left: Si")
    assert found["checks"]["region_ends"]["passed"]
    reference = compare(displaced, [300.0], models=["agf"], kmesh=(2, 2), frequencies=6)
    expected = float(reference["comparison"]["conductance"].values[0, 0])
    assert found["conductance"]["agf"][0] == pytest.approx(expected, rel=1e-5)
