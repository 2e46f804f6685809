"""Study files: the options of a command as YAML, and back; what may stand in one is what the command takes.

A key is the long name of an option, or the name of an argument, with underscores or hyphens. The options
themselves validate the values, so that file and command line agree on every meaning, range and default.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from .program import cli

__all__ = [
    "command_named",
    "effective",
    "from_file",
    "from_result",
    "given_again",
    "kind_of",
    "schema",
    "template",
    "words_of",
]

_LEFT_OUT = ("help", "version", "json", "quiet")
"""Options that say nothing of a study."""
_COMMAND = "command"


def command_named(text: str) -> tuple[list[str], click.Command]:
    """Find a command by its words, e.g. ``study layers``.

    Raises
    ------
    click.UsageError
        If there is none.
    """
    words = text.split()
    found: click.Command = cli
    context = click.Context(cli, info_name="latmm")
    for number, word in enumerate(words):
        below = found.get_command(context, word) if isinstance(found, click.Group) else None
        if below is None:
            names = found.list_commands(context) if isinstance(found, click.Group) else []
            raise click.UsageError(
                f"there is no command {' '.join(words[: number + 1])!r}{_hint(word, names)}"
            )
        found = below
    if isinstance(found, click.Group) or not words:
        names = found.list_commands(context) if isinstance(found, click.Group) else []
        raise click.UsageError(f"{_COMMAND}: {text!r} is a group; choose one of {', '.join(names)}")
    return words, found


def _hint(word: str, names: Sequence[str]) -> str:
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(names)}" if names else ""


def _key(parameter: click.Parameter) -> str:
    """Name of a parameter in a file: an option's longest name, an argument's own."""
    names = parameter.opts if isinstance(parameter, click.Option) else [parameter.name or ""]
    return max((name.lstrip("-") for name in names), key=len).replace("-", "_")


def _parameters(command: click.Command) -> dict[str, click.Parameter]:
    return {_key(one): one for one in command.params if one.expose_value and _key(one) not in _LEFT_OUT}


def words_of(command: click.Command, settings: Mapping[str, Any], source: str) -> list[str]:
    """Words of a command line for the settings of a file.

    Raises
    ------
    click.UsageError
        If a key is no option of the command; the nearest one is named.
    """
    known = _parameters(command)
    options: list[str] = []
    arguments: dict[str, list[str]] = {}
    for key, value in settings.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise click.UsageError(f"{source}: unknown key {key!r}{_hint(name, list(known))}")
        one = known[name]
        if isinstance(one, click.Option):
            options += _option_words(one, value, f"{source}: {key}")
        else:
            arguments[name] = [str(item) for item in (value if isinstance(value, list) else [value])]
    ordered = [word for name in known if name in arguments for word in arguments[name]]
    return [*options, "--", *ordered] if any(word.startswith("-") for word in ordered) else ordered + options


def _option_words(option: click.Option, value: Any, where: str) -> list[str]:
    name = max(option.opts, key=len)
    if value is None:
        return []
    if option.is_flag:
        wanted = str(value).lower()
        if wanted not in ("true", "false"):
            raise click.UsageError(f"{where} must be true or false, but is {value!r}")
        if wanted == "true":
            return [name]
        return [max(option.secondary_opts, key=len)] if option.secondary_opts else []
    if isinstance(value, Mapping):  # {Si: 72.63} for NAME=VALUE
        value = [
            f"{left}={json.dumps(right) if isinstance(right, list) else right}"
            for left, right in value.items()
        ]
    items = value if isinstance(value, list) else [value]
    if option.nargs > 1 and not (items and isinstance(items[0], list)):
        items = [items]
    if not option.multiple and option.nargs == 1 and len(items) != 1:
        raise click.UsageError(f"{where} must be one value, but is {value!r}")
    words: list[str] = []
    for item in items:
        parts = item if isinstance(item, list) else [item]
        if len(parts) != option.nargs or any(isinstance(part, list | dict) for part in parts):
            needed = "one value" if option.nargs == 1 else f"a list of {option.nargs} values"
            raise click.UsageError(f"{where} must be {needed}, but is {item!r}")
        # joined, so that a value that begins with a hyphen is none of the options
        words += [f"{name}={parts[0]}"] if option.nargs == 1 else [name, *map(str, parts)]
    return words


def from_file(path: str) -> dict[str, Any]:
    """Read a study file.

    Raises
    ------
    InputError, click.UsageError
        If it cannot be read, or does not name its command.
    """
    from latmm.reading import file_bytes
    from latmm.yaml_data import plain_yaml

    settings = plain_yaml(file_bytes(path, "study file"), path)
    if not isinstance(settings, dict) or not isinstance(settings.get(_COMMAND), str):
        raise click.UsageError(
            f"{path} must name its command, e.g. `command: compare`; latmm config init writes such a file"
        )
    if settings[_COMMAND] == "compare" and "sweep" in settings:
        settings[_COMMAND] = "study sweep"
    return settings


def from_result(path: str) -> dict[str, Any]:
    """Read the settings of the run that wrote a result, without those of their defaults.

    Raises
    ------
    click.UsageError
        If the file does not say.
    """
    from latmm.results import read

    attributes = read(path).attrs
    if "command" not in attributes or "configuration" not in attributes:
        raise click.UsageError(f"{path} does not say which command wrote it; give a study file")
    words = str(attributes["command"])
    _, command = command_named(words)
    stored = json.loads(attributes["configuration"])
    settings: dict[str, Any] = {_COMMAND: words}
    for key, one in _parameters(command).items():
        value = stored.get(one.name)
        if value in (None, [], "") or value == json.loads(json.dumps(_default(one), default=str)):
            continue
        settings[key] = str(value).lower() if isinstance(value, bool) else value
    return settings


def _default(parameter: click.Parameter) -> Any:
    """Return the default that help pages show; None where there is none."""
    found = parameter.default
    if callable(found) or type(found).__name__ == "Sentinel" or repr(found).startswith("Sentinel"):
        return None
    return found


def given_again(command: click.Command, settings: dict[str, Any], extra: Sequence[str]) -> dict[str, Any]:
    """Leave out the settings that the command line gives anew."""
    left = dict(settings)
    for key, one in _parameters(command).items():
        names = [*one.opts, *one.secondary_opts] if isinstance(one, click.Option) else []
        if any(word == name or word.startswith(f"{name}=") for word in extra for name in names):
            for spelling in (key, key.replace("_", "-")):
                left.pop(spelling, None)
    return left


def effective(command: click.Command, words: Sequence[str], name: str) -> dict[str, Any]:
    """Values that the options take for these words, defaults included, by key.

    Raises
    ------
    click.UsageError
        If a value is none that the command takes.
    """
    # below the program itself, whose settings (-h) a command takes over for good when it is first asked
    above = click.Context(cli, info_name="latmm", **cli.context_settings)
    context = command.make_context(name, list(words), parent=above)
    return {key: context.params[one.name or ""] for key, one in _parameters(command).items()}


def schema(command: click.Command, words: Sequence[str]) -> dict[str, Any]:
    """JSON Schema of the study files of a command, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"study file of latmm {' '.join(words)}",
        "type": "object",
        "required": [_COMMAND, *(key for key, one in _parameters(command).items() if one.required)],
        "additionalProperties": False,
        "properties": {
            _COMMAND: {"const": " ".join(words)},
            **{key: _described(one) for key, one in _parameters(command).items()},
        },
    }


