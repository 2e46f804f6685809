"""Force constants that depend on temperature: files by temperature, and their results as one.

Effective harmonic force constants (self-consistent phonons, fits to molecular dynamics or to displacements
drawn at a temperature) and quasi-harmonic lattice constants belong to one temperature. The conductance at T
is then that of the crystals at T: each temperature is a problem of its own, harmonic and elastic, and its
result enters at that temperature alone. Both sides, and the contact where it is calculated, must be of one
temperature.
"""

import json
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from os.path import isdir
from pathlib import Path
from typing import Final

import xarray as xr

from latmm.checks import dumps, loads, worst
from latmm.errors import InputError
from latmm.lattice.phonopy_files import is_phonopy_file
from latmm.results import as_json

__all__ = ["LIMIT", "choose_temperatures", "join_temperatures", "temperature_files"]

LIMIT: Final = "force constants of each temperature by themselves: harmonic and elastic at that temperature"
"""The limit that goes with force constants by temperature."""
_SAME: Final = 1e-6
"""Relative difference below which two temperatures are the same."""
_NUMBER: Final = r"\d{1,6}(?:\.\d{1,6})?"
_NAME: Final = re.compile(rf"({_NUMBER})K(?:\.ya?ml(?:\.\w+)?)?")
_PAIR: Final = re.compile(rf"\s*({_NUMBER})\s*=\s*(\S.*)")
_MOST: Final = 1000


def temperature_files(source: str | PathLike[str]) -> dict[float, Path] | None:
    """Find the phonopy calculations of a crystal at several temperatures.

    Parameters
    ----------
    source : str or path
        ``"300=a.yaml,600=b.yaml"``; or a folder with, for each temperature, a folder such as ``300K`` that
        holds one phonopy calculation, or a file ``300K.yaml`` (compressed or not).

    Returns
    -------
    dict or None
        Temperature, K → file, ascending; None where ``source`` is neither.

    Raises
    ------
    InputError
        If a temperature comes twice, a folder holds no calculation or several, or none is found.
    """
    text = str(source)
    if _PAIR.fullmatch(text.partition(",")[0]):
        pairs = [_PAIR.fullmatch(part) for part in text.split(",")]
        if None in pairs:
            raise InputError(
                f"files by temperature are written T=FILE,T=FILE (K), but {text[:80]!r} is not; write e.g. "
                "300=a.yaml,600=b.yaml, or name a folder that holds 300K and 600K"
            )
        found = [(float(pair[1]), Path(pair[2].strip())) for pair in pairs if pair is not None]
    elif isdir(text):  # False too where no file can have such a name
        folder = Path(text)
        found = [
            (float(name[1]), _calculation(entry))
            for entry in sorted(folder.iterdir())[: 10 * _MOST]
            if (name := _NAME.fullmatch(entry.name))
        ]
        if not found:
            raise InputError(
                f"{folder} is a folder without force constants by temperature; name a file, or a folder that "
                "holds, for each temperature, a folder such as 300K or a file such as 300K.yaml"
            )
    else:
        return None
    files = dict(sorted(found))
    if len(files) < len(found) or len(files) > _MOST or min(files) <= 0:
        raise InputError(
            f"{text[:80]} must name each temperature once, above 0 K and {_MOST} at most, but has "
            f"{', '.join(f'{t:g}' for t, _ in sorted(found)[:10])} K"
        )
    return files


def _calculation(entry: Path) -> Path:
    """Find the one phonopy calculation of a temperature."""
    if not entry.is_dir():
        return entry
    files = [file for file in sorted(entry.iterdir()) if file.is_file() and _is_crystal(file)]
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:4]) or "none"
        raise InputError(
            f"{entry} must hold one phonopy calculation (a yaml file with its crystal), but holds {names}; "
            "leave one there, or write T=FILE,T=FILE"
        )
    return files[0]


