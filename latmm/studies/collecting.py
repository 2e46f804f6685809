"""What the studies share: many contacts solved one by one and kept, their checks, the axes of their tables.

A study can last hours. Every contact that is solved is a row of numbers, kept under a name of its own in the
study's store (:mod:`latmm.sweep.checkpoint`): a study that was stopped goes on where it stood, and one that
asks for more contacts than before finds those that it has.
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import ase
import numpy as np

from latmm.arrays import Floats
from latmm.checks import Check, Checks, by_name, check
from latmm.errors import InputError
from latmm.interface.interface import Interface
from latmm.landauer import FrequencyGrid
from latmm.parallel.execution import HERE, Execution, Store
from latmm.parallel.executors import unordered
from latmm.potentials.cache import fingerprint
from latmm.potentials.calculators import Potential

if TYPE_CHECKING:  # needs zarr, which only those who keep what they find must have
    from latmm.sweep.checkpoint import Checkpoint

__all__ = ["axes", "checks_of", "collect", "name_of", "numbers_of", "opened"]

Axis = tuple[str, Floats, dict[str, str]]
Shared = TypeVar("Shared")
Item = TypeVar("Item")


def opened(
    store: Path | Store | None,
    ideal: Interface,
    grid: FrequencyGrid,
    *,
    kmesh: tuple[int, int],
    potential: Potential | None,
    relax: bool,
    own: Mapping[str, object],
) -> "Checkpoint | None":
    """Open the store of a study, if it shall have one.

    Parameters
    ----------
    store : Path or None
        Its folder.
    ideal, grid, kmesh, potential, relax
        What determines the contacts of every study.
    own : mapping
        Name → what determines those of this study beside; told apart by its pickle.

    Raises
    ------
    InputError
        If the store is that of another study; the message says in what it differs.
    """
    if store is None:
        return None
    from latmm.sweep.checkpoint import Checkpoint, digests, samples

    if not isinstance(store, Path):
        raise InputError("a study opens its `store` by itself; give its folder as a Path")

    problem = {
        **digests(ideal),
        "potential": "none" if potential is None else fingerprint(potential),
        "relaxation": str(bool(relax)),
        "k-points": _digest([int(n) for n in kmesh]),
        "frequencies (or the lowest temperature)": samples(grid.frequency, grid.weight),
        "version of ASE": ase.__version__,
        **{name: _digest(value) for name, value in own.items()},
    }
    return Checkpoint(store, problem)


def name_of(value: object) -> str:
    """Name of a file for a value: a digest of its pickle."""
    return _digest(value)[:16]


def _digest(value: object) -> str:
    from latmm.sweep.checkpoint import digest

    return digest(np.frombuffer(pickle.dumps(value, protocol=5), dtype=np.uint8))


def numbers_of(checks: Checks, names: Sequence[str]) -> Floats:
    """Value and limit of each of the named checks in a row; not a number where there is none."""
    found = [checks.get(name) for name in names]
    return np.ravel([(np.nan, np.nan) if one is None else (one.value, one.limit) for one in found])


def checks_of(numbers: Floats, names: Sequence[str], where: str = "") -> dict[str, Check]:
    """Read what :func:`numbers_of` wrote; ``where`` says of which contact."""
    return by_name(
        check(name, value, limit, where=where)
        for name, (value, limit) in zip(names, numbers.reshape(-1, 2), strict=True)
        if not np.isnan(limit)
    )


def collect(
    solve: Callable[[Shared, Item], Floats],
    job: Shared,
    items: Mapping[str, Item],
    *,
    stage: str,
    width: int,
    store: "Checkpoint | None" = None,
    how: Execution = HERE,
) -> dict[str, Floats]:
    """Solve every item that the store does not have yet.

    Parameters
    ----------
    solve : callable
        At the top level of a module; of the job, which all share, and an item.
    job : object
        Its first argument.
    items : mapping
        Name → its second argument.
    stage : str
        Name of the items in reports of progress.
    width : int
        Numbers of a row.
    store : Checkpoint, optional
        Keeps what is found.
    how : Execution
        Who solves the items, and who hears of it.

    Returns
    -------
    dict
        Name → row (``width``,), the same whoever solved it.
    """
    rows = {} if store is None else {name: store.rows(name, 1, width) for name in items}
    found = {name: row for name, kept in rows.items() for row in kept.load().values()}
    names = list(items)
    missing = {number: items[name] for number, name in enumerate(names) if name not in found}
    how.report(stage, len(found), len(items))
    for number, row in unordered(solve, job, missing, how.executor):
        name = names[number]
        if store is not None:
            rows[name].save(0, row)
        found[name] = row
        how.report(stage, len(found), len(items))
    return found


def axes(grid: FrequencyGrid, temperature: Floats) -> dict[str, Axis]:
    """Coordinates of spectra and conductances."""
    return {
        "frequency": ("frequency", grid.frequency, {"units": "THz", "long_name": "phonon frequency"}),
        "frequency_weight": (
            "frequency",
            grid.weight,
            {"units": "THz", "long_name": "quadrature weight of the frequency"},
        ),
        "temperature": ("temperature", temperature, {"units": "K", "long_name": "temperature"}),
    }
