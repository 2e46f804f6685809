"""Systems that several test modules share; each is built once a session and must not be changed."""

import gc
import os
import signal
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

import pytest
from ase import Atoms
from phonopy import Phonopy

from latmm.interface.build import Interface, build_interface
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
from latmm.lattice.space_group import primitive_cell
from latmm.potentials.calculators import Potential, resolve_potential
from latmm.potentials.relaxation import relax_crystal
from latmm.structures import read_structure

os.environ["LATMM_CACHE"] = ""  # tests compute all forces and leave the user's cache alone
# shells start background jobs with interrupts ignored, and children would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with the most slow tests come first: processes that share the work end with short ones."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def pytest_collection_finish() -> None:
    """Seldom let the garbage collector look at all modules and tests, which stay until the end."""
    gc.set_threshold(100_000, 50, 50)


@dataclass(frozen=True)
class Crystal:
    """A relaxed crystal, phonopy's calculation of it, and the table of force constants."""

    atoms: Atoms
    potential: Potential
    phonopy: Phonopy
    constants: ForceConstants


@pytest.fixture(scope="session")
def structure():
    """Crystal of a bundled file: structure("si", {"Si": 72.63})."""
    return lambda name, masses=None: read_structure(str(files("latmm_structures") / f"{name}.cif"), masses)


@pytest.fixture(scope="session")
def stillinger_weber() -> Potential:
    return resolve_potential("sw", ["Si", "Ge"])


@pytest.fixture(scope="session")
def argon_springs() -> Potential:
    """Argon of first and second neighbours only (5.3 Å): cheap, and two layers deep on (001)."""
    return resolve_potential("lj", ["Ar"], {"cutoff": 6.0})


def _crystal(atoms: Atoms, potential: Potential, supercell: tuple[int, int, int] | None = None) -> Crystal:
    relaxed = relax_crystal(primitive_cell(atoms), potential.calculator, name="the crystal")
    matrix = choose_supercell(relaxed, potential.reach, supercell)
    phonon = finite_displacements(relaxed, potential, supercell=matrix)
    return Crystal(relaxed, potential, phonon, force_constant_table(phonon, relaxed))


@pytest.fixture(scope="session")
def silicon(structure, stillinger_weber) -> Crystal:
    return _crystal(structure("si"), stillinger_weber)


@pytest.fixture(scope="session")
def argon(structure, argon_springs) -> Crystal:
    return _crystal(structure("ar"), argon_springs)


@pytest.fixture(scope="session")
def aluminium(structure) -> Crystal:
    """Effective medium aluminium in a supercell smaller than its reach: all images share a boundary."""
    return _crystal(structure("al"), resolve_potential("emt", ["Al"]), (2, 2, 2))


@pytest.fixture(scope="session")
def perfect_silicon(structure, stillinger_weber) -> Interface:
    """Silicon on silicon, (001)."""
    return build_interface(structure("si"), structure("si"), (0, 0, 1), stillinger_weber)


@pytest.fixture(scope="session")
def perfect_silicon_111(structure, stillinger_weber) -> Interface:
    return build_interface(structure("si"), structure("si"), (1, 1, 1), stillinger_weber)


@pytest.fixture(scope="session")
def perfect_argon(structure, argon_springs) -> Interface:
    """Argon on argon, (001): principal layers of two atomic layers."""
    return build_interface(structure("ar"), structure("ar"), (0, 0, 1), argon_springs)


@pytest.fixture(scope="session")
def heavy_silicon(structure, stillinger_weber) -> Interface:
    """Silicon on silicon of germanium's mass, (001)."""
    return build_interface(structure("si"), structure("si", {"Si": 72.63}), (0, 0, 1), stillinger_weber)


@pytest.fixture(scope="session")
def silicon_germanium(structure, stillinger_weber) -> Interface:
    """Germanium strained to silicon, (001)."""
    return build_interface(structure("si"), structure("ge"), (0, 0, 1), stillinger_weber)
