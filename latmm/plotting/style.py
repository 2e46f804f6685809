"""How everything is drawn: one table of colours, lines and sizes for all figures.

The colours are those of M. Okabe and K. Ito, told apart by the colour-blind. Models have theirs in
:data:`latmm.models.MODELS`, so that a model looks the same in every figure.
"""

from typing import Any, Final

from latmm.models import MODELS

__all__ = [
    "BRANCHES",
    "COLUMN",
    "FAILED",
    "NO_PHONON",
    "PRINT",
    "SEQUENCE",
    "SIDE",
    "STYLE",
    "WAVES",
    "per",
    "shown",
]

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
SIDE: Final = {"left": BLUE, "right": VERMILION}
"""Colour of what belongs to one crystal."""
SEQUENCE: Final = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "#000000", "#999999")
"""Colours of things that only have a number."""
BRANCHES: Final = (BLUE, SKY, VERMILION, GREEN, PURPLE, ORANGE)
"""Colours of branches: transverse blue, longitudinal vermilion, then optical."""
WAVES: Final = {"L": BLUE, "V": VERMILION, "H": GREEN}
"""Colours of elastic waves."""
FAILED: Final = "#b00000"
"""Colour of what a failed check says."""
NO_PHONON: Final = "0.9"
"""Ground of a map where a crystal has no phonon: not the colour of one that does not cross."""
STYLE: Final = {
    **{name: (model.label, model.colour, model.line) for name, model in MODELS.items()},
    "amm-phonons": ("AMM, lattice's phonons", BLUE, ":"),
    "flat-limit": ("limit of flat interfaces", "0.4", "-"),
}
"""Label, colour and line of every model."""
COLUMN: Final = 3.39
"""Width of a column of a journal, inches (8.6 cm)."""
PRINT: Final[dict[str, Any]] = {
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "figure.titlesize": 8.5,
    "lines.linewidth": 1.1,
    "axes.linewidth": 0.6,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
"""Sizes that survive a column; text stays text in SVG and PDF."""


def shown(unit: str) -> str:
    """Write a unit of frequencies as an axis shows it."""
    return {"cm-1": "cm$^{-1}$"}.get(unit, unit)


def per(unit: str) -> str:
    """Write the inverse of a unit of frequencies as an axis shows it."""
    return {"cm-1": "cm"}.get(unit, f"{unit}$^{{-1}}$")
