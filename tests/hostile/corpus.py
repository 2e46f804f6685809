"""All cases, from every generator."""

import importlib
from collections.abc import Iterator

from hostile.case import Case

__all__ = ["GENERATORS", "corpus"]

GENERATORS = (
    "usage",
    "numbers",
    "calculators",
    "outputs",
    "structure_files",
    "phonopy_files",
    "parameters",
)
"""Modules of this package with a function ``cases()``."""


def corpus(*, quick: bool = False) -> Iterator[Case]:
    """Yield every case, or those that are quick; names are unique."""
    names = set()
    for generator in GENERATORS:
        for case in importlib.import_module(f"hostile.{generator}").cases():
            if case.name in names:
                raise ValueError(f"two cases are called {case.name!r}")
            names.add(case.name)
            if not quick or (case.quick and not case.apart):
                yield case
