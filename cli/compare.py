"""``latmm compare``: conductance of an interface by every model, from two structure files."""

import json
import shlex
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .options import assignments, temperature_list
from .progress import Reporter
from .scaling import executor_of, scaling_options

if TYPE_CHECKING:
    import xarray as xr

    from latmm.interface.build import Interface
    from latmm.sweep.checkpoint import Checkpoint
    from latmm.sweep.refinement import Sampling

__all__ = ["command"]

_MODELS = ("agf", "amm", "amm-isotropic", "mixed", "dmm", "dmm-polarisation", "dmm-debye", "radiation")
_DEFAULT = ("agf", "amm", "dmm", "dmm-debye", "radiation")


@click.command(name="compare", short_help="Conductance of an interface by every model.")
@click.argument("left", type=click.Path())
@click.argument("right", type=click.Path())
@click.option(
    "--normal",
    type=int,
    nargs=3,
    default=(0, 0, 1),
    show_default=True,
    metavar="H K L",
    help="Miller indices of the interface plane, referred to the conventional cell.",
)
@click.option(
    "-T",
    "--temperature",
    multiple=True,
    default=["300"],
    show_default=True,
    metavar="K|START:STOP:STEP",
    help="Temperature in K, or START:STOP:STEP; repeatable.",
)
@click.option(
    "--potential",
    default="auto",
    show_default=True,
    metavar="SPEC",
    help="Interatomic potential: auto, tersoff, sw, lj, emt, or package.module:callable "
    "(anything that returns an ASE calculator).",
)
@click.option(
    "--potential-option",
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter of the potential, e.g. epsilon (eV), sigma, cutoff (Å) of lj; repeatable.",
)
@click.option(
    "--left-mass", multiple=True, metavar="EL=AMU", help="Mass of an element on the left; repeatable."
)
@click.option(
    "--right-mass", multiple=True, metavar="EL=AMU", help="Mass of an element on the right; repeatable."
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help=f"Model to compute: {', '.join(_MODELS)}; repeatable. By default {', '.join(_DEFAULT)}.",
)
@click.option(
    "--roughness",
    type=click.FloatRange(min=0.0),
    metavar="NM",
    help="Root-mean-square roughness of the interface in nm, for the model mixed.",
)
@click.option(
    "--kmesh",
    type=int,
    nargs=2,
    metavar="N N",
    help="k-points along the two in-plane axes; the default gives 1 % in G from 50 to 500 K.",
)
@click.option("--frequencies", type=int, metavar="N", help="Frequencies in the band shared by both crystals.")
@click.option(
    "--tol",
    type=float,
    metavar="R",
    help="Relative error of the lattice's G at every temperature, e.g. 0.01; chooses the samples by itself.",
)
@click.option(
    "--relax/--no-relax",
    default=True,
    show_default=True,
    help="Relax the crystals, the spacing of the strained side, and the contact.",
)
@click.option(
    "--strain",
    type=click.Choice(["right", "left", "both"]),
    default="right",
    show_default=True,
    help="Side that is strained in the plane to match the other.",
)
@click.option(
    "--max-strain", type=float, default=0.08, show_default=True, help="Largest in-plane strain accepted."
)
@click.option(
    "--supercell",
    type=int,
    nargs=3,
    metavar="N N N",
    help="Conventional cells in the supercell of the finite displacements; "
    "by default from the potential's reach.",
)
@click.option(
    "-o", "--output", type=click.Path(), help="Write the result as netCDF-4 (xarray.open_datatree)."
)
@click.option("--plot", type=click.Path(), help="Write a figure (png, pdf, svg, ...).")
@scaling_options
@click.option("--dry-run", is_flag=True, help="Say what the sweep will cost, from a few samples, and stop.")
@click.option("--overwrite", is_flag=True, help="Start anew where a run for this output was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and notes on stderr.")
def command(**options: Any) -> None:
    """Thermal boundary conductance of the interface of two crystals, by lattice and continuum models.

    LEFT and RIGHT are structure files of the two bulk crystals in any format that ASE reads. Both must have
    one crystal structure; RIGHT is strained in the plane to LEFT.

    With an output, what is found is kept beside it until the end: a run that was stopped goes on when the
    same command is given again.

    \b
    Example:
      latmm compare structures/si.cif structures/ge.cif --normal 0 0 1 -T 10:500:10 -o si-ge.nc
    """
    temperatures = temperature_list(options["temperature"])
    masses = [_masses(options[f"{side}_mass"], f"--{side}-mass") for side in ("left", "right")]
    parameters = assignments(options["potential_option"], "--potential-option")
    unknown = [name for name in options["models"] if name not in _MODELS]
    if unknown:
        raise click.BadParameter(
            f"unknown model {unknown[0]!r}; choose from {', '.join(_MODELS)}", param_hint="--model"
        )
    if "mixed" in options["models"] and options["roughness"] is None:
        raise click.BadParameter(
            "the model mixed needs the roughness of the interface in nm, e.g. --roughness 0.3",
            param_hint="--roughness",
        )
    if options["tol"] is not None and (options["kmesh"] is not None or options["frequencies"] is not None):
        raise click.UsageError("--tol chooses the samples: leave --kmesh and --frequencies out")
    if options["tol"] is not None and options["dry_run"]:
        raise click.UsageError("--dry-run needs to know the samples: give --kmesh and --frequencies, not --tol")
    tree = _run(options, temperatures, masses, parameters)
    if tree is None:
        return
    if options["as_json"]:
        from latmm.results import summary

        click.echo(json.dumps(summary(tree), allow_nan=False))
    else:
        click.echo(_table(tree))


