#!/usr/bin/env bash
# Trains a variational auto-encoder on 60,000 images (Debian's dataset-fashion-mnist) and writes the
# run's report. What a finished run of the same program has left is kept and shown again.
set -euo pipefail
cd "$(dirname "$0")/.."

program=build/release/fathom
images=${FATHOM_DEMO_DATA:-/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz}
run=build/demo/fashion

if [ ! -e "$run/done" ] || [ "$program" -nt "$run/done" ]; then
  rm -rf "$run"
  mkdir -p "$(dirname "$run")"
  "$program" fit vae "$images" -o "$run" --latent 20 --epochs 5
  "$program" report "$run"
  touch "$run/done"
else
  "$program" info "$run"
fi
