"""latmm: heat flow across interfaces between crystals, lattice dynamics against continuum models.

The names below are the whole of a usual script; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latmm.comparison import compare
    from latmm.continuum.combined import Side
    from latmm.continuum.crystal import elastic_dataset, heat_capacity, phonon_dataset
    from latmm.continuum.layers import Layer
    from latmm.continuum.library import medium
    from latmm.continuum.media import Medium
    from latmm.continuum.results import layered_mismatch, mismatch
    from latmm.disorder.kinds import disorder_of
    from latmm.experiment.beside import put_beside
    from latmm.experiment.table import measurements, read_measurements
    from latmm.geometry.coincidence import CommonCell, coincidences
    from latmm.geometry.matching import Misfit
    from latmm.geometry.orientation import orient
    from latmm.inelastic.rate_files import resolve_rates
    from latmm.inelastic.result import inelastic_conductance
    from latmm.interface.build import assemble_interface, build_interface, join_crystals, match_crystals
    from latmm.interface.interface import Interface
    from latmm.interface.mixing import mix_interface
    from latmm.interface.region_file import read_region, write_region
    from latmm.interface.superlattice import superlattice_interface
    from latmm.interface.tiling import tile
    from latmm.lattice.bulk import bulk_force_constants
    from latmm.lattice.dynamics import density_of_states, phonons
    from latmm.lattice.force_constants import ForceConstants
    from latmm.lattice.phonopy_files import read_phonopy
    from latmm.modes.fields import local_density_of_states
    from latmm.modes.maps import scattering_map
    from latmm.modes.q_mesh import transmissivities
    from latmm.modes.table import mode_table
    from latmm.parallel.cluster import dask_cluster
    from latmm.parallel.execution import Execution
    from latmm.parallel.executors import local_processes
    from latmm.potentials.calculators import resolve_potential
    from latmm.potentials.protocol import Potential
    from latmm.results import read, summary, write
    from latmm.spread import mixing_spread, potential_spread
    from latmm.structures import read_structure
    from latmm.studies.designs import design
    from latmm.studies.ensembles import Draws, ensemble
    from latmm.studies.layers import layer_study
    from latmm.studies.parameters import parameter_study
    from latmm.sweep.checkpoint import Checkpoint

__version__ = "0.1.0.dev0"

__all__ = [
    # crystals, potentials, force constants and phonons
    "read_structure",
    "resolve_potential",
    "Potential",
    "ForceConstants",
    "bulk_force_constants",
    "read_phonopy",
    "phonons",
    "density_of_states",
    "heat_capacity",
    "phonon_dataset",
    "elastic_dataset",
    # media
    "Medium",
    "medium",
    "Side",
    "Layer",
    "mismatch",
    "layered_mismatch",
    # interfaces
    "Interface",
    "build_interface",
    "match_crystals",
    "Misfit",
    "CommonCell",
    "join_crystals",
    "orient",
    "coincidences",
    "mix_interface",
    "superlattice_interface",
    "assemble_interface",
    "tile",
    "read_region",
    "write_region",
    # conductance
    "compare",
    "mixing_spread",
    "potential_spread",
    "inelastic_conductance",
    "resolve_rates",
    # modes
    "transmissivities",
    "mode_table",
    "scattering_map",
    "local_density_of_states",
    # studies
    "ensemble",
    "Draws",
    "disorder_of",
    "layer_study",
    "parameter_study",
    "design",
    # how it is run
    "Execution",
    "local_processes",
    "dask_cluster",
    "Checkpoint",
    # results and measurements
    "read",
    "write",
    "summary",
    "measurements",
    "read_measurements",
    "put_beside",
]

_HOME = {
    "read_structure": "latmm.structures",
    "resolve_potential": "latmm.potentials.calculators",
    "Potential": "latmm.potentials.protocol",
    "ForceConstants": "latmm.lattice.force_constants",
    "bulk_force_constants": "latmm.lattice.bulk",
    "read_phonopy": "latmm.lattice.phonopy_files",
    "phonons": "latmm.lattice.dynamics",
    "density_of_states": "latmm.lattice.dynamics",
    "heat_capacity": "latmm.continuum.crystal",
    "phonon_dataset": "latmm.continuum.crystal",
    "elastic_dataset": "latmm.continuum.crystal",
    "Medium": "latmm.continuum.media",
    "medium": "latmm.continuum.library",
    "Side": "latmm.continuum.combined",
    "Layer": "latmm.continuum.layers",
    "mismatch": "latmm.continuum.results",
    "layered_mismatch": "latmm.continuum.results",
    "Interface": "latmm.interface.interface",
    "build_interface": "latmm.interface.build",
    "match_crystals": "latmm.interface.build",
    "join_crystals": "latmm.interface.build",
    "orient": "latmm.geometry.orientation",
    "coincidences": "latmm.geometry.coincidence",
    "mix_interface": "latmm.interface.mixing",
    "superlattice_interface": "latmm.interface.superlattice",
    "assemble_interface": "latmm.interface.build",
    "tile": "latmm.interface.tiling",
    "read_region": "latmm.interface.region_file",
    "write_region": "latmm.interface.region_file",
    "compare": "latmm.comparison",
    "mixing_spread": "latmm.spread",
    "potential_spread": "latmm.spread",
    "inelastic_conductance": "latmm.inelastic.result",
    "resolve_rates": "latmm.inelastic.rate_files",
    "transmissivities": "latmm.modes.q_mesh",
    "mode_table": "latmm.modes.table",
    "scattering_map": "latmm.modes.maps",
    "local_density_of_states": "latmm.modes.fields",
    "ensemble": "latmm.studies.ensembles",
    "disorder_of": "latmm.disorder.kinds",
    "layer_study": "latmm.studies.layers",
    "parameter_study": "latmm.studies.parameters",
    "design": "latmm.studies.designs",
    "CommonCell": "latmm.geometry.coincidence",
    "Misfit": "latmm.geometry.matching",
    "Draws": "latmm.studies.ensembles",
    "Execution": "latmm.parallel.execution",
    "local_processes": "latmm.parallel.executors",
    "dask_cluster": "latmm.parallel.cluster",
    "Checkpoint": "latmm.sweep.checkpoint",
    "read": "latmm.results",
    "write": "latmm.results",
    "summary": "latmm.results",
    "measurements": "latmm.experiment.table",
    "read_measurements": "latmm.experiment.table",
    "put_beside": "latmm.experiment.beside",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'latmm' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
