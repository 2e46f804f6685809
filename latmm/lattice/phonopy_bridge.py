"""Force constants from phonopy: finite displacements of a supercell, or a finished calculation.

The only module that imports phonopy. A supercell is chosen so that no atom meets two images of another
within the reach of the potential; phonopy finds the irreducible displacements, the calculator gives the
forces, phonopy distributes them by symmetry. The force constants are then shared out among the equivalent
images on the supercell's boundary (phonopy's shortest vectors), which gives a table whose D(q) equals
phonopy's at every q: :func:`dispersion_error` measures it in every run.
"""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from phonopy import Phonopy
from phonopy.file_IO import parse_BORN_from_strings, parse_FORCE_SETS_from_strings
from phonopy.harmonic.dynmat_to_fc import get_commensurate_points
from phonopy.interface.calculator import get_force_constant_conversion_factor
from phonopy.interface.phonopy_yaml import load_phonopy_yaml
from phonopy.physical_units import get_calculator_physical_units
from phonopy.structure.atoms import PhonopyAtoms
from phonopy.structure.dataset import forces_in_dataset

from latmm.arrays import Complexes, Floats, Integers
from latmm.errors import InputError
from latmm.lattice.dipoles import COULOMB, Dipoles, screening_of
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_content import (
    check_displacements,
    hdf5_constants,
    numbers_text,
    read_content,
    text_constants,
)
from latmm.lattice.space_group import conventional_vectors, crystal_symmetry
from latmm.parallel.execution import HERE, Execution
from latmm.potentials.calculators import Potential
from latmm.potentials.forces import forces_of
from latmm.potentials.protocol import EXACT_FORCES
from latmm.reading import file_text

__all__ = [
    "Finished",
    "choose_supercell",
    "dispersion_error",
    "exchange_error",
    "finite_displacements",
    "force_constant_table",
    "natural_isotopes",
    "load_finished",
    "phonopy_matrices",
    "primitive_atoms",
    "split_dipoles",
    "symmetrise",
    "symmetry_of_supercell",
]

DEFAULT_SPAN = 12.0
"""Shortest supercell translation for a potential of unknown reach, Å."""
_MOST_BORN = 2**24
"""Bytes of a BORN file: a line for each atom."""
NOISE = 1e-11
"""Pairs below this share of the largest force constant are rounding of the forces and are dropped."""


def choose_supercell(
    atoms: Atoms, reach: float | None, repeat: tuple[int, int, int] | None = None
) -> Integers:
    """Supercell of the crystal's conventional cell in which each pair within reach is met once.

    Parameters
    ----------
    atoms : ase.Atoms
        The (primitive) cell.
    reach : float or None
        Distance beyond which force constants vanish, Å; None where it is not known.
    repeat : (3,) int, optional
        Repetitions of the conventional cell, instead of the choice by reach.

    Returns
    -------
    (3, 3) int
        Rows: supercell vectors in units of the cell vectors.
    """
    conventional = conventional_vectors(atoms)
    if repeat is not None:
        if len(repeat) != 3 or any(int(n) != n or n < 1 for n in repeat):
            raise InputError(f"a supercell needs three positive integers, but is {repeat}; use e.g. 3 3 3")
        return np.diag(repeat) @ conventional
    span = DEFAULT_SPAN if reach is None else 2.0 * reach
    heights = _heights(conventional @ atoms.cell.array)
    counts = [max(1, int(np.ceil(span / h - 1e-6))) for h in heights]
    return np.diag(counts) @ conventional


