"""Energies, forces and stresses of the bundled interatomic potentials, vectorised over bonds."""
