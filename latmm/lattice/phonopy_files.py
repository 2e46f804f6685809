"""Crystals from finished phonopy calculations: read, checked, and ready to be oriented.

What phonopy writes (``phonopy_params.yaml``, ``phonopy.yaml`` with ``FORCE_CONSTANTS``,
``force_constants.hdf5`` or ``FORCE_SETS`` beside it; compressed or not) becomes a table of force constants
of the primitive cell. Exchange symmetry, acoustic sum rule and the symmetry of the space group are made
exact; how far the file was from them, and what that changes, is kept.

The non-analytic term of polar crystals is left out unless it is asked for. It depends on the direction of
q → 0 and has no table in real space. With it, the table is the short-ranged part of the force constants, and
the dipoles of the Born charges come on top (:mod:`latmm.lattice.dipoles`); without it an interface sees the
force constants as the supercell holds them, in which the longitudinal optical branch comes down to the
transverse one at Γ. Force constants from which a dipole part was *subtracted*
(Quantum ESPRESSO's q2r.x with Born charges) are another thing: their phonons are wrong everywhere, and they
are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
from ase import Atoms
from scipy import constants

from latmm.arrays import Floats
from latmm.errors import InputError, InstabilityError, LatmmError
from latmm.lattice.dynamics import require_stable
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.likelihood import improbable
from latmm.lattice.phonopy_bridge import (
    Finished,
    dispersion_error,
    exchange_error,
    force_constant_table,
    load_finished,
    phonopy_matrices,
    primitive_atoms,
    split_dipoles,
    symmetrise,
    symmetry_of_supercell,
)
from latmm.lattice.recast import reduced, symmetry_error
from latmm.reading import COMPRESSED
from latmm.structures import SHORTEST_BOND, check_mass
from latmm.threads import single_threaded
from latmm.units import EV_PER_A2_AMU, TWO_PI

__all__ = ["Calculation", "beside", "differences", "is_phonopy_file", "read_phonopy"]

_BESIDE: Final = ("FORCE_CONSTANTS", "force_constants.hdf5", "FORCE_SETS", "BORN")
_STIFFEST: Final = 1e6
"""Force constant, eV Å⁻²; the bond of diamond has some 30."""
_WRONG: Final = 0.05
"""Defect of sum rule, exchange symmetry (relative to the largest force constant) or crystal symmetry (of ω²)
that no noise explains."""
_POLAR: Final = 0.15
"""Least share of the expected dipole-dipole force at small q: 0.43 to 1.55 in seventeen polar
crystals, 1.0 less once their dipole part is subtracted."""
_SMALL: Final = 0.34
"""Fractional q below which that share is looked at: the expectation holds near Γ."""
_SAME_REACH: Final = 0.1
"""Relative difference of the reach of two supercells that lattices of one kind explain."""
_SAME_LATTICE: Final = 2e-3
"""Relative difference of lattice constants that convergence explains: functionals differ by 6e-3 to 2e-2."""
_COULOMB: Final = constants.e / (constants.epsilon_0 * constants.angstrom)
"""e²/ε₀ in eV Å."""


@dataclass(frozen=True)
class Calculation:
    """A crystal from a finished phonopy calculation.

    Attributes
    ----------
    constants : ForceConstants
        Of the primitive cell, in the orientation of the file.
    path : pathlib.Path
        The file.
    source : str
        Where the force constants come from.
    supercell : int
        Atoms in phonopy's supercell.
    reach : float
        Half of the supercell's least height: the distance up to which all force constants are known, Å.
    code : str
        Which gave the forces, as phonopy names it; ``"vasp"`` too where the file states none.
    polar : bool
        Born charges are there.
    sum_rule_before, exchange_before : float
        Largest element of Σ_jR Φ_ij(R) and of Φ_ij(R) − Φ_ji(−R)ᵀ in the file, relative to the largest force
        constant; both vanish to rounding in ``constants``.
    change : float
        Largest change of a frequency by making these and ``symmetry_before`` vanish, at random q, THz.
    symmetry_before : float
        Largest difference of ω² between wave vectors that symmetry makes equal in the file, relative to the
        largest ω²; vanishes to rounding in ``constants``, but for what the supercell's shape does not have.
    averaged : int
        Operations of the space group over which the force constants are averaged; one where the file has
        magnetic moments, which may lower the symmetry.
    dispersion_error : float
        Largest difference between D(q) of the table and phonopy's at random q, relative to the largest D;
        without the non-analytic term.
    charge : float
        Largest element of the sum of the Born charges in the file, e; zero in ``constants``.
    temperature : float or None
        At which the displacements of effective force constants were drawn, K, where the file tells.
    """

    constants: ForceConstants
    path: Path
    source: str
    supercell: int
    reach: float
    code: str
    polar: bool
    sum_rule_before: float
    exchange_before: float
    change: float
    symmetry_before: float
    averaged: int
    dispersion_error: float
    charge: float = 0.0
    temperature: float | None = None

    @property
    def nac(self) -> bool:
        """Whether ``constants`` have the dipoles of the Born charges."""
        return self.constants.dipoles is not None

    @property
    def description(self) -> str:
        """One line for notes and for the provenance of results."""
        polar = ""
        if self.nac:
            polar = f"; with the dipoles of Born charges, whose sum of {self.charge:.1e} e was taken off"
        elif self.polar:
            polar = "; without the non-analytic term (no LO-TO splitting at the zone centre)"
        return (
            f"{self.constants.atoms.get_chemical_formula(empirical=True)}: {self.source}, supercell of "
            f"{self.supercell} atoms; sum rule {self.sum_rule_before:.1e} and exchange symmetry "
            f"{self.exchange_before:.1e} made exact, and {self.averaged} symmetry operations, kept to "
            f"{self.symmetry_before:.1e} of the largest squared frequency, which moves frequencies by up to "
            f"{self.change:.1e} THz{polar}"
        )

    @property
    def left_out(self) -> str | None:
        """What of the file's physics no result has, in words; None if nothing."""
        if not self.polar or self.nac:
            return None
        return (
            f"{self.path} holds Born charges: dipole forces beyond its supercell of {self.supercell} atoms "
            f"({self.reach:.1f} Å), and with them the LO-TO splitting near the zone centre, are left out"
        )


