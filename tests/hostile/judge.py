"""The judge: what is wrong with the outcome of a case, whatever the case was."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from hostile.case import BAIT, Case, Outcome

__all__ = ["LONGEST", "SECONDS", "faults", "snapshot"]

SECONDS = 10.0
"""Processor time within which every case is answered, beyond that of an empty run."""
MEMORY = 2**30
"""Resident memory that it may take, beyond that of an empty run."""
LONGEST = 500
"""Characters of a message, without the name of the program."""
_FINE = {"refused": (), "fine": (0,), "done": (0, 3, 4), "any": (0, 3, 4)}
_NO_NUMBER = re.compile(r"(?<![\w.])[-+]?(nan|inf|infinity)(?![\w.])", re.IGNORECASE)


def snapshot(folder: Path) -> dict[str, str]:
    """State of everything below a folder: kind, and digest or goal of a link."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(root, name)
            mode = os.lstat(path).st_mode
            key = os.path.relpath(path, folder)
            if stat.S_ISLNK(mode):
                found[key] = f"link to {os.readlink(path)}"
            elif stat.S_ISREG(mode):
                found[key] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            else:
                found[key] = str(stat.S_IFMT(mode))
    return found


def faults(
    case: Case, outcome: Outcome, before: Mapping[str, str], after: Mapping[str, str], baseline: int = 0
) -> list[str]:
    """Name everything that is wrong: an empty list is a pass.

    Parameters
    ----------
    case, outcome : Case, Outcome
        What was run, and what came of it.
    before, after : mapping
        Of :func:`snapshot`.
    baseline : int
        Memory of an empty run, bytes.
    """
    found = [
        *_of_the_end(case, outcome),
        *_of_the_message(case, outcome),
        *_of_stdout(case, outcome),
        *_of_files(case, outcome, before, after),
    ]
    if outcome.memory is not None and outcome.memory > baseline + MEMORY:
        found.append(f"memory: {outcome.memory / 2**30:.1f} GiB")
    return found


def _of_the_end(case: Case, outcome: Outcome) -> list[str]:
    if outcome.hung:
        return [f"hang: ended after {outcome.seconds:.0f} s of processor"]
    found = []
    if outcome.seconds > SECONDS and outcome.status:
        found.append(f"hang: answered after {outcome.seconds:.0f} s of processor")
    if outcome.status < 0 or outcome.status > 128:
        found.append(f"killed by signal {abs(outcome.status) % 128}")
    elif outcome.status not in (1, 2, *_FINE[case.expect]):
        found.append(f"exit status {outcome.status}")
    elif case.expect in ("fine", "done") and outcome.status not in _FINE[case.expect]:
        found.append("refused")
    elif case.expect == "refused" and outcome.status not in (1, 2):
        found.append("accepted")
    return found


def _of_the_message(case: Case, outcome: Outcome) -> list[str]:
    found = ["traceback"] * ("Traceback (most recent call last)" in outcome.stderr)
    if outcome.status not in (1, 2):
        return found
    lines = outcome.stderr.strip().splitlines() or [""]
    told, _, message = lines[-1].partition("rror: ")
    if told not in ("latmm: e", "E") or not message:
        return [*found, f"last line of stderr is no error message: {lines[-1][:80]!r}"]
    if len(message) > LONGEST:
        found.append(f"message of {len(message)} characters")
    if case.reason not in message:
        found.append(f"message does not hold {case.reason!r}: {message[:200]}")
    return found


def _of_stdout(case: Case, outcome: Outcome) -> list[str]:
    if outcome.status in (1, 2):
        return ["stdout of a refused command is not empty"] * bool(outcome.stdout)
    if outcome.status not in (0, 3, 4):
        return []
    if "--json" in case.arguments:
        try:
            json.loads(outcome.stdout, parse_constant=_refuse)
        except ValueError:
            return ["stdout is not one JSON object"]
    return ["nan or inf in the output"] * bool(_NO_NUMBER.search(outcome.stdout))


def _refuse(text: str) -> float:
    raise ValueError(text)


def _of_files(case: Case, outcome: Outcome, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    found = ["CODE EXECUTED FROM A DATA FILE"] * any(
        BAIT in Path(name).name for name in set(after) - set(before)
    )
    lost = sorted(set(before) - set(after))
    changed = sorted(name for name in set(before) & set(after) if before[name] != after[name])
    allowed = case.outputs if outcome.status in (0, 3, 4) else case.kept
    left = sorted(
        name for name in set(after) - set(before) if Path(name).parts[0] not in allowed and BAIT not in name
    )
    found += [f"somebody else's file is gone: {name}" for name in lost]
    found += [f"input changed: {name}" for name in changed if name not in case.outputs]
    found += [f"left behind: {', '.join(left[:5])}"] * bool(left)
    return found
