"""Print every choice among equals on cells that are rattled by rounding: run by test_ties.py in processes."""

import json
import sys

import numpy as np
from ase import Atoms
from ase.build import bulk
from modes_systems import contact, diamond, fcc

from latmm.continuum.angles import incidence_anisotropic
from latmm.continuum.media import Medium, rotation_to_normal
from latmm.disorder.sites import levels, vacancies
from latmm.geometry.coincidence import coincidences, matched_of
from latmm.geometry.cuts import planar_operations, terminations
from latmm.geometry.matching import match
from latmm.geometry.orientation import gauss_reduce, orient
from latmm.interface.recognition import recognise
from latmm.interface.registration import register
from latmm.interface.registry import Registry, scan_registry, shift_lattice
from latmm.interface.slab import build_slab
from latmm.interface.symmetry import layer_operations, reciprocal_rotations
from latmm.lattice.dynamics import phonons
from latmm.lattice.recast import find_setting
from latmm.lattice.space_group import conventional_vectors
from latmm.modes.brillouin import branch_labels, first_zone
from latmm.modes.fields import incident_wave
from latmm.modes.q_mesh import transmissivity
from latmm.modes.resolved import resolve
from latmm.modes.transport import _frame
from latmm.potentials.calculators import resolve_potential
from latmm.sampling.meshes import reduced_mesh
from latmm.units import TWO_PI

SIZE = 1e-12
"""Rotation (radians) and rattling (Å) of the cells: some thousand times the last bit."""
PLANES = [(0, 0, 1), (1, 1, 1), (1, 1, 0), (2, 1, 1)]


def wurtzite() -> Atoms:
    return bulk("GaN", "wurtzite", a=3.19, c=5.19, u=0.377)


def zincblende(symbols: str, a: float) -> Atoms:
    return bulk(symbols, "zincblende", a=a)


def turned(a: float) -> Atoms:
    """An fcc crystal in the tetragonal cell whose conventional one lies at 45° to x and y."""
    r = a / np.sqrt(2.0)
    return Atoms("Al2", cell=[r, r, a], scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], pbc=True)


class Noise:
    """Rotation and rattling, drawn anew for each cell."""

    def __init__(self, seed: int, size: float) -> None:
        self._rng, self._size = np.random.default_rng(seed), size

    def __call__(self, atoms: Atoms) -> Atoms:
        x, y, z = self._rng.uniform(-self._size, self._size, 3)
        turn = np.eye(3) + np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        found = atoms.copy()
        found.set_cell(atoms.cell.array @ turn + self._rng.uniform(-self._size, self._size, (3, 3)))
        found.set_positions(
            atoms.get_positions() @ turn + self._rng.uniform(-self._size, self._size, (len(atoms), 3))
        )
        return found

    def numbers(self, values):
        return np.asarray(values) + self._rng.uniform(-self._size, self._size, np.shape(values))


def cell(atoms: Atoms) -> dict:
    places = atoms.get_scaled_positions(wrap=False)
    return {"numbers": atoms.numbers.tolist(), "floats": [*atoms.cell.array.ravel(), *places.ravel()]}


def geometry(noise: Noise) -> dict:
    found = {}
    crystals = {
        "si": bulk("Si", a=5.431),
        "si8": bulk("Si", cubic=True, a=5.431),
        "gan": wurtzite(),
        "gaas": zincblende("GaAs", 5.653),
        "turned": turned(4.05),
        "hcp": bulk("Mg"),
    }
    for name, crystal in crystals.items():
        for plane in PLANES:
            oriented = orient(noise(crystal), plane)
            cuts = terminations(noise(oriented))
            found[f"{name} {plane}"] = cell(oriented) | {
                "cuts": [(c.below, c.above, c.multiplicity) for c in cuts],
                "operations": planar_operations(noise(oriented)).tolist(),
            }
        found[f"setting {name}"] = (
            (conventional_vectors(noise(crystal)) @ crystal.cell.array).round(6).tolist()
        )
    for name, vectors in {
        "square": [[2.0, 0.0], [0.0, 2.0]],
        "sheared square": [[2.0, 2.0], [0.0, 2.0]],
        "hexagonal": [[1.0, 0.0], [0.5, 0.75**0.5]],
        "rhombic": [[3.0, 1.0], [3.0, -1.0]],
    }.items():
        found[f"reduced {name}"] = {"floats": gauss_reduce(noise.numbers(vectors)).ravel().tolist()}
    return found


