"""Scattering rates from the files of phono3py and ShengBTE, averaged over the phonons of a frequency.

phono3py's γ is the half width in ordinary THz, so that 1/τ = 4πγ; ShengBTE writes 1/τ in ps⁻¹. What is kept
is 1/⟨τ⟩ in bins of frequency, ⟨τ⟩ the mean of τ weighted by v², so that the mean conductivity of the file is
kept; and for atoms that are damped the plain mean of 1/τ, at which phonons of a frequency, each with its own
rate, lose energy together. Rates of long waves on a coarse mesh are wrong: below the frequency that encloses
:data:`TRUSTED` of all phonons they follow ω² from there.

Anharmonic rates only: isotopes scatter elastically and belong elsewhere.
"""

import re
from io import StringIO
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from latmm.arrays import Floats
from latmm.errors import InputError, LatmmError
from latmm.inelastic.rates import Rates, fitted
from latmm.landauer import heat_capacity_weight
from latmm.lattice.force_constants import ForceConstants
from latmm.reading import check_hdf5, file_text
from latmm.units import TWO_PI

__all__ = ["TRUSTED", "read_rates", "resolve_rates"]

TRUSTED: Final = 0.01
"""Fraction of all phonons below the lowest frequency whose rates are taken as they are."""
_BINS = 60
_SOUND = 1e-2
"""Frequencies below this fraction of the highest are translations, whose rate is nothing."""


_MODEL = re.compile(r"kappa=([^@]+)@(.+)")
_SIDES = ("left", "right")


def resolve_rates(
    texts: tuple[str, str], crystals: tuple[ForceConstants, ForceConstants], *, classical: bool = False
) -> tuple[Rates, Rates]:
    """Find the scattering rates of two crystals by what names them.

    Parameters
    ----------
    texts : (2,) str
        Of the left and the right crystal: a path for :func:`read_rates`; ``kappa=K@T``, a rate A ω² T for a
        conductivity of K W m⁻¹ K⁻¹ at T kelvin (:func:`latmm.inelastic.rates.fitted`); or the name of the
        other side, for its rates scaled to the masses of this one (:meth:`Rates.heavier`).
    crystals : (2,) ForceConstants
        Of both crystals, oriented, +z along the normal.
    classical : bool
        Heat capacity k_B of every phonon where a rate is fitted.

    Returns
    -------
    (2,) Rates

    Raises
    ------
    InputError
        If a text is none of these, or each side asks for the other's rates.
    """
    found: list[Rates | None] = [
        None if text in _SIDES else _own(text, crystal, classical)
        for text, crystal in zip(texts, crystals, strict=True)
    ]
    masses = [float(crystal.atoms.get_masses().mean()) for crystal in crystals]
    pair = []
    for number, text in enumerate(texts):
        own, other = found[number], found[1 - number]
        if own is not None:
            pair.append(own)
            continue
        if text != _SIDES[1 - number] or other is None:
            raise InputError(
                f"`rates` {text!r} stands for the rates of the other crystal, which must have its own; give "
                "a file or kappa=K@T on one side"
            )
        pair.append(other.heavier(masses[number] / masses[1 - number]))
    return pair[0], pair[1]


def _own(text: str, crystal: ForceConstants, classical: bool) -> Rates:
    """Rates of a file, or of a model that meets a conductivity."""
    model = _MODEL.fullmatch(text)
    if model is None:
        return read_rates(text)
    try:
        kappa, temperature = float(model[1]), float(model[2])
    except ValueError:
        raise InputError(
            f"`rates` {text!r} must be kappa=K@T with numbers in W/m/K and K, e.g. kappa=140@300"
        ) from None
    return fitted(crystal, temperature, kappa, classical=classical)


def read_rates(path: str | Path) -> Rates:
    """Read the rates of one crystal.

    Parameters
    ----------
    path : str or Path
        phono3py's ``kappa-m*.hdf5``, or a folder of ShengBTE named after its temperature (``T300K``) with
        ``BTE.w_final`` (or ``BTE.w_anharmonic``), beside ``BTE.omega``, ``BTE.v`` and ``BTE.qpoints`` there
        or in the folder above.

    Returns
    -------
    Rates

    Raises
    ------
    InputError
        If it is neither, or holds rates that are none.
    """
    source = Path(path)
    try:
        return _shengbte(source) if source.is_dir() else _phono3py(source)
    except LatmmError:
        raise
    except Exception as error:  # a damaged file makes its readers raise anything
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise InputError(
            f"{source} holds no rates: it is neither a kappa-m*.hdf5 of phono3py with gamma and "
            f"group_velocity nor a folder T...K of ShengBTE with BTE.w_final ({reason})"
        ) from error