def _heights(lattice: Floats) -> Floats:
    """Distances between opposite faces of a cell, (3,) Å: no two images are nearer."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0))


def _holds(lattice: Floats, reach: float | None) -> bool:
    """Whether each pair within reach is met once in a cell."""
    return reach is not None and bool(np.all(_heights(lattice) >= 2.0 * reach - 1e-6))


def finite_displacements(
    atoms: Atoms,
    potential: Potential,
    *,
    supercell: Integers,
    how: Execution = HERE,
    stage: str = "forces",
) -> Phonopy:
    """Run phonopy's finite displacements.

    Parameters
    ----------
    atoms : ase.Atoms
        The cell; its masses are kept, also where they distinguish atoms of one element.
    potential : Potential
        Gives the forces, and the displacement that suits them.
    supercell : (3, 3) int
        Rows: supercell vectors in units of the cell vectors.
    how, stage : Execution, str
        As in :func:`latmm.potentials.forces.forces_of`.

    Returns
    -------
    phonopy.Phonopy
        With symmetrised compact force constants.
    """
    # symmetry saves displacements, but in a large supercell phonopy's search for it takes far longer than
    # forces that are cheap; the crystal's own symmetry then serves as well, if no image is met twice
    cheap = potential.displacement <= EXACT_FORCES and _holds(supercell @ atoms.cell.array, potential.reach)
    how.report(stage, 0, 1)
    unit = PhonopyAtoms(
        numbers=atoms.numbers,
        cell=atoms.cell.array,
        scaled_positions=atoms.get_scaled_positions(),
        masses=atoms.get_masses(),
    )
    phonon = Phonopy(
        unit,
        supercell_matrix=np.asarray(supercell).T,
        primitive_matrix="P",
        is_symmetry=not cheap,
        log_level=0,
    )
    phonon.generate_displacements(distance=potential.displacement, is_plusminus=True)
    whole = phonon.supercell
    displacements = [([number], step) for number, *step in phonon.displacements]

    def unfinished(stage: str, done: int, total: int) -> None:
        if done < total:  # the last step ends with phonopy's work
            how.report(stage, done, total)

    phonon.forces = list(
        forces_of(
            Atoms(whole.symbols, cell=whole.cell, scaled_positions=whole.scaled_positions, pbc=True),
            displacements,
            potential,
            how=replace(how, progress=unfinished),
            stage=stage,
        )
    )
    phonon.produce_force_constants(calculate_full_force_constants=False)
    symmetrise(phonon, crystal_symmetry(atoms) if cheap else None)
    how.report(stage, len(displacements), len(displacements))
    return phonon


def force_constant_table(
    phonon: Phonopy, atoms: Atoms, *, noise: float = NOISE, dipoles: Dipoles | None = None
) -> ForceConstants:
    """Real-space table of phonopy's force constants, images on the supercell's boundary shared out.

    Parameters
    ----------
    phonon : phonopy.Phonopy
        With force constants; its primitive cell is ``atoms``.
    atoms : ase.Atoms
        The cell that the table belongs to.
    noise : float
        Pairs below this share of the largest element are dropped.
    dipoles : Dipoles, optional
        Whose interaction comes on top of phonopy's force constants.

    Returns
    -------
    ForceConstants
        Exchange symmetry and sum rule exact.
    """
    primitive = phonon.primitive
    n = len(primitive)
    if n != len(atoms):
        raise InputError(f"phonopy's primitive cell has {n} atoms, but the structure has {len(atoms)}")
    positions = primitive.scaled_positions
    blocks = _share_out(phonon)
    wrap = np.rint(_offsets(atoms, positions)).astype(int)
    moved = _rewrap(blocks, wrap) if np.any(wrap) else blocks
    return ForceConstants.symmetrised(atoms, moved, dipoles).truncated(noise)


@dataclass(frozen=True)
class Finished:
    """A finished calculation as phonopy holds it.

    Attributes
    ----------
    phonopy : phonopy.Phonopy
        With force constants as they are in the file (or follow from its forces), eV Å⁻².
    length : float
        Å per unit of length of phonopy's cells.
    source : str
        Where the force constants come from.
    born : mapping or None
        Born charges (N, 3, 3) in e and dielectric tensor (3, 3), if there are any. The file's own value of
        e² is in the charges.
    temperature : float or None
        At which random displacements were drawn, K, where the file tells.
    """

    phonopy: Phonopy
    length: float
    source: str
    born: Mapping[str, Floats] | None
    temperature: float | None = None


def load_finished(path: Path, beside: Mapping[str, Path]) -> Finished | None:
    """Open a finished calculation.

    Force constants of the file itself come first, then its forces, then ``FORCE_CONSTANTS``,
    ``force_constants.hdf5`` and ``FORCE_SETS`` beside it. Nothing is searched elsewhere.

    Parameters
    ----------
    path : path
        A file of phonopy's own kind (yaml), compressed or not.
    beside : mapping
        Names of the files above, and ``BORN``, to their paths, as far as they exist.

    Returns
    -------
    Finished or None
        None if there are neither force constants nor forces.

    Raises
    ------
    InputError
        If a file cannot be read, or holds what is no plain data.
    Exception
        Whatever phonopy raises on content that it cannot use.
    """
    written = read_content(path)
    temperature = _drawn_at(written)
    content = load_phonopy_yaml(written)
    if content.unitcell is None:
        raise ValueError("it holds no unit cell")
    constants, dataset = content.force_constants, content.dataset
    inside = constants is not None or forces_in_dataset(dataset)
    order = ("FORCE_CONSTANTS", "force_constants.hdf5", "FORCE_SETS")
    origin = None if inside else next((name for name in order if name in beside), None)
    if not inside and origin is None:
        return None
    # the search for symmetry is long in a large supercell, and only forces need it
    from_forces = constants is None and origin in (None, "FORCE_SETS")
    matrix = content.supercell_matrix
    phonon = Phonopy(
        content.unitcell,
        np.eye(3, dtype=int) if matrix is None else matrix,
        primitive_matrix="auto" if content.primitive_matrix is None else content.primitive_matrix,
        is_symmetry=from_forces,
        calculator=content.calculator,
        log_level=0,
    )
    if from_forces:
        _from_forces(phonon, dataset if origin is None else _force_sets(phonon, beside[origin]))
    else:
        phonon.force_constants = _compact(
            phonon, constants if origin is None else _constants(phonon, beside[origin])
        )
    # one unit for all codes: force constants whose D(q), eV Å⁻² amu⁻¹, has the frequencies that phonopy gives
    natural = get_calculator_physical_units(None).factor
    phonon.force_constants = phonon.force_constants * (phonon.unit_conversion_factor / natural) ** 2
    born = content.nac_params
    if born is None and "BORN" in beside:
        born = parse_BORN_from_strings(file_text(beside["BORN"], most=_MOST_BORN), phonon.primitive)
    kind = "forces" if from_forces else "force constants"
    return Finished(
        phonon,
        get_calculator_physical_units(content.calculator).distance_to_A,
        f"{kind} in {path.name if origin is None else beside[origin].name}",
        None if born is None else _born(dict(born), content.calculator),
        temperature,
    )


def _drawn_at(written: Mapping[str, Any]) -> float | None:
    """Temperature, K, of the random displacements, where the file keeps phonopy's settings."""
    own = written.get("phonopy")
    settings = own.get("configuration") if isinstance(own, Mapping) else None
    stated = settings.get("random_displacement_temperature") if isinstance(settings, Mapping) else None
    try:
        value = float(str(stated))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _born(found: Mapping[str, Any], calculator: str | None) -> Mapping[str, Floats]:
    """Born charges and dielectric tensor; a file's rounding of e² goes into the charges."""
    natural = get_calculator_physical_units(calculator)
    usual = get_calculator_physical_units(None).nac_factor
    given = found.get("factor") or natural.nac_factor
    # e²/4πε₀ in eV Å is the usual one's unit; the exact value is that of latmm.lattice.dipoles
    share = np.sqrt(given / natural.nac_factor * usual * 4.0 * np.pi / COULOMB)
    return {"charges": share * np.asarray(found["born"]), "dielectric": np.asarray(found["dielectric"])}


