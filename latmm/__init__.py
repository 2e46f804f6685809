"""latmm: heat flow across interfaces between crystals, lattice dynamics against continuum models.

The names below are the whole of a usual script; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latmm.comparison import compare
    from latmm.interface.build import assemble_interface, build_contact, build_interface, match_crystals
    from latmm.interface.contact_file import read_contact, write_contact
    from latmm.interface.mixing import mix_interface
    from latmm.interface.tiling import tile
    from latmm.lattice.phonopy_files import read_phonopy
    from latmm.potentials.calculators import resolve_potential
    from latmm.results import read, write
    from latmm.spread import potential_spread
    from latmm.structures import read_structure
    from latmm.studies.ensembles import ensemble
    from latmm.studies.layers import layer_study
    from latmm.studies.parameters import parameter_study

__version__ = "0.1.0.dev0"

__all__ = [
    "assemble_interface",
    "build_contact",
    "build_interface",
    "compare",
    "ensemble",
    "layer_study",
    "match_crystals",
    "mix_interface",
    "parameter_study",
    "potential_spread",
    "read",
    "read_contact",
    "read_phonopy",
    "read_structure",
    "resolve_potential",
    "tile",
    "write",
    "write_contact",
]

_HOME = {
    "assemble_interface": "latmm.interface.build",
    "build_contact": "latmm.interface.build",
    "build_interface": "latmm.interface.build",
    "compare": "latmm.comparison",
    "ensemble": "latmm.studies.ensembles",
    "layer_study": "latmm.studies.layers",
    "match_crystals": "latmm.interface.build",
    "mix_interface": "latmm.interface.mixing",
    "parameter_study": "latmm.studies.parameters",
    "potential_spread": "latmm.spread",
    "read": "latmm.results",
    "read_contact": "latmm.interface.contact_file",
    "read_phonopy": "latmm.lattice.phonopy_files",
    "read_structure": "latmm.structures",
    "resolve_potential": "latmm.potentials.calculators",
    "tile": "latmm.interface.tiling",
    "write": "latmm.results",
    "write_contact": "latmm.interface.contact_file",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'latmm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
