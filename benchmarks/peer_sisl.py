"""sisl's recursive self-energies on a stored problem, with CPU ms per point (best of a few), as JSON.

Runs in sisl's own environment."""

import json
import sys
import time

import numpy as np
import scipy.sparse
import sisl


def self_energy(onsite, hopping, direction):
    n = onsite.shape[0]
    atom = sisl.Atom(1, R=[1.5] * n)
    lattice = sisl.Lattice([10.0, 10.0, 1.0], nsc=[1, 1, 3])
    geometry = sisl.Geometry([[0.0, 0.0, 0.0]], atom, lattice)
    blocks = {0: onsite, 1: hopping, -1: hopping.conj().T}
    matrix = np.hstack([blocks[int(offset[2])] for offset in geometry.lattice.sc_off])
    hamiltonian = sisl.Hamiltonian.fromsp(geometry, scipy.sparse.csr_matrix(matrix))
    return sisl.RecursiveSI(hamiltonian, direction)


def main():
    data = np.load(sys.argv[1])
    left = self_energy(data["left0"], data["left1"], "-C")
    right = self_energy(data["right0"], data["right1"], "+C")
    z = (data["omega"] + 1j * float(data["eta"])) ** 2
    left.self_energy(z[0])
    spent = np.inf
    for _ in range(int(data["passes"])):
        start = time.process_time()
        found = []
        for point in z:
            found.append(np.trace(left.self_energy(point)))
            right.self_energy(point)
        spent = min(spent, 1e3 * (time.process_time() - start) / len(z))
    real, imag = ([float(x) for x in part] for part in (np.real(found), np.imag(found)))
    print(json.dumps({"ms": spent, "trace_real": real, "trace_imag": imag, "version": sisl.__version__}))


main()
