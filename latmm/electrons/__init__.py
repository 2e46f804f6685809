"""Heat that electrons carry beside phonons: resistance and conductance at contacts of metals."""
