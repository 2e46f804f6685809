"""Measured media, each with its source and how far that was checked, for use without a structure file.

Room-temperature values unless noted, crystal axes along x, y, z (hexagonal and trigonal c along z). Helium is
the superfluid at saturated vapour pressure, T → 0. Numbers are facts of the cited measurements; K stands for
C. Kittel, Introduction to Solid State Physics, 8th ed., Ch. 3, Table 11, which collects them for cubic metals
at 300 K. Densities are X-ray densities of the lattice constants in common handbooks.

The sign of a trigonal C14 depends on which of two settings, turned by 180° about c, has its a₁ along x:

- *sapphire*: obverse hexagonal axes of R -3 c (Al at 0, 0, 0.352; O at 0.306, 0, 1/4), x along a₁: C14 > 0.
  The number is that of Wachtman et al., who print −23.5 GPa. J. R. Gladden et al., Appl. Phys. Lett. 85, 392
  (2004) resolved by experiment that theory and experiment differed in this sign [abstract read], in favour of
  theory [from memory]; ions of fixed charge in this setting have C14 > 0 [computed with LAMMPS].
- *quartz*: x along a₁ of the axes in which the major rhombohedron r, whose X-ray reflection is the stronger,
  is {1 0 -1 1} and the minor one, z, {0 1 -1 1}: C14 < 0, as in the IRE standard of 1949 [from memory]. Ions
  of fixed charge agree [computed likewise], and AT and BT plates, with normals 35.25° and −49.2° from y
  towards z, have the frequency constants that they are known for. Left- and right-handed quartz have the
  same stiffness in these axes, for a tensor of rank four does not change under inversion.

A medium may also be written in numbers: ``rho=8960,cl=4760,ct=2325`` in kg m⁻³ and m s⁻¹ (``ct`` absent or 0
for a fluid), or ``rho=2329,c11=165.7,c12=63.9,c44=79.6`` with elastic constants in GPa (cubic; ``c13`` and
``c33`` for hexagonal crystals, and ``c66`` or ``c14`` where they do not follow); with ``n=`` primitive cells
per nm³ for Debye's cut-offs.
"""

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from latmm.arrays import Floats
from latmm.continuum.media import Medium
from latmm.errors import InputError

__all__ = ["EVIDENCE", "MEASURED", "Record", "listing", "medium", "medium_names"]

_KITTEL = "C. Kittel, Introduction to Solid State Physics, 8th ed., Ch. 3, Table 11 (300 K)"


@dataclass(frozen=True)
class Record:
    """One measured medium.

    Attributes
    ----------
    name : str
        Plain name.
    system : str
        cubic, tetragonal, trigonal, fluid or isotropic.
    density : float
        g cm⁻³.
    cell_density : float
        Primitive cells per nm³.
    constants : dict
        C_ij in GPa by name (``c11``, …), or ``speed`` in km s⁻¹ for a fluid.
    source : str
        Of the constants.
    evidence : str
        How far the source was checked, one of :data:`EVIDENCE`.
    note : str
        What it was checked with, or how far others agree.
    """

    name: str
    system: str
    density: float
    cell_density: float
    constants: dict[str, float]
    source: str
    evidence: str
    note: str


EVIDENCE = ("checked against the text", "checked against an independent copy", "from memory")
"""How far a source was checked: read itself, compared with a transcription by others, or neither."""
_TEXT, _COPY, _MEMORY = EVIDENCE
_CRC = "CRC Handbook of Chemistry and Physics, as transcribed in PyDislocDyn"


def _cubic(
    name: str,
    density: float,
    cell_density: float,
    constants: tuple[float, float, float],
    evidence: str,
    note: str,
    source: str = _KITTEL,
) -> Record:
    values = dict(zip(("c11", "c12", "c44"), constants, strict=True))
    return Record(name, "cubic", density, cell_density, values, source, evidence, note)


