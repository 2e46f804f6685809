"""``latmm compare``: conductance of an interface by every model, from two structure files."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from latmm.defaults import ABOVE_BAND, COMPARE, INELASTIC, LENGTHS

from .alternatives import alternative_options, alternatives, alternatives_of
from .checking import check_lines, conclude, marked
from .chosen_models import check_models, chosen_models, model_options
from .crystals import provenance
from .electrons import add_electrons, beside, check_electrons, electron_lines, electron_options, metals_asked
from .experiment import experiment_lines, experiment_option, measured_series, own_series
from .groups import GroupedCommand
from .numbers import TOLERANCE, Real
from .options import note, temperature_list, temperature_option, units_option
from .outputs import check_outputs, replace_option, run_attributes
from .scaling import check_scaling, cost, kept, path_beside, scaling_options, working
from .tables import conductance_table, tell_limits
from .temperature_files import at_each_temperature
from .wording import as_usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import xarray as xr

    from latmm.inelastic.rates import Rates
    from latmm.interface.interface import Interface
    from latmm.parallel.execution import Execution

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="compare",
    short_help="Conductance of an interface by every model.",
)
@alternative_options
@temperature_option
@model_options
@click.option(
    "--kmesh",
    type=int,
    nargs=2,
    metavar="N N",
    help="k-points along the two in-plane axes; {} {} by default, good to 0.3 % in G for silicon.".format(
        *COMPARE.kmesh
    ),
)
@click.option(
    "--frequencies",
    type=int,
    metavar="N",
    help=f"Frequencies in the band shared by both crystals; {COMPARE.frequencies} by default.",
)
@click.option(
    "--tol",
    type=TOLERANCE,
    metavar="R",
    help="Relative error of the lattice's G at every temperature, e.g. 0.01; chooses the samples by itself.",
)
@click.option(
    "--rates",
    nargs=2,
    metavar="LEFT RIGHT",
    help="Add the row inelastic: phonons scatter at these rates, as in latmm inelastic.",
)
@click.option(
    "--length",
    type=Real(1e-3, 1e9, why="in nm"),
    default=LENGTHS[-1],
    show_default=True,
    metavar="NM",
    help="For --rates: distance of the reservoirs from the contact in nm.",
)
@click.option(
    "--above",
    type=click.Choice(ABOVE_BAND),
    default=ABOVE_BAND[0],
    show_default=True,
    help="For --rates: rate above a crystal's own band.",
)
@electron_options
@experiment_option
@click.option(
    "-o", "--output", type=click.Path(), help="Write the result as netCDF-4 (xarray.open_datatree)."
)
@click.option("--plot", type=click.Path(), help="Write a figure (png, pdf, svg, ...).")
@units_option
@scaling_options
@click.option("--dry-run", is_flag=True, help="Say what the sweep will cost, from a few samples, and stop.")
@replace_option
@click.option("--restart", is_flag=True, help="Start anew where a run for this output was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(**options: Any) -> None:
    """Thermal boundary conductance of the interface of two crystals, by lattice and continuum models.

    LEFT and RIGHT are structure files of the two bulk crystals in any format that ASE reads, or finished
    phonopy calculations of them (phonopy_params.yaml, or phonopy.yaml with FORCE_SETS or FORCE_CONSTANTS
    beside it). Crystals of one structure go on from one to the other;
    any two are joined by a common cell with --right-normal and the options beside it. RIGHT is strained in
    the plane to LEFT.

    Force constants that depend on temperature are given as 300=FILE,600=FILE for LEFT and RIGHT, or as
    folders that hold 300K, 600K, ...: each temperature of -T is then solved with its own.

    With an output, what is found is kept beside it until the end: a run that was stopped goes on when the
    same command is given again.

    \b
    Example:
      latmm compare structures/si.cif structures/ge.cif --normal 0 0 1 -T 10:500:10 -o si-ge.nc
    """
    temperatures = temperature_list(options["temperature"])
    check_models(options)
    _check_sampling_options(options)
    check_electrons(options)
    check_scaling(options)
    tree = _run(options, temperatures)
    if tree is None:
        return
    from latmm.checks import loads

    checks = loads(tree.attrs["checks"])
    if options["as_json"]:
        from latmm.results import summary

        click.echo(json.dumps({**summary(tree), **beside(tree)}, allow_nan=False))
    else:
        click.echo(conductance_table(tree["comparison"].to_dataset()))
        if "electrons" in tree.children:
            click.echo("\n".join(electron_lines(tree)))
        if options["rates"]:
            click.echo(_inelastic_lines(tree))
        if "experiment" in tree.children:
            click.echo("\n".join(experiment_lines(tree)))
        tell_limits(options, tree)
        for line in check_lines(checks):
            click.echo(line)
    conclude(checks)


def _check_sampling_options(options: dict[str, Any]) -> None:
    if options["tol"] is None:
        return
    if options["kmesh"] is not None or options["frequencies"] is not None:
        raise click.UsageError("--tol chooses the samples: leave --kmesh and --frequencies out")
    if options["dry_run"]:
        raise click.UsageError("--dry-run needs the samples: give --kmesh and --frequencies, not --tol")


def _run(options: dict[str, Any], temperatures: list[float]) -> "xr.DataTree | None":
    """Check everything cheap first, compute, and write the files; None after a dry run."""
    from latmm.checks import dumps, loads
    from latmm.experiment.beside import put_beside
    from latmm.files import remove_store
    from latmm.inelastic.beside import put_inelastic
    from latmm.plotting.conductance import comparison_figure, save, temperatures_figure
    from latmm.results import write
    from latmm.sampling.meshes import check_sampling
    from latmm.sweep.refinement import check_tolerance

    kmesh = COMPARE.kmesh if options["kmesh"] is None else options["kmesh"]
    frequencies = COMPARE.frequencies if options["frequencies"] is None else options["frequencies"]
    check_sampling(kmesh, frequencies)
    several = len(alternatives(options)) > 1
    measured = own_series(options)
    if options["tol"] is not None:
        check_tolerance(options["tol"])
    each = at_each_temperature(options, temperatures)
    for own in each.values():
        check_outputs(own)  # over none of the files of a temperature, either
    stores: list[Path] = []
    trees: dict[float | None, xr.DataTree] = {}
    with working(options) as how:
        for at, one in each.items():
            if at is not None:
                note(options, f"force constants at {at:g} K:")
            interfaces = alternatives_of(one, how)
            _, interface = next(iter(interfaces.values()))
            if options["rates"] and len(interfaces) > 1:
                raise click.UsageError(
                    "--rates are those of one pair of crystals: give one potential or set of files"
                )
            for _, found in interfaces.values() if several else [("", interface)]:
                note(options, _geometry(found))
            if not trees:
                rates = _rates(options, interface)
                measured += measured_series(options, interface.left.atoms, interface.right.atoms)
                metals = metals_asked(
                    options,
                    interface.left.atoms.get_chemical_symbols(),
                    interface.right.atoms.get_chemical_symbols(),
                )
            if options["dry_run"]:
                click.echo(cost(options, interface, kmesh, frequencies, min(temperatures)))
                return None
            trees[at], kept_here = _solved(one, interfaces, temperatures, how, at)
            stores += kept_here
        scattered = _scattered(options, interface, temperatures, rates, how)
    tree = trees[None] if None in trees else _by_temperature(options, trees)
    if scattered is not None:
        put_inelastic(tree, scattered)
    add_electrons(options, tree, metals)
    if measured:
        put_beside(tree, measured)
    checks = marked(options, loads(tree.attrs["checks"]))
    tree.attrs["checks"] = dumps(checks)
    if options["output"]:
        with kept(options, stores[0] if stores else None):
            write(tree, options["output"])
        note(options, f"wrote {options['output']}")
        for store in stores:
            remove_store(store)
    if options["plot"]:
        units = options["units"]
        figure = comparison_figure(tree, frequency=units) if None in each else temperatures_figure(tree)
        save(figure, options["plot"], checks)
        note(options, f"wrote {options['plot']}")
    return tree


def _solved(
    options: dict[str, Any],
    interfaces: "dict[str, tuple[dict[str, Any], Interface]]",
    temperatures: list[float],
    how: "Execution",
    at: float | None,
) -> "tuple[xr.DataTree, list[Path]]":
    """Compare the models of each choice of one contact, and join them; with the stores that were made."""
    from latmm.spread import dipole_difference, mixing_spread, potential_spread

    several = len(alternatives(options)) > 1
    trees, stores = {}, []
    for i, (name, (own, found)) in enumerate(interfaces.items(), 1):
        part = f"set-{i}" if several else name if len(interfaces) > 1 else ""
        parts = ["" if at is None else f"{at:g}K", part]
        trees[name], store = _compared(own, found, temperatures, how, "-".join(filter(None, parts)))
        trees[name].attrs.update(provenance(own, found))
        if store is not None:
            stores.append(store)
    spread = dipole_difference if options["nac_both"] else potential_spread if several else mixing_spread
    return _joined(trees, spread), stores


def _by_temperature(options: dict[str, Any], trees: "dict[float | None, xr.DataTree]") -> "xr.DataTree":
    """Join the results of force constants by temperature."""
    from latmm.by_temperature import join_temperatures

    tree = join_temperatures({t: one for t, one in trees.items() if t is not None})
    asked = run_attributes(options, {})
    tree.attrs.update({name: asked[name] for name in ("command_line", "configuration")})
    return tree


def _joined(
    trees: "dict[str, xr.DataTree]", spread: "Callable[[dict[str, xr.DataTree]], xr.DataTree]"
) -> "xr.DataTree":
    """Join the results of several choices, and the digests of their files; one stays as it is."""
    if len(trees) == 1:
        return next(iter(trees.values()))
    tree = spread(trees)
    digests = {name: json.loads(one.attrs["input_sha256"]) for name, one in trees.items()}
    unlike = len({json.dumps(one, sort_keys=True) for one in digests.values()}) > 1
    if unlike:
        tree.attrs["input_sha256"] = json.dumps(
            {f"{name}: {key}": value for name, one in digests.items() for key, value in one.items()}
        )
    return tree


def _compared(
    options: dict[str, Any],
    interface: "Interface",
    temperatures: list[float],
    how: "Execution",
    part: str,
) -> "tuple[xr.DataTree, Path | None]":
    """Compare the models of an interface; what is found on the way is kept in a store."""
    from latmm.comparison import compare

    models = chosen_models(options)
    store = path_beside(options, part) if options["output"] and "agf" in models else None
    with kept(options, store):
        tree = compare(
            interface,
            temperatures,
            models=models,
            kmesh=options["kmesh"] or COMPARE.kmesh,
            frequencies=options["frequencies"] or COMPARE.frequencies,
            tolerance=options["tol"],
            roughness=options["roughness"],
            how=replace(how, store=store),
        )
    return tree, store


def _rates(options: dict[str, Any], interface: "Interface") -> "tuple[Rates, Rates] | None":
    """Read the scattering rates, where there are any."""
    from latmm.inelastic.rate_files import resolve_rates

    if not options["rates"]:
        return None
    with as_usage():
        return resolve_rates(options["rates"], interface.crystals)


def _scattered(
    options: dict[str, Any],
    interface: "Interface",
    temperatures: list[float],
    rates: "tuple[Rates, Rates] | None",
    how: "Execution",
) -> "xr.DataTree | None":
    """Compute the conductance with scattered phonons, where there are rates."""
    from latmm.inelastic.result import inelastic_conductance

    if rates is None:
        return None
    return inelastic_conductance(
        interface,
        temperatures,
        rates,
        lengths=[options["length"]],
        kmesh=options["kmesh"] or INELASTIC.kmesh,
        frequencies=options["frequencies"] or INELASTIC.frequencies,
        above=options["above"],
        how=replace(how, store=None),
    )


def _inelastic_lines(tree: "xr.DataTree") -> str:
    """Tell the extrapolated conductance, and what the choice of the rate above the band leaves open."""
    row, own = tree["comparison"].to_dataset().sel(model="inelastic"), tree["inelastic"].to_dataset()
    return "\n".join(
        f"inelastic at {float(t):g} K: ± {float(two) / 1e6:.2g} for the rate above the band; from profiles "
        f"over {float(own['length'][-1]):g} nm {float(far) / 1e6:.5g} ± {float(bar) / 1e6:.2g}"
        for t, two, far, bar in zip(
            own["temperature"],
            own["above_band_uncertainty_two_probe"],
            row["conductance_four_probe"],
            own["above_band_uncertainty"],
            strict=True,
        )
    )


def _geometry(interface: "Interface") -> str:
    from latmm.geometry.matching import principal_strain

    strains = ", ".join(
        f"{side} {' and '.join(f'{round(100 * e, 2) + 0.0:+.2f}' for e in principal_strain(value))} %"
        for side, value in (
            ("left", interface.matched.strain_left),
            ("right", interface.matched.strain_right),
        )
    )
    return f"interface cell: {interface.area:.3f} Å²; principal in-plane strain: {strains}"
