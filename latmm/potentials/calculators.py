"""Interatomic potentials by name: which elements they cover, how far they reach, and a calculator of each.

The bundled ones (parameters with their sources in ``structures/potentials``) are ``tersoff``, ``sw``,
``eam``, ``emt``, ``lj`` and ``bnc``; ``auto`` takes the first of :data:`BUNDLED` that covers all elements.
``tersoff`` and ``eam`` read parameter files too. ``lammps`` is any potential of LAMMPS,
``package.module:callable`` any function or class that returns an ASE calculator.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from ase import Atoms

from latmm.errors import PotentialError
from latmm.potentials.bundled.bond_order import tersoff, tersoff_by_bond
from latmm.potentials.bundled.bond_order_file import read_tersoff
from latmm.potentials.bundled.bonds import BondCalculator, BondEnergy
from latmm.potentials.bundled.eam_alloy import embedded_alloy
from latmm.potentials.bundled.eam_file import read_setfl
from latmm.potentials.bundled.emt import METALS, effective_medium
from latmm.potentials.bundled.lj import lennard_jones
from latmm.potentials.bundled.sw import stillinger_weber
from latmm.potentials.external import callable_potential, lammps_potential
from latmm.potentials.protocol import (
    EXACT_FORCES,
    Options,
    Potential,
    check_names,
    listed,
    named_file,
    parameter_file,
    parameters,
    refuse_uncovered,
)

__all__ = ["BUNDLED", "Potential", "resolve_potential"]

BUNDLED: Final = ("tersoff", "sw", "eam", "emt", "lj", "bnc")
"""Names of the bundled potentials, in the order that ``auto`` tries: Tersoff's before Stillinger and Weber's,
because its interaction of unlike atoms belongs to the published fit; the embedded-atom one before effective
medium theory, because it is fitted to the elastic constants. The one of sheets comes last: it is not meant
for diamond."""
FILES: Final = {
    "tersoff": "tersoff",
    "sw": "stillinger_weber",
    "eam": "embedded_alloy",
    "lj": "lennard_jones",
    "bnc": "bnc",
}
"""Parameter file of each, without its suffix."""


def resolve_potential(spec: str, elements: Iterable[str], options: Options | None = None) -> Potential:
    """Find the potential called ``spec`` and check that it covers the elements.

    Parameters
    ----------
    spec : str
        ``auto``, ``tersoff``, ``sw``, ``eam``, ``emt``, ``lj``, ``bnc``, ``lammps``, or
        ``package.module:callable``.
    elements : iterable of str
        Chemical symbols of both crystals.
    options : mapping, optional
        ``file`` of ``eam`` (LAMMPS' eam/alloy or eam/fs) and of ``tersoff`` (LAMMPS' format; ``Si="Si(D)"``
        names the label of an element in it); those of ``lj`` and ``lammps``, see
        :func:`~latmm.potentials.bundled.lj.lennard_jones` and
        :func:`~latmm.potentials.external.lammps_potential`; keyword arguments of a callable (text that reads
        as a number is passed as one).

    Returns
    -------
    Potential

    Raises
    ------
    PotentialError
        If the name or an option is unknown, an option is no valid number, a file cannot be read, the callable
        cannot be imported or called so, or the potential does not cover the elements.
    """
    options = dict(options or {})
    wanted = sorted(set(elements))
    if ":" in spec:
        return callable_potential(spec, options)
    if spec == "auto":
        return _automatic(wanted, options)
    if spec not in _SETUPS:
        raise PotentialError(
            f"unknown potential {spec!r}; use auto, {', '.join(_SETUPS)}, or package.module:callable"
        )
    return _SETUPS[spec](wanted, options)


def _automatic(elements: list[str], options: Options) -> Potential:
    """Return the first bundled potential that covers the elements."""
    if options:
        raise PotentialError(f"options ({listed(options)}) need a potential by name, not auto; e.g. lj")
    for name in BUNDLED:
        if not _missing(name, elements):
            return _SETUPS[name](elements, options)
    raise PotentialError(f"no bundled potential covers {listed(elements)}; {_alternatives(elements)}")


def _covered(name: str) -> frozenset[str]:
    """Elements with parameters in the bundled potential ``name``."""
    if name == "emt":
        return frozenset(METALS)
    table = parameters(FILES[name])
    return frozenset(table["elements"] if name == "bnc" else table["element"])


def _missing(name: str, elements: Iterable[str]) -> list[str]:
    return sorted(set(elements) - _covered(name))


def _alternatives(elements: Sequence[str]) -> str:
    """Say which bundled potentials cover the elements, or else what each that covers some lacks."""
    lacking = {name: _missing(name, elements) for name in BUNDLED}
    if whole := [name for name in BUNDLED if not lacking[name]]:
        return f"use {' or '.join(whole)}"
    partly = [
        f"{name} lacks {listed(lacks)}" for name, lacks in lacking.items() if len(lacks) < len(elements)
    ]
    covers = partly or [f"{name} covers {listed(_covered(name))}" for name in BUNDLED]
    return (
        "pass a file of parameters (tersoff, eam), lammps, or package.module:callable of an ASE calculator "
        f"that does ({'; '.join(covers)})"
    )


def _many_body(name: str, description: str, energy: BondEnergy) -> Potential:
    """Describe a many-body potential: two atoms with a common neighbour interact."""
    return Potential(
        name=name,
        description=description,
        elements=frozenset(energy.elements),
        reach=2.0 * energy.cutoff,
        calculator=partial(BondCalculator, energy),
        displacement=EXACT_FORCES,
    )


def _tersoff(elements: Sequence[str], options: Options) -> Potential:
    if "file" in options:
        check_names("tersoff", options, ["file", *elements])
        labels = {name: str(label) for name, label in options.items() if name != "file"}
        path = parameter_file(options["file"])
        energy, source = read_tersoff(path, elements, labels), named_file(path)
        named = ", ".join(f"{element} as {label}" for element, label in sorted(labels.items()))
        return _many_body("tersoff", f"Tersoff, {source}" + f"; {named}" * bool(named), energy)
    _bundled_only("tersoff", elements, options, ["file"])
    table = parameters(FILES["tersoff"])
    mixed = "; C-Ge by the bare mixing rule, not fitted" * ({"C", "Ge"} <= set(elements))
    return _many_body("tersoff", f"Tersoff, {table['source']}{mixed}", tersoff(table, elements))


_DENSE: Final = 15.0
"""Å³ of an atom in a crystal of B, C and N at most: 8.8 in graphite, 26 in a sheet with 10 Å of vacuum."""


def _no_sheet(atoms: Atoms) -> str | None:
    """Say that a crystal is none of what the potential of sheets is fitted to."""
    if atoms.get_volume() > _DENSE * len(atoms):
        return None
    formula = atoms.get_chemical_formula(empirical=True)
    return f"potential bnc is fitted to sheets and tubes, without forces of layers; {formula} is a crystal"


def _sheets(elements: Sequence[str], options: Options) -> Potential:
    _bundled_only("bnc", elements, options)
    table = parameters(FILES["bnc"])
    energy = tersoff_by_bond(table, elements)
    found = _many_body("bnc", f"Tersoff, refitted for sheets, {table['source']}", energy)
    return replace(found, remark=_no_sheet)


def _stillinger_weber(elements: Sequence[str], options: Options) -> Potential:
    _bundled_only("sw", elements, options)
    table = parameters(FILES["sw"])
    sources = "; ".join(f"{element}: {table['element'][element]['source']}" for element in elements)
    return _many_body("sw", f"Stillinger-Weber, {sources}", stillinger_weber(table, elements))


def _embedded_atom(elements: Sequence[str], options: Options) -> Potential:
    if "file" in options:
        check_names("eam", options, ["file"])
        path = parameter_file(options["file"])
        return _many_body("eam", f"embedded atom, {named_file(path)}", read_setfl(path, elements))
    _bundled_only("eam", elements, options, ["file"])
    table = parameters(FILES["eam"])
    mixed = "; unlike atoms by the mixing rule, not fitted" * (len(elements) > 1)
    description = f"embedded atom, Zhou, Johnson and Wadley, {table['source']}{mixed}"
    return _many_body("eam", description, embedded_alloy(table, elements))


def _effective_medium(elements: Sequence[str], options: Options) -> Potential:
    _bundled_only("emt", elements, options)
    source = "effective medium theory (ASE's parameters), Jacobsen et al., Surf. Sci. 366, 394 (1996)"
    return _many_body("emt", source, effective_medium(elements))


def _bundled_only(name: str, elements: Sequence[str], options: Options, known: Sequence[str] = ()) -> None:
    """Refuse options and elements beyond those of the bundled parameters."""
    check_names(name, options, known)
    refuse_uncovered(name, _covered(name), elements, _alternatives(elements))


_SETUPS: Final[dict[str, Callable[[Sequence[str], Options], Potential]]] = {
    "tersoff": _tersoff,
    "sw": _stillinger_weber,
    "eam": _embedded_atom,
    "emt": _effective_medium,
    "lj": lennard_jones,
    "bnc": _sheets,
    "lammps": lammps_potential,
}
"""What sets up each potential by name, for elements in alphabetical order."""
