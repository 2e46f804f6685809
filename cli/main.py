"""The ``latmm`` command: finds its subcommands by name and turns errors into one line."""

import importlib
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import click

from latmm import __version__
from latmm.errors import LatmmError, one_line

from .checking import ChecksFailed
from .groups import CommandGroup
from .watching import watch

__all__ = ["cli", "main"]

COMMANDS = {
    "compare": "Thermal boundary conductance of an interface by every model.",
    "converge": "How many samples a conductance needs.",
    "inelastic": "Conductance with phonons scattered in crystals and contact.",
    "measured": "Measured conductances, with their sources.",
    "build": "Relaxed contact of two crystals, as a structure file.",
    "match": "Common in-plane cells of two crystals on any planes.",
    "modes": "Table of all modes that meet an interface.",
    "transmissivity": "Transmissivity of the phonons of a bulk mesh.",
    "scattering": "Mode conversion at chosen frequencies.",
    "wave": "Film of the wave that one phonon makes at the contact.",
    "ldos": "Local density of states through the contact.",
    "export": "Transmissivities on the phonons of phono3py or ShengBTE.",
    "amm": "Acoustic mismatch of two media or structure files.",
    "dmm": "Diffuse mismatch of two media or structure files.",
    "layers": "Acoustic mismatch of a stack of layers between two media.",
    "study": "Engineered layers, and ensembles of disordered contacts.",
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


class _Terminated(BaseException):
    """SIGTERM, raised in the main thread so that unfinished files are removed on the way out."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    0 well, 1 an error, 2 wrong usage, 3 a check failed (the result is written), 130 and 143 when interrupted.
    """
    if arguments is None:
        watch(sys.argv[1:])
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli.main(args=arguments, prog_name="latmm", standalone_mode=False)
        sys.stdout.flush()
    except LatmmError as error:
        click.echo(f"latmm: error: {one_line(error)}", err=True)
        sys.exit(1)
    except MemoryError:
        click.echo("latmm: error: not enough memory; take a coarser mesh or fewer frequencies", err=True)
        sys.exit(1)
    except click.ClickException as error:
        if isinstance(error, ChecksFailed):
            error.show()
            sys.exit(error.exit_code)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} -h' for help.\n", err=True)
        click.echo(f"Error: {one_line(error.format_message())}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("latmm: interrupted; no unfinished file is left", err=True)
        sys.exit(130)
    except _Terminated:
        click.echo("latmm: terminated; no unfinished file is left", err=True)
        sys.exit(143)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a disk is full or gone, also that of stdout
        if (
            sys.__stdout__ is not None and sys.stdout is sys.__stdout__
        ):  # what it still holds must not be written at the end
            with suppress(OSError):
                sys.stdout.close()
        where = "" if error.filename is None else f" {error.filename}"
        reason = error.strerror or error
        click.echo(f"latmm: error: cannot read or write{where}: {one_line(reason)}", err=True)
        sys.exit(1)
