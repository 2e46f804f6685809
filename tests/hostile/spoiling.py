"""Ways to spoil a valid file, by a seeded generator."""

import random
import re

__all__ = ["SPOILED", "spoiled"]

SPOILED = (
    b"nan", b"-nan", b"inf", b"-inf", b"1e300", b"-1e300", b"1e-300", b"1e400", b"0", b"-1", b"-5.27", b"1e12",
    b"999999999999", b"-999999999999", b"99999999999999999999999", b"1e8", b"1e-6", b"text", b"", b"1_0", b"0x10",
    b"1:30", b"True", b"null", b"None", b"[]", b"{}", b"\"", b"'", b"!!python/name:os.system", b"*x", b"&x 1",
    b"\x00", b"\xff\xfe", b"\xd9\xa3", b"%s%n", b"$(touch pwned)", b"__import__('os').system('touch pwned')",
)  # fmt: skip
"""What is put in the place of a number or a word."""
_NUMBER = re.compile(rb"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_]+")


def spoiled(content: bytes, seed: str) -> bytes:
    """Spoil a file in one or two ways; the same seed gives the same file."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 2))):
        content = chance.choice(_WAYS)(content, chance)
    return content


def _other_number(content: bytes, chance: random.Random) -> bytes:
    return _other(content, chance, _NUMBER)


def _other_word(content: bytes, chance: random.Random) -> bytes:
    return _other(content, chance, _WORD)


def _other(content: bytes, chance: random.Random, pattern: re.Pattern[bytes]) -> bytes:
    found = list(pattern.finditer(content))
    if not found:
        return content
    match = chance.choice(found)
    return content[: match.start()] + chance.choice(SPOILED) + content[match.end() :]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _lines(content: bytes, chance: random.Random) -> bytes:
    """Drop, double or exchange lines."""
    lines = content.split(b"\n")
    i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.randrange(3)
    if way == 0:
        del lines[i]
    elif way == 1:
        lines.insert(j, lines[i])
    else:
        lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def _bytes(content: bytes, chance: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(chance.choice((1, 3, 30))):
        if found:
            found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def _negative(content: bytes, chance: random.Random) -> bytes:
    """Turn the sign of a number."""
    found = list(_NUMBER.finditer(content))
    if not found:
        return content
    match = chance.choice(found)
    number = match.group()
    turned = number[1:] if number.startswith(b"-") else b"-" + number.lstrip(b"+")
    return content[: match.start()] + turned + content[match.end() :]


_WAYS = (_other_number, _other_number, _other_number, _other_word, _cut, _lines, _bytes, _negative)
