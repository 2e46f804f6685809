"""The contact of two crystals: matched lattices, relaxed contact, blocks for the Green's function."""
