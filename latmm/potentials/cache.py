"""Forces that were computed once, on disk: a second run on the same structures begins at once.

An entry is named by the digest of all that determines it: the potential with its parameters, the files they
are read from and the code that evaluates them; species, cell, boundary conditions and positions, which hold
the displacement. It is written whole or not at all; one that is damaged fails its checksum and is computed
again. Relaxations take the same steps and are found again step by step.

Another processor rounds positions differently. The name holds them in units of :data:`_GRID`, the entry
itself to the last digit: it is taken if no coordinate differs by more than :data:`_ROUNDING`, which changes
forces by 1e-10 eV/Å. A coordinate that rounding moves across a boundary of the grid costs a computation, no
more.
"""

import inspect
import os
import pickle
import re
import sys
import tempfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import ase
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from latmm import __version__
from latmm.arrays import Floats
from latmm.errors import InputError, PotentialError
from latmm.potentials import bundled
from latmm.potentials.protocol import Potential

__all__ = ["CachedCalculator", "cached", "default_folder", "fingerprint", "is_cached"]

_SIZES: Final = {"energy": 1, "free_energy": 1, "stress": 6}
"""Numbers of each property before the forces."""
_GRID: Final = 1e-8
"""Unit of the coordinates in the name of an entry, Å."""
_ROUNDING: Final = 1e-11
"""Largest difference of coordinates that is rounding, Å."""
_MOST_BYTES: Final = 2**30
"""Size of a cache beyond which its oldest entries are removed when it is opened."""


def default_folder() -> Path | None:
    """Folder of the user's cache: ``LATMM_CACHE`` (empty: none), or latmm in ``XDG_CACHE_HOME``."""
    chosen = os.environ.get("LATMM_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latmm" / "forces"


def cached(potential: Potential, folder: Path) -> Potential:
    """Return a potential that keeps what it computes in a folder, and finds it there.

    Parameters
    ----------
    potential : Potential
        Whose results depend on structure and parameters alone.
    folder : Path
        Made if need be; its oldest entries go when it holds more than a gibibyte.

    Raises
    ------
    InputError
        If the folder cannot be written to, or the potential has no name that lasts (a lambda).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the cache {folder} cannot be written to ({error.strerror}); name another folder, or none"
        ) from None
    _prune(folder)
    calculator = partial(CachedCalculator, potential.calculator, folder, fingerprint(potential))
    return replace(potential, calculator=calculator)


def is_cached(potential: Potential) -> bool:
    """Whether a potential is one of :func:`cached`."""
    recipe = potential.calculator
    return isinstance(recipe, partial) and recipe.func is CachedCalculator


class CachedCalculator(Calculator):  # type: ignore[misc]
    """A calculator that looks its results up before it computes them.

    Parameters
    ----------
    factory : callable
        Returns the calculator that computes.
    folder : Path
        Of the entries.
    fingerprint : str
        Digest of the potential.
    """

    implemented_properties = ("energy", "free_energy", "stress", "forces")

    def __init__(self, factory: Callable[[], Any], folder: Path, fingerprint: str) -> None:
        super().__init__()
        self._factory, self._folder, self._fingerprint = factory, folder, fingerprint
        self._inner: Any = None

    def knows_forces(self, atoms: Atoms) -> bool:
        """Whether the forces on these atoms need no computation."""
        return "forces" in _read(self._folder / _name(atoms, self._fingerprint), atoms)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Find the results (eV, eV/Å, eV/Å³), or compute and keep them."""
        super().calculate(atoms, properties, system_changes)
        image: Any = self.atoms
        path = self._folder / _name(image, self._fingerprint)
        self.results = _read(path, image)
        if set(properties) <= set(self.results):
            return
        if self._inner is None:
            self._inner = self._factory()
        self.results = {name: self._inner.get_property(name, image) for name in properties}
        for name in self.implemented_properties:
            # what nobody asked for need not be there, nor be right
            with suppress(PropertyNotImplementedError, PotentialError):
                value = self._inner.get_property(name, image, allow_calculation=False)
                if value is not None:
                    self.results[name] = value
        _write(path, self.results, image)


def fingerprint(potential: Potential) -> str:
    """Digest of a potential's parameters, of the files that it names and of the code that evaluates it.

    A cache, whatever its folder, does not change it.

    Raises
    ------
    InputError
        If the potential has no name that lasts (a lambda).
    """
    if is_cached(potential):
        _, _, found_before = potential.calculator.args  # type: ignore[attr-defined]
        return str(found_before)
    try:
        recipe = pickle.dumps(potential.calculator, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"forces of {potential.name} cannot be kept: its calculator has no lasting name ({error}); "
            "make it by a function at the top of a module"
        ) from None
    found = sha256(repr((__version__, ase.__version__, potential.name, potential.description)).encode())
    found.update(recipe)
    words = re.split(r"[\s,;()=]+", potential.description)
    named = [Path(word) for word in words if word and Path(word).is_file()]
    module = sys.modules.get(potential.name.partition(":")[0])
    if module is not None and (source := inspect.getsourcefile(module)):
        named.append(Path(source))
    for path in [*named, *sorted(Path(bundled.__path__[0]).glob("*.py"))]:
        found.update(path.read_bytes())
    return found.hexdigest()


def _name(atoms: Atoms, fingerprint: str) -> str:
    found = sha256(fingerprint.encode())
    for array in (
        atoms.numbers,
        atoms.pbc,
        np.rint(_coordinates(atoms) / _GRID) + 0.0,
        atoms.get_initial_charges(),
        atoms.get_initial_magnetic_moments(),
    ):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:40]


