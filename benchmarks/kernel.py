"""Benchmarks of the Green's-function kernel: speed against the LAPACK floor and its peers, robustness,
scaling.

    python benchmarks/kernel.py speed [--peers DIR] [--sizes 6 12 …] [--passes 5]
    python benchmarks/kernel.py robustness [--realdata DIR]
    python benchmarks/kernel.py scaling [--large]

One BLAS thread. `benchmarks/peers.sh DIR` builds the environments of the peers; without them their columns
stay empty. Speed: Stillinger-Weber silicon against silicon of twice the mass, lateral supercells with
random masses in 4 device layers.
"""

# ruff: noqa: E402  (the thread count must be set before NumPy is loaded)
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from crystals import SILICON_MASS, argon, junction, lead, silicon, wave_vectors

from latmm.agf import FoldedLead, Junction, Lead, scatter, self_energies, transmission
from latmm.agf.forms import GENERAL, Forms
from latmm.errors import LatmmError
from latmm.units import EV_PER_A2_AMU, TWO_PI

HERE = Path(__file__).parent
SUPERCELLS = {6: (1, 1), 12: (2, 1), 24: (2, 2), 48: (4, 2), 96: (4, 4), 192: (8, 4)}
MASSES = (SILICON_MASS, 2 * SILICON_MASS)
LAYERS = 4
ETA = 1e-2  # rad/ps, for the peer that has no other way


def fastest(passes: int, *functions) -> list[float]:
    """Shortest CPU time of each function, s. They take turns, so that a busy machine slows all alike."""
    shortest = [np.inf] * len(functions)
    for _ in range(passes):
        for i, function in enumerate(functions):
            start = time.process_time()
            function()
            shortest[i] = min(shortest[i], time.process_time() - start)
    return shortest


def full_lead(folded: Lead | FoldedLead) -> Lead:
    """The supercell of a folded lead written out, as the peers need it."""
    if isinstance(folded, Lead):
        return folded
    w = folded.matrix
    cells, n = folded.onsite.shape[-3], folded.onsite.shape[-1]
    written = []
    for blocks in (folded.onsite, folded.hopping):
        diagonal = np.zeros((*blocks.shape[:-3], cells * n, cells * n), dtype=complex)
        for g in range(cells):
            diagonal[..., g * n : (g + 1) * n, g * n : (g + 1) * n] = blocks[..., g, :, :]
        written.append(w @ diagonal @ w.conj().T)
    onsite = 0.5 * (written[0] + written[0].conj().swapaxes(-1, -2))
    return Lead(onsite, written[1])