def _force_sets(phonon: Phonopy, path: Path) -> Mapping[str, object]:
    """Displacements and forces of FORCE_SETS."""
    found = parse_FORCE_SETS_from_strings(numbers_text(path), natom=len(phonon.supercell))
    first = found.get("first_atoms")
    moved = found["displacements"] if first is None else [entry["displacement"] for entry in first]
    check_displacements(np.array(moved, dtype=float), path)
    return dict(found)


def _constants(phonon: Phonopy, path: Path) -> Floats:
    """Force constants of a text or HDF5 file, in the units of the phonopy object."""
    place = np.asarray(phonon.primitive.p2s_map), len(phonon.supercell)
    if path.suffix != ".hdf5":
        return text_constants(path, *place)
    constants, unit = hdf5_constants(path, *place)
    factor = 1.0 if unit is None else get_force_constant_conversion_factor(unit, phonon.calculator)
    return np.asarray(constants * factor)


def _compact(phonon: Phonopy, constants: Floats) -> Floats:
    """Rows of the atoms of the primitive cell only."""
    whole = len(constants) != len(phonon.primitive)
    return np.asarray(constants[phonon.primitive.p2s_map] if whole else constants)


def _from_forces(phonon: Phonopy, dataset: Mapping[str, object]) -> None:
    """Force constants from displacements and forces, one atom at a time or random ones."""
    phonon.dataset = dataset
    phonon.produce_force_constants(
        calculate_full_force_constants=False,
        fc_calculator=None if "first_atoms" in dataset else "symfc",
        show_drift=False,
    )


