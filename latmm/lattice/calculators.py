"""Interatomic potentials by name: which elements they cover, how far they reach, and a calculator of each.

The bundled ones (parameters with their sources in ``structures/potentials``) are ``tersoff``, ``sw``, ``lj``
and ``emt``; ``auto`` takes the first of :data:`BUNDLED` that covers all elements; ``package.module:callable``
is any function or class that returns an ASE calculator.
"""

import importlib
import inspect
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from math import isfinite
from typing import Any, Final

from ase.calculators.calculator import BaseCalculator

from latmm.errors import PotentialError
from latmm.lattice.potentials.bonds import BondCalculator, BondEnergy
from latmm.lattice.potentials.effective_medium import METALS, effective_medium
from latmm.lattice.potentials.lennard_jones import LennardJones
from latmm.lattice.potentials.stillinger_weber import stillinger_weber
from latmm.lattice.potentials.tersoff import tersoff

__all__ = ["BUNDLED", "Potential", "resolve_potential"]

BUNDLED: Final = ("tersoff", "sw", "emt", "lj")
"""Names of the bundled potentials, in the order that ``auto`` tries: Tersoff's before Stillinger and Weber's,
because its interaction of unlike atoms belongs to the published fit."""
FILES: Final = {"tersoff": "tersoff", "sw": "stillinger_weber", "lj": "lennard_jones"}
"""Parameter file of each, without its suffix."""
EXACT_FORCES: Final = 1e-3
"""Finite displacement for potentials whose forces are exact to rounding, Å."""


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
    """

    name: str
    description: str
    elements: frozenset[str] | None
    reach: float | None
    calculator: Callable[[], Any]
    displacement: float = 0.01


def resolve_potential(
    spec: str, elements: Iterable[str], options: Mapping[str, str | float] | None = None
) -> Potential:
    """Find the potential called ``spec`` and check that it covers the elements.

    Parameters
    ----------
    spec : str
        ``auto``, ``tersoff``, ``sw``, ``lj``, ``emt``, or ``package.module:callable``.
    elements : iterable of str
        Chemical symbols of both crystals.
    options : mapping, optional
        ``epsilon`` (eV), ``sigma`` (Å) and ``cutoff`` (Å, by default 2.5 sigma) of ``lj``; keyword arguments
        of a callable (text that reads as a number is passed as one).

    Raises
    ------
    PotentialError
        If the name or an option is unknown, an option is no valid number, the callable cannot be imported or
        called so, or the potential does not cover the elements.
    """
    options = dict(options or {})
    wanted = sorted(set(elements))
    if ":" in spec:
        return _external(spec, options)
    if spec == "auto":
        return _automatic(wanted, options)
    if spec not in BUNDLED:
        raise PotentialError(
            f"unknown potential {spec!r}; use auto, {', '.join(BUNDLED)}, or package.module:callable"
        )
    if spec != "lj" and options:
        raise PotentialError(f"potential {spec} takes no options, but {_listed(options)} given; leave out")
    any_element = spec == "lj" and {"epsilon", "sigma"} <= options.keys()
    if not any_element and (missing := _missing(spec, wanted)):
        hint = "give both epsilon and sigma for other elements, or " if spec == "lj" else ""
        raise PotentialError(
            f"potential {spec} covers {_listed(_covered(spec))}, not {_listed(missing)}; "
            f"{hint}{_alternatives(wanted)}"
        )
    return _bundled(spec, wanted, options)


@cache
def _parameters(name: str) -> dict[str, Any]:
    """Read a bundled parameter file."""
    text = (files("latmm_structures") / "potentials" / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _covered(name: str) -> frozenset[str]:
    """Elements with parameters in the bundled potential ``name``."""
    return frozenset(METALS if name == "emt" else _parameters(FILES[name])["element"])


def _missing(name: str, elements: Iterable[str]) -> list[str]:
    return sorted(set(elements) - _covered(name))


def _bundled(name: str, elements: Sequence[str], options: Mapping[str, str | float]) -> Potential:
    """Set up a bundled potential for elements that it covers."""
    if name == "lj":
        return _lennard_jones(elements, options)
    energy: BondEnergy
    if name == "tersoff":
        table = _parameters(FILES[name])
        energy, description = tersoff(table, elements), f"Tersoff, {table['source']}"
        if {"C", "Ge"} <= set(elements):
            description += "; C-Ge by the bare mixing rule, not fitted"
    elif name == "sw":
        table = _parameters(FILES[name])
        sources = "; ".join(f"{element}: {table['element'][element]['source']}" for element in elements)
        energy, description = stillinger_weber(table, elements), f"Stillinger-Weber, {sources}"
    else:
        energy = effective_medium(elements)
        description = (
            "effective medium theory (ASE's parameters), Jacobsen et al., Surf. Sci. 366, 394 (1996)"
        )
    return Potential(
        name=name,
        description=description,
        elements=frozenset(elements),
        reach=2.0 * energy.cutoff,
        calculator=partial(BondCalculator, energy),
        displacement=EXACT_FORCES,
    )


def _lennard_jones(elements: Sequence[str], options: Mapping[str, str | float]) -> Potential:
    """Lennard-Jones with argon's parameters, or the given ones, for every pair of atoms."""
    names = ("epsilon", "sigma", "cutoff")
    if unknown := sorted(set(options) - set(names)):
        raise PotentialError(f"unknown option {_listed(unknown)} of potential lj; use {', '.join(names)}")
    given = {name: _positive(name, value) for name, value in options.items()}
    argon = _parameters(FILES["lj"])["element"]["Ar"]
    epsilon, sigma = given.get("epsilon", argon["epsilon"]), given.get("sigma", argon["sigma"])
    cutoff = given.get("cutoff", argon["cutoff"] / argon["sigma"] * sigma)
    form = f"Lennard-Jones, epsilon = {epsilon:g} eV, sigma = {sigma:g} Å, truncated at {cutoff:g} Å"
    source = "" if {"epsilon", "sigma"} & given.keys() else f"; Ar: {argon['source']}"
    return Potential(
        name="lj",
        description=form + source,
        elements=frozenset(elements),
        reach=cutoff,
        calculator=partial(BondCalculator, LennardJones(epsilon, sigma, cutoff)),
        displacement=EXACT_FORCES,
    )


