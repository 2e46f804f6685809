"""The option ``--electrons``: what the electrons of metals add to the conductance of phonons."""

import json
from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .numbers import THICKNESS, Real

if TYPE_CHECKING:
    import xarray as xr

    from latmm.electrons.library import Record

__all__ = ["add_electrons", "beside", "check_electrons", "electron_lines", "electron_options", "metals_asked"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _list_metals(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from latmm.electrons.library import listing

        click.echo(listing())
        context.exit()


def electron_options(function: _F) -> _F:
    """Add ``--electrons`` and what belongs to it, to be read by :func:`metals_asked`."""
    for decorate in reversed(
        [
            click.option(
                "--electrons",
                is_flag=True,
                help="Add what the electrons of metals carry: below the table, the total by every model.",
            ),
            click.option(
                "--metals",
                type=click.Path(),
                metavar="FILE.csv",
                help="Metals of your own for --electrons, in place of latmm's or beside them.",
            ),
            click.option(
                "--film",
                type=THICKNESS,
                metavar="NM",
                help="Thickness of the metal for --electrons, in nm; thick by default.",
            ),
            click.option(
                "--electron-conductance",
                type=Real(0.0, 1e6, why="in MW m⁻² K⁻¹"),
                metavar="G",
                help="Conductance of the electrons at the contact for --electrons, MW m⁻² K⁻¹: into the side "
                "that is no metal (0 by default), or between two metals (by default by diffuse mismatch).",
            ),
            click.option(
                "--list-metals",
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_list_metals,
                help="List the metals of --electrons with their ranges and sources, and stop.",
            ),
        ]
    ):
        function = decorate(function)
    return function


def metals_asked(
    options: dict[str, Any], left: Iterable[str], right: Iterable[str]
) -> "tuple[Record | None, Record | None] | None":
    """Find the metals of both sides by their elements, before any work; None without ``--electrons``.

    Raises
    ------
    click.UsageError
        If a thickness is given for two metals.
    """
    if not options.get("electrons"):
        return None
    from latmm.electrons.beside import metals_of
    from latmm.electrons.library import read_metals

    own = None if options["metals"] is None else read_metals(options["metals"])
    found = metals_of(left, right, own, diffuse=options["electron_conductance"] is None)
    if all(found) and options["film"] is not None:
        raise click.UsageError("--film is for a contact with one metal, but both sides are metals")
    return found


def check_electrons(options: dict[str, Any]) -> None:
    """Refuse options that belong to ``--electrons`` without it.

    Raises
    ------
    click.UsageError
        If there is one.
    """
    if not options.get("electrons"):
        for name in ("metals", "film", "electron_conductance"):
            if options.get(name) is not None:
                raise click.UsageError(f"--{name.replace('_', '-')} belongs to --electrons: give that too")


def add_electrons(
    options: dict[str, Any],
    tree: "xr.DataTree",
    metals: "tuple[Record | None, Record | None] | None",
) -> None:
    """Add the node ``/electrons`` to a result, if the options ask for it."""
    if metals is None:
        return
    from latmm.electrons.beside import put_electrons

    given, film = options["electron_conductance"], options["film"]
    put_electrons(
        tree,
        *metals,
        electron=None if given is None else 1e6 * given,
        thickness=inf if film is None else 1e-9 * film,
    )


def beside(tree: "xr.DataTree") -> dict[str, Any]:
    """Return what stands beside the conductances of phonons in JSON: electrons and measurements."""
    from latmm.electrons.beside import plain
    from latmm.experiment.beside import records

    nodes = (("electrons", plain), ("experiment", records))
    return {name: write(tree) for name, write in nodes if name in tree.children}


def electron_lines(tree: "xr.DataTree") -> list[str]:
    """Table of the totals with electrons, with the range of the metals below each line, MW m⁻² K⁻¹."""
    node = tree["electrons"].to_dataset()
    names = [one and one["name"] for one in json.loads(node.attrs["metals"])]
    film = node.attrs["film_thickness_nm"]
    depth = "" if isinstance(film, str) else f", {film:g} nm thick"
    models = [str(name) for name in node["model"].values]
    widths = [max(11, len(name) + 2) for name in models]
    lines = [
        "total conductance of phonons and electrons (MW m⁻² K⁻¹), "
        f"{' | '.join(name or 'no metal' for name in names)}{depth}",
        f"{'T (K)':>9}{'electrons':>12}"
        + "".join(f"{name:>{width}}" for name, width in zip(models, widths, strict=True)),
    ]
    electron = node["conductance_electron"].values / 1e6
    for i, temperature in enumerate(node["temperature"].values):
        for suffix in ("", "_low", "_high"):
            values = node["conductance" + suffix].values[:, i] / 1e6
            first = f"{temperature:>9g}{electron[i]:>12.5g}" if not suffix else f"{suffix[1:]:>9}{'':>12}"
            cells = (
                f"{f'{value:.5g}' if value == value else '—':>{width}}"
                for value, width in zip(values.tolist(), widths, strict=True)
            )
            lines.append(first + "".join(cells))
    lines.append("low, high: ends of the ranges of the metals' g, lattice conductivity and γ")
    return lines
