"""Files that latmm writes: whole or not at all, never through a device, never over what is not its own.

A file is written beside its destination, under a name that says who writes it (:func:`beside`), brought to
the disk and renamed: it takes the destination's place in one step. What a killed run left under such a name
is removed when the next run checks the same destination, once the process that the name tells is gone.
Folders that keep unfinished work carry a marker (:data:`MARKER`), and only what carries it is ever deleted.
"""

import hashlib
import io
import os
import platform
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from latmm.errors import InputError, OutputError

__all__ = [
    "MARKER",
    "Spilling",
    "begin_store",
    "beside",
    "check_destination",
    "check_store",
    "clear_leftovers",
    "remove_store",
    "replacing",
    "uninterrupted",
]

MARKER = ".latmm-store"
"""Name of the file in a folder that says that latmm made it; written first, deleted last."""
_MARKED = "Unfinished work of latmm. Deleted when the run that it belongs to is done.\n"
_LONGEST_NAME = 255
"""Bytes of a file name, of every common file system."""
_OWN_ARRAY = re.compile(r"[0-9a-f]{16}|realisation-[0-9]+|abrupt")
"""Names of what latmm puts into a store, beside the marker and Zarr's own file: digests and contacts."""


def check_destination(path: str | Path) -> Path:
    """Check before any work that a file can be written, and remove what killed runs left beside it.

    A file is made beside it for a moment: permissions, read-only file systems and the like are found now.

    Returns
    -------
    Path
        The file to be written: the goal of a link.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written, the path is a folder, a device, a pipe or this
        program's own standard output, or its name is too long.
    """
    try:
        target = _goal(Path(path))
        if os.path.isdir(target):
            raise InputError(f"cannot write {target}: it is a folder; name a file in it")
        if len(os.fsencode(beside(target).name)) > _LONGEST_NAME:
            raise InputError(f"cannot write {target}: its name is too long; use a shorter one")
        # a finished file is renamed to the target, which would put it in the place of /dev/null
        if os.path.exists(target) and (not os.path.isfile(target) or _is_standard_output(target)):
            raise InputError(
                f"cannot write {target}: it is a device, a pipe or standard output; name an ordinary file"
            )
        if not target.parent.is_dir():
            raise InputError(
                f"cannot write {target}: the folder {target.parent} does not exist; create it first"
            )
        if not os.access(target.parent, os.W_OK):
            raise InputError(f"cannot write {target}: no permission in the folder {target.parent}")
        clear_leftovers(target)
        with uninterrupted():
            part = beside(target)
            try:
                part.touch()
            finally:
                part.unlink(missing_ok=True)
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write {path}: {reason}; name an ordinary file in a folder") from None
    return target


def _goal(path: Path) -> Path:
    """Follow links, but none that leads to a device or a process: those are no files of a folder."""
    for _ in range(40):
        if not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
        if re.match(r"/(dev|proc|sys)(/|$)", os.path.abspath(path)):
            raise InputError(
                f"cannot write {path}, a device or a pipe to which a link leads; name an ordinary file"
            )
    raise InputError(f"cannot write {path}: links in a circle; name an ordinary file")


def _is_standard_output(path: Path) -> bool:
    found = path.stat()
    for number in (1, 2):
        with suppress(OSError):
            own = os.fstat(number)
            if (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino):
                return True
    return False


