"""Measured thermal boundary conductances, from the table that latmm brings or from one's own.

A table is text of comma-separated values: lines that begin with ``#``, a line of column names, and one line
for each temperature of each series. Only ``temperature`` (K) and ``conductance`` (MW m⁻² K⁻¹) must be there;
docs/measured.md lists the others. Nothing but the standard library is needed to read it.
"""

import csv
import re
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Final

from latmm.errors import InputError
from latmm.reading import file_text

__all__ = [
    "COLUMNS",
    "DEFINITIONS",
    "EVIDENCE",
    "METHODS",
    "OTHER_NAMES",
    "Point",
    "Series",
    "measurements",
    "pair_of",
    "read_measurements",
]

EVIDENCE: Final = ("text read", "second hand")
"""The number was read in the abstract or text of its paper, or in a collection by others."""
ERRORS_FROM: Final = ("paper", "earlier reading", "reading")
"""Uncertainty stated by the paper, remembered from an earlier reading of it, or estimated for reading off a
figure alone."""
DEFINITIONS: Final = {
    "local temperatures": "heat flux over the difference of the local temperatures beside the interface: "
    "compare with the four-probe conductance, or a Boltzmann one; the two-probe one is smaller",
    "film temperature": "heat flux over the difference of a thin film's temperature and that of a substrate "
    "into which its phonons escape: between the two-probe and the four-probe conductance",
    "period of a superlattice": "from the resistance of a period that holds several interfaces and what lies "
    "between them: not a conductance of one contact",
}
"""What a method measures, and which calculated conductance that is."""
METHODS: Final = {
    "TDTR": ("time-domain thermoreflectance", "local temperatures"),
    "FDTR": ("frequency-domain thermoreflectance", "local temperatures"),
    "3ω": ("voltage at three times the frequency of heating", "local temperatures"),
    "3ω and HPTR": ("3ω, and heterodyne picosecond thermoreflectance", "period of a superlattice"),
    "ultrafast electron diffraction": ("ultrafast electron diffraction", "film temperature"),
}
"""Methods, and what each takes for the temperatures."""
COLUMNS: Final = (
    "series",
    "left",
    "right",
    "left_plane",
    "right_plane",
    "temperature",
    "conductance",
    "error_minus",
    "error_plus",
    "error_from",
    "bound",
    "method",
    "definition",
    "preparation",
    "evidence",
    "open",
    "citation",
    "doi",
)
OTHER_NAMES = {
    "sapphire": "Al2O3",
    "alumina": "Al2O3",
    "c": "diamond",
    "silicon": "Si",
    "germanium": "Ge",
    "aluminium": "Al",
    "aluminum": "Al",
    "copper": "Cu",
    "gold": "Au",
    "lead": "Pb",
    "mgo": "MgO",
    "gaas": "GaAs",
}
"""Materials by other names, in lower case."""
_LARGEST = 1e5
"""MW m⁻² K⁻¹; Al | Cu has 4000."""


@dataclass(frozen=True)
class Point:
    """One measured conductance.

    Attributes
    ----------
    temperature : float
        K.
    conductance : float
        W m⁻² K⁻¹.
    error_minus, error_plus : float or None
        Uncertainty below and above, W m⁻² K⁻¹.
    """

    temperature: float
    conductance: float
    error_minus: float | None = None
    error_plus: float | None = None


@dataclass(frozen=True)
class Series:
    """Conductances of one interface by one method, from one source.

    Attributes
    ----------
    name : str
        Number of the series in latmm's table; name of the file, of one's own.
    left, right : str
        Materials, as formulas; ``diamond`` and ``graphite``. Empty if not given.
    left_plane, right_plane : str
        Miller indices, empty if not known.
    points : tuple of Point
        By ascending temperature.
    error_from : str
        One of ``ERRORS_FROM``, or empty.
    bound : str
        ``>`` or ``<`` where the numbers are bounds.
    method : str
        Usually of :data:`METHODS`; empty if not known.
    definition : str
        Of :data:`DEFINITIONS`; empty if not known.
    preparation : str
        Of the interface.
    evidence : str
        Of :data:`EVIDENCE`; empty for one's own.
    open : str
        What is not settled about the numbers.
    citation, doi : str
        Of the source.
    """

    name: str
    left: str
    right: str
    left_plane: str
    right_plane: str
    points: tuple[Point, ...]
    error_from: str = ""
    bound: str = ""
    method: str = ""
    definition: str = ""
    preparation: str = ""
    evidence: str = ""
    open: str = ""
    citation: str = ""
    doi: str = ""

    @property
    def pair(self) -> str:
        """Both materials with their planes: ``Al | Si (100)``."""
        sides = ((self.left, self.left_plane), (self.right, self.right_plane))
        return " | ".join(f"{name} ({plane})" if plane else name for name, plane in sides if name)

    @property
    def source(self) -> str:
        """Citation with its DOI."""
        return ", ".join(filter(None, (self.citation, self.doi and f"doi:{self.doi}")))


def measurements(pair: str | None = None) -> tuple[Series, ...]:
    """Measured conductances of latmm's own table.

    Parameters
    ----------
    pair : str, optional
        Two materials, e.g. ``"Al/Si"`` or ``"Pb | diamond"``, in any order; all pairs by default.

    Returns
    -------
    tuple of Series
        In the order of the table; none if the pair is not in it.

    Raises
    ------
    InputError
        If ``pair`` does not name two materials.
    """
    text = (files("latmm.experiment") / "measured.csv").read_text(encoding="utf-8")
    found = _series(text, "measured.csv")
    if pair is None:
        return found
    wanted = sorted(name.lower() for name in pair_of(pair))
    return tuple(one for one in found if sorted((one.left.lower(), one.right.lower())) == wanted)


