"""``latmm plot``: figures of a stored result."""

import click

from .groups import GroupedCommand
from .options import note, temperature_list, units_option
from .outputs import check_outputs, replace_option

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="plot",
    short_help="Figures of a stored result.",
)
@click.argument("result", metavar="FILE", type=click.Path())
@click.argument("figures", metavar="[FIGURE]...", nargs=-1)
@click.option("-o", "--output", "plot", type=click.Path(), help="The figure (pdf, png, svg, ...).")
@click.option("--data", "csv_file", type=click.Path(), help="What is drawn, as CSV.")
@click.option(
    "-T",
    "--temperature",
    multiple=True,
    metavar="K|START:STOP:STEP",
    help="Temperatures to mark, in K, in place of those of the result; repeatable.",
)
@units_option
@replace_option
@click.option("-q", "--quiet", is_flag=True, help="No notes on stderr.")
def command(
    result: str,
    figures: tuple[str, ...],
    plot: str | None,
    csv_file: str | None,
    temperature: tuple[str, ...],
    units: str,
    force: bool,
    quiet: bool,
) -> None:
    """Draw figures of a stored result, a panel each; without a name, all that it can give.

    Conductances are drawn smooth from the stored Ξ(ν), also at temperatures that were not asked for when it
    was computed. Without -o and --data, the figures that FILE can give are listed.

    \b
    Example:
      latmm amm --left-medium al --right-medium sapphire -T 20:300:20 -o plot-me.nc
      latmm plot plot-me.nc conductance-log spectrum --units meV -o al-sapphire.pdf --data al-sapphire.csv
    """
    from latmm.checks import loads
    from latmm.plotting.conductance import save
    from latmm.plotting.stored import FIGURES, draw, figures_of, write_data
    from latmm.results import read

    options = {"result": result, "plot": plot, "csv_file": csv_file, "force": force, "quiet": quiet}
    check_outputs(options)
    tree = read(result)
    if plot is None and csv_file is None:
        for name in figures_of(tree):
            click.echo(f"{name:<17}{FIGURES[name].title}")
        return
    figure = draw(tree, figures or None, frequency=units, temperature=temperature_list(temperature))
    if plot is not None:
        save(figure, plot, loads(tree.attrs.get("checks", "{}")))
        note(options, f"wrote {plot}")
    if csv_file is not None:
        write_data(figure, csv_file)
        note(options, f"wrote {csv_file}")
