"""Transmissivities in the order of transport codes: the same phonons, named in another cell."""

import json

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from click.testing import CliRunner
from continuum_systems import spring_crystal
from modes_systems import DIAMOND_SHELLS, Contact, contact, diamond

from latmm.errors import InputError
from latmm.lattice.dynamics import phonons, q_mesh
from latmm.modes.contributions import conductances
from latmm.modes.q_mesh import transmissivities, transmissivity
from latmm.modes.transport import TransportPhonons, isometries, on_transport_mesh, read_cell, read_phonons
from latmm.results import read, write
from latmm_cli.main import cli

MESH = (4, 4, 4)
CELL = bulk("Si", a=5.4)
NORMAL = (0, 0, 1)


@pytest.fixture(scope="module")
def crystal():
    """The crystal in the transport code's own primitive cell."""
    return spring_crystal(CELL, DIAMOND_SHELLS)


@pytest.fixture(scope="module")
def system() -> Contact:
    return contact(diamond(NORMAL), 2.0)


@pytest.fixture(scope="module")
def tree(system):
    found = transmissivities(system, MESH, centred=True)
    found["left"].attrs["normal"] = list(NORMAL)
    return found


@pytest.fixture(scope="module")
def irreducible():
    """One wave vector of each orbit of the point group and time reversal, signed as phono3py has them."""
    whole, left, chosen = q_mesh(MESH), set(range(64)), []
    while left:
        q = whole[min(left)]
        for turn in isometries(CELL, CELL):
            for sign in (1, -1):
                place = np.rint(4 * (turn @ (sign * q))).astype(int) % 4
                left.discard(int(np.ravel_multi_index(tuple(place), MESH)))
        chosen.append(q - np.rint(q))
    return np.array(chosen)


@pytest.fixture
def kappa(tmp_path, crystal, irreducible):
    """A file of phono3py's layout: irreducible points, a star for each."""
    path = tmp_path / "kappa-m444.hdf5"
    found = phonons(crystal, irreducible)
    with h5py.File(path, "w") as file:
        file["version"] = np.bytes_("4.10.0")
        file["temperature"] = np.array([300.0])
        file["mesh"] = np.array(MESH)
        file["qpoint"] = irreducible
        file["frequency"] = found.frequency
        file["gamma"] = np.ones((1, *found.frequency.shape))
        file["group_velocity"] = found.group_velocity * 10.0
    return path


def test_a_crystal_has_the_point_group_of_its_structure():
    assert len(isometries(CELL, CELL)) == 48
    assert len(isometries(bulk("GaAs", "zincblende", a=5.6), bulk("GaAs", "zincblende", a=5.6))) == 24
    assert isometries(CELL, bulk("Ge", a=5.4)) == []
    assert len(isometries(bulk("Mg", "hcp", a=3.2, c=5.2), bulk("Mg", "hcp", a=3.2, c=5.2))) == 24
    box = Atoms("Ar", cell=[3.0, 4.0, 5.0], pbc=True)  # three axes, none like another
    assert len(isometries(box, box)) == 8


@pytest.mark.slow
def test_every_phonon_of_the_mesh_gets_its_own_transmissivity(kappa, crystal, system, tree):
    table = on_transport_mesh(tree, "left", read_phonons(kappa), CELL, NORMAL)
    q = table["qpoint_fractional"].values
    assert len(q) == 64
    exact = phonons(crystal, q)
    np.testing.assert_allclose(table["frequency"], exact.frequency, atol=1e-9)
    normal = np.array(table.attrs["normal"])
    np.testing.assert_allclose(normal, [0.0, 0.0, 1.0], atol=1e-9)
    speed = np.sort(exact.group_velocity @ normal, axis=1)
    np.testing.assert_allclose(np.sort(table["normal_velocity"], axis=1), speed, atol=1e-6)
    # straight from the scattering at U q, no mesh and no symmetry between
    cell = tree["left"]["cell"].values
    turns = [
        turn
        for turn in isometries(CELL, system.left.atoms)
        if np.allclose((turn @ CELL.cell.array)[:2] @ normal, 0.0)
        and (turn @ CELL.cell.array)[2] @ normal > 0
    ]
    assert cell[2, 2] == pytest.approx((turns[0] @ CELL.cell.array)[2] @ normal)
    sums = [
        transmissivity(system, "left", q @ turn.T)["transmissivity"].sum("branch").values for turn in turns
    ]
    ours = table["transmissivity"].sum("branch").values
    # each is scattered one part in 1e10 beside its frequency, which grazing ones notice
    assert min(np.abs(ours - theirs).max() for theirs in sums) < 1e-7


