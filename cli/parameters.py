"""Parameters of a sweep on the command line and in study files: names, and values of each."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import click

from .numbers import Real
from .options import temperature_list

__all__ = ["MASS_RATIO", "PAIR", "SWEPT", "TEMPERATURE", "as_typed", "parameters_of"]

SWEPT = (
    "in_plane_strain",
    "twist",
    "choose",
    "left_cut",
    "right_cut",
    "normal",
    "left_normal",
    "right_normal",
    "left_mass",
    "right_mass",
    "potential",
    "strain",
    "mixing",
    "roughness",
)
"""Options that can be swept over as they are."""
MASS_RATIO, PAIR, TEMPERATURE = "mass_ratio", "pair", "temperature"
_RATIO = Real(1e-3, 1e3, why="masses of the right crystal over its own")
_MOST = 1000
"""Values of one parameter beyond which its step is a slip of the pen."""


def as_typed(value: Any) -> str:
    """Write a value as it was typed."""
    if isinstance(value, tuple):
        return " ".join(map(as_typed, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def parameters_of(texts: Iterable[str]) -> dict[str, dict[Any, Any]]:
    """Read ``NAME=VALUES``: the values of every parameter by their labels, checked as their options are.

    Raises
    ------
    click.BadParameter
        If a name cannot be swept over, or a value is none of its option.
    """
    found: dict[str, dict[Any, Any]] = {}
    known = (*SWEPT, MASS_RATIO, PAIR, TEMPERATURE)
    for text in texts:
        name, equals, values = text.partition("=")
        key = name.strip().replace("-", "_")
        if not equals or key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0].replace('_', '-')}?" if near else f"choose from {', '.join(known)}"
            raise click.BadParameter(
                f"{text!r} must be NAME=VALUES, and NAME one that can be swept over; {hint}",
                param_hint="--sweep",
            )
        if key in found:
            raise click.BadParameter(f"{name} is given twice", param_hint="--sweep")
        found[key] = _converted(key, _listed(values, key))
    return found


def _listed(text: str, name: str) -> list[tuple[str, ...]]:
    """Split values: a list in JSON, as study files hand it on, or values with commas between them."""
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is no list in JSON", param_hint="--sweep") from None
        return [_words(item) for item in items]
    return [tuple(word.split()) for item in text.split(",") for word in _spread(item, name)]


def _words(item: Any) -> tuple[str, ...]:
    """Words of one value in a list: several of a list, NAME=VALUE of a mapping."""
    if isinstance(item, Mapping):
        return tuple(f"{key}={value}" for key, value in item.items())
    return tuple(map(str, item)) if isinstance(item, list) else tuple(str(item).split())


def _spread(item: str, name: str) -> list[str]:
    """Numbers of START:STOP:STEP (the stop included); anything else is one value."""
    try:
        start, stop, step = (float(part) for part in item.split(":"))
    except ValueError:
        return [item]
    count = (stop - start) / step + 1e-9 + 1.0 if step else 0.0
    if not 1.0 <= count <= _MOST:
        raise click.BadParameter(
            f"the range {item} of {name.replace('_', '-')} must run upwards and hold at most {_MOST} values",
            param_hint="--sweep",
        )
    return [f"{float(f'{start + step * i:.12g}'):g}" for i in range(int(count))]


def _converted(name: str, values: list[tuple[str, ...]]) -> dict[Any, Any]:
    """Convert words as the option of this name does; key them by number, or by their words."""
    context = click.get_current_context()
    option = next((one for one in context.command.params if one.name == name), None)
    found: list[tuple[str, Any]] = []
    for words in values:
        text = " ".join(words)
        if not words:
            raise click.BadParameter(f"{name.replace('_', '-')} has an empty value", param_hint="--sweep")
        try:
            if name == PAIR:
                if len(words) != 2:
                    raise click.BadParameter(f"{text!r} must be two files, LEFT RIGHT")
                value: Any = words
            elif name == MASS_RATIO:
                value = _RATIO.convert(text, None, context)
            elif name == TEMPERATURE:
                (value,) = temperature_list([text])
            elif option is not None and (option.multiple or option.nargs > 1):
                if option.nargs not in (1, len(words)):
                    raise click.BadParameter(f"{text!r} must be {option.nargs} values")
                value = option.type_cast_value(context, words)
            else:
                value = option.type_cast_value(context, text) if option is not None else text
        except click.BadParameter as error:
            raise click.BadParameter(
                f"{name.replace('_', '-')}: {error.message}", param_hint="--sweep"
            ) from None
        found.append((text, value))
    plain = [value[0] if isinstance(value, tuple) and len(value) == 1 else value for _, value in found]
    numbers = all(isinstance(value, int | float) for value in plain)
    labelled = {label if numbers else text: value for label, (text, value) in zip(plain, found, strict=True)}
    if len(labelled) < len(found):
        raise click.BadParameter(f"values of {name.replace('_', '-')} must differ", param_hint="--sweep")
    return labelled
