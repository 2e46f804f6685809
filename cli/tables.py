"""Text tables on stdout."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["conductance_table", "tell_limits"]


def conductance_table(comparison: "xr.Dataset") -> str:
    """Write one row for each temperature and one column for each model, in MW m⁻² K⁻¹.

    A conductance above the limit of the lattice's channels is marked with an asterisk. Below the rows stands
    the largest uncertainty of each model, in percent, where there are any. A ``cubic_prefactor``, where there
    is one, follows as the law of low temperature, in W m⁻² K⁻⁴, and the uncertainty of mixing rules as a
    table of its own.
    """
    table = comparison["conductance"]
    models = [str(name) for name in table["model"].values]
    widths = [max(11, len(name) + 2) for name in models]

    def cells(values: "list[float]", marks: "list[str] | None" = None) -> str:
        """Numbers in their columns; a mark takes the first blank of the next column."""
        text = ""
        for i, (value, width) in enumerate(zip(values, widths, strict=True)):
            before = len(marks[i - 1]) if marks and i else 0
            number = f"{value:.5g}" if value == value else "—"
            text += f"{number:>{width - before}}" + (marks[i] if marks else "")
        return text

    lines = [
        "conductance (MW m⁻² K⁻¹)",
        f"{'T (K)':>9}" + "".join(f"{name:>{w}}" for name, w in zip(models, widths, strict=True)),
    ]
    above = comparison["exceeds_lattice_limit"].values if "exceeds_lattice_limit" in comparison else None
    for i, temperature in enumerate(table["temperature"].values):
        marks = None if above is None else ["*" if mark else "" for mark in above[:, i]]
        lines.append(f"{temperature:>9g}" + cells((table.values[:, i] / 1e6).tolist(), marks))
    if "conductance_error" in comparison and comparison["conductance_error"].notnull().any():
        bars = (comparison["conductance_error"] / table).max("temperature").values
        texts = [f"{100 * bar:.2g}" if bar == bar else "—" for bar in bars]
        percent = "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
        lines.append(f"{'±, %':>9}{percent}  (sampling, at most)")
    if "conductance_potential_uncertainty" in comparison:
        bars = (comparison["conductance_potential_uncertainty"] / table).max("temperature").values
        percent = "".join(f"{100 * bar:>{width}.2g}" for bar, width in zip(bars, widths, strict=True))
        lines.append(f"{'±, %':>9}{percent}  (half the range of the potentials, at most)")
    if "cubic_prefactor" in comparison:
        prefactors = cells(comparison["cubic_prefactor"].values.tolist())
        lines.append(f"{'G/T³, T→0':>9}{prefactors}  (W m⁻² K⁻⁴)")
    for choice, plural in (("mixing", "mixing rules"), ("potential", "potentials")):
        if f"conductance_{choice}_uncertainty" in comparison:
            lines.append(f"± half the range of the {plural} (MW m⁻² K⁻¹)")
            spread = comparison[f"conductance_{choice}_uncertainty"].values.T / 1e6
            for temperature, row in zip(table["temperature"].values, spread, strict=True):
                lines.append(f"{temperature:>9g}" + cells(row.tolist()))
    if "conductance_dipole_change" in comparison:
        lines.append("change by the dipoles, with less without (MW m⁻² K⁻¹)")
        change = comparison["conductance_dipole_change"].values.T / 1e6
        for temperature, row in zip(table["temperature"].values, change, strict=True):
            lines.append(f"{temperature:>9g}" + cells(row.tolist()))
    if "refused" in comparison and comparison["refused"].any():
        lines.append(f"— {comparison['refused'].attrs['long_name']}")
    if above is not None and above.any():
        lines.append(
            "* exceeds the radiation limit of the lattice's channels: the model counts others or is inelastic"
        )
    return "\n".join(lines)


def tell_limits(options: dict[str, Any], tree: "xr.DataTree") -> None:
    """Say once, after a table, what the theory of a result leaves out; nothing if all is to be quiet."""
    if not options["quiet"]:
        click.echo("\n".join(f"limit: {line}" for line in json.loads(tree.attrs["limits"])))
