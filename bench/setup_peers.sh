#!/bin/sh
# Makes build/peers, a Python environment with the programs that the benchmarks compare with.
# Running it again does nothing unless a package is missing or the list below has changed.
set -eu

packages="torch==2.13.0 jax jaxlib numpy polars pyarrow pandas scikit-learn hmmlearn gensim"

root=$(cd "$(dirname "$0")/.." && pwd)
venv="$root/build/peers"
stamp="$venv/packages.txt"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ] && [ -x "$venv/bin/python" ]; then
    echo "peers: up to date in build/peers"
    exit 0
fi
if ! python3 -c 'import ensurepip' 2>/dev/null; then
    echo "peers: Python cannot make environments here; install python3-venv" >&2
    exit 1
fi
if ! command -v g++ >/dev/null; then
    echo "peers: torch.compile needs a C++ compiler; install g++" >&2
    exit 1
fi

mkdir -p "$root/build"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# shellcheck disable=SC2086  # the list is meant to be split
"$venv/bin/python" -m pip install --quiet $packages
"$venv/bin/python" -c 'import torch, jax, polars, pyarrow, pandas, sklearn
for m in (torch, jax, polars, pyarrow, pandas, sklearn): print("peers:", m.__name__, m.__version__)'
printf '%s' "$packages" >"$stamp"
