#!/bin/sh
# Environments of the peers that benchmarks/kernel.py compares with. Usage: benchmarks/peers.sh [DIR]
# Kwant builds its extension modules and needs numpy < 2. It is much faster with MUMPS (Debian: libmumps-seq-dev, pkg-config);
# without it SciPy's solver takes over, and the benchmark says which one ran.
set -eu
dir=${1:-$(dirname "$0")/.peers}
python=${PYTHON:-python3}
mkdir -p "$dir"
test -x "$dir/kwant/bin/python" || "$python" -m venv "$dir/kwant"
"$dir/kwant/bin/pip" install --quiet 'numpy<2' 'scipy<1.14' 'Cython<3.1' setuptools wheel tinyarray
"$dir/kwant/bin/pip" install --quiet --no-build-isolation kwant
"$dir/kwant/bin/pip" install --quiet python-mumps || echo "MUMPS is not there: Kwant falls back on SciPy" >&2
test -x "$dir/sisl/bin/python" || "$python" -m venv "$dir/sisl"
"$dir/sisl/bin/pip" install --quiet sisl
