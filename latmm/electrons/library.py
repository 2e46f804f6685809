"""Electrons of metals near 300 K: a small table with ranges and sources, or one's own.

A table is text of comma-separated values: lines that begin with ``#``, a line of column names, and one line
for each quantity of a metal. ``metal``, ``quantity`` and ``value`` must be there; ``low`` and ``high`` are
the value where they are not. docs/electrons.md lists the quantities.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from math import isfinite
from os import PathLike
from typing import Final

from latmm.electrons.two_temperature import Metal
from latmm.errors import InputError
from latmm.reading import file_text

__all__ = ["EVIDENCE", "QUANTITIES", "Record", "Value", "listing", "metals", "read_metals"]

EVIDENCE: Final = (
    "checked against the text",
    "checked against an independent copy",
    "from memory",
    "computed",
)
"""How far a number was checked: read in its source, compared with a transcription by others, or neither; or
it was computed from other numbers."""
QUANTITIES: Final[Mapping[str, tuple[str, float, float]]] = {
    "coupling": ("W m-3 K-1", 1e14, 1e20),
    "conductivity": ("W m-1 K-1", 1e-2, 1e5),
    "lattice_conductivity": ("W m-1 K-1", 1e-3, 1e4),
    "heat_capacity_coefficient": ("J m-3 K-2", 1e-1, 1e5),
    "fermi_velocity": ("m s-1", 1e4, 1e7),
}
"""Quantity → unit, and the least and largest value that a metal may have."""
_NEEDED = ("coupling", "conductivity", "lattice_conductivity")
_COLUMNS = ("metal", "quantity", "low", "value", "high", "unit", "evidence", "source", "note")


@dataclass(frozen=True)
class Value:
    """One quantity of a metal.

    Attributes
    ----------
    value, low, high : float
        In the unit of :data:`QUANTITIES`.
    evidence : str
        Of :data:`EVIDENCE`; empty for one's own.
    source, note : str
        Where it comes from, and what its range is.
    """

    value: float
    low: float
    high: float
    evidence: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Record:
    """A metal of a table.

    Attributes
    ----------
    name : str
        Chemical formula.
    quantities : mapping
        Name of :data:`QUANTITIES` → :class:`Value`.
    """

    name: str
    quantities: Mapping[str, Value]

    @property
    def metal(self) -> Metal:
        """The metal with the value of every quantity."""
        return self._metal({name: quantity.value for name, quantity in self.quantities.items()})

    def corners(self) -> list[Metal]:
        """Return the metals with every combination of lowest and highest values."""
        names = list(self.quantities)
        ends = [sorted({q.low, q.high}) for q in self.quantities.values()]
        return [self._metal(dict(zip(names, values, strict=True))) for values in product(*ends)]

    def _metal(self, values: Mapping[str, float]) -> Metal:
        lattice = values["lattice_conductivity"]
        return Metal(
            values["coupling"],
            values["conductivity"] - lattice,
            lattice,
            values.get("heat_capacity_coefficient"),
            values.get("fermi_velocity"),
        )


def metals() -> dict[str, Record]:
    """Metals of latmm's own table, by their chemical formula."""
    text = (files("latmm.electrons") / "metals.csv").read_text(encoding="utf-8")
    return _records(text, "metals.csv")


def read_metals(path: str | PathLike[str]) -> dict[str, Record]:
    """Read a table of one's own.

    Parameters
    ----------
    path : path
        A ``.csv`` file with the columns ``metal``, ``quantity`` and ``value`` at least.

    Raises
    ------
    InputError
        If the file cannot be read, a column or quantity is missing or unknown, or a number makes no sense.
    """
    return _records(file_text(path, "table of metals"), str(path))


def listing() -> str:
    """Write latmm's table: quantity, value, range, unit, evidence, source of every metal."""
    lines = []
    for record in metals().values():
        lines.append(record.name)
        for name, quantity in record.quantities.items():
            span = "" if quantity.low == quantity.high else f" ({quantity.low:g} to {quantity.high:g})"
            lines.append(f"  {name:<26}{quantity.value:g}{span} {QUANTITIES[name][0]}")
            lines.append(f"{'':<4}{quantity.evidence}: {quantity.source}; {quantity.note}")
    return "\n".join(lines)


def _records(text: str, name: str) -> dict[str, Record]:
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip() and line[0] != "#"]
    try:
        head, *rows = csv.reader(lines, skipinitialspace=True) if lines else ([],)
    except csv.Error as error:
        raise InputError(f"cannot read {name}: not a table of comma-separated values ({error})") from error
    columns = [column.strip() for column in head]
    missing = [column for column in ("metal", "quantity", "value") if column not in columns]
    unknown = [column for column in columns if column not in _COLUMNS]
    if missing or unknown or len(set(columns)) < len(columns):
        raise InputError(
            f"the first line of {name} must name its columns: metal, quantity, value, and any of low, high, "
            f"unit, evidence, source, note, each once; missing: {', '.join(missing) or 'none'}, "
            f"unknown: {', '.join(unknown)[:80] or 'none'}"
        )
    found: dict[str, dict[str, Value]] = {}
    for number, row in enumerate(rows, 1):
        where = f"row {number} of {name}"
        if len(row) != len(columns):
            raise InputError(
                f"{where} must have {len(columns)} values, one for each column, but has {len(row)}"
            )
        entry = {key: value.strip() for key, value in zip(columns, row, strict=True)}
        metal, quantity = entry["metal"], entry["quantity"]
        if quantity not in QUANTITIES or quantity in found.get(metal, {}) or not metal:
            raise InputError(
                f"{where} must name a metal and one of {', '.join(QUANTITIES)}, each once, but names "
                f"{metal[:20]!r} and {quantity[:40]!r}"
            )
        found.setdefault(metal, {})[quantity] = _value(entry, quantity, where)
    return {metal: _record(metal, quantities, name) for metal, quantities in found.items()}


def _value(entry: Mapping[str, str], quantity: str, where: str) -> Value:
    unit, least, largest = QUANTITIES[quantity]
    numbers = []
    for key in ("value", "low", "high"):
        text = entry.get(key) or entry["value"]
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not (isfinite(number) and least <= number <= largest):
            raise InputError(
                f"{quantity} must be a number from {least:g} to {largest:g} {unit}, but {key} is "
                f"{text[:40]!r} in {where}"
            )
        numbers.append(number)
    value, low, high = numbers
    if not low <= value <= high:
        raise InputError(
            f"low ≤ value ≤ high must hold in {where}, but they are {low:g}, {value:g}, {high:g}"
        )
    if entry.get("unit") and entry["unit"] != unit:
        raise InputError(f"{quantity} must be in {unit}, but its unit is {entry['unit'][:40]!r} in {where}")
    return Value(value, low, high, *(entry.get(key, "") for key in ("evidence", "source", "note")))


def _record(metal: str, quantities: Mapping[str, Value], name: str) -> Record:
    missing = [quantity for quantity in _NEEDED if quantity not in quantities]
    if missing:
        raise InputError(f"{metal} needs {', '.join(_NEEDED)} in {name}, but has no {', '.join(missing)}")
    if not quantities["lattice_conductivity"].high < quantities["conductivity"].low:
        raise InputError(
            f"`conductivity` of {metal} must exceed its `lattice_conductivity` in {name}: it is that of "
            f"electrons and lattice together, but is {quantities['conductivity'].low:g} W m-1 K-1"
        )
    return Record(metal, quantities)