def joined(noise: Noise) -> dict:
    found = {}
    for plane in PLANES[:3]:
        left, right = (orient(noise(bulk(s, a=a)), plane) for s, a in (("Si", 5.431), ("Ge", 5.658)))
        found[f"matched {plane}"] = cell(match(left, right).right)
    left, right = orient(noise(bulk("Al")), (1, 1, 1)), orient(noise(bulk("Si", a=5.431)), (0, 0, 1))
    for twist in ((15.0, 15.0), None):
        cells = coincidences(left, right, max_area=110.0, max_strain=0.06, twist=twist)
        found[f"coincidences {twist}"] = [
            [c.lateral_left.tolist(), c.lateral_right.tolist(), c.atoms] for c in cells
        ] + [{"floats": [x for c in cells for x in (c.twist, c.strain, *c.cell.ravel())]}]
    matched = matched_of(cells[0], left, right)
    found["shifts"] = {"floats": shift_lattice(matched).ravel().tolist()}
    slab = build_slab(matched, (2, 2))
    operations = layer_operations(noise(slab.atoms))
    found["layer group"] = [[op.rotation.tolist(), op.image.tolist(), op.shift.tolist()] for op in operations]
    region = noise(slab.atoms)
    named = register(region, matched)
    found["region"] = [named.side.tolist(), named.layer.tolist(), named.member.tolist(), named.cell.tolist()]
    drawn = vacancies(named, named.within((1, 1)), 0.3, np.random.default_rng(3))
    found["drawn"] = [
        drawn.member.tolist(),
        drawn.cell.tolist(),
        levels(noise(left)).tolist(),
        levels(right).tolist(),
    ]
    superlattice = slab.atoms.copy()
    superlattice.cell[2, 2] -= 10.0
    called = recognise(noise(superlattice), matched)
    found["recognised"] = [
        called.basis.tolist(),
        sorted([*map(list, called.left.items())]),
        sorted([*map(list, called.right.items())]),
    ]
    rotations = reciprocal_rotations(operations)
    found["k"] = [(reduced_mesh((4, 4), 1.0, rotations)[0] * 16).round(6).tolist()]
    energies = noise.numbers([0.2, 0.1, 0.3, 0.1, 0.1])
    found["best"] = Registry(np.eye(2), np.arange(15.0).reshape(5, 3), energies).best.tolist()
    return found


def scanned(noise: Noise) -> dict:
    left, right = (orient(noise(bulk(s, a=a)), (0, 0, 1)) for s, a in (("Al", 4.05), ("Al", 4.05)))
    potential = resolve_potential("lj", ["Al"], {"epsilon": 0.1, "sigma": 2.55, "cutoff": 5.0})
    best = scan_registry(match(left, right), potential).best
    return {"registry": best[:2].round(6).tolist()}


def labelled(noise: Noise) -> dict:
    found = {}
    for name, crystal in {"diamond": diamond(), "fcc": fcc((1, 1, 1))}.items():
        system = contact(crystal, 2.0)
        zone = [[0.5, 0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0.5], [0.5, 0.25, 0.75], [0, 0, 0.5], [0, 0, 0.2]]
        q = noise.numbers([*zone, [0.0, 0.0, 0.0], [0.2, 0.2, 0.0], [0.375, 0.375, 0.75]])
        nearest = first_zone(crystal, q)
        modes = phonons(crystal, q)
        table = transmissivity(system, "left", q)
        found[f"bands {name}"] = {
            "labels": branch_labels(crystal, nearest).tolist(),
            "floats": [*nearest.ravel(), *modes.group_velocity[:, :, 2].ravel()],
            "loose": [
                *table["transmissivity"].values[4:6].ravel(),
                *table["group_velocity"].values[4:6].ravel(),
            ],
        }
        k = np.zeros((1, 2))
        nu = np.array([0.3 * modes.frequency.max()])
        met = resolve(system, k, nu).incoming[0]
        found[f"modes {name}"] = {
            "labels": [met.mode.tolist(), met.branch.tolist(), (met.group - met.group.min()).tolist()],
            "loose": [*met.longitudinal, *met.group_velocity.ravel(), *met.wave_vector.ravel()],
        }
        junction = system.junction(k)
        for mode in range(3):
            field = np.concatenate(incident_wave(junction, TWO_PI * nu[0], mode, "left"))
            found[f"wave {name} {mode}"] = {"loose": [*field.real, *field.imag]}
    return found


def settings(noise: Noise) -> dict:
    found = {}
    for name, crystal in {"si": bulk("Si", a=5.431), "gan": wurtzite()}.items():
        target = orient(crystal, (0, 0, 1))
        setting = find_setting(noise(crystal), noise(target))
        found[f"recast {name}"] = [setting.basis.tolist(), setting.order.tolist(), setting.cells.tolist()]
        turn, axes = _frame(noise(crystal), noise(target), np.array([0, 0, 1]))
        found[f"frame {name}"] = [turn.tolist(), {"floats": axes.ravel().tolist()}]
    media = [Medium.from_force_constants(crystal) for crystal in (diamond(), fcc())]
    shares = incidence_anisotropic(*media, noise.numbers([0.0, 10.0]) + SIZE)
    found["shares"] = {"loose": shares["transmissivity"].values.ravel().tolist()}
    found["axes"] = {"floats": rotation_to_normal(noise.numbers([1.0, 1.0, 1.0])).ravel().tolist()}
    return found


def choices(seed: int) -> dict:
    noise = Noise(seed, 0.0 if seed == 0 else SIZE)
    found = geometry(noise) | joined(noise) | labelled(noise) | settings(noise)
    return found | scanned(noise) if seed < 2 else found


if __name__ == "__main__":
    print(json.dumps([choices(seed) for seed in range(int(sys.argv[1]))]))
