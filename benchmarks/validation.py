"""The table of docs/validation.md: latmm against measurements, published numbers, other codes and itself.

Each line is one command. `make validate` runs all of them (some minutes), stores what they gave in
docs/validation.json, and writes the page's tables from it.

Run: python benchmarks/validation.py [--section NAME] [--check]
     python benchmarks/validation.py phonopy STRUCTURE     (one line of that section, as JSON)
     python benchmarks/validation.py sisl|kwant SIZE       (the same; environments: benchmarks/peers.sh)
With --check nothing is run: it fails where the page is not what the stored output says.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
PAGE, STORE = ROOT / "docs" / "validation.md", ROOT / "docs" / "validation.json"
BEGIN, END = "<!-- {}: written by benchmarks/validation.py -->\n", "<!-- end -->"
SCRIPT = "python benchmarks/validation.py"


@dataclass(frozen=True)
class Section:
    """A table of the page: its commands by line, what is kept of each, columns, and how a row is written."""

    name: str
    commands: dict[str, str]
    keep: Callable[[dict], dict]
    columns: tuple[str, ...]
    row: Callable[[str, dict], tuple[str, ...]]


# measured pairs

_WEAK = "below the models: a weak or dirty bond, which they do not know"
_SURFACE = "samples differ as much as the models, or more: the surface decides"
WHY = {
    "al|si": f"{_SURFACE}; electrons take part",
    "au|si": _WEAK,
    "pb|si": f"{_WEAK} (hydrogen-terminated)",
    "al|sapphire": "epitaxial 350; evaporated films lie below it",
    "au|sapphire": _WEAK,
    "cu|sapphire": _WEAK,
    "pb|sapphire": _SURFACE,
    "al|diamond": f"{_SURFACE} (hydrogen 18, oxygen 90)",
    "au|diamond": "between the models; the surface is not known",
    "pb|diamond": "**must fail**: a sample lies above the limit of elastic transfer: inelastic",
    "w|diamond": "between the models",
    "nb|diamond": "between the models",
    "al|cu": "**no test**: electrons carry the heat, above the phonons' limit",
}


def media_command(pair: str) -> str:
    left, right = pair.split("|")
    models = " ".join(f"--model {name}" for name in ("amm", "dmm-anisotropic", "radiation-debye"))
    media = f"--left-medium {left} --right-medium {right}"
    return f"latmm amm {media} -T 300 {models} --experiment measured --json -q"


def keep_media(found: dict) -> dict:
    """Both conductances of both models and the two-probe limit, MW m⁻² K⁻¹; measured values near 300 K."""
    near = [
        point["conductance"] / 1e6
        for series in found["experiment"]
        for point in series["points"]
        if abs(point["temperature"] - 300.0) <= 16.0
    ]
    two, four = (found[name] for name in ("conductance", "conductance_four_probe"))
    return {
        "amm": [g["amm"][0] / 1e6 for g in (two, four)],
        "dmm": [g["dmm-anisotropic"][0] / 1e6 for g in (two, four)],
        "limit": two["radiation-debye"][0] / 1e6,
        "measured": [min(near), max(near)],
        "points": len(near),
        "read": sum(series["evidence"] == "text read" for series in found["experiment"]),
    }


def _whole(value: float) -> str:
    """Three digits at most, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def media_row(pair: str, kept: dict) -> tuple[str, ...]:
    low, high = kept["measured"]
    seen = _whole(low) if low == high else f"{_whole(low)} to {_whole(high)}"
    return (
        pair.replace("|", " \\| "),
        f"{seen} ({kept['points']})",
        *(f"{_whole(kept[name][0])}, {_whole(kept[name][1])}" for name in ("amm", "dmm")),
        _whole(kept["limit"]),
        WHY[pair],
    )


# routes within latmm

_CELL = "--kmesh 4 4 --frequencies 24 -T 1 -T 300 --model agf --model amm --json -q"
_HEAVY = "structures/si.cif structures/si.cif --right-mass Si=72.63 --potential sw"
ROUTES = {
    "Si | heavy Si (001)": _HEAVY,
    "Si | heavy Si (111)": f"{_HEAVY} --normal 1 1 1",
    "Si | Ge (001)": "structures/si.cif structures/ge.cif",
    "Si | Ge (110)": "structures/si.cif structures/ge.cif --normal 1 1 0",
    "Ar | heavy Ar (001)": "structures/ar.cif structures/ar.cif --right-mass Ar=160",
    "Al | Ag (111)": "structures/al.cif structures/ag.cif --normal 1 1 1",
    "Cu | Ni (001)": "structures/cu.cif structures/ni.cif",
    "Pd | Pt (001)": "structures/pd.cif structures/pt.cif",
    "Au | Ag (001)": "structures/au.cif structures/ag.cif",
    "C | heavy C (001)": "structures/c.cif structures/c.cif --right-mass C=28",
}


