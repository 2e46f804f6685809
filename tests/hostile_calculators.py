"""Calculators that do what calculators should not: for test_containment and the hostile corpus."""

import ctypes
import os
import signal
import warnings

import numpy as np

from latmm.potentials.bundled.bonds import BondCalculator
from latmm.potentials.calculators import resolve_potential

KINDS = {}


def kind(function):
    KINDS[function.__name__] = function
    return function


def _argon():
    return resolve_potential("lj", ["Ar"], {"cutoff": 6.0}).calculator().potential


class Hostile(BondCalculator):
    """Computes as it should, then does something to itself and the world."""

    def __init__(self, deed):
        super().__init__(_argon())
        self._deed = deed

    def calculate(self, *arguments, **keywords):
        super().calculate(*arguments, **keywords)
        KINDS[self._deed](self)


def hostile(deed):
    return Hostile(deed)


@kind
def well(calculator):
    """Do nothing bad."""


@kind
def prints(calculator):
    print("chatter")
    os.write(1, b"chatter\n")
    ctypes.CDLL(None).puts(b"chatter")


@kind
def changes_folder(calculator):
    os.chdir("/")


@kind
def seterr(calculator):
    np.seterr(all="raise")


@kind
def warns(calculator):
    warnings.simplefilter("error")


@kind
def takes_signals(calculator):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@kind
def moves_atoms(calculator):
    calculator.atoms.positions += 1.0


@kind
def array_energy(calculator):
    calculator.results["energy"] = np.array([calculator.results["energy"]])


@kind
def square_stress(calculator):
    if "stress" in calculator.results:
        xx, yy, zz, yz, xz, xy = calculator.results["stress"]
        calculator.results["stress"] = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def segfault():
    """Crash the process that asks for a calculator."""
    os.kill(os.getpid(), signal.SIGSEGV)


@kind
def exits0(calculator):
    raise SystemExit(0)


@kind
def exits_text(calculator):
    raise SystemExit("licence expired")


@kind
def raises_long(calculator):
    raise RuntimeError("x" * 10**6)


@kind
def wrong_shape(calculator):
    calculator.results["forces"] = calculator.results["forces"].T.copy()


@kind
def one_row(calculator):
    calculator.results["forces"] = np.zeros((7, 3))


@kind
def string_forces(calculator):
    calculator.results["forces"] = calculator.results["forces"].astype(str)


@kind
def complex_forces(calculator):
    calculator.results["forces"] = calculator.results["forces"] * 1j


@kind
def ragged_forces(calculator):
    calculator.results["forces"] = [[0.0], [0.0, 1.0]]


@kind
def nan_forces(calculator):
    calculator.results["forces"] = np.full_like(calculator.results["forces"], np.nan)


@kind
def none_forces(calculator):
    calculator.results["forces"] = None


@kind
def lies(calculator):
    calculator.results = {}


@kind
def nan_stress(calculator):
    calculator.results["stress"] = np.full(6, np.nan)


def exits_setup():
    raise SystemExit(0)


def prints_setup():
    print("chatter")
    return hostile("well")


def no_calculator():
    return 3
