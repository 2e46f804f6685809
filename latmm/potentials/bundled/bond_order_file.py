"""Tersoff parameters from a file in LAMMPS' format, kept in ASE's records.

An entry holds three labels and fourteen numbers,

    i j k   m γ λ₃ c d cos θ₀ n β λ₂ B R D λ₁ A

with i the centre and j the bonded neighbour. A, B, λ₁, λ₂, n, β and the cut-off of the bond i-j come from the
entry i j j, what belongs to the angle and the cut-off of the bond i-k in ζ_ij from the entry i j k.
LAMMPS manual, pair_style tersoff.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ase.calculators.tersoff import TersoffParameters

from latmm.errors import PotentialError
from latmm.potentials.bundled.bond_order import Tersoff
from latmm.potentials.protocol import MOST_BYTES
from latmm.reading import file_text

__all__ = ["read_tersoff"]

_ORDER = ("m", "gamma", "lambda3", "c", "d", "h", "n", "beta", "lambda2", "B", "R", "D", "lambda1", "A")
_LARGEST = 1e15
_FARTHEST = 20.0
"""Longest bond of any material with room to spare, Å."""
_SYMBOLS = ("A", "B", "lambda1", "lambda2", "R", "D", "beta", "n", "c", "d", "h", "gamma", "lambda3", "m")


def read_tersoff(path: str | Path, elements: Sequence[str], labels: Mapping[str, str]) -> Tersoff:
    """Build the potential of some elements from a parameter file.

    Parameters
    ----------
    path : str or Path
        The file.
    elements : sequence of str
        Chemical symbols.
    labels : mapping
        Label in the file of an element, where it is not its symbol, e.g. ``{"Si": "Si(D)"}``.

    Raises
    ------
    PotentialError
        If the file cannot be read, lacks an entry, or holds a number out of range.
    """
    text = file_text(path, "potential file", most=MOST_BYTES, error=PotentialError)
    try:
        entries = _entries(text)
    except ValueError as error:
        raise PotentialError(
            f"cannot read {path}: {error}; a Tersoff file holds entries of three labels and 14 numbers"
        ) from error
    if not entries:
        raise PotentialError(f"{path} holds no entry; a Tersoff file holds three labels and 14 numbers each")
    known = sorted({key[0] for key in entries})
    names = [labels.get(element, element) for element in elements]
    if lacking := [name for name in names if name not in known]:
        raise PotentialError(
            f"{path} has no {', '.join(lacking)}, but {', '.join(known)}; where a label is not the element's "
            f"symbol, name it, e.g. {lacking[0]}={known[0]}"
        )
    size = len(names)
    table = {symbol: np.empty((size, size, size)) for symbol in _SYMBOLS}
    for index in np.ndindex(size, size, size):
        key = (names[index[0]], names[index[1]], names[index[2]])
        entry = entries.get(key)
        if entry is None:
            raise PotentialError(f"{path} has no entry {' '.join(key)}: it does not cover these together")
        _check(path, key, entry, bonded=index[1] == index[2])
        for symbol, values in table.items():
            values[index] = getattr(entry, symbol)
    pair = {symbol: np.einsum("ijj->ij", values) for symbol, values in table.items()}
    return Tersoff(
        elements=tuple(elements),
        A=pair["A"],
        B=pair["B"],
        lam=pair["lambda1"],
        mu=pair["lambda2"],
        R=pair["R"] - pair["D"],
        S=pair["R"] + pair["D"],
        beta=pair["beta"],
        n=pair["n"],
        kappa=table["lambda3"],
        R_third=table["R"] - table["D"],
        S_third=table["R"] + table["D"],
        **{symbol: table[symbol] for symbol in ("c", "d", "h", "gamma", "m")},
    )


def _entries(text: str) -> dict[tuple[str, str, str], TersoffParameters]:
    """Entries by their labels; what follows a # is a remark.

    Raises
    ------
    ValueError
    """
    words = re.sub(r"#[^\n]*", "", text).split()
    size = 3 + len(_ORDER)
    if len(words) % size:
        raise ValueError(f"it holds {len(words)} words")
    return {
        (words[i], words[i + 1], words[i + 2]): TersoffParameters(*map(float, words[i + 3 : i + size]))
        for i in range(0, len(words), size)
    }


def _check(path: str | Path, key: tuple[str, ...], entry: TersoffParameters, *, bonded: bool) -> None:
    """Refuse numbers for which the potential has no meaning."""
    numbers = np.array(list(vars(entry).values()))
    reasons = {
        "a number that is not finite": not np.all(np.isfinite(numbers)),
        f"a number above {_LARGEST:g}": bool(np.abs(numbers).max() > _LARGEST),
        f"R + D = {entry.R + entry.D:g} Å, above {_FARTHEST:g}": entry.R + entry.D > _FARTHEST,
        f"m = {entry.m:g}, neither 1 nor 3": entry.m not in (1.0, 3.0),
        "d = 0": entry.d == 0.0,
        f"D = {entry.D:g}, not between 0 and R = {entry.R:g}": not 0.0 < entry.D <= entry.R,
        "n or beta not positive": bonded and not (entry.n > 0.0 and entry.beta >= 0.0),
        "gamma negative": entry.gamma < 0.0,
    }
    if wrong := [text for text, true in reasons.items() if true]:
        raise PotentialError(f"{path}: the entry {' '.join(key)} has {wrong[0]}; mend the file")