def _masses(values: tuple[str, ...], option: str) -> dict[str, float]:
    masses = {}
    for element, value in assignments(values, option).items():
        try:
            masses[element] = float(value)
        except ValueError:
            raise click.BadParameter(
                f"the mass of {element} must be a number in amu, but is {value!r}"
            ) from None
    return masses


def _run(
    options: dict[str, Any],
    temperatures: list[float],
    masses: list[dict[str, float]],
    parameters: dict[str, str],
) -> "xr.DataTree | None":
    """Check everything cheap first, compute, and write the files; None after a dry run."""
    from latmm.comparison import FREQUENCIES, KMESH, compare
    from latmm.interface.build import build_interface
    from latmm.lattice.calculators import resolve_potential
    from latmm.plotting import check_figure, comparison_figure, save
    from latmm.results import check_destination, write
    from latmm.structures import read_structure
    from latmm.sweep.refinement import Sampling, check_tolerance
    from latmm.sweep.sampling import check_sampling

    quiet: bool = options["quiet"]
    if options["output"]:
        check_destination(options["output"])
    if options["plot"]:
        check_figure(options["plot"])
    kmesh = KMESH if options["kmesh"] is None else options["kmesh"]
    frequencies = FREQUENCIES if options["frequencies"] is None else options["frequencies"]
    check_sampling(kmesh, frequencies)
    if options["tol"] is not None:
        check_tolerance(options["tol"])
    crystals = [
        read_structure(options[side], own) for side, own in zip(("left", "right"), masses, strict=True)
    ]
    elements = {symbol for atoms in crystals for symbol in atoms.get_chemical_symbols()}
    potential = resolve_potential(options["potential"], elements, parameters)
    _note(quiet, f"potential: {potential.name} ({potential.description})")
    with Reporter(quiet=quiet) as report, executor_of(options) as executor:
        interface = build_interface(
            crystals[0],
            crystals[1],
            options["normal"],
            potential,
            relax=options["relax"],
            strain=options["strain"],
            max_strain=options["max_strain"],
            supercell=options["supercell"],
            progress=report,
        )
        _note(quiet, _geometry(interface))
        if options["dry_run"]:
            sampling = Sampling.of(interface, kmesh, frequencies, coldest=min(temperatures))
            click.echo(_estimate(interface, sampling))
            return None
        checkpoint = _checkpoint(options, interface) if "agf" in (options["models"] or _DEFAULT) else None
        tree = compare(
            interface,
            temperatures,
            models=options["models"] or _DEFAULT,
            kmesh=kmesh,
            frequencies=frequencies,
            tolerance=options["tol"],
            roughness=options["roughness"],
            progress=report,
            executor=executor,
            checkpoint=checkpoint,
        )
    tree.attrs.update(_provenance(options))
    for name, check in json.loads(tree.attrs["checks"]).items():
        if not check["ok"]:
            click.echo(
                f"latmm: warning: check {name} failed: {check['value']:.2e} above {check['limit']:g}",
                err=True,
            )
    if options["output"]:
        write(tree, options["output"])
        _note(quiet, f"wrote {options['output']}")
        if checkpoint is not None:
            checkpoint.remove()
    if options["plot"]:
        save(comparison_figure(tree), options["plot"])
        _note(quiet, f"wrote {options['plot']}")
    return tree


