#!/usr/bin/env bash
# Trains a variational auto-encoder with a two-dimensional latent on the 8x8 digits of data/ and
# writes the run's report; under a minute. A run that the same program has left is shown again.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${FATHOM:-build/release/fathom}
run=${FATHOM_DEMO_RUN:-build/demo/digits}

if [ ! -e "$run/report.html" ] || [ "$program" -nt "$run/report.html" ]; then
  mkdir -p "$(dirname "$run")"
  "$program" fit vae data/digits.csv -o "$run" --force --latent 2 --hidden 256,128 --scale 16 \
    --binarize dynamic --epochs 200 --lr 0.002 --schedule cosine
else
  "$program" info "$run"
fi
