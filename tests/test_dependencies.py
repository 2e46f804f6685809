"""What is declared is what is imported, and its oldest versions are those that are tested."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import latmm

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements() -> dict[str, str]:
    """Lower bound of everything that pyproject.toml names."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    lists = [project["dependencies"], *(extras[name] for name in extras if name not in ("mutants", "docs"))]
    lists.append(PROJECT["build-system"]["requires"])
    found: dict[str, str] = {}
    for text in [text for chosen in lists for text in chosen]:
        name, bound = re.match(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", text).groups()
        assert found.setdefault(name, bound) == bound, f"two lower bounds of {name}"
    return found


def version(text: str) -> tuple[int, ...]:
    numbers = [int(number) for number in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def test_the_oldest_versions_are_tested():
    lines = (ROOT / ".ci" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    for name, bound in requirements().items():
        assert version(pinned[name]) == version(bound), name


@pytest.mark.slow
def test_every_package_that_is_imported_is_declared():
    known = packages_distributions()
    for folder in ("latmm", "cli"):
        for path in (ROOT / folder).rglob("*.py"):
            names = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names.add(node.module.partition(".")[0])
            for name in names - set(sys.stdlib_module_names) - {"latmm", "latmm_cli", "latmm_structures"}:
                distributions = {found.lower() for found in known.get(name, [name])}
                assert distributions & set(requirements()), f"{path} imports {name}"


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    wanted = PROJECT["project"]
    run = [line.replace("matplotlib-base", "matplotlib") for line in recipe["requirements"]["run"]]
    listed = {line.replace(" ", "") for line in run}
    assert listed == {*wanted["dependencies"], f"python{wanted['requires-python']}"}
    assert recipe["context"]["version"] == latmm.__version__.partition(".dev")[0]
    entry = recipe["build"]["python"]["entry_points"]
    assert entry == [f"{name} = {target}" for name, target in wanted["scripts"].items()]