def primitive_atoms(finished: Finished) -> Atoms:
    """Phonopy's primitive cell, Å, with its masses."""
    cell = finished.phonopy.primitive
    return Atoms(
        cell.symbols,
        cell=cell.cell * finished.length,
        scaled_positions=cell.scaled_positions,
        masses=cell.masses,
        pbc=True,
    )


def split_dipoles(finished: Finished, atoms: Atoms) -> tuple[ForceConstants, float] | None:
    """Split the force constants into a short-ranged table and dipoles, as Gonze and Lee do.

    What the dipoles contribute at the wave vectors of the supercell is taken off its force constants. The
    charges are averaged over the space group and made neutral.

    Parameters
    ----------
    finished : Finished
        With exchange symmetry and sum rule exact.
    atoms : ase.Atoms
        Phonopy's primitive cell, Å.

    Returns
    -------
    table : ForceConstants
        With dipoles; its D(q) is phonopy's with the non-analytic term.
    charge : float
        Largest element of the sum of the charges in the file, e, which was taken off.
    None
        If there are no charges; those of a crystal without dipoles are zero.
    """
    if finished.born is None:
        return None
    charges, dielectric = _averaged(finished.born, atoms)
    total = charges.sum(axis=0)
    dipoles = Dipoles(
        charges - total / len(charges),
        dielectric,
        screening_of(dielectric, float(atoms.get_volume())),
        atoms.cell.array.copy(),
        atoms.get_positions(),
    )
    phonon = finished.phonopy
    whole = phonon.force_constants
    phonon.force_constants = whole - _folded(phonon, dipoles, finished.length)
    try:
        table = force_constant_table(phonon, atoms, dipoles=dipoles)
    finally:
        phonon.force_constants = whole
    return table, float(np.abs(total).max())


def _averaged(born: Mapping[str, Floats], atoms: Atoms) -> tuple[Floats, Floats]:
    """Charges and dielectric tensor with the symmetry of the crystal."""
    charges, dielectric = born["charges"], born["dielectric"]
    rotations, translations = crystal_symmetry(atoms)
    lattice = atoms.cell.array.T
    places = atoms.get_scaled_positions(wrap=False)
    mean, tensor = np.zeros_like(charges), np.zeros((3, 3))
    for rotation, translation in zip(rotations, translations, strict=True):
        turn = lattice @ rotation @ np.linalg.inv(lattice)
        apart = (places @ rotation.T + translation)[:, None, :] - places[None, :, :]
        image = np.argmin(np.linalg.norm((apart - np.rint(apart)) @ lattice.T, axis=-1), axis=1)
        mean[image] += turn @ charges @ turn.T / len(rotations)
        tensor += turn @ dielectric @ turn.T / len(rotations)
    return mean, 0.5 * (tensor + tensor.T)