def _coordinates(atoms: Atoms) -> Floats:
    """Cell and positions, (9 + 3N,) Å."""
    return np.concatenate([atoms.cell.array.ravel(), atoms.positions.ravel()])


def _read(path: Path, atoms: Atoms) -> dict[str, Any]:
    """Results of an entry; none if it is absent, damaged or of other atoms."""
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    own, size = _coordinates(atoms), len(atoms)
    count = own.size + sum(_SIZES.values()) + 3 * size
    if len(content) != 8 * count + 4 or zlib.crc32(content[:-4]) != int.from_bytes(content[-4:], "little"):
        return {}
    numbers = np.frombuffer(content[:-4]).copy()
    if not np.abs(numbers[: own.size] - own).max() <= _ROUNDING:
        return {}
    numbers = numbers[own.size :]
    energy, free, stress, forces = np.split(numbers, np.cumsum(list(_SIZES.values())))
    found: dict[str, Any] = {
        "energy": float(energy[0]),
        "free_energy": float(free[0]),
        "stress": stress,
        "forces": forces.reshape(size, 3),
    }
    return {name: value for name, value in found.items() if not np.isnan(value).any()}


def _write(path: Path, results: dict[str, Any], atoms: Atoms) -> None:
    """Write an entry under another name and move it into place; a full disk costs the entry only."""
    parts = [_coordinates(atoms)]
    parts += [
        np.ravel(np.asarray(results.get(name, np.full(count, np.nan)), dtype=float))
        for name, count in {**_SIZES, "forces": 3 * len(atoms)}.items()
    ]
    numbers: Floats = np.concatenate(parts)
    content = numbers.tobytes()
    content += zlib.crc32(content).to_bytes(4, "little")
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _prune(folder: Path) -> None:
    """Remove the oldest entries of a cache that has grown too large, down to half of what it may hold."""
    entries = []
    for entry in os.scandir(folder):
        with suppress(OSError):  # another process prunes, too
            if entry.is_file():
                state = entry.stat()
                entries.append((state.st_mtime, state.st_size, entry.path))
    total = sum(size for _, size, _ in entries)
    if total <= _MOST_BYTES:
        return
    for _, size, path in sorted(entries):
        with suppress(OSError):
            os.unlink(path)
        total -= size
        if total <= _MOST_BYTES // 2:
            return
