"""``latmm converge``: the lattice's conductance on finer and finer samplings, with its uncertainty."""

import math
from typing import TYPE_CHECKING, Any

import click

from .checking import check_lines, conclude, marked
from .crystals import crystal_options, interface_of
from .groups import GroupedCommand
from .numbers import TOLERANCE
from .options import note, temperature_list, temperature_option
from .outputs import check_outputs, replace_option
from .scaling import check_scaling, scaling_options, working

if TYPE_CHECKING:
    from latmm.sweep.refinement import Level

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="converge",
    short_help="How many samples a conductance needs.",
)
@crystal_options
@temperature_option
@click.option(
    "--tol", type=TOLERANCE, default=0.01, show_default=True, help="Relative error of G at which to stop."
)
@click.option("--plot", type=click.Path(), help="Figure: conductance of every sampling with its uncertainty.")
@replace_option
@scaling_options
def command(**options: Any) -> None:
    """Sample the lattice more and more finely until the uncertainty of G is within the tolerance.

    Prints a line for each sampling: its k∥ mesh and frequencies, the samples (k∥, ν) and the seconds it took,
    and G in MW m⁻² K⁻¹ with its uncertainty at every temperature.

    \b
    Example:
      latmm converge structures/si.cif structures/ge.cif -T 50 -T 300 --tol 0.005
    """
    from latmm.sweep.refinement import check_tolerance, levels

    temperatures = temperature_list(options["temperature"])
    check_tolerance(options["tol"])
    check_outputs(options)
    check_scaling(options)
    with working(options) as how:
        interface = interface_of(options, how)
        click.echo(
            f"{'k∥':>9} {'ν':>5} {'samples':>9} {'s':>7}" + "".join(f"{f'{t:g} K':>22}" for t in temperatures)
        )
        found = levels(
            interface,
            temperatures,
            options["tol"],
            how=how,
        )
        solved = []
        for level in found:
            click.echo(_row(level))
            solved.append(level)
    checks = marked(options, interface.checks)
    if options["plot"]:
        from latmm.plotting.conductance import heading, save
        from latmm.plotting.convergence import convergence_figure

        figure = convergence_figure(solved, temperatures, options["tol"])
        save(figure, options["plot"], checks, above=heading(interface))
        note(options, f"wrote {options['plot']}")
    for line in check_lines(checks):
        click.echo(line)
    conclude(checks)


def _row(level: "Level") -> str:
    n, m = level.sampling.kmesh
    cells = "".join(
        f"{with_error(g, error):>22}"
        for g, error in zip(level.conductance / 1e6, level.error / 1e6, strict=True)
    )
    return (
        f"{f'{n}×{m}':>9} {level.sampling.frequencies:>5} {level.solved.samples:>9} {level.seconds:>7.1f}"
        + cells
    )


def with_error(value: float, error: float) -> str:
    """Write a value and its error with two digits of the error: 283.1 ± 1.4."""
    if not (error > 0 and math.isfinite(error) and math.isfinite(value)):
        return f"{value:.5g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.3e} ± {error:.1e}" if digits > 6 else f"{value:.{digits}f} ± {error:.{digits}f}"
