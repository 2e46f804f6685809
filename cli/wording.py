"""What the library calls a parameter or a function, in the words of the command line."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from latmm.errors import InputError

__all__ = ["as_usage", "in_options"]

_OTHERWISE: Mapping[str, str] = {
    "centred=True": "--gamma",
    "coincidences": "latmm match",
    "experiment": "--experiment",
    "measurements": "latmm measured",
    "relax=False": "--no-relax",
    "replace=True": "--force",
    "terminations": "latmm match",
    "tolerance": "--tol",
    "transmissivities": "latmm transmissivity",
}
"""Names whose option or command is not spelt like them."""
_QUOTED = re.compile(r"`([A-Za-z_]+)(=(?:True|False))?`")


def in_options(text: str, command: click.Command | None = None) -> str:
    """Name options for parameters: `kmesh` is --kmesh, `relax=False` is --no-relax.

    With a command, only names of its own options are translated.
    """
    options = None if command is None else _options(command)

    def spelt(found: re.Match[str]) -> str:
        name, value = found[1], found[2] or ""
        if name + value in _OTHERWISE:
            return _OTHERWISE[name + value]
        option = f"--{'no-' if value == '=False' else ''}{name.replace('_', '-')}"
        return option if options is None or option in options else found[0]

    return _QUOTED.sub(spelt, text)


def _options(command: click.Command) -> set[str]:
    """Spellings of all options of a command."""
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


@contextmanager
def as_usage() -> Iterator[None]:
    """Take values that the library refuses within a ``with`` block for wrong usage: exit code 2.

    Raises
    ------
    click.UsageError
        In place of an InputError, in the words of the command that runs.
    """
    try:
        yield
    except InputError as error:
        raise click.UsageError(in_options(str(error), click.get_current_context().command)) from None
