"""Atomistic Green's function: scattering of lattice waves between two semi-infinite stacks, in matrices only.

Give blocks of the dynamical matrix and ω; get Bloch modes, the scattering matrix and its checks. No atoms,
no files, no labels.
"""

from latmm.agf.damping import Dissipation, dissipate
from latmm.agf.green import GreenFunction, SelfEnergies, green_function, scattered_wave, self_energies
from latmm.agf.junction import Junction
from latmm.agf.leads import FoldedLead, Lead
from latmm.agf.modes import Modes, Waves, channels, lead_modes
from latmm.agf.scattering import Scattering, Totals, scatter, transmission

__all__ = [
    "Dissipation",
    "FoldedLead",
    "GreenFunction",
    "Junction",
    "Lead",
    "Modes",
    "Scattering",
    "SelfEnergies",
    "Totals",
    "Waves",
    "channels",
    "dissipate",
    "green_function",
    "lead_modes",
    "scatter",
    "scattered_wave",
    "self_energies",
    "transmission",
]
