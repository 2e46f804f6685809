"""Checks of a result on the command line: what failed is said, marked, and ends with exit code 3."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .messages import tell
from .wording import in_options

if TYPE_CHECKING:
    from latmm.checks import Check, Checks

__all__ = ["ChecksFailed", "allow_option", "check_lines", "conclude", "marked", "all_lines"]

_F = TypeVar("_F", bound=Callable[..., Any])


class ChecksFailed(click.ClickException):
    """A check failed that nobody allowed; the result is written and marked."""

    exit_code = 3

    def show(self, file: Any = None) -> None:
        """Say so in one line on stderr."""
        tell(f"latmm: {self.message}")


def _names(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from latmm.checks import allow
    from latmm.errors import InputError

    try:
        allow({}, values)
    except InputError as error:
        raise click.BadParameter(str(error)) from None
    return values


def allow_option(function: _F) -> _F:
    """Add ``--allow``, to be read by :func:`marked`."""
    return click.option(
        "--allow",
        multiple=True,
        metavar="NAME",
        callback=_names,
        help="Accept a check that fails, e.g. stress_left, or stress for both sides: it stays marked in the "
        "result, but the exit code is 0 instead of 3. Repeatable.",
    )(function)


def marked(options: dict[str, Any], checks: "Checks") -> "Checks":
    """Mark the checks that the options accept."""
    from latmm.checks import allow

    return allow(checks, options.get("allow", ()))


def _line(one: "Check") -> str:
    accepted = " [allowed]" if one.allowed else ""
    return f"{one.name}: {in_options(f'{one.text}; {one.remedy}')}{accepted}"


def check_lines(checks: "Checks") -> list[str]:
    """One line for each check that failed, for the end of a table."""
    from latmm.checks import failed

    return [f"CHECK FAILED  {_line(one)}" for one in failed(checks)]


def all_lines(checks: "Iterable[Check]") -> list[str]:
    """One line for each, with value, limit and verdict, for people who want them all."""
    return [
        f"{one.name.replace('_', ' '):<21}"
        + (f"{one.value:.1e} (limit {one.limit:.2g})" if one.known else f"not known ({one.where})")
        + ("" if one.passed else "  FAILED" + (" (allowed)" if one.allowed else ""))
        for one in checks
    ]


def conclude(checks: "Checks") -> None:
    """End a command: exit code 3 where a check failed that nobody allowed.

    Raises
    ------
    ChecksFailed
        After the result is written.
    """
    from latmm.checks import failed

    names = [one.name for one in failed(checks) if not one.allowed]
    if names:
        raise ChecksFailed(
            f"{'a check' if len(names) == 1 else 'checks'} failed: {', '.join(names)}; the result is marked "
            "(--allow NAME accepts one)"
        )
