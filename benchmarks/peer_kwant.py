"""Kwant on a stored problem: prints transmissions and CPU ms per point (best of a few passes) as JSON.

Runs in Kwant's own environment."""

import functools
import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")
import kwant  # noqa: E402

# the default stabilization loses modes when the hopping is ill-conditioned
kwant.physics.modes = functools.partial(kwant.physics.modes, stabilization=(True, True))


def chain_lead(lattice, onsite, hopping, direction):
    symmetry = kwant.TranslationalSymmetry((direction,))
    lead = kwant.Builder(symmetry)
    lead[lattice(0)] = onsite
    lead[lattice(0), lattice(1)] = hopping
    return lead


def main():
    data = np.load(sys.argv[1])
    layers = int(data["layers"])
    n = data["left0"].shape[0]
    lattice = kwant.lattice.chain(norbs=n)
    system = kwant.Builder()
    onsite = [data["left0"], *(data[f"onsite{i}"] for i in range(layers)), data["right0"]]
    for i, block in enumerate(onsite):
        system[lattice(i)] = block
    for i in range(layers + 1):
        system[lattice(i), lattice(i + 1)] = data[f"hopping{i}"]
    system.attach_lead(chain_lead(lattice, data["left0"], data["left1"], -1))
    system.attach_lead(chain_lead(lattice, data["right0"], data["right1"], 1))
    finished = system.finalized()
    omega = data["omega"]
    kwant.smatrix(finished, omega[0] ** 2)  # warm up
    spent = np.inf
    for _ in range(int(data["passes"])):
        start = time.process_time()
        found = [float(kwant.smatrix(finished, w**2).transmission(1, 0)) for w in omega]
        spent = min(spent, 1e3 * (time.process_time() - start) / len(omega))
    solver = f"kwant {kwant.__version__}, {kwant.solvers.default.smatrix.__self__.__class__.__module__}"
    print(json.dumps({"ms": spent, "transmission": found, "solver": solver}))


main()
