"""Files are whole or absent, whatever the disk does, and nobody else's file is touched."""

import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from latmm.errors import InputError, OutputError
from latmm.files import (
    MARKER,
    Spilling,
    begin_store,
    beside,
    check_destination,
    check_store,
    remove_store,
    replacing,
)

STRUCTURES = Path(__file__).parent.parent / "structures"


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def fill(path: Path) -> None:
    with replacing(path) as part:
        part.write_text("half")
        raise OSError(28, "No space left on device")


def test_file_takes_its_place_in_one_step(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("old")
    target.chmod(0o640)
    with replacing(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    with pytest.raises(OutputError, match=r"cannot write .*a\.csv: No space"):
        fill(target)
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_leftovers_of_killed_runs_go_and_no_other_file(tmp_path):
    target = tmp_path / "out.nc"
    own = beside(target).name
    dead = own.replace(f".{os.getpid()}.", f".{dead_process()}.")
    alive = own.replace(f".{os.getpid()}.", f".{os.getppid()}.")
    others = [alive, ".out.1.part.nc", ".out.notes.latmm.part.nc", dead.replace("out", "other"), f"x{dead}"]
    for name in [dead, *others]:
        (tmp_path / name).write_text("")
    check_destination(target)
    assert sorted(os.listdir(tmp_path)) == sorted(others)


def test_links_are_followed_to_files_and_nowhere_else(tmp_path):
    (tmp_path / "real.nc").write_text("old")
    (tmp_path / "link.nc").symlink_to("real.nc")
    with replacing(tmp_path / "link.nc") as part:
        part.write_text("new")
    assert (tmp_path / "link.nc").is_symlink()
    assert (tmp_path / "real.nc").read_text() == "new"
    for goal in ("/dev/stdout", "/proc/self/fd/1", "loop.nc", "/sys/x.nc"):
        (tmp_path / "loop.nc").unlink(missing_ok=True)
        (tmp_path / "loop.nc").symlink_to(goal)
        with pytest.raises(InputError, match="cannot write"):
            check_destination(tmp_path / "loop.nc")
        assert (tmp_path / "loop.nc").is_symlink()


@pytest.mark.parametrize(
    "path", ["/proc/out.nc", "/proc/self/out.nc", "/sys/out.nc", "/sys/kernel/out.nc", "/dev/null"]
)
def test_no_file_is_written_where_there_are_none(path):
    with pytest.raises(InputError, match="cannot write"):
        check_destination(path)


def test_names_that_no_file_can_have_are_refused(tmp_path):
    for name in ("x" * 5000, "/".join(["d" * 100] * 50), "a\0b"):
        with pytest.raises(InputError, match="cannot write"):
            check_destination(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_folders_of_others_are_left_alone(tmp_path):
    store = tmp_path / "out.partial.zarr"
    store.mkdir()
    assert check_store(store)  # an empty one holds nothing of anybody's
    (store / "notes.txt").write_text("precious")
    for act in (check_store, begin_store, remove_store):
        with pytest.raises(InputError, match="no store of a stopped run"):
            act(store)
    link = tmp_path / "link.zarr"
    link.symlink_to(store)
    (store / MARKER).write_text("")
    for act in (check_store, begin_store, remove_store):
        with pytest.raises(InputError, match="is a link"):
            act(link)
    (store / ("0" * 16)).mkdir()
    (store / "zarr.json").write_text("{}")
    remove_store(store)
    assert sorted(os.listdir(store)) == [MARKER, "notes.txt"]


def test_a_store_is_marked_first_and_removed_whole(tmp_path):
    store = tmp_path / "out.partial.zarr"
    begin_store(store)
    assert os.listdir(store) == [MARKER]
    begin_store(store)
    remove_store(store)
    assert os.listdir(tmp_path) == []
    remove_store(store)


@pytest.fixture
def small_files():
    """No file may have more than 20 000 bytes: stands for a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, former[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_spilling_file_reads_what_was_written_wherever_it_went(tmp_path, small_files):
    rng = np.random.default_rng(0)
    disk, memory = Spilling(tmp_path / "a"), io.BytesIO()
    for _ in range(300):
        place, count = (int(n) for n in rng.integers(0, [40_000, 3000]))
        data = rng.bytes(count)
        for file in (disk, memory):
            file.seek(place)
            file.write(data)
        place, count = (int(n) for n in rng.integers(0, [45_000, 3000]))
        found = []
        for file in (disk, memory):
            file.seek(place)
            found.append(file.read(count))
        assert found[0] == found[1]
    assert disk.seek(0, os.SEEK_END) == len(memory.getvalue())
    with pytest.raises(OSError, match="File too large"):
        disk.check()
    disk.close()


def test_hdf5_library_survives_a_full_disk(tmp_path, small_files):
    disk = Spilling(tmp_path / "a.h5")
    with h5py.File(disk, "w") as file:
        for number in range(20):
            file[f"table{number}"] = np.arange(1000.0)
        assert np.array_equal(file["table7"][:], np.arange(1000.0))
    assert disk.error is not None
    disk.close()


FULL = {
    "result": ["dmm", "--left-medium", "si", "--right-medium", "ge", "-T", "1:1000:1", "-o", "out.nc"],
    "figure": ["dmm", "--left-medium", "si", "--right-medium", "ge", "-T", "1:1000:1", "--plot", "out.png"],
    "film": [
        "wave", "ar.cif", "heavy.cif", "--frequency", "0.5", "--mode", "0", "--no-cache", "-j", "1",
        "--potential", "lj", "--potential-option", "cutoff=6", "--no-relax", "-o", "out.xyz",
    ],
    "study": [
        "compare", "ar.cif", "ar.cif", "--right-mass", "Ar=160", "--no-cache", "-j", "1", "--model", "agf",
        "--kmesh", "6", "6", "--frequencies", "20", "--potential", "lj", "--potential-option", "cutoff=6",
        "-o", "out.nc",
    ],
}  # fmt: skip


def full_disk(arguments, folder, size):
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "-c", "from latmm_cli.main import main; main()", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120, preexec_fn=bound,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", FULL)
def test_full_disk_is_one_line_and_nothing_half_written(kind, tmp_path):
    for name in ("ar.cif", "heavy.cif"):
        (tmp_path / name).write_bytes((STRUCTURES / "ar.cif").read_bytes())
    before = {p.name for p in tmp_path.iterdir()}
    done = full_disk(FULL[kind], tmp_path, 20_000 if kind == "study" else 8000)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    # whichever grows first: the result, or what is kept on the way to it
    refused = (FULL[kind][-1], "out.partial.zarr") if kind == "study" else (FULL[kind][-1],)
    assert done.stderr.splitlines()[-1].startswith(
        tuple(f"latmm: error: cannot write {name}: File too large" for name in refused)
    )
    kept = {"out.partial.zarr"} if kind == "study" else set()
    assert {p.name for p in tmp_path.iterdir()} == before | kept
    if kept:  # what was found is there, and the same command ends well on a disk with room
        assert "keeps what was found so far" in done.stderr
        assert list((tmp_path / "out.partial.zarr").glob("*/c/*/0"))
        again = full_disk(FULL[kind], tmp_path, resource.RLIM_INFINITY)
        assert again.returncode == 0, again.stderr
        assert {p.name for p in tmp_path.iterdir()} == before | {"out.nc"}


@pytest.mark.slow
def test_full_stdout_is_one_line(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from latmm_cli.main import main; main()",
             "dmm", "--left-medium", "si", "--right-medium", "ge"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "latmm: error: cannot read or write: No space left on device"
