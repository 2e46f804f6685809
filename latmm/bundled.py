"""The structure files that come with latmm."""

from importlib.resources import files
from pathlib import Path

from latmm.errors import InputError
from latmm.files import check_destination, replacing
from latmm.structures import read_atoms, read_structure

__all__ = ["bundled", "copy_bundled"]


def bundled() -> dict[str, str]:
    """Structure files that come with latmm: name → chemical formula."""
    folder = Path(str(files("latmm_structures")))
    return {
        path.name: (read_structure(path) if path.suffix == ".cif" else read_atoms(path)).get_chemical_formula(
            empirical=True
        )
        for path in sorted([*folder.glob("*.cif"), *folder.glob("*.xyz")])
    }


def copy_bundled(folder: Path, *, replace: bool = False) -> list[Path]:
    """Copy the structure files that come with latmm into a folder, which is made if it is missing.

    Raises
    ------
    InputError
        If one exists there and is not to be replaced, or cannot be written.
    """
    source = Path(str(files("latmm_structures")))
    targets = [folder / name for name in bundled()]
    there = [path for path in targets if path.exists()]
    if there and not replace:
        raise InputError(f"{there[0]} exists; name another folder, or replace the files with `replace=True`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None
    for path in targets:
        check_destination(path)
        with replacing(path) as part:
            part.write_bytes((source / path.name).read_bytes())
    return targets
