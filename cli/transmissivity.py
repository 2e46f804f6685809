"""``latmm transmissivity``: transmissivity of the phonons of a bulk mesh, from two structure files."""

import json
from typing import TYPE_CHECKING, Any

import click

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_running, provenance
from .groups import GroupedCommand
from .options import note, temperature_list, temperature_option
from .outputs import check_outputs, replace_option
from .sharing import work_options

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="transmissivity",
    short_help="Transmissivity of the phonons of a bulk mesh.",
)
@crystal_options
@work_options
@click.option(
    "--mesh",
    type=int,
    nargs=3,
    default=(16, 16, 16),
    show_default=True,
    metavar="N N N",
    help="Points along the reciprocal vectors of each crystal.",
)
@click.option("--gamma", is_flag=True, help="Put a point on Γ, as transport codes do.")
@temperature_option
@click.option("-o", "--output", type=click.Path(), help="Result as netCDF-4 (xarray.open_datatree).")
@click.option("--csv", "csv_file", type=click.Path(), help="t(q, branch) of both sides as CSV.")
@click.option(
    "--plot", type=click.Path(), help="Figure: branch fractions, accumulation, lattice over models."
)
@replace_option
@click.option("--restart", is_flag=True, help="Start anew where a run for this output was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
def command(**options: Any) -> None:
    """Transmissivity of every phonon of a Brillouin-zone mesh of both crystals, beside AMM and DMM.

    Prints the conductances of lattice and models, and where they come from at the last temperature: which
    branches, angles and frequencies. amm-phonons is the elastic transmissivity on the lattice's own phonons,
    amm counts elastic waves, as `latmm amm` does: the one errs in transmissivity, the other in counting too.

    \b
    Example:
      latmm transmissivity structures/si.cif structures/ge.cif --mesh 16 16 16 -o si-ge-phonons.nc
    """
    from latmm.checks import dumps
    from latmm.interface.interface import SIDES
    from latmm.modes.continuum import Continuum, beside_phonons
    from latmm.modes.differences import BY, budget
    from latmm.modes.elastic import elastic_transmission
    from latmm.modes.export import write_phonon_csv
    from latmm.modes.mesh import check_mesh
    from latmm.modes.q_mesh import transmissivities
    from latmm.plotting.conductance import heading, save
    from latmm.plotting.modes import phonon_figure
    from latmm.results import write

    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    check_mesh(options["mesh"])
    with interface_running(options) as (interface, how):
        tree = transmissivities(interface, options["mesh"], centred=options["gamma"], how=how)
        how.report("continuum models", 0, 3)
        continuum = Continuum.of(interface)
        elastic = []
        for side in (0, 1):
            how.report("continuum models", 1 + side, 3)
            elastic.append(elastic_transmission(continuum, side, angles=90))
        tree = beside_phonons(tree, continuum)
        how.report("continuum models", 3, 3)
        checks = marked(options, interface.checks)
        tree.attrs.update({**provenance(options, interface), "checks": dumps(checks)})
        for name, normal in zip(SIDES, interface.normals, strict=True):
            tree[name].attrs["normal"] = list(normal)
        if options["output"]:
            write(tree, options["output"])
            note(options, f"wrote {options['output']}")
    if options["csv_file"]:
        write_phonon_csv(tree, options["csv_file"])
        note(options, f"wrote {options['csv_file']}")
    if options["plot"]:
        save(
            phonon_figure(tree, elastic, temperatures[-1]), options["plot"], checks, above=heading(interface)
        )
        note(options, f"wrote {options['plot']}")
    budgets = {by: budget(tree, elastic, temperatures, by) for by in BY}
    if options["as_json"]:
        click.echo(json.dumps({**_as_json(budgets), "checks": json.loads(dumps(checks))}))
    else:
        click.echo("\n".join([_tables(budgets), *check_lines(checks)]))
    conclude(checks)


def _as_json(budgets: dict[str, "xr.DataArray"]) -> dict[str, Any]:
    """Conductances, W m⁻² K⁻¹: model → side → by temperature; budgets: the same, by temperature and bin."""

    def nested(table: "xr.DataArray") -> dict[str, Any]:
        return {
            str(model): {
                str(side): table.sel(model=model, side=side).values.tolist() for side in table["side"].values
            }
            for model in table["model"].values
        }

    some = next(iter(budgets.values()))
    return {
        "temperature": some["temperature"].values.tolist(),
        "conductance": nested(some.sum(str(some.dims[-1]))),
        "budget": {by: {by: table[by].values.tolist(), **nested(table)} for by, table in budgets.items()},
    }


def _tables(budgets: dict[str, "xr.DataArray"]) -> str:
    """Conductances by temperature, then the fractions of branches, angles and frequencies at the last one."""
    some = next(iter(budgets.values())) / 1e6
    models, sides = [str(m) for m in some["model"].values], [str(s) for s in some["side"].values]

    def row(label: str, cells: "xr.DataArray") -> str:
        values = [cells.sel(side=side, model=model).item() for side in sides for model in models]
        return f"{label:>22}" + "".join(
            f"{v:>{_width(m)}.4g}" for v, m in zip(values, models * 2, strict=True)
        )

    head = f"{'':>22}" + "".join(f"{model:>{_width(model)}}" for model in models * 2)
    span = sum(_width(model) for model in models)
    over = f"{'':>22}" + "".join(f"{'phonons of the ' + side:>{span}}" for side in sides)
    lines = ["conductance (MW m⁻² K⁻¹)", over, head]
    total = some.sum(str(some.dims[-1]))
    lines += [row(f"{t:g} K", total.sel(temperature=t)) for t in total["temperature"].values]
    for by, table in budgets.items():
        last = table.isel(temperature=-1) / 1e6
        lines += ["", f"fractions by {by} at {float(last['temperature']):g} K", head]
        lines += [
            row(label, last.isel({by: i}))
            for i, label in enumerate(_labels(by, last[by].values.tolist()))
            if float(last.isel({by: i}).max()) > 0
        ]
    return "\n".join([*lines, "", *_verdicts(total.isel(temperature=-1))])


def _width(model: str) -> int:
    return max(9, len(model) + 2)


def _labels(by: str, ends: list[float]) -> list[str]:
    """Names of branches, or ranges of angles and frequencies."""
    if by == "branch":
        from latmm.plotting.modes import branch_name

        return [branch_name(int(branch)) for branch in ends]
    unit = "°" if by == "angle" else " THz"
    return [f"{low:.3g} to {high:.3g}{unit}" for low, high in zip([0.0, *ends[:-1]], ends, strict=True)]


def _verdicts(total: "xr.DataArray") -> list[str]:
    """Say of each model how far off it is, and of acoustic mismatch what that is made of."""
    kelvin = f"{float(total['temperature']):g} K"
    lines = []
    for side in total["side"].values:
        g = {str(m): total.sel(model=m, side=side).item() for m in total["model"].values}
        off = {model: f"{100 * (value / g['agf'] - 1):+.0f} %" for model, value in g.items()}
        transmissivity, count = g["amm-phonons"] - g["agf"], g["amm"] - g["amm-phonons"]
        lines.append(
            f"from the {side} at {kelvin}: dmm is off by {off['dmm']}; amm by {off['amm']}: "
            f"{transmissivity:+.0f} by transmissivity, {count:+.0f} by counting elastic waves"
        )
    return lines
