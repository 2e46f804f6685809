"""Structure files by material, and the parameter files of the bundled potentials.

Data only: read with :func:`importlib.resources.files`, ``files("latmm_structures") / "si.cif"``.
"""
