"""``latmm study layers``: thickness and profile of a layer between two crystals."""

import json
from typing import TYPE_CHECKING, Any

import click

from latmm.defaults import LAYER_PROFILES, LAYERS

from .crystals import crystal_options, interface_of
from .finished import is_finished
from .groups import GroupedCommand
from .options import assignments, temperature_list
from .outputs import check_outputs
from .scaling import check_scaling, keeping, working
from .sharing import for_forces, process_options
from .study_options import fractions, potential_of, report, study_options, whole_numbers, write_files

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command", "table"]


@click.command(
    cls=GroupedCommand,
    name="layers",
    short_help="Thickness and profile of an engineered layer.",
)
@crystal_options
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    default=["linear", "exponential"],
    show_default=True,
    metavar="NAME|FRACTIONS",
    help="linear: equal steps of the mean mass; exponential: equal factors; bridge: the geometric mean of "
    "both masses throughout; superlattice: two layers of RIGHT and of LEFT in turn; or the fractions "
    "of RIGHT by atomic plane, e.g. 0.2,0.5,0.8. Repeatable.",
)
@click.option(
    "--layers",
    "planes",
    multiple=True,
    default=["2:8:2"],
    show_default=True,
    metavar="N|START:STOP:STEP",
    help="Atomic planes of the layer; repeatable.",
)
@click.option(
    "--interlayer",
    multiple=True,
    metavar="EL=NEW[:AMU]",
    help="A layer of a third material on the same lattice, too: NEW in place of each EL; repeatable. By the "
    "potential.",
)
@study_options
@process_options("the work")
def command(**options: Any) -> None:
    """Conductance with a graded or engineered layer between two crystals of one structure.

    The layer consists of virtual crystals: in each atomic plane the means of both crystals' masses and force
    constants, exact where only masses differ. Beside the gain over the abrupt interface stand that of
    acoustic mismatch through the same layers, and the ratio to the larger of acoustic and diffuse mismatch
    (AMM, DMM) of the abrupt interface.

    \b
    Example:
      latmm study layers structures/si.cif structures/si.cif --right-mass Si=112.3 --layers 4:16:4 -T 20
    """
    temperatures = temperature_list(options["temperature"])
    planes = whole_numbers(options["planes"], "--layers")
    lists = {p: fractions(p, "--profile") for p in options["profiles"] if p not in LAYER_PROFILES}
    third = _third(options["interlayer"])
    if third and is_finished(options):
        raise click.UsageError("--interlayer needs a potential, which phonopy calculations do not have")
    check_outputs(options)
    check_scaling(options)
    tree = _run(options, temperatures, planes, lists, third)
    report(options, tree, _plain(tree), table(tree))


def _run(
    options: dict[str, Any],
    temperatures: list[float],
    planes: list[int],
    lists: dict[str, list[float]],
    third: dict[str, tuple[str, float]],
) -> "xr.DataTree":
    from latmm.plotting.studies import layers_figure
    from latmm.sampling.meshes import check_sampling
    from latmm.studies.designs import design, listed, third_material
    from latmm.studies.layers import layer_study

    kmesh = LAYERS.kmesh if options["kmesh"] is None else options["kmesh"]
    frequencies = LAYERS.frequencies if options["frequencies"] is None else options["frequencies"]
    check_sampling(kmesh, frequencies)
    with working(options) as how:
        interface = interface_of(options, how)
        designs = [listed(lists[p]) for p in options["profiles"] if p in lists] + [
            design(p, n, interface) for p in options["profiles"] if p not in lists for n in planes
        ]
        potential = None
        if third:
            designs += [third_material(third, n) for n in planes]
            potential = potential_of(options, interface, {new for new, _ in third.values()})
        with keeping(options, how if potential is None else for_forces(options, potential, how)) as how:
            tree = layer_study(
                interface,
                designs,
                temperatures,
                potential=potential,
                relax=options["relax"],
                kmesh=kmesh,
                frequencies=frequencies,
                how=how,
            )
            write_files(options, tree, interface, layers_figure)
    return tree


def _third(values: tuple[str, ...]) -> dict[str, tuple[str, float]]:
    """Read the replacements of a third material, with standard atomic masses where none is given."""
    from ase.data import atomic_masses, atomic_numbers

    found = {}
    for old, text in assignments(values, "--interlayer").items():
        new, _, mass = text.partition(":")
        try:
            found[old] = (new, float(mass) if mass else float(atomic_masses[atomic_numbers[new]]))
        except (KeyError, ValueError):
            raise click.BadParameter(
                f"{old}={text} must be EL=NEW or EL=NEW:AMU, e.g. Si=Ge or Si=Ge:72.6",
                param_hint="--interlayer",
            ) from None
    return found


def table(tree: "xr.DataTree") -> str:
    """Lines of the abrupt contact, then one row for each design and temperature."""
    models, designs = (tree[name].to_dataset() for name in ("models", "designs"))
    names = [str(name) for name in models["model"].values]
    lines = ["abrupt contact, conductance (MW m⁻² K⁻¹)", f"{'T (K)':>9}" + "".join(f"{n:>12}" for n in names)]
    for i, t in enumerate(models["temperature"].values):
        values = models["conductance"].values[:, i] / 1e6
        lines.append(f"{t:>9g}" + "".join(f"{g:>12.5g}" for g in values))
    lines += [
        "",
        f"{'T (K)':>9}{'profile':>14}{'planes':>8}{'G':>12}{'gain':>10}{'continuum':>11}{'G/mismatch':>12}",
    ]
    for i, t in enumerate(designs["temperature"].values):
        values = designs["conductance"].values[:, i]
        best = int((values > values.max() * (1.0 - 1e-9)).argmax())  # of equal ones the first
        for j in range(designs.sizes["design"]):
            name = str(designs["profile"].values[j])
            lines.append(
                f"{t:>9g}{name if len(name) < 14 else 'listed':>14}{int(designs['planes'].values[j]):>8d}"
                f"{designs['conductance'].values[j, i] / 1e6:>12.5g}{designs['gain'].values[j, i]:>10.4g}"
                f"{designs['continuum_gain'].values[j, i]:>11.4g}"
                f"{designs['over_mismatch'].values[j, i]:>12.4g}{'  best' if j == best else ''}"
            )
    lines.append("G/mismatch: over the larger of AMM and DMM of the abrupt contact")
    return "\n".join(lines)


def _known(value: float) -> float | None:
    return float(value) if value == value else None


def _plain(tree: "xr.DataTree") -> dict[str, Any]:
    models, designs = (tree[name].to_dataset() for name in ("models", "designs"))
    names = ("conductance", "gain", "continuum_conductance", "continuum_gain", "over_mismatch")
    return {
        "temperature": models["temperature"].values.tolist(),
        "conductance": {
            str(m): models["conductance"].sel(model=m).values.tolist() for m in models["model"].values
        },
        "designs": [
            {
                "profile": str(designs["profile"].values[j]),
                "planes": int(designs["planes"].values[j]),
                **{name: [_known(x) for x in designs[name].values[j]] for name in names},
                **{name: _known(designs[name].values[j]) for name in ("residual_force", "region_stability")},
            }
            for j in range(designs.sizes["design"])
        ],
        "limits": json.loads(tree.attrs["limits"]),
        "checks": json.loads(tree.attrs["checks"]),
    }
