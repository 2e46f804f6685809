"""A study that is stopped keeps every contact that it solved and ends as one that was left alone."""

import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from latmm.disorder.kinds import MassDisorder, Mixing
from latmm.disorder.profiles import Profile
from latmm.errors import InputError
from latmm.files import MARKER
from latmm.interface.tiling import tile
from latmm.parallel.execution import Execution
from latmm.results import read
from latmm.studies import ensembles, layers
from latmm.studies.designs import listed, third_material
from latmm.studies.ensembles import Draws, ensemble
from latmm.studies.layers import layer_study
from latmm_cli.main import cli

LAYER = Mixing(Profile.uniform(1))


class Stop(Exception):  # noqa: N818
    pass


def stop_after(count):
    def progress(stage, done, total):
        if stage in ("realisations", "designs") and done == count:
            raise Stop

    return progress


@pytest.fixture(scope="module")
def argon_pair(structure, argon_springs):
    from latmm.interface.build import build_interface

    crystals = structure("ar"), structure("ar", {"Ar": 120.0})
    return build_interface(*crystals, (0, 0, 1), argon_springs)


@pytest.fixture(scope="module")
def wide(argon_pair):
    return tile(argon_pair, (2, 1))


def drawn(ideal, realisations, **other):
    settings = {
        "disorder": LAYER,
        "seed": 3,
        "kmesh": (1, 1),
        "frequencies": 3,
        "temperature": [20.0],
        **other,
    }
    draws = Draws(settings.pop("disorder"), realisations, settings.pop("seed"))
    return ensemble(ideal, draws, **settings)


@pytest.fixture
def counted(monkeypatch):
    """Contacts that are solved from here on."""
    solved = []
    for module in (ensembles, layers):

        def counting(job, item, true_solve=module._solve):
            solved.append(item)
            return true_solve(job, item)

        monkeypatch.setattr(module, "_solve", counting)
    return solved


def assert_identical(one, other):
    assert one.attrs == other.attrs
    for name in one.children:
        xr.testing.assert_identical(one[name].to_dataset(), other[name].to_dataset())


@pytest.mark.slow
def test_a_stopped_ensemble_goes_on_and_grows_without_solving_anything_twice(wide, counted, tmp_path):
    store = tmp_path / "p.zarr"
    whole = drawn(wide, 5)
    counted.clear()
    with pytest.raises(Stop):
        drawn(wide, 3, how=Execution(store=store, progress=stop_after(2)))
    assert len(counted) == 2
    assert_identical(drawn(wide, 5, how=Execution(store=store)), whole)
    assert len(counted) == 6  # the abrupt contact and five realisations
    again = drawn(wide, 3, how=Execution(store=store))
    assert len(counted) == 6
    expected = whole["realisations"].isel(realisation=slice(3)).to_dataset()
    xr.testing.assert_identical(again["realisations"].to_dataset(), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"disorder": Mixing(Profile.listed([0.5 + 1e-12]))}, "disorder"),
        ({"disorder": MassDisorder(1, 0.1)}, "disorder"),
        ({"kmesh": (1, 2)}, "k-points"),
        ({"frequencies": 4}, r"frequencies \(or the lowest temperature\)"),
        ({"temperature": [2.0, 20.0]}, r"frequencies \(or the lowest temperature\)"),
        ({"relax": False}, "relaxation"),
    ],
)
def test_a_store_of_another_ensemble_is_refused_and_says_in_what(wide, tmp_path, change, named):
    with pytest.raises(Stop):
        drawn(wide, 2, how=Execution(store=tmp_path / "p.zarr", progress=stop_after(1)))
    with pytest.raises(InputError, match=f"differs in: {named}; .*`restart`"):
        drawn(wide, 2, how=Execution(store=tmp_path / "p.zarr"), **change)


@pytest.mark.slow
def test_other_crystals_another_contact_or_potential_is_another_ensemble(
    argon_pair, wide, argon_springs, structure, tmp_path
):
    from latmm.potentials.calculators import resolve_potential

    store = tmp_path / "p.zarr"
    with pytest.raises(Stop):
        drawn(
            wide,
            2,
            potential=argon_springs,
            how=Execution(store=store, progress=stop_after(1)),
        )
    with pytest.raises(InputError, match=r"differs in: contact[;,]"):
        drawn(tile(argon_pair, (1, 2)), 2, potential=argon_springs, how=Execution(store=store))
    with pytest.raises(InputError, match=r"differs in: potential;"):
        drawn(wide, 2, how=Execution(store=store))
    stiffer = resolve_potential("lj", ["Ar"], {"cutoff": 6.0, "epsilon": 0.011})
    with pytest.raises(InputError, match=r"differs in: potential;"):
        drawn(wide, 2, potential=stiffer, how=Execution(store=store))


