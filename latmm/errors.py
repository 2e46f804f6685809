"""The one exception tree of latmm.

Every message says what is wrong, what was found, and how to mend it. The command line prints the message
of a :class:`LatmmError` on one line and exits with status 1; anything else is a bug and shows its traceback.
"""

__all__ = [
    "ConvergenceError",
    "InputError",
    "InstabilityError",
    "LatmmError",
    "MismatchError",
    "OutputError",
    "PotentialError",
    "one_line",
]


class LatmmError(Exception):
    """Base of all errors that latmm raises on purpose."""


class InputError(LatmmError, ValueError):
    """A value, an option or a file that cannot be used as given."""


class OutputError(InputError):
    """A file that could not be written after the work was done: the disk is full, or no longer there."""


class PotentialError(InputError):
    """An interatomic potential that is unknown or does not cover the elements."""


class MismatchError(InputError):
    """Two crystals whose lattices cannot be joined on the requested plane."""


class InstabilityError(LatmmError):
    """A crystal with imaginary phonon frequencies: not a minimum of its potential energy."""


class ConvergenceError(LatmmError, ArithmeticError):
    """A numerical procedure that did not reach its stated limit."""


LONGEST = 480
"""Characters of a message: a name or a text of others in it may be of any length."""


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return a text as one line: control characters escaped, the middle left out of what is too long.

    Parameters
    ----------
    text : object
        What is to be said; its ``str``.
    longest : int
        Number of characters that the line may have.

    Returns
    -------
    str
        Without control characters.
    """
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)[: 10**5])
    if len(line) <= longest:
        return line
    head = 2 * longest // 3
    return f"{line[:head]} ... {line[head + 5 - longest :]}"
