"""Continuum models of an interface: elastic media, acoustic mismatch, diffuse mismatch.

Everything here answers in the common currency of :mod:`latmm.landauer`: channels per area at a frequency.
"""
