"""What a command says beside its result: lines on stderr, and the same with times in a file."""

import platform
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

__all__ = ["begin", "end", "message_options", "record", "tell", "verbose", "words"]

_HEAD = "# log of latmm"
"""First line of such a file: nothing else is written to."""


@dataclass
class _Messages:
    """Where messages go.

    Attributes
    ----------
    verbose : bool
        Whether lines on stderr carry the seconds since the start.
    path : str or None
        Of the log that was asked for.
    log : TextIO or None
        That file, once the command has begun.
    started : float
        Of the command, s.
    """

    verbose: bool = False
    path: str | None = None
    log: TextIO | None = None
    started: float = field(default_factory=time.monotonic)


_here = _Messages()


def verbose() -> bool:
    """Whether more is to be said than usual."""
    return _here.verbose


def tell(text: str, *, quiet: bool = False) -> None:
    """Write a line on stderr, unless all is to be quiet, and in the log."""
    record(text)
    if not quiet:
        spent = f"[{time.monotonic() - _here.started:7.2f} s] " if _here.verbose else ""
        click.echo(f"{spent}{text}", err=True)


def record(text: str) -> None:
    """Write a line in the log alone, with the time."""
    if _here.log is None:
        return
    try:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(f"{now} {text}", file=_here.log, flush=True)
    except OSError as error:
        _here.log = None
        click.echo(f"latmm: warning: the log ends here: {error.strerror or error}", err=True)


def begin(command: str, *, quiet: bool) -> None:
    """Say which command begins: the first line on stderr, before anything heavy is imported."""
    from latmm import __version__

    if _here.path is not None and _here.log is None:
        _open(_here.path)
    if _here.log is not None or _here.verbose:
        details = f"Python {platform.python_version()}, {platform.platform()}, in {Path.cwd()}"
        (record if quiet else tell)(f"latmm {__version__}: {command}; {details}")
    elif not quiet:
        tell(f"latmm {__version__}: {command}")


def end(text: str) -> None:
    """Write the last line of the log, and close it; messages are as at the beginning."""
    record(text)
    _close()
    _here.path, _here.verbose = None, False


def words() -> list[str]:
    """Options that ask for the same messages, for a command that calls another."""
    log = [] if _here.path is None else ["--log", _here.path]
    return [*log, *(["-v"] if _here.verbose else [])]


def _close() -> None:
    if _here.log is not None:
        with suppress(OSError):
            _here.log.close()
    _here.log = None


def _name_log(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Remember where the log is to be; it is opened when the command begins."""
    _close()
    _here.path = path


def _open(path: str) -> None:
    """Begin a log, or go on with one."""
    from latmm.errors import InputError
    from latmm.files import check_destination

    target = check_destination(path)
    if target.exists():
        with target.open("r", encoding="utf-8", errors="replace") as file:
            first = file.readline(len(_HEAD) + 1).rstrip("\n")
        if first != _HEAD:
            raise InputError(f"{target} exists and is no log of latmm; name another file for the log")
        _here.log = target.open("a", encoding="utf-8")
    else:
        _here.log = target.open("x", encoding="utf-8")
        print(_HEAD, file=_here.log, flush=True)
    from .outputs import command_line

    record(command_line())


def _verbose(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    _here.verbose = value
    _here.started = time.monotonic()


def message_options() -> list[click.Option]:
    """Options that every command has: ``-v`` and ``--log``."""
    shared: dict[str, Any] = {"is_eager": True, "expose_value": False}
    return [
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            callback=_verbose,
            help="Times of all messages, and where an error came from.",
            **shared,
        ),
        click.Option(
            ["--log"],
            type=click.Path(),
            metavar="FILE",
            callback=_name_log,
            help="Write all messages and progress to a file too, also with -q; a log that exists goes on.",
            **shared,
        ),
    ]
