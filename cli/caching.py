"""Forces that earlier runs computed: where they are kept, or not."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from latmm.potentials.calculators import Potential

__all__ = ["cache_options", "remembering"]

_F = TypeVar("_F", bound=Callable[..., Any])


def cache_options(function: _F) -> _F:
    """Add ``--cache`` and ``--no-cache``."""
    for decorate in (
        click.option("--no-cache", is_flag=True, help="Compute all forces anew, and keep none."),
        click.option(
            "--cache",
            "cache_folder",
            type=click.Path(file_okay=False),
            metavar="DIR",
            help="Folder of the forces that earlier runs computed; by default LATMM_CACHE, or latmm/forces "
            "in the user's cache.",
        ),
    ):
        function = decorate(function)
    return function


def remembering(options: dict[str, Any], potential: "Potential") -> "Potential":
    """Return the potential with the cache that the options ask for.

    Raises
    ------
    InputError
        If a folder that is named cannot be written to; the user's own is then done without.
    """
    from latmm.errors import InputError
    from latmm.potentials.cache import cached, default_folder

    if options["no_cache"]:
        return potential
    if options["cache_folder"] is not None:
        return cached(potential, Path(options["cache_folder"]))
    folder = default_folder()
    try:
        return potential if folder is None else cached(potential, folder)
    except InputError:
        return potential