def differences(left: Calculation, right: Calculation) -> list[str]:
    """Say in what two calculations differ that belong to one interface, a sentence for each.

    Parameters
    ----------
    left, right : Calculation
        Of the two sides, or of a side and the contact.

    Returns
    -------
    list of str
        Nothing where the files show none; which functional was used they do not tell.
    """
    found = []
    if left.code != right.code:
        found.append(
            f"{left.path} is of {left.code} and {right.path} of {right.code}: functionals and "
            "pseudopotentials of different codes differ; take both crystals from one"
        )
    if abs(left.reach / right.reach - 1.0) > _SAME_REACH:
        found.append(
            f"the supercells are unequal: force constants reach {left.reach:.1f} Å in {left.path} "
            f"({left.supercell} atoms) and {right.reach:.1f} Å in {right.path} ({right.supercell} atoms); "
            "pairs that one side does not reach enter as zero; take supercells of equal size"
        )
    first, second = (side.constants.atoms for side in (left, right))
    if sorted(first.numbers) == sorted(second.numbers):
        misfit = float(np.cbrt(second.get_volume() / first.get_volume())) - 1.0
        if abs(misfit) > _SAME_LATTICE:
            found.append(
                f"{left.path} and {right.path} hold one substance, {first.symbols}, with lattices "
                f"{100 * abs(misfit):.2f} % apart: functional, pseudopotential, pressure or structure differ"
            )
    return found


def is_phonopy_file(path: str | PathLike[str]) -> bool:
    """Tell by the name whether a file is meant for phonopy: yaml, compressed or not.

    No format of structures is yaml, so that nothing need be opened.

    Raises
    ------
    InputError
        If it is one of phonopy's files without a crystal.
    """
    path = Path(path)
    if path.name in _BESIDE or path.name.partition(".")[0] in _BESIDE:
        raise InputError(
            f"{path} holds no crystal; name the phonopy.yaml of the calculation, with {path.name} beside it"
        )
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in (".yaml", ".yml")


def beside(path: str | PathLike[str]) -> dict[str, Path]:
    """Files of phonopy in the folder of a phonopy file, by name."""
    folder = Path(path).parent
    return {name: folder / name for name in _BESIDE if (folder / name).is_file()}


