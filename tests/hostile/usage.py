"""Wrong usage: no command, unknown ones, options without values, names that are no text."""

from collections.abc import Iterator

from hostile.case import STRUCTURES, Case

__all__ = ["cases"]

AR = str(STRUCTURES / "ar.cif")
COMMANDS = (
    "compare", "converge", "build", "match", "modes", "transmissivity", "scattering", "wave", "ldos",
    "export", "amm", "dmm", "layers", "study", "measured",
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield Case("usage no command", ())
    yield Case("usage unknown command", ("frobnicate",))
    yield Case("usage command of control characters", ("\x1b[31m\n",))
    yield Case("usage long command", ("x" * 100_000,))
    yield Case("usage study alone", ("study",))
    yield Case("usage study unknown", ("study", "frobnicate"))
    for command in COMMANDS:
        # without a pair, latmm measured lists them all
        expect = "any" if command == "measured" else "refused"
        yield Case(f"usage {command} without arguments", (command,), expect=expect)
        yield Case(f"usage {command} unknown option", (command, AR, AR, "--frobnicate"))
        yield Case(f"usage {command} long option", (command, AR, AR, "--" + "x" * 10_000))
