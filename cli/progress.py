"""Progress of long work on stderr: bars on a terminal, lines now and then elsewhere, nothing when quiet."""

import sys
import time
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from .messages import tell

__all__ = ["Reporter"]

_EVERY = 10.0
"""Seconds between the lines of a long stage."""


class Reporter:
    """Shows named stages with their remaining time; use as a context manager and call with each step."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._stages: dict[str, _Stage] = {}

    def __enter__(self) -> "Reporter":
        if not self._quiet and sys.stderr.isatty():
            self._bars = Progress(
                TextColumn("{task.description:<28}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=Console(stderr=True),
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` steps of a stage are finished; after a colon, how it goes."""
        stage, _, words = stage.partition(": ")
        now = time.monotonic()
        told = self._stages.setdefault(stage, _Stage(done, now, now)).line(done, total, words)
        if told:
            tell(f"{stage}: {told}", quiet=self._quiet or self._bars is not None)
        if done >= total:
            del self._stages[stage]
        if self._bars is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total)
            description = f"{stage}: {words}" if words else stage
            self._bars.update(self._tasks[stage], completed=done, total=total, description=description)


@dataclass
class _Stage:
    """A stage under way, told in lines.

    Attributes
    ----------
    first : int
        Steps that were done when it was first heard of.
    started, told : float
        When that was and when its last line was written, s.
    """

    first: int
    started: float
    told: float

    def line(self, done: int, total: int, words: str = "") -> str:
        """Write what there is to tell: nothing until the stage ends or some seconds have passed."""
        now = time.monotonic()
        spent = now - self.started
        if done >= total:
            return f"done in {spent:.1f} s"
        if now - self.told < _EVERY:
            return ""
        self.told = now
        if words:
            return f"{words}, {spent:.0f} s"
        steps = done - self.first
        left = f", about {spent / steps * (total - done):.0f} s left" if steps else ""
        return f"{done} of {total} in {spent:.0f} s{left}"
