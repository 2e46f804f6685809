"""A parent that outlives the crash of a foreign calculator, and says what happened."""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import click

from latmm.errors import one_line

__all__ = ["watch"]

_PASSED_ON = (signal.SIGINT, signal.SIGTERM)
_DEATH_OF_PARENT = 1
"""PR_SET_PDEATHSIG of Linux' prctl."""


def watch(arguments: Sequence[str]) -> None:
    """Let a child do the work of a command whose potential is foreign code; return in the child alone.

    C code that crashes ends its process, and no handler of Python's is asked. The parent passes interrupts
    on, and ends as its child does.
    """
    spec = _foreign(arguments)
    if spec is None or not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGKILL)
        return

    with suppress(OSError):  # whichever of both comes first
        os.setpgid(child, child)

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            if number == signal.SIGINT:  # as a terminal does: to all, workers and their programs too
                os.killpg(child, number)
            else:
                os.kill(child, number)

    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        sys.exit(code)
    if -code in _PASSED_ON:
        sys.exit(128 - code)
    name = signal.Signals(-code).name
    click.echo(
        f"latmm: error: potential {one_line(spec, 100)}: the program crashed ({name}); most likely this is "
        "its calculator's doing, or memory ran out",
        err=True,
    )
    sys.exit(1)


def _foreign(arguments: Sequence[str]) -> str | None:
    """Find the potential among the arguments if it is code from outside."""
    found = None
    for number, text in enumerate(arguments):
        if text == "--potential" and number + 1 < len(arguments):
            found = arguments[number + 1]
        elif text.startswith("--potential="):
            found = text.partition("=")[2]
    return found if found is not None and (":" in found or found == "lammps") else None
