"""``latmm study disorder``: ensembles of disordered contacts."""

import json
from typing import TYPE_CHECKING, Any

import click

from latmm.defaults import DISORDER, ENSEMBLE, MIXING_PROFILES

from .crystals import crystal_options, interface_of
from .finished import is_finished
from .groups import GroupedCommand
from .numbers import SEED, Real, Whole, fraction
from .options import temperature_list
from .outputs import check_outputs
from .scaling import check_scaling, keeping, working
from .sharing import for_forces, process_options
from .study_options import fractions, potential_of, report, study_options, write_files
from .wording import as_usage

if TYPE_CHECKING:
    import xarray as xr

    from latmm.disorder.kinds import Disorder
    from latmm.interface.interface import Interface
    from latmm.potentials.calculators import Potential

__all__ = ["command", "table"]


@click.command(
    cls=GroupedCommand,
    name="disorder",
    short_help="Ensembles of disordered interfaces.",
)
@crystal_options
@click.option(
    "--kind",
    type=click.Choice(list(DISORDER)),
    default="intermixing",
    show_default=True,
    help="intermixing: species of both crystals by a profile; alloy: a random alloy of one composition; "
    "vacancies; roughness: a random height of the interface, no mixing; mass: masses only.",
)
@click.option(
    "--width",
    type=Real(0.0, 1e3, above=True, why="in atomic planes"),
    metavar="PLANES",
    help="Atomic planes that are disordered.",
)
@click.option(
    "--profile",
    metavar="NAME|FRACTIONS",
    help="Of intermixing: linear (default), erf, exponential (slope 1/width at the interface), or the "
    "fractions of RIGHT by atomic plane in place of --width, e.g. 0.2,0.5,0.8.",
)
@click.option(
    "--fraction",
    type=fraction(),
    metavar="X",
    help="Of RIGHT's species in an alloy (default 0.5); of vacancies.",
)
@click.option(
    "--rms",
    type=Real(0.0, 100.0, above=True, why="in Å; the contact is built atom by atom"),
    metavar="Å",
    help="Root mean square height of roughness.",
)
@click.option(
    "--correlation",
    type=Real(0.0, 1e4, above=True, why="in Å"),
    metavar="Å",
    help="Correlation length of roughness.",
)
@click.option(
    "--spread",
    type=fraction(above=True, below=True),
    metavar="X",
    help="Masses become m (1 + X) and m (1 - X).",
)
@click.option(
    "--lateral",
    type=Whole(1, 100),
    nargs=2,
    default=(4, 4),
    show_default=True,
    metavar="M N",
    help="Lateral supercell in primitive in-plane cells.",
)
@click.option("--seeds", type=Whole(2, 100_000), default=10, show_default=True, help="Realisations drawn.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Root of all seeds.")
@click.option(
    "--force-constants",
    type=click.Choice(["potential", "mean"]),
    help="Of mixed species: by the potential for every realisation (the default where there is one), or the "
    "means of both crystals'.",
)
@study_options
@process_options("the work")
def command(**options: Any) -> None:
    """Mean and standard error of the conductance of disordered interfaces, beside the abrupt one.

    \b
    Example:
      latmm study disorder structures/si.cif structures/ge.cif --kind alloy --width 2 --seeds 4 \\
          --lateral 2 2 --kmesh 2 2 --frequencies 24 -T 300
    """
    temperatures = temperature_list(options["temperature"])
    disorder = _disorder(options)
    check_outputs(options)
    check_scaling(options)
    tree = _run(options, disorder, temperatures)
    report(options, tree, _plain(tree), table(tree))


def _disorder(options: dict[str, Any]) -> "Disorder":
    """Read the kind of disorder, and refuse what it lacks or does not know."""
    from latmm.disorder.kinds import disorder_of

    if options["force_constants"] == "potential" and is_finished(options):
        raise click.UsageError(
            "--force-constants potential needs a potential, which finished phonopy calculations do not have: "
            "leave it out"
        )
    profile = options["profile"]
    if options["kind"] == "intermixing" and profile not in (None, *MIXING_PROFILES):
        profile = fractions(profile, "--profile")
    given = {name: options[name] for name in ("width", "fraction", "rms", "correlation", "spread")}
    with as_usage():
        return disorder_of(options["kind"], profile=profile, **given)


def _run(options: dict[str, Any], disorder: "Disorder", temperatures: list[float]) -> "xr.DataTree":
    from latmm.interface.tiling import tile
    from latmm.plotting.studies import ensemble_figure
    from latmm.sampling.meshes import check_sampling
    from latmm.studies.ensembles import Draws, ensemble

    kmesh = ENSEMBLE.kmesh if options["kmesh"] is None else options["kmesh"]
    frequencies = ENSEMBLE.frequencies if options["frequencies"] is None else options["frequencies"]
    check_sampling(kmesh, frequencies)
    with working(options) as how:
        interface = tile(interface_of(options, how), options["lateral"])
        potential = _potential(options, interface)
        with keeping(options, how if potential is None else for_forces(options, potential, how)) as how:
            tree = ensemble(
                interface,
                Draws(disorder, options["seeds"], options["seed"]),
                temperatures,
                potential=potential,
                relax=options["relax"],
                kmesh=kmesh,
                frequencies=frequencies,
                how=how,
            )
            write_files(options, tree, interface, ensemble_figure)
    return tree


def _potential(options: dict[str, Any], interface: "Interface") -> "Potential | None":
    """Potential of the realisations, if they shall have it."""
    if options["force_constants"] == "mean" or is_finished(options):
        return None
    return potential_of(options, interface)


def table(tree: "xr.DataTree") -> str:
    """One row for each temperature."""
    found = tree["comparison"].to_dataset()
    number = tree["realisations"].sizes["realisation"]
    lines = [
        f"{tree.attrs['disorder']}",
        f"{number} realisations; ± standard error of the mean; conductance in MW m⁻² K⁻¹",
        f"{'T (K)':>9}{'abrupt':>12}{'disordered':>12}{'±':>10}{'ratio':>10}{'±':>9}{'specular':>10}"
        f"{'of abrupt':>11}",
    ]
    for i, t in enumerate(found["temperature"].values):
        lines.append(
            f"{t:>9g}{found['conductance_abrupt'].values[i] / 1e6:>12.5g}"
            f"{found['conductance'].values[i] / 1e6:>12.5g}"
            f"{found['conductance_error'].values[i] / 1e6:>10.2g}"
            f"{found['ratio'].values[i]:>10.4g}{found['ratio_error'].values[i]:>9.1g}"
            f"{found['specular_fraction'].values[i]:>10.4g}"
            f"{found['specular_fraction_abrupt'].values[i]:>11.4g}"
        )
    return "\n".join(lines)


def _plain(tree: "xr.DataTree") -> dict[str, Any]:
    found = tree["comparison"].to_dataset()
    own = [str(name) for name in found.data_vars if found[name].dims == ("temperature",)]
    return {
        "temperature": found["temperature"].values.tolist(),
        **{name: found[name].values.tolist() for name in own},
        "realisations": tree["realisations"].sizes["realisation"],
        "disorder": tree.attrs["disorder"],
        "seed": int(tree.attrs["seed"]),
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
    }