MEASURED: dict[str, Record] = {
    "si": _cubic(
        "silicon",
        2.329,
        24.97,
        (165.7, 63.9, 79.6),
        _COPY,
        "CRC Handbook: 165.78, 63.94, 79.62",
        "H. J. McSkimin, J. Appl. Phys. 24, 988 (1953)",
    ),
    "ge": _cubic(
        "germanium",
        5.323,
        22.07,
        (128.5, 48.3, 66.8),
        _MEMORY,
        "CRC Handbook: 128.35, 48.23, 66.66",
        "H. J. McSkimin and P. Andreatch, J. Appl. Phys. 34, 651 (1963)",
    ),
    "diamond": _cubic(
        "diamond",
        3.515,
        88.1,
        (1079.0, 124.0, 578.0),
        _COPY,
        "speeds and moduli in the NSM archive of the Ioffe Institute",
        "H. J. McSkimin and P. Andreatch, J. Appl. Phys. 43, 2944 (1972)",
    ),
    "gaas": _cubic(
        "gallium arsenide",
        5.317,
        22.14,
        (118.8, 53.8, 59.4),
        _MEMORY,
        "McSkimin et al. 1967 (abstract): 118.77, 53.72, 59.44",
        "J. S. Blakemore, J. Appl. Phys. 53, R123 (1982)",
    ),
    "mgo": _cubic(
        "magnesium oxide",
        3.584,
        53.5,
        (297.9, 95.8, 154.4),
        _MEMORY,
        "no other copy found",
        "S. V. Sinogeikin and J. D. Bass, Phys. Earth Planet. Inter. 120, 43 (2000)",
    ),
    "al": _cubic("aluminium", 2.698, 60.2, (106.8, 60.7, 28.2), _MEMORY, f"within 0.5 % of the {_CRC}"),
    "cu": _cubic("copper", 8.933, 84.7, (168.4, 121.4, 75.4), _MEMORY, f"within 0.4 % of the {_CRC}"),
    "ag": _cubic("silver", 10.50, 58.6, (124.0, 93.7, 46.1), _COPY, f"rounds the {_CRC}"),
    "au": _cubic("gold", 19.28, 59.0, (192.3, 163.1, 42.0), _MEMORY, f"within 0.1 % of the {_CRC}"),
    "ni": _cubic(
        "nickel",
        8.908,
        91.4,
        (250.8, 150.0, 123.5),
        _COPY,
        "Alers, Neighbours and Sato 1960, as in PyDislocDyn",
    ),
    "pb": _cubic("lead", 11.34, 33.0, (49.5, 42.3, 14.9), _MEMORY, f"within 0.6 % of the {_CRC}"),
    "w": _cubic("tungsten", 19.25, 63.0, (523.3, 204.5, 160.7), _MEMORY, f"within 0.2 % of the {_CRC}"),
    "nb": _cubic(
        "niobium",
        8.578,
        55.6,
        (246.5, 134.5, 28.7),
        _COPY,
        f"rounds the {_CRC}",
        "K. J. Carroll, J. Appl. Phys. 36, 3689 (1965)",
    ),
    "in": Record(
        "indium",
        "tetragonal",
        7.30,
        38.3,
        {"c11": 45.4, "c12": 40.1, "c13": 41.5, "c33": 45.2, "c44": 6.51, "c66": 12.1},
        "B. S. Chandrasekhar and J. A. Rayne, Phys. Rev. 124, 1011 (1961)",
        _MEMORY,
        f"within 3 % of the {_CRC} (another measurement)",
    ),
    "sapphire": Record(
        "sapphire",
        "trigonal",
        3.986,
        11.77,
        {"c11": 496.8, "c12": 163.6, "c13": 110.9, "c14": 23.5, "c33": 498.1, "c44": 147.4},
        "J. B. Wachtman et al., J. Res. Natl. Bur. Stand. 64A, 213 (1960)",
        _COPY,
        "quoted in R. Aggarwal and A. Ramdas, Physical Properties of Diamond and Sapphire (2019), with C14 "
        "negative; for its sign and axes see docs/continuum.md",
    ),
    "quartz": Record(
        "quartz",
        "trigonal",
        2.649,
        8.85,
        {"c11": 86.74, "c12": 6.99, "c13": 11.91, "c14": -17.91, "c33": 107.2, "c44": 57.94},
        "R. Bechmann, Phys. Rev. 110, 1060 (1958)",
        _COPY,
        "of C12, C13, C33, C44 (in C11 and C14 the copy has digits exchanged); C11 and C14 by the frequency "
        "constants of AT and BT plates",
    ),
    "helium": Record(
        "helium II",
        "fluid",
        0.145,
        21.8,
        {"speed": 0.238},
        "R. J. Donnelly and C. F. Barenghi, J. Phys. Chem. Ref. Data 27, 1217 (1998)",
        _TEXT,
        "density: their Table 2.1, 0.14514 g/cm³; speed: Whitney and Chase 1967 (abstract), 238.30 m/s",
    ),
}
"""By short name, in lower case."""


def medium_names() -> tuple[str, ...]:
    """Names that :func:`medium` knows."""
    return tuple(MEASURED)


def listing() -> str:
    """Table of the measured media: name, constants (GPa; km/s of a fluid), evidence, source."""
    lines = []
    for key, record in MEASURED.items():
        constants = ", ".join(f"{name} {value:g}" for name, value in record.constants.items())
        lines.append(
            f"{key:<9}{record.name}, {record.system}, {record.density:g} g/cm³; {constants}\n"
            f"{'':<9}{record.source}\n{'':<9}{record.evidence}: {record.note}"
        )
    return "\n".join(lines)


