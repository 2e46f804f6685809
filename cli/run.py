"""``latmm run``: a study from a file, or a result once more."""

import click

from .configuration import command_named, from_file, from_result, given_again, kind_of, words_of
from .groups import GroupedCommand
from .messages import words as messages
from .program import cli
from .watching import watch

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="run",
    short_help="A study from a file, or a result once more.",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("study", metavar="FILE", type=click.Path())
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(study: str, options: tuple[str, ...]) -> None:
    """Run the study that a file describes: a command and its options, as YAML.

    FILE is such a file (latmm config init writes one), or a result of latmm: it is then computed once more
    with the same settings. OPTIONS of the command that follow take the place of those in the file.

    \b
    Example:
      latmm config init compare -o study.yaml
      latmm run study.yaml --kmesh 6 6 --frequencies 24 --allow channels -o again.nc
    """
    settings = from_result(study) if kind_of(study) == "result" else from_file(study)
    words, found = command_named(settings.pop("command"))
    words += words_of(found, given_again(found, settings, options), study)
    watch([*words, *options])
    cli.main(args=[*words, *options, *messages()], prog_name="latmm", standalone_mode=False)