def floor(lead_size: int, size: int):
    """What LAPACK and BLAS alone do: eig of 64 matrices 2n × 2n, and a solve and two products of a batch of
    layers; both functions, and the number of layers in the batch."""
    rng = np.random.default_rng(0)
    batch = max(1, min(256, 500_000 // size**2))
    m, a = (
        rng.normal(size=(count, n, n)) + 1j * rng.normal(size=(count, n, n))
        for count, n in ((64, 2 * lead_size), (batch, size))
    )
    return lambda: np.linalg.eig(m), lambda: (np.linalg.solve(a, a), a @ a, a @ a), batch


def peer(python: Path, script: str, problem: Path) -> dict | None:
    """Run a peer in its own environment on the problem stored in a file."""
    if not python.exists():
        return None
    run = subprocess.run([python, HERE / script, problem], capture_output=True, text=True, check=False)
    if run.returncode:
        print(run.stderr, file=sys.stderr)
        return None
    return json.loads(run.stdout.splitlines()[-1])


def speed(peers: Path, sizes: list[int], passes: int) -> None:
    """CPU time per (k∥, ω) with all modes of both leads and S, against the floor and the peers on the same
    matrices."""
    print(
        "CPU time per (k, omega), ms, one thread. latmm: sums over modes with all checks, real arithmetic\n"
        "where a symmetry allows it; complex: where none does; S: all amplitudes and modes kept. floor: 2\n"
        "zgeev(2n) for each folded k, a solve and two products for each of 4 layers; /floor: complex.\n"
        "kwant: S; sisl: self-energies of both leads, totals only; x: over latmm, in brackets over S."
    )
    print(
        "   n cells   latmm complex       S   floor /floor    kwant      x (S)     |dT|     sisl     x"
        "  |dSigma|"
    )
    solver = "kwant: not built, see benchmarks/peers.sh"
    for size in sizes:
        repeat = SUPERCELLS[size]
        k = wave_vectors(silicon(), max(1, 96 // size), repeat)
        problem = junction(silicon(), MASSES, k, repeat)
        omega = (
            TWO_PI * 17.0 * np.random.default_rng(1).uniform(0.05, 1.0, (len(k), 64 if size <= 24 else 32))
        )
        eig, layer, batch = floor(6, size)
        times = fastest(
            passes,
            lambda: transmission(problem, omega),  # noqa: B023
            lambda: in_complex_arithmetic(problem, omega),  # noqa: B023
            lambda: scatter(problem, omega[:, :16]),  # noqa: B023
            eig,
            layer,
        )
        ours, complexes, full = (
            1e3 * t / n for t, n in zip(times, (omega.size, omega.size, 16 * len(k)), strict=False)
        )
        lowest = 1e3 * (times[3] / 64 * 2 * repeat[0] * repeat[1] + times[4] / batch * LAYERS)
        row = f"{size:4d} {repeat[0]:3d}x{repeat[1]} {ours:7.3f} {complexes:7.3f} {full:7.3f} {lowest:7.3f}"
        row += f" {complexes / lowest:6.2f}"
        with tempfile.TemporaryDirectory() as folder:
            stored = Path(folder) / "problem.npz"
            points = omega[0, : 2 if size > 24 else 8]
            store(problem, points, passes, stored)
            kwant = peer(peers / "kwant/bin/python", "peer_kwant.py", stored)
            sisl = peer(peers / "sisl/bin/python", "peer_sisl.py", stored)
        if kwant:
            solver = kwant["solver"]
            found = transmission(problem, omega[:, : points.size]).transmission[0]
            error = np.abs(np.array(kwant["transmission"]) - found).max()
            row += f" {kwant['ms']:8.2f} {kwant['ms'] / ours:6.1f} ({kwant['ms'] / full:5.1f}) {error:7.1e}"
        else:
            row += " " * 33
        if sisl:
            row += f" {sisl['ms']:8.2f} {sisl['ms'] / ours:5.1f} {sigma_error(problem, points, sisl):9.1e}"
        print(row, flush=True)
    print(solver)


def in_complex_arithmetic(problem: Junction, omega: np.ndarray) -> None:
    """The general case: as if no symmetry helped."""
    with forms_used("general"):
        transmission(problem, omega)


@contextmanager
def forms_used(which: str):
    """Use the cheapest forms of the leads (best), those of full size (full), or none (general)."""
    found = Forms.of

    def chosen(*blocks):
        forms = found(*blocks)
        none = np.full_like(forms.best, GENERAL)
        numbers = {
            "best": (forms.best, forms.full),
            "full": (forms.full, forms.full),
            "general": (none, none),
        }
        return replace(forms, best=numbers[which][0], full=numbers[which][1])

    Forms.of = staticmethod(chosen)
    try:
        yield
    finally:
        Forms.of = found


def store(problem: Junction, omega: np.ndarray, passes: int, path: Path) -> None:
    """Write the blocks at the first k∥, the frequencies and the number of passes for the peers."""
    left, right = full_lead(problem.left), full_lead(problem.right)
    blocks = {"left0": left.onsite[0, 0], "left1": left.hopping[0, 0], "right0": right.onsite[0, 0]}
    blocks |= {
        "right1": right.hopping[0, 0],
        "omega": omega,
        "eta": np.array(ETA),
        "passes": np.array(passes),
    }
    blocks |= {f"onsite{i}": b[0, 0] for i, b in enumerate(problem.onsite)}
    blocks |= {f"hopping{i}": b[0, 0] for i, b in enumerate(problem.hopping)}
    np.savez(path, layers=np.array(len(problem.onsite)), **blocks)


def sigma_error(problem: Junction, omega: np.ndarray, sisl: dict) -> float:
    """Relative difference of the trace of the left self-energy at the peer's broadening."""
    left = full_lead(problem.left)
    ours = self_energies(Lead(left.onsite[0, 0], left.hopping[0, 0]), omega, eta=ETA).left
    theirs = np.array(sisl["trace_real"]) + 1j * np.array(sisl["trace_imag"])
    trace = np.trace(ours, axis1=-2, axis2=-1)
    return float(np.abs(trace - theirs).max() / np.abs(trace).max())


def check(name: str, problem: Junction, omega: np.ndarray) -> None:
    """Solve all points and print the worst of their checks."""
    start = time.process_time()
    try:
        found = transmission(problem, omega)
    except LatmmError as error:
        print(f"{name:42s} FAILED: {error}")
        return
    spent = time.process_time() - start
    caroli = np.abs(found.transmission - found.caroli).max()
    with forms_used("general"):
        general = transmission(problem, omega)
    error = np.abs(found.transmission - general.transmission).max()
    left, right = (getattr(found, x) != getattr(general, x) for x in ("channels_left", "channels_right"))
    print(
        f"{name:42s} {forms_found(problem.left):7s} {omega.size:6d} points {found.retried.sum():4d} "
        f"retried, |S†S−1| median {np.median(found.unitarity):.0e} max {found.unitarity.max():.0e}, "
        f"Caroli {caroli:.0e}; general problem: |dT| {error:.0e}, {(left | right).sum()} counts differ; "
        f"{1e3 * spent / omega.size:.2f} ms",
        flush=True,
    )


def forms_found(side: Lead) -> str:
    """How many wave vectors have a mirror, another form, or none."""
    n = side.size
    forms = Forms.of(side.onsite.reshape(-1, n, n), side.hopping.reshape(-1, n, n))
    halved = forms.halved(np.arange(len(forms.best)))
    none = forms.best == GENERAL
    return f"{halved.sum()}/{(~halved & ~none).sum()}/{none.sum()}"


def robustness(realdata: Path | None) -> None:
    """Random (k∥, ω) of hard systems, band edges and Γ; the condition of the hopping is printed."""
    rng = np.random.default_rng(2)
    systems = {
        "SW Si | SW Si, mass x2": (silicon(), MASSES),
        "LJ fcc | LJ fcc, mass x2": (argon(), (39.948, 2 * 39.948)),
        "LJ fcc | LJ fcc, mass x4": (argon(), (39.948, 4 * 39.948)),
    }
    for name, (crystal, masses) in systems.items():
        k = wave_vectors(crystal, 240, seed=3)
        top = np.sqrt(np.linalg.eigvalsh(bulk_top(lead(crystal, masses[0], k))).max())
        problem = junction(crystal, masses, k, layers=1)
        condition = np.median(np.linalg.cond(problem.left.hopping))
        check(f"{name}, cond {condition:.0e}", problem, top * rng.uniform(1e-3, 1.0, (240, 10)))
        gamma = junction(crystal, masses, np.zeros((1, 2)), layers=1)
        check(f"{name}, Γ, 1e-3 THz up", gamma, TWO_PI * np.geomspace(1e-3, 1.0, 60)[None])
        some = wave_vectors(crystal, 4, seed=4)
        edges = np.concatenate([near_edges(lead(crystal, masses[side], some), 4) for side in (0, 1)], axis=1)
        check(f"{name}, edges to 1e-12", junction(crystal, masses, some, layers=1), edges)
    if realdata is not None:
        for path in sorted(realdata.glob("*.yaml.xz")):
            first_principles(path)


def bulk_top(side: Lead) -> np.ndarray:
    """H(θ) at several θ, for the top of the bands."""
    z = np.exp(1j * np.linspace(-np.pi, np.pi, 13))[:, None, None]
    return side.onsite + z * side.hopping + z.conj() * side.hopping.conj().swapaxes(-1, -2)


def near_edges(side: Lead, count: int) -> np.ndarray:
    """ω at relative distances ±1e-2 … ±1e-12 of the first band edges at θ = 0, π of each k∥ (K, points)."""
    hopping = side.hopping + side.hopping.conj().swapaxes(-1, -2)
    edges = [np.linalg.eigvalsh(side.onsite + sign * hopping)[:, 0, :count] for sign in (1.0, -1.0)]
    omega = np.sqrt(np.concatenate(edges, axis=-1))
    distance = np.concatenate([sign * 10.0 ** -np.arange(2.0, 12.5) for sign in (1.0, -1.0)])
    return (omega[..., None] * (1.0 + distance)).reshape(omega.shape[0], -1)


def first_principles(path: Path) -> None:
    """A crystal of first-principles force constants against itself with doubled masses, stacked along its
    third axis."""
    import phonopy
    from ase import Atoms

    from latmm.lattice.phonopy_bridge import force_constant_table

    phonon = phonopy.load(str(path), is_symmetry=False, is_nac=False, log_level=0)
    cell = phonon.primitive
    atoms = Atoms(
        cell.symbols, scaled_positions=cell.scaled_positions, cell=cell.cell, masses=cell.masses, pbc=True
    )
    table = force_constant_table(phonon, atoms)
    n = 3 * len(atoms)
    k = np.random.default_rng(6).uniform(-0.5, 0.5, (20, 2))
    phase = np.exp(1j * TWO_PI * k @ table.cells[:, :2].T)
    mass = np.repeat(atoms.get_masses(), 3)
    values = (
        table.values.transpose(0, 1, 3, 2, 4).reshape(-1, n, n)
        * EV_PER_A2_AMU
        / np.sqrt(np.outer(mass, mass))
    )
    reach = int(np.abs(table.cells[:, 2]).max())
    layers = [
        np.einsum("kr,rij->kij", phase[:, table.cells[:, 2] == m], values[table.cells[:, 2] == m])
        for m in range(reach + 1)
    ]
    size = reach * n
    h0, h1 = (np.zeros((len(k), reach, n, reach, n), dtype=complex) for _ in range(2))
    for a in range(reach):
        for b in range(reach):
            near = layers[abs(b - a)]
            h0[:, a, :, b] = near if b > a else near.conj().swapaxes(-1, -2)
            if reach + b - a <= reach:
                h1[:, a, :, b] = layers[reach + b - a]
    h0, h1 = (h.reshape(len(k), 1, size, size) for h in (h0, h1))
    h0 = 0.5 * (h0 + h0.conj().swapaxes(-1, -2))
    values_at = np.linalg.eigvalsh(bulk_top(Lead(h0[:, 0][:, None], h1[:, 0][:, None])))
    if values_at.min() < -1e-6 * values_at.max():
        print(f"{path.name:42s} skipped: imaginary phonons")
        return
    problem = Junction(Lead(h0, h1), Lead(0.5 * h0, 0.5 * h1), (), (h1 / np.sqrt(2.0),))
    top = np.sqrt(values_at.max() / 2.0)
    label = f"{path.name.removesuffix('.yaml.xz')}, n {size}, cond {np.median(np.linalg.cond(h1)):.0e}"
    check(label, problem, top * np.random.default_rng(7).uniform(0.01, 1.0, (len(k), 5)))


def scaling(large: bool) -> None:
    """Time and memory against device layers, lateral cells and points; each case in a process of its own."""
    cases = [("layers", v) for v in (4, 16, 64, 256)]
    cases += [("cells", v) for v in ((1, 4, 16, 64) if large else (1, 4, 16))]
    cases += [("points", v) for v in ((10**3, 10**4, 10**5, 10**6) if large else (10**3, 10**4))]
    print("   what     value     CPU s   ms per point   peak MiB")
    for what, value in cases:
        run = [sys.executable, __file__, "case", what, str(value)]
        line = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
        print(line, flush=True)


def case(what: str, value: int) -> None:
    """One row of the scaling table."""
    crystal = silicon()
    repeat, layers, count, per_k = (1, 1), 4, 20, 20
    if what == "layers":
        layers, repeat = value, (2, 2)
    elif what == "cells":
        side = round(np.sqrt(value))
        repeat, count, per_k = (side, side), 1, 4
    else:
        count, per_k = max(1, value // 500), 500
    k = wave_vectors(crystal, count, repeat)
    problem = junction(crystal, MASSES, k, repeat, layers=layers)
    omega = TWO_PI * 17.0 * np.random.default_rng(1).uniform(0.05, 1.0, (count, per_k))
    start = time.process_time()
    transmission(problem, omega)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:>7s} {value:9d} {spent:9.2f} {1e3 * spent / omega.size:14.3f} {peak:10.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fast = commands.add_parser("speed")
    fast.add_argument("--peers", type=Path, default=HERE / ".peers")
    fast.add_argument("--passes", type=int, default=5)
    fast.add_argument("--sizes", type=int, nargs="+", default=list(SUPERCELLS), choices=list(SUPERCELLS))
    hard = commands.add_parser("robustness")
    hard.add_argument("--realdata", type=Path, default=os.environ.get("LATMM_REALDATA"))
    wide = commands.add_parser("scaling")
    wide.add_argument("--large", action="store_true")
    one = commands.add_parser("case")
    one.add_argument("what")
    one.add_argument("value", type=int)
    chosen = parser.parse_args()
    if chosen.command == "speed":
        speed(chosen.peers, chosen.sizes, chosen.passes)
    elif chosen.command == "robustness":
        robustness(Path(chosen.realdata) if chosen.realdata else None)
    elif chosen.command == "scaling":
        scaling(chosen.large)
    else:
        case(chosen.what, chosen.value)


if __name__ == "__main__":
    main()
