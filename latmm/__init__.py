"""latmm: heat flow across interfaces between crystals, lattice dynamics against continuum models."""

__version__ = "0.1.0.dev0"
