"""YAML as plain data: mappings, sequences, numbers and text, and nothing that runs.

YAML has tags, which make loaders build objects and call functions, and anchors, by which a small file becomes
a large one. Neither is needed for data and both are refused. The value is built from the parser's events in
one pass, ten times faster than by PyYAML's loaders.

A number is what has digits: text like ``nan``, ``yes``, ``1_000`` or ``1:30`` stays text.
"""

import re
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from latmm.errors import InputError

__all__ = ["plain_yaml"]

_Parser: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_NOTHING: Final = ("", "~", "null", "Null", "NULL")
_DEEPEST: Final = 32


def plain_yaml(content: bytes, name: str) -> Any:
    """Read one YAML document.

    Parameters
    ----------
    content : bytes
        The document.
    name : str
        Of the file, for messages.

    Returns
    -------
    dict, list, str, int, float or None

    Raises
    ------
    InputError
        If it is no YAML, holds a tag, an anchor or a key twice, or is nested deeper than any data.
    """
    try:
        parser = _Parser(content)
        try:
            return _document(parser, name)
        finally:
            parser.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" in line {mark.line + 1}"
        reason = getattr(error, "problem", None) or "unreadable characters"
        raise InputError(f"{name} is no YAML file ({reason}{where}); write it anew") from None


def _document(parser: Any, name: str) -> Any:
    """Build the value of the only document from events."""
    # each open collection: what it holds so far (keys and values in turn for a mapping), and its line
    whole: list[Any] = []
    current, outer = whole, list[list[Any]]()
    while True:
        event = parser.get_event()
        kind = type(event)
        if kind is yaml.ScalarEvent:
            if event.tag is not None or event.anchor is not None:
                raise _not_plain(event, name)
            current.append(_scalar(event.value) if event.implicit[0] else event.value)
        elif kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
            if event.tag is not None or event.anchor is not None:
                raise _not_plain(event, name)
            if len(outer) > _DEEPEST:
                raise InputError(f"{name} is nested more than {_DEEPEST} deep; write it anew")
            outer.append(current)
            current = []
        elif kind is yaml.SequenceEndEvent:
            outer[-1].append(current)
            current = outer.pop()
        elif kind is yaml.MappingEndEvent:
            outer[-1].append(_mapping(current, name))
            current = outer.pop()
        elif kind is yaml.AliasEvent:
            raise _not_plain(event, name)
        elif kind is yaml.DocumentStartEvent and whole:
            raise InputError(f"{name} holds more than one YAML document; keep one")
        elif kind is yaml.StreamEndEvent:
            return whole[0] if whole else None


def _scalar(text: str) -> str | int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return None if text in _NOTHING else text


def _mapping(entries: list[Any], name: str) -> dict[Any, Any]:
    keys = entries[::2]
    if any(isinstance(key, list | dict) for key in keys):
        raise InputError(f"{name} has a collection as a key; write it anew")
    found = dict(zip(keys, entries[1::2], strict=True))
    if len(found) < len(keys):
        twice = next(key for number, key in enumerate(keys) if key in keys[:number])
        raise InputError(f"{name} has the key {str(twice)[:80]!r} twice in one place; keep one")
    return found


def _not_plain(event: Any, name: str) -> InputError:
    line = event.start_mark.line + 1
    tag = getattr(event, "tag", None)
    if tag is not None:
        return InputError(
            f"{name} has the tag {tag[:80]!r} in line {line}, by which a file runs code; only plain data are "
            "read: remove the tag if you trust the file's origin"
        )
    return InputError(
        f"{name} has the anchor {str(event.anchor)[:80]!r} in line {line}; only plain data are read: write "
        "out what it stands for"
    )