def _is_crystal(file: Path) -> bool:
    try:
        return is_phonopy_file(file)
    except InputError:  # FORCE_SETS and its like lie beside the calculation
        return False


def choose_temperatures(
    sides: Mapping[str, Mapping[float, Path]], wanted: Sequence[float]
) -> dict[float, dict[str, Path]]:
    """Choose the file of every side at each temperature.

    Parameters
    ----------
    sides : mapping of str to mapping
        Name of the side → its files by temperature, from :func:`temperature_files`.
    wanted : sequence of float
        Temperatures, K.

    Returns
    -------
    dict
        Temperature → side → file, in the order of ``wanted``.

    Raises
    ------
    InputError
        If a side has no file of a temperature: force constants of another one are not taken in its place.
    """
    chosen: dict[float, dict[str, Path]] = {}
    for temperature in wanted:
        for side, files in sides.items():
            near = [t for t in files if abs(t - temperature) <= _SAME * temperature]
            if not near:
                raise InputError(
                    f"there are no force constants of {side} at {temperature:g} K, but at "
                    f"{', '.join(f'{t:g}' for t in list(files)[:12])} K; ask for these temperatures (-T), or "
                    "add a file: those of another temperature are not taken"
                )
            chosen.setdefault(temperature, {})[side] = files[near[0]]
    return chosen


def join_temperatures(trees: Mapping[float, xr.DataTree]) -> xr.DataTree:
    """Join the results of force constants by temperature: at each temperature that of its own.

    Parameters
    ----------
    trees : mapping of float to xarray.DataTree
        Temperature, K → result of the force constants of that temperature, from
        :func:`latmm.comparison.compare` for the same models, with that temperature among others.

    Returns
    -------
    xarray.DataTree
        ``/comparison`` over (model, temperature), as in a plain result, with ``area`` (temperature), Å²; and
        ``/at_300K`` and so on with crystals and spectra of each temperature. Of each check the worst is kept.

    Raises
    ------
    InputError
        If there are none, their models differ, or one lacks its own temperature.
    """
    if not trees:
        raise InputError("results by temperature need one result at least")
    tables: list[xr.Dataset] = []
    for temperature, tree in sorted(trees.items()):
        table = tree["comparison"].to_dataset()
        if temperature not in table["temperature"].values:
            raise InputError(f"the result of the force constants at {temperature:g} K lacks that temperature")
        if not table["model"].equals(tables[0]["model"] if tables else table["model"]):
            raise InputError("results by temperature can be joined for the same models only")
        own = table.sel(temperature=[temperature])
        own["area"] = (
            "temperature",
            [float(tree.attrs["area"])],
            {"units": "angstrom2", "long_name": "area of the interface's cell"},
        )
        tables.append(own)
    joined = xr.concat(
        tables,
        "temperature",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="override",
    )
    _, first = min(trees.items())
    attributes = dict(first.attrs)
    attributes["checks"] = dumps(worst(loads(tree.attrs["checks"]) for tree in trees.values()))
    attributes["limits"] = as_json([*json.loads(first.attrs["limits"]), LIMIT])
    told = [text for _, tree in sorted(trees.items()) for text in json.loads(tree.attrs.get("notes", "[]"))]
    attributes["notes"] = as_json(list(dict.fromkeys(told)))
    attributes["potential"] = "; ".join(
        f"{temperature:g} K: {tree.attrs['potential']}" for temperature, tree in sorted(trees.items())
    )
    if any("input_sha256" in tree.attrs for tree in trees.values()):
        attributes["input_sha256"] = as_json(
            {
                f"{temperature:g} K: {name}": digest
                for temperature, tree in sorted(trees.items())
                for name, digest in json.loads(tree.attrs["input_sha256"]).items()
            }
        )
    root = xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), "/comparison": joined})
    for temperature, tree in sorted(trees.items()):
        own_tree = tree.copy()
        del own_tree["comparison"]
        root[f"at_{temperature:g}K"] = own_tree
    return root
