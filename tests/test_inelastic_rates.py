"""Rates from files: units, the average that keeps the conductivity, what is refused."""

import h5py
import numpy as np
import pytest

from latmm.errors import InputError
from latmm.inelastic.rate_files import read_rates
from latmm.inelastic.rates import check_crystal
from latmm.lattice.dynamics import phonons, q_mesh

A = 2e-4
"""1/τ = A ω² T of the samples, ps/K."""
T = np.array([0.0, 50.0, 100.0])


@pytest.fixture(scope="module")
def crystal(argon):
    """Phonons of argon, all of a mesh, and their rates by the law."""
    found = phonons(argon.constants, q_mesh((9, 9, 9)))
    rate = A * (2 * np.pi * found.frequency) ** 2 * T[:, None, None]
    return argon.constants, found, rate


def phono3py_file(path, found, rate, **changes):
    data = {
        "frequency": found.frequency,
        "gamma": rate / (4 * np.pi),
        "group_velocity": found.group_velocity * 10.0,  # Å THz, of which only ratios count
        "weight": np.ones(len(found.qpoints)),
        "temperature": T,
        "mesh": np.array([9, 9, 9]),
        **changes,
    }
    with h5py.File(path, "w") as file:
        for name, value in data.items():
            if value is not None:
                file[name] = value
    return path


def shengbte_folder(path, found, rate, **changes):
    folder = path / "T100K"
    folder.mkdir(parents=True)
    omega = 2 * np.pi * found.frequency
    lists = {
        "BTE.omega": omega,
        "BTE.v": found.group_velocity.transpose(1, 0, 2).reshape(-1, 3),
        "BTE.qpoints": np.column_stack(
            [np.arange(1, len(omega) + 1)] * 2 + [np.ones(len(omega)), found.qpoints]
        ),
        "BTE.w_final": np.column_stack([omega.T.ravel(), rate[2].T.ravel()]),
        **changes,
    }
    for name, value in lists.items():
        if value is not None:
            np.savetxt((folder if name == "BTE.w_final" else path) / name, value)
    return folder


def test_rates_of_the_law_come_back_from_both_codes(crystal, tmp_path):
    constants, found, rate = crystal
    for source in (
        phono3py_file(tmp_path / "kappa-m999.hdf5", found, rate),
        shengbte_folder(tmp_path / "bte", found, rate),
    ):
        table = read_rates(source)
        nu = np.linspace(0.1, 1.0, 12) * table.top
        law = A * (2 * np.pi * nu) ** 2 * 100.0
        # a bin holds the mean of 1/ν² over its width
        np.testing.assert_allclose(table.at(nu, np.array([100.0]))[0], law, rtol=0.03)
        check_crystal(constants, table, "the crystal")
        assert table.top == pytest.approx(found.frequency.max(), rel=1e-6)


def test_average_keeps_the_conductivity(crystal, tmp_path):
    """Rates that scatter at random about the law: Σ v²τ stays within the bins' width."""
    _, found, rate = crystal
    rng = np.random.default_rng(2)
    rough = rate * rng.uniform(0.2, 2.0, rate.shape[1:])
    table = read_rates(phono3py_file(tmp_path / "kappa-m999.hdf5", found, rough))
    square = np.sum(found.group_velocity**2, axis=-1)
    chosen = found.frequency > 0.3 * table.top
    own = np.sum(square[chosen] / rough[2][chosen])
    averaged = np.sum(square[chosen] / table.at(found.frequency[chosen], np.array([100.0]))[0])
    assert averaged == pytest.approx(own, rel=0.02)


def test_long_waves_follow_the_law_whatever_the_file_says(crystal, tmp_path):
    _, found, rate = crystal
    wrong = np.where(found.frequency < 0.15 * found.frequency.max(), 7.0 * rate + 1e-9, rate + 1e-12)
    table = read_rates(phono3py_file(tmp_path / "kappa-m999.hdf5", found, wrong))
    nu = np.array([0.02]) * table.top
    assert table.at(nu, np.array([100.0]))[0, 0] == pytest.approx(
        A * (2 * np.pi * nu[0]) ** 2 * 100.0, rel=0.1
    )


def test_conductivity_of_the_file_is_kept_with_its_axes(crystal, tmp_path):
    _, found, rate = crystal
    kappa = np.arange(18.0).reshape(3, 6)
    table = read_rates(phono3py_file(tmp_path / "k.hdf5", found, rate, kappa=kappa))
    np.testing.assert_array_equal(table.temperature, [50.0, 100.0])
    np.testing.assert_array_equal(table.conductivity[1], [[12, 17, 16], [17, 13, 15], [16, 15, 14]])
    with_isotopes = phono3py_file(tmp_path / "i.hdf5", found, rate, kappa=kappa, gamma_isotope=rate[0])
    assert read_rates(with_isotopes).conductivity is None


def test_refuses_rates_of_another_crystal(crystal, tmp_path):
    constants, found, rate = crystal
    table = read_rates(phono3py_file(tmp_path / "k.hdf5", found, rate, frequency=1.05 * found.frequency))
    with pytest.raises(InputError, match="not those of the left crystal"):
        check_crystal(constants, table, "the left crystal")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, r: {"gamma": None}, "lacks gamma"),
        (lambda f, r: {"gamma": r[:, :, :2]}, "branches are missing"),
        (lambda f, r: {"gamma": -r}, "zero or negative"),
        (lambda f, r: {"gamma": 0.0 * r}, "zero or negative"),
        (lambda f, r: {"gamma": np.nan * r}, "not finite"),
    ],
)
def test_refuses_a_file_of_phono3py_that_makes_no_sense(crystal, tmp_path, change, message):
    _, found, rate = crystal
    path = phono3py_file(tmp_path / "k.hdf5", found, rate, **change(found, rate))
    with pytest.raises(InputError, match=message):
        read_rates(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, r: {"BTE.v": None}, "no BTE.v"),
        (lambda f, r: {"BTE.w_final": np.ones((5, 2))}, "do not fit"),
        (lambda f, r: {"BTE.omega": 7.0 * f.frequency}, "another crystal"),
    ],
)
def test_refuses_a_folder_of_shengbte_that_makes_no_sense(crystal, tmp_path, change, message):
    _, found, rate = crystal
    folder = shengbte_folder(tmp_path / "bte", found, rate, **change(found, rate))
    with pytest.raises(InputError, match=message):
        read_rates(folder)


def test_refuses_what_holds_no_rates(tmp_path):
    (tmp_path / "text.hdf5").write_text("nothing")
    with pytest.raises(InputError, match="kappa"):
        read_rates(tmp_path / "text.hdf5")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="T300K"):
        read_rates(tmp_path / "folder")
