"""Foreign calculators held at arm's length: what they change is put back, what they return is checked.

A calculator is a program of somebody else. It may print, change the working folder, NumPy's error handling,
filters of warnings and signal handlers, or end the program; it may return what are no forces. The rest of
latmm sees none of that.
"""

import ctypes
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import numpy as np

from latmm.errors import LatmmError, PotentialError, one_line

__all__ = ["checked", "contained", "told"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TOLD = 240
"""Characters of somebody else's message that are passed on."""


def told(name: str, what: str, error: BaseException) -> str:
    """Write one line of an exception that somebody else raised."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kind = f"{type(error).__name__}: " if lines else type(error).__name__
    return f"potential {name}: {what} ({kind}{one_line(lines[0], _TOLD) if lines else ''})"


@contextmanager
def contained(name: str, what: str, *passed: type[Exception]) -> Iterator[None]:
    """Run foreign code in a ``with`` block.

    What it prints goes to stderr, from C as well; working folder, NumPy's error handling, filters of warnings
    and signal handlers are put back.

    Parameters
    ----------
    name : str
        The potential's name, for messages.
    what : str
        What went wrong if it fails.
    *passed : type
        Exceptions that are passed on beside latmm's own and those for want of memory.

    Raises
    ------
    PotentialError
        For any other exception, and where the code wants to end the program.
    """
    own: tuple[type[BaseException], ...] = (LatmmError, MemoryError, *passed)
    try:
        with _put_back(), warnings.catch_warnings(), np.errstate(), _silent():
            yield
    except own:
        raise
    except SystemExit as end:
        raise PotentialError(f"{told(name, what, end)}: it must not end the program") from None
    except Exception as error:
        raise PotentialError(told(name, what, error)) from error


@contextmanager
def _put_back() -> Iterator[None]:
    """Restore working folder and signal handlers."""
    folder = None
    with suppress(OSError):
        folder = os.getcwd()
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS} if main else {}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler and handler is not None:
                signal.signal(number, handler)
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)


@contextmanager
def _silent() -> Iterator[None]:
    """Send stdout to stderr: of Python, and of C where this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with redirect_stdout(sys.stderr):
        own = None
        try:
            if sys.__stdout__ is not None:
                sys.__stdout__.flush()
            own = os.dup(1)
            os.dup2(2, 1)
        except (OSError, ValueError):  # there is no stdout or stderr
            pass
        try:
            yield
        finally:
            if own is not None:
                with suppress(OSError, ValueError, AttributeError):
                    if sys.__stdout__ is not None:
                        sys.__stdout__.flush()
                    ctypes.CDLL(None).fflush(None)
                os.dup2(own, 1)
                os.close(own)


def checked(name: str, quantity: str, value: Any, atoms: int) -> Any:
    """Return what a calculator computed as latmm counts on it: real, finite and of the right shape.

    Parameters
    ----------
    name : str
        The potential's name, for messages.
    quantity : str
        ``energy``, ``free_energy``, ``forces`` or ``stress``; others are returned as they are.
    value : object
        What it returned.
    atoms : int
        Number N of atoms.

    Returns
    -------
    float or ndarray
        Energies: eV; forces: (N, 3), eV/Å; stress: (6,), eV/Å³, in Voigt's order.

    Raises
    ------
    PotentialError
        If it is no such quantity.
    """
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {
        "energy": ((), (1,)),
        "free_energy": ((), (1,)),
        "forces": ((atoms, 3),),
        "stress": ((6,), (3, 3)),
    }
    if quantity not in shapes:
        return value
    try:
        found = np.array(value)
        if found.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise PotentialError(
            f"potential {name}: its {quantity} must be real numbers, but are {type(value).__name__} "
            f"{one_line(repr(value), 60)}; mend the calculator"
        ) from None
    if found.shape not in shapes[quantity]:
        wanted = " or ".join(str(shape) for shape in shapes[quantity])
        raise PotentialError(
            f"potential {name}: its {quantity} must have the shape {wanted}, but have {found.shape}; "
            "mend the calculator"
        )
    if not np.all(np.isfinite(found)):
        raise PotentialError(
            f"potential {name}: its {quantity} hold nan or inf; mend the calculator, or the structure"
        )
    found = found.astype(float)
    if quantity in ("energy", "free_energy"):
        return float(found.reshape(-1)[0])
    if found.shape == (3, 3):
        return found.reshape(9)[[0, 4, 8, 5, 2, 1]]
    return found
