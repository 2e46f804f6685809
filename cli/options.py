"""Options that several commands share, and the reading of their values."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import numpy as np

from .messages import tell

if TYPE_CHECKING:
    from latmm.potentials.calculators import Potential

__all__ = [
    "assignments",
    "masses_of",
    "note",
    "potential_of",
    "potential_options",
    "temperature_list",
    "temperature_option",
    "units_option",
    "warn",
]

_F = TypeVar("_F", bound=Callable[..., Any])

temperature_option = click.option(
    "-T",
    "--temperature",
    multiple=True,
    default=["300"],
    show_default=True,
    metavar="K|START:STOP:STEP",
    help="Temperature in K, or START:STOP:STEP; repeatable.",
)
"""The option -T, to be read by :func:`temperature_list`."""

units_option = click.option(
    "--units",
    type=click.Choice(["THz", "meV", "cm-1"]),
    default="THz",
    show_default=True,
    help="Unit of frequencies in tables, JSON and figures; files keep THz.",
)
"""The option --units."""

_HINT = "-T"
_MOST = 10_000
"""Temperatures in one range beyond which the step is a slip of the pen."""


def temperature_list(values: Iterable[str]) -> list[float]:
    """Read temperatures, each a number or START:STOP:STEP (the stop included), in K.

    Returns
    -------
    list of float
        Ascending, without repetition.

    Raises
    ------
    click.BadParameter
        If a value is no number, not positive or out of range, or a range runs backwards or has no end.
    """
    # twelve digits: the multiples of a step are rounded, the smallest temperature is not lost
    return sorted({float(f"{t:.12g}") for value in values for t in _range(value)})


def _range(value: str) -> Iterable[float]:
    try:
        numbers = [float(part) for part in value.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3) or not np.all(np.isfinite(numbers)):
        raise click.BadParameter(
            f"{value!r} is not a temperature; use e.g. 300 or 10:500:10", param_hint=_HINT
        )
    if min(numbers) <= 0:
        raise click.BadParameter(
            f"temperatures and their step must be positive, but are {value} K", param_hint=_HINT
        )
    if len(numbers) == 1:
        return _possible(numbers, value)
    start, stop, step = numbers
    if stop < start:
        raise click.BadParameter(
            f"the range {value} runs backwards; write START:STOP:STEP, e.g. {stop:g}:{start:g}:{step:g}",
            param_hint=_HINT,
        )
    # the stop is included although its multiple of the step may be off by rounding
    count = (stop - start) / step + 1e-9 + 1.0
    if count > _MOST:
        raise click.BadParameter(
            f"the range {value} holds {count:.3g} temperatures, above {_MOST}; take a larger step",
            param_hint=_HINT,
        )
    return _possible([start + step * i for i in range(int(count))], value)


def _possible(numbers: list[float], value: str) -> list[float]:
    from latmm.landauer import MAXIMUM_TEMPERATURE, MINIMUM_TEMPERATURE

    if min(numbers) < MINIMUM_TEMPERATURE or max(numbers) > MAXIMUM_TEMPERATURE:
        raise click.BadParameter(
            f"temperatures must lie between {MINIMUM_TEMPERATURE:g} and {MAXIMUM_TEMPERATURE:g} K, but are "
            f"{value} K",
            param_hint=_HINT,
        )
    return numbers


class _Named(click.types.StringParamType):
    """A name: text that is not empty, also where no crystal needs it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what names nothing."""
        if not str(value).strip():
            self.fail("a name is needed, but the text is empty", param, ctx)
        return value


def potential_options(function: _F, *, several: bool = False) -> _F:
    """Add the options --potential and --potential-option, to be read by :func:`potential_of`.

    With ``several``, ``--potential`` may be repeated, and its value is a tuple.
    """
    for decorate in (
        click.option(
            "--potential-option",
            multiple=True,
            metavar="NAME=VALUE",
            help="Parameter of the potential: file of tersoff and eam; epsilon (eV), sigma, cutoff (Å), end "
            "of lj; commands of lammps; keyword of a callable. Repeatable.",
        ),
        click.option(
            "--potential",
            type=_Named(),
            default=["auto"] if several else "auto",
            multiple=several,
            show_default=True,
            metavar="SPEC",
            help="Interatomic potential: auto, tersoff, sw, eam, emt, lj, bnc, lammps, or "
            "package.module:callable (anything that returns an ASE calculator)."
            + " Repeatable: the same interface by each, and half their range as an uncertainty."
            * several,
        ),
    ):
        function = decorate(function)
    return function


def potential_of(options: dict[str, Any], elements: Iterable[str]) -> "Potential":
    """Find the potential that the options ask for, and say which it is."""
    from latmm.potentials.calculators import resolve_potential

    parameters = assignments(options["potential_option"], "--potential-option")
    potential = resolve_potential(options["potential"], elements, parameters)
    note(options, f"potential: {potential.name} ({potential.description})")
    return potential


def note(options: dict[str, Any], text: str) -> None:
    """Write a line on stderr unless all is to be quiet, and in the log."""
    tell(text, quiet=options["quiet"])


def warn(text: str) -> None:
    """Write a warning on stderr."""
    tell(f"latmm: warning: {text}")


def assignments(values: Iterable[str], option: str) -> dict[str, str]:
    """Read repeated NAME=VALUE options.

    Raises
    ------
    click.BadParameter
        If one is not of this form or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise click.BadParameter(f"{text!r} must be NAME=VALUE", param_hint=option)
        if name.strip() in found:
            raise click.BadParameter(f"{name.strip()} is given twice", param_hint=option)
        found[name.strip()] = value.strip()
    return found


def masses_of(values: tuple[str, ...], option: str) -> dict[str, float]:
    """Read repeated EL=AMU options.

    Raises
    ------
    click.BadParameter
        If one is not of this form.
    """
    masses = {}
    for element, value in assignments(values, option).items():
        try:
            masses[element] = float(value)
        except ValueError:
            raise click.BadParameter(
                f"the mass of {element} must be a number in amu, but is {value!r}", param_hint=option
            ) from None
    return masses