def _phono3py(path: Path) -> Rates:
    check_hdf5(path, hint="name a kappa-m*.hdf5 of phono3py")
    with xr.open_dataset(path, engine="h5netcdf", phony_dims="sort") as file:
        missing = [
            name
            for name in ("frequency", "gamma", "group_velocity", "weight", "temperature")
            if name not in file
        ]
        if missing:
            raise InputError(
                f"{path} lacks {', '.join(missing)}; run phono3py with --br and keep its kappa file whole"
            )
        nu, gamma, velocity, weight, t = (
            np.asarray(file[name].values, dtype=float)
            for name in ("frequency", "gamma", "group_velocity", "weight", "temperature")
        )
        kappa = np.asarray(file["kappa"].values, dtype=float) if "kappa" in file else None
        isotopes = "gamma_isotope" in file
    warm = t > 0.0  # phono3py's 0 K has κ = 0
    tensor = None
    if kappa is not None and not isotopes and kappa.shape == (t.size, 6):
        xx, yy, zz, yz, xz, xy = kappa[warm].T
        tensor = np.moveaxis(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), -1, 0)
    square = np.sum(velocity**2, axis=-1)
    return _averaged(
        nu, square, weight, 2.0 * TWO_PI * gamma[warm], t[warm], f"phono3py's {path.name}", tensor
    )


def _shengbte(folder: Path) -> Rates:
    named = re.fullmatch(r"T(\d+(?:\.\d+)?)K", folder.name)
    if named is None:
        raise InputError(
            f"{folder} must be a folder of ShengBTE that is named after its temperature, e.g. T300K"
        )

    def table(*names: str) -> Floats:
        for place in (folder, folder.parent):
            for name in names:
                if (place / name).exists():
                    return np.atleast_2d(np.loadtxt(StringIO(file_text(place / name))))
        raise InputError(f"{folder} and the folder above hold no {' or '.join(names)} of ShengBTE")

    omega, velocity, points = table("BTE.omega"), table("BTE.v"), table("BTE.qpoints")
    rates = table("BTE.w_final", "BTE.w_anharmonic")
    q, branches = omega.shape
    if rates.shape != (q * branches, 2) or velocity.shape != (q * branches, 3) or len(points) != q:
        raise InputError(
            f"{folder} has rates {rates.shape} and velocities {velocity.shape} that do not fit {q} wave "
            f"vectors of {branches} branches; keep the files of one run together"
        )
    # all wave vectors of a branch, then the next branch
    own = rates[:, 0].reshape(branches, q).T
    if np.abs(own - omega).max() > 1e-3 * omega.max():
        raise InputError(
            f"the frequencies in BTE.w_final of {folder} are not those of BTE.omega: rates of another crystal"
        )
    square = np.sum(velocity**2, axis=-1).reshape(branches, q).T
    return _averaged(
        omega / TWO_PI,
        square,
        points[:, 2],
        rates[:, 1].reshape(branches, q).T[None],
        np.array([float(named[1])]),
        f"ShengBTE's {folder.name}",
        None,
    )


def _averaged(
    nu: Floats, square: Floats, weight: Floats, rate: Floats, t: Floats, source: str, tensor: Floats | None
) -> Rates:
    """Average rates (N, Q, B) over the phonons (Q, B) of each frequency.

    Raises
    ------
    InputError
        If shapes do not fit or rates are not positive.
    """
    if nu.shape != square.shape or rate.shape != (t.size, *nu.shape) or weight.shape != nu.shape[:1]:
        raise InputError(
            f"{source} has frequencies {nu.shape}, velocities {square.shape} and rates {rate.shape} that do "
            "not belong together: branches are missing; compute them in one run"
        )
    top = float(nu.max())
    if not (np.all(np.isfinite(nu)) and np.all(np.isfinite(rate)) and top > 0.0):
        raise InputError(f"{source} holds numbers that are not finite; compute them again")
    sound = nu > _SOUND * top
    if not np.all(rate[:, sound] > 0.0):
        count = int(np.sum(np.any(rate[:, sound] <= 0.0, axis=0)))
        raise InputError(
            f"{source} holds {count} phonons with rates that are zero or negative: a finer mesh, or broader "
            "smearing, gives all of them a way to decay"
        )
    every = np.broadcast_to(weight[:, None], nu.shape)[sound]
    frequency, square_, rate_ = nu[sound], square[sound], rate[:, sound]
    order = np.argsort(frequency, kind="stable")
    below = np.cumsum(every[order]) / every.sum()
    start = frequency[order][np.searchsorted(below, TRUSTED)]
    edges = np.linspace(start, top * (1.0 + 1e-9), _BINS + 1)
    place = np.digitize(frequency, edges) - 1
    nodes, values, means = [], [], []
    for number in range(_BINS):
        chosen = place == number
        share = every[chosen] * square_[chosen]
        if share.sum() <= 0.0:
            continue
        nodes.append(float(every[chosen] @ frequency[chosen] / every[chosen].sum()))
        values.append(share.sum() / np.sum(share / rate_[:, chosen], axis=1))
        means.append(rate_[:, chosen] @ every[chosen] / every[chosen].sum())
    heat = heat_capacity_weight(frequency, t[:, None]) * every * square_ / rate_
    return Rates(
        np.array(nodes),
        t,
        np.array(values).T,
        top,
        source,
        conductivity=tensor,
        square=float(np.sum(weight[:, None] * nu**2) / (weight.sum() * nu.shape[1])),
        damping=np.array(means).T,
        cut=float(start),
        above_cut=heat[:, frequency >= start].sum(axis=1) / heat.sum(axis=1),
    )
