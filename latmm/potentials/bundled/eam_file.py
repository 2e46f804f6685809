"""Embedded-atom potentials tabulated in DYNAMO's setfl format, the files *.eam.alloy and *.eam.fs of LAMMPS.

    E = Σ_i F_i(ρ_i) + ½ Σ_{i≠j} φ_ij(r_ij),      ρ_i = Σ_{j≠i} ρ_ij(r_ij)

with ρ_ij the electron density at an atom of kind i of one of kind j: that of j alone in eam/alloy (M. S. Daw
and M. I. Baskes, Phys. Rev. B 29, 6443 (1984)), of both in eam/fs (M. W. Finnis and J. E. Sinclair, Phil.
Mag. A 50, 45 (1984)). The file holds F on a grid of ρ, ρ_ij and r φ_ij on one of r; as in ASE, F, ρ_ij and
φ_ij are cubic splines with ends not-a-knot and bonds end at the file's cut-off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from ase.calculators.eam import EAM

from latmm.arrays import Floats, Integers
from latmm.errors import PotentialError
from latmm.potentials.bundled.bonds import Bonds, scatter
from latmm.potentials.bundled.spline import Splines
from latmm.potentials.protocol import MOST_BYTES
from latmm.reading import file_text

__all__ = ["EmbeddedAtom", "read_setfl"]

_LARGEST = 1e15
_FARTHEST = 20.0
"""Å; no embedded-atom bond is longer."""


@dataclass(frozen=True, eq=False)
class EmbeddedAtom:
    """Embedded-atom energy of S elements.

    Attributes
    ----------
    elements : tuple of str
        The S elements.
    cutoff : float
        Longest bond, Å.
    embedding : Splines
        F of the S elements, eV.
    density, pair : Splines
        ρ_ij and φ_ij (eV) of the S² pairs, element i first.
    densest : float
        End of the table of F.
    """

    elements: tuple[str, ...]
    cutoff: float
    embedding: Splines
    density: Splines
    pair: Splines
    densest: float

    def __call__(self, species: Integers, bonds: Bonds) -> tuple[Floats, Floats]:
        """Energy of each atom, (N,) eV (half a pair's to each end), and gradient by bond, (B, 3) eV/Å."""
        size, r = species.size, bonds.length
        kind = species[bonds.first] * len(self.elements) + species[bonds.second]
        density, density_slope = self.density(kind, r)
        pair, pair_slope = self.pair(kind, r)
        total = scatter(bonds.first, density, size)
        if total.max(initial=0.0) > self.densest:
            raise PotentialError(
                f"two atoms are too close: an electron density of {total.max():.3g} lies beyond the file's "
                f"table, which ends at {self.densest:.3g}; start from a structure nearer to equilibrium"
            )
        energies, embedding_slope = self.embedding(species, total)
        energies += 0.5 * scatter(bonds.first, pair, size)
        along = embedding_slope[bonds.first] * density_slope + 0.5 * pair_slope
        return energies, along[:, None] * bonds.direction


def read_setfl(path: str | Path, elements: Sequence[str]) -> EmbeddedAtom:
    """Build the potential of some elements from a file of the format eam/alloy or eam/fs.

    Which of the two follows from how many numbers there are.

    Raises
    ------
    PotentialError
        If the file cannot be read, is of another format, or lacks an element.
    """
    text = file_text(path, "potential file", most=MOST_BYTES, error=PotentialError)
    try:
        table = EAM(potential=StringIO(text), form=_form(text))
    except Exception as error:  # ASE's reader believes the header
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise PotentialError(
            f"cannot read {path}: {reason}; use a file of LAMMPS' pair_style eam/alloy or eam/fs"
        ) from error
    grid = {"cutoff": table.cutoff, "step of r": table.dr, "step of the density": table.drho}
    for name, value in grid.items():
        if not 0.0 < value <= (_FARTHEST if name != "step of the density" else _LARGEST):
            raise PotentialError(f"{path} has a {name} of {value:g}; mend the file")
    tables = (table.embedded_data, table.density_data, table.rphi_data)
    if not all(np.abs(values).max() <= _LARGEST for values in tables):
        raise PotentialError(
            f"{path} holds numbers that are not finite, or above {_LARGEST:g}; mend the file"
        )
    if lacking := sorted(set(elements) - set(table.elements)):
        raise PotentialError(
            f"{path} covers {', '.join(table.elements)}, not {', '.join(lacking)}; use another file"
        )
    chosen = [list(table.elements).index(element) for element in elements]
    pairs = [(i, j) for i in chosen for j in chosen]
    # ASE indexes the densities of eam/fs by the source, then the atom that feels it
    fs = table.form == "fs"
    density = np.array([table.density_data[j, i] if fs else table.density_data[j] for i, j in pairs])
    times_r = np.array([table.rphi_data[min(i, j), max(i, j)] for i, j in pairs])
    r = table.dr * np.arange(table.nr)
    return EmbeddedAtom(
        elements=tuple(elements),
        cutoff=float(table.cutoff),
        embedding=Splines.through(0.0, table.drho, table.embedded_data[chosen]),
        density=Splines.through(0.0, table.dr, density),
        pair=Splines.through(table.dr, table.dr, times_r[:, 1:] / r[1:]),
        densest=table.drho * (table.nrho - 1),
    )


def _form(text: str) -> str:
    """Tell eam/alloy from eam/fs by the count of numbers.

    Raises
    ------
    ValueError
        If it is neither's.
    """
    words = " ".join(text.splitlines()[3:]).split()
    if len(words) < 4:
        raise ValueError("it ends before its header does")
    kinds = int(words[0])
    densities, distances = int(words[1 + kinds]), int(words[3 + kinds])
    common = 1 + kinds + 5 + kinds * (4 + densities) + kinds * (kinds + 1) // 2 * distances
    for form, tables in (("alloy", kinds), ("fs", kinds**2)):
        # some files end with a remark; the tables that eam/adp adds are never this short
        if 0 <= len(words) - common - tables * distances < distances:
            return form
    raise ValueError(f"it holds {len(words)} numbers, not the {common + kinds * distances} of its header")
