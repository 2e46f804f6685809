"""A file that exists is never replaced unless --force asks for it."""

from importlib.resources import files

import pytest
from click.testing import CliRunner

from latmm_cli.main import cli

SI = str(files("latmm_structures") / "si.cif")
MEDIA = ["--left-medium", "al", "--right-medium", "sapphire", "-T", "1"]
COMMANDS = {
    "amm": ["amm", *MEDIA, "-o", "FILE"],
    "amm --plot": ["amm", *MEDIA, "--plot", "FILE"],
    "dmm": ["dmm", *MEDIA, "-o", "FILE"],
    "layers": ["layers", *MEDIA, "--layer", "mgo:2", "-o", "FILE"],
    "compare": ["compare", SI, SI, "-o", "FILE"],
    "compare --plot": ["compare", SI, SI, "--plot", "FILE"],
    "junction": ["junction", SI, SI, "-o", "FILE"],
    "build": ["build", SI, SI, "-o", "FILE"],
    "modes": ["modes", SI, SI, "-o", "FILE"],
    "modes --csv": ["modes", SI, SI, "-o", "other.nc", "--csv", "FILE"],
    "transmissivity": ["transmissivity", SI, SI, "-o", "FILE"],
    "transmissivity --csv": ["transmissivity", SI, SI, "--csv", "FILE"],
    "inelastic": ["inelastic", SI, SI, "--rates", "kappa=1@300", "left", "-o", "FILE"],
    "scattering": ["scattering", SI, SI, "--frequency", "2", "-o", "FILE"],
    "ldos": ["ldos", SI, SI, "-o", "FILE"],
    "wave": ["wave", SI, SI, "--frequency", "2", "--wave-vector", "0.1", "0", "--mode", "1", "-o", "FILE"],
    "export": ["export", SI, SI, "--cell", SI, "--side", "left", "-o", "FILE"],
    "study layers": ["study", "layers", SI, SI, "-o", "FILE"],
    "study superlattice": ["study", "superlattice", SI, SI, "-o", "FILE"],
    "study disorder": ["study", "disorder", SI, SI, "--kind", "alloy", "--width", "2", "-o", "FILE"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_existing_file_is_refused_before_any_work(name, tmp_path, monkeypatch):
    def worked(*_, **__):
        raise AssertionError("work began")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("latmm.structures.read_structure", worked)
    monkeypatch.setattr("latmm.continuum.combined.survey", worked)
    kept = tmp_path / "kept.png"
    kept.write_text("of another day")
    result = CliRunner().invoke(cli, [str(kept) if text == "FILE" else text for text in COMMANDS[name]])
    assert "kept.png exists; name another file" in str(result.exception)
    assert kept.read_text() == "of another day"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.png"]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-o", "--plot"])
def test_force_replaces_it(option, tmp_path):
    path = tmp_path / "old.png"
    path.write_text("of another day")
    result = CliRunner().invoke(cli, ["amm", *MEDIA, option, str(path), "--force"])
    assert result.exit_code == 0, result.output
    assert path.read_bytes() != b"of another day"
