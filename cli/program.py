"""The ``latmm`` command: finds its subcommands by name, and imports one when it is called for."""

import importlib

import click

from latmm import __version__

from .groups import CommandGroup

__all__ = ["COMMANDS", "cli"]

COMMANDS = {
    "compare": "Thermal boundary conductance of an interface by every model.",
    "junction": "Junction of two sheets, ribbons, tubes or chains.",
    "converge": "How many samples a conductance needs.",
    "inelastic": "Conductance with phonons scattered in crystals and at the interface.",
    "measured": "Measured conductances, with their sources.",
    "build": "Relaxed interface of two crystals, as a structure file.",
    "match": "Common in-plane cells of two crystals on any planes.",
    "modes": "Table of all modes that meet an interface.",
    "transmissivity": "Transmissivity of the phonons of a bulk mesh.",
    "scattering": "Mode conversion at chosen frequencies.",
    "wave": "Film of the wave that one phonon makes at the interface.",
    "ldos": "Local density of states through the interface.",
    "export": "Transmissivities on the phonons of phono3py or ShengBTE.",
    "amm": "Acoustic mismatch of two media or structure files.",
    "dmm": "Diffuse mismatch of two media or structure files.",
    "layers": "Acoustic mismatch of a stack of layers between two media.",
    "study": "Grids of parameters, engineered layers, superlattices, disorder.",
    "structures": "The structure files that come with latmm.",
    "report": "A result as one HTML page.",
    "plot": "Figures of a stored result, and what is drawn as CSV.",
    "run": "A study from a file, or a result once more.",
    "config": "Write, describe and check study files.",
    "phonons": "Phonons of a crystal: dispersion, density of states, heat capacity.",
    "elastic": "Elastic constants and speeds of sound of a crystal.",
    "info": "Variables, units, checks and provenance of a result file.",
    "cite": "BibTeX of latmm and of what a result used.",
    "doctor": "Versions, linear algebra, plug-ins, and a test of five seconds.",
}
"""Subcommands, each in the module of its name, with its one-line help: none is imported to list them."""


class _Lazy(CommandGroup):
    """A group that imports a subcommand when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{cmd_name}", __package__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands from their one-line help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="latmm")
def cli() -> None:
    """Heat flow across interfaces between crystals: lattice dynamics against continuum models."""
