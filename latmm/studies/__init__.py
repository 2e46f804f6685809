"""Studies of many contacts at once: ensembles of disorder, and layers made to measure."""
