"""Inelastic transport: phonons scattered in the crystals and at their contact, between temperature nodes."""
