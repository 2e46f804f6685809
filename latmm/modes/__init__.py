"""Scattering phonon by phonon: every lattice wave of both crystals, labelled, beside the continuum."""
