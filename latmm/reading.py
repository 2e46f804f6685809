"""The one gate for files that a user names: regular files of bounded size, read once.

A device, a pipe or a folder is refused before anything is read; what is compressed is unpacked up to a bound,
so that a small file cannot fill the memory. What is parsed is what was checked: readers get the bytes.
"""

import bz2
import errno
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO, Any, Final

from latmm.errors import InputError, LatmmError

__all__ = ["COMPRESSED", "check_hdf5", "check_regular", "file_bytes", "file_text", "plain_name"]

COMPRESSED: Final = (".bz2", ".gz", ".lzma", ".xz")
"""Suffixes of files that are unpacked."""
MOST_BYTES: Final = 2**28
"""Largest file, unpacked: force constants of 512 atoms with one another are 60 MB of text."""
_SMALL: Final = 2**24
_MOST_PACKED: Final = 200
"""How many times larger than itself a file above ``_SMALL`` bytes may become; text becomes 10 to 35 times."""
_PIECE: Final = 2**20

_OPENERS: Final[Mapping[str, Callable[[IO[bytes]], Any]]] = {
    ".bz2": bz2.BZ2File,
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".lzma": lzma.LZMAFile,
    ".xz": lzma.LZMAFile,
}
_REASONS: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.ENAMETOOLONG: "does not exist: its name is too long",
    errno.EACCES: "may not be read",
    errno.EPERM: "may not be read",
    errno.ELOOP: "is a symbolic link that leads back to itself",
    errno.ENXIO: "is not a regular file",
}


def file_bytes(
    path: str | PathLike[str],
    what: str = "file",
    *,
    hint: str = "name another file",
    most: int = MOST_BYTES,
    error: type[LatmmError] = InputError,
) -> bytes:
    """Read a file that a user names, unpacked if its suffix says so.

    Parameters
    ----------
    path : path
        The file.
    what : str
        What it is, the first words of a message.
    hint : str
        What to do otherwise, the last words of a message.
    most : int
        Bytes that it may hold, unpacked.
    error : type
        Of the exception.

    Raises
    ------
    InputError
        Or ``error``: if it is missing, may not be read, is no regular file, is too large, or is damaged where
        it is compressed.
    """

    def refuse(reason: str) -> LatmmError:
        return error(f"{what} {path} {reason}; {hint}")

    try:
        # a pipe would wait for somebody to write
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            _refuse_irregular(os.fstat(handle).st_mode, refuse)
            with open(handle, "rb", closefd=False) as stream:
                content = stream.read(most + 1)
        finally:
            os.close(handle)
    except LatmmError:
        raise
    except (OSError, ValueError) as failed:
        raise refuse(_reason(failed)) from None
    if len(content) > most:
        raise refuse(f"is larger than {most >> 20} MiB")
    opener = _OPENERS.get(Path(path).suffix.lower())
    return content if opener is None else _unpacked(content, opener, most, refuse)


def file_text(path: str | PathLike[str], what: str = "file", **options: Any) -> str:
    """Read a text file by :func:`file_bytes`; bytes that are no UTF-8 become replacement characters."""
    return file_bytes(path, what, **options).decode("utf-8", "replace")


def check_regular(
    path: str | PathLike[str], what: str = "file", *, hint: str = "name another file", most: int | None = None
) -> None:
    """Check a file that a library opens by its name (HDF5).

    Raises
    ------
    InputError
        If it is missing, may not be read, is no regular file, or holds more than ``most`` bytes.
    """

    def refuse(reason: str) -> LatmmError:
        return InputError(f"{what} {path} {reason}; {hint}")

    try:
        found = os.stat(path)
    except (OSError, ValueError) as failed:
        raise refuse(_reason(failed)) from None
    _refuse_irregular(found.st_mode, refuse)
    if not os.access(path, os.R_OK):
        raise refuse("may not be read")
    if most is not None and found.st_size > most:
        raise refuse(f"is larger than {most >> 20} MiB")


def check_hdf5(path: str | PathLike[str], what: str = "file", *, hint: str = "name another file") -> None:
    """Check that every object of an HDF5 file can be opened: about others h5netcdf prints tracebacks.

    Raises
    ------
    InputError
        If it is missing, may not be read, is no regular file or no HDF5 file, or is damaged.
    """
    import h5py

    check_regular(path, what, hint=hint)
    try:
        with h5py.File(path, "r") as file:
            dict(file.attrs)
            file.visititems(lambda name, item: None if dict(item.attrs) is not None else name)
    except Exception as failed:  # a damaged file makes HDF5 raise anything
        reason = " ".join(str(failed).split())[:150] or type(failed).__name__
        raise InputError(f"cannot read {path}: not a netCDF-4 or HDF5 file ({reason}); {hint}") from None


def plain_name(path: str | PathLike[str]) -> str:
    """Name of a file without folder and without the suffix of its compression."""
    name = Path(path)
    return name.stem if name.suffix.lower() in COMPRESSED else name.name


def _refuse_irregular(mode: int, refuse: Callable[[str], LatmmError]) -> None:
    if stat.S_ISDIR(mode):
        raise refuse("is a folder")
    if not stat.S_ISREG(mode):
        raise refuse("is a device, a pipe or a socket, not a regular file")


def _reason(failed: OSError | ValueError) -> str:
    """Why a file cannot be opened."""
    if not isinstance(failed, OSError):
        return "has a name that no file can have"
    known = _REASONS.get(failed.errno or 0)
    return known or f"cannot be read ({failed.strerror or type(failed).__name__})"


def _unpacked(
    content: bytes, opener: Callable[[IO[bytes]], Any], most: int, refuse: Callable[[str], LatmmError]
) -> bytes:
    """Unpack piece by piece, and stop where it is too much."""
    bound = min(most, max(_SMALL, _MOST_PACKED * len(content)))
    pieces, total = [], 0
    try:
        with opener(BytesIO(content)) as stream:
            while piece := stream.read(_PIECE):
                total += len(piece)
                if total > bound:
                    raise refuse(f"unpacks to more than {bound >> 20} MiB")
                pieces.append(piece)
    except LatmmError:
        raise
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as failed:
        raise refuse(f"is damaged where it is compressed ({failed})") from None
    return b"".join(pieces)