@single_threaded
def read_phonopy(
    path: str | PathLike[str], masses: Mapping[str, float] | None = None, *, nac: bool = False
) -> Calculation:
    """Read a finished phonopy calculation.

    Parameters
    ----------
    path : path
        ``phonopy_params.yaml``, ``phonopy.yaml`` or anything of that kind, compressed or not.
    masses : mapping of str to float, optional
        Mass by element, amu, in place of the file's.
    nac : bool
        Treat the dipoles of Born charges exactly, where the file has some: LO-TO splitting.

    Returns
    -------
    Calculation

    Raises
    ------
    InputError
        If the file is missing, is no phonopy file, has no force constants, breaks sum rule or exchange
        symmetry grossly, or has its dipole part subtracted.
    InstabilityError
        If the crystal has imaginary modes.
    """
    path = Path(path)
    finished = _open(path)
    phonon = finished.phonopy
    try:
        atoms = primitive_atoms(finished)
    except KeyError as error:
        raise InputError(f"{path} holds atoms of unknown element {error}; name the elements") from None
    _check_cell(atoms, path)
    _check_units(finished, atoms, path)
    sum_rule, exchange = _defects(finished, path)
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (12, 3))
    before = _frequencies(finished, q)
    symmetrise(phonon)
    table = force_constant_table(phonon, atoms)
    asymmetry = symmetry_error(reduced(table))
    if asymmetry > _WRONG:
        raise InputError(
            f"the {finished.source} of {path} lack the crystal's symmetry by {100 * asymmetry:.0f} % of the "
            "largest squared frequency; symmetrise them (phonopy --fc-symmetry), or check the structure"
        )
    operations = symmetry_of_supercell(phonon, atoms)
    symmetrise(phonon, operations)
    table = force_constant_table(phonon, atoms)
    change = float(np.max(np.abs(_frequencies(finished, q) - before)))
    difference = dispersion_error(phonon, table)
    _check_dipoles(finished, table, path)
    polar = split_dipoles(finished, atoms) if nac else None
    table, charge = (table, 0.0) if polar is None else polar
    crystal = reduced(_with_masses(table, masses or {}, path))
    try:
        require_stable(crystal, f"the crystal of {path}")
    except InstabilityError as unstable:
        text = str(unstable).replace(" with this potential", "").partition(";")[0]
        raise InstabilityError(
            f"{text}; take force constants of a stable phase, of a relaxed structure, or effective ones of a "
            "temperature at which it is stable"
        ) from None
    return Calculation(
        crystal,
        path,
        finished.source,
        len(phonon.supercell),
        _reach(finished),
        _code(finished),
        finished.born is not None,
        sum_rule,
        exchange,
        change,
        asymmetry,
        len(operations[0]),
        difference,
        charge,
        finished.temperature,
    )


def _open(path: Path) -> Finished:
    """Open the file, and what belongs to it in its folder."""
    try:
        finished = load_finished(path, beside(path))
    except LatmmError:
        raise
    except BaseException as error:  # phonopy's parsers raise what they like, and its Rust panics
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path} cannot be read as a phonopy calculation ({reason}); give a phonopy_params.yaml, or a "
            "phonopy.yaml with FORCE_SETS or FORCE_CONSTANTS beside it"
        ) from error
    if finished is None:
        raise InputError(
            f"{path} holds neither force constants nor forces, and none of {', '.join(_BESIDE[:3])} is "
            "beside it; put one there, or save all in one file with phonopy --save-params"
        )
    polar = finished.born or {}
    for what, values, largest in (
        (f"the {finished.source}", finished.phonopy.force_constants, _STIFFEST),
        (
            "Born charges and dielectric tensor",
            np.concatenate([[0.0], *map(np.ravel, polar.values())]),
            1e4,
        ),
    ):
        if not np.all(np.abs(values) <= largest):
            raise InputError(
                f"{what} of {path} are not finite numbers below {largest:g}; repeat the calculation"
            )
    if polar and not np.linalg.eigvalsh(polar["dielectric"]).min() > 0.5:
        raise InputError(
            f"the dielectric tensor of {path} must be above 1, but is "
            f"{np.ravel(polar['dielectric']).tolist()}; mend it or leave out the Born charges"
        )
    return finished


def _check_cell(atoms: Atoms, path: Path) -> None:
    distances = atoms.get_all_distances(mic=True) + np.diag(np.full(len(atoms), np.inf))
    if distances.min() < SHORTEST_BOND:
        raise InputError(f"{path} has atoms {distances.min():.3g} Å apart; mend the structure")