def test_conductance_of_the_exported_phonons_is_that_of_the_mesh(kappa, tree):
    for side in ("left", "right"):
        source = read_phonons(kappa)
        if side == "right":  # twice the mass
            source = type(source)(source.mesh, source.qpoints, source.frequency / np.sqrt(2.0))
        table = on_transport_mesh(tree, side, source, CELL, NORMAL)
        x = 6.62607015e-34 * table["frequency"] * 1e12 / (1.380649e-23 * 300.0)
        capacity = 1.380649e-23 * (0.5 * x / np.sinh(0.5 * x)).where(x > 1e-9, 1.0) ** 2
        flow = capacity * np.abs(table["normal_velocity"]) * 1e3 * table["transmissivity"]
        found = 0.5 * float(flow.sum()) / (64 * CELL.get_volume() * 1e-30)
        assert found == pytest.approx(conductances(tree, 300.0)["agf"][side][0], rel=1e-9)
        inward = flow.where(table["normal_velocity"] > 0).sum()
        assert 2.0 * float(inward) == pytest.approx(float(flow.sum()), rel=1e-6)


def test_velocities_count_towards_the_contact_from_either_side(crystal, tree):
    """The right crystal's phonons meet the contact where they run against the normal."""
    exact = phonons(crystal, q_mesh(MESH))
    for side, mass, towards in (("left", 1.0, (0.0, 0.0, 1.0)), ("right", 2.0, (0.0, 0.0, -1.0))):
        source = TransportPhonons(MESH, q_mesh(MESH), exact.frequency / np.sqrt(mass))
        table = on_transport_mesh(tree, side, source, CELL, NORMAL)
        np.testing.assert_allclose(table.attrs["normal"], towards, atol=1e-9)
        expected = np.sort(exact.group_velocity @ np.array(towards) / np.sqrt(mass), axis=1)
        np.testing.assert_allclose(np.sort(table["normal_velocity"], axis=1), expected, atol=1e-6)


def test_a_strained_cell_names_the_same_phonons(crystal, tree):
    source = TransportPhonons(MESH, q_mesh(MESH), phonons(crystal, q_mesh(MESH)).frequency)
    exact = on_transport_mesh(tree, "left", source, CELL, NORMAL)
    stretched = CELL.copy()
    stretched.set_cell(CELL.cell.array @ np.diag([0.96, 0.96, 1.03]), scale_atoms=True)
    for cell in (stretched, bulk("Si", a=5.6)):
        table = on_transport_mesh(tree, "left", source, cell, NORMAL)
        # each band at its own q; at Γ acoustic frequencies are roots of rounding
        assert table.attrs["frequency_difference"] < 1e-7
        assert float(np.abs(table["transmissivity"].sum() / exact["transmissivity"].sum() - 1.0)) < 1e-9


