"""A contact as a file: written with the names of its sites, and read as the explicit region of an interface.

The file is extended XYZ (lengths in Å, masses in amu). Arrays of the atoms: ``side`` (−1 left, 0 neither,
1 right), ``layer``, ``member`` and ``lateral_cell`` (2), as in :class:`latmm.interface.slab.Slab`, and
``masses``. The comment line holds what else is needed to understand it: see :func:`write_region`.
"""

from collections.abc import Mapping
from pathlib import Path

import ase.io
from ase import Atoms

from latmm.files import replacing
from latmm.geometry.matching import Matched
from latmm.interface.interface import Interface
from latmm.interface.registration import register
from latmm.interface.slab import Slab
from latmm.structures import check_contacts, read_atoms

__all__ = ["region_atoms", "read_region", "write_region"]


def region_atoms(interface: Interface, provenance: Mapping[str, str] | None = None) -> Atoms:
    """Atoms of the contact between as much pure crystal as the leads need, with the names of their sites.

    Parameters
    ----------
    interface : Interface
        Its slab.
    provenance : mapping of str to str, optional
        Further entries of the comment line.

    Returns
    -------
    ase.Atoms
        Periodic in the plane, wrapped into the cell. ``info``: units, potential, Miller indices, primitive
        cells (Å), lateral cells in units of them, strains, shift of the right crystal (Å), and how many
        layers belong to the contact.
    """
    slab, matched = interface.slab, interface.matched
    atoms = slab.atoms.copy()
    atoms.pbc = (True, True, False)
    atoms.wrap(eps=1e-6)
    for name, labels in (
        ("side", slab.side),
        ("layer", slab.layer),
        ("member", slab.member),
        ("lateral_cell", slab.cell),
        ("masses", slab.atoms.get_masses()),
    ):
        atoms.set_array(name, labels)
    atoms.info = {
        "units": "angstrom, amu; strain dimensionless",
        "potential": interface.potential,
        "layers_left": interface.layers[0],
        "layers_right": interface.layers[1],
        "shift": slab.shift,
        **(provenance or {}),
    }
    for side, crystal, normal, lateral, strain in (
        ("left", matched.left, interface.normals[0], matched.lateral_left, matched.strain_left),
        ("right", matched.right, interface.normals[1], matched.lateral_right, matched.strain_right),
    ):
        atoms.info[f"normal_{side}"] = " ".join(map(str, normal))
        atoms.info[f"formula_{side}"] = crystal.get_chemical_formula()
        atoms.info[f"primitive_cell_{side}"] = crystal.cell.array
        atoms.info[f"lateral_{side}"] = " ".join(map(str, lateral.ravel().tolist()))
        atoms.info[f"strain_{side}"] = " ".join(f"{value:.10g}" for value in strain.ravel())
    return atoms


def write_region(interface: Interface, path: str | Path, provenance: Mapping[str, str] | None = None) -> None:
    """Write the contact of an interface as extended XYZ, whole or not at all.

    Parameters
    ----------
    interface : Interface
        Its slab, see :func:`region_atoms`.
    path : path
        Destination.
    provenance : mapping of str to str, optional
        Further entries of the comment line.
    """
    with replacing(path) as part:
        ase.io.write(part, region_atoms(interface, provenance), format="extxyz")


def read_region(path: str | Path, matched: Matched, masses: str | None = None) -> Slab:
    """Read an explicit region: any atoms between layers of the two crystals.

    Parameters
    ----------
    path : path
        Any structure file that ASE reads, see :func:`latmm.interface.registration.register`; labels in it are
        not needed and not used.
    matched : Matched
        The crystals and their common lateral cell; the file may be a lateral supercell of it.
    masses : {None, "file", "element"}
        See :func:`latmm.interface.registration.register`.

    Returns
    -------
    Slab
        For ``region`` of :func:`latmm.interface.build.join_crystals`.

    Raises
    ------
    InputError
        If the file cannot be read or its region does not fit.
    """
    atoms = read_atoms(Path(path))
    check_contacts(atoms, f"contact file {path}")
    return register(atoms, matched, name=str(path), masses=masses)
