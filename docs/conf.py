"""Sphinx: ``make docs`` builds the documents and the reference into docs/_build."""

import shlex
import subprocess
import sys
from pathlib import Path

from latmm import __version__

project = "latmm"
author = "The latmm developers"
project_copyright = "The latmm developers"
release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
exclude_patterns = ["_build", "_gallery"]
html_theme = "furo"
html_title = f"latmm {release}"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False
# links to files of the repository that are no pages, and languages without a highlighter
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]


def draw_gallery(app: object) -> None:
    """Run the commands of gallery.md in docs/_gallery; what is there already is left."""
    here = Path(__file__).parent
    folder = here / "_gallery"
    folder.mkdir(exist_ok=True)
    link = folder / "structures"
    if not link.exists():
        link.symlink_to(here.parent / "structures")
    for line in (here / "gallery.md").read_text(encoding="utf-8").splitlines():
        words = shlex.split(line) if line.startswith("    latmm ") else []
        files = [words[i + 1] for i, word in enumerate(words) if word in ("-o", "--plot")]
        if words and not all((folder / name).exists() for name in files):
            subprocess.run([sys.executable, "-m", *words, "-q", "--force"], cwd=folder, check=True)


def setup(app: object) -> None:
    """Have Sphinx draw the gallery first."""
    app.connect("builder-inited", draw_gallery)  # type: ignore[attr-defined]
