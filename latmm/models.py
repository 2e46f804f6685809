"""The models, in one table: what each is called, what it needs, who computes it, how it is drawn.

The command line, figures, documents and comparisons read this table. To add a continuum model, write its
function in a module of :mod:`latmm.continuum` and add a row here. Nothing heavy is imported before a model is
computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

__all__ = ["COMMANDS", "MODELS", "Model", "defaults", "offered"]

COMMANDS: Final = ("compare", "amm", "dmm")
"""Commands that offer models."""


@dataclass(frozen=True)
class Model:
    """A model of the thermal boundary conductance.

    Attributes
    ----------
    name : str
        As users type it.
    label : str
        In legends.
    summary : str
        What crosses, in a sentence's part.
    colour, line : str
        Of figures: a colour of Okabe and Ito's palette, distinct for the colour-blind, and Matplotlib's style
        of the line.
    function : str
        ``module:function`` that computes it; empty for the lattice, which the sweep solves.
    takes : tuple of str
        What the function is given of both sides, before the frequency grid: ``media``, their isotropic
        averages ``isotropic``, the channels of the full dispersion ``channels`` or by branch ``branches``;
        and what it is given after the grid: ``roughness``, ``temperature``.
    commands : tuple of str
        Those of :data:`COMMANDS` that offer it; none where another option asks for it.
    unasked : tuple of str
        Those that compute it if no model is named; ``media`` stands for the command ``dmm`` on media.
    bounded : bool
        It cannot exceed what the channels of one side carry, as no passive contact can.
    """

    name: str
    label: str
    summary: str
    colour: str
    line: str
    function: str
    takes: tuple[str, ...]
    commands: tuple[str, ...]
    unasked: tuple[str, ...] = ()
    bounded: bool = True

    @property
    def needs_dispersion(self) -> bool:
        """Whether the phonon dispersion of both sides must be known."""
        return self.of_lattice

    @property
    def needs_roughness(self) -> bool:
        """Whether the roughness of the interface must be given."""
        return "roughness" in self.takes

    @property
    def of_lattice(self) -> bool:
        """Whether it counts the lattice's own channels, whose limit it then obeys by construction."""
        return not self.function or bool({"channels", "branches"} & set(self.takes))

    @property
    def is_spectral(self) -> bool:
        """Whether it answers with Ξ(ν); otherwise with G(T) alone."""
        return "temperature" not in self.takes

    @property
    def compute(self) -> Callable[..., Any]:
        """The function."""
        module, _, name = self.function.partition(":")
        return getattr(import_module(f"latmm.continuum.{module}"), name)  # type: ignore[no-any-return]


_ALL = ("compare", "amm", "dmm")