def pair_of(text: str) -> tuple[str, str]:
    """Read the names of two materials: ``"Al/Si"``, ``"al|sapphire"``, ``"Al-Si"`` or ``"Al Si"``.

    Raises
    ------
    InputError
        If there are not two.
    """
    names = [name for name in re.split(r"[\s/|,-]+", text.strip()) if name]
    if len(names) != 2:
        raise InputError(f"a pair is two materials, e.g. Al/Si or Pb/diamond, but is {text[:80]!r}")
    left, right = (OTHER_NAMES.get(name.lower(), name) for name in names)
    return left, right


def read_measurements(path: str | PathLike[str]) -> tuple[Series, ...]:
    """Read measured conductances from a table of one's own.

    Lines with the same ``series`` belong together; without that column all do.

    Parameters
    ----------
    path : path
        A ``.csv`` file with the columns ``temperature`` (K) and ``conductance`` (MW m⁻² K⁻¹) at least.
        ``error`` stands for ``error_minus`` and ``error_plus``.

    Returns
    -------
    tuple of Series
        Conductances in W m⁻² K⁻¹.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or unknown, or a number makes no sense.
    """
    text = file_text(path, "table of measured conductances")
    return _series(text, str(path), default=Path(path).stem)


def _series(text: str, name: str, default: str = "") -> tuple[Series, ...]:
    lines = [
        (i, line)
        for i, line in enumerate(text.lstrip("\ufeff").splitlines(), 1)
        if line.strip() and line[0] != "#"
    ]
    try:
        head, *rows = csv.reader((line for _, line in lines), skipinitialspace=True) if lines else ([],)
    except csv.Error as error:
        raise InputError(f"cannot read {name}: not a table of comma-separated values ({error})") from error
    columns = [column.strip() for column in head]
    _check_columns(columns, name)
    groups: dict[str, list[tuple[dict[str, str], Point]]] = {}
    for (number, _), row in zip(lines[1:], rows, strict=False):
        where = f"line {number} of {name}"
        if len(row) != len(columns):
            raise InputError(
                f"{where} must have {len(columns)} values, one for each column, but has {len(row)}"
            )
        entry = {key: value.strip() for key, value in zip(columns, row, strict=True)}
        groups.setdefault(entry.get("series") or default, []).append((entry, _point(entry, where)))
    if not groups:
        raise InputError(f"{name} holds no measured conductance; write a line for each temperature")
    return tuple(_joined(key, rows, name) for key, rows in groups.items())


def _check_columns(columns: list[str], name: str) -> None:
    known = (*COLUMNS, "error")
    missing = [column for column in ("temperature", "conductance") if column not in columns]
    unknown = [column for column in columns if column not in known]
    if missing or unknown or len(set(columns)) < len(columns):
        raise InputError(
            f"the first line of {name} must name its columns: temperature (K), conductance (MW m⁻² K⁻¹), and "
            f"any of {', '.join(c for c in known if c not in ('temperature', 'conductance'))}, each once; "
            f"missing: {', '.join(missing) or 'none'}, unknown: {', '.join(unknown)[:80] or 'none'}"
        )


def _point(entry: dict[str, str], where: str) -> Point:
    error = entry.get("error", "")
    return Point(
        _number(entry, "temperature", where, 1e4),
        1e6 * _number(entry, "conductance", where, _LARGEST),
        *(
            None if not text else 1e6 * _number({key: text}, key, where, _LARGEST, zero=True)
            for key, text in ((key, entry.get(key, "") or error) for key in ("error_minus", "error_plus"))
        ),
    )


def _number(entry: dict[str, str], key: str, where: str, most: float, *, zero: bool = False) -> float:
    try:
        value = float(entry[key])
    except ValueError:
        value = float("nan")
    if isfinite(value) and (0.0 < value <= most or (zero and value == 0.0)):
        return value
    unit = "K" if key == "temperature" else "MW m⁻² K⁻¹"
    raise InputError(
        f"{key} must be a positive number in {unit}, at most {most:g}, but is {entry[key][:40]!r} in {where}"
    )


def _joined(key: str, rows: list[tuple[dict[str, str], Point]], name: str) -> Series:
    """Join the lines of a series, which must agree in all but the numbers."""
    texts = {column: rows[0][0].get(column, "") for column in COLUMNS[1:]}
    numbers = ("temperature", "conductance", "error_minus", "error_plus")
    for column in numbers:
        del texts[column]
    for entry, _ in rows:
        for column, text in texts.items():
            if entry.get(column, "") != text:
                raise InputError(
                    f"lines of the series {key!r} in {name} must agree in {column}, but have {text[:60]!r} "
                    f"and {entry[column][:60]!r}; number the series in a column series"
                )
    for column, allowed in (
        ("definition", tuple(DEFINITIONS)),
        ("evidence", EVIDENCE),
        ("error_from", ERRORS_FROM),
        ("bound", ("<", ">")),
    ):
        if texts[column] and texts[column] not in allowed:
            raise InputError(
                f"{column} of the series {key!r} in {name} must be one of {', '.join(allowed)}, or empty, "
                f"but is {texts[column][:60]!r}"
            )
    if not texts["definition"] and texts["method"] in METHODS:
        texts["definition"] = METHODS[texts["method"]][1]
    points = tuple(sorted((point for _, point in rows), key=lambda point: point.temperature))
    return Series(name=key, points=points, **texts)
