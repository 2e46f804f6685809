"""A hostile case: the command, the files that it finds, and what may come of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["BAIT", "STRUCTURES", "Case", "Outcome"]

STRUCTURES = Path(__file__).parents[2] / "structures"
BAIT = "pwned"
"""Name of the file that code hidden in an input would make."""


def nothing(folder: Path) -> None:
    """Write no file."""


@dataclass(frozen=True)
class Case:
    """One command line in a folder of its own.

    Attributes
    ----------
    name : str
        Unique, in words: what is hostile.
    arguments : tuple of str
        After ``latmm``; relative paths lie in the case's folder.
    prepare : callable
        Writes the input files into the folder (an absolute path). None of them may be changed by the command.
    expect : str
        ``refused``: exit status 1 or 2, nothing on stdout and no file left; ``fine``: 0; ``done``: 0, 3 or 4;
        ``any``: either of these, but soundly.
    outputs : tuple of str
        Names of files and folders that the command may leave when it succeeds.
    kept : tuple of str
        Names of what it may leave when it fails: a store of finished work.
    reason : str
        Text that the message of a refused case holds, if any.
    quick : bool
        Whether it takes less than a second in a process that has imported everything.
    apart : bool
        Whether it must run in a process of its own (limits on files, signals, calculators that end it).
    largest_file : int or None
        Bytes that a file may have (RLIMIT_FSIZE), for runs apart: stands for a full disk.
    environment : dict
        Variables beside those of the machine, for runs apart.
    """

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path], None] = nothing
    expect: str = "refused"
    outputs: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    reason: str = ""
    quick: bool = True
    apart: bool = False
    largest_file: int | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a case did.

    Attributes
    ----------
    status : int
        Exit status; negative: the signal that ended it.
    stdout, stderr : str
        What it printed.
    seconds : float
        Of processor.
    memory : int or None
        Largest resident memory, bytes; None within a process that runs other things, too.
    hung : bool
        Whether it was ended because it took too long.
    """

    status: int
    stdout: str
    stderr: str
    seconds: float
    memory: int | None = None
    hung: bool = False
