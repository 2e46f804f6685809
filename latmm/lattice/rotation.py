"""Force constants that a crystal may have which turns freely: no first moment.

Turning a crystal as a whole costs no energy, so that Σ_jR Φ_ij(R) r_ij is symmetric in the second index of Φ
and in that of r (M. Born and K. Huang, Dynamical Theory of Crystal Lattices (1954), Sec. 23). Summed over i,

    M_αβγ = Σ_ijR Φ_iα,jβ(R) r_ij,γ

is antisymmetric in αβ by exchange symmetry, symmetric in βγ by that rule, and therefore zero. Finite
supercells and cut dipoles break the rule; where symmetry does not mend it (a polar axis, as in
wurtzite) M is left over and adds ±|M·k| to ω² = c²k²: near Γ sound becomes imaginary.

The mending is the least that keeps exchange symmetry: pairs take w_ij(R) (S_i − S_j + Σ_γ r_γ X_γ) with
antisymmetric S and X and w the pair's strength, as if bonds felt a local turn. S and X follow from M = 0 and
from the antisymmetric parts of the row sums, one small linear system.
"""

from dataclasses import replace

import numpy as np

from latmm.arrays import Floats
from latmm.lattice.force_constants import ForceConstants

__all__ = ["first_moment", "free_to_turn"]


def first_moment(table: ForceConstants) -> Floats:
    """M, (3, 3, 3) eV Å⁻¹: zero in a crystal that turns freely."""
    moment = np.einsum("rijab,rijc->abc", table.values, table.vectors, optimize=True)
    if table.dipoles is not None:
        moment = moment + table.dipoles.moments[1].sum(axis=(1, 3)).imag.transpose(1, 2, 0)
    return np.asarray(moment)


def free_to_turn(table: ForceConstants) -> ForceConstants:
    """Make the first moment zero; exchange symmetry and sum rule stay exact."""
    n = len(table.atoms)
    strength = np.abs(table.values).max(axis=(3, 4))
    origin = int(np.flatnonzero(np.all(table.cells == 0, axis=1))[0])
    strength[origin, np.arange(n), np.arange(n)] = 0.0
    arms = table.vectors
    bonds = strength.sum(axis=0)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = np.diag(bonds.sum(axis=1)) - bonds
    system[:n, n:] = np.einsum("rij,rijc->ic", strength, arms)
    system[n:, :n] = system[:n, n:].T
    system[n:, n:] = 0.5 * np.einsum("rij,rijc,rijd->cd", strength, arms, arms, optimize=True)
    sums = table.row_sums
    twist = 0.5 * (sums - sums.transpose(0, 2, 1))
    wanted = -np.concatenate([twist, 0.5 * first_moment(table).transpose(2, 0, 1)]).reshape(n + 3, 9)
    # Å² against pure numbers: balance rows and columns before the singular values are judged. An atom with
    # bonds to its own images only has an empty row: its measure is its bonds, not what the diagonal keeps.
    # A chain or a flat sheet has no bonds along some axes, and nothing to mend there
    measure = np.concatenate([bonds.sum(axis=1), np.diag(system)[n:]])
    balance = 1.0 / np.sqrt(np.where(measure > 0.0, measure, 1.0))
    solved = np.linalg.lstsq(system * np.outer(balance, balance), balance[:, None] * wanted, rcond=1e-10)[0]
    turn = (balance[:, None] * solved).reshape(n + 3, 3, 3)
    change = turn[:n][None, :, None] - turn[:n][None, None, :]
    change = change + np.einsum("rijc,cab->rijab", arms, turn[n:])
    return replace(table, values=table.values + strength[..., None, None] * change).with_sum_rule()
