"""Polar crystals that know their answers: central springs and ions, put together by phonopy.

Phonopy adds its own dipole-dipole part (reciprocal sums, in its compiled code) to the springs, folds both
into a supercell, and gives D(q) with the non-analytic term. No data from outside.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

from latmm.geometry.orientation import orient
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_files import read_phonopy
from latmm.lattice.recast import find_setting

E2 = 14.4
"""e²/4πε₀, eV Å, rounded as in the BORN files of many codes."""


def springs(atoms: Atoms, reach: float, stiffness: Callable[[float], float]):
    """Central springs between all pairs within reach: (i, j, cell, 3 x 3) without self terms, eV Å⁻²."""
    first, second, cells, arms = neighbor_list("ijSD", atoms, reach)
    length = np.linalg.norm(arms, axis=1)
    unit = arms / length[:, None]
    values = -np.array([stiffness(r) for r in length])[:, None, None] * unit[:, :, None] * unit[:, None, :]
    return first, second, cells, values


def ionic(
    atoms: Atoms,
    charges: np.ndarray,
    dielectric: np.ndarray,
    *,
    reach: float,
    stiffness: Callable[[float], float],
    repeat: int = 4,
) -> Phonopy:
    """Phonopy's calculation of a crystal of springs and ions, in repeat³ cells; its Λ, with G to rounding."""
    phonon = Phonopy(
        PhonopyAtoms(
            numbers=atoms.numbers,
            cell=atoms.cell.array,
            scaled_positions=atoms.get_scaled_positions(),
            masses=atoms.get_masses(),
        ),
        supercell_matrix=repeat * np.eye(3, dtype=int),
        primitive_matrix="P",
        is_symmetry=False,
        log_level=0,
    )
    whole, n = phonon.supercell, len(atoms)
    kinds = np.array([phonon.primitive.p2p_map[a] for a in phonon.primitive.s2p_map])
    fractional = whole.positions @ np.linalg.inv(atoms.cell.array)
    origins = np.rint(fractional - atoms.get_scaled_positions()[kinds]).astype(int)
    place = {(k, *(o % repeat)): s for s, (k, o) in enumerate(zip(kinds.tolist(), origins, strict=True))}
    values = np.zeros((n, len(whole), 3, 3))
    home = origins[phonon.primitive.p2s_map]
    for i, j, cell, block in zip(*springs(atoms, reach, stiffness), strict=True):
        values[i, place[(int(j), *((cell + home[i]) % repeat))]] += block
        values[i, phonon.primitive.p2s_map[i]] -= block
    phonon.force_constants = values
    usual = Phonopy(
        phonon.unitcell, phonon.supercell_matrix, primitive_matrix="P", is_symmetry=False, log_level=0
    )
    usual.force_constants = values
    nac = {"born": charges, "dielectric": dielectric, "factor": E2}
    usual.nac_params = nac
    plain = usual.dynamical_matrix
    nac |= {"Lambda": plain._Lambda, "G_cutoff": 1.4 * plain._G_cutoff}
    usual.nac_params = nac
    split = usual.dynamical_matrix
    split.make_Gonze_nac_dataset()
    phonon.force_constants = 2.0 * values - split.short_range_force_constants
    phonon.nac_params = nac
    return phonon


def rocksalt(charge: float = 1.8, dielectric: float = 3.0, masses: tuple[float, float] = (24.305, 15.999)):
    """Ions of ± charge (e) in fcc cells of magnesia's size."""
    a = 4.212
    cell = 0.5 * a * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    atoms = Atoms("MgO", cell=cell, scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], masses=masses, pbc=True)
    born = charge * np.array([1.0, -1.0])[:, None, None] * np.eye(3)
    return ionic(
        atoms, born, dielectric * np.eye(3), reach=3.2, stiffness=lambda r: 9.0 if r < 2.5 else 2.2, repeat=4
    )


def wurtzite(charge: float = 2.5):
    """Ions in a hexagonal cell with a polar axis; charges and ε differ along it."""
    a, c, u = 3.112, 4.982, 0.382
    cell = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])
    scaled = [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, u], [2 / 3, 1 / 3, 0.5 + u]]
    masses = [26.98, 26.98, 14.007, 14.007]
    atoms = Atoms("Al2N2", cell=cell, scaled_positions=scaled, masses=masses, pbc=True)
    born = np.array([1.0, 1, -1, -1])[:, None, None] * np.diag([charge, charge, 1.06 * charge])
    return ionic(
        atoms,
        born,
        np.diag([4.4, 4.4, 4.7]),
        reach=3.3,
        stiffness=lambda r: 17.0 if r < 2.5 else 2.5,
        repeat=3,
    )


def oblique(place: tuple[float, float, float] = (0.52, 0.47, 0.49)):
    """Two ions in a cell without any symmetry but inversion-free: full tensors of charges and ε."""
    cell = np.array([[3.9, 0.0, 0.0], [0.7, 4.1, 0.0], [0.9, 0.6, 4.3]])
    scaled = [[0, 0, 0], place]
    atoms = Atoms("LiF", cell=cell, scaled_positions=scaled, masses=[6.94, 18.998], pbc=True)
    born = np.array([[1.1, 0.1, -0.15], [0.05, 0.9, 0.2], [0.12, -0.1, 1.0]])
    dielectric = np.array([[2.2, 0.3, 0.5], [0.3, 2.0, -0.4], [0.5, -0.4, 2.6]])
    return ionic(
        atoms,
        np.array([born, -born]),
        dielectric,
        reach=4.8,
        stiffness=lambda r: 6.0 * np.exp(-((r / 2.6) ** 2)) + 0.6,
        repeat=4,
    )


def stored(phonon: Phonopy, folder: Path, name: str = "phonopy.yaml") -> Path:
    """Write a calculation as phonopy does."""
    path = folder / name
    phonon.save(path, settings={"force_constants": True, "force_sets": False, "displacements": False})
    return path


def upright(phonon: Phonopy, folder: Path, plane: tuple[int, int, int] = (0, 0, 1)) -> ForceConstants:
    """Read a calculation with its dipoles, and turn a plane to z."""
    table = read_phonopy(stored(phonon, folder), nac=True).constants
    return find_setting(table.atoms, orient(table.atoms, plane)).recast(table)
