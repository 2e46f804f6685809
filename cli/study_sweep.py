"""``latmm study sweep``: the conductance of an interface over a grid of parameters."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from latmm.defaults import COMPARE

from .checking import marked
from .chosen_models import check_models, chosen_models, model_options
from .crystals import crystal_options, interface_of
from .finished import inputs, is_finished
from .groups import GroupedCommand
from .options import masses_of, note, temperature_list
from .outputs import check_outputs, run_attributes
from .parameters import MASS_RATIO, PAIR, SWEPT, TEMPERATURE, as_typed, parameters_of
from .scaling import check_scaling, kept, path_beside, scaling_options, working
from .study_options import report, study_options

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from latmm.parallel.execution import Execution

__all__ = ["command"]


@click.command(cls=GroupedCommand, name="sweep", short_help="Conductance over a grid of parameters.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="Parameter and its values, with commas between them or as START:STOP:STEP; repeatable, then every "
    f"combination is computed. NAME is an option ({', '.join(name.replace('_', '-') for name in SWEPT)}), "
    "mass-ratio (masses of RIGHT times this), pair (LEFT RIGHT), or temperature.",
)
@crystal_options
@model_options
@study_options
@scaling_options
def command(**options: Any) -> None:
    """Conductance against strain, mass ratio, twist, planes, potential, or any grid of them.

    LEFT and RIGHT and all options mean what they mean for latmm compare. The result has one array,
    conductance over (model, parameters, temperature). Points whose crystals do not match, are not stable or
    do not relax are left out and named (check points). In a study file the parameters stand below the key
    sweep.

    \b
    Example:
      latmm study sweep structures/ar.cif structures/ar.cif --sweep mass-ratio=1,2,4 -T 20 \\
          --model agf --kmesh 4 4 --frequencies 16 --allow channels --plot mass-ratio.png
    """
    from latmm.sampling.meshes import check_sampling

    parameters = parameters_of(options["sweeps"])
    check_models(options, with_roughness="roughness" in parameters)
    kelvin = parameters.pop(TEMPERATURE, None)
    temperatures = temperature_list(options["temperature"] if kelvin is None else map(str, kelvin.values()))
    options["kmesh"] = options["kmesh"] or COMPARE.kmesh
    options["frequencies"] = COMPARE.frequencies if options["frequencies"] is None else options["frequencies"]
    check_sampling(options["kmesh"], options["frequencies"])
    check_outputs(options)
    check_scaling(options)
    tree = _run(options, temperatures, parameters)
    report(options, tree, _plain(tree), _table(tree))


def _run(
    options: dict[str, Any], temperatures: list[float], parameters: dict[str, dict[Any, Any]]
) -> "xr.DataTree":
    from latmm.checks import dumps, loads
    from latmm.files import remove_store
    from latmm.plotting.conductance import save
    from latmm.plotting.stored import draw
    from latmm.results import write
    from latmm.studies.parameters import parameter_study

    stores: list[Path] = []
    files: dict[str, str] = {}
    with working(options) as how, ExitStack() as stack:

        def solve(**point: Any) -> "xr.DataTree":
            own = _at(options, point)
            files.update(inputs(own) if "pair" not in point else _named(own))
            note(
                options,
                ", ".join(f"{name.replace('_', '-')} {as_typed(v)}" for name, v in point.items()) + ":",
            )
            return _point(own, temperatures, how, stores, stack)

        tree = parameter_study(parameters, solve, how=how)
        tree.attrs.update(run_attributes(options, files))
        checks = marked(options, loads(tree.attrs["checks"]))
        tree.attrs["checks"] = dumps(checks)
        if options["output"]:
            write(tree, options["output"])
            note(options, f"wrote {options['output']}")
    for store in stores:
        remove_store(store)
    if options["plot"]:
        save(draw(tree, "sweep"), options["plot"], checks)
        note(options, f"wrote {options['plot']}")
    return tree


def _point(
    options: dict[str, Any],
    temperatures: list[float],
    how: "Execution",
    stores: "list[Path]",
    stack: ExitStack,
) -> "xr.DataTree":
    """Compare the models at one point; what is found is kept until the whole study is written."""
    from latmm.comparison import compare

    interface = interface_of(options, how)
    models = chosen_models(options)
    store = None
    if options["output"] and "agf" in models:
        store = path_beside(options, f"point-{len(stores) + 1}")
        stores.append(store)
        stack.enter_context(kept(options, store))
    return compare(
        interface,
        temperatures,
        models=models,
        kmesh=options["kmesh"],
        frequencies=options["frequencies"],
        roughness=options["roughness"],
        how=replace(how, store=store),
    )


def _named(options: dict[str, Any]) -> dict[str, str]:
    """Input files of a pair by their own names: there are several of either side."""
    return {path: path for path in inputs(options).values()}


def _at(options: dict[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """Options of one point."""
    own = {**options, **{name: value for name, value in point.items() if name in SWEPT}}
    if PAIR in point:
        own["left"], own["right"] = point[PAIR]
    if MASS_RATIO in point:
        own["right_mass"] = _scaled_masses(own, point[MASS_RATIO])
    return own


def _scaled_masses(options: dict[str, Any], ratio: float) -> tuple[str, ...]:
    """Masses of the right crystal times a ratio, as the option has them."""
    from latmm.errors import InputError
    from latmm.lattice.phonopy_files import read_phonopy
    from latmm.structures import read_structure

    masses = masses_of(options["right_mass"], "--right-mass")
    if is_finished(options):
        atoms = read_phonopy(options["right"], masses).constants.atoms
    else:
        atoms = read_structure(options["right"], masses)
    found: dict[str, float] = {}
    for symbol, mass in zip(atoms.get_chemical_symbols(), atoms.get_masses().tolist(), strict=True):
        if abs(found.setdefault(symbol, mass) - mass) > 1e-6 * mass:
            raise InputError(
                f"mass-ratio needs one mass for each element of RIGHT, but {symbol} has {found[symbol]:g} "
                f"and {mass:g} amu; name masses with --right-mass"
            )
    return tuple(f"{symbol}={ratio * mass!r}" for symbol, mass in found.items())


def _table(tree: "xr.DataTree") -> str:
    """One row for each point and temperature, a column for each model, in MW m⁻² K⁻¹."""
    import numpy as np

    comparison = tree["comparison"].to_dataset()
    names = [str(name) for name in tree.attrs["parameters"]]
    models = [str(name) for name in comparison["model"].values]
    g = comparison["conductance"] / 1e6
    columns = [
        max(len(name), *(len(as_typed(value)) for value in comparison[name].values)) + 2 for name in names
    ]
    widths = [max(11, len(name) + 2) for name in models]
    head = "".join(f"{name.replace('_', '-'):>{w}}" for name, w in zip(names, columns, strict=True))
    lines = [
        "conductance (MW m⁻² K⁻¹)",
        f"{head}{'T (K)':>9}" + "".join(f"{name:>{w}}" for name, w in zip(models, widths, strict=True)),
    ]
    shape = tuple(comparison.sizes[name] for name in names)
    stacked = g.transpose(*names, "temperature", "model").values.reshape(
        -1, g.sizes["temperature"], len(models)
    )
    for row, index in zip(stacked, np.ndindex(shape), strict=True):
        labels = "".join(
            f"{as_typed(comparison[name].values[i]):>{w}}"
            for name, i, w in zip(names, index, columns, strict=True)
        )
        for t, values in zip(comparison["temperature"].values, row, strict=True):
            cells = "".join(
                f"{f'{value:.5g}' if isfinite(value) else '—':>{w}}"
                for value, w in zip(values, widths, strict=True)
            )
            lines.append(f"{labels}{t:>9g}{cells}")
    if "conductance_error" in comparison:
        bars = (
            (comparison["conductance_error"] / comparison["conductance"]).max([*names, "temperature"]).values
        )
        cells = "".join(f"{100 * bar:>{w}.2g}" for bar, w in zip(bars, widths, strict=True))
        lines.append(f"{'±, %':>{sum(columns) + 9}}{cells}  (sampling, at most)")
    for point, why in json.loads(tree.attrs["left_out"]).items():
        lines.append(f"left out: {point}: {why}")
    return "\n".join(lines)


def _plain(tree: "xr.DataTree") -> dict[str, Any]:
    """Say the same for other programs, with units."""
    comparison = tree["comparison"].to_dataset()
    names = [str(name) for name in tree.attrs["parameters"]]

    def numbers(values: Any) -> Any:
        if isinstance(values, list):
            return [numbers(value) for value in values]
        return values if not isinstance(values, float) or isfinite(values) else None

    return {
        "parameters": {name: comparison[name].values.tolist() for name in names},
        "units": {
            name: str(comparison[name].attrs["units"])
            for name in (*names, "temperature", "conductance", "conductance_four_probe")
        },
        "temperature": comparison["temperature"].values.tolist(),
        "dimensions": [*names, "temperature"],
        **{
            column: {
                str(model): numbers(comparison[column].sel(model=model).values.tolist())
                for model in comparison["model"].values
            }
            for column in ("conductance", "conductance_error", "conductance_four_probe")
        },
        "left_out": json.loads(tree.attrs["left_out"]),
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
    }
