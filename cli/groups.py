"""Groups of commands."""

from difflib import get_close_matches
from typing import Any

import click

from latmm.errors import LatmmError

from .messages import begin, message_options
from .wording import in_options

__all__ = ["CommandGroup", "GroupedCommand"]


class CommandGroup(click.Group):
    """A group that shows its help, and says that a command is missing, where there is none.

    To be made with ``no_args_is_help=False``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse to be called without a command."""
        if not args and not ctx.resilient_parsing:  # not when the shell asks what comes next
            click.echo(ctx.get_help(), err=True)
            ctx.fail("no command is given; choose one of these")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one where there is none."""
        name = args[0]
        known = self.get_command(ctx, name) is not None
        if not (known or name.startswith("-") or ctx.resilient_parsing):
            names = self.list_commands(ctx)
            near = get_close_matches(name, names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(names)}"
            ctx.fail(f"no such command {name!r}; {hint}")
        return super().resolve_command(ctx, args)


_GROUPS = {
    "Crystals and potential": "normal potential potential-option left-mass right-mass left-scale right-scale "
    "mass relax strain max-strain in-plane-strain supercell left-medium right-medium list-media",
    "Any two crystals, own region": "left-normal right-normal max-area twist choose left-cut right-cut "
    "region region-masses",
    "Phonopy calculations": "mixing region-phonopy span nac nac-both",
    "Electrons": "electrons metals film electron-conductance list-metals",
    "Phonons that scatter": "rates isotopes length longest above classical elastic damped-layers",
    "Sampling": "kmesh frequencies tol",
    "Output": "output plot units csv data json force restart allow quiet verbose log",
    "Computing": "processes scheduler memory dry-run cache no-cache",
}
"""Options that commands share, by what they are about; the others are a command's own."""


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the options of a help page: the command's own first, then the shared ones in groups."""
    groups: dict[str, list[tuple[str, str]]] = {"Options": [], **{title: [] for title in _GROUPS}}
    home = {name: title for title, names in _GROUPS.items() for name in names.split()}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and isinstance(parameter, click.Option):
            name = max((text.lstrip("-") for text in parameter.opts), key=len)
            groups[home.get(name, "Options")].append(record)
    for title, rows in groups.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


class GroupedCommand(click.Command):
    """A command whose help page has groups, and whose errors name its options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Add to the command's options those on messages."""
        return [*super().get_params(ctx), *message_options()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the library's errors name parameters, those that leave it name options."""
        stored = "result" in ctx.params  # what reads a result is done at once
        begin(" ".join(ctx.command_path.split()[1:]), quiet=stored or ctx.params.get("quiet", True))
        try:
            return super().invoke(ctx)
        except LatmmError as error:
            error.args = (in_options(str(error), self), *error.args[1:])
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in groups."""
        write_options(self, ctx, formatter)
