"""The library names parameters, the command line its options; the modules of both import one way."""

import ast
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import latmm
import latmm_cli
from latmm.errors import InputError
from latmm_cli.groups import GroupedCommand
from latmm_cli.wording import in_options

LIBRARY, COMMANDS = Path(latmm.__file__).parent, Path(latmm_cli.__file__).parent
OPTION = re.compile(r"(^|[ (])--[a-z]|latmm (match|measured|build|modes|transmissivity)\b")
OF_OTHERS = re.compile(r"phonopy --[a-z-]+|phono3py with --br|\(--(potential lammps|scheduler)\)")
"""Options of other programs, and those that ``latmm doctor`` explains."""


def texts(tree):
    """Strings of a module that are no docstrings, with their lines."""
    documents = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings, also those of variables
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.lineno, node.value


def test_messages_of_the_library_name_no_option_of_the_command_line():
    found = [
        f"{path.relative_to(LIBRARY)}:{line}: {text}"
        for path in LIBRARY.rglob("*.py")
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if OPTION.search(OF_OTHERS.sub("", text))
    ]
    assert not found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise `max_area`", "raise --max-area"),
        ("`tolerance` is small", "--tol is small"),
        ("leave `relax=False` out", "leave --no-relax out"),
        ("relax it (`relax=True`)", "relax it (--relax)"),
        ("see `coincidences`", "see latmm match"),
        ("`omega` must be positive", "`omega` must be positive"),  # no option of this command
    ],
)
def test_errors_reach_the_user_in_the_words_of_the_command(text, told):
    @click.command(cls=GroupedCommand)
    @click.option("--max-area")
    @click.option("--tol")
    @click.option("--relax/--no-relax")
    def command(**options):
        raise InputError(text)

    error = CliRunner().invoke(command).exception
    assert isinstance(error, InputError)
    assert str(error) == told


def test_without_a_command_every_name_is_an_option():
    assert in_options("`kmesh` and `nac=False`") == "--kmesh and --no-nac"


def test_modules_of_the_command_line_import_one_way():
    imports = {}
    for path in COMMANDS.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports[path.stem] = {
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level == 1
            for name in ([node.module] if node.module else [alias.name for alias in node.names])
        }
    while imports:  # take away what imports nothing that is left
        free = [name for name, others in imports.items() if not others & imports.keys()]
        assert free, f"these import each other: {sorted(imports)}"
        for name in free:
            del imports[name]
