"""What ``import latmm`` offers, and what the documentation of every public name must say (numpydoc)."""

import ast
import dataclasses
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

import latmm

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "python.md"
MODULES = (
    "accessor",
    "continuum.crystal",
    "stored",
    "plotting.stored",
    "report",
    "checks",
    "landauer",
    "errors",
)
"""Modules that the page of the Python interface documents as a whole, those of constants aside."""
ARRAYS = ("ArrayLike", "Floats", "Complexes", "Integers", "ndarray")
UNIT = re.compile(
    r"THz|rad/ps|\bK\b|\bÅ|\bnm\b|W m|W/m|amu|\beV|\bps\b|degree|GPa|\bJ\b|km s|g cm|nm⁻|\bs\b|\bbytes\b|"
    r"fraction|relative|strain|number|limit|unit|atomic planes",
    re.IGNORECASE,
)
SHAPE = re.compile(r"\([^)]*\) ?(array_like|ndarray|float|int|bool|complex|str)|array_like|\(\.\.\.")


@cache
def public():
    """Every public function and class with its name."""
    found = {f"latmm.{name}": getattr(latmm, name) for name in latmm.__all__}
    for module in MODULES:
        home = importlib.import_module(f"latmm.{module}")
        for name in home.__all__:
            found[f"latmm.{module}.{name}"] = getattr(home, name)
    unique = {id(one): (name, one) for name, one in reversed(found.items())}
    return {name: one for name, one in unique.values() if inspect.isroutine(one) or inspect.isclass(one)}


def sections(text):
    """Sections of a numpydoc text: title → lines; the summary and what follows it under an empty title."""
    found, title = {"": []}, ""
    lines = inspect.cleandoc(text).splitlines()
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1]) and len(lines[i + 1]) == len(line):
            title = line
            found[title] = []
        elif not re.fullmatch(r"-{3,}", line):
            found[title].append(line)
    return found


def entries(lines):
    """Entries of a section: name → (type, description)."""
    found, names = {}, []
    for line in lines:
        if line and not line.startswith(" "):
            left, _, kind = line.partition(" : ")
            names = [name.strip().lstrip("*") for name in left.split(",")]
            for name in names:
                found[name] = [kind, ""]
        else:
            for name in names:
                found[name][1] += " " + line.strip()
    return found


def raises(function):
    """Whether its own body raises an error, functions inside it apart."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    inner = {id(sub) for node in ast.walk(tree) if node is not tree and isinstance(node, ast.FunctionDef)
             for sub in ast.walk(node)}  # fmt: skip
    return any(isinstance(node, ast.Raise) and id(node) not in inner and node.exc for node in ast.walk(tree))


def faults_of_function(function, text):
    parts, signature = sections(text), inspect.signature(function)
    told = entries(parts.get("Parameters", []))
    for name, parameter in signature.parameters.items():
        if name in ("self", "cls"):
            continue
        if name not in told:
            yield f"parameter {name} is not explained"
            continue
        kind, description = told[name]
        annotation = str(parameter.annotation)
        if any(array in annotation for array in ARRAYS) and not SHAPE.search(kind):
            yield f"array {name} has no shape, but {kind!r}"
        if any(array in annotation for array in (*ARRAYS, "float")) and not UNIT.search(kind + description):
            yield f"{name} has no unit: {description.strip()!r}"
    extra = set(told) - set(signature.parameters)
    if extra:
        yield f"explains what it does not take: {sorted(extra)}"
    answers = signature.return_annotation not in (None, "None", inspect.Signature.empty)
    if answers and not {"Returns", "Yields"} & set(parts):
        yield "no section Returns"
    if raises(function) and "Raises" not in parts:
        yield "no section Raises"


def faults_of_class(one, text):
    parts = sections(text)
    told = entries(parts.get("Attributes", []) + parts.get("Parameters", []))
    names = [field.name for field in dataclasses.fields(one)] if dataclasses.is_dataclass(one) else []
    for name in names or ([] if issubclass(one, Exception) else inspect.signature(one).parameters):
        if name not in told and name not in ("args", "kwargs"):
            yield f"attribute {name} is not explained"
            continue
        annotation = str(getattr(one, "__annotations__", {}).get(name))
        if name in told and any(array in annotation for array in ARRAYS) and not SHAPE.search(told[name][0]):
            yield f"array {name} has no shape, but {told[name][0]!r}"


@pytest.mark.parametrize("name", list(public()))
def test_docstring_has_shapes_units_and_errors(name):
    one = public()[name]
    text = inspect.getdoc(one)
    assert text, f"{name} has no docstring"
    found = (faults_of_class if inspect.isclass(one) else faults_of_function)(one, text)
    assert not list(found)


def test_page_lists_every_public_name():
    listed = re.findall(
        r"^   ([A-Za-z_]+)$", PAGE.read_text(encoding="utf-8").partition("## Modules")[0], re.M
    )
    assert listed == latmm.__all__


def test_public_names_are_lazy():
    """``import latmm`` imports nothing heavy, and every name is where it is said to be."""
    code = (
        "import sys, latmm; heavy = {'numpy', 'scipy', 'ase', 'phonopy', 'xarray'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    for name in latmm.__all__:
        assert getattr(latmm, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = latmm.nothing
