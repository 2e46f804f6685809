#!/bin/sh
# Environments of the peers that benchmarks/kernel.py compares with. Usage: benchmarks/peers.sh [DIR]
# Kwant builds its extension modules and needs numpy < 2.
set -eu
dir=${1:-$(dirname "$0")/.peers}
python=${PYTHON:-python3}
mkdir -p "$dir"
test -x "$dir/kwant/bin/python" || "$python" -m venv "$dir/kwant"
"$dir/kwant/bin/pip" install --quiet 'numpy<2' 'scipy<1.14' 'Cython<3.1' setuptools wheel tinyarray
"$dir/kwant/bin/pip" install --quiet --no-build-isolation kwant
test -x "$dir/sisl/bin/python" || "$python" -m venv "$dir/sisl"
"$dir/sisl/bin/pip" install --quiet sisl
