"""``latmm elastic``: elastic constants and speeds of sound of a crystal."""

import json
from typing import TYPE_CHECKING, Any

import click

from .crystal import crystal_of, one_crystal_options
from .groups import GroupedCommand
from .options import note
from .outputs import check_outputs, run_attributes

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command"]


@click.command(
    cls=GroupedCommand, name="elastic", short_help="Elastic constants and speeds of sound of a crystal."
)
@click.option(
    "--normal",
    "planes",
    type=int,
    nargs=3,
    multiple=True,
    default=[(1, 0, 0), (1, 1, 0), (1, 1, 1)],
    metavar="H K L",
    help="Plane, by Miller indices of the conventional cell, along whose normal speeds of sound are given; "
    "repeatable.  [default: 1 0 0, 1 1 0, 1 1 1]",
)
@one_crystal_options
def command(**options: Any) -> None:
    """Elastic constants of a crystal from its force constants, with moduli and speeds of sound.

    CRYSTAL is a structure file or a finished phonopy calculation. Axes: x along a, z normal to a and b of the
    conventional cell; stiffness at zero electric field.

    \b
    Example:
      latmm elastic structures/si.cif --normal 1 0 0 --normal 1 1 1
    """
    import xarray as xr

    from latmm.continuum.crystal import elastic_dataset
    from latmm.results import write

    check_outputs(options)
    crystal, source = crystal_of(options)
    found = elastic_dataset(crystal, options["planes"])
    found.attrs.update(
        title="Elastic constants of a crystal",
        potential=source,
        **run_attributes(options, {"crystal": options["left"]}),
    )
    if options["output"]:
        write(xr.DataTree(found), options["output"])
        note(options, f"wrote {options['output']}")
    click.echo(json.dumps(_plain(found)) if options["as_json"] else _text(found))


def _plain(found: "xr.Dataset") -> dict[str, Any]:
    """Every variable as plain numbers, and their units."""
    return {
        **{str(name): found[name].values.tolist() for name in found.variables},
        "units": {str(name): found[name].attrs["units"] for name in found.variables},
    }


def _text(found: "xr.Dataset") -> str:
    lines = [f"{found.attrs['formula']}: stiffness C (GPa), Voigt's order xx, yy, zz, yz, xz, xy"]
    lines += ["".join(f"{value:10.2f}" for value in row + 0.0) for row in found["stiffness"].values.round(2)]
    lines.append(f"density {float(found['density']):.4f} g cm⁻³")
    lines += ["", f"{'modulus':<22}" + "".join(f"{name:>10}" for name in found["bound"].values)]
    for name, unit, digits in (
        ("bulk_modulus", "GPa", 2),
        ("shear_modulus", "GPa", 2),
        ("young_modulus", "GPa", 2),
        ("poisson_ratio", "", 4),
    ):
        label = f"{name.replace('_', ' ')} {unit and f'({unit})'}"
        lines.append(f"{label:<22}" + "".join(f"{value:10.{digits}f}" for value in found[name].values))
    lines += ["", "speeds of sound (km/s)"]
    lines += [
        f"{f'normal of ({plane})':<22}" + "".join(f"{value:10.4f}" for value in row)
        for plane, row in zip(found["plane"].values, found["sound_speed"].values, strict=True)
    ]
    longitudinal, transverse = found["sound_speed_isotropic"].values
    lines.append(f"{'isotropic average':<22}{transverse:10.4f}{transverse:10.4f}{longitudinal:10.4f}")
    lines.append(f"Debye temperature {float(found['debye_temperature']):.1f} K")
    return "\n".join(lines)
