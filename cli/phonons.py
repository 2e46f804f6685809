"""``latmm phonons``: dispersion, density of states, heat capacity and velocities of a crystal."""

import json
from typing import TYPE_CHECKING, Any

import click

from .crystal import crystal_of, one_crystal_options
from .groups import GroupedCommand
from .options import note, temperature_list, temperature_option, units_option
from .outputs import check_outputs, run_attributes

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command"]


@click.command(
    cls=GroupedCommand,
    name="phonons",
    short_help="Phonons of a crystal: dispersion, density of states, heat capacity.",
)
@click.option("--plot", type=click.Path(), help="Figure: dispersion with Debye's lines, density of states.")
@temperature_option
@units_option
@one_crystal_options
def command(**options: Any) -> None:
    """Phonons of a crystal beside Debye's model of it: bands, density of states, heat capacity, velocities.

    CRYSTAL is a structure file or a finished phonopy calculation. The file of -o holds the bands with their
    group velocities along a path through the zone, the density of states, and the heat capacity at every
    temperature.

    \b
    Example:
      latmm phonons structures/si.cif -T 100:500:100 --plot si-phonons.png
    """
    import xarray as xr

    from latmm.continuum.crystal import phonon_dataset
    from latmm.continuum.media import Medium
    from latmm.plotting.conductance import save
    from latmm.plotting.crystal import crystal_figure
    from latmm.results import write
    from latmm.stored import in_units

    temperatures = temperature_list(options["temperature"])
    check_outputs(options)
    crystal, source = crystal_of(options)
    found = phonon_dataset(crystal, Medium.from_force_constants(crystal), temperatures)
    found.attrs.update(
        title="Phonons of a crystal",
        potential=source,
        **run_attributes(options, {"crystal": options["left"]}),
    )
    if options["output"]:
        write(xr.DataTree(found), options["output"])
    shown = in_units(xr.DataTree(found), frequency=options["units"]).to_dataset()
    if options["plot"]:
        save(crystal_figure(shown), options["plot"])
    for path in filter(None, (options["output"], options["plot"])):
        note(options, f"wrote {path}")
    click.echo(json.dumps(_plain(shown)) if options["as_json"] else _text(shown))


_SHOWN = (
    *("temperature", "heat_capacity", "heat_capacity_molar", "heat_capacity_debye", "max_frequency"),
    *("sound_speed_isotropic", "debye_frequency", "debye_temperature", "density"),
)
"""Variables of the JSON object."""


def _plain(found: "xr.Dataset") -> dict[str, Any]:
    return {
        **{name: found[name].values.tolist() for name in _SHOWN},
        "units": {name: found[name].attrs["units"] for name in _SHOWN},
    }


def _text(found: "xr.Dataset") -> str:
    longitudinal, transverse = found["sound_speed_isotropic"].values
    cutoffs = found["debye_frequency"].values
    unit = found["max_frequency"].attrs["units"]
    fastest = float((found["band_group_velocity"] ** 2).sum("axis").max()) ** 0.5
    lines = [
        f"{found.attrs['formula']}: highest frequency {float(found['max_frequency']):.4f} {unit}",
        f"fastest phonon of the path: {fastest:.3f} km/s",
        f"speeds of sound, isotropic average: {longitudinal:.4f} and {transverse:.4f} km/s (longitudinal, "
        "transverse)",
        f"Debye: cut-offs {cutoffs[0]:.3f} and {cutoffs[1]:.3f} {unit}, temperature "
        f"{float(found['debye_temperature']):.1f} K",
        "",
        f"{'T (K)':>9}{'C (J m⁻³ K⁻¹)':>18}{'per mole of atoms (J mol⁻¹ K⁻¹)':>36}"
        f"{'Debye, acoustic (J m⁻³ K⁻¹)':>30}",
    ]
    columns = ("temperature", "heat_capacity", "heat_capacity_molar", "heat_capacity_debye")
    for t, volume, mole, debye in zip(*(found[name].values for name in columns), strict=True):
        lines.append(f"{t:>9g}{volume:>18.5g}{mole:>36.5g}{debye:>30.5g}")
    return "\n".join(lines)