@pytest.mark.slow
def test_a_stopped_study_of_layers_goes_on_also_with_other_designs(
    argon_pair, counted, argon_springs, tmp_path, monkeypatch
):
    """A third material has no continuum: what is not a number is kept as well."""
    monkeypatch.setattr(layers, "_CONTINUUM_MESH", 3)
    store, t = tmp_path / "p.zarr", [20.0]
    designs = [listed([0.5]), third_material({"Ar": ("Ar", 60.0)}, 1), listed([0.2, 0.7])]
    settings = {"potential": argon_springs, "kmesh": (2, 2), "frequencies": 3}
    whole = layer_study(argon_pair, designs, t, **settings)
    assert np.isnan(whole["designs"]["continuum_gain"].values[1]).all()
    counted.clear()
    with pytest.raises(Stop):
        layer_study(
            argon_pair,
            designs[:2],
            t,
            how=Execution(store=store, progress=stop_after(2)),
            **settings,
        )
    assert_identical(layer_study(argon_pair, designs, t, how=Execution(store=store), **settings), whole)
    assert len(counted) == 4


ARGON = str(files("latmm_structures") / "ar.cif")
STUDY = [
    *("study", "disorder", ARGON, ARGON),
    *("--potential", "lj", "--potential-option", "cutoff=6.0", "--right-mass", "Ar=120", "--width", "1"),
    *("--lateral", "2", "2", "--kmesh", "1", "1", "--frequencies", "4", "-T", "20"),
]
RUN = [sys.executable, "-c", "from latmm_cli.main import main; main()", *STUDY]


def run(*arguments):
    return CliRunner().invoke(cli, [*STUDY, *arguments], standalone_mode=False)


def kept_in(folder: Path) -> dict[str, int]:
    """Contacts that are kept and when they were written."""
    return {p.parts[-4]: p.stat().st_mtime_ns for p in folder.glob("*.partial.zarr/*/c/0/0")}


def stopped(arguments, folder, number, count):
    """Errors and exit status of a run that gets a signal when so many contacts are kept."""
    process = subprocess.Popen(
        [*RUN, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and len(kept_in(folder)) < count:
        time.sleep(0.002)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    return errors, process.returncode


@pytest.mark.slow
def test_a_killed_ensemble_ends_as_one_that_was_left_alone(tmp_path):
    """Ctrl-C with two processes, then SIGKILL, then to the end with more seeds."""
    errors, status = stopped(["--seeds", "4", "-j", "2", "-o", "r.nc"], tmp_path, signal.SIGINT, 1)
    assert status == 130, errors
    assert "r.partial.zarr keeps what was found so far" in errors
    assert "Traceback" not in errors
    first = kept_in(tmp_path)
    stopped(["--seeds", "6", "-o", "r.nc"], tmp_path, signal.SIGKILL, len(first) + 1)
    second = kept_in(tmp_path)
    assert len(second) > len(first) > 0
    refused = run("--seed", "1", "-o", str(tmp_path / "r.nc"))
    assert "differs in: seed" in str(refused.exception)
    assert "keeps what was found" not in refused.stderr
    assert kept_in(tmp_path) == second
    assert run("--seeds", "6", "-o", str(tmp_path / "r.nc")).exception is None
    assert run("--seeds", "6", "-o", str(tmp_path / "whole.nc")).exception is None
    assert not list(tmp_path.glob("*.zarr"))
    found, expected = (read(tmp_path / name) for name in ("r.nc", "whole.nc"))
    for name in ("realisations", "abrupt", "comparison"):
        xr.testing.assert_identical(found[name].to_dataset(), expected[name].to_dataset())


@pytest.mark.slow
def test_restart_starts_anew_but_deletes_nothing_of_others(tmp_path):
    store = tmp_path / "r.partial.zarr"
    (store / "abrupt").mkdir(parents=True)
    (store / "abrupt" / "zarr.json").write_text("of another run")
    output = str(tmp_path / "r.nc")
    for extra in ([], ["--restart"]):
        assert "is no store" in str(run("--seeds", "2", "-o", output, *extra).exception)
    assert (store / "abrupt" / "zarr.json").read_text() == "of another run"
    (store / MARKER).write_text("")
    assert "is no store" in str(run("--seeds", "2", "-o", output).exception)
    assert run("--seeds", "2", "-o", output, "--restart").exception is None
    assert [p.name for p in tmp_path.iterdir()] == ["r.nc"]