def _folded(phonon: Phonopy, dipoles: Dipoles, length: float) -> Floats:
    """Fold what dipoles contribute into the compact force constants of a supercell, eV Å⁻²."""
    primitive, whole = phonon.primitive, phonon.supercell
    basis = np.rint(whole.cell @ np.linalg.inv(primitive.cell)).astype(np.int64)
    points = get_commensurate_points(basis.T)  # phonopy's supercell matrices hold vectors in columns
    points -= np.rint(points)
    blocks = dipoles.matrices(points)
    kinds = np.array([primitive.p2p_map[atom] for atom in primitive.s2p_map])
    constants = np.zeros_like(phonon.force_constants)
    for i in range(len(primitive)):
        arms = (whole.positions - whole.positions[primitive.p2s_map[i]]) * length
        phases = np.exp(-1j * (arms @ dipoles.wave_vectors(points).T)) / len(points)
        constants[i] = np.einsum("sq,qsab->sab", phases, blocks[:, i].transpose(0, 2, 1, 3)[:, kinds]).real
    return np.asarray(constants)


def symmetrise(phonon: Phonopy, operations: tuple[Integers, Floats] | None = None) -> None:
    """Make exchange symmetry and sum rule of compact force constants exact, in place.

    By the pairs themselves and their self terms. Phonopy's own way spreads the residue of finite
    displacements over all pairs of the supercell, which in a compound gives every one of them a force
    constant, however far apart.

    Parameters
    ----------
    phonon : phonopy.Phonopy
        With compact force constants.
    operations : tuple of (G, 3, 3) int and (G, 3) float, optional
        Space group of its primitive cell, whose symmetry is made exact too.
    """
    primitive = phonon.primitive
    atoms = Atoms(
        primitive.symbols, cell=primitive.cell, scaled_positions=primitive.scaled_positions, pbc=True
    )
    table = ForceConstants.symmetrised(atoms, _share_out(phonon))
    if operations is not None:
        table = table.averaged(*operations)
    table = table.truncated(NOISE)
    index = {(a, b, c): k for k, (a, b, c) in enumerate(table.cells.tolist())}
    constants = np.zeros_like(phonon.force_constants)
    for i, s, j, cells in _images(phonon):
        present = [index[a, b, c] for a, b, c in cells.tolist() if (a, b, c) in index]
        constants[i, s] = table.values[present, i, j].sum(axis=0)
    phonon.force_constants = constants


def symmetry_of_supercell(phonon: Phonopy, atoms: Atoms) -> tuple[Integers, Floats]:
    """Operations of the crystal's space group that map the supercell's lattice to itself.

    Force constants of a supercell can have no others: in a flat supercell of a cubic crystal an operation
    that tilts its axes takes pairs to where the supercell holds none. Magnetic moments may lower the
    symmetry; with them there is only the identity.

    Parameters
    ----------
    phonon : phonopy.Phonopy
        With its supercell.
    atoms : ase.Atoms
        Its primitive cell, Å.

    Returns
    -------
    rotations : (G, 3, 3) int
        Fractional, of the primitive cell.
    translations : (G, 3) float
        Fractional.
    """
    if phonon.primitive.magnetic_moments is not None and np.any(phonon.primitive.magnetic_moments):
        return np.eye(3, dtype=np.int64)[None], np.zeros((1, 3))
    rotations, translations = crystal_symmetry(atoms)
    basis = phonon.supercell.cell @ np.linalg.inv(phonon.primitive.cell)
    images = basis @ rotations.transpose(0, 2, 1) @ np.linalg.inv(basis)
    kept = np.abs(images - np.rint(images)).max(axis=(1, 2)) < 1e-3
    return rotations[kept], translations[kept]