def _check_units(finished: Finished, atoms: Atoms, path: Path) -> None:
    """Refuse lengths and force constants that are not in the units of the code that the file names."""
    q = np.random.default_rng(1).uniform(-0.5, 0.5, (4, 3))
    reason = improbable(atoms, float(np.abs(_frequencies(finished, q)).max()))
    if reason is not None:
        raise InputError(
            f"{path}: {reason}; the {finished.source} are not in the units of its calculator, "
            f"{_code(finished)}; state the code that gave them in the file (phonopy: calculator: qe), or "
            "convert them to Å and eV/Å²"
        )


def _code(finished: Finished) -> str:
    return finished.phonopy.calculator or "vasp"


def _reach(finished: Finished) -> float:
    """Half of the least height of phonopy's supercell, Å."""
    return (
        0.5
        * finished.length
        / float(np.linalg.norm(np.linalg.inv(finished.phonopy.supercell.cell), axis=0).max())
    )


def _defects(finished: Finished, path: Path) -> tuple[float, float]:
    """Relative defects of sum rule and exchange symmetry; refuse what is no force constants of this cell."""
    phonon = finished.phonopy
    scale = float(np.max(np.abs(phonon.force_constants)))
    if scale == 0.0:
        raise InputError(f"the {finished.source} of {path} are all zero; repeat the calculation")
    drift = float(np.max(np.abs(phonon.force_constants.sum(axis=1)))) / scale
    exchange = exchange_error(phonon) / scale
    for what, defect in (("the acoustic sum rule", drift), ("exchange symmetry", exchange)):
        if defect > _WRONG:
            raise InputError(
                f"the {finished.source} of {path} break {what} by {100 * defect:.0f} % of the largest force "
                "constant; they do not belong to this crystal and supercell"
            )
    return drift, exchange


def _frequencies(finished: Finished, qpoints: Floats) -> Floats:
    """Frequencies that phonopy gives, THz, imaginary ones negative."""
    squares = np.linalg.eigvalsh(phonopy_matrices(finished.phonopy, qpoints)) * EV_PER_A2_AMU
    return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares)) / TWO_PI)


def _check_dipoles(finished: Finished, table: ForceConstants, path: Path) -> None:
    """Refuse polar force constants without their dipole-dipole part.

    At a small commensurate q the whole force constants push the pattern u_i ∝ q̂·Z_i harder than at Γ by
    about 4π e² (q̂·Z_i)(q̂·Z_j)/(V q̂·ε·q̂); those whose dipole part was subtracted hardly at all. The
    crystal's own dispersion adds to both, so that only what is far below the expected is refused.
    """
    if finished.born is None:
        return
    atoms = table.atoms
    cell = atoms.cell.array
    repeats = np.rint(finished.phonopy.supercell.cell * finished.length @ np.linalg.inv(cell))
    q = np.linalg.inv(repeats).T
    q -= np.rint(q)
    q = q[(np.abs(q).max(axis=1) > 1e-6) & (np.abs(q).max(axis=1) < _SMALL)]
    if not len(q):
        return
    direction = q @ np.linalg.inv(cell).T
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    pattern = np.einsum("qa,iab->qib", direction, finished.born["charges"])
    pattern = (pattern / np.sqrt(atoms.get_masses())[:, None]).reshape(len(q), -1)
    screening = np.einsum("qa,ab,qb->q", direction, finished.born["dielectric"], direction)
    expected = _COULOMB / table.volume * np.einsum("qx,qx->q", pattern, pattern) ** 2 / screening
    change = table.dynamical_matrix(q) - table.dynamical_matrix(np.zeros((1, 3)))
    found = np.einsum("qx,qxy,qy->q", pattern, change, pattern).real
    share = float(np.mean(found / np.where(expected > 0.0, expected, np.inf)))
    if expected.min() > 0.0 and share < _POLAR:
        raise InputError(
            f"the {finished.source} of {path} lack their dipole-dipole part (the longitudinal push at "
            f"small q is {100 * share:.0f} % of what the Born charges ask for), as q2r.x of Quantum ESPRESSO "
            "leaves them when it is given Born charges; take force constants of a supercell, or run q2r.x "
            "without the charges"
        )


def _with_masses(table: ForceConstants, masses: Mapping[str, float], path: Path) -> ForceConstants:
    """Replace masses by element."""
    symbols = np.array(table.atoms.get_chemical_symbols())
    values = table.atoms.get_masses()
    for element, mass in masses.items():
        check_mass(mass, f"the mass of {element}")
        if element not in symbols:
            present = ", ".join(sorted(set(symbols)))
            raise InputError(f"a mass is given for {element}, but {path} holds {present}; name one of them")
        values[symbols == element] = mass
    return table.with_masses(values)