def beside(path: Path) -> Path:
    """Name of the unfinished file beside ``path``, with the same suffix: it tells the process and machine."""
    return path.with_name(f".{path.stem}.{os.getpid()}.{_machine()}.latmm.part{path.suffix}")


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def clear_leftovers(path: Path) -> None:
    """Remove unfinished files beside ``path`` of processes of this machine that are gone."""
    name = re.escape(f".{path.stem}.") + r"(\d+)\." + _machine() + re.escape(f".latmm.part{path.suffix}")
    with suppress(OSError):
        for entry in os.scandir(path.parent):
            found = re.fullmatch(name, entry.name)
            if found and entry.is_file(follow_symlinks=False) and not _is_alive(int(found[1])):
                with suppress(OSError):
                    os.unlink(entry.path)


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Name a file to write to in a ``with`` block, which takes the place of ``path`` when the block is done.

    Raises
    ------
    InputError
        If it cannot be written, see :func:`check_destination`.
    OutputError
        If it could not be written after all, e.g. because the disk is full; nothing is left then.
    """
    target = check_destination(path)
    part = beside(target)
    try:
        yield part
        with uninterrupted():
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, part)
            os.replace(part, target)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


class Spilling(io.RawIOBase):
    """A binary file to read and write whose writes never fail: what the disk does not take stays in memory.

    The HDF5 library crashes where a write fails. It writes here instead, and whoever gives it the file asks
    for :attr:`error` afterwards, and now and then in between.

    Attributes
    ----------
    error : OSError or None
        Why writing failed first; the file on the disk is worthless then.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("w+b", buffering=0)
        self._spilt: list[tuple[int, bytes]] = []
        self._size = self._place = 0
        self.error: OSError | None = None

    def check(self) -> None:
        """Raise the error of a write that failed."""
        if self.error is not None:
            raise self.error

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def writable(self) -> bool:
        """Whether it can be written: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it has places: yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def tell(self) -> int:
        """Place, in bytes."""
        return self._place

    def write(self, data: Any) -> int:
        """Write at the place, on the disk while it takes it."""
        piece = bytes(data)
        if self.error is None:
            try:
                done = 0
                while done < len(piece):
                    done += os.pwrite(self._file.fileno(), piece[done:], self._place + done)
            except OSError as error:
                self.error = error
        if self.error is not None:
            self._spilt.append((self._place, piece))
        self._place += len(piece)
        self._size = max(self._size, self._place)
        return len(piece)

    def readinto(self, buffer: Any) -> int:
        """Read from the place."""
        count = max(0, min(len(buffer), self._size - self._place))
        found = bytearray(count)
        kept = os.pread(self._file.fileno(), count, self._place)
        found[: len(kept)] = kept
        for start, piece in self._spilt:
            low, high = max(start, self._place), min(start + len(piece), self._place + count)
            if low < high:
                found[low - self._place : high - self._place] = piece[low - start : high - start]
        buffer[:count] = found
        self._place += count
        return count

    def truncate(self, size: int | None = None) -> int:
        """Change the size."""
        size = self._place if size is None else size
        if self.error is None:
            try:
                self._file.truncate(size)
            except OSError as error:
                self.error = error
        self._size = size
        return size

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            try:
                self._file.close()
            except OSError as error:
                self.error = self.error or error
        super().close()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt (SIGINT, SIGTERM) back until the block is done.

    Raised inside the HDF5 library it would be swallowed, or print a traceback of its own. For short blocks:
    the user waits. In a thread that gets no signals nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    former = {
        number: signal.signal(number, lambda number, frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])


def check_store(path: Path) -> bool:
    """Tell whether a folder for unfinished work is there, and that nobody else's is in its place.

    Raises
    ------
    InputError
        If there is a file, a link or a folder that latmm did not make.
    """
    if path.is_symlink():
        raise InputError(f"{path} is a link, no store of a stopped run; remove it or name another output")
    if not path.exists():
        return False
    if path.is_dir() and (_is_marked(path) or not any(path.iterdir())):
        return True
    raise InputError(f"{path} is no store of a stopped run; remove it or name another output")


def _is_marked(path: Path) -> bool:
    marker = path / MARKER
    return marker.is_file() and not marker.is_symlink()


def begin_store(path: Path) -> None:
    """Make the folder, its marker first; one that is there must be latmm's own.

    Raises
    ------
    InputError
        See :func:`check_store`.
    OSError
        If it cannot be written.
    """
    check_store(path)
    path.mkdir(exist_ok=True)
    if not _is_marked(path):
        (path / MARKER).write_text(_MARKED, encoding="utf-8")


def remove_store(path: Path) -> None:
    """Delete a store, and leave what is not of it; without one nothing happens.

    Raises
    ------
    InputError
        See :func:`check_store`.
    """
    if not check_store(path):
        return
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False) and _OWN_ARRAY.fullmatch(entry.name):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif entry.name.startswith("zarr.json"):
            Path(entry.path).unlink(missing_ok=True)
    others = [entry for entry in os.scandir(path) if entry.name != MARKER]
    if not others:
        (path / MARKER).unlink(missing_ok=True)
        with suppress(OSError):
            path.rmdir()
