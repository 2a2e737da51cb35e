#!/usr/bin/env bash
# Tries the lowest versions that pyproject.toml promises, in a new environment: bash tools/lowest_versions.sh
# It needs uv (https://docs.astral.sh/uv), which alone can choose them, and takes some minutes:
# its kernels are compiled anew.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
export MPLBACKEND=Agg MNISTLAB_CACHE_DIR="$scratch/cache"
uv venv --quiet --python 3.11 venv
uv pip install --quiet --python venv/bin/python --resolution lowest-direct "$root[search]"
uv pip list --python venv/bin/python

run() { echo "== mnistlab $*"; venv/bin/mnistlab "$@"; }
run train "$root/configs/quickstart.yaml" --quiet
run train "$root/configs/quickstart.yaml" model.type=cnn 'model.layers=[{conv: {filters: 4, kernel: 3}}, {activation: relu}, flatten]' lr_schedule.type=constant training.epochs=2 --quiet
run resume runs/latest training.epochs=3 --quiet
run sweep "$root/configs/quickstart.yaml" optimizer.lr=0.1,0.05 training.epochs=2 --quiet
run evaluate runs/latest
run predict runs/latest "$root/examples/digit.png"
run visualize runs/latest --force
run runs
run compare runs/*/
echo "== examples/tour.py"
venv/bin/python "$root/examples/tour.py"
