"""Figures of structures: an interface from the side and from above, and common cells of two crystals."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from ase import Atoms
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from latmm.arrays import Floats, Integers
from latmm.geometry.matching import Matched, principal_strain
from latmm.interface.interface import SIDES, Interface
from latmm.plotting.style import COLUMN, PRINT, SEQUENCE, SIDE

__all__ = ["cells_figure", "draw_from_above", "draw_from_the_side", "structure_figure"]

_STRIP = 14.0
"""Least width along x that a view from the side shows, Å."""
_MARGIN = 0.25
"""Width around the common cell that a view from above shows, of its longest vector."""


def structure_figure(interface: Interface) -> Figure:
    """Figure of an interface: its atoms from the side, and both lattices with the common cell from above.

    Parameters
    ----------
    interface : Interface
        From :func:`latmm.interface.build.build_interface`.
    """
    with rc_context(PRINT):
        figure = Figure(figsize=(2 * COLUMN, 0.95 * COLUMN), layout="constrained")
        figure.set_layout_engine("constrained", w_pad=0.12)
        side, above = figure.subplots(1, 2, width_ratios=(3, 2))
        draw_from_the_side(side, interface)
        draw_from_above(above, interface.matched)
        for letter, axes in zip("ab", (side, above), strict=True):
            axes.set_title(f"({letter})", loc="left", fontweight="bold")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, frameon=False)
    return figure


def cells_figure(left: Atoms, right: Atoms, matches: Sequence[tuple[int, Matched]]) -> Figure:
    """Figure of common cells, each from above.

    Parameters
    ----------
    left, right : ase.Atoms
        The crystals, for their names.
    matches : sequence of (int, Matched)
        Number and cell of each, twelve at most.
    """
    columns = min(3, len(matches))
    rows = -(-len(matches) // columns)
    with rc_context(PRINT):
        figure = Figure(figsize=(0.8 * COLUMN * columns, 0.85 * COLUMN * rows + 0.4), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for (number, matched), axes in zip(matches, panels, strict=False):
            draw_from_above(axes, matched)
            axes.set_title(f"{number}: {matched.area:.1f} Å²")
        for axes in panels[len(matches) :]:
            axes.set_axis_off()
        handles, _ = panels[0].get_legend_handles_labels()
        names = [
            f"{side}: {one.get_chemical_formula(empirical=True)}"
            for side, one in zip(SIDES, (left, right), strict=True)
        ]
        figure.legend(handles, [*names, "common cell"], loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_from_the_side(axes: Axes, interface: Interface) -> None:
    """Draw the atoms of the slab along z and x: elements by colour, the interface region shaded.

    Parameters
    ----------
    axes : matplotlib Axes
    interface : Interface
    """
    slab = interface.slab
    z = slab.atoms.positions[:, 2]
    middle = 0.5 * (z[slab.side <= 0].max() + z[slab.side >= 0].min())
    inside = z[slab.within(interface.layers)] - middle
    atom, x = _in_a_strip(slab.atoms)
    z = z[atom]
    symbols = np.array(slab.atoms.get_chemical_symbols())[atom]
    masses = slab.atoms.get_masses()[atom]
    axes.axvspan(inside.min(), inside.max(), color="0.93", lw=0, label="free layers", zorder=0)
    along = np.argsort(z, kind="stable")  # the first kind on the left has the left's colour
    kinds = list(dict.fromkeys(zip(symbols[along].tolist(), masses[along].round(3).tolist(), strict=True)))
    names = [symbol for symbol, _ in kinds]
    for number, (symbol, mass) in enumerate(kinds):
        own = (symbols == symbol) & (np.abs(masses - mass) < 2e-3)
        label = symbol if names.count(symbol) == 1 else f"{symbol} {mass:g}"
        axes.scatter(
            z[own] - middle,
            x[own],
            s=14.0,
            color=SEQUENCE[number % len(SEQUENCE)],
            edgecolors="k",
            linewidths=0.3,
            label=label,
        )
    axes.axvline(0.0, color="0.4", lw=0.7, ls="--")
    axes.set(xlabel="z (Å), heat flows to the right", ylabel="x (Å)")
    axes.set_aspect("equal", adjustable="datalim")


def _in_a_strip(atoms: Atoms) -> tuple[Integers, Floats]:
    """Numbers and x (Å) of a slab's atoms and their images in a strip of whole cells along x, one along y."""
    cell = atoms.cell.array[:2, :2]
    period = float(cell[0, 0])
    width = period * np.ceil(_STRIP / period)
    steps = np.array(list(product(range(-1, int(width / period) + 2), (-1, 0, 1))))
    inside = atoms.get_scaled_positions(wrap=True)[:, :2] @ cell
    places = inside[:, None, :] + steps @ cell
    ends = np.array([width, cell[1, 1]]) - 1e-6
    kept = np.all((places >= -1e-6) & (places < ends), axis=-1)
    return np.nonzero(kept)[0], places[kept][:, 0]


def draw_from_above(axes: Axes, matched: Matched) -> None:
    """Draw the in-plane lattices of both crystals, the common cell, and the principal strains.

    Parameters
    ----------
    axes : matplotlib Axes
    matched : Matched
        From :func:`latmm.interface.build.match_crystals`.
    """
    cell = matched.cell
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ cell
    margin = _MARGIN * np.linalg.norm(cell, axis=1).max()
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    for side, marker, size in (("left", "o", 16.0), ("right", "x", 18.0)):
        lattice = np.asarray(getattr(matched, side).cell.array[:2, :2])
        points = _points(lattice, low, high)
        strain = 100 * principal_strain(getattr(matched, f"strain_{side}")) + 0.0
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=size,
            marker=marker,
            facecolors="none" if marker == "o" else SIDE[side],
            edgecolors=SIDE[side] if marker == "o" else None,
            linewidths=0.9,
            label=f"{side}, strain {strain[0]:+.2f}, {strain[1]:+.2f} %",
        )
    axes.add_patch(Polygon(corners, closed=True, fill=False, edgecolor="k", lw=1.2, label="common cell"))
    axes.set(xlabel="x (Å)", ylabel="y (Å)", aspect="equal", xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _points(lattice: Floats, low: Floats, high: Floats) -> Floats:
    """Points (N, 2) of a lattice (rows) in a rectangle."""
    corners = np.array(list(product(*zip(low, high, strict=True)))) @ np.linalg.inv(lattice)
    ranges = [
        range(int(np.floor(a)), int(np.ceil(b)) + 1)
        for a, b in zip(corners.min(0), corners.max(0), strict=True)
    ]
    steps: Integers = np.array(list(product(*ranges)))
    points = steps @ lattice
    return np.asarray(points[np.all((points >= low) & (points <= high), axis=1)])
