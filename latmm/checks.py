"""Checks of a result: a number, its limit, what it means, and what to do where it is beyond.

Every check of the library is a :class:`Check`, named in :data:`KINDS` with what it measures. A result keeps
its checks as JSON in the attribute ``checks``: what failed shows in tables, figures and the exit code of the
command line. A check that nobody could make (a crystal without a calculator has no stress) has the value NaN,
``null`` in JSON, and neither passes nor fails.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from latmm.errors import InputError

__all__ = [
    "KINDS",
    "Check",
    "Checks",
    "allow",
    "by_name",
    "check",
    "dumps",
    "failed",
    "kind_of",
    "loads",
    "worst",
]

_REPORT = "no setting mends this: report it with the input that shows it"
_UNRELAXED = "leave `relax=False` out, or give structures at the potential's equilibrium"
_FINER = "use a larger `supercell`, or force constants that reach farther"

KINDS: Final[Mapping[str, tuple[str, str, str]]] = {
    # of the crystals
    "dispersion": ("1", "ω² of the {side} crystal's force constants differs from its source's", _REPORT),
    "sum_rule": ("1", "the force constants of the {side} crystal miss the acoustic sum rule", _REPORT),
    "stress": ("GPa", "stress of the {side} crystal that relaxation would release", _UNRELAXED),
    "force": ("eV/Å", "largest force on an atom of the {side} crystal", _UNRELAXED),
    "stiffness": ("1", "speeds of sound of the {side} crystal's stiffness differ from its slopes", _FINER),
    "cut_slope": (
        "1",
        "cutting the force constants of the {side} crystal changes a slope",
        "let `span` be larger, or leave it out",
    ),
    "cut_frequency": (
        "1",
        "cutting the force constants of the {side} crystal changes a frequency",
        "let `span` be larger, or leave it out",
    ),
    "rotation": (
        "1",
        "letting the {side} crystal turn freely changes a frequency",
        "use a larger supercell in the calculation of its force constants",
    ),
    "dipoles": (
        "1",
        "dipoles of the {side} crystal beyond its principal layers change a frequency",
        "let `span` be larger: thicker principal layers lose less",
    ),
    "channels": (
        "1",
        "in-plane mesh too coarse: two counts of the {side} crystal's channels differ",
        "raise `kmesh`",
    ),
    # of the contact
    "residual_force": ("eV/Å", "largest force on an atom of the contact", _UNRELAXED),
    "region_stability": (
        "1",
        "the contact is unstable: its lowest ω², between clamped ends, is negative",
        "relax the contact, start from another registry, or use a contact file",
    ),
    "region_ends": (
        "1",
        "the force constants at the ends of the contact differ from the pure crystals'",
        "leave more undisturbed layers of both crystals in the contact",
    ),
    "region_cut": (
        "1",
        "leaving out what reaches beyond both crystals changes the contact's force constants",
        "use a thicker superlattice or slab in the calculation of the contact",
    ),
    "sum_rule_dipoles": (
        "1",
        "dipoles at the contact, or on sites without symmetry, miss the acoustic sum rule",
        "choose another plane, or leave the non-analytic term out (`nac`)",
    ),
    "sum_rule_region": ("1", "the force constants of the contact miss the acoustic sum rule", _REPORT),
    # of the Green's function
    "unitarity": ("1", "the scattering matrix is not unitary", _REPORT),
    "caroli": ("1", "transmissions by two routes differ", _REPORT),
    "reciprocity": ("1", "transmissions in both directions differ", _REPORT),
    "radiation_limit": ("1", "more is transmitted than one crystal offers", _REPORT),
    # of crystals that scatter phonons
    "kirchhoff": ("1", "what channels and nodes of the contact send and receive differs", _REPORT),
    "flux_balance": ("1", "heat that leaves one reservoir does not reach the other", _REPORT),
    "channel_sums": ("1", "channels counted with and without the contact differ", _REPORT),
    "conductivity": (
        "1",
        "conductivities of the {side} crystal's channels and of its file of rates differ",
        "use finer meshes here and for the rates, and the same force constants",
    ),
    # of a study
    "points": (
        "points",
        "parameters at which nothing could be computed",
        "leave them out, or mend what stands in the attribute left_out",
    ),
    # of a table of modes
    "frequency": ("1", "frequencies of modes and of the phonons they unfold to differ", _REPORT),
    "group_velocity": ("1", "velocities of modes and of the phonons they unfold to differ", _REPORT),
    "energy": ("1", "transmissivity and reflectivity do not sum to one", _REPORT),
    "detailed_balance": ("1", "transmissions counted from the left and from the right differ", _REPORT),
}
"""Kind → (unit, meaning, remedy). Those with {side} in their meaning are named KIND_left and KIND_right."""
_SIDES = ("left", "right")


@dataclass(frozen=True)
class Check:
    """A number that must not exceed its limit.

    Attributes
    ----------
    name : str
        As in :data:`KINDS`, with the side where there is one.
    value : float
        NaN where it is not known.
    limit : float
        Largest value that passes.
    unit : str
        Of both; "1" for plain numbers.
    meaning : str
        What the value says, in a sentence's beginning that "value, limit" ends.
    remedy : str
        What to do if it fails; parameters in backticks.
    where : str
        Which atom, wave vector or frequency the value is of; empty where that says nothing.
    allowed : bool
        Whoever asked for the result takes it although the check failed.
    """

    name: str
    value: float
    limit: float
    unit: str = "1"
    meaning: str = ""
    remedy: str = ""
    where: str = ""
    allowed: bool = False

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    @property
    def passed(self) -> bool:
        """Whether the value keeps its limit; one that is not known does."""
        return not self.value > self.limit

    @property
    def text(self) -> str:
        """Meaning, value and limit in one phrase, with where it is found."""
        where = f" ({self.where})" if self.where else ""
        if not self.known:
            return f"{self.meaning}: not known{where}"
        if self.unit == "1" and self.limit >= 1e-3:
            return f"{self.meaning} by {100 * self.value:.2g} %{where}, limit {100 * self.limit:g} %"
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.meaning}: {self.value:.2g}{unit}{where}, limit {self.limit:.2g}{unit}"

    @property
    def plain(self) -> dict[str, Any]:
        """The check as JSON knows it."""
        return {
            "value": self.value if self.known else None,
            "limit": self.limit,
            "unit": self.unit,
            "passed": self.passed if self.known else None,
            "allowed": self.allowed,
            "meaning": self.meaning,
            "where": self.where,
            "remedy": self.remedy,
        }


Checks: TypeAlias = Mapping[str, Check]
"""By name."""


def kind_of(name: str) -> str:
    """Name without its side, as in :data:`KINDS`.

    Parameters
    ----------
    name : str
        Of a check, e.g. ``stress_left``.

    Returns
    -------
    str
        E.g. ``stress``.

    Raises
    ------
    InputError
        If there is no such check.
    """
    stem, _, side = name.rpartition("_")
    if side in _SIDES and "{side}" in KINDS.get(stem, ("", "", ""))[1]:
        return stem
    if name not in KINDS:
        raise InputError(f"there is no check {name!r}; the checks are {', '.join(KINDS)}")
    return name


def check(name: str, value: float, limit: float, *, where: str = "", remedy: str = "") -> Check:
    """Make a check of a kind.

    Parameters
    ----------
    name : str
        From :data:`KINDS`, with _left or _right where the kind has sides.
    value, limit : float
        In the kind's unit.
    where : str
        Where the value is found.
    remedy : str
        In place of the kind's own.

    Returns
    -------
    Check

    Raises
    ------
    InputError
        If the kind is unknown.
    """
    kind = kind_of(name)
    unit, meaning, usual = KINDS[kind]
    meaning = meaning.format(side=name.removeprefix(f"{kind}_"))
    return Check(name, float(value), float(limit), unit, meaning, remedy or usual, where)


def by_name(checks: Iterable[Check]) -> dict[str, Check]:
    """Key checks by their names.

    Parameters
    ----------
    checks : iterable of Check

    Returns
    -------
    dict
    """
    return {one.name: one for one in checks}


def worst(results: Iterable[Checks]) -> dict[str, Check]:
    """Of each check the one nearest to its limit, or farthest beyond; one that is not known comes last.

    Parameters
    ----------
    results : iterable of mapping
        The checks of each result, by name.

    Returns
    -------
    dict
        Name → check.
    """
    found: dict[str, Check] = {}
    for checks in results:
        for name, one in checks.items():
            if name not in found or _share(one) > _share(found[name]):
                found[name] = one
    return found


def _share(one: Check) -> float:
    return one.value / one.limit if one.known else -1.0


def failed(checks: Checks) -> list[Check]:
    """Those beyond their limits, allowed or not.

    Parameters
    ----------
    checks : mapping of str to Check
        By name.

    Returns
    -------
    list of Check
    """
    return [one for one in checks.values() if not one.passed]


def allow(checks: Checks, names: Iterable[str]) -> dict[str, Check]:
    """Mark checks as accepted, by name or, for both sides, by kind.

    Parameters
    ----------
    checks : mapping of str to Check
        By name.
    names : iterable of str
        Names, or kinds for both sides.

    Returns
    -------
    dict
        All checks, those named with ``allowed`` set.

    Raises
    ------
    InputError
        If there is no such check.
    """
    wanted = set(names)
    for name in wanted - set(KINDS):
        kind_of(name)
    return {
        name: replace(one, allowed=True) if {name, kind_of(name)} & wanted else one
        for name, one in checks.items()
    }


def dumps(checks: Checks) -> str:
    """Write checks as JSON: name → value, limit, unit, passed, allowed, meaning, where, remedy.

    Parameters
    ----------
    checks : mapping of str to Check
        By name.

    Returns
    -------
    str
    """
    return json.dumps({name: one.plain for name, one in checks.items()}, allow_nan=False)


def loads(text: str) -> dict[str, Check]:
    """Read what :func:`dumps` wrote.

    Parameters
    ----------
    text : str
        The attribute ``checks`` of a result.

    Returns
    -------
    dict
        Name → check.
    """
    found = {}
    for name, plain in json.loads(text).items():
        kept = {key: value for key, value in plain.items() if key != "passed"}
        found[name] = Check(name, **{**kept, "value": math.nan if plain["value"] is None else plain["value"]})
    return found