def _automatic(elements: list[str], options: Mapping[str, str | float]) -> Potential:
    """Return the first bundled potential that covers the elements."""
    if options:
        raise PotentialError(f"options ({_listed(options)}) need a potential by name, not auto; e.g. lj")
    for name in BUNDLED:
        if not _missing(name, elements):
            return _bundled(name, elements, options)
    raise PotentialError(f"no bundled potential covers {_listed(elements)}; {_alternatives(elements)}")


def _alternatives(elements: Sequence[str]) -> str:
    """Say which bundled potentials cover the elements, or else what each that covers some lacks."""
    lacking = {name: _missing(name, elements) for name in BUNDLED}
    if whole := [name for name in BUNDLED if not lacking[name]]:
        return f"use {' or '.join(whole)}"
    partly = [
        f"{name} lacks {_listed(lacks)}" for name, lacks in lacking.items() if len(lacks) < len(elements)
    ]
    covers = partly or [f"{name} covers {_listed(_covered(name))}" for name in BUNDLED]
    return f"pass package.module:callable of an ASE calculator that does ({'; '.join(covers)})"


def _external(spec: str, options: Mapping[str, str | float]) -> Potential:
    """Wrap a user's callable: ``package.module:callable``."""
    module_name, _, attribute = spec.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except ImportError as error:
        raise PotentialError(
            f"potential {spec}: cannot import {module_name!r} ({error}); install it or put it on PYTHONPATH"
        ) from error
    except (AttributeError, ValueError) as error:
        raise PotentialError(
            f"potential {spec}: module {module_name!r} has no {attribute!r}; use package.module:callable"
        ) from error
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
        calculator=partial(_call_external, spec, factory, keywords),
    )


def _call_external(spec: str, factory: Callable[..., Any], keywords: Mapping[str, Any]) -> BaseCalculator:
    calculator = factory(**keywords)
    if not isinstance(calculator, BaseCalculator):
        raise PotentialError(
            f"potential {spec} must return an ASE calculator, but returned {type(calculator).__name__}"
        )
    return calculator


def _literal(value: str | float) -> str | float:
    """Read a number where the text is one."""
    for number in (int, float):
        try:
            return number(value) if isinstance(value, str) else value
        except ValueError:
            continue
    return value


def _positive(name: str, value: str | float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not (isfinite(number) and number > 0):
        raise PotentialError(f"option {name} of potential lj must be a positive number, but is {value!r}")
    return number


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
