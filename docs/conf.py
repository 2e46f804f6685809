"""Sphinx: ``make docs`` builds the documents and the reference into docs/_build."""

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
exclude_patterns = ["_build"]
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