def _share_out(phonon: Phonopy) -> dict[tuple[int, int, int], Floats]:
    """Blocks (N, N, 3, 3) by lattice translation, equivalent images with equal shares."""
    n = len(phonon.primitive)
    constants = phonon.force_constants
    rows = np.arange(n) if constants.shape[0] == n else phonon.primitive.p2s_map
    blocks: dict[tuple[int, int, int], Floats] = defaultdict(lambda: np.zeros((n, n, 3, 3)))
    for i, s, j, cells in _images(phonon):
        for a, b, c in cells.tolist():
            blocks[a, b, c][i, j] += constants[rows[i], s] / len(cells)
    return blocks


def _images(phonon: Phonopy) -> Iterator[tuple[int, int, int, Integers]]:
    """Yield, for atoms i of the cell and s of the supercell: i, s, its kind j, the cells of its images."""
    primitive = phonon.primitive
    vectors, multiplicity = primitive.get_smallest_vectors()
    positions = primitive.scaled_positions
    for s, atom in enumerate(primitive.s2p_map):
        j = primitive.p2p_map[atom]
        for i in range(len(primitive)):
            count, start = multiplicity[s, i]
            shifts = vectors[start : start + count] - (positions[j] - positions[i])
            yield i, s, j, np.rint(shifts).astype(np.int64)


def _offsets(atoms: Atoms, positions: Floats) -> Floats:
    """Lattice translations by which phonopy's positions differ from those of the atoms."""
    return np.asarray(positions - atoms.cell.scaled_positions(atoms.get_positions()))


def _rewrap(blocks: dict[tuple[int, int, int], Floats], wrap: Integers) -> dict[tuple[int, int, int], Floats]:
    """Translate the table to atoms at x − wrap: the vector x_j + R − x_i must stay the same."""
    n = len(wrap)
    moved: dict[tuple[int, int, int], Floats] = defaultdict(lambda: np.zeros((n, n, 3, 3)))
    for key, block in blocks.items():
        for i in range(n):
            for j in range(n):
                a, b, c = (np.array(key) + wrap[j] - wrap[i]).tolist()
                moved[a, b, c][i, j] += block[i, j]
    return moved


def dispersion_error(phonon: Phonopy, table: ForceConstants, *, count: int = 5, seed: int = 0) -> float:
    """Largest difference between the table's D(q) and phonopy's at random q, relative to the largest D."""
    q = np.random.default_rng(seed).uniform(-0.5, 0.5, size=(count, 3))
    own = table.dynamical_matrix(q)
    return float(np.max(np.abs(own - phonopy_matrices(phonon, q))) / np.max(np.abs(own)))


def phonopy_matrices(phonon: Phonopy, qpoints: Floats) -> Complexes:
    """Phonopy's own D(q), (Q, 3N, 3N), for fractional q (Q, 3) of its primitive cell."""
    phonon.dynamical_matrix  # noqa: B018  built here, so that a missing ingredient shows as such
    return np.asarray(phonon.run_qpoints(qpoints, with_dynamical_matrices=True).dynamical_matrices)


def exchange_error(phonon: Phonopy) -> float:
    """Largest element of Φ_ij(R) − Φ_ji(−R)ᵀ of phonopy's force constants, in their unit."""
    blocks = _share_out(phonon)
    zero = np.zeros_like(next(iter(blocks.values())))
    return max(
        float(np.max(np.abs(block - blocks.get((-a, -b, -c), zero).transpose(1, 0, 3, 2))))
        for (a, b, c), block in blocks.items()
    )


def natural_isotopes() -> dict[str, tuple[tuple[int, float, float], ...]]:
    """Natural isotopes of the elements by symbol: number, mass (amu) and fraction of each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            from phonopy.atomic_data import get_atomic_data
        except ImportError:  # older versions keep them elsewhere
            from phonopy.structure.atoms import isotope_data

            return dict(isotope_data)
        return dict(get_atomic_data().isotope_data)
