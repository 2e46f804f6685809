"""Numbers: every numeric option of every command with values that no quantity has, from click's own lists."""

from collections.abc import Iterator

import click

from hostile.case import STRUCTURES, Case
from latmm_cli.main import cli

__all__ = ["BASE", "cases", "commands"]

AR, SI, GE = (str(STRUCTURES / f"{name}.cif") for name in ("ar", "si", "ge"))
_CRYSTALS = (AR, AR)
_TINY = (
    *_CRYSTALS, "--potential", "lj", "--potential-option", "cutoff=6", "--no-relax", "--no-cache", "-j", "1",
    "--right-mass", "Ar=160",
)  # fmt: skip
_MEDIA = ("--left-medium", "si", "--right-medium", "ge")
_QUICK = ("--kmesh", "2", "2", "--frequencies", "6")
BASE: dict[str, tuple[str, ...]] = {
    "compare": (*_TINY, *_QUICK, "--model", "agf", "--allow", "channels_left", "--allow", "channels_right"),
    "converge": (*_TINY, "--tol", "0.5"),
    "build": (*_TINY, "-o", "out.xyz"),
    "match": _CRYSTALS,
    "modes": (*_TINY, *_QUICK, "-o", "out.nc"),
    "transmissivity": (*_TINY, "--mesh", "2", "2", "2"),
    "scattering": (*_TINY, "--frequency", "0.5", "--kmesh", "2", "2"),
    "wave": (*_TINY, "--frequency", "0.5"),
    "ldos": (*_TINY, *_QUICK, "-o", "out.nc"),
    "amm": _MEDIA,
    "dmm": _MEDIA,
    "layers": (*_MEDIA, "--layer", "mgo:2"),
    "study layers": (*_TINY, *_QUICK, "--layers", "2", "--profile", "linear"),
    "study superlattice": (*_TINY, *_QUICK, "--layers", "4", "4", "--periods", "2"),
    "study disorder": (*_TINY, *_QUICK, "--kind", "mass", "--width", "2", "--spread", "0.1", "--lateral", "1",
                       "1", "--seeds", "2"),
    "phonons": (AR, "--potential", "lj", "--potential-option", "cutoff=6", "--no-relax", "--no-cache", "-j", "1"),
    "elastic": (AR, "--potential", "lj", "--potential-option", "cutoff=6", "--no-relax", "--no-cache", "-j", "1"),
    "doctor": ("--no-test",),
}  # fmt: skip
"""Arguments with which each command succeeds in seconds; others are given files that do not exist."""
NEVER = (
    "nan",
    "inf",
    "-inf",
    "1e300",
    "-1e300",
    "1e400",
    "9" * 400,
    "",
    " ",
    "0x10",
    "12abc",
    "1e",
    "१e",
    "1;2",
)
"""What no numeric option takes."""
_QUICK_VALUES = ("nan", "-1e300", "1e400", "")
SOMETIMES = ("0", "-1", "1e-300", "99999999999")
"""What some take: soundly, whichever."""
TEXT = {
    "--temperature": (
        "nan", "inf", "-inf", "0", "-5", "1e-300", "1e300", "", "300K", "1:2", "1:2:3:4", "1:1e300:1",
        "1:2:1e-300", "nan:2:1", "1:inf:1", ":", "::", "300:100:10", "9" * 400, "1:10:0", "10:20:-1",
    ),
    "--left-mass": (
        "Ar=0", "Ar=-1", "Ar=nan", "Ar=inf", "Ar=1e300", "Ar=1e-300", "Ar=", "=28", "Ar", "Ar=heavy", "Xx=3",
        "ar=40", "Ar=40=40", "Ar=" + "9" * 400, "Ar=4\x00"[:4] + "x",
    ),
    "--right-mass": ("Ar=0", "Ar=nan", "Ar=1e-300", "Si=28", "Ar=-1e300", "=", "Ar==40"),
    "--potential": (
        "", ":", "os:system", "no.such:thing", "ase.calculators.lj:", ":LennardJones", "tersoff", "x" * 5000,
        "math:pi", "builtins:exit", "lj:lj", "../lj", "os:getcwd",
    ),
    "--potential-option": (
        "cutoff=nan", "cutoff=inf", "cutoff=-1", "cutoff=0", "cutoff=1e300", "cutoff=", "epsilon=0",
        "epsilon=1e300", "sigma=nan", "sigma=1e-300", "nothing=1", "cutoff", "=", "file=/dev/zero",
        "sigma=-3", "epsilon=-1", "epsilon=inf", "cutoff=" + "9" * 400,
    ),
}  # fmt: skip
"""Values of options that hold numbers in text, and are refused by every command that has them."""
MEDIA = (
    "rho=1e300,cl=5000,ct=3000", "rho=2330,cl=1e300,ct=3000", "rho=2330,cl=5000,ct=3000,n=1e300",
    "rho=2.33,cl=8.4,ct=5.8", "rho=1e-300,cl=5000,ct=3000",
    "", "unobtainium", "rho=nan,cl=1,ct=1", "rho=inf,cl=5000,ct=3000",
    "rho=-1,cl=5000,ct=3000", "rho=0,cl=5000,ct=3000", "rho=2330,cl=nan,ct=3000",
    "rho=2330,cl=5000,ct=6000", "rho=2330,cl=-5000,ct=3000", "rho=2330,c11=nan,c12=64,c44=80",
    "rho=2330,c11=1e300,c12=64,c44=80", "rho=2330,c11=-1,c12=64,c44=80", "rho=2330,c11=166,c12=1664,c44=80",
    "rho=2330,cl=5000,ct=3000,n=nan", "rho=2330,cl=5000,ct=3000,n=-1",
    "rho=2330", "cl=5000", "rho=2330,cl", "rho=2330,cl=5000,cl=6000", "=,=,=",
    "rho=2330,cl=5000,ct=3000,x=1", "x" * 5000, "rho=\x1b[31m,cl=1,ct=1",
)  # fmt: skip
LAYERS = (
    "mgo:0", "mgo:1e300", "mgo:1e-300",
    "mgo", "mgo:", ":2", "mgo:-1", "mgo:nan", "mgo:inf", "nothing:2", "mgo:2:2", "", ":", "mgo:two",
    "x" * 5000 + ":2",
)  # fmt: skip


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its full name."""
    context = click.Context(cli)

    def below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, click.Group):
            for word in command.list_commands(context):
                found = command.get_command(context, word)
                assert found is not None
                yield from below(f"{name} {word}".strip(), found)
        else:
            yield name, command

    yield from below("", cli)


def _without(base: tuple[str, ...], option: click.Option) -> tuple[str, ...]:
    """Leave an option out of a base that has it."""
    for name in option.opts:
        while name in base:
            place = base.index(name)
            base = (*base[:place], *base[place + 1 + option.nargs :])
    return base


def _base(name: str, command: click.Command) -> tuple[str, ...]:
    """Arguments of a command."""
    needed = [p for p in command.params if p.required]
    missing = [("missing",) if isinstance(p, click.Argument) else (p.opts[-1], "missing") for p in needed]
    return BASE.get(name, tuple(word for words in missing for word in words))


def _cases_of(command: str, base: tuple[str, ...], option: click.Option, known: bool) -> Iterator[Case]:
    """Yield all values of an option; of one that another command has, too, at most one."""
    base = (*command.split(), *_without(base, option))
    name = option.opts[-1]
    if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        for value in () if known else (*NEVER, *SOMETIMES):
            sure = value in NEVER and not (name.endswith("normal") and value.isdigit())
            yield Case(
                f"number {command} {name} {value[:12]!r}",
                (*base, name, *[value] * option.nargs),
                expect="refused" if sure else "any",
                outputs=("out.nc", "out.xyz"),
                quick=sure and value in _QUICK_VALUES,
            )
    for value in TEXT.get(name, ())[:1] if known else TEXT.get(name, ()):
        yield Case(
            f"text {command} {name} {value[:24]!r}",
            (*base, name, value),
            outputs=("out.nc", "out.xyz"),
            expect="refused" if name != "--potential-option" else "any",
            quick=name == "--temperature",
        )


def cases() -> Iterator[Case]:
    """Yield the cases."""
    known: set[tuple[str, str]] = set()
    for command, found in commands():
        for option in found.params:
            if isinstance(option, click.Option):
                sign = (option.opts[-1], repr(option.type))
                yield from _cases_of(command, _base(command, found), option, sign in known)
                known.add(sign)
    for command, side in (("amm", "--left-medium"), ("layers", "--right-medium")):
        for text in MEDIA:
            base = _without(BASE[command], click.Option([side]))
            yield Case(f"medium {command} {text[:60]!r}", (command, *base, side, text))
    for text in LAYERS:
        yield Case(f"layers {text[:20]!r}", ("layers", *_MEDIA, "--layer", text))
