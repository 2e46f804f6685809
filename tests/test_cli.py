"""The command line as a user meets it: real files in, results out, errors in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from latmm_cli.options import temperature_list

STRUCTURES = Path(__file__).parent.parent / "structures"
SI, GE = (str(STRUCTURES / f"{name}.cif") for name in ("si", "ge"))
QUICK = ["--kmesh", "4", "4", "--frequencies", "12", "--allow", "channels"]


def latmm(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from latmm_cli.main import main; main()", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One quick run of the main job with every output."""
    folder = tmp_path_factory.mktemp("compare")
    done = latmm(
        "compare",
        SI,
        GE,
        "-T",
        "100:300:100",
        "-T",
        "50",
        *QUICK,
        "-o",
        "r.nc",
        "--plot",
        "r.png",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.mark.slow
def test_table_holds_every_model_at_every_temperature(compared):
    folder, done = compared
    lines = done.stdout.strip().splitlines()
    assert lines[0] == "conductance (MW m⁻² K⁻¹)"
    assert lines[1].split() == ["T", "(K)", "agf", "amm", "dmm", "dmm-debye", "radiation"]
    last = next(number for number, line in enumerate(lines) if "(sampling, at most)" in line)
    table = np.array([[float(x) for x in line.split()] for line in lines[2:last]])
    assert table[:, 0].tolist() == [50, 100, 200, 300]
    sign, percent, *bars = lines[last].removesuffix("(sampling, at most)").split()
    assert (sign, percent) == ("±,", "%")
    with xr.open_datatree(folder / "r.nc", engine="h5netcdf") as tree:
        relative = tree["comparison"]["conductance_error"] / tree["comparison"]["conductance"]
        assert [float(bar) for bar in bars] == pytest.approx(100 * relative.max("temperature"), rel=0.05)
    assert np.all(np.diff(table[:, 1:], axis=0) > 0)  # every model's conductance grows with T


@pytest.mark.slow
def test_file_opens_as_a_tree_that_describes_itself(compared):
    folder, _ = compared
    assert sorted(p.name for p in folder.iterdir()) == ["r.nc", "r.png"]
    with xr.open_datatree(folder / "r.nc", engine="h5netcdf") as tree:
        assert set(tree.children) == {
            "left", "right", "agf", "amm", "dmm", "dmm_debye", "radiation", "comparison",
        }  # fmt: skip
        for node in tree.subtree:
            for name, variable in node.variables.items():
                assert {"units", "long_name"} <= set(variable.attrs), f"{node.path}/{name}"
                assert name == name.lower(), name
        checks = json.loads(tree.attrs["checks"])
        assert all(check["passed"] for name, check in checks.items() if not name.startswith("channels"))
        assert all(check["allowed"] == name.startswith("channels") for name, check in checks.items())
        assert {"unitarity", "caroli", "reciprocity", "dispersion_left", "region_ends"} <= set(checks)
        assert "compare" in tree.attrs["command_line"]
        assert len(json.loads(tree.attrs["input_sha256"])["left"]) == 64
        assert json.loads(tree.attrs["configuration"])["normal"] == [0, 0, 1]
        assert tree["comparison"]["conductance"].attrs["units"] == "W m-2 K-1"


@pytest.mark.slow
def test_figure_is_a_picture(compared):
    folder, _ = compared
    assert (folder / "r.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "r.png").stat().st_size > 50_000


@pytest.mark.slow
def test_json_is_one_object_and_nothing_else(tmp_path):
    done = latmm(
        "compare", SI, SI, "--right-mass", "Si=72.63", "--potential", "sw", "--json", *QUICK, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    models = ["agf", "amm", "dmm", "dmm-debye", "radiation"]
    assert list(found["conductance"]) == list(found["conductance_four_probe"]) == models
    assert found["temperature"] == [300.0]
    assert found["area"] == pytest.approx(14.75, abs=0.01)  # a²/2 of silicon
    assert found["strain"]["right"]["principal"] == pytest.approx([0, 0], abs=1e-9)
    assert found["potential"].startswith("sw")
    fields = {"value", "limit", "unit", "passed", "allowed", "meaning", "where", "remedy"}
    assert all(set(check) == fields for check in found["checks"].values())
    assert 200e6 < found["conductance"]["agf"][0] < 350e6
    assert found["conductance"]["agf"][0] < found["conductance"]["radiation"][0]
    for model in models:
        assert 0.0 < found["conductance_error"][model][0] < found["conductance"][model][0]
        assert found["conductance_four_probe_error"][model][0] > found["conductance_error"][model][0]
    assert "done in" in done.stderr


@pytest.mark.slow
def test_chosen_models_only_and_quiet(tmp_path):
    done = latmm(
        *("compare", SI, GE, "--model", "dmm", "--model", "radiation", "-q", "--no-relax", *QUICK),
        *("--allow", "stress", "--allow", "residual_force"),
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines()[1].split()[2:] == ["dmm", "radiation"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_leaves_only_what_a_later_run_resumes(number, status, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", "from latmm_cli.main import main; main()", "compare", SI, GE, "-o", "r.nc",
         "--plot", "r.png", "--kmesh", "400", "400"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    heard = ""
    for line in process.stderr:  # wait until the long sweep has begun
        heard += line
        if "interface cell" in line:
            break
    time.sleep(0.5)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == status, heard + errors
    assert "Traceback" not in errors
    assert out == ""
    assert {p.name for p in tmp_path.iterdir()} <= {"r.partial.zarr"}


@pytest.mark.slow
def test_file_names_need_not_be_text(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / f"{name}.cif").write_bytes(Path(SI).read_bytes())
    done = latmm(
        "compare", f"{name}.cif", SI, "--model", "dmm", "--no-relax", *QUICK, "-o", f"{name}.nc", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    with xr.open_datatree(tmp_path / f"{name}.nc", engine="h5netcdf") as tree:
        assert tree.attrs["command_line"].startswith("latmm")


def test_temperatures_keep_their_digits():
    assert temperature_list(["1e-12", "0.1:0.7:0.1"]) == [1e-12, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_help_names_units_and_defaults(tmp_path):
    done = latmm("compare", "--help", cwd=tmp_path)
    assert done.returncode == 0
    for word in ("START:STOP:STEP", "AMU", "netCDF", "[default: auto]"):
        assert word in done.stdout
