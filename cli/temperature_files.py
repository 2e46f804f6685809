"""LEFT and RIGHT as force constants by temperature: which files belong to which temperature."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from latmm.lattice.phonopy_files import Calculation

__all__ = ["at_each_temperature", "check_temperature"]

_SIDES = {"left": "LEFT", "right": "RIGHT", "region_phonopy": "--region-phonopy"}
_OFF = 0.5
"""K; a temperature that a file states agrees with that of its name within this."""


def at_each_temperature(
    options: dict[str, Any], temperatures: list[float]
) -> dict[float | None, dict[str, Any]]:
    """Options of each temperature; those given, for None, where LEFT and RIGHT are for all temperatures.

    Raises
    ------
    click.UsageError
        If only some of the files are by temperature, or another option asks for one set of files.
    """
    from latmm.by_temperature import choose_temperatures, temperature_files
    from latmm.lattice.phonopy_files import is_phonopy_file

    given = {name: options[name] for name in _SIDES if options[name] is not None}
    tables = {name: temperature_files(text) for name, text in given.items()}
    known = {_SIDES[name]: files for name, files in tables.items() if files is not None}
    if not known:
        return {None: options}
    if len(known) < len(tables):
        plain = next(_SIDES[name] for name, files in tables.items() if files is None)
        raise click.UsageError(
            f"{next(iter(known))} has force constants by temperature and {plain} has not: give all by "
            "temperature, as T=FILE,T=FILE or a folder that holds 300K and so on"
        )
    for name in ("also", "dry_run", "rates", "nac_both"):
        if options[name]:
            option = name.replace("_", "-")
            raise click.UsageError(
                f"--{option} is for one set of files: leave it out, or name files without T="
            )
    chosen = choose_temperatures(known, temperatures)
    for files in chosen.values():
        for side, path in files.items():
            if not is_phonopy_file(path):
                raise click.UsageError(
                    f"{side} names {path}, but force constants by temperature are phonopy calculations "
                    "(yaml); give structures one temperature at a time"
                )
    return {
        t: {**options, **{name: str(files[_SIDES[name]]) for name in given}, "stated_temperature": t}
        for t, files in chosen.items()
    }


def check_temperature(options: dict[str, Any], calculation: "Calculation") -> None:
    """Refuse a calculation that states another temperature than the one that it is taken for.

    Raises
    ------
    InputError
        If it does.
    """
    from latmm.errors import InputError

    wanted, stated = options.get("stated_temperature"), calculation.temperature
    if wanted is not None and stated is not None and abs(stated - wanted) > _OFF:
        raise InputError(
            f"{calculation.path} states that its displacements are of {stated:g} K, but it is given for "
            f"{wanted:g} K; name the file of that temperature"
        )