def keep_routes(found: dict) -> dict:
    """Checks that compare two routes, and the lattice over the acoustic model at 1 K."""
    checks = found["checks"]
    agf, amm = (found["conductance"][name] for name in ("agf", "amm"))
    names = ("unitarity", "caroli", "reciprocity", "stiffness_left", "stiffness_right")
    return {
        **{name: checks[name]["value"] for name in names},
        "ratio": agf[0] / amm[0],
        "error": found["conductance_error"]["agf"][0] / agf[0],
        "conductance": agf[1] / 1e6,
    }


def routes_row(name: str, kept: dict) -> tuple[str, ...]:
    slope = max(kept["stiffness_left"], kept["stiffness_right"])
    return (
        name.replace("|", "\\|"),
        *(f"{kept[key]:.0e}" for key in ("unitarity", "caroli", "reciprocity")),
        f"{slope:.0e}",
        f"{kept['ratio']:.3f} ± {kept['error']:.1g}",
    )


# other codes

CRYSTALS = ("ag", "al", "ar", "au", "c", "cu", "ge", "ni", "pd", "pt", "si", "sic")


def phonopy(name: str) -> dict:
    """Frequencies, velocities and heat capacity of a shipped structure by latmm and by phonopy."""
    import latmm
    from latmm.lattice.dynamics import phonons, q_mesh
    from latmm.lattice.phonopy_bridge import choose_supercell, finite_displacements, force_constant_table
    from latmm.lattice.space_group import primitive_cell
    from latmm.potentials.relaxation import relax_crystal
    from latmm.units import BOLTZMANN, PLANCK

    atoms = primitive_cell(latmm.read_structure(ROOT / "structures" / f"{name}.cif"))
    elements = sorted(set(atoms.get_chemical_symbols()))
    potential = latmm.resolve_potential("auto", elements)
    atoms = relax_crystal(atoms, potential.calculator, name=name)
    calculation = finite_displacements(atoms, potential, supercell=choose_supercell(atoms, potential.reach))
    table = force_constant_table(calculation, atoms)
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3))
    calculation.run_qpoints(q, with_group_velocities=True)
    theirs = calculation.qpoints
    ours = phonons(table, q)
    calculation.run_mesh([8, 8, 8], is_mesh_symmetry=False, is_time_reversal=False)
    calculation.run_thermal_properties(temperatures=[300.0])
    heat = float(calculation.thermal_properties.heat_capacity[0])  # J K⁻¹ mol⁻¹
    shift = (1 / 16, 1 / 16, 1 / 16)
    nu = phonons(table, q_mesh((8, 8, 8), shift=shift)).frequency
    x = PLANCK * nu * 1e12 / (BOLTZMANN * 300.0)
    own = BOLTZMANN * 6.02214076e23 * np.mean((x / 2 / np.sinh(x / 2)) ** 2, axis=0).sum()
    speed = np.linalg.norm(theirs.group_velocities, axis=2) * 0.1
    velocity = np.linalg.norm(ours.group_velocity, axis=2)
    return {
        "potential": potential.name,
        "frequency": float(np.abs(ours.frequency - theirs.frequencies).max() / theirs.frequencies.max()),
        "velocity": float(np.abs(velocity - speed).max() / speed.max()),
        "heat_capacity": own / heat - 1.0,
    }


def keep_codes(found: dict) -> dict:
    return found


def codes_row(name: str, kept: dict) -> tuple[str, ...]:
    values = (kept["frequency"], kept["velocity"], abs(kept["heat_capacity"]))
    return (f"`{name}.cif`", kept["potential"], *(f"{value:.0e}" for value in values))


# another code on the same matrices

PEERS = Path(__file__).parent / ".peers"
SIZES = ("6", "12", "24")
"""Degrees of freedom of a layer: silicon's primitive lateral cell and supercells of it."""


def other_code(code: str, size: int) -> dict:
    """Largest difference of a silicon lead's self-energy (sisl), or of a contact's transmission (Kwant)."""
    import tempfile

    from kernel import MASSES, SUPERCELLS, junction, peer, sigma_error, silicon, store, wave_vectors

    from latmm.agf import transmission

    repeat = SUPERCELLS[size]
    k = wave_vectors(silicon(), 1, repeat)
    problem = junction(silicon(), MASSES, k, repeat)
    omega = 2.0 * np.pi * 17.0 * np.random.default_rng(1).uniform(0.05, 1.0, 8)
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "problem.npz"
        store(problem, omega, 1, stored)
        theirs = peer(PEERS / code / "bin" / "python", f"peer_{code}.py", stored)
    if theirs is None:
        sys.exit(f"{code} is not there: benchmarks/peers.sh makes its environment")
    if code == "sisl":
        return {"what": "self-energy", "difference": sigma_error(problem, omega, theirs)}
    found = transmission(problem, omega).transmission[0]
    return {"what": "transmission", "difference": float(np.abs(found - theirs["transmission"]).max())}


def peer_row(name: str, kept: dict) -> tuple[str, ...]:
    code, _, size = name.partition(" ")
    return (code, size, kept["what"], f"{kept['difference']:.0e}")


