"""Entry point of the ``latmm`` command: turns errors and signals into one line and an exit code."""

import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import click

from latmm.errors import LatmmError, one_line

from .checking import ChecksFailed
from .messages import end, tell, verbose
from .program import cli
from .watching import watch

__all__ = ["cli", "main"]


class _Terminated(BaseException):
    """SIGTERM, raised in the main thread so that unfinished files are removed on the way out."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    0 well, 1 an error, 2 wrong usage, 3 a check failed (the result is written), 130 and 143 when interrupted.
    """
    if arguments is None:
        watch(sys.argv[1:])
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _run(arguments)
    except SystemExit as exit_:
        end(f"ended with {exit_.code or 0}")
        raise
    end("ended with 0")


def _run(arguments: Sequence[str] | None) -> None:
    """Run a command, and turn what leaves it into a line and an exit code."""
    try:
        cli.main(args=arguments, prog_name="latmm", standalone_mode=False)
        sys.stdout.flush()
    except LatmmError as error:
        if verbose():
            tell("".join(traceback.format_exception(error)).rstrip())
        tell(f"latmm: error: {one_line(error)}")
        sys.exit(1)
    except MemoryError:
        tell("latmm: error: not enough memory; take a coarser mesh or fewer frequencies")
        sys.exit(1)
    except click.ClickException as error:
        if isinstance(error, ChecksFailed):
            error.show()
            sys.exit(error.exit_code)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} -h' for help.\n", err=True)
        tell(f"Error: {one_line(error.format_message())}")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        tell("latmm: interrupted; no unfinished file is left")
        sys.exit(130)
    except _Terminated:
        tell("latmm: terminated; no unfinished file is left")
        sys.exit(143)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a disk is full or gone, also that of stdout
        if (
            sys.__stdout__ is not None and sys.stdout is sys.__stdout__
        ):  # what it still holds must not be written at the end
            with suppress(OSError):
                sys.stdout.close()
        where = "" if error.filename is None else f" {error.filename}"
        reason = error.strerror or error
        tell(f"latmm: error: cannot read or write{where}: {one_line(reason)}")
        sys.exit(1)
