"""Result files: whole or absent, read back as written, summarised as plain JSON."""

import json
import os
import signal
import threading

import numpy as np
import pytest
import xarray as xr

import latmm.results as results
from latmm.checks import check, dumps
from latmm.errors import InputError
from latmm.files import check_destination


@pytest.fixture
def tree():
    comparison = xr.Dataset(
        {
            name: (
                ("model", "temperature"),
                np.array([[1.0, np.inf], [3.0, 4.0]]),
                {"units": "W m-2 K-1", "long_name": name},
            )
            for name in ("conductance", "conductance_four_probe")
        },
        coords={"model": ["agf", "dmm-debye"], "temperature": ("temperature", [10.0, 20.0], {"units": "K"})},
    )
    strain = {"left": {"tensor": np.zeros((2, 2)), "principal": np.float64(0.04)}}
    root = xr.Dataset(
        attrs={
            "area": 14.75,
            "strain": results.as_json(strain),
            "potential": "sw: Stillinger-Weber, Å",
            "limits": results.as_json(["harmonic and elastic", "phonons only"]),
            "checks": dumps({"unitarity": check("unitarity", 1e-14, 1e-8)}),
        }
    )
    spectrum = xr.Dataset(
        {"transmission": ("frequency", np.linspace(0, 1, 5))}, {"frequency": np.arange(5.0)}
    )
    return xr.DataTree.from_dict({"/": root, "agf": spectrum, "comparison": comparison})


def test_what_is_written_is_read_back(tree, tmp_path):
    path = tmp_path / "si-ge.nc"
    results.write(tree, path)
    again = results.read(path)
    assert again.attrs == tree.attrs
    for name in ("agf", "comparison"):
        xr.testing.assert_identical(again[name].to_dataset(), tree[name].to_dataset())
    assert os.listdir(tmp_path) == ["si-ge.nc"]
    with xr.open_datatree(path) as opened:  # as any user of xarray would
        assert set(opened.children) == {"agf", "comparison"}


def test_a_read_result_does_not_hold_its_file(tree, tmp_path):
    path = tmp_path / "a.nc"
    results.write(tree, path)
    again = results.read(path)
    path.unlink()
    assert float(again["agf"]["transmission"].sum()) == 2.5


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_no_file_and_keeps_the_old_one(tree, tmp_path, monkeypatch, stop):
    old = tmp_path / "old.nc"
    old.write_bytes(b"precious")

    def interrupted(*_):
        raise stop

    monkeypatch.setattr(os, "replace", interrupted)
    expected = KeyboardInterrupt if stop is KeyboardInterrupt else InputError
    for path in (old, tmp_path / "new.nc"):
        with pytest.raises(expected):
            results.write(tree, path)
    assert os.listdir(tmp_path) == ["old.nc"]
    assert old.read_bytes() == b"precious"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_the_file_is_whole(tree, tmp_path, monkeypatch, number):
    class Stop(BaseException):
        pass

    def stop(number, frame):
        raise Stop

    write = xr.Dataset.dump_to_store

    def interrupted(self, *args, **kwargs):
        os.kill(os.getpid(), number)
        write(self, *args, **kwargs)

    former = signal.signal(number, stop)
    monkeypatch.setattr(xr.Dataset, "dump_to_store", interrupted)
    try:
        with pytest.raises(Stop):
            results.write(tree, tmp_path / "r.nc")
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, former)
    assert [p.name for p in tmp_path.iterdir()] == ["r.nc"]
    xr.testing.assert_identical(results.read(tmp_path / "r.nc"), tree)


def test_files_are_written_in_threads_that_get_no_signals(tree, tmp_path):
    worker = threading.Thread(target=results.write, args=(tree, tmp_path / "r.nc"))
    worker.start()
    worker.join()
    assert (tmp_path / "r.nc").exists()


def test_failure_inside_the_writer_leaves_no_file(tree, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(122, "disk quota exceeded")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(InputError, match="disk quota exceeded"):
        results.write(tree, tmp_path / "new.nc")
    assert os.listdir(tmp_path) == []


def test_destination_is_checked_before_any_work(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="does not exist; create it first"):
        check_destination(tmp_path / "missing" / "a.nc")
    with pytest.raises(InputError, match="it is a folder"):
        check_destination(tmp_path)
    assert check_destination(tmp_path / "a.nc") == tmp_path / "a.nc"
    assert os.listdir(tmp_path) == []
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions do not bind a superuser
    with pytest.raises(InputError, match="no permission"):
        check_destination(tmp_path / "a.nc")


def test_files_that_are_no_results_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        results.read(tmp_path / "missing.nc")
    other = tmp_path / "other.nc"
    other.write_text("not netCDF")
    with pytest.raises(InputError, match="not a netCDF-4 or HDF5 file"):
        results.read(other)


def test_structured_attributes_are_json_without_nan():
    text = results.as_json({"a": np.arange(3), "b": np.float64(0.5), "c": np.bool_(True), "d": None})
    assert json.loads(text) == {"a": [0, 1, 2], "b": 0.5, "c": True, "d": None}
    with pytest.raises(ValueError, match="JSON compliant"):
        results.as_json({"a": float("nan")})
    with pytest.raises(TypeError, match="set cannot be stored"):
        results.as_json({1})


def test_summary_is_strict_json_also_where_there_is_no_resistance(tree):
    found = results.summary(tree)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["conductance"] == {"agf": [1.0, None], "dmm-debye": [3.0, 4.0]}
    assert found["temperature"] == [10.0, 20.0]
    assert found["area"] == 14.75
    assert found["strain"]["left"]["principal"] == 0.04
    assert found["checks"]["unitarity"]["passed"] is True
    assert found["potential"].endswith("Å")
