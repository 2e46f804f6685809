"""Geometry of two crystals: orientation, terminations, common cells of their planes."""