def _checkpoint(options: dict[str, Any], interface: "Interface") -> "Checkpoint | None":
    """Open the store beside the output."""
    if not options["output"]:
        return None
    import shutil
    from pathlib import Path

    from latmm.sweep.checkpoint import Checkpoint, digests

    path = Path(options["output"]).with_suffix(".partial.zarr")
    if options["overwrite"] and path.exists():
        shutil.rmtree(path)
    return Checkpoint(path, digests(interface))


def _estimate(interface: "Interface", sampling: "Sampling") -> str:
    """Text of a dry run."""
    from latmm.sweep.estimate import estimate

    found = estimate(interface, sampling)
    sizes = ", ".join(map(str, found.layers))
    return "\n".join(
        [
            f"atoms in the contact's slab: {found.atoms}",
            f"degrees of freedom of left lead, device layers, right lead: {sizes}",
            f"irreducible k∥: {found.wave_vectors}; samples (k∥, ν): {found.samples}; tasks: {found.tasks}",
            f"time: {found.seconds:.3g} s of one core",
            f"memory: {found.memory / 2**20:.3g} MiB a process beside the program itself",
            f"kept beside the output until the end: at most {found.store / 2**20:.3g} MiB",
        ]
    )


def _note(quiet: bool, text: str) -> None:
    if not quiet:
        click.echo(text, err=True)


def _geometry(interface: "Interface") -> str:
    from latmm.interface.matching import principal_strain

    strains = ", ".join(
        f"{side} {' and '.join(f'{round(100 * e, 2) + 0.0:+.2f}' for e in principal_strain(value))} %"
        for side, value in (
            ("left", interface.matched.strain_left),
            ("right", interface.matched.strain_right),
        )
    )
    return f"interface cell: {interface.area:.3f} Å²; principal in-plane strain: {strains}"


def _provenance(options: dict[str, Any]) -> dict[str, str]:
    from latmm.structures import file_digest

    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command_line": shlex.join(["latmm", *sys.argv[1:]]),
        "configuration": json.dumps(options, default=str),
        "input_sha256": json.dumps({side: file_digest(options[side]) for side in ("left", "right")}),
    }


def _table(tree: "xr.DataTree") -> str:
    """Text table: temperature, then the conductance of every model."""
    table = tree["comparison"].to_dataset()["conductance"]
    models = [str(name) for name in table["model"].values]
    width = max(11, *(len(name) + 2 for name in models))
    lines = [
        "conductance (MW m⁻² K⁻¹)",
        f"{'T (K)':>9}" + "".join(f"{name:>{width}}" for name in models),
    ]
    for temperature, row in zip(table["temperature"].values, table.values.T / 1e6, strict=True):
        lines.append(f"{temperature:>9g}" + "".join(f"{value:>{width}.5g}" for value in row))
    return "\n".join(lines)