def _described(one: click.Parameter) -> dict[str, Any]:
    item: dict[str, Any]
    if isinstance(one, click.Option) and one.is_flag:
        item = {"type": "boolean"}
    elif isinstance(one.type, click.Choice):
        item = {"enum": list(one.type.choices)}
    elif isinstance(one.type, click.types.IntParamType):
        item = {"type": "integer"}
    elif isinstance(one.type, click.types.FloatParamType):
        item = {"type": "number"}
    else:
        item = {"type": ["string", "number"]}
    for bound, word in (("min", "minimum"), ("max", "maximum")):
        value = getattr(one.type, bound, None)
        if value is not None:
            item[word] = value
    if one.nargs > 1:
        item = {"type": "array", "items": item, "minItems": one.nargs, "maxItems": one.nargs}
    if one.multiple or one.nargs == -1:
        item = {"oneOf": [item, {"type": "array", "items": item}, {"type": "object"}]}
    if isinstance(one, click.Option) and one.help:
        item["description"] = one.help
    default = _default(one)
    if default not in (None, ()):
        item["default"] = default
    return item


def template(command: click.Command, words: Sequence[str]) -> Iterator[str]:
    """Lines of a study file with every option of a command, in comments where it has a default."""
    yield f"# latmm run FILE: a study by latmm {' '.join(words)}"
    yield f"{_COMMAND}: {' '.join(words)}"
    for key, one in _parameters(command).items():
        if not isinstance(one, click.Option):
            example = {"left": "structures/si.cif", "right": "structures/ge.cif"}.get(key, "FILE")
            yield f"{key}: {example}" if one.required else f"# {key}: [LEFT, RIGHT]"
    for key, one in _parameters(command).items():
        if isinstance(one, click.Option):
            yield ""
            for line in _wrapped(one.help or ""):
                yield f"# {line}"
            default = _default(one)
            value = "" if default in (None, ()) else json.dumps(default, ensure_ascii=False)
            yield f"{'' if one.required else '# '}{key}: {value}".rstrip()


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, 100)


def kind_of(path: str) -> str:
    """Tell a result from a study file by its suffix."""
    return "result" if Path(path).suffix.lower() in (".nc", ".nc4", ".h5", ".hdf5") else "file"
