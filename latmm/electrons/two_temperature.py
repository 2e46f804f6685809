"""Contacts of metals: electrons and phonons with a temperature each, and what passes between the two.

In a metal (z < 0, contact at z = 0) the temperatures T_e of the electrons and T_p of the lattice follow

    κ_e T_e″ = g (T_e − T_p),      κ_p T_p″ = g (T_p − T_e).

The mean T̄ = α T_e + β T_p with α = κ_e/κ, β = κ_p/κ, κ = κ_e + κ_p, is a straight line, T̄′ = −q/κ with the
heat flux q: it is what a description with one temperature continues to the contact. The difference
θ = T_e − T_p decays over δ = [g (1/κ_e + 1/κ_p)]^{−1/2}. At the contact T_e = T̄ + βθ, T_p = T̄ − αθ, and

    q_e = α′q − Yθ,   q_p = β′q + Yθ,   α′ + β′ = 1,                                                    (1)

    metal                                                    Y                     α′
    thick, or a film with T_e = T_p at its back              √(gκ_eκ_p/κ)/tanh D   α
    film that is heated through its electrons at the back    √(gκ_eκ_p/κ) tanh D   α + β/cosh D

with D = d/δ, d the thickness of the film. Electrons pass h times their drop of temperature on, phonons G
times theirs; on a side that is no metal both end at the one temperature of its lattice. With (1) on each side
that is a metal, the drop Δ of T̄ at the contact follows from a 2 × 2 problem, Δ (1, 1)ᵀ = R (q_e, q_p)ᵀ,

    R = diag(1/h, 1/G) + Σ_metals v v′ᵀ/Y,   v = (β, −α),  v′ = (β′, −α′),  G_total = (1, 1) R⁻¹ (1, 1)ᵀ. (2)

Written out, without a difference of large numbers,

    G_total = [1 + h/G + h Σ1/Y] / [1/G + Σαα′/Y + (h/G) Σββ′/Y + h (α₁ − α₂)²/(Y₁Y₂)],                 (3)

the last term for two metals only.

Limits: for g → ∞, or a thin film with T_e = T_p at its back, G_total = h + G. For h = 0 and one metal
1/G_total = 1/G + αα′/Y: thick, 1/G + (κ_e/κ)^{3/2}/√(gκ_p), whose case κ_e ≫ κ_p is that of Majumdar and
Reddy; a thin film heated through its electrons, 1/G + α/(gd).

Between two metals electrons are scattered diffusely, h = ¼ Z₁Z₂/(Z₁ + Z₂), Z = γ v_F T with the heat
capacity γT of the electrons. For free electrons γ v_F = k_B² k_F²/(3ħ), so that ¼ Z is the quantum of heat
conductance, π² k_B² T/(3h_P) with Planck's constant h_P, in each of the k_F²/(2π) channels per area. In the
product the enhancement of the electrons' mass by phonons cancels.

Sources: A. Majumdar and P. Reddy, Appl. Phys. Lett. 84, 4768 (2004) [abstract read: √(gκ_p)]; direct
transfer in parallel, M. Li et al., arXiv:1412.2465, and J. Lombard, F. Detcheverry and S. Merabia,
arXiv:1501.03176 [abstracts read; (2) is derived here]; electrons of two metals, B. C. Gundrum, D. G. Cahill
and R. S. Averback, Phys. Rev. B 72, 245426 (2005) [abstract read; the formula from memory, that of free
electrons derived here].
"""

from dataclasses import dataclass
from math import cosh, inf, isfinite, sqrt, tanh
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from latmm.arrays import Floats
from latmm.errors import InputError

__all__ = ["HEATED", "Metal", "diffuse_electrons", "total_conductance"]

HEATED: Final = ("both", "electrons")
"""What brings the heat into a film at its back."""
_LARGEST = 700.0
"""cosh of more exceeds the largest float."""


