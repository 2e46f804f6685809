"""What is printed is what is stored: every table, in its unit, to its last digit."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from latmm.checks import check
from latmm.comparison import compare
from latmm_cli import modes, study_disorder, study_layers, transmissivity
from latmm_cli.converge import with_error
from latmm_cli.tables import conductance_table


def numbers(line: str) -> list[float]:
    """Numbers of a row, in order."""
    found = []
    for word in line.split():
        try:
            found.append(float(word))
        except ValueError:
            continue
    return found


def test_conductances_are_printed_in_megawatts_and_bars_in_percent():
    stored = xr.Dataset(
        {
            "conductance": (("model", "temperature"), [[1.2345e8, 2.5e8], [3.0e6, 4.5678e9]]),
            "conductance_error": (("model", "temperature"), [[1.2345e6, 1e7], [3.0e4, 4.5678e6]]),
            "cubic_prefactor": ("model", [11.5, 2.25]),
            "conductance_mixing_uncertainty": (("model", "temperature"), [[1e7, 2e6], [3e5, 4e4]]),
            "conductance_dipole_change": (("model", "temperature"), [[-3e6, 2.5e6], [1e6, 0.0]]),
        },
        coords={"model": ["agf", "amm"], "temperature": [100.0, 300.0]},
    )
    lines = conductance_table(stored).splitlines()
    assert lines[0] == "conductance (MW m⁻² K⁻¹)"
    assert lines[1].split() == ["T", "(K)", "agf", "amm"]
    assert [numbers(line) for line in lines[2:4]] == [[100.0, 123.45, 3.0], [300.0, 250.0, 4567.8]]
    bars, prefactors = (next(line for line in lines if mark in line) for mark in ("±, %", "T→0"))
    assert numbers(bars) == [4.0, 1.0]  # the largest of all temperatures
    assert numbers(prefactors) == [11.5, 2.25]
    assert [numbers(line) for line in lines[-5:-3]] == [[100.0, 10.0, 0.3], [300.0, 2.0, 0.04]]
    assert [numbers(line) for line in lines[-2:]] == [[100.0, -3.0, 1.0], [300.0, 2.5, 0.0]]


@pytest.mark.slow
def test_the_table_of_a_comparison_holds_its_conductances(heavy_silicon):
    found = compare(heavy_silicon, [50.0, 300.0], models=["dmm", "radiation"], kmesh=(2, 2), frequencies=6)
    stored = found["comparison"].to_dataset()
    rows = [numbers(line) for line in conductance_table(stored).splitlines()[2:4]]
    assert_allclose([row[1:] for row in rows], stored["conductance"].values.T / 1e6, rtol=1e-4)
    assert 50.0 < rows[1][1] < 1000.0  # MW m⁻² K⁻¹: the atomistic contact has 277


def test_layers_are_tabled_as_they_are_stored():
    g = np.array([[1e8, 2e8], [3e8, 1.5e8]])
    own = ("design", "temperature")
    tree = xr.DataTree.from_dict(
        {
            "/designs": xr.Dataset(
                {
                    "conductance": (own, g),
                    "gain": (own, g / 1e8),
                    "continuum_gain": (own, g / 2e8),
                    "over_mismatch": (own, g / 4e8),
                },
                coords={
                    "profile": ("design", ["linear", "bridge"]),
                    "planes": ("design", [4, 8]),
                    "temperature": [20.0, 300.0],
                },
            ),
            "/models": xr.Dataset(
                {"conductance": (("model", "temperature"), [[1.25e8, 5e8], [2.5e6, 3e7]])},
                coords={"model": ["agf", "flat-limit"], "temperature": [20.0, 300.0]},
            ),
        }
    )
    lines = study_layers.table(tree).splitlines()
    head = next(i for i, line in enumerate(lines) if "flat-limit" in line)
    assert [numbers(line) for line in lines[head + 1 : head + 3]] == [
        [20.0, 125.0, 2.5],
        [300.0, 500.0, 30.0],
    ]
    rows = [line for line in lines if "linear" in line or "bridge" in line]
    assert [numbers(row) for row in rows] == [
        [20.0, 4.0, 100.0, 1.0, 0.5, 0.25],
        [20.0, 8.0, 300.0, 3.0, 1.5, 0.75],
        [300.0, 4.0, 200.0, 2.0, 1.0, 0.5],
        [300.0, 8.0, 150.0, 1.5, 0.75, 0.375],
    ]
    assert [row.endswith("best") for row in rows] == [False, True, True, False]


def test_an_ensemble_is_tabled_as_it_is_stored():
    columns = {
        "conductance_abrupt": 2e8,
        "conductance": 1.5e8,
        "conductance_error": 2.5e6,
        "ratio": 0.75,
        "ratio_error": 0.02,
        "specular_fraction": 0.4,
        "specular_fraction_abrupt": 0.9,
    }
    tree = xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"disorder": "mixing"}),
            "/realisations": xr.Dataset(coords={"realisation": np.arange(5)}),
            "/comparison": xr.Dataset(
                {name: ("temperature", [value]) for name, value in columns.items()},
                coords={"temperature": [300.0]},
            ),
        }
    )
    text = study_disorder.table(tree)
    assert "5 realisations" in text
    row = next(line for line in text.splitlines() if line.split()[0] == "300")
    assert numbers(row) == [300.0, 200.0, 150.0, 2.5, 0.75, 0.02, 0.4, 0.9]


def test_mode_tables_print_conductances_in_megawatts():
    found = {
        "temperature": [100.0, 300.0],
        "conductance": {"left": [1e8, 2e8], "right": [1.5e8, 2.5e8]},
        "modes": 7,
    }
    names = ("frequency", "group_velocity", "energy", "detailed_balance")
    checks = {name: check(name, 1e-12, 1e-8) for name in names}
    rows = [numbers(line) for line in modes._text(found, checks).splitlines()[1:3]]
    assert rows == [[100.0, 100.0, 150.0], [300.0, 200.0, 250.0]]


def test_phonons_of_both_sides_are_tabled_in_megawatts():
    dims = ("model", "temperature", "side", "branch")
    coords = {
        "model": ["agf", "dmm", "amm-phonons", "amm"],
        "temperature": [300.0],
        "side": ["left", "right"],
        "branch": [0, 1],
    }
    shares = np.array([[10.0, 20.0], [30.0, 40.0]])
    values = 1e6 * shares * np.array([1.0, 0.5, 2.0, 3.0])[:, None, None, None]
    text = transmissivity._tables({"branch": xr.DataArray(values, dims=dims, coords=coords)})
    rows = text.splitlines()
    total = next(row for row in rows if row.split()[:2] == ["300", "K"])
    assert numbers(total) == [300.0, 30.0, 15.0, 60.0, 90.0, 70.0, 35.0, 140.0, 210.0]
    slow, fast = (next(row for row in rows if name in row) for name in ("slow", "fast"))
    assert numbers(slow) == [10.0, 5.0, 20.0, 30.0, 30.0, 15.0, 60.0, 90.0]
    assert numbers(fast) == [20.0, 10.0, 40.0, 60.0, 40.0, 20.0, 80.0, 120.0]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (283.14, 1.42, "283.1 ± 1.4"),
        (283.14, 14.2, "283 ± 14"),
        (0.01234, 0.00056, "0.01234 ± 0.00056"),
        (1.5e-9, 2e-11, "1.500e-09 ± 2.0e-11"),
        (283.14, 0.0, "283.14"),
        (283.14, float("nan"), "283.14"),
        (float("nan"), 1.0, "nan"),
    ],
)
def test_errors_have_two_digits(value, error, text):
    assert with_error(value, error) == text
