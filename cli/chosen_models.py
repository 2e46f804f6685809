"""The models of an interface that a command computes: their options, and the check of what is asked for."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from latmm.models import MODELS, defaults, offered

from .numbers import ROUGHNESS

__all__ = ["check_models", "chosen_models", "model_options"]

_F = TypeVar("_F", bound=Callable[..., Any])
_OFFERED, _DEFAULT = offered("compare"), defaults("compare")


def model_options(function: _F) -> _F:
    """Add ``--model``, and ``--roughness`` of those that need it."""
    for decorate in (
        click.option(
            "--roughness",
            type=ROUGHNESS,
            metavar="NM",
            help="Root-mean-square roughness of the interface in nm, for the model mixed.",
        ),
        click.option(
            "--model",
            "models",
            multiple=True,
            metavar="NAME",
            help=f"Model to compute: {', '.join(_OFFERED)}; repeatable. By default {', '.join(_DEFAULT)}.",
        ),
    ):
        function = decorate(function)
    return function


def chosen_models(options: dict[str, Any]) -> tuple[str, ...]:
    """Name the models that were asked for, or those of the default."""
    return options["models"] or _DEFAULT


def check_models(options: dict[str, Any], *, with_roughness: bool = False) -> None:
    """Refuse models that are not there, and those whose roughness is not given.

    Parameters
    ----------
    options : dict
        Of the command.
    with_roughness : bool
        The roughness comes from elsewhere.

    Raises
    ------
    click.BadParameter
        If a model cannot be computed.
    """
    unknown = [name for name in options["models"] if name not in _OFFERED]
    if unknown:
        raise click.BadParameter(
            f"unknown model {unknown[0]!r}; choose from {', '.join(_OFFERED)}", param_hint="--model"
        )
    rough = [name for name in options["models"] if MODELS[name].needs_roughness]
    if rough and options["roughness"] is None and not with_roughness:
        raise click.BadParameter(
            f"the model {rough[0]} needs the roughness of the interface in nm, e.g. --roughness 0.3",
            param_hint="--roughness",
        )
