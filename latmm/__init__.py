"""latmm: heat flow across interfaces between crystals, lattice dynamics against continuum models.

The names below are the whole of a usual script; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latmm.comparison import compare
    from latmm.interface.build import build_interface
    from latmm.lattice.calculators import resolve_potential
    from latmm.results import read, write
    from latmm.structures import read_structure

__version__ = "0.1.0.dev0"

__all__ = ["build_interface", "compare", "read", "read_structure", "resolve_potential", "write"]

_HOME = {
    "build_interface": "latmm.interface.build",
    "compare": "latmm.comparison",
    "read": "latmm.results",
    "read_structure": "latmm.structures",
    "resolve_potential": "latmm.lattice.calculators",
    "write": "latmm.results",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'latmm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
