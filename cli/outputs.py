"""The files that a command writes: each can be written, none twice, none over an input."""

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["check_outputs", "command_line", "replace_option", "run_attributes"]

_F = TypeVar("_F", bound=Callable[..., Any])


def replace_option(function: _F) -> _F:
    """Add ``--force``, to be read by :func:`check_outputs`."""
    return click.option("--force", is_flag=True, help="Replace files that exist.")(function)


def command_line() -> str:
    """Return the command as typed, for provenance; bytes of a file name that are no text come escaped."""
    return shlex.join(["latmm", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode("utf-8")


def check_outputs(options: dict[str, Any]) -> None:
    """Check before any work the options -o, --csv and --plot that a command has.

    Raises
    ------
    InputError
        If a file cannot be written, or exists and is not to be replaced.
    click.UsageError
        If a file is named twice, or is one of the input files.
    """
    from latmm.errors import InputError
    from latmm.files import check_destination, check_store
    from latmm.plotting.conductance import check_figure

    taken = _inputs(options)
    for name, option in (("output", "-o"), ("csv_file", "--csv"), ("plot", "--plot")):
        path = options.get(name)
        if path is None:
            continue
        target = (check_figure if name == "plot" else check_destination)(path)
        for sign in _signs(target):
            if sign in taken:
                raise click.UsageError(f"{option} {path} would overwrite {taken[sign]}; name another file")
        if target.exists() and not options["force"]:
            raise InputError(f"{target} exists; name another file with {option}, or replace it with --force")
        taken.update(dict.fromkeys(_signs(target), f"the file of {option}"))
    if options.get("output") and "restart" in options:
        check_store(Path(options["output"]).with_suffix(".partial.zarr"))


_INPUTS = {
    "left": "the structure file",
    "right": "the structure file",
    "region": "the explicit region",
    "region_phonopy": "the calculation of the contact",
    "metals": "the table of metals",
    "result": "the table",
    "phonons": "the phonons",
    "cell": "the cell",
}
"""Options and arguments that name a file to be read."""
_BESIDE = ("FORCE_SETS", "FORCE_CONSTANTS", "force_constants.hdf5", "BORN")
"""Files that are read beside a phonopy calculation."""


def _inputs(options: dict[str, Any]) -> dict[object, str]:
    """Collect what tells the files to be read, and what they are."""
    named = [(Path(options[name]), kind) for name, kind in _INPUTS.items() if options.get(name)]
    named += [(Path(path), "the structure file") for path in options.get("structures") or ()]
    named += [(Path(path), "the structure file") for pair in options.get("also") or () for path in pair]
    named += [(Path(path), "the measured conductances") for path in options.get("experiment") or ()]
    for text in options.get("potential_option") or ():
        named.append((Path(text.partition("=")[2]), "a file of the potential"))
    found: dict[object, str] = {}
    for path, kind in named:
        around = [path.parent / name for name in _BESIDE]
        try:
            within = list(path.iterdir()) if path.is_dir() else []
            for file, what in [(path, kind), *((p, "an input file") for p in (*around, *within))]:
                if file == path or file.exists():
                    found.update(dict.fromkeys(_signs(file), what))
        except (OSError, RuntimeError, ValueError):  # no such file can be an output, either
            continue
    return found


def _signs(path: Path) -> list[object]:
    """List what two names of one file have in common: its place, and its number on the disk."""
    signs: list[object] = [path.resolve()]
    if path.is_file():
        state = path.stat()
        signs.append((state.st_dev, state.st_ino))
    return signs


def _command() -> str:
    """Words of the command that runs, e.g. study layers."""
    context = click.get_current_context(silent=True)
    return "" if context is None else " ".join(context.command_path.split()[1:])


def run_attributes(options: dict[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
    """Attributes that say which run a result file comes from.

    Parameters
    ----------
    options : dict
        Of the command, defaults included.
    inputs : mapping
        Name → path of every file read.
    """
    from latmm import __version__
    from latmm.structures import file_digest

    return {
        "latmm_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(),
        "command_line": command_line(),
        "configuration": json.dumps(options, default=str),
        "input_sha256": json.dumps({name: file_digest(path) for name, path in inputs.items()}),
    }
