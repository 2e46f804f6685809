"""Lattice dynamics of a bulk crystal: force constants, phonons, stiffness, and the potentials behind them."""
