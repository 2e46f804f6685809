"""Interfaces of crystals from finished first-principles calculations: phonons, conductance, mixing rules.

For each pair: the largest difference of the frequencies of the crystals from phonopy's at random q, the
checks of every (k, ν) solved, G of each mixing rule with the error bar of its sampling, and half the range of
the rules. The files are not part of the project: name the folder that holds them. With ``--cut`` instead:
what leaving out distant layers does to the crystals and to G.
Run: python benchmarks/first_principles.py FOLDER [--mesh 14 14 --frequencies 56] [--pair N] [--cut]
(one to ten minutes a pair on one core).
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import phonopy

import latmm
from latmm.errors import InputError
from latmm.geometry.matching import Misfit
from latmm.interface.from_phonopy import Planes
from latmm.interface.mixing import RULES, mix_interface
from latmm.lattice.dynamics import phonons
from latmm.lattice.force_constants import ForceConstants
from latmm.lattice.phonopy_files import read_phonopy
from latmm.spread import mixing_spread

TEMPERATURES = [100.0, 300.0, 500.0]


@dataclass(frozen=True)
class Pair:
    """Two files and the plane."""

    left: str
    right: str
    normals: Planes = ((0, 0, 1), (0, 0, 1))
    max_strain: float = 0.08


PAIRS = {
    "Si | Ge (001)": Pair("Si_LDA_QE_666", "Ge_LDA_QE_666"),
    # the two files have opposite polarity
    "GaN | AlN (0001)": Pair("GaN_QE_kaldo", "AlN_LDA_phono3py", ((0, 0, 1), (0, 0, -1))),
    "PbTe | PbSe (001)": Pair("PbTe_WMD", "PbSe_WMD"),
    "MgO | MgO, another functional (001)": Pair("MgO_444rd_phono3py", "MgO_phonopy"),
    "NaCl | KCl (001)": Pair("NaCl_phonopy", "KCl_JPCM2022", max_strain=0.12),
    "Ge | AlAs (001)": Pair("Ge_LDA_QE_666", "AlAs_LDA_QE_own444"),
}


def dispersion(path: Path, crystal: ForceConstants) -> float:
    """Largest difference of frequencies from phonopy's without NAC, relative to the largest."""
    q = np.random.default_rng(5).uniform(-0.5, 0.5, (40, 3))
    reference = phonopy.load(path, is_nac=False, is_symmetry=False, symmetrize_fc=False, log_level=0)
    matrices = np.asarray(reference.run_qpoints(q, with_dynamical_matrices=True).dynamical_matrices)
    squares = np.linalg.eigvalsh(matrices) * latmm.units.EV_PER_A2_AMU
    expected = np.sign(squares) * np.sqrt(np.abs(squares)) / latmm.units.TWO_PI
    return float(np.abs(phonons(crystal, q).frequency - expected).max() / expected.max())


def rules(folder: Path, names: list[str], mesh: tuple[int, int], frequencies: int) -> None:
    """Print one line for each pair and rule."""
    for name in names:
        pair = PAIRS[name]
        paths = [folder / f"{side}.yaml.xz" for side in (pair.left, pair.right)]
        sides = [read_phonopy(path) for path in paths]
        errors = [dispersion(path, side.constants) for path, side in zip(paths, sides, strict=True)]
        print(f"\n{name}; frequencies against phonopy's: {errors[0]:.0e} and {errors[1]:.0e}")
        trees = {}
        for rule in RULES:
            start = time.perf_counter()
            try:
                interface = mix_interface(
                    sides[0].constants,
                    sides[1].constants,
                    pair.normals,
                    rule=rule,
                    misfit=Misfit(max_strain=pair.max_strain),
                )
            except latmm.errors.LatmmError as error:
                print(f"  {rule:<11} {error}")
                continue
            tree = latmm.compare(
                interface, TEMPERATURES, models=("agf",), kmesh=mesh, frequencies=frequencies
            )
            trees[rule] = tree
            checks = json.loads(tree.attrs["checks"])
            failed = [
                f"{check} {found['value']:.0e}" for check, found in checks.items() if found["passed"] is False
            ]
            print(
                f"  {rule:<11} G = {figures(tree)} MW m⁻² K⁻¹ at {TEMPERATURES} K; unitarity "
                f"{checks['unitarity']['value']:.0e}, bulk ω² {checks['dispersion_left']['value']:.0e}; "
                f"{interface.principal} layers, {tree.attrs['samples']} points in "
                f"{time.perf_counter() - start:.0f} s{'; failed: ' + ', '.join(failed) if failed else ''}",
                flush=True,
            )
        half = mixing_spread(trees)["comparison"]["conductance_mixing_uncertainty"].values[0] / 1e6
        print("  ± half the range of the rules: " + "  ".join(f"{g:.2f}" for g in half))


def figures(tree: object) -> str:
    """G of the lattice model with the error bar of its sampling at each temperature, MW m⁻² K⁻¹."""
    table = tree["comparison"]  # type: ignore[index]
    pairs = zip(table["conductance"].values[0] / 1e6, table["conductance_error"].values[0] / 1e6, strict=True)
    return "  ".join(f"{g:.1f}±{error:.1f}" for g, error in pairs)


def cuts(folder: Path, mesh: tuple[int, int], frequencies: int) -> None:
    """Print what fewer layers do to silicon | germanium."""
    pair = PAIRS["Si | Ge (001)"]
    sides = [read_phonopy(folder / f"{side}.yaml.xz").constants for side in (pair.left, pair.right)]
    print("layers  slopes left, right   bands left, right   G (MW m⁻² K⁻¹)")
    for layers in (None, 5, 4, 3, 2):
        try:
            interface = mix_interface(*sides, pair.normals, layers=layers)
        except InputError as error:
            print(f"{layers}: {error}")
            continue
        tree = latmm.compare(interface, TEMPERATURES, models=("agf",), kmesh=mesh, frequencies=frequencies)
        change = [
            interface.checks[f"cut_{what}_{side}"].value
            for what in ("slope", "frequency")
            for side in ("left", "right")
        ]
        print(
            f"{max(interface.principal):>6}  "
            + "  ".join(f"{c:.1e}" for c in change)
            + f"   {figures(tree)}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mesh", type=int, nargs=2, default=(14, 14))
    parser.add_argument("--frequencies", type=int, default=56)
    parser.add_argument("--pair", type=int, choices=range(len(PAIRS)), help="one pair only, from 0")
    parser.add_argument("--cut", action="store_true")
    options = parser.parse_args()
    names = [list(PAIRS)[options.pair]] if options.pair is not None else list(PAIRS)
    if options.cut:
        cuts(options.folder, tuple(options.mesh), options.frequencies)
    else:
        rules(options.folder, names, tuple(options.mesh), options.frequencies)


if __name__ == "__main__":
    main()