@dataclass(frozen=True)
class Metal:
    """What the two-temperature model needs of a metal.

    Attributes
    ----------
    coupling : float
        g of electrons and phonons, W m⁻³ K⁻¹.
    electron_conductivity, lattice_conductivity : float
        κ_e, κ_p, W m⁻¹ K⁻¹.
    heat_capacity_coefficient : float, optional
        γ of the electrons, J m⁻³ K⁻².
    fermi_velocity : float, optional
        v_F, m s⁻¹.
    """

    coupling: float
    electron_conductivity: float
    lattice_conductivity: float
    heat_capacity_coefficient: float | None = None
    fermi_velocity: float | None = None

    def __post_init__(self) -> None:
        for name in ("coupling", "electron_conductivity", "lattice_conductivity"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise InputError(f"{name} of a metal must be a positive number in SI units, but is {value!r}")

    @property
    def electron_share(self) -> float:
        """α = κ_e/(κ_e + κ_p)."""
        return self.electron_conductivity / (self.electron_conductivity + self.lattice_conductivity)

    @property
    def exchange_length(self) -> float:
        """δ, m: over which electrons and phonons come to one temperature."""
        return 1.0 / sqrt(
            self.coupling * (1.0 / self.electron_conductivity + 1.0 / self.lattice_conductivity)
        )

    def exchange(self, thickness: float = inf, heated: str = "both") -> tuple[float, float]:
        """Return Y, W m⁻² K⁻¹, and α′ of (1).

        Parameters
        ----------
        thickness : float
            d, m; infinite for a thick metal.
        heated : str
            Of :data:`HEATED`; does not matter for a thick metal.

        Raises
        ------
        InputError
            If the thickness is not positive or ``heated`` unknown.
        """
        if heated not in HEATED:
            raise InputError(f"`heated` must be one of {', '.join(HEATED)}, but is {heated!r}")
        if not thickness > 0:
            raise InputError(f"the thickness of a metal film must be positive, in m, but is {thickness!r}")
        depth = min(thickness / self.exchange_length, _LARGEST)
        alpha = self.electron_share
        thick = alpha * self.lattice_conductivity / self.exchange_length
        if heated == "both":
            return thick / tanh(depth), alpha
        return thick * tanh(depth), alpha + (1.0 - alpha) / cosh(depth)


def diffuse_electrons(left: Metal, right: Metal, temperature: ArrayLike) -> Floats:
    """Conductance of the electrons of two metals, scattered diffusely at the contact.

    Parameters
    ----------
    left, right : Metal
        With γ and v_F.
    temperature : (N,) array_like
        K.

    Returns
    -------
    (N,) ndarray
        h, W m⁻² K⁻¹, between reservoirs. Without the ballistic resistance of either metal it is 2h.

    Raises
    ------
    InputError
        If γ or v_F of a metal is not known.
    """
    impedances = []
    for metal in (left, right):
        if metal.heat_capacity_coefficient is None or metal.fermi_velocity is None:
            raise InputError(
                "electrons between two metals need `heat_capacity_coefficient` and `fermi_velocity` of both; "
                "give them, or the conductance of the electrons itself"
            )
        impedances.append(metal.heat_capacity_coefficient * metal.fermi_velocity)
    one, other = impedances
    return np.asarray(0.25 * one * other / (one + other) * np.asarray(temperature, dtype=float))


def total_conductance(
    phonon: ArrayLike,
    electron: ArrayLike,
    left: Metal | None,
    right: Metal | None,
    *,
    thickness: float = inf,
    heated: str = "both",
) -> Floats:
    """Conductance of a contact by electrons and phonons, by equation (3).

    Parameters
    ----------
    phonon : array_like
        G of the phonons, W m⁻² K⁻¹; infinite where they meet no resistance.
    electron : array_like
        h of the electrons: between those of two metals, or into the lattice of the side that is no metal,
        W m⁻² K⁻¹; zero for none. Broadcast against ``phonon``.
    left, right : Metal, optional
        The metals; None for a side that is none.
    thickness : float
        Of the metal, where one side is a metal, m.
    heated : str
        See :meth:`Metal.exchange`.

    Returns
    -------
    ndarray
        G_total, W m⁻² K⁻¹: heat flux over the drop of T̄ at the contact.

    Raises
    ------
    InputError
        If no side is a metal, a conductance is negative, or two metals have a thickness.
    """
    g, h = np.broadcast_arrays(np.asarray(phonon, dtype=float), np.asarray(electron, dtype=float))
    metals = [metal for metal in (left, right) if metal is not None]
    if not metals:
        raise InputError("electrons need a metal on one side at least; leave them out of this contact")
    if len(metals) == 2 and isfinite(thickness):
        raise InputError("`thickness` is that of the one metal of a contact, but both sides are metals")
    if np.any(g < 0) or np.any(h < 0) or not np.all(np.isfinite(h)):
        raise InputError("conductances of phonons and electrons must not be negative, in W m⁻² K⁻¹")
    found = [(metal.electron_share, *metal.exchange(thickness, heated)) for metal in metals]
    inverse = sum(1.0 / y for _, y, _ in found)
    lattice = sum(share * fed / y for share, y, fed in found)
    electrons = sum((1.0 - share) * (1.0 - fed) / y for share, y, fed in found)
    unlike = 0.0
    if len(found) == 2:
        (one, y_one, _), (other, y_other, _) = found
        unlike = (one - other) ** 2 / (y_one * y_other)
    blocked = g == 0
    r = 1.0 / np.where(blocked, np.inf, g)
    total = (1.0 + h * r + h * inverse) / (r + lattice + h * r * electrons + h * unlike)
    return np.where(blocked, h / (1.0 + h * electrons), total)
