"""Potentials: bundled ones, calculators from outside, their forces with a cache, relaxation."""
