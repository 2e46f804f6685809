"""Disordered and engineered contacts: what sits on the sites of a slab, drawn or laid out by hand."""