# published

_SI_GE = "latmm compare structures/si.cif structures/ge.cif -T 300 --model agf --json -q"


def keep_published(found: dict) -> dict:
    return {
        "two": found["conductance"]["agf"][0] / 1e6,
        "four": found["conductance_four_probe"]["agf"][0] / 1e6,
        "error": found["conductance_error"]["agf"][0] / 1e6,
    }


def published_row(name: str, kept: dict) -> tuple[str, ...]:
    return (
        name.replace("|", "\\|"),
        "266",
        f"{kept['two']:.0f} ± {kept['error']:.0f}",
        f"{kept['four']:.0f}",
        "K. R. Hahn, M. Puligheddu and L. Colombo, arXiv:1504.03613 (abstract read): 3.76e-9 m² K W⁻¹, "
        "sharp contact, extrapolated to infinite length; anharmonic; potential and temperature are not in "
        "the abstract",
    )


SECTIONS = {
    section.name: section
    for section in (
        Section(
            "measured",
            {pair: media_command(pair) for pair in WHY},
            keep_media,
            ("pair", "measured (points)", "AMM", "DMM", "limit", "why"),
            media_row,
        ),
        Section(
            "published",
            {"Si | Ge (001), molecular dynamics": _SI_GE},
            keep_published,
            ("contact", "published", "two-probe", "four-probe", "source and convention"),
            published_row,
        ),
        Section(
            "phonopy",
            {name: f"{SCRIPT} phonopy {name}" for name in CRYSTALS},
            keep_codes,
            ("structure", "potential", "frequency", "velocity", "heat capacity"),
            codes_row,
        ),
        Section(
            "peers",
            {f"{code} {size}": f"{SCRIPT} {code} {size}" for code in ("sisl", "kwant") for size in SIZES},
            keep_codes,
            ("code", "unknowns of a layer", "of what", "difference"),
            peer_row,
        ),
        Section(
            "routes",
            {name: f"latmm compare {text} {_CELL}" for name, text in ROUTES.items()},
            keep_routes,
            ("contact", "S†S = 1", "Σ modes = Caroli", "left = right", "sound = slope", "lattice / AMM, 1 K"),
            routes_row,
        ),
    )
}


def run(command: str) -> dict:
    """Run a command of this environment and read what it prints."""
    words = shlex.split(command)
    start = {
        "latmm": [sys.executable, "-c", "from latmm_cli.main import main; main()"],
        "python": [sys.executable],
    }[words[0]]
    done = subprocess.run([*start, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}\nended with {done.returncode}: {done.stderr[-500:]}")
    found: dict = json.loads(done.stdout)
    return found


def outcome(section: str, line: str) -> dict:
    """Run one line of a section and keep what its row needs."""
    chosen = SECTIONS[section]
    return chosen.keep(run(chosen.commands[line]))


def table(section: Section, stored: dict) -> str:
    """Table of a section, and its commands, from what was stored."""
    lines = [f"| {' | '.join(section.columns)} |", "|" + "---|" * len(section.columns)]
    lines += [f"| {' | '.join(section.row(name, stored[name]))} |" for name in section.commands]
    lines += ["", "<details><summary>The command of each line</summary>", ""]
    lines += [f"- `{command}`" for command in section.commands.values()]
    lines += ["", "</details>", ""]
    return "\n".join(lines)


def page(text: str, stored: dict) -> str:
    """Put the tables of what was stored into the page."""
    for name, section in SECTIONS.items():
        begin = BEGIN.format(name)
        before, rest = text.split(begin)
        _, after = rest.split(END, 1)
        text = before + begin + table(section, stored[name]) + END + after
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("one", nargs="*", help="phonopy STRUCTURE, or sisl|kwant SIZE")
    parser.add_argument("--section", choices=SECTIONS, action="append")
    parser.add_argument(
        "--check", action="store_true", help="run nothing, only compare page and stored output"
    )
    chosen = parser.parse_args()
    if chosen.one:
        code, what = chosen.one
        print(json.dumps(phonopy(what) if code == "phonopy" else other_code(code, int(what))))
        return
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    if not chosen.check:
        for name in chosen.section or SECTIONS:
            if name == "peers" and not PEERS.exists() and name in stored:
                print("no other codes here: their lines stay as stored (benchmarks/peers.sh)", flush=True)
                continue
            stored[name] = {}
            for line, command in SECTIONS[name].commands.items():
                print(command, flush=True)
                stored[name][line] = outcome(name, line)
                print("   ", *SECTIONS[name].row(line, stored[name][line]), sep="  ", flush=True)
            STORE.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if missing := [name for name in SECTIONS if name not in stored]:
        sys.exit(f"nothing is stored of {', '.join(missing)} yet")
    text = PAGE.read_text(encoding="utf-8")
    new = page(text, stored)
    if chosen.check and new != text:
        sys.exit("docs/validation.md is not what docs/validation.json says; run benchmarks/validation.py")
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
