"""Measured thermal boundary conductances: data, their reader, and how they stand beside a calculation."""