def medium(text: str) -> Medium:
    """Look up a measured medium, or read one from numbers.

    Parameters
    ----------
    text : str
        A name (``"cu"``), or numbers such as ``"rho=8960,cl=4760,ct=2325"`` (SI units) or
        ``"rho=2329,c11=165.7,c12=63.9,c44=79.6"`` (elastic constants in GPa).

    Returns
    -------
    Medium
        In crystal axes; turn it with :meth:`Medium.rotated`.

    Raises
    ------
    InputError
        If the name is unknown or the numbers are incomplete.
    """
    if "=" in text:
        return _numeric(text)
    record = MEASURED.get(text.strip().lower())
    if record is None:
        raise InputError(
            f"no measured medium is called {text!r}; known are {', '.join(MEASURED)}, "
            "or give numbers like rho=8960,cl=4760,ct=2325 (SI)"
        )
    if record.system == "fluid":
        return Medium.fluid(
            record.density, record.constants["speed"], cell_density=record.cell_density, name=record.name
        )
    return Medium(
        record.density,
        _stiffness(record.constants),
        cell_density=record.cell_density,
        name=record.name,
    )


def _stiffness(c: dict[str, float]) -> Floats:
    """Voigt's matrix, GPa, of a cubic crystal, or of a hexagonal, tetragonal or trigonal one (``c13``)."""
    c33, c13 = c.get("c33", c["c11"]), c.get("c13", c["c12"])
    c66 = c.get("c66", 0.5 * (c["c11"] - c["c12"]) if "c13" in c else c["c44"])
    stiffness = np.diag([c["c11"], c["c11"], c33, c["c44"], c["c44"], c66])
    stiffness[0, 1] = stiffness[1, 0] = c["c12"]
    stiffness[:2, 2] = stiffness[2, :2] = c13
    c14 = c.get("c14", 0.0)
    stiffness[0, 3] = stiffness[3, 0] = stiffness[4, 5] = stiffness[5, 4] = c14
    stiffness[1, 3] = stiffness[3, 1] = -c14
    return stiffness


_SPEEDS = {"cl"}, {"ct"}
_CUBIC = {"c11", "c12", "c44"}, set[str]()
_AXIAL = {"c11", "c12", "c13", "c33", "c44"}, {"c66", "c14"}


_RANGES = {
    "rho": (30.0, 3e4, "kg/m³", "g/cm³"),
    "cl": (50.0, 4e4, "m/s", "km/s"),
    "ct": (10.0, 4e4, "m/s", "km/s"),
    "n": (0.1, 1e3, "cells/nm³", "cells/Å³"),
}
"""Least and largest value of matter (helium has 145 kg/m³ and 238 m/s, osmium 22 590 kg/m³, diamond 18 000
m/s), its unit, and another in which it is often given."""
_SOFTEST, _STIFFEST = 1e-3, 1e4
"""GPa; diamond has 1079."""


def _check_units(values: dict[str, float], text: str) -> None:
    """Recognise other units by the size of density, speeds and constants."""
    for key, value in values.items():
        least, largest, unit, other = _RANGES.get(key, (-_STIFFEST, _STIFFEST, "GPa", "Pa"))
        if key in ("c11", "c33", "c44", "c66"):
            least = _SOFTEST
        absent = (key in ("ct", "c44", "c66") and value == 0.0) or (key == "n" and value == inf)
        if absent or least <= value <= largest:
            continue
        # g/cm³, km/s and cells/Å³ are smaller numbers, Pa are larger ones
        guessed = value > largest if other == "Pa" else 0.0 < value < least
        raise InputError(
            f"{key} of the medium {text[:80]!r} must lie between {least:g} and {largest:g} {unit}, but is "
            f"{value:g}" + f"; is it in {other}?" * (guessed and isfinite(value))
        )


def _numeric(text: str) -> Medium:
    values: dict[str, float] = {}
    for part in text.split(","):
        key, _, number = (word.strip() for word in part.partition("="))
        if key in values:
            raise InputError(f"{key} appears twice in {text!r}; give it once")
        try:
            values[key] = float(number)
        except ValueError:
            raise InputError(f"{part!r} is not a number of the form key=value, e.g. rho=8960") from None
    axial, elastic = not values.keys().isdisjoint({"c13", "c33"}), "c11" in values
    needed, allowed = _AXIAL if axial else _CUBIC if elastic else _SPEEDS
    missing = {"rho", *needed} - values.keys()
    unknown = values.keys() - {"rho", "n", *needed, *allowed}
    if unknown or missing:
        raise InputError(
            "a medium in numbers is rho (kg/m³) with cl and ct (m/s), or with c11, c12, c44 (GPa; with c13, "
            "c33, and c66 or c14 in crystals of one axis), and n (cells/nm³) for cut-offs, "
            f"but {text!r} has unknown keys {sorted(unknown)} and misses {sorted(missing)}"
        )
    _check_units(values, text)
    density, cells = 1e-3 * values.pop("rho"), values.pop("n", inf)
    if elastic:
        return Medium(density, _stiffness(values), cell_density=cells, name=text)
    return Medium.isotropic(
        density, 1e-3 * values["cl"], 1e-3 * values.get("ct", 0.0), cell_density=cells, name=text
    )
