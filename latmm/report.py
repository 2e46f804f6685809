"""A result as one HTML page: numbers, checks, figures, settings, provenance, limits, what to cite.

It opens from disk and asks no network. Everything that comes from the file is escaped, and the page forbids
itself scripts and requests (its content security policy), so that a report of a stranger's result is as safe
as its text.
"""

import io
import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from latmm.checks import Check, loads
from latmm.citations import bibtex, notes, used_by
from latmm.inspection import contents
from latmm.models import MODELS
from latmm.plotting.stored import FIGURES, PRINT, draw, figures_of, title_of

__all__ = ["report"]

_STYLE: Final = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; border-bottom: 1px solid #ccc; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #e4e4e4; }
th:first-child, td:first-child, .text td, .text th { text-align: left; }
#conductance td, #conductance th, #checks td:not(:last-child) { white-space: nowrap; }
.text td:last-child { overflow-wrap: anywhere; }
.passed { color: #00703c; } .failed { color: #b00000; font-weight: bold; } .unknown { color: #666; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }
figure { margin: 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #555; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: .6rem; font-size: .8rem; }
#checks td:last-child { min-width: 16rem; }
@media print {
  body { max-width: none; font-size: 11px; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  details { display: none; }
}
"""


_TELLING = 24
"""Points of a curve that tell their value."""


def report(tree: xr.DataTree) -> str:
    """Write a result as an HTML page.

    Parameters
    ----------
    tree : xarray.DataTree
        Any result of latmm.

    Returns
    -------
    str
        The page, which asks for no other file.
    """
    found = contents(tree)
    checks = loads(tree.attrs.get("checks", "{}"))
    title = title_of(tree).replace("$_∥$", "∥").replace("\n", ", ") or "Result of latmm"
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(_sentence(tree, checks.values()))}</p>"]
    if "comparison" in tree.children and "conductance" in tree["comparison"]:
        parts += ["<h2>Conductance</h2>", _conductances(tree["comparison"].to_dataset())]
    if checks:
        parts += ["<h2>Checks</h2>", _checks(checks.values())]
    names = figures_of(tree)
    if names:
        figures = "".join(_figure(tree, name) for name in names)
        parts += ["<h2>Figures</h2>", f'<div class="figures">{figures}</div>']
    for heading, lines in (("Limits of the model", found["limits"]), ("Notes", found["notes"])):
        if lines:
            items = "".join(f"<li>{escape(str(line))}</li>" for line in lines)
            parts += [f"<h2>{heading}</h2>", f"<ul>{items}</ul>"]
    for heading, name in (("Provenance", "provenance"), ("Settings", "settings"), ("Further", "attributes")):
        rows = {key: value for key, value in found[name].items() if value not in (None, [], "", False)}
        if rows:
            parts += [f"<h2>{heading}</h2>", _plain(rows)]
    parts += ["<h2>Variables of the file</h2>", _variables(found["variables"])]
    cited = "\n\n".join([bibtex(used_by(tree)), *(f"% {line}" for line in notes(tree))])
    parts += ["<h2>How to cite</h2>", f"<pre>{escape(cited)}</pre>"]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            *parts,
            "</body>\n</html>\n",
        ]
    )


def _sentence(tree: xr.DataTree, checks: Iterable[Check]) -> str:
    """Say the result in a sentence or two."""
    failed = [one.name for one in checks if not one.passed]
    verdict = f"Checks that failed: {', '.join(failed)}." if failed else "No check failed."
    if "comparison" not in tree.children or "conductance" not in tree["comparison"]:
        return verdict
    table = tree["comparison"].to_dataset()["conductance"]
    if set(table.dims) != {"model", "temperature"}:
        return verdict
    last = table.isel(temperature=-1) / 1e6
    models = [str(name) for name in table["model"].values]
    first = "agf" if "agf" in models else models[0]
    reference = float(last.sel(model=first))
    values = {model: float(last.sel(model=model)) for model in models if model != first}
    others = [
        f"{_label(model)} {value:.4g} ({100 * (value / reference - 1):+.0f} %)"
        for model, value in values.items()
        if np.isfinite(value)
    ]
    beside = f"; beside it {', '.join(others)}" if others else ""
    kelvin = f"{float(table['temperature'][-1]):g} K"
    return f"At {kelvin} the conductance is {reference:.4g} MW m⁻² K⁻¹ by {_label(first)}{beside}. {verdict}"


def _label(model: str) -> str:
    return MODELS[model].label if model in MODELS else model


def _conductances(comparison: xr.Dataset) -> str:
    """Table of G with uncertainties, MW m⁻² K⁻¹."""
    table = comparison["conductance"]
    if set(table.dims) != {"model", "temperature"}:
        return "<p>See the variables of the file.</p>"
    models = table["model"].values.tolist()
    head = "".join(f"<th>{escape(_label(str(model)))}</th>" for model in models)
    errors = comparison.get("conductance_error", xr.full_like(table, np.nan))
    rows = []
    for t in table["temperature"].values:
        cells = []
        for model in models:
            where = {"model": model, "temperature": t}
            value = float(table.sel(where)) / 1e6
            error = float(errors.sel(where)) / 1e6
            bar = f" ± {error:.2g}" if np.isfinite(error) else ""
            known = f'<td title="{value:.17g}">{value:.5g}{bar}</td>'
            cells.append(known if np.isfinite(value) else "<td>—</td>")
        rows.append(f"<tr><td>{t:g}</td>{''.join(cells)}</tr>")
    return (
        "<p>MW m⁻² K⁻¹, between two reservoirs; ± is that of the sampling.</p>"
        '<div class="wide"><table id="conductance">'
        f"<tr><th>T (K)</th>{head}</tr>{''.join(rows)}</table></div>"
    )


def _checks(checks: Iterable[Check]) -> str:
    rows = []
    for one in checks:
        kind = "unknown" if not one.known else "passed" if one.passed else "failed"
        words = {
            "unknown": "not known",
            "passed": "passed",
            "failed": "failed, allowed" if one.allowed else "failed",
        }
        number = f"{one.value:.2g}" if one.known else "—"
        unit = "" if one.unit == "1" else f" {one.unit}"
        remedy = f"; {one.remedy}" if kind == "failed" else ""
        cells = (one.name, words[kind], number + unit, f"{one.limit:.2g}{unit}", one.meaning + remedy)
        rows.append(f'<tr class="{kind}">' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "<tr><th>check</th><th>verdict</th><th>value</th><th>limit</th><th>meaning</th></tr>"
    return f'<div class="wide"><table class="text" id="checks">{head}{"".join(rows)}</table></div>'


def _figure(tree: xr.DataTree, name: str) -> str:
    """Draw one figure as SVG, without the header of a file of its own; values show where a pointer rests."""
    buffer = io.StringIO()
    with rc_context({**PRINT, "svg.hashsalt": name}):
        figure = draw(tree, name)
        figure.suptitle("")
        told = _points_that_tell(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for key, words in told.items():
        text = _with_titles(text, key, words)
    return (
        f'<figure role="img" aria-label="{escape(FIGURES[name].title)}">{text}'
        f"<figcaption>{escape(FIGURES[name].title)}</figcaption></figure>"
    )


def _points_that_tell(figure: Figure) -> dict[str, list[str]]:
    """Lay points that are not seen on every curve; return what each is to tell, by the points' name."""
    told: dict[str, list[str]] = {}
    for axes in figure.axes:
        for line in list(axes.get_lines()):
            label = str(line.get_label())
            x, y = (np.asarray(data, dtype=float) for data in (line.get_xdata(), line.get_ydata()))
            known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
            if label.startswith("_") or known.size < 2:
                continue
            few = known[np.unique(np.linspace(0, known.size - 1, _TELLING).astype(int))]
            limits = axes.get_xlim(), axes.get_ylim()
            inside = (x[few] - limits[0][0]) * (limits[0][1] - x[few]) >= 0
            inside &= (y[few] - limits[1][0]) * (limits[1][1] - y[few]) >= 0
            few = few[inside]
            if few.size == 0:
                continue
            key = f"told-{len(told)}"
            axes.plot(x[few], y[few], "o", ms=7.0, alpha=0.0, gid=key, label=f"_{key}")
            axes.set(xlim=limits[0], ylim=limits[1])
            told[key] = [f"{label}: {a:.4g}, {b:.5g}" for a, b in zip(x[few], y[few], strict=True)]
    return told


def _with_titles(text: str, key: str, words: list[str]) -> str:
    """Give each point of a group in SVG a title, which browsers show without a script."""
    start = text.index(f'<g id="{key}">')
    end = text.index("</g>\n  ", text.index("<use", start))
    titles = iter(words)

    def told(match: re.Match[str]) -> str:
        return f"<use {match[1]}><title>{escape(next(titles))}</title></use>"

    part = re.sub(r"<use ([^>]*)/>", told, text[start:end])
    return text[:start] + part + text[end:]


def _plain(rows: dict[str, Any]) -> str:
    def words(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

    cells = "".join(
        f"<tr><td>{escape(str(key).replace('_', ' '))}</td><td>{escape(words(value))}</td></tr>"
        for key, value in rows.items()
    )
    return f'<div class="wide"><table class="text">{cells}</table></div>'


def _variables(variables: dict[str, Any]) -> str:
    rows = []
    for name, one in variables.items():
        dims = ", ".join(f"{d} {n}" for d, n in zip(one["dimensions"], one["shape"], strict=True))
        span = " to ".join(f"{x:.6g}" for x in one["range"]) if "range" in one else ""
        cells = (name, dims, one["units"], span, one["meaning"])
        rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    head = "<tr><th>variable</th><th>dimensions</th><th>unit</th><th>range</th><th>meaning</th></tr>"
    table = f'<div class="wide"><table class="text">{head}{"".join(rows)}</table></div>'
    return f"<details><summary>{len(rows)} variables</summary>{table}</details>"
