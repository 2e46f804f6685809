"""The gate for files that a user names, and YAML that is data only."""

import bz2
import gzip
import lzma
import os
import socket

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from latmm.errors import InputError, PotentialError
from latmm.reading import check_regular, file_bytes, file_text, plain_name
from latmm.yaml_data import plain_yaml

PACKERS = {".bz2": bz2.compress, ".gz": gzip.compress, ".xz": lzma.compress, ".lzma": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_file_is_unpacked(suffix, tmp_path):
    path = tmp_path / f"text{suffix}"
    path.write_bytes(PACKERS[suffix](b"heat flows") + PACKERS[suffix](b" on"))
    assert file_bytes(path) == b"heat flows on"
    assert plain_name(path) == "text"


@pytest.mark.parametrize("suffix", PACKERS)
def test_bomb_is_refused_before_it_fills_the_memory(suffix, tmp_path):
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(PACKERS[suffix](bytes(17 * 2**20)))
    with pytest.raises(InputError, match="unpacks to more than 16 MiB"):
        file_bytes(path)


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "flipped", "garbage", "empty"])
def test_damaged_packing_is_refused(suffix, damage, tmp_path):
    whole = bytearray(PACKERS[suffix](np.random.default_rng(0).bytes(2000)))
    if damage == "flipped":
        whole[len(whole) // 2] ^= 255
    found = {"cut": whole[:-40], "flipped": whole, "garbage": b"no such thing", "empty": b""}[damage]
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(bytes(found))
    if (suffix, damage) == (".gz", "empty"):
        assert file_bytes(path) == b""
    elif (suffix, damage) != (".lzma", "flipped"):  # the old format has no checksum
        with pytest.raises(InputError, match="damaged where it is compressed"):
            file_bytes(path)


def test_only_regular_files_are_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        cases = {
            "pipe": "is a device, a pipe or a socket",
            "/dev/zero": "is a device, a pipe or a socket",
            "socket": "not a regular file",
            "loop": "symbolic link that leads back to itself",
            ".": "is a folder",
            "absent": "does not exist",
            "x" * 300: "does not exist: its name is too long",
            "a\0b": "has a name that no file can have",
        }
        for path, reason in cases.items():
            for read in (file_bytes, check_regular):
                with pytest.raises(InputError, match=f"kind of file .*{reason}.*; take another"):
                    read(path, "kind of file", hint="take another")


def test_size_and_kind_of_error_are_the_callers(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(2**20 + 1))
    with pytest.raises(PotentialError, match="larger than 1 MiB"):
        file_text(path, most=2**20, error=PotentialError)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        check_regular(path, most=2**20)


# a value, as PyYAML's safe loader reads it, that YAML 1.1 and latmm understand alike
_PLAIN = st.recursive(
    st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | st.none()
    | st.text(st.characters(categories=["L"]), min_size=6, max_size=12),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text("abcdefgh", min_size=6, max_size=9), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_PLAIN)
def test_data_are_read_as_by_the_safe_loader(value):
    text = yaml.safe_dump(value, allow_unicode=True)
    assert plain_yaml(text.encode(), "file") == yaml.safe_load(text)


def test_number_is_what_has_digits():
    text = b"[1, -2.5, 1e-5, .5, +3., nan, .inf, yes, 1_000, 1:30, 0x10, '7', ~, 1e400]"
    numbers = [1, -2.5, 1e-5, 0.5, 3.0]
    words = ["nan", ".inf", "yes", "1_000", "1:30", "0x10", "7", None]
    assert plain_yaml(text, "file") == [*numbers, *words, float("inf")]


_CALL = "!!python/object/apply:os.system ['touch pwned']"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_CALL, "tag 'tag:yaml.org,2002:python/object/apply:os.system' in line 1"),
        (f"a: 1\nb: [0, {_CALL}]", "in line 2, by which a file runs code"),
        (f"? {_CALL}\n: 1", "runs code"),
        ("a: !!python/name:os.system", "runs code"),
        ("a: !!python/module:os", "runs code"),
        ("a: !!python/object/new:subprocess.Popen [['touch', 'pwned']]", "runs code"),
        (f"%TAG ! tag:yaml.org,2002:python/\n---\na: {_CALL.replace('!!python/', '!')}", "runs code"),
        ("a: !<tag:yaml.org,2002:python/object/apply:os.system> [touch pwned]", "runs code"),
        ("a: !!binary cHduZWQ=", "runs code"),
        ("a: !!float 1", "runs code"),
        ("a: ! 1", "runs code"),
        ("a: &x 1", "anchor 'x' in line 1"),
        ("a: &x [1]\nb: *x", "anchor 'x'"),
        ("a: *x", "anchor 'x'"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "anchor 'x'"),
        ("[" * 100, "nested more than 32 deep"),
        ("[" * 10**5, "(nested more than|maximum nesting)"),
        ("{a: " * 100, "nested more than 32 deep"),
        ("a: 1\na: 2", "key 'a' twice"),
        ("[1]: 2", "collection as a key"),
        ("a: [1, 2", "is no YAML file"),
        ("\x00\x01", "is no YAML file"),
        ("a: 1\n---\nb: 2", "more than one YAML document"),
        ("a: 1\n...\n---\nb: 2", "more than one YAML document"),
    ],
)
def test_what_is_no_plain_data_is_refused(text, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        plain_yaml(text.encode(), "file")
    assert len(str(caught.value)) < 300
    assert not list(tmp_path.iterdir())