def test_both_codes_give_the_same_table(kappa, tmp_path, crystal, tree):
    # ShengBTE: first index fastest, irreducible points numbered from 1, rad/ps
    axes = np.meshgrid(*[np.arange(4) / 4] * 3, indexing="ij")
    q = np.stack([axis.ravel(order="F") for axis in axes], axis=-1)
    frequency = phonons(crystal, q).frequency
    _, first, number = np.unique(frequency.round(7), axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    rounded = q - 1e-9 * (np.arange(64) % 2)[:, None]  # a zero may be written as just below
    rows = np.column_stack([np.arange(64) + 1, rank[number.ravel()] + 1, rounded])
    np.savetxt(tmp_path / "BTE.qpoints_full", rows, fmt="%9d %9d %19.10E %19.10E %19.10E")
    np.savetxt(tmp_path / "BTE.omega", 2.0 * np.pi * frequency[np.sort(first)], fmt="%19.10E")
    sheng = on_transport_mesh(tree, "left", read_phonons(tmp_path), CELL, NORMAL)
    phono = on_transport_mesh(tree, "left", read_phonons(kappa), CELL, NORMAL)
    for name in ("qpoint_fractional", "frequency", "transmissivity", "normal_velocity"):
        np.testing.assert_allclose(sheng[name], phono[name], atol=1e-8)


def test_the_command_writes_the_table_and_reads_cells_of_both_kinds(kappa, tmp_path, tree):
    result, output = tmp_path / "t.nc", tmp_path / "t.hdf5"
    write(tree, result)
    yaml, poscar = tmp_path / "phono3py.yaml", tmp_path / "POSCAR"
    points = [{"symbol": "Si", "coordinates": x} for x in CELL.get_scaled_positions().tolist()]
    cell = {"primitive_cell": {"lattice": CELL.cell.array.tolist(), "points": points}}
    yaml.write_text(json.dumps(cell), encoding="utf-8")  # JSON is YAML
    CELL.write(poscar)
    for source in (yaml, poscar):
        np.testing.assert_allclose(read_cell(source).get_positions(), CELL.get_positions(), atol=1e-9)
        assert read_cell(source).pbc.all()
    arguments = ["export", str(result), str(kappa), "--cell", str(yaml), "-o", str(output)]
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == 0, ran.output
    with h5py.File(output) as file:  # as a transport code would
        assert file["transmissivity"].shape == (64, 6)
        np.testing.assert_allclose(
            file["transmissivity"][:],
            on_transport_mesh(tree, "left", read_phonons(kappa), CELL, NORMAL)["transmissivity"],
        )
    assert read(output).attrs["side"] == "left"


def test_other_meshes_crystals_and_forces_are_refused(kappa, tmp_path, tree, system):
    source = read_phonons(kappa)
    with pytest.raises(InputError, match="`centred=True`"):
        on_transport_mesh(
            tree, "left", type(source)((6, 6, 6), source.qpoints, source.frequency), CELL, NORMAL
        )
    shifted = transmissivities(system, (2, 2, 2))
    with pytest.raises(InputError, match="midpoints"):
        on_transport_mesh(shifted, "left", source, CELL, NORMAL)
    with pytest.raises(InputError, match="no primitive cell"):
        on_transport_mesh(tree, "left", source, bulk("Ge", a=5.4), NORMAL)
    with pytest.raises(InputError, match="no primitive cell"):
        on_transport_mesh(tree, "left", source, bulk("Si", a=5.4, cubic=True), NORMAL)
    with pytest.raises(InputError, match=r"differ from the interface's by 41"):
        on_transport_mesh(tree, "right", source, CELL, NORMAL)
    few = type(source)(source.mesh, source.qpoints[:2], source.frequency[:2])
    with pytest.raises(InputError, match="no images"):
        on_transport_mesh(tree, "left", few, CELL, NORMAL)
    with pytest.raises(InputError, match="left or right"):
        on_transport_mesh(tree, "up", source, CELL, NORMAL)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="does not exist"):
        read_phonons(tmp_path / "empty")
    text = tmp_path / "text.hdf5"
    text.write_text("nothing")
    with pytest.raises(InputError, match=r"no.* HDF5 file"):
        read_phonons(text)
    with pytest.raises(InputError, match="does not exist"):
        read_cell(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_cell(text)
    write(shifted, tmp_path / "other.nc")
    arguments = [
        "export",
        str(tmp_path / "other.nc"),
        str(kappa),
        "--cell",
        "x",
        "-o",
        str(tmp_path / "o.nc"),
    ]
    ran = CliRunner().invoke(cli, arguments)
    assert isinstance(ran.exception, InputError)
    assert "no result of latmm transmissivity" in str(ran.exception)


@pytest.mark.parametrize("name", ["qpoint", "frequency"])
def test_transport_files_of_numbers_that_are_none_are_refused(kappa, name):
    with h5py.File(kappa, "r+") as file:
        file[name][0, 0] = np.nan
    with pytest.raises(InputError, match="numbers that are none"):
        read_phonons(kappa)
