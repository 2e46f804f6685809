"""``latmm export``: transmissivities in the order of phono3py's or ShengBTE's phonons."""

from typing import Any

import click

from .groups import GroupedCommand
from .outputs import check_outputs, replace_option

__all__ = ["command"]


@click.command(
    cls=GroupedCommand, name="export", short_help="Transmissivities on the phonons of phono3py or ShengBTE."
)
@click.argument("result", type=click.Path())
@click.argument("phonons", type=click.Path())
@click.option(
    "--cell",
    type=click.Path(),
    required=True,
    help="Primitive cell of that calculation: phono3py.yaml, or a structure file.",
)
@click.option("--side", type=click.Choice(["left", "right"]), default="left", show_default=True)
@click.option("-o", "--output", type=click.Path(), required=True, help="HDF5 (netCDF-4) file to write.")
@replace_option
def command(result: str, phonons: str, cell: str, side: str, output: str, force: bool) -> None:
    """Write the transmissivities of RESULT on the phonons of a transport calculation of one crystal.

    RESULT is a file of `latmm transmissivity --gamma --mesh N N N`; PHONONS is phono3py's kappa-mNNN.hdf5
    or the folder of ShengBTE's BTE.* files, with the same N.

    \b
    Example:
      latmm transmissivity structures/si.cif structures/si.cif --potential sw --gamma --mesh 12 12 12 -o t.nc
      latmm export t.nc kappa-m121212.hdf5 --cell phono3py.yaml --side left -o t-left.hdf5
    """
    import xarray as xr

    from latmm.errors import InputError
    from latmm.modes.transport import on_transport_mesh, read_cell, read_phonons
    from latmm.results import read, write

    inputs: dict[str, Any] = {"result": result, "phonons": phonons, "cell": cell}
    check_outputs({**inputs, "output": output, "force": force})
    tree = read(result)
    if side not in tree.children or "normal" not in tree[side].attrs:
        raise InputError(f"{result} is no result of latmm transmissivity; make one with --gamma --mesh N N N")
    normal = [int(n) for n in tree[side].attrs["normal"]]
    table = on_transport_mesh(tree, side, read_phonons(phonons), read_cell(cell), normal)
    table.attrs.update(inputs)
    write(xr.DataTree(table), output)
    click.echo(
        f"wrote {output}: {table.sizes['qpoint']} wave vectors × {table.sizes['branch']} branches; "
        f"frequencies differ by {table.attrs['frequency_difference']:.1e} of the largest"
    )
