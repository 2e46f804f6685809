"""The potentials that come with latmm, each checked against ASE or matscipy."""
