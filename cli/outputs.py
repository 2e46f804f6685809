"""The files that a command writes: each can be written, none twice, none over an input."""

import json
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

__all__ = ["check_outputs", "command_line", "run_attributes"]


def command_line() -> str:
    """Return the command as typed, for provenance; bytes of a file name that are no text come escaped."""
    return shlex.join(["latmm", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode("utf-8")


def check_outputs(options: dict[str, Any]) -> None:
    """Check before any work the options -o, --csv and --plot that a command has.

    Raises
    ------
    InputError
        If a file cannot be written.
    click.UsageError
        If a file is named twice, or is one of the input files.
    """
    from latmm.plotting import check_figure
    from latmm.results import check_destination

    structures = options.get("structures") or (options.get("left"), options.get("right"))
    taken = {Path(path).resolve(): "the structure file" for path in structures if path}
    if options.get("contact"):
        taken[Path(options["contact"]).resolve()] = "the explicit region"
    if options.get("contact_phonopy"):
        taken[Path(options["contact_phonopy"]).resolve()] = "the calculation of the contact"
    for name, option in (("output", "-o"), ("csv_file", "--csv"), ("plot", "--plot")):
        path = options.get(name)
        if path is None:
            continue
        target = (check_figure if name == "plot" else check_destination)(path).resolve()
        if target in taken:
            raise click.UsageError(f"{option} {path} would overwrite {taken[target]}; name another file")
        taken[target] = f"the file of {option}"


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
        "command_line": command_line(),
        "configuration": json.dumps(options, default=str),
        "input_sha256": json.dumps({name: file_digest(path) for name, path in inputs.items()}),
    }
