"""Groups of commands."""

import click

__all__ = ["CommandGroup"]


class CommandGroup(click.Group):
    """A group that shows its help, and says that a command is missing, where there is none.

    To be made with ``no_args_is_help=False``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse to be called without a command."""
        if not args:
            click.echo(ctx.get_help(), err=True)
            ctx.fail("no command is given; choose one of these")
        return super().parse_args(ctx, args)
