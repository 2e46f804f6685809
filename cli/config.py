"""``latmm config``: study files written, described and checked."""

import json

import click

from .configuration import command_named, effective, from_file, schema, template, words_of
from .groups import CommandGroup
from .outputs import replace_option

__all__ = ["command"]


@click.group(
    cls=CommandGroup, no_args_is_help=False, name="config", short_help="Write, describe, check study files."
)
def command() -> None:
    """Study files for latmm run: write one, describe what may stand in it, check it."""


@command.command(name="init", short_help="Write a study file with every option of a command.")
@click.argument("name", metavar="[COMMAND]...", nargs=-1)
@click.option("-o", "--output", type=click.Path(), help="Write a file instead of printing it.")
@replace_option
def init(name: tuple[str, ...], output: str | None, force: bool) -> None:
    """Write a study file with every option of COMMAND (compare by default), its meaning and its default.

    \b
    Example:
      latmm config init study layers
    """
    words, found = command_named(" ".join(name) or "compare")
    text = "\n".join(template(found, words)) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    from latmm.errors import InputError
    from latmm.files import check_destination, replacing

    target = check_destination(output)
    if target.exists() and not force:
        raise InputError(f"{target} exists; name another file with -o, or replace it with --force")
    with replacing(target) as part:
        part.write_text(text, encoding="utf-8")


@command.command(name="schema", short_help="JSON Schema of the study files of a command.")
@click.argument("name", metavar="[COMMAND]...", nargs=-1)
def describe(name: tuple[str, ...]) -> None:
    """Print the JSON Schema of the study files of COMMAND (compare by default), for editors.

    \b
    Example:
      latmm config schema compare
    """
    words, found = command_named(" ".join(name) or "compare")
    click.echo(json.dumps(schema(found, words), indent=1, ensure_ascii=False))


@command.command(name="check", short_help="Check a study file and show the effective settings.")
@click.argument("study", metavar="FILE", type=click.Path())
def check(study: str) -> None:
    """Check a study file without running it, and print all settings, defaults included, as JSON.

    \b
    Example:
      latmm config init -o study.yaml
      latmm config check study.yaml
    """
    settings = from_file(study)
    words, found = command_named(settings.pop("command"))
    values = effective(found, words_of(found, settings, study), " ".join(["latmm", *words]))
    click.echo(json.dumps({"command": " ".join(words), **values}, indent=1, default=str, ensure_ascii=False))