MODELS: Final[dict[str, Model]] = {
    model.name: model
    for model in (
        Model(
            "agf",
            "AGF",
            "every phonon, by the atomistic Green's function",
            *("#000000", "-"),
            function="",
            takes=(),
            commands=("compare",),
            unasked=("compare",),
        ),
        Model(
            "amm",
            "AMM",
            "elastic waves at a flat contact of the anisotropic crystals, with mode conversion and total "
            "reflection",
            *("#0072b2", "-"),
            function="amm:acoustic_mismatch",
            takes=("media",),
            commands=("compare", "amm"),
            unasked=("compare", "amm"),
        ),
        Model(
            "amm-isotropic",
            "AMM, isotropic",
            "the same with the isotropic average of each stiffness",
            *("#56b4e9", "--"),
            function="amm:acoustic_mismatch_isotropic",
            takes=("isotropic",),
            commands=("compare", "amm"),
            unasked=("amm",),
        ),
        Model(
            "amm-scalar",
            "AMM, scalar",
            "each polarisation for itself, without mode conversion",
            *("#56b4e9", ":"),
            function="scalar:acoustic_mismatch_scalar",
            takes=("isotropic",),
            commands=("amm",),
        ),
        Model(
            "impedance",
            "impedance mismatch",
            "every wave as at normal incidence, on the channels of Debye's dispersion that both sides have",
            *("#56b4e9", "-."),
            function="impedance:impedance_mismatch",
            takes=("isotropic",),
            commands=("compare", "amm"),
        ),
        Model(
            "khalatnikov",
            "Khalatnikov",
            "sound of a liquid into a solid, surface waves included",
            *("#999999", "-"),
            function="rayleigh:khalatnikov",
            takes=("isotropic",),
            commands=("amm",),
        ),
        Model(
            "mixed",
            "mixed mismatch",
            "acoustic for wavelengths long against the interface's roughness, diffuse for short ones",
            *("#cc79a7", "-"),
            function="mixed:mixed_mismatch",
            takes=("media", "roughness"),
            commands=("compare", "amm"),
        ),
        Model(
            "dmm",
            "DMM",
            "diffuse scattering with the full dispersion of both crystals",
            *("#d55e00", "-"),
            function="dmm:diffuse_mismatch",
            takes=("channels",),
            commands=("compare", "dmm"),
            unasked=("compare", "dmm"),
        ),
        Model(
            "dmm-branch",
            "DMM by branch",
            "the same, each acoustic branch, in order of frequency, for itself",
            *("#d55e00", "-."),
            function="dmm:diffuse_mismatch_by_branch",
            takes=("branches",),
            commands=("compare", "dmm"),
        ),
        Model(
            "dmm-anisotropic",
            "DMM, elastic media",
            "diffuse scattering of the elastic waves that `amm` counts: the rough end of `mixed`",
            *("#e69f00", "-."),
            function="mixed:diffuse_mismatch_anisotropic",
            takes=("media",),
            commands=_ALL,
        ),
        Model(
            "dmm-debye",
            "DMM, Debye",
            "diffuse scattering on Debye's dispersion",
            *("#e69f00", "--"),
            function="dmm:diffuse_mismatch_debye",
            takes=("isotropic",),
            commands=("compare", "dmm"),
            unasked=("compare", "dmm", "media"),
        ),
        Model(
            "dmm-inelastic",
            "DMM, inelastic",
            "diffuse scattering into any frequency, weighted by heat capacities",
            *("#a6761d", "-"),
            function="dmm:inelastic_diffuse_conductance",
            takes=("channels", "temperature"),
            commands=("dmm",),
        ),
        Model(
            "dmm-inelastic-energy",
            "DMM, total energies",
            "the same by a balance of total energies",
            *("#a6761d", "--"),
            function="dmm:energy_balanced_conductance",
            takes=("channels", "temperature"),
            commands=("dmm",),
            bounded=False,
        ),
        Model(
            "dmm-joint-frequency",
            "DMM, joint frequencies",
            "diffuse scattering with joint modes of both sides",
            *("#a6761d", ":"),
            function="dmm:joint_frequency_diffuse_mismatch",
            takes=("isotropic",),
            commands=("dmm",),
            bounded=False,
        ),
        Model(
            "inelastic",
            "lattice with scattering",
            "phonons that scatter in both crystals and at their contact, at rates given by `--rates`",
            *("#000000", "--"),
            function="",
            takes=("temperature",),
            commands=(),
            bounded=False,
        ),
        Model(
            "radiation",
            "radiation limit of the lattice",
            "all that the lattice with fewer channels can carry: the upper limit of elastic transfer between "
            "the lattices",
            *("#009e73", ":"),
            function="dmm:radiation_limit",
            takes=("channels",),
            commands=("compare", "dmm"),
            unasked=("compare", "dmm"),
        ),
        Model(
            "radiation-debye",
            "radiation limit, Debye",
            "the same for the channels of Debye's dispersion",
            *("#009e73", "--"),
            function="dmm:debye_radiation_limit",
            takes=("isotropic",),
            commands=_ALL,
            unasked=("amm", "media"),
        ),
        Model(
            "radiation-inelastic",
            "radiation limit, inelastic",
            "all that the side with less can carry at any frequencies",
            *("#009e73", "-."),
            function="dmm:inelastic_radiation_conductance",
            takes=("channels", "temperature"),
            commands=("dmm",),
        ),
    )
}
"""Models by name, in the order of tables and legends."""


def offered(command: str) -> tuple[str, ...]:
    """Names of the models that a command offers."""
    return tuple(name for name, model in MODELS.items() if command in model.commands)


def defaults(command: str) -> tuple[str, ...]:
    """Names of the models that a command computes unasked; ``media``: the command ``dmm`` on media."""
    return tuple(name for name, model in MODELS.items() if command in model.unasked)
