"""Draw the parts of latmm and who imports whom, from the imports themselves.

    python docs/architecture.py            # rewrites the drawing in docs/architecture.md
    python docs/architecture.py --check    # exit 1 if it is out of date

A part is a folder or a module at the top of `latmm/`, or the command line. Parts are stacked so that each
imports only from below; what every part may use (the leaves) is listed once.
"""

import argparse
import ast
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGE = HERE / "architecture.md"
BEGIN, END = "<!-- drawn by docs/architecture.py -->\n", "<!-- end -->"


def part_of(path: Path) -> str:
    """Name of the part that a file belongs to."""
    relative = path.relative_to(ROOT)
    return "cli" if relative.parts[0] == "cli" else relative.parts[1].removesuffix(".py")


def files() -> list[Path]:
    """All modules of the library and of the command line, without the package's own fronts."""
    found = [*(ROOT / "latmm").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    fronts = [ROOT / "latmm" / name for name in ("__init__.py", "__main__.py")]
    return sorted(path for path in found if path not in fronts)


def parts() -> dict[str, set[str]]:
    """Name each part and the parts that it imports."""
    names = {part_of(path) for path in files()}
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in files():
        own = part_of(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                first, _, rest = module.partition(".")
                target = rest.split(".")[0] if first == "latmm" else ""
                if target in names and target != own:
                    found[own].add(target)
    return found


def purpose(name: str) -> str:
    """First sentence of a part's docstring."""
    folder = ROOT / "cli" if name == "cli" else ROOT / "latmm" / name
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def levels(imports: dict[str, set[str]]) -> list[list[str]]:
    """Stack the parts: those of a level import only from levels before it.

    Raises
    ------
    ValueError
        If parts import each other in a circle.
    """
    left = dict(imports)
    stacked: list[list[str]] = []
    below: set[str] = set()
    while left:
        level = sorted(name for name, needs in left.items() if needs <= below)
        if not level:
            circle = ", ".join(sorted(left))
            raise ValueError(f"parts import each other in a circle: {circle}")
        stacked.append(level)
        below |= set(level)
        left = {name: needs for name, needs in left.items() if name not in below}
    return stacked


def drawing() -> str:
    """Draw the diagram (Mermaid) and the table as they stand in the page."""
    imports = parts()
    stacked = levels(imports)
    leaves = set(stacked[0])
    lines = ["```mermaid", "graph BT"]
    for name in sorted(imports):
        needs = imports[name] - leaves
        # only the links that no longer way replaces
        direct = {a for a in needs if not any(a in reach(imports, b) for b in needs - {a})}
        lines += [f"    {name} --> {below}" for below in sorted(direct)]
        if not needs and name not in leaves:
            lines.append(f"    {name}")
    lines += ["```", "", "| part | what it holds | imports |", "|---|---|---|"]
    for level in reversed(stacked):
        for name in level:
            needs = ", ".join(f"`{x}`" for x in sorted(imports[name] - leaves)) or "leaves only"
            if name in leaves:
                needs = ""
            lines.append(f"| `{name}` | {purpose(name)} | {needs} |")
    return "\n".join(lines) + "\n"


def reach(imports: dict[str, set[str]], name: str) -> set[str]:
    """All parts that a part imports, directly or through others."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        for below in imports[ahead.pop()] - found:
            found.add(below)
            ahead.append(below)
    return found


def page() -> str:
    """Put a new drawing into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + drawing() + END + after


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing, only tell")
    new = page()
    if parser.parse_args().check:
        if new != PAGE.read_text(encoding="utf-8"):
            sys.exit("docs/architecture.md is out of date; run python docs/architecture.py")
    else:
        PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
