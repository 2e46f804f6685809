"""Text tables on stdout."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["conductance_table"]


def conductance_table(comparison: "xr.Dataset") -> str:
    """Write one row for each temperature and one column for each model, in MW m⁻² K⁻¹.

    Below them stands the largest error bar of each model, in percent, where there are any. A
    ``cubic_prefactor``, where there is one, follows as the law of low temperature, in W m⁻² K⁻⁴, and the
    uncertainty of mixing rules as a table of its own.
    """
    table = comparison["conductance"]
    models = [str(name) for name in table["model"].values]
    widths = [max(11, len(name) + 2) for name in models]

    def cells(values: "list[float]") -> str:
        return "".join(f"{value:>{width}.5g}" for value, width in zip(values, widths, strict=True))

    lines = [
        "conductance (MW m⁻² K⁻¹)",
        f"{'T (K)':>9}" + "".join(f"{name:>{w}}" for name, w in zip(models, widths, strict=True)),
    ]
    for temperature, row in zip(table["temperature"].values, table.values.T / 1e6, strict=True):
        lines.append(f"{temperature:>9g}" + cells(row.tolist()))
    if "conductance_error" in comparison:
        bars = (comparison["conductance_error"] / table).max("temperature").values
        percent = "".join(f"{100 * bar:>{width}.2g}" for bar, width in zip(bars, widths, strict=True))
        lines.append(f"{'±, %':>9}{percent}  (sampling, at most)")
    if "cubic_prefactor" in comparison:
        prefactors = cells(comparison["cubic_prefactor"].values.tolist())
        lines.append(f"{'G/T³, T→0':>9}{prefactors}  (W m⁻² K⁻⁴)")
    if "conductance_mixing_uncertainty" in comparison:
        lines.append("± half the range of the mixing rules (MW m⁻² K⁻¹)")
        spread = comparison["conductance_mixing_uncertainty"].values.T / 1e6
        for temperature, row in zip(table["temperature"].values, spread, strict=True):
            lines.append(f"{temperature:>9g}" + cells(row.tolist()))
    return "\n".join(lines)
