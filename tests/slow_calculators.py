"""Calculators from outside for tests: they note in a folder who computed, and can be slow or fail."""

import os
import subprocess
import time
from pathlib import Path

from latmm.potentials.bundled.bonds import BondCalculator
from latmm.potentials.calculators import resolve_potential


class Noted(BondCalculator):
    """Leaves a file named PID-NUMBER for every calculation."""

    def __init__(self, energy, log, seconds):
        super().__init__(energy)
        self._log, self._seconds = Path(log), seconds

    def calculate(self, *arguments, **keywords):
        super().calculate(*arguments, **keywords)
        (self._log / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(self._seconds)


class Program(Noted):
    """Has a program compute for ten minutes, and notes that, too."""

    def calculate(self, *arguments, **keywords):
        super().calculate(*arguments, **keywords)
        with subprocess.Popen(["sleep", "600"]) as program:
            (self._log / f"{program.pid}-program").touch()


class Failing(BondCalculator):
    def calculate(self, *arguments, **keywords):
        raise RuntimeError("no self-consistency\nafter 60 steps")


def _silicon():
    return resolve_potential("sw", ["Si"]).calculator().potential


def noted(log, seconds=0.0):
    return Noted(_silicon(), log, seconds)


def program(log):
    return Program(_silicon(), log, 0.0)


def failing():
    return Failing(_silicon())


def processes(log):
    """PID of every calculation."""
    return [int(path.name.partition("-")[0]) for path in Path(log).iterdir()]
